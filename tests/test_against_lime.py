"""limelight against the `lime` package: the same fit of the same neighbourhood, and the same weights where both converge."""

import numpy as np
import pytest
from lime.lime_base import LimeBase
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer
from scipy.special import stdtrit
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from limelight import TabularExplainer, TextExplainer
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import fit_surrogates

METHODS = ["forward_selection", "highest_weights", "lasso_path", "none"]


# --- the same neighbourhood -------------------------------------------------------------------------------------------------


def neighbourhood(seed, law, n=400, d=14):
    """Masks whose row 0 is the instance, answers of two outputs, and distances as lime measures them."""
    rng = np.random.default_rng(seed)
    masks = np.ones((n, d), dtype=np.uint8)
    if law == "text":
        absent = rng.integers(1, d + 1, n - 1)
        masks[1:] = rng.permuted(np.tile(np.arange(d), (n - 1, 1)), axis=1) >= absent[:, None]
        distances = 100 * (1 - np.sqrt(masks.sum(axis=1) / d))
        width = 25.0
    else:
        masks[1:] = rng.random((n - 1, d)) < 0.25
        distances = np.sqrt(d - masks.sum(axis=1))
        width = 0.75 * d**0.5
    score = masks @ rng.normal(size=d) + masks[:, 0] * masks[:, 1] + 0.3 * rng.normal(size=n)
    probability = 1 / (1 + np.exp(-score))
    return masks, np.column_stack([1 - probability, probability**2]), distances, width


def lime_fit(masks, outputs, distances, width, label, method, num_features, regressor=None):
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / width**2)), random_state=0)
    return base.explain_instance_with_data(
        masks.astype(float), outputs, distances, label, num_features, feature_selection=method, model_regressor=regressor
    )


def our_fits(masks, outputs, distances, width, method, num_features, regressor=None):
    """Row 0 stands among the others, as in lime."""
    sample = Sample(masks[0], outputs[0])
    bounds = np.linspace(0, len(masks), 9).astype(int)
    sample.add(masks, outputs, np.ones(len(masks)), np.exp(-0.5 * (distances / width) ** 2), bounds)
    settings = Settings(
        method=method,
        num_features=num_features,
        alpha=1.0,
        nominal_draws=len(masks),
        kernel_law=None,
        regressor=regressor,
        confidence=0.95,
        is_exact=False,
    )
    return fit_surrogates([sample], settings)[0]


@pytest.mark.parametrize("law", ["text", "table"])
@pytest.mark.parametrize("num_features", [5, 10])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_the_same_neighbourhood_gives_the_same_explanation(seed, method, num_features, law):
    data = neighbourhood(seed, law)
    for label, ours in enumerate(our_fits(*data, method, num_features)):
        intercept, weights, _, local_prediction = lime_fit(*data, label, method, num_features)
        assert ours.components.tolist() == [number for number, _ in weights]
        assert ours.weights == pytest.approx(np.array([weight for _, weight in weights]), rel=1e-8, abs=1e-10)
        assert ours.intercept == pytest.approx(intercept, rel=1e-8, abs=1e-10)
        assert ours.local_prediction == pytest.approx(local_prediction[0], rel=1e-8)


@pytest.mark.parametrize("make", [LinearRegression, lambda: Lasso(alpha=0.002, tol=1e-12)])
@pytest.mark.parametrize("seed", range(2))
def test_a_users_regressor_is_fitted_as_in_lime(seed, make):
    data = neighbourhood(seed, "text")
    for label, ours in enumerate(our_fits(*data, "highest_weights", 8, make())):
        intercept, weights, _, _ = lime_fit(*data, label, "highest_weights", 8, make())
        theirs = dict(weights)
        assert set(ours.components.tolist()) == set(theirs)
        expected = np.array([theirs[number] for number in ours.components])
        assert ours.weights == pytest.approx(expected, rel=1e-6, abs=1e-9)
        assert ours.intercept == pytest.approx(intercept, rel=1e-6)


# --- the same weights in the limit ------------------------------------------------------------------------------------------


LIME_ROWS, LIME_RUNS = 20000, 5


def converged(runs):
    """Mean and standard error of lime's weights over several seeds; components share one error, a few runs tell too little."""
    runs = np.array(runs)
    return runs.mean(axis=0), np.sqrt(runs.var(axis=0, ddof=1).mean() / len(runs))


def dense(surrogate, d):
    """A surrogate's weights and half-widths by component number."""
    weights, half_widths = np.zeros(d), np.zeros(d)
    numbers = list(surrogate.components)
    weights[numbers] = surrogate.weights
    half_widths[numbers] = (np.array(surrogate.highs) - np.array(surrogate.lows)) / 2
    return weights, half_widths


def check_same_limit(lime_runs, many, few):
    """Many perturbations agree with lime within the joint error; the intervals of few contain lime's limit."""
    expected, lime_error = converged(lime_runs)
    d, largest = len(expected), np.abs(expected).max()
    ours, half_widths = dense(many.surrogates[0], d)
    joint = np.sqrt(lime_error**2 + (half_widths / stdtrit(7, 0.975)) ** 2)
    assert joint.max() < 0.05 * largest  # else the comparison would say nothing
    assert np.abs(ours - expected).max() <= (5 * joint).max()
    assert np.sqrt(np.mean(((ours - expected) / joint) ** 2)) < 1.7
    weights, half_widths = dense(few.surrogates[0], d)
    assert np.mean(np.abs(weights - expected) <= half_widths + 2 * lime_error) >= 0.75
    assert half_widths.max() < largest


OPTIONS = {
    "bins": {},
    "deciles": {"discretizer": "decile"},
    "no bins": {"discretize_continuous": False},
    "around the instance": {"discretize_continuous": False, "sample_around_instance": True},
}


def compare_tables(training, row, model, label, **options):
    d = training.shape[1]
    runs = []
    for seed in range(LIME_RUNS):
        theirs = LimeTabularExplainer(training, feature_selection="none", random_state=seed, **options)
        found = theirs.explain_instance(row, model, labels=(label,), num_features=d, num_samples=LIME_ROWS)
        runs.append([weight for _, weight in sorted(found.local_exp[label])])
    ours = TabularExplainer(training, feature_selection="none", **options)
    # The penalty is meant per number of perturbations in both: it is the same at the same number, and next to nothing.
    many = ours.explain_instance(row, model, labels=label, num_features=d, num_samples=LIME_ROWS)
    few = ours.explain_instance(row, model, labels=label, num_features=d, num_samples=1000)
    check_same_limit(runs, many, few)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_iris_converges_to_limes_weights(options):
    iris = load_iris()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(iris.data, iris.target)
    compare_tables(iris.data, iris.data[75], model.predict_proba, 1, **options)


def test_iris_under_a_forest_converges_to_limes_weights():
    iris = load_iris()
    model = RandomForestClassifier(20, max_depth=4, random_state=0).fit(iris.data, iris.target)
    compare_tables(iris.data, iris.data[120], model.predict_proba, 2)


@pytest.mark.parametrize("row", [0, 19])
def test_breast_cancer_converges_to_limes_weights(row):
    cancer = load_breast_cancer()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(cancer.data, cancer.target)
    compare_tables(cancer.data, cancer.data[row], model.predict_proba, 1)


def test_categories_converge_to_limes_weights():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.choice(3, 500, p=[0.2, 0.3, 0.5]), rng.choice(2, 500, p=[0.7, 0.3])])
    training = np.column_stack([codes, rng.normal(size=(500, 2))])

    def model(rows):
        score = (rows[:, 0] == 1) - 0.5 * rows[:, 1] + rows[:, 2] * (rows[:, 0] == 2) + 0.3 * rows[:, 3]
        probability = 1 / (1 + np.exp(-score))
        return np.column_stack([1 - probability, probability])

    compare_tables(training, training[3], model, 1, categorical_features=[0, 1])


@pytest.fixture(scope="module")
def text_model(newsgroups):
    model = make_pipeline(TfidfVectorizer(lowercase=False), MultinomialNB(alpha=0.01))
    return model.fit(newsgroups.train.data, newsgroups.train.target)


@pytest.fixture(scope="module")
def document(newsgroups, text_model):
    """The first test document that is short enough for lime and that the model is not sure of."""
    for text, probability in zip(newsgroups.test.data, text_model.predict_proba(newsgroups.test.data)[:, 1], strict=True):
        if 30 <= len(set(text.split())) <= 60 and 0.1 < probability < 0.9:
            return text
    raise AssertionError("there is no such document")


@pytest.fixture(scope="module")
def lime_runs_of_document(document, text_model):
    runs = []
    for seed in range(4):
        theirs = LimeTextExplainer(feature_selection="none", random_state=seed)
        found = theirs.explain_instance(document, text_model.predict_proba, num_features=1, num_samples=10000)
        names = dict(found.as_list())
        runs.append(names)
    return runs


@pytest.mark.parametrize("design", ["auto", "iid"])
def test_a_newsgroups_post_converges_to_limes_weights(document, text_model, lime_runs_of_document, design):
    ours = TextExplainer(feature_selection="none", design=design)
    many, few = (ours.explain_instance(document, text_model, num_samples=n) for n in (10000, 1000))
    assert set(many.names) == set(lime_runs_of_document[0])
    check_same_limit([[run[name] for name in many.names] for run in lime_runs_of_document], many, few)


@pytest.mark.parametrize("num_features", [3, 8])
def test_the_heaviest_words_of_a_newsgroups_post_are_limes(document, text_model, lime_runs_of_document, num_features):
    expected, _ = converged([[run[name] for name in lime_runs_of_document[0]] for run in lime_runs_of_document])
    heaviest = sorted(zip(lime_runs_of_document[0], expected, strict=True), key=lambda item: -abs(item[1]))
    ours = TextExplainer(feature_selection="highest_weights").explain_instance(
        document, text_model, num_features=num_features, num_samples=10000
    )
    lightest = abs(heaviest[num_features - 1][1])
    for name, weight in ours.as_list():  # words of nearly equal weight may change places
        assert abs(dict(heaviest)[name]) >= lightest - 0.1 * abs(heaviest[0][1])
        assert np.sign(weight) == np.sign(dict(heaviest)[name])
