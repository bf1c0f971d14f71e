"""The sparse, weighted linear model that stands for the model near the instance, its error and its fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.stages.full_fit import Moments, ProjectedMoments, SampledMoments, is_full_fit_sound, leaving_out_each
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.sample import Sample
from limelight.stages.selection import choose

__all__ = ["Fit", "Settings", "fit"]


class Fit(NamedTuple):
    """The surrogate of one output; arrays have one entry a reported component, heaviest first.

    `shrinkage` is the share that the ridge penalty takes off the weight of a component of average variance.
    """

    components: np.ndarray
    weights: np.ndarray
    half_widths: np.ndarray
    intercept: float
    local_prediction: float
    fidelity: float
    shrinkage: float


class Settings(NamedTuple):
    """How surrogates are fitted.

    Attributes
    ----------
    method : str
        How components are chosen; one of `limelight.stages.selection.METHODS`.
    num_features : int
        How many to report at most.
    alpha : float
        The ridge penalty, in lime's unit: for `nominal` draws from LIME's law, weighted by the kernel.
    nominal : int
        The number of draws that `alpha` is meant for.
    kernel_law : KernelLaw or None
        The masks' law where it is known; with its exact moments the full fit is projected on the chosen components, which
        spares the report the noise of the components left out.
    regressor : object or None
        A scikit-learn linear regressor to fit instead of the ridge; it is cloned.
    confidence : float
        The level of the intervals.
    exact : bool
        Whether the sample is the whole neighbourhood rather than a sample.
    """

    method: str
    num_features: int
    alpha: float
    nominal: int
    kernel_law: KernelLaw | None
    regressor: Any
    confidence: float
    exact: bool


def fit(samples: Sequence[Sample], settings: Settings) -> list[list[Fit]]:
    """Fit the surrogate of each output of some samples, which have equal numbers of components, outputs and replicates.

    What the fits are does not depend on which samples are fitted together; together they take less time. Where the settings
    have a law or a regressor, there can be one sample only.
    """
    if settings.method == "lasso_path" and len(samples) * len(samples[0].origin) > 1:
        # A path may end early: outputs may have different numbers of components.
        return [[fit([one], settings)[0][0] for one in sample.outputs_apart()] for sample in samples]
    d, exact = len(samples[0].instance), settings.exact
    source = _source(samples, settings)
    pooled = source.pooled()
    covariance, cross = pooled.covariance[:, :d, :d], np.swapaxes(pooled.covariance[:, :d, d:], 1, 2)
    chosen = choose(settings.method, covariance, cross, pooled.penalty, settings.num_features)
    grams = _grams_of(samples, chosen)
    if settings.regressor is None:
        intercepts, weights = _ridge(source.leaving_out(chosen, grams), settings.alpha)
    else:
        intercepts, weights = _refit(samples[0], chosen[0], settings)
    order = np.argsort(-np.abs(weights[:, :, 0]), axis=-1, kind="stable")
    errors = np.zeros(chosen.shape)
    if not exact:
        errors = _critical(settings.confidence, samples[0].replicates) * _standard_errors(weights[:, :, 1:])
    instances = np.stack([sample.instance for sample in samples])
    own = np.take_along_axis(instances[:, None], chosen, axis=-1).astype(np.float64)
    local = intercepts[:, :, 0] + _dot(weights[:, :, 0], own)
    fidelity = _fidelity(grams, intercepts, weights, exact)
    penalty = settings.alpha * pooled.penalty[:, None] if settings.regressor is None else np.zeros((len(samples), 1))
    variance = np.take_along_axis(np.diagonal(covariance, axis1=1, axis2=2)[:, None], chosen, axis=-1).mean(axis=-1)
    shrinkage = np.divide(penalty, penalty + variance, out=np.zeros(variance.shape), where=penalty > 0)
    chosen, heaviest, errors = (np.take_along_axis(part, order, axis=-1) for part in (chosen, weights[:, :, 0], errors))
    return [
        [
            Fit(
                components=chosen[number, output],
                weights=heaviest[number, output],
                half_widths=errors[number, output],
                intercept=float(intercepts[number, output, 0] + origin),
                local_prediction=float(local[number, output] + origin),
                fidelity=float(fidelity[number, output]) if varied else np.nan,
                shrinkage=float(shrinkage[number, output]),
            )
            for output, (origin, varied) in enumerate(zip(sample.origin, sample.varies, strict=True))
        ]
        for number, sample in enumerate(samples)
    ]


def _source(samples: Sequence[Sample], settings: Settings) -> SampledMoments | ProjectedMoments:
    sampled = SampledMoments(samples, settings.nominal)
    if settings.kernel_law is None or settings.regressor is not None or settings.exact:
        return sampled
    (sample,) = samples
    if is_full_fit_sound(sample, len(sample.instance)):
        with suppress(np.linalg.LinAlgError):  # chance can leave components together in all rows of some replicates
            return ProjectedMoments(sample, settings.kernel_law, settings.nominal)
    return sampled


def _grams_of(samples: Sequence[Sample], chosen: np.ndarray) -> np.ndarray:
    """Each replicate's Gram matrix of the constant, the chosen components and one output, for each sample and output."""
    count, outputs, width = chosen.shape
    d, replicates = len(samples[0].instance), samples[0].replicates
    grams = np.empty((count, outputs, replicates, width + 2, width + 2))
    for number, sample in enumerate(samples):
        stack = sample.stack()
        for output, own in enumerate(chosen[number]):
            if len(stack) == replicates:
                kept = np.concatenate([[0], 1 + own, [1 + d + output]])
                grams[number, output] = stack[:, kept[:, None], kept]
            else:
                kept = np.array([*range(1 + width), 1 + width + output])
                grams[number, output] = sample.grams(own)[:, kept[:, None], kept]
    return grams


def _ridge(moments: Moments, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Intercepts (...) and weights (..., count) of weighted ridge regressions with a free intercept, of one output each."""
    count = moments.mean.shape[-1] - 1
    gram, cross = moments.covariance[..., :count, :count], moments.covariance[..., :count, count:]
    if alpha > 0:
        penalty = (alpha * moments.penalty)[..., None, None] * np.eye(count)
        weights = np.linalg.solve(gram + penalty, cross)[..., 0]
    else:  # components that never vary, or always together, have no weight of their own: the shortest solution
        weights = (np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ cross)[..., 0]
    return moments.mean[..., count] - _dot(moments.mean[..., :count], weights), weights


def _refit(sample: Sample, chosen: np.ndarray, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """The same from a user's regressor, fitted to clones on all rows and with each replicate left out, for each output."""
    from sklearn.base import clone

    intercepts = np.empty((1, len(chosen), 1 + sample.replicates))
    weights = np.empty((*intercepts.shape, chosen.shape[1]))
    for output, own in enumerate(chosen):
        rows, outputs, row_weights, replicate = sample.weighted_rows(own)
        kept = [np.ones(len(rows), dtype=bool), *(replicate != number for number in range(sample.replicates))]
        # As many draws from LIME's law as lime would have made, so that the user's own penalty means the same in every fit.
        for number, (keep, law_mass) in enumerate(zip(kept, leaving_out_each(sample.law_mass, axis=0), strict=False)):
            scaled = row_weights[keep] * (settings.nominal / law_mass)
            fitted = clone(settings.regressor).fit(rows[keep], outputs[keep, output], sample_weight=scaled)
            if not hasattr(fitted, "coef_") or np.size(fitted.coef_) != len(own):
                raise ArgumentTypeError(
                    f"model_regressor must be linear, with a coef_ for each component once fitted; got {type(fitted).__name__}."
                )
            weights[0, output, number] = np.asarray(fitted.coef_, dtype=np.float64).reshape(-1)
            intercepts[0, output, number] = float(np.squeeze(fitted.intercept_))
        if not (np.isfinite(weights[0, output]).all() and np.isfinite(intercepts[0, output]).all()):
            raise ArgumentError("model_regressor must find finite weights; got NaN or infinity.")
    return intercepts, weights


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Products along the last axis."""
    return np.asarray((one[..., None, :] @ other[..., :, None])[..., 0, 0])


def _standard_errors(left_out: np.ndarray) -> np.ndarray:
    """Jackknife over replicates, which are along the last axis but one.

    (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11.)
    """
    count = left_out.shape[-2]
    if count < 2:
        return np.full((*left_out.shape[:-2], left_out.shape[-1]), np.nan)
    squares = ((left_out - left_out.mean(axis=-2, keepdims=True)) ** 2).sum(axis=-2)
    return np.asarray(np.sqrt((count - 1) / count * squares))


@cache
def _critical(confidence: float, replicates: int) -> float:
    """By how many standard errors an interval reaches to each side (Student t)."""
    from scipy.special import stdtrit

    return float(stdtrit(replicates - 1, 0.5 + confidence / 2)) if replicates > 1 else np.nan


def _fidelity(grams: np.ndarray, intercepts: np.ndarray, weights: np.ndarray, exact: bool) -> np.ndarray:
    """Weighted R2 of each replicate under the surrogate fitted without it; of the whole neighbourhood where it is `exact`."""
    count = weights.shape[-1]
    if grams.shape[2] == 1 and not exact:
        return np.full(grams.shape[:2], np.nan)
    fitted, own = slice(0, 1) if exact else slice(1, None), count + 1
    # A row of the constant, the components and the output times this is what the surrogate misses.
    miss = np.ones(grams.shape[:-1])
    miss[..., 0], miss[..., 1:own] = -intercepts[:, :, fitted], -weights[:, :, fitted]
    total = grams.sum(axis=2)
    spread = total[..., own, own] - total[..., 0, own] * (total[..., 0, own] / total[..., 0, 0])
    missed = _dot(miss, (grams @ miss[..., None])[..., 0]).sum(axis=-1)
    # Without spread all that varied has no weight.
    return np.asarray(1.0 - np.divide(missed, spread, out=np.full(spread.shape, np.nan), where=spread > 0))
