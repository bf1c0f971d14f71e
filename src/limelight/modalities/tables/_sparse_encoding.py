"""Sparse rows as the numbers of their entries, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._checks import check_numbers
from limelight._errors import ArgumentError, InstanceError
from limelight.modalities.tables._encoding import Encoding, check_size, feature_names_of, in_order
from limelight.modalities.tables._fields import Field, Numbers

__all__ = ["SparseEncoding", "encode_sparse"]


def encode_sparse(training_data: Any, feature_names: Iterable[object] | None) -> tuple[Any, Encoding]:
    """A sparse array or matrix of scipy's in columns of doubles.

    Raises
    ------
    ArgumentError
        If it has no rows or columns, or holds anything but finite numbers.
    """
    from scipy.sparse import csc_array

    if training_data.ndim != 2:
        raise ArgumentError(f"training_data must have 2 dimensions; got shape {training_data.shape}.")
    training = csc_array(training_data)
    check_size(training.shape)
    if training.dtype.kind not in "biuf":
        raise ArgumentError(f"a sparse training_data must hold finite numbers; it holds {training.dtype}.")
    if not np.isfinite(training.data).all():
        raise ArgumentError(
            "a sparse training_data must hold finite numbers; it has NaN or infinity. Put numbers in their place, or give "
            "a dense array, in which NaN is a value that is missing."
        )
    whole = training.dtype.kind in "biu"
    training = training.astype(np.float64)
    training.sum_duplicates()
    width = training.shape[1]
    return training, SparseEncoding(feature_names_of(feature_names, width), whole, type(training_data), range(width), width)


@dataclass(frozen=True)
class SparseEncoding(Encoding):
    """Sparse rows of `width` numbers, of which only a row's `entries` are perturbed, those that are not zero.

    `whole` says that they are whole ones; `form` is the class that the training data have: a sparse array, or a sparse matrix.
    """

    names: tuple[str, ...]
    whole: bool
    form: Any
    entries: Sequence[int]
    width: int
    own_components = True

    @property
    def columns(self) -> None:
        return None

    @property
    def places(self) -> Sequence[int]:
        return self.entries

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (Numbers(self.whole),) * len(self.names)

    def check_drawing(self, *, groups: object, sampler: object, constraint: object) -> None:
        if groups or constraint is not None or callable(sampler) or sampler == "training_rows":
            raise ArgumentError("sparse tables have no groups, constraint or sampler of their own; leave these out.")

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        from scipy.sparse import csr_array

        if not hasattr(instance, "tocsr"):
            instance = np.atleast_2d(check_numbers("a row to explain", in_order(instance, self.names), None))
        # An array's own [0] has one dimension.
        row = csr_array(instance.reshape(1, -1) if instance.ndim == 1 else instance)
        if row.shape != (1, self.width):
            raise InstanceError(f"a row to explain must have shape (1, {self.width}), as the training data; got {row.shape}.")
        row.sum_duplicates()
        row.eliminate_zeros()
        if not np.isfinite(row.data).all():
            raise InstanceError("a sparse row to explain must hold finite numbers; it has NaN or infinity.")
        if not row.nnz:
            raise InstanceError("a sparse row to explain must have an entry that is not zero: it has nothing to perturb.")
        places = tuple(row.indices.tolist())
        names = tuple(self.names[place] for place in places)
        return row.data.astype(np.float64), replace(self, names=names, entries=places)

    def batch(self, rows: np.ndarray) -> Any:
        from scipy.sparse import csr_array, csr_matrix, sparray

        there = rows != 0
        ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        indices = np.broadcast_to(np.array(self.entries, dtype=np.int32), rows.shape)[there]
        make = csr_array if issubclass(self.form, sparray) else csr_matrix
        return make((rows[there], indices, ends), shape=(len(rows), self.width))
