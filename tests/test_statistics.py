"""An explainer made from statistics alone: the same explanations through JSON and back, lime's own statistics, bad ones."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from limelight import TabularExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError

RNG = np.random.default_rng(11)
# Numbers, codes, one value only, counts with a mode at the least, a bin of one value between others.
ROWS = np.column_stack(
    [
        RNG.normal(5, 2, 300),
        RNG.choice([0.0, 1.0, 3.0], 300, p=[0.6, 0.3, 0.1]),
        np.full(300, 0.1),
        RNG.poisson(0.5, 300) + 1.0,
        np.where(RNG.random(300) < 0.5, 0.3, RNG.normal(size=300)),
    ]
)
NAMES = ["size", "colour", "fixed", "count", "heap"]
COLOURS = {"colour": ["red", "green", "blue", "black"]}


def model(rows):
    return np.tanh(np.nan_to_num(rows) @ np.linspace(-1, 1, rows.shape[1])) + (rows[:, 0] > 5)


def trained(rows=ROWS, **options):
    return TabularExplainer(rows, categorical_features=[1], feature_names=NAMES, categorical_names=COLOURS, **options)


def rebuilt(explainer, rows=None, **options):
    stats = json.loads(json.dumps(explainer.statistics(), allow_nan=False))
    return TabularExplainer(rows, training_data_stats=stats, **options)


def agree(one, other, rows=ROWS[:5], **options):
    for row in rows:
        assert one.explain_instance(row, model, **options) == other.explain_instance(row, model, **options)


class TestRebuilt:
    @pytest.mark.parametrize(
        "options",
        [{}, {"sampler": "around"}, {"sample_around_instance": True}, {"design": "iid"}, {"kinds": {"count": "integer"}}],
    )
    def test_the_same_explanations(self, options):
        names = {"feature_names": NAMES, "categorical_names": COLOURS}
        agree(trained(**options), rebuilt(trained(**options), **names, **options), num_samples=300)

    @pytest.mark.parametrize(
        "options", [{"discretizer": "decile"}, {"discretizer": "entropy", "training_labels": ROWS[:, 0] > 4}]
    )
    def test_bins_are_kept_without_what_they_were_found_with(self, options):
        agree(trained(**options), rebuilt(trained(**options), feature_names=NAMES, categorical_names=COLOURS))

    def test_arrays_of_whole_numbers(self):
        """They stay whole, although statistics have no type."""
        rows = np.random.default_rng(5).poisson(4, (200, 2))
        explainer = TabularExplainer(rows)
        agree(explainer, rebuilt(explainer), rows[:3].astype(float), num_samples=300)

    def test_missing_values(self):
        rows = ROWS.copy()
        rows[RNG.random(rows.shape) < 0.2] = np.nan
        rows[:, 2] = np.nan
        explainer = trained(rows)
        again = rebuilt(explainer, feature_names=NAMES, categorical_names=COLOURS)
        assert again.statistics() == explainer.statistics()
        assert explainer.statistics()["missing"][2] == 1
        agree(explainer, again, rows[:4], num_samples=200)

    def test_rows_that_the_training_data_lack(self):
        explainer = trained()
        strange = np.array([[99, 1, 0.1, 1, 0.3], [5, 7, 0.2, 9, 0.3], [5, 0, 0.1, np.nan, -20]])
        agree(explainer, rebuilt(explainer, feature_names=NAMES, categorical_names=COLOURS), strange, num_samples=200)

    def test_empty_bins(self):
        explainer = TabularExplainer(ROWS[:, [0]], discretizer={0: [-50, -40, 5, 60, 70]})
        agree(explainer, rebuilt(explainer), [[5.5], [-45], [65.0]])

    def test_equal_values_whose_mean_and_deviation_are_rounded(self):
        rows = np.repeat([0.1, 1e9 + 0.1, 2e9 + 0.7], 7)[:, None]
        assert rows[:7].std() > 0
        explainer = TabularExplainer(rows, discretizer={0: [5, 1.5e9]})
        again = rebuilt(explainer)
        assert again.statistics() == explainer.statistics()
        agree(explainer, again, rows[::7])

    def test_sequences_take_their_shape_from_an_array(self):
        sequences = RNG.normal(size=(80, 3, 2))
        explainer = TabularExplainer(sequences)

        def last(batch):
            return batch[:, -1, 0]

        stats = explainer.statistics()
        again = TabularExplainer(sequences[:1], training_data_stats=stats)
        assert again.explain_instance(sequences[0], last) == explainer.explain_instance(sequences[0], last)

    # A spread that vanishes beside the 1e-11 that lime adds is none: no numbers below 1e-9.
    @given(arrays(np.float64, (12, 2), elements=st.integers(-2, 2).map(float) | st.floats(1e-9, 1e9) | st.floats(-1e9, -1e-9)))
    def test_any_table(self, rows):
        explainer = TabularExplainer(rows)
        again = rebuilt(explainer)
        assert again.statistics() == explainer.statistics()
        agree(explainer, again, rows[:1], num_samples=16)

    def test_twice_and_pickled(self):
        once = rebuilt(trained(), feature_names=NAMES)
        assert rebuilt(once, feature_names=NAMES).statistics() == once.statistics() == trained().statistics()
        agree(once, pickle.loads(pickle.dumps(once)))

    def test_no_row_is_in_it(self):
        rows = RNG.normal(size=(400, 2))
        held = set(np.array(list(_numbers(TabularExplainer(rows).statistics()))))
        # The least and the greatest value of each column are.
        assert len(held & set(rows.ravel())) <= 4

    def test_other_seeds_draw_other_rows(self):
        stats = trained().statistics()
        weights = [
            TabularExplainer(None, training_data_stats=stats, random_state=seed).explain_instance(ROWS[0], model).as_list()
            for seed in (0, 1)
        ]
        assert weights[0] != weights[1]


class TestWhatTheyAre:
    def test_by_hand(self):
        stats = TabularExplainer(np.array([[0.0, 1], [1, 1], [2, 5], [9, np.nan]]), categorical_features=[1]).statistics()
        assert stats["bins"] == {0: [0.75, 1.5, 3.75]}
        assert stats["means"] == {0: [0, 1, 2, 9]}
        assert stats["stds"] == {0: [1e-11] * 4}
        assert stats["mins"] == {0: [0, 0.75, 1.5, 3.75]}
        assert stats["maxs"] == {0: [0.75, 1.5, 3.75, 9]}
        assert stats["feature_values"] == {0: [0, 1, 2, 3], 1: [1, 5]}
        assert stats["feature_frequencies"] == {0: [0.25] * 4, 1: [2 / 3, 1 / 3]}
        assert stats["missing"] == {1: 0.25}
        assert stats["scales"] == {0: pytest.approx(np.std([0, 1, 2, 9]))}
        assert stats["whole"] == {}
        assert TabularExplainer(np.arange(9).reshape(-1, 1)).statistics()["whole"] == {0: 1}

    def test_frames_sparse_rows_and_columns_without_bins_have_none(self):
        pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
        for rows in (pandas.DataFrame(ROWS), sparse.csr_array(ROWS)):
            with pytest.raises(ArgumentError, match=r"statistics\(\) needs training data that are an array"):
                TabularExplainer(rows).statistics()
        with pytest.raises(ArgumentError, match="leave discretize_continuous=True"):
            TabularExplainer(ROWS, discretize_continuous=False).statistics()
        for options in ({"sampler": "training_rows"}, {"groups": {"both": [0, 1]}}):
            with pytest.raises(ArgumentError, match="cannot hold rows"):
                TabularExplainer(ROWS, **options).statistics()


class TestLime:
    @pytest.fixture
    def lime(self):
        return pytest.importorskip("lime.lime_tabular").LimeTabularExplainer

    def test_its_statistics_give_the_columns_of_the_training_data(self, lime):
        theirs = lime(ROWS, categorical_features=[1], random_state=0)
        found = theirs.discretizer
        stats = {
            "bins": {number: np.unique(np.percentile(ROWS[:, number], [25, 50, 75])) for number in found.means},
            "means": found.means,
            "stds": found.stds,
            "mins": found.mins,
            "maxs": found.maxs,
            "feature_values": theirs.feature_values,
            "feature_frequencies": theirs.feature_frequencies,
        }
        ours = trained()
        stats["fingerprint"] = ours.statistics()["fingerprint"]
        again = TabularExplainer(None, training_data_stats=stats, feature_names=NAMES, categorical_names=COLOURS)
        # lime's mean of equal values can be off by a bit.
        for row in ROWS[:5]:
            one, other = ours.explain_instance(row, model), again.explain_instance(row, model)
            assert one.names == other.names
            np.testing.assert_allclose(
                [weight for _, weight in one.as_list()], [weight for _, weight in other.as_list()], rtol=1e-9
            )

    def test_it_reads_ours(self, lime):
        options = {"categorical_features": [1], "feature_names": NAMES, "random_state": 0}
        theirs = lime(ROWS, **options)
        fed = lime(ROWS[:1], training_data_stats=trained().statistics(), **options)
        assert fed.discretizer.names == theirs.discretizer.names
        for number, values in theirs.feature_values.items():
            assert fed.feature_values[number] == values
            np.testing.assert_allclose(fed.feature_frequencies[number], theirs.feature_frequencies[number])
        for which in ("means", "stds", "mins", "maxs"):
            for number, values in getattr(theirs.discretizer, which).items():
                np.testing.assert_allclose(getattr(fed.discretizer, which)[number], values, atol=1e-12)


def simple(**changes):
    """Statistics of a numeric and a categorical column."""
    stats = {
        "bins": {0: [0.0, 1.0]},
        "means": {0: [-1.0, 0.5, 2.0]},
        "stds": {0: [0.1, 0.2, 0.5]},
        "mins": {0: [-2.0, 0.0, 1.0]},
        "maxs": {0: [0.0, 1.0, 4.0]},
        "feature_values": {0: [0, 1, 2], 1: [3, 1]},
        "feature_frequencies": {0: [10, 20, 10], 1: [1, 3]},
    }
    return stats | changes


def drawn(stats, row=(0.5, 1), **options):
    """The rows that a model is asked about."""
    seen = []

    def record(rows):
        seen.append(rows.copy())
        return rows[:, 0]

    explainer = TabularExplainer(options.pop("training_data", None), training_data_stats=stats, **options)
    explainer.explain_instance(row, record, num_samples=4001)
    return np.concatenate(seen)[1:]


class TestByHand:
    def test_frequencies_are_counts_or_shares(self):
        rows = drawn(simple())
        np.testing.assert_allclose([np.mean(rows[:, 0] <= 0), np.mean(rows[:, 0] > 1)], 0.25, atol=0.01)
        assert np.mean(rows[:, 1] == 1) == pytest.approx(0.75, abs=0.01)
        assert set(rows[:, 1]) == {1, 3}
        shares = simple(feature_frequencies={0: [0.25, 0.5, 0.25], 1: [0.25, 0.75]})
        np.testing.assert_array_equal(drawn(shares), rows)

    def test_means_and_deviations(self):
        rows = drawn(simple(), design="iid")[:, 0]
        low = rows[rows <= 0]
        assert low.mean() == pytest.approx(-1, abs=0.02)
        assert low.std() == pytest.approx(0.1, abs=0.01)
        assert rows.min() >= -2
        assert rows.max() <= 4

    def test_a_bin_that_does_not_vary_stays_at_its_mean(self):
        for stds, mins, maxs in (([0, 0.2, 0.5], [-2, 0, 1], [0, 1, 4]), ([0.1, 0.2, 0.5], [-1, 0, 1], [-1, 1, 4])):
            rows = drawn(simple(stds={0: stds}, mins={0: mins}, maxs={0: maxs}))[:, 0]
            assert set(rows[rows <= 0]) == {-1}

    def test_bins_that_are_not_listed_are_never_drawn(self):
        rows = drawn(simple(feature_values={0: [2, 1], 1: [3, 1]}, feature_frequencies={0: [3, 1], 1: [1, 3]}))[:, 0]
        assert rows.min() > 0
        assert np.mean(rows > 1) == pytest.approx(0.75, abs=0.01)

    def test_ranges_may_be_narrower_than_bins(self):
        stats = simple(mins={0: [-2.0, 0.4, 1.5]}, maxs={0: [-0.5, 0.6, 4.0]})
        rows = drawn(stats)[:, 0]
        assert not np.any(((rows > -0.5) & (rows < 0.4)) | ((rows > 0.6) & (rows < 1.5)))
        explainer = TabularExplainer(None, training_data_stats=stats)
        assert {key: explainer.statistics()[key] for key in ("mins", "maxs")} == {key: stats[key] for key in ("mins", "maxs")}

    def test_the_order_of_categories_is_nothing(self):
        other = simple(feature_values={0: [2, 0, 1], 1: [1, 3]}, feature_frequencies={0: [10, 10, 20], 1: [3, 1]})
        one, same = (TabularExplainer(None, training_data_stats=stats) for stats in (simple(), other))
        assert one.statistics() == same.statistics()
        agree(one, same, [[0.5, 1], [3, 3]])

    def test_what_is_missing(self):
        rows = drawn(simple(missing={1: 0.4}))
        assert np.isnan(rows[:, 1]).mean() == pytest.approx(0.4, abs=0.01)
        assert not np.isnan(rows[:, 0]).any()

    def test_the_spread_of_a_column_follows_from_its_bins(self):
        rows = RNG.gamma(2.0, size=(500, 1))
        stats = TabularExplainer(rows).statistics()
        del stats["scales"]
        assert TabularExplainer(None, training_data_stats=stats).statistics()["scales"][0] == pytest.approx(rows.std())

    def test_columns_by_name_and_by_texts_of_numbers(self):
        expected = TabularExplainer(None, training_data_stats=simple(), feature_names=["a", "0x"]).statistics()
        stats = simple()
        by_name = {key: {["a", "0x"][number]: given for number, given in values.items()} for key, values in stats.items()}
        by_text = {key: {str(number): given for number, given in values.items()} for key, values in stats.items()}
        by_numpy = {key: {np.int64(number): given for number, given in values.items()} for key, values in stats.items()}
        for same in (by_name, by_text, by_numpy):
            assert TabularExplainer(None, training_data_stats=same, feature_names=["a", "0x"]).statistics() == expected

    def test_names(self):
        explainer = TabularExplainer(None, training_data_stats=simple(), categorical_names={1: ["a", "b", "c", "d"]})
        assert explainer.explain_instance([0.5, 3], model, num_samples=50).names == ("0 < x0 <= 1", "x1=d")

    def test_the_statistics_are_not_kept_nor_changed(self):
        stats = simple()
        before = copy.deepcopy(stats)
        explainer = TabularExplainer(None, training_data_stats=stats)
        expected = explainer.explain_instance([0.5, 1], model)
        assert stats == before
        stats["means"][0][1] = 0.9
        assert explainer.explain_instance([0.5, 1], model) == expected

    def test_different_statistics_draw_different_points(self):
        assert not np.array_equal(drawn(simple())[:, 1], drawn(simple(means={0: [-1.0, 0.6, 2.0]}))[:, 1])

    def test_whole_numbers(self):
        assert np.all(drawn(simple(), (1, 1), kinds={0: "integer"}) % 1 == 0)
        assert np.all(drawn(simple(whole={0: 1}), (1, 1)) % 1 == 0)

    def test_the_type_of_an_array_beside_them_says_nothing(self):
        """lime's users give zeros, of any type."""
        rows = drawn(simple(), training_data=np.zeros((1, 2), dtype=int))
        assert np.array_equal(rows, drawn(simple()))


class TestBad:
    @pytest.mark.parametrize("stats", [[], 3, "means"])
    def test_no_mapping(self, stats):
        with pytest.raises(ArgumentTypeError, match="training_data_stats must be a mapping with keys 'bins', 'means'"):
            TabularExplainer(None, training_data_stats=stats)

    @pytest.mark.parametrize("key", list(simple()))
    def test_missing_keys(self, key):
        stats = simple()
        del stats[key]
        with pytest.raises(ArgumentError, match=f"it lacks '{key}'"):
            TabularExplainer(None, training_data_stats=stats)

    @pytest.mark.parametrize("key", list(simple()))
    def test_entries_that_are_no_mapping(self, key):
        with pytest.raises(ArgumentTypeError, match=rf"training_data_stats\['{key}'\] must be a mapping"):
            TabularExplainer(None, training_data_stats=simple(**{key: [1, 2]}))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"means": {}}, r"\['means'\] lacks columns 'x0'"),
            ({"feature_values": {}}, r"\['feature_values'\] must be a mapping with every column"),
            ({"feature_frequencies": {0: [1, 1, 1]}}, r"\['feature_frequencies'\] lacks columns 'x1'"),
            ({"means": {0: [-1, 0.5, 2], 1: [1]}}, r"""\['means'\] has columns that have no "bins": 'x1'"""),
            ({"scales": {1: 1.0}}, r"""\['scales'\] has columns that have no "bins": 'x1'"""),
            ({"bins": {0: []}}, r"\['bins'\]\['x0'\] must have one edge"),
            ({"bins": {0: [0.0]}}, r"\['means'\]\['x0'\] must have 2 values, one for each bin .* got 3"),
            ({"bins": {0: [[0.0, 1]]}}, r"\['bins'\]\['x0'\] must have 1 dimension; got"),
            ({"stds": {0: [1, 1]}}, r"\['stds'\]\['x0'\] must have 3 values"),
            ({"mins": {0: [1]}}, r"\['mins'\]\['x0'\] must have 3 values"),
            ({"maxs": {0: [1] * 4}}, r"\['maxs'\]\['x0'\] must have 3 values"),
            ({"stds": {0: [1, -1, 1]}}, r"\['stds'\]\['x0'\] must be at least 0"),
            ({"means": {0: [0, np.nan, 1]}}, r"\['means'\]\['x0'\] must be finite"),
            ({"means": {0: [0, None, 1]}}, r"\['means'\]\['x0'\] must be finite"),
            ({"means": {0: [0, "a", 1]}}, r"\['means'\]\['x0'\] must hold numbers"),
            ({"maxs": {0: [0, 1, np.inf]}}, r"\['maxs'\]\['x0'\] must be finite"),
            ({"feature_values": {0: [0, 1, 2], 1: [np.inf, 1]}}, r"\['feature_values'\]\['x1'\] must be finite"),
            ({"feature_values": {0: [0, 1, 3], 1: [0, 1]}}, r"\['x0'\] must be numbers of bins, 0 to 2"),
            ({"feature_values": {0: [0, 1, 1.5], 1: [0, 1]}}, r"\['x0'\] must be numbers of bins, 0 to 2"),
            ({"feature_values": {0: [0, 1, 1], 1: [0, 1]}}, r"\['x0'\] must not repeat values"),
            ({"feature_values": {0: [0, 1], 1: [0, 1]}}, r"\['x0'\] must have one for each of 2 feature_values; got 3"),
            ({"feature_frequencies": {0: [1, 0, 1], 1: [1, 1]}}, r"\['x0'\] must be one or more positive numbers"),
            ({"feature_frequencies": {0: [1, 1, 1], 1: [1, -1]}}, r"\['x1'\] must be one or more positive numbers"),
            ({"feature_frequencies": {0: [1, 1, 1], 1: [1, np.nan]}}, r"\['x1'\] must be finite"),
            (
                {"feature_values": {0: [0, 1, 2], 1: []}, "feature_frequencies": {0: [1, 1, 1], 1: []}},
                r"\['x1'\] must be one or more positive numbers",
            ),
            ({"mins": {0: [-2, -0.1, 1]}}, r"mins and maxs of 'x0' lie outside bins 1"),
            ({"mins": {0: [1, 0, 1]}}, r"mins and maxs of 'x0' lie outside bins 0"),
            ({"maxs": {0: [0, 1, 1]}}, r"mins and maxs of 'x0' lie outside bins 2"),
            ({"maxs": {0: [0.5, 1, 4]}}, r"mins and maxs of 'x0' lie outside bins 0"),
            ({"means": {0: [-1, 3, 5]}}, r"means of 'x0' lie outside bins 1, 2"),
            ({"missing": {1: 1.5}}, r"\['missing'\]\['x1'\] must be a share, at most 1"),
            ({"missing": {1: -0.5}}, r"\['missing'\]\['x1'\] must be a finite number of at least 0"),
            ({"scales": {0: -1.0}}, r"\['scales'\]\['x0'\] must be a finite number of at least 0"),
            ({"means": {2: [1]}}, r"\['means'\] must name columns by number, 0 to 1, or by one of feature_names; got 2"),
            ({"means": {"age": [1]}}, r"\['means'\] must name columns .* got 'age'"),
            ({"means": {True: [1]}}, r"\['means'\] must name columns .* got True"),
            ({"means": {0: [-1, 0.5, 2], "0": [-1, 0.5, 2]}}, r"\['means'\] has column 'x0' twice"),
            ({"fingerprint": "zz"}, r"\['fingerprint'\] must be 32 hexadecimal digits"),
            ({"fingerprint": 7}, r"\['fingerprint'\] must be 32 hexadecimal digits"),
        ],
    )
    def test_entries(self, changes, message):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
            TabularExplainer(None, training_data_stats=simple(**changes))

    @pytest.mark.parametrize(
        ("options", "setting"),
        [
            ({"discretizer": "decile"}, "discretizer"),
            ({"discretizer": {0: [1]}}, "discretizer"),
            ({"training_labels": [0, 1]}, "training_labels"),
            ({"sampler": "training_rows"}, 'sampler="training_rows"'),
            ({"groups": {"both": [0, 1]}}, "groups"),
            ({"discretize_continuous": False}, "discretize_continuous=False"),
        ],
    )
    @pytest.mark.parametrize("rows", [None, np.zeros((5, 2))])
    def test_settings_that_need_rows(self, options, setting, rows):
        with pytest.raises(ArgumentError, match=f"^{setting} needs the training data's rows; leave it out"):
            TabularExplainer(rows, training_data_stats=simple(), **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"feature_names": ["a"]}, "feature_names must have 2 names; got 1"),
            ({"feature_names": ["a", "a"]}, "feature_names must be distinct; got 'a' more than once"),
            ({"categorical_features": [0]}, "column 'x0' has bins in training_data_stats; it cannot be categorical"),
            ({"kinds": {0: "categorical"}}, "column 'x0' has bins in training_data_stats; it cannot be categorical"),
            ({"kinds": {1: "integer"}}, "column 'x1' has no bins in training_data_stats; it cannot be integer"),
        ],
    )
    def test_other_arguments_that_do_not_fit(self, options, message):
        with pytest.raises(ArgumentError, match=message):
            TabularExplainer(None, training_data_stats=simple(), **options)

    def test_training_data_that_do_not_fit(self):
        pandas = pytest.importorskip("pandas")
        with pytest.raises(ArgumentTypeError, match="training_data must be None or an array beside training_data_stats"):
            TabularExplainer(pandas.DataFrame(ROWS[:, :2]), training_data_stats=simple())
        with pytest.raises(ArgumentError, match=r"\['feature_values'\] lacks columns 'x2'"):
            TabularExplainer(ROWS[:, :3], training_data_stats=simple())
        with pytest.raises(ArgumentError, match="must name columns by number, 0 to 0"):
            TabularExplainer(ROWS[:, :1], training_data_stats=simple())

    def test_categorical_features_may_be_named(self):
        named = TabularExplainer(None, training_data_stats=simple(), categorical_features=[1], kinds={0: "numeric"})
        assert named.statistics() == TabularExplainer(None, training_data_stats=simple()).statistics()


def _numbers(tree):
    if isinstance(tree, dict):
        for branch in tree.values():
            yield from _numbers(branch)
    elif isinstance(tree, list):
        yield from tree
    elif isinstance(tree, float):
        yield tree
