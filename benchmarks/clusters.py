"""Dask workers and Spark cores: how much sooner two are done than one, with jobs that are bound by the model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks._data import breast_cancer, forest
from benchmarks._report import Row, Table, at_least
from limelight import TabularExplainer

__all__ = ["measure", "tables"]

ROWS, CHUNK, NUM_SAMPLES, ROUNDS = 200, 10, 1000, 3
SECONDS = 0.1  # that a model on another machine takes to answer
FASTER = at_least(1.5)
ENGINES = {"Dask workers": "dask", "Spark cores": "spark"}


def tables() -> Iterator[Table]:
    """Each engine in a process of its own: what their libraries write on stderr is not for the report."""
    rows = []
    for name, engine in ENGINES.items():
        program = [sys.executable, "-c", f"from benchmarks.clusters import measure; measure({engine!r})"]
        printed = subprocess.run(program, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for line in printed.splitlines():
            one, two, model = line.split(maxsplit=2)
            figures = {"one": float(one), "two": float(two)}
            rows.append(Row(f"{name}, {model}", figures, figures["one"] / figures["two"], FASTER))
    yield Table(
        name="clusters",
        title=f"{ROWS} rows of 30 columns, each with perturbations of its own: seconds of wall time",
        ratio_of="one / two",
        rows=rows,
        notes=[
            f"num_samples={NUM_SAMPLES}; without start-up; the best of {ROUNDS} turns of each.",
            f"A model elsewhere: nothing but {1e3 * SECONDS:.0f} ms of waiting for each answer.",
        ],
    )


def measure(engine: str) -> None:
    """Print, for each model, the seconds that one worker or core needs, and two of them, and the model's name."""
    started = {"dask": _dask, "spark": _spark}[engine]
    turns: dict[tuple[str, int], list[float]] = {}
    for count in (1, 2) * ROUNDS:
        with started(count) as cluster:
            _explain(forest(), cluster)  # so many rows that no worker is left out, and each has imported what it needs
            for name, model in {"a random forest": forest(), "a model elsewhere": _elsewhere()}.items():
                start = perf_counter()
                _explain(model, cluster)
                turns.setdefault((name, count), []).append(perf_counter() - start)
    for name in dict.fromkeys(name for name, _ in turns):
        print(min(turns[name, 1]), min(turns[name, 2]), name)


def _explain(model: Callable[[Any], Any], cluster: Any) -> None:
    table, _ = breast_cancer()
    explainer = TabularExplainer(table, sampler="around", shortcuts=False)
    explainer.explain_many(table[:ROWS], model, num_samples=NUM_SAMPLES, engine=cluster, chunk_size=CHUNK)


def _elsewhere() -> Callable[[np.ndarray], np.ndarray]:
    """A function within a function goes along to workers, which need not have this file."""

    def predict(rows: np.ndarray) -> np.ndarray:
        import time

        time.sleep(SECONDS)
        return rows[:, 0] + rows[:, 1] * rows[:, 2]

    return predict


@contextmanager
def _dask(count: int) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address="localhost:0")
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def _spark(count: int) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master(f"local[{count}]").config("spark.ui.enabled", "false").getOrCreate()
    yield session
    session.stop()
