"""What a reader should know before trusting an explanation, as data: what is the matter, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.agreement import Agreement
from limelight.stages.bins_cost import BinsCost, measure_bins_cost
from limelight.stages.certainty import Certainty
from limelight.stages.chance import find_chance_choices
from limelight.stages.closed_form import GREATEST_MARGIN
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.convergence import Goal
from limelight.stages.missing_effect import MissingEffect, find_missing_effect
from limelight.stages.prediction_outputs import Outputs
from limelight.stages.prior_effect import judge_prior
from limelight.stages.remedies import LEAST_ROWS_PER_WEIGHT, Trial, round_up, try_kernels, try_settings
from limelight.stages.sample import LEAST_ROWS_PER_COMPONENT, Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit, judge_lists
from limelight.stages.vicinity import Vicinity

__all__ = ["collect_notices"]

_LOW_FIDELITY = 0.25
_LEAST_GAIN = 0.05  # of fidelity: less is hardly worth a change of settings
_LEAST_MISSED = 0.005  # of the output's variation: less is 0 %
_LEAST_CLIPPED = 0.01  # of the perturbations: fewer hardly move a weight
_LARGE_SHRINKAGE = 0.1
_MOST_LISTED_NAMES = 3
_MOST_TRIED_LABELS = 5  # and the default label: trials of many outputs would take longer than the explanation
_RESERVE = 5  # a small effective sample looks larger than it is: the nearest perturbations are still missing
_ENOUGH_FOR_INTERVALS = 100  # perturbations: with half as many, most components vary in each replicate
_MOST_SAMPLES = 1_000_000  # that are worth proposing
_HALF_KNOWN = 0.5  # of the heaviest weight, to each side
_ROUNDING_SHARE = 1e-12  # of an output


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
        judged = _Surrogate(outputs, predictions, by_label, label, sample, number, settings, vicinity, first)
        notes += judged.notices(components)
    if _is_hardly_sampled(sample):
        text = (
            f"The weights are exact, but the kernel leaves an effective sample of {sample.effective_size:.0f} perturbations for"
        )
        text += " the fidelity, which says little. Give a larger kernel_width."
        notes.append(Notice("low_effective_sample_size", text))
    if settings.is_sparse and sample.is_thin and not settings.is_exact:
        notes.append(Notice("sparse_fit", _describe_sparse_fit(num_components, sample.size), "information"))
    if goal.is_for_slow and goal.certainty is None and num_samples is None and not settings.is_exact:
        text = (
            f'The model says that it is slow. So num_samples="auto" had a tolerance of {goal.tolerance:g}, not 0.05: intervals '
        )
        text += "may be twice as wide, from about half of the inputs. To choose, give the explainer a tolerance."
        notes.append(Notice("slow_model", text, "information"))
    if not converged:
        option = "max_samples={}" if num_samples is None else "num_samples={}"
        if any(notice.code == "budget_ended" for notice in outputs.notes):
            option = "a larger budget, for {} inputs"
        notes += _judge_precision(sample, settings, fits, option, goal, unknown)
        if goal.certainty is not None:
            certainties = judge_lists(sample, settings, fits)
            notes += _find_uncertain(components.names, sample, certainties, fits, goal.certainty, option)
    return Notice.in_reading_order(notes)


@dataclass(frozen=True)
class _Surrogate:
    """The surrogate of one label, with all that it is judged by; the output's number in the sample is `number`."""

    outputs: Outputs
    predictions: np.ndarray
    fits: dict[int, Fit]
    label: int
    sample: Sample
    number: int
    settings: Settings
    vicinity: Vicinity
    first: Sequence[Neighbourhood]

    def notices(self, components: Components) -> Iterator[Notice]:
        """What a reader should know about its agreement with the model, its fidelity and its penalty."""
        fit, name = self.fits[self.label], self.outputs.describe(self.label)
        agreement = self._compare(fit)
        is_judged = not _is_hardly_sampled(self.sample)
        if agreement.is_across or (agreement.is_off and is_judged):
            yield self._describe_disagreement(agreement, components.nearer_option)
        # What the model said, and not the surrogate: with a prior the surrogate may say something else.
        mean = self.sample.mean_outputs[self.number]
        # A single perturbation has no spread, and an exact limit may have one that the rows do not show.
        has_spread = self.sample.size == 1 or _varies_by(fit.spread, mean)
        if not has_spread or (self.sample.limit is None and not self.sample.varies[self.number]):
            text = f"The model's output {name!r} was {_write(mean)} for every perturbation: "
            text += "nothing that was changed matters to the model."
            unchanged = [note.message for note in components.notes if note.code == "signs_stay"]
            yield Notice("constant_output", " ".join([text, *unchanged]))
            return
        for component in components.missing_as_mean:
            effect = find_missing_effect(self.sample, fit, self.number, component)
            if effect is not None:
                yield _describe_missing_effect(components.names[component], name, effect)
        if fit.fidelity < _LOW_FIDELITY and is_judged:
            text = f"The surrogate of {name} follows the model poorly nearby: held-out R2 {round(fit.fidelity, 2) + 0.0:.2f}."
            yield Notice("low_fidelity", f"{text}{self._advise_on_fidelity(components)}")
        if fit.shrinkage > _LARGE_SHRINKAGE:
            text = f"The ridge penalty takes about {fit.shrinkage:.0%} off the weights of {name}."
            with np.errstate(divide="ignore"):  # all of it, where no reported component varies
                odds = np.divide(fit.shrinkage, 1 - fit.shrinkage) / (_LARGE_SHRINKAGE / (1 - _LARGE_SHRINKAGE))
            yield Notice("shrunk", f"{text} Give alpha=0{_or_samples(self.settings.nominal_draws * odds)}.")

    def _advise_on_fidelity(self, components: Components) -> str:
        """What makes the surrogate follow the model, or may; nothing where there is nothing to say."""
        finer_option = components.finer_option
        if finer_option is not None:  # trials would take as long as the explanation of a row
            cost = self._measure_bins_cost(components)
            if cost is not None:
                return _describe_bins_cost(cost, self.fits[self.label], finer_option)
            text = f" Bins lose what numbers say within them: {finer_option}, with slopes for weights, may follow it better"
            num_reported = len(self.fits[self.label].components)
            is_partial = num_reported < len(self.sample.instance)
            return f"{text}, and so may a larger num_features than {num_reported}." if is_partial else f"{text}."
        trial, tried = self._find(lambda fit: fit.fidelity >= _LOW_FIDELITY)
        return tried if trial is None else f" It is {trial.fit.fidelity:.2f} {trial.change}."

    def _measure_bins_cost(self, components: Components) -> BinsCost | None:
        """What the bins cost, where perturbations of LIME's own law with the default kernel tell it."""
        is_law = self.vicinity.has_own_kernel and not (self.vicinity.is_changed or self.sample.drawn_width)
        is_ridge = self.settings.regressor is None and self.sample.pull is None
        if not (is_law and is_ridge and self.first and self._is_tried):
            return None
        outputs, listed = self.sample.outputs[:, self.number], self.fits[self.label].components
        return measure_bins_cost(components, self.first, outputs, listed, self.vicinity.proximity.width)

    @property
    def _is_tried(self) -> bool:
        """Whether other settings are tried: for many outputs, that would take longer than the explanation."""
        return self.number < _MOST_TRIED_LABELS or self.label == self.outputs.default_label

    def _compare(self, fit: Fit) -> Agreement:
        return Agreement.of(self.outputs, self.predictions, self.label, {**self.fits, self.label: fit})

    def _find(self, helps: Callable[[Fit], bool]) -> tuple[Trial | None, str]:
        """The first change of settings whose surrogate is what is wanted, or a sentence that says what was tried in vain."""
        if not self._is_tried:
            return None, ""
        sample = self.sample
        if len(self.fits) > 1:
            sample = self.sample.recall((Sample.take_output, self.number), lambda: self.sample.take_output(self.number))
        fit, kinds = self.fits[self.label], dict[str, None]()  # in the order of the trials
        # A width that a user gives has another penalty than one that was found.
        proximity = None if self.vicinity.is_changed else self.vicinity.proximity
        for trial in chain(try_settings(sample, self.settings, fit), try_kernels(sample, self.settings, proximity, fit)):
            if helps(trial.fit):
                return trial, ""
            kinds[trial.kind] = None
        return None, _describe_tried([*kinds])

    def _describe_disagreement(self, agreement: Agreement, nearer_option: str | None) -> Notice:
        """An alert with both predictions and what brings them together."""
        name, model, surrogate = self.outputs.describe(self.label), *_write_both(agreement)
        if agreement.is_across:
            code = "other_side"
            text = f"For this instance the surrogate contradicts the model's decision: {name} is {model} by the model, "
            text += f"{surrogate} by the surrogate"
            text += "." if self.outputs.boundary is None else f", and {self.outputs.boundary:g} divides the decisions."
        else:
            code = "off_at_instance"
            text = "For this instance the surrogate is further from the model than its intervals and fidelity suggest: "
            text += f"{name} is {model} by the model, {surrogate} by the surrogate."

        gap = abs(agreement.model - agreement.surrogate)

        def agrees(fit: Fit) -> bool:
            is_nearer = abs(agreement.model - fit.local_prediction) < 0.75 * gap
            return is_nearer and not self._compare(fit).is_off and not self._is_across(fit)

        trial, tried = self._find(agrees)
        if trial is None:
            advice = f"The weights are those of its neighbourhood, in which the instance is an exception.{tried}"
            if nearer_option is not None:
                advice += f" It may help to give {nearer_option}, which draws values nearer to the instance's."
        else:
            advice = f"The surrogate says {_write(trial.fit.local_prediction)} {trial.change}."
        return Notice(code, f"{text} {advice}", "alert")

    def _is_across(self, fit: Fit) -> bool:
        """Whether a decision lies between both predictions, however near they are."""
        local_predictions = self.predictions.copy()
        local_predictions[self.label] = fit.local_prediction
        decide = self.outputs.decides_for
        return decide(self.predictions, self.label) != decide(local_predictions, self.label)


def _describe_bins_cost(cost: BinsCost, fit: Fit, finer_option: str) -> str:
    """What a list of bins misses, and what follows the model better: each with its figure."""
    num_components = len(fit.components)
    missed = [(cost.within_bins, "slopes within the bins"), (cost.not_listed, "other columns' bins")]
    parts = [f"{_write_percent(share)} that {what} would follow" for share, what in missed if share >= _LEAST_MISSED]
    if cost.rest >= _LEAST_MISSED:
        parts.append(f"{_write_percent(cost.rest)} that neither bins nor slopes follow")
    *first, last = parts or ["little"]
    listed = f"{', '.join(first)} and {last}" if first else last
    text = f" Of the output's variation it misses {listed}."
    gains = []
    if cost.without_bins >= fit.fidelity + _LEAST_GAIN:
        gains.append(f"without bins ({finer_option}, with slopes for weights) about {cost.without_bins:.1f}")
    elif np.isnan(cost.without_bins):
        text += " How well slopes without bins would do is not known: a few extreme outputs decide on it."
    if cost.not_listed >= _LEAST_GAIN:
        gains.append(f"with more num_features than {num_components} up to about {fit.fidelity + cost.not_listed:.1f}")
    return f"{text} Fidelity would be: {'; '.join(gains)}." if gains else text


def _write_percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


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


def _describe_missing_effect(name: str, output: str, effect: MissingEffect) -> Notice:
    direction = "greater" if effect.change > 0 else "less"
    text = (
        f"{name} is missing in {effect.share:.0%} of the perturbed rows, where {output} is {_write(abs(effect.change))} "
        f"{direction} than near the mean of {name}. No weight says so: without bins a missing value counts as the mean, and "
        "the weight is a slope, which this may distort. With discretize_continuous=True missing values have a weight."
    )
    return Notice("missing_without_weight", text, "alert")


def _is_hardly_sampled(sample: Sample) -> bool:
    """Whether the weights are known from the limit, but what only perturbations say is known from next to none."""
    return sample.limit is not None and sample.effective_size < LEAST_ROWS_PER_WEIGHT


def _varies_by(spread: float, mean: float) -> bool:
    """Whether an output with this mean varies over the perturbations by more than rounding."""
    return spread > _ROUNDING_SHARE * abs(mean)


def _judge_precision(
    sample: Sample,
    settings: Settings,
    fits: Sequence[Fit],
    option: str,
    goal: Goal,
    unknown: Sequence[str],
) -> Iterator[Notice]:
    """What a reader should know about intervals that are too wide; `option` is what gives another number of perturbations."""
    num_weights, size = max(len(fit.components) for fit in fits), sample.size + 1
    effective_size, least_size = sample.effective_size, LEAST_ROWS_PER_WEIGHT * (num_weights + 1)
    if not settings.is_exact and effective_size < least_size:
        text = f"The kernel leaves an effective sample of {effective_size:.0f} perturbations for {num_weights} weights."
        advice = f"Give a larger kernel_width{_or_samples(_RESERVE * size * least_size / effective_size)}."
        yield Notice("low_effective_sample_size", f"{text} {advice}")
    if unknown and sample.num_replicates > 1:  # said already
        return
    if any(np.isnan(fit.half_widths).any() for fit in fits):
        text = f"There were too few perturbations for intervals. Give num_samples of at least {_ENOUGH_FOR_INTERVALS}."
        yield Notice("no_intervals", text)
        return
    heaviest = [np.abs(fit.weights).max() for fit in fits]
    widest = max([fit.half_widths.max() / most for fit, most in zip(fits, heaviest, strict=True) if most], default=1.0)
    if not np.all(heaviest, where=sample.varies):
        text = "All weights of an output that varies are 0: what changes it has no weight in the kernel."
        yield Notice("not_converged", f"{text} Give a larger kernel_width.")
    elif goal.certainty is None and widest > goal.tolerance:
        is_auto = option.startswith("max_samples")
        reached = f' after {size} perturbations, the most that num_samples="auto" takes' if is_auto else ""
        text = f"Some weights' intervals are wider than the tolerance{reached}: up to {widest:.2g} of the heaviest weight."
        # The error falls at least with the root of the number. The heaviest weight may be lighter by as much as its own
        # interval says.
        share = widest / max(1e-9, 1 - widest)
        needed = size * max(1.0, share / goal.tolerance) ** 2  # no fewer: fewer have just been seen to be too few
        remedies = []
        if widest <= _HALF_KNOWN:  # otherwise the heaviest weight is too uncertain for a forecast
            remedies += [option.format(round_up(needed))] if needed <= _MOST_SAMPLES else []
            remedies.append(f"tolerance={_round_up_share(widest):g} if that is precise enough")
        if remedies:
            advice = f"Give {', or '.join(remedies)}."
        elif all((fit.half_widths >= np.abs(fit.weights)).all() for fit in fits):
            advice = "No weight is known well enough to be read."
        else:
            advice = "That is the least certain weight."
            if 4 * size <= _MOST_SAMPLES:
                advice += f" Give {option.format(round_up(4 * size))}, which about halves the intervals."
        exact_link = None if sample.controls is None else sample.controls.exact_link
        exact = "" if exact_link is None else f' With link="{exact_link}" the weights are exact.'
        yield Notice("not_converged", f"{text} {advice}{exact}")


def _find_uncertain(
    names: Sequence[str],
    sample: Sample,
    certainties: Sequence[Certainty],
    fits: Sequence[Fit],
    level: float,
    option: str,
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
        parts.append(f"It is not certain that {_list_names(list(doubtful))} {be} among the heaviest: {_least(doubtful)}.")
        parts.append(f"{weigh} about as much as what is left out.")
    if signs:
        noun = "sign" if len(signs) == 1 else "signs"
        parts.append(f"The {noun} of {_list_names(list(signs))} may be wrong: {_least(signs)} that it is right.")
    if parts:
        number = "another num_features" if doubtful else "a smaller num_features"
        parts.append(f"Give {number}, or {option.format(round_up(4 * (sample.size + 1)))}.")
        yield Notice("uncertain_list", " ".join(parts))


def _least(probabilities: Mapping[str, float]) -> str:
    return f"the probability is {min(probabilities.values()):.2f}{'' if len(probabilities) == 1 else ' at the least'}"


def _describe_tried(kinds: Sequence[str]) -> str:
    """A sentence about trials that did not help, after a space; nothing where there were none."""
    if not kinds:
        return ""
    *first, last = kinds
    listed = f"{', '.join(first)} and {last}" if first else last
    return f" Fitting {listed} was tried, and does not help."


def _list_names(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_MOST_LISTED_NAMES])
    return listed if len(names) <= _MOST_LISTED_NAMES else f"{listed} and {len(names) - _MOST_LISTED_NAMES} more"


def _describe_fixed(names: Sequence[str]) -> str:
    text = "stays in every perturbation: its" if len(names) == 1 else "stay in every perturbation: their"
    return f"{_list_names(names)} {text} weight of 0 does not say whether the model uses it."


def _holds_zero(fit: Fit, names: Sequence[str], chosen: Sequence[str]) -> bool:
    """Whether the intervals of the components with these names hold 0."""
    is_chosen = np.isin([names[component] for component in fit.components], chosen)
    return bool(((fit.lows <= 0) & (fit.highs >= 0))[is_chosen].all())


def _describe_chance(names: Sequence[str], num_components: int, num_drawn: int, *, holds_zero: bool) -> str:
    were = "was" if len(names) == 1 else "were"
    interval = "its interval holds 0" if len(names) == 1 else "their intervals hold 0"
    counts = f"{interval}, and the fidelity does" if holds_zero else "intervals and fidelity do"
    return (
        f"{_list_names(names)} {were} chosen among {num_components} components from {num_drawn} perturbations, and chance "
        f"alone can make a weight as heavy: {counts} not count the choice. Give more num_samples, or "
        "fewer num_features."
    )


def _describe_unknown(names: Sequence[str]) -> str:
    weights = "The weight" if len(names) == 1 else "The weights"
    return (
        f"{weights} of {_list_names(names)} cannot be known: hardly any perturbation that counts shows a difference. Give more "
        "num_samples or a larger kernel_width. A sampler or constraint of your own must let every component vary."
    )


def _describe_sparse_fit(num_components: int, num_drawn: int) -> str:
    return (
        f"{num_drawn} perturbations do not determine the weights of {num_components} components. A lasso chose the reported "
        "ones: others may weigh as much, and how certain the list is, is not known. Give num_samples of at least "
        f"{LEAST_ROWS_PER_COMPONENT * num_components + 1}, or fewer components."
    )


def _or_samples(needed: float) -> str:
    """A number of samples as the second of two remedies, if it is one that a user would wait for."""
    return f", or num_samples={round_up(needed)}" if needed <= _MOST_SAMPLES else ""


def _round_up_share(share: float) -> float:
    """The next share in steps of a twentieth."""
    return float(np.ceil(share * 20) / 20)


def _write_both(agreement: Agreement) -> tuple[str, str]:
    """Both predictions; what is tiny beside the other is rounding."""
    least = 1e-9 * max(abs(agreement.model), abs(agreement.surrogate))
    model, surrogate = (_write(number if abs(number) > least else 0.0) for number in (agreement.model, agreement.surrogate))
    return model, surrogate


def _write(number: float) -> str:
    """A number with three digits, and all digits before the point."""
    return f"{number:.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.3g}"
