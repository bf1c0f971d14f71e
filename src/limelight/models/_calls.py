"""Calls of a slow function, many at a time: at a stated rate, again where they fail, and never longer than they may take.

All calls of a model are managed by one event loop in a thread of its own, whichever threads ask. There, a coroutine runs as a
task, which can be cancelled. Other functions run in threads, which cannot: one that hangs is abandoned, and no program waits
for it, since it is a daemon.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from inspect import isawaitable
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from limelight.exceptions import BudgetError, LimelightError, ModelError, describe_error
from limelight.models._retries import LONGEST_WAIT_SECONDS, choose_wait, is_final, read_retry_after

__all__ = ["Call", "Caller", "Limits", "Outcome"]

# Some calls take longer to reach a service than others: one that counts by the second must not see one more than was sent.
_RATE_MARGIN = 1.02


class Call(NamedTuple):
    """A call to be made.

    Attributes
    ----------
    argument : object
        What the function gets.
    key : bytes
        What the waits after failures are spread by.
    """

    argument: Any
    key: bytes


class Outcome(NamedTuple):
    """What came of a call that succeeded: its number among the calls, and the function's answer."""

    number: int
    answer: Any


class Limits(NamedTuple):
    """How a function may be called; `limelight.RemoteModel` documents the attributes."""

    max_calls: int | None
    max_seconds: float | None
    concurrency: int
    calls_per_second: float | None
    retries: int
    timeout: float


class _Attempt(NamedTuple):
    """What came of one try."""

    answer: Any = None
    error: BaseException | None = None


class Caller:
    """Calls a function or a coroutine function.

    Parameters
    ----------
    function : callable
    is_coroutine : bool
        Whether it is to be called in the event loop, instead of a thread.
    limits : Limits

    Attributes
    ----------
    calls, failures, timeouts : int
        How many calls were begun, how many of them failed, and how many of these because they took too long.
    """

    def __init__(self, function: Callable[[Any], Any], *, is_coroutine: bool, limits: Limits) -> None:
        self.limits = limits
        self.calls = self.failures = self.timeouts = 0
        self._function = function
        self._is_coroutine = is_coroutine
        self._starting = threading.Lock()
        self._process = 0  # in which the loop runs: after a fork there is none
        # All that follows is used in the loop only.
        self._num_promised = 0  # calls that were let in and have not begun
        self._num_asking, self._seconds, self._asking_since = 0, 0.0, 0.0

    @property
    def seconds(self) -> float:
        """For how long the function has been asked so far, by any thread."""
        return self._seconds + (time.monotonic() - self._asking_since if self._num_asking else 0.0)

    def ask(self, calls: Sequence[Call], keep: Callable[[list[Outcome]], None]) -> None:
        """Make calls, and hand over their outcomes in this thread, as they come.

        Raises
        ------
        BudgetError
            If the budget does not suffice, or has ended.
        ModelError
            If a call fails for good.
        """
        outcomes: SimpleQueue[Outcome | None] = SimpleQueue()
        context = copy_context()
        future = asyncio.run_coroutine_threadsafe(self._ask(calls, outcomes.put, context), self._find_loop())
        future.add_done_callback(lambda _: outcomes.put(None))
        try:
            is_over = False
            while not is_over:
                some = [outcomes.get(), *_drain(outcomes)]
                is_over = None in some
                keep([outcome for outcome in some if outcome is not None])
            future.result()  # raises what ended it
        finally:
            if not future.done():  # the user has stopped it, or what came cannot be kept
                future.cancel()
                with suppress(LimelightError):  # what ends this call is more than an answer that cannot be read or kept
                    keep([outcome for outcome in _drain(outcomes) if outcome is not None])

    def _find_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._process != os.getpid():
                self._loop = asyncio.new_event_loop()
                self._slots = asyncio.Semaphore(self.limits.concurrency)
                self._turn = asyncio.Lock()
                self._next_call = self._resumes = 0.0
                self._num_promised = self._num_asking = 0
                self._workers = _Workers(self._loop)
                threading.Thread(target=_run_loop, args=(self._loop,), name="limelight calls", daemon=True).start()
                # At the end of the program daemons just end: a loop that was stopped there would complain of tasks that hang.
                weakref.finalize(self, _stop_loop, self._loop, self._workers, os.getpid()).atexit = False
                self._process = os.getpid()
        return self._loop

    async def _ask(self, calls: Sequence[Call], put: Callable[[Outcome], None], context: Context) -> None:
        self._let_in(len(calls))
        batch = _Batch()
        with self._clock():
            batch.tasks = tasks = [
                asyncio.create_task(self._call_until_answered(number, call, batch, put, context))
                for number, call in enumerate(calls)
            ]
            try:
                most = self.limits.max_seconds
                _, pending = await asyncio.wait(tasks, timeout=None if most is None else max(0.0, most - self.seconds))
                for task in tasks:
                    if task.done() and not task.cancelled():
                        task.result()  # raises what nobody expected
                if pending and batch.error is None:
                    batch.error = BudgetError(f"max_seconds={most:g} is over")
            finally:
                self._num_promised -= len(calls) - batch.num_begun
                for task in tasks:
                    task.cancel()
        if batch.error is not None:
            raise batch.error

    def _let_in(self, count: int) -> None:
        """Promise calls to a batch, so that batches of several threads do not take them from each other.

        A batch for which the budget does not suffice is refused as a whole: which inputs are answered does not depend on how
        many are asked about at once.
        """
        most_calls, most_seconds = self.limits.max_calls, self.limits.max_seconds
        if most_seconds is not None and self.seconds >= most_seconds:
            raise BudgetError(f"max_seconds={most_seconds:g} is over")
        left = None if most_calls is None else most_calls - self.calls - self._num_promised
        if left is not None and count > left:
            raise BudgetError(f"max_calls={most_calls} leaves {max(0, left)}, and the next questions need {count}")
        self._num_promised += count

    @contextmanager
    def _clock(self) -> Iterator[None]:
        """A context in which the function is asked, maybe in several at a time."""
        if not self._num_asking:
            self._asking_since = time.monotonic()
        self._num_asking += 1
        try:
            yield
        finally:
            self._num_asking -= 1
            if not self._num_asking:
                self._seconds += time.monotonic() - self._asking_since

    async def _call_until_answered(
        self, number: int, call: Call, batch: _Batch, put: Callable[[Outcome], None], context: Context
    ) -> None:
        """Call once for each try, until there is an answer, no try is left, or the batch has failed."""
        num_tries = 0
        while not batch.has_failed:  # otherwise it would end only after all that the service wants to be waited for
            async with self._slots:
                await self._wait_for_turn()
                if batch.has_failed or not self._begin(batch, is_first=num_tries == 0):
                    return
                num_tries += 1
                with batch.in_flight():
                    answer, error = await self._try(call.argument, context)
            if error is None:
                put(Outcome(number, answer))
                return
            self.failures += 1
            wait = read_retry_after(error)
            if wait is not None and wait <= LONGEST_WAIT_SECONDS:
                self._resumes = max(self._resumes, time.monotonic() + wait)
            if problem := self._find_problem(error, call.argument, num_tries, wait):
                model_error = ModelError(f"the remote model failed {problem}; the last error was {describe_error(error)}")
                model_error.__cause__ = error
                batch.fail(model_error)
            await batch.sleep(choose_wait(num_tries, call.key) if wait is None else wait)

    def _find_problem(self, error: BaseException, argument: object, num_tries: int, wait: float | None) -> str:
        """Why a call is not tried again, with how often it was; empty if it is."""
        tries = f"{num_tries} {'time' if num_tries == 1 else 'times'} for {argument!r:.60}"
        if is_final(error):
            return f"{tries}, in a way that another try does not mend"
        if wait is not None and wait > LONGEST_WAIT_SECONDS:
            return f"{tries}, and asks to wait {wait:.0f} seconds (Retry-After)"
        return "" if num_tries <= self.limits.retries else f"{tries} (retries={self.limits.retries})"

    def _begin(self, batch: _Batch, *, is_first: bool) -> bool:
        """Count a call, if there is one left."""
        most = self.limits.max_calls
        if is_first:
            self._num_promised -= 1
            batch.num_begun += 1
        elif most is not None and self.calls + self._num_promised >= most:
            batch.error = batch.error or BudgetError(f"max_calls={most} leaves none to try again those that failed")
            return False
        self.calls += 1
        return True

    async def _wait_for_turn(self) -> None:
        """Wait as long as the stated rate and the service want; calls begin one after the other."""
        rate = self.limits.calls_per_second
        async with self._turn:
            while (wait := max(self._next_call, self._resumes) - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if rate is not None:
                self._next_call = time.monotonic() + _RATE_MARGIN / rate

    async def _try(self, argument: Any, context: Context) -> _Attempt:
        """Call the function once, for so long as it may take."""
        # A context cannot be entered twice at a time.
        task = asyncio.create_task(self._run(argument, context.copy()), context=context.copy())
        try:
            await asyncio.wait([task], timeout=self.limits.timeout)
            if task.done():
                return _Attempt(error=RuntimeError("the coroutine was cancelled")) if task.cancelled() else task.result()
            self.timeouts += 1
            return _Attempt(error=TimeoutError(f"it took longer than timeout={self.limits.timeout:g} seconds"))
        finally:
            task.cancel()  # a coroutine that does not end at that is not waited for

    async def _run(self, argument: Any, context: Context) -> _Attempt:
        if self._is_coroutine:
            return await _settle(lambda: self._function(argument))
        attempt = await self._workers.run(self._function, argument, context)
        if attempt.error is None and isawaitable(attempt.answer):  # a function that hands on a coroutine
            return await _settle(lambda: attempt.answer)
        return attempt


async def _settle(start: Callable[[], Any]) -> _Attempt:
    """What comes of an awaitable."""
    try:
        return _Attempt(await start())
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # some, as SystemExit, would end the loop
        return _Attempt(error=error)


class _Batch:
    """What the calls of one batch know of each other.

    Attributes
    ----------
    error : LimelightError or None
        Why it cannot be answered as a whole.
    has_failed : bool
        Whether no more calls are to be begun.
    num_begun : int
        How many inputs have been asked about.
    """

    def __init__(self) -> None:
        self.error: BudgetError | ModelError | None = None
        self.has_failed = False
        self.num_begun = 0
        self._in_flight: set[asyncio.Task[Any] | None] = set()
        self.tasks: list[asyncio.Task[None]] = []

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """A context in which the current task calls the function."""
        task = asyncio.current_task()
        self._in_flight.add(task)
        try:
            yield
        finally:
            self._in_flight.discard(task)

    def fail(self, error: ModelError) -> None:
        """Let calls end that have begun, since they may have to be paid for, and begin no others."""
        if not self.has_failed:
            self.has_failed, self.error = True, error
            for task in self.tasks:
                if task not in self._in_flight and task is not asyncio.current_task():
                    task.cancel()

    async def sleep(self, seconds: float) -> None:
        """Wait before another try, unless there will be none."""
        if not self.has_failed:
            await asyncio.sleep(seconds)


class _Workers:
    """Threads that call functions for an event loop; one that is not needed waits for the next call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: list[SimpleQueue[Any]] = []  # what is put into a thread's queue is done by it

    def run(self, function: Callable[[Any], Any], argument: Any, context: Context) -> asyncio.Future[_Attempt]:
        """Have a function called. If the future is cancelled, the thread goes on, and its answer is dropped."""
        future: asyncio.Future[_Attempt] = self._loop.create_future()
        if self._idle:
            queue = self._idle.pop()
        else:
            queue = SimpleQueue()
            threading.Thread(target=self._work, args=(queue,), name="limelight call", daemon=True).start()
        queue.put((function, argument, context, future))
        return future

    def stop(self) -> None:
        """End the threads that are idle."""
        for queue in self._idle:
            queue.put(None)

    def _work(self, queue: SimpleQueue[Any]) -> None:
        while (item := queue.get()) is not None:
            function, argument, context, future = item
            try:
                attempt = _Attempt(context.run(function, argument))
            except BaseException as error:
                attempt = _Attempt(error=error)
            try:
                self._loop.call_soon_threadsafe(self._finish, future, attempt, queue)
            except RuntimeError:  # the loop is closed: nobody waits
                return
            del item, function, argument, context, future, attempt

    def _finish(self, future: asyncio.Future[_Attempt], attempt: _Attempt, queue: SimpleQueue[Any]) -> None:
        self._idle.append(queue)
        if not future.done():
            future.set_result(attempt)


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _stop_loop(loop: asyncio.AbstractEventLoop, workers: _Workers, process: int) -> None:
    if process != os.getpid():
        return
    workers.stop()
    asyncio.run_coroutine_threadsafe(_stop_when_idle(), loop)


async def _stop_when_idle() -> None:
    """Stop the loop, once the calls have ended that were cancelled."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)
    asyncio.get_running_loop().stop()


def _drain(queue: SimpleQueue[Any]) -> list[Any]:
    """What has come so far."""
    drained = []
    with suppress(Empty):
        while True:
            drained.append(queue.get_nowait())
    return drained
