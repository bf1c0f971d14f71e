"""Whether two explanations can be compared, and the differences of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import NamedTuple

import numpy as np

from limelight._checks import check_names, list_outputs
from limelight.collection.comparison import Comparison, WeightDifference
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.explanation import Explanation, Surrogate
from limelight.results.jackknife import as_array, critical_value, half_widths_of, is_certain, widening_of

__all__ = ["compare_pair", "read_names"]

_REPLICATES = 8  # of any design
# Of the heaviest weight: the penalty, rounding, and components that are not listed leave traces that small in equal effects.
_LEAST_SHARE = 0.01
# What two explanations must have in common besides their instance: what the perturbations and the weights' meaning depend on.
_SETTINGS = (
    *("explainer", "settings", "kernel", "kernel_width", "distance", "link", "feature_selection", "regressor", "alpha"),
    *("random_state", "version", "nominal_draws", "content", "prior"),
)
_ADVICE = {
    "kernel_width": "give both explainers the same kernel_width; locality as a number finds one for each model",
    "random_state": "give both explainers the same random_state",
    "nominal_draws": "give both calls the same num_samples",
    "content": "the perturbations were drawn from other data",
    "prior": "give both calls the same prior",
    "link": "give both calls the same link",
}


def read_names(names: object) -> tuple[str, str]:
    """What two models are called.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If they are not two different names.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ArgumentTypeError(f"names must be a sequence of two names, one for each model; got {names!r:.80}.")
    first, second = check_names("names", names, 2)
    if first == second:
        raise ArgumentError(f"names must differ, so that the models can be told apart; got {first!r:.80} twice.")
    return first, second


def compare_pair(first: Explanation, second: Explanation, names: tuple[str, str]) -> Comparison:
    """Compare two explanations of one instance; see `limelight.compare`.

    Raises
    ------
    ArgumentError
        If they cannot be compared.
    """
    _check_comparable(first, second)
    labels = tuple(label for label in first.labels if label in second.labels)
    if not labels:
        explained = [list_outputs((label, one.output_names[label]) for label in one.labels) for one in (first, second)]
        raise ArgumentError(
            f"the explanations have no label in common: the first explains {explained[0]}, the second {explained[1]}. Give "
            "both calls the same labels."
        )
    confidence = max(first.confidence, second.confidence)
    compared = [_compare_label(first, second, label, confidence) for label in labels]
    return Comparison(
        first, second, names, labels, confidence, tuple(one[0] for one in compared), tuple(one[1] for one in compared)
    )


def _check_comparable(first: Explanation, second: Explanation) -> None:
    """Refuse explanations of other instances, outputs or settings, and say what differs."""
    if first.id is not None and second.id is not None and first.id != second.id:
        raise ArgumentError(f"the explanations are of other instances: their ids are {first.id!r:.60} and {second.id!r:.60}.")
    if first.names != second.names:
        only = [[name for name in one.names if name not in other.names] for one, other in ((first, second), (second, first))]
        listed = ", ".join(repr(name)[:80] for name in (*only[0][:3], *only[1][:3])) or "their order"
        raise ArgumentError(f"the explanations have other components, so that they are of other instances: {listed}.")
    if first.view != second.view:
        raise ArgumentError("the explanations are of other instances: their components have the same names and other values.")
    if first.output_kind != second.output_kind:
        raise ArgumentError(
            f"the models' outputs were taken for {first.output_kind} and for {second.output_kind}, so that weights have other "
            "units."
        )
    if first.output_names != second.output_names:
        raise ArgumentError(
            f"the models have other outputs: {_list(first.output_names)}, and {_list(second.output_names)}. Where they mean "
            "the same, give the explainer class_names."
        )
    for name in _SETTINGS:
        own, other = getattr(first.provenance, name), getattr(second.provenance, name)
        if own != other:
            advice = _ADVICE.get(name, "use one explainer for both")
            raise ArgumentError(
                f"the explanations were made with other settings, {name}={own!r:.60} and {name}={other!r:.60}, so that the "
                f"models did not answer the same perturbations, or weights mean something else: {advice}."
            )
    designs = {one.provenance.design for one in (first, second) if not one.is_exact}
    if len(designs) > 1:
        raise ArgumentError(f"the perturbations are of other designs, {_list(sorted(designs))}: use one explainer.")


def _list(names: Sequence[str]) -> str:
    listed = [repr(name)[:40] for name in names[:6]]
    return ", ".join([*listed, *["..."] * (len(names) > len(listed))])


def _compare_label(
    first: Explanation, second: Explanation, label: int, confidence: float
) -> tuple[str, tuple[WeightDifference, ...]]:
    """Where the intervals come from, and the difference of each component that one of both lists."""
    own, other = (_Weights.of(one.surrogate(label), one.confidence) for one in (first, second))
    both = [component for component in own.places if component in other.places]
    method, half_widths = own.half_widths_of_differences(other, both, confidence)
    half_width_of = dict(zip(both, half_widths.tolist(), strict=True))
    heaviest = max((abs(weight) for one in (own, other) for weight in one.weights), default=0.0)
    found = []
    for component in dict.fromkeys([*own.places, *other.places]):
        weights = own.weight(component), other.weight(component)
        difference, half_width = weights[0] - weights[1], half_width_of.get(component, nan)
        found.append(
            WeightDifference(
                component=component,
                name=first.names[component],
                first=weights[0],
                second=weights[1],
                difference=difference,
                low=difference - half_width,
                high=difference + half_width,
                is_certain=not isnan(half_width) and abs(difference) > half_width + _LEAST_SHARE * heaviest,
                listed="both" if component in half_width_of else "first" if component in own.places else "second",
            )
        )
    return method, tuple(sorted(found, key=lambda one: (isnan(one.difference), -abs(one.difference))))


class _Weights(NamedTuple):
    """The weights of a surrogate: the places of components in it, and how its fit changes without each replicate."""

    places: dict[int, int]
    weights: tuple[float, ...]
    half_widths: np.ndarray
    left_out: np.ndarray
    widening: float
    confidence: float
    is_certain: bool

    @classmethod
    def of(cls, surrogate: Surrogate, confidence: float) -> _Weights:
        return cls(
            places={component: place for place, component in enumerate(surrogate.components)},
            weights=surrogate.weights,
            half_widths=(np.array(surrogate.highs) - np.array(surrogate.lows)) / 2,
            left_out=as_array(surrogate.left_out, len(surrogate.weights))[:, 1:],
            widening=widening_of(surrogate, confidence),
            confidence=confidence,
            is_certain=is_certain(surrogate),
        )

    def weight(self, component: int) -> float:
        return self.weights[self.places[component]] if component in self.places else 0.0

    def half_widths_of_differences(self, other: _Weights, both: list[int], confidence: float) -> tuple[str, np.ndarray]:
        """Where the intervals come from, and how far they reach to each side, for components that both list.

        The level is corrected for their number (Bonferroni). The replicates of two explanations are drawn together: replicate i
        of one has the perturbations of replicate i of the other, or the first of them. So pairs of replicates are independent
        of each other, and leaving out pairs gives the errors of differences.
        """
        places, other_places = [self.places[one] for one in both], [other.places[one] for one in both]
        if self.is_certain and other.is_certain:
            return "exact", np.zeros(len(both))
        level = 1 - (1 - confidence) / max(1, len(both))
        own = 0.0 if self.is_certain else self.left_out[:, places]
        others = 0.0 if other.is_certain else other.left_out[:, other_places]
        counts = {len(one.left_out) for one in (self, other) if not one.is_certain}
        unknown = np.isnan(np.where(self.is_certain, 0.0, self.half_widths[places])) | np.isnan(
            np.where(other.is_certain, 0.0, other.half_widths[other_places])
        )
        if len(counts) == 1 and counts != {0}:
            widening = max(1.0 if one.is_certain else np.nan_to_num(one.widening, nan=1.0) for one in (self, other))
            return "paired", np.where(unknown, np.nan, widening * half_widths_of(np.asarray(own - others), level))
        at_level = critical_value(level, _REPLICATES)
        added = sum(
            one.half_widths[own_places] * (at_level / critical_value(one.confidence, _REPLICATES))
            for one, own_places in ((self, places), (other, other_places))
        )
        return "bound", np.asarray(added)
