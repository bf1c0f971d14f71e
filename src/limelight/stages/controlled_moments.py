"""Moments from a fit of all components and of control variates, with the exact moments of both."""

from __future__ import annotations

import numpy as np

from limelight.stages.control_variate import Controls
from limelight.stages.moments import Moments, PooledMoments, leave_out_each
from limelight.stages.sample import Sample
from limelight.stages.selection import Uncorrelated

__all__ = ["ControlledMoments"]

_ROUNDING_SHARE = 1e-12  # of a control variate's mean square: with less left by the components, it is linear in them
_LEAST_PIVOT = 1e-9  # of a component's mean square: with less, the others explain it
_MOST_ERRORS = 20.0  # standard errors of a mean, from few replicates: chance gives more to one mean in millions
_LEAST_DISTANCE = 1e-3  # of a standard deviation: what is nearer is right
_ROUNDING_OF_MARGINS = 1e-5  # of the widest: where the sum is additive, what its expansion adds is rounding
_COLLINEAR_SHARE = 1e-6  # of the largest eigenvalue of control variates' correlations: with less, they are the same


class ControlledMoments:
    """Moments of the whole neighbourhood, as a linear model of components and control variates knows them from one sample.

    What this model leaves of an output is not correlated with components or control variates in the sample. So an output's
    covariances with the components are the model's weights times the exact covariances of components and control variates.
    In the limit they are the sampled ones. Before it they are free of what chance makes of components and control variates.

    Parameters
    ----------
    sample : Sample
        The perturbations, with d components, q outputs and r replicates.
    controls : Controls
        Theirs.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.

    Raises
    ------
    numpy.linalg.LinAlgError
        If least squares on all components has no unique solution, in the whole sample or without one of its replicates; or if
        the control variates' means are not those that the sample shows.
    """

    def __init__(self, sample: Sample, controls: Controls, nominal_draws: int) -> None:
        components = controls.components
        self._components_mean, self._variances = components.means, components.variances
        self._penalty = 1.0 / (nominal_draws * components.mean_weight)
        varying = np.flatnonzero(components.variances > 0)
        coefficients = _fit(sample, controls, varying)
        weights = np.zeros((len(coefficients), coefficients.shape[-1], len(components.means)))
        weights[..., varying] = np.swapaxes(coefficients[:, 1:], 1, 2)
        self._cross = weights * components.variances
        self._outputs_mean = coefficients[:, 0] + weights @ components.means

    def pooled(self) -> PooledMoments:
        """The moments of all components and outputs over all replicates: as `SampledMoments.pooled`, with b = 1."""
        variances = self._variances[None]
        return PooledMoments(Uncorrelated(variances), variances, self._cross[:1], np.array([self._penalty]))

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - the full fits replace the grams
        """The moments of chosen components and an output: as `SampledMoments.leaving_out`, with b = 1."""
        (chosen,) = chosen
        num_outputs, c = chosen.shape
        mean = np.empty((1, num_outputs, len(self._cross), c + 1))
        mean[0, ..., :c] = self._components_mean[chosen][:, None]
        mean[0, ..., c] = self._outputs_mean.T
        covariance = np.full((*mean.shape, c + 1), np.nan)  # an output's own variance is of no use here
        covariance[0, ..., :c, :c] = (np.eye(c) * self._variances[chosen][:, None])[:, None]
        cross = np.take_along_axis(self._cross, np.broadcast_to(chosen, (len(self._cross), *chosen.shape)), axis=-1)
        covariance[0, ..., :c, c] = covariance[0, ..., c, :c] = np.swapaxes(cross, 0, 1)
        return Moments(mean, covariance, np.full(mean.shape[:-1], self._penalty), rounding=0.0)


def _fit(sample: Sample, controls: Controls, varying: np.ndarray) -> np.ndarray:
    """Intercepts and weights of the c varying components, of shape (f, 1 + c, q): of all replicates, and without each of them.

    An output's least squares on the components differ from those in the limit, and so do a control variate's, whose limit is
    known. The share of a control variate in what the components leave of the output says how much of the one is the other.
    """
    num_outputs, width = len(sample.origin), 1 + len(varying)
    of_replicates = _multiply(sample, controls, varying)
    if not _are_plausible(of_replicates, slice(width + num_outputs, None)):
        raise np.linalg.LinAlgError("the sample contradicts the means of its control variates")
    grams = leave_out_each(of_replicates, axis=0)
    with np.errstate(invalid="ignore"):
        grams = grams / grams[:, :1, :1]
    known, cross = grams[:, :width, :width], grams[:, :width, width:]
    factor = np.linalg.cholesky(known)
    pivots, squares = np.diagonal(factor, axis1=1, axis2=2) ** 2, np.diagonal(known, axis1=1, axis2=2)
    if not (pivots > _LEAST_PIVOT * squares).all():
        raise np.linalg.LinAlgError("some components are the same in all rows of some fit")
    fitted = np.linalg.solve(np.swapaxes(factor, 1, 2), np.linalg.solve(factor, cross))
    left = grams[:, width:, width:] - np.swapaxes(cross, 1, 2) @ fitted
    squares = np.diagonal(grams[:, width:, width:], axis1=1, axis2=2)
    coefficients = fitted[:, :, :num_outputs].copy()
    exact = _exact_coefficients(controls, varying)
    for output in range(num_outputs):
        own = np.arange(num_outputs + output, left.shape[-1], num_outputs)
        shares = _regress(left[:, own[:, None], own], left[:, own, output], squares[:, own])
        chance = fitted[:, :, own] - exact[:, own - num_outputs]
        coefficients[:, :, output] -= (chance @ shares[..., None])[..., 0]
    return coefficients


def _are_plausible(grams: np.ndarray, own: slice) -> bool:
    """Whether chance can have made the sampled means of control variates of exact ones, which are 0.

    If not, the law's moments are not those of the rows. This is not to be expected; but then the weights would be wrong.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        means = grams[:, 0, own] / grams[:, :1, 0]
        error = means.std(axis=0, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.inf
    total = grams.sum(axis=0) / grams[:, 0, 0].sum()
    distance, spread = np.abs(total[0, own]), np.sqrt(np.diagonal(total)[own])
    least = np.maximum(_LEAST_DISTANCE * spread, _ROUNDING_OF_MARGINS * spread.max(initial=0.0))
    return not ((distance > _MOST_ERRORS * error) & (distance > least)).any()


def _multiply(sample: Sample, controls: Controls, varying: np.ndarray) -> np.ndarray:
    """Weighted products, in each replicate, of the constant, the varying components, the outputs and the control variates."""
    d = len(sample.instance)
    with_controls = sample.products_with(controls.values.reshape(len(controls.values), -1))
    kept = np.concatenate([[0], 1 + varying, np.arange(1 + d, with_controls.shape[1])])
    own = len(kept) - with_controls.shape[2]
    grams = np.empty((sample.num_replicates, len(kept), len(kept)))
    grams[:, :own, :own] = sample.full_grams()[:, kept[:own, None], kept[:own]]
    grams[:, :, own:] = with_controls[:, kept]
    grams[:, own:, :own] = np.swapaxes(grams[:, :own, own:], 1, 2)
    return grams


def _exact_coefficients(controls: Controls, varying: np.ndarray) -> np.ndarray:
    """Intercepts and weights, of shape (1 + c, e * q), of the linear models of control variates whose means are 0."""
    covariances = controls.covariances.reshape(-1, controls.covariances.shape[-1])
    weights = covariances[:, varying] / controls.components.variances[varying]
    return np.concatenate([-(weights @ controls.components.means[varying])[None], weights.T])


def _regress(products: np.ndarray, with_output: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """The shares, of shape (f, e), of control variates in an output, from products of what the components leave of both."""
    variances = np.diagonal(products, axis1=1, axis2=2)
    scale = np.sqrt(np.where(variances > _ROUNDING_SHARE * squares, variances, np.inf))
    correlations = products / (scale[:, :, None] * scale[:, None])
    inverse = np.linalg.pinv(correlations, rcond=_COLLINEAR_SHARE, hermitian=True)
    return np.asarray((inverse @ (with_output / scale)[..., None])[..., 0] / scale)
