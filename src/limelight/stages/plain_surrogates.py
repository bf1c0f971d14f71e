"""Surrogates as plain data: what an explanation keeps of its fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.results.explanation import Surrogate
from limelight.stages.certainty import Certainty
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, judge_lists

__all__ = ["describe_fits"]

_LEAST_DEVIATION = 1e-30  # of the largest in a fit: single precision holds numbers from 1e-38 to 3e38


def describe_fits(labels: Sequence[int], sample: Sample, settings: Settings, fits: Sequence[Fit]) -> tuple[Surrogate, ...]:
    """The surrogates of the explained outputs, with how certain their lists are.

    Parameters
    ----------
    labels : sequence of int
        The numbers of the q outputs.
    sample : Sample
        The perturbations that the surrogates were fitted to.
    settings : Settings
        How they were fitted.
    fits : sequence of Fit
        What came of it.
    """
    return tuple(map(_make_surrogate, labels, fits, judge_lists(sample, settings, fits)))


def _make_surrogate(label: int, fit: Fit, certainty: Certainty) -> Surrogate:
    return Surrogate(
        label=label,
        components=tuple(fit.components.tolist()),
        weights=tuple(fit.weights.tolist()),
        lows=tuple(fit.lows.tolist()),
        highs=tuple(fit.highs.tolist()),
        sign_probabilities=tuple(fit.signs.tolist()),
        top_probabilities=tuple(certainty.tops.tolist()),
        best_ranks=tuple(certainty.best_ranks.tolist()),
        worst_ranks=tuple(certainty.worst_ranks.tolist()),
        intercept=fit.intercept,
        local_prediction=fit.local_prediction,
        fidelity=fit.fidelity,
        fidelity_error=fit.fidelity_error,
        left_out=_keep_deviations(fit.left_out),
    )


def _keep_deviations(left_out: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Deviations with 11 binary digits, which take half the room in files; none where single precision cannot hold them."""
    largest = np.abs(left_out).max(initial=0.0)
    if largest != 0 and not _LEAST_DEVIATION < largest < 1 / _LEAST_DEVIATION:
        return ()
    mantissas, exponents = np.frexp(left_out)
    return tuple(map(tuple, np.ldexp(np.rint(2048 * mantissas) / 2048, exponents).astype(np.float32).tolist()))
