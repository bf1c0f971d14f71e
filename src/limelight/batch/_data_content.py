"""What arrays, tensors, frames and random generators contain, in plain parts that do not depend on how they lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["describe_data"]


def describe_data(value: Any) -> Sequence[object] | None:
    """The parts of an array, tensor, frame, column or random generator; None for other objects.

    Tensors on other devices are copied here. Of a frame, rows without names count as numbered.
    """
    library = type(value).__module__.partition(".")[0]
    if isinstance(value, np.ndarray):
        return _describe_array(value)
    for base in type(value).__mro__:
        describe = _DESCRIBERS.get((base.__module__.partition(".")[0], base.__name__))
        if describe is not None:
            parts: Sequence[object] = describe(value)
            return parts
    if library == "scipy" and hasattr(value, "tocoo"):
        return _describe_sparse(value)
    return None


def _describe_array(array: np.ndarray) -> Sequence[object]:
    if isinstance(array, np.ma.MaskedArray):
        return [np.ma.getmaskarray(array), array.filled(0) if array.dtype.kind in "biufc" else array.tolist(), array.fill_value]
    array = array.view(np.ndarray)
    if array.dtype.names is not None:  # between the fields there may be bytes that mean nothing
        return [array.shape, *(part for name in array.dtype.names for part in (name, np.ascontiguousarray(array[name])))]
    if array.dtype.hasobject or array.dtype.kind == "T":
        return [array.dtype.str, array.shape, array.ravel().tolist()]
    return [array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes()]


def _describe_scalar(scalar: np.generic) -> Sequence[object]:
    array = np.asarray(scalar)
    return [array.dtype.str, scalar.item() if array.dtype.hasobject or array.dtype.names else scalar.tobytes()]


def _describe_dtype(dtype: np.dtype) -> Sequence[object]:
    return [dtype.descr if dtype.names is not None else dtype.str]


def _describe_sparse(matrix: Any) -> Sequence[object]:
    """The entries of a sparse array in the order of their places, whatever its format."""
    coo = matrix.tocoo().copy()
    coo.sum_duplicates()
    coordinates = getattr(coo, "coords", None) or (coo.row, coo.col)
    return [matrix.shape, coo.data, *(np.asarray(places, dtype=np.int64) for places in coordinates)]


def _describe_generator(generator: Any) -> Sequence[object]:
    return [type(generator.bit_generator), generator.bit_generator.state]


def _describe_random_state(state: Any) -> Sequence[object]:
    return [state.get_state(legacy=False)]


def _describe_tensor(tensor: Any) -> Sequence[object]:
    import torch

    tensor = tensor.detach()
    if tensor.layout != torch.strided:
        tensor = tensor.to_sparse_coo().coalesce()
        return [tuple(tensor.shape), tensor.indices(), tensor.values()]
    if tensor.is_quantized:
        return [tuple(tensor.shape), str(tensor.dtype), tensor.int_repr(), tensor.dequantize()]
    plain = tensor.resolve_conj().resolve_neg().cpu().contiguous()
    return [str(tensor.dtype), tuple(tensor.shape), plain.reshape(-1).view(torch.uint8).numpy().tobytes()]


def _describe_torch_generator(generator: Any) -> Sequence[object]:
    return [str(generator.device), generator.get_state()]


def _describe_pandas_frame(frame: Any) -> Sequence[object]:
    return [frame.columns, frame.index, *(_pandas_values(frame.iloc[:, place].array) for place in range(frame.shape[1]))]


def _describe_pandas_series(series: Any) -> Sequence[object]:
    return [series.name, series.index, _pandas_values(series.array)]


def _describe_pandas_index(index: Any) -> Sequence[object]:
    levels = [index.get_level_values(level) for level in range(index.nlevels)] if index.nlevels > 1 else [index]
    return [list(index.names), *(_pandas_values(level.array) for level in levels)]


def _pandas_values(array: Any) -> Sequence[object]:
    if hasattr(array, "codes"):  # categories
        return ["category", array.categories, array.ordered, np.asarray(array.codes)]
    if hasattr(array, "asi8"):  # times
        return [str(array.dtype), array.asi8]
    if isinstance(array.dtype, np.dtype):
        return [array.to_numpy()]
    return [str(array.dtype), array.to_numpy(dtype=object)]


def _describe_polars_frame(frame: Any) -> Sequence[object]:
    return frame.get_columns()  # type: ignore[no-any-return]


def _describe_polars_series(series: Any) -> Sequence[object]:
    has_plain_numbers = series.dtype.is_numeric() and not series.dtype.is_decimal() and not series.null_count()
    return [series.name, str(series.dtype), series.to_numpy() if has_plain_numbers else series.to_list()]


def _describe_arrow_table(table: Any) -> Sequence[object]:
    return [table.schema, *table.columns]


def _describe_arrow_column(column: Any) -> Sequence[object]:
    return [str(column.type), column.to_pylist()]


def _describe_arrow_scalar(scalar: Any) -> Sequence[object]:
    return [str(scalar.type), scalar.as_py()]


def _describe_as_text(value: Any) -> Sequence[object]:
    return [str(value)]


def _describe_wrapped_frame(frame: Any) -> Sequence[object]:
    return [frame.to_native()]


def _describe_bytes(value: Any) -> Sequence[object]:
    return [bytes(value), getattr(value, "format", ""), getattr(value, "shape", None)]


# By the names of the library and the class, so that no library is imported for objects that are not there.
_DESCRIBERS: dict[tuple[str, str], Any] = {
    ("builtins", "bytearray"): _describe_bytes,
    ("builtins", "memoryview"): _describe_bytes,
    ("numpy", "dtype"): _describe_dtype,
    ("numpy", "generic"): _describe_scalar,
    ("numpy", "Generator"): _describe_generator,
    ("numpy", "RandomState"): _describe_random_state,
    ("torch", "Tensor"): _describe_tensor,
    ("torch", "Generator"): _describe_torch_generator,
    ("pandas", "DataFrame"): _describe_pandas_frame,
    ("pandas", "Series"): _describe_pandas_series,
    ("pandas", "Index"): _describe_pandas_index,
    ("polars", "DataFrame"): _describe_polars_frame,
    ("polars", "Series"): _describe_polars_series,
    ("pyarrow", "Table"): _describe_arrow_table,
    ("pyarrow", "RecordBatch"): _describe_arrow_table,
    ("pyarrow", "ChunkedArray"): _describe_arrow_column,
    ("pyarrow", "Array"): _describe_arrow_column,
    ("pyarrow", "Scalar"): _describe_arrow_scalar,
    ("pyarrow", "Schema"): _describe_as_text,
    ("pyarrow", "DataType"): _describe_as_text,
    ("pyarrow", "Field"): _describe_as_text,
    ("narwhals", "DataFrame"): _describe_wrapped_frame,
    ("narwhals", "Series"): _describe_wrapped_frame,
}
