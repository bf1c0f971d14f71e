"""Checks of what users pass: each returns the value in one plain form, or says what came and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError, LimelightError, unknown_name

__all__ = [
    "as_array",
    "check_choice",
    "check_count",
    "check_flag",
    "check_names",
    "check_number",
    "check_numbers",
    "users_own",
]


def check_count(parameter: str, value: object, minimum: int) -> int:
    """An integer of at least `minimum`.

    Examples
    --------
    >>> from limelight._checks import check_count
    >>> check_count("num_features", 3, 1)
    3
    >>> check_count("num_features", 0, 1)
    Traceback (most recent call last):
        ...
    limelight.exceptions.ArgumentError: num_features must be an integer of at least 1; got 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentTypeError(f"{parameter} must be an integer of at least {minimum}; got {value!r}.")
    if value < minimum:
        raise ArgumentError(f"{parameter} must be an integer of at least {minimum}; got {value}.")
    return int(value)


def check_number(parameter: str, value: object, minimum: float, *, inclusive: bool = True) -> float:
    """A finite number of at least `minimum`, or above it where it is not `inclusive`."""
    wanted = f"{parameter} must be a finite number {'of at least' if inclusive else 'above'} {minimum:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"{wanted}; got {value!r}.")
    if not math.isfinite(value) or value < minimum or (value == minimum and not inclusive):
        raise ArgumentError(f"{wanted}; got {value}.")
    return float(value)


def check_choice(parameter: str, value: object, allowed: Iterable[str]) -> str:
    """One of the allowed names."""
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise unknown_name(parameter, value, allowed)
    return value


def check_flag(parameter: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError(f"{parameter} must be True or False; got {value!r}.")
    return bool(value)


def check_names(parameter: str, value: Iterable[object], length: int | None = None) -> tuple[str, ...]:
    """A sequence of names as Python strings, of a given length where one is asked for."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray, Iterable)):
        raise ArgumentTypeError(f"{parameter} must be a sequence of names; got {value!r}.")
    names = tuple(str(name) for name in value)
    if length is not None and len(names) != length:
        raise ArgumentError(f"{parameter} must have {length} names; got {len(names)}.")
    return names


def check_numbers(parameter: str, value: Any, dimensions: int | None) -> np.ndarray:
    """An array of doubles with so many dimensions, or with any; lists are fine, and what is masked is NaN."""
    try:
        if isinstance(value, np.ma.MaskedArray):
            value = np.ma.filled(value.astype(np.float64), np.nan)
        if getattr(getattr(value, "dtype", None), "kind", "f") in ("c", "m", "M"):
            raise TypeError(f"got {value.dtype}")
        array = np.asarray(value, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{parameter} must hold numbers only: {error}.") from error
    if dimensions is not None and array.ndim != dimensions:
        raise ArgumentError(f"{parameter} must have {dimensions} dimension{'s' * (dimensions > 1)}; got shape {array.shape}.")
    return array


@contextmanager
def users_own(parameter: str) -> Iterator[None]:
    """Around a call of a user's function: what it raises says which argument it is.

    Raises
    ------
    ArgumentError
        If the function raises.
    """
    try:
        yield
    except LimelightError:
        raise
    except Exception as error:
        raise ArgumentError(f"{parameter} raised {type(error).__name__}: {error}") from error


def as_array(value: Any) -> np.ndarray:
    """An array of what numpy can read, and of torch tensors from any device; bfloat16, which numpy has not, as float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)
