"""What a reader should know about weights and lists that are less certain than was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.certainty import Certainty
from limelight.stages.convergence import Goal
from limelight.stages.notice_words import MOST_SAMPLES, MoreSamples, list_some, or_samples
from limelight.stages.remedies import LEAST_ROWS_PER_WEIGHT, round_up
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit
from limelight.stages.telling_rows import LEAST_TELLING_ROWS

__all__ = ["describe_few_rows", "find_uncertain", "judge_precision"]

_RESERVE = 5  # a small effective sample looks larger than it is: the nearest perturbations are still missing
_ENOUGH_FOR_INTERVALS = 100  # perturbations: with half as many, most components vary in each replicate
_HALF_KNOWN = 0.5  # of the heaviest weight, to each side


def judge_precision(
    sample: Sample,
    settings: Settings,
    fits: Sequence[Fit],
    more: MoreSamples,
    goal: Goal,
    unknown: Sequence[str],
) -> Iterator[Notice]:
    """What a reader should know about intervals that are too wide; `more` is what gives further perturbations."""
    num_weights, size = max(len(fit.components) for fit in fits), sample.size + 1
    effective_size, least_size = sample.effective_size, LEAST_ROWS_PER_WEIGHT * (num_weights + 1)
    if not settings.is_exact and effective_size < least_size:
        text = f"The kernel leaves an effective sample of {effective_size:.0f} perturbations for {num_weights} weights."
        advice = f"Give a larger kernel_width{or_samples(more, _RESERVE * size * least_size / effective_size)}."
        yield Notice("low_effective_sample_size", f"{text} {advice}")
    if unknown and sample.num_replicates > 1:  # said already
        return
    if any(np.isnan(fit.half_widths).any() for fit in fits):
        text = f"There were too few perturbations for intervals. Give {more.at_least(_ENOUGH_FOR_INTERVALS)}."
        yield Notice("no_intervals", text)
        return
    heaviest = [np.abs(fit.weights).max() for fit in fits]
    widest = max([fit.half_widths.max() / most for fit, most in zip(fits, heaviest, strict=True) if most], default=1.0)
    if not np.all(heaviest, where=sample.varies):
        text = "All weights of an output that varies are 0: what changes it has no weight in the kernel."
        yield Notice("not_converged", f"{text} Give a larger kernel_width.")
    elif goal.certainty is None and widest > goal.tolerance:
        is_auto = more is MoreSamples.BY_MAX_SAMPLES
        reached = f' after {size} perturbations, the most that num_samples="auto" takes' if is_auto else ""
        text = f"Some weights' intervals are wider than the tolerance{reached}: up to {widest:.2g} of the heaviest weight."
        # The error falls at least with the root of the number. The heaviest weight may be lighter by as much as its own
        # interval says.
        share = widest / max(1e-9, 1 - widest)
        needed = size * max(1.0, share / goal.tolerance) ** 2  # no fewer: fewer have just been seen to be too few
        remedies = []
        if widest <= _HALF_KNOWN:  # otherwise the heaviest weight is too uncertain for a forecast
            remedies += [more.exactly(round_up(needed))] if needed <= MOST_SAMPLES else []
            remedies.append(f"tolerance={_round_up_share(widest):g} if that is precise enough")
        if remedies:
            advice = f"Give {', or '.join(remedies)}."
        elif all((fit.half_widths >= np.abs(fit.weights)).all() for fit in fits):
            advice = "No weight is known well enough to be read."
        else:
            advice = "That is the least certain weight."
            if 4 * size <= MOST_SAMPLES:
                advice += f" Give {more.exactly(round_up(4 * size))}, which about halves the intervals."
        exact_link = None if sample.controls is None else sample.controls.exact_link
        exact = "" if exact_link is None else f' With link="{exact_link}" the weights are exact.'
        yield Notice("not_converged", f"{text} {advice}{exact}")


def describe_few_rows(name: str, num_telling: float, sample: Sample, more: MoreSamples) -> Notice:
    """What a reader should know about an output whose intervals rest on so few rows, as `find_few_telling_rows` counts them."""
    size = sample.size + 1
    text = (
        f"The intervals of {name} may be too narrow: about {num_telling:.0f} of {size} perturbations carry most of what the "
        "surrogate misses, and as many more may not have been drawn."
    )
    needed = 1.5 * size * LEAST_TELLING_ROWS / num_telling  # they grow with the perturbations
    advice = f" Give {more.exactly(round_up(needed))}." if needed <= MOST_SAMPLES else ""
    return Notice("few_telling_rows", text + advice, "alert")


def find_uncertain(
    names: Sequence[str],
    sample: Sample,
    certainties: Sequence[Certainty],
    fits: Sequence[Fit],
    level: float,
    more: MoreSamples,
) -> Iterator[Notice]:
    """What a reader should know about lists that are less certain than the user asked for."""
    if any(np.isnan(one.tops[fit.weights != 0]).any() for one, fit in zip(certainties, fits, strict=True)):
        text = "How certain the list is, is not known: it is for limelight's own surrogates of up to 300 components, with two "
        yield Notice("uncertain_list", f"{text}perturbations or more for each. Leave certainty out.")
        return
    judged = [
        (names[number], top, sign)
        for one, fit in zip(certainties, fits, strict=True)
        for number, top, sign in zip(fit.components.tolist(), one.tops.tolist(), fit.signs.tolist(), strict=True)
    ]
    doubtful = {name: top for name, top, _ in judged if not top >= level}
    signs = {name: sign for name, top, sign in judged if top >= level and not sign >= level}
    parts = []
    if doubtful:
        be, weigh = ("is", "It weighs") if len(doubtful) == 1 else ("are", "They weigh")
        parts.append(f"It is not certain that {list_some(list(doubtful))} {be} among the heaviest: {_least(doubtful)}.")
        parts.append(f"{weigh} about as much as what is left out.")
    if signs:
        noun = "sign" if len(signs) == 1 else "signs"
        parts.append(f"The {noun} of {list_some(list(signs))} may be wrong: {_least(signs)} that it is right.")
    if parts:
        number = "another num_features" if doubtful else "a smaller num_features"
        parts.append(f"Give {number}, or {more.exactly(round_up(4 * (sample.size + 1)))}.")
        yield Notice("uncertain_list", " ".join(parts))


def _least(probabilities: Mapping[str, float]) -> str:
    return f"the probability is {min(probabilities.values()):.2f}{'' if len(probabilities) == 1 else ' at the least'}"


def _round_up_share(share: float) -> float:
    """The next share in steps of a twentieth."""
    return float(np.ceil(share * 20) / 20)
