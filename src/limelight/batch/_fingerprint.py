"""A job's fingerprint: its checkpoint's folder keeps it, so that no other job continues there."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pickle import PicklingError
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import joblib
import numpy as np

from limelight._lockstep import Run, run_in_lockstep
from limelight.batch._timeouts import run_in_time
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError
from limelight.results.explanation import Explanation
from limelight.stages.answers import Answer
from limelight.stages.prediction import SharedAnswers
from limelight.stages.questions import Ask

if TYPE_CHECKING:
    from limelight._options import Options
    from limelight.batch._job import Job

__all__ = ["MOST_PROBED", "Fingerprint", "hash_instances", "take_fingerprint"]

MOST_PROBED = 8  # instances, because some may have no explanation
_PROBE_PERTURBATIONS = 64  # enough to tell one model from another
_TOLERANCE = 1e-6  # of the largest number: a model that is asked again may differ in its last digits

T = TypeVar("T")


class Fingerprint(NamedTuple):
    """What the finished chunks of a job depend on.

    Attributes
    ----------
    arguments : dict of str to str
        The arguments of the explainer and of the call that change results.
    first : str
        The hash of the first instance.
    answers : list of float
        A number for each input that the model was asked about in the explanation of a probe: an instance at the beginning.
    weights : list of float
        The weights in the probe's explanation.
    names : list of str
        The names of the probe's components and of the model's outputs.
    """

    arguments: dict[str, str]
    first: str
    answers: list[float]
    weights: list[float]
    names: list[str]

    def to_json(self) -> str:
        """All of it as a JSON object."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        """Read what `to_json` wrote.

        Raises
        ------
        AttributeError, LookupError, TypeError, ValueError
            If the text is damaged.
        """
        data = json.loads(text)
        arguments = {name: str(value) for name, value in data["arguments"].items()}
        answers, weights = ([float(number) for number in data[name]] for name in ("answers", "weights"))
        return cls(arguments, str(data["first"]), answers, weights, [str(name) for name in data["names"]])

    def check_same(self, stored: Fingerprint, folder: str) -> None:
        """Refuse a checkpoint's folder that belongs to another job.

        Parameters
        ----------
        stored : Fingerprint
            The folder's. Its numbers may differ by rounding.
        folder : str
            The folder's name for the error.

        Raises
        ------
        ArgumentError
            If it belongs to another job.
        """
        old, new = stored.arguments, self.arguments
        changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        problem = None
        if changed:
            changes = "; ".join(f"{name} was {old.get(name)!r:.60} and is {new.get(name)!r:.60}" for name in changed[:3])
            problem = f"belongs to a job with other arguments: {changes}"
        elif stored.first != self.first:
            problem = "was made for other instances: the first one differs"
        elif _differ(stored.answers, self.answers):
            problem = "was made with another model, explainer or training data: the model's answers differ"
        elif _differ(stored.weights, self.weights):
            problem = "was made with another explainer or regressor: the first instance's weights differ"
        elif stored.names != self.names:
            before, now = next(pair for pair in zip_longest(stored.names, self.names) if pair[0] != pair[1])
            problem = f"was made with other names of features or outputs: {before!r:.60} is {now!r:.60} now"
        if problem:
            raise ArgumentError(f"checkpoint={folder!r} {problem}. Give another folder.")


def take_fingerprint(job: Job, first: Sequence[Any], chunk_size: int, options: Options) -> Fingerprint:
    """Take a job's fingerprint, with a few perturbations of the first instance that can be explained.

    Parameters
    ----------
    job : Job
        The job.
    first : sequence
        The first instances, at most `MOST_PROBED`.
    chunk_size : int
        How many instances a chunk has.
    options : Options
        The explainer's.
    """
    given = {**vars(options), **vars(job.request), "chunk_size": chunk_size}
    change_nothing = ("batch_size", "pads_batches")
    arguments = {name: _describe(value) for name, value in given.items() if name not in change_nothing}
    answers: list[float] = []
    weights: list[float] = []
    names: list[str] = []
    first_hash = hash_instances(first[:1])  # taken now, because explaining may change instances
    for instance in first:
        request = replace(job.request, num_samples=_PROBE_PERTURBATIONS)
        probe_answers: list[float] = []
        probe = _record_answers(job.pipeline(instance, job.model, request, SharedAnswers()), probe_answers)
        try:
            (result,) = _run_in_time_if_possible(job.timeout, partial(run_in_lockstep, [probe]))
        except ModelError:  # a timeout: the number of answers until then varies
            continue
        answers += probe_answers
        if isinstance(result, Explanation):
            weights = [weight for surrogate in result.surrogates for weight in surrogate.weights]
            names = [*result.names, *result.output_names]
            break
    return Fingerprint(arguments, first_hash, answers, weights, names)


def hash_instances(instances: Sequence[Any]) -> str:
    """The hash of the instances' contents: 16 hexadecimal digits.

    Raises
    ------
    ArgumentTypeError
        If they cannot be pickled.
    """
    try:
        # Hashed one by one: in a common hash, one object twice would differ from two that are equal.
        return str(joblib.hash([joblib.hash(_in_index_order(instance)) for instance in instances]))[:16]
    except (AttributeError, PicklingError, TypeError) as error:
        raise ArgumentTypeError(f"instances must be picklable to be kept in a checkpoint: {error}") from error


def _in_index_order(instance: Any) -> Any:
    """An array laid out in the order of its indices, since its layout in memory is not part of its content."""
    return np.ascontiguousarray(instance) if type(instance) is np.ndarray else instance


def _run_in_time_if_possible(timeout_seconds: float | None, work: Callable[[], T]) -> T:
    """Do some work, and stop it after the timeout; outside the main thread nothing can be stopped."""
    if timeout_seconds is None or threading.current_thread() is not threading.main_thread():
        return work()
    return run_in_time(timeout_seconds, work)


def _record_answers(run: Run[Explanation], answers: list[float]) -> Run[Explanation]:
    """The same run, which also appends to `answers` a number for each input that the model was first asked about."""
    try:
        effect = next(run)
        while True:
            outcome = yield effect
            for answer in outcome if isinstance(effect, Ask) and not effect.is_repetition else ():
                assert isinstance(answer, Answer)
                values = answer.values  # of shape (n, k); each output counts differently
                answers += (values @ np.linspace(1.0, 2.0, values.shape[1])).tolist()
            effect = run.send(outcome)
    except StopIteration as stop:
        explanation: Explanation = stop.value
        return explanation


def _describe(value: object) -> str:
    """An argument as text, without its address in memory."""
    return re.sub(" at 0x[0-9a-fA-F]+", "", getattr(value, "__qualname__", repr(value)))


def _differ(before: Sequence[float], now: Sequence[float]) -> bool:
    """Whether numbers differ by more than rounding."""
    scale = max(map(abs, now), default=0.0)
    return len(before) != len(now) or not np.allclose(before, now, rtol=0, atol=_TOLERANCE * scale)
