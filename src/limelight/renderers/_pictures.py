"""Pictures of images through Pillow: panels of a size that can be seen, and PNG files."""

from __future__ import annotations

from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from limelight._errors import MissingDependencyError
from limelight._views import ImageView
from limelight.renderers._summary import LabelSummary

__all__ = ["Pillow", "encode_png", "image_panel", "overlay_panel", "pillow"]

LEAST, MOST = 320, 640  # pixels of a panel's longer side
_NUMBERS = 12  # size of the superpixels' numbers


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
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingDependencyError("pictures of images need Pillow: pip install 'limelight[image]'") from error
    return Pillow(Image, ImageDraw, ImageFont)


def image_panel(view: ImageView) -> Any:
    """The image itself, as a Pillow image of a size that can be seen."""
    return _fit(view.picture)


def overlay_panel(view: ImageView, label: LabelSummary) -> Any:
    """The image in grey with its weighted superpixels tinted and numbered."""
    panel = _fit(view.overlay([(bar.component, bar.weight) for bar in label.bars]))
    tools = pillow()
    pen, font = tools.draw.Draw(panel), tools.font.load_default(size=_NUMBERS)
    scale = panel.width / view.width
    for bar in reversed(label.bars):  # the heaviest last, on top
        row, column = _middle(view.segments == bar.component)
        number = bar.name.rpartition(" ")[2]
        place = ((column + 0.5) * scale, (row + 0.5) * scale)
        pen.text(place, number, fill="white", font=font, anchor="mm", stroke_width=2, stroke_fill=(28, 32, 36))
    return panel


def encode_png(panel: Any) -> bytes:
    """A Pillow image as the bytes of a PNG file."""
    file = BytesIO()
    panel.save(file, format="PNG")
    return file.getvalue()


def _fit(picture: np.ndarray) -> Any:
    """The pixels, enlarged to squares or reduced so that the longer side can be seen."""
    image = pillow().image
    panel = image.fromarray(picture)
    longer = max(panel.size)
    if longer < LEAST:
        factor = -(-LEAST // longer)
        return panel.resize((panel.width * factor, panel.height * factor), image.Resampling.NEAREST)
    if longer > MOST:
        return panel.resize([max(1, round(side * MOST / longer)) for side in panel.size], image.Resampling.LANCZOS)
    return panel


def _middle(inside: np.ndarray) -> tuple[int, int]:
    """The pixel of a superpixel that is nearest to its centre."""
    places = np.argwhere(inside)
    nearest = np.square(places - places.mean(axis=0)).sum(axis=1).argmin()
    row, column = places[nearest].tolist()
    return row, column
