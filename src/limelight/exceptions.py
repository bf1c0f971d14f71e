"""Every error that limelight raises on purpose.

LimelightError
├── ArgumentError (ValueError)           an argument's value is not one of those allowed
├── ArgumentTypeError (TypeError)        an argument is of the wrong type
├── InstanceError (ValueError)           the instance cannot be explained: it is empty, of the wrong width, or not finite
├── KernelError (ValueError)             the kernel gives no perturbation any weight
├── LabelError (ValueError)              the label was not explained, or the model has no such output
├── PredictionError (ValueError)         the model's answer has a wrong shape or is not finite
├── ModelError (RuntimeError)            the model raised; its own error is the cause
├── CheckpointError (OSError)            a folder of finished chunks cannot be read or written
├── EngineError (RuntimeError)           the processes or machines that explain many instances have broken down
└── MissingDependencyError (ImportError) an optional package is not installed

Interrupted (KeyboardInterrupt)          the user stopped a batch; the finished explanations are in it

Examples
--------
>>> from limelight import TextExplainer
>>> from limelight.exceptions import InstanceError
>>> try:
...     TextExplainer().explain_instance("...", len)
... except InstanceError as error:
...     print(error)
the text '...' has no words to explain; split_expression leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
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
]


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


class CheckpointError(LimelightError, OSError):
    """A folder of finished chunks cannot be read or written; the chunks in it stay intact."""


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


# What follows is for limelight itself: sentences that several of its modules say.
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
