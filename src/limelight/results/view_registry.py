"""The kinds of views by name, so that stored ones can be read, and what a view must keep to be stored."""

import json
from collections.abc import Mapping
from typing import Any

from limelight._checks import user_function
from limelight._registry import Registry
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.results.json_values import check_types
from limelight.results.views import Drawing, ImageView, MixedView, PartsView, SeriesView, TableView, TextView, View, VolumeView

__all__ = ["CLOSED_VIEWS", "VIEWS", "check_view", "view_from_dict"]

VIEWS = Registry(
    "view",
    {
        "drawing": "limelight.results.drawing_view:DrawingView",
        "image": "limelight.results.image_view:ImageView",
        "mixed": "limelight.results.views:MixedView",
        "parts": "limelight.results.views:PartsView",
        "series": "limelight.results.views:SeriesView",
        "table": "limelight.results.views:TableView",
        "text": "limelight.results.views:TextView",
        "volume": "limelight.results.volume_view:VolumeView",
    },
)


CLOSED_VIEWS = frozenset({ImageView, MixedView, PartsView, SeriesView, TableView, TextView, VolumeView})
"""The views that limelight's own modalities make, in which every component has its place."""


def view_from_dict(data: Mapping[str, Any]) -> View:
    """Rebuild a view of any registered kind from what its ``to_dict`` gave.

    Raises
    ------
    ArgumentError, KeyError, TypeError
        If no such kind is registered, or the data are not those of such a view.
    """
    kind = data["kind"]
    if kind not in VIEWS:
        raise ArgumentError(
            f"no view of kind {kind!r:.80} is registered: import the module that registers it, or install the package that "
            f"declares it. Registered: {', '.join(map(repr, VIEWS))}."
        )
    if VIEWS.owns(kind):
        view: View = VIEWS.load(kind).from_dict(data)
        check_types(view, type(view))
        return view
    return _rebuild(VIEWS.load(kind), data)


def check_view(view: object, count: int) -> None:
    """Refuse a view that could be stored but not read again, or that lacks a component.

    Parameters
    ----------
    view : object
        The view of an instance's components.
    count : int
        How many components there are.

    Raises
    ------
    ArgumentTypeError
        If it is no `View`, its class is not registered under its kind, or JSON does not give it back as it was.
    """
    if not isinstance(view, View):
        raise ArgumentTypeError(f"components must have a view derived from limelight.extend.View; got {type(view).__name__}.")
    name, kind = type(view).__name__, str(getattr(view, "kind", ""))
    if kind not in VIEWS or type(view) is not VIEWS.load(kind):
        raise ArgumentTypeError(
            f"{name} is not registered as the view of kind {kind!r}, so stored explanations could not be read again; call "
            f'limelight.extend.register("view", {kind!r}, {name}) first.'
        )
    with user_function(f"{name}.values"):
        values = view.values()
    if not isinstance(values, dict) or not all(isinstance(values.get(number), str) for number in range(count)):
        raise ArgumentTypeError(
            f"{name}.values() must have a text for each of the {count} components, by number from 0; got {values!r:.80}."
        )
    with user_function(f"{name}.drawing"):
        drawing = view.drawing()
    if drawing is not None and not isinstance(drawing, Drawing):
        raise ArgumentTypeError(f"{name}.drawing() must give a Drawing or None; got {type(drawing).__name__}.")
    marked = {mark.component for mark in drawing.marks} if drawing is not None else set()
    if not marked <= set(range(count)):
        raise ArgumentError(f"{name} has marks of components {sorted(marked - set(range(count)))!r:.60}; there are {count}.")
    if not VIEWS.owns(kind):
        try:
            with user_function(f"{name}.to_dict"):
                data = view.to_dict()
            data = json.loads(json.dumps(data, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(f"{name}.to_dict() must give JSON's types, without NaN: {read_message(error)}.") from error
        if not isinstance(data, dict) or data.get("kind") != kind:
            raise ArgumentTypeError(f'{name}.to_dict() must be a dict whose "kind" is {kind!r}; got {data!r:.80}.')
        rebuilt = _rebuild(type(view), data)
        with user_function(f"{name}.__eq__", ArgumentTypeError):
            is_equal = bool(rebuilt == view)
        if not is_equal:
            raise ArgumentTypeError(
                f"{name}.from_dict(view.to_dict()) must equal the view, as frozen dataclasses of tuples do; if fields hold "
                "NaN or arrays, with eq=False."
            )


def _rebuild(cls: type[View], data: Mapping[str, Any]) -> View:
    """A view of a class from outside, which may raise anything."""
    with user_function(f"{cls.__name__}.from_dict"):
        view = cls.from_dict(data)
    if type(view) is not cls:
        raise ArgumentError(f"{cls.__name__}.from_dict must give a {cls.__name__}; got {type(view).__name__}.")
    return view
