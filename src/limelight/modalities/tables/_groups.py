"""Which columns make up each component: groups that the user names, and single columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import Any

from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._instance_row import InstanceRow

__all__ = ["Layout", "checked_groups"]

_NO_STATE = "none"  # of a group of flags in which none is set


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
        if str(name) in encoding.names and encoding.names.index(str(name)) not in columns:
            raise ArgumentError(f"groups must have names of their own; {str(name)!r} is a column outside that group.")
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
    groups : list of str
        The name of each component's group; empty for a single column.
    """

    columns: list[list[int]]
    component_of: dict[int, int]
    groups: list[str]

    @classmethod
    def of(cls, width: int, text_columns: Iterable[int] = (), groups: Mapping[str, list[int]] | None = None) -> Layout:
        """The layout of a table with `width` columns; components are in the order of their first columns."""
        groups = groups or {}
        taken = {*text_columns, *(number for group in groups.values() for number in group)}
        columns = sorted([*groups.values(), *([number] for number in range(width) if number not in taken)])
        group_of = {group[0]: name for name, group in groups.items()}
        return cls(
            columns,
            {number: component for component, numbers in enumerate(columns) for number in numbers},
            [group_of.get(numbers[0], "") for numbers in columns],
        )

    def component_names(self, row: InstanceRow) -> Sequence[str]:
        """A name for each component of a row: a group of flags is called after those that are set."""
        column_names = row.component_names()
        if len(self.columns) == len(row.encoding.column_numbers):  # each column is a component
            return column_names
        names = []
        for group, numbers in zip(self.groups, self.columns, strict=True):
            if len(numbers) == 1:
                names.append(column_names[numbers[0]])
                continue
            flags = row.read_flags(numbers)
            if flags is None:
                names.append(f"{group}: " + ", ".join([column_names[number] for number in numbers]))
            else:
                states = _name_states(group, tuple(row.features[number].name for number in numbers))
                names.append(f"{group}={', '.join(compress(states, flags)) or _NO_STATE}")
        return [*names, *column_names[len(row.encoding.column_numbers) :]]


@cache
def _name_states(group: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """What each column of a group stands for: its name without what all of them begin with, such as the group's name.

    Examples
    --------
    >>> from limelight.modalities.tables._groups import _name_states
    >>> _name_states("fruit", ("fruit_red_apple", "fruit_red_plum")), _name_states("x", ("cat__x=a", "cat__x=none"))
    (('red_apple', 'red_plum'), ('a', "'none'"))
    """
    start = next((i for i, letters in enumerate(zip(*columns, strict=False)) if len({*letters}) > 1), min(map(len, columns)))
    if all(re.match(rf"{re.escape(group)}[\W_]", column) for column in columns):
        start = min(start, len(group) + 1)
    else:
        start = max((match.end() for match in re.finditer(r"[\W_]", columns[0][:start])), default=0)
    states = [column[start:] for column in columns]
    return columns if "" in states else tuple(repr(state) if state == _NO_STATE else state for state in states)
