"""A comparison of two models as a page or a fragment of HTML, and a summary of many."""

from __future__ import annotations

from limelight.collection.comparison import Comparison
from limelight.collection.comparisons import Comparisons
from limelight.renderers._comparison import lay_out_comparison
from limelight.renderers._names import show_names
from limelight.renderers._numbers import format_number
from limelight.renderers._page import make_page_data
from limelight.renderers._templates import fill_template
from limelight.renderers._top import take_top

__all__ = ["render_fragment", "render_page", "render_summary"]

_MOST_FEATURES = 10


def render_page(comparison: Comparison, label: int | str | None) -> str:
    """Write one label of a comparison as a whole, self-contained HTML page.

    Parameters
    ----------
    comparison : Comparison
        Any comparison.
    label : int, str or None
        A label that both explanations have; None for the default one.

    Returns
    -------
    page : str
        HTML with a Content-Security-Policy that lets only the page's own script run.

    Raises
    ------
    LabelError
        If the label was not explained.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> from limelight.renderers.comparison_page import render_page
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_page(compare(explanation, explanation), None).splitlines()[0]
    '<!doctype html>'
    """
    return _fill("comparison_page.html", comparison, label)


def render_fragment(comparison: Comparison, label: int | str | None) -> str:
    """Write one label of a comparison as a piece of HTML for a notebook or another page.

    Parameters
    ----------
    comparison : Comparison
        Any comparison.
    label : int, str or None
        A label that both explanations have; None for the default one.

    Returns
    -------
    fragment : str
        One ``div`` of class ``limelight``, without ids.

    Raises
    ------
    LabelError
        If the label was not explained.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> from limelight.renderers.comparison_page import render_fragment
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> render_fragment(compare(explanation, explanation), None).split()[0]
    '<div'
    """
    return _fill("comparison_fragment.html", comparison, label)


def _fill(template: str, comparison: Comparison, label: int | str | None) -> str:
    compared = lay_out_comparison(comparison, label)
    data = make_page_data(comparison.side_by_side(label))
    title = f"{compared.models[0]} and {compared.models[1]} on {compared.output}"
    return fill_template(template, **{**data, "title": title, "compared": compared})


def render_summary(comparisons: Comparisons) -> str:
    """Write a table of the features that two models use most differently.

    Parameters
    ----------
    comparisons : Comparisons
        Any comparisons.

    Returns
    -------
    fragment : str
        A ``style`` element and one ``div`` of class ``limelight``.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> from limelight.renderers.comparison_page import render_summary
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> "film" in render_summary(compare([explanation], [explanation]))
    True
    """
    found = comparisons.features() if len(comparisons) else ()
    rows = [
        (
            name,
            format_number(row.first),
            format_number(row.second),
            format_number(row.difference),
            f"{row.certain} of {row.listed}",
            str(row.alone),
        )
        for name, row in zip(show_names([row.feature for row in found]), found, strict=True)
    ]
    return fill_template(
        "comparisons.html",
        models=show_names(comparisons.names),
        count=len(comparisons),
        failed=len(comparisons.failures),
        rows=take_top(rows, _MOST_FEATURES),
    )
