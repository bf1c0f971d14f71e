"""Small tables of which everything that LIME's law can draw is enumerated, to hold explanations against."""

import gc
import weakref
from itertools import product

import numpy as np

from limelight import TabularExplainer
from limelight.models import read_model
from limelight.models._estimators import find_prediction_method

COUNT = 300
EDGES = {1: [0.0, 1.0], 2: [0.0], 3: [4.0]}


def make_table(seed, *, missing=False):
    """Columns with few values each, so that everything can be enumerated: a bin has a single value."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack(
        [
            rng.choice([0.0, 1.0, 2.0, 5.0], COUNT, p=[0.5, 0.3, 0.15, 0.05]),  # categories
            rng.choice([-1.5, 0.1, 3.7], COUNT),
            rng.choice([0.0, 1.0], COUNT, p=[0.9, 0.1]),
            np.full(COUNT, 4.0),
        ]
    )
    if missing:
        rows[rng.random(COUNT) < 0.2, 1] = np.nan
    return rows


def enumerate_law(rows):
    """All rows that LIME's law can draw, with their probabilities: each column on its own, by its frequencies."""
    columns = []
    for values in rows.T:
        present = np.unique(values[~np.isnan(values)])
        shares = [(value, np.mean(values == value)) for value in present]
        if np.isnan(values).any():
            shares.append((np.nan, np.mean(np.isnan(values))))
        columns.append(shares)
    drawn = [([value for value, _ in row], np.prod([share for _, share in row])) for row in product(*columns)]
    return np.array([row for row, _ in drawn]), np.array([share for _, share in drawn])


def ridge_by_enumeration(rows, instance, outputs, *, width, alpha, nominal_draws):
    """The weights and the intercept of LIME's weighted ridge over the whole law."""
    drawn, shares = enumerate_law(rows)
    is_on = ((drawn == instance) | (np.isnan(drawn) & np.isnan(instance))).astype(float)
    kernel = np.exp(-0.5 * (1 - is_on).sum(axis=1) / width**2)
    weights = shares * kernel
    mean_weight = weights.sum()
    weights = weights / mean_weight
    centred = is_on - weights @ is_on
    values = outputs(drawn)
    gram = (centred * weights[:, None]).T @ centred
    cross = (centred * weights[:, None]).T @ (values - weights @ values)
    variances = gram.diagonal()
    own = (is_on * shares[:, None]).sum(axis=0)
    penalty = np.where(np.minimum(own, 1 - own) < 0.03, 1e-6 * own * (1 - own), 1.0) * alpha / (nominal_draws * mean_weight)
    coefficients = np.where(variances > 1e-15, cross / np.where(variances > 1e-15, variances + penalty, 1.0), 0.0)
    return coefficients, weights @ values - coefficients @ (weights @ is_on)


def explain(rows, instance, model, **options):
    """One explanation of all components, without a penalty."""
    explainer = TabularExplainer(rows, categorical_features=[0], alpha=0, feature_selection="none", discretizer=EDGES)
    return explainer.explain_instance(instance, model, **options)


def largest_error(explanation, rows, instance, answers):
    """By how much a weight or an intercept is off the enumeration; `answers` makes an array of shape (m, k) of rows."""
    errors = []
    for surrogate in explanation.surrogates:
        weights, intercept = ridge_by_enumeration(
            rows,
            instance,
            lambda drawn, label=surrogate.label: answers(drawn)[:, label],
            width=explanation.provenance.kernel_width,
            alpha=0,
            nominal_draws=5000,
        )
        found = dict(zip(surrogate.components, surrogate.weights, strict=True))
        errors += [abs(surrogate.intercept - intercept)]
        errors += [abs(found[number] - weight) for number, weight in enumerate(weights)]
    return max(errors)


def assert_exact(rows, model, *, link="identity", within=1e-10, instances=3):
    """Hold the explanations of some rows against the enumeration of what the model itself answers, through `link`."""
    method = find_prediction_method(read_model(model))

    def answers(drawn):
        raw = method.call(drawn)
        joined = np.asarray(raw if method.join is None else method.join(raw), dtype=np.float64).reshape(len(drawn), -1)
        return np.log(joined / (1 - joined)) if link == "logit" else joined

    scale = max(1.0, np.abs(answers(rows)).max())
    for instance in rows[:instances]:
        explanation = explain(rows, instance, model, link=link)
        assert explanation.provenance.design == "exact"
        assert largest_error(explanation, rows, instance, answers) < within * scale


def assert_sampled(rows, model, **options):
    assert explain(rows, rows[0], model, **options).provenance.design == "sobol"


def assert_kept_alive_by_nothing(rows, build):
    """Once it has been explained, a model goes with the last reference to it."""
    model = build()
    explain(rows, rows[0], model)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None
