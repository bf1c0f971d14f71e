"""A comparison of two models, in the words and numbers in which every renderer presents it."""

from __future__ import annotations

from typing import NamedTuple

from limelight.collection.comparison import Comparison, WeightDifference
from limelight.renderers._names import show_names
from limelight.renderers._numbers import choose_decimals, format_fidelity, format_number
from limelight.renderers._summary import format_output, name_output
from limelight.results.explanation import Explanation

__all__ = ["ComparedLabel", "ComparedWeight", "lay_out_comparison"]

_MEANINGS = {
    "paired": "both models answered the same perturbations, and the intervals are those of the differences themselves",
    "exact": "nothing was left to chance",
    "bound": "the intervals add both models' errors, since the errors of the differences are not known",
}


class ComparedWeight(NamedTuple):
    """A component: its name, both weights, their difference and its interval as texts; `verdict` says what that means."""

    name: str
    first: str
    second: str
    difference: str
    interval: str
    verdict: str


class ComparedLabel(NamedTuple):
    """A label of a comparison.

    Attributes
    ----------
    output : str
        The name of the output.
    models : tuple of str
        What the two models are called.
    predictions : tuple of str
        For each model, its prediction with that of its surrogate and the fidelity.
    sentence : str
        How many weights differ, and what their intervals mean.
    rows : list of ComparedWeight
        The components.
    alerts : list of str
        What speaks against trusting one of the explanations.
    """

    output: str
    models: tuple[str, str]
    predictions: tuple[str, str]
    sentence: str
    rows: list[ComparedWeight]
    alerts: list[str]


def lay_out_comparison(comparison: Comparison, label: int | str | None) -> ComparedLabel:
    """Put one label of a comparison in words.

    Raises
    ------
    LabelError
        If the label was not explained.
    """
    number, found = comparison.number(label), comparison.differences(label)
    first, second = comparison.first, comparison.second
    names = show_names([one.name for one in found], [one.component for one in found])
    heaviest = max((abs(value) for one in found for value in (one.first, one.second, one.difference)), default=0.0)
    decimals = choose_decimals(heaviest)
    method = comparison.methods[comparison.labels.index(number)]
    compared = sum(one.listed == "both" for one in found)
    certain = sum(one.is_certain for one in found)
    level = f"{min(99.9, 100 * comparison.confidence):.3g} %"
    corrected = "" if method == "exact" else f"; {level} intervals, corrected for their number"
    shown = show_names([*comparison.names, name_output(first.output_names, number, first.output_kind)])
    return ComparedLabel(
        output=shown[2],
        models=(shown[0], shown[1]),
        predictions=(_state_predictions(first, number), _state_predictions(second, number)),
        sentence=(
            f"{certain} of {compared} weights that both list differ, by more than chance and 1 % of the heaviest weight "
            f"({_MEANINGS[method]}{corrected})." + _state_unlisted(len(found) - compared)
        ),
        rows=[_write(name, one, decimals) for name, one in zip(names, found, strict=True)],
        alerts=[notice.message for notice in comparison.side_by_side(label).notices if notice.level == "alert"],
    )


def _state_predictions(explanation: Explanation, number: int) -> str:
    surrogate = explanation.surrogate(number)
    prediction = format_output(explanation.predictions[number], explanation.output_kind)
    fidelity = format_fidelity(surrogate.fidelity, surrogate.fidelity_error)
    return f"{prediction} (surrogate {format_number(surrogate.local_prediction)}, fidelity {fidelity})"


def _state_unlisted(count: int) -> str:
    if not count:
        return ""
    components = "1 component is" if count == 1 else f"{count} components are"
    return f" {components} listed by one explanation only, so that the difference is not known."


def _write(name: str, one: WeightDifference, decimals: int | None) -> ComparedWeight:
    def signed(value: float) -> str:
        return format_number(value, is_signed=True, decimals=decimals)

    if one.listed != "both":
        own, other = (signed(one.first), "not listed") if one.listed == "first" else ("not listed", signed(one.second))
        return ComparedWeight(name, own, other, "", "", "not known")
    has_interval = one.low == one.low and one.low != one.high
    interval = f"[{signed(one.low)}, {signed(one.high)}]" if has_interval else ""
    verdict = "differs"
    if one.low != one.low:
        verdict = "not known"
    elif not one.is_certain:
        holds_zero = has_interval and one.low <= 0 <= one.high
        verdict = "may be equal" if holds_zero else "hardly differs" if one.difference else "equal"
    return ComparedWeight(name, signed(one.first), signed(one.second), signed(one.difference), interval, verdict)
