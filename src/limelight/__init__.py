"""Explanations of single predictions, of any classifier or regressor (LIME), fast, repeatable and with error bars.

The public names are imported when they are first used, so that ``import limelight`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "ComponentsExplainer": "limelight.modalities.custom",
    "Explanation": "limelight._explanation",
    "ImageExplainer": "limelight.modalities.image",
    "LimelightError": "limelight._errors",
    "OnnxModel": "limelight.models.onnx",
    "TabularExplainer": "limelight.modalities.tabular",
    "TextExplainer": "limelight.modalities.text",
    "TimeSeriesExplainer": "limelight.modalities.series",
    "TorchModel": "limelight.models.torch",
}

__all__ = [
    "ComponentsExplainer",
    "Explanation",
    "ImageExplainer",
    "LimelightError",
    "OnnxModel",
    "TabularExplainer",
    "TextExplainer",
    "TimeSeriesExplainer",
    "TorchModel",
    "__version__",
]

if TYPE_CHECKING:
    from limelight._errors import LimelightError
    from limelight._explanation import Explanation
    from limelight.modalities.custom import ComponentsExplainer
    from limelight.modalities.image import ImageExplainer
    from limelight.modalities.series import TimeSeriesExplainer
    from limelight.modalities.tabular import TabularExplainer
    from limelight.modalities.text import TextExplainer
    from limelight.models.onnx import OnnxModel
    from limelight.models.torch import TorchModel


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limelight' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
