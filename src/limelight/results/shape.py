"""Shapes: the pieces of a drawing, as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_count, check_number, check_numbers
from limelight.exceptions import ArgumentError, ArgumentTypeError, LimelightError, read_message
from limelight.results._packing import check_unpacked_size, pack, unpack

__all__ = ["ANCHORS", "Shape", "count_level_bytes"]

ANCHORS = ("start", "middle", "end")

_BYTES_OF_EMPTY_ROW = 48  # an object of type bytes, and its place in the tuple
# How many numbers a shape of each kind has; lines and polygons have two for each point.
_NUMBER_COUNTS = {"line": None, "polygon": None, "rectangle": 4, "circle": 3, "text": 2, "raster": 4}
_LEAST_POINTS = {"line": 2, "polygon": 3}


@dataclass(frozen=True, repr=False)
class Shape:
    """A piece of a drawing, as plain data; its classmethods make one.

    Places and sizes are in the units of the drawing, with x to the right and y downwards. The widths of lines and the sizes of
    letters are in pixels of the picture, whatever the units are.

    Attributes
    ----------
    kind : {"line", "polygon", "rectangle", "circle", "text", "raster"}
        What is drawn.
    numbers : tuple of float
        Its places and sizes:

        =================  ===========================
        kind               numbers
        =================  ===========================
        line, polygon      x and y of each point
        rectangle, raster  left, top, right and bottom
        circle             x, y and radius
        text               x and y
        =================  ===========================
    width : float
        The width of a line, in pixels.
    content : str
        The words of a text.
    anchor : {"start", "middle", "end"}
        Which part of a text stands at x.
    levels : tuple of bytes
        The rows of a raster from top to bottom; a byte for each column, 0 for black to 255 for white.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If such a shape cannot be drawn.

    Examples
    --------
    >>> from limelight.extend import Shape
    >>> Shape.rectangle(0, 0, 20, 10).numbers
    (0.0, 0.0, 20.0, 10.0)
    """

    kind: str
    numbers: tuple[float, ...]
    width: float = 1.0
    content: str = ""
    anchor: str = "middle"
    levels: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        check_choice("a shape's kind", self.kind, _NUMBER_COUNTS)
        if not isinstance(self.numbers, tuple) or not all(type(number) is float for number in self.numbers):
            raise ArgumentTypeError(f"a {self.kind}'s numbers must be a tuple of floats; got {self.numbers!r:.80}.")
        if not all(map(math.isfinite, self.numbers)):
            raise ArgumentError(f"a {self.kind} must have finite numbers; got {self.numbers!r:.80}.")
        count, least = _NUMBER_COUNTS[self.kind], _LEAST_POINTS.get(self.kind, 0)
        if count is not None and len(self.numbers) != count:
            raise ArgumentError(f"a {self.kind} has {count} numbers; got {len(self.numbers)}.")
        if count is None and (len(self.numbers) % 2 or len(self.numbers) < 2 * least):
            raise ArgumentError(f"a {self.kind} has x and y of {least} points or more; got {len(self.numbers)} numbers.")
        if self.kind in ("rectangle", "raster"):
            left, top, right, bottom = self.numbers
            if not (left < right and top < bottom):
                raise ArgumentError(
                    f"a {self.kind}'s left must be less than its right, and its top less than its bottom (y runs downwards); "
                    f"got left {left:g}, top {top:g}, right {right:g}, bottom {bottom:g}."
                )
        if self.kind == "circle" and self.numbers[2] <= 0:
            raise ArgumentError(f"a circle's radius must be above 0; got {self.numbers[2]:g}.")
        check_number("a line's width", self.width, 0, inclusive=False)
        if not isinstance(self.content, str):
            raise ArgumentTypeError(f"text must be a string; got {self.content!r:.80}.")
        check_choice("anchor", self.anchor, ANCHORS)
        self._check_levels()

    def _check_levels(self) -> None:
        if not isinstance(self.levels, tuple) or not all(isinstance(row, bytes) for row in self.levels):
            raise ArgumentTypeError(f"a shape's levels must be a tuple of bytes; got {self.levels!r:.80}.")
        lengths = set(map(len, self.levels))
        is_sound = len(lengths) == 1 and 0 not in lengths if self.kind == "raster" else not lengths
        if not is_sound:
            raise ArgumentError(
                "a raster has rows of levels, all with the same number of columns, and no other shape has any; got "
                f"{len(self.levels)} rows for a {self.kind}."
            )

    @classmethod
    def line(cls, points: Iterable[tuple[float, float]] | np.ndarray, width: float = 1.0) -> Shape:
        """An open line through two or more points.

        Parameters
        ----------
        points : sequence of (float, float), or array of shape (n, 2)
            x and y of each.
        width : float, default 1
            In pixels of the picture.
        """
        return cls("line", _flat(points), check_number("width", width, 0, inclusive=False))

    @classmethod
    def polygon(cls, points: Iterable[tuple[float, float]] | np.ndarray) -> Shape:
        """A closed area with three or more corners, given like the points of a line."""
        return cls("polygon", _flat(points))

    @classmethod
    def rectangle(cls, left: float, top: float, right: float, bottom: float) -> Shape:
        """A rectangle.

        Parameters
        ----------
        left, top, right, bottom : float
            Its sides in the drawing's units; left is less than right, and top less than bottom.
        """
        return cls("rectangle", _floats((left, top, right, bottom)))

    @classmethod
    def circle(cls, x: float, y: float, radius: float) -> Shape:
        """A circle. One that belongs to a component hides what lies behind it, as a graph's node does.

        Parameters
        ----------
        x, y, radius : float
            Its middle and its radius, which is above 0, in the drawing's units.
        """
        return cls("circle", _floats((x, y, radius)))

    @classmethod
    def text(cls, x: float, y: float, text: str, anchor: str = "middle") -> Shape:
        """A line of letters, 12 pixels high, whose vertical middle is at y.

        Parameters
        ----------
        x, y : float
            Where it stands.
        text : str
            What it says.
        anchor : {"middle", "start", "end"}
            Which part of it stands at x.
        """
        return cls("text", _floats((x, y)), content=text, anchor=anchor)

    @classmethod
    def raster(cls, left: float, top: float, right: float, bottom: float, levels: Any) -> Shape:
        """A grey picture that fills a rectangle, such as a spectrogram.

        Parameters
        ----------
        left, top, right, bottom : float
            The rectangle.
        levels : array of shape (rows, columns)
            From 0 for black to 1 for white, kept in steps of 1/255; the first row is at the top.
        """
        array = check_numbers("levels", levels, 2)
        if not array.size or not (array.min() >= 0 and array.max() <= 1):
            span = f", from {array.min():g} to {array.max():g}" if array.size else ""
            raise ArgumentError(f"levels must be numbers from 0 to 1; got an array of shape {array.shape}{span}.")
        rows = np.rint(255 * array).astype(np.uint8)
        return cls("raster", _floats((left, top, right, bottom)), levels=tuple(row.tobytes() for row in rows))

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """The points of a line or the corners of a polygon."""
        return tuple(zip(self.numbers[::2], self.numbers[1::2], strict=True))

    def to_list(self) -> list[Any]:
        """The shape as JSON's types; `from_list` is the inverse."""
        numbers = list(self.numbers)
        if self.kind == "line":
            return [self.kind, numbers, self.width]
        if self.kind == "text":
            return [self.kind, numbers, self.content, self.anchor]
        if self.kind == "raster":
            return [self.kind, numbers, len(self.levels), len(self.levels[0]), pack(b"".join(self.levels))]
        return [self.kind, numbers]

    @classmethod
    def from_list(cls, data: Sequence[Any]) -> Shape:
        """Rebuild a shape from what `to_list` gave.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If the data are not a shape's.
        """
        try:
            kind, values, *rest = data
            numbers = _floats(values)
            if kind == "line":
                (width,) = rest
                return cls(kind, numbers, check_number("width", width, 0, inclusive=False))
            if kind == "text":
                content, anchor = rest
                return cls(kind, numbers, content=content, anchor=anchor)
            if kind == "raster":
                rows, columns, levels = rest
                return cls(kind, numbers, levels=_read_levels(rows, columns, levels))
            () = rest
        except LimelightError:
            raise
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"a stored shape cannot be read: {read_message(error)}; got {data!r:.80}.") from error
        return cls(kind, numbers)

    def __repr__(self) -> str:
        if self.kind in _LEAST_POINTS:
            return f"<{self.kind} of {len(self.numbers) // 2} points>"
        if self.kind == "raster":
            return f"<raster of {len(self.levels)} x {len(self.levels[0]) if self.levels else 0} levels>"
        return f"<{self.kind} {self.content!r:.40}>" if self.kind == "text" else f"<{self.kind}>"


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ArgumentTypeError(f"a shape has a sequence of numbers; got {values!r:.80}.")
    return tuple(_float(value) for value in values)


def _float(value: Any) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"a shape's places and sizes must be numbers; got {value!r:.80}.")
    try:
        return float(value)
    except OverflowError as error:
        raise ArgumentError("a shape's places and sizes must be finite; got an integer that no float holds.") from error


def _flat(points: Any) -> tuple[float, ...]:
    array = check_numbers("points", points if isinstance(points, np.ndarray) else _listed(points), None)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ArgumentError(f"points must be pairs of x and y; got an array of shape {array.shape}.")
    return tuple(array.ravel().tolist())


def _listed(points: Any) -> list[Any]:
    try:
        return list(points)
    except TypeError as error:
        raise ArgumentTypeError(f"points must be pairs of x and y: {read_message(error)}.") from error


def count_level_bytes(rows: int, columns: int) -> int:
    """How much memory a raster's levels take."""
    return rows * (columns + _BYTES_OF_EMPTY_ROW)


def _read_levels(rows: Any, columns: Any, levels: Any) -> tuple[bytes, ...]:
    rows, columns = check_count("a raster's rows", rows, 1), check_count("a raster's columns", columns, 1)
    check_unpacked_size(count_level_bytes(rows, columns), len(levels), f"a raster of {rows} x {columns} levels")
    data = unpack(levels, rows * columns, "a raster's levels")
    if len(data) != rows * columns:
        raise ArgumentError(f"a raster of {rows} x {columns} levels was expected; got {len(data)} bytes.")
    return tuple(data[start : start + columns] for start in range(0, len(data), columns))
