"""Explanations where the user's rows are: a function from frame to frame, for whatever runs such functions on a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.batch._instances import Instances, chunks_of
from limelight.batch._workers import kept
from limelight.collection.arrow import Entry, entries_of
from limelight.collection.failure import Failure

if TYPE_CHECKING:
    import pandas

__all__ = ["FrameFunction"]

_COLUMNS = ("item", "error", "explanation")
_STEP = 256  # instances of which there are tables and objects at a time


@dataclass(frozen=True)
class FrameFunction:
    """Explains the instances in a pandas frame, which may be a part of a larger one; made by an explainer's ``frame_function``.

    It can be pickled; each process unpickles the model once.

    Attributes
    ----------
    data : bytes
        The explainer, the model and the settings, pickled.
    columns : sequence of str or None
        The columns that the model takes; None for all.
    item : str or None
        The column that tells the instances apart.
    schema : str
        The columns of the frames that it gives, as Spark wants to be told.

    Examples
    --------
    >>> import pandas
    >>> from limelight import TabularExplainer
    >>> frame = pandas.DataFrame({"age": [20.0, 30.0, 50.0, 60.0], "dose": [1.0, 0.0, 0.0, 1.0]})
    >>> explain = TabularExplainer(frame).frame_function(lambda rows: rows["age"].to_numpy(), num_samples=64)
    >>> explain(frame[:2])["error"].tolist()
    [None, None]
    """

    data: bytes = field(repr=False)
    columns: Sequence[str] | None
    item: str | None
    schema = ", ".join(f"{name} string" for name in _COLUMNS)

    @property
    def meta(self) -> pandas.DataFrame:
        """A frame as it gives them, without rows, as Dask wants to be told."""
        return _frame([], None)

    def __call__(self, frame: pandas.DataFrame) -> pandas.DataFrame:
        """A row for each instance, under the same index: what tells it apart, and an explanation's JSON or an error, as texts.

        Raises
        ------
        ArgumentError
            If the frame lacks columns.
        """
        import pandas

        if not isinstance(frame, pandas.DataFrame):
            raise ArgumentTypeError(
                f"frame must be a frame of pandas, as Spark, Dask and Ray give it; got {type(frame).__name__}."
            )
        items = self._items(frame)
        if self.item is not None and self.item not in (self.columns or ()):
            frame = frame.drop(columns=self.item)
        job = kept(self.data)
        chunks = chunks_of(Instances.of(frame, self.columns).each, _STEP)
        entries = (entry for chunk in chunks for entry in entries_of(job.explain(chunk)))
        return _frame([(item, *_texts(entry)) for item, entry in zip(items, entries, strict=True)], frame.index)

    def each(self, frames: Iterable[pandas.DataFrame]) -> Iterator[pandas.DataFrame]:
        """The same of frame after frame, as Spark's ``mapInPandas`` wants it."""
        return map(self, frames)

    def _items(self, frame: pandas.DataFrame) -> list[str | None]:
        if self.item is None:
            return [None] * len(frame)
        if self.item not in frame.columns:
            shown = ", ".join(map(repr, frame.columns[:5]))
            raise ArgumentError(f"item must be a column of the frame; got {self.item!r}, and the frame has {shown}.")
        column = frame[self.item]
        return [None if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)]


def _texts(entry: Entry) -> tuple[str | None, str | None]:
    """The error and the explanation, of which there is one."""
    if isinstance(entry, Failure):
        # What engines make of texts is UTF-8, which has no lone surrogates.
        return f"{entry.error}: {entry.message}".encode("utf-8", "backslashreplace").decode(), None
    return None, entry.to_json()


def _frame(rows: list[tuple[str | None, ...]], index: Any) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame(rows, index=index, columns=list(_COLUMNS), dtype=object)
