"""The surrogate stage: weighted least squares, feature selection, intervals and fidelity against the same written out."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit
from sklearn.linear_model import Lasso, LinearRegression, PoissonRegressor, Ridge, lars_path
from sklearn.tree import DecisionTreeRegressor

from limelight import TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.stages.components import fair_coins
from limelight.stages.design import Stretch
from limelight.stages.designs import ComplementaryPairs, Enumeration
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.sample import Sample
from limelight.stages.selection import METHODS, choose_components
from limelight.stages.settings import Settings
from limelight.stages.surrogate import fit_surrogates

SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class Problem:
    """A neighbourhood with its answers; `replicate` holds each row's number."""

    rows: np.ndarray
    outputs: np.ndarray
    law_weights: np.ndarray
    kernel_weights: np.ndarray
    replicate: np.ndarray
    nominal_draws: int = 1000

    @property
    def count(self) -> int:
        return int(self.replicate.max()) + 1

    def row_weights(self, keep=slice(None)):
        """The rows' weights, in lime's unit: scaled to `nominal_draws` draws from lime's law."""
        return (self.law_weights * self.kernel_weights)[keep] * self.nominal_draws / len(self.law_weights[keep])

    def sample(self, cuts=(), origin=None) -> Sample:
        """As a `Sample`, in one stretch, or in several that each replicate is cut into at these shares."""
        origin = self.outputs.mean(axis=0) + 1.0 if origin is None else origin
        sample = Sample(np.ones(self.rows.shape[1]), origin)
        place = np.concatenate([np.arange(n) / n for n in np.bincount(self.replicate)])
        edges = [0.0, *cuts, 1.0]
        for low, high in pairwise(edges):
            part = (place >= low) & (place < high)
            bounds = np.concatenate([[0], np.cumsum(np.bincount(self.replicate[part], minlength=self.count))])
            sample.add(self.rows[part], self.outputs[part], self.law_weights[part], self.kernel_weights[part], bounds)
        return sample


def make_problem(seed, *, rows=200, d=6, outputs=1, replicates=8, dtype=np.uint8) -> Problem:
    """Masks (or standardised values), outputs with interactions and noise, uneven weights of both kinds."""
    rng = np.random.default_rng(seed)
    representation = (rng.random((rows, d)) < rng.uniform(0.3, 0.7, d)).astype(dtype)
    if dtype != np.uint8:
        representation = representation + rng.normal(size=(rows, d))
    answers = representation @ rng.normal(size=(d, outputs)) + 0.3 * rng.normal(size=(rows, outputs))
    answers += 0.7 * representation[:, :1] * representation[:, -1:] + 5.0
    replicate = np.sort(
        np.concatenate([np.arange(4 * replicates) % replicates, rng.integers(replicates, size=rows - 4 * replicates)])
    )
    return Problem(representation, answers, rng.uniform(0.5, 2.0, rows), rng.uniform(0.1, 1.0, rows), replicate)


def least_squares(rows, outputs, weights, penalty):
    """The intercept and the weights of a weighted ridge regression, from its definition as an overdetermined system."""
    d = rows.shape[1]
    root = np.sqrt(weights)
    system = np.concatenate([np.column_stack([root, root[:, None] * rows]), np.eye(d + 1)[1:] * np.sqrt(penalty)])
    solution = np.linalg.lstsq(system, np.concatenate([root * outputs, np.zeros(d)]), rcond=None)[0]
    return solution[0], solution[1:]


def fit_sample(sample, **changes):
    options = {
        "method": "none",
        "num_features": 10,
        "alpha": 1.0,
        "nominal_draws": 1000,
        "kernel_law": None,
        "regressor": None,
        "confidence": 0.95,
        "is_exact": False,
    }
    return fit_surrogates([sample], Settings(**(options | changes)))[0]


def dense(fit, d):
    """A fit's weights by component number."""
    weights = np.zeros(d)
    weights[fit.components] = fit.weights
    return weights


# --- the least squares problem ----------------------------------------------------------------------------------------------


@given(
    seed=SEEDS,
    rows=st.integers(60, 300),
    d=st.integers(1, 9),
    outputs=st.integers(1, 3),
    replicates=st.integers(1, 8),
    alpha=st.sampled_from([0.0, 0.3, 1.0, 50.0]),
    cuts=st.sampled_from([(), (0.5,), (0.25, 0.5)]),
    dtype=st.sampled_from([np.uint8, np.float64]),
)
def test_fit_solves_weighted_least_squares(seed, rows, d, outputs, replicates, alpha, cuts, dtype):
    problem = make_problem(seed, rows=rows, d=d, outputs=outputs, replicates=replicates, dtype=dtype)
    fits = fit_sample(problem.sample(cuts), alpha=alpha)
    assert len(fits) == outputs
    for output, fit in enumerate(fits):
        intercept, weights = least_squares(problem.rows, problem.outputs[:, output], problem.row_weights(), alpha)
        assert dense(fit, d) == pytest.approx(weights, rel=1e-8, abs=1e-9)
        assert fit.intercept == pytest.approx(intercept, rel=1e-8)
        assert fit.local_prediction == pytest.approx(intercept + weights.sum(), rel=1e-8)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(5))
def test_fit_agrees_with_scikit_learns_ridge(seed, alpha):
    problem = make_problem(seed, d=12, outputs=2)
    ours = fit_sample(problem.sample((0.5,)), alpha=alpha)
    for output, fit in enumerate(ours):
        theirs = Ridge(alpha=alpha).fit(
            problem.rows.astype(float), problem.outputs[:, output], sample_weight=problem.row_weights()
        )
        assert dense(fit, 12) == pytest.approx(theirs.coef_, rel=1e-8, abs=1e-10)
        assert fit.intercept == pytest.approx(theirs.intercept_, rel=1e-8)


@given(seed=SEEDS, outputs=st.integers(1, 2))
def test_stretches_are_added_up(seed, outputs):
    problem = make_problem(seed, outputs=outputs)
    whole, cut = problem.sample(), problem.sample((0.3, 0.6))
    assert cut.size == whole.size == 200
    assert cut.law_draws == pytest.approx(whole.law_draws)
    assert cut.full_grams() == pytest.approx(whole.full_grams())
    for fit, other in zip(fit_sample(whole), fit_sample(cut), strict=True):
        assert other.components.tolist() == fit.components.tolist()
        for name in ("weights", "half_widths", "intercept", "fidelity", "fidelity_error"):
            assert getattr(other, name) == pytest.approx(getattr(fit, name), rel=1e-7), name


def test_weights_come_heaviest_first():
    (fit,) = fit_sample(make_problem(3, d=9).sample())
    assert np.all(np.diff(np.abs(fit.weights)) <= 0)
    assert sorted(fit.components.tolist()) == list(range(9))


def test_the_penalty_is_meant_for_the_nominal_number_of_rows():
    problem = make_problem(0)
    (few,) = fit_sample(problem.sample(), nominal_draws=10)
    (many,) = fit_sample(problem.sample(), nominal_draws=10**9)
    (none,) = fit_sample(problem.sample(), alpha=0.0)
    assert many.weights == pytest.approx(none.weights, rel=1e-6)
    expected = least_squares(problem.rows, problem.outputs[:, 0], replace(problem, nominal_draws=10).row_weights(), 1.0)
    assert dense(few, 6) == pytest.approx(expected[1])
    assert np.abs(few.weights).sum() < 0.9 * np.abs(none.weights).sum()


def test_a_large_offset_of_the_output_costs_no_digits():
    problem = make_problem(1)
    shifted = replace(problem, outputs=problem.outputs + 2.0**33)
    (fit,) = fit_sample(problem.sample(origin=np.array([5.0])))
    (other,) = fit_sample(shifted.sample(origin=np.array([5.0 + 2.0**33])))
    assert other.weights == pytest.approx(fit.weights, rel=1e-4)  # the sum itself rounds to 2 ** -19
    assert other.fidelity == pytest.approx(fit.fidelity, abs=1e-4)
    assert other.intercept == pytest.approx(fit.intercept + 2.0**33, rel=1e-14)


def test_shrinkage_is_the_penalty_s_share():
    problem = make_problem(2, d=1)
    (fit,) = fit_sample(problem.sample(), alpha=100.0)
    (free,) = fit_sample(problem.sample(), alpha=0.0)
    assert fit.shrinkage == pytest.approx(1 - fit.weights[0] / free.weights[0])
    assert free.shrinkage == 0.0


def test_more_than_twelve_hundred_components_are_fitted_as_fewer():
    problem = make_problem(4, rows=160, d=1201)
    (fit,) = fit_sample(problem.sample(), method="forward_selection", num_features=3)
    narrow = replace(problem, rows=problem.rows[:, fit.components])
    (other,) = fit_sample(narrow.sample())
    assert fit.components[other.components].tolist() == fit.components.tolist()
    assert fit.weights == pytest.approx(other.weights)
    assert fit.half_widths == pytest.approx(other.half_widths)
    assert fit.fidelity == pytest.approx(other.fidelity)


# --- what a sample knows of itself ------------------------------------------------------------------------------------------


@given(seed=SEEDS)
def test_effective_sizes_are_kishs(seed):
    problem = make_problem(seed)
    sample, law, kernel = problem.sample((0.5,)), problem.law_weights, problem.kernel_weights
    assert sample.effective_size == pytest.approx((law @ kernel) ** 2 / (law @ kernel**2))
    assert sample.fitting_size == pytest.approx((law * kernel).sum() ** 2 / ((law * kernel) ** 2).sum())


def test_equal_weights_make_every_row_count():
    ones = np.ones(200)
    sample = replace(make_problem(0), law_weights=ones, kernel_weights=ones).sample()
    assert sample.effective_size == pytest.approx(200)
    assert sample.fitting_size == pytest.approx(200)


def test_every_row_stands_for_one_draw_from_the_law():
    problem = make_problem(5)
    assert problem.sample((0.4,)).law_draws.tolist() == np.bincount(problem.replicate).tolist()


@pytest.mark.parametrize("width", [25.0, 5.0, 1.0])
def test_effective_size_is_that_of_the_law_under_any_tilt(width):
    d = 20
    law = np.concatenate([[0.0], np.full(d, 1 / d)])
    kernel = np.exp(-0.5 * (100 * (1 - np.sqrt(1 - np.arange(d + 1) / d)) / width) ** 2)
    drawn = ComplementaryPairs((0,), kernel).masks(law, Stretch(8, 0, 128))
    absent = d - drawn.values.sum(axis=1)
    sample = Sample(np.ones(d), np.zeros(1))
    sample.add(drawn.values, np.zeros((1024, 1)), drawn.law_weights, kernel[absent], drawn.replicates)
    assert sample.effective_size == pytest.approx(1024 * (law @ kernel) ** 2 / (law @ kernel**2), rel=0.02)
    (fit,) = fit_sample(sample)
    penalty, variance = 1 / (1000 * law @ kernel), KernelLaw(law, kernel).moments()[1][0, 0]
    assert fit.shrinkage == pytest.approx(penalty / (penalty + variance), rel=0.1)


def test_grams_are_weighted_products_of_each_replicate():
    problem = make_problem(6, outputs=2)
    sample = problem.sample((0.5,), origin=np.zeros(2))
    columns = np.column_stack([np.ones(200), problem.rows[:, [4, 1]], problem.outputs])
    weights = problem.law_weights * problem.kernel_weights
    expected = np.stack([(columns * (weights * (problem.replicate == number))[:, None]).T @ columns for number in range(8)])
    assert sample.grams(np.array([4, 1])) == pytest.approx(expected)
    width = problem.rows.shape[1]
    kept = np.array([0, 5, 2, width + 1, width + 2])
    assert sample.full_grams()[:, kept[:, None], kept] == pytest.approx(expected)


def test_many_components_have_one_gram_for_all_replicates(monkeypatch):
    whole = make_problem(6).sample().full_grams().sum(axis=0)
    monkeypatch.setattr("limelight.stages.sample._MOST_COMPONENTS_BY_REPLICATE", 3)
    assert make_problem(6).sample().full_grams() == pytest.approx(whole[None])


def test_varies_tells_rounding_from_variation():
    outputs = np.column_stack([np.full(200, 0.3), 0.3 + 1e-15 * np.arange(200), 0.3 + 1e-6 * np.arange(200)])
    sample = replace(make_problem(0), outputs=outputs).sample(origin=np.full(3, 0.3))
    assert sample.varies.tolist() == [False, False, True]


# --- feature selection ------------------------------------------------------------------------------------------------------


def greedy(rows, outputs, weights, count):
    """Forward selection as its definition says: scikit-learn's fit of every candidate, the best score wins."""
    chosen = []
    for _ in range(min(count, rows.shape[1])):
        candidates = [number for number in range(rows.shape[1]) if number not in chosen]
        scores = []
        for number in candidates:
            subset = rows[:, [*chosen, number]].astype(float)
            scores.append(LinearRegression().fit(subset, outputs, sample_weight=weights).score(subset, outputs, weights))
        chosen.append(candidates[int(np.argmax(scores))])
    return chosen


@pytest.mark.parametrize("seed", range(6))
def test_forward_selection_is_the_greedy_choice(seed):
    problem = make_problem(seed, d=8, outputs=2)
    for output, fit in enumerate(fit_sample(problem.sample((0.5,)), method="forward_selection", num_features=5)):
        expected = greedy(problem.rows, problem.outputs[:, output], problem.row_weights(), 5)
        assert sorted(fit.components.tolist()) == sorted(expected)
        subset = problem.rows[:, expected]
        intercept, weights = least_squares(subset, problem.outputs[:, output], problem.row_weights(), 1.0)
        assert dense(fit, 8)[expected] == pytest.approx(weights, rel=1e-8)
        assert fit.intercept == pytest.approx(intercept, rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_forward_selection_keeps_the_order_of_choice(seed):
    rng = np.random.default_rng(seed)
    rows, outputs, weights = rng.normal(size=(60, 7)) @ rng.normal(size=(7, 7)), rng.normal(size=60), rng.random(60)
    covariance = np.cov(np.column_stack([rows, outputs]).T, aweights=weights, ddof=0)
    chosen = choose_components(
        "forward_selection", covariance[None, :7, :7], covariance[None, None, :7, 7], np.zeros((1, 7)), 7
    ).components[0, 0]
    assert chosen.tolist() == greedy(rows, outputs, weights, 7)


@pytest.mark.parametrize("seed", range(5))
def test_highest_weights_are_those_of_a_slight_ridge(seed):
    problem = make_problem(seed, d=12)
    (fit,) = fit_sample(problem.sample(), method="highest_weights", num_features=7)
    everything = Ridge(alpha=0.01).fit(problem.rows.astype(float), problem.outputs[:, 0], sample_weight=problem.row_weights())
    expected = np.argsort(-np.abs(everything.coef_))[:7]
    assert sorted(fit.components.tolist()) == sorted(expected.tolist())


@pytest.mark.parametrize("count", [1, 3, 6])
@pytest.mark.parametrize("seed", range(5))
def test_lasso_path_is_scikit_learns(seed, count):
    problem = make_problem(seed, d=9)
    (fit,) = fit_sample(problem.sample(), method="lasso_path", num_features=count)
    weights, outputs = problem.row_weights(), problem.outputs[:, 0]
    rows = problem.rows - np.average(problem.rows, axis=0, weights=weights)
    root = np.sqrt(weights)
    _, _, path = lars_path(rows * root[:, None], (outputs - np.average(outputs, weights=weights)) * root, method="lasso")
    sizes = np.count_nonzero(path, axis=0)
    last = np.flatnonzero((sizes <= count) & (sizes > 0))[-1]
    assert sorted(fit.components.tolist()) == np.flatnonzero(path[:, last]).tolist()


def test_auto_takes_the_highest_weights_and_says_what_it_left_out():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(12, 12)) * np.linspace(0.3, 3.0, 12)
    covariance, cross = (factor @ factor.T + 0.1 * np.eye(12))[None], rng.normal(size=(1, 1, 12))
    weights = np.abs(np.linalg.solve(covariance[0], cross[0, 0]))
    order = np.argsort(-weights)
    for count in (1, 6, 11, 12):
        choice = choose_components("auto", covariance, cross, np.zeros((1, 12)), count)
        assert choice.components[0, 0].tolist() == order[:count].tolist()
        np.testing.assert_allclose(choice.sizes[0, 0], weights[order[:count]])
        assert choice.left_out[0, 0] == pytest.approx(weights[order[count]] if count < 12 else 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_no_method_chooses_more_than_there_are_or_one_twice(method):
    for fit in fit_sample(make_problem(0, outputs=2).sample(), method=method, num_features=100):
        assert len(set(fit.components.tolist())) == len(fit.components) <= 6


def test_unknown_method_is_named():
    with pytest.raises(ArgumentError, match=r"feature_selection must be one of 'auto', .*; got 'best'"):
        choose_components("best", np.eye(2)[None], np.ones((1, 1, 2)), np.zeros((1, 2)), 1)


# --- intervals and fidelity -------------------------------------------------------------------------------------------------


def left_out(problem, penalty, estimator=None):
    """Intercepts and weights of the fits that leave one replicate out."""
    found = []
    for number in range(problem.count):
        keep = problem.replicate != number
        outputs = problem.outputs[keep, 0]
        if estimator is None:
            found.append(
                least_squares(problem.rows[keep], outputs, (problem.law_weights * problem.kernel_weights)[keep], penalty)
            )
        else:
            fit = estimator().fit(problem.rows[keep].astype(float), outputs, sample_weight=problem.row_weights(keep))
            found.append((fit.intercept_, fit.coef_))
    return found


@pytest.mark.parametrize("alpha", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_intervals_are_the_jackknifes(alpha, confidence):
    # 8 replicates of 25 rows that all stand for one draw: leaving one out leaves 7/8 of the penalty.
    problem = replace(make_problem(7, d=5), law_weights=np.ones(200), replicate=np.repeat(np.arange(8), 25), nominal_draws=200)
    (fit,) = fit_sample(problem.sample((0.4,)), alpha=alpha, nominal_draws=200, confidence=confidence)
    weights = np.array([weights for _, weights in left_out(problem, alpha * 7 / 8)])
    error = np.sqrt(7 / 8 * ((weights - weights.mean(axis=0)) ** 2).sum(axis=0))
    expected = stdtrit(7, (1 + confidence) / 2) * error
    assert fit.half_widths == pytest.approx(expected[fit.components], rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_uneven_replicates_leave_their_own_share_of_the_penalty(seed):
    problem = make_problem(seed, d=4, replicates=5)
    (fit,) = fit_sample(problem.sample(), alpha=30.0)
    weights = np.array([weights for _, weights in left_out(problem, 0.0, lambda: Ridge(alpha=30.0))])
    error = np.sqrt(4 / 5 * ((weights - weights.mean(axis=0)) ** 2).sum(axis=0))
    assert fit.half_widths == pytest.approx(stdtrit(4, 0.975) * error[fit.components], rel=1e-6)


def test_a_short_list_keeps_the_chosen_set_in_its_intervals():
    problem = make_problem(9, d=8)
    (fit,) = fit_sample(problem.sample(), method="forward_selection", num_features=3)
    (other,) = fit_sample(replace(problem, rows=problem.rows[:, fit.components]).sample())
    assert fit.half_widths == pytest.approx(other.half_widths)


@pytest.mark.parametrize("alpha", [0.0, 10.0])
def test_fidelity_is_that_of_replicates_left_out(alpha):
    problem = replace(make_problem(8, d=5), law_weights=np.ones(200), replicate=np.repeat(np.arange(8), 25), nominal_draws=200)
    (fit,) = fit_sample(problem.sample((0.4,)), alpha=alpha, nominal_draws=200)
    outputs, weights = problem.outputs[:, 0], problem.kernel_weights
    missed = np.empty(200)
    for number, (intercept, coefficients) in enumerate(left_out(problem, alpha * 7 / 8)):
        out = problem.replicate == number
        missed[out] = weights[out] * (outputs[out] - intercept - problem.rows[out] @ coefficients) ** 2

    def share(kept):
        mean = np.average(outputs[kept], weights=weights[kept])
        return 1 - missed[kept].sum() / (weights[kept] @ (outputs[kept] - mean) ** 2)

    assert fit.fidelity == pytest.approx(share(slice(None)), rel=1e-8)
    shares = np.array([share(problem.replicate != number) for number in range(8)])
    error = np.sqrt(7 / 8 * ((shares - shares.mean()) ** 2).sum()) * stdtrit(7, 0.975) / ndtri(0.975)
    assert fit.fidelity_error == pytest.approx(error, rel=1e-6)


def test_an_exact_fit_has_no_intervals_and_its_own_fidelity():
    problem = make_problem(8, d=5, replicates=1)
    (fit,) = fit_sample(problem.sample(), is_exact=True)
    outputs, weights = problem.outputs[:, 0], problem.row_weights()
    theirs = Ridge(alpha=1.0).fit(problem.rows.astype(float), outputs, sample_weight=weights)
    assert fit.half_widths.tolist() == [0.0] * 5
    assert fit.fidelity_error == 0.0
    assert fit.fidelity == pytest.approx(theirs.score(problem.rows.astype(float), outputs, weights), rel=1e-8)


def test_one_replicate_gives_no_intervals_and_no_fidelity():
    (fit,) = fit_sample(make_problem(8, replicates=1).sample())
    assert np.isnan(fit.half_widths).all()
    assert np.isnan([fit.fidelity, fit.fidelity_error]).all()


def test_noise_has_no_fidelity_and_a_linear_output_all_of_it():
    problem = make_problem(0, rows=400)
    noise = replace(problem, outputs=np.random.default_rng(0).normal(size=(400, 1)))
    linear = replace(problem, outputs=problem.rows @ np.arange(1.0, 7.0)[:, None])
    assert fit_sample(noise.sample())[0].fidelity < 0.1
    assert fit_sample(linear.sample(), alpha=0.0)[0].fidelity == pytest.approx(1.0, abs=1e-12)


# --- users' regressors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [LinearRegression, lambda: Lasso(alpha=0.02, tol=1e-12), lambda: Ridge(alpha=5.0)])
def test_a_users_regressor_is_fitted_to_the_chosen_components(make):
    problem = make_problem(10, outputs=1)
    (fit,) = fit_sample(problem.sample((0.5,)), method="forward_selection", num_features=4, regressor=make())
    chosen = np.sort(fit.components)
    narrow = replace(problem, rows=problem.rows[:, chosen])
    theirs = make().fit(narrow.rows.astype(float), narrow.outputs[:, 0], sample_weight=narrow.row_weights())
    assert dense(fit, 6)[chosen] == pytest.approx(theirs.coef_, rel=1e-6, abs=1e-9)
    assert fit.intercept == pytest.approx(theirs.intercept_, rel=1e-6)
    assert fit.shrinkage == 0.0
    weights = np.array([weights for _, weights in left_out(narrow, 0.0, make)])
    error = np.zeros(6)
    error[chosen] = stdtrit(7, 0.975) * np.sqrt(7 / 8 * ((weights - weights.mean(axis=0)) ** 2).sum(axis=0))
    assert fit.half_widths == pytest.approx(error[fit.components], rel=1e-5, abs=1e-9)


def test_ridge_as_a_users_regressor_is_the_default():
    sample = make_problem(11).sample()
    (fit,), (other,) = fit_sample(sample, alpha=3.0), fit_sample(sample, regressor=Ridge(alpha=3.0))
    assert other.weights == pytest.approx(fit.weights, rel=1e-8)
    assert other.half_widths == pytest.approx(fit.half_widths, rel=1e-6)
    assert other.fidelity == pytest.approx(fit.fidelity, rel=1e-8)
    assert other.fidelity_error == pytest.approx(fit.fidelity_error, rel=1e-6)


def test_a_users_regressor_is_never_changed():
    problem = make_problem(12, outputs=2)
    fresh, used = Ridge(alpha=2.0), Ridge(alpha=2.0).fit(np.eye(3), np.arange(3.0))
    before = used.coef_.copy()
    for regressor in (fresh, used):
        first, second = fit_sample(problem.sample(), regressor=regressor)
        assert first.weights.tolist() != second.weights.tolist()
    assert not hasattr(fresh, "coef_")
    assert used.coef_.tolist() == before.tolist()


class Lost(Ridge):
    """A regressor that has found nothing."""

    def fit(self, *data, sample_weight):
        super().fit(*data, sample_weight=sample_weight)
        self.coef_ *= np.nan
        return self


def test_a_regressor_without_weights_of_components_is_refused():
    with pytest.raises(ArgumentError, match="model_regressor must find finite weights"):
        fit_sample(make_problem(0).sample(), regressor=Lost())
    with pytest.raises(ArgumentTypeError, match=r"model_regressor must be linear.*got DecisionTreeRegressor"):
        fit_sample(make_problem(0).sample(), regressor=DecisionTreeRegressor(random_state=0))


# --- degenerate problems ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_column_that_never_varies_has_no_weight(method, alpha):
    problem = make_problem(13)
    problem.rows[:, 2] = 1
    shares = np.array([0.5, 0.5, 1.0, 0.5, 0.5, 0.5])  # it cannot vary
    (fit,) = fit_sample(replace(problem.sample(), shares=shares), method=method, alpha=alpha, num_features=6)
    others = [0, 1, 3, 4, 5]
    _, expected = least_squares(problem.rows[:, others], problem.outputs[:, 0], problem.row_weights(), alpha)
    assert dense(fit, 6)[2] == pytest.approx(0.0, abs=1e-9)
    assert dense(fit, 6)[others] == pytest.approx(expected, rel=1e-7)
    assert np.isfinite(fit.half_widths).all()
    (fit,) = fit_sample(problem.sample(), method=method, alpha=alpha, num_features=6)  # as far as is known, it can
    assert fit.components[np.isnan(fit.half_widths)].tolist() == [2] * (2 in fit.components)


def test_columns_that_go_together_share_their_weight():
    problem = make_problem(14)
    problem.rows[:, 4] = problem.rows[:, 1]
    (fit,) = fit_sample(problem.sample(), alpha=0.0)
    weights = dense(fit, 6)
    alone = least_squares(problem.rows[:, [0, 1, 2, 3, 5]], problem.outputs[:, 0], problem.row_weights(), 0.0)[1]
    assert weights[1] == pytest.approx(weights[4], rel=1e-8)
    assert weights[1] + weights[4] == pytest.approx(alone[1], rel=1e-8)
    assert weights[[0, 2, 3, 5]] == pytest.approx(alone[[0, 2, 3, 4]], rel=1e-8)
    assert np.isfinite(fit.half_widths).all()


def test_forward_selection_leaves_a_copy_for_last():
    problem = make_problem(14)
    problem.rows[:, 4] = problem.rows[:, 1]
    (fit,) = fit_sample(problem.sample(), method="forward_selection", num_features=5)
    assert len({1, 4} & set(fit.components.tolist())) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_constant_output_has_no_weights_and_no_fidelity(method, alpha):
    sample = replace(make_problem(15), outputs=np.full((200, 1), 0.25)).sample(origin=np.array([0.25]))
    (fit,) = fit_sample(sample, method=method, alpha=alpha, num_features=3)
    assert not fit.weights.any()
    assert not fit.half_widths.any()
    assert fit.intercept == fit.local_prediction == 0.25
    assert np.isnan([fit.fidelity, fit.fidelity_error]).all()


def test_a_constant_output_beside_another_keeps_to_itself():
    problem = make_problem(16)
    both = replace(problem, outputs=np.column_stack([np.full(200, 0.25), problem.outputs[:, 0]]))
    still, moving = fit_sample(both.sample(origin=np.array([0.25, 5.0])))
    assert not still.weights.any()
    assert moving.weights == pytest.approx(fit_sample(problem.sample())[0].weights, rel=1e-9)


# --- the exactly known law --------------------------------------------------------------------------------------------------


def all_masks_with_law(d, seed):
    """All masks of d parts as the law draws them, a kernel that depends on their sizes, and a random output."""
    rng = np.random.default_rng(seed)
    law = np.concatenate([[0.0], np.full(d, 1 / d)])
    kernel_law = KernelLaw(law, np.exp(-2.0 * np.arange(d + 1) / d))
    drawn = Enumeration().masks(law, Stretch(1, 0, 0))
    absent = d - drawn.values.sum(axis=1)
    return kernel_law, drawn, kernel_law.kernel[absent], rng.normal(size=(2**d, 2))


@given(d=st.integers(1, 8), seed=SEEDS)
def test_moments_of_the_law_are_those_of_all_masks(d, seed):
    rng = np.random.default_rng(seed)
    kernel_law = KernelLaw(rng.dirichlet(np.ones(d + 1)), rng.uniform(0.1, 1.0, d + 1))
    drawn = Enumeration().masks(kernel_law.law, Stretch(1, 0, 0))
    kernel = kernel_law.kernel[d - drawn.values.sum(axis=1)]
    weights = drawn.law_weights * kernel
    mean, covariance = kernel_law.moments()
    assert mean == pytest.approx(np.average(drawn.values, axis=0, weights=weights))
    assert covariance.reshape(-1) == pytest.approx(
        np.cov(drawn.values.T, aweights=weights, ddof=0).reshape(-1), rel=1e-6, abs=1e-9
    )
    assert kernel_law.mean_weight == pytest.approx(np.average(kernel, weights=drawn.law_weights))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_exact_moments_change_nothing_where_the_sample_has_them(alpha):
    kernel_law, drawn, kernel, outputs = all_masks_with_law(7, 0)
    sample = Sample(np.ones(7), outputs[-1])
    sample.add(drawn.values, outputs, drawn.law_weights, kernel, np.array([0, len(outputs)]))
    for method in ("none", "forward_selection"):
        known = fit_sample(sample, method=method, num_features=3, alpha=alpha, kernel_law=kernel_law)
        unknown = fit_sample(sample, method=method, num_features=3, alpha=alpha)
        for fit, other in zip(known, unknown, strict=True):
            assert fit.components.tolist() == other.components.tolist()
            assert fit.weights == pytest.approx(other.weights, rel=1e-8)
            assert fit.intercept == pytest.approx(other.intercept, rel=1e-8)


def draw_masks(seed, rows=300, d=6):
    """Masks drawn from a known law in 6 replicates, with their kernel weights."""
    rng = np.random.default_rng(seed)
    law = np.concatenate([[0.0], np.full(d, 1 / d)])
    kernel_law = KernelLaw(law, np.exp(-2.0 * np.arange(d + 1) / d))
    absent = rng.integers(1, d + 1, rows)
    masks = (rng.permuted(np.tile(np.arange(d), (rows, 1)), axis=1) >= absent[:, None]).astype(np.uint8)
    outputs = masks @ rng.normal(size=(d, 1)) + 2.0 * masks[:, :1] * masks[:, 1:2] + 0.1 * rng.normal(size=(rows, 1))
    return kernel_law, Problem(masks, outputs, np.ones(rows), kernel_law.kernel[absent], np.repeat(np.arange(6), rows // 6))


@pytest.mark.parametrize("alpha", [0.0, 5.0])
def test_a_short_list_is_the_full_fit_with_its_bends_projected_by_the_law(alpha):
    kernel_law, problem = draw_masks(1)
    (fit,) = fit_sample(problem.sample(), method="forward_selection", num_features=3, alpha=alpha, kernel_law=kernel_law)
    chosen = np.sort(fit.components)
    mean, covariance = kernel_law.moments()

    everything = (np.arange(64)[:, None] >> np.arange(6) & 1).astype(float)
    absent = 6 - everything.sum(axis=1).astype(int)
    probability = (kernel_law.law / [comb(6, count) for count in range(7)])[absent] * kernel_law.kernel[absent]

    def curves(predicted, rows):
        size = rows.sum(axis=1) - mean.sum()
        return np.stack([predicted**2, predicted**3, predicted * size, predicted * size**2, size**2], axis=1)

    def bends(predicted, rows):
        """Curves of a prediction and the number of parts, less what is linear when every mask is weighed by its probability."""
        bent, of_everything = curves(predicted(rows), rows), curves(predicted(everything), everything)
        for column, values in enumerate(of_everything.T):
            start, slopes = least_squares(everything, values, probability, 0.0)
            bent[:, column] -= start + rows @ slopes
        return bent

    # The bends of each replicate's rows are those of a fit to the other replicates' rows.
    own_bends = np.empty((300, 5))
    for number in range(6):
        own, others = problem.replicate == number, problem.replicate != number
        _, straight = least_squares(problem.rows[others], problem.outputs[others, 0], problem.kernel_weights[others], 0.0)
        unit = np.sqrt(straight @ covariance @ straight)
        own_bends[own] = bends(lambda masks, slopes=straight / unit: (masks - mean) @ slopes, problem.rows[own])

    def project(keep):
        rows, outputs, kernel = problem.rows[keep], problem.outputs[keep, 0], problem.kernel_weights[keep]
        with_bends = np.concatenate([rows, own_bends[keep]], axis=1)
        intercept, weights = least_squares(with_bends, outputs, kernel, 0.0)
        weights = weights[:6]
        cross = (covariance @ weights)[chosen]
        penalty = alpha / (problem.nominal_draws * kernel_law.mean_weight)
        short = np.linalg.solve(covariance[np.ix_(chosen, chosen)] + penalty * np.eye(3), cross)
        return np.append(short, intercept + mean @ weights - mean[chosen] @ short)

    expected = project(np.ones(300, dtype=bool))
    assert dense(fit, 6)[chosen] == pytest.approx(expected[:3], rel=1e-8)
    assert fit.intercept == pytest.approx(expected[3], rel=1e-8)
    jackknife = np.array([project(problem.replicate != number)[:3] for number in range(6)])
    error = np.zeros(6)
    error[chosen] = stdtrit(5, 0.975) * np.sqrt(5 / 6 * ((jackknife - jackknife.mean(axis=0)) ** 2).sum(axis=0))
    assert fit.half_widths == pytest.approx(error[fit.components], rel=1e-6)


@pytest.mark.parametrize("method", ["highest_weights", "forward_selection"])
@pytest.mark.parametrize("rows", [24, 54])
def test_fidelity_is_that_of_surrogates_chosen_and_fitted_without_each_replicate(rows, method):
    _, problem = draw_masks(4, rows=rows)
    options = {"method": method, "num_features": 2, "alpha": 0.0}
    missed = varied = 0.0
    total = np.average(problem.outputs[:, 0], weights=problem.kernel_weights)
    for number in range(6):
        own = problem.replicate == number
        kept = ~own
        others = Problem(
            problem.rows[kept],
            problem.outputs[kept],
            problem.law_weights[kept],
            problem.kernel_weights[kept],
            np.unique(problem.replicate[kept], return_inverse=True)[1],
        )
        (fit,) = fit_sample(others.sample(), **options)
        predicted = fit.intercept + problem.rows[own][:, fit.components] @ fit.weights
        missed += problem.kernel_weights[own] @ (problem.outputs[own, 0] - predicted) ** 2
        varied += problem.kernel_weights[own] @ (problem.outputs[own, 0] - total) ** 2
    (whole,) = fit_sample(problem.sample(), **options)
    assert whole.fidelity == pytest.approx(1 - missed / varied, rel=1e-8)


def test_too_few_rows_for_a_full_fit_leave_the_sampled_moments():
    kernel_law, problem = draw_masks(2, rows=24)
    options = {"method": "forward_selection", "num_features": 2}
    (known,) = fit_sample(problem.sample(), kernel_law=kernel_law, **options)
    (unknown,) = fit_sample(problem.sample(), **options)
    assert known.weights.tolist() == unknown.weights.tolist()


def test_no_unique_full_fit_leaves_the_sampled_moments():
    kernel_law, problem = draw_masks(3)
    problem.rows[:, 5] = problem.rows[:, 4]
    options = {"method": "forward_selection", "num_features": 2}
    (known,) = fit_sample(problem.sample(), kernel_law=kernel_law, **options)
    (unknown,) = fit_sample(problem.sample(), **options)
    assert known.weights == pytest.approx(unknown.weights)


def test_the_law_spares_a_short_list_the_noise_of_words_left_out():
    errors = {"known": [], "unknown": []}
    for seed in range(40):
        kernel_law, problem = draw_masks(seed, rows=120, d=8)
        linear = replace(problem, outputs=problem.rows @ np.arange(1.0, 9.0)[:, None])
        mean, covariance = kernel_law.moments()
        target = np.linalg.solve(covariance[6:, 6:], (covariance @ np.arange(1.0, 9.0))[6:])
        for name, law in (("known", kernel_law), ("unknown", None)):
            (fit,) = fit_sample(linear.sample(), method="highest_weights", num_features=2, alpha=0.0, kernel_law=law)
            assert set(fit.components.tolist()) == {6, 7}
            errors[name].append(np.abs(dense(fit, 8)[6:] - target).max())
    assert np.median(errors["known"]) < 1e-3 * np.median(errors["unknown"])
    assert len(mean) == 8


@pytest.mark.parametrize("law", ["fair coins", "uniform"])
@pytest.mark.parametrize("width", [0.05, 0.3, 1.0, 10.0])
@pytest.mark.parametrize("spread", [0.0, 1e-6, 0.01, 1.0])
@pytest.mark.parametrize("unit", [1e-150, 1.0, 1e150])
def test_linear_parts_of_curves_are_those_of_an_enumeration_or_left_alone(law, width, spread, unit):
    d = 7
    probability = fair_coins(d) if law == "fair coins" else np.append(0.0, np.ones(d) / d)
    kernel_law = KernelLaw(probability, np.exp(-((np.arange(d + 1) / d / width) ** 2) / 2))
    predictors = unit * (1 + spread * np.random.default_rng(0).normal(size=(d, 3)))
    predictors[:, 2] = unit * np.random.default_rng(1).normal(size=d)
    curves = kernel_law.curves(predictors)
    masks = (np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(float)
    absent = d - masks.sum(axis=1).astype(int)
    weights = (kernel_law.law / [comb(d, count) for count in range(d + 1)] * kernel_law.kernel)[absent]
    eta = (masks @ predictors - curves.centre) / curves.scale
    sigma = (np.isfinite(curves.scale) * (d - absent - curves.size_centre)[:, None]) / curves.size_scale
    expected = np.stack([eta**2, eta**3, eta * sigma, eta * sigma**2, sigma**2])
    np.testing.assert_allclose(curves.evaluate(masks, slice(None)), np.swapaxes(expected, 1, 2), atol=1e-12)
    missed = np.moveaxis(expected, 1, 0) - np.einsum(
        "mi,icp->mcp", np.column_stack([np.ones(len(masks)), masks]), curves.linear
    )
    # What is left of a curve goes with nothing linear.
    for column in (np.ones(len(masks)), *masks.T):
        products = np.einsum("m,mcp->cp", weights * column, missed) / weights.sum()
        assert np.abs(products).max() < 1e-8
    assert np.isfinite(curves.linear).all()
    if width >= 0.3 and spread == 1.0:
        assert np.isfinite(curves.scale).all()  # these are no close calls: the curves are there


@pytest.mark.parametrize("constant", [0.1, -3e9])
@pytest.mark.parametrize("rows", [None, 64])
def test_rounding_of_a_constant_is_no_weight(constant, rows):
    """The model knows the instance alone; around it, chance moves the last bits of what it says."""
    data = np.random.default_rng(0).normal(size=(500, 4))

    def model(drawn):
        noise = 1 + 1e-16 * np.random.default_rng(len(drawn)).integers(-3, 4, len(drawn))
        return np.where((np.asarray(drawn) == data[0]).all(axis=1), 5.0, constant * noise)

    options = {} if rows is None else {"num_samples": rows}
    explanation = TabularExplainer(data).explain_instance(data[0], model, **options)
    surrogate = explanation.surrogate()
    assert {*surrogate.weights, *surrogate.lows, *surrogate.highs} == {0.0}
    assert not np.signbit(surrogate.weights).any()
    assert np.isnan(surrogate.sign_probabilities).all()
    assert surrogate.local_prediction == pytest.approx(constant, rel=1e-12)
    assert {"constant_output", "off_at_instance"} <= {note.code for note in explanation.notices}


@pytest.mark.parametrize("words", [2, 5, 9])
def test_regressors_without_intercepts_see_what_the_model_says(words):
    """A ridge through 0, of the outputs themselves: by its normal equations over all masks, or as many draws."""
    text = " ".join(f"w{number}" for number in range(words))

    def model(texts):
        return np.array([0.2 + 0.5 * ("w1" in one) for one in texts])

    regressor = Ridge(0.0, fit_intercept=False)
    found = TextExplainer().explain_instance(text, model, model_regressor=regressor, num_samples=512).surrogate()
    assert found.intercept == pytest.approx(0.0, abs=1e-12)
    with_intercept = TextExplainer(alpha=0.0).explain_instance(text, model, num_samples=512).surrogate()
    assert with_intercept.intercept == pytest.approx(0.2)
    # What the constant explained before is shared by the words: all are positive, and w1 is the heaviest.
    assert found.components[0] == 1
    assert min(found.weights) > 0
    assert sum(found.weights) == pytest.approx(found.local_prediction)


def test_regressors_that_take_positive_outputs_only_are_fitted():
    rows = np.random.default_rng(0).normal(size=(300, 3))
    found = TabularExplainer(rows).explain_instance(
        rows[0], lambda some: np.exp(some[:, 0]), model_regressor=PoissonRegressor()
    )
    assert found.surrogate().components[0] == 0


@pytest.mark.parametrize("regressor", [LinearRegression(), Ridge(1.0), Lasso(0.001)])
@pytest.mark.parametrize("words", [1, 2, 5, 8])
def test_regressors_never_see_memory_that_nothing_was_written_to(regressor, words, monkeypatch):
    text = " ".join(f"w{number}" for number in range(words))
    empty = np.empty

    def fill(*arguments, **named):
        array = empty(*arguments, **named)
        if array.dtype.kind == "f":
            array.fill(np.nan)
        return array

    def explain():
        return TextExplainer().explain_instance(text, lambda texts: ["w0" in one for one in texts], model_regressor=regressor)

    clean = explain()
    monkeypatch.setattr(np, "empty", fill)
    assert explain() == clean
