"""Work that takes too long: an alarm stops it where Python code runs; `faulthandler` ends the process elsewhere.

An alarm raises an exception wherever the main thread is. It must not do so where others would find what is half done: while a
module is imported, or a context is entered or left. There it is put off.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TypeVar

from limelight.exceptions import time_is_up

__all__ = ["LONGEST_SECONDS", "begin_shared_work", "end_shared_work", "run_in_time", "stop_if_time_is_up"]

LONGEST_SECONDS = 1e9
"""Thirty years; the clocks of some systems know no longer times."""

_GRACE_SECONDS = 2.0  # for compiled code to come back to Python after an alarm
_IMPORT_SECONDS = 120.0  # for modules to be imported when time is up
_DELAY_SECONDS = 0.01  # until an alarm that was put off rings again
_REPEAT_SECONDS = 1.0  # until an alarm rings again that the model may have caught
_MOST_DELAYS = 100  # on entering or leaving a context, which may hang itself
_MOST_RESTARTS = 8
_CONTEXT_METHODS = ("__enter__", "__exit__", "__aenter__", "__aexit__", "__del__")
_MODULES_WITH_CONTEXTS = ("limelight._blas", "threadpoolctl")  # whose contexts begin before they are entered

T = TypeVar("T")


class _TimeUp(BaseException):
    """The alarm. It is no `Exception`, so that a model cannot take it for an error of its own."""


class _Clock:
    """The time of one piece of work.

    It begins anew when time is up and modules have been imported since it began: to import them is nobody's time.

    Parameters
    ----------
    seconds : float
        The work's time.
    guard_file : int or None
        The descriptor of the file to which `faulthandler` writes before it ends the process, if it may.
    is_first : bool
        Whether the work has its time twice.
    """

    def __init__(self, seconds: float, guard_file: int | None, *, is_first: bool) -> None:
        self._seconds = seconds
        self._guard_file = guard_file
        self._num_modules = 0 if is_first else len(sys.modules)
        self._num_restarts = self._num_delays = 0
        self._is_guard_prolonged = self._is_done = self.is_up = False
        self._seconds_left = seconds  # of the work's own time, while it does something for all

    def begin(self, seconds: float) -> None:
        """Let the time be up in some seconds; the process ends after twice as many."""
        seconds = min(seconds, LONGEST_SECONDS)
        self._is_guard_prolonged = False
        self._guard(2 * seconds + _GRACE_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)

    def begin_shared_work(self, factor: float) -> None:
        self._seconds_left = max(_DELAY_SECONDS, signal.getitimer(signal.ITIMER_REAL)[0])
        self.begin(factor * self._seconds)

    def end_shared_work(self) -> None:
        if not self.is_up:
            self.begin(self._seconds_left)

    def end(self) -> None:
        self._is_done = True

    def ring(self, _signal: int, frame: FrameType | None) -> None:
        """Stop the work, unless it is just done, or has to finish something or begin anew first."""
        if self._is_done:  # the alarm may ring just after the work is done
            return
        if _is_importing(frame):
            if not self._is_guard_prolonged and not self.is_up:
                self._is_guard_prolonged = True
                self._guard(2 * self._seconds + _IMPORT_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, _DELAY_SECONDS, _REPEAT_SECONDS)
        elif self._num_delays < _MOST_DELAYS and _is_in_context_method(frame):
            self._num_delays += 1
            signal.setitimer(signal.ITIMER_REAL, _DELAY_SECONDS, _REPEAT_SECONDS)
        elif not self.is_up and self._num_restarts < _MOST_RESTARTS and len(sys.modules) > self._num_modules:
            self._num_restarts += 1
            self._num_modules = len(sys.modules)
            self._seconds_left = self._seconds
            self.begin(self._seconds)
        else:
            self.is_up = True
            raise _TimeUp

    def _guard(self, seconds: float) -> None:
        if self._guard_file is not None:
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._guard_file)


_clock: _Clock | None = None  # of the work that this process's main thread does in time


def run_in_time(seconds: float, work: Callable[[], T], guard_file: int | None = None, *, is_first: bool = False) -> T:
    """Do some work and return its result, in a process's main thread, on a system that has alarms.

    Work that the alarm has reached is over, even if it goes on and has a result: the model may have caught the alarm, and
    answered something else.

    Parameters
    ----------
    seconds : float
        The work's time. Where modules are imported, it begins anew.
    work : callable
        The work.
    guard_file : int, optional
        The descriptor of a file. With it, a process whose work does not come back to Python at the alarm, or does not end,
        is ended after twice the time; its traceback is then in the file. Without it, such work goes on.
    is_first : bool, default False
        Whether the work has its time twice, because it includes what is done once.

    Raises
    ------
    ModelError
        If it is stopped because it takes longer.
    """
    global _clock
    users_alarm = signal.getitimer(signal.ITIMER_REAL)
    clock = _clock = _Clock(seconds, guard_file, is_first=is_first)
    users_handler = signal.signal(signal.SIGALRM, clock.ring)
    try:
        try:
            clock.begin(seconds)
            result = work()
        finally:
            clock.end()
    except KeyboardInterrupt:
        raise
    except BaseException:
        if not clock.is_up:
            raise
    finally:
        _clock = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        if guard_file is not None:
            faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, users_handler)
        signal.setitimer(signal.ITIMER_REAL, *users_alarm)  # it may ring late, but it rings
    if clock.is_up:
        raise time_is_up(seconds)
    return result


def begin_shared_work(factor: float) -> None:
    """Stop the clock of the work that is done in time, if there is any: it does something for others as well.

    Parameters
    ----------
    factor : float
        How many times the work's time that may take.
    """
    if _clock is not None:
        _clock.begin_shared_work(factor)


def end_shared_work() -> None:
    """Let the clock go on."""
    if _clock is not None:
        _clock.end_shared_work()


def stop_if_time_is_up() -> None:
    """End the work that is done in time, if there is any and the model has caught its alarm."""
    if _clock is not None and _clock.is_up:
        raise _TimeUp


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame of the work and those that led to it. The program itself may run while a module is imported."""
    while frame is not None and frame.f_code is not run_in_time.__code__:
        yield frame
        frame = frame.f_back


def _is_importing(frame: FrameType | None) -> bool:
    return any(frame.f_code.co_filename.startswith("<frozen importlib") for frame in _frames(frame))


def _is_in_context_method(frame: FrameType | None) -> bool:
    return any(
        frame.f_code.co_name in _CONTEXT_METHODS or frame.f_globals.get("__name__") in _MODULES_WITH_CONTEXTS
        for frame in _frames(frame)
    )
