"""lime 0.2.0.1 on the same neighbourhood, and in the limit of many samples."""

import numpy as np
import pytest
from lime.lime_base import LimeBase
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from limelight import TabularExplainer, TextExplainer
from limelight.stages.sample import Sample
from limelight.stages.surrogate import fit


@pytest.mark.parametrize("method", ["auto", "forward_selection", "highest_weights", "lasso_path", "none"])
@pytest.mark.parametrize("num_features", [3, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_same_neighbourhood_gives_the_same_surrogate(method, num_features, seed):
    rng = np.random.default_rng(seed)
    masks = (rng.random((800, 15)) < rng.uniform(0.2, 0.8, 15)).astype(np.uint8)
    masks[0] = 1
    answers = 1 / (1 + np.exp(-(masks @ rng.normal(size=15)) - 2 * masks[:, 0] * masks[:, 1])) + 0.1 * rng.random(800)
    distances = np.sqrt((masks == 0).sum(axis=1))

    def kernel(distance):
        return np.sqrt(np.exp(-(distance**2) / 3.0**2))

    lime = LimeBase(kernel, random_state=0).explain_instance_with_data(
        masks.astype(float), np.column_stack([1 - answers, answers]), distances, 1, num_features, feature_selection=method
    )
    sample = Sample(masks[0], answers[:1])
    sample.add(masks, answers[:, None], np.ones(800), kernel(distances), np.arange(0, 801, 100))
    (ours,) = fit(
        sample,
        method=method,
        num_features=num_features,
        alpha=1.0,
        nominal=800,
        kernel_law=None,
        regressor=None,
        confidence=0.95,
        exact=False,
    )
    expected = dict(lime[1])
    assert set(ours.components.tolist()) == set(expected)
    scale = max(map(abs, expected.values()))
    for component, weight in zip(ours.components.tolist(), ours.weights, strict=True):
        assert weight == pytest.approx(expected[component], abs=1e-8 * scale)
    assert ours.intercept == pytest.approx(lime[0], abs=1e-8)
    assert ours.local_prediction == pytest.approx(float(lime[3][0]), abs=1e-8)


def as_vector(pairs, d):
    weights = np.zeros(d)
    for component, weight in pairs:
        weights[component] = weight
    return weights


def agree(ours, limes):
    """Whether our weights are those that lime's runs scatter about; a tenth of the scale is lime's error at these sizes."""
    mean, error = np.mean(limes, axis=0), np.std(limes, axis=0, ddof=1) / np.sqrt(len(limes))
    scale = np.abs(mean).max()
    assert error.max() < 0.03 * scale
    assert np.all(np.abs(ours - mean) < 5 * error + 0.015 * scale)


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
def test_rows_converge_to_limes_weights(load):
    data = load()
    model = RandomForestClassifier(25, random_state=0).fit(data.data, data.target)
    row, d = data.data[60], data.data.shape[1]
    limes = []
    for seed in range(6):
        lime = LimeTabularExplainer(data.data, random_state=seed, feature_selection="none")
        explanation = lime.explain_instance(row, model.predict_proba, labels=(1,), num_features=d, num_samples=10000)
        limes.append(as_vector(explanation.as_map()[1], d))
    explainer = TabularExplainer(data.data, feature_selection="none")
    ours = explainer.explain_instance(row, model, labels=(1,), num_samples=16385)
    agree(as_vector(ours.as_map()[1], d), limes)


def test_texts_converge_to_limes_weights(newsgroups):
    train, test = newsgroups
    model = make_pipeline(TfidfVectorizer(lowercase=False), LogisticRegression()).fit(train.data, train.target)
    text = test.data[83]
    ours = TextExplainer(feature_selection="none").explain_instance(text, model, num_samples=16385)
    d = len(ours.names)
    limes = []
    for seed in range(4):
        lime = LimeTextExplainer(random_state=seed, feature_selection="none")
        explanation = lime.explain_instance(text, model.predict_proba, num_features=d, num_samples=12000)
        limes.append(as_vector(explanation.as_map()[1], d))
    agree(as_vector(ours.as_map()[1], d), limes)
