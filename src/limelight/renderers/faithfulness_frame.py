"""The curves of an explanation's faithfulness as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from typing import Any

from limelight.renderers._frames import fill_frame
from limelight.results.faithfulness import Faithfulness

__all__ = ["make_frame"]

_TYPES: dict[str, type] = {
    "curve": str,
    "count": int,
    **dict.fromkeys(("prediction", "random", "random_error"), float),
}


def make_frame(faithfulness: Faithfulness, backend: str) -> Any:
    """Put both curves in a table, a row for each step.

    Parameters
    ----------
    faithfulness : Faithfulness
        Any.
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
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.faithfulness_frame import make_frame
    >>> def model(texts):
    ...     return [0.1 + 0.5 * ("good" in text) for text in texts]
    >>> explainer = TextExplainer()
    >>> explanation = explainer.explain_instance("good film", model)
    >>> make_frame(explainer.measure_faithfulness("good film", model, explanation), "polars")["count"].to_list()
    [0, 1, 2, 0, 1, 2]
    """
    rows = [
        (name, *step)
        for name, curve in (("deletion", faithfulness.deletion), ("insertion", faithfulness.insertion))
        if curve is not None
        for step in zip(curve.counts, curve.predictions, curve.random, curve.random_errors, strict=True)
    ]
    return fill_frame(rows, _TYPES, backend)
