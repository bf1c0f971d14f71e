"""From the nodes of trees, as arrays, to a sum over their leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.leaf_sum import LeafSum
from limelight.stages.product_law import Conditions

__all__ = ["Nodes", "before_rounding", "sum_leaves"]


class Nodes(NamedTuple):
    """The m nodes of a tree, the first of them its root.

    Attributes
    ----------
    left, right : ndarray of int, of shape (m,)
        The nodes below; negative at leaves.
    columns : ndarray of int, of shape (m,)
        The column that each node asks for.
    thresholds : ndarray of shape (m,)
        Values of at most this go left.
    missing_goes_left : ndarray of bool, of shape (m,)
    categories : mapping of int to ndarray of int
        For each node that asks for a category: those that go left. A column is asked for thresholds or for categories only.
    values : ndarray of shape (m, k)
        What each node adds to the outputs if it is a leaf.
    """

    left: np.ndarray
    right: np.ndarray
    columns: np.ndarray
    thresholds: np.ndarray
    missing_goes_left: np.ndarray
    categories: dict[int, np.ndarray]
    values: np.ndarray


class _Steps(NamedTuple):
    """The steps of all paths from the root to leaves, ordered by leaf and column: s steps, at e pairs of leaf and column.

    Attributes
    ----------
    leaves, columns, nodes : ndarray of int, of shape (s,)
    turns_left : ndarray of bool, of shape (s,)
    starts : ndarray of int, of shape (e,)
        The first step of each pair.
    """

    leaves: np.ndarray
    columns: np.ndarray
    nodes: np.ndarray
    turns_left: np.ndarray
    starts: np.ndarray

    def only(self, is_kept: np.ndarray) -> _Steps:
        """Some of the steps: all or none of a pair."""
        leaves, columns = self.leaves[is_kept], self.columns[is_kept]
        is_first = np.ones(len(leaves), dtype=bool)
        is_first[1:] = (leaves[1:] != leaves[:-1]) | (columns[1:] != columns[:-1])
        return _Steps(leaves, columns, self.nodes[is_kept], self.turns_left[is_kept], np.flatnonzero(is_first))


class _Pairs(NamedTuple):
    """Which leaf has which condition.

    Attributes
    ----------
    leaves, conditions : ndarray of int, of shape (e,)
    """

    leaves: np.ndarray
    conditions: np.ndarray


def sum_leaves(trees: Sequence[Nodes], num_columns: int, link: str) -> LeafSum:
    """The sum over the leaves of all trees, of d columns; under `link`, the model's outputs are this sum and a constant."""
    values, all_steps, num_leaves = [], [], 0
    for tree in trees:
        leaf_nodes = np.flatnonzero(tree.left < 0)
        steps = _find_steps(tree, leaf_nodes)
        all_steps.append(steps._replace(leaves=steps.leaves + num_leaves))
        values.append(tree.values[leaf_nodes])
        num_leaves += len(leaf_nodes)
    asked = {int(tree.columns[node]) for tree in trees for node in tree.categories}
    parts = [_read_thresholds(trees, [steps.only(~np.isin(steps.columns, [*asked])) for steps in all_steps])]
    parts += [_read_categories(trees, [steps.only(steps.columns == column) for steps in all_steps], column) for column in asked]
    conditions, pairs = _join(parts)
    order = np.argsort(pairs.leaves, kind="stable")
    return LeafSum(num_columns, np.concatenate(values), conditions, pairs.leaves[order], pairs.conditions[order], link)


def _find_steps(tree: Nodes, leaf_nodes: np.ndarray) -> _Steps:
    inner = np.flatnonzero(tree.left >= 0)
    parents, is_left = np.full(len(tree.left), -1), np.zeros(len(tree.left), dtype=bool)
    parents[tree.left[inner]], parents[tree.right[inner]] = inner, inner
    is_left[tree.left[inner]] = True
    # From the leaves upwards, a step of all paths at a time.
    leaves, nodes = np.arange(len(leaf_nodes)), leaf_nodes
    steps = [(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0, dtype=bool))]
    while True:
        is_below = parents[nodes] >= 0
        leaves, nodes = leaves[is_below], nodes[is_below]
        if not len(leaves):
            break
        steps.append((leaves, parents[nodes], is_left[nodes]))
        nodes = parents[nodes]
    leaves, nodes, turns_left = map(np.concatenate, zip(*steps, strict=True))
    columns = tree.columns[nodes].astype(np.intp)
    order = np.lexsort((columns, leaves))
    everything = _Steps(leaves[order], columns[order], nodes[order], turns_left[order], np.empty(0, dtype=np.intp))
    return everything.only(np.ones(len(order), dtype=bool))


def _read_thresholds(trees: Sequence[Nodes], all_steps: Sequence[_Steps]) -> tuple[Conditions, _Pairs]:
    """The conditions of columns that are asked for thresholds."""
    parts = []
    for tree, steps in zip(trees, all_steps, strict=True):
        if not len(steps.starts):
            continue
        thresholds = tree.thresholds[steps.nodes]
        takes_missing = tree.missing_goes_left[steps.nodes] == steps.turns_left
        parts.append(
            (
                steps.leaves[steps.starts],
                steps.columns[steps.starts],
                np.maximum.reduceat(np.where(steps.turns_left, -np.inf, thresholds), steps.starts),
                np.minimum.reduceat(np.where(steps.turns_left, thresholds, np.inf), steps.starts),
                np.logical_and.reduceat(takes_missing, steps.starts),
            )
        )
    if not parts:
        return _no_conditions()
    leaves, columns, lows, highs, takes_missing = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((takes_missing, highs, lows, columns))
    in_order = [array[order] for array in (columns, lows, highs, takes_missing)]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = np.any([array[1:] != array[:-1] for array in in_order], axis=0)
    numbers = np.empty(len(order), dtype=np.intp)
    numbers[order] = np.cumsum(is_new) - 1
    columns, lows, highs, takes_missing = (array[is_new] for array in in_order)
    return Conditions(columns, takes_missing, lows, highs, np.arange(len(columns))), _Pairs(leaves, numbers)


def _read_categories(trees: Sequence[Nodes], all_steps: Sequence[_Steps], column: int) -> tuple[Conditions, _Pairs]:
    """The conditions of a column that is asked for categories."""
    categories = np.unique(
        np.concatenate([own for tree in trees for node, own in tree.categories.items() if tree.columns[node] == column])
    )
    leaves, truths = [], []
    for tree, steps in zip(trees, all_steps, strict=True):
        if not len(steps.starts):
            continue
        # For each step: which categories go that way, whether all others do, and whether missing values do.
        goes_left = np.zeros((len(steps.nodes), len(categories) + 2), dtype=bool)
        for row, node in enumerate(steps.nodes.tolist()):
            goes_left[row, :-2] = np.isin(categories, tree.categories[node])
        goes_left[:, -1] = tree.missing_goes_left[steps.nodes]
        truths.append(np.logical_and.reduceat(goes_left == steps.turns_left[:, None], steps.starts))
        leaves.append(steps.leaves[steps.starts])
    distinct, numbers = np.unique(np.concatenate(truths), axis=0, return_inverse=True)
    intervals = [_intervals_of(categories, truth[:-2], takes_others=truth[-2]) for truth in distinct]
    owners = np.repeat(np.arange(len(distinct)), list(map(len, intervals)))
    lows, highs = np.concatenate(intervals).T
    conditions = Conditions(np.full(len(distinct), column), distinct[:, -1], lows, highs, owners)
    return conditions, _Pairs(np.concatenate(leaves), numbers.reshape(-1))


def _intervals_of(categories: np.ndarray, are_taken: np.ndarray, *, takes_others: bool) -> np.ndarray:
    """Intervals around the whole numbers that stand for the categories that are taken, of shape (i, 2), one at least."""
    intervals = [(category - 0.5, category + 0.5) for category in categories[are_taken].tolist()]
    if takes_others:
        ends = [-np.inf, *(end for category in categories.tolist() for end in (category - 0.5, category + 0.5)), np.inf]
        intervals += [(low, high) for low, high in zip(ends[::2], ends[1::2], strict=True) if low < high]
    return np.array(intervals or [(0.0, 0.0)], dtype=np.float64)


def _no_conditions() -> tuple[Conditions, _Pairs]:
    nothing = np.empty(0, dtype=np.intp)
    return Conditions(nothing, nothing.astype(bool), np.empty(0), np.empty(0), nothing), _Pairs(nothing, nothing)


def _join(parts: Iterable[tuple[Conditions, _Pairs]]) -> tuple[Conditions, _Pairs]:
    """All conditions, by ascending column."""
    parts = list(parts)
    first = np.cumsum([0, *(len(conditions.columns) for conditions, _ in parts)])
    columns = np.concatenate([conditions.columns for conditions, _ in parts])
    takes_missing = np.concatenate([conditions.takes_missing for conditions, _ in parts])
    lows = np.concatenate([conditions.lows for conditions, _ in parts])
    highs = np.concatenate([conditions.highs for conditions, _ in parts])
    owners = np.concatenate([start + conditions.owners for start, (conditions, _) in zip(first, parts, strict=False)])
    leaves = np.concatenate([pairs.leaves for _, pairs in parts])
    numbers = np.concatenate([start + pairs.conditions for start, (_, pairs) in zip(first, parts, strict=False)])
    order = np.argsort(columns, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    by_owner = np.argsort(rank[owners], kind="stable")
    conditions = Conditions(columns[order], takes_missing[order], lows[by_owner], highs[by_owner], rank[owners][by_owner])
    return conditions, _Pairs(leaves, rank[numbers])


def before_rounding(thresholds: np.ndarray) -> np.ndarray:
    """The greatest doubles that are at most each threshold once they are rounded to single precision."""
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
    middle = (below.astype(np.float64) + above) / 2  # exact; it is rounded to its even neighbour
    return np.where(middle.astype(np.float32) <= thresholds, middle, np.nextafter(middle, -np.inf))
