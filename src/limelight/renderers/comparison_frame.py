"""The differences of two models' weights as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from limelight.collection.comparison import Comparison
from limelight.collection.comparisons import Comparisons
from limelight.renderers._frames import fill_frame, write_text

__all__ = ["make_frame", "make_frame_of_all"]

_TYPES: dict[str, type] = {
    "label": int,
    "component": int,
    "name": str,
    **dict.fromkeys(("first", "second", "difference", "low", "high"), float),
    "is_certain": bool,
    "listed": str,
}


def make_frame(comparison: Comparison, backend: str) -> Any:
    """Put all differences of one comparison in a table, a row for each label and component.

    Parameters
    ----------
    comparison : Comparison
        Any comparison.
    backend : {"pandas", "polars", "pyarrow"}
        The library that makes the frame; it has to be installed.

    Raises
    ------
    ArgumentError
        If the backend is not one of these.
    MissingDependencyError
        If the backend is not installed.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> from limelight.renderers.comparison_frame import make_frame
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> make_frame(compare(explanation, explanation), "polars")["difference"].to_list()
    [0.0, 0.0]
    """
    return fill_frame([row[1:] for row in _rows(0, comparison)], _TYPES, backend)


def make_frame_of_all(comparisons: Comparisons, backend: str) -> Any:
    """Put all differences of many comparisons in a table, a row for each instance, label and component.

    Parameters
    ----------
    comparisons : Comparisons
        Any comparisons.
    backend : {"pandas", "polars", "pyarrow"}
        The library that makes the frame; it has to be installed.

    Raises
    ------
    ArgumentError
        If the backend is not one of these.
    MissingDependencyError
        If the backend is not installed.

    Examples
    --------
    >>> from limelight import Explanations, TextExplainer, compare
    >>> from limelight.renderers.comparison_frame import make_frame_of_all
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> make_frame_of_all(compare([explanation], [explanation]), "polars")["position"].to_list()
    [0, 0]
    """
    pairs = zip(comparisons.positions, comparisons, strict=True)
    return fill_frame([row for position, one in pairs for row in _rows(position, one)], {"position": int, **_TYPES}, backend)


def _rows(position: int, comparison: Comparison) -> Iterator[tuple[Any, ...]]:
    for label, weights in zip(comparison.labels, comparison.weights, strict=True):
        for one in weights:
            yield (position, label, one.component, write_text(one.name), *one[2:])
