"""Section 5.3: do explanations tell which predictions to trust?

A quarter of all words is drawn and not to be trusted. A prediction should not be trusted if it is another one without these
words. A simulated user, who sees nothing but the explanation, trusts a prediction if the explanation without these words is
on the same side of one half as the model; where an explanation has no weights, if it lists none of these words. F1 is that of
"to be trusted".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from experiments._data import Reviews
from experiments._explanations import Explainer, Listed, Question, Weighed, by_lime, by_limelight
from experiments._models import support_vectors, word_vector_forest
from experiments._plan import Plan
from experiments._tables import Check, Estimate, Row, Table
from experiments.baselines import by_chance, by_leaving_one_out, by_removing_until_it_flips, fit_windows

__all__ = ["f1_of", "should_trust", "tables", "trusts"]

SHARE = 0.25
RESAMPLES = 200
# Table 1, books.
PAPER = {
    "logistic regression": {"random": 14.6, "parzen": 84.0, "greedy": 53.7, "limelight": 96.6},
    "nearest neighbours": {"random": 14.8, "parzen": 87.6, "greedy": 47.4, "limelight": 94.5},
    "random forest": {"random": 14.7, "parzen": 94.3, "greedy": 45.0, "limelight": 96.2},
    "support vector machine": {"random": 14.7, "parzen": 92.3, "greedy": 53.3, "limelight": 96.7},
}
# Models that are the paper's own; its forest has other word vectors.
SAME = ("logistic regression", "nearest neighbours", "support vector machine")


def tables(reviews: Reviews, plan: Plan) -> Iterator[Table]:
    """F1 for each model and explainer."""
    models = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "nearest neighbours": KNeighborsClassifier(),
        "random forest": word_vector_forest(plan.trees, plan.seed),
        "support vector machine": support_vectors(),
    }
    rng = np.random.default_rng((plan.seed, 1))
    rows = reviews.test_rows[reviews.explainable(plan.documents, rng)]
    distrusted = _draw(rows.shape[1], plan.rounds, rng)
    found, suspects, credulous = [], [], []
    for case, model in models.items():
        model.fit(reviews.train_rows, reviews.train_classes)
        question = Question(reviews.vectorizer, model, rows, model.predict(rows), plan.num_samples, plan.seed)
        wanted = np.array([should_trust(model, rows, flags) for flags in distrusted])
        suspects.append(f"{case} {100 * (1 - wanted.mean()):.1f} %")
        credulous.append(f"{case} {100 * f1_of(np.ones_like(wanted), wanted).mean():.1f}")
        own = model.predict_proba(rows)[:, 1]
        of_case: dict[str, Estimate] = {}
        for name, explain in _explainers(model, reviews, plan).items():
            listed = explain(question)
            # The windows are a model of their own, and their explanation is of what they say.
            judged = [one.total for one in listed if isinstance(one, Weighed)] if name == "parzen" else own
            trusted = np.array([trusts(listed, judged, flags) for flags in distrusted])
            of_case[name] = _estimate(trusted, wanted, plan.seed)
        found.append(Row(case, of_case, PAPER[case]))
    yield Table(
        "Trust (5.3): F1 of the predictions that are to be trusted",
        found,
        (
            f"{rows.shape[0]} of {len(reviews.test)} test texts, {plan.rounds} draws of a quarter of the words. In %; errors "
            f"are over texts and draws, by bootstrap. The forest has {plan.trees} trees, and word vectors made from the "
            "training texts in place of word2vec's.",
            f"Not to be trusted: {', '.join(suspects)} of the predictions.",
            f"F1 of a user who trusts everything: {', '.join(credulous)}.",
        ),
        list(_checks(found)),
    )


def should_trust(model: Any, rows: csr_matrix, distrusted: np.ndarray) -> np.ndarray:
    """Whether the model predicts the same without the words that are not to be trusted."""
    without = rows.multiply(~distrusted).tocsr()
    without.eliminate_zeros()
    same: np.ndarray = model.predict(without) == model.predict(rows)
    return same


def trusts(listed: Sequence[Listed], probabilities: Iterable[float], distrusted: np.ndarray) -> np.ndarray:
    """Whether the simulated user trusts each prediction, given by the probability of class 1."""
    return np.array(
        [
            (one.without(distrusted) > 0.5) == (probability > 0.5) if isinstance(one, Weighed) else not one.names(distrusted)
            for one, probability in zip(listed, probabilities, strict=True)
        ],
        dtype=bool,
    )


def f1_of(trusted: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """F1 along the last axis; 0 where nothing is rightly trusted."""
    right = (trusted & wanted).sum(axis=-1)
    f1: np.ndarray = 2 * right / np.maximum(trusted.sum(axis=-1) + wanted.sum(axis=-1), 1)
    return f1


def _draw(num_words: int, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """For each round, a flag for every word: a quarter of them is not to be trusted."""
    flags = np.zeros((rounds, num_words), dtype=bool)
    for row in flags:
        row[rng.choice(num_words, int(SHARE * num_words), replace=False)] = True
    return flags


def _estimate(trusted: np.ndarray, wanted: np.ndarray, seed: int) -> Estimate:
    """The mean F1 of rounds, and how much it varies with other texts and other rounds."""
    rng = np.random.default_rng((seed, 2))
    rounds, texts = trusted.shape
    resampled = []
    for _ in range(RESAMPLES):
        chosen = np.ix_(rng.integers(rounds, size=rounds), rng.integers(texts, size=texts))
        resampled.append(f1_of(trusted[chosen], wanted[chosen]).mean())
    return Estimate(100 * float(f1_of(trusted, wanted).mean()), 100 * float(np.std(resampled, ddof=1)))


def _explainers(model: Any, reviews: Reviews, plan: Plan) -> dict[str, Explainer]:
    return {
        "random": by_chance,
        "parzen": fit_windows(model, reviews.train_rows, reviews.train_classes, seed=plan.seed, folds=5),
        "greedy": by_removing_until_it_flips,
        "leave one out": by_leaving_one_out,
        "lime": by_lime,
        "limelight": by_limelight,
    }


def _checks(rows: Sequence[Row]) -> Iterator[Check]:
    for row in rows:
        if row.case in SAME:
            yield Check(f"{row.case}, limelight beside the paper", row.found["limelight"], PAPER[row.case]["limelight"])
