"""What is explained: tables, texts and the models trained on them. Nothing is downloaded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import fetch_20newsgroups, load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = [
    "DATA",
    "Corpus",
    "PredictProba",
    "Rows",
    "boosting",
    "breast_cancer",
    "corpus",
    "documents_of_many_lengths",
    "forest",
    "gaussian_columns",
    "logistic",
    "one_product",
    "photograph",
    "text_pipeline",
    "texts_of",
]

Rows = np.ndarray
PredictProba = Callable[[Any], Any]

# Where real data lie that are not part of the project.
DATA = Path(os.environ.get("LIMELIGHT_DATA", Path(__file__).parents[2] / "shared" / "data"))
WORD = re.compile(r"\w+")
CATEGORIES = ("alt.atheism", "soc.religion.christian")


@cache
def breast_cancer() -> tuple[Rows, np.ndarray]:
    """569 rows of 30 columns, two classes."""
    table, classes = load_breast_cancer(return_X_y=True)
    return table, classes


@cache
def gaussian_columns(columns: int) -> Rows:
    """1000 rows of independent standard normal columns."""
    return np.random.default_rng(0).standard_normal((1000, columns))


def one_product(table: Rows) -> PredictProba:
    """About the cheapest model there is: one matrix product of the standardised columns, and a sigmoid."""
    weights = np.random.default_rng(1).standard_normal(table.shape[1]) / np.sqrt(table.shape[1]) / table.std(axis=0)
    means = table.mean(axis=0)

    def predict_proba(rows: Rows) -> Rows:
        first = 1 / (1 + np.exp((rows - means) @ weights))
        return np.column_stack([first, 1 - first])

    return predict_proba


@cache
def logistic() -> PredictProba:
    """Logistic regression of the standardised breast cancer table."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(*breast_cancer()).predict_proba


@cache
def forest() -> PredictProba:
    """A random forest of 100 trees of the breast cancer table."""
    return RandomForestClassifier(100, random_state=0).fit(*breast_cancer()).predict_proba


@cache
def boosting() -> PredictProba:
    """Gradient boosted trees of the breast cancer table."""
    return HistGradientBoostingClassifier(random_state=0).fit(*breast_cancer()).predict_proba


@dataclass(frozen=True)
class Corpus:
    """Texts of two classes, to train on and to explain."""

    name: str
    train: Sequence[str]
    train_classes: np.ndarray
    test: Sequence[str]


@cache
def corpus() -> Corpus:
    """20 newsgroups, atheism against Christianity, where LIMELIGHT_DATA has them; otherwise texts made up from a seed."""
    try:
        train, test = (
            fetch_20newsgroups(
                data_home=DATA / "scikit_learn_data", subset=subset, categories=CATEGORIES, download_if_missing=False
            )
            for subset in ("train", "test")
        )
    except OSError:
        return _made_up_corpus()
    return Corpus("20 newsgroups", train.data, train.target, test.data)


def _made_up_corpus() -> Corpus:
    """Words with Zipf's frequencies; in each class every eighth word is three times as frequent as in the other."""
    rng = np.random.default_rng(0)
    ranks = np.arange(1, 20_001)
    words = np.array([f"w{rank}" for rank in ranks])
    classes = rng.integers(0, 2, size=1600)
    texts = []
    for number in classes:
        frequencies = np.where(ranks % 8 == 1 + number, 3.0, 1.0) / ranks
        length = int(rng.lognormal(5, 0.7)) + 40
        texts.append(" ".join(rng.choice(words, size=length, p=frequencies / frequencies.sum())))
    return Corpus("a made-up corpus", texts[:1000], classes[:1000], texts[1000:])


@cache
def text_pipeline(kind: str) -> Pipeline:
    """TF-IDF and a classifier, trained on the corpus."""
    classifiers = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "random forest": RandomForestClassifier(100, random_state=0),
    }
    pipeline: Pipeline = make_pipeline(TfidfVectorizer(), classifiers[kind])
    return pipeline.fit(corpus().train, corpus().train_classes)


def texts_of(words: int) -> Iterator[str]:
    """Texts of exactly so many distinct words, documents joined until there are enough and cut where the last one ends."""
    text = ""
    for document in corpus().test:
        text = f"{text}\n{document}" if text else document
        end = _end_of_distinct_word(text, words)
        if end is not None:
            yield text[:end]
            text = ""


def documents_of_many_lengths(bounds: Sequence[int]) -> Iterator[tuple[str, int]]:
    """For each two neighbouring bounds, the first document with so many distinct words, and their number."""
    counted = [(document, len(set(WORD.findall(document)))) for document in corpus().test]
    for low, high in pairwise(bounds):
        yield next((document, words) for document, words in counted if low <= words < high)


def _end_of_distinct_word(text: str, words: int) -> int | None:
    """Where the word stands that is the `words`-th different one, if there are so many."""
    seen: set[str] = set()
    for match in WORD.finditer(text):
        seen.add(match.group())
        if len(seen) == words:
            return match.end()
    return None


@cache
def photograph(name: str, size: int) -> Rows:
    """A square photograph, uint8: scikit-image's chelsea, or a file of the images in `DATA`."""
    from PIL import Image
    from skimage.data import chelsea

    image = Image.fromarray(chelsea()) if name == "chelsea" else Image.open(DATA / "images" / name)
    return np.asarray(image.convert("RGB").resize((size, size)))
