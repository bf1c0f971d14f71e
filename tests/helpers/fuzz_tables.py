"""Tables of every dtype, for tests that look for counterexamples: odd values, odd labels, odd layouts."""

# ruff: noqa: ARG005 - every maker of a column takes a generator, a count and a flavour, whether it uses them or not

from __future__ import annotations

import datetime as dt
import enum
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from scipy import sparse

EXTREME_FLOATS = (
    np.inf, -np.inf, np.nan, 0.0, -0.0, 5e-324, -2.2e-308, 1e-300, 1e300, -1e308, 1.7976931348623157e308, 2.0**53 + 2, 0.1, 1.0,
)  # fmt: skip
EXTREME_TEXTS = (
    "",
    " ",
    "a",
    "\ud800",
    "x\udfffy",
    "\0",
    "long " * 4000,
    "\n\t",
    "né",
    "🙂",
    "<b>&",
    "None",
    "nan",
    "1",
    "1.0",
    "a" * 300,
)
UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
Values = list[Any]


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


def _ints(dtype: Any, rng: np.random.Generator, count: int, flavour: int) -> np.ndarray:
    """Whole numbers: small ones, any of the type, its ends, or one alone."""
    info = np.iinfo(dtype)
    if flavour == 0:
        return rng.integers(0, 5, count).astype(dtype)
    if flavour == 1:
        return rng.integers(info.min, info.max, count, dtype=dtype, endpoint=True)
    if flavour == 2:
        return rng.choice(np.array([info.min, info.max, 0, 1, info.max - 1, info.max // 2], dtype=dtype), count)
    return np.full(count, info.max if flavour == 3 else 1, dtype=dtype)


def _floats(dtype: Any, rng: np.random.Generator, count: int, flavour: int) -> np.ndarray:
    with np.errstate(all="ignore"):
        if flavour == 0:
            return rng.normal(size=count).astype(dtype)
        if flavour == 1:
            return rng.choice(np.array(EXTREME_FLOATS), count).astype(dtype)
        if flavour == 2:
            numbers = rng.normal(size=count) * 10.0 ** rng.integers(-320, 300)
            return numbers.astype(dtype)
        if flavour == 3:
            return np.full(count, rng.choice(np.array(EXTREME_FLOATS))).astype(dtype)
        numbers = (rng.integers(0, 4, count) + rng.choice([0.0, 1e15, 0.5])).astype(dtype)
        numbers[rng.random(count) < 0.3] = np.nan
        return numbers


def _texts(rng: np.random.Generator, count: int, flavour: int, *, writable: bool = False) -> Values:
    pool = ["red", "green", "blue"] if flavour in (0, 4) else list(EXTREME_TEXTS)
    if writable:  # as UTF-8, without lone surrogates
        pool = [text for text in pool if not any("\ud800" <= sign <= "\udfff" for sign in text)]
    if flavour == 2:
        return [f"word {number}" for number in range(count)]
    if flavour == 3:
        pool = pool[:1]
    return [pool[number] for number in rng.integers(0, len(pool), count)]


def _with_gaps(values: Any, rng: np.random.Generator, gap: Any = None) -> Values:
    values = list(values)
    share = rng.choice([0.0, 0.0, 0.3, 1.0])
    return [gap if rng.random() < share else value for value in values]


def _dates(rng: np.random.Generator, count: int, flavour: int) -> list[dt.date]:
    if flavour == 1:
        ends = [dt.date.min, dt.date.max, dt.date(1970, 1, 1), dt.date(1969, 12, 31)]
        return [ends[number] for number in rng.integers(0, 4, count)]
    return [dt.date(2020, 1, 1) + dt.timedelta(int(days)) for days in rng.integers(0, 1 if flavour == 3 else 400, count)]


def _moments(rng: np.random.Generator, count: int, flavour: int) -> list[dt.datetime]:
    if flavour == 1:
        ends = [dt.datetime.min, dt.datetime.max, dt.datetime(1970, 1, 1), dt.datetime(2020, 3, 29, 2, 30)]
        return [ends[number] for number in rng.integers(0, 4, count)]
    seconds = rng.integers(0, 1 if flavour == 3 else 10**7, count)
    return [dt.datetime(2020, 1, 1) + dt.timedelta(seconds=int(second)) for second in seconds]


def _durations(rng: np.random.Generator, count: int, flavour: int) -> list[dt.timedelta]:
    if flavour == 1:
        ends = [dt.timedelta.min, dt.timedelta.max, dt.timedelta(0), dt.timedelta(microseconds=1)]
        return [ends[number] for number in rng.integers(0, 4, count)]
    return [dt.timedelta(seconds=int(number)) for number in rng.integers(-5, -4 if flavour == 3 else 500, count)]


def _times(rng: np.random.Generator, count: int) -> list[dt.time]:
    return [dt.time(int(hour), int(minute), 59, 999_999) for hour, minute in rng.integers(0, 24, (count, 2))]


def _decimals(rng: np.random.Generator, count: int, flavour: int) -> list[Decimal]:
    pool = ["0.5", "9.99", "-3.25"] if flavour == 0 else ["99999999.99", "-99999999.99", "0", "-0.00"]
    return [Decimal(pool[number % len(pool)]) for number in rng.integers(0, 9, count)]


def _objects(rng: np.random.Generator, count: int, flavour: int) -> Values:
    """What object columns and arrays hold, mixed or not."""
    pools: list[Values] = [
        [1, 2, 3],
        [1, "a", None, 2.5, True, b"x", np.nan],
        [10**400, -(2**63), 2**64, 1],
        [(1, 2), "b"],
        [[1], [2, 3]],
        [{"a": 1}, {}],
        [Decimal("1.5"), Decimal("NaN"), Decimal("1E+400")],
        [Fraction(1, 3), Fraction(5, 1)],
        [1 + 2j, 3j],
        [dt.date(2020, 1, 1), dt.datetime(2021, 1, 1)],
        [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
        [dt.time(1), dt.time(2)],
        [np.float32(1.5), np.int8(3)],
        [Colour.RED, Colour.BLUE],
        [uuid.UUID(int=1), uuid.UUID(int=2)],
        [frozenset({1}), frozenset()],
        [np.array([1, 2]), np.array([3])],
        [pd.NA, 1, 2],
        [pd.NaT, pd.Timestamp("2020-01-01")],
        [pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-01")],
        [pd.Timedelta("1D"), pd.Timedelta(0)],
        [None],
        [True, False, None],
        [b"a", b""],
        [np.inf, -np.inf, 1],
        ["1", 1],
        [object],
        list(EXTREME_TEXTS),
    ]
    pool = pools[(flavour * 7 + int(rng.integers(0, len(pools)))) % len(pools)]
    return [pool[number] for number in rng.integers(0, len(pool), count)]


Make = Callable[[np.random.Generator, int, int], Any]


def _numpy_columns() -> dict[str, Make]:
    makers: dict[str, Make] = {"bool": lambda rng, count, flavour: rng.random(count) < (0.5 if flavour < 3 else 2)}
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        makers[name] = lambda rng, count, flavour, name=name: _ints(name, rng, count, flavour)
    for name in ("float16", "float32", "float64", "longdouble"):
        makers[name] = lambda rng, count, flavour, name=name: _floats(name, rng, count, flavour)
    makers[">f8"] = lambda rng, count, flavour: _floats("float64", rng, count, flavour).astype(">f8")
    makers[">i4"] = lambda rng, count, flavour: _ints("int32", rng, count, flavour).astype(">i4")
    makers["complex128"] = lambda rng, count, flavour: _floats("float64", rng, count, flavour) * (1 + 0j)
    makers["U"] = lambda rng, count, flavour: np.array(_texts(rng, count, flavour), dtype="U12")
    makers["S"] = lambda rng, count, flavour: np.array(
        [text[:9].encode("utf-8", "ignore") for text in _texts(rng, count, flavour)], dtype="S9"
    )
    makers["StringDType"] = lambda rng, count, flavour: np.array(
        _texts(rng, count, flavour, writable=True), dtype=np.dtypes.StringDType()
    )
    makers["V"] = lambda rng, count, flavour: np.zeros(count, dtype="V4")
    for unit in UNITS:
        makers[f"datetime64[{unit}]"] = lambda rng, count, flavour, unit=unit: _numpy_times(
            rng, count, flavour, f"datetime64[{unit}]"
        )
        makers[f"timedelta64[{unit}]"] = lambda rng, count, flavour, unit=unit: _numpy_times(
            rng, count, flavour, f"timedelta64[{unit}]"
        )
    return makers


def _numpy_times(rng: np.random.Generator, count: int, flavour: int, dtype: str) -> np.ndarray:
    counts = rng.integers(0, 1000, count)
    if flavour == 1:
        counts = rng.choice(np.array([2**63 - 1, -(2**63) + 1, 0, 1]), count)
    if flavour == 4:
        counts[rng.random(count) < 0.4] = np.iinfo(np.int64).min  # NaT
    return counts.astype(np.int64).view(dtype) if flavour != 3 else np.full(count, 7, dtype=np.int64).view(dtype)


NUMPY = _numpy_columns()


def _pandas_columns() -> dict[str, Make]:
    makers: dict[str, Make] = {
        name: make
        for name, make in NUMPY.items()
        if name in ("bool", ">f8", "complex128") or name.startswith(("int", "uint", "float", "long"))
    }

    def nullable(name: str, base: str) -> Make:
        return lambda rng, count, flavour: pd.array(
            _with_gaps(NUMPY[base](rng, count, flavour).tolist(), rng, pd.NA), dtype=name
        )

    for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"):
        makers[name] = nullable(name, name.lower())
    makers["Float32"], makers["Float64"] = nullable("Float32", "float32"), nullable("Float64", "float64")
    makers["boolean"] = nullable("boolean", "bool")
    makers["object"] = lambda rng, count, flavour: pd.Series(_objects(rng, count, flavour), dtype=object)
    makers["object texts"] = lambda rng, count, flavour: pd.Series(_with_gaps(_texts(rng, count, flavour), rng), dtype=object)
    makers["str"] = lambda rng, count, flavour: pd.Series(
        _with_gaps(_texts(rng, count, flavour, writable=True), rng), dtype="str"
    )
    makers["string[python]"] = lambda rng, count, flavour: pd.Series(
        _with_gaps(_texts(rng, count, flavour), rng), dtype="string[python]"
    )
    makers["string[pyarrow]"] = lambda rng, count, flavour: pd.Series(
        _with_gaps(_texts(rng, count, flavour, writable=True), rng), dtype="string[pyarrow]"
    )
    for unit in ("s", "ms", "us", "ns"):
        makers[f"datetime64[{unit}]"] = lambda rng, count, flavour, unit=unit: _numpy_times(
            rng, count, flavour, f"datetime64[{unit}]"
        )
        makers[f"timedelta64[{unit}]"] = lambda rng, count, flavour, unit=unit: _numpy_times(
            rng, count, flavour, f"timedelta64[{unit}]"
        )
        makers[f"datetime64[{unit}, zone]"] = lambda rng, count, flavour, unit=unit: (
            pd.Series(_numpy_times(rng, count, 0 if flavour == 1 else flavour, f"datetime64[{unit}]"))
            .dt.tz_localize("UTC")
            .dt.tz_convert(str(rng.choice(["Europe/Berlin", "UTC", "America/St_Johns", "Etc/GMT+5"])))
        )
    for letter in ("D", "M", "Q", "Y", "h", "W", "s"):
        makers[f"period[{letter}]"] = lambda rng, count, flavour, letter=letter: pd.PeriodIndex.from_ordinals(
            rng.integers(0, 50 if flavour else 1, count), freq=letter
        )
    makers["interval"] = lambda rng, count, flavour: pd.arrays.IntervalArray.from_breaks(np.arange(count + 1))
    makers["interval, few"] = lambda rng, count, flavour: pd.interval_range(0, 4)[rng.integers(0, 4, count)]
    makers["interval, times"] = lambda rng, count, flavour: pd.arrays.IntervalArray.from_breaks(
        pd.date_range("2020", periods=count + 1)
    )
    makers["sparse float"] = lambda rng, count, flavour: pd.arrays.SparseArray(
        rng.integers(0, 2, count).astype(float), fill_value=[0.0, np.nan, 1.0][flavour % 3]
    )
    makers["sparse int"] = lambda rng, count, flavour: pd.arrays.SparseArray(rng.integers(0, 2, count))
    makers["sparse bool"] = lambda rng, count, flavour: pd.arrays.SparseArray(rng.random(count) < 0.3)
    makers["sparse texts"] = lambda rng, count, flavour: (
        pd.Series(_texts(rng, count, 0)).astype(object).astype(pd.SparseDtype(object, ""))
    )
    makers["decimal"] = lambda rng, count, flavour: pd.Series(_with_gaps(_decimals(rng, count, flavour), rng), dtype=object)
    makers["dates"] = lambda rng, count, flavour: pd.Series(_with_gaps(_dates(rng, count, flavour), rng), dtype=object)
    makers["times"] = lambda rng, count, flavour: pd.Series(_with_gaps(_times(rng, count), rng), dtype=object)

    def categories(base: Values) -> Make:
        def make(rng: np.random.Generator, count: int, flavour: int) -> Any:
            codes = rng.integers(-1 if flavour == 4 else 0, max(1, len(base) - (flavour == 2)), count)
            if flavour == 3:
                codes[:] = -1
            kept = base if flavour != 1 else base[::-1]
            return pd.Categorical.from_codes(codes, categories=kept, ordered=bool(rng.random() < 0.5))

        return make

    makers["category of texts"] = categories(["low", "middle", "high", "never"])
    makers["category of odd texts"] = categories(["", "a", "\0", "né", "x" * 5000])
    makers["category of ints"] = categories([3, 1, 2, 2**62])
    makers["category of floats"] = categories([0.5, np.inf, -1.0, 1e308])
    makers["category of bools"] = categories([True, False])
    makers["category of times"] = categories(list(pd.date_range("2020", periods=4)))
    makers["category of zones"] = categories(list(pd.date_range("2020", periods=4, tz="Europe/Berlin")))
    makers["category of intervals"] = categories(list(pd.interval_range(0, 4)))
    makers["category of periods"] = categories(list(pd.period_range("2020", periods=4, freq="M")))
    makers["category of durations"] = categories(list(pd.timedelta_range("1D", periods=4)))
    makers["category of tuples"] = categories([("a", 1), ("b", 2)])
    makers["category of mixed"] = categories([1, "1", 2.5])
    makers["no categories"] = lambda rng, count, flavour: pd.Categorical([None] * count)
    for arrow_name, make in ARROW.items():
        if arrow_name not in ("month_day_nano", "run ends", "string view", "binary view"):
            makers[f"arrow {arrow_name}"] = lambda rng, count, flavour, make=make: pd.Series(
                pd.arrays.ArrowExtensionArray(_as_arrow(make(rng, count, flavour)))
            )
    return makers


def _as_arrow(array: Any) -> pa.ChunkedArray:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _arrow_columns() -> dict[str, Make]:
    def plain(values: Callable[..., Values], kind: pa.DataType) -> Make:
        return lambda rng, count, flavour: pa.array(_with_gaps(values(rng, count, flavour), rng), kind)

    makers: dict[str, Make] = {}
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        makers[name] = plain(
            lambda rng, count, flavour, name=name: _ints(name, rng, count, flavour).tolist(), getattr(pa, name)()
        )
    makers["float16"] = lambda rng, count, flavour: pa.array(_floats("float16", rng, count, flavour), pa.float16())
    makers["float32"] = plain(lambda rng, count, flavour: _floats("float32", rng, count, flavour).tolist(), pa.float32())
    makers["float64"] = plain(lambda rng, count, flavour: _floats("float64", rng, count, flavour).tolist(), pa.float64())
    makers["bool"] = plain(lambda rng, count, flavour: (rng.random(count) < 0.5).tolist(), pa.bool_())

    def texts(rng: np.random.Generator, count: int, flavour: int) -> Values:
        return _texts(rng, count, flavour, writable=True)

    def in_bytes(rng: np.random.Generator, count: int, flavour: int) -> Values:
        return [text.encode()[:40] for text in texts(rng, count, flavour)]

    makers["string"] = plain(texts, pa.string())
    makers["large_string"] = plain(texts, pa.large_string())
    makers["string view"] = plain(texts, pa.string_view())
    makers["binary"] = plain(in_bytes, pa.binary())
    makers["large_binary"] = plain(in_bytes, pa.large_binary())
    makers["binary view"] = plain(in_bytes, pa.binary_view())
    makers["fixed binary"] = plain(lambda rng, count, flavour: [b"abc"] * count, pa.binary(3))
    makers["date32"] = plain(_dates, pa.date32())
    makers["date64"] = plain(_dates, pa.date64())
    for unit in ("s", "ms", "us", "ns"):
        makers[f"timestamp[{unit}]"] = plain(
            lambda rng, count, flavour, unit=unit: _moments(rng, count, 0 if unit == "ns" else flavour), pa.timestamp(unit)
        )
        makers[f"timestamp[{unit}, zone]"] = plain(
            lambda rng, count, flavour: _moments(rng, count, 0), pa.timestamp(unit, "Europe/Berlin")
        )
        makers[f"duration[{unit}]"] = plain(
            lambda rng, count, flavour, unit=unit: _durations(rng, count, flavour if unit in ("s", "ms") else 0),
            pa.duration(unit),
        )
    makers["time32"] = plain(
        lambda rng, count, flavour: [time.replace(microsecond=0) for time in _times(rng, count)], pa.time32("s")
    )
    makers["time64"] = plain(lambda rng, count, flavour: _times(rng, count), pa.time64("us"))
    makers["decimal128"] = plain(_decimals, pa.decimal128(10, 2))
    makers["decimal256"] = plain(_decimals, pa.decimal256(50, 2))
    makers["list"] = plain(lambda rng, count, flavour: [[1, 2]] * count, pa.list_(pa.int64()))
    makers["struct"] = plain(lambda rng, count, flavour: [{"a": 1}] * count, pa.struct([("a", pa.int64())]))
    makers["map"] = plain(lambda rng, count, flavour: [[("a", 1)]] * count, pa.map_(pa.string(), pa.int64()))
    makers["null"] = lambda rng, count, flavour: pa.nulls(count)
    makers["dictionary"] = lambda rng, count, flavour: pa.array(
        _with_gaps(texts(rng, count, flavour), rng), pa.string()
    ).dictionary_encode()
    makers["dictionary of ints"] = lambda rng, count, flavour: pa.array(
        _with_gaps(rng.integers(0, 3, count).tolist(), rng), pa.int64()
    ).dictionary_encode()
    makers["month_day_nano"] = lambda rng, count, flavour: pa.array([(1, 2, 3)] * count, pa.month_day_nano_interval())
    makers["run ends"] = lambda rng, count, flavour: pa.compute.run_end_encode(pa.array([1] * count)) if count else pa.nulls(0)
    return makers


ARROW = _arrow_columns()
PANDAS = _pandas_columns()


def _polars_columns() -> dict[str, Make]:
    def plain(values: Callable[..., Values], kind: Any) -> Make:
        return lambda rng, count, flavour: pl.Series(_with_gaps(values(rng, count, flavour), rng), dtype=kind)

    makers: dict[str, Make] = {}
    for kind in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64):
        name = kind.__name__.lower()
        makers[name] = plain(lambda rng, count, flavour, name=name: _ints(name, rng, count, flavour).tolist(), kind)
    if hasattr(pl, "Int128"):
        makers["int128"] = lambda rng, count, flavour: pl.Series(([2**100, 1, -(2**90)] * count)[:count], dtype=pl.Int128)
    makers["float32"] = plain(lambda rng, count, flavour: _floats("float32", rng, count, flavour).tolist(), pl.Float32)
    makers["float64"] = plain(lambda rng, count, flavour: _floats("float64", rng, count, flavour).tolist(), pl.Float64)
    makers["bool"] = plain(lambda rng, count, flavour: (rng.random(count) < 0.5).tolist(), pl.Boolean)
    makers["string"] = plain(lambda rng, count, flavour: _texts(rng, count, flavour, writable=True), pl.String)
    makers["categorical"] = plain(lambda rng, count, flavour: _texts(rng, count, flavour, writable=True), pl.Categorical)
    makers["enum"] = plain(lambda rng, count, flavour: _texts(rng, count, 0), pl.Enum(["green", "red", "never", "blue"]))
    makers["binary"] = plain(
        lambda rng, count, flavour: [text.encode()[:40] for text in _texts(rng, count, flavour, writable=True)], pl.Binary
    )
    makers["date"] = plain(_dates, pl.Date)
    makers["time"] = plain(lambda rng, count, flavour: _times(rng, count), pl.Time)
    for unit in ("ms", "us", "ns"):
        makers[f"datetime[{unit}]"] = plain(
            lambda rng, count, flavour, unit=unit: _moments(rng, count, 0 if unit == "ns" else flavour), pl.Datetime(unit)
        )
        makers[f"datetime[{unit}, zone]"] = lambda rng, count, flavour, unit=unit: (
            pl.Series(_moments(rng, count, 0), dtype=pl.Datetime(unit))
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("Europe/Berlin")
        )
        makers[f"duration[{unit}]"] = plain(
            lambda rng, count, flavour: _durations(rng, count, 0 if flavour == 1 else flavour), pl.Duration(unit)
        )
    makers["decimal"] = plain(_decimals, pl.Decimal(12, 2))
    makers["list"] = plain(lambda rng, count, flavour: [[1, 2]] * count, pl.List(pl.Int64))
    makers["array"] = plain(lambda rng, count, flavour: [[1, 2]] * count, pl.Array(pl.Int64, 2))
    makers["struct"] = plain(lambda rng, count, flavour: [{"a": 1}] * count, pl.Struct({"a": pl.Int64}))
    makers["null"] = lambda rng, count, flavour: pl.Series([None] * count, dtype=pl.Null)
    makers["object"] = lambda rng, count, flavour: pl.Series([object()] * count, dtype=pl.Object)
    return makers


POLARS = _polars_columns()

LABELS = ("plain", "plain", "plain", "ints", "odd", "same", "levels", "times", "mixed", "surrogates")
INDEXES = ("plain", "plain", "texts", "same", "levels", "times", "shuffled", "missing", "floats")


def pandas_table(
    kinds: list[str], count: int, flavours: list[int], labels: str, index: str, rng: np.random.Generator
) -> pd.DataFrame:
    columns = [
        pd.Series(PANDAS[kind](rng, count, flavour)).reset_index(drop=True)
        for kind, flavour in zip(kinds, flavours, strict=True)
    ]
    frame = pd.concat(columns, axis=1, keys=range(len(columns))) if columns else pd.DataFrame(index=range(count))
    width = len(columns)
    frame.columns = {
        "plain": [f"c{i}" for i in range(width)],
        "ints": list(range(width)),
        "odd": (["", "a\nb", "<i>", "x" * 300, "né", "0", " "] * width)[:width] if width <= 7 else list(range(width)),
        "surrogates": pd.Index([f"\ud800{i}" for i in range(width)], dtype=object),
        "same": ["a"] * width,
        "levels": pd.MultiIndex.from_tuples([("a", i % 2, i) for i in range(width)] or [("a", 0, 0)][:0], names=["x", "y", "z"])
        if width
        else [],
        "times": pd.date_range("2020", periods=width),
        "mixed": ([None, 1, "1", np.nan, ("a", 2), 2.5, True] * width)[:width],
    }[labels]
    frame.index = {
        "plain": pd.RangeIndex(count),
        "texts": pd.Index([f"row {i}" for i in range(count)]),
        "same": pd.Index([0] * count),
        "levels": pd.MultiIndex.from_arrays([range(count), ["a"] * count]),
        "times": pd.date_range("2020", periods=count, tz="UTC"),
        "shuffled": pd.Index(rng.permutation(count)),
        "missing": pd.Index([None] * count, dtype=object),
        "floats": pd.Index(np.linspace(0, 1, count)),
    }[index]
    return frame


def polars_table(kinds: list[str], count: int, flavours: list[int], rng: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame(
        {f"c{i}": POLARS[kind](rng, count, flavour) for i, (kind, flavour) in enumerate(zip(kinds, flavours, strict=True))}
    )


def arrow_table(kinds: list[str], count: int, flavours: list[int], labels: str, rng: np.random.Generator) -> pa.Table:
    names = ["a"] * len(kinds) if labels == "same" else [f"c{i}" for i in range(len(kinds))]
    columns = [ARROW[kind](rng, count, flavour) for kind, flavour in zip(kinds, flavours, strict=True)]
    if count > 2 and labels == "odd":  # in several chunks
        columns = [pa.chunked_array([column[:1], column[1:]]) for column in columns]
    return pa.Table.from_arrays(columns, names=names)


LAYOUTS = (
    "C",
    "C",
    "C",
    "F",
    "read-only",
    "strided",
    "reversed",
    "masked",
    "matrix",
    "list",
    "1-d",
    "3-d",
    "records",
    "object",
)


def numpy_table(kind: str, shape: tuple[int, ...], flavour: int, layout: str, rng: np.random.Generator) -> Any:
    """An array, or something like one, of any shape; some layouts are for tables only."""
    size = math.prod(shape)
    if kind == "object":
        values = np.empty(size, dtype=object)
        values[:] = _objects(rng, size, flavour)
    else:
        values = np.asarray(NUMPY[kind](rng, size, flavour))
    table = values.reshape(shape)
    if layout == "F":
        return np.asfortranarray(table)
    if layout == "read-only":
        table = table.copy()
        table.setflags(write=False)
    if layout == "strided":
        return np.repeat(np.repeat(table, 2, axis=0), 3, axis=1)[::2, ::3]
    if layout == "reversed":
        return table[::-1, ::-1]
    if layout == "masked":
        return np.ma.array(table, mask=rng.random(shape) < 0.2)
    if layout == "matrix" and kind != "V":
        return table.view(type("Derived", (np.ndarray,), {}))
    if layout == "list":
        return table.tolist()
    if layout == "1-d":
        return table.reshape(-1)
    if layout == "3-d":
        return np.stack([table, table[::-1]], axis=1)
    if layout == "records" and kind != "StringDType":
        records = np.zeros(shape[0], dtype=[(f"f{i}", table.dtype) for i in range(shape[1])])
        for i in range(shape[1]):
            records[f"f{i}"] = table[:, i]
        return records
    return table.astype(object) if layout == "object" else table


SPARSE = (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array, sparse.lil_array, sparse.dok_array)


def sparse_table(kind: str, shape: tuple[int, int], flavour: int, make: Any, rng: np.random.Generator) -> Any:
    values = NUMPY[kind](rng, shape[0] * shape[1], flavour).reshape(shape)
    return make(np.where(rng.random(shape) < 0.5, values, np.zeros_like(values)))
