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
    """A model that was read as a sum over leaves and a constant, and a law under which its moments are known.

    Attributes
    ----------
    leaf_sum : LeafSum
    law : ProductLaw
    kernel_width : float
    """

    leaf_sum: LeafSum
    law: ProductLaw
    kernel_width: float

    def find_constant(
        self, neighbourhoods: Sequence[Neighbourhood], instance_answer: np.ndarray, answers: Sequence[np.ndarray]
    ) -> np.ndarray | None:
        """What the model adds to the sum, of shape (k,); None if its answers do not show the same constant throughout.

        The answers for the instance have shape (k,), and those for drawn rows (m, k).
        """
        if self.leaf_sum.num_outputs != len(instance_answer):
            return None
        differences = [
            np.concatenate([instance_answer[None], of_rows]) - self._evaluate(neighbourhood)
            for neighbourhood, of_rows in zip(neighbourhoods, answers, strict=True)
        ]
        constant = differences[0][0]
        largest = max(np.abs(instance_answer).max(), *(np.abs(of_rows).max() for of_rows in answers))
        is_same = all(np.abs(of_rows - constant).max() <= _ROUNDING * largest for of_rows in differences)
        return constant if is_same else None

    def _evaluate(self, neighbourhood: Neighbourhood) -> np.ndarray:
        return self.leaf_sum.evaluate(neighbourhood.inputs.take(np.arange(len(neighbourhood.representation))))

    def limit(self, outputs: Sequence[int], constant: np.ndarray) -> Limit:
        """The exact moments of the components and of some outputs."""
        limit = find_limit(self.leaf_sum, self.law, self.kernel_width, outputs)
        mean = limit.outputs.mean + constant[list(outputs)]
        return limit._replace(outputs=limit.outputs._replace(mean=mean))
