"""What every explainer gets and gives: rows of words with a model's predictions, and the words that it lists for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from lime.lime_text import LimeTextExplainer
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from experiments._data import rows_of
from limelight import Explanation, Explanations, TextExplainer

__all__ = [
    "NUM_FEATURES",
    "Explainer",
    "Listed",
    "Question",
    "Weighed",
    "ask_limelight",
    "by_lime",
    "by_limelight",
    "by_limelight_at_limes",
    "read",
]

# What the paper calls K.
NUM_FEATURES = 10
LIME_DEFAULT = 5000


@dataclass(frozen=True)
class Question:
    """Predictions to be explained.

    Attributes
    ----------
    vectorizer : CountVectorizer
        Names the columns.
    model : object
        A classifier of rows with ``predict_proba``.
    rows : csr_matrix
        The rows to be explained, ones and zeros, at least one one in each.
    classes : ndarray
        The class of each row that a search for words starts from.
    num_samples : int or None
        How many perturbations lime and limelight use; None for their own defaults.
    seed : int
        What random numbers are made from.
    """

    vectorizer: CountVectorizer
    model: Any
    rows: csr_matrix
    classes: np.ndarray
    num_samples: int | None = None
    seed: int = 0

    def columns(self) -> list[np.ndarray]:
        """The columns of each row's words, sorted."""
        rows = self.rows
        return [np.sort(rows.indices[start:end]) for start, end in zip(rows.indptr, rows.indptr[1:], strict=False)]


@dataclass(frozen=True)
class Listed:
    """The words that an explanation lists, by their columns; some explainers say no more."""

    columns: np.ndarray

    def names(self, distrusted: np.ndarray) -> bool:
        """Whether a word is listed that is not to be trusted, of a flag for every column."""
        return bool(distrusted[self.columns].any())


@dataclass(frozen=True)
class Weighed(Listed):
    """The same with weights, and what the explanation as a whole says for the row: the probability of class 1.

    `num_inputs` is how many perturbations the model was asked about, where that is a choice.
    """

    weights: np.ndarray
    total: float
    num_inputs: int | None = None

    def without(self, distrusted: np.ndarray) -> float:
        """What the explanation says once the words that are not to be trusted are gone."""
        return float(self.total - self.weights[distrusted[self.columns]].sum())


Explainer = Callable[[Question], Sequence[Listed]]


def ask_limelight(question: Question) -> Explanations:
    """limelight's explanations, with its defaults but for the number of perturbations where one is wanted."""
    return TextExplainer(random_state=question.seed).explain_many(
        _texts(question),
        make_pipeline(question.vectorizer, question.model),
        labels=1,
        num_features=NUM_FEATURES,
        num_samples="auto" if question.num_samples is None else question.num_samples,
    )


def read(explanations: Explanations, vectorizer: CountVectorizer) -> list[Listed]:
    """limelight's explanations in the form that all explainers share."""
    column_of = vectorizer.vocabulary_
    listed: list[Listed] = []
    for explanation in explanations:
        assert isinstance(explanation, Explanation)  # a failure would have ended the call
        pairs = explanation.as_list(label=1)
        columns = np.array([column_of[word] for word, _ in pairs])
        weights = np.array([weight for _, weight in pairs])
        listed.append(Weighed(columns, weights, explanation.surrogate(1).local_prediction, explanation.num_inputs))
    return listed


def by_limelight(question: Question) -> list[Listed]:
    return read(ask_limelight(question), question.vectorizer)


def by_limelight_at_limes(question: Question) -> list[Listed]:
    """limelight's explanations from as many perturbations as lime uses."""
    return by_limelight(replace(question, num_samples=question.num_samples or LIME_DEFAULT))


def by_lime(question: Question) -> list[Listed]:
    """lime's explanations, with its defaults likewise."""
    column_of = question.vectorizer.vocabulary_
    num_samples = question.num_samples or LIME_DEFAULT

    def predict(texts: Sequence[str]) -> Any:
        # What the vectorizer would make of the texts, whose words are all known to it, in a tenth of its time.
        found = [np.sort(np.array([column_of[word] for word in text.split()], dtype=int)) for text in texts]
        return question.model.predict_proba(rows_of(found, question.rows.shape[1]))

    listed: list[Listed] = []
    for text in _texts(question):
        explainer = LimeTextExplainer(random_state=question.seed)
        explanation = explainer.explain_instance(text, predict, labels=(1,), num_features=NUM_FEATURES, num_samples=num_samples)
        pairs = explanation.as_list(label=1)
        weights = np.array([weight for _, weight in pairs])
        columns = np.array([column_of[word] for word, _ in pairs])
        listed.append(Weighed(columns, weights, float(explanation.intercept[1] + weights.sum()), num_samples))
    return listed


def _texts(question: Question) -> list[str]:
    """Each row's words as a text: those that the model knows, once each, as the paper's rows have them."""
    words = question.vectorizer.get_feature_names_out()
    return [" ".join(words[columns]) for columns in question.columns()]
