"""The environment of the templates: it escapes everything and replaces characters that a file cannot hold."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from limelight.renderers._cells import escape_directions
from limelight.renderers._colours import HUES

__all__ = ["ScriptData", "fill_template"]

# Characters that HTML or UTF-8 cannot hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Characters that could end a script element, begin a comment in it, or end a line of a script.
_SCRIPT_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class ScriptData:
    """Data that a template hands to its script: JSON in which nothing is markup.

    Parameters
    ----------
    data : object
        Of JSON's types; numbers are finite.
    """

    def __init__(self, data: Any) -> None:
        self.json = json.dumps(_make_writable(data), ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(
            _SCRIPT_ESCAPES
        )


def fill_template(template: str, **data: object) -> str:
    """Fill in a template's places; all text is escaped."""
    return _environment().get_template(template).render(**data)


def _escape_value(value: object) -> str:
    """Any value as text without markup; a string whose class claims to be safe is escaped, too."""
    if type(value) is not str:  # a page has hundreds of values, mostly texts
        if type(value) is int:
            return str(value)
        if isinstance(value, ScriptData):
            return value.json
        value = str(value)
    return escape(value if value.isprintable() else _replace_unwritable(value))


def _make_writable(data: Any) -> Any:
    """Data whose texts a page can hold."""
    if isinstance(data, str):
        return data if data.isprintable() else _replace_unwritable(data)
    if isinstance(data, dict):
        return {key: _make_writable(value) for key, value in data.items()}
    return [_make_writable(value) for value in data] if isinstance(data, (list, tuple)) else data


def _replace_unwritable(text: str) -> str:
    """A text with visible signs for the characters that a page cannot hold, or that would turn what stands around it."""
    return escape_directions(_UNWRITABLE.sub(_choose_sign, text.replace("\r\n", "\n").replace("\r", "\n")))


def _choose_sign(match: re.Match[str]) -> str:
    """The picture of a control character if there is one, else the replacement character."""
    code = ord(match[0])
    return "\u2421" if code == 0x7F else chr(0x2400 + code) if code < 0x20 else "\ufffd"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("limelight.renderers"),
        auto_reload=False,
        # `finalize` sees every value, so all of them are escaped. Autoescape would escape them a second time, more slowly, and
        # would let strings pass that claim to be markup.
        finalize=_escape_value,
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["hues"] = HUES
    return environment
