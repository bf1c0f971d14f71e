"""The words of an instance of several texts: each is a component of its field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from limelight._checks import list_names
from limelight._seeds import fingerprint
from limelight.exceptions import InstanceError
from limelight.modalities._words import WordParts, find_batch_size, spread_removals
from limelight.modalities.texts._fields import Field, Fields
from limelight.modalities.texts._kept import Kept, Stretch
from limelight.results.explanation import Notice
from limelight.results.views import MixedView, Passage, Span, TableView, TextView
from limelight.stages.components import Parts

__all__ = ["FieldParts"]

Split = Callable[[str, Sequence[Stretch]], WordParts | None]
"""From a text, and stretches of it that are kept, to its other words; None where there are none."""

_MOST_NAMED = 5
_OF_ONE_TEXT = "one_component"  # a notice about a text that has one word, whatever the other texts have


class FieldParts(Parts):
    """The words of an instance's fields, one field's after the other's.

    Parameters
    ----------
    fields : Fields
        The instance.
    kept : Kept
        What is never removed.
    split : callable
        Finds the words of one text.
    unit : str, default "word"
        What a component is called in messages.

    Raises
    ------
    InstanceError
        If no words are left to explain.
    """

    view: MixedView

    def __init__(self, fields: Fields, kept: Kept, split: Split, unit: str = "word") -> None:
        self.fields = fields
        self.parts = [
            None if stretches is None else split(field.text, stretches)
            for field, stretches in zip(fields.fields, kept.find(fields), strict=True)
        ]
        self._bounds = [0, *accumulate(0 if parts is None else len(parts.names) for parts in self.parts)]
        d = self._bounds[-1]
        if not d:
            raise InstanceError(_say_nothing_is_left(fields, kept, unit))
        pairs = list(zip(fields.fields, self.parts, strict=True))
        self.names = tuple(f"{field.name}: {word}" for field, parts in pairs if parts is not None for word in parts.names)
        passages = [Passage("the template", TextView(fields.template, ()))] if fields.template else []
        passages += [
            _show(field, parts, first) for (field, parts), first in zip(pairs, self._bounds[:-1], strict=True) if field.text
        ]
        self.view = MixedView(TableView(()), tuple(passages))
        contents = [f"{parts.content:x}" if parts is not None else field.text for field, parts in pairs]
        names = [field.name for field in fields.fields]
        self.content = fingerprint(*fields.fixed_contents(), *names, *contents, np.array(self._bounds))
        self.batch_size = find_batch_size(len(fields.template) + sum(len(field.text) for field in fields.fields))
        self.form = ("fields", fields.kind)
        self.law = spread_removals(d)
        self.notes = (*_note_size(d, unit), *_gather_notes(pairs), *_note_others(fields))
        self.realise(np.ones((1, d), dtype=np.uint8))  # an instance that cannot be put together again is refused here

    def realise(self, masks: np.ndarray) -> list[Any]:
        """The instance without its absent words, for each of the masks of shape (m, d)."""
        columns: list[Sequence[str]] = []
        for field, parts, (start, stop) in zip(self.fields.fields, self.parts, pairwise(self._bounds), strict=True):
            columns.append([field.text] * len(masks) if parts is None else parts.realise(masks[:, start:stop]))
        return [self.fields.compose(texts) for texts in zip(*columns, strict=True)]


def _show(field: Field, parts: WordParts | None, first: int) -> Passage:
    if parts is None:
        return Passage(field.name, TextView(field.text, ()))
    spans = tuple(Span(span.start, span.stop, first + span.component) for span in parts.view.spans)
    return Passage(field.name, TextView(field.text, spans, parts.view.unit))


def _say_nothing_is_left(fields: Fields, kept: Kept, unit: str) -> str:
    names = list_names(field.name for field in fields.fields)
    if not kept.entries:
        return f"the fields {names} have no {unit}s to explain; unit leaves nothing of them."
    return f"keep leaves no {unit}s to explain of the fields {names}."


def _note_size(d: int, unit: str) -> tuple[Notice, ...]:
    text = f"The fields have one {unit} to explain: its weight is the difference that it makes."
    return (Notice(_OF_ONE_TEXT, text, "information"),) if d == 1 else ()


def _gather_notes(pairs: Sequence[tuple[Field, WordParts | None]]) -> list[Notice]:
    """What is to be said about the fields' texts, each thing once: of the first field, with the names of the others."""
    by_code: dict[str, list[tuple[str, Notice]]] = {}
    for field, parts in pairs:
        for notice in () if parts is None else parts.notes:
            if notice.code != _OF_ONE_TEXT:
                by_code.setdefault(notice.code, []).append((field.name, notice))
    notices = []
    for (name, first), *others in by_code.values():
        more = f" The same holds in {list_names(name for name, _ in others)}." if others else ""
        notices.append(replace(first, message=f"In {name!r}: {first.message}{more}"))
    return notices


def _note_others(fields: Fields) -> tuple[Notice, ...]:
    """That only texts are explained; a caution where there may be more texts, other than in a chat's images and calls."""
    if not fields.others:
        return ()
    named = [f"{name!r} ({type(value).__name__})" for name, value in list(fields.others.items())[:_MOST_NAMED]]
    more = f" and {len(fields.others) - _MOST_NAMED} more" if len(fields.others) > _MOST_NAMED else ""
    text = f"Only texts are explained; other values stay as they are in every perturbation: {', '.join(named)}{more}."
    may_hold_texts = fields.kind != "chat" and any(isinstance(value, (list, tuple, dict)) for value in fields.others.values())
    return (Notice("other_values_stay", text, "caution" if may_hold_texts else "information"),)
