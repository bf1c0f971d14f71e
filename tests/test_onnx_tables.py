"""ONNX models of tables, as converters of scikit-learn's classifiers write them, and boosters of XGBoost."""

import json
import sys
from types import ModuleType

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from onnx import TensorProto, helper

from limelight import OnnxModel, TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, PredictionError

RNG = np.random.default_rng(8)
ROWS = RNG.normal(size=(300, 3)).astype(np.float32).astype(float)
CLASSES = ["cheap", "dear", "fair"]
COEFFICIENTS = np.array([[1.0, 0.0, -0.5], [-1.0, 0.5, 0.0], [0.0, -0.5, 0.5]])
INTERCEPTS = np.array([0.1, -0.2, 0.0])
FRAME = pd.DataFrame(
    {
        "living area (m2)": ROWS[:, 0],
        "rooms": RNG.integers(1, 7, 300),
        "city": RNG.choice(["Bonn", "Oslo", "Rome"], 300),
    }
)
FLOAT, STRING, INT64 = TensorProto.FLOAT, TensorProto.STRING, TensorProto.INT64


def serialized(nodes, inputs, outputs, producer="skl2onnx"):
    graph = helper.make_graph(nodes, "table", inputs, outputs)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name=producer).SerializeToString()


def tensor(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def classifier(given="rows", labels=CLASSES, width=3):
    named = {"classlabels_ints": labels} if isinstance(labels[0], int) else {"classlabels_strings": labels}
    coefficients = np.resize(COEFFICIENTS, (3, width))
    return helper.make_node(
        "LinearClassifier",
        [given],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        coefficients=coefficients.ravel().tolist(),
        intercepts=INTERCEPTS.tolist(),
        post_transform="SOFTMAX",
        **named,
    )


def with_map(labels=CLASSES):
    """What skl2onnx writes by default."""
    key, named = (INT64, "classlabels_int64s") if isinstance(labels[0], int) else (STRING, "classlabels_strings")
    zip_map = helper.make_node("ZipMap", ["probabilities"], ["output_probability"], domain="ai.onnx.ml", **{named: labels})
    value = helper.make_tensor_type_proto(FLOAT, [])
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(key, value))
    outputs = [tensor("label", key, ["n"]), helper.make_value_info("output_probability", maps)]
    return serialized([classifier(labels=labels), zip_map], [tensor("rows", FLOAT, ["n", 3])], outputs)


def without_map(batch="n"):
    outputs = [tensor("label", STRING, [batch]), tensor("probabilities", FLOAT, [batch, 3])]
    return serialized([classifier()], [tensor("rows", FLOAT, [batch, 3])], outputs)


def by_class(producer="skl2onnx"):
    """What skl2onnx writes with ``zipmap="columns"``."""
    split = helper.make_node("Split", ["probabilities"], ["a", "b", "c"], axis=1)
    flat = [helper.make_node("Flatten", [name], [f"{name}2"], axis=0) for name in "abc"]
    squeeze = [helper.make_node("Squeeze", [f"{name}2"], [f"s{label}"]) for name, label in zip("abc", CLASSES, strict=True)]
    outputs = [tensor("label", STRING, ["n"]), *(tensor(f"s{label}", FLOAT, ["n"]) for label in CLASSES)]
    return serialized([classifier(), split, *flat, *squeeze], [tensor("rows", FLOAT, ["n", 3])], outputs, producer)


def mixed(batch="n"):
    """An input for each column: a number, a whole number, a text."""
    nodes = [
        helper.make_node("Cast", ["rooms"], ["rooms as float"], to=FLOAT),
        helper.make_node("OneHotEncoder", ["city"], ["cities"], domain="ai.onnx.ml", cats_strings=["Bonn", "Oslo"], zeros=1),
        helper.make_node("Reshape", ["cities", "shape"], ["two cities"]),
        helper.make_node("Concat", ["living_area__m2_", "rooms as float", "two cities"], ["rows"], axis=1),
        helper.make_node("Constant", [], ["shape"], value=helper.make_tensor("shape", INT64, [2], [-1, 2])),
        classifier(width=4),
        helper.make_node("ZipMap", ["probabilities"], ["chances"], domain="ai.onnx.ml", classlabels_strings=CLASSES),
    ]
    nodes = [nodes[4], *nodes[:4], *nodes[5:]]
    inputs = [
        tensor("living_area__m2_", FLOAT, [batch, 1]),
        tensor("rooms", INT64, [batch, 1]),
        tensor("city", STRING, [batch, 1]),
    ]
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, [])))
    return serialized(nodes, inputs, [tensor("label", STRING, [batch]), helper.make_value_info("chances", maps)])


def probabilities(rows, coefficients=COEFFICIENTS):
    scores = np.asarray(rows, dtype=float) @ coefficients.T + INTERCEPTS
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def probabilities_of_frame(frame):
    encoded = [frame["living area (m2)"], frame["rooms"], frame["city"] == "Bonn", frame["city"] == "Oslo"]
    return probabilities(np.column_stack(encoded), np.resize(COEFFICIENTS, (3, 4)))


def assert_same(explanation, expected):
    assert explanation.labels == expected.labels
    assert dict(explanation.as_list()) == pytest.approx(dict(expected.as_list()), abs=1e-5)
    assert explanation.predictions == pytest.approx(expected.predictions, abs=1e-6)


EXPLAINER = TabularExplainer(ROWS)
BY_HAND = EXPLAINER.explain_instance(ROWS[3], probabilities)


class TestOutputs:
    @pytest.mark.parametrize(
        ("model", "names"),
        [
            (with_map(), tuple(CLASSES)),
            (with_map([3, 5, 8]), ("3", "5", "8")),
            (by_class(), tuple(CLASSES)),
            (by_class("another"), tuple(f"s{label}" for label in CLASSES)),
            (without_map(), ("0", "1", "2")),
        ],
        ids=["map", "map of numbers", "columns", "columns of another converter", "tensor"],
    )
    def test_kind_j_probabilities_come_before_labels(self, model, names):
        explanation = EXPLAINER.explain_instance(ROWS[3], OnnxModel(model))
        assert explanation.output_names == names
        assert explanation.output_kind == "probabilities"
        assert_same(explanation, BY_HAND)

    def test_a_session_and_pickled_bytes(self):
        session = onnxruntime.InferenceSession(with_map())
        assert_same(EXPLAINER.explain_instance(ROWS[3], session), BY_HAND)
        explanations = EXPLAINER.explain_many(ROWS[3:5], OnnxModel(with_map()), n_jobs=2)
        assert_same(explanations[0], BY_HAND)
        assert explanations[1].output_names == tuple(CLASSES)

    def test_users_names_come_first(self):
        explainer = TabularExplainer(ROWS, class_names=["a", "b", "c"])
        assert explainer.explain_instance(ROWS[3], OnnxModel(with_map())).output_names == ("a", "b", "c")

    def test_batches_of_one_size(self):
        assert_same(EXPLAINER.explain_instance(ROWS[3], OnnxModel(without_map(batch=16))), BY_HAND)

    def test_labels_when_they_are_asked_for(self):
        with pytest.raises(PredictionError, match="the model must give numbers"):
            EXPLAINER.explain_instance(ROWS[3], OnnxModel(without_map(), output="label"))

    def test_probabilities_have_no_softmax(self):
        with pytest.raises(ArgumentError, match="softmax is for logits; the ONNX model's output 'output_probability' has"):
            OnnxModel(with_map(), softmax=True)

    def test_texts_only(self):
        given = tensor("rows", FLOAT, ["n", 3])
        with pytest.raises(ArgumentError, match="the ONNX model has no output of numbers; its outputs are 'label'"):
            OnnxModel(serialized([classifier()], [given], [tensor("label", STRING, ["n"])]))

    def test_first_output_of_floats_stays(self):
        """A network's outputs are taken in their order."""
        nodes = [helper.make_node("Neg", ["rows"], ["first"]), helper.make_node("Abs", ["rows"], ["second"])]
        outputs = [tensor("first", FLOAT, ["n", 3]), tensor("second", FLOAT, ["n", 3])]
        assert repr(OnnxModel(serialized(nodes, [tensor("rows", FLOAT, ["n", 3])], outputs))).endswith("output='first')")


class TestColumns:
    @pytest.mark.parametrize("build", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
    def test_kind_j_each_input_gets_the_column_of_its_name(self, build):
        frame = FRAME[["city", "rooms", "living area (m2)"]]
        expected = TabularExplainer(frame).explain_instance(frame.iloc[5], probabilities_of_frame)
        explanation = TabularExplainer(build(frame)).explain_instance(frame.iloc[5].to_dict(), OnnxModel(mixed()))
        assert explanation.output_names == tuple(CLASSES)
        assert_same(explanation, expected)

    def test_many_and_pickled(self, tmp_path):
        path = tmp_path / "mixed.onnx"
        path.write_bytes(mixed(batch=8))
        explainer = TabularExplainer(FRAME)
        expected = explainer.explain_many(FRAME[:3], probabilities_of_frame)
        for explanation, entry in zip(explainer.explain_many(FRAME[:3], path, n_jobs=2), expected, strict=True):
            assert_same(explanation, entry)

    def test_columns_that_no_input_takes_weigh_nothing(self):
        frame = FRAME.assign(colour=RNG.choice(["red", "blue"], 300))
        explanation = TabularExplainer(frame).explain_instance(frame.iloc[0], OnnxModel(mixed()), num_features=4)
        assert dict(explanation.as_map()[explanation.labels[0]]).get(3, 0.0) == pytest.approx(0.0, abs=1e-3)

    def test_by_place_where_all_fit(self):
        """Arrays have no names, and inputs may take several columns; only of scikit-learn's converter their order is known."""
        join = helper.make_node("Concat", ["numbers", "more"], ["rows"], axis=1)
        inputs = [tensor("numbers", FLOAT, ["n", 2]), tensor("more", FLOAT, ["n", 1])]
        outputs = [tensor("label", STRING, ["n"]), tensor("probabilities", FLOAT, ["n", 3])]
        model = OnnxModel(serialized([join, classifier()], inputs, outputs))
        assert_same(EXPLAINER.explain_instance(ROWS[3], model), BY_HAND)
        with pytest.raises(ArgumentError, match=r"no column is named after: 'numbers' \(2\), 'more' \(1\). The instance has 2"):
            TabularExplainer(ROWS[:, :2]).explain_instance(ROWS[3, :2], model)
        with pytest.raises(ArgumentError, match="the ONNX model must have one input; it has 2: numbers, more"):
            OnnxModel(serialized([join, classifier()], inputs, outputs, producer="pytorch"))

    @pytest.mark.parametrize(
        ("frame", "message"),
        [
            (
                FRAME.rename(columns={"rooms": "chambers"}),
                r"no column is named after: 'rooms' \(1\). The instance has 3 columns",
            ),
            (
                FRAME.assign(rooms=FRAME["rooms"] + 0.5),
                "'rooms' of the ONNX model takes int64; column 'rooms' has other numbers",
            ),
            (FRAME.assign(rooms=FRAME["rooms"].where(FRAME["rooms"] > 2)), "takes int64; column 'rooms' has missing values"),
            (FRAME.assign(city=7), "'city' of the ONNX model takes texts; column 'city' holds .*7"),
            (FRAME.assign(rooms="three"), "'rooms' of the ONNX model takes numbers; column 'rooms' cannot be given"),
        ],
    )
    def test_columns_that_do_not_fit_are_named(self, frame, message):
        with pytest.raises(ArgumentError, match=message):
            TabularExplainer(frame).explain_instance(frame.iloc[0], OnnxModel(mixed()))

    def test_images_settings_are_refused(self):
        with pytest.raises(ArgumentError, match="mean, std and channels are for ONNX models with one input of numbers"):
            OnnxModel(mixed(), mean=127.5)

    def test_find_columns(self):
        model = OnnxModel(mixed())
        assert model.find_columns(["city", "price", "rooms", "living area (m2)"]) == ["living area (m2)", "rooms", "city"]
        assert model.find_columns(["city", "rooms"]) is None
        assert OnnxModel(without_map()).find_columns(["rows", "b", "c"]) is None

    @pytest.mark.parametrize("shape", [["n"], ["n", 1]])
    def test_texts(self, shape):
        nodes = [
            helper.make_node(
                "LabelEncoder", ["text"], ["code"], domain="ai.onnx.ml", keys_strings=["a b"], values_floats=[1.0]
            ),
            helper.make_node("Reshape", ["code", "shape"], ["score"]),
        ]
        constant = helper.make_node("Constant", [], ["shape"], value=helper.make_tensor("shape", INT64, [1], [-1]))
        model = serialized([constant, *nodes], [tensor("text", STRING, shape)], [tensor("score", FLOAT, ["n"])])
        explainer = TextExplainer(alpha=0)
        expected = explainer.explain_instance("a b", lambda texts: [text == "a b" for text in texts])
        assert explainer.explain_instance("a b", OnnxModel(model)).as_list() == expected.as_list()


class Booster:
    """Stands for XGBoost's: it takes its own matrix only, whose columns have the names of the training data."""

    __module__ = "xgboost.core"

    def __init__(self, objective="multi:softprob", feature_names=None):
        self.objective = objective
        self.feature_names = feature_names
        self.feature_types = None if feature_names is None else ["float"] * len(feature_names)

    def save_config(self):
        return json.dumps({"learner": {"objective": {"name": self.objective}}})

    def predict(self, matrix, output_margin=False):
        assert type(matrix).__name__ == "DMatrix", "expected DMatrix"
        if self.feature_names is not None and matrix.names != self.feature_names:
            raise ValueError(f"feature_names mismatch: {matrix.names}")
        shares = probabilities(matrix.rows)
        if self.objective == "multi:softmax":
            return np.log(shares) if output_margin else shares.argmax(axis=1)
        return shares


class DMatrix:
    def __init__(self, rows, feature_names=None, feature_types=None, enable_categorical=False):
        assert (feature_types is None) is (feature_names is None)
        self.names = list(rows.columns) if enable_categorical else feature_names
        self.rows = np.asarray(rows, dtype=float)


@pytest.fixture
def xgboost(monkeypatch):
    module = ModuleType("xgboost")
    module.DMatrix, module.Booster = DMatrix, Booster
    monkeypatch.setitem(sys.modules, "xgboost", module)


@pytest.mark.usefixtures("xgboost")
class TestBoosters:
    @pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
    def test_kind_j_boosters_get_their_matrix_and_give_probabilities(self, objective):
        explanation = EXPLAINER.explain_instance(ROWS[3], Booster(objective))
        assert explanation.output_kind == "probabilities"
        assert_same(explanation, BY_HAND)

    def test_an_array_gets_the_names_of_training(self):
        assert_same(EXPLAINER.explain_instance(ROWS[3], Booster(feature_names=["a", "b", "c"])), BY_HAND)

    @pytest.mark.parametrize("build", [lambda frame: frame, pl.from_pandas])
    def test_frames_come_in_the_order_of_training(self, build):
        frame = pd.DataFrame(ROWS, columns=["a", "b", "c"])
        expected = TabularExplainer(frame[["c", "a", "b"]]).explain_instance(
            frame.iloc[3], lambda rows: probabilities(rows[["a", "b", "c"]])
        )
        explainer = TabularExplainer(build(frame[["c", "a", "b"]]))
        assert_same(explainer.explain_instance(frame.iloc[3].to_dict(), Booster(feature_names=["a", "b", "c"])), expected)

    def test_columns_that_lack(self):
        frame = pd.DataFrame(ROWS, columns=["a", "b", "c"])
        with pytest.raises(ArgumentError, match="the booster was trained on columns that the rows lack: 'd', 'e'"):
            TabularExplainer(frame).explain_instance(frame.iloc[3], Booster(feature_names=["a", "d", "e"]))

    def test_other_classes_of_that_name_are_none(self):
        other = type("Booster", (), {"__module__": "mine", "value": 1})()
        with pytest.raises(ArgumentTypeError, match="model must be a callable"):
            EXPLAINER.explain_instance(ROWS[3], other)


@pytest.mark.parametrize("source", [with_map(), mixed(), without_map()], ids=["map", "texts", "tensors"])
def test_a_session_on_a_gpu_answers_the_same(source, monkeypatch):
    """Maps and texts cannot be bound to a device; the CPU stands for one here."""
    model = OnnxModel(source)
    batch = pd.DataFrame({"living_area__m2_": [80.0, 20.0], "rooms": [3, 1], "city": ["Bonn", "Oslo"]})
    batch = batch if source == mixed() else np.arange(6, dtype=np.float32).reshape(2, 3)
    expected = model(batch)
    monkeypatch.setattr("limelight.models._onnx_session._DEVICES", {"CPUExecutionProvider": "cpu"})
    assert np.array_equal(model(batch), expected)
