"""The shortcut for scikit-learn's text pipelines: never another answer than that of the texts themselves."""

import pickle
import re

import numpy as np
import pytest
from helpers.asked import assert_asked_total
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from limelight import TextExplainer
from limelight.modalities._words import WordParts
from limelight.models.generic import adapt_callable
from limelight.models.sklearn_text import _Counts, adapt_text_pipeline

CORPUS = [
    "The cat sat on the mat, and the CAT purred.",
    "A dog barked at the Cat; the dog was 3 years old!",
    "Cats & dogs: it's raining UNKWORDZ, isn't it?",
    "Bird_watching is fun; birds sing, dogs don't.",
    "the the the The THE mat mat 42 42 x y z",
    "Größe und Straße, café naïve \u0130stanbul",
]
TEXT = "The cat and the CAT saw 3 dogs on a mat: it's Bird_watching, isn't it? The dog (42) purred; x the mat."
TARGET = [0, 1, 0, 1, 0, 1]
WORDS = [
    "The",
    "the",
    "THE",
    "cat",
    "Cats",
    "dog",
    "it",
    "isn",
    "t",
    "3",
    "42",
    "mat",
    "Bird_watching",
    "zebra",
    "x",
    "Größe",
    "\u0130x",
]

texts = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", ", ", "; ", "-", "\n", " - "])), min_size=1, max_size=12
).map(lambda pairs: "".join(word + gap for word, gap in pairs))


def fitted(vectorizer, *steps):
    return make_pipeline(vectorizer, *steps, LogisticRegression()).fit(CORPUS, TARGET)


def parts_of(text=TEXT, **options):
    return TextExplainer(**options).components(text)


def masks_for(parts, count=40):
    masks = np.random.default_rng(len(parts.names)).integers(0, 2, (count, len(parts.names)), dtype=np.uint8)
    masks[0], masks[1] = 1, 0
    return masks


def takes_shortcut(model, parts):
    return adapt_text_pipeline(model.predict_proba, parts) is not None


def assert_same_matrix(vectorizer, parts):
    """The matrix made from masks is the vectorizer's own, to the bit and in the same layout."""
    masks = masks_for(parts)
    made = _Counts(vectorizer, parts).document_term_matrix(masks)
    wanted = vectorizer.transform(parts.realise(masks))
    wanted.sort_indices()
    assert type(made) is type(wanted)
    assert (made.shape, made.dtype) == (wanted.shape, wanted.dtype)
    assert made.indices.dtype == wanted.indices.dtype
    assert made.indptr.dtype == wanted.indptr.dtype
    np.testing.assert_array_equal(made.indptr, wanted.indptr)
    np.testing.assert_array_equal(made.indices, wanted.indices)
    if vectorizer.norm is None if isinstance(vectorizer, TfidfVectorizer) else True:
        np.testing.assert_array_equal(made.data, wanted.data)
    else:  # the norm may be summed in another order
        np.testing.assert_allclose(made.data, wanted.data, rtol=4 * np.finfo(made.dtype).eps, atol=0)


def assert_same_explanation(model, text=TEXT, **options):
    """With and without the shortcut, to 1e-12."""
    short, generic = (
        TextExplainer(shortcuts=shortcuts, **options).explain_instance(text, model, num_samples=200)
        for shortcuts in (True, False)
    )
    assert short.num_inputs == generic.num_inputs
    assert short.output_names == generic.output_names
    np.testing.assert_allclose(short.predictions, generic.predictions, rtol=0, atol=1e-12)
    for one, other in zip(short.surrogates, generic.surrogates, strict=True):
        weights, others = (
            dict(zip(one.components, one.weights, strict=True)),
            dict(zip(other.components, other.weights, strict=True)),
        )
        assert sorted(weights.values()) == pytest.approx(sorted(others.values()), rel=0, abs=1e-12)
        ties = {round(weight, 10) for weight in weights.values()}
        for component in weights.keys() ^ others.keys():  # equal weights may change places
            assert round((weights | others)[component], 10) in ties
        assert one.intercept == pytest.approx(other.intercept, rel=0, abs=1e-12)
        assert one.local_prediction == pytest.approx(other.local_prediction, rel=0, abs=1e-12)


SETTINGS = [
    (CountVectorizer, {}),
    (CountVectorizer, {"lowercase": False}),
    (CountVectorizer, {"binary": True}),
    (CountVectorizer, {"stop_words": "english"}),
    (CountVectorizer, {"stop_words": ["the", "cat"]}),
    (CountVectorizer, {"max_features": 5}),
    (CountVectorizer, {"min_df": 2}),
    (CountVectorizer, {"max_df": 2}),
    (CountVectorizer, {"token_pattern": r"\w+"}),
    (CountVectorizer, {"token_pattern": r"(?u)\b\w+\b"}),
    (CountVectorizer, {"token_pattern": r"(?u)\b\w\w\w+\b"}),
    (CountVectorizer, {"token_pattern": r"[a-z]+"}),
    (CountVectorizer, {"token_pattern": r"[A-Za-z]{2,}", "lowercase": False}),
    (CountVectorizer, {"token_pattern": r"\d+"}),
    (CountVectorizer, {"token_pattern": r"\w\w", "lowercase": False}),
    (CountVectorizer, {"dtype": np.float32}),
    (CountVectorizer, {"dtype": np.uint8}),
    (CountVectorizer, {"vocabulary": ["cat", "mat", "the", "it"]}),
    (TfidfVectorizer, {}),
    (TfidfVectorizer, {"lowercase": False}),
    (TfidfVectorizer, {"binary": True}),
    (TfidfVectorizer, {"norm": "l1"}),
    (TfidfVectorizer, {"norm": None}),
    (TfidfVectorizer, {"use_idf": False}),
    (TfidfVectorizer, {"use_idf": False, "norm": None}),
    (TfidfVectorizer, {"smooth_idf": False}),
    (TfidfVectorizer, {"sublinear_tf": True}),
    (TfidfVectorizer, {"sublinear_tf": True, "norm": None, "binary": True}),
    (TfidfVectorizer, {"dtype": np.float32}),
    (TfidfVectorizer, {"min_df": 2, "max_features": 4, "stop_words": ["dog"]}),
]


@pytest.mark.parametrize(("kind", "arguments"), SETTINGS, ids=lambda value: getattr(value, "__name__", None) or str(value))
class TestSettings:
    @pytest.mark.parametrize("options", [{}, {"bow": False}, {"bow": False, "mask_string": "xyz"}])
    def test_matrix(self, kind, arguments, options):
        parts = parts_of(**options)
        model = fitted(kind(**arguments))
        assert takes_shortcut(model, parts)
        assert_same_matrix(model[0], parts)

    def test_explanation(self, kind, arguments):
        assert_same_explanation(fitted(kind(**arguments)))


@pytest.mark.parametrize("mask_string", ["UNKWORDZ", "the", "the CAT, mat", "", " ", "!", "zebra"])
@pytest.mark.parametrize("binary", [False, True])
def test_mask_strings_count_where_the_vocabulary_has_them(mask_string, binary):
    parts = parts_of(bow=False, mask_string=mask_string)
    model = fitted(TfidfVectorizer(binary=binary))
    assert takes_shortcut(model, parts)
    assert_same_matrix(model[0], parts)
    assert_same_explanation(model, bow=False, mask_string=mask_string)


@given(
    text=texts,
    bow=st.booleans(),
    lowercase=st.booleans(),
    binary=st.booleans(),
    pattern=st.sampled_from([r"(?u)\b\w\w+\b", r"\w+", r"[a-z]+", r"\d+"]),
    stop_words=st.sampled_from([None, ["the", "it"], "english"]),
    mask_string=st.sampled_from([None, "cat", "the dog"]),
    weighted=st.booleans(),
)
@settings(max_examples=80)
def test_matrix_of_any_text(text, bow, lowercase, binary, pattern, stop_words, mask_string, weighted):
    kind = TfidfVectorizer if weighted else CountVectorizer
    vectorizer = kind(lowercase=lowercase, binary=binary, token_pattern=pattern, stop_words=stop_words).fit([*CORPUS, "aa 11"])
    parts = parts_of(text, bow=bow, mask_string=mask_string)
    model = make_pipeline(vectorizer, LogisticRegression())
    assert takes_shortcut(model, parts)
    assert_same_matrix(vectorizer, parts)


@given(
    text=st.text(min_size=1, max_size=40).filter(lambda text: re.search(r"\w", text)),
    lowercase=st.booleans(),
    bow=st.booleans(),
)
@settings(max_examples=150)
def test_whatever_the_text_no_other_answer(text, lowercase, bow):
    vectorizer = CountVectorizer(lowercase=lowercase, token_pattern=r"\w+").fit([text, text.swapcase(), "UNKWORDZ"])
    parts = parts_of(text, bow=bow)
    if takes_shortcut(make_pipeline(vectorizer, LogisticRegression()), parts):
        assert_same_matrix(vectorizer, parts)


@given(
    text=st.text(alphabet="aΣ\u03c3ςA\u0130\u0307İß ,'-_\u0345\u00b2ǅ", min_size=1, max_size=12).filter(
        lambda text: re.search(r"\w", text)
    )
)
@settings(max_examples=150)
def test_letters_whose_small_form_depends_on_others(text):
    vectorizer = CountVectorizer(token_pattern=r"\w+").fit([text, text.lower(), "a\u03c3 aς i b"])
    parts = parts_of(text)
    if takes_shortcut(make_pipeline(vectorizer, LogisticRegression()), parts):
        assert_same_matrix(vectorizer, parts)


class _Spy:
    """Counts how often a method is called, and with how many texts."""

    def __init__(self, monkeypatch, owner, name):
        self.calls = []
        original = getattr(owner, name)

        def counted(this, *arguments, **named):
            self.calls.append(len(arguments[0]) if arguments else 0)
            return original(this, *arguments, **named)

        monkeypatch.setattr(owner, name, counted)


class TestWhoTakesIt:
    @pytest.fixture
    def realised(self, monkeypatch):
        return _Spy(monkeypatch, WordParts, "realise")

    @pytest.mark.parametrize(
        "ask", [lambda model: model, lambda model: model.predict_proba, lambda model: model.predict_log_proba]
    )
    def test_pipeline_or_its_method(self, realised, monkeypatch, ask):
        model = fitted(TfidfVectorizer())
        transforms = _Spy(monkeypatch, TfidfVectorizer, "transform")
        analysers = _Spy(monkeypatch, CountVectorizer, "build_analyzer")
        explanation = TextExplainer().explain_instance(TEXT, ask(model), num_samples=300)
        assert explanation.num_samples == 300
        if getattr(ask(model), "__name__", "") == "predict_log_proba":  # not one of the methods that are known
            assert_asked_total(sum(realised.calls), explanation.num_inputs)
            return
        assert realised.calls == []
        assert sum(transforms.calls) <= 1
        assert len(analysers.calls) <= 2

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_all_prediction_methods(self, realised, method):
        model = fitted(CountVectorizer())
        explanation = TextExplainer().explain_instance(TEXT, getattr(model, method), num_samples=100)
        assert realised.calls == []
        generic = TextExplainer(shortcuts=False).explain_instance(TEXT, getattr(model, method), num_samples=100)
        assert_asked_total(sum(realised.calls), generic.num_inputs)
        assert generic.num_inputs == explanation.num_inputs
        np.testing.assert_allclose(explanation.predictions, generic.predictions, atol=1e-12)
        np.testing.assert_allclose(explanation.surrogates[0].weights, generic.surrogates[0].weights, atol=1e-12)

    def test_a_regressor(self, realised):
        model = make_pipeline(TfidfVectorizer(), Ridge()).fit(CORPUS, TARGET)
        assert TextExplainer().explain_instance(TEXT, model, num_samples=100).output_kind == "scores"
        assert realised.calls == []
        assert_same_explanation(model)

    @pytest.mark.parametrize("steps", [(TruncatedSVD(3, random_state=0),), (MaxAbsScaler(),), ("passthrough",)])
    def test_steps_between(self, realised, steps):
        model = fitted(TfidfVectorizer(), *steps)
        TextExplainer().explain_instance(TEXT, model, num_samples=100)
        assert realised.calls == []
        assert_same_explanation(model)

    def test_turned_off(self, realised):
        model = fitted(TfidfVectorizer())
        explanation = TextExplainer(shortcuts=False).explain_instance(TEXT, model, num_samples=100)
        assert_asked_total(sum(realised.calls), explanation.num_inputs)
        assert explanation.num_inputs > 90

    def test_a_wrapped_method_is_asked_about_texts(self, realised):
        model = fitted(TfidfVectorizer())
        explanation = TextExplainer().explain_instance(TEXT, lambda texts: model.predict_proba(texts), num_samples=100)
        assert_asked_total(sum(realised.calls), explanation.num_inputs)
        assert explanation.num_inputs > 90

    def test_batches(self, realised):
        model = fitted(TfidfVectorizer())
        whole = TextExplainer().explain_instance(TEXT, model, num_samples=300)
        batches = TextExplainer().explain_instance(TEXT, model, num_samples=300, batch_size=7)
        assert realised.calls == []
        np.testing.assert_allclose(batches.surrogates[0].weights, whole.surrogates[0].weights, atol=1e-12)

    def test_pickled_pipeline(self):
        model = fitted(TfidfVectorizer())
        copied = pickle.loads(pickle.dumps(model))
        assert TextExplainer().explain_instance(TEXT, copied) == TextExplainer().explain_instance(TEXT, model)

    def test_class_names_of_the_pipeline(self):
        model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(CORPUS, ["ham", "spam"] * 3)
        assert TextExplainer().explain_instance(TEXT, model).output_names == ("ham", "spam")


class _ShoutingVectorizer(CountVectorizer):
    def build_analyzer(self):
        analyse = super().build_analyzer()
        return lambda text: [f"{len(text) % 2}{token}" for token in analyse(text)]


class _OwnPipeline(Pipeline):
    """A pipeline that does something else than scikit-learn's."""

    def predict_proba(self, texts):
        return super().predict_proba([text + " cat cat cat" for text in texts])


def _whole_text(text):
    return [text[:5]]


def _shorten(text):
    return text[:10].lower()


class TestWhereItIsNotExact:
    """There the texts themselves are handed over; the answers are equal either way."""

    @pytest.mark.parametrize(
        "vectorizer",
        [
            CountVectorizer(ngram_range=(1, 2)),
            CountVectorizer(ngram_range=(2, 2)),
            CountVectorizer(analyzer="char", ngram_range=(1, 1)),
            CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)),
            CountVectorizer(analyzer=_whole_text),
            CountVectorizer(tokenizer=_whole_text, token_pattern=None),
            CountVectorizer(preprocessor=_shorten),
            CountVectorizer(token_pattern=r"\S+"),
            CountVectorizer(token_pattern=r"\w+ \w+"),
            CountVectorizer(token_pattern=r"[a-z' ]+"),
            CountVectorizer(token_pattern=r"(?:^|\s)(\w+)"),
            CountVectorizer(token_pattern=r"\w+(?=\W)"),
            CountVectorizer(token_pattern=r"\w+|\W"),
            CountVectorizer(token_pattern=r"\w+$"),
            CountVectorizer(token_pattern=r"[^a]+"),
            CountVectorizer(token_pattern=r"\w*."),
            _ShoutingVectorizer(),
        ],
        ids=lambda vectorizer: re.sub(r" at 0x\w+|\n *", "", str(vectorizer)),
    )
    def test_vectorizers(self, vectorizer):
        model = fitted(vectorizer)
        assert not takes_shortcut(model, parts_of())
        assert_same_explanation(model)

    def test_accents(self):
        model = fitted(CountVectorizer(strip_accents="unicode"))
        assert takes_shortcut(model, parts_of("plain cafe and the mat"))
        assert_same_explanation(model, "plain cafe and the mat")
        for text in ("a café and the mat", "cat\u00b4mat the \u0301 cat"):
            assert not takes_shortcut(model, parts_of(text))
            assert_same_explanation(model, text)

    def test_capital_sigma(self):
        text = "ΟΔΟΣ ΟΔΟΣ'\u0391 the mat ΟΔΟΣ"
        model = make_pipeline(CountVectorizer(), LogisticRegression()).fit([*CORPUS, text, text.lower()], [*TARGET, 0, 1])
        assert not takes_shortcut(model, parts_of(text))
        assert_same_explanation(model, text)
        kept = fitted(CountVectorizer(lowercase=False))
        assert takes_shortcut(kept, parts_of(text))

    @pytest.mark.parametrize(
        ("text", "split"),
        [
            ("cat1mat2the3cat", r"\d"),  # wordy gaps
            ("the cat and mat", r" and "),
            ("catmat", lambda text: [text[:3], text[3:]]),  # empty gaps
            ("cat mat", lambda text: list(text.replace(" ", ""))),
            ("it_s a_mat", r"[ _]"),
        ],
    )
    def test_gaps_in_which_words_meet(self, text, split):
        model = fitted(CountVectorizer(token_pattern=r"\w+"))
        assert not takes_shortcut(model, parts_of(text, split_expression=split))
        assert_same_explanation(model, text, split_expression=split)

    def test_gaps_that_part_words(self):
        model = fitted(CountVectorizer())
        parts = parts_of("cat, the mat; it's the dog", split_expression=r"[,;]")
        assert takes_shortcut(model, parts)
        assert_same_matrix(model[0], parts)

    def test_characters(self):
        model = fitted(CountVectorizer(token_pattern=r"\w+"))
        assert not takes_shortcut(model, parts_of("the cat", char_level=True))
        assert_same_explanation(model, "the cat", char_level=True)

    def test_another_pipeline(self):
        model = _OwnPipeline([("count", CountVectorizer()), ("last", LogisticRegression())]).fit(CORPUS, TARGET)
        assert not takes_shortcut(model, parts_of())
        assert_same_explanation(model)

    def test_an_estimator_alone(self):
        assert adapt_text_pipeline(LogisticRegression().fit([[0], [1]], [0, 1]).predict_proba, parts_of()) is None
        assert adapt_text_pipeline(print, parts_of()) is None

    def test_an_unfitted_vectorizer(self):
        model = make_pipeline(CountVectorizer(), LogisticRegression())
        assert adapt_text_pipeline(model.predict, parts_of()) is None


def test_the_generic_path_hands_over_the_texts():
    seen = []
    parts = parts_of("one two")
    path = adapt_callable(lambda texts: seen.extend(texts), parts)

    class Inputs:
        def take(self, rows):
            return parts.realise(np.ones((len(rows), 2), dtype=np.uint8))

    class Neighbourhood:
        inputs = Inputs()

    path.finish(path.make(Neighbourhood(), np.arange(2)))
    assert seen == ["one two", "one two"]
