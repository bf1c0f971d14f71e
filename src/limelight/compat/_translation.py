"""From lime's call to limelight's pipeline, and from limelight's results to what lime's explanations hold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from inspect import isroutine
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassifierMixin

from limelight._explainer import Explainer
from limelight._lockstep import run_alone
from limelight._options import Request
from limelight.compat._score import Score
from limelight.compat.lime_base import print_fit
from limelight.exceptions import LabelError, ModelError
from limelight.results.explanation import Explanation as LimelightExplanation
from limelight.results.explanation import Surrogate
from limelight.stages.prediction import SharedAnswers
from limelight.stages.sample import Sample

__all__ = [
    "Answer",
    "Fit",
    "Wish",
    "ask_limelight",
    "choose_labels",
    "fit_classically",
    "record",
    "warn_of_notices",
    "warn_of_sums",
]

_PASSED_OVER_BY_LIME = {
    *("answers_depend_on_batch", "low_effective_sample_size", "missing_without_weight", "outside_training_data"),
    *("random_answers", "text_cut", "unknown_weights"),
}
"""The codes of notices of which a program should hear, which shows no notices."""

_NOTHING = 1e-12  # the most that a narrow kernel and the penalty leave of weights


@dataclass(frozen=True)
class Wish:
    """The arguments that all of lime's ``explain_instance`` share; `own_metric` is the default of `distance_metric`."""

    labels: tuple[Any, ...]
    top_labels: int | None
    num_features: int
    num_samples: int
    distance_metric: Any
    own_metric: str
    model_regressor: Any
    feature_selection: str
    batch_size: int | None = None

    @classmethod
    def of(cls, labels: Any, top_labels: Any, **others: Any) -> Wish:
        """`top_labels` wins over `labels`, which is not looked at then; 0 is as good as None."""
        return cls(labels=() if top_labels else tuple(labels), top_labels=top_labels or None, **others)

    @property
    def method(self) -> str:
        """The way to choose components; limelight's "auto" is another one than lime's."""
        if self.feature_selection != "auto":
            return self.feature_selection
        return "forward_selection" if self.num_features <= 6 else "highest_weights"


class Fit(NamedTuple):
    """The surrogate of one label: what lime's `LimeBase.explain_instance_with_data` returns."""

    intercept: float
    weights: list[tuple[int, float]]
    score: float
    local_pred: np.ndarray


@dataclass(frozen=True)
class Answer:
    """What an explanation is made of, whichever way it was found.

    Attributes
    ----------
    predictions : ndarray of shape (k,)
        The model's outputs for the instance.
    low, high : float
        The least and the largest first output among the perturbations.
    fits : dict of int to Fit
        By label, in lime's order.
    explanation : limelight.Explanation or None
        limelight's, if its pipeline found them.
    """

    predictions: np.ndarray
    low: float
    high: float
    fits: dict[Any, Fit]
    explanation: LimelightExplanation | None = None

    def with_numbers(self, numbers: Sequence[int]) -> Answer:
        """The same with these numbers in place of the components' own."""
        fits = {
            label: fit._replace(weights=[(int(numbers[component]), weight) for component, weight in fit.weights])
            for label, fit in self.fits.items()
        }
        return replace(self, fits=fits)


def choose_labels(predictions: np.ndarray, wish: Wish) -> list[int]:
    """The labels to explain: those that were asked for, or those with the highest predictions, the highest last."""
    if wish.top_labels:
        return [int(label) for label in np.argsort(predictions)[-wish.top_labels :]]
    return list(wish.labels)


def ask_limelight(
    explainer: Explainer,
    instance: Any,
    model: Any,
    wish: Wish,
    *,
    is_regression: bool = False,
    verbose: bool = False,
) -> Answer:
    """Explain an instance with limelight's pipeline.

    Parameters
    ----------
    explainer : Explainer
        limelight's.
    instance, model : object
        As the program gave them; the model is handed on as it is, so that limelight knows an estimator's own method.
    wish : Wish
        What was asked for.
    is_regression : bool, default False
        Whether only the first output counts.
    verbose : bool, default False
        Whether to print each fit.
    """
    labels: tuple[Any, ...] | None = tuple(label for label in wish.labels if label >= 0)
    if is_regression:
        labels = (0,)
    elif wish.top_labels:
        labels = None
    explanation, sample = _explain(explainer, instance, model, wish, labels or None)
    predictions = np.array(explanation.predictions)
    wanted = [0] if is_regression else choose_labels(predictions, wish)
    outputs = {label: range(len(predictions))[label] for label in wanted}  # which counts negative ones from the last
    if not set(outputs.values()) <= set(explanation.labels):  # ties among the highest, or labels counted from the last
        explanation, sample = _explain(explainer, instance, model, wish, tuple(dict.fromkeys(outputs.values())))
    fits = {label: _read_fit(explanation.surrogate(output), sample, explanation) for label, output in outputs.items()}
    if verbose:
        for label, fit in fits.items():
            print_fit(fit.intercept, fit.local_pred, predictions[label])
    first = explanation.labels.index(outputs[wanted[0]]) if wanted else 0
    values = sample.origin[first] + np.append(0.0, sample.outputs[:, first])
    if wish.model_regressor is not None and fits:
        _leave_fitted(wish.model_regressor, list(fits.values())[-1])
    return Answer(predictions, values.min(), values.max(), fits, explanation)


def _explain(
    explainer: Explainer, instance: Any, model: Any, wish: Wish, labels: tuple[Any, ...] | None
) -> tuple[LimelightExplanation, Sample]:
    """limelight's explanation, and the sample that it was fitted on; an error of the model's own is raised as it is."""
    request = Request.checked(
        labels=None if labels is None else [int(label) for label in labels],
        top_labels=wish.top_labels if labels is None else None,
        num_features=wish.num_features,
        num_samples=wish.num_samples,
        max_samples=None,
        batch_size=wish.batch_size,
        pad_batches=False,
        model_regressor=wish.model_regressor,
        distance_metric=None if wish.distance_metric == wish.own_metric else wish.distance_metric,
        link="identity",
    )
    try:
        gathered = run_alone(explainer._gather_in_steps(instance, _as_lime_calls(model), request, SharedAnswers()))
    except ModelError as error:
        raise error.__cause__ or error from None
    except LabelError as error:
        raise IndexError(f"labels={wish.labels}: {error}") from error
    return explainer._build_explanation(gathered, request), gathered.sample


def _as_lime_calls(model: Any) -> Any:
    """What lime calls, whatever other methods an object has; an estimator's own method stays as it is."""
    if not callable(model):
        raise TypeError(f"the model must be a function from inputs to outputs; got {type(model).__name__}.")
    if not isroutine(model) and not isinstance(model, partial):
        return model.__call__
    is_predict = getattr(model, "__name__", "") == "predict"
    if is_predict and isinstance(getattr(model, "__self__", None), ClassifierMixin):
        # limelight refuses the method; of a function's answers lime takes classes for numbers, or refuses them itself.
        return lambda inputs: model(inputs)
    return model


def _read_fit(surrogate: Surrogate, sample: Sample, explanation: LimelightExplanation) -> Fit:
    score = surrogate.fidelity
    if not np.isfinite(score):
        score = _measure_in_sample(surrogate, sample, explanation.labels.index(surrogate.label))
    # As in lime, weights are numpy's floats, whose dtype clients ask for; they are Python's floats as well.
    weights = list(zip(surrogate.components, np.array(surrogate.weights), strict=True))
    return Fit(np.float64(surrogate.intercept), weights, score, np.array([surrogate.local_prediction]))


def _measure_in_sample(surrogate: Surrogate, sample: Sample, place: int) -> float:
    """The weighted R2 on the perturbations that the surrogate was fitted to; 1 of an output that never varies."""
    rows = sample.regression_rows(np.array(surrogate.components, dtype=np.intp))
    outputs, total = rows.outputs[:, place], rows.row_weights.sum()
    if not total > 0 or not sample.varies[place]:
        return 1.0
    shares = rows.row_weights / total
    predicted = surrogate.intercept - sample.origin[place] + rows.representation @ np.array(surrogate.weights)
    variance = float(shares @ (outputs - shares @ outputs) ** 2)
    return 1.0 - float(shares @ (outputs - predicted) ** 2) / variance if variance else 1.0


def _leave_fitted(regressor: Any, fit: Fit) -> None:
    """Give the program's regressor the coefficients of the last label, as lime leaves them; limelight fitted clones of it."""
    with suppress(AttributeError):  # of some regressors these are properties
        regressor.intercept_ = fit.intercept
        regressor.coef_ = np.array([weight for _, weight in fit.weights])


def fit_classically(
    base: Any, data: Any, outputs: np.ndarray, distances: np.ndarray, wish: Wish, labels: Sequence[Any]
) -> Answer:
    """Fit the surrogates with a `LimeBase`, or what a program put in its place, called as lime calls it."""
    fits = {}
    for label in labels:
        fits[label] = Fit(
            *base.explain_instance_with_data(
                data,
                outputs,
                distances,
                label,
                wish.num_features,
                model_regressor=wish.model_regressor,
                feature_selection=wish.feature_selection,
            )
        )
    return Answer(outputs[0], outputs[:, 0].min(), outputs[:, 0].max(), fits)


def record(answer: Answer, explanation: Any) -> None:
    """Put what was found into an explanation's attributes."""
    for label, fit in answer.fits.items():
        explanation.intercept[label] = fit.intercept
        explanation.local_exp[label] = list(fit.weights)
        explanation.local_pred = fit.local_pred
    if answer.fits:
        explanation.score = Score({label: fit.score for label, fit in answer.fits.items()})
    explanation.limelight_explanation = answer.explanation


def warn_of_sums(predictions: np.ndarray) -> None:
    """Warn where a classifier's outputs for the instance are no probabilities."""
    if not np.isclose(predictions.sum(), 1.0):
        warnings.warn(
            f"The model's outputs for the instance sum to {predictions.sum():.4g}, not 1: they are explained as they are, as "
            "scores. Give the model's probabilities if it has any.",
            stacklevel=4,
        )


def warn_of_notices(answer: Answer, warned: set[str]) -> None:
    """Warn, once for each explainer, of what lime would have passed over: its numbers would have been wrong or empty."""
    codes = _PASSED_OVER_BY_LIME
    if not any(abs(weight) > _NOTHING for fit in answer.fits.values() for _, weight in fit.weights):
        codes = codes | {"shrunk"}  # otherwise the penalty takes what it takes in lime, too
    for notice in answer.explanation.notices if answer.explanation is not None else ():
        if notice.code in codes and notice.code not in warned:
            warned.add(notice.code)
            warnings.warn(notice.message, stacklevel=3)
