"""What a reader should know before trusting an explanation, as data: what is the matter, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.chance import find_chance_choices
from limelight.stages.closed_form import GREATEST_MARGIN
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.convergence import Goal
from limelight.stages.notice_words import MoreSamples, list_some
from limelight.stages.precision_notices import describe_few_rows, find_uncertain, judge_precision
from limelight.stages.prediction_outputs import Outputs
from limelight.stages.prior_effect import judge_prior
from limelight.stages.sample import LEAST_ROWS_PER_COMPONENT, Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, judge_lists
from limelight.stages.surrogate_notices import JudgedSurrogate, is_hardly_sampled
from limelight.stages.telling_rows import find_few_telling_rows
from limelight.stages.vicinity import Vicinity

__all__ = ["collect_notices"]

_LEAST_CLIPPED = 0.01  # of the perturbations: fewer hardly move a weight


def collect_notices(
    components: Components,
    outputs: Outputs,
    predictions: np.ndarray,
    sample: Sample,
    settings: Settings,
    fits: Sequence[Fit],
    *,
    vicinity: Vicinity,
    first: Sequence[Neighbourhood],
    link: str,
    num_features: int | None,
    num_samples: int | None,
    goal: Goal,
    converged: bool,
    unknown: Sequence[str],
) -> tuple[Notice, ...]:
    """Everything that a reader should know, in the order in which to read it.

    Parameters
    ----------
    components, outputs
        What was explained, with notes of their own.
    predictions : ndarray of shape (k,)
        The model's outputs for the instance.
    sample, settings, vicinity
        What the surrogates were fitted to, and how.
    fits : sequence of Fit
        The surrogate of each of the q explained outputs.
    first : sequence of Neighbourhood
        The first perturbations of the sample, where they can tell what bins cost.
    link : str
        What was applied to the model's outputs.
    num_features, num_samples : int or None
        What the user asked for.
    goal : Goal
        What the user wants to know well enough.
    converged : bool
        Whether there is what the user asked for.
    unknown : sequence of str
        The names of the components of which the perturbations show too little.
    """
    notes = [*components.notes, *outputs.notes]
    more = MoreSamples.BY_MAX_SAMPLES if num_samples is None else MoreSamples.BY_NUM_SAMPLES
    if any(notice.code == "budget_ended" for notice in outputs.notes):
        more = MoreSamples.BY_BUDGET
    num_components = len(components.names)
    if num_features is not None and num_features > num_components:
        text = f"{num_features} components were asked for; the instance has {num_components}."
        notes.append(Notice("fewer_components", text, "information"))
    if unknown and sample.num_replicates > 1:
        notes.append(Notice("unknown_weights", _describe_unknown(unknown), "alert"))
    reported = np.unique(np.concatenate([fit.components for fit in fits]))
    reported_fixed = reported[sample.is_fixed[reported] & (sample.penalties.precisions[reported] == 0)]
    fixed = [components.names[number] for number in reported_fixed]
    if fixed:
        notes.append(Notice("never_varies", _describe_fixed(fixed), "information"))
    by_chance = [components.names[number] for number in find_chance_choices(sample, settings, fits)]
    if by_chance:
        holds_zero = all(_holds_zero(fit, components.names, by_chance) for fit in fits)
        notes.append(Notice("chance_choice", _describe_chance(by_chance, num_components, sample.size, holds_zero=holds_zero)))
    if len(fits) == 1:  # a prior is about one output
        notes += judge_prior(sample, settings, fits[0], components.names)
    if link == "logit" and sample.limit is None:
        notes += _find_clipped(sample, [outputs.describe(label) for label in outputs.labels])
    by_label = dict(zip(outputs.labels, fits, strict=True))
    for number, label in enumerate(by_label):
        judged = JudgedSurrogate(outputs, predictions, by_label, label, sample, number, settings, vicinity, first)
        notes += judged.notices(components)
    if is_hardly_sampled(sample):
        text = (
            f"The weights are exact, but the kernel leaves an effective sample of {sample.effective_size:.0f} perturbations for"
        )
        text += " the fidelity, which says little. Give a larger kernel_width."
        notes.append(Notice("low_effective_sample_size", text))
    if settings.is_sparse and sample.is_thin and not settings.is_exact:
        notes.append(Notice("sparse_fit", _describe_sparse_fit(num_components, sample.size, more), "information"))
    if goal.is_for_slow and goal.certainty is None and num_samples is None and not settings.is_exact:
        text = (
            f'The model says that it is slow. So num_samples="auto" had a tolerance of {goal.tolerance:g}, not 0.05: intervals '
        )
        text += "may be twice as wide, from about half of the inputs. To choose, give the explainer a tolerance."
        notes.append(Notice("slow_model", text, "information"))
    few = find_few_telling_rows(sample, settings, fits, goal.tolerance)
    notes += [
        describe_few_rows(outputs.describe(label), num_telling, sample, more)
        for label, num_telling in zip(outputs.labels, few, strict=True)
        if num_telling is not None
    ]
    if not converged:
        notes += judge_precision(sample, settings, fits, more, goal, unknown)
        if goal.certainty is not None:
            certainties = judge_lists(sample, settings, fits)
            notes += find_uncertain(components.names, sample, certainties, fits, goal.certainty, more)
    return Notice.in_reading_order(notes)


def _find_clipped(sample: Sample, names: Sequence[str]) -> tuple[Notice, ...]:
    """What a reader should know where log-odds stand for probabilities so near 0 or 1 that they are clipped.

    Parameters
    ----------
    sample : Sample
        The perturbations, whose outputs are log-odds.
    names : sequence of str
        What its q outputs are called.
    """
    is_clipped = np.abs(sample.outputs + sample.origin) >= GREATEST_MARGIN
    shares = sample.row_weights @ is_clipped / sample.row_weights.sum()
    return tuple(
        Notice(
            "clipped_log_odds",
            f"In {share:.0%} of the perturbations, by weight, the probability behind {name} is 1e-6 or less, or as near to 1. "
            f"Its log-odds are cut off at -{GREATEST_MARGIN:.1f} and +{GREATEST_MARGIN:.1f}, and weights depend on where that "
            'is. Leave link="logit" out.',
        )
        for name, share in zip(names, shares.tolist(), strict=True)
        if share >= _LEAST_CLIPPED
    )


def _describe_fixed(names: Sequence[str]) -> str:
    text = "stays in every perturbation: its" if len(names) == 1 else "stay in every perturbation: their"
    return f"{list_some(names)} {text} weight of 0 does not say whether the model uses it."


def _holds_zero(fit: Fit, names: Sequence[str], chosen: Sequence[str]) -> bool:
    """Whether the intervals of the components with these names hold 0."""
    is_chosen = np.isin([names[component] for component in fit.components], chosen)
    return bool(((fit.lows <= 0) & (fit.highs >= 0))[is_chosen].all())


def _describe_chance(names: Sequence[str], num_components: int, num_drawn: int, *, holds_zero: bool) -> str:
    were = "was" if len(names) == 1 else "were"
    interval = "its interval holds 0" if len(names) == 1 else "their intervals hold 0"
    counts = f"{interval}, and the fidelity does" if holds_zero else "intervals and fidelity do"
    return (
        f"{list_some(names)} {were} chosen among {num_components} components from {num_drawn} perturbations, and chance "
        f"alone can make a weight as heavy: {counts} not count the choice. Give more num_samples, or "
        "fewer num_features."
    )


def _describe_unknown(names: Sequence[str]) -> str:
    weights = "The weight" if len(names) == 1 else "The weights"
    return (
        f"{weights} of {list_some(names)} cannot be known: hardly any perturbation that counts shows a difference. Give more "
        "num_samples or a larger kernel_width. A sampler or constraint of your own must let every component vary."
    )


def _describe_sparse_fit(num_components: int, num_drawn: int, more: MoreSamples) -> str:
    return (
        f"{num_drawn} perturbations do not determine the weights of {num_components} components. A lasso chose the reported "
        "ones: others may weigh as much, and how certain the list is, is not known. Give "
        f"{more.at_least(LEAST_ROWS_PER_COMPONENT * num_components + 1)}, or fewer components."
    )
