"""SVG files: a series or a drawing, once for each label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from limelight.renderers._drawing import Sheet, lay_out_drawing, prepare_canvas
from limelight.renderers._series import SeriesLayout, lay_out_series
from limelight.renderers._summary import LabelSummary
from limelight.renderers._templates import fill_template
from limelight.results.views import DrawingView, SeriesView, View

__all__ = ["SVG_KINDS", "make_svg"]

_LEAST_WIDTH_PIXELS = 480  # has room for a heading
_XML_REPLACEMENTS = dict.fromkeys((0xFFFE, 0xFFFF), 0xFFFD)


class _Layout(NamedTuple):
    """How a kind of view is laid out for each label, and the template of its SVG file."""

    lay_out: Callable[[Any, Sequence[LabelSummary]], list[Any]]
    template: str


def _lay_out_drawings(view: DrawingView, labels: Sequence[LabelSummary]) -> list[Sheet]:
    canvas = prepare_canvas(view)
    return [lay_out_drawing(canvas, label) for label in labels]


def _lay_out_series(view: SeriesView, labels: Sequence[LabelSummary]) -> list[SeriesLayout]:
    return [lay_out_series(view, label) for label in labels]


_LAYOUTS = {
    DrawingView.kind: _Layout(_lay_out_drawings, "drawing.svg"),
    SeriesView.kind: _Layout(_lay_out_series, "series.svg"),
}
SVG_KINDS = tuple(_LAYOUTS)


def make_svg(kind: str, view: View, labels: Sequence[LabelSummary], *, heading_pixels: int = 0) -> str:
    """The contents of an SVG file, one label below the other.

    Parameters
    ----------
    kind : str
        One of `SVG_KINDS`.
    view : DrawingView or SeriesView
        The view to draw.
    labels : sequence of LabelSummary
        The labels whose weights tint it.
    heading_pixels : int, default 0
        The height of the heading above each label's drawing; 0 for no heading.
    """
    layout = _LAYOUTS[kind]
    drawings = layout.lay_out(view, labels)
    tops = [sum(before.height + heading_pixels for before in drawings[:i]) for i in range(len(drawings))]
    svg = fill_template(
        layout.template,
        labels=list(zip(labels, drawings, tops, strict=True)),
        width=max(drawings[0].width, _LEAST_WIDTH_PIXELS if heading_pixels else 0),
        height=tops[-1] + drawings[-1].height + heading_pixels,
        heading=heading_pixels,
    )
    return svg.translate(_XML_REPLACEMENTS)
