"""The shortcut for WordPiece tokenizers: never other token ids than those of the perturbed texts themselves."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from helpers.tiny_transformers import bert, byte_pairs, word_pieces
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

from limelight import TextExplainer
from limelight.models._tokenizers import Encoder
from limelight.models._word_pieces import find_word_pieces

WORDS = [
    "film",
    "FILM",
    "unaffecting",
    "don",
    "t",
    "café",
    "Größe",
    "42",
    "x_y",
    "\u4e2d\u6587",
    "\u0130stanbul",
    "Σ",
    "z" * 120,
]
GAPS = [" ", ", ", "'", "-", "\n\n", " (", ") ", "...", "\u3002", "\u2014", "\u00a0", " \u0301 ", "/", " 😀 ", "\u200b"]
TEXT = "The film is a charming, often affecting journey: don't miss it (or do)!"

texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), min_size=1, max_size=10).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)
TOKENIZER = word_pieces()
CASED = word_pieces(lowercase=False, truncation_side="left")


def assert_same_ids(encoder, parts):
    """For random masks, the ids put together are those of the texts, and so is all else that the model gets."""
    pieces = find_word_pieces(encoder, parts)
    if pieces is None:
        return False
    masks = np.random.default_rng(len(parts.names)).integers(0, 2, (60, len(parts.names)), dtype=np.uint8)
    masks[0], masks[1] = 1, 0
    made, wanted = pieces.complete(pieces.realise(masks)), encoder.encode(parts.realise(masks))
    assert set(made) == set(wanted)
    for name, rows in wanted.items():
        for row, other in zip(made[name], rows, strict=True):
            assert np.array_equal(row, other)
    return True


def parts_of(text=TEXT, **options):
    return TextExplainer(**options).components(text)


@pytest.mark.parametrize("limit", [None, 6])
@pytest.mark.parametrize("tokenizer", [TOKENIZER, CASED], ids=["uncased", "cased, cut at the start"])
@pytest.mark.parametrize("options", [{}, {"bow": False, "mask_string": "[MASK]"}, {"bow": False, "mask_string": ""}])
@settings(max_examples=30, deadline=None)
@given(text=texts)
def test_ids_are_those_of_the_texts(tokenizer, options, limit, text):
    assert_same_ids(Encoder(tokenizer, limit, {}), parts_of(text, **options))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (TEXT, {}),
        (TEXT, {"bow": False}),
        (TEXT, {"bow": False, "mask_string": "[MASK]"}),
        (TEXT, {"split_expression": r"\s+"}),
        ("a film \u2014 caf\u00e9, na\u00efve! 42", {}),
        ("line one\r\nline two\ttabbed", {}),
    ],
)
def test_is_taken_for_ordinary_texts(text, options):
    assert assert_same_ids(Encoder(TOKENIZER, 64, {}), parts_of(text, **options))


def without_splits(tokenizer):
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer


def with_added_token(token):
    tokenizer = word_pieces()
    tokenizer.add_tokens([token])
    return tokenizer


@pytest.mark.parametrize(
    ("tokenizer", "text", "options"),
    [
        (byte_pairs(), TEXT, {}),  # a blank belongs to the word after it
        (without_splits(word_pieces()), TEXT, {}),
        (TOKENIZER, "good\u200bfilm", {}),  # the tokenizer drops what parts the words
        (TOKENIZER, "cafe\u0301 film", {"split_expression": r"[^a-z]+"}),  # an accent, which is part of a word
        (TOKENIZER, "a [MASK] b", {}),  # one token across a gap, a word and a gap
        (TOKENIZER, TEXT, {"char_level": True}),  # pieces without anything between them
        (TOKENIZER, TEXT, {"bow": False, "mask_string": "x[MASK]"}),
        (with_added_token("is a"), TEXT, {}),
    ],
)
def test_is_not_taken_where_tokens_may_reach_across(tokenizer, text, options):
    assert find_word_pieces(Encoder(tokenizer, 64, {}), parts_of(text, **options)) is None


def test_a_pipelines_own_options_are_kept():
    assert assert_same_ids(Encoder(TOKENIZER, 64, {"add_special_tokens": False}), parts_of())


@pytest.mark.parametrize("options", [{}, {"bow": False, "mask_string": "[MASK]"}])
def test_explanations_are_the_same_without_it(options):
    model = (bert(3), TOKENIZER)
    asked = [
        TextExplainer(shortcuts=shortcuts, **options).explain_instance(TEXT, model, num_samples=300)
        for shortcuts in (True, False)
    ]
    assert asked[0] == asked[1]
