"""How weights vary over the seeds, as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from typing import Any

from limelight.collection.stability import Stability
from limelight.renderers._frames import fill_frame, write_text

__all__ = ["make_frame"]

_TYPES: dict[str, type] = {
    "component": int,
    "name": str,
    "listed": int,
    **dict.fromkeys(("mean", "spread", "promised", "low", "high"), float),
}


def make_frame(stability: Stability, backend: str) -> Any:
    """Put the weights in a table, a row for each component that some seed lists.

    Parameters
    ----------
    stability : Stability
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
    >>> from limelight.renderers.stability_frame import make_frame
    >>> stability = TextExplainer().measure_stability("good film", lambda texts: ["good" in text for text in texts])
    >>> make_frame(stability, "polars")["spread"].to_list()
    [0.0, 0.0]
    """
    return fill_frame([(one.component, write_text(one.name), *one[2:]) for one in stability.weights], _TYPES, backend)
