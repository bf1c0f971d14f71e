"""Instances of several texts: dicts, tuples, chats and prompts, whose words are components of their fields."""

import copy
import pickle
import re
from collections import OrderedDict, namedtuple
from html import unescape

import numpy as np
import pytest
from helpers.examples import run_examples
from hypothesis import given
from hypothesis import strategies as st

from limelight import Explanation, Explanations, Prompt, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities.texts._fields import write_field

PAIR = {"question": "Who lives here", "context": "In Paris lives Ann here", "year": 1990}
CHAT = [
    {"role": "system", "content": "Be kind, always", "name": "rules"},
    {"role": "user", "content": "Is it good"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": 7}]},
    {"role": "user", "content": [{"type": "text", "text": "So good"}, {"type": "image_url", "image_url": {"url": "x"}}]},
]
Answered = namedtuple("Answered", "question answer")


class Recorder:
    """A model that keeps what it was given, and answers by a function of one input."""

    def __init__(self, answer=lambda _: 1.0):
        self.answer = answer
        self.inputs = []

    def __call__(self, batch):
        self.inputs += copy.deepcopy(batch)
        return [self.answer(one) for one in batch]


def weights(explanation):
    return dict(explanation.as_list())


def codes(explanation):
    return {notice.code: notice for notice in explanation.notices}


class TestWeights:
    """Models that are sums over words, whose weights are known; the ridge takes a little of each."""

    def test_of_a_dict(self):
        def model(batch):
            return [2.0 * ("Who" in one["question"]) - ("Ann" in one["context"]) + one["year"] for one in batch]

        found = weights(TextExplainer(alpha=0).explain_instance(PAIR, model, num_samples=500))
        assert found.pop("question: Who") == pytest.approx(2)
        assert found.pop("context: Ann") == pytest.approx(-1)
        assert len(found) == 6
        assert max(map(abs, found.values())) < 1e-9

    def test_a_word_of_two_fields_is_two_components(self):
        def model(batch):
            return [3.0 * ("lives" in question) + ("lives" in context) for question, context in batch]

        found = weights(TextExplainer(alpha=0).explain_instance(("Who lives", "Ann lives"), model))
        assert found["text 0: lives"] == pytest.approx(3)
        assert found["text 1: lives"] == pytest.approx(1)

    def test_a_product_of_two_fields_is_that_of_the_same_words_in_one_text(self):
        explainer = TextExplainer(feature_selection="none")
        whole = explainer.explain_instance("a b c d", lambda texts: [float("a" in text and "c" in text) for text in texts])
        pairs = explainer.explain_instance(
            ("a b", "c d"), lambda pairs: [float("a" in one and "c" in two) for one, two in pairs]
        )
        assert list(weights(pairs).values()) == pytest.approx(list(weights(whole).values()), abs=1e-12)

    def test_of_a_chat(self):
        def model(chats):
            return [("good" in chat[1]["content"]) + 2.0 * ("good" in chat[3]["content"][0]["text"]) for chat in chats]

        found = weights(TextExplainer(alpha=0).explain_instance(CHAT, model))
        assert found["user [1]: good"] == pytest.approx(1)
        assert found["user [3]: good"] == pytest.approx(2)

    def test_of_a_prompt_with_a_value_in_two_places(self):
        prompt = Prompt("{word} and {word}: {rest}", {"word": "yes", "rest": "or no"})
        model = Recorder(lambda text: float(text.count("yes")))
        found = weights(TextExplainer(alpha=0).explain_instance(prompt, model))
        assert found == pytest.approx({"word: yes": 2, "rest: or": 0, "rest: no": 0}, abs=1e-9)
        assert {"yes and yes: or no", " and : or no", "yes and yes:  "} <= set(model.inputs)

    def test_of_words_at_their_places(self):
        explainer = TextExplainer(bow=False, mask_string="_", alpha=0)
        model = Recorder(lambda pair: float(pair[0].startswith("so")))
        found = weights(explainer.explain_instance(("so so", "so"), model))
        assert found == pytest.approx({"text 0: so [0]": 1, "text 0: so [3]": 0, "text 1: so": 0}, abs=1e-9)
        assert ("_ so", "_") in model.inputs


class TestRoundTrip:
    """The model gets instances of the caller's own form, the first of which is the instance itself."""

    @pytest.mark.parametrize(
        "instance",
        [
            PAIR,
            OrderedDict(b="one two", a="three", c=2),
            ("one two", "three"),
            Answered("one two", "three"),
            CHAT,
            {"a": "\r\n नमस्ते \N{FAMILY} 東京 \ud800", "b": ""},
        ],
    )
    def test_is_exact(self, instance):
        before = copy.deepcopy(instance)
        model = Recorder()
        TextExplainer().explain_instance(instance, model, num_samples=20)
        assert model.inputs[0] == before == instance
        assert {type(one) for one in model.inputs} == {type(instance)}
        if isinstance(instance, dict):
            assert {tuple(one) for one in model.inputs} == {tuple(instance)}

    def test_what_is_no_text_is_the_same_object(self):
        image = np.zeros(3)
        TextExplainer().explain_instance(
            {"text": "a b", "image": image}, lambda batch: [one["image"] is image for one in batch]
        )

    def test_what_a_model_changes_is_its_own(self):
        def model(chats):
            answers = []
            for chat in chats:
                answers.append(len(chat) + len(chat[0]) + len(chat[1]["content"]) + len(chat[3]["content"]))
                chat[0]["content"] = chat[0]["seen"] = "changed"
                chat[3]["content"].append("changed")
                chat.append({})
            return answers

        before = copy.deepcopy(CHAT)
        explanation = TextExplainer(keep=["system"], alpha=0).explain_instance(CHAT, model)
        assert before == CHAT
        assert weights(explanation)["user [1]: good"] == pytest.approx(4)

    def test_other_keys_and_parts_stay(self):
        model = Recorder()
        TextExplainer().explain_instance(CHAT, model)
        for chat in model.inputs:
            assert [message["role"] for message in chat] == [message["role"] for message in CHAT]
            assert chat[0]["name"] == "rules"
            assert chat[2] == CHAT[2]
            assert chat[3]["content"][1] == CHAT[3]["content"][1]

    @given(st.lists(st.text(), min_size=1, max_size=4))
    def test_of_any_texts(self, texts):
        instance = dict(zip("abcd", texts, strict=False))
        if not any(re.search(r"\w", text) for text in texts):
            with pytest.raises(InstanceError, match="have no words to explain"):
                TextExplainer().components(instance)
            return
        components = TextExplainer().components(instance)
        all_on, all_off = components.realise(np.array([[1], [0]], dtype=np.uint8).repeat(len(components.names), axis=1))
        assert all_on == instance
        assert not any(re.search(r"\w", text) for text in all_off.values())

    @given(st.text(alphabet="a {}b", max_size=8), st.text(max_size=6), st.integers())
    def test_of_prompts_is_what_format_writes(self, literal, text, number):
        template = literal.replace("{", "{{").replace("}", "}}") + "{text}|{number:>4}|{text!r}"
        prompt = Prompt(template, {"text": text, "number": number})
        assert str(prompt) == template.format(text=text, number=number)


class TestKeep:
    def test_a_field(self):
        model = Recorder(lambda one: float("Who" in one["question"]))
        explanation = TextExplainer(keep="question").explain_instance(PAIR, model)
        assert {one["question"] for one in model.inputs} == {PAIR["question"]}
        assert {name.partition(":")[0] for name in explanation.names} == {"context"}
        assert explanation.provenance.settings.endswith("keep=['question']")

    @pytest.mark.parametrize("keep", [[0], [1], ["text 1"], [np.int64(1)]])
    def test_a_place_in_a_tuple(self, keep):
        place = 0 if keep == [0] else 1
        model = Recorder()
        TextExplainer(keep=keep).explain_instance(("one two", "three four"), model)
        assert len({pair[place] for pair in model.inputs}) == 1
        assert len({pair[1 - place] for pair in model.inputs}) == 4

    def test_a_role_is_all_its_messages(self):
        explanation = TextExplainer(keep=["user"]).explain_instance(CHAT, Recorder())
        assert {name.partition(":")[0] for name in explanation.names} == {"system"}

    @pytest.mark.parametrize("message", [1, "user [1]"])
    def test_a_message(self, message):
        explanation = TextExplainer(keep=["system", message]).explain_instance(CHAT, Recorder())
        assert explanation.names == ("user [3]: So", "user [3]: good")

    def test_a_usual_role_that_a_chat_lacks(self):
        explainer = TextExplainer(keep=["system", "tool"])
        assert explainer.components([{"role": "user", "content": "so good"}]).names == ("user: so", "user: good")

    def test_a_stretch_keeps_the_words_that_it_touches(self):
        model = Recorder()
        explanation = TextExplainer(keep=[("context", 5, 11)]).explain_instance(PAIR, model)  # from "ris" to "l"
        assert all("Paris lives" in one["context"] for one in model.inputs)
        assert [name for name in explanation.names if name.startswith("context")] == [
            "context: In",
            "context: Ann",
            "context: here",
        ]

    def test_of_equal_words_only_that_in_the_stretch(self):
        model = Recorder()
        explanation = TextExplainer(keep=[(0, 0, 1)]).explain_instance(("a b a",), model)
        assert explanation.names == ("text 0: b", "text 0: a")
        assert set(model.inputs) == {("a b a",), ("a  a",), ("a b ",), ("a  ",)}

    def test_stretches_that_overlap_keep_all_that_any_of_them_does(self):
        keep = [("context", 0, 4), ("context", 3, 9), "question", ("question", 0, 1)]
        names = TextExplainer(keep=keep).components(PAIR).names
        assert names == ("context: lives", "context: Ann", "context: here")

    def test_what_is_kept_changes_the_perturbations_seed(self):
        contents = [
            TextExplainer(keep=keep).components(PAIR).content for keep in ([], ["question"], ["context"], [("context", 0, 1)])
        ]
        assert len(set(contents)) == 4

    @pytest.mark.parametrize(
        ("keep", "problem"),
        [
            (3, r"keep must be a list of what is never removed, each a field's name or place, .*; got 3"),
            (b"system", "keep must be a list"),
            ({"system": 1}, "keep must be a list"),
            ([None], r"keep: each entry must be a field's name or place, or \(field, start, stop\); got None"),
            ([True], "keep: each entry must be"),
            ([1.0], "keep: each entry must be"),
            ([("a", 1)], "keep: each entry must be"),
            ([("a", 1, 2.0)], "keep: each entry must be"),
        ],
    )
    def test_of_another_type(self, keep, problem):
        with pytest.raises(ArgumentTypeError, match=problem):
            TextExplainer(keep=keep)

    @pytest.mark.parametrize("stretch", [("a", 2, 2), ("a", 3, 2), ("a", -1, 2)])
    def test_of_stretches_that_are_none(self, stretch):
        with pytest.raises(
            ArgumentError, match=r"keep: a stretch must have 0 <= start < stop, counted in characters; got \('a'"
        ):
            TextExplainer(keep=[stretch])

    def test_of_one_stretch_without_its_list(self):
        with pytest.raises(ArgumentError, match=r"keep must be a list; to keep one stretch, give \[\('question', 0, 3\)\]"):
            TextExplainer(keep=("question", 0, 3))

    @pytest.mark.parametrize(
        ("keep", "instance", "problem"),
        [
            (["questoin"], PAIR, r"keep has 'questoin', and the instance has no such field; it has 'question', 'context'"),
            ([0], PAIR, "keep has 0, and the instance has no such field"),
            ([2], ("a", "b"), "keep has 2, .* it has 'text 0', 'text 1'"),
            (["year"], PAIR, "keep has 'year', and the instance has no such field"),
            ([("question", 0, 15)], PAIR, r"keep has the stretch \(0, 15\) of 'question', whose text ends after 14 characters"),
            (["question", "context"], PAIR, "keep leaves no words to explain of the fields 'question', 'context'"),
            ([("question", 0, 14), "context"], PAIR, "keep leaves no words to explain"),
            (["question"], "a text", "keep is about fields, and a text has none: give a dict, a tuple, a chat or a Prompt"),
        ],
    )
    def test_of_what_an_instance_lacks(self, keep, instance, problem):
        with pytest.raises(InstanceError, match=problem):
            TextExplainer(keep=keep).explain_instance(instance, Recorder())


class TestNames:
    def test_a_fields_name_with_a_colon_is_in_quotes(self):
        names = TextExplainer(split_expression=str.split).components({"a: b": "c", "a": "b: c"}).names
        assert names == ('"a: b": c', "a: b:", "a: c")

    def test_words_with_colons_cannot_be_taken_for_fields(self):
        explainer = TextExplainer(split_expression=lambda text: [text])
        assert explainer.components({"a: b": "c", "a": "b: c"}).names == ('"a: b": c', "a: b: c")

    @given(st.sets(st.text(alphabet='a":[] \\\n\u202e\ud800', max_size=4), min_size=2))
    def test_are_unambiguous(self, names):
        written = [write_field(name) for name in names]
        assert len(set(written)) == len(names)
        for name in written:
            assert name.isprintable()
            assert name == name.strip() != ""
            assert ":" not in name or name[0] == name[-1] == '"'

    def test_roles_that_look_like_places(self):
        chat = [{"role": role, "content": "a"} for role in ("user", "user", "user [1]")]
        assert TextExplainer().components(chat).names == ("user [0]: a", "user [1]: a", '"user [1]": a')

    def test_of_several_parts(self):
        content = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]
        chat = [{"role": "user", "content": content}]
        assert TextExplainer().components(chat).names == ("user [0, 0]: a", "user [0, 2]: b")

    def test_of_a_named_tuple(self):
        assert TextExplainer().components(Answered("a", "b")).names == ("question: a", "answer: b")

    def test_find_components_again(self):
        model = Recorder(lambda one: float("Who" in one["question"]))
        explainer = TextExplainer(alpha=0)
        explanation = explainer.explain_instance(PAIR, model)
        removal = explainer.ask_without(PAIR, model, explanation, "question: Who")
        assert removal.change == pytest.approx(-1)
        assert removal.answer == 0
        with pytest.raises(ArgumentError, match="no component is called 'lives'"):
            explanation.without("lives")

    def test_with_positions(self):
        explanation = TextExplainer().explain_instance(("so so", "so"), Recorder(lambda pair: float("so" in pair[1])))
        assert [name for name, _ in explanation.as_list(positions=True)] == ["text 1: so_0", "text 0: so_0-3"]


class TestManyInstances:
    PAIRS = (("so good", "yes"), ("so bad", "no"), ("good", "maybe no"))

    @staticmethod
    def model(pairs):
        return [("good" in one) - 2.0 * ("no" in two) for one, two in pairs]

    def test_are_each_as_alone(self):
        explainer = TextExplainer()
        together = explainer.explain_many(self.PAIRS, self.model)
        assert list(together) == [explainer.explain_instance(pair, self.model) for pair in self.PAIRS]

    def test_of_several_forms(self):
        def model(batch):
            return [float("good" in str(one)) for one in batch]

        instances = [PAIR, ("so good", "b"), CHAT, Prompt("{a}!", {"a": "good"}), "so good"]
        explainer = TextExplainer()
        assert list(explainer.explain_many(instances, model)) == [explainer.explain_instance(one, model) for one in instances]

    def test_importance_and_picks_know_the_field(self):
        explanations = Explanations.of(TextExplainer(alpha=0).explain_instance(pair, self.model) for pair in self.PAIRS)
        assert dict(explanations.importance().as_list()) == pytest.approx({"text 1": 4 / 3, "text 0": 2 / 3}, abs=1e-6)
        by_name = dict(explanations.importance(by="name").as_list())
        assert by_name["text 1: no"] == pytest.approx(4 / 3)
        assert by_name["text 0: good"] == pytest.approx(2 / 3)
        assert explanations.pick(1).reasons[0][0][0] == "text 1: no"

    def test_one_that_cannot_be_explained_is_kept_as_data(self):
        explanations = TextExplainer().explain_many([self.PAIRS[0], ("", " ")], self.model, on_error="keep")
        assert "the fields 'text 0', 'text 1' have no words to explain" in explanations[1].message

    def test_in_processes(self):
        explainer = TextExplainer(keep=[1])
        explanations = explainer.explain_many(self.PAIRS, self.model, n_jobs=2, engine="processes")
        assert list(explanations) == [explainer.explain_instance(pair, self.model) for pair in self.PAIRS]


@pytest.fixture(scope="module")
def explanation():
    return TextExplainer(keep=["system"]).explain_instance(CHAT, lambda chats: ["good" in chat[1]["content"] for chat in chats])


class TestShown:
    def test_is_read_again(self, explanation):
        assert Explanation.from_json(explanation.to_json()) == explanation
        assert pickle.loads(pickle.dumps(explanation)) == explanation

    def test_in_tables_of_many(self, explanation, tmp_path):
        Explanations.of([explanation]).save(tmp_path / "one.parquet")
        assert Explanations.load(tmp_path / "one.parquet")[0] == explanation

    def test_texts_show_all_fields(self, explanation):
        page = explanation.as_html()
        for field in ("system", "user [1]", "user [3]"):
            assert f"<h3>In <bdi>{field}</bdi></h3>" in page
        assert "Be kind, always" in page
        assert "data-states" not in page.partition("<script")[0]
        assert "other columns" not in page
        assert "user [1]: good" in str(explanation)
        assert "user [1]: good" in unescape(explanation.render("markdown"))

    def test_a_prompt_shows_its_template(self):
        prompt = Prompt("Say {{yes}} or no: <b>{text}</b>", {"text": "a <i>film</i>"})
        page = TextExplainer().explain_instance(prompt, Recorder()).as_html()
        assert "Say {{yes}} or no: &lt;b&gt;{text}&lt;/b&gt;" in page
        assert "<i>film" not in page

    def test_pictures(self, explanation, tmp_path):
        for ending in ("png", "svg"):
            explanation.save_to_file(tmp_path / f"chat.{ending}")
            assert (tmp_path / f"chat.{ending}").stat().st_size > 1000

    def test_frames_have_the_field(self, explanation):
        frame = Explanations.of([explanation]).to_frame("pandas")
        row = frame[frame["name"] == "user [1]: good"].iloc[0]
        assert (row["feature"], row["value"]) == ("user [1]", "good")


class TestUnits:
    """What components of fields are, and what takes the place of removed ones, is as for single texts."""

    def test_sentences(self):
        components = TextExplainer(unit="sentence").components(("Who came? Ann?", "Ann came. Bo did not."))
        assert [name.partition(":")[0] for name in components.names] == ["text 0", "text 0", "text 1", "text 1"]
        with pytest.raises(InstanceError, match="the fields 'a', 'b' have no sentences to explain"):
            TextExplainer(unit="sentence").components({"a": "", "b": ""})

    def test_masks_and_blanks(self):
        model = Recorder()
        TextExplainer(mask=str.upper, keep=[1]).explain_instance(("ab cd", "x y"), model)
        assert set(model.inputs) == {("ab cd", "x y"), ("AB cd", "x y"), ("ab CD", "x y"), ("AB CD", "x y")}
        model = Recorder()
        TextExplainer(blanks="collapse").explain_instance(("ab cd", "x"), model)
        assert {text for text, _ in model.inputs} == {"ab cd", "ab", "cd", ""}

    def test_a_kept_stretch_between_removed_words(self):
        model = Recorder()
        TextExplainer(blanks="collapse", keep=[(0, 3, 4)]).explain_instance(("ab c de",), model)
        assert {text for (text,) in model.inputs} == {"ab c de", "ab c", "c de", "c"}

    @pytest.mark.parametrize("unit", ["word", "grapheme", "sentence"])
    def test_round_trip(self, unit):
        if unit == "grapheme":
            pytest.importorskip("regex")
        instance = {"a": "\r\n नमस्ते दुनिया! ", "b": "\N{FAMILY}\u200d\N{WOMAN} 東京に行く。", "c": "مرحبا"}
        components = TextExplainer(unit=unit, blanks="collapse").components(instance)
        assert components.realise(np.ones((1, len(components.names)), dtype=np.uint8)) == [instance]

    def test_long_texts_together_limit_the_batch(self):
        long = "a " * 9_000
        assert TextExplainer().components((long,)).batch_size is None
        assert TextExplainer().components((long, long)).batch_size == 2**26 // 36_000


class TestNotices:
    def test_that_other_values_stay(self):
        notice = codes(TextExplainer().explain_instance(PAIR, Recorder()))["other_values_stay"]
        assert notice.level == "information"
        assert "'year' (int)" in notice.message

    def test_that_lists_may_hold_texts(self):
        instance = {"model": "a b", "messages": CHAT}
        notice = codes(TextExplainer().explain_instance(instance, Recorder()))["other_values_stay"]
        assert notice.level == "caution"
        assert "'messages' (list)" in notice.message

    def test_about_words_name_their_field(self):
        explanation = TextExplainer().explain_instance(("so \N{FIRE}", "good \N{FIRE}", "plain"), Recorder())
        notice = codes(explanation)["signs_stay"]
        assert notice.message.startswith("In 'text 0': Signs between words stay")
        assert notice.message.endswith("The same holds in 'text 1'.")

    def test_kept_words_are_no_signs(self):
        explanation = TextExplainer(keep=[(0, 0, 4)]).explain_instance(("café so good",), Recorder())
        assert "signs_stay" not in codes(explanation)

    def test_one_word_in_all(self):
        explanation = TextExplainer(alpha=0).explain_instance(("", "good"), Recorder(lambda pair: float("good" in pair[1])))
        assert codes(explanation)["one_component"].message.startswith("The fields have one word")
        assert weights(explanation) == pytest.approx({"text 1: good": 1})
        assert "one_component" not in codes(TextExplainer().explain_instance(("so", "good"), Recorder()))


class TestBadInput:
    @pytest.mark.parametrize(
        ("instance", "problem"),
        [
            ({"a": b"text", "b": "c"}, "a text to explain must be a str; 'a' holds bytes. Decode it"),
            ({3: "text"}, "a dict's texts must have names of type str; one is called 3"),
            (("a", None), r"a tuple to explain must hold texts only; item 1 is None \(NoneType\)\. Give a dict"),
            (("a", b"b"), "a tuple to explain must hold texts only; item 1 is b'b'"),
            (("a", 3), "a tuple to explain must hold texts only; item 1 is 3"),
            (
                ["a", "b"],
                "a text to explain must be a str; got list. A list is a chat.*its item 0 is of type str. Give .*a tuple",
            ),
            ([{"role": 1, "content": "a"}], "a message's role must be a str; message 0 has 1"),
            ([{"role": "user", "content": 3}], "a message's content must be a str, a list of parts or None; message 0 has 3"),
            ([{"role": "user", "content": ["a"]}], "the parts of a message's content must be dicts, .*; message 0 has 'a'"),
            ([{"role": "user", "content": [{"type": "text"}]}], "a part of type 'text' must have a text; message 0 has None"),
        ],
    )
    def test_of_another_type(self, instance, problem):
        with pytest.raises(ArgumentTypeError, match=problem):
            TextExplainer().explain_instance(instance, Recorder())

    @pytest.mark.parametrize(
        ("instance", "problem"),
        [
            ({}, "a dict to explain must hold texts; none of its values is a str"),
            ({"a": 3}, "a dict to explain must hold texts; none of its values is a str: 'a'"),
            ({"a": "", "b": " ?"}, "the fields 'a', 'b' have no words to explain"),
            ((), "a tuple to explain must hold texts; it is empty"),
            ([], "a list to explain must hold the messages of a chat; it is empty"),
            ([{"content": "a"}], "a chat's messages must have a role and a content; message 0 has no role"),
            ([{"role": "user"}], "message 0 has no content. Where a message has no text, its content is None"),
            ([{"role": "user", "content": None}], "a chat to explain must hold texts; no message has one"),
            ({"role": "user", "content": "a"}, r"a single chat message .*: give \[message\]"),
            (Prompt("no values", {}), "a prompt to explain must have texts among the values of its template; there are none"),
            (Prompt("{a}", {"a": ""}), "the fields 'a' have no words to explain"),
        ],
    )
    def test_of_no_texts(self, instance, problem):
        with pytest.raises(InstanceError, match=problem):
            TextExplainer().explain_instance(instance, Recorder())

    def test_other_mappings_and_rows(self):
        pd = pytest.importorskip("pandas")
        with pytest.raises(ArgumentTypeError, match=r"must be a str; got Series\. Give a dict of its texts"):
            TextExplainer().explain_instance(pd.Series(PAIR), Recorder())

    def test_a_tuple_that_cannot_be_made_again(self):
        class Odd(tuple):
            def __new__(cls, one, two):
                return super().__new__(cls, (one, two))

        with pytest.raises(InstanceError, match=r"TextExplainer\.components raised .*TypeError"):
            TextExplainer().explain_instance(Odd("a", "b"), Recorder())

    @pytest.mark.parametrize(
        ("template", "values", "problem"),
        [
            ("{a} {b}", {"a": "x"}, "template names the value 'b', which is missing; there are 'a'"),
            ("{a", {"a": "x"}, "template is not well formed: .* Double braces"),
            ("{} {}", {"a": "x"}, r"template must have plain names in braces, such as \{question\}; got \{\}"),
            ("{0}", {"0": "x"}, "template must have plain names in braces"),
            ("{a.__class__}", {"a": "x"}, r"plain names in braces, .*; got \{a.__class__\}"),
            ("{a[0]}", {"a": "x"}, "plain names in braces"),
            ("{a:{b}}", {"a": "x", "b": 3}, "template: the format of 'a' must not have names in it"),
            ("{a:d}", {"a": "x"}, "template: 'a' cannot be written there: "),
            ("{a!x}", {"a": "x"}, "template: 'a' cannot be written there: "),
            ("{a:.6}", {"a": "x"}, "template must not cut texts; the format of 'a' is '.6'"),
        ],
    )
    def test_templates(self, template, values, problem):
        with pytest.raises(ArgumentError, match=problem):
            Prompt(template, values)

    @pytest.mark.parametrize(
        ("template", "values", "problem"),
        [
            (None, {}, "template must be a str; got None"),
            ("{a}", ["x"], "values must be a mapping of names to values; got list"),
            ("{a}", {"a": None}, r"values must be texts, .*; 'a' is None \(NoneType\)"),
            ("{a}", {"a": b"x"}, "values must be texts, .*; 'a' is b'x'"),
        ],
    )
    def test_templates_of_another_type(self, template, values, problem):
        with pytest.raises(ArgumentTypeError, match=problem):
            Prompt(template, values)

    def test_values_of_a_prompt_are_its_own(self):
        values = {"a": "x", "unused": None}
        prompt = Prompt("{a}", values)
        values["a"] = "y"
        assert str(prompt) == "x"


def test_examples_of_the_guide():
    run_examples("docs/text.md", "Several texts in one instance", count=2)
