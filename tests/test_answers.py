"""The model's answers belong to its inputs, and are read as what they are, in whatever form they come."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from helpers.asked import assert_asked_total

from limelight import ComponentsExplainer, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer, TorchModel
from limelight.exceptions import PredictionError
from limelight.stages.answer_check import _shuffle_twice

RNG = np.random.default_rng(11)
ROWS = RNG.normal(size=(300, 3)) * [1.0, 20.0, 300.0]
SLOPES = np.array([1.5, -0.2, 0.004])
FRAME = pd.DataFrame(ROWS, columns=["first", "second", "third"])
TEXT = "the plot is thin and the end is dull but what a splendid cast it has"
SERIES = np.cumsum(RNG.normal(size=90))
IMAGE = RNG.random((24, 24, 3))
ANOTHER_ORDER = "the model's answers are in another order than its inputs: "


def linear(rows):
    return np.asarray(rows) @ SLOPES


def score(texts):
    return np.array([2.0 * ("splendid" in text) - ("dull" in text) - 0.01 * len(text) for text in texts])


def level(arrays):
    arrays = np.asarray(arrays)
    return arrays[:, : arrays.shape[1] // 3].reshape(len(arrays), -1).mean(axis=1)


CASES = {
    "rows": (TabularExplainer(ROWS), ROWS[4], linear),
    "rows of a frame": (TabularExplainer(FRAME), FRAME.iloc[4], linear),
    "a row outside": (TabularExplainer(ROWS), ROWS[4] * 50, linear),
    "texts": (TextExplainer(), TEXT, score),
    "series": (TimeSeriesExplainer(), SERIES, level),
    "images": (ImageExplainer("grid"), IMAGE, level),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def codes(explanation):
    return {notice.code for notice in explanation.warnings}


def levels(explanation):
    return {notice.code: notice.level for notice in explanation.notices}


OUT_OF_ORDER = {
    "sorted": lambda values: np.sort(values, axis=0),
    "sorted downwards": lambda values: -np.sort(-values, axis=0),
    "reversed": lambda values: values[::-1],
    "shifted": lambda values: np.roll(values, 1, axis=0),
    "shifted back": lambda values: np.roll(values, -1, axis=0),
    "by turns": lambda values: np.concatenate([values[1::2], values[::2]]),
    "by halves": lambda values: np.roll(values, len(values) // 2, axis=0),
}


class TestOrder:
    @pytest.mark.parametrize("reorder", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
    def test_kind_i_answers_in_another_order_are_refused(self, case, reorder):
        explainer, instance, model = case
        with pytest.raises(PredictionError, match=ANOTHER_ORDER):
            explainer.explain_instance(instance, lambda inputs: reorder(model(inputs)), num_samples=200)

    @pytest.mark.parametrize("num_samples", [9, 40, 3000, "auto"])
    def test_whatever_the_number_of_samples(self, num_samples):
        with pytest.raises(PredictionError, match=ANOTHER_ORDER):
            CASES["rows"][0].explain_instance(ROWS[0], lambda rows: np.sort(linear(rows)), num_samples=num_samples)

    @pytest.mark.parametrize("column", [0, 2])
    def test_inputs_that_are_sorted(self, column):
        """As by a library of time series, which sorts them by time."""
        with pytest.raises(PredictionError, match="a model that sorts its inputs must bring its answers back into their order"):
            CASES["rows"][0].explain_instance(ROWS[0], lambda rows: linear(rows[np.argsort(rows[:, column])]))

    def test_several_outputs(self):
        def model(rows):
            likely = 1 / (1 + np.exp(-linear(rows)))
            return np.column_stack([1 - likely, likely])[::-1]

        with pytest.raises(PredictionError, match=ANOTHER_ORDER):
            CASES["rows"][0].explain_instance(ROWS[0], model)

    def test_two_values_only(self):
        with pytest.raises(PredictionError, match=ANOTHER_ORDER):
            CASES["rows"][0].explain_instance(ROWS[0], lambda rows: np.sort(linear(rows) > 0))

    def test_many_explanations_fail_alike(self):
        explanations = CASES["rows"][0].explain_many(ROWS[:70], lambda rows: np.sort(linear(rows)), on_error="keep")
        assert len(explanations.failures) == 70
        assert all(failure.message.startswith(ANOTHER_ORDER) for failure in explanations.failures.values())

    def test_one_input_at_a_time_has_no_order(self):
        explainer, model = CASES["rows"][0], lambda rows: np.sort(linear(rows))
        by_one = explainer.explain_instance(ROWS[0], model, num_samples=100, batch_size=1)
        assert by_one == explainer.explain_instance(ROWS[0], linear, num_samples=100, batch_size=1)

    @pytest.mark.parametrize("count", range(3, 17))
    def test_the_two_orders_show_each_of_these_faults(self, count):
        one, other = _shuffle_twice(count)
        for reorder in OUT_OF_ORDER.values():
            answers = [np.empty(count), np.empty(count)]
            for place, order in enumerate((one, other)):
                answers[place][order] = reorder(order.astype(float))
            assert (answers[0] != answers[1]).any()
            assert (answers[0] != np.arange(count)).any()


class TestRowLabels:
    """A pandas answer whose labels are the inputs' in another order says where each row belongs."""

    @pytest.mark.parametrize("answer", [lambda rows: rows @ SLOPES, lambda rows: (rows @ SLOPES).to_frame("y")])
    def test_kind_i_sorted_frames_are_brought_back(self, answer):
        explainer, row, _ = CASES["rows of a frame"]
        right = explainer.explain_instance(row, linear)
        explanation = explainer.explain_instance(row, lambda rows: answer(rows.sort_values("second")))
        assert explanation.as_map() == right.as_map()
        assert explanation.predictions == pytest.approx(right.predictions)

    def test_rows_of_an_array(self):
        explainer, row, _ = CASES["rows"]
        explanation = explainer.explain_instance(row, lambda rows: pd.DataFrame(rows).sort_values(1) @ SLOPES)
        expected = explainer.explain_instance(row, linear)
        assert dict(explanation.as_list()) == pytest.approx(dict(expected.as_list()))

    def test_other_labels_say_nothing(self):
        explainer, row, _ = CASES["rows of a frame"]
        explanation = explainer.explain_instance(row, lambda rows: (rows @ SLOPES).set_axis(range(5, 5 + len(rows))))
        assert explanation.as_map() == explainer.explain_instance(row, linear).as_map()

    def test_labels_that_repeat_say_nothing(self):
        days = FRAME.set_axis(pd.date_range("2024-03-01", periods=len(FRAME)))
        with pytest.raises(PredictionError, match=ANOTHER_ORDER):
            TabularExplainer(days).explain_instance(days.iloc[4], lambda rows: rows.sort_values("second") @ SLOPES)


class TestBatchMates:
    @pytest.mark.parametrize("name", ["rows", "series", "images", "texts"])
    def test_kind_i_scaling_within_the_batch_is_an_alert(self, name):
        explainer, instance, model = CASES[name]

        def scaled(inputs):
            values = model(inputs)
            return (values - values.mean()) / (values.std() or 1.0)

        explanation = explainer.explain_instance(instance, scaled)
        assert levels(explanation)["answers_depend_on_batch"] == "alert"

    def test_batch_normalisation_in_training_mode(self):
        norm = torch.nn.BatchNorm1d(3).train()

        def model(rows):
            return norm(torch.from_numpy(rows).float()).sum(dim=1).detach()

        explanation = CASES["rows"][0].explain_instance(ROWS[4], model)
        assert codes(explanation) & {"answers_depend_on_batch", "random_answers"}

    def test_each_of_many_says_so(self):
        explanations = CASES["rows"][0].explain_many(ROWS[:5], lambda rows: linear(rows - rows.mean(axis=0)))
        assert all("answers_depend_on_batch" in codes(explanation) for explanation in explanations)


class TestChance:
    @pytest.mark.parametrize("name", CASES)
    def test_kind_i_random_answers_are_a_caution(self, name):
        explainer, instance, model = CASES[name]
        chance = np.random.default_rng(3)
        size = np.ptp(model([instance, instance]) if name == "texts" else [0.0, 1.0]) + 0.3

        def noisy(inputs):
            values = model(inputs)
            return values + chance.normal(size=len(values)) * max(np.ptp(values), size) * 0.1

        assert levels(explainer.explain_instance(instance, noisy, num_samples=300))["random_answers"] == "caution"

    def test_dropout(self):
        torch.manual_seed(2)
        net = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(64, 1))
        scales = torch.tensor(ROWS.std(axis=0)).float()

        def model(rows):
            return net(torch.from_numpy(rows).float() / scales).detach()

        assert "random_answers" in codes(CASES["rows"][0].explain_instance(ROWS[4], model))
        net.eval()
        assert not codes(CASES["rows"][0].explain_instance(ROWS[4], model)) & {"random_answers", "answers_depend_on_batch"}

    def test_random_labels_have_no_order(self):
        """Two values come in the same numbers by chance."""
        chance = np.random.default_rng(5)
        for row in ROWS[:20]:
            explanation = CASES["rows"][0].explain_instance(row, lambda rows: chance.random(len(rows)) < 0.5, num_samples=300)
            assert codes(explanation) & {"random_answers", "answers_depend_on_batch"}

    def test_forward_passes_that_drop_on_their_own(self):
        """Evaluation mode does not reach what a module does by itself."""

        class Careless(torch.nn.Module):
            def forward(self, images):
                return torch.nn.functional.dropout(images, 0.2, training=True).mean(dim=(1, 2, 3))

        explanation = ImageExplainer("grid").explain_instance(IMAGE, TorchModel(Careless().eval()), num_samples=100)
        assert "random_answers" in codes(explanation)


class TestRounding:
    @pytest.mark.parametrize("dtype", [np.float32, np.float16])
    def test_low_precision_says_nothing(self, case, dtype):
        explainer, instance, model = case
        explanation = explainer.explain_instance(instance, lambda inputs: model(inputs).astype(dtype), num_samples=100)
        assert not codes(explanation) & {"random_answers", "answers_depend_on_batch"}

    def test_rounding_that_depends_on_the_batch_says_nothing(self):
        chance = np.random.default_rng(5)

        def model(rows):
            values = linear(rows)
            return values + chance.uniform(-1e-3, 1e-3, len(values)) * 10  # the values range over 10 and more

        assert not codes(CASES["rows"][0].explain_instance(ROWS[4], model)) & {"random_answers", "answers_depend_on_batch"}


class TestCost:
    def test_a_few_inputs_are_asked_about_again_once(self):
        asked = []

        def model(rows):
            asked.append(len(rows))
            return linear(rows)

        explanation = CASES["rows"][0].explain_instance(ROWS[4], model, num_samples=2000)
        assert asked == [2000, 16]
        assert explanation.num_inputs == 2000
        asked.clear()
        CASES["rows"][0].explain_many(ROWS[:100], model, num_samples=1000)
        assert_asked_total(sum(asked), 999 + 100)

    @pytest.mark.parametrize("batch_size", [5, 64])
    def test_padded_batches_show_the_order_too(self, batch_size):
        sizes = set()

        def model(rows):
            sizes.add(len(rows))
            return np.sort(linear(rows))

        with pytest.raises(PredictionError, match=ANOTHER_ORDER):
            CASES["rows"][0].explain_instance(ROWS[4], model, num_samples=300, batch_size=batch_size, pad_batches=True)
        assert sizes == {batch_size}

    def test_none_of_a_constant_model(self):
        asked = []

        def model(rows):
            asked.append(len(rows))
            return np.full(len(rows), 3.0)

        CASES["rows"][0].explain_instance(ROWS[4], model, num_samples=500)
        assert asked == [500]

    def test_no_more_than_the_batch_size_at_once(self):
        sizes = []

        def model(texts):
            sizes.append(len(texts))
            return score(texts)

        explanation = TextExplainer().explain_instance(TEXT, model, num_samples=300, batch_size=5)
        assert max(sizes) == 5
        assert_asked_total(sum(sizes), explanation.num_inputs)


def logistic(rows):
    likely = 1 / (1 + np.exp(-linear(rows)))
    return {"no": 1 - likely, "yes": likely}


FORMS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "columns": dict,
    "mappings": lambda columns: [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
    "labels and scores": lambda columns: [
        sorted(
            ({"label": name, "score": value} for name, value in zip(columns, row, strict=True)),
            key=lambda entry: -entry["score"],
        )
        for row in zip(*columns.values(), strict=True)
    ],
}


class TestNamedAnswers:
    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_kind_j_names_that_come_with_the_answer_are_the_outputs_names(self, form):
        explainer, row, _ = CASES["rows"]
        explanation = explainer.explain_instance(row, lambda rows: form(logistic(rows)))
        plain = explainer.explain_instance(row, lambda rows: np.column_stack(list(logistic(rows).values())))
        assert explanation.output_names == ("no", "yes")
        assert explanation.output_kind == "probabilities"
        assert explanation.as_map() == plain.as_map()

    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_names_of_many(self, form):
        explanations = CASES["rows"][0].explain_many(ROWS[:3], lambda rows: form(logistic(rows)))
        assert {explanation.output_names for explanation in explanations} == {("no", "yes")}

    @pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
    @pytest.mark.parametrize("label", [lambda likely: np.where(likely > 0.5, "yes", "no"), lambda likely: (likely > 0.5) * 1])
    def test_kind_j_a_column_of_labels_is_left_out_with_a_word(self, build, label):
        """As in H2O's frames."""

        def model(rows):
            answer = logistic(rows)
            return build({"predict": label(answer["yes"]), **answer})

        explanation = CASES["rows"][0].explain_instance(ROWS[4], model)
        assert explanation.output_names == ("no", "yes")
        assert explanation.default_label == 1
        (notice,) = (notice for notice in explanation.notices if notice.code == "columns_left_out")
        assert notice.level == "information"
        assert notice.message.endswith("columns beside its outputs 'no', 'yes', which were left out: 'predict'.")

    def test_numbers_beside_no_probabilities_stay(self):
        def model(rows):
            return pd.DataFrame({"prediction": linear(rows), "error": np.abs(linear(rows)), "third": rows[:, 2]})

        assert CASES["rows"][0].explain_instance(ROWS[4], model).output_names == ("prediction", "error", "third")

    def test_columns_in_another_order_later(self):
        turns = []

        def model(rows):
            turns.append(len(rows))
            frame = pd.DataFrame(logistic(rows))
            return frame[["yes", "no"]] if len(turns) % 2 == 0 else frame

        explainer, row, _ = CASES["rows"]
        explanation = explainer.explain_instance(row, model, batch_size=50)
        assert explanation.as_map() == explainer.explain_instance(row, lambda rows: pd.DataFrame(logistic(rows))).as_map()

    def test_other_names_later_are_refused(self):
        turns = []

        def model(rows):
            turns.append(len(rows))
            return pd.DataFrame(logistic(rows)).rename(columns={"no": "nope"} if len(turns) > 1 else {})

        with pytest.raises(PredictionError, match="it gave 'no', 'yes' at first, and 'nope', 'yes' later"):
            CASES["rows"][0].explain_instance(ROWS[4], model, batch_size=50)

    def test_columns_without_names_and_truth_values(self):
        explainer, row, _ = CASES["rows"]
        explanation = explainer.explain_instance(row, lambda rows: pd.DataFrame(np.column_stack(list(logistic(rows).values()))))
        assert explanation.output_names == ("0", "1")
        explanation = explainer.explain_instance(row, lambda rows: pl.DataFrame({"is high": linear(rows) > 0}))
        assert explanation.output_names == ("is high",)

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (lambda texts: [{"label": "POS", "score": 0.8} for _ in texts], r"it gives the best label only.*top_k=None"),
            (
                lambda texts: [{"boxes": [[0, 1]], "scores": [0.5]} for _ in texts],
                r"an input's outputs must be numbers; got \{",
            ),
            (lambda texts: [{"a": 1.0} if number % 2 else {"b": 1.0} for number, _ in enumerate(texts)], "the outputs of one"),
            (lambda texts: pd.DataFrame({"predict": ["yes"] * len(texts)}), "'predict' hold no numbers. Return probabilities"),
            (lambda texts: {"a": np.zeros(len(texts)), "b": np.zeros((len(texts), 2))}, r"'b' has shape \(\d+, 2\)"),
        ],
    )
    def test_answers_without_numbers_say_what_to_return(self, answer, message):
        with pytest.raises(PredictionError, match=message):
            TextExplainer().explain_instance(TEXT, answer)

    def test_labels_with_numbers_are_in_their_order(self):
        def model(texts):
            shares = [len(text) % 7 / 7 for text in texts]
            return [
                [{"label": f"LABEL_{number}", "score": share if number == 10 else (1 - share) / 10} for number in range(11)][
                    ::-1
                ]
                for share in shares
            ]

        explanation = TextExplainer().explain_instance(TEXT, model)
        assert explanation.output_names == tuple(f"LABEL_{number}" for number in range(11))


def test_own_components_are_checked_too():
    class Switches:
        names = tuple(f"switch {number}" for number in range(9))

        def compose(self, masks):
            return masks.astype(float)

    assert ComponentsExplainer is not None
    with pytest.raises(PredictionError, match=ANOTHER_ORDER):
        ComponentsExplainer().explain_instance(Switches(), lambda rows: np.sort(rows @ np.arange(1.0, 10)))
