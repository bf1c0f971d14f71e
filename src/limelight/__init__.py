"""limelight explains single predictions of any classifier or regressor (LIME): fast, repeatable, with error bars.

Explainers
    TabularExplainer, TextExplainer, ImageExplainer, TimeSeriesExplainer
    ComponentsExplainer  anything that can be put together without some of its parts: a `Composable`
    Explainer            what all of them have in common

Instances in forms of their own
    Prompt  a template and its values

Models in forms of their own
    OnnxModel, TorchModel
    TransformersModel     a text classifier of transformers
    LanguageModel         how likely a causal language model is to go on with each of some answers
    RemoteModel           a function that asks a remote or slow model about one input

Before the model is asked
    Prior  what is believed of weights

One explanation
    Explanation  what ``explain_instance`` gives
    Surrogate    the weights of one of its labels
    Verdict      how far to trust it, in a word and a sentence
    Convergence  how well its weights are settled
    Notice       something to know before trusting it
    Provenance   how it was made
    Removal      what the surrogate, and the model, say without some components
    Faithfulness whether the model does what it says
    Stability    how much it changes with the seed, and with small changes of the instance
    json_schema  what the JSON of an explanation holds

Many explanations
    Explanations  what ``explain_many`` gives: an `Explanation` or a `Failure` for each instance
    Importance    how much each feature weighs in them
    Pick          the few that together show most, from `submodular_pick` or `random_pick`
    FrameFunction what ``frame_function`` gives, for frames on a cluster

Two models
    compare      where they differ on one instance, or on many
    Comparison   what it gives for one, with a `WeightDifference` for each component
    Comparisons  what it gives for many, with a `FeatureDifference` for each feature

Programs written for lime
    install_as_lime  lets them run on limelight, by lime's own module names

Errors
    LimelightError  the base of every error that limelight raises on purpose; `exceptions` has the others

Modules
    segmentation  how images and series are cut into parts
    exceptions    every error that limelight raises on purpose
    datasets      small data sets for examples
    extend        how to add modalities, views, renderers, model adapters, engines and kernels

Each name is imported when it is first used, so ``import limelight`` costs next to nothing.

Examples
--------
>>> import limelight
>>> explainer = limelight.TextExplainer(class_names=["ham", "spam"])
>>> explanation = explainer.explain_instance("cheap pills for you", lambda texts: ["pills" in text for text in texts])
>>> explanation.as_list()[0][0]
'pills'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_HOMES = {
    "Comparison": "limelight.collection.comparisons",
    "Comparisons": "limelight.collection.comparisons",
    "ComponentsExplainer": "limelight.modalities.custom",
    "Composable": "limelight.modalities.custom",
    "Convergence": "limelight.results.convergence",
    "Explainer": "limelight._explainer",
    "Explanation": "limelight.results.explanation",
    "Explanations": "limelight.collection.explanations",
    "Failure": "limelight.collection.failure",
    "Faithfulness": "limelight.results.faithfulness",
    "FeatureDifference": "limelight.collection.comparisons",
    "FrameFunction": "limelight.batch.frame_function",
    "ImageExplainer": "limelight.modalities.images.explainer",
    "Importance": "limelight.collection.importance",
    "LanguageModel": "limelight.models.language",
    "LimelightError": "limelight.exceptions",
    "Notice": "limelight.results.explanation",
    "OnnxModel": "limelight.models.onnx",
    "Pick": "limelight.collection.explanations",
    "Prior": "limelight.stages.prior",
    "Prompt": "limelight.modalities.texts.prompt",
    "Provenance": "limelight.results.explanation",
    "RemoteModel": "limelight.models.remote",
    "Removal": "limelight.results.removal",
    "Stability": "limelight.collection.stability",
    "Surrogate": "limelight.results.explanation",
    "TabularExplainer": "limelight.modalities.tables.explainer",
    "TextExplainer": "limelight.modalities.texts.explainer",
    "TimeSeriesExplainer": "limelight.modalities.series.explainer",
    "TorchModel": "limelight.models.torch",
    "TransformersModel": "limelight.models.transformers",
    "Verdict": "limelight.results.verdict",
    "WeightDifference": "limelight.collection.comparisons",
    "compare": "limelight.collection.comparisons",
    "json_schema": "limelight.results.json_schema",
    "random_pick": "limelight.collection.pick",
    "submodular_pick": "limelight.collection.pick",
}
_MODULES = ("datasets", "exceptions", "extend", "segmentation")
__all__ = [
    "Comparison",
    "Comparisons",
    "ComponentsExplainer",
    "Composable",
    "Convergence",
    "Explainer",
    "Explanation",
    "Explanations",
    "Failure",
    "Faithfulness",
    "FeatureDifference",
    "FrameFunction",
    "ImageExplainer",
    "Importance",
    "LanguageModel",
    "LimelightError",
    "Notice",
    "OnnxModel",
    "Pick",
    "Prior",
    "Prompt",
    "Provenance",
    "RemoteModel",
    "Removal",
    "Stability",
    "Surrogate",
    "TabularExplainer",
    "TextExplainer",
    "TimeSeriesExplainer",
    "TorchModel",
    "TransformersModel",
    "Verdict",
    "WeightDifference",
    "__version__",
    "compare",
    "datasets",
    "exceptions",
    "extend",
    "install_as_lime",
    "json_schema",
    "random_pick",
    "segmentation",
    "submodular_pick",
]

if TYPE_CHECKING:
    from limelight import datasets, exceptions, extend, segmentation
    from limelight._explainer import Explainer
    from limelight.batch.frame_function import FrameFunction
    from limelight.collection.comparisons import Comparison, Comparisons, FeatureDifference, WeightDifference, compare
    from limelight.collection.explanations import Explanations, Pick
    from limelight.collection.failure import Failure
    from limelight.collection.importance import Importance
    from limelight.collection.pick import random_pick, submodular_pick
    from limelight.collection.stability import Stability
    from limelight.exceptions import LimelightError
    from limelight.modalities.custom import ComponentsExplainer, Composable
    from limelight.modalities.images.explainer import ImageExplainer
    from limelight.modalities.series.explainer import TimeSeriesExplainer
    from limelight.modalities.tables.explainer import TabularExplainer
    from limelight.modalities.texts.explainer import TextExplainer
    from limelight.modalities.texts.prompt import Prompt
    from limelight.models.language import LanguageModel
    from limelight.models.onnx import OnnxModel
    from limelight.models.remote import RemoteModel
    from limelight.models.torch import TorchModel
    from limelight.models.transformers import TransformersModel
    from limelight.results.convergence import Convergence
    from limelight.results.explanation import Explanation, Notice, Provenance, Surrogate
    from limelight.results.faithfulness import Faithfulness
    from limelight.results.json_schema import json_schema
    from limelight.results.removal import Removal
    from limelight.results.verdict import Verdict
    from limelight.stages.prior import Prior


def install_as_lime() -> None:
    """Register `limelight.compat` as ``lime``, in this process: whatever imports lime after this gets limelight.

    Call it before anything imports lime. An installed lime stays as it is, for other processes and without this call.

    Examples
    --------
    In a process of its own, where nothing has imported lime:

    >>> import subprocess, sys
    >>> program = "import limelight; limelight.install_as_lime(); import lime.lime_text; print(lime.lime_text.__name__)"
    >>> subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
    'limelight.compat.lime_text\\n'
    """
    import_module("limelight.compat._installation").install()


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"limelight.{name}")
    if name not in _HOMES:
        new_name = import_module("limelight.exceptions").LIME_ATTRIBUTES["limelight"].get(name)
        hint = "" if new_name is None else f"; here it is {new_name}"
        raise AttributeError(f"module 'limelight' has no attribute {name!r}{hint}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
