"""Which components to report, from the components' covariances with each other and with the outputs."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import numpy as np

from limelight.exceptions import unknown_name

__all__ = [
    "ALPHA_OF_CHOICE",
    "METHODS",
    "METHODS_BY_WEIGHT",
    "Choice",
    "Covariances",
    "Uncorrelated",
    "choose_components",
    "path_may_end_early",
]

ALPHA_OF_CHOICE = 0.01
"""The penalty of the fit of all components by whose weights they are chosen, in lime's unit, as in lime."""

_MOST_NUMBERS_IN_PATH = 2**26  # all of it with up to 8000 components; with 20,000 it ends at 3000 chosen ones
_COLLINEAR_SHARE = 1e-12  # of a component's variance: if the chosen ones leave less, they explain it

_warnings_lock = threading.Lock()  # what is done about warnings belongs to the whole process


class Choice(NamedTuple):
    """The c components to report, for each of q outputs of each of b samples.

    Attributes
    ----------
    components : ndarray of int, of shape (b, q, c)
        Their numbers.
    sizes : ndarray of shape (b, q, c)
        The absolute weights that they were chosen for; NaN if they were chosen for something else.
    left_out : ndarray of shape (b, q)
        The largest absolute weight of those that were not chosen; 0 if all were.
    """

    components: np.ndarray
    sizes: np.ndarray
    left_out: np.ndarray

    @classmethod
    def of(cls, components: np.ndarray) -> Choice:
        """Components that were not chosen for their weights."""
        return cls(components, np.full(components.shape, np.nan), np.zeros(components.shape[:2]))


class Covariances(Protocol):
    """The weighted covariances of d components in each of b samples, as far as a choice needs them.

    Attributes
    ----------
    variances : ndarray of shape (b, d)
    """

    @property
    def variances(self) -> np.ndarray: ...

    def rows(self, components: np.ndarray) -> np.ndarray:
        """The covariances of components of shape (b, q) with all d: of shape (b, q, d)."""

    def with_prior(self, added: np.ndarray, means: np.ndarray) -> Covariances:
        """The same with variances added, (b, d), as by rows that agree with a prior's means, (b, d)."""

    def fit_ridge(self, cross: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """The weights, (b, q, d), of ridge regressions, from covariances with the outputs, (b, q, d), and penalties, (b, d)."""

    def lasso_path(self, cross: np.ndarray) -> np.ndarray:
        """The weights, (d, p), at the p points of the lasso's path for one output of one sample, from `cross` of (1, 1, d)."""


class _DenseCovariances:
    """Covariances as an array of shape (b, d, d)."""

    def __init__(self, covariance: np.ndarray) -> None:
        self._covariance = covariance

    @property
    def variances(self) -> np.ndarray:
        return np.diagonal(self._covariance, axis1=1, axis2=2)

    def with_prior(self, added: np.ndarray, means: np.ndarray) -> _DenseCovariances:  # noqa: ARG002 - the cross covariances have them
        return _DenseCovariances(self._covariance + added[:, :, None] * np.eye(added.shape[1]))

    def rows(self, components: np.ndarray) -> np.ndarray:
        return np.asarray(self._covariance[np.arange(len(components))[:, None], components])

    def fit_ridge(self, cross: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        penalised = self._covariance + penalties[:, :, None] * np.eye(cross.shape[-1])
        return np.swapaxes(np.linalg.solve(penalised, np.swapaxes(cross, 1, 2)), 1, 2)

    def lasso_path(self, cross: np.ndarray) -> np.ndarray:
        from sklearn.linear_model import lars_path_gram

        with path_may_end_early():
            return np.asarray(lars_path_gram(Xy=cross[0, 0], Gram=self._covariance[0], n_samples=1, method="lasso")[2])


class Uncorrelated:
    """The `Covariances` of components that are not correlated, from their variances, of shape (b, d)."""

    def __init__(self, variances: np.ndarray) -> None:
        self.variances = variances

    def with_prior(self, added: np.ndarray, means: np.ndarray) -> Uncorrelated:  # noqa: ARG002 - the cross covariances have them
        return Uncorrelated(self.variances + added)

    def rows(self, components: np.ndarray) -> np.ndarray:
        rows = np.zeros((*components.shape, self.variances.shape[1]))
        own = np.take_along_axis(self.variances, components, axis=1)
        np.put_along_axis(rows, components[..., None], own[..., None], axis=-1)
        return rows

    def fit_ridge(self, cross: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        return np.asarray(cross / (self.variances + penalties)[:, None])

    def lasso_path(self, cross: np.ndarray) -> np.ndarray:
        """Each component comes in, the one with the largest covariance first, as the penalty falls below its covariance."""
        sizes, d = np.where(self.variances[0] > 0, np.abs(cross[0, 0]), 0.0), cross.shape[-1]
        penalties = np.append(-np.sort(-sizes), 0.0)[: max(2, _MOST_NUMBERS_IN_PATH // d)]
        weights = np.maximum(0.0, sizes[:, None] - penalties) / np.where(self.variances[0] > 0, self.variances[0], 1.0)[:, None]
        return np.asarray(np.sign(cross[0, 0])[:, None] * weights)


@contextmanager
def path_may_end_early() -> Iterator[None]:
    """A context for scikit-learn's lasso path, without its warnings.

    They say that components which the others explain are left out, as there are in many neighbourhoods.
    """
    from sklearn.exceptions import ConvergenceWarning

    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def choose_components(
    method: str, covariances: Covariances | np.ndarray, cross: np.ndarray, penalty: np.ndarray, num_features: int
) -> Choice:
    """Choose the components to report, for each of q outputs of each of b samples.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    covariances : Covariances or ndarray of shape (b, d, d)
        The components' weighted covariances with each other.
    cross : ndarray of shape (b, q, d)
        The components' weighted covariances with the outputs.
    penalty : ndarray of shape (b, d)
        Each component's ridge penalty for lime's ``alpha=1``, in the covariances' units.
    num_features : int
        How many components to choose; all d where there are fewer.

    Returns
    -------
    choice : Choice

    Raises
    ------
    ArgumentError
        If the method is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.selection import choose_components
    >>> choice = choose_components("highest_weights", np.eye(3)[None], np.array([[[0.5, -2.0, 1.0]]]), np.zeros((1, 3)), 2)
    >>> choice.components.tolist(), choice.sizes.tolist(), choice.left_out.tolist()
    ([[[1, 2]]], [[[2.0, 1.0]]], [[0.5]])
    """
    if method not in METHODS:
        raise unknown_name("feature_selection", method, METHODS)
    if isinstance(covariances, np.ndarray):
        covariances = _DenseCovariances(covariances)
    return METHODS[method](covariances, cross, penalty, min(num_features, cross.shape[-1]))


def _forward_selection(covariances: Covariances, cross: np.ndarray, penalty: np.ndarray, count: int) -> Choice:  # noqa: ARG001
    """At each step the component that lowers the unpenalised weighted squared error most.

    Each step adds a row to the Cholesky factor of the chosen components' covariances. The next choice needs only what these
    leave of the other components' variances and of their covariances with the output.
    """
    samples, outputs, d = cross.shape
    sample, output = np.ogrid[:samples, :outputs]
    remaining = cross.copy()
    variance = np.repeat(covariances.variances[:, None], outputs, axis=1)
    smallest = _COLLINEAR_SHARE * variance
    factor = np.zeros((samples, outputs, count, d))
    chosen = np.empty((samples, outputs, count), dtype=np.intp)
    for step in range(count):
        is_free = variance > smallest
        gain = np.divide(remaining**2, variance, out=np.zeros_like(variance), where=is_free)
        np.put_along_axis(gain, chosen[..., :step], -1.0, axis=-1)
        best = np.argmax(gain, axis=-1)
        chosen[..., step] = best
        # With an infinite root, a component that the chosen ones explain adds a row of zeros.
        root = np.sqrt(np.where(is_free[sample, output, best], variance[sample, output, best], np.inf))[..., None]
        earlier = factor[..., :step, :]
        row = (covariances.rows(best) - (earlier[sample, output, :, best][..., None, :] @ earlier)[..., 0, :]) / root
        factor[..., step, :] = row
        remaining -= row * (remaining[sample, output, best][..., None] / root)
        variance -= row**2
    return Choice.of(chosen)


def _highest_weights(covariances: Covariances, cross: np.ndarray, penalty: np.ndarray, count: int) -> Choice:
    """The largest weights of a ridge regression on all components, with a hundredth of lime's penalty, as in lime."""
    sizes = np.abs(covariances.fit_ridge(cross, ALPHA_OF_CHOICE * penalty))
    order = np.argsort(-sizes, axis=-1, kind="stable")
    sizes = np.take_along_axis(sizes, order, axis=-1)
    left_out = sizes[..., count] if count < sizes.shape[-1] else np.zeros(sizes.shape[:-1])
    return Choice(order[..., :count], sizes[..., :count], left_out)


def _lasso_path(covariances: Covariances, cross: np.ndarray, penalty: np.ndarray, count: int) -> Choice:  # noqa: ARG001
    """The components at the last point of the lasso path that has at most `count` (LIME paper, algorithm 1).

    There must be one sample with one output: b = q = 1.
    """
    nonzero = [np.flatnonzero(point) for point in covariances.lasso_path(cross).T[1:]]
    return Choice.of(next((chosen for chosen in reversed(nonzero) if len(chosen) <= count), np.arange(count))[None, None])


def _every_component(covariances: Covariances, cross: np.ndarray, penalty: np.ndarray, count: int) -> Choice:  # noqa: ARG001
    """All d components."""
    return Choice.of(np.broadcast_to(np.arange(cross.shape[-1]), cross.shape))


# From covariances, cross covariances, penalties and a number to the choice: the shapes are `choose_components`'.
METHODS: dict[str, Callable[[Covariances, np.ndarray, np.ndarray, int], Choice]] = {
    "auto": _highest_weights,
    "forward_selection": _forward_selection,
    "highest_weights": _highest_weights,
    "lasso_path": _lasso_path,
    "none": _every_component,
}

METHODS_BY_WEIGHT = ("auto", "highest_weights", "none")
"""Those that choose the heaviest components, so that it can be said how certain the choice is."""
