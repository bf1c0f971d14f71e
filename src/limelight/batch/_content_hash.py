"""A hash of what an object is made of: the same in every process, whatever its address, its pickle or its caches.

Arrays, tensors and frames count by type, shape and values; sets without an order; functions by their code and the values that
they use; and other objects by their class and the state that ``copy`` and ``pickle`` would take, without cached properties. So
a class decides through ``__getstate__`` what its objects are. The functions and classes of installed packages count by their
names, functions by their package's version as well; of the user's own modules counts what functions use of them.
"""

from __future__ import annotations

import copyreg
import dis
import enum
import functools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from struct import pack
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

from limelight.batch._data_content import describe_data
from limelight.exceptions import is_interruption, read_message

__all__ = ["NoContentError", "hash_attributes", "hash_content"]

_DIGEST_BYTES = 16
_FAR_UP = sys.maxsize  # a place in the path that no object has
_LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.local)  # nothing in them changes a result
_NEVER_CONTENT = {"__dict__", "__weakref__", "__module__", "__qualname__", "_abc_impl"}  # of a class


class NoContentError(TypeError):
    """An object holds something that has no content, such as an open file."""


class _Content(NamedTuple):
    """What an object is made of: a tag for the kind of object, and the encoded parts."""

    tag: str
    parts: Iterable[bytes]


def hash_content(value: object) -> str:
    """The hash of an object's content: 32 hexadecimal digits.

    Raises
    ------
    NoContentError
        If it holds something that has none.

    Examples
    --------
    >>> from limelight.batch._content_hash import hash_content
    >>> hash_content({"b", "a"}) == hash_content({"a", "b"}), hash_content(1) == hash_content(1.0)
    (True, False)
    """
    return _Hasher().hash(value)


def hash_attributes(value: object) -> dict[str, str]:
    """The hash of an object's class, under the key ``class``, and of each of its attributes, under their names.

    Raises
    ------
    NoContentError
        If an attribute, which the error names, holds something that has no content.
    """
    hasher = _Hasher()
    state = _without_caches(type(value), _reduce(value)[2])
    attributes = state if isinstance(state, dict) else {"state": state}
    hashes = {"class": hasher.hash(type(value))}
    for name, attribute in attributes.items():
        try:
            hashes[str(name)] = hasher.hash(attribute)
        except NoContentError as error:
            raise NoContentError(f"{str(name).lstrip('_')} {error}") from error
    return hashes


class _Hasher:
    """Encodes objects as bytes that are equal where their contents are: scalars as they are, others as digests.

    An object that contains itself stands there for the number of levels up to itself.
    """

    def __init__(self) -> None:
        self._open: dict[int, int] = {}  # the objects that are being encoded, by their ids: the places on the path to them
        self._highest = _FAR_UP  # the first place on the path that the latest objects refer back to
        self._known: dict[int, tuple[object, bytes]] = {}  # with the objects themselves, so that no other one gets their ids

    def hash(self, value: object) -> str:
        try:
            return _digest("value", [self.encode(value)]).hex()
        except RecursionError as error:
            raise NoContentError("is nested too deeply") from error
        finally:
            self._open.clear()

    def encode(self, value: object) -> bytes:
        encode_scalar = _SCALARS.get(type(value))
        if encode_scalar is not None:
            return encode_scalar(value)
        key = id(value)
        if key in self._known:
            return self._known[key][1]
        if key in self._open:
            self._highest = min(self._highest, self._open[key])
            return b"up%d" % (len(self._open) - self._open[key])
        place = self._open[key] = len(self._open)
        highest_so_far, self._highest = self._highest, _FAR_UP
        content = self._content(value)
        digest = _digest(content.tag, content.parts)
        del self._open[key]
        if self._highest >= place:  # it means the same wherever it stands
            self._known[key] = value, digest
            self._highest = _FAR_UP
        self._highest = min(self._highest, highest_so_far)
        return digest

    def _content(self, value: Any) -> _Content:
        kind = type(value)
        if kind in (list, tuple):
            return _Content(kind.__name__, map(self.encode, value))
        if kind in (dict, MappingProxyType):
            return _Content("dict", (self.encode(item) for pair in value.items() for item in pair))
        if isinstance(value, (set, frozenset)):
            return _Content(_name(kind), [*sorted(map(self.encode, value)), self.encode(getattr(value, "__dict__", None))])
        special = next((make for types, make in _SPECIAL if isinstance(value, types)), None)
        if special is not None:
            return special(self, value)
        data = describe_data(value)
        if data is not None:
            return _Content(f"data {_name(kind)}", map(self.encode, data))
        if callable(value) and hasattr(value, "__wrapped__"):  # a cache around a function
            return _Content(_name(kind), [self.encode(value.__wrapped__)])
        return self._object(value)

    def _object(self, value: object) -> _Content:
        """Any other object, through what ``copy`` and ``pickle`` take of it."""
        function, arguments, state, items, pairs = _reduce(value)
        state = _without_caches(type(value), state)
        return _Content(
            "object",
            [
                *map(self.encode, (function, arguments)),
                self._attributes(state) if isinstance(state, dict) else self.encode(state),
                *(self.encode(item) for item in items or ()),
                *(self.encode(item) for pair in pairs or () for item in pair),
            ],
        )

    def _attributes(self, attributes: Mapping[Any, object]) -> bytes:
        """Attributes in the order of their names."""
        names = sorted(attributes, key=str)
        return _digest("attributes", (self.encode(item) for name in names for item in (str(name), attributes[name])))

    def _function(self, function: FunctionType) -> _Content:
        module = str(function.__globals__.get("__name__"))  # where it was written; decorators change `__module__`
        names = _all_names(function.__code__)
        cells = [[_used_members(value, names) for value in _cell_contents(cell)] for cell in function.__closure__ or ()]
        parts = [function.__module__, function.__qualname__, function.__defaults__, function.__kwdefaults__, cells]
        if _is_library(module):
            root = module.partition(".")[0]
            parts.append(str(getattr(sys.modules.get(root), "__version__", "")))
        else:
            used = {name: _used_members(value, names) for name, value in _outer_values(function).items()}
            return _Content(
                "function",
                [*map(self.encode, [*parts, function.__code__]), self._attributes(used), self._attributes(vars(function))],
            )
        return _Content("library function", [*map(self.encode, parts), self._attributes(vars(function))])

    def _code(self, code: CodeType) -> _Content:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        return _Content("code", map(self.encode, (code.co_code, code.co_consts, code.co_exceptiontable, *names, *counts)))

    def _class(self, cls: type) -> _Content:
        if _is_library(cls.__module__):
            return _Content("class", [_name(cls).encode()])
        own = {name: value for name, value in vars(cls).items() if _is_content(name, value)}
        return _Content("class", [_name(cls).encode(), *map(self.encode, cls.__bases__), self._attributes(own)])

    def _builtin(self, function: BuiltinFunctionType) -> _Content:
        owner = None if isinstance(function.__self__, ModuleType) else function.__self__
        return _Content("builtin", map(self.encode, (function.__module__, function.__qualname__, owner)))

    def _method(self, method: MethodType) -> _Content:
        return _Content("method", map(self.encode, (method.__func__, method.__self__)))

    def _member(self, member: enum.Enum) -> _Content:
        return _Content("member", map(self.encode, (type(member), member.name, member.value)))

    def _descriptor(self, descriptor: Any) -> _Content:
        parts = ("__func__", "fget", "fset", "fdel", "func")
        return _Content(_name(type(descriptor)), [self.encode(getattr(descriptor, part, None)) for part in parts])

    def _by_name(self, value: Any) -> _Content:
        return _Content(_name(type(value)), [self.encode(str(getattr(value, "__name__", "")))])

    def _reference(self, reference: Any) -> _Content:
        return _Content("weak reference", [self.encode(reference())])


_SPECIAL: list[tuple[Any, Callable[[_Hasher, Any], _Content]]] = [
    (type, _Hasher._class),
    (FunctionType, _Hasher._function),
    (MethodType, _Hasher._method),
    (BuiltinFunctionType, _Hasher._builtin),
    (CodeType, _Hasher._code),
    ((staticmethod, classmethod, property, functools.cached_property), _Hasher._descriptor),
    (enum.Enum, _Hasher._member),
    (weakref.ReferenceType, _Hasher._reference),
    ((ModuleType, GetSetDescriptorType, MemberDescriptorType, *_LOCKS), _Hasher._by_name),
]


def _encode_int(value: Any) -> bytes:
    return b"i%x" % value


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"none",
    bool: lambda value: b"true" if value else b"false",
    int: _encode_int,
    float: lambda value: b"f" + pack("<d", value),
    complex: lambda value: b"c" + pack("<dd", value.real, value.imag),
    str: lambda value: b"s" + value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: b"b" + value,
}


def _digest(tag: str, parts: Iterable[bytes]) -> bytes:
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in (tag.encode(), *parts):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def _reduce(value: object) -> tuple[Any, Any, Any, Any, Any]:
    """What ``copy`` and ``pickle`` take of an object: a callable, its arguments, a state, items, and keys with their items.

    Raises
    ------
    NoContentError
        If they cannot take it.
    """
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
    except BaseException as error:  # any class may fail in its own way
        if is_interruption(error):
            raise
        problem = f"{read_message(error):.200}"
        raise NoContentError(f"holds {_name(type(value))}, which has no content to be compared ({problem})") from error
    if isinstance(reduced, str):  # the name of a global
        return _name(type(value)), reduced, None, None, None
    function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return function, arguments, state, items, pairs


def _without_caches(cls: type, state: Any) -> Any:
    """An object's state without the values of cached properties."""
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[0], dict):  # with slots
        return (_without_caches(cls, state[0]), state[1])
    if not isinstance(state, dict):
        return state
    return {name: value for name, value in state.items() if not _is_cached_property(cls, name)}


def _is_cached_property(cls: type, name: Any) -> bool:
    attribute = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    return "cached_property" in type(attribute).__name__


def _is_content(name: str, value: object) -> bool:
    """Whether an attribute of a class is a part of what the class does."""
    if name in _NEVER_CONTENT:
        return False
    is_special = name.startswith("__") and name.endswith("__")
    return not is_special or isinstance(value, (FunctionType, staticmethod, classmethod, property))


def _outer_values(function: FunctionType) -> dict[str, object]:
    """The globals that a function reads, and the files of the user's modules that it imports itself, by their names."""
    values = {name: function.__globals__[name] for name in _global_names(function.__code__) & {*function.__globals__}}
    package = function.__globals__.get("__package__")
    for name in _imported_names(function.__code__):
        with suppress(Exception):  # where there is no such module, the function copes with it or fails itself
            spec = find_spec(name, package)
            if spec is not None and spec.origin is not None and not _is_library(spec.name, spec.origin):
                values[f"import {name}"] = Path(spec.origin).read_bytes()  # it may not have been imported yet
    return values


def _used_members(value: object, names: Set[str], outer: tuple[object, ...] = ()) -> object:
    """The members of a module of the user's that have one of these names; any other value as it is."""
    if not isinstance(value, ModuleType) or value in outer or _is_library(value.__name__):
        return value
    return {name: _used_members(vars(value)[name], names, (*outer, value)) for name in names & vars(value).keys()}


def _all_names(code: CodeType) -> set[str]:
    """The names of globals, attributes and imports in a function and in the functions within it."""
    return {*code.co_names}.union(*(_all_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))


def _imported_names(code: CodeType) -> set[str]:
    """The modules that a function itself imports, and the functions within it; relative names begin with dots."""
    instructions = list(dis.get_instructions(code))
    # Before an import come the number of dots and the names that are taken from the module.
    names = {
        "." * instructions[place - 2].argval + instruction.argval
        for place, instruction in enumerate(instructions)
        if instruction.opname == "IMPORT_NAME"
    }
    return names.union(*(_imported_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)))


def _global_names(code: CodeType) -> set[str]:
    """The global names that a function reads; those that it also writes are its own memory."""
    read, written = set(), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            read.add(instruction.argval)
        elif instruction.opname == "STORE_GLOBAL":
            written.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            read |= _global_names(constant)
    return read - written


def _cell_contents(cell: Any) -> list[object]:
    try:
        return [cell.cell_contents]
    except ValueError:  # it is empty so far
        return []


@functools.lru_cache(maxsize=4096)
def _is_library(module: str, origin: str | None = None) -> bool:
    """Whether a module belongs to Python, to limelight or to an installed package, and not to the user's own code.

    `origin` is its file, if it may not have been imported.
    """
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root == "limelight":
        return root != "__main__"
    files = [origin, *(getattr(sys.modules.get(name), "__file__", None) for name in (root, module))]
    parts = {part for file in files if file for part in Path(file).parts}
    return module != "__main__" and not parts.isdisjoint({"site-packages", "dist-packages"})


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
