"""What a scikit-learn vectorizer makes of a text's perturbations, from the terms of the text's chunks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from limelight.models._character_windows import find_character_windows
from limelight.models._chunks_of_text import Words, cut_into_chunks, find_pieces
from limelight.models._term_bag import TermBag
from limelight.models._term_sequence import TermSequence
from limelight.models._text_boundaries import find_boundaries

__all__ = ["TermMatrix"]

_BLOCK_CELLS = 2**21  # of flags at once, so that they, and what comes of them, stay in the cache


class TermMatrix:
    """The matrices that a vectorizer makes of one text's perturbations, from masks.

    Parameters
    ----------
    vectorizer : CountVectorizer, TfidfVectorizer or HashingVectorizer
        Fitted, and not of a derived class.
    words : Words
    texts : sequence of str
        Some perturbations, which the vectorizer is asked about.

    Attributes
    ----------
    of_texts : sparse matrix
        What it makes of them.

    Raises
    ------
    ValueError
        If a term can extend over more words than can be analysed together.
    """

    def __init__(self, vectorizer: Any, words: Words, texts: Sequence[str]) -> None:
        boundaries = find_boundaries(vectorizer, "".join([*words.names, *words.gaps, words.mask_string]))
        if not boundaries:
            raise ValueError("terms may reach from any word into any other")
        chunks = cut_into_chunks(find_pieces(words), boundaries)
        self._vectorizer = vectorizer
        self.of_texts = vectorizer.transform(texts)
        self._weigh = _find_weighing(vectorizer, self.of_texts)
        find_columns = partial(_find_columns, vectorizer)
        shortest, longest = vectorizer.ngram_range
        d = len(words.names)
        self._terms: TermBag | TermSequence
        if vectorizer.analyzer == "word" and longest > 1:
            of_tokens = copy.copy(vectorizer)
            of_tokens.ngram_range = (1, 1)
            self._terms = TermSequence(chunks, d, of_tokens.build_analyzer(), find_columns, shortest, longest)
        else:
            find_windows = None
            if vectorizer.analyzer == "char_wb":
                find_windows = partial(find_character_windows, vectorizer.build_preprocessor(), vectorizer.ngram_range)
            self._terms = TermBag(chunks, d, vectorizer.build_analyzer(), find_columns, find_windows, vectorizer.dtype)

    def make(self, masks: np.ndarray) -> Any:
        """The matrix of the texts without their absent words, for masks of shape (m, d)."""
        rows_at_once = max(1, _BLOCK_CELLS // max(1, len(self._terms.entries)))
        blocks = [self._make_block(masks[start : start + rows_at_once]) for start in range(0, len(masks), rows_at_once)]
        if len(blocks) == 1:
            return blocks[0]
        from scipy.sparse import vstack

        return vstack(blocks, format="csr")

    def _make_block(self, masks: np.ndarray) -> Any:
        sizes, columns, amounts = self._terms.count(masks)
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(self.of_texts.indptr.dtype)
        # What small integers cannot hold wraps around, as it does where the vectorizer counts.
        counts = type(self.of_texts)(
            (amounts.astype(self._vectorizer.dtype, copy=False), columns, bounds), shape=(len(masks), self.of_texts.shape[1])
        )
        if self._terms.has_repeated_columns:
            counts.sum_duplicates()
        return self._weigh(counts)


def _find_columns(vectorizer: Any, terms: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.feature_extraction.text import HashingVectorizer

    if not terms:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if not isinstance(vectorizer, HashingVectorizer):
        columns = map(vectorizer.vocabulary_.get, terms, repeat(-1))
        return np.fromiter(columns, dtype=np.int64, count=len(terms)), np.ones(len(terms), dtype=np.int64)
    hasher = FeatureHasher(vectorizer.n_features, input_type="string", alternate_sign=vectorizer.alternate_sign)
    hashed = hasher.transform([term] for term in terms)
    return hashed.indices.astype(np.int64), hashed.data.astype(np.int64)


def _find_weighing(vectorizer: Any, matrix: Any) -> Callable[[Any], Any]:
    """What the vectorizer, which has made some matrix, does with counts."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.preprocessing import normalize

    if isinstance(vectorizer, TfidfVectorizer):
        transformer = TfidfTransformer(
            norm=vectorizer.norm,
            use_idf=vectorizer.use_idf,
            smooth_idf=vectorizer.smooth_idf,
            sublinear_tf=vectorizer.sublinear_tf,
        )
        if vectorizer.use_idf:
            transformer.idf_ = vectorizer.idf_
        else:
            transformer.fit(matrix)  # it only learns the number of terms

    def weigh(counts: Any) -> Any:
        if vectorizer.binary:
            counts.data.fill(1)
        if isinstance(vectorizer, TfidfVectorizer):
            return transformer.transform(counts, copy=False)
        if isinstance(vectorizer, HashingVectorizer) and vectorizer.norm is not None:
            return normalize(counts, norm=vectorizer.norm, copy=False)
        return counts

    return weigh
