"""What was found out about one label: the surrogate's weights with their intervals, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limelight.results.json_values import restore

__all__ = ["Surrogate"]


@dataclass(frozen=True)
class Surrogate:
    """The sparse linear model that stands for one output of the model near the instance.

    Attributes
    ----------
    label : int
        The number of the model's output that was explained.
    components : tuple of int
        The reported components' numbers, heaviest weight first.
    weights : tuple of float
        Their weights, in units of the model's output.
    lows, highs : tuple of float
        The ends of each weight's confidence interval; NaN where there were too few perturbations for one.
    intercept : float
        What the surrogate says when no reported component is present.
    local_prediction : float
        What the surrogate says for the instance itself.
    fidelity : float
        Weighted R2 on held-out perturbations: the share of the output's variation nearby that the surrogate follows. NaN where
        the output did not vary or there was nothing to hold out.
    """

    label: int
    components: tuple[int, ...]
    weights: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    intercept: float
    local_prediction: float
    fidelity: float

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Surrogate:
        surrogate = cls(**{name: restore(value) for name, value in data.items()})
        if len({len(column) for column in (surrogate.components, surrogate.weights, surrogate.lows, surrogate.highs)}) != 1:
            raise TypeError("a surrogate has as many weights and intervals as components")
        if len(set(surrogate.components)) < len(surrogate.components):
            raise TypeError("a surrogate has every component once")
        return surrogate
