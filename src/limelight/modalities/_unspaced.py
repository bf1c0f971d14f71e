"""Words of scripts without spaces between them, as budoux finds them where it is installed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from itertools import accumulate, pairwise
from typing import Any

from limelight.modalities._graphemes import MARK
from limelight.modalities._writing import HAN, KANA, OTHERS, THAI, note_unspaced
from limelight.results.explanation import Notice

__all__ = ["cut_unspaced"]

_INSTALL = "pip install 'limelight[text]' has them found by budoux; or give unit=your function, or unit=\"grapheme\"."
_CUT = re.compile(f"[{KANA}{HAN}{THAI}]")
_UNSPACED = re.compile(f"[{KANA}{HAN}{THAI}{OTHERS}]")
_LANGUAGES = {"japanese": "Japanese", "simplified_chinese": "Chinese", "traditional_chinese": "Chinese", "thai": "Thai"}


def cut_unspaced(text: str, drawn: str, spans: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[Notice, ...]]:
    """Cut what holds several words of Chinese, Japanese or Thai, and say by what it was cut, or why not.

    Parameters
    ----------
    text : str
        The text.
    drawn : str
        Its sketch.
    spans : list of (start, stop)
        Where runs of letters, or signs, stand in it.
    """
    if not _UNSPACED.search(text):
        return spans, ()
    notes = note_unspaced((text[start:stop] for start, stop in spans), OTHERS)
    if not _CUT.search(text):
        return spans, notes
    if find_spec("budoux") is None:
        return spans, note_unspaced((text[start:stop] for start, stop in spans), KANA + HAN + THAI, _INSTALL) or notes
    # The kana of a text tell Japanese from Chinese, also in the clauses that have none.
    language_of_han = "japanese" if re.search(f"[{KANA}]", text) else _tell_chinese(text)
    languages: dict[str, None] = {}
    cut: list[tuple[int, int]] = []
    for start, stop in spans:
        word = text[start:stop]
        if stop - start == 1 or not _CUT.search(word):
            cut.append((start, stop))
            continue
        language = "thai" if re.search(f"[{THAI}]", word) else language_of_han
        ends = [start + end for end in accumulate(map(len, _parse(language)(word)))]
        kept = [end for end in ends if end == stop or (drawn[end] == text[end] != MARK and _is_between_words(text, end))]
        cut += pairwise([start, *kept])
        if len(kept) > 1:
            languages[_LANGUAGES[language]] = None
    if languages:
        what = " and ".join(languages)
        phrases = ": phrases, with their particles" if "Japanese" in languages else ""
        notes += (Notice("words_by_budoux", f"The words of {what} were found by budoux {_version()}{phrases}.", "information"),)
    return cut, notes


def _is_between_words(text: str, place: int) -> bool:
    """Whether one of the characters at a place is of a script without spaces: other scripts are not cut."""
    return bool(_CUT.match(text[place]) or _CUT.match(text[place - 1]))


def _tell_chinese(text: str) -> str:
    """Which characters a Chinese text is written in, by the character set that holds more of them."""
    characters = set(re.findall(f"[{HAN}]", text))
    simplified, traditional = (
        sum(bool(one.encode(encoding, "ignore")) for one in characters) for encoding in ("gb2312", "big5")
    )
    return "traditional_chinese" if traditional > simplified else "simplified_chinese"


@cache
def _parse(language: str) -> Callable[[str], list[str]]:
    import budoux

    load: Callable[[], Any] = getattr(budoux, f"load_default_{language}_parser")
    parse: Callable[[str], list[str]] = load().parse
    return parse


@cache
def _version() -> str:
    from importlib.metadata import version

    return version("budoux")
