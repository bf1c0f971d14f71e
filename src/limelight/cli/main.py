"""The command ``limelight``; the commands themselves need click, an optional package."""

from __future__ import annotations

import signal
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

__all__ = ["main"]


def main() -> None:
    """Run the command line; without click, say how to install it."""
    if isinstance(sys.stdout, TextIOWrapper):  # the encoding of a pipe may lack some characters
        sys.stdout.reconfigure(errors="replace")
    try:
        commands = _commands()
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print("The command line needs click: pip install 'limelight[cli]'", file=sys.stderr)
        sys.exit(1)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # to be told to end is as good as Ctrl-C: what is done is kept
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    commands()


def _commands() -> click.Group:
    from limelight.cli._commands import commands

    return commands
