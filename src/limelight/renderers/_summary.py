"""The words and numbers in which every renderer presents an explanation, as plain frozen data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from limelight.renderers._bars import Bars, make_bar
from limelight.renderers._names import show_names
from limelight.renderers._numbers import choose_decimals, format_fidelity, format_number, format_probability
from limelight.results.explanation import Explanation, Provenance, Surrogate
from limelight.results.removal import has_states

__all__ = ["Fact", "LabelSummary", "Summary", "format_output", "name_output", "summarise"]

_MOST_OUTPUTS = 10
_FIDELITY_MEASURE = "held-out weighted R²"
_HARDLY_LOCAL = 0.9  # of the perturbations: a kernel that keeps more hardly moves a weight
_PROVENANCE_NAMES = {"version": "limelight", "alpha": "ridge penalty", "random_state": "seed"}


@dataclass(frozen=True)
class Output:
    """One of the model's outputs for the instance; `share` is its value if it is a probability, else None."""

    name: str
    text: str
    share: float | None
    is_explained: bool


@dataclass(frozen=True)
class LabelSummary(Bars):
    """An explained label: the prediction, the surrogate's local prediction, and the weights.

    `terms` is for the page's script, which adds them up: the intercept and, by their components' numbers, the weights. It is
    empty where they do not add up to predictions.
    """

    name: str
    heading: str
    towards: str
    away: str
    prediction: str
    local_prediction: str
    fidelity: str
    fidelity_measure: str
    verdict: str
    terms: str

    @property
    def trust(self) -> str:
        """The verdict's level and the fidelity, where there is no room for sentences."""
        level = self.verdict.partition(":")[0].lower()
        return ", ".join([*[level] * bool(level), f"fidelity {self.fidelity}"])

    @property
    def remark(self) -> str:
        """The verdict, the prediction, the local prediction and the fidelity, in a few sentences."""
        predictions = f"Model {self.prediction}, surrogate {self.local_prediction}"
        return f"{self.verdict} {predictions}, fidelity {self.fidelity} ({self.fidelity_measure}).".lstrip()


@dataclass(frozen=True)
class Fact:
    """A figure that says how far to trust the explanation: its name, its value, and what the value means."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Summary:
    """An explanation in words and numbers; `more_outputs` counts the outputs that are left out.

    Messages come by their level: every renderer shows alerts before all else, cautions and notes (information) further down.
    """

    id: str | None
    outputs: tuple[Output, ...]
    more_outputs: int
    labels: tuple[LabelSummary, ...]
    level: str
    facts: tuple[Fact, ...]
    provenance: tuple[Fact, ...]
    alerts: tuple[str, ...]
    cautions: tuple[str, ...]
    notes: tuple[str, ...]


def summarise(explanation: Explanation) -> Summary:
    """Choose what is shown of an explanation and put it in words.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    summary : Summary
        Plain data. Names are distinct to the eye; other texts from the user are unchanged. The renderer makes all safe.
    """
    explained = set(explanation.labels)
    values = explanation.predictions
    ranked = sorted(range(len(values)), key=lambda i: -math.inf if math.isnan(values[i]) else values[i], reverse=True)
    # Explained outputs are shown even if many others are larger.
    shown = set(sorted(ranked, key=lambda i: i not in explained)[:_MOST_OUTPUTS])
    are_probabilities = explanation.output_kind == "probabilities"
    output_names = {i: name_output(explanation.output_names, i, explanation.output_kind) for i in shown | explained}
    distinct = list(dict.fromkeys(output_names.values()))
    shown_names = dict(zip(distinct, show_names(distinct), strict=True))
    components = sorted({component for surrogate in explanation.surrogates for component in surrogate.components})
    names = dict(zip(components, show_names([explanation.names[i] for i in components], components), strict=True))
    outputs = tuple(
        Output(
            name=shown_names[output_names[i]],
            text=format_output(values[i], explanation.output_kind),
            share=values[i] if are_probabilities else None,
            is_explained=i in explained,
        )
        for i in ranked
        if i in shown
    )
    return Summary(
        id=explanation.id,
        outputs=outputs,
        more_outputs=len(values) - len(outputs),
        labels=tuple(
            _summarise_label(explanation, surrogate, shown_names[output_names[surrogate.label]], names)
            for surrogate in explanation.surrogates
        ),
        level=f"{min(99.9, 100 * explanation.confidence):.3g} %",
        facts=_state_facts(explanation),
        provenance=tuple(_state_provenance(explanation.provenance)),
        alerts=_list_messages(explanation, "alert"),
        cautions=_list_messages(explanation, "caution"),
        notes=_list_messages(explanation, "information"),
    )


def _list_messages(explanation: Explanation, level: str) -> tuple[str, ...]:
    """What the notices of a level say."""
    return tuple(notice.message for notice in explanation.notices if notice.level == level)


def _state_provenance(provenance: Provenance) -> Iterator[Fact]:
    """How the explanation was made, without what is empty."""
    for name, value in vars(provenance).items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        if text:
            yield Fact(_PROVENANCE_NAMES.get(name, name.replace("_", " ")), text, "")


def name_output(names: Sequence[str], label: int, output_kind: str) -> str:
    """The name of one of the model's outputs; one that is only a number gets a word before it."""
    name = names[label]
    if name != str(label):
        return name
    if output_kind == "probabilities":
        return f"class {name}"
    return f"output {name}" if len(names) > 1 else "the output"


def format_output(value: float, output_kind: str) -> str:
    """Write the value of one of the model's outputs."""
    return format_probability(value) if output_kind == "probabilities" else format_number(value)


def _summarise_label(
    explanation: Explanation, surrogate: Surrogate, output_name: str, names: Mapping[int, str]
) -> LabelSummary:
    are_probabilities = explanation.output_kind == "probabilities"
    decimals = choose_decimals(max(map(abs, surrogate.weights), default=0.0))
    # An exact weight's interval has no width, and is not shown.
    no_ends = (math.nan,) * len(surrogate.weights)
    lows, highs = (no_ends, no_ends) if explanation.is_exact else (surrogate.lows, surrogate.highs)
    bars = tuple(
        make_bar(component, names[component], weight, low, high, decimals)
        for component, weight, low, high in zip(surrogate.components, surrogate.weights, lows, highs, strict=True)
    )
    return LabelSummary(
        bars=bars,
        name=output_name,
        heading="For and against" if are_probabilities else "What raises and lowers",
        towards="for" if are_probabilities else "raises",
        away="against" if are_probabilities else "lowers",
        prediction=format_output(explanation.predictions[surrogate.label], explanation.output_kind),
        local_prediction=format_number(surrogate.local_prediction),
        fidelity=format_fidelity(surrogate.fidelity, surrogate.fidelity_error),
        fidelity_measure=_name_fidelity(surrogate),
        verdict=_write_verdict(explanation, surrogate),
        terms=_list_terms(explanation, surrogate),
    )


def _write_verdict(explanation: Explanation, surrogate: Surrogate) -> str:
    """The verdict; nothing where intervals say it all, as of a difference of two surrogates."""
    figures = (surrogate.fidelity, *surrogate.top_probabilities)
    is_known_by_intervals = all(map(math.isnan, figures)) and any(map(math.isfinite, surrogate.lows))
    return "" if is_known_by_intervals else str(explanation.verdict(surrogate.label))


def _name_fidelity(surrogate: Surrogate) -> str:
    has_error = surrogate.fidelity_error != 0 and not math.isnan(surrogate.fidelity)
    return _FIDELITY_MEASURE + (" and its standard error" if has_error else "")


def _list_terms(explanation: Explanation, surrogate: Surrogate) -> str:
    """What the surrogate's predictions are sums of, with all digits."""
    if not (math.isfinite(surrogate.local_prediction) and has_states(surrogate, explanation.notices)):
        return ""
    weights = zip(surrogate.components, surrogate.weights, strict=True)
    return " ".join([repr(surrogate.intercept), *(f"{component}:{weight!r}" for component, weight in weights)])


def _state_convergence(explanation: Explanation) -> tuple[str, str]:
    """Whether there is what was asked for, and what that means."""
    if explanation.is_exact and explanation.converged:
        return "yes, exact", "the weights are those that infinitely many perturbations would give: nothing was left to chance"
    if explanation.converged:
        return "yes", "every weight's interval is within the tolerance"
    settled = [explanation.convergence(label) for label in explanation.labels]
    reach = max(one.reach for one in settled)
    if not math.isfinite(reach) or any(one.level == "no" for one in settled):
        return "no", "some weight's interval is wider than twice the tolerance, or there is none"
    tolerance = f"{settled[0].tolerance:.3g}"
    return "nearly", f"the widest interval reaches {reach:.2g} of the heaviest weight to one side; the tolerance is {tolerance}"


def _state_certainty(explanation: Explanation) -> tuple[str, str]:
    """Whether the list is as certain as was asked for."""
    level = f"{explanation.provenance.certainty:g}"
    if explanation.converged:
        return (
            "yes",
            f"each component truly is among the heaviest, and its sign is right, with a probability of {level} or more",
        )
    return (
        "no",
        f"some component may not be among the heaviest, or its sign be wrong: a probability is below {level}, or not known",
    )


def _state_facts(explanation: Explanation) -> tuple[Fact, ...]:
    samples, inputs = explanation.num_samples, explanation.num_inputs
    return (
        Fact(
            "effective sample size",
            format_number(explanation.effective_sample_size),
            f"what the {samples} perturbations are worth once weighted by proximity",
        ),
        Fact("model inputs", str(inputs), "distinct inputs that the model was asked about"),
        Fact("list certain", *_state_certainty(explanation))
        if explanation.provenance.certainty and not explanation.is_exact
        else Fact("converged", *_state_convergence(explanation)),
        *_state_locality(explanation.kernel_share, explanation.provenance.locality),
    )


def _state_locality(share: float, locality: str) -> Iterator[Fact]:
    """How local the kernel is, and what that means; nothing where it was not recorded."""
    if share >= _HARDLY_LOCAL:
        meaning = (
            f"it keeps {min(99.9, 100 * share):.3g} % of the perturbations, as an effective sample size: it hardly prefers "
        )
        meaning += "near ones, so that weights are averages over all that are drawn"
        if locality == "lime":
            meaning += '; locality="local", in place of kernel_width, stays near the instance'
        yield Fact("kernel", "hardly local", meaning)
    elif share:
        text = f"{100 * share:.2g} %" if share >= 0.01 else "less than 1 %"
        yield Fact("kernel", f"keeps {text}", "of the perturbations of LIME's own law, as an effective sample size")
