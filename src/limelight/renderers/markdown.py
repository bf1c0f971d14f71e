"""An explanation as Markdown, for issues, pull requests and model cards."""

from __future__ import annotations

from collections.abc import Iterator

from limelight.renderers._literal import make_literal
from limelight.renderers._summary import LabelSummary, summarise
from limelight.results.explanation import Explanation

__all__ = ["render_markdown"]


def render_markdown(explanation: Explanation) -> str:
    """Write an explanation as Markdown: a table for each explained label, the figures to trust it by, and the notices.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    text : str
        GitHub's Markdown. Texts from the user are shown as they are and are never markup.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.markdown import render_markdown
    >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
    >>> print(render_markdown(explanation).splitlines()[0])
    ### What raises and lowers output
    """
    summary = summarise(explanation)
    lines = [] if summary.id is None else [f"Instance {make_literal(summary.id)}\n"]
    lines += [f"> Alert: {make_literal(alert)}\n" for alert in summary.alerts]
    for label in summary.labels:
        lines += [*_write_table(label, summary.level), ""]
    lines.append("; ".join(f"{fact.name} {make_literal(fact.value)}" for fact in summary.facts))
    lines += [f"\n> Caution: {make_literal(caution)}" for caution in summary.cautions]
    lines += [f"\n> Note: {make_literal(note)}" for note in summary.notes]
    return "\n".join(lines) + "\n"


def _write_table(label: LabelSummary, level: str) -> Iterator[str]:
    yield f"### {label.heading} {make_literal(label.name)}"
    yield ""
    if label.verdict:
        yield label.verdict
        yield ""
    yield f"Model {label.prediction}, surrogate {label.local_prediction}, fidelity {label.fidelity}."
    yield ""
    intervals = label.has_intervals
    yield "| component | weight |" + (f" {level} interval |" if intervals else "")
    yield "|---|---:|" + ("---:|" if intervals else "")
    for bar in label.bars:
        yield f"| {make_literal(bar.name)} | {bar.text} |" + (f" {bar.interval} |" if intervals else "")
