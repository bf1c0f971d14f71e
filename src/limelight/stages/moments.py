"""Means and covariances of the components and outputs, as sampled."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from limelight.stages.limit import Limit, expect_outputs
from limelight.stages.prior import Penalties
from limelight.stages.sample import Sample
from limelight.stages.selection import Covariances, Uncorrelated, path_may_end_early

__all__ = ["LimitMoments", "Moments", "PooledMoments", "SampledMoments", "WideMoments", "leave_out_each"]


class Moments(NamedTuple):
    """Weighted means and covariances of p components and outputs; the first of the axes ... is that of the samples.

    Attributes
    ----------
    mean : ndarray of shape (..., p)
    covariance : ndarray of shape (..., p, p)
    penalty : ndarray of shape (...)
        The ridge penalty of ``alpha=1``, in the covariances' units.
    rounding : float
        Without a penalty, eigenvalues of covariances that are a smaller share of the largest one are taken for rounding.
    """

    mean: np.ndarray
    covariance: np.ndarray
    penalty: np.ndarray
    rounding: float = 1e-10


class PooledMoments(NamedTuple):
    """What all replicates of b samples together say of d components and q outputs.

    Attributes
    ----------
    covariances : Covariances or ndarray of shape (b, d, d)
        The components' weighted covariances with each other.
    variances : ndarray of shape (b, d)
        Their diagonals.
    cross : ndarray of shape (b, q, d)
        The outputs' covariances with the components.
    penalty : ndarray of shape (b,)
        The ridge penalty of ``alpha=1``, in the covariances' units.
    """

    covariances: Covariances | np.ndarray
    variances: np.ndarray
    cross: np.ndarray
    penalty: np.ndarray

    @classmethod
    def of(cls, moments: Moments, d: int) -> PooledMoments:
        """From the moments of d components and q outputs, whose axes ... are (b,)."""
        covariance = moments.covariance[:, :d, :d]
        variances = np.diagonal(covariance, axis1=1, axis2=2)
        return cls(covariance, variances, np.swapaxes(moments.covariance[:, :d, d:], 1, 2), moments.penalty)

    def with_prior(self, penalties: Penalties) -> PooledMoments:
        """The same with a prior's penalties of shape (b, d), as if rows that agree with its means were among the rest."""
        if not penalties.have_prior:
            return self
        added = self.penalty[:, None] * penalties.precisions
        if isinstance(self.covariances, np.ndarray):
            covariances: Covariances | np.ndarray = self.covariances + added[:, :, None] * np.eye(added.shape[1])
        else:
            covariances = self.covariances.with_prior(added, penalties.means)
        return PooledMoments(covariances, self.variances + added, self.cross + (added * penalties.means)[:, None], self.penalty)


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

    def pooled(self) -> PooledMoments:
        """The moments of all components and outputs over all replicates."""
        grams = np.stack([sample.full_grams().sum(axis=0) for sample in self._samples])
        return PooledMoments.of(self._moments(grams, self._law_draws.sum(axis=1)), len(self._samples[0].instance))

    def without_each(self) -> Moments:
        """The moments of all components and outputs of a single sample without each of its r replicates: axes ... are (r,)."""
        grams, law_draws = (leave_out_each(part, axis=0)[1:] for part in (self._samples[0].full_grams(), self._law_draws[0]))
        return self._moments(grams, law_draws)

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
        Theirs, with equal keys.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.
    """

    def __init__(self, samples: Sequence[Sample], limits: Sequence[Limit], nominal_draws: int) -> None:
        components = [limit.law.component_moments(limit.kernel_width) for limit in limits]
        outputs = expect_outputs(limits)
        self._components_mean = np.stack([moments.means for moments in components])
        self._variances = np.stack([moments.variances for moments in components])
        self._outputs_mean = outputs.means - np.stack([sample.origin for sample in samples])
        self._cross = outputs.covariances
        self._penalty = 1.0 / (nominal_draws * np.array([moments.mean_weight for moments in components]))

    def pooled(self) -> PooledMoments:
        """The moments of all components and outputs: as `SampledMoments.pooled`."""
        return PooledMoments(Uncorrelated(self._variances), self._variances, self._cross, self._penalty)

    def fit_ridge(self, chosen: np.ndarray, alpha: float, penalties: Penalties) -> tuple[np.ndarray, np.ndarray]:
        """Ridge regressions on chosen components, (b, q, c), with these penalties: one division for each.

        Returns
        -------
        intercepts : ndarray of shape (b, q, 1)
        weights : ndarray of shape (b, q, 1, c)
        """
        means, variances = (
            np.take_along_axis(part[:, None], chosen, axis=-1) for part in (self._components_mean, self._variances)
        )
        unit = self._penalty[:, None, None]
        held = unit * penalties.precisions
        cross = np.take_along_axis(self._cross, chosen, axis=-1) + held * penalties.means
        penalised = variances + (alpha * unit * penalties.factors + held)
        weights = np.divide(cross, penalised, out=np.zeros(cross.shape), where=penalised > 0)
        return (self._outputs_mean - (means * weights).sum(axis=-1))[..., None], weights[:, :, None]


class WideMoments(SampledMoments):
    """The same of one sample with fewer rows than components: nothing has a row and a column for each component."""

    def pooled(self) -> PooledMoments:
        (sample,) = self._samples
        covariances = _CovariancesOfRows(sample)
        penalty = self._law_draws.sum(axis=1) / (self._nominal_draws * covariances.mass)
        return PooledMoments(covariances, covariances.variances, covariances.cross, penalty)


class _CovariancesOfRows:
    """The `Covariances` of one sample, computed from its rows when they are needed; `mass` is the sum of the rows' weights."""

    def __init__(self, sample: Sample) -> None:
        sums = sample.column_sums()
        self.mass = float(sums.mass.sum())
        self._rows = sample.wide_rows()
        self._row_weights = sample.row_weights / self.mass
        self._mean = sums.components.sum(axis=0) / self.mass
        self._outputs = sample.outputs - self._row_weights @ sample.outputs
        self.variances = (sums.squares.sum(axis=0) / self.mass - self._mean**2)[None]
        self.cross = self._rows.sums(self._row_weights[:, None] * self._outputs).T[None]
        self._added, self._means = np.zeros((2, len(self._mean)))

    def with_prior(self, added: np.ndarray, means: np.ndarray) -> _CovariancesOfRows:
        pulled = copy(self)
        pulled.variances, pulled._added, pulled._means = self.variances + added, added[0], means[0]
        return pulled

    def rows(self, components: np.ndarray) -> np.ndarray:
        columns = self._rows.columns(components[0]) - self._mean[components[0]]
        rows = self._rows.sums(self._row_weights[:, None] * columns).T
        rows[np.arange(len(rows)), components[0]] += self._added[components[0]]
        return rows[None]

    def fit_ridge(self, cross: np.ndarray, penalties: np.ndarray) -> np.ndarray:  # noqa: ARG002 - the rows have the outputs
        return self._rows.fit_ridge(self._outputs, self._row_weights, penalties[0] + self._added, self._means).T[None]

    def lasso_path(self, cross: np.ndarray) -> np.ndarray:  # noqa: ARG002
        from sklearn.linear_model import lars_path

        outputs = np.sqrt(self._row_weights) * self._outputs[:, 0]
        rows = self._rows.standardise(self._row_weights)
        held = np.flatnonzero(self._added)
        if len(held):  # each prior is a row of its own
            roots = np.sqrt(self._added[held])
            own_rows = np.zeros((len(held), rows.shape[1]))
            own_rows[np.arange(len(held)), held] = roots
            rows, outputs = np.asfortranarray(np.concatenate([rows, own_rows])), np.append(outputs, roots * self._means[held])
        with path_may_end_early():
            return np.asarray(lars_path(rows, outputs, method="lasso", copy_X=False)[2])


def leave_out_each(per_replicate: np.ndarray, axis: int) -> np.ndarray:
    """The sum over the r replicates along an axis, then the sums without each of them.

    The axis has length 1 + r afterwards, or stays 1 with a single replicate, which cannot be left out.
    """
    total = per_replicate.sum(axis=axis, keepdims=True)
    return total if per_replicate.shape[axis] == 1 else np.concatenate([total, total - per_replicate], axis=axis)
