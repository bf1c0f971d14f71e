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

__all__ = ["GREATEST_MARGIN", "NOT_THE_SUM", "Bounds", "ClosedForm", "rounding_of"]

_SINGLE_ROUNDING = 1e-6  # of the largest answer of a model that computes in single precision
_DOUBLE_ROUNDING = 1e-12  # the same in double precision
_MOST_BLUR = 0.01  # of what answers differ by: if single precision's rounding may be more, they do not tell the sum
_LEAST_WEIGHT = 1e-100  # of a kernel: below it, products have too few digits
_LEAST_WIDTH, _GREATEST_WIDTH = 1e-100, 1e100  # of a kernel: squares of others are no doubles
_PROBABILITY_ROUNDING = 2.0**-22  # of probabilities in single precision
_LEAST_TELLING = 8  # drawn rows whose margins are not clipped

GREATEST_MARGIN = float(LINKS["logit"](np.ones(1))[0]) * (1 - 1e-9)
"""The greatest log-odds that a probability can tell: beyond it, they are clipped."""

NOT_THE_SUM = Notice(
    "not_exact",
    "The weights are estimated from perturbations: the model's answers do not show that they are those of the trees or "
    "coefficients that were read from it.",
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
        bounds = [self._bound(instance, np.concatenate([instance_answer[None], answers[0]]))]
        bounds += map(self._bound_by_drawn_rows, neighbourhoods, answers)
        lows, highs = np.max([part.lows for part in bounds], axis=0), np.min([part.highs for part in bounds], axis=0)
        if not (np.isfinite(lows) & np.isfinite(highs) & (lows <= highs)).all():
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
        """The bounds by rows with the first of some answers; the others show how large answers are."""
        margins = LINKS[self.model_sum.link](answers)
        rounding = rounding_of(margins, self.model_sum.link)[: len(rows)]
        constants = margins[: len(rows)] - self.model_sum.evaluate(rows)
        lows, highs = constants - rounding, constants + rounding
        if self.model_sum.link == "logit":
            margins = margins[: len(rows)]
            is_clipped = np.abs(margins) >= GREATEST_MARGIN
            if (~is_clipped).sum(axis=0).min() < min(_LEAST_TELLING, len(rows) - 1):
                return Bounds(np.full(len(margins[0]), np.inf), np.full(len(margins[0]), -np.inf))
            # The sum itself is not clipped: it may be anything beyond.
            lows[is_clipped & (margins < 0)], highs[is_clipped & (margins > 0)] = -np.inf, np.inf
        return Bounds(lows.max(axis=0), highs.min(axis=0))


def rounding_of(margins: np.ndarray, link: str) -> np.ndarray:
    """By how much rounding may change margins of shape (m, k), which answers give under a link."""
    largest, reach = np.abs(margins).max(axis=0), np.ptp(margins, axis=0)
    single = _SINGLE_ROUNDING * largest
    if link == "logit":  # the derivative of the log-odds is 1 / (p (1 - p))
        return np.asarray(single + _PROBABILITY_ROUNDING * (2.0 + 2.0 * np.cosh(margins)))
    # Steps in front of a model in double precision may compute in single precision, too.
    double = _DOUBLE_ROUNDING * largest + _SINGLE_ROUNDING * reach
    with np.errstate(over="ignore"):
        are_single = np.array_equal(margins.astype(np.float32), margins)
    rounding = np.where(are_single & (single <= _MOST_BLUR * reach), single, double)
    return np.repeat(rounding[None], len(margins), axis=0)
