"""From the nodes of trees, as arrays, to a sum over their leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.leaf_sum import NEVER, LeafSum, Paths
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


def sum_leaves(trees: Sequence[Nodes], num_columns: int, link: str) -> LeafSum:
    """The sum over the leaves of all trees, of d columns; under `link`, the model's outputs are this sum and a constant."""
    asked = np.unique([tree.columns[node] for tree in trees for node in tree.categories]).astype(np.intp)
    cuts = _find_cuts(trees, asked, num_columns)
    values, paths, of_categories, num_leaves = [], [], [], 0
    for number, tree in enumerate(trees):
        leaf_nodes = np.flatnonzero(tree.left < 0)
        steps = _find_steps(tree, leaf_nodes)
        steps = steps._replace(leaves=steps.leaves + num_leaves)
        is_asked = np.isin(steps.columns, asked)
        of_categories.append(steps.only(is_asked))
        paths.append(cuts.read_paths(number, tree, steps.only(~is_asked) if is_asked.any() else steps))
        values.append(tree.values[leaf_nodes])
        num_leaves += len(leaf_nodes)
    parts = [cuts.conditions]
    for column in asked.tolist():
        conditions, path = _read_categories(trees, [steps.only(steps.columns == column) for steps in of_categories], column)
        paths.append(path._replace(met=path.met + sum(len(part.columns) for part in parts)))
        parts.append(conditions)
    return LeafSum(num_columns, np.concatenate(values), *_join(parts, paths), link)


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


class _Cuts:
    """The conditions "at most a threshold" of all trees, and "present", each also as "or missing".

    Parameters
    ----------
    columns, thresholds : ndarray of shape (t,)
        The distinct thresholds, by ascending column and value.
    ranks : sequence of ndarray of int, of shape (m,)
        For each tree, the number of each node's threshold.
    num_columns : int
    """

    def __init__(self, columns: np.ndarray, thresholds: np.ndarray, ranks: Sequence[np.ndarray], num_columns: int) -> None:
        self._ranks = ranks
        self._num_cuts = len(columns)
        self._num_kinds = len(columns) + num_columns
        columns = np.tile(np.concatenate([columns, np.arange(num_columns)]), 2)
        highs = np.tile(np.concatenate([thresholds, np.full(num_columns, np.inf)]), 2)
        takes_missing = np.repeat([False, True], self._num_kinds)
        owners = np.arange(len(columns))
        self.conditions = Conditions(columns, takes_missing, np.full(len(columns), -np.inf), highs, owners)

    def read_paths(self, number: int, tree: Nodes, steps: _Steps) -> Paths:
        """The paths of a tree, by its number, that these steps make."""
        if not len(steps.starts):
            return Paths(*np.empty((3, 0), dtype=np.int32))
        ranks, columns = self._ranks[number][steps.nodes], steps.columns[steps.starts]
        is_present = self._num_cuts + columns
        lows = np.maximum.reduceat(np.where(steps.turns_left, NEVER, ranks), steps.starts)
        highs = np.minimum.reduceat(np.where(steps.turns_left, ranks, self._num_cuts), steps.starts)
        takes_missing = tree.missing_goes_left[steps.nodes] == steps.turns_left
        takes_missing = np.logical_and.reduceat(takes_missing, steps.starts)
        # No number is above a threshold and at most a lower one.
        is_empty = lows >= highs
        highs = np.where((highs == self._num_cuts) | is_empty, is_present, highs)
        lows = np.where(is_empty, is_present, lows)
        met = highs + self._num_kinds * takes_missing
        return Paths(*(array.astype(np.int32) for array in (steps.leaves[steps.starts], met, lows)))


def _find_cuts(trees: Sequence[Nodes], asked: np.ndarray, num_columns: int) -> _Cuts:
    """The thresholds of all trees, but for the columns that are asked for categories."""
    nodes = [np.flatnonzero((tree.left >= 0) & ~np.isin(tree.columns, asked)) for tree in trees]
    columns = np.concatenate([tree.columns[inner] for tree, inner in zip(trees, nodes, strict=True)]).astype(np.intp)
    thresholds = np.concatenate([tree.thresholds[inner] for tree, inner in zip(trees, nodes, strict=True)])
    order = np.lexsort((thresholds, columns))
    columns, thresholds = columns[order], thresholds[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (columns[1:] != columns[:-1]) | (thresholds[1:] != thresholds[:-1])
    numbers = np.empty(len(order), dtype=np.int32)
    numbers[order] = np.cumsum(is_new) - 1
    ends = np.cumsum([len(inner) for inner in nodes])[:-1]
    ranks = []
    for tree, inner, of_tree in zip(trees, nodes, np.split(numbers, ends), strict=True):
        ranks.append(np.zeros(len(tree.left), dtype=np.int32))
        ranks[-1][inner] = of_tree
    return _Cuts(columns[is_new], thresholds[is_new], ranks, num_columns)


def _read_categories(trees: Sequence[Nodes], all_steps: Sequence[_Steps], column: int) -> tuple[Conditions, Paths]:
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
    met = numbers.reshape(-1).astype(np.int32)
    return conditions, Paths(np.concatenate(leaves), met, np.full_like(met, NEVER))


def _intervals_of(categories: np.ndarray, are_taken: np.ndarray, *, takes_others: bool) -> np.ndarray:
    """Intervals around the whole numbers that stand for the categories that are taken, of shape (i, 2), one at least."""
    intervals = [(category - 0.5, category + 0.5) for category in categories[are_taken].tolist()]
    if takes_others:
        ends = [-np.inf, *(end for category in categories.tolist() for end in (category - 0.5, category + 0.5)), np.inf]
        intervals += [(low, high) for low, high in zip(ends[::2], ends[1::2], strict=True) if low < high]
    return np.array(intervals or [(0.0, 0.0)], dtype=np.float64)


def _join(parts: Sequence[Conditions], paths: Sequence[Paths]) -> tuple[Conditions, Paths]:
    """All conditions that a leaf has, by ascending column, and all paths, by ascending leaf.

    In the paths the conditions have the numbers that they have one part after another.
    """
    leaves, met, not_met = map(np.concatenate, zip(*paths, strict=True))
    columns, takes_missing, lows, highs = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("columns", "takes_missing", "lows", "highs")
    )
    first = np.cumsum([0, *(len(part.columns) for part in parts)])
    owners = np.concatenate([start + part.owners for start, part in zip(first, parts, strict=False)])
    is_used = np.zeros(len(columns), dtype=bool)
    is_used[met] = True
    is_used[not_met[not_met != NEVER]] = True
    kept = np.flatnonzero(is_used)
    kept = kept[np.argsort(columns[kept], kind="stable")]
    numbers = np.full(len(columns) + 1, NEVER, dtype=np.int32)  # the last one is of `NEVER`
    numbers[kept] = np.arange(len(kept))
    intervals = np.flatnonzero(is_used[owners])
    intervals = intervals[np.argsort(numbers[owners[intervals]], kind="stable")]
    conditions = Conditions(columns[kept], takes_missing[kept], lows[intervals], highs[intervals], numbers[owners[intervals]])
    paths_in_order = Paths(leaves, numbers[met], numbers[not_met])
    if (np.diff(leaves) < 0).any():
        order = np.argsort(leaves, kind="stable")
        paths_in_order = Paths(*(array[order] for array in paths_in_order))
    return conditions, paths_in_order


def before_rounding(thresholds: np.ndarray) -> np.ndarray:
    """The greatest doubles that are at most each threshold once they are rounded to single precision."""
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
    middle = (below.astype(np.float64) + above) / 2  # exact; it is rounded to its even neighbour
    return np.where(middle.astype(np.float32) <= thresholds, middle, np.nextafter(middle, -np.inf))
