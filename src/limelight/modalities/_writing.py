"""How a text is written: what stays between its words, and what is taken for a word and is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from limelight.results.explanation import Notice

__all__ = ["HAN", "KANA", "OTHERS", "THAI", "has_uncommon_signs", "note_signs", "note_unspaced", "note_words"]

_COMMON_SIGNS = frozenset(
    ".,;:'\"()[]/-_\N{EN DASH}\N{EM DASH}\u2018\u2019\u201c\u201d\u00ab\u00bb"  # quotation marks of several languages
    "\u3001\u3002\u300a\u300b\u300c\u300d\u300e\u300f\u30fb\uff08\uff09\uff0c\uff1a\uff1b"  # full-width ones
    "\u060c\u061b\u06d4\u0964\u0965"  # of Arabic, Urdu and Indian scripts
)
_FACE = re.compile(r"[:;=8][-^'o]?[()\[\]|/\\*]")  # such as :-)
_MOST_SIGNS = 5
_MOST_LETTERS = 20
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

KANA = "\u3040-\u30ff"
HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
THAI = "\u0e01-\u0e3a\u0e40-\u0e4e"
OTHERS = "\u0e81-\u0ecd\u1000-\u104f\u1780-\u17d3"  # Lao, Burmese, Khmer
_ANY_UNSPACED = f"{KANA}{HAN}{THAI}{OTHERS}"
_OWN_FUNCTION = 'Give unit=your function from a text to the (start, stop) of its words, or unit="grapheme".'


def note_words(words: Sequence[str], gaps: Sequence[str]) -> tuple[Notice, ...]:
    """What a reader should know about components between the matches of a regular expression that are no words.

    Parameters
    ----------
    words : sequence of str
        The d words of a text where they stand, whether or not some are equal.
    gaps : sequence of str
        The d + 1 texts before, between and after them.
    """
    cut = next((word for word, gap in zip(words, gaps[1:], strict=True) if any(map(_is_accent, gap))), "")
    if not cut:
        return note_unspaced(words, _ANY_UNSPACED, 'Leave out split_expression: unit="word" finds more of them.')
    text = f"Vowel signs and accents were taken for gaps between words, such as that after {_quote(cut)}."
    return (Notice("words_cut", f'{text} Leave out split_expression: unit="word" keeps them in words.'),)


def note_unspaced(words: Iterable[str], scripts: str, advice: str = _OWN_FUNCTION) -> tuple[Notice, ...]:
    """What a reader should know about components that hold several words.

    Parameters
    ----------
    words : iterable of str
        The words of a text.
    scripts : str
        The scripts without spaces in which a long run is taken for several words.
    advice : str
        How to separate them.
    """
    run = re.compile(rf"(?![\u30a0-\u30ff]+(?![{KANA}{HAN}]))[{scripts}]{{5,}}")
    several = next((word for word in words if run.search(word)), "")
    if not several:
        return ()
    text = f"This language has no spaces between words, so that one component holds several: {_quote(several)}."
    return (Notice("words_not_separated", f"{text} {advice}"),)


def note_signs(gaps: Iterable[str], advice: str) -> tuple[Notice, ...]:
    """What a reader should know about signs between words that may matter, such as emoji: they stay in every perturbation.

    Parameters
    ----------
    gaps : sequence of str
        What stands between the components of a text.
    advice : str
        What gives signs a weight.
    """
    runs = [run for gap in gaps for run in gap.split()]
    signs = list(dict.fromkeys(run for run in runs if _may_matter(run)))
    if not signs or any(map(_is_accent, "".join(signs))):  # letters with marks are not cut where signs have a weight
        return ()
    more = f" and {len(signs) - _MOST_SIGNS} more" if len(signs) > _MOST_SIGNS else ""
    listed = ", ".join(map(_quote, signs[:_MOST_SIGNS]))
    text = f"Signs between words stay in every perturbation and get no weight: {listed}{more}."
    return (Notice("signs_stay", f"{text} To give them one, {advice}.", "information"),)


def has_uncommon_signs(text: str) -> bool:
    """Whether a text without words has other signs than common punctuation."""
    return any(
        sign not in _COMMON_SIGNS and not sign.isspace() and sign.isprintable() and not _is_accent(sign) for sign in text
    )


def _may_matter(run: str) -> bool:
    """Whether signs that stand together are more than common punctuation: emoji, symbols, exclamations, faces, dots."""
    signs = [sign for sign in run if not _is_accent(sign)]
    return has_uncommon_signs(run) or bool(_FACE.search(run)) or (len(signs) > 2 and len(set(signs)) == 1)


def _is_accent(sign: str) -> bool:
    """Whether a sign is a vowel sign or an accent of the letter before it; emoji have marks of other kinds."""
    is_variation = "\ufe00" <= sign <= "\ufe0f" or sign == "\u20e3"
    return unicodedata.category(sign) in ("Mn", "Mc") and not is_variation


def _quote(word: str) -> str:
    return f"'{word if len(word) <= _MOST_LETTERS else word[:_MOST_LETTERS] + _ELLIPSIS}'"
