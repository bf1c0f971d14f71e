"""Control variates for a black box: small trees learned from its own answers, whose exact moments are known.

A model that is known by its answers alone has no exact moments. But trees that were learned from a few hundred answers are a
sum over leaves that has them, and leave a small part of the outputs' variation. What chance makes of the trees in the drawn
rows it makes of the model as well, and this part of its error is taken away. What the trees have not learned changes nothing
in the limit: the rows say it.

Trees follow the rows that they were learned from, chance included. So replicates are in folds, and the rows of each fold have
trees that were learned from the others (cross-fitting: Chernozhukov et al., "Double/debiased machine learning", Econometrics
Journal 21, 2018).

What the trees miss has to be seen in the rows, because its chance is all that is left of an interval. Trees that follow a step
nearly everywhere miss it in a handful of rows, or in none that were drawn: such intervals would be too narrow, and such trees
are not used.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from limelight.stages.closed_form import ClosedForm
from limelight.stages.components import Neighbourhood
from limelight.stages.control_variate import ControlFunctions, Controls, recall
from limelight.stages.leaf_sum import LeafSum, expect_together
from limelight.stages.learned_trees import learn_trees
from limelight.stages.limit import Expectation
from limelight.stages.product_law import ProductLaw

__all__ = ["LearnedControls"]

_LEAST_ROWS = 768  # with fewer, trees learn little; and most fast models need no more
_MOST_LEARNED = 1024  # rows: with more, or more columns or outputs, learning takes more time than it saves
_MOST_COLUMNS, _MOST_OUTPUTS = 40, 3
_NUM_FOLDS = 4
_LEAST_MISSED = 64  # rows that show what trees miss, by Kish's count: (sum of squares)^2 / (sum of fourth powers)


@dataclass(frozen=True, eq=False)
class _Trees(ControlFunctions):
    """What was learned from rows that several instances share.

    Attributes
    ----------
    of_folds : sequence of LeafSum
        For each fold of replicates, what was learned from the others.
    labels : tuple of int
        The outputs that it was learned from, by the model's numbers.
    outputs : tuple of int
        Of these, by their places; as for all.
    kernel_width : float
    """

    of_folds: Sequence[LeafSum]
    labels: tuple[int, ...]
    outputs: tuple[int, ...]
    kernel_width: float
    num_folds = _NUM_FOLDS

    @property
    def batch_key(self) -> Hashable:
        return len(self.outputs), "learned"

    def evaluate(self, rows: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Their values for drawn rows of shape (m, d) in some folds: of shape (m, q)."""
        values = np.empty((len(rows), len(self.outputs)))
        for fold, trees in enumerate(self.of_folds):
            values[folds == fold] = trees.evaluate(rows[folds == fold])[:, self.outputs]
        return values

    def expect(self, laws: Sequence[ProductLaw]) -> Expectation:
        found = expect_together(self.of_folds, laws, self.kernel_width, self.outputs)
        return Expectation(*(np.stack(part, axis=1) for part in zip(*found, strict=True)))

    def take_output(self, number: int) -> _Trees:
        return replace(self, outputs=self.outputs[number : number + 1])


class LearnedControls:
    """The control variates of one explanation's rows, learned anew at each look, as long as rows are few.

    Parameters
    ----------
    law : ProductLaw
        The instance's.
    of_shared_rows : dict
        What was learned from rows that other instances share.
    """

    def __init__(self, law: ProductLaw, of_shared_rows: dict[Hashable, Any]) -> None:
        self._law = law
        self._of_shared_rows = of_shared_rows

    def find(
        self, parts: Sequence[Neighbourhood], outputs: Sequence[np.ndarray], labels: tuple[int, ...], kernel_width: float
    ) -> tuple[Controls | None, list[np.ndarray | None]] | None:
        """Those of all rows so far; None where rows are too few, or not those that other instances can share.

        Parameters
        ----------
        parts : sequence of Neighbourhood
            What was drawn for all looks.
        outputs : sequence of ndarray of shape (m, q)
            The explained outputs of the drawn rows of each.
        labels : tuple of int
            The numbers of these outputs.
        kernel_width : float

        Returns
        -------
        controls : Controls or None
            None if trees were learned, but the rows cannot tell what these miss.
        values : list of ndarray of shape (m, q), or of None
            One for each neighbourhood.
        """
        if not _are_worthwhile(parts, outputs):
            return None
        learned = _find_learned(parts, outputs)
        rows = tuple(parts[number].shared for number in learned)
        trees = recall(
            self._of_shared_rows,
            (rows, labels),
            lambda: _learn([parts[number] for number in learned], [outputs[number] for number in learned]),
        )
        if trees is None:
            return None
        closed_form = ClosedForm(trees[0], self._law, kernel_width, {})
        if not closed_form.has_limit:
            return None
        functions = recall(
            self._of_shared_rows,
            (rows, labels, kernel_width),
            lambda: _Trees(trees, labels, (*range(len(labels)),), kernel_width),
        )
        values = [
            recall(self._of_shared_rows, (rows, labels, part.shared), partial(_evaluate, functions, part)) for part in parts
        ]
        if not _can_be_judged(np.concatenate(outputs), np.concatenate(values)):
            return None, [None] * len(parts)
        return Controls(closed_form, functions, None), [*values]


def _are_worthwhile(parts: Sequence[Neighbourhood], outputs: Sequence[np.ndarray]) -> bool:
    first = parts[0]
    num_columns, num_outputs = first.inputs.take(np.zeros(1, dtype=np.intp)).shape[1], outputs[0].shape[1]
    is_small = num_columns <= _MOST_COLUMNS and num_outputs <= _MOST_OUTPUTS
    has_rows = sum(map(len, outputs)) >= _LEAST_ROWS and len(first.replicates) > _NUM_FOLDS
    return is_small and has_rows and first.shared is not None and any((part != outputs[0][0]).any() for part in outputs)


def _find_learned(parts: Sequence[Neighbourhood], outputs: Sequence[np.ndarray]) -> list[int]:
    """The numbers of the neighbourhoods that trees learn from: the first ones of those that all instances have.

    Others are of an instance's own rare states.
    """
    sources = [None if part.shared is None else part.shared.source for part in parts]
    numbers, count = [], 0
    for number, source in enumerate(sources):
        if source == sources[0] and count < _MOST_LEARNED:
            numbers.append(number)
            count += len(outputs[number])
    return numbers


def _learn(parts: Sequence[Neighbourhood], outputs: Sequence[np.ndarray]) -> list[LeafSum] | None:
    """What was learned from the rows outside each fold."""
    rows, folds = (np.concatenate(read)[:_MOST_LEARNED] for read in zip(*map(_read, parts), strict=True))
    others = [np.flatnonzero(folds != fold) for fold in range(_NUM_FOLDS)]
    chosen = np.concatenate(others)
    numbers = np.repeat(np.arange(_NUM_FOLDS), [*map(len, others)])
    return learn_trees(rows[chosen], np.concatenate(outputs)[:_MOST_LEARNED][chosen], numbers, _NUM_FOLDS)


def _evaluate(functions: _Trees, part: Neighbourhood) -> np.ndarray:
    return functions.evaluate(*_read(part))


def _can_be_judged(outputs: np.ndarray, values: np.ndarray) -> bool:
    """Whether enough of n rows show what trees miss of each output; outputs and the trees' values have shape (n, q).

    At least so many rows must share it evenly, and a single row that was missed by the outputs' whole range must not change it
    much.
    """
    missed = outputs - values
    squares = (missed - missed.mean(axis=0)) ** 2
    total = squares.sum(axis=0)
    is_in_many_rows = total**2 >= _LEAST_MISSED * (squares**2).sum(axis=0)
    return bool((is_in_many_rows & (total >= np.ptp(outputs, axis=0) ** 2)).all())


def _read(part: Neighbourhood) -> tuple[np.ndarray, np.ndarray]:
    """The drawn rows of a neighbourhood, and the fold that each is in."""
    replicates = np.repeat(np.arange(len(part.replicates) - 1), np.diff(part.replicates))
    return part.inputs.take(np.arange(1, 1 + len(replicates))), replicates % _NUM_FOLDS
