"""Explanations of single predictions, of any classifier or regressor (LIME), fast, repeatable and with error bars.

The public names are imported when they are first used, so that ``import limelight`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "ComponentsExplainer": "limelight.modalities.custom",
    "Explanation": "limelight.results.explanation",
    "Explanations": "limelight.collection.explanations",
    "Failure": "limelight.collection.failure",
    "ImageExplainer": "limelight.modalities.images.explainer",
    "LimelightError": "limelight._errors",
    "OnnxModel": "limelight.models.onnx",
    "TabularExplainer": "limelight.modalities.tables.explainer",
    "TextExplainer": "limelight.modalities.text",
    "TimeSeriesExplainer": "limelight.modalities.series.explainer",
    "TorchModel": "limelight.models.torch",
    "random_pick": "limelight.collection.pick",
    "submodular_pick": "limelight.collection.pick",
}

__all__ = [
    "ComponentsExplainer",
    "Explanation",
    "Explanations",
    "Failure",
    "ImageExplainer",
    "LimelightError",
    "OnnxModel",
    "TabularExplainer",
    "TextExplainer",
    "TimeSeriesExplainer",
    "TorchModel",
    "__version__",
    "random_pick",
    "submodular_pick",
]

if TYPE_CHECKING:
    from limelight._errors import LimelightError
    from limelight.collection.explanations import Explanations
    from limelight.collection.failure import Failure
    from limelight.collection.pick import random_pick, submodular_pick
    from limelight.modalities.custom import ComponentsExplainer
    from limelight.modalities.images.explainer import ImageExplainer
    from limelight.modalities.series.explainer import TimeSeriesExplainer
    from limelight.modalities.tables.explainer import TabularExplainer
    from limelight.modalities.text import TextExplainer
    from limelight.models.onnx import OnnxModel
    from limelight.models.torch import TorchModel
    from limelight.results.explanation import Explanation


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limelight' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
