"""Exact explanations of real models: intervals of very many perturbations hold the exact weights as often as they should."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from limelight import TabularExplainer

NUM_SAMPLES = 400_000
ROWS = 10
# A sampled weight may also differ by what single precision leaves of a model's answers.
ROUNDING = 1e-6


class Table(NamedTuple):
    """Rows of numbers, the columns among them that hold codes, and what a model is to say."""

    rows: np.ndarray
    codes: list[int]
    target: np.ndarray


def of_scikit_learn(load: Callable[..., Any]) -> Callable[[Any], Table]:
    def read(folder: Any) -> Table:  # noqa: ARG001 - it comes with scikit-learn
        rows, target = load(return_X_y=True)
        return Table(rows, [], target)

    return read


def of_file(name: str, target: str, count: int, **options: Any) -> Callable[[Any], Table]:
    @cache
    def read(folder: Any) -> Table:
        table = pd.read_csv(folder / "tabular" / name, **options)
        table = table.rename(columns=str).sample(min(count, len(table)), random_state=0).reset_index(drop=True)
        return coded(table, table.pop(target))

    return read


def coded(table: pd.DataFrame, target: pd.Series) -> Table:
    """Texts and booleans as the codes of their sorted values; what is missing stays missing."""
    columns, codes = [], []
    for number, (_, column) in enumerate(table.items()):
        if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
            columns.append(column.to_numpy(np.float64))
        else:
            codes.append(number)
            columns.append(np.where(column.isna(), np.nan, pd.factorize(column, sort=True)[0]))
    return Table(np.column_stack(columns), codes, np.asarray(target))


ADULT = (
    *(
        "age",
        "workclass",
        "fnlwgt",
        "education",
        "education-num",
        "marital-status",
        "occupation",
        "relationship",
        "race",
        "sex",
    ),
    *("capital-gain", "capital-loss", "hours-per-week", "native-country", "income"),
)

cancer, diabetes, iris, wine = map(of_scikit_learn, (load_breast_cancer, load_diabetes, load_iris, load_wine))
adult = of_file("adult.csv.gz", "income", 4000, names=ADULT, skipinitialspace=True, keep_default_na=False)
titanic = of_file(
    "titanic.csv", "survived", 891, usecols=lambda name: name not in {"alive", "class", "embark_town", "adult_male", "alone"}
)
diamonds = of_file("diamonds.csv.gz", "price", 3000)
mushroom = of_file("mushroom_data.csv.gz", "0", 1500, header=None)
german = of_file("german_processed.csv.gz", "GoodCustomer", 1000)

LOGIT = {"link": "logit"}
PAIRS = [
    (cancer, RandomForestClassifier(50, random_state=0), {}),
    (cancer, ExtraTreesClassifier(50, random_state=0), {}),
    (cancer, GradientBoostingClassifier(n_estimators=20, random_state=0), LOGIT),
    (wine, RandomForestClassifier(30, random_state=0), {}),
    (wine, DecisionTreeClassifier(random_state=0), {}),
    (iris, RandomForestClassifier(30, random_state=0), {}),
    (diabetes, RandomForestRegressor(30, random_state=0), {}),
    (diabetes, GradientBoostingRegressor(random_state=0), {}),
    (diabetes, ExtraTreesRegressor(30, random_state=0), {}),
    (diabetes, Ridge(), {}),
    (adult, RandomForestClassifier(30, random_state=0), {}),
    (adult, GradientBoostingClassifier(n_estimators=50, random_state=0), LOGIT),
    (titanic, RandomForestClassifier(30, random_state=0), {}),
    (titanic, DecisionTreeClassifier(random_state=0), {}),
    (diamonds, RandomForestRegressor(30, random_state=0), {}),
    (diamonds, GradientBoostingRegressor(random_state=0), {}),
    (mushroom, DecisionTreeRegressor(random_state=0), {}),
    (mushroom, LinearRegression(), {}),
    (german, RandomForestClassifier(30, random_state=0), {}),
    (german, LogisticRegression(max_iter=10_000), LOGIT),
]


class Count(NamedTuple):
    """How many sampled weights there are, and how many of them have the exact weight in their interval."""

    weights: int
    held: int


def compare(table: Table, model: Any, arguments: dict[str, Any], num_samples: int) -> Count:
    """Explain some rows exactly and from many perturbations, with the penalty of the exact explanation's budget."""
    target = np.unique(table.target, return_inverse=True)[1] if hasattr(model, "predict_proba") else table.target
    target = target == target.max() if table.target.dtype == object and not hasattr(model, "predict_proba") else target
    model.fit(table.rows, target)
    options = {"categorical_features": table.codes, "feature_selection": "none"}
    rows = table.rows[np.random.default_rng(0).choice(len(table.rows), ROWS, replace=False)]
    exact = TabularExplainer(table.rows, **options)
    sampled = TabularExplainer(table.rows, **options, alpha=num_samples / exact.cap, shortcuts=False)
    known = exact.explain_many(rows, model, **arguments)
    # One row at a time, to keep the memory small; the rows share their perturbations nevertheless.
    found = sampled.explain_many(rows, model, **arguments, num_samples=num_samples, chunk_size=1)
    weights = held = 0
    for one, other in zip(known, found, strict=True):
        assert one.provenance.design == "exact"
        assert other.provenance.design == "sobol"
        for surrogate, limit in zip(other.surrogates, one.surrogates, strict=True):
            assert limit.lows == limit.weights == limit.highs
            by_component = dict(zip(limit.components, limit.weights, strict=True))
            expected = np.array([by_component[component] for component in surrogate.components])
            slack = ROUNDING * max(1.0, np.abs(expected).max())
            is_held = (np.array(surrogate.lows) - slack <= expected) & (expected <= np.array(surrogate.highs) + slack)
            weights, held = weights + len(expected), held + int(is_held.sum())
    return Count(weights, held)


@pytest.mark.parametrize("start", range(0, len(PAIRS), 5))
def test_many_perturbations_agree_with_exact_weights(data_folder, start):
    """Rows of a pair share their perturbations, so that as many weights as one row has are counted as independent."""
    counts = [compare(read(data_folder), model, arguments, NUM_SAMPLES) for read, model, arguments in PAIRS[start : start + 5]]
    weights, held = map(sum, zip(*counts, strict=True))
    independent = weights // ROWS
    assert independent >= 40
    assert binom.cdf(round(independent * held / weights), independent, 0.95) > 1e-3
