"""Every error that limelight raises on purpose.

LimelightError
├── ArgumentError (ValueError)           an argument's value is not one of those allowed
├── ArgumentTypeError (TypeError)        an argument is of the wrong type
├── InstanceError (ValueError)           the instance cannot be explained: it is empty, of the wrong width, or not finite
├── KernelError (ValueError)             the kernel gives no perturbation any weight
├── LabelError (ValueError)              the label was not explained, or the model has no such output
├── PredictionError (ValueError)         the model's answer has a wrong shape or is not finite
├── ModelError (RuntimeError)            the model raised; its own error is the cause
│   └── BudgetError                      a remote model may not be asked any more: its calls or its time are spent
├── CheckpointError (OSError)            a folder of finished chunks, or a file of answers, cannot be read or written
├── EngineError (RuntimeError)           the processes or machines that explain many instances have broken down
├── MissingDependencyError (ImportError) an optional package is not installed
└── RenamedError (AttributeError)        the attribute is lime's, and limelight has another name for it

Interrupted (KeyboardInterrupt)          the user stopped a batch; the finished explanations are in it

Examples
--------
>>> from limelight import TextExplainer
>>> from limelight.exceptions import InstanceError
>>> try:
...     TextExplainer().explain_instance("...", len)
... except InstanceError as error:
...     print(error)
the text '...' has no words to explain; unit leaves nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial, wraps
from importlib import import_module
from inspect import isfunction, signature
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "BudgetError",
    "CheckpointError",
    "EngineError",
    "InstanceError",
    "Interrupted",
    "KernelError",
    "LabelError",
    "LimelightError",
    "MissingDependencyError",
    "ModelError",
    "PredictionError",
    "RenamedError",
]

P = ParamSpec("P")
T = TypeVar("T")


class LimelightError(Exception):
    """Base of all errors that limelight raises on purpose."""


class ArgumentError(LimelightError, ValueError):
    """An argument's value is not one of those allowed."""


class ArgumentTypeError(LimelightError, TypeError):
    """An argument is of the wrong type."""


class InstanceError(LimelightError, ValueError):
    """The instance cannot be explained: it is empty, of the wrong width, or not finite."""


class KernelError(LimelightError, ValueError):
    """The kernel gives no perturbation any weight."""


class LabelError(LimelightError, ValueError):
    """The label was not explained, or the model has no such output."""


class PredictionError(LimelightError, ValueError):
    """The model's answer has a wrong shape, or is not finite."""


class ModelError(LimelightError, RuntimeError):
    """The model raised an error while it was asked; that error is the ``__cause__``."""


class BudgetError(ModelError):
    """A remote model may not be asked any more, because its calls or its time are spent; what it answered is kept."""


class CheckpointError(LimelightError, OSError):
    """A folder of finished chunks, or a file of answers, cannot be read or written; what is in it stays intact."""


class EngineError(LimelightError, RuntimeError):
    """The processes or machines that explain many instances have broken down."""


class Interrupted(KeyboardInterrupt):
    """The user stopped a batch.

    Parameters
    ----------
    message : str
        How many instances have been explained.
    explanations : Explanations
        The finished explanations, in order.

    Attributes
    ----------
    explanations : Explanations
        The finished explanations, in order.
    """

    def __init__(self, message: str, explanations: Any) -> None:
        super().__init__(message)
        self.explanations = explanations

    def __reduce__(self) -> tuple[type[Interrupted], tuple[str, object]]:
        return type(self), (str(self), self.explanations)


class MissingDependencyError(LimelightError, ImportError):
    """An optional package is needed and not installed."""


class RenamedError(LimelightError, AttributeError):
    """The attribute is one of lime's, for which limelight has another name; the message has it."""


# What follows is for limelight itself: how it treats others' errors, and sentences that several of its modules say.
_MOST_MESSAGE_LETTERS = 4000  # of another library's or a user's error
_MOST_NAME_LETTERS = 200


def is_interruption(error: BaseException) -> bool:
    """Whether what the user's code raised has to end the call, because it is no error of that code.

    Ctrl-C has to, and so do the end of a generator, and whatever a handler of a signal raises that is no `Exception`, such as
    limelight's own alarm. All else is an error of the code that raised it, whatever its class derives from: Rust's panics, as
    polars has them, are no `Exception`, and a model that calls ``sys.exit()`` must not end a job as if all were well.

    Examples
    --------
    >>> from limelight.exceptions import is_interruption
    >>> is_interruption(KeyboardInterrupt()), is_interruption(SystemExit(1))
    (True, False)
    """
    if isinstance(error, Exception):
        return False
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_interruption, error.exceptions))
    return isinstance(error, (GeneratorExit, KeyboardInterrupt)) or _comes_from_signal_handler(error)


def _comes_from_signal_handler(error: BaseException) -> bool:
    import signal
    from traceback import walk_tb

    codes = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    return any(frame.f_code in codes for frame, _ in walk_tb(error.__traceback__))


def _code_of(function: object) -> object:
    """The code of a function, a method, a `functools.partial` of one, or an object that can be called; None of others."""
    while isinstance(function, partial):
        function = function.func
    if not callable(function):
        return None
    return getattr(function, "__code__", None) or getattr(function.__call__, "__code__", None)


def read_message(error: BaseException) -> str:
    """What an error of any class says. Long messages are cut, and an error that cannot be written as a text says so.

    Examples
    --------
    >>> from limelight.exceptions import read_message
    >>> read_message(ValueError("no such column"))
    'no such column'
    """
    try:
        message = str(error)
    except BaseException as fault:
        if is_interruption(fault):
            raise
        return f"(its message cannot be read: {type(fault).__name__})"
    # limelight's own errors have others' messages in them, which are cut already.
    most = _MOST_MESSAGE_LETTERS * (2 if isinstance(error, LimelightError) else 1)
    if len(message) <= most:
        return message
    head, tail = most * 3 // 4, most // 4
    return f"{message[:head]} ... ({len(message) - head - tail} characters left out) ... {message[-tail:]}"


def describe_error(error: BaseException, about: str = "") -> str:
    """The name of an error's class, what it was about, and what it says.

    Examples
    --------
    >>> from limelight.exceptions import describe_error
    >>> describe_error(ValueError("no such column"))
    'ValueError: no such column'
    """
    return f"{name_class(error)}{about and ' '}{about}: {read_message(error)}"


def name_class(error: BaseException) -> str:
    """The name of an error's class, cut if it is very long."""
    return type(error).__name__[:_MOST_NAME_LETTERS]


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an error of any class, unless its class does not let it have one."""
    with suppress(Exception):
        error.add_note(note)


# Distributions whose name differs from that of the package that they install.
_DISTRIBUTIONS = {"PIL": "Pillow", "skimage": "scikit-image"}


def require(module: str, *, extra: str | None, purpose: str) -> Any:
    """Import an optional package.

    Parameters
    ----------
    module : str
        What to import, as ``import`` names it.
    extra : str or None
        The extra of limelight that installs it; None where the package itself has to be installed.
    purpose : str
        What needs the package, as the beginning of the error's sentence.

    Raises
    ------
    MissingDependencyError
        If it is not installed.

    Examples
    --------
    >>> from limelight.exceptions import require
    >>> require("math", extra="batch", purpose="a square root").sqrt(9.0)
    3.0
    >>> require("a_missing_package", extra="batch", purpose="a square root")
    Traceback (most recent call last):
        ...
    limelight.exceptions.MissingDependencyError: a square root needs a_missing_package: pip install 'limelight[batch]'
    """
    package = module.partition(".")[0]
    try:
        import_module(package)
        return import_module(module)
    except ImportError as error:
        raise missing_dependency(purpose, _DISTRIBUTIONS.get(package, package), extra) from error


def missing_dependency(purpose: str, distribution: str, extra: str | None) -> MissingDependencyError:
    """The error for an optional package that is not installed."""
    requirement = distribution if extra is None else f"'limelight[{extra}]'"
    return MissingDependencyError(f"{purpose} needs {distribution}: pip install {requirement}")


def unknown_name(parameter: str, got: object, allowed: Iterable[str]) -> ArgumentError:
    """The error for an option that is not one of the allowed names."""
    names = ", ".join(repr(name) for name in allowed)
    return ArgumentError(f"{parameter} must be one of {names}; got {got!r}.")


def time_is_up(seconds: float) -> ModelError:
    """The error for an instance that takes longer than ``timeout=`` allows."""
    return ModelError(f"the explanation took longer than timeout={seconds:g} seconds.")


def timeout_in(message: str) -> float | None:
    """The seconds in the message of `time_is_up`; None for other messages."""
    match = re.fullmatch(r"the explanation took longer than timeout=(\S+) seconds\.", message)
    return None if match is None else float(match[1])


# What lime's names are called here. Arguments:
_IS_INSTANCE = "it is the first argument, instance"
_IS_MODEL = "it is the second argument, model"
_IS_ALWAYS_SHOWN = "the page always shows it; leave it out"
LIME_ARGUMENTS = {
    **dict.fromkeys(("data_row", "text_instance", "image"), _IS_INSTANCE),
    **dict.fromkeys(("predict_fn", "classifier_fn"), _IS_MODEL),
    "hide_color": "give ImageExplainer(fill=...)",
    "segmentation_fn": "give ImageExplainer(segmentation=...)",
    "random_seed": "give the explainer random_state=...",
    "sampling_method": "limelight's own designs spread perturbations evenly; leave it out",
    "progress_bar": "explain_many(verbose=True) shows progress; leave it out",
    "verbose": "explain_many(verbose=True) shows progress; leave it out",
    **dict.fromkeys(("predict_proba", "show_predicted_value", "text", "opacity", "show_table", "show_all"), _IS_ALWAYS_SHOWN),
    "figsize": "give explanation.plot(ax=...) axes of that size",
    "num_exps_desired": "it is called num_picks",
    "sample_size": "it is called candidates",
    "method": "all explanations are candidates unless candidates=... says how many; leave it out",
}
# Attributes and methods, by the class that is asked for them:
_OF_EXPLANATIONS = {
    "available_labels": "labels",
    "class_names": "output_names",
    "domain_mapper": "names and view",
    "dummy_label": "default_label",
    "get_image_and_mask": "view.get_image_and_mask(as_map()[label])",
    "image": "view.picture",
    "intercept": "surrogate(label).intercept",
    "local_exp": "as_map()",
    "local_pred": "surrogate(label).local_prediction",
    "mode": "output_kind",
    "predict_proba": "predictions",
    "predicted_value": "predictions",
    "score": "surrogate(label).fidelity, measured on perturbations that were held out",
    "segments": "view.segments",
    "top_labels": "labels",
}
_OF_EXPLAINERS = {
    **{name: f"options.{name}" for name in ("class_names", "feature_selection", "mode", "random_state")},
    **dict.fromkeys(("feature_frequencies", "feature_values", "training_data_stats"), "statistics()"),
    "discretizer": 'statistics()["bins"]',
    "feature_names": "columns",
}
_OF_PICKS = {"V": "positions", "sp_explanations": "explanations"}
_OF_LIMELIGHT = {
    "LimeImageExplainer": "ImageExplainer",
    "LimeTabularExplainer": "TabularExplainer",
    "LimeTextExplainer": "TextExplainer",
    "RecurrentTabularExplainer": "TabularExplainer, which takes arrays of shape (n, steps, d)",
    "SubmodularPick": "submodular_pick",
}
LIME_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "Explanation": _OF_EXPLANATIONS,
    "Explainer": _OF_EXPLAINERS,
    "Pick": _OF_PICKS,
    "limelight": _OF_LIMELIGHT,
}
_CHECKED_METHODS = (
    *("__init__", "explain_instance", "explain_many"),
    *("as_list", "as_html", "as_pyplot_figure", "save_to_file", "show_in_notebook"),
)


def with_lime_arguments_named(function: Callable[P, T]) -> Callable[P, T]:
    """The same function; one of lime's arguments that it lacks raises an `ArgumentTypeError` that says what to give instead."""
    parameters = signature(function).parameters

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        if old := [name for name in kwargs if name not in parameters and name in LIME_ARGUMENTS]:
            advice = "; ".join(f"{name}: {LIME_ARGUMENTS[name]}" for name in old)
            raise ArgumentTypeError(f"{function.__qualname__.removesuffix('.__init__')} has no argument {advice}.")
        return function(*args, **kwargs)

    return checked


class LimeNames:
    """What answers lime's names for arguments and attributes with limelight's; a base of the classes that lime has, too."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in _CHECKED_METHODS:
            if isfunction(function := vars(cls).get(name)):
                setattr(cls, name, with_lime_arguments_named(function))

    if not TYPE_CHECKING:  # type checkers shall find unknown attributes

        def __getattr__(self, name: str) -> Any:
            classes = (base.__name__ for base in type(self).__mro__)
            new_name = next((LIME_ATTRIBUTES[base][name] for base in classes if name in LIME_ATTRIBUTES.get(base, ())), None)
            if new_name is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            raise RenamedError(f"{type(self).__name__} has no attribute {name!r}; here it is {new_name}.")
