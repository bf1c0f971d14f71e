"""Whether the model does what an explanation says: curves, comprehensiveness, sufficiency and infidelity."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestRegressor

import limelight
from limelight import ComponentsExplainer, Faithfulness, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError, PredictionError
from limelight.extend import Explainer, Neighbourhood, PartsView, Values, euclidean

RNG = np.random.default_rng(11)
COUNT = 14
EFFECTS, PRODUCTS = RNG.normal(size=COUNT), np.triu(RNG.normal(size=(COUNT, COUNT)), 1) * 0.3
ROWS = RNG.normal(size=(500, 5))
EXACT = {"alpha": 0.0, "feature_selection": "none"}


class Parts:
    names = tuple(f"part {number}" for number in range(COUNT))

    def compose(self, masks):
        return np.asarray(masks, dtype=float)


def additive(masks):
    return 0.7 + masks @ EFFECTS


def bent(masks):
    return masks @ EFFECTS + np.einsum("ni,ij,nj->n", masks, PRODUCTS, masks)


def trapezoid(heights):
    """Quantus's `calculate_auc`: the area with steps of width 1."""
    return sum((before + after) / 2 for before, after in pairwise(heights))


def measured(model, explainer=None, num_features=COUNT, num_samples=200, **arguments):
    explainer = explainer or ComponentsExplainer(**(EXACT if num_features == COUNT else {"alpha": 0.0}))
    made = explainer.explain_instance(Parts(), model, num_features=num_features, num_samples=num_samples)
    return made, explainer.measure_faithfulness(Parts(), model, made, **arguments)


class TestAdditiveModel:
    def test_curves_in_closed_form(self):
        _, found = measured(additive)
        order = np.argsort(-EFFECTS)
        assert found.components == tuple(order)
        assert found.num_for == np.count_nonzero(EFFECTS > 0)
        sums = np.append(0, np.cumsum(EFFECTS[order]))
        whole = 0.7 + EFFECTS.sum()
        assert found.deletion.counts == tuple(range(COUNT + 1))
        np.testing.assert_allclose(found.deletion.predictions, whole - sums)
        np.testing.assert_allclose(found.insertion.predictions, 0.7 + sums)
        assert found.deletion.area == pytest.approx(trapezoid(whole - sums) / COUNT)
        assert found.insertion.area == pytest.approx(trapezoid(0.7 + sums) / COUNT)
        assert found.deletion.area_error == 0
        assert found.num_rows == 1

    def test_no_order_is_better(self):
        _, found = measured(additive, num_orders=200)
        assert found.deletion.area < found.deletion.random_area - 5 * found.deletion.random_area_error
        assert found.insertion.area > found.insertion.random_area + 5 * found.insertion.random_area_error

    def test_random_orders_in_closed_form(self):
        """Each component is gone after step i with probability i / d: the mean curve is a straight line."""
        _, found = measured(additive, num_orders=400)
        line = 0.7 + EFFECTS.sum() * (1 - np.arange(COUNT + 1) / COUNT)
        errors = np.array(found.deletion.random_errors)
        assert np.all(np.abs(found.deletion.random - line) <= 4 * errors + 1e-9)
        assert errors.max() > 0
        assert abs(found.deletion.random_area - (0.7 + EFFECTS.sum() / 2)) < 4 * found.deletion.random_area_error
        np.testing.assert_allclose(found.deletion.random[-1], 0.7)

    def test_what_is_not_listed_takes_its_turn_between(self):
        made, found = measured(additive, num_features=4)
        listed = sorted((number for number, _ in made.as_map()[0]), key=lambda number: -EFFECTS[number])
        assert found.components == tuple(listed)
        counts = [*range(found.num_for + 1), *range(COUNT - 4 + found.num_for, COUNT + 1)]
        assert found.deletion.counts == tuple(counts)
        order = [*listed[: found.num_for], *(set(range(COUNT)) - set(listed)), *listed[found.num_for :]]
        remaining = additive(np.ones(COUNT)) - np.append(0, np.cumsum(EFFECTS[order]))
        np.testing.assert_allclose(found.deletion.predictions, remaining[counts])
        heights = (remaining[counts][1:] + remaining[counts][:-1]) / 2
        assert found.deletion.area == pytest.approx((heights * np.diff(counts)).sum() / COUNT)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_right_list_of_what_speaks_against_the_output_is_better_than_chance(self, sign):
        """Of effects that are all against it, the heaviest one goes last: then the output stays low for longest."""
        effects = np.zeros(COUNT)
        effects[:4] = sign * np.array([1.0, 2.0, 3.0, 4.0])
        _, found = measured(lambda masks: masks @ effects, num_features=3, num_orders=50)
        assert found.deletion.area < found.deletion.random_area - 5 * found.deletion.random_area_error
        assert found.insertion.area > found.insertion.random_area + 5 * found.insertion.random_area_error

    def test_comprehensiveness_and_sufficiency(self):
        _, found = measured(additive)
        positive = EFFECTS[EFFECTS > 0].sum()
        assert found.comprehensiveness == pytest.approx(positive)
        assert found.sufficiency == pytest.approx(EFFECTS.sum() - positive)
        assert found.comprehensiveness_error == found.sufficiency_error == 0

    def test_infidelity_is_nothing(self):
        _, found = measured(additive)
        assert found.infidelity == pytest.approx(0, abs=1e-18)
        assert found.infidelity_share == pytest.approx(0, abs=1e-18)

    def test_weights_of_components_that_are_not_listed_count_as_nothing(self):
        """Of fair coins the mean square of a sum is known: from the sum of the terms, and the sum of their squares."""
        made, found = measured(additive, num_features=9)
        exact = ComponentsExplainer(alpha=0).measure_faithfulness(Parts(), additive, made, num_samples=2**COUNT)
        missing = EFFECTS.copy()
        for number, weight in made.as_map()[0]:
            missing[number] -= weight
        assert exact.infidelity == pytest.approx((missing.sum() ** 2 + (missing**2).sum()) / 4)
        assert exact.infidelity_error == 0
        assert abs(found.infidelity - exact.infidelity) < 4 * found.infidelity_error

    def test_a_rationale_of_opposite_weights_does_not_cancel(self):
        """Together two opposite effects change nothing; the one that speaks for the output is what is asked about."""

        def model(texts):
            return [0.5 + 0.3 * ("good" in text) - 0.3 * ("bad" in text) for text in texts]

        explainer = TextExplainer(alpha=0)
        made = explainer.explain_instance("good and bad", model)
        found = explainer.measure_faithfulness("good and bad", model, made)
        assert found.names[0] == "good"
        assert found.names[-1] == "bad"
        assert found.comprehensiveness == pytest.approx(0.3)
        assert found.deletion.predictions[-1] == pytest.approx(0.5)


class TestAgainstDefinitions:
    """Plain transcriptions of the definitions, where the model is no sum."""

    def test_pixel_flipping_as_quantus_computes_it(self):
        """Quantus flips by descending attribution, each flip beside the earlier ones, and keeps the predictions."""
        made, found = measured(bent)
        attribution = np.zeros(COUNT)
        for number, weight in made.as_map()[0]:
            attribution[number] = weight
        flipped, predictions = np.ones(COUNT), []
        for number in np.argsort(-attribution, kind="stable"):
            flipped[number] = 0
            predictions.append(float(bent(flipped[None])[0]))
        assert found.deletion.predictions[1:] == pytest.approx(predictions)
        whole = float(bent(np.ones((1, COUNT)))[0])
        assert found.deletion.area * COUNT == pytest.approx(trapezoid([whole, *predictions]))

    def test_comprehensiveness_and_sufficiency_of_eraser(self):
        made, found = measured(bent, num_features=5)
        rationale = [number for number, weight in made.as_map()[0] if weight > 0]
        assert rationale
        without, alone = np.ones((1, COUNT)), np.zeros((1, COUNT))
        without[0, rationale], alone[0, rationale] = 0, 1
        whole = bent(np.ones((1, COUNT)))[0]
        assert found.comprehensiveness == pytest.approx(whole - bent(without)[0])
        assert found.sufficiency == pytest.approx(whole - bent(alone)[0])

    def test_infidelity_of_yeh(self):
        made, sampled = measured(bent, num_samples=257)
        explainer = ComponentsExplainer(**EXACT)
        exact = explainer.measure_faithfulness(Parts(), bent, made, num_samples=2**COUNT)
        weights = np.zeros(COUNT)
        for number, weight in made.as_map()[0]:
            weights[number] = weight
        masks = (np.arange(2**COUNT)[:, None] >> np.arange(COUNT) & 1).astype(float)
        removed = 1 - masks
        falls = bent(np.ones((1, COUNT))) - bent(masks)
        expected = np.mean((removed @ weights - falls) ** 2)
        assert exact.infidelity == pytest.approx(expected)
        assert exact.infidelity_error == 0
        assert exact.infidelity_share == pytest.approx(expected / np.mean(falls**2))
        assert sampled.infidelity_error > 0
        assert abs(sampled.infidelity - expected) < 4 * sampled.infidelity_error

    def test_the_error_of_infidelity_is_honest(self):
        """The distance from the enumeration is as large as the error says."""
        made, _ = measured(bent)
        exact = ComponentsExplainer(**EXACT).measure_faithfulness(Parts(), bent, made, num_samples=2**COUNT).infidelity
        ratios = []
        for seed in range(40):
            found = ComponentsExplainer(random_state=seed, **EXACT).measure_faithfulness(Parts(), bent, made, num_samples=129)
            ratios.append((found.infidelity - exact) / found.infidelity_error)
        assert abs(np.mean(ratios)) < 0.8
        assert np.std(ratios) < 1.6

    def test_perturbations_are_other_ones_than_those_of_the_explanation(self):
        """Weights that fit their own noise have a small residual there, and a large infidelity elsewhere."""
        seen = []

        def model(masks):
            seen.append(masks.copy())
            return bent(masks)

        explainer = ComponentsExplainer()
        made = explainer.explain_instance(Parts(), model, num_samples=100)
        explained = {row.tobytes() for row in np.concatenate(seen)}
        seen.clear()
        explainer.measure_faithfulness(Parts(), model, made, num_samples=100, num_orders=2)
        fresh = seen[0]  # the perturbations of the infidelity come first
        assert len(fresh) > 90
        assert sum(row.tobytes() in explained for row in fresh) < 10


class TestModel:
    def test_a_model_that_ignores_what_is_listed(self):
        """It says the same of the instance, so that only further inputs can tell."""
        explainer = TextExplainer(alpha=0)
        made = explainer.explain_instance("a good film", lambda texts: [0.1 + 0.5 * ("good" in text) for text in texts])
        found = explainer.measure_faithfulness("a good film", lambda texts: [0.6 for _ in texts], made)
        assert found.comprehensiveness == pytest.approx(0)
        assert found.sufficiency == pytest.approx(0)
        assert found.deletion.area == pytest.approx(0.6) == found.deletion.random_area
        assert found.infidelity > 0.01
        assert math.isnan(found.infidelity_share)

    def test_a_list_without_anything_for_the_output(self):
        explainer = TextExplainer(alpha=0)
        model = lambda texts: [0.9 - 0.1 * len(text.split()) for text in texts]  # noqa: E731
        made = explainer.explain_instance("one two three", model)
        found = explainer.measure_faithfulness("one two three", model, made)
        assert found.num_for == 0
        assert math.isnan(found.comprehensiveness)
        assert math.isnan(found.sufficiency)
        assert "no listed component speaks for the output" in repr(found)

    def test_log_odds(self):
        def model(texts):
            scores = np.array([("good" in text) + 0.5 * ("old" in text) for text in texts])
            probabilities = 1 / (1 + np.exp(-scores))
            return np.column_stack([1 - probabilities, probabilities])

        explainer = TextExplainer(alpha=0)
        made = explainer.explain_instance("good old film", model, link="logit")
        found = explainer.measure_faithfulness("good old film", model, made)
        assert found.unit == "log-odds"
        assert found.comprehensiveness == pytest.approx(1.5)
        assert found.infidelity == pytest.approx(0, abs=1e-12)
        assert "in log-odds" in repr(found)

    def test_each_label_has_its_own(self):
        def model(texts):
            present = np.array([[word in text for word in ("one", "two")] for text in texts])
            return present @ np.diag([1.0, 2.0])

        explainer = TextExplainer(class_names=["a", "b"], mode="regression", alpha=0)
        made = explainer.explain_instance("one two three", model)
        assert explainer.measure_faithfulness("one two three", model, made, label="a").comprehensiveness == pytest.approx(1)
        assert explainer.measure_faithfulness("one two three", model, made, label=1).comprehensiveness == pytest.approx(2)
        with pytest.raises(LabelError, match="was not explained"):
            explainer.measure_faithfulness("one two three", model, made, label="c")

    def test_long_lists_take_several_components_a_step(self):
        words = [f"w{number}" for number in range(57)]
        effects = np.linspace(1, -0.5, 57)
        model = lambda texts: [sum(effects[int(word[1:])] for word in text.split()) for text in texts]  # noqa: E731
        explainer = TextExplainer(**EXACT)
        made = explainer.explain_instance(" ".join(words), model, num_samples=500, num_features=57)
        found = explainer.measure_faithfulness(" ".join(words), model, made, num_orders=2)
        counts = np.array(found.deletion.counts)
        assert len(counts) <= 23
        assert (counts[0], counts[-1]) == (0, 57)
        assert found.num_for in counts
        remaining = np.array([effects[count:].sum() for count in counts])
        np.testing.assert_allclose(found.deletion.predictions, remaining, atol=1e-9)
        heights = (remaining[1:] + remaining[:-1]) / 2
        assert found.deletion.area == pytest.approx((heights * np.diff(counts)).sum() / 57)


class TestArrays:
    def test_an_image_without_its_superpixels(self):
        labels = np.arange(16)[:, None] // 8 * 2 + np.arange(16) // 8
        image = np.repeat(np.repeat([[10.0, 20], [30, 40]], 8, axis=0), 8, axis=1)
        explainer = ImageExplainer(labels, fill=0.0, alpha=0)
        model = lambda images: np.asarray(images).mean(axis=(1, 2))  # noqa: E731
        made = explainer.explain_instance(image, model)
        found = explainer.measure_faithfulness(image, model, made)
        assert found.components == (3, 2, 1, 0)
        assert found.deletion.predictions == pytest.approx([25, 15, 7.5, 2.5, 0])
        assert found.insertion.predictions == pytest.approx([0, 10, 17.5, 22.5, 25])
        assert found.infidelity == pytest.approx(0, abs=1e-15)

    def test_a_series_without_its_segments(self):
        series = np.repeat([4.0, 1.0, 3.0, 2.0], 10)
        explainer = TimeSeriesExplainer(segmentation=np.arange(40) // 10, fill=0.0, alpha=0)
        model = lambda batch: np.asarray(batch).mean(axis=1)  # noqa: E731
        made = explainer.explain_instance(series, model)
        found = explainer.measure_faithfulness(series, model, made)
        assert found.components == (0, 2, 3, 1)
        assert found.deletion.predictions == pytest.approx([2.5, 1.5, 0.75, 0.25, 0])


class TestRows:
    def categories(self):
        frame = pd.DataFrame({name: RNG.choice(["x", "y", "z"], 400, p=[0.5, 0.3, 0.2]) for name in "abcd"})
        effects = {"a": 2.0, "b": 1.0, "c": -0.5, "d": 0.0}

        def model(rows):
            return sum(effect * (rows[name] == "x").to_numpy() for name, effect in effects.items())

        row = frame.iloc[0].copy()
        row[:] = "x"
        shares = {name: (frame[name] == "x").mean() for name in "abcd"}
        return frame, row, model, effects, shares

    def test_removed_columns_are_drawn_anew(self):
        """The mean is over the column's law, in which the row's own state comes again with its share."""
        frame, row, model, effects, shares = self.categories()
        explainer = TabularExplainer(frame, alpha=0)
        made = explainer.explain_instance(row, model, num_samples=2000)
        found = explainer.measure_faithfulness(row, model, made, num_rows=1024)
        assert found.num_rows == 1024
        assert [frame.columns[number] for number in found.components][:2] == ["a", "b"]
        falls = {name: effect * (1 - shares[name]) for name, effect in effects.items()}
        assert found.deletion.predictions[0] == 2.5
        assert found.deletion.predictions[1] == pytest.approx(2.5 - falls["a"], abs=0.01)
        assert found.deletion.predictions[2] == pytest.approx(2.5 - falls["a"] - falls["b"], abs=0.01)
        drawn = sum(effect * shares[name] for name, effect in effects.items())
        assert found.deletion.predictions[-1] == pytest.approx(drawn, abs=0.01)
        assert found.insertion.predictions[0] == pytest.approx(drawn, abs=0.01)
        assert found.insertion.predictions[-1] == 2.5
        assert 0 < found.comprehensiveness_error < 0.05
        assert 0 < found.deletion.area_error < 0.05
        assert "means over 1024 rows" in repr(found)

    def test_the_error_of_rows_covers_the_truth(self):
        frame, row, model, effects, shares = self.categories()
        made = TabularExplainer(frame, alpha=0).explain_instance(row, model, num_samples=2000)
        held = []
        for seed in range(40):
            found = TabularExplainer(frame, alpha=0, random_state=seed).measure_faithfulness(row, model, made, num_rows=64)
            falls = [effects[name] * (1 - shares[name]) for name in frame.columns[list(found.components[: found.num_for])]]
            held.append(abs(found.comprehensiveness - sum(falls)) < 2 * found.comprehensiveness_error)
        assert np.mean(held) > 0.9

    def test_infidelity_of_a_sum_of_bins_is_nothing(self):
        rows = np.column_stack([RNG.integers(0, 4, 500) for _ in range(4)]).astype(float)
        model = lambda rows: (rows[:, 0] == 2) + 0.5 * (rows[:, 1] == 1)  # noqa: E731
        explainer = TabularExplainer(rows, categorical_features=range(4), alpha=0)
        row = np.array([2.0, 1.0, 0.0, 3.0])
        made = explainer.explain_instance(row, model, num_samples=1000)
        assert explainer.measure_faithfulness(row, model, made).infidelity == pytest.approx(0, abs=1e-15)

    def test_an_exact_explanation(self):
        forest = RandomForestRegressor(20, max_depth=4, random_state=0).fit(ROWS, ROWS[:, 0] + ROWS[:, 1])
        explainer = TabularExplainer(ROWS)
        made = explainer.explain_instance(ROWS[0], forest)
        assert made.is_exact
        found = explainer.measure_faithfulness(ROWS[0], forest, made)
        assert 0 < found.infidelity_share < 1
        assert found.deletion.predictions[0] == pytest.approx(forest.predict(ROWS[:1])[0])

    def test_slopes_have_infidelity_and_no_curves(self):
        explainer = TabularExplainer(ROWS, discretize_continuous=False, alpha=0)
        model = lambda rows: rows @ np.arange(5.0)  # noqa: E731
        made = explainer.explain_instance(ROWS[0], model, num_samples=200)
        found = explainer.measure_faithfulness(ROWS[0], model, made)
        assert found.infidelity == pytest.approx(0, abs=1e-12)
        assert found.deletion is None is found.insertion
        assert found.reason.startswith("not available, because columns without bins have slopes")
        assert "curves: not available" in repr(found)
        assert len(found.to_frame()) == 0
        with pytest.raises(ArgumentError, match="no curves to draw: not available, because columns without bins"):
            found.plot()

    def test_groups_are_drawn_together_and_constraints_hold(self):
        seen = []
        rows = np.column_stack([np.eye(3)[RNG.integers(0, 3, 300)], RNG.normal(size=(300, 2))])

        def model(batch):
            seen.append(batch.copy())
            return batch[:, 0] + batch[:, 3]

        def smaller(batch):
            return batch[:, 3] < 1.5

        explainer = TabularExplainer(rows, groups={"kind": [0, 1, 2]}, constraint=smaller)
        row = next(one for one in rows if one[3] < 0)
        made = explainer.explain_instance(row, model, num_samples=200)
        seen.clear()
        found = explainer.measure_faithfulness(row, model, made)
        asked = np.concatenate(seen)
        assert (asked[:, :3].sum(axis=1) == 1).all()
        assert (asked[:, 3] < 1.5).all()
        assert found.num_inputs == len(asked)

    def test_a_constraint_that_keeps_nothing_is_said(self):
        """It keeps the instance and whole drawn rows, but no row that is put together from both."""
        rows = np.column_stack([ROWS[:, 0], ROWS[:, 0], ROWS[:, 1]])
        whole = TabularExplainer(rows, constraint=lambda batch: (batch[:, 0] > 0) == (batch[:, 1] > 0))
        row = np.array([2.0, 2.0, 0.5])
        model = lambda batch: batch[:, 0] - batch[:, 1]  # noqa: E731
        made = whole.explain_instance(row, model, num_samples=300, num_features=2)
        found = whole.measure_faithfulness(row, model, made)
        assert found.num_rows < 16  # each curve needs the same draws at all steps
        strict = TabularExplainer(rows, constraint=lambda batch: np.abs(batch - row).min(axis=1) > 0)
        found = strict.measure_faithfulness(row, model, made)
        assert found.deletion is None
        assert "the constraint keeps no drawn row" in found.reason


class TestCall:
    def test_inputs_are_counted(self):
        asked = []

        def model(masks):
            asked.append(len(masks))
            return masks[:, 0] + masks[:, 1] * masks[:, 2]

        explainer = ComponentsExplainer()
        made = explainer.explain_instance(Parts(), model, num_samples=100, num_features=5)
        asked.clear()
        found = explainer.measure_faithfulness(Parts(), model, made, num_samples=100, batch_size=7)
        assert found.num_inputs == sum(asked)
        assert max(asked) == 7
        assert found == explainer.measure_faithfulness(Parts(), model, made, num_samples=100)

    def test_no_row_is_asked_about_more_often_than_it_must_be(self):
        """Only the instance, and the drawn rows, come for the infidelity and for the curves."""
        asked = []

        def model(rows):
            asked.extend(map(bytes, rows))
            return rows[:, 0] * rows[:, 1]

        explainer = TabularExplainer(ROWS)
        made = explainer.explain_instance(ROWS[0], model)
        asked.clear()
        found = explainer.measure_faithfulness(ROWS[0], model, made)
        assert len(asked) == found.num_inputs
        assert len(asked) - len(set(asked)) == 1 + found.num_rows

    def test_outputs_with_names_may_come_in_another_order_each_time(self):
        calls = []

        def model(texts):
            calls.append(len(texts))
            frame = pd.DataFrame(
                {"a": [1.0 * ("one" in text) for text in texts], "b": [2.0 * ("two" in text) for text in texts]}
            )
            return frame[["a", "b"] if len(calls) < 3 else ["b", "a"]]

        explainer = TextExplainer(mode="regression", alpha=0)
        made = explainer.explain_instance("one two three", model)
        calls.clear()
        found = explainer.measure_faithfulness("one two three", model, made, label="a", batch_size=2)
        assert len(calls) > 3
        assert found.comprehensiveness == pytest.approx(1)

    def test_it_is_repeatable(self):
        explainer = TabularExplainer(ROWS)
        model = lambda rows: rows[:, 0] * rows[:, 1]  # noqa: E731
        made = explainer.explain_instance(ROWS[0], model)
        first = explainer.measure_faithfulness(ROWS[0], model, made)
        explainer.explain_instance(ROWS[1], model)
        assert explainer.measure_faithfulness(ROWS[0], model, made) == first
        assert TabularExplainer(ROWS).measure_faithfulness(ROWS[0], model, made) == first
        assert pickle.loads(pickle.dumps(first)) == first
        other = TabularExplainer(ROWS, random_state=1).measure_faithfulness(ROWS[0], model, made)
        assert other != first

    def test_a_model_of_fewer_outputs_is_another_one(self):
        explainer = TextExplainer(mode="regression")
        made = explainer.explain_instance("one two", lambda texts: [[len(text), 5, 1] for text in texts], labels=[2])
        with pytest.raises(ArgumentError, match="the model says 7 of the instance, where 7, 5, 1 was explained"):
            explainer.measure_faithfulness("one two", lambda texts: [len(text) for text in texts], made, label=2)

    def test_the_explanation_must_be_of_this_instance_and_model(self):
        explainer = TextExplainer()
        model = lambda texts: [len(text) for text in texts]  # noqa: E731
        made = explainer.explain_instance("one two", model)
        with pytest.raises(ArgumentError, match="explanation is of another instance"):
            explainer.measure_faithfulness("one three", model, made)
        with pytest.raises(ArgumentError, match="the model says 3 of the instance, where 7 was explained"):
            explainer.measure_faithfulness("one two", lambda texts: [3 for _ in texts], made)
        with pytest.raises(ArgumentTypeError, match="explanation must be what explain_instance gave; got str"):
            explainer.measure_faithfulness("one two", model, "made")
        with pytest.raises(PredictionError):
            explainer.measure_faithfulness("one two", lambda texts: [math.nan for _ in texts], made)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"num_orders": 1}, ArgumentError, "num_orders must be an integer of at least 2; got 1"),
            ({"num_rows": 1}, ArgumentError, "num_rows must be an integer of at least 2; got 1"),
            ({"num_samples": 2}, ArgumentError, "num_samples must be an integer of at least 3; got 2"),
            ({"num_samples": "auto"}, ArgumentTypeError, "num_samples must be an integer"),
            ({"batch_size": 0}, ArgumentError, "batch_size must be an integer of at least 1; got 0"),
        ],
    )
    def test_wrong_arguments(self, arguments, error, message):
        explainer = TextExplainer()
        model = lambda texts: [len(text) for text in texts]  # noqa: E731
        made = explainer.explain_instance("one two", model)
        with pytest.raises(error, match=message):
            explainer.measure_faithfulness("one two", model, made, **arguments)

    def test_values_that_do_not_say_what_is_without(self):
        found = Dials().measure_faithfulness([1.0, 2.0], turned, Dials().explain_instance([1.0, 2.0], turned, num_samples=50))
        assert found.reason == (
            "not available, because DialValues does not say what the instance is with some components absent: it has no method "
            "composed."
        )
        assert found.infidelity >= 0

    @pytest.mark.parametrize("scale", [1e-140, 1e140])
    def test_outputs_of_any_size(self, scale):
        with np.errstate(all="raise"):
            _, found = measured(lambda masks: scale * additive(masks), num_samples=64)
        assert found.deletion.area == pytest.approx(scale * measured(additive, num_samples=64)[1].deletion.area)


def turned(rows):
    return np.asarray(rows).sum(axis=1)


class DialValues(Values):
    names = ("first", "second")
    content = 7

    def __init__(self, positions):
        self.positions = np.array(positions)
        self.view = PartsView(("first", "second"))

    def neighbourhood(self, design, stretch):
        drawn = design.points(2, stretch)
        rows = np.vstack([self.positions, np.floor(drawn.values * 3)])
        return Neighbourhood((rows == self.positions).astype(np.uint8), Taken(rows), drawn.law_weights, drawn.replicates, None)


class Taken:
    def __init__(self, rows):
        self.rows = rows

    def take(self, numbers):
        return self.rows[numbers]


class Dials(Explainer):
    default_design = "sobol"
    default_kernel_width = 1.5
    distances = staticmethod(euclidean)

    def components(self, instance):
        return DialValues(instance)


class TestShown:
    def test_frame(self):
        _, found = measured(bent, num_features=3)
        steps = len(found.deletion.counts)
        frame = found.to_frame()
        assert list(frame.columns) == ["curve", "count", "prediction", "random", "random_error"]
        assert frame["curve"].tolist() == ["deletion"] * steps + ["insertion"] * steps
        assert frame["prediction"].tolist() == [*found.deletion.predictions, *found.insertion.predictions]
        assert found.to_frame("polars")["count"].to_list() == [*found.deletion.counts] * 2
        assert found.to_frame("pyarrow")["random"].to_pylist() == [*found.deletion.random, *found.insertion.random]
        with pytest.raises(ArgumentError, match="backend must be"):
            found.to_frame("excel")

    def test_plot(self):
        _, found = measured(bent, num_features=5)
        ax = found.plot(Figure().subplots())
        drawn = [line.get_ydata() for line in ax.get_lines()]
        for curve in (found.deletion, found.insertion):
            assert any(np.array_equal(ydata, curve.predictions) for ydata in drawn)
            assert any(np.array_equal(ydata, curve.random) for ydata in drawn)
        figure = found.plot().figure
        figure.canvas.draw()
        (drawn,) = figure.axes
        assert drawn.get_legend().get_window_extent().y1 < drawn.get_window_extent().y0  # it covers no curve
        assert figure.bbox.y0 <= drawn.get_legend().get_window_extent().y0

    def test_rounding_is_no_figure(self):
        explainer = TabularExplainer(ROWS, discretize_continuous=False)
        for model in (lambda rows: np.full(len(rows), 0.3), lambda rows: 0.3 + 1e-17 * rows[:, 0]):
            made = explainer.explain_instance(ROWS[0], model)
            assert "infidelity: 0" in repr(explainer.measure_faithfulness(ROWS[0], model, made))
        _, found = measured(lambda masks: np.full(len(masks), 0.1) + 0.2)
        assert (found.deletion.random_area_error, found.insertion.random_area_error) == (0, 0)
        assert found.infidelity == 0
        assert "±" not in repr(found)
        _, found = measured(additive)
        assert (found.infidelity, found.infidelity_error, found.infidelity_share) == (0, 0, 0)
        _, found = measured(lambda masks: 0.1 * masks[:, 0] + 0.2 * masks[:, 1] + 0.3)
        assert found.sufficiency == 0

    def test_text_says_what_the_numbers_are(self):
        _, found = measured(bent, num_features=5)
        text = repr(found)
        assert f"({found.num_inputs} inputs)" in text
        assert "as a score" in text
        assert "that of random orders" in text
        assert f"{found.infidelity_share:.1%} of that of weights of 0" in text

    def test_names_are_escaped(self):
        explainer = TextExplainer(class_names=["$x^2$\x1b[31m", "b"])
        made = explainer.explain_instance("one two", lambda texts: [[0.2, 0.8] for _ in texts], labels=[0])
        found = explainer.measure_faithfulness("one two", lambda texts: [[0.2, 0.8] for _ in texts], made)
        assert "".join(repr(found).splitlines()).isprintable()
        found.plot(Figure().subplots()).figure.canvas.draw()

    def test_it_is_public(self):
        assert limelight.Faithfulness is Faithfulness
        assert Faithfulness.__module__ == "limelight"
