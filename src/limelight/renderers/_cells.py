"""Text measured in the cells of a terminal: how wide it is, and how much of it fits."""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "LINE_CELLS",
    "MOST_PICTURE_CELLS",
    "count_cells",
    "escape_directions",
    "fit",
    "make_visible",
    "pad",
    "replace_unprintable",
    "take",
    "take_end",
    "wrap",
]

LINE_CELLS = 100
MOST_PICTURE_CELLS = 34  # they fit a picture 480 pixels wide even if every letter is as wide as a W
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Persian, Indian scripts and emoji are spelt with these two; every other format character becomes an escape.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_OPEN, _CLOSE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_DIRECTIONS = f"{_OPEN}{_CLOSE}\N{LEFT-TO-RIGHT MARK}"
_OVERRIDES = re.compile("[\u202a-\u202e\u2066\u2067]")


def make_visible(text: str) -> str:
    """Replace characters that move the cursor, colour the screen or change the direction of writing by escapes."""
    return "".join(
        character if character in _JOINERS or character.isprintable() or character in "\u00a0\u3000" else _escape(character)
        for character in text
    )


def escape_directions(text: str) -> str:
    r"""Replace what would change the direction of all that follows by escapes.

    These are embeddings and overrides, isolates whose direction is given, and isolates that are not closed, or not opened.

    Examples
    --------
    >>> from limelight.renderers._cells import escape_directions
    >>> escape_directions("\u202eevil"), escape_directions("\u2068a"), escape_directions("\u2068a\u2069") == "\u2068a\u2069"
    ('\\u202eevil', '\\u2068a', True)
    """
    text = _OVERRIDES.sub(lambda match: _escape(match[0]), text)
    depth = 0
    for letter in text if _OPEN in text or _CLOSE in text else "":
        depth += (letter == _OPEN) - (letter == _CLOSE)
        if depth < 0:
            break
    return text.replace(_OPEN, _escape(_OPEN)).replace(_CLOSE, _escape(_CLOSE)) if depth else text


def replace_unprintable(text: str) -> str:
    """Replace characters for which a font has no picture, such as control characters."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _width(character: str) -> int:
    """The cells that a terminal gives to a character: none to combining marks, two to wide ones."""
    is_hangul_part = "\u1160" <= character <= "\u11ff"
    if character in _JOINERS or character in _DIRECTIONS or is_hangul_part or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def count_cells(text: str) -> int:
    """The width of a text in cells."""
    return sum(map(_width, text))


def pad(text: str, width: int) -> str:
    """The text with spaces after it, up to a width in cells."""
    return text + " " * (width - count_cells(text))


def fit(text: str, width: int) -> str:
    """The text if it fits a width in cells, else its beginning and its end around an ellipsis."""
    if take(text, width) == text:
        return text
    head = take(text, width // 2)
    return head + _ELLIPSIS + take_end(text, width - 1 - count_cells(head))


def take(text: str, width: int) -> str:
    """The first characters that fit a width in cells; marks without a width are limited to four for each cell."""
    used = 0
    for i, character in enumerate(text):
        used += _width(character)
        if used > width or i >= 4 * width:
            return text[:i]
    return text


def take_end(text: str, width: int) -> str:
    """The last characters that fit a width in cells, as `take` takes the first."""
    tail = take(text[::-1], max(0, width))[::-1]
    # A combining mark at the cut would sit on what stands before it instead of its own letter.
    while tail and _width(tail[0]) == 0:
        tail = tail[1:]
    return tail


def wrap(text: str) -> list[str]:
    """Lines of at most `LINE_CELLS` cells, broken at spaces, or within a word that is longer than a line."""
    lines = [""]
    for word in make_visible(text).split():
        rest = word
        if lines[-1] and count_cells(lines[-1]) + 1 + count_cells(word) > LINE_CELLS:
            lines.append("  ")
        elif lines[-1].strip():
            rest = " " + word
        while count_cells(lines[-1]) + count_cells(rest) > LINE_CELLS:
            head = take(rest, LINE_CELLS - count_cells(lines[-1]))
            lines[-1] += head
            rest = rest[len(head) :]
            lines.append("  ")
        lines[-1] += rest
    return lines
