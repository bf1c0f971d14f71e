"""The documentation's pages: the reference has every public name, and the check of built pages finds what is wrong."""

import re
import runpy
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
MODULES = ("limelight", "limelight.datasets", "limelight.exceptions", "limelight.extend", "limelight.segmentation")
faults = runpy.run_path(str(DOCS / "check_pages.py"))["faults"]


def documented() -> list[str]:
    """The names that the reference's directives document, with their modules."""
    names = []
    for page in sorted((DOCS / "reference").glob("*.rst")):
        module = ""
        for directive, name in re.findall(r"^\.\. (currentmodule|auto\w+):: ([\w.]+)$", page.read_text(encoding="utf-8"), re.M):
            if directive == "currentmodule":
                module = name
            else:
                names.append(name if directive == "automodule" else f"{module}.{name}")
    return names


def test_reference_has_every_public_name_once_and_no_other():
    public = {f"{module}.{name}" for module in MODULES for name in import_module(module).__all__}
    # The version is no object to describe, and what two modules hand out is described at one of them.
    elsewhere = {"limelight.__version__", "limelight.extend.Explainer", "limelight.LimelightError"}
    assert elsewhere <= public
    assert sorted(documented()) == sorted(public - elsewhere)


def test_index_of_the_reference_lists_what_its_pages_document():
    index = (DOCS / "reference" / "index.rst").read_text(encoding="utf-8")
    listed = {name for block in re.findall(r"autosummary::\n\n((?: +\w+\n)+)", index) for name in block.split()}
    top = {name.removeprefix("limelight.") for name in documented()}
    assert listed == {name for name in top if "." not in name}


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="no.html">', "index.html links to no.html, which does not exist"),
        ('<a href="#no">', "index.html links to #no, but index.html has no such part"),
        ('<a href="other.html#no">', "index.html links to other.html#no, but other.html has no such part"),
        ('<img src="no.png">', "index.html links to no.png, which does not exist"),
        ('<script src="https://example.org/a.js">', "index.html loads https://example.org/a.js"),
        ('<link rel="stylesheet" href="//example.org/a.css">', "index.html loads //example.org/a.css"),
        ("." * 1_000_001, "index.html has 1000001 bytes"),
    ],
)
def test_faults_of_pages_are_found(page, fault, tmp_path):
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    (tmp_path / "other.html").write_text('<p id="here">', encoding="utf-8")
    assert faults(tmp_path) == [fault]


def test_pages_without_faults_have_none(tmp_path):
    (tmp_path / "index.html").write_text(
        '<p id="a&b"><a href="#a%26b">, <a href="other.html#here">, <a href="https://example.org">, <img src="data:,">'
        '<link rel="canonical" href="https://example.org">',
        encoding="utf-8",
    )
    (tmp_path / "other.html").write_text('<p id="here">', encoding="utf-8")
    assert faults(tmp_path) == []


def test_style_sheets_that_load_from_elsewhere_are_found(tmp_path):
    (tmp_path / "index.html").write_text("", encoding="utf-8")
    (tmp_path / "a.css").write_text('@import "https://example.org/b.css"; p { background: url(a.png) }', encoding="utf-8")
    assert faults(tmp_path) == ["a.css loads https://example.org/b.css"]


def test_a_folder_without_pages_is_a_fault(tmp_path):
    assert faults(tmp_path) == [f"{tmp_path} has no pages"]
