"""Names and texts of the user's in a terminal: none of them moves its cursor, colours it, or passes for another line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from helpers.hostile import PAYLOADS
from helpers.samples import explain

from limelight import Explanations, Failure
from limelight.cli.main import _commands
from limelight.results.explanation import Notice
from limelight.results.views import Cell, PartsView, TableView

ISOLATES = "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}\N{LEFT-TO-RIGHT MARK}"  # around right-to-left writing
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
ESCAPES = [
    *(
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "\x1b]8;;http://evil.invalid\x1b\\link",
        "\x1bP+q\x1b\\",
        "\x9b2J",
        "\x9d0;t\x9c",
    ),
    *(
        "a\rb",
        "a\nError: none",
        "a\r\nb",
        "\b\b\b",
        "\x7f",
        "\x0c\x0b",
        "\u202eabc",
        "\u2066a",
        "\u2028b\u2029",
        "\x85",
        "a\tb",
    ),
    *("\ud800", "\ufeff", "\u200b", "\U000e0041", "\x00", "\x1b"),
]


def assert_harmless(text):
    """Nothing but what can be seen, lines, and the isolates and joiners that renderers let pass."""
    wrong = {letter for letter in text if not letter.isprintable() and letter not in "\n\u00a0\u3000" + ISOLATES + JOINERS}
    assert not wrong, (wrong, text)
    assert text.count("\N{FIRST STRONG ISOLATE}") == text.count("\N{POP DIRECTIONAL ISOLATE}")


@pytest.mark.parametrize("strings", [ESCAPES, PAYLOADS[::2], PAYLOADS[1::2]], ids=["escapes", "payloads", "others"])
def test_explanations_in_a_terminal(strings):
    for string in strings:
        check_all_texts(string)


def check_all_texts(string):
    names = (string, f"{string} <= 3.00", "other")
    views = PartsView(names), TableView(tuple(Cell(string, string, number) for number in range(3)))
    notices = [Notice("a", string, "alert"), Notice("b", f"Of {string}.", "caution"), Notice("c", string, "information")]
    for view in views:
        made = explain(view, names, {0: (0.5, -0.25, 0.1), 1: (0.5,)}, classes=(string, "another"))
        made = replace(made, notices=tuple(notices), id=string)
        assert_harmless(str(made))
        assert_harmless(repr(made.view))
        collection = Explanations.of([made, Failure(string, string, string)])
        for shown in (collection, collection.importance(), collection.pick(1), collection.failures):
            assert_harmless(repr(shown))


def run(*arguments):
    result = CliRunner().invoke(_commands(), [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


MODEL = """
def model(rows):
    if (rows.iloc[:, 0] > 100).any():
        raise ValueError({string!r})
    return rows.iloc[:, 0].to_numpy()

def broken(rows):
    raise type({string!r}.encode("ascii", "replace").decode(), (BaseException,), {{}})({string!r})
"""


@pytest.mark.parametrize("string", ["".join(ESCAPES[:7]), "".join(ESCAPES[7:11]), "".join(ESCAPES[11:])])
@pytest.mark.usefixtures("place")
def test_what_the_command_line_says(string):
    """Names of columns, categories, ids, files, modules and types, and what a model raises."""
    encodable = string.encode("utf-8", "replace").decode().replace("\0", "?")
    frame = pd.DataFrame(
        {encodable: np.arange(20.0), "city": [encodable, "Rome"] * 10, "id": [f"{encodable}{i}" for i in range(20)]}
    )
    frame.to_parquet("train.parquet")
    frame.assign(**{encodable: [*range(19), 500.0]})[15:].to_parquet("rows.parquet")
    name = f"model_{abs(hash(string))}"
    Path(f"{name}.py").write_text(MODEL.format(string=string), encoding="utf-8")
    common = ("explain", "--train", "train.parquet", "--data", "rows.parquet", "--out", "out.parquet", "--num-samples", "64")
    results = [
        run(*common, "--model", f"{name}:model", "--id", "id"),
        run("show", "out.parquet", "--item", "4"),
        run("show", "out.parquet", "--item", "0"),
        run("show", "out.parquet", "--id", encodable),
        run("pick", "out.parquet"),
        run("report", "out.parquet", "--out", "page.html", "--data", "rows.parquet", "--target", encodable),
        run("report", "out.parquet", "--out", "page.html", "--data", "rows.parquet", "--target", "none"),
        run(*common, "--model", f"{name}:broken"),
        run(*common, "--model", f"{name}:{encodable}"),
        run(*common, "--model", f"{encodable}:model"),
        run(*common, "--model", f"{name}:model", "--target", "none"),
        run(*common, "--model", f"{name}:model", "--id", encodable + "x"),
        run(*common, "--model", f"{name}:model", "--label", encodable),
        run(*common, "--model", f"{name}:model", "--class-names", f"{encodable},b"),
        run("explain", "--text", "none", "--data", "rows.parquet", "--out", "out2.parquet", "--model", f"{name}:model"),
        run("explain", "--text", "city", "--data", f"{encodable}.csv", "--out", "out2.parquet", "--model", f"{name}:model"),
        run("show", f"{encodable}.json"),
        run(encodable),
        run("show", f"--{encodable}"),
    ]
    assert results[0].exit_code == 0
    for result in results:
        assert_harmless(result.output)
    assert [result.exit_code for result in results].count(0) >= 3
    # Each line of an error is the program's own, or is indented.
    for line in results[1].output.splitlines()[1:]:
        assert line.startswith("  ")
    assert "ValueError" in results[1].output


@pytest.mark.usefixtures("place")
def test_a_message_of_several_lines_is_indented():
    Explanations.of([Failure("ModelError", "first\nError: second\n\nthird")]).save("all.parquet")
    result = run("show", "all.parquet", "--item", "0")
    assert result.output.splitlines()[1:] == ["  Error: second", "  ", "  third"]
