"""Where monotone functions of single columns pass thresholds, to the last digit: found by asking the functions themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

__all__ = ["Grid", "Thresholds", "find_turning_points"]

_MOST_ROUNDS = 80
_MOST_POINTS = 4096  # at a time, where there are few thresholds
_SPREAD = np.array([0.0, 2.0**-26, -(2.0**-26), 2.0**-8, -(2.0**-8)])
"""Where to ask around the point that a straight line suggests, in widths of the interval in which the point must be."""


class Thresholds(NamedTuple):
    """Thresholds t of functions of columns.

    Attributes
    ----------
    columns, outputs : ndarray of int, of shape (n,)
        The number of each function's column, and the function's own.
    values : ndarray of shape (n,)
        The thresholds.
    """

    columns: np.ndarray
    outputs: np.ndarray
    values: np.ndarray

    def of(self, numbers: np.ndarray) -> Thresholds:
        """Some of them."""
        return Thresholds(self.columns[numbers], self.outputs[numbers], self.values[numbers])


class Grid(NamedTuple):
    """A few values of a column, and the functions' values there.

    Attributes
    ----------
    points : ndarray of shape (p,)
        Ascending, from the least to the greatest value of the column.
    outputs : ndarray of int, of shape (k,)
        The numbers of the functions.
    values : ndarray of shape (p, k)
    is_whole : bool
        Whether the column has whole numbers only.
    """

    points: np.ndarray
    outputs: np.ndarray
    values: np.ndarray
    is_whole: bool


Ask = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``ask(columns, outputs, points)``, all of shape (n,), gives the functions' values there, of shape (n,)."""


def find_turning_points(ask: Ask, grids: Mapping[int, Grid], thresholds: Thresholds) -> np.ndarray | None:
    """The last value of each threshold's column on whose side of the threshold the function is where the column begins.

    Parameters
    ----------
    ask : callable
    grids : mapping of int to Grid
        Of each column that has thresholds.
    thresholds : Thresholds

    Returns
    -------
    points : ndarray of shape (n,) or None
        NaN where a function stays on one side; None if they cannot be found.
    """
    low, high, at_low, at_high, is_below, turns = _first_intervals(grids, thresholds)
    whole = [column for column, grid in grids.items() if grid.is_whole]
    is_whole = np.isin(thresholds.columns, whole)
    points = np.where(turns, low, np.nan)
    waiting = np.flatnonzero(turns)
    for _ in range(_MOST_ROUNDS):
        is_open = np.where(
            is_whole[waiting], high[waiting] - low[waiting] > 1, np.nextafter(low[waiting], np.inf) < high[waiting]
        )
        points[waiting] = low[waiting]
        waiting = waiting[is_open]
        if not len(waiting):
            return points
        tried = _points_to_try(low[waiting], high[waiting], at_low[waiting], at_high[waiting], thresholds.values[waiting])
        tried = np.where(is_whole[waiting], np.floor(tried), tried)
        tried = np.clip(tried, *_inner_ends(low[waiting], high[waiting], is_whole[waiting]))
        tried.sort(axis=0)
        asked = thresholds.of(np.tile(waiting, len(tried)))
        values = ask(asked.columns, asked.outputs, tried.ravel()).reshape(tried.shape)
        is_before = (values <= thresholds.values[waiting]) == is_below[waiting]
        # Rounding can make a function fall where it should rise: the first turn is taken.
        first = np.where(is_before.all(axis=0), len(tried), np.argmin(is_before, axis=0))
        rows, has_next, has_last = np.arange(len(waiting)), first < len(tried), first > 0
        next_row, last_row = np.minimum(first, len(tried) - 1), np.maximum(first - 1, 0)
        high[waiting] = np.where(has_next, tried[next_row, rows], high[waiting])
        at_high[waiting] = np.where(has_next, values[next_row, rows], at_high[waiting])
        low[waiting] = np.where(has_last, tried[last_row, rows], low[waiting])
        at_low[waiting] = np.where(has_last, values[last_row, rows], at_low[waiting])
    return None


def _first_intervals(
    grids: Mapping[int, Grid], thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Between which points of the grids each function turns, its values there, on which side it begins, and if it turns."""
    count = len(thresholds.values)
    low, high, at_low, at_high = np.zeros((4, count))
    is_below, turns = np.zeros((2, count), dtype=bool)
    for column in np.unique(thresholds.columns).tolist():
        grid = grids[column]
        for output, values in zip(grid.outputs, grid.values.T, strict=True):
            numbers = np.flatnonzero((thresholds.columns == column) & (thresholds.outputs == output))
            if not len(numbers):
                continue
            are_below = values[:, None] <= thresholds.values[numbers]
            is_same = are_below == are_below[0]
            last = np.where(is_same.all(axis=0), 0, np.argmin(is_same, axis=0) - 1)
            after = np.minimum(last + 1, len(values) - 1)
            is_below[numbers], turns[numbers] = are_below[0], ~is_same.all(axis=0)
            low[numbers], high[numbers] = grid.points[last], grid.points[after]
            at_low[numbers], at_high[numbers] = values[last], values[after]
    return low, high, at_low, at_high, is_below, turns


def _points_to_try(
    low: np.ndarray, high: np.ndarray, at_low: np.ndarray, at_high: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Around where a straight line passes the threshold, and evenly among the doubles between, of shape (p, n)."""
    with np.errstate(all="ignore"):
        share = (thresholds - at_low) / (at_high - at_low)
        width = high - low
        suggested = low + np.where(np.isfinite(share), share, 0.5) * width
        near = suggested + _SPREAD[:, None] * width
    digits = np.spacing(np.maximum(abs(low), abs(high)))  # a function can have no more than its values have
    count = int(np.clip(_MOST_POINTS // len(low), 1, 63))
    first, last = _place_of(low), _place_of(high)
    shares = np.arange(1, count + 1)[:, None] / (count + 1)
    steps = (shares * (last - first).view(np.uint64)).astype(np.uint64)  # more of them than signed integers
    return np.concatenate([near, [suggested - 4 * digits, suggested + 4 * digits], _double_at(first + steps.view(np.int64))])


def _inner_ends(low: np.ndarray, high: np.ndarray, is_whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values next to both ends of open intervals."""
    return (
        np.where(is_whole, low + 1, np.nextafter(low, np.inf)),
        np.where(is_whole, high - 1, np.nextafter(high, -np.inf)),
    )


def _place_of(numbers: np.ndarray) -> np.ndarray:
    """The place of each double among all, as an integer."""
    bits = (numbers + 0.0).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def _double_at(places: np.ndarray) -> np.ndarray:
    return np.where(places < 0, np.int64(-(2**63)) - places, places).view(np.float64)
