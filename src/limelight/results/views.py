"""What a renderer may see of an instance: neutral, plain data, one class for each kind of picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight._registry import Registry
from limelight.results._view import View
from limelight.results.drawing import Drawing, Mark, Shape
from limelight.results.drawing_view import DrawingView
from limelight.results.image_view import ImageView
from limelight.results.json_values import check_types

__all__ = [
    "VIEWS",
    "Cell",
    "Drawing",
    "DrawingView",
    "ImageView",
    "Mark",
    "MixedView",
    "PartsView",
    "Passage",
    "Segment",
    "SeriesView",
    "Shape",
    "Span",
    "TableView",
    "TextView",
    "View",
    "check_view",
    "view_from_dict",
]


class Span(NamedTuple):
    """A stretch ``text[start:stop]`` (code points) that belongs to component number `component`."""

    start: int
    stop: int
    component: int


@dataclass(frozen=True)
class TextView(View):
    """A text and the stretches of it that are components; the rest always stays."""

    kind: ClassVar[str] = "text"
    text: str
    spans: tuple[Span, ...]

    def values(self) -> dict[int, str]:
        """For each component, what the instance has there: the first of its stretches."""
        return {span.component: self.text[span.start : span.stop] for span in reversed(self.spans)}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        spans = [[span.start, span.stop, span.component] for span in self.spans]
        return {"kind": self.kind, "text": self.text, "spans": spans}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TextView":
        return cls(data["text"], tuple(Span(*span) for span in data["spans"]))


class Cell(NamedTuple):
    """One column of a row: its name, the instance's value as a person would write it, and its component's number."""

    column: str
    value: str
    component: int


@dataclass(frozen=True)
class TableView(View):
    """The columns of the explained row, in their order."""

    kind: ClassVar[str] = "table"
    cells: tuple[Cell, ...]

    def values(self) -> dict[int, str]:
        """For each component, what the instance has there."""
        values: dict[int, list[str]] = {}
        for cell in self.cells:
            values.setdefault(cell.component, []).append(cell.value)
        return {component: ", ".join(own) for component, own in values.items()}

    def columns(self) -> dict[int, str]:
        columns: dict[int, list[str]] = {}
        for cell in self.cells:
            columns.setdefault(cell.component, []).append(cell.column)
        return {component: ", ".join(own) for component, own in columns.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        cells = [[cell.column, cell.value, cell.component] for cell in self.cells]
        return {"kind": self.kind, "cells": cells}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TableView":
        return cls(tuple(Cell(*cell) for cell in data["cells"]))


@dataclass(frozen=True)
class PartsView(View):
    """Components of the user's own: nothing is known of them but their names."""

    kind: ClassVar[str] = "parts"
    names: tuple[str, ...]

    def values(self) -> dict[int, str]:
        """For each component, its name."""
        return dict(enumerate(self.names))

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        return {"kind": self.kind, "names": list(self.names)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "PartsView":
        return cls(tuple(data["names"]))


class Passage(NamedTuple):
    """A column's free text, whose words are components."""

    column: str
    text: TextView


@dataclass(frozen=True)
class MixedView(View):
    """A row of which some columns hold free text: the cells of the others, and the texts."""

    kind: ClassVar[str] = "mixed"
    table: TableView
    texts: tuple[Passage, ...]

    def values(self) -> dict[int, str]:
        """For each component, what the instance has there."""
        values = self.table.values()
        for _, text in self.texts:
            values |= text.values()
        return values

    def columns(self) -> dict[int, str]:
        return self.table.columns() | {span.component: column for column, text in self.texts for span in text.spans}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        texts = [[column, text.to_dict()] for column, text in self.texts]
        return {"kind": self.kind, "table": self.table.to_dict(), "texts": texts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "MixedView":
        texts = tuple(Passage(column, TextView.from_dict(text)) for column, text in data["texts"])
        return cls(TableView.from_dict(data["table"]), texts)


class Segment(NamedTuple):
    """Steps `start` to `stop` (not included) of some of a series' channels, which belong to component number `component`."""

    channels: tuple[int, ...]
    start: int
    stop: int
    component: int


@dataclass(frozen=True)
class SeriesView(View):
    """A series of one or more channels, its values, and its segments; `filling` shows where a segment is absent."""

    kind: ClassVar[str] = "series"
    channel_names: tuple[str, ...]
    channels: tuple[tuple[float, ...], ...]
    filling: tuple[tuple[float, ...], ...]
    segments: tuple[Segment, ...]

    def values(self) -> dict[int, str]:
        """For each component, the mean of the instance there."""
        means: dict[int, str] = {}
        for segment in self.segments:
            steps = [value for channel in segment.channels for value in self.channels[channel][segment.start : segment.stop]]
            means.setdefault(segment.component, f"mean {sum(steps) / len(steps):.3g}")
        return means

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        return {
            "kind": self.kind,
            "channel_names": list(self.channel_names),
            "channels": [list(channel) for channel in self.channels],
            "filling": [list(channel) for channel in self.filling],
            "segments": [[list(segment.channels), *segment[1:]] for segment in self.segments],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SeriesView":
        try:
            channels, filling = (
                tuple(tuple(map(float, channel)) for channel in data[name]) for name in ("channels", "filling")
            )
        except ValueError as error:
            raise ArgumentError(f"a series' channels hold numbers: {error}.") from error
        segments = tuple(Segment(tuple(own), *rest) for own, *rest in data["segments"])
        view = cls(tuple(data["channel_names"]), channels, filling, segments)
        count, lengths = len(view.channels), {len(channel) for channel in (*view.channels, *view.filling)}
        sound = len(view.channel_names) == len(view.filling) == count > 0 and len(lengths) == 1
        sound = sound and all(
            set(segment.channels) <= set(range(count)) and 0 <= segment.start < segment.stop <= max(lengths)
            for segment in view.segments
        )
        if not sound:
            raise ArgumentError("this is not a whole series: its channels and segments do not fit together.")
        return view


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
    },
)


def view_from_dict(data: Mapping[str, Any]) -> View:
    """Rebuild a view from what its ``to_dict`` gave.

    Raises
    ------
    ArgumentError
        If the kind of view is not known, or the data are not a view's.
    """
    kind = data["kind"]
    view: View = VIEWS.load(kind).from_dict(data)
    if VIEWS.owns(kind):
        check_types(view, type(view))
    return view


def check_view(view: object) -> None:
    """Refuse a view that could be stored, and not be read again.

    Raises
    ------
    ArgumentTypeError
        If it is none, or its class is not registered under its kind.
    """
    if not isinstance(view, View):
        raise ArgumentTypeError(f"components must have a view derived from limelight.extend.View; got {type(view).__name__}.")
    if view.kind not in VIEWS or not isinstance(view, VIEWS.load(view.kind)):
        name = type(view).__name__
        raise ArgumentTypeError(
            f"{name} is not registered as the view of kind {view.kind!r}, so what is stored could not be read again; call "
            f'limelight.extend.register("view", {view.kind!r}, {name}) first.'
        )
