"""A drawing through Pillow: one panel for a label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from limelight.renderers._drawing import TEXT_PIXELS, Piece, Point, lay_out
from limelight.renderers._pictures import pillow, typeface
from limelight.renderers._summary import LabelSummary
from limelight.results.image_view import AGAINST, FOR
from limelight.results.views import DrawingView

__all__ = ["drawing_panel"]

# As in the pages' style sheet.
_HUES = {"pos": FOR, "neg": AGAINST}
_INK, _QUIET, _LINE, _TINT = "#1c2024", "#5b636b", "#dde1e5", "#f5f6f8"
_STROKES = {"ground": _LINE, "unweighted": _QUIET, **_HUES}
_TEXTS = {"ground": _QUIET}
_DASH_PIXELS, _GAP_PIXELS = 5, 3
_HALO_PIXELS = 3  # around a text with a weight
_OUTLINE_PIXELS = 1.5  # around another, to be read on any ground
_FINENESS = 3  # pixels that are drawn for each one of the panel, so that its lines are smooth
_CIRCLE_POINTS = 72


def drawing_panel(view: DrawingView, label: LabelSummary) -> Any:
    """A drawing with its weighted marks tinted, as a Pillow image."""
    sheet, image = lay_out(view, label), pillow().image
    size = sheet.width, sheet.height
    panel = image.new("RGB", (_FINENESS * sheet.width, _FINENESS * sheet.height), "white")
    for piece in sheet.pieces:
        _draw(panel, piece)
    return panel.resize(size, image.Resampling.BOX)


def _draw(panel: Any, piece: Piece) -> None:
    kind, side = piece.shape.kind, piece.side
    strength = float(piece.strength or 0)
    points = [(_FINENESS * x, _FINENESS * y) for x, y in piece.points]
    pen = pillow().draw.Draw(panel, "RGBA")
    if kind == "text":
        _write(pen, piece, points[0], strength)
        return
    if kind == "line":
        colour = _INK if side == "ground" else _with_alpha(_STROKES[side], 0.4 + 0.6 * strength if piece.bar else 1)
        _trace(pen, points, colour, piece.size, is_dashed=side == "neg")
        return
    if kind == "raster":
        _paste(panel, piece, points)
        if piece.bar is None:
            return
    corners = _corners(kind, points, _FINENESS * piece.size)
    if kind == "circle" and side != "ground":  # which hides what is under it
        pen.polygon(corners, fill="white")
    if piece.bar is not None:
        pen.polygon(corners, fill=_with_alpha(_HUES[side], 0.08 + 0.5 * strength))
    elif side == "ground":
        pen.polygon(corners, fill=_TINT)
    _trace(pen, [*corners, corners[0]], _STROKES[side], 1, is_dashed=side == "neg")


def _corners(kind: str, points: list[Point], radius: float) -> list[Point]:
    if kind == "circle":
        ((x, y),) = points
        angles = [2 * math.pi * i / _CIRCLE_POINTS for i in range(_CIRCLE_POINTS)]
        return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
    if kind == "polygon":
        return points
    (left, top), (right, bottom) = points
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _trace(pen: Any, points: Sequence[Point], colour: Any, width: float, *, is_dashed: bool) -> None:
    pixels = max(1, round(_FINENESS * width))
    for stretch in _dashes(points) if is_dashed else [points]:
        pen.line(stretch, fill=colour, width=pixels, joint="curve")


def _dashes(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The pieces of a line that are left where it is dashed."""
    lengths, is_gap = (_FINENESS * _DASH_PIXELS, _FINENESS * _GAP_PIXELS), False
    left, dash = float(lengths[is_gap]), [points[0]]
    for start, stop in pairwise(points):
        length, done = math.dist(start, stop), 0.0
        while length - done > left:
            done += left
            share = done / length
            corner = start[0] + share * (stop[0] - start[0]), start[1] + share * (stop[1] - start[1])
            if not is_gap:
                yield [*dash, corner]
            dash, is_gap = [corner], not is_gap
            left = lengths[is_gap]
        left -= length - done
        dash.append(stop)
    if not is_gap and len(dash) > 1:
        yield dash


def _write(pen: Any, piece: Piece, place: Point, strength: float) -> None:
    anchor = {"start": "lm", "middle": "mm", "end": "rm"}[piece.shape.anchor]
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in piece.short_text)
    font, halo, width = typeface(_FINENESS * TEXT_PIXELS), "white", _OUTLINE_PIXELS
    if piece.bar is not None:
        share = 0.15 + 0.35 * strength
        levels = (255 + share * (level - 255) for level in bytes.fromhex(_HUES[piece.side][1:]))
        halo, width = "#" + bytes(map(round, levels)).hex(), _HALO_PIXELS
    ink = _TEXTS.get(piece.side, _INK)
    pen.text(place, text, fill=ink, font=font, anchor=anchor, stroke_width=round(_FINENESS * width), stroke_fill=halo)
    if piece.side == "neg":
        left, _, right, bottom = pen.textbbox(place, text, font=font, anchor=anchor)
        pen.line([(left, bottom + _FINENESS), (right, bottom + _FINENESS)], fill=ink, width=_FINENESS)


def _paste(panel: Any, piece: Piece, points: Sequence[Point]) -> None:
    """Draw a raster; only what of it is on the panel is made as large as it is there."""
    image = pillow().image
    levels = np.array([np.frombuffer(row, dtype=np.uint8) for row in piece.shape.levels])
    (left, top), (right, bottom) = points
    columns, rows = (
        np.arange(max(0, math.floor(start)), min(limit, math.ceil(stop)))
        for start, stop, limit in ((left, right, panel.width), (top, bottom, panel.height))
    )
    if not columns.size or not rows.size:
        return
    across, down = (
        np.clip(((places + 0.5 - start) / (stop - start) * count).astype(int), 0, count - 1)
        for places, start, stop, count in ((columns, left, right, levels.shape[1]), (rows, top, bottom, levels.shape[0]))
    )
    panel.paste(image.fromarray(levels[np.ix_(down, across)]), (int(columns[0]), int(rows[0])))


def _with_alpha(colour: str, alpha: float) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue, round(255 * alpha)
