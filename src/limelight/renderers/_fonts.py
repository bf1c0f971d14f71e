"""Fonts of the machine in which a text can be read, for matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

__all__ = ["choose_families", "find_unreadable"]

_LAST_RESORT = "Last Resort"  # it has a box for every character
_FIRST_LOOKED_AT = "Noto Sans"  # plain letters, and most scripts


def choose_families(text: str) -> list[str]:
    """The families of the user's style, and after them those of the machine that have what these lack.

    matplotlib takes each character from the first family that has it.
    """
    from matplotlib.font_manager import FontProperties

    own = tuple(FontProperties().get_family())
    missing = frozenset(filter(_is_drawn, text)) - _find_covered(own, text)
    return [*own, *_find_families(missing)]


def find_unreadable(text: str, families: list[str]) -> set[str]:
    """The characters of a text that none of these families has."""
    return set(filter(_is_drawn, text)) - _find_covered(tuple(families), text)


def _is_drawn(character: str) -> bool:
    return character.isprintable() and not character.isspace()


def _find_covered(families: tuple[str, ...], text: str) -> set[str]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    covered: set[str] = set()
    for family in families:
        font = get_font(findfont(FontProperties(family=[family])))
        covered |= {character for character in set(text) - covered if font.get_char_index(ord(character))}
    return covered


@lru_cache(maxsize=256)
def _find_families(missing: frozenset[str]) -> tuple[str, ...]:
    """The families that have some of these characters, as few as come first."""
    families: list[str] = []
    remaining = set(missing)
    for name, font in _list_fonts() if remaining else ():
        found = {character for character in remaining if font.get_char_index(ord(character))}
        if found:
            families.append(name)
            remaining -= found
        if not remaining:
            break
    return tuple(families)


def _list_fonts() -> Iterator[tuple[str, Any]]:
    """The upright outline fonts that matplotlib knows, and then those of the machine that it has not listed yet."""
    from matplotlib.font_manager import findSystemFonts, fontManager, get_font

    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        try:
            fontManager.addfont(path)
        except (OSError, RuntimeError, ValueError):  # damaged, or of a kind that matplotlib does not read
            continue
    entries = {
        entry.name: entry.fname
        for entry in sorted(fontManager.ttflist, key=lambda entry: entry.fname, reverse=True)
        if entry.style == "normal" and entry.weight in (400, "normal", "regular")
    }
    for name in sorted(entries, key=lambda name: (not name.startswith(_FIRST_LOOKED_AT), name)):
        try:
            font = get_font(entries[name])
        except (OSError, RuntimeError, ValueError):
            continue
        if font.scalable and not name.startswith(_LAST_RESORT):
            yield name, font
