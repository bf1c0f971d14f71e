"""lime-stability: a subclass of LimeTabularExplainer with a LimeBase of its own, which computes stability indices."""

from common import COLUMNS, FOREST, ROWS, report
from lime_stability.stability import LimeTabularExplainerOvr


def indices(seed):
    explainer = LimeTabularExplainerOvr(ROWS.to_numpy(), feature_names=COLUMNS, random_state=seed, discretize_continuous=False)
    csi, vsi = explainer.check_stability(ROWS.to_numpy()[0], FOREST.predict_proba, n_calls=5, num_features=4)
    return {"coefficients": csi, "variables": vsi}


def weights(seed):
    explainer = LimeTabularExplainerOvr(ROWS.to_numpy(), feature_names=COLUMNS, random_state=seed)
    return dict(explainer.explain_instance(ROWS.to_numpy()[0], FOREST.predict_proba).local_exp[1])


report("lime-stability", check_stability=indices, weights=weights)
