"""What the components of a text are: words of any script, graphemes, sentences, tokens, spans of a user's function."""

import pickle
import re
import sys
from copy import deepcopy
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from helpers.examples import run_examples
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from limelight import TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, MissingDependencyError
from limelight.modalities import _unspaced
from limelight.modalities._word_spans import find_words

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
SHAKING = "\U0001f642\u200d\u2194\ufe0f"
FLAG = "\U0001f1ee\U0001f1f3"
THUMB = "\U0001f44d\U0001f3fd"

# Alphabets of what belongs together: scripts with marks, emoji, flags, Hangul, prepended signs, halfwidth kana, controls.
ALPHABETS = [
    "ab .\u0301\u0308\u200d\u200c\n\r",
    "\u0915\u094d\u0937\u093f\u0902 \u0964\u200d",
    "\u0e19\u0e49\u0e33\u0e40\u0e01 \u0eb3\u0e81",
    "\u0628\u064e\u0644\u0651\u200c \u0600\u06dd1",
    "\U0001f468\U0001f469\u200d\ufe0f\U0001f3fd\u2764\u2139a1\u20e3 \u2194",
    "\U0001f1ee\U0001f1f3\U0001f1e9a \u0301\u0600",
    "\u1100\u1161\u11a8\uac00 \u3042\uff76\uff9e!",
    "\u65e5\u672c\u3059\u3099\u309a\u30ab\u3002\u3000",
    "\u0d4ea! \u0600\u06dd\U0001f1ee\U0001f1f3\U0001f468\u0301",
    "\U000e0067\U000e007f\U0001f3f4a \ufe0f\u0085",
]
any_text = st.one_of(
    st.text(st.characters(exclude_categories=("Cn",)), max_size=40), *(st.text(alphabet, max_size=25) for alphabet in ALPHABETS)
)


def parts_of(text, **options):
    return TextExplainer(**options).components(text)


def pieces_of(text, **options):
    return [text[span.start : span.stop] for span in parts_of(text, **options).view.spans]


@settings(max_examples=300)
@given(text=any_text, options=st.sampled_from([{}, {"signs": True}, {"unit": "grapheme"}, {"unit": "sentence"}]))
def test_no_component_begins_or_ends_inside_a_grapheme(text, options):
    regex = pytest.importorskip("regex")
    try:
        parts = parts_of(text, **options)
    except InstanceError:
        return
    edges = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    assert {edge for span in parts.view.spans for edge in span[:2]} <= edges
    assert parts.realise(np.ones((1, len(parts.names)), dtype=np.uint8)) == [text]


SCRIPTS = {
    "Hindi": ("यह फ़िल्म अच्छी है।", ["यह", "फ़िल्म", "अच्छी", "है"]),
    "Bengali": ("এই বইটি ভালো", ["এই", "বইটি", "ভালো"]),
    "Arabic": ("هٰذَا كِتَابٌ، جَمِيل", ["هٰذَا", "كِتَابٌ", "جَمِيل"]),
    "Persian, with a joiner": ("او می\u200cرود.", ["او", "می\u200cرود"]),
    "Hebrew": ("שָׁלוֹם לְךָ", ["שָׁלוֹם", "לְךָ"]),
    "Latin, decomposed": ("Zoe\u0308 ate cre\u0300me", ["Zoe\u0308", "ate", "cre\u0300me"]),
    "Korean": ("영화는 재미있다", ["영화는", "재미있다"]),
    "keycaps": ("step 1\ufe0f\u20e3 is", ["step", "1\ufe0f\u20e3", "is"]),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_words_keep_their_marks(name):
    text, words = SCRIPTS[name]
    assert pieces_of(text) == words
    assert not parts_of(text).notes
    view = TabularExplainer(pd.DataFrame({"note": [text, "x"], "n": [0, 1]}), kinds={"note": "text"}).components([text, 0]).view
    (passage,) = view.texts
    assert [text[span.start : span.stop] for span in passage.text.spans] == words


@given(text=st.text(st.characters(max_codepoint=127), max_size=60))
def test_ascii_texts_are_cut_as_by_lime(text):
    words = [word for word in re.split(r"\W+", text) if word]
    assert find_words(text).spans == [match.span() for match in re.finditer(r"\w+", text)]
    assert [text[start:stop] for start, stop in find_words(text).spans] == words


def test_default_and_limes_expression_give_the_same_bits():
    text = "the film was good, and the cast was not bad"
    default, limes = (
        TextExplainer(**options).explain_instance(text, lambda texts: [len(text) % 7 for text in texts], num_samples=100)
        for options in ({}, {"split_expression": r"\W+"})
    )
    assert default.as_list() == limes.as_list()
    assert default.provenance.settings == "unit='word', bow=True, mask='', blanks='keep'"
    assert limes.provenance.settings.startswith("split_expression='")


class TestScriptsWithoutSpaces:
    def test_words_are_found_by_budoux(self):
        budoux = pytest.importorskip("budoux")
        for text, language in (
            ("この映画は本当に面白くない", "japanese"),
            ("这本书写得非常好", "simplified_chinese"),
            ("這本書寫得非常好", "traditional_chinese"),
            ("หนังสือเล่มนี้ดีมาก", "thai"),
        ):
            words = getattr(budoux, f"load_default_{language}_parser")().parse(text)
            assert len(words) > 3
            assert pieces_of(f"ok, {text}。") == ["ok", *words]
            (note,) = parts_of(text).notes
            assert (note.code, note.level) == ("words_by_budoux", "information")
            assert f"budoux {version('budoux')}" in note.message

    def test_kana_in_a_text_tell_that_its_han_are_japanese(self):
        budoux = pytest.importorskip("budoux")
        assert pieces_of("これ、本日天気晴朗")[-2:] == budoux.load_default_japanese_parser().parse("本日天気晴朗")[-2:]
        (note,) = parts_of("本当に面白い、本日天気晴朗").notes
        assert "Japanese" in note.message
        assert "Chinese" not in note.message

    def test_other_words_of_the_text_are_as_ever(self):
        pytest.importorskip("budoux")
        assert pieces_of("a_b c; फ़िल्म 好") == ["a_b", "c", "फ़िल्म", "好"]
        assert parts_of("a_b c; फ़िल्म 好").notes == ()

    def test_without_budoux_a_notice_names_the_extra(self, monkeypatch):
        monkeypatch.setattr(_unspaced, "find_spec", lambda name: None)  # noqa: ARG005
        parts = parts_of("这本书写得非常好")
        assert parts.names == ("这本书写得非常好",)
        assert (
            "pip install 'limelight[text]'" in next(note for note in parts.notes if note.code == "words_not_separated").message
        )

    def test_a_planted_word_gets_the_weight(self):
        pytest.importorskip("budoux")
        explanation = TextExplainer(alpha=0).explain_instance(
            "この映画は本当に面白くない", lambda texts: [1.0 * ("本当" in text) for text in texts]
        )
        name, weight = explanation.as_list()[0]
        assert "本当" in name
        assert len(name) < 6
        assert weight == pytest.approx(1.0)


class TestSigns:
    TEXT = f"Win!!! {THUMB}{THUMB} it's 50% :-) {FLAG}{FLAG}{FAMILY}{SHAKING} ok."

    def test_they_are_components(self):
        signs = ["!!!", THUMB, THUMB, "'", "%", ":-)", FLAG, FLAG, FAMILY, SHAKING, "."]
        assert [piece for piece in pieces_of(self.TEXT, signs=True) if not re.match(r"\w", piece)] == signs
        assert [piece for piece in pieces_of(self.TEXT, signs=True) if re.match(r"\w", piece)] == pieces_of(self.TEXT)

    def test_a_planted_emoji_gets_the_weight(self):
        text = f"the train is late {THUMB}{THUMB} thanks"
        explanation = TextExplainer(alpha=0, signs=True).explain_instance(
            text, lambda texts: [float(text.count(THUMB)) for text in texts]
        )
        assert explanation.as_list()[0] == (THUMB, pytest.approx(2.0))
        assert "signs=True" in explanation.provenance.settings

    def test_texts_of_signs_alone(self):
        assert pieces_of("\N{FIRE}\N{FIRE} !?", signs=True) == ["\N{FIRE}", "\N{FIRE}", "!?"]


def test_graphemes():
    pytest.importorskip("regex")
    assert pieces_of(f"e\u0301 {FAMILY}\r\nक्षि", unit="grapheme") == ["e\u0301", " ", FAMILY, "\r\n", "क्षि"]


def test_graphemes_need_regex(monkeypatch):
    monkeypatch.setitem(sys.modules, "regex", None)
    with pytest.raises(MissingDependencyError, match=r"unit=\"grapheme\" needs regex: pip install 'limelight\[text\]'"):
        parts_of("a", unit="grapheme")


@pytest.mark.parametrize(
    "sentences",
    [
        ["It was good.", "Really!?", '"Yes."', "(No.)", "And so on..."],
        ["Dr. Ray et al. saw Mr. J. K. Doe, i.e. the one of the U.S. Army, at 5.30 p.m. or so.", "Then he left."],
        ["See Fig. 3 and No. 5.", "No.", "He said no.", "Then 7."],
        ["1. First this.", "2. Second that."],
        ["Yahoo! is a company.", "What? you ask."],
        ["今日は天気です。", "明日は\uff1f", "「はい\uff01」"],
        ["यह अच्छा है।", "वह बुरा है।"],
        ["هل هذا جيد؟", "نعم."],
        ["A headline", "Its text, that goes\non in a line."],
        [f"Great! {THUMB}"],
    ],
)
def test_sentences(sentences):
    glue = "" if "。" in sentences[0] else "\r\n\r\n" if "headline" in sentences[0] else "  "
    if sentences == [f"Great! {THUMB}"]:
        sentences = ["Great!", THUMB]
    text = f" {glue.join(sentences)}\n"
    assert pieces_of(text, unit="sentence") == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["1. First item", "2. Second item", "3. And more."],
        ["1. First.", "More", "2. Second", "3. third"],
        ["Do this:", "(1) cut", "(2) paste", "(3) Save it."],
        ["In all we saw\n42.", "It was enough."],
        ["Until May\n12 we stay."],
    ],
)
def test_items_of_lists_are_sentences(sentences):
    assert pieces_of("\n".join(sentences), unit="sentence") == sentences


@pytest.mark.parametrize("run", [".", "!?"])
def test_long_runs_of_stops_take_no_longer_than_their_length(run):
    text = run * 100_000 + "b. And so on."
    assert pieces_of(text, unit="sentence") == [text[:-11], "And so on."]


def test_a_planted_sentence_gets_the_weight():
    text = "The room was clean. The staff was rude! We liked the food."
    explanation = TextExplainer(unit="sentence", alpha=0).explain_instance(
        text, lambda texts: [-1.0 * ("rude" in text) for text in texts]
    )
    assert explanation.as_list()[0] == ("The staff was rude!", pytest.approx(-1.0))
    assert "these 3 sentences explain" in str(type(explanation).from_json(explanation.to_json()))


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 4), ({"signs": True}, 4), ({"unit": "grapheme"}, 9), ({"unit": "sentence"}, 2), ({"blanks": "collapse"}, 4)],
)
@pytest.mark.parametrize(
    "text",
    [
        "这本书写得非常好。这本书写得非常好。",
        "この映画は面白くない。とても残念でした。",
        "หนังสือเล่มนี้ดีมาก\n\nหนังสือเล่มนี้ดีมาก",
        "هٰذَا كِتَابٌ جَمِيل. هَلْ قَرَأْتَهُ؟",
        "यह फ़िल्म बहुत अच्छी है। वह बुरी है।",
        f"good {FAMILY}{THUMB} and {FLAG}{SHAKING}! so was it. Yes\ufe0f",
        "one two\r\nthree four.\r\n\r\nFive six \r\n",
        " \n".join(f"word{number} and more. And" for number in range(50_000)),
    ],
    ids=["Chinese", "Japanese", "Thai", "Arabic", "Hindi", "emoji", "CRLF", "1 MB"],
)
def test_round_trip(text, options, count):
    if options.get("unit") == "grapheme":
        pytest.importorskip("regex")
    parts = parts_of(text, bow=len(text) > 1000, mask="" if "blanks" in options else "_", **options)
    assert parts.realise(np.ones((1, len(parts.names)), dtype=np.uint8))[0].encode() == text.encode()
    if "budoux" in sys.modules or text.isascii():
        assert len(parts.view.spans) >= min(count, 2)


class TestMask:
    def test_a_string_replaces_words_of_bags_too(self):
        parts = parts_of("a b a", mask="[M]")
        assert parts.realise(np.array([[0, 1]], dtype=np.uint8)) == ["[M] b [M]"]

    def test_limes_mask_string_does_nothing_in_bags_and_a_notice_says_so(self):
        (note,) = parts_of("a b a", mask_string="[M]").notes
        assert (note.code, note.level) == ("mask_string_unused", "caution")
        assert "Give mask='[M]'" in note.message
        assert not parts_of("a b a", mask_string="[M]", bow=False).notes
        assert not parts_of("a b a", mask="[M]").notes

    def test_removing_positions(self):
        assert parts_of("a b a", bow=False, mask="").realise(np.array([[0, 1, 1]], dtype=np.uint8)) == [" b a"]

    def test_a_function_says_what_replaces_each_word(self):
        asked = []
        parts = parts_of("cat, cats cat", mask=lambda word: asked.append(word) or "é\U0001f600"[: len(word) - 2])
        assert asked == ["cat", "cat", "cats", "cats"]  # twice, to see whether it gives the same
        masks = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.uint8)
        assert parts.realise(masks) == ["é, é\U0001f600 é", "cat, é\U0001f600 cat", "é, cats é", "cat, cats cat"]

    def test_units_without_an_own_mask_are_removed(self):
        assert parts_of("Bad. Good.", unit="sentence", bow=False).realise(np.array([[0, 1]], dtype=np.uint8)) == [" Good."]
        assert TextExplainer(bow=False).components("a b").mask_string == "UNKWORDZ"

    def test_a_mask_that_changes_nothing_is_news(self):
        (note,) = parts_of("THE film", mask=str.upper).notes
        assert (note.code, note.level) == ("mask_changes_nothing", "caution")
        assert "'THE'" in note.message
        assert "film" not in note.message
        assert parts_of("UNKWORDZ film", bow=False).notes[0].code == "mask_changes_nothing"

    def test_it_is_kept_in_the_explanation(self):
        explainer = TextExplainer(mask=str.upper, blanks="collapse", unit="sentence")
        made = explainer.explain_instance("A b. C d.", lambda texts: [float("b" in text) for text in texts])
        assert made.provenance.settings == "unit='sentence', bow=True, mask=upper, blanks='collapse'"
        assert made.provenance.settings in repr(explainer)
        assert type(made).from_json(made.to_json()).provenance == made.provenance

    def test_other_masks_ask_about_other_texts_and_draw_other_masks(self):
        contents = {
            parts_of("a b", **options).content
            for options in ({}, {"mask": "x"}, {"mask": str.upper}, {"blanks": "collapse"}, {"mask": "x", "blanks": "collapse"})
        }
        assert len(contents) == 5

    @pytest.mark.parametrize("mask", [5, b"x", ["x"]])
    def test_of_another_type(self, mask):
        with pytest.raises(ArgumentTypeError, match="mask must be a str, or a function from a word to a str; got"):
            TextExplainer(mask=mask)

    @pytest.mark.parametrize("answer", [None, 5, b"x"])
    def test_a_function_that_gives_another_type(self, answer):
        with pytest.raises(ArgumentTypeError, match=f"mask must give a str for each removed piece; it gave {answer!r} for 'a'"):
            parts_of("a b", mask=lambda word: answer)  # noqa: ARG005

    def test_a_function_that_answers_by_chance(self):
        answers = iter(["good", "bad"])
        with pytest.raises(InstanceError, match="for 'a' it gave 'good', then 'bad'"):
            parts_of("a b", mask=lambda word: next(answers))  # noqa: ARG005

    def test_a_function_that_raises(self):
        with pytest.raises(InstanceError, match=r"mask raised KeyError.*'a'"):
            parts_of("a b", mask=lambda word: {}[word])

    def test_two_masks(self):
        with pytest.raises(ArgumentError, match="give either mask or mask_string; got mask='x' and mask_string='y'"):
            TextExplainer(mask="x", mask_string="y")

    @pytest.mark.parametrize("options", [{"mask": {"good": "bad"}.get("good")}, {"mask": "bad"}, {"blanks": "collapse"}])
    def test_shortcuts_give_the_same(self, options):
        texts = ["good film", "bad film", "good cast", "bad cast and film"]
        model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
        text = "good film, and the good cast; no bad one"
        short, generic = (
            TextExplainer(**options, shortcuts=shortcuts).explain_instance(text, model.predict_proba)
            for shortcuts in (True, False)
        )
        assert dict(short.as_list()) == pytest.approx(dict(generic.as_list()), abs=1e-9)


def swap(word):
    return {"good": "bad", "bad": "good"}.get(word, "")


def test_shortcuts_leave_replacements_of_single_words_alone():
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(["good film", "bad film"] * 3, [1, 0] * 3)
    text = "good film, bad cast"
    explanation = TextExplainer(mask=swap, alpha=0).explain_instance(text, model.decision_function)
    step = 2 * model[-1].coef_[0, model[0].vocabulary_["good"]]
    assert dict(explanation.as_list())["good"] == pytest.approx(step)


class TestBlanks:
    @pytest.mark.parametrize(
        ("text", "mask", "left"),
        [
            ("the good film", [1, 0, 1], "the film"),
            ("the good film", [0, 1, 1], "good film"),
            ("the good film", [1, 1, 0], "the good"),
            ("the good film", [1, 0, 0], "the"),
            ("the good film", [0, 0, 0], ""),
            ("one, two - three", [1, 0, 1], "one, - three"),
            ("x\n\n y z ", [1, 0, 1], "x\n\n z "),
            (" x y", [0, 1], " y"),
            ("x-y z", [1, 0, 1], "x- z"),
        ],
    )
    def test_that_meet_are_one(self, text, mask, left):
        assert parts_of(text, blanks="collapse").realise(np.array([mask], dtype=np.uint8)) == [left]

    def test_stay_around_what_a_mask_replaces(self):
        parts = parts_of("the good film", blanks="collapse", mask=lambda word: "" if word == "good" else "_")
        assert parts.realise(np.array([[0, 0, 0], [0, 1, 0]], dtype=np.uint8)) == ["_ _", "_ good _"]

    def test_are_kept_or_collapse(self):
        with pytest.raises(ArgumentError, match="blanks must be one of 'keep', 'collapse'; got 'drop'"):
            TextExplainer(blanks="drop")

    @given(text=st.text("ab, \n-", max_size=14), bow=st.booleans(), replaced=st.sampled_from(["", "a", "ab"]))
    def test_are_those_of_a_plain_reading(self, text, bow, replaced):
        try:
            parts = parts_of(text, bow=bow, blanks="collapse", mask=lambda word: "_" if word in replaced else "")
        except InstanceError:
            return
        masks = np.random.default_rng(len(text)).integers(0, 2, (8, len(parts.names)), dtype=np.uint8)
        assert parts.realise(masks) == [collapse(parts, mask, replaced) for mask in masks]


def collapse(parts, mask, replaced):
    """What a mask leaves, from the spans: run by run of blanks, and word by word."""
    text, position, items = parts.view.text, 0, []
    for span in (*parts.view.spans, None):
        start = len(text) if span is None else span.start
        items += re.findall(r"\s+|\S", text[position:start])
        if span is not None:
            word = text[span.start : span.stop]
            items.append(word if mask[span.component] else "_" if word in replaced else "")
            position = span.stop
    left: list[str] = []
    for item in filter(None, items):
        meets = (left[-1].isspace() if left else not text[0].isspace()) and item.isspace()
        if not meets:
            left.append(item)
    if left and left[-1].isspace() and not text[-1].isspace():
        left.pop()
    return "".join(left)


class TestSpansOfAFunction:
    def test_they_are_the_components(self):
        parts = parts_of("abcdef", unit=lambda text: [(0, 2), [np.int64(2), 3], (5, len(text))])
        assert parts.names == ("ab", "c", "f")
        assert parts.realise(np.array([[0, 1, 0]], dtype=np.uint8)) == ["cde"]
        assert parts_of("a b", unit=find_ends).names == ("a", "b")
        assert pickle.loads(pickle.dumps(TextExplainer(unit=find_ends))).components("a b").names == ("a", "b")

    @pytest.mark.parametrize(
        "answer", [None, 7, "ab", b"ab", [1, 2], ["ab"], [(0, "1")], [(0.0, 1.0)], [(True, 2)], [(0, 1, 2)]]
    )
    def test_of_other_types(self, answer):
        with pytest.raises(ArgumentTypeError, match=r"unit must give \(start, stop\) spans"):
            parts_of("abcdef", unit=lambda text: answer)  # noqa: ARG005

    @pytest.mark.parametrize("span", [(-1, 2), (0, 7), (2, 2), (3, 1), (6, 7)])
    def test_out_of_the_text(self, span):
        with pytest.raises(
            InstanceError, match=rf"0 <= start < stop <= 6, the text's length; it gave \({span[0]}, {span[1]}\)"
        ):
            parts_of("abcdef", unit=lambda text: [span])  # noqa: ARG005

    @pytest.mark.parametrize("spans", [[(0, 3), (2, 4)], [(3, 4), (0, 1)], [(0, 2), (0, 2)]])
    def test_that_overlap_or_go_back(self, spans):
        with pytest.raises(InstanceError, match=r"spans in their order, none within another; it gave .* after"):
            parts_of("abcdef", unit=lambda text: spans)  # noqa: ARG005

    def test_none_at_all(self):
        with pytest.raises(InstanceError, match="has no pieces to explain; unit leaves nothing of it"):
            parts_of("abc", unit=lambda text: [])  # noqa: ARG005

    def test_an_error_of_its_own(self):
        with pytest.raises(InstanceError, match="unit raised ZeroDivisionError"):
            parts_of("abc", unit=lambda text: 1 / 0)  # noqa: ARG005

    def test_a_function_that_gives_words_is_sent_to_split_expression(self):
        with pytest.raises(ArgumentTypeError, match=r"it gave 'a'\. For a function that gives words take split_expression="):
            parts_of("a bc", unit=str.split)


def find_ends(text):
    return [(0, 1), (len(text) - 1, len(text))]


class TestOptionsTogether:
    @pytest.mark.parametrize(
        "options",
        [
            {"unit": "word", "split_expression": r"\s+"},
            {"unit": "grapheme", "char_level": True},
            {"char_level": True, "split_expression": r"\s+"},
        ],
    )
    def test_one_says_what_a_component_is(self, options):
        with pytest.raises(ArgumentError, match=r".* and .* say what a component is in two ways; give one of them"):
            TextExplainer(**options)

    @pytest.mark.parametrize(
        "options", [{"unit": "sentence"}, {"char_level": True}, {"split_expression": " "}, {"unit": find_ends}]
    )
    def test_signs_are_for_words(self, options):
        with pytest.raises(ArgumentError, match="signs=True is for unit='word'"):
            TextExplainer(signs=True, **options)

    @pytest.mark.parametrize(("unit", "kind"), [("words", ArgumentError), ("", ArgumentError), (5, ArgumentTypeError)])
    def test_unknown_units(self, unit, kind):
        with pytest.raises(
            kind, match=f"unit must be one of 'word', 'grapheme', 'sentence', 'token', or a function.*got {unit!r}"
        ):
            TextExplainer(unit=unit)

    def test_tokens_need_a_tokenizer(self):
        with pytest.raises(ArgumentError, match="unit='token' needs to know whose tokens; give tokenizer="):
            TextExplainer(unit="token")
        with pytest.raises(ArgumentError, match="tokenizer= is for unit='token'; give both, or neither"):
            TextExplainer(tokenizer=object())
        with pytest.raises(ArgumentTypeError, match=r"tokenizer must be a Hugging Face tokenizer.*got 'bert'"):
            TextExplainer(unit="token", tokenizer="bert")


CORPUS = ["The playing film was surprisingly good, wasn't it?", "playing guitars is fun \U0001f600 naïve"] * 20


@pytest.fixture(scope="module")
def tokenizers():
    """A tokenizer of each of the three kinds, and how each is told apart."""
    tokenizers = pytest.importorskip("tokenizers")
    models, pre, trainers = tokenizers.models, tokenizers.pre_tokenizers, tokenizers.trainers
    byte_level = tokenizers.Tokenizer(models.BPE())
    byte_level.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
    byte_level.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre.ByteLevel.alphabet(), show_progress=False)
    )
    word_piece = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    word_piece.pre_tokenizer = pre.BertPreTokenizer()
    word_piece.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=60, special_tokens=["[UNK]"], show_progress=False)
    )
    sentence_piece = tokenizers.Tokenizer(models.Unigram())
    sentence_piece.pre_tokenizer = pre.Metaspace()
    sentence_piece.train_from_iterator(
        CORPUS, trainers.UnigramTrainer(vocab_size=90, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    )
    return {"\u0120": byte_level, "##": word_piece, "\u2581": sentence_piece}


class TestTokens:
    @pytest.mark.parametrize("mark", ["\u0120", "##", "\u2581"])
    def test_subwords_are_located_as_the_tokenizer_says(self, tokenizers, mark):
        tokenizer, text = tokenizers[mark], "The playing  film wasn't surprisingly good, film"
        tokens = tokenizer.encode(text).tokens
        assert any(mark in token for token in tokens)
        located = pieces_of(text, split_expression=lambda text: tokenizer.encode(text).tokens)
        assert located == pieces_of(text, unit="token", tokenizer=tokenizer)
        assert "".join(located) == text.replace(" ", "")
        assert len(located) == len([token for token in tokens if token.strip("\u0120\u2581")])

    def test_tokens_of_a_part_of_a_character_are_one(self, tokenizers):
        assert pieces_of("a \u2603\u2603", unit="token", tokenizer=tokenizers["\u0120"]) == ["a", "\u2603", "\u2603"]
        with pytest.raises(InstanceError, match='With a Hugging Face tokenizer give unit="token" and tokenizer='):
            parts_of("a \u2603", split_expression=lambda text: tokenizers["\u0120"].encode(text).tokens)

    def test_tokens_that_are_no_pieces_of_the_text(self, tokenizers):
        with pytest.raises(InstanceError, match=r"is not in it.*give unit=\"token\""):
            parts_of("the \u2603 film", split_expression=lambda text: tokenizers["##"].encode(text).tokens)
        assert pieces_of("\u2603 film", unit="token", tokenizer=tokenizers["##"])[0] == "\u2603"

    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("play a king", ["play", "##king"]),  # not next
            ("play king", ["play", "##king"]),  # a blank between
            ("good film", ["\u0120good", "\u0120lm"]),
            ("good film", ["\u2581good", "film"]),
        ],
    )
    def test_a_piece_is_nowhere_but_next(self, text, tokens):
        with pytest.raises(InstanceError, match="must return non-empty pieces of the text in their order"):
            parts_of(text, split_expression=lambda text: tokens)  # noqa: ARG005

    def test_marks_that_are_in_the_text_are_text(self):
        assert pieces_of("##a \u2581b", split_expression=str.split) == ["##a", "\u2581b"]

    def test_a_fast_tokenizer_of_transformers(self, tokenizers):
        transformers = pytest.importorskip("transformers")
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizers["##"], unk_token="[UNK]", model_max_length=4
        )
        size = len(tokenizer)
        text = "The playing film was good, playing film"
        explainer = TextExplainer(unit="token", tokenizer=tokenizer, blanks="collapse")
        parts = explainer.components(text)
        assert [text[span.start : span.stop] for span in parts.view.spans] == pieces_of(
            text, unit="token", tokenizer=tokenizers["##"]
        )
        assert parts.view.spans[-1].stop == len(text)  # nothing is cut off
        assert len(tokenizer) == size
        assert "unit='token', tokenizer=" in repr(explainer)
        assert pickle.loads(pickle.dumps(explainer)).components(text).names == parts.names

    def test_slow_tokenizers_are_refused(self):
        class Slow:
            is_fast = False

            def encode(self, text):
                return text

        with pytest.raises(ArgumentError, match=r"Slow does not, because it is slow. Give a fast one \(use_fast=True\)"):
            TextExplainer(unit="token", tokenizer=Slow())

    def test_other_tokenizers_are_refused(self):
        class Coder:
            def encode(self, text):
                return [*text]

        with pytest.raises(ArgumentTypeError, match=r"tokenizer must be a Hugging Face tokenizer.*\(Coder\).*give unit="):
            TextExplainer(unit="token", tokenizer=Coder())

    def test_nothing_is_cut_off_and_the_users_tokenizer_stays_as_it_is(self, tokenizers):
        tokenizer = deepcopy(tokenizers["##"])
        tokenizer.enable_truncation(3)
        tokenizer.enable_padding(length=5, pad_token="[UNK]")
        before = tokenizer.to_str()
        text = "the film was good, the film was not"
        assert pieces_of(text, unit="token", tokenizer=tokenizer) == pieces_of(text, unit="token", tokenizer=tokenizers["##"])
        assert tokenizer.to_str() == before


def test_examples_of_the_guide():
    run_examples("docs/text.md", "Units: what a component is", count=3)
