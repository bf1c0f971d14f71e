"""Pages and terminal tables of explanations: what they show, that it is safe, and that it is laid out in proportion."""

import math
import re
import subprocess
import sys
import unicodedata
from base64 import b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.hostile import shown
from helpers.samples import PROVENANCE
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from matplotlib.figure import Figure

from limelight.renderers._numbers import format_number, format_probability
from limelight.renderers._summary import summarise
from limelight.renderers.html import render_fragment, render_page
from limelight.renderers.markdown import render_markdown
from limelight.renderers.terminal import render_text
from limelight.results.explanation import Explanation, Notice, Surrogate
from limelight.results.views import Cell, Span, TableView, TextView

NAN = math.nan
VOID = {"meta", "input"}
ALLOWED_TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "div",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "span",
        "table",
        "thead",
    ),
    *("tbody", "tr", "th", "td", "bdi", "i", "b", "small", "mark", "ul", "li", "dl", "dt", "dd", "details", "summary"),
    *("label", "input", "output", "select", "option", "script"),
}
ALLOWED_ATTRIBUTES = {
    *("class", "style", "scope", "title", "dir", "lang", "charset", "http-equiv", "content", "name", "open"),
    *("hidden", "role", "aria-label", "type", "min", "max", "value", "checked", "data-c", "data-on"),
    *("autocomplete", "data-lm-suppress-shortcuts"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title></div><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% for i in x %}{# c #}",
    "&lt;b&gt; &amp; &#60; &",
    "-->]]><!--",
    "a\x00b\x1b[31mc\x07\x7f\x9b",
    "\ud800 lone \udfff",
    "\u202eabc\u2066def",
    "\ufeff\u200b\ufffe",
    "line\nbreak\ttab",
]


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None]
    children: list["Node | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def find(self, tag: str, class_: str | None = None) -> list["Node"]:
        found: list[Node] = []
        for child in self.children:
            if isinstance(child, Node):
                if child.tag == tag and (class_ is None or class_ in (child.attributes.get("class") or "").split()):
                    found.append(child)
                found += child.find(tag, class_)
        return found

    def every(self) -> list["Node"]:
        return [self, *(node for child in self.children if isinstance(child, Node) for node in child.every())]


class TreeBuilder(HTMLParser):
    """A tree of the elements; any tag that is not closed where it should be is an error."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment got into the page: {data!r}")


def parse(html: str) -> Node:
    builder = TreeBuilder()
    builder.feed(html)
    builder.close()
    assert builder.open == [builder.root]
    return builder.root


def explanation(
    view, names, surrogates, *, predictions=(0.3, 0.7), output_names=("ham", "spam"), kind="probabilities", **changes
):
    made = Explanation(
        surrogates=tuple(surrogates),
        names=tuple(names),
        view=view,
        predictions=tuple(predictions),
        output_names=tuple(output_names),
        output_kind=kind,
        default_label=surrogates[0].label,
        num_samples=1024,
        num_inputs=1000,
        effective_sample_size=612.4,
        confidence=0.95,
        converged=True,
        provenance=PROVENANCE,
        notices=(),
    )
    return replace(made, **changes)


def surrogate(label, weights, *, half=0.01, components=None, fidelity=0.875, error=0.02):
    return Surrogate(
        label=label,
        components=tuple(range(len(weights))) if components is None else components,
        weights=tuple(weights),
        lows=tuple(weight - half for weight in weights),
        highs=tuple(weight + half for weight in weights),
        sign_probabilities=(0.99,) * len(weights),
        top_probabilities=(0.9,) * len(weights),
        best_ranks=tuple(float(1 + place) for place in range(len(weights))),
        worst_ranks=tuple(float(2 + place) for place in range(len(weights))),
        intercept=0.1,
        local_prediction=0.65,
        fidelity=fidelity,
        fidelity_error=error,
    )


def text_explanation(text="cheap pills\n  for you & pills", weights=(-0.1, 0.4), **changes):
    words = list(dict.fromkeys(re.findall(r"\w+", text)))
    spans = tuple(Span(match.start(), match.end(), words.index(match.group())) for match in re.finditer(r"\w+", text))
    return explanation(TextView(text, spans), words, **{"surrogates": [surrogate(1, weights)], **changes})


def table_explanation(columns=4, weights=(0.25, -0.5), **changes):
    view = TableView(tuple(Cell(f"column {i}", f"value {i}", i) for i in range(columns)))
    names = [f"column {i} > {i}" for i in range(columns)]
    return explanation(view, **{"names": names, "surrogates": [surrogate(1, weights)], **changes})


def hostile_explanation(payload):
    """The same hostile string wherever a user's string can stand, as a text and as a row."""
    common = {"output_names": (payload, payload), "notices": (Notice("code", payload),)}
    names = [payload, payload]
    yield explanation(TextView(payload, (Span(0, len(payload), 0),)), names, [surrogate(1, (0.5, -0.25))], **common)
    cells = (Cell(payload, payload, 0), Cell(payload, payload, 1), Cell(payload, payload, 2))
    yield explanation(TableView(cells), [*names, payload], [surrogate(0, (0.5, -0.25)), surrogate(1, ())], **common)


def width_of(node: Node) -> float:
    return float(re.search(r"(?:^|;)width:([0-9.]+)%", node.attributes["style"]).group(1))


def weight_bars(root: Node) -> list[Node]:
    return [cell.find("i")[0] for table in root.find("table", "weights") for cell in table.find("td", "chart")]


# --- numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.5, "0.500"),
        (-0.15678, "\u22120.157"),
        (999.4, "999"),
        (999.6, "1000"),
        (184250.2, "184250"),
        (2.5e12, "2.50e12"),
        (-3.21e-9, "\u22123.21e\u22129"),
        (1e-4, "0.000100"),
        (NAN, "NaN"),
        (-math.inf, "\u2212\u221e"),
    ],
)
def test_a_number_has_three_digits_that_count(value, expected):
    assert format_number(value) == expected


@given(st.floats(-1e300, 1e300))
def test_a_number_is_within_half_a_percent_and_short(value):
    text = format_number(value)
    assert float(text.replace("\u2212", "-")) == pytest.approx(value, rel=0.00501)
    assert len(text) <= 10


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, "0.000"), (1.0, "1.000"), (1e-9, "< 0.001"), (0.99999, "> 0.999"), (0.4321, "0.432")]
)
def test_a_probability_is_not_rounded_to_certainty(value, expected):
    assert format_probability(value) == expected


def test_weights_of_one_label_have_the_same_decimals():
    bars = summarise(text_explanation(weights=(0.157, -0.008))).labels[0].bars
    assert [bar.text for bar in bars] == ["+0.157", "\u22120.008"]
    assert [bar.interval for bar in bars] == ["[+0.147, +0.167]", "[\u22120.018, +0.002]"]


def test_ten_outputs_are_shown_largest_first_and_the_explained_one_among_them():
    values = [0.3, 0.2] + [0.5 / 28] * 27 + [0.0001]
    made = explanation(
        TextView("a", (Span(0, 1, 0),)),
        ["a"],
        [surrogate(29, (0.1,))],
        predictions=values,
        output_names=[f"topic {i}" for i in range(30)],
    )
    summary = summarise(made)
    assert len(summary.outputs) == 10
    assert summary.more_outputs == 20
    assert [output.name for output in summary.outputs][:2] == ["topic 0", "topic 1"]
    assert summary.outputs[-1].name == "topic 29"
    assert summary.outputs[-1].is_explained
    assert "and 20 more" in parse(render_page(made)).text


@pytest.mark.parametrize(
    ("kind", "predictions", "expected"),
    [("probabilities", (0.2, 0.8), "class 1"), ("scores", (3.0, 4.0), "output 1"), ("scores", (3.0,), "the output")],
)
def test_an_output_without_a_name_gets_a_word(kind, predictions, expected):
    label = len(predictions) - 1
    made = explanation(
        TextView("a", ()),
        ["a"],
        [surrogate(label, (0.1,))],
        predictions=predictions,
        output_names=[str(i) for i in range(len(predictions))],
        kind=kind,
    )
    assert summarise(made).labels[0].name == expected
    assert render_text(made).startswith(f"{expected}: ")


# --- pages ---------------------------------------------------------------------------------------------------------------


def test_page_shows_all_that_the_explanation_says():
    made = table_explanation(notices=(Notice("low_fidelity", "Read with care."),), converged=False)
    text = parse(render_page(made)).text
    for part in ["ham", "0.300", "spam", "0.700", "column 1 > 1", "\u22120.500", "[\u22120.510, \u22120.490]", "95 % interval"]:
        assert part in text
    for part in ["0.88", "explain 88 %", "612", "1024", "1000", "Read with care.", "Converged", "nearly", "value 3"]:
        assert part in text


def test_page_and_fragment_share_their_body():
    page, fragment = parse(render_page(text_explanation())), parse(render_fragment(text_explanation()))
    body = page.find("main")[0].find("section")
    assert body == fragment.find("div", "limelight")[0].find("section")
    (root,) = (node for node in fragment.children if isinstance(node, Node))
    assert (root.tag, root.attributes["class"]) == ("div", "limelight")
    children = [node.tag for node in root.children if isinstance(node, Node)]
    assert (children[0], children[-1]) == ("style", "script")
    assert set(children[1:-1]) <= {"div", "section"}


def test_page_is_self_contained_and_forbids_everything_else():
    root = parse(render_page(table_explanation()))
    (policy,) = [meta for meta in root.find("meta") if meta.attributes.get("http-equiv") == "Content-Security-Policy"]
    (script,) = root.find("script")
    digest = b64encode(sha256(script.text.encode()).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert script.attributes == {}
    assert root.find("html")[0].attributes["lang"] == "en"
    assert root.find("title")[0].text == "Explanation: spam"
    assert not re.search(r"url\(|@import|https?:|src=|href=|fetch|XMLHttp|innerHTML", render_page(table_explanation()))
    assert {node.tag for node in root.every()} <= ALLOWED_TAGS | {"root"}


def test_every_style_rule_is_under_the_root_class():
    css = parse(render_fragment(text_explanation())).find("style")[0].text
    rules = re.findall(r"([^{}]+)\{", re.sub(r"@(media|container)[^{]+\{", "", css))
    assert len(rules) > 30
    for selectors in rules:
        for selector in selectors.strip().strip("}").split(","):
            # A theme's class or attribute may stand before it.
            assert re.match(r"\s*(\.vscode-\w+ |\[data-[\w=\"-]+\] )?\.limelight(?![\w])", selector), selector


def test_headings_are_in_order_and_table_headers_have_a_scope():
    root = parse(render_page(table_explanation()))
    levels = [int(node.tag[1]) for node in root.every() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(header.attributes.get("scope") in ("row", "col") for header in root.find("th"))


def test_bars_are_proportional_and_on_their_side_of_zero():
    root = parse(render_page(text_explanation(text="a b c", weights=(0.4, -0.2, 0.1))))
    bars = weight_bars(root)
    widths = [width_of(bar) for bar in bars]
    assert widths[0] / widths[1] == pytest.approx(2, abs=0.02)
    assert widths[0] / widths[2] == pytest.approx(4, abs=0.02)
    assert [bar.attributes["class"] for bar in bars] == ["pos", "neg", "pos"]
    # The axis runs from -0.21 to 0.41, the outer ends of the intervals.
    assert root.find("table", "weights")[0].attributes["style"].startswith(f"--zero:{100 * 0.21 / 0.62:.1f}%;")
    starts = [re.search("margin-left:([0-9.]+%)", bar.attributes["style"])[1] for bar in bars]
    assert starts == [f"{100 * start / 0.62:.1f}%" for start in (0.21, 0.01, 0.21)]
    whisker = root.find("table", "weights")[0].find("td", "chart")[2].find("i", "ci")[0].attributes["style"]
    assert whisker == f"left:{100 * 0.3 / 0.62:.1f}%;width:{100 * 0.02 / 0.62:.1f}%"


def test_probabilities_are_bars_and_scores_are_plain_numbers():
    chart = parse(render_page(text_explanation())).find("table", "outputs")[0]
    assert [width_of(bar) for bar in chart.find("i")] == [70.0, 30.0]
    scores = parse(render_page(text_explanation(predictions=(2.5, -7.0), kind="scores"))).find("table", "outputs")[0]
    assert scores.find("i") == []
    assert "\u22127.00" in scores.text


def test_without_an_interval_there_is_no_whisker():
    made = text_explanation()
    bare = replace(made.surrogates[0], lows=(NAN, -0.1), highs=(NAN, 0.9))
    root = parse(render_page(replace(made, surrogates=(bare,))))
    assert [len(cell.find("i", "ci")) for table in root.find("table", "weights") for cell in table.find("td", "chart")] == [
        0,
        1,
    ]
    none = replace(made.surrogates[0], lows=(NAN, NAN), highs=(NAN, NAN))
    page = render_page(replace(made, surrogates=(none,)))
    assert "interval</span>" not in page
    assert "NaN" not in parse(page).text


@pytest.mark.parametrize("make", [text_explanation, table_explanation])
def test_an_empty_surrogate_is_said_and_the_instance_still_shown(make):
    root = parse(render_page(make(surrogates=(surrogate(1, (), fidelity=NAN),))))
    assert "no component was reported" in root.text
    assert "fidelity unknown" in root.text
    assert root.find("mark") == []
    assert "pills" in root.text or "value 3" in root.text


def test_each_label_has_its_own_chart():
    made = text_explanation(surrogates=(surrogate(1, (0.4, -0.1)), surrogate(0, (-0.4,))))
    root = parse(render_page(made))
    assert [heading.text for heading in root.find("h2")][1:3] == ["For and against spam", "For and against ham"]
    assert [len(table.find("tr")) for table in root.find("table", "weights")] == [3, 2]
    assert [len(text.find("mark")) for text in root.find("div", "passage")] == [3, 1]


@given(st.text(max_size=60))
def test_the_highlighted_text_is_the_text(text):
    root = parse(render_page(text_explanation(text=text, weights=(0.5, -0.25)[: len(set(re.findall(r"\w+", text)))])))
    assert root.find("div", "passage")[0].text == shown(text)


def test_highlights_show_weight_and_sign_not_by_colour_alone():
    (text,) = parse(render_page(text_explanation())).find("div", "passage")
    marks = [(mark.text, mark.attributes) for mark in text.find("mark")]
    assert [word for word, _ in marks] == ["cheap", "pills", "pills"]
    assert marks[0][1] == {
        "class": "neg", "data-c": "0", "style": "--on:0.25;background-color:#f8ebdf", "title": "weight \u22120.100"
    }  # fmt: skip
    assert marks[1][1] == {
        "class": "pos", "data-c": "1", "style": "--on:1.00;background-color:#80b0d8", "title": "weight +0.400"
    }  # fmt: skip
    assert re.search(r"mark\.neg \{ text-decoration-style: dashed", render_page(text_explanation()))


def test_a_weight_that_rounds_to_nothing_has_no_sign_and_no_highlight():
    made = text_explanation(text="a b", weights=(0.4, -1e-9))
    root = parse(render_page(made))
    assert [mark.text for mark in root.find("mark")] == ["a"]
    assert [cell.text.split()[0] for cell in root.find("table", "weights")[0].find("td", "num")] == ["+0.400", "0.000"]


def test_overlapping_stretches_repeat_nothing():
    made = explanation(TextView("abcdef", (Span(3, 6, 1), Span(0, 4, 0))), ["abcd", "def"], [surrogate(1, (0.2, 0.1))])
    assert parse(render_page(made)).find("div", "passage")[0].text == "abcdef"


def test_a_rows_values_stand_beside_its_weights_and_the_whole_row_once():
    root = parse(render_page(table_explanation(surrogates=(surrogate(1, (0.25, -0.5)), surrogate(0, (0.125,))))))
    assert [[row.find("td")[0].text for row in table.find("tr")[1:]] for table in root.find("table", "weights")] == [
        ["value 0", "value 1"],
        ["value 0"],
    ]
    (whole,) = root.find("table", "whole-row")
    assert root.find("details")[0].find("table") == [whole]
    assert [row.find("td")[0].text for row in whole.find("tr")[1:]] == [f"value {i}" for i in range(4)]


@pytest.mark.parametrize("render", [render_page, render_fragment])
@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_strings_stay_text(payload, render):
    benign = [parse(render(made)) for made in hostile_explanation("x")]
    for made, plain in zip(hostile_explanation(payload), benign, strict=True):
        html = render(made)
        html.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", html)
        root = parse(html)
        # The very same elements and attributes as with a harmless string, and all of the string to be read.
        assert [(node.tag, node.attributes) for node in root.every()] == [(node.tag, node.attributes) for node in plain.every()]
        for before, after in zip(plain.every(), root.every(), strict=True):
            if before.tag in ("bdi", "mark", "li") and before.text == "x":
                assert after.text == shown(payload)


@given(st.text(max_size=30))
def test_any_name_gives_a_sound_page(name):
    for made in hostile_explanation(name):
        root = parse(render_page(made))
        assert all(set(node.attributes) <= ALLOWED_ATTRIBUTES for node in root.every())
        assert {node.tag for node in root.every()} <= ALLOWED_TAGS | {"root"}


def test_a_string_that_claims_to_be_safe_markup_is_escaped_too():
    made = table_explanation(names=(Markup("<u>bold</u>"),) * 4, output_names=(Markup("<u>"), Markup("</u>")))
    assert "&lt;u&gt;bold" in render_page(made)
    assert parse(render_page(made)).find("u") == []


@pytest.mark.parametrize("render", [render_page, render_fragment, render_text])
def test_rendering_is_pure(render):
    made = table_explanation()
    before = made.to_json()
    first = render(made)
    assert render(Explanation.from_json(before)) == first
    assert made.to_json() == before


def test_rendering_does_not_depend_on_the_hash_seed():
    code = (
        "import sys, zlib; sys.path.insert(0, sys.argv[1]); import test_renderers as t;"
        "print(zlib.crc32((t.render_page(t.text_explanation()) + t.render_text(t.table_explanation())).encode()))"
    )
    folder = str(Path(__file__).parent)
    digests = {
        subprocess.run(
            [sys.executable, "-B", "-c", code, folder], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_page_is_small():
    words = text_explanation(text=" ".join(f"reasonable{i}" for i in range(200)), weights=[0.3 / (i + 1) for i in range(10)])
    assert len(render_page(words).encode()) <= 36_000
    assert len(render_page(table_explanation(30, [0.3 / (i + 1) for i in range(30)])).encode()) <= 36_000


def test_the_templates_are_loaded_once_and_only_when_needed():
    code = "import limelight, limelight.results.explanation, sys; print('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "False\n"


def test_a_page_can_be_written_to_a_file(tmp_path):
    made = next(hostile_explanation("\ud800\x00"))
    made.save_to_file(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == made.as_html()


# --- terminal ------------------------------------------------------------------------------------------------------------


def cells(text: str) -> int:
    """Terminal cells: 2 for wide characters, 0 for combining marks, joiners and isolates, else 1."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") or c in "\u200c\u200d\u2068\u2069\u200e" or "\u1160" <= c <= "\u11ff" else
        2 if unicodedata.east_asian_width(c) in "WF" else
        1
        for c in text
    )  # fmt: skip


def zero_columns(text: str) -> set[int]:
    return {cells(line[: line.index("│")]) for line in text.splitlines() if "│" in line}


def test_the_table_reads_well():
    assert render_text(text_explanation(notices=(Notice("code", "Read with care."),))).splitlines() == [
        "spam: model 0.700, surrogate 0.650, fidelity 0.88 ± 0.02",
        "Fair: these 2 words explain 88 % of what the model does nearby; ranks 1 and 2 may not be among the 2",
        "  heaviest.",
        "  cheap  \u22120.100  [\u22120.110, \u22120.090]  █████│",
        "  pills  +0.400  [+0.390, +0.410]       │███████████████████",
        "",
        "effective sample size 612; model inputs 1000; converged yes; 95 % intervals",
        "Caution: Read with care.",
    ]


def test_bars_of_blocks_are_proportional():
    text = render_text(text_explanation(text="a b c", weights=(0.4, -0.2, 0.1)))
    lengths = [2 * line.count("█") + line.count("▌") + line.count("▐") for line in text.splitlines() if "│" in line]
    assert lengths == [32, 16, 8]


def test_wide_characters_and_combining_marks_align():
    names = ["日本語テキスト", "e\u0301te\u0301", "plain", "नमस्ते", "한국어", "م\u200cن"]
    made = explanation(TextView("", ()), names, [surrogate(1, (0.4, -0.3, 0.2, -0.1, 0.05, 0.01))])
    assert len(zero_columns(render_text(made))) == 1


def test_without_intervals_there_is_no_column_for_them():
    made = text_explanation()
    bare = replace(made.surrogates[0], lows=(NAN, NAN), highs=(NAN, NAN))
    text = render_text(replace(made, surrogates=(bare,)))
    assert "[" not in text
    assert "NaN" not in text
    assert "interval" not in text


def test_control_characters_are_made_visible():
    made = next(hostile_explanation("a\n\x1b[31m\r\u202eb\x9b\ud800\u2028"))
    text = render_text(made)
    assert r"a\n\x1b[31m\r\u202eb\x9b\ud800\u2028" in text
    assert all(c.isprintable() or c == "\n" for c in text)
    assert len(text.splitlines()) == 8


def test_a_long_name_keeps_its_beginning_and_its_end():
    made = explanation(TextView("", ()), ["a" * 80 + "end", "日" * 80], [surrogate(1, (0.4, -0.3))])
    first, second = render_text(made).splitlines()[3:5]
    assert re.match(r"  a{20}…a+end ", first)
    assert "…" in second
    assert len(zero_columns(render_text(made))) == 1


def test_marks_that_take_no_room_do_not_pile_up_without_end():
    made = explanation(TextView("", ()), ["a" + "\u0301" * 10_000], [surrogate(1, (0.4,))])
    assert len(render_text(made)) < 1000


def test_weights_that_are_no_numbers_are_shown_as_such():
    made = text_explanation(weights=(NAN, 0.4))
    assert "NaN" in render_text(made)
    assert "NaN" in parse(render_page(made)).text


def test_empty_surrogate_and_several_labels():
    made = text_explanation(surrogates=(surrogate(1, (0.4, -0.1)), surrogate(0, (), fidelity=NAN)))
    text = render_text(made)
    assert "spam: model 0.700" in text
    assert "ham: model 0.300, surrogate 0.650, fidelity unknown\nPoor: no component was reported." in text


@pytest.mark.parametrize(
    ("fidelity", "error", "shown"),
    [
        (0.814, 0.019, "0.81 ± 0.02"),
        (0.814, 0.0, "0.81"),
        (0.814, NAN, "0.81 ± unknown"),
        (-0.001, 0.004, "0.00 ± 0.00"),
        (0.5, 12.0, "0.50 ± 12.00"),
        (-31.25, 4.5678, "\u221231.2 ± 4.6"),
        (-31.25, math.inf, "\u221231.2 ± \u221e"),
        (NAN, NAN, "unknown"),
    ],
)
def test_fidelity_and_its_error_in_every_renderer(fidelity, error, shown):
    made = text_explanation(surrogates=(surrogate(1, (0.4, -0.1), fidelity=fidelity, error=error),))
    assert repr(made).splitlines()[0].endswith(f", fidelity {shown}")
    assert f", fidelity {shown}." in render_markdown(made)
    assert made.plot(ax=Figure().subplots()).get_title().endswith(f", fidelity {shown}")
    measure = "held-out weighted R²" + (" and its standard error" if "±" in shown else "")
    for page in (render_page(made), made.as_html(fragment=True)):
        assert f"fidelity {shown} ({measure})." in parse(page).text


@given(
    st.lists(st.text(max_size=120), min_size=1, max_size=5),
    st.lists(st.floats(-1e12, 1e12), min_size=5, max_size=5),
    st.floats(0, 1e300),
)
def test_any_names_and_weights_stay_in_bounds_and_aligned(names, weights, half):
    made = explanation(
        TextView("", ()),
        names,
        [surrogate(1, weights[: len(names)], half=half)],
        predictions=(-1e300, 1e-300),
        output_names=(names[0], names[-1]),
        notices=(Notice("code", " ".join(names)),),
    )
    text = render_text(made)
    assert all(cells(line) <= 100 for line in text.split("\n"))
    assert "\x1b" not in text
    text.encode("utf-8")
    body = [line for line in text.split("\n") if "│" in line][: len(names)]
    assert len(zero_columns("\n".join(line.replace("│", "|", line.count("│") - 1) for line in body))) == 1
    parse(render_page(made))


def test_exact_weights_are_shown_without_intervals_and_called_exact():
    sampled = table_explanation(surrogates=[surrogate(1, (0.25, -0.5), half=0.0)])
    exact = replace(sampled, provenance=replace(sampled.provenance, design="exact"))
    assert exact.is_exact
    assert not sampled.is_exact
    for show in (str, render_markdown, lambda made: made.as_html(fragment=True)):
        assert "interval" in show(sampled)
        assert "interval" not in show(exact)
        assert "yes, exact" in show(exact)
