"""Columns that are one component together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.modalities._encoding import Encoding

__all__ = ["checked_groups", "component_columns"]


def checked_groups(groups: Any, encoding: Encoding) -> dict[str, list[int]]:
    """The columns of each group that a user names, ascending.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If a group has fewer than two columns, or shares one with another.
    """
    if not isinstance(groups, (Mapping, type(None))):
        raise ArgumentTypeError(f"groups must be a mapping from a name to columns; got {groups!r}.")
    checked: dict[str, list[int]] = {}
    for name, features in (groups or {}).items():
        if isinstance(features, (str, bytes)) or not isinstance(features, Iterable):
            raise ArgumentTypeError(f"groups[{name!r}] must be a sequence of column numbers or names; got {features!r}.")
        own = sorted({number for feature in features for number in encoding.wanted(f"groups[{name!r}]", feature)})
        for other, taken in checked.items():
            if {*own} & {*taken}:
                shared = ", ".join(encoding.names[number] for number in sorted({*own} & {*taken}))
                raise ArgumentError(f"a column can be in one group only; {other!r} and {name!r} share {shared}.")
        if {*own} & {*encoding.texts}:
            raise ArgumentError(f"groups[{name!r}] has a column of free text; the words of such a column are components.")
        if len(own) < 2:
            raise ArgumentError(f"groups[{name!r}] must have two columns or more; got {len(own)}.")
        checked[str(name)] = own
    return checked


def component_columns(encoding: Encoding, groups: Mapping[str, list[int]]) -> list[list[int]]:
    """The columns of each component, a column of its own or a group, in the order of the table."""
    taken = {*encoding.texts, *(number for group in groups.values() for number in group)}
    return sorted([*groups.values(), *([number] for number in range(len(encoding.names)) if number not in taken)])
