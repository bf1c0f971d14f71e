"""Pictures of images through Pillow: panels of a size that can be seen, and PNG files."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from limelight._errors import require
from limelight.renderers._summary import Bar, LabelSummary
from limelight.results.views import ImageView

__all__ = [
    "Pillow",
    "encode_png",
    "encode_thumbnail",
    "enlargement",
    "image_panel",
    "middle",
    "overlay_panel",
    "pillow",
    "reduced",
    "typeface",
]

LEAST, MOST = 320, 640  # pixels of a panel's longer side
THUMBNAIL, QUALITY = 240, 75  # pixels of a small picture's longer side, and of JPEG's hundred
NUMERALS = 12  # size of the superpixels' numbers on the screen


class Pillow(NamedTuple):
    """The modules of Pillow that draw."""

    image: Any
    draw: Any
    font: Any


def pillow() -> Pillow:
    """Pillow, loaded when a picture is wanted.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    names = ("PIL.Image", "PIL.ImageDraw", "PIL.ImageFont")
    return Pillow(*(require(name, extra="image", purpose="a picture of an image") for name in names))


def enlargement(view: ImageView) -> int:
    """How many times larger a small image has to be drawn to be seen; 1 for others."""
    return max(1, -(-LEAST // max(view.height, view.width)))


def reduced(view: ImageView) -> ImageView:
    """The view, a large one reduced to a size that can be seen at once."""
    return _resized(view, min(1.0, MOST / max(view.height, view.width)))


def image_panel(view: ImageView) -> Any:
    """The image itself, as a Pillow image of a size that can be seen."""
    return pillow().image.fromarray(_fit(view).picture)


def overlay_panel(view: ImageView, label: LabelSummary) -> Any:
    """The image in grey with its weighted superpixels tinted, outlined and numbered."""
    tools, fitted = pillow(), _fit(view)
    # The smallest superpixels may be gone where the image was reduced.
    present = [bar for bar in label.seen if np.any(fitted.segments == bar.component)]
    panel = tools.image.fromarray(fitted.overlay([(bar.component, bar.weight) for bar in present]))
    pen, font = tools.draw.Draw(panel), typeface(NUMERALS)
    for bar in reversed(present):  # the heaviest last, on top
        place, number = middle(fitted.segments == bar.component), numeral(bar)
        pen.text(place, number, fill="white", font=font, anchor="mm", stroke_width=2, stroke_fill=(28, 32, 36))
    return panel


def numeral(bar: Bar) -> str:
    """The number of a superpixel, the end of its name."""
    return bar.name.rpartition(" ")[2]


def typeface(size: int) -> Any:
    """A font of many scripts where the machine has one, else Pillow's own."""
    font = pillow().font
    for name in ("DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf"):
        with suppress(OSError):
            return font.truetype(name, size)
    return font.load_default(size=size)


def encode_png(panel: Any) -> bytes:
    """A Pillow image as the bytes of a PNG file."""
    file = BytesIO()
    panel.save(file, format="PNG")
    return file.getvalue()


def encode_thumbnail(panel: Any) -> bytes:
    """A Pillow image, reduced, as the bytes of a JPEG file: where there are many, and none has much room."""
    file = BytesIO()
    panel.thumbnail((THUMBNAIL, THUMBNAIL))
    panel.save(file, format="JPEG", quality=QUALITY)
    return file.getvalue()


def _fit(view: ImageView) -> ImageView:
    """The view, enlarged to squares or reduced so that its longer side can be seen."""
    return _resized(reduced(view), enlargement(view))


def _resized(view: ImageView, factor: float) -> ImageView:
    if factor == 1:
        return view
    height, width = (max(1, round(side * factor)) for side in (view.height, view.width))
    image = pillow().image
    way = image.Resampling.NEAREST if factor > 1 else image.Resampling.LANCZOS
    picture = np.asarray(image.fromarray(view.picture).resize((width, height), way))
    rows, columns = (np.arange(new) * old // new for new, old in ((height, view.height), (width, view.width)))
    return ImageView.of(picture, view.segments[np.ix_(rows, columns)])


def middle(inside: np.ndarray) -> tuple[int, int]:
    """The column and row of the pixel of a superpixel that is nearest to its centre."""
    places = np.argwhere(inside)
    nearest = np.square(places - places.mean(axis=0)).sum(axis=1).argmin()
    row, column = places[nearest].tolist()
    return column, row
