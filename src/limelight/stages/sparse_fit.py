"""Moments from sparse fits, with exact moments of the masks: for fewer than two rows a component.

So few rows do not determine the weights of all components, but they find the few heavy ones of many (Donoho, "Compressed
sensing", IEEE Transactions on Information Theory 52, 2006). A lasso follows the rows that it was fitted to too well, and its
weights are too small. So it is fitted without each replicate in turn, and what this replicate's own rows say of the residuals
is added: one step, with the masks' exact covariances. The sum has no bias whatever the lasso has found (Zhang and Zhang,
"Confidence intervals for low dimensional parameters in high dimensional linear models", JRSS B 76, 2014; with one replicate
left out each time as in Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 21, 2018). So the
replicates' spread shows its error.
"""

from __future__ import annotations

import numpy as np

from limelight.stages.kernel_law import KernelLaw
from limelight.stages.moments import Moments, PooledMoments, leave_out_each
from limelight.stages.sample import Sample
from limelight.stages.selection import path_may_end_early
from limelight.stages.weighted_rows import RegressionRows

__all__ = ["SparseMoments", "fit_sparsely"]

_MOST_STEPS = 100  # of a lasso's path: later ones hardly lower the criterion, and take most of the time
_LEAST_SHARE = 1e-10  # of the output's variance: what the components leave of it is rounding below
_TRACE = 1e-10  # of a standardised component's variance: keeps equations of equal components solvable


class SparseMoments:
    """Moments of the whole neighbourhood, as sparse fits and what they leave know them from one sample.

    Components are chosen by the mean of the sparse fits. The regressions on the chosen ones have the moments without bias.

    Parameters
    ----------
    sample : Sample
        The perturbations, with d components, q outputs and r replicates, at least two.
    kernel_law : KernelLaw
        The law of its masks.
    nominal_draws : int
        The number of draws from LIME's law that the ridge penalty is meant for.
    """

    def __init__(self, sample: Sample, kernel_law: KernelLaw, nominal_draws: int) -> None:
        self._components_mean, self._covariance = kernel_law.moments()
        self._penalty = 1.0 / (nominal_draws * kernel_law.mean_weight)
        rows = sample.regression_rows(np.arange(len(sample.instance)))
        r, q, d = sample.num_replicates, len(sample.origin), len(sample.instance)
        masses, means, constants = np.zeros(r), np.zeros((r, q)), np.zeros((r, q))
        sparse, steps = np.zeros((r, d, q)), np.zeros((r, d, q))
        centred = rows.representation - self._components_mean
        for replicate in range(r):
            own = rows.replicates == replicate
            sparse[replicate] = np.stack([fit_sparsely(rows, ~own, output) for output in range(q)], axis=1)
            left = rows.outputs - centred @ sparse[replicate]
            constants[replicate] = np.average(left[~own], axis=0, weights=rows.row_weights[~own])
            weighted = rows.row_weights[own, None] * (left[own] - constants[replicate])
            masses[replicate] = rows.row_weights[own].sum()
            means[replicate] = constants[replicate] * masses[replicate] + weighted.sum(axis=0)
            steps[replicate] = centred[own].T @ weighted
        total = leave_out_each(masses, axis=0)[:, None]
        weights = leave_out_each(masses[:, None, None] * sparse, axis=0) / total[:, None]
        self._outputs_mean = leave_out_each(means, axis=0) / total
        self._cross = self._covariance @ weights + leave_out_each(steps, axis=0) / total[:, None]
        # The mean of the sparse fits, and each of them, which has not seen its replicate.
        self._sparse_cross = self._covariance @ np.concatenate([weights[:1], sparse])
        self._sparse_mean = np.concatenate([self._outputs_mean[:1], constants])

    def pooled(self) -> PooledMoments:
        """The moments according to the sparse fits' mean: as `SampledMoments.pooled`, with b = 1."""
        d = len(self._components_mean)
        return PooledMoments.of(self._moments(np.arange(d), self._sparse_cross[:1], self._sparse_mean[:1]), d)

    def without_each(self) -> Moments:
        """The moments according to the sparse fit without each replicate: as `SampledMoments.without_each`."""
        d = len(self._components_mean)
        return self._moments(np.arange(d), self._sparse_cross[1:], self._sparse_mean[1:])

    def leaving_out(self, chosen: np.ndarray, grams: np.ndarray) -> Moments:  # noqa: ARG002 - the sparse fits replace the grams
        """The moments of chosen components and an output, without bias: as `SampledMoments.leaving_out`, with b = 1."""
        by_output = [
            self._moments(components, self._cross[:, components, output, None], self._outputs_mean[:, [output]])
            for output, components in enumerate(chosen[0])
        ]
        means, covariances, penalties = (np.stack([part[place] for part in by_output])[None] for place in range(3))
        return Moments(means, covariances, penalties)

    def _moments(self, chosen: np.ndarray, cross: np.ndarray, outputs_mean: np.ndarray) -> Moments:
        """Moments whose axes ... are (f,), of c chosen components and q outputs with covariances of shape (f, c, q)."""
        f, c, q = cross.shape
        covariance = np.zeros((f, c + q, c + q))  # no regression needs the outputs' covariances with each other
        covariance[:, :c, :c] = self._covariance[chosen[:, None], chosen]
        covariance[:, :c, c:], covariance[:, c:, :c] = cross, np.swapaxes(cross, 1, 2)
        mean = np.concatenate([np.broadcast_to(self._components_mean[chosen], (f, c)), outputs_mean], axis=1)
        return Moments(mean, covariance, np.full(f, self._penalty))


def fit_sparsely(rows: RegressionRows, kept: np.ndarray, output: int) -> np.ndarray:
    """The weights of a sparse linear model of one output: least squares on a lasso's components.

    The lasso's penalty is the one whose components have the least Bayesian information criterion (Zou, Hastie and Tibshirani,
    "On the degrees of freedom of the lasso", Annals of Statistics 35, 2007).

    Parameters
    ----------
    rows : RegressionRows
        Rows with d components.
    kept : ndarray of bool, of shape (n,)
        Those to fit to.
    output : int
        The output's number.

    Returns
    -------
    weights : ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.weighted_rows import RegressionRows
    >>> from limelight.stages.sparse_fit import fit_sparsely
    >>> masks = np.random.default_rng(0).integers(0, 2, (40, 60)).astype(float)
    >>> outputs = 2 * masks[:, [3]] - masks[:, [5]]
    >>> rows = RegressionRows(masks, outputs, np.ones(40), np.zeros(40, dtype=int))
    >>> weights = fit_sparsely(rows, np.ones(40, dtype=bool), 0)
    >>> np.flatnonzero(weights).tolist(), weights[[3, 5]].round(6).tolist()
    ([3, 5], [2.0, -1.0])
    """
    from sklearn.linear_model import lars_path

    row_weights = rows.row_weights[kept] / rows.row_weights[kept].sum()
    roots = np.sqrt(row_weights)
    components, values = rows.representation[kept], rows.outputs[kept, output]
    components = roots[:, None] * (components - row_weights @ components)
    values = roots * (values - row_weights @ values)
    scales = np.sqrt((components**2).sum(axis=0))
    scales = np.where(scales > 0, scales, 1.0)
    components = components / scales
    n, variance = len(values), float(values @ values)
    weights = np.zeros(len(scales))
    if not variance > 0:
        return weights
    with path_may_end_early():
        path = lars_path(components, values, method="lasso", max_iter=min(n // 2, _MOST_STEPS))[2]
    ever = np.flatnonzero(path.any(axis=1))
    gram, cross = components[:, ever].T @ components[:, ever], components[:, ever].T @ values
    least = n * np.log(variance)  # of no component
    for point in path[ever].T[1:]:
        chosen = np.flatnonzero(point)
        inner = gram[chosen[:, None], chosen]
        fitted = np.linalg.solve(inner + _TRACE * np.eye(len(chosen)), cross[chosen])
        left = max(variance - fitted @ (2 * cross[chosen] - inner @ fitted), _LEAST_SHARE * variance)
        criterion = n * np.log(left) + len(chosen) * np.log(n)
        if criterion < least:
            least, weights = criterion, np.zeros(len(scales))
            weights[ever[chosen]] = fitted
    return weights / scales
