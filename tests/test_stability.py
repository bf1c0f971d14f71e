"""How much explanations vary with the seed, and with small changes of the instance."""

import math
import pickle
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

import limelight
from limelight import (
    ComponentsExplainer,
    ImageExplainer,
    Prior,
    Stability,
    TabularExplainer,
    TextExplainer,
    TimeSeriesExplainer,
)
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError, ModelError

RNG = np.random.default_rng(5)
EFFECTS, PRODUCTS = RNG.normal(size=14) * 0.3, np.triu(RNG.normal(size=(14, 14)), 1)
ROWS = RNG.normal(size=(500, 6))


class Parts:
    names = tuple(f"part {number}" for number in range(14))

    def compose(self, masks):
        return np.asarray(masks, dtype=float)


def bent(masks):
    return masks @ EFFECTS + np.einsum("ni,ij,nj->n", masks, PRODUCTS, masks)


def curved(rows):
    return rows[:, 0] + rows[:, 1] * rows[:, 2] + np.sin(3 * rows[:, 3])


def roughness(images):
    return np.asarray(images, dtype=float).std(axis=(1, 2))


def explanations(count, num_features=5):
    return [
        ComponentsExplainer(random_state=seed).explain_instance(Parts(), bent, num_samples=65, num_features=num_features)
        for seed in range(count)
    ]


def with_lists(explanation, components):
    """The same explanation, as if it listed these components."""
    surrogate = replace(explanation.surrogate(), components=tuple(components))
    return replace(explanation, surrogates=(surrogate,))


def measure(made):
    return Stability.of(made, None, range(len(made)), [], 0.1, "not measured", num_inputs=0, is_exact=False)


def indices_of_visani(made):
    """VSI and CSI as `lime_stability` computes them, but for what only one list has."""
    intervals = [
        dict(zip(one.surrogate().components, zip(one.surrogate().lows, one.surrogate().highs, strict=True), strict=True))
        for one in made
    ]
    same = [len(set(first) & set(second)) for first, second in combinations(intervals, 2)]
    vsi = sum(same) / (len(same) * len(intervals[0]))
    shares = []
    for component in set().union(*intervals):
        known = [one[component] for one in intervals if component in one]
        overlaps = [a[0] < b[1] and b[0] < a[1] for a, b in combinations(known, 2)]
        shares += [np.mean(overlaps)] if overlaps else []
    return vsi, np.mean(shares)


class TestIndices:
    def test_they_are_those_of_visani(self):
        made = explanations(8)
        stability = measure(made)
        vsi, csi = indices_of_visani(made)
        assert 0.2 < vsi < 1  # or the test would show little
        assert stability.vsi == pytest.approx(vsi)
        assert stability.csi == pytest.approx(csi)

    def test_intervals_that_do_not_overlap_are_counted(self):
        made = explanations(6)
        narrow = []
        for one in made:
            weights = np.array(one.surrogate().weights)
            surrogate = replace(one.surrogate(), lows=tuple(weights - 0.05), highs=tuple(weights + 0.05))
            narrow.append(replace(one, surrogates=(surrogate,)))
        stability, (_, csi) = measure(narrow), indices_of_visani(narrow)
        assert 0 < csi < 0.9
        assert stability.csi == pytest.approx(csi)

    def test_disjoint_lists(self):
        (one,) = explanations(1, num_features=3)
        stability = measure([with_lists(one, (0, 1, 2)), with_lists(one, (3, 4, 5))])
        assert stability.vsi == 0
        assert stability.jaccard == 0
        assert math.isnan(stability.csi)
        assert math.isnan(stability.spread_ratio)
        assert "nothing to be compared with" in repr(stability)

    def test_jaccard_of_lists_that_share_some(self):
        (one,) = explanations(1, num_features=4)
        stability = measure([with_lists(one, (0, 1, 2, 3)), with_lists(one, (2, 3, 4, 5)), with_lists(one, (0, 1, 2, 3))])
        assert stability.jaccard == pytest.approx(np.mean([2 / 6, 1, 2 / 6]))
        assert stability.vsi == pytest.approx(np.mean([2 / 4, 1, 2 / 4]))

    def test_of_lists_of_other_lengths_the_longer_one_counts(self):
        longer, shorter = explanations(1, num_features=4)[0], explanations(1, num_features=2)[0]
        stability = measure([with_lists(longer, (0, 1, 2, 3)), with_lists(shorter, (0, 1))])
        assert stability.vsi == 0.5
        assert stability.jaccard == 0.5

    def test_one_list_of_everything_is_said(self):
        assert "all 14 components are listed, so that lists cannot differ" in repr(measure(explanations(3, num_features=14)))
        assert "5 of 14 components are listed" in repr(measure(explanations(3)))


class TestSpread:
    def test_intervals_are_honest(self):
        """Those of independent draws; a design that balances its replicates may be better than they promise."""
        independent, balanced = (
            ComponentsExplainer(feature_selection="none", design=design).measure_stability(
                Parts(), bent, num_seeds=40, num_samples=129
            )
            for design in ("iid", "auto")
        )
        assert 0.85 < independent.spread_ratio < 1.15
        assert 0.5 < balanced.spread_ratio < 1.15
        stability = independent
        for one in stability.weights:
            assert one.listed == 40
            assert one.spread == pytest.approx(np.std(one.weights, ddof=1))
            assert one.mean == pytest.approx(np.mean(one.weights))

    def test_intervals_that_promise_too_much_are_found_out(self):
        made = explanations(10, num_features=14)
        halves = []
        for one in made:
            surrogate = one.surrogate()
            lows, weights, highs = map(np.array, (surrogate.lows, surrogate.weights, surrogate.highs))
            halved = replace(surrogate, lows=tuple((lows + weights) / 2), highs=tuple((highs + weights) / 2))
            halves.append(replace(one, surrogates=(halved,)))
        assert measure(halves).spread_ratio == pytest.approx(2 * measure(made).spread_ratio)

    def test_no_interval_is_no_promise(self):
        made = [
            ComponentsExplainer(random_state=seed).explain_instance(Parts(), bent, num_samples=6, num_features=14)
            for seed in range(3)
        ]
        stability = measure(made)
        assert math.isnan(stability.spread_ratio)
        assert math.isnan(stability.csi)
        assert "is not known" in repr(stability)

    def test_seeds_are_those_that_follow_the_explainers_own(self):
        explainer = ComponentsExplainer(random_state=3)
        stability = explainer.measure_stability(Parts(), bent, num_seeds=4, num_samples=65, num_features=5)
        assert stability.seeds == (3, 4, 5, 6)
        assert explainer.options.random_state == 3
        for place, seed in enumerate(stability.seeds):
            made = ComponentsExplainer(random_state=seed).explain_instance(Parts(), bent, num_samples=65, num_features=5)
            expected = dict(made.as_map()[0])
            found = {one.component: one.weights[place] for one in stability.weights if not math.isnan(one.weights[place])}
            assert found == expected
        assert stability.num_inputs == 4 * 65


class TestExact:
    def test_of_an_enumeration_nothing_is_asked_again(self):
        asked = []

        def model(texts):
            asked.extend(texts)
            return [len(text) for text in texts]

        explainer = TextExplainer()
        explainer.explain_instance("one two three", model)
        once, asked[:] = len(asked), []
        stability = explainer.measure_stability("one two three", model)
        assert len(asked) == once
        assert stability.num_inputs == 8
        assert stability.is_exact
        assert (stability.vsi, stability.csi, stability.jaccard) == (1, 1, 1)
        assert all(one.spread == 0 == one.promised for one in stability.weights)
        assert math.isnan(stability.spread_ratio)
        assert "nothing is left to chance" in repr(stability)

    def test_of_trees_only_the_changed_rows_are_asked_about(self):
        forest = RandomForestRegressor(20, max_depth=4, random_state=0).fit(ROWS, curved(ROWS))
        stability = TabularExplainer(ROWS).measure_stability(ROWS[0], forest, num_features=3)
        assert stability.is_exact
        assert (stability.vsi, stability.csi, stability.jaccard) == (1, 1, 1)
        assert stability.num_inputs == 257 + 10

    def test_what_is_exact_with_one_filling_need_not_be_with_another(self):
        """A filling of noise depends on the seed, so that all masks of one filling are not those of another."""
        image = RNG.integers(0, 255, size=(16, 16), dtype=np.uint8)
        labels = np.arange(16)[:, None] // 8 * 2 + np.arange(16) // 8
        explainer = ImageExplainer(labels, fill="noise")
        assert explainer.explain_instance(image, roughness).is_exact
        stability = explainer.measure_stability(image, roughness, num_seeds=3)
        assert not stability.is_exact
        assert max(one.spread for one in stability.weights) > 0


def changed_rows(explainer, row, radius=0.1, count=10):
    return explainer.components(row).nearby(radius, count, 1)


class TestSensitivity:
    @pytest.mark.parametrize("is_discrete", [True, False])
    def test_it_is_that_of_yeh_and_of_quantus(self, is_discrete):
        explainer = TabularExplainer(ROWS, discretize_continuous=is_discrete)
        settings = {"num_samples": 200, "num_features": 4}
        stability = explainer.measure_stability(ROWS[3], curved, radius=0.2, num_changes=5, num_seeds=2, **settings)
        changed = explainer.components(ROWS[3]).nearby(0.2, 5, 0)

        def attribution(row):
            vector = np.zeros(6)
            for number, weight in explainer.explain_instance(row, curved, **settings).as_map()[0]:
                vector[number] = weight
            return vector

        a = attribution(ROWS[3])
        differences = [a - attribution(row) for row in changed]
        sensitivity = stability.sensitivity
        assert sensitivity.largest == pytest.approx(max(np.sqrt((one**2).sum()) for one in differences))
        assert sensitivity.share == pytest.approx(max(np.linalg.norm(one) / np.linalg.norm(a) for one in differences))
        assert sensitivity.num_changes == 5
        assert sensitivity.largest > 0

    def test_of_a_linear_model_without_bins_it_is_nothing(self):
        explainer = TabularExplainer(ROWS, discretize_continuous=False, alpha=0)
        stability = explainer.measure_stability(ROWS[0], lambda rows: rows @ np.arange(6.0), num_features=6, num_seeds=2)
        assert stability.sensitivity.largest == pytest.approx(0, abs=1e-9)

    def test_changes_within_the_bins_change_nothing(self):
        row = np.median(ROWS, axis=0) + 0.3
        stability = TabularExplainer(ROWS).measure_stability(row, curved, radius=1e-6, num_samples=100, num_seeds=2)
        assert stability.sensitivity.largest == pytest.approx(0, abs=1e-12)

    def test_across_an_edge_it_is_the_difference_of_two_bins(self):
        """Of a step, which only the first column's bins can show, in closed form."""
        edge = np.quantile(ROWS[:, 0], 0.5)
        explainer = TabularExplainer(ROWS, alpha=0)
        row = np.append(edge - 1e-3, ROWS[0, 1:])
        stability = explainer.measure_stability(
            row, lambda rows: 1.0 * (rows[:, 0] > edge), radius=0.01, num_seeds=2, num_samples=5000, num_features=6
        )
        weights = []
        for value in (row, np.append(edge + 1e-3, ROWS[0, 1:])):
            made = explainer.explain_instance(value, lambda rows: 1.0 * (rows[:, 0] > edge), num_samples=5000, num_features=6)
            weights.append(made.as_map()[0][0][1])
        # Below the edge the other three bins have 2/3 of their mass above it; above it, 1/3.
        assert weights == pytest.approx([-2 / 3, 2 / 3], abs=0.02)
        assert stability.sensitivity.largest == pytest.approx(4 / 3, abs=0.03)

    @pytest.mark.parametrize(
        ("explainer", "instance"),
        [
            (TextExplainer(), "some words of a text"),
            (TimeSeriesExplainer(), np.arange(40.0)),
            (ComponentsExplainer(), Parts()),
        ],
    )
    def test_where_nothing_can_change_a_little_it_says_so(self, explainer, instance):
        stability = explainer.measure_stability(
            instance, lambda batch: [float(np.size(one)) for one in batch], num_seeds=2, num_samples=20
        )
        assert math.isnan(stability.sensitivity.largest)
        assert stability.sensitivity.num_changes == 0
        assert stability.sensitivity.reason.startswith("not available, because only numbers in a row change a little")
        assert stability.sensitivity.reason in repr(stability)

    @pytest.mark.parametrize("random_state", range(3))
    def test_changed_rows_explain_the_class_of_the_instance_where_another_is_predicted(self, random_state):
        rows, classes = load_iris(return_X_y=True)
        forest = RandomForestClassifier(30, random_state=0).fit(rows, classes)
        explainer = TabularExplainer(rows, random_state=random_state)
        row = rows[70]  # near the border of two classes
        own = forest.predict(row[None])[0]
        changed = explainer.components(row).nearby(1, 10, random_state)
        assert len(set(forest.predict(np.concatenate(changed)))) > 1
        stability = explainer.measure_stability(row, forest, radius=1, num_seeds=2)
        assert stability.label == own
        assert stability == explainer.measure_stability(row, forest, radius=1, num_seeds=2, label=int(own))
        weights = [
            dict(explainer.explain_instance(one, forest, labels=[int(own)]).as_map()[own])
            for one in (row, *(one[0] for one in changed))
        ]
        vectors = np.array([[one[number] for number in range(4)] for one in weights])
        assert stability.sensitivity.largest == pytest.approx(np.linalg.norm(vectors[1:] - vectors[0], axis=1).max())

    def test_priors_hold_for_the_components_of_changed_rows(self):
        """By number: the bin of a changed row may have another name."""
        edge = np.quantile(ROWS[:, 0], 0.5)
        explainer = TabularExplainer(ROWS)
        row = np.append(edge - 1e-3, ROWS[0, 1:])
        name = explainer.components(row).names[0]
        changed = explainer.components(row).nearby(0.1, 10, 0)
        assert {explainer.components(one).names[0] for one in changed} > {name}
        settings = {"num_samples": 200, "num_features": 6}
        found = explainer.measure_stability(row, curved, num_seeds=3, prior=Prior({name: 0.7}, 100), **settings)
        vectors = []
        for seed, one in [*((seed, row) for seed in range(3)), *((0, one) for one in changed)]:
            explainer = TabularExplainer(ROWS, random_state=seed)
            made = explainer.explain_instance(one, curved, prior=Prior({0: 0.7}, 100), **settings)
            vectors.append(np.zeros(6))
            for number, weight in made.as_map()[0]:
                vectors[-1][number] = weight
        (first,) = (one for one in found.weights if one.component == 0)
        assert first.weights == tuple(vector[0] for vector in vectors[:3])
        differences = np.linalg.norm(np.array(vectors[3:]) - vectors[0], axis=1)
        assert found.sensitivity.largest == pytest.approx(differences.max())
        plain = explainer.measure_stability(row, curved, num_seeds=3, **settings)
        assert found.sensitivity.largest < plain.sensitivity.largest

    def test_a_row_without_numbers(self):
        frame = pd.DataFrame({"job": RNG.choice(["smith", "baker"], 100), "flag": RNG.random(100) < 0.5})
        stability = TabularExplainer(frame).measure_stability(
            frame.iloc[0], lambda rows: (rows["job"] == "smith").to_numpy() * 1.0, num_seeds=2
        )
        assert "no number that can change so little" in stability.sensitivity.reason

    def test_what_a_table_changes(self):
        frame = pd.DataFrame(
            {
                "age": RNG.integers(20, 60, 300),
                "income": RNG.normal(size=300),
                "gap": np.where(RNG.random(300) < 0.3, np.nan, RNG.normal(size=300)),
                "job": RNG.choice(["smith", "baker"], 300),
                "x": RNG.normal(size=300),
                "y": RNG.normal(size=300),
                "flag": RNG.integers(0, 2, 300).astype(float),
            }
        )
        frame.loc[0, "gap"] = np.nan
        explainer = TabularExplainer(frame, groups={"place": ["x", "y"]})
        row = frame.iloc[0]
        changed = pd.concat(changed_rows(explainer, row, radius=0.2, count=50))
        assert changed["age"].dtype == frame["age"].dtype
        assert set(changed["age"]) > {row["age"]}
        assert np.abs(changed["age"] - row["age"]).max() <= 0.2 * frame["age"].std() + 0.5
        moved = np.abs(changed["income"] - row["income"]).to_numpy()
        assert 0.1 * frame["income"].std() < moved.max() <= 0.2 * frame["income"].std()
        assert changed["gap"].isna().all()
        for column in ("job", "x", "y", "flag"):
            assert (changed[column] == row[column]).all()

    def test_changed_rows_stay_inside_the_training_data(self):
        row = ROWS.max(axis=0)
        changed = np.concatenate(changed_rows(TabularExplainer(ROWS), row, radius=0.3, count=30))
        assert (changed <= row).all()
        assert (changed < row).any()


class TestCall:
    def test_inputs_are_counted(self):
        """Rows that the changed ones share are asked about once; each seed has the instance and rows of its own."""
        asked = []

        def model(rows):
            asked.extend(map(bytes, rows))
            return curved(rows)

        stability = TabularExplainer(ROWS).measure_stability(ROWS[0], model, num_seeds=3, num_changes=4, num_samples=100)
        assert stability.num_inputs == 3 * 100 + 4
        assert len(set(asked)) == stability.num_inputs - 2  # the instance comes three times

    def test_batches_are_no_larger_than_the_user_says(self):
        sizes = []

        def model(rows):
            sizes.append(len(rows))
            return curved(rows)

        explainer = TabularExplainer(ROWS)
        small = explainer.measure_stability(ROWS[0], model, num_seeds=3, num_samples=100, batch_size=7)
        assert max(sizes) == 7
        assert small == explainer.measure_stability(ROWS[0], curved, num_seeds=3, num_samples=100)

    def test_it_is_repeatable(self):
        explainer = TabularExplainer(ROWS)
        explainer.explain_instance(ROWS[7], curved, num_samples=50)
        first = explainer.measure_stability(ROWS[0], curved, num_seeds=3)
        assert first == TabularExplainer(ROWS).measure_stability(ROWS[0], curved, num_seeds=3)
        assert pickle.loads(pickle.dumps(first)) == first

    def test_what_was_drawn_with_other_seeds_is_not_kept(self):
        explainer = TabularExplainer(ROWS, random_state=3)
        explainer.measure_stability(ROWS[0], curved, num_seeds=4, num_samples=100)
        kept = explainer._chooser._shared._kept
        assert {design.seed[0] for design, _, _ in kept} == {3}

    def test_one_label_is_measured(self):
        def model(texts):
            present = np.array([[word in text for word in ("one", "two", "three")] for text in texts])
            return present @ np.diag([1.0, 2.0, 4.0])

        text = "one two three " + " ".join(f"w{number}" for number in range(20))
        explainer = TextExplainer(class_names=["a", "b", "c"], mode="regression")
        for label, word in enumerate(["one", "two", "three"]):
            stability = explainer.measure_stability(text, model, label="abc"[label], num_seeds=2, num_samples=100)
            assert stability.label == label
            assert stability.output_name == "abc"[label]
            assert stability.weights[0].name == word
            assert stability.unit == "score"

    def test_units(self):
        def model(texts):
            return [[0.2, 0.8] if "one" in text else [0.4, 0.6] for text in texts]

        assert TextExplainer().measure_stability("one two", model).unit == "probability"
        assert TextExplainer().measure_stability("one two", model, link="logit").unit == "log-odds"

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"num_seeds": 1}, ArgumentError, "num_seeds must be an integer of at least 2; got 1"),
            ({"num_seeds": 2.5}, ArgumentTypeError, "num_seeds must be an integer"),
            ({"num_changes": 0}, ArgumentError, "num_changes must be an integer of at least 1; got 0"),
            ({"radius": 0}, ArgumentError, "radius must be a finite number above 0; got 0"),
            ({"radius": "wide"}, ArgumentTypeError, "radius must be a"),
            ({"label": "none"}, LabelError, "none"),
            ({"num_samples": "many"}, ArgumentError, "num_samples must be"),
            ({"prior": {"one": 1}}, ArgumentTypeError, "prior must be a limelight.Prior"),
            ({"prior": Prior({"three": 1}, 2)}, ArgumentError, "no component is called 'three'"),
        ],
    )
    def test_wrong_arguments(self, arguments, error, message):
        with pytest.raises(error, match=message):
            TextExplainer().measure_stability("one two", lambda texts: [len(text) for text in texts], **arguments)

    def test_a_model_that_fails_with_another_seed(self):
        calls = []

        def model(rows):
            calls.append(len(rows))
            if len(calls) > 4:
                raise RuntimeError("out of order")
            return curved(rows)

        with pytest.raises(ModelError, match="out of order"):
            TabularExplainer(ROWS).measure_stability(ROWS[0], model, num_samples=100, batch_size=40)

    def test_the_users_handling_of_floating_point_errors_is_left_alone(self):
        seen = []

        def model(rows):
            seen.append(np.geterr()["under"])
            return 1e-300 * curved(rows)

        with np.errstate(all="raise"):
            stability = TabularExplainer(ROWS).measure_stability(ROWS[0], model, num_seeds=2, num_samples=50)
        assert set(seen) == {"raise"}
        assert math.isfinite(stability.vsi)


class TestShown:
    def test_frame(self):
        stability = measure(explanations(4))
        frame = stability.to_frame()
        assert list(frame.columns) == ["component", "name", "listed", "mean", "spread", "promised", "low", "high"]
        assert frame["mean"].tolist() == [one.mean for one in stability.weights]
        assert stability.to_frame("polars")["name"].to_list() == [one.name for one in stability.weights]
        assert stability.to_frame("pyarrow")["listed"].to_pylist() == [one.listed for one in stability.weights]
        with pytest.raises(ArgumentError, match="backend must be"):
            stability.to_frame("excel")

    def test_plot(self):
        stability = measure(explanations(4))
        ax = stability.plot(Figure().subplots())
        assert [tick.get_text() for tick in ax.get_yticklabels()] == [one.name for one in stability.weights]
        dots = np.concatenate([dots.get_offsets().compressed() for dots in ax.collections if len(dots.get_offsets()) == 4])
        assert len(dots) >= 2 * sum(one.listed for one in stability.weights)
        assert stability.plot().figure is not None

    def test_a_constant_model_is_told_in_words(self):
        rows = np.random.default_rng(0).normal(size=(200, 3))
        explainer = TabularExplainer(rows, shortcuts=False)
        text = repr(explainer.measure_stability(rows[0], lambda rows: np.full(len(rows), 0.3), num_seeds=3))
        assert "all seeds give the same" in text
        assert "0 score units (all weights are 0)" in text
        assert "nan" not in text
        assert "+0 " not in text
        few = repr(explainer.measure_stability(rows[0], lambda rows: rows[:, 0], num_samples=4, num_seeds=3, num_changes=1))
        assert "promised not known" in few
        assert "CSI not known" in few
        assert "in 1 change of" in few
        assert "nan" not in few

    def test_rounding_is_no_figure(self):
        rows = np.random.default_rng(0).normal(size=(200, 3))
        explainer = TabularExplainer(rows, discretize_continuous=False)
        for model in (lambda rows: 0.3 + 1e-17 * rows[:, 0], lambda rows: np.full(len(rows), 0.1) + 0.2):
            stability = explainer.measure_stability(rows[0], model, num_seeds=3)
            assert {(one.mean, one.spread, one.promised) for one in stability.weights} == {(0.0, 0.0, 0.0)}
            assert (stability.distance, stability.sensitivity.largest) == (0, 0)
            assert "e-1" not in repr(stability)

    def test_a_single_component_is_told_in_the_singular(self):
        text = repr(TextExplainer().measure_stability("good", lambda texts: ["good" in text for text in texts]))
        assert "(2 inputs)" in text
        rows = np.random.default_rng(0).normal(size=(200, 1))
        text = repr(TabularExplainer(rows).measure_stability(rows[0], lambda rows: rows[:, 0], num_seeds=2))
        assert "the only component is listed" in text

    def test_names_are_escaped(self):
        stability = TextExplainer(split_expression=" ").measure_stability(
            "good \x1b[31m \u202egnp $x^2$", lambda texts: [len(text) for text in texts]
        )
        assert "".join(repr(stability).splitlines()).isprintable()
        stability.plot(Figure().subplots()).figure.canvas.draw()

    def test_it_is_public(self):
        assert limelight.Stability is Stability
        assert Stability.__module__ == "limelight"
