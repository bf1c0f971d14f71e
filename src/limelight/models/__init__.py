"""How perturbations reach each kind of model. An adapter is a shortcut: it gives the same explanation as the generic path."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from limelight._checks import check_count, user_function
from limelight._registry import Registry
from limelight.exceptions import ArgumentTypeError
from limelight.results.explanation import Notice
from limelight.stages.components import Components
from limelight.stages.limit import ModelSum
from limelight.stages.output_names import ModelOutputs
from limelight.stages.questions import ModelPath
from limelight.stages.table_columns import TableColumns

if TYPE_CHECKING:
    from limelight.models._readings import Refusal
    from limelight.models.pipelines import ReadMethod

__all__ = ["ADAPTERS", "READERS", "AdaptedModel", "adapt", "read_model"]

# Each makes a callable of a file, a session or a module, and returns None for other models.
READERS = Registry(
    "model",
    {
        "onnx": "limelight.models.onnx:read_onnx_model",
        "transformers": "limelight.models.transformers:read_transformers",
        "torch": "limelight.models.torch:read_torch_module",
        "xgboost": "limelight.models.xgboost:read_booster",
    },
)

# The first that does not return None is taken. Those from outside limelight come before its own.
ADAPTERS = Registry(
    "adapter",
    {
        "sklearn_text": "limelight.models.sklearn_text:adapt_text_pipeline",
        "onnx": "limelight.models.onnx:adapt_onnx",
        "torch": "limelight.models.torch:adapt_torch",
        "transformers": "limelight.models.transformers:adapt_transformers",
    },
)


# Each reads a method as a sum whose explanations have a closed form, and returns None for other models, or says why it is none.
SUMS = Registry(
    "sum",
    {
        "linear": "limelight.models.linear:read_linear_model",
        "trees": "limelight.models.trees:read_trees",
        "histogram_trees": "limelight.models.histogram_trees:read_histogram_trees",
        "boosting": "limelight.models.boosting:read_boosted_trees",
    },
)

_reading = RLock()  # a large forest takes seconds and memory to read: threads wait for the first one's reading


class AdaptedModel(NamedTuple):
    """A model that can be asked about one instance's perturbations.

    Attributes
    ----------
    path : ModelPath
        How the perturbations reach the model.
    outputs : ModelOutputs
        What the model says about its outputs.
    model_sum : ModelSum or None
        The model as a sum whose explanations have a closed form, if it is one.
    """

    path: ModelPath
    outputs: ModelOutputs
    model_sum: ModelSum | None


def read_model(model: Any) -> Any:
    """A callable or an estimator, read once from a model in any form.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator, and no reader knows its form.
    """
    from limelight.models._estimators import find_prediction_method

    callable_model = _read_other_form(model)
    if callable_model is not None:
        return callable_model
    find_prediction_method(model)  # raises if there is none
    return model


def _read_other_form(model: Any) -> Any:
    """A callable from a model that is neither a callable nor an estimator; None for other models."""
    return _find_first(READERS, "reader of models", (model,))


def adapt(model: Any, components: Components, shortcuts: bool, found: dict[str, Any] | None = None) -> AdaptedModel:
    """Find the fastest way to ask a model about an instance's perturbations.

    Parameters
    ----------
    model : object
    components : Components
    shortcuts : bool
        Whether others than the generic way may be taken.
    found : dict, optional
        What was found out about this model for other instances of a job: what is lacking is added. Without it, the model is
        looked at anew, in case that it was changed.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator, and no reader knows its form.
    """
    from limelight.models.generic import adapt_callable

    found = {} if found is None else found
    if "model" not in found:
        found["model"] = _KnownModel(model)
    known: _KnownModel = found["model"]
    method, stated = known.method, known.stated
    method.check_columns(components.column_names)
    path = _find_first(ADAPTERS, "model adapter", (method.call, components), _check_path) if shortcuts else None
    outputs = method.outputs
    if path is None:
        path = adapt_callable(method.call, components, stated)
        ask_again = stated.asked_again
        if ask_again is not None:
            path = path._replace(ask_again=lambda number: adapt_callable(ask_again(number), components, stated).finish)
    if method.join is not None:
        path = path._replace(finish=_Joined(path.finish, method.join), launch=None)
    if stated.notes_about is not None:
        outputs = outputs._replace(notes=(*outputs.notes, *stated.notes_about(components)))
    model_sum = None
    if shortcuts and components.columns is not None:
        reading = known.as_sum_over(components.columns)
        if isinstance(reading, ModelSum):
            model_sum = reading
        elif reading is not None:
            outputs = outputs._replace(notes=(*outputs.notes, Notice("not_exact", reading.reason, "information")))
        elif known.needs_treelite:
            text = "With treelite, explanations of this model are exact, or have less noise: pip install 'limelight[trees]'."
            outputs = outputs._replace(notes=(*outputs.notes, Notice("without_treelite", text, "information")))
    return AdaptedModel(path, outputs, model_sum)


class _KnownModel:
    """What is found out about a model once for all instances of a job.

    Raises
    ------
    ArgumentTypeError
        If the model is neither a callable nor an estimator, and no reader knows its form.

    Attributes
    ----------
    method : PredictionMethod
    stated : Statements
        What the method says about itself.
    """

    def __init__(self, model: Any) -> None:
        from limelight.models._estimators import find_prediction_method
        from limelight.models._statements import Statements

        callable_model = _read_other_form(model)
        self.method = find_prediction_method(model if callable_model is None else callable_model)
        self.stated = Statements.read(self.method.call)

    def as_sum_over(self, columns: TableColumns) -> ModelSum | Refusal | None:
        """The method as a sum over a table's columns, whose explanations have a closed form; None for other methods."""
        from limelight.models.boosting import takes_in_order

        if not takes_in_order(self.method.call, columns.names):
            return None
        with _reading:
            return self._parts.as_sum_over(columns)

    @cached_property
    def _parts(self) -> ReadMethod:
        from limelight.models.pipelines import ReadMethod

        return ReadMethod(self.method.call, lambda inner: _find_first(SUMS, "reader of sums", (inner,)))

    @cached_property
    def needs_treelite(self) -> bool:
        """Whether a package that is not installed would read the method as a sum."""
        from limelight.models.boosting import needs_treelite

        return needs_treelite(self.method.call)


class _Joined:
    """A path's `finish`, followed by what makes one array of the answer."""

    def __init__(self, finish: Callable[[Any], Any], join: Callable[[Any], Any]) -> None:
        self._finish = finish
        self._join = join

    def __call__(self, inputs: Any) -> Any:
        return self._join(self._finish(inputs))


def _find_first(
    registry: Registry, what: str, arguments: tuple[Any, ...], check: Callable[[Any, str], None] | None = None
) -> Any:
    """What the first of a registry's functions makes of the arguments that does not give None; None if all do.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If a function from outside raises, or breaks its contract.
    """
    for name in registry.added():
        with user_function(f"the {what} {name!r}"):
            result = registry.load(name)(*arguments)
        if result is not None:
            if check is not None:
                check(result, name)
            return result
    return next((result for function in registry.load_own() if (result := function(*arguments)) is not None), None)


def _check_path(path: object, name: str) -> None:
    """Refuse what an adapter from outside must not give.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is no `ModelPath`, or its batch size is no integer of at least 1.
    """
    if not isinstance(path, ModelPath):
        raise ArgumentTypeError(f"the model adapter {name!r} must give a ModelPath or None; got {type(path).__name__}.")
    if path.batch_size is not None:
        check_count(f"batch_size of the model adapter {name!r}", path.batch_size, 1)
