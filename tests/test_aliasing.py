"""Parts whose effects no list of single parts follows: planted models whose limits are known, and how often intervals hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import binom

from limelight import ComponentsExplainer, TextExplainer
from limelight.results._surrogate import Surrogate

PARTS, WIDTH, LISTED = 40, 0.25, 10
COUNT = np.arange(PARTS + 1)
KERNEL = np.exp(-0.5 * ((1 - np.sqrt(COUNT / PARTS)) / WIDTH) ** 2)
LAWS = {"parts": binom.pmf(COUNT, PARTS, 0.5), "words": np.where(COUNT < PARTS, 1 / PARTS, 0.0)}

Answer = Callable[[np.ndarray], np.ndarray]


class Planted:
    """A model of a few of the parts, whose limit is a sum over their masks and over the number of other parts present."""

    def __init__(self, seed: int, num_active: int, answer: Answer, law: np.ndarray) -> None:
        self.names = tuple(f"w{number}" for number in range(PARTS))
        self.active = np.random.default_rng(seed).permutation(PARTS)[:num_active]
        self.answer = answer
        masks = (np.arange(2**num_active)[:, None] >> np.arange(num_active) & 1).astype(float)
        outputs, others = answer(masks), np.arange(PARTS - num_active + 1)
        present = masks.sum(axis=1).astype(int)[:, None] + others
        ways = binom.pmf(others, PARTS - num_active, 0.5) * 2.0 ** (PARTS - num_active)
        all_ways = binom.pmf(COUNT, PARTS, 0.5) * 2.0**PARTS
        weights = (law * KERNEL / all_ways)[present] * ways
        weights /= weights.sum()
        mean, own = law * KERNEL @ COUNT / (law @ KERNEL) / PARTS, weights.sum(axis=1)
        together = law * KERNEL @ (COUNT * (COUNT - 1)) / (law @ KERNEL) / (PARTS * (PARTS - 1))
        cross = np.full(PARTS, outputs @ (weights @ others) / (PARTS - num_active))
        cross[self.active] = (own * outputs) @ masks
        self.mean, self.variance, self.mean_of_parts = own @ outputs, own @ outputs**2 - (own @ outputs) ** 2, mean
        self.covariance = np.full((PARTS, PARTS), together - mean**2)
        np.fill_diagonal(self.covariance, mean - mean**2)
        self.with_output = cross - mean * self.mean

    def compose(self, masks: np.ndarray) -> np.ndarray:
        return masks

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        return self.answer(masks[:, self.active].astype(float))

    def answer_texts(self, texts: list[str]) -> np.ndarray:
        return self(np.array([[name in text.split() for name in self.names] for text in texts]))

    def limit(self, components: np.ndarray) -> np.ndarray:
        return np.linalg.solve(self.covariance[np.ix_(components, components)], self.with_output[components])

    def fidelity(self, surrogate: Surrogate) -> float:
        components, weights = list(surrogate.components), np.array(surrogate.weights)
        fitted = weights @ self.covariance[np.ix_(components, components)] @ weights
        bias = surrogate.intercept + self.mean_of_parts * weights.sum() - self.mean
        return float(1 - (self.variance + fitted - 2 * weights @ self.with_output[components] + bias**2) / self.variance)


class Held(NamedTuple):
    """What held, of some explanations: each listed part's interval, whether it has an effect, and what is said of the fit."""

    intervals: np.ndarray
    have_effects: np.ndarray
    fidelities: np.ndarray
    false_finds: float


def explain(answer: Answer, num_active: int, num_samples: int | str, seeds: range, kind: str = "parts") -> Held:
    intervals, have_effects, fidelities, false_finds = [], [], [], 0
    for seed in seeds:
        model = Planted(seed, num_active, answer, LAWS[kind])
        options = {"alpha": 0.0, "random_state": seed}
        if kind == "parts":
            explanation = ComponentsExplainer(**options).explain_instance(
                model, model, num_samples=num_samples, num_features=LISTED
            )
        else:
            explanation = TextExplainer(**options).explain_instance(
                " ".join(model.names), model.answer_texts, num_samples=num_samples, num_features=LISTED
            )
        surrogate = explanation.surrogate()
        listed, lows, highs = np.array(surrogate.components), np.array(surrogate.lows), np.array(surrogate.highs)
        limit = model.limit(listed)
        intervals.append((limit >= lows) & (limit <= highs))
        have_effects.append(np.isin(listed, model.active))
        fidelities.append(abs(surrogate.fidelity - model.fidelity(surrogate)) <= 1.96 * surrogate.fidelity_error)
        is_certain = ~have_effects[-1] & ((lows > 0) | (highs < 0))
        is_heavy = np.abs(surrogate.weights) > 0.7 * np.abs(model.limit(model.active)).max()
        false_finds += bool((is_certain & is_heavy).any())
    return Held(np.concatenate(intervals), np.concatenate(have_effects), np.array(fidelities), false_finds / len(seeds))


def together(masks: np.ndarray) -> np.ndarray:
    return np.asarray(masks.prod(axis=1))


def bend(masks: np.ndarray) -> np.ndarray:
    slopes = np.random.default_rng(1).normal(0, 1.5, masks.shape[1])
    return np.asarray(1 / (1 + np.exp(-(masks - 0.6) @ slopes)))


@pytest.mark.parametrize(
    ("num_active", "num_samples", "most_false"),
    [(2, 513, 0), (3, 129, 0.1), (3, 257, 0.1), (3, 1001, 0), (3, "auto", 0), (4, 129, 0.1), (4, 165, 0.25), (4, 513, 0.05)],
)
def test_what_holds_for_a_model_that_needs_several_parts_at_once(
    num_active: int, num_samples: int | str, most_false: float
) -> None:
    """One array for all replicates would take their product for a further part, and the replicates would agree on it.

    With 129 inputs there was such a certain, heavy part in 58 % of explanations of three parts. For four parts intervals held
    in 75 %, and fidelity, which was tried on rows that had helped to choose components, was right within its error in 26 %.
    """
    held = explain(together, num_active, num_samples, range(80))
    assert held.intervals.mean() >= 0.92
    assert held.intervals[~held.have_effects].mean() >= 0.9
    assert held.false_finds <= most_false
    assert held.fidelities.mean() >= 0.85


@pytest.mark.parametrize(("kind", "num_samples"), [("parts", 257), ("parts", 1001), ("words", 257)])
def test_what_holds_for_a_model_that_bends(kind: str, num_samples: int) -> None:
    """Curves that were fitted to the rows that they correct would take a part of the weights for chance."""
    held = explain(bend, 12, num_samples, range(50), kind)
    assert held.intervals.mean() >= 0.92
    assert held.fidelities.mean() >= 0.85
