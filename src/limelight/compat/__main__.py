"""Runs a program, or a module, that imports lime, on limelight: ``python -m limelight.compat program.py`` or ``-m module``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from limelight.compat._installation import install

_USAGE = (
    "usage: python -m limelight.compat program.py [argument ...]\n       python -m limelight.compat -m module [argument ...]"
)


def main() -> None:
    """Run what the command line names, with the arguments after it, as Python itself would."""
    arguments = sys.argv[1:]
    is_module = arguments[:1] == ["-m"]
    if not arguments or (is_module and len(arguments) < 2) or arguments[0] in ("-h", "--help"):
        sys.exit(_USAGE)
    install()
    if is_module:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
