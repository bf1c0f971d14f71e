"""Explanations that must be exact, and what they are held against."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from helpers import weighted_laws
from limelight import TabularExplainer


def explain(rows, instance, model, alpha=0.0, link="identity", **options):
    """The weights by component and the intercept of each output, once it is certain that they are exact; the kernel's width."""
    labels = range(len(model.classes_)) if hasattr(model, "classes_") else None
    explainer = TabularExplainer(rows, alpha=alpha, feature_selection="none", **options)
    explanation = explainer.explain_instance(instance, model, num_samples=1000, link=link, labels=labels)
    assert explanation.provenance.design == "exact"
    return {
        surrogate.label: (
            [weight for _, weight in sorted(zip(surrogate.components, surrogate.weights, strict=True))],
            surrogate.intercept,
        )
        for surrogate in explanation.surrogates
    }, explainer.options.kernel_width


def thresholds_of(model, column):
    """A tree's thresholds as doubles that single precision rounds to them."""
    found = model.tree_.threshold[model.tree_.feature == column]
    below = found.astype(np.float32)
    below = np.where(below > found, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf)).astype(float)
    return (below.astype(float) + above) / 2


def assert_same(found, columns, ask, *, alpha=0.0, tolerance=1e-10):
    for label, (weights, intercept) in found.items():
        expected, expected_intercept = weighted_laws.fit(
            columns, lambda rows, label=label: ask(rows).reshape(len(rows), -1)[:, label], alpha=alpha, nominal_draws=1000
        )
        np.testing.assert_allclose(weights, expected, rtol=0, atol=tolerance)
        assert intercept == pytest.approx(expected_intercept, abs=tolerance)


def fitted_tree(rows, seed, *, of_classes=0, max_depth=4):
    rng = np.random.default_rng(seed)
    filled = np.where(np.isnan(rows), 9.0, rows)
    target = (filled - filled.mean(axis=0)) @ rng.normal(size=rows.shape[1]) / filled.std() + rng.normal(size=len(rows)) / 3
    if of_classes:
        edges = np.quantile(target, np.arange(1, of_classes) / of_classes)
        return DecisionTreeClassifier(max_depth=max_depth, random_state=0).fit(rows, np.searchsorted(edges, target))
    return DecisionTreeRegressor(max_depth=max_depth, random_state=0).fit(rows, target)


def merge(pieces, thresholds):
    """The same pieces, those between neighbouring thresholds as one."""
    number = np.searchsorted(np.unique(thresholds), pieces.values)  # a missing value comes last
    number[np.isnan(pieces.values)] += 1
    first = np.unique(number, return_index=True)[1]
    sums = [np.add.reduceat(array, first) for array in pieces[1:]]
    return weighted_laws.Pieces(pieces.values[first], *sums)
