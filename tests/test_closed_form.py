"""Explanations in closed form, against the enumeration of everything that LIME's law can draw."""

import numpy as np
import pytest
from helpers.enumeration import COUNT, EDGES, make_table, ridge_by_enumeration
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.models import adapt

MODELS = [
    DecisionTreeRegressor(max_depth=4, random_state=0),
    DecisionTreeClassifier(random_state=0),
    RandomForestRegressor(5, random_state=0),
    RandomForestClassifier(5, random_state=0),
    ExtraTreesRegressor(5, random_state=0),
    GradientBoostingRegressor(n_estimators=8, random_state=0),
]


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_weights_are_those_of_the_enumeration(model, alpha):
    rows = make_table(3)
    rng = np.random.default_rng(1)
    target = rows[:, 0] * (rows[:, 1] > 0) + 3 * rows[:, 2] + rng.normal(size=COUNT)
    classes = np.digitize(target, [0.0, 2.0])
    model.fit(rows, classes if "Classifier" in type(model).__name__ else target)
    explainer = TabularExplainer(rows, categorical_features=[0], alpha=alpha, feature_selection="none", discretizer=EDGES)
    ask = getattr(model, "predict_proba", model.predict)
    for instance in rows[:5]:
        explanation = explainer.explain_instance(instance, model, num_samples=1000)
        assert explanation.provenance.design == "exact"
        for surrogate in explanation.surrogates:
            weights, intercept = ridge_by_enumeration(
                rows,
                instance,
                lambda drawn, label=surrogate.label: ask(drawn).reshape(len(drawn), -1)[:, label],
                width=explainer.options.kernel_width,
                alpha=alpha,
                nominal_draws=1000,
            )
            found = dict(zip(surrogate.components, surrogate.weights, strict=True))
            np.testing.assert_allclose([found[number] for number in range(4)], weights, rtol=0, atol=1e-10)
            assert surrogate.intercept == pytest.approx(intercept, abs=1e-10)
            assert surrogate.lows == surrogate.highs == surrogate.weights


def test_log_odds_of_boosted_trees_are_exact():
    rows = make_table(5)
    model = GradientBoostingClassifier(n_estimators=6, random_state=0).fit(rows, rows[:, 0] + rows[:, 1] > 1)
    explainer = TabularExplainer(rows, categorical_features=[0], alpha=0, feature_selection="none", discretizer=EDGES)
    explanation = explainer.explain_instance(rows[0], model, link="logit")
    assert explanation.provenance.design == "exact"
    weights, _ = ridge_by_enumeration(
        rows, rows[0], model.decision_function, width=explainer.options.kernel_width, alpha=0, nominal_draws=5000
    )
    found = dict(explanation.as_map()[1])
    np.testing.assert_allclose([found[number] for number in range(4)], weights, rtol=0, atol=1e-9)
    assert explainer.explain_instance(rows[0], model).provenance.design == "sobol"


def test_missing_values_go_where_the_tree_sends_them():
    rows = make_table(7, missing=True)
    target = np.where(np.isnan(rows[:, 1]), 3.0, rows[:, 1]) + rows[:, 0]
    for model in (DecisionTreeRegressor(random_state=0), RandomForestRegressor(4, random_state=0)):
        model.fit(rows, target)
        explainer = TabularExplainer(rows, categorical_features=[0], alpha=0, feature_selection="none", discretizer=EDGES)
        for instance in (rows[0], rows[np.isnan(rows[:, 1])][0]):
            explanation = explainer.explain_instance(instance, model)
            assert explanation.provenance.design == "exact"
            weights, _ = ridge_by_enumeration(
                rows, instance, model.predict, width=explainer.options.kernel_width, alpha=0, nominal_draws=5000
            )
            found = dict(explanation.as_map()[0])
            np.testing.assert_allclose([found[number] for number in range(4)], weights, rtol=0, atol=1e-10)


def test_leaves_that_only_missing_values_reach():
    """The first split sends missing values with the small ones, the second one tells them apart: no interval is left."""
    rows = make_table(8, missing=True)
    target = np.where(np.isnan(rows[:, 1]), 1.0, 10.0 * (rows[:, 1] > 3))
    model = DecisionTreeRegressor(random_state=0).fit(rows, target)
    assert np.isinf(model.tree_.threshold).any()
    explainer = TabularExplainer(rows, categorical_features=[0], alpha=0, feature_selection="none", discretizer=EDGES)
    for instance in (rows[0], rows[np.isnan(rows[:, 1])][0]):
        explanation = explainer.explain_instance(instance, model)
        weights, _ = ridge_by_enumeration(
            rows, instance, model.predict, width=explainer.options.kernel_width, alpha=0, nominal_draws=5000
        )
        found = dict(explanation.as_map()[0])
        np.testing.assert_allclose([found[number] for number in range(4)], weights, rtol=0, atol=1e-10)


def test_an_estimator_that_is_fitted_again_is_read_again():
    rows = make_table(9)
    model = RandomForestRegressor(3, random_state=0).fit(rows, rows[:, 0])
    explainer = TabularExplainer(rows, feature_selection="none")
    before = explainer.explain_instance(rows[0], model)
    model.fit(rows, rows[:, 1])
    after = explainer.explain_instance(rows[0], model)
    assert after.provenance.design == "exact"
    assert after == TabularExplainer(rows, feature_selection="none").explain_instance(
        rows[0], RandomForestRegressor(3, random_state=0).fit(rows, rows[:, 1])
    )
    assert before != after


class Shifted(RandomForestRegressor):
    def predict(self, X):
        return super().predict(X) + X[:, 1] ** 2


def test_what_is_no_plain_sum_is_sampled():
    rows = make_table(11)
    model = Shifted(3, random_state=0).fit(rows, rows[:, 0])
    explanation = TabularExplainer(rows).explain_instance(rows[0], model)
    assert explanation.provenance.design == "sobol"


@pytest.mark.parametrize(
    ("model", "link", "name"),
    [
        (LinearRegression(), "identity", "predict"),
        (Ridge(3.0), "identity", "predict"),
        (LogisticRegression(), "logit", "decision_function"),
    ],
)
def test_linear_models_are_exact(model, link, name):
    rows = make_table(13)
    target = rows @ [0.5, -1.0, 2.0, 0.3]
    model.fit(rows, target > 0.5 if link == "logit" else target)
    explainer = TabularExplainer(rows, categorical_features=[0], alpha=0, feature_selection="none", discretizer=EDGES)
    explanation = explainer.explain_instance(rows[0], model, link=link)
    assert explanation.provenance.design == "exact"
    weights, _ = ridge_by_enumeration(
        rows, rows[0], getattr(model, name), width=explainer.options.kernel_width, alpha=0, nominal_draws=5000
    )
    found = dict(explanation.as_map()[explanation.default_label])
    np.testing.assert_allclose([found[number] for number in range(4)], weights, rtol=0, atol=1e-9)


def test_log_odds_beyond_what_probabilities_tell_are_exact():
    rows = make_table(15)
    is_noisy = (rows[:, 1] == 0.1) & (np.arange(COUNT) % 3 == 0)
    target = (rows[:, 0] + rows[:, 1] > 1) ^ is_noisy
    for model in (LogisticRegression(), GradientBoostingClassifier(n_estimators=400, random_state=0)):
        model.fit(rows, target)
        if isinstance(model, LogisticRegression):
            model.coef_ *= 10
        margins = model.decision_function(rows)
        assert 0.05 < np.mean(np.abs(margins) > 14) < 0.95
        explainer = TabularExplainer(rows, categorical_features=[0], discretizer=EDGES, feature_selection="none")
        for number in (int(np.argmax(margins)), int(np.argmin(np.abs(margins)))):
            by_margin = explainer.explain_instance(rows[number], model.decision_function)
            explanation = explainer.explain_instance(rows[number], model, link="logit")
            assert explanation.is_exact
            assert dict(explanation.as_list()) == pytest.approx(dict(by_margin.as_list()), rel=1e-9, abs=1e-9)
            assert explanation.surrogate().fidelity == pytest.approx(by_margin.surrogate().fidelity, abs=1e-6)


def test_probabilities_that_are_all_clipped_show_no_sum():
    rows = make_table(17)
    model = LogisticRegression(C=1e12, max_iter=10_000).fit(rows[:, [2]], rows[:, 2])
    model.intercept_ += 1e3
    explanation = TabularExplainer(rows[:, [2]]).explain_instance(rows[0, [2]], model, link="logit")
    assert not explanation.is_exact


@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_a_sum_is_the_model_for_one_row_and_for_many_and_for_the_same_ones_again(share_missing):
    rows = make_table(7)
    rows[np.random.default_rng(0).random(rows.shape) < share_missing] = np.nan
    model = RandomForestRegressor(9, random_state=0).fit(rows, np.nan_to_num(rows[:, 0]) * np.nan_to_num(rows[:, 1]))
    explainer = TabularExplainer(rows)
    model_sum = adapt(model, explainer.components(rows[0]), shortcuts=True).model_sum
    for asked in (rows[:50], rows[:50], rows[50:113], rows[:1], rows[:50]):
        sums = model_sum.evaluate(asked)
        np.testing.assert_allclose(sums[:, 0], model.predict(asked), rtol=0, atol=1e-12)
        sums[:] = np.nan  # the caller's own
    for row in rows[:20]:
        np.testing.assert_allclose(model_sum.evaluate(row[None])[0], model.predict(row[None]), rtol=0, atol=1e-12)
