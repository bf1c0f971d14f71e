"""Where the moments that surrogates are fitted to come from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from limelight.stages.control_variate import Controls
from limelight.stages.controlled_moments import ControlledMoments
from limelight.stages.full_fit import ProjectedMoments, is_full_fit_sound
from limelight.stages.moments import LimitMoments, SampledMoments, WideMoments
from limelight.stages.regressions import Source
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.sparse_fit import SparseMoments

__all__ = ["choose_moments"]


def choose_moments(samples: Sequence[Sample], settings: Settings) -> Source:
    """The limit's where it is known; those of a full fit where it is sound and has something exact; else sampled ones.

    What takes long is worked out once for each sample, whichever of its settings are tried.

    Raises
    ------
    numpy.linalg.LinAlgError
        If several samples have control variates, and those of some are of no use.
    """
    law, draws = settings.kernel_law, settings.nominal_draws
    limits = [sample.limit for sample in samples if sample.limit is not None]
    if limits:
        return LimitMoments(samples, limits, draws)
    if settings.is_sparse and law is not None and not settings.is_exact:
        (sample,) = samples
        return sample.recall((SparseMoments, law, draws), lambda: SparseMoments(sample, law, draws))
    sampled = (WideMoments if samples[0].is_wide else SampledMoments)(samples, draws)
    controls = [sample.controls for sample in samples if sample.controls is not None]
    if (law is None and not controls) or settings.regressor is not None or settings.is_exact:
        return sampled
    are_sound = [is_full_fit_sound(sample) for sample in samples]
    if all(are_sound):
        try:  # by chance, components can be equal in all rows of some replicates
            if len(controls) == len(samples):
                return _fit_controls(samples, controls, draws)
            if law is not None:
                (sample,) = samples
                return sample.recall((ProjectedMoments, law, draws), lambda: ProjectedMoments(sample, law, draws))
        except np.linalg.LinAlgError:
            if len(samples) > 1:
                raise
    elif any(are_sound):
        raise np.linalg.LinAlgError("some samples have too few rows for a fit of all components")
    return sampled


def _fit_controls(samples: Sequence[Sample], controls: Sequence[Controls], nominal_draws: int) -> ControlledMoments:
    """The moments with control variates; those of several samples are kept for each of them."""
    key = ControlledMoments, nominal_draws
    if len(samples) == 1:
        return samples[0].recall(key, lambda: ControlledMoments(samples, controls, nominal_draws))
    together = ControlledMoments(samples, controls, nominal_draws)
    for number, sample in enumerate(samples):
        sample.recall(key, partial(together.take, number))
    return together
