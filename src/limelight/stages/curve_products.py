"""Weighted products with the squares and cubes of predictors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["CurveProducts"]


class CurveProducts(NamedTuple):
    """Sums of weighted products with the squares and cubes of a predictor of each of q outputs, for each of r replicates.

    Attributes
    ----------
    columns : ndarray of shape (r, 1 + d, 2, q)
        Products with the constant and the components.
    outputs : ndarray of shape (r, 2, q)
        Products with the output that the predictor belongs to.
    curves : ndarray of shape (r, 3, q)
        Squares with squares, squares with cubes, cubes with cubes.
    """

    columns: np.ndarray
    outputs: np.ndarray
    curves: np.ndarray

    def without(self, linear: np.ndarray, grams: np.ndarray) -> CurveProducts:
        """The products of the curves less linear models of the components.

        Parameters
        ----------
        linear : ndarray of shape (r, 1 + d, 2, q)
            Each replicate's intercepts and weights.
        grams : ndarray of shape (r, 1 + d + q, 1 + d + q)
            Weighted Gram matrices of the constant, the components and the outputs.
        """
        width = linear.shape[1]
        of_linear = np.einsum("rij,rjaq->riaq", grams[:, :width, :width], linear)
        columns = self.columns - of_linear
        outputs = self.outputs - np.einsum("riq,riaq->raq", grams[:, :width, width:], linear)
        curves = [
            self.curves[:, number]
            - (linear[:, :, first] * (self.columns + columns)[:, :, second]).sum(axis=1) / 2
            - (linear[:, :, second] * (self.columns + columns)[:, :, first]).sum(axis=1) / 2
            for number, (first, second) in enumerate([(0, 0), (0, 1), (1, 1)])
        ]
        return CurveProducts(columns, outputs, np.stack(curves, axis=1))
