"""What a table's columns, and the values in them, are called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np

from limelight.exceptions import InstanceError
from limelight.modalities.tables._added_values import Column, WithMissing
from limelight.modalities.tables._bin_names import BinNames
from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._columns import LARGEST_VALUE, Categorical, PresentColumn, Unbinned
from limelight.modalities.tables._fields import ChoiceField, Field, NumberField
from limelight.results.explanation import Notice

__all__ = ["Feature", "Word", "present_part"]


@dataclass(frozen=True)
class Feature:
    """A column: how its values are drawn, and what they are called.

    Attributes
    ----------
    name : str
    column : Column
    categories : tuple of str
        The names of categories by their codes; empty if they have none.
    bins : BinNames
        The names of its bins; empty without bins.
    """

    name: str
    column: Column
    categories: tuple[str, ...]
    bins: BinNames

    @cached_property
    def is_slope(self) -> bool:
        """Whether its weight is a slope, since it has no bins."""
        return isinstance(present_part(self.column), Unbinned)

    @cached_property
    def is_numeric(self) -> bool:
        """Whether its values are numbers, some of which are nearer to each other than others."""
        return isinstance(present_part(self.column), (Binned, Unbinned))

    @cached_property
    def _binned(self) -> Binned | None:
        """The column without its missing values, if it has bins."""
        present = present_part(self.column)
        return present if isinstance(present, Binned) else None

    def is_flag(self, field: Field) -> bool:
        """Whether the column says of each row yes or no: True or False, or 1 or 0."""
        if isinstance(field, ChoiceField):
            return all(isinstance(value, bool) for value in field.values)
        present = present_part(self.column)
        if isinstance(present, Binned):
            is_filled = present.shares > 0
            ends = np.stack([present.lows[is_filled], present.highs[is_filled]])
            return bool(np.isin(ends, (0, 1)).all() and (self.column.is_discrete or np.all(ends[0] == ends[1])))
        return isinstance(present, Categorical) and not self.categories and bool(np.isin(present.values, (0, 1)).all())

    def check_value(self, value: float) -> None:
        """Refuse a value that the column cannot have, even for this row alone.

        Raises
        ------
        InstanceError
            If the value is a fraction in a column of whole numbers, or too large to be squared.
        """
        if self.is_slope and abs(value) > LARGEST_VALUE:
            raise InstanceError(
                f"column {self.name!r} has no bins, and can be up to {LARGEST_VALUE:g} in absolute value; got {value!r}."
            )
        if value % 1 and not isnan(value) and getattr(present_part(self.column), "is_whole", False):
            raise InstanceError(
                f"column {self.name!r} holds whole numbers; got {value!r}. Where it may hold fractions, give training_data of "
                "floats, and no kind 'integer'."
            )

    def tells_apart(self, value: float, other: float) -> bool:
        """Whether two values that are nearly equal are in different bins, or one of them is another whole number."""
        if isnan(value) or isnan(other):
            return False
        return value.is_integer() if self._binned is None else self._binned.code_of(value) != self._binned.code_of(other)

    def format_value(self, field: Field, value: float) -> str:
        """A value as a person would write it."""
        if self.categories and value.is_integer() and 0 <= value < len(self.categories):
            return self.categories[int(value)]
        text = field.format(value)
        # A number has so many digits that it lies in its own bin, or is its own category.
        if not isinstance(field, NumberField) or isnan(value) or self._is_like(field, value, text):
            return text
        return field.format_exactly(value)

    def _is_like(self, field: NumberField, value: float, text: str) -> bool:
        """Whether a number written as text counts as the value itself."""
        written = field.parse(text)
        if written == value or self.is_slope:
            return True
        return self._binned is not None and self._binned.code_of(written) == self._binned.code_of(value)

    def name_with_value(self, field: Field, value: float) -> str:
        """The column and its value."""
        return f"{self.name}{' is ' if isnan(value) else '='}{self.format_value(field, value)}"

    def component_name(self, field: Field, value: float) -> str:
        """What the component of a row with this value is called: its value, its bin, or the column if it has no bins."""
        binned = self._binned
        if binned is not None and not isnan(value):
            name = self.bins.name_of(binned.code_of(value), value)
            if name is not None:
                return name
        return self.name if self.is_slope else self.name_with_value(field, value)

    def slope_note(self, value: float) -> Notice:
        """What the reader of a slope should know."""
        if isnan(value):
            text = f"{self.name} is missing and counts as the mean; its weight is the column's slope."
            return Notice("missing_as_mean", text, "information")
        text = "Weights of columns without bins are slopes, for one standard deviation upwards from here."
        return Notice("slopes", text, "information")


class Word(Feature):
    """A word of a free text, which stays or goes with probability 1/2: a component that only its row has."""

    @classmethod
    def named(cls, name: str) -> Word:
        """The word with this name."""
        return cls(name, Categorical(np.array([0.0, 1.0]), np.array([0.5, 0.5])), (), BinNames())

    def component_name(self, field: Field, value: float) -> str:  # noqa: ARG002 - the row has the word
        return self.name


def present_part(column: Column) -> PresentColumn:
    """The law of a column's values where none is missing."""
    return column.present if isinstance(column, WithMissing) else column
