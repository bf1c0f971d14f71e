"""Rows with weights, as plain data, and their weighted products."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from limelight.stages.pair_products import count_paired_rows, multiply_pairs

__all__ = ["ColumnSums", "RegressionRows", "WeightedRows", "add_products"]

_BLOCK_BYTES = 2**19  # of weighted rows made at a time, so that they stay in the processor's cache
_LEAST_PAIRED_COMPONENTS = 400  # with these, the product of all rows takes most of a fit's time


class WeightedRows(NamedTuple):
    """The rows of a stretch of a design.

    Attributes
    ----------
    representation : ndarray of shape (m, d)
        The rows' components.
    outputs : ndarray of shape (m, q)
        Their outputs, less those of the instance.
    law_weights, kernel_weights : ndarray of shape (m,)
        Their weights; the product of both is a row's weight in the fit.
    replicate_bounds : ndarray of shape (r + 1,)
        Replicate i is rows ``replicate_bounds[i]:replicate_bounds[i + 1]``.
    controls : ndarray of shape (m, v) or None
        The values of control variates, if there are any.
    """

    representation: np.ndarray
    outputs: np.ndarray
    law_weights: np.ndarray
    kernel_weights: np.ndarray
    replicate_bounds: np.ndarray
    controls: np.ndarray | None = None


class RegressionRows(NamedTuple):
    """The rows of a sample, as scikit-learn's regressors take them.

    Attributes
    ----------
    representation : ndarray of shape (n, c)
        Some of the rows' components.
    outputs : ndarray of shape (n, q)
        Their outputs, less those of the instance.
    row_weights : ndarray of shape (n,)
        Law weights times kernel weights.
    replicates : ndarray of int, of shape (n,)
        The number of each row's replicate.
    """

    representation: np.ndarray
    outputs: np.ndarray
    row_weights: np.ndarray
    replicates: np.ndarray


class ColumnSums(NamedTuple):
    """Weighted sums over the rows of each of r replicates, or of all together with r = 1.

    Attributes
    ----------
    mass : ndarray of shape (r,)
        Sums of the rows' weights.
    components, squares : ndarray of shape (r, d)
        Sums of the components, and of their squares.
    """

    mass: np.ndarray
    components: np.ndarray
    squares: np.ndarray


def add_products(rows: WeightedRows, columns: Any, grams: np.ndarray, controls: np.ndarray | None = None) -> None:
    """Add the products of the constant, some components and the outputs to Gram matrices.

    Parameters
    ----------
    rows : WeightedRows
        The rows, in r replicates.
    columns : slice or ndarray of int
        The components; the slice of all of them, or the numbers of some.
    grams : ndarray of shape (r, p, p) or (1, p, p)
        One for each replicate, or one for all.
    controls : ndarray of shape (m, v), optional
        Further columns, after the outputs.
    """
    bounds, others = rows.replicate_bounds, rows.outputs
    if controls is not None:
        others = np.concatenate([others, controls], axis=1)
    num_components = rows.representation.shape[1]
    first_output = 1 + (num_components if isinstance(columns, slice) else len(columns))
    width = first_output + others.shape[1]  # less where the model has contradicted what earlier control variates stand for
    is_whole = isinstance(columns, slice) and num_components >= _LEAST_PAIRED_COMPONENTS
    if is_whole and count_paired_rows(rows.representation[: bounds[1]]):
        _add_paired_products(rows, np.concatenate([np.ones((len(others), 1)), others], axis=1), grams)
        return
    root = np.sqrt(rows.law_weights * rows.kernel_weights)
    longest = int(np.diff(bounds).max())
    replicates_per_block = max(1, _BLOCK_BYTES // (8 * width * longest))
    # Rows lie side by side, so that each column is contiguous in memory.
    buffer = np.empty((width, replicates_per_block * longest))
    for first in range(0, len(bounds) - 1, replicates_per_block):
        block_bounds = bounds[first : first + replicates_per_block + 1]
        own = slice(block_bounds[0], block_bounds[-1])
        block = buffer[:, : block_bounds[-1] - block_bounds[0]]
        block[0] = 1.0
        block[1:first_output] = rows.representation[own, columns].T
        block[first_output:] = others[own].T
        block *= root[own]
        for replicate, (start, stop) in enumerate(pairwise((block_bounds - block_bounds[0]).tolist()), start=first):
            weighted = block[:, start:stop]
            # BLAS recognises a product with the transpose, and does half the work.
            grams[replicate if len(grams) > 1 else 0, :width, :width] += weighted @ weighted.T


def _add_paired_products(rows: WeightedRows, others: np.ndarray, grams: np.ndarray) -> None:
    """The same for all components, with half the work where rows are pairs of a mask and its complement.

    The first of the v other columns is the constant.
    """
    d = rows.representation.shape[1]
    width = d + others.shape[1]
    weights = rows.law_weights * rows.kernel_weights
    places = np.concatenate([[0], np.arange(d + 1, width)])
    for replicate, (start, stop) in enumerate(pairwise(rows.replicate_bounds.tolist())):
        gram = grams[replicate if len(grams) > 1 else 0, :width, :width]
        masks, own = rows.representation[start:stop], others[start:stop]
        products, cross = multiply_pairs(masks, count_paired_rows(masks), own, weights[start:stop])
        gram[1 : d + 1, 1 : d + 1] += products
        gram[1 : d + 1, places] += cross
        gram[places, 1 : d + 1] += cross.T
        gram[np.ix_(places, places)] += (own * weights[start:stop, None]).T @ own
