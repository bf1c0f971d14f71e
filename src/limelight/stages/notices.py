"""What a reader should know before trusting an explanation, as data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.components import Components
from limelight.stages.prediction_outputs import Outputs
from limelight.stages.surrogate import Fit

__all__ = ["collect_notices"]

_LOW_FIDELITY = 0.25
_LARGE_SHRINKAGE = 0.1
_MOST_LISTED_NAMES = 3
_LEAST_ROWS_PER_WEIGHT = 10  # of the effective sample, for each reported weight and the intercept


def collect_notices(
    components: Components,
    outputs: Outputs,
    varies: np.ndarray,
    fits: Sequence[Fit],
    *,
    effective_size: float,
    num_features: int | None,
    converged: bool,
    is_exact: bool,
    unknown: Sequence[str],
) -> tuple[Notice, ...]:
    """Everything that a reader should know, in the order in which to read it.

    Parameters
    ----------
    components, outputs
        What was explained; their own notes come first.
    varies : ndarray of bool, of shape (q,)
        Whether each explained output varies.
    fits : sequence of Fit
        The surrogate of each explained output.
    effective_size : float
        The effective sample size.
    num_features : int or None
        The number of components that the user asked for.
    converged : bool
        Whether the intervals are within the tolerance.
    is_exact : bool
        Whether the perturbations are the whole neighbourhood.
    unknown : sequence of str
        The names of the components of which the perturbations show too little.
    """
    notes = [*components.notes, *outputs.notes]
    num_components = len(components.names)
    if num_features is not None and num_features > num_components:
        text = f"{num_features} components were asked for; the instance has {num_components}."
        notes.append(Notice("fewer_components", text, "information"))
    for label, output_varies, fit in zip(outputs.labels, varies, fits, strict=True):
        name = outputs.names[label]
        if not output_varies:
            notes.append(Notice("constant_output", f"The model's output {name!r} was the same for every perturbation."))
        elif fit.fidelity < _LOW_FIDELITY:
            text = f"The surrogate of {name} follows the model poorly nearby: held-out R2 {fit.fidelity:.2f}."
            notes.append(Notice("low_fidelity", text))
        if output_varies and fit.shrinkage > _LARGE_SHRINKAGE:
            text = f"The ridge penalty takes about {fit.shrinkage:.0%} off the weights of {name}."
            notes.append(Notice("shrunk", f"{text} Give more num_samples, a larger kernel_width, or alpha=0."))
    num_weights = max(len(fit.components) for fit in fits)
    if not converged and not is_exact and effective_size < _LEAST_ROWS_PER_WEIGHT * (num_weights + 1):
        text = f"The kernel leaves an effective sample of {effective_size:.0f} perturbations for {num_weights} weights."
        notes.append(Notice("low_effective_sample_size", f"{text} Give more num_samples or a larger kernel_width."))
    if unknown:
        notes.append(Notice("unknown_weights", _describe_unknown(unknown), "alert"))
    elif any(np.isnan(fit.half_widths).any() for fit in fits):
        notes.append(Notice("no_intervals", "There were too few perturbations for intervals. Give num_samples of at least 9."))
    elif not converged:
        notes.append(Notice("not_converged", "Some weights' intervals are wider than the tolerance. Give more num_samples."))
    return Notice.in_reading_order(notes)


def _describe_unknown(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_MOST_LISTED_NAMES])
    if len(names) > _MOST_LISTED_NAMES:
        listed = f"{listed} and {len(names) - _MOST_LISTED_NAMES} more"
    weights = "The weight" if len(names) == 1 else "The weights"
    return (
        f"{weights} of {listed} cannot be known: hardly any perturbation that counts shows a difference. Give more num_samples "
        "or a larger kernel_width. A sampler or constraint of your own must let every component vary."
    )
