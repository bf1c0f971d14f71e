"""Whether other seeds give the same list: limelight's and lime's five heaviest components of rows and texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer
from sklearn.ensemble import RandomForestClassifier

from benchmarks._data import DATA, WORD, corpus, text_pipeline
from benchmarks._trees import Ensemble, cancer_forest
from limelight import Explanation, TextExplainer

__all__ = [
    "BLACK_BOX",
    "GERMAN",
    "ROWS",
    "SAMPLES_OF_LIME",
    "SEEDS",
    "SEEDS_OF_ROWS",
    "SEEDS_OF_TEXTS",
    "SameLists",
    "same_lists",
]

ROWS, SEEDS, LISTED, SAMPLES_OF_LIME, LABEL = 30, 20, 5, 5000, 1
BLACK_BOX = "as a black box"
SEEDS_OF_ROWS, SEEDS_OF_TEXTS = 3, 2  # of lime, which takes longer
GERMAN = DATA / "tabular" / "german_processed.csv.gz"
_MOST_WORDS = 120  # of a document: lime takes longer for each word
_MOST_CODES = 10  # values of a column that holds codes

Lists = Sequence[Sequence[Sequence[int]]]


class SameLists(NamedTuple):
    """The mean Jaccard similarity of lists over pairs of seeds and over instances, lime's beside it, and the mean inputs."""

    case: str
    of_lime: float
    similarity: float
    inputs: float


def same_lists() -> Iterator[SameLists]:
    """Of a forest as a black box and as it is, for each of two tables, and of logistic regression on newsgroups."""
    tables = [cancer_forest(), *([_german_forest()] if GERMAN.is_file() else [])]
    for table in tables:
        of_lime = _similarity(_lime_lists_of_rows(table))
        for case, options in {BLACK_BOX: {"shortcuts": False}, "exact, defaults": {}}.items():
            explained = [
                table.explainer(random_state=seed, **options).explain_many(
                    table.some_rows(ROWS), table.model, num_features=LISTED
                )
                for seed in range(SEEDS)
            ]
            yield _compare(f"{table.name}, {case}", of_lime, list(map(list, explained)))
    yield _compare(
        f"{corpus().name}, logistic regression, up to {_MOST_WORDS} words",
        _similarity(_lime_lists_of_texts()),
        _explain_texts(),
    )


def _german_forest() -> Ensemble:
    import pandas as pd

    frame = pd.read_csv(GERMAN)
    classes = (frame.pop("GoodCustomer") > 0).to_numpy().astype(int)
    columns = [
        pd.factorize(frame[name], sort=True)[0] if frame[name].dtype.kind not in "iuf" else frame[name] for name in frame
    ]
    rows = np.column_stack(columns).astype(np.float64)
    codes = [number for number, column in enumerate(rows.T) if len(np.unique(column)) <= _MOST_CODES]
    return Ensemble("German credit, forest of 100", RandomForestClassifier(100, random_state=0).fit(rows, classes), rows, codes)


def _lime_lists_of_rows(table: Ensemble) -> Lists:
    def explain(seed: int) -> Callable[[Any], Sequence[int]]:
        explainer = LimeTabularExplainer(table.rows, categorical_features=table.codes, random_state=seed)
        return lambda row: _listed(
            explainer.explain_instance(row, table.model.predict_proba, num_features=LISTED, num_samples=SAMPLES_OF_LIME)
        )

    return [[explain(seed)(row) for seed in range(SEEDS_OF_ROWS)] for row in table.some_rows(ROWS)]


def _lime_lists_of_texts() -> Lists:
    model = text_pipeline("logistic regression").predict_proba
    return [
        [
            _listed(
                LimeTextExplainer(random_state=seed).explain_instance(
                    text, model, num_features=LISTED, num_samples=SAMPLES_OF_LIME
                )
            )
            for seed in range(SEEDS_OF_TEXTS)
        ]
        for text in _texts()
    ]


def _texts() -> list[str]:
    return [text for text in corpus().test if len(set(WORD.findall(text))) <= _MOST_WORDS][:ROWS]


def _listed(explanation: Any) -> Sequence[int]:
    return [number for number, _ in explanation.as_map()[LABEL]]


def _explain_texts() -> list[list[Explanation]]:
    model = text_pipeline("logistic regression")
    explainers = [TextExplainer(random_state=seed) for seed in range(SEEDS)]
    return [[explainer.explain_instance(text, model, num_features=LISTED) for text in _texts()] for explainer in explainers]


def _compare(case: str, of_lime: float, runs: Sequence[Sequence[Any]]) -> SameLists:
    """The explanations of each seed's run beside lime's lists."""
    lists = [[run[place].surrogate(LABEL).components for run in runs] for place in range(len(runs[0]))]
    inputs = float(np.mean([explanation.num_inputs for run in runs for explanation in run]))
    return SameLists(case, of_lime, _similarity(lists), inputs)


def _similarity(lists: Lists) -> float:
    """The mean over pairs of seeds and over instances."""
    return float(
        np.mean(
            [
                len({*first} & {*second}) / len({*first} | {*second})
                for of_instance in lists
                for first, second in combinations(of_instance, 2)
            ]
        )
    )
