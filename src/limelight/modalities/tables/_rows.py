"""Where the rows around an instance come from, and how they are handed to a model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._errors import ArgumentError
from limelight.modalities.tables._columns import RowColumn
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._samplers import Source
from limelight.results.views import MixedView, TableView
from limelight.stages.components import Neighbourhood, SharedRows, Values
from limelight.stages.design import Design, Stretch

__all__ = ["RowValues", "Table"]

Valid = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

_KEPT = 8  # stretches of rows that a table remembers: "auto" takes no more


class RowValues(Values):
    """The columns of one row.

    Parameters
    ----------
    table : Table
        Where other rows come from.
    encoding : Encoding
        How a model gets them.
    row, codes : ndarray of shape (d,)
        The instance, and what its values count as.
    columns : list of list of int
        The columns of each component, one or a group.
    names, view, notes, kernel_width
        As for all components.
    """

    def __init__(
        self,
        table: Table,
        encoding: Encoding,
        row: np.ndarray,
        codes: np.ndarray,
        columns: list[list[int]],
        names: tuple[str, ...],
        view: TableView | MixedView,
        notes: tuple[tuple[str, str], ...],
        kernel_width: float | None,
    ) -> None:
        self.names = names
        self.view = view
        self.notes = notes
        self.kernel_width = kernel_width
        self.content = table.content
        self._table = table
        self._encoding = encoding
        self.form = id(encoding)  # rows that any encoding knows are read by one and the same
        self._row = row
        self._codes = codes
        self._columns = columns

    def neighbourhood(self, design: Design, stretch: Stretch) -> Neighbourhood:
        drawn = self._table.draw(design, stretch)
        codes = self._codes.astype(drawn.codes.dtype)
        # A column's entries lie side by side: all that follows goes column by column.
        representation = np.empty((1 + len(drawn.codes), len(self.names)), dtype=np.uint8, order="F")
        representation[0] = 1
        first = [columns[0] for columns in self._columns]
        if len(self.names) == len(codes):
            np.equal(drawn.codes, codes, out=representation[1:].T.view(np.bool_).T)
        else:
            same = drawn.codes == codes
            representation[1:] = same[:, first]
            for component, columns in enumerate(self._columns):
                if len(columns) > 1:
                    representation[1:, component] = same[:, columns].all(axis=1)
        if self._table.plain:
            plain = [component for component, number in enumerate(first) if number in self._table.plain]
            numbers = [first[component] for component in plain]
            representation = representation.astype(np.float64)
            representation[0, plain] = codes[numbers]
            representation[1:, plain] = drawn.codes[:, numbers]
        keys = None if drawn.keys is None else np.concatenate([_keys(self._row[None]), drawn.keys])
        shared = SharedRows((self.content, design), stretch) if self._table.shared else None
        return Neighbourhood(representation, _Rows(self._row, drawn.rows), drawn.law_weights, drawn.replicates, keys, shared)

    def batch(self, inputs: np.ndarray) -> Any:
        return self._encoding.batch(inputs)


@dataclass(frozen=True)
class _DrawnRows:
    """Rows of a table as the model takes them, of shape (m, d), the codes of their values, and what makes each row distinct."""

    rows: np.ndarray
    codes: np.ndarray
    keys: np.ndarray | None
    law_weights: np.ndarray
    replicates: np.ndarray


class Table:
    """Rows around an instance; what was drawn is kept for a while, since it depends on these arguments and the design alone.

    Parameters
    ----------
    columns : sequence of RowColumn
        When a value counts as the instance's own.
    source : Source
        Where rows come from.
    valid : callable or None
        From drawn rows to those that are valid, and which of them they come from.
    content : int
        A number made from all of it.
    shared : bool
        Whether other instances have it, too.

    Attributes
    ----------
    plain : frozenset of int
        The columns without codes, whose components are standardised values.
    """

    def __init__(
        self, columns: Sequence[RowColumn], source: Source, valid: Valid | None, content: int, *, shared: bool = False
    ) -> None:
        self.columns = columns
        self.content = content
        self.shared = shared
        self._source = source
        self._valid = valid
        self._states = max(column.states for column in columns)
        self.plain = frozenset(number for number, column in enumerate(columns) if not column.states)
        self._drawn: OrderedDict[tuple[Design, Stretch], _DrawnRows] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_drawn": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """For each value what it counts as: equal codes are the same component state."""
        codes = np.stack([column.code(values) for column, values in zip(self.columns, rows.T, strict=True)])
        if codes.dtype.kind != "i":
            return codes.T
        return codes.astype(np.uint8 if self._states <= 2**8 else np.uint32).T

    def draw(self, design: Design, stretch: Stretch) -> _DrawnRows:
        """The rows of a stretch of a design.

        Raises
        ------
        ArgumentError
            If too few of them are valid.
        """
        with self._lock:
            if (design, stretch) not in self._drawn:
                self._drawn[design, stretch] = self._new(design, stretch)
            self._drawn.move_to_end((design, stretch))
            if len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
            return self._drawn[design, stretch]

    def _new(self, design: Design, stretch: Stretch) -> _DrawnRows:
        points = design.points(self._source.dimensions, stretch)
        rows, law_weights, replicates = self._source.draw(points.values), points.law_weights, points.replicates
        if self._valid is not None:
            rows, kept = self._valid(rows)
            law_weights, replicates = law_weights[kept], np.append(0, np.cumsum(kept))[replicates]
            # Errors are told from what one replicate or another leaves out.
            if np.count_nonzero(np.diff(replicates)) < min(2, len(replicates) - 1):
                raise ArgumentError(
                    f"constraint keeps too few perturbed rows, {len(rows)} of {len(kept)}; let it repair rows, or keep more, "
                    "or give a greater num_samples."
                )
        return _DrawnRows(rows, self.codes(rows), _keys(rows) if self._source.discrete else None, law_weights, replicates)


def _keys(rows: np.ndarray) -> np.ndarray:
    """Words that tell rows apart, zeros of either sign being the same.

    Small whole numbers differ in the first bytes of a double. As the last bytes of a word they are mixed without loss.
    """
    return (rows + 0.0).view(np.uint64).byteswap()


@dataclass(frozen=True)
class _Rows:
    """The instance and the drawn rows, copied for every batch: a model may write on what it is given."""

    instance: np.ndarray
    drawn: np.ndarray

    def take(self, rows: np.ndarray) -> np.ndarray:
        batch = np.empty((len(rows), len(self.instance)))
        start, stop = rows[0], rows[0] + len(rows)
        if np.array_equal(rows, np.arange(start, stop)):  # as nearly always: copied in one go
            first = int(start == 0)
            batch[:first] = self.instance
            batch[first:] = self.drawn[start + first - 1 : stop - 1]
        else:
            batch[:] = self.drawn[rows - 1]
            batch[rows == 0] = self.instance
        return batch
