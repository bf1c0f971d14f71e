"""How weights vary over the seeds, drawn into matplotlib's axes."""

from __future__ import annotations

from typing import Any

from limelight.collection.stability import Stability
from limelight.renderers._axes import draw_bars, escape, make_axes, read_ink
from limelight.renderers._bars import make_bar
from limelight.renderers._cells import make_visible
from limelight.renderers._names import show_names

__all__ = ["draw_stability"]

_MOST_BARS = 20
_OFFSET = 0.22  # of the dots from the bar's middle, so that they do not hide the whisker


def draw_stability(stability: Stability, ax: Any) -> Any:
    """Draw a bar for each of the heaviest weights: their means, the intervals' mean ends, and a dot for each seed.

    Parameters
    ----------
    stability : Stability
        Any.
    ax : matplotlib.axes.Axes or None
        The axes to draw into; None for those of a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.stability_plot import draw_stability
    >>> stability = TextExplainer().measure_stability("good film", lambda texts: ["good" in text for text in texts])
    >>> draw_stability(stability, Figure().subplots()).get_xlabel()
    'weight'
    """
    shown = stability.weights[:_MOST_BARS]
    names = show_names([one.name for one in shown])
    bars = [make_bar(one.component, name, one.mean, one.low, one.high, None) for one, name in zip(shown, names, strict=True)]
    if ax is None:
        ax = make_axes(len(bars))
    draw_bars(ax, bars, alpha=0.4)
    for place, one in zip(range(len(bars), 0, -1), shown, strict=True):
        ax.scatter(one.weights, [place - _OFFSET] * len(one.weights), s=12, color=read_ink(ax), alpha=0.6, zorder=3)
    ax.set_xlabel("weight" if stability.unit == "score" else f"weight ({stability.unit})")
    more = len(stability.weights) - len(shown)
    left_out = f"; {more} lighter ones not shown" if more else ""
    title = f"{make_visible(stability.output_name)[:40]}: mean weights, their intervals, and {len(stability.seeds)} seeds"
    ax.set_title(escape(title + left_out), fontsize="medium")
    return ax
