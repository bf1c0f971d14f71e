"""A few explanations that differ, with a failure among them, kept in each of the ways there are."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from helpers.samples import falling, table
from limelight import Explanations, Failure
from limelight.collection.arrow import schema

FAILURE = Failure("ModelError", "no such column")
WAYS = ("memory", "pieces", "file", "folder", "joined")


def few():
    """Seven explained rows, but number 2 is a failure."""
    entries = [table(weights={1: (0.1 * i, -0.2, 0.3)}) for i in range(7)]
    entries[2] = FAILURE
    return entries


def keep(way: str, folder: Path) -> Explanations:
    """The entries of `few`, in one of `WAYS`."""
    entries = few()
    whole = Explanations.of(entries)
    if way == "memory":
        return whole
    (stored_table,) = whole.tables()
    if way == "pieces":
        return Explanations.of_tables([stored_table[i : i + 2] for i in range(0, 7, 2)])
    if way == "file":
        with pq.ParquetWriter(folder / "all.parquet", schema()) as writer:
            writer.write_table(stored_table, row_group_size=3)
        return Explanations.load(folder / "all.parquet")
    for i, part in enumerate((whole[:3], whole[3:4], whole[4:])):
        part.save(folder / f"part-{i}.parquet")
    if way == "folder":
        (folder / "notes.txt").write_text("nothing to see here")
        return Explanations.load(folder)
    return Explanations.concat([whole[:3], Explanations.load(folder / "part-1.parquet"), whole[:0], whole[4:]])


def rows(count=9, **changes):
    """Explained rows, all different, of which number 2 is a failure; the model says stargazers from number 5 on."""
    made = [
        table(weights={1: falling(4, 0.1 * i + 0.1)}, predictions=(0.99 - 0.1 * i, 0.01 + 0.1 * i), **changes)
        for i in range(count)
    ]
    made = [
        replace(entry, surrogates=tuple(replace(own, fidelity=1 - 0.1 * i) for own in entry.surrogates))
        for i, entry in enumerate(made)
    ]
    made[2] = FAILURE
    return Explanations.of(made)


TRUE = ["gardeners", "stargazers", "gardeners", None, "gardeners", "stargazers", "gardeners", "gardeners", "stargazers"]
WRONG = [1, 6, 7]
