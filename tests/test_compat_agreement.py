"""limelight.compat beside lime 0.2.0.1, the same programs: the same weights within their error, and no more chance in them.

Every case runs through both doors with several seeds, at the default number of perturbations (texts, to save time, with 2000).
"""

import importlib
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEEDS = range(6)


class Case(NamedTuple):
    """A program: how an explainer is made from lime's module and a seed, and what it is asked."""

    module: str
    make: Callable[[Any, int], Any]
    instance: Any
    model: Any
    label: int = 1
    options: Any = None


def black_box(method):
    """A function that nothing is known of."""
    return lambda inputs: method(inputs)


IRIS, CANCER, DIABETES = load_iris(), load_breast_cancer(), load_diabetes()
LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression()).fit(CANCER.data[:, :10], CANCER.target)
FOREST = RandomForestClassifier(20, max_depth=5, random_state=0).fit(CANCER.data[:, :10], CANCER.target)
THREE = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS.data, IRIS.target)
TREES = RandomForestRegressor(20, max_depth=5, random_state=0).fit(DIABETES.data, DIABETES.target)
RNG = np.random.default_rng(0)
MIXED = np.column_stack([RNG.choice(3, 500, p=[0.2, 0.3, 0.5]), RNG.choice(2, 500), RNG.normal(size=(500, 2))])
SEQUENCES = RNG.normal(size=(300, 3, 2))
THIN = sparse.csr_matrix(RNG.normal(size=(2000, 8)) * (RNG.random((2000, 8)) < 0.5))
THIN = sparse.csr_matrix(THIN / THIN.toarray().std(axis=0))


def sigmoid(score):
    probability = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - probability, probability])


def mixed_model(rows):
    return sigmoid((rows[:, 0] == 1) - 0.5 * rows[:, 1] + rows[:, 2] * (rows[:, 0] == 2) + 0.3 * rows[:, 3])


def product_model(rows):
    return DIABETES.target.mean() + 900 * rows[:, 2] * (1 + 8 * rows[:, 8]) + 300 * rows[:, 3]


def thin_model(rows):
    return sigmoid(np.asarray(rows @ np.array([1.0, -0.5, 0.8, 0.3, -1.0, 0.6, 0.2, 0.9])).ravel() + 0.2)


def last_step_model(batch):
    return sigmoid(2 * batch[:, -1, 0] - batch[:, 0, 1] * batch[:, -1, 1])


def table(rows, **options):
    return lambda module, seed: module.LimeTabularExplainer(rows, feature_selection="none", random_state=seed, **options)


def cancer(model=None, **options):
    call = {name: options.pop(name) for name in ("distance_metric", "model_regressor", "top_labels") if name in options}
    model = black_box(LOGISTIC.predict_proba) if model is None else model
    return Case("lime_tabular", table(CANCER.data[:, :10], **options), CANCER.data[19, :10], model, 1, call)


def with_own_bins(module, seed):
    from_lime = importlib.import_module(module.__name__.replace("lime_tabular", "discretize"))

    class Thirds(from_lime.BaseDiscretizer):
        def bins(self, data, labels):
            return [np.percentile(data[:, column], [33, 67]) for column in self.to_discretize]

    rows = CANCER.data[:, :10]
    bins = Thirds(rows, [], list("abcdefghij"), random_state=seed)
    return module.LimeTabularExplainer(rows, discretizer=bins, feature_selection="none", random_state=seed)


def with_statistics(module, seed):
    explainer = module.LimeTabularExplainer(CANCER.data[:, :10])
    bins = explainer.discretizer
    stats = {name: getattr(bins, name) for name in ("means", "stds", "mins", "maxs")}
    stats |= {"feature_values": explainer.feature_values, "feature_frequencies": explainer.feature_frequencies}
    stats["bins"] = {column: bins.maxs[column][:-1] for column in bins.maxs}
    rows = np.zeros((1, 10))
    return module.LimeTabularExplainer(rows, training_data_stats=stats, feature_selection="none", random_state=seed)


def sequences(module, seed):
    return module.RecurrentTabularExplainer(SEQUENCES, feature_names=["a", "b"], feature_selection="none", random_state=seed)


TEXT = (
    "The plot of this film is dull and slow, but the cast is fine, the music is good and the last scene, which nobody "
    "expected, is a small wonder: good films need no money."
)
GOOD = ["a fine cast and good music", "a small wonder with a good plot", "good films and fine scenes", "a wonder of music"]
BAD = ["a dull plot and a slow film", "slow and dull, nobody expected less", "no money and no plot", "dull scenes need money"]
MIDDLING = ["the last film", "this scene is the last", "the cast expected this", "which film is this"]
DOCUMENTS, LABELS = GOOD + BAD + MIDDLING, [1] * 4 + [0] * 4 + [2] * 4


def fitted(vectorizer, model):
    return make_pipeline(vectorizer, model).fit(DOCUMENTS, LABELS)


WORDS = fitted(TfidfVectorizer(), LogisticRegression(C=30))


def text(model, label=1, instance=TEXT, **options):
    def make(module, seed):
        return module.LimeTextExplainer(feature_selection="none", random_state=seed, **options)

    return Case("lime_text", make, instance, model, label, {"num_samples": 2000})


# Of floats: in images of whole numbers lime cuts mean colours off, where limelight rounds them.
IMAGE = RNG.random((24, 24, 3)) * 255
PLACES = RNG.normal(size=(3, 16))


def cells(image):
    return np.arange(24)[:, None] // 6 * 4 + np.arange(24) // 6 + 0 * image[..., 0].astype(int)


def image_model(images):
    squares = (np.asarray(images, dtype=float) / 255) ** 2  # which a mean colour changes
    parts = squares.reshape(len(images), 4, 6, 4, 6, 3).mean(axis=(2, 4, 5)).reshape(len(images), 16)
    scores = np.exp(6 * parts @ PLACES.T)
    return scores / scores.sum(axis=1, keepdims=True)


def image(call=None, **options):
    def make(module, seed):
        return module.LimeImageExplainer(feature_selection="none", random_state=seed, **options)

    return Case("lime_image", make, IMAGE, image_model, 1, {"segmentation_fn": cells, "top_labels": None, **(call or {})})


CASES = {
    "quartiles": cancer(),
    "deciles": cancer(discretizer="decile"),
    "entropy bins": cancer(discretizer="entropy", training_labels=CANCER.target),
    "no bins": cancer(discretize_continuous=False),
    "around the row": cancer(discretize_continuous=False, sample_around_instance=True),
    "a discretizer of its own": Case("lime_tabular", with_own_bins, CANCER.data[19, :10], black_box(LOGISTIC.predict_proba)),
    "statistics": Case("lime_tabular", with_statistics, CANCER.data[19, :10], black_box(LOGISTIC.predict_proba)),
    "a logistic regression's own method": cancer(LOGISTIC.predict_proba),
    "a forest's own method": cancer(FOREST.predict_proba),
    "a forest as a black box": cancer(black_box(FOREST.predict_proba)),
    "a wider kernel": cancer(kernel_width=5),
    "a narrow kernel": cancer(kernel_width=1.2),
    "a kernel of its own": cancer(kernel=lambda d, kernel_width: np.exp(-d / kernel_width)),
    "a linear regressor": cancer(model_regressor=LinearRegression()),
    "a lasso": cancer(model_regressor=Lasso(alpha=0.002, tol=1e-8)),
    "manhattan": cancer(distance_metric="manhattan"),
    "three classes": Case("lime_tabular", table(IRIS.data), IRIS.data[75], black_box(THREE.predict_proba), 2),
    "top labels": Case("lime_tabular", table(IRIS.data), IRIS.data[120], black_box(THREE.predict_proba), 2, {"top_labels": 2}),
    "a regression": Case("lime_tabular", table(DIABETES.data, mode="regression"), DIABETES.data[7], product_model),
    "a regression without bins": Case(
        "lime_tabular", table(DIABETES.data, mode="regression", discretize_continuous=False), DIABETES.data[7], product_model
    ),
    "regression trees": Case("lime_tabular", table(DIABETES.data, mode="regression"), DIABETES.data[7], TREES.predict),
    "categories and numbers": Case("lime_tabular", table(MIXED, categorical_features=[0, 1]), MIXED[3], mixed_model),
    "categories without bins": Case(
        "lime_tabular", table(MIXED, categorical_features=[0, 1], discretize_continuous=False), MIXED[3], mixed_model
    ),
    "sparse rows": Case("lime_tabular", table(THIN), THIN[3], thin_model),
    "sequences": Case("lime_tabular", sequences, SEQUENCES[5], last_step_model),
    "words": text(black_box(WORDS.predict_proba)),
    "words of a pipeline": text(WORDS.predict_proba),
    "another class": text(WORDS.predict_proba, label=0),
    "counts and naive Bayes": text(fitted(CountVectorizer(), MultinomialNB()).predict_proba, label=2),
    "a forest of words": text(fitted(CountVectorizer(), RandomForestClassifier(20, random_state=0)).predict_proba),
    "pairs of words by place": text(
        fitted(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=30)).predict_proba, bow=False
    ),
    "a mask": text(WORDS.predict_proba, bow=False, mask_string="good"),
    "a tokenizer": text(WORDS.predict_proba, split_expression=str.split),
    "characters": text(WORDS.predict_proba, instance="a good film", char_level=True, bow=False),
    "a narrower kernel of words": text(WORDS.predict_proba, kernel_width=15),
    "superpixels": image(),
    "a hidden colour": image({"hide_color": 0}),
    "a kernel of images": image(kernel=lambda d, kernel_width: np.exp(-d / kernel_width), kernel_width=0.4),
    "a regressor of images": image({"model_regressor": LinearRegression()}),
    "top labels of images": image({"top_labels": 3, "hide_color": (255.0, 0.0, 0.0)}),
}


def run(door, case):
    """The weights of each seed's explanation, of shape (seeds, d)."""
    module = importlib.import_module(f"{door}.{case.module}")
    runs = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in SEEDS:
            found = case.make(module, seed).explain_instance(
                case.instance, case.model, labels=(case.label,), **(case.options or {})
            )
            runs.append(dict(found.local_exp[case.label]))
    numbers = sorted(set().union(*runs))
    return np.array([[weights.get(number, 0.0) for number in numbers] for weights in runs]), numbers


@pytest.mark.parametrize("name", CASES)
def test_weights_are_limes_within_their_error(name):
    case = CASES[name]
    theirs, their_numbers = run("lime", case)
    ours, our_numbers = run("limelight.compat", case)
    shown = set(our_numbers)
    # lime lists all columns of a sparse row; those without an entry weigh nothing.
    theirs = theirs[:, [number in shown for number in their_numbers]]
    assert set(our_numbers) <= set(their_numbers)

    # One error for all components of a case: a few seeds say little of each.
    error = np.sqrt(theirs.var(axis=0, ddof=1).mean())
    own_error = np.sqrt(ours.var(axis=0, ddof=1).mean())
    joint = np.sqrt((error**2 + own_error**2) / len(SEEDS))
    expected, found = theirs.mean(axis=0), ours.mean(axis=0)
    assert joint < 0.1 * np.abs(expected).max()  # else the comparison would say nothing
    assert np.abs(found - expected).max() < 4.5 * joint
    assert np.sqrt(np.mean((found - expected) ** 2)) < 1.7 * joint

    # What is significant has lime's sign in each single explanation, and lime's order.
    is_significant = np.abs(expected) > 5 * error
    assert is_significant.any()
    assert (np.sign(ours[:, is_significant]) == np.sign(expected[is_significant])).all()
    by_size = np.argsort(-np.abs(expected))
    for first, second in pairwise(by_size):
        if np.abs(expected[first]) - np.abs(expected[second]) > 6 * joint:
            assert np.abs(found[first]) > np.abs(found[second])

    assert own_error < 1.1 * error


def test_there_are_enough_cases():
    assert len(CASES) >= 30
    assert {case.module for case in CASES.values()} == {"lime_tabular", "lime_text", "lime_image"}
