"""Pages: how large one explanation's HTML is, and how soon it is made."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from time import process_time
from typing import Any, NamedTuple

from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer

from benchmarks._data import breast_cancer, logistic, text_pipeline, texts_of
from benchmarks._report import Row, Table, Target, at_least, at_most
from limelight import TabularExplainer, TextExplainer

__all__ = ["tables"]

NUM_SAMPLES = 1000
ROUNDS, PAGES = 7, 10
LARGEST = 30_000  # bytes


class Case(NamedTuple):
    """What is explained, and how either side writes its page."""

    name: str
    slow: Callable[[], str]
    fast: Callable[[], str]


def tables() -> Iterator[Table]:
    """The same instance, model and number of components on both sides; explained once, written again and again."""
    cases = [_text(10), _row(10), _row(30)]
    yield Table(
        name="pages",
        title="One explanation's page (as_html): ms of CPU time",
        ratio_of="lime / limelight",
        rows=[_times(case) for case in cases],
    )
    yield Table(
        name="page sizes",
        title="The same pages: thousands of bytes",
        ratio_of="limelight / 30 kB",
        rows=[*(_sizes(case, at_most(1)) for case in cases), _sizes(_text(200), None)],
        notes=["One label each. A text of which every one of 200 words is reported is shown for comparison only."],
    )


def _text(num_features: int) -> Case:
    text, model = next(texts_of(200)), text_pipeline("logistic regression").predict_proba
    names = ["atheism", "christian"]
    slow, fast = (
        explainer.explain_instance(text, model, num_features=num_features, num_samples=NUM_SAMPLES)
        for explainer in (LimeTextExplainer(class_names=names, random_state=0), TextExplainer(class_names=names))
    )
    return Case(f"a text of 200 distinct words, {num_features} features", slow.as_html, fast.as_html)


def _row(num_features: int) -> Case:
    rows, _ = breast_cancer()
    names = {"feature_names": [f"measurement {i}" for i in range(rows.shape[1])], "class_names": ["malignant", "benign"]}
    slow, fast = (
        explainer.explain_instance(rows[0], logistic(), num_features=num_features, num_samples=NUM_SAMPLES)
        for explainer in (LimeTabularExplainer(rows, random_state=0, **names), TabularExplainer(rows, **names))
    )
    return Case(f"a row of {rows.shape[1]} columns, {num_features} features", slow.as_html, fast.as_html)


def _times(case: Case) -> Row:
    slow_time, fast_time = _in_turn([case.slow, case.fast])
    figures = {"lime": slow_time, "limelight": fast_time}
    return Row(case.name, figures, slow_time / fast_time, at_least(5))


def _in_turn(sides: Sequence[Callable[[], Any]]) -> list[float]:
    """Median milliseconds of a page; the first round warms up."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS + 1):
        for own, side in zip(times, sides, strict=True):
            gc.collect()
            start = process_time()
            for _ in range(PAGES):
                side()
            own.append(1e3 * (process_time() - start) / PAGES)
    return [median(own[1:]) for own in times]


def _sizes(case: Case, target: Target | None) -> Row:
    slow_size, fast_size = (len(page().encode()) for page in (case.slow, case.fast))
    return Row(case.name, {"lime": slow_size / 1000, "limelight": fast_size / 1000}, fast_size / LARGEST, target)
