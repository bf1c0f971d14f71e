"""The row to explain, as it was read, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._feature_rules import SparseFeatures
from limelight.modalities.tables._features import Feature, Word
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._missing_values import kind_of
from limelight.results.explanation import Notice
from limelight.results.views import Cell

__all__ = ["InstanceRow", "read_row"]

# What a flag reads as.
_SET = ("True", "1")
_UNSET = ("False", "0")


class InstanceRow(NamedTuple):
    """A row to explain: its columns, then the words of its free texts.

    Attributes
    ----------
    encoding : Encoding
        How a model gets this row, and others with its categories.
    numbers : ndarray of shape (d,)
        Its values as numbers, as the columns' types hold them.
    given : ndarray of shape (d,)
        The same before their types rounded them; of a missing value, the kind that the row has.
    values : list of float
        The same.
    features : list of Feature
    fields : sequence of Field
        What each value belongs to, and how it is written.
    """

    encoding: Encoding
    numbers: np.ndarray
    given: np.ndarray
    values: list[float]
    features: list[Feature]
    fields: Sequence[Field]

    @property
    def has_numbers(self) -> bool:
        """Whether some of its columns are numeric."""
        return any(feature.is_numeric for feature in self.features)

    def component_names(self) -> list[str]:
        """What each value would be called as a component."""
        return [
            feature.component_name(field, value)
            for feature, field, value in zip(self.features, self.fields, self.values, strict=True)
        ]

    def read_flags(self, numbers: Sequence[int]) -> list[bool] | None:
        """Which of some columns are set, if all of them say yes or no; else None."""
        are_flags = all(self.features[number].is_flag(self.fields[number]) for number in numbers)
        texts = [self.fields[number].format(self.values[number]) for number in numbers] if are_flags else [""]
        return [text in _SET for text in texts] if {*texts} <= {*_SET, *_UNSET} else None

    def name_with_value(self, number: int) -> str:
        """What the feature with this number is called, with its value."""
        return self.features[number].name_with_value(self.fields[number], self.values[number])

    def cells(self, component_of: Mapping[int, int]) -> tuple[Cell, ...]:
        """The row's columns as a renderer sees them, except for those that are in no component."""
        # Words, which come after the columns, are in no component of the table's.
        numbers = range(len(self.values))
        return tuple(
            [
                Cell(feature.name, feature.format_value(field, value), component_of[number])
                for number, feature, field, value in zip(numbers, self.features, self.fields, self.values, strict=True)
                if number in component_of
            ]
        )

    def rounding_notes(self) -> tuple[Notice, ...]:
        """A note for each value that its column's type rounds into another bin or to another whole number."""
        return tuple(
            Notice("rounded_value", f"{feature.name} is {given!r}, which its type rounds to {held!r}; that is explained.")
            for feature, given, held in zip(self.features, self.given.tolist(), self.values, strict=True)
            if given != held and feature.tells_apart(given, held)
        )

    def missing_notes(self) -> tuple[Notice, ...]:
        """A note for each missing value that the training data lack, and that counts as the one which they have."""
        return tuple(
            Notice(
                "other_missing_value",
                f"{feature.name} is missing in another way than in the training data, such as None in place of NaN. It counts "
                "as missing like theirs, and the model gets it like that.",
                "information",
            )
            for feature, field, given in zip(self.features, self.fields, self.given.tolist(), strict=True)
            if given != given and _is_other_kind(field, given)
        )

    def slope_notes(self) -> tuple[Notice, ...]:
        """What a reader should know of weights that are slopes, each once."""
        notes = [
            feature.slope_note(value) for feature, value in zip(self.features, self.values, strict=True) if feature.is_slope
        ]
        return tuple(dict.fromkeys(notes))


def read_row(instance: Any, encoding: Encoding, features: Sequence[Feature] | SparseFeatures) -> InstanceRow:
    """Read a row to explain of a table with this encoding and these features.

    Raises
    ------
    InstanceError, ArgumentTypeError
        If the row has other columns than the training data, or values of another kind.
    """
    given, own_encoding = encoding.read(instance)
    numbers = own_encoding.hold(given[None].copy())[0]
    for number in np.flatnonzero(np.isnan(given)).tolist():
        if _is_other_kind(own_encoding.fields[number], given[number]):
            numbers[number] = np.nan
    of_columns = [features[number] for number in own_encoding.column_numbers]
    of_words = map(Word.named, own_encoding.words)
    return InstanceRow(own_encoding, numbers, given, numbers.tolist(), [*of_columns, *of_words], own_encoding.fields)


def _is_other_kind(field: Field, number: float) -> bool:
    """Whether a number stands for a missing value that the column can hold, but no training row has."""
    return kind_of(number) >= max(1, len(field.missing))
