"""Explanations against closed forms (Garreau and von Luxburg 2020; Mardaoui and Garreau 2021) and written-out least squares."""

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import TabularExplainer, TextExplainer
from limelight.modalities._columns import Binned


def words(d):
    return " ".join(f"w{i}" for i in range(d))


def model_of(function, d):
    """A model of texts from a function of masks."""

    def model(texts):
        return [function(np.array([f"w{i}" in text.split() for i in range(d)], dtype=float)) for text in texts]

    return model


def psi(absent, d, width=25.0):
    distances = 100 * (1 - np.sqrt(1 - np.asarray(absent) / d))
    return np.exp(-0.5 * (distances / width) ** 2)


def alphas(d, up_to):
    """alpha_p = E[pi z_1 ... z_p] under the law of removed words."""
    return [
        sum(np.prod([(d - s - k) / (d - k) for k in range(p)]) * psi(s, d) for s in range(1, d + 1)) / d
        for p in range(up_to + 1)
    ]


def text_limit(d, joint):
    """The limit for a function with moments ``joint[0] = E[pi f]``, ``joint[1][k] = E[pi z_k f]``."""
    a0, a1, a2 = alphas(d, 2)
    c = (d - 1) * a0 * a2 - d * a1**2 + a0 * a1
    s1, s2, s3 = -a1, ((d - 2) * a0 * a2 - (d - 1) * a1**2 + a0 * a1) / (a1 - a2), (a1**2 - a0 * a2) / (a1 - a2)
    total, each = joint
    return np.array([(s1 * total + s2 * each[j] + s3 * (sum(each) - each[j])) / c for j in range(d)])


def written_out(function, d, penalty):
    """Weighted least squares over all masks; `penalty` in units of weights that sum to 1."""
    masks = np.array(list(product([0.0, 1.0], repeat=d)))
    absent = (d - masks.sum(axis=1)).astype(int)
    law = np.array([0 if s == 0 else 1 / (d * comb(d, s)) for s in absent])
    weights = law * psi(absent, d)
    weights /= weights.sum()
    design = np.column_stack([np.ones(len(masks)), masks])
    ridge = np.diag([0.0] + [penalty] * d)
    answers = np.array([function(mask) for mask in masks])
    return np.linalg.solve(design.T @ (weights[:, None] * design) + ridge, design.T @ (weights * answers))[1:]


def weights_of(explanation, d):
    surrogate = explanation.surrogates[0]
    weights, halves = np.zeros(d), np.zeros(d)
    weights[list(surrogate.components)] = surrogate.weights
    halves[list(surrogate.components)] = (np.array(surrogate.highs) - surrogate.lows) / 2
    return weights, halves


def tree(mask):
    return mask[0] + (1 - mask[0]) * mask[1] * mask[2]


@pytest.mark.parametrize("d", [3, 6, 10])
def test_enumerated_conjunction_of_words_is_the_closed_form(d):
    explainer = TextExplainer(alpha=0, feature_selection="none")
    explanation = explainer.explain_instance(words(d), model_of(lambda z: z[0] * z[1], d))
    a = alphas(d, 3)
    limit = text_limit(d, (a[2], [a[2], a[2]] + [a[3]] * (d - 2)))
    np.testing.assert_allclose(weights_of(explanation, d)[0], limit, atol=1e-10)


@settings(max_examples=25)
@given(st.integers(2, 9), st.sampled_from([0.0, 1.0, 30.0]), st.integers(0, 2**32 - 1))
def test_enumeration_is_weighted_least_squares_written_out(d, alpha, seed):
    table = np.random.default_rng(seed).normal(size=2**d)

    def function(mask):
        return table[int(mask @ 2 ** np.arange(d))]

    explanation = TextExplainer(alpha=alpha, feature_selection="none").explain_instance(
        words(d), model_of(function, d), num_samples=5000
    )
    mean_weight = np.mean([psi(s, d) for s in range(1, d + 1)])
    expected = written_out(function, d, alpha / (5000 * mean_weight))
    np.testing.assert_allclose(weights_of(explanation, d)[0], expected, atol=1e-10)


@pytest.mark.parametrize("design", ["auto", "iid"])
def test_linear_function_is_found_exactly(design):
    d = 30
    slopes = np.random.default_rng(1).normal(size=d)
    explainer = TextExplainer(alpha=0, feature_selection="none", design=design)
    explanation = explainer.explain_instance(words(d), model_of(lambda z: float(slopes @ z), d), num_samples=1000)
    np.testing.assert_allclose(weights_of(explanation, d)[0], slopes, atol=1e-9)
    assert explanation.surrogates[0].fidelity == pytest.approx(1.0)


@pytest.mark.parametrize("reported", ["none", "highest_weights"])
@pytest.mark.parametrize("name", ["conjunction", "tree"])
def test_sampled_text_lies_within_its_intervals_of_the_closed_form(name, reported):
    d = 24
    a = alphas(d, 4)
    both = (a[2], [a[2], a[2]] + [a[3]] * (d - 2))
    # E[pi f] of z0 + (1 - z0) z1 z2, and with one more factor z_k
    joint = (a[1] + a[2] - a[3], [a[1], *[2 * a[2] - a[3]] * 2, *[a[2] + a[3] - a[4]] * (d - 3)])
    function, moments = (lambda z: z[0] * z[1], both) if name == "conjunction" else (tree, joint)
    limit = text_limit(d, moments)
    inside = []
    for seed in range(12):
        explainer = TextExplainer(alpha=0, feature_selection=reported, random_state=seed)
        explanation = explainer.explain_instance(words(d), model_of(function, d), num_samples=2048, num_features=d)
        weights, halves = weights_of(explanation, d)
        inside.append(np.abs(weights - limit) <= halves)
    assert 0.88 <= np.mean(inside) <= 0.995


def share_of_own_bin(width):
    """The probability of the instance's own quartile bin under the kernel-weighted law."""
    return 0.25 / (0.25 + 0.75 * np.exp(-1 / (2 * width**2)))


@pytest.mark.parametrize("name", ["own bin", "both bins", "linear"])
def test_sampled_rows_lie_within_their_intervals_of_the_closed_form(name):
    rng = np.random.default_rng(0)
    training = rng.normal(size=(4000, 5))
    row = np.array([0.1, -0.2, 1.5, -1.5, 0.3])
    edges = np.percentile(training, [25, 50, 75], axis=0)
    own = [int(np.searchsorted(edges[:, j], row[j])) for j in range(5)]

    def state(rows):
        return np.column_stack([np.searchsorted(edges[:, j], rows[:, j]) == own[j] for j in range(5)]).astype(float)

    q = share_of_own_bin(0.75 * np.sqrt(5))
    if name == "own bin":
        limit = np.array([0, 1, 0, 0, 0.0])

        def function(rows):
            return state(rows)[:, 1]
    elif name == "both bins":
        limit = np.array([0, q, 0, q, 0.0])

        def function(rows):
            return state(rows)[:, 1] * state(rows)[:, 3]
    else:
        # The mean of a bin's truncated normal is not the mean of its training values: take it from the column's own law.
        means = []
        for j in range(5):
            column = Binned.of(training[:, j], edges[:, j])
            drawn = column.draw((np.arange(200000) + 0.5) / 200000)
            means.append([drawn[np.searchsorted(edges[:, j], drawn) == b].mean() for b in range(4)])
        slopes = np.array([1.0, -2.0, 0.5, 3.0, 0.0])

        def function(rows):
            return rows @ slopes

        others = [np.mean([m for b, m in enumerate(means[j]) if b != own[j]]) for j in range(5)]
        limit = slopes * np.array([means[j][own[j]] - others[j] for j in range(5)])
    inside = []
    for seed in range(30):
        explainer = TabularExplainer(training, alpha=0, feature_selection="none", random_state=seed)
        weights, halves = weights_of(explainer.explain_instance(row, function, num_samples=1024), 5)
        inside.append(np.abs(weights - limit) <= halves + 1e-4)
    assert np.mean(inside) >= 0.9
    assert np.all(np.abs(weights - limit) < 0.15 * np.abs(limit).max())


def test_single_word_weighs_the_difference_it_makes():
    explanation = TextExplainer().explain_instance("pills", lambda texts: [0.2 + 0.5 * ("pills" in text) for text in texts])
    assert explanation.as_list()[0][1] == pytest.approx(0.5, rel=2e-3)
    assert [notice.code for notice in explanation.warnings] == ["one_component"]
