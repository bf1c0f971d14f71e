"""Sparse rows as the numbers of their entries, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._checks import check_numbers
from limelight.exceptions import ArgumentError, InstanceError
from limelight.modalities.tables._encoding import Encoding, check_size, feature_names_of
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._labelled_rows import order_values
from limelight.modalities.tables._number_types import check_exact, field_of, find_fault, number_type, to_type

__all__ = ["encode_sparse"]


def encode_sparse(training_data: Any, feature_names: Iterable[object] | None) -> tuple[Any, Encoding]:
    """A sparse array or matrix of scipy's, of shape (n, d), as doubles stored by column, and their encoding.

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
            "a sparse training_data must hold finite numbers; it has NaN or infinity. Replace them by numbers, or give a "
            "dense array, in which NaN is a missing value."
        )
    dtype = number_type(training.dtype)
    training = training.astype(np.float64)
    training.sum_duplicates()
    check_exact(dtype, training.data)
    width = training.shape[1]
    return training, SparseEncoding(feature_names_of(feature_names, width), dtype, type(training_data), range(width), width)


@dataclass(frozen=True)
class SparseEncoding(Encoding):
    """Sparse rows, of which only the entries that are not zero are perturbed.

    Attributes
    ----------
    names : tuple of str
        A name for each entry.
    dtype : numpy dtype
        The type of the training data, in which the model gets rows.
    form : type
        The class of the training data: a sparse array, or a sparse matrix.
    entries : sequence of int
        The columns of the entries; before a row is read, all columns.
    width : int
        How many columns the table has.
    """

    names: tuple[str, ...]
    dtype: np.dtype
    form: Any
    entries: Sequence[int]
    width: int
    has_own_components = True

    @property
    def column_names(self) -> None:
        return None

    @property
    def column_numbers(self) -> Sequence[int]:
        return self.entries

    @property
    def fields(self) -> tuple[Field, ...]:  # type: ignore[override]
        return (field_of(self.dtype),) * len(self.names)

    def check_drawing(self, *, groups: object, sampler: object, constraint: object) -> None:
        if groups or constraint is not None or callable(sampler) or sampler == "training_rows":
            raise ArgumentError("groups, constraint and a sampler of your own need dense training_data; leave them out.")

    def read(self, instance: Any) -> tuple[np.ndarray, Encoding]:
        from scipy.sparse import csr_array

        if not hasattr(instance, "tocsr"):
            instance = np.atleast_2d(check_numbers("a row to explain", order_values(instance, self.names), None))
        # A row taken out of a sparse array, as by [0], has one dimension.
        row = csr_array(instance.reshape(1, -1) if instance.ndim == 1 else instance)
        if row.shape != (1, self.width):
            raise InstanceError(f"a row to explain must have shape (1, {self.width}), as the training data; got {row.shape}.")
        row.sum_duplicates()
        row.eliminate_zeros()
        if not np.isfinite(row.data).all():
            raise InstanceError("a sparse row to explain must hold finite numbers; it has NaN or infinity.")
        if not row.nnz:
            raise InstanceError("a sparse row to explain must have an entry that is not zero: it has nothing to perturb.")
        numbers = tuple(row.indices.tolist())
        names = tuple(self.names[number] for number in numbers)
        fault = find_fault(self.dtype, row.data[None].astype(np.float64), names)
        if fault:
            raise InstanceError(f"a sparse row to explain must hold {fault}.")
        return row.data.astype(np.float64), replace(self, names=names, entries=numbers)

    def hold(self, rows: np.ndarray) -> np.ndarray:
        return field_of(self.dtype).hold(rows)

    def make_batch(self, rows: np.ndarray) -> Any:
        from scipy.sparse import csr_array, csr_matrix, sparray

        is_entry = rows != 0
        ends = np.concatenate([[0], np.cumsum(is_entry.sum(axis=1))]).astype(np.int32)  # scikit-learn's trees take no int64
        indices = np.broadcast_to(np.array(self.entries, dtype=np.int32), rows.shape)[is_entry]
        make = csr_array if issubclass(self.form, sparray) else csr_matrix
        return make((to_type(rows[is_entry], self.dtype), indices, ends), shape=(len(rows), self.width))
