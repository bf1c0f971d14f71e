"""Stage 2: which perturbations to ask for.

A design spreads its perturbations more evenly than independent draws do, so that fewer model inputs give the same accuracy,
and it comes in independent replicates, so that its error can be seen from their spread. Every replicate is a sequence that
later stretches go on with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from limelight._registry import Registry
from limelight._seeds import stream
from limelight.stages.components import Design, Drawn, Stretch, count_present

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["DESIGNS", "ComplementaryPairs", "Enumeration", "Independent", "Look", "SobolPoints", "looks"]

REPLICATES = 8
CONFIDENCE = 0.95
_FIRST_LOOK = 16  # points a replicate before the first look at the intervals

DESIGNS = Registry(
    "design",
    {
        "complements": "limelight.stages.perturbation:ComplementaryPairs",
        "iid": "limelight.stages.perturbation:Independent",
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
        Where the perturbations come from, unless the masks of `parts` parts can all be asked for within the number of samples.
    parts : int or None
        The number of parts, where that is allowed.
    num_samples : int or None
        The number of perturbations, the instance included; None for doublings up to `cap`.
    cap : int
        The largest number.
    """
    all_stretches = stretches(num_samples, cap)
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

    The columns are permuted because the first dimensions of a Sobol sequence are spread more evenly than later ones.

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
class Enumeration(Design):
    """Every mask once, with its probability under LIME's own law: nothing is left to chance."""

    def masks(self, law: np.ndarray, stretch: Stretch) -> Drawn:  # noqa: ARG002 - there is nothing to stretch
        parts = len(law) - 1
        numbers = np.arange(2**parts, dtype=np.int64)
        masks = (numbers[:, None] >> np.arange(parts) & 1).astype(np.uint8)
        absent = parts - count_present(masks)
        ways = np.bincount(absent, minlength=parts + 1)
        return Drawn(masks, (law / ways)[absent] * len(masks), np.array([0, len(masks)]))


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
