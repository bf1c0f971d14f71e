"""Blank explanations, which the script of a report copies and fills in."""

from __future__ import annotations

from typing import Any

from limelight.renderers._page import make_page_data
from limelight.results.explanation import Explanation, Surrogate
from limelight.results.views import Cell, MixedView, PartsView, Passage, Span, TableView, TextView, View

__all__ = ["BLANK_VIEWS", "make_blank"]

_TEXT = TextView("x", (Span(0, 1, 0),))
_ROW = TableView((Cell("x", "x", 0),))
BLANK_VIEWS: dict[str, View] = {
    TextView.kind: _TEXT,
    TableView.kind: _ROW,
    MixedView.kind: MixedView(_ROW, (Passage("x", _TEXT),)),
    PartsView.kind: PartsView(("x",)),
}


def make_blank(view_kind: str, output_kind: str) -> dict[str, Any]:
    """The page data of an explanation with one item of each sort, and with a second label without reported components."""
    surrogates = (Surrogate(0, (0,), (1.0,), (0.0,), (1.0,), 0.0, 1.0, 1.0), Surrogate(1, (), (), (), (), 0.0, 1.0, 1.0))
    return make_page_data(
        Explanation(
            surrogates=surrogates,
            names=("x",),
            view=BLANK_VIEWS[view_kind],
            predictions=(1.0, 0.0),
            output_names=("x", "x"),
            output_kind=output_kind,
            default_label=0,
            num_samples=1,
            num_inputs=1,
            effective_sample_size=1.0,
            confidence=0.95,
            converged=True,
            kernel_width=1.0,
            alpha=1.0,
            random_state=0,
            warnings=(),
        )
    )
