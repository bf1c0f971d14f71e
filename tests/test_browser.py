"""Pages as a reader meets them: what is seen where, on a screen, on paper, with a keyboard, and with a screen reader's eyes.

``pytest tests/test_browser.py -k layout --screenshots FOLDER`` writes a picture of everything that is measured.
"""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.hostile import shown
from helpers.samples import MODALITIES, SAMPLES

from limelight import Comparison, Explanations, Failure, Prior, TabularExplainer, TextExplainer, compare
from limelight.renderers.index import Entry, render_index

MEASURE = (Path(__file__).parent / "helpers" / "layout.js").read_text(encoding="utf-8")
OPEN_ALL = "() => document.querySelectorAll('details').forEach((details) => { details.open = true })"
# A4 with Chromium's own margins, in pixels.
PAPER = 717
THREE_LABELS = [name for name in SAMPLES if "three labels" in name]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def squeezed(text: str) -> str:
    """Without what is not seen: spaces, and the marks that keep writing in two directions apart."""
    return re.sub(r"[\s\u200e\u200f\u2066-\u2069]+", "", text)


def together(*names: str) -> str:
    """Fragments in one page that is not limelight's own, as in a notebook."""
    fragments = "".join(SAMPLES[name]._repr_html_() for name in names)
    style = "<style>table { width: auto } * { line-height: 1.1 }</style>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>host</title>{style}<main><h1>Host</h1>{fragments}</main>'
    )


# --- writing that is turned ---------------------------------------------------------------------------------------------------


# The text nodes in which a letter stands left of the one before it, though on the same line.
FIND_TURNED = """() => {
  const turned = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); ) {
    if (["SCRIPT", "STYLE"].includes(node.parentElement.tagName)) continue;
    let last = null;
    for (let i = 0; i < node.length; i++) {
      const range = document.createRange();
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      if (last && Math.abs(box.top - last.top) < 2 && box.left < last.left) {
        turned.push(node.data);
        break;
      }
      last = box;
    }
  }
  return turned;
}"""


def turned_explainer() -> TabularExplainer:
    rows = np.random.default_rng(1).normal(size=(300, 3))
    names, classes = ["\u202eevil", "b\u2067x", "c\u2068"], ["no\u202eyes", "ok"]
    return TabularExplainer(rows, feature_names=names, class_names=classes)


def falling_model(rows: np.ndarray) -> np.ndarray:
    share = 1 / (1 + np.exp(rows @ [1.0, 0.5, 0.2]))
    return np.column_stack([share, 1 - share])


def test_names_turn_no_writing(open_page):
    explainer, row, prior = turned_explainer(), np.array([0.3, -1.0, 0.2]), Prior({"\u202eevil": 0.5}, 1e4)
    made = explainer.explain_instance(row, falling_model, id="\u202ethe row", labels=[0], prior=prior)
    assert any("\u202e" in notice.message for notice in made.notices)
    other = explainer.explain_instance(-row, falling_model, labels=[0])
    opposed = explainer.compare_models(
        row, falling_model, lambda rows: falling_model(-rows), names=("A", "B\u202e"), labels=[0]
    )
    both = Explanations.of([made, other, Failure("ModelError", "bad \u202e column")])
    shown = [made.as_html(), opposed.as_html(), both.to_html(), both.pick(2)._repr_html_()]
    alone = Explanations.of([made])
    shown.append(compare(alone, alone, names=("A", "B\u202e"))._repr_html_())
    for html in shown:
        page = open_page(html)
        page.evaluate(OPEN_ALL)
        assert r"\u202e" in page.inner_text("body")
        assert page.evaluate(FIND_TURNED) == []


# --- layout -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def photograph(request: pytest.FixtureRequest) -> Any:
    """Writes a picture of a page into the folder that --screenshots names; without the option, does nothing."""
    folder = request.config.getoption("--screenshots")

    def take(page: Any, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name.replace(', ', '-').replace(' ', '-')}.png", full_page=True)

    return take


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("name", SAMPLES)
def test_layout(name, script, open_page, photograph):
    made = SAMPLES[name]
    page = open_page(made.as_html(), script=script)
    faults = {}

    def measure(state: str, paper: bool = False) -> None:
        faults[state] = page.evaluate(MEASURE, paper)
        photograph(page, f"{name} {state}" if script else f"{name} {state} no script")

    measure("wide, closed")
    page.evaluate(OPEN_ALL)
    measure("wide")
    for reported, _ in made.as_list():
        assert squeezed(shown(reported)) in squeezed(page.inner_text("body"))
    page.set_viewport_size({"width": 400, "height": 800})
    measure("narrow")
    if script:
        page.emulate_media(color_scheme="dark")
        measure("narrow, dark")
        page.set_viewport_size({"width": 1000, "height": 800})
        measure("wide, dark")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    measure("paper", paper=True)
    assert not any(faults.values()), {state: found[:5] for state, found in faults.items() if found}


def test_layout_of_fragments_in_one_page(open_page, photograph):
    page = open_page(together(*MODALITIES, *THREE_LABELS))
    for width in (1000, 400):
        page.set_viewport_size({"width": width, "height": 800})
        photograph(page, f"fragments {width}")
        assert page.evaluate(MEASURE, False) == []


def index() -> str:
    entries = [Entry(name, f"{name} in a few words", f"{name}.html", SAMPLES[name]) for name in (*MODALITIES, *THREE_LABELS)]
    return render_index("Explanations", "What speaks for what, and against it.", entries)


def test_layout_of_an_index(open_page, photograph):
    page = open_page(index())
    for width in (1000, 400):
        page.set_viewport_size({"width": width, "height": 800})
        photograph(page, f"index {width}")
        assert page.evaluate(MEASURE, False) == []


def comparison() -> Comparison:
    """Two models with names and components of every width."""
    text = f"a good film with an {'interminable' * 9} end, and so on and so on"

    def model(texts: list[str], factor: float) -> np.ndarray:
        scores = np.array([0.1 + 0.4 * ("good" in one) + factor * ("film" in one) for one in texts])
        return np.column_stack([1 - scores, scores])

    names = ("a random forest of many trees", "plain")
    explainer = TextExplainer(class_names=["no", "a class with a long name"])
    return explainer.compare_models(text, lambda texts: model(texts, 0.4), lambda texts: model(texts, -0.1), names=names)


def test_layout_of_comparisons(open_page, photograph):
    made = comparison()
    summary = compare([made.first], [made.second], names=made.names)._repr_html_()
    host = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>host</title><main><h1>Host</h1>{summary}</main>'
    for name, html in (("comparison", made.as_html()), ("comparisons", host)):
        page = open_page(html)
        for width in (1000, 400):
            page.set_viewport_size({"width": width, "height": 800})
            photograph(page, f"{name} {width}")
            assert page.evaluate(MEASURE, False) == [], (name, width)
            assert violations(page) == []
        page.emulate_media(media="print")
        page.set_viewport_size({"width": PAPER, "height": 1000})
        assert page.evaluate(MEASURE, True) == [], name


SOUND = "<h1>A page</h1><div style='display:flex'><p>One</p><p>two</p></div><details><summary>more</summary><p>x</p></details>"


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<div style='width:120%'>x</div>", "px wider than its window"),
        ("<p style='width:5em;overflow:hidden;white-space:nowrap'>a text that is cut off</p>", "sticks out at the side"),
        ("<p style='width:5em;white-space:nowrap'>a text that is not cut off</p>", "sticks out at the side"),
        ("<p style='height:1em;overflow:hidden'>a<br>b</p>", "sticks out above or below"),
        ("<svg width=99 height=20><text x=80 y=15>cut off</text></svg>", "sticks out at the side"),
        ("<svg width=99 height=40><text y=20>one</text><text x=9 y=22>two</text></svg>", "written over each other"),
        ("<p>one</p><p style='margin-top:-2em'>two</p>", "written over each other"),
        ("<div style='position:relative'>one<p style='position:absolute;top:0;margin:0'>two</p></div>", "over each other"),
        ("<section><h2>one</h2></section><section style='margin-top:-2em'>&nbsp;<p>two</p></section>", "overlap by"),
        ("<p style='font-size:0'>x</p>", "text without a size"),
        ("<p style='font-size:5px'>x</p>", "letters of 5.0 px"),
        ("<svg viewBox='0 0 9000 900' width=300 height=30><text y=500 font-size=90>x</text></svg>", "letters of 3.0 px"),
        ("<div style='width:50px'><i style='display:block;width:70px'>&nbsp;</i></div>", "is not within"),
        ("<div style='width:50px;position:relative'><i style='position:absolute;left:9px;width:50px'></i></div>", "not within"),
    ],
)  # fmt: skip
def test_measuring_finds_faults(html, fault, open_page):
    page = open_page(f"<!doctype html><meta charset=utf-8>{SOUND}")
    assert page.evaluate(MEASURE, True) == []
    page.evaluate("(html) => { document.body.innerHTML += html }", html)
    assert any(fault in found for found in page.evaluate(MEASURE, True)), page.evaluate(MEASURE, True)


def test_measuring_lets_a_screen_scroll_but_not_paper(open_page):
    page = open_page("<!doctype html><div style='width:5em;overflow:auto;white-space:nowrap'><p>a long line of text</p></div>")
    assert page.evaluate(MEASURE, False) == []
    assert page.evaluate(MEASURE, True)


# --- accessibility ------------------------------------------------------------------------------------------------------------


def violations(page: Any) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA, a sentence for each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    return [
        f"{found['id']}: {found['help']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for found in axe.run(page, options=options).response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize(
    "name", [*MODALITIES, *THREE_LABELS, "table, scores", "table, nothing reported", "text, arabic", "text, no interval"]
)
def test_a_page_is_accessible(name, open_page):
    page = open_page(SAMPLES[name].as_html())
    page.evaluate(OPEN_ALL)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    page.set_viewport_size({"width": 400, "height": 800})
    assert violations(page) == []


def test_fragments_in_one_page_are_accessible(open_page):
    assert violations(open_page(together(*MODALITIES, *THREE_LABELS))) == []


def test_an_index_is_accessible(open_page):
    page = open_page(index())
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []


def test_inaccessible_pages_are_noticed(open_page):
    html = "<!doctype html><title>x</title><p style='color:#999'>pale</p><svg role=img width=9 height=9></svg><input>"
    assert {found.split(":")[0] for found in violations(open_page(html))} == {
        *("color-contrast", "html-has-lang", "label", "svg-img-alt"),
    }


# --- keyboard -----------------------------------------------------------------------------------------------------------------

# What Tab should stop at, in order; of a group of radio buttons it is one.
STOPS = """() => {
  const all = [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable], audio[controls], video[controls]')];
  const group = (radio) => all.filter((other) => other.type === 'radio' && other.name === radio.name);
  const first = (radio) => group(radio).find((other) => other.checked) ?? group(radio)[0];
  window.stops = all.filter((stop) => stop.checkVisibility({ visibilityProperty: true }) && !stop.disabled
    && stop.tabIndex >= 0 && (stop.type !== 'radio' || first(stop) === stop));
  // The mark may be on the control itself, on its label, or on what follows it in its place.
  window.marks = (stop) => [stop, stop.closest('label'), stop.nextElementSibling].filter(Boolean).map((element) => {
    const style = getComputedStyle(element);
    const outline = style.outlineStyle === 'none' || !parseFloat(style.outlineWidth) ? 'none' : style.outline;
    return `${outline} ${style.boxShadow}`;
  });
  window.unmarked = window.stops.map(window.marks);
  return window.stops.map((stop) => stop.outerHTML.slice(0, 80));
}"""
FOCUS = """() => {
  const stop = document.activeElement, number = window.stops.indexOf(stop);
  if (number < 0) return [-1, false];
  const { left, right, top, bottom } = stop.getBoundingClientRect();
  const inSight = left >= 0 && top >= 0 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
  const marked = window.marks(stop).some((mark, i) => mark !== window.unmarked[number][i]);
  return [number, inSight && marked && stop.matches(':focus-visible')];
}"""
# What a control of each kind says of itself.
STATE = """(number) => {
  const stop = window.stops[number], kind = stop.type || stop.localName;
  if (kind === 'summary') return [kind, stop.parentElement.open];
  return [kind, kind === 'checkbox' ? stop.checked : stop.value ?? null];
}"""
KEYS = {"summary": ["Enter", "Space"], "checkbox": ["Space", "Space"], "range": ["End", "Home"], "select-one": ["ArrowDown"]}


@pytest.mark.parametrize("name", [*MODALITIES, *THREE_LABELS])
def test_tab_reaches_every_control_in_order_and_shows_where_it_is(name, open_page):
    page = open_page(SAMPLES[name].as_html())
    stops = page.evaluate(STOPS)
    assert stops or name == "text"
    for key, expected in (("Tab", range(len(stops))), ("Shift+Tab", range(len(stops) - 2, -1, -1))):
        for number in expected:
            page.keyboard.press(key)
            assert page.evaluate(FOCUS) == [number, True], f"{key} to {stops[number]}"
    # Back at the first stop, and out of the page: nothing holds the focus.
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("() => document.activeElement === document.body || window.stops.length === 1")


@pytest.mark.parametrize("name", [*MODALITIES, *THREE_LABELS])
@pytest.mark.parametrize("host", [False, True], ids=["page", "fragment"])
def test_every_control_answers_the_keyboard(name, host, open_page):
    """Enter and Space open details, arrows move a slider and a choice, Space ticks; Enter leaves the page where it is."""
    page = open_page(together(name) if host else SAMPLES[name].as_html())
    for number in range(len(page.evaluate(STOPS))):
        page.evaluate("(number) => window.stops[number].focus()", number)
        kind, before = page.evaluate(STATE, number)
        keys = KEYS.get(kind, [])
        # A slider that stands at its end can go to its beginning only.
        for key in reversed(keys) if kind == "range" and before != "0" else keys:
            page.keyboard.press(key)
            _, after = page.evaluate(STATE, number)
            assert after != before, f"{key} does nothing to {kind} {number}"
            assert page.evaluate(MEASURE, False) == [], f"after {key} on {kind} {number}"
            before = after
        if kind != "summary":
            page.keyboard.press("Enter")
            page.keyboard.press("Escape")


# --- paper --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MODALITIES, *THREE_LABELS])
def test_everything_is_on_paper(name, open_page):
    pypdf = pytest.importorskip("pypdf")
    made = SAMPLES[name]
    pdf = pypdf.PdfReader(io.BytesIO(open_page(made.as_html()).pdf(format="A4")))
    printed = squeezed("".join(page.extract_text() for page in pdf.pages))
    expected = [made.output_names[label] for label in made.labels]
    for label in made.labels:
        for reported, weight in made.as_list(label):
            expected += [reported, f"{weight:+.3f}".replace("-", "\N{MINUS SIGN}")]
    expected += {
        "text": lambda view: [view.text],
        "table": lambda view: [text for cell in view.cells for text in cell[:2]],
        "mixed": lambda view: [text for cell in view.table.cells for text in cell[:2]] + [text.text for _, text in view.texts],
        "parts": lambda view: view.names,
        "image": lambda _: [],
        "series": lambda view: view.channel_names,
        "drawing": lambda view: view.descriptions,
        "volume": lambda view: [f"{view.slice_count} slices"],
    }[made.view.kind](made.view)
    assert [text for text in expected if squeezed(text) not in printed] == []


@pytest.mark.parametrize("name", MODALITIES)
def test_paper_is_white_whatever_the_screen_was(name, open_page):
    image = pytest.importorskip("PIL.Image")
    page = open_page(MODALITIES[name].as_html(), color_scheme="dark")

    def corners() -> np.ndarray:
        pixels = np.asarray(image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB"))
        return pixels[[0, 0, -1, -1], [0, -1, 0, -1]]

    assert np.all(corners() < 80)
    page.emulate_media(media="print", color_scheme="dark")
    assert np.all(corners() == 255)
    assert violations(page) == []
