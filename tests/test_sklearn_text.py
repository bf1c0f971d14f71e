"""The shortcut for scikit-learn's text pipelines: never another answer than that of the texts themselves."""

import pickle
import re

import numpy as np
import pytest
from helpers.asked import assert_asked_total
from helpers.examples import run_examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler

from limelight import TextExplainer
from limelight.exceptions import InstanceError
from limelight.modalities._words import WordParts
from limelight.models._statements import Statements
from limelight.models._text_terms import TermMatrix
from limelight.models.generic import adapt_callable
from limelight.models.sklearn_text import adapt_text_pipeline

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
    made = TermMatrix(vectorizer, parts, [""]).make(masks)
    wanted = vectorizer.transform(parts.realise(masks))
    assert type(made) is type(wanted)
    assert (made.shape, made.dtype) == (wanted.shape, wanted.dtype)
    assert made.indices.dtype == wanted.indices.dtype
    assert made.indptr.dtype == wanted.indptr.dtype
    np.testing.assert_array_equal(made.indptr, wanted.indptr)
    np.testing.assert_array_equal(made.indices, wanted.indices)
    np.testing.assert_array_equal(made.data, wanted.data)


def assert_same_explanation(model, text=TEXT, **options):
    """With and without the shortcut, to the bit."""
    short, generic = (
        TextExplainer(shortcuts=shortcuts, **options).explain_instance(text, model, num_samples=200)
        for shortcuts in (True, False)
    )
    assert short == generic
    np.testing.assert_array_equal(short.predictions, generic.predictions)


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
    (CountVectorizer, {"ngram_range": (1, 2)}),
    (CountVectorizer, {"ngram_range": (2, 2), "stop_words": ["the"]}),
    (CountVectorizer, {"ngram_range": (1, 4), "binary": True}),
    (CountVectorizer, {"ngram_range": (2, 3), "token_pattern": r"\S+"}),
    (TfidfVectorizer, {"ngram_range": (1, 2), "sublinear_tf": True, "max_df": 2}),
    (TfidfVectorizer, {"ngram_range": (3, 3), "norm": "l1", "token_pattern": r"(?u)\b\w+\b"}),
    (CountVectorizer, {"analyzer": "char_wb", "ngram_range": (2, 3)}),
    (CountVectorizer, {"analyzer": "char_wb", "ngram_range": (1, 6), "binary": True, "dtype": np.uint8}),
    (TfidfVectorizer, {"analyzer": "char_wb", "ngram_range": (3, 5), "lowercase": False}),
    (TfidfVectorizer, {"analyzer": "char_wb", "strip_accents": "ascii", "sublinear_tf": True, "min_df": 2}),
    (CountVectorizer, {"token_pattern": r"\S+"}),
    (CountVectorizer, {"token_pattern": r"[\w']+|[.,!?;]"}),
    (CountVectorizer, {"token_pattern": r"(\w+)(?:'\w+)?"}),
    (CountVectorizer, {"token_pattern": r"(?i)\b[a-z][a-z-]*\b", "lowercase": False}),
    (CountVectorizer, {"token_pattern": r"[^ ]+"}),
    (HashingVectorizer, {}),
    (HashingVectorizer, {"n_features": 8}),
    (HashingVectorizer, {"n_features": 8, "alternate_sign": False, "norm": None}),
    (HashingVectorizer, {"n_features": 4, "norm": None}),
    (HashingVectorizer, {"n_features": 4, "norm": "l1", "binary": True}),
    (HashingVectorizer, {"n_features": 16, "ngram_range": (1, 3), "dtype": np.float32}),
    (HashingVectorizer, {"n_features": 16, "ngram_range": (2, 2), "binary": True, "norm": None}),
    (HashingVectorizer, {"n_features": 32, "analyzer": "char_wb", "ngram_range": (1, 3)}),
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
    pattern=st.sampled_from([r"(?u)\b\w\w+\b", r"\w+", r"[a-z]+", r"\d+", r"\S+", r"\w[\w'-]*", r"[^ ]+|[,;]"]),
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


# Letters whose small form depends on their neighbours, marks that vanish, blanks of all kinds, and signs between words.
any_text = st.text(
    st.one_of(st.characters(), st.sampled_from("aAbB1_ \t\n,.'-ΣσςİßéŒﬁ½\u0301\u00a0\u2003\u0085\u1680\u00b4\u200d\U0001d6ba")),
    min_size=1,
    max_size=30,
)


@given(
    text=any_text,
    split=st.sampled_from([r"\W+", r" ", r"[aA,]", None]),
    bow=st.booleans(),
    mask_string=st.sampled_from([None, "a", " ", ",b", "Σ"]),
    kind=st.sampled_from([CountVectorizer, TfidfVectorizer, HashingVectorizer]),
    options=st.fixed_dictionaries(
        {
            "lowercase": st.booleans(),
            "strip_accents": st.sampled_from([None, "ascii", "unicode"]),
            "binary": st.booleans(),
            "ngram_range": st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 4), (3, 5)]),
        }
    ),
    analysis=st.one_of(
        st.just({"analyzer": "char_wb"}),
        st.sampled_from([r"\w+", r"(?u)\b\w\w+\b", r"\S+", r"[^\s]+", r"[a-z]+", r"\W", r".", r"\b.\b", r"[^,]+"]).map(
            lambda pattern: {"token_pattern": pattern}
        ),
    ),
    weights=st.sampled_from([{"norm": "l2"}, {"norm": "l1"}, {"norm": None}]),
)
@settings(max_examples=400, deadline=None)
def test_whatever_the_vectorizer_no_other_matrix(text, split, bow, mask_string, kind, options, analysis, weights):
    try:
        parts = parts_of(
            text, bow=bow, mask_string=mask_string, **({"char_level": True} if split is None else {"split_expression": split})
        )
    except InstanceError:
        assume(False)
    vectorizer = kind(
        **options,
        **analysis,
        **({} if kind is CountVectorizer else weights),
        **({"n_features": 16} if kind is HashingVectorizer else {}),
    )
    try:
        vectorizer.fit([text, *parts.realise(masks_for(parts, 6))])
    except ValueError:  # no terms
        assume(False)
    try:
        matrix = TermMatrix(vectorizer, parts, [""])
    except ValueError:
        assume(False)
    assert matrix is not None
    assert_same_matrix(vectorizer, parts)


class TestUnions:
    @pytest.mark.parametrize(
        "union",
        [
            FeatureUnion([("words", TfidfVectorizer()), ("letters", CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)))]),
            FeatureUnion(
                [("one", CountVectorizer()), ("none", "drop"), ("two", HashingVectorizer(n_features=16))],
                transformer_weights={"one": 0.3},
                n_jobs=2,
            ),
            FeatureUnion([("one", TfidfVectorizer(ngram_range=(1, 2)))]),
            FeatureUnion(
                [
                    ("counts", make_pipeline(CountVectorizer(), TfidfTransformer(), MaxAbsScaler())),
                    ("both", make_union(CountVectorizer(binary=True), make_pipeline(TfidfVectorizer(), TruncatedSVD(2)))),
                ]
            ),
        ],
    )
    @pytest.mark.parametrize("options", [{}, {"bow": False}])
    def test_explanation(self, union, options):
        model = fitted(union)
        assert takes_shortcut(model, parts_of(**options))
        assert_same_explanation(model, **options)

    def test_the_caller_keeps_his_pipeline(self):
        union = make_union(CountVectorizer(), TfidfVectorizer(), n_jobs=2)
        model = fitted(union)
        assert takes_shortcut(model, parts_of())
        assert model[0] is union
        assert union.n_jobs == 2
        assert [type(member) for _, member in union.transformer_list] == [CountVectorizer, TfidfVectorizer]

    @pytest.mark.parametrize(
        "member",
        [
            CountVectorizer(analyzer="char"),
            FunctionTransformer(lambda texts: np.array([[len(text)] for text in texts])),
            make_pipeline(FunctionTransformer(lambda texts: [text[::-1] for text in texts]), CountVectorizer()),
        ],
    )
    def test_one_member_that_needs_texts(self, member):
        model = fitted(FeatureUnion([("words", CountVectorizer()), ("other", member)]))
        assert not takes_shortcut(model, parts_of())
        assert_same_explanation(model)

    def test_counts_of_several_texts_at_once(self):
        model = fitted(make_union(TfidfVectorizer(), CountVectorizer(analyzer="char_wb", ngram_range=(2, 2))))
        texts = [TEXT, "the cat and the dog", "a mat; birds sing"]
        together = TextExplainer().explain_many(texts, model, num_samples=100)
        assert list(together) == [TextExplainer().explain_instance(text, model, num_samples=100) for text in texts]


class TestSteps:
    @pytest.mark.parametrize(
        "steps",
        [
            [CountVectorizer(), TfidfTransformer(sublinear_tf=True)],
            [CountVectorizer(ngram_range=(1, 2)), SelectKBest(k=10), TfidfTransformer()],
            [make_pipeline(CountVectorizer(), TfidfTransformer()), MaxAbsScaler()],
        ],
    )
    def test_after_the_vectorizer(self, steps):
        model = fitted(*steps)
        assert takes_shortcut(model, parts_of())
        assert_same_explanation(model)

    def test_before_the_vectorizer(self):
        model = make_pipeline(
            FunctionTransformer(lambda texts: [text[:20] for text in texts]), CountVectorizer(), LogisticRegression()
        ).fit(CORPUS, TARGET)
        assert not takes_shortcut(model, parts_of())
        assert_same_explanation(model)

    def test_options_that_were_changed_after_fitting(self):
        model = fitted(TfidfVectorizer())
        model[0].set_params(norm=None, sublinear_tf=True)  # the fitted vectorizer goes on with the former ones
        assert_same_explanation(model)


@pytest.mark.parametrize(
    "options", [{"blanks": "collapse"}, {"mask": str.upper}, {"mask": lambda word: word[:1], "bow": False}]
)
def test_other_ways_of_removing_words_are_asked_about_as_texts(options):
    model = fitted(CountVectorizer(lowercase=False))
    assert not takes_shortcut(model, parts_of("The cat saw a dog on the mat", **options))
    assert_same_explanation(model, "The cat saw a dog on the mat", **options)


@pytest.mark.parametrize("options", [{"unit": "sentence"}, {"signs": True}, {"mask": "[MASK]"}, {"mask": "", "bow": False}])
@pytest.mark.parametrize("analyzer", ["word", "char_wb"])
def test_other_units_and_masks(options, analyzer):
    text = "The dog saw. It isn't a CAT, is it? \N{PARTY POPPER} :-)"
    parts = parts_of(text, **options)
    for ngram_range in ((1, 1), (1, 3)):
        vectorizer = TfidfVectorizer(analyzer=analyzer, ngram_range=ngram_range).fit([*CORPUS, text])
        assert takes_shortcut(make_pipeline(vectorizer, LogisticRegression()), parts)
        assert_same_matrix(vectorizer, parts)


def test_graphemes_are_asked_about_as_texts():
    """Blanks are components too, so that any two words may touch."""
    pytest.importorskip("regex")
    model = fitted(CountVectorizer())
    assert not takes_shortcut(model, parts_of("The cat sat on a mat", unit="grapheme"))
    assert_same_explanation(model, "The cat sat on a mat", unit="grapheme")


def test_the_examples_in_the_docs():
    run_examples("docs/text.md", "Pipelines of scikit-learn", count=1, names={"TextExplainer": TextExplainer})


def test_several_texts_are_asked_about_as_they_are():
    model = fitted(CountVectorizer())
    parts = TextExplainer().components(("The cat sat", "a dog"))
    assert not takes_shortcut(model, parts)


def test_texts_that_are_not_made_of_words_and_gaps(monkeypatch):
    """A way of removing words that the shortcut does not know is found out, and the texts themselves are asked about."""
    model = fitted(CountVectorizer())
    realise = WordParts.realise
    monkeypatch.setattr(WordParts, "realise", lambda self, masks: [text.replace("  ", " ") for text in realise(self, masks)])
    assert not takes_shortcut(model, parts_of("The cat saw a dog on the mat"))
    assert_same_explanation(model, "The cat saw a dog on the mat")


class _Spy:
    """Counts how often a method is called, and with how many texts."""

    def __init__(self, monkeypatch, owner, name):
        self.calls = []
        original = getattr(owner, name)

        def counted(this, *arguments, **named):
            self.calls.append(len(arguments[0]) if arguments else 0)
            return original(this, *arguments, **named)

        monkeypatch.setattr(owner, name, counted)


MOST_TRIED = 4  # texts that are made whatever the way, to see whether the shortcut is exact


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
        assert sum(realised.calls) <= MOST_TRIED
        assert sum(transforms.calls) <= MOST_TRIED
        assert len(analysers.calls) <= 2

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_all_prediction_methods(self, realised, method):
        model = fitted(CountVectorizer())
        explanation = TextExplainer().explain_instance(TEXT, getattr(model, method), num_samples=100)
        assert sum(realised.calls) <= MOST_TRIED
        del realised.calls[:]
        generic = TextExplainer(shortcuts=False).explain_instance(TEXT, getattr(model, method), num_samples=100)
        assert_asked_total(sum(realised.calls), generic.num_inputs)
        assert generic.num_inputs == explanation.num_inputs
        np.testing.assert_allclose(explanation.predictions, generic.predictions, atol=1e-12)
        np.testing.assert_allclose(explanation.surrogates[0].weights, generic.surrogates[0].weights, atol=1e-12)

    def test_a_regressor(self, realised):
        model = make_pipeline(TfidfVectorizer(), Ridge()).fit(CORPUS, TARGET)
        assert TextExplainer().explain_instance(TEXT, model, num_samples=100).output_kind == "scores"
        assert sum(realised.calls) <= MOST_TRIED
        assert_same_explanation(model)

    @pytest.mark.parametrize("steps", [(TruncatedSVD(3, random_state=0),), (MaxAbsScaler(),), ("passthrough",)])
    def test_steps_between(self, realised, steps):
        model = fitted(TfidfVectorizer(), *steps)
        TextExplainer().explain_instance(TEXT, model, num_samples=100)
        assert sum(realised.calls) <= MOST_TRIED
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
        assert sum(realised.calls) <= 2 * MOST_TRIED
        np.testing.assert_allclose(batches.surrogates[0].weights, whole.surrogates[0].weights, atol=1e-12)

    def test_pickled_pipeline(self):
        model = fitted(TfidfVectorizer())
        copied = pickle.loads(pickle.dumps(model))
        assert TextExplainer().explain_instance(TEXT, copied) == TextExplainer().explain_instance(TEXT, model)

    def test_class_names_of_the_pipeline(self):
        model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(CORPUS, ["ham", "spam"] * 3)
        assert TextExplainer().explain_instance(TEXT, model).output_names == ("ham", "spam")


class TestWhereWordsTouch:
    """What a term can extend over is analysed together, whichever of its words are there."""

    def test_accents(self):
        model = fitted(CountVectorizer(strip_accents="unicode"))
        for text in ("a café and the mat", "cat\u00b4mat the \u0301 cat", "plain cafe and the mat"):
            assert takes_shortcut(model, parts_of(text))
            assert_same_matrix(model[0], parts_of(text))
            assert_same_explanation(model, text)

    def test_accents_that_vanish_with_what_parts_words(self):
        text = "cat\u2003mat\u0085the\u2014dog"
        vectorizer = CountVectorizer(strip_accents="ascii").fit([*CORPUS, "catmatthedog matthe thedog cat mat the dog"])
        assert_same_matrix(vectorizer, parts_of(text))

    def test_capital_sigma(self):
        text = "ΟΔΟΣ ΟΔΟΣ'\u0391 the mat ΟΔΟΣ"
        model = make_pipeline(CountVectorizer(), LogisticRegression()).fit([*CORPUS, text, text.lower()], [*TARGET, 0, 1])
        assert takes_shortcut(model, parts_of(text))
        assert_same_matrix(model[0], parts_of(text))
        assert_same_explanation(model, text)

    @pytest.mark.parametrize(
        ("text", "split"),
        [
            ("cat1mat2the3cat", r"\d"),  # wordy gaps
            ("the cat and mat", r" and "),
            ("catmat", lambda text: [text[:3], text[3:]]),  # empty gaps
            ("cat mat", lambda text: list(text.replace(" ", ""))),
            ("it_s a_mat", r"[ _]"),
            ("cat, the mat; it's the dog", r"[,;]"),
            ("the cat sat on the mat", lambda text: re.findall(" ?[a-z]+", text)),  # tokens with their blanks
        ],
    )
    @pytest.mark.parametrize("options", [{}, {"bow": False}, {"bow": False, "mask_string": " the, cat"}])
    @pytest.mark.parametrize("pattern", [r"\w+", r"\S+", r"[a-z' ]+"])
    def test_gaps(self, text, split, options, pattern):
        vectorizer = CountVectorizer(token_pattern=pattern).fit([*CORPUS, text, "catmat catthe thecat 1 12 123 cat1the3"])
        parts = parts_of(text, split_expression=split, **options)
        if takes_shortcut(make_pipeline(vectorizer, LogisticRegression()), parts) or pattern == r"\w+":
            assert_same_matrix(vectorizer, parts)

    def test_characters(self):
        model = fitted(CountVectorizer(token_pattern=r"\w+"))
        assert takes_shortcut(model, parts_of("the cat", char_level=True))
        assert_same_matrix(model[0], parts_of("the cat", char_level=True))
        assert_same_explanation(model, "the cat", char_level=True)

    def test_a_long_chunk(self):
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)).fit(CORPUS)
        text = "the <cat.and.mat.36.the.dog.UNKWORDZ@sat.the> cat <cat.and.mat.36.the.dog.UNKWORDZ@sat.the>"
        for options in ({}, {"bow": False}):
            assert_same_matrix(vectorizer, parts_of(text, **options))

    def test_too_long_a_chunk(self):
        text = "_".join(f"cat{number}" for number in range(11))
        parts = parts_of(text, split_expression="_")
        for arguments in ({}, {"ngram_range": (1, 2)}, {"analyzer": "char_wb", "ngram_range": (2, 20)}):
            model = fitted(CountVectorizer(**arguments))
            assert not takes_shortcut(model, parts)
            assert_same_explanation(model, text, split_expression="_")

    def test_what_can_vanish(self):
        """All of a chunk: the vectorizer does not count the blanks around nothing."""
        vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(1, 2)).fit(CORPUS)
        assert_same_matrix(vectorizer, parts_of("the cat the", char_level=True, mask_string=""))


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
            CountVectorizer(analyzer="char", ngram_range=(1, 1)),
            CountVectorizer(analyzer=_whole_text),
            CountVectorizer(tokenizer=_whole_text, token_pattern=None),
            CountVectorizer(preprocessor=_shorten),
            CountVectorizer(token_pattern=r"(?s)\w.+"),
            CountVectorizer(token_pattern=r"(?P<word>\w+)"),
            CountVectorizer(token_pattern=r"(?:^|\s)(\w+)"),
            CountVectorizer(token_pattern=r"\w+(?=\W)"),
            CountVectorizer(token_pattern=r"\w+|\W"),
            CountVectorizer(token_pattern=r"\w+$"),
            CountVectorizer(token_pattern=r"[^a]+"),
            CountVectorizer(token_pattern=r"\b\w*"),
            CountVectorizer(token_pattern=r"\w+\B"),
            CountVectorizer(token_pattern=r"(\w)\1"),
            CountVectorizer(token_pattern=r"(?x) \w+ # words"),
            CountVectorizer(token_pattern=r"[^]a[b]+"),
            HashingVectorizer(analyzer="char"),
            HashingVectorizer(tokenizer=_whole_text, token_pattern=None),
            HashingVectorizer(strip_accents=_shorten),
            _ShoutingVectorizer(),
        ],
        ids=lambda vectorizer: re.sub(r" at 0x\w+|\n *", "", str(vectorizer)),
    )
    def test_vectorizers(self, vectorizer):
        model = fitted(vectorizer)
        assert not takes_shortcut(model, parts_of())
        assert_same_explanation(model)

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
    path = adapt_callable(seen.extend, parts, Statements.read(seen.extend))

    class Inputs:
        def take(self, rows):
            return parts.realise(np.ones((len(rows), 2), dtype=np.uint8))

    class Neighbourhood:
        inputs = Inputs()

    path.finish(path.make(Neighbourhood(), np.arange(2)))
    assert seen == ["one two", "one two"]
