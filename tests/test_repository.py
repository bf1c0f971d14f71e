"""What the files beside the code say of it: versions that agree, layouts that are complete, names that exist."""

import ast
import re
from pathlib import Path

import pytest

from limelight import __version__

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "limelight"
PAGES = ("CONTRIBUTING.md", "docs/design.md")


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


def defined(*files: Path) -> set[str]:
    """The names that files define at their top level, and the arguments of their functions and methods."""
    names = set()
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return names


def files_of(place: str) -> list[Path]:
    """The Python files that a backticked path names: a file, or those in a folder."""
    path = next((root / place for root in (ROOT, PACKAGE) if (root / place).exists()), None)
    if path is None:
        return list(PACKAGE.rglob(place))  # a file that several folders have, such as explainer.py
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


def names_that_do_not_exist(text: str) -> list[str]:
    """Backticked names in a text that name no file, folder, class, function, constant or argument of the package.

    Of a name that stands before "in" and a place, as in "`ENGINES`, in `batch/_engines.py`", the place must have it.
    """
    everything = defined(*PACKAGE.rglob("*.py"))
    codes = re.findall(r"`([\w./]+)`", text)
    missing = [code for code in codes if (not files_of(code) if "/" in code or "." in code else code not in everything)]
    placed = re.findall(r"`(\w+)`,\s+in\s+`([\w./]+)`", text)
    return missing + [f"{name} in {place}" for name, place in placed if name not in defined(*files_of(place))]


def test_names_in_the_guide_to_additions_exist():
    (section,) = re.findall(r"^## Adding something\n(.*?)^## ", page("CONTRIBUTING.md"), flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall(r"`\w+`,\s+in\s+`", section)) >= 4
    assert names_that_do_not_exist(section) == []


def test_names_that_do_not_exist_are_found():
    text = "`Explainer` and `n_jobs`, `NoSuchClass`, `batch/no.py`, `ENGINES`, in `batch/_engines.py`, `VIEWS`, in `batch/`"
    assert names_that_do_not_exist(text) == ["NoSuchClass", "batch/no.py", "VIEWS in batch/"]


def test_versions_agree():
    (cited,) = re.findall(r"^version: (.*)$", page("CITATION.cff"), flags=re.MULTILINE)
    newest = re.search(r"^## \[(.*)\]", page("CHANGELOG.md"), flags=re.MULTILINE)[1]
    assert cited == newest == __version__
