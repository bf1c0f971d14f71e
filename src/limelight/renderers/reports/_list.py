"""The list of a report: the entries that a page has room for, as data for its script, in few bytes."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from limelight.collection.explanations import Explanations
from limelight.collection.failure import Failure
from limelight.renderers._bars import lay_out_bars
from limelight.renderers._numbers import format_fidelity
from limelight.renderers._page import cut_text, make_page_data
from limelight.renderers._pictures import draw_image_panel, draw_overlay_panel, encode_thumbnail
from limelight.renderers._slices import choose_slices, draw_slices, find_spans
from limelight.renderers._summary import LabelSummary, Summary, format_output, summarise
from limelight.renderers._svg import SVG_KINDS, make_svg
from limelight.renderers._templates import ScriptData
from limelight.renderers._views import choose_view
from limelight.renderers.reports._answers import Answer
from limelight.results.explanation import Explanation, Provenance, Surrogate
from limelight.results.views import Cell, ImageView, MixedView, PartsView, Passage, Span, TableView, TextView, View, VolumeView

__all__ = ["list_entries"]

Data = dict[str, Any]

_MOST_BYTES = 4_400_000  # of all entries
_MOST_PICTURE_BYTES = 2_400_000  # at most this much of it for pictures
_MOST_LEFT_OUT = 10  # stop after this many entries that did not fit; a smaller one may still fit after a large one
_ENTRIES_AT_ONCE = 2_000

# Blank instances, whose explanations the script copies and fills in.
_BLANK_PROVENANCE = Provenance("", "", "", "", 1.0, "", "", "", "", 1.0, 1.0, 0, kernel_share=1.0)
_BLANK_TEXT = TextView("x", (Span(0, 1, 0),))
_BLANK_ROW = TableView((Cell("x", "x", 0),))
_BLANK_VIEWS: dict[str, View] = {
    TextView.kind: _BLANK_TEXT,
    TableView.kind: _BLANK_ROW,
    MixedView.kind: MixedView(_BLANK_ROW, (Passage("x", _BLANK_TEXT),)),
    PartsView.kind: PartsView(("x",)),
    VolumeView.kind: VolumeView.of(np.zeros((1, 1, 1, 3), dtype=np.uint8), np.zeros((1, 1, 1), dtype=np.int64)),
}


@dataclass(frozen=True)
class EntryList:
    """The list: its data, blank explanations for the script to fill in, and the number of entries."""

    data: ScriptData
    blanks: tuple[Data, ...]
    count: int


def list_entries(
    explanations: Explanations,
    answers: Sequence[Answer | None],
    truths: Sequence[str | None],
    levels: Sequence[str | None],
    picked: Iterable[int],
) -> EntryList:
    """Write the entries that fit on the page; those that were picked, have failed or are misclassified take precedence.

    Parameters
    ----------
    explanations : Explanations
        The whole set; objects are made only for the list, and for a few entries that do not fit.
    answers : sequence of Answer or None
        The model's answers.
    truths : sequence of str or None
        The true labels.
    levels : sequence of str or None
        The level of each verdict.
    picked : iterable of int
        The positions of the picks.
    """
    urgent = {i for i, (answer, truth) in enumerate(zip(answers, truths, strict=True)) if not answer or answer.is_wrong(truth)}
    urgent |= set(picked)
    order = [*sorted(urgent), *(i for i in range(len(answers)) if i not in urgent)]
    items, writer = explanations.items, EntryWriter()
    listed: dict[int, Data] = {}
    left_out = 0
    for i, entry in _read_entries(explanations, order):
        data = writer.write(int(items[i]), entry, answers[i], truths[i], levels[i])
        if data is not None:
            listed[i] = data
            continue
        left_out += 1
        if left_out == _MOST_LEFT_OUT:
            break
    script_data = ScriptData({"words": list(writer.words), "entries": [listed[i] for i in sorted(listed)]})
    return EntryList(script_data, tuple(_make_blank(*kinds) for kinds in writer.blanks), len(listed))


def _read_entries(explanations: Explanations, order: Sequence[int]) -> Iterator[tuple[int, Explanation | Failure]]:
    for start in range(0, len(order), _ENTRIES_AT_ONCE):
        positions = order[start : start + _ENTRIES_AT_ONCE]
        yield from zip(positions, explanations[positions], strict=True)


def _make_blank(view_kind: str, output_kind: str) -> dict[str, Any]:
    """The page data of an explanation with one item of each sort, and with a second label without reported components."""
    figures: dict[str, Any] = {"intercept": 0.0, "local_prediction": 1.0, "fidelity": 1.0, "fidelity_error": 0.0}
    of_one: dict[str, Any] = dict.fromkeys(Surrogate.OF_COMPONENTS, (1.0,)) | {"lows": (0.0,)}
    of_none: dict[str, Any] = dict.fromkeys(Surrogate.OF_COMPONENTS, ())
    surrogates = (
        Surrogate(label=0, components=(0,), **of_one, **figures),
        Surrogate(label=1, components=(), **of_none, **figures),
    )
    return make_page_data(
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
            provenance=_BLANK_PROVENANCE,
            notices=(),
        )
    )


class EntryWriter:
    """Writes entries in few bytes: a text is stored once, and entries hold its number.

    Attributes
    ----------
    words : dict of str to int
        The number of each shared text.
    blanks : dict of (str, str) to int
        The number of the blank explanation for each kind of view and of output.
    size : int
        The bytes that all entries take on the page.
    """

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.blanks: dict[tuple[str, str], int] = {}
        self.size = 0
        self._picture_room = _MOST_PICTURE_BYTES

    def write(
        self, item: int, entry: Explanation | Failure, answer: Answer | None, truth: str | None, level: str | None
    ) -> Data | None:
        """Write an instance's entry for the script; give None, and keep nothing of it, if the page is full."""
        before = len(self.words), self.size, self._picture_room
        data: Data = {"item": item}
        if entry.id is not None:
            data["id"] = self._number_word(entry.id)
        if truth is not None:
            data["true"] = self._number_word(truth)
        if isinstance(entry, Failure):
            data |= {"error": self._number_word(entry.error), "message": self._number_word(entry.message)}
        elif answer is not None:
            data |= self._write_answer(answer, truth) | self._write_explanation(entry) | {"verdict": level}
        self.size += _measure(data)
        if self.size <= _MOST_BYTES:
            return data
        num_words, self.size, self._picture_room = before
        while len(self.words) > num_words:
            self.words.popitem()
        return None

    def _number_word(self, text: str) -> int:
        if text not in self.words:
            self.words[text] = len(self.words)
            self.size += _measure(text)
        return self.words[text]

    def _write_answer(self, answer: Answer, truth: str | None) -> Data:
        return {
            "output": self._number_word(answer.name),
            "said": format_output(answer.value, answer.kind),
            "wrong": int(answer.is_wrong(truth)),
            # Null where it is not finite: JSON has no NaN.
            "value": answer.value if math.isfinite(answer.value) else None,
            "trust": format_fidelity(answer.fidelity, answer.fidelity_error),
            "fidelity": round(answer.fidelity, 4) if math.isfinite(answer.fidelity) else None,
        }

    def _write_explanation(self, explanation: Explanation) -> Data:
        summary, (kind, view) = summarise(explanation), choose_view(explanation)
        cells = _CELLS[kind](view) if kind in _CELLS else ()
        values = _VALUES[kind](view) if kind in _VALUES else {}
        kinds = kind if kind in _BLANK_VIEWS else PartsView.kind, explanation.output_kind
        return {
            "blank": self.blanks.setdefault(kinds, len(self.blanks)),
            "main": explanation.labels.index(explanation.default_label),
            "level": self._number_word(summary.level),
            "labels": [self._write_label(label, values) for label in summary.labels],
            "outputs": [(self._number_word(output.name), output.text) for output in summary.outputs],
            "more": summary.more_outputs,
            "facts": [(fact.value, self._number_word(fact.meaning)) for fact in summary.facts],
            **self._write_notices(summary),
            "cells": [(self._number_word(cell.column), cell.value) for cell in cells],
            "passages": self._write_passages(explanation, kind, view),
            **self._draw_pictures(kind, view, summary.labels),
        }

    def _write_notices(self, summary: Summary) -> Data:
        """The messages of each level that has some."""
        by_level = {"alerts": summary.alerts, "cautions": summary.cautions, "notes": summary.notes}
        return {level: list(map(self._number_word, messages)) for level, messages in by_level.items() if messages}

    def _write_label(self, label: LabelSummary, values: dict[int, str]) -> Data:
        chart = lay_out_bars(label)
        bars = [
            (
                bar.component,
                self._number_word(bar.name),
                values.get(bar.component, ""),
                bar.side,
                line.strength,
                line.start,
                line.width,
                line.whisker_left,
                line.whisker_width,
                bar.text,
                bar.interval,
            )
            for line in chart.lines
            for bar in (line.bar,)
        ]
        return {"name": self._number_word(label.name), "remark": label.remark, "zero": chart.zero, "bars": bars}

    def _write_passages(self, explanation: Explanation, kind: str, view: View) -> list[tuple[int, list[Any]]]:
        """The texts, cut where a reported word begins or ends; a reported word is a pair of its component and its text."""
        if kind not in _PASSAGES:
            return []
        reported = {component for surrogate in explanation.surrogates for component in surrogate.components}
        return [
            (
                self._number_word(column),
                [text if component is None else (component, text) for text, component in cut_text(text_view, reported)],
            )
            for column, text_view in _PASSAGES[kind](view)
        ]

    def _draw_pictures(self, kind: str, view: View, labels: Sequence[LabelSummary]) -> Data:
        """Addresses of pictures, of the instance itself and then of each label; none if the page has no room for more."""
        if kind not in _PICTURES:
            return {}
        pictures = _PICTURES[kind](view, labels) if self._picture_room > 0 else []
        self._picture_room -= _measure(pictures)
        return {"pictures": pictures if self._picture_room > 0 else []}


def _measure(data: Any) -> int:
    return len(ScriptData(data).json.encode("utf-8"))


def _draw_image(view: ImageView, labels: Sequence[LabelSummary]) -> list[str]:
    panels = [draw_image_panel(view), *(draw_overlay_panel(view, label) for label in labels)]
    return [f"data:image/jpeg;base64,{b64encode(encode_thumbnail(panel)).decode('ascii')}" for panel in panels]


def _draw_volume(view: VolumeView, labels: Sequence[LabelSummary]) -> list[str]:
    numbers = choose_slices(view, labels, most=1)
    panels = [draw_slices(view, numbers), *(draw_slices(view, numbers, label) for label in labels)]
    return [f"data:image/jpeg;base64,{b64encode(encode_thumbnail(panel)).decode('ascii')}" for panel in panels]


def _draw_svg(kind: str, view: View, labels: Sequence[LabelSummary]) -> list[str]:
    files = (b64encode(make_svg(kind, view, [label]).encode("utf-8")).decode("ascii") for label in labels)
    return ["", *(f"data:image/svg+xml;base64,{svg}" for svg in files)]


# What an entry shows beside its bars, by the kind of view. In the table of the bars:
_VALUES: dict[str, Callable[[Any], dict[int, str]]] = {
    TableView.kind: lambda view: view.values(),
    MixedView.kind: lambda view: view.values(),
    VolumeView.kind: find_spans,
}
# And elsewhere:
_CELLS: dict[str, Callable[[Any], Sequence[Cell]]] = {
    TableView.kind: lambda view: view.cells,
    MixedView.kind: lambda view: view.table.cells,
}
_PASSAGES: dict[str, Callable[[Any], Sequence[tuple[str, TextView]]]] = {
    TextView.kind: lambda view: [("", view)],
    MixedView.kind: lambda view: view.texts,
}
_PICTURES: dict[str, Callable[[Any, Sequence[LabelSummary]], list[str]]] = {
    ImageView.kind: _draw_image,
    VolumeView.kind: _draw_volume,
    **{kind: partial(_draw_svg, kind) for kind in SVG_KINDS},
}
