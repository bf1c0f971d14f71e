"""shap's wrapper of lime: attributions of rows."""

from common import DIABETES, FOREST, REGRESSION, ROWS, report
from shap.explainers.other import LimeTabular


def classify(seed):
    explainer = LimeTabular(FOREST.predict_proba, ROWS.to_numpy(), mode="classification")
    attributions = explainer.attributions(ROWS.to_numpy()[:2])
    return {
        (label, place): value for label, of_label in enumerate(attributions) for place, value in enumerate(of_label.ravel())
    }


def regress(seed):
    explainer = LimeTabular(REGRESSION.predict, DIABETES.data.to_numpy(), mode="regression")
    return dict(enumerate(explainer.attributions(DIABETES.data.to_numpy()[:2]).ravel()))


report("shap", LimeTabular_of_a_classifier=classify, LimeTabular_of_a_regression=regress)
