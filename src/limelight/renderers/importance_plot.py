"""The importance of features drawn into matplotlib's axes: horizontal bars with whiskers."""

from __future__ import annotations

from math import isfinite
from typing import Any

from limelight._checks import check_count
from limelight.collection.importance import Importance
from limelight.exceptions import require
from limelight.renderers._cells import fit

__all__ = ["draw_importance"]

_MOST_NAME_CELLS = 40


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
    count = min(check_count("num_features", num_features, 1), len(importance.features))
    if ax is None:
        pyplot = require("matplotlib.pyplot", extra="plot", purpose="a plot")
        ax = pyplot.subplots(layout="constrained", figsize=(6.4, max(2.0, 1.2 + 0.3 * count)))[1]
    places = range(count, 0, -1)
    ink = ax.xaxis.label.get_color()  # of the user's style, so that it can be seen on the background
    ax.barh(list(places), importance.values[:count])
    for place, value, low, high in zip(places, importance.values, importance.lows, importance.highs, strict=False):
        if isfinite(low) and isfinite(high):
            ax.errorbar(value, place, xerr=[[value - low], [high - value]], color=ink, capsize=3, linewidth=1)
    ax.set_yticks(list(places), [_write_tick(feature) for feature in importance.features[:count]])
    ax.set_ylim(0.25, count + 0.75)
    ax.axvline(0, color=ink, linewidth=0.8)
    ax.set_xlabel("mean |weight|" if importance.kind == "mean_abs" else "root of the sum of |weight|")
    ax.set_title(f"Importance in {importance.count} explanation{'' if importance.count == 1 else 's'}", fontsize="medium")
    return ax


def _write_tick(feature: str) -> str:
    """A feature's name on one line, in which matplotlib sees no formula."""
    return fit(" ".join(feature.split()), _MOST_NAME_CELLS).replace("$", r"\$")
