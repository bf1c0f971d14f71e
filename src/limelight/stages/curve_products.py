"""Weighted products with the squares and cubes of predictors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["CurveProducts"]


class CurveProducts(NamedTuple):
    """Sums of weighted products with the squares and cubes of p predictors, for each of r replicates (or fits).

    Attributes
    ----------
    columns : ndarray of shape (r, 1 + d, 2, p)
        Products with the constant and the components.
    outputs : ndarray of shape (r, 2, p)
        Products with the output that the predictor belongs to.
    curves : ndarray of shape (r, 3, p)
        Squares with squares, squares with cubes, cubes with cubes.
    """

    columns: np.ndarray
    outputs: np.ndarray
    curves: np.ndarray

    def leave_out(self, num_fits: int, is_shared: bool) -> CurveProducts:
        """Sum the products over the replicates of each fit; the first axis is then that of the fits.

        The first fit has all replicates, each of the others leaves out one. All fits share the p predictors if `is_shared`;
        otherwise the predictors are those of the first fit, then those of the second, and so on, and p is divided by the number
        of fits.
        """
        sums = []
        for products in self:
            if is_shared:
                total = products.sum(axis=0)[None]
                sums.append(np.concatenate([total, total - products]))
                continue
            by_fit = products.reshape(*products.shape[:-1], num_fits, -1)
            total = np.moveaxis(by_fit.sum(axis=0), -2, 0).copy()
            left_out = np.arange(num_fits - 1)
            total[1:] -= by_fit[left_out, ..., left_out + 1, :]
            sums.append(total)
        return CurveProducts(*sums)
