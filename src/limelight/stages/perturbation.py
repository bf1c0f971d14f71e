"""Which perturbations to ask about: stretches of a design, one after the other, until the weights are settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from limelight._registry import Registry
from limelight.stages.design import REPLICATES, Design, Stretch
from limelight.stages.designs import Enumeration, Independent

__all__ = ["DESIGNS", "LEAST_TRIAL", "Look", "plan_looks", "plan_stretches"]

LEAST_TRIAL = 33
"""Fewer perturbations do not show whether an explanation has a closed form."""

_FIRST_LOOK_POINTS = 16  # of each replicate, before the first look at the intervals
_TRIAL_SAMPLES = 257  # the instance included: enough for a fidelity, and hardly any work for a model
_TRIAL_SAMPLES_WITH_MISSING = 1025
_FIRST_LOOK_RARE_ROWS = 4  # of each replicate, for each rare state

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
    """A look at the intervals, and the perturbations to ask about before it.

    Attributes
    ----------
    design : Design
        Where the perturbations come from.
    stretch : Stretch
        Which of the design's perturbations to ask about.
    is_exact : bool
        Whether the stretch is the whole neighbourhood: it replaces all earlier ones, and nothing is left to chance.
    is_trial : bool
        Whether it is to show that the explanation has a closed form; if it has not, the other looks begin anew.
    """

    design: Design
    stretch: Stretch
    is_exact: bool
    is_trial: bool = False

    @property
    def is_first(self) -> bool:
        """Whether the model has not been asked before this look."""
        return self.stretch.start == 0


def plan_looks(
    design: Design, parts: int | None, num_samples: int | None, cap: int, num_rare_states: int = 0
) -> Iterator[Look]:
    """All looks, one after the other.

    Parameters
    ----------
    design : Design
        Where the perturbations come from. Two others can take its place: the enumeration of all masks, where they are no more
        than the perturbations, and independent masks, where the perturbations are too few for the design.
    parts : int or None
        The number of parts; None where no other design may take its place.
    num_samples : int or None
        The number of perturbations, the instance included; None for doublings up to `cap`.
    cap : int
        The largest number of perturbations, the instance included.
    num_rare_states : int, default 0
        How many states have further perturbations, which count as well.
    """
    stretches = plan_stretches(num_samples, cap, num_rare_states)
    needed = 0 if parts is None else design.least(parts)
    large_enough = [stretch for stretch in stretches if stretch.replicates * stretch.stop + stretch.extra >= needed]
    if large_enough:
        stretches = [replace(large_enough[0], start=0), *large_enough[1:]]
    else:
        design = Independent(design.seed)
    for stretch in stretches:
        if parts is not None and 2**parts <= 1 + stretch.replicates * stretch.stop + stretch.extra:
            yield Look(Enumeration(), stretch, is_exact=True)
            return
        yield Look(design, stretch, is_exact=False)


def plan_trial(design: Design, num_samples: int, num_rare_states: int, *, has_missing_as_mean: bool) -> Look:
    """A look at few perturbations, to see whether the explanation has a closed form, and how well the surrogate follows.

    Where missing values count as the mean, they are more: enough to see whether it matters that a value is missing.
    """
    most = _TRIAL_SAMPLES_WITH_MISSING if has_missing_as_mean else _TRIAL_SAMPLES
    (stretch,) = plan_stretches(min(num_samples, most), most, num_rare_states)
    return Look(design, stretch, is_exact=False, is_trial=True)


def plan_stretches(num_samples: int | None, cap: int, num_rare_states: int = 0) -> list[Stretch]:
    """The stretches of a design to ask about, one after the other.

    Parameters
    ----------
    num_samples : int or None
        The number of perturbations, the instance included, in one stretch; None for doublings from a small number up to `cap`.
    cap : int
        The largest number of perturbations, the instance included.
    num_rare_states : int, default 0
        How many states have further perturbations, which count as well.

    Examples
    --------
    >>> from limelight.stages.perturbation import plan_stretches
    >>> plan_stretches(100, 5000)
    [Stretch(replicates=8, start=0, stop=12, extra=3)]
    >>> [8 * stretch.stop for stretch in plan_stretches(None, 5000)]
    [128, 256, 512, 1024, 2048, 4096, 4992]
    >>> plan_stretches(5000, 5000, num_rare_states=1)  # with half as many further perturbations
    [Stretch(replicates=8, start=0, stop=416, extra=7)]
    """
    num_drawn = (num_samples or cap) - 1
    # Replicates have whole pairs only; perturbations that do not fill another pair in each replicate are extra.
    points_per_row = Stretch.points_per_rare_row(num_rare_states)
    points = max(2, points_per_row)  # these have a row each, and each rare state has another one or two
    rows = points + num_rare_states * (points // points_per_row)
    per_replicate = num_drawn // (REPLICATES * rows) * points
    extra = num_drawn - REPLICATES * (per_replicate // points * rows)
    if per_replicate == 0:
        return [Stretch(REPLICATES if num_drawn >= REPLICATES else 1, 0, 0, num_drawn)]
    if num_samples is not None:
        return [Stretch(REPLICATES, 0, per_replicate, extra)]
    bounds = [0]
    first_points = max(_FIRST_LOOK_POINTS, _FIRST_LOOK_RARE_ROWS * points_per_row)
    while max(first_points, 2 * bounds[-1]) < per_replicate:
        bounds.append(max(first_points, 2 * bounds[-1]))
    growing = [Stretch(REPLICATES, start, stop) for start, stop in pairwise(bounds)]
    return [*growing, Stretch(REPLICATES, bounds[-1], per_replicate, extra)]
