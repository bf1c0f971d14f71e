"""Names that are told apart by numbers where they are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["number_repeated"]


def number_repeated(names: Sequence[str], numbers: Sequence[object] | None = None) -> tuple[str, ...]:
    """Add to each name that comes more than once its number, in brackets.

    Parameters
    ----------
    names : sequence of str
        Any names.
    numbers : sequence of object, optional
        What to add to each; by default its place, counted from 0.

    Returns
    -------
    distinct : tuple of str

    Examples
    --------
    >>> from limelight.results.distinct_names import number_repeated
    >>> number_repeated(["A", "T", "A"])
    ('A [0]', 'T', 'A [2]')
    """
    counts = Counter(names)
    if len(counts) == len(names):
        return tuple(names)
    marks = range(len(names)) if numbers is None else numbers
    numbered = tuple(f"{name} [{mark}]" if counts[name] > 1 else name for name, mark in zip(names, marks, strict=True))
    # A name may already be what another one becomes.
    return numbered if len(set(numbered)) == len(numbered) else number_repeated(numbered)
