"""The weights of many explanations as one table: a row for each weight, or a row for each explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from limelight.collection.arrow import arrow, check_backend, escape, to_backend
from limelight.collection.weights import (
    ALL_LABELS,
    LABEL_COLUMNS,
    FeatureNumbers,
    LabelSurrogates,
    TableSource,
    check_meaning,
    label_error,
    select_surrogates,
)
from limelight.exceptions import ArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["long_frame", "wide_frame"]

_OF_WEIGHTS = (
    *("component", "feature", "name", "value", "weight", "low", "high"),
    *("sign_probability", "top_probability", "best_rank", "worst_rank"),
)
_MOST_CELLS = 2**27  # a gigabyte of weights


def long_frame(explanations: TableSource, backend: str) -> Any:
    """A row for each instance, label and reported component; see `Explanations.to_frame`."""
    check_backend(backend)  # before all is read
    pa = arrow()
    pieces = []
    for table in explanations.tables(["item", "id", "output_names", "default_label", "surrogates"]):
        selection = select_surrogates(table, ALL_LABELS)
        columns = {name: column.take(pa.array(selection.owners)) for name, column in _identify(table, selection).items()}
        columns |= {name: selection.weights.field(name) for name in _OF_WEIGHTS}
        columns["component"] = columns["component"].cast(pa.int64())
        pieces.append(pa.table(columns))
    return to_backend(pa.concat_tables(pieces), backend)


def wide_frame(explanations: TableSource, label: int | str | None, by: str, num_features: int | None, backend: str) -> Any:
    """A row for each instance and label, a column for each feature; see `Explanations.to_wide_frame`."""
    from scipy import sparse

    check_backend(backend)
    pa = arrow()
    numbers = FeatureNumbers(by)
    pieces, parts = [], []
    start = 0
    figures = ("local_prediction", "fidelity", "fidelity_error")
    needed = [*LABEL_COLUMNS, *numbers.columns, "item", "id", "predictions", "converged"]
    for table in explanations.tables([*needed, *(f"surrogates.list.element.{name}" for name in figures)]):
        check_meaning(table, label)
        selection = select_surrogates(table, label)
        columns = _identify(table, selection)
        columns["prediction"] = selection.pick_output(table["predictions"])
        columns |= {name: selection.surrogates.field(name) for name in figures}
        columns["converged"] = table["converged"].combine_chunks().take(pa.array(selection.rows))
        pieces.append(pa.table(columns))
        weights = selection.weights.field("weight").to_numpy()
        parts.append((selection.owners + np.int32(start), numbers.encode(selection.weights), weights))
        start += len(selection.rows)
    if not start:
        raise label_error(explanations, label)
    rows, features, weights = map(np.concatenate, zip(*parts, strict=True))
    names, places = numbers.sorted_features()
    matrix = sparse.csc_array((weights, (rows, places[features])), shape=(start, len(names)))
    heaviest = np.argsort(-abs(matrix).sum(axis=0), kind="stable")[:num_features]
    if start * len(heaviest) > _MOST_CELLS:
        raise ArgumentError(
            f"a wide frame of {start} rows and {len(heaviest)} features would have more than {_MOST_CELLS} weights; give a "
            "smaller num_features, or take to_frame, which has a row for each weight."
        )
    table = pa.concat_tables(pieces)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for place, weights_of_feature in zip(heaviest, matrix[:, heaviest].toarray(order="F").T, strict=True):
        name = escape(names[place])
        while name in columns:
            name = f"feature {name}"
        columns[name] = pa.array(weights_of_feature)
    return to_backend(pa.table(columns), backend)


def _identify(table: pa.Table, selection: LabelSurrogates) -> dict[str, pa.Array]:
    """For each surrogate its instance's number and id, its label and the label's name."""
    pa = arrow()
    return {
        **{name: table[name].combine_chunks().take(pa.array(selection.rows)) for name in ("item", "id")},
        "label": selection.surrogates.field("label").cast(pa.int64()),
        "output": selection.pick_output(table["output_names"]),
    }
