"""What the paper compares LIME with: words at random, the gradient of Parzen windows, words removed one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.base import clone
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import cross_val_predict

from experiments._data import rows_of
from experiments._explanations import NUM_FEATURES, Explainer, Listed, Question, Weighed

__all__ = ["SIGMAS", "by_chance", "by_leaving_one_out", "by_removing", "by_removing_until_it_flips", "fit_windows"]

# The widths of the windows that the paper's authors tried.
SIGMAS = (0.1, 0.25, 0.5, 0.75, *range(1, 11))
BATCH = 4096


def by_chance(question: Question) -> list[Listed]:
    """Words of the row at random, with replacement as in the paper's program: fewer than ten different ones as a rule."""
    rng = np.random.default_rng(question.seed)
    return [Listed(np.unique(rng.choice(columns, NUM_FEATURES))) for columns in question.columns()]


def by_leaving_one_out(question: Question) -> list[Listed]:
    """The words whose removal, alone, changes the probability most; their weights are these changes."""
    own = question.model.predict_proba(question.rows)[:, 1]
    present = question.columns()
    listed: list[Listed] = []
    for columns, probability, without in zip(present, own, _without_each(question, present, 1), strict=True):
        changes = probability - without
        heaviest = np.argsort(-np.abs(changes), kind="stable")[:NUM_FEATURES]
        listed.append(Weighed(columns[heaviest], changes[heaviest], float(probability)))
    return listed


def by_removing(question: Question) -> list[Listed]:
    """Greedy: remove the word that lowers the probability of the row's class most, ten times; stop where all would raise it."""
    return _remove(question, stops_below=-np.inf)


def by_removing_until_it_flips(question: Question) -> list[Listed]:
    """The same, until the class is no longer predicted: Martens and Provost (2014)."""
    return _remove(question, stops_below=0.5)


def fit_windows(model: Any, rows: csr_matrix, classes: np.ndarray, *, seed: int, folds: int) -> Explainer:
    """Parzen windows that imitate a kind of model: weights are the gradient of their probability.

    The windows see what the model says of rows that it was not trained on. Their width is the one with which windows of 80 % of
    the rows agree best with the model about the other 20 %.
    """
    order = np.random.default_rng(seed).permutation(rows.shape[0])
    first, second = np.split(order, [int(0.8 * len(order))])
    fitted = clone(model).fit(rows[first], classes[first])
    imitated, wanted = fitted.predict(rows[first]), fitted.predict(rows[second])
    squares = euclidean_distances(rows[second], rows[first], squared=True)
    agreements = [np.mean((_shares(squares, sigma) @ (imitated == 1) > 0.5) == (wanted == 1)) for sigma in SIGMAS]
    sigma = SIGMAS[int(np.argmax(agreements))]
    ones = cross_val_predict(clone(model), rows, classes, cv=folds) == 1

    by_column = csc_matrix(rows)

    def explain(question: Question) -> list[Listed]:
        shares = _shares(euclidean_distances(question.rows, rows, squared=True), sigma)
        listed: list[Listed] = []
        for columns, share in zip(question.columns(), shares, strict=True):
            # How far each window lies from the row in the columns of the row's words, where the row has a one.
            steps = by_column[:, columns].toarray() - 1.0
            one = share[ones].sum()
            gradient = ((1 - one) * (share[ones] @ steps[ones]) - one * (share[~ones] @ steps[~ones])) / sigma**2
            heaviest = np.argsort(-np.abs(gradient), kind="stable")[:NUM_FEATURES]
            listed.append(Weighed(columns[heaviest], gradient[heaviest], float(one)))
        return listed

    return explain


def _shares(squares: np.ndarray, sigma: float) -> np.ndarray:
    """The part that each window has in the sum of all, from squared distances; the nearest counts even if all are far."""
    windows = np.exp(-0.5 * (squares - squares.min(axis=1, keepdims=True)) / sigma**2)
    shares: np.ndarray = windows / windows.sum(axis=1, keepdims=True)
    return shares


def _remove(question: Question, stops_below: float) -> list[Listed]:
    """Greedy removal for all rows side by side, so that the model is asked once for each step."""
    present = question.columns()
    removed: list[list[int]] = [[] for _ in present]
    own = question.model.predict_proba(question.rows)
    scores = np.array([probabilities[label] for probabilities, label in zip(own, question.classes, strict=True)])
    going = set(range(len(present)))
    for _ in range(NUM_FEATURES):
        rows = [i for i in sorted(going) if len(present[i])]
        if not rows:
            break
        answers = _without_each(question, [present[i] for i in rows], question.classes[rows])
        for i, without in zip(rows, answers, strict=True):
            best = int(np.argmin(without))  # the first of several, as in the paper's program
            if without[best] > scores[i]:
                going.remove(i)
                continue
            removed[i].append(int(present[i][best]))
            present[i] = np.delete(present[i], best)
            scores[i] = without[best]
            if scores[i] < stops_below:
                going.remove(i)
    return [Listed(np.array(columns, dtype=int)) for columns in removed]


def _without_each(question: Question, present: list[np.ndarray], labels: int | np.ndarray) -> list[np.ndarray]:
    """For each row, the probability of its label without each of its words."""
    lacking = (np.delete(columns, i) for columns in present for i in range(len(columns)))
    labels = np.broadcast_to(labels, len(present))
    asked = np.repeat(labels, [len(columns) for columns in present])
    answers = np.concatenate([np.empty((0, 2)), *_predict(question, lacking)])
    return np.split(answers[np.arange(len(asked)), asked], np.cumsum([len(columns) for columns in present])[:-1])


def _predict(question: Question, rows: Iterable[np.ndarray]) -> Iterable[Any]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield question.model.predict_proba(rows_of(batch, question.rows.shape[1]))
