"""Which reported components may have been chosen by chance, out of more than there are perturbations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.results.jackknife import critical_value
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit

__all__ = ["find_chance_choices"]

_LEVEL = 0.05  # of all components together


def find_chance_choices(sample: Sample, settings: Settings, fits: Sequence[Fit]) -> list[int]:
    """The reported components whose intervals leave out 0, although chance alone gives some component such a weight.

    An interval holds for a component that was chosen beforehand. The heaviest of d weights that are chance is several standard
    errors from 0 (Bonferroni). With more perturbations than components, such weights are light beside the others.

    Parameters
    ----------
    sample : Sample
        The perturbations.
    settings : Settings
        How the surrogates were fitted.
    fits : sequence of Fit
        The surrogates.

    Returns
    -------
    components : list of int
        Their numbers, heaviest first.
    """
    d = len(sample.instance)
    if not sample.is_wide or settings.is_exact:
        return []
    factor = critical_value(1 - _LEVEL / d, sample.num_replicates) / critical_value(settings.confidence, sample.num_replicates)
    found: dict[int, None] = {}
    for fit in fits:
        if len(fit.components) < d:
            weights = np.abs(fit.weights)
            found |= dict.fromkeys(fit.components[(weights > fit.half_widths) & (weights <= factor * fit.half_widths)].tolist())
    return [*found]
