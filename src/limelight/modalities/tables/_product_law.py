"""LIME's law for a row whose columns are drawn independently, weighted by the kernel: a product over the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log, nan, sqrt
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.modalities.tables._added_values import WithMissing
from limelight.modalities.tables._column_law import ColumnLaw
from limelight.modalities.tables._columns import Unbinned
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._group_law import GroupMoments
from limelight.modalities.tables._held_laws import as_numbers, find_held_law, holds_plain_numbers
from limelight.modalities.tables._rounding import Rounding
from limelight.modalities.tables._samplers import Joint
from limelight.modalities.tables._weighted_columns import (
    BinaryColumn,
    SlopeColumn,
    WeightedColumn,
    WeightedDraws,
    WithCovariance,
)
from limelight.stages.grouped_leaves import Events
from limelight.stages.product_law import ComponentMoments, ConditionMoments, Conditions, ProductLaw, ValueMoments

__all__ = ["KnownComponent", "RowLaw", "find_moments"]

_LEAST_MEAN_WEIGHT = 1e-100  # of a kernel that draws can follow
_LEAST_FACTOR = 1e-8  # of that kernel, for a component that is off: with less, its variance in a sample has too few digits
_LEAST_WIDTH = 1e-3  # of that kernel, for the same reason where columns have no bins
_LEAST_DRAWN = 1e-12  # probability of a state
_MOST_KEPT = 2**21  # moments of a column's conditions
_MOST_KEPT_STATES = 2**13


class _Ends(NamedTuple):
    """The conditions on a column, and the ends of their intervals: the distinct ones, and where each interval's are."""

    conditions: Conditions
    points: np.ndarray
    lows: np.ndarray
    highs: np.ndarray


class _OfConditions(NamedTuple):
    """The conditions on a column, and their moments for each code and kernel width that some row has had."""

    ends: _Ends
    moments: dict[tuple[float, float], WithCovariance]


class ColumnMoments:
    """What the law and the kernel make of a column: worked out once for each state that some row has.

    Parameters
    ----------
    drawn : ColumnLaw
        How values are drawn, independently of other columns'.
    field : Field
        What the column holds.
    held : ColumnLaw
        The law of what it holds of drawn values.

    Attributes
    ----------
    drawn : ColumnLaw
    field : Field
    has_states : bool
        Whether the component is on or off; otherwise it is a standardised value.
    has_plain_numbers : bool
        Whether a model gets the column's numbers as they are.
    """

    def __init__(self, drawn: ColumnLaw, field: Field, held: ColumnLaw) -> None:
        self.drawn, self.field = drawn, field
        self.has_states = held.num_states > 0
        self.has_plain_numbers = holds_plain_numbers(field)
        self._law = held
        self._forget()

    def _forget(self) -> None:
        self._weighted: dict[tuple[float, float], BinaryColumn] = {}
        self._of_conditions: WeakKeyDictionary[Conditions, _OfConditions] = WeakKeyDictionary()
        self._shares: WeakKeyDictionary[Conditions, np.ndarray] = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        forgotten = ("_weighted", "_of_conditions", "_shares")
        return {name: value for name, value in self.__dict__.items() if name not in forgotten}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def weigh(self, code: float, kernel_width: float) -> WeightedColumn:
        """The column where the row's value has this code."""
        if not self._law.num_states:  # each row has another code
            present = self._law.present if isinstance(self._law, WithMissing) else self._law
            assert isinstance(present, Unbinned)
            rounding = Rounding(as_numbers(self.field), is_whole=present.is_whole)
            return SlopeColumn(self._law, rounding, code, kernel_width)
        kept, key = self._weighted, (code, kernel_width)
        weighted = kept.get(key)
        if weighted is None:
            if len(kept) > _MOST_KEPT_STATES:
                kept = self._weighted = {}
            weighted = kept[key] = BinaryColumn(self._law, code, kernel_width)
        return weighted

    def of_conditions(
        self, conditions: Conditions, column: int, weighted: WeightedColumn, code: float, kernel_width: float
    ) -> WithCovariance:
        """The moments of all conditions on the column, whose number is given, in their order."""
        known = self._of_conditions.get(conditions)
        if known is None:
            known = self._of_conditions[conditions] = _OfConditions(_find_ends(conditions.of_column(column)), {})
        if not self._law.num_states:
            return _moments_of_conditions(weighted, known.ends)
        kept, key = known.moments, (code, kernel_width)
        moments = kept.get(key)
        if moments is None:
            if len(kept) * len(known.ends.conditions.columns) > _MOST_KEPT:
                kept.clear()
            moments = kept[key] = _moments_of_conditions(weighted, known.ends)
        return moments

    def shares_of(self, conditions: Conditions, column: int) -> np.ndarray:
        """How likely all conditions on the column, whose number is given, are met without the kernel, in their order."""
        if conditions not in self._shares:
            ends = _find_ends(conditions.of_column(column))
            up_to = self._law.shares_up_to(ends.points)
            present = ends.conditions.sum_over_intervals(up_to[ends.highs] - up_to[ends.lows])
            self._shares[conditions] = present + ends.conditions.takes_missing * self._law.share_missing()
        return self._shares[conditions]


KnownComponent = ColumnMoments | GroupMoments
"""What the law and the kernel make of a component."""


def find_moments(
    laws: Sequence[ColumnLaw], fields: Sequence[Field], joints: Sequence[Joint], known: Mapping[int, KnownComponent]
) -> dict[int, KnownComponent] | None:
    """The moments of each component, by its first column; None if those of some are not known.

    Parameters
    ----------
    laws : sequence of ColumnLaw
        How each of d columns is drawn.
    fields : sequence of Field
        What they hold.
    joints : sequence of Joint
        The columns that are drawn together instead.
    known : mapping
        The moments of other rows' components, which are taken over where the same columns are drawn in the same way.
    """
    found: dict[int, KnownComponent] = {}
    for joint in joints:
        of_columns = [fields[number] for number in joint.columns]
        held = [field.hold(values) for field, values in zip(of_columns, joint.rows.T, strict=True)]
        if not np.array_equal(np.stack(held, axis=1), joint.rows, equal_nan=True):
            return None
        before = known.get(joint.columns[0])
        found[joint.columns[0]] = before if before and before.drawn is joint else GroupMoments(joint, of_columns)
    in_joints = {number for joint in joints for number in joint.columns}
    for number, (law, field) in enumerate(zip(laws, fields, strict=True)):
        if number in in_joints:
            continue
        before = known.get(number)
        if isinstance(before, ColumnMoments) and before.drawn is law and before.field is field:
            found[number] = before
            continue
        held_law = find_held_law(law, field)
        if held_law is None:
            return None
        found[number] = ColumnMoments(law, field, held_law)
    return found


class RowLaw(ProductLaw):
    """The law for one row.

    Parameters
    ----------
    moments : mapping
        The moments of the components, by their first columns.
    columns : sequence of sequences of int
        The columns of each component: one, or a group's.
    codes : sequence of float
        The codes of the row's values.
    """

    def __init__(self, moments: Mapping[int, KnownComponent], columns: Sequence[Sequence[int]], codes: Sequence[float]) -> None:
        self._moments = [moments[numbers[0]] for numbers in columns]
        self._columns = columns
        # A group's state has a code for each of its columns.
        self._states: list[Any] = [
            codes[numbers[0]] if len(numbers) == 1 else tuple(codes[number] for number in numbers) for numbers in columns
        ]
        self._weighted: dict[float, list[Any]] = {}
        self.has_plain_numbers = all(part.has_plain_numbers for part in self._moments)
        if len(columns) < len(codes):
            self.component_of = np.empty(len(codes), dtype=np.intp)
            for component, numbers in enumerate(columns):
                self.component_of[list(numbers)] = component

    def component_moments(self, kernel_width: float) -> ComponentMoments:
        components = self._weigh(kernel_width)
        means, variances, mean_weights = np.array([(part.mean, part.variance, part.mean_weight) for part in components]).T
        return ComponentMoments(means, variances, float(mean_weights.prod()))

    def condition_moments(self, conditions: Conditions, kernel_width: float) -> ConditionMoments | None:
        parts = []
        for component, (moments, weighted, state) in enumerate(
            zip(self._moments, self._weigh(kernel_width), self._states, strict=True)
        ):
            if isinstance(moments, GroupMoments):
                assert isinstance(conditions, Events)
                first, last = np.searchsorted(conditions.columns, [component, component + 1])
                part = moments.of_events(conditions, first, last, weighted, state, kernel_width)
            elif isinstance(conditions, Events):
                first, last = np.searchsorted(conditions.columns, [component, component + 1])
                column, of_columns, pairs = (
                    self._columns[component][0],
                    conditions.of_columns,
                    conditions.first_pairs[first:last],
                )
                offset = int(np.searchsorted(of_columns.columns, column))
                of_column = moments.of_conditions(of_columns, column, weighted, state, kernel_width)
                part = WithCovariance(*(_differences(each, conditions, pairs, offset) for each in of_column))
            else:
                part = moments.of_conditions(conditions, component, weighted, state, kernel_width)
            if part is None:
                return None
            parts.append(part)
        return ConditionMoments(*map(np.concatenate, zip(*parts, strict=True)))

    def condition_shares(self, conditions: Conditions) -> np.ndarray:
        columns = [part for part in self._moments if isinstance(part, ColumnMoments)]
        assert len(columns) == len(self._columns)  # of columns that are drawn together, events are asked
        return np.concatenate([part.shares_of(conditions, column) for column, part in enumerate(columns)])

    def value_moments(self, kernel_width: float) -> ValueMoments | None:
        means, covariances = np.empty((2, sum(map(len, self._columns))))
        for moments, weighted, numbers in zip(self._moments, self._weigh(kernel_width), self._columns, strict=True):
            part = weighted.of_numbers(moments.values) if isinstance(moments, GroupMoments) else weighted.value()
            means[numbers], covariances[numbers] = part
        return ValueMoments(means, covariances)

    def effective_share(self, kernel_width: float) -> float:
        """The effective size of a large sample drawn from LIME's law and weighted by the kernel, as a share of its size.

        That is Kish's E[w]^2 / E[w^2]. The square of a kernel is the kernel of a smaller width. It is NaN where `draw` would
        leave too few digits.
        """
        least_of_states = (-2 * log(_LEAST_FACTOR)) ** -0.5 if any(part.has_states for part in self._moments) else 0.0
        if kernel_width < max(_LEAST_WIDTH, least_of_states):
            return nan
        _, variances, mean_weight = self.component_moments(kernel_width)
        if not mean_weight > _LEAST_MEAN_WEIGHT or np.isnan(variances).any():
            return nan
        return mean_weight**2 / self.component_moments(kernel_width / sqrt(2)).mean_weight

    def draw(self, points: np.ndarray, kernel_width: float, *, with_rare: bool = True) -> WeightedDraws:
        """Rows from points of shape (m, c), a coordinate for each component, by the law weighted by the kernel.

        What that law draws too seldom to be seen is drawn with a probability of 1 / (c + 4), at little cost: all components
        together take no more than a factor e off the effective size. The rows have shape (m, d), before columns round them.
        Without rare states they are drawn by that law alone.
        """
        law_weights, rows = np.ones(len(points)), np.empty((len(points), sum(map(len, self._columns))))
        least = 1 / (len(self._columns) + 4) if with_rare else _LEAST_DRAWN
        for weighted, numbers, coordinates in zip(self._weigh(kernel_width), self._columns, points.T, strict=True):
            drawn = weighted.draw(coordinates, least)
            rows[:, numbers] = drawn.values.reshape(len(points), -1)
            law_weights *= drawn.law_weights
        return WeightedDraws(rows, law_weights)

    def _weigh(self, kernel_width: float) -> list[Any]:
        """All components, weighted by the kernel."""
        if kernel_width not in self._weighted:
            self._weighted[kernel_width] = [
                moments.weigh(state, kernel_width) for moments, state in zip(self._moments, self._states, strict=True)
            ]
        return self._weighted[kernel_width]


def _find_ends(conditions: Conditions) -> _Ends:
    highs = np.maximum(conditions.lows, conditions.highs)  # a leaf that takes missing values alone has an interval without room
    points, places = np.unique(np.concatenate([conditions.lows, highs]), return_inverse=True)
    return _Ends(conditions, points, *places.reshape(2, -1))


def _differences(of_conditions: np.ndarray, events: Events, pairs: np.ndarray, offset: int) -> np.ndarray:
    """What events of a single column have, by their only pairs, of what its conditions have; the first's number is `offset`."""
    met, not_met = events.met[pairs] - offset, events.not_met[pairs]
    return np.asarray(of_conditions[met] - np.where(not_met < 0, 0.0, of_conditions[np.maximum(not_met - offset, 0)]))


def _moments_of_conditions(weighted: WeightedColumn, ends: _Ends) -> WithCovariance:
    conditions = ends.conditions
    return WithCovariance(
        *(
            conditions.sum_over_intervals(up_to[ends.highs] - up_to[ends.lows]) + conditions.takes_missing * missing
            for up_to, missing in zip(weighted.up_to(ends.points), weighted.missing(), strict=True)
        )
    )
