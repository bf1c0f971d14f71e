"""Whether perturbations are enough: weights are within the tolerance, or the list of the heaviest is certain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, judge_lists
from limelight.stages.telling_rows import find_few_telling_rows

__all__ = ["Goal", "has_converged"]

_TOLERANCE = 0.05
_TOLERANCE_OF_SLOW = 0.1  # of models whose answers a user waits for


class Goal(NamedTuple):
    """What the user wants to know well enough.

    Attributes
    ----------
    tolerance : float
        How far an interval may reach to each side, as a share of the output's heaviest weight.
    certainty : float or None
        With which probability each listed component must truly be among the heaviest, and its sign be right, in place of the
        tolerance.
    is_for_slow : bool
        Whether the tolerance is the one for slow models, and not the user's.
    """

    tolerance: float
    certainty: float | None
    is_for_slow: bool = False

    @classmethod
    def of(cls, tolerance: float | None, certainty: float | None, *, is_slow: bool) -> Goal:
        """The user's tolerance, or the one that suits the model: intervals of half the width take four times the inputs."""
        if tolerance is not None:
            return cls(tolerance, certainty)
        return cls(_TOLERANCE_OF_SLOW if is_slow else _TOLERANCE, certainty, is_slow)

    def is_reached(self, sample: Sample, settings: Settings, fits: Sequence[Fit]) -> bool:
        """Whether no further perturbations are needed, as far as these can tell.

        An output that has not varied so far may vary later: a few perturbations can miss a rare event.
        """
        if not has_converged(self, sample, settings, fits, may_be_zero=[settings.is_exact] * len(fits)):
            return False
        return not any(find_few_telling_rows(sample, settings, fits, self.tolerance))


def has_converged(goal: Goal, sample: Sample, settings: Settings, fits: Sequence[Fit], may_be_zero: Iterable[bool]) -> bool:
    """Whether there is what the user asked for.

    Parameters
    ----------
    goal : Goal
        What that is.
    sample, settings
        What the surrogates were fitted to, and how.
    fits : sequence of Fit
        The surrogate of each of q outputs.
    may_be_zero : iterable of bool
        For each output, whether all of its weights may be 0.
    """
    if goal.certainty is None:
        return all(_is_within(goal.tolerance, fit, is_excused) for fit, is_excused in zip(fits, may_be_zero, strict=True))
    judged = zip(judge_lists(sample, settings, fits), fits, may_be_zero, strict=True)
    # Nothing puts components of weight 0 before others, and where all may be 0, nothing needs to.
    return all(
        (((one.tops >= goal.certainty) & (fit.signs >= goal.certainty)) | (is_excused & (fit.weights == 0))).all()
        for one, fit, is_excused in judged
    )


def _is_within(tolerance: float, fit: Fit, is_excused: bool) -> bool:
    """Whether all intervals are within the tolerance, all components known, and some weight is not 0."""
    heaviest = np.abs(fit.weights).max()
    has_zero_weights = heaviest == 0 and not is_excused
    return not len(fit.unknown) and not has_zero_weights and bool((fit.half_widths <= tolerance * heaviest).all())
