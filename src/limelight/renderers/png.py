"""An explanation as one PNG: an image or a drawing with its parts tinted for each label, or the weights as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from limelight.renderers._drawing import prepare_canvas
from limelight.renderers._drawing_panel import draw_drawing_panel
from limelight.renderers._figure_file import draw_file
from limelight.renderers._names import drop_isolates, shorten_names
from limelight.renderers._pictures import INK, QUIET, draw_image_panel, draw_overlay_panel, encode_png, load_font, load_pillow
from limelight.renderers._slices import choose_slices, draw_slices
from limelight.renderers._summary import LabelSummary, summarise
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation
from limelight.results.views import DrawingView, ImageView, VolumeView

__all__ = ["render_png"]

_LEAST_PANEL_PIXELS = 240  # the width that has room for a name
_GAP_PIXELS = 12
_LINE_PIXELS = 24
_LETTER_PIXELS = 15
_MOST_COLUMNS = 4
_MOST_NAME_CELLS = 60  # more than fit the widest panel


class _Panel(NamedTuple):
    """A picture with a name, a value and how far to trust it above it."""

    name: str
    value: str
    trust: str
    picture: Any

    @classmethod
    def of(cls, label: LabelSummary, picture: Any) -> _Panel:
        """A picture of a label; some fonts lack the minus sign."""
        value, trust = (text.replace("\N{MINUS SIGN}", "-") for text in (label.prediction, label.trust))
        return cls(label.name, value, trust, picture)


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
    if not isinstance(view, (ImageView, VolumeView, DrawingView)):
        return draw_file(explanation, "png")
    labels = summarise(explanation).labels
    if isinstance(view, ImageView):
        panels = [_Panel("the image", "", "", draw_image_panel(view))]
        panels += [_Panel.of(label, draw_overlay_panel(view, label)) for label in labels]
    elif isinstance(view, VolumeView):
        numbers = choose_slices(view, labels)
        panels = [_Panel("the volume", "", "", draw_slices(view, numbers))]
        panels += [_Panel.of(label, draw_slices(view, numbers, label)) for label in labels]
    else:
        canvas = prepare_canvas(view)
        panels = [_Panel.of(label, draw_drawing_panel(canvas, label)) for label in labels]
    tools, first = load_pillow(), panels[0].picture
    width, height = max(first.width, _LEAST_PANEL_PIXELS) + _GAP_PIXELS, first.height + 2 * _LINE_PIXELS + _GAP_PIXELS
    columns, rows = min(len(panels), _MOST_COLUMNS), -(-len(panels) // _MOST_COLUMNS)
    size = (columns * width + _GAP_PIXELS, rows * height + _GAP_PIXELS)
    sheet = tools.image.new("RGB", size, "white")
    pen, font = tools.draw.Draw(sheet), load_font(_LETTER_PIXELS)
    names = _shorten_headings(pen, font, panels, width - _GAP_PIXELS)
    for number, (panel, name) in enumerate(zip(panels, names, strict=True)):
        left, top = _GAP_PIXELS + number % _MOST_COLUMNS * width, _GAP_PIXELS // 2 + number // _MOST_COLUMNS * height
        pen.text((left, top), name, fill=INK, font=font)
        pen.text((left + pen.textlength(f"{name} ", font=font), top), panel.value, fill=QUIET, font=font)
        pen.text((left, top + _LINE_PIXELS), panel.trust, fill=QUIET, font=font)
        sheet.paste(panel.picture, (left, top + 2 * _LINE_PIXELS))
    return encode_png(sheet)


def _shorten_headings(pen: Any, font: Any, panels: Sequence[_Panel], room: float) -> list[str]:
    """The panels' names, cut so that each fits a width in pixels beside its value."""
    names = [drop_isolates(panel.name) for panel in panels]  # not every Pillow knows of them
    for cells in range(_MOST_NAME_CELLS, 1, -1):
        short = shorten_names(names, cells)
        headings = (f"{short[name]} {panel.value}" for name, panel in zip(names, panels, strict=True))
        if all(pen.textlength(heading, font=font) <= room for heading in headings):
            break
    return [short[name] for name in names]
