"""What the components of a text are: words, graphemes, sentences, tokens, or what the user says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from limelight._checks import check_flag, user_function
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, read_message, require
from limelight.modalities._word_spans import Pieces, find_words, gaps_between
from limelight.modalities._writing import note_signs, note_words
from limelight.modalities.texts._sentences import find_sentences
from limelight.modalities.texts._tokens import check_tokenizer, find_tokens, find_words_between, locate_tokens

__all__ = ["SpanFunction", "Unit", "UnitName", "check_unit"]

UnitName = Literal["word", "grapheme", "sentence", "token"]
SpanFunction = Callable[[str], Iterable[tuple[int, int]]]

_NAMES = ("word", "grapheme", "sentence", "token")


@dataclass(frozen=True)
class Unit:
    """What the components of a text are; `split` finds them.

    Attributes
    ----------
    name : str
        What a component is called: "word", "grapheme", "sentence", "token", "character", or "piece" of a user's function.
    options : mapping
        The user's options, for the record.
    signs : bool
        Whether signs count as words.
    tokenizer : object
        Of tokens.
    function : callable or None
        The user's function from a text to spans.
    expression : pattern, callable or None
        What separates words, or a tokenizer, as lime has it.
    """

    name: str
    options: dict[str, object]
    signs: bool = False
    tokenizer: Any = None
    function: SpanFunction | None = None
    expression: re.Pattern[str] | Callable[[str], Iterable[str]] | None = None

    def split(self, text: str) -> Pieces:
        """Where the components of a text stand, and what a reader should know about how they were found.

        Raises
        ------
        ArgumentTypeError, InstanceError
            If a user's function raises, or gives what are no pieces of the text in their order.
        MissingDependencyError
            If a package that finds them is not installed.
        """
        if self.expression is not None:
            return _split_by(self.expression, text)
        if self.function is not None:
            return Pieces(_ask_function(self.function, text))
        if self.name == "word":
            return find_words(text, signs=self.signs)
        if self.name == "sentence":
            return Pieces(find_sentences(text))
        if self.name == "token":
            return Pieces(find_tokens(self.tokenizer, text))
        if self.name == "grapheme":
            regex = require("regex", extra="text", purpose='unit="grapheme"')
            return Pieces([match.span() for match in regex.finditer(r"\X", text)])
        return Pieces([(place, place + 1) for place in range(len(text))])


def check_unit(*, unit: object, signs: object, tokenizer: object, split_expression: object, char_level: object) -> Unit:
    """What the components of a text are, from the options that say so.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an option is not allowed, or not with another.
    """
    char_level, signs = check_flag("char_level", char_level), check_flag("signs", signs)
    given = [name for name, is_given in _which(unit, split_expression, char_level) if is_given]
    if len(given) > 1:
        raise ArgumentError(f"{' and '.join(given)} say what a component is in two ways; give one of them.")
    if signs and (split_expression is not None or char_level or unit not in (None, "word")):
        raise ArgumentError(f"signs=True is for unit='word'; other units have the text's signs as they come. Got {given[0]}.")
    if (tokenizer is not None) != (unit == "token" if isinstance(unit, str) else False):
        if tokenizer is None:
            raise ArgumentError("unit='token' needs to know whose tokens; give tokenizer=, such as pipeline.tokenizer.")
        raise ArgumentError("tokenizer= is for unit='token'; give both, or neither.")
    if split_expression is not None:
        expression = _check_split_expression(split_expression)
        shown = expression.pattern if isinstance(expression, re.Pattern) else expression
        return Unit("word", {"split_expression": shown}, expression=expression)
    if char_level:
        return Unit("character", {"char_level": True})
    if unit is None or unit == "word":
        return Unit("word", {"unit": "word", **({"signs": True} if signs else {})}, signs=signs)
    if isinstance(unit, str) and unit in _NAMES:
        if unit == "token":
            return Unit(unit, {"unit": unit, "tokenizer": _name(tokenizer)}, tokenizer=check_tokenizer(tokenizer))
        return Unit(unit, {"unit": unit})
    if callable(unit):
        return Unit("piece", {"unit": unit}, function=unit)
    names = ", ".join(map(repr, _NAMES))
    kind = ArgumentError if isinstance(unit, str) else ArgumentTypeError
    raise kind(f"unit must be one of {names}, or a function from a text to (start, stop) spans; got {unit!r:.60}.")


def _which(unit: object, split_expression: object, char_level: bool) -> Iterable[tuple[str, bool]]:
    yield f"unit={unit!r:.40}", unit is not None
    yield f"split_expression={split_expression!r:.40}", split_expression is not None
    yield "char_level=True", char_level


def _name(tokenizer: object) -> str:
    return str(getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__)


def _split_by(expression: re.Pattern[str] | Callable[[str], Iterable[str]], text: str) -> Pieces:
    """The words between the matches of an expression, or a tokenizer's tokens."""
    if isinstance(expression, re.Pattern):
        spans = find_words_between(expression, text)
        gaps = gaps_between(text, spans)
        notes = note_words([text[start:stop] for start, stop in spans], gaps)
    else:
        with user_function("split_expression", InstanceError):
            tokens = expression(text)
        spans, notes = locate_tokens(tokens, text), ()
        gaps = gaps_between(text, spans)
    return Pieces(spans, notes + note_signs(gaps, "leave out split_expression and give signs=True"))


def _ask_function(function: SpanFunction, text: str) -> list[tuple[int, int]]:
    """The spans that a user's function gives, checked."""
    with user_function("unit", InstanceError):
        answer: Any = function(text)
        spans = list(answer) if isinstance(answer, Iterable) else None
    if spans is None:
        raise ArgumentTypeError(f"unit must give (start, stop) spans of the text; it gave {answer!r:.60}.")
    checked: list[tuple[int, int]] = []
    last = 0
    for span in spans:
        start, stop = _check_span(span)
        if not 0 <= start < stop <= len(text):
            raise InstanceError(
                f"unit must give spans with 0 <= start < stop <= {len(text)}, the text's length; it gave {(start, stop)}."
            )
        if start < last:
            raise InstanceError(
                f"unit must give spans in their order, none within another; it gave {(start, stop)} after {checked[-1]}."
            )
        checked.append((start, stop))
        last = stop
    return checked


def _check_span(span: Any) -> tuple[int, int]:
    try:
        start, stop = span
    except (TypeError, ValueError):
        start = stop = None
    if isinstance(span, (str, bytes)) or not all(_is_place(place) for place in (start, stop)):
        raise ArgumentTypeError(
            f"unit must give (start, stop) spans, pairs of int; it gave {span!r:.60}. For a function that gives words take "
            "split_expression=, for a Hugging Face tokenizer unit='token' and tokenizer=."
        )
    return int(start), int(stop)


def _is_place(place: object) -> bool:
    return isinstance(place, (int, np.integer)) and not isinstance(place, bool)


def _check_split_expression(split_expression: object) -> re.Pattern[str] | Callable[[str], Iterable[str]]:
    if callable(split_expression):
        return split_expression
    try:
        compiled = re.compile(split_expression)  # type: ignore[call-overload]
    except (re.error, TypeError) as error:
        raise ArgumentError(
            f"split_expression must be a regular expression or a callable tokenizer; got {split_expression!r}: "
            f"{read_message(error)}."
        ) from error
    if not isinstance(compiled.pattern, str):
        raise ArgumentTypeError(f"split_expression must be a regular expression of str; got {split_expression!r}.")
    return compiled  # type: ignore[no-any-return]
