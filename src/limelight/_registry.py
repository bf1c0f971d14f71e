"""Names that stand for implementations, each imported when it is first used.

A registry keeps ``import limelight`` light and makes an extension one new file and one line. Packages outside limelight add
names with `register`, or declare them as entry points in the group ``limelight.KIND``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import Any, Literal

from limelight.exceptions import ArgumentError, ArgumentTypeError, describe_error, is_interruption, unknown_name

__all__ = ["KINDS", "Registry", "register", "registrations", "use_registrations"]

# The modules with the tables of limelight's own names, so that `register` knows these names whatever has been imported.
_TABLES = {
    "adapter": "limelight.models",
    "engine": "limelight.batch._engines",
    "kernel": "limelight.stages.proximity",
    "model": "limelight.models",
    "renderer": "limelight.results._rendering",
    "view": "limelight.results.view_registry",
}
Kind = Literal["adapter", "engine", "kernel", "model", "renderer", "view"]
KINDS = tuple(_TABLES)
"""The kinds of implementations that packages outside limelight can add."""

_RENDERER_NAME = re.compile("[A-Za-z0-9_-]+")  # it is also the ending of a file's name

_registered: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}  # implementations, or "module:attribute", by name
_own_names: dict[str, set[str]] = {kind: set() for kind in KINDS}  # limelight's, of the registries that have been made
_in_use: ContextVar[Mapping[str, Mapping[str, Any]] | None] = ContextVar("registrations", default=None)


class Registry:
    """A table from names to implementations.

    Parameters
    ----------
    kind : str
        What the names stand for, as errors call it: one of `KINDS`, or another kind, to which only limelight can add.
    entries : dict of str to str
        Where the implementation of each of limelight's own names is, as ``"module:attribute"``.

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

    def __iter__(self) -> Iterator[str]:
        """All names. Those from outside come first, since they may know something better, then limelight's own."""
        yield from self.added()
        yield from self._entries

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self.added()

    def added(self) -> list[str]:
        """The names that come from outside limelight."""
        if self._kind not in KINDS:
            return []
        registered, declared = _registrations_of(self._kind), _entry_points(self._kind)
        if not registered and not declared:  # as nearly always; adapters are looked through for every instance
            return []
        names = dict.fromkeys([*registered, *declared])
        return [name for name in names if name not in self._entries]

    def load_own(self) -> tuple[Any, ...]:
        """limelight's own implementations, in their order."""
        if len(self._loaded) < len(self._entries):
            for name in self._entries:
                self.load(name)
        return tuple(self._loaded[name] for name in self._entries)

    def owns(self, name: str) -> bool:
        """Whether the name is limelight's own."""
        return name in self._entries

    def load(self, name: str) -> Any:
        """Import and return the implementation called `name`.

        Raises
        ------
        ArgumentError
            If there is no such name, or what was registered under it cannot be imported.
        """
        if name in self._entries:
            if name not in self._loaded:
                self._loaded[name] = _import(self._entries[name])
            return self._loaded[name]
        if name not in self.added():
            raise unknown_name(self._kind, name, self)
        implementation = _registrations_of(self._kind).get(name)
        if implementation is not None and not isinstance(implementation, str):
            return implementation
        try:
            return _entry_points(self._kind)[name].load() if implementation is None else _import(implementation)
        except BaseException as error:  # a module from outside may fail in any way
            if is_interruption(error):
                raise
            raise ArgumentError(f"the {self._kind} {name!r} cannot be imported ({describe_error(error)}).") from error


def register(kind: Kind, name: str, implementation: Any) -> None:
    """Add an implementation to limelight under a name, for the rest of the program.

    An installed package can declare an entry point instead and needs no call. In its ``pyproject.toml``, the table
    ``[project.entry-points."limelight.view"]`` then has a line ``graph = "my_package:GraphView"``.

    Parameters
    ----------
    kind : {"adapter", "engine", "kernel", "model", "renderer", "view"}
        What it is. `limelight.extend` says what each kind must have.
    name : str
        The name by which users, or stored explanations, call it. A later registration replaces an earlier one. Limelight's own
        names cannot be replaced.
    implementation : object
        The class or function; or ``"module:attribute"``, which is imported when it is first used.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is no such kind, the name is limelight's own, or the implementation is none of these.

    Examples
    --------
    >>> from limelight import extend
    >>> extend.register("kernel", "box", lambda distances, width: (distances <= width).astype(float))
    """
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    if not isinstance(name, str) or not name:
        raise ArgumentTypeError(f"name must be a non-empty str; got {name!r}.")
    if not callable(implementation) and not (isinstance(implementation, str) and ":" in implementation):
        raise ArgumentTypeError(f'implementation must be a class, a function or "module:attribute"; got {implementation!r}.')
    import_module(_TABLES[kind])
    if (name.lower() if kind == "renderer" else name) in _own_names[kind]:
        raise ArgumentError(f"the {kind} {name!r} is limelight's own; register yours under another name.")
    if kind == "renderer" and not _RENDERER_NAME.fullmatch(name):
        raise ArgumentError(
            f"a renderer's name must have letters, digits, - and _ only, since it is also a file's ending; got {name!r}."
        )
    if kind == "view" and not isinstance(implementation, str) and getattr(implementation, "kind", None) != name:
        raise ArgumentTypeError(f"a view must be registered under its own kind; got {name!r} for {implementation!r}.")
    _registered[kind][name] = implementation


def registrations(kinds: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """What this process has registered, by kind and name. Another process can be sent it, and use it."""
    return {kind: dict(_registered[kind]) for kind in kinds}


@contextmanager
def use_registrations(implementations: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Within it, names stand for these implementations, in this thread, instead of those that this process has registered.

    A worker process may have jobs of several programs at a time, which may have registered different things under one name.

    Parameters
    ----------
    implementations : dict
        From `registrations`.
    """
    token = _in_use.set(implementations)
    try:
        yield
    finally:
        _in_use.reset(token)


def _registrations_of(kind: str) -> Mapping[str, Any]:
    in_use = _in_use.get()
    return _registered[kind] if in_use is None or kind not in in_use else in_use[kind]


@cache
def _entry_points(kind: str) -> Mapping[str, Any]:
    """The entry points of installed packages, by name. Looking through the packages takes some milliseconds.

    Raises
    ------
    ArgumentError
        If two packages declare different implementations under one name.
    """
    from importlib.metadata import entry_points

    found: dict[str, Any] = {}
    for entry in entry_points(group=f"limelight.{kind}"):
        if found.setdefault(entry.name, entry).value != entry.value:
            raise ArgumentError(
                f"two installed packages declare the {kind} {entry.name!r}: {found[entry.name].value} and {entry.value}; "
                "uninstall one of them."
            )
    return found


def _import(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return attrgetter(attribute)(import_module(module))
