"""Errors as messages of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from limelight.exceptions import LimelightError
from limelight.renderers.terminal import make_visible

__all__ = ["errors_as_messages", "make_printable"]


@contextmanager
def errors_as_messages(prefix: str = "") -> Iterator[None]:
    """Show errors without their tracebacks, and end the command with status 1.

    Parameters
    ----------
    prefix : str
        What stands before the error's message.
    """
    try:
        yield
    except (LimelightError, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{prefix}{make_printable(str(error))}") from error


def make_printable(message: str) -> str:
    """Escape the characters that could move a terminal's cursor: files and models may put them into messages."""
    return "\n".join(map(make_visible, message.split("\n")))
