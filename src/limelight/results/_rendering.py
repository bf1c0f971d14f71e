"""What can be made of an explanation: pages, pictures, frames and texts, by renderers that are looked up by name."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from io import TextIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self, overload

from limelight._checks import Label, check_flag, own_arithmetic
from limelight._registry import Registry
from limelight.exceptions import ArgumentError, ArgumentTypeError, LimeNames, MissingDependencyError, require, unknown_name
from limelight.results.files import Place, atomic_file, locate

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
        "pdf": "limelight.renderers.pdf:render_pdf",
        "png": "limelight.renderers.png:render_png",
        "svg": "limelight.renderers.svg:render_svg",
        "terminal": "limelight.renderers.terminal:render_text",
    },
)
# These take options of their own as well.
CONVERTERS = Registry(
    "converter",
    {
        "faithfulness_frame": "limelight.renderers.faithfulness_frame:make_frame",
        "faithfulness_plot": "limelight.renderers.faithfulness_plot:draw_faithfulness",
        "figure": "limelight.renderers.figure:draw",
        "frame": "limelight.renderers.frame:make_frame",
        "shap": "limelight.renderers.shap:make_shap",
    },
)

_MOST_PRINTED_LABELS = 5  # of the outputs that a model may have by the thousand
_FILE_RENDERERS = ("html", "htm", "png", "svg", "pdf")  # whose names are also endings of files


class RenderingMixin(LimeNames, ABC):
    """The methods of `Explanation` that show it or make something else of it."""

    default_label: int

    @property
    @abstractmethod
    def labels(self) -> tuple[int, ...]:
        """The labels that were explained."""

    @abstractmethod
    def _restricted_to(self, labels: Label | Iterable[Label] | None) -> Self:
        """The explanation of some of its labels, in their order; None for all."""

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """All weights as a table, a row for each label and component.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns label, component, name, value, weight, low, high; sign_probability, top_probability, best_rank and
            worst_rank (see `Surrogate`); for texts also position: where a word first begins, counted in characters from 0. Lone
            surrogates, which frames cannot hold, are written as in Python: ``\\ud800``.

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

    @own_arithmetic()
    def to_shap(self, label: Label | None = None) -> shap.Explanation:
        """One label's weights as a ``shap.Explanation``, for shap's plots; the weights are LIME's, not Shapley values.

        Parameters
        ----------
        label : int or str, optional
            An explained label, by its number or name; by default `default_label`.

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

    @own_arithmetic()
    def render(self, name: str, labels: Label | Iterable[Label] | None = None) -> Any:
        """What a renderer makes of the explanation.

        Parameters
        ----------
        name : str
            One of limelight's renderers, "html", "html_fragment", "markdown", "pdf", "png", "svg" or "terminal", or one that
            was registered with ``limelight.extend.register("renderer", name, function)``.
        labels : int, str, or sequence of them, optional
            Which explained labels to show, by number or name, in this order; by default all.

        Returns
        -------
        rendering : object
            What the renderer returns: limelight's return a str, or the bytes of a PNG or PDF file.

        Raises
        ------
        ArgumentError
            If there is no such renderer.
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

    def as_html(self, labels: Label | Iterable[Label] | None = None, *, fragment: bool = False) -> str:
        """A self-contained page: nothing is loaded from anywhere, and everything from the user's data is escaped.

        Parameters
        ----------
        labels : int, str, or sequence of them, optional
            Which explained labels to show, by number or name, in this order; by default all.
        fragment : bool, default False
            Whether to give one ``div`` to put into another page instead. Its style touches nothing outside it, it has no ids,
            and several on one page do not disturb each other. A script makes its controls; where the host removes scripts, as
            JupyterLab does in a notebook that is not trusted, there are none, and where it removes style sheets, the bars stay.

        Returns
        -------
        html : str

        Raises
        ------
        ArgumentTypeError
            If `fragment` is not a bool.
        LabelError
            If a label was not explained.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> explanation.as_html(fragment=True).split()[0]
        '<div'
        """
        is_fragment = check_flag("fragment", fragment)
        html: str = self.render("html_fragment" if is_fragment else "html", labels)
        return html

    def save_to_file(
        self,
        path: str | os.PathLike[str] | IO[bytes] | IO[str],
        labels: Label | Iterable[Label] | None = None,
        *,
        format: str | None = None,
    ) -> None:
        """Write the explanation to a file or a buffer: `as_html`'s page, a picture, or what a registered renderer makes of it.

        Parameters
        ----------
        path : str, path, or file-like
            Where to, here or at an address such as ``s3://bucket/why.html``; an existing file is replaced when the new one is
            complete. A name that ends in ``.html`` or ``.htm``, or has no ending, gets a page;
            ``.png``, ``.svg`` and ``.pdf`` get a picture of any explanation: images, series and drawings with their parts
            tinted, texts with their words tinted, and the weights as bars. The name of a registered renderer is an ending too:
            ``why.dot`` is written by the renderer "dot". A buffer, such as ``io.BytesIO()``, needs `format`.
        labels : int, str, or sequence of them, optional
            Which explained labels to show, by number or name, in this order; by default all.
        format : {"html", "png", "svg", "pdf"} or the name of a registered renderer, optional
            What to write; by default what the ending of `path` says.

        Raises
        ------
        ArgumentError
            If the ending or the format is another one, they contradict each other, or a buffer comes without a format.
        ArgumentTypeError
            If `path` is neither a path nor writable, a registered renderer returns neither str nor bytes, or a buffer of text
            would get bytes.
        LabelError
            If a label was not explained.
        MissingDependencyError
            If a picture needs a package that is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> import io, pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     explanation.save_to_file(pathlib.Path(folder) / "film.html")
        >>> buffer = io.BytesIO()
        >>> explanation.save_to_file(buffer, format="png")
        >>> buffer.getvalue()[1:4]
        b'PNG'
        """
        target = _check_target(path)
        name = _choose_renderer(target, format)
        contents = self.render(name, labels)
        if not isinstance(contents, (str, bytes)):
            raise ArgumentTypeError(
                f"the renderer {name!r} must return str or bytes to be written to a file; got {type(contents).__name__}. "
                f"explanation.render({name!r}) gives it as it is."
            )
        if isinstance(target, Place) and target.is_stream:
            Path(target.path).write_bytes(_encode(contents))
        elif isinstance(target, Place):
            with atomic_file(target.name) as file:
                file.write(_encode(contents))
        elif not (isinstance(target, TextIOBase) or hasattr(target, "encoding")):
            target.write(_encode(contents))
        elif isinstance(contents, str):
            target.write(contents)
        else:
            raise ArgumentTypeError(f"a {name} file consists of bytes; give a buffer of bytes, such as io.BytesIO().")

    def to_markdown(self) -> str:
        """The weights as Markdown tables, for issues and model cards; nothing in them is markup, a link or a mention.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
        >>> print(explanation.to_markdown().splitlines()[6])
        | component | weight |
        """
        text: str = self.render("markdown")
        return text

    @own_arithmetic()
    def plot(self, label: Label | None = None, ax: Axes | None = None) -> Axes:
        """Draw one label's weights with matplotlib: bars with their intervals, an image's overlay, a series with its segments.

        Parameters
        ----------
        label : int or str, optional
            An explained label, by its number or name; by default `default_label`.
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

    def as_pyplot_figure(self, label: Label | None = None) -> Figure | SubFigure:
        """`plot`'s new figure of one explained label, by default `default_label`; lime's name for it."""
        return self.plot(label).figure

    def show_in_notebook(self, labels: Label | Iterable[Label] | None = None) -> None:
        """Display the explanation in a notebook, from any line of a cell; in a terminal, print it.

        Parameters
        ----------
        labels : int, str, or sequence of them, optional
            Which explained labels to show, by number or name, in this order; by default all.

        Raises
        ------
        LabelError
            If a label was not explained.
        MissingDependencyError
            If IPython is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
        >>> explanation.show_in_notebook(labels=[0])  # doctest: +ELLIPSIS
        output: model 1.00, ...
        """
        require("IPython.display", extra="notebook", purpose="show_in_notebook").display(self._restricted_to(labels))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {}
        renderers = {"text/html": self._repr_html_, "text/markdown": self.to_markdown, "text/plain": self.__repr__}
        for mime_type, render in renderers.items():
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


def _check_target(path: Any) -> Any:
    """The `Place`, or the file-like object, to write to.

    Raises
    ------
    ArgumentTypeError
        If it is neither.
    """
    if isinstance(path, (str, os.PathLike)):
        return locate(path)
    if callable(getattr(path, "write", None)):
        return path
    raise ArgumentTypeError(f"path must be a path, or a buffer such as io.BytesIO(); got {path!r:.80}.")


def _choose_renderer(target: Any, file_format: str | None) -> str:
    """The name of the renderer that the format, or the ending of a file's name, asks for.

    Raises
    ------
    ArgumentError
        If there is none, or the two ask for different ones.
    """
    allowed = (*_FILE_RENDERERS, *RENDERERS.added())
    chosen = None if file_format is None else _find_name(file_format, allowed)
    if file_format is not None and chosen is None:
        raise unknown_name("format", file_format, allowed)
    if not isinstance(target, Place):
        if chosen is None:
            raise ArgumentError(f"a buffer has no ending that says what to write: give format=, one of {', '.join(allowed)}.")
        return chosen
    ending = Path(target.path).suffix[1:]
    named = _find_name(ending, allowed)
    if chosen is None:
        if named is None and ending:
            endings = ", ".join(f".{name}" for name in allowed)
            advice = " save() writes JSON." if ending.lower() == "json" else ""
            raise ArgumentError(f"an explanation's file ends in {endings}; got {target.name!r}.{advice}")
        return named or "html"
    if named not in (None, chosen) and {named, chosen} != {"html", "htm"}:
        raise ArgumentError(f"the file's ending and format={file_format!r} must agree; got {target.name!r}.")
    return chosen


def _find_name(name: Any, allowed: tuple[str, ...]) -> str | None:
    """The allowed name that this is, whatever its case; None if it is none of them."""
    variants = (name, name.lower()) if isinstance(name, str) else ()
    return next((variant for variant in variants if variant in allowed), None)


def _encode(contents: str | bytes) -> bytes:
    return contents if isinstance(contents, bytes) else contents.encode("utf-8")
