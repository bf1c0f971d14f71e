"""A folder of finished chunks, which are never explained again."""

from __future__ import annotations

import json
import os
import re
from fnmatch import fnmatch
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limelight.batch._fingerprint import Fingerprint, hash_instances
from limelight.batch._folder_lock import LOCK_NAME, FolderLock
from limelight.batch._instances import Chunk
from limelight.batch._job import Job
from limelight.batch._probes import Probe, check_predictions, check_probes, is_probed, take_probes
from limelight.collection.arrow import arrow, id_array, schema
from limelight.collection.explanations import Explanations
from limelight.collection.failure import Failure
from limelight.collection.parquet import open_chunks, to_bytes
from limelight.exceptions import ArgumentError, CheckpointError
from limelight.results.files import atomic_file

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Checkpoint"]

_FINGERPRINT_FILE = "about.json"
_UNFINISHED = ".*.unfinished"
# The beginning of a part's name has a chunk's number, the job's digest and that of the instances. The digest of all this and of
# the contents follows, so that contents under another name are found out, and any change to them.
_PART_NAME = re.compile(r"(part-(\d{9})-([0-9a-f]{16})-([0-9a-f]{16}))-([0-9a-f]{16})\.parquet")
_DIGEST_BYTES = 8
_PROBES_KEY = b"limelight.probes"
_MOST_ASKED_AGAIN = 256  # finished explanations whose predictions are asked again, or one of each chunk
_EXPLAINED_AGAIN = "Delete it, and the same call explains its instances again."


class Checkpoint:
    """Finished chunks in a folder, each in a Parquet file that appears there complete. One job at a time uses it.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    job : Job
        The job.
    fingerprint : Fingerprint
        The job's.
    keeps_errors : bool
        Whether a chunk with failures counts as finished.

    Raises
    ------
    ArgumentError
        If the folder belongs to another job, or holds other files.
    CheckpointError
        If another job is using it, it cannot be written, or it is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], job: Job, fingerprint: Fingerprint, *, keeps_errors: bool) -> None:
        self._folder = Path(folder)
        self._job = job
        self._keeps_errors = keeps_errors
        self._finished: dict[int, str] = {}  # the hashes of the instances of all finished chunks, by their numbers
        self._hashes: dict[int, str] = {}  # those of the chunks of this call
        self._parts: dict[int, Path] = {}  # the files of chunks that are finished, or are being written
        self._unprobed: dict[int, Chunk] = {}  # chunks that are being explained, and of which probes will be taken
        self._lock: FolderLock | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._check_is_own()
            self._lock = self._take_lock()
            self._digest = self._open(fingerprint)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError) and not isinstance(error, CheckpointError):
                raise CheckpointError(f"checkpoint={str(folder)!r} cannot be used: {error}.") from error
            raise

    def _take_lock(self) -> FolderLock | None:
        """Lock the folder; None if nothing can be written there, so that at most a finished job is read."""
        try:
            return FolderLock(self._folder)
        except OSError as error:
            is_writable = os.access(self._folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
            if is_writable or isinstance(error, CheckpointError):
                raise
            return None

    def close(self) -> None:
        """Let other jobs use the folder. What was finished can still be read."""
        if self._lock is not None:
            self._lock.release()

    def _open(self, fingerprint: Fingerprint) -> str:
        """Read what is there, or begin; the digest of the job that the folder belongs to."""
        for remnant in self._folder.glob(_UNFINISHED):  # of a process that was killed
            remnant.unlink()
        self._check_is_own()  # again: others may have used it before it was locked
        stored = self._read_fingerprint()
        parts = [match for path in self._folder.iterdir() if (match := _PART_NAME.fullmatch(path.name))]
        if stored and parts:
            fingerprint.check_same(stored, str(self._folder))
        else:  # nothing is finished: a job that failed at once may be repaired and begun again in the same folder
            stored = fingerprint
            with atomic_file(self._folder / _FINGERPRINT_FILE) as file:
                file.write(fingerprint.to_json().encode())
        for part in parts:
            number, path = int(part[2]), self._folder / part[0]
            self._check_part(path, part, stored.digest)
            if number in self._parts:  # a job was killed while it put one in the other's place
                path = self._keep_later(self._parts[number], path)
            self._finished[number], self._parts[number] = part[4], path
        return stored.digest

    @property
    def last_finished(self) -> int:
        """The number of the last finished chunk; -1 if there is none."""
        return max(self._finished, default=-1)

    def is_finished(self, chunk: Chunk) -> bool:
        """Whether a chunk has been explained already. It must be asked before a chunk is explained and added.

        A chunk with failures, which an earlier call kept, is not finished where errors are not kept, or where this call gives
        an instance more time than stopped ones had. The model is asked whether it still answers as it did.

        Raises
        ------
        ArgumentError
            If the finished chunk has other instances, or the model is another.
        CheckpointError
            If the chunk's file is damaged.
        """
        content = self._hashes[chunk.number] = hash_instances(chunk.instances)  # now, because explaining may change instances
        if chunk.number not in self._finished:
            if is_probed(chunk):
                self._unprobed[chunk.number] = chunk
            return False
        if self._finished[chunk.number] != content:
            raise ArgumentError(
                f"checkpoint={str(self._folder)!r} was made for other instances: numbers {chunk.first} to {chunk.last} differ. "
                "Give another folder."
            )
        part = self._parts[chunk.number]
        table = self._read(part)
        explanations = Explanations.of_tables([table])
        probes = self._read_probes(part, table)
        check_probes(self._job, chunk, probes, str(self._folder))
        most = max(1, _MOST_ASKED_AGAIN // len(self._finished))
        check_predictions(self._job, chunk, explanations, most, str(self._folder))
        if list(explanations.ids) != chunk.ids:  # an earlier call may have had others, or none
            place = table.column_names.index("id")
            self._write(chunk.number, table.set_column(place, table.schema.field("id"), id_array(chunk.ids)), probes)
        if all(map(self._is_kept, explanations.failures.values())):
            return True
        if is_probed(chunk):
            self._unprobed[chunk.number] = chunk
        return False

    def _is_kept(self, failure: Failure) -> bool:
        if not self._keeps_errors or failure.timeout is None:
            return self._keeps_errors
        seconds = self._job.timeout
        return seconds is not None and float(f"{seconds:g}") <= failure.timeout  # rounded as in its message

    def add(self, number: int, table: pa.Table) -> None:
        """Store a finished chunk.

        Probes are taken only now, because an instance that ends its process must not end this one.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        probes = []
        if number in self._unprobed:
            explained = np.flatnonzero(table["error"].is_null().to_numpy()).tolist()
            probes = take_probes(self._job, self._unprobed.pop(number), explained)
        self._write(number, table, probes)
        self._finished[number] = self._hashes[number]

    def _write(self, number: int, table: pa.Table, probes: list[Probe]) -> None:
        beginning = f"part-{number:09}-{self._digest}-{self._hashes[number]}"
        contents = to_bytes(table, {_PROBES_KEY: json.dumps(probes).encode()})
        former = self._parts.get(number)
        part = self._parts[number] = self._folder / f"{beginning}-{_digest(beginning, contents)}.parquet"
        try:
            with atomic_file(part) as file:
                file.write(contents)
            if former is not None and former != part:  # with other ids, or with failures
                former.unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"checkpoint={str(self._folder)!r} cannot be written: {error}. "
                f"The {len(self._finished)} chunks in it are complete; the same call continues after them."
            ) from error

    def all_explanations(self) -> Explanations:
        """The explanations of this call, each read from the folder when it is looked at.

        Raises
        ------
        CheckpointError
            If the file of one of its chunks is missing.
        """
        return self._load_all(sorted(self._hashes))

    def finished_explanations(self) -> Explanations:
        """The explanations of this call that are finished, after an interrupt.

        The files are looked for, since the interrupt may come after a file is written and before `add` has taken note of it.
        """
        written = [number for number in self._hashes if number in self._parts and self._parts[number].exists()]
        return self._load_all(sorted(written))

    def _load_all(self, numbers: list[int]) -> Explanations:
        if not numbers:
            return Explanations.of_tables([schema().empty_table()])
        return Explanations.concat(map(self._load, numbers))

    def _load(self, number: int) -> Explanations:
        part = self._parts[number]
        if not part.exists():
            raise CheckpointError(f"{str(part)!r} was removed while the job ran; the same call explains its instances again.")
        return Explanations.load(part)

    def _check_part(self, part: Path, name: re.Match[str], job: str) -> None:
        """Refuse a file that is no part of the job, or has changed."""
        problem = None
        if not part.is_file():  # to open a pipe would wait for ever
            problem = "is not a regular file"
        elif name[3] != job:
            problem = f"belongs to another job than {_FINGERPRINT_FILE}"
        elif _digest(name[1], part.read_bytes()) != name[5]:
            problem = "is damaged, or was renamed: its contents do not belong to its name"
        if problem:
            raise CheckpointError(f"{str(part)!r} {problem}. {_EXPLAINED_AGAIN}")

    def _keep_later(self, one: Path, other: Path) -> Path:
        """Remove the one that was written earlier of two parts of the same instances.

        Raises
        ------
        CheckpointError
            If they are of other instances.
        """
        if _PART_NAME.sub(r"\1", one.name) != _PART_NAME.sub(r"\1", other.name):
            raise CheckpointError(f"{str(one)!r} and {str(other)!r} are of other instances. Delete the one that is not wanted.")
        earlier, later = sorted([one, other], key=lambda part: part.stat().st_mtime_ns)
        earlier.unlink()
        return later

    def _read(self, part: Path) -> pa.Table:
        try:
            return arrow().concat_tables([piece.read() for piece in open_chunks(part)])
        except ArgumentError as error:
            raise CheckpointError(f"{error} {_EXPLAINED_AGAIN}") from error

    def _read_probes(self, part: Path, table: pa.Table) -> list[Probe]:
        try:
            return [Probe.from_plain(values) for values in json.loads(table.schema.metadata[_PROBES_KEY])]
        except (LookupError, RecursionError, TypeError, ValueError) as error:
            raise CheckpointError(f"{str(part)!r} is damaged ({type(error).__name__}: {error}). {_EXPLAINED_AGAIN}") from error

    def _check_is_own(self) -> None:
        """Refuse a folder that is neither empty nor a checkpoint's."""
        names = {path.name for path in self._folder.iterdir()}
        others = {name for name in names - {LOCK_NAME} if not fnmatch(name, _UNFINISHED)}
        # Looked for last: another job may begin meanwhile, and writes it before all others.
        if not others or (self._folder / _FINGERPRINT_FILE).exists():
            return
        if all(map(_PART_NAME.fullmatch, others)):
            raise CheckpointError(
                f"checkpoint={str(self._folder)!r} lacks the file {_FINGERPRINT_FILE!r}, which says of which job its "
                "finished chunks are. Bring it back, or give another folder."
            )
        raise ArgumentError(f"checkpoint={str(self._folder)!r} holds other files; give a new or an empty folder.")

    def _read_fingerprint(self) -> Fingerprint | None:
        """The fingerprint of the job that the folder belongs to, if there is one."""
        file = self._folder / _FINGERPRINT_FILE
        if not file.exists():
            return None
        if not file.is_file():  # to open a pipe would wait for ever
            raise CheckpointError(f"{str(file)!r} is not a regular file. Give another folder.")
        try:
            return Fingerprint.from_json(file.read_text(encoding="utf-8"))
        except ArgumentError as error:
            raise ArgumentError(f"checkpoint={str(self._folder)!r} {error}") from error
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{str(file)!r} is damaged ({type(error).__name__}: {error}); it says which job the folder belongs to. "
                "Give another folder."
            ) from error


def _digest(beginning: str, contents: bytes) -> str:
    digest = blake2b(beginning.encode(), digest_size=_DIGEST_BYTES)
    digest.update(contents)
    return digest.hexdigest()
