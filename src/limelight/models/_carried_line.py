"""A linear function of what steps make of a table's columns, as a sum of functions of these columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.models._cells import Cells
from limelight.stages.joined_sum import JoinedSum
from limelight.stages.leaf_sum import NEVER, LeafSum, Leaves
from limelight.stages.limit import ModelSum
from limelight.stages.linear_sum import LinearSum
from limelight.stages.product_law import Conditions

__all__ = ["carry_line"]


def carry_line(line: LinearSum, all_cells: Sequence[Cells], num_columns: int) -> ModelSum | None:
    """The linear function as one of the table's columns, but for a constant; None if it is neither steps nor straight there.

    Parameters
    ----------
    line : LinearSum
        A function of the steps' outputs.
    all_cells : sequence of Cells
        The outputs that are functions of a column, by ascending column.
    num_columns : int
        The number of the table's columns.
    """
    coefficients = np.zeros((line.num_outputs, num_columns))
    columns, takes_missing, lows, highs, values = [], [], [], [], []
    for cells in all_cells:
        own = line.coefficients[:, cells.outputs].T
        of_missing = cells.missing @ own
        if len(of_missing) and (of_missing != of_missing[0]).any():  # NaN as well
            return None
        if cells.slopes is not None and cells.offsets is not None:
            coefficients[:, cells.column] = cells.slopes @ own
            of_missing = of_missing - cells.offsets @ own  # a line counts a missing value as 0
        elif np.array_equal(cells.at_lows, cells.at_highs):
            of_cells = cells.at_highs @ own
            columns += [cells.column] * len(of_cells)
            takes_missing += [False] * len(of_cells)
            lows += cells.lows.tolist()
            highs += cells.highs.tolist()
            values += [*of_cells]
        else:
            return None
        if len(of_missing):
            columns.append(cells.column)
            takes_missing.append(True)
            lows.append(0.0)
            highs.append(0.0)
            values.append(of_missing[0])
    parts: list[ModelSum] = [LinearSum(coefficients, line.link)] if coefficients.any() or not columns else []
    if columns:
        numbers = np.arange(len(columns))
        conditions = Conditions(np.array(columns), np.array(takes_missing), np.array(lows), np.array(highs), numbers)
        leaves = Leaves(np.array(values), numbers, numbers, np.full_like(numbers, NEVER))
        parts.append(LeafSum(num_columns, conditions, [leaves], line.link))
    return parts[0] if len(parts) == 1 else JoinedSum(num_columns, parts)
