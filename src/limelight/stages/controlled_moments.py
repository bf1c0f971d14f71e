"""Moments from a fit of all components and of control variates, with the exact moments of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy

import numpy as np

from limelight.stages.control_variate import Controls, find_moments
from limelight.stages.limit import Expectation
from limelight.stages.moments import PooledMoments, leave_out_each
from limelight.stages.prior import Penalties
from limelight.stages.sample import Sample
from limelight.stages.selection import Uncorrelated

__all__ = ["ControlledMoments"]

_ROUNDING_SHARE = 1e-12  # of a control variate's mean square: with less left by the components, it is linear in them
_LEAST_PIVOT = 1e-9  # of a component's mean square: with less, the others explain it
_MOST_ERRORS = 20.0  # standard errors of a mean, from few replicates: chance gives more to one mean in millions
_LEAST_DISTANCE = 1e-3  # of a standard deviation: what is nearer is right
_ROUNDING_OF_MARGINS = 1e-5  # of the widest: where the sum is additive, what its expansion adds is rounding
_SAMPLES_TOGETHER = 16  # whose Gram matrices stay in the processor's cache
_COLLINEAR_SHARE = 1e-6  # of the largest eigenvalue of control variates' correlations: with less, they are the same


class ControlledMoments:
    """Moments of whole neighbourhoods, as linear models of components and control variates know them from one sample each.

    What such a model leaves of an output is not correlated with components or control variates in the sample. So an output's
    covariances with the components are the model's weights times the exact covariances of components and control variates.
    In the limit they are the sampled ones. Before it they are free of what chance makes of components and control variates.

    Parameters
    ----------
    samples : sequence of Sample
        The perturbations of b instances, with d components, q outputs and r replicates.
    controls : sequence of Controls
        Theirs.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.

    Raises
    ------
    numpy.linalg.LinAlgError
        If least squares on all components has no unique solution, in a whole sample or without one of its replicates; if the
        control variates' means are not those that a sample shows; or if a model contradicts the sum for an instance.
    """

    def __init__(self, samples: Sequence[Sample], controls: Sequence[Controls], nominal_draws: int) -> None:
        components = [part.components for part in controls]
        means, self._variances = (np.stack([getattr(part, name) for part in components]) for name in ("means", "variances"))
        self._penalty = 1.0 / (nominal_draws * np.array([part.mean_weight for part in components]))
        exact = find_moments(controls)
        if any(part.is_contradicted for part in controls):
            raise np.linalg.LinAlgError("the model's answer for an instance is not that of the sum")
        num_folds = controls[0].functions.num_folds
        coefficients = np.concatenate(
            [
                _fit(samples[part], means[part], self._variances[part], Expectation(*(of[part] for of in exact)), num_folds)
                for part in _slices(len(samples))
            ]
        )
        weights = np.swapaxes(coefficients[:, :, 1:], 2, 3)
        self._components_mean = means
        self._cross = weights * self._variances[:, None, None]
        self._outputs_mean = coefficients[:, :, 0] + (weights * means[:, None, None]).sum(axis=-1)

    def take(self, number: int) -> ControlledMoments:
        """Those of one of the samples."""
        one, own = copy(self), slice(number, number + 1)
        one._components_mean, one._variances = self._components_mean[own], self._variances[own]
        one._cross, one._outputs_mean, one._penalty = self._cross[own], self._outputs_mean[own], self._penalty[own]
        return one

    def pooled(self) -> PooledMoments:
        """The moments of all components and outputs over all replicates: as `SampledMoments.pooled`."""
        return PooledMoments(Uncorrelated(self._variances), self._variances, self._cross[:, 0], self._penalty)

    def fit_ridge(self, chosen: np.ndarray, alpha: float, penalties: Penalties) -> tuple[np.ndarray, np.ndarray]:
        """Ridge regressions on chosen components: as `LimitMoments.fit_ridge`, for f fits, one without each replicate.

        Returns
        -------
        intercepts : ndarray of shape (b, q, f)
        weights : ndarray of shape (b, q, f, c)
        """
        means, variances = (
            np.take_along_axis(part[:, None], chosen, axis=-1) for part in (self._components_mean, self._variances)
        )
        unit = self._penalty[:, None, None]
        held = unit * penalties.precisions
        cross = np.take_along_axis(np.swapaxes(self._cross, 1, 2), chosen[:, :, None], axis=-1)
        cross = cross + (held * penalties.means)[:, :, None]
        penalised = (variances + (alpha * unit * penalties.factors + held))[:, :, None]
        weights = np.divide(cross, penalised, out=np.zeros(cross.shape), where=penalised > 0)
        return np.swapaxes(self._outputs_mean, 1, 2) - (means[:, :, None] * weights).sum(axis=-1), weights


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + _SAMPLES_TOGETHER) for start in range(0, count, _SAMPLES_TOGETHER))


def _fit(samples: Sequence[Sample], means: np.ndarray, variances: np.ndarray, exact: Expectation, num_folds: int) -> np.ndarray:
    """Intercepts and weights, of shape (b, f, 1 + d, q): of all replicates, and without each of them.

    An output's least squares on the components differ from those in the limit, and so do a control variate's, whose limit is
    known. The share of a control variate in what the components leave of the output says how much of the one is the other.

    The components' means and variances have shape (b, d), and the control variates' moments (b, e, q) and (b, e, q, d), those
    of each fold of replicates in turn.
    """
    num_outputs, width = len(samples[0].origin), 1 + means.shape[1]
    of_replicates = np.stack([sample.grams_with_controls() for sample in samples])
    # Of a control variate without precise moments nothing is used.
    is_known = (np.isfinite(exact.means) & np.isfinite(exact.covariances).all(axis=-1)).reshape(len(samples), num_folds, -1)
    exact_means = np.where(is_known, exact.means.reshape(is_known.shape), 0.0)
    exact_covariances = np.where(is_known[..., None], exact.covariances.reshape(*is_known.shape, -1), 0.0)
    weights = np.divide(
        exact_covariances,
        variances[:, None, None],
        out=np.zeros(exact_covariances.shape),
        where=variances[:, None, None] > 0,
    )
    intercepts = exact_means - (weights * means[:, None, None]).sum(axis=-1)
    exact_fits = np.concatenate([intercepts[:, :, None], np.swapaxes(weights, 2, 3)], axis=2)
    is_known = is_known.all(axis=1)
    squares = leave_out_each(np.diagonal(of_replicates, axis1=2, axis2=3)[..., width + num_outputs :], axis=1)
    rests = _subtract(of_replicates, exact_fits[:, np.arange(of_replicates.shape[1]) % num_folds], width + num_outputs)
    if not _are_plausible(of_replicates, rests, slice(width + num_outputs, None), is_known).all():
        raise np.linalg.LinAlgError("the sample contradicts the means of its control variates")
    grams = leave_out_each(rests, axis=1)
    is_kept = np.concatenate([np.ones((len(samples), 1), dtype=bool), variances > 0], axis=1)
    cross = np.where(is_kept[:, None, :, None], grams[..., :width, width:], 0.0)
    fitted = _solve(grams[..., :width, :width], cross, is_kept)
    left = grams[..., width:, width:] - np.swapaxes(cross, 2, 3) @ fitted
    coefficients, chance = fitted[..., :num_outputs].copy(), fitted[..., num_outputs:]  # in the limit, the latter are 0
    for output in range(num_outputs):
        own = np.arange(num_outputs + output, left.shape[-1], num_outputs)
        shares = _regress(
            left[..., own[:, None], own],
            left[..., own, output],
            squares[..., own - num_outputs],
            is_known[:, own - num_outputs],
        )
        coefficients[..., output] -= (chance[..., own - num_outputs] * shares[..., None, :]).sum(axis=-1)
    return coefficients


def _subtract(grams: np.ndarray, fits: np.ndarray, first: int) -> np.ndarray:
    """Gram matrices (b, r, p, p) with the last v columns less linear functions of the constant and components, (b, r, w, v)."""
    change = np.broadcast_to(np.eye(grams.shape[-1]), grams.shape).copy()
    change[..., : fits.shape[2], first:] = -fits
    return np.asarray(np.swapaxes(change, 2, 3) @ grams @ change)


def _solve(known: np.ndarray, cross: np.ndarray, is_kept: np.ndarray) -> np.ndarray:
    """The coefficients of columns, (b, f, w, v), from matrices of shape (b, f, w, w); 0 for what is not kept, (b, w)."""
    from scipy.linalg.lapack import dpotrf, dpotrs

    if not is_kept.all():
        is_pair = is_kept[:, None, :, None] & is_kept[:, None, None]
        known = np.where(is_pair, known, np.eye(known.shape[-1]))
    fitted, pivots = np.empty_like(cross), np.empty(known.shape[:3])
    for place in np.ndindex(known.shape[:2]):
        factor, info = dpotrf(known[place].T, lower=1, clean=0)  # the transpose is the same, and needs no copy in another order
        pivots[place] = factor.diagonal() if not info else np.nan
        fitted[place] = dpotrs(factor, cross[place], lower=1)[0]
    if not (pivots**2 > _LEAST_PIVOT * np.diagonal(known, axis1=2, axis2=3)).all():
        raise np.linalg.LinAlgError("some components are the same in all rows of some fit")
    return fitted


def _are_plausible(grams: np.ndarray, rests: np.ndarray, own: slice, is_known: np.ndarray) -> np.ndarray:
    """Whether chance can have made the means of what is left of each of b samples' control variates without their linear parts.

    They are 0 in the limit. If not, the law's moments are not those of the rows. This is not to be expected; but then the
    weights would be wrong. `grams` are with the control variates themselves, `rests` with what is left of them.
    """
    mass = rests[:, :, :1, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        means = rests[:, :, 0, own] / mass
        error = means.std(axis=1, ddof=1) / np.sqrt(means.shape[1]) if means.shape[1] > 1 else np.inf
    distance = np.abs(rests[:, :, 0, own].sum(axis=1) / mass.sum(axis=1))
    total = grams.sum(axis=1) / mass.sum(axis=1)[..., None]
    squares = np.diagonal(total, axis1=1, axis2=2)[:, own]
    spread = np.sqrt(np.maximum(0.0, squares - total[:, 0, own] ** 2))
    least = np.maximum(_LEAST_DISTANCE * spread, _ROUNDING_OF_MARGINS * spread.max(axis=1, initial=0.0)[:, None])
    return np.asarray(~(is_known & (distance > _MOST_ERRORS * error) & (distance > least)).any(axis=1))


def _regress(products: np.ndarray, with_output: np.ndarray, squares: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """The shares, of shape (b, f, e), of control variates in an output, from products of what the components leave of both."""
    variances = np.diagonal(products, axis1=2, axis2=3)
    is_used = is_known[:, None] & (variances > _ROUNDING_SHARE * squares)
    scale = np.sqrt(np.where(is_used, variances, np.inf))
    correlations = products / (scale[..., None] * scale[..., None, :])
    inverse = np.linalg.pinv(correlations, rcond=_COLLINEAR_SHARE, hermitian=True)
    return np.asarray((inverse @ (with_output / scale)[..., None])[..., 0] / scale)
