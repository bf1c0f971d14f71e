"""Parts of an array: each element belongs to one part and shows the instance where that is present, a filling where absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from limelight._seeds import fingerprint
from limelight.results.views import View
from limelight.stages.components import Parts, fair_coins

__all__ = ["PatchParts"]

_BATCH = 2**24  # bytes of perturbed arrays made at once: small enough for the allocator to give the same memory again
_BLOCK = 2**17  # bytes of the array worked on at a time: with its filling and their difference it stays in the cache


class PatchParts(Parts):
    """Parts of an array of any shape; superpixels of an image, segments of a series.

    Parameters
    ----------
    array : ndarray
        The instance.
    filling : ndarray
        What shows where a part is absent; of the array's shape and dtype.
    labels : ndarray of int
        For each element the number of its part, 0 to d - 1, all of them used; its shape broadcasts to the array's.
    names : tuple of str
        A name for each part.
    view : View
        The instance as a renderer sees it.
    notes : tuple of (code, message)
        What a reader should know about the instance.
    wrap : callable, optional
        Makes of a batch of arrays what the model takes; by default the batch as it is.
    """

    def __init__(
        self,
        array: np.ndarray,
        filling: np.ndarray,
        labels: np.ndarray,
        names: tuple[str, ...],
        view: View,
        notes: tuple[tuple[str, str], ...] = (),
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
        self.batch_size = max(1, _BATCH // max(1, self.array.nbytes))
        self._blocks = list(self._cut())

    def realise(self, masks: np.ndarray) -> Any:
        """The arrays that the masks leave, as one batch."""
        batch = np.empty((len(masks), *self.array.shape), dtype=self.array.dtype)
        # On the bits, where a part is absent: filling ^ ((instance ^ filling) & 0) = filling; where present, & ~0 = instance.
        # Whatever the dtype, this is exact, and a pass over a run of elements costs what copying it costs.
        bits = np.dtype(f"i{self.array.itemsize}")
        rows = batch.reshape(len(masks), -1).view(bits)
        instance, filling = self.array.reshape(-1).view(bits), self.filling.reshape(-1).view(bits)
        keep = -masks.view(np.int8)  # ~0 for 1
        # A mask and its complement, side by side in most designs, need the selection only once.
        selects = _selects(masks)
        for block, parts, lengths in self._blocks:
            here, there = instance[block], filling[block]
            difference = here ^ there
            shown = np.empty_like(difference)
            runs = keep[:, parts]
            for i, select in enumerate(selects):
                if select:
                    np.bitwise_and(np.repeat(runs[i], lengths).view(bits), difference, out=shown)
                np.bitwise_xor(shown, there if select else here, out=rows[i, block])
        return batch if self.wrap is None else self.wrap(batch)

    def recast(self, array: np.ndarray, filling: np.ndarray, labels: np.ndarray) -> PatchParts:
        """The same parts of another array, as a model's adapter has made it of this one."""
        return PatchParts(array, filling, labels, self.names, self.view)

    def _cut(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Stretches of the array's elements, each with its runs of equal labels: their parts and lengths."""
        labels = np.broadcast_to(self.labels, self.array.shape).reshape(-1)
        step = max(1, _BLOCK // self.array.itemsize)
        for start, stop in pairwise([*range(0, labels.size, step), labels.size]):
            here = labels[start:stop]
            bounds = np.concatenate([[0], np.flatnonzero(here[1:] != here[:-1]) + 1, [len(here)]])
            yield slice(start, stop), here[bounds[:-1]], np.diff(bounds) * self.array.itemsize


def _selects(masks: np.ndarray) -> list[bool]:
    """For each mask whether a selection has to be made for it; not where it is the complement of one just made."""
    complement = [False, *np.all(masks[1:] != masks[:-1], axis=1).tolist()]
    selects = [True] * len(masks)
    for i in range(1, len(masks)):
        selects[i] = not (complement[i] and selects[i - 1])
    return selects
