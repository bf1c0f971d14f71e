"""An explained image, or a drawing of another instance, as one PNG: what speaks for and against each label, side by side."""

from __future__ import annotations

from typing import Any

from limelight._errors import ArgumentError
from limelight.renderers._drawing_panel import drawing_panel
from limelight.renderers._pictures import encode_png, image_panel, overlay_panel, pillow, typeface
from limelight.renderers._summary import summarise
from limelight.renderers._views import view_to_draw
from limelight.results.explanation import Explanation
from limelight.results.views import DrawingView, ImageView

__all__ = ["render_png"]

_NARROWEST = 240  # a panel with room for its name
_GAP, _LINE, _SIZE = 12, 24, 15
_ABREAST = 4  # panels in a row
_INK, _QUIET = (28, 32, 36), (91, 99, 107)


def render_png(explanation: Explanation) -> bytes:
    """Draw an explained image and an overlay for each explained label, or a drawing for each label, side by side.

    What speaks for the label is blue, what speaks against it orange, the stronger the heavier.

    Parameters
    ----------
    explanation : Explanation
        Of an image, or with a view that has a drawing.

    Returns
    -------
    png : bytes
        The contents of a PNG file.

    Raises
    ------
    ArgumentError
        If the view is neither an image nor has a drawing.
    MissingDependencyError
        If Pillow is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight import ImageExplainer
    >>> from limelight.renderers.png import render_png
    >>> image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    >>> explanation = ImageExplainer("grid").explain_instance(image, lambda images: images[:, :4, :4].mean(axis=(1, 2)))
    >>> render_png(explanation)[1:4]
    b'PNG'
    """
    view, labels = view_to_draw(explanation), summarise(explanation).labels
    if isinstance(view, ImageView):
        panels = [("the image", "", image_panel(view))]
        panels += [(label.name, label.prediction, overlay_panel(view, label)) for label in labels]
    elif isinstance(view, DrawingView):
        panels = [(label.name, label.prediction, drawing_panel(view, label)) for label in labels]
    else:
        raise ArgumentError(
            "a PNG can be drawn of an explained image, or of a view with a drawing; this explains a "
            f"{explanation.view.kind}. Save it as .html."
        )
    tools = pillow()
    width, height = max(panels[0][2].width, _NARROWEST) + _GAP, panels[0][2].height + _LINE + _GAP
    columns, rows = min(len(panels), _ABREAST), -(-len(panels) // _ABREAST)
    size = (columns * width + _GAP, rows * height + _GAP)
    sheet = tools.image.new("RGB", size, "white")
    pen, font = tools.draw.Draw(sheet), typeface(_SIZE)
    for number, (name, value, panel) in enumerate(panels):
        left, top = _GAP + number % _ABREAST * width, _GAP // 2 + number // _ABREAST * height
        value = value.replace("\N{MINUS SIGN}", "-")  # which not every font has
        shown = _cut(pen, font, name, width - _GAP - pen.textlength(f" {value}", font=font))
        pen.text((left, top), shown, fill=_INK, font=font)
        pen.text((left + pen.textlength(f"{shown} ", font=font), top), value, fill=_QUIET, font=font)
        sheet.paste(panel, (left, top + _LINE))
    return encode_png(sheet)


def _cut(pen: Any, font: Any, name: str, room: float) -> str:
    """As much of a name as there is room for, on one line."""
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)[:200]
    if pen.textlength(line, font=font) <= room:
        return line
    while line and pen.textlength(f"{line}\N{HORIZONTAL ELLIPSIS}", font=font) > room:
        line = line[:-1]
    return f"{line}\N{HORIZONTAL ELLIPSIS}"
