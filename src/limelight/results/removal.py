"""What the surrogate predicts for an instance without some of its components, beside what the model says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import exp, fsum, isnan, nan
from operator import index
from typing import NamedTuple

import numpy as np

from limelight._checks import list_names
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results._notice import Notice
from limelight.results._surrogate import Surrogate
from limelight.results.equality import EqualityMixin
from limelight.results.jackknife import as_array, half_widths_of, is_certain, widening_of

__all__ = ["Removal", "find_removed", "has_states", "predict_without", "to_probability"]

_OF_SLOPES = ("slopes", "missing_as_mean")  # codes of notices that rows with columns without bins have
_ROUNDING_SHARE = 1e-9  # of the terms: a sum that is further from the local prediction has other terms


@dataclass(frozen=True, eq=False, repr=False)
class Removal(EqualityMixin):
    """What the surrogate predicts without some components; `Explanation.without` and `Explainer.ask_without` give it.

    A part that is removed is absent: a word is gone, a superpixel or a segment shows the filling. A column of a row cannot be
    absent: it takes another state (another bin, another category) than the row's own, and what is predicted is the mean over
    such states.

    Attributes
    ----------
    label : int
        The number of the model's output.
    output_name : str
        Its name.
    unit : {"probability", "log-odds", "score"}
        What all predictions here are: with ``link="logit"`` log-odds; otherwise the model's output itself.
    components : tuple of int
        The removed components' numbers.
    names : tuple of str
        Their names.
    unlisted : tuple of str
        Those of them that the explanation does not list: their weights count as 0, although they need not be.
    local_prediction : float
        What the surrogate says for the whole instance.
    prediction : float
        What it says without the components: the local prediction less their weights. A linear model of probabilities may leave
        the range from 0 to 1.
    low, high : float
        The ends of the prediction's interval, which says how far chance in the perturbations may have moved it. It does not
        say how well a linear model follows the model here. NaN where it is not known.
    change : float
        By how much the prediction changes: minus the sum of the weights.
    change_low, change_high : float
        The ends of its interval, from the joint error of these weights; NaN where it is not known.
    confidence : float
        The intervals' level.
    model_prediction : float
        What the model says for the whole instance.
    answer : float
        What the model says without the components, in the same unit: for a row the mean over rows in which these columns have
        other states, with all other columns as they are. NaN where it was not asked.
    answer_error : float
        The standard error of that mean; 0 where a single input is the whole answer, NaN where the model was not asked.
    answer_probability : float
        The answer as a probability, the mean of probabilities for a row; NaN for scores, or where the model was not asked.
    num_inputs : int
        How many inputs without the components the model was asked about.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explanation = TextExplainer().explain_instance(
    ...     "good old film", lambda texts: [0.1 + 0.5 * ("good" in text) + 0.2 * ("old" in text) for text in texts]
    ... )
    >>> removal = explanation.without("good", "old")
    >>> round(removal.local_prediction, 1), round(removal.prediction, 1)
    (0.8, 0.1)
    """

    label: int
    output_name: str
    unit: str
    components: tuple[int, ...]
    names: tuple[str, ...]
    unlisted: tuple[str, ...]
    local_prediction: float
    prediction: float
    low: float
    high: float
    change: float
    change_low: float
    change_high: float
    confidence: float
    model_prediction: float
    answer: float = nan
    answer_error: float = nan
    answer_probability: float = nan
    num_inputs: int = 0

    @property
    def probability(self) -> float:
        """The surrogate's prediction as a probability: log-odds turned into one; NaN for scores."""
        return to_probability(self.prediction, self.unit)

    @property
    def expected(self) -> float:
        """What the model should say without the components, if the weights hold: what it says of the instance, plus the change.

        A short list leaves out what other components do, so that all of the surrogate's predictions may be off by the same
        amount, and its changes not.
        """
        return self.model_prediction + self.change

    def __repr__(self) -> str:
        unit = "" if self.unit == "log-odds" else f", as a {self.unit}"
        interval = _write_interval(self.low, self.high, self.confidence)
        of_change = _write_interval(self.change_low, self.change_high, self.confidence)
        lines = [
            f"{self.output_name!r} without {list_names(self.names)}{unit}",
            f"  surrogate: {self._write(self.local_prediction)} for the whole instance, {self._write(self.prediction)} "
            f"without, {interval}",
            f"  change: {self.change:+.4g}, {of_change}",
            f"  model: {self._write(self.model_prediction)} for the whole instance; without, {self._write(self.expected)} is "
            f"expected and {self._state_answer()}",
        ]
        if self.unlisted:
            lines.append(f"  not listed by the explanation, so that the weight counts as 0: {list_names(self.unlisted)}")
        if self.unit == "probability" and not 0 <= self.prediction <= 1:
            lines.append("  the surrogate is linear, and leaves the range of probabilities here")
        return "\n".join(lines)

    def _write(self, value: float) -> str:
        if self.unit != "log-odds":
            return f"{value:.4g}"
        return f"{value:.4g} (probability {to_probability(value, self.unit):.3g})"

    def _state_answer(self) -> str:
        if not self.num_inputs:
            return "it was not asked"
        if self.answer_error == 0:
            return f"it says {self._write(self.answer)}"
        written = f"{self.answer:.4g}"
        if self.unit == "log-odds":
            written += f" (mean probability {self.answer_probability:.3g})"
        rows = "1 row" if self.num_inputs == 1 else f"the mean of {self.num_inputs} rows"
        error = "unknown error" if isnan(self.answer_error) else f"a standard error of {self.answer_error:.2g}"
        return f"it says {written}, {rows} with {error}"


def _write_interval(low: float, high: float, confidence: float) -> str:
    if isnan(low):
        return "interval not known"
    return "exact" if low == high else f"{100 * confidence:.3g} % interval [{low:.4g}, {high:.4g}]"


Removal.__module__ = "limelight"  # where users import it from


def to_probability(value: float, unit: str) -> float:
    """A value of this unit as a probability; NaN for a score."""
    if unit == "log-odds":
        return 1 / (1 + exp(-value)) if value > 0 else exp(value) / (1 + exp(value))
    return value if unit == "probability" else nan


def find_removed(wanted: Sequence[object], names: Sequence[str], features: Mapping[int, str]) -> tuple[int, ...]:
    """The numbers of the components that a user names, each once, in the order of the arguments.

    A text is a component's name, the word or column that it alone is about, or the name of its group of columns.

    Parameters
    ----------
    wanted : sequence of object
        What the user gave: a text is a name, an integer a component's number.
    names : sequence of str
        The names of all components.
    features : mapping of int to str
        For components' numbers, the words or columns that they are about.

    Raises
    ------
    ArgumentError
        If there are none, or one of them names no component, or several.
    ArgumentTypeError
        If one of them is neither a text nor an integer.
    """
    if not wanted:
        raise ArgumentError(
            "name at least one component to remove; got none. The local prediction is that of the whole instance."
        )
    return tuple(dict.fromkeys(find_component(one, names, features) for one in wanted))


def find_component(wanted: object, names: Sequence[str], features: Mapping[int, str]) -> int:
    """The number of one component that a user names; see `find_removed`."""
    if not isinstance(wanted, str):
        return _check_number(wanted, len(names))
    found = [number for number, name in enumerate(names) if name == wanted]
    found = found or [number for number, feature in sorted(features.items()) if feature == wanted]
    found = found or [number for number, feature in sorted(features.items()) if _is_group(wanted, names[number], feature)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ArgumentError(
            f"{wanted!r:.80} is the name of several components, {_list_numbered(found, names)}: give a number, or a name that "
            "only one of them has."
        )
    near = get_close_matches(wanted[:200], [name[:200] for name in names], n=5, cutoff=0.5)
    candidates = [number for number, name in enumerate(names) if name[:200] in near] or list(range(len(names)))
    advice = "similar" if near else "there are"
    raise ArgumentError(f"no component is called {wanted!r:.80}; {advice}: {_list_numbered(candidates, names)}.")


def _is_group(wanted: str, name: str, columns: str) -> bool:
    """Whether a component is a group of columns that is called so; a single column's name may hold the same signs."""
    return ", " in columns and not name.startswith(columns) and name.startswith((f"{wanted}: ", f"{wanted}="))


def _check_number(wanted: object, count: int) -> int:
    try:
        number = index(wanted)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(wanted, bool):
        raise ArgumentTypeError(f"a component is given by its name or its number, one argument for each; got {wanted!r:.80}.")
    if not 0 <= number < count:
        raise ArgumentError(f"components are numbered from 0 to {count - 1}; got {number}.")
    return number


def _list_numbered(numbers: Sequence[int], names: Sequence[str]) -> str:
    listed = [f"{number} ({names[number]!r:.80})" for number in numbers[:10]]
    return ", ".join([*listed, *["..."] * (len(numbers) > len(listed))])


class Promise(NamedTuple):
    """What a surrogate predicts without some components; each half-width says how far an interval reaches to each side.

    Attributes
    ----------
    prediction, half_width : float
        The surrogate's prediction.
    change, change_half_width : float
        By how much it differs from the local prediction.
    """

    prediction: float
    half_width: float
    change: float
    change_half_width: float


def has_states(surrogate: Surrogate, notices: Sequence[Notice]) -> bool:
    """Whether all components are on or off, so that the intercept and all weights add up to the local prediction.

    Slopes do not: they are multiplied by the row's values. A row's notices say that it has them, also where none is listed.
    """
    if any(notice.code in _OF_SLOPES for notice in notices):
        return False
    terms = [surrogate.intercept, *surrogate.weights]
    size = fsum(map(abs, (*terms, surrogate.local_prediction)))
    return abs(fsum(terms) - surrogate.local_prediction) <= _ROUNDING_SHARE * size


def predict_without(surrogate: Surrogate, removed: Sequence[int], confidence: float, notices: Sequence[Notice]) -> Promise:
    """What the surrogate predicts without some components.

    Raises
    ------
    ArgumentError
        If weights are slopes, which have no state that could be removed.
    """
    is_removed = np.isin(surrogate.components, removed)
    weights = np.array(surrogate.weights)
    if not has_states(surrogate, notices):
        raise ArgumentError(
            "not available, because columns without bins have slopes for weights: such a column has a value, and no state that "
            "could be removed. Explain with discretize_continuous=True."
        )
    prediction = fsum([surrogate.intercept, *weights[~is_removed]])
    change = 0.0 - fsum(weights[is_removed])  # no minus before zero
    # What was not listed counts as 0, but its weight is not known.
    of_unlisted = 0.0 if set(removed) <= set(surrogate.components) else np.nan
    if is_certain(surrogate):
        return Promise(prediction, 0.0, change, of_unlisted)
    left_out = as_array(surrogate.left_out, len(weights))
    sums = np.column_stack(
        [left_out[:, 0] + left_out[:, 1:][:, ~is_removed].sum(axis=1), left_out[:, 1:][:, is_removed].sum(axis=1)]
    )
    half_width, change_half_width = half_widths_of(sums, confidence) * widening_of(surrogate, confidence)
    if not np.isfinite([*surrogate.lows, *surrogate.highs]).all():
        half_width = change_half_width = np.nan
    return Promise(prediction, float(half_width), change, float(change_half_width + of_unlisted))
