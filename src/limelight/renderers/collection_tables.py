"""Many explanations, their importance and picks of them as small tables of HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from limelight.collection.explanations import Explanations, Pick
from limelight.collection.importance import Importance
from limelight.renderers._importance import lay_out_importance
from limelight.renderers._names import show_names
from limelight.renderers._numbers import format_percent
from limelight.renderers._templates import fill_template
from limelight.renderers._top import take_top

__all__ = ["render_explanations", "render_importance", "render_pick"]

_MOST_FEATURES = 10
_MOST_PICKS = 20
_MOST_SUMMARISED = 100_000  # explanations whose importance is worked out whenever a cell shows them
_MOST_REASONS = 4  # features for each pick


def render_explanations(explanations: Explanations, failed: int, converged: int, levels: Sequence[str]) -> str:
    """Write a table of the features that weigh most in many explanations, and how many have converged or failed.

    Parameters
    ----------
    explanations : Explanations
        Any, also an empty set or one with failures.
    failed, converged : int
        How many of them are failures, and how many have converged.
    levels : sequence of str
        How many verdicts are of each level, in words.

    Returns
    -------
    fragment : str
        A ``style`` element and one ``div`` of class ``limelight``.

    Examples
    --------
    >>> from limelight import Explanations, Failure
    >>> from limelight.renderers.collection_tables import render_explanations
    >>> "1 failed" in render_explanations(Explanations.of([Failure("ValueError", "no words")]), 1, 0, [])
    True
    """
    is_quick = len(explanations) <= _MOST_SUMMARISED
    importance = explanations.importance() if is_quick and len(explanations) > failed else None
    return fill_template(
        "collection.html",
        is_quick=is_quick,
        count=len(explanations),
        failed=failed,
        converged=converged,
        levels=", ".join(levels),
        importance=importance,
        layout=importance and lay_out_importance(importance, _MOST_FEATURES),
    )


def render_importance(importance: Importance) -> str:
    """Write a table of the heaviest features with their intervals.

    Parameters
    ----------
    importance : Importance
        Any importance.

    Returns
    -------
    fragment : str
        A ``style`` element and one ``div`` of class ``limelight``.

    Examples
    --------
    >>> from limelight import Explanations, TextExplainer
    >>> from limelight.renderers.collection_tables import render_importance
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> "film" in render_importance(Explanations.of([explanation]).importance())
    True
    """
    return fill_template("importance.html", importance=importance, layout=lay_out_importance(importance, _MOST_FEATURES))


def render_pick(pick: Pick) -> str:
    """Write a table of picks: their positions, the share covered so far, and the features that each is the first to report.

    Parameters
    ----------
    pick : Pick
        Any pick.

    Returns
    -------
    fragment : str
        A ``style`` element and one ``div`` of class ``limelight``.

    Examples
    --------
    >>> from limelight import TextExplainer, submodular_pick
    >>> from limelight.renderers.collection_tables import render_pick
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> "film" in render_pick(submodular_pick([explanation], 1))
    True
    """
    rows = [
        {
            "position": position,
            "id": identity,
            "covered": format_percent(covered),
            "reasons": take_top(show_names([feature for feature, _ in reasons]), _MOST_REASONS),
        }
        for position, identity, covered, reasons in zip(
            pick.positions, pick.explanations.ids, pick.coverage, pick.reasons, strict=True
        )
    ]
    return fill_template("pick.html", count=len(pick), has_ids=any(row["id"] for row in rows), rows=take_top(rows, _MOST_PICKS))
