"""An explanation as Markdown, for issues, pull requests and model cards."""

from __future__ import annotations

from collections.abc import Iterator

from limelight.renderers._summary import LabelSummary, summarise
from limelight.results.explanation import Explanation

__all__ = ["render_markdown"]

# As references to characters, which no Markdown takes for markup, a link, or the mention of a person or an issue.
_LITERAL = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]<>|~$&@#:"}
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)], " ")


def render_markdown(explanation: Explanation) -> str:
    """Write an explanation as Markdown: a table for each explained label, the figures to trust it by, and the warnings.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    text : str
        GitHub's Markdown; all that comes from the user's data is shown as it is and does nothing.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.markdown import render_markdown
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> print(render_markdown(explanation).splitlines()[0])
    ### What raises and lowers output
    """
    summary = summarise(explanation)
    lines: list[str] = []
    for label in summary.labels:
        lines += [*_table(label, summary.level), ""]
    lines.append("; ".join(f"{fact.name} {_literal(fact.value)}" for fact in summary.facts))
    lines += [f"\n> Warning: {_literal(warning)}" for warning in summary.warnings]
    return "\n".join(lines) + "\n"


def _table(label: LabelSummary, level: str) -> Iterator[str]:
    yield f"### {label.heading} {_literal(label.name)}"
    yield ""
    yield f"Model {label.prediction}, surrogate {label.local_prediction}, fidelity {label.fidelity}."
    yield ""
    yield f"| component | weight | {level} interval |"
    yield "|---|---:|---:|"
    for bar in label.bars:
        yield f"| {_literal(bar.name)} | {bar.text} | {bar.interval} |"


def _literal(text: str) -> str:
    """One line on which nothing is markup; neither is what GitHub links without any."""
    line = " ".join(text.translate(_CONTROLS).split())
    return line.translate(_LITERAL).replace("www.", "www&#46;").replace("GH-", "GH&#45;")
