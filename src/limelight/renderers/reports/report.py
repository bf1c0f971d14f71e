"""Many explanations as one page: figures of the whole set, the picks, and a list with a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from limelight._checks import check_count, check_row_order
from limelight.collection.explanations import Explanations
from limelight.exceptions import ArgumentTypeError
from limelight.renderers._page import hash_script, make_page_data
from limelight.renderers._summary import format_output
from limelight.renderers._templates import fill_template
from limelight.renderers.reports._answers import Answer, read_answers
from limelight.renderers.reports._figures import Picks, read_figures
from limelight.renderers.reports._list import list_entries
from limelight.renderers.reports._truths import read_truths
from limelight.results.explanation import Explanation

__all__ = ["render_report"]


def render_report(explanations: Explanations, title: str | None, labels: Any, num_picks: int, num_features: int) -> str:
    """Write a set of explanations as a whole, self-contained HTML page; see `Explanations.to_html`.

    Parameters
    ----------
    explanations : Explanations
        Any, also an empty set or one with failures.
    title : str, optional
        The heading.
    labels : sequence, optional
        The true label of each instance.
    num_picks, num_features : int
        The number of picks, and the number of features shown for each label.

    Returns
    -------
    page : str
        HTML with a Content-Security-Policy that lets only the page's own script run. Without the script the page
        lacks only the list.

    Examples
    --------
    >>> from limelight import Explanations, Failure
    >>> from limelight.renderers.reports.report import render_report
    >>> render_report(Explanations.of([Failure("ValueError", "no words")]), None, None, 10, 20).splitlines()[0]
    '<!doctype html>'
    """
    if not isinstance(title, (str, type(None))):
        raise ArgumentTypeError(f"title must be a text; got {title!r:.80}.")
    num_picks, num_features = check_count("num_picks", num_picks, 1), check_count("num_features", num_features, 1)
    answers = read_answers(explanations)
    if labels is not None:
        check_row_order("labels", labels, explanations.ids, "the explanations, their ids,")
    truths = read_truths(labels, answers.of_each)
    levels = explanations.verdict_levels()
    figures = read_figures(explanations, answers, truths, levels, num_picks, num_features)
    picked = () if figures.picks is None else figures.picks.positions
    count = len(explanations)
    return fill_template(
        "report.html",
        title=title or f"Explanations of {count} prediction{'' if count == 1 else 's'}",
        script_hash=hash_script("report.js"),
        figures=figures,
        count=count,
        cards=[] if figures.picks is None else _make_cards(explanations, answers.of_each, truths, figures.picks),
        entries=list_entries(explanations, answers.of_each, truths, levels, picked),
    )


def _make_cards(
    explanations: Explanations, answers: Sequence[Answer | None], truths: Sequence[str | None], picks: Picks
) -> list[dict[str, Any]]:
    """The data of each pick's card: its default label, and the reasons why it was picked."""
    picked = explanations[picks.positions]
    covered_before = (0.0, *picks.coverage)
    return [
        {
            "item": item,
            "id": explanation.id,
            "name": answer.name,
            "prediction": format_output(answer.value, answer.kind),
            "truth": truths[position],
            "is_wrong": answer.is_wrong(truths[position]),
            "new": f"{100 * (covered - earlier):.3g} %",
            "covered": f"{100 * covered:.3g} %",
            "reasons": reasons,
            **make_page_data(replace(explanation, surrogates=(explanation.surrogate(),))),
        }
        for item, explanation, position, covered, earlier, reasons in zip(
            picked.items.tolist(), picked, picks.positions, picks.coverage, covered_before, picks.reasons, strict=False
        )
        if isinstance(explanation, Explanation) and (answer := answers[position]) is not None
    ]
