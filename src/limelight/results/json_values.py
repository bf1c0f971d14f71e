"""Values of an explanation as JSON's types and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from limelight.exceptions import ArgumentError, ArgumentTypeError

__all__ = ["check_types", "list_fields", "plain", "read_object", "restore"]

_LARGEST_WHOLE_DOUBLE = 2**53  # beyond it, not every integer is a double


def plain(value: Any) -> Any:
    """A field's value as JSON's types; NaN, which JSON lacks, becomes None."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in asdict(value).items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def restore(value: Any) -> Any:
    """The inverse of `plain` for numbers, texts and lists of them."""
    if isinstance(value, list):
        return tuple(restore(item) for item in value)
    return math.nan if value is None else value


def check_types(value: Any, annotation: Any, place: str = "") -> None:
    """Check that a value that was read, and all that it holds, is of the type that it is annotated as.

    Parameters
    ----------
    value : object
        A number, text, tuple, or instance of a dataclass or named tuple.
    annotation : type
        What its class's field is annotated as.
    place : str
        The field's name, for the error.

    Raises
    ------
    OverflowError, TypeError
        If it is, or holds, something of another type, or a number that is not finite.
    """
    types, item_annotation = _allowed_types(annotation)
    if not isinstance(value, types) or (isinstance(value, bool) and annotation is not bool):
        raise TypeError(f"{place} holds {value!r:.80}, which is {type(value).__name__}")
    if annotation is float and (math.isinf(value) or (isinstance(value, int) and abs(value) > _LARGEST_WHOLE_DOUBLE)):
        raise TypeError(f"{place} holds {value!r:.80}, which is no finite double")
    if item_annotation is not None:
        for item in value:
            check_types(item, item_annotation, place)
    elif type(value) is annotation and (is_dataclass(value) or hasattr(value, "_fields")):
        kind: Any = annotation
        for name, field_annotation in list_fields(kind):
            check_types(getattr(value, name), field_annotation, name)


@cache
def _allowed_types(annotation: Any) -> tuple[Any, Any]:
    """The types that an annotation allows and, for a tuple's annotation, that of its items."""
    if get_origin(annotation) is tuple:
        return (tuple,), get_args(annotation)[0]
    return get_args(annotation) or ((int, float) if annotation is float else (annotation,)), None


@cache
def list_fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass or named tuple with their annotations.

    These must be types, not strings: a public class's ``__module__`` is where users import it from, which lacks their names.
    """
    return tuple((name, hint) for name, hint in get_type_hints(kind).items() if get_origin(hint) is not ClassVar)


def read_object(text: str | bytes) -> dict[str, Any]:
    """Read the JSON object that a text holds.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If the text is not a JSON object.
    """
    if not isinstance(text, (str, bytes)):
        raise ArgumentTypeError(f"an explanation's JSON must be a text; got {type(text).__name__}.")
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"this is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ArgumentError(f"an explanation's JSON must be an object; got {type(data).__name__}.")
    return data


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")
