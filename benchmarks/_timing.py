"""CPU time of explanations, with the model's share apart."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from time import process_time
from typing import Any, Protocol, TypeVar

__all__ = ["Cost", "Explainer", "TimedModel", "cost_of_explaining", "costs_in_turn", "median_cost", "rounds_of"]

Subject = TypeVar("Subject")


class Explainer(Protocol):
    """What lime's explainers and limelight's have in common."""

    @property
    def explain_instance(self) -> Callable[..., Any]: ...


class TimedModel:
    """A model's callable that adds up the CPU time spent inside it."""

    def __init__(self, predict: Callable[[Any], Any]) -> None:
        self._predict = predict
        self.seconds = 0.0

    def __call__(self, inputs: Any) -> Any:
        start = process_time()
        try:
            return self._predict(inputs)
        finally:
            self.seconds += process_time() - start


@dataclass(frozen=True)
class Cost:
    """Milliseconds of CPU time: the whole call, and what of it was spent inside the model."""

    total: float
    model: float

    @property
    def outside(self) -> float:
        return self.total - self.model


def cost_of_explaining(explainer: Explainer, subject: object, model: Any, **arguments: Any) -> Cost:
    """Explain once. Only a `TimedModel` knows its own share; any other's counts as 0, so that `outside` is the whole call."""
    timed = model if isinstance(model, TimedModel) else TimedModel(model)
    inside, start = timed.seconds, process_time()
    explainer.explain_instance(subject, model, **arguments)
    return Cost(total=1e3 * (process_time() - start), model=1e3 * (timed.seconds - inside))


def costs_in_turn(
    slow: Explainer, fast: Explainer, rounds: Sequence[Sequence[object]], model: Any, **arguments: Any
) -> tuple[Cost, Cost]:
    """Median costs of two explainers that take turns, so that a change of the machine's pace meets both.

    In each round the slow one explains the first subject and the fast one every subject: a call of a millisecond needs more
    repeats than one of a second. The first round warms both up and is not counted.
    """

    def turn(explainer: Explainer, subjects: Sequence[object]) -> list[Cost]:
        gc.collect()  # neither side pays for the other's garbage
        return [cost_of_explaining(explainer, subject, model, **arguments) for subject in subjects]

    turns = [(turn(slow, subjects[:1]), turn(fast, subjects)) for subjects in rounds][1:]
    slow_costs, fast_costs = ([cost for costs in side for cost in costs] for side in zip(*turns, strict=True))
    return median_cost(slow_costs), median_cost(fast_costs)


def median_cost(costs: Sequence[Cost]) -> Cost:
    """The call in the middle: its figures belong together, which separate medians would not."""
    return sorted(costs, key=lambda cost: cost.outside)[len(costs) // 2]


def rounds_of(subjects: Iterable[Subject], count: int, size: int) -> list[list[Subject]]:
    """The first subjects in groups of equal size, and a group more for warming up."""
    supply = iter(subjects)
    return [list(islice(supply, size)) for _ in range(count + 1)]
