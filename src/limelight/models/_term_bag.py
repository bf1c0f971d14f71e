"""Counts of terms that lie within a chunk each: words, and n-grams of the characters of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from limelight.models._chunks_of_text import Chunk, Entries, Variant, number_variants

__all__ = ["Analyse", "Counts", "FindColumns", "TermBag", "sort_counts"]

Analyse = Callable[[str], Sequence[str]]
FindColumns = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]
"""From n terms to their columns, -1 for terms without one, and what each adds to its column: both of shape (n,)."""

_MOST_ANALYSED_WORDS = 3  # of chunks all of whose variants are analysed at first


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
    """

    def __init__(self, chunks: Sequence[Chunk], d: int, analyse: Analyse, find_columns: FindColumns) -> None:
        occurrences: dict[Variant, Counter[str]] = {}
        analyse_once = cache(analyse)
        self._long_chunks = []
        for chunk, times in Counter(chunks).items():
            if len(chunk.components) > _MOST_ANALYSED_WORDS:
                self._long_chunks.append(_LongChunk(chunk, times, analyse, find_columns))
                continue
            for variant, text in chunk.variants():
                for term in analyse_once(text):
                    occurrences.setdefault(variant, Counter())[term] += times
        number_of: dict[str, int] = {}
        for counter in occurrences.values():
            for term in counter:
                number_of.setdefault(term, len(number_of))
        columns, amounts = (found.tolist() for found in find_columns(list(number_of)))
        entries = sorted(
            (columns[number_of[term]], variant, count * amounts[number_of[term]])
            for variant, counter in occurrences.items()
            for term, count in counter.items()
            if columns[number_of[term]] >= 0
        )
        self.entries = Entries([variant for _, variant, _ in entries], d)
        self._columns = np.array([column for column, _, _ in entries], dtype=np.int32)
        self._amounts = np.array([amount for _, _, amount in entries], dtype=np.int32)
        self.has_repeated_columns = len(np.unique(self._columns)) < len(entries)

    def count(self, masks: np.ndarray) -> Counts:
        """The counts of each perturbation's terms."""
        sizes, numbers = self.entries.find(masks)
        counts = Counts(sizes, self._columns[numbers], self._amounts[numbers])
        return sort_counts([counts, *(chunk.count(masks) for chunk in self._long_chunks)]) if self._long_chunks else counts


class _LongChunk:
    """A chunk with more variants than perturbations are likely to have: a variant is analysed when it is first met."""

    def __init__(self, chunk: Chunk, times: int, analyse: Analyse, find_columns: FindColumns) -> None:
        self._chunk = chunk
        self._times = times
        self._analyse = analyse
        self._find_columns = find_columns
        self._known: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def count(self, masks: np.ndarray) -> Counts:
        """The counts of what the chunk adds to each perturbation, in any order within a row."""
        distinct, places = np.unique(number_variants(masks, self._chunk.components), return_inverse=True)
        variants = [self._find_terms(number) for number in distinct.tolist()]
        sizes = np.array([len(columns) for columns, _ in variants])
        columns, amounts = (np.concatenate(parts) for parts in zip(*variants, strict=True))
        first = np.cumsum(sizes) - sizes
        row_sizes = sizes[places]
        starts = np.cumsum(row_sizes) - row_sizes
        numbers = np.arange(row_sizes.sum()) + np.repeat(first[places] - starts, row_sizes)
        return Counts(row_sizes, columns[numbers], amounts[numbers])

    def _find_terms(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        if number not in self._known:
            columns, amounts = self._find_columns(list(self._analyse(self._chunk.realise(number))))
            self._known[number] = columns[columns >= 0].astype(np.int32), (amounts[columns >= 0] * self._times).astype(np.int32)
        return self._known[number]


def sort_counts(parts: Sequence[Counts]) -> Counts:
    """The sum of several matrices of counts of the same m rows, whose own columns may have any order."""
    from scipy.sparse import coo_array

    all_columns = np.concatenate([part.columns for part in parts])
    is_met = np.zeros(1 + all_columns.max(initial=0), dtype=np.bool_)
    is_met[all_columns] = True
    columns = np.flatnonzero(is_met).astype(np.int32)
    place_of = np.empty(len(is_met), dtype=np.int32)
    place_of[columns] = np.arange(len(columns))
    rows = np.concatenate([np.repeat(np.arange(len(part.sizes), dtype=np.int32), part.sizes) for part in parts])
    amounts = np.concatenate([part.amounts for part in parts])
    # By columns and then by rows: this sorts in linear time.
    counts = coo_array((amounts, (rows, place_of[all_columns])), shape=(len(parts[0].sizes), len(columns))).tocsc().tocsr()
    return Counts(np.diff(counts.indptr), columns[counts.indices], counts.data)
