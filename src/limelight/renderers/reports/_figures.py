"""What a report says of a set of explanations as a whole, in words and numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from limelight.collection.arrow import unescape
from limelight.collection.explanations import Explanations
from limelight.renderers._cells import fit
from limelight.renderers._page import Chart, chart_of, percent
from limelight.renderers._summary import Bars, Fact, column_decimals, fidelity_text, make_bar, number, on_one_axis
from limelight.renderers.reports._answers import Answer, Answers
from limelight.renderers.reports._charts import Curve, Histogram, draw_coverage, draw_fidelity

__all__ = ["Fidelity", "Figures", "Group", "OutputCount", "Panel", "Picks", "Top", "read_figures"]

MOST = 10  # of whatever there may be very many of: labels, classes, failures, warnings
MOST_ITEMS, MOST_REASONS = 5, 5  # that are named of a group, and of a pick
MOST_LETTERS = 1000  # of a message, which may be anything


class Top(NamedTuple):
    """The first of many, and how many more there are."""

    shown: tuple[Any, ...]
    more: int


@dataclass(frozen=True)
class Group:
    """What some instances have in common: a failure's class and what it said, or a warning, which varies with its numbers."""

    title: str
    message: str
    varies: bool
    count: int
    items: str


@dataclass(frozen=True)
class OutputCount:
    """How often the model chose a class, also as a share for a bar, and how often that was wrong."""

    name: str
    count: int
    share: str
    wrong: int


@dataclass(frozen=True)
class Panel:
    """How much each feature weighs for a label, drawn like an explanation's weights, and how often each was reported."""

    name: str
    label: Bars
    chart: Chart
    reported: dict[int, str]
    count: int
    more: int


class Fidelity(NamedTuple):
    """How well the surrogates follow the model."""

    histogram: Histogram
    sentence: str


class Picks(NamedTuple):
    """Where the picks stand, what share each one and those before it cover, and what it is the first to report."""

    positions: tuple[int, ...]
    coverage: tuple[float, ...]
    reasons: tuple[Top, ...]
    curve: Curve


@dataclass(frozen=True)
class Figures:
    """All that stands above the list."""

    facts: tuple[Fact, ...]
    outputs: Top
    failures: Top
    warnings: Top
    panels: Top
    fidelity: Fidelity | None
    picks: Picks | None


def read_figures(
    explanations: Explanations, answers: Answers, truths: Sequence[str | None], num_picks: int, num_features: int
) -> Figures:
    """The figures of a set.

    Parameters
    ----------
    explanations : Explanations
        All of them; no objects are made of any.
    answers, truths
        What the model said of each, and what would have been true.
    num_picks, num_features : int
        How many picks are made, and how many features are shown of each label.
    """
    explained = [(answer, truth) for answer, truth in zip(answers.of_each, truths, strict=True) if answer is not None]
    converged, failures, warnings = _notes(explanations)
    panels = [
        _panel(_with_label(explanations, answers, *label), *label, count, num_features)
        for label, count in answers.labels.most_common(MOST)
    ]
    return Figures(
        facts=tuple(_facts(len(truths), explained, converged)),
        outputs=_outputs(explained),
        failures=failures.top(),
        warnings=warnings.top(),
        panels=Top(tuple(panels), len(answers.labels) - len(panels)),
        fidelity=_fidelity([answer.fidelity for answer, _ in explained]),
        picks=_picks(explanations, num_picks) if explained else None,
    )


class _Tally:
    """Counts what instances have in common, and keeps the first of each kind."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._messages: dict[tuple[str, str], str] = {}
        self._varying: set[tuple[str, str]] = set()
        self._items: dict[tuple[str, str], list[int]] = {}

    def add(self, title: str, kind: str, message: str, item: int) -> None:
        """One more of those with this title and of this kind."""
        key = title, kind
        self._counts[key] += 1
        if self._messages.setdefault(key, message) != message:
            self._varying.add(key)
        if self._counts[key] <= MOST_ITEMS:
            self._items.setdefault(key, []).append(item)

    def top(self) -> Top:
        """The largest groups, each with the message of its first."""
        groups = [
            Group(key[0], fit(self._messages[key], MOST_LETTERS), key in self._varying, count, self._named(key))
            for key, count in self._counts.most_common(MOST)
        ]
        return Top(tuple(groups), len(self._counts) - len(groups))

    def _named(self, key: tuple[str, str]) -> str:
        more = ["\N{HORIZONTAL ELLIPSIS}"] * (self._counts[key] > MOST_ITEMS)
        return f"item{'s' * (self._counts[key] > 1)} {', '.join([*map(str, self._items[key]), *more])}"


def _notes(explanations: Explanations) -> tuple[int, _Tally, _Tally]:
    """How many explanations have converged, and their failures and warnings."""
    converged, failures, warnings = 0, _Tally(), _Tally()
    for table in explanations.tables(["item", "error", "converged", "warnings"]):
        converged += int(np.sum(table["converged"].fill_null(False).to_numpy()))
        items = table["item"].to_pylist()
        for item, error, notices in zip(items, table["error"].to_pylist(), table["warnings"].to_pylist(), strict=True):
            if error is not None:
                title, message = unescape(error["error"]), unescape(error["message"])
                failures.add(title, message, message, item)
            # One for each code: several labels may give the same warning.
            for code, message in {notice["code"]: notice["message"] for notice in notices or ()}.items():
                warnings.add("", code, unescape(message), item)
    return converged, failures, warnings


def _facts(count: int, explained: Sequence[tuple[Answer, str | None]], converged: int) -> Iterator[Fact]:
    yield Fact("explained", f"{len(explained)} of {count}", "instances have an explanation")
    if explained:
        yield Fact("converged", _share(converged, len(explained)), "of them have every weight's interval within the tolerance")
    judged = [answer.is_wrong(truth) for answer, truth in explained if answer.is_class and truth is not None]
    if judged:
        yield Fact("misclassified", _share(sum(judged), len(judged)), f"{sum(judged)} of {len(judged)} with a true label")
    fidelities = [answer.fidelity for answer, _ in explained if math.isfinite(answer.fidelity)]
    if fidelities:
        yield Fact("fidelity", fidelity_text(float(np.median(fidelities))), "is the median of the held-out weighted R²")
    scores = {answer.name for answer, _ in explained}
    values = [answer.value for answer, _ in explained if not answer.is_class and math.isfinite(answer.value)]
    if len(scores) == 1 and values:
        ends = f"{number(min(values))} to {number(max(values))}"
        yield Fact("prediction", number(float(np.median(values))), f"is the median; they go from {ends}")


def _share(part: int, whole: int) -> str:
    """A share in per cent; one that is nearly all, or nearly nothing, is never rounded to it."""
    share = 100 * part / whole
    return f"{share if part in (0, whole) else min(99.9, max(0.1, share)):.3g} %"


def _outputs(explained: Sequence[tuple[Answer, str | None]]) -> Top:
    """How often the model chose which class."""
    counts = Counter(answer.name for answer, _ in explained if answer.is_class)
    wrong = Counter(answer.name for answer, truth in explained if answer.is_wrong(truth))
    total = sum(counts.values())
    rows = [OutputCount(name, count, percent(count / total), wrong[name]) for name, count in counts.most_common(MOST)]
    return Top(tuple(rows), len(counts) - len(rows))


def _with_label(explanations: Explanations, answers: Answers, label: int, name: str) -> Explanations:
    """All explanations, or those in which this label has this name, where it has another one in others."""
    if sum(label == other for other, _ in answers.labels) == 1:
        return explanations
    return explanations[[answer is not None and answer.has(label, name) for answer in answers.of_each]]


def _panel(explanations: Explanations, label: int, name: str, count: int, num_features: int) -> Panel:
    importance = explanations.importance(label)
    columns = (importance.features, importance.values, importance.lows, importance.highs)
    decimals = column_decimals(max(importance.values, default=0.0))
    rows = enumerate(list(zip(*columns, strict=True))[:num_features])
    own = tuple(make_bar(i, name, value, low, high, decimals, signed=False) for i, (name, value, low, high) in rows)
    bars = Bars(**on_one_axis(own))
    reported = {i: str(often) for i, often in enumerate(importance.reported[:num_features])}
    return Panel(name, bars, chart_of(bars), reported, count, len(importance.features) - len(bars.bars))


def _fidelity(fidelities: Sequence[float]) -> Fidelity | None:
    known = [fidelity for fidelity in fidelities if math.isfinite(fidelity)]
    if not known:
        return None
    low, middle, high = (fidelity_text(float(part)) for part in np.quantile(known, (0.25, 0.5, 0.75)))
    sentence = f"The median is {middle}, half of all lie between {low} and {high}."
    if len(known) < len(fidelities):
        sentence += f" Of {len(fidelities) - len(known)} it is unknown."
    return Fidelity(draw_fidelity(known), sentence)


def _picks(explanations: Explanations, num_picks: int) -> Picks | None:
    """Those picks that add something; there are none where nothing was reported."""
    pick = explanations.pick(num_picks)
    count = sum(gain > 0 for gain in pick.gains)  # the others come last
    if not count:
        return None
    reasons = (tuple(name for name, _ in own) for own in pick.reasons[:count])
    tops = tuple(Top(own[:MOST_REASONS], max(0, len(own) - MOST_REASONS)) for own in reasons)
    coverage = pick.coverage[:count]
    return Picks(pick.positions[:count], coverage, tops, draw_coverage(coverage))
