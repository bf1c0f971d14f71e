"""Where the rows around an instance come from, and how they are handed to a model."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._views import TableView
from limelight.modalities._columns import Column
from limelight.modalities._encoding import Encoding
from limelight.stages.components import Design, Neighbourhood, Stretch, Values

__all__ = ["RowValues", "Table"]


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
    names, view, notes
        As for all components.
    """

    def __init__(
        self,
        table: Table,
        encoding: Encoding,
        row: np.ndarray,
        codes: np.ndarray,
        names: tuple[str, ...],
        view: TableView,
        notes: tuple[tuple[str, str], ...],
    ) -> None:
        self.names = names
        self.view = view
        self.notes = notes
        self.content = table.content
        self._table = table
        self._encoding = encoding
        self._row = row
        self._codes = codes

    def neighbourhood(self, design: Design, stretch: Stretch) -> Neighbourhood:
        drawn = self._table.draw(design, stretch)
        codes = self._codes.astype(drawn.codes.dtype)
        representation = np.empty((1 + len(drawn.codes), len(codes)), dtype=np.uint8)
        representation[0] = 1
        np.equal(drawn.codes, codes, out=representation[1:].view(np.bool_))
        plain = [number for number, column in enumerate(self._table.columns) if not column.states]
        if plain:
            representation = representation.astype(np.float64)
            representation[0, plain] = codes[plain]
            representation[1:, plain] = drawn.codes[:, plain]
        keys = None
        if self._table.discrete:
            keys = np.concatenate([self._row[None], drawn.rows]).astype(np.float64).view(np.uint64)
        return Neighbourhood(
            representation, _Rows(self._encoding, self._row, drawn.rows), drawn.weights, drawn.replicates, keys
        )


@dataclass(frozen=True)
class _DrawnRows:
    """Rows of a table as the model takes them, of shape (m, d), and the codes of their values."""

    rows: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    replicates: np.ndarray


class Table:
    """Columns to draw rows from; what was drawn once is kept, since it depends on the columns and the design alone."""

    def __init__(self, columns: tuple[Column, ...], content: int) -> None:
        self.columns = columns
        self.content = content
        self._states = max(column.states for column in columns)
        self.discrete = all(column.discrete for column in columns)
        self._drawn: dict[tuple[Design, Stretch], _DrawnRows] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"columns": self.columns, "content": self.content}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """For each value what it counts as: equal codes are the same component state."""
        codes = np.stack([column.code(values) for column, values in zip(self.columns, rows.T, strict=True)], axis=1)
        if codes.dtype.kind != "i":
            return codes
        return codes.astype(np.uint8 if self._states <= 2**8 else np.uint32)

    def draw(self, design: Design, stretch: Stretch) -> _DrawnRows:
        """The rows of a stretch of a design."""
        with self._lock:
            if (design, stretch) not in self._drawn:
                points = design.points(len(self.columns), stretch)
                rows = np.stack([column.draw(u) for column, u in zip(self.columns, points.values.T, strict=True)], axis=1)
                self._drawn[design, stretch] = _DrawnRows(rows, self.codes(rows), points.weights, points.replicates)
            return self._drawn[design, stretch]


@dataclass(frozen=True)
class _Rows:
    """The instance and the drawn rows, copied for every batch: a model may write on what it is given."""

    encoding: Encoding
    instance: np.ndarray
    drawn: np.ndarray

    def take(self, rows: np.ndarray) -> Any:
        batch = np.empty((len(rows), len(self.instance)))
        first = int(rows[0] == 0)
        batch[:first] = self.instance
        others = rows[first:] - 1
        if len(others) and others[-1] - others[0] == len(others) - 1:
            batch[first:] = self.drawn[others[0] : others[-1] + 1]
        else:
            batch[first:] = self.drawn[others]
        return self.encoding.batch(batch)
