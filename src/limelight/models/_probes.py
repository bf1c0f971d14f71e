"""Steps in front of a model, asked what they make of the values of single columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from limelight.models._cells import Cells
from limelight.models._column_steps import Shape, Use
from limelight.models._turning_points import Grid, Thresholds, find_turning_points
from limelight.stages.product_law import Conditions
from limelight.stages.table_columns import ColumnValues, TableColumns

__all__ = ["Steps", "find_cells"]

_LARGEST = float(np.finfo(np.float64).max)
_FAR = 1e18  # farther than what columns hold, and not too far for single precision
_LEAST = 5e-324  # the least double above 0
_GRID = np.array(
    [0.0, *(sign * 10.0**power for power in (-6, -3, -1, 0, 1, 2, 3, 4, 6, 9, 12, 18, 38, 76) for sign in (1, -1))]
)
_MOST_NUMBERS = 2**24  # that are kept of all columns
_MOST_AT_A_TIME = 2**22
_MOST_THRESHOLDS = 2**18  # of all columns


class Steps:
    """From rows of numbers to what the model behind some steps gets.

    Parameters
    ----------
    steps : sequence of object
        scikit-learn's transformers, fitted.
    columns : TableColumns
    absent : float
        What the model takes an entry for that a sparse row does not have: 0 or NaN.
    base : ndarray of shape (d,)
        Some row of numbers.
    categories : sequence of sequences
        The categories that the model knows of each categorical column of pandas, in the order in which it numbers them.
    """

    def __init__(
        self,
        steps: Sequence[Any],
        columns: TableColumns,
        absent: float,
        base: np.ndarray,
        categories: Sequence[Sequence[Any]] = (),
    ) -> None:
        self._categories = categories
        self._steps = steps
        self._columns = columns
        self.absent = absent
        self._base = base
        self.of_base = self.transform(base[None])[0]

    def transform(self, rows: np.ndarray, absent: float | None = None) -> np.ndarray:
        """Rows of shape (m, d) as the model gets them, of shape (m, e)."""
        batch = self._columns.batch(rows)
        with np.errstate(all="ignore"):  # the ends of what a column can hold may be beyond a function's
            for step in self._steps:
                if step is not None and not isinstance(step, str):
                    batch = step.transform(batch)
        if self._categories:
            batch = _number_categories(batch, self._categories)
        numbers = _numbers_of(batch, self.absent if absent is None else absent)
        return np.asarray(np.clip(numbers, -_LARGEST, _LARGEST))  # no model takes infinity

    def one_by_one(self, points: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
        """All outputs at points of some columns, each time with the base's values of all other columns."""
        columns = np.repeat([*points], [len(of_column) for of_column in points.values()])
        flat = np.concatenate([np.empty(0), *points.values()])

        def make(start: int, stop: int) -> np.ndarray:
            rows = np.repeat(self._base[None], stop - start, axis=0)
            rows[np.arange(stop - start), columns[start:stop]] = flat[start:stop]
            return rows

        answers = np.concatenate([np.empty((0, len(self.of_base))), *self._in_parts(make, len(flat))])
        ends = np.cumsum([len(of_column) for of_column in points.values()])[:-1]
        return dict(zip(points, np.split(answers, ends), strict=True))

    def side_by_side(
        self, columns: np.ndarray, outputs: np.ndarray, points: np.ndarray, absent: float | None = None
    ) -> np.ndarray:
        """An output at a point of the column that it varies with, n times: all of shape (n,).

        Outputs that vary with other columns are asked for in the same rows.
        """
        order = np.argsort(columns, kind="stable")
        rows = np.empty(len(columns), dtype=np.intp)
        rows[order] = np.arange(len(order)) - np.searchsorted(columns[order], columns[order])
        by_row = np.argsort(rows, kind="stable")
        bounds = np.searchsorted(rows[by_row], np.arange(rows.max(initial=-1) + 2))
        found = np.empty(len(columns))

        def make(start: int, stop: int) -> np.ndarray:
            own = by_row[bounds[start] : bounds[stop]]
            batch = np.repeat(self._base[None], stop - start, axis=0)
            batch[rows[own] - start, columns[own]] = points[own]
            return batch

        start = 0
        for answers in self._in_parts(make, len(bounds) - 1, absent):
            own = by_row[bounds[start] : bounds[start + len(answers)]]
            found[own] = answers[rows[own] - start, outputs[own]]
            start += len(answers)
        return found

    def _in_parts(
        self, make: Callable[[int, int], np.ndarray], count: int, absent: float | None = None
    ) -> Iterator[np.ndarray]:
        step = max(1, _MOST_AT_A_TIME // max(1, len(self.of_base)))
        for start in range(0, count, step):
            yield self.transform(make(start, min(count, start + step)), absent)


def _number_categories(frame: Any, categories: Sequence[Sequence[Any]]) -> Any:
    """A frame of pandas with numbers in place of categories, as LightGBM numbers them: NaN where it knows none."""
    names = [name for name, dtype in frame.dtypes.items() if type(dtype).__name__ == "CategoricalDtype"]
    numbered = {}
    for name, known in zip(names, categories, strict=True):
        codes = frame[name].cat.set_categories(known).cat.codes
        numbered[name] = codes.astype("float64").where(codes >= 0)
    return frame.assign(**numbered)


def _numbers_of(batch: Any, absent: float) -> np.ndarray:
    """What a transformer gives as numbers.

    Raises
    ------
    TypeError
        If they stand for categories, which a model may number in its own way.
    """
    if hasattr(batch, "tocsr"):
        rows = batch.tocsr()
        numbers = np.full(rows.shape, absent)
        numbers[np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), rows.indices] = rows.data
        return numbers
    import narwhals.stable.v2 as nw

    frame = nw.from_native(batch, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame) and not all(
        dtype.is_numeric() or dtype == nw.Boolean for dtype in frame.schema.values()
    ):
        raise TypeError("the steps give columns that are no numbers.")
    return np.asarray(batch, dtype=np.float64)


def find_cells(
    steps: Steps, uses: Sequence[Use], all_values: Sequence[ColumnValues], conditions: Conditions
) -> list[Cells] | None:
    """The outputs that vary with a column, by ascending column, in cells on which conditions on outputs do not change.

    None if the steps do what they should not, or there are too many numbers.
    """
    shapes: dict[int, set[Shape]] = {}
    ends: dict[int, np.ndarray] = {}
    for use in uses:
        shapes.setdefault(use.column, set()).add(use.shape)
        ends[use.column] = np.union1d(ends.get(use.column, use.ends), use.ends)
    if any(all_values[column].listed is None and Shape.ANY in of_column for column, of_column in shapes.items()):
        return None
    points = {column: _points_of(all_values[column], ends[column]) for column in sorted(shapes)}
    probes = {column: np.append(of_column, all_values[column].missing) for column, of_column in points.items()}
    if sum(map(len, probes.values())) * len(steps.of_base) > _MOST_NUMBERS:
        return None
    varying: list[_Column] = []
    owners = np.full(len(steps.of_base), -1)
    for column, values in steps.one_by_one(probes).items():
        outputs = np.flatnonzero(~_is_same(values, steps.of_base).all(axis=0))
        if (owners[outputs] >= 0).any():
            return None  # an output varies with two columns
        owners[outputs] = column
        if len(outputs):
            count = len(points[column])
            own = values[:, outputs]
            varying.append(
                _Column(
                    column, all_values[column], points[column], ends[column], shapes[column], outputs, own[:count], own[count:]
                )
            )
    return _cut(steps, varying, conditions)


class _Column(NamedTuple):
    """A column with which outputs vary.

    Attributes
    ----------
    number : int
    drawn : ColumnValues
    points : ndarray of shape (p,)
        Some of its values, or all that are listed.
    ends : ndarray
        The last value before each known step.
    shapes : set of Shape
        Of the outputs.
    outputs : ndarray of int, of shape (k,)
    values : ndarray of shape (p, k)
        The outputs at the points.
    missing : ndarray of shape (m, k)
        The outputs for missing values.
    """

    number: int
    drawn: ColumnValues
    points: np.ndarray
    ends: np.ndarray
    shapes: set[Shape]
    outputs: np.ndarray
    values: np.ndarray
    missing: np.ndarray

    @property
    def has_turning_points(self) -> bool:
        return self.drawn.listed is None and self.shapes != {Shape.STEPS}

    @property
    def grid(self) -> Grid:
        values = np.where(np.isnan(self.values), 0.0, self.values)  # what a sparse row leaves out is 0
        return Grid(self.points, self.outputs, values, self.drawn.is_whole)

    def cells(self, ends: np.ndarray, at_lows: np.ndarray, at_highs: np.ndarray) -> Cells:
        lows, highs = np.append(-np.inf, ends), np.append(ends, np.inf)
        cells = Cells(self.number, self.outputs, lows, highs, at_lows, at_highs, self.missing)
        is_of_numbers = self.drawn.listed is None or self.drawn.is_whole  # others may stand for categories
        # Steps without ends are constant, as which values are missing is for all that are present.
        is_straight = self.shapes <= {Shape.SAME, Shape.AFFINE, Shape.STEPS} and not len(self.ends)
        if not is_of_numbers or len(self.points) < 2 or not is_straight:
            return cells
        low, high = np.searchsorted(self.points, [-_FAR, _FAR])
        high = min(high, len(self.points) - 1)
        slopes = (self.values[high] - self.values[low]) / (self.points[high] - self.points[low])
        near = int(np.argmin(abs(self.points)))
        return cells._replace(slopes=slopes, offsets=self.values[near] - slopes * self.points[near])


def _cut(steps: Steps, varying: Sequence[_Column], conditions: Conditions) -> list[Cells] | None:
    """The columns in cells; None if it is not known where to cut."""
    thresholds = _thresholds_of(steps, [column for column in varying if column.has_turning_points], conditions)
    if len(thresholds.values) > _MOST_THRESHOLDS:
        return None
    grids = {column.number: column.grid for column in varying}
    turning_points = find_turning_points(partial(steps.side_by_side, absent=0.0), grids, thresholds)
    if turning_points is None:
        return None
    cuts = {}
    for column in varying:
        if column.drawn.listed is None:
            own = np.append(column.ends, turning_points[thresholds.columns == column.number])
            own = np.unique(np.floor(own) if column.drawn.is_whole else own)
            cuts[column.number] = own[(own >= column.points[0]) & (own < column.points[-1])]  # NaN is neither
    at_ends = _ask_at_ends(steps, [column for column in varying if column.number in cuts], cuts)
    return [
        column.cells(cuts[column.number], *at_ends[column.number])
        if column.number in cuts
        else column.cells(column.points[:-1], column.values, column.values)
        for column in varying
    ]


def _thresholds_of(steps: Steps, columns: Sequence[_Column], conditions: Conditions) -> Thresholds:
    """The thresholds of the columns' outputs: the ends of all conditions, and 0 where it is left out of sparse rows."""
    nothing = np.empty(0, dtype=np.intp)
    parts = [Thresholds(nothing, nothing, np.empty(0))]
    for column in columns:
        for output in column.outputs.tolist():
            is_own = conditions.columns[conditions.owners] == output
            values = np.unique(np.concatenate([conditions.lows[is_own], conditions.highs[is_own]]))
            if np.isnan(steps.absent):
                values = np.union1d(values, [-_LEAST, 0.0])
            values = values[np.isfinite(values)]
            parts.append(Thresholds(np.full(len(values), column.number), np.full(len(values), output), values))
    return Thresholds(*map(np.concatenate, zip(*parts, strict=True)))


def _ask_at_ends(
    steps: Steps, columns: Sequence[_Column], cuts: Mapping[int, np.ndarray]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """The columns' outputs at the first and the last value of each cell, both of shape (r, k)."""
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    asked = []
    for column in columns:
        own = cuts[column.number]
        ends = np.concatenate([column.points[:1], _after(own, column.drawn), own, column.points[-1:]])
        count = len(column.outputs)
        asked.append(
            Thresholds(np.full(len(ends) * count, column.number), np.tile(column.outputs, len(ends)), np.repeat(ends, count))
        )
    if not asked:
        return found
    numbers, outputs, points = map(np.concatenate, zip(*asked, strict=True))
    answers = steps.side_by_side(numbers, outputs, points)
    for column in columns:
        at_lows, at_highs = np.split(answers[numbers == column.number].reshape(-1, len(column.outputs)), 2)
        found[column.number] = at_lows, at_highs
    return found


def _points_of(drawn: ColumnValues, ends: np.ndarray) -> np.ndarray:
    """All values of a column that can be listed, or some: both ends, and those around steps."""
    if drawn.listed is not None:
        return drawn.listed
    spread = np.linspace(max(drawn.low, -_FAR), min(drawn.high, _FAR), 17)
    points = np.concatenate([_GRID, spread, ends, _after(ends, drawn), [drawn.low, drawn.high]])
    return np.unique(np.clip(np.floor(points) if drawn.is_whole else points, drawn.low, drawn.high))


def _after(points: np.ndarray, drawn: ColumnValues) -> np.ndarray:
    """The next values of a column."""
    return np.asarray(np.floor(points) + 1 if drawn.is_whole else np.nextafter(points, np.inf))


def _is_same(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.asarray((values == others) | (np.isnan(values) & np.isnan(others)))
