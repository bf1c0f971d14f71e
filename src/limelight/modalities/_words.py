"""The words of a text, or other pieces of it: where they stand, and the text without some of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np

from limelight._checks import user_function
from limelight._seeds import fingerprint
from limelight.exceptions import ArgumentTypeError, InstanceError
from limelight.modalities._blanks import RunsOfBlanks
from limelight.modalities._word_spans import gaps_between
from limelight.results.explanation import Notice
from limelight.results.views import Span, TextView
from limelight.stages.components import Parts

__all__ = ["Blanks", "Mask", "WordParts", "find_batch_size", "spread_removals"]

Mask = str | Callable[[str], str]
Blanks = Literal["keep", "collapse"]

_TEXTS_AT_ONCE = 64  # so that their characters stay in the cache
_LONG_TEXT = 25_000  # characters: thousands of longer texts take hundreds of megabytes
_BATCH_CHARACTERS = 2**26  # of long texts that the model gets at once


class WordParts(Parts):
    """The words, or other pieces, of one text.

    Parameters
    ----------
    text : str
        The text.
    spans : list of (start, stop)
        Where its pieces stand, in order, in code points.
    bow : bool
        Whether equal pieces are one component.
    mask : str or callable
        What replaces a removed piece, or a function from a piece to what replaces it.
    blanks : {"keep", "collapse"}, default "keep"
        What becomes of the blanks around removed pieces: with "collapse", of those that meet only the first stay, and none
        that come to stand where the text begins or ends.
    unit : str, default "word"
        What a piece is called in notices.

    Attributes
    ----------
    gaps : tuple of str
        The text before, between and after the pieces; one more than there are pieces.
    component_numbers : tuple of int
        The number of each piece's component.
    mask_string : str
        What replaces each removed piece. It is not there where pieces have replacements of their own, or blanks collapse, so
        that adapters for words, which look for it, let such parts be.

    Raises
    ------
    ArgumentTypeError
        If `mask` gives something else than a str.
    InstanceError
        If `mask` raises, or gives one thing and then another for the same piece.
    """

    view: TextView
    form = "texts"
    mask_string: str

    def __init__(
        self,
        text: str,
        spans: list[tuple[int, int]],
        bow: bool,
        mask: Mask,
        blanks: Blanks = "keep",
        unit: str = "word",
    ) -> None:
        words = [text[start:stop] for start, stop in spans]
        number_of_word = {word: number for number, word in enumerate(dict.fromkeys(words))}
        self.component_numbers = tuple(number_of_word[word] for word in words) if bow else tuple(range(len(words)))
        self.names = tuple(number_of_word) if bow else tuple(words)
        self.gaps = gaps_between(text, spans)
        self.view = TextView(
            text,
            tuple(Span(start, stop, number) for (start, stop), number in zip(spans, self.component_numbers, strict=True)),
            unit,
        )
        replacement_of_word = {word: mask if isinstance(mask, str) else _ask_mask(mask, word) for word in number_of_word}
        replacements = [replacement_of_word[word] for word in words]
        if isinstance(mask, str) and blanks == "keep":
            self.mask_string = mask
            self.content = fingerprint(text, np.array(spans), mask, str(bow))
        else:
            self.content = fingerprint(text, np.array(spans), str(bow), blanks, *replacements)
        self.batch_size = find_batch_size(len(text))
        d = len(self.names)
        self.law = spread_removals(d)
        self.notes = (*_note_one(d, unit), *_note_same(replacement_of_word))
        self._runs = RunsOfBlanks(self.gaps, replacements) if blanks == "collapse" else None
        self._lay_out(words, replacements)

    def _lay_out(self, words: list[str], replacements: list[str]) -> None:
        """Put all characters that a perturbed text may have in a row, each with the number of the flag that keeps it.

        The first 2 d + 1 flags are the mask, then 1 for what always stays, then the mask's complement for replacements. Runs
        of blanks that may go have one each after them.
        """
        d = len(self.names)
        pieces: list[str] = []
        flags: list[int] = []
        for place, gap in enumerate(self.gaps):
            if place:
                number = self.component_numbers[place - 1]
                pieces += [words[place - 1], replacements[place - 1]]
                flags += [number, d + 1 + number]
            if self._runs is None:
                pieces.append(gap)
                flags.append(d)
            else:
                for piece, run in self._runs.pieces[place]:
                    pieces.append(piece)
                    flags.append(d if run is None else 2 * d + 1 + run)
        characters = "".join(pieces)
        # One byte a character, where it can hold the text, is a quarter of the work.
        self._encoding, dtype = ("latin-1", np.uint8) if max(characters, default="") < "\u0100" else ("utf-32-le", np.uint32)
        self._characters = np.frombuffer(characters.encode(self._encoding, "surrogatepass"), dtype=dtype)
        self._flag_numbers = np.repeat(np.array(flags, dtype=np.intp), [len(piece) for piece in pieces])

    def realise(self, masks: np.ndarray) -> list[str]:
        """The text without its absent pieces, for each of the masks of shape (m, d)."""
        texts: list[str] = []
        characters = np.tile(self._characters, min(_TEXTS_AT_ONCE, len(masks)))
        for start in range(0, len(masks), _TEXTS_AT_ONCE):
            some = masks[start : start + _TEXTS_AT_ONCE]
            columns = [some, np.ones_like(some[:, :1]), 1 - some]
            if self._runs is not None:
                columns.append(self._runs.find_kept(some[:, self.component_numbers]))
            flags = np.concatenate(columns, axis=1).view(np.bool_)
            is_kept = np.take(flags, self._flag_numbers, axis=1)
            joined = characters[np.flatnonzero(is_kept)].tobytes().decode(self._encoding, "surrogatepass")
            ends = np.cumsum(np.count_nonzero(is_kept, axis=1)).tolist()
            texts += [joined[first:last] for first, last in pairwise([0, *ends])]
        return texts


def find_batch_size(characters: int) -> int | None:
    """How many texts of this length a model gets at once; None where there need be no limit."""
    return max(1, _BATCH_CHARACTERS // characters) if characters > _LONG_TEXT else None


def spread_removals(d: int) -> np.ndarray:
    """lime's law for d words: 1 to d of them are removed, each number with the same probability.

    With a single word, the text without it has to be compared with the whole text.
    """
    return np.array([0.5, 0.5]) if d == 1 else np.concatenate([[0.0], np.full(d, 1.0 / d)])


def _ask_mask(mask: Callable[[str], str], word: str) -> str:
    with user_function("mask", InstanceError, f" of {word!r:.60}"):
        replacement, once_more = mask(word), mask(word)
    if not isinstance(replacement, str):
        raise ArgumentTypeError(f"mask must give a str for each removed piece; it gave {replacement!r:.60} for {word!r:.60}.")
    if replacement != once_more:
        raise InstanceError(
            f"mask must give the same for the same piece; for {word!r:.60} it gave {replacement!r:.60}, then {once_more!r:.60}."
        )
    return replacement


def _note_one(d: int, unit: str) -> tuple[Notice, ...]:
    text = f"The text has one {unit}: its weight is the difference that it makes."
    return (Notice("one_component", text, "information"),) if d == 1 else ()


def _note_same(replacement_of_word: dict[str, str]) -> tuple[Notice, ...]:
    """What a reader should know where removing something changes nothing, so that its weight means nothing."""
    same = [word for word, replacement in replacement_of_word.items() if word == replacement]
    if not same:
        return ()
    listed = ", ".join(f"{word!r:.40}" for word in same[:3]) + (f" and {len(same) - 3} more" if len(same) > 3 else "")
    return (Notice("mask_changes_nothing", f"The mask is equal to what it replaces, whose weight says nothing: {listed}."),)
