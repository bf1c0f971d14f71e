"""Explanations that take too long: an alarm stops those that come back to Python; `faulthandler` ends the process of others."""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Callable
from typing import TypeVar

from limelight._errors import ModelError

__all__ = ["in_time", "in_time_or_ended"]

_GRACE_SECONDS = 2.0  # for a model to heed an alarm
_STDERR = 2  # the file descriptor

T = TypeVar("T")


class _TimeUp(BaseException):
    """No `Exception`: a model shall not take it for one of its own."""


def in_time(seconds: float, work: Callable[[], T]) -> T:
    """What some work gives; in the main thread of a process, on systems that have alarms.

    Raises
    ------
    ModelError
        If it is stopped because it takes longer. Compiled code that never comes back to Python does not notice.
    """
    over, left = False, (0.0, 0.0)

    def stop(*_: object) -> None:
        if not over:  # else the work was done just in time
            raise _TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    try:
        try:
            left = signal.setitimer(signal.ITIMER_REAL, seconds)
            return work()
        finally:
            over = True
    except _TimeUp:
        raise ModelError(f"the explanation took longer than timeout={seconds:g} seconds.") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *left)  # an alarm of the user's may come late, but comes


def in_time_or_ended(seconds: float, work: Callable[[], T]) -> T:
    """The same in a process that others can do without: if it does not notice, it ends and says on stderr where it was.

    Raises
    ------
    ModelError
        If the work is stopped because it takes longer.
    """
    faulthandler.dump_traceback_later(2 * seconds + _GRACE_SECONDS, exit=True, file=_STDERR)
    try:
        return in_time(seconds, work)
    finally:
        faulthandler.cancel_dump_traceback_later()
