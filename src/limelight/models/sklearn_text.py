"""scikit-learn pipelines that begin with a count or TF-IDF vectorizer: perturbed counts are made from the masks.

Each word of the text is analysed once, alone; the counts of a perturbed text are then the sums over the words that stay. This
is exact only if no token of the vectorizer extends from one word into the next, or changes with its neighbours. Where this is
not certain, the generic path is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from limelight.stages.components import Components, Neighbourhood, count_present
from limelight.stages.prediction import PREDICTION_METHODS
from limelight.stages.questions import ModelPath

__all__ = ["adapt_text_pipeline"]

# Matches patterns of word characters only (\w, letters, digits, \b at the ends), whose own matches lie within one word.
_WORD_PATTERN = re.compile(
    r"(\(\?u\))?(\\b)?((\\w|\\d|\[([a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|\w|\\w|\\d)+\])(\+|\{\d+(,\d*)?\})?)+(\\b)?",
    flags=re.ASCII,
)


@runtime_checkable
class _Words(Protocol):
    """The components of a text: see `limelight.modalities._words.WordParts`."""

    names: tuple[str, ...]
    component_numbers: tuple[int, ...]
    gaps: tuple[str, ...]
    mask_string: str


def adapt_text_pipeline(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Give counts made from the masks to the steps after the vectorizer; None if they might differ from the vectorizer's."""
    pipeline = getattr(method, "__self__", None)
    name = getattr(method, "__name__", "")
    # Compared by name, since a user without such a model need not import scikit-learn.
    if type(pipeline).__module__ != "sklearn.pipeline" or name not in PREDICTION_METHODS or not isinstance(components, _Words):
        return None
    steps = getattr(pipeline, "steps", [])
    if len(steps) < 2 or not _is_exact(steps[0][1], components):
        return None
    assert pipeline is not None
    finish = getattr(pipeline[1:], name)
    counts = _Counts(steps[0][1], components)

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return counts.document_term_matrix(neighbourhood.representation[rows])

    return ModelPath(make, finish, "counts", components.batch_size)


def _is_exact(vectorizer: Any, words: _Words) -> bool:
    """Whether the vectorizer finds the same tokens in a perturbed text as in its words, each analysed alone."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    if type(vectorizer) not in (CountVectorizer, TfidfVectorizer) or not hasattr(vectorizer, "vocabulary_"):
        return False
    text = "".join([*words.names, *words.gaps, words.mask_string])
    return (
        vectorizer.input == "content"
        and vectorizer.analyzer == "word"
        and vectorizer.preprocessor is None
        and vectorizer.tokenizer is None
        and tuple(vectorizer.ngram_range) == (1, 1)
        and isinstance(vectorizer.token_pattern, str)
        and _WORD_PATTERN.fullmatch(vectorizer.token_pattern) is not None
        # Removing accents can remove everything between two words.
        and (vectorizer.strip_accents is None or text.isascii())
        # The lowercase form of sigma depends on whether letters follow, even across punctuation.
        and not (vectorizer.lowercase and "\N{GREEK CAPITAL LETTER SIGMA}" in text)
        and all(words.gaps[1:-1])
        and not any(re.search(r"\w", gap.lower()) for gap in words.gaps)
    )


class _Entry(NamedTuple):
    """What one token of one word adds to a text's counts.

    Attributes
    ----------
    column : int
        The token's column of the document-term matrix.
    flag : int
        The number of the flag that says whether it counts.
    amount : int
        How often the word occurs in the text.
    """

    column: int
    flag: int
    amount: int


class _Counts:
    """What each word adds to a text's counts while it is present, and what its mask string adds while it is absent."""

    def __init__(self, vectorizer: Any, words: _Words) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        analyse, vocabulary = vectorizer.build_analyzer(), vectorizer.vocabulary_
        occurrences = np.bincount(words.component_numbers, minlength=len(words.names))
        mask_columns = [vocabulary[token] for token in analyse(words.mask_string) if token in vocabulary]
        # The flags are the mask, and then its complement for mask strings.
        entries = [
            _Entry(vocabulary[token], flag, count)
            for flag, (word, count) in enumerate(zip(words.names, occurrences, strict=True))
            for token in analyse(word)
            if token in vocabulary
        ]
        entries += [
            _Entry(column, len(words.names) + number, count)
            for number, count in enumerate(occurrences)
            for column in mask_columns
        ]
        entries.sort()
        columns, self._flags, self._amounts = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        self._columns = columns.astype(np.int32)
        self._has_shared_columns = len(np.unique(columns)) < len(columns)  # as of "The" and "the"
        self._counts_mask_strings = bool(mask_columns)
        self._vectorizer = vectorizer
        self._empty_row = CountVectorizer.transform(vectorizer, [""])
        self._tfidf = _make_tfidf_transformer(vectorizer, self._empty_row)

    def document_term_matrix(self, masks: np.ndarray) -> Any:
        """The sparse matrix that the vectorizer would make of the perturbed texts, for masks of shape (m, d)."""
        flags = np.concatenate([masks, 1 - masks], axis=1) if self._counts_mask_strings else masks
        is_present = np.take(flags, self._flags, axis=1).view(np.bool_)
        row_sizes = count_present(is_present)
        # The entry of each True; this is much faster than nonzero, which finds pairs of row and entry.
        entries = np.flatnonzero(is_present) - np.repeat(np.arange(len(masks)) * is_present.shape[1], row_sizes)
        bounds = np.concatenate([[0], np.cumsum(row_sizes)]).astype(np.int32)
        counts = type(self._empty_row)(
            (self._amounts[entries].astype(self._vectorizer.dtype), self._columns[entries], bounds),
            shape=(len(masks), self._empty_row.shape[1]),
        )
        if self._has_shared_columns:
            counts.sum_duplicates()
        if self._vectorizer.binary:
            counts.data.fill(1)
        return counts if self._tfidf is None else self._tfidf.transform(counts, copy=False)


def _make_tfidf_transformer(vectorizer: Any, empty_row: Any) -> Any:
    """The step of a TF-IDF vectorizer that weighs the counts; None for a vectorizer that only counts."""
    from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer

    if not isinstance(vectorizer, TfidfVectorizer):
        return None
    transformer = TfidfTransformer(
        norm=vectorizer.norm,
        use_idf=vectorizer.use_idf,
        smooth_idf=vectorizer.smooth_idf,
        sublinear_tf=vectorizer.sublinear_tf,
    )
    if not vectorizer.use_idf:
        return transformer.fit(empty_row)  # it only learns the number of terms
    transformer.idf_ = vectorizer.idf_
    return transformer
