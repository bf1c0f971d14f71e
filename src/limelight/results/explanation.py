"""The result: one frozen `Explanation`; every list, frame, JSON text and page is a pure function of it."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from limelight._checks import Label, check_id, check_label, check_ordered, find_output, list_outputs, own_arithmetic
from limelight.exceptions import ArgumentError, ArgumentTypeError, LabelError, LimelightError
from limelight.results._notice import Notice
from limelight.results._rendering import RenderingMixin
from limelight.results._surrogate import Surrogate
from limelight.results.convergence import Convergence, find_convergence
from limelight.results.equality import EqualityMixin
from limelight.results.files import atomic_file, check_ending, read_bytes
from limelight.results.json_values import check_types, plain, read_object, restore
from limelight.results.provenance import Provenance
from limelight.results.removal import Removal, find_removed, predict_without
from limelight.results.verdict import Verdict, judge
from limelight.results.view_registry import view_from_dict
from limelight.results.views import View

__all__ = ["Explanation", "Notice", "Provenance", "Surrogate", "check_consistency"]

SCHEMA_VERSION = 2
_LARGEST_COUNT = 2**63 - 1  # that Parquet files can hold


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(RenderingMixin, EqualityMixin):
    """Why a model said what it said about one instance.

    An explainer's ``explain_instance`` makes it. It holds plain data only and never changes.

    Attributes
    ----------
    surrogates : tuple of Surrogate
        One for each explained label, in the order asked for.
    names : tuple of str
        A name for every interpretable component, reported or not.
    view : View
        The instance as a renderer sees it.
    predictions : tuple of float
        The model's outputs for the instance, all of them.
    output_names : tuple of str
        A name for each output: class names, or the outputs' numbers as texts.
    output_kind : {"probabilities", "scores"}
        What the model's outputs were taken for.
    default_label : int
        The label meant where none is given.
    num_samples : int
        How many perturbations the surrogates were fitted on, the instance included; of an exact explanation, how many the
        model was checked on.
    num_inputs : int
        How many distinct inputs the model was asked about.
    effective_sample_size : float
        Kish's effective number of perturbations under LIME's own sampling law [1]_; of perturbations that are drawn from this
        law weighted by a narrow kernel, that of their weights in the fit.
    confidence : float
        The level of the weights' intervals.
    converged : bool
        Whether every reported weight's interval is within the tolerance that the explainer was given; or, of an explainer with
        a `certainty`, whether each reported component is that certain to be among the heaviest and to have the right sign.
    id : str or None
        What identifies the instance, if the user says so. No number depends on it.
    provenance : Provenance
        How it was made: the version, and all settings that its numbers depend on. Like the id it does not count when two
        explanations are compared, which are equal if they say the same.
    notices : tuple of Notice
        What a reader should know: alerts first, then cautions, then information.

    References
    ----------
    .. [1] L. Kish, "Survey Sampling", 1965, section 8.2: (sum w)^2 / sum w^2.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explainer = TextExplainer(class_names=["ham", "spam"])
    >>> explanation = explainer.explain_instance(
    ...     "cheap pills for you", lambda texts: [[1 - ("pills" in text), "pills" in text] for text in texts]
    ... )
    >>> [(name, round(weight, 2)) for name, weight in explanation.as_list()[:1]]
    [('pills', 1.0)]
    """

    surrogates: tuple[Surrogate, ...]
    names: tuple[str, ...]
    view: View
    predictions: tuple[float, ...]
    output_names: tuple[str, ...]
    output_kind: str
    default_label: int
    num_samples: int
    num_inputs: int
    effective_sample_size: float
    confidence: float
    converged: bool
    provenance: Provenance = field(compare=False)
    notices: tuple[Notice, ...]
    id: str | None = field(default=None, compare=False)

    @property
    def kernel_width(self) -> float:
        """The width of the kernel, in the distance's unit."""
        return self.provenance.kernel_width

    @property
    def kernel_share(self) -> float:
        """How local the kernel is: the share of LIME's own perturbations that it keeps, as an effective sample size."""
        return self.provenance.kernel_share

    @property
    def alpha(self) -> float:
        """The ridge penalty."""
        return self.provenance.alpha

    @property
    def random_state(self) -> int:
        """The seed."""
        return self.provenance.random_state

    @property
    def is_exact(self) -> bool:
        """Whether the weights are those that infinitely many perturbations would give: nothing was left to chance."""
        return self.provenance.design in Verdict.EXACT_DESIGNS

    @property
    def is_comparison(self) -> bool:
        """Whether the labels are two models and their difference, as `Comparison.side_by_side` gives them."""
        return any(notice.code == "comparison" for notice in self.notices)

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that were explained, in the order asked for."""
        return tuple(surrogate.label for surrogate in self.surrogates)

    @property
    def unit(self) -> str:
        """What weights and intercepts are in: "log-odds" with ``link="logit"``, else "probability" or "score"."""
        if self.provenance.link == "logit":
            return "log-odds"
        return "probability" if self.output_kind == "probabilities" else "score"

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """The notices that speak against trusting the explanation as it is: alerts and cautions."""
        return tuple(notice for notice in self.notices if notice.level != "information")

    def with_id(self, id: object) -> Self:
        """The same explanation, with what identifies its instance: a text or a number; None for nothing.

        Raises
        ------
        ArgumentTypeError
            If the id is a collection.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> explanation.with_id(17).id
        '17'
        """
        return replace(self, id=check_id(id))

    def surrogate(self, label: Label | None = None) -> Surrogate:
        """The surrogate of one label, by default of `default_label`.

        Parameters
        ----------
        label : int or str, optional
            An explained output: an int is its number, a str its name.

        Raises
        ------
        ArgumentTypeError
            If the label is neither a number nor a name.
        LabelError
            If the label was not explained, or several outputs have the name.
        """
        number: int | None = self.default_label
        if label is not None:
            label = check_label("label", label)
            number = find_output(label, self.output_names)
        for surrogate in self.surrogates:
            if surrogate.label == number:
                return surrogate
        explained = list_outputs((number, self.output_names[number]) for number in self.labels)
        has_output = number is not None and 0 <= number < len(self.output_names)
        advice = "An int is an output's number, a str its name."
        if has_output:
            advice = f"Give labels=[{label!r}] to explain_instance."
        raise LabelError(f"label {label!r} was not explained; explained: {explained}. {advice}")

    def verdict(self, label: Label | None = None) -> Verdict:
        """How far to trust what is said of one explained label, by default of `default_label`: a level and a sentence.

        Parameters
        ----------
        label : int or str, optional
            An explained output, by its number or name.

        Raises
        ------
        LabelError
            If the label was not explained.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
        >>> print(explanation.verdict())
        Good: these 3 words explain 99.9 % of what the model does nearby; the weights are exact.
        """
        surrogate = self.surrogate(label)
        return judge(surrogate, self.view, self.notices, is_exact=self.is_exact, converged=self.converged)

    def convergence(self, label: Label | None = None) -> Convergence:
        """How well the weights of one explained label are settled, by default of `default_label`: yes, nearly or no.

        It means the same whether "auto" found the number of perturbations or the user gave it.

        Parameters
        ----------
        label : int or str, optional
            An explained output, by its number or name.

        Raises
        ------
        LabelError
            If the label was not explained.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> def model(texts):
        ...     return [len(text.split()) % 5 for text in texts]
        >>> text = "to be or not to be, that is the question"
        >>> TextExplainer().explain_instance(text, model, num_samples=100).convergence().level
        'no'
        """
        surrogate = self.surrogate(label)
        says_nothing = not self.converged and not any(surrogate.weights)  # all 0, of an output that varies
        is_known = not says_nothing and not any(notice.code == "unknown_weights" for notice in self.notices)
        return find_convergence(surrogate, self.provenance.tolerance, is_known=is_known)

    def as_list(self, label: Label | None = None, *, positions: bool = False) -> list[tuple[str, float]]:
        """Component names and weights of one explained label, by default of `default_label`; heaviest first.

        Parameters
        ----------
        label : int or str, optional
            An explained output: an int is its number, a str its name.
        positions : bool, default False
            For texts, whether each word is followed by where it begins, wherever it stands, as in lime: ``good_0-12``.

        Raises
        ------
        ArgumentError
            If there are no positions, because the instance is no text.
        LabelError
            If the label was not explained.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("so so good", lambda texts: ["good" in text for text in texts])
        >>> [name for name, weight in explanation.as_list(positions=True)]
        ['good_6', 'so_0-3']
        """
        surrogate = self.surrogate(label)
        names = self._names_with_positions() if positions else self.names
        return [(names[number], weight) for number, weight in zip(surrogate.components, surrogate.weights, strict=True)]

    def _names_with_positions(self) -> list[str]:
        """Each component's word, or its name if it has none, and where it begins; with its column where it has one."""
        starts, words, columns = self.view.positions(), self.view.values(), self.view.columns()
        if not starts:
            raise ArgumentError(f"positions=True is for words of a text; this explains a {self.view.kind}. Leave it out.")
        stems = words if columns == words else {number: f"{columns[number]}: {words[number]}" for number in starts}
        return [
            f"{stems[number]}_{'-'.join(map(str, starts[number]))}" if number in starts else name
            for number, name in enumerate(self.names)
        ]

    def as_map(self) -> dict[int, list[tuple[int, float]]]:
        """For each explained label, component numbers and weights, heaviest first."""
        return {
            surrogate.label: list(zip(surrogate.components, surrogate.weights, strict=True)) for surrogate in self.surrogates
        }

    @own_arithmetic()
    def without(self, *components: str | int, label: Label | None = None) -> Removal:
        """What the surrogate predicts when components are removed: the local prediction less their weights, with its interval.

        The model is not asked; `Explainer.ask_without` gives its answer beside this.

        Parameters
        ----------
        *components : str or int
            Which to remove: a str is a component's name, the word or column that it alone is about, or the name of its group of
            columns; an int is its number. One that is not listed counts with a weight of 0, and `Removal.unlisted` says so.
        label : int or str, optional
            An explained output, by its number or name; by default `default_label`.

        Returns
        -------
        removal : Removal
            The prediction and its interval, from the weights' joint error, beside those of the whole instance.

        Raises
        ------
        ArgumentError
            If there is no such component, or several are called so; if weights are slopes, as in tables without bins; or if
            this is a comparison of two models.
        ArgumentTypeError
            If a component is given as neither a str nor an int.
        LabelError
            If the label was not explained.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance(
        ...     "good old film", lambda texts: [0.1 + 0.5 * ("good" in text) + 0.2 * ("old" in text) for text in texts]
        ... )
        >>> round(explanation.without("good").prediction, 1)
        0.3
        """
        surrogate = self.surrogate(label)
        if self.is_comparison:
            raise ArgumentError(
                "not available, because this explanation compares two models: it has no components to remove from one model. "
                "Take the comparison's first or second explanation."
            )
        removed = find_removed(components, self.names, self.view.columns())
        promise = predict_without(surrogate, removed, self.confidence, self.notices)
        return Removal(
            label=surrogate.label,
            output_name=self.output_names[surrogate.label],
            unit=self.unit,
            components=removed,
            names=tuple(self.names[number] for number in removed),
            unlisted=tuple(self.names[number] for number in removed if number not in surrogate.components),
            local_prediction=surrogate.local_prediction,
            prediction=promise.prediction,
            low=promise.prediction - promise.half_width,
            high=promise.prediction + promise.half_width,
            change=promise.change,
            change_low=promise.change - promise.change_half_width,
            change_high=promise.change + promise.change_half_width,
            confidence=self.confidence,
            model_prediction=self.predictions[surrogate.label],
        )

    def to_dict(self) -> dict[str, Any]:
        """The whole explanation in JSON's types, NaN as None; `from_dict` is the inverse."""
        data = {field.name: plain(getattr(self, field.name)) for field in fields(self) if field.name != "view"}
        return {"schema": SCHEMA_VERSION, **data, "view": self.view.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Explanation":
        """Rebuild an explanation from what `to_dict` gave.

        Raises
        ------
        ArgumentError
            If the data are of another schema, or not an explanation's.
        ArgumentTypeError
            If they are no mapping.
        """
        if not isinstance(data, Mapping):
            raise ArgumentTypeError(f"data must be a mapping, as to_dict gives it; got {type(data).__name__}.")
        if data.get("schema") != SCHEMA_VERSION:
            raise ArgumentError(
                f"this version of limelight reads explanations of schema {SCHEMA_VERSION}; got schema "
                f"{data.get('schema')!r:.80}."
            )
        try:
            values = {name: restore(value) for name, value in data.items() if name != "schema"}
            values["view"] = view_from_dict(data["view"])
            values["id"] = data["id"]
            values["surrogates"] = tuple(Surrogate.from_dict(surrogate) for surrogate in data["surrogates"])
            values["provenance"] = Provenance(**data["provenance"])
            values["notices"] = tuple(Notice(**notice) for notice in data["notices"])
            explanation = cls(**values)
            check_types(explanation, cls)
            check_consistency(explanation)
        except LimelightError:
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise ArgumentError(f"the data are not a valid explanation of schema {SCHEMA_VERSION}: {error}.") from error
        return explanation

    def to_json(self) -> str:
        """The whole explanation as JSON text.

        Raises
        ------
        ArgumentError
            If it holds infinite numbers, which JSON lacks.
        """
        try:
            return json.dumps(self.to_dict(), allow_nan=False)
        except ValueError as error:
            raise ArgumentError(f"the explanation cannot be written as JSON: {error}.") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the explanation to a JSON file, which `load` reads.

        Parameters
        ----------
        path : str or path
            Where to, here or at an address such as ``s3://bucket/why.json``; its name ends in ``.json``. An existing file is
            replaced when the new one is complete.

        Raises
        ------
        ArgumentError
            If the name ends otherwise, or there is no such folder.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from limelight import Explanation, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     explanation.save(pathlib.Path(folder) / "why.json")
        ...     Explanation.load(pathlib.Path(folder) / "why.json") == explanation
        True
        """
        advice = "save_to_file writes pages and pictures, Explanations.of([explanation]).save(...) Parquet files."
        check_ending(path, (".json",), "the data of an explanation", advice)
        with atomic_file(path) as file:
            file.write(self.to_json().encode("utf-8"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Explanation":
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path
            A ``.json`` file, here or at an address.

        Raises
        ------
        ArgumentError
            If there is no such file, or it is not an explanation's JSON.
        """
        advice = "Explanations.load reads Parquet files; pages and pictures cannot be read back."
        check_ending(path, (".json",), "the data of an explanation", advice)
        return cls.from_json(read_bytes(path))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Explanation":
        """Rebuild an explanation from `to_json`'s text.

        Raises
        ------
        ArgumentError
            If the text is not an explanation's JSON.
        """
        return cls.from_dict(read_object(text))

    def _restricted_to(self, labels: Label | Iterable[Label] | None) -> Self:
        if labels is None:
            return self
        check_ordered("labels", labels)
        several = labels if isinstance(labels, Iterable) and not isinstance(labels, str) else (labels,)
        surrogates = tuple(dict.fromkeys(map(self.surrogate, several)))
        if not surrogates:
            raise ArgumentError("labels must name at least one explained label; got none. Leave it out for all.")
        default = self.surrogate() if self.surrogate() in surrogates else surrogates[0]
        return replace(self, surrogates=surrogates, default_label=default.label)


Explanation.__module__ = "limelight"  # where users import it from


def check_consistency(explanation: Explanation) -> None:
    """Check that the explanation has every label, component and output that it refers to.

    Raises
    ------
    ArgumentError
        If it lacks one.
    """
    components = {number for surrogate in explanation.surrogates for number in surrogate.components}
    outputs = set(range(len(explanation.predictions)))
    has_labels = {explanation.default_label} <= set(explanation.labels) <= outputs
    has_components = components <= explanation.view.values().keys() and len(explanation.names) > max(components, default=-1)
    has_counts = all(0 <= count <= _LARGEST_COUNT for count in (explanation.num_samples, explanation.num_inputs))
    if not (has_labels and has_components and has_counts and len(explanation.output_names) == len(outputs)):
        raise ArgumentError("the explanation's labels, components and outputs do not match.")
