"""Texts that Markdown shows as they are."""

from __future__ import annotations

__all__ = ["make_literal"]

# As character references, which Markdown never takes for markup, a link, or a mention of a person or an issue.
_LITERAL = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]<>|~$&@#:"}
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)], " ")


def make_literal(text: str) -> str:
    """The text on one line, with nothing that Markdown takes for markup or GitHub for a link."""
    line = " ".join(text.translate(_CONTROLS).split())
    return line.translate(_LITERAL).replace("www.", "www&#46;").replace("GH-", "GH&#45;")
