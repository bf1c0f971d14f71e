"""Frames of pandas, polars and pyarrow: what the model gets, which rows can be given, the same answer from each."""

import datetime as dt
import pickle
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.frames import (
    COUNT,
    FLAGS,
    FRAMES,
    MOMENTS,
    NUMBERS,
    WORDS,
    Recorder,
    arrow_frame,
    codes,
    explain,
    missing,
    one_row,
    pandas_frame,
    values,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from limelight import Explanation, TabularExplainer
from limelight.modalities.tables._training_data import encode

OPTIONS = [{}, {"discretize_continuous": False}, {"sample_around_instance": True}]


class TestWhatTheModelGets:
    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize("make", FRAMES)
    def test_the_same_kind_of_frame(self, make, options):
        frame, model = make(), Recorder()
        explain(frame, one_row(frame, 3), model, batch_size=90, **options)
        assert len(model.batches) == 4  # in the last one, some are asked about again
        for batch in model.batches:
            assert type(batch) is type(frame)
            if isinstance(frame, pd.DataFrame):
                pd.testing.assert_series_equal(batch.dtypes, frame.dtypes)
                pd.testing.assert_index_equal(batch.index, pd.RangeIndex(len(batch)))
            else:
                assert batch.schema == frame.schema
        first, row = one_row(model.batches[0], 0), one_row(frame, 3)
        if isinstance(frame, pd.DataFrame):
            pd.testing.assert_frame_equal(first, row.reset_index(drop=True), check_exact=True)
        else:
            assert first.equals(row) or first.to_pylist() == row.to_pylist()

    @pytest.mark.parametrize("options", OPTIONS)
    @pytest.mark.parametrize("make", FRAMES)
    def test_values_are_those_of_the_training_data(self, make, options):
        frame, model = make(), Recorder()
        explain(frame, one_row(frame, 3), model, num_samples=1000, **options)
        batch, _ = model.batches
        for name in frame.column_names if isinstance(frame, pa.Table) else frame.columns:
            seen, drawn = values(frame, name), values(batch, name)
            there, gaps = [value for value in seen if not missing(value)], sum(map(missing, seen))
            assert gaps or not any(map(missing, drawn)), name
            assert sum(map(missing, drawn)) / len(drawn) == pytest.approx(gaps / COUNT, abs=0.01), name
            present = [value for value in drawn if not missing(value)]
            if isinstance(there[0], (str, bool, pd.Interval)):
                assert set(present) == set(there), name
            elif not options:
                assert min(there) <= min(present), name
                assert max(present) <= max(there), name

    @pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("ms")])
    def test_times_count_as_what_the_model_sees(self, kind):
        """Days and milliseconds are drawn whole: what a type rounds away would put a time into another bin for the model."""
        few = pl.Series(np.arange(COUNT) % 10, dtype=pl.Int32)
        frame = pl.DataFrame({"when": few.cast(kind), "real": NUMBERS["real"]})

        def model(batch):  # the second quartile
            counts = batch["when"].to_physical().to_numpy()
            return (counts > 2) & (counts <= 4.5)

        weights = dict(explain(frame, frame[3], model, alpha=0).as_map()[0])
        assert weights[0] == pytest.approx(1.0, abs=1e-9)

    @pytest.mark.parametrize("dtype", ["int64", "Int64", "int64[pyarrow]"])
    def test_whole_numbers_stay_whole_whatever_is_said_of_them(self, dtype):
        """A fraction, which the type cannot hold, would be cut to another number, or to an error."""
        frame, model = pd.DataFrame({"a": pd.Series(range(COUNT), dtype=dtype)}), Recorder()
        explanation = explain(frame, [3], model, kinds={"a": "numeric"})
        assert explanation == explain(frame, [3])
        assert model.batches[0]["a"].dtype == dtype

    @pytest.mark.parametrize("build", [pl.DataFrame, pa.table])
    def test_decimals_are_clipped(self, build):
        column = pa.array([Decimal("0.5"), Decimal("9.99")] * 20, pa.decimal128(3, 2))
        frame, model = build({"a": column}), Recorder()
        explain(frame, [9.99], model, sample_around_instance=True)
        assert max(values(model.batches[0], "a")) == Decimal("9.99")

    @pytest.mark.parametrize("make", FRAMES)
    def test_small_integers_are_clipped_and_do_not_wrap_around(self, make):
        names = ["tiny", "real"]  # real numbers keep all drawn rows apart
        frame, model = make().select(names) if make is arrow_frame else make()[names], Recorder()
        explain(frame, [120, 0.0], model, num_samples=1000, sample_around_instance=True)
        drawn = np.array(values(model.batches[0], "tiny"))
        assert np.mean(drawn == 127) == pytest.approx(0.46, abs=0.03)  # the normal tail above 127
        assert np.mean(drawn < 0) == pytest.approx(0.055, abs=0.02)

    @pytest.mark.parametrize(
        "labels",
        [
            pd.RangeIndex(3, 3 + 2 * COUNT, 2, name="number"),
            pd.Index([f"row {number}" for number in range(COUNT)]),
            pd.date_range("2020", periods=COUNT),
            pd.CategoricalIndex(WORDS, name="tree"),
        ],
        ids=lambda labels: type(labels).__name__,
    )
    def test_labels_of_rows_are_of_the_same_kind(self, labels):
        frame, model = pandas_frame().set_axis(labels), Recorder()
        explanation = explain(frame, frame.iloc[3], model)
        for batch in model.batches:
            assert (type(batch.index), batch.index.dtype, batch.index.name) == (type(labels), labels.dtype, labels.name)
        assert explanation == explain(pandas_frame(), pandas_frame().iloc[3])

    def test_labels_of_rows_are_not_kept(self):
        """They may say whose the rows are."""
        frame = pandas_frame()[["real"]].set_axis([f"person {number}" for number in range(COUNT)])
        stored = pickle.dumps(TabularExplainer(frame))
        assert b"person 7" not in stored

    @pytest.mark.parametrize(
        "labels",
        [
            pd.RangeIndex(2, name="column"),
            [1, 0],
            [("a", 1), "a"],
            [None, 2.5],
            pd.date_range("2020", periods=2),
            [True, False],
        ],
    )
    def test_labels_of_columns_may_be_anything(self, labels):
        frame, model = pandas_frame()[["real", "text"]], Recorder()
        frame.columns = labels if isinstance(labels, pd.Index) else pd.Index(labels, tupleize_cols=False)
        explanations = [
            explain(frame, row, model)
            for row in (frame.iloc[3], frame.iloc[[3], ::-1], {frame.columns[1]: WORDS[3], frame.columns[0]: frame.iloc[3, 0]})
        ]
        assert explanations == explanations[:1] * 3
        pd.testing.assert_index_equal(model.batches[0].columns, frame.columns)
        assert explanations[0].view.cells[0].column == str(frame.columns[0])

    def test_estimators_that_know_their_columns_are_content(self):
        frame = pandas_frame()[["real", "whole"]]
        model = LogisticRegression().fit(frame, FLAGS)
        explanation = explain(frame, frame.iloc[3], model)  # a warning of scikit-learn's would be an error
        assert explanation.predictions == tuple(model.predict_proba(frame.iloc[[3]])[0])
        assert explanation.output_names == ("False", "True")


class TestNames:
    def test_times(self):
        day = [dt.date(2024, 1, 1 + number) for number in range(5)]
        moment = [dt.datetime(2024, 1, 1, 8, number) for number in range(5)]
        frame = pl.DataFrame({"day": day, "moment": moment, "zone": moment}).with_columns(
            pl.col("zone").dt.replace_time_zone("Asia/Kolkata")
        )
        explanation = explain(frame, frame[4])
        assert explanation.names == (
            "day=2024-01-05",
            "moment=2024-01-01 08:04",
            "zone=2024-01-01 08:04+05:30",
        )
        assert [*explanation.view.values().values()] == ["2024-01-05", "2024-01-01 08:04", "2024-01-01 08:04+05:30"]

    @pytest.mark.parametrize(
        ("column", "name"),
        [
            (pd.Series(MOMENTS).dt.tz_localize(dt.timezone(dt.timedelta(hours=-3))), "2024-01-01 08:00-03:00"),
            (pd.Series(MOMENTS).dt.tz_localize("UTC"), "2024-01-01 08:00+00:00"),
            (pl.Series(MOMENTS).dt.replace_time_zone("Europe/Berlin"), "2024-01-01 08:00+01:00"),
            (pa.array([moment.replace(tzinfo=ZoneInfo("Asia/Kolkata")) for moment in MOMENTS]), "2024-01-01 08:00+05:30"),
            (pa.array(MOMENTS, pa.timestamp("s", "+01:00")), "2024-01-01 09:00+01:00"),
        ],
    )
    def test_times_with_a_zone_are_shown_in_it(self, column, name):
        build = pd.DataFrame if isinstance(column, pd.Series) else pl.DataFrame if isinstance(column, pl.Series) else pa.table
        explanation = explain(build({"a": column}), {"a": dt.datetime.fromisoformat(name)})
        assert explanation.view.values()[0] == name

    def test_edges_that_are_no_times(self):
        frame = pd.DataFrame({"a": pd.Series(MOMENTS).astype("datetime64[s]")})
        assert explain(frame, frame.iloc[0], discretizer={"a": [1.7e15]}).names == ("a <= 1.7e+15",)

    def test_times_that_python_cannot_hold_are_shown_in_utc(self):
        far = np.array(["2024-01-01", "12024-01-01"], dtype="datetime64[s]")
        explanation = explain(pd.DataFrame({"a": pd.Series(far).dt.tz_localize("UTC")}), [far[1]])
        assert explanation.view.values()[0] == "12024-01-01 00:00 UTC"

    def test_days_have_no_hours(self):
        """An edge between two days is as good as the first of them."""
        frame = pl.DataFrame({"day": [dt.date(2024, 1, 1 + number) for number in range(4)]})
        assert [explain(frame, frame[number]).names for number in range(4)] == [
            ("day=2024-01-01",),
            ("day=2024-01-02",),
            ("day=2024-01-03",),
            ("day=2024-01-04",),
        ]

    def test_booleans_and_whole_numbers(self):
        frame = pd.DataFrame({"flag": FLAGS, "count": range(COUNT)})
        explanation = explain(frame, frame.iloc[3])
        assert explanation.names == ("flag=True", "count <= 14")
        assert [*explanation.view.values().values()] == ["True", "3"]


class TestRows:
    @pytest.mark.parametrize("make", FRAMES)
    def test_in_any_form(self, make):
        frame = make()
        row = one_row(frame, 7)
        explainer = TabularExplainer(frame)
        expected = explainer.explain_instance(row, Recorder(), num_samples=100)
        if isinstance(frame, pd.DataFrame):
            record = row.iloc[0].to_dict()
            table = pa.Table.from_pandas(row.drop(columns="bins"), preserve_index=False)
            forms = [row.iloc[0], row.iloc[0][::-1], row.iloc[:, ::-1], row.reset_index()[[*frame]]]
            simple = frame.drop(columns="bins")  # pandas alone has intervals
            others = [explain(simple, one) for one in (simple.iloc[7], table, pl.from_arrow(table))]
            assert others == others[:1] * 3
        else:
            record = row.to_dicts()[0] if isinstance(frame, pl.DataFrame) else row.to_pylist()[0]
            arrow = row if isinstance(frame, pa.Table) else row.to_arrow()
            forms = [row.select([*record][::-1]), arrow, pl.from_arrow(arrow), row.to_pandas()]
        items = [*record.values()]
        cells = np.empty((1, len(items)), dtype=object)
        cells[0] = items
        forms += [record, dict([*record.items()][::-1]), items, tuple(items), cells[0], cells]
        for form in forms:
            assert explainer.explain_instance(form, Recorder(), num_samples=100) == expected, type(form)

    def test_arrays_of_times(self):
        frame = pandas_frame()[["moment", "nanoseconds"]]
        expected = explain(frame, frame.iloc[9])
        assert explain(frame, frame.iloc[9].to_numpy(dtype="datetime64[ns]")) == expected
        assert explain(frame, [frame.iloc[9, 0].to_pydatetime(), np.datetime64(MOMENTS[9])]) == expected

    def test_what_is_masked_is_missing(self):
        frame = pd.DataFrame({"a": NUMBERS["real"], "b": WORDS})
        masked = np.ma.array([1.0, "oak"], mask=[True, False], dtype=object)
        for row in (masked, masked[None], [np.ma.masked, "oak"]):
            assert explain(frame, row) == explain(frame, [None, "oak"])

    def test_series_without_labels(self):
        frame = pl.DataFrame({"start": MOMENTS, "end": MOMENTS[::-1]})
        expected = explain(frame, frame[0])
        for row in (pl.Series(frame.row(0), dtype=pl.Datetime("ns")), pa.chunked_array([frame.row(0)])):
            assert explain(frame, row) == expected

    def test_a_number_that_a_narrow_type_rounds(self):
        frame = pl.DataFrame({"a": pl.Series([0.1, 0.2, 0.3, 0.7], dtype=pl.Float32)})
        for value in (0.1, 0.7):
            assert "outside_training_data" not in codes(explain(frame, [value]))


SHORT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
INSTANTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))
SECONDS = INSTANTS.map(lambda moment: moment.replace(microsecond=0))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NARROW = st.floats(allow_nan=False, allow_infinity=False, width=32)
WHOLE = st.integers(1 - 2**53, 2**53 - 1)


def pandas_column(kind):
    return lambda cells: pd.Series(cells, dtype=object).astype(kind)


def polars_column(kind):
    return lambda cells: pl.Series(cells, dtype=kind)


# For each kind of column its values, whether one may be missing, and how it is built.
PANDAS = [
    (WHOLE, False, pandas_column("int64")),
    (st.integers(-128, 127), False, pandas_column("int8")),
    (st.integers(0, 2**16 - 1), True, pandas_column("UInt16")),
    (WHOLE, True, pandas_column("Int64")),
    (st.integers(0, 2**32 - 1), True, pandas_column("uint32[pyarrow]")),
    (FLOATS, True, pandas_column("float64")),
    (NARROW, True, pandas_column("float32")),
    (FLOATS, True, pandas_column("Float64")),
    (st.booleans(), False, pandas_column("bool")),
    (st.booleans(), True, pandas_column("boolean")),
    (SHORT, True, pandas_column("object")),
    (SHORT, True, pandas_column("string")),
    (SHORT, True, pandas_column("category")),
    (st.sampled_from("ab"), True, pandas_column(pd.CategoricalDtype([*"cab"], ordered=True))),
    (INSTANTS, True, pandas_column("datetime64[us]")),
    (SECONDS, True, pandas_column("datetime64[s]")),
    (INSTANTS.map(dt.datetime.date), True, pandas_column("date32[day][pyarrow]")),
    (INSTANTS, True, lambda cells: pandas_column("datetime64[ns]")(cells).dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")),
]
POLARS = [
    (WHOLE, True, polars_column(pl.Int64)),
    (st.integers(-128, 127), True, polars_column(pl.Int8)),
    (st.integers(0, 2**53 - 1), True, polars_column(pl.UInt64)),
    (WHOLE, True, polars_column(pl.Int128)),
    (st.integers(0, 2**53 - 1), True, polars_column(getattr(pl, "UInt128", pl.Int128))),
    (FLOATS, True, polars_column(pl.Float64)),
    (NARROW, True, polars_column(pl.Float32)),
    (st.booleans(), True, polars_column(pl.Boolean)),
    (SHORT, True, polars_column(pl.String)),
    (SHORT, True, polars_column(pl.Categorical)),
    (st.sampled_from("ab"), True, polars_column(pl.Enum([*"cab"]))),
    (INSTANTS.map(dt.datetime.date), True, polars_column(pl.Date)),
    (INSTANTS, True, polars_column(pl.Datetime("us"))),
    (SECONDS, True, polars_column(pl.Datetime("ms", "UTC"))),
    (INSTANTS, True, polars_column(pl.Datetime("ns"))),
]


@st.composite
def frames(draw, library, kinds):
    size = draw(st.integers(1, 8))
    names = draw(st.lists(SHORT, min_size=1, max_size=4, unique=True))
    columns = {}
    for name in names:
        cells, gaps, build = draw(st.sampled_from(kinds))
        cells = st.one_of(st.none(), cells) if gaps else cells
        columns[name] = build(draw(st.lists(cells, min_size=size, max_size=size)))
    return library.DataFrame(columns)


class TestProperties:
    @given(frames(pd, PANDAS))
    @settings(max_examples=100)
    def test_a_pandas_frame_comes_back(self, frame):
        numbers, encoding = encode(frame, None)
        pd.testing.assert_frame_equal(encoding.make_batch(numbers), frame, check_exact=True)
        for number in range(len(frame)):
            row, known = encoding.read(frame.iloc[[number]])
            np.testing.assert_array_equal(row, numbers[number])
            pd.testing.assert_frame_equal(known.make_batch(numbers), frame, check_exact=True)

    @given(frames(pl, POLARS))
    @settings(max_examples=100)
    def test_a_polars_frame_comes_back(self, frame):
        numbers, encoding = encode(frame, None)
        assert encoding.make_batch(numbers).schema == frame.schema
        assert encoding.make_batch(numbers).equals(frame)
        for number, record in enumerate(frame.to_dicts()):
            for row in (frame[number], record):
                np.testing.assert_array_equal(encoding.read(row)[0], numbers[number])

    @given(frame=st.one_of(frames(pd, PANDAS[8:14]), frames(pl, POLARS[7:11])), data=st.data())
    @settings(max_examples=30)
    def test_hostile_names_and_values_are_only_names_and_values(self, frame, data):
        """Whatever columns and cells are called, an explanation can be made, written and read again."""
        row = one_row(frame, data.draw(st.integers(0, len(frame) - 1)))
        assume(not any(all(map(missing, values(frame, name))) for name in frame.columns))  # those are another test's
        explanation = explain(frame, row, num_samples=20)
        # What is not a number has no JSON of its own; equal texts say that nothing else changed either.
        assert Explanation.from_json(explanation.to_json()).to_json() == explanation.to_json()
        assert [cell.column for cell in explanation.view.cells] == [*frame.columns]

    @pytest.mark.parametrize("make", FRAMES)
    def test_a_pickled_explainer_is_the_same(self, make):
        explainer, row = TabularExplainer(make()), one_row(make(), 3)
        first, second = Recorder(), Recorder()
        expected = explainer.explain_instance(row, first, num_samples=100)
        assert pickle.loads(pickle.dumps(explainer)).explain_instance(row, second, num_samples=100) == expected
        assert all(one.equals(other) for one, other in zip(first.batches, second.batches, strict=True))
        assert Explanation.from_json(expected.to_json()) == expected

    @pytest.mark.parametrize("make", FRAMES)
    def test_a_model_may_write_on_its_frame(self, make):
        frame = make()
        explainer, row = TabularExplainer(frame), one_row(frame, 3)
        first, second = Recorder(), Recorder()

        def vandal(batch):
            answer = first(batch.copy() if make is pandas_frame else batch)
            if make is pandas_frame:
                batch.loc[:, "real"] = 0.0
                del batch["text"]
            return answer

        assert explainer.explain_instance(row, vandal) == explainer.explain_instance(row, second)
        assert all(one.equals(other) for one, other in zip(first.batches, second.batches, strict=True))
