"""The closed form's laws of tables' columns, against sums and quadrature that know nothing of it."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import weighted_laws
from helpers.weighted_laws import Decimals, HalfPrecision, WholeNumbers, fit
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import truncnorm
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.exceptions import KernelError

COUNT = 300


def explain(rows, instance, model, alpha=0.0, link="identity", **options):
    """The default output's weights by component and its intercept, once it is certain that they are exact."""
    explainer = TabularExplainer(rows, alpha=alpha, feature_selection="none", **options)
    explanation = explainer.explain_instance(instance, model, num_samples=1000, link=link, labels=None)
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
        expected, expected_intercept = fit(
            columns, lambda rows, label=label: ask(rows).reshape(len(rows), -1)[:, label], alpha=alpha, nominal_draws=1000
        )
        np.testing.assert_allclose(weights, expected, rtol=0, atol=tolerance)
        assert intercept == pytest.approx(expected_intercept, abs=tolerance)


def whole_rows(seed, *, share_missing=0.0, stds=(1.3, 30.0)):
    rng = np.random.default_rng(seed)
    rows = np.rint(rng.normal([2.0, -40.0], stds, size=(COUNT, 2)))
    rows[rng.random(COUNT) < share_missing, 0] = np.nan
    return rows


def fitted_tree(rows, seed, *, of_classes=0, max_depth=4):
    rng = np.random.default_rng(seed)
    filled = np.where(np.isnan(rows), 9.0, rows)
    target = (filled - filled.mean(axis=0)) @ rng.normal(size=rows.shape[1]) / filled.std() + rng.normal(size=len(rows)) / 3
    if of_classes:
        edges = np.quantile(target, np.arange(1, of_classes) / of_classes)
        return DecisionTreeClassifier(max_depth=max_depth, random_state=0).fit(rows, np.searchsorted(edges, target))
    return DecisionTreeRegressor(max_depth=max_depth, random_state=0).fit(rows, target)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("of_classes", [0, 2, 3, 5])
@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_whole_numbers_without_bins(alpha, of_classes, share_missing):
    rows = whole_rows(1, share_missing=share_missing)
    model = fitted_tree(rows, 2, of_classes=of_classes)
    ask = model.predict_proba if of_classes else model.predict
    own = [rows[0], rows[np.isnan(rows[:, 0])][0]] if share_missing else [rows[0], np.array([9.0, -200.0])]
    for instance in own:
        found, width = explain(rows, instance, model, alpha, discretize_continuous=False, kinds={0: "integer", 1: "integer"})
        columns = [
            weighted_laws.of_slope(rows[:, number], instance[number], width, [], rounding=WholeNumbers()) for number in (0, 1)
        ]
        assert_same(found, columns, ask, alpha=alpha)


@pytest.mark.parametrize("width", [0.3, 3.0])
def test_many_whole_numbers_without_bins(width):
    rows = whole_rows(3, stds=(900.0, 3000.0))
    model = fitted_tree(rows, 4)
    for instance in (rows[0], np.array([3000.0, 12000.0])):
        found, width = explain(
            rows,
            instance,
            model,
            discretize_continuous=False,
            kinds={0: "integer", 1: "integer"},
            kernel_width=width,
        )
        columns = [
            weighted_laws.of_slope(rows[:, number], instance[number], width, [], rounding=WholeNumbers()) for number in (0, 1)
        ]
        assert_same(found, [_merge(column, thresholds_of(model, n)) for n, column in enumerate(columns)], model.predict)


def _merge(pieces, thresholds):
    """The same pieces, those between neighbouring thresholds as one."""
    number = np.searchsorted(np.unique(thresholds), pieces.values)  # a missing value comes last
    number[np.isnan(pieces.values)] += 1
    first = np.unique(number, return_index=True)[1]
    sums = [np.add.reduceat(array, first) for array in pieces[1:]]
    return weighted_laws.Pieces(pieces.values[first], *sums)


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("share_missing", [0.0, 0.3])
def test_numbers_without_bins(around, share_missing):
    rng = np.random.default_rng(5)
    rows = rng.normal([3.0, -1.0], [2.0, 0.1], size=(COUNT, 2))
    rows[rng.random(COUNT) < share_missing, 0] = np.nan
    model = fitted_tree(rows, 6)
    instances = [rows[0], np.array([9.0, -1.3]), *([np.array([np.nan, -1.0])] if share_missing else [])]
    for instance in instances:
        sampler = "around" if around else "marginals"
        found, width = explain(rows, instance, model, discretize_continuous=False, sampler=sampler)
        columns = [
            weighted_laws.of_slope(rows[:, n], instance[n], width, thresholds_of(model, n), around=around) for n in (0, 1)
        ]
        assert_same(found, columns, model.predict, tolerance=1e-8)


@pytest.mark.parametrize("has_bins", [False, True])
def test_half_precision(has_bins):
    rng = np.random.default_rng(7)
    rows = rng.normal([3.0, 900.0], [2.0, 1.0], size=(COUNT, 2)).astype(np.float16)
    doubles = rows.astype(float)
    model = fitted_tree(doubles, 8)
    edges = {0: [2.0, 4.0003], 1: [899.4, 900.25]}
    options = {"discretizer": edges} if has_bins else {"discretize_continuous": False}
    found, width = explain(rows, rows[0], model, **options)
    columns = [
        weighted_laws.of_bins(doubles[:, n], doubles[0, n], width, edges[n], [], rounding=HalfPrecision())
        if has_bins
        else weighted_laws.of_slope(doubles[:, n], doubles[0, n], width, [], rounding=HalfPrecision())
        for n in (0, 1)
    ]
    assert_same(
        found, [_merge(column, np.append(thresholds_of(model, n), edges[n])) for n, column in enumerate(columns)], model.predict
    )


def test_bins_of_all_kinds():
    rng = np.random.default_rng(9)
    rows = np.column_stack(
        [
            rng.normal(size=COUNT),
            np.rint(rng.normal(0, 3, size=COUNT)),
            np.where(rng.random(COUNT) < 0.5, 0.0, rng.exponential(size=COUNT)),  # a bin with a single value
        ]
    )
    rows[rng.random(COUNT) < 0.2, 0] = np.nan
    edges = {0: [-0.5, 0.1, 7.0], 1: [-2.0, 0.0, 2.5], 2: [0.0, 1.0]}  # the last bin of the first column is empty
    model = fitted_tree(rows, 10)
    for instance in (rows[0], rows[np.isnan(rows[:, 0])][0], rows[rows[:, 2] == 0][0]):
        found, width = explain(rows, instance, model, discretizer=edges, kinds={1: "integer"})
        columns = [
            weighted_laws.of_bins(rows[:, 0], instance[0], width, edges[0], thresholds_of(model, 0)),
            _whole_bins(rows[:, 1], instance[1], width, edges[1]),
            weighted_laws.of_bins(rows[:, 2], instance[2], width, edges[2], thresholds_of(model, 2)),
        ]
        assert_same(found, columns, model.predict)


def _whole_bins(training, instance, width, edges):
    """A column of whole numbers in bins, each drawn from a normal distribution and rounded to one in its bin."""
    present = training[~np.isnan(training)]
    ends = [present.min(), *edges, present.max()]
    parts = []
    for number in range(len(edges) + 1):
        members = present[np.searchsorted(edges, present) == number]
        if not len(members):
            continue
        low, high = ends[number], ends[number + 1]
        least = low if number == 0 else np.floor(low) + 1
        values, shares = np.arange(least, np.floor(high) + 1), [1.0]
        if members.min() == members.max():
            values = members[:1]
        else:
            law = weighted_laws.norm(members.mean(), members.std())
            cells = [low, *np.clip(values[:-1] + 0.5, low, high), high]
            shares = np.diff(law.cdf(cells)) / (law.cdf(high) - law.cdf(low))
        on = np.full(len(values), float(number == np.searchsorted(edges, instance) and not np.isnan(instance)))
        parts.append(weighted_laws.sum_up(values, np.asarray(shares) * len(members) / len(training), on, 1.0, width))
    if len(present) < len(training):
        share = 1 - len(present) / len(training)
        parts.append(weighted_laws.sum_up([np.nan], [share], [float(np.isnan(instance))], 1.0, width))
    return weighted_laws.join(*parts)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_bins_around_the_row(dtype):
    rng = np.random.default_rng(11)
    rows = np.clip(np.rint(rng.normal([250, 120], [9, 30], size=(COUNT, 2))), 0, 255).astype(dtype)
    doubles = rows.astype(float)
    model = fitted_tree(doubles, 12)
    edges = {0: [245.0, 250.0, 255.0], 1: [100.0, 130.0]}
    is_whole = dtype is np.uint8  # which also ends at 255, in another bin than 256
    for instance in (rows[0], np.array([255, 254], dtype=dtype)):
        found, width = explain(rows, instance, model, discretizer=edges, sampler="around")
        columns = []
        for n in (0, 1):
            slope = weighted_laws.of_slope(
                doubles[:, n],
                float(instance[n]),
                1e9,
                np.append(thresholds_of(model, n), edges[n]),
                around=True,
                rounding=WholeNumbers(0, 255) if is_whole else None,
            )
            on = np.searchsorted(edges[n], slope.values) == np.searchsorted(edges[n], float(instance[n]))
            columns.append(weighted_laws.sum_up(slope.values, slope.weights, on, 1.0, width))
        assert_same(found, columns, model.predict, tolerance=1e-6 if dtype is np.float32 else 1e-9)


def of_value(training, value, width, num_states):
    """A column of frequencies that also draws a row's value, which the training data lack, as often as an average state."""
    present = np.unique(training[~np.isnan(training)])
    values = [*present, *([np.nan] if np.isnan(training).any() else [])]
    shares = [np.isnan(training).mean() if np.isnan(each) else (training == each).mean() for each in values]
    share = 1 / (num_states + 1)
    is_own = [0.0] * len(values) + [1.0]
    return weighted_laws.sum_up([*values, value], [*(np.array(shares) * (1 - share)), share], is_own, 1.0, width)


@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_values_that_the_training_data_lack(share_missing):
    rng = np.random.default_rng(13)
    rows = np.column_stack([rng.choice([1.0, 4.0, 7.0], COUNT), rng.choice([0.0, 1.0], COUNT), rng.choice([-3.0, 3.0], COUNT)])
    rows[rng.random(COUNT) < share_missing, 1] = np.nan
    edges = {1: [0.0], 2: [0.0]}
    tree = fitted_tree(rows, 14)
    models = [tree] if share_missing else [tree, LinearRegression().fit(rows, rows @ [1.0, -2.0, 0.5])]
    for model in models:
        for instance in (np.array([5.0, 9.0, 3.0]), np.array([-0.0, -4.0, -0.0])):
            found, width = explain(rows, instance, model, discretizer=edges, categorical_features=[0])
            states = 2 + (share_missing > 0)
            columns = [of_value(rows[:, n], instance[n], width, count) for n, count in enumerate([3, states, 2])]
            if instance[2] == 3.0:
                columns[2] = weighted_laws.of_frequencies(rows[:, 2], 3.0, width)
            assert_same(found, columns, model.predict)
    # A value that the training data miss nowhere, but the row does: one more state, too.
    if not share_missing:
        instance = np.array([np.nan, 0.0, 3.0])
        found, width = explain(rows, instance, tree, discretizer=edges, categorical_features=[0])
        columns = [
            of_value(rows[:, 0], np.nan, width, 3),
            *(weighted_laws.of_frequencies(rows[:, n], instance[n], width) for n in (1, 2)),
        ]
        assert_same(found, columns, tree.predict)


def test_a_missing_value_without_bins_that_the_training_data_lack():
    rows = whole_rows(15)
    tree = fitted_tree(whole_rows(16, share_missing=0.3), 17)
    instance = np.array([np.nan, rows[0, 1]])
    found, width = explain(rows, instance, tree, discretize_continuous=False, kinds={0: "integer", 1: "integer"})
    # Half of all draws miss it.
    first = weighted_laws.of_slope(rows[:, 0], 2.0, 1e9, [], rounding=WholeNumbers())
    mean, std = rows[:, 0].mean(), rows[:, 0].std()
    columns = [
        weighted_laws.join(
            weighted_laws.sum_up(first.values, first.weights / 2, (first.values - mean) / std, 0.0, width),
            weighted_laws.sum_up([np.nan], [0.5], [0.0], 0.0, width),
        ),
        weighted_laws.of_slope(rows[:, 1], instance[1], width, [], rounding=WholeNumbers()),
    ]
    assert_same(found, columns, tree.predict)


def test_linear_models_of_numbers():
    rng = np.random.default_rng(19)
    rows = rng.normal([3.0, -1.0], [2.0, 0.1], size=(COUNT, 2))
    model = LinearRegression().fit(rows, rows @ [0.5, 7.0])
    instance, edges = rows[0], {0: [2.0], 1: [-1.1, -0.9]}
    found, _ = explain(rows, instance, model, discretizer=edges)
    weights, _ = found[0]
    for number, weight in enumerate(weights):
        ends = np.array([rows[:, number].min(), *edges[number], rows[:, number].max()])
        bins = np.searchsorted(edges[number], rows[:, number])
        means, counts = [], np.bincount(bins)
        for place in range(len(counts)):
            members = rows[bins == place, number]
            low, high = (ends[place : place + 2] - members.mean()) / members.std()
            means.append(truncnorm(low, high, members.mean(), members.std()).mean())
        means, is_own = np.array(means), np.arange(len(counts)) == bins[0]
        others = means[~is_own] @ counts[~is_own] / counts[~is_own].sum()
        assert weight == pytest.approx(model.coef_[number] * (means[is_own][0] - others), abs=1e-9)
    # Without bins, a weight is the coefficient, for a standard deviation; around the row as well.
    for sampler in ("marginals", "around"):
        found, _ = explain(rows, instance, model, discretize_continuous=False, sampler=sampler)
        np.testing.assert_allclose(found[0][0], model.coef_ * rows.std(axis=0), rtol=0, atol=1e-10)


@pytest.mark.parametrize("sampler", ["marginals", "around"])
def test_linear_models_of_rounded_numbers(sampler):
    rng = np.random.default_rng(21)
    rows = rng.normal([3.0, 900.0], [2.0, 1.0], size=(COUNT, 2)).astype(np.float16)
    doubles = rows.astype(float)
    model = LinearRegression().fit(doubles, doubles @ [0.5, 7.0])
    edges = {0: [2.0, 4.0003], 1: [899.4, 900.25]}
    found, width = explain(rows, rows[0], model, discretizer=edges, sampler=sampler)
    columns = []
    for n in (0, 1):
        if sampler == "marginals":
            column = weighted_laws.of_bins(doubles[:, n], doubles[0, n], width, edges[n], [], rounding=HalfPrecision())
        else:
            slope = weighted_laws.of_slope(doubles[:, n], doubles[0, n], 1e9, [], around=True, rounding=HalfPrecision())
            on = np.searchsorted(edges[n], slope.values) == np.searchsorted(edges[n], doubles[0, n])
            column = weighted_laws.sum_up(slope.values, slope.weights, on, 1.0, width)
        columns.append(column)
    # A linear function of a column's mean in its own bin and in others is that of the column.
    for n, column in enumerate(columns):
        on = column.of_components > 0
        means = [column.values[chosen] @ column.weights[chosen] / column.weights[chosen].sum() for chosen in (on, ~on)]
        assert found[0][0][n] == pytest.approx(model.coef_[n] * (means[0] - means[1]), abs=1e-9)


FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


@pytest.mark.parametrize("library", FRAMES)
def test_frames_of_numbers(library):
    rng = np.random.default_rng(23)
    table = {
        "whole": rng.integers(0, 9, COUNT),
        "small": rng.normal(size=COUNT).astype(np.float32),
        "flag": rng.random(COUNT) < 0.3,
    }
    frame = FRAMES[library](table)
    rows = np.column_stack([values.astype(float) for values in table.values()])
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(frame, rows @ [0.3, 2.0, 1.0])
    explainer = TabularExplainer(frame, alpha=0, feature_selection="none", discretizer={"whole": [2, 5], "small": [0.0]})
    explanation = explainer.explain_instance(pd.DataFrame(table).iloc[0], model)
    assert explanation.provenance.design == "exact"
    width = explainer.options.kernel_width
    columns = [
        _whole_bins(rows[:, 0], rows[0, 0], width, [2.0, 5.0]),
        weighted_laws.of_bins(rows[:, 1], rows[0, 1], width, [0.0], thresholds_of(model, 1)),
        weighted_laws.of_frequencies(rows[:, 2], rows[0, 2], width),
    ]
    expected, _ = fit(columns, lambda drawn: model.tree_.predict(drawn.astype(np.float32))[:, 0], alpha=0, nominal_draws=5000)
    found = dict(explanation.as_map()[0])
    np.testing.assert_allclose([found[number] for number in range(3)], expected, rtol=0, atol=1e-6)


def test_decimals():
    from decimal import Decimal

    rng = np.random.default_rng(25)
    rows = np.round(rng.normal([3.0, 0.0], [0.05, 0.02], size=(COUNT, 2)), 2)
    table = {name: [Decimal(f"{value:.2f}") for value in values] for name, values in zip("ab", rows.T, strict=True)}
    frame = pl.DataFrame(table, schema={"a": pl.Decimal(6, 2), "b": pl.Decimal(6, 2)})
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(frame, rows @ [1.0, 2.0])
    explainer = TabularExplainer(frame, alpha=0, feature_selection="none", discretize_continuous=False)
    explanation = explainer.explain_instance(frame.row(0), model)
    assert explanation.provenance.design == "exact"
    width = explainer.options.kernel_width
    columns = [weighted_laws.of_slope(rows[:, n], rows[0, n], width, [], rounding=Decimals()) for n in (0, 1)]
    expected, _ = fit(columns, lambda drawn: model.tree_.predict(drawn.astype(np.float32))[:, 0], alpha=0, nominal_draws=5000)
    found = dict(explanation.as_map()[0])
    np.testing.assert_allclose([found[number] for number in range(2)], expected, rtol=0, atol=1e-9)


def test_categories_and_times_of_frames_are_no_numbers():
    rng = np.random.default_rng(27)
    places = rng.integers(0, 3, COUNT)
    levels = pd.Categorical.from_codes(places, categories=[7, 5, 3])
    frame = pd.DataFrame({"level": levels, "x": rng.normal(size=COUNT)})
    model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(frame, np.asarray(levels, dtype=float))
    explanation = TabularExplainer(frame).explain_instance(frame.iloc[0], model)
    assert explanation.provenance.design == "sobol"
    constant = pd.DataFrame({"flag": np.ones(COUNT, dtype=bool), "x": rng.normal(size=COUNT)})  # True has place 0
    model = LinearRegression().fit(constant, constant["x"])
    assert TabularExplainer(constant).explain_instance(constant.iloc[0], model).provenance.design == "sobol"
    times = pd.DataFrame({"when": pd.Series([datetime(2020, 1, 1 + day % 28) for day in range(COUNT)]), "x": constant["x"]})
    explainer = TabularExplainer(times)

    class Asked:
        def predict(self, rows):
            return rows["x"].to_numpy()

    assert explainer.explain_instance(times.iloc[0], Asked()).provenance.design == "sobol"


def test_sparse_rows_are_sampled():
    rng = np.random.default_rng(29)
    dense = rng.normal(size=(COUNT, 4)) * (rng.random((COUNT, 4)) < 0.6)
    rows = csr_array(dense)
    model = DecisionTreeRegressor(max_depth=3, random_state=0).fit(rows, dense @ [1.0, 2.0, 0.0, 1.0])
    number = int(np.flatnonzero((dense != 0).sum(axis=1) == 2)[0])
    explanation = TabularExplainer(rows).explain_instance(rows[[number]], model)
    assert explanation.provenance.design == "sobol"


@pytest.mark.parametrize("has_bins", [False, True])
def test_an_explainer_with_full_caches_can_be_pickled_and_shared(has_bins):
    rng = np.random.default_rng(31)
    rows = rng.normal(size=(COUNT, 3))
    rows[rng.random(COUNT) < 0.2, 1] = np.nan
    model = fitted_tree(rows, 32)
    explainer = TabularExplainer(rows, feature_selection="none", discretize_continuous=has_bins)
    before = [explainer.explain_instance(row, model) for row in rows[:8]]
    copy = pickle.loads(pickle.dumps(explainer))
    assert [copy.explain_instance(row, model) for row in rows[:8]] == before
    fresh = TabularExplainer(rows, feature_selection="none", discretize_continuous=has_bins)
    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(lambda row: fresh.explain_instance(row, model), [*rows[:8]] * 4)] == before * 4
    assert all(explanation.provenance.design == "exact" for explanation in before)


@st.composite
def random_tables(draw):
    """Rows of two or three columns of all kinds, the explainer's options, and for each column what its pieces are made by."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(20, 80))
    columns, kinds, edges, makers = [], {}, {}, []
    has_bins = draw(st.booleans())
    for number in range(draw(st.integers(2, 3))):
        kind = draw(st.sampled_from(["categories", "whole", "numbers", "zeros"]))
        scale, center = 10.0 ** draw(st.integers(-2, 2)), draw(st.integers(-20, 20))
        if kind == "categories":
            values = rng.choice(np.arange(draw(st.integers(1, 4))) * 2.0, count)
        else:
            values = center + scale * rng.normal(size=count)
        if kind == "whole":
            values = np.rint(values)
        if kind == "zeros":
            values = np.where(rng.random(count) < 0.5, 0.0, values)
        share_missing = draw(st.sampled_from([0.0, 0.0, 0.3]))
        values[1:][rng.random(count - 1) < share_missing] = np.nan
        columns.append(values)
        kinds[number] = {"categories": "categorical", "whole": "integer"}.get(kind, "numeric")
        present = values[~np.isnan(values)]
        edges[number] = np.unique(rng.choice(present, draw(st.integers(1, 3)))).tolist()
        is_constant = not has_bins and present.min() == present.max()
        makers.append("categories" if kind == "categories" or is_constant else kind)
    rows = np.column_stack(columns)
    options = {"kinds": kinds, "discretize_continuous": has_bins}
    if has_bins:
        options["discretizer"] = {number: ends for number, ends in edges.items() if kinds[number] != "categorical"}
    if not options.get("discretizer"):
        options.pop("discretizer", None)
    return rows, options, makers, edges


@settings(max_examples=60, deadline=None)
@given(
    table=random_tables(),
    seed=st.integers(0, 2**32 - 1),
    of_classes=st.sampled_from([0, 2, 3]),
    width=st.sampled_from([None, 0.5]),
)
def test_random_trees_and_tables(table, seed, of_classes, width):
    rows, options, makers, edges = table
    rng = np.random.default_rng(seed)
    target = rng.normal(size=len(rows)) + np.where(np.isnan(rows), 1.0, rows) @ rng.normal(size=rows.shape[1])
    kind = DecisionTreeClassifier if of_classes else DecisionTreeRegressor
    if of_classes:
        target = np.searchsorted(np.quantile(target, np.arange(1, of_classes) / of_classes), target)
    model = kind(max_depth=int(rng.integers(1, 6)), random_state=0).fit(rows, target)
    instance = rows[int(rng.integers(len(rows)))]
    options = options if width is None else {**options, "kernel_width": width}
    found, width = explain(rows, instance, model, **options)
    columns = []
    for number, made in enumerate(makers):
        values, own, thresholds = rows[:, number], instance[number], thresholds_of(model, number)
        if made == "categories":
            columns.append(weighted_laws.of_frequencies(values, own, width))
        elif not options["discretize_continuous"]:
            rounding = WholeNumbers() if made == "whole" else None
            columns.append(_merge(weighted_laws.of_slope(values, own, width, thresholds, rounding=rounding), thresholds))
        elif made == "whole":
            columns.append(_whole_bins(values, own, width, edges[number]))
        else:
            columns.append(weighted_laws.of_bins(values, own, width, edges[number], thresholds))
    scale = max(1.0, np.abs(target).max())
    assert_same(found, columns, model.predict_proba if of_classes else model.predict, tolerance=1e-8 * scale)


def test_leaves_that_take_missing_values_alone():
    rng = np.random.default_rng(33)
    rows = rng.normal(size=(COUNT, 2))
    is_missing = rng.random(COUNT) < 0.3
    target = np.where(is_missing, 5.0, np.where(rows[:, 0] > 1, 3.0, 0.0))
    rows[is_missing, 0] = np.nan
    model = DecisionTreeRegressor(random_state=0).fit(rows, target)  # first whether a value is missing, then where it lies
    assert np.isinf(model.tree_.threshold).any()
    for options in ({"discretize_continuous": False}, {"discretizer": {0: [0.0], 1: [0.0]}}):
        found, width = explain(rows, rows[0], model, **options)
        columns = [
            weighted_laws.of_bins(rows[:, n], rows[0, n], width, [0.0], thresholds_of(model, n))
            if "discretizer" in options
            else weighted_laws.of_slope(rows[:, n], rows[0, n], width, thresholds_of(model, n))
            for n in (0, 1)
        ]
        assert_same(found, columns, model.predict, tolerance=1e-8)


def grouped_rows(seed):
    """A choice of three as flags, two columns that belong together, and one of its own."""
    rng = np.random.default_rng(seed)
    choice = rng.choice(4, COUNT, p=[0.4, 0.3, 0.2, 0.1])  # none of the flags is set for the last
    flags = (choice[:, None] == np.arange(3)).astype(float)
    place = rng.choice([0.1, 2.0, 3.5], (COUNT, 2))
    place[:, 1] += place[:, 0]
    place[rng.random(COUNT) < 0.1, 1] = np.nan
    return np.column_stack([flags[:, 0], rng.choice([1.0, 5.0], COUNT), flags[:, 1:], place])


GROUPS = {"choice": [0, 2, 3], "place": [4, 5]}
LAYOUT = [[0, 2, 3], [1], [4, 5]]


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


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
@pytest.mark.parametrize("around", [False, True])
def test_arrays_of_whole_numbers_without_bins(dtype, around):
    rng = np.random.default_rng(39)
    if dtype is bool:
        rows = rng.random((COUNT, 2)) < [0.2, 0.6]
    else:
        rows = np.clip(np.rint(rng.normal([250, 100], [9, 3], size=(COUNT, 2))), 0, 255).astype(dtype)
    doubles = rows.astype(float)
    model = fitted_tree(doubles, 40)
    sampler = "around" if around else "marginals"
    found, width = explain(rows, rows[0], model, discretize_continuous=False, sampler=sampler)
    rounding = {np.uint8: WholeNumbers(0, 255), bool: WholeNumbers(0, 1)}.get(dtype, WholeNumbers())
    columns = [
        weighted_laws.of_slope(doubles[:, n], doubles[0, n], width, [], around=around, rounding=rounding) for n in (0, 1)
    ]
    assert_same(found, columns, model.predict)


def test_null_beside_nan():
    rng = np.random.default_rng(41)
    values = rng.choice([1.0, 2.0, 7.0], COUNT)
    values[rng.random(COUNT) < 0.2] = np.nan
    is_null = rng.random(COUNT) < 0.15
    other = rng.choice([0.0, 3.0], COUNT)
    frame = pl.DataFrame(
        {"a": pl.Series([None if null else value for null, value in zip(is_null, values, strict=True)]), "b": other}
    )
    numbers = np.where(is_null, np.nan, values)
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(
        frame, np.where(np.isnan(numbers), 5.0, numbers) * (1 + other) + rng.normal(size=COUNT)
    )
    explainer = TabularExplainer(frame, alpha=0, feature_selection="none", discretizer={"a": [1.0, 2.0], "b": [0.0]})
    for number in (int(np.flatnonzero(is_null)[0]), int(np.flatnonzero(np.isnan(values) & ~is_null)[0])):
        explanation = explainer.explain_instance(frame.row(number), model)
        assert explanation.provenance.design == "exact"
        width = explainer.options.kernel_width
        drawn = [1.0, 2.0, 7.0, np.nan, np.nan]
        shares = [*((numbers == value).mean() for value in drawn[:3]), is_null.mean(), (np.isnan(values) & ~is_null).mean()]
        own = 3 if is_null[number] else 4  # null and NaN are two states, although the model takes one for the other
        columns = [
            weighted_laws.sum_up(drawn, shares, np.arange(5) == own, 1.0, width),
            weighted_laws.of_frequencies(other, other[number], width),
        ]
        expected, _ = fit(
            columns, lambda drawn: model.tree_.predict(drawn.astype(np.float32))[:, 0], alpha=0, nominal_draws=5000
        )
        found = dict(explanation.as_map()[0])
        np.testing.assert_allclose([found[n] for n in range(2)], expected, rtol=0, atol=1e-10)


def test_statistics_have_the_same_closed_form_as_their_training_data():
    rng = np.random.default_rng(43)
    rows = rng.normal(size=(COUNT, 2))
    rows[rng.random(COUNT) < 0.1, 0] = np.nan
    model = fitted_tree(rows, 44)
    explainer = TabularExplainer(rows)
    other = TabularExplainer(None, training_data_stats=explainer.statistics())
    for row in rows[:3]:
        explanation = explainer.explain_instance(row, model)
        assert explanation.provenance.design == "exact"
        again = other.explain_instance(row, model)
        assert again.provenance.design == "exact"
        np.testing.assert_allclose(again.surrogates[0].weights, explanation.surrogates[0].weights, rtol=0, atol=1e-12)


def test_zeros_of_either_sign_are_the_same():
    rng = np.random.default_rng(45)
    rows = rng.choice([-0.0, 0.0, 1.0], size=(COUNT, 2))
    model = fitted_tree(rows, 46)
    for options in ({"discretizer": {1: [0.0]}, "categorical_features": [0]}, {"groups": {"both": [0, 1]}}):
        found = [explain(rows, np.array([zero, 1.0]), model, **options)[0] for zero in (-0.0, 0.0)]
        assert found[0] == found[1]
        if "groups" not in options:
            columns = [
                weighted_laws.of_frequencies(rows[:, n], value, TabularExplainer(rows).options.kernel_width)
                for n, value in enumerate([0.0, 1.0])
            ]
            assert_same(found[0], columns, model.predict)


def test_a_row_that_hardly_any_draw_resembles_is_sampled():
    rng = np.random.default_rng(47)
    rows = rng.normal(size=(COUNT, 2))
    model = fitted_tree(rows, 48)
    instance = np.array([0.0, rows[:, 1].mean()])
    explainer = TabularExplainer(rows, sampler="around", discretizer={0: [-1e-9, 1e-9], 1: [0.0]})  # a bin without room
    assert explainer.explain_instance(instance, model).provenance.design == "sobol"


@pytest.mark.parametrize("sampler", ["training_rows", lambda count, generator: generator.normal(size=(count, 2))])
def test_rows_that_are_not_drawn_by_column_are_sampled(sampler):
    rows = np.random.default_rng(49).normal(size=(COUNT, 2))
    explainer = TabularExplainer(rows, sampler=sampler)
    assert explainer.explain_instance(rows[0], fitted_tree(rows, 50)).provenance.design == "sobol"
    explainer = TabularExplainer(rows, constraint=lambda drawn: drawn[:, 0] < 2)
    assert explainer.explain_instance(rows[0], fitted_tree(rows, 50)).provenance.design == "sobol"


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


@pytest.mark.parametrize("value", [100.0, 1e7, 1e30])
def test_a_row_far_from_all_draws_is_exact_or_sampled(value):
    rows = np.random.default_rng(53).normal(size=(COUNT, 2))
    model = fitted_tree(rows, 54)
    for kinds in ({}, {0: "integer"} if value < 1e10 else {}):
        data = rows if not kinds else np.rint(rows)
        instance = np.array([value, 1.0])
        explainer = TabularExplainer(data, discretize_continuous=False, kinds=kinds, kernel_width=30.0)
        if value == 100.0:
            explanation = explainer.explain_instance(instance, model)
            assert explanation.provenance.design == "exact"
            assert np.isfinite(explanation.surrogates[0].weights).all()
        else:
            with pytest.raises(KernelError):  # as ever: no perturbation has any weight
                explainer.explain_instance(instance, model)


def test_a_draw_that_is_rounded_to_the_rows_own_value_is_sampled():
    rng = np.random.default_rng(55)
    rows = np.column_stack([rng.uniform(3.9, 4.0, COUNT), rng.normal(size=COUNT)]).astype(np.float16)
    rows[:20, 0] = 5.0
    model = fitted_tree(rows.astype(float), 56)
    edges = {0: [4.003, 4.1], 1: [0.0]}  # half precision has 4.0 and 4.00390625, in a bin without training values
    explainer = TabularExplainer(rows, discretizer=edges)
    instance = np.array([4.00390625, 0.5], dtype=np.float16)
    assert explainer.explain_instance(instance, model).provenance.design == "sobol"
    assert explainer.explain_instance(rows[0], model).provenance.design == "exact"


@pytest.mark.parametrize("deviations", [3.0, 6.3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_that_draws_around_them_hardly_leave_the_bin_of(deviations, dtype):
    rows = np.random.default_rng(57).normal(size=(COUNT, 2)).astype(dtype)
    std = rows[:, 0].astype(float).std()
    instance = np.array([deviations * std, 0.0], dtype=dtype)
    target = np.select([rows[:, 0] > 1.0, rows[:, 0] > 0, rows[:, 0] > -0.2], [5.0, 4.0, 1.0], -3.0)
    tree = DecisionTreeRegressor(random_state=0).fit(rows, target)  # it asks for the first column alone
    explainer = TabularExplainer(rows, alpha=0, feature_selection="none", discretizer={0: [0.0], 1: [0.0]}, sampler="around")
    explanation = explainer.explain_instance(instance, tree)
    assert explanation.provenance.design == "exact"
    law, ends = weighted_laws.norm(float(instance[0]), std), np.sort(np.append(thresholds_of(tree, 0), 0.0))
    below, above = np.append(-np.inf, ends[ends <= 0]), np.append(ends[ends >= 0], np.inf)
    means = []
    for cuts, shares in ((above, -np.diff(law.sf(above)) / law.sf(0.0)), (below, np.diff(law.cdf(below)) / law.cdf(0.0))):
        values = tree.predict(np.array([[(low + high) / 2, 0.0] for low, high in pairwise(np.clip(cuts, -9.0, 9.0))]))
        means.append(shares @ values)
    tolerance = 1e-10 if dtype is np.float64 else 1e-5
    assert dict(explanation.as_map()[0])[0] == pytest.approx(means[0] - means[1], abs=tolerance)


def test_linear_models_of_rows_that_draws_around_them_hardly_leave_the_bin_of():
    rows = np.random.default_rng(59).normal(size=(COUNT, 2))
    std = rows[:, 0].std()
    model = LinearRegression().fit(rows, rows @ [2.0, 1.0])
    instance = np.array([6.3 * std, 0.5])
    found, _ = explain(rows, instance, model, discretizer={0: [0.0], 1: [0.0]}, sampler="around")
    own, others = (truncnorm(low, high, instance[0], std).mean() for low, high in ((-6.3, np.inf), (-np.inf, -6.3)))
    assert found[0][0][0] == pytest.approx(model.coef_[0] * (own - others), abs=1e-8)
