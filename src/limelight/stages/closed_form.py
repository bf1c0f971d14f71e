"""The limit of an explanation in closed form, once a few answers of the model have shown that it is this model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.components import Neighbourhood, SharedRows
from limelight.stages.limit import Limit, ModelSum, find_limit
from limelight.stages.product_law import ProductLaw

__all__ = ["ClosedForm"]

_ROUNDING = 1e-6  # of the largest answer: models may compute in single precision
_PROBABILITY_ROUNDING = 2.0**-22  # of probabilities in single precision


class ClosedForm(NamedTuple):
    """A model that was read as a sum over leaves and a constant, and a law under which its moments are known.

    Attributes
    ----------
    model_sum : ModelSum
    law : ProductLaw
    kernel_width : float
    of_shared_rows : dict
        The sum for drawn rows that other instances share, of shape (m, k), once it has been worked out.
    """

    model_sum: ModelSum
    law: ProductLaw
    kernel_width: float
    of_shared_rows: dict[SharedRows, np.ndarray]

    def find_constant(
        self, neighbourhoods: Sequence[Neighbourhood], instance_answer: np.ndarray, answers: Sequence[np.ndarray]
    ) -> np.ndarray | None:
        """What the model adds to the sum, of shape (k,); None if its answers do not show the same constant throughout.

        The answers for the instance have shape (k,), and those for drawn rows (m, k).
        """
        if self.model_sum.num_outputs != len(instance_answer):
            return None
        own = instance_answer - self.model_sum.evaluate(neighbourhoods[0].inputs.take(np.array([0])))
        of_rows = [
            actual - self._evaluate(neighbourhood) for neighbourhood, actual in zip(neighbourhoods, answers, strict=True)
        ]
        constants, actual = np.concatenate([own, *of_rows]), np.concatenate([instance_answer[None], *answers])
        constant = np.median(constants, axis=0)
        is_same = np.abs(constants - constant) <= _rounding(actual, self.model_sum.link)
        return np.asarray(constant) if is_same.all() else None

    def _evaluate(self, neighbourhood: Neighbourhood) -> np.ndarray:
        """The sum for a neighbourhood's drawn rows, of shape (m, k)."""
        shared = neighbourhood.shared
        if shared is not None and shared in self.of_shared_rows:
            return self.of_shared_rows[shared]
        values = self.model_sum.evaluate(neighbourhood.inputs.take(np.arange(1, len(neighbourhood.representation))))
        if shared is not None:
            self.of_shared_rows[shared] = values
        return values

    def limit(self, outputs: Sequence[int], constant: np.ndarray) -> Limit | None:
        """The exact moments of the components and of some outputs; None if they are not known."""
        limit = find_limit(self.model_sum, self.law, self.kernel_width, outputs)
        if limit is None:
            return None
        mean = limit.outputs.mean + constant[list(outputs)]
        return limit._replace(outputs=limit.outputs._replace(mean=mean))


def _rounding(answers: np.ndarray, link: str) -> np.ndarray:
    """By how much rounding may change answers of shape (m, k), under a link."""
    rounding = np.full(answers.shape, _ROUNDING * np.abs(answers).max())
    if link == "logit":  # the derivative of the log-odds is 1 / (p (1 - p))
        rounding += _PROBABILITY_ROUNDING * (2.0 + 2.0 * np.cosh(answers))
    return rounding
