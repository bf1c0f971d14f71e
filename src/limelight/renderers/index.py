"""A page of many explanations: for each a title, a picture, and a link to its own page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from limelight.renderers._page import make_page_data
from limelight.renderers._templates import fill_template
from limelight.results.explanation import Explanation
from limelight.results.files import atomic_file

__all__ = ["Entry", "render_index", "save_index"]


@dataclass(frozen=True)
class Entry:
    """An explanation on the index.

    Attributes
    ----------
    title, text : str
        The heading, and a sentence below it.
    address : str
        The address of its own page, relative to the index.
    explanation : Explanation
        What is shown, for its first label.
    """

    title: str
    text: str
    address: str
    explanation: Explanation


def render_index(title: str, text: str, entries: Sequence[Entry]) -> str:
    """Write a page that shows the first label of each explanation and leads to all of them.

    Parameters
    ----------
    title, text : str
        The heading of the page, and a sentence below it.
    entries : sequence of Entry
        In the order of the page.

    Returns
    -------
    page : str
        HTML without a script.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> from limelight.renderers.index import Entry, render_index
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> page = render_index("Films", "What makes one good?", [Entry("A good one", "In two words.", "good.html", explanation)])
    >>> 'href="good.html"' in page
    True
    """
    return fill_template("index.html", title=title, text=text, entries=[(entry, _make_entry_data(entry)) for entry in entries])


def save_index(path: str | os.PathLike[str], title: str, text: str, entries: Sequence[Entry]) -> None:
    """Write `render_index`'s page to a file, which is replaced when the new one is complete."""
    with atomic_file(path) as file:
        file.write(render_index(title, text, entries).encode())


def _make_entry_data(entry: Entry) -> dict[str, Any]:
    return make_page_data(replace(entry.explanation, surrogates=entry.explanation.surrogates[:1]))
