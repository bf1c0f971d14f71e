"""CPU time of importing an explainer, in a process of its own, beside importing numpy."""

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


def tables() -> Iterator[Table]:
    """Measure the children's CPU time, all programs in turn; a first turn fills the caches of byte code."""
    turns = [{program: _cpu_time_of(program) for program in (NUMPY, *PROGRAMS.values())} for _ in range(REPEATS + 1)]
    medians = {program: median(turn[program] for turn in turns[1:]) for program in turns[0]}
    targets = {"limelight.TabularExplainer": at_most(2)}
    yield Table(
        name="imports",
        title=f"A fresh interpreter that imports one thing, ms of CPU time, medians of {REPEATS}",
        ratio_of="itself / numpy",
        rows=[
            Row(
                case=name,
                figures={"numpy": 1e3 * medians[NUMPY], "itself": 1e3 * medians[program]},
                ratio=medians[program] / medians[NUMPY],
                target=targets.get(name),
            )
            for name, program in PROGRAMS.items()
        ],
    )


def _cpu_time_of(program: str) -> float:
    """User and system seconds of a child that ran `program`."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", program], os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{program!r} failed")
    return usage.ru_utime + usage.ru_stime
