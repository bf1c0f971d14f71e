"""The sparse, weighted linear model that stands for the model near the instance, its intervals and its fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.jackknife import critical_value, standard_errors
from limelight.stages.certainty import Certainty, judge_list
from limelight.stages.controlled_moments import ControlledMoments
from limelight.stages.full_fit import ProjectedMoments
from limelight.stages.held_out import find_held_out_fidelities
from limelight.stages.moments import LimitMoments, PooledMoments, SampledMoments, leave_out_each
from limelight.stages.prior import Penalties
from limelight.stages.regressions import ProductsOfComponents, ProductsOfRows, Regressions, dot
from limelight.stages.sample import Sample, find_unknown
from limelight.stages.selected_intervals import reach_towards_zero
from limelight.stages.selection import ALPHA_OF_CHOICE, METHODS_BY_WEIGHT, Choice, choose_components
from limelight.stages.settings import CONFIDENCE, Settings
from limelight.stages.sources import choose_moments
from limelight.stages.sparse_fit import SparseMoments

__all__ = ["Fit", "fit_surrogates", "judge_lists"]

_NORMAL_ERRORS = 1.959963984540054  # to each side: so many of a fidelity's errors hold in 95 %
_LEAST_ALPHA = 1e-6  # beside a prior: without a common penalty, equations with a strong prior lose their digits
_MOST_FORWARD = 6  # components, as in lime
_MOST_JUDGED = 300  # components: the fits of all of them would take longer than the rest


class Fit(NamedTuple):
    """The surrogate of one output, with c reported components, heaviest first.

    Attributes
    ----------
    components : ndarray of int, of shape (c,)
        The components' numbers.
    weights : ndarray of shape (c,)
        Their coefficients.
    half_widths : ndarray of shape (c,)
        How far they may be off, at the intervals' level; NaN where it is not known.
    lows, highs : ndarray of shape (c,)
        The ends of their intervals, which reach further towards 0 where chance may have made a weight one of the heaviest.
    signs : ndarray of shape (c,)
        The probabilities that the weights' signs are right; NaN where it is not known.
    intercept : float
        The surrogate's value where no reported component is on.
    local_prediction : float
        The surrogate's value for the instance.
    local_half_width : float
        How far the interval of the local prediction reaches to each side; NaN where it is not known.
    fidelity : float
        Weighted R2 on perturbations that the surrogate was not fitted to; NaN where it is not known.
    fidelity_error : float
        Its standard error, widened so that 1.96 errors to each side are a 95 % interval; NaN where it is not known.
    spread : float
        The output's standard deviation over the neighbourhood, weighted by proximity.
    shrinkage : float
        The share that the ridge penalty takes off the weight of a component of average variance.
    unknown : ndarray of int, of shape (u,)
        The components, reported or not, of which the perturbations show too little for an interval.
    left_out : ndarray of shape (r, 1 + c)
        The intercept and the weights of the fits that leave out one replicate each, less their means over these fits; no rows
        where nothing is left to chance, or there is one replicate.
    """

    components: np.ndarray
    weights: np.ndarray
    half_widths: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    signs: np.ndarray
    intercept: float
    local_prediction: float
    local_half_width: float
    fidelity: float
    fidelity_error: float
    spread: float
    shrinkage: float
    unknown: np.ndarray
    left_out: np.ndarray


def fit_surrogates(samples: Sequence[Sample], settings: Settings) -> list[list[Fit]]:
    """Fit the surrogate of each output of b samples, which have equal numbers of components, outputs and replicates.

    Fitting samples together takes less time than fitting each alone, for the same result. Settings with a law or a regressor
    allow one sample only.
    """
    if len(samples) > 1 and any(sample.is_wide for sample in samples):
        return [fit_surrogates([sample], settings)[0] for sample in samples]
    if settings.method == "lasso_path" and len(samples) * len(samples[0].origin) > 1:
        # A path may end early: outputs may have different numbers of components.
        return [[fit_surrogates([one], settings)[0][0] for one in sample.split_outputs()] for sample in samples]
    try:
        source = choose_moments(samples, settings)
    except np.linalg.LinAlgError:  # of some sample: half of them are tried at a time
        half = len(samples) // 2
        return fit_surrogates(samples[:half], settings) + fit_surrogates(samples[half:], settings)
    pooled = source.pooled()
    penalties = Penalties.stack([sample.penalties for sample in samples])
    alpha = max(settings.alpha, _LEAST_ALPHA) if penalties.have_prior else settings.alpha
    if settings.components is None:
        method = _name_method(samples[0], settings)
        with_prior, common = pooled.with_prior(penalties), pooled.penalty[:, None] * penalties.factors
        choice = choose_components(method, with_prior.covariances, with_prior.cross, common, settings.num_features)
    else:
        choice = Choice.of(np.tile(np.array(settings.components, dtype=np.intp), (*pooled.cross.shape[:2], 1)))
    chosen = choice.components
    chosen_penalties = penalties.take(chosen)
    of_chosen: ProductsOfRows | ProductsOfComponents
    if samples[0].size < chosen.shape[-1] and not isinstance(source, SparseMoments):
        of_chosen = ProductsOfRows(samples[0], chosen[0], settings.nominal_draws)
    else:
        of_chosen = ProductsOfComponents(samples, chosen, source)
    if isinstance(source, LimitMoments | ControlledMoments):
        regressions = Regressions(*source.fit_ridge(chosen, alpha, chosen_penalties))
    elif settings.regressor is None:
        regressions = of_chosen.fit_ridge(alpha, chosen_penalties)
    else:
        regressions = _fit_regressor(samples[0], chosen[0], settings)
    is_constant = np.stack([_find_constant(sample, settings) for sample in samples])
    regressions = regressions._replace(weights=np.where(is_constant[..., None, None], 0.0, regressions.weights))
    intercepts, weights = regressions.intercepts[:, :, 0], regressions.weights[:, :, 0]
    is_unknown = np.zeros(penalties.factors.shape, dtype=bool) if settings.is_exact else find_unknown(samples)
    errors = _errors(regressions.weights, settings)
    errors = np.where(np.take_along_axis(is_unknown[:, None], chosen, axis=-1), np.nan, errors)
    half_widths = _half_widths(errors, samples[0], settings)
    reaches = _reaches_towards_zero(choice, weights, errors, samples[0], settings)
    lows = weights - np.where(weights > 0, reaches, half_widths)
    highs = weights + np.where(weights > 0, half_widths, reaches)
    instances = np.stack([sample.instance for sample in samples])
    instance_values = np.take_along_axis(instances[:, None], chosen, axis=-1).astype(np.float64)
    local_predictions = intercepts + dot(weights, instance_values)
    by_fit = regressions.intercepts + dot(regressions.weights, instance_values[:, :, None])
    local_half_widths = _half_widths(_errors(by_fit[..., None], settings)[..., 0], samples[0], settings)
    fidelities, spreads = of_chosen.fidelities(regressions, settings.is_exact), of_chosen.spreads()
    is_sampled = isinstance(source, SampledMoments | ProjectedMoments | SparseMoments) and not settings.is_exact
    if is_sampled and settings.components is None and settings.regressor is None:
        for number, sample in enumerate(samples):
            of_one = isinstance(source, ProjectedMoments | SparseMoments)
            own: Any = source if of_one else SampledMoments([sample], settings.nominal_draws)
            held_out = find_held_out_fidelities(sample, own, method, settings.num_features, alpha)
            fidelities[number] = fidelities[number] if held_out is None else held_out
    fidelity_errors = _fidelity_errors(fidelities, is_enumeration=settings.is_exact and samples[0].limit is None)
    if samples[0].limit is not None:  # its few perturbations may have missed what changes the output
        spreads = np.maximum(spreads, _linear_spreads(pooled))
    shrinkages = _shrinkages(pooled, chosen, chosen_penalties.factors, settings)
    signs = _sign_probabilities(weights, errors, samples[0].num_replicates)
    left_out = _deviations(regressions, settings)
    order = np.argsort(-np.abs(weights), axis=-1, kind="stable")
    of_weights = (chosen, weights, half_widths, lows, highs, signs)
    chosen, weights, half_widths, lows, highs, signs = (np.take_along_axis(part, order, axis=-1) for part in of_weights)
    return [
        [
            Fit(
                components=chosen[number, output],
                weights=weights[number, output],
                half_widths=half_widths[number, output],
                lows=lows[number, output],
                highs=highs[number, output],
                signs=signs[number, output],
                intercept=float(intercepts[number, output] + origin),
                local_prediction=float(local_predictions[number, output] + origin),
                local_half_width=float(local_half_widths[number, output]),
                fidelity=float(fidelities[number, output, 0]) if varies else np.nan,
                fidelity_error=float(fidelity_errors[number, output]) if varies else np.nan,
                spread=float(spreads[number, output]),
                shrinkage=float(shrinkages[number, output]),
                unknown=np.flatnonzero(is_unknown[number]),
                left_out=left_out[number, output][:, [0, *(1 + order[number, output])]],
            )
            for output, (origin, varies) in enumerate(zip(sample.origin, sample.varies, strict=True))
        ]
        for number, sample in enumerate(samples)
    ]


def _find_constant(sample: Sample, settings: Settings) -> np.ndarray:
    """Whether each output is constant, so that its weights are rounding, of shape (q,).

    An exact limit knows more than the rows, and a prior or the user's regressor may say something else.
    """
    knows_more = sample.limit is not None or sample.pull is not None or settings.regressor is not None
    return np.asarray(~(sample.varies | knows_more))


def judge_lists(sample: Sample, settings: Settings, fits: Sequence[Fit]) -> list[Certainty]:
    """How certain the list of each output of a sample is, whose surrogates have been fitted with these settings.

    A component of which too little is known, listed or not, could be heavier than any: then nothing is known of the lists.
    """
    d, unknown = len(sample.instance), [Certainty.unknown(len(fit.components)) for fit in fits]
    is_chosen = settings.components is None and settings.regressor is None
    if not is_chosen or settings.method not in METHODS_BY_WEIGHT:
        return unknown
    if settings.is_exact:
        return [Certainty.exact(len(fit.components)).of_weights(fit.weights) for fit in fits]
    if d > _MOST_JUDGED or sample.is_thin or len(fits[0].unknown):
        return unknown
    moments = choose_moments([sample], settings)
    every = np.broadcast_to(np.arange(d), (1, len(fits), d))
    penalties = Penalties(*(part[None, None] for part in sample.penalties))
    if isinstance(moments, ControlledMoments):
        regressions = Regressions(*moments.fit_ridge(every, ALPHA_OF_CHOICE, penalties))
    else:
        regressions = ProductsOfComponents([sample], every, moments).fit_ridge(ALPHA_OF_CHOICE, penalties)
    of_outputs = zip(regressions.weights[0], fits, strict=True)
    return [judge_list(weights, fit.components).of_weights(fit.weights) for weights, fit in of_outputs]


def _linear_spreads(pooled: PooledMoments) -> np.ndarray:
    """The standard deviations, of shape (b, q), of what uncorrelated components explain of outputs."""
    variances = pooled.variances[:, None]
    return np.asarray(
        np.sqrt(np.divide(pooled.cross**2, variances, out=np.zeros(pooled.cross.shape), where=variances > 0).sum(axis=-1))
    )


def _fit_regressor(sample: Sample, chosen: np.ndarray, settings: Settings) -> Regressions:
    """The same from clones of a user's regressor, for one sample and chosen components of shape (q, c)."""
    from sklearn.base import clone

    of_fits = leave_out_each(sample.law_draws, axis=0)  # the first is of all rows, and the only one of a single replicate
    intercepts = np.empty((1, len(chosen), len(of_fits)))
    weights = np.empty((*intercepts.shape, chosen.shape[1]))
    for output, components in enumerate(chosen):
        rows = sample.regression_rows(components)
        kept_rows = [
            np.ones(len(rows.representation), dtype=bool),
            *(rows.replicates != replicate for replicate in range(len(of_fits) - 1)),
        ]
        # What the model says, no differences: a regressor may have no intercept, or take positive numbers only.
        outputs = rows.outputs[:, output] + sample.origin[output]
        for number, (kept, law_draws) in enumerate(zip(kept_rows, of_fits, strict=True)):
            # Every fit has the weight of lime's draws, so that the regressor's own penalty means the same in all of them.
            row_weights = rows.row_weights[kept] * (settings.nominal_draws / law_draws)
            fitted = clone(settings.regressor).fit(rows.representation[kept], outputs[kept], sample_weight=row_weights)
            if not hasattr(fitted, "coef_") or np.size(fitted.coef_) != len(components):
                raise ArgumentTypeError(
                    f"model_regressor must be linear, with a coef_ for each component once fitted; got {type(fitted).__name__}."
                )
            weights[0, output, number] = np.asarray(fitted.coef_, dtype=np.float64).reshape(-1)
            intercepts[0, output, number] = float(np.squeeze(fitted.intercept_)) - sample.origin[output]
        if not (np.isfinite(weights[0, output]).all() and np.isfinite(intercepts[0, output]).all()):
            raise ArgumentError("model_regressor must find finite weights; got NaN or infinity.")
    return Regressions(intercepts, weights)


def _errors(weights: np.ndarray, settings: Settings) -> np.ndarray:
    """The standard errors, of shape (b, q, c), of weights of shape (b, q, f, c); 0 where nothing is left to chance."""
    if settings.is_exact:
        return np.zeros((*weights.shape[:2], weights.shape[-1]))
    return standard_errors(_from_mean(weights[:, :, 1:]))


def _half_widths(errors: np.ndarray, sample: Sample, settings: Settings) -> np.ndarray:
    """How far the intervals reach, of errors of any shape."""
    return errors if settings.is_exact else critical_value(settings.confidence, sample.num_replicates) * errors


def _from_mean(fits: np.ndarray) -> np.ndarray:
    """The deviations from their mean, over the last axis but one, of fits that leave out one replicate each."""
    return fits - fits.mean(axis=-2, keepdims=True) if fits.shape[-2] else fits


def _deviations(regressions: Regressions, settings: Settings) -> np.ndarray:
    """The intercepts and weights of fits that leave out one of r replicates each, less their means: (b, q, r, 1 + c)."""
    first = len(regressions.intercepts[0, 0]) if settings.is_exact else 1
    fits = np.concatenate([regressions.intercepts[:, :, first:, None], regressions.weights[:, :, first:]], axis=-1)
    return _from_mean(fits)


def _name_method(sample: Sample, settings: Settings) -> str:
    """How to choose components: where rows are few, a fit of all says little of single ones, and "auto" selects a few forward.

    More than a few would follow the rows themselves: forward selection finds much in noise.
    """
    is_thin = sample.is_thin and not settings.is_exact
    is_forward = settings.method == "auto" and settings.num_features <= _MOST_FORWARD and is_thin and not settings.is_sparse
    return "forward_selection" if is_forward else settings.method


def _reaches_towards_zero(
    choice: Choice, weights: np.ndarray, errors: np.ndarray, sample: Sample, settings: Settings
) -> np.ndarray:
    """How far the intervals reach towards 0, of shape (b, q, c), given that the components are the heaviest ones."""
    d, degrees = len(sample.instance), sample.num_replicates - 1
    goes_by_weight = settings.method in ("auto", "highest_weights") and settings.components is None
    has_choice = goes_by_weight and choice.components.shape[-1] < d
    if settings.is_exact or not has_choice or degrees < 1:
        return _half_widths(errors, sample, settings)
    left_out = np.broadcast_to(choice.left_out[..., None], choice.sizes.shape)
    if sample.is_thin:  # the weights of the choice are of another scale than these
        return critical_value(1 - (1 - settings.confidence) / d, sample.num_replicates) * errors
    # The choice has a hundredth of the penalty. Where the errors come from the penalty alone, its weights are as much smaller.
    sizes = np.abs(weights)
    scales = np.divide(sizes, choice.sizes, out=np.ones(sizes.shape), where=choice.sizes > 0)
    scales = np.maximum(1.0, scales)
    sizes, bounds, flat_errors = (part.ravel() for part in (choice.sizes * scales, left_out * scales, errors))
    return reach_towards_zero(sizes, bounds, flat_errors, d, degrees, settings.confidence).reshape(errors.shape)


def _sign_probabilities(weights: np.ndarray, errors: np.ndarray, num_replicates: int) -> np.ndarray:
    """How likely the signs of weights with these errors are right, by Student's t; NaN for a weight of 0."""
    from scipy.special import stdtr

    ratios = np.divide(np.abs(weights), errors, out=np.full(weights.shape, np.inf), where=errors != 0)
    return np.where(weights == 0, np.nan, stdtr(max(1, num_replicates - 1), ratios))


def _fidelity_errors(fidelities: np.ndarray, *, is_enumeration: bool) -> np.ndarray:
    """The errors, of shape (b, q), of fidelities of all replicates and without each of them, (b, q, 1 + r).

    They are the jackknife's. Few replicates tell an error with much noise: Student's t makes up for it.
    """
    if is_enumeration:  # nothing is left to chance
        return np.where(np.isnan(fidelities[..., 0]), np.nan, 0.0)
    widening = critical_value(CONFIDENCE, fidelities.shape[-1] - 1) / _NORMAL_ERRORS
    return widening * standard_errors(_from_mean(fidelities[..., 1:, None]))[..., 0]


def _shrinkages(pooled: PooledMoments, chosen: np.ndarray, factors: np.ndarray, settings: Settings) -> np.ndarray:
    """The share, of shape (b, q), that the ridge penalty takes off the weight of a component of average variance.

    The pooled moments are of all components, of which those of shape (b, q, c) are chosen, with these factors of the penalty.
    """
    variances = np.take_along_axis(pooled.variances[:, None], chosen, axis=-1)
    variance = np.maximum(0.0, variances.mean(axis=-1))  # rounding may leave less than 0
    penalty = settings.alpha * pooled.penalty[:, None] if settings.regressor is None else np.zeros((len(chosen), 1))
    penalty = penalty * factors.mean(axis=-1)
    return np.asarray(np.divide(penalty, penalty + variance, out=np.zeros(variance.shape), where=penalty > 0))
