"""An explanation as a page or a fragment of HTML: no script, nothing loaded from anywhere, all user data escaped.

The templates decide the words and the structure; this module hands them plain data, with the numbers that go into style
attributes already written as numbers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limelight._explanation import Explanation
from limelight._views import ImageView, PartsView, SeriesView, TableView, TextView
from limelight.renderers._pictures import encode_png, image_panel, overlay_panel
from limelight.renderers._series import draw_series
from limelight.renderers._summary import Bar, LabelSummary, Output, Summary, summarise
from limelight.renderers._templates import fill_template

__all__ = ["render_fragment", "render_page"]


def render_page(explanation: Explanation) -> str:
    """Write an explanation as a whole, self-contained HTML page.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    page : str
        HTML with a strict Content-Security-Policy; it holds no character that UTF-8 cannot write.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.html import render_page
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_page(explanation).splitlines()[0]
    '<!doctype html>'
    """
    return _render("page.html", explanation)


def render_fragment(explanation: Explanation) -> str:
    """Write an explanation as a piece of HTML for a notebook or another page; its style touches nothing outside it.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    fragment : str
        A ``style`` element and one ``div`` of class ``limelight``.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.html import render_fragment
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_fragment(explanation).startswith("<style>")
    True
    """
    return _render("fragment.html", explanation)


@dataclass(frozen=True)
class _Axis:
    """Where weights lie between the left (0 %) and the right end (100 %) of a label's chart."""

    lowest: float
    highest: float

    def length(self, distance: float) -> str:
        return _percent(distance / ((self.highest - self.lowest) or 1.0))

    def position(self, weight: float) -> str:
        return self.length(weight - self.lowest)


@dataclass(frozen=True)
class _Piece:
    """A stretch of the text; `bar` is None where it has no weight."""

    text: str
    bar: Bar | None
    strength: str


@dataclass(frozen=True)
class _Row:
    """A column of the table; `bar` is None where it has no weight."""

    column: str
    value: str
    bar: Bar | None


def _text_pieces(view: TextView, label: LabelSummary) -> list[_Piece]:
    """The whole text in order, cut where a weighted stretch begins or ends; what is too light to be seen is left unmarked."""
    heaviest = label.heaviest or 1.0
    marks = {bar.component: (bar, f"{abs(bar.weight) / heaviest:.2f}") for bar in label.bars}
    marks = {component: mark for component, mark in marks.items() if mark[1] != "0.00"}
    pieces: list[_Piece] = []
    done = 0
    for span in sorted(view.spans, key=lambda span: span.start):
        if span.component in marks and span.start >= done:
            pieces.append(_Piece(view.text[done : span.start], None, ""))
            pieces.append(_Piece(view.text[span.start : span.stop], *marks[span.component]))
            done = span.stop
    return [piece for piece in (*pieces, _Piece(view.text[done:], None, "")) if piece.text]


def _table_rows(view: TableView, label: LabelSummary) -> list[_Row]:
    """The row's columns, those with a weight first and heaviest first, the rest in the table's order."""
    order = {bar.component: i for i, bar in enumerate(label.bars)}
    cells = sorted(view.cells, key=lambda cell: order.get(cell.component, len(order)))
    return [
        _Row(cell.column, cell.value, label.bars[order[cell.component]] if cell.component in order else None) for cell in cells
    ]


def _part_names(view: PartsView, label: LabelSummary) -> list[str]:
    """The names of the components without a weight, in their order."""
    weighted = {bar.component for bar in label.bars}
    return [name for number, name in enumerate(view.names) if number not in weighted]


@dataclass(frozen=True)
class _Images:
    """The image and its overlay, as addresses that hold the files themselves; the image is drawn where it is asked for."""

    view: ImageView
    overlay: str

    @property
    def original(self) -> str:
        return _address(image_panel(self.view))


def _image_sources(view: ImageView, label: LabelSummary) -> _Images:
    return _Images(view, _address(overlay_panel(view, label)))


def _address(panel: Any) -> str:
    return f"data:image/png;base64,{b64encode(encode_png(panel)).decode('ascii')}"


# One function and one template, `view_<kind>.html`, for each kind of view.
_VIEWS: dict[str, Callable[[Any, LabelSummary], Any]] = {
    TextView.kind: _text_pieces,
    TableView.kind: _table_rows,
    PartsView.kind: _part_names,
    ImageView.kind: _image_sources,
    SeriesView.kind: draw_series,
}


def _render(template: str, explanation: Explanation) -> str:
    summary = summarise(explanation)
    view = explanation.view
    return fill_template(
        template,
        summary=summary,
        title=_title(summary),
        outputs=[(output, _share(output)) for output in summary.outputs],
        labels=[(label, _Axis(label.lowest, label.highest), _VIEWS[view.kind](view, label)) for label in summary.labels],
        view_template=f"view_{view.kind}.html",
    )


def _title(summary: Summary) -> str:
    return "Explanation: " + ", ".join(label.name for label in summary.labels)


def _share(output: Output) -> str | None:
    return None if output.share is None else _percent(output.share)


def _percent(share: float) -> str:
    """A share as a length for a style attribute: a plain number between 0 and 100, whatever comes."""
    return f"{100 * share if 0 <= share <= 1 else 100 * (share > 1):.2f}%"
