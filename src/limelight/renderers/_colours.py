"""The colours of what speaks for a label and what speaks against it, where a style sheet does not choose them."""

from __future__ import annotations

from limelight.results.image_view import AGAINST, FOR

__all__ = ["HUES", "mix_with_white"]

HUES = {"pos": FOR, "neg": AGAINST}
"""By the side of a bar."""


def mix_with_white(colour: str, share: float) -> str:
    """Mix a colour, as ``#rrggbb``, with white.

    Parameters
    ----------
    colour : str
        The colour.
    share : float
        How much of it there is, from 0 for white to 1.
    """
    return "#" + bytes(round(255 + share * (level - 255)) for level in bytes.fromhex(colour[1:])).hex()
