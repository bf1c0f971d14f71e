"""Designs for any law of masks, and for points: independent draws, Sobol points, complementary pairs, and enumeration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from limelight._seeds import stream
from limelight.stages.components import count_present
from limelight.stages.design import Design, Drawn, Stretch

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["ComplementaryPairs", "Enumeration", "Independent", "SobolPoints", "replicated"]


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

        masks, replicates = replicated(stretch, draw, draw)
        return Drawn(masks, np.ones(len(masks)), replicates)

    def points(self, dimensions: int, stretch: Stretch) -> Drawn:
        def draw(replicate: int, count: int) -> np.ndarray:
            return stream(*self.seed, replicate, stretch.start).random((count, dimensions))

        points, replicates = replicated(stretch, draw, draw)
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

        points, replicates = replicated(stretch, net, single)
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

        masks, replicates = replicated(stretch, pairs, single)
        ratio = np.divide(law, proposal, out=np.zeros_like(law), where=proposal > 0)
        absent = len(law) - 1 - count_present(masks)
        return Drawn(masks, ratio[absent], replicates)


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


def replicated(
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
