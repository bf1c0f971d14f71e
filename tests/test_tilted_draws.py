"""Rows drawn from the kernel-weighted law, where a narrow kernel would leave few of those that LIME's own law draws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import weighted_laws
from helpers.exact import fitted_tree, thresholds_of
from helpers.weighted_laws import WholeNumbers
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor
from test_closed_form_groups import GROUPS, grouped_rows, ridge_of_groups

from limelight import TabularExplainer
from limelight.exceptions import LimelightError
from limelight.stages.design import Stretch
from limelight.stages.designs import SobolPoints
from limelight.stages.proximity import Proximity, exponential_kernel

COUNT = 300


def as_usual(distances, width):
    """The default kernel as a user's own, so that rows are drawn from LIME's law itself."""
    return np.exp(-0.5 * (distances / width) ** 2)


def codes(explanation):
    return {notice.code for notice in explanation.notices}


def by_component(explanation, label=0):
    surrogate = explanation.surrogates[label]
    order = np.argsort(surrogate.components)
    return tuple(np.array(part)[order] for part in (surrogate.weights, surrogate.lows, surrogate.highs))


def mixed_rows(seed=9):
    """A number with missing values, whole numbers, a bin with a single value, and categories of which one is rare."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack(
        [
            rng.normal(size=COUNT),
            np.rint(rng.normal(0, 3, size=COUNT)),
            np.where(rng.random(COUNT) < 0.5, 0.0, rng.exponential(size=COUNT)),
            rng.choice([1.0, 2.0, 3.0], COUNT, p=[0.7, 0.28, 0.02]),
        ]
    )
    rows[rng.random(COUNT) < 0.2, 0] = np.nan
    return rows


EDGES = {0: [-0.5, 0.1, 7.0], 1: [-2.0, 0.0, 2.5], 2: [0.0, 1.0]}


def mixed_case(instance, width):
    rows = mixed_rows()
    model = fitted_tree(rows, 10, max_depth=6)
    columns = [
        weighted_laws.of_bins(rows[:, 0], instance[0], width, EDGES[0], thresholds_of(model, 0)),
        weighted_laws.of_whole_bins(rows[:, 1], instance[1], width, EDGES[1]),
        weighted_laws.of_bins(rows[:, 2], instance[2], width, EDGES[2], thresholds_of(model, 2)),
        weighted_laws.of_frequencies(rows[:, 3], instance[3], width),
    ]
    return rows, model.predict, columns, {"discretizer": EDGES, "kinds": {1: "integer"}, "categorical_features": [3]}


def slope_rows(seed=5):
    rng = np.random.default_rng(seed)
    rows = rng.normal([3.0, -1.0, 0.0, 40.0], [2.0, 0.1, 1.0, 2.5], size=(COUNT, 4))
    rows[:, 3] = np.rint(rows[:, 3])
    rows[rng.random(COUNT) < 0.2, 0] = np.nan
    return rows


def slope_case(instance, width):
    rows = slope_rows()
    model = fitted_tree(rows, 6, max_depth=6)
    columns = [
        weighted_laws.of_slope(
            rows[:, n], instance[n], width, thresholds_of(model, n), rounding=WholeNumbers() if n == 3 else None
        )
        for n in range(4)
    ]
    return rows, model.predict, columns, {"discretize_continuous": False, "kinds": {3: "integer"}}


MIXED, SLOPES = mixed_rows(), slope_rows()
CASES = {
    "bins": (mixed_case, MIXED[~np.isnan(MIXED[:, 0]) & (MIXED[:, 3] == 1)][0]),
    "a missing value": (mixed_case, MIXED[np.isnan(MIXED[:, 0]) & (MIXED[:, 2] == 0)][0]),
    "a rare category": (mixed_case, MIXED[MIXED[:, 3] == 3][0]),
    "no bins": (slope_case, SLOPES[~np.isnan(SLOPES[:, 0])][0]),
    "no bins, a missing value": (slope_case, SLOPES[np.isnan(SLOPES[:, 0])][0]),
    "no bins, far out": (slope_case, np.array([8.0, -0.75, 2.5, 47.0])),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("alpha", "share"), [(1.0, 0.3), (0.0, 0.2)])
def test_weights_and_intervals_are_those_of_the_limit(case, alpha, share):
    make, instance = CASES[case]
    width = share * 2.0
    rows, predict, columns, options = make(instance, width)
    expected, _ = weighted_laws.fit(columns, predict, alpha=alpha, nominal_draws=500)
    if case == "a rare category":  # which is not penalised
        expected[3] = weighted_laws.fit(columns, predict, alpha=0.0, nominal_draws=500)[0][3]
    options |= {"alpha": alpha, "feature_selection": "none", "kernel_width": width}
    held, errors = [], []
    for seed in range(100):
        explainer = TabularExplainer(rows, random_state=seed, **options)
        explanation = explainer.explain_instance(instance, lambda drawn: predict(drawn), num_samples=500)
        assert explanation.provenance.design == "tilted_sobol"
        assert explanation.effective_sample_size > 250
        weights, lows, highs = by_component(explanation)
        held.append((lows <= expected) & (expected <= highs))
        errors.append(weights - expected)
    assert 0.92 <= np.mean(held) <= 0.985
    # The mean of the runs is nearer to the limit than they are.
    assert (np.abs(np.mean(errors, axis=0)) <= 4 * np.std(errors, axis=0) / 10).all()


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_groups(alpha):
    rows = grouped_rows(35)
    edges = {0: [0.0], 1: [1.0], 2: [0.0], 3: [0.0], 4: [0.1, 2.0], 5: [2.0, 4.0]}
    tree = fitted_tree(rows, 36, max_depth=7)
    new = rows[0].copy()
    new[[0, 2, 3]] = 1.0  # no training row sets all flags
    for instance in (rows[0], rows[np.isnan(rows[:, 5])][0], new):
        expected, _ = ridge_of_groups(rows, instance, tree.predict, width=0.5, alpha=alpha, edges=edges)
        held = []
        for seed in range(60):
            explainer = TabularExplainer(
                rows,
                alpha=alpha,
                feature_selection="none",
                discretizer=edges,
                groups=GROUPS,
                kernel_width=0.5,
                random_state=seed,
            )
            explanation = explainer.explain_instance(instance, lambda drawn: tree.predict(drawn), num_samples=1000)
            assert explanation.provenance.design == "tilted_sobol"
            weights, lows, highs = by_component(explanation)
            assert weights == pytest.approx(expected, abs=0.15 * np.abs(expected).max())
            held.append((lows <= expected) & (expected <= highs))
        assert np.mean(held) >= 0.9


# --- what is drawn ----------------------------------------------------------------------------------------------------------


def frame_of_all_kinds():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "half": rng.normal(0, 40, COUNT).astype(np.float16),
            "single": rng.normal(size=COUNT).astype(np.float32),
            "whole": rng.integers(0, 40, COUNT),
            "letter": rng.choice(list("abc"), COUNT),
            "flag": rng.random(COUNT) < 0.2,
            "time": pd.to_datetime(rng.integers(0, 10**9, COUNT), unit="s"),
            "two kinds": np.array([None, np.nan, "x", "y"], dtype=object)[rng.integers(0, 4, COUNT)],
        }
    )
    frame.loc[rng.random(COUNT) < 0.2, "single"] = np.nan
    return frame


def array_of_numbers(dtype=np.float64):
    rng = np.random.default_rng(4)
    rows = rng.normal([5.0, 300.0, -1.0], [2.0, 90.0, 1.0], size=(COUNT, 3))
    rows[rng.random(COUNT) < 0.3, 2] = np.nan
    return rows.astype(dtype)


def numbers_with_null_and_nan():
    rng = np.random.default_rng(6)
    values = [
        [None, np.nan, value][place] for value, place in zip(rng.normal(size=COUNT), rng.integers(0, 3, COUNT), strict=True)
    ]
    return pl.DataFrame({"two kinds": values, "p": rng.normal(size=COUNT), "q": rng.normal(size=COUNT)}, strict=False)


TABLES = {
    "a frame": (frame_of_all_kinds(), {}),
    "a frame, around": (frame_of_all_kinds(), {"sampler": "around"}),
    "a frame, another value": (frame_of_all_kinds().replace({"letter": {"c": "b"}}), {}),
    "half precision": (array_of_numbers(np.float16), {}),
    "half precision without bins": (array_of_numbers(np.float16), {"discretize_continuous": False}),
    "without bins": (array_of_numbers(), {"discretize_continuous": False}),
    "without bins, around": (array_of_numbers(), {"discretize_continuous": False, "sampler": "around"}),
    "whole numbers without bins": (
        np.rint(array_of_numbers()),
        {"discretize_continuous": False, "kinds": {0: "integer", 1: "integer"}},
    ),
    "null and NaN without bins": (numbers_with_null_and_nan(), {"discretize_continuous": False}),
    "groups": (grouped_rows(35), {"groups": GROUPS}),
}


def bits_of(numbers):
    return np.ascontiguousarray(numbers).view(np.uint64)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("number", [0, 1, 7])
def test_weighted_rows_are_those_of_the_law_and_the_kernel(name, number):
    """By the sums that any weighted law has, beside rows that are drawn from LIME's own law and weighted by the kernel."""
    table, options = TABLES[name]
    instance = frame_of_all_kinds().iloc[number] if isinstance(table, pd.DataFrame) else table[number]
    if isinstance(table, pl.DataFrame):
        instance = table.row(number, named=True)
    width = 0.6
    explainer = TabularExplainer(table, kernel_width=width, **options)
    components = explainer.components(instance)
    near = components.drawn_near(width)
    assert near.drawn_width == width
    assert near.num_rare_states == 0
    proximity = Proximity(width, explainer.distances, exponential_kernel)
    sums, weights_of_rows = [], []
    for drawn in (components, near):
        parts = drawn.neighbourhoods(SobolPoints((0, 1)), Stretch(8, 0, 4096))
        values = np.concatenate([part.inputs.take(np.arange(1, 1 + len(part.law_weights))) for part in parts])
        weights = np.concatenate(
            [part.law_weights * proximity.kernel_weights(part.representation, part.law_weights)[1:] for part in parts]
        )
        weights_of_rows.append(weights)
        sums.append((values, weights / len(weights)))
    (values, weights), (near_values, near_weights) = sums
    assert near_weights.sum() == pytest.approx(components.product_law.component_moments(width).mean_weight, rel=0.02)
    assert near_weights.sum() == pytest.approx(weights.sum(), rel=0.1)
    weights, near_weights = weights / weights.sum(), near_weights / near_weights.sum()
    effective = 1 / (weights @ weights)
    assert 1 / (near_weights @ near_weights) > max(effective, 0.5 * len(near_weights))
    tolerance = 4 / np.sqrt(effective)
    for column in range(values.shape[1]):
        own, other = values[:, column], near_values[:, column]
        for point in np.unique(np.nanquantile(own, np.linspace(0.05, 0.95, 7))) if not np.isnan(own).all() else []:
            assert weights @ (own <= point) == pytest.approx(near_weights @ (other <= point), abs=tolerance)
        assert weights @ np.isnan(own) == pytest.approx(near_weights @ np.isnan(other), abs=tolerance)
        for bits in np.unique(bits_of(own[np.isnan(own)])):  # each kind of missing value
            share, near_share = weights @ (bits_of(own) == bits), near_weights @ (bits_of(other) == bits)
            assert share == pytest.approx(near_share, abs=tolerance)


def normal_rows(columns, count=500):
    return np.random.default_rng(0).normal(size=(count, columns))


def bent(rows):
    return np.tanh(rows[:, 0] + 0.5 * rows[:, 1] * rows[:, 2]) + 0.3 * rows[:, 3]


@pytest.mark.parametrize(
    ("columns", "share", "options"),
    [(10, 0.3, {}), (10, 0.2, {}), (20, 0.2, {}), (10, 0.3, {"discretize_continuous": False})],
)
def test_all_rows_weigh_the_same_and_errors_fall_as_the_effective_share_says(columns, share, options):
    rows, width = normal_rows(columns), share * columns**0.5
    options |= {"kernel_width": width, "alpha": 0, "feature_selection": "none"}
    components = TabularExplainer(rows, **options).components(rows[0])
    proximity = Proximity(width, TabularExplainer.distances, exponential_kernel)
    drawn = components.drawn_near(width).neighbourhood(SobolPoints((0, 1)), Stretch(8, 0, 64))
    weights = drawn.law_weights * proximity.kernel_weights(drawn.representation, drawn.law_weights)[1:]
    assert weights == pytest.approx(components.product_law.component_moments(width).mean_weight, rel=1e-9)

    def explain(seed, num_samples, kernel=None):
        explainer = TabularExplainer(rows, kernel=kernel, random_state=seed, **options)
        return explainer.explain_instance(rows[0], bent, num_samples=num_samples)

    limit, _, _ = by_component(explain(99, 2**17))
    squares = []
    for kernel in (as_usual, None):
        runs = [explain(seed, 2001, kernel) for seed in range(12)]
        squares.append(np.mean([np.square(by_component(run)[0] - limit).mean() for run in runs]))
    effective_share = components.product_law.effective_share(width)
    assert explain(0, 2001).effective_sample_size == pytest.approx(2000)
    # A small effective sample looks larger than it is.
    assert 0.8 < explain(0, 2001, as_usual).effective_sample_size / (2000 * effective_share) < 4
    assert squares[0] / squares[1] > 0.7 / effective_share


# --- where it is used -------------------------------------------------------------------------------------------------------


def test_the_default_kernel_draws_from_the_law_itself():
    rows = normal_rows(4)
    for row, options in ((rows[0], {}), (np.full(4, 6.0), {"discretize_continuous": False})):
        explainer = TabularExplainer(rows, **options)
        explanation = explainer.explain_instance(row, bent, num_samples=500)
        assert explanation.provenance.design == "sobol"
        same = TabularExplainer(rows, kernel=as_usual, **options).explain_instance(row, bent, num_samples=500)
        # What bins cost is said of the default kernel alone.
        assert replace(explanation, notices=()) == replace(same, notices=())
        given = TabularExplainer(rows, kernel_width=explainer.options.kernel_width, **options)
        assert explanation == given.explain_instance(row, bent, num_samples=500)


def test_half_of_the_rows_are_enough():
    rows = normal_rows(4)
    shares = []
    for width in np.linspace(0.3, 1.4, 23):
        explainer = TabularExplainer(rows, kernel_width=width)
        shares.append(explainer.components(rows[0]).product_law.effective_share(width))
        explanation = explainer.explain_instance(rows[0], bent, num_samples=500)
        assert (explanation.provenance.design == "tilted_sobol") == (shares[-1] < 0.5)
    assert shares == sorted(shares)
    assert shares[0] < 0.1 < 0.9 < shares[-1]


@pytest.mark.parametrize(
    ("options", "request_options"),
    [
        ({"kernel": as_usual}, {}),
        ({"design": "iid"}, {}),
        ({"sampler": "training_rows"}, {}),
        ({"sampler": lambda count, generator: generator.normal(size=(count, 4))}, {}),
        ({"constraint": lambda rows: rows[:, 0] < 2}, {}),
        ({}, {"distance_metric": "cityblock"}),
    ],
)
def test_other_laws_and_kernels_are_drawn_as_they_are(options, request_options):
    rows = normal_rows(4)
    explanation = TabularExplainer(rows, kernel_width=0.3, **options).explain_instance(
        rows[0], bent, num_samples=500, **request_options
    )
    assert explanation.provenance.design == options.get("design", "sobol")
    if not request_options:
        assert "low_effective_sample_size" in codes(explanation)
        assert explanation.effective_sample_size < 50


def test_a_narrow_kernel_no_longer_leaves_too_few_rows():
    rows = normal_rows(4)
    explanation = TabularExplainer(rows, kernel_width=0.3, alpha=0).explain_instance(rows[0], bent, num_samples=500)
    assert explanation.provenance.design == "tilted_sobol"
    assert explanation.effective_sample_size > 250
    assert not codes(explanation) & {"low_effective_sample_size", "unknown_weights"}


@pytest.mark.parametrize("width", [1e-200, 1e-3, 0.1])
@pytest.mark.parametrize("options", [{}, {"discretize_continuous": False}])
def test_kernels_that_leave_too_few_digits_draw_as_before(width, options):
    rows = normal_rows(4)
    explanation = None
    try:
        explanation = TabularExplainer(rows, kernel_width=width, alpha=0, **options).explain_instance(rows[0], bent)
    except LimelightError:
        assert width == 1e-200 or not options
    if options and width > 1e-200:
        assert explanation.provenance.design == "tilted_sobol"
        # The slope at the row itself.
        step = 1e-6 * np.eye(4)
        slopes = (bent(rows[:1] + step) - bent(rows[:1] - step)) / 2e-6 * rows.std(axis=0)
        weights, _, _ = by_component(explanation)
        assert weights == pytest.approx(slopes, abs=1e-3 if width == 1e-3 else 0.02)
    elif explanation is not None:
        assert explanation.provenance.design == "sobol"
        assert not explanation.converged


def test_single_rows_and_batches_are_equal_to_the_bit():
    rows = mixed_rows()
    some = rows[:12].copy()
    some[1, 3], some[2, 0] = 9.0, 6.0  # outside the training data
    for options in (
        {"discretizer": EDGES},
        {"discretize_continuous": False},
        {"discretizer": EDGES, "groups": {"both": [2, 3]}},
    ):
        made = {"categorical_features": [3], "kernel_width": 0.5, **options}

        def model(drawn):
            return np.nan_to_num(drawn) @ np.arange(4.0) + np.nan_to_num(drawn[:, 0]) ** 2

        together = TabularExplainer(rows, **made).explain_many(some, model, num_samples=300)
        alone = [TabularExplainer(rows, **made).explain_instance(row, model, num_samples=300) for row in some]
        assert list(together) == alone
        assert {explanation.provenance.design for explanation in alone} == {"tilted_sobol"}


# --- what follows from it ---------------------------------------------------------------------------------------------------


def test_the_weight_of_a_state_that_is_rare_under_law_and_kernel():
    rng = np.random.default_rng(7)
    rows = np.column_stack([rng.random(4000) < 0.002, *rng.normal(size=(3, 4000))]).astype(float)
    rows[:10, 0] = 1.0
    for row in (rows[0], rows[np.flatnonzero(rows[:, 0] == 0)[0]]):
        held, sizes = [], []
        for seed in range(40):
            explainer = TabularExplainer(
                rows, categorical_features=[0], kernel_width=0.5, alpha=1, feature_selection="none", random_state=seed
            )
            explanation = explainer.explain_instance(
                row, lambda drawn: 2.0 * drawn[:, 0] + np.sin(3 * drawn[:, 1]) * drawn[:, 2], num_samples=1000
            )
            assert explanation.provenance.design == "tilted_sobol"
            assert "unknown_weights" not in codes(explanation)
            weights, lows, highs = by_component(explanation)
            effect = 2.0 if row[0] else -2.0
            assert weights[0] == pytest.approx(effect, abs=0.5)
            held.append(lows[0] <= effect <= highs[0])
            sizes.append(explanation.effective_sample_size)
        assert np.mean(held) >= 0.85
        assert np.mean(sizes) > 600


def test_regressors_of_the_users_own_get_the_weights_that_the_limit_has():
    make, instance = CASES["bins"]
    rows, predict, columns, options = make(instance, 0.6)
    options |= {"feature_selection": "none", "kernel_width": 0.6, "alpha": 0}
    explainer = TabularExplainer(rows, **options)

    def explain(regressor):
        return by_component(
            explainer.explain_instance(instance, lambda drawn: predict(drawn), num_samples=4000, model_regressor=regressor)
        )[0]

    for regressor, alpha in ((LinearRegression(), 0.0), (Ridge(1.0), 1.0)):
        expected, _ = weighted_laws.fit(columns, predict, alpha=alpha, nominal_draws=4000)
        assert explain(regressor) == pytest.approx(expected, abs=0.1 * np.abs(expected).max())


def test_control_variates_go_on_reducing_errors():
    rows = normal_rows(5)
    boosted = GradientBoostingClassifier(random_state=0).fit(rows, bent(rows) > 0)

    def explain(seed, num_samples, model):
        explainer = TabularExplainer(rows, kernel_width=0.5, alpha=0, feature_selection="none", random_state=seed)
        explanation = explainer.explain_instance(rows[0], model, num_samples=num_samples)
        assert explanation.provenance.design == "tilted_sobol"
        return by_component(explanation)

    def as_black_box(drawn):
        return boosted.predict_proba(drawn)

    limit = explain(999, 2**16, as_black_box)[0]
    plain, controlled = ([explain(seed, 1000, model) for seed in range(20)] for model in (as_black_box, boosted))
    squares = [np.mean([np.square(weights - limit).mean() for weights, _, _ in runs]) for runs in (plain, controlled)]
    assert squares[0] > 3 * squares[1]
    assert np.mean([(lows <= limit) & (limit <= highs) for _, lows, highs in plain]) > 0.9


@pytest.mark.parametrize("is_discrete", [False, True])
def test_a_model_that_is_not_the_sum_that_was_read_is_asked_about_rows_near_the_instance(monkeypatch, is_discrete):
    rows = np.random.default_rng(1).integers(0, 9, size=(500, 4)).astype(float) if is_discrete else normal_rows(4)
    options = {"categorical_features": [0, 1, 2, 3]} if is_discrete else {}
    model = DecisionTreeRegressor(max_depth=5, random_state=0).fit(rows, rows[:, 0] * rows[:, 1])
    explainer = TabularExplainer(rows, kernel_width=0.5, alpha=0, **options)
    exact = explainer.explain_instance(rows[0], model)
    assert exact.is_exact
    asked, prepare = [], DecisionTreeRegressor._validate_X_predict

    def record(self, X, check_input):
        asked.extend(np.asarray(X).tolist())
        return prepare(self, np.ascontiguousarray(np.asarray(X)[:, ::-1]), check_input)  # of other columns

    monkeypatch.setattr(DecisionTreeRegressor, "_validate_X_predict", record)
    explanation = explainer.explain_instance(rows[0], model, num_samples=1000)
    assert explanation.provenance.design == "tilted_sobol"
    assert "not_exact" in codes(explanation)
    repeated = 257 if is_discrete else 0  # rows of the trial that were drawn near the instance as well
    assert 0 <= len(asked) - explanation.num_inputs <= 19
    assert explanation.num_inputs - repeated <= len({tuple(row) for row in asked}) <= explanation.num_inputs
    black_box = explainer.explain_instance(rows[0], lambda drawn: model.predict(drawn), num_samples=1000)
    assert explanation.surrogates == black_box.surrogates


def test_no_wider_kernel_is_tried_on_rows_that_lie_near():
    rows = normal_rows(4)
    explainer = TabularExplainer(rows, kernel_width=0.3, alpha=0, discretize_continuous=False)
    explanation = explainer.explain_instance(rows[0], lambda drawn: np.sin(60 * drawn[:, 0]), num_samples=1000)
    assert explanation.provenance.design == "tilted_sobol"
    assert codes(explanation) & {"low_fidelity", "off_at_instance"}
    assert "Fitting with other kernel widths was tried, and does not help." in str(explanation.notices)
