"""How far to trust a list: whether intervals hold, certainties are right, and other seeds give the same list as lime's do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from lime.lime_tabular import LimeTabularExplainer
from scipy.special import ndtri

from benchmarks import frugality
from benchmarks._report import Row, Table, at_least
from benchmarks._trees import cancer_forest
from limelight import ComponentsExplainer, Explanation, TextExplainer

__all__ = ["tables"]

LISTED, MODELS, LABEL, CERTAIN = 10, 200, 1, 0.95
# Of the lists of other seeds: rows, seeds, features, and what lime asks about.
ROWS, SEEDS, FIVE, LIME_SAMPLES = 30, 20, 5, 5000
LEAST_COVERAGE, LEAST_RIGHT, LEAST_JACCARD = 0.92, 0.93, 0.95


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

    def limit(self, components: Sequence[int], law: Law, alpha_per_draw: float) -> np.ndarray:
        """The weights that a surrogate of these components tends to."""
        among_all = np.full((len(self.effects),) * 2, law.covariance)
        np.fill_diagonal(among_all, law.variance)
        listed = among_all[np.ix_(components, components)] + alpha_per_draw / law.mean_weight * np.eye(len(components))
        return np.linalg.solve(listed, among_all[list(components)] @ self.effects)


def tables() -> Iterator[Table]:
    yield from _certainty()
    yield _stability()
    yield from frugality.tables()


def _explain_text(planted: Planted, seed: int, num_samples: Any) -> Explanation:
    explainer = TextExplainer(random_state=seed)
    return explainer.explain_instance(
        " ".join(planted.names), planted.answer_texts, num_features=LISTED, num_samples=num_samples
    )


def _explain_parts(planted: Planted, seed: int, num_samples: Any) -> Explanation:
    explainer = ComponentsExplainer(random_state=seed)
    return explainer.explain_instance(planted, planted.answer, num_features=LISTED, num_samples=num_samples)


def _law_of_words(d: int, width: float) -> Law:
    present = np.arange(d)
    kernel = np.exp(-0.5 * (100 * (1 - np.sqrt(present / d)) / width) ** 2)
    return Law.of(present, np.full(d, 1 / d), kernel, d)


def _law_of_parts(d: int, width: float) -> Law:
    from scipy.stats import binom

    present = np.arange(d + 1)
    kernel = np.exp(-0.5 * ((1 - np.sqrt(present / d)) / width) ** 2)
    return Law.of(present, binom.pmf(present, d, 0.5), kernel, d)


KINDS = {"words": (_explain_text, _law_of_words, 5000), "parts": (_explain_parts, _law_of_parts, 1000)}
CASES = [
    ("words", 60, 8, 129),
    ("words", 60, 8, 513),
    ("words", 100, 8, 257),
    ("words", 60, 60, 257),
    ("parts", 50, 8, 101),
    ("parts", 50, 8, 512),
    ("parts", 30, 30, 257),
    ("parts", 30, 10, "auto"),
]


def _certainty() -> Iterator[Table]:
    held, certain = [], []
    for kind, d, num_effects, num_samples in CASES:
        explain, law_of, cap = KINDS[kind]
        nominal = cap if num_samples == "auto" else num_samples
        are_held, have_effects, tops, are_right, ranks_hold = [], [], [], [], []
        for seed in range(MODELS):
            planted = Planted(d, num_effects, seed)
            explanation = explain(planted, seed, num_samples)
            surrogate = explanation.surrogate()
            listed = list(surrogate.components)
            limit = planted.limit(listed, law_of(d, explanation.kernel_width), explanation.alpha / nominal)
            are_held.append((limit >= np.array(surrogate.lows)) & (limit <= np.array(surrogate.highs)))
            sizes = np.abs(planted.effects)
            have_effects.append(sizes[listed] > 0)
            ranks = 1 + np.argsort(np.argsort(-sizes, kind="stable"))[listed]
            tops += surrogate.top_probabilities
            are_right.append((ranks <= LISTED) & (sizes[listed] > 0))
            is_inside = (ranks >= np.array(surrogate.best_ranks)) & (ranks <= np.array(surrogate.worst_ranks))
            ranks_hold.append(is_inside[sizes[listed] > 0])
        hold, effective = np.concatenate(are_held), np.concatenate(have_effects)
        case = f"{d} {kind}, {num_effects} with effects, {num_samples} inputs"
        figures = {"all": hold.mean(), "without effect": hold[~effective].mean() if not effective.all() else np.nan}
        held.append(Row(case, {name: 100 * share for name, share in figures.items()}, hold.mean() / 0.95, None))
        said, right = np.array(tops) >= CERTAIN, np.concatenate(are_right)
        of_said = right[said].mean() if said.any() else np.nan
        shares = {
            "listed with p >= .95": said.mean(),
            "of them right": of_said,
            "ranks hold": np.concatenate(ranks_hold).mean(),
        }
        certain.append(Row(case, {name: 100 * share for name, share in shares.items()}, of_said, at_least(LEAST_RIGHT)))
    yield Table(
        name="trust, intervals",
        title=f"95 % intervals of the {LISTED} listed components that hold, in %, {MODELS} models each",
        ratio_of="all / 95 %",
        rows=held,
        notes=["The limit is known in closed form. Intervals of fixed budgets begin at two inputs a component."],
    )
    yield Table(
        name="trust, certainty",
        title="Components that are said to be among the ten heaviest, and are, in %",
        ratio_of="right / said",
        rows=certain,
    )


def _stability() -> Table:
    forest = cancer_forest()
    rows = forest.some_rows(ROWS)
    model = forest.model.predict_proba
    cases = {"sampled, defaults": {"shortcuts": False}, "exact, defaults": {}}
    found = []
    of_lime = _jaccard_over_seeds(
        [
            [
                [
                    number
                    for number, _ in LimeTabularExplainer(forest.rows, random_state=seed)
                    .explain_instance(row, model, num_features=FIVE, num_samples=LIME_SAMPLES)
                    .as_map()[LABEL]
                ]
                for seed in range(SEEDS)
            ]
            for row in rows[: ROWS // 5]
        ]
    )
    for case, options in cases.items():
        explained = [
            forest.explainer(random_state=seed, **options).explain_many(rows, forest.model, num_features=FIVE)
            for seed in range(SEEDS)
        ]
        lists = [[run[place].surrogate(LABEL).components for run in explained] for place in range(ROWS)]
        ours = _jaccard_over_seeds(lists)
        inputs = float(np.mean([explanation.num_inputs for run in explained for explanation in run]))
        figures = {"lime": of_lime, "limelight": ours, "lime's inputs": LIME_SAMPLES, "inputs": inputs}
        found.append(Row(f"breast cancer, forest of 100, {case}", figures, ours, at_least(LEAST_JACCARD)))
    return Table(
        name="trust, stability",
        title=f"Mean Jaccard similarity of the five heaviest components over {SEEDS} seeds, {ROWS} rows (lime: {ROWS // 5})",
        ratio_of="Jaccard",
        rows=found,
    )


def _jaccard_over_seeds(lists: Sequence[Sequence[Sequence[int]]]) -> float:
    """The mean over pairs of seeds and over rows."""
    return float(
        np.mean(
            [
                len({*first} & {*second}) / len({*first} | {*second})
                for of_row in lists
                for first, second in combinations(of_row, 2)
            ]
        )
    )
