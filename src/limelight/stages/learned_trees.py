"""Small boosted trees, learned from a black box's answers, as sums over leaves whose moments are known.

They are gradient boosting (Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", Annals of Statistics 29,
2001) of trees that ask the same at all nodes of a level (Prokhorenkova et al., "CatBoost: unbiased boosting with categorical
features", NeurIPS 2018). Such trees are learned with few operations on whole arrays, here those of all folds at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limelight.stages.leaf_sum import NEVER, LeafSum, Leaves
from limelight.stages.product_law import Conditions

__all__ = ["learn_trees"]

# Measured on Adult: more trees, levels, columns or ends take more time than they save.
_TREES, _LEVELS = 30, 3
_MOST_ASKED = 10  # columns of one output's trees
_LEARNING_RATE = 0.3
_SMOOTHING = 1.0  # rows with a residual of 0 that are added to each leaf
_MOST_ENDS = 16  # of a column's cells that hold equally many rows, and of those that hold equally many distinct values


class _Coded(NamedTuple):
    """Rows as numbers of cells.

    Attributes
    ----------
    codes : ndarray of int, of shape (n, d)
        The cell of each value in its column, ascending; the last one of a column is that of missing values, if there are any.
    ends : list of ndarray
        The ends of each column's cells but the last one's.
    """

    codes: np.ndarray
    ends: list[np.ndarray]


class _Steps(NamedTuple):
    """What t trees of l levels ask in each of f folds: whether a value lies beyond the end of a cell.

    Attributes
    ----------
    columns, cells : ndarray of int, of shape (t, l, f)
    values : ndarray of shape (t, f, 2 ** l)
        What each leaf adds; of the leaf's number, the highest bit is the answer at the first level.
    """

    columns: np.ndarray
    cells: np.ndarray
    values: np.ndarray


def learn_trees(rows: np.ndarray, outputs: np.ndarray, folds: np.ndarray, num_folds: int) -> list[LeafSum] | None:
    """For each fold what was learned from its rows alone, but for a constant; None if all rows are the same.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        NaN where a value is missing.
    outputs : ndarray of shape (n, q)
    folds : ndarray of int, of shape (n,)
        The number of each row's fold.
    num_folds : int
    """
    coded = _code(rows)
    if not any(map(len, coded.ends)):
        return None
    of_outputs = [_learn_from_few_columns(coded, output, folds, num_folds) for output in outputs.T]
    return _as_sums(of_outputs, coded.ends)


def _code(rows: np.ndarray) -> _Coded:
    codes, all_ends = np.empty(rows.shape, dtype=np.intp), []
    for column, values in enumerate(rows.T):
        is_missing = np.isnan(values)
        present = np.sort(values[~is_missing])
        distinct = np.unique(present)
        last = distinct[:-1]
        if len(last) > 2 * _MOST_ENDS:
            shares = np.arange(1, _MOST_ENDS + 1) / (_MOST_ENDS + 1)
            by_rows, by_values = (part[(shares * len(part)).astype(np.intp)] for part in (present, last))
            last = np.setdiff1d(np.concatenate([by_rows, by_values]), distinct[-1:])
        following = distinct[np.searchsorted(distinct, last) + 1]
        ends = last / 2 + following / 2
        if is_missing.any() and len(distinct):
            ends = np.append(ends, np.inf)
        codes[:, column] = np.where(is_missing, len(ends), np.searchsorted(ends, values))
        all_ends.append(ends)
    return _Coded(codes, all_ends)


def _learn_from_few_columns(coded: _Coded, output: np.ndarray, folds: np.ndarray, num_folds: int) -> _Steps:
    """Trees that ask only for the columns whose cells explain most alone: all others take time, and hardly anything else."""
    explained = [_explain(codes, output) for codes in coded.codes.T]
    chosen = np.sort(np.argsort(explained, kind="stable")[-_MOST_ASKED:])
    steps = _learn(_Coded(coded.codes[:, chosen], [coded.ends[column] for column in chosen]), output, folds, num_folds)
    return steps._replace(columns=chosen[steps.columns])


def _explain(codes: np.ndarray, output: np.ndarray) -> float:
    """The sum of squares that the means of cells explain of an output."""
    sums, sizes = np.bincount(codes, output - output.mean()), np.bincount(codes)
    return float((sums**2 / np.maximum(1, sizes)).sum())


def _learn(coded: _Coded, output: np.ndarray, folds: np.ndarray, num_folds: int) -> _Steps:
    counts = np.array([len(ends) + 1 for ends in coded.ends])
    starts = np.cumsum(counts) - counts
    num_cells, d = int(counts.sum()), len(counts)
    places = coded.codes + starts
    columns = np.repeat(np.arange(d), counts)
    first_of_cell = np.repeat(starts, counts)
    is_last = np.zeros(num_cells, dtype=bool)
    is_last[starts + counts - 1] = True
    residual = output - (np.bincount(folds, output, num_folds) / np.maximum(1, np.bincount(folds, minlength=num_folds)))[folds]
    chosen = np.empty((_TREES, _LEVELS, num_folds), dtype=np.intp)
    values = np.empty((_TREES, num_folds, 2**_LEVELS))
    numbers = np.arange(len(places))
    for tree in range(_TREES):
        leaves = np.zeros(len(places), dtype=np.intp)
        repeated = np.repeat(residual, d)
        for level in range(_LEVELS):
            shape = (num_folds, 2**level, num_cells)
            flat = (places + ((folds * 2**level + leaves) * num_cells)[:, None]).ravel()
            sums, sizes = (
                np.bincount(flat, weights, minlength=num_folds * 2**level * num_cells).reshape(shape)
                for weights in (repeated, None)
            )
            left_sums, right_sums = _split_sums(sums, first_of_cell, counts[0])
            left_sizes, right_sizes = _split_sums(sizes, first_of_cell, counts[0])
            gains = left_sums**2 / (left_sizes + _SMOOTHING) + right_sums**2 / (right_sizes + _SMOOTHING)
            best = np.where(is_last, -1.0, gains.sum(axis=1)).argmax(axis=1)
            chosen[tree, level] = best
            leaves = 2 * leaves + (places[numbers, columns[best][folds]] > best[folds])
        flat = folds * 2**_LEVELS + leaves
        sums, sizes = (np.bincount(flat, weights, minlength=num_folds * 2**_LEVELS) for weights in (residual, None))
        added = _LEARNING_RATE * sums / (sizes + _SMOOTHING)
        values[tree] = added.reshape(num_folds, -1)
        residual = residual - added[flat]
    return _Steps(columns[chosen], chosen - first_of_cell[chosen], values)


def _split_sums(of_cells: np.ndarray, first_of_cell: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The sums of numbers of shape (f, m, n) up to each cell of a column, and beyond it; the first column has `count` cells."""
    running = np.zeros((*of_cells.shape[:2], of_cells.shape[2] + 1))
    np.cumsum(of_cells, axis=2, out=running[..., 1:])
    left = running[..., 1:] - running[..., first_of_cell]
    return left, running[..., [count]] - left


def _as_sums(of_outputs: list[_Steps], ends: list[np.ndarray]) -> list[LeafSum]:
    """For each fold the trees of all outputs as a sum over leaves; all have the same conditions."""
    columns, cells = (
        np.moveaxis(np.concatenate([getattr(part, name) for part in of_outputs]), -1, 0) for name in ("columns", "cells")
    )
    num_folds, num_trees, _ = columns.shape
    num_leaves = 2**_LEVELS
    goes_right = (np.arange(num_leaves)[:, None] >> np.arange(_LEVELS)[::-1] & 1).astype(bool)
    # What a leaf asks of a column at several levels is one condition: beyond the last of some ends, up to the first of others.
    is_same = columns[..., :, None] == columns[..., None, :]
    shape = (num_folds, num_trees, num_leaves, _LEVELS)
    beyond, up_to = (
        np.where(is_same[:, :, None] & goes_here[:, None, :], cells[:, :, None, None], nothing)
        for goes_here, nothing in ((goes_right, -1), (~goes_right, np.iinfo(np.intp).max))
    )
    asked = np.stack([np.broadcast_to(columns[:, :, None], shape), beyond.max(axis=-1), up_to.min(axis=-1)], axis=-1)
    is_first = ~np.tril(is_same, -1).any(axis=-1)
    is_kept = np.broadcast_to(is_first[:, :, None], shape)
    distinct, met = np.unique(asked[is_kept], axis=0, return_inverse=True)
    conditions = _as_conditions(distinct, ends)
    folds, leaves = (
        np.broadcast_to(numbers, shape)[is_kept]
        for numbers in (
            np.arange(num_folds)[:, None, None, None],
            np.arange(num_trees * num_leaves).reshape(num_trees, num_leaves, 1),
        )
    )
    sums = []
    for fold in range(num_folds):
        own = met.reshape(-1)[folds == fold]
        values = np.zeros((num_trees * num_leaves, len(of_outputs)))
        for output, (steps, part) in enumerate(zip(of_outputs, np.split(values, len(of_outputs)), strict=True)):
            part[:, output] = steps.values[:, fold].ravel()
        learned = LeafSum(len(ends), conditions, [Leaves(values, leaves[folds == fold], own, np.full_like(own, NEVER))])
        learned.knows_places = True  # it was learned from the law's numbers
        sums.append(learned)
    return sums


def _as_conditions(asked: np.ndarray, ends: list[np.ndarray]) -> Conditions:
    """Conditions, each of a column, a cell beyond whose end a value lies, and a cell up to whose end it does."""
    lows, highs = np.empty((2, len(asked)))
    for number, (column, low, high) in enumerate(asked.tolist()):
        own = ends[column]
        lows[number] = -np.inf if low < 0 else own[low]
        highs[number] = own[high] if high < len(own) else np.inf
    takes_missing = asked[:, 2] == np.iinfo(np.intp).max
    return Conditions(asked[:, 0], takes_missing, lows, highs, np.arange(len(asked)))
