"""Where the bins of a numeric column lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_choice, user_function
from limelight.exceptions import ArgumentError, read_message
from limelight.modalities.tables._encoding import Encoding

__all__ = ["EdgeRule", "checked_discretizer"]

EdgeRule = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
"""From a column's training values, of shape (n,), and the training labels to the inner edges of its bins."""

Discretizer = Callable[[int, np.ndarray, np.ndarray | None], Any]
"""From a column's number, training values and training labels, both of shape (n,), to the inner edges of its bins."""


def checked_discretizer(discretizer: object, encoding: Encoding) -> Discretizer:
    """What finds the edges of every column, from the explainer's argument.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is no callable and no name of a discretizer, or a mapping with other columns.
    """
    if isinstance(discretizer, Mapping):
        edges = encoding.by_column("discretizer", discretizer)
        return _GivenEdges({number: values for number, (_, values) in edges.items()}, encoding.names)
    if not callable(discretizer):
        discretizer = _RULES[check_choice("discretizer", discretizer, _RULES)]
    return _FoundEdges(discretizer)


@dataclass(frozen=True)
class _GivenEdges:
    """Edges that the user gives for each numeric column; `names` are those of all columns."""

    edges: dict[int, Any]
    names: Sequence[str]

    def __call__(self, number: int, values: np.ndarray, labels: np.ndarray | None) -> Any:  # noqa: ARG002
        if number not in self.edges:
            raise ArgumentError(f"discretizer must give edges for every numeric column; {self.names[number]!r} has none.")
        return self.edges[number]


@dataclass(frozen=True)
class _FoundEdges:
    """Edges that a rule finds in the same way for every column."""

    rule: EdgeRule

    def __call__(self, number: int, values: np.ndarray, labels: np.ndarray | None) -> Any:  # noqa: ARG002
        with user_function("discretizer", function=self.rule):
            return self.rule(values, labels)


def _quartiles(values: np.ndarray, labels: np.ndarray | None) -> np.ndarray:  # noqa: ARG001
    return _quantiles(values, [25, 50, 75])


def _deciles(values: np.ndarray, labels: np.ndarray | None) -> np.ndarray:  # noqa: ARG001
    return _quantiles(values, range(10, 100, 10))


def _quantiles(values: np.ndarray, percentages: Sequence[int]) -> np.ndarray:
    """Quantiles that divide a column unless all of its values, of shape (n,), are the same.

    Where one value is so frequent that all quantiles are equal to it, it has a bin of its own. In lime all smaller values are
    in its bin as well, from which it is hardly ever drawn; and if it is the greatest, there is no other bin.
    """
    edges = _percentiles(values, np.array(percentages))
    smaller = values[values < edges[0]]
    if edges[0] < edges[-1] or not len(smaller):
        return np.asarray(edges)
    return np.array([smaller.max(), *edges[edges < values.max()]])


def _percentiles(values: np.ndarray, percentages: np.ndarray) -> np.ndarray:
    """As ``np.percentile`` gives them bit by bit, which takes ten times as long for a column of a few hundred values."""
    places = percentages / 100 * (len(values) - 1)
    below = places.astype(np.intp)
    above = np.minimum(below + 1, len(values) - 1)
    ordered = np.sort(values)
    low, high, share = ordered[below], ordered[above], places - below
    difference = high - low
    # From the nearer of the two values, as numpy does.
    return np.asarray(np.where(share < 0.5, low + difference * share, high - difference * (1 - share)))


def _entropy(values: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """The thresholds of a decision tree of depth 3 that predicts the labels from this column alone."""
    from sklearn.tree import DecisionTreeClassifier

    if labels is None:
        raise ArgumentError('discretizer="entropy" needs training_labels.')
    try:
        tree = DecisionTreeClassifier(criterion="entropy", max_depth=3, random_state=0).fit(values[:, None], labels).tree_
    except ValueError as error:
        raise ArgumentError(f'discretizer="entropy" needs training_labels that are classes: {read_message(error)}') from error
    thresholds = np.asarray(tree.threshold[tree.children_left != -1])
    if thresholds.size:
        return thresholds
    median, smaller = np.median(values), values[values < values.max()]
    return np.array([median if median < values.max() or not len(smaller) else smaller.max()])


_RULES: dict[str, EdgeRule] = {"quartile": _quartiles, "decile": _deciles, "entropy": _entropy}
