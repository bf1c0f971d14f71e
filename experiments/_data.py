"""Reviews of two classes, read from a folder in the format of the Multi-Domain Sentiment data (Blitzer et al., 2007)."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

__all__ = ["FILES", "DataError", "Reviews", "read_reviews", "rows_of"]

# Class 0 and class 1.
FILES = ("negative.review", "positive.review")
LEAST = 10
TRAINING_SHARE = 0.8
# The paper's program reads a word and the first digit of its count. It ran on bytes, so letters are those of ASCII.
PAIR = re.compile(r"(\w+):(\d)", flags=re.ASCII)


class DataError(Exception):
    """A folder that has no reviews in the format that is wanted."""


@dataclass(frozen=True)
class Reviews:
    """Texts of two classes, split for training and testing."""

    train: tuple[str, ...]
    train_classes: np.ndarray
    test: tuple[str, ...]
    test_classes: np.ndarray

    @cached_property
    def vectorizer(self) -> CountVectorizer:
        """Says which words of the training texts a text has, not how often: the paper's representation."""
        return CountVectorizer(lowercase=False, binary=True).fit(self.train)

    @cached_property
    def words(self) -> np.ndarray:
        """The word of each column."""
        words: np.ndarray = self.vectorizer.get_feature_names_out()
        return words

    @cached_property
    def train_rows(self) -> csr_matrix:
        return csr_matrix(self.vectorizer.transform(self.train))

    @cached_property
    def test_rows(self) -> csr_matrix:
        return csr_matrix(self.vectorizer.transform(self.test))

    def explainable(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """The positions of so many test texts, drawn at random, of those that have a known word; all of them if too few."""
        known = np.flatnonzero(self.test_rows.getnnz(axis=1))
        return np.sort(rng.choice(known, min(count, len(known)), replace=False))


def read_reviews(folder: Path, seed: int = 0) -> Reviews:
    """The reviews of a folder with ``negative.review`` and ``positive.review``, as they are or with ``.gz``.

    A line is a review: ``word:count`` pairs, and a label that is not read. Pairs of words, which have an underscore, are left
    out. Each class is shuffled, and its first 80 % are for training. Seed 0 gives the split of the paper's program.

    Raises
    ------
    DataError
        If the folder or a file is not there, or a file has too few reviews.
    """
    if not folder.is_dir():
        raise DataError(f"--data: there is no folder {folder}; give one that has {' and '.join(FILES)}, or these with .gz")
    paths = [_find(folder, name) for name in FILES]
    classes = [_read(path) for path in paths]
    # As the program does: first the positive ones, then the negative ones.
    generator = random.Random(1 + seed)
    for texts in reversed(classes):
        _shuffle(texts, generator)
    ends = [int(TRAINING_SHARE * len(texts)) for texts in classes]
    train = [texts[:end] for texts, end in zip(classes, ends, strict=True)]
    test = [texts[end:] for texts, end in zip(classes, ends, strict=True)]
    return Reviews(
        tuple(text for texts in reversed(train) for text in texts),
        _numbers(train),
        tuple(text for texts in reversed(test) for text in texts),
        _numbers(test),
    )


def rows_of(columns: Iterable[np.ndarray], num_columns: int) -> csr_matrix:
    """Rows that have a one in these columns, which are sorted, and a zero everywhere else."""
    columns = list(columns)
    ends = np.cumsum([0, *map(len, columns)])
    indices = np.concatenate([*columns, np.empty(0, dtype=np.int32)]).astype(np.int32)
    return csr_matrix((np.ones(len(indices), dtype=np.int64), indices, ends), shape=(len(columns), num_columns))


def _numbers(classes: list[list[str]]) -> np.ndarray:
    return np.repeat([1, 0], [len(classes[1]), len(classes[0])])


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    present = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(present[:5]) + ", ..." * (len(present) > 5) if present else "nothing"
    raise DataError(f"--data: {folder} has neither {name} nor {name}.gz; it has {shown}")


def _read(path: Path) -> list[str]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        texts = [text for line in lines if (text := _text(line.decode("latin-1")))]
    if len(texts) < LEAST:
        raise DataError(
            f"--data: {path} has {len(texts)} reviews, where at least {LEAST} are needed; each line must be a review such as "
            "'good:2 film:1 #label#:positive'"
        )
    return texts


def _text(line: str) -> str:
    pairs = [(word, int(count)) for word, count in PAIR.findall(line) if "_" not in word]
    return " ".join(word for word, count in pairs for _ in range(count))


def _shuffle(texts: list[str], generator: random.Random) -> None:
    """As Python 2 shuffled, in which the paper's program was written: the split is the paper's."""
    for i in reversed(range(1, len(texts))):
        j = int(generator.random() * (i + 1))
        texts[i], texts[j] = texts[j], texts[i]
