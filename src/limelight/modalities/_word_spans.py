"""Where the words of a text stand: with their marks, in scripts without spaces too, and its signs if they are asked for."""

from __future__ import annotations

import re
from typing import NamedTuple

from limelight.modalities._graphemes import FLAGS, MARK, PICTOGRAPHS, find_symbols, sketch
from limelight.modalities._unspaced import cut_unspaced
from limelight.modalities._writing import note_signs
from limelight.results.explanation import Notice

__all__ = ["Pieces", "find_words", "gaps_between"]

_WORD = re.compile(r"\w+")
_MARKED_WORD = re.compile(rf"\w[\w{MARK}]*")
_WORD_OR_SIGNS = re.compile(r"\w+|[^\w\s]+")


class Pieces(NamedTuple):
    """What the components of a text are made of.

    Attributes
    ----------
    spans : list of (start, stop)
        Where they stand, in order, counted in code points.
    notes : tuple of Notice
        What a reader should know about how they were found.
    """

    spans: list[tuple[int, int]]
    notes: tuple[Notice, ...] = ()


def find_words(text: str, *, signs: bool = False, advice_on_signs: str = "give signs=True") -> Pieces:
    """The words of a text, and what a reader should know about them.

    A word is a run of letters, digits and underscores with their marks; no word begins or ends inside a grapheme. Words of
    Chinese, Japanese and Thai are found by budoux where it is installed.

    Parameters
    ----------
    text : str
        The text.
    signs : bool, default False
        Whether what is neither word nor blank counts as well: each emoji, and each run of other signs.
    advice_on_signs : str
        How to give signs a weight, for a notice.
    """
    if text.isascii():
        spans = [match.span() for match in (_WORD_OR_SIGNS if signs else _WORD).finditer(text)]
        return Pieces(spans, () if signs else note_signs(gaps_between(text, spans), advice_on_signs))
    drawn = sketch(text)
    # Without marks the simpler expression finds the same, and is faster.
    pattern = _match_signs(drawn) if signs else _MARKED_WORD if MARK in drawn else _WORD
    spans = [match.span() for match in pattern.finditer(drawn)]
    spans, notes = cut_unspaced(text, drawn, spans)
    if not signs:
        notes += note_signs(gaps_between(text, spans), advice_on_signs)
    return Pieces(spans, notes)


def gaps_between(text: str, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    """The d + 1 texts before, between and after d spans in order."""
    starts = [0, *(stop for _, stop in spans)]
    stops = [*(start for start, _ in spans), len(text)]
    return tuple(text[start:stop] for start, stop in zip(starts, stops, strict=True))


def _match_signs(drawn: str) -> re.Pattern[str]:
    """A regular expression of words, flags, emoji, and runs of other signs in a sketch of a text."""
    emoji = PICTOGRAPHS + find_symbols(drawn)
    alone = f"[{FLAGS}]{{1,2}}|[{emoji}]"
    return re.compile(rf"\w[\w{MARK}]*|(?:{alone}){MARK}*|[^\w\s{MARK}{FLAGS}{emoji}][^\w\s{FLAGS}{emoji}]*")
