"""A model as a sum of several sums, which have closed forms each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.stages.limit import Expectation, ModelSum
from limelight.stages.product_law import ProductLaw

__all__ = ["JoinedSum"]


class JoinedSum(ModelSum):
    """A sum of sums with the same outputs.

    Parameters
    ----------
    num_columns : int
        The number of a row's columns, d.
    parts : sequence of ModelSum
        One at least, with the same link and number of outputs.
    """

    def __init__(self, num_columns: int, parts: Sequence[ModelSum]) -> None:
        self.num_columns = num_columns
        self.link = parts[0].link
        self.num_outputs = parts[0].num_outputs
        self.is_additive = all(part.is_additive for part in parts)
        self._parts = parts

    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(sum(part.evaluate(rows) for part in self._parts))

    def suits(self, law: ProductLaw, kernel_width: float) -> bool:
        return all(part.suits(law, kernel_width) for part in self._parts)

    def expect(self, laws: Sequence[ProductLaw], kernel_width: float, outputs: Sequence[int]) -> Expectation:
        means, covariances = zip(*(part.expect(laws, kernel_width, outputs) for part in self._parts), strict=True)
        return Expectation(np.sum(means, axis=0), np.sum(covariances, axis=0))
