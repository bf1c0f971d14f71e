"""The weights of many explanations as one table: a row for each weight, or a row for each explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._errors import ArgumentError
from limelight.collection.arrow import arrow, escape, in_backend
from limelight.collection.weights import ALL, COLUMNS, Chosen, Features, Tables, chosen, not_explained

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["long_frame", "wide_frame"]

MOST_CELLS = 2**27  # a gigabyte of weights


def long_frame(explanations: Tables, backend: str) -> Any:
    """A row for each instance, label and reported component; see `Explanations.to_frame`."""
    pa = arrow()
    pieces = []
    for table in explanations.tables(["item", "output_names", "default_label", "surrogates"]):
        own = chosen(table, ALL)
        columns = {name: column.take(pa.array(own.places)) for name, column in _about(table, own).items()}
        columns |= {
            name: own.weights.field(name) for name in ("component", "feature", "name", "value", "weight", "low", "high")
        }
        columns["component"] = columns["component"].cast(pa.int64())
        pieces.append(pa.table(columns))
    return in_backend(pa.concat_tables(pieces), backend)


def wide_frame(explanations: Tables, label: int | str | None, by: str, num_features: int | None, backend: str) -> Any:
    """A row for each instance and label, a column for each feature; see `Explanations.to_wide_frame`."""
    from scipy import sparse

    pa = arrow()
    features = Features(by)
    pieces, parts = [], []
    start = 0
    figures = ("local_prediction", "fidelity")
    wanted = [*COLUMNS, *features.columns, "item", "predictions", "converged"]
    for table in explanations.tables([*wanted, *(f"surrogates.list.element.{name}" for name in figures)]):
        own = chosen(table, label)
        columns = _about(table, own)
        columns["prediction"] = own.of_label(table["predictions"])
        columns |= {name: own.surrogates.field(name) for name in figures}
        columns["converged"] = table["converged"].combine_chunks().take(pa.array(own.owners))
        pieces.append(pa.table(columns))
        parts.append((own.places + np.int32(start), features.encode(own.weights), own.weights.field("weight").to_numpy()))
        start += len(own.owners)
    if not start:
        raise not_explained(explanations, label)
    rows, numbers, weights = map(np.concatenate, zip(*parts, strict=True))
    names, places = features.by_name()
    matrix = sparse.csc_array((weights, (rows, places[numbers])), shape=(start, len(names)))
    heaviest = np.argsort(-abs(matrix).sum(axis=0), kind="stable")[:num_features]
    if start * len(heaviest) > MOST_CELLS:
        raise ArgumentError(
            f"a wide frame of {start} rows and {len(heaviest)} features would have more than {MOST_CELLS} weights; give a "
            "smaller num_features, or take to_frame, which has a row for each weight."
        )
    table = pa.concat_tables(pieces)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for place, own_weights in zip(heaviest, matrix[:, heaviest].toarray(order="F").T, strict=True):
        name = escape(names[place])
        while name in columns:
            name = f"feature {name}"
        columns[name] = pa.array(own_weights)
    return in_backend(pa.table(columns), backend)


def _about(table: pa.Table, own: Chosen) -> dict[str, pa.Array]:
    """Of each surrogate, which instance and which label it is about."""
    pa = arrow()
    return {
        "item": table["item"].combine_chunks().take(pa.array(own.owners)),
        "label": own.surrogates.field("label").cast(pa.int64()),
        "output": own.of_label(table["output_names"]),
    }
