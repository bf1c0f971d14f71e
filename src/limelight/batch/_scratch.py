"""A folder for the files that a job hands to its workers, which the next job deletes if this one is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["JOB_FILE", "scratch_folder"]

JOB_FILE = "job"
"""The name of a file that must be written into the folder: what killed processes left is known by it."""

_PREFIX = "limelight-job-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder within the system's temporary folder. What killed processes left of theirs is deleted first."""
    for file in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{JOB_FILE}"):
        _delete_remnant(file.parent)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        if os.name != "posix":  # where folders cannot be opened, and so not be locked
            yield Path(folder)
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _lock(descriptor)
            yield Path(folder)
        finally:
            os.close(descriptor)


def _delete_remnant(folder: Path) -> None:
    """Delete a folder of this user's if the process that had locked it has ended, in whatever container that was."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(descriptor).st_uid == os.getuid() and _lock(descriptor):
                shutil.rmtree(folder)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open folder until it is closed, or its process ends; False if another has done so, or there are no locks."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
