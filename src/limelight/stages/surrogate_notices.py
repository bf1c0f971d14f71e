"""What a reader should know about one label's surrogate: whether it agrees with the model, follows it, and is shrunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from limelight.results.explanation import Notice
from limelight.stages.agreement import Agreement
from limelight.stages.bins_cost import BinsCost, measure_bins_cost
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.missing_effect import MissingEffect, find_missing_effect
from limelight.stages.notice_words import MoreSamples, or_samples
from limelight.stages.prediction_outputs import Outputs
from limelight.stages.remedies import LEAST_ROWS_PER_WEIGHT, Trial, try_kernels, try_settings
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.surrogate import Fit
from limelight.stages.vicinity import Vicinity

__all__ = ["JudgedSurrogate", "is_hardly_sampled"]

_LOW_FIDELITY = 0.25
_LEAST_GAIN = 0.05  # of fidelity: less is hardly worth a change of settings
_LEAST_MISSED = 0.005  # of the output's variation: less is 0 %
_LARGE_SHRINKAGE = 0.1
_MOST_TRIED_LABELS = 5  # and the default label: trials of many outputs would take longer than the explanation
_ROUNDING_SHARE = 1e-12  # of an output


@dataclass(frozen=True)
class JudgedSurrogate:
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
        is_judged = not is_hardly_sampled(self.sample)
        if agreement.is_across or (agreement.is_off and is_judged):
            yield self._describe_disagreement(agreement, components.nearer_option)
        # What the model said, and not the surrogate: with a prior the surrogate may say something else.
        mean = self.sample.mean_outputs[self.number]
        # A single perturbation has no spread, and an exact limit may have one that the rows do not show.
        has_spread = self.sample.size == 1 or _varies_by(fit.spread, mean)
        if not has_spread or (self.sample.limit is None and not self.sample.varies[self.number]):
            text = f"The model's output {name!r} was {_write(mean)} for every perturbation: "
            text += "nothing that was changed matters to the model, unless in cases so rare that none was drawn."
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
            # Not max_samples: the penalty means the same whatever it is.
            needed = or_samples(MoreSamples.BY_NUM_SAMPLES, self.settings.nominal_draws * odds)
            yield Notice("shrunk", f"{text} Give alpha=0{needed}.")

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


def is_hardly_sampled(sample: Sample) -> bool:
    """Whether the weights are known from the limit, but what only perturbations say is known from next to none."""
    return sample.limit is not None and sample.effective_size < LEAST_ROWS_PER_WEIGHT


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


def _describe_missing_effect(name: str, output: str, effect: MissingEffect) -> Notice:
    direction = "greater" if effect.change > 0 else "less"
    text = (
        f"{name} is missing in {effect.share:.0%} of the perturbed rows, where {output} is {_write(abs(effect.change))} "
        f"{direction} than near the mean of {name}. No weight says so: without bins a missing value counts as the mean, and "
        "the weight is a slope, which this may distort. With discretize_continuous=True missing values have a weight."
    )
    return Notice("missing_without_weight", text, "alert")


def _varies_by(spread: float, mean: float) -> bool:
    """Whether an output with this mean varies over the perturbations by more than rounding."""
    return spread > _ROUNDING_SHARE * abs(mean)


def _describe_tried(kinds: Sequence[str]) -> str:
    """A sentence about trials that did not help, after a space; nothing where there were none."""
    if not kinds:
        return ""
    *first, last = kinds
    listed = f"{', '.join(first)} and {last}" if first else last
    return f" Fitting {listed} was tried, and does not help."


def _write_both(agreement: Agreement) -> tuple[str, str]:
    """Both predictions; what is tiny beside the other is rounding."""
    least = 1e-9 * max(abs(agreement.model), abs(agreement.surrogate))
    model, surrogate = (_write(number if abs(number) > least else 0.0) for number in (agreement.model, agreement.surrogate))
    return model, surrogate


def _write(number: float) -> str:
    """A number with three digits, and all digits before the point."""
    return f"{number:.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.3g}"
