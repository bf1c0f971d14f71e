"""Outlines of an image's weighted superpixels, in pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from limelight.renderers._bars import Bar
from limelight.renderers._pictures import NUMERAL_PIXELS, find_enlargement, find_middle, read_numeral
from limelight.renderers._summary import LabelSummary
from limelight.results.views import ImageView

__all__ = ["Overlay", "lay_out_overlay"]

_Corner = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Region:
    """A weighted superpixel: its tint's strength, its outline as an SVG path, and its number with the number's place."""

    bar: Bar
    strength: str
    path: str
    number: str
    x: str
    y: str


@dataclass(frozen=True)
class Overlay:
    """All weighted superpixels, and the size of their numbers' letters."""

    width: int
    height: int
    size: str
    regions: tuple[Region, ...]


def lay_out_overlay(view: ImageView, label: LabelSummary, screen_width: int | None = None) -> Overlay:
    """Outline an image's superpixels, with their weights for a label.

    The numbers' size is that for an image that is shown in a panel, or as wide as `screen_width` pixels.
    """
    regions = []
    for bar in label.visible_bars:
        inside = view.segments == bar.component
        if inside.any():  # the smallest can disappear when the image is reduced
            column, row = find_middle(inside)
            place = f"{column + 0.5:g}", f"{row + 0.5:g}"
            regions.append(Region(bar, label.strength(bar), _trace_outline(inside), read_numeral(bar), *place))
    enlargement = find_enlargement(view) if screen_width is None else screen_width / view.width
    return Overlay(view.width, view.height, f"{NUMERAL_PIXELS / enlargement:.2g}", tuple(regions))


def _trace_outline(inside: np.ndarray) -> str:
    """The SVG path around a set of pixels, in closed loops along their edges; `inside` is bool, of shape (height, width)."""
    edges, path = _find_edges(inside), ""
    while edges:
        start = next(iter(edges))
        loop = [start, _take_edge(edges, start)]
        while loop[-1] != start:
            loop.append(_take_edge(edges, loop[-1]))
        steps = groupby((after[0] - before[0], after[1] - before[1]) for before, after in pairwise(loop))
        path += f"M{start[1]} {start[0]}" + "".join(_write_step(*step, len(list(same))) for step, same in steps) + "z"
    return path


def _write_step(rows: int, columns: int, length: int) -> str:
    """A straight piece of a path, as SVG writes it."""
    return f"v{rows * length}" if rows else f"h{columns * length}"


def _take_edge(edges: dict[_Corner, list[_Corner]], corner: _Corner) -> _Corner:
    """Remove an edge that leaves a corner, and return the corner where it ends."""
    *rest, end = edges.pop(corner)
    if rest:
        edges[corner] = rest
    return end


def _find_edges(inside: np.ndarray) -> dict[_Corner, list[_Corner]]:
    """For each corner of the outline the corners where its edges end; the inside is always on the right."""
    padded = np.pad(inside, 1)
    center = padded[1:-1, 1:-1]
    sides = {
        ((0, 0), (0, 1)): padded[:-2, 1:-1],
        ((0, 1), (1, 1)): padded[1:-1, 2:],
        ((1, 1), (1, 0)): padded[2:, 1:-1],
        ((1, 0), (0, 0)): padded[1:-1, :-2],
    }
    edges: dict[_Corner, list[_Corner]] = {}
    for (start, stop), neighbour in sides.items():
        for row, column in np.argwhere(center & ~neighbour).tolist():
            edges.setdefault((row + start[0], column + start[1]), []).append((row + stop[0], column + stop[1]))
    return edges
