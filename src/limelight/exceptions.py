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

from limelight._errors import (
    ArgumentError,
    ArgumentTypeError,
    CheckpointError,
    EngineError,
    InstanceError,
    Interrupted,
    KernelError,
    LabelError,
    LimelightError,
    MissingDependencyError,
    ModelError,
    PredictionError,
)

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
