"""A folder of finished chunks, which are never explained again."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from limelight.batch._fingerprint import Fingerprint, hash_instances
from limelight.batch._instances import Chunk
from limelight.collection.arrow import id_array, schema
from limelight.collection.explanations import Explanations
from limelight.collection.parquet import open_chunks, write
from limelight.exceptions import ArgumentError, CheckpointError
from limelight.results.files import atomic_file

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Checkpoint"]

_FINGERPRINT_FILE = "about.json"
_PART_NAME = re.compile(r"part-(\d{9})-([0-9a-f]{16})\.parquet")  # a chunk's number and the hash of its instances


class Checkpoint:
    """Finished chunks in a folder, each in a Parquet file that appears there complete. One job at a time uses it.

    Parameters
    ----------
    folder : path
        Created if it does not exist.
    fingerprint : Fingerprint
        The job's.
    keeps_errors : bool
        Whether a chunk with failures counts as finished.

    Raises
    ------
    ArgumentError
        If the folder belongs to another job, or holds other files.
    CheckpointError
        If it cannot be written, or is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], fingerprint: Fingerprint, *, keeps_errors: bool) -> None:
        self._folder = Path(folder)
        self._keeps_errors = keeps_errors
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for remnant in self._folder.glob(".*.unfinished"):  # of a process that was killed
                remnant.unlink()
            stored = self._read_fingerprint()
            parts = [match for path in self._folder.iterdir() if (match := _PART_NAME.fullmatch(path.name))]
            if stored and parts:
                fingerprint.check_same(stored, str(folder))
            elif not stored and any(self._folder.iterdir()):
                raise ArgumentError(f"checkpoint={str(folder)!r} holds other files; give a new or an empty folder.")
            else:  # nothing is finished: a job that failed at once may be repaired and begun again in the same folder
                with atomic_file(self._folder / _FINGERPRINT_FILE) as file:
                    file.write(fingerprint.to_json().encode())
        except CheckpointError:
            raise
        except OSError as error:
            raise CheckpointError(f"checkpoint={str(folder)!r} cannot be used: {error}.") from error
        self._finished = {int(match[1]): match[2] for match in parts}  # the hashes of all finished chunks, by their numbers
        self._hashes: dict[int, str] = {}  # those of the chunks of this call
        for number, content in self._finished.items():
            self._check_readable(self._part(number, content))

    def is_finished(self, chunk: Chunk) -> bool:
        """Whether a chunk has been explained already. It must be asked before a chunk is explained and added.

        A chunk with failures, which an earlier call kept, is not finished where errors are not kept.

        Raises
        ------
        ArgumentError
            If the finished chunk has other instances.
        """
        self._hashes[chunk.number] = hash_instances(chunk.instances)  # taken now, because explaining may change instances
        if chunk.number not in self._finished:
            return False
        if self._finished[chunk.number] != self._hashes[chunk.number]:
            raise ArgumentError(
                f"checkpoint={str(self._folder)!r} was made for other instances: numbers {chunk.first} to {chunk.last} differ."
            )
        self._identify(chunk)
        return self._keeps_errors or not self._load(chunk.number).failures

    def _identify(self, chunk: Chunk) -> None:
        """Give a finished chunk this call's ids: an earlier call may have had others, or none."""
        stored = self._load(chunk.number)
        if list(stored.ids) != chunk.ids:
            (table,) = stored.tables()
            place = table.column_names.index("id")
            self._write(chunk.number, table.set_column(place, table.schema.field("id"), id_array(chunk.ids)))

    def add(self, number: int, table: pa.Table) -> None:
        """Store a finished chunk.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        self._write(number, table)
        self._finished[number] = self._hashes[number]

    def _write(self, number: int, table: pa.Table) -> None:
        try:
            write(self._part(number, self._hashes[number]), [table])
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
        written = [number for number, content in self._hashes.items() if self._part(number, content).exists()]
        return self._load_all(sorted(written))

    def _load_all(self, numbers: list[int]) -> Explanations:
        if not numbers:
            return Explanations.of_tables([schema().empty_table()])
        return Explanations.concat(map(self._load, numbers))

    def _load(self, number: int) -> Explanations:
        part = self._part(number, self._hashes[number])
        if not part.exists():
            raise CheckpointError(f"{str(part)!r} was removed while the job ran; the same call explains its instances again.")
        return Explanations.load(part)

    def _part(self, number: int, content: str) -> Path:
        return self._folder / f"part-{number:09}-{content}.parquet"

    def _check_readable(self, part: Path) -> None:
        try:
            open_chunks(part)
        except ArgumentError as error:
            raise CheckpointError(f"{error} Delete it, and the same call explains its instances again.") from error

    def _read_fingerprint(self) -> Fingerprint | None:
        """The fingerprint of the job that the folder belongs to, if there is one."""
        file = self._folder / _FINGERPRINT_FILE
        if not file.exists():
            return None
        try:
            return Fingerprint.from_json(file.read_text(encoding="utf-8"))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{str(file)!r} is damaged ({type(error).__name__}: {error}); it says which job the folder belongs to. "
                "Give another folder."
            ) from error
