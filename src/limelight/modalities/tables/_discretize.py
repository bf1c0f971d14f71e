"""Where the bins of a numeric column lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from limelight._errors import ArgumentError

__all__ = ["DISCRETIZERS", "EdgeRule", "format_edges"]

EdgeRule = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]
"""From a column's training values, of shape (n,), and the training labels to the inner edges of its bins."""


def _quartiles(values: np.ndarray, labels: np.ndarray | None) -> np.ndarray:  # noqa: ARG001
    return np.asarray(np.percentile(values, [25, 50, 75]))


def _deciles(values: np.ndarray, labels: np.ndarray | None) -> np.ndarray:  # noqa: ARG001
    return np.asarray(np.percentile(values, np.arange(10, 100, 10)))


def _entropy(values: np.ndarray, labels: np.ndarray | None) -> np.ndarray:
    """The thresholds of a decision tree of depth 3 that tells the labels from this column alone."""
    from sklearn.tree import DecisionTreeClassifier

    if labels is None:
        raise ArgumentError('discretizer="entropy" needs training_labels.')
    try:
        tree = DecisionTreeClassifier(criterion="entropy", max_depth=3, random_state=0).fit(values[:, None], labels).tree_
    except ValueError as error:
        raise ArgumentError(f'discretizer="entropy" needs training_labels that are classes: {error}') from error
    thresholds = np.asarray(tree.threshold[tree.children_left != -1])
    return thresholds if thresholds.size else np.array([np.median(values)])


DISCRETIZERS: dict[str, EdgeRule] = {"quartile": _quartiles, "decile": _deciles, "entropy": _entropy}


def format_edges(edges: np.ndarray) -> list[str]:
    """The edges as short texts that still tell them apart.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.modalities.tables._discretize import format_edges
    >>> format_edges(np.array([1.0, 2.5])), format_edges(np.array([1.25e-5, 2.5e-5]))
    (['1.00', '2.50'], ['1.25e-05', '2.50e-05'])
    """
    magnitude = np.abs(edges[edges != 0]).max(initial=1.0)
    gap = np.diff(edges).min(initial=np.inf)
    smallest = min(gap, np.abs(edges[edges != 0]).min(initial=magnitude))
    if magnitude < 1e6 and smallest >= 0.01:
        return [f"{edge:.2f}" for edge in edges]
    digits = 2
    while digits < 16 and len({f"{edge:.{digits}e}" for edge in edges}) < len(edges):
        digits += 1
    if magnitude < 1e6 and smallest >= 1e-4:
        return [f"{edge:.{max(2, int(np.ceil(1 - np.log10(smallest))))}f}" for edge in edges]
    return [f"{edge:.{digits}e}" for edge in edges]
