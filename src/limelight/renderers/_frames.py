"""Rows as a frame of pandas, polars or pyarrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limelight._checks import check_choice
from limelight.exceptions import ArgumentError, missing_dependency

__all__ = ["fill_frame", "write_text"]


def fill_frame(rows: Sequence[Sequence[Any]], types: Mapping[str, type], backend: str) -> Any:
    """Put rows into a native frame.

    Parameters
    ----------
    rows : sequence of sequences
        Their values, in the order of the columns; further ones are left out.
    types : mapping of str to type
        What each column holds: int, float, str or bool.
    backend : {"pandas", "polars", "pyarrow"}
        The library that makes the frame.

    Raises
    ------
    ArgumentError
        If the backend is not one of these, or a column cannot hold a value.
    MissingDependencyError
        If the backend is not installed.
    """
    import narwhals.stable.v2 as nw

    check_choice("backend", backend, ("pandas", "polars", "pyarrow"))
    of_type = {int: nw.Int64(), float: nw.Float64(), str: nw.String(), bool: nw.Boolean()}
    try:
        frame = nw.from_dict(
            {column: [row[i] for row in rows] for i, column in enumerate(types)},
            schema={column: of_type[kind] for column, kind in types.items()},
            backend=nw.Implementation.from_backend(backend),  # type: ignore[arg-type]
        )
    except ImportError as error:
        raise missing_dependency(f"to_frame(backend={backend!r})", backend, extra=None) from error
    except (OverflowError, ValueError) as error:  # only what somebody changed has such numbers
        raise ArgumentError(f"this cannot be written as a frame: {error}.") from error
    return frame.to_native()


def write_text(text: str) -> str:
    """A text that frames can hold, with lone surrogates as Python writes them."""
    return text.encode("utf-8", "backslashreplace").decode()
