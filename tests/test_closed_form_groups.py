"""The closed form of groups of columns that are drawn together, against enumeration."""

import numpy as np
import pytest
from helpers.exact import explain, fitted_tree
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from limelight import TabularExplainer

COUNT = 300
GROUPS = {"choice": [0, 2, 3], "place": [4, 5]}


LAYOUT = [[0, 2, 3], [1], [4, 5]]


def grouped_rows(seed):
    """A choice of three as flags, two columns that belong together, and one of its own."""
    rng = np.random.default_rng(seed)
    choice = rng.choice(4, COUNT, p=[0.4, 0.3, 0.2, 0.1])  # none of the flags is set for the last
    flags = (choice[:, None] == np.arange(3)).astype(float)
    place = rng.choice([0.1, 2.0, 3.5], (COUNT, 2))
    place[:, 1] += place[:, 0]
    place[rng.random(COUNT) < 0.1, 1] = np.nan
    return np.column_stack([flags[:, 0], rng.choice([1.0, 5.0], COUNT), flags[:, 1:], place])


def ridge_of_groups(training, instance, outputs, *, width, alpha, edges, layout=LAYOUT):
    """The weights and the intercept of LIME's weighted ridge, where groups are drawn together, by enumeration."""

    def states_of(rows, columns):
        return [
            tuple(
                "missing" if np.isnan(row[column]) else int(np.searchsorted(edges.get(column, []), row[column]))
                for column in columns
            )
            for row in rows
        ]

    drawn = [([], 1.0, [])]
    for columns in layout:
        combinations, counts = np.unique(training[:, columns], axis=0, return_counts=True, equal_nan=True)
        shares = counts / counts.sum()
        full = np.full((len(combinations), training.shape[1]), 0.0)
        full[:, columns] = combinations
        states, own = states_of(full, columns), states_of(instance[None], columns)[0]
        if own not in states:
            share = 1 / (len({*states}) + 1)
            combinations = np.concatenate([combinations, instance[None, columns]])
            states, shares = [*states, own], np.append(shares * (1 - share), share)
        drawn = [
            ([*values, *combination], chance * share, [*on, float(state == own)])
            for values, chance, on in drawn
            for combination, share, state in zip(combinations.tolist(), shares, states, strict=True)
        ]
    order = np.argsort(np.concatenate(layout))
    rows, chances = np.array([values for values, _, _ in drawn])[:, order], np.array([chance for _, chance, _ in drawn])
    on = np.array([each for _, _, each in drawn])
    weights = chances * np.exp(-0.5 * (1 - on).sum(axis=1) / width**2)
    mean_weight = weights.sum()
    weights /= mean_weight
    answers = outputs(rows)
    centred = on - weights @ on
    covariance = (centred * weights[:, None]).T @ centred
    penalty = alpha / (1000 * mean_weight) * np.eye(len(layout))
    varies = covariance.diagonal() > 1e-14
    coefficients = np.zeros(len(layout))
    system = (covariance + penalty)[np.ix_(varies, varies)]
    coefficients[varies] = np.linalg.solve(system, ((centred * weights[:, None]).T @ answers)[varies])
    return coefficients, weights @ answers - coefficients @ (weights @ on)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("of_classes", [0, 2, 4])
def test_groups(alpha, of_classes):
    rows = grouped_rows(35)
    edges = {0: [0.0], 1: [1.0], 2: [0.0], 3: [0.0], 4: [0.1, 2.0], 5: [2.0, 4.0]}
    tree = fitted_tree(rows, 36, of_classes=of_classes, max_depth=7)
    new = rows[0].copy()
    new[[0, 2, 3]] = 1.0  # no training row sets all flags
    for instance in (rows[0], rows[np.isnan(rows[:, 5])][0], new):
        found, width = explain(rows, instance, tree, alpha, discretizer=edges, groups=GROUPS)
        for label, (weights, intercept) in found.items():
            expected, expected_intercept = ridge_of_groups(
                rows,
                instance,
                lambda drawn, label=label: tree.predict_proba(drawn)[:, label] if of_classes else tree.predict(drawn),
                width=width,
                alpha=alpha,
                edges=edges,
            )
            np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-10)
            assert intercept == pytest.approx(expected_intercept, abs=1e-10)


def test_linear_models_of_groups():
    rows = grouped_rows(37)
    rows[np.isnan(rows)] = 4.0
    edges = {0: [0.0], 1: [1.0], 2: [0.0], 3: [0.0], 4: [0.1, 2.0], 5: [2.0, 4.0]}
    model = LinearRegression().fit(rows, rows @ [1.0, -2.0, 3.0, 0.5, 1.0, 2.0] + np.random.default_rng(38).normal(size=COUNT))
    found, width = explain(rows, rows[0], model, discretizer=edges, groups=GROUPS)
    expected, intercept = ridge_of_groups(rows, rows[0], model.predict, width=width, alpha=0.0, edges=edges)
    np.testing.assert_allclose(found[0][0], expected, rtol=0, atol=1e-10)
    assert found[0][1] == pytest.approx(intercept, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(3, 6), share_missing=st.sampled_from([0.0, 0.2]))
def test_random_groups(seed, width, share_missing):
    rng = np.random.default_rng(seed)
    rows = np.round(rng.normal(size=(60, width)))
    rows[:, 1] = rows[:, 0] * rng.choice([1.0, -1.0], 60)  # few of all combinations
    rows[rng.random(rows.shape) < share_missing] = np.nan
    rows[0] = np.nan_to_num(rows[0])
    order = rng.permutation(width)
    layout = sorted([sorted(order[:2].tolist()), sorted(order[2:].tolist())] if width < 5 else _in_parts(order))
    groups = {f"group {columns[0]}": columns for columns in layout if len(columns) > 1}
    edges = {column: np.unique(rows[:, column][~np.isnan(rows[:, column])]).tolist()[:-1] or [0.0] for column in range(width)}
    model = fitted_tree(rows, seed % 1000, max_depth=int(rng.integers(1, 8)))
    instance = rows[rng.integers(60)].copy()
    if rng.random() < 0.5:  # values that the columns have, though not together
        instance[order[:2]] = [rng.choice(rows[:, column][~np.isnan(rows[:, column])]) for column in order[:2]]
    explainer = TabularExplainer(rows, alpha=0, feature_selection="none", discretizer=edges, groups=groups)
    explanation = explainer.explain_instance(instance, model, num_samples=1000)
    assert explanation.provenance.design == "exact"
    expected, _ = ridge_of_groups(
        rows, instance, model.predict, width=explainer.options.kernel_width, alpha=0.0, edges=edges, layout=layout
    )
    found = dict(explanation.as_map()[0])
    np.testing.assert_allclose([found[number] for number in range(len(layout))], expected, rtol=0, atol=1e-9)


def _in_parts(order):
    return [sorted(order[:2].tolist()), [int(order[2])], sorted(order[3:].tolist())]


def test_many_rows_at_a_time_have_the_explanations_of_single_rows():
    rows = grouped_rows(51)
    rows[3, 1] = 7.0
    model = fitted_tree(rows, 52, of_classes=2)
    outside = rows[:6].copy()
    outside[1, 1], outside[2, [0, 2, 3]] = 9.0, 1.0  # rows of their own laws among the others
    for options in ({"groups": GROUPS}, {}, {"discretize_continuous": False}, {"groups": GROUPS, "sampler": "around"}):
        explainer = TabularExplainer(rows, **options)
        alone = [explainer.explain_instance(row, model) for row in outside]
        together = explainer.explain_many(outside, model)
        assert [each.provenance.design for each in alone] == ["exact"] * 6
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_allclose(one.surrogates[0].weights, other.surrogates[0].weights, rtol=0, atol=1e-12)
            assert one.surrogates[0].components == other.surrogates[0].components
