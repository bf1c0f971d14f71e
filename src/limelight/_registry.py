"""Names that stand for implementations, each imported when it is first used.

A registry keeps ``import limelight`` light and makes an extension one new file and one line. Packages outside limelight add
names with `register`, or declare them as entry points in the group ``limelight.KIND``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from limelight._errors import ArgumentError, ArgumentTypeError, unknown_name

__all__ = ["KINDS", "Registry", "register", "registered"]

KINDS = ("adapter", "engine", "kernel", "model", "renderer", "view")
"""What packages outside limelight can add to."""

_registered: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}  # implementations, or where they live, by name
_own_names: dict[str, set[str]] = {kind: set() for kind in KINDS}  # of the registries that have been made


class Registry:
    """A table from names to implementations.

    Parameters
    ----------
    kind : str
        What the names stand for, as an error message calls it: one of `KINDS`, or another, to which nobody else can add.
    entries : dict of str to str
        For each of limelight's own names, where its implementation lives, as ``"module:attribute"``.

    Examples
    --------
    >>> from limelight._registry import Registry
    >>> roots = Registry("root", {"square": "math:sqrt"})
    >>> roots.load("square")(9.0)
    3.0
    >>> roots.load("cubic")
    Traceback (most recent call last):
        ...
    limelight.exceptions.ArgumentError: root must be one of 'square'; got 'cubic'.
    """

    def __init__(self, kind: str, entries: dict[str, str]) -> None:
        self._kind = kind
        self._entries = entries
        self._loaded: dict[str, Any] = {}
        if kind in KINDS:
            _own_names[kind] |= set(entries)
            for name in _registered[kind]:
                _check_free(kind, name)

    def __iter__(self) -> Iterator[str]:
        """All names: those from outside first, since they may know something better, then limelight's own."""
        yield from self.added()
        yield from self._entries

    def added(self) -> list[str]:
        """The names that come from outside limelight."""
        if self._kind not in KINDS:
            return []
        names = dict.fromkeys([*_registered[self._kind], *_entry_points(self._kind)])
        return [name for name in names if name not in self._entries]

    def owns(self, name: str) -> bool:
        """Whether the name is limelight's own."""
        return name in self._entries

    def load(self, name: str) -> Any:
        """Import and return the implementation called `name`.

        Raises
        ------
        ArgumentError
            If there is no such name.
        """
        if name in self._entries:
            if name not in self._loaded:
                self._loaded[name] = _imported(self._entries[name])
            return self._loaded[name]
        if name not in self.added():
            raise unknown_name(self._kind, name, self)
        if name not in _registered[self._kind]:
            return _entry_points(self._kind)[name].load()
        implementation = _registered[self._kind][name]
        return _imported(implementation) if isinstance(implementation, str) else implementation


def register(kind: str, name: str, implementation: Any) -> None:
    """Add an implementation to limelight under a name, for the rest of the program.

    An installed package can declare an entry point instead and needs no call. In its ``pyproject.toml``, the table
    ``[project.entry-points."limelight.view"]`` then has a line ``graph = "my_package:GraphView"``.

    Parameters
    ----------
    kind : {"adapter", "engine", "kernel", "model", "renderer", "view"}
        What it is. `limelight.extend` says what each must have.
    name : str
        The name by which users, or stored explanations, call it. A later registration replaces an earlier one; limelight's own
        names cannot be replaced.
    implementation : object
        The class or function, or ``"module:attribute"``, which is imported when it is first used.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is no such kind, the name is taken, or the implementation is neither.

    Examples
    --------
    >>> from limelight import extend
    >>> extend.register("kernel", "box", lambda distances, width: (distances <= width).astype(float))
    """
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    if not isinstance(name, str) or not name:
        raise ArgumentTypeError(f"name must be a text that is not empty; got {name!r}.")
    if not callable(implementation) and not (isinstance(implementation, str) and ":" in implementation):
        raise ArgumentTypeError(f'implementation must be a class, a function or "module:attribute"; got {implementation!r}.')
    _check_free(kind, name)
    _registered[kind][name] = implementation


def registered(kinds: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """What has been registered in this process, by kind and name, so that another process can register the same."""
    return {kind: dict(_registered[kind]) for kind in kinds}


def _check_free(kind: str, name: str) -> None:
    if name in _own_names[kind]:
        raise ArgumentError(f"the {kind} {name!r} is limelight's own; register yours under another name.")


@cache
def _entry_points(kind: str) -> Mapping[str, Any]:
    """What installed packages declare, by name; they are looked through once, which takes some milliseconds."""
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=f"limelight.{kind}")}


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
