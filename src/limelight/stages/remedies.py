"""What a user could ask for instead: other settings, tried on the perturbations that were asked about already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from limelight.stages.proximity import Proximity
from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit, Settings, fit_surrogates

__all__ = ["LEAST_ROWS_PER_WEIGHT", "Trial", "round_up", "try_kernels", "try_settings"]

LEAST_ROWS_PER_WEIGHT = 10  # of the effective sample, for each reported weight and the intercept
_LARGE_SHRINKAGE = 0.01
_MOST_FEATURES = 100  # a list of more is no explanation
_WIDTH_FACTORS = (0.5, 0.25, 2.0, 4.0)


class Trial(NamedTuple):
    """A change of settings, in words, and the surrogate that it gives."""

    change: str
    fit: Fit


def try_settings(sample: Sample, settings: Settings, fit: Fit) -> Iterator[Trial]:
    """Fit the surrogate of one output with other settings, one after the other: those that cost a reader least come first.

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
        yield from _try("without model_regressor", sample, settings._replace(regressor=None))
    elif settings.alpha > 0 and fit.shrinkage > _LARGE_SHRINKAGE:
        yield from _try("with alpha=0", sample, settings._replace(alpha=0.0))
    if num_reported == settings.num_features:
        counts = {min(num_components, 3 * num_reported), min(num_components, _MOST_FEATURES)}
        for count in sorted(count for count in counts if count > num_reported):
            yield from _try(f"with num_features={count}", sample, settings._replace(num_features=count))


def try_kernels(sample: Sample, settings: Settings, proximity: Proximity, fit: Fit) -> Iterator[Trial]:
    """Fit the surrogate of one output with narrower and wider kernels that leave perturbations enough; see `try_settings`."""
    for factor in _WIDTH_FACTORS:
        width = float(f"{proximity.width * factor:.2g}")
        weighted = sample.weighted_by(replace(proximity, width=width))
        least_size = 0 if settings.is_exact else LEAST_ROWS_PER_WEIGHT * (len(fit.components) + 1)
        if weighted is None or weighted.effective_size < least_size:
            continue
        # The law's moments are those of the kernel as it is.
        change = f"with kernel_width={width:g} instead of {proximity.width:.3g}"
        yield from _try(change, weighted, settings._replace(kernel_law=None))


def _try(change: str, sample: Sample, settings: Settings) -> Iterator[Trial]:
    """The surrogate with other settings, if it can be fitted."""
    with suppress(np.linalg.LinAlgError):
        yield Trial(change, fit_surrogates([sample], settings)[0][0])


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
