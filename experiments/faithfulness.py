"""Section 5.2: which share of the words that a model is known to use do explanations list?

The models are interpretable: a logistic regression that uses at most ten words of any training text, and a decision tree. The
gold words of a text are those that it has and the model uses: with a coefficient, or tested on the path to its leaf.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from experiments._data import Reviews
from experiments._explanations import (
    NUM_FEATURES,
    Explainer,
    Listed,
    Question,
    Weighed,
    by_lime,
    by_limelight,
    by_limelight_at_limes,
)
from experiments._models import fit_sparse_logistic_regression
from experiments._plan import Plan
from experiments._tables import Check, Drawn, Row, Table, estimate
from experiments.baselines import by_chance, by_leaving_one_out, by_removing, fit_windows

__all__ = ["Gold", "gold_of_logistic_regression", "gold_of_tree", "recalls", "tables"]

LOGISTIC, TREE = "sparse logistic regression", "decision tree"
# Figures 6 and 7, books.
PAPER = {
    LOGISTIC: {"random": 17.4, "parzen": 72.8, "greedy": 64.3, "limelight": 92.1},
    TREE: {"random": 20.6, "parzen": 78.9, "greedy": 37.0, "limelight": 97.0},
}
FIGURE = Drawn("recall", "", "recall, %", has_bars=True)
# From as many perturbations as lime uses.
EQUAL = "limelight, as many"
# Explanations from perturbations. The paper's program lists every word where no perturbation changes the answer.
SURROGATES = ("lime", "limelight", EQUAL)


@dataclass(frozen=True)
class Gold:
    """The words of a text that a model uses, by their columns.

    Attributes
    ----------
    used : set of int
        What the paper calls gold.
    heard : set of int
        Those of them whose removal can change what the model says, after some other words of the text are removed.
    is_constant : bool
        Whether the model says the same whichever words are removed.
    """

    used: frozenset[int]
    heard: frozenset[int]
    is_constant: bool


def tables(reviews: Reviews, plan: Plan) -> Iterator[Table]:
    """The two models' recalls."""
    train, classes = reviews.train_rows, reviews.train_classes
    logistic = fit_sparse_logistic_regression(train, classes, NUM_FEATURES)
    tree = DecisionTreeClassifier(random_state=1).fit(train, classes)
    positions = reviews.explainable(plan.documents, np.random.default_rng(plan.seed))
    rows = reviews.test_rows[positions]
    notes = [
        f"{len(positions)} of {len(reviews.test)} test texts, {len(reviews.train)} training texts, {train.shape[1]} words. "
        "Recall in %, of at most ten words listed; errors are over texts. Texts without a gold word are left out."
    ]
    found: list[Row] = []
    checks: list[Check] = []
    for case, model, gold in (
        (LOGISTIC, logistic, [gold_of_logistic_regression(logistic, row) for row in rows]),
        (TREE, tree, [gold_of_tree(tree, row) for row in rows]),
    ):
        kept = [i for i, one in enumerate(gold) if one.used]
        if not kept:
            notes.append(f"The {case} uses no word of these texts.")
            continue
        labels = reviews.test_classes[positions[kept]]
        question = Question(reviews.vectorizer, model, rows[kept], labels, plan.num_samples, plan.seed)
        listed = {name: explain(question) for name, explain in _explainers(model, train, classes, plan).items()}
        of_case = _rows(case, [gold[i] for i in kept], listed)
        found += of_case
        like_for_like = of_case[min(1, len(of_case) - 1)]
        checks += _checks(case, like_for_like)
        notes.append(f"{case}: {_describe_inputs(listed)}.")
        if constant := sum(gold[i].is_constant for i in kept):
            notes.append(
                f"The {case} says the same whichever words are removed for {constant} of {len(kept)} texts: their gold words "
                "lie on the path, but all ways from there lead to one answer. No explainer that removes words can find them. "
                "The paper's program lists every word there, and so finds them all: the second row counts lime and limelight "
                "in this way. The third row asks for those gold words alone that can change what the model says."
            )
    yield Table("Faithfulness (5.2): recall of the words that the model uses", found, notes, checks, FIGURE if found else None)


def recalls(gold: Sequence[frozenset[int]], listed: Sequence[Listed]) -> np.ndarray:
    """The share of its gold words that each text's explanation lists; NaN without a gold word."""
    found = [len(words & set(one.columns.tolist())) for words, one in zip(gold, listed, strict=True)]
    return np.array([count / len(words) if words else np.nan for count, words in zip(found, gold, strict=True)])


def gold_of_logistic_regression(model: LogisticRegression, row: csr_matrix) -> Gold:
    """Each word with a coefficient counts, and changes the probability."""
    used = frozenset(int(column) for column in row.indices if model.coef_[0, column] != 0)
    return Gold(used, used, not used)


def gold_of_tree(model: DecisionTreeClassifier, row: csr_matrix) -> Gold:
    """The words on the path to the text's leaf; heard are those that can change what the tree says."""
    nodes = _Nodes(model.tree_)
    present = frozenset(row.indices.tolist())
    used = frozenset(nodes.feature[node] for node in nodes.path(present)) & present
    heard = frozenset(word for word in used if nodes.differ(present, word))
    return Gold(used, heard, len(nodes.answers(present)) == 1)


class _Nodes:
    """A decision tree of ones and zeros: a word's absence leads left, its presence right."""

    def __init__(self, tree: Any) -> None:
        self.feature: list[int] = tree.feature.tolist()
        self.left: list[int] = tree.children_left.tolist()
        self.right: list[int] = tree.children_right.tolist()
        counts = tree.value[:, 0]
        self.answer: list[float] = (counts[:, 1] / counts.sum(axis=1)).round(12).tolist()

    def is_leaf(self, node: int) -> bool:
        return self.left[node] < 0

    def path(self, present: frozenset[int]) -> Iterator[int]:
        """The inner nodes that a text with these words passes."""
        node = 0
        while not self.is_leaf(node):
            yield node
            node = self.right[node] if self.feature[node] in present else self.left[node]

    def answers(self, present: frozenset[int], node: int = 0) -> set[float]:
        """The probabilities of the leaves that the text reaches with any of its words removed."""
        if self.is_leaf(node):
            return {self.answer[node]}
        right = self.answers(present, self.right[node]) if self.feature[node] in present else set()
        return right | self.answers(present, self.left[node])

    def differ(self, present: frozenset[int], word: int) -> bool:
        """Whether, with some other words removed, the answer is another with the word than without."""
        fate: dict[int, bool | None] = dict.fromkeys(present)
        return self._differ(0, 0, fate, word)

    def _differ(self, with_it: int, without: int, fate: dict[int, bool | None], word: int) -> bool:
        """The same from two nodes on; the fate of words that were met is known: kept (True) or removed."""
        if with_it == without and self.is_leaf(with_it):
            return False
        for node, is_first in ((with_it, True), (without, False)):
            if self.is_leaf(node):
                continue
            met = self.feature[node]
            fates: tuple[bool, ...]
            if met == word:
                fates = (is_first,)
            elif met not in fate:
                fates = (False,)
            else:
                known = fate[met]
                fates = (True, False) if known is None else (known,)
            for kept in fates:
                child = self.right[node] if kept else self.left[node]
                changed = {**fate, met: kept} if met in fate and met != word else fate
                pair = (child, without) if is_first else (with_it, child)
                if self._differ(*pair, changed, word):
                    return True
            return False
        return self.answer[with_it] != self.answer[without]


def _explainers(model: Any, rows: csr_matrix, classes: np.ndarray, plan: Plan) -> dict[str, Explainer]:
    return {
        "random": by_chance,
        "parzen": fit_windows(model, rows, classes, seed=plan.seed, folds=3),
        "greedy": by_removing,
        "leave one out": by_leaving_one_out,
        "lime": by_lime,
        "limelight": by_limelight,
        EQUAL: by_limelight_at_limes,
    }


def _rows(case: str, gold: list[Gold], listed: dict[str, Sequence[Listed]]) -> list[Row]:
    """The protocol's row; where some words cannot be heard, two more."""
    used = {name: recalls([one.used for one in gold], found) for name, found in listed.items()}
    rows = [Row(case, {name: estimate(found) for name, found in used.items()}, PAPER[case])]
    if all(one.used == one.heard for one in gold):
        return rows
    constant = np.array([one.is_constant for one in gold])
    counted = {name: np.where(constant, 1.0, found) if name in SURROGATES else found for name, found in used.items()}
    heard = {name: recalls([one.heard for one in gold], found) for name, found in listed.items()}
    return [
        *rows,
        Row("  counted as in the paper's program", {name: estimate(found) for name, found in counted.items()}),
        Row("  words that can change the answer", {name: estimate(found[~np.isnan(found)]) for name, found in heard.items()}),
    ]


def _checks(case: str, row: Row) -> Iterator[Check]:
    paper = PAPER[case]["limelight"]
    if row.case != case:
        case = f"{case}, {row.case.strip()}"
    yield Check(f"{case}, limelight beside the paper", row.found["limelight"], paper)
    yield Check(f"{case}, limelight beside lime, as many model inputs", row.found[EQUAL], row.found["lime"].value)


def _describe_inputs(listed: dict[str, Sequence[Listed]]) -> str:
    """How many model inputs the explanations took that can choose it."""
    means = {
        name: np.mean([one.num_inputs for one in found if isinstance(one, Weighed) and one.num_inputs is not None])
        for name, found in listed.items()
        if name in SURROGATES
    }
    return "model inputs for a text on average: " + ", ".join(f"{name} {mean:.0f}" for name, mean in means.items())
