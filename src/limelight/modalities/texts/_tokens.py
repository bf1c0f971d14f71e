"""Where a tokenizer's tokens stand in a text: found from the tokens alone, or said by the tokenizer itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from typing import Any

from limelight._checks import user_function
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError

__all__ = ["check_tokenizer", "find_tokens", "find_words_between", "locate_tokens"]

_SENTENCE_PIECE = "\u2581"
_ADVICE = 'With a Hugging Face tokenizer give unit="token" and tokenizer=the tokenizer: it says itself where its tokens stand.'


def find_words_between(separator: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Where each word between two matches of a regular expression starts and stops; matches of no characters do not count."""
    matches = [match.span() for match in separator.finditer(text) if match.end() > match.start()]
    bounds = [0, *(bound for match in matches for bound in match), len(text)]
    return [(start, stop) for start, stop in zip(bounds[::2], bounds[1::2], strict=True) if stop > start]


def locate_tokens(tokens: Iterable[str], text: str) -> list[tuple[int, int]]:
    """Where each of a tokenizer's tokens starts and stops in the text.

    Tokens of WordPiece ("##ing"), of byte-level tokenizers ("\u0120good") and of SentencePiece ("\u2581good") are located, too,
    where nothing but blanks is between them and they are otherwise as in the text.

    Raises
    ------
    ArgumentTypeError
        If the tokens are not a sequence of str.
    InstanceError
        If they are not pieces of the text in their order.
    """
    if isinstance(tokens, (str, bytes)) or not isinstance(tokens, Iterable):
        raise ArgumentTypeError(f"a tokenizer must return a sequence of str; got {tokens!r}.")
    pieces = list(tokens)
    for token in pieces:
        if not isinstance(token, str):
            raise ArgumentTypeError(f"a tokenizer must return a sequence of str; one of its tokens is {token!r}.")
    spans: list[tuple[int, int]] = []
    position = 0
    for token in pieces:
        start = text.find(token, position)
        if not token or start < 0:
            marked = _locate_marked(pieces, text)
            if marked is not None:
                return marked
            raise InstanceError(
                f"a tokenizer must return non-empty pieces of the text in their order; {token!r} is not in it after "
                f"character {position}. A tokenizer that changes words, like lower() does, cannot be used. {_ADVICE}"
            )
        position = start + len(token)
        spans.append((start, position))
    return spans


def _locate_marked(tokens: list[str], text: str) -> list[tuple[int, int]] | None:
    """Where tokens with the marks of a subword tokenizer stand; None where one is not next in the text."""
    if any(token.startswith("##") for token in tokens):
        joined = [len(token) > 2 and token.startswith("##") for token in tokens]
        pieces = [token[2:] if is_joined else token for token, is_joined in zip(tokens, joined, strict=True)]
    else:
        if any(_SENTENCE_PIECE in token for token in tokens):
            pieces = [token.replace(_SENTENCE_PIECE, " ") for token in tokens]
        else:
            pieces = [_read_bytes(token) for token in tokens]
        joined = [not piece[:1].isspace() for piece in pieces]
    spans: list[tuple[int, int]] = []
    position = 0
    is_after_blank = True
    for piece, is_joined in zip(pieces, joined, strict=True):
        word = piece.strip()
        if word:
            start = text.find(word, position)
            between = text[position : max(start, 0)]
            if start < 0 or between.strip() or (between and is_joined and not is_after_blank):
                return None
            position = start + len(word)
            spans.append((start, position))
        elif not piece:
            return None
        is_after_blank = piece[-1:].isspace()
    return spans


def _read_bytes(token: str) -> str:
    """A token of a byte-level tokenizer as text; the token itself where it is none, or holds a part of a character."""
    try:
        return bytes(map(_byte_of_character().__getitem__, token)).decode()
    except (KeyError, UnicodeDecodeError):
        return token


@cache
def _byte_of_character() -> dict[str, int]:
    """The byte for which each character of a byte-level token stands (Radford et al., GPT-2, 2019)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(0x100 + number): byte for number, byte in enumerate(others)}


def check_tokenizer(tokenizer: Any) -> Any:
    """A copy of a tokenizer that says where its tokens stand and cuts nothing off.

    It is one of tokenizers, or what a fast one of transformers is made of. The user's own stays as it is.

    Raises
    ------
    ArgumentError
        If it does not say where its tokens stand.
    ArgumentTypeError
        If it is no tokenizer.
    """
    if getattr(tokenizer, "is_fast", None) is False:
        raise ArgumentError(
            f"tokenizer must say where its tokens stand; {type(tokenizer).__name__} does not, because it is slow. Give a fast "
            "one (use_fast=True), or unit=your function from a text to the (start, stop) of its tokens."
        )
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not (hasattr(backend, "encode") and hasattr(backend, "no_truncation") and hasattr(backend, "no_padding")):
        raise ArgumentTypeError(
            "tokenizer must be a Hugging Face tokenizer, of transformers or of tokenizers; "
            f"got {tokenizer!r:.60} ({type(tokenizer).__name__}). With another one give unit=your function from a text to the "
            "(start, stop) of its tokens."
        )
    made = deepcopy(backend)
    made.no_truncation()
    made.no_padding()
    return made


def find_tokens(tokenizer: Any, text: str) -> list[tuple[int, int]]:
    """Where a tokenizer's tokens stand, without blanks; those that share a character of the text are one.

    Raises
    ------
    InstanceError
        If the tokenizer raises.
    """
    with user_function("tokenizer", InstanceError):
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    spans: list[tuple[int, int]] = []
    for first, last in offsets:
        token = text[first:last]
        start, stop = last - len(token.lstrip()), first + len(token.rstrip())
        if stop <= start:  # blanks, or no characters
            continue
        if spans and start < spans[-1][1]:  # several tokens for a character, as byte-level tokenizers have them
            start, stop = spans[-1][0], max(stop, spans.pop()[1])
        spans.append((start, stop))
    return spans
