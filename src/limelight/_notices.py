"""What a reader should know before trusting an explanation, as data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.components import Components
from limelight.stages.prediction_outputs import Outputs
from limelight.stages.surrogate import Fit

__all__ = ["notices"]

_LOW_FIDELITY = 0.25
_SHRINKAGE = 0.1
_ROWS_PER_WEIGHT = 10  # an effective sample of fewer rows for each reported weight is too few


def notices(
    components: Components,
    outputs: Outputs,
    varies: np.ndarray,
    fits: Sequence[Fit],
    *,
    effective_size: float,
    num_features: int | None,
    converged: bool,
    exact: bool,
) -> tuple[Notice, ...]:
    """Everything worth a warning, in the order in which a reader should see it."""
    found = [*components.notes, *outputs.notes]
    total = len(components.names)
    if num_features is not None and num_features > total:
        found.append(("fewer_components", f"{num_features} components were asked for; the instance has {total}."))
    for label, varied, one in zip(outputs.labels, varies, fits, strict=True):
        name = outputs.names[label]
        if not varied:
            found.append(("constant_output", f"The model's output {name!r} was the same for every perturbation."))
        elif one.fidelity < _LOW_FIDELITY:
            text = f"The surrogate of {name} follows the model poorly nearby: held-out R2 {one.fidelity:.2f}."
            found.append(("low_fidelity", text))
        if varied and one.shrinkage > _SHRINKAGE:
            text = f"The ridge penalty takes about {one.shrinkage:.0%} off the weights of {name}."
            found.append(("shrunk", f"{text} Give more num_samples, a larger kernel_width, or alpha=0."))
    reported = max(len(one.components) for one in fits)
    if not converged and not exact and effective_size < _ROWS_PER_WEIGHT * (reported + 1):
        text = f"The kernel leaves an effective sample of {effective_size:.0f} perturbations for {reported} weights."
        found.append(("low_effective_sample_size", f"{text} Give more num_samples or a larger kernel_width."))
    if any(np.isnan(one.half_widths).any() for one in fits):
        found.append(("no_intervals", "There were too few perturbations for intervals. Give num_samples of at least 9."))
    elif not converged:
        found.append(("not_converged", "Some weights' intervals are wider than the tolerance. Give more num_samples."))
    return tuple(Notice(code, message) for code, message in found)
