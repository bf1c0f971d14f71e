"""An explanation as plain text for a terminal: no escape codes, aligned by what a terminal shows, at most 100 cells wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from limelight._explanation import Explanation
from limelight.renderers._summary import LabelSummary, summarise

__all__ = ["render_text"]

WIDTH = 100
WIDEST_LABEL = 36
WIDEST_NAME = 40
WIDEST_CHART = 24
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Persian and Indian scripts and emoji are spelt with these two; every other format character is made visible.
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


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
        f"{_fit(_visible(label.name), WIDEST_LABEL)}: model {label.prediction}, surrogate {label.local_prediction}, "
        f"fidelity {label.fidelity}"
    )
    if not label.bars:
        yield "  no component was reported"
        return
    names = [_fit(_visible(bar.name), WIDEST_NAME) for bar in label.bars]
    name_width = max(map(_cells, names))
    weight_width = max(len(bar.text) for bar in label.bars)
    interval_width = max(len(bar.interval) for bar in label.bars)
    chart_width = min(WIDEST_CHART, WIDTH - name_width - weight_width - interval_width - 9)
    # The axis runs from the lowest to the highest weight, or to zero; left of the zero line are so many cells.
    ends = [0.0, *(bar.weight for bar in label.bars)]
    span = (max(ends) - min(ends)) or 1.0
    left = round(-min(ends) / span * chart_width)
    for name, bar in zip(names, label.bars, strict=True):
        columns = (
            _pad(name, name_width),
            bar.text.rjust(weight_width),
            *([bar.interval.rjust(interval_width)] if interval_width else []),
            _chart(bar.weight / span * chart_width, left, chart_width - left),
        )
        yield "  " + "  ".join(columns).rstrip()


def _chart(length: float, left: int, right: int) -> str:
    """A bar of so many cells, in halves, on its side of a zero line that has `left` cells before it and `right` after it."""
    whole, half = divmod(round(2 * abs(length)), 2)
    if length < 0:
        return ("▐" * half + "█" * whole)[max(0, whole + half - left) :].rjust(left) + "│"
    return " " * left + "│" + ("█" * whole + "▌" * half)[:right]


def _visible(text: str) -> str:
    """Text that cannot move the cursor, colour the screen or turn its neighbours round: such characters become escapes."""
    return "".join(
        character if character in JOINERS or character.isprintable() or character in "\u00a0\u3000" else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _cell(character: str) -> int:
    """How many cells a terminal gives to a character: combining marks none, wide ones two."""
    hangul_part = "\u1160" <= character <= "\u11ff"
    if character in JOINERS or hangul_part or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cells(text: str) -> int:
    return sum(map(_cell, text))


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


def _fit(text: str, width: int) -> str:
    """The text where it fits, else its beginning and its end around an ellipsis."""
    if _take(text, width) == text:
        return text
    head = _take(text, width // 2)
    tail = _take(text[::-1], width - 1 - _cells(head))[::-1]
    # A combining mark at the cut would sit on the ellipsis instead of its own letter.
    while tail and _cell(tail[0]) == 0:
        tail = tail[1:]
    return head + ELLIPSIS + tail


def _take(text: str, width: int) -> str:
    """As many of the first characters as fit; marks that take no room are not let through without end."""
    used = 0
    for i, character in enumerate(text):
        used += _cell(character)
        if used > width or i >= 4 * width:
            return text[:i]
    return text


def _wrap(text: str) -> list[str]:
    """Lines of at most `WIDTH` cells, broken at spaces, or within a word where one is longer than a line."""
    lines = [""]
    for word in _visible(text).split():
        rest = word
        if lines[-1] and _cells(lines[-1]) + 1 + _cells(word) > WIDTH:
            lines.append("  ")
        elif lines[-1].strip():
            rest = " " + word
        while _cells(lines[-1]) + _cells(rest) > WIDTH:
            head = _take(rest, WIDTH - _cells(lines[-1]))
            lines[-1] += head
            rest = rest[len(head) :]
            lines.append("  ")
        lines[-1] += rest
    return lines
