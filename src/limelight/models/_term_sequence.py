"""Counts of terms of several tokens in a row, which come together as what was between them is removed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from limelight.models._chunks_of_text import Chunk, Entries
from limelight.models._term_bag import Analyse, Counts, FindColumns, sort_counts

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
        number_of = {token: number for number, token in enumerate(tokens)}
        self.entries = Entries([variant for variant, _ in found], d)
        self._tokens = np.array([number_of[token] for _, token in found], dtype=np.int64)
        self._terms = [_Terms(find_columns, tokens)]
        for _ in range(longest - 1):
            self._terms.append(_Terms(find_columns, [], self._terms[-1], tokens))
        self._shortest = shortest

    def count(self, masks: np.ndarray) -> Counts:
        """The counts of each perturbation's terms."""
        sizes, numbers = self.entries.find(masks)
        tokens = self._tokens[numbers]
        rows = np.repeat(np.arange(len(masks), dtype=np.int32), sizes)
        ends = np.repeat(np.cumsum(sizes), sizes)
        starts, numbers = np.arange(len(tokens)), tokens
        found = []
        for length, terms in enumerate(self._terms, start=1):
            if length > 1:
                is_inside = starts + length <= ends[starts]
                starts, numbers = starts[is_inside], numbers[is_inside]
                numbers = terms.find_numbers(numbers, tokens[starts + (length - 1)])
            if length >= self._shortest:
                is_term = terms.columns[numbers] >= 0
                row_sizes = np.bincount(rows[starts[is_term]], minlength=len(masks))
                chosen = numbers[is_term]
                found.append(Counts(row_sizes, terms.columns[chosen], terms.amounts[chosen]))
        return sort_counts(found)


class _Terms:
    """The terms of one length that have been met, numbered as they come.

    Parameters
    ----------
    find_columns : callable
    names : list of str
        The first of them.
    shorter : _Terms, optional
        Those with one token less, which these begin with.
    tokens : list of str
        What can follow on them.

    Attributes
    ----------
    names : list of str
    columns, amounts : ndarray of shape (number of terms,)
        Their columns, -1 where there is none, and what each adds to its column.
    """

    def __init__(
        self, find_columns: FindColumns, names: list[str], shorter: _Terms | None = None, tokens: Sequence[str] = ()
    ) -> None:
        self._find_columns = find_columns
        self._shorter = shorter
        self._tokens = tokens
        self.names: list[str] = []
        self.columns = np.empty(0, dtype=np.int32)
        self.amounts = np.empty(0, dtype=np.int32)
        self._add(names)
        # A table for two tokens; for more, it would be too large.
        has_table = shorter is not None and shorter._shorter is None
        self._table = np.full(len(tokens) ** 2, -1, dtype=np.int32) if has_table else None
        self._number_of: dict[int, int] = {}

    def _add(self, names: list[str]) -> None:
        if names:
            columns, amounts = self._find_columns(names)
            self.names += names
            self.columns = np.concatenate([self.columns, columns.astype(np.int32)])
            self.amounts = np.concatenate([self.amounts, amounts.astype(np.int32)])

    def find_numbers(self, shorter: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """The numbers of the terms that begin with some shorter ones and end with some tokens, given by their numbers."""
        codes = shorter * len(self._tokens) + tokens
        if self._table is None:
            distinct, places = np.unique(codes, return_inverse=True)
            self._meet([code for code in distinct.tolist() if code not in self._number_of])
            return np.array([self._number_of[code] for code in distinct.tolist()], dtype=np.int64)[places]
        numbers = self._table[codes]
        is_new = numbers < 0
        if is_new.any():
            new = np.unique(codes[is_new])
            self._table[new] = np.arange(len(self.names), len(self.names) + len(new))
            self._meet(new.tolist())
            numbers = self._table[codes]
        return np.asarray(numbers, dtype=np.int64)

    def _meet(self, codes: list[int]) -> None:
        assert self._shorter is not None
        self._number_of.update(zip(codes, range(len(self.names), len(self.names) + len(codes)), strict=True))
        parts = (divmod(code, len(self._tokens)) for code in codes)
        self._add([f"{self._shorter.names[shorter]} {self._tokens[token]}" for shorter, token in parts])
