"""All weights of an explanation as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from typing import Any

from limelight._checks import check_choice
from limelight.exceptions import ArgumentError, missing_dependency
from limelight.results.explanation import Explanation

__all__ = ["make_frame"]


def make_frame(explanation: Explanation, backend: str) -> Any:
    """Put all weights in a table, a row for each label and component.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.
    backend : {"pandas", "polars", "pyarrow"}
        The library that makes the frame; it has to be installed.

    Returns
    -------
    frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Columns label, component, name, value, weight, low, high; for texts also position, where a word first begins.

    Raises
    ------
    ArgumentError
        If the backend is not one of these.
    MissingDependencyError
        If the backend is not installed.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.frame import make_frame
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> make_frame(explanation, "polars")["name"].to_list()
    ['good', 'film']
    """
    import narwhals.stable.v2 as nw

    check_choice("backend", backend, ("pandas", "polars", "pyarrow"))
    values, positions = explanation.view.values(), explanation.view.positions()
    rows = [
        (
            *(surrogate.label, component, _write(explanation.names[component]), _write(values[component]), weight, low, high),
            positions[component][0] if component in positions else None,
        )
        for surrogate in explanation.surrogates
        for component, weight, low, high in zip(
            surrogate.components, surrogate.weights, surrogate.lows, surrogate.highs, strict=True
        )
    ]
    schema = {
        "label": nw.Int64(),
        "component": nw.Int64(),
        "name": nw.String(),
        "value": nw.String(),
        "weight": nw.Float64(),
        "low": nw.Float64(),
        "high": nw.Float64(),
    }
    if positions:  # pandas' whole numbers cannot be missing; as it does itself, such a column becomes one of floats
        has_gaps = any(row[-1] is None for row in rows)
        schema["position"] = nw.Float64() if has_gaps and backend == "pandas" else nw.Int64()
    try:
        frame = nw.from_dict(
            {column: [row[i] for row in rows] for i, column in enumerate(schema)},
            schema=schema,
            backend=nw.Implementation.from_backend(backend),  # type: ignore[arg-type]
        )
    except ImportError as error:
        raise missing_dependency(f"to_frame(backend={backend!r})", backend, extra=None) from error
    except (OverflowError, ValueError) as error:  # only an explanation that somebody changed has such numbers
        raise ArgumentError(f"the explanation cannot be written as a frame: {error}.") from error
    return frame.to_native()


def _write(text: str) -> str:
    """A text that frames can hold, with lone surrogates as Python writes them."""
    return text.encode("utf-8", "backslashreplace").decode()
