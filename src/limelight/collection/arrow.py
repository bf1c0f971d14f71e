"""Explanations as Arrow tables and back: a row for each instance, nested lists for its weights.

Texts are stored as UTF-8, which cannot hold lone surrogates. Therefore each lone surrogate, and each NUL, is escaped: it
becomes NUL and its number in four hexadecimal digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from functools import cache
from itertools import chain, pairwise, starmap
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._checks import check_choice
from limelight.collection.failure import Failure
from limelight.exceptions import ArgumentError, missing_dependency, require
from limelight.results.explanation import Explanation, Notice, Provenance, Surrogate, check_consistency
from limelight.results.view_registry import view_from_dict
from limelight.results.views import View

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Entry",
    "arrow",
    "check_no_gaps",
    "check_schema",
    "entries_of",
    "escape",
    "id_array",
    "read_ids",
    "schema",
    "table_of",
    "to_backend",
    "unescape",
]

Entry = Explanation | Failure

SCHEMA_VERSION = 2
# Keys in the schema's metadata.
_KIND_KEY = b"limelight"
_VERSION_KEY = b"limelight.schema"

_FIGURES = ("intercept", "local_prediction", "fidelity", "fidelity_error")
_CERTAINTY = ("sign_probability", "top_probability", "best_rank", "worst_rank")
_LEFT_OUT = "left_out"
_NOTICE = ("code", "message", "level")
_WEIGHTS = ("component", "name", "feature", "value", "weight", "low", "high", *_CERTAINTY)
_DOUBLES = ("effective_sample_size", "confidence")
_RECORD = tuple(field.name for field in fields(Provenance))
_RECORDED_INTEGERS = ("random_state", "nominal_draws")
_RECORDED_DOUBLES = ("kernel_width", "alpha", "tolerance", "certainty", "kernel_share")
_COUNTS = ("num_samples", "num_inputs")

_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_ESCAPED = re.compile("\0([0-9a-f]{4})")


def arrow() -> Any:
    """Import pyarrow.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    return require("pyarrow", extra="batch", purpose="a collection of explanations")


@cache
def schema() -> pa.Schema:
    """The columns, and metadata that tells their version.

    In `surrogates`, `name` is the component's name, `feature` is what it is about (its column or columns in a table, its name
    elsewhere) and `value` is what the instance has there. `id` is null where the user gave none. Where an instance could not
    be explained, `error` has a value and all columns after it are null. `view` is JSON. The `random_state` in `provenance` is a
    text because it may have any number of digits, and so are other integers there.
    """
    pa = arrow()
    text, number, double = pa.string(), pa.int32(), pa.float64()

    def many(kind: Any) -> Any:
        return pa.list_(pa.field("element", kind))

    kinds = (number, text, text, text, double, double, double, *(double for _ in _CERTAINTY))
    surrogate = {"label": number, **dict.fromkeys(_FIGURES, double), _LEFT_OUT: many(many(pa.float32()))}
    columns = {
        "item": pa.int64(),
        "id": text,
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
        "provenance": pa.struct({name: double if name in _RECORDED_DOUBLES else text for name in _RECORD}),
        "notices": many(pa.struct(dict.fromkeys(_NOTICE, text))),
    }
    return pa.schema(columns, metadata={_KIND_KEY: b"explanations", _VERSION_KEY: str(SCHEMA_VERSION).encode()})


def check_schema(other: pa.Schema, place: str) -> None:
    """Refuse a table that does not hold explanations as this version writes them.

    Raises
    ------
    ArgumentError
        If its metadata or its columns differ from `schema`.
    """
    metadata = other.metadata or {}
    if metadata.get(_KIND_KEY) != b"explanations":
        raise ArgumentError(f"{place} holds no explanations that limelight saved.")
    if metadata.get(_VERSION_KEY) != str(SCHEMA_VERSION).encode():
        version = metadata.get(_VERSION_KEY, b"none").decode(errors="replace")
        raise ArgumentError(
            f"{place} holds explanations of schema {version:.20}; this version of limelight reads schema {SCHEMA_VERSION}."
        )
    missing = [field.name for field in schema() if field.name not in other.names]
    unknown = [name for name in other.names if name not in schema().names]
    if missing or unknown or len(other.names) != len(schema()):
        raise ArgumentError(f"{place} lacks columns {missing} and has unknown ones {unknown}; limelight did not write it.")
    mistyped = [field.name for field in schema() if other.field(field.name).type != field.type]
    if mistyped:
        raise ArgumentError(f"{place} has columns of other types than limelight writes: {mistyped}.")


def check_backend(backend: str) -> None:
    """Refuse what is no library of frames.

    Raises
    ------
    ArgumentError
        If it is another one.
    """
    check_choice("backend", backend, ("pandas", "polars", "pyarrow"))


def to_backend(table: pa.Table, backend: str) -> Any:
    """Convert an Arrow table to a frame of pandas, polars or pyarrow.

    Raises
    ------
    ArgumentError
        If the backend is another one.
    MissingDependencyError
        If the backend is not installed.
    """
    import narwhals.stable.v2 as nw

    check_backend(backend)
    try:
        return nw.from_arrow(table, backend=nw.Implementation.from_backend(backend)).to_native()  # type: ignore[arg-type]
    except ImportError as error:
        raise missing_dependency(f"a frame of {backend}", backend, extra=None) from error


def check_no_gaps(table: pa.Table) -> None:
    """Refuse a table with gaps: a null within a list or a struct, or in the column of items.

    Raises
    ------
    ArgumentError
        If there is one.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        has_gaps = any(_has_gaps(chunk.drop_null()) for chunk in column.chunks)
        if has_gaps or (name == "item" and column.null_count):
            raise ArgumentError(f"there are gaps in column {name!r}.")


def _has_gaps(array: pa.Array) -> bool:
    pa = arrow()
    parts = [array.flatten()] if pa.types.is_list(array.type) else array.flatten() if pa.types.is_struct(array.type) else []
    return any(part.null_count or _has_gaps(part) for part in parts)


def table_of(entries: Sequence[Entry], items: Sequence[int] | np.ndarray) -> pa.Table:
    """Store explanations and failures in a table of `schema`.

    Parameters
    ----------
    entries : sequence of Explanation or Failure
        One for each instance.
    items : sequence of int
        The number of each instance.

    Raises
    ------
    ArgumentError
        If their texts are longer than an Arrow array can hold.
    """
    pa = arrow()
    columns = _explanation_columns([entry for entry in entries if isinstance(entry, Explanation)])
    table = pa.table(columns, schema=pa.schema([field for field in schema() if field.name in columns]))
    failed = np.array([isinstance(entry, Failure) for entry in entries], dtype=bool)
    if failed.any():  # a row of nulls for each
        table = table.take(pa.array(np.cumsum(~failed) - 1, pa.int64(), mask=failed))
    failures = [entry if isinstance(entry, Failure) else Failure("", "") for entry in entries]
    texts = [_text_array([failure.error for failure in failures]), _text_array([failure.message for failure in failures])]
    errors = pa.StructArray.from_arrays(texts, fields=list(schema().field("error").type), mask=pa.array(~failed))
    identities = [pa.array(items, pa.int64()), id_array([entry.id for entry in entries])]
    return pa.table([*identities, errors, *table.columns], schema=schema())


def id_array(ids: Sequence[str | None]) -> pa.Array:
    """The column of instances' ids."""
    return arrow().array([None if id is None else escape(id) for id in ids], arrow().string())


def read_ids(table: pa.Table) -> list[str | None]:
    """The ids in a table that has their column."""
    return [None if id is None else unescape(id) for id in table["id"].to_pylist()]


def _explanation_columns(explanations: Sequence[Explanation]) -> dict[str, pa.Array]:
    """The columns of explained instances, in the schema's order."""
    pa = arrow()

    def all_of(name: str) -> list[Any]:
        return [getattr(explanation, name) for explanation in explanations]

    notices = _flatten(all_of("notices"))
    of_notices = [_text_array([getattr(notice, name) for notice in notices]) for name in _NOTICE]
    values = {
        "surrogates": _surrogate_array(explanations),
        "names": _text_array(_flatten(all_of("names"))),
        # Without JSON's escapes: two escaped lone surrogates that make a pair would be read as one character.
        "view": _text_array([json.dumps(view.to_dict(), ensure_ascii=False) for view in all_of("view")], pa.large_string()),
        "predictions": _double_array(_flatten(all_of("predictions"))),
        "output_names": _text_array(_flatten(all_of("output_names"))),
        "output_kind": _text_array(all_of("output_kind")),
        "default_label": pa.array(all_of("default_label"), pa.int32()),
        **{name: pa.array(all_of(name), pa.int64()) for name in _COUNTS},
        **{name: _double_array(all_of(name)) for name in _DOUBLES},
        "converged": pa.array(map(bool, all_of("converged")), pa.bool_()),
        "provenance": _provenance_array(all_of("provenance")),
        "notices": pa.StructArray.from_arrays(of_notices, fields=list(schema().field("notices").type.value_type)),
    }
    kinds = {name: schema().field(name).type for name in values}
    return {
        name: _list_array(all_of(name), values[name], kind) if pa.types.is_list(kind) else values[name]
        for name, kind in kinds.items()
    }


def _provenance_array(records: Sequence[Provenance]) -> pa.StructArray:
    columns = {name: [getattr(record, name) for record in records] for name in _RECORD}
    arrays = [
        _double_array(values) if name in _RECORDED_DOUBLES else _text_array(list(map(str, values)))
        for name, values in columns.items()
    ]
    return arrow().StructArray.from_arrays(arrays, fields=list(schema().field("provenance").type))


def _surrogate_array(explanations: Sequence[Explanation]) -> pa.StructArray:
    """The surrogates of all explanations, one after the other."""
    pa = arrow()
    surrogates = _flatten([explanation.surrogates for explanation in explanations])
    names: list[str] = []
    features: list[str] = []
    values: list[str] = []
    for explanation in explanations:
        columns, instance = explanation.view.columns(), explanation.view.values()
        for surrogate in explanation.surrogates:
            for component in surrogate.components:
                name = explanation.names[component]
                names.append(name)
                features.append(columns.get(component, name))
                values.append(instance[component])
    kind = schema().field("surrogates").type.value_type
    weights = [
        pa.array(_flatten([surrogate.components for surrogate in surrogates]), pa.int32()),
        *(_text_array(texts) for texts in (names, features, values)),
        *(_double_array(_flatten([getattr(surrogate, name) for surrogate in surrogates])) for name in Surrogate.OF_COMPONENTS),
    ]
    inner = kind.field("weights").type
    struct = pa.StructArray.from_arrays(weights, fields=list(inner.value_type))
    numbers = [_double_array([getattr(surrogate, name) for surrogate in surrogates]) for name in _FIGURES]
    labels = pa.array([surrogate.label for surrogate in surrogates], pa.int32())
    lists = _list_array([surrogate.components for surrogate in surrogates], struct, inner)
    all_left_out = [surrogate.left_out for surrogate in surrogates]
    fits, of_surrogates = _flatten(all_left_out), kind.field(_LEFT_OUT).type
    of_fits = _list_array(fits, pa.array(_flatten(fits), pa.float32()), of_surrogates.value_type)
    left_out = _list_array(all_left_out, of_fits, of_surrogates)
    return pa.StructArray.from_arrays([labels, *numbers, left_out, lists], fields=list(kind))


def _flatten(parts: Iterable[Iterable[Any]]) -> list[Any]:
    return list(chain.from_iterable(parts))


def _list_array(parts: Sequence[Sequence[Any]], values: pa.Array, kind: pa.ListType) -> pa.ListArray:
    """Cut an array of values into lists that are as long as the parts."""
    pa = arrow()
    offsets = pa.array(np.cumsum([0, *map(len, parts)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, values, type=kind)


def _double_array(values: list[float]) -> pa.Array:
    return arrow().array(values, arrow().float64())


def _text_array(values: list[str], kind: pa.DataType | None = None) -> pa.Array:
    pa = arrow()
    kind = kind or pa.string()
    try:
        array = pa.array(values if "\0" not in "".join(values) else map(escape, values), kind)
    except UnicodeEncodeError:
        array = pa.array(map(escape, values), kind)
    if isinstance(array, pa.ChunkedArray):  # the texts did not fit into one array
        raise ArgumentError(
            "explanations that are stored together hold more than 2^31 bytes of names or values; store fewer at a time: give a "
            "smaller chunk_size, or join several Explanations.of(...) with Explanations.concat."
        )
    return array


def escape(text: str) -> str:
    """Escape what UTF-8 cannot hold; see the module's docstring."""
    return _UNWRITABLE.sub(lambda match: f"\0{ord(match[0]):04x}", text)


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "\0" in text else text


def entries_of(table: pa.Table) -> list[Entry]:
    """Read the explanations and failures that a table of `schema` holds; the inverse of `table_of`.

    Raises
    ------
    ArgumentError
        If they are incomplete or invalid.
    """
    error = table["error"]
    failed = error.is_valid()
    try:
        ids = read_ids(table)
        failures = iter([Failure(*texts) for texts in _python_values(error.drop_null())])
        explained = table.filter(arrow().compute.invert(failed)) if error.null_count < len(error) else table
        explanations = iter(_read_explanations(explained))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as fault:
        raise ArgumentError(f"the stored explanations are incomplete or invalid: {str(fault).removesuffix('.')}.") from fault
    entries: list[Entry] = [next(failures) if is_failure else next(explanations) for is_failure in failed.to_pylist()]
    return [entry if id is None else replace(entry, id=id) for entry, id in zip(entries, ids, strict=True)]


def _read_explanations(table: pa.Table) -> list[Explanation]:
    columns = {name: _python_values(table[name]) for name in schema().names if name not in ("item", "id", "error")}
    columns["surrogates"] = [tuple(starmap(_read_surrogate, surrogates)) for surrogates in columns["surrogates"]]
    columns["view"] = list(map(_read_view, columns["view"]))
    columns["provenance"] = list(starmap(_read_provenance, columns["provenance"]))
    columns["notices"] = [tuple(starmap(Notice, notices)) for notices in columns["notices"]]
    explanations = [Explanation(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    for explanation in explanations:
        check_consistency(explanation)
    return explanations


def _read_provenance(*values: Any) -> Provenance:
    record = dict(zip(_RECORD, values, strict=True))
    return Provenance(**{**record, **{name: int(record[name]) for name in _RECORDED_INTEGERS}})


def _read_surrogate(label: int, *figures_and_weights: Any) -> Surrogate:
    *figures, weights = figures_and_weights  # the last of them is left_out
    columns: tuple[Any, ...] = tuple(zip(*weights, strict=True)) or ((),) * len(_WEIGHTS)
    components, of_components = columns[0], columns[-len(Surrogate.OF_COMPONENTS) :]
    if len(set(components)) < len(components):
        raise ValueError("a surrogate must report a component only once")
    if any(len(fit) != 1 + len(components) for fit in figures[-1]):
        raise ValueError("each fit of a surrogate must have an intercept and one weight for each component")
    return Surrogate(label, components, *of_components, *figures)


def _read_view(text: str) -> View:
    return view_from_dict(json.loads(text))


def _python_values(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values of an array as Python's numbers and texts; lists and structs become tuples."""
    pa = arrow()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if array.null_count:
        raise ValueError(f"{array.null_count} of {len(array)} values are missing")
    if pa.types.is_list(array.type):
        values, bounds = _python_values(array.flatten()), np.cumsum([0, *array.value_lengths().to_numpy()]).tolist()
        return [tuple(values[start:stop]) for start, stop in pairwise(bounds)]
    if pa.types.is_struct(array.type):
        return list(zip(*map(_python_values, array.flatten()), strict=True))
    values = array.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(array.type):  # one NaN for all, as in explanations that were read from JSON
        return [nan if value != value else value for value in values.tolist()] if np.isnan(values).any() else values.tolist()
    return [unescape(value) if isinstance(value, str) else value for value in values.tolist()]
