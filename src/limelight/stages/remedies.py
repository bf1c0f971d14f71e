"""What a user could ask for instead: other settings, tried on the perturbations that were asked about already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from limelight.exceptions import LimelightError
from limelight.stages.proximity import Proximity
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, fit_surrogates

__all__ = ["LEAST_ROWS_PER_WEIGHT", "Trial", "round_up", "try_kernels", "try_settings"]

LEAST_ROWS_PER_WEIGHT = 10  # of the effective sample, for each reported weight and the intercept
_LARGE_SHRINKAGE = 0.01
_MOST_FEATURES = 100  # a list of more is no explanation
_MOST_EQUATIONS_OF_KERNELS = 2000  # one for each component, or each row if these are fewer: more take longer than the rest
_WIDTH_FACTORS = (0.5, 0.25, 2.0, 4.0)


class Trial(NamedTuple):
    """A change of settings and the surrogate that it gives.

    Attributes
    ----------
    kind : str
        What was changed, in words that all trials of it share.
    change : str
        The same, with the setting to give.
    fit : Fit
        The surrogate with it.
    """

    kind: str
    change: str
    fit: Fit


def try_settings(sample: Sample, settings: Settings, fit: Fit) -> Iterator[Trial]:
    """Fit the surrogate of one output with other settings, one after the other: those that cost a reader least come first.

    Where a regressor is the user's, only the ridge in its place is tried: the regressor may be slow, and may fail elsewhere.

    Parameters
    ----------
    sample : Sample
        The perturbations, with this output alone.
    settings : Settings
        What was asked for.
    fit : Fit
        The surrogate as it is.
    """
    num_components, num_reported = len(sample.instance), len(fit.components)
    if settings.regressor is not None:
        change = "without model_regressor"
        yield from _try(change, change, sample, settings._replace(regressor=None))
        return
    if sample.pull is not None:
        change = "without prior"
        yield from _try(change, change, replace(sample, pull=None), settings)
    if settings.alpha > 0:
        # Of parts that nearly always sum to the same number the penalty takes the sum, also where each one varies enough.
        is_shrunk = fit.shrinkage > _LARGE_SHRINKAGE
        change = "with alpha=0"
        is_known = settings.is_exact or sample.effective_size >= LEAST_ROWS_PER_WEIGHT * (num_reported + 1)
        is_quick = min(num_components, sample.size) <= _MOST_EQUATIONS_OF_KERNELS
        if is_shrunk or (is_known and is_quick):
            for trial in _try(change, change, sample, settings._replace(alpha=0.0)):
                moved = abs(trial.fit.local_prediction - fit.local_prediction)
                if is_shrunk or moved > _LARGE_SHRINKAGE * fit.spread:
                    yield trial
    if num_reported == settings.num_features:
        counts = {min(num_components, 3 * num_reported), min(num_components, _MOST_FEATURES)}
        for count in sorted(count for count in counts if count > num_reported):
            yield from _try("with more components", f"with num_features={count}", sample, settings._replace(num_features=count))


def try_kernels(sample: Sample, settings: Settings, proximity: Proximity | None, fit: Fit) -> Iterator[Trial]:
    """Fit the surrogate of one output with narrower and wider kernels that leave perturbations enough; see `try_settings`.

    Without a proximity, none are tried.
    """
    is_slow = min(len(sample.instance), sample.size) > _MOST_EQUATIONS_OF_KERNELS
    if proximity is None or settings.regressor is not None or is_slow:
        return
    for factor in _WIDTH_FACTORS:
        width = float(f"{proximity.width * factor:.2g}")
        weighted = None
        with suppress(LimelightError), np.errstate(all="ignore"):  # a user's kernel need not take other widths
            weighted = sample.weighted_by(replace(proximity, width=width))
        least_size = 0 if settings.is_exact else LEAST_ROWS_PER_WEIGHT * (len(fit.components) + 1)
        if weighted is None or weighted.effective_size < least_size:
            continue
        # The law's moments are those of the kernel as it is.
        change = f"with kernel_width={width:g} instead of {proximity.width:.3g}"
        yield from _try("with other kernel widths", change, weighted, settings._replace(kernel_law=None))


def _try(kind: str, change: str, sample: Sample, settings: Settings) -> Iterator[Trial]:
    """The surrogate with other settings, if it can be fitted."""
    try:
        with np.errstate(all="ignore"):
            ((fit,),) = fit_surrogates([sample], settings)
    except (ArithmeticError, LimelightError, ValueError):  # a user's kernel may give numbers that cannot be fitted
        return
    yield Trial(kind, change, fit)


def round_up(number: float) -> int:
    """The least number of at least this one that has two digits other than 0.

    Examples
    --------
    >>> from limelight.stages.remedies import round_up
    >>> round_up(13_201), round_up(40), round_up(99.5)
    (14000, 40, 100)
    """
    unit = 10 ** max(0, int(np.floor(np.log10(number))) - 1)
    return int(np.ceil(number / unit) * unit)
