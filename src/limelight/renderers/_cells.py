"""Text measured in cells of equal width, as terminals show it: how wide it is, and what of it fits."""

from __future__ import annotations

import unicodedata

__all__ = ["cells", "fit", "pad", "take", "visible"]

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Persian and Indian scripts and emoji are spelt with these two; every other format character is made visible.
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def visible(text: str) -> str:
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


def cells(text: str) -> int:
    return sum(map(_cell, text))


def pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def fit(text: str, width: int) -> str:
    """The text where it fits, else its beginning and its end around an ellipsis."""
    if take(text, width) == text:
        return text
    head = take(text, width // 2)
    tail = take(text[::-1], width - 1 - cells(head))[::-1]
    # A combining mark at the cut would sit on the ellipsis instead of its own letter.
    while tail and _cell(tail[0]) == 0:
        tail = tail[1:]
    return head + ELLIPSIS + tail


def take(text: str, width: int) -> str:
    """As many of the first characters as fit; marks that take no room are not let through without end."""
    used = 0
    for i, character in enumerate(text):
        used += _cell(character)
        if used > width or i >= 4 * width:
            return text[:i]
    return text
