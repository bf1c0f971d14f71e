"""The small drawings of a report, in the units of an SVG: how fidelity is spread, and what the picks cover."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Curve", "Histogram", "Mark", "draw_coverage", "draw_fidelity"]

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 60, 350, 10, 128  # of the ground
BINS = 20  # from 0 to 1; what is below 0 has one more
_GAP = 6  # between that one and the others


@dataclass(frozen=True)
class Mark:
    """A bar or a dot: where it is, how large, and what it says; a dot has its middle there, and no size."""

    x: str
    y: str
    width: str
    height: str
    text: str


@dataclass(frozen=True)
class _Drawing:
    """What both have: their sizes, and the marks."""

    marks: tuple[Mark, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


@dataclass(frozen=True)
class Histogram(_Drawing):
    """How many explanations have which fidelity; `zero` is where 0 lies, `most` what the highest bar stands for."""

    zero: int = LEFT
    most: int = 0


@dataclass(frozen=True)
class Curve(_Drawing):
    """What share is covered after each pick; `line` are the points of a polyline from nothing on."""

    line: str = ""


def draw_fidelity(fidelities: Sequence[float]) -> Histogram:
    """A histogram of some fidelities."""
    known = np.array(fidelities)
    below = int(np.sum(known < 0))
    counts = [below, *np.histogram(np.minimum(known[known >= 0], 1.0), BINS, (0.0, 1.0))[0].tolist()]
    step = (RIGHT - LEFT - _GAP) / (BINS + 1)
    marks = []
    for i, count in enumerate(counts):
        if count:
            x, height = LEFT + i * step + _GAP * (i > 0), (BOTTOM - TOP) * count / max(counts)
            ends = f"{(i - 1) / BINS:.2f} to {i / BINS:.2f}" if i else "below 0"
            marks.append(Mark(f"{x:.1f}", f"{BOTTOM - height:.1f}", f"{step - 1:.1f}", f"{height:.1f}", f"{ends}: {count}"))
    return Histogram(tuple(marks), zero=math.ceil(LEFT + step + _GAP), most=max(counts))


def draw_coverage(coverage: Sequence[float]) -> Curve:
    """The curve of what is covered after each of some picks."""

    def place(picks: int, share: float) -> tuple[str, str]:
        return f"{LEFT + (RIGHT - LEFT) * picks / len(coverage):.1f}", f"{BOTTOM - (BOTTOM - TOP) * share:.1f}"

    places = [place(i, share) for i, share in enumerate((0.0, *coverage))]
    marks = [
        Mark(x, y, "", "", f"after {i}: {100 * share:.3g} %")
        for i, ((x, y), share) in enumerate(zip(places[1:], coverage, strict=True), 1)
    ]
    return Curve(tuple(marks), line=" ".join(",".join(point) for point in places))
