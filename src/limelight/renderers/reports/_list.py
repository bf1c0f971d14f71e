"""What the script of a report draws its list from: each explanation in few bytes, as many as a page has room for."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from limelight.collection.explanations import Explanations
from limelight.collection.failure import Failure
from limelight.renderers._page import chart_of, cut_text, page_data
from limelight.renderers._pictures import encode_thumbnail, image_panel, overlay_panel
from limelight.renderers._summary import LabelSummary, Summary, fidelity_text, output_value, summarise
from limelight.renderers._svg import SVG_KINDS, make_svg
from limelight.renderers._templates import ScriptData
from limelight.renderers._views import own_kind, view_to_draw
from limelight.renderers.reports._answers import Answer
from limelight.results.explanation import Explanation, Surrogate
from limelight.results.views import Cell, ImageView, MixedView, PartsView, Passage, Span, TableView, TextView, View

__all__ = ["EntryList", "list_entries"]

MOST_BYTES = 4_400_000  # of all entries
PICTURE_BYTES = 2_400_000  # of which so many may be pictures'
MOST_LEFT_OUT = 10  # entries for which there is no room, before no more are tried: a single one may be very large
STEP = 2_000  # entries that are read at once

Data = dict[str, Any]


@dataclass(frozen=True)
class EntryList:
    """The list: its data, blank explanations for the script to fill in, and how many entries it holds."""

    data: ScriptData
    blanks: tuple[Data, ...]
    count: int


def list_entries(
    explanations: Explanations, answers: Sequence[Answer | None], truths: Sequence[str | None], picked: Iterable[int]
) -> EntryList:
    """As many of the entries as there is room for: what was picked, has failed or is misclassified before everything else.

    Parameters
    ----------
    explanations : Explanations
        All of them; objects are made only of those that the list holds, and of a few more.
    answers, truths : sequences
        What the model said of each, and what would have been true.
    picked : iterable of int
        The picks' positions.
    """
    urgent = {i for i, (answer, truth) in enumerate(zip(answers, truths, strict=True)) if not answer or answer.is_wrong(truth)}
    urgent |= set(picked)
    order = [*sorted(urgent), *(i for i in range(len(answers)) if i not in urgent)]
    items, compact = explanations.items, _Compact()
    taken: dict[int, Data] = {}
    left_out = 0
    for i, entry in _entries(explanations, order):
        made = compact.entry(int(items[i]), entry, answers[i], truths[i])
        if made is not None:
            taken[i] = made
            continue
        left_out += 1
        if left_out == MOST_LEFT_OUT:
            break
    data = ScriptData({"words": list(compact.words), "entries": [taken[i] for i in sorted(taken)]})
    return EntryList(data, tuple(_blank(*kinds) for kinds in compact.blanks), len(taken))


def _entries(explanations: Explanations, order: Sequence[int]) -> Iterator[tuple[int, Explanation | Failure]]:
    for start in range(0, len(order), STEP):
        positions = order[start : start + STEP]
        yield from zip(positions, explanations[positions], strict=True)


class _Compact:
    """Makes entries small: texts that many share become numbers.

    Attributes
    ----------
    words : dict of str to int
        The number of each such text.
    blanks : dict of (str, str) to int
        The number of the blank explanation for each kind of view and of output.
    size : int
        How many bytes all that was made takes on the page.
    """

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.blanks: dict[tuple[str, str], int] = {}
        self.size = 0
        self._picture_room = PICTURE_BYTES

    def entry(self, item: int, entry: Explanation | Failure, answer: Answer | None, truth: str | None) -> Data | None:
        """What the script has to know of an instance; None, and nothing of it is kept, where there is no room for it."""
        before = len(self.words), self.size, self._picture_room
        data: Data = {"item": item}
        if truth is not None:
            data["true"] = self._word(truth)
        if isinstance(entry, Failure):
            data |= {"error": self._word(entry.error), "message": self._word(entry.message)}
        elif answer is not None:
            data |= self._answer(answer, truth) | self._explanation(entry)
        self.size += _size(data)
        if self.size <= MOST_BYTES:
            return data
        known, self.size, self._picture_room = before
        while len(self.words) > known:
            self.words.popitem()
        return None

    def _word(self, text: str) -> int:
        if text not in self.words:
            self.words[text] = len(self.words)
            self.size += _size(text)
        return self.words[text]

    def _answer(self, answer: Answer, truth: str | None) -> Data:
        return {
            "output": self._word(answer.name),
            "said": output_value(answer.value, answer.kind),
            "wrong": int(answer.is_wrong(truth)),
            # To sort by; JSON has no NaN.
            "value": answer.value if math.isfinite(answer.value) else None,
            "trust": fidelity_text(answer.fidelity),
            "fidelity": round(answer.fidelity, 4) if math.isfinite(answer.fidelity) else None,
        }

    def _explanation(self, explanation: Explanation) -> Data:
        summary, view = summarise(explanation), view_to_draw(explanation)
        kind = own_kind(view)
        cells = _CELLS[kind](view) if kind in _CELLS else ()
        values = view.values() if cells else {}
        kinds = kind if kind in _BLANK_VIEWS else PartsView.kind, explanation.output_kind
        return {
            "blank": self.blanks.setdefault(kinds, len(self.blanks)),
            "main": explanation.labels.index(explanation.default_label),
            "level": self._word(summary.level),
            "labels": [self._label(label, values) for label in summary.labels],
            "outputs": [(self._word(output.name), output.text) for output in summary.outputs],
            "more": summary.more_outputs,
            "facts": [(fact.value, self._word(fact.meaning)) for fact in summary.facts],
            "warnings": list(map(self._word, summary.warnings)),
            "cells": [(self._word(cell.column), cell.value) for cell in cells],
            "passages": self._passages(explanation, view),
            **self._pictures(view, summary),
        }

    def _label(self, label: LabelSummary, values: dict[int, str]) -> Data:
        chart = chart_of(label)
        bars = [
            (bar.component, self._word(bar.name), values.get(bar.component, ""), bar.side, *lengths, bar.text, bar.interval)
            for bar, *lengths in chart.lines
        ]
        return {"name": self._word(label.name), "remark": label.remark, "zero": chart.zero, "bars": bars}

    def _passages(self, explanation: Explanation, view: View) -> list[tuple[int, list[Any]]]:
        """The texts, cut where a reported word begins or ends; a word of no component is a text of its own."""
        kind = own_kind(view)
        if kind not in _PASSAGES:
            return []
        reported = {component for surrogate in explanation.surrogates for component in surrogate.components}
        return [
            (
                self._word(column),
                [text if component is None else (component, text) for text, component in cut_text(own, reported)],
            )
            for column, own in _PASSAGES[kind](view)
        ]

    def _pictures(self, view: View, summary: Summary) -> Data:
        """Addresses of pictures, one for each label and before them what they are all of; as long as there is room for them."""
        kind = own_kind(view)
        if kind not in _PICTURES:
            return {}
        pictures = _PICTURES[kind](view, summary.labels) if self._picture_room > 0 else []
        self._picture_room -= _size(pictures)
        return {"pictures": pictures if self._picture_room > 0 else []}


def _size(data: Any) -> int:
    return len(ScriptData(data).json.encode("utf-8"))


def _image_pictures(view: ImageView, labels: Sequence[LabelSummary]) -> list[str]:
    panels = [image_panel(view), *(overlay_panel(view, label) for label in labels)]
    return [f"data:image/jpeg;base64,{b64encode(encode_thumbnail(panel)).decode('ascii')}" for panel in panels]


def _svg_pictures(view: View, labels: Sequence[LabelSummary]) -> list[str]:
    drawn = (b64encode(make_svg(view, [label]).encode("utf-8")).decode("ascii") for label in labels)
    return ["", *(f"data:image/svg+xml;base64,{svg}" for svg in drawn)]


# What entries of a kind of view have to show beside their bars.
_CELLS: dict[str, Callable[[Any], Sequence[Cell]]] = {
    TableView.kind: lambda view: view.cells,
    MixedView.kind: lambda view: view.table.cells,
}
_PASSAGES: dict[str, Callable[[Any], Sequence[tuple[str, TextView]]]] = {
    TextView.kind: lambda view: [("", view)],
    MixedView.kind: lambda view: view.texts,
}
_PICTURES: dict[str, Callable[[Any, Sequence[LabelSummary]], list[str]]] = {
    ImageView.kind: _image_pictures,
    **dict.fromkeys(SVG_KINDS, _svg_pictures),
}

_TEXT = TextView("x", (Span(0, 1, 0),))
_ROW = TableView((Cell("x", "x", 0),))
_BLANK_VIEWS: dict[str, View] = {
    TextView.kind: _TEXT,
    TableView.kind: _ROW,
    MixedView.kind: MixedView(_ROW, (Passage("x", _TEXT),)),
    PartsView.kind: PartsView(("x",)),
}


def _blank(view_kind: str, output_kind: str) -> Data:
    """What the templates are given for an explanation that has one of everything, and a label of which nothing was reported."""
    surrogates = (Surrogate(0, (0,), (1.0,), (0.0,), (1.0,), 0.0, 1.0, 1.0), Surrogate(1, (), (), (), (), 0.0, 1.0, 1.0))
    return page_data(
        Explanation(
            surrogates=surrogates,
            names=("x",),
            view=_BLANK_VIEWS[view_kind],
            predictions=(1.0, 0.0),
            output_names=("x", "x"),
            output_kind=output_kind,
            default_label=0,
            num_samples=1,
            num_inputs=1,
            effective_sample_size=1.0,
            confidence=0.95,
            converged=True,
            kernel_width=1.0,
            alpha=1.0,
            random_state=0,
            warnings=(),
        )
    )
