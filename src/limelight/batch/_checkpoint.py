"""A folder of finished chunks: what is in it is never explained again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from pickle import PicklingError
from typing import TYPE_CHECKING, Any, NamedTuple

import joblib
import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError, CheckpointError
from limelight.batch._instances import Chunk
from limelight.collection.arrow import schema
from limelight.collection.explanations import Explanations
from limelight.collection.parquet import atomic_file, open_chunks, write

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["About", "Checkpoint", "content_of"]

_ABOUT = "about.json"
_PART = re.compile(r"part-(\d{9})-([0-9a-f]{16})\.parquet")
_SAME = 1e-6  # of the largest number: what a model that is asked again may differ by


class About(NamedTuple):
    """What finished chunks depend on.

    Attributes
    ----------
    arguments : dict of str
        What has to be the same for the folder to be used again.
    first : str
        What tells the first instance from others.
    answers, weights : list of float
        What the model says to some inputs, and some weights, which have to be the same but for rounding.
    names : list of str
        What components and outputs are called.
    """

    arguments: dict[str, str]
    first: str
    answers: list[float]
    weights: list[float]
    names: list[str]

    def check_same(self, known: About, folder: str) -> None:
        """Refuse a folder that belongs to another job.

        Raises
        ------
        ArgumentError
            If it does.
        """
        old, new = known.arguments, self.arguments
        differ = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        problem = None
        if differ:
            shown = "; ".join(f"{name} was {old.get(name)!r:.60} and is {new.get(name)!r:.60}" for name in differ[:3])
            problem = f"belongs to a job with other arguments: {shown}"
        elif known.first != self.first:
            problem = "was made for other instances: the first one differs"
        elif _differ(known.answers, self.answers):
            problem = "was made with another model, explainer or training data: what the model answers differs"
        elif _differ(known.weights, self.weights):
            problem = "was made with another explainer or regressor: the first instance's weights differ"
        elif known.names != self.names:
            was, now = next(pair for pair in zip_longest(known.names, self.names) if pair[0] != pair[1])
            problem = f"was made with other names of features or outputs: {was!r:.60} is {now!r:.60} now"
        if problem:
            raise ArgumentError(f"checkpoint={folder!r} {problem}. Give another folder.")


class Checkpoint:
    """Finished chunks in a folder, each a Parquet file that appears there whole. One job at a time uses it.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    about : About
        The job's.

    Raises
    ------
    ArgumentError
        If the folder belongs to another job, or holds other things.
    CheckpointError
        If it cannot be written, or is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], about: About, *, keeps_errors: bool) -> None:
        self._folder = Path(folder)
        self._keeps_errors = keeps_errors
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for left in self._folder.glob(".*.unfinished"):  # by a process that was killed
                left.unlink()
            known = self._folder / _ABOUT
            before = _read(known) if known.exists() else None
            parts = [match for path in self._folder.iterdir() if (match := _PART.fullmatch(path.name))]
            if before and parts:
                about.check_same(before, str(folder))
            elif not before and any(self._folder.iterdir()):
                raise ArgumentError(f"checkpoint={str(folder)!r} holds other files; give a folder that is new, or empty.")
            else:  # with nothing finished, what a job depended on that has failed, perhaps for that, is of no account
                with atomic_file(known) as file:
                    file.write(json.dumps(about._asdict()).encode())
        except CheckpointError:
            raise
        except OSError as error:
            raise CheckpointError(f"checkpoint={str(folder)!r} cannot be used: {error}.") from error
        self._finished = {int(match[1]): match[2] for match in parts}
        self._met: dict[int, str] = {}  # this job's chunks, and what tells their instances from others
        for number, content in self._finished.items():
            self._check_whole(self._part(number, content))

    def has(self, chunk: Chunk) -> bool:
        """Whether a chunk is finished; each is asked about before it is explained, which may change instances.

        Where errors are not kept, one with failures, which an earlier call kept, is not.

        Raises
        ------
        ArgumentError
            If its instances are others than when it was.
        """
        self._met[chunk.number] = content_of(chunk.instances)
        if chunk.number not in self._finished:
            return False
        if self._finished[chunk.number] != self._met[chunk.number]:
            last = chunk.first + len(chunk.instances) - 1
            raise ArgumentError(
                f"checkpoint={str(self._folder)!r} was made for other instances: numbers {chunk.first} to {last} differ."
            )
        return self._keeps_errors or not self._load(chunk.number).failures

    def add(self, number: int, table: pa.Table) -> None:
        """Keep a finished chunk.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        try:
            write(self._part(number, self._met[number]), [table])
        except OSError as error:
            raise CheckpointError(
                f"checkpoint={str(self._folder)!r} cannot be written: {error}. "
                f"The {len(self._finished)} chunks in it are whole; the same call goes on from there."
            ) from error
        self._finished[number] = self._met[number]

    def explanations(self) -> Explanations:
        """All of this job's that is finished, read from the folder as it is looked at."""
        # Ctrl-C may come when a part has just been written and not been noted yet.
        finished = sorted(number for number, content in self._met.items() if self._part(number, content).exists())
        if not finished:
            return Explanations.of_tables([schema().empty_table()])
        return Explanations.concat(map(self._load, finished))

    def _load(self, number: int) -> Explanations:
        return Explanations.load(self._part(number, self._met[number]))

    def _part(self, number: int, content: str) -> Path:
        return self._folder / f"part-{number:09}-{content}.parquet"

    def _check_whole(self, part: Path) -> None:
        try:
            open_chunks(part)
        except ArgumentError as error:
            raise CheckpointError(f"{error} Delete it, and the same call explains its instances again.") from error


def content_of(instances: Sequence[Any]) -> str:
    """What tells instances from others.

    Raises
    ------
    ArgumentTypeError
        If they cannot be told from others.
    """
    try:
        # One by one: of several, those that are one object would not count as those that are equal.
        return str(joblib.hash([joblib.hash(_in_one_order(instance)) for instance in instances]))[:16]
    except (AttributeError, PicklingError, TypeError) as error:
        raise ArgumentTypeError(f"instances must be such as can be pickled to be kept in a checkpoint: {error}") from error


def _in_one_order(instance: Any) -> Any:
    """An array in the order of its indices, however it lies in memory."""
    return np.ascontiguousarray(instance) if type(instance) is np.ndarray else instance


def _read(known: Path) -> About:
    try:
        found = json.loads(known.read_text(encoding="utf-8"))
        answers, weights = ([float(number) for number in found[name]] for name in ("answers", "weights"))
        arguments = {name: str(value) for name, value in found["arguments"].items()}
        return About(arguments, str(found["first"]), answers, weights, [str(name) for name in found["names"]])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{str(known)!r} is damaged ({type(error).__name__}: {error}), and without it nobody can tell which job the folder "
            "belongs to. Give another folder."
        ) from error


def _differ(before: Sequence[float], now: Sequence[float]) -> bool:
    """Whether numbers differ by more than rounding."""
    scale = max(map(abs, now), default=0.0)
    return len(before) != len(now) or not np.allclose(before, now, rtol=0, atol=_SAME * scale)
