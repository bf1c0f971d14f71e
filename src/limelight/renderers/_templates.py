"""The templates' environment: everything is escaped, and what a file cannot hold is made visible."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["fill_template"]

# What HTML or UTF-8 cannot hold: control pictures where there are any, else the replacement character.
_WRITABLE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000)], 0xFFFD),
}


def fill_template(template: str, **data: object) -> str:
    """A template with its places filled in, all text escaped."""
    text = _environment().get_template(template).render(**data)
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_WRITABLE)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("limelight.renderers"),
        autoescape=True,
        # Nothing is taken for safe markup, not even a string of a class that says it is.
        finalize=str,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
