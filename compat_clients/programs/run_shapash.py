"""shapash's LimeBackend: contributions of rows."""

from common import DIABETES, FRAME_FOREST, ROWS, report
from shapash.backend.lime_backend import LimeBackend
from sklearn.ensemble import RandomForestRegressor

REGRESSION = RandomForestRegressor(20, max_depth=5, random_state=0).fit(DIABETES.data, DIABETES.target)


def collect(backend, rows):
    contributions = backend.run_explainer(rows)["contributions"]
    frames = contributions if isinstance(contributions, list) else [contributions]
    return {
        (label, row, column): frame.loc[row, column]
        for label, frame in enumerate(frames)
        for row in frame.index
        for column in frame.columns
    }


def classify(seed):
    return collect(LimeBackend(FRAME_FOREST, data=ROWS), ROWS[:2])


def regress(seed):
    return collect(LimeBackend(REGRESSION, data=DIABETES.data), DIABETES.data[:2])


report("shapash", LimeBackend_of_a_classifier=classify, LimeBackend_of_a_regression=regress)
