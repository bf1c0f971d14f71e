"""Remote and slow models: a function that asks a service about one input, as a callable for batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from limelight._checks import check_count, check_number, list_names
from limelight.exceptions import (
    ArgumentTypeError,
    BudgetError,
    CheckpointError,
    PredictionError,
)
from limelight.models._answer_store import AnswerStore, StoredAnswer, check_path
from limelight.models._calls import Call, Caller, Limits, Outcome
from limelight.models._estimators import is_coroutine_function
from limelight.models._model_keys import find_model_key
from limelight.models._single_inputs import find_key, take_apart
from limelight.results.explanation import Notice
from limelight.stages.answers import Answer

__all__ = ["RemoteModel"]


class RemoteModel:
    """A function that asks a remote or slow model about one input, as a model for batches.

    Many inputs are asked about at a time. What fails is tried again, a stated rate is kept, and each answer is kept as it
    comes: the same input is not asked about twice. Where the budget ends, an explanation with ``num_samples="auto"`` is that
    of the last complete look at the perturbations, and says so.

    Parameters
    ----------
    function : callable or coroutine function
        It gets one input and returns its outputs: a number, a sequence of numbers, or a mapping from the outputs' names to
        numbers. An input is a text, an array (a row, an image, a series), a dict from columns to values (a row of a frame), or
        whatever the explainer makes. With `batch_size` above 1 it gets a list of inputs and returns a row for each, in any form
        that models may answer in. A coroutine function runs in an event loop of limelight's own, also in notebooks; what is
        bound to another loop, such as a client opened there, cannot be used in it. Other functions run in threads.
    max_calls : int, optional
        The largest number of calls, further tries included. A batch for which they do not suffice is not begun.
    max_seconds : float, optional
        For how long the model may be asked, all batches together; then calls are cancelled or abandoned. What is answered in
        that time depends on the machine and the service, so that explanations do, too. `max_calls` has no such effect.
    concurrency : int, default 16
        The largest number of calls at a time.
    calls_per_second : float, optional
        The largest number of calls begun in a second, further tries included.
    retries : int, default 4
        How often a call that failed is tried again, after 0.5 seconds at first, and twice as long after each failure. Where
        the error's response has a header Retry-After, all calls wait as long as that says. What is refused for good (a
        status 4xx other than 408, 409, 423, 425 and 429) is not tried again.
    timeout : float, default 60
        Seconds after which a call has failed. A coroutine is cancelled. A thread cannot be ended: it is abandoned, and does not
        keep the program from its end.
    batch_size : int, default 1
        The largest number of inputs in a call.
    cache : path, optional
        A SQLite file for the answers, which is made if it is not there. Another run, or another process, takes them from
        there, to the bit. By default answers are kept in memory, for as long as this object is there.
    cache_key : str, optional
        Whose answers they are: a text with the model's name and version, and whatever else its answers depend on, such as a
        prompt or a number type. One file holds answers of any number of keys. By default it is the name of the function and a
        hash of its code, but not of what it reads elsewhere; a notice says so.

    Attributes
    ----------
    calls : int
        How many calls were begun.
    failures : int
        How many of them raised, or took too long.
    timeouts : int
        How many took too long.
    recalled : int
        For how many inputs the answer was there already.
    is_slow : bool
        True: "auto" takes the tolerance for slow models.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed, or `cache` is another kind of file.
    CheckpointError
        If another process keeps the cache's file locked.

    Notes
    -----
    Calls raise a `ModelError` where an input has no answer after all tries, a `BudgetError` where the budget has ended, a
    `PredictionError` where an answer has no numbers, and a `CheckpointError` where answers cannot be kept. What was answered
    until then is kept.

    Several threads or processes that ask about the same input at the same moment each make a call; the first answer is kept.

    All calls of an object share its limits, whichever threads and instances they come from. Other processes would not: an
    object with `max_calls`, `max_seconds` or `calls_per_second` cannot be sent to them.

    Examples
    --------
    >>> from limelight import RemoteModel, TextExplainer
    >>> async def ask(text):  # here: an answer from the service, such as (await client.post(url, json=text)).json()
    ...     return {"ham": 1 - 0.9 * ("pills" in text), "spam": 0.9 * ("pills" in text)}
    >>> model = RemoteModel(ask, max_calls=500)
    >>> explanation = TextExplainer().explain_instance("cheap pills for you", model)
    >>> explanation.as_list(label="spam")[0][0], model.calls, model.failures
    ('pills', 18, 0)
    """

    is_slow: ClassVar[bool] = True

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        max_calls: int | None = None,
        max_seconds: float | None = None,
        concurrency: int = 16,
        calls_per_second: float | None = None,
        retries: int = 4,
        timeout: float = 60.0,
        batch_size: int = 1,
        cache: str | os.PathLike[str] | None = None,
        cache_key: str | None = None,
    ) -> None:
        if isinstance(function, type) or not callable(function):
            raise ArgumentTypeError(
                f"function must be a callable or a coroutine function from one input to its outputs; got {function!r:.200}."
            )
        self._function = function
        self._limits = Limits(
            max_calls=None if max_calls is None else check_count("max_calls", max_calls, 1),
            max_seconds=None if max_seconds is None else check_number("max_seconds", max_seconds, 0, inclusive=False),
            concurrency=check_count("concurrency", concurrency, 1),
            calls_per_second=(
                None if calls_per_second is None else check_number("calls_per_second", calls_per_second, 0, inclusive=False)
            ),
            retries=check_count("retries", retries, 0),
            timeout=check_number("timeout", timeout, 0, inclusive=False),
        )
        self._batch_size = check_count("batch_size", batch_size, 1)
        self._cache = check_path(cache)
        self._cache_key = cache_key
        self._key = find_model_key(cache_key, function, has_file=self._cache is not None)
        self.recalled = 0
        self._open()

    def _open(self) -> None:
        self._caller = Caller(self._function, is_coroutine=is_coroutine_function(self._function), limits=self._limits)
        self._store = AnswerStore(self._cache)
        self._counting = Lock()

    def __repr__(self) -> str:
        defaults = {name: parameter.default for name, parameter in signature(type(self)).parameters.items()}
        given = {**self._limits._asdict(), "batch_size": self._batch_size, "cache": self._cache, "cache_key": self._cache_key}
        settings = [f"{name}={value!r:.80}" for name, value in given.items() if value != defaults[name]]
        name = getattr(self._function, "__qualname__", type(self._function).__qualname__)
        return f"RemoteModel({', '.join([f'<{name}>', *settings])})"

    def __getstate__(self) -> dict[str, Any]:
        limits = [name for name in ("max_calls", "max_seconds", "calls_per_second") if getattr(self._limits, name) is not None]
        if limits:
            raise ArgumentTypeError(
                f"a RemoteModel with {list_names(limits)} cannot be sent to other processes, where nobody would keep its "
                'limits: use engine="threads" or "serial". It asks about many inputs at a time by itself.'
            )
        return {name: value for name, value in vars(self).items() if name not in ("_caller", "_counting", "_store")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    @property
    def calls(self) -> int:
        """How many calls were begun."""
        return self._caller.calls

    @property
    def failures(self) -> int:
        """How many calls raised, or took too long."""
        return self._caller.failures

    @property
    def timeouts(self) -> int:
        """How many calls took too long."""
        return self._caller.timeouts

    def notes_about(self, components: object) -> tuple[Notice, ...]:  # noqa: ARG002 - of no use here
        """What a reader of explanations should know about how answers are kept."""
        if self._cache is None or self._cache_key is not None:
            return ()
        text = f"The model's answers are kept in {self._cache!r} by the name and the code of its function alone. "
        text += "Give cache_key with the model's name and version: otherwise answers of another one may be taken for its own."
        return (Notice("no_cache_key", text, "information"),)

    def __call__(self, batch: Any) -> Any:
        """Outputs for a batch: an array of shape (n, k), or a dict from the outputs' names to arrays of shape (n,)."""
        return self._answer(batch, 0)

    def asked_again(self, number: int) -> Callable[[Any], Any]:
        """The same model, asked for a further time: what it answered before does not count as the answer.

        limelight asks about a few inputs again, to see whether a model's answers belong to its inputs, and whether they repeat.

        Parameters
        ----------
        number : int
            How often it has been asked so before.
        """
        return partial(self._answer, repetition=1 + number)

    def _answer(self, batch: Any, repetition: int) -> Any:
        inputs = take_apart(batch)
        if not inputs:
            return np.empty((0, 1))
        keys = [find_key(self._key, repetition, one) for one in inputs]
        found = self._store.find(keys)
        missing = {key: one for key, one in zip(keys, inputs, strict=True) if key not in found}
        with self._counting:
            self.recalled += sum(key in found for key in keys)
        if missing:
            self._ask(missing)
            found |= self._store.find(missing)
        try:
            return _join([found[key] for key in keys])
        except PredictionError as error:
            if self._cache is None or len(missing) in (0, len(found)):
                raise
            raise PredictionError(
                f"{error} Some of these answers are from {self._cache!r}: if the function has changed since, give another "
                "cache_key."
            ) from error

    def _ask(self, missing: dict[bytes, Any]) -> None:
        """Ask about inputs, and keep the answers as they come.

        Raises
        ------
        BudgetError, ModelError
            If not all are answered.
        CheckpointError
            If they cannot be kept.
        PredictionError
            If an answer has no numbers.
        """
        keys, inputs = list(missing), list(missing.values())
        starts = range(0, len(keys), self._batch_size)
        groups = [slice(start, start + self._batch_size) for start in starts]
        arguments = inputs if self._batch_size == 1 else [inputs[group] for group in groups]
        unkept: list[CheckpointError] = []

        def keep(outcomes: list[Outcome]) -> None:
            answers: dict[bytes, StoredAnswer] = {}
            fault: PredictionError | None = None
            for number, answer in outcomes:
                try:
                    answers |= zip(keys[groups[number]], self._read(answer, len(keys[groups[number]])), strict=True)
                except PredictionError as error:
                    fault = fault or error
            if answers:
                try:
                    self._store.add(answers)
                except CheckpointError as error:  # calls that have begun are paid for, and their answers stay in memory
                    unkept.append(error)
            if fault is not None:
                raise fault

        calls = [Call(argument, keys[group.start]) for argument, group in zip(arguments, groups, strict=True)]
        try:
            self._caller.ask(calls, keep)
        except BudgetError as error:
            raise BudgetError(f"{error}. {self._describe_state()}") from None
        if unkept:
            raise unkept[-1]

    def _describe_state(self) -> str:
        """What a budget was spent on, and how to go on."""
        spent = f"{self.calls} calls were made, {self.failures} of which failed."
        if self._cache is not None:
            return f"{spent} Their answers are in {self._cache!r}: with a larger budget, the rest only is asked about."
        return f'{spent} Give a larger budget, and cache="answers.sqlite", so that no answer is asked for twice.'

    def _read(self, answer: Any, count: int) -> list[StoredAnswer]:
        """The answers for the inputs of a call."""
        try:
            values, names, _ = Answer.read([answer] if self._batch_size == 1 else answer, count, _name_inputs(count))
        except PredictionError as error:
            if self._batch_size > 1:
                raise
            raise PredictionError(
                f"with batch_size=1 the function of a RemoteModel gets one input and must return its outputs: {error}"
            ) from error
        return [StoredAnswer(row, names) for row in values]


RemoteModel.__module__ = "limelight"  # where users import it from


def _name_inputs(count: int) -> str:
    return "1 input" if count == 1 else f"{count} inputs"


def _join(answers: Sequence[StoredAnswer]) -> Any:
    """Answers as an array with a row for each; as a mapping to columns if they have names.

    Raises
    ------
    PredictionError
        If their outputs differ.
    """
    names = answers[0].names
    for number, answer in enumerate(answers):
        if len(answer.outputs) != len(answers[0].outputs):
            raise PredictionError(
                f"the model must give the same number of outputs for every input; it gave {len(answers[0].outputs)} for the "
                f"first one, and {len(answer.outputs)} for number {number}."
            )
        if (names is None) != (answer.names is None) or (names is not None and {*names} != {*(answer.names or ())}):
            raise PredictionError(
                f"the model must give outputs of the same names for every input; it gave {list_names(names or ['none'])} for "
                f"the first one, and {list_names(answer.names or ['none'])} for number {number}."
            )
    if names is None:
        return np.stack([answer.outputs for answer in answers])
    columns = {name: np.empty(len(answers)) for name in names}
    for row, answer in enumerate(answers):
        for name, value in zip(answer.names or (), answer.outputs, strict=True):
            columns[name][row] = value
    return columns
