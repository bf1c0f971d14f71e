"""The design for masks whose parts are absent with probability 1/2 each: orthogonal arrays, drawn anew in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from limelight._seeds import stream
from limelight.exceptions import InstanceError
from limelight.stages.design import REPLICATES, Design, Drawn, Stretch
from limelight.stages.designs import draw_replicates

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["OrthogonalArrays"]

_MOST_SHARING_BITS = 3  # 2**3 replicates can share an array: all of the REPLICATES


@dataclass(frozen=True)
class OrthogonalArrays(Design):
    """Masks whose parts are absent with probability 1/2 each: orthogonal arrays, drawn anew in each block of rows.

    A replicate's rows come in blocks: the first has a quarter as many rows as there are elements in a field of 2^m >= d, and
    each further one ends at twice the row that the one before ends at. So the array grows by doubling. A block of 2^b rows is
    an orthogonal array of its own. Each part gets its own random element x of the field, and b of the bits of
    (1, x, x^3, x^5), from the first on, as its generator. The part is present in row r where the parity of
    ``r AND generator``, flipped or not by a random bit, is 1. The generators are codewords of an extended BCH code [1]_. The
    leading 1 makes row 2 i + 1 the complement of row 2 i. So effects of single parts are free of those of pairs.

    If b > m, each replicate draws its elements alone, and its rows have strength 3. A smaller block cannot tell all parts
    apart: those with equal generators are a class, of up to 2, 4 or 8 parts. Then as many replicates share their elements. In
    these, the flips of a class are different rows of a Hadamard matrix, whose columns come in a random order and with random
    signs. So over the replicates that share, and thus over all rows of a block, every two parts are orthogonal.

    Whatever else an array cannot tell apart (the product of three parts from a fourth part) has a random sign in each replicate
    and block. So it is noise that the replicates' spread shows. Cosets of one linear array for all replicates would be as
    accurate on average, but would have the same sign in all of them: a confident, wrong weight.

    The extra rows of a stretch are the next rows of the replicates.

    Parameters
    ----------
    seed : tuple of int
        The seed of the random streams.
    tilt : ndarray or None
        Not used: masks follow the law as it is.

    References
    ----------
    .. [1] A. S. Hedayat, N. J. A. Sloane and J. Stufken, "Orthogonal Arrays", Springer 1999, chapter 5.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None = field(default=None, compare=False)

    def least(self, parts: int) -> int:
        """Four rows for each part and for the constant: as many as a fit of all components needs.

        With fewer, classes are so large that a few parts together can follow the signs of all replicates, whatever these are.
        Then the replicates' spread shows too little, and leaving one out spoils the balance. Independent rows are less
        accurate, but their intervals hold.
        """
        return 4 * (parts + 1)

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        parts = len(law) - 1
        last = stretch.stop - (-stretch.extra // REPLICATES)
        blocks = [np.empty((REPLICATES, 0, parts), dtype=np.uint8)]
        for number, (start, stop) in enumerate(_block_bounds(_field_degree(parts), last)):
            if stop > stretch.start:
                block = _draw_block(stream(*self.seed, number), parts, stop - start, min(stop, last) - start)
                blocks.append(block[:, max(0, stretch.start - start) :])
        rows = np.concatenate(blocks, axis=1)

        def next_rows(replicate: int, count: int) -> np.ndarray:
            return rows[replicate, :count]

        def extra_rows(replicates: int, count: int) -> np.ndarray:
            place = np.arange(count)
            return rows[place % replicates, stretch.stop - stretch.start + place // replicates]

        masks, replicate_bounds = draw_replicates(stretch, next_rows, extra_rows)
        return Drawn(masks, np.ones(len(masks)), replicate_bounds)


def _block_bounds(degree: int, last: int) -> Iterator[tuple[int, int]]:
    """Which rows of each replicate the blocks have: all blocks that begin before row `last`."""
    start, stop = 0, 2 ** (degree + 1 - _MOST_SHARING_BITS)
    while start < last:
        yield start, stop
        start, stop = stop, 2 * stop


def _draw_block(rng: Generator, parts: int, size: int, count: int) -> np.ndarray:
    """The first rows of all replicates' blocks of `size` rows, a power of two: masks of shape (r, count, d)."""
    degree, num_bits = _field_degree(parts), size.bit_length() - 1
    # The leading bit of a generator is 1, the others tell classes apart.
    num_classes = 2 ** min(degree, num_bits - 1)
    sharing = 2**degree // num_classes
    elements = rng.permuted(np.tile(np.arange(2**degree, dtype=np.uint64), (REPLICATES // sharing, 1)), axis=1)[:, :parts]
    flips = _draw_flips(rng, elements, num_classes, sharing)
    rows = np.empty((*flips.shape[:2], count, parts), dtype=np.uint8)
    rows[:, :, 0] = flips
    done = 1
    for bits in _generator_bits(elements, degree):
        if done >= count:
            break
        added = min(done, count - done)
        np.bitwise_xor(rows[:, :, :added], bits[:, None, None], out=rows[:, :, done : done + added])
        done += added
    return rows.reshape(REPLICATES, count, parts)


def _draw_flips(rng: Generator, elements: np.ndarray, num_classes: int, sharing: int) -> np.ndarray:
    """Which columns are flipped, of shape (groups, sharing, d), in groups of replicates that share elements, (groups, d)."""
    groups = len(elements)
    flips = rng.integers(2, size=(groups, 1, elements.shape[1]), dtype=np.uint8)
    if sharing == 1:
        return flips
    in_class, place = elements % np.uint64(num_classes), (elements // np.uint64(num_classes)).astype(np.uint8)
    order = rng.permuted(np.tile(np.arange(sharing, dtype=np.uint8), (groups, num_classes, 1)), axis=2)
    signs = rng.integers(2, size=order.shape, dtype=np.uint8)
    group = np.arange(groups)[:, None]
    # The entries of a Hadamard matrix (Sylvester's): the parities of the common bits of row and column.
    hadamard = np.bitwise_count(order[group, in_class] & place[:, :, None]) & np.uint8(1)
    return np.asarray(flips ^ np.swapaxes(hadamard ^ signs[group, in_class], 1, 2))


def _generator_bits(elements: np.ndarray, degree: int) -> Iterator[np.ndarray]:
    """The bits of (1, x, x^3, x^5) of field elements x of any shape, one after the other."""
    yield np.ones(elements.shape, dtype=np.uint8)
    power, square = elements, _multiply(elements, elements, degree)
    for _ in range(3):
        for bit in range(degree):
            yield (power >> np.uint64(bit) & np.uint64(1)).astype(np.uint8)
        power = _multiply(power, square, degree)


# Primitive polynomials over GF(2) by degree, as bits without the leading term (Hedayat, Sloane and Stufken, table A.2).
_PRIMITIVE_POLYNOMIALS = {3: 3, 4: 3, 5: 5, 6: 3, 7: 3, 8: 29, 9: 17, 10: 9, 11: 5, 12: 83, 13: 27, 14: 43, 15: 3, 16: 45}


def _field_degree(parts: int) -> int:
    """The degree m of the smallest field, of 2^m elements, at least 8, that has an element for each part."""
    degree = max(_MOST_SHARING_BITS, (parts - 1).bit_length())
    if degree not in _PRIMITIVE_POLYNOMIALS:
        largest = 2 ** max(_PRIMITIVE_POLYNOMIALS)
        raise InstanceError(f"the instance has {parts} components; at most {largest} can be explained. Make larger components.")
    return degree


def _multiply(left: np.ndarray, right: np.ndarray, degree: int) -> np.ndarray:
    """Multiply elements, of equal shapes, of the field with 2^degree elements: polynomials over GF(2), the constant first."""
    product = np.zeros_like(left)
    leading, reduction = np.uint64(1 << degree), np.uint64(_PRIMITIVE_POLYNOMIALS[degree])
    for bit in range(degree):
        product ^= np.where(right >> np.uint64(bit) & np.uint64(1), left, np.uint64(0))
        left = left << np.uint64(1)
        left = np.where(left & leading, left ^ leading ^ reduction, left)
    return product
