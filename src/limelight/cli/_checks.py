"""Checks of paths and columns, made before the work begins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from limelight.batch.files import TableFile

__all__ = ["FilePath", "check_column", "check_outputs"]


class FilePath(click.Path):
    """A path, or an address such as ``s3://bucket/name``, which stays a text and is not looked at before it is used."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if "://" in str(value) else super().convert(value, param, ctx)


def check_outputs(outputs: Mapping[str, Path | str | None], inputs: Iterable[Path | str | None]) -> None:
    """Refuse outputs that cannot be written, or that would overwrite an input.

    Parameters
    ----------
    outputs : dict of str to Path, str or None
        The files to be written, by the option that names them. An address is a str.
    inputs : iterable of Path, str or None
        The files and folders to be read.

    Raises
    ------
    UsageError
        If there is such an output.
    """
    used: set[Path | str] = {path.resolve() if isinstance(path, Path) else path for path in inputs if path is not None}
    for option, path in outputs.items():
        if path is None:
            continue
        if isinstance(path, str):
            if path in used:
                raise click.UsageError(f"{option} must be a file of its own; {path!r} is read or written by another option.")
            used.add(path)
            continue
        target = path.resolve()
        if not os.access(target.parent, os.W_OK):
            raise click.UsageError(f"{option} cannot be written: there is no writable folder {str(path.parent)!r}.")
        if target in used or target.parent in used or (target.exists() and not target.is_file()):
            raise click.UsageError(
                f"{option} must be a file of its own; {str(path)!r} is read or written by another option, or is not a file."
            )
        used.add(target)


def check_column(option: str, data: Path | str, column: str) -> None:
    """Refuse the name of a column that the data lack.

    Raises
    ------
    UsageError
        If they lack it.
    """
    names = TableFile(data).column_names()
    if column not in names:
        raise click.UsageError(f"{option} must be a column of --data; got {column!r}, and it has {', '.join(names)}.")
