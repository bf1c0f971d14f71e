"""The report of many explanations in a browser: what is found, opened and seen, and by whom."""

from dataclasses import replace

import pytest
from helpers.many import FAILURE, TRUE, WRONG, rows
from helpers.samples import CLASSES, MODALITIES, SAMPLES, falling, table, text
from test_browser import FOCUS, MEASURE, OPEN_ALL, PAPER, STOPS, together, violations

from limelight import Explanations, Failure, TextExplainer
from limelight.renderers._summary import summarise

ROWS = ".entries > li"
# What a label's section shows, element for element; a script writes styles with other spaces, and the pages' headings differ.
SHOWN = """(sections) => sections.map((section) => {
  const pictures = ".label-picture, .picture, .tinting, .volume, .pair > div:has(> svg)";
  // Nor are the hues and blocks that pages keep for hosts without their style sheet in a report.
  for (const part of section.querySelectorAll(`${pictures}, [style="display:none"]`)) part.remove();
  const texts = (element) => [...element.childNodes].map((node) => (node.nodeType === Node.TEXT_NODE ? node.data : ""));
  const skipped = ".pair:not(:has(.within))";
  return [section, ...section.querySelectorAll("*")].filter((element) => !element.matches(skipped)).map((element) => [
    element.localName.replace("h2", "h3"), element.className, element.dataset.c, element.dataset.on, element.title,
    (element.getAttribute("style") ?? "").replace(/background-color:[^;]*/, "").replace(/[\\s;]/g, "").replace(/\\.0%/g, "%"),
    texts(element).join(" ").replace(/\\s+/g, " ").trim(),
  ]);
})"""


def open_all(page):
    """Open all that there is, and what is drawn when that is opened."""
    for _ in range(2):
        page.evaluate(OPEN_ALL)
        page.wait_for_timeout(50)


def shown_items(page):
    return [int(item.removeprefix("#")) for item in page.locator(f"{ROWS} .item").all_inner_texts()]


def test_an_opened_explanation_is_that_of_its_own_page(open_page):
    page = open_page(Explanations.of(SAMPLES.values()).to_html())
    page.evaluate(OPEN_ALL)
    page.locator(".opened").nth(len(SAMPLES) - 1).wait_for()
    own_page = open_page(together(*SAMPLES))
    for i, (name, made) in enumerate(SAMPLES.items()):
        opened, own = page.locator(".opened").nth(i), own_page.locator(".limelight").nth(i)
        shown, wanted = (place.locator(".explained-label").evaluate_all(SHOWN) for place in (opened, own))
        assert shown == wanted, name
        facts = " ".join(opened.locator("dl").text_content().split())
        assert all(f"{fact.value} {fact.meaning}" in facts for fact in summarise(made).facts), name


def test_an_explanation_without_a_recorded_share_shows_the_other_figures(open_page):
    stored, made = (replace(text(), provenance=replace(text().provenance, kernel_share=share)) for share in (0.0, 0.6))
    page = open_page(Explanations.of([stored, made]).to_html())
    page.evaluate(OPEN_ALL)
    page.locator(".opened").nth(1).wait_for()
    without, recorded = (page.locator(".opened").nth(i).locator("dt").all_text_contents() for i in range(2))
    assert recorded == [*without, recorded[-1]]
    assert recorded[-1].lower() == "kernel"


def test_a_row_and_its_values_are_opened(open_page):
    page = open_page(rows().to_html(labels=TRUE))
    row = page.locator(ROWS).nth(1)
    assert row.locator("summary").first.inner_text().split("\n") == [
        *("#1", "gardeners 0.890", "misclassified: true label stargazers"),
        *(
            "stargazers:",
            "+ 3.70 < bmi <= 99",
            "\N{MINUS SIGN} 7.40 < blood pressure <= 99",
            "+ 11.10 < age <= 99",
            "fair, fidelity 0.90 ± 0.02",
        ),
    ]
    assert not row.locator(".opened").count()
    row.locator("summary").first.click()
    row.locator(".opened").wait_for()
    assert row.locator(".outputs-said").inner_text().split("\n") == ["gardeners 0.890", "stargazers 0.110"]
    row.get_by_text("The whole row").click()
    assert row.locator(".whole-row tbody tr").all_inner_texts()[:2] == ["bmi\t3.70", "blood pressure\t7.40"]
    failed = page.locator(ROWS).nth(2)
    failed.locator("summary").click()
    assert failed.locator(".opened").inner_text() == "ModelError: no such column"


def test_texts_of_an_instance_are_opened_and_no_columns(open_page):
    pairs = [("so good", "yes"), ("bad", "")]
    explanations = TextExplainer().explain_many(pairs, lambda pairs: [float("good" in first) for first, _ in pairs])
    page = open_page(explanations.to_html())
    row = page.locator(ROWS).first
    row.locator("summary").first.click()
    row.locator(".opened").wait_for()
    assert row.locator(".within h3").all_inner_texts() == ["In text 0", "In text 1"]
    assert row.locator(".within mark").all_inner_texts() == ["good"]
    assert not row.locator(".whole-row").count()
    page.get_by_label("Search").fill("bad")
    assert shown_items(page) == [1]


def test_what_is_misclassified_has_failed_or_has_a_label_is_found(open_page):
    page = open_page(rows().to_html(labels=TRUE))
    assert shown_items(page) == list(range(9))
    which, output = page.locator(".which"), page.locator(".output")
    which.select_option("misclassified")
    assert shown_items(page) == WRONG
    assert page.locator(".found").inner_text() == "3 of 9"
    output.select_option("stargazers")
    assert shown_items(page) == [6, 7]
    which.select_option("failures")
    assert shown_items(page) == []
    output.select_option("any")
    assert shown_items(page) == [2]
    which.select_option("all")
    output.select_option("gardeners")
    assert shown_items(page) == [0, 1, 3, 4]


def test_choices_that_would_do_nothing_are_not_offered(open_page):
    page = open_page(Explanations.of([table()] * 2).to_html())
    assert not page.locator(".which").is_visible()
    assert not page.locator(".output").is_visible()
    assert page.get_by_label("Search").is_visible()


def test_sorted(open_page):
    page = open_page(rows().to_html())

    def by(option):
        page.locator(".order").select_option(option)
        return shown_items(page)

    value = [0.99, 0.89, None, 0.69, 0.59, 0.51, 0.61, 0.71, 0.81]  # of the predicted class
    known = sorted((i for i in range(9) if i != 2), key=value.__getitem__)
    assert by("prediction, lowest first") == [*known, 2]
    assert by("prediction, highest first") == [*known[::-1], 2]
    assert by("fidelity, lowest first") == [8, 7, 6, 5, 4, 3, 1, 0, 2]
    assert by("fidelity, highest first") == [0, 1, 3, 4, 5, 6, 7, 8, 2]
    assert by("item") == list(range(9))


def test_search(open_page):
    made = [*MODALITIES.values(), FAILURE, text("Nothing \U0001f52d to see, <b>İstanbul</b>")]
    page = open_page(Explanations.of(made).to_html())

    def search(query):
        page.get_by_label("Search").fill(query)
        return shown_items(page)

    assert search("telescope") == [0, 2]  # in a text that no weight is about, too
    assert search("  RAIN telescope") == [2]
    assert search("blood 7.40") == [1]
    assert search("superpixel") == [4]
    assert search("supervoxel") == [7]
    assert search("no such column") == [8]
    assert search("\U0001f52d") == [9]
    assert search("<b>") == [9]
    assert search("#6") == [6]
    assert search("#60") == []
    assert page.locator(".found").inner_text() == "0 of 10"
    assert search("") == list(range(10))


def test_more_is_shown_when_it_is_asked_for(open_page):
    page = open_page(rows(120).to_html(num_picks=1))
    more = page.get_by_role("button", name="Show more")
    assert shown_items(page) == list(range(50))
    more.press("Enter")
    assert shown_items(page) == list(range(100))
    assert page.evaluate("document.activeElement.innerText").startswith("#50")
    more.click()
    assert shown_items(page) == list(range(120))
    assert not more.is_visible()
    page.locator(ROWS).nth(110).locator("summary").first.click()
    page.locator(".opened").wait_for()
    page.get_by_label("Search").fill("#110")
    assert page.locator(".opened").is_visible()


def test_a_report_without_its_script(open_page):
    page = open_page(rows().to_html(), script=False)
    assert page.get_by_text("The list needs the page's own script").is_visible()
    assert not page.locator(".choices").is_visible()
    assert page.locator("#picks .weights").count() == 1
    assert page.locator("#importance .weights tbody tr").count() == 4
    assert page.get_by_text("ModelError").is_visible()


REPORTS = {
    "rows": lambda: rows()[:4].to_html(labels=TRUE[:4]),
    "every sample": lambda: Explanations.of([*SAMPLES.values(), FAILURE]).to_html(title="All of them"),
    "three labels": lambda: Explanations.of([text(weights={i: falling(4) for i in range(3)}, classes=CLASSES)] * 3).to_html(),
    "failures": lambda: Explanations.of([FAILURE, Failure("ValueError", "long" * 300)]).to_html(),
    "nothing": lambda: Explanations.of([]).to_html(),
}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("name", REPORTS)
def test_layout_of_a_report(name, script, open_page):
    page = open_page(REPORTS[name](), script=script)
    faults = [page.evaluate(MEASURE, False)]
    for width in (1000, 400):
        page.set_viewport_size({"width": width, "height": 800})
        open_all(page)
        faults.append(page.evaluate(MEASURE, False))
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    faults.append(page.evaluate(MEASURE, True))
    assert not any(faults), [found[:5] for found in faults if found]
    assert not page.locator(".list").first.is_visible()


@pytest.mark.parametrize("name", ["rows", "three labels", "failures", "nothing", "kinds"])
def test_a_report_is_accessible(name, open_page):
    kinds = [MODALITIES[kind] for kind in ("mixed", "image", "series", "drawing")]
    page = open_page(Explanations.of(kinds).to_html(num_picks=1) if name == "kinds" else REPORTS[name]())
    open_all(page)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    page.set_viewport_size({"width": 400, "height": 800})
    assert violations(page) == []


def test_a_report_by_keyboard(open_page):
    page = open_page(rows().to_html(labels=TRUE))
    stops = page.evaluate(STOPS)
    assert len(stops) == 3 + 4 + 9  # links, choices, entries
    for number in range(len(stops)):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS) == [number, True], f"Tab to {stops[number]}"
    page.get_by_label("Search").focus()
    page.keyboard.type("#1")
    page.keyboard.press("Tab")
    page.keyboard.type("mis")
    assert shown_items(page) == [1]
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".opened").wait_for()
    page.keyboard.press("Space")
    assert not page.locator(".opened").is_visible()


def test_a_report_on_paper(open_page):
    page = open_page(rows().to_html(), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#picks").is_visible()
    assert page.locator("#importance").is_visible()
    assert not page.locator("#list").is_visible()
    assert page.locator("main").evaluate("main => getComputedStyle(main).backgroundColor") == "rgb(255, 255, 255)"


def test_entries_of_a_level_are_found(open_page):
    page = open_page(rows().to_html())
    levels = rows().verdict_levels()
    for level in ("fair", "poor"):
        page.locator(".which").select_option(level)
        assert shown_items(page) == [place for place, own in enumerate(levels) if own == level]
