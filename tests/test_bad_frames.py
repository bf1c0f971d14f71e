"""Frames and rows that are wrong, and those that can hardly be explained: a clear error, or an explanation with a warning."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.frames import (
    BUILD,
    COUNT,
    DAYS,
    FLAGS,
    GAPS,
    LEVELS,
    NUMBERS,
    SIZES,
    SMALL,
    WORDS,
    Recorder,
    assert_finite,
    codes,
    explain,
    missing,
    polars_frame,
    values,
)

from limelight import Explanation, TabularExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError


@pytest.mark.parametrize("build", BUILD)
class TestHonestCases:
    def check(self, build, row, expected, columns=SMALL, **options):
        explanation = explain(build(columns), row, **options)
        assert_finite(explanation)
        (warning,) = [warning for warning in explanation.warnings if warning.code == "outside_training_data"]
        assert warning.message == f"{expected} lies outside the training data; its weight compares just this value with them."
        assert len(Explanation.from_json(explanation.to_json()).names) == len(columns)
        return explanation

    def test_a_category_that_the_training_data_lack(self, build):
        self.check(build, {"real": 0.1, "text": "yew", "flag": True}, "text=yew")

    def test_a_number_far_out(self, build):
        explanation = self.check(build, {"real": 1e6, "text": "oak", "flag": True}, "real=1000000")
        assert explanation.view.values()[0] == "1000000"

    @pytest.mark.parametrize("name", [*SMALL])
    def test_missing_where_nothing_is(self, build, name):
        row = {"real": 0.1, "text": "oak", "flag": True, name: None}
        self.check(build, row, f"{name} is missing")
        frame, model = build(SMALL), Recorder()
        explain(frame, row, model)
        cells = values(model.batches[0], name)
        assert missing(cells[0])
        assert 0 < sum(map(missing, cells)) < len(cells) / 2

    def test_a_constant_column(self, build):
        columns = SMALL | {"fixed": [7] * COUNT, "word": ["same"] * COUNT}
        explanation = explain(build(columns), {"real": 0.1, "text": "oak", "flag": True, "fixed": 7, "word": "same"})
        assert "outside_training_data" not in codes(explanation)
        weights = dict(explanation.as_map()[0])
        assert (weights[3], weights[4]) == (0.0, 0.0)
        self.check(build, {"real": 0.1, "text": "oak", "flag": True, "fixed": 8, "word": "same"}, "fixed=8", columns)

    def test_one_training_row(self, build):
        columns = {name: column[:1] for name, column in SMALL.items()}
        explanation = explain(build(columns), [column[0] for column in SMALL.values()])
        assert [weight for _, weight in explanation.as_list()] == [0.0] * 3
        assert "constant_output" in codes(explanation)
        self.check(build, [SMALL["real"][0], WORDS[0], not FLAGS[0]], f"flag={not FLAGS[0]}", columns)

    @pytest.mark.parametrize("empty", [math.nan, None])
    def test_a_column_without_any_value(self, build, empty):
        columns = SMALL | {"nothing": [empty] * COUNT}
        explanation = explain(build(columns), {"real": 0.1, "text": "oak", "flag": True, "nothing": None})
        assert_finite(explanation)
        assert dict(explanation.as_map()[0])[3] == 0.0
        assert explanation.names[3] == "nothing is missing"

    def test_without_bins_what_is_missing_is_drawn_now_and_then(self, build):
        model = Recorder()
        explain(build(SMALL), {"real": None, "text": "oak", "flag": True}, model, discretize_continuous=False)
        cells = values(model.batches[0], "real")
        assert 0 < sum(map(missing, cells)) < len(cells)


class TestNewCategories:
    """A category of the row alone comes in the column's own type, where that can hold it."""

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            (pd.Series(GAPS, dtype=object), "yew"),
            (pd.Series(pd.array(GAPS, dtype="string")), "yew"),
            (pd.Series(pd.Categorical(SIZES, categories=LEVELS, ordered=True)), "medium"),
            (pd.Series(pd.Categorical(SIZES, categories=LEVELS)), "medium"),
            (pd.Series([True] * COUNT), False),
            (pl.Series(SIZES, dtype=pl.Enum(LEVELS)), "medium"),
            (pl.Series(GAPS, dtype=pl.Categorical), "yew"),
            (pa.array(GAPS).dictionary_encode(), "yew"),
            (pa.array(GAPS, pa.large_string()), "yew"),
        ],
        ids=lambda value: str(getattr(value, "dtype", getattr(value, "type", value))),
    )
    def test_of_the_same_type(self, column, value):
        build = pd.DataFrame if isinstance(column, pd.Series) else pl.DataFrame if isinstance(column, pl.Series) else pa.table
        frame, model = build({"a": column}), Recorder()
        assert codes(explain(frame, {"a": value}, model)) >= {"outside_training_data"}
        batch = model.batches[0]
        if build is pd.DataFrame:
            pd.testing.assert_series_equal(batch.dtypes, frame.dtypes)
        else:
            assert batch.schema == frame.schema
        assert values(batch, "a")[0] == value
        assert {str(cell) for cell in values(batch, "a")} == {str(cell) for cell in [value, *values(frame, "a")]}

    def test_a_pandas_category_joins_the_others(self):
        frame, model = pd.DataFrame({"a": pd.Categorical(SIZES, categories=LEVELS)}), Recorder()
        explain(frame, {"a": "huge"}, model)
        assert [*model.batches[0]["a"].cat.categories] == [*LEVELS, "huge"]

    @pytest.mark.parametrize(
        "column", [pd.Categorical(SIZES, categories=LEVELS, ordered=True), pl.Series(SIZES, dtype=pl.Enum(LEVELS))]
    )
    def test_none_where_the_type_leaves_no_place(self, column):
        build = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
        with pytest.raises(InstanceError, match="column 'a' can hold 'large', 'small' only; got 'huge'"):
            explain(build({"a": column}), {"a": "huge"})


class TestBadFrames:
    @pytest.mark.parametrize(
        ("frame", "message"),
        [
            (pd.DataFrame({"a": [[1], [2]]}), r"column 'a' holds \[1\] \(list\); a table's columns hold numbers, texts"),
            (pd.DataFrame({"a": [{"b": 1}]}), r"column 'a' holds \{'b': 1\} \(dict\)"),
            (pl.DataFrame({"a": [[1], [2]]}), r"column 'a' holds List\(Int64\); a table's columns hold"),
            (pd.DataFrame({"a": [1j]}), "column 'a' holds complex128"),
            (pl.DataFrame({"a": [{"b": 1}]}), r"column 'a' holds Struct\(.*; a table's columns hold"),
            (pa.table({"a": [[1.0]]}), r"column 'a' holds list<.*; a table's columns hold"),
            (pd.DataFrame({"a": pd.array([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}), "column 'a' holds list<"),
            (pa.table({"a": [dt.time(1)]}), r"column 'a' holds time64\[us\]; .* times, durations or periods\. Convert it"),
            (pl.DataFrame({"a": [b"x"]}), "column 'a' holds Binary"),
            (pd.DataFrame({"a": pd.interval_range(0, 2)}), "column 'a' holds interval"),
            (pd.DataFrame({"a": pd.to_timedelta([1, 2**60], unit="ns")}), r"column 'a' has durations in ns beyond 2\*\*53"),
            (pd.DataFrame({"a": pd.PeriodIndex.from_ordinals([2**60], freq="ns")}), r"column 'a' has periods beyond 2\*\*53"),
            (
                pd.DataFrame({"a": DAYS}),
                r"\(date\); .* in a type for these if they are no Python str, .*: convert it, as with pandas",
            ),
            (
                pd.DataFrame({"a": [Decimal(1), "one"]}),
                r"holds Decimal\('1'\) \(Decimal\); .* convert it, as with .* astype\(f",
            ),
            (pd.DataFrame({"a": [Decimal(1), Decimal("-Infinity")]}), "column 'a' has infinity in 1 of 2 rows"),
            (
                pa.table({"a": pa.array(["b"], pa.string_view())}),
                "string_view, a type from which pyarrow can take no rows; cast it, as to s",
            ),
            (
                pd.DataFrame({"a": [1.0, -1e200]}),
                r"numbers up to 1e\+150, since they are squared; column 'a' has 1e\+200 in absol",
            ),
            (
                pd.DataFrame({"a": pd.to_datetime([1000, 3_000_009], unit="ns")}),
                "column 'a' has times with parts of a microsecond, which would be cut; round them",
            ),
            (
                pl.DataFrame({"a": pl.Series([None, 3_000_009]).cast(pl.Datetime("ns", "Asia/Kolkata"))}),
                "column 'a' has times with parts of a microsecond",
            ),
            (pa.table({"a": pa.array([1000, 3_000_009], pa.timestamp("ns"))}), "column 'a' has times with parts of a micro"),
            (pd.DataFrame({"a": [1.0, math.inf]}), r"column 'a' has infinity in 1 of 2 rows\. Replace it by a finite"),
            (pd.DataFrame({"a": [1, -(2**53) - 1]}), r"column 'a' has whole numbers beyond 2\*\*53"),
            (pl.DataFrame({"a": [2**53 + 2]}), r"column 'a' has whole numbers beyond 2\*\*53, .* make them texts, or leave"),
            (pl.DataFrame({"a": pl.Series([2**100], dtype=pl.Int128)}), r"column 'a' has whole numbers beyond 2\*\*53"),
            (pa.table({"a": [2**53 + 2]}), r"column 'a' has whole numbers beyond 2\*\*53"),
            (pd.DataFrame(np.ones((3, 2)), columns=["a", "a"]), "not a sound frame: Expected unique column names"),
            (pa.table([pa.array([1])] * 2, names=["a", "a"]), "not a sound frame: Expected unique column names"),
            (pd.DataFrame({1: [1.0], "1": [2.0]}), "columns whose names look the same: '1'. Rename them"),
            (pd.DataFrame({"a": []}), r"must have rows and columns; got shape \(0, 1\)"),
            (pl.DataFrame(), r"must have rows and columns; got shape \(0, 0\)"),
            (
                pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 2)] * 2)),
                "not a sound frame: Expected unique col",
            ),
        ],
    )
    def test_training_data(self, frame, message):
        with pytest.raises(ArgumentError, match=message):
            TabularExplainer(frame)

    def test_a_frame_that_is_not_in_memory(self):
        with pytest.raises(ArgumentTypeError, match=r"must be in memory: collect\(\) the LazyFrame first"):
            TabularExplainer(pl.LazyFrame({"a": [1]}))

    def test_a_frame_of_another_kind(self):
        """It could be read as an array, but then the model would get arrays, and the names would be gone."""
        with pytest.raises(
            ArgumentTypeError, match="must be a frame of pandas, polars or pyarrow; got a RecordBatch: convert it"
        ):
            TabularExplainer(pa.record_batch({"a": [1]}))

    def test_names_given_twice(self):
        with pytest.raises(ArgumentError, match="feature_names must be left out where training_data is a frame"):
            TabularExplainer(pd.DataFrame(SMALL), feature_names=["a", "b", "c"])

    @pytest.mark.parametrize("build", BUILD)
    @pytest.mark.parametrize("name", ["text", "flag"])
    def test_names_of_categories_that_have_their_own(self, build, name):
        with pytest.raises(
            ArgumentError, match=f"categorical_names must leave out column '{name}': its own values are its names"
        ):
            TabularExplainer(build(SMALL), categorical_names={name: ["one", "two", "three"]})

    @pytest.mark.parametrize(
        ("kinds", "message"),
        [
            ({"real": "integer"}, r"kinds: column 'real' cannot be 'integer'; it has fractions, as -?\d.*\. Say 'numeric'"),
            ({"real": "numeric", 0: "categorical"}, "kinds must name each column once; got 'real' as 'real' and as 0"),
            ({"text": "numeric"}, r"kinds\['text'\] must be 'categorical': the column holds no numbers; got 'numeric'"),
        ],
    )
    def test_kinds(self, kinds, message):
        with pytest.raises(ArgumentError, match=message):
            TabularExplainer(pl.DataFrame(SMALL), kinds=kinds)

    def test_class_names_of_wrong_length(self):
        with pytest.raises(ArgumentError, match="class_names must have a name for each of the model's 2 outputs; got 3"):
            explain(pd.DataFrame(SMALL), [0.1, "oak", True], lambda frame: np.full((len(frame), 2), 0.5), class_names=[*"abc"])

    @pytest.mark.parametrize("build", BUILD)
    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"real": 1.0, "flag": True}, "must have the training data's columns, in any order; it lacks 'text'"),
            ({"real": 1.0, "flag": True, "text": "oak", "more": 1}, "it also has 'more'"),
            ({"reel": 1.0, "flag": True, "text": "oak"}, "it lacks 'real' and also has 'reel'"),
            (pd.Series([1.0, "oak", True, 2.0], index=["real", "text", "flag", "real"]), "it repeats some"),
            (pd.DataFrame([[1.0, "oak", True, 2.0]], columns=["real", "text", "flag", "real"]), "not a sound frame"),
            (pl.DataFrame(SMALL), "must be one row; got a frame of 60"),
            ([1.0, "oak"], "must have 3 columns, as the training data; got 2 values"),
            (np.ones((2, 3)), "must have 3 columns, as the training data; got ndarray"),
            ([np.ones(2), np.ones((2, 3))], "must have 3 columns, as the training data; got list"),
            ("oak", "must have 3 columns, as the training data; got str 'oak'"),
            (None, "must have 3 columns, as the training data; got NoneType None"),
            (pl.LazyFrame(SMALL), "must have 3 columns, as the training data; got LazyFrame"),
            (["1.0", "oak", True], r"column 'real' holds numbers; got '1.0' \(str\)"),
            (["one", "oak", True], r"column 'real' holds numbers; got 'one' \(str\)"),
            ([[1.0], "oak", True], r"column 'real' holds numbers; got \[1.0\] \(list\)"),
            ([-math.inf, "oak", True], r"column 'real' holds finite numbers; got -inf \(float\)"),
            ([1.0, 5, True], r"column 'text' holds values like 'ash', 'elm', 'oak'; got 5 \(int\)"),
            ([1.0, ["oak"], True], r"column 'text' holds values like 'ash', 'elm', 'oak'; got \['oak'\] \(list\)"),
            ([1.0, np.array(["oak", "elm"]), True], r"column 'text' holds values like .* \(ndarray\)"),
            ([1.0, "oak", "True"], r"column 'flag' holds values like False, True; got 'True' \(str\)"),
        ],
    )
    def test_rows(self, build, row, message):
        with pytest.raises(InstanceError, match=message):
            explain(build(SMALL), row)

    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("whole", 2.5, "holds whole numbers; got 2.5"),
            ("tiny", 300, "holds numbers from -128 to 127; got 300"),
            ("whole", 2**53 + 1, r"holds numbers from .* got 9007199254740993"),
            ("whole", 1e300, r"holds numbers from -9.0072e\+15 to 9.0072e\+15; got 1e\+300"),
            ("single", 1e39, "holds numbers from"),
            ("decimal", 1e9, r"holds numbers from -1e\+08 to 1e\+08; got"),
            ("moment", "2024-01-01", "holds times; got '2024-01-01'"),
            ("moment", 5, "holds times; got 5"),
            ("moment", dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "holds times without a zone"),
            ("moment", dt.datetime(2024, 1, 1, 0, 0, 0, 5), "too coarse for '2024-01-01T00:00:00.000005'"),
            ("zone", dt.datetime(2024, 1, 1), r"holds times with a zone \(Asia/Kolkata\)"),
            ("day", dt.datetime(2024, 1, 1, 5), "too coarse for '2024-01-01T05:00:00'"),
        ],
    )
    def test_cells_that_the_type_cannot_hold(self, column, value, message):
        with pytest.raises(InstanceError, match=f"column '{column}' .*{message}"):
            explain(polars_frame()[[column]], [value])

    @pytest.mark.parametrize(
        "row",
        [
            pd.DataFrame({"a": pd.to_datetime([3_000_009], unit="ns")}),
            pd.Series({"a": pd.Timestamp(3_000_009)}),
            {"a": np.datetime64(3_000_009, "ns")},
            pl.DataFrame({"a": pl.Series([3_000_009]).cast(pl.Datetime("ns"))}),
            pa.table({"a": pa.array([3_000_009], pa.timestamp("ns"))}),
        ],
        ids=lambda row: type(row).__module__,
    )
    def test_times_with_parts_of_a_microsecond(self, row):
        """They were cut."""
        whole = pd.DataFrame({"a": pd.to_datetime(np.arange(60) * 1000, unit="ns")})
        for frame in (whole, pl.from_pandas(whole)):
            with pytest.raises(InstanceError, match=r"column 'a' .*microsecond"):
                explain(frame, row)
            assert explain(frame, {"a": pd.Timestamp(9_000)}) == explain(frame, frame[9:10])

    @pytest.mark.parametrize("build", BUILD)
    @pytest.mark.parametrize(("name", "value"), [("text", "yew"), ("text", None), ("flag", None)])
    def test_constraints_that_make_up_categories(self, build, name, value):
        def repaired(frame):
            return build({column: [value] * len(frame) if column == name else values(frame, column) for column in SMALL})

        with pytest.raises(ArgumentError, match=f"constraint gives categories of column '{name}' that the training data lack"):
            explain(build(SMALL), [0.1, "oak", True], constraint=repaired)

    @pytest.mark.parametrize("option", ["sampler", "constraint"])
    @pytest.mark.parametrize(
        ("column", "message"),
        [
            ("one", r"gives a value that column 'a' cannot hold: column 'a' holds numbers; got 'one' \(str\)"),
            ([1], "gives a value that column 'a' cannot hold: unhashable type: 'list'"),
            (0.5, r"gives a value that column 'a' cannot hold: column 'a' holds whole numbers; got 0\.5"),
        ],
    )
    def test_rows_with_cells_of_other_kinds(self, option, column, message):
        def rows(many, *_):
            count = many if option == "sampler" else len(many)
            return pd.DataFrame({"a": [column] * count})

        with pytest.raises(ArgumentError, match=f"{option} {message}"):
            explain(pd.DataFrame({"a": range(COUNT)}), [1], **{option: rows})

    def test_rows_with_columns_of_the_same_name(self):
        def sampler(count, generator):
            return pd.DataFrame(generator.normal(size=(count, 2)), columns=["a", "a"])

        with pytest.raises(ArgumentError, match="sampler must give a sound frame: Expected unique column names"):
            explain(pd.DataFrame({"a": NUMBERS["real"]}), [1.0], sampler=sampler)

    def test_constraints_on_columns_without_texts_for_names(self):
        frame = pd.DataFrame({1: NUMBERS["real"], 0: WORDS})
        assert_finite(explain(frame, frame.iloc[3], constraint=lambda rows: rows.sort_index(axis=1)))


# --- what numbers mean ---------------------------------------------------------------------------------------------------


def test_numbers_are_labels_where_columns_are_labelled_by_numbers():
    frame = pd.DataFrame({1: np.arange(60) % 3, 2: np.linspace(0, 1, 60), 3: np.linspace(1, 2, 60)})
    explanation = TabularExplainer(frame, categorical_features=[1]).explain_instance(
        frame.iloc[0], lambda rows: rows[1].to_numpy(), num_samples=100
    )
    assert explanation.as_list()[0][0] == "1=0"
    with pytest.raises(ArgumentError, match=r"categorical_features must name columns by number, .* got 0"):
        TabularExplainer(frame, categorical_features=[0])


def test_what_is_masked_is_missing():
    rows = np.ma.array(np.random.default_rng(0).normal(size=(300, 3)))
    rows[:100, 0] = np.ma.masked
    explanation = TabularExplainer(rows).explain_instance(rows[0], lambda asked: np.isnan(asked[:, 0]) * 1.0, num_features=1)
    ((name, weight),) = explanation.as_list()
    assert name == "x0 is missing"
    assert weight == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("kind", [complex, "datetime64[D]"])
def test_arrays_of_other_numbers(kind):
    with pytest.raises(ArgumentTypeError, match="training_data must hold numbers only: got"):
        TabularExplainer(np.zeros((5, 2), dtype=kind))


@pytest.mark.parametrize("rows", [[["oak", 1.0]], [{"text": "oak"}], "table.csv"])
def test_what_belongs_in_a_frame(rows):
    with pytest.raises(ArgumentTypeError, match=r"training_data must hold numbers only: .* as a frame"):
        TabularExplainer(rows)


def test_neither_training_data_nor_statistics():
    with pytest.raises(
        ArgumentError, match=r"training_data must have 2 dimensions; got None\. Give it, or training_data_stats"
    ):
        TabularExplainer(None)


def test_without_bins_what_is_missing_counts_as_the_mean_and_that_is_said():
    rows = np.random.default_rng(0).normal(size=(300, 2))
    rows[:90, 0] = np.nan
    explanation = TabularExplainer(rows, discretize_continuous=False).explain_instance(
        [np.nan, 0.5], lambda asked: np.nan_to_num(asked).sum(axis=1)
    )
    assert explanation.names == ("x0", "x1")
    codes = [notice.code for notice in explanation.notices]
    assert codes[:2] == ["missing_as_mean", "slopes"]
