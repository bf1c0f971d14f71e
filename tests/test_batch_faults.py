"""What befalls long jobs: kills, full disks, dead workers, other people's folders. Nothing finished is lost, or done twice."""

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
from batches import OUTSIDE, ROWS, Counter, one_by_one, plain, same
from killed import CHUNKS, PAUSE, SIZE
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, TabularExplainer, TextExplainer
from limelight._errors import ArgumentError, ArgumentTypeError, CheckpointError, EngineError, Interrupted, ModelError
from limelight._parquet import whole_file

HERE = Path(__file__).parent
EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100, "chunk_size": 2}
PARTS = [f"part-{number:09}-" for number in range(4)]


@pytest.fixture(scope="module")
def alone():
    return one_by_one(EXPLAINER, OUTSIDE, plain, num_samples=100)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


def explain(folder, model=plain, instances=OUTSIDE, explainer=EXPLAINER, **arguments):
    return explainer.explain_many(instances, model, checkpoint=folder, **{**FEW, **arguments})


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def parts(folder):
    """The beginnings of the names of what is in a sound folder, but for what says whose it is."""
    about, *names = files(folder)
    assert about == "about.json"
    return [name[:15] for name in names]


# --- kills ---------------------------------------------------------------------------------------------------------------


def test_a_job_killed_twenty_times_gives_the_same_bits_and_repeats_no_chunk(tmp_path):
    moments = np.random.default_rng(int(time.time())).uniform(0, 0.19, 20)
    moments *= min(1, CHUNKS * PAUSE / moments.sum())  # the last one before the end
    arguments = [sys.executable, "-W", "error", str(HERE / "killed.py"), str(tmp_path), json.dumps(moments.tolist())]
    run = subprocess.run(arguments, capture_output=True, text=True, check=False)
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

    with pytest.raises(EngineError, match=r"a worker process has died, .* instances: \d+ to \d+.* With checkpoint= "):
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
from batches import ROWS, plain
from limelight import TabularExplainer
from limelight._errors import Interrupted
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


# --- the same call again -------------------------------------------------------------------------------------------------


def test_what_is_finished_is_not_explained_again(folder, alone):
    first, second = Counter(plain), Counter(plain)
    assert same(explain(folder, first), alone)
    written = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert same(explain(folder, second), alone)
    assert sum(second.sizes) <= 64  # to know the model again
    assert sum(first.sizes) > 4 * sum(second.sizes)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == written


def test_other_ways_of_doing_the_same_go_on(folder, alone):
    def stopped(after):
        yield from [*OUTSIDE, *OUTSIDE][:after]
        raise KeyboardInterrupt

    for after in (11, 0, 5):
        with pytest.raises(Interrupted) as caught:
            explain(folder, instances=stopped(after))
        assert same(caught.value.explanations, [*alone, *alone[:2]] if after == 11 else [])
    assert parts(folder) == [*PARTS, "part-000000004-"]
    again = explain(folder, engine="threads", n_jobs=2, batch_size=50, on_error="keep", instances=[*OUTSIDE, *OUTSIDE])
    assert same(again, alone * 2)
    assert same(explain(folder, instances=iter(OUTSIDE)), alone)


def test_after_an_instance_that_cannot_be_explained_the_same_call_goes_on(folder, alone):
    def model(rows):
        if (rows[:, 0] == OUTSIDE[4, 0]).any() and broken:
            raise ValueError("for now")
        return plain(rows)

    broken = True
    with pytest.raises(Exception, match="for now"):
        explain(folder, model)
    assert parts(folder) == PARTS[:2]
    kept = explain(folder, model, on_error="keep")
    assert [*kept.failures] == [4]
    broken = False
    assert [*explain(folder, model, on_error="keep").failures] == [4]  # what is in the folder stays
    assert same(kept[:4], alone[:4])
    assert same(explain(folder, model), alone)  # but where failures are not kept


def test_only_the_instances_of_this_call_are_given(folder, alone):
    explain(folder)
    assert same(explain(folder, instances=OUTSIDE[:4]), alone[:4])
    assert len(explain(folder, instances=[])) == 0
    assert same(explain(folder, instances=[*OUTSIDE, *OUTSIDE]), alone * 2)


class Words:
    """Components that keep how often they were put together."""

    def __init__(self, text):
        self.names = text.split()
        self.composed = 0

    def compose(self, masks):
        self.composed += 1
        return [" ".join(np.array(self.names)[mask > 0]) for mask in masks]


def test_instances_may_change_while_they_are_explained(folder):
    def model(batch):
        return [text.startswith("fine") for text in batch]

    def words():
        return [Words("fine soup"), Words("cold bread and fine soup")]

    first = explain(folder, model, words(), ComponentsExplainer(), chunk_size=1)
    assert same(explain(folder, model, words(), ComponentsExplainer(), chunk_size=1), first)


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
    with pytest.raises(CheckpointError, match=r"cannot be written: .*No space left.* The 2 chunks in it are whole"):
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
        with pytest.raises(CheckpointError, match=r"No space left.* The 2 chunks in it are whole; the same call goes on"):
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
from test_batch_faults import explain, parts
from batches import ROWS
from limelight._errors import CheckpointError
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
    said, kept, done = run.stdout.splitlines()
    assert "No space left on device" in said
    assert f"The {kept} chunks in it are whole" in said
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
    with pytest.raises(OSError, match="No space left"), whole_file(path) as file:
        file.write(b"after") and no_space()
    assert path.read_text() == "before"
    assert files(tmp_path) == ["file"]


# --- other people's folders, and damaged ones ----------------------------------------------------------------------------


def narrow(distances, width):
    return np.exp(-((distances / width) ** 4))


KERNELS = [lambda distances, width: np.exp(-distances / width), lambda distances, width: np.exp(-2 * distances / width)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"num_features": 3}, r"other arguments: num_features was 'None' and is '3'\. Give another folder"),
        ({"num_samples": 200}, "other arguments: num_samples was '100' and is '200'"),
        ({"chunk_size": 3}, "other arguments: chunk_size was '2' and is '3'"),
        ({"model_regressor": Ridge(2.0)}, r"regressor was 'None' and is 'Ridge\(alpha=2.0\)'"),
        ({"labels": [0]}, r"labels was 'None' and is '\(0,\)'"),
        ({"explainer": TabularExplainer(ROWS, random_state=1)}, "random_state was '0' and is '1'"),
        ({"explainer": TabularExplainer(ROWS, class_names=["price"])}, "class_names was 'None'"),
        ({"explainer": TabularExplainer(ROWS, kernel=narrow)}, "kernel was 'None' and is 'narrow'"),
        (
            {"explainer": TabularExplainer(ROWS[:100])},
            "another model, explainer or training data: what the model answers differs",
        ),
        (
            {"explainer": TabularExplainer(ROWS, sampler="around")},
            "another model, explainer or training data: what",
        ),
        ({"explainer": TabularExplainer(ROWS, discretizer="decile")}, "another model, explainer or training data: what"),
        (
            {"explainer": TabularExplainer(ROWS, feature_names=list("abcde"))},
            r"other names of features or outputs: 'x0 > .*' is 'a > .*' now\. Give another folder",
        ),
        ({"model": lambda rows: plain(rows) + 1e-4}, "another model, explainer or training data: what"),
        ({"model": lambda rows: np.column_stack([plain(rows)] * 2)}, "another model"),
        ({"instances": OUTSIDE[::-1]}, "was made for other instances: the first one differs"),
        ({"instances": np.vstack([OUTSIDE[:3], OUTSIDE[:5]])}, "was made for other instances: numbers 2 to 3 differ"),
        ({"instances": OUTSIDE[:7]}, "was made for other instances: numbers 6 to 6 differ"),
    ],
)
def test_folders_of_other_jobs_are_refused(changed, said, folder):
    explain(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ArgumentError, match=said):
        explain(folder, **changed)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_kernels_of_the_same_name_are_told_from_each_other(folder):
    explain(folder, explainer=TabularExplainer(ROWS, kernel=KERNELS[0]))
    with pytest.raises(
        ArgumentError, match="was made with another explainer or regressor: the first instance's weights differ"
    ):
        explain(folder, explainer=TabularExplainer(ROWS, kernel=KERNELS[1]))


class Kernel:
    """One whose repr says nothing but where it lies in memory."""

    def __call__(self, distances, width):
        return narrow(distances, width)


def test_where_a_kernel_lies_in_memory_does_not_matter(folder):
    explainers = [TabularExplainer(ROWS, kernel=Kernel()) for _ in range(2)]
    first = explain(folder, explainer=explainers[0])
    assert same(explain(folder, explainer=explainers[1]), first)


def test_models_that_answer_a_little_differently_each_time_go_on(folder, alone):
    explain(folder, instances=OUTSIDE[:4])
    noisy = explain(folder, lambda rows: plain(rows) * (1 + 1e-9))
    assert same(noisy[:4], alone[:4])
    assert not same(noisy[4:], alone[4:])


def test_the_model_is_known_by_the_first_instance_that_can_be_explained(folder):
    texts = ["", "...", "fine soup", "cold soup"]
    explainer = TextExplainer()
    explain(folder, lambda batch: ["fine" in text for text in batch], texts, explainer, on_error="keep")
    with pytest.raises(ArgumentError, match="another model"):
        explain(folder, lambda batch: ["soup" in text for text in batch], texts, explainer, on_error="keep")


def test_an_instance_that_takes_too_long_does_not_keep_a_job_from_beginning(folder, alone):
    def model(rows):
        if (rows[:, 0] == OUTSIDE[0, 0]).any():
            time.sleep(600)
        return plain(rows)

    for _ in range(2):
        explanations = explain(folder, model, OUTSIDE[:2], engine="processes", n_jobs=1, timeout=2, on_error="keep")
        assert [*explanations.failures] == [0]
        assert same(explanations[1:], alone[1:2])


def test_instances_that_cannot_be_pickled_are_told(folder):
    class Stuck:
        names = ("a", "b")

        def __reduce__(self):
            raise TypeError("it holds a lock")

    with pytest.raises(ArgumentTypeError, match="such as can be pickled to be kept in a checkpoint: it holds a lock"):
        explain(folder, instances=[Stuck()], on_error="keep")


def test_a_model_that_is_mended_before_anything_is_finished_may_use_the_folder(folder, alone):
    def broken(rows):
        raise RuntimeError(f"no key; {len(rows)} rows")

    with pytest.raises(ModelError, match="no key"):
        explain(folder, broken)
    assert parts(folder) == []
    assert same(explain(folder), alone)
    with pytest.raises(ArgumentError, match="another model"):
        explain(folder, lambda rows: plain(rows) + 1)


def test_equal_instances_are_the_same_however_they_lie_in_memory(folder, alone):
    assert same(explain(folder, instances=np.ascontiguousarray(OUTSIDE)), alone)
    assert same(explain(folder, instances=np.asfortranarray(OUTSIDE)), alone)
    once = folder.parent / "once"
    row = tuple(ROWS[0].tolist())
    first = explain(once, instances=[row] * 4)
    assert same(explain(once, instances=[tuple(ROWS[0].tolist()) for _ in range(4)]), first)


def test_a_file_of_the_same_name_is_not_overwritten(folder):
    folder.mkdir()
    (folder / "about.json").write_text('{"name": "my page"}')
    with pytest.raises(CheckpointError, match="is damaged"):
        explain(folder)
    assert (folder / "about.json").read_text() == '{"name": "my page"}'


def test_folders_with_other_things_are_refused(folder):
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ArgumentError, match="holds other files; give a folder that is new, or empty"):
        explain(folder)
    assert files(folder) == ["thesis.tex"]
    with pytest.raises(CheckpointError, match=r"cannot be used: .*File exists"):
        explain(folder / "thesis.tex")
    with pytest.raises(CheckpointError, match=r"cannot be used: .*Not a directory"):
        explain(folder / "thesis.tex" / "checkpoint")


@pytest.mark.parametrize("length", [0, 4, 400, -1])
def test_truncated_chunks_are_told(length, folder, alone):
    explain(folder)
    part = next(folder.glob("part-000000002-*"))
    whole = part.read_bytes()
    part.write_bytes(whole[:length])
    model = Counter(plain)
    with pytest.raises(CheckpointError, match=r"part-000000002-.* Delete it, and the same call explains its instances again\."):
        explain(folder, model)
    part.unlink()
    assert same(explain(folder), alone)
    assert part.read_bytes() == whole


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b'{"arguments": {"ran',
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"arguments": [], "first": "", "answers": [], "weights": [], "names": []}',
        b'{"arguments": {}, "first": "", "answers": [], "weights": [], "names": null}',
    ],
)
def test_damaged_notes_are_told(contents, folder):
    explain(folder)
    (folder / "about.json").write_bytes(contents)
    with pytest.raises(CheckpointError, match=r"'.*about\.json' is damaged .* Give another folder\."):
        explain(folder)
