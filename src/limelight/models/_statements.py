"""What a callable says about itself, in attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limelight.results.explanation import Notice
from limelight.stages.components import Components
from limelight.stages.output_names import ModelOutputs

__all__ = ["Statements"]


@dataclass(frozen=True)
class Statements:
    """What a callable says about itself.

    Attributes
    ----------
    outputs : ModelOutputs
        Its attribute `outputs`; or what `gives_probabilities` and `is_slow` say, where they are True.
    depends_on_batch : bool
        Whether an answer depends on the other inputs of its batch, in the last bits or more.
    batch_rounding : float
        By what share of the largest answer it does.
    notes_about : callable or None
        From an instance's components to what a reader should know about it with this model. A class alone can have it.
    asked_again : callable or None
        From a number to the model as it is asked for that further time; of a class whose objects keep their answers.
    """

    outputs: ModelOutputs
    depends_on_batch: bool
    batch_rounding: float
    notes_about: Callable[[Components], tuple[Notice, ...]] | None
    asked_again: Callable[[int], Callable[[Any], Any]] | None

    @classmethod
    def read(cls, call: Callable[[Any], Any]) -> Statements:
        """Those of any callable: what has another type than these counts for nothing."""
        outputs = getattr(call, "outputs", None)
        if not isinstance(outputs, ModelOutputs):
            kind = "probabilities" if _is_true(call, "gives_probabilities") else None
            outputs = ModelOutputs(kind, is_slow=_is_true(call, "is_slow"))
        depends_on_batch = _is_true(call, "depends_on_batch")
        return cls(
            outputs,
            depends_on_batch,
            _find_share(call, "batch_rounding") if depends_on_batch else 0.0,
            _find_method(call, "notes_about"),
            _find_method(call, "asked_again"),
        )


def _is_true(call: object, name: str) -> bool:
    return getattr(call, name, False) is True


def _find_share(call: object, name: str) -> float:
    share = getattr(call, name, 0.0)
    return share if isinstance(share, float) else 0.0


def _find_method(call: object, name: str) -> Any:
    """A method that the callable's class defines; None where it has none."""
    return getattr(call, name) if callable(getattr(type(call), name, None)) else None
