"""Designs for any law of masks, and for points: independent draws, Sobol points, complementary pairs, and enumeration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from limelight._seeds import stream
from limelight.stages.components import count_present
from limelight.stages.design import Design, Drawn, Stretch
from limelight.stages.sobol import MOST_DIMENSIONS, draw_sobol_points

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["ComplementaryPairs", "Enumeration", "Independent", "NearMasks", "SobolPoints", "draw_replicates"]


@dataclass(frozen=True)
class Independent(Design):
    """Independent draws from LIME's own law, as lime makes them.

    Parameters
    ----------
    seed : tuple of int
        The seed of the random streams.
    tilt : ndarray or None
        Not used: the draws follow the law as it is.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None = field(default=None, compare=False)

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        def draw(replicate: int, count: int) -> np.ndarray:
            return _draw_masks(stream(*self.seed, replicate, stretch.start), law, count)

        masks, replicate_bounds = draw_replicates(stretch, draw, draw)
        return Drawn(masks, np.ones(len(masks)), replicate_bounds)

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        def draw(replicate: int, count: int) -> np.ndarray:
            return stream(*self.seed, replicate, stretch.start).random((count, dimensions))

        points, replicate_bounds = draw_replicates(stretch, draw, draw)
        return Drawn(points, np.ones(len(points)), replicate_bounds)


@dataclass(frozen=True)
class SobolPoints(Design):
    """Scrambled Sobol points; each replicate has its own scrambling and its own order of the columns.

    The columns are permuted because the first dimensions of a Sobol sequence are spread more evenly than later ones. Sobol
    points have at most 21,201 dimensions; with more, the points are independent.

    Parameters
    ----------
    seed : tuple of int
        The seed of the random streams.
    tilt : ndarray or None
        Not used: points follow the law as it is.

    References
    ----------
    .. [1] A. B. Owen, "Scrambled net variance for integrals of smooth functions", Annals of Statistics 25, 1997.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None = field(default=None, compare=False)

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        if dimensions > MOST_DIMENSIONS:
            return Independent(self.seed).points(dimensions, stretch)

        def draw_net(replicate: int, count: int) -> np.ndarray:
            generator = stream(*self.seed, replicate)
            order = generator.permutation(dimensions)
            return draw_sobol_points(order, stretch.start, stretch.start + count, generator)

        def draw_extra(replicate: int, count: int) -> np.ndarray:
            return stream(*self.seed, replicate, stretch.start).random((count, dimensions))

        points, replicate_bounds = draw_replicates(stretch, draw_net, draw_extra)
        return Drawn(points, np.ones(len(points)), replicate_bounds)


@dataclass(frozen=True)
class ComplementaryPairs(Design):
    """Pairs of a mask and its complement, with evenly spread sizes: for any law that depends on a mask's size alone.

    A mask and its complement together cancel the even part of the model's response, which a linear surrogate does not
    follow. The sizes are a digitally shifted van der Corput sequence [1]_, mapped through the quantiles of a distribution. It
    is proportional to the law times the square root of the kernel, and made symmetric so that the complements follow it too.
    The square root is half of the kernel's tilt: the model's response varies most where few parts are left, and the full tilt
    would spend few masks there.

    Parameters
    ----------
    seed : tuple of int
        The seed of the random streams.
    tilt : ndarray of shape (d + 1,) or None
        The kernel's weight of a mask, by the number of absent parts; None where it does not depend on this number alone.

    References
    ----------
    .. [1] H. Niederreiter, "Random Number Generation and Quasi-Monte Carlo Methods", SIAM 1992, section 3.1.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray | None

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        half_tilted = law if self.tilt is None else law * np.sqrt(self.tilt)
        proposal = (half_tilted + half_tilted[::-1]) / (2 * half_tilted.sum())

        def draw_pairs(replicate: int, count: int) -> np.ndarray:
            shift = int(stream(*self.seed, replicate).integers(2**32))
            absent = _quantiles(proposal, _van_der_corput(stretch.start // 2, stretch.stop // 2, shift))
            masks = _draw_masks_of_sizes(stream(*self.seed, replicate, stretch.start), absent, len(law) - 1)
            return np.stack([masks, 1 - masks], axis=1).reshape(count, -1)

        def draw_extra(replicate: int, count: int) -> np.ndarray:
            return _draw_masks(stream(*self.seed, replicate, stretch.start), proposal, count)

        masks, replicate_bounds = draw_replicates(stretch, draw_pairs, draw_extra)
        ratio = np.divide(law, proposal, out=np.zeros_like(law), where=proposal > 0)
        absent = len(law) - 1 - count_present(masks)
        return Drawn(masks, ratio[absent], replicate_bounds)


@dataclass(frozen=True)
class NearMasks(Design):
    """Masks near the instance, with evenly spread sizes: for any law that depends on a mask's size alone.

    The sizes are those of `ComplementaryPairs`, but of the law weighted by the whole kernel, so that all masks weigh the same;
    there are no complements, which lie far from the instance.

    Parameters
    ----------
    seed : tuple of int
        The seed of the random streams.
    tilt : ndarray of shape (d + 1,)
        The kernel's weight of a mask, by the number of absent parts.
    """

    seed: tuple[int, ...]
    tilt: np.ndarray

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:
        proposal = law * self.tilt / (law @ self.tilt)

        def draw_sizes(replicate: int, count: int) -> np.ndarray:
            shift = int(stream(*self.seed, replicate).integers(2**32))
            absent = _quantiles(proposal, _van_der_corput(stretch.start, stretch.start + count, shift))
            return _draw_masks_of_sizes(stream(*self.seed, replicate, stretch.start), absent, len(law) - 1)

        def draw_extra(replicate: int, count: int) -> np.ndarray:
            return _draw_masks(stream(*self.seed, replicate, stretch.start), proposal, count)

        masks, replicate_bounds = draw_replicates(stretch, draw_sizes, draw_extra)
        ratio = np.divide(law, proposal, out=np.zeros_like(law), where=proposal > 0)
        return Drawn(masks, ratio[len(law) - 1 - count_present(masks)], replicate_bounds)


@dataclass(frozen=True)
class Enumeration(Design):
    """Every mask once, with its probability under LIME's own law: nothing is left to chance."""

    seed: tuple[int, ...] = ()

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:  # noqa: ARG002 - one stretch has all masks
        parts = len(law) - 1
        numbers = np.arange(2**parts, dtype=np.int64)
        masks = (numbers[:, None] >> np.arange(parts) & 1).astype(np.uint8)
        absent = parts - count_present(masks)
        ways = np.bincount(absent, minlength=parts + 1)
        return Drawn(masks, (law / ways)[absent] * len(masks), np.array([0, len(masks)]))


def draw_replicates(
    stretch: Stretch,
    draw_sequence: Callable[[int, int], np.ndarray],
    draw_extra: Callable[[int, int], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a stretch of every replicate, and deal the extra rows out to the replicates.

    Parameters
    ----------
    stretch : Stretch
        What to draw.
    draw_sequence : callable
        From a replicate's number and a count to that many rows of its sequence, of shape (count, d).
    draw_extra : callable
        The same for the extra rows; its number is one after the replicates', which gives them their own random stream.

    Returns
    -------
    rows : ndarray of shape (m, d)
        One replicate after the other.
    replicate_bounds : ndarray of shape (r + 1,)
        Replicate i is rows ``replicate_bounds[i]:replicate_bounds[i + 1]``.
    """
    extra = draw_extra(stretch.replicates, stretch.extra)
    blocks: list[np.ndarray] = []
    replicate_bounds = [0]
    for replicate in range(stretch.replicates):
        replicate_blocks = [extra[replicate :: stretch.replicates]]
        if stretch.stop > stretch.start:
            replicate_blocks.insert(0, draw_sequence(replicate, stretch.stop - stretch.start))
        blocks += replicate_blocks
        replicate_bounds.append(replicate_bounds[-1] + sum(map(len, replicate_blocks)))
    return np.concatenate(blocks), np.array(replicate_bounds)


def _quantiles(law: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The quantiles of a law, of shape (d + 1,), at points in [0, 1): integers of the points' shape."""
    # Rounding can leave the last sum below a point.
    return np.minimum(np.searchsorted(np.cumsum(law), points, side="right"), len(law) - 1)


def _draw_masks(generator: Generator, law: np.ndarray, count: int) -> np.ndarray:
    """Masks of shape (count, d), whose numbers of absent parts follow a law of shape (d + 1,)."""
    return _draw_masks_of_sizes(generator, _quantiles(law, generator.random(count)), len(law) - 1)


def _draw_masks_of_sizes(generator: Generator, absent: np.ndarray, parts: int) -> np.ndarray:
    """Masks of shape (m, parts) with these numbers of absent parts, of shape (m,); all sets of a size are equally likely."""
    # The order of random keys is a random order, and takes less time than shuffling each row.
    order = np.argsort(generator.integers(2**32, size=(len(absent), parts), dtype=np.uint32), axis=1)
    return (order >= absent[:, None]).view(np.uint8)


def _van_der_corput(start: int, stop: int, shift: int) -> np.ndarray:
    """Points `start` to ``stop - 1`` of the van der Corput sequence in base 2, shifted digit by digit by the bits of `shift`.

    They have shape (stop - start,) and 32 digits.
    """
    digits = np.arange(start, stop, dtype=np.uint32)
    # The digits are mirrored: their halves are swapped, then the halves of the halves, down to single digits.
    for width, right_half in ((16, 0x0000FFFF), (8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        left, right = digits >> np.uint32(width) & np.uint32(right_half), digits & np.uint32(right_half)
        digits = left | right << np.uint32(width)
    return np.asarray((digits ^ np.uint32(shift)) / 2.0**32)
