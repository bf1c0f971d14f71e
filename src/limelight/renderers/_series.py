"""A series as lines, and its weighted segments as rectangles, in the pixels of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limelight.renderers._cells import MOST_PICTURE_CELLS, count_cells
from limelight.renderers._names import shorten_names, show_names
from limelight.renderers._numbers import format_number
from limelight.renderers._summary import LabelSummary
from limelight.results.views import SeriesView

__all__ = ["SeriesLayout", "lay_out_series"]

_WIDTH_PIXELS = 480
_LEFT_PIXELS = 64  # for the numbers at the ends of the axis
_RIGHT_PIXELS = 4
_TOP_PIXELS = 8
_BOTTOM_PIXELS = 22
_GAP_PIXELS = 26  # between charts
_NAME_PIXELS = 14  # above a chart with a name
_ONLY_CHART_PIXELS = 150  # the height of a single channel's chart
_CHART_PIXELS = 84  # the height of each of several charts
_MOST_POINTS = 1200  # of a line; a longer series is thinned


@dataclass(frozen=True)
class Band:
    """A weighted segment: its component, its place and width, its side, its tint's strength, and the text for a pointer."""

    component: int
    x: str
    width: str
    side: str
    strength: str
    text: str


@dataclass(frozen=True)
class ChannelChart:
    """One channel: its name, whole and shortened, its lines, its bands, and the numbers at the ends of its axis."""

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
class SeriesLayout:
    """All channels, one below the other, over the same steps."""

    width: int
    height: int
    left: int
    right: int
    last: str
    charts: tuple[ChannelChart, ...]


def lay_out_series(view: SeriesView, label: LabelSummary) -> SeriesLayout:
    """Place a series' channels one below the other, with the segments' weights for a label."""
    length, count = len(view.channels[0]), len(view.channels)
    height = _ONLY_CHART_PIXELS if count == 1 else _CHART_PIXELS
    has_names = any(view.channel_names)
    names = show_names(view.channel_names) if has_names else view.channel_names
    short_names = {name: name for name in names} | shorten_names(
        [name for name in names if count_cells(name) > MOST_PICTURE_CELLS], MOST_PICTURE_CELLS
    )
    charts = []
    for channel, name in enumerate(names):
        top = _TOP_PIXELS + channel * (height + _GAP_PIXELS) + (_NAME_PIXELS if has_names else 0)
        charts.append(_lay_out_channel(view, label, channel, name, short_names[name], top, height))
    total = charts[-1].y + height + _BOTTOM_PIXELS
    return SeriesLayout(_WIDTH_PIXELS, total, _LEFT_PIXELS, _WIDTH_PIXELS - _RIGHT_PIXELS, str(length - 1), tuple(charts))


def _lay_out_channel(
    view: SeriesView, label: LabelSummary, channel: int, name: str, short_name: str, top: int, height: int
) -> ChannelChart:
    values, filling = view.channels[channel], view.filling[channel]
    low, high = min(*values, *filling), max(*values, *filling)
    bars = label.visible_by_component
    bands = []
    for segment in view.segments:
        bar = bars.get(segment.component)
        if bar is not None and channel in segment.channels:
            left, right = (_find_x(step, len(values)) for step in (segment.start, segment.stop))
            place = f"{left:.1f}", f"{right - left:.1f}"
            bands.append(Band(bar.component, *place, bar.side, label.strength(bar), f"{bar.name}: {bar.text}"))
    return ChannelChart(
        name=name,
        short_name=short_name,
        y=top,
        height=height,
        line=_write_points(values, low, high, top, height),
        filling=_write_points(filling, low, high, top, height),
        bands=tuple(bands),
        high=format_number(high),
        low=format_number(low),
    )


def _find_x(step: float, length: int) -> float:
    """The x where a step begins."""
    return _LEFT_PIXELS + (_WIDTH_PIXELS - _LEFT_PIXELS - _RIGHT_PIXELS) * step / length


def _write_points(values: Sequence[float], low: float, high: float, top: int, height: int) -> str:
    """The points of a polyline, each in the middle of its step; only the lowest and highest of each stretch if many."""
    length = len(values)
    steps: Sequence[int] = range(length)
    if length > _MOST_POINTS:
        stretches = [
            range(length * i * 2 // _MOST_POINTS, length * (i + 1) * 2 // _MOST_POINTS) for i in range(_MOST_POINTS // 2)
        ]
        ends = [sorted((min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__))) for stretch in stretches]
        steps = [step for pair in ends for step in pair]
    # Halves first: the difference of two very large floats is infinite.
    spread = high / 2 - low / 2

    def write_point(step: int) -> str:
        share = (values[step] / 2 - low / 2) / spread if spread > 0 else 0.5
        return f"{_find_x(step + 0.5, length):.1f},{top + height * (1 - share):.1f}"

    return " ".join(map(write_point, steps))
