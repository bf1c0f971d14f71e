"""An explanation of any instance as a PDF file."""

from __future__ import annotations

from limelight.renderers._figure_file import draw_file
from limelight.results.explanation import Explanation

__all__ = ["render_pdf"]


def render_pdf(explanation: Explanation) -> bytes:
    """Draw an explanation as a PDF: all labels, one below the other.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    pdf : bytes
        The contents of a PDF file.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.pdf import render_pdf
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_pdf(explanation)[:4]
    b'%PDF'
    """
    return draw_file(explanation, "pdf")
