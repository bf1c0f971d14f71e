"""What users want to keep of an instance's texts: fields, and stretches of them, whose words are never removed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index
from typing import NamedTuple

from limelight._checks import list_names
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities.texts._fields import Field, Fields

__all__ = ["Kept", "Stretch"]

Stretch = tuple[int, int]
"""Where a stretch of a text starts and stops, in code points."""

_FORMS = "a field's name or place, or (field, start, stop)"


class _Entry(NamedTuple):
    """A field, and what of it is kept: all of it where there is no stretch."""

    field: str | int
    stretch: Stretch | None


@dataclass(frozen=True)
class Kept:
    """What is never removed.

    Attributes
    ----------
    entries : tuple of _Entry
        What it is made of.
    """

    entries: tuple[_Entry, ...] = ()

    @classmethod
    def checked(cls, keep: object) -> Kept:
        """Read the argument `keep`.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If it is no sequence of fields and stretches.
        """
        if isinstance(keep, str):
            keep = [keep]
        if isinstance(keep, (bytes, dict)) or not isinstance(keep, Iterable):
            raise ArgumentTypeError(f"keep must be a list of what is never removed, each {_FORMS}; got {keep!r:.80}.")
        if isinstance(keep, tuple) and len(keep) == 3 and isinstance(keep[0], str) and all(map(_is_whole, keep[1:])):
            raise ArgumentError(f"keep must be a list; to keep one stretch, give [{keep!r:.80}].")
        return cls(tuple(map(_read_entry, keep)))

    def as_list(self) -> list[object]:
        """The entries as users write them."""
        return [field if stretch is None else (field, *stretch) for field, stretch in self.entries]

    def find(self, fields: Fields) -> list[list[Stretch] | None]:
        """For each field, its stretches that are kept; None where all of it is.

        Raises
        ------
        InstanceError
            If the instance has no such field, or its text is shorter than a stretch.
        """
        found: list[list[Stretch] | None] = [[] for _ in fields.fields]
        for name, stretch in self.entries:
            numbers = [number for number, field in enumerate(fields.fields) if name in field.calls]
            if not numbers and name not in fields.known:
                raise InstanceError(
                    f"keep has {name!r:.60}, and the instance has no such field; it has "
                    f"{list_names(field.name for field in fields.fields)}."
                )
            for number in numbers:
                stretches = found[number]
                if stretch is None or stretches is None:
                    found[number] = None
                else:
                    stretches.append(_check_stretch(stretch, fields.fields[number]))
        return found


def _read_entry(entry: object) -> _Entry:
    field, stretch = entry, None
    if isinstance(entry, (tuple, list)):
        if len(entry) != 3 or not all(map(_is_whole, entry[1:])):
            raise ArgumentTypeError(f"keep: each entry must be {_FORMS}; got {entry!r:.80}.")
        field, start, stop = entry
        if not 0 <= start < stop:
            raise ArgumentError(f"keep: a stretch must have 0 <= start < stop, counted in characters; got {entry!r:.80}.")
        stretch = (index(start), index(stop))
    if isinstance(field, str):
        return _Entry(str(field), stretch)
    if not _is_whole(field):
        raise ArgumentTypeError(f"keep: each entry must be {_FORMS}; got {entry!r:.80}.")
    return _Entry(index(field), stretch)  # type: ignore[arg-type]


def _is_whole(value: object) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _check_stretch(stretch: Stretch, field: Field) -> Stretch:
    if stretch[1] > len(field.text):
        raise InstanceError(
            f"keep has the stretch {stretch} of {field.name!r:.60}, whose text ends after {len(field.text)} characters."
        )
    return stretch
