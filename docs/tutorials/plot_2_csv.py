"""
From a CSV file to a report
===========================

A table as most people have it: a CSV file, a model that was trained on it, and the question why the model says what
it says. This tutorial reads the file, explains one row, then all rows that the model has not seen, and writes a
report.

The data are the wines that come with scikit-learn: thirteen measurements of wines from three growers. The first lines
only write them to a file, so that there is one to begin with.
"""

# sphinx_gallery_thumbnail_path = "gallery/tumour.png"
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

from limelight import TabularExplainer

folder = Path(mkdtemp())
wines = load_wine(as_frame=True).frame.sample(frac=1, random_state=0)
wines["grower"] = wines.pop("target").map({0: "Barolo", 1: "Grignolino", 2: "Barbera"})
wines.to_csv(folder / "wines.csv", index=False)

# %%
# Read the file and train a model
# -------------------------------
table = pd.read_csv(folder / "wines.csv")
growers = table.pop("grower")
train, test = table[:120], table[120:]
model = RandomForestClassifier(200, random_state=0).fit(train, growers[:120])
print(f"right on {model.score(test, growers[120:]):.0%} of the other wines")

# %%
# Explain one row
# ---------------
# The explainer gets the training data, from which it learns what values are usual. Names of columns and classes are
# read from the frame and the model. The weights of a forest are exact, so there are no intervals.
explainer = TabularExplainer(train, class_names=model.classes_)
explanation = explainer.explain_instance(test.iloc[0], model, num_features=5)
explanation

# %%
# Follow the advice
# -----------------
# The verdict is poor: the list follows little of what the forest does near this wine. The caution says why. The
# columns were put into bins, and the forest does much within the bins. Without bins, a weight is a slope: what one
# standard deviation more of the column does.
explainer = TabularExplainer(train, class_names=model.classes_, discretize_continuous=False)
explanation = explainer.explain_instance(test.iloc[0], model, num_features=5)
print(explanation)

# %%
# Explain all rows
# ----------------
explanations = explainer.explain_many(test, model, num_features=5)
explanations

# %%
# Every explanation has its verdict, and reasons if it is not good. The most frequent one here is that the linear model is
# further from the forest at the wine itself than its fidelity suggests (``off_at_instance``):
print(explanations.verdict_reasons())

# %%
# Write the report
# ----------------
# The report is one page that needs no network: counts, what weighs most, a few rows that show most of it, and a list
# to search. Given the true growers, it also shows which wines a model gets wrong.
report = folder / "report.html"
explanations.save_report(report, title="Wines", labels=growers[120:])
print(f"{report.name}: {report.stat().st_size // 1000} kB")

# %%
# The same explanations as a table, one row for each weight, for whatever else you want to do with them:
explanations.to_frame().head()

# %%
# The command line does the same, without a program: :doc:`/reference/command-line`.
