"""Notices: their levels, what is called a warning, and where each renderer puts them."""

import re
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.samples import table, text
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

from limelight import Explanation, Explanations, ImageExplainer, Notice, TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, InstanceError
from limelight.modalities import _unspaced
from limelight.renderers.html import render_page

ALERT = Notice("other_side", "The answer may be wrong.", "alert")
CAUTION = Notice("vague", "The answer is less precise.", "caution")
INFORMATION = Notice("read_as", "Columns were read as channels.", "information")


@pytest.fixture
def explanation():
    return replace(text(), notices=(ALERT, CAUTION, INFORMATION))


def test_levels_are_the_three():
    assert Notice("code", "Read with care.").level == "caution"
    with pytest.raises(ArgumentError, match=r"level of a notice must be one of .*alert.*; got 'fatal'"):
        Notice("code", "Read with care.", "fatal")


def test_reading_order_is_by_level_and_then_as_given():
    first, second = Notice("a", "One.", "alert"), Notice("b", "Two.", "alert")
    mixed = [INFORMATION, first, CAUTION, second, INFORMATION]
    assert Notice.in_reading_order(mixed) == (first, second, CAUTION, INFORMATION)


def test_information_is_no_warning(explanation):
    assert explanation.warnings == (ALERT, CAUTION)
    asked = TextExplainer().explain_instance("one two three", lambda texts: ["two" in text for text in texts], num_features=9)
    assert [(notice.code, notice.level) for notice in asked.notices] == [("fewer_components", "information")]
    assert asked.warnings == ()


def test_levels_are_stored(explanation, tmp_path):
    assert Explanation.from_json(explanation.to_json()) == explanation
    assert explanation.to_dict()["notices"][0] == {"code": "other_side", "message": ALERT.message, "level": "alert"}
    Explanations.of([explanation]).save(tmp_path / "one.parquet")
    assert Explanations.load(tmp_path / "one.parquet")[0].notices == (ALERT, CAUTION, INFORMATION)


def test_stored_levels_are_checked(explanation):
    data = explanation.to_dict()
    data["notices"][1]["level"] = "loud"
    with pytest.raises(ArgumentError, match="level of a notice must be one of"):
        Explanation.from_dict(data)


@pytest.mark.parametrize("render", [str, Explanation.to_markdown])
def test_texts_begin_with_alerts_and_end_with_information(explanation, render):
    shown = render(explanation)
    places = [shown.index(words) for words in ("Alert: The answer", "weight" if "|" in shown else "fidelity")]
    places += [shown.index(words) for words in ("Caution: The answer", "Note: Columns")]
    assert places == sorted(places)
    assert "Warning" not in shown


def test_the_page_begins_with_alerts_and_ends_with_information(explanation):
    page = render_page(explanation).partition("<body")[2]
    order = re.findall(r'<section class="(alerts|cautions|notes|explained-label)"', page)
    assert order == ["alerts", "cautions", "explained-label", "notes"]
    assert page.index('class="alerts"') < page.index("What the model says")
    assert not re.search('class="(alerts|cautions|notes)"', render_page(text()).partition("<body")[2])


def test_a_report_counts_alerts_and_cautions_and_leaves_information_to_each_explanation():
    made = [replace(table(), notices=notices) for notices in ((ALERT, INFORMATION), (ALERT, CAUTION), (INFORMATION,), ())]
    above, _, listed = Explanations.of(made).to_html().partition("<script")
    above = above.partition('id="list"')[0]
    assert re.search(r"<h2>Alerts</h2>\s*<ul>\s*<li><b>2</b>", above)
    assert re.search(r"<h2>Cautions</h2>\s*<ul>\s*<li><b>1</b>", above)
    assert INFORMATION.message not in above
    assert INFORMATION.message in listed


# --- kind E: what a notice names helps ----------------------------------------------------------------------------------------


def find(explanation, code):
    return next((notice for notice in explanation.notices if notice.code == code), None)


def number_in(explanation, code, pattern):
    (number,) = re.findall(pattern, find(explanation, code).message)
    return float(number)


ROWS = np.random.default_rng(4).normal(size=(500, 5))
LONG = " ".join(f"word{i}" for i in range(60))


def steps(rows):
    return (rows[:, 0] > 0.3) + 0.5 * (rows[:, 1] * rows[:, 2] > 0)


def compare_words(texts):
    """How many more words with an even number than with an odd one."""
    return np.array([sum((-1.0) ** int(word[4:]) for word in text.split()) for text in texts])


def count_letters(texts):
    return np.array([len(text) + 3.0 * ("word7 " in text) for text in texts])


@pytest.mark.parametrize("num_samples", [900, "auto"])
def test_kind_e_more_samples_that_are_enough(num_samples):
    explanation = TabularExplainer(ROWS, tolerance=0.03).explain_instance(ROWS[2], steps, num_samples=num_samples)
    assert ("the most that" in find(explanation, "not_converged").message) == (num_samples == "auto")
    needed = int(number_in(explanation, "not_converged", r"(?:num|max)_samples=(\d+)"))
    assert needed > explanation.num_samples
    again = TabularExplainer(ROWS, tolerance=0.03).explain_instance(ROWS[2], steps, num_samples=needed)
    assert again.converged
    tolerance = number_in(explanation, "not_converged", r"tolerance=([\d.]+)")
    assert TabularExplainer(ROWS, tolerance=tolerance).explain_instance(ROWS[2], steps, num_samples=num_samples).converged


def test_kind_e_no_number_of_samples_is_named_that_none_would_wait_for():
    def noise(rows):
        return np.sin(1e4 * rows.sum(axis=1))

    message = find(TabularExplainer(ROWS).explain_instance(ROWS[2], noise, num_samples=300), "not_converged").message
    assert message.endswith("No weight is known well enough to be read.")

    def clear_and_noise(rows):
        return np.c_[rows[:, 0] > 0, noise(rows)]

    both = TabularExplainer(ROWS, mode="regression").explain_instance(ROWS[2], clear_and_noise, num_samples=300)
    message = find(both, "not_converged").message
    assert message.endswith("That is the least certain weight. Give num_samples=1200, which about halves the intervals.")


def test_a_constant_output_beside_an_imprecise_one_is_not_said_to_vary():
    def model(rows):
        return np.c_[steps(rows), np.full(len(rows), 3.0)]

    explanation = TabularExplainer(ROWS, mode="regression", tolerance=0.03).explain_instance(ROWS[2], model, num_samples=900)
    assert number_in(explanation, "not_converged", r"num_samples=(\d+)") > 900


def test_kind_e_a_penalty_that_takes_much():
    explanation = TextExplainer(kernel_width=1.5).explain_instance(LONG, count_letters, num_samples=200)
    needed = int(number_in(explanation, "shrunk", r"num_samples=(\d+)"))
    assert (
        find(TextExplainer(kernel_width=1.5, alpha=0).explain_instance(LONG, count_letters, num_samples=200), "shrunk") is None
    )
    assert find(TextExplainer(kernel_width=1.5).explain_instance(LONG, count_letters, num_samples=needed), "shrunk") is None


def test_kind_e_a_kernel_that_leaves_few_perturbations():
    narrow = TabularExplainer(ROWS, kernel_width=0.5, design="iid")  # others draw near the instance then
    explanation = narrow.explain_instance(ROWS[2], steps, num_samples=400)
    code = "low_effective_sample_size"
    needed = int(number_in(explanation, code, r"num_samples=(\d+)"))
    assert find(narrow.explain_instance(ROWS[2], steps, num_samples=needed), code) is None
    assert find(TabularExplainer(ROWS, kernel_width=1.5).explain_instance(ROWS[2], steps, num_samples=400), code) is None


def test_kind_e_low_fidelity_for_want_of_components():
    explanation = TextExplainer().explain_instance(LONG, compare_words)
    more = int(number_in(explanation, "low_fidelity", r"with num_features=(\d+)"))
    promised = number_in(explanation, "low_fidelity", r"It is ([\d.]+) with")
    again = TextExplainer().explain_instance(LONG, compare_words, num_features=more)
    assert again.surrogate().fidelity == pytest.approx(promised, abs=0.05)
    assert find(again, "low_fidelity") is None


def test_kind_e_low_fidelity_for_want_of_columns():
    rows = np.random.default_rng(6).normal(size=(400, 60))

    def model(asked):
        return (asked > 0).sum(axis=1).astype(float)

    explanation = TabularExplainer(rows).explain_instance(rows[0], model)
    assert find(explanation, "low_fidelity").message.endswith("; with more num_features than 10 up to about 0.3.")
    assert find(TabularExplainer(rows).explain_instance(rows[0], model, num_features=60), "low_fidelity") is None


def test_kind_e_low_fidelity_for_want_of_what_bins_lose():
    def model(asked):
        return asked @ np.array([1.0, -1.0, 0.5, 0.8, 0.3]) + np.sin(9 * asked[:, 0])

    row = np.full(5, 0.1)
    message = find(TabularExplainer(ROWS).explain_instance(row, model), "low_fidelity").message
    promised = float(re.search(r"without bins \(discretize_continuous=False, .*\) about (0\.\d)", message).group(1))
    slopes = TabularExplainer(ROWS, discretize_continuous=False)
    assert slopes.explain_instance(row, model).surrogate().fidelity == pytest.approx(promised, abs=0.1)
    assert "discretize_continuous" not in str(slopes.explain_instance(row, lambda asked: np.sin(99 * asked[:, 0])))


def test_kind_e_low_fidelity_without_a_remedy_names_none():
    explanation = TextExplainer().explain_instance(LONG, lambda texts: np.array([hash_of(text) for text in texts]))
    message = find(explanation, "low_fidelity").message
    assert message.endswith("Fitting with more components and with other kernel widths was tried, and does not help.")


def hash_of(text):
    return zlib.crc32(text.encode()) / 2**32


def hashes(texts):
    return np.array([hash_of(text) for text in texts])


def test_only_what_was_tried_is_said_not_to_help():
    whole = TextExplainer().explain_instance(LONG, hashes, num_features=60, num_samples=2000)
    assert find(whole, "low_fidelity").message.endswith("Fitting with other kernel widths was tried, and does not help.")
    few = TextExplainer(alpha=0).explain_instance(LONG, hashes, num_features=60, num_samples=200)
    assert re.search(r"held-out R2 \S+\.$", find(few, "low_fidelity").message)


@pytest.mark.parametrize("failure", [ValueError, ZeroDivisionError, "none", "nan", "huge", "words"])
def test_kernels_that_take_one_width_only(failure):
    asked = set()

    def kernel(distances, width):
        asked.add(width)
        if width == 25:
            return np.exp(-0.5 * (distances / width) ** 2)
        answers = {
            "none": 0 * distances,
            "nan": np.nan * distances,
            "huge": np.geomspace(1e-300, 1e308, len(distances)),
            "words": ["far"] * len(distances),
        }
        if isinstance(failure, str):
            return answers[failure]
        raise failure("another width")

    explanation = TextExplainer(kernel=kernel, kernel_width=25).explain_instance(LONG, hashes)
    assert len(asked) > 1
    assert find(explanation, "low_fidelity").message.endswith("Fitting with more components was tried, and does not help.")


def test_errors_of_memory_in_trials_are_passed_on():
    def kernel(distances, width):
        if width != 25:
            raise MemoryError
        return np.ones(len(distances))

    with pytest.raises(InstanceError, match="not enough memory"):
        TextExplainer(kernel=kernel, kernel_width=25).explain_instance(LONG, hashes)


class FussyRidge(Ridge):
    def fit(self, rows, outputs, sample_weight=None):
        if rows.shape[1] != 10:
            raise RuntimeError("ten components only")
        return super().fit(rows, outputs, sample_weight=sample_weight)


def test_a_regressor_of_the_users_is_left_out_of_trials():
    explanation = TextExplainer().explain_instance(LONG, hashes, model_regressor=FussyRidge())
    assert find(explanation, "low_fidelity").message.endswith("Fitting without model_regressor was tried, and does not help.")


def test_trials_are_for_the_first_outputs_and_the_default_one():
    def model(texts):
        return np.outer(hashes(texts), np.arange(1, 9))

    explanation = TextExplainer(mode="regression").explain_instance(LONG, model, num_samples=500)
    messages = [notice.message for notice in explanation.notices if notice.code == "low_fidelity"]
    assert [message.endswith("does not help.") for message in messages] == [True] * 5 + [False] * 3


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("great value \N{SMILING FACE WITH SUNGLASSES} and fast", ["\N{SMILING FACE WITH SUNGLASSES}"]),
        ("call now!! it is free", ["!!"]),
        ("so that is that :-( again", [":-("]),
        ("only 20 % of 300 \N{EURO SIGN} left", ["%", "\N{EURO SIGN}"]),
        ("a rocket \N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET} flies", ["\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}"]),
    ],
)
def test_kind_e_signs_that_stay_are_named_and_can_have_a_weight(text, signs):
    def model(texts):
        return np.array([float(signs[0] in one) for one in texts])

    explanation = TextExplainer().explain_instance(text, model)
    assert all(f"'{sign}'" in find(explanation, "signs_stay").message for sign in signs)
    assert find(explanation, "signs_stay").level == "information"
    assert "get no weight" in find(explanation, "constant_output").message  # the reason is in the warning itself
    assert "give signs=True" in find(explanation, "signs_stay").message
    again = TextExplainer(signs=True).explain_instance(text, model)
    assert again.as_list()[0] == (signs[0], pytest.approx(1, abs=0.01))
    assert find(again, "signs_stay") is None


@pytest.mark.parametrize("text", ["An ordinary sentence, with a comma.", "He said: 'no' (twice) - and left.", "don't stop"])
def test_common_punctuation_is_no_news(text):
    assert not TextExplainer().components(text).notes


def test_a_text_of_signs_alone_says_how_to_explain_it():
    with pytest.raises(InstanceError, match=r"no words to explain.*give signs=True"):
        TextExplainer().components("\N{FIRE}\N{FIRE} \N{POUTING FACE}")


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("\u8fd9\u672c\u4e66\u5199\u5f97\u975e\u5e38\u597d", True),
        ("\u3053\u306e\u672c\u306f\u3068\u3066\u3082\u826f\u3044", True),
        (
            "\u0e2b\u0e19\u0e31\u0e07\u0e2a\u0e37\u0e2d\u0e40\u0e25\u0e48\u0e21\u0e19\u0e35\u0e49\u0e14\u0e35\u0e21\u0e32\u0e01",
            True,
        ),
        ("\u0e9e\u0eb2\u0eaa\u0eb2\u0ea5\u0eb2\u0ea7\u0e8d\u0eb2\u0e81", False),
    ],
    ids=["Chinese", "Japanese", "Thai", "Lao"],
)
def test_kind_e_languages_without_spaces(text, is_cut, monkeypatch):
    monkeypatch.setattr(_unspaced, "find_spec", lambda name: None)  # noqa: ARG005 - no budoux
    (notice,) = [note for note in TextExplainer().components(text).notes if note.code == "words_not_separated"]
    assert notice.level == "caution"
    assert ("pip install 'limelight[text]'" in notice.message) == is_cut
    assert not [note for note in TextExplainer(char_level=True).components(text).notes if note.level == "caution"]

    def in_twos(whole):
        return [whole[start : start + 2] for start in range(0, len(whole), 2)]

    assert not [note for note in TextExplainer(split_expression=in_twos).components(text).notes if note.level == "caution"]


@pytest.mark.parametrize(
    "text",
    [
        "\ud55c\uad6d \uc601\ud654\ub294 \uc7ac\ubbf8\uc788\ub2e4",
        "\u6211 \u4e0d \u559c\u6b22 \u5b83",
        "caf\u00e9 na\u00efve \u00fcber",
    ],
)
def test_words_that_are_separated_are_no_news(text):
    assert not TextExplainer().components(text).notes


def test_kind_e_vowel_signs_that_cut_words():
    text = "\u092b\u093f\u0932\u094d\u092e \u0905\u091a\u094d\u091b\u0940 \u0939\u0948"  # three words of Hindi
    explainer = TextExplainer(split_expression=r"\W+")
    assert len(explainer.components(text).names) > 3
    (notice,) = explainer.components(text).notes
    assert (notice.code, notice.level) == ("words_cut", "caution")
    assert 'Leave out split_expression: unit="word"' in notice.message
    again = TextExplainer().components(text)
    assert again.names == tuple(text.split())
    assert not again.notes


def test_kind_e_texts_in_tables():
    frame = pd.DataFrame(
        {"note": ["so good \N{FIRE}", "\u8fd9\u672c\u4e66\u5199\u5f97\u975e\u5e38\u597d"] * 20, "n": range(40)}
    )
    explainer = TabularExplainer(frame, kinds={"note": "text"})
    (signs,) = explainer.components(frame.iloc[0]).notes
    assert "column 'note' alone, by a TextExplainer" in signs.message
    (words,) = explainer.components(frame.iloc[1]).notes
    assert words.code in ("words_by_budoux", "words_not_separated")
    assert not explainer.components({"note": "\u8fd9 \u672c \u4e66", "n": 3}).notes


def test_kind_e_a_filling_that_changes_nothing():
    flat = np.full((12, 12), 7.0)
    explanation = ImageExplainer("grid").explain_instance(flat, lambda images: images.mean(axis=(1, 2)))
    assert "Give fill=" in find(explanation, "nothing_changes").message
    again = ImageExplainer("grid", fill=0).explain_instance(flat, lambda images: images.mean(axis=(1, 2)))
    assert find(again, "nothing_changes") is None
    assert find(again, "constant_output") is None


def test_what_is_ordinary_is_printed_without_a_warning():
    data = load_iris()
    model = LogisticRegression(max_iter=500).fit(data.data, data.target)
    shown = str(
        TabularExplainer(data.data, tolerance=0.2).explain_instance(data.data[0], model, num_features=10, num_samples=3000)
    )
    assert "Note: 10 components were asked for; the instance has 4." in shown
    frame = pd.DataFrame({"sure": [True, False] * 50, "n": np.arange(100.0)})
    flags = TabularExplainer(frame).explain_instance(frame.iloc[0], lambda rows: rows["sure"] + 0.01 * rows["n"])
    assert "no bins" not in str(flags)
    assert flags.warnings == ()


def test_plots_begin_with_the_alert(explanation):
    title = explanation.plot().get_title()
    assert title.startswith("Alert: The answer may be wrong.\n")
    assert "Alert" not in text().plot().get_title()


def test_kind_a_a_column_that_never_varies_does_not_look_like_one_without_effect():
    rows = np.random.default_rng(5).normal(size=(400, 3))
    rows[:, 1] = 7.0

    def uses_all(batch):
        return batch[:, 0] + 5.0 * (batch[:, 1] == 7.0) + 3.0 * (batch[:, 2] > 100.0)

    explanation = TabularExplainer(rows, feature_names=["a", "b", "c"]).explain_instance(rows[0], uses_all)
    (notice,) = [notice for notice in explanation.notices if notice.code == "never_varies"]
    assert notice.level == "information"
    assert notice.message.startswith("b=7 stays in every perturbation")
    assert "never_varies" not in {
        notice.code for notice in TabularExplainer(rows).explain_instance(rows[0], uses_all, num_features=2).notices
    }


def test_kind_a_a_bin_that_is_not_left_around_the_row_does_not_look_like_one_without_effect():
    rows = np.column_stack([np.where(np.arange(500) < 20, 900.0, 0.0), np.random.default_rng(5).normal(size=500)])
    explainer = TabularExplainer(rows, feature_names=["debt", "b"], sampler="around")
    explanation = explainer.explain_instance([5000.0, 0.3], lambda batch: 2.0 * (batch[:, 0] > 0) + batch[:, 1])
    assert dict(explanation.as_list())["debt > 0"] == 0.0
    assert "debt > 0 stays in every perturbation" in explanation.to_json()


def test_log_odds_that_are_cut_off_are_said_to_be():
    def sure(texts):
        return np.array([[1 - 0.9 * ("good" in text), 0.9 * ("good" in text)] for text in texts])

    text = "good old film"
    notice = find(TextExplainer().explain_instance(text, sure, link="logit"), "clipped_log_odds")
    assert notice.level == "caution"
    assert "of the perturbations, by weight, the probability behind log-odds of 1 is 1e-6 or less" in notice.message
    assert find(TextExplainer().explain_instance(text, sure), "clipped_log_odds") is None
    unsure = TextExplainer().explain_instance(text, lambda texts: 0.05 + 0.9 * sure(texts), link="logit")
    assert find(unsure, "clipped_log_odds") is None
