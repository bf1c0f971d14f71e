"""Names that stand for implementations, each imported when it is first used.

A registry keeps ``import limelight`` light and makes an extension one new file and one line.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from limelight._errors import unknown_name

__all__ = ["Registry"]


class Registry:
    """A read-only table from a name to ``"module:attribute"``.

    Parameters
    ----------
    parameter : str
        What the names are called in an error message.
    entries : dict of str to str
        For each name, where its implementation lives.

    Examples
    --------
    >>> from limelight._registry import Registry
    >>> roots = Registry("root", {"square": "math:sqrt"})
    >>> roots.load("square")(9.0)
    3.0
    >>> roots.load("cubic")
    Traceback (most recent call last):
        ...
    limelight._errors.ArgumentError: root must be one of 'square'; got 'cubic'.
    """

    def __init__(self, parameter: str, entries: dict[str, str]) -> None:
        self._parameter = parameter
        self._entries = entries
        self._loaded: dict[str, Any] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def load(self, name: str) -> Any:
        """Import and return the implementation called `name`.

        Raises
        ------
        ArgumentError
            If there is no such name.
        """
        if name not in self._entries:
            raise unknown_name(self._parameter, name, self._entries)
        if name not in self._loaded:
            module, _, attribute = self._entries[name].partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]
