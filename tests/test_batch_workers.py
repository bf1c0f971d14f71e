"""Worker processes: which of them another job may use, and what they can be sent."""

import importlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from helpers.batches import OUTSIDE, ROWS, one_by_one, plain, same

from limelight import TabularExplainer
from limelight.exceptions import ArgumentTypeError, InstanceError

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}


@pytest.fixture(scope="module")
def alone():
    """What each of the rows outside the training data, and of some within it, is explained with."""
    return one_by_one(EXPLAINER, OUTSIDE, plain, **FEW)


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are forked")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_its_workers():
    forked = get_context("fork").Process(target=EXPLAINER.explain_many, args=(OUTSIDE, plain), kwargs=IN_TWO)
    forked.start()
    forked.join(30)  # workers wait for a minute
    assert forked.exitcode == 0


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
    (tmp_path / "new_module.py").write_text("from helpers.batches import plain\ndef model(rows): return plain(rows)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert same(EXPLAINER.explain_many(OUTSIDE, importlib.import_module("new_module").model, **IN_TWO), alone)


def test_processes_know_code_as_it_is_now(tmp_path, monkeypatch, alone):
    file = tmp_path / "edited_module.py"
    file.write_text("from helpers.batches import plain\ndef model(rows): return 10 * plain(rows)\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("edited_module")
    EXPLAINER.explain_many(OUTSIDE, module.model, **IN_TWO)
    file.write_text("from helpers.batches import plain\n\ndef model(rows): return plain(rows)\n")
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


def test_a_model_that_other_processes_cannot_read_is_reported():
    class Reluctant:
        def __call__(self, rows):
            return plain(rows)

        def __reduce__(self):
            return int, ("no number",)

    with pytest.raises(ArgumentTypeError, match=r"cannot be read in other processes \(ValueError: .*no number"):
        EXPLAINER.explain_many(OUTSIDE, Reluctant(), **IN_TWO)
