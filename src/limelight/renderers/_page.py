"""What the templates of pages are given: plain data, with the numbers that go into style attributes already written as numbers.

The templates decide the words and the structure.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from limelight.renderers._drawing import lay_out
from limelight.renderers._overlay import Overlay, draw_overlay
from limelight.renderers._pictures import encode_png, enlargement, pillow, reduced
from limelight.renderers._series import draw_series
from limelight.renderers._summary import Bar, Bars, LabelSummary, summarise
from limelight.renderers._templates import fill_template
from limelight.renderers._views import own_kind, view_to_draw
from limelight.results.explanation import Explanation
from limelight.results.views import Cell, DrawingView, ImageView, MixedView, Passage, SeriesView, TableView, TextView

__all__ = ["Chart", "chart_of", "cut_text", "page_data", "percent", "script_hash"]


class _Line(NamedTuple):
    """A line of a label's chart: a component's bar, and its whisker where it has an interval, in per cent of the chart."""

    bar: Bar
    strength: str
    width: str
    left: str
    whisker: str


@dataclass(frozen=True)
class Chart:
    """A label's components on an axis from its lowest (0 %) to its highest value (100 %); `zero` is where zero lies."""

    zero: str
    lines: tuple[_Line, ...]


def chart_of(bars: Bars) -> Chart:
    """Bars, laid out."""
    lowest, spread = bars.lowest, (bars.highest - bars.lowest) or 1.0
    lines = []
    for bar in bars.bars:
        whisker = ("", "")
        if bar.low is not None and bar.high is not None:
            whisker = percent((bar.low - lowest) / spread), percent((bar.high - bar.low) / spread)
        lines.append(_Line(bar, bars.strength(bar), percent(abs(bar.weight) / spread), *whisker))
    return Chart(percent(-lowest / spread), tuple(lines))


class _Piece(NamedTuple):
    """A stretch of the text; `bar` is None where it has no weight."""

    text: str
    bar: Bar | None
    strength: str


@dataclass(frozen=True)
class _Photo:
    """An image of a size that can be shown at once, and its file; `zoom` is how many times a small one is enlarged."""

    view: ImageView
    zoom: int
    address: str

    @property
    def width(self) -> int:
        """On the screen, in pixels."""
        return self.zoom * self.view.width


def _photo(view: ImageView) -> _Photo:
    smaller = reduced(view)
    file = encode_png(pillow().image.fromarray(smaller.picture))
    return _Photo(smaller, enlargement(view), f"data:image/png;base64,{b64encode(file).decode('ascii')}")


def _text_pieces(view: TextView, label: LabelSummary) -> list[_Piece]:
    """The whole text in order, cut where a weighted stretch begins or ends; what is too light to be seen is left unmarked."""
    marks = {bar.component: (bar, label.strength(bar)) for bar in label.seen}
    unmarked = None, ""
    return [_Piece(text, *(unmarked if own is None else marks[own])) for text, own in cut_text(view, marks)]


def cut_text(view: TextView, components: Container[int]) -> list[tuple[str, int | None]]:
    """The whole text in order, cut where a stretch of one of these components begins or ends, and whose each piece is."""
    pieces: list[tuple[str, int | None]] = []
    done = 0
    for span in sorted(span for span in view.spans if span.component in components):
        if done <= span.start < span.stop:
            pieces += (view.text[done : span.start], None), (view.text[span.start : span.stop], span.component)
            done = span.stop
    return [piece for piece in (*pieces, (view.text[done:], None)) if piece[0]]


@dataclass(frozen=True)
class _WholeRow:
    """A row's cells in their order, and the value of each component."""

    cells: tuple[Cell, ...]
    values: dict[int, str]


def _whole_row(view: TableView) -> _WholeRow:
    return _WholeRow(view.cells, view.values())


@dataclass(frozen=True)
class _MixedRow(_WholeRow):
    """And its texts."""

    texts: tuple[Passage, ...]


def _mixed_row(view: MixedView) -> _MixedRow:
    return _MixedRow(view.table.cells, view.values(), view.texts)


def _passages(row: _MixedRow, label: LabelSummary) -> list[tuple[str, list[_Piece]]]:
    return [(column, _text_pieces(text, label)) for column, text in row.texts]


def _overlay(photo: _Photo, label: LabelSummary) -> Overlay:
    return draw_overlay(photo.view, label)


# What a kind of view needs beside its components: made once, and made of that for each label. Its templates are
# `label_<kind>.html` and, for what is shown once, `before_<kind>.html` or `after_<kind>.html`.
_SHARED: dict[str, Callable[[Any], Any]] = {TableView.kind: _whole_row, MixedView.kind: _mixed_row, ImageView.kind: _photo}
_DRAWN: dict[str, Callable[[Any, LabelSummary], Any]] = {
    TextView.kind: _text_pieces,
    MixedView.kind: _passages,
    ImageView.kind: _overlay,
    SeriesView.kind: draw_series,
    DrawingView.kind: lay_out,
}


def page_data(explanation: Explanation) -> dict[str, Any]:
    """What the templates say of an explanation."""
    summary, view = summarise(explanation), view_to_draw(explanation)
    kind = own_kind(view)
    shared = _SHARED[kind](view) if kind in _SHARED else view
    draw = _DRAWN.get(kind)
    return {
        "summary": summary,
        "title": "Explanation: " + ", ".join(label.name for label in summary.labels),
        "script_hash": script_hash("limelight.js"),
        "kind": kind,
        "outputs": [(output, None if output.share is None else percent(output.share)) for output in summary.outputs],
        "labels": [(label, chart_of(label), draw and draw(shared, label)) for label in summary.labels],
        "has_bars": any(label.bars for label in summary.labels),
        "shared": shared,
    }


@cache
def script_hash(template: str) -> str:
    """A script as a Content-Security-Policy names it, so that it and no other runs."""
    script = fill_template(template).encode("utf-8")
    return f"sha256-{b64encode(sha256(script).digest()).decode('ascii')}"


def percent(share: float) -> str:
    """A share as a length for a style attribute: a plain number between 0 and 100, whatever comes."""
    return f"{100 * share if 0 <= share <= 1 else 100 * (share > 1):.1f}%"
