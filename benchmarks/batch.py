"""Many rows and many texts: the whole job beside lime's loop, both on two cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer
from scipy.special import expit

from benchmarks._data import breast_cancer, corpus, forest, text_pipeline
from benchmarks._report import Row, Table, at_least
from limelight import TabularExplainer, TextExplainer

__all__ = ["tables"]

NUM_SAMPLES, CORES, TIMES = 5000, 2, 3
ROWS, TEXTS = 1000, 1000
LIME_ROWS, LIME_TEXTS = 20, 8
# Features reported, and how many times as fast the whole job must be.
WITH_A_FOREST = ((5, at_least(100)), (10, at_least(40)))
WITH_AN_ALMOST_FREE_MODEL = ((5, at_least(200)), (10, at_least(40)))
OF_TEXTS = at_least(15)


def tables() -> Iterator[Table]:
    """Rows of the breast cancer table and texts of the corpus, each explained by both."""
    rows = [_rows("a random forest", forest(), *case) for case in WITH_A_FOREST]
    rows += [_rows("an almost free model", almost_free, *case) for case in WITH_AN_ALMOST_FREE_MODEL]
    yield Table(
        name="many rows",
        title=f"{ROWS} rows of 30 columns, num_samples={NUM_SAMPLES}, two processes: ms of wall time a row, whole job",
        ratio_of="lime / limelight",
        rows=rows,
        notes=[
            f"lime: {LIME_ROWS} rows, explained in a loop in each of two processes that were warm. Medians of {TIMES} jobs."
        ],
    )
    yield Table(
        name="many texts",
        title=f"{TEXTS} texts of {corpus().name}, TF-IDF + logistic regression, num_samples={NUM_SAMPLES}: ms of wall time",
        ratio_of="lime / limelight",
        rows=[_texts()],
        notes=[f"lime: {LIME_TEXTS} of them. two processes on both sides."],
    )


def almost_free(rows: np.ndarray) -> np.ndarray:
    """A model whose time is next to nothing."""
    chances = expit(rows[:, 0] - 14)
    return np.column_stack([1 - chances, chances])


def lime_rows(start: int, model: Callable[[Any], Any], num_features: int) -> None:
    """Lime's loop over every second row from `start`; its explainer is made once."""
    table, _ = breast_cancer()
    explainer = LimeTabularExplainer(table, random_state=0)
    for row in table[start:LIME_ROWS:CORES]:
        explainer.explain_instance(row, model, num_features=num_features, num_samples=NUM_SAMPLES)


def lime_texts(start: int, texts: Sequence[str], model: Callable[[Any], Any]) -> None:
    """The same of texts."""
    explainer = LimeTextExplainer(random_state=0)
    for text in texts[start:LIME_TEXTS:CORES]:
        explainer.explain_instance(text, model, num_features=10, num_samples=NUM_SAMPLES)


def _rows(name: str, model: Callable[[Any], Any], num_features: int, target: Any) -> Row:
    table, _ = breast_cancer()
    subjects = np.concatenate([table, table])[:ROWS]
    explainer = TabularExplainer(table, shortcuts=False)  # which samples, as lime does; the section exact has the rest

    def ours(count: int) -> None:
        explainer.explain_many(
            subjects[:count], model, num_features=num_features, num_samples=NUM_SAMPLES, n_jobs=CORES, engine="processes"
        )

    with Parallel(CORES) as parallel:
        _in_both(parallel, lime_rows, model, 1)  # the first time imports
        slow = _seconds(lambda: _in_both(parallel, lime_rows, model, num_features)) / LIME_ROWS
    ours(2 * 256)
    fast = _seconds(lambda: ours(ROWS)) / ROWS
    case = f"{name}, {num_features} features"
    return Row(case, {"lime": 1e3 * slow, "limelight": 1e3 * fast}, slow / fast, target)


def _texts() -> Row:
    model = text_pipeline("logistic regression").predict_proba
    texts = [text for text in corpus().test if len(text.split()) > 1]
    texts = (texts * (1 + TEXTS // len(texts)))[:TEXTS]
    explainer = TextExplainer()

    def ours(some: Sequence[str]) -> None:
        explainer.explain_many(some, model, num_samples=NUM_SAMPLES, n_jobs=CORES, engine="processes", chunk_size=16)

    with Parallel(CORES) as parallel:
        _in_both(parallel, lime_texts, texts[-1:], model)
        slow = _seconds(lambda: _in_both(parallel, lime_texts, texts, model)) / LIME_TEXTS
    ours(texts[:32])
    fast = _seconds(lambda: ours(texts)) / TEXTS
    return Row("10 features", {"lime": 1e3 * slow, "limelight": 1e3 * fast}, slow / fast, OF_TEXTS)


def _in_both(parallel: Any, work: Callable[..., None], *arguments: Any) -> None:
    parallel(delayed(work)(start, *arguments) for start in range(CORES))


def _seconds(work: Callable[[], None]) -> float:
    """The median of a few times."""
    seconds = []
    for _ in range(TIMES):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return median(seconds)
