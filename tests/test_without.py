"""What an explanation promises for the instance without some components, and what the model says of that."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn.ensemble import RandomForestClassifier

import limelight
from limelight import (
    ComponentsExplainer,
    Explanation,
    Explanations,
    ImageExplainer,
    TabularExplainer,
    TextExplainer,
    TimeSeriesExplainer,
)
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, LabelError, ModelError
from limelight.extend import Values

NAMES = tuple(f"part {number}" for number in range(12))
RNG = np.random.default_rng(3)
EFFECTS, PRODUCTS = RNG.normal(size=12), np.triu(RNG.normal(size=(12, 12)), 1) * 0.4


class Parts:
    names = NAMES

    def compose(self, masks):
        return np.asarray(masks, dtype=float)


def smooth(masks):
    return 1 / (1 + np.exp(1 - masks @ EFFECTS - np.einsum("ni,ij,nj->n", masks, PRODUCTS, masks)))


def mail(texts):
    """The example of the paper: the model relies on words of a header."""
    scores = np.array([0.31 + 0.14 * ("Host" in text) + 0.12 * ("NNTP" in text) for text in texts])
    return np.column_stack([scores, 1 - scores])


TEXT = "Posting Host NNTP from a friend of Host"


class TestSurrogate:
    def test_the_example_of_the_paper(self):
        made = TextExplainer(class_names=["atheism", "christian"], alpha=0).explain_instance(TEXT, mail, labels=["atheism"])
        removal = made.without("Host", "NNTP")
        assert removal.local_prediction == pytest.approx(0.57)
        assert removal.prediction == pytest.approx(0.31)
        assert (removal.low, removal.high) == (removal.prediction, removal.prediction)  # all masks were asked about
        assert removal.unit == "probability"
        assert removal.output_name == "atheism"
        assert removal.probability == removal.prediction
        assert removal.names == ("Host", "NNTP")
        assert removal.unlisted == ()
        assert "exact" in repr(removal)
        assert "it was not asked" in repr(removal)
        assert removal.change == pytest.approx(-0.26)
        assert removal.change_low == removal.change == removal.change_high
        assert removal.expected == pytest.approx(0.31)

    def test_it_is_the_local_prediction_less_the_weights(self):
        made = ComponentsExplainer().explain_instance(Parts(), smooth, num_samples=200, num_features=5)
        weights = dict(made.as_map()[0])
        for removed in [list(weights)[:1], list(weights)[1:4], list(weights)]:
            removal = made.without(*removed)
            assert removal.prediction == pytest.approx(removal.local_prediction - sum(weights[number] for number in removed))
            assert removal.change == pytest.approx(-sum(weights[number] for number in removed))
        assert made.without(*weights).prediction == pytest.approx(made.surrogate().intercept)

    def test_log_odds_are_named_and_given_as_probabilities(self):
        made = TextExplainer(alpha=0).explain_instance(TEXT, mail, link="logit", num_samples=64, labels=[0])
        removal = made.without("Host", label=0)
        assert removal.unit == "log-odds"
        assert removal.probability == pytest.approx(1 / (1 + math.exp(-removal.prediction)))
        assert "probability" in repr(removal)

    @pytest.mark.parametrize("value", [-800.0, 0.0, 800.0])
    def test_log_odds_beyond_all_doubles(self, value):
        made = TextExplainer().explain_instance(TEXT, mail, link="logit").without("Host")
        assert replace(made, prediction=value).probability == pytest.approx({-800.0: 0.0, 0.0: 0.5, 800.0: 1.0}[value])

    def test_a_score_has_no_probability(self):
        removal = TextExplainer().explain_instance(TEXT, lambda texts: [7.0 * len(text) for text in texts]).without("Host")
        assert removal.unit == "score"
        assert math.isnan(removal.probability)

    def test_a_prediction_beyond_probabilities_is_said(self):
        def either(texts):
            scores = np.array([0.9 * ("a" in text.split() or "b" in text.split()) for text in texts])
            return np.column_stack([1 - scores, scores])

        made = TextExplainer(alpha=0).explain_instance("a b c", either)
        removal = made.without("a", "b", "c")
        assert removal.prediction == pytest.approx(made.surrogate().intercept)
        assert "leaves the range" in repr(replace(removal, prediction=-0.01))
        assert "leaves the range" not in repr(replace(removal, prediction=0.01))

    def test_what_is_not_listed_counts_as_nothing_and_is_named(self):
        made = TextExplainer().explain_instance(TEXT, mail, num_features=2)
        removal = made.without("friend", "Host")
        assert removal.unlisted == ("friend",)
        assert removal.prediction == made.without("Host").prediction
        assert made.without("friend").change == 0
        assert "not listed" in repr(removal)
        assert "'friend'" in repr(removal)

    def test_each_label_has_its_own(self):
        made = TextExplainer().explain_instance(TEXT, mail, labels=[0, 1])
        first, second = made.without("Host", label=0), made.without("Host", label=1)
        assert first.prediction == pytest.approx(1 - second.prediction)
        with pytest.raises(LabelError, match="was not explained"):
            made.without("Host", label=2)

    def test_the_interval_is_as_wide_as_the_jackknife_says(self):
        """Of leaving out one replicate each, from the fits themselves: scikit-learn's would do, but for the projection."""
        explainer = ComponentsExplainer(feature_selection="none")
        made = explainer.explain_instance(Parts(), smooth, num_samples=257)
        surrogate = made.surrogate()
        left_out = np.array(surrogate.left_out)
        assert left_out.shape == (8, 13)
        np.testing.assert_allclose(left_out.sum(axis=0), 0, atol=1e-3 * np.abs(left_out).max())
        removed = surrogate.components[2:5]
        kept = [1 + place for place in range(12) if surrogate.components[place] not in removed]
        error = math.sqrt(7 / 8 * (left_out[:, [0, *kept]].sum(axis=1) ** 2).sum())
        removal = made.without(*removed)
        half_width = student.ppf(0.975, 7) * error
        assert removal.high - removal.prediction == pytest.approx(half_width, rel=1e-3)
        # The stored deviations are those of the weights' own intervals.
        own = student.ppf(0.975, 7) * np.sqrt(7 / 8 * (left_out[:, 1:] ** 2).sum(axis=0))
        np.testing.assert_allclose(own, (np.array(surrogate.highs) - surrogate.lows) / 2, rtol=1e-3)

    @pytest.mark.parametrize("num_samples", [129, 400])
    def test_intervals_hold_the_prediction_of_all_masks(self, num_samples):
        options = {"feature_selection": "none", "alpha": 0.0}
        truth = ComponentsExplainer(**options).explain_instance(Parts(), smooth, num_samples=4096)
        assert truth.is_exact
        removals = [(0, 1), (3,), (2, 5, 7), (1, 4, 6, 8, 9)]
        held, changes_held, widths, bounds = [], [], [], []
        for seed in range(60):
            made = ComponentsExplainer(random_state=seed, **options).explain_instance(Parts(), smooth, num_samples=num_samples)
            half_widths = dict(
                zip(made.surrogate().components, np.subtract(made.surrogate().highs, made.surrogate().weights), strict=True)
            )
            for removed in removals:
                removal = made.without(*removed)
                held.append(removal.low <= truth.without(*removed).prediction <= removal.high)
                changes_held.append(removal.change_low <= truth.without(*removed).change <= removal.change_high)
                widths.append(removal.high - removal.prediction)
                bounds.append(sum(width for number, width in half_widths.items() if number not in removed))
        assert np.mean(held) >= 0.92
        assert np.mean(changes_held) >= 0.92
        assert np.mean(widths) < 0.6 * np.mean(bounds)  # the joint error: smaller than the errors of all terms together

    def test_intervals_that_allow_for_more_than_the_fit_are_wider_for_sums(self):
        made = ComponentsExplainer().explain_instance(Parts(), smooth, num_samples=200)
        surrogate = made.surrogate()
        wider = replace(
            surrogate,
            lows=tuple(2 * low - weight for low, weight in zip(surrogate.lows, surrogate.weights, strict=True)),
            highs=tuple(2 * high - weight for high, weight in zip(surrogate.highs, surrogate.weights, strict=True)),
        )
        removal, wide = made.without(3), replace(made, surrogates=(wider,)).without(3)
        assert wide.high - wide.prediction == pytest.approx(2 * (removal.high - removal.prediction), rel=1e-3)

    def test_no_interval_is_no_claim(self):
        made = ComponentsExplainer().explain_instance(Parts(), smooth, num_samples=6)  # one replicate
        removal = made.without(made.surrogate().components[0])
        assert math.isnan(removal.low)
        assert math.isnan(removal.high)
        assert "interval not known" in repr(removal)
        of_many = ComponentsExplainer().explain_instance(Parts(), smooth, num_samples=200)
        unknown = replace(of_many, surrogates=(replace(of_many.surrogate(), lows=(math.nan,) * 10, highs=(math.nan,) * 10),))
        assert math.isnan(unknown.without(0).low)

    def test_files_keep_it(self, tmp_path):
        made = ComponentsExplainer().explain_instance(Parts(), smooth, num_samples=200)
        made.save(tmp_path / "one.json")
        Explanations.of([made]).save(tmp_path / "all.parquet")
        expected = made.without(0, 3)
        assert Explanation.load(tmp_path / "one.json").without(0, 3) == expected
        assert Explanations.load(tmp_path / "all.parquet")[0].without(0, 3) == expected

    @pytest.mark.parametrize("scale", [1e-45, 1e-35, 1e35, 1e120])
    def test_outputs_of_any_size_have_an_interval_or_none(self, scale):
        made = ComponentsExplainer().explain_instance(Parts(), lambda masks: scale * smooth(masks), num_samples=200)
        plain = ComponentsExplainer().explain_instance(Parts(), smooth, num_samples=200).without(0)
        removal = made.without(0)
        assert removal.prediction == pytest.approx(scale * plain.prediction, rel=1e-3)
        half_width = removal.high - removal.prediction
        assert math.isnan(half_width) or half_width == pytest.approx(scale * (plain.high - plain.prediction), rel=1e-2)

    def test_exact_weights_leave_nothing_to_chance(self):
        rows = RNG.normal(size=(400, 4))
        forest = RandomForestClassifier(5, max_depth=3, random_state=0).fit(rows, rows[:, 0] + rows[:, 1] > 0)
        made = TabularExplainer(rows).explain_instance(rows[0], forest)
        assert made.is_exact
        assert made.surrogate().left_out == ()
        removal = made.without(0)
        assert removal.low == removal.prediction == removal.high


class TestNames:
    def made(self):
        return TextExplainer(bow=False).explain_instance("so so good", lambda texts: [len(text) for text in texts])

    def test_a_number_or_a_name(self):
        made = TextExplainer().explain_instance(TEXT, mail)
        number = made.names.index("Host")
        for given in (number, np.int64(number), "Host"):
            assert made.without(given).components == (number,)
        assert made.without("Host", number, "Host").components == (number,)

    def test_a_word_or_a_column_in_place_of_the_name(self):
        rows = pd.DataFrame({"age": RNG.uniform(20, 60, 300), "job": RNG.choice(["smith", "baker"], 300)})
        made = TabularExplainer(rows).explain_instance(rows.iloc[0], lambda frame: np.asarray(frame["age"]))
        assert made.without("age") == made.without(0)
        assert made.without(made.names[0]) == made.without("age")

    def test_a_name_that_is_there_twice(self):
        with pytest.raises(
            ArgumentError, match=r"'so' is the name of several components, 0 \('so \[0\]'\), 1 \('so \[3\]'\): give a"
        ):
            self.made().without("so")
        assert self.made().without("so [3]").components == (1,)

    def test_a_name_that_is_not_there(self):
        with pytest.raises(ArgumentError, match=r"no component is called 'god'; similar: 2 \('good'\)"):
            self.made().without("god")
        with pytest.raises(ArgumentError, match=r"no component is called 'xylophone'; there are: 0 \('so \[0\]'\)"):
            self.made().without("xylophone")

    @pytest.mark.parametrize(
        ("given", "error", "message"),
        [
            ((), ArgumentError, "at least one component"),
            ((3,), ArgumentError, "numbered from 0 to 2; got 3"),
            ((-1,), ArgumentError, "numbered from 0 to 2; got -1"),
            ((1.0,), ArgumentTypeError, "its name or its number"),
            ((True,), ArgumentTypeError, "its name or its number"),
            ((["good"],), ArgumentTypeError, "one argument for each"),
            ((None,), ArgumentTypeError, "its name or its number"),
        ],
    )
    def test_what_names_no_component(self, given, error, message):
        with pytest.raises(error, match=message):
            self.made().without(*given)

    def test_names_are_escaped(self):
        made = TextExplainer(split_expression=" ").explain_instance(
            "good \x1b[31m \u202egnp", lambda texts: [len(t) for t in texts]
        )
        text = repr(made.without(1, 2))
        assert text.isprintable() is False  # lines
        assert "".join(text.splitlines()).isprintable()

    def test_slopes_have_no_state_to_remove(self):
        rows = RNG.normal(size=(300, 3)) + 4
        made = TabularExplainer(rows, discretize_continuous=False).explain_instance(
            rows[0], lambda rows: rows @ [1.0, 2.0, 3.0]
        )
        with pytest.raises(ArgumentError, match=r"columns without bins have slopes .* discretize_continuous=True"):
            made.without(0)

    def test_slopes_that_are_not_listed_and_columns_beside_them_have_none_either(self):
        """Where only a category is listed, the intercept and the weights add up to the local prediction."""
        rows = np.column_stack([RNG.normal(size=(300, 2)) + 4, RNG.integers(0, 3, 300)])
        explainer = TabularExplainer(rows, categorical_features=[2], discretize_continuous=False)
        made = explainer.explain_instance(rows[0], lambda rows: 1.0 * (rows[:, 2] == rows[0, 2]), num_features=1)
        assert made.surrogate().components == (2,)
        missing = rows.copy()
        missing[::3, :2] = np.nan
        explainer = TabularExplainer(missing, categorical_features=[2], discretize_continuous=False)
        gone = explainer.explain_instance(missing[0], lambda rows: 1.0 * (rows[:, 2] == rows[0, 2]), num_features=1)
        for one in (made, gone, Explanation.from_json(made.to_json())):
            for component in range(3):
                with pytest.raises(ArgumentError, match=r"columns without bins have slopes .* discretize_continuous=True"):
                    one.without(component)

    def test_a_table_of_categories_alone_has_states(self):
        rows = RNG.integers(0, 3, (300, 2)).astype(float)
        explainer = TabularExplainer(rows, categorical_features=[0, 1], discretize_continuous=False)
        made = explainer.explain_instance(rows[0], lambda asked: 1.0 * (asked[:, 0] == rows[0, 0]))
        assert made.without(0).prediction == pytest.approx(0, abs=0.01)

    @pytest.mark.parametrize("label", [None, 0, 1, 2])
    def test_two_models_side_by_side_have_none_to_remove_from_one(self, label):
        explainer = TextExplainer()
        first, second = lambda texts: mail(texts)[:, 0], lambda texts: [0.5 * ("Host" in text) for text in texts]
        made = explainer.compare_models(TEXT, first, second).side_by_side()
        message = "compares two models: it has no components to remove from one model. Take the comparison's first or second"
        for one in (made, Explanation.from_json(made.to_json())):
            assert one.is_comparison
            with pytest.raises(ArgumentError, match=message):
                one.without("Host", label=label)
            with pytest.raises(ArgumentError, match=message):
                explainer.ask_without(TEXT, first, one, "Host", label=label)
            with pytest.raises(ArgumentError, match="compares two models; give the comparison's first or second explanation"):
                explainer.measure_faithfulness(TEXT, first, one, label=label)


class TestModel:
    def test_a_text_without_its_words(self):
        asked = []

        def model(texts):
            asked.extend(texts)
            return mail(texts)

        explainer = TextExplainer(alpha=0)
        made = explainer.explain_instance(TEXT, model, labels=[0])
        asked.clear()
        removal = explainer.ask_without(TEXT, model, made, "Host", "NNTP")
        assert len(asked) == 2
        assert asked[0] == TEXT
        assert "Host" not in asked[1]
        assert removal.answer == pytest.approx(0.31)
        assert removal.answer_error == 0
        assert removal.answer_probability == removal.answer
        assert removal.num_inputs == 1
        assert replace(
            removal, answer=math.nan, answer_error=math.nan, answer_probability=math.nan, num_inputs=0
        ) == made.without("Host", "NNTP")
        assert "it says 0.31" in repr(removal)

    def test_it_shows_where_the_surrogate_is_wrong(self):
        """Two words of which either will do: each weighs little, and both together all."""

        def either(texts):
            return np.array([1.0 * ("good" in text or "fine" in text) for text in texts])

        explainer, text = TextExplainer(alpha=0), "good and fine film of last year"
        removal = explainer.ask_without(text, either, explainer.explain_instance(text, either), "good", "fine")
        assert removal.answer == 0
        assert removal.prediction > 0.2

    def test_a_word_that_every_shortcut_counts(self):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        texts = ["good film", "bad film", "good plot", "bad plot", "so good", "so bad"] * 5
        model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0] * 15)
        explainer, text = TextExplainer(), "a good plot of a film"
        removal = explainer.ask_without(text, model, explainer.explain_instance(text, model), "good")
        assert removal.answer == pytest.approx(model.predict_proba(["a  plot of a film"])[0, 1])

    def test_log_odds(self):
        explainer = TextExplainer()
        made = explainer.explain_instance(TEXT, mail, link="logit", labels=[0])
        removal = explainer.ask_without(TEXT, mail, made, "Host")
        assert removal.answer == pytest.approx(math.log(0.43 / 0.57))
        assert removal.answer_probability == pytest.approx(0.43)

    def test_a_row_in_other_states(self):
        """In the other bins and categories; planted, so that the mean over them is known."""
        rows = np.column_stack([RNG.normal(size=4000), RNG.normal(size=4000), RNG.choice(3, 4000, p=[0.5, 0.3, 0.2])])
        asked = []

        def model(batch):
            asked.append(np.array(batch))
            return 5.0 * batch[:, 1] + np.array([1.0, 10.0, 20.0])[batch[:, 2].astype(int)]

        explainer = TabularExplainer(rows, categorical_features=[2])
        low, high = np.quantile(rows[:, 1], [0.5, 0.75])
        is_in_bin = (low < rows[:, 1]) & (rows[:, 1] <= high)
        row = np.array([0.1, rows[is_in_bin, 1].mean(), 0.0])
        made = explainer.explain_instance(row, model, num_samples=3000)
        asked.clear()
        removal = explainer.ask_without(row, model, made, 2)
        changed = np.concatenate(asked)[1:]
        assert (changed[:, :2] == row[:2]).all()
        assert set(changed[:, 2]) == {1.0, 2.0}
        assert removal.num_inputs == 2  # each distinct row once
        shares = np.bincount(rows[:, 2].astype(int))[1:]
        assert removal.answer == pytest.approx(5 * row[1] + (shares @ [10.0, 20.0]) / shares.sum(), abs=0.1)
        assert removal.prediction == pytest.approx(removal.answer, abs=0.5)
        assert 0 < removal.answer_error < 0.2
        asked.clear()
        both = explainer.ask_without(row, model, made, 1, 2, num_samples=500)
        changed = np.concatenate(asked)[1:]
        assert (changed[:, 0] == row[0]).all()
        assert (changed[:, 2] != row[2]).all()
        assert not ((low < changed[:, 1]) & (changed[:, 1] <= high)).any()
        expected = 5 * rows[~is_in_bin, 1].mean() + (shares @ [10.0, 20.0]) / shares.sum()
        assert abs(both.answer - expected) < 4 * both.answer_error
        assert "the mean of 500 rows" in repr(both)

    @pytest.mark.parametrize("seed", range(4))
    def test_any_number_of_columns_in_other_states(self, seed):
        """Against the mean over all other states of all columns, with the training data's shares; each is seldom in another."""
        rng = np.random.default_rng(seed)
        probabilities = np.array([[0.97, 0.02, 0.01], [0.9, 0.02, 0.08], [0.95, 0.03, 0.02], [0.96, 0.01, 0.03]])
        columns = [rng.permutation(np.repeat(range(3), (2000 * one).round().astype(int))) for one in probabilities]
        group = rng.permutation(np.repeat(range(4), [1900, 30, 50, 20]))
        pairs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        rows = np.column_stack([*columns, pairs[group]]).astype(float)
        effects = rng.normal(size=(4, 3))

        def model(batch):
            parts = np.stack([effects[number][batch[:, number].astype(int)] for number in range(4)], axis=1)
            return np.exp(parts.sum(axis=1)) + 3 * batch[:, 4] * batch[:, 5] * parts[:, 0] - batch[:, 4]

        explainer = TabularExplainer(
            rows, categorical_features=range(6), groups={"pair": [4, 5]}, random_state=seed, shortcuts=False
        )
        row = np.zeros(6)
        made = explainer.explain_instance(row, model, num_samples=500)
        for removed in ([0, 1, 2, 3, 4], [1, 4], [0, 2, 3], [3]):
            expected = total = 0.0
            for states in product((1, 2), (1, 2), (1, 2), (1, 2), (1, 2, 3)):
                chosen = [state if number in removed else 0 for number, state in enumerate(states)]
                share = np.prod([probabilities[number][chosen[number]] for number in range(4)])
                share *= np.array([1900, 30, 50, 20])[chosen[4]]
                expected += share * model(np.append(chosen[:4], pairs[chosen[4]])[None].astype(float))[0]
                total += share
            removal = explainer.ask_without(row, model, made, *removed, num_samples=4096)
            assert removal.answer == pytest.approx(expected / total, rel=0.02, abs=0.02)
            assert abs(removal.answer - expected / total) <= 4 * removal.answer_error
            assert removal.num_inputs == 2 ** len([one for one in removed if one < 4]) * (3 if 4 in removed else 1)

    def test_all_columns_of_a_wide_table(self):
        """With bins, missing values, and a value that the training data lack; no row of them has all in other states."""
        rows = RNG.normal(size=(800, 30))
        rows[::4, 3] = np.nan
        explainer = TabularExplainer(rows)
        row = rows[1].copy()
        row[5] = 30.0
        asked = []

        def model(batch):
            asked.append(np.array(batch))
            return np.nansum(batch, axis=1)

        made = explainer.explain_instance(row, model, num_samples=300)
        asked.clear()
        removal = explainer.ask_without(row, model, made, *range(30), num_samples=2000)
        changed = np.concatenate(asked)[1:]
        assert removal.num_inputs == len(changed) == 2000
        edges = [np.nanquantile(column, [0.25, 0.5, 0.75]) for column in rows.T]
        expected = 0.0
        for number, column in enumerate(rows.T):
            bins = np.searchsorted(edges[number], column)
            is_other = np.isnan(column) | (bins != np.searchsorted(edges[number], row[number]))
            if number == 5:
                is_other[:] = True  # no training value is the row's own
            else:
                now = np.searchsorted(edges[number], changed[:, number])
                assert (np.isnan(changed[:, number]) | (now != np.searchsorted(edges[number], row[number]))).all()
            expected += np.nansum(column[is_other]) / np.count_nonzero(is_other)
        assert (changed[:, 5] < 10).all()
        assert np.isnan(changed[:, 3]).any()
        assert removal.answer == pytest.approx(expected, abs=0.5)

    def test_columns_that_belong_together_are_drawn_together(self):
        """From training rows, or under a constraint, other states of columns come as they are there."""
        same = RNG.integers(0, 3, 600).astype(float)
        rows = np.column_stack([same, same, RNG.normal(size=600)])
        row = np.array([0.0, 0.0, 0.5])
        for settings in ({"sampler": "training_rows"}, {"constraint": lambda batch: batch[:, 0] == batch[:, 1]}):
            asked = []

            def model(batch, asked=asked):
                asked.append(np.array(batch))
                return batch[:, 0] * batch[:, 1]

            explainer = TabularExplainer(rows, categorical_features=[0, 1], shortcuts=False, **settings)
            made = explainer.explain_instance(row, model, num_samples=300)
            asked.clear()
            explainer.ask_without(row, model, made, 0, 1)
            changed = np.concatenate(asked)[1:]
            assert {tuple(pair) for pair in changed[:, :2].tolist()} == {(1.0, 1.0), (2.0, 2.0)}

    def test_a_rare_state(self):
        rows = np.column_stack([RNG.normal(size=5000), np.arange(5000) < 5])
        explainer = TabularExplainer(rows, categorical_features=[1])
        row = np.array([0.3, 0.0])

        def model(batch):
            return batch[:, 0] + 3 * batch[:, 1]

        removal = explainer.ask_without(row, model, explainer.explain_instance(row, model), 1)
        assert removal.answer == pytest.approx(3.3)
        assert removal.answer_error == 0  # there is no other state than the rare one
        assert removal.num_inputs == 1

    def test_a_row_with_free_text(self):
        rows = pd.DataFrame({"age": RNG.uniform(20, 60, 300), "note": RNG.choice(["good film", "bad plot"], 300)})
        asked = []

        def model(batch):
            asked.append(batch.copy())
            return np.asarray(batch["age"]) / 40 + batch["note"].str.contains("good") * 1.0

        explainer = TabularExplainer(rows, kinds={"note": "text"})
        row = pd.Series({"age": 99.0, "note": "a good good day"})  # an age that the training data lack
        made = explainer.explain_instance(row, model, num_samples=300)
        asked.clear()
        removal = explainer.ask_without(row, model, made, "note: good")
        (_, without) = pd.concat(asked)["note"]
        assert "good" not in without
        assert "day" in without
        assert removal.answer == 99 / 40
        assert removal.answer_error == 0
        asked.clear()
        explainer.ask_without(row, model, made, "age")
        ages = pd.concat(asked)["age"].to_numpy()[1:]
        assert ages.max() < 61
        assert set(pd.concat(asked)["note"]) == {"a good good day"}

    def test_a_single_drawn_row_has_no_error(self):
        made = TextExplainer().explain_instance(TEXT, mail, labels=[0]).without("Host")
        removal = replace(made, answer=0.5, num_inputs=1)
        assert "1 row with unknown error" in repr(removal)

    def test_the_error_of_one_drawn_row_is_not_known(self):
        rows = (np.random.default_rng(0).random((500, 12)) < 0.1).astype(float)

        def model(asked):
            return asked.sum(axis=1)

        # Only a constraint keeps columns from being drawn each by itself.
        explainer = TabularExplainer(
            rows, categorical_features=range(12), constraint=lambda rows: np.ones(len(rows), dtype=bool)
        )
        zeros = np.zeros(12)
        made = explainer.explain_instance(zeros, model)
        # The only other state of each is 1: all draws are this one row.
        removal = explainer.ask_without(zeros, model, made, 0, 1, 2, 3)
        assert (removal.num_inputs, removal.answer) == (1, 4.0)
        assert math.isnan(removal.answer_error)

    def test_a_group_and_a_constraint(self):
        rows = np.column_stack([RNG.normal(size=500), *np.eye(3)[RNG.integers(0, 3, 500)].T])
        asked = []

        def model(batch):
            asked.append(np.array(batch))
            return batch @ [1.0, 2.0, 3.0, 4.0]

        explainer = TabularExplainer(
            rows,
            categorical_features=[1, 2, 3],
            groups={"shape": [1, 2, 3]},
            constraint=lambda batch: batch[:, 3] == 0,
            shortcuts=False,
        )
        row = np.array([0.5, 1.0, 0.0, 0.0])
        made = explainer.explain_instance(row, model)
        asked.clear()
        removal = explainer.ask_without(row, model, made, "shape=x1")
        assert np.concatenate(asked)[1:].tolist() == [[0.5, 0.0, 1.0, 0.0]]
        assert removal.answer == pytest.approx(3.5)

    def test_a_group_by_its_own_name(self):
        rows = np.column_stack([RNG.normal(size=(300, 2)), RNG.integers(0, 3, 300), *np.eye(3)[RNG.integers(0, 3, 300)].T])
        columns = ["a", "b", "g=x, y", "s_k", "s_l", "s_m"]
        settings = {"feature_names": columns, "categorical_features": [2, 3, 4, 5]}
        explainer = TabularExplainer(rows, groups={"both": ["a", "b"], "s": [3, 4, 5]}, **settings)

        def model(batch):
            return batch[:, 0] + batch[:, 1] + 2 * batch[:, 3]

        made = explainer.explain_instance(rows[0], model, prior=limelight.Prior({"s": 1}, 1e9))
        assert made.without("both") == made.without("a, b") == made.without(0)
        assert made.without("s").components == (2,)
        assert made.without("s").change == pytest.approx(-1, abs=1e-3)
        asked = explainer.ask_without(rows[0], model, made, "both")
        assert asked == explainer.ask_without(rows[0], model, made, 0)
        for other in ("g", "g=x", "bot", "a"):  # a column may be called as a group's component is
            with pytest.raises(ArgumentError, match=f"no component is called '{other}'"):
                made.without(other)

    def test_no_other_state(self):
        rows = np.column_stack([RNG.normal(size=300), np.ones(300)])
        explainer = TabularExplainer(rows, categorical_features=[1])
        made = explainer.explain_instance(rows[0], lambda batch: batch[:, 0])
        with pytest.raises(InstanceError, match=r"are in other states .* of 'x1=1', no other state is ever drawn"):
            explainer.ask_without(rows[0], lambda batch: batch[:, 0], made, 0, 1)

    def test_an_image_and_a_series(self):
        picture = np.zeros((32, 32, 3))
        picture[:, :16] = 0.5

        def brightness(batch):
            return np.array([np.mean(image) for image in batch])

        explainer = ImageExplainer(limelight.segmentation.Grid(4), fill=0.0)
        made = explainer.explain_instance(picture, brightness)
        removal = explainer.ask_without(picture, brightness, made, made.surrogate().components[0])
        assert removal.answer == pytest.approx(brightness([picture])[0] - 0.5 / 4)
        series = np.linspace(0, 1, 40)
        along = TimeSeriesExplainer(fill=0.0, alpha=0)
        made = along.explain_instance(series, lambda batch: [np.sum(one) for one in batch])
        removal = along.ask_without(series, lambda batch: [np.sum(one) for one in batch], made, made.surrogate().components[0])
        assert removal.answer == pytest.approx(removal.expected, abs=0.05)  # the surrogate lacks ten segments
        assert removal.answer - removal.prediction > 1

    def test_what_does_not_belong_together(self):
        explainer = TextExplainer()
        made = explainer.explain_instance(TEXT, mail)
        with pytest.raises(ArgumentError, match="of another instance"):
            explainer.ask_without("Host of a friend", mail, made, "Host")
        with pytest.raises(ArgumentError, match=r"the model says .* of the instance, where .* was explained"):
            explainer.ask_without(TEXT, lambda texts: 1 - mail(texts), made, "Host")
        with pytest.raises(ArgumentTypeError, match="explanation must be what explain_instance gave; got str"):
            explainer.ask_without(TEXT, mail, "Host", "NNTP")
        with pytest.raises(ArgumentError, match="num_samples"):
            explainer.ask_without(TEXT, mail, made, "Host", num_samples=1)
        with pytest.raises(ModelError, match="out of order"):
            explainer.ask_without(TEXT, out_of_order, made, "Host")

    def test_values_that_do_not_say_what_is_without(self):
        class Drawn(Values):
            names = ("a",)

            def neighbourhood(self, *drawn):
                raise AssertionError(drawn)

        with pytest.raises(InstanceError, match="not available, because Drawn does not say"):
            Drawn().without([0], None, 5)


def out_of_order(texts):
    raise RuntimeError(f"{len(texts)} texts: out of order")
