"""How an explanation was made, for the record, and an explainer's settings on a line."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping

from limelight._explainer._pipeline import Gathered
from limelight._options import Options, Request
from limelight.results.provenance import Provenance
from limelight.stages.proximity import Metric

__all__ = ["record_provenance", "write_settings"]


def record_provenance(
    gathered: Gathered,
    request: Request,
    options: Options,
    *,
    explainer: str,
    own_settings: Mapping[str, object],
    distances: Metric,
) -> Provenance:
    """How an explanation is made.

    Parameters
    ----------
    gathered : Gathered
        What it is built from.
    request, options
        What the user told the call, and the explainer.
    explainer : str
        The name of the explainer's class.
    own_settings : mapping
        The settings that its modality alone has.
    distances : callable
        The modality's own distance.
    """
    vicinity, sample = gathered.vicinity, gathered.sample
    design = "exact" if sample.limit is not None else vicinity.name_design()
    return Provenance(
        explainer=explainer,
        settings=write_settings(own_settings),
        design="enumeration" if gathered.look.is_exact else design,
        kernel=_write(vicinity.proximity.kernel),
        kernel_width=vicinity.proximity.width,
        distance=request.distance_metric or _write(distances),
        link=request.link,
        feature_selection=options.feature_selection,
        regressor="ridge" if request.regressor is None else type(request.regressor).__name__,
        alpha=options.alpha,
        tolerance=gathered.goal.tolerance,
        certainty=gathered.goal.certainty or 0.0,
        random_state=options.random_state,
        nominal_draws=gathered.settings.nominal_draws,
        content=f"{gathered.components.content:x}",
        prior="" if request.prior is None else repr(request.prior),
        locality=vicinity.found,
        kernel_share=vicinity.measure_share(sample),
    )


def write_settings(settings: Mapping[str, object]) -> str:
    """Settings on a line."""
    return ", ".join(f"{name}={_write(value)}" for name, value in settings.items())


def _write(value: object) -> str:
    """A setting on a part of a line; it is the same in every process."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if hasattr(value, "shape"):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    if " at 0x" in repr(value) and not hasattr(value, "__name__"):  # an object without a repr of its own
        return type(value).__name__
    return getattr(value, "__name__", None) or reprlib.repr(value)
