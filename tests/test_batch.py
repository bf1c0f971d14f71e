"""Many instances: each explained as it would be alone, with fewer questions, in whatever way the work is done."""

import hashlib
import importlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from batches import CASES, IMAGES, OUTSIDE, REVIEWS, ROWS, Blocks, Counter, bits, of_images, of_texts, one_by_one, plain, same
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, Explanation, Failure, ImageExplainer, TabularExplainer, TextExplainer
from limelight._engines import in_time
from limelight._errors import (
    ArgumentError,
    ArgumentTypeError,
    EngineError,
    InstanceError,
    Interrupted,
    LabelError,
    ModelError,
    PredictionError,
)
from limelight._workers import as_finished
from limelight.modalities._rows import _Rows
from limelight.stages.prediction import _Memory

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}


@pytest.fixture(scope="module")
def alone():
    """What each of the rows outside the training data, and of some within it, is explained with."""
    return one_by_one(EXPLAINER, OUTSIDE, plain, **FEW)


# --- the same explanations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{}, {"num_samples": 300, "batch_size": 37}], ids=["auto", "300"])
@pytest.mark.parametrize("case", CASES)
def test_each_is_explained_as_it_would_be_alone(case, asked):
    explainer, instances, model, arguments = CASES[case]()
    together = explainer.explain_many(instances, model, chunk_size=5, **arguments, **asked)
    assert same(together, one_by_one(explainer, instances, model, **arguments, **asked))


def test_shortcuts_of_models_change_nothing():
    explainer, texts, model, _ = CASES["text pipeline"]()
    plainly = TextExplainer(shortcuts=False).explain_many(texts, model)
    for one, other in zip(explainer.explain_many(texts, model), plainly, strict=True):
        assert dict(one.as_list()) == pytest.approx(dict(other.as_list()))


def test_chunks_and_order_change_nothing(alone):
    for size in (1, 3, 1000):
        assert same(EXPLAINER.explain_many(OUTSIDE, plain, chunk_size=size, **FEW), alone)
    order = np.random.default_rng(1).permutation(len(OUTSIDE))
    shuffled = EXPLAINER.explain_many(OUTSIDE[order], plain, chunk_size=3, **FEW)
    assert same(shuffled, [alone[i] for i in order])
    assert shuffled.items.tolist() == list(range(len(OUTSIDE)))


def test_threads_and_processes_change_nothing(alone):
    threads = EXPLAINER.explain_many(OUTSIDE, plain, engine="threads", n_jobs=3, chunk_size=1, **FEW)
    assert same(threads, alone)
    far = 2.0
    rows = (row for row in OUTSIDE)  # neither generators nor lambdas can be pickled
    processes = EXPLAINER.explain_many(rows, lambda x: far / 2 * plain(x), n_jobs=2, chunk_size=1, **FEW)
    assert same(processes, alone)
    assert processes.items.tolist() == list(range(len(OUTSIDE)))


def wide_digest():
    """Of explanations whose matrix products are large enough for several threads."""
    rows = np.random.default_rng(0).normal(size=(300, 40))
    explainer = TabularExplainer(rows, sampler="around")
    explanations = explainer.explain_many(rows[:3], lambda x: x[:, 0] * x[:, 1] + x[:, 5], num_features=6, num_samples=5000)
    return hashlib.sha256("".join(map(bits, explanations)).encode()).hexdigest()


def test_threads_of_blas_change_nothing():
    code = "from test_batch import wide_digest; print(wide_digest())"
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    several = dict.fromkeys(single, "2")
    digests = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | threads,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in (single, several)
    ]
    assert digests == [f"{wide_digest()}\n"] * 2


# --- fewer questions -----------------------------------------------------------------------------------------------------


def test_shared_rows_are_asked_about_once():
    model = Counter(plain)
    explanations = EXPLAINER.explain_many(ROWS, model, num_samples=500, chunk_size=100)
    assert sum(model.sizes) == 499 + len(ROWS)
    assert len(model.sizes) <= 1 + 4  # 64 of a chunk at a time
    assert {explanation.num_inputs for explanation in explanations} == {500}


def test_shared_rows_are_asked_about_once_while_budgets_grow():
    model = Counter(plain)
    explanations = EXPLAINER.explain_many(ROWS[:100], model)
    longest = max(explanation.num_inputs for explanation in explanations)
    assert min(explanation.num_inputs for explanation in explanations) < longest
    assert sum(model.sizes) == longest - 1 + 100


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_model_gets_no_more_inputs_than_it_may(size):
    for case in ("arrays", "outside", "texts", "images", "sparse"):
        explainer, instances, model, _ = CASES[case]()
        counter = Counter(model)
        explainer.explain_many(instances, counter, num_samples=100, batch_size=size)
        assert max(counter.sizes) <= size
        if case != "sparse":  # whose rows have columns of their own
            full = sum(one == size for one in counter.sizes)
            assert full >= sum(counter.sizes) // size - 2, case


@pytest.mark.parametrize("rows", [[0], [3], [0, 1, 2], [4, 5], [1, 2, 0], [1, 0, 2], [1, 4, 3], [2, 0, 0, 9], [5, 4]])
def test_rows_are_made_in_the_order_in_which_they_are_asked_about(rows):
    drawn = np.arange(30.0).reshape(10, 3)
    wanted = [[-1.0] * 3 if row == 0 else drawn[row - 1].tolist() for row in rows]
    assert _Rows(np.full(3, -1.0), drawn).take(np.array(rows)).tolist() == wanted


def test_texts_and_images_are_asked_about_side_by_side():
    texts = [f"one fine word {i}" for i in range(20)]
    model = Counter(of_texts)
    TextExplainer().explain_many(texts, model)
    assert model.sizes == [20 * 16]
    model = Counter(of_images)
    ImageExplainer(segmentation="grid").explain_many(IMAGES, model, num_samples=64)
    assert model.sizes == [6 * 64]


def test_batches_are_not_asked_about_shared_rows_once_per_chunk_in_threads():
    model = Counter(plain)
    EXPLAINER.explain_many(ROWS, model, engine="threads", n_jobs=2, chunk_size=10, num_samples=500)
    assert sum(model.sizes) in (499 + len(ROWS), 2 * 499 + len(ROWS))  # one thread may have done all


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

    with pytest.raises(Interrupted, match=r"instances are explained; they are this error's .explanations") as caught:
        EXPLAINER.explain_many(endless(), model, engine=engine, n_jobs=2, chunk_size=4, **FEW)
    kept = caught.value.explanations
    assert len(kept) >= 4
    assert same(kept, [alone[i % len(alone)] for i in kept.items])


def test_what_is_stopped_midway_leaves_nothing_half_known(monkeypatch, alone):
    """As Ctrl-C in a notebook, after which the same function is used again."""
    function = EXPLAINER.frame_function(plain, **FEW)
    frame = pd.DataFrame(OUTSIDE)
    add = _Memory._add

    def add_and_stop(memory, answers):
        add(memory, answers)
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
    assert re.match("memory does not suffice for this instance: Unable to allocate 3 TiB", explanations.failures[1].message)


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


class AtOnce(Executor):
    """Workers that do everything at once, when so many tasks are there."""

    def __init__(self, count):
        self.count, self.tasks = count, []

    def submit(self, function, *arguments):
        self.tasks.append((Future(), function, arguments))
        for future, function, arguments in self.tasks if len(self.tasks) == self.count else ():
            try:
                future.set_result(function(*arguments))
            except ZeroDivisionError as error:
                future.set_exception(error)
        return self.tasks[-1][0]


def test_an_error_does_not_hide_what_is_finished():
    finished = as_finished(AtOnce(4), lambda number: 1 / number, [4, 2, 0, 1], 4)
    assert sorted(islice(finished, 3)) == [0.25, 0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(finished)


def test_what_is_finished_is_given_before_more_is_read():
    read = []

    def numbers():
        for number in (4, 2, 1):
            read.append(number)
            yield number

    finished = as_finished(AtOnce(1), lambda number: 1 / number, numbers(), 4)
    assert next(finished) == 0.25
    assert read == [4]


def test_a_source_that_breaks_loses_nothing_that_was_read():
    def numbers():
        yield from (4, 2)
        raise ConnectionError("the line is dead")

    with ThreadPoolExecutor(1) as threads:
        finished = as_finished(threads, lambda number: time.sleep(0.1) or 1 / number, numbers(), 4)
        assert sorted(islice(finished, 2)) == [0.25, 0.5]
        with pytest.raises(ConnectionError, match="the line is dead"):
            next(finished)


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
            in_time(timeout, lambda: time.sleep(5))


def test_a_long_timeout_is_as_good_as_none(alone):
    assert same(EXPLAINER.explain_many(OUTSIDE, plain, engine="processes", n_jobs=1, timeout=1e300, **FEW), alone)


def test_alarms_of_the_user_are_left_to_ring():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        assert in_time(5, lambda: "done") == "done"
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
    with pytest.raises(EngineError, match="did not stop at timeout="):
        EXPLAINER.explain_many(OUTSIDE, model, engine="processes", n_jobs=1, timeout=0.5, on_error="keep", **FEW)
    assert time.monotonic() - start < 60


# --- progress ------------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_terminals_only(monkeypatch, capfd):
    EXPLAINER.explain_many(OUTSIDE, plain, verbose=True, **FEW)
    assert capfd.readouterr() == ("", "")
    for verbose in (True, False):
        monkeypatch.setattr(sys, "stderr", Terminal())
        EXPLAINER.explain_many(OUTSIDE, plain, verbose=verbose, chunk_size=2, **FEW)
        assert ("8/8" in sys.stderr.getvalue()) is verbose


# --- wrong arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_jobs": 0}, ArgumentError, "n_jobs must be a number of processes, or -1 for one a core; got 0"),
        ({"n_jobs": 1.5}, ArgumentError, "n_jobs must be a number"),
        ({"engine": "cluster"}, ArgumentError, "engine must be one of 'serial', .*; got 'cluster'"),
        ({"engine": ""}, ArgumentError, "engine must be one of"),
        ({"chunk_size": 0}, ArgumentError, "chunk_size must be an integer of at least 1"),
        ({"checkpoint": 5}, ArgumentTypeError, "checkpoint must be a folder's path; got 5"),
        ({"on_error": "ignore"}, ArgumentError, "on_error must be one of 'raise', 'keep'; got 'ignore'"),
        ({"timeout": 5}, ArgumentError, "timeout needs processes to stop: give engine=\"processes\", .*; got 'serial'"),
        ({"timeout": 0, "engine": "processes"}, ArgumentError, "timeout must be a finite number above 0"),
        ({"verbose": 1}, ArgumentTypeError, "verbose must be True or False"),
        ({"num_samples": 1}, ArgumentError, "num_samples must be an integer of at least 2"),
        ({"labels": 3}, LabelError, "label 3 cannot be explained: the model has 1 outputs"),
    ],
)
def test_wrong_arguments_are_told(arguments, error, message):
    with pytest.raises(error, match=message):
        EXPLAINER.explain_many(OUTSIDE, plain, **arguments)


def test_a_model_that_is_none_is_told_at_once():
    with pytest.raises(ArgumentTypeError, match="model must be a callable"):
        EXPLAINER.explain_many(OUTSIDE, "no model", on_error="keep")


def test_what_cannot_be_sent_to_processes_is_told():
    lock = threading.Lock()

    def model(rows):
        with lock:
            return plain(rows)

    with pytest.raises(ArgumentTypeError, match=r'cannot be sent to other processes .*engine="threads" or "serial"'):
        EXPLAINER.explain_many(OUTSIDE, model, n_jobs=2)
    with pytest.raises(ArgumentTypeError, match="instances cannot be sent to other processes"):
        TextExplainer().explain_many([lock, lock], of_texts, n_jobs=2)


def test_nothing_gives_nothing():
    for nothing in ([], iter(()), ROWS[:0]):
        assert len(EXPLAINER.explain_many(nothing, plain)) == 0
    assert len(TextExplainer().explain_many([], of_texts)) == 0
    assert REVIEWS


class Marking:
    """A model that leaves a file named after each process that asks it."""

    def __init__(self, folder, pause=0.0):
        self.folder, self.pause = folder, pause

    def __call__(self, rows):
        (self.folder / str(os.getpid())).touch()
        time.sleep(self.pause)
        return plain(rows)

    @property
    def processes(self):
        return [int(path.name) for path in self.folder.iterdir()]


IN_TWO = FEW | {"engine": "processes", "n_jobs": 2, "chunk_size": 1}


def test_processes_wait_for_another_job(tmp_path):
    """To start them takes seconds."""
    model = Marking(tmp_path)
    for _ in range(2):
        EXPLAINER.explain_many(OUTSIDE, model, **IN_TWO)
    assert 1 <= len(model.processes) <= 2


def test_processes_that_have_died_while_they_waited_are_replaced(tmp_path, alone):
    model = Marking(tmp_path)
    EXPLAINER.explain_many(OUTSIDE, model, **IN_TWO)
    for process in model.processes:
        os.kill(process, signal.SIGKILL)
    time.sleep(0.5)
    assert same(EXPLAINER.explain_many(OUTSIDE, model, **IN_TWO), alone)


def test_processes_have_the_environment_of_the_call_that_uses_them(tmp_path, monkeypatch, alone):
    def model(rows):
        return plain(rows) + float(os.environ.get("SHIFT", "0"))

    assert same(EXPLAINER.explain_many(OUTSIDE, model, **IN_TWO), alone)
    monkeypatch.setenv("SHIFT", "5")
    assert same(EXPLAINER.explain_many(OUTSIDE, model, **IN_TWO), one_by_one(EXPLAINER, OUTSIDE, model, **FEW))
    monkeypatch.delenv("SHIFT")
    (tmp_path / "new_module.py").write_text("from batches import plain\ndef model(rows): return plain(rows)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert same(EXPLAINER.explain_many(OUTSIDE, importlib.import_module("new_module").model, **IN_TWO), alone)


def test_processes_know_code_as_it_is_now(tmp_path, monkeypatch, alone):
    file = tmp_path / "edited_module.py"
    file.write_text("from batches import plain\ndef model(rows): return 10 * plain(rows)\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_module")
    EXPLAINER.explain_many(OUTSIDE, module.model, **IN_TWO)
    file.write_text("from batches import plain\n\ndef model(rows): return plain(rows)\n")
    importlib.reload(module)
    assert same(EXPLAINER.explain_many(OUTSIDE, module.model, **IN_TWO), alone)


def test_a_job_that_fails_leaves_others_alone(tmp_path, alone):
    (tmp_path / "slow").mkdir()
    (tmp_path / "failing").mkdir()
    slow, failing = Marking(tmp_path / "slow", pause=0.2), Marking(tmp_path / "failing")
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(EXPLAINER.explain_many, OUTSIDE, slow, **IN_TWO)
        while not slow.processes:
            time.sleep(0.01)
        with pytest.raises(InstanceError):
            EXPLAINER.explain_many([None, *OUTSIDE], failing, **IN_TWO)
        assert same(other.result(), alone)
    assert not {*slow.processes} & {*failing.processes}


def test_a_model_that_other_processes_cannot_read_is_told():
    class Reluctant:
        def __call__(self, rows):
            return plain(rows)

        def __reduce__(self):
            return int, ("no number",)

    with pytest.raises(ArgumentTypeError, match=r"cannot be read in other processes \(ValueError: .*no number"):
        EXPLAINER.explain_many(OUTSIDE, Reluctant(), **IN_TWO)
