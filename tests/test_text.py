"""Texts: how they are cut into words and put together again, what the model is asked, and the example that every user knows."""

import re

import numpy as np
import pytest
from helpers.asked import assert_asked_once
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from limelight import TextExplainer
from limelight.exceptions import InstanceError

EMOJI = "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467"
# Latin-1, beyond it, beyond the basic plane, combining marks, lone surrogates, odd spaces and a NUL.
ALPHABETS = [
    "ab ,",
    "aé\xff\xa0\xb2 -",
    "ab\u0100\u4e2d \u3000",
    f"a{EMOJI} \U0001d400b",
    "e\u0301\u0345 o\u0308.",
    "a\ud800\udfff b",
    "a\0 b",
]
any_text = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=60), *(st.text(alphabet, max_size=40) for alphabet in ALPHABETS)
).filter(lambda text: re.search(r"\w", text))


def parts_of(text, **options):
    return TextExplainer(**options).components(text)


def put_together(parts, mask):
    """What a mask leaves of a text, from the spans alone, one character after the other."""
    text, answer, position = parts.view.text, "", 0
    for span in parts.view.spans:
        answer += text[position : span.start]
        answer += text[span.start : span.stop] if mask[span.component] else parts.mask_string
        position = span.stop
    return answer + text[position:]


def some_masks(parts, count=12):
    masks = np.random.default_rng(len(parts.names)).integers(0, 2, (count, len(parts.names)), dtype=np.uint8)
    masks[0], masks[1] = 1, 0
    return masks


class TestWords:
    def test_bag_of_words(self):
        parts = parts_of("the cat, the mat: The end")
        assert parts.names == ("the", "cat", "mat", "The", "end")
        assert [span.component for span in parts.view.spans] == [0, 1, 0, 2, 3, 4]
        assert parts.realise(np.array([[0, 1, 1, 1, 1]], dtype=np.uint8)) == [" cat,  mat: The end"]

    def test_positions(self):
        parts = parts_of("the cat the mat", bow=False)
        assert parts.names == ("the", "cat", "the", "mat")
        assert parts.realise(np.array([[0, 1, 1, 0]], dtype=np.uint8)) == ["UNKWORDZ cat the UNKWORDZ"]

    @pytest.mark.parametrize(
        ("mask_string", "left"), [("", " cat"), ("[MASK]", "[MASK] cat"), ("\U0001f600é", "\U0001f600é cat")]
    )
    def test_mask_string(self, mask_string, left):
        parts = parts_of("the cat", bow=False, mask_string=mask_string)
        assert parts.realise(np.array([[0, 1], [1, 1]], dtype=np.uint8)) == [left, "the cat"]

    def test_bags_leave_nothing(self):
        assert parts_of("a b a", mask_string="X").realise(np.array([[0, 1]], dtype=np.uint8)) == [" b "]

    def test_characters(self):
        parts = parts_of("abca", char_level=True)
        assert parts.names == ("a", "b", "c")
        assert parts.realise(np.array([[0, 1, 1]], dtype=np.uint8)) == ["bc"]
        parts = parts_of("ab a", char_level=True, bow=False)
        assert parts.names == ("a", "b", " ", "a")
        assert parts.realise(np.array([[0, 1, 1, 1]], dtype=np.uint8)) == ["\0b a"]
        assert parts_of("!!", char_level=True).names == ("!",)

    @pytest.mark.parametrize(
        ("expression", "names"),
        [
            (r"\W+", ("a_1", "b", "c", "d")),
            (r"\s+", ("a_1;b", "c-d.")),
            (r"[;_ ]", ("a", "1", "b", "c-d.")),
            (r"(;)|( )", ("a_1", "b", "c-d.")),  # groups are no words
            (re.compile("B", re.IGNORECASE), ("a_1;", " c-d.")),
            (r"x*", ("a_1;b c-d.",)),  # what matches nothing parts nothing
        ],
    )
    def test_expressions(self, expression, names):
        assert parts_of("a_1;b c-d.", split_expression=expression).names == names

    def test_tokenizers(self):
        parts = parts_of("don't stop, don't", split_expression=lambda text: re.findall(r"\w+|'", text))
        assert parts.names == ("don", "'", "t", "stop")
        assert [(span.start, span.stop) for span in parts.view.spans] == [
            (0, 3),
            (3, 4),
            (4, 5),
            (6, 10),
            (12, 15),
            (15, 16),
            (16, 17),
        ]
        assert parts.realise(np.array([[1, 0, 1, 0]], dtype=np.uint8)) == ["dont , dont"]
        assert parts_of("a bc", split_expression=iter).names == ("a", " ", "b", "c")

    def test_a_tokenizer_may_skip_but_not_go_back(self):
        assert parts_of("a b a", split_expression=lambda text: text.split()[1:]).names == ("b", "a")
        with pytest.raises(InstanceError, match="'a' is not in it after character 3"):
            parts_of("a b", split_expression=lambda text: text.split()[::-1])

    def test_names_are_plain_strings(self):
        for pair in TextExplainer().explain_instance("a b", lambda texts: [float("a" in text) for text in texts]).as_list():
            assert [type(item) for item in pair] == [str, float]


@given(
    text=any_text,
    bow=st.booleans(),
    char_level=st.booleans(),
    mask_string=st.sampled_from([None, "", "é", "\u4e2d\U0001f600", "\ud800"]),
)
def test_realise_is_the_reference(text, bow, char_level, mask_string):
    parts = parts_of(text, bow=bow, char_level=char_level, mask_string=mask_string)
    masks = some_masks(parts)
    texts = parts.realise(masks)
    assert texts == [put_together(parts, mask) for mask in masks]
    assert texts[0] == text
    assert all(type(realised) is str for realised in texts)


@given(text=any_text)
def test_spans_index_the_text(text):
    parts = parts_of(text, split_expression=r"\W+")
    words = [word for word in re.split(r"\W+", text) if word]
    assert [text[span.start : span.stop] for span in parts.view.spans] == words
    assert [parts.names[span.component] for span in parts.view.spans] == words
    assert set(parts.names) == set(words)
    assert len(set(parts.names)) == len(parts.names)
    assert {span.component for span in parts.view.spans} == set(range(len(parts.names)))
    assert parts.view.text == text


@pytest.mark.parametrize("count", [1, 63, 64, 65, 129])
def test_realise_any_number_of_masks(count):
    parts = parts_of(f"one two {EMOJI} three")
    masks = np.random.default_rng(count).integers(0, 2, (count, len(parts.names)), dtype=np.uint8)
    assert parts.realise(masks) == [put_together(parts, mask) for mask in masks]


class _Recorder:
    """A model that remembers the texts it was asked about."""

    def __init__(self, answer):
        self.answer = answer
        self.texts = []

    def __call__(self, texts):
        assert type(texts) is list
        self.texts += texts
        return np.array([self.answer(text) for text in texts], dtype=float)


class TestWhatIsAsked:
    @pytest.mark.parametrize("num_samples", [2, 9, 100, 1000, "auto"])
    @pytest.mark.parametrize("words", [1, 3, 8, 40])
    @pytest.mark.parametrize("options", [{}, {"design": "iid"}, {"bow": False}])
    def test_distinct_texts_are_asked_once(self, num_samples, words, options):
        text = " ".join(f"w{number}" for number in range(words))
        model = _Recorder(lambda text: ("w0" in text) + np.sin(len(text)))
        explanation = TextExplainer(**options).explain_instance(text, model, num_samples=num_samples)
        assert model.texts[0] == text
        assert_asked_once(model.texts, explanation.num_inputs)
        if words == 3 and num_samples != 2 and not (num_samples == 9 and options == {"design": "iid"}):
            assert explanation.num_inputs <= 8

    def test_auto_goes_on_where_it_was(self):
        text = " ".join(f"w{number}" for number in range(30))
        model = _Recorder(lambda text: np.sin(7 * len(text)) + ("w3" in text) * ("w4" in text))
        explanation = TextExplainer().explain_instance(text, model)
        assert explanation.num_samples > 1000  # more than one look
        assert_asked_once(model.texts, explanation.num_inputs)

    def test_small_texts_are_enumerated(self):
        model = _Recorder(lambda text: 2.0 * ("a" in text) - 0.5 * ("c" in text))
        explanation = TextExplainer(alpha=0).explain_instance("a b c", model)
        assert set(model.texts) == {f"{a} {b} {c}" for a in ("a", "") for b in ("b", "") for c in ("c", "")}
        assert_asked_once(model.texts, 8)
        assert explanation.as_list()[0] == ("a", pytest.approx(2.0))
        assert all(low == high for low, high in zip(explanation.surrogate().lows, explanation.surrogate().highs, strict=True))
        assert explanation.converged

    def test_perturbations_keep_what_lies_between(self):
        model = _Recorder(len)
        TextExplainer().explain_instance("<a>, b!", model)
        assert {re.sub(r"\w", "", text) for text in model.texts} == {"<>, !"}


ADDITIVE = {"good": 0.5, "bad": -0.7, "dull": -0.2, "film": 0.0, "not": 0.1}


class TestAdditiveModels:
    def model(self, texts):
        return np.array([sum(ADDITIVE.get(word, 0.0) for word in text.split()) for text in texts])

    def test_weights_are_found(self):
        text = "good film not bad and dull as " + " ".join(f"w{number}" for number in range(20))
        explanation = TextExplainer(alpha=0).explain_instance(text, self.model, num_features=4)
        assert dict(explanation.as_list()) == pytest.approx({"good": 0.5, "bad": -0.7, "dull": -0.2, "not": 0.1}, abs=1e-6)
        assert [name for name, _ in explanation.as_list()] == ["bad", "good", "dull", "not"]
        assert explanation.surrogate().fidelity == pytest.approx(1.0)

    def test_repeated_words_count_together_in_a_bag(self):
        explanation = TextExplainer(alpha=0).explain_instance("bad bad film", self.model)
        assert dict(explanation.as_list())["bad"] == pytest.approx(-1.4)
        apart = TextExplainer(alpha=0, bow=False, mask_string="X").explain_instance("bad bad film", self.model)
        weights = dict(apart.as_list())
        assert [weights["bad [0]"], weights["bad [4]"]] == pytest.approx([-0.7, -0.7])

    def test_empty_and_full_text_are_where_the_surrogate_says(self):
        surrogate = TextExplainer(alpha=0).explain_instance("good bad film", self.model).surrogate()
        assert surrogate.intercept == pytest.approx(0.0, abs=1e-9)
        assert surrogate.local_prediction == pytest.approx(-0.2)


@pytest.fixture(scope="module")
def model(newsgroups):
    forest = RandomForestClassifier(500, random_state=0, n_jobs=2)
    return make_pipeline(TfidfVectorizer(lowercase=False), forest).fit(newsgroups.train.data, newsgroups.train.target)


@pytest.fixture(scope="module")
def explanation(model, newsgroups):
    explainer = TextExplainer(class_names=["atheism", "christian"])
    return explainer.explain_instance(newsgroups.test.data[83], model.predict_proba, num_features=6)


class TestTheNewsgroupsStory:
    """The paper's example: a classifier for the wrong reasons (Ribeiro et al., KDD 2016, figure 2)."""

    def test_headers_speak_for_atheism(self, explanation):
        assert explanation.labels == (1,)
        assert explanation.output_names == ("atheism", "christian")
        names = [name for name, _ in explanation.as_list()]
        weights = dict(explanation.as_list())
        assert len(names) == 6
        assert set(names[:3]) == {"Posting", "Host", "NNTP"}
        for word in names[:3]:
            assert weights[word] < 0
        assert explanation.surrogate().fidelity > 0.5

    def test_without_them_the_prediction_rises_as_the_weights_say(self, explanation, model, newsgroups):
        text = newsgroups.test.data[83]
        weights = dict(explanation.as_list())
        before, after = model.predict_proba([text, re.sub(r"\b(Posting|Host)\b", "", text)])[:, 1]
        assert before == pytest.approx(explanation.predictions[1])
        assert after - before == pytest.approx(-weights["Posting"] - weights["Host"], rel=0.35)

    def test_texts_and_counts_tell_the_same_story(self, explanation, model, newsgroups):
        explainer = TextExplainer(shortcuts=False, class_names=["atheism", "christian"])
        text = newsgroups.test.data[83]
        generic = explainer.explain_instance(text, model.predict_proba, num_features=6)
        assert dict(generic.as_list()) == pytest.approx(dict(explanation.as_list()), abs=1e-6)


@pytest.mark.parametrize("options", [{}, {"locality": "local"}, {"locality": 0.9}, {"locality": 0.5}])
def test_weights_of_two_words_that_the_penalty_mixes_come_with_alpha_0(options):
    def model(texts):
        return [1.0 * ("hello" in text) for text in texts]

    explanation = TextExplainer(**options).explain_instance("hello world", model)
    (message,) = [notice.message for notice in explanation.notices if notice.code == "off_at_instance"]
    assert message.endswith("The surrogate says 1 with alpha=0.")
    without = TextExplainer(**options, alpha=0).explain_instance("hello world", model)
    assert dict(without.as_list()) == pytest.approx({"hello": 1, "world": 0}, abs=1e-9)
