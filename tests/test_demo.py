"""The demonstration, the command line, and the examples of the README."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from helpers.examples import read_section, run_examples

from limelight import TextExplainer, __version__
from limelight.cli.main import _commands
from limelight.datasets import mails

PAGES = [
    "chord.html",
    "diabetes-highest.html",
    "digit.html",
    "index.html",
    "mail.html",
    "pulse.html",
    "tumour-malignant.html",
    "tumour-unsure.html",
]


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What the demonstration prints where scikit-learn has no newsgroups; its pages are in ``tmp_path / "pages"``."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "empty"))
    result = CliRunner().invoke(_commands(), ["demo", "--out", str(tmp_path / "pages")], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_demo_writes_the_pages_that_it_names(shown, tmp_path):
    assert sorted(path.name for path in (tmp_path / "pages").iterdir()) == PAGES
    for name in PAGES:
        assert (tmp_path / "pages" / name).read_text(encoding="utf-8").startswith("<!doctype html>")
    index = tmp_path / "pages" / "index.html"
    assert str(index) in shown
    assert sorted([*re.findall(r'href="([^"]*)"', index.read_text(encoding="utf-8")), "index.html"]) == PAGES


def test_demo_shows_the_planted_header_and_that_its_weights_hold(shown):
    rows = re.findall(r"^  (\w+) +[+\u2212]0\.\d+  \[", shown, flags=re.MULTILINE)
    header = {"allotments", "Posting", "Host"}
    assert set(rows[rows.index("allotments") :][:3]) == header
    change, expected = map(float, re.search(r"by ([+-]\d\.\d+); their weights said ([+-]\d\.\d+)", shown).groups())
    assert change > 0.1
    assert expected == pytest.approx(change, rel=0.35)


def test_demo_prints_the_same_every_time(shown, tmp_path):
    again = CliRunner().invoke(_commands(), ["demo", "--out", str(tmp_path / "pages")], catch_exceptions=False)
    assert again.output == shown


def test_club_mails_are_varied_and_the_header_gives_one_club_away():
    texts, labels = mails()
    assert len(set(texts)) == len(texts)
    with_header = [label for text, label in zip(texts, labels, strict=True) if "Posting-Host" in text]
    assert with_header.count(0) == 54
    assert with_header.count(1) == 5


def test_version():
    assert __version__ in CliRunner().invoke(_commands(), ["--version"]).output


def test_without_click_the_command_says_how_to_get_it():
    code = "import sys; sys.modules['click'] = None; from limelight.cli.main import main; main()"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == "The command line needs click: pip install 'limelight[cli]'\n"


def test_readme_examples_run_and_show_what_they_print():
    run_examples("README.md", plain=without_figures)


def test_readme_examples_with_transformers_run():
    """With tiny models in place of those that would have to be loaded."""
    transformers = pytest.importorskip("transformers")
    from helpers import tiny_transformers

    readme = read_section("README.md")
    blocks = re.findall(r"```py\n(from transformers .*?)```", readme, flags=re.DOTALL)
    assert len(blocks) == 2
    classifier = transformers.pipeline(
        "text-classification", model=tiny_transformers.bert(), tokenizer=tiny_transformers.word_pieces()
    )
    names = {
        "TextExplainer": TextExplainer,
        "pipeline": lambda _task, _name: classifier,
        "AutoModelForCausalLM": SimpleNamespace(from_pretrained=lambda _name: tiny_transformers.causal_gpt2()),
        "AutoTokenizer": SimpleNamespace(from_pretrained=lambda _name: tiny_transformers.byte_pairs()),
    }
    for code, name in zip(blocks, ("LABEL_1: model", "log-odds of  good: model"), strict=True):
        exec(compile(re.sub("from transformers .*\n", "", code), "README.md", "exec"), names)
        assert name in str(names["explanation"]).partition("\n")[0]


@pytest.mark.parametrize("name", ["docs/promises.md", "docs/measures.md"])
def test_examples_of_a_page_go_on_from_the_readme(name):
    first = re.search(r"```python\n(.*?)```", read_section("README.md"), flags=re.DOTALL)[1]
    names: dict[str, object] = {"print": str}
    exec(compile(first, "README.md", "exec"), names)
    del names["print"]
    run_examples(name, count=2, names=names, plain=without_figures)


def test_examples_about_tables_run():
    page = read_section("docs/tables.md")
    names: dict[str, object] = {"print": str}
    for code in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(compile(code, "docs/tables.md", "exec"), names)
    assert "review: " in str(names["explanation"])


def test_readme_ten_lines_on_a_table_as_it_comes(data_folder, tmp_path, monkeypatch, capsys):
    readme = read_section("README.md")
    ((code, printed),) = re.findall(r"```py\n(import pandas.*?)```\n+```text\n(.*?)```", readme, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 10
    (tmp_path / "titanic.csv").symlink_to(data_folder / "tabular" / "titanic.csv")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert without_figures(shown) == without_figures(printed)


def without_figures(text):
    """Digits and bars may differ with the version of scikit-learn that trains the model."""
    return re.sub(r"[\d\u2588-\u258f\u2590\u2502 ]+", " ", text).strip()


def test_contents_of_the_page_about_texts_name_its_sections_in_order():
    page = (Path(__file__).parents[1] / "docs" / "text.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", page, flags=re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"^- \[.*?\]\(#(.*?)\)", page.partition("\n## ")[0], flags=re.MULTILINE) == anchors
