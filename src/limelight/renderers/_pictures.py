"""Pictures as PNG files, and the panels that show what a label's weights say about an image."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from limelight._errors import MissingDependencyError

__all__ = ["encode_png", "fit_into", "pillow"]


def pillow() -> Any:
    """Pillow's modules, loaded when a picture is wanted.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingDependencyError("pictures of images need Pillow: pip install 'limelight[image]'") from error

    class Modules:
        image, draw, font = Image, ImageDraw, ImageFont

    return Modules


def fit_into(picture: np.ndarray, least: int, most: int) -> Any:
    """A Pillow image of the pixels, of shape (height, width, 3), its longer side enlarged to `least` or reduced to `most`.

    Enlarged pixels stay squares: nothing is made up between them.
    """
    image = pillow().image
    drawn = image.fromarray(picture)
    longer = max(drawn.size)
    if longer < least:
        factor = -(-least // longer)
        return drawn.resize((drawn.width * factor, drawn.height * factor), image.Resampling.NEAREST)
    if longer > most:
        size = [max(1, round(side * most / longer)) for side in drawn.size]
        return drawn.resize(size, image.Resampling.LANCZOS)
    return drawn


def encode_png(drawn: Any) -> bytes:
    """A Pillow image as the bytes of a PNG file; the same image gives the same bytes."""
    file = BytesIO()
    drawn.save(file, format="PNG", optimize=False)
    return file.getvalue()
