"""Free text in a table's columns: a row's texts are perturbed word by word, beside the other columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, InstanceError
from limelight.modalities._words import WordParts
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._fields import Choices, Field, Numbers, cast
from limelight.modalities.tables._frame_encoding import FrameEncoding
from limelight.results.views import Cell, MixedView, Passage, Span, TableView, TextView

__all__ = ["TextEncoding", "Texts", "with_texts"]

_MARK = "\N{COMBINING GRAVE ACCENT}"
_WORD = re.compile(rf"\w[\w{_MARK}]*")
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


@dataclass(frozen=True)
class Texts(Field):
    """Texts of the library's type `dtype`, each as its place among `texts`."""

    dtype: Any
    texts: Sequence[str | None] = ()
    categorical: bool = True

    def read(self, name: str, value: Any) -> tuple[Texts, float]:
        if not isinstance(value, str):
            raise InstanceError(f"column {name!r} holds texts; got {value!r:.60} ({type(value).__name__}).")
        return replace(self, texts=(value,)), 0.0

    def missing(self) -> tuple[Texts, float]:
        return replace(self, texts=(None,)), 0.0

    def series(self, name: str, values: np.ndarray, implementation: Any) -> Any:
        texts = [self.texts[place] for place in values.astype(np.intp).tolist()]
        return cast(name, texts, implementation, self.dtype, nan=True)

    def show(self, value: float) -> str:
        return self.texts[int(value)] or ""


@dataclass(frozen=True)
class TextEncoding(Encoding):
    """Rows of a frame with free text: after the frame's own columns, one that is 0 or 1 for each word of the row's texts.

    Attributes
    ----------
    frame : FrameEncoding
        The frame's own columns; those with free text are always 0.
    texts : tuple of int
        Which of them have free text.
    parts : tuple of (number, WordParts)
        The words of the row to explain, for each text that has any.
    """

    frame: FrameEncoding
    texts: tuple[int, ...]
    parts: tuple[tuple[int, WordParts], ...] = ()
    own_components = True

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.frame.names

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (*self.frame.fields, *(Numbers(whole=True) for _ in self.words))

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(f"{self.names[number]}: {word}" for number, parts in self.parts for word in parts.names)

    def columns_of(self, feature: object) -> list[int]:
        return self.frame.columns_of(feature)

    def check_drawing(self, *, groups: object, sampler: object, constraint: object) -> None:  # noqa: ARG002 - both can be
        if callable(sampler) or sampler == "training_rows":
            raise ArgumentError("columns of free text are perturbed word by word; leave out the sampler, or the kind 'text'.")

    def read(self, instance: Any) -> tuple[np.ndarray, TextEncoding]:
        row, frame = self.frame.read(instance)
        found = []
        for number in self.texts:
            text = frame.fields[number].show(0.0)
            stretches = _words_of(text)
            if stretches:
                found.append((number, WordParts(text, stretches, bow=True, mask_string="")))
        if not found and len(self.texts) == len(self.names):
            raise InstanceError("a row to explain must have words in its texts, where it has no other columns.")
        encoding = replace(self, frame=frame, parts=tuple(found))
        return np.concatenate([row, np.ones(len(encoding.words))]), encoding

    def batch(self, rows: np.ndarray) -> Any:
        own = rows[:, : len(self.names)].copy()
        fields = list(self.frame.fields)
        first = len(self.names)
        for number, parts in self.parts:
            masks = rows[:, first : first + len(parts.names)].astype(np.uint8)
            fields[number] = Texts(fields[number].dtype, parts.realise(masks))  # type: ignore[attr-defined]
            own[:, number] = np.arange(len(rows))
            first += len(parts.names)
        return replace(self.frame, fields=tuple(fields)).batch(own)

    def view(self, cells: tuple[Cell, ...], components: int) -> MixedView:
        views = []
        for number, parts in self.parts:
            spans = (Span(span.start, span.stop, components + span.component) for span in parts.view.spans)
            views.append(Passage(self.names[number], TextView(parts.view.text, tuple(spans))))
            components += len(parts.names)
        return MixedView(TableView(cells), tuple(views))


def with_texts(training: Any, encoding: Encoding, kinds: Any) -> tuple[Any, Encoding]:
    """The training data and their encoding, where the user says of some columns that they hold free text.

    Raises
    ------
    ArgumentError
        If they hold no texts.
    """
    said = kinds.items() if isinstance(kinds, Mapping) else ()
    columns = sorted({number for feature, kind in said if kind == "text" for number in encoding.wanted("kinds", feature)})
    if not columns:
        return training, encoding
    if not isinstance(encoding, FrameEncoding):
        raise ArgumentError("kinds: only a frame can have columns of free text; give training_data as one.")
    fields = list(encoding.fields)
    for number in columns:
        fields[number] = _texts_of(encoding.names[number], fields[number])
    training = training.copy()
    training[:, columns] = 0.0
    return training, TextEncoding(replace(encoding, fields=tuple(fields)), tuple(columns))


def _texts_of(name: str, field: Field) -> Texts:
    """The field of a column of texts whose rows may get others than the training data have."""
    import narwhals.stable.v2 as nw

    said = f"kinds: column {name!r} cannot be 'text'; it holds"
    if not isinstance(field, Choices):
        raise ArgumentError(f"{said} no texts.")
    strange = [value for value in field.values if not isinstance(value, str)]
    if strange:
        raise ArgumentError(f"{said} {strange[0]!r:.60} ({type(strange[0]).__name__}), which is no text.")
    own = field.pool.to_native()
    dtype = getattr(own, "dtype", getattr(own, "type", None))
    # pandas' categories and polars' Enum are fixed, and what is no category would be missing; of nothing some have a type, too.
    if isinstance(field.pool.dtype, (nw.Enum, nw.Unknown)) or (hasattr(own, "iloc") and hasattr(own, "cat")):
        raise ArgumentError(f"{said} {dtype!s:.60}, a type that has no room for other texts. Cast it to one of strings.")
    return Texts(dtype)


def _words_of(text: str) -> list[tuple[int, int]]:
    """Where a text's words stand, each with its accents and vowel signs, which regular expressions take for no part of it."""
    marked = (_MARK if letter in _JOINERS or unicodedata.category(letter)[0] == "M" else letter for letter in text)
    return [match.span() for match in _WORD.finditer("".join(marked))]
