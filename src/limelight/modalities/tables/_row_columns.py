"""A table's columns as the readers of models see them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from limelight.modalities.tables._column_law import ColumnLaw, list_values
from limelight.modalities.tables._columns import LARGEST_VALUE
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._frame_encoding import FrameEncoding
from limelight.stages.table_columns import ColumnValues, TableColumns

__all__ = ["RowColumns"]


class RowColumns(TableColumns):
    """The columns of some rows.

    Parameters
    ----------
    encoding : Encoding
        How a model gets the rows.
    laws : sequence of ColumnLaw
        How each column is drawn.
    """

    def __init__(self, encoding: Encoding, laws: Sequence[ColumnLaw]) -> None:
        self.names = encoding.names if isinstance(encoding, FrameEncoding) else None
        self._encoding = encoding
        self._laws = laws

    def values(self) -> list[ColumnValues] | None:
        return self._values

    @cached_property
    def _values(self) -> list[ColumnValues] | None:
        ends = self._encoding.hold(np.array([-LARGEST_VALUE, LARGEST_VALUE])[:, None].repeat(len(self._laws), axis=1))
        values = []
        for law, (least, greatest) in zip(self._laws, ends.T.tolist(), strict=True):
            drawn = law.drawn_values()
            if drawn is None:
                return None
            if drawn.listed is None:
                low, high = max(drawn.low, least), min(drawn.high, greatest)
                drawn = list_values(low, high, is_whole=drawn.is_whole)._replace(missing=drawn.missing)
            values.append(drawn)
        return values

    def batch(self, rows: np.ndarray) -> Any:
        return self._encoding.make_batch(self._encoding.hold(rows.copy()))

    def is_like(self, other: TableColumns) -> bool:
        if not isinstance(other, RowColumns) or self._encoding is not other._encoding:
            return False
        if self._laws is other._laws:
            return True
        if self._values is None or other._values is None:
            return False
        return all(own.is_like(its) for own, its in zip(self._values, other._values, strict=True))
