"""What the model says of an instance without some of its components."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from limelight._checks import check_count, check_flag
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.explanation import Explanation
from limelight.results.removal import Removal
from limelight.stages.components import Components
from limelight.stages.contract import find_without
from limelight.stages.design import Design
from limelight.stages.prediction import Oracle
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.questions import Asking

__all__ = ["RemovalPlan", "check_same_instance", "check_same_model"]

_SAME_ANSWER_SHARE = 1e-3  # of the largest output: what models in low precision may differ by from batch to batch


class RemovalPlan(NamedTuple):
    """How much the model is asked about a removal; `Explainer.ask_without` documents its arguments.

    Attributes
    ----------
    num_samples : int
    batch_size : int or None
    pads_batches : bool
    """

    num_samples: int
    batch_size: int | None
    pads_batches: bool

    @classmethod
    def checked(cls, explanation: object, num_samples: object, batch_size: object, pad_batches: object) -> RemovalPlan:
        """Check a call's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is not allowed.
        """
        if not isinstance(explanation, Explanation):
            raise ArgumentTypeError(f"explanation must be what explain_instance gave; got {type(explanation).__name__}.")
        return cls(
            num_samples=check_count("num_samples", num_samples, 2),
            batch_size=None if batch_size is None else check_count("batch_size", batch_size, 1),
            pads_batches=check_flag("pad_batches", pad_batches),
        )

    def ask(
        self, removal: Removal, explanation: Explanation, components: Components, design: Design, oracle: Oracle
    ) -> Asking[Removal]:
        """A part of a run that puts the model's answer beside the surrogate's prediction.

        Raises
        ------
        ArgumentError
            If the components are not those that were explained, or the model says something else of the instance than then.
        InstanceError
            If there is no input without the components.
        PredictionError
            If the model's answer cannot be read.
        """
        check_same_instance(components, explanation)
        without = find_without(components, removal.components, design, self.num_samples)
        (answers,) = yield from oracle.predict([without.neighbourhood])
        link = LINKS[explanation.provenance.link]
        check_same_model(oracle.instance_prediction, explanation)
        raw = answers[:, removal.label]
        values = link(answers)[:, removal.label]
        # Where there is one input, it is the answer, without what rounding makes of its mean.
        answer = float(without.shares @ values) if len(values) > 1 else float(values[0])
        # The mean is that of the drawn rows themselves, as if one of them less were known.
        error = float(np.sqrt(without.squares @ (values - answer) ** 2 / (1.0 - without.squares.sum())))
        probability = float(without.shares @ raw if len(raw) > 1 else raw[0]) if removal.unit != "score" else np.nan
        return replace(removal, answer=answer, answer_error=error, answer_probability=probability, num_inputs=len(raw))


def check_same_instance(components: Components, explanation: Explanation) -> None:
    """Refuse components that are not those that were explained.

    Raises
    ------
    ArgumentError
        If they are others.
    """
    if components.view.tell_apart(components.names) != explanation.names or components.view != explanation.view:
        raise ArgumentError(
            "the explanation is of another instance, or of another explainer's components: give the instance that was "
            "explained, to the explainer that explained it."
        )


def check_same_model(prediction: np.ndarray, explanation: Explanation) -> None:
    """Refuse a model that says something else of the instance, in outputs of shape (k,), than was explained.

    Raises
    ------
    ArgumentError
        If it does.
    """
    of_instance, before = LINKS[explanation.provenance.link](prediction), np.array(explanation.predictions)
    tolerance = _SAME_ANSWER_SHARE * np.abs(before).max()
    if of_instance.shape != before.shape or not (np.abs(of_instance - before) <= tolerance).all():
        raise ArgumentError(
            f"the model says {_list_outputs(of_instance)} of the instance, where {_list_outputs(before)} was explained: give "
            "the model that was explained."
        )


def _list_outputs(values: np.ndarray) -> str:
    listed = [f"{value:.4g}" for value in values[:5].tolist()]
    return ", ".join([*listed, *["..."] * (len(values) > len(listed))])
