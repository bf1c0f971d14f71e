"""Control variates learned from a black box's own answers: fewer inputs, for the same limit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.stages import learned_control
from limelight.stages.control_variate import ControlVariates
from limelight.stages.learned_trees import learn_trees

NUM_ROWS = 1000


def make_rows(seed=0):
    """Two numbers, a whole number, a category by its code, one that is rarely 1, and one with missing values."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(NUM_ROWS, 6))
    rows[:, 2] = rng.integers(0, 30, NUM_ROWS)
    rows[:, 3] = rng.integers(0, 3, NUM_ROWS)
    rows[:, 4] = rng.random(NUM_ROWS) < 0.02
    rows[rng.random(NUM_ROWS) < 0.1, 5] = np.nan
    return rows


def respond(rows):
    """What columns do together, which no surrogate follows."""
    p, q, whole, code, rare, holes = np.asarray(rows, dtype=np.float64).T
    together = np.sign(p * q) * (code == 1) + np.sin(3 * p) * (whole > 12) + 0.5 * np.isnan(holes) * q
    return 0.6 * p + 0.2 * q + together + 0.5 * rare


@pytest.fixture(scope="module")
def forest():
    rows = make_rows()
    return RandomForestRegressor(10, max_leaf_nodes=60, random_state=0).fit(rows, respond(rows))


def make_explainer(**options):
    return TabularExplainer(make_rows(), categorical_features=[3, 4], **options)


def find_weights(explanation):
    surrogate = explanation.surrogate()
    return dict(zip(surrogate.components, surrogate.weights, strict=True))


def forget(monkeypatch):
    monkeypatch.setattr(learned_control, "_LEAST_ROWS", 10**9)


def test_trees_learn_what_columns_do_together_from_other_folds():
    rows, fresh = make_rows(1), make_rows(2)
    outputs = np.column_stack([respond(rows), rows[:, 0]])
    folds = np.arange(NUM_ROWS) % 2
    learned = learn_trees(rows, outputs, folds, 2)
    changed = outputs + (folds == 0)[:, None] * 1.0
    changed[:, 1] *= np.where(folds == 0, -1, 1)
    for number, trees in enumerate(learned):
        values = trees.evaluate(fresh)
        left = np.var(np.column_stack([respond(fresh), fresh[:, 0]]) - values, axis=0)
        assert (left < [0.5 * respond(fresh).var(), 0.1]).all()
        np.testing.assert_allclose(trees.evaluate(fresh[:1]), values[:1], atol=1e-12)
        same = learn_trees(rows, changed, folds, 2)[number].evaluate(fresh)
        assert np.array_equal(same, values) == (number == 1)  # the other fold's rows do not count


def test_trees_have_values_for_no_rows():
    rows = make_rows(1)
    (learned, _) = learn_trees(np.nan_to_num(rows), rows[:, :1], np.arange(NUM_ROWS) % 2, 2)
    assert learned.evaluate(rows[:0]).shape == (0, 1)


def test_nothing_is_learned_from_rows_that_are_all_the_same():
    assert learn_trees(np.ones((900, 3)), np.arange(900.0)[:, None], np.arange(900) % 4, 4) is None
    assert learn_trees(np.full((900, 1), np.nan), np.arange(900.0)[:, None], np.arange(900) % 4, 4) is None


def half_widths_of(explanation):
    surrogate = explanation.surrogate()
    return (np.array(surrogate.highs) - surrogate.lows) / 2


@pytest.mark.parametrize("options", [{}, {"discretize_continuous": False}, {"groups": {"both": [0, 3]}}])
def test_kind_a_intervals_of_black_boxes_are_narrower_and_hold_the_known_limits(forest, monkeypatch, options):
    rows, options = make_rows()[:12], {**options, "feature_selection": "none"}
    exact = [find_weights(one) for one in make_explainer(**options).explain_many(rows, forest.predict)]

    def explain():
        held, widths = [], []
        for seed, (row, limits) in enumerate(zip(rows, exact, strict=True)):
            explainer = make_explainer(**options, random_state=seed, shortcuts=False)
            explanation = explainer.explain_instance(row, forest.predict, max_samples=1600)
            surrogate = explanation.surrogate()
            true = np.array([limits[number] for number in surrogate.components])
            held += ((surrogate.lows <= true) & (true <= surrogate.highs)).tolist()
            widths.append(half_widths_of(explanation).mean())
        return np.mean(held), np.mean(widths)

    held, widths = explain()
    forget(monkeypatch)
    _, widths_before = explain()
    assert held > 0.88
    assert widths < 0.8 * widths_before


def test_batches_have_the_bits_of_single_calls_where_trees_are_learned(forest):
    rows = make_rows()
    some = np.concatenate([rows[:6], rows[rows[:, 4] == 1][:2], rows[np.isnan(rows[:, 5])][:2]])
    explainer = make_explainer(shortcuts=False)
    alone = [explainer.explain_instance(row, forest.predict) for row in some]
    assert min(one.num_inputs for one in alone) > 768
    assert list(explainer.explain_many(some, forest.predict)) == alone
    assert list(make_explainer(shortcuts=False).explain_many(some[::-1], forest.predict)) == alone[::-1]


def test_frames_with_texts_and_missing_values_have_the_same_limit():
    rows = make_rows()
    frame = pd.DataFrame(rows, columns=list("pqwcrh")).astype({"p": "float32", "w": "int64"})
    frame["c"] = np.array(["one", "two", "three"])[rows[:, 3].astype(int)]
    codes = {"one": 0.0, "two": 1.0, "three": 2.0}

    def ask(some):
        return respond(some.assign(c=some["c"].map(codes)).to_numpy(dtype=np.float64))

    explainer = TabularExplainer(frame, tolerance=0.03)
    some = explainer.explain_instance(frame.iloc[3], ask)
    many = explainer.explain_instance(frame.iloc[3], ask, num_samples=30_000)
    assert some.num_inputs > 768
    limits = find_weights(many)
    errors = [abs(weight - limits[number]) for number, weight in find_weights(some).items()]
    assert (np.array(errors) <= 2 * half_widths_of(some) + 0.01).all()


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, {"num_samples": 1500}),
        ({}, {"model_regressor": LinearRegression()}),
        ({}, {"distance_metric": "manhattan"}),
        ({"kernel": lambda distances, width: np.exp(-distances / width)}, {}),
        ({"sampler": "around"}, {}),
    ],
)
def test_nothing_changes_where_no_exact_law_is_known_or_a_number_is_given(monkeypatch, options, arguments):
    row = make_rows()[0]
    found = make_explainer(**options).explain_instance(row, respond, **arguments)
    forget(monkeypatch)
    assert make_explainer(**options).explain_instance(row, respond, **arguments) == found


def test_constant_outputs_and_many_outputs_are_as_they_were(monkeypatch):
    row = make_rows()[0]

    def find():
        constant = make_explainer().explain_instance(row, lambda rows: np.full(len(rows), 0.25))
        many = make_explainer().explain_instance(row, lambda rows: respond(rows)[:, None] ** [1, 2, 3, 4], labels=[0, 1, 2, 3])
        return constant, many

    found = find()
    forget(monkeypatch)
    assert find() == found


def test_single_precision_and_two_outputs_differ_by_rounding_alone():
    row = make_rows()[0]

    def ask(rows):
        return np.column_stack([respond(rows), np.cos(respond(rows))])

    double, single = (
        make_explainer().explain_instance(row, model, labels=[0, 1])
        for model in (ask, lambda rows: ask(rows).astype(np.float32))
    )
    for label in (0, 1):
        expected = find_weights_of(double, label)
        found = find_weights_of(single, label)
        assert found.keys() == expected.keys()
        assert max(abs(found[number] - expected[number]) for number in found) < 0.01


def find_weights_of(explanation, label):
    surrogate = explanation.surrogate(label)
    return dict(zip(surrogate.components, surrogate.weights, strict=True))


def test_what_cannot_be_learned_has_the_intervals_that_it_had(monkeypatch):
    row = make_rows()[0]

    def noise(rows):
        digits = np.nan_to_num(rows) @ np.array([12.9898, 78.233, 37.719, 4.581, 9.151, 23.14])
        return np.modf(np.sin(digits) * 43758.5453)[0] + 0.2 * rows[:, 0]

    found = make_explainer().explain_instance(row, noise, max_samples=2049)
    forget(monkeypatch)
    before = make_explainer().explain_instance(row, noise, max_samples=2049)
    widths, widths_before = (half_widths_of(one).mean() for one in (found, before))
    assert 0.6 * widths_before < widths < 1.5 * widths_before


def test_trees_that_miss_a_few_rows_only_are_not_used():
    """A step is what trees follow nearly everywhere: where they miss a row, they miss it by the whole height."""
    rows = np.random.default_rng(0).normal(size=(4000, 4))
    tree = DecisionTreeRegressor(max_leaf_nodes=3, random_state=0).fit(rows, (rows[:, :2] > 1.5).all(axis=1))
    assert set(tree.tree_.feature) == {0, 1, -2}
    exact = [find_weights(one) for one in TabularExplainer(rows).explain_many(rows[:60], tree.predict)]
    held = []
    for seed, (row, limits) in enumerate(zip(rows, exact, strict=False)):
        explainer = TabularExplainer(rows, random_state=seed, shortcuts=False)
        surrogate = explainer.explain_instance(row, tree.predict).surrogate()
        true = np.array([limits[number] for number in surrogate.components])
        is_held = (surrogate.lows <= true) & (true <= surrogate.highs)
        held += is_held[np.isin(surrogate.components, [0, 1])].tolist()
    assert np.mean(held) > 0.88


def test_trees_learn_from_all_looks_where_a_later_one_contradicts_a_known_sum(monkeypatch):
    rows = make_rows()[:, :5]
    outputs = respond(np.column_stack([rows, rows[:, 0]])) > 0
    boosted = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(rows, outputs)
    find = ControlVariates.add
    explainer = TabularExplainer(rows, tolerance=0.01)
    sampled = explainer.explain_instance(rows[0], lambda drawn: boosted.predict_proba(drawn))

    def contradict(self, neighbourhoods, *arguments):
        self._is_contradicted = self._is_contradicted or len(neighbourhoods[0].representation) > 300
        return find(self, neighbourhoods, *arguments)

    monkeypatch.setattr(ControlVariates, "add", contradict)
    found = explainer.explain_instance(rows[0], boosted)
    assert found.num_inputs == sampled.num_inputs > 768
    np.testing.assert_allclose(found.surrogate().weights, sampled.surrogate().weights, rtol=1e-9)
