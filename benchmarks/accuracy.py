"""Error of the weights at equal numbers of model inputs, against the weights that both sides converge to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lime.lime_base import LimeBase
from lime.lime_tabular import LimeTabularExplainer
from lime.lime_text import LimeTextExplainer

from benchmarks._data import (
    PredictProba,
    boosting,
    breast_cancer,
    corpus,
    documents_of_many_lengths,
    forest,
    logistic,
    text_pipeline,
)
from benchmarks._report import Row, Table, Target, at_least
from limelight import TabularExplainer, TextExplainer

__all__ = ["tables"]

NUM_SAMPLES = 4096
SHORT = 10
LABEL = 1

# The reference is the mean of two runs of this size: their difference says how far it can be trusted.
REFERENCE_SAMPLES = 2**16
REFERENCE_SEEDS = (1_000_001, 1_000_002)

PATIENTS = (3, 50, 200, 350, 500)
PATIENT_REPEATS = 20
DOCUMENT_LENGTHS = (30, 60, 90, 120, 160, 200, 250)
DOCUMENT_REPEATS = 16

# Of one run: a row with every component's weight, and a row with those of the short list and zeros elsewhere.
Weights = np.ndarray


@dataclass(frozen=True)
class Subject:
    """An instance with its model, and both sides' ways from a seed to weights."""

    lime: Callable[[int], Weights]
    limelight: Callable[[int, int], Weights]


# What is compared. The ten heaviest components of the reference can be a close run thing: where a run names another tenth,
# the error of what it reports says how near two components are, and not how well either side knows their weights.
ALL, SAME_TEN, AS_REPORTED = range(3)
CASES = ("all components", f"top {SHORT}, in runs that name the reference's", f"top {SHORT}, as each run reports them")


@dataclass(frozen=True)
class Errors:
    """One side's mean squared errors for one instance and the share of its runs that they come from, for each of `CASES`."""

    squared: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, runs: np.ndarray, reference: Weights) -> Errors:
        squares = np.square(runs - reference).mean(axis=2)
        same = np.all((runs[:, 1] != 0) == (reference[1] != 0), axis=1)
        squared = [squares[:, 0].mean(), squares[same, 1].mean() if same.any() else np.nan, squares[:, 1].mean()]
        return cls(np.array(squared), np.array([1.0, same.mean(), 1.0]))


@dataclass(frozen=True)
class Comparison:
    """Both sides for one instance.

    Attributes
    ----------
    lime, limelight : Errors
    scale : ndarray
        The mean square of the reference's weights, for each of `CASES`.
    limits_apart : float
        Squared distance of the mean of lime's runs from the reference, over what the noise of the two lets expect: 1 where
        both sides have the same limit.
    """

    lime: Errors
    limelight: Errors
    scale: np.ndarray
    limits_apart: float


def tables() -> Iterator[Table]:
    """Tables and texts, each model with several instances; rows are sampled, also those that could be explained exactly."""
    yield _table(
        name="accuracy of rows",
        title="Breast cancer, 30 columns",
        models={"logistic regression": logistic(), "random forest": forest(), "boosted trees": boosting()},
        subjects_of=_patients,
        repeats=PATIENT_REPEATS,
        target=at_least(2.5),
    )
    yield _table(
        name="accuracy of texts",
        title=f"Texts of {corpus().name}, TF-IDF",
        models={kind: text_pipeline(kind).predict_proba for kind in ("logistic regression", "random forest")},
        subjects_of=_documents,
        repeats=DOCUMENT_REPEATS,
        target=at_least(1.2),
    )


def _table(
    name: str,
    title: str,
    models: dict[str, PredictProba],
    subjects_of: Callable[[PredictProba], Iterable[Subject]],
    repeats: int,
    target: Target,
) -> Table:
    rows = []
    for model, predict in models.items():
        comparisons = [_compare(subject, repeats) for subject in subjects_of(predict)]
        rows += [
            _row(f"{model}, {case}", comparisons, number, None if number == AS_REPORTED else target)
            for number, case in enumerate(CASES)
        ]
    return Table(
        name=name,
        title=f"{title}, {NUM_SAMPLES} model inputs: root mean squared error of the weights, relative to the weights",
        ratio_of="MSE, lime / limelight",
        rows=rows,
        notes=[
            f"Geometric means of {len(comparisons)} instances, {repeats} seeds each; least: the smallest ratio of an instance.",
            f"Reference: the mean of two limelight runs at {REFERENCE_SAMPLES} inputs, with the same penalty for each input.",
            "As each run reports them: who names another tenth, nearly as heavy, errs by its whole weight: mostly luck.",
            "limits apart: how far the mean of lime's runs is from it, over what their noise lets expect (1: the same limit).",
        ],
    )


def _row(case: str, comparisons: Sequence[Comparison], number: int, target: Target | None) -> Row:
    def relative(side: Callable[[Comparison], Errors]) -> float:
        return _geometric_mean([np.sqrt(side(one).squared[number] / one.scale[number]) for one in comparisons])

    ratios = [one.lime.squared[number] / one.limelight.squared[number] for one in comparisons]
    return Row(
        case=case,
        figures={
            "lime": relative(lambda one: one.lime),
            "limelight": relative(lambda one: one.limelight),
            "share of lime's runs": float(np.mean([one.lime.share[number] for one in comparisons])),
            "of limelight's": float(np.mean([one.limelight.share[number] for one in comparisons])),
            "limits apart": float(np.sqrt(np.mean([one.limits_apart for one in comparisons]))),
            "least": float(np.nanmin(ratios)),
        },
        ratio=_geometric_mean(ratios),
        target=target,
    )


def _geometric_mean(values: Sequence[float]) -> float:
    """Of the instances that have a value: no run may have named the reference's ten."""
    return float(np.exp(np.nanmean(np.log(values))))


def _compare(subject: Subject, repeats: int) -> Comparison:
    halves = np.array([subject.limelight(seed, REFERENCE_SAMPLES) for seed in REFERENCE_SEEDS])
    reference = halves.mean(axis=0)
    lime = np.array([subject.lime(seed) for seed in range(repeats)])
    limelight = np.array([subject.limelight(seed, NUM_SAMPLES) for seed in range(repeats)])
    # Of all components only: which ones a short list names jumps from run to run, so that its mean is no limit.
    noise = lime[:, 0].var(axis=0, ddof=1).sum() / repeats + np.square(halves[0, 0] - halves[1, 0]).sum() / 4
    return Comparison(
        lime=Errors.of(lime, reference),
        limelight=Errors.of(limelight, reference),
        scale=np.square(reference).mean(axis=1)[[0, 1, 1]],
        limits_apart=float(np.square(lime[:, 0].mean(axis=0) - reference[0]).sum() / noise),
    )


def _patients(predict: PredictProba) -> Iterator[Subject]:
    table, _ = breast_cancer()
    for number in PATIENTS:
        yield _subject(
            table[number],
            predict,
            components=table.shape[1],
            make_lime=lambda seed: LimeTabularExplainer(table, random_state=seed),
            make_limelight=lambda **options: TabularExplainer(table, shortcuts=False, **options),
        )


def _documents(predict: PredictProba) -> Iterator[Subject]:
    for document, words in documents_of_many_lengths(DOCUMENT_LENGTHS):
        yield _subject(
            document,
            predict,
            components=words,
            make_lime=lambda seed: LimeTextExplainer(random_state=seed),
            make_limelight=TextExplainer,
        )


def _subject(
    instance: Any,
    predict: PredictProba,
    components: int,
    make_lime: Callable[[int], Any],
    make_limelight: Callable[..., Any],
) -> Subject:
    def run_lime(seed: int) -> Weights:
        explainer = make_lime(seed)
        explainer.base = both = _BothLists(explainer.base.kernel_fn, random_state=explainer.base.random_state)
        explainer.explain_instance(instance, predict, labels=(LABEL,), num_samples=NUM_SAMPLES)
        return np.array([_spread(weights, components) for weights in both.lists])

    def run_limelight(seed: int, num_samples: int) -> Weights:
        # The penalty is meant per num_samples: scaled with it, a larger run converges to what a smaller one estimates.
        options = {"random_state": seed, "alpha": num_samples / NUM_SAMPLES}
        lists = [
            make_limelight(feature_selection=selection, **options).explain_instance(
                instance, predict, labels=[LABEL], num_features=SHORT, num_samples=num_samples
            )
            for selection in ("none", "auto")
        ]
        return np.array([_spread(explanation.as_map()[LABEL], components) for explanation in lists])

    return Subject(run_lime, run_limelight)


class _BothLists(LimeBase):
    """lime's last stage, run twice on one neighbourhood: with the same seed, a second explanation would draw it again."""

    lists: Sequence[Sequence[tuple[int, float]]] = ()

    def explain_instance_with_data(self, data: Any, outputs: Any, distances: Any, label: int, *_: Any, **__: Any) -> Any:
        results = [
            super(_BothLists, self).explain_instance_with_data(data, outputs, distances, label, SHORT, selection)
            for selection in ("none", "auto")
        ]
        self.lists = [weights for _, weights, _, _ in results]
        return results[0]


def _spread(weights: Iterable[tuple[int, float]], components: int) -> np.ndarray:
    """Reported weights at their components' places, zeros elsewhere."""
    spread = np.zeros(components)
    for component, weight in weights:
        spread[component] = weight
    return spread
