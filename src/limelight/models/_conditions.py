"""What the nodes of trees ask, as conditions on columns, each of them once for all trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.models._nodes import Nodes, PathSteps, find_path_steps
from limelight.stages.leaf_sum import NEVER
from limelight.stages.product_law import Conditions

__all__ = ["NumberedConditions"]


class NumberedConditions:
    """All conditions of some trees, by ascending column.

    Of a column that is asked for thresholds they are "at most a threshold", for each of them, and "present"; and all the same
    with "or missing", or "present or missing" alone where no node sends missing values to the left.

    Parameters
    ----------
    trees : sequence of Nodes
    num_columns : int

    Attributes
    ----------
    conditions : Conditions
    """

    def __init__(self, trees: Sequence[Nodes], num_columns: int) -> None:
        asked = np.unique([tree.columns[node] for tree in trees for node in tree.categories]).astype(np.intp)
        self._has_categories = np.isin(np.arange(num_columns), asked)
        of_nodes, columns, thresholds = self._find_thresholds(trees)
        of_categories = {column: _read_categories(trees, column) for column in asked.tolist()}
        num_thresholds = np.bincount(columns, minlength=num_columns)
        sends_missing_left = np.zeros(num_columns, dtype=bool)
        for tree in trees:
            sends_missing_left[tree.columns[(tree.left >= 0) & tree.missing_goes_left]] = True
        # For each column: how many conditions it has, the first of them, and how far behind is the same one with "or missing".
        self._to_missing = np.where(sends_missing_left, num_thresholds + 1, 1)
        counts = np.where(num_thresholds > 0, num_thresholds + 1 + self._to_missing, 0)
        counts[asked] = [len(categories.conditions.columns) for categories in of_categories.values()]
        starts = np.cumsum(counts) - counts
        numbers = starts[columns] + np.arange(len(columns)) - np.searchsorted(columns, columns)
        self._present = starts + num_thresholds
        numbered = np.append(numbers, 0).astype(np.int32)  # nodes that ask for no threshold have place 0
        self._of_nodes = [numbered[places] for places in of_nodes]
        self._of_categories = {
            column: [(starts[column] + own).astype(np.int32) for own in categories.numbers]
            for column, categories in of_categories.items()
        }
        self.conditions = self._make(columns, thresholds, numbers, counts, starts, of_categories)

    def _find_thresholds(self, trees: Sequence[Nodes]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        """The distinct thresholds, by ascending column and value: for each tree, those of its nodes; columns and values."""
        inner = [np.flatnonzero((tree.left >= 0) & ~self._has_categories[tree.columns]) for tree in trees]
        columns = np.concatenate([tree.columns[nodes] for tree, nodes in zip(trees, inner, strict=True)]).astype(np.intp)
        thresholds = np.concatenate([tree.thresholds[nodes] for tree, nodes in zip(trees, inner, strict=True)])
        order = np.lexsort((thresholds, columns))
        columns, thresholds = columns[order], thresholds[order]
        is_new = np.ones(len(order), dtype=bool)
        is_new[1:] = (columns[1:] != columns[:-1]) | (thresholds[1:] != thresholds[:-1])
        places = np.empty(len(order), dtype=np.intp)
        places[order] = np.cumsum(is_new) - 1
        of_nodes = []
        for tree, nodes, own in zip(trees, inner, np.split(places, np.cumsum([*map(len, inner)])[:-1]), strict=True):
            of_nodes.append(np.zeros(len(tree.left), dtype=np.intp))
            of_nodes[-1][nodes] = own
        return of_nodes, columns[is_new], thresholds[is_new]

    def _make(
        self,
        columns: np.ndarray,
        thresholds: np.ndarray,
        numbers: np.ndarray,
        counts: np.ndarray,
        starts: np.ndarray,
        of_categories: dict[int, _Categories],
    ) -> Conditions:
        """The conditions: "at most" thresholds of columns, with their numbers, and those of categories."""
        takes_missing, highs = np.zeros(counts.sum(), dtype=bool), np.full(counts.sum(), np.inf)
        highs[numbers] = thresholds
        is_twice = self._to_missing[columns] > 1
        with_missing = numbers[is_twice] + self._to_missing[columns[is_twice]]
        highs[with_missing], takes_missing[with_missing] = thresholds[is_twice], True
        takes_missing[(self._present + self._to_missing)[(counts > 0) & ~self._has_categories]] = True
        all_columns = np.repeat(np.arange(len(counts)), counts)
        numeric = np.flatnonzero(~self._has_categories[all_columns])
        intervals = [(np.full(len(numeric), -np.inf), highs[numeric], numeric)]
        for column, categories in of_categories.items():
            own = categories.conditions
            takes_missing[starts[column] : starts[column] + counts[column]] = own.takes_missing
            intervals.append((own.lows, own.highs, starts[column] + own.owners))
        lows, highs, owners = map(np.concatenate, zip(*intervals, strict=True))
        order = np.argsort(owners, kind="stable")
        return Conditions(all_columns, takes_missing, lows[order], highs[order], owners[order])

    def read(self, number: int, tree: Nodes, steps: PathSteps) -> tuple[np.ndarray, np.ndarray]:
        """The conditions that are met and not met by each pair of a leaf and a column of a tree, by its number."""
        if not len(steps.starts):
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
        own, columns = self._of_nodes[number][steps.nodes], steps.columns[steps.starts]
        present = self._present[steps.columns]
        lows = np.maximum.reduceat(np.where(steps.turns_left, NEVER, own), steps.starts)
        highs = np.minimum.reduceat(np.where(steps.turns_left, own, present), steps.starts)
        takes_missing = np.logical_and.reduceat(tree.missing_goes_left[steps.nodes] == steps.turns_left, steps.starts)
        # No number is above a threshold and at most a lower one.
        is_empty = lows >= highs
        met = np.where(is_empty, self._present[columns], highs) + np.where(takes_missing, self._to_missing[columns], 0)
        not_met = np.where(is_empty, self._present[columns], lows)
        for column, of_trees in self._of_categories.items():
            met[columns == column], not_met[columns == column] = of_trees[number], NEVER
        return met.astype(np.int32), not_met.astype(np.int32)


class _Categories(NamedTuple):
    """What trees ask of a column with categories.

    Attributes
    ----------
    conditions : Conditions
    numbers : list of ndarray of int, of shape (e,)
        For each tree, which of them each of its e leaves that ask for the column has, by ascending leaf.
    """

    conditions: Conditions
    numbers: list[np.ndarray]


def _read_categories(trees: Sequence[Nodes], column: int) -> _Categories:
    categories = np.unique(
        np.concatenate([own for tree in trees for node, own in tree.categories.items() if tree.columns[node] == column]), axis=0
    )
    truths = []
    for tree in trees:
        steps = find_path_steps(tree, np.flatnonzero(tree.left < 0))
        steps = steps.only(steps.columns == column)
        # For each step: which categories go that way, whether all others do, and whether missing values do.
        goes_left = np.zeros((len(steps.nodes), len(categories) + 2), dtype=bool)
        for row, node in enumerate(steps.nodes.tolist()):
            goes_left[row, :-2] = np.isin(categories[:, 0], tree.categories[node][:, 0])
        goes_left[:, -1] = tree.missing_goes_left[steps.nodes]
        goes_there = goes_left == steps.turns_left[:, None]
        truths.append(np.logical_and.reduceat(goes_there, steps.starts) if len(steps.starts) else goes_there)
    distinct, numbers = np.unique(np.concatenate(truths), axis=0, return_inverse=True)
    intervals = [_intervals_of(categories, truth[:-2], takes_others=truth[-2]) for truth in distinct]
    owners = np.repeat(np.arange(len(distinct)), list(map(len, intervals)))
    lows, highs = np.concatenate(intervals).T
    conditions = Conditions(np.full(len(distinct), column), distinct[:, -1], lows, highs, owners)
    return _Categories(conditions, np.split(numbers.reshape(-1), np.cumsum([*map(len, truths)])[:-1]))


def _intervals_of(categories: np.ndarray, are_taken: np.ndarray, *, takes_others: bool) -> np.ndarray:
    """The intervals of the categories that are taken, and those between all categories, of shape (i, 2), one at least."""
    intervals = categories[are_taken]
    if takes_others:
        others = np.concatenate([[-np.inf], categories.ravel(), [np.inf]]).reshape(-1, 2)
        intervals = np.concatenate([intervals, others[others[:, 0] < others[:, 1]]])
    return intervals if len(intervals) else np.zeros((1, 2))
