"""Whether the model still answers as it did: a few small explanations, and the predictions of finished explanations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple, TypeVar

import numpy as np

from limelight._lockstep import Run, run_in_lockstep
from limelight.batch._instances import Chunk
from limelight.batch._job import Job
from limelight.batch._timeouts import run_in_time
from limelight.collection.explanations import Explanations
from limelight.exceptions import ArgumentError, LimelightError, ModelError, describe_error
from limelight.results.explanation import Explanation
from limelight.stages.answers import Answer
from limelight.stages.prediction import SharedAnswers
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.questions import Ask

__all__ = ["Probe", "check_predictions", "check_probes", "is_probed", "take_probes"]

_PROBE_PERTURBATIONS = 32  # enough to tell one model from another
_PROBES_OF_FIRST_CHUNK = 3
_LEAST_SAMPLES = 2  # of an explanation of which the prediction alone is needed
_LOCKSTEP_INSTANCES = 64
# How far answers may be apart, as a share of the largest, by the coarsest kind of number that holds them all exactly: a network
# rounds differently in other batches.
_HALF_TOLERANCE = 1e-2
_SINGLE_TOLERANCE = 1e-5
_DOUBLE_TOLERANCE = 1e-6

T = TypeVar("T")


class Probe(NamedTuple):
    """A small explanation of one instance, which tells a model from another.

    Attributes
    ----------
    place : int
        The instance's place in its chunk.
    answers : list of float
        A number for each input that the model was asked about.
    weights : list of float
        The weights.
    names : list of str
        The names of the components and of the model's outputs.
    tolerance : float
        How far the numbers of the same model may be apart, as a share of the largest answer.
    """

    place: int
    answers: list[float]
    weights: list[float]
    names: list[str]
    tolerance: float

    @classmethod
    def from_plain(cls, values: Sequence[Any]) -> Probe:
        """Read what was written as JSON.

        Raises
        ------
        TypeError, ValueError
            If it is damaged.
        """
        place, answers, weights, names, tolerance = values
        return cls(int(place), [*map(float, answers)], [*map(float, weights)], [*map(str, names)], float(tolerance))


def is_probed(chunk: Chunk) -> bool:
    """Whether probes are taken of a chunk: of each whose number is one less than a power of two, in data of any length."""
    number = chunk.number + 1
    return number & (number - 1) == 0


def take_probes(job: Job, chunk: Chunk, explained: Sequence[int]) -> list[Probe]:
    """Take up to three probes of the first chunk, and one of another.

    Parameters
    ----------
    job : Job
    chunk : Chunk
    explained : sequence of int
        The places of instances that have been explained: the model has answered for them, without a hang or a crash.
    """
    most = _PROBES_OF_FIRST_CHUNK if chunk.number == 0 else 1
    probes = []
    for place in (explained[position] for position in _spread(len(explained), most)):
        with suppress(LimelightError):  # whatever comes up now, the explanation is there
            probes.append(_take_probe(job, chunk.instances[place], place))
    return probes


def check_probes(job: Job, chunk: Chunk, probes: Sequence[Probe], folder: str) -> None:
    """Take a finished chunk's probes again, and refuse a model whose answers are others.

    Raises
    ------
    ArgumentError
        If they differ by more than rounding.
    """
    for before in probes:
        number = chunk.first + before.place
        if before.place >= len(chunk.instances):
            raise ArgumentError(_refusal(folder, f"another number of instances: there is no instance {number}"))
        try:
            now = _take_probe(job, chunk.instances[before.place], before.place)
        except LimelightError as error:
            raise _no_longer(number, folder, error) from error
        tolerance = min(before.tolerance, now.tolerance)
        scale = max(_largest(before.answers), _largest(now.answers))
        if _differ(before.answers, now.answers, tolerance * scale):
            text = f"its answers for changes of instance {number} differ{_describe_chance(job, chunk, now, scale)}"
            raise ArgumentError(_refusal(folder, f"another model: {text}"))
        if _differ(before.weights, now.weights, tolerance * max(scale, _largest(now.weights))):
            raise ArgumentError(_refusal(folder, f"another explainer or regressor: instance {number} has other weights"))
        if before.names != now.names:
            old, new = next(pair for pair in zip_longest(before.names, now.names) if pair[0] != pair[1])
            raise ArgumentError(
                _refusal(folder, f"other names of components or outputs, at instance {number}: {old!r:.60} is {new!r:.60} now")
            )


def check_predictions(job: Job, chunk: Chunk, finished: Explanations, most: int, folder: str) -> None:
    """Ask the model about some of a finished chunk's instances, and refuse one whose predictions are others.

    Parameters
    ----------
    job : Job
    chunk : Chunk
    finished : Explanations
        What the chunk's instances have.
    most : int
        How many instances the model is asked about.
    folder : str
        The folder's name for the error.

    Raises
    ------
    ArgumentError
        If predictions differ by more than rounding.
    """
    explanations = {place: finished[place] for place in _spread(len(chunk.instances), most)}
    places = [place for place, explanation in explanations.items() if isinstance(explanation, Explanation)]
    for start in range(0, len(places), _LOCKSTEP_INSTANCES):
        step = places[start : start + _LOCKSTEP_INSTANCES]
        request = replace(job.request, num_samples=_LEAST_SAMPLES)
        explain = [job.pipeline(chunk.instances[place], job.model, request, SharedAnswers()) for place in step]
        runs = [_predict_instance(run, job.request.link) for run in explain]
        seconds = None if job.timeout is None else job.timeout * len(step)
        results = _run_in_time_if_possible(seconds, partial(run_in_lockstep, runs))
        for place, now in zip(step, results, strict=True):
            before, number = explanations[place], chunk.first + place
            assert isinstance(before, Explanation)
            if isinstance(now, LimelightError):
                raise _no_longer(number, folder, now) from now
            if not _are_same(np.array(before.predictions), now):
                raise ArgumentError(_refusal(folder, f"another model: its answer for instance {number} differs"))


def _take_probe(job: Job, instance: Any, place: int) -> Probe:
    """Take a probe of an instance.

    Raises
    ------
    LimelightError
        If the instance cannot be explained in time.
    """
    request = replace(job.request, num_samples=_PROBE_PERTURBATIONS)
    answers: list[np.ndarray] = []
    run = _record_answers(job.pipeline(instance, job.model, request, SharedAnswers()), answers)
    (result,) = _run_in_time_if_possible(job.timeout, partial(run_in_lockstep, [run]))
    if isinstance(result, LimelightError):
        raise result
    # Each output counts differently.
    numbers = [number for values in answers for number in (values @ np.linspace(1.0, 2.0, values.shape[1])).tolist()]
    weights = [weight for surrogate in result.surrogates for weight in surrogate.weights]
    tolerance = min(map(_find_tolerance, answers), default=_DOUBLE_TOLERANCE)
    return Probe(place, numbers, weights, [*result.names, *result.output_names], tolerance)


def _describe_chance(job: Job, chunk: Chunk, probe: Probe, scale: float) -> str:
    """What a refusal adds where a model answers otherwise whenever it is asked, as with dropout."""
    with suppress(LimelightError):
        again = _take_probe(job, chunk.instances[probe.place], probe.place)
        if _differ(probe.answers, again.answers, probe.tolerance * scale):
            return ", and differ again now: a model that answers by chance cannot be known again. Make it repeatable"
    return ""


def _record_answers(run: Run[Explanation], answers: list[np.ndarray]) -> Run[Explanation]:
    """The same run, which also appends to `answers` what the model was first asked about: arrays of shape (m, k)."""
    try:
        effect = next(run)
        while True:
            outcome = yield effect
            for answer in outcome if isinstance(effect, Ask) and not effect.is_repetition else ():
                assert isinstance(answer, Answer)
                answers.append(answer.values)
            effect = run.send(outcome)
    except StopIteration as stop:
        explanation: Explanation = stop.value
        return explanation


def _predict_instance(run: Run[Explanation], link: str) -> Run[np.ndarray]:
    """The prediction of a run's instance, of shape (k,), as its explanation has it; nothing else is asked."""
    try:
        effect = next(run)
        assert isinstance(effect, Ask)
        question = effect.questions[0]._replace(rows=np.array([0]), first_number=0, key=None)
        (answer,) = yield Ask([question])
    finally:
        run.close()
    assert isinstance(answer, Answer)
    return np.asarray(LINKS[link](answer.values[0]))


def _run_in_time_if_possible(timeout_seconds: float | None, work: Callable[[], T]) -> T:
    """Do some work, and stop it after the timeout; outside the main thread nothing can be stopped."""
    if timeout_seconds is None or threading.current_thread() is not threading.main_thread():
        return work()
    return run_in_time(timeout_seconds, work)


def _spread(size: int, most: int) -> list[int]:
    """At most so many places among `size`: the first, the last, and others between them at even distances."""
    return sorted({*np.linspace(0, size - 1, min(size, most)).round().astype(int).tolist()}) if size else []


def _are_same(before: np.ndarray, now: np.ndarray) -> bool:
    """Whether predictions of shape (k,) are the same but for rounding."""
    if before.shape != now.shape:
        return False
    return not _differ(before, now, _find_tolerance(np.stack([before, now])) * _largest(before))


def _find_tolerance(values: np.ndarray) -> float:
    """How far a model's answers may differ from batch to batch, as a share of the largest."""
    numbers = values[np.isfinite(values)]
    with np.errstate(all="ignore"):
        singles, halves = numbers.astype(np.float32), numbers.astype(np.float16)
    if (numbers == np.round(numbers)).all() or not (singles == numbers).all():
        return _DOUBLE_TOLERANCE
    has_short_fractions = ((singles.view(np.uint32) & 0xFFFF) == 0).all()  # as in bfloat16
    return _HALF_TOLERANCE if has_short_fractions or (halves == numbers).all() else _SINGLE_TOLERANCE


def _largest(numbers: Iterable[float]) -> float:
    return max((abs(number) for number in numbers if np.isfinite(number)), default=0.0)


def _differ(before: Any, now: Any, margin: float) -> bool:
    return len(before) != len(now) or not np.allclose(before, now, rtol=0, atol=margin, equal_nan=True)


def _no_longer(number: int, folder: str, error: LimelightError) -> LimelightError:
    problem = f"instance {number} could be explained then, and cannot be now: {describe_error(error)}"
    kind = ModelError if isinstance(error, ModelError) else ArgumentError
    return kind(f"checkpoint={folder!r} cannot be continued: {problem:.500}")


def _refusal(folder: str, difference: str) -> str:
    return f"checkpoint={folder!r} was made with {difference}. Give another folder."
