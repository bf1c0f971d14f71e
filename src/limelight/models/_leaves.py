"""From the nodes of trees, as arrays, to a sum over their leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from limelight.models._conditions import NumberedConditions
from limelight.models._nodes import Nodes, find_path_steps
from limelight.stages.leaf_sum import LeafSum, Leaves

__all__ = ["sum_leaves"]

_MOST_PAIRS = 2**20  # of leaves and columns in a part, so that reading takes little more memory than the result


def sum_leaves(trees: Sequence[Nodes], num_columns: int, link: str) -> LeafSum:
    """The sum over the leaves of all trees, of d columns; under `link`, the model's outputs are this sum and a constant."""
    conditions = NumberedConditions(trees, num_columns)
    return LeafSum(num_columns, conditions.conditions, _read_leaves(trees, conditions), link)


def _read_leaves(trees: Sequence[Nodes], conditions: NumberedConditions) -> Iterator[Leaves]:
    """The leaves of all trees, those of a few trees at a time."""
    part: list[Leaves] = []
    num_leaves = num_pairs = 0
    for number, tree in enumerate(trees):
        leaf_nodes = np.flatnonzero(tree.left < 0)
        steps = find_path_steps(tree, leaf_nodes)
        leaves = num_leaves + steps.leaves[steps.starts]
        part.append(Leaves(tree.values[leaf_nodes], leaves, *conditions.read(number, tree, steps)))
        num_leaves += len(leaf_nodes)
        num_pairs += len(leaves)
        if num_pairs >= _MOST_PAIRS or tree is trees[-1]:
            yield Leaves(*map(np.concatenate, zip(*part, strict=True)))
            part, num_leaves, num_pairs = [], 0, 0
