"""Probabilities of models whose log-odds are a known sum: sampled, with functions of known moments as control variates."""

import numpy as np
import pytest
from helpers.controlled import COLUMNS, COUNT, Truth, make_classes, make_controls, make_explainer, make_rows, weights_of
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression

from limelight.models import adapt
from limelight.stages.closed_form import ClosedForm
from limelight.stages.control_variate import Controls, ControlVariates
from limelight.stages.expansion import Expansion
from limelight.stages.perturbation import DESIGNS, plan_looks


@pytest.fixture(scope="module")
def boosted():
    rows = make_rows()
    return GradientBoostingClassifier(n_estimators=30, learning_rate=0.3, random_state=0).fit(rows, make_classes(rows))


MODELS = [
    (GradientBoostingClassifier(n_estimators=20, learning_rate=0.3, random_state=0), False),
    (HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5, random_state=0), False),
    (HistGradientBoostingClassifier(max_iter=15, min_samples_leaf=5, random_state=0), True),
]


@pytest.mark.parametrize(("model", "missing"), MODELS)
def test_moments_of_the_expansion_are_those_of_the_enumeration(model, missing):
    pytest.importorskip("treelite")
    rows = make_rows(missing=missing)
    model.fit(rows, make_classes(rows))
    explainer = make_explainer(rows)
    for instance in [*rows[:2], rows[np.isnan(rows[:, 1]) == missing][0]]:
        width = explainer.options.kernel_width
        truth = Truth(rows, instance, width)
        components = explainer.components(instance)
        model_sum = adapt(model, components, True).model_sum
        margins = model.decision_function(truth.drawn)
        constant = float(margins[0] - model_sum.evaluate(truth.drawn[:1])[0, 1])
        expansion = Expansion.of_products(model_sum, components.product_law, 1, constant)
        values = expansion.evaluate(model_sum.cells.locate(truth.drawn), margins)
        found = expansion.expect([components.product_law], width)
        for number in range(3):
            mean, covariances = truth.moments(values[:, number])
            assert found.means[0, number] == pytest.approx(mean, abs=1e-10)
            np.testing.assert_allclose(found.covariances[0, number], covariances, atol=1e-10)
        # What it leaves of the probabilities, beside components and margins, is little.
        columns = np.column_stack([np.ones(len(margins)), truth.is_on, margins, values]) * np.sqrt(truth.shares)[:, None]
        probabilities = model.predict_proba(truth.drawn)[:, 1] * np.sqrt(truth.shares)
        rest = probabilities - columns @ np.linalg.lstsq(columns, probabilities, rcond=None)[0]
        assert np.linalg.norm(rest) < 0.15 * np.linalg.norm(probabilities - columns[:, 0] * (columns[:, 0] @ probabilities))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("num_samples", [300, 1000])
def test_squared_error_is_a_fourth_or_less(boosted, alpha, num_samples):
    rows = make_rows()
    squares = np.zeros(2)
    for seed in range(6):
        explainer = make_explainer(rows, alpha=alpha, random_state=seed)
        for instance in rows[:3]:
            truth = Truth(rows, instance, explainer.options.kernel_width)
            exact = truth.weights(boosted.predict_proba(truth.drawn)[:, 1], alpha, num_samples)
            for number, model in enumerate([boosted, lambda drawn: boosted.predict_proba(drawn)]):
                found = explainer.explain_instance(instance, model, num_samples=num_samples)
                assert found.num_inputs <= num_samples
                squares[number] += np.sum((weights_of(found)[0] - exact) ** 2)
    assert 4 * squares[0] < squares[1]


def test_intervals_hold_the_limit_and_weights_are_unbiased(boosted):
    rows = make_rows()
    errors, held = [], []
    for seed in range(40):
        explainer = make_explainer(rows, random_state=seed)
        for instance in rows[:5]:
            truth = Truth(rows, instance, explainer.options.kernel_width)
            exact = truth.weights(boosted.predict_proba(truth.drawn)[:, 1])
            weights, lows, highs = weights_of(explainer.explain_instance(instance, boosted, num_samples=400))
            held.append((lows <= exact) & (exact <= highs))
            errors.append((weights - exact) / (highs - lows))
    assert 0.92 < np.mean(held) < 0.98
    assert np.abs(np.mean(errors)) < 0.05


@pytest.mark.parametrize("method", ["forward_selection", "highest_weights", "lasso_path", "none", "auto"])
def test_all_ways_of_choosing_take_the_exact_moments(boosted, method):
    rows = make_rows()
    explainer = make_explainer(rows, feature_selection=method)
    instance = rows[0]
    truth = Truth(rows, instance, explainer.options.kernel_width)
    exact = truth.weights(boosted.predict_proba(truth.drawn)[:, 1])
    found = explainer.explain_instance(instance, boosted, num_samples=2000, num_features=3, labels=[0, 1])
    surrogate = found.surrogate(1)
    assert surrogate.components == found.surrogate(0).components
    np.testing.assert_allclose(surrogate.weights, [-weight for weight in found.surrogate(0).weights], atol=1e-9)
    np.testing.assert_allclose(surrogate.weights, exact[list(surrogate.components)], atol=0.01)
    if method != "none":
        assert len(surrogate.components) == 3
        assert set(surrogate.components) == set(np.argsort(-np.abs(exact))[:3].tolist())


def test_lasso_paths_of_several_outputs_take_the_limit(boosted):
    rows = make_rows()
    explainer = make_explainer(rows, feature_selection="lasso_path")
    truth = Truth(rows, rows[0], explainer.options.kernel_width)
    exact = truth.weights(boosted.decision_function(truth.drawn))
    found = explainer.explain_instance(rows[0], boosted, num_features=3, labels=[0, 1], link="logit")
    assert found.provenance.design == "exact"
    for label, sign in ((0, -1), (1, 1)):
        surrogate = found.surrogate(label)
        np.testing.assert_allclose(surrogate.weights, sign * exact[list(surrogate.components)], atol=1e-9)


def test_columns_that_are_drawn_together_have_the_margin(boosted):
    rows = make_rows()
    squares = np.zeros(2)
    for seed in range(6):
        explainer, far = (make_explainer(rows, groups={"both": [0, 1]}, random_state=number) for number in (seed, 99))
        assert make_controls(explainer, rows[0], boosted)[1].shape[1:] == (1,)
        limit = weights_of(far.explain_instance(rows[0], boosted, num_samples=50_000))[0]
        for number, model in enumerate([boosted, lambda drawn: boosted.predict_proba(drawn)]):
            squares[number] += np.sum((weights_of(explainer.explain_instance(rows[0], model, num_samples=400))[0] - limit) ** 2)
    assert 2 * squares[0] < squares[1]


def test_a_batch_gives_the_same_explanations(boosted):
    rows = make_rows()
    explainer = make_explainer(rows)
    together = explainer.explain_many(rows[:40], boosted)
    for row, explanation in zip(rows[:40], together, strict=True):
        np.testing.assert_array_equal(weights_of(explanation), weights_of(explainer.explain_instance(row, boosted)))
        assert explanation == explainer.explain_instance(row, boosted)


def test_auto_needs_fewer_perturbations(boosted):
    rows = make_rows()
    explainer = make_explainer(rows)
    found = explainer.explain_instance(rows[0], boosted)
    sampled = explainer.explain_instance(rows[0], lambda drawn: boosted.predict_proba(drawn))
    assert found.converged
    assert found.provenance.design == sampled.provenance.design
    assert found.num_samples < 0.6 * sampled.num_samples


def test_without_shortcuts_or_with_settings_of_the_users_own_all_is_as_it_was(boosted):
    rows = make_rows()

    def ask(drawn):
        return boosted.predict_proba(drawn)

    for options, arguments in [
        ({"shortcuts": False}, {}),
        ({"kernel": lambda distances, width: np.exp(-distances / width)}, {}),
        ({}, {"distance_metric": "manhattan"}),
        ({}, {"model_regressor": LinearRegression()}),
        ({}, {"num_samples": 20}),  # too few for a fit of all components
    ]:
        explainer = make_explainer(rows, **options)
        found = explainer.explain_instance(rows[0], boosted, **arguments)
        sampled = explainer.explain_instance(rows[0], ask, **arguments)
        assert weights_of(found)[0].tolist() == weights_of(sampled)[0].tolist()


def test_a_model_whose_margin_is_constant_is_as_it_was():
    rows = make_rows()
    classes = np.arange(COUNT) % 2 == 0
    model = GradientBoostingClassifier(n_estimators=2, min_impurity_decrease=1e9).fit(rows, classes)
    found = make_explainer(rows).explain_instance(rows[0], model)
    assert weights_of(found)[0].tolist() == [0.0] * COLUMNS
    assert found.surrogate(1).local_prediction == pytest.approx(model.predict_proba(rows[:1])[0, 1])


class Clipped(GradientBoostingClassifier):
    def predict_proba(self, X):
        return np.clip(super().predict_proba(X), 0.1, 0.9)


def test_clipped_and_calibrated_probabilities_are_sampled():
    rows = make_rows()
    clipped = Clipped(n_estimators=30, random_state=0).fit(rows, make_classes(rows))
    calibrated = CalibratedClassifierCV(GradientBoostingClassifier(n_estimators=5), cv=2).fit(rows, make_classes(rows))
    explainer = make_explainer(rows)
    for model in (clipped, calibrated):
        found = explainer.explain_instance(rows[0], model)
        sampled = explainer.explain_instance(rows[0], lambda drawn, model=model: model.predict_proba(drawn))
        assert found.surrogates == sampled.surrogates


def test_answers_that_contradict_the_sum_are_sampled(boosted):
    rows = make_rows()
    explainer = make_explainer(rows)

    def change(change_some):
        def answer(drawn):
            answers = boosted.predict_proba(drawn)
            positive = change_some(answers[:, 1])
            return np.column_stack([1 - positive, positive])

        return make_controls(explainer, rows[0], boosted, answers_of=answer)[0]

    assert isinstance(change(lambda p: p), Controls)
    assert isinstance(change(lambda p: p.astype(np.float32)), Controls)
    assert change(lambda p: np.clip(p, 0.05, 0.95)) is None
    assert change(lambda p: np.round(p, 2)) is None
    assert change(lambda p: np.where(np.arange(len(p)) % 50 == 7, 0.5, p)) is None
    assert change(lambda p: 2 * p) is None
    assert change(lambda p: np.round(p)) is None


def test_a_contradiction_in_a_later_look_ends_the_control_variates(boosted):
    rows = make_rows()
    components = make_explainer(rows).components(rows[0])
    closed_form = ClosedForm(adapt(boosted, components, True).model_sum, components.product_law, 1.8, {})
    controls = ControlVariates(closed_form, {})
    design = DESIGNS.load("sobol")((0, components.content), None)
    found = []
    for look, change in zip(plan_looks(design, None, None, 5000), [0.0, 0.0, 0.01, 0.0], strict=False):
        neighbourhoods = components.neighbourhoods(look.design, look.stretch)
        drawn = [part.inputs.take(np.arange(1, len(part.representation))) for part in neighbourhoods]
        answers = [np.abs(boosted.predict_proba(part) - change) for part in drawn]
        found.append(controls.add(neighbourhoods, boosted.predict_proba(rows[:1])[0], answers, (1,)))
    assert [part and sum(map(len, part[1])) for part in found] == [128, 128, None, None]


@pytest.mark.parametrize("number", range(3))
def test_wrong_exact_moments_are_not_believed(boosted, number, monkeypatch):
    rows = make_rows()
    explainer = make_explainer(rows)
    exact = ControlVariates.add

    def add_wrongly(self, *arguments):
        controls, (values,) = exact(self, *arguments)
        values = values.copy()
        values[:, number] += 0.3 * values[:, number].std()
        return controls, [values]

    believed = explainer.explain_instance(rows[0], boosted, num_samples=1000)
    monkeypatch.setattr(ControlVariates, "add", add_wrongly)
    found = explainer.explain_instance(rows[0], boosted, num_samples=1000)
    sampled = explainer.explain_instance(rows[0], lambda drawn: boosted.predict_proba(drawn), num_samples=1000)
    for place in range(3):  # control variates beside the sums change their last bits
        np.testing.assert_allclose(weights_of(found)[place], weights_of(sampled)[place], atol=1e-12)
        assert np.abs(weights_of(believed)[place] - weights_of(sampled)[place]).max() > 1e-4


def test_probabilities_near_0_and_1_do_not_hide_the_margins():
    rows = make_rows()
    model = GradientBoostingClassifier(n_estimators=60, learning_rate=1.0, max_depth=4, random_state=0)
    model.fit(rows, make_classes(rows))
    controls, values, drawn = make_controls(
        make_explainer(rows), rows[0], model, answers_of=lambda rows: model.predict_proba(rows).astype(np.float32)
    )
    margins = model.decision_function(drawn)
    assert np.abs(margins).max() > 14  # where probabilities are clipped
    np.testing.assert_allclose(values[:, 0] + controls.functions.expansions[0].mean, margins, atol=2e-3)
    assert controls.exact_link is None


def test_log_odds_of_a_forest_take_its_probabilities():
    rows = make_rows()
    forest = RandomForestClassifier(20, max_depth=3, random_state=0).fit(rows, make_classes(rows))
    explainer = make_explainer(rows)
    truth = Truth(rows, rows[0], explainer.options.kernel_width)
    odds = forest.predict_proba(truth.drawn)
    exact = truth.weights(np.log(odds[:, 1] / odds[:, 0]))
    errors = [
        np.sum((weights_of(explainer.explain_instance(rows[0], model, num_samples=300, link="logit"))[0] - exact) ** 2)
        for model in (forest, lambda drawn: forest.predict_proba(drawn))
    ]
    assert 4 * errors[0] < errors[1]


def test_notice_says_with_which_link_weights_are_exact(boosted):
    rows = make_rows()
    explainer = make_explainer(rows, tolerance=1e-9)
    (notice,) = [note for note in explainer.explain_instance(rows[0], boosted).notices if note.code == "not_converged"]
    assert notice.message.endswith('With link="logit" the weights are exact.')
    exact = explainer.explain_instance(rows[0], boosted, link="logit")
    assert exact.provenance.design == "exact"
    assert exact.converged
    sampled = explainer.explain_instance(rows[0], lambda drawn: boosted.predict_proba(drawn))
    (notice,) = [note for note in sampled.notices if note.code == "not_converged"]
    assert "exact" not in notice.message
