"""What models raise: errors of every kind, some of which make trouble to whoever handles them."""

import asyncio
import os
import sys

import numpy as np

from helpers.batches import OUTSIDE, plain
from limelight.exceptions import LimelightError, PredictionError


class Unprintable(Exception):
    """One that cannot be written as a text."""

    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Unsendable(Exception):
    """One that cannot be pickled."""

    def __init__(self):
        super().__init__("holds a lock")
        self.generator = (i for i in ())

    def __reduce__(self):
        raise TypeError("cannot be pickled")


class NeedsTwo(Exception):
    """One whose constructor takes more than its message: it can be pickled, and never be read again."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")


class OwnError(LimelightError):
    """A user's own among limelight's, which can neither be written as a text nor read again in another process."""

    def __init__(self, code, reason):
        super().__init__(code)
        self.reason = reason

    def __str__(self):
        raise RuntimeError("no text")


class OwnPredictionError(PredictionError):
    """Another one, that can be read."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")


class Panic(BaseException):
    """As Rust's panics are."""


def panic():
    """A real panic of polars."""
    import polars

    polars.Series([object(), object()]).arg_sort()
    raise AssertionError("this version of polars does not panic")


def with_notes():
    error = ValueError("has odd notes")
    error.__notes__ = 5
    raise error


def _raise(error):
    raise error


def grouped():
    raise ExceptionGroup("several", [ValueError("first"), ExceptionGroup("inner", [KeyError("second")])])


RAISED = {
    "panic": panic,
    "base exception": lambda: _raise(Panic("as a panic")),
    "exit": lambda: sys.exit("left"),
    "cancelled": lambda: _raise(asyncio.CancelledError()),
    "group": grouped,
    "base group": lambda: _raise(BaseExceptionGroup("several", [Panic("first"), ValueError("second")])),
    "unprintable": lambda: _raise(Unprintable()),
    "unsendable": lambda: _raise(Unsendable()),
    "two arguments": lambda: _raise(NeedsTwo(1, "reason")),
    "odd notes": with_notes,
    "huge": lambda: _raise(ValueError("x" * 10_000_000)),
    "no text": lambda: _raise(ValueError("\ud800 \udfff \0 \x1b[31m \u202e \r\n")),
    "stop": lambda: _raise(StopIteration(3)),
    "class": lambda: _raise(type("\x1b[31m" + "A" * 10_000, (Exception,), {})("named oddly")),
    "limelight's own": lambda: _raise(OwnError(1, "reason")),
    "own prediction error": lambda: _raise(OwnPredictionError(1, "reason")),
    "memory": lambda: _raise(MemoryError()),
    "recursion": lambda: _raise(RecursionError("too deep")),
    "unicode": lambda: b"\xff".decode(),
    "os": lambda: os.stat("/nonexistent/\x1b[31m"),
}


class RaisesFor:
    """A model that raises for some of the rows outside the training data."""

    def __init__(self, name, bad):
        self.name, self.bad = name, bad

    def __call__(self, rows):
        if np.isin(rows[:, 0], OUTSIDE[self.bad, 0]).any():
            RAISED[self.name]()
        return plain(rows)


class RaisesEach:
    """A model that raises another error for each of some rows, which it knows by their first column."""

    def __init__(self, names):
        self.names = names

    def __call__(self, rows):
        for value in rows[:, 0].tolist():
            if value in self.names:
                RAISED[self.names[value]]()
        return plain(rows)
