"""A batch taken apart into its inputs, and the key by which the answer for each of them is found again."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import numpy as np

from limelight._checks import row_values, wrap_frame
from limelight.exceptions import ArgumentTypeError, describe_error, is_interruption

__all__ = ["find_key", "take_apart"]

_KEY_BYTES = 20  # two of 1e12 inputs have equal keys with a probability of 1e-24


def take_apart(batch: Any) -> list[Any]:
    """The inputs of a batch, one by one: of a frame a dict for each row, of an array copies of its rows, else its elements.

    Examples
    --------
    >>> import pandas
    >>> from limelight.models._single_inputs import take_apart
    >>> take_apart(pandas.DataFrame({"age": [20, 30], "job": ["cook", "smith"]}))
    [{'age': 20, 'job': 'cook'}, {'age': 30, 'job': 'smith'}]
    """
    if isinstance(batch, (list, tuple)):
        return list(batch)
    if isinstance(batch, np.ndarray):
        return [row.copy() if isinstance(row, np.ndarray) else row for row in batch]
    if hasattr(batch, "tocsr"):
        sparse = batch.tocsr()
        return [sparse[[number]] for number in range(sparse.shape[0])]
    if hasattr(batch, "columns"):
        import narwhals.stable.v2 as nw

        frame = wrap_frame(batch)
        if isinstance(frame, nw.DataFrame):
            return [dict(zip(frame.columns, values, strict=True)) for values in row_values(frame)]
    return list(batch)


def find_key(cache_key: str, repetition: int, content: object) -> bytes:
    """A hash of an input's content, of whose answer it is, and of how often it has been asked about before.

    Raises
    ------
    ArgumentTypeError
        If the input cannot be compared with others.

    Examples
    --------
    >>> from limelight.models._single_inputs import find_key
    >>> find_key("model", 0, "a film") == find_key("model", 0, "a film"), find_key("model", 0, 1) == find_key("model", 0, 1.0)
    (True, False)
    """
    digest = blake2b(digest_size=_KEY_BYTES)
    for part in (cache_key.encode("utf-8", "surrogatepass"), b"%d" % repetition, _encode(content)):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def _encode(value: Any) -> bytes:
    """Bytes that are equal for equal inputs only; they are never read back."""
    kind = type(value)
    if isinstance(value, str) and kind is str:
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes) and kind is bytes:
        return b"b" + value
    if value is None or kind in (bool, int, float, complex, Decimal):
        return f"{kind.__name__} {value!r}".encode()
    if isinstance(value, (date, time, timedelta)):
        return f"{kind.__name__} {value!r} {getattr(value, 'nanosecond', '')}".encode()
    if isinstance(value, (list, tuple)):
        return _join(kind.__name__, map(_encode, value))
    if isinstance(value, Mapping):
        return _join("mapping", (_encode(item) for pair in value.items() for item in pair))
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        array = np.ascontiguousarray(value)
        return _join("array", [value.dtype.str.encode(), str(value.shape).encode(), array.tobytes()])
    if isinstance(value, np.ndarray):
        return _join("objects", [str(value.shape).encode(), *map(_encode, value.reshape(-1).tolist())])
    if hasattr(value, "tocoo"):
        entries = value.tocoo()
        return _join("sparse", map(_encode, [entries.shape, entries.row, entries.col, entries.data]))
    try:
        return b"p" + pickle.dumps(value, protocol=4)
    except BaseException as error:  # any class may fail to be pickled in its own way
        if is_interruption(error):
            raise
        raise ArgumentTypeError(
            f"the inputs of a RemoteModel must be texts, numbers, arrays, lists and mappings of them, or objects that can be "
            f"pickled, so that answers can be found again; got {kind.__name__} ({describe_error(error)})."
        ) from error


def _join(tag: str, parts: Iterable[bytes]) -> bytes:
    joined = [tag.encode()]
    for part in parts:
        joined += [b"%d:" % len(part), part]
    return b" ".join(joined)
