"""Checks of paths and columns, made before the work begins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from limelight.batch.files import TableFile

__all__ = ["check_column", "check_outputs"]


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None]) -> None:
    """Refuse outputs that cannot be written, or that would overwrite an input.

    Parameters
    ----------
    outputs : dict of str to Path or None
        The files to be written, by the option that names them.
    inputs : iterable of Path or None
        The files and folders to be read.

    Raises
    ------
    UsageError
        If there is such an output.
    """
    used = {path.resolve() for path in inputs if path is not None}
    for option, path in outputs.items():
        if path is None:
            continue
        target = path.resolve()
        if not os.access(target.parent, os.W_OK):
            raise click.UsageError(f"{option} cannot be written: there is no writable folder {str(path.parent)!r}.")
        if target in used or target.parent in used or (target.exists() and not target.is_file()):
            raise click.UsageError(
                f"{option} must be a file of its own; {str(path)!r} is read or written by another option, or is not a file."
            )
        used.add(target)


def check_column(option: str, data: Path, column: str) -> None:
    """Refuse the name of a column that the data lack.

    Raises
    ------
    UsageError
        If they lack it.
    """
    names = TableFile(data).column_names()
    if column not in names:
        raise click.UsageError(f"{option} must be a column of --data; got {column!r}, and it has {', '.join(names)}.")
