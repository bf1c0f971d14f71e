"""Explanations in a notebook that is really run, and in the page that nbconvert makes of it."""

from textwrap import dedent

import pytest
from bs4 import BeautifulSoup  # comes with nbconvert
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import v4

CELLS = [
    """
    import numpy as np
    from limelight import TabularExplainer, TextExplainer, TimeSeriesExplainer

    def halves(batch):
        first = np.asarray(batch, dtype=float).reshape(len(batch), -1)[:, 0]
        return np.column_stack([1 - first, first])

    def spam(texts):
        share = np.array([0.3 + 0.4 * ("pills" in text) - 0.2 * ("for" in text) for text in texts])
        return np.column_stack([1 - share, share])
    """,
    'TextExplainer(class_names=["ham", "spam"]).explain_instance("cheap pills for you", spam, labels=[1, 0])',
    """
    rows = np.random.default_rng(0).random((200, 3))
    explainer = TabularExplainer(rows, feature_names=["bmi", "age", "dose"], class_names=["well", "ill"])
    table = explainer.explain_instance(rows[0], halves, labels=[0, 1])
    table.show_in_notebook(labels=[1])
    shown = True
    """,
    'TimeSeriesExplainer(class_names=["bell", "funnel"]).explain_instance(np.linspace(0.9, 0.1, 20), halves)',
]
# Where the explanations are on the page, and how their words contrast with the ground below them.
LOOK = """
() => {
    const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    function luminance(colours) {
        brush.fillStyle = "white";
        for (const colour of ["white", ...colours]) { brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); }
        const [red, green, blue] = [...brush.getImageData(0, 0, 1, 1).data].map(
            (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    }
    function contrast(element) {
        const grounds = [];
        for (let each = element; each; each = each.parentElement) grounds.unshift(getComputedStyle(each).backgroundColor);
        const pair = [luminance(grounds), luminance([...grounds, getComputedStyle(element).color])].sort((a, b) => a - b);
        return (pair[1] + 0.05) / (pair[0] + 0.05);
    }
    return [...document.querySelectorAll(".limelight")].map((root) => {
        const { top, bottom, width } = root.getBoundingClientRect();
        const lowest = Math.min(...[root, ...root.querySelectorAll("h2, p, th, td, .passage")].map(contrast));
        const sizes = new Set([...root.querySelectorAll("h2")].map((heading) => getComputedStyle(heading).fontSize));
        return { top, bottom, width, visible: root.checkVisibility(), contrast: lowest, sizes: sizes.size };
    });
}
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The notebook after it was run by this interpreter, with none of the user's settings."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(folder / name))
        book = v4.new_notebook(cells=[v4.new_code_cell(dedent(cell).strip()) for cell in CELLS])
        # Where no kernel is set up, "python3" is ipykernel in sys.executable.
        ExecutePreprocessor(timeout=60, kernel_name="python3").preprocess(book, {"metadata": {"path": str(folder)}})
    return book


@pytest.fixture(scope="module", params=["lab light", "lab dark", "classic light"])
def exported(request, notebook):
    """The notebook as a page; the classic template brings Bootstrap's styles with it."""
    template, theme = request.param.split()
    page, _ = HTMLExporter(template_name=template, theme=theme).from_notebook_node(notebook)
    return page


def test_every_explanation_is_an_output_with_a_text_to_fall_back_to(notebook):
    setting_up, *shown = [cell.outputs for cell in notebook.cells]
    assert setting_up == []
    texts = []
    for (output,) in shown:
        assert set(output.data) == {"text/html", "text/markdown", "text/plain"}
        texts.append(output.data["text/plain"])
    assert texts[0].startswith("spam: model")
    assert "\nham: model" in texts[0]
    assert texts[1].startswith("ill: model")
    assert "well: model" not in texts[1]
    assert texts[2].startswith("funnel: model")


def test_exported_page_has_each_explanation_once(exported):
    page = BeautifulSoup(exported, "html.parser")
    text, table, series = page.select(".limelight")
    assert "pills" in text.text
    assert "dose" in table.text
    assert "funnel" in series.text
    ids = [element["id"] for root in (text, table, series) for element in root.select("[id]")]
    every = [element["id"] for element in page.select("[id]")]
    assert [name for name in ids if every.count(name) > 1] == []


def test_exported_page_in_a_browser(browser, exported, tmp_path):
    file = tmp_path / "notebook.html"
    file.write_text(exported, encoding="utf-8")
    context = browser.new_context()
    # The page wants its formulas' fonts and scripts from elsewhere; nothing but the file itself is let through.
    context.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    page = context.new_page()
    page.goto(file.as_uri(), wait_until="domcontentloaded")
    places = page.evaluate(LOOK)
    context.close()
    assert len(places) == 3
    for place, following in zip(places, [*places[1:], {"top": float("inf")}], strict=True):
        assert place["visible"]
        assert place["bottom"] - place["top"] > 50
        assert place["width"] > 200
        assert place["bottom"] <= following["top"]
        assert place["contrast"] >= 4.5
        assert place["sizes"] == 1
