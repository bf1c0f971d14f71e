"""An explanation as an SVG file."""

from __future__ import annotations

from limelight.renderers._figure_file import draw_file
from limelight.renderers._summary import summarise
from limelight.renderers._svg import SVG_KINDS, make_svg
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation

__all__ = ["render_svg"]

_HEADING_PIXELS = 48


def render_svg(explanation: Explanation) -> str:
    """Draw an explanation, once for each explained label, one below the other.

    Components that raise the output or speak for the label are blue, the others orange; the heavier, the stronger the tint. In
    a series, the dashed line has the values that stand in for absent segments. Of other instances there are the weights as
    bars, and the image or the text with its parts tinted, by matplotlib.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    svg : str
        The contents of an SVG file, without scripts, loading nothing.

    Raises
    ------
    MissingDependencyError
        If the instance is neither a series nor a drawing, and matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight import TimeSeriesExplainer
    >>> from limelight.renderers.svg import render_svg
    >>> explanation = TimeSeriesExplainer().explain_instance(np.arange(8.0), lambda batch: batch[:, 7])
    >>> render_svg(explanation).startswith("<svg")
    True
    """
    kind, view = choose_view(explanation)
    if kind not in SVG_KINDS:
        return draw_file(explanation, "svg").decode("utf-8")
    return make_svg(kind, view, summarise(explanation).labels, heading_pixels=_HEADING_PIXELS)
