"""The small charts of a report, in pixels: a histogram of the fidelities, and a curve of the share that the picks cover."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Curve", "Histogram", "Mark", "draw_coverage", "draw_fidelity"]

_WIDTH_PIXELS = 360
_HEIGHT_PIXELS = 150
# The edges of the area inside the axes.
_LEFT_PIXELS = 60
_RIGHT_PIXELS = 350
_TOP_PIXELS = 10
_BOTTOM_PIXELS = 128
_BINS = 20  # from 0 to 1; one more holds all below 0
_GAP_PIXELS = 6  # between that bin and the others


@dataclass(frozen=True)
class Mark:
    """A bar with its corner and size, or a dot with its middle, and the text for a pointer."""

    x: str
    y: str
    width: str
    height: str
    text: str


@dataclass(frozen=True)
class _Chart:
    """The size of a chart, the edges of its area, and its marks."""

    marks: tuple[Mark, ...]
    width: int = _WIDTH_PIXELS
    height: int = _HEIGHT_PIXELS
    left: int = _LEFT_PIXELS
    right: int = _RIGHT_PIXELS
    top: int = _TOP_PIXELS
    bottom: int = _BOTTOM_PIXELS


@dataclass(frozen=True)
class Histogram(_Chart):
    """The number of explanations in each bin of fidelity; `zero` is the x of 0, and `most` the count of the highest bar."""

    zero: int = _LEFT_PIXELS
    most: int = 0


@dataclass(frozen=True)
class Curve(_Chart):
    """The share that is covered after each pick; `line` has the points of a polyline that starts at 0."""

    line: str = ""


def draw_fidelity(fidelities: Sequence[float]) -> Histogram:
    """Draw a histogram of finite fidelities."""
    values = np.array(fidelities)
    below = int(np.sum(values < 0))
    counts = [below, *np.histogram(np.minimum(values[values >= 0], 1.0), _BINS, (0.0, 1.0))[0].tolist()]
    step = (_RIGHT_PIXELS - _LEFT_PIXELS - _GAP_PIXELS) / (_BINS + 1)
    marks = []
    for i, count in enumerate(counts):
        if count:
            x, height = _LEFT_PIXELS + i * step + _GAP_PIXELS * (i > 0), (_BOTTOM_PIXELS - _TOP_PIXELS) * count / max(counts)
            ends = f"{(i - 1) / _BINS:.2f} to {i / _BINS:.2f}" if i else "below 0"
            marks.append(
                Mark(f"{x:.1f}", f"{_BOTTOM_PIXELS - height:.1f}", f"{step - 1:.1f}", f"{height:.1f}", f"{ends}: {count}")
            )
    return Histogram(tuple(marks), zero=math.ceil(_LEFT_PIXELS + step + _GAP_PIXELS), most=max(counts))


def draw_coverage(coverage: Sequence[float]) -> Curve:
    """Draw the curve of the share that is covered after each pick."""

    def place(picks: int, share: float) -> tuple[str, str]:
        return (
            f"{_LEFT_PIXELS + (_RIGHT_PIXELS - _LEFT_PIXELS) * picks / len(coverage):.1f}",
            f"{_BOTTOM_PIXELS - (_BOTTOM_PIXELS - _TOP_PIXELS) * share:.1f}",
        )

    places = [place(i, share) for i, share in enumerate((0.0, *coverage))]
    marks = [
        Mark(x, y, "", "", f"after {i}: {100 * share:.3g} %")
        for i, ((x, y), share) in enumerate(zip(places[1:], coverage, strict=True), 1)
    ]
    return Curve(tuple(marks), line=" ".join(",".join(point) for point in places))
