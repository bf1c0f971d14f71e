"""Weighted products with the curves of predictors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["CurveProducts"]


class CurveProducts(NamedTuple):
    """Sums of weighted products with the c curves of a predictor of each of q outputs, for each of r replicates.

    Attributes
    ----------
    columns : ndarray of shape (r, 1 + d, c, q)
        Products with the constant and the components.
    outputs : ndarray of shape (r, c, q)
        Products with the output that the predictor belongs to.
    curves : ndarray of shape (r, c, c, q)
        Products with each other.
    """

    columns: np.ndarray
    outputs: np.ndarray
    curves: np.ndarray

    def without(self, linear: np.ndarray, grams: np.ndarray) -> CurveProducts:
        """The products of the curves less linear models of the components.

        Parameters
        ----------
        linear : ndarray of shape (r, 1 + d, c, q)
            Each replicate's intercepts and weights.
        grams : ndarray of shape (r, 1 + d + q, 1 + d + q)
            Weighted Gram matrices of the constant, the components and the outputs.
        """
        width = linear.shape[1]
        of_linear = (grams[:, :width, :width] @ linear.reshape(len(linear), width, -1)).reshape(linear.shape)
        columns = self.columns - of_linear
        outputs = self.outputs - np.einsum("riq,ricq->rcq", grams[:, :width, width:], linear)
        of_both = np.einsum("riaq,ribq->rabq", linear, (self.columns + columns) / 2)
        return CurveProducts(columns, outputs, self.curves - of_both - np.swapaxes(of_both, 1, 2))
