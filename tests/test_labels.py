"""Labels by name: wherever a label is given, a str is an output's name and an int its number."""

from dataclasses import replace

import numpy as np
import pytest

from limelight import Explanations, TabularExplainer, TextExplainer, random_pick, submodular_pick
from limelight.exceptions import ArgumentTypeError, LabelError

CLASSES = ["cat", "dog", "1"]  # the last is also the number of another


def three_classes(texts):
    return [[0.2, 0.5 * ("bone" in text) + 0.1, 0.7 - 0.5 * ("bone" in text)] for text in texts]


def explain(labels=None, **arguments):
    return TextExplainer(class_names=CLASSES).explain_instance("a bone today", three_classes, labels=labels, **arguments)


@pytest.fixture(scope="module")
def explanation():
    return explain(["1", "cat", "dog"])


@pytest.fixture(scope="module")
def explanations(explanation):
    return Explanations.of([explanation, explain(["dog"])])


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        ("dog", (1,)),
        (["dog", 0, 1], (1, 0)),
        ("1", (2,)),
        (1, (1,)),
        (np.array(["1", "cat"]), (2, 0)),
        (np.array([2, 0]), (2, 0)),
        (np.int64(2), (2,)),
    ],
)
def test_kind_h_labels_by_name_say_what_is_explained(labels, numbers):
    assert explain(labels).labels == numbers
    assert explain(labels).surrogates == explain(list(numbers)).surrogates


def test_many_instances_and_frame_functions_take_names():
    many = TextExplainer(class_names=CLASSES).explain_many(["a bone", "a ball"], three_classes, labels="1")
    assert [entry.labels for entry in many] == [(2,), (2,)]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("bird", r"label 'bird' cannot be explained: .* no output of that name; it has 0 \(cat\), 1 \(dog\), 2 \(1\)"),
        ([0, "Dog"], "label 'Dog' cannot be explained"),
        (7, "label 7 cannot be explained: the model has 3 outputs, 0 to 2"),
    ],
)
def test_labels_that_the_model_lacks(labels, message):
    with pytest.raises(LabelError, match=message):
        explain(labels)


def test_a_class_that_is_called_like_a_number():
    explainer = TabularExplainer(np.eye(4), class_names=[30, 50])
    with pytest.raises(LabelError, match=r'The output that is named "50" is labels=\["50"\]'):
        explainer.explain_instance(np.eye(4)[0], lambda x: np.column_stack([x[:, 0], 1 - x[:, 0]]), labels=[50])


def test_a_number_that_is_another_output_s_name_says_what_it_was_taken_for():
    explainer = TextExplainer(class_names=[1, 2, 3])
    notices = explainer.explain_instance("a bone", three_classes, labels=[1]).notices
    (message,) = [notice.message for notice in notices if notice.code == "numbers_as_labels"]
    assert "label 1 is the class '2'. Give a class's name as a text" in message
    for labels in (["1"], [0], None):
        notices = explainer.explain_instance("a bone", three_classes, labels=labels).notices
        assert "numbers_as_labels" not in {notice.code for notice in notices}


def test_a_name_that_several_outputs_have():
    with pytest.raises(LabelError, match="label 'x' is the name of several outputs, 0, 2: give a number"):
        TextExplainer(class_names=["x", "y", "x"]).explain_instance("a bone", three_classes, labels=["x"])


@pytest.mark.parametrize("labels", [{"dog"}, frozenset([0, 1])])
def test_labels_without_an_order_are_refused(labels):
    with pytest.raises(ArgumentTypeError, match=r"labels must have a certain order, which a (frozen)?set lacks"):
        explain(labels)


class TestOneExplanation:
    @pytest.mark.parametrize(("name", "number"), [("cat", 0), ("dog", 1), ("1", 2)])
    def test_lists_frames_and_pictures(self, explanation, name, number):
        assert explanation.surrogate(name) is explanation.surrogate(number)
        assert explanation.as_list(name) == explanation.as_list(label=np.int64(number))
        assert explanation.as_html(name) == explanation.as_html([name]) == explanation.as_html([number])
        assert explanation.render("markdown", [name]) == explanation.render("markdown", number)
        assert explanation.plot(name).get_title() == explanation.plot(number).get_title()

    def test_several(self, explanation):
        assert explanation.as_html(["dog", "1"]) == explanation.as_html([1, 2])

    def test_a_name_that_was_not_explained(self):
        with pytest.raises(LabelError, match=r"label 'cat' was not explained; explained: 1 \(dog\)\. Give labels=\['cat'\]"):
            explain("dog").as_list("cat")
        with pytest.raises(
            LabelError, match=r"label 'bird' was not explained; .* An int is an output's number, a str its name"
        ):
            explain("dog").surrogate("bird")

    @pytest.mark.parametrize("label", [True, np.bool_(False), 1.0, b"dog", ["dog"]])
    def test_what_is_neither_a_number_nor_a_name(self, explanation, label):
        with pytest.raises(ArgumentTypeError, match="label must be an output's number or name, an int or a str; got"):
            explanation.as_list(label)

    def test_log_odds_bear_the_name_of_their_output_too(self):
        explanation = explain(["dog", "1"], link="logit")
        assert explanation.output_names[1] == "log-odds of dog"
        assert explanation.as_list("dog") == explanation.as_list("log-odds of dog") == explanation.as_list(1)


class TestManyExplanations:
    @pytest.mark.parametrize(("name", "number"), [("cat", 0), ("dog", 1), ("1", 2)])
    def test_importance_picks_and_frames(self, explanations, name, number):
        assert repr(explanations.importance(name)) == repr(explanations.importance(number))
        assert explanations.pick(1, label=name) == explanations.pick(1, label=number)
        assert submodular_pick(explanations, 2, label=name) == submodular_pick(explanations, 2, label=number)
        assert random_pick(explanations, 1, label=name) == random_pick(explanations, 1, label=number)
        assert explanations.to_wide_frame(name).equals(explanations.to_wide_frame(number))

    def test_log_odds(self):
        many = Explanations.of([explain(["dog"], link="logit"), explain(["1"], link="logit")])
        assert many.importance("dog").values == many.importance(1).values
        assert many.importance("1").values == many.importance("log-odds of 1").values == many.importance(2).values

    def test_all_as_the_name_of_an_output(self, explanation):
        many = Explanations.of([replace(explanation, output_names=("all", "dog", "1"))])
        for summarise in (many.importance, many.to_wide_frame, lambda label: many.pick(1, label=label)):
            with pytest.raises(LabelError, match="label 'all' means every explained label, and here it is the name"):
                summarise("all")
        assert many.importance(0).count == 1


def test_the_command_line_takes_names(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from limelight.cli._commands import commands

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets.py").write_text("def say(texts):\n    return [[0.2, 0.3, 0.5] for text in texts]\n")
    (tmp_path / "texts.csv").write_text("text\na bone\nno bone\n")
    arguments = ["explain", "--model", "pets:say", "--data", "texts.csv", "--text", "text", "--class-names", "cat,dog,1"]
    result = CliRunner().invoke(commands, [*arguments, "--out", "out.parquet", "--label", "cat", "--label", "2"])
    assert result.exit_code == 0, result.output
    assert [entry.labels for entry in Explanations.load("out.parquet")] == [(0, 2), (0, 2)]
    result = CliRunner().invoke(commands, [*arguments, "--out", "out.parquet", "--label", "bird"])
    assert result.exit_code == 1
    assert "label 'bird' cannot be explained" in result.output
