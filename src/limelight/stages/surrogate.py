"""The sparse, weighted linear model that stands for the model near the instance, its intervals and its fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.stages.full_fit import ProjectedMoments, is_full_fit_sound
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.moments import Moments, SampledMoments, leave_out_each
from limelight.stages.sample import Sample, find_unknown
from limelight.stages.selection import choose_components

__all__ = ["Fit", "Settings", "critical_value", "fit_surrogates"]


class Fit(NamedTuple):
    """The surrogate of one output, with c reported components, heaviest first.

    Attributes
    ----------
    components : ndarray of int, of shape (c,)
        The components' numbers.
    weights : ndarray of shape (c,)
        Their coefficients.
    half_widths : ndarray of shape (c,)
        How far the weights' intervals reach to each side; NaN where it is not known.
    intercept : float
        The surrogate's value where no reported component is on.
    local_prediction : float
        The surrogate's value for the instance.
    local_half_width : float
        How far the interval of the local prediction reaches to each side; NaN where it is not known.
    fidelity : float
        Weighted R2 on perturbations that the surrogate was not fitted to; NaN where it is not known.
    spread : float
        The output's standard deviation over the neighbourhood, weighted by proximity.
    shrinkage : float
        The share that the ridge penalty takes off the weight of a component of average variance.
    unknown : ndarray of int, of shape (u,)
        The components, reported or not, of which the perturbations show too little for an interval.
    """

    components: np.ndarray
    weights: np.ndarray
    half_widths: np.ndarray
    intercept: float
    local_prediction: float
    local_half_width: float
    fidelity: float
    spread: float
    shrinkage: float
    unknown: np.ndarray


class Settings(NamedTuple):
    """How surrogates are fitted.

    Attributes
    ----------
    method : str
        How components are chosen; one of `limelight.stages.selection.METHODS`.
    num_features : int
        The largest number of components to report.
    alpha : float
        The ridge penalty, in lime's unit: for `nominal_draws` draws from LIME's law, weighted by the kernel.
    nominal_draws : int
        The number of draws that `alpha` is meant for.
    kernel_law : KernelLaw or None
        The masks' law where it is known. With its exact moments the full fit is projected on the chosen components, which
        keeps the noise of the other components out of the report.
    regressor : object or None
        A scikit-learn linear regressor to fit instead of the ridge; it is cloned.
    confidence : float
        The level of the intervals.
    is_exact : bool
        Whether the sample is the whole neighbourhood.
    """

    method: str
    num_features: int
    alpha: float
    nominal_draws: int
    kernel_law: KernelLaw | None
    regressor: Any
    confidence: float
    is_exact: bool


class _Regressions(NamedTuple):
    """Regressions for q outputs of b samples: f fits for each, the first to all replicates, the others without one each.

    Attributes
    ----------
    intercepts : ndarray of shape (b, q, f)
    weights : ndarray of shape (b, q, f, c)
    """

    intercepts: np.ndarray
    weights: np.ndarray


def fit_surrogates(samples: Sequence[Sample], settings: Settings) -> list[list[Fit]]:
    """Fit the surrogate of each output of b samples, which have equal numbers of components, outputs and replicates.

    Fitting samples together takes less time than fitting each alone, for the same result. Settings with a law or a regressor
    allow one sample only.
    """
    if settings.method == "lasso_path" and len(samples) * len(samples[0].origin) > 1:
        # A path may end early: outputs may have different numbers of components.
        return [[fit_surrogates([one], settings)[0][0] for one in sample.split_outputs()] for sample in samples]
    source = _choose_moments(samples, settings)
    pooled = source.pooled()
    d = len(samples[0].instance)
    covariance, cross = pooled.covariance[:, :d, :d], np.swapaxes(pooled.covariance[:, :d, d:], 1, 2)
    factors = np.stack([sample.penalty_factors for sample in samples])
    penalties = pooled.penalty[:, None] * factors
    chosen = choose_components(settings.method, covariance, cross, penalties, settings.num_features)
    chosen_factors = np.take_along_axis(factors[:, None], chosen, axis=-1)
    grams = _chosen_grams(samples, chosen)
    if settings.regressor is None:
        regressions = _fit_ridge(source.leaving_out(chosen, grams), settings.alpha, chosen_factors)
    else:
        regressions = _fit_regressor(samples[0], chosen[0], settings)
    intercepts, weights = regressions.intercepts[:, :, 0], regressions.weights[:, :, 0]
    is_unknown = np.zeros((len(samples), d), dtype=bool) if settings.is_exact else find_unknown(samples)
    half_widths = _half_widths(regressions.weights, samples[0].num_replicates, settings)
    half_widths = np.where(np.take_along_axis(is_unknown[:, None], chosen, axis=-1), np.nan, half_widths)
    instances = np.stack([sample.instance for sample in samples])
    instance_values = np.take_along_axis(instances[:, None], chosen, axis=-1).astype(np.float64)
    local_predictions = intercepts + _dot(weights, instance_values)
    by_fit = regressions.intercepts + _dot(regressions.weights, instance_values[:, :, None])
    local_half_widths = _half_widths(by_fit[..., None], samples[0].num_replicates, settings)[..., 0]
    fidelities, spreads = _fidelities(grams, regressions, settings.is_exact), _spreads(grams)
    shrinkages = _shrinkages(pooled, chosen, chosen_factors, settings)
    order = np.argsort(-np.abs(weights), axis=-1, kind="stable")
    chosen, weights, half_widths = (np.take_along_axis(part, order, axis=-1) for part in (chosen, weights, half_widths))
    return [
        [
            Fit(
                components=chosen[number, output],
                weights=weights[number, output],
                half_widths=half_widths[number, output],
                intercept=float(intercepts[number, output] + origin),
                local_prediction=float(local_predictions[number, output] + origin),
                local_half_width=float(local_half_widths[number, output]),
                fidelity=float(fidelities[number, output]) if varies else np.nan,
                spread=float(spreads[number, output]),
                shrinkage=float(shrinkages[number, output]),
                unknown=np.flatnonzero(is_unknown[number]),
            )
            for output, (origin, varies) in enumerate(zip(sample.origin, sample.varies, strict=True))
        ]
        for number, sample in enumerate(samples)
    ]


def _choose_moments(samples: Sequence[Sample], settings: Settings) -> SampledMoments | ProjectedMoments:
    """Projected moments where the law is known and the full fit is sound, else sampled ones."""
    sampled = SampledMoments(samples, settings.nominal_draws)
    if settings.kernel_law is None or settings.regressor is not None or settings.is_exact:
        return sampled
    (sample,) = samples
    if is_full_fit_sound(sample):
        with suppress(np.linalg.LinAlgError):  # by chance, components can be equal in all rows of some replicates
            return ProjectedMoments(sample, settings.kernel_law, settings.nominal_draws)
    return sampled


def _chosen_grams(samples: Sequence[Sample], chosen: np.ndarray) -> np.ndarray:
    """Each replicate's Gram matrix of the constant, the chosen components and the output: (b, q, r, c + 2, c + 2).

    The chosen components have shape (b, q, c).
    """
    num_samples, num_outputs, width = chosen.shape
    d, num_replicates = len(samples[0].instance), samples[0].num_replicates
    grams = np.empty((num_samples, num_outputs, num_replicates, width + 2, width + 2))
    for number, sample in enumerate(samples):
        full_grams = sample.full_grams()
        for output, components in enumerate(chosen[number]):
            if len(full_grams) == num_replicates:
                kept = np.concatenate([[0], 1 + components, [1 + d + output]])
                grams[number, output] = full_grams[:, kept[:, None], kept]
            else:
                kept = np.array([*range(1 + width), 1 + width + output])
                grams[number, output] = sample.grams(components)[:, kept[:, None], kept]
    return grams


def _fit_ridge(moments: Moments, alpha: float, factors: np.ndarray) -> _Regressions:
    """Weighted ridge regressions with a free intercept, from moments of c components and one output, with axes (b, q, f).

    The components' factors of the penalty have shape (b, q, c).
    """
    c = moments.mean.shape[-1] - 1
    gram, cross = moments.covariance[..., :c, :c], moments.covariance[..., :c, c:]
    if alpha > 0:
        penalty = (alpha * moments.penalty)[..., None, None] * (np.eye(c) * factors[:, :, None, :, None])
        weights = np.linalg.solve(gram + penalty, cross)[..., 0]
    else:  # components that never vary, or always together, have no unique weights: the shortest solution
        weights = (np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ cross)[..., 0]
    return _Regressions(moments.mean[..., c] - _dot(moments.mean[..., :c], weights), weights)


def _fit_regressor(sample: Sample, chosen: np.ndarray, settings: Settings) -> _Regressions:
    """The same from clones of a user's regressor, for one sample and chosen components of shape (q, c)."""
    from sklearn.base import clone

    intercepts = np.empty((1, len(chosen), 1 + sample.num_replicates))
    weights = np.empty((*intercepts.shape, chosen.shape[1]))
    for output, components in enumerate(chosen):
        rows = sample.regression_rows(components)
        kept_rows = [
            np.ones(len(rows.representation), dtype=bool),
            *(rows.replicates != replicate for replicate in range(sample.num_replicates)),
        ]
        for number, (kept, law_draws) in enumerate(zip(kept_rows, leave_out_each(sample.law_draws, axis=0), strict=False)):
            # Every fit has the weight of lime's draws, so that the regressor's own penalty means the same in all of them.
            row_weights = rows.row_weights[kept] * (settings.nominal_draws / law_draws)
            fitted = clone(settings.regressor).fit(
                rows.representation[kept], rows.outputs[kept, output], sample_weight=row_weights
            )
            if not hasattr(fitted, "coef_") or np.size(fitted.coef_) != len(components):
                raise ArgumentTypeError(
                    f"model_regressor must be linear, with a coef_ for each component once fitted; got {type(fitted).__name__}."
                )
            weights[0, output, number] = np.asarray(fitted.coef_, dtype=np.float64).reshape(-1)
            intercepts[0, output, number] = float(np.squeeze(fitted.intercept_))
        if not (np.isfinite(weights[0, output]).all() and np.isfinite(intercepts[0, output]).all()):
            raise ArgumentError("model_regressor must find finite weights; got NaN or infinity.")
    return _Regressions(intercepts, weights)


def _dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Inner products along the last axis: (..., n) and (..., n) give (...)."""
    return np.asarray((left[..., None, :] @ right[..., :, None])[..., 0, 0])


def _half_widths(weights: np.ndarray, num_replicates: int, settings: Settings) -> np.ndarray:
    """How far the intervals reach, of shape (b, q, c), for weights of shape (b, q, f, c)."""
    if settings.is_exact:
        return np.zeros((*weights.shape[:2], weights.shape[-1]))
    return critical_value(settings.confidence, num_replicates) * _standard_errors(weights[:, :, 1:])


def _standard_errors(left_out: np.ndarray) -> np.ndarray:
    """The jackknife's errors, (..., c), of weights from fits that leave out one of r replicates each, (..., r, c).

    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11.)
    """
    r = left_out.shape[-2]
    if r < 2:
        return np.full((*left_out.shape[:-2], left_out.shape[-1]), np.nan)
    squares = ((left_out - left_out.mean(axis=-2, keepdims=True)) ** 2).sum(axis=-2)
    return np.asarray(np.sqrt((r - 1) / r * squares))


@cache
def critical_value(confidence: float, num_replicates: int) -> float:
    """By how many standard errors an interval reaches to each side (Student's t); NaN for one replicate."""
    from scipy.special import stdtrit

    return float(stdtrit(num_replicates - 1, 0.5 + confidence / 2)) if num_replicates > 1 else np.nan


def _fidelities(grams: np.ndarray, regressions: _Regressions, is_exact: bool) -> np.ndarray:
    """Weighted R2, of shape (b, q): of each replicate under the surrogate fitted without it, pooled.

    With `is_exact`, it is that of the whole neighbourhood under its own surrogate. The Gram matrices, of the constant, the
    chosen components and the output, have shape (b, q, r, c + 2, c + 2).
    """
    c = regressions.weights.shape[-1]
    if grams.shape[2] == 1 and not is_exact:
        return np.full(grams.shape[:2], np.nan)
    fits = slice(0, 1) if is_exact else slice(1, None)
    # A row of the constant, the components and the output times this is the row's residual.
    to_residual = np.ones(grams.shape[:-1])
    to_residual[..., 0] = -regressions.intercepts[:, :, fits]
    to_residual[..., 1 : c + 1] = -regressions.weights[:, :, fits]
    total = grams.sum(axis=2)
    variation = total[..., -1, -1] - total[..., 0, -1] * (total[..., 0, -1] / total[..., 0, 0])
    residual = _dot(to_residual, (grams @ to_residual[..., None])[..., 0]).sum(axis=-1)
    # An output can vary in rows without weight only: NaN.
    return np.asarray(1.0 - np.divide(residual, variation, out=np.full(variation.shape, np.nan), where=variation > 0))


def _spreads(grams: np.ndarray) -> np.ndarray:
    """The weighted standard deviation of each output, (b, q), from Gram matrices of shape (b, q, r, c + 2, c + 2)."""
    total = grams.sum(axis=2)
    mean = total[..., 0, -1] / total[..., 0, 0]
    return np.asarray(np.sqrt(np.maximum(0.0, total[..., -1, -1] / total[..., 0, 0] - mean**2)))


def _shrinkages(pooled: Moments, chosen: np.ndarray, factors: np.ndarray, settings: Settings) -> np.ndarray:
    """The share, of shape (b, q), that the ridge penalty takes off the weight of a component of average variance.

    The pooled moments are of all components, of which those of shape (b, q, c) are chosen, with these factors of the penalty.
    """
    variances = np.diagonal(pooled.covariance, axis1=1, axis2=2)[:, None]
    variance = np.maximum(0.0, np.take_along_axis(variances, chosen, axis=-1).mean(axis=-1))  # rounding may leave less than 0
    penalty = settings.alpha * pooled.penalty[:, None] if settings.regressor is None else np.zeros((len(chosen), 1))
    penalty = penalty * factors.mean(axis=-1)
    return np.asarray(np.divide(penalty, penalty + variance, out=np.zeros(variance.shape), where=penalty > 0))
