"""A sum over leaves of what steps make of a table's columns, as one of these columns themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.models._cells import Cells
from limelight.stages.leaf_sum import NEVER, LeafSum, Leaves
from limelight.stages.product_law import Conditions

__all__ = ["carry_leaves"]

_ALWAYS = -2  # in place of a condition's number, where all values meet it
_MOST_TRUTHS = 2**26  # booleans at a time
_MOST_TRUTHS_OF_COLUMN = 2**28


class _Ranges(NamedTuple):
    """Of some conditions, or of what leaves ask of a column: the cells from `starts` up to before `stops` meet it.

    Attributes
    ----------
    starts, stops : ndarray of int, of shape (c,)
    takes_missing : ndarray of bool, of shape (c,)
    """

    starts: np.ndarray
    stops: np.ndarray
    takes_missing: np.ndarray

    def of(self, numbers: np.ndarray) -> _Ranges:
        return _Ranges(*(array[numbers] for array in self))


class _Merged(NamedTuple):
    """What leaves ask of a column, all that one asks merged into one condition met and perhaps one not met.

    Attributes
    ----------
    met, not_met : ndarray of int, of shape (g,)
        The numbers of each leaf's conditions; `met` is `NEVER` where no value meets them, and `_ALWAYS` where all do.
    takes_missing : ndarray of bool, of shape (u,)
        Of the conditions.
    lows, highs, owners : ndarray of shape (i,)
        Their intervals.
    """

    met: np.ndarray
    not_met: np.ndarray
    takes_missing: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    owners: np.ndarray


def carry_leaves(leaf_sum: LeafSum, base: np.ndarray, all_cells: Sequence[Cells], num_columns: int) -> LeafSum | None:
    """The sum over leaves as a function of the table's columns; None if some condition is not known there.

    Parameters
    ----------
    leaf_sum : LeafSum
        A function of the steps' outputs.
    base : ndarray of shape (e,)
        The outputs of some row, as they are throughout where no column changes them.
    all_cells : sequence of Cells
        The outputs that are functions of a column, by ascending column.
    num_columns : int
        The number of the table's columns.
    """
    leaves, conditions = leaf_sum.take_apart(), leaf_sum.conditions
    place_of = np.full(len(base), -1, dtype=np.int32)  # as the leaves' numbers: there are millions
    for place, cells in enumerate(all_cells):
        place_of[cells.outputs] = place
    places = place_of[conditions.columns[leaves.met]]
    is_kept = np.ones(len(leaves.values), dtype=bool)
    is_met = np.append(conditions.are_met(base[None])[:, 0], False)  # the last one is `NEVER`
    is_constant = places < 0
    is_kept[leaves.leaves[is_constant & ~(is_met[leaves.met] & ~is_met[leaves.not_met])]] = False
    parts: list[Conditions] = []
    nothing = np.empty(0, dtype=np.int32)
    owners, met, not_met = [nothing], [nothing], [nothing]
    count = 0
    for place, cells in enumerate(all_cells):
        own = np.flatnonzero(places == place)
        if not len(own):
            continue
        starts = np.flatnonzero(np.diff(leaves.leaves[own], prepend=-1))
        numbers = leaves.leaves[own[starts]]
        merged = _merge(conditions, leaves.met[own], leaves.not_met[own], starts, cells)
        if merged is None:
            return None
        is_kept[numbers[merged.met == NEVER]] = False
        has_condition = merged.met >= 0
        owners.append(numbers[has_condition])
        met.append(merged.met[has_condition] + count)
        not_met.append(np.where(merged.not_met == NEVER, NEVER, merged.not_met + count)[has_condition])
        columns = np.full(len(merged.takes_missing), cells.column)
        parts.append(Conditions(columns, merged.takes_missing, merged.lows, merged.highs, merged.owners + count))
        count += len(columns)
    kept = _keep(Leaves(leaves.values, *map(np.concatenate, (owners, met, not_met))), is_kept)
    return LeafSum(num_columns, _join(parts), [kept], leaf_sum.link)


def _keep(leaves: Leaves, is_kept: np.ndarray) -> Leaves:
    """Some of the leaves, and what they ask in order."""
    pairs = np.flatnonzero(is_kept[leaves.leaves])
    pairs = pairs[np.argsort(leaves.leaves[pairs], kind="stable")]
    numbers = np.cumsum(is_kept) - 1
    met, not_met = leaves.met[pairs].astype(np.int32), leaves.not_met[pairs].astype(np.int32)
    return Leaves(leaves.values[is_kept], numbers[leaves.leaves[pairs]], met, not_met)


def _join(parts: Sequence[Conditions]) -> Conditions:
    nothing = np.empty(0, dtype=np.intp)
    empty = Conditions(nothing, nothing.astype(bool), np.empty(0), np.empty(0), nothing)
    names = ("columns", "takes_missing", "lows", "highs", "owners")
    return Conditions(*(np.concatenate([getattr(part, name) for part in (empty, *parts)]) for name in names))


def _select(conditions: Conditions, numbers: np.ndarray) -> Conditions:
    """Some of the conditions, by ascending numbers."""
    new_of = np.full(len(conditions.columns), -1)
    new_of[numbers] = np.arange(len(numbers))
    owners = new_of[conditions.owners]
    is_kept = owners >= 0
    return Conditions(
        conditions.columns[numbers],
        conditions.takes_missing[numbers],
        conditions.lows[is_kept],
        conditions.highs[is_kept],
        owners[is_kept],
    )


def _merge(conditions: Conditions, met: np.ndarray, not_met: np.ndarray, starts: np.ndarray, cells: Cells) -> _Merged | None:
    """Merge what leaves ask of a column; None if the cells do not tell.

    Parameters
    ----------
    conditions : Conditions
    met, not_met : ndarray of int, of shape (e,)
        What leaves ask of the column's outputs, leaf after leaf.
    starts : ndarray of int, of shape (g,)
        The first of each leaf.
    cells : Cells
    """
    is_used = np.zeros(len(conditions.columns) + 1, dtype=bool)  # the last one is `NEVER`
    is_used[met] = is_used[not_met] = True
    used = np.flatnonzero(is_used[:-1])
    number_of = np.append(np.cumsum(is_used[:-1]) - 1, NEVER).astype(np.int32)
    met, not_met = number_of[met], number_of[not_met]
    conditions = _select(conditions, used)
    ranges = _read_ranges(conditions, cells)
    merged = None if ranges is None else _merge_ranges(ranges, met, not_met, starts, cells)
    if merged is not None:
        return merged
    if len(conditions.owners) * len(cells.lows) > _MOST_TRUTHS_OF_COLUMN:
        return None
    truths = _read_truths(conditions, cells)
    return None if truths is None else _merge_truths(truths, met, not_met, starts, cells)


def _read_ranges(conditions: Conditions, cells: Cells) -> _Ranges | None:
    """The cells that meet each condition, where they are always next to each other since the outputs only rise or only fall."""
    count = len(conditions.columns)
    has_intervals = np.array_equal(conditions.owners, np.arange(count))
    if not has_intervals or not cells.missing_are_alike or not len(cells.lows):
        return None
    starts, stops, takes_missing = np.zeros((3, count + 1), dtype=np.intp)  # the last one is `NEVER`
    for place, output in enumerate(cells.outputs):
        own = np.flatnonzero(conditions.columns == output)
        if not len(own):
            continue
        found = [
            _range_of(values[:, place], conditions.lows[own], conditions.highs[own])
            for values in (cells.at_highs, cells.at_lows)
        ]
        if any(ends is None for ends in found) or not np.array_equal(*found):  # type: ignore[arg-type]
            return None
        starts[own], stops[own] = found[0]  # type: ignore[misc]
        if len(cells.missing):
            value = cells.missing[0, place]
            is_inside = (value > conditions.lows[own]) & (value <= conditions.highs[own])
            takes_missing[own] = conditions.takes_missing[own] if np.isnan(value) else is_inside
    return _Ranges(starts, stops, takes_missing.astype(bool))


def _range_of(values: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> np.ndarray | None:
    """From which value, of shape (r,), to before which one they lie in each interval; None if they neither rise nor fall."""
    steps = np.diff(values)
    if np.isnan(values).any() or not ((steps >= 0).all() or (steps <= 0).all()):
        return None
    if len(steps) and steps.min() < 0:
        start, stop = np.searchsorted(values[::-1], [lows, highs], side="right")
        return np.stack([len(values) - stop, len(values) - start])
    return np.searchsorted(values, [lows, highs], side="right")


def _merge_ranges(ranges: _Ranges, met: np.ndarray, not_met: np.ndarray, starts: np.ndarray, cells: Cells) -> _Merged | None:
    """None if what some leaf asks is not met by cells that are all next to each other."""
    asked = _leave_out(ranges.of(met), ranges.of(not_met), not_met == NEVER)
    if asked is None:
        return None
    count = len(cells.lows)
    first = np.maximum.reduceat(asked.starts, starts)
    stop = np.minimum.reduceat(asked.stops, starts)
    takes_missing = np.logical_and.reduceat(asked.takes_missing, starts)
    has_no_cell = first >= stop
    is_full = (first == 0) & (stop == count) & (takes_missing | (len(cells.missing) == 0))
    # The conditions are "in one of the first cells", and the same "or missing". A missing value alone is no other value.
    stop, first = np.where(has_no_cell, count, stop), np.where(has_no_cell, count, first)
    met, not_met = stop + (count + 1) * takes_missing, first
    is_used = np.zeros(2 * count + 2, dtype=bool)
    is_used[met] = is_used[not_met] = True
    used, number_of = np.flatnonzero(is_used), (np.cumsum(is_used) - 1).astype(np.int32)
    met, not_met = number_of[met], number_of[not_met]
    met = np.where(has_no_cell & ~takes_missing, NEVER, np.where(is_full, _ALWAYS, met))
    highs = np.append(-np.inf, cells.highs)[used % (count + 1)]
    return _Merged(
        met, np.where(first == 0, NEVER, not_met), used > count, np.full(len(used), -np.inf), highs, np.arange(len(used))
    )


def _leave_out(ranges: _Ranges, narrower: _Ranges, have_none: np.ndarray) -> _Ranges | None:
    """Ranges without others that are part of them; None if two parts of one would be left."""
    starts, stops = np.maximum(ranges.starts, narrower.starts), np.minimum(ranges.stops, narrower.stops)
    have_none = have_none | (starts >= stops)
    is_first, is_last = starts == ranges.starts, stops == ranges.stops
    if not (have_none | is_first | is_last).all():
        return None
    return _Ranges(
        np.where(have_none | ~is_first, ranges.starts, stops),
        np.where(have_none | is_first, ranges.stops, starts),
        ranges.takes_missing & ~narrower.takes_missing,
    )


def _read_truths(conditions: Conditions, cells: Cells) -> np.ndarray | None:
    """Whether each cell, and in the last column a missing value, meets each condition, of shape (c, r + 1)."""
    at_highs, at_lows, missing = (
        _are_met(conditions, values, cells) for values in (cells.at_highs, cells.at_lows, cells.missing)
    )
    if not np.array_equal(at_highs, at_lows) or (missing != missing[:, :1]).any():
        return None
    return np.concatenate([at_highs, missing[:, :1] if missing.shape[1] else np.zeros((len(missing), 1), dtype=bool)], axis=1)


def _are_met(conditions: Conditions, values: np.ndarray, cells: Cells) -> np.ndarray:
    """Whether values of the column's outputs, of shape (r, k), meet each condition, of shape (c, r)."""
    places = np.searchsorted(cells.outputs, conditions.columns)
    own = np.ascontiguousarray(values.T)[places]
    of_intervals = own[conditions.owners]
    is_inside = (of_intervals > conditions.lows[:, None]) & (of_intervals <= conditions.highs[:, None])
    firsts = np.searchsorted(conditions.owners, np.arange(len(places)))
    are_inside = np.logical_or.reduceat(is_inside, firsts, axis=0)
    return np.asarray(are_inside | (conditions.takes_missing[:, None] & np.isnan(own)))


def _merge_truths(truths: np.ndarray, met: np.ndarray, not_met: np.ndarray, starts: np.ndarray, cells: Cells) -> _Merged:
    truths = np.concatenate([truths, np.zeros((1, truths.shape[1]), dtype=bool)])  # the last one is `NEVER`
    width = truths.shape[1]
    ends = np.append(starts, len(met))
    step = max(1, _MOST_TRUTHS // width)
    known: dict[bytes, int] = {}
    numbers = np.empty(len(starts), dtype=np.int32)
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + step, side="right")) - 1)
        part = slice(ends[first], ends[last])
        merged = np.logical_and.reduceat(truths[met[part]] & ~truths[not_met[part]], starts[first:last] - ends[first], axis=0)
        packed = np.packbits(merged, axis=1)
        rows = packed.view(f"V{packed.shape[1]}").ravel().tolist()  # a tenth of the time of `np.unique`
        numbers[first:last] = [known.setdefault(row, len(known)) for row in rows]
        first = last
    packed = np.frombuffer(b"".join(known), dtype=np.uint8).reshape(len(known), -1)
    distinct = np.unpackbits(packed, axis=1, count=width).astype(bool)
    are_met, takes_missing = distinct[:, :-1], distinct[:, -1]
    is_full = are_met.all(axis=1) & (takes_missing | (len(cells.missing) == 0))
    special = np.where(is_full, _ALWAYS, np.where(distinct.any(axis=1), np.arange(len(distinct)), NEVER)).astype(np.int32)
    return _Merged(special[numbers], np.full(len(numbers), NEVER), takes_missing, *_intervals_of(are_met, cells))


def _intervals_of(are_met: np.ndarray, cells: Cells) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The intervals of the cells that meet each condition, one at least: from where they begin, to where they end, whose."""
    edges = np.diff(np.pad(are_met, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    owners, firsts = np.nonzero(edges == 1)
    _, stops = np.nonzero(edges == -1)
    lows, highs = cells.lows[firsts], cells.highs[stops - 1]
    empty = np.flatnonzero(~are_met.any(axis=1))
    owners = np.concatenate([owners, empty])
    order = np.argsort(owners, kind="stable")
    nothing = np.zeros(len(empty))
    return np.concatenate([lows, nothing])[order], np.concatenate([highs, nothing])[order], owners[order]
