"""The surrogate of one label: its weights with their intervals, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from limelight.results.equality import EqualityMixin
from limelight.results.json_values import restore

__all__ = ["Surrogate"]


@dataclass(frozen=True, eq=False)
class Surrogate(EqualityMixin):
    """The sparse linear model that stands for one output of the model near the instance.

    Attributes
    ----------
    label : int
        The number of the model's output that it follows.
    components : tuple of int
        The reported components' numbers, heaviest weight first.
    weights : tuple of float
        Their weights, in units of the model's output.
    lows, highs : tuple of float
        The ends of each weight's confidence interval: the weight itself where nothing is left to chance, NaN where there were
        too few perturbations for an interval. They hold for components that were chosen as the heaviest: where chance may have
        made a weight heavy, its interval reaches further towards 0.
    sign_probabilities : tuple of float
        The probability that each weight's sign is right; NaN where it is not known, or the weight is 0.
    top_probabilities : tuple of float
        The probability that each component truly is among the heaviest, as many as are reported; NaN where it is not known, as
        for components that were not chosen by their weights.
    best_ranks, worst_ranks : tuple of float
        Between which places of all components each is by the size of its weight, at a level of 95 %; NaN where it is not known.
    intercept : float
        What the surrogate says when no reported component is present.
    local_prediction : float
        What the surrogate says for the instance itself.
    fidelity : float
        Weighted R2 on held-out perturbations: the share of the output's variation nearby that the surrogate follows. NaN where
        the output did not vary or there was nothing to hold out. An exact explanation has it from the perturbations on which
        the model was checked.
    fidelity_error : float
        The standard error of the fidelity, from the replicates, widened by Student's t: an interval of 1.96 errors to each side
        is one of 95 %. It is 0 where all masks were enumerated, NaN where the fidelity is NaN or the output varied in a single
        replicate.
    left_out : tuple of tuple of float
        How the fit changes with each replicate of the perturbations that is left out: for each, the intercept's deviation from
        its mean over these fits, then each weight's, to 11 binary digits. They give the error of sums and differences of
        weights, by the jackknife. Empty where nothing is left to chance, or where it is not known.

    Examples
    --------
    >>> from limelight import TextExplainer
    >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
    >>> surrogate = explanation.surrogate()
    >>> surrogate.components
    (0, 1)
    >>> round(surrogate.intercept + sum(surrogate.weights), 6) == round(surrogate.local_prediction, 6)
    True
    """

    OF_COMPONENTS: ClassVar[tuple[str, ...]] = (
        "weights",
        "lows",
        "highs",
        "sign_probabilities",
        "top_probabilities",
        "best_ranks",
        "worst_ranks",
    )
    """The figures that each component has."""

    label: int
    components: tuple[int, ...]
    weights: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    sign_probabilities: tuple[float, ...]
    top_probabilities: tuple[float, ...]
    best_ranks: tuple[float, ...]
    worst_ranks: tuple[float, ...]
    intercept: float
    local_prediction: float
    fidelity: float
    fidelity_error: float
    left_out: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Surrogate":
        """Rebuild a surrogate from its entry in what `Explanation.to_dict` gave.

        Raises
        ------
        TypeError
            If the data are not a surrogate's.
        """
        surrogate = cls(**{name: restore(value) for name, value in data.items()})
        if len({len(getattr(surrogate, name)) for name in ("components", *cls.OF_COMPONENTS)}) != 1:
            raise TypeError("a surrogate must have one weight, with all that is known of it, for each component")
        if len(set(surrogate.components)) < len(surrogate.components):
            raise TypeError("a surrogate must report a component only once")
        if any(len(fit) != 1 + len(surrogate.components) for fit in surrogate.left_out):
            raise TypeError("each fit of a surrogate must have an intercept and one weight for each component")
        return surrogate


Surrogate.__module__ = "limelight"  # where users import it from
