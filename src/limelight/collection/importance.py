"""How much each feature weighs over many explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from limelight._checks import check_choice, own_arithmetic
from limelight.collection._rendering import RENDERERS
from limelight.collection.arrow import arrow, escape, to_backend
from limelight.collection.weights import TableSource, read_weights
from limelight.results.equality import EqualityMixin

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from matplotlib.axes import Axes

__all__ = ["Importance", "compute_importance"]

_CONFIDENCE = 0.95
_REPR_FEATURES = 10


@dataclass(frozen=True, eq=False, repr=False)
class Importance(EqualityMixin):
    """How much each feature weighs over many explanations, heaviest first; see `Explanations.importance`.

    Attributes
    ----------
    kind : {"mean_abs", "sqrt"}
        What the values are: the mean of ``|weight|``, in units of the model's output, or the root of its sum.
    by : {"feature", "name"}
        What counts as a feature: the column or columns that a component is about, or its name.
    count : int
        The number of explanations that have the label.
    features : tuple of str
        The features that at least one of them reports.
    values : tuple of float
        The importance of each feature.
    lows, highs : tuple of float
        The ends of each value's 95 % interval; NaN for a single explanation.
    reported : tuple of int
        How many explanations report each feature.

    Examples
    --------
    >>> from limelight import Explanations, TextExplainer
    >>> explainer = TextExplainer()
    >>> texts = ("good film", "a good plot", "so so")
    >>> entries = [explainer.explain_instance(text, lambda texts: ["good" in text for text in texts]) for text in texts]
    >>> importance = Explanations.of(entries).importance()
    >>> importance.count, importance.features[0], importance.reported[0]
    (3, 'good', 2)
    """

    kind: str
    by: str
    count: int
    features: tuple[str, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    reported: tuple[int, ...]

    def as_list(self) -> list[tuple[str, float]]:
        """Features and their importance, heaviest first."""
        return list(zip(self.features, self.values, strict=True))

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """The importance as a table, a row for each feature.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns feature (or name, as `by` says), importance, low, high, reported.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.
        """
        pa = arrow()
        numbers = {"importance": self.values, "low": self.lows, "high": self.highs}
        columns = {
            self.by: pa.array(map(escape, self.features), pa.string()),
            **{name: pa.array(values, pa.float64()) for name, values in numbers.items()},
            "reported": pa.array(self.reported, pa.int64()),
        }
        return to_backend(pa.table(columns), backend)

    @own_arithmetic()
    def plot(self, ax: Axes | None = None, *, num_features: int = 20) -> Axes:
        """Draw the importance with matplotlib: a bar with its interval for each feature, the heaviest on top.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to; by default the axes of a new figure.
        num_features : int, default 20
            How many features to draw at most.

        Returns
        -------
        ax : matplotlib.axes.Axes

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If `num_features` is not an integer of at least 1.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> importance = Explanations.of([explanation]).importance()
        >>> ax = importance.plot(Figure().subplots())
        >>> [tick.get_text() for tick in ax.get_yticklabels()]
        ['good', 'film']
        """
        axes: Axes = RENDERERS.load("importance_plot")(self, ax, num_features)
        return axes

    @own_arithmetic()
    def _repr_html_(self) -> str:
        fragment: str = RENDERERS.load("importance")(self)
        return fragment

    @own_arithmetic()
    def __repr__(self) -> str:
        rows = [f"{value:10.4g}  {feature!r}" for feature, value in self.as_list()[:_REPR_FEATURES]]
        more = len(self.features) - _REPR_FEATURES
        return "\n".join(
            [f"Importance ({self.kind}) in {self.count} explanations:", *rows, *[f"... and {more} more"] * (more > 0)]
        )


Importance.__module__ = "limelight"  # where users import it from


def compute_importance(explanations: TableSource, label: int | str | None, by: str, kind: str) -> Importance:
    """Add up the weights of each feature; see `Explanations.importance`."""
    from scipy.special import stdtrit

    check_choice("kind", kind, ("mean_abs", "sqrt"))
    weights = read_weights(explanations, label, by)
    count = int(weights.explained.sum())
    sizes = np.abs(weights.weights)
    unit = sizes.max(initial=0, where=np.isfinite(sizes)) or 1.0  # the squares of huge weights would overflow
    matrix = weights.matrix(sizes / unit)

    def add_up(values: np.ndarray | None) -> np.ndarray:
        """The sum of values, one for each entry of the matrix, by feature; None counts the entries."""
        return np.bincount(matrix.indices, values, minlength=len(weights.features))

    means = add_up(matrix.data) / count
    with np.errstate(divide="ignore", invalid="ignore"):  # no interval for one explanation, or values that are not finite
        variances = np.maximum(add_up(matrix.data**2) - count * means**2, 0) / (count - 1)
        among_instances = stdtrit(count - 1, (1 + _CONFIDENCE) / 2) * np.sqrt(variances / count)
        # As if all weights of a feature erred alike, as they do where instances share their perturbations.
        of_weights = add_up(weights.matrix(weights.half_widths / unit).data) / count
        half_widths = np.hypot(among_instances, of_weights)
        columns = [unit * column for column in (means, np.maximum(means - half_widths, 0), means + half_widths)]
    if kind == "sqrt":
        columns = [np.sqrt(count * column) for column in columns]
    order = np.argsort(-means, kind="stable")
    values, lows, highs = (tuple(column[order].tolist()) for column in columns)
    features, reported = tuple(weights.features[i] for i in order), tuple(add_up(None)[order].tolist())
    return Importance(kind, by, count, features, values, lows, highs, reported)
