"""Explanations of many instances: one sequence, in memory or in files, read where it is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from limelight._checks import check_count
from limelight._errors import ArgumentTypeError
from limelight._registry import Registry
from limelight.collection._frames import long_frame, wide_frame
from limelight.collection._rows import Rows, rows_of_tables
from limelight.collection.arrow import Entry, arrow, check_schema, entries_of, table_of, unescape
from limelight.collection.failure import Failure
from limelight.collection.importance import Importance, importance_of
from limelight.collection.parquet import open_chunks, whole_file, write

if TYPE_CHECKING:
    import os

    import pyarrow as pa

__all__ = ["Explanations", "Failure"]

PICKS = Registry("pick", {"submodular": "limelight.collection.pick:submodular_pick"})
RENDERERS = Registry("report", {"report": "limelight.renderers.reports.report:render_report"})

STEP = 1_000  # entries that are made at once when all are wanted


class Explanations(Sequence[Entry]):
    """One entry for each of many instances, in their order: an `Explanation`, or a `Failure` where there could be none.

    Made by an explainer's ``explain_many``, by `of` or by `load`. Whether the entries lie in memory or in files, they are Arrow
    tables, read a piece at a time; `Explanation` objects are made only of those that are looked at. Slices, masks and arrays of
    positions give `Explanations` again, and copy nothing until they are read.

    Parameters
    ----------
    rows : Rows
        Where the entries are, and which of them are meant.

    Examples
    --------
    >>> from limelight import Explanations, TextExplainer
    >>> explainer = TextExplainer()
    >>> def model(texts):
    ...     return ["good" in text for text in texts]
    >>> texts = ("good film", "a good plot", "so so")
    >>> explanations = Explanations.of(explainer.explain_instance(text, model) for text in texts)
    >>> explanations
    Explanations(3 instances, 3 converged)
    >>> explanations[1].as_list()[0][0]
    'good'
    >>> explanations[:2].importance().features
    ('good', 'film', 'a', 'plot')
    """

    def __init__(self, rows: Rows) -> None:
        if not isinstance(rows, Rows):
            raise ArgumentTypeError(f"explanations are put together by Explanations.of(...); got {type(rows).__name__}.")
        self._rows = rows

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Explanations:
        """Put explanations (and failures) together, in memory.

        Parameters
        ----------
        entries : iterable of Explanation or Failure
            In the order wanted; their item numbers are their positions.

        Raises
        ------
        ArgumentTypeError
            If one of them is something else.
        MissingDependencyError
            If pyarrow is not installed.

        Examples
        --------
        >>> from limelight import Explanations, Failure
        >>> Explanations.of([Failure("ModelError", "no such column")]).failures
        {0: Failure(error='ModelError', message='no such column')}
        """
        if not isinstance(entries, Iterable):
            raise ArgumentTypeError(f"entries must be explanations, one for each instance; got {type(entries).__name__}.")
        supply, tables, start = iter(entries), [], 0
        while some := list(islice(supply, STEP)):
            for i, entry in enumerate(some, start):
                if not isinstance(entry, Entry):
                    raise ArgumentTypeError(f"entries must be explanations or failures; entry {i} is {type(entry).__name__}.")
            tables.append(table_of(some, range(start, start + len(some))))
            start += len(some)
        return cls.of_tables(tables)

    @classmethod
    def of_tables(cls, tables: Iterable[pa.Table]) -> Explanations:
        """The entries that Arrow tables hold, one after the other; nothing is copied.

        Parameters
        ----------
        tables : iterable of pyarrow.Table
            As `tables` gives them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If they are other tables, or none.
        """
        tables = _all_of("tables", tables, arrow().Table)
        for i, table in enumerate(tables):
            check_schema(table.schema, f"table {i}")
        return cls(rows_of_tables(tables))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Explanations:
        """What `save` wrote; only what is looked at is read, when it is looked at.

        Parameters
        ----------
        path : str or path
            A file, or a folder whose ``.parquet`` files hold the entries in the order of their names.

        Raises
        ------
        ArgumentError
            If there is no such file, or it holds no explanations, or those of a newer version. A damaged part of a file is
            found when it is read.
        MissingDependencyError
            If pyarrow is not installed.
        """
        return cls(Rows(open_chunks(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all entries to a Parquet file, a piece at a time; until it is whole, what was there before stays.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced.

        Raises
        ------
        ArgumentError
            If there is no such folder, or what is there is no file, as a device or a pipe.
        OSError
            If it cannot be written; what was there before is left as it was.

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
        write(path, self.tables())

    @classmethod
    def concat(cls, parts: Iterable[Explanations]) -> Explanations:
        """The entries of some collections, one after the other, without copying any; each keeps its item number.

        Parameters
        ----------
        parts : iterable of Explanations
            In the order wanted.

        Raises
        ------
        ArgumentTypeError
            If one of them is something else.

        Examples
        --------
        >>> from limelight import Explanations, Failure
        >>> failed = Explanations.of([Failure("ValueError", "no words")])
        >>> Explanations.concat([failed, failed]).items
        array([0, 0])
        """
        return cls(Rows.concat([part._rows for part in _all_of("parts", parts, Explanations)]))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | Sequence[bool] | np.ndarray) -> Explanations: ...
    def __getitem__(self, index: Any) -> Entry | Explanations:
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            return entries_of(self._rows.one(int(index)))[0]
        return Explanations(self._rows.chosen(index))

    def __iter__(self) -> Iterator[Entry]:
        for table in self.tables():
            for start in range(0, table.num_rows, STEP):
                yield from entries_of(table.slice(start, STEP))

    def tables(self, columns: Iterable[str] | None = None) -> Iterator[pa.Table]:
        """What is behind the entries, in their order: Arrow tables of some rows each, at least one.

        In order, each row group of a file is read once. Where positions jump back and forth, each is read as often as some
        10,000 entries need it.

        Parameters
        ----------
        columns : iterable of str, optional
            Which columns, by default all; ``"surrogates.list.element.label"`` is a part of a nested one, and what lies in
            memory is given with its other parts.

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
    def failures(self) -> dict[int, Failure]:
        """Which instances have no explanation, by item number, and why; where numbers come up again, the last of each."""
        found = {}
        for table in self.tables(["item", "error"]):
            failed = table.filter(table["error"].is_valid())
            for item, error in zip(failed["item"].to_pylist(), failed["error"].to_pylist(), strict=True):
                found[item] = Failure(unescape(error["error"]), unescape(error["message"]))
        return found

    def to_frame(self, backend: str = "pandas") -> Any:
        """All weights as a table, a row for each explained instance, label and component.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns item, label, output (the label's name), component, feature (in tables the component's column or columns,
            elsewhere its name), name, value, weight, low, high. Texts are as Arrow can hold them: lone surrogates and NUL are
            written as NUL and four hexadecimal digits.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> Explanations.of([explanation, explanation]).to_frame("polars")["item"].to_list()
        [0, 0, 1, 1]
        """
        return long_frame(self, backend)

    def to_wide_frame(
        self,
        label: int | str | None = None,
        *,
        by: str = "feature",
        num_features: int | None = None,
        backend: str = "pandas",
    ) -> Any:
        """The weights as a matrix: a row for each explained instance and label, a column for each feature.

        Parameters
        ----------
        label : int or str, optional
            An output's number or name; "all" for every explained label. By default each explanation's default label.
        by : {"feature", "name"}
            What has a column: the column or columns of a table that a component is of (its name elsewhere), or every name.
        num_features : int, optional
            So many of the features, those with the highest sums of absolute weights; by default all.
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns item, label, output, prediction, local_prediction, fidelity, converged, and the features, heaviest first. A
            feature's weight is the sum of its components', and 0 where none was reported: the surrogate has no such term. A
            feature that is called like a column before it has ``feature`` put before its name.

        Raises
        ------
        ArgumentError
            If an argument is not one of those allowed, or the frame would have more than 2^27 weights.
        LabelError
            If no explanation has that label.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> frame = Explanations.of([explanation]).to_wide_frame()
        >>> list(frame.columns[-2:])
        ['good', 'film']
        """
        if num_features is not None:
            check_count("num_features", num_features, 1)
        return wide_frame(self, label, by, num_features, backend)

    def importance(self, label: int | str | None = None, *, by: str = "feature", kind: str = "mean_abs") -> Importance:
        """How much each feature weighs over all explanations.

        With W the explanations' absolute weights, a row for each instance that has the label and a column for each feature (0
        where it was not reported; the sum where several components are of one feature), it is the mean of each column, or the
        root of its sum [1]_. Of some of the instances: ``explanations[mask].importance(label)``.

        Parameters
        ----------
        label : int or str, optional
            An output's number or name; "all" for every explained label, added up. By default each explanation's default label.
        by : {"feature", "name"}
            What is weighed: the column or columns of a table that a component is of (its name elsewhere), or every name, such
            as that of each bin.
        kind : {"mean_abs", "sqrt"}
            The mean of |weight|, in units of the model's output, or the root of its sum.

        Returns
        -------
        importance : Importance
            Heaviest first: ``as_list()``, ``to_frame()``, and the columns ``features``, ``values``, ``lows``, ``highs``,
            ``reported``. The intervals say how far the value may be from that of all instances like these, with unlimited
            perturbations: Student's t over the instances, level 95 %, and, added in squares, the mean half-width of the
            weights' own intervals, as if all of them erred alike. Explanations of rows nearly do, since they share their
            perturbations; of others the intervals are wider than need be.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not one of those allowed.
        LabelError
            If no explanation has that label.

        References
        ----------
        .. [1] M. T. Ribeiro, S. Singh, C. Guestrin, "Why Should I Trust You?", KDD 2016, section 4: I_j = sqrt(sum_i W_ij).

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explainer = TextExplainer()
        >>> def model(texts):
        ...     return ["good" in text for text in texts]
        >>> texts = ("good film", "so so", "good")
        >>> explanations = Explanations.of(explainer.explain_instance(text, model) for text in texts)
        >>> importance = explanations.importance()
        >>> importance.features, importance.reported
        (('good', 'film', 'so'), (2, 1, 1))
        """
        return importance_of(self, label, by, kind)

    def pick(
        self,
        num_picks: int = 5,
        *,
        label: int | str | None = None,
        by: str = "name",
        candidates: int | None = None,
        random_state: Any = 0,
    ) -> Any:
        """A few explanations that together show what the model goes by: SP-LIME. The same as `submodular_pick` of these.

        Parameters
        ----------
        num_picks, label, by, candidates, random_state
            As `submodular_pick` takes them.

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
        pick = PICKS.load("submodular")
        return pick(self, num_picks, label=label, by=by, candidates=candidates, random_state=random_state)

    def to_html(self, *, title: str | None = None, labels: Any = None, num_picks: int = 10, num_features: int = 20) -> str:
        """A report as one self-contained page: what holds for all, `pick`'s picks, and a list to search, filter and sort.

        Each explanation is drawn in its place when it is opened. The list holds as many as some 4.5 MB have room for, with 10
        features 2400 rows of 30 columns or 1500 texts of 200 words: those that were picked, that failed or that are
        misclassified before the others. It needs the page's own script; what stands above it does not.

        Parameters
        ----------
        title : str, optional
            The page's heading.
        labels : sequence, optional
            The true label of each entry: the name or the number of its class, or, where the outputs are no probabilities, what
            the model should have said; None or NaN where it is not known.
        num_picks : int
            How many explanations are picked to be shown first.
        num_features : int
            Of how many features the importance is shown, for each of the labels explained most often.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not one of those allowed.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> "One film" in Explanations.of([explanation]).to_html(title="One film")
        True
        """
        page: str = RENDERERS.load("report")(self, title, labels, num_picks, num_features)
        return page

    def save_report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        labels: Any = None,
        num_picks: int = 10,
        num_features: int = 20,
    ) -> None:
        """Write `to_html`'s page to a file; until it is whole, what was there before stays.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced.
        title, labels, num_picks, num_features
            As `to_html` takes them.

        Raises
        ------
        ArgumentError, ArgumentTypeError, OSError
            As `to_html` and `save` raise them.
        """
        page = self.to_html(title=title, labels=labels, num_picks=num_picks, num_features=num_features)
        with whole_file(Path(path)) as file:
            file.write(page.encode("utf-8"))

    def __repr__(self) -> str:
        failed = converged = 0
        for table in self.tables(["error", "converged"]):
            failed += table.num_rows - table["error"].null_count
            converged += int(np.sum(table["converged"].fill_null(False).to_numpy()))
        facts = [f"{len(self)} instances", *[f"{failed} failed"] * (failed > 0), f"{converged} converged"]
        return f"Explanations({', '.join(facts)})"


def _all_of(parameter: str, values: Iterable[Any], kind: type) -> list[Any]:
    """A list of what an iterable holds, all of one kind."""
    if not isinstance(values, Iterable):
        raise ArgumentTypeError(f"{parameter} must be a sequence of {kind.__name__}; got {type(values).__name__}.")
    values = list(values)
    for i, value in enumerate(values):
        if not isinstance(value, kind):
            raise ArgumentTypeError(f"{parameter} must be a sequence of {kind.__name__}; entry {i} is {type(value).__name__}.")
    return values
