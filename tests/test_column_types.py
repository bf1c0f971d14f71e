"""Columns of types that frames have beside numbers, texts and times: explained and handed on to the model as they are."""

import datetime as dt
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.frames import COUNT, codes, explain, missing, one_row, values
from helpers.tables import Recorder
from hypothesis import given, settings
from hypothesis import strategies as st

from limelight import Explanation, TabularExplainer
from limelight.exceptions import InstanceError
from limelight.modalities.tables._training_data import encode

RNG = np.random.default_rng(11)
SECONDS = RNG.integers(0, 200_000, COUNT)
REAL = RNG.normal(size=COUNT)
FRUITS = RNG.choice(["fig", "kiwi", "plum"], COUNT)
PRICES = [None if i % 7 == 0 else Decimal(int(cents)) / 100 for i, cents in enumerate(RNG.integers(0, 900, COUNT))]
RARELY = np.where(RNG.random(COUNT) < 0.3, RNG.normal(size=COUNT), 0.0)
BUILDERS = {
    "pandas seconds": lambda: pd.DataFrame({"wait": pd.Series(SECONDS).astype("timedelta64[s]"), "real": REAL}),
    "pandas nanoseconds": lambda: pd.DataFrame({"wait": pd.to_timedelta(SECONDS, unit="s").astype("m8[ns]"), "real": REAL}),
    "pandas with pyarrow's": lambda: pd.DataFrame({"wait": pd.Series(SECONDS).astype("duration[s][pyarrow]"), "real": REAL}),
    "polars": lambda: pl.DataFrame({"wait": pl.Series(SECONDS * 1000).cast(pl.Duration("ms")), "real": REAL}),
    "pyarrow": lambda: pa.table({"wait": pa.array(SECONDS, pa.duration("s")), "real": REAL}),
}


def seconds_of(batch):
    """The durations in a batch, in seconds."""
    column = batch["wait"]
    if isinstance(column, pa.ChunkedArray):
        column = pd.Series(column.to_pylist())
    return np.asarray(column.dt.total_seconds(), dtype=float)


def of_wait(batch):
    """A number for each row that depends on both of its columns."""
    return seconds_of(batch) / 1000 + np.asarray(batch["real"])


def of_months(frame):
    return 4.0 * (frame["month"] > pd.Period("2001-01", "M")) + 2.0 * frame["quarter"].isna() + frame["real"]


def sparse_frame():
    dummies = pd.get_dummies(pd.Series(FRUITS), sparse=True)
    return dummies.assign(
        real=REAL,
        rarely=pd.arrays.SparseArray(RARELY, fill_value=0.0),
        count=pd.arrays.SparseArray(RNG.integers(0, 3, COUNT)),
        gaps=pd.arrays.SparseArray(np.where(RARELY == 0, np.nan, RARELY)),
        single=pd.arrays.SparseArray(RARELY.astype(np.float32), fill_value=0.0),
    )


def dense_of(frame):
    return frame.apply(lambda column: column.sparse.to_dense() if isinstance(column.dtype, pd.SparseDtype) else column)


def of_sparse(frame):
    numbers = {name: np.asarray(frame[name], dtype=float) for name in frame}
    return numbers["kiwi"] + 2 * (numbers["rarely"] > 0) - 3 * np.isnan(numbers["gaps"]) + numbers["count"] * numbers["single"]


def of_panel(frame):
    return 2 * frame["salary"][5] - frame["tax", 6] * (frame["salary", 6] > 0)


def panel(names=("what", "when")):
    columns = pd.MultiIndex.from_product([["salary", "tax"], [5, 6]], names=names)
    return pd.DataFrame(RNG.normal(size=(COUNT, 4)), columns=columns)


class TestKindFDurations:
    @pytest.mark.parametrize("make", BUILDERS.values(), ids=[*BUILDERS])
    def test_a_planted_weight_is_that_of_the_same_numbers(self, make):
        frame, model = make(), Recorder(lambda batch: 3.0 * (seconds_of(batch) > 120_000))
        explanation = explain(frame, one_row(frame, 4), model)
        numbers = pd.DataFrame({"wait": SECONDS, "real": REAL})
        expected = explain(numbers, numbers.iloc[[4]], lambda batch: 3.0 * (batch["wait"] > 120_000))
        for (name, weight), (_, planted) in zip(explanation.as_list(), expected.as_list(), strict=True):
            assert weight == pytest.approx(planted, abs=0.1), name
        for batch in model.batches:
            if isinstance(frame, pd.DataFrame):
                pd.testing.assert_series_equal(batch.dtypes, frame.dtypes)
            else:
                assert batch.schema == frame.schema

    def test_names_and_values(self):
        steps = [dt.timedelta(seconds=1.5), dt.timedelta(hours=30), -dt.timedelta(minutes=2), dt.timedelta(days=1)]
        frame = pl.DataFrame({"wait": steps})
        shown = [explain(frame, frame[number], lambda batch: batch["wait"].dt.total_seconds()) for number in range(4)]
        assert [e.view.values()[0] for e in shown] == ["00:00:01.5", "1 day 06:00:00", "-00:02:00", "1 day"]
        assert [e.names[0] for e in shown] == [
            "-00:00:28.875 < wait <= 12:00:00.75",
            "wait=1 day 06:00:00",
            "wait=-00:02:00",
            "12:00:00.75 < wait <= 1 day 01:30:00",
        ]

    @pytest.mark.parametrize("make", BUILDERS.values(), ids=[*BUILDERS])
    def test_rows_in_any_form(self, make):
        frame = make()
        explainer = TabularExplainer(frame)
        expected = explainer.explain_instance(one_row(frame, 7), of_wait, num_samples=100)
        wait, real = dt.timedelta(seconds=int(SECONDS[7])), REAL[7]
        rows = [
            {"wait": wait, "real": real},
            [np.timedelta64(wait), real],
            pd.Series({"real": real, "wait": pd.Timedelta(wait)}),
        ]
        rows += [
            pl.DataFrame({"wait": [wait], "real": [real]}),
            pa.table({"wait": pa.array([wait], "duration[ns]"), "real": [real]}),
        ]
        for row in rows:
            assert explainer.explain_instance(row, of_wait, num_samples=100) == expected, type(row)
        many = explainer.explain_many(
            frame[:8] if not isinstance(frame, pa.Table) else frame.slice(0, 8), of_wait, num_samples=100
        )
        assert many[7] == expected

    @pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
    def test_nanoseconds_count_where_there_are_any(self, build):
        """Python's own durations have no such parts."""

        def of_counts(batch):
            column = batch["wait"]
            return np.asarray(column.to_numpy()).astype("m8[ns]").astype(float) % 50

        counts = np.arange(COUNT) * 7
        frame = build({"wait": pa.array(counts, pa.duration("ns"))} if build is pa.table else {"wait": counts.astype("m8[ns]")})
        explainer = TabularExplainer(frame)
        rows = explainer.explain_many(frame, of_counts, num_samples=64)
        assert [row.view.values()[0] for row in rows][8:10] == ["00:00:00.000000056", "00:00:00.000000063"]
        assert explainer.explain_instance(one_row(frame, 9), of_counts, num_samples=64) == rows[9]
        assert explainer.explain_instance([np.timedelta64(63, "ns")], of_counts, num_samples=64) == rows[9]

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (5, r"column 'wait' holds durations; got 5 \(int\)"),
            ("1 day", r"column 'wait' holds durations; got '1 day' \(str\)"),
            (dt.datetime(2024, 1, 1), "column 'wait' holds durations; got datetime"),
            (np.timedelta64(1, "Y"), "column 'wait' holds durations; got"),
            (dt.timedelta(milliseconds=1), "which is too coarse for datetime.timedelta"),
        ],
    )
    def test_other_values_are_refused(self, value, message):
        with pytest.raises(InstanceError, match=message):
            explain(BUILDERS["pandas seconds"](), [value, 0.0], of_wait)

    def test_missing_ones_and_draws_around_the_row(self):
        frame, model = (
            pl.DataFrame({"wait": [None, *SECONDS[1:].tolist()]}, schema={"wait": pl.Duration("us")}),
            Recorder(lambda batch: batch["wait"].is_null()),
        )
        explanation = explain(frame, [None], model, sampler="around")
        assert explanation.names == ("wait is missing",)
        assert any(map(missing, values(model.batches[0], "wait")))


class TestKindFPeriods:
    FRAME = pd.DataFrame(
        {
            "month": pd.period_range("1998-03", periods=COUNT, freq="M"),
            "quarter": pd.PeriodIndex([None if i % 9 == 0 else "2001Q3" for i in range(COUNT)], freq="Q"),
            "real": REAL,
        }
    )

    def test_a_planted_weight_is_that_of_the_same_numbers(self):
        start = pd.Period("2001-01", "M")
        model = Recorder(lambda batch: 4.0 * (batch["month"] > start) + 2.0 * batch["quarter"].isna())
        explanation = explain(self.FRAME, self.FRAME.iloc[54], model)
        numbers = self.FRAME.assign(
            month=self.FRAME["month"].array.asi8, quarter=np.where(self.FRAME["quarter"].isna(), np.nan, 126.0)
        )
        expected = explain(
            numbers, numbers.iloc[54], lambda batch: 4.0 * (batch["month"] > start.ordinal) + 2.0 * batch["quarter"].isna()
        )
        assert [weight for _, weight in explanation.as_list()] == [weight for _, weight in expected.as_list()]
        assert explanation.names == ("month > 2001-11", "quarter is missing", expected.names[2])
        assert explanation.view.values()[0] == "2002-09"
        for batch in model.batches:
            pd.testing.assert_series_equal(batch.dtypes, self.FRAME.dtypes)

    def test_rows_in_any_form(self):
        explainer = TabularExplainer(self.FRAME)
        expected = explainer.explain_instance(self.FRAME.iloc[5], of_months)
        record = self.FRAME.iloc[5].to_dict()
        for row in (self.FRAME.iloc[[5]], record, list(record.values())):
            assert explainer.explain_instance(row, of_months) == expected
        assert explainer.explain_many(self.FRAME[:6], of_months)[5] == expected
        outside = explainer.explain_instance(record | {"month": pd.Period("2077-01", "M")}, of_months)
        assert "outside_training_data" in codes(outside)

    @pytest.mark.parametrize("value", [pd.Period("2001", "Y"), "2001-01", 372, dt.datetime(2001, 1, 1)])
    def test_other_values_are_refused(self, value):
        with pytest.raises(InstanceError, match=r"column 'month' holds period\[M\]; got"):
            explain(self.FRAME, {**self.FRAME.iloc[5], "month": value})

    def test_as_categories(self):
        frame = self.FRAME.assign(month=self.FRAME["month"].array.asfreq("Y").asfreq("M"))
        assert explain(frame, frame.iloc[54], kinds={"month": "categorical"}).names[0] == "month=2002-12"


class TestKindFSparseColumns:
    def test_weights_are_those_of_the_dense_frame_to_the_bit(self):
        frame = sparse_frame()
        model, dense = Recorder(of_sparse), dense_of(frame)
        for number in (3, 8):
            explanation = explain(frame, frame.iloc[[number]], model)
            assert explanation == explain(dense, dense.iloc[[number]], of_sparse)
        for batch in model.batches:
            pd.testing.assert_series_equal(batch.dtypes, frame.dtypes)

    def test_rows_in_any_form(self):
        frame = sparse_frame()
        explainer, dense = TabularExplainer(frame), dense_of(frame)
        expected = explainer.explain_instance(frame.iloc[[5]], of_sparse)
        for row in (dense.iloc[5], dense.iloc[[5]], dense.iloc[5].to_dict(), dense.iloc[5].tolist()):
            assert explainer.explain_instance(row, of_sparse) == expected
        assert explainer.explain_many(frame[:6], of_sparse)[5] == explainer.explain_many(dense[:6], of_sparse)[5] == expected

    @pytest.mark.filterwarnings("ignore:Allowing arbitrary scalar fill_value:FutureWarning")  # pandas 2, of its own shift
    @pytest.mark.parametrize(
        ("name", "value"), [("kiwi", None), ("count", None), ("rarely", None), ("fig", True), ("count", 7)]
    )
    def test_values_that_the_training_data_lack(self, name, value):
        frame = sparse_frame().assign(fig=pd.arrays.SparseArray([False] * COUNT))
        model = Recorder(lambda batch: np.asarray(batch["real"]))
        explanation = explain(frame, {**dense_of(frame).iloc[5], name: value}, model)
        assert "outside_training_data" in codes(explanation)
        assert isinstance(model.batches[0][name].dtype, pd.SparseDtype)
        first = model.batches[0][name].iloc[0]
        assert missing(first) if value is None else first == value


class TestKindFLabelsOfSeveralLevels:
    def test_columns_keep_their_labels(self):
        frame, model = panel(), Recorder(of_panel)
        explanation = explain(frame, frame.iloc[3], model)
        flat = frame.set_axis(["salary / 5", "salary / 6", "tax / 5", "tax / 6"], axis=1)
        assert explanation == explain(
            flat, flat.iloc[3], lambda batch: 2 * batch["salary / 5"] - batch["tax / 6"] * (batch["salary / 6"] > 0)
        )
        for batch in model.batches:
            pd.testing.assert_index_equal(batch.columns, frame.columns)

    def test_rows_in_any_form(self):
        frame = panel()
        explainer = TabularExplainer(frame)
        expected = explainer.explain_instance(frame.iloc[3], of_panel)
        record = frame.iloc[3].to_dict()
        as_names = dict(zip(["salary / 5", "salary / 6", "tax / 5", "tax / 6"], record.values(), strict=True))
        as_texts = {str(label): value for label, value in record.items()}  # as files have them
        for row in (frame.iloc[[3]], frame.iloc[3, ::-1], record, as_names, as_texts, frame.iloc[3].to_numpy()):
            assert explainer.explain_instance(row, of_panel) == expected
        wider = frame.copy()
        wider["firm", ""] = "a"
        assert explainer.explain_many(wider[:5], of_panel)[3] == expected
        explain_frame = explainer.frame_function(of_panel)
        assert Explanation.from_json(explain_frame(frame[:4])["explanation"].iloc[3]) == expected

    def test_columns_are_named_by_label_or_name(self):
        frame = panel()
        explanation = explain(
            frame.assign(), frame.iloc[3], of_panel, groups={"fives": [("salary", 5), "tax / 5"]}, kinds={("tax", 6): "numeric"}
        )
        assert explanation.names[0].startswith("fives: ")
        assert "salary / 5" in explanation.names[0]

    @pytest.mark.parametrize(
        ("labels", "names"),
        [
            ([("firm", ""), ("tax", 1)], ["firm", "tax / 1"]),
            ([("a", 1), ("a", "1")], ["('a', 1)", "('a', '1')"]),
            ([("a", "b / c"), ("a / b", "c")], ["('a', 'b / c')", "('a / b', 'c')"]),
            ([("a", pd.Timestamp("2024")), ("b", None)], ["a / 2024-01-01 00:00:00", "b / NaT"]),
        ],
    )
    def test_names_are_distinct(self, labels, names):
        frame = pd.DataFrame(RNG.normal(size=(COUNT, 2)), columns=pd.MultiIndex.from_tuples(labels))
        explanation = explain(frame, frame.iloc[3])
        assert [cell.column for cell in explanation.view.cells] == names

    def test_a_panels_rows_have_an_index_of_the_same_levels(self):
        index = pd.MultiIndex.from_product([[f"firm {i}" for i in range(6)], range(COUNT // 6)], names=["firm", "year"])
        frame = pd.DataFrame({"a": REAL, "b": RARELY}, index=index)
        model = Recorder(lambda batch: batch["a"] - batch["b"])
        expected = explain(frame.reset_index(drop=True), [REAL[9], RARELY[9]], lambda batch: batch["a"] - batch["b"])
        for row in (frame.iloc[9], frame.iloc[[9]], frame.loc[("firm 0", 9)]):
            assert explain(frame, row, model) == expected
        for batch in model.batches:
            assert batch.index.names == index.names
            assert [level.dtype for level in batch.index.levels] == [level.dtype for level in index.levels]
        assert b"firm 3" not in pickle.dumps(TabularExplainer(frame))  # labels may say whose the rows are

    def test_constraints_and_samplers_get_and_give_such_frames(self):
        frame, model = panel(), Recorder(of_panel)
        explain(frame, frame.iloc[3], model, constraint=lambda rows: rows.abs())
        assert (model.batches[0].iloc[1:] >= 0).all(axis=None)
        explain(frame, frame.iloc[3], model, sampler=lambda count, rng: frame.sample(count, replace=True, random_state=rng))


class TestKindFDecimals:
    FRAME = pd.DataFrame({"price": pd.Series(PRICES, dtype=object), "real": REAL})

    def test_pythons_own_in_pandas(self):
        model = Recorder(lambda batch: [2.0 * (not missing(price) and price > Decimal("4.5")) for price in batch["price"]])
        options = {"discretizer": {"price": [4.5], "real": [0.0]}, "alpha": 0}
        explanation = explain(self.FRAME, self.FRAME.iloc[2], model, **options)
        floats = self.FRAME.astype(float)
        expected = explain(floats, floats.iloc[2], lambda batch: 2.0 * (batch["price"] > 4.5), **options)
        for number in (0, 1):
            assert dict(explanation.as_map()[0])[number] == pytest.approx(dict(expected.as_map()[0])[number], abs=1e-9)
        drawn = [price for price in model.batches[0]["price"] if not missing(price)]
        assert {type(price) for price in drawn} == {Decimal}
        assert {price.as_tuple().exponent for price in drawn} == {-2}
        assert explain(self.FRAME, {"price": PRICES[2], "real": REAL[2]}, model, **options) == explanation
        many = TabularExplainer(self.FRAME, **options).explain_many(self.FRAME[:4], model, num_samples=200)
        assert many[2] == explanation

    @pytest.mark.parametrize("build", [pl.DataFrame, pa.table, pd.DataFrame])
    def test_a_draw_is_in_the_bin_that_the_model_sees(self, build):
        """Draws are rounded to the type's decimals before they are put into bins."""
        tenths = pa.array([Decimal(number) / 10 for number in range(40)], pa.decimal128(3, 1))
        if build is pd.DataFrame:
            tenths = pd.array(tenths, dtype=pd.ArrowDtype(tenths.type))
        frame = build({"a": tenths})
        edges = [1.04, 2.0]  # 1.04 is rounded below it, and 1.05 and more above

        def model(batch):
            return [1.04 < float(value) <= 2.0 for value in values(batch, "a")]

        explanation = explain(frame, [Decimal("1.5")], model, discretizer={"a": edges}, alpha=0)
        assert explanation.as_list()[0][1] == pytest.approx(1.0, abs=1e-9)


class TestKindFManyRowsAndFiles:
    def test_checkpoints(self, tmp_path):
        frame = BUILDERS["pandas seconds"]().assign(
            month=TestKindFPeriods.FRAME["month"], price=TestKindFDecimals.FRAME["price"], fig=sparse_frame()["fig"]
        )
        explainer, model = TabularExplainer(frame), Recorder(of_wait)
        first = explainer.explain_many(frame[:6], model, checkpoint=tmp_path / "job", chunk_size=3, num_samples=64)
        again = explainer.explain_many(frame[:6], model, checkpoint=tmp_path / "job", chunk_size=3, num_samples=64)
        assert [*again] == [*first]
        assert len(model.batches[-1]) <= 64  # the fingerprint's few
        first.save(tmp_path / "explanations.parquet")

    @pytest.mark.parametrize("make", BUILDERS.values(), ids=[*BUILDERS])
    def test_files(self, make, tmp_path):
        frame = make()
        table = (
            frame if isinstance(frame, pa.Table) else frame.to_arrow() if isinstance(frame, pl.DataFrame) else pa.table(frame)
        )
        pq.write_table(table, tmp_path / "rows.parquet")
        explainer = TabularExplainer(frame)
        from_file = explainer.explain_many(tmp_path / "rows.parquet", of_wait, num_samples=64)
        assert from_file[7] == explainer.explain_instance(one_row(frame, 7), of_wait, num_samples=64)

    def test_files_of_pandas_frames(self, tmp_path):
        """They name columns of several levels by texts of tuples, and hold periods as a type of pandas' own."""

        def of_texts(batch):
            return batch["salary", "5"] - batch["tax", "6"]

        frame = panel().rename(columns=str)
        frame.to_parquet(tmp_path / "panel.parquet")
        explanations = TabularExplainer(frame).explain_many(tmp_path / "panel.parquet", of_texts, num_samples=64)
        assert explanations[3] == explain(frame, frame.iloc[3], of_texts, num_samples=64)
        periods = TestKindFPeriods.FRAME
        periods.to_parquet(tmp_path / "periods.parquet")
        explanations = TabularExplainer(periods).explain_many(tmp_path / "periods.parquet", of_months, num_samples=64)
        assert explanations[3] == explain(periods, periods.iloc[3], of_months, num_samples=64)


CELLS = {
    "timedelta64[us]": st.timedeltas(dt.timedelta(-(10**5)), dt.timedelta(10**5)),
    "timedelta64[ns]": st.integers(-(2**53) + 1, 2**53 - 1).map(lambda count: np.timedelta64(count, "ns")),
    "period[D]": st.integers(-(10**5), 10**5).map(lambda ordinal: pd.Period(ordinal=ordinal, freq="D")),
    "Sparse[float64, 0]": st.sampled_from([0.0, 0.0, 1.5, -2.25]),
    "Sparse[bool, False]": st.booleans(),
    "object": st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents) / 100),
}


TYPES = {
    "Sparse[float64, 0]": pd.SparseDtype(float, 0.0),
    "Sparse[bool, False]": pd.SparseDtype(bool, fill_value=False),
}


@given(st.data())
@settings(max_examples=60)
def test_a_frame_comes_back(data):
    columns = {}
    for name in data.draw(st.lists(st.sampled_from([*CELLS]), min_size=1, max_size=3, unique=True)):
        may_lack = not name.startswith("Sparse")
        cells = st.one_of(st.none(), CELLS[name]) if may_lack else CELLS[name]
        columns[name] = pd.Series(data.draw(st.lists(cells, min_size=4, max_size=4)), dtype=object).astype(
            TYPES.get(name, name)
        )
    frame = pd.DataFrame(columns)
    numbers, encoding = encode(frame, None)
    written = encoding.make_batch(numbers)
    pd.testing.assert_frame_equal(written, frame, check_exact=True)
    for number in range(len(frame)):
        np.testing.assert_array_equal(encoding.read(frame.iloc[[number]])[0], numbers[number])
