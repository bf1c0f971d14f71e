"""Alerts where the surrogate and the model disagree about the instance itself."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from limelight import ComponentsExplainer, Explanation, TabularExplainer, TextExplainer

ROWS = np.random.default_rng(5).normal(size=(600, 4))
SPECIAL = ROWS[7]
TEXT = "please send the report before noon or call me at home tonight"


def alerts(explanation):
    return [notice for notice in explanation.notices if notice.level == "alert"]


def alert(explanation, code):
    (notice,) = alerts(explanation)
    assert notice.code == code
    return notice.message


def is_special(rows):
    return np.abs(rows - SPECIAL).max(axis=1) < 1e-9


def smooth(rows):
    return 0.3 * np.tanh(rows[:, 0]) - 0.2 * np.tanh(rows[:, 1])


def near(rows, height):
    """A smooth score with an exception for one row."""
    return smooth(rows) + height * is_special(rows)


class Switches:
    def __init__(self, count):
        self.names = [f"switch {i}" for i in range(count)]

    def compose(self, masks):
        return masks


# --- kind B: it is said first -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height", [5.0, -2.0])
def test_kind_b_a_regression_that_makes_an_exception_of_the_row(height):
    explanation = TabularExplainer(ROWS).explain_instance(SPECIAL, lambda rows: near(rows, height))
    message = alert(explanation, "off_at_instance")
    assert f"{explanation.predictions[0]:.3g} by the model" in message
    assert f"{explanation.surrogate().local_prediction:.3g} by the surrogate" in message
    assert explanation.notices[0].level == "alert"
    ordinary = TabularExplainer(ROWS).explain_instance(ROWS[8], lambda rows: near(rows, height))
    assert not alerts(ordinary)


def test_kind_b_probabilities_on_the_other_side():
    def model(rows):
        p = np.where(is_special(rows), 0.8, 0.3 + 0.3 * (rows[:, 0] > 1.5))
        return np.c_[1 - p, p]

    explanation = TabularExplainer(ROWS, class_names=["bad", "good"]).explain_instance(SPECIAL, model)
    message = alert(explanation, "other_side")
    assert "good is 0.8 by the model" in message
    assert "0.5 divides the decisions" in message
    log_odds = TabularExplainer(ROWS, class_names=["bad", "good"]).explain_instance(SPECIAL, model, link="logit")
    assert "0 divides the decisions" in alert(log_odds, "other_side")


def test_kind_b_a_class_of_three_that_is_not_the_surrogates():
    def model(texts):
        is_whole = np.array([text == TEXT for text in texts])
        return np.where(is_whole[:, None], [0.2, 0.1, 0.7], [0.6, 0.3, 0.1])

    explanation = TextExplainer(class_names=["a", "b", "c"]).explain_instance(TEXT, model)
    assert re.search(r"c is 0\.7 by the model, 0\.1 by the surrogate", alert(explanation, "other_side"))
    both = TextExplainer(class_names=["a", "b", "c"]).explain_instance(TEXT, model, labels=[0, 2])
    assert [notice.code for notice in alerts(both)] == ["other_side", "other_side"]


@pytest.mark.parametrize("names", [None, ["outlier", "inlier"]])
def test_kind_b_outliers_by_an_isolation_forest(names):
    rows = pd.DataFrame(np.random.default_rng(2).normal(size=(300, 4)), columns=list("wxyz"))
    rows.iloc[5, 2] = -11.0
    forest = IsolationForest(random_state=1).fit(rows)
    explanation = TabularExplainer(rows, class_names=names).explain_instance(rows.iloc[5], forest)
    assert explanation.predictions[0] < 0 < explanation.surrogate().local_prediction
    message = alert(explanation, "other_side")
    assert "0 divides the decisions" in message
    assert 'sampler="around"' in message  # which helps, as follows
    nearer = TabularExplainer(rows, class_names=names, sampler="around").explain_instance(rows.iloc[5], forest)
    assert nearer.surrogate().local_prediction < 0
    assert not alerts(nearer)


def test_kind_b_margins_of_a_callable_with_two_names():
    svm = OneClassSVM(gamma=0.5, nu=0.3).fit(ROWS)
    bound = TabularExplainer(ROWS).explain_instance(SPECIAL, svm.decision_function)
    named = TabularExplainer(ROWS, class_names=["out", "in"]).explain_instance(
        SPECIAL, lambda rows: np.where(is_special(rows), -1.0, 1.0 + 0.1 * rows[:, 0])
    )
    assert "in is -1 by the model" in alert(named, "other_side")
    assert all("0 divides" in notice.message for notice in alerts(bound) if notice.code == "other_side")


def test_kind_b_a_state_that_was_never_drawn_is_not_zero_without_a_word():
    explanation = ComponentsExplainer().explain_instance(Switches(40), lambda masks: 3.0 * masks.all(axis=1))
    assert "output is 3 by the model, 0 by the surrogate" in alert(explanation, "off_at_instance")
    assert "constant_output" in [notice.code for notice in explanation.warnings]


def test_kind_b_a_regression_has_no_sides():
    explanation = TabularExplainer(ROWS, mode="regression").explain_instance(
        SPECIAL, lambda rows: np.where(is_special(rows), -0.5, 0.5 + rows[:, 0])
    )
    assert not [notice for notice in alerts(explanation) if notice.code == "other_side"]


# --- what is named helps ------------------------------------------------------------------------------------------------------


def test_kind_b_more_components_where_they_bring_both_together():
    rows = np.random.default_rng(3).normal(size=(800, 40))
    row = np.abs(rows[0]) + 0.7

    def model(asked):
        return (asked > 0.5).sum(axis=1).astype(float)

    explanation = TabularExplainer(rows).explain_instance(row, model)
    assert explanation.predictions[0] == 40
    (count,) = re.findall(r"with num_features=(\d+)", alert(explanation, "off_at_instance"))
    again = TabularExplainer(rows).explain_instance(row, model, num_features=int(count))
    assert not alerts(again)


def test_kind_b_a_narrower_kernel_where_it_brings_both_together():
    def model(masks):
        return 1.0 / (1.0 + np.exp(3.0 * ((1 - masks).sum(axis=1) - 2.5)))

    explanation = ComponentsExplainer().explain_instance(Switches(11), lambda masks: np.c_[1 - model(masks), model(masks)])
    (width,) = re.findall(r"with kernel_width=([\d.]+)", alert(explanation, "other_side"))
    nearer = ComponentsExplainer(kernel_width=float(width))
    assert not alerts(nearer.explain_instance(Switches(11), lambda masks: np.c_[1 - model(masks), model(masks)]))


# --- and not needlessly -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "model"),
    [
        (load_breast_cancer, make_pipeline(StandardScaler(), LogisticRegression())),
        (load_breast_cancer, RandomForestClassifier(20, random_state=0)),
        (load_iris, make_pipeline(StandardScaler(), LogisticRegression())),
        (load_diabetes, LinearRegression()),
    ],
    ids=["logistic", "forest", "three classes", "linear"],
)
def test_kind_b_ordinary_rows_of_ordinary_models_hardly_ever_alert(load, model):
    data = load()
    model.fit(data.data[::2], data.target[::2])
    explanations = TabularExplainer(data.data[::2]).explain_many(data.data[1::6], model)
    alarmed = [explanation for explanation in explanations if alerts(explanation)]
    # Those that remain are rows whose prediction and local prediction do lie on two sides.
    assert len(alarmed) <= 0.1 * len(explanations)
    assert not [explanation for explanation in alarmed if alerts(explanation)[0].code == "off_at_instance"]


def test_kind_b_texts_of_a_linear_model_never_alert():
    weights = {"good": 0.3, "bad": -0.3, "plot": 0.1, "acting": 0.05}

    def model(texts):
        score = np.array([sum(weights.get(word, 0) for word in text.split()) for text in texts])
        p = 1 / (1 + np.exp(-2 * score))
        return np.c_[1 - p, p]

    texts = ["good plot and bad acting", "bad plot bad acting good music", "nothing to say about it", "good good plot it is"]
    assert not [notice for text in texts for notice in alerts(TextExplainer().explain_instance(text, model))]


def test_alerts_are_the_same_in_batches():
    def model(rows):
        return near(rows, 4.0)

    alone = [TabularExplainer(ROWS).explain_instance(row, model) for row in ROWS[5:9]]
    assert list(TabularExplainer(ROWS).explain_many(ROWS[5:9], model)) == alone
    assert [bool(alerts(explanation)) for explanation in alone] == [False, False, True, False]
    assert Explanation.from_json(alone[2].to_json()).notices == alone[2].notices
