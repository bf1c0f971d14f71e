"""The closed form's laws of tables' columns, against sums and quadrature that know nothing of it."""

from itertools import pairwise

import numpy as np
import pytest
from helpers import weighted_laws
from helpers.exact import assert_same, explain, fitted_tree, merge, thresholds_of
from helpers.weighted_laws import WholeNumbers
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import truncnorm
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.exceptions import KernelError
from limelight.modalities.tables._binned import Binned

COUNT = 300


def whole_rows(seed, *, share_missing=0.0, stds=(1.3, 30.0)):
    rng = np.random.default_rng(seed)
    rows = np.rint(rng.normal([2.0, -40.0], stds, size=(COUNT, 2)))
    rows[rng.random(COUNT) < share_missing, 0] = np.nan
    return rows


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


def test_means_of_many_whole_numbers_in_a_bin():
    rng = np.random.default_rng(5)
    values = np.rint(rng.lognormal(12.0, 0.6, COUNT))  # a million of them in the last bin
    law = Binned.of(values, np.quantile(values, [0.3, 0.6]), is_whole=True)
    for code in range(3):
        least, most = np.ceil(law.lows[code]), np.floor(law.highs[code])
        one_by_one = most - law.shares_up_to(np.arange(least, most), code).sum()
        assert law.mean_value(code) == pytest.approx(one_by_one, rel=1e-13)
    rows = np.column_stack([values, rng.normal(size=COUNT)])
    explainer = TabularExplainer(rows, kinds={0: "integer"}, alpha=0, discretizer={0: [200_000.0], 1: [0.0]})
    explanation = explainer.explain_instance(rows[0], LinearRegression().fit(rows, rows @ [1e-5, 2.0]))
    assert explanation.is_exact


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
        assert_same(found, [merge(column, thresholds_of(model, n)) for n, column in enumerate(columns)], model.predict)


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
            weighted_laws.of_whole_bins(rows[:, 1], instance[1], width, edges[1]),
            weighted_laws.of_bins(rows[:, 2], instance[2], width, edges[2], thresholds_of(model, 2)),
        ]
        assert_same(found, columns, model.predict)


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
            columns.append(merge(weighted_laws.of_slope(values, own, width, thresholds, rounding=rounding), thresholds))
        elif made == "whole":
            columns.append(weighted_laws.of_whole_bins(values, own, width, edges[number]))
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


def test_a_row_that_hardly_any_draw_resembles_is_sampled():
    rng = np.random.default_rng(47)
    rows = rng.normal(size=(COUNT, 2))
    model = fitted_tree(rows, 48)
    instance = np.array([0.0, rows[:, 1].mean()])
    explainer = TabularExplainer(rows, sampler="around", discretizer={0: [-1e-9, 1e-9], 1: [0.0]})  # a bin without room
    assert explainer.explain_instance(instance, model).provenance.design == "sobol"


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
