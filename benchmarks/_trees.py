"""Ensembles of trees, and a logistic regression, of the breast cancer and Adult tables, fitted once."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks._data import Rows, breast_cancer
from benchmarks.frames import ADULT, adult
from limelight import TabularExplainer

__all__ = [
    "Ensemble",
    "adult_boosting",
    "adult_codes",
    "adult_xgboost",
    "cancer_boosting",
    "cancer_forest",
    "cancer_logistic",
    "has_adult",
]


class Ensemble(NamedTuple):
    """A fitted model and its training data.

    Attributes
    ----------
    name : str
    model : estimator
    rows : ndarray
    codes : list of int
        The columns that hold codes of categories.
    """

    name: str
    model: Any
    rows: Rows
    codes: list[int]

    def explainer(self, **options: Any) -> TabularExplainer:
        return TabularExplainer(self.rows, categorical_features=self.codes, **options)

    def some_rows(self, count: int) -> Rows:
        order = np.random.default_rng(2).permutation(len(self.rows))
        return self.rows[order[np.arange(count) % len(order)]]


def has_adult() -> bool:
    return ADULT.is_file()


@cache
def cancer_forest() -> Ensemble:
    rows, classes = breast_cancer()
    return Ensemble("breast cancer, forest of 100", RandomForestClassifier(100, random_state=0).fit(rows, classes), rows, [])


@cache
def cancer_boosting() -> Ensemble:
    rows, classes = breast_cancer()
    model = GradientBoostingClassifier(random_state=0).fit(rows, classes)
    return Ensemble("breast cancer, 100 boosted trees", model, rows, [])


@cache
def cancer_logistic() -> Ensemble:
    rows, classes = breast_cancer()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, classes)
    return Ensemble("breast cancer, logistic regression", model, rows, [])


@cache
def adult_codes() -> tuple[Rows, list[int], np.ndarray]:
    """Adult's columns as numbers, those of them that hold codes of texts, and whether the income is high."""
    import pandas as pd

    frame, is_high = adult()
    texts = [number for number, name in enumerate(frame) if not pd.api.types.is_numeric_dtype(frame[name])]
    columns = [pd.factorize(frame[name], sort=True)[0] if number in texts else frame[name] for number, name in enumerate(frame)]
    return np.column_stack(columns).astype(np.float64), texts, is_high


@cache
def adult_boosting() -> Ensemble:
    rows, codes, is_high = adult_codes()
    model = GradientBoostingClassifier(random_state=0).fit(rows[:5000], is_high[:5000])
    return Ensemble("Adult, 100 boosted trees", model, rows, codes)


@cache
def adult_xgboost() -> Ensemble | None:
    """500 trees of depth 6; None where XGBoost, or what reads its trees, is not installed."""
    if find_spec("xgboost") is None or find_spec("treelite") is None:
        return None
    from xgboost import XGBClassifier

    rows, codes, is_high = adult_codes()
    model = XGBClassifier(n_estimators=500, max_depth=6, learning_rate=0.1, n_jobs=1, random_state=0).fit(rows, is_high)
    return Ensemble("Adult, XGBoost, 500 trees of depth 6", model, rows, codes)
