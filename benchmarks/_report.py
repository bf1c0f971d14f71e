"""What was measured, as plain data; the readable table and the JSON are made from it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from math import floor, log10
from typing import Any

__all__ = ["Row", "Table", "Target", "as_json", "at_least", "at_most", "missed_targets", "print_table", "versions"]

PACKAGES = ("numpy", "scipy", "scikit-learn", "lime", "limelight")


@dataclass(frozen=True)
class Target:
    """What a ratio must reach, or stay below."""

    value: float
    is_floor: bool

    def is_met_by(self, ratio: float) -> bool:
        return ratio >= self.value if self.is_floor else ratio <= self.value

    def verdict(self, ratio: float) -> str:
        """The target beside what was measured, in words."""
        met = self.is_met_by(ratio)
        wanted = f"must {'reach >=' if self.is_floor else 'stay <='} {self.value:g}x"
        return f"{wanted}: {'reached' if met else 'MISSED,'} {_short(ratio)}x"


def at_least(value: float) -> Target:
    return Target(value, is_floor=True)


def at_most(value: float) -> Target:
    return Target(value, is_floor=False)


@dataclass(frozen=True)
class Row:
    """One comparison: its figures by column, the ratio of the two sides, and what the ratio must be."""

    case: str
    figures: dict[str, float]
    ratio: float
    target: Target | None = None


@dataclass(frozen=True)
class Table:
    """Comparisons of one kind; every row has the same columns."""

    name: str
    title: str
    ratio_of: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())


def print_table(table: Table) -> None:
    """Print aligned columns: the case, its figures, the ratio, and the target's verdict."""
    header = ["", *table.rows[0].figures, table.ratio_of, ""]
    lines = [
        [
            row.case,
            *map(_short, row.figures.values()),
            f"{_short(row.ratio)}x",
            row.target.verdict(row.ratio) if row.target else "",
        ]
        for row in table.rows
    ]
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    print(f"\n{table.title}")
    for first, *numbers, last in [header, *lines]:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)), last]
        print(("  " + "  ".join(cells)).rstrip())
    print("".join(f"  {note}\n" for note in table.notes), end="", flush=True)


def missed_targets(tables: Iterable[Table]) -> list[str]:
    return [
        f"{table.name}: {row.case}: {row.target.verdict(row.ratio)}"
        for table in tables
        for row in table.rows
        if row.target and not row.target.is_met_by(row.ratio)
    ]


def versions() -> dict[str, str]:
    """The versions that the figures belong to."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


def as_json(tables: Iterable[Table]) -> dict[str, Any]:
    """Everything that was measured, in JSON's types."""
    return {
        "versions": versions(),
        "tables": [
            {"name": table.name, "title": table.title, "ratio_of": table.ratio_of, "rows": list(map(_row_as_json, table.rows))}
            for table in tables
        ],
    }


def _row_as_json(row: Row) -> dict[str, Any]:
    facts: dict[str, Any] = {"case": row.case}
    facts |= {name: float(f"{figure:.4g}") for name, figure in (row.figures | {"ratio": row.ratio}).items()}
    if row.target:
        facts["must_be"] = {"at_least" if row.target.is_floor else "at_most": row.target.value}
        facts["met"] = row.target.is_met_by(row.ratio)
    return facts


def _short(number: float) -> str:
    """Three significant digits, without an exponent unless the number is tiny."""
    if abs(number) >= 1e-3:
        return f"{number:.{max(0, 2 - floor(log10(abs(number))))}f}"
    return f"{number:.1e}" if number else "0"
