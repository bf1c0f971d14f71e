"""Which components to report, from the covariances of the components with each other and with one output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from limelight._errors import unknown_name

__all__ = ["METHODS", "choose", "factor", "solve_factored"]

_FEW = 6
_COLLINEAR = 1e-12  # the share of a component's variance below which the chosen ones explain it


def choose(method: str, covariance: np.ndarray, cross: np.ndarray, penalty: np.ndarray, num_features: int) -> np.ndarray:
    """The numbers of the components to report, of each output of some samples.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    covariance : ndarray of shape (b, d, d)
        Weighted covariances of the components, of each sample.
    cross : ndarray of shape (b, q, d)
        Their weighted covariances with the outputs.
    penalty : ndarray of shape (b,)
        The ridge penalty of lime's ``alpha=1`` in these units.
    num_features : int
        How many to choose; no more than there are.

    Returns
    -------
    chosen : ndarray of int, of shape (b, q, count)

    Raises
    ------
    ArgumentError
        If there is no such method.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.selection import choose
    >>> choose("forward_selection", np.eye(3)[None], np.array([[[0.5, -2.0, 1.0]]]), np.zeros(1), 2)
    array([[[1, 2]]])
    """
    if method not in METHODS:
        raise unknown_name("feature_selection", method, METHODS)
    return METHODS[method](covariance, cross, penalty, min(num_features, cross.shape[-1]))


def _auto(covariance: np.ndarray, cross: np.ndarray, penalty: np.ndarray, count: int) -> np.ndarray:
    """Forward selection of a few, else the highest weights, as in lime."""
    select = _forward_selection if count <= _FEW else _highest_weights
    return select(covariance, cross, penalty, count)


def factor(matrix: np.ndarray) -> np.ndarray:
    """The Cholesky factor of a symmetric positive definite matrix.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite.
    """
    from scipy.linalg.lapack import dpotrf

    found, info = dpotrf(matrix, lower=1, clean=0)
    if info:
        raise np.linalg.LinAlgError(f"the matrix of {len(matrix)} rows is not positive definite")
    return np.asarray(found)


def solve_factored(found: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution of a system whose matrix has this Cholesky factor."""
    from scipy.linalg.lapack import dpotrs

    return np.asarray(dpotrs(found, right, lower=1)[0])


def _forward_selection(covariance: np.ndarray, cross: np.ndarray, penalty: np.ndarray, count: int) -> np.ndarray:  # noqa: ARG001
    """One at a time the component that lowers the unpenalised weighted squared error most.

    A Cholesky factor of the chosen components grows by a row a step; what it leaves of the other components' variances and
    of their covariances with the output is all that the next choice needs.
    """
    samples, outputs, d = cross.shape
    sample, output = np.ogrid[:samples, :outputs]
    remaining = cross.copy()
    variance = np.repeat(np.diagonal(covariance, axis1=1, axis2=2)[:, None], outputs, axis=1)
    smallest = _COLLINEAR * variance
    factor = np.zeros((samples, outputs, count, d))
    chosen = np.empty((samples, outputs, count), dtype=np.intp)
    for step in range(count):
        free = variance > smallest
        gain = np.divide(remaining**2, variance, out=np.zeros_like(variance), where=free)
        np.put_along_axis(gain, chosen[..., :step], -1.0, axis=-1)
        best = np.argmax(gain, axis=-1)
        chosen[..., step] = best
        # What the chosen ones explain already has nothing to take away.
        root = np.sqrt(np.where(free[sample, output, best], variance[sample, output, best], np.inf))[..., None]
        known = factor[..., :step, :]
        row = (covariance[sample, best] - (known[sample, output, :, best][..., None, :] @ known)[..., 0, :]) / root
        factor[..., step, :] = row
        remaining -= row * (remaining[sample, output, best][..., None] / root)
        variance -= row**2
    return chosen


def _highest_weights(covariance: np.ndarray, cross: np.ndarray, penalty: np.ndarray, count: int) -> np.ndarray:
    """The largest weights of a ridge regression on all components, with a hundredth of lime's penalty, as in lime."""
    penalised = covariance + (0.01 * penalty)[:, None, None] * np.eye(cross.shape[-1])
    weights = np.swapaxes(np.linalg.solve(penalised, np.swapaxes(cross, 1, 2)), 1, 2)
    return np.argsort(-np.abs(weights), axis=-1, kind="stable")[..., :count]


def _lasso_path(covariance: np.ndarray, cross: np.ndarray, penalty: np.ndarray, count: int) -> np.ndarray:  # noqa: ARG001
    """The last point on the lasso path with no more than `count` components (LIME paper, algorithm 1), of one output."""
    from sklearn.linear_model import lars_path_gram

    _, _, path = lars_path_gram(Xy=cross[0, 0], Gram=covariance[0], n_samples=1, method="lasso")
    nonzero = [np.flatnonzero(point) for point in path.T[1:]]
    return next((chosen for chosen in reversed(nonzero) if len(chosen) <= count), np.arange(count))[None, None]


def _all(covariance: np.ndarray, cross: np.ndarray, penalty: np.ndarray, count: int) -> np.ndarray:  # noqa: ARG001
    return np.broadcast_to(np.arange(cross.shape[-1]), cross.shape)


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]] = {
    "auto": _auto,
    "forward_selection": _forward_selection,
    "highest_weights": _highest_weights,
    "lasso_path": _lasso_path,
    "none": _all,
}
