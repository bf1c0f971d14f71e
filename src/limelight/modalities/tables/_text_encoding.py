"""Free text in a table's columns: a row's texts are perturbed word by word, its other columns as usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError, InstanceError
from limelight.modalities._word_spans import find_words
from limelight.modalities._words import WordParts
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._fields import ChoiceField, Field, NumberField
from limelight.modalities.tables._frame_columns import native_type
from limelight.modalities.tables._frame_encoding import FrameEncoding
from limelight.modalities.tables._native_series import is_object_type, make_series
from limelight.results.explanation import Notice
from limelight.results.views import Cell, MixedView, Passage, Span, TableView, TextView

__all__ = ["encode_texts"]


@dataclass(frozen=True)
class Texts(Field):
    """Texts of the library's type `dtype`, each as its place among `texts`, which hold a missing value where one is missing."""

    dtype: Any
    texts: Sequence[Any] = ()
    is_categorical: bool = True

    def read(self, name: str, value: Any) -> tuple[Texts, float]:
        if not isinstance(value, str):
            raise InstanceError(f"column {name!r} holds texts; got {value!r:.60} ({type(value).__name__}).")
        return replace(self, texts=(value,)), 0.0

    def read_missing(self, value: Any) -> tuple[Texts, float]:
        # Only columns of objects hold any missing value as it came.
        return replace(self, texts=(value if is_object_type(self.dtype) else None,)), 0.0

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        texts = [self.texts[place] for place in numbers.astype(np.intp).tolist()]
        return make_series(name, texts, implementation, self.dtype)

    def format(self, number: float) -> str:
        text = self.texts[int(number)]
        return text if isinstance(text, str) else ""


@dataclass(frozen=True)
class TextEncoding(Encoding):
    """Rows of a frame with free text: after the frame's columns, a column of 0 and 1 for each word in the row's texts.

    Attributes
    ----------
    frame : FrameEncoding
        The frame's columns; those with free text are always 0.
    text_columns : tuple of int
        The columns with free text.
    parts : tuple of (column number, WordParts)
        For each text with words, the words of the row to explain.
    """

    frame: FrameEncoding
    text_columns: tuple[int, ...]
    parts: tuple[tuple[int, WordParts], ...] = ()
    has_own_components = True

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.frame.names

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (*self.frame.fields, *(NumberField(is_whole=True) for _ in self.words))

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(f"{self.names[number]}: {word}" for number, parts in self.parts for word in parts.names)

    @property
    def notes(self) -> tuple[Notice, ...]:
        return tuple(note for _, parts in self.parts for note in parts.notes if note.code != "one_component")

    def find_columns(self, feature: object) -> list[int]:
        return self.frame.find_columns(feature)

    def check_drawing(self, *, groups: object, sampler: object, constraint: object) -> None:  # noqa: ARG002 - both are allowed
        if callable(sampler) or sampler == "training_rows":
            raise ArgumentError("columns of free text are perturbed word by word; leave out sampler, or the kind 'text'.")

    def read(self, instance: Any) -> tuple[np.ndarray, TextEncoding]:
        row, frame = self.frame.read(instance)
        parts = []
        for number in self.text_columns:
            text = frame.fields[number].format(0.0)
            advice = f"explain column {self.names[number]!r} alone, by a TextExplainer with signs=True"
            spans, notes = find_words(text, advice_on_signs=advice)
            if spans:
                words = WordParts(text, spans, bow=True, mask="")
                words.notes += notes
                parts.append((number, words))
        if not parts and len(self.text_columns) == len(self.names):
            raise InstanceError("a row to explain must have words in its texts, since it has no other columns.")
        encoding = replace(self, frame=frame, parts=tuple(parts))
        return np.concatenate([row, np.ones(len(encoding.words))]), encoding

    def hold(self, rows: np.ndarray) -> np.ndarray:
        self.frame.hold(rows[:, : len(self.names)])
        return rows

    def make_batch(self, rows: np.ndarray) -> Any:
        frame_rows = rows[:, : len(self.names)].copy()
        fields = list(self.frame.fields)
        first = len(self.names)
        for number, parts in self.parts:
            masks = rows[:, first : first + len(parts.names)].astype(np.uint8)
            fields[number] = Texts(fields[number].dtype, parts.realise(masks))  # type: ignore[attr-defined]
            frame_rows[:, number] = np.arange(len(rows))
            first += len(parts.names)
        return replace(self.frame, fields=tuple(fields)).make_batch(frame_rows)

    def make_view(self, cells: tuple[Cell, ...], num_components: int) -> MixedView:
        passages = []
        first = num_components
        for number, parts in self.parts:
            spans = (Span(span.start, span.stop, first + span.component) for span in parts.view.spans)
            passages.append(Passage(self.names[number], TextView(parts.view.text, tuple(spans))))
            first += len(parts.names)
        return MixedView(TableView(cells), tuple(passages))


def encode_texts(training: Any, encoding: Encoding, kinds: Any) -> tuple[Any, Encoding]:
    """Training data of shape (n, d) and their encoding, with the columns encoded as free text that `kinds` says are.

    Raises
    ------
    ArgumentError
        If such a column cannot hold any text.
    """
    items = kinds.items() if isinstance(kinds, Mapping) else ()
    columns = sorted(
        {number for feature, kind in items if kind == "text" for number in encoding.require_columns("kinds", feature)}
    )
    if not columns:
        return training, encoding
    if not isinstance(encoding, FrameEncoding):
        raise ArgumentError("kinds: only a frame can have columns of free text; give training_data as one.")
    fields = list(encoding.fields)
    for number in columns:
        fields[number] = _as_texts(encoding.names[number], fields[number])
    training = training.copy()
    training[:, columns] = 0.0
    return training, TextEncoding(replace(encoding, fields=tuple(fields)), tuple(columns))


def _as_texts(name: str, field: Field) -> Texts:
    """The field of a column of choices as one that can hold any text."""
    import narwhals.stable.v2 as nw

    problem = f"kinds: column {name!r} cannot be 'text'; it holds"
    if not isinstance(field, ChoiceField):
        raise ArgumentError(f"{problem} no texts.")
    for value in field.values:
        if not isinstance(value, str):
            raise ArgumentError(f"{problem} {value!r:.60} ({type(value).__name__}), which is no text.")
    dtype, native = native_type(field.pool), field.pool.to_native()
    # In pandas' categories and polars' Enum any other text would be missing; so it would be in a type for nothing at all.
    if isinstance(field.pool.dtype, (nw.Enum, nw.Unknown)) or (hasattr(native, "iloc") and hasattr(native, "cat")):
        raise ArgumentError(f"{problem} {dtype!s:.60}, a type that has no room for other texts. Cast it to one of strings.")
    return Texts(dtype)
