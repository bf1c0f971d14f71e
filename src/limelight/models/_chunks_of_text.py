"""A text cut into chunks that a vectorizer takes one by one, and what each chunk can become as words are removed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from limelight.stages.components import count_present

__all__ = ["Chunk", "Entries", "Variant", "Words", "cut_into_chunks", "find_pieces", "join_pieces", "number_variants"]

_MOST_VARIANTS = 2**10  # of a chunk of k words, which has 2^k


@runtime_checkable
class Words(Protocol):
    """The components of a text: see `limelight.modalities._words.WordParts`."""

    names: tuple[str, ...]
    component_numbers: tuple[int, ...]
    gaps: tuple[str, ...]
    mask_string: str

    def realise(self, masks: np.ndarray) -> list[str]: ...


class Piece(NamedTuple):
    """A stretch of a text that stays, or that a component decides about.

    Attributes
    ----------
    present, absent : str
        What stands there while the component is present, and while it is not; equal for what always stays.
    component : int or None
        The component's number; None for what always stays.
    """

    present: str
    absent: str
    component: int | None


class Variant(NamedTuple):
    """What some components, present or not, make of their chunks.

    Attributes
    ----------
    components : tuple of int
        Their numbers, in ascending order: k of them.
    number : int
        Its bit j says whether the j-th of them is present; less than 2^k.
    """

    components: tuple[int, ...]
    number: int


class Chunk(NamedTuple):
    """Neighbouring pieces of a text.

    Attributes
    ----------
    pieces : tuple of Piece
    components : tuple of int
        The numbers of the components that decide about them, in ascending order.
    """

    pieces: tuple[Piece, ...]
    components: tuple[int, ...]

    def variants(self) -> Iterator[tuple[Variant, str]]:
        """All that the chunk can become.

        Raises
        ------
        ValueError
            If this is too much.
        """
        if 2 ** len(self.components) > _MOST_VARIANTS:
            raise ValueError(f"a chunk of {len(self.components)} words can become too much")
        for number in range(2 ** len(self.components)):
            is_present = {component: number >> bit & 1 for bit, component in enumerate(self.components)}
            yield Variant(self.components, number), join_pieces(self.pieces, is_present)


class Entries:
    """What variants of chunks add to a text, in some order: n entries.

    Parameters
    ----------
    variants : sequence of Variant
        The variant of each entry. An entry is there in the perturbations that have this variant.
    d : int
        The number of components.
    """

    def __init__(self, variants: Sequence[Variant], d: int) -> None:
        # The flags are the masks themselves, and then one for each variant that is not a single component's presence.
        others = [variant for variant in dict.fromkeys(variants) if not _is_presence(variant)]
        flag_of = {variant: d + place for place, variant in enumerate(others)}
        self._flags = np.array(
            [variant.components[0] if _is_presence(variant) else flag_of[variant] for variant in variants], dtype=np.intp
        )
        self._others = others

    def __len__(self) -> int:
        return len(self._flags)

    def find(self, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many entries each perturbation has, of shape (m,), and their numbers, one perturbation after the other."""
        is_there = np.take(self._find_flags(masks), self._flags, axis=1).view(np.bool_)
        counts = count_present(is_there)
        # This is much faster than nonzero, which finds pairs of row and column.
        numbers = np.flatnonzero(is_there) - np.repeat(np.arange(len(masks)) * len(self), counts)
        return counts, numbers

    def _find_flags(self, masks: np.ndarray) -> np.ndarray:
        if not self._others:
            return masks
        flags = np.empty((len(masks), masks.shape[1] + len(self._others)), dtype=np.uint8)
        flags[:, : masks.shape[1]] = masks
        codes: dict[tuple[int, ...], np.ndarray] = {}
        for place, (components, number) in enumerate(self._others, start=masks.shape[1]):
            if components not in codes:
                codes[components] = number_variants(masks, components)
            flags[:, place] = codes[components] == number
        return flags


def number_variants(masks: np.ndarray, components: tuple[int, ...]) -> np.ndarray:
    """Which variant of a chunk with these components each mask makes: numbers, of shape (m,)."""
    return np.asarray(masks[:, components] @ (1 << np.arange(len(components), dtype=np.int64)))


def _is_presence(variant: Variant) -> bool:
    return len(variant.components) == 1 and variant.number == 1


def find_pieces(words: Words) -> list[Piece]:
    """The pieces of a text."""
    first, *gaps = words.gaps
    pieces = [Piece(first, first, None)]
    for number, gap in zip(words.component_numbers, gaps, strict=True):
        pieces += [Piece(words.names[number], words.mask_string, number), Piece(gap, gap, None)]
    return pieces


def join_pieces(pieces: Sequence[Piece], is_present: Mapping[int, int] | Sequence[int]) -> str:
    """The text of some pieces, where it is known of each component whether it is present."""
    return "".join([present if component is None or is_present[component] else absent for present, absent, component in pieces])


def cut_into_chunks(pieces: Sequence[Piece], boundaries: str) -> list[Chunk]:
    """Cut a text wherever one of some characters stands, whatever is removed.

    Parameters
    ----------
    pieces : sequence of Piece
    boundaries : str
        The characters: what a vectorizer finds in a text is what it finds before one of them, and from there on.
    """
    runs = cache(re.compile(f"[{re.escape(boundaries)}]+|[^{re.escape(boundaries)}]+").findall)
    finer: list[Piece] = []
    for piece in pieces:
        if piece.component is None:
            finer += [Piece(text, text, None) for text in runs(piece.present)]
        else:
            finer.append(piece)
    can_start = _are_apart(finer[::-1], 0, boundaries)[::-1]
    can_end = _are_apart(finer, -1, boundaries)
    cuts = [place for place in range(1, len(finer)) if can_end[place - 1] or can_start[place]]
    chunks = []
    for start, stop in pairwise([0, *cuts, len(finer)]):
        components = sorted({piece.component for piece in finer[start:stop] if piece.component is not None})
        chunks.append(Chunk(tuple(finer[start:stop]), tuple(components)))
    return chunks


def _are_apart(pieces: Sequence[Piece], end: int, boundaries: str) -> list[bool]:
    """Whether the text as far as each piece is empty or has a boundary at this end, whatever is removed."""
    result = []
    is_apart = True
    for present, absent, _ in pieces:
        is_before = is_apart
        is_apart = present[end] in boundaries if present else is_before
        if is_apart and absent != present:
            is_apart = absent[end] in boundaries if absent else is_before
        result.append(is_apart)
    return result
