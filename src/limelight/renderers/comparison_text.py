"""A comparison of two models as plain text for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from limelight.collection.comparison import Comparison
from limelight.renderers._cells import count_cells, pad, wrap
from limelight.renderers._comparison import ComparedLabel, lay_out_comparison
from limelight.renderers._literal import make_literal
from limelight.renderers._names import shorten_names

__all__ = ["render_markdown", "render_text"]

_MOST_NAME_CELLS = 32
_MOST_MODEL_CELLS = 14
_MOST_LABELS = 5


def render_text(comparison: Comparison) -> str:
    """Write a comparison as a plain-text table, one block for each label.

    Parameters
    ----------
    comparison : Comparison
        Any comparison.

    Returns
    -------
    text : str
        Lines of at most 100 terminal cells where numbers are of ordinary size. Control characters in names are escapes.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> from limelight.renderers.comparison_text import render_text
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> "equal" in render_text(compare(explanation, explanation))
    True
    """
    lines: list[str] = []
    for number in comparison.labels[:_MOST_LABELS]:
        lines += [*_write_block(lay_out_comparison(comparison, number)), ""]
    more = len(comparison.labels) - _MOST_LABELS
    if more > 0:
        lines.append(f"{more} more outputs are compared; to_frame() has all.")
    return "\n".join(lines).rstrip("\n")


def _write_block(label: ComparedLabel) -> Iterator[str]:
    yield from wrap(label.output)
    for model, prediction in zip(label.models, label.predictions, strict=True):
        yield from wrap(f"  {model}: {prediction}")
    for alert in label.alerts:
        yield from wrap(f"Alert: {alert}")
    names = shorten_names([row.name for row in label.rows], _MOST_NAME_CELLS)
    models = shorten_names(label.models, _MOST_MODEL_CELLS)
    header = ("component", *(models[model] for model in label.models), "difference", "", "")
    rows = [(names[row.name], *row[1:]) for row in label.rows]
    widths = [max(map(count_cells, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows) if rows else ():
        cells = [pad(row[0], widths[0])]
        cells += [" " * (width - count_cells(text)) + text for text, width in zip(row[1:-1], widths[1:-1], strict=True)]
        yield "  " + "  ".join([*cells, row[-1]]).rstrip()
    yield from wrap(label.sentence)


def render_markdown(comparison: Comparison) -> str:
    """Write a comparison as Markdown: a table for each label.

    Parameters
    ----------
    comparison : Comparison
        Any comparison.

    Returns
    -------
    text : str
        GitHub's Markdown. Texts from the user are shown as they are and are never markup.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> from limelight.renderers.comparison_text import render_markdown
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> print(render_markdown(compare(explanation, explanation)).splitlines()[0])
    ### Two models on output
    """
    lines: list[str] = []
    for number in comparison.labels:
        lines += [*_write_table(lay_out_comparison(comparison, number)), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _write_table(label: ComparedLabel) -> Iterator[str]:
    yield f"### Two models on {make_literal(label.output)}"
    yield ""
    for model, prediction in zip(label.models, label.predictions, strict=True):
        yield f"- {make_literal(model)}: {prediction}"
    yield from (f"\n> Alert: {make_literal(alert)}" for alert in label.alerts)
    if label.rows:
        yield ""
        yield f"| component | {' | '.join(map(make_literal, label.models))} | difference | interval | |"
        yield "|---|---:|---:|---:|---:|---|"
        for row in label.rows:
            yield f"| {make_literal(row.name)} | {' | '.join(row[1:])} |"
    yield ""
    yield label.sentence
