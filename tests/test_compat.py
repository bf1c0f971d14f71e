"""One set of tests written for lime's API, with two doors: lime itself and limelight.compat.

Signatures, defaults, types, shapes, strings, leniency. Where lime itself is broken, its door is skipped, with the reason.
"""

import importlib
import inspect
import pickle
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Lasso, LinearRegression

DOORS = {"lime": "lime", "compat": "limelight.compat"}


class Door:
    """lime's modules by their names, from lime or from limelight."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, module):
        return importlib.import_module(f"{DOORS[self.name]}.{module}")

    def skip_lime(self, reason):
        if self.name == "lime":
            pytest.skip(f"lime itself: {reason}")


@pytest.fixture(params=DOORS)
def door(request):
    return Door(request.param)


@pytest.fixture(autouse=True)
def quiet():
    """lime's own warnings, of numpy and of its progress bar, are not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


ROWS = np.random.RandomState(0).normal(size=(400, 4)) * [1, 2, 0.5, 1]
CODES = np.column_stack([ROWS[:, :2], np.random.RandomState(1).randint(0, 3, 400), np.random.RandomState(2).randint(0, 2, 400)])


def classify(rows):
    score = np.asarray(rows, dtype=float) @ [1.0, -0.5, 0.8, 0.3]
    probability = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - probability, probability])


def classify_three(rows):
    scores = np.exp(np.asarray(rows, dtype=float)[:, :3] * [0.7, 0.3, 1.4])
    return scores / scores.sum(axis=1, keepdims=True)


def regress(rows):
    return np.asarray(rows, dtype=float) @ [1.0, -0.5, 0.8, 0.3]


def classify_texts(texts):
    spam = np.array([0.1 + 0.5 * ("pills" in text) + 0.2 * ("cheap" in text) for text in texts])
    return np.column_stack([1 - spam, spam])


def classify_images(images):
    images = np.asarray(images, dtype=float)
    scores = np.stack([images[:, :10].mean((1, 2, 3)), images[:, 10:].mean((1, 2, 3)), np.full(len(images), 60.0)], axis=1)
    return scores / scores.sum(axis=1, keepdims=True)


IMAGE = np.random.RandomState(0).randint(0, 255, (20, 20, 3)).astype(np.uint8)


def quarters(image):
    return np.repeat(np.repeat(np.arange(4).reshape(2, 2), 10, axis=0), 10, axis=1)[: image.shape[0], : image.shape[1]]


def explain_row(door, **options):
    given = {name: options.pop(name) for name in list(options) if name in CALL}
    return door.lime_tabular.LimeTabularExplainer(ROWS, random_state=0, **options).explain_instance(
        ROWS[0], given.pop("predict_fn", classify), **given
    )


CALL = {"predict_fn", "labels", "top_labels", "num_features", "num_samples", "distance_metric", "model_regressor"}


# --- signatures -------------------------------------------------------------------------------------------------------------

CALLABLES = [
    "lime_base.LimeBase.__init__",
    "lime_base.LimeBase.generate_lars_path",
    "lime_base.LimeBase.forward_selection",
    "lime_base.LimeBase.feature_selection",
    "lime_base.LimeBase.explain_instance_with_data",
    "explanation.id_generator",
    "explanation.DomainMapper.map_exp_ids",
    "explanation.DomainMapper.visualize_instance_html",
    "explanation.Explanation.__init__",
    "explanation.Explanation.available_labels",
    "explanation.Explanation.as_list",
    "explanation.Explanation.as_map",
    "explanation.Explanation.as_pyplot_figure",
    "explanation.Explanation.show_in_notebook",
    "explanation.Explanation.save_to_file",
    "explanation.Explanation.as_html",
    "exceptions.LimeError",
    "discretize.BaseDiscretizer.__init__",
    "discretize.BaseDiscretizer.bins",
    "discretize.BaseDiscretizer.discretize",
    "discretize.BaseDiscretizer.get_undiscretize_values",
    "discretize.BaseDiscretizer.undiscretize",
    "discretize.StatsDiscretizer.__init__",
    "discretize.QuartileDiscretizer.__init__",
    "discretize.DecileDiscretizer.__init__",
    "discretize.EntropyDiscretizer.__init__",
    "lime_tabular.TableDomainMapper.__init__",
    "lime_tabular.TableDomainMapper.map_exp_ids",
    "lime_tabular.LimeTabularExplainer.__init__",
    "lime_tabular.LimeTabularExplainer.convert_and_round",
    "lime_tabular.LimeTabularExplainer.validate_training_data_stats",
    "lime_tabular.LimeTabularExplainer.explain_instance",
    "lime_tabular.LimeTabularExplainer._LimeTabularExplainer__data_inverse",
    "lime_tabular.RecurrentTabularExplainer.__init__",
    "lime_tabular.RecurrentTabularExplainer._make_predict_proba",
    "lime_tabular.RecurrentTabularExplainer.explain_instance",
    "lime_tabular.QuartileDiscretizer",
    "lime_tabular.explanation.Explanation.as_map",
    "lime_tabular.lime_base.LimeBase.__init__",
    "lime_text.TextDomainMapper.__init__",
    "lime_text.TextDomainMapper.map_exp_ids",
    "lime_text.IndexedString.__init__",
    "lime_text.IndexedString.inverse_removing",
    "lime_text.IndexedString.string_position",
    "lime_text.IndexedString._segment_with_tokens",
    "lime_text.IndexedCharacters.__init__",
    "lime_text.LimeTextExplainer.__init__",
    "lime_text.LimeTextExplainer.explain_instance",
    "lime_text.LimeTextExplainer._LimeTextExplainer__data_labels_distances",
    "lime_image.ImageExplanation.__init__",
    "lime_image.ImageExplanation.get_image_and_mask",
    "lime_image.LimeImageExplainer.__init__",
    "lime_image.LimeImageExplainer.explain_instance",
    "lime_image.LimeImageExplainer.data_labels",
    "submodular_pick.SubmodularPick.__init__",
    "utils.generic_utils.has_arg",
    "wrappers.scikit_image.BaseWrapper.__init__",
    "wrappers.scikit_image.BaseWrapper._check_params",
    "wrappers.scikit_image.BaseWrapper.set_params",
    "wrappers.scikit_image.BaseWrapper.filter_params",
    "wrappers.scikit_image.SegmentationAlgorithm.__init__",
    "wrappers.scikit_image.SegmentationAlgorithm.__call__",
]
# What lime's later sources have in addition, at the end.
ADDED = {"sampling_method", "progress_bar", "figsize"}


def find(door, path):
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = getattr(door, ".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise AssertionError(path)


@pytest.mark.parametrize("path", CALLABLES)
def test_signatures_are_limes_in_limes_order_with_limes_defaults(path):
    theirs, ours = (find(Door(name), path) for name in DOORS)
    if path == "exceptions.LimeError":
        assert issubclass(ours, Exception)
        return
    expected, found = inspect.signature(theirs).parameters, inspect.signature(ours).parameters
    assert [name for name in found if name not in ADDED] == list(expected)
    for name, parameter in expected.items():
        default = found[name].default
        assert default == parameter.default, name
        assert found[name].kind == parameter.kind, name


# --- attributes of an explanation -------------------------------------------------------------------------------------------


def test_attributes_of_a_classification(door):
    found = explain_row(door, labels=(0, 1))
    assert found.mode == "classification"
    assert list(found.local_exp) == list(found.intercept) == [0, 1]
    assert found.as_map() is found.local_exp
    assert all(isinstance(number, int | np.integer) and isinstance(weight, float) for number, weight in found.local_exp[1])
    assert {weight.dtype for _, weight in found.local_exp[1]} == {np.dtype(float)}
    sizes = [abs(weight) for _, weight in found.local_exp[1]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(found.local_exp[1]) == 4
    assert np.shape(found.local_pred) == (1,)
    assert 0 < found.score < 1
    assert np.shape(found.predict_proba) == (2,)
    assert found.predict_proba == pytest.approx(classify(ROWS[:1])[0])
    assert found.top_labels is None
    assert found.class_names == ["0", "1"]
    assert found.available_labels() == [0, 1]
    expected = found.intercept[1] + sum(weight for _, weight in found.local_exp[1])
    assert found.local_pred[0] == pytest.approx(expected)


def test_attributes_of_a_regression(door):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, mode="regression", random_state=0)
    found = explainer.explain_instance(ROWS[0], regress)
    assert set(found.local_exp) == set(found.intercept) == {0, 1}
    assert found.local_exp[0] == [(number, -weight) for number, weight in found.local_exp[1]]
    assert found.intercept[0] == found.intercept[1]
    assert found.predicted_value == pytest.approx(regress(ROWS[:1])[0])
    assert found.min_value < found.predicted_value < found.max_value
    assert found.dummy_label == 1
    assert found.class_names == ["negative", "positive"]
    assert found.as_list() == found.as_list(label=7)
    with pytest.raises(NotImplementedError, match="regression"):
        found.available_labels()


@pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 1, 1)])
def test_a_regression_may_answer_in_columns(door, shape):
    if len(shape) == 3:
        door.skip_lime("an array of three dimensions is refused")
        pytest.skip("no model answers so")
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, mode="regression", random_state=0)
    found = explainer.explain_instance(ROWS[0], lambda rows: regress(rows).reshape(shape))
    assert found.predicted_value == pytest.approx(regress(ROWS[:1])[0])


def test_a_regression_of_several_outputs_explains_the_first(door):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, mode="regression", random_state=0)
    found = explainer.explain_instance(ROWS[0], lambda rows: np.column_stack([regress(rows), np.ones(len(rows))]))
    assert found.predicted_value == pytest.approx(regress(ROWS[:1])[0])
    assert abs(found.local_exp[1][0][1]) > 0.5


def test_top_labels_win_over_labels(door):
    found = explain_row(door, predict_fn=classify_three, labels=(0,), top_labels=2)
    order = np.argsort(classify_three(ROWS[:1])[0])[::-1]
    assert found.top_labels == found.available_labels() == list(order[:2])
    assert set(found.local_exp) == set(order[:2])


def test_labels_are_not_looked_at_where_they_do_not_count(door):
    assert len(explain_row(door, labels=None, top_labels=sys.maxsize).local_exp) == 2
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, mode="regression", random_state=0)
    assert set(explainer.explain_instance(ROWS[0], regress, labels=None, top_labels=3).local_exp) == {0, 1}
    with pytest.raises(TypeError, match="not iterable"):
        explain_row(door, labels=1)


def test_more_top_labels_than_outputs_are_all(door):
    found = explain_row(door, predict_fn=classify_three, top_labels=9)
    assert sorted(found.top_labels) == [0, 1, 2]


def test_top_labels_of_equal_predictions_are_the_last(door):
    found = explain_row(door, predict_fn=lambda rows: np.full((len(rows), 2), 0.5) + 0 * rows[:, :2], top_labels=1)
    assert found.top_labels == [1]


@pytest.mark.parametrize("labels", [(1,), [1], np.array([1]), range(1, 2), {1: "spam"}.keys(), {1}, (1, 1)])
def test_labels_come_in_any_iterable(door, labels):
    assert list(explain_row(door, labels=labels).local_exp) == [1]


def test_negative_labels_count_from_the_last(door):
    found = explain_row(door, labels=(-1,))
    assert list(found.local_exp) == [-1]
    assert found.as_list(label=-1)[0][1] == pytest.approx(explain_row(door, labels=(1,)).as_list()[0][1], abs=0.05)


def test_no_labels_give_an_explanation_without_weights(door):
    found = explain_row(door, labels=())
    assert found.local_exp == {}
    assert found.available_labels() == []


def test_a_missing_label_is_a_key_error(door):
    found = explain_row(door, labels=(0,))
    with pytest.raises(KeyError, match="1"):
        found.as_list()


def test_a_label_that_the_model_lacks_is_an_index_error(door):
    with pytest.raises(IndexError, match="5"):
        explain_row(door, labels=(5,))
    with pytest.raises(IndexError, match=r"range|bounds"):
        explain_row(door, labels=(-5,))


def test_a_classifier_without_probabilities_is_refused(door):
    with pytest.raises(NotImplementedError, match="probabilit"):
        explain_row(door, predict_fn=lambda rows: (rows[:, 0] > 0).astype(int))
    with pytest.raises(NotImplementedError, match="probabilit"):
        explain_row(door, predict_fn=lambda rows: (rows[:, 0] > 0).astype(int), labels=(0,))


def test_an_error_of_the_model_comes_as_it_is(door):
    class Broken(Exception):
        pass

    def broken(inputs):
        raise Broken("no such column")

    with pytest.raises(Broken, match="no such column"):
        explain_row(door, predict_fn=broken)
    with pytest.raises(Broken, match="no such column"):
        door.lime_text.LimeTextExplainer(random_state=0).explain_instance("cheap pills", broken)
    with pytest.raises(Broken, match="no such column"):
        door.lime_image.LimeImageExplainer(random_state=0).explain_instance(IMAGE, broken, segmentation_fn=quarters)


def test_an_unknown_mode_is_a_lime_error(door):
    with pytest.raises(door.exceptions.LimeError, match="mode"):
        door.explanation.Explanation(door.explanation.DomainMapper(), mode="bogus")


def test_attributes_can_be_set(door):
    found = explain_row(door)
    found.note = "mine"
    found.local_exp[1] = [(2, 0.5), (0, -0.25)]
    assert [weight for _, weight in found.as_list()] == [0.5, -0.25]
    found.class_names = ["no", "yes"]
    found.local_exp[1].append((3, 0.1))
    assert len(found.as_map()[1]) == 3
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, random_state=0)
    explainer.note = "mine"
    explainer.feature_selection = "none"
    assert len(explainer.explain_instance(ROWS[0], classify, num_features=1).local_exp[1]) == 4


# --- strings ----------------------------------------------------------------------------------------------------------------


def test_names_of_bins(door):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, feature_names=["a", "b", "c", "d"], random_state=0)
    quartiles = np.percentile(ROWS, [25, 50, 75], axis=0)
    row = np.array([quartiles[0, 0] - 0.1, quartiles[0, 1] + 0.1, quartiles[2, 2] + 0.1, quartiles[1, 3] + 0.01])
    found = dict(explainer.explain_instance(row, classify).as_list())
    assert set(found) == {
        f"a <= {quartiles[0, 0]:.2f}",
        f"{quartiles[0, 1]:.2f} < b <= {quartiles[1, 1]:.2f}",
        f"c > {quartiles[2, 2]:.2f}",
        f"{quartiles[1, 3]:.2f} < d <= {quartiles[2, 3]:.2f}",
    }


@pytest.mark.parametrize(
    "names",
    [None, ["a", "b", "c", "d"], np.array(["a", "b", "c", "d"]), np.arange(4), ["a", "a", "a", "a"], ["a", "b", "c", "d", "e"]],
)
def test_names_may_be_missing_repeated_numbers_or_too_many(door, names):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, feature_names=names, random_state=0)
    expected = list("0123") if names is None else list(names)
    assert list(explainer.feature_names) == expected
    found = explainer.explain_instance(ROWS[0], classify)
    for number, (name, _) in zip((number for number, _ in found.local_exp[1]), found.as_list(), strict=True):
        assert str(expected[number]) in name


@pytest.mark.parametrize(
    ("categories", "name"),
    [
        ({2: ["red", "green", "blue"]}, "c=blue"),
        ({2: np.array(["red", "green", "blue"])}, "c=blue"),
        ({2: {0: "red", 1: "green", 2: "blue"}}, "c=blue"),
        ({2: ["red", "green", "blue", "never"], 3: ["no", "yes"]}, "c=blue"),
        (None, "c=2"),
        ([["red"], ["no", "yes"]], "c=2"),
    ],
)
def test_names_of_categories(door, categories, name):
    row = np.array([0.0, 0.0, 2.0, 1.0])
    explainer = door.lime_tabular.LimeTabularExplainer(
        CODES, feature_names=list("abcd"), categorical_features=[2, 3], categorical_names=categories, random_state=0
    )
    found = dict(explainer.explain_instance(row, classify).as_list())
    assert name in found
    assert explainer.categorical_features == [0, 1, 2, 3]


def test_names_of_columns_without_bins(door):
    explainer = door.lime_tabular.LimeTabularExplainer(
        CODES, feature_names=list("abcd"), categorical_features=[2], discretize_continuous=False, random_state=0
    )
    found = explainer.explain_instance(CODES[0], classify)
    assert {name for name, _ in found.as_list()} == {"a", "b", f"c={int(CODES[0, 2])}", "d"}
    assert explainer.categorical_features == [2]
    assert explainer.discretizer is None


# --- what tables take -------------------------------------------------------------------------------------------------------


def test_attributes_of_a_table_explainer(door):
    explainer = door.lime_tabular.LimeTabularExplainer(
        CODES, categorical_features=[2, 3], random_state=0, class_names=["n", "y"]
    )
    assert explainer.feature_values[2] == [0, 1, 2]
    assert explainer.feature_frequencies[2] == pytest.approx(np.bincount(CODES[:, 2].astype(int)) / 400)
    assert explainer.feature_values[0] == [0, 1, 2, 3]
    assert explainer.feature_frequencies[0] == pytest.approx([0.25] * 4)
    assert explainer.scaler.mean_.tolist() == [0, 0, 0, 0]
    assert explainer.scaler.scale_.tolist() == [1, 1, 1, 1]
    assert explainer.base.random_state is explainer.random_state is explainer.discretizer.random_state
    assert explainer.base.kernel_fn(np.array([0.0, 1.5])) == pytest.approx([1.0, np.exp(-0.5)])
    assert explainer.base.verbose is False
    assert explainer.mode == "classification"
    assert explainer.class_names == ["n", "y"]
    assert explainer.feature_selection == "auto"


def test_scaler_of_columns_without_bins(door):
    explainer = door.lime_tabular.LimeTabularExplainer(
        CODES, categorical_features=[2, 3], discretize_continuous=False, random_state=0
    )
    assert explainer.scaler.mean_ == pytest.approx([*CODES[:, :2].mean(axis=0), 0, 0])
    assert explainer.scaler.scale_ == pytest.approx([*CODES[:, :2].std(axis=0), 1, 1])


def test_attributes_of_discretizers(door):
    quartile = door.discretize.QuartileDiscretizer(ROWS, [3], list("abcd"), random_state=0)
    edges = np.percentile(ROWS[:, 0], [25, 50, 75])
    assert quartile.to_discretize == [0, 1, 2]
    assert quartile.names[0][0] == f"a <= {edges[0]:.2f}"
    assert len(quartile.names[0]) == len(quartile.means[0]) == len(quartile.stds[0]) == 4
    assert quartile.mins[0] == pytest.approx([ROWS[:, 0].min(), *edges])
    assert quartile.maxs[0] == pytest.approx([*edges, ROWS[:, 0].max()])
    first = ROWS[ROWS[:, 0] <= edges[0], 0]
    assert quartile.means[0][0] == pytest.approx(first.mean())
    assert quartile.stds[0][0] == pytest.approx(first.std())
    bins = quartile.discretize(ROWS)
    assert set(bins[:, 0]) == {0, 1, 2, 3}
    assert bins[:, 3] == pytest.approx(ROWS[:, 3])
    assert quartile.discretize(ROWS[0]).tolist() == bins[0].tolist()
    assert quartile.lambdas[0](edges[1] + 0.01) == 2
    drawn = quartile.undiscretize(bins)
    assert quartile.discretize(drawn)[:, :3].tolist() == bins[:, :3].tolist()
    assert [len(edges) for edges in quartile.bins(ROWS, None)] == [3, 3, 3]
    assert len(door.discretize.DecileDiscretizer(ROWS, [], list("abcd")).names[0]) == 10


def test_entropy_bins(door):
    labels = (ROWS[:, 0] > 0.3).astype(int)
    entropy = door.discretize.EntropyDiscretizer(ROWS, [], list("abcd"), labels=labels, random_state=0)
    assert len(entropy.names[0]) == 2
    assert entropy.maxs[0][0] == pytest.approx(0.3, abs=0.05)
    with pytest.raises(ValueError, match="Labels must be not None"):
        door.discretize.EntropyDiscretizer(ROWS, [], list("abcd"))
    with pytest.raises(ValueError, match="Labels must be not None"):
        door.lime_tabular.LimeTabularExplainer(ROWS, discretizer="entropy")


def test_a_discretizer_of_the_programs_own(door):
    class Halves(door.discretize.BaseDiscretizer):
        def bins(self, data, labels):
            return [np.array([0.0]) for _ in self.to_discretize]

    halves = Halves(ROWS, [], list("abcd"), random_state=0)
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, discretizer=halves, random_state=0)
    assert explainer.discretizer is halves
    names = {name for name, _ in explainer.explain_instance(np.array([1.0, -1.0, 1.0, -1.0]), classify).as_list()}
    assert names == {"a > 0.00", "b <= 0.00", "c > 0.00", "d <= 0.00"}


def test_an_unknown_discretizer_is_refused(door):
    with pytest.raises(ValueError, match=r"'quartile', *'decile'"):
        door.lime_tabular.LimeTabularExplainer(ROWS, discretizer="bogus")


def statistics_of(explainer):
    discretizer = explainer.discretizer
    return {
        "means": discretizer.means,
        "stds": discretizer.stds,
        "mins": discretizer.mins,
        "maxs": discretizer.maxs,
        "feature_values": explainer.feature_values,
        "feature_frequencies": {column: list(shares) for column, shares in explainer.feature_frequencies.items()},
        "bins": {column: discretizer.maxs[column][:-1] for column in discretizer.means},
    }


def test_statistics_in_place_of_training_data(door):
    explainer = door.lime_tabular.LimeTabularExplainer(CODES, categorical_features=[2, 3], random_state=0)
    stats = statistics_of(explainer)
    other = door.lime_tabular.LimeTabularExplainer(
        np.zeros((1, 4)), categorical_features=[2, 3], training_data_stats=stats, random_state=0
    )
    expected = dict(explainer.explain_instance(CODES[0], classify, num_samples=20000).as_list())
    assert dict(other.explain_instance(CODES[0], classify, num_samples=20000).as_list()) == pytest.approx(expected, abs=0.03)
    with pytest.raises(Exception, match="Missing keys in training_data_stats"):
        door.lime_tabular.LimeTabularExplainer(ROWS, training_data_stats={"means": {}})


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "hamming"])
def test_distances_of_scikit_learn(door, metric):
    assert abs(explain_row(door, distance_metric=metric, num_samples=500).as_list()[0][1]) > 0.05


def test_a_distance_of_the_programs_own(door):
    found = explain_row(door, distance_metric=lambda a, b: np.abs(a - b).sum(), num_samples=300)
    assert abs(found.as_list()[0][1]) > 0.05


def test_a_kernel_is_called_with_its_width_by_name(door):
    widths = set()

    def kernel(distances, *, kernel_width):
        widths.add(kernel_width)
        return np.exp(-distances / kernel_width)

    explain_row(door, kernel=kernel, kernel_width=3)
    assert widths == {3.0}


def test_a_kernel_that_is_too_narrow_gives_no_weight(door):
    found = explain_row(door, kernel=lambda d, kernel_width: (d == 0).astype(float) * (np.arange(len(d)) == 0), num_samples=300)
    assert [weight for _, weight in found.as_list()] == pytest.approx([0] * 4)


@pytest.mark.parametrize("make", [LinearRegression, lambda: Lasso(alpha=0.001)])
def test_a_regressor_is_left_fitted(door, make):
    regressor = make()
    found = explain_row(door, model_regressor=regressor)
    assert sorted(np.abs(regressor.coef_)) == pytest.approx(sorted(abs(weight) for _, weight in found.local_exp[1]))
    assert regressor.intercept_ == pytest.approx(found.intercept[1])


@pytest.mark.parametrize("method", ["auto", "forward_selection", "highest_weights", "lasso_path", "none"])
def test_ways_to_choose_features(door, method):
    found = explain_row(door, feature_selection=method, num_features=2)
    assert len(found.as_list()) == (4 if method == "none" else 2)


def test_more_features_than_there_are(door):
    assert len(explain_row(door, num_features=50).as_list()) == 4


def test_integers_and_lists(door):
    whole = np.random.RandomState(0).randint(0, 50, (300, 4))
    explainer = door.lime_tabular.LimeTabularExplainer(whole, random_state=0)
    assert len(explainer.explain_instance(whole[0], classify).as_list()) == 4
    labels = list((whole[:, 0] > 25).astype(int))
    explainer = door.lime_tabular.LimeTabularExplainer(
        whole.astype(float), training_labels=labels, discretizer="entropy", categorical_features=np.array([3]), random_state=0
    )
    assert len(explainer.explain_instance(whole[0].astype(float), classify).as_list()) == 4


def test_codes_of_categories_that_are_no_whole_numbers(door):
    codes = np.column_stack([ROWS[:, :3], np.random.RandomState(0).choice([0.5, 1.5, -2.0], 400)])
    explainer = door.lime_tabular.LimeTabularExplainer(codes, categorical_features=[3], random_state=0)
    assert explainer.feature_values[3] == [-2.0, 0.5, 1.5]
    found = explainer.explain_instance(codes[0], classify)
    assert len(found.as_list()) == 4


def test_only_categories(door):
    codes = CODES[:, 2:].astype(float)
    explainer = door.lime_tabular.LimeTabularExplainer(codes, categorical_features=[0, 1], random_state=0)
    found = explainer.explain_instance(codes[0], lambda rows: np.column_stack([rows[:, 1] * 0.5, 1 - rows[:, 1] * 0.5]))
    assert found.as_list()[0][0].startswith("1=")


def test_probabilities_that_do_not_sum_to_one_warn_and_are_explained(door):
    with pytest.warns(UserWarning, match="sum to"):
        found = explain_row(door, predict_fn=lambda rows: np.column_stack([regress(rows), 2 * regress(rows)]))
    assert abs(found.as_list()[0][1]) > 0.5


def test_three_lines_of_verbose(door, capsys):
    explain_row(door, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Intercept", "Prediction_local", "Right:"]
    assert lines[1].split()[1].startswith("[")


def test_a_model_gets_an_array_of_doubles_with_the_row(door):
    asked = []

    def model(rows):
        asked.append(rows)
        return classify(rows)

    explain_row(door, predict_fn=model, num_samples=200)
    assert all(type(rows) is np.ndarray and rows.dtype == np.float64 and rows.shape[1] == 4 for rows in asked)
    assert any((rows == ROWS[0]).all(axis=1).any() for rows in asked)


# --- texts ------------------------------------------------------------------------------------------------------------------


def test_attributes_of_a_text_explanation(door):
    explainer = door.lime_text.LimeTextExplainer(class_names=["ham", "spam"], random_state=0)
    found = explainer.explain_instance("cheap pills for you, cheap!", classify_texts)
    assert found.as_list()[0][0] == "pills"
    assert [name for name, _ in found.as_list(positions=True)][:2] == ["pills_6", "cheap_0-21"]
    assert found.class_names == ["ham", "spam"]
    assert found.random_state is explainer.random_state
    string = found.domain_mapper.indexed_string
    assert string.raw_string() == "cheap pills for you, cheap!"
    assert string.num_words() == 4
    assert list(string.inverse_vocab) == ["cheap", "pills", "for", "you"]
    assert string.positions[0] == [0, 8]
    assert string.as_list == ["cheap", " ", "pills", " ", "for", " ", "you", ", ", "cheap", "!"]
    assert list(string.as_np) == string.as_list
    assert string.string_start.tolist() == [0, 5, 6, 11, 12, 15, 16, 19, 21, 26]
    assert string.inverse_removing([0, 3]) == " pills for , !"
    assert string.bow is True
    assert explainer.vocabulary is None
    assert found.as_list()[0][1] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("options", "without_first"),
    [
        ({"bow": False}, "UNKWORDZ good, a b"),
        ({"bow": False, "mask_string": "--"}, "-- good, a b"),
        ({"bow": False, "mask_string": ""}, " good, a b"),
        ({"split_expression": r"\s+", "bow": False}, "UNKWORDZ good, a b"),
        ({"split_expression": str.split, "bow": False}, "UNKWORDZ good, a b"),
    ],
)
def test_strings_by_place(door, options, without_first):
    string = door.lime_text.IndexedString("a good, a b", **options)
    assert string.inverse_removing(np.array([0])) == without_first
    assert string.positions.tolist() == [0, 2, 4, 6]
    assert string.string_position(1).tolist() == [2]
    assert string.word(2) == "a"


def test_characters(door):
    string = door.lime_text.IndexedCharacters("abca", bow=True)
    assert string.inverse_removing([0]) == "bc"
    assert string.string_position(0).tolist() == [0, 3]
    assert door.lime_text.IndexedCharacters("abca", bow=False).inverse_removing(np.array([0, 2])) == "\0b\0a"
    explainer = door.lime_text.LimeTextExplainer(char_level=True, bow=False, random_state=0)
    found = explainer.explain_instance(
        "abca", lambda texts: np.array([[0.9 - 0.5 * ("b" in t), 0.1 + 0.5 * ("b" in t)] for t in texts])
    )
    assert found.as_list()[0] == ("b", pytest.approx(0.5, abs=0.05))
    assert found.local_exp[1][0][0] == 1


def test_a_tokenizer_whose_tokens_are_not_in_the_text_is_refused(door):
    door.skip_lime("an IndexError of a string")
    with pytest.raises(ValueError, match="do not belong in string"):
        door.lime_text.IndexedString("A Film", split_expression=lambda text: text.lower().split())


def test_a_text_without_words_is_a_value_error(door):
    with pytest.raises(ValueError, match=r"low >= high|no words"):
        door.lime_text.LimeTextExplainer(random_state=0).explain_instance("...", classify_texts)


def test_a_text_model_gets_lists_of_texts(door):
    asked = []

    def model(texts):
        asked.append(texts)
        return classify_texts(texts)

    door.lime_text.LimeTextExplainer(random_state=0).explain_instance(
        "cheap pills for you and all of us", model, num_samples=100
    )
    assert all(type(texts) is list and all(type(text) is str for text in texts) for texts in asked)


# --- images -----------------------------------------------------------------------------------------------------------------


def explain_image(door, image=IMAGE, **options):
    options = {"segmentation_fn": quarters, "num_samples": 100, **options}
    return door.lime_image.LimeImageExplainer(random_state=0).explain_instance(image, classify_images, **options)


def test_attributes_of_an_image_explanation(door):
    found = explain_image(door, top_labels=2, hide_color=0)
    assert len(found.top_labels) == 2
    assert set(found.local_exp) == set(found.intercept) == set(found.top_labels)
    assert sorted(number for number, _ in found.local_exp[found.top_labels[0]]) == [0, 1, 2, 3]
    assert found.segments.shape == (20, 20)
    assert found.image.dtype == np.uint8
    assert np.shape(found.local_pred) == (1,)
    assert np.isfinite(found.score)
    weights = dict(found.local_exp[found.top_labels[0]])
    other = set(map(abs, weights.values()))
    assert len(other) == 4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hide_rest": True},
        {"positive_only": False, "negative_only": True},
        {"positive_only": False, "negative_only": False},
        {"positive_only": False, "num_features": 2, "min_weight": 0.01},
    ],
)
def test_images_and_masks(options):
    """The same weights give the same picture through both doors."""
    weights = [(0, 0.5), (1, -0.25), (2, 0.125), (3, -0.005)]
    pictures = []
    for name in DOORS:
        found = Door(name).lime_image.ImageExplanation(IMAGE, quarters(IMAGE))
        found.local_exp[1] = weights
        pictures.append(found.get_image_and_mask(1, **options))
        with pytest.raises(KeyError, match="Label not in explanation"):
            found.get_image_and_mask(0)
        with pytest.raises(ValueError, match="cannot be true at the same time"):
            found.get_image_and_mask(1, positive_only=True, negative_only=True)
    (theirs, their_mask), (ours, our_mask) = pictures
    assert np.array_equal(theirs, ours)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(their_mask, our_mask)


def test_a_grey_image_becomes_one_of_colours(door):
    asked = []

    def model(images):
        asked.append(np.shape(images))
        return classify_images(images)

    explainer = door.lime_image.LimeImageExplainer(random_state=0)
    found = explainer.explain_instance(IMAGE[..., 0], model, segmentation_fn=quarters, num_samples=40, batch_size=7)
    assert found.image.shape == (20, 20, 3)
    assert {shape[1:] for shape in asked} == {(20, 20, 3)}
    assert max(shape[0] for shape in asked) <= 7


def test_labels_of_images(door):
    found = explain_image(door, top_labels=None, labels=(2, 0))
    assert list(found.local_exp) == [2, 0]
    assert not hasattr(found, "top_labels")


def test_superpixels_may_be_nearly_pixels(door):
    found = explain_image(
        door, segmentation_fn=lambda image: np.arange(400).reshape(20, 20) // 2, num_samples=100, num_features=8
    )
    assert len(found.local_exp[found.top_labels[0]]) == 8


def test_superpixels_may_have_numbers_of_any_type(door):
    found = explain_image(door, segmentation_fn=lambda image: quarters(image).astype(float), num_samples=50)
    assert sorted(number for number, _ in found.local_exp[found.top_labels[0]]) == [0, 1, 2, 3]


def test_a_hidden_colour(door):
    seen = set()

    def model(images):
        seen.update(np.unique(np.asarray(images)[:, 0, 0, 0]).tolist())
        return classify_images(images)

    door.lime_image.LimeImageExplainer(random_state=0).explain_instance(
        IMAGE, model, segmentation_fn=quarters, hide_color=(7, 8, 9), num_samples=40
    )
    assert seen == {int(IMAGE[0, 0, 0]), 7}


def test_segmentations(door):
    wrappers = door.wrappers.scikit_image
    algorithm = wrappers.SegmentationAlgorithm("slic", n_segments=4, bogus=1)
    assert algorithm.target_params == {"n_segments": 4}
    assert algorithm(IMAGE).shape == (20, 20)
    assert algorithm.algo_type == "slic"
    with pytest.raises(ValueError, match="bogus"):
        algorithm.set_params(bogus=1)
    with pytest.raises(TypeError, match=r"invalid argument|must be a list"):
        algorithm._check_params("n_segments")
    with pytest.raises(TypeError):
        algorithm._check_params(None)
    with pytest.raises((AttributeError, TypeError)):
        wrappers.BaseWrapper()._check_params({})
    assert wrappers.BaseWrapper(sum, start=2).filter_params(sum, {"b": 3}) == {"start": 2, "b": 3}
    has_arg = door.utils.generic_utils.has_arg if door.name == "compat" else find(door, "utils.generic_utils.has_arg")
    assert has_arg(lambda a, *, b: 0, "b")
    assert not has_arg(lambda **others: 0, "b")


# --- sequences and picks ----------------------------------------------------------------------------------------------------


def test_sequences(door):
    sequences = np.random.RandomState(0).normal(size=(200, 3, 2))
    shapes = set()

    def model(batch):
        shapes.add(batch.shape[1:])
        probability = 1 / (1 + np.exp(-2 * batch[:, -1, 0]))
        return np.column_stack([1 - probability, probability])

    explainer = door.lime_tabular.RecurrentTabularExplainer(sequences, feature_names=["a", "b"], random_state=0)
    assert explainer.feature_names == ["a_t-2", "a_t-1", "a_t-0", "b_t-2", "b_t-1", "b_t-0"]
    assert (explainer.n_timesteps, explainer.n_features) == (3, 2)
    found = explainer.explain_instance(sequences[0], model, num_features=2)
    assert "a_t-0" in found.as_list()[0][0]
    assert shapes == {(3, 2)}


def test_picks(door):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, random_state=0)
    picks = door.submodular_pick.SubmodularPick(
        explainer, ROWS, classify, sample_size=8, num_exps_desired=3, num_features=2, num_samples=200
    )
    assert len(picks.explanations) == 8
    assert [picks.explanations[place] for place in picks.V] == picks.sp_explanations
    assert len(set(picks.V)) == 3
    assert all(len(found.top_labels) == 1 for found in picks.explanations)
    with pytest.raises(ValueError, match="Method must be 'sample' or 'full'"):
        door.submodular_pick.SubmodularPick(explainer, ROWS, classify, method="bogus")


def test_picks_of_equal_explanations():
    """The same explanations give the same picks through both doors."""

    class Stub:
        mode = "regression"
        dummy_label = 1

        def __init__(self, pairs):
            self._pairs = pairs

        def as_list(self, label):
            return self._pairs

    class Explainer:
        random_state = np.random.RandomState(0)

        def explain_instance(self, row, predict_fn, **others):
            return Stub([(str(column), float(value)) for column, value in enumerate(row) if value])

    rows = np.random.RandomState(3).normal(size=(12, 6)) * (np.random.RandomState(4).random((12, 6)) < 0.4)
    picks = [
        Door(name).submodular_pick.SubmodularPick(Explainer(), rows, None, method="full", num_exps_desired=6).V
        for name in DOORS
    ]
    assert picks[0] == picks[1]


# --- pages, figures, files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keywords", [{}, {"text": False}, {"text": True, "opacity": False}, {"labels": [0]}, {"predict_proba": False}]
)
def test_pages_of_texts(door, keywords, tmp_path):
    found = door.lime_text.LimeTextExplainer(random_state=0).explain_instance(
        "cheap pills for you", classify_texts, labels=(0, 1)
    )
    page = found.as_html(**keywords)
    assert page.lstrip().lower().startswith(("<html", "<!doctype html"))
    assert "pills" in page
    found.save_to_file(tmp_path / "page.html", **keywords)
    assert "pills" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "keywords", [{}, {"show_table": False}, {"show_table": True, "show_all": True}, {"predict_proba": False}]
)
def test_pages_of_tables(door, keywords):
    assert "a " in explain_row(door, feature_names=["a", "b", "c", "d"]).as_html(**keywords)
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, mode="regression", random_state=0)
    found = explainer.explain_instance(ROWS[0], regress)
    assert found.as_html(show_predicted_value=False, **keywords)


def test_keywords_of_another_modality_are_refused(door):
    with pytest.raises(TypeError, match="text"):
        explain_row(door).as_html(text=False)
    with pytest.raises(TypeError, match="positions"):
        explain_row(door).as_list(positions=True)


def test_figures(door):
    plt = pytest.importorskip("matplotlib.pyplot")
    found = explain_row(door, class_names=["no", "yes"])
    figure = found.as_pyplot_figure()
    (axes,) = figure.axes
    assert axes.get_title() == "Local explanation for class yes"
    names, weights = zip(*found.as_list()[::-1], strict=True)
    assert [text.get_text() for text in axes.get_yticklabels()] == list(names)
    assert [bar.get_width() for bar in axes.patches] == pytest.approx(list(weights))
    assert plt.get_fignums()
    plt.close(figure)


def test_explanations_can_be_pickled(door):
    found = explain_row(door)
    again = pickle.loads(pickle.dumps(found))
    assert again.as_list() == found.as_list()
    assert again.local_exp == found.local_exp
    assert again.score == found.score


# --- seeds ------------------------------------------------------------------------------------------------------------------


def weights_of(explainer, row=0):
    return explainer.explain_instance(ROWS[row], classify, num_samples=200).as_list()


def test_the_same_seed_gives_the_same_explanation(door):
    first, second = (door.lime_tabular.LimeTabularExplainer(ROWS, random_state=7) for _ in range(2))
    assert weights_of(first) == weights_of(second)
    assert weights_of(first) == weights_of(second)


def test_a_row_again_is_drawn_afresh(door):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, random_state=0)
    assert len({weights_of(explainer)[0] for _ in range(3)}) == 3
    explainer = door.lime_text.LimeTextExplainer(random_state=0)
    text = "cheap pills for you and for all the others of us who read this"
    runs = {tuple(explainer.explain_instance(text, classify_texts, num_samples=100).as_list()) for _ in range(3)}
    assert len(runs) == 3


def test_a_state_that_is_set_again_gives_the_same_explanation(door):
    state = np.random.RandomState(3)
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, random_state=state)
    first = weights_of(explainer)
    assert weights_of(explainer) != first
    state.seed(3)
    assert weights_of(explainer) == first
    explainer.random_state = explainer.base.random_state = explainer.discretizer.random_state = np.random.RandomState(3)
    assert weights_of(explainer) == first


@pytest.mark.parametrize("given", [None, np.random])
def test_numpys_global_state_counts_where_none_is_given(door, given):
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, random_state=given)
    np.random.seed(5)  # noqa: NPY002
    first = weights_of(explainer)
    np.random.seed(5)  # noqa: NPY002
    assert weights_of(explainer) == first
    assert weights_of(explainer) != first


def test_other_seeds_give_other_explanations(door):
    runs = {weights_of(door.lime_tabular.LimeTabularExplainer(ROWS, random_state=seed))[0] for seed in range(4)}
    assert len(runs) == 4


def test_discretizers_have_seeds_of_their_own(door):
    def explain(seed):
        discretizer = door.discretize.QuartileDiscretizer(ROWS, [], list("abcd"), random_state=seed)
        return weights_of(door.lime_tabular.LimeTabularExplainer(ROWS, discretizer=discretizer, random_state=0))

    assert explain(0) == explain(0)
    assert explain(0) != explain(1)


# --- what a model is --------------------------------------------------------------------------------------------------------


def test_an_object_that_is_called_is_called(door):
    class Model:
        def __call__(self, rows):
            return classify(rows)

        def predict_proba(self, rows):
            raise AssertionError("lime calls the object itself")

        def predict(self, rows):
            raise AssertionError("lime calls the object itself")

    assert explain_row(door, predict_fn=Model()).predict_proba == pytest.approx(classify(ROWS[:1])[0])


@pytest.mark.parametrize("model", [None, "model.onnx", np.zeros(3)])
def test_what_cannot_be_called_is_a_type_error(door, model):
    with pytest.raises(TypeError, match=r"callable|must be a function"):
        explain_row(door, predict_fn=model)


def test_a_classifiers_predict_is_refused_for_want_of_probabilities(door):
    forest = RandomForestClassifier(5, random_state=0).fit(ROWS, ROWS[:, 0] > 0)
    with pytest.raises(NotImplementedError, match="probabilit"):
        explain_row(door, predict_fn=forest.predict)
    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, mode="regression", random_state=0)
    assert explainer.explain_instance(ROWS[0], forest.predict).as_list()[0][1] > 0.3


def test_a_setting_that_is_changed_later_counts(door):
    asked = []

    def model(rows):
        asked.append(np.asarray(rows))
        return classify(rows)

    explainer = door.lime_tabular.LimeTabularExplainer(ROWS, discretize_continuous=False, random_state=0)
    row = ROWS[0] + 100
    explainer.explain_instance(row, model, num_samples=300)
    asked.clear()
    explainer.sample_around_instance = True
    explainer.explain_instance(row, model, num_samples=300)
    assert np.concatenate(asked)[:, 0].mean() == pytest.approx(row[0], abs=1)


def test_a_dense_row_of_a_sparse_table(door):
    explainer = door.lime_tabular.LimeTabularExplainer(sparse.csr_matrix(ROWS), random_state=0)
    assert len(explainer.explain_instance(ROWS[0], classify, num_samples=300).as_list()) == 4


# --- the same pieces, whatever the input ------------------------------------------------------------------------------------

LETTERS = st.text(alphabet="ab A.,;!-'\n\t<&é😀漢_1", min_size=1, max_size=25)


@given(
    text=LETTERS,
    options=st.fixed_dictionaries(
        {
            "split_expression": st.sampled_from([r"\W+", r"\s+", " ", r"(\s)", r"[,.]", str.split, list]),
            "bow": st.booleans(),
            "mask_string": st.sampled_from([None, "", "--"]),
        }
    ),
)
@settings(deadline=None, max_examples=150)
def test_strings_are_cut_as_lime_cuts_them(text, options):
    theirs, ours = (Door(name).lime_text.IndexedString(text, **options) for name in DOORS)
    assert ours.as_list == theirs.as_list
    assert ours.num_words() == theirs.num_words()
    assert list(ours.inverse_vocab) == list(theirs.inverse_vocab)
    assert [list(np.ravel(places)) for places in ours.positions] == [list(np.ravel(places)) for places in theirs.positions]
    for number in range(ours.num_words()):
        assert ours.string_position(number).tolist() == theirs.string_position(number).tolist()
        assert ours.inverse_removing(np.array([number])) == theirs.inverse_removing(np.array([number]))


@given(text=LETTERS, bow=st.booleans())
@settings(deadline=None, max_examples=50)
def test_characters_are_those_of_lime(text, bow):
    theirs, ours = (Door(name).lime_text.IndexedCharacters(text, bow=bow) for name in DOORS)
    assert list(ours.inverse_vocab) == list(theirs.inverse_vocab)
    assert ours.inverse_removing(np.array([0])) == theirs.inverse_removing(np.array([0]))


@given(
    values=st.sampled_from(["normal", "exponential", "poisson", "rayleigh"]),
    seed=st.integers(0, 2**31 - 1),
    kind=st.sampled_from(["QuartileDiscretizer", "DecileDiscretizer", "EntropyDiscretizer"]),
)
@settings(deadline=None, max_examples=40)
def test_discretizers_are_limes(values, seed, kind):
    rows = getattr(np.random.RandomState(seed), values)(size=40).astype(float)
    data, labels = rows[:, None] * [1.0, -0.5], (np.arange(40) % 3 == 0).astype(int)
    theirs, ours = (
        getattr(Door(name).discretize, kind)(data, [1], ["a", "b"], labels=labels, random_state=0) for name in DOORS
    )
    assert ours.names == theirs.names
    for figures in ("means", "stds", "mins", "maxs"):
        assert getattr(ours, figures)[0] == pytest.approx(getattr(theirs, figures)[0])
    assert np.array_equal(ours.discretize(data), theirs.discretize(data))


@pytest.mark.parametrize("options", [{}, {"discretize_continuous": False}, {"categorical_features": [2, 3]}])
def test_independent_draws_are_limes_to_the_bit(options):
    drawn = []
    for name in DOORS:
        explainer = Door(name).lime_tabular.LimeTabularExplainer(CODES, random_state=3, **options)
        drawn.append(explainer._LimeTabularExplainer__data_inverse(CODES[0], 50))
    for theirs, ours in zip(*drawn, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-9)


def test_independent_texts_and_images_are_limes_to_the_bit():
    drawn = []
    for name in DOORS:
        explainer = Door(name).lime_text.LimeTextExplainer(random_state=3)
        string = Door(name).lime_text.IndexedString("cheap pills for you and all of us")
        drawn.append(explainer._LimeTextExplainer__data_labels_distances(string, classify_texts, 60))
    for theirs, ours in zip(*drawn, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-9)
    masks = [
        Door(name)
        .lime_image.LimeImageExplainer(random_state=3)
        .data_labels(IMAGE, 0 * IMAGE, quarters(IMAGE), classify_images, 40)
        for name in DOORS
    ]
    for theirs, ours in zip(*masks, strict=True):
        assert ours == pytest.approx(theirs)


def test_a_notebook_shows_the_page(door, monkeypatch):
    door.skip_lime("it imports display from where IPython 9 has it no more")
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    explain_row(door, feature_names=list("abcd")).show_in_notebook(show_table=True, show_all=False)
    assert "c &gt;" in shown[0].data or "c " in shown[0].data
