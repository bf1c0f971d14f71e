"""The cells into which conditions divide the values of columns."""

from __future__ import annotations

import numpy as np

from limelight.stages.product_law import Conditions

__all__ = ["Cells"]


class Cells:
    """The cells into which conditions divide the values of columns: intervals without an end inside, and what is missing.

    Parameters
    ----------
    conditions : Conditions
        The conditions.

    Attributes
    ----------
    columns : ndarray of int, of shape (p,)
        The columns with conditions.
    conditions : Conditions
        That a value lies in each of n cells.
    places : ndarray of int, of shape (n,)
        The place of each cell's column in `columns`.
    places_of_conditions : ndarray of int, of shape (c,)
        The same of each condition.
    """

    def __init__(self, conditions: Conditions) -> None:
        self._takes_missing, self._owners = conditions.takes_missing, conditions.owners
        self.columns, self.places_of_conditions = np.unique(conditions.columns, return_inverse=True)
        of_intervals = self.places_of_conditions[conditions.owners]
        self._first, self._last = np.empty((2, len(of_intervals)), dtype=np.intp)
        self._ends: list[np.ndarray] = []
        starts = [0]
        for place in range(len(self.columns)):
            own = of_intervals == place
            lows, highs = conditions.lows[own], conditions.highs[own]
            ends = np.unique(np.concatenate([lows, highs, [-np.inf, np.inf]]))
            self._first[own], self._last[own] = starts[-1] + np.searchsorted(ends, [lows, highs])
            self._ends.append(ends)
            starts.append(starts[-1] + len(ends))  # the last one is that of missing values
        self._starts = np.array(starts[:-1], dtype=np.intp)
        self._missing = np.array(starts[1:], dtype=np.intp) - 1
        self.places = np.repeat(np.arange(len(self.columns)), [len(ends) for ends in self._ends])
        is_missing = np.isin(np.arange(starts[-1]), self._missing)
        self.conditions = Conditions(
            columns=self.columns[self.places],
            takes_missing=is_missing,
            lows=np.concatenate([np.empty(0), *(ends[:-1] for ends in self._ends)]),
            highs=np.concatenate([np.empty(0), *(ends[1:] for ends in self._ends)]),
            owners=np.flatnonzero(~is_missing),
        )

    def locate(self, rows: np.ndarray) -> np.ndarray:
        """The cells of the values of rows of shape (m, d), of shape (p, m)."""
        located = np.empty((len(self.columns), len(rows)), dtype=np.int32)
        for place, (column, ends) in enumerate(zip(self.columns, self._ends, strict=True)):
            values = rows[:, column]
            located[place] = self._starts[place] + np.searchsorted(ends, values) - 1
            located[place, np.isnan(values)] = self._missing[place]
        return located

    def sum_by_column(self, of_cells: np.ndarray) -> np.ndarray:
        """The sums of numbers of shape (..., n) over the cells of each column, of shape (..., p)."""
        return np.asarray(np.add.reduceat(of_cells, self._starts, axis=-1))

    def add_by_column(self, of_cells: np.ndarray) -> np.ndarray:
        """The same of numbers of shape (n, b), of shape (p, b): one after the other, so that the bits do not depend on b."""
        return np.asarray(self.add_up(np.ones((1, len(of_cells))), of_cells)[0])

    def add_up(self, factors: np.ndarray, of_cells: np.ndarray) -> np.ndarray:
        """The same for each of w factors of cells, of shape (w, n): numbers of shape (w, p, b)."""
        from scipy.sparse import csr_array

        count, num_cells = factors.shape
        columns = np.tile(np.arange(num_cells, dtype=np.int32), count)
        starts = np.append((np.arange(count)[:, None] * num_cells + self._starts).ravel(), count * num_cells)
        rows = csr_array((factors.ravel(), columns, starts.astype(np.int32)), shape=(count * len(self._starts), num_cells))
        return np.asarray(rows @ of_cells).reshape(count, len(self._starts), -1)

    def add_by_condition(self, of_cells: np.ndarray) -> np.ndarray:
        """The sums of numbers of shape (n, b) over the cells in which each condition is met, of shape (c, b)."""
        from scipy.sparse import csr_array

        running = np.zeros((len(of_cells) + 1, of_cells.shape[1]), dtype=of_cells.dtype)
        np.cumsum(of_cells, axis=0, out=running[1:])
        count, numbers = len(self._takes_missing), np.arange(len(self._owners))
        starts = np.searchsorted(self._owners, np.arange(count + 1))
        intervals = csr_array((np.ones(len(numbers)), numbers, starts), shape=(count, len(numbers)))
        missing = of_cells[self._missing[self.places_of_conditions]] * self._takes_missing[:, None]
        return np.asarray(missing + intervals @ (running[self._last] - running[self._first]))

    def sum_of_met(self, of_conditions: np.ndarray) -> np.ndarray:
        """For each cell the sum of numbers of shape (c,) over the conditions that are met in it, of shape (n,)."""
        steps = np.bincount(self._first, of_conditions[self._owners], minlength=len(self.places) + 1)
        steps -= np.bincount(self._last, of_conditions[self._owners], minlength=len(self.places) + 1)
        missing = of_conditions * self._takes_missing
        sums = np.cumsum(steps[:-1])
        sums += np.bincount(self._missing[self.places_of_conditions], missing, minlength=len(sums))
        return sums
