"""Where a text must not be cut: inside a grapheme, which is what a reader takes for one character."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["FLAGS", "MARK", "PICTOGRAPHS", "find_symbols", "sketch"]

MARK = "\N{COMBINING GRAVE ACCENT}"
# What belongs to the character before it and is no mark by its category: joiners, skin tones, tags, halfwidth voicing marks
# and two vowels (Grapheme_Cluster_Break = Extend, ZWJ or SpacingMark in Unicode's annex 29).
_EXTENDING = re.compile("[\u200c\u200d\uff9e\uff9f\u0e33\u0eb3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
# What belongs to the character after it (Grapheme_Cluster_Break = Prepend).
_PREPENDED = (
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3\U000113d1\U0001193f\U00011941"
    "\U00011a84-\U00011a89\U00011d46\U00011f02"
)
FLAGS = "\U0001f1e6-\U0001f1ff"  # letters of which two are a flag
# Emoji whose category is not "other symbol", among them those that are newer than Python's tables.
PICTOGRAPHS = (
    "\u203c\u2049\u2139\u2194\u25fb-\u25fe\u2934\u2935\u3030\u303d"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
# Marks that join the letter after them to the one before, such as the virama (Indic_Conjunct_Break = Linker).
_LINKING = (
    "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2\u1a60\u1b44\u1bab\u1cf5\u1cf6\ua9c0\uaaf6\U00010a3f\U00011133\U000113d0\U0001193e"
    "\U00011a3a\U00011a47\U00011a99\U00011f42"
)
_HANGUL = "\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb"
_WITH_NEXT = re.compile(f"[{_PREPENDED}]+(?:[{FLAGS}]{{1,2}}|[^\\n\\r\\t])?")
_MARKED_BLANK = re.compile(f"[^\\S\\t-\\r\\x1c-\\x1f\\x85\\u2028\\u2029](?={MARK})")
_FLAG = re.compile(f"[{FLAGS}]")
_JOINER = "\N{ZERO WIDTH JOINER}"


def _is_mark(character: str) -> bool:
    """Whether a character belongs to the one before it: accents, vowel signs, joiners, skin tones."""
    return unicodedata.category(character)[0] == "M" or _EXTENDING.match(character) is not None


def find_symbols(text: str) -> str:
    """The symbols of a text, such as older emoji, as the inside of a regular expression's brackets."""
    symbols = (character for character in set(text) if character > "\x7f" and unicodedata.category(character) == "So")
    return "".join(sorted(symbol for symbol in symbols if not _FLAG.match(symbol)))


def sketch(text: str) -> str:
    """A copy of the same length in which marks are easy to see, so that a regular expression need not cut graphemes.

    All that belongs to the character before it is a grave accent; what belongs together in another way is the letter x, or a
    hyphen for a blank with a mark. So each grapheme is one character with the accents after it, or lies in a run of letters.
    The rules are those of Unicode's annex 29, except that more than a grapheme may be kept together.

    Examples
    --------
    >>> from limelight.modalities._graphemes import sketch
    >>> sketch("plain") == "plain", [hex(ord(sign)) for sign in sketch("\\u0928\\u093f")]  # ni, in Hindi
    (True, ['0x928', '0x300'])
    """
    if text.isascii():
        return text
    characters = {character for character in set(text) if character > "\x7f"}
    marks = [character for character in characters if _is_mark(character)]
    drawn = text
    if _JOINER in characters:
        symbols = PICTOGRAPHS + find_symbols(text)
        joined = re.compile(f"[{symbols}](?:[{''.join(marks)}]*{_JOINER}[{symbols}])+")
        drawn = joined.sub(lambda match: match[0][0] + MARK * (len(match[0]) - 1), drawn)
    if marks:
        if not characters.isdisjoint(_LINKING):
            linked = re.compile(rf"[{_LINKING}][{''.join(marks)}]*(?![{_PREPENDED}{_HANGUL}])\w")
            drawn = linked.sub(lambda match: match[0][:-1] + MARK, drawn)
        drawn = drawn.translate(dict.fromkeys(map(ord, marks), MARK))
        drawn = _MARKED_BLANK.sub("-", drawn)
    if any(map(_WITH_NEXT.match, characters)):
        drawn = _WITH_NEXT.sub(lambda match: "x" * len(match[0]), drawn)
    return drawn
