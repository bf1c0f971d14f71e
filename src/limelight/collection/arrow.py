"""Explanations as Arrow tables and back: a row for each instance, nested lists for its weights.

Texts are stored as UTF-8, which has no lone surrogates. A text that holds one, or the character NUL, is escaped: each of these
characters becomes NUL and its number in four hexadecimal digits. Everything else is stored as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, pairwise, starmap
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._checks import check_choice
from limelight._errors import ArgumentError, missing_dependency, require
from limelight.collection.failure import Failure
from limelight.results.explanation import Explanation, Notice, Surrogate, check_numbers
from limelight.results.views import View, view_from_dict

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "SCHEMA_VERSION",
    "Entry",
    "arrow",
    "check_schema",
    "check_whole",
    "entries_of",
    "escape",
    "in_backend",
    "schema",
    "table_of",
    "unescape",
]

Entry = Explanation | Failure

SCHEMA_VERSION = 1
KIND, VERSION = b"limelight", b"limelight.schema"  # the keys in the schema's metadata
_FIGURES = ("intercept", "local_prediction", "fidelity")
_WEIGHTS = ("component", "name", "feature", "value", "weight", "low", "high")
_DOUBLES = ("effective_sample_size", "confidence", "kernel_width", "alpha")
_COUNTS = ("num_samples", "num_inputs")
_UNUSUAL, _ESCAPED = re.compile("[\0\ud800-\udfff]"), re.compile("\0([0-9a-f]{4})")


def arrow() -> Any:
    """The package pyarrow.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    return require("pyarrow", extra="batch", purpose="a collection of explanations")


@cache
def schema() -> pa.Schema:
    """The columns, and what says which version of them it is.

    In `surrogates`, `name` is the component's name, `feature` what it is about (its column or columns in a table, its name
    elsewhere) and `value` what the instance has there. Where an instance could not be explained, `error` is not null and
    everything after it is. `view` is JSON. `random_state` is a text, for it may have any number of digits.
    """
    pa = arrow()
    text, number, double = pa.string(), pa.int32(), pa.float64()

    def many(kind: Any) -> Any:
        return pa.list_(pa.field("element", kind))

    kinds = (number, text, text, text, double, double, double)
    surrogate = {"label": number, **dict.fromkeys(_FIGURES, double)}
    columns = {
        "item": pa.int64(),
        "error": pa.struct({"error": text, "message": text}),
        "surrogates": many(pa.struct({**surrogate, "weights": many(pa.struct(dict(zip(_WEIGHTS, kinds, strict=True))))})),
        "names": many(text),
        "view": pa.large_string(),
        "predictions": many(double),
        "output_names": many(text),
        "output_kind": text,
        "default_label": number,
        **dict.fromkeys(_COUNTS, pa.int64()),
        **dict.fromkeys(_DOUBLES, double),
        "converged": pa.bool_(),
        "random_state": text,
        "warnings": many(pa.struct({"code": text, "message": text})),
    }
    return pa.schema(columns, metadata={KIND: b"explanations", VERSION: str(SCHEMA_VERSION).encode()})


def check_schema(found: pa.Schema, place: str) -> None:
    """Refuse a table that does not hold explanations as this version writes them.

    Raises
    ------
    ArgumentError
        If its metadata or its columns are others.
    """
    metadata = found.metadata or {}
    if metadata.get(KIND) != b"explanations":
        raise ArgumentError(f"{place} holds no explanations that limelight saved.")
    if metadata.get(VERSION) != str(SCHEMA_VERSION).encode():
        version = metadata.get(VERSION, b"none").decode(errors="replace")
        raise ArgumentError(
            f"{place} holds explanations of schema {version:.20}; this version of limelight reads schema {SCHEMA_VERSION}."
        )
    missing = [field.name for field in schema() if field.name not in found.names]
    unknown = [name for name in found.names if name not in schema().names]
    if missing or unknown or len(found.names) != len(schema()):
        raise ArgumentError(f"{place} lacks columns {missing} and has unknown ones {unknown}; it is no file of limelight's.")
    other = [field.name for field in schema() if found.field(field.name).type != field.type]
    if other:
        raise ArgumentError(f"{place} has columns of other types than limelight writes: {other}.")


def in_backend(table: pa.Table, backend: str) -> Any:
    """An Arrow table as a frame of pandas, polars or pyarrow.

    Raises
    ------
    ArgumentError
        If the backend is another one.
    MissingDependencyError
        If the backend is not installed.
    """
    import narwhals.stable.v2 as nw

    check_choice("backend", backend, ("pandas", "polars", "pyarrow"))
    try:
        return nw.from_arrow(table, backend=nw.Implementation.from_backend(backend)).to_native()  # type: ignore[arg-type]
    except ImportError as error:
        raise missing_dependency(f"a frame of {backend}", backend, extra=None) from error


def check_whole(table: pa.Table) -> None:
    """Refuse a table with lists or structs from which something is missing; only a whole value may be null, and no item.

    Raises
    ------
    ArgumentError
        If there is another null.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        gaps = any(_has_gaps(chunk.drop_null()) for chunk in column.chunks)
        if gaps or (name == "item" and column.null_count):
            raise ArgumentError(f"there are gaps in column {name!r}.")


def _has_gaps(array: pa.Array) -> bool:
    pa = arrow()
    parts = [array.flatten()] if pa.types.is_list(array.type) else array.flatten() if pa.types.is_struct(array.type) else []
    return any(part.null_count or _has_gaps(part) for part in parts)


def table_of(entries: Sequence[Entry], items: Sequence[int] | np.ndarray) -> pa.Table:
    """Put explanations and failures into a table of `schema`.

    Parameters
    ----------
    entries : sequence of Explanation or Failure
        One for each instance.
    items : sequence of int
        Each one's number.

    Raises
    ------
    ArgumentError
        If they hold more texts than Arrow has room for.
    """
    pa = arrow()
    columns = _columns([entry for entry in entries if isinstance(entry, Explanation)])
    table = pa.table(columns, schema=pa.schema([field for field in schema() if field.name in columns]))
    failed = np.array([isinstance(entry, Failure) for entry in entries], dtype=bool)
    if failed.any():  # a row of nulls for each
        table = table.take(pa.array(np.cumsum(~failed) - 1, pa.int64(), mask=failed))
    failures = [entry if isinstance(entry, Failure) else Failure("", "") for entry in entries]
    texts = [_texts([failure.error for failure in failures]), _texts([failure.message for failure in failures])]
    errors = pa.StructArray.from_arrays(texts, fields=list(schema().field("error").type), mask=pa.array(~failed))
    return pa.table([pa.array(items, pa.int64()), errors, *table.columns], schema=schema())


def _columns(explanations: Sequence[Explanation]) -> dict[str, pa.Array]:
    """What is stored of explained instances; in the schema's order."""
    pa = arrow()

    def all_of(name: str) -> list[Any]:
        return [getattr(explanation, name) for explanation in explanations]

    notices = _flat(all_of("warnings"))
    notes = [_texts([notice.code for notice in notices]), _texts([notice.message for notice in notices])]
    values = {
        "surrogates": _surrogates(explanations),
        "names": _texts(_flat(all_of("names"))),
        # Not as JSON's escapes, which are read as one character where two lone surrogates make a pair.
        "view": _texts([json.dumps(view.to_dict(), ensure_ascii=False) for view in all_of("view")], pa.large_string()),
        "predictions": _doubles(_flat(all_of("predictions"))),
        "output_names": _texts(_flat(all_of("output_names"))),
        "output_kind": _texts(all_of("output_kind")),
        "default_label": pa.array(all_of("default_label"), pa.int32()),
        **{name: pa.array(all_of(name), pa.int64()) for name in _COUNTS},
        **{name: _doubles(all_of(name)) for name in _DOUBLES},
        "converged": pa.array(map(bool, all_of("converged")), pa.bool_()),
        "random_state": _texts(list(map(str, all_of("random_state")))),
        "warnings": pa.StructArray.from_arrays(notes, fields=list(schema().field("warnings").type.value_type)),
    }
    kinds = {name: schema().field(name).type for name in values}
    return {
        name: _lists(all_of(name), values[name], kind) if pa.types.is_list(kind) else values[name]
        for name, kind in kinds.items()
    }


def _surrogates(explanations: Sequence[Explanation]) -> pa.StructArray:
    """The surrogates of all explanations, one after the other."""
    pa = arrow()
    surrogates = _flat([explanation.surrogates for explanation in explanations])
    names: list[str] = []
    features: list[str] = []
    values: list[str] = []
    for explanation in explanations:
        columns, instance = explanation.view.columns(), explanation.view.values()
        for surrogate in explanation.surrogates:
            own = [explanation.names[component] for component in surrogate.components]
            names += own
            features += [columns.get(component, name) for component, name in zip(surrogate.components, own, strict=True)]
            values += [instance[component] for component in surrogate.components]
    kind = schema().field("surrogates").type.value_type
    weights = [
        pa.array(_flat([surrogate.components for surrogate in surrogates]), pa.int32()),
        *(_texts(texts) for texts in (names, features, values)),
        *(_doubles(_flat([getattr(surrogate, name) for surrogate in surrogates])) for name in ("weights", "lows", "highs")),
    ]
    inner = kind.field("weights").type
    struct = pa.StructArray.from_arrays(weights, fields=list(inner.value_type))
    numbers = [_doubles([getattr(surrogate, name) for surrogate in surrogates]) for name in _FIGURES]
    labels = pa.array([surrogate.label for surrogate in surrogates], pa.int32())
    lists = _lists([surrogate.components for surrogate in surrogates], struct, inner)
    return pa.StructArray.from_arrays([labels, *numbers, lists], fields=list(kind))


def _flat(parts: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(parts))


def _lists(parts: Sequence[Sequence[Any]], values: pa.Array, kind: pa.ListType) -> pa.ListArray:
    """Values, one after the other, as lists of the parts' lengths."""
    pa = arrow()
    offsets = pa.array(np.cumsum([0, *map(len, parts)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, values, type=kind)


def _doubles(values: list[float]) -> pa.Array:
    return arrow().array(values, arrow().float64())


def _texts(values: list[str], kind: pa.DataType | None = None) -> pa.Array:
    pa = arrow()
    kind = kind or pa.string()
    try:
        array = pa.array(values if "\0" not in "".join(values) else map(escape, values), kind)
    except UnicodeEncodeError:
        array = pa.array(map(escape, values), kind)
    if isinstance(array, pa.ChunkedArray):  # what Arrow makes of more texts than it has room for
        raise ArgumentError(
            "explanations that are stored together hold more than 2^31 bytes of names or values: put fewer together at a time "
            "(a smaller chunk_size; or Explanations.concat of several Explanations.of)."
        )
    return array


def escape(text: str) -> str:
    """A text as it is stored: UTF-8 has no lone surrogates."""
    return _UNUSUAL.sub(lambda found: f"\0{ord(found[0]):04x}", text)


def unescape(text: str) -> str:
    """A text as it was before it was stored."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\0" in text else text


def entries_of(table: pa.Table) -> list[Entry]:
    """Explanations and failures as a table of `schema` holds them; the inverse of `table_of`.

    Raises
    ------
    ArgumentError
        If it does not hold whole ones.
    """
    error = table["error"]
    failed = error.is_valid()
    try:
        failures = iter([Failure(*texts) for texts in _values(error.drop_null())])
        explained = table.filter(arrow().compute.invert(failed)) if error.null_count < len(error) else table
        explanations = iter(_explanations(explained))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as fault:
        raise ArgumentError(f"what was stored are not whole explanations: {fault}.") from fault
    return [next(failures) if gone else next(explanations) for gone in failed.to_pylist()]


def _explanations(table: pa.Table) -> list[Explanation]:
    columns = {name: _values(table[name]) for name in schema().names if name not in ("item", "error")}
    columns["surrogates"] = [tuple(starmap(_surrogate, surrogates)) for surrogates in columns["surrogates"]]
    columns["view"] = list(map(_view, columns["view"]))
    columns["random_state"] = list(map(int, columns["random_state"]))
    columns["warnings"] = [tuple(starmap(Notice, notices)) for notices in columns["warnings"]]
    explanations = [Explanation(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    for explanation in explanations:
        check_numbers(explanation)
    return explanations


def _surrogate(label: int, intercept: float, prediction: float, fidelity: float, weights: tuple[Any, ...]) -> Surrogate:
    components, *_, own, lows, highs = tuple(zip(*weights, strict=True)) or ((),) * len(_WEIGHTS)
    if len(set(components)) < len(components):
        raise ValueError("a surrogate has every component once")
    return Surrogate(label, components, own, lows, highs, intercept, prediction, fidelity)


def _view(text: str) -> View:
    return view_from_dict(json.loads(text))


def _values(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """What an array holds, as Python's numbers and texts; lists and structs as tuples."""
    pa = arrow()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if array.null_count:
        raise ValueError(f"{array.null_count} of {len(array)} values are missing")
    if pa.types.is_list(array.type):
        values, bounds = _values(array.flatten()), np.cumsum([0, *array.value_lengths().to_numpy()]).tolist()
        return [tuple(values[start:stop]) for start, stop in pairwise(bounds)]
    if pa.types.is_struct(array.type):
        return list(zip(*map(_values, array.flatten()), strict=True))
    values = array.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(array.type):  # one NaN for all, as in explanations that were read from JSON
        return [nan if value != value else value for value in values.tolist()] if np.isnan(values).any() else values.tolist()
    return [unescape(value) if isinstance(value, str) else value for value in values.tolist()]
