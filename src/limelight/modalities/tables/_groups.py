"""Columns that are one component together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.modalities.tables._encoding import Encoding

__all__ = ["Layout", "checked_groups"]


def checked_groups(groups: Any, encoding: Encoding) -> dict[str, list[int]]:
    """The columns of each group that a user names, ascending.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If a group has fewer than two columns, or shares one or its name with another.
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
        if str(name) in checked:
            raise ArgumentError(f"groups must have names that look different; {str(name)!r} is there twice.")
        checked[str(name)] = own
    return checked


@dataclass(frozen=True)
class Layout:
    """Which columns each component has, one or a group.

    Attributes
    ----------
    columns : list of list of int
        Those of each component, ascending.
    component_of : dict
        For each column its component; columns of free text have none.
    prefixes : list of str
        What stands before the names of each component's columns: that of its group.
    """

    columns: list[list[int]]
    component_of: dict[int, int]
    prefixes: list[str]

    @classmethod
    def of(cls, width: int, texts: Iterable[int] = (), groups: Mapping[str, list[int]] | None = None) -> Layout:
        """That of a table so wide, in the order of its columns."""
        groups = groups or {}
        taken = {*texts, *(number for group in groups.values() for number in group)}
        columns = sorted([*groups.values(), *([number] for number in range(width) if number not in taken)])
        prefix_of = {own[0]: f"{name}: " for name, own in groups.items()}
        return cls(
            columns,
            {number: component for component, own in enumerate(columns) for number in own},
            [prefix_of.get(own[0], "") for own in columns],
        )

    def names(self, of_columns: Sequence[str]) -> list[str]:
        """A name for each component."""
        if len(self.columns) == len(of_columns):  # every column is one
            return list(of_columns)
        return [
            prefix + ", ".join([of_columns[number] for number in own]) if len(own) > 1 else of_columns[own[0]]
            for prefix, own in zip(self.prefixes, self.columns, strict=True)
        ]
