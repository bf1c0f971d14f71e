"""The differences of two models' weights as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from limelight._checks import check_choice
from limelight.collection.comparison import Comparison
from limelight.collection.comparisons import Comparisons
from limelight.exceptions import missing_dependency

__all__ = ["make_frame", "make_frame_of_all"]


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
    return _make_frame([row[1:] for row in _rows(0, comparison)], backend, has_positions=False)


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
    return _make_frame([row for position, one in pairs for row in _rows(position, one)], backend, has_positions=True)


def _rows(position: int, comparison: Comparison) -> Iterator[tuple[Any, ...]]:
    for label, weights in zip(comparison.labels, comparison.weights, strict=True):
        for one in weights:
            name = one.name.encode("utf-8", "backslashreplace").decode()  # frames hold no lone surrogates
            yield (position, label, one.component, name, *one[2:])


def _make_frame(rows: list[tuple[Any, ...]], backend: str, *, has_positions: bool) -> Any:
    import narwhals.stable.v2 as nw

    check_choice("backend", backend, ("pandas", "polars", "pyarrow"))
    schema = {
        **({"position": nw.Int64()} if has_positions else {}),
        "label": nw.Int64(),
        "component": nw.Int64(),
        "name": nw.String(),
        **{name: nw.Float64() for name in ("first", "second", "difference", "low", "high")},
        "is_certain": nw.Boolean(),
        "listed": nw.String(),
    }
    try:
        frame = nw.from_dict(
            {column: [row[i] for row in rows] for i, column in enumerate(schema)},
            schema=schema,
            backend=nw.Implementation.from_backend(backend),  # type: ignore[arg-type]
        )
    except ImportError as error:
        raise missing_dependency(f"to_frame(backend={backend!r})", backend, extra=None) from error
    return frame.to_native()
