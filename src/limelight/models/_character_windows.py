"""The n-grams of characters in a chunk of many words, such as an address: each depends on few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from limelight.models._chunks_of_text import Chunk, Piece, Variant

__all__ = ["find_character_windows"]

_MOST_WINDOWS = 20_000  # of a chunk


def find_character_windows(
    preprocess: Callable[[str], str], lengths: tuple[int, int], chunk: Chunk
) -> list[tuple[Variant, str]] | None:
    """The n-grams that a vectorizer of the "char_wb" kind finds in a chunk, each with the states of words in which it does.

    The 2^k variants of a chunk of k words need not be analysed: from each character on, as many words are looked at as it
    takes to have n characters.

    Parameters
    ----------
    preprocess : callable
        What the vectorizer does to a text first.
    lengths : tuple of int
        From how many characters to how many an n-gram has.
    chunk : Chunk

    Returns
    -------
    windows : list of (Variant, str), or None
        None where the n-grams are not all windows of the chunk between two blanks, or are too many.
    """
    shortest, longest = lengths
    texts = [text for piece in chunk.pieces for text in (piece.present, piece.absent)]
    # The lowercase form of sigma depends on the pieces around it; of all else, each character is preprocessed by itself.
    if any("\N{GREEK CAPITAL LETTER SIGMA}" in text for text in texts):
        return None
    blank = Piece(" ", " ", None)
    inner = [piece._replace(present=preprocess(piece.present), absent=preprocess(piece.absent)) for piece in chunk.pieces]
    if any(character.isspace() for piece in inner for text in piece[:2] for character in text):
        return None
    pieces = [blank, *inner, blank]
    # Of a chunk shorter than n, the vectorizer counts the whole as an n-gram, once; of nothing, it counts nothing.
    if sum(min(len(piece.present), len(piece.absent)) for piece in inner) < max(1, longest - 2):
        return None
    windows = []
    for place, piece in enumerate(pieces):
        for is_present in (True, False) if piece.component is not None else (True,):
            text = piece.present if is_present else piece.absent
            known = {} if piece.component is None else {piece.component: is_present}
            for start in range(len(text)):
                for length in range(shortest, longest + 1):
                    for states, window in _read_on(pieces, place + 1, known, text[start : start + length], length):
                        components = tuple(sorted(states))
                        number = sum(states[component] << bit for bit, component in enumerate(components))
                        windows.append((Variant(components, number), window))
                        if len(windows) > _MOST_WINDOWS:
                            return None
    return windows


def _read_on(
    pieces: Sequence[Piece], place: int, known: dict[int, bool], text: str, length: int
) -> Iterator[tuple[dict[int, bool], str]]:
    """What a window can be that has begun with a text, and the states of the components that make it so."""
    if len(text) == length:
        yield known, text
    elif place < len(pieces):
        piece = pieces[place]
        for is_present in (True, False) if piece.component is not None else (True,):
            if piece.component is None or known.get(piece.component, is_present) == is_present:
                states = known if piece.component is None else {**known, piece.component: is_present}
                more = piece.present if is_present else piece.absent
                yield from _read_on(pieces, place + 1, states, (text + more)[:length], length)
