"""The fidelity's error, against the fidelity that enumerating everything gives: how often the interval holds it."""

from itertools import product

import numpy as np
import pytest
from helpers.enumeration import enumerate_law
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from limelight import Explanation, ImageExplainer, TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError

SEEDS = range(300)
PARTS = 12
MASKS = np.array(list(product([0.0, 1.0], repeat=PARTS)))
ABSENT = PARTS - MASKS.sum(axis=1).astype(int)
KERNEL = np.exp(-((1 - np.sqrt(1 - ABSENT / PARTS)) ** 2) / (2 * 0.25**2))
MASK_WEIGHTS = {
    "text": np.where(ABSENT > 0, KERNEL / np.bincount(ABSENT)[ABSENT], 0.0),  # every number of absent words is as likely
    "image": KERNEL,
}
COEFFICIENTS = np.random.default_rng(0).normal(size=PARTS)


def bend(masks):
    return 1 / (1 + np.exp(1 - 3 * masks @ COEFFICIENTS))


def branch(masks):
    return masks[:, 0] * masks[:, 1] + 0.5 * masks[:, 2] * (1 - masks[:, 3])


def make_categories():
    """Six columns of four categories, and a target with interactions."""
    rng = np.random.default_rng(1)
    shares = ([0.25] * 4, [0.1, 0.2, 0.3, 0.4], [0.5, 0.3, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1], [0.25] * 4, [0.4, 0.3, 0.2, 0.1])
    rows = np.column_stack([rng.choice(4, 400, p=own) for own in shares]).astype(float)
    target = rows[:, 0] * (rows[:, 1] > 1) + 2 * (rows[:, 2] == rows[:, 3]) + 0.5 * rows[:, 4] + 0.3 * rng.normal(size=400)
    return rows, target


ROWS, TARGET = make_categories()
DRAWN, SHARES = enumerate_law(ROWS)
MODELS = {
    "forest": RandomForestRegressor(20, random_state=0).fit(ROWS, TARGET),
    "tree": DecisionTreeRegressor(max_depth=3, random_state=0).fit(ROWS, TARGET),
}


def explain_text(model, seed, **options):
    def ask(texts):
        masks = np.zeros((len(texts), PARTS))
        for row, text in enumerate(texts):
            masks[row, [int(word[1:]) for word in text.split()]] = 1
        return model(masks)

    return TextExplainer(random_state=seed).explain_instance(" ".join(f"w{i}" for i in range(PARTS)), ask, **options)


def explain_image(model, seed, **options):
    labels = np.arange(PARTS).reshape(3, 4)
    explainer = ImageExplainer(labels, fill=0.0, random_state=seed)
    return explainer.explain_instance(np.ones((3, 4)), lambda images: model(images.reshape(len(images), -1)), **options)


def explain_row(model, seed, **options):
    return TabularExplainer(ROWS, categorical_features=range(6), random_state=seed).explain_instance(ROWS[0], model, **options)


def true_fidelity(explanation, components, outputs, weights):
    """R2 of the reported surrogate over everything that can be drawn."""
    surrogate = explanation.surrogate()
    fitted = surrogate.intercept + components[:, list(surrogate.components)] @ np.array(surrogate.weights)
    missed = weights @ (outputs - fitted) ** 2
    return 1 - missed / (weights @ (outputs - np.average(outputs, weights=weights)) ** 2)


def check_calibration(explanations, components, outputs, weights, *, least, most):
    """Hold the share of intervals, 1.96 errors to each side, that contain the true fidelity against two bounds."""
    surrogates = [explanation.surrogate() for explanation in explanations]
    truths = np.array([true_fidelity(explanation, components, outputs, weights) for explanation in explanations])
    misses = np.abs([own.fidelity for own in surrogates] - truths)
    errors = np.array([own.fidelity_error for own in surrogates])
    assert least <= np.mean(misses <= 1.96 * errors) <= most
    return np.sqrt(np.mean(errors**2)) / np.sqrt(np.mean(misses**2))


@pytest.mark.parametrize("num_samples", [129, 500])
@pytest.mark.parametrize("model", [bend, branch])
def test_of_texts(model, num_samples):
    made = [explain_text(model, seed, num_samples=num_samples) for seed in SEEDS]
    ratio = check_calibration(made, MASKS, model(MASKS), MASK_WEIGHTS["text"], least=0.9, most=0.98)
    assert 0.95 <= ratio <= 1.5  # Student's t widens errors from eight replicates by a fifth


@pytest.mark.parametrize("num_samples", [129, 257])
@pytest.mark.parametrize("model", [bend, branch])
def test_of_images_is_rather_too_large(model, num_samples):
    # All replicates together balance what single ones do not: their spread says more than the error.
    made = [explain_image(model, seed, num_samples=num_samples) for seed in SEEDS]
    check_calibration(made, MASKS, model(MASKS), MASK_WEIGHTS["image"], least=0.9, most=1.0)


@pytest.mark.parametrize("is_exact", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_of_rows(name, is_exact):
    model = MODELS[name] if is_exact else lambda rows: MODELS[name].predict(rows)
    made = [explain_row(model, seed, num_samples=257) for seed in SEEDS]
    assert {explanation.is_exact for explanation in made} == {is_exact}
    is_on = (ROWS[0] == DRAWN).astype(float)
    weights = SHARES * np.exp(-(1 - is_on).sum(axis=1) / (2 * made[0].kernel_width ** 2))
    ratio = check_calibration(made, is_on, MODELS[name].predict(DRAWN), weights, least=0.9, most=0.98)
    assert 0.95 <= ratio <= 1.5


def test_batches_have_the_bits_of_single_calls():
    def two(rows):
        return np.column_stack([MODELS["forest"].predict(rows), rows[:, 0] * rows[:, 1]])

    explainer = TabularExplainer(ROWS, categorical_features=range(6))
    for model, options in ((MODELS["forest"], {}), (two, {"labels": [0, 1], "num_samples": 200})):
        together = explainer.explain_many(ROWS[:7], model, **options)
        alone = [explainer.explain_instance(row, model, **options) for row in ROWS[:7]]
        errors = [[own.fidelity_error for own in explanation.surrogates] for explanation in together]
        assert errors == [[own.fidelity_error for own in explanation.surrogates] for explanation in alone]
        assert np.min(errors) > 0


def test_nothing_is_left_to_chance_where_all_masks_were_asked():
    (surrogate,) = explain_text(branch, 0, num_samples=5000).surrogates
    assert surrogate.fidelity < 0.9
    assert surrogate.fidelity_error == 0.0


@pytest.mark.parametrize("shortcuts", [True, False])
def test_a_linear_model_leaves_none(shortcuts):
    rows = np.random.default_rng(0).normal(size=(200, 3))
    model = LinearRegression().fit(rows, rows @ [1.0, 2.0, 3.0])
    explainer = TabularExplainer(rows, discretize_continuous=False, alpha=0, shortcuts=shortcuts)
    explanation = explainer.explain_instance(rows[0], model)
    assert explanation.is_exact is shortcuts
    assert explanation.surrogate().fidelity == pytest.approx(1.0, abs=1e-12)
    assert explanation.surrogate().fidelity_error == pytest.approx(0.0, abs=1e-12)


def test_it_is_unknown_where_the_fidelity_is():
    constant = explain_text(lambda masks: np.ones(len(masks)), 0, num_samples=500).surrogate()
    few = explain_text(bend, 0, num_samples=6).surrogate()
    for surrogate in (constant, few):
        assert np.isnan(surrogate.fidelity)
        assert np.isnan(surrogate.fidelity_error)


def test_it_is_unknown_where_one_replicate_alone_varies():
    def spike(rows):
        return np.where((rows[:, :3] == [0, 3, 2]).all(axis=1) & (rows[:, 3:5] == [1, 0]).all(axis=1), 5.0, 2.0)

    errors = []
    for seed in range(40):
        explanation = explain_row(spike, seed, num_samples=400)
        surrogate = explanation.surrogate()
        assert np.isnan(surrogate.fidelity_error) or not 0 <= surrogate.fidelity_error < 0.1
        assert Explanation.from_json(explanation.to_json()) == explanation
        errors.append((np.isnan(surrogate.fidelity), np.isnan(surrogate.fidelity_error)))
    assert (False, True) in errors


def test_explanations_that_were_stored_without_it_are_refused():
    data = explain_text(branch, 0, num_samples=129).to_dict()
    del data["surrogates"][0]["fidelity_error"]
    with pytest.raises(ArgumentError, match=r"not a valid explanation of schema 2: .*fidelity_error"):
        Explanation.from_dict(data)
