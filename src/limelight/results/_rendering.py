"""What can be made of an explanation: pages, pictures, frames and texts, by renderers that are looked up by name."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from limelight._registry import Registry
from limelight.exceptions import ArgumentError, ArgumentTypeError, MissingDependencyError, require

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import shap
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["RenderingMixin"]

# Each of these takes an explanation and nothing else.
RENDERERS = Registry(
    "renderer",
    {
        "htm": "limelight.renderers.html:render_page",
        "html": "limelight.renderers.html:render_page",
        "html_fragment": "limelight.renderers.html:render_fragment",
        "markdown": "limelight.renderers.markdown:render_markdown",
        "png": "limelight.renderers.png:render_png",
        "svg": "limelight.renderers.svg:render_svg",
        "terminal": "limelight.renderers.terminal:render_text",
    },
)
# These take options of their own as well.
CONVERTERS = Registry(
    "converter",
    {
        "figure": "limelight.renderers.figure:draw",
        "frame": "limelight.renderers.frame:make_frame",
        "shap": "limelight.renderers.shap:make_shap",
    },
)

_MOST_PRINTED_LABELS = 5  # of the outputs that a model may have by the thousand
_FILE_RENDERERS = ("html", "htm", "png", "svg")  # whose names are also endings of files


class RenderingMixin(ABC):
    """The methods of `Explanation` that show it or make something else of it."""

    default_label: int

    @property
    @abstractmethod
    def labels(self) -> tuple[int, ...]:
        """The labels that were explained."""

    @abstractmethod
    def _restricted_to(self, labels: Iterable[int] | None) -> Self:
        """The explanation of some of its labels, in their order; None for all."""

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """All weights as a table, a row for each label and component.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns label, component, name, value, weight, low, high; for texts also position: where a word first begins,
            counted in characters from 0.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> explanation.to_frame("polars")["name"].to_list()
        ['good', 'film']
        """
        return CONVERTERS.load("frame")(self, backend)

    def to_shap(self, label: int | None = None) -> shap.Explanation:
        """One label's weights as a ``shap.Explanation``, for shap's plots; the weights are LIME's, not Shapley values.

        Parameters
        ----------
        label : int, optional
            An explained label; by default `default_label`.

        Returns
        -------
        explanation : shap.Explanation
            ``values`` are the weights of all components, 0 where none was reported; ``lower_bounds`` and ``upper_bounds`` are
            the ends of their intervals, if there are any; ``data`` is what the instance has there, as texts. ``base_values``
            and all values together add up to the surrogate's local prediction. So it is the intercept where components are
            present or absent. Columns of a row without bins have slopes for weights; their base has no meaning of its own.

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
        return CONVERTERS.load("shap")(self, label)

    def render(self, name: str, labels: Iterable[int] | None = None) -> Any:
        """What a renderer makes of the explanation.

        Parameters
        ----------
        name : str
            One of limelight's renderers, "html", "html_fragment", "markdown", "png", "svg" or "terminal", or one that was
            registered with ``limelight.extend.register("renderer", name, function)``.
        labels : sequence of int, optional
            Which explained labels to show, in this order; by default all.

        Returns
        -------
        rendering : object
            What the renderer returns: limelight's return a str, or the bytes of a PNG file.

        Raises
        ------
        ArgumentError
            If there is no such renderer, or it cannot draw this kind of instance.
        LabelError
            If a label was not explained.
        MissingDependencyError
            If the renderer needs a package that is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer, extend
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> extend.register("renderer", "sentence", lambda explanation: f"{explanation.as_list()[0][0]!r} weighs most.")
        >>> explanation.render("sentence")
        "'good' weighs most."
        """
        return RENDERERS.load(name)(self._restricted_to(labels))

    def as_html(self, labels: Iterable[int] | None = None) -> str:
        """A self-contained page: nothing is loaded from anywhere, and everything from the user's data is escaped.

        Parameters
        ----------
        labels : sequence of int, optional
            Which explained labels to show, in this order; by default all.

        Raises
        ------
        LabelError
            If a label was not explained.
        """
        page: str = self.render("html", labels)
        return page

    def save_to_file(self, path: str | os.PathLike[str], labels: Iterable[int] | None = None) -> None:
        """Write the explanation to a file: `as_html`'s page, or what the renderer for the file's ending makes of it.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced. A name that ends in ``.html`` or ``.htm``, or has no ending, gets a page,
            ``.png`` a picture of an explained image, and ``.svg`` one of a series. The name of a registered renderer is an
            ending too: ``why.dot`` is written by the renderer "dot".
        labels : sequence of int, optional
            Which explained labels to show, in this order; by default all.

        Raises
        ------
        ArgumentError
            If the file's ending is another one, or this kind of instance has no such picture.
        ArgumentTypeError
            If a registered renderer returns neither str nor bytes.
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
        name = _renderer_for(Path(path))
        contents = self.render(name, labels)
        if not isinstance(contents, (str, bytes)):
            raise ArgumentTypeError(
                f"the renderer {name!r} must return str or bytes to be written to a file; got {type(contents).__name__}. "
                f"explanation.render({name!r}) gives it as it is."
            )
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
        text: str = self.render("markdown")
        return text

    def plot(self, label: int | None = None, ax: Axes | None = None) -> Axes:
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
        axes: Axes = CONVERTERS.load("figure")(self, label, ax)
        return axes

    def as_pyplot_figure(self, label: int | None = None) -> Figure | SubFigure:
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
        require("IPython.display", extra="notebook", purpose="show_in_notebook").display(self._restricted_to(labels))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {}
        for mime_type, render in {"text/html": self._repr_html_, "text/plain": self.__repr__}.items():
            if (not include or mime_type in include) and mime_type not in (exclude or ()):
                # An image has no picture without Pillow, but still a text; a notebook then asks `_repr_html_` and shows why.
                with suppress(MissingDependencyError):
                    bundle[mime_type] = render()
        return bundle

    def _repr_html_(self) -> str:
        fragment: str = self.render("html_fragment")
        return fragment

    def __repr__(self) -> str:
        shown, labels = [*self.labels[:_MOST_PRINTED_LABELS]], len(self.labels)
        if self.default_label not in shown:
            shown[-1] = self.default_label
        text: str = self.render("terminal", shown)
        if len(shown) == labels:
            return text
        return f'{text}\n{labels - len(shown)} more outputs are explained; print(explanation.render("terminal")) shows all.'


def _renderer_for(path: Path) -> str:
    """The name of the renderer that the ending of a file's name asks for.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    allowed = (*_FILE_RENDERERS, *RENDERERS.added())
    ending = path.suffix[1:] or "html"
    for name in (ending, ending.lower()):
        if name in allowed:
            return name
    endings = [f".{name}" for name in allowed]
    raise ArgumentError(f"an explanation's file ends in {', '.join(endings)}; got {str(path)!r}.")
