"""Missing values: null, NaN and pandas' own, and the numbers that stand for them, which are NaN but tell them apart."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = [
    "DECIMAL_NAN",
    "MISSING",
    "MOST_KINDS",
    "NAN",
    "Missing",
    "is_missing",
    "kind_of",
    "kinds_of",
    "missing_number",
    "name_missing",
]

MISSING = "missing"
"""What stands for a missing value in a text; for null, where a column also has NaN."""

NAN = "NaN"
"""What stands for NaN in a text, where a column may have null as well."""

DECIMAL_NAN = "Decimal NaN"
"""What stands for Python's decimal NaN."""

MOST_KINDS = 8
"""How many missing values a column can tell apart."""

# By their types; None and floats are not among them.
_NAMES = {
    "Decimal": DECIMAL_NAN,
    "MaskedConstant": "masked",
    "NAType": "NA",
    "NaTType": "NaT",
    "datetime64": "datetime64 NaT",
    "timedelta64": "timedelta64 NaT",
}

# The kind is in the highest bits of a NaN's payload, which rounding to shorter floats keeps. Usual NaNs have zeros there.
_NAN_BITS = 0x7FF8_0000_0000_0000
_KIND_SHIFT = 48


def is_missing(value: Any) -> bool:
    """Whether a value stands for no value: None, NaN, pandas' NA and NaT, numpy's masked."""
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or type(value).__name__ in ("MaskedConstant", "NAType", "NaTType")


def name_missing(value: Any) -> str:
    """What a missing value is called, where a column of objects has several; each kind has another name."""
    if isinstance(value, (float, np.floating)):
        return NAN
    return _NAMES.get(type(value).__name__, "None")


@dataclass(frozen=True)
class Missing:
    """A missing value, as a key: missing values themselves are not equal to each other, and some cannot be looked up.

    Attributes
    ----------
    name : str
        Its name, which says all.
    value : object
        The missing value.
    """

    name: str
    value: Any = field(compare=False)

    @classmethod
    def of(cls, value: Any) -> Missing:
        """The key of a missing value."""
        return cls(name_missing(value), value)


def missing_number(kind: int) -> float:
    """The number that stands for a column's missing value of this kind; kind 0 is the usual NaN.

    Examples
    --------
    >>> from limelight.modalities.tables._missing_values import kind_of, missing_number
    >>> missing_number(0), missing_number(1), kind_of(missing_number(1))
    (nan, nan, 1)
    """
    number: float = struct.unpack("<d", struct.pack("<Q", _NAN_BITS | kind << _KIND_SHIFT))[0]
    return number


def kind_of(number: float) -> int:
    """The kind of missing value that a number, which is NaN, stands for."""
    bits: int = struct.unpack("<Q", struct.pack("<d", number))[0]
    return bits >> _KIND_SHIFT & MOST_KINDS - 1


def kinds_of(numbers: np.ndarray) -> np.ndarray:
    """The kinds of missing values that numbers of shape (m,), all NaN, stand for: integers of shape (m,)."""
    bits = np.ascontiguousarray(numbers, dtype=np.float64).view(np.uint64)
    return (bits >> np.uint64(_KIND_SHIFT)).astype(np.intp) & MOST_KINDS - 1
