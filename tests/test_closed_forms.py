"""Explanations against what they are known to converge to: closed forms, and least squares on all masks written out.

Texts: D. Mardaoui and D. Garreau, "An analysis of LIME for text data", AISTATS 2021. Tables: D. Garreau and U. von Luxburg,
"Explaining the explainer: a first theoretical analysis of LIME", AISTATS 2020.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import truncnorm

from limelight import TabularExplainer, TextExplainer

NU = 0.25  # the text kernel's width, for cosine distances


# --- texts ------------------------------------------------------------------------------------------------------------------


def words(d):
    return [f"w{number}" for number in range(d)]


def psi(share):
    return np.exp(-((1 - np.sqrt(1 - share)) ** 2) / (2 * NU**2))


def text_model(function, d):
    """A model of texts from a function of masks."""

    def model(texts):
        masks = np.zeros((len(texts), d))
        for row, text in enumerate(texts):
            masks[row, [int(word[1:]) for word in text.split()]] = 1
        return function(masks)

    return model


def explain_text(function, d, *, num_samples="auto", alpha=0.0, random_state=0, **options):
    explainer = TextExplainer(alpha=alpha, feature_selection="none", random_state=random_state, **options)
    return explainer.explain_instance(" ".join(words(d)), text_model(function, d), num_samples=num_samples)


def dense(explanation):
    """Weights and half-widths by component number."""
    (surrogate,) = explanation.surrogates
    weights, half_widths = np.zeros(len(explanation.names)), np.zeros(len(explanation.names))
    weights[list(surrogate.components)] = surrogate.weights
    half_widths[list(surrogate.components)] = (np.array(surrogate.highs) - np.array(surrogate.lows)) / 2
    return weights, half_widths


def alpha_of(p, d):
    """E[pi z_1 ... z_p]: the number of absent words is uniform on 1, ..., d."""
    sizes = np.arange(1, d + 1)
    present = np.prod([(d - sizes - k) / (d - k) for k in range(p)], axis=0) if p else 1.0
    return float(np.mean(present * psi(sizes / d)))


def closed_form(d, mean, with_each):
    """The intercept and weights from E[pi f] and E[pi z_j f], by the inverse of the expected Gram matrix."""
    a0, a1, a2 = (alpha_of(p, d) for p in range(3))
    c = (d - 1) * a0 * a2 - d * a1**2 + a0 * a1
    s0, s1 = (d - 1) * a2 + a1, -a1
    s2 = ((d - 2) * a0 * a2 - (d - 1) * a1**2 + a0 * a1) / (a1 - a2)
    s3 = (a1**2 - a0 * a2) / (a1 - a2)
    others = with_each.sum() - with_each
    return (s0 * mean + s1 * with_each.sum()) / c, (s1 * mean + s2 * with_each + s3 * others) / c


def of_polynomial(d, terms):
    """The closed form for a sum of products of z: terms of (coefficient, set of words)."""
    mean, with_each = 0.0, np.zeros(d)
    for coefficient, members in terms:
        inside = np.isin(np.arange(d), list(members))
        mean += coefficient * alpha_of(len(members), d)
        with_each += coefficient * np.where(inside, alpha_of(len(members), d), alpha_of(len(members) + 1, d))
    return closed_form(d, mean, with_each)


def enumerated(d, function, penalty=0.0):
    """Weighted ridge regression on all masks, from its normal equations; weights add up to E[pi]."""
    masks = np.array(list(product([0.0, 1.0], repeat=d)))
    absent = d - masks.sum(axis=1).astype(int)
    ways = np.bincount(absent)[absent]
    law = np.where(absent > 0, 1 / d, 0.0) / ways
    weights = law * psi(absent / d)
    columns = np.column_stack([np.ones(len(masks)), masks])
    ridge = penalty * np.diag([0.0] + [1.0] * d)
    solution = np.linalg.solve(columns.T @ (columns * weights[:, None]) + ridge, columns.T @ (weights * function(masks)))
    return solution[0], solution[1:]


def polynomial(terms):
    return lambda masks: sum(coefficient * masks[:, sorted(members)].prod(axis=1) for coefficient, members in terms)


def linear_terms(d):
    coefficients = np.random.default_rng(d).normal(size=d)
    return [(0.3, set()), *((coefficient, {number}) for number, coefficient in enumerate(coefficients))]


# A tree: if w0 then 1, else if w1 and w2 then 1: 1_a + (1 - 1_a) 1_b 1_c.
TREE = [(1.0, {0}), (1.0, {1, 2}), (-1.0, {0, 1, 2})]
FUNCTIONS = {
    "linear": linear_terms,
    "and of 1": lambda d: [(1.0, {d - 1})],
    "and of 2": lambda d: [(1.0, {0, d - 1})],
    "and of 3": lambda _: [(1.0, {0, 1, 2})],
    "tree": lambda _: TREE,
    "mixture": lambda d: [*linear_terms(d), (2.0, {0, 1}), (-3.0, {1, 2, d - 1})],
}


@pytest.mark.parametrize("terms", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("d", [4, 7, 10])
def test_enumerated_text_is_the_closed_form(d, terms):
    function = polynomial(terms(d))
    explanation = explain_text(function, d, num_samples=1024)  # 2 ** 10: all masks
    weights, half_widths = dense(explanation)
    intercept, expected = of_polynomial(d, terms(d))
    assert weights == pytest.approx(expected, abs=1e-10)
    assert explanation.surrogates[0].intercept == pytest.approx(intercept, abs=1e-10)
    assert not half_widths.any()
    assert explanation.converged
    by_enumeration = enumerated(d, function)
    assert weights == pytest.approx(by_enumeration[1], abs=1e-10)
    assert explanation.surrogates[0].intercept == pytest.approx(by_enumeration[0], abs=1e-10)


@given(d=st.integers(2, 8), seed=st.integers(0, 2**32 - 1), alpha=st.sampled_from([0.0, 1.0, 100.0]))
def test_enumerated_text_solves_its_least_squares_problem(d, seed, alpha):
    values = np.random.default_rng(seed).normal(size=2**d)

    def function(masks):
        return values[(masks @ (1 << np.arange(d))).astype(int)]

    explanation = explain_text(function, d, alpha=alpha, num_samples=1000)
    # The penalty is meant for 1000 draws; the weights of the problem written out add up to E[pi].
    intercept, expected = enumerated(d, function, alpha / 1000)
    assert dense(explanation)[0] == pytest.approx(expected, abs=1e-10)
    assert explanation.surrogates[0].intercept == pytest.approx(intercept, abs=1e-10)


@pytest.mark.parametrize("selection", ["forward_selection", "highest_weights"])
def test_enumerated_short_lists_solve_their_own_least_squares_problem(selection):
    d = 8
    function = polynomial(FUNCTIONS["mixture"](d))
    explainer = TextExplainer(alpha=0.0, feature_selection=selection)
    explanation = explainer.explain_instance(" ".join(words(d)), text_model(function, d), num_features=3, num_samples=256)
    (surrogate,) = explanation.surrogates
    chosen = sorted(surrogate.components)
    masks = np.array(list(product([0.0, 1.0], repeat=d)))
    absent = d - masks.sum(axis=1).astype(int)
    root = np.sqrt(np.where(absent > 0, psi(absent / d) / np.bincount(absent)[absent], 0.0))
    columns = np.column_stack([np.ones(len(masks)), masks[:, chosen]])
    expected = np.linalg.lstsq(columns * root[:, None], function(masks) * root, rcond=None)[0]
    assert dense(explanation)[0][chosen] == pytest.approx(expected[1:], abs=1e-10)
    assert surrogate.intercept == pytest.approx(expected[0], abs=1e-10)
    assert surrogate.local_prediction == pytest.approx(expected.sum(), abs=1e-10)


def test_fidelity_of_an_enumerated_text_is_its_r2():
    d, terms = 6, TREE
    function = polynomial(terms)
    masks = np.array(list(product([0.0, 1.0], repeat=d)))
    absent = d - masks.sum(axis=1).astype(int)
    weights = np.where(absent > 0, psi(absent / d) / np.bincount(absent)[absent], 0.0)
    intercept, expected = of_polynomial(d, terms)
    missed = weights @ (function(masks) - intercept - masks @ expected) ** 2
    spread = weights @ (function(masks) - np.average(function(masks), weights=weights)) ** 2
    assert explain_text(function, d).surrogates[0].fidelity == pytest.approx(1 - missed / spread, abs=1e-10)


@pytest.mark.parametrize("terms", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("d", [20, 30])
def test_sampled_text_converges_to_the_closed_form(d, terms):
    intercept, expected = of_polynomial(d, terms(d))
    explanation = explain_text(polynomial(terms(d)), d, num_samples=20000)
    weights, half_widths = dense(explanation)
    error = np.abs(weights - expected)
    assert np.mean(error <= half_widths + 1e-9) >= 0.85
    assert np.all(error <= 2.5 * half_widths + 1e-9)
    assert half_widths.max() <= 0.06 * np.abs(expected).max()
    assert explanation.surrogates[0].intercept == pytest.approx(intercept, abs=0.06 * np.abs(expected).max())


def test_a_sampled_linear_text_is_exact():
    d = 25
    explanation = explain_text(polynomial(linear_terms(d)), d, num_samples=500)
    expected = [coefficient for coefficient, members in linear_terms(d) if members]
    assert dense(explanation)[0] == pytest.approx(np.array(expected), abs=1e-10)
    assert explanation.surrogates[0].fidelity == pytest.approx(1.0, abs=1e-10)


def test_the_penalty_does_not_depend_on_the_design():
    d, function = 9, polynomial(FUNCTIONS["mixture"](9))
    exact, _ = dense(explain_text(function, d, num_samples=2000, alpha=200.0))
    free, _ = dense(explain_text(function, d, num_samples=2000))
    for seed in range(3):
        weights, half_widths = dense(explain_text(function, d, num_samples=2000, alpha=200.0, design="iid", random_state=seed))
        assert np.mean(np.abs(weights - exact) <= 2 * half_widths) >= 0.85
    assert np.abs(exact - free).max() > 3 * half_widths.max()  # so the penalty could be told from none


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("present", [0.9, -2.0])
def test_a_single_word_weighs_the_difference_it_makes(alpha, present):
    explanation = explain_text(lambda masks: 0.25 + (present - 0.25) * masks[:, 0], 1, alpha=alpha)
    difference = present - 0.25
    # Half of 5000 draws with weight 1 each have the word: variance 1/4, penalty alpha/5000.
    assert dense(explanation)[0][0] == pytest.approx(difference * 0.25 / (0.25 + alpha / 5000), rel=1e-10)
    assert dense(explanation)[0][0] == pytest.approx(difference, rel=1e-3)


# --- tables -----------------------------------------------------------------------------------------------------------------

D = 6
TRAINING = np.random.default_rng(0).normal(size=(1000, D)) * np.arange(1.0, D + 1) + np.arange(D)
ROW = TRAINING[7]
EDGES = np.percentile(TRAINING, [25, 50, 75], axis=0)
BINS = np.array([np.searchsorted(EDGES[:, j], TRAINING[:, j]) for j in range(D)]).T
OWN = BINS[7]
SHARE = 0.25  # of every bin: 1000 distinct values in quartiles
WIDTH = 0.75 * D**0.5


def bin_parameters(j, b):
    """Mean and standard deviation of the training values of a column in a bin, and the bin's ends."""
    values = TRAINING[BINS[:, j] == b, j]
    ends = [TRAINING[:, j].min(), *EDGES[:, j], TRAINING[:, j].max()]
    return values.mean(), values.std(), ends[b], ends[b + 1]


def bin_mean(j, b):
    """The mean of a truncated normal distribution in a bin."""
    mean, scale, low, high = bin_parameters(j, b)
    return truncnorm.mean((low - mean) / scale, (high - mean) / scale, loc=mean, scale=scale)


def bin_share_above(j, b, threshold):
    """The share of a bin's draws above a threshold."""
    mean, scale, low, high = bin_parameters(j, b)
    first, at, last = ndtr((np.clip([low, threshold, high], low, high) - mean) / scale)
    return (last - at) / (last - first)


def own_bin_is_tilted(width=WIDTH):
    """q: how likely a column stays in its own bin once the kernel weighs the rows; others lose e^(-1/(2 nu^2)) each."""
    factor = np.exp(-1 / (2 * width**2))
    return SHARE / (SHARE + (1 - SHARE) * factor)


def other_mean(values, j):
    """The mean over the bins of a column that are not the instance's own; they are equally likely."""
    return np.mean([values[b] for b in range(4) if b != OWN[j]])


def explain_row(model, *, num_samples=20000, random_state=0, alpha=0.0, **options):
    explainer = TabularExplainer(TRAINING, alpha=alpha, feature_selection="none", random_state=random_state, **options)
    return explainer.explain_instance(ROW, model, num_samples=num_samples)


def in_own_bin(rows, j):
    return np.searchsorted(EDGES[:, j], rows[:, j]) == OWN[j]


COEFFICIENTS = np.array([1.0, -0.5, 0.3, 0.0, 0.2, -0.1])


def linear_model(rows):
    return rows @ COEFFICIENTS


def linear_weights():
    """beta_j = lambda_j (mu_own - the mean of the other bins' mu): independent of the kernel."""
    means = np.array([[bin_mean(j, b) for b in range(4)] for j in range(D)])
    return COEFFICIENTS * np.array([means[j, OWN[j]] - other_mean(means[j], j) for j in range(D)])


def rectangle_model(rows):
    return (in_own_bin(rows, 0) & in_own_bin(rows, 2)).astype(float)


def rectangle_weights(width=WIDTH):
    """The indicator of two own bins: each weighs as much as the other is likely."""
    q = own_bin_is_tilted(width)
    return np.array([q, 0, q, 0, 0, 0])


THRESHOLD = EDGES[1] + 0.3


def tree_model(rows):
    """A tree of depth 2: above a threshold of x1 that lies inside a bin the answer depends on x4, below it on x5."""
    above = rows[:, 1] > THRESHOLD[1]
    return np.where(above, rows[:, 4] > THRESHOLD[4], 2.0 * (rows[:, 5] > THRESHOLD[5]))


def tree_weights(width=WIDTH):
    """beta_j = E~[f | z_j = 1] - E~[f | z_j = 0], where columns are independent."""
    q = own_bin_is_tilted(width)
    inside, outside, mean = np.zeros(D), np.zeros(D), np.zeros(D)
    for j in (1, 4, 5):
        shares = [bin_share_above(j, b, THRESHOLD[j]) for b in range(4)]
        inside[j], outside[j] = shares[OWN[j]], other_mean(shares, j)
        mean[j] = q * inside[j] + (1 - q) * outside[j]
    step = inside - outside
    return np.array([0, step[1] * (mean[4] - 2 * mean[5]), 0, 0, mean[1] * step[4], 2 * (1 - mean[1]) * step[5]])


TABLES = {
    "linear": (linear_model, linear_weights),
    "own bin": (lambda rows: in_own_bin(rows, 3).astype(float), lambda: np.eye(D)[3]),
    "rectangle": (rectangle_model, rectangle_weights),
    "tree": (tree_model, tree_weights),
}


@pytest.mark.parametrize("design", ["auto", "iid"])
@pytest.mark.parametrize(("model", "expected"), TABLES.values(), ids=TABLES)
def test_tables_converge_to_the_closed_form(model, expected, design):
    weights, half_widths = dense(explain_row(model, design=design))
    error = np.abs(weights - expected())
    assert np.mean(error <= half_widths + 1e-9) >= 4 / 6
    assert np.all(error <= 2.5 * half_widths + 1e-9)
    assert half_widths.max() <= (0.02 if design == "auto" else 0.08) * np.abs(expected()).max() + 1e-12


def test_the_indicator_of_the_own_bin_is_found_exactly():
    weights, half_widths = dense(explain_row(TABLES["own bin"][0], num_samples=500))
    assert weights == pytest.approx(np.eye(D)[3], abs=1e-12)
    assert half_widths == pytest.approx(np.zeros(D), abs=1e-12)


@pytest.mark.parametrize("width", [0.6, 1.0, 5.0])
def test_the_kernel_width_tilts_the_bins(width):
    for model, expected in ((rectangle_model, rectangle_weights), (tree_model, tree_weights)):
        weights, half_widths = dense(explain_row(model, kernel_width=width, num_samples=32768))
        assert np.all(np.abs(weights - expected(width)) <= 2.5 * half_widths + 1e-9)
        assert np.abs(expected(width) - expected()).max() > 3 * half_widths.max()


def test_the_weights_of_a_linear_table_do_not_depend_on_the_kernel():
    for width in (1.0, 1.5, 5.0):
        weights, half_widths = dense(explain_row(linear_model, kernel_width=width))
        assert np.all(np.abs(weights - linear_weights()) <= 2.5 * half_widths)


def test_without_bins_a_linear_table_is_exact():
    weights, _ = dense(explain_row(linear_model, discretize_continuous=False, num_samples=500))
    assert weights == pytest.approx(COEFFICIENTS * TRAINING.std(axis=0), abs=1e-9)


# --- how often intervals cover ----------------------------------------------------------------------------------------------


def coverage(explanations, expected):
    reported = [dense(explanation) for explanation in explanations]
    covered = np.array([np.abs(weights - expected) <= half_widths for weights, half_widths in reported])
    return covered.mean()


def logistic_of_text(masks):
    score = masks @ np.linspace(-1.5, 2.0, masks.shape[1]) + 1.5 * masks[:, 0] * masks[:, -1]
    return 1 / (1 + np.exp(-score))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_text_intervals_cover(alpha):
    d = 12  # 4096 masks: too many for 1000 samples, few enough to write out
    _, expected = enumerated(d, logistic_of_text, alpha / 1000)
    runs = [explain_text(logistic_of_text, d, num_samples=1000, alpha=alpha, random_state=seed) for seed in range(150)]
    assert 0.90 <= coverage(runs, expected) <= 0.995


def test_short_lists_of_text_cover():
    d = 12
    masks = np.array(list(product([0.0, 1.0], repeat=d)))
    absent = d - masks.sum(axis=1).astype(int)
    root = np.sqrt(np.where(absent > 0, psi(absent / d) / np.bincount(absent)[absent], 0.0))
    covered = []
    for seed in range(150):
        explainer = TextExplainer(alpha=0.0, feature_selection="highest_weights", random_state=seed)
        explanation = explainer.explain_instance(
            " ".join(words(d)), text_model(logistic_of_text, d), num_samples=1000, num_features=4
        )
        (surrogate,) = explanation.surrogates
        columns = np.column_stack([np.ones(len(masks)), masks[:, list(surrogate.components)]])
        target = np.linalg.lstsq(columns * root[:, None], logistic_of_text(masks) * root, rcond=None)[0][1:]
        covered.append((np.array(surrogate.lows) <= target) & (target <= np.array(surrogate.highs)))
    assert 0.90 <= np.mean(covered) <= 0.995


@pytest.mark.parametrize("design", ["auto", "iid"])
def test_table_intervals_cover(design):
    runs = [explain_row(tree_model, num_samples=1000, random_state=seed, design=design) for seed in range(150)]
    assert 0.90 <= coverage(runs, tree_weights()) <= 0.995
