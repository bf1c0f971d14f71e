"""A series as lines, and its weighted segments as rectangles, in the pixels of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from limelight.renderers._cells import MOST_PICTURE_CELLS, count_cells
from limelight.renderers._names import shorten_names, show_names
from limelight.renderers._numbers import format_number
from limelight.renderers._summary import LabelSummary
from limelight.results.views import SeriesView

__all__ = ["SeriesLayout", "find_runs", "lay_out_series"]

_WIDTH_PIXELS = 480
_LEFT_PIXELS = 64  # for the numbers at the ends of the axis
_RIGHT_PIXELS = 4
_TOP_PIXELS = 8
_BOTTOM_PIXELS = 22
_GAP_PIXELS = 26  # between charts
_NAME_PIXELS = 14  # above a chart with a name
_ONLY_CHART_PIXELS = 150  # the height of a single channel's chart
_CHART_PIXELS = 84  # the height of each of several charts
_LEAST_GAP_PIXELS = 1.5
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
    """One channel: its name, whole and shortened, its lines, bands and gaps, and the numbers at the ends of its axis.

    A line has several pieces if values are missing; `gaps` are the places and widths where they are.
    """

    name: str
    short_name: str
    y: int
    height: int
    lines: tuple[str, ...]
    fillings: tuple[str, ...]
    gaps: tuple[tuple[str, str, str], ...]
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

    @property
    def has_gaps(self) -> bool:
        """Whether values are missing."""
        return any(chart.gaps for chart in self.charts)


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
    known = [value for value in (*values, *filling) if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
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
        lines=_write_lines(values, low, high, top, height),
        fillings=_write_lines(filling, low, high, top, height),
        gaps=tuple(_write_gap(start, stop, len(values)) for start, stop in find_runs(values, are_missing=True)),
        bands=tuple(bands),
        high=format_number(high),
        low=format_number(low),
    )


def _find_x(step: float, length: int) -> float:
    """The x where a step begins."""
    return _LEFT_PIXELS + (_WIDTH_PIXELS - _LEFT_PIXELS - _RIGHT_PIXELS) * step / length


def find_runs(values: Sequence[float | None], *, are_missing: bool) -> list[tuple[int, int]]:
    """Where each run of missing values, or of others, starts, and where it stops: the first step after it."""
    runs, start = [], 0
    for is_missing, run in groupby(values, lambda value: value is None):
        stop = start + len(list(run))
        if is_missing == are_missing:
            runs.append((start, stop))
        start = stop
    return runs


def _write_gap(start: int, stop: int, length: int) -> tuple[str, str, str]:
    """The x and the width of a gap, which are never too narrow to see, and the text for a pointer."""
    left, right = _find_x(start, length), _find_x(stop, length)
    steps = f"step {start}" if stop - start == 1 else f"steps {start}-{stop - 1}"
    return f"{left:.1f}", f"{max(_LEAST_GAP_PIXELS, right - left):.1f}", f"{steps}: missing"


def _write_lines(values: Sequence[float | None], low: float, high: float, top: int, height: int) -> tuple[str, ...]:
    """The points of a polyline for each run of values that are not missing."""
    runs = find_runs(values, are_missing=False)
    return tuple(_write_points(values, run, low, high, top, height) for run in runs)


def _write_points(values: Sequence[Any], run: tuple[int, int], low: float, high: float, top: int, height: int) -> str:
    """The points of a polyline, each in the middle of its step; only the lowest and highest of each stretch if many.

    A single point is written as a line without a length, whose round ends can be seen.
    """
    length, (first, last) = len(values), run
    steps: Sequence[int] = range(first, last)
    if length > _MOST_POINTS:
        half = _MOST_POINTS // 2
        bounds = (
            (max(first, length * i // half), min(last, length * (i + 1) // half))
            for i in range(first * half // length, min(half, last * half // length + 1))
        )
        stretches = [range(start, stop) for start, stop in bounds if start < stop]
        ends = [sorted((min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__))) for stretch in stretches]
        steps = [step for pair in ends for step in pair]
    elif last - first == 1:
        steps = (first, first)
    # Halves first: the difference of two very large floats is infinite.
    spread = high / 2 - low / 2

    def write_point(step: int) -> str:
        share = (values[step] / 2 - low / 2) / spread if spread > 0 else 0.5
        return f"{_find_x(step + 0.5, length):.1f},{top + height * (1 - share):.1f}"

    return " ".join(map(write_point, steps))
