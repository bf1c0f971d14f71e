"""Every error that limelight raises on purpose.

LimelightError
├── ArgumentError (ValueError)           an argument's value is not one of those allowed
├── ArgumentTypeError (TypeError)        an argument is of the wrong type
├── InstanceError (ValueError)           the instance cannot be explained: empty, wrong width, not finite
├── KernelError (ValueError)             the kernel gives no perturbation any weight
├── LabelError (ValueError)              a label that was not explained was asked for
├── PredictionError (ValueError)         the model's answer has a wrong shape or is not finite
├── ModelError (RuntimeError)            the model raised; the original error is its cause
├── CheckpointError (OSError)            a folder of finished chunks cannot be read or written
├── EngineError (RuntimeError)           what explains many instances elsewhere has broken down
└── MissingDependencyError (ImportError) an optional package is not installed

Interrupted (KeyboardInterrupt)          the user stopped a batch; what was finished is in it
"""

from collections.abc import Iterable

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
    """A label that was not explained, or that the model does not have, was asked for."""


class PredictionError(LimelightError, ValueError):
    """The model's answer has a wrong shape, or is not finite."""


class ModelError(LimelightError, RuntimeError):
    """The model raised an error while it was asked; that error is the ``__cause__``."""


class CheckpointError(LimelightError, OSError):
    """A folder of finished chunks cannot be read or written; what is in it stays whole."""


class EngineError(LimelightError, RuntimeError):
    """What explains many instances in other processes or on other machines has broken down."""


class Interrupted(KeyboardInterrupt):
    """The user stopped a batch.

    Parameters
    ----------
    message : str
        What is finished.
    explanations : Explanations
        All of it, in order.
    """

    def __init__(self, message: str, explanations: object) -> None:
        super().__init__(message)
        self.explanations = explanations


class MissingDependencyError(LimelightError, ImportError):
    """An optional package is needed and not installed."""


def unknown_name(parameter: str, got: object, allowed: Iterable[str]) -> ArgumentError:
    """The one sentence for an option that is not among the known names."""
    names = ", ".join(repr(name) for name in allowed)
    return ArgumentError(f"{parameter} must be one of {names}; got {got!r}.")
