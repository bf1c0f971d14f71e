"""What the model is asked for all instances at once, in time of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from limelight._lockstep import Run
from limelight.batch._timeouts import begin_shared_work, end_shared_work, stop_if_time_is_up
from limelight.stages.answers import Answer
from limelight.stages.questions import Ask

__all__ = ["SharedWork"]

_TIMES_AN_INSTANCE = 10.0  # the time for rows that all instances share, in times of one instance

T = TypeVar("T")


class SharedWork:
    """Lets the model answer about shared rows in time that is not the instance's.

    Once that time was up, such answers are the instance's own work: a model that hangs shall not hang as long each time.
    """

    def __init__(self) -> None:
        self._factor = _TIMES_AN_INSTANCE
        self._is_under_way = False

    def ask_apart(self, run: Run[T]) -> Run[T]:
        """The same run, which asks about shared rows after the instance's own, in questions of their own."""
        try:
            effect = next(run)
            while True:
                outcome = (yield from self._ask(effect)) if isinstance(effect, Ask) else (yield effect)
                stop_if_time_is_up()
                effect = run.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def note_time_up(self) -> None:
        """Take note that an instance was stopped."""
        if self._is_under_way:
            self._factor = 1.0
        self._is_under_way = False

    def _ask(self, ask: Ask) -> Generator[Ask, list[Answer], list[Answer]]:
        answers: dict[int, Answer] = {}
        for is_shared in (False, True):
            numbers = [number for number, question in enumerate(ask.questions) if (question.key is not None) == is_shared]
            if not numbers:
                continue
            self._is_under_way = is_shared
            if is_shared:
                begin_shared_work(self._factor)
            outcome = yield ask._replace(questions=[ask.questions[number] for number in numbers])
            if is_shared:
                end_shared_work()
            self._is_under_way = False
            answers |= zip(numbers, outcome, strict=True)
        return [answers[number] for number in range(len(ask.questions))]
