"""How well the weights are settled: yes, nearly or no, for each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from limelight.results._surrogate import Surrogate
from limelight.results.equality import EqualityMixin

__all__ = ["Convergence", "Settled", "find_convergence"]

Settled = Literal["yes", "nearly", "no"]

_NEARLY = 2.0  # tolerances
_ROUNDING = 1e-9  # of an interval's ends


@dataclass(frozen=True, eq=False)
class Convergence(EqualityMixin):
    """How well the weights of one label are settled.

    A weight's reach is that of its interval to one side, away from 0, as a share of the heaviest weight.

    Attributes
    ----------
    level : {"yes", "nearly", "no"}
        That of the least settled weight. It is "no" where a component, listed or not, cannot be known.
    reach : float
        The largest reach; NaN where it is not known.
    levels : tuple of {"yes", "nearly", "no"}
        "yes" of a weight whose reach is within the tolerance, "nearly" within twice the tolerance, "no" beyond, or where it is
        not known.
    reaches : tuple of float
        The reach of each weight.
    tolerance : float
        What the explainer was given.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
    >>> print(explanation.convergence())
    yes
    """

    level: Settled
    reach: float
    levels: tuple[Settled, ...]
    reaches: tuple[float, ...]
    tolerance: float

    def __str__(self) -> str:
        """The level, and how far the widest interval reaches where that is too far."""
        if self.level == "yes" or not math.isfinite(self.reach):
            return self.level
        return f"{self.level}: within {100 * self.reach:.2g} % of the heaviest weight, not {100 * self.tolerance:.3g} %"


Convergence.__module__ = "limelight"  # where users import it from


def find_convergence(surrogate: Surrogate, tolerance: float, *, is_known: bool) -> Convergence:
    """How well the weights of a surrogate are settled.

    Parameters
    ----------
    surrogate : Surrogate
    tolerance : float
        How far a settled weight's interval may reach, as a share of the heaviest weight.
    is_known : bool
        Whether the perturbations say enough of every component.
    """
    heaviest = max(map(abs, surrogate.weights), default=0.0)
    intervals = zip(surrogate.lows, surrogate.weights, surrogate.highs, strict=True)
    reaches = tuple(_find_reach(*interval, heaviest) for interval in intervals)
    levels = tuple(_find_level(reach, tolerance) for reach in reaches)
    widest = math.nan if any(map(math.isnan, reaches)) else max(reaches, default=0.0)
    return Convergence(_find_level(widest, tolerance) if is_known else "no", widest, levels, reaches, tolerance)


def _find_reach(low: float, weight: float, high: float, heaviest: float) -> float:
    """How far an interval reaches away from 0: towards 0 it is wider where chance may have made the weight heavy."""
    half_width = high - weight if weight > 0 else weight - low
    if half_width == 0:
        return 0.0
    return half_width / heaviest if heaviest else math.nan


def _find_level(reach: float, tolerance: float) -> Settled:
    if reach <= tolerance * (1 + _ROUNDING):
        return "yes"
    return "nearly" if reach <= _NEARLY * tolerance * (1 + _ROUNDING) else "no"
