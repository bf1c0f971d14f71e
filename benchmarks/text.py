"""Texts, at 5000 perturbations on both sides: the whole call with a pipeline, the time outside the model with any callable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from lime.lime_text import LimeTextExplainer

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
        name="opaque text",
        title=f"The same texts, a callable that looks at their length, num_samples={NUM_SAMPLES}: ms of CPU time, without it",
        ratio_of="lime / limelight",
        rows=[_compare(TimedModel(_by_length), *case) for case in OUTSIDE_THE_MODEL],
    )


def _by_length(texts: Sequence[str]) -> Rows:
    """A cheap model that no shortcut knows."""
    shares = 1 / (1 + np.fromiter(map(len, texts), dtype=float, count=len(texts)) / 1000)
    return np.column_stack([shares, 1 - shares])


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
