"""Rows of a frame with texts: time outside the model beside the model's own, and memory."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from benchmarks._data import DATA
from benchmarks._report import Row, Table, at_most
from benchmarks._timing import Cost, TimedModel, cost_of_explaining, median_cost
from limelight import TabularExplainer

__all__ = ["ADULT", "adult", "adult_model", "tables"]

ADULT = DATA / "tabular" / "adult.csv.gz"
NUM_SAMPLES, ROWS, PROCESSES = 5000, 21, 3
WIDTH, ENTRIES = 20_000, 100
COLUMNS = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race"),
    *("sex", "capital-gain", "capital-loss", "hours-per-week", "native-country"),
)
INCOME = "income"
TIME, MEMORY = at_most(0.25), at_most(1)
MEGABYTES = 300
LIMIT = 60  # seconds that lime is waited for
# What lime takes for a sparse row, in a program that can be stopped.
LIME = """
import pickle, sys
from time import process_time
from lime.lime_tabular import LimeTabularExplainer

with open(sys.argv[1], "rb") as file:
    training, row, weights = pickle.load(file)
explainer = LimeTabularExplainer(training, mode="regression", discretize_continuous=False, random_state=0)
start = process_time()
explainer.explain_instance(row, lambda rows: rows @ weights, num_features=5, num_samples=int(sys.argv[2]))
print(1e3 * (process_time() - start))
"""
# A program of its own: how many bytes it holds with a model and its training data, and how many at most once it has explained.
PROGRAM = """
import pickle, sys
from pathlib import Path

def held(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what))

with open(sys.argv[1], "rb") as file:
    model, rows = pickle.load(file)
before = held("VmRSS")
from limelight import TabularExplainer
explainer = TabularExplainer(rows)
for row in range(3):
    explainer.explain_instance(rows.iloc[row], model, num_features=5, num_samples=int(sys.argv[2]))
print(before, held("VmHWM"))
"""


def tables() -> Iterator[Table]:
    """Adult in a pandas frame, its texts as they are; nothing is measured where its file is not."""
    if not ADULT.is_file():
        print(f"\nframes: left out, there is no {ADULT}")
        return
    row, sentence = _sparse_row()
    yield Table(
        name="sparse rows",
        title=f"A sparse row of {WIDTH} columns, {ENTRIES} not zero, num_samples={NUM_SAMPLES}: ms of CPU time, whole call",
        ratio_of="sparse / dense",
        rows=[row],
        notes=[
            f"a linear model. dense: the first row of an explainer of {ENTRIES} columns, which draws as much; its later rows",
            "share what it drew.",
            sentence,
        ],
    )
    first, *later = _costs(TimedModel(adult_model().predict_proba))
    costs = {"a later row": median_cost(later), "the first row": first}
    yield Table(
        name="frames",
        title=f"Adult, a pandas frame with texts, num_samples={NUM_SAMPLES}: ms of CPU time, outside the model and inside it",
        ratio_of="limelight / model",
        rows=[
            Row(case, {"model": cost.model, "limelight": cost.outside}, cost.outside / cost.model, target)
            for (case, cost), target in zip(costs.items(), (TIME, None), strict=True)
        ],
        notes=[f"the model: one-hot columns, gradient boosted trees. a later row: the median of {len(later)}."],
    )
    if not sys.platform.startswith("linux"):
        return
    before, after = sorted(_memory() for _ in range(PROCESSES))[PROCESSES // 2]
    yield Table(
        name="memory of frames",
        title="The same in a process of its own: MB that it holds, with the model and its training data, and at its peak",
        ratio_of=f"more / {MEGABYTES} MB",
        rows=[Row("three rows", {"model": before, "peak": after}, (after - before) / MEGABYTES, MEMORY)],
    )


def _sparse_row() -> tuple[Row, str]:
    """Rows with entries of their own each, so that nothing is drawn twice, beside first rows of dense explainers; and lime."""
    from scipy import sparse

    draw = np.random.default_rng(0)
    training = sparse.random(2000, WIDTH, density=ENTRIES / WIDTH, format="csr", random_state=0, data_rvs=draw.random)
    rows = [
        sparse.random(1, WIDTH, density=ENTRIES / WIDTH, format="csr", random_state=i, data_rvs=draw.random) for i in range(8)
    ]
    weights, few = draw.normal(size=WIDTH), draw.normal(size=ENTRIES)
    explainer = TabularExplainer(training)
    wide = [_milliseconds(explainer, row, lambda batch: batch @ weights) for row in rows]
    dense = [draw.random((2000, ENTRIES)) for _ in rows]
    narrow = [_milliseconds(TabularExplainer(table), table[0], lambda batch: batch @ few) for table in dense]
    figures = {"sparse": float(np.median(wide[1:])), "dense": float(np.median(narrow[1:]))}
    return Row("a row", figures, figures["sparse"] / figures["dense"], at_most(1.5)), _of_lime(training, rows[0], weights)


def _of_lime(training: Any, row: Any, weights: np.ndarray) -> str:
    """How long lime takes for a sparse row, in a process that is stopped after a while."""
    with tempfile.NamedTemporaryFile() as file:
        pickle.dump((training.tocsr(), row.tocsr(), weights), file)
        file.flush()
        program = [sys.executable, "-c", LIME, file.name, str(NUM_SAMPLES)]
        try:
            done = subprocess.run(program, timeout=LIMIT, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            return f"lime had not explained the first of these rows after {LIMIT} s, when it was stopped."
    if done.returncode:
        return f"lime cannot explain these rows: {done.stderr.strip().splitlines()[-1]}"
    return f"lime took {float(done.stdout):.0f} ms of CPU time for the first of these rows."


def _milliseconds(explainer: TabularExplainer, row: Any, model: Any) -> float:
    return cost_of_explaining(explainer, row, model, num_features=5, num_samples=NUM_SAMPLES).total


@cache
def adult() -> tuple[Any, np.ndarray]:
    """32561 rows of six columns of numbers and eight of texts, and whether the income is high."""
    import pandas as pd

    frame = pd.read_csv(ADULT, names=[*COLUMNS, INCOME], skipinitialspace=True, keep_default_na=False)
    return frame[list(COLUMNS)], (frame[INCOME] == ">50K").to_numpy()


@cache
def adult_model() -> Any:
    """Texts as one column for each, then gradient boosted trees; fitted on the frame."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((texts, make_column_selector(dtype_exclude="number")), remainder="passthrough")
    return make_pipeline(columns, HistGradientBoostingClassifier(random_state=0)).fit(*adult())


def _costs(model: TimedModel) -> list[Cost]:
    """Of some rows, each explained once, in a random order, by one explainer."""
    rows, _ = adult()
    explainer = TabularExplainer(rows)
    chosen = np.random.default_rng(0).permutation(len(rows))[:ROWS]
    return [cost_of_explaining(explainer, rows.iloc[row], model, num_features=5, num_samples=NUM_SAMPLES) for row in chosen]


def _memory() -> tuple[float, float]:
    """MB with the model and its training data, and at the peak of explaining, in a fresh interpreter."""
    with tempfile.NamedTemporaryFile() as file:
        pickle.dump((adult_model(), adult()[0]), file)
        file.flush()
        program = [sys.executable, "-c", PROGRAM, file.name, str(NUM_SAMPLES)]
        printed = subprocess.run(program, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    before, after = (int(figure) / 1e6 for figure in printed.split())
    return before, after
