"""Numbers of other types than doubles, and batches of one shape: what models that are particular about both get."""

import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.batches import CASES, of_images, of_texts, plain
from helpers.tables import Recorder, codes
from scipy import sparse

from limelight import ImageExplainer, TabularExplainer, TextExplainer, TorchModel
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, ModelError

RNG = np.random.default_rng(13)
ROWS = RNG.normal(5, 2, (300, 3))
WHOLE = RNG.integers(0, 100, (300, 3))
DTYPES = ["float16", "float32", "int8", "uint8", "int32", "int64", "bool", ">f4", "float64", "longdouble"]


def linear(rows):
    return rows.astype(float) @ [2.0, -1.0, 0.0]


def in_dtype(dtype):
    dtype = np.dtype(dtype)
    return (ROWS if dtype.kind == "f" else WHOLE % 2 if dtype.kind == "b" else WHOLE).astype(dtype)


class TestKindKArraysKeepTheirType:
    @pytest.mark.parametrize(
        "options", [{}, {"discretize_continuous": False}, {"sampler": "around"}, {"sampler": "training_rows"}]
    )
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_model_gets_it(self, dtype, options):
        rows, model = in_dtype(dtype), Recorder(linear)
        explainer = TabularExplainer(rows, **options)
        explanation = explainer.explain_instance(rows[4], model, num_samples=200, batch_size=90)
        assert {batch.dtype for batch in model.batches} == {np.dtype(dtype).newbyteorder("=")}
        assert (model.rows == rows[4]).all(axis=1).any()
        assert explainer.explain_many(rows[:5], linear, num_samples=200)[4] == explanation
        assert pickle.loads(pickle.dumps(explainer)).explain_instance(rows[4], linear, num_samples=200) == explanation

    @pytest.mark.parametrize("dtype", ["float32", "int32", "bool"])
    def test_weights_are_those_of_the_same_numbers_as_doubles(self, dtype):
        rows = in_dtype(dtype)
        doubles = TabularExplainer(
            rows.astype(float), kinds=dict.fromkeys(range(3), "numeric" if dtype == "float32" else "integer")
        )
        expected = doubles.explain_instance(rows[4], linear).as_list()
        for (name, weight), (other, planted) in zip(
            TabularExplainer(rows).explain_instance(rows[4], linear).as_list(), expected, strict=True
        ):
            assert name.replace("=False", "=0").replace("=True", "=1") == other
            assert weight == pytest.approx(planted, abs=1e-6)

    def test_torch_modules_that_take_single_precision_only(self):
        torch = pytest.importorskip("torch")
        layer = torch.nn.Linear(3, 1).eval()
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([[2.0, -1.0, 0.0]]))

        def model(rows):
            return layer(torch.from_numpy(rows)).detach().numpy()  # fails for doubles

        rows = ROWS.astype(np.float32)
        for training in (rows, torch.from_numpy(rows)):
            explanation = TabularExplainer(training).explain_instance(rows[0], model)
            assert explanation == TabularExplainer(rows).explain_instance(ROWS[0].astype(np.float32), model)
        assert TabularExplainer(rows).explain_instance(rows[0], TorchModel(layer)).output_kind == "scores"

    def test_sequences_and_sparse_rows(self):
        steps, model = ROWS.reshape(-1, 2, 3).astype(np.float32), Recorder(lambda batch: batch[:, 1, 0])
        TabularExplainer(steps).explain_instance(steps[0], model, num_samples=64)
        assert model.batches[0].dtype == np.float32
        for form in (sparse.csr_array, sparse.csr_matrix):
            for dtype in (np.float32, np.uint8, bool):
                table, model = form(WHOLE % 4, dtype=dtype), Recorder()
                seen = []
                TabularExplainer(table).explain_instance(
                    table[[1]],
                    lambda batch, seen=seen: seen.append(batch) or np.asarray(batch.sum(axis=1)).ravel(),
                    num_samples=64,
                )
                assert {batch.dtype for batch in seen} == {np.dtype(dtype)}

    def test_masked_and_missing_whole_numbers_become_doubles(self):
        masked, model = np.ma.array(WHOLE, mask=WHOLE < 5), Recorder(lambda rows: np.isnan(rows[:, 0]) * 1.0)
        explanation = TabularExplainer(masked).explain_instance([math.nan, 50, 50], model)
        assert explanation.as_list()[0] == ("x0 is missing", pytest.approx(1.0, abs=0.02))
        assert {batch.dtype for batch in model.batches} == {np.dtype(float)}

    def test_lists_stay_doubles(self):
        model = Recorder(linear)
        TabularExplainer(WHOLE.tolist()).explain_instance(WHOLE[0], model, num_samples=64)
        assert model.batches[0].dtype == np.float64

    def test_functions_of_the_user_get_and_give_it(self):
        rows, dtypes = ROWS.astype(np.float32), set()

        def constraint(batch):
            dtypes.add(batch.dtype)
            return np.abs(batch.astype(float)) + 0.1

        def sampler(count, generator):
            return generator.normal(size=(count, 3))

        for options in ({"constraint": constraint}, {"sampler": sampler}):
            model = Recorder(linear)
            TabularExplainer(rows, **options).explain_instance(rows[0], model, num_samples=100)
            assert model.batches[0].dtype == np.float32
        assert dtypes == {np.dtype(np.float32)}
        with pytest.raises(ArgumentError, match=r"sampler must give numbers from 0 to 255, .* uint8, does; got -"):
            TabularExplainer(WHOLE.astype(np.uint8), sampler=sampler).explain_instance(WHOLE[0], linear)

    @pytest.mark.parametrize("dtype", ["float32", "int16", "bool"])
    def test_statistics_say_it(self, dtype):
        rows, model = in_dtype(dtype), Recorder(linear)
        explainer = TabularExplainer(rows)
        again = TabularExplainer(None, training_data_stats=explainer.statistics())
        assert again.explain_instance(rows[3], model) == explainer.explain_instance(rows[3], linear)
        assert model.batches[0].dtype == dtype
        assert "dtype" not in TabularExplainer(ROWS).statistics()
        with pytest.raises(ArgumentError, match=r"\['dtype'\] must be a type of numbers, as float32; got 'text'"):
            TabularExplainer(None, training_data_stats={**explainer.statistics(), "dtype": "text"})

    def test_whole_numbers_that_a_double_rounds_are_refused(self):
        """Neighbouring ids became one."""
        ids = np.arange(2**60, 2**60 + 300).reshape(-1, 3)
        for table in (ids, ids.reshape(-1, 2, 3), sparse.csr_array(ids)):
            with pytest.raises(
                ArgumentError, match=r"whole numbers beyond 2\*\*53, .* Give an array of floats if that does not"
            ):
                TabularExplainer(table)
        TabularExplainer(ids.astype(float))

    @pytest.mark.parametrize(
        ("dtype", "value", "message"),
        [
            ("uint8", 300, r"numbers from 0 to 255, as the training data's type, uint8, does; got 300 in 'x1'"),
            ("bool", 2, "numbers from 0 to 1, .* bool, does; got 2 in 'x1'"),
            ("float16", 1e6, r"numbers from -65504 to 65504, .* got 1e\+06 in 'x1'"),
            ("float32", -1e39, r"float32, does; got -1e\+39"),
        ],
    )
    def test_rows_that_it_cannot_hold(self, dtype, value, message):
        with pytest.raises(InstanceError, match=message):
            TabularExplainer(in_dtype(dtype)).explain_instance([1, value, 1], linear)
        with pytest.raises(InstanceError, match="got"):
            TabularExplainer(
                sparse.csr_array(in_dtype(dtype) if dtype != "float16" else WHOLE.astype(np.int8))
            ).explain_instance([1, value, 1], linear)


class TestKindKWhatTheModelSeesIsExplained:
    """A draw is rounded first and put into a bin then, so that one beyond an edge is not taken for one before it."""

    NEAR = 1 + np.arange(300) * 2.0**-40

    @pytest.mark.parametrize("build", ["array", "sequences", "pandas", "polars", "pyarrow"])
    def test_bins_near_the_type_s_digits(self, build):
        if build == "polars" and not hasattr(pl, "Float16"):
            pytest.skip("this polars has no half precision")
        halves = np.linspace(1000, 1010, 300).astype(np.float16)  # half or a whole apart
        edges = [1002.25, 1006.25]  # between two of them
        frames = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
        table = frames[build]({"x0": halves}) if build in frames else halves.reshape(-1, 1)
        table = table.reshape(-1, 1, 1) if build == "sequences" else table

        def model(batch):
            column = batch if isinstance(batch, np.ndarray) else np.asarray(batch["x0"])
            assert column.dtype == np.float16
            column = column.astype(float).ravel()
            return (column > 1002.25) & (column <= 1006.25)

        name = "x0_t-0" if build == "sequences" else "x0"
        row = np.array([[1004.0]]) if build == "sequences" else [1004.0]
        explainer = TabularExplainer(table, discretizer={name: edges}, alpha=0)
        weight = explainer.explain_instance(row, model).as_list()[0][1]
        assert weight == pytest.approx(1.0, abs=1e-9)

    def test_doubles_given_for_single_precision_are_rounded(self):
        rows, model = ROWS.astype(np.float32), Recorder(linear)
        explainer = TabularExplainer(rows, categorical_features=[2], kernel_width=2)
        given = rows[0].astype(float) + 1e-9
        explanation = explainer.explain_instance(given, model)
        assert np.array_equal(model.rows[0], rows[0])
        assert explanation == explainer.explain_instance(rows[0], linear)
        assert "rounded_value" not in codes(explanation)

    def test_and_that_is_said_where_it_changes_the_bin(self):
        rows = np.linspace(0, 1, 300).reshape(-1, 1).astype(np.float32)
        edge = float(np.float32(0.3))
        explainer = TabularExplainer(rows, discretizer={0: [edge]})
        explanation = explainer.explain_instance([edge + 1e-12], lambda batch: batch[:, 0])
        (notice,) = [notice for notice in explanation.warnings if notice.code == "rounded_value"]
        assert notice.message.startswith(f"x0 is {edge + 1e-12!r}, which its type rounds to {edge!r}")
        assert explanation.names == ("x0 <= 0.30",)

    def test_and_where_it_changes_a_whole_number(self):
        codes_of_shops = (16_777_216 + 4 * RNG.integers(0, 3, (300, 1))).astype(np.float32)
        explanation = TabularExplainer(codes_of_shops, categorical_features=[0]).explain_instance(
            [16_777_217], lambda batch: batch[:, 0]
        )
        assert "rounded_value" in codes(explanation)

    def test_draws_around_stay_within_the_type(self):
        model = Recorder(linear)
        rows = WHOLE.astype(np.uint8) + np.uint8(150)
        TabularExplainer(rows, sampler="around").explain_instance([255, 0, 200], model, num_samples=500)
        assert (model.rows[:, 0] == 255).mean() > 0.3
        assert model.rows.max() == 255


class Shapes:
    """A model that keeps how many inputs each call had."""

    def __init__(self, model):
        self.model = model
        self.sizes = []

    def __call__(self, batch):
        self.sizes.append(len(batch) if isinstance(batch, list) else batch.shape[0])
        return self.model(batch)


class TestKindKBatchesOfOneShape:
    @pytest.mark.parametrize(
        "name", [name for name in CASES if name not in ("text pipeline", "three classes", "several outputs")]
    )
    def test_for_every_modality(self, name):
        explainer, instances, model, arguments = CASES[name]()
        expected = explainer.explain_many(instances, model, num_samples=200, **arguments)
        for size in (64, None):
            watched = Shapes(model)
            padded = {"pad_batches": True, "batch_size": size, "num_samples": 200, **arguments}
            assert [*explainer.explain_many(instances, watched, **padded)] == [*expected]
            assert len(set(watched.sizes)) == 1
            assert watched.sizes[0] == size or (size is None and watched.sizes[0] <= 256)

    @pytest.mark.parametrize(
        ("explainer", "instance", "model"),
        [
            (TabularExplainer(ROWS), ROWS[0], plain),
            (TextExplainer(), "The fine soup, and the cold view of it, were not bad at all.", of_texts),
            (ImageExplainer(segmentation="grid"), RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8), of_images),
        ],
        ids=["row", "text", "image"],
    )
    def test_for_single_instances(self, explainer, instance, model):
        """Doubling asks about more inputs each time, and the instance alone at first."""
        expected = explainer.explain_instance(instance, model)
        watched = Shapes(model)
        assert explainer.explain_instance(instance, watched, pad_batches=True, batch_size=100) == expected
        assert set(watched.sizes) == {100}
        assert len(watched.sizes) > 1
        listed = expected.surrogate().components[0]
        for ask in (
            lambda model, **settings: explainer.measure_faithfulness(instance, model, expected, **settings),
            lambda model, **settings: explainer.ask_without(instance, model, expected, listed, **settings),
            lambda model, **settings: explainer.measure_stability(instance, model, num_seeds=2, num_changes=2, **settings),
        ):
            watched = Shapes(model)
            assert ask(watched, pad_batches=True, batch_size=100) == ask(model)
            assert set(watched.sizes) == {100}
            ask(watched, pad_batches=True)
            assert len(set(watched.sizes)) == 2
            with pytest.raises(ArgumentTypeError, match="pad_batches must be True or False; got 64"):
                ask(model, pad_batches=64)

    def test_large_inputs_keep_their_smaller_batches(self):
        image = np.zeros((1024, 1024, 3))  # 24 MiB, where a batch has 16
        watched = Shapes(lambda batch: batch[:, 0, 0, 0])
        ImageExplainer(segmentation="grid", fill=1.0).explain_instance(image, watched, num_samples=5, pad_batches=True)
        assert set(watched.sizes) == {1}

    def test_errors_speak_of_the_inputs_without_the_padding(self):
        def model(batch):
            raise ValueError(f"not {len(batch)}")

        with pytest.raises(ModelError, match="asked about 11 inputs, numbers 0 to 10: not 32"):
            TabularExplainer(ROWS).explain_instance(ROWS[0], model, pad_batches=True, batch_size=32, num_samples=11)

    def test_frame_functions_and_checkpoints(self, tmp_path):
        frame = pd.DataFrame(ROWS, columns=[*"abc"])
        explainer = TabularExplainer(frame)
        model = Shapes(lambda batch: batch["a"])
        function = explainer.frame_function(model, pad_batches=True, batch_size=50)
        assert function(frame[:3])["error"].isna().all()
        first = explainer.explain_many(frame[:3], model, checkpoint=tmp_path, pad_batches=True, batch_size=50)
        assert set(model.sizes) == {50}
        assert [*explainer.explain_many(frame[:3], model, checkpoint=tmp_path)] == [*first]  # it changes no explanation

    def test_only_true_or_false(self):
        with pytest.raises(ArgumentTypeError, match="pad_batches must be True or False; got 64"):
            TabularExplainer(ROWS).explain_instance(ROWS[0], plain, pad_batches=64)
