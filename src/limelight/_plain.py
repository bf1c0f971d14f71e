"""Values of an explanation as JSON's types and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from typing import Any

from limelight._errors import ArgumentError, ArgumentTypeError

__all__ = ["plain", "read_object", "restore"]


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
    except json.JSONDecodeError as error:
        raise ArgumentError(f"this is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ArgumentError(f"an explanation's JSON is an object; got {type(data).__name__}.")
    return data
