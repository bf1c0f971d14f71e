"""An explained instance in matplotlib's axes, tinted by a label's weights, or the weights as bars."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from limelight.renderers._axes import choose_hue, draw_bars, read_ink, write_names
from limelight.renderers._names import show_names
from limelight.renderers._plot_shapes import ShapePlotter
from limelight.renderers._series import find_runs
from limelight.renderers._slices import choose_slices, draw_slices
from limelight.renderers._summary import LabelSummary
from limelight.results.views import DrawingView, ImageView, SeriesView, VolumeView

__all__ = ["PLOTTERS", "draw_weights"]


def draw_weights(ax: Any, label: LabelSummary) -> None:
    """Draw a label's weights as bars with whiskers."""
    # Never colour alone: weights against the label are hatched, too.
    hatches = ["//" if bar.weight < 0 else "" for bar in label.bars]
    draw_bars(ax, label.bars, color=[choose_hue(ax, bar) for bar in label.bars], hatch=hatches)
    ax.set_xlabel("weight")


def _draw_image(ax: Any, view: ImageView, label: LabelSummary) -> None:
    ax.imshow(view.overlay([(bar.component, bar.weight) for bar in label.bars]))
    ax.set_axis_off()


def _draw_volume(ax: Any, view: VolumeView, label: LabelSummary) -> None:
    ax.imshow(np.asarray(draw_slices(view, choose_slices(view, [label]), label)))
    ax.set_axis_off()


def _draw_drawing(ax: Any, view: DrawingView, label: LabelSummary) -> None:
    ShapePlotter(ax).draw(view, label)


def _draw_series(ax: Any, view: SeriesView, label: LabelSummary) -> None:
    """Draw one channel in its own unit, or several one below the other, each from its lowest to its highest value."""
    bars = label.visible_by_component
    count = len(view.channels)
    for number, channel in enumerate(view.channels):
        base, values = count - 1 - number, [math.nan if value is None else value for value in channel]
        if count > 1:
            known = [value for value in channel if value is not None]
            low = min(known, default=0.0)
            spread = max(known, default=0.0) - low
            values = [base + 0.1 + 0.8 * ((value - low) / spread if spread > 0 else 0.5) for value in values]
        ax.plot(range(len(values)), values, color=read_ink(ax), linewidth=1)
        for start, stop in find_runs(channel, are_missing=True):
            ax.axvspan(start - 0.5, stop - 0.5, base / count, (base + 1) / count, color="grey", alpha=0.35, linewidth=0)
        alone = [start for start, stop in find_runs(channel, are_missing=False) if stop - start == 1]
        if alone:
            ax.plot(alone, [values[step] for step in alone], ".", color=read_ink(ax), markersize=3)
        for segment in view.segments:
            bar = bars.get(segment.component)
            if bar is not None and number in segment.channels:
                ax.axvspan(
                    segment.start - 0.5,
                    segment.stop - 0.5,
                    base / count,
                    (base + 1) / count,
                    color=choose_hue(ax, bar),
                    alpha=0.1 + 0.5 * abs(bar.weight) / label.heaviest,
                    linewidth=0,
                    hatch="//" if bar.weight < 0 else "",
                )
    if count > 1:
        ax.set_ylim(0, count)
        names = write_names(show_names(view.channel_names))
        ax.set_yticks([count - 0.5 - number for number in range(count)], names)
    ax.set_xlabel("step")


# What is drawn of an instance, by the kind of view; of others, the weights as bars.
PLOTTERS: dict[str, Callable[[Any, Any, LabelSummary], None]] = {
    DrawingView.kind: _draw_drawing,
    ImageView.kind: _draw_image,
    SeriesView.kind: _draw_series,
    VolumeView.kind: _draw_volume,
}
