"""How perturbations reach a kind of model. Each adapter is a shortcut: the same explanation as the generic path, sooner."""

from __future__ import annotations

from typing import Any, NamedTuple

from limelight._registry import Registry
from limelight.stages.components import Components
from limelight.stages.prediction import Ask

__all__ = ["ADAPTERS", "Adapted", "adapt"]

# Asked in this order; each gives None for a model or an instance that is not its own.
ADAPTERS = Registry("adapter", {"sklearn_text": "limelight.models.sklearn_text:adapt_text_pipeline"})


class Adapted(NamedTuple):
    """A model, ready to be asked, and the names of its outputs where it knows them."""

    ask: Ask
    output_names: tuple[str, ...] | None


def adapt(model: Any, components: Components, shortcuts: bool) -> Adapted:
    """Find the quickest way to ask a model about an instance's perturbations.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator.
    """
    from limelight.models.generic import adapt_any, prediction_method

    method, names = prediction_method(model)
    for name in ADAPTERS if shortcuts else ():
        ask: Ask | None = ADAPTERS.load(name)(method, components)
        if ask is not None:
            return Adapted(ask, names)
    return Adapted(adapt_any(method), names)
