"""Parts of an array: each element belongs to one part, and shows a filling while that part is absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from limelight._seeds import fingerprint
from limelight.results.explanation import Notice
from limelight.results.views import View
from limelight.stages.components import Parts, fair_coins

__all__ = ["PatchParts"]

_BATCH_BYTES = 2**24  # small enough for the allocator to reuse the memory of the batch before
_BLOCK_BYTES = 2**17  # a block stays in the cache, together with its filling and their difference


class _Block(NamedTuple):
    """A stretch of an array's elements, cut into runs of elements of one part.

    Attributes
    ----------
    elements : slice
        Where it lies in the flattened array.
    parts : ndarray of shape (r,), int
        The part of each of its r runs.
    run_bytes : ndarray of shape (r,), int
        How many bytes each run takes.
    """

    elements: slice
    parts: np.ndarray
    run_bytes: np.ndarray


class PatchParts(Parts):
    """Parts of an array of any shape: superpixels of an image, or segments of a series.

    Parameters
    ----------
    array : ndarray
        The instance.
    filling : ndarray
        What shows where a part is absent, of the array's shape and dtype.
    labels : ndarray of int
        The number of each element's part; every number from 0 to d - 1 occurs. Its shape broadcasts to the array's.
    names : tuple of str
        The names of the d parts.
    view : View
        The instance as a renderer sees it.
    notes : tuple of Notice
        What a reader should know about the instance.
    wrap : callable, optional
        Turns a batch of arrays into what the model takes; by default it gets the batch itself.
    """

    def __init__(
        self,
        array: np.ndarray,
        filling: np.ndarray,
        labels: np.ndarray,
        names: tuple[str, ...],
        view: View,
        notes: tuple[Notice, ...] = (),
        wrap: Callable[[np.ndarray], Any] | None = None,
    ) -> None:
        self.array = np.ascontiguousarray(array)
        self.filling = np.ascontiguousarray(filling)
        self.labels = labels
        self.names = names
        self.view = view
        self.notes = notes
        self.wrap = wrap
        self.form = None if wrap else ("array", self.array.shape, self.array.dtype.str)
        self.content = fingerprint(self.array, self.filling, labels)
        self.law = fair_coins(len(names))
        self.batch_size = max(1, _BATCH_BYTES // max(1, self.array.nbytes))
        self._blocks = list(self._cut_into_blocks())

    def realise(self, masks: np.ndarray) -> Any:
        """The array without its absent parts, for each of the masks of shape (m, d): a batch of shape (m, *array.shape)."""
        batch = np.empty((len(masks), *self.array.shape), dtype=self.array.dtype)
        # On the elements' bits, filling ^ ((instance ^ filling) & selection): the selection is ~0 for present parts, which
        # gives the instance, and 0 for absent ones, which gives the filling. This is exact for every dtype, and takes about as
        # long as copying the runs.
        bits = np.dtype(f"i{self.array.itemsize}")
        rows = batch.reshape(len(masks), -1).view(bits)
        instance, filling = self.array.reshape(-1).view(bits), self.filling.reshape(-1).view(bits)
        selections = -masks.view(np.int8)  # -1 is ~0
        # A mask and its complement, neighbours in most designs, share one selection.
        needs_selection = _need_selection(masks)
        for elements, parts, run_bytes in self._blocks:
            present, absent = instance[elements], filling[elements]
            difference = present ^ absent
            selected = np.empty_like(difference)
            runs = selections[:, parts]
            for i, is_new in enumerate(needs_selection):
                if is_new:
                    np.bitwise_and(np.repeat(runs[i], run_bytes).view(bits), difference, out=selected)
                np.bitwise_xor(selected, absent if is_new else present, out=rows[i, elements])
        return batch if self.wrap is None else self.wrap(batch)

    def recast(self, array: np.ndarray, filling: np.ndarray, labels: np.ndarray) -> PatchParts:
        """The same parts of another array, which a model's adapter has made of this one."""
        return PatchParts(array, filling, labels, self.names, self.view)

    def _cut_into_blocks(self) -> Iterator[_Block]:
        labels = np.broadcast_to(self.labels, self.array.shape).reshape(-1)
        step = max(1, _BLOCK_BYTES // self.array.itemsize)
        for start, stop in pairwise([*range(0, labels.size, step), labels.size]):
            block = labels[start:stop]
            bounds = np.concatenate([[0], np.flatnonzero(block[1:] != block[:-1]) + 1, [len(block)]])
            yield _Block(slice(start, stop), block[bounds[:-1]], np.diff(bounds) * self.array.itemsize)


def _need_selection(masks: np.ndarray) -> list[bool]:
    """Whether each mask needs its own selection: it does not if it is the complement of the mask before, which had its own."""
    is_complement = [False, *np.all(masks[1:] != masks[:-1], axis=1).tolist()]
    needs_selection = [True] * len(masks)
    for i in range(1, len(masks)):
        needs_selection[i] = not (is_complement[i] and needs_selection[i - 1])
    return needs_selection
