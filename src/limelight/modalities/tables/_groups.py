"""Which columns make up each component: groups that the user names, and single columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.modalities.tables._encoding import Encoding

__all__ = ["Layout", "checked_groups"]


def checked_groups(groups: Any, encoding: Encoding) -> dict[str, list[int]]:
    """The columns of each group that the user names, ascending.

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
        columns = sorted({number for feature in features for number in encoding.require_columns(f"groups[{name!r}]", feature)})
        for other, others_columns in checked.items():
            shared = sorted({*columns} & {*others_columns})
            if shared:
                names = ", ".join(encoding.names[number] for number in shared)
                raise ArgumentError(f"a column can be in one group only; {other!r} and {name!r} share {names}.")
        if {*columns} & {*encoding.text_columns}:
            raise ArgumentError(f"groups[{name!r}] has a column of free text; the words of such a column are components.")
        if len(columns) < 2:
            raise ArgumentError(f"groups[{name!r}] must have two columns or more; got {len(columns)}.")
        if str(name) in checked:
            raise ArgumentError(f"groups must have names that look different; {str(name)!r} comes twice.")
        checked[str(name)] = columns
    return checked


@dataclass(frozen=True)
class Layout:
    """Which columns make up each component.

    Attributes
    ----------
    columns : list of list of int
        The columns of each component, ascending: one, or a group's.
    component_of : dict
        The component of each column; columns of free text have none.
    prefixes : list of str
        What stands before the column names in each component's name: the name of its group.
    """

    columns: list[list[int]]
    component_of: dict[int, int]
    prefixes: list[str]

    @classmethod
    def of(cls, width: int, text_columns: Iterable[int] = (), groups: Mapping[str, list[int]] | None = None) -> Layout:
        """The layout of a table with `width` columns; components are in the order of their first columns."""
        groups = groups or {}
        taken = {*text_columns, *(number for group in groups.values() for number in group)}
        columns = sorted([*groups.values(), *([number] for number in range(width) if number not in taken)])
        prefix_of = {group[0]: f"{name}: " for name, group in groups.items()}
        return cls(
            columns,
            {number: component for component, numbers in enumerate(columns) for number in numbers},
            [prefix_of.get(numbers[0], "") for numbers in columns],
        )

    def component_names(self, column_names: Sequence[str]) -> Sequence[str]:
        """A name for each component, from what each column would be called as a component."""
        if len(self.columns) == len(column_names):  # each column is a component
            return column_names
        return [
            prefix + ", ".join([column_names[number] for number in numbers]) if len(numbers) > 1 else column_names[numbers[0]]
            for prefix, numbers in zip(self.prefixes, self.columns, strict=True)
        ]
