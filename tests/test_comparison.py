"""Two models on one instance, or on many: planted differences are found, and equal models have none."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from helpers.hostile import PAYLOADS
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from limelight import (
    Comparison,
    ComponentsExplainer,
    Explanation,
    Explanations,
    Failure,
    ImageExplainer,
    Prior,
    TabularExplainer,
    TextExplainer,
    compare,
)
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError

D = 12
RNG = np.random.default_rng(5)
EFFECTS = RNG.normal(size=D)
PRODUCTS = np.triu(RNG.normal(size=(D, D)), 1)


class Parts:
    names = tuple(f"part {number}" for number in range(D))

    def compose(self, masks):
        return np.asarray(masks, dtype=float)


def curved(masks):
    """Far from linear, so that its weights have errors."""
    return masks @ EFFECTS + np.einsum("ni,ij,nj->n", masks, PRODUCTS, masks)


def changed(masks):
    """The same with other effects of two parts."""
    return curved(masks) + 0.3 * masks[:, 2] - 0.2 * masks[:, 7]


def compared(first=curved, second=changed, explainer=None, **arguments):
    explainer = explainer or ComponentsExplainer()
    return explainer.compare_models(Parts(), first, second, **{"num_samples": 300, **arguments})


def one_of_each(explainer=None, instance=None, first=curved, second=changed, **arguments):
    explainer, instance = explainer or ComponentsExplainer(), instance or Parts()
    arguments = {"num_samples": 300, **arguments}
    return [explainer.explain_instance(instance, model, **arguments) for model in (first, second)]


class TestDifferences:
    def test_planted_ones_are_found_and_no_others(self):
        """The models differ by a linear model, which no perturbation hides: paired errors are next to nothing."""
        made = compared(explainer=ComponentsExplainer(alpha=0, feature_selection="none"))
        assert made.methods == ("paired",)
        found = {one.component: one for one in made.differences()}
        assert len(found) == D
        for component, one in found.items():
            assert one.difference == pytest.approx({2: -0.3, 7: 0.2}.get(component, 0), abs=0.01)
            assert one.is_certain is (component in (2, 7))
            assert one.low - 1e-6 <= one.difference <= one.high + 1e-6
        assert [name for name, _ in made.as_list(certain=True)] == ["part 2", "part 7"]
        # The errors of both models' own weights would hide them.
        half_widths = np.subtract(made.first.surrogate().highs, made.first.surrogate().weights)
        assert np.median(half_widths) > 0.2

    @pytest.mark.parametrize("num_samples", [100, 300, "auto", 6])
    def test_the_same_model_twice_never_differs(self, num_samples):
        for seed in range(10):
            made = compared(second=curved, explainer=ComponentsExplainer(random_state=seed), num_samples=num_samples)
            assert not any(one.is_certain for one in made.differences())
            assert all(one.difference == 0 for one in made.differences())

    def test_what_the_penalty_does_to_equal_effects_is_no_difference(self):
        """All masks are asked about, and the model differs by one word: the ridge moves the other weights by a little."""

        def model(texts, film):
            return np.array([0.4 * ("good" in text) + film * ("film" in text) for text in texts])

        explainer, text = TextExplainer(), "a good film of an old day"
        made = explainer.compare_models(text, lambda texts: model(texts, 0.4), lambda texts: model(texts, -0.1))
        assert made.methods == ("exact",)
        assert [name for name, _ in made.as_list(certain=True)] == ["film"]
        assert sum(one.difference != 0 for one in made.differences()) > 1
        assert "hardly differs" in repr(made)

    def test_a_model_that_only_rounds_otherwise_never_differs(self):
        made = compared(second=lambda masks: curved(masks).astype(np.float32))
        assert any(one.difference for one in made.differences())
        assert not any(one.is_certain for one in made.differences())

    @pytest.mark.parametrize("num_samples", [129, 400])
    def test_intervals_hold_the_differences_of_all_masks(self, num_samples):
        def second(masks):
            return curved(masks) + np.einsum("ni,ij,nj->n", masks - 0.5, PRODUCTS, masks[:, ::-1] - 0.5)

        options = {"feature_selection": "none", "alpha": 0.0}
        truth = compared(second=second, explainer=ComponentsExplainer(**options), num_samples=4096)
        assert truth.methods == ("exact",)
        expected = {one.component: one.difference for one in truth.differences()}
        held, wrong = [], []
        for seed in range(40):
            made = compared(second=second, explainer=ComponentsExplainer(random_state=seed, **options), num_samples=num_samples)
            for one in made.differences():
                held.append(one.low <= expected[one.component] <= one.high)
                wrong.append(one.is_certain and one.difference * expected[one.component] < 0)
        assert np.mean(held) >= 0.95
        assert np.mean(wrong) <= 0.01

    def test_effectless_differences_are_seldom_certain(self):
        """Noise that is a function of the mask: what it adds to single weights in the limit is next to nothing."""

        def second(masks):
            return curved(masks) + 3 * np.sin(1e4 * (masks @ np.sqrt(np.arange(2, 2 + D))))

        truth = compared(second=second, explainer=ComponentsExplainer(feature_selection="none"), num_samples=4096)
        assert max(abs(one.difference) for one in truth.differences()) < 0.3
        certain = []
        for seed in range(40):
            made = compared(second=second, explainer=ComponentsExplainer(random_state=seed), num_samples=200, num_features=8)
            certain.append(sum(one.is_certain for one in made.differences()))
        assert np.mean(np.array(certain) > 0) <= 0.1
        assert np.sum(certain) / (40 * 8) <= 0.05

    def test_exact_weights_against_sampled_ones(self):
        rows = RNG.normal(size=(600, 5))
        target = rows[:, 0] + rows[:, 1] * rows[:, 2] > 0
        forest = RandomForestClassifier(20, max_depth=4, random_state=0).fit(rows, target)
        explainer = TabularExplainer(rows, class_names=["no", "yes"])
        made = explainer.compare_models(rows[0], forest, lambda batch: forest.predict_proba(batch), num_samples=1000)
        assert made.first.is_exact
        assert not made.second.is_exact
        assert made.methods == ("paired",)
        assert not any(one.is_certain for one in made.differences())
        assert all(one.high > one.low for one in made.differences())
        both = explainer.compare_models(rows[0], forest, RandomForestClassifier(20, random_state=1).fit(rows, target))
        assert both.methods == ("exact",)
        assert all(one.low == one.difference == one.high for one in both.differences())

    def test_models_that_stop_at_different_looks(self):
        """One is settled at the first look, the other is not: the perturbations of the first are among those of the second."""
        explainer = ComponentsExplainer(alpha=0, feature_selection="none")
        made = compared(lambda masks: masks @ EFFECTS, changed, explainer, num_samples="auto")
        assert made.first.num_samples < made.second.num_samples
        assert made.methods == ("paired",)
        # The first model has no error, so that the differences have the second's alone, at a corrected level.
        second = made.second.surrogate()
        own = dict(zip(second.components, np.subtract(second.highs, second.weights), strict=True))
        ratios = [(one.high - one.difference) / own[one.component] for one in made.differences()]
        assert max(ratios) / min(ratios) < 1.001
        assert min(ratios) > 1

    def test_both_list_what_either_lists(self):
        made = compared(lambda masks: masks @ np.eye(D)[0], lambda masks: masks @ np.eye(D)[1], num_features=1)
        assert {one.component for one in made.differences()} == {0, 1}
        assert {one.listed for one in made.differences()} == {"both"}
        assert made.first.surrogate().components == (0, 1)
        assert made.second.surrogate().components == (1, 0)
        # Explanations that were made alone have one component each.
        alone = compare(
            *one_of_each(first=lambda masks: masks @ np.eye(D)[0], second=lambda masks: masks @ np.eye(D)[1], num_features=1)
        )
        assert {(one.component, one.listed, one.is_certain) for one in alone.differences()} == {
            (0, "first", False),
            (1, "second", False),
        }
        assert all(math.isnan(one.low) for one in alone.differences())
        assert "2 components are listed by one explanation only" in repr(alone)

    def test_the_same_lists_give_the_same_explanations(self):
        own, other = one_of_each(num_features=D)
        made = compared(num_features=D)
        assert (made.first, made.second) == (own, other)
        assert compare(own, other) == made
        assert pickle.loads(pickle.dumps(made)) == made

    def test_each_label_alone(self):
        def model(masks, which):
            return np.column_stack([masks @ EFFECTS, masks[:, which], 0.5 * masks[:, 3]])

        made = compared(lambda masks: model(masks, 0), lambda masks: model(masks, 1), num_samples=400)
        assert made.labels == (0, 1, 2)
        assert made.default_label == 0
        assert made.as_list(0, certain=True) == []
        assert {name for name, _ in made.as_list(1, certain=True)} == {"part 0", "part 1"}
        assert made.as_list("2", certain=True) == []
        with pytest.raises(LabelError, match="was not explained"):
            made.differences(7)

    def test_errors_that_are_not_known_are_added(self):
        own, other = one_of_each(num_features=D)
        bare = replace(own, surrogates=(replace(own.surrogate(), left_out=()),))
        made, paired = compare(bare, other), compare(own, other)
        assert made.methods == ("bound",)
        assert all(
            wide.high - wide.low > narrow.high - narrow.low
            for wide, narrow in zip(sorted(made.differences()), sorted(paired.differences()), strict=True)
        )
        assert "add both models' errors" in repr(made)

    def test_no_interval_is_no_claim(self):
        made = compare(*one_of_each(num_samples=6))  # one replicate
        assert not any(one.is_certain for one in made.differences())
        assert "not known" in repr(made)

    def test_texts_through_a_shortcut(self):
        texts, target = ["good film", "bad film", "good plot", "bad plot", "fine day", "so bad"] * 4, [1, 0, 1, 0, 1, 0] * 4
        first = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, target)
        second = make_pipeline(CountVectorizer(), LogisticRegression(C=0.01)).fit(texts, target)
        made = TextExplainer().compare_models("a good plot on a fine day", first, second, names=("sharp", "flat"))
        certain = dict(made.as_list(certain=True))
        assert {"good", "fine"} <= set(certain)
        assert abs(dict(made.as_list())["a"]) < 0.1 * certain["good"]  # not in the vocabulary
        for one in made.differences():
            assert one.difference == one.first - one.second

    def test_models_can_have_a_prior(self):
        prior = Prior({"part 3": 2.0}, 300)
        comparison = compared(num_features=D, prior=prior)
        assert comparison == compare(*one_of_each(num_features=D, prior=prior))
        assert comparison.first.as_list() != compared(num_features=D).first.as_list()
        with pytest.raises(ArgumentError, match="give both calls the same prior"):
            compare(*one_of_each(prior=prior)[:1], *one_of_each()[1:])


class TestBatch:
    rows = RNG.normal(size=(500, 4))

    def model(self, factor):
        def predict(rows):
            return rows[:, 0] + factor * (rows[:, 1] > 0) + rows[:, 2] * rows[:, 3]

        return predict

    def both(self):
        explainer = TabularExplainer(self.rows, feature_names=["a", "b", "c", "d"])
        return [explainer.explain_many(self.rows[:5], self.model(factor), num_samples=600) for factor in (1.0, 2.0)]

    def made(self, **arguments):
        return compare(*self.both(), **arguments)

    def test_the_feature_that_differs(self):
        made = self.made(names=["one", "two"])
        assert len(made) == 5
        assert made.positions == (0, 1, 2, 3, 4)
        first, *others = made.features()
        assert (first.feature, first.certain, first.listed) == ("b", 5, 5)
        # Of the three other quarters of the values, one is on the same side of 0.
        assert first.difference == pytest.approx(2 / 3, abs=0.05)
        assert first.second - first.first == pytest.approx(2 / 3, abs=0.05)
        assert all(other.certain == 0 and other.difference < 0.05 for other in others)
        assert made.as_list()[0] == ("b", first.difference)
        gaps = [-1.0 * (row[1] > 0) for row in self.rows[:5]]
        assert dict(made.most_different()) == pytest.approx(dict(enumerate(gaps)))
        assert len(made.most_different(2)) == 2
        assert "'one' and 'two' on 5 instances" in repr(made)
        assert "certain in 5 of 5" in repr(made)
        assert "5 of 5" in made._repr_html_()
        assert [type(one) for one in made] == [Comparison] * 5
        assert len(made[1:3]) == 2

    def test_what_differs_most_is_found_beside_failures(self):
        first, second = (list(one) for one in self.both())
        first[0] = Failure("ModelError", "no answer")
        made = compare(first, second)
        place, gap = made.most_different(1)[0]
        assert made[place].first.predictions[0] - made[place].second.predictions[0] == gap
        assert made.positions[place] == place + 1

    def test_other_ids_are_refused(self):
        first, second = (list(one) for one in self.both())
        with pytest.raises(ArgumentError, match="entry 1: the explanations are of other instances: their ids are 'a' and 'b'"):
            compare([first[0], first[1].with_id("a")], [second[0], second[1].with_id("b")])
        assert len(compare([first[0].with_id("a")], [second[0]])) == 1

    def test_they_are_those_of_single_explanations(self):
        made = self.made()
        explainer = TabularExplainer(self.rows, feature_names=["a", "b", "c", "d"])
        single = explainer.compare_models(self.rows[3], self.model(1.0), self.model(2.0), num_samples=600)
        assert made[3] == single

    @pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
    def test_a_frame(self, backend):
        frame = self.made().to_frame(backend)
        assert len(frame) == 20
        columns = frame.column_names if backend == "pyarrow" else list(frame.columns)
        assert columns == [
            "position",
            "label",
            "component",
            "name",
            "first",
            "second",
            "difference",
            "low",
            "high",
            "is_certain",
            "listed",
        ]

    def test_failures_are_left_out(self):
        made = self.made()
        failed = [Failure("E", "x"), made[0].first], [made[0].first, made[0].second]
        partly = compare(*failed)
        assert (partly.positions, partly.failures) == ((1,), (0,))
        assert "1 failed" in repr(partly)
        none = compare([Failure("E", "x")], [Failure("E", "x")])
        assert len(none) == 0
        assert none.features() == ()
        assert "on 0 instances, 1 failed" in repr(none)
        assert "1 failed" in none._repr_html_()

    def test_other_instances(self):
        made = self.made()
        with pytest.raises(ArgumentError, match="they have 2 and 1 entries"):
            compare([made[0].first, made[1].first], [made[0].second])
        with pytest.raises(ArgumentError, match="entry 1: the explanations"):
            compare([made[0].first, made[1].first], [made[0].second, made[2].second])


class TestRefusals:
    @pytest.mark.parametrize(
        ("explainer", "arguments", "message"),
        [
            (ComponentsExplainer(random_state=1), {}, "random_state=0 and random_state=1.*give both explainers the same"),
            (ComponentsExplainer(alpha=0), {}, r"alpha=1\.0 and alpha=0\.0"),
            (ComponentsExplainer(kernel_width=3), {}, "kernel_width"),
            (ComponentsExplainer(feature_selection="none"), {}, "feature_selection"),
            (ComponentsExplainer(design="iid"), {}, "other designs, 'iid', 'orthogonal'"),
            (ComponentsExplainer(), {"num_samples": 301}, "nominal_draws=300 and nominal_draws=301.*the same num_samples"),
            (ComponentsExplainer(), {"distance_metric": "euclidean"}, "distance"),
        ],
    )
    def test_other_settings(self, explainer, arguments, message):
        own = ComponentsExplainer().explain_instance(Parts(), curved, num_samples=300)
        other = explainer.explain_instance(Parts(), changed, **{"num_samples": 300, **arguments})
        with pytest.raises(ArgumentError, match=message):
            compare(own, other)

    def test_other_units(self):
        def probabilities(texts):
            scores = np.array([0.8 if "good" in text else 0.3 for text in texts])
            return np.column_stack([1 - scores, scores])

        text, explainer = "good film", TextExplainer()
        own = explainer.explain_instance(text, probabilities)
        with pytest.raises(ArgumentError, match="taken for probabilities and for scores"):
            compare(own, explainer.explain_instance(text, probabilities, link="logit"))
        with pytest.raises(ArgumentError, match="taken for probabilities and for scores"):
            compare(own, explainer.explain_instance(text, lambda texts: 3 * probabilities(texts)))

    def test_other_classes(self):
        def three(texts):
            return np.full((len(texts), 3), 1 / 3) + np.outer(["good" in text for text in texts], [0.2, -0.1, -0.1])

        def two(texts):
            return three(texts)[:, :2] / three(texts)[:, :2].sum(axis=1, keepdims=True)

        explainer = TextExplainer()
        with pytest.raises(ArgumentError, match=r"other outputs: '0', '1', '2', and '0', '1'.*class_names"):
            explainer.compare_models("good film", three, two)

    def test_other_labels(self):
        def model(texts, order):
            return (np.full((len(texts), 3), 1 / 3) + np.outer(["good" in text for text in texts], [0.2, -0.1, -0.1]))[:, order]

        explainer = TextExplainer()
        models = (lambda texts: model(texts, [0, 1, 2])), (lambda texts: model(texts, [1, 0, 2]))
        with pytest.raises(ArgumentError, match=r"in common: the first explains 0 \(0\), the second 1 \(1\)\. Give both"):
            explainer.compare_models("good film", *models)
        made = explainer.compare_models("good film", *models, labels=[0, 1])
        assert made.labels == (0, 1)

    def test_other_instances(self):
        def model(texts):
            return [len(text) for text in texts]

        explainer = TextExplainer()
        own = explainer.explain_instance("good film", model)
        with pytest.raises(ArgumentError, match="other components, so that they are of other instances: 'film', 'plot'"):
            compare(own, explainer.explain_instance("good plot", model))
        with pytest.raises(ArgumentError, match="same names and other values"):
            compare(own, explainer.explain_instance("good, film!", model))

    def test_other_training_data(self):
        first, second = RNG.integers(0, 2, (300, 2)).astype(float), RNG.integers(0, 2, (300, 2)).astype(float)
        explainers = [TabularExplainer(rows, categorical_features=[0, 1]) for rows in (first, second)]
        own, other = (one.explain_instance(first[0], lambda rows: rows[:, 0], num_samples=100) for one in explainers)
        assert own.names == other.names
        with pytest.raises(ArgumentError, match="drawn from other data"):
            compare(own, other)

    @pytest.mark.parametrize(
        ("names", "error", "message"),
        [
            (("a", "a"), ArgumentError, "names must differ"),
            (("a",), ArgumentError, "names"),
            ("ab", ArgumentTypeError, "a sequence of two names"),
            (None, ArgumentTypeError, "a sequence of two names"),
        ],
    )
    def test_names(self, names, error, message):
        with pytest.raises(error, match=message):
            compare(*one_of_each(), names=names)
        with pytest.raises(error, match=message):
            compared(names=names)

    def test_no_explanations(self):
        own, other = one_of_each()
        with pytest.raises(ArgumentTypeError, match="or two collections of them; got Explanation and list"):
            compare(own, [other])
        with pytest.raises(ArgumentTypeError, match="got int and list"):
            compare(3, [other])
        with pytest.raises(ArgumentTypeError, match="entry 0 of a collection must be an explanation; got int"):
            compare([3], [other])


class TestShown:
    def test_text(self):
        made = compared(names=("old", "new"), explainer=ComponentsExplainer(feature_selection="none", alpha=0))
        text = repr(made)
        assert "2 of 12 weights that both list differ, by more than chance" in text
        assert "both models answered the same" in " ".join(text.split())
        (line,) = (line for line in text.splitlines() if "part 2" in line)
        assert line.endswith("differs")
        assert max(map(len, text.splitlines())) <= 100
        assert "old" in text.splitlines()[1]

    def test_markdown(self):
        text = compared(names=("o|ld", "@new")).to_markdown()
        assert "@new" not in text
        assert "o|ld" not in text
        assert text.count("part") == text.count("\n| part")

    def test_hostile_names(self):
        explainer = ComponentsExplainer()
        for name in PAYLOADS[::20]:

            class Named(Parts):
                names = (name, *Parts.names[1:])

            made = explainer.compare_models(Named(), curved, changed, num_samples=40, names=(name, "other"))
            for page in (made.as_html(), made._repr_html_(), compare([made.first], [made.second])._repr_html_()):
                assert page.lower().count("<script") <= 1
                assert "<img" not in page
            for text in (repr(made), repr(compare([made.first], [made.second]))):
                assert "".join(text.splitlines()).isprintable()
            assert len(made.to_frame("polars")) == len(made.differences())

    def test_page(self, tmp_path):
        made = compared(names=("old", "new"))
        page = made.as_html()
        assert page.startswith("<!doctype html>")
        assert "Content-Security-Policy" in page
        assert "<h1>Two models on one instance</h1>" in page
        assert page.count('class="differs"') == sum(one.is_certain for one in made.differences())
        for name in ("why.html", "why.htm", "why"):
            made.save_to_file(tmp_path / name)
            assert (tmp_path / name).read_text(encoding="utf-8") == page
        assert made._repr_html_().startswith("<div")

    @pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")])
    def test_pictures(self, ending, start, tmp_path):
        made = compared(names=("old", "new"))
        made.save_to_file(tmp_path / f"why.{ending}")
        assert start in (tmp_path / f"why.{ending}").read_bytes()[:200]
        with pytest.raises(ArgumentError, match="must agree"):
            made.save_to_file(tmp_path / "why.html", format=ending)

    def test_side_by_side(self):
        made = compared(names=("old", "new"))
        beside = made.side_by_side()
        assert beside.output_names == ("old: output", "new: output", "old less new: output")
        assert beside.as_map()[0] == made.first.as_map()[0]
        assert beside.as_map()[1] == made.second.as_map()[0]
        assert beside.as_list() == made.as_list()
        assert beside.predictions[2] == beside.predictions[0] - beside.predictions[1]
        assert Explanation.from_json(beside.to_json()) == beside
        assert Explanations.of([beside])[0] == beside
        assert "old less new" in beside.to_markdown()

    def test_notices_of_one_model_have_its_name(self):
        def constant(masks):
            return np.zeros(len(masks))

        made = compared(second=constant, names=("old", "flat"))
        own = {notice.message for notice in made.first.notices}
        of_flat = [notice for notice in made.side_by_side().notices if notice.message.startswith("flat: ")]
        assert of_flat
        assert all(notice.message.removeprefix("flat: ") not in own for notice in of_flat)

    def test_pictures_of_an_image(self, tmp_path):
        picture = RNG.uniform(size=(24, 24, 3))
        explainer = ImageExplainer("grid")
        made = explainer.compare_models(
            picture, lambda batch: [one[:12].mean() for one in batch], lambda batch: [one.mean() for one in batch]
        )
        made.save_to_file(tmp_path / "why.png")
        assert made.as_html().count("<svg") >= 3
