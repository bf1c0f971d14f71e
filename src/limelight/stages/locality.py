"""What a kernel leaves of LIME's law at each width, and the width that stays near the instance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import exp, log
from typing import NamedTuple

import numpy as np

from limelight.stages.components import Components
from limelight.stages.design import REPLICATES, Design, Stretch
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.product_law import ProductLaw
from limelight.stages.proximity import Proximity
from limelight.stages.sample import Sample

__all__ = ["LOCAL_CHANGE", "Reach", "ReachLaw", "find_local_width", "find_reach_law", "measure_share", "round_width"]

LOCAL_CHANGE = 0.25
"""How far a local kernel's perturbations are from the instance: the mean squared change of a component, weighted."""

_LEAST_CHANGE_FACTOR = 1.5  # times the change that the narrowest kernel leaves: a text of three words cannot lose a quarter
_LEAST_DRAWN_FACTOR = 1.05  # the same of the change that the nearest draw has, where the law is known from draws
_LEAST_SHARE = 0.1  # of perturbations that are drawn from LIME's law itself: with less, too few count
_NARROWEST = 1e-3  # times the default width
_LEAST_WIDTH, _GREATEST_WIDTH = 1e-100, 1e100  # of a kernel: squares of others are no doubles
_LEAST_POSITIVE = 1e-300  # of a share: 0 stands for one that is not known
_BISECTIONS = 12
_PILOT_POINTS = 256  # of each replicate, where the law is known from its draws alone


class Reach(NamedTuple):
    """What a kernel leaves of LIME's law.

    Attributes
    ----------
    change : float
        The mean squared change of a component: of components that are on or off, the share that is off.
    mean_weight : float
        The kernel's mean under LIME's law, E[w].
    """

    change: float
    mean_weight: float


class ReachLaw(ABC):
    """LIME's law of one instance, as far as the default kernel at any width depends on it."""

    @abstractmethod
    def reach(self, width: float) -> Reach:
        """What the kernel of this width leaves of it."""

    @abstractmethod
    def share(self, width: float) -> float:
        """The effective size of a sample from it, weighted by the kernel, as a share of its size: Kish's E[w]^2 / E[w^2]."""

    def least_change(self, narrowest: float) -> float:
        """The least change that kernels are meant to reach, where the narrowest has this width."""
        return _LEAST_CHANGE_FACTOR * self.reach(narrowest).change


class _LawOfRows(ReachLaw):
    """Rows that stand for the law: their distances, squared changes of a component, and probabilities, of shape (n,)."""

    def __init__(self, distances: np.ndarray, changes: np.ndarray, chances: np.ndarray) -> None:
        is_drawn = (chances > 0) & np.isfinite(distances)
        self._squares, self._changes = distances[is_drawn] ** 2, changes[is_drawn]
        self._chances = chances[is_drawn] / chances[is_drawn].sum()

    def reach(self, width: float) -> Reach:
        weights = self._chances * self._kernel(width)
        total = float(weights.sum())
        of_nearest = exp(max(-0.5 * float(self._squares.min()) / width**2, -700.0))
        return Reach(float(weights @ self._changes) / total, total * of_nearest)

    def share(self, width: float) -> float:
        kernel = self._kernel(width)
        return float((self._chances @ kernel) ** 2 / (self._chances @ kernel**2))

    def _kernel(self, width: float) -> np.ndarray:
        """The kernel, in units of that of the nearest row: it may be too small for a double."""
        return np.asarray(np.exp(-0.5 * (self._squares - self._squares.min()) / width**2))


class _LawOfDraws(_LawOfRows):
    """The same, of draws with squared changes of shape (n, d): the nearest of a few is not the nearest that the law draws."""

    def __init__(self, distances: np.ndarray, changes: np.ndarray, chances: np.ndarray) -> None:
        super().__init__(distances, changes.mean(axis=1), chances)
        self._of_nearest_states = float(changes[chances > 0].min(axis=0).mean())

    def least_change(self, narrowest: float) -> float:
        # Each component comes as near as in some draw. But where all draws are equally far, no kernel changes anything.
        return max(_LEAST_CHANGE_FACTOR * self._of_nearest_states, _LEAST_DRAWN_FACTOR * self.reach(narrowest).change)


class _LawOfStates(ReachLaw):
    """Components that are on with known probabilities, independently of each other."""

    def __init__(self, shares: np.ndarray) -> None:
        self._shares = shares

    def reach(self, width: float) -> Reach:
        factor = exp(-0.5 / width**2)
        means = self._shares + factor * (1 - self._shares)
        return Reach(float((factor * (1 - self._shares) / means).mean()), float(means.prod()))

    def share(self, width: float) -> float:
        factor = exp(-0.5 / width**2)
        means, of_squares = (self._shares + kernel * (1 - self._shares) for kernel in (factor, factor**2))
        return float((means**2 / of_squares).prod())


class _LawOfColumns(ReachLaw):
    """Columns that are drawn independently, some of which are standardised values; the row has values of shape (d,)."""

    def __init__(self, law: ProductLaw, values: np.ndarray) -> None:
        self._law, self._values = law, values

    def reach(self, width: float) -> Reach:
        means, variances, mean_weight = self._law.component_moments(width)
        changes = np.nan_to_num(variances) + (means - self._values) ** 2
        return Reach(float(np.nan_to_num(changes).mean()), mean_weight)

    def share(self, width: float) -> float:
        return _share_of_columns(self._law, width)


def measure_share(
    components: Components, width: float, kernel_law: KernelLaw | None, sample: Sample, *, has_own_kernel: bool
) -> float:
    """The share of perturbations from LIME's law that the kernel keeps, as an effective size: as its law or a sample says."""
    law = components.product_law
    if kernel_law is not None:
        of_squares = float(kernel_law.law @ kernel_law.kernel**2)
        share = kernel_law.mean_weight**2 / of_squares if of_squares else 0.0
    elif law is not None and has_own_kernel and _LEAST_WIDTH < width < _GREATEST_WIDTH:
        share = _share_of_columns(law, width)
    else:
        share = sample.effective_size / sample.size
    return min(1.0, max(_LEAST_POSITIVE, share))


def _share_of_columns(law: ProductLaw, width: float) -> float:
    # The square of a kernel is the kernel of a smaller width.
    of_squares = law.component_moments(width / 2**0.5).mean_weight
    return law.component_moments(width).mean_weight ** 2 / of_squares if of_squares else 0.0


def find_reach_law(components: Components, proximity: Proximity, design: Design) -> ReachLaw:
    """LIME's law of one instance: in closed form where it has one, else as a part of a design shows it.

    Parameters
    ----------
    components : Components
        What can be on or off.
    proximity : Proximity
        The distances; the kernel is the default one.
    design : Design
        Where perturbations come from, if the law has no closed form.
    """
    if components.law is not None:
        parts = len(components.names)
        distances = proximity.distances_by_absent(parts)
        return _LawOfRows(distances, np.arange(parts + 1) / parts, np.asarray(components.law))
    shares, law = components.shares, components.product_law
    if law is not None and shares is not None and not np.isnan(shares).any():
        return _LawOfStates(shares)
    if law is not None:
        drawn = components.neighbourhood(design, Stretch(REPLICATES, 0, 2))  # the row's own values alone are needed
        return _LawOfColumns(law, drawn.representation[0].astype(np.float64))
    # States that few draws are in have further ones: these are the nearest.
    pilot = components.neighbourhoods(design, Stretch(REPLICATES, 0, _PILOT_POINTS))
    changes = np.concatenate([(one.representation[1:].astype(np.float64) - one.representation[0]) ** 2 for one in pilot])
    pilot_distances = np.concatenate([proximity.measure(one.representation)[1:] for one in pilot])
    return _LawOfDraws(pilot_distances, changes, np.concatenate([one.law_weights for one in pilot]))


def find_local_width(law: ReachLaw, widest: float, *, is_drawn_near: bool) -> float:
    """The widest kernel, up to the default one, whose perturbations change a component by `LOCAL_CHANGE` on average.

    Parameters
    ----------
    law : ReachLaw
    widest : float
        The default width.
    is_drawn_near : bool
        Whether perturbations are drawn from the law weighted by the kernel. If not, the kernel is only so narrow that enough of
        them count.
    """
    narrowest = widest * _NARROWEST
    change = max(LOCAL_CHANGE, law.least_change(narrowest))

    def is_too_wide(width: float) -> bool:
        return law.reach(width).change > change and (is_drawn_near or law.share(width) > _LEAST_SHARE)

    if not is_too_wide(widest):
        return widest
    low, high = log(narrowest), log(widest)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_too_wide(exp(middle)) else (middle, high)
    return float(f"{exp(low):.2g}")  # so that many rows of a table have the same one, and are fitted together


def round_width(width: float) -> float:
    """A width with three digits, so that it can be given as `kernel_width`."""
    return float(f"{width:.3g}")
