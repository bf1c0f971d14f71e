"""Weighted products of masks that come in complementary pairs, with half the multiplications."""

from __future__ import annotations

import numpy as np

__all__ = ["count_paired_rows", "multiply_pairs"]


def count_paired_rows(masks: np.ndarray) -> int:
    """How many of the first rows of 0/1 masks, of shape (m, d), are pairs of a mask and its complement."""
    if masks.dtype != np.uint8:
        return 0
    pairs = len(masks) // 2
    first, second = masks[: 2 * pairs : 2], masks[1 : 2 * pairs : 2]
    is_pair = ((first ^ second == 1) & (first <= 1)).all(axis=1)
    return 2 * (pairs if is_pair.all() else int(np.argmin(is_pair)))


def multiply_pairs(
    masks: np.ndarray, num_paired: int, others: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weighted products of masks with each other, of shape (d, d), and with other columns, of shape (d, v).

    With signs u = 2 z - 1 of a pair's first mask z, and weights a and b of its masks, what both add to a product is ::

        (a + b) (u_i + s) (u_j + s) / 4 + (a + b) (1 - s^2) / 4,    s = (a - b) / (a + b)

    so that a pair takes one row of the matrix product instead of two, and the last term is the same for all i and j.

    Parameters
    ----------
    masks : ndarray of uint8, of shape (m, d)
    num_paired : int
        How many of the first rows are pairs of a mask and its complement.
    others : ndarray of shape (m, v)
    weights : ndarray of shape (m,)
        Not negative.
    """
    first, second = weights[:num_paired:2], weights[1:num_paired:2]
    single = weights[num_paired:]
    both, difference = first + second, first - second
    skew = np.divide(difference, both, out=np.zeros_like(both), where=both > 0)
    pairs = len(both)
    rows = np.empty((masks.shape[1], pairs + len(single) + 1))
    rows[:, :pairs] = masks[:num_paired:2].T
    rows[:, :pairs] += (skew - 1) / 2
    rows[:, :pairs] *= np.sqrt(both)
    rows[:, pairs:-1] = masks[num_paired:].T
    rows[:, pairs:-1] *= np.sqrt(single)
    rows[:, -1] = np.sqrt(np.sum(both * (1 - skew) * (1 + skew)) / 4)
    # The same with the other columns: z_i = (1 + u_i) / 2, and (1 - u_i) / 2 in the complement.
    weighted = others * weights[:, None]
    of_first, of_second = weighted[:num_paired:2], weighted[1:num_paired:2]
    apart, together = of_first - of_second, of_first + of_second
    roots = np.sqrt(np.concatenate([both, single]))
    right = np.concatenate([apart, weighted[num_paired:]])
    right = np.divide(right, roots[:, None], out=np.zeros_like(right), where=roots[:, None] > 0)
    cross = rows[:, :-1] @ right + (together - apart * skew[:, None]).sum(axis=0) / 2
    return rows @ rows.T, cross
