"""Training data in any form: which encoding is theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight._seeds import fingerprint
from limelight.modalities.tables._array_encoding import encode_array
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._frame_encoding import encode_frame
from limelight.modalities.tables._sparse_encoding import encode_sparse

__all__ = ["content_of", "encode"]


def encode(training_data: Any, feature_names: Iterable[object] | None) -> tuple[Any, Encoding]:
    """Training data as numbers of shape (n, d), and how to write other rows in the same way.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If they are no table, have no rows or columns, or a column holds what no table should.
    """
    import narwhals.stable.v2 as nw

    if training_data is None:
        raise ArgumentError("training_data must have 2 dimensions; got None. Give it, or training_data_stats.")
    try:
        frame = nw.from_native(training_data, eager_only=True, pass_through=True)
    except ValueError as error:  # as where two columns have the same name
        raise ArgumentError(f"training_data is not a sound frame: {error}") from error
    if isinstance(frame, nw.DataFrame):
        return encode_frame(frame, feature_names)
    if hasattr(training_data, "collect"):
        raise ArgumentTypeError(f"training_data must be in memory: collect() the {type(training_data).__name__} first.")
    if hasattr(training_data, "column_names") or hasattr(training_data, "columns"):  # an array would lose the names
        got = type(training_data).__name__
        raise ArgumentTypeError(f"training_data must be a frame of pandas, polars or pyarrow; got a {got}: make one of it.")
    if hasattr(training_data, "tocsc"):
        return encode_sparse(training_data, feature_names)
    return encode_array(training_data, feature_names)


def content_of(training: Any) -> int:
    """A number made from training data's numbers, dense or sparse."""
    parts = (training.data, training.indices, training.indptr) if hasattr(training, "indptr") else (training,)
    return fingerprint(*parts)
