"""An image's weighted superpixels as outlines, in pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from limelight.renderers._pictures import NUMERALS, enlargement, middle, numeral
from limelight.renderers._summary import Bar, LabelSummary
from limelight.results.views import ImageView

__all__ = ["Overlay", "Region", "draw_overlay"]

_Corner = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Region:
    """A weighted superpixel: how strongly it is tinted, its outline as an SVG path, and its number with the number's place."""

    bar: Bar
    strength: str
    path: str
    number: str
    x: str
    y: str


@dataclass(frozen=True)
class Overlay:
    """All weighted superpixels; `size` is that of their numbers."""

    width: int
    height: int
    size: str
    regions: tuple[Region, ...]


def draw_overlay(view: ImageView, label: LabelSummary) -> Overlay:
    """Outline an image's superpixels, tinted by what they say about a label."""
    regions = []
    for bar in label.seen:
        inside = view.segments == bar.component
        if inside.any():  # the smallest may be gone where the image was reduced
            column, row = middle(inside)
            place = f"{column + 0.5:g}", f"{row + 0.5:g}"
            regions.append(Region(bar, label.strength(bar), _outline(inside), numeral(bar), *place))
    return Overlay(view.width, view.height, f"{NUMERALS / enlargement(view):.2g}", tuple(regions))


def _outline(inside: np.ndarray) -> str:
    """The path around a set of pixels, along their edges, as closed loops."""
    following, path = _edges(inside), ""
    while following:
        start = next(iter(following))
        loop = [start, _take(following, start)]
        while loop[-1] != start:
            loop.append(_take(following, loop[-1]))
        steps = groupby((after[0] - before[0], after[1] - before[1]) for before, after in pairwise(loop))
        path += f"M{start[1]} {start[0]}" + "".join(_side(*step, len(list(same))) for step, same in steps) + "z"
    return path


def _side(rows: int, columns: int, length: int) -> str:
    """A straight piece of a path."""
    return f"v{rows * length}" if rows else f"h{columns * length}"


def _take(following: dict[_Corner, list[_Corner]], corner: _Corner) -> _Corner:
    """The next corner, whose edge is used up."""
    *rest, after = following.pop(corner)
    if rest:
        following[corner] = rest
    return after


def _edges(inside: np.ndarray) -> dict[_Corner, list[_Corner]]:
    """For each corner of the outline where its edges lead to, the inside always on the right."""
    padded = np.pad(inside, 1)
    here = padded[1:-1, 1:-1]
    sides = {
        ((0, 0), (0, 1)): padded[:-2, 1:-1],
        ((0, 1), (1, 1)): padded[1:-1, 2:],
        ((1, 1), (1, 0)): padded[2:, 1:-1],
        ((1, 0), (0, 0)): padded[1:-1, :-2],
    }
    following: dict[_Corner, list[_Corner]] = {}
    for (start, stop), neighbour in sides.items():
        for row, column in np.argwhere(here & ~neighbour).tolist():
            following.setdefault((row + start[0], column + start[1]), []).append((row + stop[0], column + stop[1]))
    return following
