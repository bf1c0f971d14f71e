"""What every view has: the instance as a renderer sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from limelight.results.drawing import Drawing

__all__ = ["View"]


class View(ABC):
    """The instance as a renderer sees it: neutral, plain data that never changes.

    A view of one's own derives from it as a frozen dataclass. It is registered under its `kind`, so that stored explanations
    can be read again: ``limelight.extend.register("view", "graph", GraphView)``.

    Attributes
    ----------
    kind : str
        The name under which the class is registered.
    """

    kind: ClassVar[str]

    @abstractmethod
    def values(self) -> dict[int, str]:
        """For each component's number, what the instance has there, as a short text."""

    def columns(self) -> dict[int, str]:
        """For components of a table, the columns that they are of; none elsewhere."""
        return {}

    def drawing(self) -> Drawing | None:
        """What every renderer draws of a view of one's own; None, and only its components are listed."""
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
            If the data are not a view's of this kind.
        """
