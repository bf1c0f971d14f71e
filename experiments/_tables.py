"""What was found, as plain data, and how it is printed: the paper's figures beside ours, with standard errors."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from textwrap import wrap

import numpy as np

__all__ = ["Check", "Drawn", "Estimate", "Row", "Table", "estimate", "print_table", "summarise", "versions"]

WIDTH = 120
PACKAGES = ("numpy", "scikit-learn", "lime", "limelight")


@dataclass(frozen=True)
class Estimate:
    """A figure in percent, and its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.1f} ± {self.error:.1f}"


def estimate(shares: Iterable[float]) -> Estimate:
    """The mean of independent shares in percent, and the standard error of the mean; NaN for what cannot be known."""
    found = 100 * np.array(list(shares), dtype=float)
    value = float(found.mean()) if len(found) else np.nan
    error = float(found.std(ddof=1) / np.sqrt(len(found))) if len(found) > 1 else np.nan
    return Estimate(value, error)


@dataclass(frozen=True)
class Row:
    """One case: what was found by column, and what the paper found."""

    case: str
    found: dict[str, Estimate]
    paper: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """What a figure must reach."""

    what: str
    found: Estimate
    least: float

    @property
    def is_met(self) -> bool:
        return self.found.value >= self.least

    @property
    def is_missed(self) -> bool:
        """Below it by more than two standard errors: too few texts decide nothing."""
        return not self.is_met and not self.found.value + 2 * self.found.error >= self.least

    def __str__(self) -> str:
        verdict = "reached" if self.is_met else "MISSED" if self.is_missed else "not reached, within two standard errors"
        return f"{self.what}: must reach {self.least:.1f}: {verdict}, {self.found}"


@dataclass(frozen=True)
class Drawn:
    """How a table is drawn: the file's name, what the axes say, and whether columns are bars or the numbers of a curve."""

    name: str
    across: str
    up: str
    has_bars: bool


@dataclass(frozen=True)
class Table:
    """Cases of one experiment; a row need not have every column, unless the table is drawn."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    checks: Sequence[Check] = ()
    figure: Drawn | None = None


def print_table(table: Table) -> None:
    """Print aligned columns: each case, and under it the paper's figures where it has any."""
    columns = list(dict.fromkeys(column for row in table.rows for column in row.found))
    lines = [["", *columns]]
    for row in table.rows:
        lines.append([row.case, *(str(row.found.get(column, "")) for column in columns)])
        if row.paper:
            lines.append(["  the paper", *(f"{row.paper[column]:.1f}" if column in row.paper else "" for column in columns)])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    print(f"\n{table.title}")
    for first, *cells in lines:
        shown = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]
        print(("  " + "  ".join(shown)).rstrip())
    for paragraph in (*table.notes, *map(str, table.checks)):
        print("\n".join(wrap(paragraph, WIDTH, initial_indent="  ", subsequent_indent="    ")))
    print(end="", flush=True)


def summarise(tables: Iterable[Table]) -> str:
    """How many targets are reached, and which are not."""
    checks = [(table, check) for table in tables for check in table.checks]
    others = [f"{table.title}: {check}" for table, check in checks if not check.is_met]
    return "\n  ".join([f"{len(checks) - len(others)} of {len(checks)} targets are reached.", *others])


def versions() -> str:
    """The versions that the figures belong to."""
    found = {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}
    return ", ".join(f"{name} {number}" for name, number in found.items())
