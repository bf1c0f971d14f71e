"""Markdown: everything is there, and nothing from the user's data is markup."""

import html
import re

import numpy as np
import pytest

from limelight import ComponentsExplainer, ImageExplainer

HOSTILE = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "a | b | c",
    "`code` **bold** _it_ ~~gone~~",
    "@somebody #1 GH-1",
    "http://evil.example www.evil.example",
    "line\nbreak\r\n# heading",
    "back\\slash \\| pipe",
    "&lt;b&gt; &#124;",
    "$x^2$ \u202e \x00 \ud800",
    "<!-- hidden -->",
]


class Parts:
    names = HOSTILE

    def compose(self, masks):
        return masks


@pytest.fixture(scope="module")
def text():
    explainer = ComponentsExplainer(class_names=["ham", "<b>|spam|</b>\n# x"], feature_selection="none")

    def model(masks):
        share = masks @ np.linspace(0.01, 0.1, len(HOSTILE))
        return np.column_stack([1 - share, share])

    return explainer.explain_instance(Parts(), model, labels=[0, 1]).to_markdown()


def test_every_row_has_three_cells_and_shows_its_name(text):
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| component")]
    assert len(rows) == 2 * len(HOSTILE)
    shown = {html.unescape(row.split(" | ")[0][2:]) for row in rows}
    names = [name.replace("\u202e", r"\u202e") for name in HOSTILE]
    assert shown == {" ".join(re.sub(r"[\x00-\x1f\ud800]", " ", name).split()) for name in names}
    assert all(row.count("|") == 4 for row in rows)


@pytest.mark.parametrize("sign", ["<", ">", "`", "[", "*", "@", "\\", "://", "www.", "GH-", "~", "$"])
def test_nothing_is_markup(text, sign):
    names = [line[2:].split(" | ")[0] for line in text.splitlines() if line.startswith("| ")]
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    assert not any(sign in name for name in (*names, *headings))


def test_headings_are_the_labels_and_no_more(text):
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "### For and against ham",
        "### For and against &#60;b&#62;&#124;spam&#124;&#60;/b&#62; &#35; x",
    ]


def test_warnings_and_figures_are_told():
    explanation = ImageExplainer("grid").explain_instance(np.full((8, 8), 7.0), lambda images: images.mean(axis=(1, 2)))
    text = explanation.to_markdown()
    assert text.count("> Caution: ") == len(explanation.warnings) == 2
    assert text.count("> Note: ") == 1
    assert "effective sample size" in text
    assert text == explanation.to_markdown()
    text.encode("utf-8")
