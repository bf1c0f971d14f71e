"""Readings of models as sums, kept while the models live, and as long as the models hold what was read."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.stages.leaf_sum import LeafSum

__all__ = ["Kept", "Reading", "Refusal", "content_of_arrays", "content_of_object", "read_once"]


class Refusal(NamedTuple):
    """What a reader gives for a model that it knows, but which is no sum as it is used here.

    Attributes
    ----------
    reason : str
        For a reader of the explanation, who may expect it to be exact.
    """

    reason: str


Reading = LeafSum | Refusal | None
Kept = WeakKeyDictionary[Any, dict[str, tuple[object, Reading]]]
"""Of each model's methods, by name: what the model held when it was read, and the reading."""


def read_once(kept: Kept, owner: Any, name: str, content: object, read: Callable[[], Reading]) -> Reading:
    """What `read` gives: it is called again only if the model, which is `owner`, holds something else than before."""
    by_name = kept.setdefault(owner, {})
    if name not in by_name or by_name[name][0] != content:
        by_name[name] = content, read()
    return by_name[name][1]


def content_of_arrays(arrays: Iterable[np.ndarray]) -> tuple[int, ...]:
    """A number of 64 bits for each array of numbers, which is another one once the array has been written to.

    Bytes have a faster hash in Python than in `hashlib`: a forest of 100 trees takes a tenth of a millisecond.
    """
    return tuple(hash(array.tobytes()) for array in arrays)


def content_of_object(value: Any) -> object:
    """The same of everything that an object holds but for functions; where that cannot be told, what equals nothing else."""
    written = io.BytesIO()
    try:
        _Pickler(written, pickle.HIGHEST_PROTOCOL).dump(value)
    except Exception:  # of any class
        return object()
    return hash(written.getvalue())


class _Pickler(pickle.Pickler):
    """Writes down objects that hold functions which no other process could read: selectors of columns, or inverses."""

    def persistent_id(self, value: object) -> str | None:
        return "function" if isinstance(value, (FunctionType, MethodType, np.ufunc)) else None
