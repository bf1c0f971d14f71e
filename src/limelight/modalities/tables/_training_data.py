"""Training data in any form, read once: numbers, and the encoding that reads and writes other rows in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from limelight._checks import wrap_frame
from limelight._seeds import fingerprint
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.modalities.tables._added_values import Column
from limelight.modalities.tables._array_encoding import encode_array
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._frame_encoding import encode_frame
from limelight.modalities.tables._sparse_encoding import encode_sparse
from limelight.modalities.tables._text_encoding import encode_texts

__all__ = ["TrainingData", "encode", "read_training_data"]


class TrainingData(NamedTuple):
    """What is known of the rows that a model was trained on.

    Attributes
    ----------
    rows : ndarray or sparse array stored by column, of shape (n, d)
        The rows as numbers; none of them where `laws` are known instead.
    encoding : Encoding
        How rows become numbers, and back.
    content : int
        A number made from all of it; random streams are made from it.
    laws : tuple of Column, or None
        How each column is drawn, where statistics say so.
    """

    rows: Any
    encoding: Encoding
    content: int
    laws: tuple[Column, ...] | None = None


def read_training_data(training_data: Any, feature_names: Iterable[object] | None, kinds: Any) -> TrainingData:
    """Read training data; `kinds` says which columns hold free text.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If they are no table, have no rows or columns, or a column holds what no table should.
    """
    rows, encoding = encode_texts(*encode(training_data, feature_names), kinds)
    arrays = (rows.data, rows.indices, rows.indptr) if hasattr(rows, "indptr") else (rows,)
    return TrainingData(rows, encoding, fingerprint(*arrays))


def encode(training_data: Any, feature_names: Iterable[object] | None) -> tuple[Any, Encoding]:
    """Training data as numbers of shape (n, d), and their encoding.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If they are no table, have no rows or columns, or a column holds what no table should.
    """
    import narwhals.stable.v2 as nw

    if training_data is None:
        raise ArgumentError("training_data must have 2 dimensions; got None. Give it, or training_data_stats.")
    try:
        frame = wrap_frame(training_data)
    except ValueError as error:  # for example, two columns have the same name
        raise ArgumentError(f"training_data is not a sound frame: {read_message(error)}") from error
    if isinstance(frame, nw.DataFrame):
        labels = None if nw.maybe_get_index(frame) is None else nw.to_native(training_data, pass_through=True).columns
        return encode_frame(frame, labels, feature_names)
    if hasattr(training_data, "collect"):
        raise ArgumentTypeError(f"training_data must be in memory: collect() the {type(training_data).__name__} first.")
    if hasattr(training_data, "column_names") or hasattr(training_data, "columns"):  # an array would lose the names
        got = type(training_data).__name__
        raise ArgumentTypeError(f"training_data must be a frame of pandas, polars or pyarrow; got a {got}: convert it.")
    if hasattr(training_data, "tocsc"):
        return encode_sparse(training_data, feature_names)
    return encode_array(training_data, feature_names)
