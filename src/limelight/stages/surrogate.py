"""Stage 5c: the sparse, weighted linear model that stands for the model near the instance, its error and its fidelity."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from limelight._errors import ArgumentTypeError
from limelight.stages.kernel_law import Curves, KernelLaw
from limelight.stages.sample import CurveProducts, Sample
from limelight.stages.selection import choose, factor, solve_factored

__all__ = ["Fit", "fit"]

_FULL_FIT_ROWS = 2  # effective rows (and pairs of rows) a component from which on the full fit is a good control variate
_FEWEST_CURVED, _MOST_CURVED = 4, 300  # components of a full fit that knows curves; with more they cost more than they save
_OWN_CURVES = 50  # rows a component up to which the choice of the curves adds to the error


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


class _Moments(NamedTuple):
    """Means and covariances of components and outputs, and the ridge penalty of alpha = 1 in the same units.

    All but the pooled ones have a leading axis: 0 for all rows, then one for each replicate left out.
    """

    mean: np.ndarray
    covariance: np.ndarray
    penalty: np.ndarray


def fit(
    sample: Sample,
    *,
    method: str,
    num_features: int,
    alpha: float,
    nominal: int,
    kernel_law: KernelLaw | None,
    regressor: Any,
    confidence: float,
    exact: bool,
) -> list[Fit]:
    """Fit the surrogate of each output.

    Parameters
    ----------
    sample : Sample
        The perturbations and what the model said.
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
    d = len(sample.instance)
    sampled = _Sampled(sample, nominal)
    source: _Sampled | _Projected = sampled
    if kernel_law is not None and regressor is None and not exact and _is_full_fit_sound(sample, d):
        with suppress(np.linalg.LinAlgError):  # chance can leave components together in all rows of some replicates
            source = _Projected(sample, sampled.stack, kernel_law, nominal)
    pooled = source.pooled()
    critical = _critical(confidence, sample.replicates)
    varies = sample.varies
    fits = []
    for output in range(len(sample.origin)):
        covariance, cross = pooled.covariance[:d, :d], pooled.covariance[:d, d + output]
        chosen = choose(method, covariance, cross, float(pooled.penalty), num_features)
        grams = sampled.grams(chosen, output)
        if regressor is None:
            intercepts, weights = _ridge(source.leaving_out(chosen, output, grams), alpha)
        else:
            intercepts, weights = _refit(regressor, sample, chosen, output, nominal)
        penalty = alpha * float(pooled.penalty) if regressor is None else 0.0
        variance = float(np.diag(covariance)[chosen].mean())
        order = np.argsort(-np.abs(weights[0]), kind="stable")
        fits.append(
            Fit(
                components=chosen[order],
                weights=weights[0, order],
                half_widths=np.zeros(len(chosen)) if exact else critical * _standard_error(weights[1:])[order],
                intercept=float(intercepts[0] + sample.origin[output]),
                local_prediction=float(intercepts[0] + weights[0] @ sample.instance[chosen] + sample.origin[output]),
                fidelity=_fidelity(grams, intercepts, weights, exact) if varies[output] else np.nan,
                shrinkage=penalty / (penalty + variance) if penalty else 0.0,
            )
        )
    return fits


class _Sampled:
    """Moments of the perturbations that were asked."""

    def __init__(self, sample: Sample, nominal: int) -> None:
        self._sample = sample
        self._nominal = nominal
        self.stack = sample.stack()

    def pooled(self) -> _Moments:
        mean, covariance, penalty = self._moments(self.stack.sum(axis=0)[None], self._sample.law_mass.sum()[None])
        return _Moments(mean[0], covariance[0], penalty[0])

    def leaving_out(self, chosen: np.ndarray, output: int, grams: np.ndarray) -> _Moments:  # noqa: ARG002 - these are in grams
        return self._moments(_left_out(grams), _left_out(self._sample.law_mass))

    def grams(self, chosen: np.ndarray, output: int) -> np.ndarray:
        """Each replicate's Gram matrix of the constant, the chosen components and one output."""
        width = len(self._sample.instance)
        if len(self.stack) == self._sample.replicates:
            grams, kept = self.stack, [0, *(1 + chosen), 1 + width + output]
        else:
            grams, kept = self._sample.grams(chosen), [*range(1 + len(chosen)), 1 + len(chosen) + output]
        return grams[:, np.array(kept)[:, None], kept]

    def _moments(self, grams: np.ndarray, law_mass: np.ndarray) -> _Moments:
        mass = grams[:, 0, 0]
        mean = grams[:, 0, 1:] / mass[:, None]
        covariance = grams[:, 1:, 1:] / mass[:, None, None] - mean[:, :, None] * mean[:, None, :]
        return _Moments(mean, covariance, law_mass / (self._nominal * mass))


class _Projected:
    """Moments of the whole neighbourhood, as far as a linear model on all components knows them from the sample.

    The outputs' covariances with the components are the full fit's weights times the exactly known covariances of the
    components. In the limit they are the sampled ones; before it they are free of the chance correlations between the
    components, which a fit of few components would take for effects of those left out. They are free, too, of what the
    sample takes for linear in the square and the cube of the full fit's own prediction: most models bend along it.
    """

    def __init__(self, sample: Sample, stack: np.ndarray, kernel_law: KernelLaw, nominal: int) -> None:
        self._components_mean, self._covariance = kernel_law.moments()
        d = len(self._components_mean)
        total = stack.sum(axis=0)
        kept = [total, *(total - gram for gram in stack)] if len(stack) > 1 else [total]
        fits = [_FullFit(gram, d) for gram in kept]
        coefficients = np.stack([one.coefficients for one in fits])
        if _FEWEST_CURVED <= d <= _MOST_CURVED:
            # Curves of each fit's own, so that the spread of the fits shows what choosing them adds to the error. Of many rows
            # that is next to nothing, and one choice serves all.
            chosen = fits if sample.size < _OWN_CURVES * (d + 1) else fits[:1]
            curves = kernel_law.curves(np.concatenate([one.coefficients[1:] for one in chosen], axis=1))
            coefficients = _straightened(fits, curves, sample.with_curves(curves), shared=len(chosen) < len(fits))
        intercepts, weights = coefficients[:, 0], coefficients[:, 1:]
        residuals = np.stack([one.residuals for one in fits])
        self._cross = self._covariance @ weights
        self._outputs = residuals + np.swapaxes(weights, 1, 2) @ self._cross
        self._outputs_mean = intercepts + self._components_mean @ weights
        self._penalty = np.full(len(weights), 1.0 / (nominal * kernel_law.mean_weight))

    def pooled(self) -> _Moments:
        moments = self._of(slice(None), slice(None), slice(0, 1))
        return _Moments(moments.mean[0], moments.covariance[0], moments.penalty[0])

    def leaving_out(self, chosen: np.ndarray, output: int, grams: np.ndarray) -> _Moments:  # noqa: ARG002 - knows more than they
        return self._of(chosen, slice(output, output + 1), slice(None))

    def _of(self, chosen: np.ndarray | slice, some: slice, fits: slice) -> _Moments:
        """Moments of the chosen components and some of the outputs according to some of the full fits."""
        cross, outputs = self._cross[fits, :, some][:, chosen], self._outputs[fits, some, some]
        outputs_mean = self._outputs_mean[fits, some]
        own_mean, own = self._components_mean[chosen], self._covariance[chosen][:, chosen]
        mean = np.concatenate([np.broadcast_to(own_mean, (len(cross), len(own))), outputs_mean], axis=1)
        top = np.concatenate([np.broadcast_to(own, (len(cross), *own.shape)), cross], axis=2)
        bottom = np.concatenate([np.swapaxes(cross, 1, 2), outputs], axis=2)
        return _Moments(mean, np.concatenate([top, bottom], axis=1), self._penalty[fits])


def _is_full_fit_sound(sample: Sample, d: int) -> bool:
    """Whether there are so many rows that least squares on all components is a good control variate."""
    # Of a mask and its complement, the second tells the components' weights little that the first did not.
    rows = min(sample.size / 2, sample.fitting_size)
    return len(sample.stack()) == sample.replicates and rows >= _FULL_FIT_ROWS * (d + 1)


def _left_out(per_replicate: np.ndarray) -> np.ndarray:
    """The sum over all replicates, then the sums without each of them; a single replicate cannot be left out."""
    total = per_replicate.sum(axis=0, keepdims=True)
    return total if len(per_replicate) == 1 else np.concatenate([total, total - per_replicate])


class _FullFit:
    """Least squares on all components, from a Gram matrix of the constant, the components and the outputs.

    Attributes
    ----------
    coefficients : ndarray of shape (1 + d, q)
        Intercepts and weights.
    residuals : ndarray of shape (q, q)
        What is left of the outputs' covariances.
    """

    def __init__(self, gram: np.ndarray, d: int) -> None:
        self._factor = factor(gram[: d + 1, : d + 1])
        cross = gram[: d + 1, d + 1 :]
        self.coefficients = solve_factored(self._factor, cross)
        self.residuals = (gram[d + 1 :, d + 1 :] - cross.T @ self.coefficients) / gram[0, 0]

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Coefficients of other outputs, from their products with the constant and the components, of shape (1 + d, ...)."""
        return solve_factored(self._factor, right.reshape(len(right), -1)).reshape(right.shape)


def _straightened(fits: list[_FullFit], curves: Curves, products: CurveProducts, *, shared: bool) -> np.ndarray:
    """The fits' coefficients, rid of what the sample takes for linear in the curves that the outputs hold.

    A curve's linear part under law and kernel is known. What the sample gives it beyond that is chance, and so is as much of an
    output's coefficients as the output's residual holds of the curve: a control variate.
    """
    coefficients = np.stack([one.coefficients for one in fits])
    families = 1 if shared else len(fits)
    linear = np.moveaxis(curves.linear.reshape(*curves.linear.shape[:2], families, -1), 2, 0)
    columns, outputs, powers = products.leaving_out(len(fits), shared)
    found = np.stack([one.solve(right) for one, right in zip(fits, columns, strict=True)])
    # What is left of the curves' products once their linear parts in the sample are taken out.
    explained = np.einsum("fiaq,fibq->fabq", columns, found)
    square, both, cube = powers[:, 0] - explained[:, 0, 0], powers[:, 1] - explained[:, 0, 1], powers[:, 2] - explained[:, 1, 1]
    held = outputs - np.einsum("fiaq,fiq->faq", columns, coefficients)
    determinant = square * cube - both**2
    sound = determinant > 1e-9 * square * cube
    divisor = np.where(sound, determinant, 1.0)
    shares = np.stack([held[:, 0] * cube - held[:, 1] * both, held[:, 1] * square - held[:, 0] * both], axis=1)
    return np.asarray(coefficients - np.einsum("fiaq,faq->fiq", found - linear, shares * (sound / divisor)[:, None]))


def _ridge(moments: _Moments, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Intercepts (j,) and weights (j, count) of weighted ridge regressions with a free intercept, of one output."""
    count = moments.mean.shape[1] - 1
    gram, cross = moments.covariance[:, :count, :count], moments.covariance[:, :count, count]
    if alpha > 0:
        penalty = (alpha * moments.penalty)[:, None, None] * np.eye(count)
        weights = np.linalg.solve(gram + penalty, cross[:, :, None])[:, :, 0]
    else:  # components that never vary, or always together, have no weight of their own: the shortest solution
        weights = (np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ cross[:, :, None])[:, :, 0]
    return moments.mean[:, count] - np.einsum("jc,jc->j", moments.mean[:, :count], weights), weights


def _refit(regressor: Any, sample: Sample, chosen: np.ndarray, output: int, nominal: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from a user's regressor, fitted to clones on all rows and with each replicate left out."""
    from sklearn.base import clone

    rows, outputs, row_weights, replicate = sample.weighted_rows(chosen)
    kept = [np.ones(len(rows), dtype=bool), *(replicate != number for number in range(sample.replicates))]
    intercepts, weights = [], []
    # As many draws from LIME's law as lime would have made, so that the user's own penalty means the same in every fit.
    for keep, law_mass in zip(kept, _left_out(sample.law_mass), strict=False):
        scaled = row_weights[keep] * (nominal / law_mass)
        fitted = clone(regressor).fit(rows[keep], outputs[keep, output], sample_weight=scaled)
        if not hasattr(fitted, "coef_") or np.size(fitted.coef_) != len(chosen):
            raise ArgumentTypeError(
                f"model_regressor must be linear, with a coef_ for each component once fitted; got {type(fitted).__name__}."
            )
        weights.append(np.asarray(fitted.coef_, dtype=np.float64).reshape(-1))
        intercepts.append(float(np.squeeze(fitted.intercept_)))
    return np.array(intercepts), np.array(weights)


def _standard_error(left_out: np.ndarray) -> np.ndarray:
    """Jackknife over replicates (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11)."""
    count = len(left_out)
    if count < 2:
        return np.full(left_out.shape[1], np.nan)
    squares = ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt((count - 1) / count * squares))


@cache
def _critical(confidence: float, replicates: int) -> float:
    """By how many standard errors an interval reaches to each side (Student t)."""
    from scipy.special import stdtrit

    return float(stdtrit(replicates - 1, 0.5 + confidence / 2)) if replicates > 1 else np.nan


def _fidelity(grams: np.ndarray, intercepts: np.ndarray, weights: np.ndarray, exact: bool) -> float:
    """Weighted R2 of each replicate under the surrogate fitted without it; of the whole neighbourhood where it is `exact`."""
    count = weights.shape[1]
    if len(grams) == 1 and not exact:
        return np.nan
    fitted, own = slice(0, 1) if exact else slice(1, None), count + 1
    # A row of the constant, the components and the output times this is what the surrogate misses.
    miss = np.zeros(grams.shape[:2])
    miss[:, 0], miss[:, 1 : count + 1], miss[:, own] = -intercepts[fitted], -weights[fitted], 1.0
    total = grams.sum(axis=0)
    spread = total[own, own] - total[0, own] * (total[0, own] / total[0, 0])
    if spread <= 0:  # all that varied has no weight
        return np.nan
    return float(1.0 - np.sum(miss * (grams @ miss[:, :, None])[:, :, 0]) / spread)
