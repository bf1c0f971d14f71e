"""WordPiece tokenizers, as BERT's: token ids of perturbed texts are put together from those of the words.

BERT's tokenizer cuts a text at blanks and around each punctuation mark, after it has changed each character by itself. So where
words are parted by such characters, the tokens of a text without some of its words are those of the words and gaps that
stay. Byte-level and SentencePiece tokenizers take the blank before a word into its tokens, and are no case for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np

from limelight.models._token_batches import Columns
from limelight.models._tokenizers import Encoder

__all__ = ["WordPieces", "find_word_pieces"]

_NUM_TRIALS = 8


@runtime_checkable
class _Words(Protocol):
    """The components of a text: see `limelight.modalities._words.WordParts`."""

    names: tuple[str, ...]
    component_numbers: tuple[int, ...]
    gaps: tuple[str, ...]
    mask_string: str

    def realise(self, masks: np.ndarray) -> Any: ...


class WordPieces:
    """The token ids of a text's words and gaps, from which those of its perturbations are made.

    Parameters
    ----------
    pieces : sequence of sequence of int
        The ids of the gap before the first word; then of each word, of what replaces it, and of the gap after it.
    words : _Words
        The text's components.
    before, after : ndarray of int
        The special tokens around every text.
    zeros : sequence of str
        The model's other arguments, which are 0 for every token.
    limit : int or None
        The largest number of tokens, special ones included.
    cuts_start : bool
        Whether a text that is too long loses its beginning.
    """

    def __init__(
        self,
        pieces: Sequence[Sequence[int]],
        words: _Words,
        before: np.ndarray,
        after: np.ndarray,
        zeros: Sequence[str],
        limit: int | None,
        *,
        cuts_start: bool,
    ) -> None:
        d = len(words.names)
        # As `WordParts` lays out characters: the flags are the mask, then 1 for what stays, then the mask's complement.
        flags = [d, *(flag for number in words.component_numbers for flag in (number, d + 1 + number, d))]
        self._ids = np.array([token for piece in pieces for token in piece], dtype=np.int64)
        self._flag_numbers = np.repeat(np.array(flags, dtype=np.intp), [len(piece) for piece in pieces])
        self._before, self._after, self._zeros = before, after, zeros
        self._room = None if limit is None else limit - len(before) - len(after)
        self._cuts_start = cuts_start

    def realise(self, masks: np.ndarray) -> list[np.ndarray]:
        """The token ids for each of the masks of shape (m, d)."""
        flags = np.concatenate([masks, np.ones_like(masks[:, :1]), 1 - masks], axis=1).view(np.bool_)
        is_kept = np.take(flags, self._flag_numbers, axis=1)
        ids = np.tile(self._ids, len(masks))[np.flatnonzero(is_kept)]
        ends = np.cumsum(np.count_nonzero(is_kept, axis=1)).tolist()
        return [self._surround(ids[first:last]) for first, last in pairwise([0, *ends])]

    def complete(self, inputs: Sequence[np.ndarray]) -> Columns:
        """All that the model gets of texts with these ids."""
        return {"input_ids": inputs, **{name: [np.zeros_like(ids) for ids in inputs] for name in self._zeros}}

    def _surround(self, ids: np.ndarray) -> np.ndarray:
        if self._room is not None and len(ids) > self._room:
            ids = ids[len(ids) - self._room :] if self._cuts_start else ids[: self._room]
        return np.concatenate([self._before, ids, self._after])


def find_word_pieces(encoder: Encoder, components: object) -> WordPieces | None:
    """The pieces of a text's words, if those of every perturbation are exactly what the tokenizer makes of it; else None."""
    if not isinstance(components, _Words) or not _is_exact(encoder, components):
        return None
    words: _Words = components
    in_order = [words.gaps[0]]
    for number, gap in zip(words.component_numbers, words.gaps[1:], strict=True):
        in_order += [words.names[number], words.mask_string, gap]
    distinct = list(dict.fromkeys(in_order))
    ids_of = dict(zip(distinct, encoder.tokenize(distinct, add_special_tokens=False), strict=True))
    masks = _trial_masks(len(words.names))
    texts = words.realise(masks)
    (special,), (whole,) = encoder.tokenize([""]), encoder.tokenize(texts[:1])
    body = [token for place, piece in enumerate(in_order) if place % 3 != 2 for token in ids_of[piece]]
    split = next((k for k in range(len(special) + 1) if special[:k] + body + special[k:] == whole), None)
    if split is None:
        return None
    before, after = (np.array(ids, dtype=np.int64) for ids in (special[:split], special[split:]))
    cuts_start = getattr(encoder.tokenizer, "truncation_side", "right") == "left"
    wanted = encoder.encode(texts)
    zeros = [name for name in wanted if name != "input_ids"]
    pieces = WordPieces(
        [ids_of[piece] for piece in in_order], words, before, after, zeros, encoder.limit, cuts_start=cuts_start
    )
    return pieces if _are_same(pieces.complete(pieces.realise(masks)), wanted) else None


def _is_exact(encoder: Encoder, words: _Words) -> bool:
    """Whether no token reaches from a word into a gap, or depends on what is beside it."""
    backend = getattr(encoder.tokenizer, "backend_tokenizer", None)
    if not encoder.is_fast or backend is None or not isinstance(words.mask_string, str):
        return False
    parts = (backend.normalizer, backend.pre_tokenizer, backend.model)
    if tuple(type(part).__name__ for part in parts) != ("BertNormalizer", "BertPreTokenizer", "WordPiece"):
        return False
    # Added tokens are looked for before all else: one may be the mask string, and none must begin anywhere else.
    added = encoder.tokenizer.added_tokens_decoder.values()
    is_mask = [token.content for token in added if token.content.startswith(words.mask_string)] == [words.mask_string]
    text = "".join([*words.names, *words.gaps, words.mask_string[1:] if is_mask else words.mask_string])
    if any(token.normalized or token.single_word or token.content[:1] in text for token in added):
        return False
    inner = words.gaps[1:-1]
    edges = {gap[place] for gap in inner for place in (0, -1) if gap}
    edges |= {*words.gaps[0][-1:], *words.gaps[-1][:1]}
    return all(inner) and all(_parts_words(backend, edge) for edge in edges)


def _parts_words(backend: Any, character: str) -> bool:
    """Whether the letters on both sides of a character belong to different words."""
    normalised = backend.normalizer.normalize_str(f"a{character}a")
    words = [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normalised)]
    return len(words) > 1 and words[0] == words[-1] == "a"


def _trial_masks(d: int) -> np.ndarray:
    """All words, none of them, and a few random sets: always the same for a number of words."""
    masks = np.random.default_rng(d).integers(0, 2, (_NUM_TRIALS, d), dtype=np.uint8)
    masks[0], masks[1] = 1, 0
    return masks


def _are_same(made: Columns, wanted: Columns) -> bool:
    return all(np.array_equal(row, other) for name in wanted for row, other in zip(made[name], wanted[name], strict=True))
