"""A drawing whose marks are tinted by a label's weights, in the pixels of a picture."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from struct import pack
from zlib import compress, crc32

from limelight.renderers._bars import Bar
from limelight.renderers._cells import MOST_PICTURE_CELLS, fit
from limelight.renderers._summary import LabelSummary
from limelight.results.views import DrawingView, Shape

__all__ = [
    "TEXT_PIXELS",
    "Canvas",
    "Piece",
    "Point",
    "Sheet",
    "choose_area_opacity",
    "choose_line_opacity",
    "lay_out_drawing",
    "prepare_canvas",
    "shorten_text",
]

TEXT_PIXELS = 12
_LONGER_SIDE_PIXELS = 480
_EXTRA_LINE_PIXELS = 2  # added to a weighted line, so that its hue can be seen
_COLUMN_PIXELS = 0.4  # the width within which points of a line are thinned out

Point = tuple[float, float]


@dataclass(frozen=True)
class Piece:
    """A shape in pixels.

    Attributes
    ----------
    shape : Shape
        The shape, in the units of its drawing.
    bar : Bar or None
        The bar of its component, if the weight can be seen.
    component : int or None
        The number of its component; None in the background.
    strength : str
        How strongly it is tinted, from 0 to 1; empty without a weight.
    title : str
        The text for a pointer that rests on it.
    points : tuple of (float, float)
        All points of a line or polygon, two corners of a rectangle or raster, the middle of a circle or text.
    size : float
        The radius of a circle, or the width of a line.
    """

    shape: Shape
    bar: Bar | None
    component: int | None
    strength: str
    title: str
    points: tuple[Point, ...]
    size: float

    @property
    def side(self) -> str:
        """The style sheet's class: ``ground``, ``unweighted``, or for a weighted mark ``pos`` or ``neg``."""
        return "ground" if self.component is None else "unweighted" if self.bar is None else self.bar.side

    @cached_property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)

    @property
    def place(self) -> tuple[str, str]:
        """The first point."""
        return _write_point(self.points[0])

    @property
    def extent(self) -> tuple[str, str]:
        """Width and height of a rectangle."""
        (left, top), (right, bottom) = self.points
        return _write_point((right - left, bottom - top))

    @property
    def radius(self) -> str:
        """The radius of a circle."""
        return f"{self.size:.1f}"

    @cached_property
    def address(self) -> str:
        """A raster as the address of a PNG."""
        return f"data:image/png;base64,{b64encode(_encode_grey_png(self.shape.levels)).decode('ascii')}"

    @property
    def is_enlarged(self) -> bool:
        """Whether a raster's levels are larger than a pixel."""
        return self.points[1][0] - self.points[0][0] > len(self.shape.levels[0])

    @property
    def short_text(self) -> str:
        """The text, shortened if it would be wider than any drawing."""
        return shorten_text(self.shape)


@dataclass(frozen=True)
class Canvas:
    """A drawing, the size of its picture in pixels, and its background, which is the same for every label."""

    view: DrawingView
    width: int
    height: int
    background: tuple[Piece, ...]


@dataclass(frozen=True)
class Sheet:
    """All pieces in the order in which they are drawn, and the size of the picture in pixels."""

    width: int
    height: int
    pieces: tuple[Piece, ...]


def prepare_canvas(view: DrawingView) -> Canvas:
    """Place a drawing's background in a picture."""
    longer = max(view.width, view.height)
    width, height = (max(1, round(side / longer * _LONGER_SIDE_PIXELS)) for side in (view.width, view.height))
    return Canvas(view, width, height, tuple(_place(view, shape) for shape in view.background))


def lay_out_drawing(canvas: Canvas, label: LabelSummary) -> Sheet:
    """Place a drawing's marks over its background, with their weights for a label."""
    view, bars = canvas.view, label.visible_by_component
    marks = []
    for component, shape in view.marks:
        bar = bars.get(component)
        marks.append(_place(view, shape, component, bar, "" if bar is None else label.strength(bar)))
    return Sheet(canvas.width, canvas.height, (*canvas.background, *marks))


def _place(view: DrawingView, shape: Shape, component: int | None = None, bar: Bar | None = None, strength: str = "") -> Piece:
    longer = max(view.width, view.height)
    # Divide first: in very large or small units a product would not be finite.
    places = [number / longer * _LONGER_SIDE_PIXELS for number in shape.numbers]
    size = shape.width + (0 if bar is None else _EXTRA_LINE_PIXELS)
    if shape.kind == "circle":
        size = places.pop()
    points: Iterable[Point] = zip(places[::2], places[1::2], strict=True)
    if shape.kind in ("line", "polygon"):
        points = _thin_out(points)
    title = "" if component is None else _write_title(view.descriptions[component], bar)
    return Piece(shape, bar, component, strength, title, tuple(points), size)


def shorten_text(shape: Shape) -> str:
    """A text, with an ellipsis in its middle if it would be wider than any drawing."""
    return fit(shape.content, MOST_PICTURE_CELLS)


def choose_area_opacity(strength: float) -> float:
    """The opacity of a weighted area's tint, as in drawing.css, for a strength from 0 to 1."""
    return 0.08 + 0.5 * strength


def choose_line_opacity(strength: float) -> float:
    """The opacity of a weighted line, as in drawing.css, for a strength from 0 to 1."""
    return 0.4 + 0.6 * strength


def _write_title(description: str, bar: Bar | None) -> str:
    if bar is None:
        return description
    return f"{bar.name}: {bar.text}" + (f" ({description})" if description not in ("", bar.name) else "")


def _thin_out(points: Iterable[Point]) -> list[Point]:
    """Keep the first, the highest, the lowest and the last point of each narrow column; the others cannot be seen."""
    kept: list[Point] = []
    for _, group in groupby(points, key=lambda point: round(point[0] / _COLUMN_PIXELS)):
        column = list(group)
        if len(column) > 4:
            ends = {0, len(column) - 1}
            for extreme in (min, max):
                ends.add(extreme(range(len(column)), key=lambda i: column[i][1]))
            column = [column[i] for i in sorted(ends)]
        kept += column
    return kept


def _write_point(point: Point) -> tuple[str, str]:
    return f"{point[0]:.1f}", f"{point[1]:.1f}"


def _encode_grey_png(rows: tuple[bytes, ...]) -> bytes:
    """The bytes of a PNG file in levels of grey."""
    header = pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)  # eight bits, grey, the standard methods
    pixels = compress(b"".join(b"\0" + row for row in rows))  # no filter
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    packed = (pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
