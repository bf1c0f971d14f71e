"""What the page's own script lets a reader do, in a browser."""

import re

import numpy as np
import pytest

from limelight import ImageExplainer, TextExplainer, TimeSeriesExplainer


def words(texts):
    """Three outputs that go by different words."""
    return np.array([[("good" in text) + 0.5 * ("film" in text), -1.0 * ("bad" in text), "good" in text] for text in texts])


@pytest.fixture(scope="module")
def text():
    return TextExplainer(class_names=["one", "two", "three"]).explain_instance("a good film, a bad end", words)


def shown_rows(page, label):
    return page.locator(".label").nth(label).locator(".weights tbody tr:visible th").all_inner_texts()


def test_labels_can_be_hidden_and_shown_again(open_page, text):
    page = open_page(text.as_html())
    assert page.locator(".controls").is_visible()
    page.get_by_label("two").uncheck()
    assert [page.locator(".label").nth(i).is_visible() for i in range(3)] == [True, False, True]
    page.get_by_label("two").check()
    assert page.locator(".label").nth(1).is_visible()


def test_light_weights_disappear_from_the_list_and_lose_their_mark(open_page, text):
    page = open_page(text.as_html())
    assert len(shown_rows(page, 0)) > 2
    page.get_by_label("Hide weights below").fill("60")
    assert "60 %" in page.locator(".controls").inner_text()
    assert shown_rows(page, 0) == ["good"]
    marked = page.locator(".label").nth(0).locator("mark:not(.light)").all_inner_texts()
    assert marked == ["good"]
    ground = "mark => getComputedStyle(mark).backgroundColor"
    assert page.locator("mark.light").first.evaluate(ground) == "rgba(0, 0, 0, 0)"
    page.get_by_label("Hide weights below").fill("0")
    assert len(shown_rows(page, 0)) > 2
    assert page.locator(".light").count() == 0


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
    page.locator(".label").nth(0).locator("mark", has_text="good").hover()
    assert set(page.locator(".lit").all_inner_texts()) >= {"good"}
    assert page.locator("tr.lit").count() == 3
    page.locator("h1").hover()
    assert page.locator(".lit").count() == 0


def test_the_tint_of_an_image_fades(open_page):
    image = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    explanation = ImageExplainer("grid").explain_instance(image, lambda images: images[:, :4, :4].mean(axis=(1, 2, 3)))
    page = open_page(explanation.as_html())
    opacity = "part => Number(getComputedStyle(part).fillOpacity)"
    before = page.locator(".image g").first.evaluate(opacity)
    page.get_by_label("Tint", exact=True).fill("50")
    assert page.locator(".image g").first.evaluate(opacity) == pytest.approx(before / 2, abs=0.01)
    page.get_by_label("Hide weights below").fill("100")
    assert page.locator(".image g:visible").count() <= 1


def test_segments_of_a_series_are_followed(open_page):
    explanation = TimeSeriesExplainer().explain_instance(np.sin(np.arange(40.0)), lambda batch: batch[:, :8].sum(axis=1))
    page = open_page(explanation.as_html())
    page.locator(".weights tbody tr").first.hover()
    assert page.locator(".series .lit").count() == 1


def test_without_a_script_there_are_no_controls_and_nothing_is_missing(open_page, text):
    page = open_page(text.as_html(), script=False)
    assert not page.locator(".controls").is_visible()
    for label in range(3):
        assert shown_rows(page, label) == [name for name, _ in text.as_list(label)]


def test_fragments_on_one_page_do_not_disturb_each_other(open_page, text):
    other = TextExplainer(class_names=["left", "right"]).explain_instance(
        "quite another text", lambda texts: [[1 - ("text" in text), "text" in text] for text in texts]
    )
    page = open_page(f"<!doctype html><meta charset='utf-8'><p>Before</p>{text._repr_html_()}{other._repr_html_()}")
    first, second = (page.locator(".limelight").nth(i) for i in range(2))
    first.get_by_label("Hide weights below").fill("60")
    assert first.locator("tr.light").count() > 0
    assert second.locator("tr.light").count() == 0
    assert page.locator("[id]").count() == 0
    # A notebook runs the script again with each output; nothing happens twice.
    script = re.search(r"<script>(.*?)</script>", other._repr_html_(), re.DOTALL).group(1)
    page.evaluate(script)
    second.get_by_label("Hide weights below").fill("50")
    assert second.locator("output").all_inner_texts() == ["50 %"]
