"""scikit-learn's pipelines as sums over a table's own columns, where their steps take one column at a time.

The steps are not imitated: they are asked what they make of the values of each column. Only scikit-learn's own transformers
that are known to keep columns apart are trusted; behind others, a model is a black box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from limelight.exceptions import is_interruption
from limelight.models._carried_leaves import carry_leaves
from limelight.models._carried_line import carry_line
from limelight.models._column_steps import Shape, Use, read_steps, remains_fitted, what_is_fitted
from limelight.models._methods import find_own_method
from limelight.models._probes import Steps, find_cells
from limelight.models._readings import Refusal, content_of_object
from limelight.stages.leaf_sum import LeafSum
from limelight.stages.limit import ModelSum
from limelight.stages.linear_sum import LinearSum
from limelight.stages.product_law import Conditions
from limelight.stages.table_columns import ColumnValues, TableColumns

__all__ = ["ReadMethod"]

_MOST_KEPT = 8  # readings of a pipeline: for rows with categories of their own, another one each

_MOST_PAIRS = 2**23  # of a leaf and a column: to carry them takes some 55 bytes each

_NOT_STRAIGHT = Refusal(
    "Of a linear model and its log-odds, explanations are exact where the steps in front of it keep each column straight, or "
    "make categories of it. Here one bends a column (a logarithm, a power, quantiles, splines), or passes it on in several "
    "forms. So the weights are estimated from perturbations."
)

_NONE = np.empty(0, dtype=np.intp)
_NO_CONDITIONS = Conditions(_NONE, _NONE.astype(bool), np.empty(0), np.empty(0), _NONE)


class _Reading(NamedTuple):
    """A pipeline's method as a sum over a table's columns, and what it was read from."""

    name: str
    columns: TableColumns
    fitted: list[Any]
    content: object
    inner_sum: ModelSum
    model_sum: ModelSum | Refusal | None


_KEPT: WeakKeyDictionary[Any, list[_Reading]] = WeakKeyDictionary()


class ReadMethod:
    """A bound method, taken apart into steps and a model behind them, which is read once.

    Parameters
    ----------
    method : callable
    read : callable
        From the method of a model without steps in front to a sum over what this model gets, or None.
    """

    def __init__(self, method: Callable[[Any], Any], read: Callable[[Callable[[Any], Any]], ModelSum | Refusal | None]) -> None:
        self._steps, inner = _take_apart(method)
        self._inner_sum = read(inner)
        self._own = find_own_method(inner)
        self._owner = getattr(method, "__self__", None)

    def as_sum_over(self, columns: TableColumns) -> ModelSum | Refusal | None:
        """The method as a sum over a table's columns, which it gets; None if it is none, or it is not certain what steps do."""
        if self._own is None or not isinstance(self._inner_sum, ModelSum):
            return self._inner_sum
        model, name = self._own.estimator, self._own.name
        if not (self._steps or _categories_of(model)):
            return self._inner_sum
        kept = _KEPT.setdefault(self._owner, [])
        for reading in kept:
            if reading.name == name and self._is_read_in(reading) and reading.columns.is_like(columns):
                return reading.model_sum
        model_sum = _carry(self._inner_sum, self._steps, columns, model)
        content = None if model_sum is None else self._content
        kept.insert(0, _Reading(name, columns, self._fitted, content, self._inner_sum, model_sum))
        del kept[_MOST_KEPT:]
        return model_sum

    def _is_read_in(self, reading: _Reading) -> bool:
        """Whether the steps and the model are what they were."""
        if not (remains_fitted(reading.fitted, self._fitted) and _is_same_sum(reading.inner_sum, self._inner_sum)):
            return False
        return reading.model_sum is None or reading.content == self._content

    @cached_property
    def _fitted(self) -> list[Any]:
        assert self._own is not None
        return [*what_is_fitted(self._steps), *vars(self._own.estimator).values()]

    @cached_property
    def _content(self) -> object:
        """What differs once anything in the steps has been changed in place."""
        assert self._own is not None
        return content_of_object((self._steps, _categories_of(self._own.estimator)))


def _take_apart(method: Callable[[Any], Any]) -> tuple[list[Any], Callable[[Any], Any]]:
    """The steps in front of a model, and the model's method; classes derived from scikit-learn's are models themselves."""
    steps: list[Any] = []
    own = find_own_method(method)
    while own is not None and (own.package, own.kind) == ("sklearn", "Pipeline"):
        inner = getattr(own.estimator.steps[-1][1], own.name, None)
        if inner is None:
            break
        steps += [step for _, step in own.estimator.steps[:-1]]
        method = inner
        own = find_own_method(method)
    return steps, method


def _is_same_sum(kept: ModelSum, now: ModelSum | Refusal | None) -> bool:
    """Whether a model was read as the same sum: leaves are kept by their readers, coefficients are read each time."""
    if isinstance(kept, LinearSum) and isinstance(now, LinearSum):
        return kept.link == now.link and np.array_equal(kept.coefficients, now.coefficients)
    return kept is now


def _carry(inner_sum: ModelSum, steps: list[Any], columns: TableColumns, model: Any) -> ModelSum | Refusal | None:
    """A sum over the steps' outputs as one over the table's columns; None if that is not certain."""
    all_values = columns.values()
    if all_values is None or not isinstance(inner_sum, (LeafSum, LinearSum)):
        return None
    if isinstance(inner_sum, LeafSum) and inner_sum.num_pairs > _MOST_PAIRS:
        return None
    absent = np.nan if type(model).__module__.startswith("xgboost.") else 0.0  # of sparse rows
    try:
        uses = read_steps(steps, columns.names, len(all_values))
        if uses is None:
            return None
        base = np.array([_first_of(values) for values in all_values])
        asked = Steps(steps, columns, absent, base, _categories_of(model))
        cells = find_cells(asked, uses, all_values, inner_sum.conditions if isinstance(inner_sum, LeafSum) else _NO_CONDITIONS)
    except BaseException as error:  # steps refuse some values, or are not fitted; polars panics
        if is_interruption(error):
            raise
        return None
    carried: ModelSum | None = None
    if cells is not None and isinstance(inner_sum, LinearSum):
        carried = carry_line(inner_sum, cells, len(all_values))
    elif cells is not None and isinstance(inner_sum, LeafSum):
        carried = carry_leaves(inner_sum, asked.of_base, cells, len(all_values))
    if carried is not None:
        carried.knows_places = True
        return carried
    return _NOT_STRAIGHT if isinstance(inner_sum, LinearSum) and _are_bent(uses) else None


def _are_bent(uses: Sequence[Use]) -> bool:
    """Whether steps bend a column, or pass it on in several forms."""
    return any(use.shape in (Shape.MONOTONE, Shape.ANY) for use in uses) or len({use.column for use in uses}) < len(uses)


def _categories_of(model: Any) -> list[list[Any]]:
    """The categories of pandas' categorical columns that a model of LightGBM was trained on; empty for other models."""
    if not type(model).__module__.startswith("lightgbm."):
        return []
    return getattr(getattr(model, "_Booster", model), "pandas_categorical", None) or []


def _first_of(values: ColumnValues) -> float:
    """A value of a column."""
    if values.listed is not None:
        return float([*values.listed, *values.missing][0])
    return values.low
