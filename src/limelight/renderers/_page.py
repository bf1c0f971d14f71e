"""The data that the templates of pages get: plain, with the numbers for style attributes already written.

The templates decide the words and the structure.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from limelight.renderers._bars import Bar, lay_out_bars
from limelight.renderers._colours import HUES, mix_with_white
from limelight.renderers._drawing import lay_out_drawing, prepare_canvas
from limelight.renderers._names import show_names
from limelight.renderers._numbers import format_percent
from limelight.renderers._overlay import Overlay, lay_out_overlay
from limelight.renderers._pictures import encode_png, find_enlargement, load_pillow, reduce_image
from limelight.renderers._series import lay_out_series
from limelight.renderers._slices import lay_out_slices, make_reel
from limelight.renderers._summary import LabelSummary, summarise
from limelight.renderers._templates import fill_template
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation
from limelight.results.views import (
    Cell,
    DrawingView,
    ImageView,
    MixedView,
    PartsView,
    Passage,
    SeriesView,
    TableView,
    TextView,
    VolumeView,
)

__all__ = ["cut_text", "hash_script", "make_page_data"]

_MOST_TINT = 0.5  # of the hue, under the heaviest word


class _TextPiece(NamedTuple):
    """A stretch of the text; `bar` is None, and `strength` and `tint` are empty, if it has no weight."""

    text: str
    bar: Bar | None = None
    strength: str = ""
    tint: str = ""


@dataclass(frozen=True)
class _Photo:
    """An image reduced to a size that fits a screen, and its file; `zoom` is the enlargement of a small one."""

    view: ImageView
    zoom: int
    address: str

    @property
    def width(self) -> int:
        """The width on the screen, in pixels."""
        return self.zoom * self.view.width


def _encode_photo(view: ImageView) -> _Photo:
    smaller = reduce_image(view)
    file = encode_png(load_pillow().image.fromarray(smaller.picture))
    return _Photo(smaller, find_enlargement(view), f"data:image/png;base64,{b64encode(file).decode('ascii')}")


def _mark_text(view: TextView, label: LabelSummary) -> list[_TextPiece]:
    """The whole text in order, cut where a visible weight's stretch begins or ends."""
    bars, pieces = label.visible_by_component, []
    for text, component in cut_text(view, bars):
        if component is None:
            pieces.append(_TextPiece(text))
            continue
        bar = bars[component]
        strength = label.strength(bar)
        tint = mix_with_white(HUES[bar.side], _MOST_TINT * float(strength))
        pieces.append(_TextPiece(text, bar, strength, tint))
    return pieces


def cut_text(view: TextView, components: Container[int]) -> list[tuple[str, int | None]]:
    """Cut a text where a stretch of one of these components begins or ends.

    Returns
    -------
    pieces : list of (str, int or None)
        The whole text in order, and for each piece its component; None for the text between.
    """
    pieces: list[tuple[str, int | None]] = []
    done = 0
    for span in sorted(span for span in view.spans if span.component in components):
        if done <= span.start < span.stop:
            pieces += (view.text[done : span.start], None), (view.text[span.start : span.stop], span.component)
            done = span.stop
    return [piece for piece in (*pieces, (view.text[done:], None)) if piece[0]]


@dataclass(frozen=True)
class _Row:
    """A row's cells in their order, and the value of each component."""

    cells: tuple[Cell, ...]
    values: dict[int, str]


def _read_row(view: TableView) -> _Row:
    return _Row(view.cells, view.values())


@dataclass(frozen=True)
class _MixedRow(_Row):
    """A row with its free texts."""

    texts: tuple[Passage, ...]


def _read_mixed_row(view: MixedView) -> _MixedRow:
    return _MixedRow(view.table.cells, view.values(), view.texts)


def _mark_passages(row: _MixedRow, label: LabelSummary) -> list[tuple[str, list[_TextPiece]]]:
    return [(column, _mark_text(text, label)) for column, text in row.texts]


def _outline_photo(photo: _Photo, label: LabelSummary) -> Overlay:
    return lay_out_overlay(photo.view, label)


# By the kind of view, functions that make the templates' data beside the components: from the view the data that all labels
# share, and from those the data of each label. The templates are `label_<kind>.html` and, for what is shown once,
# `before_<kind>.html` or `after_<kind>.html`; `style_<kind>.css` is a style sheet for pages of this kind only.
_SHARED_BY_KIND: dict[str, Callable[[Any], Any]] = {
    TableView.kind: _read_row,
    MixedView.kind: _read_mixed_row,
    ImageView.kind: _encode_photo,
    DrawingView.kind: prepare_canvas,
}
# The same where the data depend on the labels.
_SHARED_WITH_LABELS_BY_KIND: dict[str, Callable[[Any, Sequence[LabelSummary]], Any]] = {VolumeView.kind: make_reel}
_LAYOUTS_BY_KIND: dict[str, Callable[[Any, LabelSummary], Any]] = {
    TextView.kind: _mark_text,
    MixedView.kind: _mark_passages,
    ImageView.kind: _outline_photo,
    SeriesView.kind: lay_out_series,
    DrawingView.kind: lay_out_drawing,
    VolumeView.kind: lay_out_slices,
}
# The components that a page lists beside the reported ones.
_COMPONENTS_BY_KIND: dict[str, Callable[[Any], tuple[str, ...]]] = {
    PartsView.kind: lambda view: view.names,
    DrawingView.kind: lambda view: view.descriptions,
}


def make_page_data(explanation: Explanation) -> dict[str, Any]:
    """The data of an explanation's page, by the names that the templates use."""
    summary, (kind, view) = summarise(explanation), choose_view(explanation)
    shared: Any = view
    if kind in _SHARED_BY_KIND:
        shared = _SHARED_BY_KIND[kind](view)
    elif kind in _SHARED_WITH_LABELS_BY_KIND:
        shared = _SHARED_WITH_LABELS_BY_KIND[kind](view, summary.labels)
    lay_out = _LAYOUTS_BY_KIND.get(kind)
    return {
        "summary": summary,
        "link": explanation.provenance.link,
        "title": f"{_title_of(summary.id)}: " + ", ".join(label.name for label in summary.labels),
        "script_hash": hash_script("limelight.js"),
        "kind": kind,
        "outputs": [(output, None if output.share is None else format_percent(output.share)) for output in summary.outputs],
        "labels": [(label, lay_out_bars(label), lay_out and lay_out(shared, label)) for label in summary.labels],
        "has_bars": any(label.bars for label in summary.labels),
        "shared": shared,
        "component_names": show_names(_COMPONENTS_BY_KIND[kind](view)) if kind in _COMPONENTS_BY_KIND else [],
    }


def _title_of(identity: str | None) -> str:
    return "Explanation" if identity is None else f"Explanation of {identity}"


@cache
def hash_script(template: str) -> str:
    """The digest of a script, by which a Content-Security-Policy lets it run."""
    script = fill_template(template).encode("utf-8")
    return f"sha256-{b64encode(sha256(script).digest()).decode('ascii')}"
