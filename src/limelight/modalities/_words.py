"""The words of a text: where they stand, and the text without some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from limelight._seeds import fingerprint
from limelight.exceptions import ArgumentTypeError, InstanceError
from limelight.results.explanation import Notice
from limelight.results.views import Span, TextView
from limelight.stages.components import Parts

__all__ = ["WordParts", "find_words_between", "locate_tokens"]

_TEXTS_AT_ONCE = 64  # so that their characters stay in the cache
_LONG_TEXT = 25_000  # characters: thousands of longer texts take hundreds of megabytes
_BATCH_CHARACTERS = 2**26  # of long texts that the model gets at once


class WordParts(Parts):
    """The words of one text.

    Parameters
    ----------
    text : str
        The text.
    spans : list of (start, stop)
        Where its words stand, in order, in code points.
    bow : bool
        Whether equal words are one component.
    mask_string : str
        What replaces a removed word.

    Attributes
    ----------
    gaps : tuple of str
        The text before, between and after the words; one more than there are words.
    component_numbers : tuple of int
        The number of each word's component.
    """

    view: TextView
    form = "texts"

    def __init__(self, text: str, spans: list[tuple[int, int]], bow: bool, mask_string: str) -> None:
        words = [text[start:stop] for start, stop in spans]
        number_of_word = {word: number for number, word in enumerate(dict.fromkeys(words))}
        self.component_numbers = tuple(number_of_word[word] for word in words) if bow else tuple(range(len(words)))
        self.names = tuple(number_of_word) if bow else tuple(words)
        self.mask_string = mask_string
        bounds = [0, *(bound for span in spans for bound in span), len(text)]
        self.gaps = tuple(text[start:stop] for start, stop in pairwise(bounds))[::2]
        self.view = TextView(
            text, tuple(Span(start, stop, number) for (start, stop), number in zip(spans, self.component_numbers, strict=True))
        )
        self.content = fingerprint(text, np.array(spans), mask_string, str(bow))
        if len(text) > _LONG_TEXT:
            self.batch_size = max(1, _BATCH_CHARACTERS // len(text))
        d = len(self.names)
        # lime removes 1 to d words; with a single word, the text without it has to be compared with the whole text.
        self.law = np.array([0.5, 0.5]) if d == 1 else np.concatenate([[0.0], np.full(d, 1.0 / d)])
        self.notes = (
            (Notice("one_component", "The text has one word: its weight is the difference that it makes.", "information"),)
            if d == 1
            else ()
        )
        self._lay_out(words)

    def _lay_out(self, words: list[str]) -> None:
        """Put all characters that a perturbed text may have in a row, each with the number of the flag that keeps it.

        The 2 d + 1 flags are the mask, then 1 for what always stays, then the mask's complement for mask strings.
        """
        d = len(self.names)
        pieces, flags = [self.gaps[0]], [d]
        for word, number, gap in zip(words, self.component_numbers, self.gaps[1:], strict=True):
            pieces += [word, self.mask_string, gap]
            flags += [number, d + 1 + number, d]
        characters = "".join(pieces)
        # One byte a character, where it can hold the text, is a quarter of the work.
        self._encoding, dtype = ("latin-1", np.uint8) if max(characters, default="") < "\u0100" else ("utf-32-le", np.uint32)
        self._characters = np.frombuffer(characters.encode(self._encoding, "surrogatepass"), dtype=dtype)
        self._flag_numbers = np.repeat(np.array(flags, dtype=np.intp), [len(piece) for piece in pieces])

    def realise(self, masks: np.ndarray) -> list[str]:
        """The text without its absent words, for each of the masks of shape (m, d)."""
        flags = np.concatenate([masks, np.ones_like(masks[:, :1]), 1 - masks], axis=1).view(np.bool_)
        texts: list[str] = []
        characters = np.tile(self._characters, min(_TEXTS_AT_ONCE, len(masks)))
        for start in range(0, len(masks), _TEXTS_AT_ONCE):
            is_kept = np.take(flags[start : start + _TEXTS_AT_ONCE], self._flag_numbers, axis=1)
            joined = characters[np.flatnonzero(is_kept)].tobytes().decode(self._encoding, "surrogatepass")
            ends = np.cumsum(np.count_nonzero(is_kept, axis=1)).tolist()
            texts += [joined[first:last] for first, last in pairwise([0, *ends])]
        return texts


def find_words_between(separator: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Where each word between two matches of a regular expression starts and stops; matches of no characters do not count."""
    matches = [match.span() for match in separator.finditer(text) if match.end() > match.start()]
    bounds = [0, *(bound for match in matches for bound in match), len(text)]
    return [(start, stop) for start, stop in zip(bounds[::2], bounds[1::2], strict=True) if stop > start]


def locate_tokens(tokens: Iterable[str], text: str) -> list[tuple[int, int]]:
    """Where each of a tokenizer's tokens starts and stops in the text.

    Raises
    ------
    ArgumentTypeError
        If the tokens are not a sequence of str.
    InstanceError
        If they are not pieces of the text in their order.
    """
    spans = []
    position = 0
    if isinstance(tokens, (str, bytes)) or not isinstance(tokens, Iterable):
        raise ArgumentTypeError(f"a tokenizer must return a sequence of str; got {tokens!r}.")
    for token in tokens:
        if not isinstance(token, str):
            raise ArgumentTypeError(f"a tokenizer must return a sequence of str; one of its tokens is {token!r}.")
        start = text.find(token, position)
        if not token or start < 0:
            raise InstanceError(
                f"a tokenizer must return non-empty pieces of the text in their order; {token!r} is not in it after "
                f"character {position}. A tokenizer that changes words, like lower() does, cannot be used."
            )
        position = start + len(token)
        spans.append((start, position))
    return spans
