"""How much an explanation changes when only chance does, and when the instance changes a little."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np

from limelight._checks import Label, own_arithmetic, write_count
from limelight.collection._rendering import RENDERERS
from limelight.results.equality import EqualityMixin
from limelight.results.explanation import Explanation, Surrogate
from limelight.results.jackknife import critical_value

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from matplotlib.axes import Axes

__all__ = ["Stability"]

_REPLICATES = 8  # of any design, whose spread gives the intervals
_MOST_SHOWN = 10
_ROUNDING_SHARE = 1e-12  # of the weights' size, or of the prediction: what is less is 0


class WeightSpread(NamedTuple):
    """How a component's weight varies over the seeds.

    Attributes
    ----------
    component : int
        The component's number.
    name : str
        Its name.
    listed : int
        How many of the explanations list it.
    mean : float
        The mean of its weights where it is listed.
    spread : float
        Their standard deviation; NaN where it is listed once.
    promised : float
        The standard deviation that the intervals promise: the root of the mean squared standard error that they stand for.
        NaN where one of them is not known.
    low, high : float
        The means of the intervals' ends; NaN where one of them is not known.
    weights : tuple of float
        The weight of each seed; NaN where it is not listed.
    """

    component: int
    name: str
    listed: int
    mean: float
    spread: float
    promised: float
    low: float
    high: float
    weights: tuple[float, ...]


class Sensitivity(NamedTuple):
    """How far weights moved when the instance changed a little.

    Attributes
    ----------
    radius : float
        How far each number moved at most, in standard deviations of its column.
    num_changes : int
        How many changed instances were explained.
    largest : float
        Max-sensitivity [1]_: the largest distance (the root of the sum of squares) between the weights of a changed instance
        and those of the instance itself, in the weights' unit. Components that are not listed count as 0. NaN if not available.
    share : float
        The same as a share of the size of the instance's own weights, as Quantus 0.6 and captum give it. NaN where these are
        all 0.
    reason : str
        Why it is not available; empty if it is.

    References
    ----------
    .. [1] C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. Inouye and P. Ravikumar, "On the (In)fidelity and Sensitivity of
       Explanations", NeurIPS 2019.
    """

    radius: float
    num_changes: int
    largest: float
    share: float
    reason: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Stability(EqualityMixin):
    """How much an explanation changes with the seed, and with small changes of the instance; `measure_stability` gives it.

    VSI and CSI [1]_ compare explanations in pairs. They say nothing where every component is listed anyway, or where intervals
    are so wide that they always overlap; so `spread_ratio` and each weight's spread stand beside them.

    Attributes
    ----------
    label : int
        The number of the model's output.
    output_name : str
        Its name.
    unit : {"probability", "log-odds", "score"}
        What the weights are in.
    seeds : tuple of int
        The seeds. Where nothing is left to chance, only the first was needed.
    is_exact : bool
        Whether nothing is left to chance, so that all seeds give the same weights.
    num_components : int
        How many components the instance has.
    num_listed : int
        How many of them the longest list has.
    vsi : float
        The variables stability index: of the components that one explanation lists, the share that another one lists, too; the
        mean over all pairs. Of lists of different lengths, it is a share of the longer one.
    csi : float
        The coefficients stability index: of the pairs of explanations that list a component, the share whose intervals of its
        weight overlap; the mean over the components that two or more list. NaN if there are none, or no interval is known.
    jaccard : float
        The number of components that two lists have in common, as a share of all that are in either; the mean over all pairs.
    spread_ratio : float
        How much larger the weights' spread over the seeds is than their intervals promise: the root of the ratio of both
        variances, summed over the components that every seed lists. About 1 if intervals are honest; above it if they are too
        narrow; below it if a design balances its replicates so well that its error is smaller than their spread. NaN where it
        is not known, or nothing is left to chance.
    distance : float
        The largest distance between a seed's weights and the first one's: what chance alone makes of `sensitivity`.
    sensitivity : Sensitivity
        Max-sensitivity: how far weights move when the instance changes a little.
    weights : tuple of WeightSpread
        Each component that some seed lists, those with the heaviest mean first.
    num_inputs : int
        How many inputs the model was asked about, for all explanations together.

    References
    ----------
    .. [1] G. Visani, E. Bagli, F. Chesani, A. Poluzzi and D. Capuzzo, "Statistical stability indices for LIME: obtaining
       reliable explanations for machine learning models", Journal of the Operational Research Society 73, 2022
       (arXiv:2001.11757). Theirs are percentages.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> stability = TextExplainer().measure_stability("a good film", lambda texts: ["good" in text for text in texts])
    >>> stability.is_exact, stability.vsi, stability.csi, stability.jaccard
    (True, 1.0, 1.0, 1.0)
    """

    label: int
    output_name: str
    unit: str
    seeds: tuple[int, ...]
    is_exact: bool
    num_components: int
    num_listed: int
    vsi: float
    csi: float
    jaccard: float
    spread_ratio: float
    distance: float
    sensitivity: Sensitivity
    weights: tuple[WeightSpread, ...]
    num_inputs: int

    @classmethod
    def of(
        cls,
        explanations: Sequence[Explanation],
        label: Label | None,
        seeds: Sequence[int],
        changed: Sequence[Explanation],
        radius: float,
        why_none: str = "",
        *,
        num_inputs: int,
        is_exact: bool,
    ) -> Stability:
        """What explanations of one instance show that were made with different seeds.

        Parameters
        ----------
        explanations : sequence of Explanation
            One for each seed; the same one each time where it is exact.
        label : int, str or None
            Which output; None for the first one's default label.
        seeds : sequence of int
            The seeds.
        changed : sequence of Explanation
            Those of changed instances, which have the same components.
        radius : float
            How far each number moved at most.
        why_none : str, optional
            Why no instance was changed.
        num_inputs : int
            How many inputs the model was asked about.
        is_exact : bool
            Whether all seeds give the same.

        Raises
        ------
        LabelError
            If the label was not explained.
        """
        first = explanations[0]
        surrogates = [one.surrogate(label) for one in explanations]
        lists = [frozenset(one.components) for one in surrogates]
        pairs = list(combinations(range(len(lists)), 2))
        vectors = [_as_vector(one, label) for one in explanations]
        rounding = _ROUNDING_SHARE * max(float(np.linalg.norm(vectors[0])), abs(first.predictions[surrogates[0].label]))
        confidences = [one.confidence for one in explanations]
        weights = [
            _describe_weight(component, first.names[component], surrogates, confidences, rounding)
            for component in dict.fromkeys(number for one in surrogates for number in one.components)
        ]
        return cls(
            label=surrogates[0].label,
            output_name=first.output_names[surrogates[0].label],
            unit=first.unit,
            seeds=tuple(seeds),
            is_exact=is_exact,
            num_components=len(first.names),
            num_listed=max(map(len, lists)),
            vsi=_mean(_share(lists[i] & lists[j], max(len(lists[i]), len(lists[j]))) for i, j in pairs),
            csi=_mean(_share_overlapping(component.component, surrogates) for component in weights if component.listed > 1),
            jaccard=_mean(_share(lists[i] & lists[j], len(lists[i] | lists[j])) for i, j in pairs),
            spread_ratio=_compare_spreads([one for one in weights if one.listed == len(lists)]),
            distance=_largest_distance(vectors[0], vectors, rounding),
            sensitivity=_measure_sensitivity(
                vectors[0], [_as_vector(one, label) for one in changed], radius, why_none, rounding
            ),
            weights=tuple(sorted(weights, key=lambda one: -abs(one.mean))),
            num_inputs=num_inputs,
        )

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """The weights as a table, a row for each component that some seed lists.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns component, name, listed, mean, spread, promised, low, high.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> stability = TextExplainer().measure_stability("good film", lambda texts: ["good" in text for text in texts])
        >>> stability.to_frame("polars")["listed"].to_list()
        [10, 10]
        """
        return RENDERERS.load("stability_frame")(self, backend)

    @own_arithmetic()
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the heaviest weights with matplotlib: bars of their means, the intervals' mean ends, and a dot for each seed.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to; by default the axes of a new figure.

        Returns
        -------
        ax : matplotlib.axes.Axes

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from limelight import TextExplainer
        >>> stability = TextExplainer().measure_stability("good film", lambda texts: ["good" in text for text in texts])
        >>> stability.plot(Figure().subplots()).get_xlabel()
        'weight'
        """
        axes: Axes = RENDERERS.load("stability_plot")(self, ax)
        return axes

    def __repr__(self) -> str:
        lines = [
            f"stability of the explanation of {self.output_name!r} over {write_count(len(self.seeds), 'seed')} "
            f"({write_count(self.num_inputs, 'input')})",
            f"  lists: VSI {self.vsi:.3f}, mean Jaccard similarity {self.jaccard:.3f}{self._state_lists()}",
            f"  weights: CSI {'not known' if isnan(self.csi) else f'{self.csi:.3f}'}; {self._state_spread()}",
            f"  {self._state_sensitivity()}",
        ]
        for one in self.weights[:_MOST_SHOWN]:
            promised = "not known" if isnan(one.promised) else f"{one.promised:.2g}"
            known = "" if isnan(one.spread) else f"spread {one.spread:.2g}, promised {promised}; "
            weight = f"{one.mean:+.4g}" if one.mean else "0"
            lines.append(f"  {weight:>10}  {one.name!r:.60}: {known}listed {write_count(one.listed, 'time')}")
        more = len(self.weights) - _MOST_SHOWN
        return "\n".join([*lines, *[f"  ... and {more} more"] * (more > 0)])

    def _state_lists(self) -> str:
        if self.is_exact:
            return "; nothing is left to chance"
        if self.num_listed == self.num_components == 1:
            return "; the only component is listed, so that lists cannot differ"
        if self.num_listed == self.num_components:
            return f"; all {self.num_components} components are listed, so that lists cannot differ"
        are = "is" if self.num_listed == 1 else "are"
        return f"; {self.num_listed} of {write_count(self.num_components, 'component')} {are} listed"

    def _state_spread(self) -> str:
        if self.is_exact or all(one.spread == 0 and one.listed == len(self.seeds) for one in self.weights):
            return "all seeds give the same"
        if not any(one.listed == len(self.seeds) for one in self.weights):
            return "no component is listed by all seeds, so that their spread has nothing to be compared with"
        if isnan(self.spread_ratio):
            return "how much their intervals promise that they spread is not known"
        return f"they spread {self.spread_ratio:.2f} times as much as their intervals promise"

    def _state_sensitivity(self) -> str:
        own = self.sensitivity
        if own.reason:
            return f"max-sensitivity: {own.reason}"
        unit = "log-odds" if self.unit == "log-odds" else f"{self.unit} units"
        chance = "" if self.is_exact else f"; chance alone makes {self.distance:.3g}"
        written = "less than 0.01%" if 0 < own.share < 0.00005 else f"{own.share:.2%}"
        share = "all weights are 0" if isnan(own.share) else f"{written} of the weights' size"
        return (
            f"max-sensitivity: {own.largest:.3g} {unit} ({share}) in {write_count(own.num_changes, 'change')} "
            f"of up to {own.radius:g} standard deviations{chance}"
        )


Stability.__module__ = "limelight"  # where users import it from


def _as_vector(explanation: Explanation, label: Label | None) -> np.ndarray:
    """The weights of all components; 0 where they are not listed."""
    vector = np.zeros(len(explanation.names))
    surrogate = explanation.surrogate(label)
    vector[list(surrogate.components)] = surrogate.weights
    return vector


def _largest_distance(own: np.ndarray, others: Sequence[np.ndarray], rounding: float) -> float:
    return _drop_rounding(max(float(np.linalg.norm(one - own)) for one in others), rounding)


def _drop_rounding(value: float, rounding: float) -> float:
    """The value; 0 if it is no larger than rounding makes it."""
    return 0.0 if abs(value) <= rounding else value


def _measure_sensitivity(
    own: np.ndarray, changed: Sequence[np.ndarray], radius: float, why_none: str, rounding: float
) -> Sensitivity:
    if not changed:
        return Sensitivity(radius, 0, nan, nan, why_none)
    largest = _largest_distance(own, changed, rounding)
    size = _drop_rounding(float(np.linalg.norm(own)), rounding)
    return Sensitivity(radius, len(changed), largest, largest / size if size else nan)


def _describe_weight(
    component: int, name: str, surrogates: Sequence[Surrogate], confidences: Sequence[float], rounding: float
) -> WeightSpread:
    weights: list[float] = []
    ends: list[tuple[float, float]] = []
    errors: list[float] = []
    for surrogate, confidence in zip(surrogates, confidences, strict=True):
        if component not in surrogate.components:
            weights.append(nan)
            continue
        place = surrogate.components.index(component)
        weight, low, high = surrogate.weights[place], surrogate.lows[place], surrogate.highs[place]
        weights.append(weight)
        ends.append((low, high))
        # The end away from 0 is Student's; the other one also allows for the choice of the heaviest.
        outwards = high - weight if weight > 0 else weight - low
        errors.append(outwards / critical_value(confidence, len(surrogate.left_out) or _REPLICATES) if outwards else 0.0)
    known = [weight for weight in weights if not isnan(weight)]
    low, high = np.mean(ends, axis=0).tolist()
    return WeightSpread(
        component=component,
        name=name,
        listed=len(ends),
        mean=_drop_rounding(float(np.mean(known)), rounding),
        # Equal weights have no spread, not even one of rounding.
        spread=_drop_rounding(float(np.std(np.subtract(known, known[0]), ddof=1)), rounding) if len(known) > 1 else nan,
        promised=_drop_rounding(float(np.sqrt(np.mean(np.square(errors)))), rounding),
        low=low,
        high=high,
        weights=tuple(weights),
    )


def _share_overlapping(component: int, surrogates: Sequence[Surrogate]) -> float:
    """Of the pairs of known intervals of a component's weight, the share that overlap; NaN if there is no pair."""
    places = [(one, one.components.index(component)) for one in surrogates if component in one.components]
    intervals = [(one.lows[place], one.highs[place]) for one, place in places if not isnan(one.lows[place])]
    return _mean(low <= other_high and other_low <= high for (low, high), (other_low, other_high) in combinations(intervals, 2))


def _compare_spreads(weights: Sequence[WeightSpread]) -> float:
    """The root of the ratio of the variances over the seeds to those that intervals promise, each kind added up."""
    known = [one for one in weights if not isnan(one.promised) and not isnan(one.spread)]
    promised = np.linalg.norm([one.promised for one in known])
    return float(np.linalg.norm([one.spread for one in known]) / promised) if promised else nan


def _share(common: frozenset[int], count: int) -> float:
    """How many of so many are common; 1 of none."""
    return len(common) / count if count else 1.0


def _mean(values: Iterable[float]) -> float:
    """The mean of those that are known; NaN if there are none."""
    known = [value for value in values if not isnan(value)]
    return float(np.mean(known)) if known else nan
