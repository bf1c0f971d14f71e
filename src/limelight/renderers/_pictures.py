"""Pictures of images through Pillow: panels of a readable size, and files."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from limelight.exceptions import require
from limelight.renderers._bars import Bar
from limelight.renderers._summary import LabelSummary
from limelight.results.views import ImageView

__all__ = [
    "INK",
    "NUMERAL_PIXELS",
    "QUIET",
    "draw_image_panel",
    "draw_overlay_panel",
    "encode_jpeg",
    "encode_png",
    "encode_thumbnail",
    "find_enlargement",
    "find_middle",
    "load_font",
    "load_pillow",
    "read_numeral",
    "reduce_image",
]

# As in the pages' style sheet.
INK = "#1c2024"
QUIET = "#5b636b"
NUMERAL_PIXELS = 12  # of the superpixels' numbers, on the screen
_LEAST_SIDE_PIXELS = 320  # of a panel's longer side
_MOST_SIDE_PIXELS = 640
_THUMBNAIL_PIXELS = 240  # of a small picture's longer side
_JPEG_QUALITY = 75  # of 100
_OUTLINE_PIXELS = 2


class Pillow(NamedTuple):
    """The modules of Pillow that draw."""

    image: Any
    draw: Any
    font: Any


def load_pillow() -> Pillow:
    """Import the modules of Pillow.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    names = ("PIL.Image", "PIL.ImageDraw", "PIL.ImageFont")
    return Pillow(*(require(name, extra="image", purpose="a picture") for name in names))


def find_enlargement(view: ImageView, side: int = _LEAST_SIDE_PIXELS) -> int:
    """The whole number by which an image is enlarged so that its longer side has at least this many pixels; 1 for others."""
    return max(1, -(-side // max(view.height, view.width)))


def reduce_image(view: ImageView, side: int = _MOST_SIDE_PIXELS) -> ImageView:
    """Reduce an image whose longer side has more pixels than this; others stay as they are."""
    return _resize(view, min(1.0, side / max(view.height, view.width)))


def draw_image_panel(view: ImageView, side: int | None = None) -> Any:
    """The image itself, as a Pillow image of a panel's size, or with this many pixels along its longer side."""
    return load_pillow().image.fromarray(_fit(view, side).picture)


def draw_overlay_panel(view: ImageView, label: LabelSummary, side: int | None = None) -> Any:
    """The image in grey with its weighted superpixels tinted, outlined and numbered, as a Pillow image.

    It has a panel's size. With `side` it is a slice of a volume with about this many pixels along its longer side, and tints
    are relative to the heaviest weight in the volume.
    """
    tools, fitted = load_pillow(), _fit(view, side)
    # The smallest superpixels can disappear when the image is reduced.
    present = [bar for bar in label.visible_bars if np.any(fitted.segments == bar.component)]
    weights = [(bar.component, bar.weight) for bar in present]
    panel = tools.image.fromarray(fitted.overlay(weights, heaviest=None if side is None else label.heaviest or None))
    pen, font = tools.draw.Draw(panel), load_font(NUMERAL_PIXELS)
    for bar in reversed(present):  # the heaviest last, on top
        place, number = find_middle(fitted.segments == bar.component), read_numeral(bar)
        outline = {"stroke_width": _OUTLINE_PIXELS, "stroke_fill": INK}
        pen.text(place, number, fill="white", font=font, anchor="mm", **outline)
    return panel


def read_numeral(bar: Bar) -> str:
    """The number of a superpixel, from the end of its name."""
    return bar.name.rpartition(" ")[2]


def load_font(pixels: int) -> Any:
    """A font with many scripts if the machine has one, else Pillow's own."""
    font = load_pillow().font
    for name in ("DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf"):
        with suppress(OSError):
            return font.truetype(name, pixels)
    return font.load_default(size=pixels)


def encode_png(panel: Any) -> bytes:
    """A Pillow image as the bytes of a PNG file."""
    file = BytesIO()
    panel.save(file, format="PNG")
    return file.getvalue()


def encode_jpeg(panel: Any) -> bytes:
    """A Pillow image as the bytes of a JPEG file."""
    file = BytesIO()
    panel.save(file, format="JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def encode_thumbnail(panel: Any) -> bytes:
    """A Pillow image, reduced, as the bytes of a small JPEG file, for a page with many of them."""
    panel.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    return encode_jpeg(panel)


def _fit(view: ImageView, side: int | None) -> ImageView:
    """The view at a panel's size, or with about this many pixels along its longer side: enlarged to squares, or reduced."""
    if side is None:
        return _resize(reduce_image(view), find_enlargement(view))
    return _resize(reduce_image(view, side), max(1, side // max(view.height, view.width)))


def _resize(view: ImageView, factor: float) -> ImageView:
    if factor == 1:
        return view
    height, width = (max(1, round(side * factor)) for side in (view.height, view.width))
    image = load_pillow().image
    method = image.Resampling.NEAREST if factor > 1 else image.Resampling.LANCZOS
    picture = np.asarray(image.fromarray(view.picture).resize((width, height), method))
    rows, columns = (np.arange(new) * old // new for new, old in ((height, view.height), (width, view.width)))
    return ImageView.of(picture, view.segments[np.ix_(rows, columns)])


def find_middle(inside: np.ndarray) -> tuple[int, int]:
    """The column and row of the superpixel's pixel nearest to its centre; `inside` is bool, of shape (height, width)."""
    places = np.argwhere(inside)
    nearest = np.square(places - places.mean(axis=0)).sum(axis=1).argmin()
    row, column = places[nearest].tolist()
    return column, row
