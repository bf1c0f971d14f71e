"""What the page's own script lets a reader do, in a browser."""

import re
from dataclasses import replace

import numpy as np
import pytest

from limelight import ImageExplainer, Surrogate, TabularExplainer, TextExplainer, TimeSeriesExplainer


def words(texts):
    """Three outputs that go by different words."""
    return np.array([[("good" in text) + 0.5 * ("film" in text), -1.0 * ("bad" in text), "good" in text] for text in texts])


@pytest.fixture(scope="module")
def text():
    return TextExplainer(class_names=["one", "two", "three"]).explain_instance("a good film, a bad end", words)


def shown_rows(page, label):
    return page.locator(".explained-label").nth(label).locator(".weights tbody tr:visible th").all_inner_texts()


def test_labels_can_be_hidden_and_shown_again(open_page, text):
    page = open_page(text.as_html())
    assert page.locator(".choices").is_visible()
    page.get_by_label("two").uncheck()
    assert [page.locator(".explained-label").nth(i).is_visible() for i in range(3)] == [True, False, True]
    page.get_by_label("two").check()
    assert page.locator(".explained-label").nth(1).is_visible()


def test_light_weights_disappear_from_the_list_and_lose_their_mark(open_page, text):
    page = open_page(text.as_html())
    assert len(shown_rows(page, 0)) > 2
    page.get_by_label("Hide weights below").fill("60")
    assert "60 %" in page.locator(".choices").inner_text()
    assert shown_rows(page, 0) == ["good"]
    marked = page.locator(".explained-label").nth(0).locator("mark:not(.too-light)").all_inner_texts()
    assert marked == ["good"]
    ground = "mark => getComputedStyle(mark).backgroundColor"
    assert page.locator("mark.too-light").first.evaluate(ground) == "rgba(0, 0, 0, 0)"
    page.get_by_label("Hide weights below").fill("0")
    assert len(shown_rows(page, 0)) > 2
    assert page.locator(".too-light").count() == 0


def test_lists_are_sorted_and_come_back(open_page, text):
    page = open_page(text.as_html())
    first = shown_rows(page, 0)
    weights = dict(text.as_list(0))
    page.get_by_label("Sort by").select_option("name")
    assert shown_rows(page, 0) == sorted(first)
    page.get_by_label("Sort by").select_option("weight")
    assert shown_rows(page, 1)[-1] == "bad"
    page.get_by_label("Sort by").select_option("place")
    assert shown_rows(page, 0) == [name for name in text.names if name in weights]
    page.get_by_label("Sort by").select_option("size")
    assert shown_rows(page, 0) == first


def test_a_component_is_followed_wherever_it_is(open_page, text):
    page = open_page(text.as_html())
    page.locator(".explained-label").nth(0).locator("mark", has_text="good").hover()
    assert set(page.locator(".lit").all_inner_texts()) >= {"good"}
    assert page.locator("tr.lit").count() == 3
    page.locator("h1").hover()
    assert page.locator(".lit").count() == 0


def test_what_is_followed_is_let_go_where_the_pointer_leaves(open_page, text):
    page = open_page(f"<!doctype html><meta charset='utf-8'><p>Before</p>{text._repr_html_()}")
    mark = page.locator("mark", has_text="good").first
    outline = "mark => getComputedStyle(mark).outlineStyle"
    assert mark.evaluate(outline) == "none"
    mark.hover()
    assert mark.evaluate(outline) == "solid"
    page.get_by_text("Before").hover()
    assert page.locator(".lit").count() == 0


def test_the_tint_of_an_image_fades(open_page):
    image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    explanation = ImageExplainer("grid").explain_instance(image, lambda images: images[:, :4, :4].mean(axis=(1, 2, 3)))
    page = open_page(explanation.as_html())
    opacity = "part => Number(getComputedStyle(part).fillOpacity)"
    before = page.locator(".picture g").first.evaluate(opacity)
    page.get_by_label("Tint", exact=True).fill("50")
    assert page.locator(".picture g").first.evaluate(opacity) == pytest.approx(before / 2, abs=0.01)
    page.get_by_label("Hide weights below").fill("100")
    assert page.locator(".picture g:visible").count() <= 1


def test_segments_of_a_series_are_followed(open_page):
    explanation = TimeSeriesExplainer().explain_instance(np.sin(np.arange(40.0)), lambda batch: batch[:, :8].sum(axis=1))
    page = open_page(explanation.as_html())
    page.locator(".weights tbody tr").first.hover()
    assert page.locator(".series .lit").count() == 1


def test_without_a_script_there_are_no_controls_and_nothing_is_missing(open_page, text):
    page = open_page(text.as_html(), script=False)
    assert not page.locator(".choices").is_visible()
    for label in range(3):
        assert shown_rows(page, label) == [name for name, _ in text.as_list(label)]


def test_fragments_on_one_page_do_not_disturb_each_other(open_page, text):
    other = TextExplainer(class_names=["left", "right"]).explain_instance(
        "quite another text", lambda texts: [[1 - ("text" in text), "text" in text] for text in texts]
    )
    page = open_page(f"<!doctype html><meta charset='utf-8'><p>Before</p>{text._repr_html_()}{other._repr_html_()}")
    first, second = (page.locator(".limelight").nth(i) for i in range(2))
    first.get_by_label("Hide weights below").fill("60")
    assert first.locator("tr.too-light").count() > 0
    assert second.locator("tr.too-light").count() == 0
    assert page.locator("[id]").count() == 0


def test_a_script_that_runs_again_does_nothing_twice(open_page, text):
    page = open_page(f"<!doctype html><meta charset='utf-8'>{text._repr_html_()}")
    page.evaluate(re.search(r"<script>(.*?)</script>", text._repr_html_(), re.DOTALL).group(1))
    page.evaluate("""() => {
        window.sorted = 0;
        const append = Element.prototype.append;
        Element.prototype.append = function (...rows) { window.sorted += 1; append.apply(this, rows); };
    }""")
    page.get_by_label("Sort by").select_option("name")
    assert page.evaluate("window.sorted") == 3  # a list for each label


def test_what_came_before_back_is_as_the_choices_say(open_page, text):
    page = open_page(text.as_html())
    page.get_by_label("two").uncheck()
    page.get_by_label("Hide weights below").fill("60")
    page.goto("about:blank")
    page.go_back()
    assert page.get_by_label("two").is_checked() == page.locator(".explained-label").nth(1).is_visible()
    assert page.get_by_label("Hide weights below").input_value() + " %" == page.locator("output").inner_text()


def test_without_weights_there_is_nothing_to_choose(open_page):
    explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
    nothing = dict.fromkeys(("components", *Surrogate.OF_COMPONENTS), ())
    bare = replace(explanation, surrogates=(replace(explanation.surrogates[0], **nothing),))
    assert not open_page(bare.as_html()).locator(".choices").is_visible()


def test_what_speaks_against_is_dashed(open_page):
    image = np.zeros((16, 16, 3), dtype=np.uint8)
    grid = ImageExplainer("grid", fill=9).explain_instance(image, lambda images: images[:, :4, :4].mean(axis=(1, 2, 3)))
    dashes = "part => getComputedStyle(part).strokeDasharray"
    assert open_page(grid.as_html()).locator(".picture .neg path").first.evaluate(dashes) != "none"
    series = TimeSeriesExplainer().explain_instance(np.sin(np.arange(40.0)), lambda batch: -batch[:, :3].sum(axis=1))
    assert open_page(series.as_html()).locator(".series .neg").first.evaluate(dashes) != "none"


@pytest.mark.parametrize(
    ("host", "is_dark"),
    [
        ('<body class="vscode-dark">', True),
        ('<body class="vscode-light">', False),
        ('<body data-jp-theme-light="false">', True),
        ('<body data-jp-theme-light="true">', False),
        ('<body data-theme="dark">', True),
        ('<body data-bs-theme="light">', False),
        ("<body>", None),
    ],
)
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_a_fragment_takes_the_hosts_theme(open_page, text, host, is_dark, color_scheme):
    page = open_page(f"<!doctype html><meta charset='utf-8'>{host}{text._repr_html_()}", color_scheme=color_scheme)
    ground = page.locator(".limelight").evaluate("root => getComputedStyle(root).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / (3 * 255)
    assert (lightness < 0.5) == (color_scheme == "dark" if is_dark is None else is_dark)


def promise(page, label=0):
    return page.locator(".explained-label").nth(label).locator(".promise").inner_text()


def test_components_that_are_off_are_left_out_of_the_prediction(open_page, text):
    page = open_page(text.as_html())
    assert promise(page) == "Untick a component to see what the surrogate predicts without it."
    box = page.locator(".explained-label").nth(0).get_by_label("Count in: good")
    box.uncheck()
    removal = text.without("good", label=0)
    written = re.findall(r"-?[\d.]+\d", promise(page).replace("\N{MINUS SIGN}", "-"))
    predicted, change = map(float, written)
    assert predicted == pytest.approx(removal.prediction, rel=5e-3)
    assert change == pytest.approx(removal.change, rel=5e-3)
    assert promise(page).startswith("Without good the surrogate predicts")
    assert promise(page, 1).startswith("Untick")  # each label has its own
    box.focus()
    page.keyboard.press("Space")
    assert promise(page).startswith("Untick")


def test_all_components_off_leave_the_intercept(open_page, text):
    page = open_page(text.as_html(labels=["one"]))
    for box in page.locator(".on").all():
        box.uncheck()
    names = ", ".join(name for name, _ in text.as_list(0))
    assert promise(page).startswith(f"Without {names} the surrogate predicts")
    page.get_by_label("Sort by").select_option("name")
    assert page.locator(".on:checked").count() == 0
    assert page.locator(".on").count() == len(text.as_list(0))


def test_log_odds_are_given_as_probabilities_as_well(open_page):
    def model(texts):
        return np.array([[0.2, 0.8] if "good" in text else [0.6, 0.4] for text in texts])

    made = TextExplainer(alpha=0).explain_instance("a good film", model, link="logit")
    page = open_page(made.as_html())
    page.get_by_label("Count in: good").uncheck()
    removal = made.without("good")
    assert f"(probability {removal.probability:.3g})" in promise(page)


def test_columns_of_a_row_have_other_values(open_page):
    rows = np.random.default_rng(0).normal(size=(200, 3))
    page = open_page(TabularExplainer(rows).explain_instance(rows[0], lambda batch: batch[:, 0]).as_html())
    assert "with another value there" in promise(page)
    page.locator(".on").first.uncheck()
    assert promise(page).startswith("With other values than ")
    slopes = TabularExplainer(rows, discretize_continuous=False).explain_instance(rows[0], lambda batch: batch[:, 0])
    page = open_page(slopes.as_html())
    assert page.locator(".on").count() == page.locator(".promise").count() == 0


def test_words_of_several_texts_are_left_out(open_page):
    pair = ("so good", "a good film")
    explanation = TextExplainer().explain_instance(pair, lambda pairs: [float("good" in second) for _, second in pairs])
    page = open_page(explanation.as_html())
    assert promise(page) == "Untick a component to see what the surrogate predicts without it."
    page.get_by_label("Count in: text 1: good").uncheck()
    assert promise(page).startswith("Without text 1: good the surrogate predicts")
    page.locator(".weights tr").get_by_text("text 1: good").hover()
    assert page.locator("mark.lit").all_inner_texts() == ["good"]
    assert page.locator(".within").nth(1).locator("mark.lit").count() == 1


def test_names_on_the_boxes_are_text(open_page):
    made = TextExplainer(split_expression=" ").explain_instance("<b>one</b> <img/src=x> two", words)
    page = open_page(made.as_html(labels=[0]))
    page.locator(".on").first.uncheck()
    assert page.locator(".promise b, .promise img").count() == 0
    assert made.as_list(0)[0][0] in promise(page)


def test_a_comparison_has_boxes_and_its_table_has_none(open_page):
    made = TextExplainer().compare_models("a good film, a bad end", words, lambda texts: 2 * words(texts), names=("old", "new"))
    page = open_page(made.as_html())
    assert page.locator(".compared .on").count() == 0
    assert page.locator(".explained-label .on").count() == 3 * len(made.differences())
    page.locator(".on").first.uncheck()
    assert promise(page).startswith("Without ")
