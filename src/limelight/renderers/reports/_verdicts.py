"""How far to trust the explanations of a set: how many are good, fair and poor, and the commonest reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from limelight.collection.explanations import Explanations
from limelight.renderers._numbers import format_percent
from limelight.renderers._top import Top

__all__ = ["Verdicts", "read_verdicts"]

_LEVELS = ("good", "fair", "poor")
_MOST_REASONS = 8
# What the reasons mean that are no alerts; see `Verdict.find_faults`.
_WORDS = {
    "low_fidelity": "fidelity below 0.25, or not known",
    "fair_fidelity": "fidelity below 0.7",
    "not_converged": "intervals wider than the tolerance, or a list less certain than asked for",
    "no_intervals": "no intervals",
    "uncertain_list": "some component may not be among the heaviest",
    "prior_contradicted": "the model contradicts the prior",
}


@dataclass(frozen=True)
class LevelCount:
    """How many verdicts are of a level, as a number and as a share for a bar."""

    level: str
    count: int
    share: str


@dataclass(frozen=True)
class Reason:
    """What keeps verdicts from being good: its code, what that means, and how many have it."""

    code: str
    text: str
    count: int


class Verdicts(NamedTuple):
    """The verdicts of a set: those of each level, and the commonest reasons why they are not good."""

    levels: tuple[LevelCount, ...]
    reasons: Top


def read_verdicts(explanations: Explanations, levels: Sequence[str | None]) -> Verdicts | None:
    """Count verdicts and their reasons; None where nothing was explained.

    Parameters
    ----------
    explanations : Explanations
        Of the whole set; only columns are read.
    levels : sequence of str or None
        Their `verdict_levels`.
    """
    counts = Counter(level for level in levels if level is not None)
    total = sum(counts.values())
    if not total:
        return None
    reasons = [Reason(code, _WORDS.get(code, "an alert"), count) for code, count in explanations.verdict_reasons().items()]
    rows = tuple(LevelCount(level, counts[level], format_percent(counts[level] / total)) for level in _LEVELS)
    return Verdicts(rows, Top(tuple(reasons[:_MOST_REASONS]), max(0, len(reasons) - _MOST_REASONS)))
