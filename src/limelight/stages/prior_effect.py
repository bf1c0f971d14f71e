"""What a reader should know where a prior was used: that it was, and where the model contradicts it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, fit_surrogates

__all__ = ["judge_prior"]

_MOST_COMPARED = 100  # components: a fit of more could take longer than the rest
_MOST_SHOWN = 3
_LEVEL = 0.01  # of all components together
_LEAST_SHARE = 0.02  # of the model's heaviest weight: what a prior changes less is no matter
_ROUNDING_SHARE = 1e-12  # of the outputs and weights


class _Contradiction(NamedTuple):
    """A component's weight with the prior, and without it with how far its interval reaches."""

    component: int
    weight: float
    without: float
    half_width: float

    @property
    def change(self) -> float:
        return abs(self.weight - self.without)


def judge_prior(sample: Sample, settings: Settings, fit: Fit, names: Sequence[str]) -> Iterator[Notice]:
    """The notices of a surrogate that was fitted with a prior, of a sample with one output; none where there is no prior.

    A weight with the prior contradicts the perturbations if it lies outside the interval that they give without any penalty,
    at a level that holds for all components with priors together (Bonferroni).
    """
    if sample.pull is None:
        return
    held = sample.pull.held
    text = f"A prior of precision {sample.pull.precisions[held[0]]:g} holds {_count(held, names)}: "
    text += f"{_list(f'{names[number]} to {sample.pull.means[number]:.3g}' for number in held)}. "
    text += "Intervals and probabilities say what chance leaves of the weights with this prior, not whether it is right."
    fixed = held[sample.is_fixed[held]]
    if len(fixed):
        stay = "stays" if len(fixed) == 1 else "stay"
        text += f" {_list(names[number] for number in fixed)} {stay} in every perturbation: the weight is the prior's alone."
    yield Notice("prior_used", text, "information")
    contradictions = _find_contradictions(sample, settings, fit)
    if contradictions:
        weights = _list(
            f"of {names[one.component]} is {one.weight:.3g} with it and {one.without:.3g} without any penalty"
            + (f" ± {one.half_width:.2g}" if one.half_width > _ROUNDING_SHARE * abs(one.without) else "")
            for one in contradictions
        )
        text = f"The model contradicts the prior: on the same perturbations, the weight {weights}. Give a smaller precision, or"
        yield Notice("prior_contradicted", f"{text} other means.", "caution")


def _find_contradictions(sample: Sample, settings: Settings, fit: Fit) -> list[_Contradiction]:
    """The components about which the perturbations contradict the prior, those that it changes most first."""
    assert sample.pull is not None
    listed = dict(zip(fit.components.tolist(), fit.weights.tolist(), strict=True))
    held = sample.pull.held.tolist()
    compared = list(dict.fromkeys([*listed, *held]))
    if len(compared) > _MOST_COMPARED:
        compared = list(listed)
    settings = settings._replace(alpha=0.0, components=tuple(compared), confidence=1 - _LEVEL / len(held))
    try:
        with np.errstate(all="ignore"):
            ((without,),) = fit_surrogates([replace(sample, pull=None)], settings)
    except np.linalg.LinAlgError:  # it is the prior that makes the weights unique
        return []
    # A wild mean makes a weight heavy: it is no measure of what other priors change.
    rounding = _ROUNDING_SHARE * (np.abs(sample.origin).max() + np.abs(fit.weights).max(initial=0.0))
    least = max(_LEAST_SHARE * np.abs(without.weights).max(initial=0.0), rounding)
    found = [
        _Contradiction(component, listed.get(component, 0.0), weight, half_width)
        for component, weight, half_width in zip(
            without.components.tolist(), without.weights.tolist(), without.half_widths.tolist(), strict=True
        )
        if component in held
    ]
    found = [one for one in found if one.change > least and one.change > one.half_width]
    return sorted(found, key=lambda one: -one.change)


def _count(held: np.ndarray, names: Sequence[str]) -> str:
    return "all weights" if len(held) == len(names) else f"{len(held)} of {len(names)} weights"


def _list(texts: Iterator[str]) -> str:
    """The first texts, and how many more there are."""
    every = list(texts)
    listed = ", ".join(every[:_MOST_SHOWN])
    return listed if len(every) <= _MOST_SHOWN else f"{listed} and {len(every) - _MOST_SHOWN} more"
