"""The templates' environment: everything is escaped, and what a file cannot hold is made visible."""

from __future__ import annotations

import re
from functools import cache
from html import escape

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["fill_template"]

# What HTML or UTF-8 cannot hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def fill_template(template: str, **data: object) -> str:
    """A template with its places filled in, all text escaped."""
    return _environment().get_template(template).render(**data)


def _escaped(value: object) -> str:
    """Any value as text in which nothing is markup, not even a string of a class that says it is safe."""
    text = str(value)
    if not text.isprintable():
        text = _UNWRITABLE.sub(_visible, text.replace("\r\n", "\n").replace("\r", "\n"))
    return escape(text)


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
