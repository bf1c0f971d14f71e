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
from limelight.modalities._words import WordParts
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

    Raises
    ------
    InstanceError
        If no words are left to explain.
    """

    view: MixedView

    def __init__(self, fields: Fields, kept: Kept, split: Split) -> None:
        self.fields = fields
        self.parts = [
            None if stretches is None else split(field.text, stretches)
            for field, stretches in zip(fields.fields, kept.find(fields), strict=True)
        ]
        self._bounds = [0, *accumulate(0 if parts is None else len(parts.names) for parts in self.parts)]
        d = self._bounds[-1]
        if not d:
            raise InstanceError(_say_nothing_is_left(fields, kept))
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
        sizes = [parts.batch_size for parts in self.parts if parts is not None and parts.batch_size is not None]
        self.batch_size = min(sizes, default=None)
        self.form = ("fields", fields.kind)
        # As of one text: lime removes 1 to d words, and of a single word both states are needed.
        self.law = np.array([0.5, 0.5]) if d == 1 else np.concatenate([[0.0], np.full(d, 1.0 / d)])
        self.notes = (*_note_size(d), *_gather_notes(pairs), *_note_others(fields))
        self.realise(np.ones((1, d), dtype=np.uint8))  # an instance that cannot be put together again is refused here

    def realise(self, masks: np.ndarray) -> list[Any]:
        """The instance without its absent words, for each of the masks of shape (m, d)."""
        columns: list[Sequence[str]] = []
        for field, parts, (start, stop) in zip(self.fields.fields, self.parts, pairwise(self._bounds), strict=True):
            columns.append([field.text] * len(masks) if parts is None else parts.realise(masks[:, start:stop]))
        return [self.fields.compose(texts) for texts in zip(*columns, strict=True)]


def _show(field: Field, parts: WordParts | None, first: int) -> Passage:
    spans = () if parts is None else parts.view.spans
    return Passage(
        field.name, TextView(field.text, tuple(Span(span.start, span.stop, first + span.component) for span in spans))
    )


def _say_nothing_is_left(fields: Fields, kept: Kept) -> str:
    names = list_names(field.name for field in fields.fields)
    if not kept.entries:
        return f"the fields {names} have no words to explain; unit leaves nothing of them."
    return f"keep leaves no words to explain of the fields {names}."


def _note_size(d: int) -> tuple[Notice, ...]:
    text = "The fields have one word to explain: its weight is the difference that it makes."
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
