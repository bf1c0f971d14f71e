"""How far to trust a list: whether intervals hold, certainties are right, and other seeds give the same list as lime's do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks import frugality
from benchmarks._planted import CASES, LISTED, MODELS, Judged
from benchmarks._report import Row, Table, at_least, at_most
from benchmarks._same_lists import BLACK_BOX, GERMAN, ROWS, SAMPLES_OF_LIME, SEEDS, SEEDS_OF_ROWS, SEEDS_OF_TEXTS, same_lists

__all__ = ["tables"]

LEVEL, CERTAIN = 0.95, 0.95
LEAST_OF_A_GROUP, LEAST_OF_ALL, MOST_OF_ALL = 0.90, 0.92, 0.98  # of the intervals that hold
LEAST_RIGHT, LEAST_JACCARD = 0.93, 0.95


def tables() -> Iterator[Table]:
    groups = {case.name: list(case.judge_all()) for case in CASES}
    yield _intervals(groups)
    yield _certainty(groups)
    yield _stability()
    yield from frugality.tables()


def _intervals(groups: dict[str, list[Judged]]) -> Table:
    rows = [_count_held(name, judged, LEAST_OF_A_GROUP) for name, judged in groups.items()]
    every = [one for judged in groups.values() for one in judged]
    whole = _count_held("all of them", every, LEAST_OF_ALL)
    rows += [whole, Row("all of them, not too wide", whole.figures, whole.ratio, at_most(MOST_OF_ALL / LEVEL))]
    return Table(
        name="trust, intervals",
        title=f"95 % intervals of the {LISTED} listed components that hold, in %, {MODELS} explanations each",
        ratio_of="all / 95 %",
        rows=rows,
        notes=[
            "The limit is known in closed form, of rows from the exact explanation; there they are black boxes.",
            "Fixed budgets begin at two inputs a component.",
        ],
    )


def _count_held(case: str, judged: Sequence[Judged], least: float) -> Row:
    held, has_effect = (np.concatenate([getattr(one, name) for one in judged]) for name in ("held", "has_effect"))
    without = held[~has_effect].mean() if not has_effect.all() else np.nan
    figures = {"all": 100 * held.mean(), "without effect": 100 * without}
    return Row(case, figures, float(held.mean()) / LEVEL, at_least(least / LEVEL))


def _certainty(groups: dict[str, list[Judged]]) -> Table:
    rows = []
    for name, judged in groups.items():
        together = Judged(*map(np.concatenate, zip(*judged, strict=True)))
        said = together.tops >= CERTAIN
        right = float(together.is_top[said].mean()) if said.any() else np.nan
        shares = {
            "listed with p >= .95": said.mean(),
            "of them right": right,
            "ranks hold": together.ranks_hold[together.has_effect].mean(),
        }
        figures = {column: 100 * share for column, share in shares.items()}
        rows.append(Row(name, figures, right, at_least(LEAST_RIGHT) if said.any() else None))
    return Table(
        name="trust, certainty",
        title="Components that are said to be among the ten heaviest, and are, in %",
        ratio_of="right / said",
        rows=rows,
    )


def _stability() -> Table:
    rows = []
    for case, of_lime, similarity, inputs in same_lists():
        figures = {"lime": of_lime, "limelight": similarity, "lime's inputs": SAMPLES_OF_LIME, "inputs": inputs}
        rows.append(Row(case, figures, similarity, None if case.endswith(BLACK_BOX) else at_least(LEAST_JACCARD)))
    notes = [
        "By default a forest is exact. As a black box it shows what chance does to a list that ends within a tie: of German",
        "credit, the fourth to ninth weight differ by less than their errors, which are as large as lime's. lime lists by",
        "explained variance, where other components are tied.",
        f"lime has {SEEDS_OF_ROWS} seeds for rows, {SEEDS_OF_TEXTS} for texts, on the same instances.",
    ]
    if not GERMAN.is_file():
        notes.append(f"German credit was not measured: there is no {GERMAN}.")
    return Table(
        name="trust, stability",
        title=f"Mean Jaccard similarity of the five heaviest components over {SEEDS} seeds, {ROWS} instances",
        ratio_of="Jaccard",
        rows=rows,
        notes=notes,
    )
