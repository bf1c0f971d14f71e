"""Moments of the components and outputs: as sampled, or from a full fit projected with the components' exact moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.kernel_law import Curves, KernelLaw
from limelight.stages.sample import CurveProducts, Sample
from limelight.stages.selection import factor, solve_factored

__all__ = ["Moments", "ProjectedMoments", "SampledMoments", "is_full_fit_sound", "leaving_out_each"]

_FULL_FIT_ROWS = 2  # effective rows (and pairs of rows) a component from which on the full fit is a good control variate
_FEWEST_CURVED, _MOST_CURVED = 4, 300  # components of a full fit that knows curves; with more they cost more than they save
_OWN_CURVES = 50  # rows a component up to which the choice of the curves adds to the error


class Moments(NamedTuple):
    """Means and covariances of components and outputs, and the ridge penalty of alpha = 1 in the same units.

    Shapes (..., p), (..., p, p) and (...). The first axis is that of the samples.
    """

    mean: np.ndarray
    covariance: np.ndarray
    penalty: np.ndarray


class SampledMoments:
    """Moments of the perturbations that were asked."""

    def __init__(self, samples: Sequence[Sample], nominal: int) -> None:
        self._samples = samples
        self._law_mass = np.stack([sample.law_mass for sample in samples])
        self._nominal = nominal

    def pooled(self) -> Moments:
        total = np.stack([sample.stack().sum(axis=0) for sample in self._samples])
        return self._moments(total, self._law_mass.sum(axis=1))

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - these are in the grams
        return self._moments(leaving_out_each(grams, axis=2), leaving_out_each(self._law_mass, axis=1)[:, None])

    def _moments(self, grams: np.ndarray, law_mass: np.ndarray) -> Moments:
        # Where a narrow kernel leaves weight to one replicate only, nothing is left without that one, and no interval known.
        mass = np.where(grams[..., 0, 0] > 0, grams[..., 0, 0], np.nan)
        mean = grams[..., 0, 1:] / mass[..., None]
        covariance = grams[..., 1:, 1:] / mass[..., None, None]
        covariance -= mean[..., :, None] * mean[..., None, :]
        return Moments(mean, covariance, law_mass / (self._nominal * mass))


class ProjectedMoments:
    """Moments of the whole neighbourhood, as far as a linear model on all components knows them from the sample.

    The outputs' covariances with the components are the full fit's weights times the exactly known covariances of the
    components. In the limit they are the sampled ones; before it they are free of the chance correlations between the
    components, which a fit of few components would take for effects of those left out. They are free, too, of what the
    sample takes for linear in the square and the cube of the full fit's own prediction: most models bend along it.
    """

    def __init__(self, sample: Sample, kernel_law: KernelLaw, nominal: int) -> None:
        self._components_mean, self._covariance = kernel_law.moments()
        stack = sample.stack()
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

    def pooled(self) -> Moments:
        return self._of(slice(None), slice(None), slice(0, 1))

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - knows more than they
        each = [self._of(own, slice(output, output + 1), slice(None)) for output, own in enumerate(chosen[0])]
        return Moments(*(np.stack(parts)[None] for parts in zip(*each, strict=True)))

    def _of(self, chosen: np.ndarray | slice, some: slice, fits: slice) -> Moments:
        """Moments of the chosen components and some of the outputs according to some of the full fits."""
        cross, outputs = self._cross[fits, :, some][:, chosen], self._outputs[fits, some, some]
        outputs_mean = self._outputs_mean[fits, some]
        own_mean, own = self._components_mean[chosen], self._covariance[chosen][:, chosen]
        mean = np.concatenate([np.broadcast_to(own_mean, (len(cross), len(own))), outputs_mean], axis=1)
        top = np.concatenate([np.broadcast_to(own, (len(cross), *own.shape)), cross], axis=2)
        bottom = np.concatenate([np.swapaxes(cross, 1, 2), outputs], axis=2)
        return Moments(mean, np.concatenate([top, bottom], axis=1), self._penalty[fits])


def is_full_fit_sound(sample: Sample, d: int) -> bool:
    """Whether there are so many rows that least squares on all components is a good control variate."""
    # Of a mask and its complement, the second tells the components' weights little that the first did not.
    rows = min(sample.size / 2, sample.fitting_size)
    return len(sample.stack()) == sample.replicates and rows >= _FULL_FIT_ROWS * (d + 1)


def leaving_out_each(per_replicate: np.ndarray, axis: int) -> np.ndarray:
    """The sum over all replicates, then the sums without each of them; a single replicate cannot be left out."""
    total = per_replicate.sum(axis=axis, keepdims=True)
    return total if per_replicate.shape[axis] == 1 else np.concatenate([total, total - per_replicate], axis=axis)


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
