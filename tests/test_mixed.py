"""Rows that mix numbers, categories and free text: the texts' words are components beside the other columns."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.frames import BUILD, values
from helpers.tables import Recorder

from limelight import Explanation, TabularExplainer
from limelight.exceptions import ArgumentError, InstanceError

COUNT = 200
CITIES = ["Lima", "Oslo", "Rome"]
COLUMNS = {
    "price": np.random.default_rng(0).gamma(2, 10, COUNT).round(2).tolist(),
    "city": [CITIES[i % 3] for i in range(COUNT)],
    "review": [f"The {'fine' if i % 2 else 'cold'} soup, and the view." for i in range(COUNT)],
    "note": [f"paid {'late' if i % 5 else 'early'}" for i in range(COUNT)],
}
REVIEW, NOTE = "A fine soup; fine bread!", "late again"
ROW = {"price": COLUMNS["price"][3], "city": "Rome", "review": REVIEW, "note": NOTE}
KINDS = {"review": "text", "note": "text"}


def additive(frame):
    """2 for fine, -1 for bread, 3 for late, 0.5 for Rome."""
    reviews, notes, cities = (values(frame, name) for name in ("review", "note", "city"))
    return np.array(
        [
            2.0 * ("fine" in review) - ("bread" in review) + 3.0 * ("late" in note) + 0.5 * (city == "Rome")
            for review, note, city in zip(reviews, notes, cities, strict=True)
        ]
    )


def explain(frame, model=additive, row=ROW, kinds=KINDS, **options):
    asked = {name: options.pop(name) for name in ("num_samples", "num_features", "batch_size") if name in options}
    return TabularExplainer(frame, kinds=kinds, **options).explain_instance(row, model, **asked)


def test_words_are_components_beside_the_other_columns():
    explanation = explain(pd.DataFrame(COLUMNS), feature_selection="none")
    words = ["review: A", "review: fine", "review: soup", "review: bread", "note: late", "note: again"]
    assert explanation.names[1:] == ("city=Rome", *words)
    assert explanation.names[0].startswith("price > ")
    assert explanation.view.columns() == {
        0: "price", 1: "city", **dict.fromkeys(range(2, 6), "review"), **dict.fromkeys((6, 7), "note"),
    }  # fmt: skip
    assert explanation.view.values()[3] == "fine"


@pytest.mark.parametrize("num_samples", ["auto", 3000])
def test_weights_are_the_effects_of_an_additive_model(num_samples):
    explanation = explain(pd.DataFrame(COLUMNS), alpha=0, num_features=8, num_samples=num_samples)
    weights = dict(explanation.as_list())
    expected = {"review: fine": 2, "review: bread": -1, "note: late": 3, "city=Rome": 0.5}
    assert weights == pytest.approx({**dict.fromkeys(explanation.names, 0.0), **expected}, abs=1e-9)


@pytest.mark.parametrize("build", BUILD)
def test_models_get_frames_of_the_same_types_whose_texts_lack_words(build):
    frame, model = build(COLUMNS), Recorder(additive)
    explain(frame, model, num_samples=500)
    first = model.batches[0]
    assert {name: values(first, name)[0] for name in COLUMNS} == ROW
    assert type(first) is type(frame)
    if build is pd.DataFrame:
        pd.testing.assert_series_equal(first.dtypes, frame.dtypes)
    else:
        assert first.schema == frame.schema
    kept = {review for batch in model.batches for review in values(batch, "review")}
    # Each distinct word goes wherever it stands; what lies between stays.
    assert len(kept) == 2**4
    assert {"A fine soup; fine bread!", "A  soup;  bread!", "  ;  !"} <= kept


def test_each_word_stays_with_probability_one_half_whatever_the_others():
    model = Recorder(additive)
    explain(pd.DataFrame(COLUMNS), model, num_samples=4000)
    frame = pd.concat(model.batches)
    late, fine = frame.note.str.contains("late"), frame.review.str.contains("fine")
    # Distinct rows only are asked for, so that the common ones are fewer here than in the neighbourhood.
    assert 0.4 < late.mean() < 0.6
    assert 0.4 < fine[late].mean() < 0.6


def test_libraries_agree_to_the_bit():
    explanations = [explain(build(COLUMNS)) for build in BUILD]
    assert explanations[0] == explanations[1] == explanations[2]


def test_batches_of_any_size_agree_to_the_bit():
    assert explain(pd.DataFrame(COLUMNS), batch_size=97) == explain(pd.DataFrame(COLUMNS))


def test_the_kernel_is_as_wide_as_the_row_has_components():
    frame = pd.DataFrame(COLUMNS)
    assert explain(frame).kernel_width == pytest.approx(0.75 * 8**0.5)
    assert explain(frame, row={**ROW, "note": "late"}).kernel_width == pytest.approx(0.75 * 7**0.5)
    assert explain(frame, kernel_width=3.0).kernel_width == 3.0


@pytest.mark.parametrize("build", BUILD)
def test_a_frame_of_texts_alone(build):
    explanation = explain(
        build({"note": COLUMNS["note"]}), lambda frame: np.array([3.0 * ("late" in note) for note in values(frame, "note")]),
        {"note": NOTE}, {"note": "text"}, alpha=0,
    )  # fmt: skip
    assert dict(explanation.as_list()) == pytest.approx({"note: late": 3.0, "note: again": 0.0})
    assert explanation.kernel_width == pytest.approx(0.75 * 2**0.5)


@pytest.mark.parametrize(("text", "others"), [("", 4), (" -- ", 4), (None, 4)])
@pytest.mark.parametrize("build", BUILD)
def test_a_text_without_words_stays_as_it_is(build, text, others):
    def model(frame):
        seen.update(values(frame, "note"))
        return np.array([2.0 * ("fine" in review) for review in values(frame, "review")])

    seen = set()
    explanation = explain(build(COLUMNS), model, row={**ROW, "note": text})
    assert len(explanation.names) == 2 + others
    assert seen == {text} or (text is None and all(pd.isna(value) for value in seen))
    assert not explanation.warnings


def test_a_row_without_any_words_is_explained_by_its_columns():
    row = {**ROW, "review": "!", "note": ""}
    explanation = explain(pd.DataFrame(COLUMNS), lambda frame: (frame.city == "Rome").to_numpy(float), row=row)
    assert explanation.as_list()[0][0] == "city=Rome"
    assert len(explanation.names) == 2


def test_words_with_columns_that_have_no_bins():
    def model(frame):
        return frame.price.to_numpy() + 5.0 * frame.note.str.contains("late").to_numpy()

    frame = pd.DataFrame(COLUMNS)[["note", "price"]]
    row = {"price": ROW["price"], "note": NOTE}
    explanation = explain(frame, model, row, {"note": "text"}, discretize_continuous=False, alpha=0, num_samples=2000)
    expected = {"price": frame.price.std(ddof=0), "note: late": 5.0, "note: again": 0.0}
    assert dict(explanation.as_list()) == pytest.approx(expected, abs=1e-9)


def test_around_the_instance_and_with_rows_rejected():
    model = Recorder(additive)
    explain(pd.DataFrame(COLUMNS), model, sampler="around", constraint=lambda rows: rows.note.str.contains("late").to_numpy())
    assert all(frame.note.str.contains("late").all() for frame in model.batches)


def test_rows_outside_the_training_data_say_so():
    explanation = explain(pd.DataFrame(COLUMNS), row={**ROW, "city": "Bonn"})
    assert [warning.code for warning in explanation.warnings] == ["outside_training_data"]


def test_there_and_back():
    explanation = explain(pd.DataFrame(COLUMNS))
    assert Explanation.from_json(explanation.to_json()) == explanation
    explainer = TabularExplainer(pd.DataFrame(COLUMNS), kinds=KINDS)
    assert pickle.loads(pickle.dumps(explainer)).explain_instance(ROW, additive) == explanation


def test_pages_show_the_texts_and_the_other_columns():
    page = explain(pd.DataFrame(COLUMNS)).as_html()
    assert "In <bdi>review</bdi>" in page
    assert ">fine</mark>" in page
    assert "The other columns: 2 columns" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": {"price": "text"}}, "kinds: column 'price' cannot be 'text'; it holds no texts"),
        (
            {"kinds": {"city": "text"}, "cities": ["Rome", 7] * 100},
            r"'city' cannot be 'text'; it holds 7 \(int\), which is no",
        ),
        ({"sampler": "training_rows"}, "columns of free text are perturbed word by word; leave out sampler, or the kind"),
        ({"groups": {"both": ["note", "city"]}}, r"groups\['both'\] has a column of free text"),
        (
            {"constraint": lambda rows: rows},
            "constraint cannot make rows with free text; .* booleans that say which rows to keep",
        ),
    ],
)
def test_what_cannot_be(options, message):
    options = dict(options)
    frame = pd.DataFrame(COLUMNS | {"city": options.pop("cities", COLUMNS["city"])})
    with pytest.raises(ArgumentError, match=message):
        explain(frame, **options)


@pytest.mark.parametrize(
    ("frame", "dtype"),
    [
        (pd.DataFrame(COLUMNS).astype({"note": "category"}), "category"),
        (pl.DataFrame(COLUMNS, schema_overrides={"note": pl.Enum(sorted(set(COLUMNS["note"])))}), "Enum"),
        (pl.DataFrame(COLUMNS | {"note": [None] * COUNT}), "Null"),
        (pa.table(COLUMNS | {"note": [None] * COUNT}), "null"),
    ],
    ids=["category", "Enum", "Null", "null"],
)
def test_types_without_room_for_perturbed_texts_are_refused(frame, dtype):
    with pytest.raises(ArgumentError, match=f"column 'note' cannot be 'text'; it holds {dtype}.*, a type that has no room"):
        explain(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(COLUMNS, schema_overrides={"note": pl.Categorical}),
        pa.table(COLUMNS | {"note": pa.array(COLUMNS["note"]).dictionary_encode()}),
        pd.DataFrame(COLUMNS).assign(note=None),
    ],
    ids=["Categorical", "dictionary", "objects"],
)
def test_types_with_room_for_perturbed_texts(frame):
    assert explain(frame) == explain(pd.DataFrame(COLUMNS))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("नमस्ते, दुनिया", ["नमस्ते", "दुनिया"]),
        ("cafe\u0301 \u0301 e\u0301le\u0300ve", ["cafe\u0301", "e\u0301le\u0300ve"]),
        ("नमस्\u200dते ❤\ufe0f!", ["नमस्\u200dते"]),
    ],
    ids=["vowel signs", "accents", "joiners"],
)
def test_marks_belong_to_the_letters_before_them(text, words):
    model = Recorder(additive)
    explanation = explain(pd.DataFrame(COLUMNS), model, {**ROW, "review": "", "note": text}, feature_selection="none")
    assert [name.removeprefix("note: ") for name in explanation.names[2:]] == words
    left = text
    for word in words:
        left = left.replace(word, "")
    assert {text, left} <= {note for frame in model.batches for note in frame.note}


def test_a_row_without_words_or_other_columns():
    explainer = TabularExplainer(pd.DataFrame(COLUMNS)[["note"]], kinds={"note": "text"}, kernel_width=1.0)
    with pytest.raises(InstanceError, match="must have words in its texts, since it has no other columns"):
        explainer.explain_instance({"note": "?"}, len)


def test_arrays_hold_no_texts():
    with pytest.raises(ArgumentError, match="only a frame can have columns of free text; give training_data as one"):
        TabularExplainer(np.ones((3, 2)), kinds={0: "text"})


def test_a_text_has_to_be_one():
    with pytest.raises(InstanceError, match=r"column 'note' holds texts; got 5 \(int\)"):
        explain(pd.DataFrame(COLUMNS), row={**ROW, "note": 5})
