"""Two models on one instance: where they differ, and which weights differ by more than chance in the perturbations."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from limelight._checks import Label, own_arithmetic
from limelight.collection._rendering import RENDERERS
from limelight.results.equality import EqualityMixin
from limelight.results.explanation import Explanation, Notice, Surrogate
from limelight.results.files import atomic_file
from limelight.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["Comparison", "WeightDifference"]

_PAGES = ("", ".html", ".htm")


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
        Whether the models differ here: the whole interval is further from 0 than 1 % of the label's heaviest weight, since the
        penalty and unlisted components leave small differences between weights of equal effects.
    listed : {"both", "first", "second"}
        Which of the explanations list the component.

    Examples
    --------
    >>> from limelight import TextExplainer, compare
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> compare(explanation, explanation).differences()[0].is_certain
    False
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
        The level of the differences' intervals, which are wider the more of them a label has (Bonferroni's correction).
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

        Its labels are the first model, the second, and the first less the second.

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
        unknown = (nan,) * len(known)
        difference = Surrogate(
            label=2,
            components=tuple(one.component for one in known),
            weights=tuple(one.difference for one in known),
            lows=tuple(one.low for one in known),
            highs=tuple(one.high for one in known),
            sign_probabilities=unknown,
            top_probabilities=unknown,
            best_ranks=unknown,
            worst_ranks=unknown,
            intercept=surrogates[0].intercept - surrogates[1].intercept,
            local_prediction=surrogates[0].local_prediction - surrogates[1].local_prediction,
            fidelity=nan,
            fidelity_error=nan,
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
            notices=(*_join_notices(pair, self.names), _note_labels(self.names)),
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


def _join_provenance(first: Provenance, second: Provenance) -> Provenance:
    designs = dict.fromkeys((first.design, second.design))
    return replace(first, design=" and ".join(designs))


def _note_labels(names: tuple[str, str]) -> Notice:
    """What the labels of an explanation of two models are; it stands last, since it is information."""
    text = f"Labels 0 and 1 are two models, {names[0]!r:.40} and {names[1]!r:.40}; label 2 is the first less the second."
    return Notice("comparison", text, "information")


def _join_notices(pair: tuple[Explanation, Explanation], names: tuple[str, str]) -> tuple[Notice, ...]:
    """The notices of both, those of one alone with its model's name; by level, alerts first."""
    own, other = pair
    found = [notice for notice in own.notices if notice in other.notices]
    for name, one in zip(names, pair, strict=True):
        found += [replace(notice, message=f"{name}: {notice.message}") for notice in one.notices if notice not in found]
    return Notice.in_reading_order(found)
