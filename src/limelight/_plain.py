"""Values of an explanation as JSON's types and back."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from typing import Any

__all__ = ["plain", "restore"]


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
