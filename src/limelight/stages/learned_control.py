"""Control variates for a black box: small trees learned from its own answers, whose exact moments are known.

A model that is known by its answers alone has no exact moments. But trees that were learned from a few hundred answers are a
sum over leaves that has them, and leave a small part of the outputs' variation. What chance makes of the trees in the drawn
rows it makes of the model as well, and this part of its error is taken away. What the trees have not learned changes nothing
in the limit: the rows say it.

Trees follow the rows that they were learned from, chance included. So replicates are in folds, and the rows of each fold have
trees that were learned from the others (cross-fitting: Chernozhukov et al., "Double/debiased machine learning", Econometrics
Journal 21, 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np

from limelight.stages.closed_form import ClosedForm
from limelight.stages.components import Neighbourhood
from limelight.stages.control_variate import ControlFunctions, Controls
from limelight.stages.leaf_sum import LeafSum
from limelight.stages.learned_trees import learn_trees
from limelight.stages.limit import Expectation
from limelight.stages.product_law import ProductLaw

__all__ = ["LearnedControls"]

T = TypeVar("T")

_LEAST_ROWS = 768  # with fewer, trees learn little; and most fast models need no more
_MOST_LEARNED = 2048  # rows: with more, or more columns or outputs, learning takes more time than it saves
_MOST_COLUMNS, _MOST_OUTPUTS = 40, 3
_NUM_FOLDS = 4


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
        found = [trees.expect(laws, self.kernel_width, self.outputs) for trees in self.of_folds]
        return Expectation(*(np.stack(part, axis=1) for part in zip(*found, strict=True)))

    def take_output(self, number: int) -> _Trees:
        return replace(self, outputs=self.outputs[number : number + 1])


@dataclass(eq=False)
class LearnedControls:
    """The control variates of one explanation's rows, learned anew at each look, as long as rows are few.

    Parameters
    ----------
    law : ProductLaw
        The instance's.
    of_shared_rows : dict
        What was learned from rows that other instances share.
    """

    law: ProductLaw
    of_shared_rows: dict[Hashable, Any]
    _neighbourhoods: list[Neighbourhood] = field(default_factory=list)
    _outputs: list[np.ndarray] = field(default_factory=list)

    def add(
        self,
        neighbourhoods: Sequence[Neighbourhood],
        outputs: Sequence[np.ndarray],
        labels: tuple[int, ...],
        kernel_width: float,
    ) -> tuple[Controls, list[np.ndarray]] | None:
        """Those of all rows so far, if there are enough that other instances can share, and their values.

        Parameters
        ----------
        neighbourhoods : sequence of Neighbourhood
            What was drawn for this look.
        outputs : sequence of ndarray of shape (m, q)
            The explained outputs of the drawn rows.
        labels : tuple of int
            The numbers of these outputs.
        kernel_width : float

        Returns
        -------
        controls : Controls
        values : list of ndarray of shape (m, q)
            One for each neighbourhood of all looks.
        """
        self._neighbourhoods += neighbourhoods
        self._outputs += outputs
        if not self._is_worthwhile():
            return None
        rows = tuple(self._neighbourhoods[number].shared for number in self._find_learned())
        trees = self._recall((rows, labels), self._learn)
        if trees is None:
            return None
        functions = self._recall(
            (rows, labels, kernel_width), lambda: _Trees(trees, labels, (*range(len(labels)),), kernel_width)
        )
        closed_form = ClosedForm(trees[0], self.law, kernel_width, {})
        if not closed_form.has_limit:
            return None
        return Controls(closed_form, functions, None), [self._evaluate(part, functions, rows) for part in self._neighbourhoods]

    def _is_worthwhile(self) -> bool:
        first, outputs = self._neighbourhoods[0], self._outputs[0]
        num_columns, num_outputs = first.inputs.take(np.zeros(1, dtype=np.intp)).shape[1], outputs.shape[1]
        is_small = num_columns <= _MOST_COLUMNS and num_outputs <= _MOST_OUTPUTS
        has_rows = sum(map(len, self._outputs)) >= _LEAST_ROWS and len(first.replicates) > _NUM_FOLDS
        return is_small and has_rows and first.shared is not None and any((part != outputs[0]).any() for part in self._outputs)

    def _evaluate(self, part: Neighbourhood, functions: _Trees, rows: Hashable) -> np.ndarray:
        return self._recall((rows, functions.labels, part.shared), lambda: functions.evaluate(*_read(part)))

    def _find_learned(self) -> list[int]:
        """The numbers of the neighbourhoods that trees learn from: the first ones of those that all instances have.

        Others are of an instance's own rare states.
        """
        sources = [None if part.shared is None else part.shared.source for part in self._neighbourhoods]
        numbers, count = [], 0
        for number, source in enumerate(sources):
            if source == sources[0] and count < _MOST_LEARNED:
                numbers.append(number)
                count += len(self._outputs[number])
        return numbers

    def _recall(self, key: Hashable, find: Callable[[], T]) -> T:
        """What is known of shared rows; it is worked out once for all instances."""
        if key not in self.of_shared_rows:
            self.of_shared_rows[key] = find()
        return cast("T", self.of_shared_rows[key])

    def _learn(self) -> list[LeafSum] | None:
        """What was learned from the rows outside each fold."""
        read = [_read(self._neighbourhoods[number]) for number in self._find_learned()]
        rows, folds = (np.concatenate(part)[:_MOST_LEARNED] for part in zip(*read, strict=True))
        outputs = np.concatenate([self._outputs[number] for number in self._find_learned()])[:_MOST_LEARNED]
        others = [np.flatnonzero(folds != fold) for fold in range(_NUM_FOLDS)]
        chosen = np.concatenate(others)
        return learn_trees(rows[chosen], outputs[chosen], np.repeat(np.arange(_NUM_FOLDS), [*map(len, others)]), _NUM_FOLDS)


def _read(part: Neighbourhood) -> tuple[np.ndarray, np.ndarray]:
    """The drawn rows of a neighbourhood, and the fold that each is in."""
    replicates = np.repeat(np.arange(len(part.replicates) - 1), np.diff(part.replicates))
    return part.inputs.take(np.arange(1, 1 + len(replicates))), replicates % _NUM_FOLDS
