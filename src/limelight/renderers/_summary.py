"""What every renderer says about an explanation, in words and numbers: chosen once, here, as plain frozen data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from limelight.results.explanation import Explanation, Surrogate

__all__ = [
    "Bar",
    "Bars",
    "Fact",
    "LabelSummary",
    "Output",
    "Summary",
    "column_decimals",
    "fidelity_text",
    "make_bar",
    "number",
    "on_one_axis",
    "output_name",
    "output_value",
    "summarise",
]

MOST_OUTPUTS = 10
# Numbers from here on are written with an exponent.
LARGEST = 999_999_999.5
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Output:
    """One of the model's outputs for the instance; `share` is its value where it is a probability, else None."""

    name: str
    text: str
    share: float | None
    explained: bool


class Bar(NamedTuple):
    """A reported component: `low` and `high` are None, and `interval` empty, where there is no interval."""

    component: int
    name: str
    weight: float
    low: float | None
    high: float | None
    text: str
    interval: str

    @property
    def side(self) -> str:
        """The class of what speaks for the output, or against it."""
        return "neg" if self.weight < 0 else "pos"


@dataclass(frozen=True)
class Bars:
    """Bars on one axis, which is from `lowest` to `highest` and holds zero, every weight and every interval.

    `heaviest` is the largest absolute weight. `on_one_axis` makes all of these.
    """

    bars: tuple[Bar, ...]
    heaviest: float
    lowest: float
    highest: float

    @property
    def seen(self) -> tuple[Bar, ...]:
        """The bars that are heavy enough to be seen in a picture beside the heaviest."""
        return tuple(bar for bar in self.bars if abs(bar.weight) >= 0.005 * self.heaviest > 0)

    def strength(self, bar: Bar) -> str:
        """A bar's size beside the heaviest, between 0 and 1, for a style attribute."""
        return f"{abs(bar.weight) / (self.heaviest or 1.0):.2f}"

    @property
    def has_intervals(self) -> bool:
        """Whether any component has an interval."""
        return any(bar.interval for bar in self.bars)


@dataclass(frozen=True)
class LabelSummary(Bars):
    """One explained label: what the model and the surrogate say, and the weights."""

    name: str
    heading: str
    towards: str
    away: str
    prediction: str
    local_prediction: str
    fidelity: str
    fidelity_meaning: str

    @property
    def remark(self) -> str:
        """What the model and the surrogate say, and how far the one follows the other, in a sentence or two."""
        said = f"Model {self.prediction}, surrogate {self.local_prediction}"
        return f"{said}. Fidelity {self.fidelity} (held-out weighted R²): {self.fidelity_meaning}."


@dataclass(frozen=True)
class Fact:
    """A figure that says how far to trust the explanation: its name, its value, and what that means."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Summary:
    """An explanation as any renderer tells it; `more_outputs` counts the outputs left out."""

    outputs: tuple[Output, ...]
    more_outputs: int
    labels: tuple[LabelSummary, ...]
    level: str
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...]


def number(value: float, *, signed: bool = False, decimals: int | None = None) -> str:
    """A number as a person reads it: three significant digits, or all its digits before the point up to a thousand million.

    Parameters
    ----------
    value : float
        Any number, finite or not.
    signed : bool
        Whether a positive number gets its sign too.
    decimals : int, optional
        So many digits after the point instead, for a number below a thousand million.

    Examples
    --------
    >>> from limelight.renderers._summary import number
    >>> number(0.15678), number(12345.6), number(2.5e-07), number(0.25, signed=True, decimals=2)
    ('0.157', '12346', '2.50e−7', '+0.25')
    """
    if math.isnan(value):
        return "NaN"
    size = abs(value)
    sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
    if math.isinf(value):
        digits = "\N{INFINITY}"
    elif decimals is not None and size < LARGEST:
        digits = f"{size:.{decimals}f}"
        # What rounds to nothing has no sign to speak of.
        sign = sign if float(digits) else ""
    elif size == 0:
        digits = "0"
    elif 1e-4 <= size < 999.5:
        digits = f"{size:#.3g}".rstrip(".")
    elif 999.5 <= size < LARGEST:
        digits = f"{size:.0f}"
    else:
        mantissa, _, exponent = f"{size:.2e}".partition("e")
        digits = f"{mantissa}e{MINUS if exponent.startswith('-') else ''}{abs(int(exponent))}"
    return sign + digits


def column_decimals(heaviest: float) -> int | None:
    """How many decimals give the heaviest of a column of numbers three digits; None where they are better not aligned."""
    return max(0, 2 - math.floor(math.log10(heaviest))) if 1e-4 <= heaviest < LARGEST else None


def probability(value: float) -> str:
    """A probability with three decimals; one that is nearly, but not, 0 or 1 is never rounded to it."""
    if 0 < value < 0.001:
        return "< 0.001"
    if 0.999 < value < 1:
        return "> 0.999"
    return f"{value:.3f}" if 0 <= value <= 1 else number(value)


def summarise(explanation: Explanation) -> Summary:
    """Choose what is shown of an explanation and put it in words.

    Parameters
    ----------
    explanation : Explanation
        Any explanation.

    Returns
    -------
    summary : Summary
        Plain data; the texts that came from the user are as they came, for the renderer to make safe.
    """
    explained = set(explanation.labels)
    values = explanation.predictions
    # The explained outputs first, so that they are shown even where many others are larger.
    ranked = sorted(range(len(values)), key=lambda i: -math.inf if math.isnan(values[i]) else values[i], reverse=True)
    shown = set(sorted(ranked, key=lambda i: i not in explained)[:MOST_OUTPUTS])
    probabilities = explanation.output_kind == "probabilities"
    outputs = tuple(
        Output(
            name=output_name(explanation.output_names, i, explanation.output_kind),
            text=output_value(values[i], explanation.output_kind),
            share=values[i] if probabilities else None,
            explained=i in explained,
        )
        for i in ranked
        if i in shown
    )
    return Summary(
        outputs=outputs,
        more_outputs=len(values) - len(outputs),
        labels=tuple(_label(explanation, surrogate) for surrogate in explanation.surrogates),
        level=f"{min(99.9, 100 * explanation.confidence):.3g} %",
        facts=_facts(explanation),
        warnings=tuple(notice.message for notice in explanation.warnings),
    )


def output_name(names: Sequence[str], label: int, output_kind: str) -> str:
    """The name of one of the model's outputs; where that is only its number, with a word before it."""
    name = names[label]
    if name != str(label):
        return name
    if output_kind == "probabilities":
        return f"class {name}"
    return f"output {name}" if len(names) > 1 else "the output"


def output_value(value: float, output_kind: str) -> str:
    """What the model said of one of its outputs."""
    return probability(value) if output_kind == "probabilities" else number(value)


def _label(explanation: Explanation, surrogate: Surrogate) -> LabelSummary:
    name = output_name(explanation.output_names, surrogate.label, explanation.output_kind)
    probabilities = explanation.output_kind == "probabilities"
    decimals = column_decimals(max(map(abs, surrogate.weights), default=0.0))
    bars = tuple(
        make_bar(component, explanation.names[component], weight, low, high, decimals)
        for component, weight, low, high in zip(
            surrogate.components, surrogate.weights, surrogate.lows, surrogate.highs, strict=True
        )
    )
    return LabelSummary(
        name=name,
        heading="For and against" if probabilities else "What raises and lowers",
        towards="for" if probabilities else "raises",
        away="against" if probabilities else "lowers",
        prediction=output_value(explanation.predictions[surrogate.label], explanation.output_kind),
        local_prediction=number(surrogate.local_prediction),
        fidelity=fidelity_text(surrogate.fidelity),
        fidelity_meaning=_fidelity_meaning(surrogate.fidelity),
        **on_one_axis(bars),
    )


def on_one_axis(bars: tuple[Bar, ...]) -> dict[str, Any]:
    """What `Bars` are made of."""
    ends = [0.0, *(end for bar in bars for end in (bar.weight, bar.low, bar.high) if end is not None and math.isfinite(end))]
    heaviest = max((abs(bar.weight) for bar in bars), default=0.0)
    return {"bars": bars, "heaviest": heaviest, "lowest": min(ends), "highest": max(ends)}


def make_bar(
    component: int, name: str, weight: float, low: float, high: float, decimals: int | None, *, signed: bool = True
) -> Bar:
    """A bar with its numbers written, `signed` where they may be of either sign; an interval that is not finite is none."""
    text = number(weight, signed=signed, decimals=decimals)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Bar(component, name, weight, None, None, text, "")
    ends = (number(end, signed=signed, decimals=decimals) for end in (low, high))
    return Bar(component, name, weight, low, high, text, f"[{', '.join(ends)}]")


def fidelity_text(fidelity: float) -> str:
    """A fidelity with two decimals, if it is one."""
    if math.isnan(fidelity):
        return "unknown"
    return f"{max(0.0, fidelity):.2f}" if fidelity > -0.005 else number(fidelity)


def _fidelity_meaning(fidelity: float) -> str:
    if math.isnan(fidelity):
        return "the output did not vary nearby, or nothing could be held out to measure on"
    if fidelity <= 0:
        return "the surrogate follows the model nearby no better than a constant would"
    return f"the surrogate follows {min(99.9, 100 * fidelity):.3g} % of the model's variation nearby"


def _facts(explanation: Explanation) -> tuple[Fact, ...]:
    samples, inputs = explanation.num_samples, explanation.num_inputs
    return (
        Fact(
            "effective sample size",
            number(explanation.effective_sample_size),
            f"what the {samples} perturbations are worth once weighted by proximity",
        ),
        Fact("model inputs", str(inputs), "distinct inputs that the model was asked about"),
        Fact(
            "converged",
            "yes" if explanation.converged else "no",
            "every weight's interval is within the tolerance"
            if explanation.converged
            else "some weight's interval is wider than the tolerance, or there is none",
        ),
    )
