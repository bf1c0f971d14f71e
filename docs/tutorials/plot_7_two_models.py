"""
Choosing between two models
===========================

Two classifiers have the same score on held-out data. Which one is better? LIME's paper let people decide by
explanations. This tutorial does so with numbers: where do the two models differ by more than chance, and which of the
differences is about the right thing?
"""

# sphinx_gallery_thumbnail_path = "gallery/mail_dark.png"
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from limelight import TextExplainer
from limelight.datasets import MAIL_CLASSES, mails


def without_header(mail):
    """The mail without the line that names its server."""
    return "\n".join(line for line in mail.splitlines() if not line.startswith("Posting-Host"))


texts, labels = mails()
train, test = slice(0, 90), slice(90, 120)
careless = make_pipeline(TfidfVectorizer(lowercase=False), RandomForestClassifier(100, random_state=0))
careful = make_pipeline(
    TfidfVectorizer(lowercase=False, preprocessor=without_header), RandomForestClassifier(100, random_state=0)
)
for model in (careless, careful):
    model.fit(texts[train], labels[train])
for name, model in (("careless", careless), ("careful", careful)):
    print(f"{name}: right on {model.score(texts[test], labels[test]):.0%}")

# %%
# Compare them on one mail
# ------------------------
# Both models are asked about the same perturbations, so that chance moves both in the same way. A difference is
# marked if it is certainly more than chance.
explainer = TextExplainer(class_names=MAIL_CLASSES)
comparison = explainer.compare_models(
    texts[95], careless.predict_proba, careful.predict_proba, names=("careless", "careful"), num_features=5
)
comparison

# %%
# Compare them on many
# --------------------
first, second = (explainer.explain_many(texts[test], model.predict_proba, num_features=8) for model in (careless, careful))
for name, explanations in (("careless", first), ("careful", second)):
    heaviest = [word for word, _ in explanations.importance(by="name").as_list()[:6]]
    print(f"{name} goes by {', '.join(heaviest)}")

# %%
# What it means for new mails
# ---------------------------
# Next month the stargazers may send their mails over the gardeners' server, and the gardeners over another one. So
# swap the header lines, and ask both models again:
header = "\nPosting-Host: allotments"


def swap_header(mail):
    """The mail with the header line if it had none, and without it otherwise."""
    bare = without_header(mail)
    return bare if bare != mail else mail.replace("\n", header + "\n", 1)


swapped = [swap_header(mail) for mail in texts[test]]
for name, model in (("careless", careless), ("careful", careful)):
    print(f"{name}: right on {model.score(swapped, labels[test]):.0%}")

# %%
# Both had the same score on held-out mails. Only the comparison of their explanations told which one would keep it.
