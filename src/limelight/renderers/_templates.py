"""The templates' environment: everything is escaped, and what a file cannot hold is made visible."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["ScriptData", "fill_template"]

# What HTML or UTF-8 cannot hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# What would end a script element or begin a comment in it, and what ends a line of a script.
_NOT_IN_SCRIPTS = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class ScriptData:
    """Data that a template hands to its script: JSON in which nothing is markup.

    Parameters
    ----------
    data : object
        Of JSON's types; numbers are finite.
    """

    def __init__(self, data: Any) -> None:
        self.json = json.dumps(_writable(data), ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(
            _NOT_IN_SCRIPTS
        )


def fill_template(template: str, **data: object) -> str:
    """A template with its places filled in, all text escaped."""
    return _environment().get_template(template).render(**data)


def _escaped(value: object) -> str:
    """Any value as text in which nothing is markup, not even a string of a class that says it is safe."""
    if type(value) is not str:  # a page has hundreds of values, most of them texts, some of them numbers
        if type(value) is int:
            return str(value)
        if isinstance(value, ScriptData):
            return value.json
        value = str(value)
    return escape(value if value.isprintable() else _readable(value))


def _writable(data: Any) -> Any:
    """Data with all their texts as a page shows them."""
    if isinstance(data, str):
        return data if data.isprintable() else _readable(data)
    if isinstance(data, dict):
        return {key: _writable(value) for key, value in data.items()}
    return [_writable(value) for value in data] if isinstance(data, (list, tuple)) else data


def _readable(text: str) -> str:
    """A text with something to see for what a page cannot hold."""
    return _UNWRITABLE.sub(_visible, text.replace("\r\n", "\n").replace("\r", "\n"))


def _visible(found: re.Match[str]) -> str:
    """A control picture where there is one, else the replacement character."""
    code = ord(found[0])
    return "\u2421" if code == 0x7F else chr(0x2400 + code) if code < 0x20 else "\ufffd"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("limelight.renderers"),
        auto_reload=False,
        # Every value passes through `finalize`, so all of them are escaped. Autoescape would do it a second time, more slowly,
        # and let through what claims to be markup.
        finalize=_escaped,
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
