"""Where the sentences of a text stand, by a simple rule."""

from __future__ import annotations

import re

from limelight.modalities._graphemes import MARK, sketch

__all__ = ["find_sentences"]

_CLOSING = "\"'\u2019\u201d\u00bb)\\]\u300d\u300f\uff09"  # quotation marks and brackets
_STOPS = ".!?\u2026\u061f\u06d4\u0964\u0965\u104b\u1362\u17d4"
_END = re.compile(
    rf"(?P<stop>(?<![{_STOPS}])[{_STOPS}]++[{_CLOSING}{MARK}]*+)(?=\s)"  # no run is looked at from within: it may be long
    rf"|[\u3002\uff01\uff1f\uff61]+[{_CLOSING}{MARK}]*"  # of Chinese and Japanese, which need no blank
    r"|\n[^\S\n]*(?=\n)"  # an empty line
    r"|\n(?=[^\S\n]*[(\[]?(?P<item>\d{1,3})[.)][^\S\n])"  # a line that may be an item of a list
)
_BEGIN = r"(?:^|[\s(\"'\u201c\u2018])"
_ABBREVIATION = re.compile(
    rf"{_BEGIN}(?:[^\W\d_]|(?:[^\W\d_]\.)+[^\W\d_]|Mr|Mrs|Ms|Mx|Dr|Prof|St|Sr|Jr|Rev|Gen|Col|Lt|Sgt|Capt|Sen|Rep|Gov|Hon"
    r"|vs|cf|approx|bzw|ca|evtl|vgl)$"
)
_BEFORE_NUMBERS = re.compile(rf"{_BEGIN}(?:No|Nos|Nr|Figs?|Eqs?|Vol|pp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$")
_LIST_NUMBER = re.compile(r"\s*[(\[]?(?:\d{1,3}|[^\W\d_])$")  # such as that of "1. First"
_FIRST_ITEM = re.compile(r"\s*[(\[]?(\d{1,3})[.)]\s")
_NEXT = re.compile(r"\s*(\S?)")
_LONGEST_ABBREVIATION = 12


def find_sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence starts and stops, without the blanks around it.

    A sentence ends after full stops, question and exclamation marks (with the quotation marks and brackets that close after
    them) that a blank follows, at an empty line, and before a line that begins with a list's next number. Full stops of Chinese
    and Japanese need no blank. It goes on where a lower-case letter follows, after a common abbreviation, after a single letter
    and after the number of a list.

    Examples
    --------
    >>> from limelight.modalities.texts._sentences import find_sentences
    >>> text = "Dr. Ray saw it. \\"Good?\\" Yes, e.g. the end."
    >>> [text[start:stop] for start, stop in find_sentences(text)]
    ['Dr. Ray saw it.', '"Good?"', 'Yes, e.g. the end.']
    """
    drawn = sketch(text)
    spans: list[tuple[int, int]] = []
    first = 0
    item = int(begin[1]) if (begin := _FIRST_ITEM.match(drawn)) else 0
    for match in _END.finditer(drawn):
        if match["stop"] and _goes_on(drawn, first, match):
            continue
        if match["item"]:
            if int(match["item"]) not in (1, item + 1):  # a number that stands at a line's beginning by chance
                continue
            item = int(match["item"])
        _append_stripped(spans, drawn, first, match.end())
        first = match.end()
    _append_stripped(spans, drawn, first, len(drawn))
    return spans


def _append_stripped(spans: list[tuple[int, int]], drawn: str, start: int, stop: int) -> None:
    piece = drawn[start:stop]
    words = piece.strip()
    if words:
        start += len(piece) - len(piece.lstrip())
        spans.append((start, start + len(words)))


def _goes_on(drawn: str, first: int, match: re.Match[str]) -> bool:
    """Whether a sentence goes on after a stop."""
    after = _NEXT.match(drawn, match.end())
    following = after[1] if after else ""
    if following.islower():
        return True
    if match["stop"] != ".":
        return False
    before = drawn[max(first, match.start() - _LONGEST_ABBREVIATION) : match.start()]
    if following.isdigit() and _BEFORE_NUMBERS.search(before):
        return True
    return _ABBREVIATION.search(before) is not None or _LIST_NUMBER.match(drawn, first, match.start()) is not None
