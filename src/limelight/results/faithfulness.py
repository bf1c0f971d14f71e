"""Whether the model does what an explanation says: curves without and with its components, and the weights' infidelity."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

from limelight._checks import own_arithmetic, write_count
from limelight.results._rendering import CONVERTERS
from limelight.results.equality import EqualityMixin

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from matplotlib.axes import Axes

__all__ = ["Curve", "Faithfulness"]


class Curve(NamedTuple):
    """What the model says while components are removed from the instance, or added to one without any, until all are.

    Attributes
    ----------
    counts : tuple of int
        How many components are removed, or added, at each step.
    predictions : tuple of float
        What the model says then: for a row the mean over rows in which absent columns are drawn anew.
    random : tuple of float
        The same in a random order: the mean over several such orders.
    random_errors : tuple of float
        The standard errors of these means over the orders.
    area : float
        The area under the predictions, by the trapezoidal rule, where all components together have the width 1: their mean
        height.
    area_error : float
        Its standard error over the drawn rows; 0 where nothing is drawn.
    random_area, random_area_error : float
        The mean area of the random orders, and its standard error over the orders.
    """

    counts: tuple[int, ...]
    predictions: tuple[float, ...]
    random: tuple[float, ...]
    random_errors: tuple[float, ...]
    area: float
    area_error: float
    random_area: float
    random_area_error: float


@dataclass(frozen=True, eq=False, repr=False)
class Faithfulness(EqualityMixin):
    """Whether the model does what an explanation says; `measure_faithfulness` gives it.

    A part that is absent is gone, or filled, as in the perturbations. A column of a row that is absent is drawn anew, as in the
    perturbations; so it may have the row's own state again.

    The components take their turn in the order of their weights: those that speak most for the output first, those that speak
    most against it last. What is not listed has no weight, and takes its turn between them, all at once.

    Attributes
    ----------
    label : int
        The number of the model's output.
    output_name : str
        Its name.
    unit : {"probability", "log-odds", "score"}
        What curves, areas, comprehensiveness and sufficiency are in; infidelity is in its square.
    components, names : tuple
        The listed components in the order of the curves.
    num_for : int
        How many of them speak for the output: the first ones.
    model_prediction : float
        What the model says of the whole instance.
    deletion : Curve or None
        The curve from the instance to one without any component [1]_. A low area is good. None where it is not available.
    insertion : Curve or None
        The curve from an instance without any component to the whole one [1]_. A high area is good.
    comprehensiveness, comprehensiveness_error : float
        The model's prediction less the one without the listed components that speak for the output [2]_, and its standard error
        over the drawn rows. High is good. NaN where none speaks for it.
    sufficiency, sufficiency_error : float
        The model's prediction less the one with these components alone [2]_. Near 0 is good.
    infidelity, infidelity_error : float
        The mean over LIME's law of the squared difference between what the weights of absent components add up to, and by how
        much the model's prediction falls [3]_. The weights are as they are: nothing is scaled. The kernel does not count. The
        perturbations are other ones than those that the weights were fitted to. The error is that of the mean; 0 where all
        masks were enumerated.
    infidelity_share : float
        The same as a share of the infidelity of weights that are all 0: the mean square of the falls. NaN where the model's
        prediction never changes.
    num_orders : int
        How many random orders there are.
    num_rows : int
        Over how many drawn rows predictions are means; 1 where nothing is drawn.
    num_inputs : int
        How many inputs the model was asked about.
    reason : str
        Why there are no curves; empty if there are.

    References
    ----------
    .. [1] V. Petsiuk, A. Das and K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018.
       Quantus calls the deletion curve pixel flipping; the area that it gives is not divided by the number of steps.
    .. [2] J. DeYoung et al., "ERASER: A Benchmark to Evaluate Rationalized NLP Models", ACL 2020, section 4. What they call a
       rationale is here the components that speak for the output.
    .. [3] C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. Inouye and P. Ravikumar, "On the (In)fidelity and Sensitivity of
       Explanations", NeurIPS 2019, definition 2.1.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> def model(texts):
    ...     return [0.1 + 0.5 * ("good" in text) + 0.2 * ("old" in text) for text in texts]
    >>> explainer = TextExplainer(alpha=0)
    >>> explanation = explainer.explain_instance("a good old film", model)
    >>> faithfulness = explainer.measure_faithfulness("a good old film", model, explanation)
    >>> round(faithfulness.comprehensiveness, 3), round(faithfulness.deletion.area, 2), round(faithfulness.infidelity, 3)
    (0.7, 0.24, 0.0)
    """

    label: int
    output_name: str
    unit: str
    components: tuple[int, ...]
    names: tuple[str, ...]
    num_for: int
    model_prediction: float
    deletion: Curve | None
    insertion: Curve | None
    comprehensiveness: float
    comprehensiveness_error: float
    sufficiency: float
    sufficiency_error: float
    infidelity: float
    infidelity_error: float
    infidelity_share: float
    num_orders: int
    num_rows: int
    num_inputs: int
    reason: str = ""

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """The curves as a table, a row for each step.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns curve ("deletion" or "insertion"), count, prediction, random, random_error; no rows if there are no curves.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> def model(texts):
        ...     return [0.1 + 0.5 * ("good" in text) for text in texts]
        >>> explainer = TextExplainer()
        >>> explanation = explainer.explain_instance("good film", model)
        >>> frame = explainer.measure_faithfulness("good film", model, explanation).to_frame("polars")
        >>> frame["prediction"].to_list()
        [0.6, 0.1, 0.1, 0.1, 0.6, 0.6]
        """
        return CONVERTERS.load("faithfulness_frame")(self, backend)

    @own_arithmetic()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both curves with matplotlib, beside the means of random orders with two standard errors to each side.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to; by default the axes of a new figure.

        Returns
        -------
        ax : matplotlib.axes.Axes

        Raises
        ------
        ArgumentError
            If there are no curves.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from limelight import TextExplainer
        >>> def model(texts):
        ...     return [0.1 + 0.5 * ("good" in text) for text in texts]
        >>> explainer = TextExplainer()
        >>> explanation = explainer.explain_instance("good film", model)
        >>> explainer.measure_faithfulness("good film", model, explanation).plot(Figure().subplots()).get_xlabel()
        'components removed, or added'
        """
        axes: Axes = CONVERTERS.load("faithfulness_plot")(self, ax)
        return axes

    def __repr__(self) -> str:
        unit = "in log-odds" if self.unit == "log-odds" else f"as a {self.unit}"
        lines = [f"faithfulness of the explanation of {self.output_name!r}, {unit} ({write_count(self.num_inputs, 'input')})"]
        if self.deletion is None or self.insertion is None:
            lines.append(f"  curves: {self.reason}")
        else:
            lines += [
                f"  deletion: area {_write_area(self.deletion)} (lower is better)",
                f"  insertion: area {_write_area(self.insertion)} (higher is better)",
                f"  {self._state_rationale()}",
            ]
            if self.num_rows > 1:
                lines.append(f"  predictions are means over {self.num_rows} rows, in which absent columns are drawn anew")
        written = "less than 0.1%" if 0 < self.infidelity_share < 0.0005 else f"{self.infidelity_share:.1%}"
        share = "" if isnan(self.infidelity_share) else f", {written} of that of weights of 0"
        lines.append(f"  infidelity: {_write(self.infidelity, self.infidelity_error)}{share}")
        return "\n".join(lines)

    def _state_rationale(self) -> str:
        if not self.num_for:
            return "comprehensiveness and sufficiency: not available, because no listed component speaks for the output"
        listed = "the listed component" if self.num_for == 1 else f"the {self.num_for} listed components"
        return (
            f"comprehensiveness {_write(self.comprehensiveness, self.comprehensiveness_error)}, sufficiency "
            f"{_write(self.sufficiency, self.sufficiency_error)} (of {listed} with a weight above 0)"
        )


Faithfulness.__module__ = "limelight"  # where users import it from


def _write_area(curve: Curve) -> str:
    own = _write(curve.area, curve.area_error)
    return f"{own}, that of random orders {_write(curve.random_area, curve.random_area_error)}"


def _write(value: float, error: float) -> str:
    return f"{value:.4g} ± {error:.2g}" if error else f"{value:.4g}"
