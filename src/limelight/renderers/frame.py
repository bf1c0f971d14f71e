"""All weights of an explanation as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from typing import Any

from limelight.renderers._frames import fill_frame, write_text
from limelight.results.explanation import Explanation, Surrogate

__all__ = ["make_frame"]

# The names of `Surrogate.OF_COMPONENTS`, in its order, for one component.
_FIGURES = ("weight", "low", "high", "sign_probability", "top_probability", "best_rank", "worst_rank")


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
        Columns label, component, name, value, weight, low, high, sign_probability, top_probability, best_rank, worst_rank; for
        texts also position, where a word first begins.

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
    values, positions = explanation.view.values(), explanation.view.positions()
    rows = [
        (
            *(surrogate.label, component, write_text(explanation.names[component]), write_text(values[component])),
            *figures,
            positions[component][0] if component in positions else None,
        )
        for surrogate in explanation.surrogates
        for component, *figures in zip(
            surrogate.components, *(getattr(surrogate, name) for name in Surrogate.OF_COMPONENTS), strict=True
        )
    ]
    types: dict[str, type] = {"label": int, "component": int, "name": str, "value": str}
    types |= dict.fromkeys(_FIGURES, float)
    if positions:  # pandas' whole numbers cannot be missing; as it does itself, such a column becomes one of floats
        has_gaps = any(row[-1] is None for row in rows)
        types["position"] = float if has_gaps and backend == "pandas" else int
    return fill_frame(rows, types, backend)
