"""Pages: how large one explanation's HTML and a report of many are, how soon they are made, and how soon a report opens."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer

from benchmarks._data import breast_cancer, logistic, text_pipeline, texts_of
from benchmarks._report import Row, Table, Target, at_least, at_most
from limelight import Explanations, TabularExplainer, TextExplainer

__all__ = ["tables"]

NUM_SAMPLES = 1000
ROUNDS, PAGES = 7, 10
LARGEST = 30_000  # bytes
# Of reports: explanations, bytes, seconds until the list is there; perturbations, on which neither size nor time depends.
MANY, VERY_MANY, REPORT_BYTES, OPEN_SECONDS, FEW_SAMPLES = 1_000, 10_000, 5e6, 2, 128


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
    yield from _reports()


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


def _reports() -> Iterator[Table]:
    """Reports of different rows and texts, opened in the machine's Chromium."""
    rows, texts = _rows(), _texts()
    cases = {
        f"{MANY} rows of 30 columns, 10 features": rows,
        f"{MANY} texts of 200 words, 10 features": texts,
        f"{VERY_MANY} rows, of which the list holds as many as there is room for": Explanations.concat(
            [rows] * (VERY_MANY // MANY)
        ),
    }
    sizes, times = [], []
    with tempfile.TemporaryDirectory() as folder, _chromium() as browser:
        for name, explanations in cases.items():
            path = Path(folder) / f"{len(sizes)}.html"
            start = process_time()
            explanations.save_report(path)
            written, size = process_time() - start, path.stat().st_size
            sizes.append(Row(name, {"MB": size / 1e6, "s to write": written}, size / REPORT_BYTES, at_most(1)))
            if browser is not None:
                seconds = median(_opened(browser, path) for _ in range(ROUNDS))
                times.append(Row(name, {"s": seconds}, seconds / OPEN_SECONDS, at_most(1)))
    yield Table(
        name="report sizes",
        title="A report of many explanations (save_report): millions of bytes, seconds of CPU time",
        ratio_of=f"MB / {REPORT_BYTES / 1e6:g}",
        rows=sizes,
    )
    if times:
        yield Table(
            name="opening reports",
            title="The same in a headless Chromium: seconds from the navigation until the list is drawn",
            ratio_of=f"s / {OPEN_SECONDS}",
            rows=times,
        )


def _rows() -> Explanations:
    """Explanations of rows that are all different: those of breast cancer, each column moved by a little."""
    rows, _ = breast_cancer()
    names = {"feature_names": [f"measurement {i}" for i in range(rows.shape[1])], "class_names": ["malignant", "benign"]}
    draw = np.random.default_rng(0)
    moved = rows[draw.integers(len(rows), size=MANY)] + draw.normal(0, 0.1, (MANY, rows.shape[1])) * rows.std(axis=0)
    explainer, model = TabularExplainer(rows, **names), logistic()
    return Explanations.of(explainer.explain_instance(row, model, num_samples=FEW_SAMPLES) for row in moved)


def _texts() -> Explanations:
    """Explanations of texts of 200 words each, which end in their numbers where there are not enough different ones."""
    words = chain.from_iterable(text.split() for text in texts_of(200))
    texts = iter(lambda: " ".join(islice(words, 200)), "")
    explainer, model = TextExplainer(class_names=["atheism", "christian"]), text_pipeline("logistic regression").predict_proba
    numbered = (f"{text} {i}" for i, text in enumerate(islice(cycle(texts), MANY)))
    return Explanations.of(explainer.explain_instance(text, model, num_samples=FEW_SAMPLES) for text in numbered)


@contextmanager
def _chromium() -> Iterator[Any]:
    """The machine's own Chromium, or None where there is none, or no Playwright to drive it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found = None
    if found is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def _opened(browser: Any, path: Path) -> float:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    start = perf_counter()
    page.goto(path.as_uri(), wait_until="commit")
    page.wait_for_selector(".entries > li")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
    seconds = perf_counter() - start
    page.close()
    return seconds
