"""An explanation as a page or a fragment of HTML: readable without its script, loading nothing, all user data escaped."""

from __future__ import annotations

from limelight.renderers._page import make_page_data
from limelight.renderers._templates import fill_template
from limelight.results.explanation import Explanation

__all__ = ["render_fragment", "render_page"]


def render_page(explanation: Explanation) -> str:
    """Write an explanation as a whole, self-contained HTML page.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    page : str
        HTML with a Content-Security-Policy that lets only the page's own script run. All characters can be written in
        UTF-8.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.html import render_page
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_page(explanation).splitlines()[0]
    '<!doctype html>'
    """
    return fill_template("page.html", **make_page_data(explanation))


def render_fragment(explanation: Explanation) -> str:
    """Write an explanation as a piece of HTML for a notebook or another page; its style touches nothing outside it.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    fragment : str
        One ``div`` of class ``limelight``, with its style sheet and its script, which serves all such elements of a page. It
        has no ids.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.html import render_fragment
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_fragment(explanation).split()[0]
    '<div'
    """
    return fill_template("fragment.html", **make_page_data(explanation))
