"""Two jobs in one folder: refused or continued rightly, one after the other, at the same time, and after a kill."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from helpers.batches import same
from helpers.checkpoints import explain, files
from helpers.jobs import EXPLAINERS, all_jobs

from limelight import TextExplainer
from limelight.batch import _folder_lock
from limelight.exceptions import ArgumentError, CheckpointError, Interrupted

PAIRS = 50  # of each kind


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


# --- one after the other -------------------------------------------------------------------------------------------------


def stopped(instances, after):
    yield from itertools.islice(instances, after)
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", EXPLAINERS)
def test_of_two_jobs_in_a_folder_the_second_is_refused_or_right(kind, tmp_path, seed):
    rng = np.random.default_rng(seed)
    jobs = all_jobs(kind)
    alone = {}
    refused = 0
    for pair in range(PAIRS):
        first, second = rng.integers(0, len(jobs), 2) if pair % 5 else [rng.integers(0, len(jobs))] * 2
        folder, stop = tmp_path / str(pair), rng.integers(3, 9)
        job = jobs[first]
        with suppress(Interrupted):
            job._replace(instances=stopped(job.instances, stop)).run(kind, checkpoint=folder)
        assert [*folder.glob("part-*")]
        try:
            result = jobs[second].run(kind, checkpoint=folder)
        except ArgumentError as error:
            assert "Give another folder" in str(error)  # noqa: PT017
            assert first != second
            refused += 1
            continue
        if second not in alone:
            alone[second] = jobs[second].run(kind)
        assert same(result, alone[second])
    assert 0.5 * PAIRS < refused < PAIRS


# --- at the same time ----------------------------------------------------------------------------------------------------

TOGETHER = textwrap.dedent(
    """
    import sys, time
    from helpers.batches import ROWS, bits
    from limelight import TabularExplainer
    from limelight.exceptions import CheckpointError

    factor = float(sys.argv[1])

    def model(rows):
        time.sleep(0.01)
        return factor * rows[:, 0]

    explainer = TabularExplainer(ROWS)
    alone = explainer.explain_many(ROWS[:12], model, num_samples=64)
    print("ready", flush=True)
    for folder in sys.stdin:
        try:
            explanations = explainer.explain_many(
                ROWS[:12], model, num_samples=64, chunk_size=1, checkpoint=folder.rstrip()
            )
        except CheckpointError as error:
            print("refused", error, flush=True)
        else:
            print("right" if list(map(bits, explanations)) == list(map(bits, alone)) else "mixed", flush=True)
    """
)


def environment(**more):
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]), **more}


def start(program, *arguments, **more):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment(**more), **pipes)


def test_two_processes_at_once(tmp_path):
    processes = [start(TOGETHER, factor) for factor in (1, 3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for attempt in range(6):
        for process in processes[:: 1 if attempt % 2 else -1]:
            process.stdin.write(f"{tmp_path / str(attempt)}\n")
            process.stdin.flush()
        outcomes = sorted(process.stdout.readline() for process in processes)
        assert [outcome.split()[0] for outcome in outcomes] == ["refused", "right"]
        assert re.search(r"is in use by another job.*\. Wait until it has ended, or give another folder\.", outcomes[0])
    for process in processes:
        assert process.communicate(timeout=60) == ("", "")


def test_another_job_may_begin_while_the_folder_is_looked_at(folder, tmp_path, monkeypatch):
    finished = explain(tmp_path / "finished")
    folder.mkdir()
    listed = Path.iterdir

    def begin_and_list(path):
        if path == folder:
            shutil.copytree(tmp_path / "finished", folder, dirs_exist_ok=True)
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", begin_and_list)
    assert same(explain(folder), finished)


def test_two_threads_at_once(folder):
    inside, go_on = threading.Event(), threading.Event()

    def slow(texts):
        inside.set()
        assert go_on.wait(30)
        return [len(text) for text in texts]

    results = []
    explainer = TextExplainer()
    thread = threading.Thread(
        target=lambda: results.append(explainer.explain_many(["one text"], slow, num_samples=4, checkpoint=folder))
    )
    thread.start()
    assert inside.wait(30)
    try:
        with pytest.raises(CheckpointError, match="is in use by another job"):
            explainer.explain_many(["one text"], lambda texts: [1.0 for _ in texts], num_samples=4, checkpoint=folder)
    finally:
        go_on.set()
        thread.join()
    assert len(results[0]) == 1
    assert ".lock" not in files(folder)


def test_a_job_within_a_job(folder):
    """The second one is refused, and the first one goes on."""

    def model(texts):
        if not caught:
            caught.append(None)
            with pytest.raises(CheckpointError, match="is in use"):
                TextExplainer().explain_many(texts, len, checkpoint=folder)
        return [len(text) for text in texts]

    caught = []
    assert len(TextExplainer().explain_many(["one text", "two texts"], model, num_samples=4, checkpoint=folder)) == 2
    assert len(caught) == 1


def test_where_there_are_no_locks(folder, monkeypatch):
    """Jobs are told apart all the same."""

    def flock(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(_folder_lock.fcntl, "flock", flock)
    with pytest.warns(RuntimeWarning, match="is on a file system without locks: make sure that one job at a time uses it"):
        explanations = explain(folder)
    with pytest.warns(RuntimeWarning, match="without locks"):
        assert same(explain(folder), list(explanations))
    with pytest.warns(RuntimeWarning, match="without locks"), pytest.raises(ArgumentError, match="random_state"):
        TextExplainer(random_state=3).explain_many(["a b"], lambda texts: [1.0 for _ in texts], checkpoint=folder)


# --- after a kill --------------------------------------------------------------------------------------------------------

KILLED = textwrap.dedent(
    """
    import os, sys, time
    from helpers.batches import ROWS, bits
    from limelight import TabularExplainer

    folder, forks = sys.argv[1], sys.argv[2] == "forks"

    def model(rows):
        if forks and (rows[:, 0] == ROWS[4, 0]).any() and os.fork() == 0:
            time.sleep(30)  # the parent is dead long before
            os._exit(0)
        if forks is not None and (rows[:, 0] == ROWS[4, 0]).any():
            print("here", flush=True)
            time.sleep(30)
        return rows[:, 0] - rows[:, 1] ** 2

    TabularExplainer(ROWS).explain_many(ROWS[:8], model, num_samples=64, chunk_size=2, checkpoint=folder)
    """
)


@pytest.mark.parametrize("forks", ["forks", "alone"])
def test_a_killed_job_leaves_no_lock(forks, folder):
    """Nor does a process that it forked, and that lives on."""
    from helpers.batches import ROWS, one_by_one

    from limelight import TabularExplainer

    def model(rows):
        return rows[:, 0] - rows[:, 1] ** 2

    def call():
        return explainer.explain_many(ROWS[:8], model, num_samples=64, chunk_size=2, checkpoint=folder)

    explainer = TabularExplainer(ROWS)
    process = start(KILLED, folder, forks)
    try:
        assert process.stdout.readline() == "here\n", process.communicate(timeout=5)
        with pytest.raises(CheckpointError, match=rf"is in use by another job \(process {process.pid} on "):
            call()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ".lock" in files(folder)
    assert same(call(), one_by_one(explainer, ROWS[:8], model, num_samples=64))
    assert ".lock" not in files(folder)
    process.stdout.close()
    process.stdin.close()
    process.stderr.close()
