"""What a column of a frame holds, as numbers and back: times, durations and periods."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import Any

import numpy as np

from limelight.exceptions import InstanceError, read_message
from limelight.modalities.tables._fields import LARGEST_EXACT, Field
from limelight.modalities.tables._missing_values import MISSING
from limelight.modalities.tables._native_series import make_series

__all__ = ["DurationField", "PeriodField", "TimeField", "holds_exactly"]

_NANOSECONDS_OF = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}
_ROUND_NANOSECONDS = tuple(seconds * 10**9 for seconds in (86_400, 3600, 60, 1))  # day, hour, minute, second


def holds_exactly(counts: np.ndarray) -> np.ndarray:
    """Which of some int64 are the same numbers as doubles: all up to 2^53, and beyond it those with few digits other than 0.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.modalities.tables._time_fields import holds_exactly
    >>> holds_exactly(np.array([2**53 + 1, 2**53 + 2, 2**63 - 1])).tolist()
    [False, True, False]
    """
    doubles = counts.astype(np.float64)
    is_within = doubles < 2.0**63  # the largest int64 is rounded to a number that none of them is
    return np.asarray(is_within & (np.where(is_within, doubles, 0.0).astype(np.int64) == counts))


@dataclass(frozen=True)
class TimeField(Field):
    """A column of times and dates, counted since 1970.

    Attributes
    ----------
    dtype : object
        The library's type of the column.
    zone_name : str or None
        The library's name of their time zone.
    step : int
        What they are counted in, in microseconds.
    zone : tzinfo or None
        Their time zone.
    """

    dtype: Any
    zone_name: str | None
    step: int = 1
    zone: tzinfo | None = None
    is_whole: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        zone = getattr(value, "tzinfo", None)
        if (zone is None) is not (self.zone_name is None) and hasattr(value, "isoformat"):
            held = f"times with a zone ({self.zone_name})" if self.zone_name else "times without a zone"
            raise InstanceError(f"column {name!r} holds {held}; got {value!r:.60}.")
        try:
            if isinstance(value, np.datetime64):
                moment = value.astype("datetime64[us]")
                is_finer = bool(moment != value)
            else:
                is_finer = getattr(value, "nanosecond", 0) > 0
                value = (value if zone is None else value.astimezone(UTC).replace(tzinfo=None)).isoformat()
                moment = np.datetime64(value, "us")
        except (AttributeError, TypeError, ValueError) as error:
            raise InstanceError(f"column {name!r} holds times; got {value!r:.60} ({type(value).__name__}).") from error
        microseconds = int(moment.astype(np.int64))
        if is_finer or microseconds % self.step:
            held = "times to the microsecond" if is_finer else self.dtype
            raise InstanceError(f"column {name!r} holds {held}, which is too coarse for {value!r:.60}.")
        count = microseconds // self.step
        if not holds_exactly(np.array(count)):
            raise InstanceError(f"column {name!r} holds times that a double counts exactly; got {value!r:.60}: round it.")
        return self, float(count)

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        times = np.full(len(numbers), np.datetime64("NaT", "us"))
        is_present = ~np.isnan(numbers)
        times[is_present] = (numbers[is_present].astype(np.int64) * self.step).view("datetime64[us]")
        return make_series(name, times, implementation, self.dtype, zone_name=self.zone_name)

    def format(self, number: float) -> str:
        if math.isnan(number):
            return MISSING
        microseconds = math.floor(number) * self.step  # for an edge, the last time that is not after it
        if abs(microseconds) >= 2**63:  # an edge that the user gives, possibly in another unit
            return f"{number:.6g}"
        time = np.datetime64(microseconds, "us")
        if self.zone is not None:
            with suppress(AttributeError, OverflowError):  # Python knows no years before 1 and after 9999
                moment = time.item().replace(tzinfo=UTC).astimezone(self.zone)
                clock = str(moment.replace(tzinfo=None))
                return _drop_zeros(clock) + str(moment)[len(clock) :]
        text = _drop_zeros(str(time).replace("T", " "))
        return f"{text} UTC" if self.zone_name else text.removesuffix(" 00:00")

    @property
    def steps(self) -> tuple[int, ...]:
        return tuple(nanoseconds // (1000 * self.step) for nanoseconds in _ROUND_NANOSECONDS if nanoseconds > 1000 * self.step)


def _drop_zeros(text: str) -> str:
    """A time without seconds or parts of one that are zero."""
    text = re.sub(r"(\.\d*?)0+$", r"\1", text).removesuffix(".")
    return re.sub(r"(\d\d:\d\d):00$", r"\1", text)


@dataclass(frozen=True)
class DurationField(Field):
    """A column of durations.

    Attributes
    ----------
    dtype : object
        The library's type of the column.
    unit : {"s", "ms", "us", "ns"}
        What they are counted in.
    """

    dtype: Any
    unit: str
    is_whole: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        if not isinstance(value, (timedelta, np.timedelta64)):
            raise InstanceError(f"column {name!r} holds durations; got {value!r:.60} ({type(value).__name__}).")
        # pandas' own has finer parts than Python's, which it derives from, and Python's more days than NumPy's microseconds.
        if isinstance(value, timedelta) and not hasattr(value, "to_timedelta64"):
            seconds = value // timedelta(seconds=1)
            has_parts = value != timedelta(seconds=seconds)
            exact = np.timedelta64(value) if has_parts else np.timedelta64(seconds, "s")
        else:
            exact = value.to_timedelta64() if hasattr(value, "to_timedelta64") else np.timedelta64(value)
        try:
            held = exact.astype(f"timedelta64[{self.unit}]")
            is_exact = bool(held == exact)
        except (OverflowError, TypeError) as error:  # years and months have no length
            raise InstanceError(f"column {name!r} holds durations; got {value!r:.60}: {read_message(error)}.") from error
        count = int(held.astype(np.int64))
        if not is_exact:
            held_unit = "microseconds" if self.unit == "us" else self.dtype
            raise InstanceError(f"column {name!r} holds {held_unit}, which is too coarse for {value!r:.60}.")
        if abs(count) > LARGEST_EXACT:
            raise InstanceError(f"column {name!r} holds durations of at most 2**53 {self.unit}; got {value!r:.60}.")
        return self, float(count)

    def hold(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.clip(-LARGEST_EXACT, LARGEST_EXACT)

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:
        durations = np.full(len(numbers), "NaT", dtype=f"timedelta64[{self.unit}]")
        is_present = ~np.isnan(numbers)
        durations[is_present] = numbers[is_present].astype(np.int64).view(durations.dtype)
        return make_series(name, durations, implementation, self.dtype)

    @property
    def steps(self) -> tuple[int, ...]:
        unit = _NANOSECONDS_OF[self.unit]
        return tuple(nanoseconds // unit for nanoseconds in _ROUND_NANOSECONDS if nanoseconds > unit)

    def format(self, number: float) -> str:
        if math.isnan(number):
            return MISSING
        nanoseconds = math.floor(number) * _NANOSECONDS_OF[self.unit]  # for an edge, the last duration that is not above it
        seconds, parts = divmod(abs(nanoseconds), _NANOSECONDS_OF["s"])
        days, seconds = divmod(seconds, 86_400)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + f".{parts:09}".rstrip("0").rstrip(".")
        texts = [f"{days} day{'s' * (days != 1)}"] if days else []
        texts += [clock] if seconds or parts or not days else []
        return "-" * (nanoseconds < 0) + " ".join(texts)


@dataclass(frozen=True)
class PeriodField(Field):
    """A column of periods, such as months, which pandas alone has; counted since 1970.

    Attributes
    ----------
    dtype : object
        The library's type of the column.
    """

    dtype: Any
    is_whole: bool = True

    def read(self, name: str, value: Any) -> tuple[Field, float]:
        if type(value).__name__ != "Period" or value.freq != self.dtype.freq:
            raise InstanceError(f"column {name!r} holds {self.dtype}; got {value!r:.60} ({type(value).__name__}).")
        return self, float(value.ordinal)

    def hold(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.clip(-LARGEST_EXACT, LARGEST_EXACT)

    def write(self, name: str, numbers: np.ndarray, implementation: Any) -> Any:  # noqa: ARG002 - pandas, always
        import narwhals.stable.v2 as nw
        import pandas

        ordinals = np.full(len(numbers), np.iinfo(np.int64).min)  # stands for what is missing
        is_present = ~np.isnan(numbers)
        ordinals[is_present] = numbers[is_present].astype(np.int64)
        return nw.from_native(pandas.Series(pandas.arrays.PeriodArray(ordinals, self.dtype), name=name), series_only=True)

    def format(self, number: float) -> str:
        import pandas

        if math.isnan(number):
            return MISSING
        try:  # for an edge, the last period that is not after it
            return str(pandas.Period(ordinal=math.floor(number), freq=self.dtype.freq))
        except (OverflowError, ValueError):  # an edge that the user gives, possibly in another unit
            return f"{number:.6g}"
