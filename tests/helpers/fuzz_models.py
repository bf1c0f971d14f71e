"""Models for tests that look for counterexamples: sound ones for inputs of any kind, and every kind of misbehaviour."""

# ruff: noqa: ARG005 - every answer takes the scores, the batch and the number of the call, whether it uses them or not

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

Answer = Callable[[np.ndarray, Any, int], Any]
"""From sound scores between 0 and 1, of shape (n,), the batch and the number of the call to what the model returns."""


def score_value(value: Any) -> float:
    """A number between 0 and 1 that depends on the value alone, whatever it is."""
    if value is None or value is pd.NA or value is pd.NaT:
        return 0.3
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):
            return 0.9
        return 0.3 if math.isnan(number) else 0.5 + math.atan(number) / 3.2
    if isinstance(value, (list, tuple)):
        return sum(map(score_value, value)) / (1 + len(value))
    return zlib.crc32(repr(value).encode("utf-8", "backslashreplace")) / 2**32


def columns_of(batch: Any) -> list[list[Any]]:
    if isinstance(batch, pd.DataFrame):
        return [_listed(batch.iloc[:, number]) for number in range(batch.shape[1])]
    if isinstance(batch, pl.DataFrame):
        return [_listed(column) for column in batch.iter_columns()]
    if isinstance(batch, pa.Table):
        return [_listed(column) for column in batch.columns]
    if sparse.issparse(batch):
        batch = batch.toarray()
    if isinstance(batch, np.ndarray) and batch.ndim > 1:
        rows = batch.reshape(len(batch), -1)
        return [_listed(rows[:, number]) for number in range(rows.shape[1])]
    return [list(batch)]


def _listed(column: Any) -> list[Any]:
    try:
        to_list = getattr(column, "to_pylist", None) or getattr(column, "tolist", None) or column.__iter__
        return list(to_list())
    except Exception:  # dates beyond Python's, say
        return [0.5] * len(column)


def sound_scores(batch: Any) -> np.ndarray:
    """Scores between 0 and 1, of shape (n,), that add up what each column, or the only text, says."""
    with np.errstate(all="ignore"):
        columns = [np.array([score_value(value) for value in column]) for column in columns_of(batch)]
        count = batch.shape[0] if hasattr(batch, "shape") else len(batch)
        weights = [1 / (2 + number) for number in range(len(columns))]
        total = sum((weight * column for weight, column in zip(weights, columns, strict=True)), np.zeros(count))
        return np.asarray(total / max(1e-9, sum(weights)))


class Model:
    """A model that answers in its own way, counts its calls, and sees how floating-point errors are handled around it.

    Attributes
    ----------
    errors : list of dict
        What ``numpy.geterr`` said in each call.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.errors: list[Any] = []

    def __call__(self, batch: Any) -> Any:
        self.errors.append(np.geterr())
        with np.errstate(all="ignore"):
            return self.answer(sound_scores(batch), batch, len(self.errors))


def _two(scores: np.ndarray) -> np.ndarray:
    return np.stack([1 - scores, scores], axis=1)


def _mutate(scores: np.ndarray, batch: Any, call: int) -> Any:  # noqa: ARG001
    try:
        if isinstance(batch, np.ndarray):
            batch[...] = batch[:1] if len(batch) else batch
        elif isinstance(batch, pd.DataFrame):
            batch.iloc[:, :] = batch.iloc[[0] * len(batch)].to_numpy()
            batch["new"] = 1
            batch.index = range(len(batch), 0, -1)
        elif isinstance(batch, list):
            batch.clear()
        elif sparse.issparse(batch):
            batch.data[:] = 0
    except Exception:  # what cannot be changed stays
        pass
    return scores


_BUFFER = np.zeros(10**5)


def _in_buffer(scores: np.ndarray) -> np.ndarray:
    """Probabilities in a part of one array, which the next answer writes over."""
    view = _BUFFER[: 2 * len(scores)].reshape(-1, 2)
    view[...] = _two(scores)
    return view


def _raise(kind: type[BaseException], from_call: int) -> Answer:
    def answer(scores: np.ndarray, batch: Any, call: int) -> Any:  # noqa: ARG001
        if call >= from_call:
            raise kind("no")
        return scores

    return answer


class _Odd:
    """It looks like an array, and is none."""

    shape = (3, 2)

    def __len__(self) -> int:
        return 3

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise RuntimeError("no array")


def _structured(scores: np.ndarray) -> np.ndarray:
    records = np.zeros(len(scores), dtype=[("a", float), ("b", float)])
    records["a"] = scores
    return records


def _only(answer: Callable[[np.ndarray], Any]) -> Answer:
    return lambda scores, batch, call: answer(scores)


SOUND: dict[str, Answer] = {
    "scores": _only(lambda s: s),
    "column": _only(lambda s: s[:, None]),
    "probabilities": _only(_two),
    "three outputs": _only(lambda s: np.stack([s, s**2, -s], axis=1)),
    "whole numbers": _only(lambda s: (s * 5).astype(int)),
    "truth": _only(lambda s: s > 0.5),
    "one input each": _only(lambda s: [float(x) for x in s]),
    "lists of lists": _only(lambda s: _two(s).tolist()),
    "float16": _only(lambda s: s.astype(np.float16)),
    "float32": _only(lambda s: _two(s).astype(np.float32)),
    "longdouble": _only(lambda s: s.astype(np.longdouble)),
    "large": _only(lambda s: s * 1e140),
    "tiny": _only(lambda s: s * 1e-300),
    "denormal": _only(lambda s: s * 1e-318),
    "beside a large number": _only(lambda s: s + 1e12),
    "read-only": _only(lambda s: np.broadcast_to(s[:, None], (len(s), 2))),
    "reversed strides": _only(lambda s: np.ascontiguousarray(s[::-1])[::-1]),
    "not contiguous": _only(lambda s: np.repeat(s, 3)[::3]),
    "Fortran": _only(lambda s: np.asfortranarray(_two(s))),
    "objects": _only(lambda s: s.astype(object)),
    "pandas frame": _only(lambda s: pd.DataFrame(_two(s), columns=["no", "yes"])),
    "pandas series": _only(lambda s: pd.Series(s)),
    "polars frame": _only(lambda s: pl.DataFrame(_two(s), schema=["no", "yes"])),
    "polars series": _only(lambda s: pl.Series(s)),
    "arrow table": _only(lambda s: pa.table({"no": 1 - s, "yes": s})),
    "arrow array": _only(lambda s: pa.array(s)),
    "nullable series": _only(lambda s: pd.Series(s, dtype="Float64")),
    "mapping": _only(lambda s: {"no": 1 - s, "yes": s}),
    "mappings": _only(lambda s: [{"no": 1 - x, "yes": x} for x in s.tolist()]),
    "masked, nothing masked": _only(lambda s: np.ma.array(s)),
    "unsigned": _only(lambda s: (s * 200).astype(np.uint8)),
    "big integers": _only(lambda s: (s * 100).astype(int) + 2**62),
    "python integers": _only(lambda s: [int(x * 100) * 10**30 for x in s]),
    "byte order": _only(lambda s: s.astype(">f8")),
    "views of one buffer": _only(_in_buffer),
    "12 outputs": _only(lambda s: s[:, None] * np.arange(12)),
}

CONSTANT: dict[str, Answer] = {
    "zeros": _only(np.zeros_like),
    "ones": _only(np.ones_like),
    "constant probabilities": _only(lambda s: np.tile([0.25, 0.75], (len(s), 1))),
    "large constant": _only(lambda s: np.full(len(s), -1e149)),
    "denormal constant": _only(lambda s: np.full(len(s), 5e-324)),
    "minus zero": _only(lambda s: np.where(s > 0.5, -0.0, 0.0)),
    "constant pi": _only(lambda s: np.full((len(s), 3), np.pi)),
    "false": _only(lambda s: np.zeros(len(s), dtype=bool)),
}

BAD: dict[str, Answer] = {
    "None": _only(lambda s: None),
    "one number": _only(lambda s: 0.5),
    "empty": _only(lambda s: []),
    "a row too few": _only(lambda s: s[:-1]),
    "a row too many": _only(lambda s: np.append(s, 0.5)),
    "transposed": _only(lambda s: _two(s).T),
    "three dimensions": _only(lambda s: s[:, None, None]),
    "no columns": _only(lambda s: np.empty((len(s), 0))),
    "mean": _only(lambda s: s.mean()),
    "text": _only(lambda s: "yes"),
    "texts": _only(lambda s: np.where(s > 0.5, "yes", "no")),
    "object texts": _only(lambda s: np.where(s > 0.5, "yes", "no").astype(object)),
    "texts of numbers": _only(lambda s: s.astype(str)),
    "bytes": _only(lambda s: [b"x"] * len(s)),
    "NaN": _only(lambda s: np.full(len(s), np.nan)),
    "some NaN": _only(lambda s: np.where(s > np.median(s), np.nan, s)),
    "inf": _only(lambda s: np.where(s >= s.max(), np.inf, s)),
    "minus inf": _only(lambda s: np.full(len(s), -np.inf)),
    "huge": _only(lambda s: s * 1e300),
    "huge integers": _only(lambda s: [10**400] * len(s)),
    "objects with None": _only(lambda s: np.array([None, *s[1:]], dtype=object)),
    "Nones": _only(lambda s: [None] * len(s)),
    "complex": _only(lambda s: s + 1j),
    "times": _only(lambda s: (s * 1000).astype("datetime64[s]")),
    "durations": _only(lambda s: (s * 1000).astype("timedelta64[s]")),
    "structured": _only(_structured),
    "ragged": _only(lambda s: [[1.0] * (1 + i % 2) for i in range(len(s))]),
    "masked": _only(lambda s: np.ma.array(s, mask=s > np.median(s))),
    "sparse": _only(lambda s: sparse.csr_array(_two(s))),
    "sparse matrix": _only(lambda s: sparse.csr_matrix(_two(s))),
    "generator": _only(lambda s: (x for x in s)),
    "mapping of ragged": _only(lambda s: {"a": s, "b": s[:1]}),
    "mapping of texts": _only(lambda s: {"a": ["x"] * len(s)}),
    "empty mapping": _only(lambda s: {}),
    "mappings of other keys": _only(lambda s: [{str(i % 2): x} for i, x in enumerate(s.tolist())]),
    "list of arrays": _only(lambda s: [_two(s), _two(s)]),
    "tuple": _only(lambda s: (s, s)),
    "set": _only(lambda s: set(s.tolist())),
    "odd object": _only(lambda s: _Odd()),
    "lazy frame": _only(lambda s: pl.LazyFrame({"a": s})),
    "frame of texts": _only(lambda s: pd.DataFrame({"a": ["x"] * len(s)})),
    "frame with nulls": _only(lambda s: pl.DataFrame({"a": [None, *s[1:].tolist()]}, schema={"a": pl.Float64})),
    "frame with equal names": _only(lambda s: pd.DataFrame(_two(s), columns=["a", "a"])),
    "series with NA": _only(lambda s: pd.Series([pd.NA, *s[1:]], dtype="Float64")),
    "shuffled series": _only(lambda s: pd.Series(s, index=np.arange(len(s))[::-1])),
    "shuffled frame": lambda s, batch, call: pd.DataFrame(_two(s)).sample(frac=1, random_state=call),
    "its input": lambda s, batch, call: batch,
    "mutates its input": _mutate,
    "depends on its batch": _only(lambda s: s - s.mean()),
    "scales within its batch": _only(lambda s: (s - s.min()) / (np.ptp(s) + 1e-12)),
    "ranks": _only(lambda s: np.argsort(np.argsort(s))),
    "sorted": _only(np.sort),
    "reversed": _only(lambda s: s[::-1]),
    "by chance": _only(lambda s: s + np.random.default_rng().normal(size=len(s))),
    "changes its mind": lambda s, batch, call: s * call,
    "other columns later": lambda s, batch, call: np.tile(s[:, None], (1, 1 + call)),
    "other names later": lambda s, batch, call: pd.DataFrame({f"a{call}": s, f"b{call}": s}),
    "other kind later": lambda s, batch, call: s if call % 2 else _two(s),
    "other types later": lambda s, batch, call: s if call % 2 else [str(x) for x in s],
    "300 columns": _only(lambda s: np.ones((len(s), 300))),
    "almost probabilities": _only(lambda s: _two(s) * 1.004),
    "per cent": _only(lambda s: _two(s) * 100),
    "logarithms": _only(lambda s: np.log(np.clip(_two(s), 1e-9, 1))),
    "a tail of 1e149": _only(lambda s: np.where(s >= s.max(), 1e149, s)),
    "a spread of 1e-160 about 1": _only(lambda s: 1 + s * 1e-160),
    "a spread of 1e-15 about 1": _only(lambda s: 1 + s * 1e-15),
    "exits": _raise(SystemExit, 1),
    "raises": _raise(ValueError, 1),
    "raises later": _raise(KeyError, 2),
    "raises MemoryError": _raise(MemoryError, 1),
    "raises RecursionError": _raise(RecursionError, 2),
    "raises StopIteration": _raise(StopIteration, 1),
    "raises FloatingPointError": _raise(FloatingPointError, 2),
    "raises AssertionError": _raise(AssertionError, 1),
    "raises UnicodeError": _raise(UnicodeError, 1),
    "raises a Warning": _raise(UserWarning, 1),
}
