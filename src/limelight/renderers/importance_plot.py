"""The importance of features drawn into matplotlib's axes: horizontal bars with whiskers."""

from __future__ import annotations

from typing import Any

from limelight._checks import check_count
from limelight.collection.importance import Importance
from limelight.renderers._axes import draw_bars, make_axes
from limelight.renderers._importance import lay_out_importance

__all__ = ["draw_importance"]


def draw_importance(importance: Importance, ax: Any, num_features: int) -> Any:
    """Draw a bar with its interval for each of the heaviest features, the heaviest on top.

    Parameters
    ----------
    importance : Importance
        Any importance.
    ax : matplotlib.axes.Axes or None
        The axes to draw into; None for those of a new figure.
    num_features : int
        How many features to draw at most.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If `num_features` is not an integer of at least 1.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from limelight import Explanations, TextExplainer
    >>> from limelight.renderers.importance_plot import draw_importance
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> draw_importance(Explanations.of([explanation]).importance(), Figure().subplots(), 20).get_xlabel()
    'mean |weight|'
    """
    layout = lay_out_importance(importance, check_count("num_features", num_features, 1))
    bars = layout.label.bars
    if ax is None:
        ax = make_axes(len(bars))
    draw_bars(ax, bars)
    ax.set_xlabel("mean |weight|" if importance.kind == "mean_abs" else "root of the sum of |weight|")
    title = f"Importance in {importance.count} explanation{'' if importance.count == 1 else 's'}"
    if layout.more:
        title += f"; {layout.more} lighter feature{'' if layout.more == 1 else 's'} not shown"
    ax.set_title(title, fontsize="medium")
    return ax
