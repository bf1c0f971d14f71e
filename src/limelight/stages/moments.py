"""Means and covariances of the components and outputs, as sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.limit import Limit
from limelight.stages.sample import Sample

__all__ = ["LimitMoments", "Moments", "SampledMoments", "leave_out_each"]


class Moments(NamedTuple):
    """Weighted means and covariances of p components and outputs; the first of the axes ... is that of the samples.

    Attributes
    ----------
    mean : ndarray of shape (..., p)
    covariance : ndarray of shape (..., p, p)
    penalty : ndarray of shape (...)
        The ridge penalty of ``alpha=1``, in the covariances' units.
    """

    mean: np.ndarray
    covariance: np.ndarray
    penalty: np.ndarray


class SampledMoments:
    """The moments of the perturbations in b samples.

    Parameters
    ----------
    samples : sequence of Sample
        They have equal numbers of components (d), outputs (q) and replicates (r).
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.
    """

    def __init__(self, samples: Sequence[Sample], nominal_draws: int) -> None:
        self._samples = samples
        self._law_draws = np.stack([sample.law_draws for sample in samples])
        self._nominal_draws = nominal_draws

    def pooled(self) -> Moments:
        """The moments of all components and outputs over all replicates: p = d + q, and the axes ... are (b,)."""
        grams = np.stack([sample.full_grams().sum(axis=0) for sample in self._samples])
        return self._moments(grams, self._law_draws.sum(axis=1))

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - the grams are of the chosen ones
        """The moments of chosen components and an output, over all replicates and with each of them left out.

        Parameters
        ----------
        chosen : ndarray of int, of shape (b, q, c)
            The components' numbers, for each output of each sample.
        grams : ndarray of shape (b, q, r, c + 2, c + 2)
            Each replicate's Gram matrix of the constant, the chosen components and the output.

        Returns
        -------
        moments : Moments
            p = c + 1, and the axes ... are (b, q, 1 + r).
        """
        return self._moments(leave_out_each(grams, axis=2), leave_out_each(self._law_draws, axis=1)[:, None])

    def _moments(self, grams: np.ndarray, law_draws: np.ndarray) -> Moments:
        """The moments of Gram matrices, of shape (..., 1 + p, 1 + p), that stand for `law_draws`, of shape (...)."""
        # A narrow kernel can give weight to one replicate only. Without it there is nothing left, and NaN gives no interval.
        mass = np.where(grams[..., 0, 0] > 0, grams[..., 0, 0], np.nan)
        mean = grams[..., 0, 1:] / mass[..., None]
        covariance = grams[..., 1:, 1:] / mass[..., None, None]
        covariance -= mean[..., :, None] * mean[..., None, :]
        return Moments(mean, covariance, law_draws / (self._nominal_draws * mass))


class LimitMoments:
    """The moments that infinitely many perturbations would give, of b samples whose limit is known.

    Parameters
    ----------
    samples : sequence of Sample
        They have equal numbers of components (d) and outputs (q).
    limits : sequence of Limit
        Theirs.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.
    """

    def __init__(self, samples: Sequence[Sample], limits: Sequence[Limit], nominal_draws: int) -> None:
        self._components_mean = np.stack([limit.components.means for limit in limits])
        self._variances = np.stack([limit.components.variances for limit in limits])
        origins = np.stack([sample.origin for sample in samples])
        self._outputs_mean = np.stack([limit.outputs.mean for limit in limits]) - origins
        self._cross = np.stack([limit.outputs.covariances for limit in limits])
        self._penalty = np.array([1.0 / (nominal_draws * limit.components.mean_weight) for limit in limits])

    def pooled(self) -> Moments:
        """The moments of all components and outputs: as `SampledMoments.pooled`."""
        d = self._components_mean.shape[1]
        mean = np.concatenate([self._components_mean, self._outputs_mean], axis=1)
        # How outputs vary together has no closed form, and no use here.
        covariance = np.full((*mean.shape, mean.shape[1]), np.nan)
        covariance[:, :d, :d] = np.eye(d) * self._variances[:, None]
        covariance[:, d:, :d] = self._cross
        covariance[:, :d, d:] = np.swapaxes(self._cross, 1, 2)
        return Moments(mean, covariance, self._penalty)

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - no replicates, nothing to leave out
        """The moments of the chosen components and an output: as `SampledMoments.leaving_out`, with axes (b, q, 1)."""
        num_samples, num_outputs, c = chosen.shape
        mean = np.empty((num_samples, num_outputs, 1, c + 1))
        mean[:, :, 0, :c] = np.take_along_axis(self._components_mean[:, None], chosen, axis=-1)
        mean[:, :, 0, c] = self._outputs_mean
        covariance = np.full((*mean.shape, c + 1), np.nan)
        variances = np.take_along_axis(self._variances[:, None], chosen, axis=-1)
        cross = np.take_along_axis(self._cross, chosen, axis=-1)
        covariance[:, :, 0, :c, :c] = np.eye(c) * variances[..., None]
        covariance[:, :, 0, :c, c] = covariance[:, :, 0, c, :c] = cross
        return Moments(mean, covariance, np.broadcast_to(self._penalty[:, None, None], (num_samples, num_outputs, 1)))


def leave_out_each(per_replicate: np.ndarray, axis: int) -> np.ndarray:
    """The sum over the r replicates along an axis, then the sums without each of them.

    The axis has length 1 + r afterwards, or stays 1 with a single replicate, which cannot be left out.
    """
    total = per_replicate.sum(axis=axis, keepdims=True)
    return total if per_replicate.shape[axis] == 1 else np.concatenate([total, total - per_replicate], axis=axis)
