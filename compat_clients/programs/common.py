"""What the programs share: data, models, seeds, and how results are printed."""

import json
import time
from importlib.metadata import version

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

SEEDS = range(5)
CANCER, DIABETES = load_breast_cancer(as_frame=True), load_diabetes(as_frame=True)
COLUMNS = list(CANCER.data.columns[:10])
ROWS, CLASSES = CANCER.data[COLUMNS], CANCER.target
FOREST = RandomForestClassifier(30, max_depth=6, random_state=0).fit(ROWS.to_numpy(), CLASSES)
FRAME_FOREST = RandomForestClassifier(30, max_depth=6, random_state=0).fit(ROWS, CLASSES)
REGRESSION = RandomForestRegressor(30, max_depth=6, random_state=0).fit(DIABETES.data.to_numpy(), DIABETES.target)


def repeat(explain):
    """The seconds and the results of a function from a seed to results by name, for each seed; numpy's state is set, too."""
    runs, started = [], time.perf_counter()
    for seed in SEEDS:
        np.random.seed(seed)  # noqa: NPY002 - clients without a seed of their own leave lime with this one
        runs.append({str(name): float(value) for name, value in explain(seed).items()})
    return time.perf_counter() - started, runs


def report(package, **cases):
    """Print what was found on one line."""
    print()
    found = {name.replace("_", " "): repeat(explain) for name, explain in cases.items()}
    print(json.dumps({"version": version(package), "cases": found}))
