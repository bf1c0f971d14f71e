"""interpret's blackbox.LimeTabular: local explanations of rows."""

from common import CLASSES, COLUMNS, DIABETES, FRAME_FOREST, REGRESSION, ROWS, report
from interpret.blackbox import LimeTabular


def collect(explanation, count):
    found = {}
    for place in range(count):
        data = explanation.data(place)
        found |= {(place, name): score for name, score in zip(data["names"], data["scores"], strict=True)}
        found[place, "intercept"] = data["extra"]["scores"][0]
    return found


def classify(seed):
    explainer = LimeTabular(FRAME_FOREST, ROWS, random_state=seed)
    return collect(explainer.explain_local(ROWS[:2], CLASSES[:2], num_features=len(COLUMNS)), 2)


def regress(seed):
    explainer = LimeTabular(REGRESSION.predict, DIABETES.data, random_state=seed)
    return collect(explainer.explain_local(DIABETES.data[:2], DIABETES.target[:2], num_features=10), 2)


report("interpret-core", LimeTabular_of_a_classifier=classify, LimeTabular_of_a_regression=regress)
