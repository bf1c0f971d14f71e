"""What bins cost: what a poor surrogate of a table misses, and what following the notice's advice reaches."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import RandomForestClassifier

from limelight import TabularExplainer


def normal_rows(columns=6, count=1000, seed=0):
    return np.random.default_rng(seed).normal(size=(count, columns))


def low_fidelity(explanation):
    (message,) = [notice.message for notice in explanation.notices if notice.code == "low_fidelity"]
    return message


def percent(message, words):
    return int(re.search(rf"(\d+) % that {words}", message).group(1))


def promised(message, words):
    return float(re.search(rf"{words}.*?about (\d\.\d)(?:;|\.$)", message).group(1))


def fidelity(rows, model, row, **options):
    return TabularExplainer(rows, **options).explain_instance(row, model, num_samples=4000).surrogates[0].fidelity


def test_slopes_are_lost_within_bins():
    rows = normal_rows()
    row = np.full(6, -0.05)  # in an inner bin, whose indicator hardly tells of a slope
    explanation = TabularExplainer(rows).explain_instance(row, lambda x: x.sum(axis=1), num_samples=2000)
    message = low_fidelity(explanation)
    assert percent(message, "slopes within the bins would follow") > 70
    assert "neither bins nor slopes follow" not in message  # nothing is left
    assert "other columns' bins" not in message
    assert promised(message, "without bins") == 1


def test_products_are_left_over():
    rows = normal_rows()
    explanation = TabularExplainer(rows).explain_instance(
        rows[0], lambda x: np.sign(x[:, 0] * x[:, 1] * x[:, 2]), num_samples=2000
    )
    message = low_fidelity(explanation)
    assert percent(message, "neither bins nor slopes follow") > 85
    assert "Fidelity would be" not in message


def test_other_bins_are_left_out_of_a_short_list():
    rows = np.random.default_rng(2).normal(size=(1000, 12))
    edges = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    own = [np.searchsorted(edges[:, number], rows[0, number]) for number in range(12)]

    def model(x):
        return sum(np.searchsorted(edges[:, number], x[:, number]) == own[number] for number in range(12)).astype(float)

    explainer = TabularExplainer(rows)
    message = low_fidelity(explainer.explain_instance(rows[0], model, num_features=2, num_samples=2000))
    assert percent(message, "other columns' bins would follow") == pytest.approx(83, abs=3)
    assert promised(message, "num_features than 2 up to") == 1
    assert explainer.explain_instance(rows[0], model, num_features=12, num_samples=2000).surrogates[0].fidelity > 0.99


def test_a_category_has_no_slope():
    rng = np.random.default_rng(3)
    rows = np.column_stack([rng.choice(6, size=800), rng.normal(size=(800, 2))])

    def model(x):
        return np.where(x[:, 0] < 3, 1.0, -1.0) * np.where(x[:, 1] > 0, 1.0, -1.0)

    explainer = TabularExplainer(rows, categorical_features=[0])
    message = low_fidelity(explainer.explain_instance(rows[0], model, num_samples=2000))
    assert percent(message, "neither bins nor slopes follow") > 90


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
@pytest.mark.parametrize("is_exact", [True, False])
def test_advice_reaches_what_it_promises(load, is_exact):
    rows, labels = load(return_X_y=True)
    forest = RandomForestClassifier(30, random_state=0).fit(rows, labels)

    def black_box(x):
        return forest.predict_proba(x)

    explainer, finer = TabularExplainer(rows), TabularExplainer(rows, discretize_continuous=False)
    differences = []
    for row in rows[:150:10]:
        explanation = explainer.explain_instance(row, forest if is_exact else black_box, labels=[1], num_samples=1500)
        assert explanation.is_exact == is_exact
        if "low_fidelity" in {notice.code for notice in explanation.notices}:
            message = low_fidelity(explanation)
            reached = finer.explain_instance(row, black_box, labels=[1], num_samples=1500).surrogates[0].fidelity
            assert reached > explanation.surrogates[0].fidelity + 0.2
            differences.append(promised(message, "without bins") - reached)
    assert len(differences) >= 4
    assert np.abs(differences).max() < 0.2
    assert abs(np.mean(differences)) < 0.15


@pytest.mark.parametrize("kind", ["narrow kernel", "own kernel", "few rows"])
def test_where_it_is_not_known_the_notice_says_what_may_help(kind):
    rows = normal_rows()
    options = {"narrow kernel": {"kernel_width": 0.3}, "own kernel": {"kernel": lambda distances, _: 1 / (1 + distances)}}
    explanation = TabularExplainer(rows, **options.get(kind, {})).explain_instance(
        rows[0], lambda x: np.sin(20 * x).sum(axis=1), num_samples=25 if kind == "few rows" else 2000
    )
    assert "Bins lose what numbers say within them: discretize_continuous=False" in low_fidelity(explanation)


def test_batches_say_the_same():
    rows, labels = load_wine(return_X_y=True)
    forest = RandomForestClassifier(10, random_state=0).fit(rows, labels)
    explainer = TabularExplainer(rows)
    many = explainer.explain_many(rows[:8], forest, labels=[1])
    assert [one.notices for one in many] == [explainer.explain_instance(row, forest, labels=[1]).notices for row in rows[:8]]


@pytest.mark.parametrize(
    "model",
    [
        lambda x: np.exp(2 * x[:, 0]),
        lambda x: np.exp(3 * x[:, 0]),
        lambda x: x[:, 0] ** 5,
        lambda x: np.exp(x @ [1, 0.5, -0.5, 0.3, 0.2, 0.8]),
    ],
)
def test_no_figure_is_promised_where_a_few_extreme_outputs_decide(model):
    rows = np.random.default_rng(1).normal(size=(300, 6))
    for row in rows[:4]:
        message = low_fidelity(TabularExplainer(rows, mode="regression").explain_instance(row, model, num_samples=1000))
        assert "How well slopes without bins would do is not known" in message
        assert "without bins (" not in message
