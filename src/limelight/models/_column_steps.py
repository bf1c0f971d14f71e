"""What scikit-learn's transformers do to single columns: only those are known here that never mix two columns."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Shape", "Use", "read_steps", "remains_fitted", "what_is_fitted"]


class Shape(IntEnum):
    """What is known of a function of one column's present values; a missing value may become anything."""

    SAME = 0
    AFFINE = 1
    MONOTONE = 2
    STEPS = 3  # constant between known ends
    ANY = 4


class Use(NamedTuple):
    """A column on its way through the steps.

    Attributes
    ----------
    column : int
        The table's column.
    shape : Shape
    ends : ndarray
        The last values before each step, ascending; of other shapes, before and at places where it begins anew.
    """

    column: int
    shape: Shape = Shape.SAME
    ends: np.ndarray = np.empty(0)


class _Uses(NamedTuple):
    """The columns that come out of a step.

    Attributes
    ----------
    uses : list of Use
    are_in_order : bool
        Whether there is one for each column that comes out, in this order.
    """

    uses: list[Use]
    are_in_order: bool


class _Unknown(Exception):
    """A step mixes columns, or is not known."""


_ALONE = {
    "MaxAbsScaler": Shape.AFFINE,
    "RobustScaler": Shape.AFFINE,
    "StandardScaler": Shape.AFFINE,
    "Binarizer": Shape.MONOTONE,
    "PowerTransformer": Shape.MONOTONE,
    "QuantileTransformer": Shape.MONOTONE,
}
"""Transformers that make one column of each, by class."""

_ENCODERS = {"OneHotEncoder": False, "OrdinalEncoder": True, "TargetEncoder": False}
"""Transformers of categories, and whether they make one column of each."""

_SELECTORS = (
    "GenericUnivariateSelect", "RFE", "RFECV", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe", "SelectKBest",
    "SelectPercentile", "SequentialFeatureSelector", "VarianceThreshold",
)  # fmt: skip
"""Transformers that leave columns out."""

_RISING = ("arcsinh", "arctan", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "sqrt", "tanh")
"""Functions of numpy that never fall."""

_BEGINNINGS = {"log": 0.0, "log10": 0.0, "log1p": -1.0, "log2": 0.0, "sqrt": 0.0}
"""Where those of them begin that give NaN for smaller numbers."""


def read_steps(steps: Sequence[Any], names: Sequence[str] | None, num_columns: int) -> list[Use] | None:
    """What fitted steps, one after the other, make of each of d columns; None if that is not certain.

    Parameters
    ----------
    steps : sequence of object
        scikit-learn's transformers, fitted.
    names : sequence of str or None
        The columns' names, if the steps get them.
    num_columns : int
        d.
    """
    before = _Uses([Use(column) for column in range(num_columns)], True)
    try:
        for step in steps:
            before = _after(step, before, names)
            names = None  # the table's are those of the first step only
    except _Unknown:
        return None
    return before.uses


def _after(step: Any, before: _Uses, names: Sequence[str] | None) -> _Uses:
    """The columns after a step."""
    kind = type(step).__name__
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return before
    if isinstance(step, str) and step == "drop":
        return _Uses([], False)
    # A class derived from scikit-learn's may do anything, and so may a function put in the place of a method.
    if not type(step).__module__.startswith("sklearn.") or "transform" in vars(step):
        raise _Unknown
    if kind == "Pipeline":
        for _, part in step.steps:
            before = _after(part, before, names)
            names = None
        return before
    if kind == "FeatureUnion":
        return _beside([_after(part, before, names) for _, part in step.transformer_list], step.transformer_weights)
    if kind == "ColumnTransformer":
        parts = [_after(part, _columns_of(step, columns, before, names), None) for _, part, columns in step.transformers_]
        return _beside(parts, step.transformer_weights)
    if kind in _SELECTORS:
        return before._replace(are_in_order=False)
    return _after_transformer(step, kind, before)


def _after_transformer(step: Any, kind: str, before: _Uses) -> _Uses:
    """The columns after a single transformer."""
    if kind in _ALONE:
        return _with_shape(before, _ALONE[kind])
    if kind == "MinMaxScaler":
        return _with_shape(before, Shape.MONOTONE if step.clip else Shape.AFFINE)
    if kind == "FunctionTransformer":
        return _after_function(step, before)
    if kind == "SimpleImputer":
        return _after_imputer(step, before)
    if kind == "MissingIndicator":
        return _indicate(step, before)
    if kind == "SplineTransformer":
        return _with_shape(before, Shape.ANY)._replace(are_in_order=False)
    if kind in _ENCODERS:
        ends = None if kind == "TargetEncoder" else [_around(categories) for categories in step.categories_]
        return _with_steps(before, ends, is_alone=_ENCODERS[kind])
    if kind == "KBinsDiscretizer":
        is_alone = step.encode == "ordinal"
        ends = [np.nextafter(edges[1:-1], -np.inf) for edges in step.bin_edges_]
        return _with_steps(before, ends, is_alone=is_alone, otherwise=Shape.MONOTONE if is_alone else Shape.ANY)
    raise _Unknown


def _after_imputer(step: Any, before: _Uses) -> _Uses:
    """The columns after an imputer, and perhaps which values were missing."""
    filled = _with_shape(before, Shape.SAME if _is_missing(step.missing_values) else Shape.ANY)
    indicated = _Uses([], True) if step.indicator_ is None else _indicate(step.indicator_, before)
    num_columns = step.n_features_in_ + (0 if step.indicator_ is None else len(step.indicator_.features_))
    keeps_all = len(step.get_feature_names_out()) == num_columns  # none that was always missing is left out
    are_in_order = filled.are_in_order and indicated.are_in_order and keeps_all
    return _Uses([*filled.uses, *indicated.uses], are_in_order)


def _indicate(step: Any, before: _Uses) -> _Uses:
    """Which values were missing: for all that are present, a constant."""
    if not _is_missing(step.missing_values):
        return _with_shape(before, Shape.ANY)._replace(are_in_order=False)
    indicated = _with_steps(before, [np.empty(0)] * len(before.uses), is_alone=True)
    if not before.are_in_order:
        return indicated
    return _Uses([indicated.uses[number] for number in step.features_], True)


def _beside(parts: Sequence[_Uses], weights: Any) -> _Uses:
    """The columns of parts that stand side by side, perhaps multiplied by weights."""
    together = _Uses([use for part in parts for use in part.uses], False)
    return _with_shape(together, Shape.AFFINE) if weights else together


def _with_shape(before: _Uses, shape: Shape) -> _Uses:
    """The columns after a function of this shape: a function of steps has the same steps."""
    return before._replace(
        uses=[use if use.shape is Shape.STEPS else use._replace(shape=max(use.shape, shape)) for use in before.uses]
    )


def _with_steps(before: _Uses, ends: list[np.ndarray | None] | None, *, is_alone: bool, otherwise: Shape = Shape.ANY) -> _Uses:
    """The columns after a function that has its own steps for each; `otherwise` is its shape where these are not known."""
    uses = []
    for number, use in enumerate(before.uses):
        own = ends[number] if ends is not None and before.are_in_order else None
        if use.shape is Shape.SAME and own is not None:
            uses.append(Use(use.column, Shape.STEPS, own))
        else:
            uses.append(use if use.shape is Shape.STEPS else use._replace(shape=max(use.shape, otherwise)))
    return _Uses(uses, before.are_in_order and is_alone)


def _around(categories: np.ndarray) -> np.ndarray | None:
    """The last values before each category that is a number, and before the next number after it; None for others."""
    if categories.dtype.kind not in "buif":
        return None
    numbers = categories.astype(np.float64)
    numbers = numbers[~np.isnan(numbers)]
    return np.union1d(np.nextafter(numbers, -np.inf), numbers)


def _after_function(step: Any, before: _Uses) -> _Uses:
    """The columns after a FunctionTransformer.

    Raises
    ------
    _Unknown
        If it may mix them.
    """
    if step.func is None:
        return before
    if not isinstance(step.func, np.ufunc) or (step.func.nin, step.func.nout) != (1, 1) or step.kw_args:
        raise _Unknown
    name = step.func.__name__
    if getattr(np, name, None) is not step.func or name not in _RISING:
        return _with_shape(before, Shape.ANY)
    if name not in _BEGINNINGS:
        return _with_shape(before, Shape.MONOTONE)
    # What it makes missing may be filled in afterwards.
    beginning = _BEGINNINGS[name]
    ends = np.array([np.nextafter(beginning, -np.inf), beginning])
    after = _with_shape(before, Shape.ANY).uses
    return before._replace(
        uses=[
            Use(use.column, Shape.MONOTONE, ends) if use.shape is Shape.SAME else otherwise
            for use, otherwise in zip(before.uses, after, strict=True)
        ]
    )


def _is_missing(value: Any) -> bool:
    """Whether a transformer's `missing_values` stands for missing values, and not for a number or a text."""
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and np.isnan(value))


def _columns_of(transformer: Any, columns: Any, before: _Uses, names: Sequence[str] | None) -> _Uses:
    """Those that a ColumnTransformer gives to a part; all, in no order, where it is not known which."""
    everything = before._replace(are_in_order=False)
    if not before.are_in_order:
        return everything
    fitted = getattr(transformer, "feature_names_in_", None)
    numbers = _numbers_of(columns, fitted, transformer.n_features_in_)
    if numbers is None:
        return everything
    if fitted is not None and names is not None:  # found by name
        places = [names.index(fitted[number]) if fitted[number] in names else -1 for number in numbers]
        return _Uses([before.uses[place] for place in places if place >= 0], -1 not in places)
    if transformer.n_features_in_ != len(before.uses) or fitted is not None:
        return everything
    return _Uses([before.uses[number] for number in numbers], True)


def _numbers_of(columns: Any, names: Any, count: int) -> list[int] | None:
    """The numbers of a ColumnTransformer's columns, in whichever way they are given; None if it is not known."""
    if isinstance(columns, slice):
        is_of_numbers = all(end is None or isinstance(end, int) for end in (columns.start, columns.stop, columns.step))
        return [*range(count)[columns]] if is_of_numbers else None
    listed: list[Any] = [columns] if isinstance(columns, (str, int)) else list(columns)
    if all(isinstance(column, (bool, np.bool_)) for column in listed):
        return np.flatnonzero(listed).tolist() if len(listed) == count else None
    if all(isinstance(column, (int, np.integer)) for column in listed):
        return [range(count)[column] for column in listed]
    if names is not None and all(isinstance(column, str) for column in listed):
        places = {name: number for number, name in enumerate(names)}
        return [places[column] for column in listed]
    return None


def what_is_fitted(estimator: Any) -> list[Any]:
    """Everything that an estimator holds, and the estimators within: other objects take their place if it is fitted again."""
    found: list[Any] = []
    waiting, known = [estimator], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in known:  # a user's step may hold the pipeline that it is in
            continue
        known.add(id(value))
        if isinstance(value, (list, tuple)):
            waiting += value
        elif hasattr(value, "get_params") and not isinstance(value, type):
            own = list(getattr(value, "__dict__", {}).values())
            found += own
            waiting += [part for part in own if isinstance(part, (list, tuple)) or hasattr(part, "get_params")]
    return found


def remains_fitted(before: Sequence[Any], now: Sequence[Any]) -> bool:
    """Whether what was fitted is still the same."""
    return len(before) == len(now) and all(old is new for old, new in zip(before, now, strict=True))
