"""An explanation as one PNG: an image or a drawing with its parts tinted for each label, or the weights as bars."""

from __future__ import annotations

from typing import Any

from limelight.renderers._cells import replace_unprintable
from limelight.renderers._drawing import prepare_canvas
from limelight.renderers._drawing_panel import draw_drawing_panel
from limelight.renderers._figure_file import draw_file
from limelight.renderers._pictures import INK, QUIET, draw_image_panel, draw_overlay_panel, encode_png, load_font, load_pillow
from limelight.renderers._summary import summarise
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation
from limelight.results.views import DrawingView, ImageView

__all__ = ["render_png"]

_LEAST_PANEL_PIXELS = 240  # the width that has room for a name
_GAP_PIXELS = 12
_LINE_PIXELS = 24
_LETTER_PIXELS = 15
_MOST_COLUMNS = 4
_MOST_LETTERS = 200  # of a name; longer ones would take long to measure


def render_png(explanation: Explanation) -> bytes:
    """Draw an explanation as a picture.

    Of an image there is the image itself and an overlay for each explained label, and of a drawing one for each label, side by
    side, by Pillow. Of other instances there are the weights as bars and the text with its words tinted, or the series, one
    label below the other, by matplotlib. Components that speak for the label are blue, those against it orange; the heavier,
    the stronger the tint.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    png : bytes
        The contents of a PNG file.

    Raises
    ------
    MissingDependencyError
        If Pillow or matplotlib is needed and not installed.

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
    view = choose_view(explanation).view
    if not isinstance(view, (ImageView, DrawingView)):
        return draw_file(explanation, "png")
    labels = summarise(explanation).labels
    if isinstance(view, ImageView):
        panels = [("the image", "", draw_image_panel(view))]
        panels += [(label.name, label.prediction, draw_overlay_panel(view, label)) for label in labels]
    else:
        canvas = prepare_canvas(view)
        panels = [(label.name, label.prediction, draw_drawing_panel(canvas, label)) for label in labels]
    tools = load_pillow()
    width, height = max(panels[0][2].width, _LEAST_PANEL_PIXELS) + _GAP_PIXELS, panels[0][2].height + _LINE_PIXELS + _GAP_PIXELS
    columns, rows = min(len(panels), _MOST_COLUMNS), -(-len(panels) // _MOST_COLUMNS)
    size = (columns * width + _GAP_PIXELS, rows * height + _GAP_PIXELS)
    sheet = tools.image.new("RGB", size, "white")
    pen, font = tools.draw.Draw(sheet), load_font(_LETTER_PIXELS)
    for number, (name, value, panel) in enumerate(panels):
        left, top = _GAP_PIXELS + number % _MOST_COLUMNS * width, _GAP_PIXELS // 2 + number // _MOST_COLUMNS * height
        value = value.replace("\N{MINUS SIGN}", "-")  # some fonts lack the minus sign
        short_name = _cut(pen, font, name, width - _GAP_PIXELS - pen.textlength(f" {value}", font=font))
        pen.text((left, top), short_name, fill=INK, font=font)
        pen.text((left + pen.textlength(f"{short_name} ", font=font), top), value, fill=QUIET, font=font)
        sheet.paste(panel, (left, top + _LINE_PIXELS))
    return encode_png(sheet)


def _cut(pen: Any, font: Any, name: str, room: float) -> str:
    """The beginning of a name that fits a width in pixels, on one line."""
    line = replace_unprintable(name[:_MOST_LETTERS])
    if pen.textlength(line, font=font) <= room:
        return line
    while line and pen.textlength(f"{line}\N{HORIZONTAL ELLIPSIS}", font=font) > room:
        line = line[:-1]
    return f"{line}\N{HORIZONTAL ELLIPSIS}"
