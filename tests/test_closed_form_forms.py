"""The closed form for tables in any form and number type, and for which of them there is none."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers import weighted_laws
from helpers.exact import assert_same, explain, fitted_tree, merge, thresholds_of
from helpers.weighted_laws import Decimals, HalfPrecision, WholeNumbers, fit
from scipy.sparse import csr_array
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from limelight import TabularExplainer

COUNT = 300
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
        weighted_laws.of_whole_bins(rows[:, 0], rows[0, 0], width, [2.0, 5.0]),
        weighted_laws.of_bins(rows[:, 1], rows[0, 1], width, [0.0], thresholds_of(model, 1)),
        weighted_laws.of_frequencies(rows[:, 2], rows[0, 2], width),
    ]
    expected, _ = fit(columns, lambda drawn: model.tree_.predict(drawn.astype(np.float32))[:, 0], alpha=0, nominal_draws=5000)
    found = dict(explanation.as_map()[0])
    np.testing.assert_allclose([found[number] for number in range(3)], expected, rtol=0, atol=1e-6)


def test_decimals():

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
        found, [merge(column, np.append(thresholds_of(model, n), edges[n])) for n, column in enumerate(columns)], model.predict
    )


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


@pytest.mark.parametrize("sampler", ["training_rows", lambda count, generator: generator.normal(size=(count, 2))])
def test_rows_that_are_not_drawn_by_column_are_sampled(sampler):
    rows = np.random.default_rng(49).normal(size=(COUNT, 2))
    explainer = TabularExplainer(rows, sampler=sampler)
    assert explainer.explain_instance(rows[0], fitted_tree(rows, 50)).provenance.design == "sobol"
    explainer = TabularExplainer(rows, constraint=lambda drawn: drawn[:, 0] < 2)
    assert explainer.explain_instance(rows[0], fitted_tree(rows, 50)).provenance.design == "sobol"


@pytest.mark.parametrize("has_bins", [False, True])
def test_whole_numbers_of_a_frame_that_miss_some(has_bins):
    rng = np.random.default_rng(61)
    values, other = rng.integers(0, 9, COUNT), rng.integers(-300, 300, COUNT)
    is_missing = rng.random(COUNT) < 0.2
    frame = pd.DataFrame({"a": pd.array(np.where(is_missing, 0, values), dtype="Int64"), "b": other.astype(np.int16)})
    frame.loc[is_missing, "a"] = pd.NA
    numbers = np.column_stack([np.where(is_missing, np.nan, values), other.astype(float)])
    model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(frame, np.where(is_missing, 3.0, values) + other / 100)
    edges = {"a": [2.0, 5.0], "b": [0.0]}
    options = {"discretizer": edges} if has_bins else {"discretize_continuous": False}
    explainer = TabularExplainer(frame, alpha=0, feature_selection="none", **options)
    width = explainer.options.kernel_width
    for number in (int(np.flatnonzero(is_missing)[0]), int(np.flatnonzero(~is_missing)[0])):
        explanation = explainer.explain_instance(frame.iloc[number], model)
        assert explanation.provenance.design == "exact"
        columns = [
            weighted_laws.of_whole_bins(numbers[:, n], numbers[number, n], width, edges["ab"[n]])
            if has_bins
            else weighted_laws.of_slope(numbers[:, n], numbers[number, n], width, [], rounding=WholeNumbers())
            for n in (0, 1)
        ]
        expected, _ = fit(
            columns, lambda drawn: model.tree_.predict(drawn.astype(np.float32))[:, 0], alpha=0, nominal_draws=5000
        )
        found = dict(explanation.as_map()[0])
        np.testing.assert_allclose([found[n] for n in range(2)], expected, rtol=0, atol=1e-10)
