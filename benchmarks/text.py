"""Texts, at 5000 perturbations on both sides: the whole call with a pipeline, the time outside the model with any callable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from lime.lime_text import LimeTextExplainer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from benchmarks._data import Rows, corpus, text_pipeline, texts_of
from benchmarks._report import Row, Table, Target, at_least
from benchmarks._timing import TimedModel, costs_in_turn, rounds_of
from limelight import TextExplainer

__all__ = ["tables"]

NUM_SAMPLES = 5000

# Distinct words, num_features, what the ratio must be, and how often lime is timed.
WHOLE_CALL = (
    (50, 6, at_least(60), 5),
    (200, 6, at_least(60), 3),
    (50, 10, at_least(15), 7),
    (200, 10, at_least(15), 5),
    (1000, 10, at_least(10), 3),
)
# Vectorizers of 200-word texts, and how much less time a call takes than where the texts are made.
WITHOUT_TEXTS = (
    ("n-grams of characters in words", at_least(15)),
    ("words beside n-grams of characters", at_least(10)),
    ("words and pairs of words", at_least(7)),
    ("hashes of words", at_least(3)),
)
OUTSIDE_THE_MODEL = (
    (50, 10, at_least(4), 7),
    (200, 10, at_least(4), 5),
    (1000, 10, at_least(4), 3),
)


def tables() -> Iterator[Table]:
    """Both sides are handed the same callable; what limelight makes of a pipeline's own predict_proba is its affair."""
    predict_proba = text_pipeline("logistic regression").predict_proba
    yield Table(
        name="text",
        title=f"Texts of {corpus().name}, TF-IDF + logistic regression, num_samples={NUM_SAMPLES}: ms of CPU time, whole call",
        ratio_of="lime / limelight",
        rows=[_compare(predict_proba, *case) for case in WHOLE_CALL],
    )
    yield Table(
        name="vectorizers",
        title=f"Texts of 200 distinct words, other vectorizers, num_samples={NUM_SAMPLES}: ms of CPU time, whole call",
        ratio_of="texts / masks",
        rows=[_compare_ways(*case) for case in WITHOUT_TEXTS],
    )
    yield Table(
        name="opaque text",
        title=f"The same texts, a callable that looks at their length, num_samples={NUM_SAMPLES}: ms of CPU time, without it",
        ratio_of="lime / limelight",
        rows=[_compare(TimedModel(_by_length), *case) for case in OUTSIDE_THE_MODEL],
    )


def _by_length(texts: Sequence[str]) -> Rows:
    """A cheap model that no shortcut knows."""
    shares = 1 / (1 + np.fromiter(map(len, texts), dtype=float, count=len(texts)) / 1000)
    return np.column_stack([shares, 1 - shares])


def _vectorizer(kind: str) -> Any:
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    return {
        "n-grams of characters in words": characters,
        "words beside n-grams of characters": make_union(TfidfVectorizer(), characters),
        "words and pairs of words": TfidfVectorizer(ngram_range=(1, 2)),
        "hashes of words": HashingVectorizer(),
    }[kind]


def _compare_ways(kind: str, target: Target) -> Row:
    """The same explanation with the texts made, and without."""
    model = make_pipeline(_vectorizer(kind), LogisticRegression(max_iter=1000)).fit(corpus().train, corpus().train_classes)
    slow, fast = costs_in_turn(
        TextExplainer(shortcuts=False),
        TextExplainer(),
        rounds_of(texts_of(200), count=3, size=3),
        model.predict_proba,
        num_features=10,
        num_samples=NUM_SAMPLES,
    )
    return Row(
        case=kind,
        figures={"texts": slow.outside, "masks": fast.outside},
        ratio=slow.outside / fast.outside,
        target=target,
    )


def _compare(model: Any, words: int, num_features: int, target: Target, count: int) -> Row:
    rounds = rounds_of(texts_of(words), count=count, size=2)
    slow, fast = costs_in_turn(
        LimeTextExplainer(random_state=0),
        TextExplainer(),
        rounds,
        model,
        num_features=num_features,
        num_samples=NUM_SAMPLES,
    )
    return Row(
        case=f"{words} distinct words, {num_features} features",
        figures={"lime": slow.outside, "limelight": fast.outside},
        ratio=slow.outside / fast.outside,
        target=target,
    )
