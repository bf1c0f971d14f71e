"""
A time series
=============

Series of three shapes: a *cylinder* goes up, stays there, and comes down; a *bell* rises slowly and falls at once; a
*funnel* jumps and sinks slowly. All are noisy, and made by a formula. Where does a forest look to tell them apart?
"""

import matplotlib.pyplot as plt
from sklearn.ensemble import RandomForestClassifier

from limelight import TimeSeriesExplainer
from limelight.datasets import cylinders_bells_and_funnels

series, shapes, _ = cylinders_bells_and_funnels(300, seed=0)
names = ["cylinder", "bell", "funnel"]
plt.figure(figsize=(8, 2.2), layout="constrained")
for number, name in enumerate(names):
    plt.subplot(1, 3, number + 1, title=name)
    plt.plot(series[list(shapes).index(number)], color="#0062b2")

# %%
# Train a forest
# --------------
# It gets the 128 steps of a series as they are.
forest = RandomForestClassifier(200, random_state=0).fit(series[:200], shapes[:200])
print(f"right on {forest.score(series[200:], shapes[200:]):.0%} of the other series")

# %%
# Explain a bell
# --------------
# The series is cut into 20 segments. An absent segment shows its mean, so that its level stays and its shape goes.
explainer = TimeSeriesExplainer(class_names=names)
explanation = explainer.explain_instance(series[202], forest, labels=["bell"], num_features=5)
explanation

# %%
# The heaviest segments lie where a bell rises and where it falls. Which segments to cut is a choice.
# ``"change_points"`` cuts where the series changes its level:
by_change = TimeSeriesExplainer(class_names=names, segmentation="change_points")
by_change.explain_instance(series[202], forest, labels=["bell"], num_features=5)
