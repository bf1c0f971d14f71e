"""The view that renderers draw: one of limelight's own kinds, even if the explanation's view is of another."""

from __future__ import annotations

from typing import NamedTuple

from limelight.exceptions import ArgumentTypeError
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
    VolumeView,
)

__all__ = ["choose_view"]

_OWN_VIEWS = (DrawingView, ImageView, MixedView, PartsView, SeriesView, TableView, TextView, VolumeView)


class ChosenView(NamedTuple):
    """The view that is drawn, and which of limelight's own kinds it is of."""

    kind: str
    view: View


def choose_view(explanation: Explanation) -> ChosenView:
    """Choose the explanation's view if it is limelight's own; else its drawing, or a list of its components if it has none.

    A class derived from one of limelight's own views has the same kind here.

    Raises
    ------
    ArgumentTypeError
        If the view's ``drawing()`` is neither a `Drawing` nor None.
    ArgumentError
        If a mark in it belongs to a component that the explanation lacks.
    """
    view = explanation.view
    for view_class in _OWN_VIEWS:
        if isinstance(view, view_class):
            return ChosenView(view_class.kind, view)
    values, drawing = view.values(), view.drawing()
    descriptions = tuple(values.get(component, name) for component, name in enumerate(explanation.names))
    if drawing is None:
        return ChosenView(PartsView.kind, PartsView(descriptions))
    if not isinstance(drawing, Drawing):
        raise ArgumentTypeError(f"{type(view).__name__}.drawing() must give a Drawing or None; got {type(drawing).__name__}.")
    drawn = DrawingView(drawing.width, drawing.height, drawing.background, drawing.marks, descriptions)
    return ChosenView(DrawingView.kind, drawn)
