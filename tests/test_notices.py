"""Notices: their levels, what is called a warning, and where each renderer puts them."""

import re
from dataclasses import replace

import pytest
from helpers.samples import table, text

from limelight import Explanation, Explanations, Notice, TextExplainer
from limelight.exceptions import ArgumentError
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
    asked = TextExplainer().explain_instance("one two", lambda texts: ["two" in text for text in texts], num_features=9)
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
