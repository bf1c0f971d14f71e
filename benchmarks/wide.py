"""Long texts and wide tables, with as many components as perturbations or more: the whole call, and the process's memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks._report import Row, Table, at_most

__all__ = ["tables"]

WORDS = (2_000, 5_000, 10_000, 20_000)
COLUMNS = 20_000
MEGABYTES = 1_000  # for a table of so many columns
SERIES_STEPS, SERIES_SECONDS = 1_000_000, 10
TIME = MEMORY = at_most(1)

# Programs of their own, one for each side, so that none pays for the other's memory. Each prints milliseconds of CPU time, and
# the megabytes that it held at most.
TEXT = """
import numpy as np
text = " ".join("w" + str(number) for number in range(COUNT))

def model(texts):
    shares = 0.5 + 0.4 * np.sin([len(text) / 1000 for text in texts])
    return np.column_stack([shares, 1 - shares])

{explainer}
measure(lambda: explainer.explain_instance(text, model, num_features={features}, num_samples=5000))
"""
TABLE = """
import numpy as np
table = np.random.default_rng(0).normal(size=(200, COUNT))
model = lambda rows: 5.0 * (rows[:, 7] > 0) + 3.0 * (rows[:, 9] > 0)

def explain():
    {explainer}
    explainer.explain_instance(table[0], model, num_features={features}, num_samples=1000)

measure(explain)
"""
SERIES = """
import numpy as np
from limelight import TimeSeriesExplainer
series = np.random.default_rng(0).normal(size=COUNT)
measure(lambda: TimeSeriesExplainer("change_points").explain_instance(series, lambda rows: rows[:, :9].sum(axis=1)))
"""
MEASURE = """
import resource, sys
from time import process_time

COUNT = int(sys.argv[1])

def measure(explain):
    start = process_time()
    explain()
    print(1e3 * (process_time() - start), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""
TEXT_EXPLAINERS = {
    "lime": "from lime.lime_text import LimeTextExplainer; explainer = LimeTextExplainer(random_state=0)",
    "limelight": "from limelight import TextExplainer; explainer = TextExplainer()",
}
TABLE_EXPLAINERS = {
    "lime": "from lime.lime_tabular import LimeTabularExplainer as L; explainer = L(table, mode='regression', random_state=0)",
    "limelight": "from limelight import TabularExplainer; explainer = TabularExplainer(table)",
}


class Cost(NamedTuple):
    """Milliseconds of CPU time, and megabytes at the peak."""

    milliseconds: float
    megabytes: float


def tables() -> Iterator[Table]:
    """One repetition each: lime takes minutes in all."""
    costs = {
        f"{words} distinct words": {
            side: _run(TEXT.format(explainer=explainer, features=10), words) for side, explainer in TEXT_EXPLAINERS.items()
        }
        for words in WORDS
    }
    costs[f"{COLUMNS} columns"] = {
        side: _run(TABLE.format(explainer=explainer, features=10), COLUMNS) for side, explainer in TABLE_EXPLAINERS.items()
    }
    for name, title in (
        ("milliseconds", "Texts at num_samples=5000, a row of a table at num_samples=1000, 10 features: ms of CPU time"),
        ("megabytes", "The same: MB at the peak of a process of its own"),
    ):
        yield Table(
            name=f"wide, {name}",
            title=title,
            ratio_of="limelight / lime",
            rows=[
                Row(
                    case,
                    figures := {side: getattr(cost, name) for side, cost in sides.items()},
                    figures["limelight"] / figures["lime"],
                    TIME if name == "milliseconds" else MEMORY,
                )
                for case, sides in costs.items()
            ],
        )
    megabytes = costs[f"{COLUMNS} columns"]["limelight"].megabytes
    milliseconds = _run(SERIES, SERIES_STEPS).milliseconds
    yield Table(
        name="wide, limits",
        title="limelight alone: a table's memory in MB, a series cut at change points in ms of CPU time",
        ratio_of="itself / limit",
        rows=[
            Row(f"{COLUMNS} columns", {"limit": MEGABYTES, "itself": megabytes}, megabytes / MEGABYTES, MEMORY),
            Row(
                f"{SERIES_STEPS} steps",
                {"limit": 1e3 * SERIES_SECONDS, "itself": milliseconds},
                milliseconds / (1e3 * SERIES_SECONDS),
                TIME,
            ),
        ],
    )


def _run(program: str, count: int) -> Cost:
    done = subprocess.run([sys.executable, "-c", MEASURE + program, str(count)], check=True, stdout=subprocess.PIPE, text=True)
    return Cost(*map(float, done.stdout.split()))
