"""Two models on one instance: where they differ, and which weights differ by more than chance in the perturbations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from limelight._checks import Label, check_names, list_outputs, own_arithmetic
from limelight.collection._rendering import RENDERERS
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.equality import EqualityMixin
from limelight.results.explanation import Explanation, Notice, Surrogate
from limelight.results.files import atomic_file
from limelight.results.jackknife import as_array, critical_value, half_widths_of, is_certain, widening_of
from limelight.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["Comparison", "WeightDifference", "compare_pair", "read_names"]

_REPLICATES = 8  # of any design
_ROUNDING_SHARE = 1e-6  # of the heaviest weight: what models that answer in other batches may differ by
_PAGES = ("", ".html", ".htm")
# What two explanations must have in common besides their instance: what the perturbations and the weights' meaning depend on.
_SETTINGS = (
    *("explainer", "settings", "kernel", "kernel_width", "distance", "link", "feature_selection", "regressor", "alpha"),
    *("random_state", "version", "nominal_draws", "content"),
)
_ADVICE = {
    "random_state": "give both explainers the same random_state",
    "nominal_draws": "give both calls the same num_samples",
    "content": "the perturbations were drawn from other data",
    "link": "give both calls the same link",
}


class WeightDifference(NamedTuple):
    """How the weight of a component differs between two models.

    Attributes
    ----------
    component : int
        The component's number.
    name : str
        Its name.
    first, second : float
        Its weights; 0 where an explanation does not list it.
    difference : float
        The first less the second.
    low, high : float
        The ends of the difference's interval; NaN where it is not known, as for a component that only one explanation lists.
    is_certain : bool
        Whether the models differ here by more than chance in the perturbations: the interval does not hold 0.
    listed : {"both", "first", "second"}
        Which of the explanations list the component.
    """

    component: int
    name: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    is_certain: bool
    listed: str


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(EqualityMixin):
    """Two models on one instance, asked about the same perturbations; `compare` and `compare_models` give it.

    Attributes
    ----------
    first, second : Explanation
        What was compared.
    names : tuple of str
        What the two models are called.
    labels : tuple of int
        The labels that both explain.
    confidence : float
        The level at which all intervals of a label's differences hold together.
    methods : tuple of str
        For each label, where the intervals come from: "paired", the errors of the differences themselves, since both models
        answered the same perturbations; "exact", where neither has any; "bound", both errors added, where one is not known in
        such detail.
    weights : tuple of tuple of WeightDifference
        For each label its components, those whose weights differ most first.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> explainer = TextExplainer()
    >>> def old(texts):
    ...     return ["good" in text for text in texts]
    >>> def new(texts):
    ...     return ["film" in text for text in texts]
    >>> comparison = compare(*(explainer.explain_instance("good film", model) for model in (old, new)), names=("old", "new"))
    >>> [(name, round(difference, 2)) for name, difference in comparison.as_list()]
    [('good', 1.0), ('film', -1.0)]
    """

    first: Explanation
    second: Explanation
    names: tuple[str, str]
    labels: tuple[int, ...]
    confidence: float
    methods: tuple[str, ...]
    weights: tuple[tuple[WeightDifference, ...], ...]

    @property
    def default_label(self) -> int:
        """The label meant where none is given: the first explanation's, if both explain it."""
        return self.first.default_label if self.first.default_label in self.labels else self.labels[0]

    def differences(self, label: Label | None = None) -> tuple[WeightDifference, ...]:
        """The components of one label, by default of `default_label`; those whose weights differ most first.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        return self.weights[self.labels.index(self.number(label))]

    def as_list(self, label: Label | None = None, *, certain: bool = False) -> list[tuple[str, float]]:
        """Component names and the differences of their weights, largest first.

        Parameters
        ----------
        label : int or str, optional
            A label that both explain, by its number or name; by default `default_label`.
        certain : bool, default False
            Whether to leave out those that may be due to chance in the perturbations.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        return [(one.name, one.difference) for one in self.differences(label) if one.is_certain or not certain]

    def number(self, label: Label | None = None) -> int:
        """The number of a label that both explain, given as its number or name; by default `default_label`.

        Raises
        ------
        LabelError
            If one of the explanations does not explain it.
        """
        number = self.default_label if label is None else self.first.surrogate(label).label
        return self.second.surrogate(number).label

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """All differences as a table, a row for each label and component.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns label, component, name, first, second, difference, low, high, is_certain, listed.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.
        """
        return RENDERERS.load("comparison_frame")(self, backend)

    def side_by_side(self, label: Label | None = None) -> Explanation:
        """Both models' weights of one label, and their differences, as an explanation with three labels, for any renderer.

        Its labels are the first model, the second, and the first less the second. The differences' intervals hold together.

        Parameters
        ----------
        label : int or str, optional
            A label that both explain, by its number or name; by default `default_label`.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        number, pair = self.number(label), (self.first, self.second)
        surrogates = [replace(one.surrogate(number), label=which) for which, one in enumerate(pair)]
        # Where an interval is not known, the difference is none of two known weights.
        known = [one for one in self.differences(number) if one.listed == "both"]
        difference = Surrogate(
            label=2,
            components=tuple(one.component for one in known),
            weights=tuple(one.difference for one in known),
            lows=tuple(one.low for one in known),
            highs=tuple(one.high for one in known),
            intercept=surrogates[0].intercept - surrogates[1].intercept,
            local_prediction=surrogates[0].local_prediction - surrogates[1].local_prediction,
            fidelity=nan,
        )
        predictions = [one.predictions[number] for one in pair]
        output = self.first.output_names[number]
        titles = [f"{name}: {output}" for name in (*self.names, f"{self.names[0]} less {self.names[1]}")]
        return replace(
            self.first,
            surrogates=(*surrogates, difference),
            predictions=(*predictions, predictions[0] - predictions[1]),
            output_names=tuple(titles),
            output_kind="scores",
            default_label=2,
            num_samples=max(one.num_samples for one in pair),
            num_inputs=sum(one.num_inputs for one in pair),
            effective_sample_size=min(one.effective_sample_size for one in pair),
            converged=all(one.converged for one in pair),
            confidence=max(one.confidence for one in pair),
            provenance=_join_provenance(self.first.provenance, self.second.provenance),
            notices=_join_notices(pair, self.names),
        )

    @own_arithmetic()
    def as_html(self, label: Label | None = None, *, fragment: bool = False) -> str:
        """A self-contained page: a table of the differences, and both models side by side.

        Parameters
        ----------
        label : int or str, optional
            A label that both explain, by its number or name; by default `default_label`.
        fragment : bool, default False
            Whether to give one ``div`` to put into another page instead, as `Explanation.as_html` does.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        html: str = RENDERERS.load("comparison_fragment" if fragment else "comparison_page")(self, label)
        return html

    @own_arithmetic()
    def to_markdown(self) -> str:
        """The differences as Markdown tables; nothing in them is markup, a link or a mention."""
        text: str = RENDERERS.load("comparison_markdown")(self)
        return text

    def save_to_file(self, path: str | os.PathLike[str], label: Label | None = None, *, format: str | None = None) -> None:
        """Write one label's comparison to a file: `as_html`'s page, or a picture of `side_by_side`.

        Parameters
        ----------
        path : str or path
            Where to, here or at an address; as `Explanation.save_to_file` takes it.
        label : int or str, optional
            A label that both explain, by its number or name; by default `default_label`.
        format : {"html", "png", "svg", "pdf"}, optional
            What to write; by default what the ending of `path` says.

        Raises
        ------
        ArgumentError
            If the ending or the format is another one, or they contradict each other.
        LabelError
            If the label was not explained.
        MissingDependencyError
            If a picture needs a package that is not installed.
        """
        is_page = isinstance(path, (str, os.PathLike)) and Path(path).suffix.lower() in _PAGES
        if is_page and format in (None, "html", "htm"):
            page = self.as_html(label)
            with atomic_file(path) as file:
                file.write(page.encode("utf-8"))
        else:
            self.side_by_side(label).save_to_file(path, format=format)

    @own_arithmetic()
    def _repr_html_(self) -> str:
        return self.as_html(fragment=True)

    @own_arithmetic()
    def __repr__(self) -> str:
        text: str = RENDERERS.load("comparison_text")(self)
        return text


Comparison.__module__ = WeightDifference.__module__ = "limelight"  # where users import them from


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
                is_certain=not isnan(half_width) and abs(difference) > half_width + _ROUNDING_SHARE * heaviest,
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
    is_certain: bool

    @classmethod
    def of(cls, surrogate: Surrogate, confidence: float) -> _Weights:
        return cls(
            places={component: place for place, component in enumerate(surrogate.components)},
            weights=surrogate.weights,
            half_widths=(np.array(surrogate.highs) - np.array(surrogate.lows)) / 2,
            left_out=as_array(surrogate.left_out, len(surrogate.weights))[:, 1:],
            widening=widening_of(surrogate, confidence),
            is_certain=is_certain(surrogate),
        )

    def weight(self, component: int) -> float:
        return self.weights[self.places[component]] if component in self.places else 0.0

    def half_widths_of_differences(self, other: _Weights, both: list[int], confidence: float) -> tuple[str, np.ndarray]:
        """Where the intervals come from, and how far they reach to each side, for components that both list.

        All intervals together hold at the level (Bonferroni's correction). The replicates of two explanations are drawn
        together: replicate i of one has the perturbations of replicate i of the other, or the first of them. So pairs of
        replicates are independent of each other, and leaving out pairs gives the errors of differences.
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
        added = self.half_widths[places] + other.half_widths[other_places]
        return "bound", added * (critical_value(level, _REPLICATES) / critical_value(confidence, _REPLICATES))


def _join_provenance(first: Provenance, second: Provenance) -> Provenance:
    designs = dict.fromkeys((first.design, second.design))
    return replace(first, design=" and ".join(designs))


def _join_notices(pair: tuple[Explanation, Explanation], names: tuple[str, str]) -> tuple[Notice, ...]:
    """The notices of both, those of one alone with its model's name; by level, alerts first."""
    own, other = pair
    found = [notice for notice in own.notices if notice in other.notices]
    for name, one in zip(names, pair, strict=True):
        found += [replace(notice, message=f"{name}: {notice.message}") for notice in one.notices if notice not in found]
    return Notice.in_reading_order(found)
