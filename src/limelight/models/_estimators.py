"""Estimators: through which method they are asked, and what is known of the answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import iscoroutinefunction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError, PredictionError
from limelight.models._statements import Statements
from limelight.results.explanation import Notice
from limelight.stages.output_names import ModelOutputs
from limelight.stages.prediction import PREDICTION_METHODS

__all__ = ["PredictionMethod", "find_prediction_method", "is_coroutine_function"]

_CLASS_METHODS = ("predict_proba", "predict_log_proba", "decision_function")  # their columns are the classes


class PredictionMethod(NamedTuple):
    """How to ask a model.

    Attributes
    ----------
    call : callable
        From a batch of inputs to the model's raw answer.
    outputs : ModelOutputs
        What the model says about its outputs.
    join : callable or None
        From the raw answer to one array of shape (n, k), where the model answers with a list of arrays.
    input_names : tuple of str or None
        The columns of the frame that the model was fitted to, in their order; None if it does not know them.
    """

    call: Callable[[Any], Any]
    outputs: ModelOutputs
    join: Callable[[Any], np.ndarray] | None = None
    input_names: tuple[str, ...] | None = None

    def check_columns(self, names: tuple[str, ...] | None) -> None:
        """Refuse the user's names of an array's columns where the model knows some of these names in other places.

        Raises
        ------
        ArgumentError
            If it does.
        """
        own = self.input_names
        if names is None or own is None or len(names) != len(own):
            return
        strays = [name for name, actual in zip(names, own, strict=True) if name != actual and name in own]
        if strays:
            place, actual = names.index(strays[0]), own.index(strays[0])
            raise ArgumentError(
                f"feature_names must be in the order of the columns that the model was fitted to; {strays[0]!r} is column "
                f"{place} of feature_names, and column {actual} of the model's."
            )


def find_prediction_method(model: Any) -> PredictionMethod:
    """How to ask a callable or an estimator.

    Raises
    ------
    ArgumentError
        If it is the method ``predict`` of a classifier that has probabilities or scores.
    ArgumentTypeError
        If it is neither a callable nor an estimator.
    """
    call = next((getattr(model, name) for name in PREDICTION_METHODS if callable(getattr(model, name, None))), model)
    if isinstance(model, type) or not callable(call):
        raise ArgumentTypeError(
            f"model must be a callable from a batch of inputs to predictions, the path of an .onnx file, a torch module, or a "
            f"fitted estimator with one of {', '.join(PREDICTION_METHODS)}; got {model!r}."
        )
    if is_coroutine_function(call):
        raise ArgumentTypeError(
            f"model must be a callable that returns predictions; {call!r:.200} is a coroutine function. Give "
            "limelight.RemoteModel(model), which awaits it: its function gets one input, or with batch_size=... a list."
        )
    method: Any = call
    while isinstance(method, partial):
        method = method.func
    owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if owner is None or name not in (*_CLASS_METHODS, "predict"):
        return PredictionMethod(call, Statements.read(call).outputs)
    columns = getattr(owner, "feature_names_in_", None)
    input_names = tuple(map(str, columns)) if isinstance(columns, np.ndarray) else None
    return _describe_method(call, owner, name)._replace(input_names=input_names)


def is_coroutine_function(function: Any) -> bool:
    """Whether a call of a function, or of an object, gives a coroutine."""
    while isinstance(function, partial):
        function = function.func
    return any(map(iscoroutinefunction, (function, getattr(function, "__call__", None))))  # noqa: B004 - the method itself


def _describe_method(call: Callable[[Any], Any], owner: Any, name: str) -> PredictionMethod:
    """What is known of an estimator's method with this name."""
    classes, innermost = getattr(owner, "classes_", None), _find_innermost(owner)
    kind = _type_of(innermost)
    if kind == "regressor":
        return PredictionMethod(call, ModelOutputs("scores"))
    if name == "predict":
        return _ask_for_classes(call, owner, classes) if kind == "classifier" else PredictionMethod(call, ModelOutputs())
    heads = _read_heads(classes)
    if heads is not None:
        head_names = tuple(name for head, of_head in enumerate(heads) for name in _name_head(head, of_head))
        return PredictionMethod(call, ModelOutputs("scores", head_names), partial(_join_heads, [len(head) for head in heads]))
    names = _read_classes(classes)
    is_of_pairs = name == "decision_function" and getattr(innermost, "decision_function_shape", "") == "ovo"
    if is_of_pairs:
        names = _name_pairs(names)
    has_several_labels = _has_several_labels(innermost)
    of_one_class = name == "predict_proba" and not has_several_labels
    kind_of_outputs = "scores" if not of_one_class else None if names is None else "probabilities"
    are_margins = name == "decision_function" and not is_of_pairs and not has_several_labels
    return PredictionMethod(call, ModelOutputs(kind_of_outputs, names, names is not None, are_margins=are_margins))


def _type_of(estimator: Any) -> str | None:
    """What an estimator says that it is: "classifier", "regressor" or another of scikit-learn's types; None if it is silent."""
    read_tags = getattr(estimator, "__sklearn_tags__", None)  # since scikit-learn 1.6
    try:
        stated = getattr(read_tags(), "estimator_type", None) if callable(read_tags) else None
    except Exception:  # a user's class may derive from scikit-learn's in an order that has no tags
        stated = None
    stated = stated or getattr(estimator, "_estimator_type", None)
    if stated is None and callable(getattr(estimator, "predict_proba", None)) and hasattr(estimator, "classes_"):
        return "classifier"
    return stated if isinstance(stated, str) else None


def _ask_for_classes(predict: Callable[[Any], Any], owner: Any, classes: Any) -> PredictionMethod:
    """Ask a classifier for the classes that it predicts, if it can give nothing else.

    Raises
    ------
    ArgumentError
        If it can.
    """
    better = next((name for name in PREDICTION_METHODS[:2] if callable(getattr(owner, name, None))), None)
    kind = type(owner).__name__
    if better is not None:
        raise ArgumentError(
            f"model is the method predict of a {kind}, which gives classes and no numbers to explain. Give the {kind} "
            f"itself, or its method {better}."
        )
    names = _read_classes(classes)
    if names is None:
        return PredictionMethod(predict, ModelOutputs())
    text = "The model gives classes without probabilities: what is explained is whether it predicts a class, 1 or 0."
    outputs = ModelOutputs("probabilities", names, True, (Notice("classes_only", text, "information"),))
    return PredictionMethod(_PredictedClasses(predict, np.asarray(classes)), outputs)


class _PredictedClasses:
    """A classifier's ``predict`` as a callable that gives 1 for the predicted class and 0 for the others."""

    def __init__(self, predict: Callable[[Any], Any], classes: np.ndarray) -> None:
        self._predict = predict
        self._classes = classes

    def __call__(self, batch: Any) -> np.ndarray:
        predicted = np.asarray(self._predict(batch))
        return np.asarray(predicted.reshape(-1, 1) == self._classes, dtype=np.float64)


def _read_classes(classes: Any) -> tuple[str, ...] | None:
    """The names of the classes that an estimator was fitted to; None if it does not know them."""
    if not isinstance(classes, (np.ndarray, list, tuple)):
        return None
    array = np.asarray(classes, dtype=object if isinstance(classes, (list, tuple)) else None)
    return tuple(str(name) for name in array) if array.ndim == 1 and len(array) else None


def _read_heads(classes: Any) -> list[list[Any]] | None:
    """The classes of each output of a multi-output classifier; None for other models, which have one sequence of classes."""
    is_list = isinstance(classes, list) and bool(classes) and all(isinstance(head, np.ndarray) for head in classes)
    return [list(head) for head in classes] if is_list else None


def _name_head(head: int, classes: list[Any]) -> list[str]:
    """A name for each column that `_join_heads` keeps of an output."""
    if len(classes) == 2 and set(classes) == {0, 1}:  # False and True as well
        return [f"output {head}"]
    return [f"output {head}: {name}" for name in (classes[1:] if len(classes) == 2 else classes)]


def _join_heads(class_counts: list[int], raw: Any) -> np.ndarray:
    """A multi-output classifier's answer as one array of shape (n, k): of an output with two classes the second one's column.

    Raises
    ------
    PredictionError
        If the answer is not a list of arrays of shape (n, classes), one for each output.
    """
    if isinstance(raw, np.ndarray) and raw.ndim == 2:  # as a chain of classifiers answers
        return raw
    shapes = [np.shape(head) for head in raw]
    if [shape[1:] for shape in shapes] != [(count,) for count in class_counts]:
        raise PredictionError(
            f"the model must give an array of shape (n, classes) for each of its {len(class_counts)} outputs; it gave {shapes}."
        )
    return np.concatenate([head[:, 1:] if np.shape(head)[1] == 2 else head for head in raw], axis=1)


def _name_pairs(classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The names of the scores of one class against another, of three classes or more; positive scores speak for the first."""
    if classes is None or len(classes) < 3:
        return classes
    return tuple(f"{first} over {second}" for first, second in combinations(classes, 2))


def _find_innermost(estimator: Any) -> Any:
    """The last step of a pipeline, or what a search has found, however deep it is."""
    while True:
        steps = getattr(estimator, "steps", None)
        inner = steps[-1][1] if isinstance(steps, list) and steps else getattr(estimator, "best_estimator_", None)
        if inner is None:
            return estimator
        estimator = inner


def _has_several_labels(classifier: Any) -> bool:
    """Whether several classes may be true, so that a classifier's probabilities need not sum to 1."""
    binarizers = (getattr(classifier, name, None) for name in ("label_binarizer_", "_label_binarizer"))
    return any(getattr(binarizer, "y_type_", "").startswith("multilabel") for binarizer in binarizers)
