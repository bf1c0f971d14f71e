"""Programs written for lime: the same calls, with lime's defaults, through lime and through limelight.compat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from lime.lime_image import LimeImageExplainer as LimesImages
from lime.lime_tabular import LimeTabularExplainer as LimesTables
from lime.lime_text import LimeTextExplainer as LimesTexts

from benchmarks._data import Rows, breast_cancer, forest, logistic, one_product, photograph, text_pipeline, texts_of
from benchmarks._report import Row, Table, Target, at_least
from benchmarks._timing import TimedModel, cost_of_explaining, costs_in_turn, median_cost, rounds_of
from limelight.compat.lime_image import LimeImageExplainer
from limelight.compat.lime_tabular import LimeTabularExplainer
from limelight.compat.lime_text import LimeTextExplainer

__all__ = ["tables"]

IMAGE_SIZE = 299
RATIO = "lime / compat"


def tables() -> Iterator[Table]:
    """Both doors get the same arguments."""
    patients, _ = breast_cancer()
    yield Table(
        name="compat tables",
        title="breast cancer, one product: ms of CPU time outside the model",
        ratio_of=RATIO,
        rows=[_compare_rows(one_product(patients), 10, at_least(15)), _compare_rows(one_product(patients), 5, at_least(100))],
        notes=["Rows share what is drawn; a seed of its own for every row is in the last table."],
    )
    yield Table(
        name="compat methods",
        title="breast cancer, an estimator's own predict_proba: ms of CPU time of the whole call",
        ratio_of=RATIO,
        rows=[
            _compare_rows(method, num_features, None, name)
            for name, method in (("logistic regression", logistic()), ("random forest", forest()))
            for num_features in (10, 5)
        ],
        notes=[
            "A forest is explained exactly; a logistic regression's log-odds, known exactly, take chance out of the weights."
        ],
    )
    yield Table(
        name="compat texts",
        title="Texts of 50 and 200 words, TF-IDF + logistic regression, its own predict_proba: ms of CPU time, whole call",
        ratio_of=RATIO,
        rows=[_compare_texts(words, num_features) for words in (50, 200) for num_features in (10, 6)],
    )
    yield Table(
        name="compat images",
        title=f"{IMAGE_SIZE} x {IMAGE_SIZE} x 3, uint8: ms of CPU time of the whole call",
        ratio_of=RATIO,
        rows=[_compare_images("quickshift, lime's default"), _compare_images("squares", _squares)],
        notes=["Quickshift takes half a second on both sides."],
    )
    yield Table(
        name="compat seeds",
        title="breast cancer, one product, 10 features, another seed for every row: ms of CPU time outside the model",
        ratio_of=RATIO,
        rows=[_compare_fresh_seeds()],
    )


def _rounds(rows: Rows, count: int) -> Sequence[Sequence[Any]]:
    return rounds_of(rows[np.random.default_rng(2).permutation(len(rows))], count=count, size=5)


def _compare_rows(predict: Any, num_features: int, target: Target | None, name: str = "one product") -> Row:
    """A function is timed apart; a method must come as it is."""
    patients, _ = breast_cancer()
    model = TimedModel(predict) if target else predict
    pair = LimesTables(patients, random_state=0), LimeTabularExplainer(patients, random_state=0)
    slow, fast = costs_in_turn(*pair, _rounds(patients, 5), model, num_features=num_features)
    return _row(f"{name}, {num_features} features", slow.outside, fast.outside, target)


def _compare_texts(words: int, num_features: int) -> Row:
    model = text_pipeline("logistic regression").predict_proba
    pair = LimesTexts(random_state=0), LimeTextExplainer(random_state=0)
    slow, fast = costs_in_turn(*pair, rounds_of(texts_of(words), count=4, size=2), model, num_features=num_features)
    return _row(f"{words} distinct words, {num_features} features", slow.total, fast.total, at_least(10))


def _brightness(images: Rows) -> Rows:
    upper = images[:, ::8, ::8].mean(axis=(1, 2, 3)) / 255
    return np.column_stack([1 - upper, upper])


def _squares(image: Rows) -> Rows:
    places = np.arange(IMAGE_SIZE) // 40
    return places[:, None] * 8 + places + np.zeros(image.shape[:2], dtype=int)


def _compare_images(name: str, segmentation: Callable[[Rows], Rows] | None = None) -> Row:
    rounds = [[photograph("chelsea", IMAGE_SIZE)] * 2] * 3
    pair = LimesImages(random_state=0), LimeImageExplainer(random_state=0)
    slow, fast = costs_in_turn(*pair, rounds, _brightness, segmentation_fn=segmentation)
    return _row(name, slow.total, fast.total, at_least(5))


def _compare_fresh_seeds() -> Row:
    patients, _ = breast_cancer()
    model = TimedModel(one_product(patients))

    def cost(make: Callable[..., Any]) -> float:
        explainer, costs = make(patients, random_state=0), []
        for seed, row in enumerate(patients[:12]):
            explainer.random_state.seed(seed)
            costs.append(cost_of_explaining(explainer, row, model))
        return median_cost(costs[1:]).outside

    return _row("10 features", cost(LimesTables), cost(LimeTabularExplainer), None)


def _row(case: str, slow: float, fast: float, target: Target | None) -> Row:
    return Row(case, {"lime": slow, "compat": fast}, slow / fast, target)
