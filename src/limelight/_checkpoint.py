"""A folder of finished chunks: what is in it is never explained again."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from limelight._errors import ArgumentError, CheckpointError
from limelight._explanations import Explanations
from limelight._instances import Chunk
from limelight._parquet import write
from limelight._storage import schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Checkpoint"]

_ABOUT = "about.json"
_PART = re.compile(r"part-(\d{9})-([0-9a-f]{16})\.parquet")
_SAME = 1e-6  # of the heaviest weight: what a model that is asked again may differ by


class Checkpoint:
    """Finished chunks in a folder, each a Parquet file that appears there whole.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    about : mapping
        What the chunks depend on, in JSON's types: "arguments", which have to be the same for the folder to be used again, and
        "probe", numbers that the model had a part in, which have to be the same but for rounding.

    Raises
    ------
    ArgumentError
        If the folder belongs to another job, or holds other things.
    CheckpointError
        If it cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], about: Mapping[str, Any]) -> None:
        self._folder = Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            known = self._folder / _ABOUT
            if known.exists():
                _check_same(json.loads(known.read_text(encoding="utf-8")), about, self._folder)
            elif any(self._folder.iterdir()):
                raise ArgumentError(f"checkpoint={str(folder)!r} holds other files; give a folder that is new, or empty.")
            else:
                unfinished = self._folder / f".{_ABOUT}.unfinished"
                unfinished.write_text(json.dumps(about), encoding="utf-8")
                os.replace(unfinished, known)
        except json.JSONDecodeError as error:
            raise ArgumentError(f"checkpoint={str(folder)!r} has a damaged {_ABOUT}: {error}.") from error
        except OSError as error:
            raise CheckpointError(f"checkpoint={str(folder)!r} cannot be used: {error}.") from error
        parts = [match for path in self._folder.iterdir() if (match := _PART.fullmatch(path.name))]
        self._finished = {int(match[1]): match[2] for match in parts}

    def has(self, chunk: Chunk) -> bool:
        """Whether a chunk is finished.

        Raises
        ------
        ArgumentError
            If its instances are others than when it was.
        """
        if chunk.number not in self._finished:
            return False
        if self._finished[chunk.number] != content_of(chunk):
            last = chunk.first + len(chunk.instances) - 1
            raise ArgumentError(
                f"checkpoint={str(self._folder)!r} was made for other instances: numbers {chunk.first} to {last} differ."
            )
        return True

    def add(self, chunk: Chunk, table: pa.Table) -> None:
        """Keep a finished chunk.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        content = content_of(chunk)
        try:
            write(self._folder / f"part-{chunk.number:09}-{content}.parquet", [table])
        except OSError as error:
            raise CheckpointError(
                f"checkpoint={str(self._folder)!r} cannot be written: {error}. "
                f"The {len(self._finished)} chunks in it are whole; the same call goes on from there."
            ) from error
        self._finished[chunk.number] = content

    def explanations(self) -> Explanations:
        """All that is finished, read from the folder as it is looked at."""
        return Explanations.load(self._folder) if self._finished else Explanations.of_tables([schema().empty_table()])


def content_of(chunk: Chunk) -> str:
    """What tells a chunk's instances from others."""
    return str(joblib.hash(chunk.instances))[:16]


def _check_same(known: Mapping[str, Any], about: Mapping[str, Any], folder: Path) -> None:
    if known.get("arguments") != about["arguments"]:
        old, new = known.get("arguments") or {}, about["arguments"]
        differ = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        shown = "; ".join(f"{name} was {old.get(name)!r:.60} and is {new.get(name)!r:.60}" for name in differ[:3])
        raise ArgumentError(f"checkpoint={str(folder)!r} belongs to a job with other arguments: {shown}. Give another folder.")
    before, now = np.array(known.get("probe"), dtype=float), np.array(about["probe"], dtype=float)
    scale = max(1e-300, float(np.abs(now).max(initial=0.0)))
    if before.shape != now.shape or not np.allclose(before, now, rtol=0, atol=_SAME * scale, equal_nan=True):
        raise ArgumentError(
            f"checkpoint={str(folder)!r} was made with another model, or other training data: the first instance's explanation "
            "differs. Give another folder."
        )
