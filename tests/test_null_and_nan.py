"""Null and NaN in one column, and pandas' several missing values: kept apart, from the training data to the model."""

import datetime as dt
import math
import pickle
import re
import zlib
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


def number_of(cell):
    """A number for what is in a cell of column x."""
    return float(zlib.crc32(cell.encode()) % 1000)


def numbers_of(frame):
    return np.array([number_of(cell) for cell in cells(frame, names_of(frame)[0])])


def record(explainer, row, *, num_samples=64):
    model = Recorder(numbers_of)
    explanation = explainer.explain_instance(row, model, num_samples=num_samples)
    return explanation, model.batches


def drawn(batches, name="x"):
    """The cells of all batches."""
    return {cell for batch in batches for cell in cells(batch, name)}


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
        _, batches = record(TabularExplainer(frame), one_row(frame, 0), num_samples=4000)
        for name in names_of(frame):
            shares = Counter(cell for cell in cells(frame, name) if "N" in cell)
            drawn = Counter(cell for batch in batches for cell in cells(batch, name)[1 if batch is batches[0] else 0 :])
            for cell, count in shares.items():
                assert drawn[cell] / drawn.total() == pytest.approx(count / COUNT, abs=0.03), (name, cell)


class TestTheirStates:
    @both_kinds
    def test_each_has_a_name_and_a_weight_of_its_own(self, build):
        frame = build(BOTH)
        for number, name, planted in ((3, "x is missing", 3 - 0.2 / 0.9), (5, "x is NaN", 1 - 0.3 / 0.8)):
            explanation = TabularExplainer(frame, alpha=0).explain_instance(one_row(frame, number), tells, num_samples=4000)
            assert explanation.as_list() == [(name, pytest.approx(planted, abs=0.02))]
            assert explanation.view.values() == {0: name.removeprefix("x is ")}
            assert not codes(explanation) & {"outside_training_data", "other_missing_value"}
            assert Explanation.from_json(explanation.to_json()) == explanation

    def test_all_libraries_say_the_same(self):
        told = [TabularExplainer(build(BOTH)).explain_instance({"x": NAN}, tells, num_samples=100) for build in BUILD.values()]
        assert all(explanation == told[0] for explanation in told)

    @both_kinds
    def test_rows_in_any_form(self, build):
        frame = build(BOTH)
        explainer = TabularExplainer(frame)
        for number, null in ((3, True), (5, False)):
            value = None if null else NAN
            expected = explainer.explain_instance(one_row(frame, number), tells, num_samples=64)
            rows = [
                {"x": value},
                [value],
                pl.DataFrame({"x": pl.Series([value], dtype=pl.Float64)}),
                pl.Series([value], dtype=pl.Float64),
            ]
            rows += [pa.table({"x": pa.array([value], pa.float64())}), pd.DataFrame({"x": masked([value])})]
            rows += [pd.Series(masked([value]), index=["x"]), pd.Series([pd.NA if null else NAN], index=["x"], dtype=object)]
            rows += [
                np.array([value], dtype=object),
                polars_row(value),
                pa.table({"x": pa.array([value], pa.float64())}).to_pylist()[0],
            ]
            for row in rows:
                assert explainer.explain_instance(row, tells, num_samples=64) == expected, (number, row)

    @both_kinds
    def test_many_rows_in_any_form(self, build, tmp_path):
        frame = build(BOTH)
        explainer = TabularExplainer(frame)
        alone = [explainer.explain_instance(one_row(frame, number), tells, num_samples=64) for number in range(12)]
        table = pa.table({"x": pa.array(BOTH[:12], pa.float64())})
        for name in ("a.parquet", "b.parquet"):
            (tmp_path / "folder").mkdir(exist_ok=True)
            pq.write_table(
                table.slice(0, 6) if name == "a.parquet" else table.slice(6), tmp_path / "folder" / name, row_group_size=4
            )
        pq.write_table(table, tmp_path / "rows.parquet")
        first = frame.iloc[:12] if isinstance(frame, pd.DataFrame) else frame[:12]
        for rows in (first, table, tmp_path / "rows.parquet", tmp_path / "folder", table.to_pylist()):
            many = explainer.explain_many(rows, tells, num_samples=64, chunk_size=5)
            assert list(many) == alone
        assert list(explainer.explain_many(table, tells, num_samples=64, chunk_size=5, n_jobs=2, engine="threads")) == alone
        function = pickle.loads(pickle.dumps(explainer)).frame_function(tells, num_samples=64)
        answers = function(pd.DataFrame({"x": masked(BOTH[:12])}))
        assert [Explanation.from_json(text) for text in answers["explanation"]] == alone

    @both_kinds
    def test_in_groups(self, build):
        """A group has each combination of the training data, and no other."""
        frame = build(BOTH)
        numbers = [1.0 if i % 2 else 2.0 for i in range(COUNT)]
        frame = with_column(frame, "y", numbers)
        explainer = TabularExplainer(frame, groups={"g": ["x", "y"]})
        explanation, batches = record(explainer, one_row(frame, 5))
        assert explanation.names == ("g: x is NaN, y=1",)
        known = {*zip(cells(frame), cells(frame, "y"), strict=True)}
        assert {row for batch in batches for row in zip(cells(batch), cells(batch, "y"), strict=True)} <= known
        explanation, _ = record(explainer, {"x": NAN, "y": 2.0})
        assert explanation.names == ("g: x is NaN, y=2",)
        assert "outside_training_data" not in codes(explanation)
        explanation, _ = record(explainer, {"x": None, "y": 2.0})
        assert "outside_training_data" in codes(explanation)  # nulls are in odd rows alone

    @both_kinds
    @pytest.mark.parametrize("options", [{"sampler": "around"}, {"kinds": {"x": "categorical"}}, {"discretizer": "decile"}])
    def test_with_other_options(self, build, options):
        frame = build(BOTH)
        for number, name in ((3, "x is missing"), (5, "x is NaN")):
            explanation, batches = record(TabularExplainer(frame, **options), one_row(frame, number), num_samples=200)
            assert explanation.names == (name,)
            assert explanation.predictions == (number_of(cells(frame)[number]),)
            assert drawn(batches) >= {"NaN", cells(build([None, 1.0]))[0]}

    @both_kinds
    def test_samplers_and_constraints_of_the_user(self, build):
        frame = build(BOTH)
        explainer = TabularExplainer(frame, sampler=lambda count, _: build([(None, NAN, 0.5)[i % 3] for i in range(count)]))
        explanation, batches = record(explainer, one_row(frame, 5), num_samples=90)
        assert drawn(batches) == {"NaN", "0.5", cells(build([None, 1.0]))[0]}
        assert explanation.names == ("x is NaN",)
        for number in (3, 5):
            kept = cells(frame)[number]
            explainer = TabularExplainer(
                frame, constraint=lambda rows, kept=kept: np.array([cell == kept for cell in cells(rows)])
            )
            _, batches = record(explainer, one_row(frame, number), num_samples=300)
            assert {cell for batch in batches for cell in cells(batch)} == {kept}
        explainer = TabularExplainer(frame, constraint=lambda rows: rows)
        _, batches = record(explainer, one_row(frame, 3), num_samples=300)
        assert {cell for batch in batches for cell in cells(batch)} >= {"NaN", kept if kept != "NaN" else cells(frame)[3]}

    def test_a_rare_nan_has_perturbations_of_its_own(self):
        members = [NAN if i == 7 else None if i % 2 else i / 7 for i in range(500)]
        frame = pl.DataFrame({"x": members, "y": REAL * 12 + REAL[:20]})
        explanation = TabularExplainer(frame, alpha=0).explain_instance(frame[7], tells, num_samples=1000)
        assert dict(explanation.as_list())["x is NaN"] == pytest.approx(1 - 3 * 249 / 499, abs=0.03)


class TestOneOfThem:
    @both_kinds
    @pytest.mark.parametrize(("numbers", "value"), [(NULLS, None), (NANS, NAN)])
    def test_where_only_one_is_in_the_training_data_the_other_counts_as_it_and_that_is_said(self, build, numbers, value):
        frame = build(numbers)
        explainer = TabularExplainer(frame)
        own, batches = record(explainer, one_row(build([value]), 0))
        other, others_batches = record(explainer, {"x": NAN if value is None else None})
        assert own.names == other.names == ("x is missing",)
        assert [cells(batch) for batch in others_batches] == [cells(batch) for batch in batches]
        assert own.surrogate() == other.surrogate()
        assert codes(other) - codes(own) == {"other_missing_value"}
        (notice,) = [notice for notice in other.notices if notice.code == "other_missing_value"]
        assert notice.level == "information"
        assert notice.message.startswith("x is missing in another way than in the training data")

    @both_kinds
    def test_where_none_is_in_the_training_data_each_reaches_the_model(self, build):
        explainer = TabularExplainer(build(REAL))
        for value, name in ((None, "x is missing"), (NAN, "x is NaN")):
            explanation, batches = record(explainer, {"x": value})
            assert explanation.names == (name,)
            assert "outside_training_data" in codes(explanation)
            assert {*cells(batches[0])} & {"NaN", "None", "<NA>"} == {cells(build([value]))[0]}

    def test_types_without_null_have_one_missing_value(self):
        for frame in (pd.DataFrame({"x": NANS}), pd.DataFrame({"x": pd.Series(NANS, dtype="float32")})):
            explainer = TabularExplainer(frame)
            assert record(explainer, {"x": None})[0] == record(explainer, {"x": NAN})[0]
            assert record(explainer, {"x": pd.NA})[0].names == ("x is missing",)

    def test_nan_with_other_bits_is_nan(self):
        """Such as 0/0 gives on some machines, or R's NA."""
        odd = np.array([0xFFF8000000000000, 0x7FF80000000007A2, 0x7FFF000000000001], dtype=np.uint64).view(np.float64)
        members = np.array(REAL)
        members[[3, 13, 23]] = odd
        for frame in (pl.DataFrame({"x": members}), pd.DataFrame({"x": members}), pa.table({"x": members})):
            explanation, batches = record(TabularExplainer(frame), one_row(frame, 23), num_samples=400)
            assert explanation.names == ("x is missing",)
            assert {*cells(batches[0])} >= {"NaN"}
        members[[5, 15]] = NAN
        is_null = np.isin(np.arange(COUNT), [5, 15])
        frame = pa.table({"x": pa.array(members, mask=is_null)})
        explanation, batches = record(TabularExplainer(frame), one_row(frame, 23), num_samples=400)
        assert explanation.names == ("x is NaN",)
        assert {*cells(batches[0])} >= {"NaN", "None"}


class TestObjects:
    def test_names_say_which_and_texts_that_look_like_them_are_quoted(self):
        frame = pd.DataFrame({"x": pd.Series(SEVERAL, dtype=object)})
        explainer = TabularExplainer(frame)
        names = [record(explainer, one_row(frame, number))[0].names[0] for number in range(8)]
        assert names == ["x is None", "x is NaN", "x is NA", "x is NaT", "x=''", "x=nan", "x=oak", "x='NaN'"]

    def test_of_one_kind_names_stay(self):
        frame = pd.DataFrame({"x": pd.Series([None, "NaN", "None", "oak"] * 10, dtype=object)})
        names = [record(TabularExplainer(frame), one_row(frame, number))[0].names[0] for number in range(3)]
        assert names == ["x is missing", "x=NaN", "x=None"]

    def test_planted_weights(self):
        def model(batch):
            return np.array([{"None": 4.0, "NaN": 2.0}.get(cell, 0.0) for cell in cells(batch)])

        frame = pd.DataFrame({"x": pd.Series(SEVERAL, dtype=object)})
        explainer = TabularExplainer(frame, alpha=0)
        for number, planted in enumerate((4 - 2 / 7, 2 - 4 / 7, -6 / 7)):
            (item,) = explainer.explain_instance(one_row(frame, number), model, num_samples=4000).as_list()
            assert item[1] == pytest.approx(planted, abs=0.05)

    def test_a_missing_value_that_the_training_data_lack(self):
        frame = pd.DataFrame({"x": pd.Series([None, NAN, "oak", "elm"] * 10, dtype=object)})
        explanation, batches = record(TabularExplainer(frame), {"x": pd.NaT})
        assert explanation.names == ("x is NaT",)
        assert {*cells(batches[0])} == {"None", "NaN", "NaT", "'oak'", "'elm'"}
        assert explanation.predictions == (number_of("NaT"),)
        explanation, batches = record(TabularExplainer(frame), {"x": "yew"})
        assert {*cells(batches[0])} == {"None", "NaN", "'yew'", "'oak'", "'elm'"}
        frame = pd.DataFrame({"x": pd.Series(["oak", "elm"] * 10, dtype=object)})
        for value in (None, NAN, pd.NA, pd.NaT):
            explanation, batches = record(TabularExplainer(frame), {"x": value})
            assert (explanation.names, explanation.predictions) == (("x is missing",), (number_of(kind(value)),))

    def test_a_missing_value_of_another_kind_than_the_only_one_counts_as_it(self):
        frame = pd.DataFrame({"x": pd.Series([NAN, "oak", "elm"] * 10, dtype=object)})
        explanation, batches = record(TabularExplainer(frame), {"x": None})
        assert {*cells(batches[0])} == {"NaN", "'oak'", "'elm'"}
        assert "other_missing_value" in codes(explanation)
        assert "other_missing_value" not in codes(record(TabularExplainer(frame), {"x": NAN})[0])
        strings = frame.astype({"x": "string"})
        assert "other_missing_value" not in codes(record(TabularExplainer(strings), {"x": None})[0])

    def test_decimals(self):
        frame = pd.DataFrame({"x": pd.Series(PRICES, dtype=object)})
        for number in (0, 1, 2, 5):
            explanation, batches = record(TabularExplainer(frame), one_row(frame, number))
            assert explanation.names == (f"x is {['None', 'NaN', 'Decimal NaN', '', '', 'NA'][number]}",)
            assert explanation.predictions == (number_of(kind(PRICES[number])),)
            assert drawn(batches) == {*map(kind, PRICES)}
        frame = pd.DataFrame({"x": pd.Series([Decimal(1), Decimal(2), Decimal(5)] * 10, dtype=object)})
        for value in (None, NAN, pd.NA):
            explanation, batches = record(TabularExplainer(frame), {"x": value})
            assert (explanation.names, explanation.predictions) == (("x is missing",), (number_of(kind(value)),))

    @pytest.mark.parametrize("value", [None, NAN, pd.NA, ""])
    def test_free_texts(self, value):
        members = ["one two", value, "three"] * 10
        frame = pd.DataFrame({"x": pd.Series(members, dtype=object), "y": range(30)})
        _, batches = record(TabularExplainer(frame, kinds={"x": "text"}), one_row(frame, 1))
        assert {cell for batch in batches for cell in cells(batch)} == {kind(value)}
        texts = pl.DataFrame({"x": ["" if isinstance(value, str) else None] * 3 + ["a"], "y": range(4)})
        _, batches = record(TabularExplainer(texts, kinds={"x": "text"}), {"x": value, "y": 1})
        assert {cell for batch in batches for cell in cells(batch)} == {kind("" if isinstance(value, str) else None)}

    def test_samplers_of_the_user_may_not_bring_new_ones(self):
        frame = pd.DataFrame({"x": pd.Series([None, NAN, "oak"] * 10, dtype=object)})
        explainer = TabularExplainer(
            frame, sampler=lambda count, _: pd.DataFrame({"x": pd.Series([pd.NA] * count, dtype=object)})
        )
        with pytest.raises(ArgumentError, match="sampler gives categories of column 'x' that the training data lack"):
            record(explainer, {"x": "oak"})


def test_pandas_may_be_told_to_keep_them_apart():
    """Then casts from NaN give NaN, and whole numbers cannot be cast at all."""
    if not hasattr(pd.options.future, "distinguish_nan_and_na"):
        pytest.skip("this pandas has no such option")
    with pd.option_context("future.distinguish_nan_and_na", True):
        zero = pd.Series(NULLS, dtype="Float64") * 0
        frame = pd.DataFrame({"x": zero / zero, "y": pd.array([None, 1, 2, 3] * 10, dtype="Int64"), "z": masked(NULLS)})
        assert {*cells(frame)} == {"NaN", "<NA>"}
        explainer = TabularExplainer(frame)
        for number in (0, 3, 4):
            _, batches = record(explainer, one_row(frame, number))
            for name in frame:
                assert cells(batches[0], name)[0] == cells(frame, name)[number]
                assert {*cells(batches[0], name)} & {"NaN", "<NA>"} == {*cells(frame, name)} & {"NaN", "<NA>"}


def polars_row(value):
    return pl.DataFrame({"x": pl.Series([value], dtype=pl.Float64)}).row(0, named=True)


def with_column(frame, name, members):
    if isinstance(frame, pd.DataFrame):
        return frame.assign(**{name: members})
    return frame.append_column(name, [members]) if isinstance(frame, pa.Table) else frame.with_columns(pl.Series(name, members))


class TestWithoutBins:
    """A missing value counts as the mean there, so that no weight says what it changes."""

    ROWS = np.random.default_rng(0).normal(2, 1, size=(500, 3))
    ROWS[:150, 0] = NAN

    def explain(self, row, model, rows=ROWS, **options):
        return TabularExplainer(rows, discretize_continuous=False, **options).explain_instance(row, model)

    @pytest.mark.parametrize("row", [[NAN, 2.0, 2.0], [1.0, 2.0, 2.0]])
    @pytest.mark.parametrize(
        ("model", "change"),
        [
            (lambda x: 5.0 * np.isnan(x[:, 0]) + x[:, 1], r"(5|4\.9\d|5\.0\d) greater"),
            (lambda x: 0.01 * np.nan_to_num(x[:, 0], nan=-999) + x[:, 1], r"(10|9\.9\d|10\.\d) less"),
            (lambda x: 1 / (1 + np.exp(1 - 3.0 * np.isnan(x[:, 0]))), r"0\.6\d* greater"),
        ],
    )
    def test_what_missing_values_change_is_an_alert(self, row, model, change):
        explanation = self.explain(row, model)
        (alert,) = [notice for notice in explanation.notices if notice.code == "missing_without_weight"]
        assert alert.level == "alert"
        assert alert == explanation.notices[0] or explanation.notices[0].level == "alert"
        assert re.search(rf"x0 is missing in [23]\d% of the perturbed rows, where output is {change}", alert.message)
        with_bins = TabularExplainer(self.ROWS).explain_instance(row, model)
        assert "missing_without_weight" not in codes(with_bins)

    @pytest.mark.parametrize("row", [[NAN, 2.0, 2.0], [1.0, 2.0, 2.0]])
    @pytest.mark.parametrize(
        "model",
        [
            lambda x: np.nan_to_num(x[:, 0], nan=2.0) + x[:, 1],
            lambda x: np.nan_to_num(x[:, 0], nan=2.0) ** 2 + x[:, 1],
            lambda x: 1.0 * (np.nan_to_num(x[:, 0], nan=2.1) > 3) + 0.2 * x[:, 1],
            lambda x: x[:, 1] - x[:, 2],
            lambda x: x[:, 1] ** 3,
            lambda x: np.ones(len(x)),
        ],
    )
    def test_models_that_fill_in_the_mean_or_ignore_the_column_have_none(self, row, model):
        assert "missing_without_weight" not in codes(self.explain(row, model))

    def test_whole_numbers_that_are_the_mean_are_not_missing(self):
        """Such a column of few values is at its mean in many rows."""
        rows = pd.DataFrame({"x": pd.array([None, 1, 2, 2, 3] * 60, dtype="Int64"), "y": np.tile([0.0, 1.0, 2.0], 100)})
        for model in (lambda frame: (frame["x"] == 2).fillna(True).to_numpy(float), lambda frame: frame["y"].to_numpy()):
            explanation = self.explain({"x": 2, "y": 1.0}, model, rows)
            assert "missing_without_weight" not in codes(explanation)
        explanation = self.explain({"x": 2, "y": 1.0}, lambda frame: frame["x"].isna().to_numpy(float), rows)
        assert "missing_without_weight" in codes(explanation)

    @pytest.mark.parametrize("row", [{"x": 1, "y": 0.5}, {"x": None, "y": 0.5}, {"x": -0.0, "y": 0.5}])
    def test_whole_numbers_that_are_rounded_to_zero_are_not_missing(self, row):
        """numpy rounds -0.3 to -0.0, which is the code of a missing value if the mean is 0."""
        rows = pd.DataFrame({"x": pd.array([None, -1, 0, 0, 1] * 60, dtype="Int64"), "y": np.tile([0.0, 1.0, 2.0], 100)})
        explanation = self.explain(row, lambda frame: 5.0 * frame["x"].isna().to_numpy(float) + frame["y"].to_numpy(), rows)
        (alert,) = [notice for notice in explanation.notices if notice.code == "missing_without_weight"]
        assert re.search(r"is missing in (19|2[01])% of .* rows, where output is (5|4\.9\d|5\.0\d) greater", alert.message)

    @both_kinds
    def test_null_and_nan_count_as_the_mean_too(self, build):
        frame = build(BOTH)
        for number in (0, 3, 5):
            explanation = self.explain(one_row(frame, number), tells, frame)
            assert explanation.names == ("x",)
            assert "missing_without_weight" in codes(explanation)

    def test_a_column_with_one_value_has_a_weight_for_missing_ones(self):
        """There is no slope, and all that varies is whether the value is there."""
        rows = self.ROWS.copy()
        rows[150:, 0] = 3.0
        for value, name, weight in ((NAN, "x0 is missing", 5.0), (3.0, "x0=3", -5.0)):
            explanation = self.explain([value, 2.0, 2.0], lambda x: 5.0 * np.isnan(x[:, 0]) + x[:, 1], rows, alpha=0)
            assert dict(explanation.as_list())[name] == pytest.approx(weight, abs=1e-6)
            assert "missing_without_weight" not in codes(explanation)

    def test_a_column_that_never_varies_has_a_weight_for_other_values_of_the_row(self):
        rows = np.random.default_rng(0).normal(size=(300, 3))
        rows[:, 0] = 2.0
        for value, name, weight in ((NAN, "x0 is missing", 5.0), (4.0, "x0=4", 3.0), (2.0, "x0=2", 0.0)):
            model = lambda x: 5.0 * np.isnan(x[:, 0]) + 3.0 * (x[:, 0] == 4) + x[:, 1]  # noqa: E731
            explanation = self.explain([value, 2.0, 2.0], model, rows, alpha=0)
            assert dict(explanation.as_list())[name] == pytest.approx(weight, abs=1e-6)
            assert {"never_varies", "outside_training_data"} & codes(explanation) == {
                "outside_training_data" if weight else "never_varies"
            }

    def test_a_value_that_is_missing_in_the_row_alone(self):
        rows = np.random.default_rng(1).normal(size=(200, 2))
        explanation = self.explain([NAN, 0.0], lambda x: 2.0 * np.isnan(x[:, 0]) + x[:, 1], rows)
        assert {"missing_without_weight", "outside_training_data"} <= codes(explanation)
