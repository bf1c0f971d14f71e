"""How time and memory grow with the number of rows: Adult in a pandas frame, and up to a million rows from file to file."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks._report import Row, Table, at_most
from benchmarks.frames import ADULT, adult, adult_model

__all__ = ["Cost", "from_file_to_file", "tables"]

CORES, COLUMNS = 2, 20
FEW, MANY = 1_000, 100_000
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
SAME_TIME, MEMORY, RATE = at_most(1.1), at_most(1), at_most(1.1)
MEGABYTES = 1_500
# Programs of their own. Each prints the seconds of a job whose processes are warm, and the bytes that it and they held at most.
FRAME = """
import pickle, sys
from limelight import TabularExplainer
{held}
with open(sys.argv[1], "rb") as file:
    model, training, rows = pickle.load(file)
explainer = TabularExplainer(training)

def explain(some, folder):
    settings = dict(num_features=5, num_samples=5000, n_jobs={cores}, engine="processes")
    explainer.explain_many(some, model, checkpoint=folder, **settings)
{measured}
"""
FILE = """
import sys
import numpy as np
from limelight import TabularExplainer
{held}
from benchmarks.growth import smooth, table_of_normals
training = table_of_normals(2000, 1)
explainer = TabularExplainer(training, feature_names=[f"c{{i}}" for i in range({columns})])
rows = sys.argv[1]

def explain(some, folder):
    settings = dict(num_features=10, num_samples=5000, n_jobs={cores}, engine="processes")
    explainer.explain_many(some, smooth, checkpoint=folder, **settings)
{measured}
"""
HELD = """
from pathlib import Path
from time import perf_counter
import os, tempfile, threading

most = 0

def look():
    # The processes of this session: this one and those that it has started.
    global most
    over = False
    while not over:
        over = done.wait(0.1)
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if os.getsid(int(status.parent.name)) == os.getsid(0):
                    lines = status.read_text().splitlines()
                    total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            except OSError:
                pass
        most = max(most, total)

done = threading.Event()
"""
MEASURED = """
with tempfile.TemporaryDirectory() as folder:
    explain(WARM, folder + "/warm")
    watch = threading.Thread(target=look)
    watch.start()
    start = perf_counter()
    explain(rows, folder + "/job")
    seconds = perf_counter() - start
    done.set()
    watch.join()
print(seconds, most)
"""


class Cost(NamedTuple):
    """Seconds, and megabytes at the peak."""

    seconds: float
    megabytes: float


def tables() -> Iterator[Table]:
    """Nothing of Adult is measured where its file is not."""
    if ADULT.is_file():
        few, many = (_adult(count) for count in (FEW, MANY))
        ratio = (many.seconds / MANY) / (few.seconds / FEW)
        yield Table(
            name="growth of frames",
            title=f"Adult, a pandas frame with texts, boosted trees, two processes: ms a row for {MANY} rows and for {FEW}",
            ratio_of="many / few",
            rows=[Row("a row", {"few": 1e3 * few.seconds / FEW, "many": 1e3 * many.seconds / MANY}, ratio, SAME_TIME)],
        )
        yield Table(
            name="memory of many frames",
            title="The same: MB that all processes held at most",
            ratio_of=f"many / {MEGABYTES} MB",
            rows=[Row("the whole job", {"few": few.megabytes, "many": many.megabytes}, many.megabytes / MEGABYTES, MEMORY)],
        )
    costs = {count: from_file_to_file(count) for count in SIZES}
    usual = costs[SIZES[-2]].seconds / SIZES[-2]
    yield Table(
        name="growth of files",
        title=f"Rows of {COLUMNS} columns, 10 features, from Parquet to Parquet, two processes: ms a row, MB at the peak",
        ratio_of=f"a row / one of {SIZES[-2]}",
        rows=[
            Row(
                f"{count} rows",
                {"ms a row": 1e3 * cost.seconds / count, "MB": cost.megabytes},
                cost.seconds / count / usual,
                RATE if count == SIZES[-1] else None,
            )
            for count, cost in costs.items()
        ],
    )


def smooth(rows: np.ndarray) -> np.ndarray:
    """An almost free model."""
    return np.asarray(np.tanh(rows[:, 0] + rows[:, 1] * rows[:, 2]))


def table_of_normals(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, COLUMNS))


def from_file_to_file(count: int) -> Cost:
    """The cost of explaining so many rows of a file, in a process of its own; the warm-up has its own file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("rows.parquet", "warm.parquet")]
        for path, size in zip(paths, (count, 2 * 256), strict=True):
            with pq.ParquetWriter(path, pa.schema([(f"c{i}", pa.float64()) for i in range(COLUMNS)])) as writer:
                for start in range(0, size, 100_000):
                    columns = table_of_normals(min(100_000, size - start), start).T
                    writer.write_table(pa.table({f"c{i}": column for i, column in enumerate(columns)}))
        program = FILE.format(held=HELD, measured=MEASURED.replace("WARM", "sys.argv[2]"), cores=CORES, columns=COLUMNS)
        return _run(program, *paths)


def _adult(count: int) -> Cost:
    """The cost of explaining so many rows of Adult, drawn with replacement."""
    rows, _ = adult()
    drawn = rows.iloc[np.random.default_rng(0).integers(0, len(rows), count)].reset_index(drop=True)
    with tempfile.NamedTemporaryFile() as file:
        pickle.dump((adult_model(), rows, drawn), file)
        file.flush()
        return _run(FRAME.format(held=HELD, measured=MEASURED.replace("WARM", "rows[:512]"), cores=CORES), file.name)


def _run(program: str, *arguments: str) -> Cost:
    found = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, start_new_session=True
    )
    seconds, held = map(float, found.stdout.split())
    return Cost(seconds, held / 1e6)
