"""Where the rows around an instance come from: each column on its own, columns together, training rows, or the user."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._checks import user_function
from limelight._errors import ArgumentError
from limelight._seeds import fingerprint, stream
from limelight.modalities.tables._columns import Column, RowColumn, pick
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._fields import is_missing

__all__ = ["Constraint", "Joint", "Marginals", "RowSampler", "Source", "TrainingRows", "UserRows", "constrained"]

RowSampler = Callable[[int, np.random.Generator], Any]
"""From a number and a generator to as many rows, in the form of the training data."""

Constraint = Callable[[Any], Any]
"""From rows in the form of the training data to the same rows repaired, or to a boolean for each, whether it is kept."""


class Source(ABC):
    """Draws rows from points of the unit cube.

    Attributes
    ----------
    dimensions : int
        How many coordinates a point has.
    discrete : bool
        Whether a row is likely to be drawn more than once.
    """

    dimensions: int
    discrete: bool

    @abstractmethod
    def draw(self, points: np.ndarray) -> np.ndarray:
        """Rows of shape (m, d) from points of shape (m, dimensions)."""


@dataclass(frozen=True)
class Joint:
    """Columns that are drawn together, as some training row has them.

    Attributes
    ----------
    columns : tuple of int
        Their numbers.
    rows : ndarray of shape (u, k)
        The distinct values that they have together.
    shares : ndarray of shape (u,)
        How often each row is in the training data.
    states : frozenset of tuple of int
        The codes that values have together in some training row.
    """

    columns: tuple[int, ...]
    rows: np.ndarray
    shares: np.ndarray
    states: frozenset[tuple[float, ...]]

    @classmethod
    def of(cls, columns: Sequence[int], training: np.ndarray, table: Sequence[Column]) -> Joint:
        """Some columns of a table."""
        # NaN equals itself as bits.
        own = np.ascontiguousarray(training[:, list(columns)]) + 0.0
        _, first, counts = np.unique(own.view(np.uint64), axis=0, return_index=True, return_counts=True)
        codes = np.stack([table[number].code(values) for number, values in zip(columns, own[first].T, strict=True)], axis=1)
        return cls(tuple(columns), own[first], counts / counts.sum(), frozenset(map(tuple, codes.tolist())))

    def covers(self, codes: Sequence[float]) -> bool:
        """Whether some training row counts as a row with these codes does, for all columns of the table."""
        return tuple(codes[number] for number in self.columns) in self.states

    def including(self, row: np.ndarray) -> Joint:
        """With what another row has together, as often as an average state."""
        share = 1.0 / (len(self.states) + 1)
        rows = np.concatenate([self.rows, row[None, list(self.columns)]])
        return replace(self, rows=rows, shares=np.append(self.shares * (1 - share), share))

    def draw(self, points: np.ndarray) -> np.ndarray:
        """Rows of shape (m, k) from points of shape (m,)."""
        return np.asarray(self.rows[pick(self.shares, points)[0]])


class Marginals(Source):
    """Every column on its own, as in the training data, but for those that are drawn together.

    Parameters
    ----------
    columns : sequence of RowColumn
        All columns.
    joints : sequence of Joint
        Those drawn together.
    """

    def __init__(self, columns: Sequence[RowColumn], joints: Sequence[Joint] = ()) -> None:
        together = {number for joint in joints for number in joint.columns}
        self._single = [(number, column) for number, column in enumerate(columns) if number not in together]
        self._joints = tuple(joints)
        self._width = len(columns)
        self.dimensions = len(self._single) + len(self._joints)
        self.discrete = all(column.discrete for _, column in self._single)

    def draw(self, points: np.ndarray) -> np.ndarray:
        rows = np.empty((len(points), self._width))
        for (number, column), own in zip(self._single, points.T, strict=False):
            rows[:, number] = column.draw(own)
        for joint, own in zip(self._joints, points.T[len(self._single) :], strict=True):
            rows[:, joint.columns] = joint.draw(own)
        return rows


@dataclass(frozen=True)
class TrainingRows(Source):
    """The training data's own rows, each as likely as any other: what belongs together stays together."""

    rows: np.ndarray
    dimensions = 1
    discrete = True

    def draw(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(self.rows[(points[:, 0] * len(self.rows)).astype(np.intp)])


@dataclass(frozen=True)
class UserRows(Source):
    """Rows that the user's own sampler draws; points only seed its generator."""

    sampler: RowSampler
    encoding: Encoding
    dimensions = 1
    discrete = True

    def draw(self, points: np.ndarray) -> np.ndarray:
        with user_function("sampler"):
            rows = self.sampler(len(points), stream(fingerprint(points)))
        return self.encoding.numbers("sampler", rows, len(points))


def constrained(constraint: Constraint, encoding: Encoding, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are valid, and which of the given rows they come from.

    Raises
    ------
    ArgumentError
        If the constraint gives neither rows nor booleans.
    """
    with user_function("constraint"):
        answer = constraint(encoding.batch(rows.copy()))
        verdict = np.asarray(answer)  # fails where lists are of different lengths
    if verdict.ndim == 1 and (verdict.dtype != bool or len(verdict) != len(rows)):
        got = f"{verdict.dtype} of shape {verdict.shape}"
        gaps = "; what is missing is neither True nor False" if any(map(is_missing, verdict)) else ""
        raise ArgumentError(f"constraint must give {len(rows)} rows, or a boolean for each of them; got {got}{gaps}.")
    if verdict.dtype != bool or verdict.ndim != 1:
        return encoding.numbers("constraint", answer, len(rows)), np.ones(len(rows), dtype=bool)
    return rows[verdict], verdict
