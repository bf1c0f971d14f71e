"""What is said where a remote model's budget has ended before the perturbations were enough."""

from __future__ import annotations

from limelight.exceptions import BudgetError
from limelight.results.explanation import Notice

__all__ = ["describe_end", "describe_no_look"]


def describe_end(error: BudgetError, num_inputs: int) -> Notice:
    """The notice of an explanation that is made from what was answered before the budget ended."""
    text = f"The remote model's budget has ended, and the weights are those of the last complete look, at {num_inputs} inputs:"
    return Notice("budget_ended", f"{text} {error}")


def describe_no_look(error: BudgetError, num_samples: int | None) -> BudgetError:
    """The error where there is nothing to be explained."""
    advice = ""
    if num_samples is not None:
        advice = f' num_samples={num_samples} is a single look; with "auto" they are several, the first of which is small.'
    return BudgetError(f"the remote model's budget has ended before a first look at the perturbations: {error}{advice}")
