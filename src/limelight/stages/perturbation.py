"""Which perturbations to ask about: stretches of a design, one after the other, until the weights are settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from limelight._registry import Registry
from limelight.stages.design import REPLICATES, Design, Stretch
from limelight.stages.designs import Enumeration, Independent

__all__ = ["CONFIDENCE", "DESIGNS", "Look", "looks", "stretches"]

CONFIDENCE = 0.95
_FIRST_LOOK = 16  # points a replicate before the first look at the intervals

DESIGNS = Registry(
    "design",
    {
        "complements": "limelight.stages.designs:ComplementaryPairs",
        "iid": "limelight.stages.designs:Independent",
        "orthogonal": "limelight.stages.orthogonal_arrays:OrthogonalArrays",
        "sobol": "limelight.stages.designs:SobolPoints",
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
