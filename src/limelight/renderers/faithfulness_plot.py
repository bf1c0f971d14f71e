"""The curves of an explanation's faithfulness drawn into matplotlib's axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.renderers._axes import escape, make_axes, read_ink
from limelight.renderers._cells import make_visible
from limelight.results.faithfulness import Faithfulness

__all__ = ["draw_faithfulness"]

_COLOURS = {"deletion": "C1", "insertion": "C0"}  # of the user's style
_ERRORS = 2  # to each side of a random order's mean


def draw_faithfulness(faithfulness: Faithfulness, ax: Any) -> Any:
    """Draw both curves, beside the means of random orders.

    Parameters
    ----------
    faithfulness : Faithfulness
        Any with curves.
    ax : matplotlib.axes.Axes or None
        The axes to draw into; None for those of a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Raises
    ------
    ArgumentError
        If there are no curves.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.faithfulness_plot import draw_faithfulness
    >>> def model(texts):
    ...     return [0.1 + 0.5 * ("good" in text) for text in texts]
    >>> explainer = TextExplainer()
    >>> explanation = explainer.explain_instance("good film", model)
    >>> faithfulness = explainer.measure_faithfulness("good film", model, explanation)
    >>> draw_faithfulness(faithfulness, Figure().subplots()).get_xlabel()
    'components removed, or added'
    """
    if faithfulness.deletion is None or faithfulness.insertion is None:
        raise ArgumentError(f"there are no curves to draw: {faithfulness.reason}")
    ax = make_axes(None) if ax is None else ax
    ax.axhline(faithfulness.model_prediction, color=read_ink(ax), linewidth=0.8, linestyle=":", label="the whole instance")
    for name, curve in (("deletion", faithfulness.deletion), ("insertion", faithfulness.insertion)):
        colour = _COLOURS[name]
        ax.plot(curve.counts, curve.predictions, color=colour, marker=".", label=f"{name}, area {curve.area:.3g}")
        means, errors = np.array(curve.random), _ERRORS * np.array(curve.random_errors)
        label = f"random orders, area {curve.random_area:.3g} ± {curve.random_area_error:.2g}"
        ax.plot(curve.counts, means, color=colour, linestyle="--", linewidth=1, label=label)
        ax.fill_between(curve.counts, means - errors, means + errors, color=colour, alpha=0.15, linewidth=0)
    ax.set_xlabel("components removed, or added")
    ax.set_ylabel("model's output" if faithfulness.unit == "score" else f"model's output ({faithfulness.unit})")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_title(
        escape(f"{make_visible(faithfulness.output_name)[:40]}: components removed, or added, by their weights"),
        fontsize="medium",
    )
    # Below the axes: a curve may be anywhere in them.
    ax.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    return ax
