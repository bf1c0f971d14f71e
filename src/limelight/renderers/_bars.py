"""Components with their weights as bars on one axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from limelight.renderers._numbers import format_number, format_percent

__all__ = ["Bar", "BarChart", "Bars", "lay_out_bars", "make_bar"]

_BLOCKS = {"pos": "\N{FULL BLOCK}", "neg": "\N{LIGHT SHADE}"}
_MOST_BLOCKS = 20  # as long as the axis
_LEAST_VISIBLE_SHARE = 0.005  # of the heaviest weight


class Bar(NamedTuple):
    """A reported component: `low` and `high` are None, and `interval` is empty, if there is no interval."""

    component: int
    name: str
    weight: float
    low: float | None
    high: float | None
    text: str
    interval: str

    @property
    def side(self) -> str:
        """The style sheet's class: ``pos`` for the output, or ``neg`` against it."""
        return "neg" if self.weight < 0 else "pos"


def make_bar(
    component: int, name: str, weight: float, low: float, high: float, decimals: int | None, *, is_signed: bool = True
) -> Bar:
    """Make a bar and write its numbers; an interval that is not finite is left out."""
    text = format_number(weight, is_signed=is_signed, decimals=decimals)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Bar(component, name, weight, None, None, text, "")
    ends = (format_number(end, is_signed=is_signed, decimals=decimals) for end in (low, high))
    return Bar(component, name, weight, low, high, text, f"[{', '.join(ends)}]")


@dataclass(frozen=True)
class Bars:
    """Bars on one axis, which holds zero, every weight and every interval."""

    bars: tuple[Bar, ...]

    @cached_property
    def heaviest(self) -> float:
        """The largest absolute weight."""
        return max((abs(bar.weight) for bar in self.bars), default=0.0)

    @cached_property
    def axis(self) -> tuple[float, float]:
        """The ends of the axis."""
        ends = (end for bar in self.bars for end in (bar.weight, bar.low, bar.high) if end is not None and math.isfinite(end))
        all_ends = [0.0, *ends]
        return min(all_ends), max(all_ends)

    @property
    def visible_bars(self) -> tuple[Bar, ...]:
        """The bars that are heavy enough to be seen in a picture."""
        return tuple(bar for bar in self.bars if abs(bar.weight) >= _LEAST_VISIBLE_SHARE * self.heaviest > 0)

    @property
    def visible_by_component(self) -> dict[int, Bar]:
        """The visible bars by their components' numbers."""
        return {bar.component: bar for bar in self.visible_bars}

    @property
    def has_intervals(self) -> bool:
        """Whether any component has an interval."""
        return any(bar.interval for bar in self.bars)

    def strength(self, bar: Bar) -> str:
        """A bar's size as a share of the heaviest, from 0 to 1, for a style attribute."""
        return f"{abs(bar.weight) / (self.heaviest or 1.0):.2f}"


class BarLine(NamedTuple):
    """A line of a chart: a bar, and its whisker if it has an interval, with lengths in per cent of the chart.

    `blocks` is the bar in characters, for hosts that remove all style.
    """

    bar: Bar
    strength: str
    start: str
    width: str
    blocks: str
    whisker_left: str
    whisker_width: str


@dataclass(frozen=True)
class BarChart:
    """Bars on an axis from their lowest value (0 %) to their highest (100 %); `zero` is where zero lies."""

    zero: str
    lines: tuple[BarLine, ...]


def lay_out_bars(bars: Bars) -> BarChart:
    """Place bars on their axis."""
    lowest, highest = bars.axis
    spread = (highest - lowest) or 1.0
    lines = []
    for bar in bars.bars:
        whisker = ("", "")
        if bar.low is not None and bar.high is not None:
            whisker = format_percent((bar.low - lowest) / spread), format_percent((bar.high - bar.low) / spread)
        share = abs(bar.weight) / spread
        start = (min(bar.weight, 0.0) - lowest) / spread
        blocks = _BLOCKS[bar.side] * round(_MOST_BLOCKS * share) if math.isfinite(share) else ""
        lines.append(BarLine(bar, bars.strength(bar), format_percent(start), format_percent(share), blocks, *whisker))
    return BarChart(format_percent(-lowest / spread), tuple(lines))
