"""Rows of a table: time outside the model, at 5000 perturbations on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lime.lime_tabular import LimeTabularExplainer

from benchmarks._data import PredictProba, Rows, breast_cancer, forest, gaussian_columns, logistic, one_product
from benchmarks._report import Row, Table, Target, at_least
from benchmarks._timing import TimedModel, cost_of_explaining, costs_in_turn, median_cost, rounds_of
from limelight import TabularExplainer

__all__ = ["tables"]

NUM_SAMPLES = 5000
FRESH_EXPLAINERS = 3


@dataclass(frozen=True)
class Case:
    """A table with its model, how short the explanation is, and how often lime is timed."""

    name: str
    training_data: Rows
    predict: PredictProba
    num_features: int
    target: Target
    rounds: int


def tables() -> Iterator[Table]:
    """Compare the later explanations of one explainer; the first one, which draws what all rows share, stands apart."""
    yield Table(
        name="tables",
        title=f"Rows of a table, num_samples={NUM_SAMPLES}: ms of CPU time, outside the model and inside it",
        ratio_of="lime / limelight",
        rows=list(map(_compare, _cases())),
        notes=["first: the first explanation of a fresh limelight explainer, outside the model; all else is of later ones."],
    )


def _cases() -> Iterator[Case]:
    patients, _ = breast_cancer()
    models = {"one product": one_product(patients), "logistic regression": logistic(), "random forest": forest()}
    for name, predict in models.items():
        yield Case(f"breast cancer, {name}, 10 features", patients, predict, 10, at_least(25), rounds=7)
        yield Case(f"breast cancer, {name}, 5 features", patients, predict, 5, at_least(150), rounds=5)
    wide = gaussian_columns(300)
    yield Case("300 columns, one product, 10 features", wide, one_product(wide), 10, at_least(15), rounds=5)
    yield Case("300 columns, one product, 5 features", wide, one_product(wide), 5, at_least(100), rounds=3)


def _compare(case: Case) -> Row:
    model = TimedModel(case.predict)
    arguments = {"num_features": case.num_features, "num_samples": NUM_SAMPLES}
    lime = LimeTabularExplainer(case.training_data, random_state=0)
    limelight = TabularExplainer(case.training_data)
    order = np.random.default_rng(2).permutation(len(case.training_data))
    rounds = rounds_of(case.training_data[order], count=case.rounds, size=5)
    slow, fast = costs_in_turn(lime, limelight, rounds, model, **arguments)
    fresh = [TabularExplainer(case.training_data) for _ in range(FRESH_EXPLAINERS)]
    first = median_cost([cost_of_explaining(explainer, rounds[0][0], model, **arguments) for explainer in fresh])
    return Row(
        case=case.name,
        figures={
            "lime": slow.outside,
            "lime's model": slow.model,
            "limelight": fast.outside,
            "limelight's model": fast.model,
            "first": first.outside,
        },
        ratio=slow.outside / fast.outside,
        target=case.target,
    )
