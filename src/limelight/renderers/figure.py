"""An explanation drawn into matplotlib's axes: bars with whiskers, an image's overlay, a series, a drawing."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from limelight._checks import Label
from limelight.renderers._axes import escape, make_axes, write_names
from limelight.renderers._cells import make_visible
from limelight.renderers._fonts import choose_families
from limelight.renderers._plot import PLOTTERS, draw_weights
from limelight.renderers._summary import summarise
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation

__all__ = ["draw"]

_TITLE_LETTERS = 60  # of an alert on a line


def draw(explanation: Explanation, label: Label | None, ax: Any) -> Any:
    """Draw one label's weights.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.
    label : int or None
        An explained label; None for the default one.
    ax : matplotlib.axes.Axes or None
        The axes to draw into; None for those of a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Raises
    ------
    LabelError
        If the label was not explained.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.figure import draw
    >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
    >>> from matplotlib.figure import Figure
    >>> draw(explanation, None, Figure().subplots()).get_title()
    'What raises and lowers output\\nmodel 1.00; good, fidelity 1.00'
    """
    surrogate = explanation.surrogate(label)
    whole = summarise(explanation)
    place = explanation.surrogates.index(surrogate)
    summary, name = whole.labels[place], write_names([label.name for label in whole.labels])[place]
    kind, view = choose_view(explanation)
    if ax is None:
        ax = make_axes(None if kind in PLOTTERS else len(summary.bars))
    if kind in PLOTTERS:
        PLOTTERS[kind](ax, view, summary)
    else:
        draw_weights(ax, summary)
    title = f"{summary.heading} {name}\nmodel {summary.prediction}; {summary.trust}"
    if whole.alerts:
        title = f"{_shorten_alert(whole.alerts[0])}\n{title}"
    ax.set_title(title, fontsize="medium", fontfamily=choose_families(title))
    return ax


def _shorten_alert(alert: str) -> str:
    """The first sentence of an alert in lines that fit a plot; pages and texts have the rest."""
    first, _, _ = alert.partition(". ")
    return "\n".join(wrap(escape(make_visible(f"Alert: {first.removesuffix('.')}.")), _TITLE_LETTERS))
