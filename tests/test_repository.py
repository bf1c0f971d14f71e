"""What the files beside the code say of it: versions that agree, layouts that are complete, names of files that exist."""

import re
from pathlib import Path

import pytest

from limelight import __version__

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "limelight"
PAGES = ("README.md", "CONTRIBUTING.md", "docs/design.md")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tree(text: str) -> str:
    """The indented block that shows the layout of the package."""
    (block,) = re.findall(r"^ {4}src/limelight/\n((?: {6}.*\n)+)", text, flags=re.MULTILINE)
    return block


def places(block: str) -> list[Path]:
    """The folders and files that a layout's lines begin with, each in the folder under which it is indented."""
    found, folders = [], [PACKAGE]
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2 - 2
        names = re.match(r"\s*((?:[\w.]+(?:/|\.py) ?)+)(?: |$)", line)
        if names is None or depth > len(folders):
            continue  # a line's continuation
        del folders[depth:]
        of_line = [folders[-1] / name for name in names[1].split()]
        found += of_line
        folders.append(of_line[0])
    return found


@pytest.mark.parametrize("name", PAGES)
def test_layout_has_every_folder_and_nothing_else(name):
    shown = places(tree(page(name)))
    folders = {path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"}
    assert {path for path in shown if path.is_dir()} == folders
    assert [path for path in shown if not path.exists()] == []


@pytest.mark.parametrize("name", PAGES)
def test_layout_has_every_file_outside_the_folders(name):
    assert {path.name for path in places(tree(page(name))) if path.parent == PACKAGE and path.is_file()} == {
        path.name for path in PACKAGE.glob("*.py")
    }


def test_layout_is_read_with_its_folders_and_continued_lines():
    block = "      a/ b.py   one\n        c/      inside a, and a long\n                line more\n      d.py e.py    two\n"
    assert places(block) == [PACKAGE / "a", PACKAGE / "b.py", PACKAGE / "a" / "c", PACKAGE / "d.py", PACKAGE / "e.py"]


def test_files_in_tables_exist():
    rows = [line for line in page("CONTRIBUTING.md").splitlines() if line.startswith("|")]
    names = [name for row in rows for name in re.findall(r"`([\w./]+(?:\.\w+|/run|/))`", row)]
    assert len(names) > 40
    missing = {name for name in names if not (ROOT / name).exists() and not (PACKAGE / name).exists()}
    assert missing <= {"demo/index.html"}  # which `make demo` writes


def test_versions_agree():
    (cited,) = re.findall(r"^version: (.*)$", page("CITATION.cff"), flags=re.MULTILINE)
    newest = re.search(r"^## \[(.*)\]", page("CHANGELOG.md"), flags=re.MULTILINE)[1]
    assert cited == newest == __version__
