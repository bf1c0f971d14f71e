"""What is known exactly of one explanation's moments: its limit, or those of control variates, or nothing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.closed_form import GREATEST_MARGIN, NOT_THE_SUM, ClosedForm
from limelight.stages.components import Neighbourhood
from limelight.stages.control_variate import Controls, ControlVariates
from limelight.stages.learned_control import LearnedControls
from limelight.stages.limit import Limit
from limelight.stages.product_law import ProductLaw

__all__ = ["KnownMoments"]


class KnownMoments:
    """What is known exactly of one explanation's moments, as far as the model's answers are those of a sum.

    Parameters
    ----------
    closed_form : ClosedForm or None
        The sum that the model was read as, and the law under which its moments are known; None for a black box.
    link : str
        The link that is explained. Under the sum's own one the explanation has a limit, under another one control variates.
    of_shared_rows : dict
        What control variates know of drawn rows that other instances share.
    law : ProductLaw or None
        The law under which control variates of a black box are learned; None where none are.

    Attributes
    ----------
    limit : Limit or None
        The exact moments of the explanation, once a trial has shown them.
    controls : Controls or None
        Functions of rows, of which they are known.
    control_values : list of ndarray or None
        The values of these functions for the drawn rows of each neighbourhood that was last learned from; None where there are
        none.
    needs_trial : bool
        Whether a trial is to show a limit.
    notices : tuple of Notice
        What a reader should know, once the model has contradicted the sum.
    """

    def __init__(
        self,
        closed_form: ClosedForm | None,
        link: str,
        of_shared_rows: dict[Hashable, Any],
        law: ProductLaw | None = None,
    ) -> None:
        self.limit: Limit | None = None
        self.controls: Controls | None = None
        self.control_values: list[np.ndarray | None] = []
        self.notices: tuple[Notice, ...] = ()
        self._closed_form = closed_form
        self.needs_trial = closed_form is not None and closed_form.model_sum.link == link
        self._variates = None
        if closed_form is not None and not self.needs_trial:
            self._variates = ControlVariates(closed_form, of_shared_rows)
        self._learned = None if law is None else LearnedControls(law, of_shared_rows)

    def learn(
        self,
        neighbourhoods: Sequence[Neighbourhood],
        own_answer: np.ndarray,
        answers: Sequence[np.ndarray],
        outputs: tuple[int, ...],
        *,
        is_trial: bool,
    ) -> None:
        """Learn from the model's answers, as `ClosedForm.find_limit` and `ControlVariates.add` take them."""
        if self._closed_form is not None and is_trial:
            self.limit = self._closed_form.find_limit(neighbourhoods, own_answer, answers, outputs)
            if self.limit is None:
                self.notices = (NOT_THE_SUM,)
        self.controls, self.control_values = None, [None] * len(neighbourhoods)
        found = None if self._variates is None else self._variates.add(neighbourhoods, own_answer, answers, outputs)
        if found is not None:
            self.controls, values = found
            self.control_values = [*values]

    def learn_controls(
        self,
        drawn: Sequence[Neighbourhood],
        explained: Sequence[np.ndarray],
        outputs: tuple[int, ...],
        kernel_width: float,
    ) -> tuple[Controls | None, list[np.ndarray | None]] | None:
        """Control variates of a black box, as `LearnedControls.find` gives them; None where something else is known."""
        if self._learned is None or self.limit is not None or self.controls is not None:
            return None
        return self._learned.find(drawn, explained, outputs, kernel_width)

    def move_to(self, kernel_width: float, neighbourhoods: Sequence[Neighbourhood]) -> list[np.ndarray]:
        """Have the limit of another kernel; the explained outputs of the drawn rows near it, each of shape (m, q)."""
        assert self.limit is not None
        if self.limit.kernel_width != kernel_width:
            self.limit = self.limit.with_width(kernel_width)
        self.control_values = [None] * len(neighbourhoods)
        return [self.evaluate(neighbourhood) for neighbourhood in neighbourhoods]

    def evaluate(self, neighbourhood: Neighbourhood) -> np.ndarray:
        """The explained outputs of drawn rows, of shape (m, q), by the sum that the model is known to be."""
        assert self.limit is not None
        rows = neighbourhood.inputs.take(np.arange(1, len(neighbourhood.representation)))
        return np.asarray(self.limit.model_sum.evaluate(rows)[:, self.limit.outputs] + self.limit.constant)

    def unclip(self, neighbourhood: Neighbourhood, explained: np.ndarray) -> np.ndarray:
        """The explained outputs of drawn rows, of shape (m, q), with the sum's values where the link has clipped them."""
        if self.limit is None or self.limit.model_sum.link == "identity":
            return explained
        clipped = np.flatnonzero((np.abs(explained) >= GREATEST_MARGIN).any(axis=1))
        if len(clipped):
            sums = self.limit.model_sum.evaluate(neighbourhood.inputs.take(1 + clipped))
            explained[clipped] = sums[:, self.limit.outputs] + self.limit.constant
        return explained
