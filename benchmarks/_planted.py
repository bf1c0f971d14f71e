"""Explanations whose limits are known: words, parts, superpixels and segments with planted effects, and rows of forests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from limelight import (
    ComponentsExplainer,
    Explanation,
    ImageExplainer,
    Surrogate,
    TabularExplainer,
    TextExplainer,
    TimeSeriesExplainer,
)

__all__ = ["CASES", "LISTED", "MODELS", "Case", "Judged"]

MODELS, LISTED = 200, 10
SIDE = 6  # superpixels along a side of an image
STEPS, SEGMENTS = 120, 30
COLUMNS, COLUMNS_OF_MODEL, ROWS_OF_TABLE, ROWS_OF_MODEL = 30, 8, 400, 10
ROUNDING_SHARE = 1e-9  # of the heaviest weight: what is less in a limit is no effect


class Law(NamedTuple):
    """How masks of d parts are weighted: the mean weight, and what all parts have as variance and covariance."""

    mean_weight: float
    variance: float
    covariance: float

    @classmethod
    def of(cls, present: np.ndarray, shares: np.ndarray, kernel: np.ndarray, d: int) -> Law:
        """From the numbers of present parts, how likely each is, and the kernel there."""
        mean_weight = float(shares @ kernel)
        weights = shares * kernel / mean_weight
        mean = weights @ present / d
        return cls(mean_weight, mean - mean**2, weights @ (present * (present - 1)) / (d * (d - 1)) - mean**2)


class Planted:
    """A model of masks whose limit is known: effects of some parts, and a number drawn for each mask, which no list follows.

    Parameters
    ----------
    d, num_effects : int
        The number of parts, and of those with an effect.
    seed : int
    """

    def __init__(self, d: int, num_effects: int, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.effects = np.zeros(d)
        self.effects[generator.permutation(d)[:num_effects]] = generator.normal(size=num_effects)
        self.names = [f"w{number}" for number in range(d)]
        self._places = {name: place for place, name in enumerate(self.names)}

    def compose(self, masks: np.ndarray) -> np.ndarray:
        return masks

    def answer(self, masks: np.ndarray) -> np.ndarray:
        masks = np.ascontiguousarray(masks, dtype=np.uint8)
        digests = [hashlib.blake2b(mask.tobytes(), digest_size=8).digest() for mask in masks]
        drawn = np.array([int.from_bytes(digest, "little") for digest in digests]) / 2.0**64
        return np.asarray(masks @ self.effects + 0.3 * ndtri(np.clip(drawn, 1e-12, 1 - 1e-12)))

    def answer_texts(self, texts: Sequence[str]) -> np.ndarray:
        masks = np.zeros((len(texts), len(self.names)), dtype=np.uint8)
        for mask, text in zip(masks, texts, strict=True):
            mask[[self._places[word] for word in text.split()]] = 1
        return self.answer(masks)

    def answer_images(self, images: np.ndarray) -> np.ndarray:
        return self.answer(np.asarray(images)[:, ::2, ::2].reshape(len(images), -1) > 0)

    def answer_series(self, series: np.ndarray) -> np.ndarray:
        return self.answer(np.asarray(series).reshape(len(series), -1)[:, :: STEPS // SEGMENTS] > 0)

    def limit(self, components: Sequence[int], law: Law, alpha_per_draw: float) -> np.ndarray:
        """The weights that a surrogate of these components tends to."""
        among_all = np.full((len(self.effects),) * 2, law.covariance)
        np.fill_diagonal(among_all, law.variance)
        listed = among_all[np.ix_(components, components)] + alpha_per_draw / law.mean_weight * np.eye(len(components))
        return np.linalg.solve(listed, among_all[list(components)] @ self.effects)


class Judged(NamedTuple):
    """What is right of a list of c components, each of shape (c,).

    Attributes
    ----------
    held : ndarray of bool
        Whether the interval holds the limit.
    has_effect : ndarray of bool
        Whether the component has an effect at all.
    tops : ndarray
        How likely it is said to be among the heaviest.
    is_top : ndarray of bool
        Whether it is.
    ranks_hold : ndarray of bool
        Whether its rank is where it is said to be.
    """

    held: np.ndarray
    has_effect: np.ndarray
    tops: np.ndarray
    is_top: np.ndarray
    ranks_hold: np.ndarray


def _judge(surrogate: Surrogate, limit: np.ndarray, sizes: np.ndarray) -> Judged:
    """Hold a list against the limit of its weights, (c,), and the sizes of all d effects, which give the true ranks."""
    listed = list(surrogate.components)
    ranks = 1 + np.argsort(np.argsort(-sizes, kind="stable"))[listed]
    has_effect = sizes[listed] > ROUNDING_SHARE * sizes.max()
    return Judged(
        held=(limit >= np.array(surrogate.lows)) & (limit <= np.array(surrogate.highs)),
        has_effect=has_effect,
        tops=np.array(surrogate.top_probabilities),
        is_top=(ranks <= len(listed)) & has_effect,
        ranks_hold=(ranks >= np.array(surrogate.best_ranks)) & (ranks <= np.array(surrogate.worst_ranks)),
    )


class Case(NamedTuple):
    """A group of explanations of one kind: its name, and how to get what is right of each."""

    name: str
    judge_all: Callable[[], Iterator[Judged]]


def _law_of_words(d: int, width: float) -> Law:
    present = np.arange(d)
    kernel = np.exp(-0.5 * (100 * (1 - np.sqrt(present / d)) / width) ** 2)
    return Law.of(present, np.full(d, 1 / d), kernel, d)


def _law_of_parts(d: int, width: float) -> Law:
    present = np.arange(d + 1)
    kernel = np.exp(-0.5 * ((1 - np.sqrt(present / d)) / width) ** 2)
    return Law.of(present, binom.pmf(present, d, 0.5), kernel, d)


def _explain_text(planted: Planted, seed: int, **arguments: Any) -> Explanation:
    return TextExplainer(random_state=seed).explain_instance(" ".join(planted.names), planted.answer_texts, **arguments)


def _explain_parts(planted: Planted, seed: int, **arguments: Any) -> Explanation:
    return ComponentsExplainer(random_state=seed).explain_instance(planted, planted.answer, **arguments)


def _explain_image(planted: Planted, seed: int, **arguments: Any) -> Explanation:
    superpixels = np.kron(np.arange(SIDE**2).reshape(SIDE, SIDE), np.ones((2, 2), dtype=np.int64))
    image = np.full((2 * SIDE, 2 * SIDE), 255, dtype=np.uint8)
    explainer = ImageExplainer(lambda _: superpixels, 0, random_state=seed)
    return explainer.explain_instance(image, planted.answer_images, **arguments)


def _explain_series(planted: Planted, seed: int, **arguments: Any) -> Explanation:
    explainer = TimeSeriesExplainer(lambda _: np.arange(STEPS) // (STEPS // SEGMENTS), 0.0, random_state=seed)
    return explainer.explain_instance(np.ones(STEPS), planted.answer_series, **arguments)


# How to explain, the law of the masks, and the number of draws that the penalty is meant for with "auto".
_KINDS: dict[str, tuple[Callable[..., Explanation], Callable[[int, float], Law], int]] = {
    "words": (_explain_text, _law_of_words, 5000),
    "parts": (_explain_parts, _law_of_parts, 1000),
    "superpixels": (_explain_image, _law_of_parts, 1000),
    "segments": (_explain_series, _law_of_parts, 1000),
}


def _of_masks(kind: str, d: int, num_effects: int, num_samples: int | str) -> Case:
    """Explanations of masks with planted effects."""
    explain, law_of, cap = _KINDS[kind]
    nominal = cap if isinstance(num_samples, str) else num_samples

    def judge_all() -> Iterator[Judged]:
        for seed in range(MODELS):
            planted = Planted(d, num_effects, seed)
            explanation = explain(planted, seed, num_features=LISTED, num_samples=num_samples)
            surrogate = explanation.surrogate()
            law = law_of(d, explanation.kernel_width)
            limit = planted.limit(list(surrogate.components), law, explanation.alpha / nominal)
            yield _judge(surrogate, limit, np.abs(planted.effects))

    return Case(f"{d} {kind}, {num_effects} with effects, {num_samples} inputs", judge_all)


def _of_rows(what: str, num_samples: int | str) -> Case:
    """Rows as black boxes, of models that read some columns; the limit is the exact explanation with the same penalty."""

    def judge_all() -> Iterator[Judged]:
        for seed in range(MODELS // ROWS_OF_MODEL):
            yield from _judge_rows(what, seed, num_samples)

    return Case(f"rows, {COLUMNS} columns, {what} of {COLUMNS_OF_MODEL}, {num_samples} inputs", judge_all)


def _judge_rows(what: str, seed: int, num_samples: int | str) -> Iterator[Judged]:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(ROWS_OF_TABLE, COLUMNS))
    read = generator.permutation(COLUMNS)[:COLUMNS_OF_MODEL]
    known = np.zeros_like(rows)
    known[:, read] = rows[:, read]
    target = rows[:, read] @ generator.normal(size=COLUMNS_OF_MODEL) + rows[:, read[0]] * rows[:, read[1]]
    if what == "line":
        model = LinearRegression().fit(known, target)
        model.coef_[np.setdiff1d(np.arange(COLUMNS), read)] = 0.0
    else:
        model = RandomForestRegressor(10, max_depth=6, random_state=seed).fit(known, target)
    nominal = TabularExplainer.cap if isinstance(num_samples, str) else num_samples
    options: dict[str, Any] = {"random_state": seed, "discretize_continuous": what != "line"}
    exact = TabularExplainer(rows, alpha=TabularExplainer.cap / nominal, **options)
    sampled = TabularExplainer(rows, shortcuts=False, **options)
    some = rows[:ROWS_OF_MODEL]
    limits = exact.explain_many(some, model, num_features=COLUMNS)
    explained = sampled.explain_many(some, model.predict, num_features=LISTED, num_samples=num_samples)
    for limit, explanation in zip(limits, explained, strict=True):
        assert limit.is_exact
        assert not explanation.is_exact
        weights = np.zeros(COLUMNS)
        weights[list(limit.surrogate().components)] = limit.surrogate().weights
        surrogate = explanation.surrogate()
        yield _judge(surrogate, weights[list(surrogate.components)], np.abs(weights))


CASES = (
    _of_masks("words", 60, 8, 129),
    _of_masks("words", 60, 8, 513),
    _of_masks("words", 100, 8, 257),
    _of_masks("words", 60, 60, 257),
    _of_masks("words", 30, 10, "auto"),
    _of_masks("parts", 50, 8, 101),
    _of_masks("parts", 50, 8, 512),
    _of_masks("parts", 30, 30, 257),
    _of_masks("parts", 30, 10, "auto"),
    _of_masks("superpixels", 36, 8, 73),
    _of_masks("superpixels", 36, 8, 512),
    _of_masks("superpixels", 36, 8, "auto"),
    _of_masks("segments", 30, 8, 61),
    _of_masks("segments", 30, 8, 512),
    _of_masks("segments", 30, 8, "auto"),
    _of_rows("forest", 61),
    _of_rows("forest", 257),
    _of_rows("forest", "auto"),
    _of_rows("line", 61),
)
