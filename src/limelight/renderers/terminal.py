"""An explanation as plain text for a terminal: without escape codes, aligned in cells, at most 100 cells wide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from limelight.renderers._cells import LINE_CELLS, count_cells, fit, make_visible, pad, wrap
from limelight.renderers._names import shorten_names
from limelight.renderers._summary import LabelSummary, summarise
from limelight.results.explanation import Explanation

__all__ = ["make_visible", "render_text"]

_MOST_LABEL_CELLS = 36
_MOST_NAME_CELLS = 40
_MOST_CHART_CELLS = 24


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
    lines = [] if summary.id is None else [fit(make_visible(summary.id), LINE_CELLS), ""]
    for alert in summary.alerts:
        lines += [*wrap(f"Alert: {alert}"), ""]
    label_names = shorten_names([label.name for label in summary.labels], _MOST_LABEL_CELLS)
    names = shorten_names([bar.name for label in summary.labels for bar in label.bars], _MOST_NAME_CELLS)
    for label in summary.labels:
        lines += [*_write_block(label, label_names[label.name], names), ""]
    facts = "; ".join(f"{fact.name} {fact.value}" for fact in summary.facts)
    intervals = f"; {summary.level} intervals" if any(label.has_intervals for label in summary.labels) else ""
    lines += wrap(facts + intervals)
    for caution in summary.cautions:
        lines += wrap(f"Caution: {caution}")
    for note in summary.notes:
        lines += wrap(f"Note: {note}")
    return "\n".join(lines)


def _write_block(label: LabelSummary, label_name: str, short: Mapping[str, str]) -> Iterator[str]:
    """The header, then a line for each reported component."""
    yield (f"{label_name}: model {label.prediction}, surrogate {label.local_prediction}, fidelity {label.fidelity}")
    if label.verdict:
        yield from wrap(label.verdict)
    if not label.bars:
        return
    names = [short[bar.name] for bar in label.bars]
    name_width = max(map(count_cells, names))
    weight_width = max(len(bar.text) for bar in label.bars)
    interval_width = max(len(bar.interval) for bar in label.bars)
    chart_width = min(_MOST_CHART_CELLS, LINE_CELLS - name_width - weight_width - interval_width - 9)
    # Whiskers have no room here, so the axis holds zero and the weights only.
    ends = [0.0, *(bar.weight for bar in label.bars)]
    span = (max(ends) - min(ends)) or 1.0
    cells_left_of_zero = round(-min(ends) / span * chart_width) if isfinite(span) else 0
    for name, bar in zip(names, label.bars, strict=True):
        columns = (
            pad(name, name_width),
            bar.text.rjust(weight_width),
            *([bar.interval.rjust(interval_width)] if interval_width else []),
            _draw_bar(bar.weight / span * chart_width, cells_left_of_zero, chart_width - cells_left_of_zero),
        )
        yield "  " + "  ".join(columns).rstrip()


def _draw_bar(length: float, left: int, right: int) -> str:
    """A bar of a length in cells, rounded to halves, beside a zero line with `left` cells before it and `right` after."""
    whole, half = divmod(round(2 * abs(length)) if isfinite(length) else 0, 2)
    if length < 0:
        return ("▐" * half + "█" * whole)[max(0, whole + half - left) :].rjust(left) + "│"
    return " " * left + "│" + ("█" * whole + "▌" * half)[:right]
