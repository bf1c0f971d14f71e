"""What a run asks of the model: rows of a neighbourhood, and the way in which they reach it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from limelight.stages.answers import Answer
from limelight.stages.components import Neighbourhood

__all__ = ["PADDED_BATCH_INPUTS", "Ask", "Asking", "ModelPath", "Question"]

PADDED_BATCH_INPUTS = 256
"""How many inputs a padded batch has at most, where the user gives no batch size."""

T = TypeVar("T")


class ModelPath(NamedTuple):
    """How perturbations of one instance reach a model.

    Attributes
    ----------
    make : callable
        From a neighbourhood and row numbers, of shape (m,), to inputs.
    finish : callable
        From inputs to the model's raw answer.
    form : Hashable
        Inputs of paths with equal `form` can share a batch, which any of these paths can finish.
    batch_size : int or None
        The largest number of inputs at once; None for no limit.
    pads_batches : bool
        Whether every batch has exactly that many inputs.
    ask_again : callable or None
        From a number to what takes the place of `finish` where a model that keeps its answers shall answer once more, for the
        first time or a later one; None for models that answer anew anyway.
    rounding : float
        By what share of an output's largest absolute value answers for one input may differ in batches of other shapes.
    launch : callable or None
        Of a model that computes elsewhere, such as on a GPU: it starts the work on inputs, and at once returns a function that
        waits for the raw answer. None for models that compute while they are called.
    """

    make: Callable[[Neighbourhood, np.ndarray], Any]
    finish: Callable[[Any], Any]
    form: Hashable
    batch_size: int | None
    pads_batches: bool = False
    ask_again: Callable[[int], Callable[[Any], Any]] | None = None
    rounding: float = 0.0
    launch: Callable[[Any], Callable[[], Any]] | None = None

    def limited(self, batch_size: int | None, *, pads_batches: bool = False) -> ModelPath:
        """The same path with the user's batch size, where there is one, and with padded batches, where the user wants them."""
        size = self.batch_size if batch_size is None else batch_size
        if pads_batches and batch_size is None:
            size = min(size or PADDED_BATCH_INPUTS, PADDED_BATCH_INPUTS)
        return self._replace(batch_size=size, pads_batches=pads_batches or self.pads_batches)

    def begin(self, inputs: Any) -> Callable[[], Any]:
        """Have the model start on inputs, if it computes elsewhere; the function that is returned gives its raw answer."""
        return partial(self.finish, inputs) if self.launch is None else self.launch(inputs)

    def repeated(self, number: int) -> ModelPath:
        """The same path for questions that have been asked before; the larger the number, the more often."""
        path = self._replace(form=(self.form, "asked again", number))
        return path if self.ask_again is None else path._replace(finish=self.ask_again(number), launch=None)


class Question(NamedTuple):
    """Rows of a neighbourhood that the model is to be asked about.

    Attributes
    ----------
    path : ModelPath
        How to ask.
    neighbourhood : Neighbourhood
        Where the rows are.
    rows : ndarray of shape (m,)
        Their numbers in the neighbourhood.
    first_number : int
        How many inputs the instance has asked about before: messages number the inputs from there.
    key : Hashable
        Questions with equal keys have the same answer. None is the key of a question that no other instance asks.
    """

    path: ModelPath
    neighbourhood: Neighbourhood
    rows: np.ndarray
    first_number: int
    key: Hashable = None


class Ask(NamedTuple):
    """What a run yields to have questions put to the model; it is sent the answer to each.

    Attributes
    ----------
    questions : list of Question
    is_repetition : bool
        Whether the model has been asked about these inputs before.
    """

    questions: list[Question]
    is_repetition: bool = False


Asking = Generator[Ask, list[Answer], T]
"""A part of a run that asks the model, and returns a result in the end."""
