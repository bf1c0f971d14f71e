"""Explanations in pages of others: sanitised, under a documentation's style sheet, and several at a time."""

import re

import bleach  # comes with nbconvert
import pytest
from bleach.css_sanitizer import CSSSanitizer
from bs4 import BeautifulSoup
from helpers.many import few
from helpers.samples import MODALITIES, SAMPLES, table, text

from limelight import Explanations
from limelight.exceptions import ArgumentTypeError, LabelError

CONTROLS = "input, select, button, textarea, output"
# What JupyterLab leaves of an output that is not trusted; it takes style sheets and scripts away with what is in them.
TAGS = {
    *("b", "bdi", "dd", "details", "div", "dl", "dt", "h2", "h3", "i", "img", "input", "label", "li", "mark", "output", "p"),
    *("section", "select", "option", "small", "span", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
ATTRIBUTES = {"*": ["class", "dir", "id", "lang", "style", "title"], "details": ["open"], "th": ["scope"]}
PROPERTIES = ["background-color", "display", "height", "margin-left", "max-width", "table-layout", "width"]
# What pydata-sphinx-theme, and the extensions that show notebooks in it, say about tables.
THEME = """
html .jp-RenderedHTMLCommon table, html div.rendered_html table, .bd-content div.output table { table-layout: auto; }
.jp-RenderedHTMLCommon table, div.rendered_html table { border: none; color: black; font-size: 12px; }
div.rendered_html th, div.rendered_html td { text-align: right; padding: .5em; line-height: normal; border: none; }
div.rendered_html tbody tr:nth-child(odd) { background: #f5f5f5; }
table { margin-left: auto; margin-right: auto; width: auto; }
mark { background-color: #fbe54e; color: black; padding: .1875em; }
html[data-theme=dark] .bd-content .rendered_html { background-color: #ced6dd; color: #14181e; padding: .5rem; }
"""
BARS = """() => [...document.querySelectorAll(".weights .pos, .weights .neg")].map((bar) => {
  const { left, right, height } = bar.getBoundingClientRect();
  return [left, right, height, getComputedStyle(bar).backgroundColor];
})"""


def sanitised(html, tags=TAGS, attributes=ATTRIBUTES):
    soup = BeautifulSoup(html, "html.parser")
    for part in soup(["style", "script"]):
        part.decompose()
    css = CSSSanitizer(allowed_css_properties=PROPERTIES)
    return bleach.clean(str(soup), tags=tags, attributes=attributes, css_sanitizer=css, strip=True)


def host(*fragments, head="", body=""):
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>host</title>{head}<body {body}>{"".join(fragments)}'


def check_bars(bars, weights):
    """Bars are as long as the weights say, and on their side of one zero."""
    longest = max(map(abs, weights))
    lengths = [right - left for left, right, *_ in bars]
    assert min(height for *_, height, _ in bars) > 8
    assert max(lengths) > 30
    assert lengths == pytest.approx([max(lengths) * abs(weight) / longest for weight in weights], abs=1)
    zeros = [left if weight > 0 else right for (left, right, *_), weight in zip(bars, weights, strict=True)]
    assert zeros == pytest.approx([zeros[0]] * len(zeros), abs=1)
    colours = {weight > 0: colour for (*_, colour), weight in zip(bars, weights, strict=True)}
    assert len(set(colours.values())) == len(colours)
    assert "rgba(0, 0, 0, 0)" not in colours.values()


# --- fragments ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MODALITIES, "text, three labels"])
def test_kind_m_a_fragment_is_one_element_without_ids_controls_or_a_page_around_it(name):
    made = SAMPLES[name]
    fragment = made.as_html(fragment=True)
    soup = BeautifulSoup(fragment, "html.parser")
    (root,) = soup.find_all(recursive=False)
    assert (root.name, root["class"]) == ("div", ["limelight"])
    assert soup.select("html, head, body, meta, link, base, iframe, title:not(svg title)") == []
    assert soup.select(f"[id], [name], {CONTROLS}") == []
    assert not re.search(r"""(src|href)=["'](?!data:)|@import|url\((?!data:)|https?://(?!www\.w3\.org)""", fragment)
    assert fragment == made._repr_html_()
    assert made.as_html().startswith("<!doctype html>")
    assert BeautifulSoup(made.as_html(), "html.parser").select(CONTROLS) == []


def test_a_fragment_shows_the_labels_that_are_asked_for():
    made = SAMPLES["text, three labels"]
    soup = BeautifulSoup(made.as_html([made.labels[1]], fragment=True), "html.parser")
    assert [heading.bdi.text for heading in soup.select(".explained-label h2")] == [made.output_names[made.labels[1]]]
    with pytest.raises(LabelError, match="label 7 was not explained"):
        made.as_html([7], fragment=True)
    with pytest.raises(ArgumentTypeError, match="fragment must be True or False; got 'yes'"):
        made.as_html(fragment="yes")


def test_the_script_makes_the_controls_of_each_fragment(open_page):
    names = ("text, three labels", "image", "table")
    fragments = [SAMPLES[name].as_html(fragment=True) for name in names]
    page = open_page(host(*fragments))
    counts = [page.locator(".limelight").nth(i).locator(CONTROLS).count() for i in range(3)]
    assert counts == [3 + 3, 3 + 1, 3]  # a box for each of three labels; a slider for the tint of an image
    page.evaluate("document.querySelectorAll('.limelight')[0].querySelector('.threshold').value = 100")
    assert page.locator(".threshold").nth(2).input_value() == "0"
    assert open_page(host(*fragments), script=False).locator(CONTROLS).count() == 0


# --- sanitised ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODALITIES)
def test_what_a_notebook_that_is_not_trusted_keeps(name, open_page):
    made = MODALITIES[name]
    page = open_page(host(sanitised(made._repr_html_())))
    weights = [weight for _, weight in made.as_list()]
    check_bars(page.evaluate(BARS), weights)
    assert page.locator(CONTROLS).count() == 0
    words = page.inner_text("body")
    assert "\N{FULL BLOCK}" not in words
    for reported, weight in made.as_list():
        assert reported in words
        assert f"{weight:+.3f}".replace("-", "\N{MINUS SIGN}") in words


def test_words_keep_a_tint_of_their_side(open_page):
    page = open_page(host(sanitised(text("one two", {1: (0.5, -0.5)})._repr_html_())))
    colours = page.locator("mark").evaluate_all("marks => marks.map((mark) => getComputedStyle(mark).backgroundColor)")
    assert colours == ["rgb(128, 176, 216)", "rgb(226, 174, 128)"]


@pytest.mark.parametrize("name", MODALITIES)
def test_without_any_style_blocks_stand_for_bars_and_the_numbers_are_read(name, open_page):
    made = SAMPLES[name]
    page = open_page(host(sanitised(made._repr_html_(), TAGS - {"input", "select", "output", "label"}, {})))
    rows = [row.split("\t") for row in page.inner_text("body").splitlines() if "\t" in row]
    blocks = {row[0]: row[-2] for row in rows if set(row[-2]) & {"\N{FULL BLOCK}", "\N{LIGHT SHADE}"}}
    for reported, weight in made.as_list():
        assert set(blocks[reported]) == {"\N{LIGHT SHADE}" if weight < 0 else "\N{FULL BLOCK}"}
    heaviest = max(map(len, (blocks[reported] for reported, _ in made.as_list())))
    assert 8 <= heaviest <= 20


def test_tables_of_collections_keep_their_bars(open_page):
    importance = Explanations.of(few()).importance()
    page = open_page(host(sanitised(importance._repr_html_())))
    lengths = [right - left for left, right, *_ in page.evaluate(BARS)]
    assert lengths[0] == max(lengths) > 30
    pick = open_page(host(sanitised(Explanations.of(few()).pick(2)._repr_html_())))
    assert pick.locator(".chart i").first.bounding_box()["width"] > 30


# --- other style sheets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "around",
    [
        '<div class="nboutput"><div class="output_area rendered_html">',
        '<div class="cell_output"><div class="output text_html">',
    ],
    ids=["nbsphinx", "myst"],
)
def test_bars_under_the_style_sheet_of_a_documentation(around, theme, open_page):
    made = table()
    html = f'<div class="bd-content">{around}{made.as_html(fragment=True)}</div></div></div>'
    page = open_page(host(html, head=f"<style>{THEME}</style>").replace("<html", f'<html data-theme="{theme}"'))
    check_bars(page.evaluate(BARS), [weight for _, weight in made.as_list()])
    ink = "cell => getComputedStyle(cell).color.match(/\\d+/g).map(Number).reduce((sum, part) => sum + part, 0)"
    lightness = page.locator(".weights tbody th").first.evaluate(ink) / (3 * 255)
    assert (lightness > 0.5) == (theme == "dark")


def test_bars_look_the_same_with_and_without_the_attributes_that_outlive_the_style_sheet(open_page):
    """On a dark page the style sheet's colours go before those in the attributes."""
    page = open_page(table().as_html(), color_scheme="dark")
    colours = {colour for *_, colour in page.evaluate(BARS)}
    assert colours == {"rgb(88, 166, 255)", "rgb(240, 150, 60)"}
