"""How far to trust each of many explanations, read from columns: what keeps each verdict from being good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from limelight.collection.weights import LABEL_COLUMNS, TableSource, select_surrogates
from limelight.results.verdict import Verdict

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_faults"]

_SURROGATE = "surrogates.list.element"
_WEIGHT = f"{_SURROGATE}.weights.list.element"
_READ = (
    *LABEL_COLUMNS,
    "error",
    "converged",
    "provenance.design",
    "notices.list.element.code",
    "notices.list.element.level",
    f"{_SURROGATE}.fidelity",
    f"{_WEIGHT}.low",
    f"{_WEIGHT}.top_probability",
)


def read_faults(explanations: TableSource) -> Iterator[tuple[str, ...] | None]:
    """For each entry what `Verdict.find_faults` finds in its default label; None for a failure."""
    for table in explanations.tables(_READ):
        yield from _read_table(table)


def _read_table(table: pa.Table) -> Iterator[tuple[str, ...] | None]:
    defaults = select_surrogates(table, None)
    count, owners = len(defaults.rows), defaults.owners
    lows, tops = (defaults.weights.field(name).to_numpy() for name in ("low", "top_probability"))
    has_intervals = np.bincount(owners, np.isfinite(lows), count) > 0
    is_uncertain = np.bincount(owners, ~(tops >= Verdict.LEAST_CERTAINTY), count) > 0
    fidelities = defaults.surrogates.field("fidelity").to_numpy()
    places = dict(zip(defaults.rows.tolist(), range(count), strict=True))
    converged, provenance, notices = (table[name].to_pylist() for name in ("converged", "provenance", "notices"))
    for row, is_failure in enumerate(table["error"].is_valid().to_pylist()):
        if is_failure:
            yield None
            continue
        place, is_exact = places.get(row), provenance[row]["design"] in Verdict.EXACT_DESIGNS
        yield Verdict.find_faults(
            float("nan") if place is None else float(fidelities[place]),
            notices=[(notice["code"], notice["level"]) for notice in notices[row]],
            has_intervals=is_exact or (place is not None and bool(has_intervals[place])),
            converged=converged[row],
            is_certain=is_exact or (place is not None and not is_uncertain[place]),
        )
