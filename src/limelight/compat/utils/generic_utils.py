"""What lime's module of this name has: one question about a callable."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["has_arg"]


def has_arg(fn: Any, arg_name: str) -> bool:
    """Whether a callable takes an argument of this name, given by name; one that only ``**kwargs`` takes does not count.

    Examples
    --------
    >>> from limelight.compat.utils.generic_utils import has_arg
    >>> has_arg(print, "sep"), has_arg(dict, "sep")
    (True, False)
    """
    try:
        parameters = inspect.signature(fn).parameters
    except ValueError:  # some callables written in C have a signature only as a method
        parameters = inspect.signature(fn.__call__).parameters
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return arg_name in parameters and parameters[arg_name].kind in by_name
