"""The words of a text: where they stand, and the text without some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from limelight._errors import ArgumentTypeError, InstanceError
from limelight._seeds import fingerprint
from limelight.results.views import Span, TextView
from limelight.stages.components import Parts

__all__ = ["WordParts", "between", "found"]

_CHUNK = 64  # texts put together at once: their characters stay in the cache


class WordParts(Parts):
    """The words of one text.

    Parameters
    ----------
    text : str
        The text.
    stretches : list of (start, stop)
        Where its words stand, in order.
    bow : bool
        Whether equal words are one component.
    mask_string : str
        What stands in place of a removed word.

    Attributes
    ----------
    gaps : tuple of str
        What stands before, between and after the words; one more than there are words.
    numbers : tuple of int
        For each word, its component.
    """

    view: TextView
    form = "texts"

    def __init__(self, text: str, stretches: list[tuple[int, int]], bow: bool, mask_string: str) -> None:
        words = [text[start:stop] for start, stop in stretches]
        distinct = {word: number for number, word in enumerate(dict.fromkeys(words))}
        self.numbers = tuple(distinct[word] for word in words) if bow else tuple(range(len(words)))
        self.names = tuple(distinct) if bow else tuple(words)
        self.mask_string = mask_string
        bounds = [0, *(edge for stretch in stretches for edge in stretch), len(text)]
        self.gaps = tuple(text[start:stop] for start, stop in pairwise(bounds))[::2]
        self.view = TextView(
            text, tuple(Span(start, stop, number) for (start, stop), number in zip(stretches, self.numbers, strict=True))
        )
        self.content = fingerprint(text, np.array(stretches), mask_string, str(bow))
        d = len(self.names)
        # lime removes 1 to d words; a single word has to be seen with and without it.
        self.law = np.array([0.5, 0.5]) if d == 1 else np.concatenate([[0.0], np.full(d, 1.0 / d)])
        self.notes = (
            (("one_component", "The text has one word: its weight is the difference that it makes."),) if d == 1 else ()
        )
        self._lay_out(words)

    def _lay_out(self, words: list[str]) -> None:
        """Put all characters that a perturbed text may have in a row, each with the number of the flag that keeps it.

        Flags are the mask, then a one for what always stays, then the mask's complement for mask strings.
        """
        d = len(self.names)
        pieces, flags = [self.gaps[0]], [d]
        for word, number, gap in zip(words, self.numbers, self.gaps[1:], strict=True):
            pieces += [word, self.mask_string, gap]
            flags += [number, d + 1 + number, d]
        whole = "".join(pieces)
        # One byte a character where that can hold the text: a quarter of the work.
        self._encoding, unit = ("latin-1", np.uint8) if max(whole, default="") < "\u0100" else ("utf-32-le", np.uint32)
        self._characters = np.frombuffer(whole.encode(self._encoding, "surrogatepass"), dtype=unit)
        self._flags = np.repeat(np.array(flags, dtype=np.intp), [len(piece) for piece in pieces])

    def realise(self, masks: np.ndarray) -> list[str]:
        """The texts that the masks leave."""
        keep = np.concatenate([masks, np.ones_like(masks[:, :1]), 1 - masks], axis=1).view(np.bool_)
        texts: list[str] = []
        characters = np.tile(self._characters, min(_CHUNK, len(masks)))
        for start in range(0, len(masks), _CHUNK):
            kept = np.take(keep[start : start + _CHUNK], self._flags, axis=1)
            together = characters[np.flatnonzero(kept)].tobytes().decode(self._encoding, "surrogatepass")
            ends = np.cumsum(np.count_nonzero(kept, axis=1)).tolist()
            texts += [together[first:last] for first, last in pairwise([0, *ends])]
        return texts


def between(split: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """What lies between the matches of a regular expression."""
    edges = [0, *(edge for match in split.finditer(text) if match.end() > match.start() for edge in match.span()), len(text)]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if stop > start]


def found(tokens: Iterable[str], text: str) -> list[tuple[int, int]]:
    """Where a tokenizer's tokens stand in the text."""
    stretches = []
    position = 0
    if isinstance(tokens, (str, bytes)) or not isinstance(tokens, Iterable):
        raise ArgumentTypeError(f"a tokenizer must return a sequence of str; got {tokens!r}.")
    for token in tokens:
        if not isinstance(token, str):
            raise ArgumentTypeError(f"a tokenizer must return a sequence of str; one of its tokens is {token!r}.")
        start = text.find(token, position)
        if not token or start < 0:
            raise InstanceError(
                f"the tokenizer must return non-empty pieces of the text in their order; {token!r} is not in it after "
                f"character {position}. A tokenizer that changes its words, like lower(), cannot be explained with."
            )
        position = start + len(token)
        stretches.append((start, position))
    return stretches
