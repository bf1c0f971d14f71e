"""A drawing in matplotlib's axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from limelight.renderers._axes import choose_hue, escape, read_ink
from limelight.renderers._bars import Bar
from limelight.renderers._drawing import choose_area_opacity, choose_line_opacity, shorten_text
from limelight.renderers._summary import LabelSummary
from limelight.results.views import DrawingView, Shape

__all__ = ["ShapePlotter"]

_EXTRA_LINE_POINTS = 2  # added to a weighted line
_PALE_OPACITY = 0.5  # of shapes without a weight
_ALIGNMENTS = {"start": "left", "middle": "center", "end": "right"}


@dataclass(frozen=True)
class ShapePlotter:
    """Draws shapes into axes, in the drawing's own units.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to draw into.
    """

    ax: Any

    def draw(self, view: DrawingView, label: LabelSummary) -> None:
        """Draw a whole view, tinted by a label's weights, in proportion."""
        bars = label.visible_by_component
        shapes = [
            *((None, shape) for shape in view.background),
            *((bars.get(mark.component), mark.shape) for mark in view.marks),
        ]
        for order, (bar, shape) in enumerate(shapes):
            if bar is None:
                is_in_full_ink = shape.kind == "line" and order < len(view.background)
                self._draw_neutral(shape, 1.0 if is_in_full_ink else _PALE_OPACITY, order)
            else:
                self._draw_weighted(shape, bar, abs(bar.weight) / label.heaviest, order)
        self.ax.set_xlim(0, view.width)
        self.ax.set_ylim(view.height, 0)
        self.ax.set_aspect("equal")
        self.ax.set_axis_off()

    def _draw_neutral(self, shape: Shape, opacity: float, order: int) -> None:
        from matplotlib.colors import to_rgba

        edge = to_rgba(read_ink(self.ax), opacity)
        if shape.kind == "line":
            self.ax.plot(*_coordinates(shape), color=edge, linewidth=shape.width, zorder=order)
        elif shape.kind == "text":
            self._write(shape, order, edgecolor="none", pad=1)
        elif shape.kind == "raster":
            self._draw_raster(shape, order)
        else:
            self.ax.add_patch(_patch(shape, edgecolor=edge, facecolor=self._ground(shape), zorder=order))

    def _draw_weighted(self, shape: Shape, bar: Bar, share: float, order: int) -> None:
        from matplotlib.colors import to_rgba

        hue, style = choose_hue(self.ax, bar), "--" if bar.weight < 0 else "-"  # never colour alone
        tint = to_rgba(hue, choose_area_opacity(share))
        if shape.kind == "line":
            width, colour = shape.width + _EXTRA_LINE_POINTS, to_rgba(hue, choose_line_opacity(share))
            self.ax.plot(*_coordinates(shape), color=colour, linewidth=width, linestyle=style, zorder=order)
            return
        if shape.kind == "text":
            self._write(shape, order, edgecolor="none", pad=2)
            self._write(shape, order, edgecolor=hue if bar.weight < 0 else "none", facecolor=tint, linestyle=style, pad=2)
            return
        if shape.kind == "raster":
            self._draw_raster(shape, order)
        self.ax.add_patch(_patch(shape, edgecolor="none", facecolor=self._ground(shape), zorder=order))
        self.ax.add_patch(_patch(shape, edgecolor=hue, facecolor=tint, linestyle=style, zorder=order))

    def _ground(self, shape: Shape) -> Any:
        """The colour under a tint: a circle hides what lies behind it, other areas do not."""
        return self.ax.get_facecolor() if shape.kind == "circle" else "none"

    def _write(self, shape: Shape, order: int, **box: Any) -> None:
        self.ax.text(
            *shape.numbers,
            escape(shorten_text(shape)),
            color=read_ink(self.ax),
            fontsize="small",
            horizontalalignment=_ALIGNMENTS[shape.anchor],
            verticalalignment="center",
            clip_on=True,
            bbox={"facecolor": self.ax.get_facecolor(), **box},
            zorder=order,
        )

    def _draw_raster(self, shape: Shape, order: int) -> None:
        left, top, right, bottom = shape.numbers
        levels = [list(row) for row in shape.levels]
        extent = (left, right, bottom, top)
        self.ax.imshow(levels, cmap="gray", vmin=0, vmax=255, extent=extent, aspect="auto", zorder=order)


def _coordinates(shape: Shape) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The x of each point of a line, and the y of each."""
    return shape.numbers[::2], shape.numbers[1::2]


def _patch(shape: Shape, **look: Any) -> Any:
    """The area of a shape as a patch; a raster's is its rectangle."""
    from matplotlib import patches

    if shape.kind == "circle":
        x, y, radius = shape.numbers
        return patches.Circle((x, y), radius, **look)
    if shape.kind == "polygon":
        return patches.Polygon(shape.points, **look)
    left, top, right, bottom = shape.numbers
    return patches.Rectangle((left, top), right - left, bottom - top, **look)
