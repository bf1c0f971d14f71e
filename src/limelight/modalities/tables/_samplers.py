"""Where perturbed rows come from: each column on its own, groups of columns, training rows, or the user's functions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_flag, user_function
from limelight._seeds import fingerprint, stream
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.modalities.tables._added_values import Column
from limelight.modalities.tables._column_law import ColumnLaw, locate
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._missing_values import is_missing
from limelight.modalities.tables._rare_states import RareState

__all__ = [
    "Constraint",
    "Joint",
    "Marginals",
    "RowSampler",
    "Source",
    "TrainingRows",
    "UserRows",
    "apply_constraint",
    "checked_constraint",
    "checked_sampler",
]

_SAMPLERS = ("marginals", "around", "training_rows")

RowSampler = Callable[[int, np.random.Generator], Any]
"""From a number of rows and a generator to that many rows, in the form of the training data."""

Constraint = Callable[[Any], Any]
"""From rows in the form of the training data to the same rows repaired, or to a boolean for each: whether to keep it."""


def checked_sampler(sampler: str | RowSampler, sample_around_instance: bool) -> str | RowSampler:
    """The sampler that the user chooses by two arguments of the explainer.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If one of them is not allowed, or they contradict each other.
    """
    chosen = sampler if callable(sampler) else check_choice("sampler", sampler, _SAMPLERS)
    if not check_flag("sample_around_instance", sample_around_instance):
        return chosen
    if chosen not in ("marginals", "around"):
        raise ArgumentError(f"give either sample_around_instance or sampler; got sampler={chosen!r} as well.")
    return "around"


def checked_constraint(constraint: Constraint | None) -> Constraint | None:
    """The user's constraint, if there is one.

    Raises
    ------
    ArgumentTypeError
        If it is no callable.
    """
    if constraint is not None and not callable(constraint):
        raise ArgumentTypeError(f"constraint must be a callable that repairs or rejects rows; got {constraint!r}.")
    return constraint


class Source(ABC):
    """Draws rows from points of the unit cube.

    Attributes
    ----------
    dimensions : int
        How many coordinates a point has.
    is_discrete : bool
        Whether the same row is likely to be drawn again.
    joints : tuple of Joint or None
        The columns that are drawn together, if all others are drawn on their own, as their laws say.
    """

    dimensions: int
    is_discrete: bool
    joints: tuple[Joint, ...] | None = None

    @abstractmethod
    def draw(self, points: np.ndarray) -> np.ndarray:
        """Rows of shape (m, d) from points of shape (m, dimensions)."""

    def share_of(self, columns: Sequence[int], codes: Sequence[float]) -> float:  # noqa: ARG002 - of the user's rows nothing is known
        """The probability that a row's columns have these codes; NaN where they have none, or it is not known."""
        return math.nan

    def draw_in_state(self, points: np.ndarray, state: RareState) -> np.ndarray:
        """Rows of shape (m, d) from points of shape (m, dimensions), drawn as by `draw`, but all in a rare state."""
        raise NotImplementedError(f"{type(self).__name__} knows no states")


@dataclass(frozen=True)
class Joint:
    """Columns that are drawn together, as some training row has them.

    Attributes
    ----------
    columns : tuple of int
        The numbers of the k columns.
    rows : ndarray of shape (u, k)
        The distinct combinations of their values.
    shares : ndarray of shape (u,)
        The share of the training rows that have each combination.
    states : list of tuple of float
        The combination of codes that each combination of values has.
    """

    columns: tuple[int, ...]
    rows: np.ndarray
    shares: np.ndarray
    states: list[tuple[float, ...]]

    @classmethod
    def of(cls, columns: Sequence[int], training: np.ndarray, laws: Sequence[Column]) -> Joint:
        """Some columns of training data of shape (n, d), whose columns have these laws."""
        values = np.ascontiguousarray(training[:, list(columns)]) + 0.0
        # Compared as bits, NaN equals itself.
        _, first, counts = np.unique(values.view(np.uint64), axis=0, return_index=True, return_counts=True)
        rows = values[first]
        codes = np.stack([laws[number].codes_of(drawn) for number, drawn in zip(columns, rows.T, strict=True)], axis=1)
        return cls(tuple(columns), rows, counts / counts.sum(), list(map(tuple, codes.tolist())))

    @cached_property
    def shares_of_states(self) -> dict[tuple[float, ...], float]:
        """The share of the training rows that have each combination of codes."""
        shares = dict.fromkeys(self.states, 0.0)
        for state, share in zip(self.states, self.shares.tolist(), strict=True):
            shares[state] += share
        return shares

    def covers(self, codes: Sequence[float]) -> bool:
        """Whether some training row has the combination of codes that a row with these codes, one for each column, has."""
        return self._state_of(codes) in self.shares_of_states

    def with_row(self, row: np.ndarray, codes: Sequence[float]) -> Joint:
        """These columns, with another row's combination added, as often as an average state; `row` is of shape (d,)."""
        share = 1.0 / (len(self.shares_of_states) + 1)
        rows = np.concatenate([self.rows, row[None, list(self.columns)]])
        return Joint(self.columns, rows, np.append(self.shares * (1 - share), share), [*self.states, self._state_of(codes)])

    def _state_of(self, codes: Sequence[float]) -> tuple[float, ...]:
        return tuple(codes[number] for number in self.columns)

    def draw(self, points: np.ndarray) -> np.ndarray:
        """Combinations of values, of shape (m, k), from points of shape (m,)."""
        return np.asarray(self.rows[locate(self.shares, points)[0]])

    def draw_in_state(self, points: np.ndarray, state: RareState) -> np.ndarray:
        """The same, but all in a rare state."""
        is_in_state = np.array([(codes == state.codes) == state.is_own for codes in self.states])
        shares = np.where(is_in_state, self.shares, 0.0)
        return np.asarray(self.rows[locate(shares / shares.sum(), points)[0]])


class Marginals(Source):
    """Every column is drawn on its own, as in the training data, except for columns that are drawn together.

    Parameters
    ----------
    laws : sequence of ColumnLaw
        How each of the d columns is drawn.
    joints : sequence of Joint
        The columns that are drawn together.
    """

    def __init__(self, laws: Sequence[ColumnLaw], joints: Sequence[Joint] = ()) -> None:
        in_joints = {number for joint in joints for number in joint.columns}
        self._single = [(number, law) for number, law in enumerate(laws) if number not in in_joints]
        self.joints: tuple[Joint, ...] = tuple(joints)
        self._law_of = dict(self._single)
        self._coordinate_of = {number: coordinate for coordinate, (number, _) in enumerate(self._single)}
        self._joint_of = {joint.columns[0]: (len(self._single) + place, joint) for place, joint in enumerate(joints)}
        self._width = len(laws)
        self.dimensions = len(self._single) + len(self.joints)
        self.is_discrete = all(law.is_discrete for _, law in self._single)

    def draw(self, points: np.ndarray) -> np.ndarray:
        rows = np.empty((len(points), self._width))
        for (number, law), coordinates in zip(self._single, points.T, strict=False):
            rows[:, number] = law.draw(coordinates)
        for joint, coordinates in zip(self.joints, points.T[len(self._single) :], strict=True):
            rows[:, joint.columns] = joint.draw(coordinates)
        return rows

    def share_of(self, columns: Sequence[int], codes: Sequence[float]) -> float:
        first = columns[0]
        if first in self._joint_of:
            return self._joint_of[first][1].shares_of_states[tuple(codes)]
        return self._law_of[first].span_of(codes[0]).length

    def draw_in_state(self, points: np.ndarray, state: RareState) -> np.ndarray:
        rows = self.draw(points)
        rows[:, state.columns] = self.draw_columns(points, state)
        return rows

    def draw_columns(self, points: np.ndarray, state: RareState) -> np.ndarray:
        """The columns of a state alone, of shape (m, k), all in that state."""
        first = state.columns[0]
        if first in self._joint_of:
            coordinate, joint = self._joint_of[first]
            return joint.draw_in_state(points[:, coordinate], state)
        law, coordinates = self._law_of[first], points[:, self._coordinate_of[first]]
        span = law.span_of(state.codes[0])
        return law.draw(span.inside(coordinates) if state.is_own else span.outside(coordinates))[:, None]


@dataclass(frozen=True)
class TrainingRows(Source):
    """The training rows themselves, of shape (n, d), each as likely as any other: what belongs together stays together.

    Attributes
    ----------
    rows : ndarray of shape (n, d)
    codes : ndarray of shape (n, d)
        The codes of their values.
    """

    rows: np.ndarray
    codes: np.ndarray
    dimensions = 1
    is_discrete = True

    def draw(self, points: np.ndarray) -> np.ndarray:
        return _choose_rows(self.rows, points)

    def share_of(self, columns: Sequence[int], codes: Sequence[float]) -> float:
        return float(self._have(columns, codes).mean())

    def draw_in_state(self, points: np.ndarray, state: RareState) -> np.ndarray:
        return _choose_rows(self.rows[self._have(state.columns, state.codes) == state.is_own], points)

    def _have(self, columns: Sequence[int], codes: Sequence[float]) -> np.ndarray:
        """Which training rows have these codes: booleans of shape (n,)."""
        return np.asarray((self.codes[:, list(columns)] == codes).all(axis=1))


def _choose_rows(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.asarray(rows[(points[:, 0] * len(rows)).astype(np.intp)])


@dataclass(frozen=True)
class UserRows(Source):
    """Rows that the user's sampler draws; points only seed its generator."""

    sampler: RowSampler
    encoding: Encoding
    dimensions = 1
    is_discrete = True

    def draw(self, points: np.ndarray) -> np.ndarray:
        with user_function("sampler"):
            rows = self.sampler(len(points), stream(fingerprint(points)))
        return self.encoding.read_rows("sampler", rows, len(points))


def apply_constraint(constraint: Constraint, encoding: Encoding, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows that a constraint keeps or repairs.

    Parameters
    ----------
    constraint : callable
    encoding : Encoding
        How the constraint gets rows.
    rows : ndarray of shape (m, d)

    Returns
    -------
    valid : ndarray of shape (v, d)
    is_kept : ndarray of shape (m,), bool
        Which rows they come from.

    Raises
    ------
    ArgumentError
        If the constraint gives neither rows nor booleans.
    """
    batch = encoding.make_batch(rows.copy())
    with user_function("constraint"):
        answer = constraint(batch)
        array = np.asarray(answer)  # fails if it is made of lists of different lengths
    if array.ndim == 1 and (array.dtype != bool or len(array) != len(rows)):
        got = f"{array.dtype} of shape {array.shape}"
        hint = "; what is missing is neither True nor False" if any(map(is_missing, array)) else ""
        raise ArgumentError(f"constraint must give {len(rows)} rows, or a boolean for each of them; got {got}{hint}.")
    if array.dtype != bool or array.ndim != 1:
        return encoding.read_rows("constraint", answer, len(rows)), np.ones(len(rows), dtype=bool)
    return rows[array], array
