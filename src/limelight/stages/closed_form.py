"""The limit of an explanation in closed form, once a few answers of the model have shown that it is this model's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.components import Neighbourhood, SharedRows
from limelight.stages.limit import Limit, ModelSum
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.product_law import ProductLaw

__all__ = ["NOT_THE_SUM", "Bounds", "ClosedForm", "rounding_of"]

_ROUNDING = 1e-6  # of the largest answer: models may compute in single precision
_LEAST_WEIGHT = 1e-100  # of a kernel: below it, products have too few digits
_LEAST_WIDTH, _GREATEST_WIDTH = 1e-100, 1e100  # of a kernel: squares of others are no doubles
_PROBABILITY_ROUNDING = 2.0**-22  # of probabilities in single precision

NOT_THE_SUM = Notice(
    "not_exact",
    "The weights are estimated from perturbations: the model's answers are not those of the trees or coefficients that were "
    "read from it.",
    "information",
)


class Bounds(NamedTuple):
    """What a model may add to a sum so that its answers for some rows are right, but for rounding.

    Attributes
    ----------
    lows, highs : ndarray of shape (k,)
    """

    lows: np.ndarray
    highs: np.ndarray


class ClosedForm(NamedTuple):
    """A model that was read as a sum and a constant, and a law under which its moments are known.

    Attributes
    ----------
    model_sum : ModelSum
    law : ProductLaw
    kernel_width : float
    of_shared_rows : dict
        The bounds of the constant by drawn rows that other instances share, once they have been worked out.
    """

    model_sum: ModelSum
    law: ProductLaw
    kernel_width: float
    of_shared_rows: dict[SharedRows, tuple[np.ndarray, ...]]

    @property
    def has_limit(self) -> bool:
        """Whether the moments are known, if the model is this sum."""
        if not (self.law.has_plain_numbers or self.model_sum.knows_places):
            return False
        if not _LEAST_WIDTH < self.kernel_width < _GREATEST_WIDTH:
            return False
        _, variances, mean_weight = self.law.component_moments(self.kernel_width)
        is_precise = mean_weight > _LEAST_WEIGHT and not np.isnan(variances).any()
        return is_precise and self.model_sum.suits(self.law, self.kernel_width)

    def find_limit(
        self,
        neighbourhoods: Sequence[Neighbourhood],
        instance_answer: np.ndarray,
        answers: Sequence[np.ndarray],
        outputs: tuple[int, ...],
    ) -> Limit | None:
        """The limit of an explanation of some outputs; None if the answers are not the sum and the same constant throughout.

        The model's answers for the instance have shape (k,), and those for drawn rows (m, k).
        """
        instance = neighbourhoods[0].inputs.take(np.array([0]))
        # Some models take rows with more columns than they were fitted to, or pick their columns by name.
        if (self.model_sum.num_outputs, self.model_sum.num_columns) != (len(instance_answer), instance.shape[1]):
            return None
        bounds = [self._bound(instance, instance_answer[None])]
        bounds += map(self._bound_by_drawn_rows, neighbourhoods, answers)
        lows, highs = np.max([part.lows for part in bounds], axis=0), np.min([part.highs for part in bounds], axis=0)
        if (lows > highs).any():
            return None
        return Limit(self.model_sum, self.law, self.kernel_width, outputs, ((lows + highs) / 2)[list(outputs)])

    def _bound_by_drawn_rows(self, neighbourhood: Neighbourhood, answers: np.ndarray) -> Bounds:
        shared = neighbourhood.shared
        if shared is not None and shared in self.of_shared_rows:
            return Bounds(*self.of_shared_rows[shared])
        bounds = self._bound(neighbourhood.inputs.take(np.arange(1, len(neighbourhood.representation))), answers)
        if shared is not None:
            self.of_shared_rows[shared] = bounds
        return bounds

    def _bound(self, rows: np.ndarray, answers: np.ndarray) -> Bounds:
        margins = LINKS[self.model_sum.link](answers)
        constants, rounding = margins - self.model_sum.evaluate(rows), rounding_of(margins, self.model_sum.link)
        return Bounds((constants - rounding).max(axis=0), (constants + rounding).min(axis=0))


def rounding_of(answers: np.ndarray, link: str) -> np.ndarray:
    """By how much rounding may change answers of shape (m, k), under a link."""
    rounding = np.full(answers.shape, _ROUNDING * np.abs(answers).max())
    if link == "logit":  # the derivative of the log-odds is 1 / (p (1 - p))
        rounding += _PROBABILITY_ROUNDING * (2.0 + 2.0 * np.cosh(answers))
    return rounding
