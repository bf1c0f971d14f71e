"""An explanation as plain text for a terminal: no escape codes, aligned by what a terminal shows, at most 100 cells wide."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from limelight.renderers._cells import cells, fit, pad, take, visible
from limelight.renderers._summary import LabelSummary, summarise
from limelight.results.explanation import Explanation

__all__ = ["render_text", "visible"]

WIDTH = 100
WIDEST_LABEL = 36
WIDEST_NAME = 40
WIDEST_CHART = 24


def render_text(explanation: Explanation) -> str:
    """Write an explanation as a plain-text table, one block for each explained label.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    text : str
        Lines of at most 100 terminal cells, without a line break at the end. Control characters and direction marks in names
        are written as escapes.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.terminal import render_text
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> "good" in render_text(explanation)
    True
    """
    summary = summarise(explanation)
    lines: list[str] = []
    for label in summary.labels:
        lines += [*_block(label), ""]
    facts = "; ".join(f"{fact.name} {fact.value}" for fact in summary.facts)
    intervals = f"; {summary.level} intervals" if any(label.has_intervals for label in summary.labels) else ""
    lines += _wrap(facts + intervals)
    for warning in summary.warnings:
        lines += _wrap(f"Warning: {warning}")
    return "\n".join(lines)


def _block(label: LabelSummary) -> Iterator[str]:
    """The header line, then a line for each reported component."""
    yield (
        f"{fit(visible(label.name), WIDEST_LABEL)}: model {label.prediction}, surrogate {label.local_prediction}, "
        f"fidelity {label.fidelity}"
    )
    if not label.bars:
        yield "  no component was reported"
        return
    names = [fit(visible(bar.name), WIDEST_NAME) for bar in label.bars]
    name_width = max(map(cells, names))
    weight_width = max(len(bar.text) for bar in label.bars)
    interval_width = max(len(bar.interval) for bar in label.bars)
    chart_width = min(WIDEST_CHART, WIDTH - name_width - weight_width - interval_width - 9)
    # The axis runs from the lowest to the highest weight, or to zero; left of the zero line are so many cells.
    ends = [0.0, *(bar.weight for bar in label.bars)]
    span = (max(ends) - min(ends)) or 1.0
    left = round(-min(ends) / span * chart_width) if isfinite(span) else 0
    for name, bar in zip(names, label.bars, strict=True):
        columns = (
            pad(name, name_width),
            bar.text.rjust(weight_width),
            *([bar.interval.rjust(interval_width)] if interval_width else []),
            _chart(bar.weight / span * chart_width, left, chart_width - left),
        )
        yield "  " + "  ".join(columns).rstrip()


def _chart(length: float, left: int, right: int) -> str:
    """A bar of so many cells, in halves, on its side of a zero line that has `left` cells before it and `right` after it."""
    whole, half = divmod(round(2 * abs(length)) if isfinite(length) else 0, 2)
    if length < 0:
        return ("▐" * half + "█" * whole)[max(0, whole + half - left) :].rjust(left) + "│"
    return " " * left + "│" + ("█" * whole + "▌" * half)[:right]


def _wrap(text: str) -> list[str]:
    """Lines of at most `WIDTH` cells, broken at spaces, or within a word where one is longer than a line."""
    lines = [""]
    for word in visible(text).split():
        rest = word
        if lines[-1] and cells(lines[-1]) + 1 + cells(word) > WIDTH:
            lines.append("  ")
        elif lines[-1].strip():
            rest = " " + word
        while cells(lines[-1]) + cells(rest) > WIDTH:
            head = take(rest, WIDTH - cells(lines[-1]))
            lines[-1] += head
            rest = rest[len(head) :]
            lines.append("  ")
        lines[-1] += rest
    return lines
