"""
Many rows, and the few that show most
=====================================

One explanation is about one row. To learn how a model works, look at many. limelight explains a whole table at once,
says which columns weigh most, and picks the few rows that together show most of what the model goes by (SP-LIME).
"""

from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

from limelight import TabularExplainer

data = load_diabetes(scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(data.data[:342], data.target[:342])

explainer = TabularExplainer(
    data.data[:342], feature_names=data.feature_names, categorical_features=["sex"], class_names=["progression"]
)
explanations = explainer.explain_many(data.data[342:], model, num_features=4)
print(explanations)

# %%
# What weighs most
# ----------------
# The importance of a column is the mean of its absolute weights. Its interval says how far it would move with other
# patients of the same kind.
importance = explanations.importance()
importance.plot()

# %%
# Which rows to read
# ------------------
# Each explanation lists the bins of four columns. The picked rows are those whose lists together cover most of what
# weighs; ``covered`` is the share.
pick = explanations.pick(4)
pick

# %%
# The first of them in full:
explanations[pick.positions[0]]

# %%
# As a table
# ----------
# One row for each patient and one column for each feature:
explanations.to_wide_frame().head()
