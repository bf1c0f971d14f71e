"""The view that renderers draw: one of limelight's own kinds, even if the explanation's view is of another."""

from __future__ import annotations

from limelight.exceptions import ArgumentTypeError
from limelight.results.explanation import Explanation
from limelight.results.views import Drawing, DrawingView, ImageView, MixedView, PartsView, SeriesView, TableView, TextView, View

__all__ = ["choose_view", "find_kind"]

_OWN_VIEWS = (DrawingView, ImageView, MixedView, PartsView, SeriesView, TableView, TextView)


def choose_view(explanation: Explanation) -> View:
    """The explanation's view if it is limelight's own; else its drawing, or a list of its components if it has none.

    Raises
    ------
    ArgumentTypeError
        If the view's ``drawing()`` is neither a `Drawing` nor None.
    ArgumentError
        If a mark in it belongs to a component that the explanation lacks.
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


def find_kind(view: View) -> str:
    """The kind of a view that `choose_view` gave; a class derived from one of limelight's own has the same kind here."""
    return next(view_class.kind for view_class in _OWN_VIEWS if isinstance(view, view_class))
