"""What a client gives with lime and with limelight, compared: the same numbers, or the same within the error of a few seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Comparison", "compare"]

_MOST_ERRORS = 2.0  # of the root mean square of all differences, in joint errors
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Comparison:
    """One thing that a client does.

    Attributes
    ----------
    client, version, case : str
        Which client, and what it did.
    difference : float
        The largest difference of mean results, as a share of the largest result.
    errors : float
        The root mean square of the differences in joint standard errors.
    seconds : tuple of float
        What the client's calls took with lime and with limelight.
    """

    client: str
    version: str
    case: str
    difference: float
    errors: float
    seconds: tuple[float, float]

    @property
    def is_same(self) -> bool:
        """Whether the results are the same, or differ by no more than chance explains."""
        return self.difference < _ROUNDING or self.errors < _MOST_ERRORS

    def as_row(self) -> str:
        """A row of a table in Markdown."""
        result = "the same numbers"
        if self.difference >= _ROUNDING:
            within = "within chance" if self.is_same else "**beyond chance**"
            result = f"{within}: {self.difference:.1%} of the largest, {self.errors:.1f} joint errors"
        seconds = ", ".join(f"{number:.2f}" for number in self.seconds)
        return f"| {self.client} | {self.version} | {self.case} | {result} | {seconds} |"


def compare(client: str, theirs: dict, ours: dict) -> list[Comparison]:
    """Compare what a client's program printed: its version, and for each case seconds and results by name for each seed."""
    comparisons = []
    for case, (their_seconds, their_runs) in theirs["cases"].items():
        our_seconds, our_runs = ours["cases"][case]
        names = sorted({name for run in (*their_runs, *our_runs) for name in run})
        expected, found = (_as_array(runs, names) for runs in (their_runs, our_runs))
        difference = found.mean(axis=0) - expected.mean(axis=0)
        variance = sum(runs.var(axis=0, ddof=1).mean() / len(runs) for runs in (expected, found))
        errors = float(np.sqrt(np.mean(difference**2) / variance)) if variance else 0.0
        largest = float(np.abs(difference).max() / np.abs(expected.mean(axis=0)).max())
        comparisons.append(Comparison(client, theirs["version"], case, largest, errors, (their_seconds, our_seconds)))
    return comparisons


def _as_array(runs: list[dict[str, float]], names: list[str]) -> np.ndarray:
    """The results of shape (seeds, names)."""
    return np.array([[run.get(name, 0.0) for name in names] for run in runs])
