"""A search for the kernel's width whose surrogate reaches a wanted fidelity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, isfinite
from typing import NamedTuple

import numpy as np

from limelight.exceptions import LimelightError
from limelight.results.explanation import Notice
from limelight.stages.closed_form import ClosedForm
from limelight.stages.components import Neighbourhood
from limelight.stages.design import REPLICATES, Stretch
from limelight.stages.designs import NearMasks
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.limit import Limit
from limelight.stages.locality import round_width
from limelight.stages.prior import Pull
from limelight.stages.proximity import exponential_kernel
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, fit_surrogates
from limelight.stages.vicinity import Vicinity

__all__ = ["WidthSearch"]

_LEAST_SEARCHED = 256  # perturbations of an explanation: with fewer, a search is not worth its while
_WIDTHS, _STEP = 12, 0.8  # of the ladder of widths that are tried, from the default one down
_RUNGS_PER_LAW = 2  # every other width has rows of its own; those of its neighbours count as well
_POINTS, _FEW_POINTS = 16, 4  # of each replicate and width that has rows of its own
_LEAST_ROWS_PER_WEIGHT = 5  # effective ones, for a width whose fidelity is judged
_LEAST_MEAN_WEIGHT = 1e-100


class _Rung(NamedTuple):
    """A width that is tried: what the kernel's mean is, and the law of masks with it, if it is known."""

    width: float
    mean_weight: float
    kernel_law: KernelLaw | None


class WidthSearch:
    """A search for the widest kernel whose surrogate reaches a fidelity, from one set of perturbations.

    They are drawn near the instance with all widths that are tried, where this can be done, and otherwise from LIME's law.
    Their law weights are those of the mixture (the balance heuristic of Veach and Guibas, SIGGRAPH 1995), so that each of them
    counts for each width. (OptiLIME asks the same question: Visani, Bagli and Chesani, 2020.)

    Parameters
    ----------
    vicinity : Vicinity
        Where the perturbations lie; the search narrows it.
    wanted : float
        The fidelity.
    most : int
        The number of perturbations of the explanation itself, or the largest one.
    option : str
        What the user gives `most` as.
    pull : Pull or None
        What a prior does to the components, if there is one.

    Attributes
    ----------
    neighbourhood : Neighbourhood or None
        What the model is to be asked about; None if the search is not worth its while.
    """

    def __init__(self, vicinity: Vicinity, wanted: float, *, most: int, option: str, pull: Pull | None) -> None:
        self.vicinity, self._wanted, self._most, self._pull = vicinity, wanted, most, pull
        self.neighbourhood: Neighbourhood | None = None
        self._is_found = False
        if most < _LEAST_SEARCHED:
            text = f"No kernel width was searched for: that needs {option} of at least {_LEAST_SEARCHED}; it is {most}. "
            vicinity.notices += (Notice("no_search", f"{text}The width is lime's."),)
            return
        self._ladder = list(self._find_ladder())
        self.neighbourhood = self._draw()

    def choose(self, explained: np.ndarray, origin: np.ndarray, limit: Limit | None, settings: Settings) -> None:
        """Narrow the vicinity to the width that is wanted, or to the one that comes nearest to it.

        Parameters
        ----------
        explained : ndarray of shape (m, q)
            The outputs of the drawn rows of the neighbourhood.
        origin : ndarray of shape (q,)
            Those of the instance.
        limit : Limit or None
            The exact moments, where they are known.
        settings : Settings
            How surrogates are fitted with the width as it is.
        """
        drawn = self.neighbourhood
        assert drawn is not None
        sample = Sample(drawn.representation[0], origin, self.vicinity.components.shares, pull=self._pull)
        sample.limit = limit
        sample.add(drawn.representation[1:], explained, drawn.law_weights, np.ones(len(explained)), drawn.replicates)
        vicinity = self.vicinity
        if not sample.varies.any():
            text = "No kernel width was searched for: the output is constant. The width is lime's."
            vicinity.notices += (Notice("no_search", text, "information"),)
            return
        best, best_fidelity = self._ladder[0], -np.inf
        for rung in self._ladder:
            judged = self._judge(sample, rung, settings)
            if judged is None:
                continue
            fidelity, error = judged
            if fidelity - error > best_fidelity:
                best, best_fidelity = rung, fidelity - error
            if best_fidelity >= self._wanted:
                self._is_found = True
                break
        vicinity.found = f"{self._wanted:g}, from {sample.size} perturbations"
        vicinity.narrow(best.width)

    def find_missed(self, fits: Sequence[Fit]) -> Iterator[Notice]:
        """What a reader should know if surrogates do not reach the fidelity on perturbations that did not choose the width."""
        worst = _find_worst(fits)
        if self.neighbourhood is not None and worst is not None and sum(worst) < self._wanted:
            width, fidelity, wanted = self.vicinity.proximity.width, worst[0], self._wanted
            if self._is_found:
                text = f"The kernel width {width:g} reached a fidelity of {wanted:g} on the perturbations that it was searched "
                text += f"with; on those of the explanation it is {fidelity:.2f}."
            else:
                text = f"No kernel width was found whose surrogate reaches a fidelity of {wanted:g}: "
                text += f"with the one taken, {width:g}, it is {fidelity:.2f}."
            yield Notice("fidelity_not_reached", text)

    def _find_ladder(self) -> Iterator[_Rung]:
        vicinity, components = self.vicinity, self.vicinity.components
        widest = vicinity.proximity.width
        for number in range(_WIDTHS):
            width = widest if number == 0 else round_width(widest * _STEP**number)
            mean_weight = vicinity.reach_law.reach(width).mean_weight
            if mean_weight < _LEAST_MEAN_WEIGHT:
                return
            law = None
            if components.law is not None and vicinity.kernel_law is not None:
                kernel = replace(vicinity.proximity, width=width).kernel_by_absent(len(components.names))
                law = KernelLaw(components.law, kernel)
            elif vicinity.knows_values(widest) and not vicinity.knows_values(width):
                return
            yield _Rung(width, mean_weight, law)

    def _draw(self) -> Neighbourhood:
        vicinity, components = self.vicinity, self.vicinity.components
        design, rungs = vicinity.make_design(for_search=True), self._ladder
        drawn_from = rungs[::_RUNGS_PER_LAW]
        points = _POINTS if self._most >= REPLICATES * _POINTS * len(drawn_from) else _FEW_POINTS
        stretch = Stretch(REPLICATES, 0, points * len(drawn_from))
        if vicinity.knows_masks:
            tilts = [rung.kernel_law.kernel / rung.mean_weight for rung in rungs if rung.kernel_law is not None]
            return components.neighbourhood(NearMasks(design.seed, np.sum(tilts, axis=0)), stretch)
        if not all(vicinity.knows_values(rung.width) for rung in drawn_from):
            return components.neighbourhood(design, stretch)
        drawn = components.near_by_widths(design, stretch, [rung.width for rung in drawn_from])
        distances = vicinity.proximity.measure(drawn.representation)[1:]
        kernels = [exponential_kernel(distances, rung.width) / rung.mean_weight for rung in drawn_from]
        return replace(drawn, law_weights=1 / np.mean(kernels, axis=0))

    def _judge(self, sample: Sample, rung: _Rung, settings: Settings) -> tuple[float, float] | None:
        """The least fidelity of all outputs at a width, and its error; None where it cannot be known."""
        width = rung.width
        if sample.limit is not None and not ClosedForm(sample.limit.model_sum, sample.limit.law, width, {}).has_limit:
            return None
        try:
            weighted = sample.weighted_by(replace(self.vicinity.proximity, width=width))
            if weighted is None:
                return None
            if width != self.vicinity.proximity.width:
                nominal_draws = ceil(settings.nominal_draws / rung.mean_weight)
                settings = settings._replace(nominal_draws=nominal_draws, kernel_law=rung.kernel_law)
            with np.errstate(all="ignore"):
                (fits,) = fit_surrogates([weighted], settings)
        except (ArithmeticError, LimelightError, ValueError):  # numpy's errors of linear algebra are of values
            return None
        least_size = _LEAST_ROWS_PER_WEIGHT * (1 + max(len(fit.components) for fit in fits))
        return None if weighted.fitting_size < least_size else _find_worst(fits)


def _find_worst(fits: Sequence[Fit]) -> tuple[float, float] | None:
    """The least fidelity of several outputs, with its error; None if none is known."""
    figures = [(fit.fidelity, fit.fidelity_error) for fit in fits]
    return min((pair for pair in figures if isfinite(sum(pair))), default=None)
