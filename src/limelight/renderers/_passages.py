"""A text broken into lines of a width, in runs that each belong to one component, or to none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

__all__ = ["Run", "break_into_lines", "is_right_to_left"]

# Chinese and Japanese break anywhere; other scripts between words.
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"\n|[^\S\n]+|[{_WIDE}]|[^\s{_WIDE}]+")


class Run(NamedTuple):
    """A piece of a line: where it begins, how wide it is, what it says, and the number of its component, if it has one."""

    start: float
    width: float
    text: str
    component: int | None


def break_into_lines(
    pieces: Iterable[tuple[str, int | None]], room: float, measure: Callable[[str], float]
) -> Iterator[list[Run]]:
    """Break a text between words, or within a word that is wider than a line.

    Parameters
    ----------
    pieces : iterable of (str, int or None)
        The text in order, and for each piece the number of its component.
    room : float
        The width of a line.
    measure : callable
        Gives the width of a text without line breaks, in the same unit.

    Yields
    ------
    line : list of Run
        From left to right; empty for an empty line.
    """
    line: list[Run] = []
    end = 0.0
    for text, component in pieces:
        for token in _TOKEN.findall(text):
            rest = token
            while rest:
                if rest == "\n":
                    break
                width = measure(rest)
                if end + width <= room or (rest.isspace() and line):
                    break
                if line:  # a word that does not fit begins a line of its own
                    yield line
                    line, end = [], 0.0
                    continue
                head = _take_head(rest, room, measure)
                yield [Run(0.0, measure(head), head, component)]
                rest = rest[len(head) :]
            if rest == "\n":
                yield line
                line, end = [], 0.0
            elif rest and end <= room:
                _append(line, Run(end, measure(rest), rest, component))
                end = line[-1].start + line[-1].width
    if line:
        yield line


def _append(line: list[Run], run: Run) -> None:
    """Add a run to a line; one of the same component goes on with the last.

    Space at the beginning of a run stays apart: written from right to left, it might end up on the other side.
    """
    if line and line[-1].component == run.component and not line[-1].text.isspace():
        last = line.pop()
        run = Run(last.start, last.width + run.width, last.text + run.text, run.component)
    line.append(run)


def _take_head(word: str, room: float, measure: Callable[[str], float]) -> str:
    """The beginning of a word that fits a line, at least one letter; no mark is parted from its letter."""
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(word[:middle]) <= room else (low, middle - 1)
    stop = low
    while stop > 1 and stop < len(word) and unicodedata.combining(word[stop]):
        stop -= 1
    return word[:stop]


def is_right_to_left(text: str) -> bool:
    """Whether the first letter of a text is written from right to left."""
    directions = map(unicodedata.bidirectional, text)
    return next((direction for direction in directions if direction in ("L", "R", "AL")), "L") != "L"
