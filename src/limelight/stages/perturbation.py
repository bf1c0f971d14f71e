"""Stage 2: which perturbations to ask for.

A design spreads its perturbations more evenly than independent draws do, so that fewer model inputs give the same accuracy,
and it comes in independent replicates, so that its error can be seen from their spread. Every replicate is a sequence that
later stretches go on with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from limelight._errors import InstanceError
from limelight._registry import Registry
from limelight._seeds import stream
from limelight.stages.components import Design, Drawn, Stretch, count_present

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["DESIGNS", "ComplementaryPairs", "Enumeration", "Independent", "Look", "OrthogonalArrays", "SobolPoints", "looks"]

REPLICATES = 8
_COSET_BITS = 3  # eight cosets of an orthogonal array
CONFIDENCE = 0.95
_FIRST_LOOK = 16  # points a replicate before the first look at the intervals

DESIGNS = Registry(
    "design",
    {
        "complements": "limelight.stages.perturbation:ComplementaryPairs",
        "iid": "limelight.stages.perturbation:Independent",
        "orthogonal": "limelight.stages.perturbation:OrthogonalArrays",
        "sobol": "limelight.stages.perturbation:SobolPoints",
    },
)


@dataclass(frozen=True)
class Look:
    """A stretch of a design to ask for before the next look at the intervals.

    Attributes
    ----------
    design, stretch : Design, Stretch
        What to ask for.
    confidence : float
        The level of the intervals at this look.
    exact : bool
        Whether the stretch is the whole neighbourhood, so that nothing asked before is needed and nothing is left to chance.
    """

    design: Design
    stretch: Stretch
    confidence: float
    exact: bool

    @property
    def first(self) -> bool:
        """Whether nothing was asked before."""
        return self.stretch.start == 0


def looks(design: Design, parts: int | None, num_samples: int | None, cap: int) -> Iterator[Look]:
    """All looks, one after the other.

    Parameters
    ----------
    design : Design
        Where the perturbations come from, unless the masks of `parts` parts can all be asked for within the number of samples,
        or these are too few for the design, so that independent masks serve.
    parts : int or None
        The number of parts, where that is allowed.
    num_samples : int or None
        The number of perturbations, the instance included; None for doublings up to `cap`.
    cap : int
        The largest number.
    """
    all_stretches = stretches(num_samples, cap)
    needed = 0 if parts is None else design.least(parts)
    ready = [stretch for stretch in all_stretches if stretch.replicates * stretch.stop + stretch.extra >= needed]
    if ready:
        all_stretches = [replace(ready[0], start=0), *ready[1:]]
    else:
        design = Independent(design.seed)
    # Bonferroni: one of several looks may stop the growth by luck.
    confidence = 1 - (1 - CONFIDENCE) / len(all_stretches)
    for stretch in all_stretches:
        if parts is not None and 2**parts <= 1 + stretch.replicates * stretch.stop + stretch.extra:
            yield Look(Enumeration(), stretch, CONFIDENCE, exact=True)
            return
        yield Look(design, stretch, confidence, exact=False)


def stretches(num_samples: int | None, cap: int) -> list[Stretch]:
    """The stretches of a design to ask for, one after the other.

    Parameters
    ----------
    num_samples : int or None
        The number of perturbations, the instance included, at once; None doubles it from a small number up to `cap`.
    cap : int
        The largest number, the instance included.

    Examples
    --------
    >>> from limelight.stages.perturbation import stretches
    >>> stretches(100, 5000)
    [Stretch(replicates=8, start=0, stop=12, extra=3)]
    >>> [8 * stretch.stop for stretch in stretches(None, 5000)]
    [128, 256, 512, 1024, 2048, 4096, 4992]
    """
    drawn = (num_samples or cap) - 1
    # Whole pairs only; what fills no further pair in each replicate is drawn on its own.
    per_replicate = drawn // (2 * REPLICATES) * 2
    rest = drawn - REPLICATES * per_replicate
    if per_replicate == 0:
        return [Stretch(REPLICATES if drawn >= REPLICATES else 1, 0, 0, drawn)]
    if num_samples is not None:
        return [Stretch(REPLICATES, 0, per_replicate, rest)]
    bounds = [0]
    while max(_FIRST_LOOK, 2 * bounds[-1]) < per_replicate:
        bounds.append(max(_FIRST_LOOK, 2 * bounds[-1]))
    growing = [Stretch(REPLICATES, start, stop) for start, stop in pairwise(bounds)]
    return [*growing, Stretch(REPLICATES, bounds[-1], per_replicate, rest)]


@dataclass(frozen=True)
class Independent(Design):
    """Independent draws from LIME's own law, as lime makes them.

    Parameters
    ----------
    seed : tuple of int
        What the random streams are made from.
    tilt : ndarray or None
        Not used: the draws follow the law as it is.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None = field(default=None, compare=False)

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        def draw(replicate: int, count: int) -> np.ndarray:
            return _random_masks(stream(*self.seed, replicate, stretch.start), law, count)

        masks, replicates = _replicated(stretch, draw, draw)
        return Drawn(masks, np.ones(len(masks)), replicates)

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        def draw(replicate: int, count: int) -> np.ndarray:
            return stream(*self.seed, replicate, stretch.start).random((count, dimensions))

        points, replicates = _replicated(stretch, draw, draw)
        return Drawn(points, np.ones(len(points)), replicates)


@dataclass(frozen=True)
class SobolPoints(Design):
    """Scrambled Sobol points, a scrambling and an order of the columns for each replicate.

    The columns are permuted because the first dimensions of a Sobol sequence are spread more evenly than later ones. Of more
    than 21,201 dimensions there are no such points: independent ones serve.

    Parameters
    ----------
    seed : tuple of int
        What the random streams are made from.
    tilt : ndarray or None
        Not used: points follow the law as it is.

    References
    ----------
    .. [1] A. B. Owen, "Scrambled net variance for integrals of smooth functions", Annals of Statistics 25, 1997.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None = field(default=None, compare=False)

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        from scipy.stats import qmc

        if dimensions > qmc.Sobol.MAXDIM:  # as many as there are direction numbers for
            return Independent(self.seed).points(dimensions, stretch)

        def net(replicate: int, count: int) -> np.ndarray:
            generator = stream(*self.seed, replicate)
            order = generator.permutation(dimensions)
            sequence = qmc.Sobol(dimensions, scramble=True, rng=generator)
            if stretch.start:
                points: np.ndarray = sequence.fast_forward(stretch.start).random(count)
            else:  # a first stretch of another length than a power of two would make scipy warn
                points = sequence.random_base2((count - 1).bit_length())[:count]
            return points[:, order]

        def single(replicate: int, count: int) -> np.ndarray:
            return stream(*self.seed, replicate, stretch.start).random((count, dimensions))

        points, replicates = _replicated(stretch, net, single)
        return Drawn(points, np.ones(len(points)), replicates)


@dataclass(frozen=True)
class ComplementaryPairs(Design):
    """Masks in pairs, each with its complement, their sizes spread evenly: for any law that depends on a mask's size alone.

    A mask and its complement together cancel the even part of the model's response, which a linear surrogate does not
    follow. The sizes are a digitally shifted van der Corput sequence [1]_ through the distribution proportional to the law
    times the square root of the kernel, made symmetric so that the complements follow it too. Half of the kernel's tilt and
    no more: the model's response varies most where few parts are left, and a full tilt would hardly look there.

    Parameters
    ----------
    seed : tuple of int
        What the random streams are made from.
    tilt : ndarray of shape (d + 1,) or None
        The kernel's weight of a mask, by the number of absent parts; None where it is not known beforehand.

    References
    ----------
    .. [1] H. Niederreiter, "Random Number Generation and Quasi-Monte Carlo Methods", SIAM 1992, section 3.1.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        half_tilted = law if self.tilt is None else law * np.sqrt(self.tilt)
        proposal = (half_tilted + half_tilted[::-1]) / (2 * half_tilted.sum())

        def pairs(replicate: int, count: int) -> np.ndarray:
            shift = int(stream(*self.seed, replicate).integers(2**32))
            sizes = _quantile(proposal, _van_der_corput(stretch.start // 2, stretch.stop // 2, shift))
            masks = _masks_of_size(stream(*self.seed, replicate, stretch.start), sizes, len(law) - 1)
            return np.stack([masks, 1 - masks], axis=1).reshape(count, -1)

        def single(replicate: int, count: int) -> np.ndarray:
            return _random_masks(stream(*self.seed, replicate, stretch.start), proposal, count)

        masks, replicates = _replicated(stretch, pairs, single)
        ratio = np.divide(law, proposal, out=np.zeros_like(law), where=proposal > 0)
        absent = len(law) - 1 - count_present(masks)
        return Drawn(masks, ratio[absent], replicates)


@dataclass(frozen=True)
class OrthogonalArrays(Design):
    """Masks whose parts are absent with probability 1/2 each: one linear orthogonal array, the replicates being its cosets.

    Each part gets a random element x of a field of 2^m >= d elements, none twice, and the bits of (1, x, x^3, x^5) as its
    generator. Row r of the array has the part where the parity of ``r AND generator``, turned by a random bit of the part's
    own, is 1. The generators are codewords of an extended BCH code [1]_, so that 2^b rows are of strength 3 from b = 1 + m on
    (effects of single parts are free of those of pairs) and of strength 5 from b = 1 + 2 m on. The leading 1 makes row 2 i + 1
    the complement of row 2 i. Longer prefixes use more bits, so the array grows by doubling. Rows that are left over go on with
    the array: of 512 model inputs, one is the instance and 511 are all but one of its rows.

    Three of the bits number the eight replicates. Together they are one array of eight times as many rows, better balanced than
    eight arrays drawn apart. Their spread does not see what all of them get wrong alike, but sees what is out of balance in
    each and not in all together. Over the random choice of the elements the two are about the same: 95 % intervals held the
    limit in 91 to 96 % of the cases, for smooth functions, trees and products of 20 and 60 parts.

    Parameters
    ----------
    seed : tuple of int
        What the random streams are made from.
    tilt : ndarray or None
        Not used: masks follow the law as it is.

    References
    ----------
    .. [1] A. S. Hedayat, N. J. A. Sloane and J. Stufken, "Orthogonal Arrays", Springer 1999, chapter 5.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None = field(default=None, compare=False)

    def least(self, parts: int) -> int:
        """Of the rows of strength 3 seven in eight: with half of them some parts would come and go together."""
        return 7 << (_degree(parts) - 2)

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        parts = len(law) - 1
        generator = stream(*self.seed)
        generators = _bch_generators(generator, parts)
        shift = generator.integers(2, size=parts, dtype=np.uint8)

        def rows(numbers: np.ndarray) -> np.ndarray:
            return np.asarray((np.bitwise_count(numbers.astype(np.uint64)[:, None] & generators) & 1) ^ shift)

        def coset(replicate: int, count: int) -> np.ndarray:
            return rows(REPLICATES * np.arange(stretch.start, stretch.start + count) + replicate)

        def rest(replicates: int, count: int) -> np.ndarray:
            place = np.arange(count)
            return rows(REPLICATES * (stretch.stop + place // replicates) + place % replicates)

        masks, replicates = _replicated(stretch, coset, rest)
        return Drawn(masks, np.ones(len(masks)), replicates)


@dataclass(frozen=True)
class Enumeration(Design):
    """Every mask once, with its probability under LIME's own law: nothing is left to chance."""

    seed: tuple[int, ...] = ()

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:  # noqa: ARG002 - there is nothing to stretch
        parts = len(law) - 1
        numbers = np.arange(2**parts, dtype=np.int64)
        masks = (numbers[:, None] >> np.arange(parts) & 1).astype(np.uint8)
        absent = parts - count_present(masks)
        ways = np.bincount(absent, minlength=parts + 1)
        return Drawn(masks, (law / ways)[absent] * len(masks), np.array([0, len(masks)]))


# Primitive polynomials over GF(2) by their degree, the leading term left out (Hedayat, Sloane and Stufken, table A.2).
_PRIMITIVE = {3: 3, 4: 3, 5: 5, 6: 3, 7: 3, 8: 29, 9: 17, 10: 9, 11: 5, 12: 83, 13: 27, 14: 43, 15: 3, 16: 45}


def _bch_generators(generator: Generator, parts: int) -> np.ndarray:
    """For each part the first bits of a random x of its own, for the cosets, then those of 1, the rest of x, x^3 and x^5."""
    degree = _degree(parts)
    if degree not in _PRIMITIVE:
        raise InstanceError(f"the instance has {parts} components; at most {2 ** max(_PRIMITIVE)} can be explained.")
    x = generator.permutation(2**degree)[:parts].astype(np.uint64)
    square = _product(x, x, degree)
    cube = _product(square, x, degree)
    fifth = _product(cube, square, degree)
    bits, at = x & np.uint64(REPLICATES - 1), _COSET_BITS
    for more, count in (
        (np.uint64(1), 1),
        (x >> np.uint64(_COSET_BITS), degree - _COSET_BITS),
        (cube, degree),
        (fifth, degree),
    ):
        bits, at = bits | more << np.uint64(at), at + count
    return np.asarray(bits)


def _degree(parts: int) -> int:
    """Of the smallest field that has an element for each part, and the cosets' bits."""
    return max(_COSET_BITS, (parts - 1).bit_length())


def _product(left: np.ndarray, right: np.ndarray, degree: int) -> np.ndarray:
    """Products in the field of 2^degree elements, polynomials over GF(2) with the lowest bit the constant."""
    answer = np.zeros_like(left)
    top, rest = np.uint64(1 << degree), np.uint64(_PRIMITIVE[degree])
    for bit in range(degree):
        answer ^= np.where(right >> np.uint64(bit) & np.uint64(1), left, np.uint64(0))
        left = left << np.uint64(1)
        left = np.where(left & top, left ^ top ^ rest, left)
    return answer


def _replicated(
    stretch: Stretch, net: Callable[[int, int], np.ndarray], single: Callable[[int, int], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Each replicate's net with its share of the single rows, one below the other, and the replicates' bounds."""
    # The single rows have a stream of their own, after those of the replicates.
    extra = single(stretch.replicates, stretch.extra)
    parts: list[np.ndarray] = []
    bounds = [0]
    for replicate in range(stretch.replicates):
        rows = [extra[replicate :: stretch.replicates]]
        if stretch.stop > stretch.start:
            rows.insert(0, net(replicate, stretch.stop - stretch.start))
        parts += rows
        bounds.append(bounds[-1] + sum(map(len, rows)))
    return np.concatenate(parts), np.array(bounds)


def _quantile(law: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The law's quantiles at points in [0, 1)."""
    # Rounding can leave the last sum below a point.
    return np.minimum(np.searchsorted(np.cumsum(law), points, side="right"), len(law) - 1)


def _random_masks(generator: Generator, law: np.ndarray, count: int) -> np.ndarray:
    return _masks_of_size(generator, _quantile(law, generator.random(count)), len(law) - 1)


def _masks_of_size(generator: Generator, absent: np.ndarray, parts: int) -> np.ndarray:
    """Masks with so many absent parts each, every set of them equally likely."""
    # The order of random keys is a random order, and sooner found than by shuffling each row.
    order = np.argsort(generator.integers(2**32, size=(len(absent), parts), dtype=np.uint32), axis=1)
    return (order >= absent[:, None]).view(np.uint8)


def _van_der_corput(start: int, stop: int, shift: int) -> np.ndarray:
    """Points `start` to `stop` of the van der Corput sequence in base 2, all 32 digits shifted by the same random ones."""
    digits = np.arange(start, stop, dtype=np.uint32)
    # Mirrored by swapping halves, then the halves' halves, down to single digits.
    for width, right in ((16, 0x0000FFFF), (8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        digits = (digits >> np.uint32(width) & np.uint32(right)) | (digits & np.uint32(right)) << np.uint32(width)
    return np.asarray((digits ^ np.uint32(shift)) / 2.0**32)
