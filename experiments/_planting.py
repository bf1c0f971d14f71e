"""Made-up words put into texts, which go with a class in training and not in the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments._data import Reviews

__all__ = ["Planted", "columns_of", "plant"]


@dataclass(frozen=True)
class Planted:
    """A made-up word, and which share of the texts of class 0 and of class 1 get it."""

    word: str
    in_training: tuple[float, float]
    in_test: tuple[float, float]


def plant(reviews: Reviews, words: Sequence[Planted], rng: np.random.Generator) -> Reviews:
    """The reviews with the words; which texts get each of them is drawn."""
    train, test = list(reviews.train), list(reviews.test)
    for planted in words:
        for texts, classes, shares in (
            (train, reviews.train_classes, planted.in_training),
            (test, reviews.test_classes, planted.in_test),
        ):
            for label, share in enumerate(shares):
                of_class = np.flatnonzero(classes == label)
                for i in rng.choice(of_class, int(share * len(of_class)), replace=False):
                    texts[i] += f" {planted.word}"
    return Reviews(tuple(train), reviews.train_classes, tuple(test), reviews.test_classes)


def columns_of(words: Sequence[Planted], reviews: Reviews) -> np.ndarray:
    """A flag for every column: whether its word is planted."""
    flags: np.ndarray = np.isin(reviews.words, [planted.word for planted in words])
    return flags
