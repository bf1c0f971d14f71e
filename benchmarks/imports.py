"""CPU time of importing an explainer, and of its first explanation, in a process of its own, beside importing numpy."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from statistics import median

from benchmarks._report import Row, Table, at_most

__all__ = ["tables"]

REPEATS = 15

NUMPY = "import numpy"
PROGRAMS = {
    "limelight.TabularExplainer": "from limelight import TabularExplainer",
    "limelight.TextExplainer": "from limelight import TextExplainer",
    "lime.lime_tabular": "from lime.lime_tabular import LimeTabularExplainer",
}

_ROWS = "import numpy; rows = numpy.random.default_rng(0).normal(size=(1000, 10))"
FIRST_EXPLANATIONS = {
    "a first row": f"{PROGRAMS['limelight.TabularExplainer']}; {_ROWS}; "
    "TabularExplainer(rows).explain_instance(rows[0], lambda rows: rows.sum(axis=1))",
    "a first text": f"{PROGRAMS['limelight.TextExplainer']}; "
    "TextExplainer().explain_instance('a good film with nice actors', lambda texts: ['good' in text for text in texts])",
}


def tables() -> Iterator[Table]:
    """Measure the children's CPU time, all programs in turn; a first turn fills the caches of byte code."""
    programs = PROGRAMS | FIRST_EXPLANATIONS
    turns = [{program: _cpu_time_of(program) for program in (NUMPY, *programs.values())} for _ in range(REPEATS + 1)]
    medians = {program: median(turn[program] for turn in turns[1:]) for program in turns[0]}
    targets = {"limelight.TabularExplainer": at_most(2)}
    yield Table(
        name="imports",
        title=f"A fresh interpreter that imports one thing, or explains a first instance, ms of CPU time, medians of {REPEATS}",
        ratio_of="itself / numpy",
        rows=[
            Row(
                case=name,
                figures={"numpy": 1e3 * medians[NUMPY], "itself": 1e3 * medians[program]},
                ratio=medians[program] / medians[NUMPY],
                target=targets.get(name),
            )
            for name, program in programs.items()
        ],
    )


def _cpu_time_of(program: str) -> float:
    """User and system seconds of a child that ran `program`."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", program], os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{program!r} failed")
    return usage.ru_utime + usage.ru_stime
