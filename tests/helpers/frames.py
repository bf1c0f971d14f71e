"""Frames of all that columns can hold, in each library, and a model that remembers what it was asked; for tests of frames."""

import datetime as dt
import math
import zlib
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from helpers import tables
from limelight import TabularExplainer

COUNT = 60
RNG = np.random.default_rng(5)
MOMENTS = [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=int(minutes)) for minutes in RNG.integers(0, 500_000, COUNT)]
DAYS = [moment.date() for moment in MOMENTS]
WORDS = RNG.choice(["oak", "elm", "ash"], COUNT).tolist()
GAPS = [None if number % 5 == 0 else word for number, word in enumerate(WORDS)]
SIZES = RNG.choice(["small", "large"], COUNT).tolist()
LEVELS = ["small", "medium", "large"]  # "medium" is in no row
FLAGS = [number % 3 == 0 for number in range(COUNT)]
COUNTS = [None if number % 4 == 0 else number for number in range(COUNT)]
NUMBERS = {
    "whole": RNG.integers(0, 9, COUNT),
    "tiny": RNG.integers(-128, 128, COUNT).astype(np.int8),
    "real": RNG.normal(size=COUNT),
}
NUMBERS["single"] = RNG.normal(size=COUNT).astype(np.float32)


def pandas_frame():
    moments = pd.Series(MOMENTS)
    return pd.DataFrame(
        {
            **NUMBERS,
            "flag": FLAGS,
            "text": pd.Series(WORDS),
            "object": pd.Series(GAPS, dtype=object),
            "string": pd.array(GAPS, dtype="string"),
            "Int64": pd.array(COUNTS, dtype="Int64"),
            "boolean": pd.array([None if count is None else count % 2 == 0 for count in COUNTS], dtype="boolean"),
            "arrow": pd.array(COUNTS, dtype="int16[pyarrow]"),
            "gaps": [math.nan if count is None else count / 7 for count in COUNTS],
            "ordered": pd.Categorical(SIZES, categories=LEVELS, ordered=True),
            "category": pd.Categorical(GAPS, categories=["elm", "oak", "yew", "ash"]),
            "bins": pd.cut(NUMBERS["real"], 3),
            "moment": moments,
            "seconds": moments.astype("datetime64[s]"),
            "nanoseconds": moments.astype("datetime64[ns]").where(NUMBERS["real"] > -1),
            "zone": moments.dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata"),
        }
    )


def polars_frame():
    moments = pl.Series(MOMENTS)
    return pl.DataFrame(
        {
            **NUMBERS,
            "flag": FLAGS,
            "text": WORDS,
            "gaps": GAPS,
            "counts": pl.Series(COUNTS, dtype=pl.UInt16),
            "null": [None if count is None else count / 7 for count in COUNTS],
            "nan": [math.nan if count is None else count / 7 for count in COUNTS],
            "enum": pl.Series(SIZES, dtype=pl.Enum(LEVELS)),
            "category": pl.Series(GAPS, dtype=pl.Categorical),
            "decimal": pl.Series(NUMBERS["whole"]).cast(pl.Decimal(10, 2)),
            "day": DAYS,
            "moment": moments.cast(pl.Datetime("ms")),
            "zone": moments.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Kolkata"),
        }
    )


def arrow_frame():
    return pa.table(
        {
            **NUMBERS,
            "flag": FLAGS,
            "text": WORDS,
            "large": pa.array(GAPS, pa.large_string()),
            "counts": pa.array(COUNTS, pa.int16()),
            "dictionary": pa.array(GAPS).dictionary_encode(),
            "day": DAYS,
            "zone": pa.array(MOMENTS, pa.timestamp("ms", "Asia/Kolkata")),
        }
    )


FRAMES = [pandas_frame, polars_frame, arrow_frame]
SMALL = {"real": NUMBERS["real"].tolist(), "text": WORDS, "flag": FLAGS}
BUILD = [pd.DataFrame, pl.DataFrame, pa.table]


def one_row(frame, number):
    return frame.iloc[[number]] if isinstance(frame, pd.DataFrame) else frame[number : number + 1]


def values(frame, name):
    return frame[name].to_pylist() if isinstance(frame, pa.Table) else frame[name].to_list()


def missing(value):
    return value is None or value is pd.NA or value is pd.NaT or value != value


def answer_by_content(frame):
    """0, 1 or 2 for each row, from what it holds."""
    if isinstance(frame, np.ndarray):
        frame = pd.DataFrame(frame)
    columns = [[str(value) for value in values(frame, name)] for name in names_of(frame)]
    return np.array([zlib.crc32("|".join(row).encode()) % 3 for row in zip(*columns, strict=True)])


def names_of(frame):
    return frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)


Recorder = partial(tables.Recorder, answer_by_content)


def explain(frame, row, model=None, *, num_samples=200, batch_size=None, **options):
    arguments = {"num_samples": num_samples, "batch_size": batch_size}
    return TabularExplainer(frame, **options).explain_instance(row, model or Recorder(), **arguments)


def codes(explanation):
    return {notice.code for notice in explanation.notices}


def assert_finite(explanation):
    assert explanation.surrogate().weights
    assert all(math.isfinite(weight) for weight in explanation.surrogate().weights)
