"""Many instances of which some cannot be explained, or take too long, and jobs that the user stops: the others are kept."""

import re
import signal
import time
from concurrent.futures import Future
from itertools import count, islice

import numpy as np
import pandas as pd
import pytest
from helpers.batches import OUTSIDE, ROWS, Blocks, bits, one_by_one, plain, same
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, Explanation, Failure, TabularExplainer
from limelight.batch._timeouts import run_in_time
from limelight.batch._workers import explain_in_executor
from limelight.exceptions import (
    ArgumentError,
    EngineError,
    InstanceError,
    Interrupted,
    ModelError,
    PredictionError,
)
from limelight.stages.prediction import _Memory

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}


@pytest.fixture(scope="module")
def alone():
    """What each of the rows outside the training data, and of some within it, is explained with."""
    return one_by_one(EXPLAINER, OUTSIDE, plain, **FEW)


# --- the user stops it ---------------------------------------------------------------------------------------------------


def endless():
    return (OUTSIDE[i % len(OUTSIDE)] for i in count())


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_what_is_done_is_kept_when_the_user_stops_the_model(engine, alone):
    calls = count()

    def model(rows):
        if next(calls) == 6:
            raise KeyboardInterrupt
        return plain(rows)

    with pytest.raises(Interrupted, match=r"instances have been explained; they are in this error's .explanations") as caught:
        EXPLAINER.explain_many(endless(), model, engine=engine, n_jobs=2, chunk_size=4, **FEW)
    kept = caught.value.explanations
    assert len(kept) >= 4
    assert same(kept, [alone[i % len(alone)] for i in kept.items])


def test_what_is_stopped_midway_leaves_nothing_half_known(monkeypatch, alone):
    """As Ctrl-C in a notebook, after which the same function is used again."""
    function = EXPLAINER.frame_function(plain, **FEW)
    frame = pd.DataFrame(OUTSIDE)
    add = _Memory._add

    def add_and_stop(memory, keys, answers):
        add(memory, keys, answers)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_Memory, "_add", add_and_stop)
        with pytest.raises(KeyboardInterrupt):
            function(frame)
    answer = function(frame)
    assert same(map(Explanation.from_json, answer["explanation"]), alone)


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_what_is_done_is_kept_when_the_user_stops_the_source(engine, alone):
    def rows():
        yield from islice(endless(), 60)
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        EXPLAINER.explain_many(rows(), plain, engine=engine, n_jobs=2, chunk_size=4, **FEW)
    kept = caught.value.explanations
    assert len(kept) >= 20
    assert same(kept, [alone[i % len(alone)] for i in kept.items])


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_a_source_that_breaks_is_not_hidden(engine):
    def rows():
        yield from OUTSIDE
        raise ConnectionError("the line is dead")

    with pytest.raises(ConnectionError, match="the line is dead"):
        EXPLAINER.explain_many(rows(), plain, engine=engine, n_jobs=2, chunk_size=1, **FEW)


# --- instances that cannot be explained ----------------------------------------------------------------------------------


BAD = [1, 4]  # the first among the rows that share theirs, the second far outside


def bad(rows):
    return np.isin(rows[:, 0], OUTSIDE[BAD, 0])


def raising(rows):
    if bad(rows).any():
        raise ValueError("no such row")
    return plain(rows)


def leaving(rows):
    if bad(rows).any():
        raise SystemExit(0)
    return plain(rows)


def undefined(rows):
    return np.where(bad(rows), np.nan, plain(rows))


def short(rows):
    return plain(rows)[~bad(rows)]


@pytest.mark.parametrize("batch_size", [None, 30])
@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (raising, ModelError, "the model raised ValueError .*: no such row"),
        (leaving, ModelError, "the model raised SystemExit .*: 0"),
        (undefined, PredictionError, "the model gave NaN or infinity for"),
        (short, PredictionError, "the model must give an array of shape"),
    ],
)
def test_failures_are_kept_or_raised(model, error, message, batch_size, alone):
    for i in BAD:
        with pytest.raises(error, match=message):
            EXPLAINER.explain_instance(OUTSIDE[i], model, batch_size=batch_size, **FEW)
    for chunk_size in (1, 2, 3, 100):
        explanations = EXPLAINER.explain_many(
            OUTSIDE, model, on_error="keep", chunk_size=chunk_size, batch_size=batch_size, **FEW
        )
        assert [*explanations.failures] == BAD
        for failure in explanations.failures.values():
            assert failure.error == error.__name__
            assert re.match(message, failure.message)
        assert all(bits(entry) == bits(alone[i]) for i, entry in enumerate(explanations) if i not in BAD)
        with pytest.raises(error, match=message) as caught:
            EXPLAINER.explain_many(OUTSIDE, model, chunk_size=chunk_size, **FEW)
        assert caught.value.__notes__ == ["This was instance 1."]


@pytest.mark.parametrize("asked", [{"num_samples": 100, "batch_size": 30}, {"num_samples": 5000}])
def test_the_first_that_asks_about_shared_rows_may_fail_alone(asked):
    def model(rows):
        if (rows[:, 0] == ROWS[0, 0]).any():
            raise ValueError("no such row")
        return plain(rows)

    explanations = EXPLAINER.explain_many(ROWS[:4], model, on_error="keep", **asked)
    assert [*explanations.failures] == [0]
    assert same(explanations[1:], one_by_one(EXPLAINER, ROWS[1:4], plain, **asked))


def test_a_model_that_has_failed_is_not_asked_on():
    calls = count()

    def model(rows):
        raise RuntimeError(f"no connection for {len(rows)} rows at call {next(calls)}")

    for _ in range(2):
        with pytest.raises(ModelError, match="no connection"):
            EXPLAINER.explain_instance(ROWS[0], model, num_samples=1000, batch_size=10)
    assert next(calls) <= 6


class Large(Blocks):
    """Components for which there is no room."""

    @property
    def names(self):
        raise MemoryError("Unable to allocate 3 TiB")

    @names.setter
    def names(self, names):
        pass


def test_an_instance_that_is_too_large_fails_alone():
    instances = [Blocks(ROWS[0, :3]), Large(ROWS[1, :3]), Blocks(ROWS[2, :3])]
    explanations = ComponentsExplainer().explain_many(instances, plain, on_error="keep")
    assert [*explanations.failures] == [1]
    assert re.match("there is not enough memory for this instance: Unable to allocate 3 TiB", explanations.failures[1].message)


class Fastidious(Ridge):
    """A regressor that some answers are too large for."""

    def fit(self, rows, answers, sample_weight=None):
        if np.abs(answers).max() > 20:
            raise ValueError("too large")
        return super().fit(rows, answers, sample_weight)


def test_a_regressor_that_raises_fails_its_instance_alone():
    asked = FEW | {"model_regressor": Fastidious()}
    explanations = EXPLAINER.explain_many(OUTSIDE, plain, on_error="keep", **asked)
    failure = Failure("ArgumentError", "model_regressor raised ValueError: too large")
    assert 0 < len(explanations.failures) < len(OUTSIDE)
    assert set(explanations.failures.values()) == {failure}
    with pytest.raises(ArgumentError, match="model_regressor raised ValueError: too large"):
        EXPLAINER.explain_instance(OUTSIDE[next(iter(explanations.failures))], plain, **asked)


def test_models_may_write_all_answers_in_one_place():
    place = np.empty(5000)

    def model(rows):
        np.copyto(place[: len(rows)], plain(rows))
        return place[: len(rows)]

    for asked in ({}, {"num_samples": 500, "batch_size": 50}):
        assert same(EXPLAINER.explain_many(OUTSIDE, model, **asked), one_by_one(EXPLAINER, OUTSIDE, plain, **asked))


def test_instances_that_are_none_are_failures():
    mixed = [ROWS[0], [1.0, 2.0], "text", None, ROWS[1]]
    explanations = EXPLAINER.explain_many(mixed, plain, on_error="keep", **FEW)
    assert [isinstance(entry, Explanation) for entry in explanations] == [True, False, False, False, True]
    assert explanations[1] == Failure(
        "InstanceError", "a row to explain must have 5 columns, as the training data; got shape (2,)."
    )
    with pytest.raises(InstanceError, match=r"must have 5 columns") as caught:
        EXPLAINER.explain_many(mixed, plain, **FEW)
    assert caught.value.__notes__ == ["This was instance 1."]


def test_a_model_that_always_raises_fails_every_instance():
    def model(rows):
        raise RuntimeError(f"no room for {len(rows)} rows")

    explanations = EXPLAINER.explain_many(ROWS[:70], model, on_error="keep", **FEW)
    assert len(explanations.failures) == 70
    assert {failure.error for failure in explanations.failures.values()} == {"ModelError"}


def test_errors_come_from_other_threads_and_processes_as_they_are():
    for engine in ("threads", "processes"):
        with pytest.raises(ModelError, match="no such row") as caught:
            EXPLAINER.explain_many(OUTSIDE[:4], raising, engine=engine, n_jobs=2, **FEW)
        assert caught.value.__notes__ == ["This was instance 1."]


class AtOnce:
    """An executor's `submit`, whose workers do everything at once, when so many tasks are there."""

    def __init__(self, count):
        self.count, self.tasks = count, []

    def __call__(self, function, *arguments):
        self.tasks.append((Future(), function, arguments))
        for future, function, arguments in self.tasks if len(self.tasks) == self.count else ():
            try:
                future.set_result(function(*arguments))
            except ZeroDivisionError as error:
                future.set_exception(error)
        return self.tasks[-1][0]


def test_an_error_does_not_hide_what_is_finished():
    finished = explain_in_executor(AtOnce(4), lambda number: 1 / number, [4, 2, 0, 1], 4)
    assert sorted(islice(finished, 3)) == [0.25, 0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(finished)


def test_what_is_finished_is_given_before_more_is_read():
    read = []

    def numbers():
        for number in (4, 2, 1):
            read.append(number)
            yield number

    finished = explain_in_executor(AtOnce(1), lambda number: 1 / number, numbers(), 4)
    assert next(finished) == 0.25
    assert read == [4]


def test_a_source_that_breaks_loses_nothing_that_was_read(tmp_path):
    def rows():
        yield from OUTSIDE
        raise ConnectionError("the line is dead")

    def slow(rows):
        time.sleep(0.05)
        return plain(rows)

    for engine in ("threads", "processes"):
        folder = tmp_path / engine
        with pytest.raises(ConnectionError, match="the line is dead"):
            EXPLAINER.explain_many(rows(), slow, engine=engine, n_jobs=2, chunk_size=2, checkpoint=folder, **FEW)
        assert len(list(folder.glob("part-*"))) == len(OUTSIDE) // 2


def test_an_instance_that_takes_too_long_is_a_failure(alone):
    def model(rows):
        if (rows[:, 0] > 7).any():
            time.sleep(600)
        return plain(rows)

    explanations = EXPLAINER.explain_many(OUTSIDE[:4], model, engine="processes", n_jobs=1, timeout=5, on_error="keep", **FEW)
    assert explanations.failures == {3: Failure("ModelError", "the explanation took longer than timeout=5 seconds.")}
    assert same(explanations[:3], alone[:3])


@pytest.mark.parametrize("timeout", [1e-9, 2e-6, 1e-5])
def test_however_short_a_timeout_is_it_is_no_error_of_its_own(timeout):
    for _ in range(5):
        with pytest.raises(ModelError, match="the explanation took longer than timeout="):
            run_in_time(timeout, lambda: time.sleep(5))


def test_a_long_timeout_is_as_good_as_none(alone):
    assert same(EXPLAINER.explain_many(OUTSIDE, plain, engine="processes", n_jobs=1, timeout=1e300, **FEW), alone)


def test_alarms_of_the_user_are_left_to_ring():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        assert run_in_time(5, lambda: "done") == "done"
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
        signal.raise_signal(signal.SIGALRM)
        assert rung == [True]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_model_that_does_not_heed_the_timeout_is_ended():
    def model(rows):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as compiled code that never comes back
        time.sleep(600)
        return plain(rows)

    start = time.monotonic()
    with pytest.raises(EngineError, match="not stopped at timeout="):
        EXPLAINER.explain_many(OUTSIDE, model, engine="processes", n_jobs=1, timeout=0.5, on_error="keep", **FEW)
    assert time.monotonic() - start < 60
