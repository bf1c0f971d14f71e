"""How perturbations reach a kind of model. Each adapter is a shortcut: the same explanation as the generic path, sooner."""

from __future__ import annotations

from typing import Any, NamedTuple

from limelight._registry import Registry
from limelight.stages.components import Components
from limelight.stages.prediction import ModelPath

__all__ = ["ADAPTERS", "Adapted", "adapt", "known_form"]

# From files, sessions and modules to callables of batches; each gives None for what is not its own.
FORMS = Registry("model", {"onnx": "limelight.models.onnx:as_onnx", "torch": "limelight.models.torch:as_torch"})

# Asked in this order; each gives None for a model or an instance that is not its own.
ADAPTERS = Registry(
    "adapter",
    {
        "sklearn_text": "limelight.models.sklearn_text:adapt_text_pipeline",
        "onnx": "limelight.models.onnx:adapt_onnx",
        "torch": "limelight.models.torch:adapt_torch",
    },
)


class Adapted(NamedTuple):
    """A model, ready to be asked.

    Attributes
    ----------
    path : ModelPath
        How an instance's perturbations reach it.
    output_names : tuple of str or None
        The names of its outputs where it knows them.
    """

    path: ModelPath
    output_names: tuple[str, ...] | None


def known_form(model: Any) -> Any:
    """A model that can be asked more than once without being read again: what is a file or a module becomes a callable.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator, nor anything that can be made one.
    """
    from limelight.models.generic import prediction_method

    for name in FORMS:
        made = FORMS.load(name)(model)
        if made is not None:
            return made
    prediction_method(model)
    return model


def adapt(model: Any, components: Components, shortcuts: bool) -> Adapted:
    """Find the quickest way to ask a model about an instance's perturbations.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator, nor anything that can be made one.
    """
    from limelight.models.generic import adapt_any, prediction_method

    method, names = prediction_method(known_form(model))
    for name in ADAPTERS if shortcuts else ():
        shortcut: ModelPath | None = ADAPTERS.load(name)(method, components)
        if shortcut is not None:
            return Adapted(shortcut, names)
    return Adapted(adapt_any(method, components), names)
