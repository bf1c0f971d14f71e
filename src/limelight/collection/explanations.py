"""Explanations of many instances as a sequence, in memory or in files that are read only as far as they are used; and picks."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.random import Generator

from limelight._checks import check_ordered, own_arithmetic, write_count
from limelight._registry import Registry
from limelight.collection._rendering import RENDERERS
from limelight.collection._rows import Rows, rows_of_tables
from limelight.collection._summaries import SummaryMixin
from limelight.collection.arrow import Entry, arrow, check_schema, entries_of, read_ids, table_of, unescape
from limelight.collection.failure import Failure
from limelight.collection.parquet import open_chunks, write
from limelight.exceptions import ArgumentError, ArgumentTypeError, LimeNames
from limelight.results.equality import EqualityMixin
from limelight.results.files import check_ending

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Explanations", "Failure", "Pick"]

PICK_FUNCTIONS = Registry("pick", {"submodular": "limelight.collection.pick:submodular_pick"})

_STEP = 1_000  # entries that are made at once
_STEP_BYTES = 2**20  # of their tables; pictures in them are packed
_REPR_REASONS = 4  # features for each pick in a repr
_MOST_LISTED_IDS = 5  # in an error


class Explanations(SummaryMixin, Sequence[Entry]):
    """One entry for each of many instances, in their order: an `Explanation`, or a `Failure` where there could be none.

    An explainer's ``explain_many``, `of` or `load` makes it. In memory and in files, the entries are Arrow tables that are read
    a piece at a time, and an `Explanation` object is made only of an entry that is used. Slices, masks and arrays of positions
    give `Explanations` again, and copy nothing. A text is an instance's id: ``explanations["A17"]`` is the entry of the only
    instance that has it, and ``explanations[["A17", "B2"]]`` are several. Two collections are equal if their entries are.

    Parameters
    ----------
    rows : Rows
        The stored entries.

    Examples
    --------
    >>> from limelight import Explanations, TextExplainer
    >>> explainer = TextExplainer()
    >>> def model(texts):
    ...     return ["good" in text for text in texts]
    >>> texts = ("a good film", "a good plot", "so good a film")
    >>> explanations = Explanations.of(explainer.explain_instance(text, model) for text in texts)
    >>> explanations
    Explanations(3 instances, 3 converged, 3 good)
    >>> explanations[1].as_list()[0][0]
    'good'
    >>> explanations[:2].importance().features
    ('good', 'a', 'film', 'plot')
    """

    def __init__(self, rows: Rows) -> None:
        if not isinstance(rows, Rows):
            raise ArgumentTypeError(
                f"rows must be limelight's stored entries, so call Explanations.of(...) instead; got {type(rows).__name__}."
            )
        self._rows = rows

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Explanations:
        """Collect explanations and failures, in memory.

        Parameters
        ----------
        entries : iterable of Explanation or Failure
            In the order wanted; their item numbers are their positions.

        Raises
        ------
        ArgumentTypeError
            If an entry is something else.
        MissingDependencyError
            If pyarrow is not installed.

        Examples
        --------
        >>> from limelight import Explanations, Failure
        >>> Explanations.of([Failure("ModelError", "no such column")]).failures
        {0: Failure(error='ModelError', message='no such column')}
        """
        if not isinstance(entries, Iterable):
            raise ArgumentTypeError(f"entries must be an iterable of explanations or failures; got {type(entries).__name__}.")
        check_ordered("entries", entries)
        remaining, tables, start = iter(entries), [], 0
        while step := list(islice(remaining, _STEP)):
            for i, entry in enumerate(step, start):
                if not isinstance(entry, Entry):
                    raise ArgumentTypeError(f"entries must be explanations or failures; entry {i} is {type(entry).__name__}.")
            tables.append(table_of(step, range(start, start + len(step))))
            start += len(step)
        return cls.of_tables(tables)

    @classmethod
    def of_tables(cls, tables: Iterable[pa.Table]) -> Explanations:
        """Collect the entries that Arrow tables hold; nothing is copied.

        Parameters
        ----------
        tables : iterable of pyarrow.Table
            As the method `tables` gives them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is something else.
        """
        tables = _check_items("tables", tables, arrow().Table)
        for i, table in enumerate(tables):
            check_schema(table.schema, f"table {i}")
        return cls(rows_of_tables(tables))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Explanations:
        """Open what `save` wrote; an entry is read when it is used.

        Parameters
        ----------
        path : str or path
            A file, or a folder whose ``.parquet`` files hold the entries in the order of their names; here, or at an address
            such as ``s3://bucket/explanations.parquet``, where it must not change as long as it is used.

        Raises
        ------
        ArgumentError
            If there is no such file, or it holds no explanations, or those of a newer version. Damage to a part of a file
            raises when that part is read.
        MissingDependencyError
            If pyarrow is not installed.
        """
        return cls(Rows(open_chunks(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all entries to a Parquet file, a piece at a time.

        Parameters
        ----------
        path : str or path
            Where to, here or at an address such as ``s3://bucket/explanations.parquet``; an existing file is replaced when the
            new one is complete. A name may lack an ending; any other ending than ``.parquet`` or ``.pq`` is refused.

        Raises
        ------
        ArgumentError
            If the ending is that of another format, there is no such folder, or something else than a file is there, such as a
            device or a pipe.
        OSError
            If the file cannot be written; an existing one is left as it was.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from limelight import Explanations, Failure
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "explanations.parquet"
        ...     Explanations.of([Failure("ValueError", "no words")]).save(path)
        ...     Explanations.load(path)[0]
        Failure(error='ValueError', message='no words')
        """
        advice = "For a table of the weights, write to_frame(), as in to_frame().to_csv(...); for a page, call save_report."
        check_ending(path, (".parquet", ".pq", ""), "explanations", advice)
        write(path, self.tables())

    @classmethod
    def concat(cls, parts: Iterable[Explanations]) -> Explanations:
        """Join collections without copying their entries; each entry keeps its item number.

        Parameters
        ----------
        parts : iterable of Explanations
            In the order wanted.

        Raises
        ------
        ArgumentTypeError
            If a part is something else.

        Examples
        --------
        >>> from limelight import Explanations, Failure
        >>> failed = Explanations.of([Failure("ValueError", "no words")])
        >>> Explanations.concat([failed, failed]).items
        array([0, 0])
        """
        return cls(Rows.concat([part._rows for part in _check_items("parts", parts, Explanations)]))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int | str) -> Entry: ...
    @overload
    def __getitem__(
        self, index: slice | Sequence[int] | Sequence[bool] | list[str] | tuple[str, ...] | np.ndarray
    ) -> Explanations: ...
    def __getitem__(self, index: Any) -> Entry | Explanations:
        if isinstance(index, str):
            (index,) = self._find([index])
        elif isinstance(index, Iterable) and isinstance(index, Sized) and len(index) and isinstance(next(iter(index)), str):
            index = self._find(list(index))
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            return entries_of(self._rows.row(int(index)))[0]
        return Explanations(self._rows.select(index))

    def __iter__(self) -> Iterator[Entry]:
        for table in self.tables():
            step = max(1, min(_STEP, _STEP_BYTES * table.num_rows // max(table.nbytes, 1)))
            for start in range(0, table.num_rows, step):
                yield from entries_of(table.slice(start, step))

    def __contains__(self, value: object) -> bool:
        """Whether an instance has this id, or an entry is equal to this one."""
        return value in self.ids if isinstance(value, str) else super().__contains__(value)

    def __eq__(self, other: object) -> bool:
        """Whether both have equal entries in the same order; like an entry's id, item numbers are not compared."""
        if not isinstance(other, Explanations):
            return NotImplemented
        return self is other or (len(self) == len(other) and all(map(operator.eq, self, other)))

    def __hash__(self) -> int:
        """A hash of the first entry and the number of entries, so that files need not be read as a whole."""
        return hash((len(self), *islice(self, 1)))

    def _find(self, ids: Sequence[Any]) -> list[int]:
        """The positions of the instances with these ids.

        Raises
        ------
        ArgumentError
            If an id is not that of one instance alone.
        """
        positions: dict[str | None, list[int]] = {}
        for position, id in enumerate(self.ids):
            positions.setdefault(id, []).append(position)
        for id in ids:
            if id not in positions or not isinstance(id, str):
                known = [known for known in positions if known is not None][:_MOST_LISTED_IDS]
                hint = f"ids are {', '.join(map(repr, known))}, ..." if known else "they have no ids: give ids to explain_many"
                raise ArgumentError(f"there is no explanation with the id {id!r:.80}; {hint}.")
            if len(positions[id]) > 1:
                places = ", ".join(map(str, positions[id][:_MOST_LISTED_IDS]))
                raise ArgumentError(f"the id {id!r:.80} has {len(positions[id])} explanations; select by position: {places}.")
        return [positions[id][0] for id in ids]

    def tables(self, columns: Iterable[str] | None = None) -> Iterator[pa.Table]:
        """The stored entries, in their order, as Arrow tables of some rows each; there is at least one.

        Each row group of a file is read once if the entries are in the file's order. Otherwise it is read again for each
        10,000 entries that need it.

        Parameters
        ----------
        columns : iterable of str, optional
            Which columns; by default all. ``"surrogates.list.element.label"`` is a part of a nested column; in memory, the
            column's other parts come with it.

        Raises
        ------
        ArgumentError
            If there is no such column, or a file is damaged.
        """
        return self._rows.tables(columns)

    @property
    def items(self) -> np.ndarray:
        """For each entry, the number of its instance in the job that made it."""
        return np.concatenate([table["item"].to_numpy() for table in self.tables(["item"])])

    @property
    def ids(self) -> tuple[str | None, ...]:
        """For each entry what identifies its instance; None where the user gave no id. Several may have the same."""
        return tuple(id for table in self.tables(["id"]) for id in read_ids(table))

    @property
    def failures(self) -> dict[int, Failure]:
        """Why instances have no explanation, by item number; where a number occurs several times, the last failure."""
        failures = {}
        for table in self.tables(["item", "id", "error"]):
            failed = table.filter(table["error"].is_valid())
            for item, id, error in zip(failed["item"].to_pylist(), read_ids(failed), failed["error"].to_pylist(), strict=True):
                failures[item] = Failure(unescape(error["error"]), unescape(error["message"]), id)
        return failures

    def pick(
        self,
        num_picks: int = 5,
        *,
        label: int | str | None = None,
        by: Literal["feature", "name"] = "name",
        candidates: int | None = None,
        random_state: int | Generator | None = 0,
    ) -> Pick:
        """A few explanations that together show what the model goes by: SP-LIME. See `submodular_pick`.

        Parameters
        ----------
        num_picks, label, by, candidates, random_state
            As `submodular_pick` takes them.

        Returns
        -------
        pick : Pick

        Raises
        ------
        ArgumentError, ArgumentTypeError, LabelError
            As `submodular_pick` raises them.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explainer = TextExplainer()
        >>> def model(texts):
        ...     return ["good" in text for text in texts]
        >>> texts = ("so so", "good film", "good")
        >>> explanations = Explanations.of(explainer.explain_instance(text, model) for text in texts)
        >>> explanations.pick(1).positions
        (1,)
        """
        submodular_pick = PICK_FUNCTIONS.load("submodular")
        pick: Pick = submodular_pick(self, num_picks, label=label, by=by, candidates=candidates, random_state=random_state)
        return pick

    def __repr__(self) -> str:
        failed, converged = self._counts()
        facts = [write_count(len(self), "instance"), *[f"{failed} failed"] * (failed > 0), f"{converged} converged"]
        facts += self._describe_levels()
        return f"Explanations({', '.join(facts)})"


@dataclass(frozen=True, eq=False, repr=False)
class Pick(LimeNames, EqualityMixin):
    """A few of many explanations, in the order in which they were picked, and what each of them adds.

    Attributes
    ----------
    positions : tuple of int
        Their positions in the collection that they were picked from.
    gains : tuple of float
        For each pick, the importance of the features that no pick before it reports.
    coverage : tuple of float
        The share of all features' importance that is covered after each pick: the coverage curve.
    reasons : tuple of tuples of (str, float)
        For each pick the features that no pick before it reports, with their importance, heaviest first.
    explanations : Explanations
        The picks themselves.

    Examples
    --------
    >>> from limelight import TextExplainer, submodular_pick
    >>> explainer = TextExplainer()
    >>> texts = ("good film", "good", "bad actors")
    >>> entries = [explainer.explain_instance(text, lambda texts: ["good" in text for text in texts]) for text in texts]
    >>> pick = submodular_pick(entries, 1)
    >>> pick.positions, len(pick.explanations)
    ((0,), 1)
    """

    positions: tuple[int, ...]
    gains: tuple[float, ...]
    coverage: tuple[float, ...]
    reasons: tuple[tuple[tuple[str, float], ...], ...]
    explanations: Explanations = field(compare=False)

    def __len__(self) -> int:
        return len(self.positions)

    @own_arithmetic()
    def _repr_html_(self) -> str:
        fragment: str = RENDERERS.load("pick")(self)
        return fragment

    def __repr__(self) -> str:
        lines = [f"Pick of {write_count(len(self), 'explanation')}", "position  covered  new"]
        for position, id, covered, reasons in zip(
            self.positions, self.explanations.ids, self.coverage, self.reasons, strict=True
        ):
            new = ", ".join(f"{feature!r} {importance:.3g}" for feature, importance in reasons[:_REPR_REASONS])
            more = f" and {len(reasons) - _REPR_REASONS} more" if len(reasons) > _REPR_REASONS else ""
            identity = "" if id is None else f"{id!r}: "
            lines.append(f"{position:8}  {covered:7.1%}  {identity}{new or 'nothing'}{more}")
        return "\n".join(lines)


for _class in (Explanations, Pick):
    _class.__module__ = "limelight"  # where users import it from


def _check_items(parameter: str, values: Iterable[Any], kind: type) -> list[Any]:
    """The items of an iterable as a list; all must be of one class."""
    if not isinstance(values, Iterable):
        raise ArgumentTypeError(f"{parameter} must be a sequence of {kind.__name__}; got {type(values).__name__}.")
    values = list(values)
    for i, value in enumerate(values):
        if not isinstance(value, kind):
            raise ArgumentTypeError(f"{parameter} must be a sequence of {kind.__name__}; entry {i} is {type(value).__name__}.")
    return values
