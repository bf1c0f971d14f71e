"""Hostile strings in a real browser: nothing runs, nothing is loaded, and all of them can be read.

A string is placed wherever a user's string can stand, and the browser's tree is compared with that of the same explanation with
a harmless word in its place. The fragments' host page has no Content-Security-Policy: escaping alone has to hold.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.hostile import PAYLOADS, shown
from helpers.samples import explain, falling, image, text

from limelight import Explanation, Explanations, Failure
from limelight.cli.main import _commands
from limelight.renderers import _templates
from limelight.renderers.index import Entry, render_index
from limelight.renderers.reports import _figures, _groups
from limelight.results.views import (
    Cell,
    DrawingView,
    MixedView,
    PartsView,
    Passage,
    Segment,
    SeriesView,
    Shape,
    Span,
    TableView,
    TextView,
)

TREE = (Path(__file__).parent / "helpers" / "tree.js").read_text(encoding="utf-8")
TRIPWIRE = "window.tripped = 0; window.__pwned = () => { window.tripped += 1 };"
# Everything that a reader's mouse and keyboard may set off.
TOUCH = """() => document.querySelectorAll('*').forEach((element) => {
  for (const event of ['pointerover', 'mouseover', 'mouseenter', 'focus', 'keydown', 'click', 'load', 'error', 'toggle'])
    element.dispatchEvent(new Event(event));
})"""
# As many strings on one page as a browser lays out quickly: every fragment has a style sheet.
AT_ONCE = 84
KINDS = ("text", "table", "mixed", "parts", "image", "series", "drawing")
Tree = list[tuple[str, dict[str, str], list[str]]]


def explained(kind: str, strings: Sequence[str], classes: Sequence[str], notices: Sequence[str]) -> Explanation:
    """An explanation of this kind in which these strings are the parts' texts and names."""
    weights = {1: falling(len(strings)), 0: falling(1)}
    common: dict[str, Any] = {"classes": classes, "notices": notices}
    if kind == "text":
        whole, spans = "", []
        for i, string in enumerate(strings):
            spans.append(Span(len(whole), len(whole) + len(string), i))
            whole += f"{string}|"
        return explain(TextView(whole, tuple(spans)), strings, weights, **common)
    if kind == "table":
        cells = tuple(Cell(string, string, i) for i, string in enumerate([*strings, strings[0]]))
        return explain(TableView(cells), [*strings, strings[0]], weights, **common)
    if kind == "mixed":
        cells, word = tuple(Cell(string, string, 0) for string in strings), (Span(0, len(strings[0]), 1),)
        passages = tuple(Passage(string, TextView(strings[0], word)) for string in strings)
        return explain(MixedView(TableView(cells), passages), [*strings, strings[0]], {1: falling(2), 0: falling(1)}, **common)
    if kind == "parts":
        return explain(PartsView((*strings, strings[0])), [*strings, strings[0]], weights, **common)
    if kind == "image":  # its parts have names of limelight's own, unless its JSON was written by somebody else
        made = image({1: falling(7), 0: ()}, height=12, width=12, **common)
        return Explanation.from_dict({**made.to_dict(), "names": [f"{strings[i % len(strings)]} {i}" for i in range(12)]})
    if kind == "drawing":
        places = [Shape.text(i / len(strings), 0.5, string) for i, string in enumerate(strings)]
        return explain(DrawingView.of(1, 1, marks=enumerate(places), descriptions=strings), strings, weights, **common)
    channels = tuple(dict.fromkeys(strings))
    flat = tuple((0.0, 1.0) for _ in channels)
    segments = tuple(Segment((i % len(channels),), 0, 2, i) for i in range(len(strings)))
    return explain(SeriesView(channels, flat, flat, segments), strings, weights, **common)


def word(number: int) -> str:
    """A harmless word that stands for the string of this number."""
    return f"harmless{number}harmless"


def put_in(strings: Sequence[str], text: str) -> str:
    """A text of the harmless page with what a page shows for the strings in the place of the words that stand for them."""
    return re.sub(r"harmless(\d+)harmless", lambda match: shown(strings[int(match[1])]), text)


def differences(plain: Tree, found: Tree, strings: Sequence[str]) -> list[str]:
    """Where a tree is not the harmless one with the strings in the place of its words."""

    if [name for name, _, _ in plain] != [name for name, _, _ in found]:
        return [f"other elements: {[name for name, _, _ in found][:200]}"]
    faults = []
    for (name, attributes, held), (_, its_attributes, its_held) in zip(plain, found, strict=True):
        if set(attributes) != set(its_attributes):
            faults.append(f"{name} has the attributes {sorted(its_attributes)}")
        # Numbers in other attributes may follow the lengths of names.
        faults += [
            f"{name} has {key}={its_attributes.get(key)!r}"
            for key, value in attributes.items()
            if put_in(strings, value) not in (value, its_attributes.get(key))
        ]
        if [put_in(strings, piece) for piece in held] != its_held:
            faults.append(f"{name} holds {its_held!r}")
    return faults


def trees(page: Any, selector: str) -> list[Tree]:
    return json.loads(page.evaluate(TREE, selector))


def host(fragments: Sequence[str]) -> str:
    """A page that shows fragments as a notebook does, and sees whether a script of theirs calls `__pwned`."""
    return f"<!doctype html><meta charset=utf-8><title>host</title><script>{TRIPWIRE}</script><body>{''.join(fragments)}"


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_strings_in_fragments_stay_text(kind, open_page):
    def fragment(string: str) -> str:
        return explained(kind, [string] * 3, [string, string], [string])._repr_html_()

    for start in range(0, len(PAYLOADS), AT_ONCE):
        strings = PAYLOADS[start : start + AT_ONCE]
        page = open_page(host([fragment(word(0)), *map(fragment, strings)]))
        plain, *found = trees(page, ".limelight")
        assert len(found) == len(strings)
        faults = [fault for string, tree in zip(strings, found, strict=True) for fault in differences(plain, tree, [string])]
        assert not faults, f"{len(faults)}, the first: {faults[:3]}"
        page.evaluate(TOUCH)
        assert page.evaluate("window.tripped") == 0
        assert page.title() == "host"
        # Nothing beside the fragments: what belongs to none of them is the host's own.
        others = "[...document.body.children].filter((child) => !child.matches('.limelight, style, script')).length"
        assert page.evaluate(others) == 0
        page.close()


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_strings_on_pages_stay_text(kind, open_page):
    def html(strings: Sequence[str]) -> str:
        return explained(kind, strings, strings[:3], strings[:9]).as_html()

    (plain,) = trees(open_page(html([word(i) for i in range(len(PAYLOADS))])), "html")
    page = open_page(html(PAYLOADS))
    (found,) = trees(page, "html")
    faults = differences(plain, found, PAYLOADS)
    assert not faults, f"{len(faults)}, the first: {faults[:3]}"


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), AT_ONCE))
def test_hostile_class_names_stay_text_in_headings_and_in_the_title(start, open_page):
    strings = PAYLOADS[start : start + AT_ONCE]

    def html(classes: Sequence[str]) -> str:
        return text("one two", dict.fromkeys(range(len(classes)), (0.5, -0.25)), classes=classes).as_html()

    (plain,) = trees(open_page(html([word(i) for i in range(len(strings))])), "html")
    page = open_page(html(strings))
    (found,) = trees(page, "html")
    assert not differences(plain, found, strings)
    title = f"Explanation: {', '.join(map(shown, strings))}"
    assert page.title() == " ".join(re.split(r"[ \t\n\f\r]+", title)).strip()


def test_hostile_strings_on_an_index_stay_text(open_page):
    def html(strings: Sequence[str]) -> str:
        made = [explained(KINDS[i % len(KINDS)], [string] * 3, [string] * 2, [string]) for i, string in enumerate(strings)]
        entries = [Entry(string, string, string, explanation) for string, explanation in zip(strings, made, strict=True)]
        return render_index(strings[0], strings[1], entries)

    (plain,) = trees(open_page(html([word(i) for i in range(len(PAYLOADS))])), "html")
    (found,) = trees(open_page(html(PAYLOADS)), "html")
    faults = differences(plain, found, PAYLOADS)
    assert not faults, f"{len(faults)}, the first: {faults[:3]}"


def test_hostile_strings_in_tables_of_collections_stay_text(open_page):
    def fragments(string: str) -> str:
        collection = Explanations.of([explained("parts", [string] * 3, [string] * 2, [string]), Failure(string, string)])
        shown_ones = (collection, collection.importance(), collection.importance(by="name"), collection.pick(1))
        return "".join(each._repr_html_() for each in shown_ones)

    for start in range(0, len(PAYLOADS), AT_ONCE // 4):
        strings = PAYLOADS[start : start + AT_ONCE // 4]
        page = open_page(host([fragments(word(0)), *map(fragments, strings)]))
        every = trees(page, ".limelight")
        plain, found = every[:4], every[4:]
        assert len(found) == 4 * len(strings)
        faults = [fault for i, tree in enumerate(found) for fault in differences(plain[i % 4], tree, [strings[i // 4]])]
        assert not faults, f"{len(faults)}, the first: {faults[:3]}"
        page.evaluate(TOUCH)
        assert page.evaluate("window.tripped") == 0
        page.close()


def report(strings: Sequence[str], failing: Sequence[int]) -> str:
    """A report in which each string stands in an explanation, and some in a failure; weights differ, so that none are tied."""
    entries: list[Explanation | Failure] = [Failure(strings[i], strings[i]) for i in failing]
    for i, string in enumerate(strings):
        made = explained(KINDS[i % len(KINDS)], [string] * 3, [string, "another"], [string])
        heavier = [replace(own, weights=tuple(1.0137**i * weight for weight in own.weights)) for own in made.surrogates]
        entries.append(replace(made, surrogates=tuple(heavier)))
    labels = [*(strings[i] for i in failing), *("another" if i % 2 else string for i, string in enumerate(strings))]
    return Explanations.of(entries).to_html(title=strings[0], labels=labels, num_picks=len(strings), num_features=1000)


def opened_report(page: Any) -> Tree:
    """The tree of a report's page with the whole list shown and everything opened; without its data, which are no elements."""
    page.evaluate(
        """async () => {
          const soon = () => new Promise((done) => setTimeout(done, 50));
          while (!document.querySelector(".further").hidden) document.querySelector(".further").click();
          for (const details of document.querySelectorAll("details")) details.open = true;
          await soon();
          for (const details of document.querySelectorAll("details")) details.open = true;
          await soon();
          document.querySelector(".data").remove();
        }"""
    )
    return trees(page, "html")[0]


def report_faults(strings: Sequence[str], open_page: Any, change: Callable[[str], str] = str) -> list[str]:
    """Where the report of these strings, which may be changed, is not the harmless one."""
    failing = [i for i, string in enumerate(strings) if len(string) <= 160]  # a row has no room for more
    plain = opened_report(open_page(report([word(i) for i in range(len(strings))], failing)))
    page = open_page(change(report(strings, failing)))
    faults = differences(plain, opened_report(page), strings)
    page.evaluate(TOUCH)
    return faults


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), AT_ONCE))
def test_hostile_strings_in_a_report_stay_text(start, open_page, monkeypatch):
    for module in (_figures, _groups):
        monkeypatch.setattr(module, "MOST_ROWS", 1000)
    faults = report_faults(PAYLOADS[start : start + AT_ONCE], open_page)
    assert not faults, f"{len(faults)}, the first: {faults[:3]}"


def test_a_report_that_does_not_escape_is_noticed(open_page, monkeypatch):
    """In the markup, in the data, and in what the script writes; and its policy lets none of it run."""
    strings = ["<img src=x onerror=__pwned()>", "<b>bold</b>", "a & b"]

    def with_inner_html(page: str) -> str:
        page = re.sub("script-src '[^']*'", "script-src 'unsafe-inline'", page)
        return page.replace(".textContent = ", ".innerHTML = ")

    assert not report_faults(strings, open_page)
    assert report_faults(strings, open_page, with_inner_html)
    with monkeypatch.context() as patch:
        patch.setattr(_templates, "escape", str)
        assert report_faults(strings, open_page)
    monkeypatch.setattr(_templates, "_SCRIPT_ESCAPES", {})
    page = open_page(report(["</script><script>__pwned()</script>", "one", "two"], [0]))
    assert any(event.startswith("error: ") for event in page.happened)
    page.happened.clear()


@pytest.mark.parametrize("kind", ["series", "drawing"])
def test_hostile_strings_in_an_svg_stay_text(kind, open_page, tmp_path):
    """An SVG file is XML, and a document that may hold scripts."""

    def drawing(name: str, strings: Sequence[str]) -> Tree:
        explained(kind, strings, strings[:2], ()).save_to_file(tmp_path / name)
        return trees(open_page(tmp_path / name), ":root")[0]

    plain = drawing("plain.svg", [word(i) for i in range(len(PAYLOADS))])
    # XML cannot hold these two.
    strings = [re.sub("[\ufffe\uffff]", "\ufffd", string) for string in PAYLOADS]
    faults = differences(plain, drawing("hostile.svg", PAYLOADS), strings)
    assert not faults, f"{len(faults)}, the first: {faults[:3]}"


@pytest.mark.parametrize(
    "string",
    [
        "<script>__pwned()</script>",
        "<img src=x onerror=__pwned()>",
        '" onmouseover="__pwned()" x="',
        "</style><b>x</b>",
        "<!--",
        "<iframe srcdoc='<script>parent.__pwned()</script>'></iframe>",
        "&lt;b&gt;",
        "<meta http-equiv=refresh content='0;url=//evil.invalid/'>",
    ],
)
def test_a_string_that_is_not_escaped_is_noticed(string, open_page):
    """The checks above can fail: they do where a template forgets to escape."""
    plain = f'<div class="limelight" title="{word(0)}">{word(0)}</div>'
    raw = plain.replace(word(0), string)
    page = open_page(host([plain, raw]))
    if "src=x" in string or "evil" in string:
        page.wait_for_timeout(200)
        assert any(event.startswith("request: ") for event in page.happened)
    else:
        first, *found = trees(page, ".limelight")
        assert len(found) != 1 or differences(first, found[0], [string])
    if "__pwned" in string:
        page.evaluate(TOUCH)
        page.wait_for_function("window.tripped > 0", timeout=5000)
    page.happened.clear()


# --- names of files -----------------------------------------------------------------------------------------------------------


def file_names() -> list[str]:
    """The hostile strings as the names that a file can have: without a slash and a NUL, of bytes, and not too long."""
    names = (string.replace("/", "\N{DIVISION SLASH}").replace("\0", "")[:60] for string in PAYLOADS)
    return list(dict.fromkeys(name for name in names if re.fullmatch("[^\ud800-\udc7f\udd00-\udfff]+", name)))


FILE_NAMES = file_names()
assert len(FILE_NAMES) > 200


@pytest.mark.parametrize("start", range(12))
def test_a_page_in_a_file_of_a_hostile_name_opens(start, open_page, tmp_path):
    file = tmp_path / f"{FILE_NAMES[start * len(FILE_NAMES) // 12]}.html"
    text().save_to_file(file)
    assert "Explanation: stargazers" in open_page(file).title()


def test_files_of_hostile_names_are_written_and_shown(tmp_path):
    made = text()
    run = CliRunner(catch_exceptions=False).invoke
    for name in FILE_NAMES:
        file, page = tmp_path / f"{name}.json", tmp_path / f"{name}.html"
        file.write_text(made.to_json(), encoding="utf-8")
        assert run(_commands(), ["show", str(file)]).output == f"{made}\n"
        assert run(_commands(), ["show", str(file), "--html", str(page)]).exit_code == 0
        assert page.read_text(encoding="utf-8") == made.as_html()
        page.unlink()
        made.save_to_file(page)
        assert page.is_file()
    assert len(os.listdir(tmp_path)) == 2 * len(FILE_NAMES)


@pytest.mark.parametrize("name", ["\x1b[31mred\x1b]0;title\x07", "a\x9bb", "\udc80", "line\nbreak", "\u202eabc"])
def test_a_hostile_name_in_a_message_does_not_reach_the_terminal(name, tmp_path):
    file = tmp_path / name
    file.write_text("not JSON", encoding="utf-8")
    result = CliRunner().invoke(_commands(), ["show", str(file)])
    assert result.exit_code == 1
    assert "this is not JSON" in result.output
    assert all(character.isprintable() for character in result.output.removesuffix("\n"))
