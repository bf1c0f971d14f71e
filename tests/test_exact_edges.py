"""Exact explanations at the edges of what doubles hold, and where few perturbations say little."""

import re
import tracemalloc

import numpy as np
import pytest
from helpers.enumeration import EDGES, make_table, ridge_by_enumeration
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.exceptions import LimelightError
from limelight.stages.closed_form import ClosedForm
from limelight.stages.linear_sum import LinearSum
from limelight.stages.perturbation import DESIGNS, plan_trial
from limelight.stages.selection import Uncorrelated, choose_components


def fitted_forest(rows):
    return RandomForestRegressor(5, random_state=0).fit(rows, rows[:, 0] * (rows[:, 1] > 0) + 3 * rows[:, 2])


def weights_near_the_row(rows, instance, model):
    """By how much the row's own value in each column raises the mean over that column, where all other columns have theirs."""
    weights = []
    for column, values in enumerate(rows.T):
        drawn = np.repeat(instance[None], len(rows), axis=0)
        drawn[:, column] = values
        is_other = values != instance[column]
        answers = model.predict(drawn)
        weights.append(answers[~is_other].mean() - answers[is_other].mean() if is_other.any() else 0.0)
    return weights


@pytest.mark.parametrize("width", [0.05, 0.06, 0.1, 1e3, 1e90])
def test_narrow_and_wide_kernels_have_the_weights_of_the_enumeration(width):
    rows = make_table(3)
    model = fitted_forest(rows)
    options = {"kernel_width": width, "alpha": 0, "feature_selection": "none", "discretizer": EDGES}
    explanation = TabularExplainer(rows, categorical_features=[0], **options).explain_instance(rows[0], model)
    assert explanation.is_exact
    if width < 1:
        weights = weights_near_the_row(rows, rows[0], model)
    else:
        weights, _ = ridge_by_enumeration(rows, rows[0], model.predict, width=width, alpha=0, nominal_draws=5000)
    found = dict(explanation.as_map()[0])
    np.testing.assert_allclose([found[number] for number in range(4)], weights, rtol=0, atol=1e-10)


@pytest.mark.parametrize("options", [{}, {"groups": {"both": [0, 2]}}, {"discretize_continuous": False}])
@pytest.mark.parametrize("width", [1e-200, 0.02, 1e200])
def test_kernels_that_leave_too_few_digits_are_sampled(width, options):
    rows = make_table(3)
    explainer = TabularExplainer(rows, categorical_features=[0], kernel_width=width, alpha=0, **options)
    try:
        explanation = explainer.explain_instance(rows[0], fitted_forest(rows))
    except LimelightError:
        return  # as for any black box
    assert not explanation.is_exact


def test_what_few_perturbations_say_is_not_taken_for_the_models():
    rows = np.random.default_rng(0).normal(size=(500, 4))
    explanation = TabularExplainer(rows, kernel_width=0.1, alpha=0).explain_instance(rows[0], fitted_forest(rows))
    codes = {notice.code for notice in explanation.notices}
    assert explanation.is_exact
    assert "low_effective_sample_size" in codes
    assert not codes & {"constant_output", "off_at_instance", "low_fidelity"}


def test_an_effect_that_no_perturbation_showed_is_no_constant_output():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 4))
    is_rare = (rows[:, 0] > 2.0) & (rows[:, 1] > 0)
    model = DecisionTreeRegressor(random_state=0).fit(rows, is_rare.astype(float))
    shown = 0
    for seed in range(6):
        explanation = TabularExplainer(rows, alpha=0, random_state=seed).explain_instance(rows[0], model)
        assert explanation.is_exact
        assert np.count_nonzero(explanation.surrogate().weights) >= 2
        shown += not np.isnan(explanation.surrogate().fidelity)
        assert "constant_output" not in {notice.code for notice in explanation.notices}
    assert shown < 6


class Reading:
    """A linear model's coefficients, one of which was read wrongly."""

    def __init__(self, rows, error):
        self.model_sum = LinearSum(np.array([[1.0, 2.0], [0.001, 0.0]]), "identity")
        self.read = LinearSum(np.array([[1.0, 2.0], [0.001, error]]), "identity")
        self.rows = rows

    def is_believed(self, constant, dtype=float):
        """Whether the sum that was read is taken for the model's, whose answers have a constant."""
        explainer = TabularExplainer(self.rows)
        components = explainer.components(self.rows[0])
        design = DESIGNS.load("sobol")((0, components.content), None)
        look = plan_trial(design, 5000, 0, has_missing_as_mean=False)
        neighbourhoods = components.neighbourhoods(look.design, look.stretch)
        closed_form = ClosedForm(self.read, components.product_law, 1.0, {})
        answers = [
            (self.model_sum.evaluate(part.inputs.take(np.arange(257))) + constant).astype(dtype).astype(float)
            for part in neighbourhoods
        ]
        own = answers[0][0]
        return closed_form.find_limit(neighbourhoods, own, [part[1:] for part in answers], (0, 1)) is not None


@pytest.mark.parametrize("constant", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, float])
def test_small_effects_beside_large_answers_are_proved(constant, dtype):
    rows = np.random.default_rng(0).normal(size=(500, 2))
    offset = np.array([constant, 0.0])
    assert Reading(rows, 0.0).is_believed(offset, dtype) == (constant < 1e6 or dtype is float)
    assert not Reading(rows, 1e-6).is_believed(offset, dtype)
    offset = np.array([0.0, constant])
    assert Reading(rows, 0.0).is_believed(offset, dtype) == (constant == 0 or dtype is float)
    assert not Reading(rows, 1e-6).is_believed(offset, dtype)


def explain_shares(shares, instance, **options):
    """The weights of a sum of two columns with the values 0, 1 and 2, drawn with these shares, in the columns' order."""
    rows = np.random.default_rng(0).choice([0.0, 1.0, 2.0], (300, 2))
    options |= {"categorical_features": [0, 1], "alpha": 0, "feature_selection": "none", "feature_names": ["a", "b"]}
    saved = TabularExplainer(rows, **options).statistics()
    saved["feature_frequencies"] = dict(enumerate(shares))
    model = LinearRegression().fit(rows, rows.sum(axis=1))
    explanation = TabularExplainer(None, training_data_stats=saved, **options).explain_instance(np.array(instance), model)
    return explanation, [weight for _, weight in sorted(explanation.as_map()[0])]


@pytest.mark.parametrize("width", [None, 0.06])
def test_weights_of_frequent_and_of_rare_states_stand_side_by_side(width):
    shares = [[1 - 4e-6, 1e-6, 3e-6], [2e-6, 0.5 - 2e-6, 0.5]]
    explanation, weights = explain_shares(shares, [0.0, 0.0], kernel_width=width)
    assert explanation.is_exact
    means = [(share[1] + 2 * share[2]) / (share[1] + share[2]) for share in shares]
    np.testing.assert_allclose(weights, [-means[0], -means[1]], rtol=0, atol=1e-9)


def test_states_whose_shares_have_too_few_digits_are_sampled():
    explanation, _ = explain_shares([[1 - 2e-9, 1e-9, 1e-9], [0.3, 0.3, 0.4]], [0.0, 0.0])
    assert not explanation.is_exact


def test_other_kernels_are_tried_in_the_limit():
    rows = np.random.default_rng(0).normal(size=(600, 4))
    model = RandomForestClassifier(10, random_state=0).fit(rows, (rows[:, 0] > 0) ^ (rows[:, 1] > 0))
    found = 0
    for row in rows[:30]:
        explanation = TabularExplainer(rows, alpha=0).explain_instance(row, model)
        advice = re.search(r"says ([.\d]+) with kernel_width=([.\d]+) instead", str(explanation.notices))
        if advice is not None:
            other = TabularExplainer(rows, alpha=0, kernel_width=float(advice[2])).explain_instance(row, model)
            assert f"{other.surrogate().local_prediction:.3g}" == advice[1]
            found += 1
    assert found >= 3


@pytest.mark.parametrize("method", ["none", "highest_weights"])
def test_wide_tables_have_no_row_and_column_for_each_component(method):
    rows = np.random.default_rng(0).normal(size=(300, 2000))
    model = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0).fit(rows, rows[:, :3] @ [3.0, -2.0, 1.0])
    explainer = TabularExplainer(rows, alpha=0, feature_selection=method)
    explainer.explain_instance(rows[1], model)
    tracemalloc.start()
    explanation = explainer.explain_instance(rows[0], model, num_features=3)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert explanation.is_exact
    assert most < 25e6  # one square matrix of components has 32 MB
    narrow = TabularExplainer(rows, alpha=0, feature_selection="forward_selection")
    few = narrow.explain_instance(rows[0], model, num_features=3)
    for component, weight in few.as_map()[0]:
        assert dict(explanation.as_map()[0])[component] == pytest.approx(weight, abs=1e-12)
    assert explanation.surrogate().fidelity == pytest.approx(few.surrogate().fidelity, abs=1e-9)


@pytest.mark.parametrize("method", ["auto", "forward_selection", "highest_weights", "lasso_path"])
def test_uncorrelated_components_are_chosen_as_from_their_matrix(method):
    rng = np.random.default_rng(0)
    for shape in [(1, 1, 8)] * 20 + [(3, 2, 8)] * 20 * (method != "lasso_path"):
        variances, penalty = rng.random((shape[0], 8)), rng.random((shape[0], 8))
        variances[:, rng.integers(8)] = 0.0
        cross = rng.normal(size=shape) * (variances > 0)[:, None]
        cross[..., rng.integers(8)] = 0.0
        for count in (1, 3, 7, 8):
            found, expected = (
                choose_components(method, covariances, cross, penalty, count).components
                for covariances in (Uncorrelated(variances), np.eye(8) * variances[:, None])
            )
            np.testing.assert_array_equal(np.sort(found), np.sort(expected))


def test_a_handful_of_perturbations_shows_no_closed_form():
    rows = np.random.default_rng(0).normal(size=(200, 3))
    model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(rows, rows[:, 0])
    explainer = TabularExplainer(rows)
    assert not explainer.explain_instance(rows[0], model, num_samples=32).is_exact
    assert explainer.explain_instance(rows[0], model, num_samples=33).is_exact
