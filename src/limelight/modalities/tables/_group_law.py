"""LIME's law for columns that are drawn together, weighted by the kernel: some training row's values, one component."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from limelight.modalities.tables._column_law import locate
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._held_laws import holds_plain_numbers
from limelight.modalities.tables._samplers import Joint
from limelight.modalities.tables._weighted_columns import WeightedDraws, WeightedStates, WithCovariance
from limelight.stages.grouped_leaves import Events

__all__ = ["GroupMoments", "WeightedGroup"]

_MOST_TRUTHS = 2**24  # at a time, whether an event happens in a combination
_MOST_KEPT_TRUTHS = 2**26  # of one group and one model
_MOST_KEPT = 2**21  # moments of a group's events


class WeightedGroup(WeightedStates):
    """What the law and the kernel make of a group for a row.

    Parameters
    ----------
    joint : Joint
        The columns that are drawn together.
    state : tuple of float
        The codes of the row's values there.
    kernel_width : float
    """

    def __init__(self, joint: Joint, state: tuple[float, ...], kernel_width: float) -> None:
        share = joint.shares_of_states[state]
        super().__init__(share, 1 - share, kernel_width)
        self._joint, self._share = joint, share
        self._is_own = is_own = np.array([codes == state for codes in joint.states])
        # The law of combinations in the row's state, and in others.
        laws = np.where(np.stack([is_own, ~is_own]), joint.shares, 0.0)
        self._laws = (laws / np.maximum(laws.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)).T

    def of_numbers(self, numbers: np.ndarray) -> WithCovariance:
        """What each combination has, of shape (t, u), under the weighted law."""
        return self.mix(*(numbers @ self._laws).T)

    def draw(self, points: np.ndarray, least: float) -> WeightedDraws:
        """Combinations of values, of shape (m, k), from points of shape (m,): as `WeightedColumn.draw`."""
        if self._is_own.all():
            return WeightedDraws(self._joint.draw(points), np.ones(len(points)))
        drawn = self.drawn_share(least)
        factors = np.where(self._is_own, drawn / self._share, (1 - drawn) / (1 - self._share))
        places = locate(self._joint.shares * factors, points)[0]
        return WeightedDraws(self._joint.rows[places], 1 / factors[places])


class GroupMoments:
    """What the law and the kernel make of a group: worked out once for each state that some row has.

    Parameters
    ----------
    joint : Joint
        The columns that are drawn together.
    fields : sequence of Field
        What they hold.

    Attributes
    ----------
    drawn : Joint
    has_states : bool
        Always: the component is on or off.
    has_plain_numbers : bool
        Whether a model gets the columns' numbers as they are.
    """

    has_states = True

    def __init__(self, joint: Joint, fields: Sequence[Field]) -> None:
        self.drawn = joint
        self.has_plain_numbers = all(map(holds_plain_numbers, fields))
        self._forget()

    def _forget(self) -> None:
        self._weighted: dict[tuple[Any, float], WeightedGroup] = {}
        self._truths: WeakKeyDictionary[Events, np.ndarray] = WeakKeyDictionary()
        self._of_events: WeakKeyDictionary[Events, dict[tuple[Any, float], WithCovariance]] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "has_plain_numbers": self.has_plain_numbers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @cached_property
    def values(self) -> np.ndarray:
        """The columns' values in each combination, of shape (k, u)."""
        return np.ascontiguousarray(self.drawn.rows.T)

    def weigh(self, state: tuple[float, ...], kernel_width: float) -> WeightedGroup:
        """The group where the row's values have these codes."""
        kept, key = self._weighted, (state, kernel_width)
        weighted = kept.get(key)
        if weighted is None:
            if len(kept) * len(self.drawn.rows) > _MOST_KEPT:
                kept = self._weighted = {}
            weighted = kept[key] = WeightedGroup(self.drawn, state, kernel_width)
        return weighted

    def of_events(
        self, events: Events, first: int, last: int, weighted: WeightedGroup, state: tuple[float, ...], kernel_width: float
    ) -> WithCovariance | None:
        """The moments of the events that are of the group, from one number up to another; None if they are too many."""
        kept, key = self._of_events.setdefault(events, {}), (state, kernel_width)
        moments = kept.get(key)
        if moments is None:
            if (last - first) * len(self.drawn.rows) > _MOST_KEPT_TRUTHS:
                return None
            if events not in self._truths:
                self._truths[events] = self._find_truths(events, first, last)
            if len(kept) * (last - first) > _MOST_KEPT:
                kept = self._of_events[events] = {}
            moments = kept[key] = self._average(weighted, self._truths[events])
        return moments

    def _average(self, weighted: WeightedGroup, truths: np.ndarray) -> WithCovariance:
        step = max(1, _MOST_TRUTHS // len(self.drawn.rows))
        parts = [weighted.of_numbers(truths[start : start + step].astype(np.float64)) for start in range(0, len(truths), step)]
        nothing = WithCovariance(np.empty(0), np.empty(0))
        return WithCovariance(*map(np.concatenate, zip(nothing, *parts, strict=True)))

    def _find_truths(self, events: Events, first: int, last: int) -> np.ndarray:
        """Whether each event happens in each combination, of shape (e, u)."""
        conditions, columns = events.of_columns, self.drawn.columns
        rows = np.zeros((len(self.drawn.rows), max(columns) + 1))
        rows[:, columns] = self.drawn.rows
        starts = np.append(events.first_pairs, len(events.met))[first : last + 1]
        pairs = slice(starts[0], starts[-1])
        distinct, places = np.unique(np.append(events.met[pairs], events.not_met[pairs]), return_inverse=True)
        met, not_met = places.reshape(2, -1)
        are_met = np.zeros((len(distinct), len(rows)), dtype=bool)  # -1 never is
        for column in columns:
            offset, end = np.searchsorted(conditions.columns, [column, column + 1])
            chosen = (distinct >= offset) & (distinct < end)
            if chosen.any():
                are_met[chosen] = conditions.of_column(column).are_met(rows)[distinct[chosen] - offset]
        truths = np.empty((last - first, len(rows)), dtype=bool)
        starts = starts - starts[0]
        step = max(1, _MOST_TRUTHS // (len(rows) * len(columns)))
        for low in range(0, last - first, step):
            high = min(low + step, last - first)
            pairs = slice(starts[low], starts[high])
            of_members = are_met[met[pairs]] & ~are_met[not_met[pairs]]
            truths[low:high] = np.logical_and.reduceat(of_members, starts[low:high] - starts[low], axis=0)
        return truths
