"""The first of many things, and the number of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["Top", "take_top"]


class Top(NamedTuple):
    """The first of many, and the number of the others."""

    shown: tuple[Any, ...]
    more: int


def take_top(items: Sequence[Any], most: int) -> Top:
    """Keep the first items of a sequence, at most this many, and count the others."""
    return Top(tuple(items[:most]), max(0, len(items) - most))
