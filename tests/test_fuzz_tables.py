"""Tables of every dtype and models of every kind of misbehaviour: each is explained rightly, or ends in limelight's own error.

NumPy raises for every floating-point error, and every warning is an error. LIMELIGHT_FUZZ_EXAMPLES=5000 tries as many new
examples in each test; without it, the same few are tried in every run.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import fuzz_models as models
from helpers import fuzz_tables as tables
from helpers.fuzz_checks import check_answers, check_explanation, check_outputs, fuzzed
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from limelight import Explanations, TabularExplainer
from limelight.exceptions import LimelightError

OPTIONS = [
    {},
    {"discretize_continuous": False},
    {"sample_around_instance": True},
    {"sampler": "training_rows"},
    {"discretizer": "decile"},
    {"kernel_width": 1e-3},
    {"kernel_width": 0.4},
    {"kernel_width": 0.2, "discretize_continuous": False},
    {"kernel_width": 1e6},
    {"feature_selection": "none"},
    {"feature_selection": "lasso_path"},
    {"feature_selection": "forward_selection"},
    {"alpha": 0},
    {"alpha": 1e12},
    {"mode": "classification"},
    {"mode": "regression"},
    {"design": "iid"},
    {"class_names": ["a", "b"]},
    {"discretize_continuous": False, "sampler": "around"},
]
CALLS = [
    {},
    {"num_features": 1},
    {"top_labels": 2},
    {"labels": [1, 0]},
    {"labels": "yes"},
    {"batch_size": 7},
    {"pad_batches": True, "batch_size": 16},
    {"link": "logit"},
    {"distance_metric": "cosine"},
    {"distance_metric": "manhattan"},
]
STRANGE_ROWS = [None, [], np.array([np.nan]), "x", {"c0": 1}, np.inf, [1e308] * 3, [None] * 2, [float("nan")] * 3]
# Columns that no table should hold, but for a few examples.
REFUSED = ("list", "struct", "map", "null", "binary", "month", "run ends", "complex", "view", "array", "int128", "V")
SOUND_KINDS = {
    library: [kind for kind in makers if not any(name in kind for name in REFUSED)]
    for library, makers in (("pandas", tables.PANDAS), ("polars", tables.POLARS), ("arrow", tables.ARROW))
}
FLAVOURS = st.sampled_from([0, 0, 0, 1, 2, 3, 4])
COUNTS = st.integers(8, 50) | st.sampled_from([0, 1, 2, 3, 5])


@st.composite
def any_table(draw) -> Any:
    """A table of any library, and a generator of random numbers that goes with it."""
    library = draw(st.sampled_from(["numpy", "pandas", "pandas", "polars", "arrow", "sparse"]))
    count, rng = draw(COUNTS), np.random.default_rng(draw(st.integers(0, 2**32)))
    if library in ("numpy", "sparse"):
        common = st.sampled_from(["float64", "float32", "float16", "int64", "int8", "uint8", "uint64", "bool"])
        shape, flavour = (count, draw(st.integers(1, 4) | st.just(0))), draw(FLAVOURS)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if library == "numpy":
            kind = draw(common | common | st.sampled_from([*tables.NUMPY, "object"]))
            return tables.numpy_table(kind, shape, flavour, draw(st.sampled_from(tables.LAYOUTS)), rng), rng
        if library == "sparse":
            kind = draw(common.filter(lambda kind: kind != "float16") | st.sampled_from(["longdouble", "complex128"]))
            return tables.sparse_table(kind, shape, flavour, draw(st.sampled_from(tables.SPARSE)), rng), rng
        usual = st.sampled_from(SOUND_KINDS[library])
        makers = {"pandas": tables.PANDAS, "polars": tables.POLARS, "arrow": tables.ARROW}[library]
        kinds = draw(st.lists(usual | usual | usual | st.sampled_from(list(makers)), min_size=0, max_size=6))
        flavours = [draw(FLAVOURS) for _ in kinds]
        if library == "polars":
            return tables.polars_table(kinds, count, flavours, rng), rng
        labels = draw(st.just("plain") | st.sampled_from(tables.LABELS))
        if library == "arrow":
            return tables.arrow_table(kinds, count, flavours, labels, rng), rng
        return tables.pandas_table(kinds, count, flavours, labels, draw(st.sampled_from(tables.INDEXES)), rng), rng


def row_of(table: Any, number: int) -> Any:
    if isinstance(table, pd.DataFrame):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas' own, about columns with several fill values
            try:
                return table.iloc[number]
            except Exception:  # pandas finds no type that holds all values of the row
                return table.iloc[[number]]
    if isinstance(table, pa.Table):
        return table.slice(number, 1)
    return table.tocsr()[[number]] if sparse.issparse(table) else table[number]


def draw_instance(data: st.DataObject, table: Any, rng: np.random.Generator) -> Any:
    count = table.shape[0] if hasattr(table, "shape") else len(table)
    if count == 0 or data.draw(st.integers(0, 9)) == 0:
        return data.draw(st.sampled_from(STRANGE_ROWS))
    return row_of(table, int(rng.integers(count)))


class TestAnyTable:
    @fuzzed(300)
    @given(made=any_table(), name=st.sampled_from([*models.SOUND, *models.CONSTANT]), data=st.data())
    def test_with_a_sound_model(self, made, name, data):
        """Weights are finite, or an alert says why not; the same again, alone and in a batch; 0 for a constant model."""
        table, rng = made
        options, call = data.draw(st.sampled_from(OPTIONS)), dict(data.draw(st.sampled_from(CALLS)))
        call["num_samples"] = data.draw(st.sampled_from([64, 64, 2, 3, 5, 150]))
        answer = (models.SOUND | models.CONSTANT)[name]
        instance, model = draw_instance(data, table, rng), models.Model(answer)
        with np.errstate(all="raise"):
            try:
                explainer = TabularExplainer(table, **options)
                explanation = explainer.explain_instance(instance, model, **call)
            except LimelightError:
                return
            check_answers(explanation, model, name)
            if data.draw(st.integers(0, 3)) == 0:
                check_outputs(explanation)
            if data.draw(st.integers(0, 3)) == 0:
                both = explainer.explain_many([instance, instance], models.Model(answer), **call)
                assert repr(both[0]) == repr(both[1]) == repr(explanation)
                repr(both.importance())
                both.to_frame("polars")
                repr(both.pick(1))

    @fuzzed(200)
    @given(made=any_table(), name=st.sampled_from(sorted(models.BAD)), data=st.data())
    def test_with_a_model_that_misbehaves(self, made, name, data):
        table, rng = made
        call = {"num_samples": 64, **data.draw(st.sampled_from(CALLS))}
        instance, model = draw_instance(data, table, rng), models.Model(models.BAD[name])
        with np.errstate(all="raise"):
            try:
                explanation = TabularExplainer(table).explain_instance(instance, model, **call)
            except LimelightError:
                return
            check_explanation(explanation)


ORDERED = {
    "pandas": [
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float16", "float32", "float64", "Int8", "Int64"),
        *("UInt8", "Float32", "Float64", "datetime64[s]", "datetime64[us]", "timedelta64[s]", "timedelta64[ns]", "decimal"),
        *("datetime64[s, zone]", "datetime64[us, zone]", "period[D]", "period[M]", "sparse float", "sparse int"),
        *("arrow int8", "arrow float64", "arrow date32", "arrow timestamp[s, zone]", "arrow duration[ms]", "arrow decimal128"),
    ],
    "polars": [
        *("int8", "int16", "int32", "int64", "uint8", "uint32", "float32", "float64", "date", "datetime[ms]", "datetime[us]"),
        *("datetime[us, zone]", "duration[ms]", "duration[us]", "decimal"),
    ],
    "arrow": [
        *("int8", "int32", "int64", "uint8", "uint16", "float16", "float32", "float64", "date32", "timestamp[s]"),
        *("timestamp[us]", "timestamp[us, zone]", "duration[s]", "duration[us]", "decimal128"),
    ],
}
CHOICES = {
    "pandas": [
        *("bool", "boolean", "object texts", "str", "string[python]", "string[pyarrow]", "sparse bool", "category of texts"),
        *("category of odd texts", "category of ints", "category of floats", "category of bools", "category of times"),
        *("category of zones", "category of periods", "category of durations", "category of tuples", "category of mixed"),
        *("arrow bool", "arrow string", "arrow dictionary", "arrow dictionary of ints"),
    ],
    "polars": ["bool", "string", "categorical", "enum"],
    "arrow": ["bool", "string", "large_string", "dictionary", "dictionary of ints"],
}


def is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or bool(value != value)


class Planted:
    """Adds an effect for each column that is in the instance's state: below an edge or above it, a choice, or missing."""

    def __init__(self, columns: list[list[Any]], are_choices: list[bool], number: int) -> None:
        self.edges = [
            None if is_choice or not present else sorted(present)[(len(present) - 1) // 2]
            for is_choice, present in (
                (is_choice, [value for value in column if not is_missing(value)])
                for is_choice, column in zip(are_choices, columns, strict=True)
            )
        ]
        self.own = [self.state(place, column[number]) for place, column in enumerate(columns)]
        varies = [len({self.state(place, value) for value in column}) > 1 for place, column in enumerate(columns)]
        self.effects = np.array([(-1) ** place * (place + 1) / 7 for place in range(len(columns))])
        self.expected = self.effects * varies  # what never varies has no effect nearby

    def state(self, place: int, value: Any) -> Any:
        if is_missing(value):
            return type(value).__name__  # a null is another state than NaN
        edge = self.edges[place]
        return repr(value) if edge is None else bool(value <= edge)

    def __call__(self, batch: Any) -> np.ndarray:
        columns = models.columns_of(batch)
        in_state = [[self.state(place, value) == self.own[place] for value in column] for place, column in enumerate(columns)]
        return self.effects @ np.array(in_state, dtype=float)

    @staticmethod
    def find_edges(values: np.ndarray, labels: Any) -> list[float]:  # noqa: ARG004 - a discretizer gets them
        return [np.sort(values)[(len(values) - 1) // 2]] if len(values) else []


@fuzzed(120)
@given(library=st.sampled_from(sorted(ORDERED)), data=st.data())
def test_planted_effects_are_found_in_columns_of_every_dtype(library, data):
    """The model is linear in the columns' states, so that unpenalised weights are its effects, exactly."""
    count, rng = data.draw(st.integers(2, 50)), np.random.default_rng(data.draw(st.integers(0, 2**32)))
    kinds = data.draw(st.lists(st.sampled_from(ORDERED[library] + CHOICES[library]), min_size=1, max_size=5))
    are_choices = [kind in CHOICES[library] for kind in kinds]
    flavours = [data.draw(st.sampled_from([0, 0, 2, 4] if choice else [0, 0, 1, 3, 4])) for choice in are_choices]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if library == "pandas":
            index = data.draw(st.sampled_from(tables.INDEXES))
            table: Any = tables.pandas_table(kinds, count, flavours, "plain", index, rng)
        elif library == "polars":
            table = tables.polars_table(kinds, count, flavours, rng)
        else:
            table = tables.arrow_table(kinds, count, flavours, "plain", rng)
    number = int(rng.integers(count))
    with np.errstate(all="raise"):
        try:
            explainer = TabularExplainer(table, discretizer=Planted.find_edges, alpha=0)
        except LimelightError:  # whole numbers beyond 2^53, infinity, and the like
            return
        model = Planted(models.columns_of(table), are_choices, number)
        explanation = explainer.explain_instance(row_of(table, number), model, num_samples=128, num_features=len(kinds))
    (surrogate,) = explanation.surrogates
    found = dict(zip(surrogate.components, surrogate.weights, strict=True))
    known = [place for place, low in zip(surrogate.components, surrogate.lows, strict=True) if not np.isnan(low)]
    for place in known:
        assert found[place] == pytest.approx(model.expected[place], abs=1e-6), kinds[place]


class TestErrorsOfFloatingPoint:
    """The user's program decides for the model, and limelight for its own arithmetic, wherever it is done."""

    ROWS = np.random.default_rng(0).normal(size=(60, 3)) * 10.0 ** np.array([-200, 0, 140])

    @staticmethod
    def score(rows: np.ndarray) -> np.ndarray:
        if np.geterr() != {"divide": "raise", "over": "raise", "under": "raise", "invalid": "raise"}:
            raise AssertionError(np.geterr())
        return rows[:, 1] > 0

    @pytest.mark.parametrize(("engine", "n_jobs"), [("serial", 1), ("threads", 2), ("processes", 2)])
    def test_in_every_engine(self, engine, n_jobs):
        explainer = TabularExplainer(self.ROWS)
        with np.errstate(all="raise"):
            explanations = explainer.explain_many(
                self.ROWS[:6], self.score, engine=engine, n_jobs=n_jobs, chunk_size=2, num_samples=64
            )
            assert len(explanations) == 6
            assert np.geterr()["over"] == "raise"
        assert isinstance(explanations, Explanations)

    def test_in_a_frame_function(self):
        frame = pd.DataFrame(self.ROWS, columns=list("abc"))
        with np.errstate(all="raise"):
            function = TabularExplainer(frame).frame_function(lambda rows: self.score(rows.to_numpy()), num_samples=64)
        assert function(frame[:3])["error"].tolist() == [None] * 3  # as where the function was made

    def test_in_users_functions(self):
        seen = []

        def constraint(rows):
            seen.append(np.geterr())
            return rows

        def kernel(distances, width):
            seen.append(np.geterr())
            return np.exp(-((distances / width) ** 2))

        def discretizer(values, labels):  # noqa: ARG001
            seen.append(np.geterr())
            return [np.median(values)]

        with np.errstate(all="raise", under="warn"):
            explainer = TabularExplainer(self.ROWS, constraint=constraint, kernel=kernel, discretizer=discretizer)
            explainer.explain_instance(self.ROWS[0], lambda rows: rows[:, 1], num_samples=64)
            assert seen
            assert all(errors == np.geterr() for errors in seen)

    def test_of_the_model_end_in_an_error(self):
        with np.errstate(all="raise"), pytest.raises(LimelightError, match="raised FloatingPointError"):
            TabularExplainer(self.ROWS).explain_instance(self.ROWS[0], lambda rows: rows[:, 2] ** 3)


class TestWhatWasFound:
    """Each of these was found by the tests above, in longer runs."""

    @pytest.mark.parametrize("zone", ["America/New_York", "Etc/GMT+5", "America/Port-au-Prince", "Europe/Berlin"])
    @pytest.mark.parametrize("unit", ["s", "us", "ns"])
    def test_zones_of_all_names(self, zone, unit):
        times = pd.Series(pd.date_range("2020-03-01", periods=40, tz=zone)).dt.as_unit(unit)
        frame, seen = pd.DataFrame({"when": times}), []

        def model(batch):
            seen.append(batch["when"].dtype)
            return batch["when"] > times[20]

        explanation = TabularExplainer(frame).explain_instance(frame.iloc[30], model)
        assert explanation.as_list()[0][1] > 0.3
        assert set(seen) == {frame["when"].dtype}

    @pytest.mark.parametrize("year", [300_000, 200_000_000])
    def test_times_beyond_what_microseconds_count(self, year):
        seconds = np.array([0, (year - 1970) * 31_556_952], dtype=np.int64)
        frame = pd.DataFrame({"when": seconds.view("datetime64[s]")})
        with pytest.raises(LimelightError, match="reading column 'when' of training_data raised OutOfBoundsDatetime"):
            TabularExplainer(frame)

    def test_times_whose_last_digits_a_double_rounds(self):
        frame = pl.DataFrame({"when": [2**63 - 1, 0]}).cast(pl.Datetime("us"))
        with pytest.raises(LimelightError, match=r"column 'when' has times so far from 1970.*\.dt\.floor\('s'\)"):
            TabularExplainer(frame)

    def test_a_row_with_such_a_time(self):
        frame = pd.DataFrame({"when": pd.date_range("2020", periods=9).as_unit("us")})
        with pytest.raises(LimelightError, match="column 'when' holds times that a double counts exactly; got"):
            TabularExplainer(frame).explain_instance([np.datetime64(2**60 + 1, "us")], lambda rows: np.ones(len(rows)))

    def test_durations_of_more_days_than_numpy_counts_in_microseconds(self):
        longest = pa.array([-999_999_999 * 86_400, 0, 5], pa.duration("s"))
        table = pa.table({"wait": longest})
        explanation = TabularExplainer(table).explain_instance(table.slice(0, 1), lambda rows: np.ones(rows.num_rows))
        assert explanation.view.values()[0] == "-999999999 days"

    @pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
    def test_complex_numbers_as_objects(self, dtype):
        """NumPy drops their imaginary parts, with a warning only."""
        rows = np.array([[dtype(1 + 2j)], [dtype(3)]], dtype=object)
        with pytest.raises(LimelightError, match="training_data must hold numbers only: got complex numbers"):
            TabularExplainer(rows)
        with pytest.raises(LimelightError, match="complex numbers cannot be ordered"):
            TabularExplainer(np.eye(3)).explain_instance([0, 0, 1], lambda x: np.array([dtype(1j)] * len(x), dtype=object))

    def test_columns_with_other_byte_orders_that_are_all_missing(self):
        frame = pd.DataFrame({"a": np.full(3, np.nan).astype(">f8"), "b": [1, 2, 3]})
        with pytest.raises(LimelightError, match="column 'a' holds >f8"):
            TabularExplainer(frame)

    def test_labels_that_are_numbers_of_numpy(self):
        frame = pd.DataFrame({np.int64(4): [1 + 2j, 2]})
        with pytest.raises(LimelightError, match="column '4' holds complex128"):
            TabularExplainer(frame)

    def test_labels_with_lone_surrogates(self):
        frame = pd.DataFrame(np.eye(4), columns=pd.Index(["a\ud800", "b", "c", "d"], dtype=object))
        explanation = TabularExplainer(frame).explain_instance(frame.iloc[0], lambda rows: rows.iloc[:, 0])
        for backend in ("pandas", "polars", "pyarrow"):
            assert explanation.to_frame(backend).shape == (4, 11)
        assert explanation.to_frame("polars")["name"][0].startswith(r"a\ud800")

    def test_a_penalty_that_takes_all(self):
        """The share that it takes was above 1, by rounding, and the advice about it failed."""
        rng = np.random.default_rng(0)
        rows = np.column_stack([rng.integers(0, 3, 40), np.full(40, np.nan), rng.normal(size=(40, 2)) * 1e-100])
        for num_samples in (2, 3, 5, 33):
            explanation = TabularExplainer(rows, alpha=1e12).explain_instance(
                rows[0], lambda x: x[:, 0], num_samples=num_samples
            )
            assert not any("takes about" in note.message and "0% off" not in note.message for note in explanation.notices)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (lambda rows: pl.LazyFrame({"a": rows[:, 0]}), r"Return model\(inputs\)\.collect\(\)"),
            (lambda rows: sparse.csr_array(rows), r"Return model\(inputs\)\.toarray\(\)"),
            (lambda rows: np.zeros(len(rows), dtype=[("p", float)]), r"Return the numbers of one, as model\(inputs\)\['p'\]"),
            (lambda rows: models.BAD["odd object"](rows[:, 0], rows, 1), "it gave _Odd: no array"),
            (lambda rows: [rows, rows], "^the model must give one array"),
        ],
    )
    def test_answers(self, answer, message):
        with pytest.raises(LimelightError, match=message):
            TabularExplainer(np.eye(3)).explain_instance([1, 0, 0], answer)
