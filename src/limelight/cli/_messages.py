"""Errors as messages of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from limelight.exceptions import LimelightError, read_message
from limelight.renderers.terminal import make_visible

__all__ = ["PrintableGroup", "errors_as_messages", "make_printable"]


class PrintableGroup(click.Group):
    """Commands whose messages cannot do anything to a terminal, whatever names and texts of the user's are in them."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments."""
        with _printable_messages():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with _printable_messages():
            return super().invoke(ctx)


@contextmanager
def _printable_messages() -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        error.message = make_printable(error.message)  # type: ignore[misc] # final, but subclasses of click's change it, too
        raise


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
        raise click.ClickException(f"{prefix}{read_message(error)}") from error


def make_printable(message: str) -> str:
    """Escape the characters that could move a terminal's cursor: files and models may put them into messages.

    Lines after the first are indented, so that none can pass for a message of its own.
    """
    return "\n  ".join(map(make_visible, message.split("\n")))
