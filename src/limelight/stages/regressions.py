"""Regressions on the chosen components: of all rows, and of all but each replicate's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.controlled_moments import ControlledMoments
from limelight.stages.full_fit import ProjectedMoments
from limelight.stages.moments import LimitMoments, Moments, SampledMoments, leave_out_each
from limelight.stages.prior import Penalties
from limelight.stages.sample import Sample
from limelight.stages.sparse_fit import SparseMoments

__all__ = ["ProductsOfComponents", "ProductsOfRows", "Regressions", "Source", "dot", "explain_shares", "fit_moments"]

_ROUNDING_SHARE = 1e-12  # of an output's variation: what is less is rounding

Source = SampledMoments | ProjectedMoments | SparseMoments | ControlledMoments | LimitMoments
"""Where moments come from."""


class Regressions(NamedTuple):
    """Regressions for q outputs of b samples: f fits for each, the first to all replicates, the others without one each.

    Attributes
    ----------
    intercepts : ndarray of shape (b, q, f)
    weights : ndarray of shape (b, q, f, c)
    """

    intercepts: np.ndarray
    weights: np.ndarray


class ProductsOfComponents:
    """The products of c chosen components with each other and with their output, in each replicate.

    Parameters
    ----------
    samples : sequence of Sample
        They have equal numbers of components (d), outputs (q) and replicates (r).
    chosen : ndarray of int, of shape (b, q, c)
        The components' numbers.
    source : SampledMoments, ProjectedMoments, SparseMoments, ControlledMoments or LimitMoments
        Where the regressions' moments come from.
    """

    def __init__(self, samples: Sequence[Sample], chosen: np.ndarray, source: Source) -> None:
        self._source = source
        self._chosen = chosen
        self._grams = _chosen_grams(samples, chosen)

    def fit_ridge(self, alpha: float, penalties: Penalties) -> Regressions:
        """Weighted ridge regressions with a free intercept; the components' penalties have shape (b, q, c)."""
        assert not isinstance(self._source, LimitMoments | ControlledMoments)  # which have regressions of their own
        return fit_moments(self._source.leaving_out(self._chosen, self._grams), alpha, penalties)

    def fidelities(self, regressions: Regressions, is_exact: bool) -> np.ndarray:
        """Weighted R2, of shape (b, q, 1 + r): of each replicate under the surrogate fitted without it, pooled.

        It is that of all replicates, and after it those of all replicates but one, whose spread shows the error. With
        `is_exact`, the surrogate is the same for all replicates.
        """
        if self._grams.shape[2] == 1 and not is_exact:
            return np.full((*self._grams.shape[:2], 1), np.nan)
        fits = slice(0, 1) if is_exact else slice(1, None)
        return explain_shares(self._grams, Regressions(regressions.intercepts[:, :, fits], regressions.weights[:, :, fits]))

    def spreads(self) -> np.ndarray:
        """The weighted standard deviation of each output, of shape (b, q)."""
        total = self._grams.sum(axis=2)
        mean = total[..., 0, -1] / total[..., 0, 0]
        return np.asarray(np.sqrt(np.maximum(0.0, total[..., -1, -1] / total[..., 0, 0] - mean**2)))


class ProductsOfRows:
    """The same of one sample that has fewer rows than chosen components: the products of rows with each other.

    Parameters
    ----------
    sample : Sample
        The rows.
    chosen : ndarray of int, of shape (q, c)
        The components' numbers.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.
    """

    def __init__(self, sample: Sample, chosen: np.ndarray, nominal_draws: int) -> None:
        every = np.arange(len(sample.instance))
        self._rows = [sample.wide_rows(None if np.array_equal(components, every) else components) for components in chosen]
        self._row_weights, self._outputs, self._law_draws = sample.row_weights, sample.outputs, sample.law_draws
        self._is_in_replicate = sample.replicates == np.arange(sample.num_replicates)[:, None]
        self._nominal_draws = nominal_draws

    def fit_ridge(self, alpha: float, penalties: Penalties) -> Regressions:
        """As `ProductsOfComponents.fit_ridge`."""
        row_weights = leave_out_each(self._row_weights * self._is_in_replicate, axis=0)  # of the rows of each fit
        law_draws = leave_out_each(self._law_draws, axis=0)
        intercepts = np.full((1, len(self._rows), len(row_weights)), np.nan)
        weights = np.full((*intercepts.shape, penalties.factors.shape[-1]), np.nan)
        for output, rows in enumerate(self._rows):
            values = self._outputs[:, [output]]
            factors, precisions, means = (part[0, output] for part in penalties)
            for number, mass in enumerate(row_weights.sum(axis=1)):
                if not mass > 0:  # a narrow kernel gave weight to no replicate but the one that is left out
                    continue
                shares = row_weights[number] / mass
                unit = law_draws[number] / (self._nominal_draws * mass)
                fitted = rows.fit_ridge(values, shares, alpha * unit * factors + unit * precisions, means)
                weights[0, output, number] = fitted[:, 0]
                intercepts[0, output, number] = shares @ (values - rows.predict(fitted))[:, 0]
        return Regressions(intercepts, weights)

    def fidelities(self, regressions: Regressions, is_exact: bool) -> np.ndarray:
        """As `ProductsOfComponents.fidelities`."""
        if len(self._is_in_replicate) == 1 and not is_exact:
            return np.full((1, len(self._rows), 1), np.nan)
        sums = np.empty((4, 1, len(self._rows), len(self._is_in_replicate)))
        row_weights = self._row_weights * self._is_in_replicate
        for output, rows in enumerate(self._rows):
            fits = slice(0, 1) if is_exact else slice(1, None)
            predictions = regressions.intercepts[0, output, fits] + rows.predict(regressions.weights[0, output, fits].T)
            squares = (self._outputs[:, [output]] - predictions) ** 2
            sums[0, 0, output] = (row_weights * squares.T).sum(axis=1)
        centred = self._outputs - self._row_weights @ self._outputs / self._row_weights.sum()
        sums[1], sums[2, 0], sums[3, 0] = row_weights.sum(axis=1), (row_weights @ centred).T, (row_weights @ centred**2).T
        return _explained_shares(sums)

    def spreads(self) -> np.ndarray:
        """As `ProductsOfComponents.spreads`."""
        shares = self._row_weights / self._row_weights.sum()
        return np.asarray(np.sqrt(shares @ (self._outputs - shares @ self._outputs) ** 2))[None]


def dot(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Inner products along the last axis: (..., n) and (..., n) give (...)."""
    return np.asarray((left[..., None, :] @ right[..., :, None])[..., 0, 0])


def explain_shares(grams: np.ndarray, regressions: Regressions) -> np.ndarray:
    """R2, of shape (b, q, 1 + r): of each replicate under its own one of f = r regressions, or the only one, pooled.

    The Gram matrices, of shape (b, q, r, c + 2, c + 2), are those of the constant, the regression's components and the output.
    R2 is that of all replicates, then those of all but each of them.
    """
    # A row of the constant, the components and the output times this is the row's residual.
    to_residual = np.ones(grams.shape[:-1])
    to_residual[..., 0] = -regressions.intercepts
    to_residual[..., 1:-1] = -regressions.weights
    sums = np.empty((4, *grams.shape[:-2]))
    sums[0] = dot(to_residual, (grams @ to_residual[..., None])[..., 0])
    sums[1], sums[2], sums[3] = grams[..., 0, 0], grams[..., 0, -1], grams[..., -1, -1]
    return _explained_shares(sums)


def _explained_shares(sums: np.ndarray) -> np.ndarray:
    """R2 of all r replicates and, if there are several, of all but each of them: (..., 1 + r).

    The sums, of shape (4, ..., r), are over each replicate's rows: weighted squares of the residuals, the weights, weighted
    outputs and their weighted squares. R2 is NaN where the output does not vary: it can vary in rows without weight, or in a
    single replicate, only.
    """
    residuals, mass, outputs, squares = leave_out_each(sums, axis=-1)
    variations = squares - outputs * (outputs / mass)
    varies = variations > _ROUNDING_SHARE * variations[..., :1]
    return np.asarray(1.0 - np.divide(residuals, variations, out=np.full(variations.shape, np.nan), where=varies))


def _chosen_grams(samples: Sequence[Sample], chosen: np.ndarray) -> np.ndarray:
    """Each replicate's Gram matrix of the constant, the chosen components and the output: (b, q, r, c + 2, c + 2).

    The chosen components have shape (b, q, c).
    """
    num_samples, num_outputs, width = chosen.shape
    d, num_replicates = len(samples[0].instance), samples[0].num_replicates
    grams = np.empty((num_samples, num_outputs, num_replicates, width + 2, width + 2))
    for number, sample in enumerate(samples):
        full_grams = None if sample.is_wide else sample.full_grams()
        for output, components in enumerate(chosen[number]):
            if full_grams is not None and len(full_grams) == num_replicates:
                kept = np.concatenate([[0], 1 + components, [1 + d + output]])
                grams[number, output] = full_grams[:, kept[:, None], kept]
            else:
                kept = np.array([*range(1 + width), 1 + width + output])
                grams[number, output] = sample.grams(components)[:, kept[:, None], kept]
    return grams


def fit_moments(moments: Moments, alpha: float, penalties: Penalties) -> Regressions:
    """Weighted ridge regressions with a free intercept, from moments of c components and one output, with axes (b, q, f).

    The components' penalties have shape (b, q, c).
    """
    c = moments.mean.shape[-1] - 1
    gram, cross = moments.covariance[..., :c, :c], moments.covariance[..., :c, c:]
    if alpha > 0:
        unit = moments.penalty[..., None]
        held = unit * penalties.precisions[:, :, None]
        penalty = np.eye(c) * (alpha * unit * penalties.factors[:, :, None] + held)[..., None]
        cross = cross + (held * penalties.means[:, :, None])[..., None]
        weights = np.linalg.solve(gram + penalty, cross)[..., 0]
    else:  # components that never vary, or always together, have no unique weights: the shortest solution
        weights = (np.linalg.pinv(gram, rcond=moments.rounding, hermitian=True) @ cross)[..., 0]
    return Regressions(moments.mean[..., c] - dot(moments.mean[..., :c], weights), weights)
