"""The examples of README and docs, as a reader runs them: one after the other, each with what it prints."""

import contextlib
import io
import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", flags=re.DOTALL | re.MULTILINE)


def read_section(page, title=None):
    """The text of a page, or of its section with a title."""
    text = (_ROOT / page).read_text(encoding="utf-8")
    if title is None:
        return text
    (section,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE)
    return section


def run_examples(page, title=None, *, count=None, names=None, plain=str):
    """Run the examples of a page, or of a section of it, and compare what they print with what the page says.

    Parameters
    ----------
    page : str
        Its path from the project's root.
    title : str, optional
        The section's.
    count : int, optional
        How many examples there are; by default one or more.
    names : dict, optional
        What they have to begin with.
    plain : callable
        Leaves out what need not be the same.

    Returns
    -------
    names : dict
        What the examples have in the end.
    """
    examples = _EXAMPLE.findall(read_section(page, title))
    assert examples if count is None else len(examples) == count
    names = {} if names is None else dict(names)
    for code, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, "exec"), names)
        assert plain(printed.getvalue()) == plain(expected)
    return names
