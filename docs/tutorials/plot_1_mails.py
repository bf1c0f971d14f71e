"""
Why does the classifier get mails right?
========================================

A classifier tells the mails of two clubs apart, and it is nearly always right. Should you trust it? One explanation
is enough to become suspicious, and a second measurement settles it.

The story is that of LIME's paper, in which a classifier of newsgroups went by the word *Posting* of the header. The
mails here are made up, so that nothing needs to be downloaded.
"""

# sphinx_gallery_thumbnail_path = "gallery/mail.png"
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from limelight import TextExplainer
from limelight.datasets import MAIL_CLASSES, mails

texts, labels = mails()
train, test = slice(0, 90), slice(90, 120)
print(texts[95])

# %%
# Train the classifier
# --------------------
classifier = make_pipeline(TfidfVectorizer(lowercase=False), RandomForestClassifier(200, random_state=0))
classifier.fit(texts[train], labels[train])
print(f"right on {classifier.score(texts[test], labels[test]):.0%} of the mails that it has not seen")

# %%
# Explain one mail
# ----------------
# A stargazer wrote this mail, and the classifier is not sure of that. Why?
explainer = TextExplainer(class_names=MAIL_CLASSES)
explanation = explainer.explain_instance(texts[95], classifier.predict_proba, num_features=6)
explanation

# %%
# Blue words speak for *stargazers*, orange words against it. The orange ones are those of the header line, which says
# over which server the mail came. They say nothing about what the mail is about.
#
# Put it to the test
# ------------------
# The weights promise what the prediction becomes without some words. Ask the model whether that is true:
print(explainer.ask_without(texts[95], classifier.predict_proba, explanation, "Posting", "Host", "allotments"))

# %%
# It is true. So the classifier goes by the header. Mails without that line show what its score is worth:


def without_header(mail):
    """The mail without the line that names its server."""
    return "\n".join(line for line in mail.splitlines() if not line.startswith("Posting-Host"))


bare = [without_header(mail) for mail in texts[test]]
print(f"right on {classifier.score(bare, labels[test]):.0%} of the mails without the header line")

# %%
# What to do? Train without the header, and explain again. :ref:`sphx_glr__tutorials_plot_7_two_models.py` compares
# two such classifiers.
