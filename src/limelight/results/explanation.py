"""The result: one frozen `Explanation`; every list, frame, JSON text or page is a pure function of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limelight._errors import ArgumentError, ArgumentTypeError, LabelError, MissingDependencyError, require
from limelight._registry import Registry
from limelight.results._surrogate import Surrogate
from limelight.results.json_values import check_types, plain, read_object, restore
from limelight.results.views import View, view_from_dict

if TYPE_CHECKING:
    import os

__all__ = ["Explanation", "Notice", "Surrogate", "check_numbers"]

SCHEMA_VERSION = 1

RENDERERS = Registry(
    "renderer",
    {
        "figure": "limelight.renderers.figure:draw",
        "frame": "limelight.renderers.frame:make_frame",
        "html": "limelight.renderers.html:render_page",
        "html_fragment": "limelight.renderers.html:render_fragment",
        "markdown": "limelight.renderers.markdown:render_markdown",
        "png": "limelight.renderers.png:render_png",
        "shap": "limelight.renderers.shap:make_shap",
        "svg": "limelight.renderers.svg:render_svg",
        "terminal": "limelight.renderers.terminal:render_text",
    },
)


FILES = {".html": "html", ".htm": "html", "": "html", ".png": "png", ".svg": "svg"}  # the renderer for each ending


@dataclass(frozen=True)
class Notice:
    """Something a reader should know before trusting an explanation: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why a model said what it said about one instance.

    Made by an explainer's ``explain_instance``; holds plain data only and never changes.

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
        How many perturbations the surrogates were fitted on, the instance included.
    num_inputs : int
        How many distinct inputs the model was asked about.
    effective_sample_size : float
        Kish's effective number of perturbations under LIME's own sampling law [1]_.
    confidence : float
        The level of the weights' intervals.
    converged : bool
        Whether every reported weight's interval is within the tolerance that the explainer was given.
    kernel_width, alpha, random_state
        The settings that the explanation depends on, for the record.
    warnings : tuple of Notice
        What a reader should know before trusting the weights.

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
    kernel_width: float
    alpha: float
    random_state: int
    warnings: tuple[Notice, ...]

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels that were explained, in the order asked for."""
        return tuple(surrogate.label for surrogate in self.surrogates)

    def surrogate(self, label: int | None = None) -> Surrogate:
        """The surrogate of one label, by default of `default_label`.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        wanted = self.default_label if label is None else label
        for surrogate in self.surrogates:
            if surrogate.label == wanted:
                return surrogate
        explained = ", ".join(f"{known} ({self.output_names[known]})" for known in self.labels)
        raise LabelError(
            f"label {label!r} was not explained; explained: {explained}. Give labels=[{label!r}] to explain_instance."
        )

    def as_list(self, label: int | None = None) -> list[tuple[str, float]]:
        """Component names and weights of one explained label, by default of `default_label`; heaviest first.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        surrogate = self.surrogate(label)
        return [(self.names[number], weight) for number, weight in zip(surrogate.components, surrogate.weights, strict=True)]

    def as_map(self) -> dict[int, list[tuple[int, float]]]:
        """For each explained label, component numbers and weights, heaviest first."""
        return {
            surrogate.label: list(zip(surrogate.components, surrogate.weights, strict=True)) for surrogate in self.surrogates
        }

    def to_frame(self, backend: str = "pandas") -> Any:
        """All weights as a table, a row for each label and component.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns label, component, name, value, weight, low, high.
        """
        return RENDERERS.load("frame")(self, backend)

    def to_shap(self, label: int | None = None) -> Any:
        """One label's weights as a ``shap.Explanation``, for shap's plots; the weights are LIME's, not Shapley values.

        Parameters
        ----------
        label : int, optional
            An explained label; by default `default_label`.

        Returns
        -------
        explanation : shap.Explanation
            ``values`` are the weights of all components, 0 where none was reported; ``lower_bounds`` and ``upper_bounds`` the
            ends of their intervals, if there are any; ``data`` what the instance has there, as texts. ``base_values`` is such
            that with the sum of all values it makes the surrogate's local prediction: the intercept, as long as components are
            present or absent. A row's columns without bins have slopes for weights; their base has no meaning of its own.

        Raises
        ------
        LabelError
            If the label was not explained.
        MissingDependencyError
            If shap is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> explanation.to_shap().feature_names
        ['good', 'film']
        """
        return RENDERERS.load("shap")(self, label)

    def to_dict(self) -> dict[str, Any]:
        """The whole explanation in JSON's types, NaN as None; `from_dict` is the inverse."""
        data = {field.name: plain(getattr(self, field.name)) for field in fields(self) if field.name != "view"}
        return {"schema": SCHEMA_VERSION, **data, "view": self.view.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Explanation:
        """Rebuild an explanation from what `to_dict` gave.

        Raises
        ------
        ArgumentError
            If the data are of another schema, or not an explanation's.
        """
        if data.get("schema") != SCHEMA_VERSION:
            raise ArgumentError(f"an explanation of schema {SCHEMA_VERSION} was expected; got schema {data.get('schema')!r}.")
        try:
            values = {name: restore(value) for name, value in data.items() if name != "schema"}
            values["view"] = view_from_dict(data["view"])
            values["surrogates"] = tuple(Surrogate.from_dict(surrogate) for surrogate in data["surrogates"])
            values["warnings"] = tuple(Notice(**notice) for notice in data["warnings"])
            explanation = cls(**values)
            check_types(explanation, cls)
            check_numbers(explanation)
        except (KeyError, TypeError, AttributeError) as error:
            raise ArgumentError(f"this is not a whole explanation of schema {SCHEMA_VERSION}: {error}.") from error
        return explanation

    def to_json(self) -> str:
        """The whole explanation as JSON text."""
        import json

        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Explanation:
        """Rebuild an explanation from `to_json`'s text.

        Raises
        ------
        ArgumentError
            If the text is not an explanation's JSON.
        """
        return cls.from_dict(read_object(text))

    def as_html(self, labels: Iterable[int] | None = None) -> str:
        """A self-contained page: nothing is loaded from anywhere, and everything from the user's data is escaped.

        Parameters
        ----------
        labels : sequence of int, optional
            Some of the explained labels, to see only these, in this order.
        """
        page: str = RENDERERS.load("html")(self._only(labels))
        return page

    def save_to_file(self, path: str | os.PathLike[str], labels: Iterable[int] | None = None) -> None:
        """Write the explanation to a file: a picture where its name ends in ``.png`` or ``.svg``, else `as_html`'s page.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced. A ``.png`` can be drawn of an explained image, a ``.svg`` of a series.
        labels : sequence of int, optional
            Which explained labels to show, in this order; by default all.

        Raises
        ------
        ArgumentError
            If the file's ending is another one, or this kind of instance has no such picture.
        LabelError
            If a label was not explained.
        MissingDependencyError
            If a picture needs a package that is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     explanation.save_to_file(pathlib.Path(folder) / "film.html")
        """
        ending = Path(path).suffix.lower()
        if ending not in FILES:
            raise ArgumentError(f"an explanation's file ends in {', '.join(filter(None, FILES))}; got {str(path)!r}.")
        contents: str | bytes = RENDERERS.load(FILES[ending])(self._only(labels))
        Path(path).write_bytes(contents if isinstance(contents, bytes) else contents.encode("utf-8"))

    def to_markdown(self) -> str:
        """The weights as Markdown tables, for issues and model cards; nothing in them is markup, a link or a mention.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> print(explanation.to_markdown().splitlines()[4])
        | component | weight | 95 % interval |
        """
        text: str = RENDERERS.load("markdown")(self)
        return text

    def plot(self, label: int | None = None, ax: Any = None) -> Any:
        """Draw one label's weights with matplotlib: bars with their intervals, an image's overlay, a series with its segments.

        Parameters
        ----------
        label : int, optional
            An explained label; by default `default_label`.
        ax : matplotlib.axes.Axes, optional
            Where to; by default the axes of a new figure.

        Returns
        -------
        ax : matplotlib.axes.Axes

        Raises
        ------
        LabelError
            If the label was not explained.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> ax = explanation.plot(ax=Figure().subplots())
        >>> [tick.get_text() for tick in ax.get_yticklabels()]
        ['good', 'film']
        """
        return RENDERERS.load("figure")(self, label, ax)

    def as_pyplot_figure(self, label: int | None = None) -> Any:
        """`plot`'s new figure of one explained label, by default `default_label`; lime's name for it."""
        return self.plot(label).figure

    def show_in_notebook(self, labels: Iterable[int] | None = None) -> None:
        """Display the explanation in a notebook, from any line of a cell; in a terminal, print it.

        Parameters
        ----------
        labels : sequence of int, optional
            Which explained labels to show, in this order; by default all.

        Raises
        ------
        LabelError
            If a label was not explained.
        MissingDependencyError
            If IPython is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> explanation.show_in_notebook(labels=[0])  # doctest: +ELLIPSIS
        output: model 1.00, ...
        """
        require("IPython.display", extra="notebook", purpose="show_in_notebook").display(self._only(labels))

    def _only(self, labels: Iterable[int] | None) -> Explanation:
        """The explanation of some of its labels, in their order."""
        if labels is None:
            return self
        if not isinstance(labels, Iterable):
            raise ArgumentTypeError(f"labels must be a sequence of explained labels, like {[*self.labels]}; got {labels!r}.")
        surrogates = tuple(dict.fromkeys(map(self.surrogate, labels)))
        if not surrogates:
            raise ArgumentError("labels must name at least one explained label; got none. Leave it out for all.")
        default = self.surrogate() if self.surrogate() in surrogates else surrogates[0]
        return replace(self, surrogates=surrogates, default_label=default.label)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {}
        for kind, look in {"text/html": self._repr_html_, "text/plain": self.__repr__}.items():
            if (not include or kind in include) and kind not in (exclude or ()):
                # An image has no picture without Pillow, but still a text; a notebook asks `_repr_html_` then, and shows why.
                with suppress(MissingDependencyError):
                    bundle[kind] = look()
        return bundle

    def _repr_html_(self) -> str:
        fragment: str = RENDERERS.load("html_fragment")(self)
        return fragment

    def __repr__(self) -> str:
        text: str = RENDERERS.load("terminal")(self)
        return text


def check_numbers(explanation: Explanation) -> None:
    """Whether labels, components and outputs are ones that the explanation has."""
    components = {number for surrogate in explanation.surrogates for number in surrogate.components}
    outputs = set(range(len(explanation.predictions)))
    sound = {explanation.default_label} <= set(explanation.labels) <= outputs and components <= explanation.view.values().keys()
    if not sound or len(explanation.output_names) != len(outputs) or len(explanation.names) <= max(components, default=-1):
        raise ArgumentError("this is not a whole explanation: its labels, components and outputs do not fit together.")
