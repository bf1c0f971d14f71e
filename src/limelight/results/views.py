"""What renderers see of an instance: neutral, plain data, with one class for each kind of picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, NamedTuple

from limelight.exceptions import ArgumentError
from limelight.results._view import View
from limelight.results.drawing import Drawing, Mark, Shape
from limelight.results.drawing_view import DrawingView
from limelight.results.image_view import ImageView
from limelight.results.volume_view import VolumeView

__all__ = [
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
    "VolumeView",
]


_LONGEST_TEXT = 40  # characters of a text in a repr


class Span(NamedTuple):
    """A stretch of a text that belongs to a component.

    Attributes
    ----------
    start, stop : int
        The stretch is ``text[start:stop]``, counted in code points.
    component : int
        The component's number.
    """

    start: int
    stop: int
    component: int


@dataclass(frozen=True, repr=False)
class TextView(View):
    """A text and the stretches of it that are components; the rest always stays.

    Attributes
    ----------
    text : str
        The whole text.
    spans : tuple of Span
        In any order; a component may have several.
    unit : str, default "word"
        What a component is called.

    Examples
    --------
    >>> from limelight.extend import Span, TextView
    >>> TextView("good film", (Span(0, 4, 0), Span(5, 9, 1))).values()
    {1: 'film', 0: 'good'}
    """

    kind: ClassVar[str] = "text"
    text: str
    spans: tuple[Span, ...]
    unit: str = "word"

    def values(self) -> dict[int, str]:
        """For each component's number, the first of its stretches."""
        return {span.component: self.text[span.start : span.stop] for span in reversed(self.spans)}

    def columns(self) -> dict[int, str]:
        """For each component's number, its word, without the position that tells it apart from others."""
        return self.values()

    def positions(self) -> dict[int, tuple[int, ...]]:
        """For each component's number, where its stretches begin, counted in code points from 0."""
        starts: dict[int, list[int]] = {}
        for span in sorted(self.spans):
            starts.setdefault(span.component, []).append(span.start)
        return {component: tuple(places) for component, places in starts.items()}

    def _facts(self) -> dict[str, int | str]:
        text = self.text
        if len(text) > _LONGEST_TEXT:
            text = f"{text[: _LONGEST_TEXT - 1]}\N{HORIZONTAL ELLIPSIS}"
        return {"text": text, **super()._facts()}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        spans = [[span.start, span.stop, span.component] for span in self.spans]
        return {"kind": self.kind, "text": self.text, "spans": spans, "unit": self.unit}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TextView":
        """Rebuild a view from what `to_dict` gave."""
        return cls(data["text"], tuple(Span(*span) for span in data["spans"]), data.get("unit", "word"))


class Cell(NamedTuple):
    """One column of a row.

    Attributes
    ----------
    column : str
        The column's name.
    value : str
        The row's value, as a person would write it.
    component : int
        The number of the component that the column belongs to.
    """

    column: str
    value: str
    component: int


@dataclass(frozen=True, repr=False)
class TableView(View):
    """The explained row.

    Attributes
    ----------
    cells : tuple of Cell
        One for each column, in their order.

    Examples
    --------
    >>> from limelight.extend import Cell, TableView
    >>> TableView((Cell("age", "54", 0), Cell("lat", "52.5", 1), Cell("lon", "13.4", 1))).columns()
    {0: 'age', 1: 'lat, lon'}
    """

    kind: ClassVar[str] = "table"
    cells: tuple[Cell, ...]

    def values(self) -> dict[int, str]:
        """For each component's number, the values of its columns."""
        values: dict[int, list[str]] = {}
        for cell in self.cells:
            values.setdefault(cell.component, []).append(cell.value)
        return {component: ", ".join(texts) for component, texts in values.items()}

    def columns(self) -> dict[int, str]:
        """For each component's number, the names of its columns."""
        columns: dict[int, list[str]] = {}
        for cell in self.cells:
            columns.setdefault(cell.component, []).append(cell.column)
        return {component: ", ".join(names) for component, names in columns.items()}

    def _facts(self) -> dict[str, int | str]:
        return {"columns": len(self.cells), **super()._facts()}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        cells = [[cell.column, cell.value, cell.component] for cell in self.cells]
        return {"kind": self.kind, "cells": cells}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TableView":
        """Rebuild a view from what `to_dict` gave."""
        return cls(tuple(Cell(*cell) for cell in data["cells"]))


@dataclass(frozen=True, repr=False)
class PartsView(View):
    """Components that the user defines: only their names are known.

    Attributes
    ----------
    names : tuple of str
        The name of each component.

    Examples
    --------
    >>> from limelight.extend import PartsView
    >>> PartsView(("wheel", "seat")).values()
    {0: 'wheel', 1: 'seat'}
    """

    kind: ClassVar[str] = "parts"
    names: tuple[str, ...]

    def values(self) -> dict[int, str]:
        """For each component's number, its name."""
        return dict(enumerate(self.names))

    def columns(self) -> dict[int, str]:
        """For each component's number, its name, without the number that tells it apart from others of the same name."""
        return dict(enumerate(self.names))

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        return {"kind": self.kind, "names": list(self.names)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "PartsView":
        """Rebuild a view from what `to_dict` gave."""
        return cls(tuple(data["names"]))


class Passage(NamedTuple):
    """The free text of a column or of a field, whose words are components.

    Attributes
    ----------
    column : str
        The name of the column or field.
    text : TextView
        Its text and the words.
    """

    column: str
    text: TextView


@dataclass(frozen=True, repr=False)
class MixedView(View):
    """A row with free text in some of its columns, or an instance of several texts.

    Attributes
    ----------
    table : TableView
        The cells of the other columns; none of an instance of texts alone.
    texts : tuple of Passage
        The columns or fields of free text.

    Examples
    --------
    >>> from limelight.extend import Cell, MixedView, Passage, Span, TableView, TextView
    >>> note = TextView("all well", (Span(0, 3, 1), Span(4, 8, 2)))
    >>> MixedView(TableView((Cell("age", "54", 0),)), (Passage("note", note),)).columns()
    {0: 'age', 1: 'note', 2: 'note'}
    """

    kind: ClassVar[str] = "mixed"
    table: TableView
    texts: tuple[Passage, ...]

    def values(self) -> dict[int, str]:
        """For each component's number, the values of its columns, or its word."""
        values = self.table.values()
        for _, text in self.texts:
            values |= text.values()
        return values

    def columns(self) -> dict[int, str]:
        """For each component's number, the names of its columns."""
        return self.table.columns() | {span.component: column for column, text in self.texts for span in text.spans}

    def positions(self) -> dict[int, tuple[int, ...]]:
        """For each word's number, where its stretches begin in its column's text."""
        positions: dict[int, tuple[int, ...]] = {}
        for _, text in self.texts:
            positions |= text.positions()
        return positions

    def _facts(self) -> dict[str, int | str]:
        return {"columns": len(self.table.cells), "texts": len(self.texts), **super()._facts()}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        texts = [[column, text.to_dict()] for column, text in self.texts]
        return {"kind": self.kind, "table": self.table.to_dict(), "texts": texts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "MixedView":
        """Rebuild a view from what `to_dict` gave."""
        texts = tuple(Passage(column, TextView.from_dict(text)) for column, text in data["texts"])
        return cls(TableView.from_dict(data["table"]), texts)


class Segment(NamedTuple):
    """A stretch of a series that belongs to a component.

    Attributes
    ----------
    channels : tuple of int
        The numbers of its channels.
    start, stop : int
        Its steps are from `start` up to, and without, `stop`.
    component : int
        The component's number.
    """

    channels: tuple[int, ...]
    start: int
    stop: int
    component: int


@dataclass(frozen=True, eq=False, repr=False)
class SeriesView(View):
    """A series of one or more channels and its segments.

    Attributes
    ----------
    channel_names : tuple of str
        A name for each channel.
    channels : tuple of tuple of (float or None)
        The values of each channel, one for each step; None where one is missing.
    filling : tuple of tuple of (float or None)
        What takes their place where a segment is absent.
    segments : tuple of Segment
        In any order; a component may have several.

    Examples
    --------
    >>> from limelight.extend import Segment, SeriesView
    >>> segments = (Segment((0,), 0, 2, 0), Segment((0,), 2, 4, 1))
    >>> SeriesView(("speed",), ((1.0, 2.0, 6.0, 8.0),), ((0.0, 0.0, 0.0, 0.0),), segments).values()
    {0: 'mean 1.5', 1: 'mean 7'}
    """

    kind: ClassVar[str] = "series"
    channel_names: tuple[str, ...]
    channels: tuple[tuple[float | None, ...], ...]
    filling: tuple[tuple[float | None, ...], ...]
    segments: tuple[Segment, ...]

    def values(self) -> dict[int, str]:
        """For each component's number, the mean of the first of its segments, or that it is missing."""
        means: dict[int, str] = {}
        for segment in self.segments:
            values = [value for channel in segment.channels for value in self.channels[channel][segment.start : segment.stop]]
            known = [value for value in values if value is not None]
            means.setdefault(segment.component, f"mean {sum(known) / len(known):.3g}" if known else "missing")
        return means

    def _facts(self) -> dict[str, int | str]:
        steps = max(map(len, self.channels), default=0)
        return {"channels": len(self.channels), "steps": steps, **super()._facts()}

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
        """Rebuild a view from what `to_dict` gave.

        Raises
        ------
        ArgumentError
            If a value is not a number, or the channels and segments do not fit together.
        """
        try:
            channels, filling = (
                tuple(tuple(None if value is None else float(value) for value in channel) for channel in data[name])
                for name in ("channels", "filling")
            )
        except (OverflowError, ValueError) as error:
            raise ArgumentError(f"a series' channels must hold numbers: {error}.") from error
        if any(value is not None and not isfinite(value) for channel in (*channels, *filling) for value in channel):
            raise ArgumentError("a series' channels must hold finite numbers, or null where one is missing.")
        segments = tuple(Segment(tuple(numbers), *rest) for numbers, *rest in data["segments"])
        view = cls(tuple(data["channel_names"]), channels, filling, segments)
        count, lengths = len(view.channels), {len(channel) for channel in (*view.channels, *view.filling)}
        is_consistent = len(view.channel_names) == len(view.filling) == count > 0 and len(lengths) == 1
        is_consistent = is_consistent and all(
            set(segment.channels) <= set(range(count)) and 0 <= segment.start < segment.stop <= max(lengths)
            for segment in view.segments
        )
        if not is_consistent:
            raise ArgumentError("the series' channel names, channels, filling and segments do not match.")
        return view
