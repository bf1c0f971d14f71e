"""What users get wrong, and what cannot be explained: a clear error, or an explanation that carries a warning."""

import inspect
import math
import zlib

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.linear_model import Lars, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from limelight import LimelightError, TabularExplainer, TextExplainer, exceptions
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    InstanceError,
    KernelError,
    LabelError,
    ModelError,
    PredictionError,
)

TEXT = "one two three four five"
LONG_TEXT = " ".join(f"word{number}" for number in range(40))
ROWS = np.random.default_rng(0).normal(size=(200, 3))


def spam(texts):
    """Two classes; the second is likelier with the word "three"."""
    return np.array([[0.9, 0.1] if "three" not in text else [0.3, 0.7] for text in texts])


def first_column(rows):
    return rows[:, 0]


def explain_text(text=TEXT, model=spam, *, options=None, **arguments):
    return TextExplainer(**(options or {})).explain_instance(text, model, **arguments)


def explain_row(row=(0.0, 0.0, 0.0), model=first_column, *, options=None, **arguments):
    return TabularExplainer(ROWS, **(options or {})).explain_instance(row, model, **arguments)


def codes(explanation):
    return {notice.code for notice in explanation.notices}


def message(explanation, code):
    return next(notice.message for notice in explanation.notices if notice.code == code)


def test_every_error_is_limelights_and_a_builtin():
    errors = {kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, LimelightError)}
    assert len(errors) == 13
    for kind in errors:
        assert kind is LimelightError or issubclass(
            kind, (ValueError, TypeError, RuntimeError, ImportError, OSError, AttributeError)
        )
    for kind in (ArgumentError, InstanceError, KernelError, LabelError, PredictionError):
        assert issubclass(kind, ValueError)
    assert issubclass(ArgumentTypeError, TypeError)


class TestTexts:
    @pytest.mark.parametrize("text", ["", "   ", "!!! ... ?", "\n\t"])
    def test_without_words(self, text):
        with pytest.raises(InstanceError, match="has no words to explain; unit leaves nothing of it"):
            explain_text(text)

    def test_a_long_one_without_words_is_shown_short(self):
        with pytest.raises(InstanceError, match=r"the text '!{40}\.\.\.' has no words"):
            explain_text("!" * 1000)

    def test_one_word(self):
        explanation = explain_text("three")
        assert "one_component" in codes(explanation)
        assert "one word" in message(explanation, "one_component")
        assert explanation.num_inputs == 2
        assert explanation.as_list() == [("three", pytest.approx(0.6, rel=0.02))]

    @pytest.mark.parametrize("text", [None, b"bytes", 3, ["a", "list"], np.array("array")])
    def test_that_are_none(self, text):
        with pytest.raises(ArgumentTypeError, match=f"a text to explain must be a str; got {type(text).__name__}"):
            explain_text(text)

    def test_fewer_words_than_features(self):
        explanation = explain_text(num_features=9)
        assert len(explanation.as_list()) == 5
        assert message(explanation, "fewer_components") == "9 components were asked for; the instance has 5."
        assert "fewer_components" not in codes(explain_text(num_features=5))


class TestTokenizers:
    @pytest.mark.parametrize("expression", ["(", "[", "*"])
    def test_no_regular_expression(self, expression):
        with pytest.raises(ArgumentError, match="split_expression must be a regular expression or a callable tokenizer"):
            TextExplainer(split_expression=expression)

    @pytest.mark.parametrize("expression", [5, 1.5])
    def test_another_type(self, expression):
        with pytest.raises(LimelightError, match=f"split_expression must be a regular expression.*got {expression}"):
            TextExplainer(split_expression=expression)

    def test_a_bytes_expression(self):
        with pytest.raises(ArgumentTypeError, match="split_expression must be a regular expression of str; got b'"):
            TextExplainer(split_expression=rb"\W+")

    def test_that_lowercases(self):
        with pytest.raises(InstanceError, match=r"'a' is not in it after character 0.*like lower\(\)"):
            explain_text("A b", options={"split_expression": lambda text: text.lower().split()})

    def test_out_of_order(self):
        with pytest.raises(InstanceError, match="'one' is not in it after character 7"):
            explain_text(options={"split_expression": lambda text: [*text.split()[1::-1]]})

    def test_an_empty_token(self):
        with pytest.raises(InstanceError, match="must return non-empty pieces of the text"):
            explain_text(options={"split_expression": lambda text: [*text.split(" ", 1)[:1], ""]})

    @pytest.mark.parametrize("tokens", [None, "one", b"one", 7])
    def test_no_list(self, tokens):
        with pytest.raises(ArgumentTypeError, match="a tokenizer must return a sequence of str; got"):
            explain_text(options={"split_expression": lambda text: tokens})  # noqa: ARG005

    def test_a_list_of_other_things(self):
        with pytest.raises(ArgumentTypeError, match="one of its tokens is 1"):
            explain_text(options={"split_expression": lambda text: [1, 2]})  # noqa: ARG005

    def test_no_tokens(self):
        with pytest.raises(InstanceError, match="has no words to explain"):
            explain_text(options={"split_expression": lambda text: []})  # noqa: ARG005

    def test_a_mask_string_that_is_none(self):
        with pytest.raises(ArgumentTypeError, match="mask_string must be a str or None; got 5"):
            TextExplainer(bow=False, mask_string=5)


class TestRows:
    @pytest.mark.parametrize("value", [math.inf, -math.inf])
    def test_not_finite(self, value):
        with pytest.raises(InstanceError, match=r"must be finite, or NaN where a value is missing; infinity in x1\."):
            explain_row([0.0, value, 0.0])

    @pytest.mark.parametrize("row", [[], [1, 2], [1, 2, 3, 4], 5, np.zeros((2, 3)), np.zeros((3, 1)), np.zeros((1, 1, 3))])
    def test_another_shape(self, row):
        with pytest.raises(InstanceError, match=r"must have 3 columns, as the training data; got shape \("):
            explain_row(row)

    @pytest.mark.parametrize("row", [["a", 0, 0], {1, 2}, [None, [], 0], [10**400, 0, 0], pa.record_batch({"a": [TEXT]})])
    def test_no_numbers(self, row):
        with pytest.raises(ArgumentTypeError, match="a row to explain must hold numbers only"):
            explain_row(row)

    def test_lists_will_do(self):
        explanation = explain_row([0.5, -0.5, 0.0])
        assert explanation == explain_row(np.array([0.5, -0.5, 0.0])) == explain_row([[0.5, -0.5, 0.0]])
        listed = TabularExplainer(ROWS.tolist()).explain_instance((0.5, -0.5, 0.0), first_column)
        assert listed == explanation


class TestTrainingData:
    def test_not_finite(self):
        rows = ROWS.copy()
        rows[5, 2] = math.inf
        with pytest.raises(ArgumentError, match=r"training_data must be finite, or NaN where .* columns 2 have infinity\."):
            TabularExplainer(rows)

    @pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.zeros((3, 0))])
    def test_empty(self, rows):
        with pytest.raises(ArgumentError, match="training_data must have rows and columns"):
            TabularExplainer(rows)

    @pytest.mark.parametrize("rows", [ROWS[0], ROWS[None, None], 3.0, None])
    def test_another_shape(self, rows):
        with pytest.raises(ArgumentError, match="training_data must have 2 dimensions"):
            TabularExplainer(rows)

    def test_a_series_of_polars(self):
        with pytest.raises(ArgumentError, match=r"training_data must have 2 dimensions; got shape \(200,\)"):
            TabularExplainer(pl.Series(ROWS[:, 0]))

    def test_too_large_for_their_squares(self):
        with pytest.raises(
            ArgumentError, match=r"up to 1e\+150, since they are squared; column 'x0' has .*e\+\d+ in absolute value"
        ):
            TabularExplainer(ROWS * 1e151)
        with pytest.raises(
            ArgumentError, match=r"the edges of 'x0' must be one or more finite numbers, up to 1e\+150; got \[1e\+200"
        ):
            TabularExplainer(ROWS, discretizer=lambda values, labels: [1e200])  # noqa: ARG005

    @pytest.mark.parametrize("rows", ["text", [["a", 1]], [[1, 2], [3]]])
    def test_no_numbers(self, rows):
        with pytest.raises(ArgumentTypeError, match="training_data must hold numbers only"):
            TabularExplainer(rows)

    @pytest.mark.parametrize("names", [["a"], ["a", "b", "c", "d"], []])
    def test_feature_names_of_wrong_length(self, names):
        with pytest.raises(ArgumentError, match=f"feature_names must have 3 names; got {len(names)}"):
            TabularExplainer(ROWS, feature_names=names)

    @pytest.mark.parametrize("names", ["abc", b"abc", 3])
    def test_feature_names_of_wrong_type(self, names):
        with pytest.raises(ArgumentTypeError, match="feature_names must be a sequence of names"):
            TabularExplainer(ROWS, feature_names=names)

    def test_feature_names_that_are_the_same(self):
        for rows in (ROWS, np.stack([ROWS, ROWS], axis=1), sparse.csr_array(ROWS)):
            with pytest.raises(ArgumentError, match=r"feature_names must be distinct; got 'a' more than once\."):
                TabularExplainer(rows, feature_names=["a", "b", "a"])

    @pytest.mark.parametrize("features", [[3], [-1], ["age"], [True], [1.5], [None]])
    def test_unknown_categorical_features(self, features):
        with pytest.raises(ArgumentError, match="categorical_features must name columns by number, 0 to 2, or by name; got"):
            TabularExplainer(ROWS, categorical_features=features)

    @pytest.mark.parametrize("features", [0, 1, "x0"])
    def test_categorical_features_alone(self, features):
        with pytest.raises(ArgumentTypeError, match="categorical_features must be a sequence of column numbers or names"):
            TabularExplainer(ROWS, categorical_features=features)

    def test_categorical_features_as_an_array(self):
        rows = np.round(ROWS)
        listed = TabularExplainer(rows, categorical_features=[0]).explain_instance(rows[0], first_column)
        assert listed.names[0].startswith("x0=")
        assert TabularExplainer(rows, categorical_features=np.array([0])).explain_instance(rows[0], first_column) == listed

    def test_categorical_names(self):
        with pytest.raises(ArgumentError, match="categorical_names must name columns by number, 0 to 2"):
            TabularExplainer(ROWS, categorical_names={5: ["a"]})
        with pytest.raises(ArgumentTypeError, match=r"categorical_names\[0\] must be a sequence of names; got 'abc'"):
            TabularExplainer(ROWS, categorical_features=[0], categorical_names={0: "abc"})
        with pytest.raises(ArgumentTypeError, match="categorical_names must be a mapping from columns to names"):
            TabularExplainer(ROWS, categorical_names=["a"])
        with pytest.raises(
            ArgumentError, match=r"categorical_names must be of columns of categories; 'x1' is none\. Add it to"
        ):
            TabularExplainer(ROWS, categorical_names={1: ["a"]})
        with pytest.raises(ArgumentError, match="categorical_names must name each column once; got 'x1' as 1 and as 'x1'"):
            TabularExplainer(ROWS, categorical_features=[1], categorical_names={1: ["a"], "x1": ["b"]})

    def test_as_many_categorical_names_as_codes_or_more(self):
        rows = np.arange(12.0)[:, None] % 4
        with pytest.raises(ArgumentError, match="must have a name for each code of 'x0', 0 to 3; got 2 names"):
            TabularExplainer(rows, categorical_features=[0], categorical_names={0: ["a", "b"]})
        explainer = TabularExplainer(rows, categorical_features=[0], categorical_names={0: [*"abcdef"]})
        assert explainer.explain_instance([3], first_column).names == ("x0=d",)

    def test_labels_within_labels(self):
        with pytest.raises(ArgumentTypeError, match="training_labels must be a sequence of labels, one for each row"):
            TabularExplainer(ROWS, training_labels=[[0, 1], [0]])

    @pytest.mark.parametrize("labels", [[0, 1], np.zeros((200, 1)), 0])
    def test_labels_of_another_shape(self, labels):
        with pytest.raises(ArgumentError, match=r"training_labels must have shape \(200,\)"):
            TabularExplainer(ROWS, training_labels=labels, discretizer="entropy")


class TestDiscretizers:
    @pytest.mark.parametrize("discretizer", ["quartiles", 5, None])
    def test_unknown(self, discretizer):
        with pytest.raises(ArgumentError, match="discretizer must be one of 'quartile', 'decile', 'entropy'; got"):
            TabularExplainer(ROWS, discretizer=discretizer)

    def test_entropy_without_labels(self):
        with pytest.raises(ArgumentError, match='discretizer="entropy" needs training_labels'):
            TabularExplainer(ROWS, discretizer="entropy")

    def test_entropy_with_a_regression_target(self):
        with pytest.raises(ArgumentError, match="needs training_labels that are classes"):
            TabularExplainer(ROWS, discretizer="entropy", training_labels=ROWS[:, 0])

    @pytest.mark.parametrize("edges", [[], [math.nan], [0, math.inf]])
    def test_edges_that_are_none(self, edges):
        with pytest.raises(ArgumentError, match="the edges of 'x0' must be one or more finite numbers"):
            TabularExplainer(ROWS, discretizer=lambda values, labels: edges)  # noqa: ARG005

    def test_edges_of_another_type(self):
        with pytest.raises(ArgumentTypeError, match="the edges of 'x0' must hold numbers only"):
            TabularExplainer(ROWS, discretizer=lambda values, labels: ["a"])  # noqa: ARG005

    def test_a_mapping_with_gaps(self):
        with pytest.raises(ArgumentError, match="discretizer must give edges for every numeric column; 'x1' has none"):
            TabularExplainer(ROWS, discretizer={0: [0.0], "x2": [0.0]})

    def test_a_mapping_of_unknown_columns(self):
        with pytest.raises(ArgumentError, match="discretizer must name columns by number, 0 to 2, or by name; got 'age'"):
            TabularExplainer(ROWS, discretizer={"age": [0.0]})

    def test_a_mapping_that_names_a_column_twice(self):
        with pytest.raises(ArgumentError, match="discretizer must name each column once; got 'x0' as 0 and as 'x0'"):
            TabularExplainer(ROWS, discretizer={0: [0.0], "x0": [1.0], 1: [0.0], 2: [0.0]})


class TestGroups:
    @pytest.mark.parametrize("columns", ["x0x1", b"x0", 3, None])
    def test_of_no_columns(self, columns):
        with pytest.raises(ArgumentTypeError, match=r"groups\['all'\] must be a sequence of column numbers or names; got"):
            TabularExplainer(ROWS, groups={"all": columns})


@pytest.mark.parametrize("make", [TextExplainer, lambda **options: TabularExplainer(ROWS, **options)])
class TestOptions:
    @pytest.mark.parametrize(
        ("option", "known"),
        [
            ("feature_selection", "'auto', 'forward_selection', 'highest_weights', 'lasso_path', 'none'"),
            ("design", "'auto', 'iid'"),
            ("mode", "'classification', 'regression'"),
        ],
    )
    @pytest.mark.parametrize("value", ["bogus", 3, ["auto"]])
    def test_unknown_names(self, make, option, known, value):
        with pytest.raises(ArgumentError, match=f"{option} must be one of {known}; got"):
            make(**{option: value})

    def test_unknown_kernel(self, make):
        with pytest.raises(ArgumentError, match=r"kernel must be one of .*'exponential'; got 'rbf'"):
            make(kernel="rbf")

    def test_misspelt_option(self, make):
        with pytest.raises(TypeError, match="kernel_widht"):
            make(kernel_widht=3)

    @pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
    def test_kernel_width(self, make, value):
        with pytest.raises(ArgumentError, match="kernel_width must be a finite number above 0; got"):
            make(kernel_width=value)

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("kernel_width", "wide", "must be a finite number above 0"),
            ("kernel_width", True, "must be a finite number above 0"),
            ("alpha", "x", "must be a finite number of at least 0"),
            ("tolerance", "x", "must be a finite number above 0"),
            ("kernel", 5, r"must be a callable kernel\(distances, width\), the name of a registered one, or None; got 5"),
            ("random_state", "seed", "must be an int, None or a numpy Generator; got str"),
            ("random_state", 1.5, "must be an int, None or a numpy Generator; got float"),
            ("random_state", True, "must be an int, None or a numpy Generator; got True"),
            ("class_names", "ab", "must be a sequence of names; got 'ab'"),
            ("class_names", 2, "must be a sequence of names; got 2"),
            ("shortcuts", "no", "must be True or False; got 'no'"),
        ],
    )
    def test_wrong_types(self, make, option, value, words):
        with pytest.raises(ArgumentTypeError, match=f"{option} {words}"):
            make(**{option: value})

    @pytest.mark.parametrize(("option", "value"), [("alpha", -1), ("alpha", math.nan), ("tolerance", 0), ("random_state", -1)])
    def test_out_of_range(self, make, option, value):
        with pytest.raises(ArgumentError, match=f"{option} must be .*; got"):
            make(**{option: value})


@pytest.mark.parametrize("explain", [explain_text, explain_row])
class TestRequests:
    @pytest.mark.parametrize(("parameter", "least"), [("num_features", 1), ("num_samples", 2), ("batch_size", 1)])
    @pytest.mark.parametrize("below", [1, 2])
    def test_too_few(self, explain, parameter, least, below):
        with pytest.raises(ArgumentError, match=f"{parameter} must be an integer of at least {least}; got {least - below}"):
            explain(**{parameter: least - below})

    @pytest.mark.parametrize("parameter", ["num_features", "num_samples", "batch_size", "top_labels"])
    @pytest.mark.parametrize("value", [2.0, True, [3]])
    def test_wrong_types(self, explain, parameter, value):
        with pytest.raises(ArgumentTypeError, match=f"{parameter} must be an integer of at least"):
            explain(**{parameter: value})

    def test_another_word_than_auto(self, explain):
        with pytest.raises(ArgumentError, match="num_samples must be \"auto\" or an integer of at least 2; got 'many'"):
            explain(num_samples="many")

    def test_more_features_than_there_are(self, explain):
        explanation = explain(num_features=1000)
        assert len(explanation.as_list(explanation.labels[0])) == len(explanation.names)
        assert "fewer_components" in codes(explanation)

    @pytest.mark.parametrize("labels", [-1, [-1], (0, -2)])
    def test_negative_labels(self, explain, labels):
        with pytest.raises(ArgumentError, match="each of labels must be an integer of at least 0, or an output's name; got -"):
            explain(labels=labels)

    @pytest.mark.parametrize("labels", [1.5, True, [0.0], [None], [np.bool_(True)], [b"1"]])
    def test_labels_of_wrong_type(self, explain, labels):
        with pytest.raises(ArgumentTypeError, match="each of labels must be an output's number or name, an int or a str; got"):
            explain(labels=labels)

    def test_no_labels(self, explain):
        with pytest.raises(ArgumentError, match="labels must name at least one output; got none"):
            explain(labels=())

    def test_no_top_labels(self, explain):
        with pytest.raises(ArgumentError, match="top_labels must be an integer of at least 1; got 0"):
            explain(top_labels=0)

    def test_a_label_that_the_model_lacks(self, explain):
        with pytest.raises(LabelError, match=r"label 7 cannot be explained: the model has (a single|2) outputs?, 0"):
            explain(labels=[0, 7])

    def test_an_unknown_distance(self, explain):
        with pytest.raises(ArgumentError, match="distance_metric must be a name that pairwise_distances of scikit-learn knows"):
            explain(distance_metric="bogus")

    @pytest.mark.parametrize(
        ("metric", "words"),
        [
            (
                "correlation",
                "must tell perturbations from the instance; got 'correlation', which gives NaN for some. Give anoth",
            ),
            (
                "yule",
                "must tell perturbations from the instance; got 'yule', which gives 0 for each. Give another, such as 'eucl",
            ),
            (
                "seuclidean",
                "must be a name .* of a distance that needs nothing but the rows; got 'seuclidean': The 'V' parameter",
            ),
            (
                "mahalanobis",
                "must be a name .* of a distance that needs nothing but the rows; got 'mahalanobis': The 'VI' param",
            ),
            ("haversine", "must be a name .* of a distance that needs nothing but the rows; got 'haversine': Haversine"),
        ],
    )
    def test_a_distance_that_says_nothing_of_masks(self, explain, metric, words):
        with pytest.raises(ArgumentError, match=f"distance_metric {words}"):
            explain(distance_metric=metric)

    @pytest.mark.parametrize("metric", ["dice", "jaccard", "rogerstanimoto", "russellrao", "sokalsneath"])
    def test_distances_of_masks(self, explain, metric):
        """scikit-learn warns of what is no boolean, which would be an error here."""
        assert all(math.isfinite(weight) for _, weight in explain(distance_metric=metric).as_list())

    @pytest.mark.parametrize("regressor", [5, "ridge", Ridge, Lars(), KNeighborsRegressor(), ROWS])
    def test_a_regressor_that_will_not_do(self, explain, regressor):
        with pytest.raises(
            ArgumentTypeError, match=r"model_regressor must be a scikit-learn linear regressor .*such as Ridge\(\)"
        ):
            explain(model_regressor=regressor)

    @pytest.mark.parametrize("model", [None, 5, "model", Ridge, LogisticRegression, [spam]])
    def test_no_model(self, explain, model):
        with pytest.raises(ArgumentTypeError, match="model must be a callable from a batch of inputs to predictions"):
            explain(model=model)


@pytest.mark.parametrize("explain", [explain_text, explain_row])
class TestModels:
    @pytest.mark.parametrize(
        "answer",
        [
            lambda inputs: np.zeros(len(inputs) + 1),
            lambda inputs: np.zeros(len(inputs) - 1),
            lambda inputs: np.zeros((1, len(inputs))),
            lambda inputs: np.zeros((len(inputs), 2, 2)),
            lambda inputs: np.zeros((len(inputs), 0)),
            lambda inputs: 1.0,  # noqa: ARG005
            lambda inputs: None,  # noqa: ARG005
            lambda inputs: [],  # noqa: ARG005
        ],
    )
    def test_wrong_shapes(self, explain, answer):
        with pytest.raises(PredictionError, match=r"must give an array of shape \(n,\) or \(n, k\), a row for each input; for"):
            explain(model=answer)

    @pytest.mark.parametrize(
        "answer", [lambda inputs: ["yes"] * len(inputs), lambda inputs: [[1], *[[1, 2]] * (len(inputs) - 1)]]
    )
    def test_no_numbers(self, explain, answer):
        with pytest.raises(PredictionError, match=r"the model must give numbers; for .* inputs, numbers 0 to .* it gave list"):
            explain(model=answer)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_not_finite(self, explain, value):
        def model(inputs):
            answer = np.zeros(len(inputs))
            answer[3:5] = value
            return answer

        with pytest.raises(PredictionError, match=r"NaN or infinity for 2 of .*; the first is number 3\. "):
            explain(model=model)

    @pytest.mark.parametrize("value", [1e151, -1e300])
    def test_too_large_for_their_squares(self, explain, value):
        def model(inputs):
            return np.array([zlib.crc32(repr(one).encode()) % 100 for one in inputs]) * value / 100

        with pytest.raises(
            PredictionError, match=r"numbers up to 1e\+150, since they are squared; the largest for .* is 9.*e\+"
        ):
            explain(model=model)
        explanation = explain(model=lambda inputs: model(inputs) / abs(value) * 1e150)
        assert all(math.isfinite(weight) for _, weight in explanation.as_list())

    def test_another_number_of_outputs_later(self, explain):
        calls = []

        def model(inputs):
            calls.append(len(inputs))
            return np.zeros((len(inputs), 1 + len(calls)))

        with pytest.raises(PredictionError, match="it gave 2 at first, and 3 for 4 inputs, numbers 4 to 7"):
            explain(model=model, batch_size=4)

    def test_that_raise(self, explain):
        calls = []

        def model(inputs):
            calls.append(len(inputs))
            if len(calls) == 3:
                raise KeyError("no such column")
            return np.zeros(len(inputs))

        with pytest.raises(ModelError, match="raised KeyError while it was asked about 4 inputs, numbers 8 to 11") as caught:
            explain(model=model, batch_size=4)
        assert isinstance(caught.value.__cause__, KeyError)
        assert isinstance(caught.value, LimelightError)

    def test_an_interrupt_is_no_model_error(self, explain):
        def model(inputs):
            raise KeyboardInterrupt(len(inputs))

        with pytest.raises(KeyboardInterrupt):
            explain(model=model)

    def test_constant(self, explain):
        explanation = explain(model=lambda inputs: np.full((len(inputs), 2), 0.5))
        assert message(explanation, "constant_output").startswith("The model's output 'class 1' was 0.5 for every perturbation")
        assert [weight for _, weight in explanation.as_list()] == [0.0] * len(explanation.as_list())
        assert explanation.surrogate().local_prediction == pytest.approx(0.5)
        assert math.isnan(explanation.surrogate().fidelity)

    def test_returning_lists(self, explain):
        def scores(inputs):
            return np.array([float("three" in item) if isinstance(item, str) else float(item[0] > 0) for item in inputs])

        listed = explain(model=lambda inputs: scores(inputs).tolist())
        assert listed == explain(model=scores)
        assert listed.as_list()[0][1] != 0

    @pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
    def test_class_names_of_wrong_length(self, explain, names):
        with pytest.raises(
            ArgumentError, match=f"class_names must have a name for each of the model's 2 outputs; got {len(names)}"
        ):
            explain(model=lambda inputs: np.full((len(inputs), 2), 0.5), options={"class_names": names})

    def test_scores_where_probabilities_were_meant(self, explain):
        explanation = explain(model=lambda inputs: np.ones((len(inputs), 2)), options={"mode": "classification"})
        assert "not probabilities that sum to 1" in message(explanation, "not_probabilities")
        assert explanation.output_kind == "scores"


class TestLabels:
    def test_a_label_that_was_not_explained(self):
        explanation = explain_text(options={"class_names": ["ham", "spam"]})
        for ask in (explanation.as_list, explanation.surrogate):
            with pytest.raises(LabelError, match=r"label 0 was not explained; explained: 1 \(spam\). Give labels=\[0\]"):
                ask(0)

    def test_the_default_is_always_explained(self):
        explanation = explain_text(labels=[0])
        assert explanation.default_label == 0
        assert explanation.as_list() == explanation.as_list(0)


class TestKernels:
    def test_too_narrow(self):
        with pytest.raises(KernelError, match=r"too narrow: with kernel_width=0\.001 all .* have weight 0\. Give a larger"):
            explain_text(LONG_TEXT, options={"kernel_width": 0.001})
        with pytest.raises(KernelError, match="too narrow"):
            TabularExplainer(np.random.default_rng(0).normal(size=(100, 40)), kernel_width=0.01).explain_instance(
                np.zeros(40), first_column
            )

    def test_rather_narrow(self):
        def model(texts):
            return np.array([text.count("word1") for text in texts], dtype=float)

        explanation = explain_text(LONG_TEXT, model, options={"kernel_width": 1.5}, num_samples=200)
        assert "Give a larger kernel_width, or num_samples=" in message(explanation, "low_effective_sample_size")
        assert explanation.effective_sample_size < 110
        assert "off the weights of output. Give alpha=0, or num_samples=" in message(explanation, "shrunk")
        wide = explain_text(LONG_TEXT, model)
        assert not {"low_effective_sample_size", "shrunk"} & codes(wide)
        assert "shrunk" not in codes(explain_text(LONG_TEXT, model, options={"kernel_width": 1.5, "alpha": 0}, num_samples=200))

    @pytest.mark.parametrize(
        "weights", [lambda d: d[:1], lambda d: -d - 1, lambda d: d * math.nan, lambda d: np.exp(d) + math.inf]
    )
    def test_of_ones_own_that_will_not_do(self, weights):
        with pytest.raises(ArgumentError, match="kernel must give a finite weight of at least 0 for each of"):
            explain_text(options={"kernel": lambda distances, width: weights(distances)})  # noqa: ARG005

    def test_of_ones_own_that_is_nowhere_positive(self):
        with pytest.raises(KernelError, match="have weight 0"):
            explain_text(options={"kernel": lambda distances, width: 0 * distances})  # noqa: ARG005

    @pytest.mark.parametrize("explain", [explain_text, explain_row])
    def test_of_ones_own_that_raises(self, explain):
        def kernel(distances, width):
            raise KeyError(width, len(distances))

        with pytest.raises(ArgumentError, match="kernel raised KeyError") as caught:
            explain(options={"kernel": kernel})
        assert isinstance(caught.value.__cause__, KeyError)

    def test_of_ones_own_that_gives_no_numbers(self):
        with pytest.raises(ArgumentTypeError, match="what kernel gives must hold numbers only"):
            explain_row(options={"kernel": lambda distances, width: ["near"] * len(distances)})  # noqa: ARG005

    def test_distances_of_masks_where_columns_have_no_bins(self):
        with pytest.raises(
            ArgumentError, match="must be a distance of numbers, such as 'euclidean', where columns have no bins; got 'dice'"
        ):
            explain_row(options={"discretize_continuous": False}, distance_metric="dice")


class TestSmallSamples:
    @pytest.mark.parametrize("explain", [explain_text, explain_row])
    @pytest.mark.parametrize("num_samples", [2, 3, 8])
    def test_no_intervals(self, explain, num_samples):
        explanation = explain(num_samples=num_samples)
        assert "no_intervals" in codes(explanation)
        assert "low_effective_sample_size" in codes(explanation)
        assert not explanation.converged
        assert all(math.isnan(low) for low in explanation.surrogates[0].lows)
        assert explanation.num_samples == num_samples

    def test_a_hundred_have_intervals_as_the_notice_says(self):
        assert "num_samples of at least 100." in message(explain_row(num_samples=5), "no_intervals")
        explanation = explain_row(num_samples=100)
        assert "no_intervals" not in codes(explanation)
        assert all(math.isfinite(low) for low in explanation.surrogates[0].lows)

    def test_a_surrogate_that_does_not_follow(self):
        explanation = explain_row(model=lambda rows: np.sin(50 * rows.sum(axis=1)), num_samples=500)
        assert "held-out R2" in message(explanation, "low_fidelity")
        assert explanation.surrogates[0].fidelity < 0.25

    def test_wide_intervals(self):
        explanation = explain_row(model=lambda rows: np.sin(50 * rows.sum(axis=1)), num_samples=500)
        assert "not_converged" in codes(explanation)
        assert not explanation.converged
