"""The true labels of explained instances, for a report that says which predictions are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from limelight.batch.files import TableFile
from limelight.exceptions import ArgumentError

if TYPE_CHECKING:
    from limelight import Explanations

__all__ = ["read_labels"]


def read_labels(explanations: Explanations, data: Path | str, target: str) -> list[Any] | None:
    """Read the true label of each explained instance from a column of the data; None if there is no such column.

    Raises
    ------
    ArgumentError
        If the explanations cannot be those of the data's rows.
    """
    values = TableFile(data).read_column(target)
    if values is None:
        return None
    items = explanations.items.tolist()
    if len(set(items)) < len(items):
        raise ArgumentError(
            "the explanations come from several jobs, or explain an instance more than once: in Python, give labels to "
            "save_report."
        )
    if max(items, default=-1) >= len(values):
        raise ArgumentError(f"{str(data)!r} has {len(values)} rows, and no instance {max(items)}.")
    return [values[item] for item in items]
