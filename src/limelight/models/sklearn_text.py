"""scikit-learn pipelines that begin with a count or TF-IDF vectorizer: perturbed counts come from the masks.

Each word of the text is analysed once, alone; a perturbed text's counts are then the sums of those of the words that stay.
That is exact only if no token of the vectorizer reaches from one word into the next, or changes with its neighbours; wherever
that is not certain, the generic path is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from limelight.stages.components import Components, Neighbourhood, count_present
from limelight.stages.prediction import PREDICTION_METHODS, ModelPath

__all__ = ["adapt_text_pipeline"]

# Patterns of word characters alone (\w, letters, digits, \b at the ends): their matches begin and end within a word.
_WORD_PATTERN = re.compile(
    r"(\(\?u\))?(\\b)?((\\w|\\d|\[([a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|\w|\\w|\\d)+\])(\+|\{\d+(,\d*)?\})?)+(\\b)?",
    flags=re.ASCII,
)


@runtime_checkable
class _Words(Protocol):
    """The components of a text: see `limelight.modalities._words.WordParts`."""

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    gaps: tuple[str, ...]
    mask_string: str


def adapt_text_pipeline(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Ask the steps after the vectorizer, where the perturbed counts are exactly the vectorizer's; None where not."""
    pipeline = getattr(method, "__self__", None)
    name = getattr(method, "__name__", "")
    # Whoever has such a model has imported scikit-learn; nobody else shall have to.
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
    """Whether the vectorizer's tokens of a perturbed text are those of its words, each analysed alone."""
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
        # Removing accents can remove all that parts two words.
        and (vectorizer.strip_accents is None or text.isascii())
        # The small form of sigma depends on whether letters follow, even across punctuation.
        and not (vectorizer.lowercase and "\N{GREEK CAPITAL LETTER SIGMA}" in text)
        and all(words.gaps[1:-1])
        and not any(re.search(r"\w", gap.lower()) for gap in words.gaps)
    )


class _Counts:
    """What each word adds to a text's counts while it stays, and, where it is masked, while it is away."""

    def __init__(self, vectorizer: Any, words: _Words) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        analyse, vocabulary = vectorizer.build_analyzer(), vectorizer.vocabulary_
        occurrences = np.bincount(words.numbers, minlength=len(words.names))
        masked = [vocabulary[token] for token in analyse(words.mask_string) if token in vocabulary]
        entries = [
            (vocabulary[token], flag, count)
            for flag, (word, count) in enumerate(zip(words.names, occurrences, strict=True))
            for token in analyse(word)
            if token in vocabulary
        ] + [(column, len(words.names) + number, count) for number, count in enumerate(occurrences) for column in masked]
        entries.sort()
        columns, self._flags, self._amounts = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        self._columns = columns.astype(np.int32)
        self._shared = len(np.unique(columns)) < len(columns)  # several words count for one term, like "The" and "the"
        self._with_away = bool(masked)
        self._vectorizer = vectorizer
        self._empty = CountVectorizer.transform(vectorizer, [""])
        self._weigh = _tfidf_transformer(vectorizer, self._empty)

    def document_term_matrix(self, masks: np.ndarray) -> Any:
        """What the vectorizer would make of the texts that the masks leave."""
        flags = np.concatenate([masks, 1 - masks], axis=1) if self._with_away else masks
        present = np.take(flags, self._flags, axis=1).view(np.bool_)
        sizes = count_present(present)
        # The places of the ones within their rows; much sooner than nonzero's pairs of row and place.
        places = np.flatnonzero(present) - np.repeat(np.arange(len(masks)) * present.shape[1], sizes)
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        counts = type(self._empty)(
            (self._amounts[places].astype(self._vectorizer.dtype), self._columns[places], bounds),
            shape=(len(masks), self._empty.shape[1]),
        )
        if self._shared:
            counts.sum_duplicates()
        if self._vectorizer.binary:
            counts.data.fill(1)
        return counts if self._weigh is None else self._weigh.transform(counts, copy=False)


def _tfidf_transformer(vectorizer: Any, empty: Any) -> Any:
    """The weighting that follows the counting of a TF-IDF vectorizer; None for plain counts."""
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
        return transformer.fit(empty)  # learns nothing but the number of terms
    transformer.idf_ = vectorizer.idf_
    return transformer
