"""Counts of terms of several tokens in a row, which come together as what was between them is removed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from limelight.models._chunks_of_text import Chunk, Entries
from limelight.models._term_bag import Analyse, Counts, FindColumns

__all__ = ["TermSequence"]

_MOST_TOKENS = 4000  # different ones: a table has a cell for each two of them


class TermSequence:
    """Counts of the terms of a text's perturbations, each term from `shortest` to `longest` tokens with blanks between them.

    Parameters
    ----------
    chunks : sequence of Chunk
    d : int
        The number of components.
    analyse : callable
        From a text to its tokens.
    find_columns : callable
        Gives the columns of terms.
    shortest, longest : int

    Raises
    ------
    ValueError
        If the text has too many different tokens, or too long chunks.
    """

    has_repeated_columns = False

    def __init__(
        self, chunks: Sequence[Chunk], d: int, analyse: Analyse, find_columns: FindColumns, shortest: int, longest: int
    ) -> None:
        analyse_once = cache(analyse)
        # Of the variants of a chunk, a perturbation has one: so its tokens are in the text's order.
        found = [(variant, token) for chunk in chunks for variant, text in chunk.variants() for token in analyse_once(text)]
        tokens = list(dict.fromkeys(token for _, token in found))
        if len(tokens) > _MOST_TOKENS:
            raise ValueError(f"{len(tokens)} different tokens are too many")
        number_of = {token: number for number, token in enumerate(tokens, start=1)}
        self.entries = Entries([variant for variant, _ in found], d)
        self._tokens = np.array([number_of[token] for _, token in found], dtype=np.int32)
        self._terms = [_Terms(find_columns, tokens)]
        for _ in range(longest - 1):
            self._terms.append(_Terms(find_columns, [], self._terms[-1], ["", *tokens]))
        self._shortest = shortest

    def count(self, masks: np.ndarray) -> Counts:
        """The counts of each perturbation's terms."""
        sizes, entries = self.entries.find(masks)
        tokens = self._tokens[entries]
        rows = np.repeat(np.arange(len(masks), dtype=np.int32), sizes)
        ends = np.cumsum(sizes)
        numbers = tokens
        found = []
        for length, terms in enumerate(self._terms, start=1):
            if length > 1:
                numbers = terms.find_numbers(numbers[:-1], tokens[length - 1 :])
                # What reaches beyond its row is no term, and neither is what begins with it.
                beyond = ends - (length - 1)
                numbers[beyond[(beyond >= 0) & (beyond < len(numbers))]] = 0
            if length >= self._shortest:
                found.append((terms, numbers))
        return _sort_terms(found, rows, len(masks))


def _sort_terms(found: Sequence[tuple[_Terms, np.ndarray]], rows: np.ndarray, num_rows: int) -> Counts:
    """The counts of terms that were found, given by their numbers, in the rows that are given for the first of them each."""
    from scipy.sparse import coo_array

    columns = np.unique(np.concatenate([terms.columns for terms, _ in found]))
    parts = []
    for terms, numbers in found:
        place_of_term = np.where(terms.columns < 0, -1, np.searchsorted(columns, terms.columns)).astype(np.int32)
        places = place_of_term[numbers]
        is_term = np.flatnonzero(places >= 0)
        parts.append((terms.amounts[numbers[is_term]], rows[is_term], places[is_term]))
    amounts, all_rows, all_places = (np.concatenate(part) for part in zip(*parts, strict=True))
    # By columns and then by rows: this sorts in linear time.
    counts: Any = coo_array((amounts, (all_rows, all_places)), shape=(num_rows, len(columns))).tocsc().tocsr()
    return Counts(np.diff(counts.indptr), columns[counts.indices], counts.data)


class _Terms:
    """The terms of one length that have been met, numbered from 1 as they come. Number 0 is no term.

    Parameters
    ----------
    find_columns : callable
    names : list of str
        The first of them.
    shorter : _Terms, optional
        Those with one token less, which these begin with.
    tokens : list of str
        What can follow on them, by number.

    Attributes
    ----------
    names : list of str
        By number.
    columns, amounts : ndarray of shape (1 + number of terms,)
        Their columns, -1 where there is none, and what each adds to its column.
    """

    def __init__(
        self, find_columns: FindColumns, names: list[str], shorter: _Terms | None = None, tokens: Sequence[str] = ()
    ) -> None:
        self._find_columns = find_columns
        self._shorter = shorter
        self._tokens = tokens
        self.names = [""]
        self.columns = np.full(1, -1, dtype=np.int32)
        self.amounts = np.zeros(1, dtype=np.int32)
        self._add(names)
        # A table for two tokens; for more, it would be too large.
        self._table = None
        if shorter is not None and shorter._shorter is None:
            self._table = np.full(len(tokens) ** 2, -1, dtype=np.int32)
            self._table[: len(tokens)] = 0
        self._number_of: dict[int, int] = {}

    def _add(self, names: list[str]) -> None:
        if names:
            columns, amounts = self._find_columns(names)
            self.names += names
            self.columns = np.concatenate([self.columns, columns.astype(np.int32)])
            self.amounts = np.concatenate([self.amounts, amounts.astype(np.int32)])

    def find_numbers(self, shorter: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The numbers of the terms that begin with some shorter ones and end with some tokens, given by their numbers."""
        if self._table is not None:
            codes = shorter * np.int32(len(self._tokens)) + tokens
            numbers = self._table[codes]
            is_new = np.zeros(len(self._table), dtype=np.bool_)
            is_new[codes[numbers < 0]] = True
            new = np.flatnonzero(is_new)
            if len(new):
                self._table[new] = np.arange(len(self.names), len(self.names) + len(new))
                self._meet(new)
                numbers = self._table[codes]
            return np.asarray(numbers)
        distinct, places = np.unique(shorter.astype(np.int64) * len(self._tokens) + tokens, return_inverse=True)
        new = np.array(
            [code for code in distinct.tolist() if code >= len(self._tokens) and code not in self._number_of], dtype=np.int64
        )
        self._number_of.update(zip(new.tolist(), range(len(self.names), len(self.names) + len(new)), strict=True))
        self._meet(new)
        return np.array([self._number_of.get(code, 0) for code in distinct.tolist()], dtype=np.int32)[places]

    def _meet(self, codes: np.ndarray) -> None:
        assert self._shorter is not None
        shorter, tokens = (part.tolist() for part in np.divmod(codes, len(self._tokens)))
        beginnings = self._shorter.names
        self._add([f"{beginnings[first]} {self._tokens[last]}" for first, last in zip(shorter, tokens, strict=True)])
