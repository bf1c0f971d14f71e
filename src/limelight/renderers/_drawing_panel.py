"""A drawing for one label, through Pillow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from limelight.renderers._cells import replace_unprintable
from limelight.renderers._colours import HUES, mix_with_white
from limelight.renderers._drawing import (
    TEXT_PIXELS,
    Canvas,
    Piece,
    Point,
    choose_area_opacity,
    choose_line_opacity,
    lay_out_drawing,
)
from limelight.renderers._pictures import INK, QUIET, load_font, load_pillow
from limelight.renderers._summary import LabelSummary

__all__ = ["draw_drawing_panel"]

_STROKE_COLOURS = {"ground": QUIET, "unweighted": QUIET, **HUES}
_TEXT_COLOURS = {"ground": QUIET}
_DASH_PIXELS = 5
_GAP_PIXELS = 3
_HALO_PIXELS = 3  # around a text with a weight
_OUTLINE_PIXELS = 1.5  # around other texts, so that they can be read on any background
_OVERSAMPLING = 3  # drawn pixels for each pixel of the panel, in each direction, so that lines are smooth
_CIRCLE_POINTS = 72


def draw_drawing_panel(canvas: Canvas, label: LabelSummary) -> Any:
    """A drawing with its weighted marks tinted, as a Pillow image."""
    sheet, tools = lay_out_drawing(canvas, label), load_pillow()
    size = sheet.width, sheet.height
    panel = tools.image.new("RGB", (_OVERSAMPLING * sheet.width, _OVERSAMPLING * sheet.height), "white")
    pen, font = tools.draw.Draw(panel, "RGBA"), load_font(_OVERSAMPLING * TEXT_PIXELS)
    for piece in sheet.pieces:
        _draw_piece(panel, pen, font, piece)
    return panel.resize(size, tools.image.Resampling.BOX)


def _draw_piece(panel: Any, pen: Any, font: Any, piece: Piece) -> None:
    kind, side = piece.shape.kind, piece.side
    strength = float(piece.strength or 0)
    points = [(_OVERSAMPLING * x, _OVERSAMPLING * y) for x, y in piece.points]
    if kind == "text":
        _write_text(pen, font, piece, points[0], strength)
        return
    if kind == "line":
        colour = INK if side == "ground" else _STROKE_COLOURS[side]
        ink = colour if piece.bar is None else _add_alpha(colour, choose_line_opacity(strength))
        _trace_line(pen, points, ink, piece.size, is_dashed=side == "neg")
        return
    if kind == "raster":
        _paste_raster(panel, piece, points)
        if piece.bar is None:
            return
    corners = _find_corners(kind, points, _OVERSAMPLING * piece.size)
    if kind == "circle" and side != "ground":  # it hides what lies under it
        pen.polygon(corners, fill="white")
    if piece.bar is not None:
        pen.polygon(corners, fill=_add_alpha(HUES[side], choose_area_opacity(strength)))
    _trace_line(pen, [*corners, corners[0]], _STROKE_COLOURS[side], 1, is_dashed=side == "neg")


def _find_corners(kind: str, points: list[Point], radius: float) -> list[Point]:
    if kind == "circle":
        ((x, y),) = points
        angles = [2 * math.pi * i / _CIRCLE_POINTS for i in range(_CIRCLE_POINTS)]
        return [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
    if kind == "polygon":
        return points
    (left, top), (right, bottom) = points
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _trace_line(pen: Any, points: Sequence[Point], colour: Any, width: float, *, is_dashed: bool) -> None:
    pixels = max(1, round(_OVERSAMPLING * width))
    for stretch in _cut_dashes(points) if is_dashed else [points]:
        pen.line(stretch, fill=colour, width=pixels, joint="curve")


def _cut_dashes(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The dashes of a dashed line."""
    lengths, is_gap = (_OVERSAMPLING * _DASH_PIXELS, _OVERSAMPLING * _GAP_PIXELS), False
    remaining, dash = float(lengths[is_gap]), [points[0]]
    for start, stop in pairwise(points):
        length, done = math.dist(start, stop), 0.0
        while length - done > remaining:
            done += remaining
            share = done / length
            corner = start[0] + share * (stop[0] - start[0]), start[1] + share * (stop[1] - start[1])
            if not is_gap:
                yield [*dash, corner]
            dash, is_gap = [corner], not is_gap
            remaining = lengths[is_gap]
        remaining -= length - done
        dash.append(stop)
    if not is_gap and len(dash) > 1:
        yield dash


def _write_text(pen: Any, font: Any, piece: Piece, place: Point, strength: float) -> None:
    anchor = {"start": "lm", "middle": "mm", "end": "rm"}[piece.shape.anchor]
    text = replace_unprintable(piece.short_text)
    halo, width = "white", _OUTLINE_PIXELS
    if piece.bar is not None:
        share = 0.15 + 0.35 * strength
        halo, width = mix_with_white(HUES[piece.side], share), _HALO_PIXELS
    ink = _TEXT_COLOURS.get(piece.side, INK)
    pen.text(place, text, fill=ink, font=font, anchor=anchor, stroke_width=round(_OVERSAMPLING * width), stroke_fill=halo)
    if piece.side == "neg":
        left, _, right, bottom = pen.textbbox(place, text, font=font, anchor=anchor)
        pen.line([(left, bottom + _OVERSAMPLING), (right, bottom + _OVERSAMPLING)], fill=ink, width=_OVERSAMPLING)


def _paste_raster(panel: Any, piece: Piece, points: Sequence[Point]) -> None:
    """Draw the part of a raster that lies on the panel."""
    image = load_pillow().image
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


def _add_alpha(colour: str, alpha: float) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue, round(255 * alpha)
