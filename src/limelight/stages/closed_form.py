"""The limit of an explanation in closed form, once a few answers of the model have shown that it is this model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.components import Neighbourhood
from limelight.stages.leaf_sum import LeafSum
from limelight.stages.limit import Limit, ProductLaw, find_limit

__all__ = ["ClosedForm"]

_ROUNDING = 1e-6  # of the largest answer: models may compute in single precision


class ClosedForm(NamedTuple):
    """A model that was read as a sum over leaves, and a law under which its moments are known.

    Attributes
    ----------
    leaf_sum : LeafSum
    law : ProductLaw
    kernel_width : float
    """

    leaf_sum: LeafSum
    law: ProductLaw
    kernel_width: float

    def is_of_model(
        self, neighbourhoods: Sequence[Neighbourhood], instance_answer: np.ndarray, answers: Sequence[np.ndarray]
    ) -> bool:
        """Whether the sum gives the model's answers for the instance, of shape (k,), and for drawn rows, of shape (m, k) each."""
        if self.leaf_sum.num_outputs != len(instance_answer):
            return False
        actual = np.concatenate([instance_answer[None], *answers])
        expected = np.concatenate([self._evaluate(neighbourhood) for neighbourhood in neighbourhoods])
        first = np.cumsum([0, *(len(of_rows) + 1 for of_rows in answers[:-1])])
        expected = np.delete(expected, first[1:], axis=0)  # the instance comes first in each neighbourhood
        return bool(np.abs(actual - expected).max() <= _ROUNDING * max(np.abs(actual).max(), np.abs(expected).max()))

    def _evaluate(self, neighbourhood: Neighbourhood) -> np.ndarray:
        return self.leaf_sum.evaluate(neighbourhood.inputs.take(np.arange(len(neighbourhood.representation))))

    def limit(self, outputs: Sequence[int]) -> Limit:
        """The exact moments of the components and of some outputs."""
        return find_limit(self.leaf_sum, self.law, self.kernel_width, outputs)
