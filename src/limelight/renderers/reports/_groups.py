"""Failures, alerts and cautions of a set of explanations, grouped by their kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from limelight.collection.arrow import unescape
from limelight.collection.explanations import Explanations
from limelight.renderers._cells import fit
from limelight.renderers._top import Top

__all__ = ["MOST_ROWS", "Group", "read_groups"]

MOST_ROWS = 10  # shown of labels, classes, failures, alerts and cautions
_MOST_ITEMS = 5  # named for each group
_MOST_MESSAGE_CELLS = 1000


@dataclass(frozen=True)
class Group:
    """Instances with the same kind of failure or notice; `varies` if their messages differ, for example in numbers."""

    title: str
    message: str
    varies: bool
    count: int
    items: str


class Groups(NamedTuple):
    """The number of converged explanations, and the largest groups of failures, of alerts and of cautions."""

    num_converged: int
    failures: Top
    alerts: Top
    cautions: Top


class _Tally:
    """Counts failures or notices by their kind, and keeps the first message of each."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._messages: dict[tuple[str, str], str] = {}
        self._varying: set[tuple[str, str]] = set()
        self._items: dict[tuple[str, str], list[int]] = {}

    def add(self, title: str, kind: str, message: str, item: int) -> None:
        """Count one more of a kind."""
        key = title, kind
        self._counts[key] += 1
        if self._messages.setdefault(key, message) != message:
            self._varying.add(key)
        if self._counts[key] <= _MOST_ITEMS:
            self._items.setdefault(key, []).append(item)

    def top(self) -> Top:
        """The largest groups, each with the message of its first."""
        groups = [
            Group(key[0], fit(self._messages[key], _MOST_MESSAGE_CELLS), key in self._varying, count, self._list_items(key))
            for key, count in self._counts.most_common(MOST_ROWS)
        ]
        return Top(tuple(groups), len(self._counts) - len(groups))

    def _list_items(self, key: tuple[str, str]) -> str:
        more = ["\N{HORIZONTAL ELLIPSIS}"] * (self._counts[key] > _MOST_ITEMS)
        return f"item{'s' * (self._counts[key] > 1)} {', '.join([*map(str, self._items[key]), *more])}"


def read_groups(explanations: Explanations) -> Groups:
    """Count converged explanations, failures, alerts and cautions; information asks nothing of the reader of a set."""
    num_converged, failures = 0, _Tally()
    tallies = {"alert": _Tally(), "caution": _Tally()}
    for table in explanations.tables(["item", "error", "converged", "notices"]):
        num_converged += int(np.sum(table["converged"].fill_null(False).to_numpy()))
        items = table["item"].to_pylist()
        for item, error, notices in zip(items, table["error"].to_pylist(), table["notices"].to_pylist(), strict=True):
            if error is not None:
                title, message = unescape(error["error"]), unescape(error["message"])
                failures.add(title, message, message, item)
            # One for each level and code: several labels can have the same notice.
            messages = {(notice["level"], notice["code"]): notice["message"] for notice in notices or ()}
            for (level, code), message in messages.items():
                if level in tallies:
                    tallies[level].add("", code, unescape(message), item)
    return Groups(num_converged, failures.top(), tallies["alert"].top(), tallies["caution"].top())
