"""An explained series, or a drawing of another instance, as an SVG file."""

from __future__ import annotations

from limelight.exceptions import ArgumentError
from limelight.renderers._summary import summarise
from limelight.renderers._svg import SVG_KINDS, make_svg
from limelight.renderers._views import choose_view
from limelight.results.explanation import Explanation

__all__ = ["render_svg"]

_HEADING_PIXELS = 28


def render_svg(explanation: Explanation) -> str:
    """Draw an explained series, or a drawing, once for each explained label, one below the other.

    Components that raise the output or speak for the label are blue, the others orange; the heavier, the stronger the tint. In
    a series, the dashed line has the values that stand in for absent segments.

    Parameters
    ----------
    explanation : Explanation
        An explanation of a series, or one whose view has a drawing.

    Returns
    -------
    svg : str
        The contents of an SVG file, without scripts, loading nothing.

    Raises
    ------
    ArgumentError
        If the view is neither a series nor has a drawing.

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
        raise ArgumentError(
            "an SVG can be drawn of an explained series, or of a view with a drawing; this explains a "
            f"{explanation.view.kind}. Save it as .html."
        )
    return make_svg(kind, view, summarise(explanation).labels, heading_pixels=_HEADING_PIXELS)
