"""dalex's Explainer.predict_surrogate(type="lime")."""

from common import CLASSES, DIABETES, FRAME_FOREST, REGRESSION, ROWS, report
from dalex import Explainer

CLASSIFIER = Explainer(FRAME_FOREST, ROWS, CLASSES, verbose=False)
REGRESSOR = Explainer(REGRESSION, DIABETES.data, DIABETES.target, verbose=False)


def classify(seed):
    found = CLASSIFIER.predict_surrogate(ROWS.iloc[0], random_state=seed, num_features=10)
    found.plot(return_figure=True)
    return dict(found.result.to_numpy())


def regress(seed):
    return dict(REGRESSOR.predict_surrogate(DIABETES.data.iloc[[0]], random_state=seed, num_features=10).result.to_numpy())


report("dalex", predict_surrogate_of_a_classifier=classify, predict_surrogate_of_a_regression=regress)
