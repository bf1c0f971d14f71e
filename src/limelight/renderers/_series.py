"""A series with its weighted segments as lines and rectangles, in the units of a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limelight.renderers._cells import fit
from limelight.renderers._summary import LabelSummary, number
from limelight.results.views import SeriesView

__all__ = ["Band", "Chart", "Drawing", "draw_series"]

WIDTH, LEFT, RIGHT = 480, 64, 4
TALL, FLAT = 150, 84  # a chart's height: of one channel, of several
TOP, BOTTOM, GAP = 8, 22, 26
_WIDEST_NAME = 34  # letters, were they all as wide as a W
_POINTS = 1200  # steps that are drawn one by one


@dataclass(frozen=True)
class Band:
    """A weighted segment: its component, where it begins, how wide it is, its side, how strongly it is tinted, and its text."""

    component: int
    x: str
    width: str
    side: str
    strength: str
    text: str


@dataclass(frozen=True)
class Chart:
    """One channel: its name, whole and as it fits, its lines, its bands, and the texts at the ends of its axis."""

    name: str
    short_name: str
    y: int
    height: int
    line: str
    filling: str
    bands: tuple[Band, ...]
    high: str
    low: str


@dataclass(frozen=True)
class Drawing:
    """All channels, one below the other, over the same steps."""

    width: int
    height: int
    left: int
    right: int
    last: str
    charts: tuple[Chart, ...]


def draw_series(view: SeriesView, label: LabelSummary) -> Drawing:
    """Lay a series out, its segments tinted by what they say about a label."""
    length, count = len(view.channels[0]), len(view.channels)
    height = TALL if count == 1 else FLAT
    named = any(view.channel_names)
    charts = []
    for channel, name in enumerate(view.channel_names):
        top = TOP + channel * (height + GAP) + (14 if named else 0)
        charts.append(_chart(view, label, channel, name, top, height))
    total = charts[-1].y + height + BOTTOM
    return Drawing(WIDTH, total, LEFT, WIDTH - RIGHT, str(length - 1), tuple(charts))


def _chart(view: SeriesView, label: LabelSummary, channel: int, name: str, top: int, height: int) -> Chart:
    values, filling = view.channels[channel], view.filling[channel]
    low, high = min(*values, *filling), max(*values, *filling)
    bars = {bar.component: bar for bar in label.seen}
    bands = []
    for segment in view.segments:
        bar = bars.get(segment.component)
        if bar is not None and channel in segment.channels:
            left, right = _x(segment.start, len(values)), _x(segment.stop, len(values))
            place = f"{left:.1f}", f"{right - left:.1f}"
            bands.append(Band(bar.component, *place, bar.side, label.strength(bar), f"{bar.name}: {bar.text}"))
    return Chart(
        name=name,
        short_name=fit(name, _WIDEST_NAME),
        y=top,
        height=height,
        line=_line(values, low, high, top, height),
        filling=_line(filling, low, high, top, height),
        bands=tuple(bands),
        high=number(high),
        low=number(low),
    )


def _x(step: float, length: int) -> float:
    """Where a step begins."""
    return LEFT + (WIDTH - LEFT - RIGHT) * step / length


def _line(values: Sequence[float], low: float, high: float, top: int, height: int) -> str:
    """A polyline's points, each step's in its middle; of a long series the lowest and highest of every stretch."""
    length = len(values)
    steps: Sequence[int] = range(length)
    if length > _POINTS:
        stretches = [range(length * i * 2 // _POINTS, length * (i + 1) * 2 // _POINTS) for i in range(_POINTS // 2)]
        ends = [sorted((min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__))) for stretch in stretches]
        steps = [step for pair in ends for step in pair]
    # Halves first: the difference of the two largest numbers there are is infinite.
    spread = high / 2 - low / 2

    def point(step: int) -> str:
        share = (values[step] / 2 - low / 2) / spread if spread > 0 else 0.5
        return f"{_x(step + 0.5, length):.1f},{top + height * (1 - share):.1f}"

    return " ".join(map(point, steps))
