"""Tables: names of bins, where rows come from, what counts as the instance's own, and which outputs are explained."""

import math
import pickle

import numpy as np
import pytest
from helpers.tables import MIXED, RNG, ROWS, Recorder, len_of, mixed
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from limelight import TabularExplainer
from limelight.modalities.tables._bin_names import format_edges


class TestNames:
    def test_quartiles(self):
        names = [
            TabularExplainer(np.arange(101.0)[:, None], feature_names=["a"]).explain_instance([value], len_of).names[0]
            for value in (0, 25, 25.5, 50, 75, 75.1, 1000)
        ]
        assert names[:3] == ["a <= 25", "a <= 25", "25 < a <= 50"]
        assert names[3:] == ["25 < a <= 50", "50 < a <= 75", "a > 75", "a > 75"]

    def test_deciles(self):
        explainer = TabularExplainer(np.arange(101.0)[:, None], discretizer="decile")
        assert explainer.explain_instance([45], len_of).names == ("40 < x0 <= 50",)
        assert explainer.explain_instance([95], len_of).names == ("x0 > 90",)

    def test_entropy(self):
        rows = np.arange(100.0)[:, None]
        explainer = TabularExplainer(rows, discretizer="entropy", training_labels=rows[:, 0] > 29)
        assert explainer.explain_instance([5], len_of).names == ("x0 <= 29",)
        assert explainer.explain_instance([50], len_of).names == ("x0 > 29",)

    def test_entropy_without_anything_to_tell_takes_the_median(self):
        explainer = TabularExplainer(np.arange(101.0)[:, None], discretizer="entropy", training_labels=np.zeros(101))
        assert explainer.explain_instance([5], len_of).names == ("x0 <= 50",)

    def test_a_callable(self):
        seen = []

        def edges(values, labels):
            seen.append((values.shape, None if labels is None else labels.shape))
            return [2.0, 1.0, 1.0]

        explainer = TabularExplainer(ROWS, discretizer=edges, training_labels=np.zeros(400))
        assert seen == [((400,), (400,))] * 3
        assert explainer.explain_instance([0, 1.5, 3], len_of).names == ("x0 <= 1", "1 < x1 <= 2", "x2 > 2")

    def test_a_mapping(self):
        explainer = TabularExplainer(
            ROWS, feature_names=["a", "b", "c"], discretizer={"a": [0], 1: np.array([-1, 1]), "c": (0.5,)}
        )
        assert explainer.explain_instance([0, 0, 1], len_of).names == ("a <= 0", "-1 < b <= 1", "c > 0.50")

    def test_without_bins(self):
        explainer = TabularExplainer(ROWS, feature_names=["a", "b", "c"], discretize_continuous=False)
        assert explainer.explain_instance(ROWS[0], len_of).names == ("a", "b", "c")

    def test_default_feature_names(self):
        view = TabularExplainer(ROWS).explain_instance(ROWS[0], len_of).view
        assert [cell.column for cell in view.cells] == ["x0", "x1", "x2"]

    def test_categories(self):
        explanation = mixed().explain_instance([5, 3, 7, 1], len_of)
        assert explanation.names[1] == "colour=black"
        assert explanation.view.values()[1] == "black"
        unnamed = TabularExplainer(MIXED, categorical_features=[1]).explain_instance([5, 3, 7, 1], len_of)
        assert unnamed.names[1] == "x1=3"

    def test_a_code_that_is_no_whole_number_keeps_its_value(self):
        rows = np.array([[0.5], [1.5]] * 20)
        explainer = TabularExplainer(rows, categorical_features=[0], categorical_names={0: ["zero", "one"]})
        assert explainer.explain_instance([0.5], len_of).names == ("x0=0.5",)

    @pytest.mark.parametrize("scale", [1e-12, 1e-5, 1e-3, 0.02, 1.0, 1e3, 1e7, 1e15])
    @pytest.mark.parametrize("shift", [0.0, 3.0])
    def test_edges_of_any_scale_can_be_told_apart(self, scale, shift):
        rows = scale * (RNG.normal(size=(300, 1)) + shift)
        explainer = TabularExplainer(rows, feature_names=["a"])
        names = {explainer.explain_instance([value], len_of, num_samples=20).names[0] for value in rows[:60, 0]}
        assert len(names) == 4
        edges = sorted(np.percentile(rows[:, 0], [25, 50, 75]))
        shown = sorted(float(name.rsplit(maxsplit=1)[1]) for name in names if "<=" in name)
        np.testing.assert_allclose(shown, edges, atol=0.5 * min(np.diff(edges)))

    @given(
        st.lists(st.floats(-1e9, 1e9).filter(lambda edge: edge == 0 or abs(edge) > 1e-30), min_size=1, max_size=6, unique=True)
    )
    @settings(max_examples=300)
    def test_edges_that_are_far_enough_apart_look_different(self, edges):
        array = np.sort(np.array(edges))
        apart = np.diff(array) > 1e-9 * np.abs(array).max()
        shown = format_edges(array)
        assert len(shown) == len(array)
        if apart.all():
            assert len(set(shown)) == len(shown)
            np.testing.assert_allclose([float(edge) for edge in shown], array, atol=0.01 * np.abs(array).max() + 0.005)


class TestDrawnRows:
    def test_constant_columns_and_single_valued_bins_stay(self):
        model = Recorder()
        mixed().explain_instance(MIXED[0], model, num_samples=4000)
        assert set(model.rows[:, 2]) == {7.0}
        drawn = model.drawn[:, 3]
        assert drawn.min() == 1.0
        assert np.mean(drawn == 1.0) == pytest.approx(np.mean(MIXED[:, 3] == 1.0), abs=0.01)

    @pytest.mark.parametrize("discretizer", ["quartile", "decile"])
    def test_values_were_seen_or_lie_between_seen_ones(self, discretizer):
        model = Recorder()
        mixed(discretizer=discretizer).explain_instance(MIXED[0], model, num_samples=2000)
        drawn = model.drawn
        assert (drawn >= MIXED.min(axis=0)).all()
        assert (drawn <= MIXED.max(axis=0)).all()
        assert set(drawn[:, 1]) == {0.0, 1.0, 3.0}

    @given(
        training=arrays(np.float64, (30, 2), elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, width=32))),
        choice=st.integers(0, 29),
    )
    @settings(max_examples=60)
    def test_any_training_data(self, training, choice):
        model = Recorder()
        explanation = TabularExplainer(training).explain_instance(training[choice], model, num_samples=100)
        assert (model.rows == training[choice]).all(axis=1).any()
        for column in range(2):
            seen = training[:, column]
            edges = np.unique(np.percentile(seen, [25, 50, 75]))
            bins, drawn_bins = np.searchsorted(edges, seen), np.searchsorted(edges, model.drawn[:, column])
            for number in np.unique(drawn_bins):
                own = seen[bins == number]
                drawn = model.drawn[drawn_bins == number, column]
                assert seen.min() <= drawn.min()
                assert drawn.max() <= seen.max()
                if own.min() == own.max():
                    assert set(drawn) == {own[0]}
        assert all(math.isfinite(weight) for weight in explanation.surrogates[0].weights)

    @pytest.mark.parametrize("design", ["auto", "iid"])
    def test_marginals_are_the_training_frequencies(self, design):
        model = Recorder()
        mixed(design=design).explain_instance(MIXED[0], model, num_samples=4097)
        drawn = model.drawn
        margin = 0.005 if design == "auto" else 0.035
        for code in (0.0, 1.0, 3.0):
            assert np.mean(drawn[:, 1] == code) == pytest.approx(np.mean(MIXED[:, 1] == code), abs=margin)
        edges = np.percentile(MIXED[:, 0], [25, 50, 75])
        shares = np.bincount(np.searchsorted(edges, drawn[:, 0]), minlength=4) / len(drawn)
        np.testing.assert_allclose(shares, 0.25, atol=margin)
        for number in range(4):
            own = MIXED[np.searchsorted(edges, MIXED[:, 0]) == number, 0]
            inside = drawn[np.searchsorted(edges, drawn[:, 0]) == number, 0]
            # In its bin a value follows a normal distribution cut off at the range of the values that were seen there.
            assert abs(inside.mean() - own.mean()) < 0.35 * own.std()

    def test_columns_are_drawn_independently(self):
        twins = np.repeat(RNG.normal(size=(300, 1)), 2, axis=1)
        model = Recorder()
        TabularExplainer(twins).explain_instance(twins[0], model, num_samples=2049)
        assert abs(np.corrcoef(model.drawn.T)[0, 1]) < 0.06

    def test_without_bins_values_are_normal(self):
        model = Recorder()
        mixed(discretize_continuous=False).explain_instance(MIXED[0], model, num_samples=4097)
        drawn = model.drawn
        assert drawn[:, 0].mean() == pytest.approx(MIXED[:, 0].mean(), abs=0.05)
        assert drawn[:, 0].std() == pytest.approx(MIXED[:, 0].std(), rel=0.03)
        assert set(drawn[:, 2]) == {7.0}
        assert set(drawn[:, 1]) == {0.0, 1.0, 3.0}

    @pytest.mark.parametrize("bins", [True, False])
    def test_around_the_instance(self, bins):
        model = Recorder()
        row = np.array([9.0, 1.0, 7.0, 2.0])
        explainer = mixed(sample_around_instance=True, discretize_continuous=bins)
        explanation = explainer.explain_instance(row, model, num_samples=4097)
        drawn = model.drawn
        assert drawn[:, 0].mean() == pytest.approx(9.0, abs=0.05)
        assert drawn[:, 0].std() == pytest.approx(MIXED[:, 0].std(), rel=0.03)
        assert drawn[:, 3].mean() == pytest.approx(2.0, abs=0.05)
        assert np.mean(drawn[:, 1] == 0.0) == pytest.approx(np.mean(MIXED[:, 1] == 0.0), abs=0.01)
        assert explanation.names[1] == "colour=green"
        assert ("<=" in explanation.names[0] or ">" in explanation.names[0]) is bins
        assert set(drawn[:, 2]) == {7.0}


class TestSharedNeighbourhood:
    @pytest.mark.parametrize("options", [{}, {"design": "iid"}, {"discretize_continuous": False}])
    def test_the_second_explanation_sends_the_same_rows(self, options):
        explainer = TabularExplainer(ROWS, **options)
        first, second = Recorder(), Recorder()
        explainer.explain_instance(ROWS[0], first, num_samples=500)
        explainer.explain_instance(ROWS[1], second, num_samples=500)
        np.testing.assert_array_equal(first.rows[0], ROWS[0])
        np.testing.assert_array_equal(second.rows[0], ROWS[1])
        np.testing.assert_array_equal(first.drawn[:499], second.drawn[:499])

    def test_they_are_drawn_once(self, monkeypatch):
        from limelight.stages.designs import SobolPoints

        calls = []
        original = SobolPoints.points

        def counted(self, dimensions, stretch):
            calls.append(stretch)
            return original(self, dimensions, stretch)

        monkeypatch.setattr(SobolPoints, "points", counted)
        explainer = TabularExplainer(ROWS)
        for row in ROWS[:4]:
            explainer.explain_instance(row, Recorder(), num_samples=500)
        assert len(calls) == 1

    def test_auto_grows_the_same_rows(self):
        explainer = TabularExplainer(ROWS)
        short, long = Recorder(), Recorder(lambda rows: np.sin(9 * rows).sum(axis=1))
        explainer.explain_instance(ROWS[0], short)
        explainer.explain_instance(ROWS[0], long)
        assert len(short.rows) < len(long.rows)
        np.testing.assert_array_equal(short.rows[:129], long.rows[:129])

    @pytest.mark.parametrize("options", [{}, {"discretizer": lambda values, labels: [0.0]}, {"discretize_continuous": False}])  # noqa: ARG005
    @pytest.mark.parametrize("batch_size", [None, 7])
    def test_a_model_may_write_on_its_input(self, options, batch_size):
        def vandal(rows):
            answer = rows[:, 0] * 2
            rows[:] = math.nan
            return answer

        row = ROWS[0].copy()
        explainer = TabularExplainer(ROWS, **options)
        spoilt = [explainer.explain_instance(row, vandal, num_samples=300, batch_size=batch_size) for _ in range(2)]
        clean = TabularExplainer(ROWS, **options).explain_instance(ROWS[0], lambda rows: rows[:, 0] * 2, num_samples=300)
        assert spoilt == [clean, clean]
        np.testing.assert_array_equal(row, ROWS[0])

    def test_a_pickled_explainer_draws_the_same(self):
        explainer = mixed()
        first, second = Recorder(), Recorder()
        explainer.explain_instance(MIXED[0], first)
        assert pickle.loads(pickle.dumps(explainer)).explain_instance(MIXED[0], second) == explainer.explain_instance(
            MIXED[0], Recorder()
        )
        np.testing.assert_array_equal(first.rows, second.rows)

    def test_training_data_are_not_kept_alive_to_be_changed(self):
        rows = ROWS.copy()
        explainer = TabularExplainer(rows)
        rows[:] = 0
        assert explainer.explain_instance(ROWS[0], Recorder()) == TabularExplainer(ROWS).explain_instance(ROWS[0], Recorder())

    def test_they_are_kept_for_a_while(self):
        explainer = TabularExplainer(ROWS)
        first = explainer.explain_instance(ROWS[0], Recorder(), num_samples=500)
        for count in range(100, 120):
            explainer.explain_instance(ROWS[0], Recorder(), num_samples=count)
        one = TabularExplainer(ROWS)
        one.explain_instance(ROWS[0], Recorder(), num_samples=500)
        size = len(pickle.dumps(one._chooser._shared._kept))
        assert len(pickle.dumps(explainer._chooser._shared._kept)) < 9 * size
        assert explainer.explain_instance(ROWS[0], Recorder(), num_samples=500) == first


class TestModels:
    def test_regression(self):
        model = LinearRegression().fit(ROWS, ROWS @ [3.0, 0.0, -1.0])
        explanation = TabularExplainer(ROWS, discretize_continuous=False, alpha=0).explain_instance(ROWS[0], model)
        assert explanation.output_kind == "scores"
        assert explanation.labels == (0,)
        assert explanation.output_names == ("output",)
        wanted = ROWS.std(axis=0) * [3.0, 0.0, -1.0]
        np.testing.assert_allclose([dict(explanation.as_list())[f"x{i}"] for i in range(3)], wanted, atol=1e-8)
        assert explanation.surrogate().local_prediction == pytest.approx(ROWS[0] @ [3.0, 0.0, -1.0])

    def test_binary(self):
        model = LogisticRegression().fit(ROWS, ROWS[:, 0] > 0)
        for ask in (model, model.predict_proba):
            explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], ask)
            assert explanation.labels == (1,)
            assert explanation.output_names == ("False", "True")
            assert explanation.output_kind == "probabilities"
            assert "x0" in explanation.as_list()[0][0]

    def test_both_classes_mirror_each_other(self):
        model = LogisticRegression().fit(ROWS, ROWS[:, 0] > 0)
        explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], model, labels=(0, 1))
        no, yes = dict(explanation.as_list(0)), dict(explanation.as_list(1))
        assert no == pytest.approx({name: -weight for name, weight in yes.items()}, abs=1e-9)
        assert explanation.surrogate(0).intercept == pytest.approx(1 - explanation.surrogate(1).intercept)

    def test_multiclass_explains_the_predicted_class(self):
        model = LogisticRegression().fit(ROWS, np.digitize(ROWS[:, 0], [-0.5, 0.5]))
        for value, label in ((-2.0, 0), (0.0, 1), (2.0, 2)):
            explanation = TabularExplainer(ROWS).explain_instance([value, 0, 0], model)
            assert explanation.labels == (label,)
            assert explanation.default_label == label
            assert np.argmax(explanation.predictions) == label

    def test_scores_explain_all(self):
        explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: rows * [1.0, 2.0, 3.0])
        assert explanation.labels == (0, 1, 2)
        assert explanation.output_kind == "scores"
        for label in range(3):
            assert f"x{label}" in explanation.as_list(label)[0][0]

    def test_decision_functions(self):
        binary = SVC().fit(ROWS, np.where(ROWS[:, 0] > 0, "yes", "no"))
        explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], binary)
        assert explanation.output_kind == "scores"
        assert explanation.output_names == ("yes",)
        assert explanation.predictions[0] == pytest.approx(binary.decision_function(ROWS[:1])[0])
        several = SVC().fit(ROWS, np.digitize(ROWS[:, 0], [-0.5, 0.5]))
        explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], several)
        assert explanation.labels == (0, 1, 2)
        assert explanation.output_names == ("0", "1", "2")

    def test_one_column_is_one_score(self):
        flat = TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: rows[:, 0])
        assert TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: rows[:, :1]) == flat
        assert flat.predictions == (ROWS[0, 0],)

    def test_top_labels(self):
        def model(rows):
            return np.tile([0.1, 0.5, 0.15, 0.25], (len(rows), 1))

        explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], model, top_labels=3)
        assert explanation.labels == (1, 3, 2)
        assert explanation.default_label == 1
        assert TabularExplainer(ROWS).explain_instance(ROWS[0], model, top_labels=9).labels == (1, 3, 2, 0)

    def test_labels(self):
        def model(rows):
            return np.column_stack([rows[:, 0], -rows[:, 1], rows[:, 2]])

        explainer = TabularExplainer(ROWS)
        explanation = explainer.explain_instance(ROWS[0], model, labels=[2, 0, 2])
        assert explanation.labels == (2, 0)
        assert explainer.explain_instance(ROWS[0], model, labels=2).labels == (2,)
        whole = explainer.explain_instance(ROWS[0], model)
        # "auto" may stop at another time; so many samples are the same for all.
        few, many = (explainer.explain_instance(ROWS[0], model, labels=labels, num_samples=500) for labels in ([1], [0, 1, 2]))
        assert dict(few.as_list(1)) == pytest.approx(dict(many.as_list(1)), abs=1e-9)
        assert whole.labels == (0, 1, 2)

    def test_mode(self):
        def model(rows):
            return np.full((len(rows), 2), 0.5)

        assert TabularExplainer(ROWS).explain_instance(ROWS[0], model).labels == (1,)
        explanation = TabularExplainer(ROWS, mode="regression").explain_instance(ROWS[0], model)
        assert explanation.labels == (0, 1)
        assert explanation.output_kind == "scores"

    def test_class_names_stay_out_of_the_explainer(self):
        explainer = TabularExplainer(ROWS)
        three = explainer.explain_instance(ROWS[0], lambda rows: np.full((len(rows), 3), 1 / 3))
        model = LogisticRegression().fit(ROWS, np.where(ROWS[:, 0] > 0, "yes", "no"))
        assert explainer.explain_instance(ROWS[0], model).output_names == ("no", "yes")
        assert explainer.options.class_names is None
        assert explainer.explain_instance(ROWS[0], lambda rows: np.full((len(rows), 3), 1 / 3)) == three
        assert three.output_names == ("0", "1", "2")

    def test_given_class_names_go_before_the_models(self):
        model = LogisticRegression().fit(ROWS, np.where(ROWS[:, 0] > 0, "yes", "no"))
        names = np.array(["never", "always"])
        explanation = TabularExplainer(ROWS, class_names=names).explain_instance(ROWS[0], model)
        assert explanation.output_names == ("never", "always")
        assert [type(name) for name in explanation.output_names] == [str, str]


class TestWeights:
    def test_a_bin_is_worth_what_it_adds(self):
        """With two bins and alpha=0 an additive step model's weights are its steps."""
        explainer = TabularExplainer(ROWS, discretizer={0: [0.0], 1: [0.0], 2: [0.0]}, alpha=0)
        explanation = explainer.explain_instance([1.0, 1.0, -1.0], lambda rows: (rows > 0) @ [2.0, -1.0, 0.5])
        weights = dict(zip(explanation.surrogate().components, explanation.surrogate().weights, strict=True))
        assert weights == pytest.approx({0: 2.0, 1: -1.0, 2: -0.5}, abs=1e-9)

    def test_the_irrelevant_have_no_weight(self):
        explanation = mixed().explain_instance(MIXED[0], lambda rows: (rows[:, 1] == 0) * 1.0)
        weights = dict(explanation.as_list())
        heaviest = max(weights, key=lambda name: abs(weights[name]))
        assert heaviest.startswith("colour=")
        assert weights["fixed=7"] == pytest.approx(0.0, abs=1e-9)
        assert all(abs(weight) < 0.03 for name, weight in weights.items() if name != heaviest)
