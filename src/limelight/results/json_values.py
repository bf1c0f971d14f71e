"""Values of an explanation as JSON's types and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from limelight._errors import ArgumentError, ArgumentTypeError

__all__ = ["check_types", "plain", "read_object", "restore"]


def plain(value: Any) -> Any:
    """A field as JSON's types; JSON has no NaN."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in asdict(value).items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def restore(value: Any) -> Any:
    """`plain`'s inverse for numbers, texts and lists of them."""
    if isinstance(value, list):
        return tuple(restore(item) for item in value)
    return math.nan if value is None else value


def check_types(value: Any, wanted: Any, place: str = "") -> None:
    """Hold what was read against the annotations of the class that it was read into.

    Parameters
    ----------
    value : object
        A number, text, tuple, or instance of a dataclass or named tuple.
    wanted : type
        What it is annotated as.
    place : str
        Where it stands, for the error.

    Raises
    ------
    TypeError
        If it is something else, or holds something else.
    """
    allowed, inner = _allowed(wanted)
    if not isinstance(value, allowed) or (isinstance(value, bool) and wanted is not bool):
        raise TypeError(f"{place} holds {value!r:.80}, which is {type(value).__name__}")
    if inner is not None:
        for item in value:
            check_types(item, inner, place)
    elif type(value) is wanted and (is_dataclass(value) or hasattr(value, "_fields")):
        kind: Any = wanted
        for name, hint in _hints(kind):
            check_types(getattr(value, name), hint, name)


@cache
def _allowed(wanted: Any) -> tuple[Any, Any]:
    """The types that an annotation allows, and of a tuple's the annotation of its items."""
    if get_origin(wanted) is tuple:
        return (tuple,), get_args(wanted)[0]
    return get_args(wanted) or ((int, float) if wanted is float else (wanted,)), None


@cache
def _hints(kind: Any) -> tuple[tuple[str, Any], ...]:
    """What the instances of a class hold, by name."""
    return tuple((name, hint) for name, hint in get_type_hints(kind).items() if get_origin(hint) is not ClassVar)


def read_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object that a text holds.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it holds none.
    """
    if not isinstance(text, (str, bytes)):
        raise ArgumentTypeError(f"an explanation's JSON is text; got {type(text).__name__}.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"this is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ArgumentError(f"an explanation's JSON is an object; got {type(data).__name__}.")
    return data
