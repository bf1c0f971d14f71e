"""Rows that are fewer than their components: nothing that is made of them has a row and a column for each component.

A ridge regression of n rows on d > n components is solved in its dual [1]_: n equations, made from the inner products of the
rows with each other, have the same solution as d equations made from the components' covariances.

References
----------
.. [1] C. Saunders, A. Gammerman and V. Vovk, "Ridge Regression Learning Algorithm in Dual Variables", ICML 1998.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["RowProducts", "WideRows"]

_BLOCK_BYTES = 2**23  # of numbers made from a few columns at a time
_PRODUCT_BLOCK_BYTES = 2**26  # the same where rows are multiplied with each other: each block costs a pass over the products
_MOST_ELIMINATED = 0.25  # of the rows: if more components than that have smaller penalties, they are scaled
_LEAST_EIGENVALUE = 1e-10  # of the largest: smaller ones are 0, as in the pseudo-inverse of covariances
_ROUNDING_SHARE = 1e-12


class WideRows:
    """The rows of a sample, or some of their components, and the regressions on them.

    Parameters
    ----------
    representations : sequence of ndarray of shape (m, d)
        The rows, stretch by stretch: n in all.
    products : RowProducts
        Those of the same rows and components, as far as they are known.
    components : ndarray of int, of shape (c,), or None
        The numbers of the components that are regressors; None for all d.
    """

    def __init__(
        self, representations: Sequence[np.ndarray], products: RowProducts, components: np.ndarray | None = None
    ) -> None:
        self._representations = representations
        self._products = products
        self._components = components
        self._bounds = np.cumsum([0, *map(len, representations)])
        self.are_masks = all(rows.dtype == np.uint8 for rows in representations)

    def __len__(self) -> int:
        return int(self._bounds[-1])

    @property
    def num_components(self) -> int:
        return self._representations[0].shape[1] if self._components is None else len(self._components)

    def columns(self, places: np.ndarray | slice, dtype: type[np.floating] = np.float64) -> np.ndarray:
        """The components at some places among the c, of shape (n, k)."""
        numbers = places if self._components is None else self._components[places]
        return np.concatenate([rows[:, numbers] for rows in self._representations], dtype=dtype)

    def _blocks(self) -> Iterator[slice]:
        """The places of all components, a few at a time."""
        width = max(1, _BLOCK_BYTES // (8 * len(self)))
        return (slice(start, start + width) for start in range(0, self.num_components, width))

    def sums(self, factors: np.ndarray, *, of_squares: bool = False) -> np.ndarray:
        """Sums over the rows of each component, or its square, times factors of shape (n, k): of shape (c, k)."""
        sums = np.empty((self.num_components, factors.shape[1]))
        for places in self._blocks():
            block = self.columns(places)
            sums[places] = (block**2 if of_squares else block).T @ factors
        return sums

    def predict(self, weights: np.ndarray) -> np.ndarray:
        """The rows' components times weights of shape (c, k), summed: of shape (n, k)."""
        predictions = np.zeros((len(self), weights.shape[1]))
        for places in self._blocks():
            predictions += self.columns(places) @ weights[places]
        return predictions

    def standardise(self, row_weights: np.ndarray) -> np.ndarray:
        """The rows less their mean, each times the root of its weight, of shape (n, c) and stored by column.

        The weights, of shape (n,), have the sum 1.
        """
        standardised = np.empty((len(self), self.num_components), order="F")
        for places in self._blocks():
            block = self.columns(places)
            standardised[:, places] = (block - row_weights @ block) * np.sqrt(row_weights)[:, None]
        return standardised

    def fit_ridge(
        self, outputs: np.ndarray, row_weights: np.ndarray, penalties: np.ndarray, means: np.ndarray | None = None
    ) -> np.ndarray:
        """The weights, of shape (c, k), of ridge regressions with a free intercept.

        Parameters
        ----------
        outputs : ndarray of shape (n, k)
            What to fit.
        row_weights : ndarray of shape (n,)
            The rows' weights, with the sum 1.
        penalties : ndarray of shape (c,)
            The penalty of each component; with 0 for all, the weights are the shortest that fit best.
        means : ndarray of shape (c,), optional
            The weights that have no penalty; by default 0.
        """
        if means is not None and means.any():
            towards = means[:, None]
            return np.asarray(towards + self.fit_ridge(outputs - self.predict(towards), row_weights, penalties))
        problem = outputs, row_weights, penalties
        weights = self._products.recall(problem)
        if weights is None:
            weights = self._fit_ridge(*problem)
            self._products.remember(problem, weights)
        return weights

    def _fit_ridge(self, outputs: np.ndarray, row_weights: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        penalty = penalties.max()
        shares = penalties / penalty if penalty > 0 else np.ones(len(penalties))
        # A tiny penalty would make a huge scale, which costs digits. Few such components are eliminated instead.
        eliminated = np.flatnonzero(shares < 1)
        if len(eliminated) > _MOST_ELIMINATED * len(self):
            eliminated = eliminated[:0]
        scales = 1 / shares
        scales[eliminated] = 0.0
        root = np.sqrt(row_weights)[:, None]
        mean = self.sums(row_weights[:, None])
        right = root * (outputs - row_weights @ outputs)
        apart = root * (self.columns(eliminated) - mean[eliminated, 0])
        solved = _solve(self._products.of(self, scales), row_weights, penalty, np.hstack([right, apart]))
        dual, dual_apart = np.split(solved, [right.shape[1]], axis=1)
        # What the others leave of the eliminated components, and of the outputs, is a regression with as many equations.
        weights_apart = np.linalg.solve(apart.T @ dual_apart + np.diag(shares[eliminated]), apart.T @ dual)
        dual = root * (dual - dual_apart @ weights_apart)
        weights = scales[:, None] * (self.sums(dual) - mean * dual.sum(axis=0))
        weights[eliminated] = weights_apart
        return np.asarray(weights)


class RowProducts:
    """The inner products of rows with each other, kept while rows are added, and the last regression on the rows.

    Samples whose rows are the same can share them: the products do not depend on the rows' weights, and when other settings are
    tried, the components are often chosen by the same regression.
    """

    def __init__(self) -> None:
        self._problem: tuple[np.ndarray, ...] = ()
        self._weights: np.ndarray | None = None
        self._products = np.empty((0, 0), dtype=np.float32)
        self._scales = np.empty(0)

    def of(self, rows: WideRows, scales: np.ndarray) -> np.ndarray:
        """The products of the components, each times its scale, summed over the components; the rows' mean is still in them.

        Components that are no masks are taken as differences from the first row. A shift of all rows leaves no trace once the
        mean is subtracted, but without it a single component far from zero would cost all others their digits.

        Parameters
        ----------
        rows : WideRows
            Those of the last call, and perhaps others after them.
        scales : ndarray of shape (c,)
            A factor of at least 0 for each component.

        Returns
        -------
        products : ndarray of shape (n, n)
            In single precision where it is exact: if the components are masks and the scales 0 or 1, they are counts.
        """
        if len(scales) != len(self._scales) or not np.allclose(scales, self._scales, rtol=_ROUNDING_SHARE, atol=0.0):
            self._products, self._scales = np.empty((0, 0), dtype=np.float32), scales
        num_old = len(self._products)
        if num_old < len(rows):
            added = self._multiply(rows, num_old)
            products = np.empty((len(rows), len(rows)), dtype=added.dtype)
            products[:num_old, :num_old] = self._products
            products[num_old:] = added
            products[:num_old, num_old:] = added[:, :num_old].T
            self._products = products
        return self._products

    def recall(self, problem: tuple[np.ndarray, ...]) -> np.ndarray | None:
        """The weights of the last regression, if it was of these outputs, row weights and penalties."""
        is_same = len(self._problem) == len(problem) and all(map(np.array_equal, self._problem, problem))
        return self._weights if is_same else None

    def remember(self, problem: tuple[np.ndarray, ...], weights: np.ndarray) -> None:
        """Keep the weights of a regression of these outputs, row weights and penalties."""
        self._problem, self._weights = problem, weights

    def _multiply(self, rows: WideRows, num_old: int) -> np.ndarray:
        """The products of the rows after the first `num_old` ones with all n rows, of shape (n - num_old, n)."""
        are_counts = rows.are_masks and bool(np.isin(self._scales, (0.0, 1.0)).all())
        dtype = np.float32 if are_counts else np.float64
        added = np.zeros((len(rows) - num_old, len(rows)), dtype=dtype)
        width = max(1, _PRODUCT_BLOCK_BYTES // (added.itemsize * len(rows)))
        for start in range(0, len(self._scales), width):
            places = slice(start, start + width)
            block = rows.columns(places, dtype)
            if not rows.are_masks:
                block -= block[0].copy()
            if not (self._scales[places] == 1).all():
                block *= np.sqrt(self._scales[places]).astype(dtype)
            old, new = block[:num_old], block[num_old:]
            added[:, :num_old] += new @ old.T
            added[:, num_old:] += new @ new.T  # BLAS does half the work
        return added


def _solve(products: np.ndarray, row_weights: np.ndarray, penalty: float, right: np.ndarray) -> np.ndarray:
    """Solve the dual equations, of right sides of shape (n, k), of a ridge regression of rows with these inner products."""
    from scipy.linalg.lapack import dposv

    if penalty > 0:
        solved, info = dposv(_centre(products, row_weights, penalty).T, right, lower=1, overwrite_a=1)[1:]
        # Rounding can keep the matrix of huge numbers from being positive definite.
        return solved if not info else np.linalg.solve(_centre(products, row_weights, penalty), right)
    eigenvalues, vectors = np.linalg.eigh(_centre(products, row_weights, 0.0))
    is_zero = np.abs(eigenvalues) <= _LEAST_EIGENVALUE * np.abs(eigenvalues).max()
    inverses = np.divide(1.0, eigenvalues, out=np.zeros(len(eigenvalues)), where=~is_zero)
    return np.asarray(vectors @ (inverses[:, None] * (vectors.T @ right)))


def _centre(products: np.ndarray, row_weights: np.ndarray, penalty: float) -> np.ndarray:
    """The inner products of rows less their mean, each times its weight's root, with a penalty on the diagonal: (n, n)."""
    centred = products.astype(np.float64)
    with_mean = centred @ row_weights
    centred -= with_mean[:, None]
    centred -= with_mean - row_weights @ with_mean
    root = np.sqrt(row_weights)
    centred *= root[:, None]
    centred *= root
    centred[np.diag_indices_from(centred)] += penalty
    return centred
