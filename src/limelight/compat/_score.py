"""The score of an explanation: one float, as released, and one for each label, as in lime's later sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Score"]


class Score(float):
    """A float, the score of the label that was fitted last, which also answers for each label, like a dict.

    Examples
    --------
    >>> from limelight.compat._score import Score
    >>> score = Score({0: 0.25, 1: 0.75})
    >>> score == 0.75, score[0], score.get(2)
    (True, 0.25, None)
    """

    _by_label: Mapping[int, float]

    def __new__(cls, by_label: Mapping[int, float]) -> Score:
        score = super().__new__(cls, list(by_label.values())[-1])
        score._by_label = dict(by_label)
        return score

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self._by_label,)

    def __getitem__(self, label: int) -> float:
        return self._by_label[label]

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_label)

    def get(self, label: int, default: Any = None) -> Any:
        """The score of a label; `default` where it was not explained."""
        return self._by_label.get(label, default)

    def keys(self) -> Any:
        """The explained labels."""
        return self._by_label.keys()

    def values(self) -> Any:
        """Their scores."""
        return self._by_label.values()

    def items(self) -> Any:
        """Both."""
        return self._by_label.items()
