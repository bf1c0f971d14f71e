"""Work that takes too long: an alarm stops it where Python code runs; `faulthandler` ends the process elsewhere."""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Callable
from typing import TypeVar

from limelight.exceptions import ModelError

__all__ = ["run_in_time", "run_in_time_or_exit"]

_GRACE_SECONDS = 2.0  # for compiled code to come back to Python after an alarm
_STDERR = 2  # the file descriptor

T = TypeVar("T")


class _TimeUp(BaseException):
    """The alarm. It is no `Exception`, so that a model cannot take it for an error of its own."""


def run_in_time(seconds: float, work: Callable[[], T]) -> T:
    """Do some work and return its result, in a process's main thread, on a system that has alarms.

    Raises
    ------
    ModelError
        If it is stopped because it takes longer. Compiled code that never comes back to Python is not stopped.
    """
    is_done = False
    users_alarm = (0.0, 0.0)

    def stop(*_: object) -> None:
        if not is_done:  # the alarm may ring just after the work is done
            raise _TimeUp

    users_handler = signal.signal(signal.SIGALRM, stop)
    try:
        try:
            users_alarm = signal.setitimer(signal.ITIMER_REAL, seconds)
            return work()
        finally:
            is_done = True
    except _TimeUp:
        raise ModelError(f"the explanation took longer than timeout={seconds:g} seconds.") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, users_handler)
        signal.setitimer(signal.ITIMER_REAL, *users_alarm)  # it may ring late, but it rings


def run_in_time_or_exit(seconds: float, work: Callable[[], T]) -> T:
    """As `run_in_time`, in a worker process, which writes its traceback to stderr and ends where the alarm has no effect.

    Raises
    ------
    ModelError
        If the work is stopped because it takes longer.
    """
    faulthandler.dump_traceback_later(2 * seconds + _GRACE_SECONDS, exit=True, file=_STDERR)
    try:
        return run_in_time(seconds, work)
    finally:
        faulthandler.cancel_dump_traceback_later()
