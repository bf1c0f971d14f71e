"""Counts of terms that lie within a chunk each: words, and n-grams of the characters of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from limelight.models._chunks_of_text import Chunk, Entries, Variant

__all__ = ["Analyse", "Counts", "FindColumns", "TermBag"]

Analyse = Callable[[str], Sequence[str]]
FindColumns = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]
"""From n terms to their columns, -1 for terms without one, and what each adds to its column: both of shape (n,)."""

FindWindows = Callable[[Chunk], Iterable[tuple[Variant, str]] | None]
"""From a chunk to its terms, each with the state of those few components that it needs; None where that is not known."""

_FEW_WORDS = 1  # of chunks that have but few variants


class Counts(NamedTuple):
    """A sparse matrix of counts of m rows, whose columns ascend within each row.

    Attributes
    ----------
    sizes : ndarray of shape (m,)
        How many entries each row has.
    columns, amounts : ndarray of shape (number of entries,)
    """

    sizes: np.ndarray
    columns: np.ndarray
    amounts: np.ndarray


class TermBag:
    """Counts of the terms of a text's perturbations.

    Parameters
    ----------
    chunks : sequence of Chunk
    d : int
        The number of components.
    analyse : callable
        From a text to its terms.
    find_columns : callable
    find_windows : callable or None
        Of terms that are windows of characters.
    dtype : data-type
        The amounts' type.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        d: int,
        analyse: Analyse,
        find_columns: FindColumns,
        find_windows: FindWindows | None,
        dtype: Any,
    ) -> None:
        occurrences: Counter[tuple[Variant, str]] = Counter()
        analyse_once = cache(analyse)
        for chunk, times in Counter(chunks).items():
            windows = None if find_windows is None or len(chunk.components) <= _FEW_WORDS else find_windows(chunk)
            if windows is None:
                windows = ((variant, term) for variant, text in chunk.variants() for term in analyse_once(text))
            for variant, term in windows:
                occurrences[variant, term] += times
        columns, amounts = (found.tolist() for found in find_columns([term for _, term in occurrences]))
        entries = sorted(
            (column, variant, times * amount)
            for column, amount, ((variant, _), times) in zip(columns, amounts, occurrences.items(), strict=True)
            if column >= 0
        )
        self.entries = Entries([variant for _, variant, _ in entries], d)
        self._columns = np.array([column for column, _, _ in entries], dtype=np.int32)
        self._amounts = np.array([amount for _, _, amount in entries]).astype(dtype)
        self.has_repeated_columns = len(np.unique(self._columns)) < len(entries)

    def count(self, masks: np.ndarray) -> Counts:
        """The counts of each perturbation's terms."""
        sizes, numbers = self.entries.find(masks)
        return Counts(sizes, self._columns[numbers], self._amounts[numbers])
