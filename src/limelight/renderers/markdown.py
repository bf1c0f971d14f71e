"""An explanation as Markdown, for issues, pull requests and model cards."""

from __future__ import annotations

from collections.abc import Iterator

from limelight.renderers._summary import LabelSummary, summarise
from limelight.results.explanation import Explanation

__all__ = ["render_markdown"]

# As character references, which Markdown never takes for markup, a link, or a mention of a person or an issue.
_LITERAL = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]<>|~$&@#:"}
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)], " ")


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
    lines = [] if summary.id is None else [f"Instance {_make_literal(summary.id)}\n"]
    lines += [f"> Alert: {_make_literal(alert)}\n" for alert in summary.alerts]
    for label in summary.labels:
        lines += [*_write_table(label, summary.level), ""]
    lines.append("; ".join(f"{fact.name} {_make_literal(fact.value)}" for fact in summary.facts))
    lines += [f"\n> Caution: {_make_literal(caution)}" for caution in summary.cautions]
    lines += [f"\n> Note: {_make_literal(note)}" for note in summary.notes]
    return "\n".join(lines) + "\n"


def _write_table(label: LabelSummary, level: str) -> Iterator[str]:
    yield f"### {label.heading} {_make_literal(label.name)}"
    yield ""
    yield f"{label.verdict}"
    yield ""
    yield f"Model {label.prediction}, surrogate {label.local_prediction}, fidelity {label.fidelity}."
    yield ""
    intervals = label.has_intervals
    yield "| component | weight |" + (f" {level} interval |" if intervals else "")
    yield "|---|---:|" + ("---:|" if intervals else "")
    for bar in label.bars:
        yield f"| {_make_literal(bar.name)} | {bar.text} |" + (f" {bar.interval} |" if intervals else "")


def _make_literal(text: str) -> str:
    """The text on one line, with nothing that Markdown takes for markup or GitHub for a link."""
    line = " ".join(text.translate(_CONTROLS).split())
    return line.translate(_LITERAL).replace("www.", "www&#46;").replace("GH-", "GH&#45;")
