"""Many explanations: what it costs to keep them and to pick the few that show most, beside lime's pick."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from lime.submodular_pick import SubmodularPick

from benchmarks._report import Row, Table, at_least, at_most
from limelight import Explanation, Explanations, TabularExplainer
from limelight.collection.arrow import entries_of, schema, table_of
from limelight.collection.parquet import write

__all__ = ["tables"]

COLUMNS, CHUNK, REPEATS = 20, 10_000, 5
TO_ARROW = 60  # microseconds
# Explanations, features that each reports, distinct features, picks.
SMALL, LARGE = (300, 20, 3_000, 5), (10_000, 20, 50_000, 50)
FASTER = at_least(20)
STREAMED, REPORTED, DISTINCT, PICKS = (10_000, 100_000, 1_000_000), 10, 50_000, 50
SECONDS, MEGABYTES = 60, 2_000
# A program of its own: how many seconds it picks from a file, and how many bytes it holds at most.
PROGRAM = """
import sys
from pathlib import Path
from time import perf_counter
from limelight import Explanations

start = perf_counter()
Explanations.load(sys.argv[1]).pick(int(sys.argv[2]))
seconds = perf_counter() - start
lines = Path("/proc/self/status").read_text().splitlines() if sys.platform == "linux" else []
print(seconds, next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0))
"""


def tables() -> Iterator[Table]:
    """Keep explanations of rows; pick some as lime does, where lime can; pick from up to a million in a file."""
    yield _storage()
    yield _beside_lime()
    yield from _streamed()


def _storage() -> Table:
    """One explanation again and again, in a chunk."""
    explanations = [_explanation(REPORTED)] * CHUNK
    table = table_of(explanations, range(CHUNK))

    def microseconds(work: Callable[[], object]) -> float:
        return 1e6 * _seconds(work) / CHUNK

    to_arrow = microseconds(lambda: table_of(explanations, range(CHUNK)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "explanations.parquet"
        to_file = microseconds(lambda: write(path, [table]))
    figures = {"to Arrow": to_arrow, "from Arrow": microseconds(lambda: entries_of(table)), "to a file": to_file}
    return Table(
        name="keeping explanations",
        title=f"An explanation of a row, {COLUMNS} columns, {REPORTED} reported: µs of CPU time",
        ratio_of=f"to Arrow / {TO_ARROW} µs",
        rows=[Row(f"one of {CHUNK}", figures, to_arrow / TO_ARROW, at_most(1))],
    )


def _beside_lime() -> Table:
    """The same explanations picked from by both, few enough for lime; then many, with lime's time scaled."""
    count, reported, distinct, picks = SMALL
    explanations = Explanations.of_tables([_chunk(0, count, reported, distinct)])
    frame = explanations.to_frame()
    pairs = list(zip(frame["name"], frame["weight"], strict=True))
    own = [pairs[start : start + reported] for start in range(0, len(pairs), reported)]

    class Explainer:
        """Gives what lime's pick asks of explanations, and nothing that costs time."""

        def explain_instance(self, number: int, *_: object, **__: object) -> Any:
            return SimpleNamespace(mode="regression", as_list=lambda label: {1: own[number]}[label])

    lime = _seconds(lambda: SubmodularPick(Explainer(), range(count), None, method="full", num_exps_desired=picks), repeats=1)
    few = _seconds(lambda: explanations.pick(picks))
    many = Explanations.of_tables([_chunk(0, *LARGE[:3])])
    at_once = _seconds(lambda: many.pick(LARGE[3]))
    larger = (LARGE[3] / picks) * (LARGE[0] / count) ** 2 * (LARGE[2] / distinct)
    rows = [
        Row(_case(SMALL), {"lime": lime, "limelight": few}, lime / few, FASTER),
        Row(_case(LARGE), {"lime": lime * larger, "limelight": at_once}, lime * larger / at_once, FASTER),
    ]
    return Table(
        name="pick beside lime",
        title="Submodular pick: seconds of CPU time",
        ratio_of="lime / limelight",
        rows=rows,
        notes=[
            "lime: its own class, given explanations that were made before. The second row is not run with lime, which would",
            "need 8 GB for its matrix: the first row's time, scaled by picks, candidates, and the matrix's rows and columns.",
        ],
    )


def _case(sizes: tuple[int, int, int, int]) -> str:
    count, reported, distinct, picks = sizes
    return f"{picks} of {count}, {reported} features of {distinct}"


def _streamed() -> Iterator[Table]:
    """Picks from files, each in a process of its own."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in STREAMED:
            path = Path(folder) / f"{count}.parquet"
            write(path, (_chunk(number, CHUNK, REPORTED, DISTINCT) for number in range(count // CHUNK)))
            program = [sys.executable, "-c", PROGRAM, str(path), str(PICKS)]
            printed = subprocess.run(program, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
            measured[count] = (*map(float, printed.split()), path.stat().st_size / 1e6)
    targets = [None] * (len(STREAMED) - 1) + [at_most(1)]
    yield Table(
        name="pick from a file",
        title=f"{PICKS} of so many explanations in a Parquet file, {REPORTED} features of {DISTINCT} each: seconds",
        ratio_of=f"seconds / {SECONDS}",
        rows=[
            Row(f"{count}", {"seconds": seconds, "MB of the file": size}, seconds / SECONDS, target)
            for (count, (seconds, _, size)), target in zip(measured.items(), targets, strict=True)
        ],
    )
    if sys.platform.startswith("linux"):
        yield Table(
            name="memory of picks",
            title="The same: MB that the process holds at its peak",
            ratio_of=f"MB / {MEGABYTES}",
            rows=[
                Row(f"{count}", {"MB": held / 1e6}, held / 1e6 / MEGABYTES, target)
                for (count, (_, held, _)), target in zip(measured.items(), targets, strict=True)
            ],
        )


def _explanation(reported: int) -> Explanation:
    rows = np.random.default_rng(0).normal(size=(200, COLUMNS))
    explainer = TabularExplainer(rows)
    return explainer.explain_instance(rows[0], lambda batch: batch @ np.arange(COLUMNS), num_features=reported)


def _chunk(number: int, count: int, reported: int, distinct: int) -> pa.Table:
    """A table of explanations whose reported features are drawn, a few of them often and most seldom, as words are."""
    draw = np.random.default_rng(number)
    table = table_of([_explanation(reported)], [0]).take(np.zeros(count, dtype=np.int64))
    surrogates = table["surrogates"].combine_chunks().flatten()
    weights = surrogates.field("weights").flatten()
    drawn = (200 * draw.pareto(1, count * reported)).astype(np.int64) % distinct
    names = pa.array([f"feature number {i}" for i in range(distinct)]).take(pa.array(drawn))
    changed = {"name": names, "feature": names, "weight": pa.array(draw.normal(size=len(drawn)))}
    kind = schema().field("surrogates").type
    inner = kind.value_type.field("weights").type
    struct = pa.StructArray.from_arrays(
        [changed.get(field.name, weights.field(field.name)) for field in inner.value_type], fields=list(inner.value_type)
    )
    lists = pa.ListArray.from_arrays(pa.array(np.arange(0, len(drawn) + 1, reported), pa.int32()), struct, type=inner)
    outer = pa.StructArray.from_arrays(
        [lists if field.name == "weights" else surrogates.field(field.name) for field in kind.value_type],
        fields=list(kind.value_type),
    )
    column = pa.ListArray.from_arrays(pa.array(np.arange(count + 1), pa.int32()), outer, type=kind)
    items = pa.array(np.arange(number * count, (number + 1) * count))
    table = table.set_column(table.schema.get_field_index("surrogates"), schema().field("surrogates"), column)
    return table.set_column(0, schema().field("item"), items)


def _seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """CPU time, the median of some turns; the first turn of several is not counted."""
    turns = []
    for _ in range(repeats + (repeats > 1)):
        start = process_time()
        work()
        turns.append(process_time() - start)
    return median(turns[repeats > 1 :])
