"""The base of all views: the instance as a renderer sees it."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from limelight.results.drawing import Drawing
from limelight.results.equality import EqualityMixin

__all__ = ["View"]


class View(EqualityMixin, ABC):
    """The instance as a renderer sees it: neutral, plain data that never changes.

    To write a view, derive a frozen dataclass from it. Register the class under its `kind`, so that stored explanations can be
    read again: ``limelight.extend.register("view", "graph", GraphView)``. It must be equal to what is read. If fields hold NaN
    or arrays, leave the comparison to this class: ``@dataclass(frozen=True, eq=False)``.

    Attributes
    ----------
    kind : str
        The name under which the class is registered.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from typing import ClassVar
    >>> from limelight.extend import View
    >>> @dataclass(frozen=True)
    ... class GraphView(View):
    ...     kind: ClassVar[str] = "graph"
    ...     edges: tuple[tuple[str, str], ...]
    ...
    ...     def values(self):
    ...         return {number: "-".join(edge) for number, edge in enumerate(self.edges)}
    ...
    ...     def to_dict(self):
    ...         return {"kind": self.kind, "edges": [list(edge) for edge in self.edges]}
    ...
    ...     @classmethod
    ...     def from_dict(cls, data):
    ...         return cls(tuple(map(tuple, data["edges"])))
    >>> GraphView((("a", "b"), ("b", "c"))).values()
    {0: 'a-b', 1: 'b-c'}
    """

    kind: ClassVar[str]

    @abstractmethod
    def values(self) -> dict[int, str]:
        """The instance's value for each component, as a short text, by the component's number."""

    def columns(self) -> dict[int, str]:
        """What each component is about, if its name says more, by the component's number: its columns, or a repeated word."""
        return {}

    def positions(self) -> dict[int, tuple[int, ...]]:
        """Where each component of a text begins, by the component's number; empty for other instances."""
        return {}

    def tell_apart(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Distinct names for the components: one that comes twice gets where it begins in the text, or its number.

        Examples
        --------
        >>> from limelight.extend import PartsView
        >>> PartsView(("A", "T", "A")).tell_apart(("A", "T", "A"))
        ('A [0]', 'T', 'A [2]')
        """
        starts = self.positions() if len(set(names)) < len(names) else {}
        marks = [starts.get(number, (number,))[0] for number in range(len(names))]
        while len(counts := Counter(names)) < len(names):
            names = tuple(f"{name} [{mark}]" if counts[name] > 1 else name for name, mark in zip(names, marks, strict=True))
            marks = list(range(len(names)))  # a name may already be what another one has become
        return names

    def drawing(self) -> Drawing | None:
        """The drawing that renderers show; None to list the components only."""
        return None

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The view as JSON's types, its `kind` under the key ``"kind"``; `from_dict` is the inverse."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a view from what `to_dict` gave.

        Raises
        ------
        ArgumentError, KeyError, TypeError
            If the data are not those of such a view.
        """

    def __repr__(self) -> str:
        """One short line, however large the instance is."""
        facts = ", ".join(f"{name}={value!r}" for name, value in self._facts().items())
        return f"{type(self).__name__}({facts})"

    def _facts(self) -> dict[str, int | str]:
        """The figures in the view's repr."""
        return {"components": len(self.values())}
