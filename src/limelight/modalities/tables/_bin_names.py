"""What the bins of a numeric column are called: by their bounds, or by the only value that they hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._fields import Field, NumberField

__all__ = ["BinNames", "format_edges", "name_bins"]

_MOST_FIXED = 1e9  # larger numbers with decimals are written with an exponent
_MOST_WHOLE = 1e15  # larger whole numbers are, too
_LEAST_FIXED = 1e-4  # finer differences are written with an exponent


class BinNames(NamedTuple):
    """The names of a column's b bins.

    Attributes
    ----------
    names : tuple of str
    values : tuple of (float or None)
        The value that a bin's name says, if the bin holds no other.
    exact_names : tuple of str
        The names for a row whose value is a fraction, although all training values are whole.
    """

    names: tuple[str, ...] = ()
    values: tuple[float | None, ...] = ()
    exact_names: tuple[str, ...] = ()

    def name_of(self, number: int, value: float) -> str | None:
        """The name of the bin with this number for a row with this value in it; None if it is named by another value."""
        only_value = self.values[number]
        if only_value is not None and only_value != value:
            return None
        return self.exact_names[number] if value % 1 else self.names[number]


def name_bins(
    name: str, field: Field, column: Binned, training: np.ndarray | None, write_value: Callable[[float], str], *, is_open: bool
) -> BinNames:
    """Name the bins of a column.

    Parameters
    ----------
    name : str
        The column's name.
    field : Field
        What it holds.
    column : Binned
        How its values are drawn.
    training : ndarray of shape (n,) or None
        Its training values that are present, if they are known.
    write_value : callable
        From a value to the text for it.
    is_open : bool
        Whether perturbed rows may have values in a bin that no training row has there.
    """
    values = tuple(_find_only_value(column, number, is_open=is_open) for number in range(column.num_states))

    def write(edges: np.ndarray) -> tuple[str, ...]:
        bounds = _write_bounds(name, field, edges)
        only_values = (None if value is None else f"{name}={write_value(value)}" for value in values)
        return tuple(only or between for only, between in zip(only_values, bounds, strict=True))

    exact_names, rounded_edges = write(column.edges), _round_edges(field, column, training)
    return BinNames(exact_names if rounded_edges is column.edges else write(rounded_edges), values, exact_names)


def _write_bounds(name: str, field: Field, edges: np.ndarray) -> list[str]:
    texts = format_edges(edges) if isinstance(field, NumberField) else [field.format(edge) for edge in edges.tolist()]
    between = [f"{low} < {name} <= {high}" for low, high in pairwise(texts)]
    return [f"{name} <= {texts[0]}", *between, f"{name} > {texts[-1]}"]


def _find_only_value(column: Binned, number: int, *, is_open: bool) -> float | None:
    """The only value that a bin can hold; None if it can hold several, or none at all."""
    if column.is_whole and 0 < number < len(column.edges):
        low, high = np.floor(column.edges[number - 1 : number + 1]).tolist()
        return float(high) if high == low + 1 else None
    holds_one = column.shares[number] > 0 and column.lows[number] == column.highs[number]
    return float(column.lows[number]) if holds_one and not is_open else None


def _round_edges(field: Field, column: Binned, training: np.ndarray | None) -> np.ndarray:
    """The edges of a column of whole numbers or times, each at the last value of the column's grid that is not above it."""
    if not (column.is_whole or column.has_whole_values):
        return column.edges
    step = 1 if training is None else next((step for step in field.steps if not np.any(training % step)), 1)
    rounded = np.floor(column.edges / step) * step
    return rounded if len(np.unique(rounded)) == len(rounded) else column.edges


def format_edges(edges: np.ndarray) -> list[str]:
    """Edges, of shape (b - 1,) and ascending, as short texts that still tell them apart.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.modalities.tables._bin_names import format_edges
    >>> format_edges(np.array([1.0, 2.0])), format_edges(np.array([1.0, 2.5])), format_edges(np.array([1.25e-5, 2.5e-5]))
    (['1', '2'], ['1.00', '2.50'], ['1.25e-05', '2.50e-05'])
    """
    edges = edges + 0.0  # no minus before zero
    sizes = np.abs(edges[edges != 0])
    largest = sizes.max(initial=1.0)
    if largest < _MOST_WHOLE and not np.any(edges % 1):
        return [f"{edge:.0f}" for edge in edges]
    finest = min(np.diff(edges).min(initial=np.inf), sizes.min(initial=largest))
    decimals, form = 2, "e"
    if largest < _MOST_FIXED and finest >= _LEAST_FIXED:
        decimals, form = max(2, int(np.ceil(1 - np.log10(finest)))) if finest < 0.01 else 2, "f"
    numbers = edges.tolist()
    while len(set(texts := [f"{number:.{decimals}{form}}" for number in numbers])) < len(numbers) and decimals < 16:
        decimals += 1
    return texts
