"""Control variates of many rows, which are worked out together."""

import numpy as np
import pytest
from helpers.controlled import COLUMNS, Truth, make_classes, make_explainer, make_rows, weights_of
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from limelight import TabularExplainer
from limelight.models import adapt
from limelight.stages import control_variate, controlled_moments, expansion
from limelight.stages.expansion import Expansion


@pytest.fixture(scope="module")
def boosted():
    rows = make_rows()
    return GradientBoostingClassifier(n_estimators=30, learning_rate=0.3, random_state=0).fit(rows, make_classes(rows))


def make_numbers(seed=1):
    """Columns with bins, one of them of whole numbers, one with a rare value, one with missing values."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(500, 5))
    rows[:, 1] = rng.integers(0, 40, len(rows))
    rows[:, 2] = rng.random(len(rows)) < 0.01
    rows[rng.random(len(rows)) < 0.1, 3] = np.nan
    score = rows[:, 0] * rows[:, 4] + rows[:, 1] / 20 + 2 * rows[:, 2] - np.nan_to_num(rows[:, 3], nan=1.0)
    return rows, score + rng.normal(size=len(rows)) > 1


@pytest.mark.parametrize("num_samples", [400, "auto"])
def test_batches_of_any_size_have_the_same_bits(num_samples):
    rows, classes = make_numbers()
    model = make_pipeline(SimpleImputer(), GradientBoostingClassifier(n_estimators=20, random_state=0)).fit(rows, classes)
    explainer = TabularExplainer(rows)
    some = np.concatenate([rows[:20], rows[rows[:, 2] == 1][:2], [[50.0, 3, 0, 0.1, 0], [0.0, 99, 1, np.nan, 0]]])
    assert adapt(model, explainer.components(some[0]), True).model_sum is not None
    alone = [explainer.explain_instance(row, model, num_samples=num_samples) for row in some]
    for count in (3, len(some)):
        assert list(explainer.explain_many(some[:count], model, num_samples=num_samples)) == alone[:count]
    assert list(explainer.explain_many(some[::-1], model, num_samples=num_samples)) == alone[::-1]


@pytest.mark.parametrize("count", [1, 2, 5, 8, 9, 16])
def test_moments_of_a_law_have_the_same_bits_beside_others(boosted, count):
    rows = make_rows()
    explainer = make_explainer(rows)
    components = [explainer.components(row) for row in rows[:count]]
    width, model_sum = explainer.options.kernel_width, adapt(boosted, components[0], True).model_sum
    found = Expansion.of_products(model_sum, components[0].product_law, 1, 0.1)
    together = found.expect([part.product_law for part in components], width)
    for number, part in enumerate(components):
        alone = found.expect([part.product_law], width)
        np.testing.assert_array_equal(together.means[number], alone.means[0])
        np.testing.assert_array_equal(together.covariances[number], alone.covariances[0])
        same = Expansion.of_products(model_sum, part.product_law, 1, 0.1)  # whichever row of a batch comes first
        np.testing.assert_array_equal(same.effects, found.effects)
        assert same.slope == found.slope


def test_a_row_that_contradicts_the_sum_is_sampled_and_others_are_not(boosted, monkeypatch):
    rows = make_rows()
    explainer = make_explainer(rows)
    distinct = rows[np.unique(rows, axis=0, return_index=True)[1][:20]]
    untouched = explainer.explain_many(distinct, boosted, num_samples=400)
    sampled = explainer.explain_many(distinct, lambda drawn: boosted.predict_proba(drawn), num_samples=400)
    prove = control_variate.Own.is_proven_by

    def contradict(own, model_sum, by_sum):
        return prove(own, model_sum, by_sum) and not (own.row == distinct[7]).all()

    monkeypatch.setattr(control_variate.Own, "is_proven_by", contradict)
    found = explainer.explain_many(distinct, boosted, num_samples=400)
    for number, explanation in enumerate(found):
        if number == 7:
            np.testing.assert_allclose(weights_of(explanation), weights_of(sampled[7]), atol=1e-12)
            assert np.abs(np.subtract(weights_of(explanation), weights_of(untouched[7]))).max() > 1e-4
        else:
            assert explanation == untouched[number]


def test_an_answer_for_the_instance_that_is_not_the_sums_contradicts_it(boosted):
    rows = make_rows()
    explainer = make_explainer(rows)
    components = explainer.components(rows[0])
    model_sum = adapt(boosted, components, True).model_sum
    by_sum, constant = model_sum.evaluate(rows[:1])[0], np.array([-0.2, 0.2])
    right = control_variate.Own(rows[0], by_sum + constant, constant, np.full(2, 1e-6))
    assert right.is_proven_by(model_sum, by_sum)
    assert not right._replace(margin=right.margin + 1e-3).is_proven_by(model_sum, by_sum)


def test_functions_without_precise_moments_are_left_out(boosted, monkeypatch):
    rows = make_rows()
    explainer = make_explainer(rows)
    with_all = explainer.explain_instance(rows[0], boosted, num_samples=1000)
    monkeypatch.setattr(expansion, "_LEAST_FACTOR", 10.0)
    without = explainer.explain_instance(rows[0], boosted, num_samples=1000)
    exact = Truth(rows, rows[0], explainer.options.kernel_width).weights(
        boosted.predict_proba(Truth(rows, rows[0], explainer.options.kernel_width).drawn)[:, 1]
    )
    sampled = explainer.explain_instance(rows[0], lambda drawn: boosted.predict_proba(drawn), num_samples=1000)
    errors = [np.square(weights_of(part)[0] - exact).sum() for part in (with_all, without, sampled)]
    assert 0 < errors[0] < errors[1] < errors[2]


@pytest.mark.parametrize("groups", [None, {"both": [0, 1]}])
def test_batches_with_implausible_moments_fall_back_one_by_one(boosted, groups, monkeypatch):
    rows = make_rows()
    explainer = make_explainer(rows, groups=groups)
    expected = explainer.explain_many(rows[:9], boosted, num_samples=400)
    are_plausible = controlled_moments._are_plausible

    def doubt(grams, *arguments):
        are = are_plausible(grams, *arguments)
        return are if len(are) == 1 else np.zeros_like(are)

    monkeypatch.setattr(controlled_moments, "_are_plausible", doubt)
    assert list(explainer.explain_many(rows[:9], boosted, num_samples=400)) == list(expected)


def test_several_outputs_and_all_ways_of_choosing_have_the_same_bits(boosted):
    rows = make_rows()
    for method in ("lasso_path", "forward_selection"):
        explainer = make_explainer(rows, feature_selection=method)
        options = {"labels": [0, 1], "num_features": 3, "num_samples": 300}
        for row, found in zip(rows[:6], explainer.explain_many(rows[:6], boosted, **options), strict=True):
            assert found == explainer.explain_instance(row, boosted, **options)


def test_a_column_that_is_constant_has_no_weight_and_spoils_nothing():
    rows = np.column_stack([make_rows(), np.full(400, 7.0)])
    model = GradientBoostingClassifier(n_estimators=30, learning_rate=0.3, random_state=0).fit(rows, make_classes(rows))
    explainer = make_explainer(rows, categorical_features=range(COLUMNS + 1))
    plain = make_explainer(rows[:, :COLUMNS])
    truth = Truth(rows[:, :COLUMNS], rows[0, :COLUMNS], explainer.options.kernel_width)
    exact = truth.weights(model.predict_proba(np.column_stack([truth.drawn, np.full(len(truth.drawn), 7.0)]))[:, 1])
    weights, *_ = weights_of(explainer.explain_instance(rows[0], model, num_samples=2000))
    assert weights[COLUMNS] == 0
    np.testing.assert_allclose(weights[:COLUMNS], exact, atol=5e-3)
    assert plain.options.kernel_width < explainer.options.kernel_width


def test_a_logistic_regression_takes_a_step_function_of_each_column():
    rows = make_rows()
    model = LogisticRegression(C=10).fit(rows, make_classes(rows))
    explainer = make_explainer(rows)
    for row in rows[:4]:
        width = explainer.options.kernel_width
        truth = Truth(rows, row, width)
        components = explainer.components(row)
        model_sum = adapt(model, components, True).model_sum
        constant = float(model.intercept_[0])
        found = Expansion.of_columns(model_sum, components.product_law, rows, 1, constant)
        values = found.evaluate(found.cells.locate(truth.drawn), model.decision_function(truth.drawn))
        moments = found.expect([components.product_law], width)
        for number in range(2):
            mean, covariances = truth.moments(values[:, number])
            assert moments.means[0, number] == pytest.approx(mean, abs=1e-10)
            np.testing.assert_allclose(moments.covariances[0, number], covariances, atol=1e-10)
        # Columns of few values have a cell for each: nothing but the sigmoid's own expansion is left.
        probabilities = model.predict_proba(truth.drawn)[:, 1]
        np.testing.assert_allclose(values[:, 1] + 0.5, probabilities, atol=0.01)
        weights, lows, highs = weights_of(explainer.explain_instance(row, model, num_samples=300))
        np.testing.assert_allclose(weights, truth.weights(probabilities), atol=1e-3)
        assert (highs - lows).max() < 0.01


def test_probabilities_of_a_logistic_regression_have_a_tenth_of_the_squared_error():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(600, 4)), rng.lognormal(size=600), rng.integers(0, 9, 600)])
    model = LogisticRegression().fit(rows, rows @ [2.0, -1, 1, 0.5, 1, 0.3] + rng.normal(size=600) > 2)
    squares = np.zeros(2)
    for row in rows[:2]:
        limit = weights_of(make_numeric(rows, 99).explain_instance(row, model, num_samples=50_000))[0]
        other = weights_of(
            make_numeric(rows, 98).explain_instance(row, lambda some: model.predict_proba(some), num_samples=50_000)
        )
        assert (np.abs(other[0] - limit) < other[2] - other[1]).all()
        for seed in range(5):
            for number, asked in enumerate([model, lambda some: model.predict_proba(some)]):
                found = make_numeric(rows, seed).explain_instance(row, asked, num_samples=1000)
                squares[number] += np.square(weights_of(found)[0] - limit).sum()
    assert 10 * squares[0] < squares[1]


def make_numeric(rows, seed):
    return TabularExplainer(rows, feature_selection="none", alpha=0, random_state=seed)
