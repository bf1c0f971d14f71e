"""What is drawn of an explanation: a view of one of limelight's own kinds, whatever kind the explanation's view is of."""

from __future__ import annotations

from limelight._errors import ArgumentTypeError
from limelight.results.explanation import Explanation
from limelight.results.views import (
    Drawing,
    DrawingView,
    ImageView,
    MixedView,
    PartsView,
    SeriesView,
    TableView,
    TextView,
    View,
)

__all__ = ["own_kind", "view_to_draw"]

_OWN_VIEWS = (DrawingView, ImageView, MixedView, PartsView, SeriesView, TableView, TextView)


def view_to_draw(explanation: Explanation) -> View:
    """The explanation's view if it is limelight's own; of another, its drawing, or else a list of its components.

    Raises
    ------
    ArgumentTypeError
        If the ``drawing()`` of another view is neither a `Drawing` nor None.
    ArgumentError
        If a mark in it is of a component that the explanation lacks.
    """
    view = explanation.view
    if isinstance(view, _OWN_VIEWS):
        return view
    values, drawing = view.values(), view.drawing()
    descriptions = tuple(values.get(component, name) for component, name in enumerate(explanation.names))
    if drawing is None:
        return PartsView(descriptions)
    if not isinstance(drawing, Drawing):
        raise ArgumentTypeError(f"{type(view).__name__}.drawing() must give a Drawing or None; got {type(drawing).__name__}.")
    return DrawingView(drawing.width, drawing.height, drawing.background, drawing.marks, descriptions)


def own_kind(view: View) -> str:
    """The kind of a view that `view_to_draw` gave: for a class derived from one of limelight's own, that one's."""
    return next(own.kind for own in _OWN_VIEWS if isinstance(view, own))
