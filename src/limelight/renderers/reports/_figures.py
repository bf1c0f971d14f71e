"""The figures of a set of explanations as a whole, in words and numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from limelight.collection.explanations import Explanations
from limelight.collection.importance import Importance
from limelight.renderers._importance import ImportanceLayout, lay_out_importance
from limelight.renderers._names import show_names
from limelight.renderers._numbers import format_fidelity, format_number, format_percent
from limelight.renderers._summary import Fact
from limelight.renderers._top import Top, take_top
from limelight.renderers.reports._answers import Answer, Answers
from limelight.renderers.reports._charts import Curve, Histogram, draw_coverage, draw_fidelity
from limelight.renderers.reports._groups import MOST_ROWS, read_groups
from limelight.renderers.reports._verdicts import Verdicts, read_verdicts

__all__ = ["Picks", "read_figures"]

_MOST_REASONS = 5  # named for each pick


class ExplainedAnswer(NamedTuple):
    """The model's answer for an explained instance, and the true label, None if it is not known."""

    answer: Answer
    truth: str | None


@dataclass(frozen=True)
class OutputCount:
    """How often the model chose a class, as a number and as a share for a bar, and how often that was wrong."""

    name: str
    count: int
    share: str
    wrong: int


@dataclass(frozen=True)
class Panel:
    """A label's name, how many explanations it has, and the heaviest features in them."""

    name: str
    count: int
    layout: ImportanceLayout


class Fidelity(NamedTuple):
    """How well the surrogates follow the model."""

    histogram: Histogram
    sentence: str


class Picks(NamedTuple):
    """For each pick its position, the share covered so far, and the features that it is the first to report; and the curve."""

    positions: tuple[int, ...]
    coverage: tuple[float, ...]
    reasons: tuple[Top, ...]
    curve: Curve


@dataclass(frozen=True)
class Figures:
    """All figures above the list."""

    facts: tuple[Fact, ...]
    outputs: Top
    failures: Top
    alerts: Top
    cautions: Top
    panels: Top
    fidelity: Fidelity | None
    verdicts: Verdicts | None
    picks: Picks | None


def read_figures(
    explanations: Explanations,
    answers: Answers,
    truths: Sequence[str | None],
    levels: Sequence[str | None],
    num_picks: int,
    num_features: int,
) -> Figures:
    """Read the figures of a set.

    Parameters
    ----------
    explanations : Explanations
        Of the whole set; only columns are read.
    answers : Answers
        The model's answers.
    truths : sequence of str or None
        The true labels.
    levels : sequence of str or None
        The level of each verdict.
    num_picks, num_features : int
        The number of picks, and the number of features shown for each label.
    """
    pairs = zip(answers.of_each, truths, strict=True)
    explained = [ExplainedAnswer(answer, truth) for answer, truth in pairs if answer is not None]
    groups = read_groups(explanations)
    panels = [
        Panel(name, count, lay_out_importance(_measure_importance(explanations, answers, label, name), num_features))
        for (label, name), count in answers.labels.most_common(MOST_ROWS)
    ]
    return Figures(
        facts=tuple(_state_facts(len(truths), explained, groups.num_converged)),
        outputs=_count_outputs(explained),
        failures=groups.failures,
        alerts=groups.alerts,
        cautions=groups.cautions,
        panels=Top(tuple(panels), len(answers.labels) - len(panels)),
        fidelity=_summarise_fidelity([answer.fidelity for answer, _ in explained]),
        verdicts=read_verdicts(explanations, levels),
        picks=_read_picks(explanations, num_picks) if explained else None,
    )


def _state_facts(count: int, explained: Sequence[ExplainedAnswer], num_converged: int) -> Iterator[Fact]:
    yield Fact("explained", f"{len(explained)} of {count}", "instances have an explanation")
    if explained:
        yield Fact(
            "converged",
            _format_share(num_converged, len(explained)),
            "of them are as precise as was asked for: every weight's interval within the tolerance, or the list certain",
        )
    judged = [answer.is_wrong(truth) for answer, truth in explained if answer.is_class and truth is not None]
    if judged:
        yield Fact(
            "misclassified", _format_share(sum(judged), len(judged)), f"{sum(judged)} of {len(judged)} with a true label"
        )
    fidelities = [answer.fidelity for answer, _ in explained if math.isfinite(answer.fidelity)]
    if fidelities:
        yield Fact("fidelity", format_fidelity(float(np.median(fidelities))), "is the median of the held-out weighted R²")
    names = {answer.name for answer, _ in explained}
    values = [answer.value for answer, _ in explained if not answer.is_class and math.isfinite(answer.value)]
    if len(names) == 1 and values:
        ends = f"{format_number(min(values))} to {format_number(max(values))}"
        yield Fact("prediction", format_number(float(np.median(values))), f"is the median; they go from {ends}")


def _format_share(part: int, whole: int) -> str:
    """Write a share in per cent; only none and all are written as 0 % and 100 %."""
    share = 100 * part / whole
    return f"{share if part in (0, whole) else min(99.9, max(0.1, share)):.3g} %"


def _count_outputs(explained: Sequence[ExplainedAnswer]) -> Top:
    """Count how often the model chose each class."""
    counts = Counter(answer.name for answer, _ in explained if answer.is_class)
    wrong = Counter(answer.name for answer, truth in explained if answer.is_wrong(truth))
    total = sum(counts.values())
    rows = [
        OutputCount(name, count, format_percent(count / total), wrong[name]) for name, count in counts.most_common(MOST_ROWS)
    ]
    return Top(tuple(rows), len(counts) - len(rows))


def _measure_importance(explanations: Explanations, answers: Answers, label: int, name: str) -> Importance:
    """The importance for a label; if it has several names, in the explanations in which it has this one."""
    if sum(label == other for other, _ in answers.labels) > 1:
        explanations = explanations[[answer is not None and answer.has(label, name) for answer in answers.of_each]]
    return explanations.importance(label)


def _summarise_fidelity(fidelities: Sequence[float]) -> Fidelity | None:
    finite = [fidelity for fidelity in fidelities if math.isfinite(fidelity)]
    if not finite:
        return None
    low, middle, high = (format_fidelity(float(part)) for part in np.quantile(finite, (0.25, 0.5, 0.75)))
    sentence = f"The median is {middle}, half of all lie between {low} and {high}."
    if len(finite) < len(fidelities):
        sentence += f" It is unknown for {len(fidelities) - len(finite)}."
    return Fidelity(draw_fidelity(finite), sentence)


def _read_picks(explanations: Explanations, num_picks: int) -> Picks | None:
    """The picks that add something; None if nothing was reported."""
    pick = explanations.pick(num_picks)
    count = sum(gain > 0 for gain in pick.gains)  # the others come last
    if not count:
        return None
    reasons = tuple(take_top(show_names([name for name, _ in pairs]), _MOST_REASONS) for pairs in pick.reasons[:count])
    coverage = pick.coverage[:count]
    return Picks(pick.positions[:count], coverage, reasons, draw_coverage(coverage))
