"""Explanations where the user's rows are: a function from frame to frame, for any system that runs such functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from limelight._checks import check_id
from limelight.batch._instances import Instances, split_into_chunks
from limelight.batch._pickling import deserialize_job
from limelight.collection.arrow import Entry, entries_of
from limelight.collection.failure import Failure
from limelight.exceptions import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import pandas

__all__ = ["FrameFunction"]

_COLUMNS = ("item", "error", "explanation")
_CHUNK_SIZE = 256  # instances whose explanations are in memory as objects at a time


@dataclass(frozen=True)
class FrameFunction:
    """Explains the instances in a pandas frame, which may be part of a larger one. An explainer's ``frame_function`` makes it.

    It can be pickled. Each process unpickles the model once.

    Attributes
    ----------
    data : bytes
        The explainer, the model and the settings, pickled.
    columns : sequence of str or None
        The columns that the model takes; None for all.
    item : str or None
        The column that identifies the instances; its values are the explanations' ids.
    schema : str
        The columns of the frames that it returns, in the form that Spark takes.

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
        """A frame without rows, with the columns that it returns, in the form that Dask takes."""
        return _result_frame([], None)

    def __call__(self, frame: pandas.DataFrame) -> pandas.DataFrame:
        """Explain each row, and return a row for it under the same index: its item, its error and its explanation as JSON.

        Raises
        ------
        ArgumentError
            If the frame lacks columns.
        ArgumentTypeError
            If it is not a pandas frame.
        """
        import pandas

        if not isinstance(frame, pandas.DataFrame):
            raise ArgumentTypeError(
                f"frame must be a pandas frame, which Spark, Dask and Ray can pass; got {type(frame).__name__}."
            )
        items = self._items(frame)
        if self.item is not None and self.item not in (self.columns or ()):
            frame = frame.drop(columns=self.item)
        job = deserialize_job(self.data)
        # A frame may be part of a larger one, in which its index means nothing.
        instances = Instances.of(frame, self.columns, items)
        chunks = split_into_chunks(instances.iterator, instances.ids, _CHUNK_SIZE)
        with job.registrations_in_use():
            entries = (entry for chunk in chunks for entry in entries_of(job.explain(chunk)))
            return _result_frame([(item, *_texts_of(entry)) for item, entry in zip(items, entries, strict=True)], frame.index)

    def each(self, frames: Iterable[pandas.DataFrame]) -> Iterator[pandas.DataFrame]:
        """Explain frame after frame, as Spark's ``mapInPandas`` calls it."""
        return map(self, frames)

    def _items(self, frame: pandas.DataFrame) -> list[str | None]:
        if self.item is None:
            return [None] * len(frame)
        if self.item not in frame.columns:
            names = ", ".join(map(repr, frame.columns[:5]))
            raise ArgumentError(f"item must be a column of the frame; got {self.item!r}, and the frame has {names}.")
        return [check_id(value) for value in frame[self.item]]


FrameFunction.__module__ = "limelight"  # users import it from there


def _texts_of(entry: Entry) -> tuple[str | None, str | None]:
    """The error and the explanation, one of which is None."""
    if isinstance(entry, Failure):
        # The systems store texts as UTF-8, which has no lone surrogates.
        return f"{entry.error}: {entry.message}".encode("utf-8", "backslashreplace").decode(), None
    return None, entry.to_json()


def _result_frame(rows: list[tuple[str | None, ...]], index: Any) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame(rows, index=index, columns=list(_COLUMNS), dtype=object)
