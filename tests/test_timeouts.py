"""Instances that take too long: each is a failure, whatever the model makes of it, and nothing else is."""

import contextlib
import ctypes
import inspect
import itertools
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from helpers.batches import COLUMNS, OUTSIDE, REVIEWS, ROWS, of_texts, one_by_one, plain, same
from threadpoolctl import threadpool_info, threadpool_limits

from limelight import Explanations, Failure, TabularExplainer, TextExplainer
from limelight.batch import _timeouts
from limelight.batch._journal import Journal, find_explanations, find_stuck_instances, remove_journal
from limelight.batch._timeouts import run_in_time
from limelight.cli.main import _commands
from limelight.exceptions import ModelError

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}
TIMED = FEW | {"engine": "processes", "n_jobs": 1, "on_error": "keep"}


@pytest.fixture(scope="module")
def alone():
    return one_by_one(EXPLAINER, OUTSIDE, plain, **FEW)


@pytest.fixture
def new_processes(monkeypatch):
    """Processes that have imported nothing yet: those with another environment are not used."""
    monkeypatch.setenv("LIMELIGHT_TEST_PROCESSES", str(time.monotonic()))


@pytest.fixture
def slow_module(tmp_path, monkeypatch):
    """The name of a module that takes two seconds to import."""
    name = f"slow_module_{time.monotonic_ns()}"
    (tmp_path / f"{name}.py").write_text("import time\nfor _ in range(200):\n    time.sleep(0.01)\nfactor = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def is_outlier(rows):
    return (rows[:, 0] > 7).any()


def hang_in_compiled_code():
    """It waits for a lock that nothing releases, and holds Python's own: no signal's handler and no other thread can run."""
    lock, mutex = ctypes.PyDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(128)
    lock(mutex)
    lock(mutex)


def time_up(seconds):
    return Failure("ModelError", f"the explanation took longer than timeout={seconds:g} seconds.")


# --- what does not count -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("new_processes")
def test_healthy_instances_are_explained_by_processes_that_have_imported_nothing():
    rows = np.vstack([ROWS[:40], ROWS[:10] + 9])
    explanations = EXPLAINER.explain_many(rows, plain, **TIMED | {"n_jobs": 2}, timeout=1, chunk_size=5)
    assert explanations.failures == {}
    assert same(explanations, one_by_one(EXPLAINER, rows, plain, **FEW))


def test_what_a_model_imports_is_nobody_s_time(slow_module, alone):
    def model(rows):
        module = __import__(slow_module)
        return module.factor / 2 * plain(rows)

    assert same(EXPLAINER.explain_many(OUTSIDE, model, **TIMED, timeout=1), alone)


def test_an_import_is_never_broken_off(slow_module):
    assert run_in_time(0.2, lambda: __import__(slow_module)).factor == 2
    sys.modules.pop(slow_module)
    with pytest.raises(ModelError, match=r"longer than timeout=0\.2"):
        run_in_time(0.2, lambda: (__import__(slow_module), time.sleep(60)))
    assert sys.modules[slow_module].factor == 2


def test_an_import_that_fails_again_and_again_gives_no_time(tmp_path, monkeypatch):
    (tmp_path / "broken_module.py").write_text("raise ImportError\n")
    monkeypatch.syspath_prepend(tmp_path)

    def work():
        while True:
            with pytest.raises(ImportError):
                __import__("broken_module")
            time.sleep(0.01)

    start = time.monotonic()
    with pytest.raises(ModelError, match=r"longer than timeout=0\.2"):
        run_in_time(0.2, work)
    assert time.monotonic() - start < 5


def test_shared_rows_are_nobody_s_time():
    def model(rows):
        time.sleep(0.02 * len(rows))
        return plain(rows)

    rows = ROWS[:6]
    explanations = EXPLAINER.explain_many(rows, model, **TIMED, timeout=0.6)  # 100 shared rows take two seconds
    assert same(explanations, one_by_one(EXPLAINER, rows, plain, **FEW))


def test_a_model_that_hangs_on_shared_rows_has_their_time_once():
    def model(rows):
        if len(rows) > 50:
            time.sleep(600)
        return plain(rows)

    start = time.monotonic()
    explanations = EXPLAINER.explain_many(ROWS[:6], model, **TIMED, timeout=0.2)
    assert explanations.failures == dict.fromkeys(range(6), time_up(0.2))
    assert time.monotonic() - start < 20


class Slow:
    """A context that takes its time to leave."""

    is_left = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.is_left = True


def test_a_context_is_left_before_the_work_is_stopped():
    context = Slow()
    with pytest.raises(ModelError, match=r"longer than timeout=0\.1"):
        run_in_time(0.1, lambda: leave(context))
    assert context.is_left


def leave(context):
    with context:
        pass
    time.sleep(60)


def test_a_context_that_hangs_on_leaving_is_stopped(monkeypatch):
    monkeypatch.setattr(Slow, "__exit__", lambda *_: time.sleep(60))
    with pytest.raises(ModelError, match=r"longer than timeout=0\.1"):
        run_in_time(0.1, lambda: leave(Slow()))


def test_nothing_is_left_midway_wherever_the_work_is_stopped():
    """Explanations set the number of BLAS threads, keep drawn rows, import modules and fill caches."""
    generator = np.random.default_rng(9)
    explainer, texts = TabularExplainer(ROWS), TextExplainer()
    before = explainer.explain_instance(ROWS[0], plain), texts.explain_instance(REVIEWS[0], of_texts)

    def work():
        explainer.explain_instance(ROWS[generator.integers(200)] * generator.choice([1, 5]), plain)
        texts.explain_instance(REVIEWS[generator.integers(60)], of_texts)

    def count_threads():
        return {library["filepath"]: library["num_threads"] for library in threadpool_info()}

    num_stopped, end = 0, time.monotonic() + 3
    with threadpool_limits(2, "blas"):
        expected = count_threads()
        while time.monotonic() < end:
            try:
                run_in_time(generator.uniform(1e-4, 0.04), work)
            except ModelError:
                num_stopped += 1
            assert count_threads() == expected
    assert num_stopped > 5
    assert before == (explainer.explain_instance(ROWS[0], plain), texts.explain_instance(REVIEWS[0], of_texts))


# --- what the model makes of it ------------------------------------------------------------------------------------------


def goes_on(rows):
    """Catches the alarm and has an answer nevertheless."""
    if is_outlier(rows):
        try:
            time.sleep(600)
        except BaseException:
            return rows[:, 0]
    return plain(rows)


def says_something_else(rows):
    if is_outlier(rows):
        try:
            time.sleep(600)
        except BaseException:
            raise RuntimeError("no connection") from None
    return plain(rows)


def leaves(rows):
    if is_outlier(rows):
        try:
            time.sleep(600)
        finally:
            sys.exit("no connection")
    return plain(rows)


def tries_again(rows):
    while is_outlier(rows):
        with contextlib.suppress(BaseException):
            time.sleep(600)
    return plain(rows)


def never_comes_back(rows):
    if is_outlier(rows):
        hang_in_compiled_code()
    return plain(rows)


@pytest.mark.parametrize("model", [goes_on, says_something_else, leaves, tries_again, never_comes_back])
def test_an_instance_that_takes_too_long_is_a_failure_whatever_the_model_does(model, alone):
    explanations = EXPLAINER.explain_many(OUTSIDE[:4], model, **TIMED, timeout=1)
    assert explanations.failures == {3: time_up(1)}
    assert same(explanations[:3], alone[:3])


def test_nothing_is_explained_twice_when_a_process_is_ended(tmp_path):
    calls = tmp_path / "calls"

    def model(rows):
        if len(rows) == 1:  # an instance beside the shared rows
            with calls.open("a") as file:
                file.write(f"{rows[0, 0]}\n")
        return never_comes_back(rows)

    rows = np.vstack([ROWS[:2], OUTSIDE[3:4], ROWS[2:4], OUTSIDE[4:5], ROWS[4:6]])
    explanations = EXPLAINER.explain_many(rows, model, **TIMED, timeout=1)
    assert [*explanations.failures] == [2, 5]
    own = [number for number in range(8) if number not in (2, 5)]
    assert same(explanations[own], one_by_one(EXPLAINER, rows[own], plain, **FEW))
    asked = calls.read_text().split()
    assert all(asked.count(str(value)) == 1 for value in rows[own, 0])


def test_an_instance_at_which_a_process_is_ended_is_an_error_where_errors_are_not_kept():
    with pytest.raises(ModelError, match=r"longer than timeout=1 ") as caught:
        EXPLAINER.explain_many(OUTSIDE, never_comes_back, **TIMED | {"on_error": "raise"}, timeout=1)
    assert caught.value.__notes__ == ["This was instance 3."]


# --- before the job: the checkpoint and the command ----------------------------------------------------------------------


def test_a_first_instance_that_hangs_does_not_keep_a_checkpoint_from_beginning(tmp_path, alone):
    def model(rows):
        if (rows[:, 0] == OUTSIDE[0, 0]).any():
            hang_in_compiled_code()
        return plain(rows)

    explanations = EXPLAINER.explain_many(OUTSIDE[:3], model, **TIMED, timeout=1, checkpoint=tmp_path / "kept")
    assert explanations.failures == {0: time_up(1)}
    assert same(explanations[1:], alone[1:3])


def test_instances_that_were_stopped_are_tried_again_with_more_time(tmp_path, alone):
    calls = tmp_path / "calls"
    calls.touch()

    def model(rows):
        if is_outlier(rows) and not (tmp_path / "is_fast").exists():
            time.sleep(600)
        calls.write_text(calls.read_text() + "asked\n")
        return plain(rows)

    def explain(timeout):
        calls.write_text("")
        explanations = EXPLAINER.explain_many(
            OUTSIDE[:4], model, **TIMED, timeout=timeout, chunk_size=3, checkpoint=tmp_path / "kept"
        )
        return explanations, calls.read_text().count("asked")

    first, num_calls = explain(0.4)
    assert first.failures == {3: time_up(0.4)}
    (tmp_path / "is_fast").touch()
    for timeout in (0.4, 0.3):
        again, num_fewer_calls = explain(timeout)
        assert same(again, first)
        assert num_fewer_calls < num_calls
    assert same(explain(0.5)[0], alone[:4])


MODEL = """
import ctypes, time
{hang_in_compiled_code}
def model(frame):
    if (frame["real"] == {first}).any():
        {hang}
    return frame["real"] * 2
def of_texts(texts):
    if {text!r} in list(texts):
        {hang}
    return [float("fine" in text) for text in texts]
"""
PROCESSES = ("--engine", "processes", "--n-jobs", "2")


@pytest.mark.parametrize(
    ("hang", "is_text", "engine"),
    [
        ("time.sleep(600)", False, ()),
        ("hang_in_compiled_code()", True, ()),
        ("hang_in_compiled_code()", False, PROCESSES),
    ],
)
def test_the_command_goes_on_after_a_first_instance_that_hangs(hang, is_text, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "hanging", raising=False)
    frame = pd.DataFrame(COLUMNS)
    frame.to_parquet("train.parquet")
    frame[:5].to_csv("rows.csv", index=False)
    pd.DataFrame({"review": REVIEWS[:5]}).to_csv("texts.csv", index=False)
    source = inspect.getsource(hang_in_compiled_code)
    (tmp_path / "hanging.py").write_text(
        MODEL.format(first=COLUMNS["real"][0], text=REVIEWS[0], hang=hang, hang_in_compiled_code=source)
    )
    data = ("--text", "review", "--data", "texts.csv") if is_text else ("--train", "train.parquet", "--data", "rows.csv")
    model = "hanging:of_texts" if is_text else "hanging:model"
    arguments = ("--out", "out.parquet", "--num-samples", "64", "--timeout", "1", *engine)
    result = CliRunner().invoke(_commands(), ["explain", "--model", model, *data, *arguments])
    assert result.exit_code == 0, result.output
    assert "1 of 5 instances cannot be explained; number 0: ModelError: the explanation took longer" in result.stderr
    explanations = Explanations.load("out.parquet")
    assert explanations.failures == {0: time_up(1)}
    assert explanations[0].timeout == 1


# --- what outlives a process ---------------------------------------------------------------------------------------------


def test_failures_say_after_which_time_they_were_stopped():
    assert time_up(2.5).timeout == 2.5
    assert time_up(1e-7).timeout == 1e-7
    assert (
        Failure("ModelError", "the model raised OSError: the explanation took longer than timeout=2 seconds.").timeout is None
    )


def test_a_journal_goes_on_after_what_a_process_has_written(tmp_path):
    numbers = itertools.count()
    first = Journal(tmp_path, 0)
    assert [first.recall(number, lambda _: next(numbers), "stuck") for number in range(3)] == [0, 1, 2]
    with (tmp_path / "chunk-0").open("ab") as file:
        file.write(b"\x80\x05half")  # a process was killed while it wrote
    (tmp_path / "chunk-0.3.stuck").write_text("a traceback")
    assert find_stuck_instances(tmp_path)
    for _ in range(2):
        journal = Journal(tmp_path, 0)
        assert [journal.recall(number, lambda _: next(numbers), "stuck") for number in range(5)] == [0, 1, 2, "stuck", 3]
    assert not find_stuck_instances(tmp_path)
    assert find_explanations(tmp_path)
    remove_journal(tmp_path, 0)
    assert [*tmp_path.iterdir()] == []


class PickyError(ModelError):
    def __init__(self, number, reason):
        super().__init__(f"{reason} ({number})")


@pytest.mark.parametrize("kept", ["a generator", PickyError(3, "no reason")])
def test_what_cannot_be_written_down_is_found_again(kept, tmp_path):
    outcome = (letter for letter in "abc") if isinstance(kept, str) else kept
    for _ in range(2):
        assert Journal(tmp_path, 0).recall(0, lambda _: outcome, None) is outcome
    assert [*tmp_path.iterdir()] == []


def test_an_import_just_before_shared_rows_costs_an_instance_nothing(monkeypatch):
    """The alarm that the import has put off rings while the clock is stopped for shared rows."""
    clock = _timeouts._Clock(30.0, None, is_first=False)
    monkeypatch.setattr(clock, "_num_modules", 0)  # as if modules had been imported since it began
    users_handler = signal.signal(signal.SIGALRM, clock.ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 100.0)
        rings = iter([clock.ring])  # once, when the clock for shared rows begins
        monkeypatch.setattr(clock, "_guard", lambda _: [ring(signal.SIGALRM, None) for ring in itertools.islice(rings, 1)])
        monkeypatch.setattr(_timeouts.signal, "getitimer", lambda _: (0.01, 1.0))
        clock.begin_shared_work(10.0)
        monkeypatch.undo()
        clock.end_shared_work()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 29.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, users_handler)
