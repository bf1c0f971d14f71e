"""Null and NaN in one column, and pandas' several missing values: kept apart, from the training data to the model."""

import datetime as dt
import math
import pickle
from collections import Counter
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.frames import codes, names_of, one_row, values
from helpers.tables import Recorder

from limelight import Explanation, TabularExplainer
from limelight.exceptions import ArgumentError

NAN, COUNT = math.nan, 40
RNG = np.random.default_rng(3)
REAL = [round(number, 3) for number in RNG.normal(size=COUNT).tolist()]
# A tenth is null, two tenths are NaN.
BOTH = [None if i % 10 == 3 else NAN if i % 10 in (5, 8) else number for i, number in enumerate(REAL)]
NULLS = [None if i % 10 == 3 else number for i, number in enumerate(REAL)]
NANS = [NAN if i % 10 == 3 else number for i, number in enumerate(REAL)]
WORDS = [["oak", "", "nan", "NaN", "None", "null", "missing", None][i % 8] for i in range(COUNT)]
FLAGS = [[True, False, None][i % 3] for i in range(COUNT)]
MOMENTS = [None if i % 4 == 0 else dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(COUNT)]
WAITS = [None if i % 5 == 0 else dt.timedelta(seconds=i) for i in range(COUNT)]
LISTS = ["[]" if i % 3 == 0 else None if i % 3 == 1 else "[1, null]" for i in range(COUNT)]
SEVERAL = [[None, NAN, pd.NA, pd.NaT, "", "nan", "oak", "NaN"][i % 8] for i in range(COUNT)]
TRUTHS = [[None, NAN, True, False, pd.NA][i % 5] for i in range(COUNT)]
PRICES = [[None, NAN, Decimal("NaN"), Decimal("1.50"), Decimal("2.25"), pd.NA][i % 6] for i in range(COUNT)]


def masked(numbers, dtype="Float64"):
    is_null = np.array([number is None for number in numbers])
    kind = pd.api.types.pandas_dtype(dtype)
    filled = np.array([0.0 if number is None else number for number in numbers]).astype(kind.numpy_dtype)
    return kind.construct_array_type()(filled, is_null)


def arrow_backed(numbers, kind="double"):
    return pd.arrays.ArrowExtensionArray(pa.array(numbers, pa.type_for_alias(kind)))


def pandas_frame():
    objects = {"several": SEVERAL, "truths": TRUTHS, "prices": PRICES, "words": WORDS, "flags": FLAGS}
    objects |= {"nans": ["a" if i % 2 else NAN for i in range(COUNT)], "nones": ["a" if i % 2 else None for i in range(COUNT)]}
    objects |= {"nats": ["a" if i % 2 else pd.NaT for i in range(COUNT)]}
    objects |= {"decimal nans": [Decimal(i) if i % 2 else NAN for i in range(COUNT)]}
    return pd.DataFrame(
        {
            "both": masked(BOTH),
            "single": masked(BOTH, "Float32"),
            "nan only": masked(NANS),
            "null only": masked(NULLS),
            "arrow": arrow_backed(BOTH),
            "arrow float": arrow_backed(BOTH, "float"),
            "arrow nan": arrow_backed(NANS),
            "arrow null": arrow_backed(NULLS),
            "plain": [NAN if number is None else number for number in BOTH],
            "Int64": pd.array([None if i % 3 == 0 else i for i in range(COUNT)], dtype="Int64"),
            "boolean": pd.array(FLAGS, dtype="boolean"),
            "string": pd.array(WORDS, dtype="string"),
            "category": pd.Categorical(WORDS),
            "moment": pd.Series(MOMENTS, dtype="datetime64[us]"),
            "wait": pd.Series(WAITS, dtype="timedelta64[ms]"),
            **{name: pd.Series(members, dtype=object) for name, members in objects.items()},
        }
    )


def polars_frame():
    return pl.DataFrame(
        {
            "both": BOTH,
            "single": pl.Series(BOTH, dtype=pl.Float32),
            "nan only": NANS,
            "null only": NULLS,
            "whole": [None if i % 3 == 0 else i for i in range(COUNT)],
            "words": WORDS,
            "category": pl.Series(WORDS, dtype=pl.Categorical),
            "flags": FLAGS,
            "moment": MOMENTS,
            "wait": WAITS,
            "lists": LISTS,
        }
    )


def arrow_frame():
    return pa.table(
        {
            "both": BOTH,
            "single": pa.array(BOTH, pa.float32()),
            "half": pa.array([None if x is None else np.float16(x) for x in BOTH], pa.float16()),
            "nan only": NANS,
            "null only": NULLS,
            "whole": pa.array([None if i % 3 == 0 else i for i in range(COUNT)]),
            "words": WORDS,
            "dictionary": pa.array(WORDS).dictionary_encode(),
            "numbers": pa.array([[None, NAN, 1.5, 2.5][i % 4] for i in range(COUNT)]).dictionary_encode(),
            "flags": FLAGS,
            "moment": pa.array(MOMENTS, pa.timestamp("us")),
            "wait": pa.array(WAITS, pa.duration("us")),
            "lists": LISTS,
        }
    )


FRAMES = [pandas_frame, polars_frame, arrow_frame]
BUILD = {"masked": lambda x: pd.DataFrame({"x": masked(x)}), "arrow-backed": lambda x: pd.DataFrame({"x": arrow_backed(x)})}
BUILD |= {"polars": lambda x: pl.DataFrame({"x": x}), "pyarrow": lambda x: pa.table({"x": pa.array(x, pa.float64())})}
both_kinds = pytest.mark.parametrize("build", BUILD.values(), ids=[*BUILD])


def kind(value):
    """What a value is, where two that are missing are not equal."""
    if isinstance(value, Decimal):
        return f"Decimal {value}"
    if value is None or value is pd.NA or value is pd.NaT:
        return repr(value)
    return "NaN" if value != value else repr(value.item() if isinstance(value, np.generic) else value)


def cells(frame, name="x"):
    return [kind(value) for value in values(frame, name)]


def schema(frame):
    return dict(frame.dtypes) if isinstance(frame, pd.DataFrame) else frame.schema


def zeros(frame):
    return np.zeros(len(frame))


def record(explainer, row, **options):
    model = Recorder(zeros)
    explanation = explainer.explain_instance(row, model, num_samples=options.pop("num_samples", 64), **options)
    return explanation, model.batches


def tells(frame):
    """3 where x is null, 1 where it is NaN, and 0 elsewhere."""
    return np.array([{"None": 3.0, "<NA>": 3.0, "NaN": 1.0}.get(cell, 0.0) for cell in cells(frame)])


class TestTheModelGetsWhatTheLibraryHas:
    @pytest.mark.parametrize("make", FRAMES)
    @pytest.mark.parametrize("discretize_continuous", [True, False])
    def test_every_column_of_rows_of_the_training_data(self, make, discretize_continuous):
        frame = make()
        explainer = TabularExplainer(frame, discretize_continuous=discretize_continuous)
        expected = {name: cells(frame, name) for name in names_of(frame)}
        for number in range(12):
            _, batches = record(explainer, one_row(frame, number), num_samples=32)
            for name in names_of(frame):
                assert cells(batches[0], name)[0] == expected[name][number], name
                drawn = {cell for batch in batches for cell in cells(batch, name)}
                known = {*expected[name]}
                assert {cell for cell in drawn if "N" in cell} <= known, name  # None, NaN, NaT and <NA>
            assert all(schema(batch) == schema(frame) for batch in batches)

    @pytest.mark.parametrize("make", FRAMES)
    def test_whole_rows_are_equal(self, make):
        frame = make()
        explainer = TabularExplainer(frame, sampler="training_rows")
        rows = [one_row(frame, number) for number in range(len(frame))]
        _, batches = record(explainer, rows[5], num_samples=200)
        known = {tuple(cells(frame, name)[number] for name in names_of(frame)) for number in range(len(frame))}
        drawn = {row for batch in batches for row in zip(*(cells(batch, name) for name in names_of(batch)), strict=True)}
        assert drawn <= known
        assert len(drawn) > len(known) / 2

    @pytest.mark.parametrize("make", FRAMES)
    def test_each_is_drawn_as_often_as_in_the_training_data(self, make):
        frame = make()
        _, batches = record(TabularExplainer(frame), one_row(frame, 0), num_samples=4000, design="auto") if 0 else record(
            TabularExplainer(frame), one_row(frame, 0), num_samples=4000
        )
        for name in names_of(frame):
            shares = Counter(cell for cell in cells(frame, name) if "N" in cell)
            drawn = Counter(cell for batch in batches for cell in cells(batch, name)[1 if batch is batches[0] else 0 :])
            for cell, count in shares.items():
                assert drawn[cell] / drawn.total() == pytest.approx(count / COUNT, abs=0.03), (name, cell)
