"""An explained series as an SVG file."""

from __future__ import annotations

from limelight._errors import ArgumentError
from limelight._explanation import Explanation
from limelight._views import SeriesView
from limelight.renderers._series import draw_series
from limelight.renderers._summary import summarise
from limelight.renderers._templates import fill_template

__all__ = ["render_svg"]

_HEADING = 28
_NOT_XML = dict.fromkeys((0xFFFE, 0xFFFF), 0xFFFD)


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
    summaries = summarise(explanation).labels
    drawings = [draw_series(view, label) for label in summaries]
    places = [sum(before.height + _HEADING for before in drawings[:i]) for i in range(len(drawings))]
    svg = fill_template(
        "series.svg",
        labels=list(zip(summaries, drawings, places, strict=True)),
        width=drawings[0].width,
        height=places[-1] + drawings[-1].height + _HEADING,
        heading=_HEADING,
    )
    return svg.translate(_NOT_XML)
