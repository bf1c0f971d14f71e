"""The blanks around removed pieces of a text: which of them stay."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

__all__ = ["RunsOfBlanks"]

_BLANKS = re.compile(r"(\s+)")


class RunsOfBlanks:
    """The runs of blanks between the pieces of a text, and which of them go with removed pieces.

    A run goes where all between it and the run before it, or the beginning of the text, is removed; or where all after it is,
    up to the end of the text. So of runs that meet the first stays, and no text begins or ends with blanks that the whole one
    does not begin or end with.

    Parameters
    ----------
    gaps : sequence of str
        The d + 1 texts before, between and after the pieces.
    replacements : sequence of str
        What replaces each piece.

    Attributes
    ----------
    pieces : list of list of (str, int or None)
        For each gap, the texts that it is made of: runs with their numbers, and None for what is no run.
    """

    def __init__(self, gaps: Sequence[str], replacements: Sequence[str]) -> None:
        self.pieces: list[list[tuple[str, int | None]]] = []
        befores: list[tuple[int, int]] = []  # of each run, the first and last of the pieces that keep it from the run before
        last: list[int] = []  # the runs after which there is nothing that always stays
        first, has_sign = 0, False
        for place, gap in enumerate(gaps):
            if place and replacements[place - 1]:
                has_sign = True
                last.clear()
            pieces: list[tuple[str, int | None]] = []
            for number, piece in enumerate(_BLANKS.split(gap)):
                is_run = number % 2 == 1
                if is_run:
                    last.append(len(befores))
                    pieces.append((piece, len(befores)))
                    befores.append((0, 0) if has_sign else (first, place))
                    first, has_sign = place, False
                elif piece:
                    pieces.append((piece, None))
                    has_sign = True
                    last.clear()
            self.pieces.append(pieces)
        self._starts, self._stops = np.array(befores, dtype=np.intp).reshape(-1, 2).T
        self._last = np.array(last if gaps[-1][-1:].strip() or not gaps[-1] else [], dtype=np.intp)
        places = [place for place, pieces in enumerate(self.pieces) for _, run in pieces if run is not None]
        self._last_starts = np.array(places, dtype=np.intp)[self._last]

    def find_kept(self, presence: np.ndarray) -> np.ndarray:
        """Whether each run stays, of shape (m, runs) and 0 or 1, for the presence of each piece, of shape (m, d)."""
        counts = np.zeros((len(presence), presence.shape[1] + 1), dtype=np.int32)
        np.cumsum(presence, axis=1, out=counts[:, 1:])
        kept = (counts[:, self._stops] > counts[:, self._starts]) | (self._starts == self._stops)
        kept[:, self._last] &= counts[:, -1:] > counts[:, self._last_starts]
        return np.asarray(kept, dtype=np.uint8)
