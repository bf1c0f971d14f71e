"""The design for masks whose parts are absent with probability 1/2 each: cosets of one linear orthogonal array."""

from __future__ import annotations

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

_COSET_BITS = 3  # 2**3 cosets of an orthogonal array: one for each of the REPLICATES


@dataclass(frozen=True)
class OrthogonalArrays(Design):
    """Masks whose parts are absent with probability 1/2 each: one linear orthogonal array, the replicates being its cosets.

    Each part gets its own random element x of a field of 2^m >= d elements, and the bits of (1, x, x^3, x^5) as its generator.
    The part is present in row r where the parity of ``r AND generator``, flipped or not by the part's own random bit, is 1. The
    generators are codewords of an extended BCH code [1]_, so that 2^b rows have strength 3 from b = 1 + m on (effects of single
    parts are free of those of pairs) and strength 5 from b = 1 + 2 m on. The leading 1 makes row 2 i + 1 the complement of
    row 2 i. Longer prefixes use more bits, so the array grows by doubling. The extra rows of a stretch continue the array: of
    512 model inputs, one is the instance, and the other 511 are all of the array's rows but one.

    Three of the bits number the eight replicates. Together these form one array with eight times the rows, which is better
    balanced than eight independent arrays. The replicates' spread does not show the errors that all of them share, but shows
    imbalances of each that cancel in the whole array. Over the random choice of the elements the two are about equal: 95 %
    intervals covered the limit in 91 to 96 % of the cases, for smooth functions, trees and products of 20 and 60 parts.

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
        """Seven in eight of the rows that have strength 3: with half of them, some parts would always come and go together."""
        return 7 << (_field_degree(parts) - 2)

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        parts = len(law) - 1
        rng = stream(*self.seed)
        generators = _draw_bch_generators(rng, parts)
        shift = rng.integers(2, size=parts, dtype=np.uint8)

        def array_rows(numbers: np.ndarray) -> np.ndarray:
            return np.asarray((np.bitwise_count(numbers.astype(np.uint64)[:, None] & generators) & 1) ^ shift)

        def coset_rows(replicate: int, count: int) -> np.ndarray:
            return array_rows(REPLICATES * np.arange(stretch.start, stretch.start + count) + replicate)

        def extra_rows(replicates: int, count: int) -> np.ndarray:
            place = np.arange(count)
            return array_rows(REPLICATES * (stretch.stop + place // replicates) + place % replicates)

        masks, replicate_bounds = draw_replicates(stretch, coset_rows, extra_rows)
        return Drawn(masks, np.ones(len(masks)), replicate_bounds)


# Primitive polynomials over GF(2) by degree, as bits without the leading term (Hedayat, Sloane and Stufken, table A.2).
_PRIMITIVE_POLYNOMIALS = {3: 3, 4: 3, 5: 5, 6: 3, 7: 3, 8: 29, 9: 17, 10: 9, 11: 5, 12: 83, 13: 27, 14: 43, 15: 3, 16: 45}


def _draw_bch_generators(rng: Generator, parts: int) -> np.ndarray:
    """A generator for each part, of shape (parts,): the bits of its random x, of x^3 and of x^5, and a 1.

    The first bits of x come first, because they number the cosets. The 1, the rest of x, x^3 and x^5 follow.
    """
    degree = _field_degree(parts)
    if degree not in _PRIMITIVE_POLYNOMIALS:
        largest = 2 ** max(_PRIMITIVE_POLYNOMIALS)
        raise InstanceError(f"the instance has {parts} components; at most {largest} can be explained. Make larger components.")
    x = rng.permutation(2**degree)[:parts].astype(np.uint64)
    square = _multiply(x, x, degree)
    cube = _multiply(square, x, degree)
    fifth = _multiply(cube, square, degree)
    generators, num_bits = x & np.uint64(REPLICATES - 1), _COSET_BITS
    for bits, width in (
        (np.uint64(1), 1),
        (x >> np.uint64(_COSET_BITS), degree - _COSET_BITS),
        (cube, degree),
        (fifth, degree),
    ):
        generators, num_bits = generators | bits << np.uint64(num_bits), num_bits + width
    return np.asarray(generators)


def _field_degree(parts: int) -> int:
    """The degree m of the smallest field, of 2^m elements, that has an element for each part and all coset bits."""
    return max(_COSET_BITS, (parts - 1).bit_length())


def _multiply(left: np.ndarray, right: np.ndarray, degree: int) -> np.ndarray:
    """Multiply elements, of shape (n,), of the field with 2^degree elements: polynomials over GF(2), the constant first."""
    product = np.zeros_like(left)
    leading, reduction = np.uint64(1 << degree), np.uint64(_PRIMITIVE_POLYNOMIALS[degree])
    for bit in range(degree):
        product ^= np.where(right >> np.uint64(bit) & np.uint64(1), left, np.uint64(0))
        left = left << np.uint64(1)
        left = np.where(left & leading, left ^ leading ^ reduction, left)
    return product
