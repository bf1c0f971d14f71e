"""The classifiers of the paper, of rows that say which words a text has."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC

__all__ = ["WordVectors", "fit_sparse_logistic_regression", "support_vectors", "word_vector_forest"]

# Of word vectors: the paper's, word2vec's of a large corpus, have 300.
DIMENSIONS = 100


def fit_sparse_logistic_regression(rows: csr_matrix, classes: np.ndarray, most: int) -> LogisticRegression:
    """Logistic regression with so strong an L1 penalty that no row has more than `most` words with a coefficient.

    The first of C = .1, .09, ..., .01 that gives this, or the last one, as in the paper's program.
    """
    # The name of the penalty changed with scikit-learn 1.8; the old versions would take the new name for L2 with a warning.
    is_old = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8)
    penalty: dict[str, Any] = {"penalty": "l1"} if is_old else {"l1_ratio": 1.0}
    for hundredth in range(10, 0, -1):
        model = LogisticRegression(**penalty, C=hundredth / 100, solver="liblinear", random_state=1).fit(rows, classes)
        if rows[:, model.coef_[0] != 0].getnnz(axis=1).max(initial=0) <= most:
            break
    return model


class _Nearness(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A row's Gaussian kernel with each training row."""

    def __init__(self, gamma: float = 1.0) -> None:
        self.gamma = gamma

    def fit(self, rows: csr_matrix, classes: object = None) -> _Nearness:
        del classes
        self.rows_ = rows
        return self

    def transform(self, rows: csr_matrix) -> Any:
        return rbf_kernel(rows, self.rows_, gamma=self.gamma)


def support_vectors() -> Pipeline:
    """The paper's support vector machine: a Gaussian kernel, C = 10, gamma = .001, probabilities by Platt's method.

    The kernel is a matrix product of sparse rows, which takes a tenth of the time that libsvm's own takes.
    """
    machine = CalibratedClassifierCV(SVC(kernel="precomputed", C=10), ensemble=False, cv=5)
    return make_pipeline(_Nearness(gamma=0.001), machine)


class WordVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of the vectors of a row's words; the vectors are learnt from the training rows by a truncated SVD."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, rows: csr_matrix, classes: object = None) -> WordVectors:
        del classes
        dimensions = min(DIMENSIONS, rows.shape[1] - 1)
        self.vectors_ = TruncatedSVD(dimensions, random_state=self.seed).fit(rows.astype(float)).components_.T
        return self

    def transform(self, rows: csr_matrix) -> Any:
        counts = np.maximum(rows.sum(axis=1), 1)
        return np.asarray((rows @ self.vectors_) / np.asarray(counts).reshape(-1, 1))


def word_vector_forest(trees: int, seed: int) -> Pipeline:
    """The paper's random forest of average word vectors, with vectors that need no download: not the same model."""
    forest = RandomForestClassifier(trees, random_state=1, class_weight="balanced_subsample")
    return make_pipeline(WordVectors(seed), forest)
