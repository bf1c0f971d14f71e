"""The demonstration: predictions of real models are explained, checked, and written as pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from limelight import ComponentsExplainer, Explanation, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.datasets import MAIL_CLASSES, Semitones, chords, cylinders_bells_and_funnels, mails
from limelight.renderers.index import Entry, save_index

__all__ = ["run"]

_INTRODUCTION = (
    "Why did the model say that? Each of these predictions was explained by asking the model about the same mail, digit or "
    "patient with some of its parts gone, and fitting a small linear model to its answers. Its weights say what counted, "
    "with error bars."
)


@dataclass(frozen=True)
class _Corpus:
    """Mails of two classes, and which of the test mails to explain."""

    name: str
    class_names: tuple[str, str]
    train: list[str]
    train_labels: list[int]
    test: list[str]
    test_labels: list[int]
    explained: int
    comment: str


def run(folder: Path) -> None:
    """Explain rows, texts, a picture, a series and a sound, print the explanations, and write a page of each and an index.

    Parameters
    ----------
    folder : Path
        The folder of the pages, which is made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for explain in (_explain_mails, _explain_digit, _explain_pulse, _explain_chord, _explain_diabetes, _explain_tumours):
        entries += explain()
    for entry in entries:
        entry.explanation.save_to_file(folder / entry.address)
    index = folder / "index.html"
    save_index(index, "limelight", _INTRODUCTION, entries)
    print(f"\nAll of them as pages, to be opened in a browser: {index}")


def _print_entry(name: str, title: str, text: str, explanation: Explanation) -> Entry:
    """Print an explanation with a text about it, and make its entry on the index."""
    print(f"\n{title}\n{'=' * len(title)}\n{fill(text, 100)}\n\n{explanation}")
    return Entry(title, text, f"{name}.html", explanation)


def _explain_tumours() -> list[Entry]:
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer()
    train, test, labels, truth = train_test_split(data.data, data.target, random_state=0)
    model = RandomForestClassifier(100, random_state=0).fit(train, labels)
    explainer = TabularExplainer(train, feature_names=data.feature_names, class_names=data.target_names)
    benign = model.predict_proba(test)[:, 1]
    surest, unsure = (
        explainer.explain_instance(test[row], model, num_features=6)
        for row in (int(np.argmin(benign)), int(np.argmin(np.abs(benign - 0.5))))
    )
    return [
        _print_entry(
            "tumour-malignant",
            "Why is this tumour malignant?",
            f"A random forest on scikit-learn's breast cancer table, 30 measurements of each cell nucleus; it is right about "
            f"{model.score(test, truth):.0%} of the rows it was not trained on. This is its surest answer. The weights say "
            f"what each measurement adds to P(benign), compared with the other tumours.",
            surest,
        ),
        _print_entry(
            "tumour-unsure",
            "Why is it not sure of this one?",
            "The same forest's least sure answer. Its page warns: near this tumour no short list of measurements says "
            "much about what the forest does.",
            unsure,
        ),
    ]


def _explain_diabetes() -> list[Entry]:
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.model_selection import train_test_split

    data = load_diabetes(scaled=False)
    train, test, targets, truth = train_test_split(data.data, data.target, random_state=0)
    model = GradientBoostingRegressor(random_state=0).fit(train, targets)
    explainer = TabularExplainer(
        train, feature_names=data.feature_names, categorical_features=["sex"], class_names=["progression"], mode="regression"
    )
    explanation = explainer.explain_instance(test[int(np.argmax(model.predict(test)))], model, num_features=5)
    entry = _print_entry(
        "diabetes-highest",
        "How will diabetes go on?",
        f"Boosted trees on scikit-learn's diabetes table predict the progression after a year, on a scale from 25 to 346 "
        f"(R2 {model.score(test, truth):.2f} on rows it was not trained on). This is the patient with the highest prediction. "
        f"The column sex holds codes, so it is a category.",
        explanation,
    )
    return [entry]


def _explain_mails() -> list[Entry]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    corpus = _load_newsgroups() or _make_club_mails()
    mail = corpus.test[corpus.explained]
    forest = RandomForestClassifier(500, random_state=0)
    model = make_pipeline(TfidfVectorizer(lowercase=False), forest).fit(corpus.train, corpus.train_labels)
    explainer = TextExplainer(class_names=corpus.class_names)
    explanation = explainer.explain_instance(mail, model, num_features=6)
    entry = _print_entry(
        "mail",
        "Why is this mail filed there?",
        f"A random forest on the words of {corpus.name}: right about {model.score(corpus.test, corpus.test_labels):.0%} of "
        f"the mails it was not trained on. {corpus.comment}",
        explanation,
    )
    _check_by_removing(model, mail, explanation)
    return [entry]


def _check_by_removing(model: Any, text: str, explanation: Explanation) -> None:
    """Remove the two heaviest words and ask the model again."""
    heaviest = explanation.as_list()[:2]
    shorter = re.sub(rf"\b({'|'.join(re.escape(word) for word, _ in heaviest)})\b", "", text)
    before, after = model.predict_proba([text, shorter])[:, 1]
    words = " and ".join(f'"{word}"' for word, _ in heaviest)
    print(
        f"\nWithout {words}, P({explanation.output_names[1]}) goes from {before:.2f} to {after:.2f}, by {after - before:+.2f}; "
        f"their weights said {-sum(weight for _, weight in heaviest):+.2f}."
    )


def _explain_digit() -> list[Entry]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    if find_spec("PIL") is None:
        print("\nA picture is explained as well where Pillow is installed: pip install 'limelight[image]'")
        return []
    data = load_digits()
    train, test, labels, truth = train_test_split(data.images / 16, data.target, random_state=0)
    classifier = SVC(gamma=0.25, C=10).fit(train.reshape(len(train), -1), labels)

    def scores(images: np.ndarray) -> np.ndarray:
        return np.asarray(classifier.decision_function(images.reshape(len(images), -1)))

    is_right = scores(test).argmax(axis=1) == truth
    ranked = np.sort(scores(test), axis=1)
    closest = int(np.where(is_right, ranked[:, -1] - ranked[:, -2], np.inf).argmin())
    explainer = ImageExplainer("pixels", fill=0, class_names=data.target_names)
    explanation = explainer.explain_instance(test[closest], scores, top_labels=2, num_features=8)
    entry = _print_entry(
        "digit",
        "Which digit is this?",
        f"A support vector machine on scikit-learn's digits, 8 x 8 pixels each, is right about {is_right.mean():.1%} of those "
        f"it was not trained on. This is the closest call of these, and what speaks for the two digits that it might be: each "
        f"superpixel is a pixel, and an absent one is blank.",
        explanation,
    )
    best, second = explanation.labels
    heaviest = [pixel for pixel, weight in explanation.as_map()[best] if weight > 0][:2]
    blank = test[closest].copy()
    blank.reshape(-1)[heaviest] = 0
    after = scores(blank[None])[0]
    print(
        f"\nWithout the two pixels that speak most for {explanation.output_names[best]}, its score goes from "
        f"{explanation.predictions[best]:.2f} to {after[best]:.2f}, and that of {explanation.output_names[second]} from "
        f"{explanation.predictions[second]:.2f} to {after[second]:.2f}."
    )
    return [entry]


def _explain_pulse() -> list[Entry]:
    from sklearn.ensemble import RandomForestClassifier

    train, labels, _ = cylinders_bells_and_funnels(300, seed=0)
    test, truth, windows = cylinders_bells_and_funnels(100, seed=1)
    model = RandomForestClassifier(200, random_state=0).fit(train, labels)
    explainer = TimeSeriesExplainer(class_names=["cylinder", "bell", "funnel"])
    chosen = int(np.abs(model.predict_proba(test)[:, 1] - 0.75).argmin())
    entry = _print_entry(
        "pulse",
        "Which shape has this pulse?",
        f"A random forest on series of 128 steps with a pulse in noise, a cylinder, a bell or a funnel (Saito 1994): right "
        f"about {model.score(test, truth):.0%} of the series it was not trained on. This is a bell that it is not sure of.",
        explainer.explain_instance(test[chosen], model, labels=[1], num_features=6),
    )
    start, stop = windows[chosen]
    print(f"\nThe pulse was made from step {start} to step {stop}.")
    return [entry]


def _explain_chord() -> list[Entry]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    (train, labels), (test, truth) = chords(200, seed=0), chords(100, seed=1)
    model = make_pipeline(FunctionTransformer(_measure_loudness), LogisticRegression(C=0.01)).fit(train, labels)
    chosen = int(model.predict_proba(test)[:, 1].argmax())
    explanation = ComponentsExplainer(class_names=["minor", "major"]).explain_instance(
        Semitones(test[chosen]), model, num_features=6
    )
    entry = _print_entry(
        "chord",
        "Is this chord major?",
        f"A logistic regression on the spectrum of chords on C in noise, right about {model.score(test, truth):.0%} of those "
        f"it was not trained on. The components are the user's own: the semitones of two octaves, each of which can be "
        f"filtered out of the sound. What tells major from minor is the third, E or D#, and its overtones.",
        explanation,
    )
    return [entry]


def _measure_loudness(sounds: np.ndarray) -> np.ndarray:
    """The logarithmic loudness of frequencies from 200 to 1200 Hz, of shape (n, 500), for sounds of shape (n, 4000)."""
    return np.asarray(np.log1p(np.abs(np.fft.rfft(sounds))[:, 100:600]))


def _load_newsgroups() -> _Corpus | None:
    """Two of the 20 newsgroups; None if scikit-learn has not downloaded them before."""
    from sklearn.datasets import fetch_20newsgroups

    groups = ["alt.atheism", "soc.religion.christian"]
    try:
        train, test = (
            fetch_20newsgroups(subset=subset, categories=groups, download_if_missing=False) for subset in ("train", "test")
        )
    except OSError:
        return None
    return _Corpus(
        name="two newsgroups, alt.atheism and soc.religion.christian",
        class_names=("atheism", "christian"),
        train=train.data,
        train_labels=train.target.tolist(),
        test=test.data,
        test_labels=test.target.tolist(),
        explained=83,
        comment="But look at what it goes by: words of the header, which have nothing to do with what the mail says.",
    )


def _make_club_mails() -> _Corpus:
    """The mails of `limelight.datasets`, in which a header line gives one class away."""
    texts, labels = mails()
    first_test = len(texts) * 3 // 4
    explained = next(i for i in range(first_test, len(texts)) if labels[i] == 1 and "Posting-Host" in texts[i])
    return _Corpus(
        name="the mails of two clubs, gardeners and stargazers",
        class_names=MAIL_CLASSES,
        train=texts[:first_test],
        train_labels=labels[:first_test],
        test=texts[first_test:],
        test_labels=labels[first_test:],
        explained=explained - first_test,
        comment="But this one, a stargazer's, came over the gardeners' mail server, and look at what the model goes by: the "
        "words of the header line that the server adds.",
    )
