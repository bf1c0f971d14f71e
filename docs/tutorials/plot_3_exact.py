"""
Exact weights of a forest
=========================

LIME draws perturbations, so its weights have an error. For forests, boosted trees and linear models the weights that
infinitely many perturbations would give can be computed. limelight does so if it is given the fitted estimator. This
tutorial shows that sampling approaches these weights, and how slowly.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from limelight import TabularExplainer

cancer = load_breast_cancer()
forest = RandomForestClassifier(50, random_state=0).fit(cancer.data[:400], cancer.target[:400])
row = cancer.data[420]

explainer = TabularExplainer(
    cancer.data[:400], feature_names=cancer.feature_names, class_names=cancer.target_names, feature_selection="none"
)
exact = explainer.explain_instance(row, forest)
print(f"exact: {exact.is_exact}; {exact.num_inputs} model inputs")

# %%
# All thirty columns have a weight here, because ``feature_selection="none"`` reports every one of them.
#
# Now sample
# ----------
# ``shortcuts=False`` treats the forest as a black box. The error of all weights, relative to the exact ones, shrinks
# with the number of model inputs:


def weights(explanation):
    """The weights of all columns, in the columns' order."""
    return np.array([weight for _, weight in sorted(explanation.as_map()[1])])


sizes = [256, 512, 1024, 2048, 4096, 8192]
errors = []
for size in sizes:
    squares = []
    for seed in range(3):
        sampling = TabularExplainer(
            cancer.data[:400], feature_names=cancer.feature_names, feature_selection="none", shortcuts=False, random_state=seed
        )
        sampled = sampling.explain_instance(row, forest, num_samples=size)
        squares.append(np.sum((weights(sampled) - weights(exact)) ** 2))
    errors.append(np.sqrt(np.mean(squares)) / np.linalg.norm(weights(exact)))
for size, error in zip(sizes, errors, strict=True):
    print(f"{size:5} inputs: error {error:.1%}")

# %%
# On axes of powers, the errors fall on a line:
figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.loglog(sizes, errors, "o-", color="#0062b2")
axes.set_xlabel("model inputs")
axes.set_ylabel("relative error of the weights")
axes.grid(alpha=0.3)
plt.show()

# %%
# The exact weights need none of this. :doc:`/exact` has the derivation, and the list of models for which it works.
