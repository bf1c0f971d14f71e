"""Files that are written: whole or not at all, with the rights that they had; and what killed processes leave is cleaned up."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from helpers.samples import table

from limelight import Explanation, Explanations, TextExplainer
from limelight.batch import _scratch
from limelight.batch._scratch import scratch_folder
from limelight.exceptions import ArgumentError
from limelight.renderers.index import Entry, save_index
from limelight.results import files

MADE = table()
MANY = Explanations.of([MADE, MADE])
WRITERS = {
    "page.html": MADE.save_to_file,
    "picture.png": MADE.save_to_file,
    "picture.svg": MADE.save_to_file,
    "picture.pdf": MADE.save_to_file,
    "why.json": MADE.save,
    "all.parquet": MANY.save,
    "report.html": MANY.save_report,
    "index.html": lambda path: save_index(path, "Films", "What makes one good?", [Entry("One", "Two", "one.html", MADE)]),
}


@pytest.fixture
def fault(monkeypatch):
    """Writing fails at its end, as on a full disk, or is interrupted."""

    def fail_with(error):
        def fsync(_):
            raise error

        monkeypatch.setattr(files.os, "fsync", fsync)

    return fail_with


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "interrupted"])
@pytest.mark.parametrize("name", WRITERS)
def test_what_fails_leaves_the_old_file_and_nothing_else(name, error, fault, tmp_path):
    path = tmp_path / name
    fault(error)
    with pytest.raises(type(error)):
        WRITERS[name](path)
    assert os.listdir(tmp_path) == []
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        WRITERS[name](path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_rights_and_links_stay_what_they_are(name, tmp_path):
    target, link = tmp_path / "target", tmp_path / name
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    WRITERS[name](link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert len(target.read_bytes()) > 100
    assert sorted(os.listdir(tmp_path)) == sorted(["target", name])


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write every file")
def test_files_that_may_not_be_written_are_not_replaced(tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError):
        MADE.save_to_file(path)
    assert path.read_bytes() == b"old"


def test_files_that_may_not_be_written_are_refused(tmp_path, monkeypatch):
    """The same for root, who is allowed everything."""
    path = tmp_path / "page.html"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(PermissionError):
        MADE.save_to_file(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_long_names(tmp_path):
    path = tmp_path / f"{'é' * 120}.html"
    MADE.save_to_file(path)
    assert path.read_text(encoding="utf-8") == MADE.as_html()


def test_pipes_and_devices_are_written_to(tmp_path):
    pipe = tmp_path / "page.html"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    MADE.save_to_file(pipe)
    assert reader.communicate()[0].decode() == MADE.as_html()
    assert pipe.is_fifo()
    MADE.save_to_file("/dev/null", format="html")


# --- what killed processes leave -----------------------------------------------------------------------------------------

WRITE = """
import sys, time
from limelight.results.files import atomic_file

with atomic_file(sys.argv[1]) as file:
    file.write(b"new")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def start(code, *arguments, **options):
    """A program that has said its first word."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, **options)
    assert process.stdout.readline()
    return process


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_process_left_unfinished_is_cleaned_up_by_the_next(kill, tmp_path):
    path = tmp_path / "why.json"
    MADE.save(path)
    with start(WRITE, path) as killed, start(WRITE, tmp_path / "other.json") as living:
        killed.send_signal(kill)
        killed.wait()
        assert len(os.listdir(tmp_path)) == 3
        assert Explanation.load(path) == MADE
        (tmp_path / ".notes.unfinished").touch()
        (tmp_path / f".a.{killed.pid}-1.unfinished").mkdir()
        MADE.save(path)
        left = set(os.listdir(tmp_path))
        living.kill()
    assert {"why.json", ".notes.unfinished"} < left
    assert [name for name in left if f"{living.pid}-" in name]  # it is at work
    assert not [name for name in left if name.startswith(".why")]
    MADE.save_to_file(tmp_path / "why.html")
    assert not [name for name in os.listdir(tmp_path) if "other" in name]


def test_files_of_processes_elsewhere_are_left_alone(tmp_path, monkeypatch):
    """In a container with numbers of its own, a living process may have one that no process has here."""
    monkeypatch.setattr(files, "_is_running", lambda _: False)
    with start(WRITE, tmp_path / "other.json") as living:
        MADE.save(tmp_path / "why.json")
        assert len(os.listdir(tmp_path)) == 2
        living.kill()


JOB = """
import sys, time
import numpy as np
from limelight import TabularExplainer

rows = np.random.default_rng(0).normal(size=(100, 3))

def model(batch):
    time.sleep(0.2)
    return batch[:, 0]

if __name__ == "__main__":
    def chunks():
        yield from rows
        print("read", flush=True)
        time.sleep(60)
        yield rows[0]

    TabularExplainer(rows).explain_many(chunks(), model, engine="processes", n_jobs=2, num_samples=64, chunk_size=50)
"""


def jobs_in(folder):
    return [name for name in os.listdir(folder) if name.startswith("limelight-job-")]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_killed_job_left_in_the_temporary_folder_is_cleaned_up_by_the_next(kill, tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text(JOB)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout.readline() == "read\n"
        with scratch_folder():  # as long as the job lives, its folder stays
            assert len(jobs_in(temporary)) == 2
        killed.send_signal(kill)
        killed.wait()
    others = [temporary / "limelight-job-another", temporary / "limelight-x"]
    for other in others:
        other.mkdir()
    (others[1] / "job").touch()
    assert len(jobs_in(temporary)) == 2
    with scratch_folder() as folder:
        assert sorted(jobs_in(temporary)) == sorted([folder.name, "limelight-job-another"])
        assert others[1].exists()
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_only_what_is_not_locked_and_the_user_s_is_deleted(tmp_path, monkeypatch):
    mine, link, file = tmp_path / "mine", tmp_path / "link", tmp_path / "file"
    mine.mkdir()
    (mine / "job").touch()
    link.symlink_to(mine)
    file.touch()
    descriptor = os.open(mine, os.O_RDONLY)
    assert _scratch._lock(descriptor)
    for path in (mine, link, file):
        _scratch._delete_remnant(path)
    assert len(os.listdir(tmp_path)) == 3
    os.close(descriptor)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: -1)
        _scratch._delete_remnant(mine)
    _scratch._delete_remnant(link)
    assert mine.exists()
    _scratch._delete_remnant(mine)
    assert not mine.exists()


TERMINATED = """
import pathlib, time

calls = []

def model(texts):
    calls.append(len(texts))
    if len(calls) == 30:
        pathlib.Path("mark").touch()
    time.sleep(0.01)
    return [len(text) for text in texts]
"""


def test_the_command_line_keeps_what_is_done_when_it_is_told_to_end(tmp_path):
    (tmp_path / "slow.py").write_text(TERMINATED)
    (tmp_path / "texts.csv").write_text("text\n" + "".join(f"some words of text {i}\n" for i in range(20_000)))
    command = "from limelight.cli.main import main; main()"
    arguments = ["explain", "--model", "slow:model", "--text", "text", "--data", "texts.csv", "--out", "out.parquet"]
    options = ["--num-samples", "16", "--chunk-size", "2"]
    with subprocess.Popen([sys.executable, "-c", command, *arguments, *options], cwd=tmp_path, stderr=subprocess.PIPE) as told:
        while not (tmp_path / "mark").exists():
            assert told.poll() is None
            time.sleep(0.05)
        told.terminate()
        message = told.communicate()[1].decode()
    assert told.returncode == 130
    assert "Interrupted" in message
    assert len(Explanations.load(tmp_path / "out.partial.parquet")) > 0


def test_paths_with_a_nul_are_refused():
    for write in (
        lambda: MADE.save("a\0.json"),
        lambda: MADE.save_to_file("a\0.html"),
        lambda: MANY.save("a\0.parquet"),
        lambda: TextExplainer().explain_many(["a b"], lambda texts: [1.0] * len(texts), checkpoint="a\0"),
    ):
        with pytest.raises(ArgumentError, match="no path: it has a NUL character"):
            write()
