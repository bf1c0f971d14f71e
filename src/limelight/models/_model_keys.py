"""By what a model's kept answers are found again: what the user calls it, or its function's name and code."""

from __future__ import annotations

from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any

from limelight.exceptions import ArgumentError, ArgumentTypeError

__all__ = ["find_model_key"]


def find_model_key(cache_key: object, function: Any, *, has_file: bool) -> str:
    """Whose answers are kept: what the user says, or the function's name and a hash of its code and defaults.

    Raises
    ------
    ArgumentError
        If answers are kept in a file, and this does not tell the function from others.
    ArgumentTypeError
        If it is no text.
    """
    if cache_key is not None:
        if not isinstance(cache_key, str) or not cache_key:
            raise ArgumentTypeError(
                f"cache_key must be a text with the model's name and version, such as 'llama-3.1-8b, bf16, prompt 2'; got "
                f"{cache_key!r:.80}."
            )
        return f"key {cache_key}"
    if not has_file:
        return ""
    # Methods, closures, wrapped functions and other objects hold what their answers depend on, and their code does not show it.
    is_plain = isinstance(function, FunctionType) and not function.__closure__ and "<" not in function.__qualname__
    if not is_plain:
        raise ArgumentError(
            f"a cache needs cache_key, a text with the model's name and version, where the function is not a plain one with a "
            f"name of its own; got {function!r:.200}."
        )
    defaults = {"": function.__defaults__ or (), **(function.__kwdefaults__ or {})}
    if not all(map(_is_written_out, defaults.values())):
        raise ArgumentError(
            "a cache needs cache_key, a text with the model's name and version, where the function's arguments have defaults "
            f"other than texts and numbers, on which answers may depend; got {function!r:.200}."
        )
    digest = blake2b(
        repr(defaults).encode("utf-8", "surrogatepass") + _list_code(function.__code__), digest_size=16
    ).hexdigest()
    return f"function {function.__module__}.{function.__qualname__} {digest}"


def _is_written_out(value: object) -> bool:
    """Whether a value's `repr` is all that it is: that of a long array leaves numbers out."""
    if type(value) is tuple:
        return all(map(_is_written_out, value))
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def _list_code(code: CodeType) -> bytes:
    """What a function does, without its place in its file."""
    constants = [_list_code(part) if isinstance(part, CodeType) else _show(part).encode() for part in code.co_consts]
    return b"\0".join([code.co_code, *(name.encode() for name in code.co_names), *constants])


def _show(constant: object) -> str:
    """A constant as a text that is the same in every process."""
    return repr(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)
