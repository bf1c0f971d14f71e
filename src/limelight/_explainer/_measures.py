"""What to measure once a prediction has been explained, with further model inputs."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, Literal, Self, TypeVar, final

from limelight._explainer._pipeline import Pipeline
from limelight._lockstep import Run, run_alone
from limelight._options import Label, Link, Repetitions, Request
from limelight.collection.stability import Stability
from limelight.exceptions import ArgumentError
from limelight.models import adapt
from limelight.results.explanation import Explanation
from limelight.results.faithfulness import Faithfulness
from limelight.stages.contract import find_components, find_nearby
from limelight.stages.faithfulness import FaithfulnessPlan
from limelight.stages.perturbation import DESIGNS
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prior import Prior
from limelight.stages.questions import Ask

__all__ = ["MeasuresMixin"]

T = TypeVar("T")

_FRESH = 2**32  # follows the seed of perturbations that no explanation was fitted to: none has so many replicates


class MeasuresMixin(Pipeline):
    """The methods that measure explanations, for a class that can explain. `Explainer` derives from it."""

    @final
    def measure_stability(
        self,
        instance: Any,
        model: Any,
        *,
        num_seeds: int = 10,
        num_changes: int = 10,
        radius: float = 0.1,
        label: Label | None = None,
        num_features: int | None = None,
        num_samples: int | Literal["auto"] = "auto",
        max_samples: int | None = None,
        batch_size: int | None = None,
        pad_batches: bool = False,
        model_regressor: Any = None,
        distance_metric: str | None = None,
        link: Link = "identity",
        prior: Prior | None = None,
    ) -> Stability:
        """Explain an instance with several seeds, and after small changes, and say how much the explanation varies.

        An exact explanation is the same with all seeds, so that the model is not asked for the others.

        Parameters
        ----------
        instance : object
            What to explain.
        model : callable, estimator, torch module or ONNX file
            The model, in any form that `explain_instance` takes.
        num_seeds : int, default 10
            How many seeds: the explainer's own, and those that follow it.
        num_changes : int, default 10
            How often the instance is changed; only numbers in a row of a table change.
        radius : float, default 0.1
            How far each number moves at most, in standard deviations of its column; whole numbers stay whole.
        label : int or str, optional
            Which output, by its number or name; by default the explanation's default label.
        num_features, num_samples, max_samples, batch_size, pad_batches, model_regressor, distance_metric, link, prior
            As for `explain_instance`. Where all components are listed, lists cannot differ. What a prior says of a component
            holds for the same one of changed instances, also where its value is in another bin.

        Returns
        -------
        stability : Stability
            VSI, CSI, Jaccard similarities, each weight's spread beside the one that its intervals promise, and max-sensitivity.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        InstanceError, KernelError, LabelError, ModelError, PredictionError
            As `explain_instance` raises them.

        Examples
        --------
        >>> import numpy as np
        >>> from limelight import TabularExplainer
        >>> rows = np.random.default_rng(0).normal(size=(500, 6))
        >>> explainer = TabularExplainer(rows)
        >>> stability = explainer.measure_stability(
        ...     rows[0], lambda rows: rows[:, 0] + rows[:, 1] * rows[:, 2], num_features=2, num_samples=500
        ... )
        >>> len(stability.seeds), 0 <= stability.vsi <= 1
        (10, True)
        """
        request = Request.checked(
            labels=label,
            top_labels=None,
            num_features=num_features,
            num_samples=num_samples,
            max_samples=max_samples,
            batch_size=batch_size,
            pad_batches=pad_batches,
            model_regressor=model_regressor,
            distance_metric=distance_metric,
            link=link,
            prior=prior,
        )
        repetitions = Repetitions.checked(self.options.random_state, num_seeds, num_changes, radius)
        return run_alone(self._measure_stability_in_steps(instance, model, request, repetitions))

    @final
    def _measure_stability_in_steps(
        self, instance: Any, model: Any, request: Request, repetitions: Repetitions
    ) -> Run[Stability]:
        """`measure_stability` as a run."""
        seeds, num_changes, radius = repetitions
        inputs, shared = _InputCount(), SharedAnswers()
        own = yield from inputs.count(self._explain_in_steps(instance, model, request, shared))
        label = own.default_label if request.labels is None else request.labels[0]
        request = replace(request, labels=request.labels or own.labels)  # a changed row may be of another predicted class
        # A filling of noise is another one with another seed, so that what is exact for the one is not for the other.
        is_exact = own.is_exact and self._has_content(seeds[1], instance, own.provenance.content)
        explanations = [own]
        for seed in seeds[1:]:
            other = own
            if not is_exact:
                run = self._with_seed(seed)._explain_in_steps(instance, model, request, SharedAnswers())
                other = yield from inputs.count(run)
            explanations.append(other)
        components = find_components(self, instance)
        if request.prior is not None:  # a changed row may be in a bin of another name
            request = replace(request, prior=request.prior.numbered(components.names, components.view.columns()))
        nearby = find_nearby(components, radius, num_changes, self.options.random_state)
        changed: list[Explanation] = []
        for one in () if isinstance(nearby, str) else nearby:
            run = self._explain_in_steps(one, model, request, shared)
            changed.append((yield from inputs.count(run)))
            if len(changed[-1].names) != len(own.names):
                raise ArgumentError(
                    f"{type(components).__name__}.nearby must give instances with the same components; one has "
                    f"{len(changed[-1].names)}, and the instance {len(own.names)}."
                )
        why_none = nearby if isinstance(nearby, str) else ""
        return Stability.of(explanations, label, seeds, changed, radius, why_none, num_inputs=inputs.total, is_exact=is_exact)

    @final
    def measure_faithfulness(
        self,
        instance: Any,
        model: Any,
        explanation: Explanation,
        *,
        label: Label | None = None,
        num_orders: int = 10,
        num_rows: int = 16,
        num_samples: int = 500,
        batch_size: int | None = None,
        pad_batches: bool = False,
    ) -> Faithfulness:
        """Ask the model whether it does what an explanation says: without and with the listed components, and nearby.

        Parameters
        ----------
        instance : object
            The instance that was explained.
        model : callable, estimator, torch module or ONNX file
            The model that was explained, in any form that `explain_instance` takes.
        explanation : Explanation
            What this explainer made of both.
        label : int or str, optional
            An explained output, by its number or name; by default the explanation's `default_label`.
        num_orders : int, default 10
            How many random orders the curves are compared with.
        num_rows : int, default 16
            Over how many rows each prediction is a mean where columns of a row are absent: these are drawn anew, as the
            perturbations are. Where parts are absent, it is one input.
        num_samples : int, default 500
            The number of perturbations for the infidelity, the instance included.
        batch_size, pad_batches
            As for `explain_instance`.

        Returns
        -------
        faithfulness : Faithfulness
            Deletion and insertion curves with their areas, comprehensiveness, sufficiency, and infidelity.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed, or the explanation is of another instance or model.
        LabelError
            If the label was not explained.
        ModelError, PredictionError
            If the model raises, or its answer cannot be read.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> def model(texts):
        ...     return [0.1 + 0.5 * ("good" in text) + 0.2 * ("old" in text) for text in texts]
        >>> explainer = TextExplainer(alpha=0)
        >>> explanation = explainer.explain_instance("a good old film", model)
        >>> faithfulness = explainer.measure_faithfulness("a good old film", model, explanation)
        >>> faithfulness.names[:2], round(faithfulness.comprehensiveness, 3), round(faithfulness.sufficiency, 3)
        (('good', 'old'), 0.7, 0.0)
        """
        plan = FaithfulnessPlan.checked(explanation, num_orders, num_rows, num_samples, batch_size, pad_batches)
        number = explanation.surrogate(label).label
        return run_alone(self._measure_faithfulness_in_steps(instance, model, explanation, number, plan))

    @final
    def _measure_faithfulness_in_steps(
        self, instance: Any, model: Any, explanation: Explanation, label: int, plan: FaithfulnessPlan
    ) -> Run[Faithfulness]:
        """`measure_faithfulness` as a run."""
        components = find_components(self, instance)
        design = DESIGNS.load(self.default_design)((self.options.random_state, components.content, _FRESH), None)
        path = adapt(model, components, self.options.shortcuts).path.limited(plan.batch_size, pads_batches=plan.pads_batches)
        shared = SharedAnswers()
        return (yield from plan.measure(explanation, label, components, design, lambda: Oracle(path, shared)))

    @final
    def _has_content(self, seed: int, instance: Any, content: str) -> bool:
        """Whether perturbations with another seed depend on the same besides."""
        return f"{find_components(self._with_seed(seed), instance).content:x}" == content

    def _with_seed(self, seed: int) -> Self:
        """The same explainer with another seed; one that keeps what it draws does not keep this for the other."""
        other = copy(self)
        other.options = replace(self.options, random_state=seed)
        return other


class _InputCount:
    """How many inputs runs ask a model about; those that several runs share count once."""

    def __init__(self) -> None:
        self._own = 0
        self._shared: dict[Any, int] = {}

    @property
    def total(self) -> int:
        return self._own + sum(self._shared.values())

    def count(self, run: Run[T]) -> Run[T]:
        """The same run, counted."""
        outcome: Any = None
        while True:
            try:
                effect = run.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(effect, Ask) and not effect.is_repetition:
                for question in effect.questions:
                    if question.key is None:
                        self._own += len(question.rows)
                    else:
                        self._shared[question.key] = len(question.rows)
            outcome = yield effect
