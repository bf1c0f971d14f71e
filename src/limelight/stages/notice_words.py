"""Words that several notices share: some of many names, and what to give for more perturbations."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from limelight.stages.remedies import round_up

__all__ = ["MOST_SAMPLES", "MoreSamples", "list_some", "or_samples"]

_MOST_LISTED_NAMES = 3
MOST_SAMPLES = 1_000_000
"""More are not worth proposing."""


class MoreSamples(Enum):
    """What a user gives to have more perturbations."""

    BY_NUM_SAMPLES = "num_samples"
    BY_MAX_SAMPLES = "max_samples"
    BY_BUDGET = "budget"

    def exactly(self, number: int) -> str:
        """What to give for this number of them."""
        return f"a larger budget, for {number} inputs" if self is MoreSamples.BY_BUDGET else f"{self.value}={number}"

    def at_least(self, number: int) -> str:
        """What to give for this number of them, or more."""
        if self is MoreSamples.BY_BUDGET:
            return f"a larger budget, for {number} inputs or more"
        return f"{self.value} of at least {number}"


def list_some(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_MOST_LISTED_NAMES])
    return listed if len(names) <= _MOST_LISTED_NAMES else f"{listed} and {len(names) - _MOST_LISTED_NAMES} more"


def or_samples(more: MoreSamples, needed: float) -> str:
    """A number of perturbations as the second of two remedies, if it is one that a user would wait for."""
    return f", or {more.exactly(round_up(needed))}" if needed <= MOST_SAMPLES else ""
