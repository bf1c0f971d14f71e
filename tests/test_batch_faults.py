"""What befalls long jobs: kills, dead workers, full disks. Nothing finished is lost, or done twice."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.batches import OUTSIDE, one_by_one, plain, same
from helpers.checkpoints import EXPLAINER, PARTS, explain, files, parts
from helpers.killed import CHUNKS, PAUSE, SIZE

from limelight.exceptions import CheckpointError, EngineError
from limelight.results.files import atomic_file

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def alone():
    return one_by_one(EXPLAINER, OUTSIDE, plain, num_samples=100)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


# --- kills ---------------------------------------------------------------------------------------------------------------


def test_a_job_killed_twenty_times_gives_the_same_bits_and_repeats_no_chunk(tmp_path, seed):
    moments = np.random.default_rng(seed).uniform(0, 0.19, 20)
    moments *= min(1, CHUNKS * PAUSE / moments.sum())  # the last one before the end
    arguments = [sys.executable, "-W", "error", "-m", "helpers.killed", str(tmp_path), json.dumps(moments.tolist())]
    run = subprocess.run(arguments, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["ends"] == [-signal.SIGKILL] * 20 + [0]
    assert report["repeated"] == []
    assert report["same"]
    assert report["progress"] == sorted(report["progress"])
    assert report["progress"][-1] == CHUNKS * SIZE
    assert not list((tmp_path / "parts").glob(".*"))


def test_what_a_kill_leaves_behind_is_no_hindrance(folder, alone):
    folder.mkdir()
    for name in (".about.json.77-1.unfinished", ".part-000000000-0123456789abcdef.parquet.77-1.unfinished"):
        (folder / name).write_bytes(b"half of it")
    assert same(explain(folder), alone)
    assert parts(folder) == PARTS


class Deadly:
    """A model whose process dies when it is asked about a row, but only once."""

    def __init__(self, row, mark):
        self.row = row
        self.mark = mark

    def __call__(self, rows):
        if (rows[:, 0] == self.row[0]).any() and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(rows)


def test_after_a_worker_is_killed_the_same_call_goes_on(folder, tmp_path, alone):
    def call():
        return explain(folder, Deadly(OUTSIDE[6], tmp_path / "mark"), engine="processes", n_jobs=1)

    with pytest.raises(EngineError, match=r"a worker process has died .* instances: \d+ to \d+.* With checkpoint=, "):
        call()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    assert 1 <= len(before) <= 3
    assert same(call(), alone)
    assert parts(folder) == PARTS
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def living(group):
    """How many processes of a group have not ended; where the system says so in files."""
    found = [path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return sum(int(own) == group and state != "Z" for state, _, own, *_ in found)


def test_ctrl_c_stops_workers_as_well_and_keeps_what_is_done(tmp_path):
    code = f"""
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs have not
from helpers.batches import ROWS, plain
from limelight import TabularExplainer
from limelight.exceptions import Interrupted
def model(rows):
    time.sleep(0.05)
    return plain(rows)
def rows():
    for number in range(10_000):
        if number == 40:
            print("begun", flush=True)
        yield ROWS[number % 200]
try:
    TabularExplainer(ROWS).explain_many(rows(), model, n_jobs=2, chunk_size=2, num_samples=50, checkpoint={str(tmp_path)!r})
except Interrupted as stop:
    print(len(stop.explanations))
"""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a terminal's jobs have
    )
    assert process.stdout.readline() == "begun\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 0
    assert int(out) == 2 * len(list(tmp_path.glob("part-*"))) >= 30
    deadline = time.monotonic() + 20
    while living(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not living(process.pid)


class Interrupter:
    """A trace function that raises KeyboardInterrupt at one of the steps that a job takes in these files."""

    files = (
        "_run.py",
        "_handout.py",
        "_checkpoint.py",
        "_fingerprint.py",
        "_folder_lock.py",
        "_probes.py",
        "_job.py",
        "_engines.py",
        "_workers.py",
        "parquet.py",
    )

    def __init__(self, step):
        self.step, self.steps = step, 0

    def __call__(self, frame, *_):
        file = Path(frame.f_code.co_filename)
        return self.count if file.name in self.files and "limelight" in file.parts else None

    def count(self, *_):
        self.steps += 1
        if self.steps == self.step:
            raise KeyboardInterrupt
        return self.count


def interrupted(folder, engine, step):
    """The explanations of a job that is interrupted at a step, or of a whole one; and how many steps there were."""
    interrupter, before = Interrupter(step), sys.gettrace()
    sys.settrace(interrupter)
    try:
        return explain(folder, engine=engine, n_jobs=2), interrupter.steps
    except KeyboardInterrupt as stop:  # without explanations where the job had not begun, or had ended
        return getattr(stop, "explanations", None), interrupter.steps
    finally:
        sys.settrace(before)


# An interrupted pyarrow.parquet.ParquetWriter complains that its file is closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_wherever_ctrl_c_comes_the_error_has_what_the_folder_has(engine, tmp_path, seed, alone):
    """Not one row less, even where a part was written and not noted yet, and not one more."""
    _, count = interrupted(tmp_path / "whole", engine, None)
    for step in np.random.default_rng(seed).choice(np.arange(1, count + 1), 40, replace=False):
        folder = tmp_path / str(step)
        explanations, _ = interrupted(folder, engine, step)
        if explanations is not None:
            assert same(explanations, [alone[item] for item in explanations.items])
            assert len(explanations) == 2 * len(list(folder.glob("part-*")))
        assert same(explain(folder), alone)


# --- full disks ----------------------------------------------------------------------------------------------------------


class Full:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, room):
        self.file = file
        self.room = room

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("room", [0, 3, 5000])
def test_files_that_cannot_be_written_whole_are_not_there(room, folder, alone, monkeypatch):
    opened = iter(range(100))
    open_file = Path.open

    def open_some(path, mode="r", *arguments, **options):
        file = open_file(path, mode, *arguments, **options)
        return Full(file, room) if mode == "wb" and next(opened) == 3 else file

    monkeypatch.setattr(Path, "open", open_some)
    with pytest.raises(CheckpointError, match=r"cannot be written: .*No space left.* The 2 chunks in it are complete"):
        explain(folder)
    assert parts(folder) == PARTS[:2]
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert same(explain(folder), alone)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


@pytest.mark.parametrize("step", ["os.replace", "os.fsync"])
def test_a_disk_that_fills_up_in_between(step, folder, alone, monkeypatch):
    explain(folder, instances=OUTSIDE[:4])
    with monkeypatch.context() as patch:
        patch.setattr(step, no_space)
        with pytest.raises(CheckpointError, match=r"No space left.* The 2 chunks in it are complete; the same call continues"):
            explain(folder)
        assert parts(folder) == PARTS[:2]
    assert same(explain(folder), alone)


def test_a_disk_that_is_full_from_the_start(folder, monkeypatch):
    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(CheckpointError, match=r"checkpoint='.*' cannot be used: .*No space left"):
        explain(folder)
    assert files(folder) == []


SMALL_DISK = """
import os, subprocess, sys
from pathlib import Path
place = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
from helpers.checkpoints import explain, parts
from helpers.batches import ROWS
from limelight.exceptions import CheckpointError
folder = place / "checkpoint"
try:
    explain(folder, instances=ROWS[:40])
except CheckpointError as error:
    print(error)
print(len(parts(folder)))
subprocess.run(["mount", "-o", "remount,size=4m", place], check=True)
print(len(explain(folder, instances=ROWS[:40])), len(parts(folder)))
"""


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("unshare"), reason="needs Linux")
def test_a_disk_that_is_really_full(tmp_path):
    """A small file system in memory, which only this process sees."""
    allowed = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip("needs the right to mount a file system")
    arguments = ["unshare", "-rm", sys.executable, "-W", "error", "-c", SMALL_DISK, tmp_path]
    run = subprocess.run(arguments, cwd=HERE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    message, kept, done = run.stdout.splitlines()
    assert "No space left on device" in message
    assert f"The {kept} chunks in it are complete" in message
    assert 1 <= int(kept) < 20
    assert done == "40 20"


def test_no_room_for_what_workers_read(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(EngineError, match=r"cannot be written to .* for other processes to read: .*No space left"):
        EXPLAINER.explain_many(OUTSIDE, plain, n_jobs=2)
    assert files(tmp_path) == []


def test_a_file_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(OSError, match="No space left"), atomic_file(path) as file:
        file.write(b"after") and no_space()
    assert path.read_text() == "before"
    assert files(tmp_path) == ["file"]
