"""The report of many explanations: what it says of all of them, and what its list is given."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.many import FAILURE, TRUE, WRONG, rows
from helpers.samples import CLASSES, MODALITIES, SAMPLES, falling, series, table, text

from limelight import Explanation, Explanations, Failure, Notice
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.renderers._summary import summarise
from limelight.renderers._templates import ScriptData
from limelight.renderers.reports import _list


def data_of(page):
    """What the list's script is given, with the words for their numbers."""
    return json.loads(re.search(r'<script type="application/json" class="data">(.*?)</script>', page, re.DOTALL)[1])


def items_of(page):
    return [entry["item"] for entry in data_of(page)["entries"]]


def plain(page):
    """A page's texts, without its scripts, styles and blanks."""
    page = re.sub(r"<(script|style|template).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


# --- what it says -------------------------------------------------------------------------------------------------------------


def test_counts_of_all():
    page = plain(rows().to_html(labels=TRUE))
    assert "Explanations of 9 predictions" in page
    assert "Explained 8 of 9 instances" in page
    assert "Converged 100 % of them" in page
    assert "Misclassified 42.9 % 3 of 7 with a true label" in page
    bar = "█" * 10  # hidden, unless a host removes the page's styles
    assert f"gardeners 4 1 {bar} stargazers 4 2 {bar}" in page  # chosen, and wrong
    assert "1 : ModelError : no such column item 2" in page


def test_fidelity_in_quartiles():
    known = [1 - 0.1 * i for i in range(9) if i != 2]
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    page = rows().to_html()
    assert f"The median is {middle:.2f}, half of all lie between {low:.2f} and {high:.2f}." in page
    drawn = re.findall(r"<rect [^>]*><title>([^<]*)</title>", page)
    assert sum(int(bar.rpartition(": ")[2]) for bar in drawn) == len(known)


def with_fidelity(fidelity):
    made = table()
    return replace(made, surrogates=tuple(replace(own, fidelity=fidelity) for own in made.surrogates))


def test_fidelity_that_is_not_known():
    page = Explanations.of([with_fidelity(math.nan), with_fidelity(0.5), with_fidelity(-3.0)]).to_html()
    assert "It is unknown for 1." in page
    assert re.findall(r"<rect [^>]*><title>([^<]*)</title>", page) == ["below 0: 1", "0.50 to 0.55: 1"]
    none = Explanations.of([with_fidelity(math.nan)]).to_html()
    assert "How well the surrogates follow" not in none
    assert data_of(none)["entries"][0]["fidelity"] is None
    assert data_of(none)["entries"][0]["trust"] == "unknown"


def test_importance_is_that_of_all():
    explanations = rows()
    page = explanations.to_html(num_features=3)
    importance = explanations.importance(1)
    shown = re.findall(
        r'<tr data-c="\d"[^>]*><th scope="row"><bdi>([^<]*)</bdi></th><td><bdi>(\d+)</bdi>.*?<td class="num">([\d.]+)', page
    )
    assert shown[:3] == [
        (feature, str(times), f"{value:.3f}")
        for feature, times, value in zip(importance.features[:3], importance.reported, importance.values, strict=False)
    ]
    assert "and 1 more" in page
    assert "stargazers: 8 explanations" in plain(page).replace(" :", ":")


def test_each_label_has_its_importance():
    made = [text(weights={i % 3: falling(4), (i + 1) % 3: falling(2)}, classes=CLASSES) for i in range(4)]
    page = plain(Explanations.of(made).to_html())
    for name, count in zip(CLASSES, (3, 3, 2), strict=True):
        assert f"{name} : {count} explanations" in page


def test_labels_of_one_number_and_other_names_are_told_apart():
    made = [text(), text(), table(classes=("benign", "malignant"))]
    page = Explanations.of(made).to_html()
    assert "stargazers : 2 explanations" in plain(page)
    malignant = page[page.index("<bdi>malignant</bdi>: 1 explanation<") :]
    assert re.search(r'<th scope="row"><bdi>([^<]*)', malignant)[1] == "bmi"


def test_picks_are_those_of_pick_as_long_as_they_add_something():
    made = [text("one two"), text("one two three"), text("four"), text("one"), FAILURE]
    explanations = Explanations.of(made)
    page = plain(explanations.to_html(num_picks=4))
    assert explanations.pick(4).positions[:2] == (1, 2)
    assert re.findall(r"Item (\d+):", page) == ["1", "2"]
    assert "It is the first to report one , two , three ." in page
    assert "They cover 100 % of the importance" in page
    assert re.findall(r"Item (\d+):", plain(explanations.to_html(num_picks=1))) == ["1"]


def test_warnings_are_counted_by_explanation():
    made = [table(notices=("Read with care.", "Read with care.")), table(notices=("Read slowly.",)), table()]
    assert "Cautions 2 , for example: Read with care. items 0, 1" in plain(Explanations.of(made).to_html())


@pytest.mark.parametrize(
    "made",
    [[], [FAILURE], [FAILURE] * 3, [text()], list(MODALITIES.values()), [table(weights={1: ()})], list(SAMPLES.values())],
)
def test_whatever_the_set_holds_there_is_a_page(made):
    page = Explanations.of(made).to_html()
    assert f"Explanations of {len(made)} prediction" in page
    assert items_of(page) == list(range(len(made))) if made else "<h2>All explanations" not in page


def test_regression():
    made = [
        table(classes=("price",), predictions=(1000.0 * i,), kind="scores", weights={0: falling(3, 100)}, half=5)
        for i in range(5)
    ]
    page = Explanations.of(made).to_html(labels=[1.5, 2.25, math.nan, 4.0, 5.0])
    assert "Prediction 2000 is the median; they go from 0 to 4000" in plain(page)
    assert "misclassified" not in plain(page.partition('id="list"')[0]).lower()
    data = data_of(page)
    assert [data["words"][entry["true"]] if "true" in entry else None for entry in data["entries"]] == [
        *("1.50", "2.25", None, "4.00", "5.00")
    ]
    assert [entry["value"] for entry in data["entries"]] == [0, 1000, 2000, 3000, 4000]


def test_items_are_those_of_the_job():
    assert items_of(rows()[4:].to_html()) == [4, 5, 6, 7, 8]


def test_the_page_is_made_of_files_too(tmp_path):
    rows().save(tmp_path / "rows.parquet")
    assert Explanations.load(tmp_path / "rows.parquet").to_html(labels=TRUE) == rows().to_html(labels=TRUE)


# --- true labels --------------------------------------------------------------------------------------------------------------


def wrong_of(page):
    return [entry["item"] for entry in data_of(page)["entries"] if entry.get("wrong")]


NUMBERS = [None if name is None else CLASSES.index(name) for name in TRUE]


@pytest.mark.parametrize(
    "labels",
    [
        TRUE,
        NUMBERS,
        [None if number is None else bool(number) for number in NUMBERS],
        [math.nan if number is None else float(number) for number in NUMBERS],
        np.array(TRUE, dtype=object),
        pd.Series(TRUE, index=range(10, 19)),
        pd.Series(NUMBERS),
        pd.Series(NUMBERS, dtype="Int64"),
        pd.Series(TRUE, dtype="category"),
        pl.Series(TRUE),
        pl.Series(NUMBERS),
        pa.array(NUMBERS),
        pa.chunked_array([TRUE]),
    ],
    ids=[
        "names",
        "numbers",
        "booleans",
        "floats",
        "objects",
        "series",
        "floats of a series",
        "Int64",
        "categories",
        "polars",
        "polars numbers",
        "arrow",
        "arrow chunks",
    ],
)
def test_true_labels_may_be_names_or_numbers(labels):
    assert wrong_of(rows().to_html(labels=labels)) == WRONG


def test_names_that_are_numbers_are_names():
    explanations = Explanations.of([table(classes=("1", "0"), predictions=(0.9, 0.1))] * 2)
    assert wrong_of(explanations.to_html(labels=[1, 0])) == [1]


@pytest.mark.parametrize("classes", [("1", "2", "3"), ("1.0", "2.0", "3.0")])
@pytest.mark.parametrize("labels", [[2, 1, 3], [2.0, math.nan, 1.0], [np.int64(2), None, np.float64(1)], ["2", math.nan, "1"]])
def test_whole_numbers_are_names_whatever_their_type(classes, labels):
    explanations = Explanations.of([table(classes=classes, predictions=(0.1, 0.9, 0.0))] * 3)
    data = data_of(explanations.to_html(labels=labels))
    true = [data["words"][entry["true"]].partition(".")[0] if "true" in entry else None for entry in data["entries"]]
    assert true == [None if label in (None, math.nan) else str(int(label)) for label in labels]
    assert [entry["wrong"] for entry in data["entries"]] == [int(name not in (None, "2")) for name in true]


def test_a_name_that_is_there_is_meant_before_one_that_is_like_it():
    explanations = Explanations.of([table(classes=("1", "1.0", "v2"), predictions=(0.1, 0.9, 0.0))] * 2)
    assert wrong_of(explanations.to_html(labels=["1", "1.0"])) == [0]
    with pytest.raises(ArgumentError, match=r"got 'v2\.0'"):
        explanations.to_html(labels=["v2", "v2.0"])


def test_missing_among_names():
    labels = [math.nan if label is None else label for label in TRUE]
    assert wrong_of(rows().to_html(labels=labels)) == WRONG


def test_without_true_labels_nothing_is_misclassified():
    page = rows().to_html()
    assert wrong_of(page) == []
    assert "misclassified" not in plain(page.partition('id="list"')[0]).lower()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"labels": TRUE[:3]}, ArgumentError, "labels must have one true label for each of the 9 instances; got 3"),
        ({"labels": "gardeners"}, ArgumentTypeError, "labels must be a sequence of true labels"),
        ({"labels": [[0]] * 9}, ArgumentTypeError, "labels must be a sequence of true labels"),
        ({"labels": ["gardener"] * 9}, ArgumentError, "got 'gardener', the outputs are"),
        ({"labels": [*TRUE[:8], "gardener"]}, ArgumentError, "got 'gardener', the outputs are"),
        ({"labels": [[0], *[[0, 1]] * 8]}, ArgumentError, "got [0], the outputs are"),
        ({"labels": [2] * 9}, ArgumentError, "labels must be the names or the numbers of the model's outputs; got 2"),
        ({"labels": [0.5] * 9}, ArgumentError, "got 0.5"),
        ({"labels": [math.inf] * 9}, ArgumentError, "got inf"),
        ({"title": 3}, ArgumentTypeError, "title must be a text; got 3"),
        ({"num_picks": 0}, ArgumentError, "num_picks must be an integer of at least 1"),
        ({"num_features": "all"}, ArgumentTypeError, "num_features must be an integer"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        rows().to_html(**arguments)


def test_incomplete_explanations_are_refused():
    (stored,) = Explanations.of([table()]).tables()
    names = stored["output_names"].combine_chunks()
    shorter = pa.ListArray.from_arrays([0, 1], names.flatten()[:1], type=names.type)
    broken = stored.set_column(stored.schema.get_field_index("output_names"), stored.schema.field("output_names"), shorter)
    with pytest.raises(ArgumentError, match="the stored explanations are incomplete"):
        Explanations.of_tables([broken]).to_html()


# --- the file -----------------------------------------------------------------------------------------------------------------


def test_a_report_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    rows().save_report(path, title="Rows", labels=TRUE, num_picks=2, num_features=3)
    before = rows().to_html(title="Rows", labels=TRUE, num_picks=2, num_features=3)
    assert path.read_text(encoding="utf-8") == before

    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        rows().save_report(path)
    assert path.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [path]


def test_entries_take_little_room():
    columns = [f"measurement number {i}" for i in range(30)]
    made = [table(columns, [f"{i}.{j}" for j in range(30)], weights={1: falling(10, 0.01 * i + 0.1)}) for i in range(100)]
    one, all_of_them = (len(Explanations.of(some).to_html(num_picks=1).encode()) for some in (made[:1], made))
    assert all_of_them - one < 99 * 3_000


def test_a_list_that_is_too_long_is_cut_and_says_so(monkeypatch):
    monkeypatch.setattr(_list, "_MOST_BYTES", 9_000)
    explanations = rows(30)
    made = []
    monkeypatch.setattr(_list, "summarise", lambda explanation: made.append(explanation) or summarise(explanation))
    labels = ["stargazers"] * 30
    labels[:3] = ["gardeners"] * 3
    page = explanations.to_html(labels=labels, num_picks=1)
    items = items_of(page)
    assert set(items) >= {2, *explanations.pick(1).positions} | {3, 4}  # failed, picked, misclassified
    assert items == sorted(items)
    assert 5 <= len(items) < 30
    assert f"The list holds {len(items)} of the 30" in page
    assert len(made) <= len(items) + _list._MOST_LEFT_OUT
    monkeypatch.undo()
    assert "The list holds" not in explanations.to_html()


@pytest.mark.parametrize("place", [0, 3, 5])
def test_one_that_is_too_large_leaves_room_for_the_others(place, monkeypatch):
    monkeypatch.setattr(_list, "_MOST_BYTES", 20_000)
    for large in (replace(FAILURE, message="no luck " * 9_000), text("few words" + " or many" * 9_000, weights={1: (0.1,)})):
        made = list(rows(5))
        made.insert(place, large)
        page = Explanations.of(made).to_html(num_picks=1)
        assert items_of(page) == [i for i in range(6) if i != place]
        assert max(map(len, data_of(page)["words"])) < 1_000
        assert "The list holds 5 of the 6" in page


def test_pictures_are_drawn_as_long_as_there_is_room(monkeypatch):
    made = [*MODALITIES.values(), *[series(weights={1: falling(2, 0.1 * i + 0.1)}) for i in range(3)]]
    drawn = [entry.get("pictures") for entry in data_of(Explanations.of(made).to_html())["entries"]]
    image, *others = drawn[4:]
    kinds = [explanation.view.kind for explanation in made[5:]]
    volume = others.pop(kinds.index("volume"))
    assert [picture[:16] for picture in image] == ["data:image/jpeg;"] * 2
    assert [picture[:16] for picture in volume] == ["data:image/jpeg;"] * 2
    assert all(first == "" and second.startswith("data:image/svg+xml;base64,") for first, second in others)
    assert drawn[:4] == [None] * 4
    monkeypatch.setattr(_list, "_MOST_PICTURE_BYTES", 20_000)
    scarce = [entry.get("pictures") for entry in data_of(Explanations.of(made).to_html())["entries"]]
    assert scarce[4] == image
    assert scarce[-1] == []


@pytest.mark.parametrize("string", ["</script><script>", "<!--", "&lt;", "\u2028\u2029", "\x00\x1b\x7f\ud800", '"\\', "\r\n"])
def test_data_for_the_script_hold_no_markup(string):
    held = ScriptData({"words": [string, (string,)]}).json
    assert not set(held) & set("<>&\u2028\u2029")
    first, (second,) = json.loads(held)["words"]
    assert first == second
    assert held.encode("utf-8")


# --- verdicts -----------------------------------------------------------------------------------------------------------------


def verdicts():
    """Rows whose verdicts are known: two good, one fair, two poor, and a failure."""
    good = table()
    good = replace(good, converged=True, surrogates=tuple(replace(own, fidelity=0.9) for own in good.surrogates))
    certain = tuple(replace(own, top_probabilities=(1.0,) * len(own.weights)) for own in good.surrogates)
    good = replace(good, surrogates=certain, notices=())
    fair = replace(good, converged=False)
    poor = replace(good, surrogates=tuple(replace(own, fidelity=math.nan) for own in good.surrogates))
    alarmed = replace(good, notices=(Notice("other_side", "It contradicts the decision.", "alert"),))
    return Explanations.of([good, fair, Failure("ModelError", "no such column"), poor, alarmed, good])


def test_levels_and_reasons_are_those_of_the_verdicts():
    explanations = verdicts()
    assert explanations.verdict_levels() == ("good", "fair", None, "poor", "poor", "good")
    assert explanations.verdict_reasons() == {"not_converged": 1, "low_fidelity": 1, "other_side": 1}
    for entries in (explanations, rows(), Explanations.of(SAMPLES.values())):
        expected = [entry.verdict().level if isinstance(entry, Explanation) else None for entry in entries]
        assert list(entries.verdict_levels()) == expected
    assert Explanations.of([FAILURE]).verdict_levels() == (None,)
    assert explanations[:0].verdict_reasons() == {}
    assert repr(explanations) == "Explanations(6 instances, 1 failed, 4 converged, 2 good, 1 fair, 2 poor)"
    assert "4 converged, 1 failed; 2 good, 1 fair, 2 poor" in explanations._repr_html_()


def test_a_report_says_how_far_to_trust_the_set():
    page = plain(verdicts().to_html())
    assert "How far to trust them" in page
    assert "good 2" in page
    assert "fair 1" in page
    assert "poor 2" in page
    assert "1 : intervals wider than the tolerance, or a list less certain than asked for not_converged" in page
    assert "1 : an alert other_side" in page
    assert "How far to trust them" not in plain(Explanations.of([FAILURE]).to_html())


def test_each_entry_of_a_report_has_its_level():
    data = data_of(verdicts().to_html())
    assert [entry.get("verdict") for entry in data["entries"]] == ["good", "fair", None, "poor", "poor", "good"]
