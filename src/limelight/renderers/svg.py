"""An explained series as an SVG file."""

from __future__ import annotations

from limelight._errors import ArgumentError
from limelight.renderers._series import series_svg
from limelight.renderers._summary import summarise
from limelight.results.explanation import Explanation
from limelight.results.views import SeriesView

__all__ = ["render_svg"]

_HEADING = 28


def render_svg(explanation: Explanation) -> str:
    """Draw an explained series, once for each explained label, one below the other.

    Blue segments raise the output or speak for the label, orange ones against it, the stronger the heavier; the dashed line is
    what shows where a segment is absent.

    Parameters
    ----------
    explanation : Explanation
        Of a series.

    Returns
    -------
    svg : str
        The contents of an SVG file, without scripts, loading nothing.

    Raises
    ------
    ArgumentError
        If the explanation is not of a series.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight import TimeSeriesExplainer
    >>> from limelight.renderers.svg import render_svg
    >>> explanation = TimeSeriesExplainer().explain_instance(np.arange(8.0), lambda batch: batch[:, 7])
    >>> render_svg(explanation).startswith("<svg")
    True
    """
    view = explanation.view
    if not isinstance(view, SeriesView):
        raise ArgumentError(f"an SVG can be drawn of an explained series only; this explains a {view.kind}. Save it as .html.")
    return series_svg(view, summarise(explanation).labels, heading=_HEADING)
