"""What to ask once a prediction has been explained: the same without some components, and the same of another model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, final

from limelight._explainer._pipeline import Pipeline
from limelight._lockstep import Run, request_fits, run_alone
from limelight._options import Label, Link, Request
from limelight.collection.comparison import Comparison
from limelight.collection.pairs import compare_pair, read_names
from limelight.exceptions import ArgumentError
from limelight.models import adapt
from limelight.results.explanation import Explanation
from limelight.results.removal import Removal
from limelight.stages.contract import find_components
from limelight.stages.perturbation import DESIGNS
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prior import Prior
from limelight.stages.removal import RemovalPlan

__all__ = ["FollowUpMixin"]


class FollowUpMixin(Pipeline):
    """The methods that go on from one explanation, for a class that can explain. `Explainer` derives from it."""

    @final
    def ask_without(
        self,
        instance: Any,
        model: Any,
        explanation: Explanation,
        *components: str | int,
        label: Label | None = None,
        num_samples: int = 200,
        batch_size: int | None = None,
        pad_batches: bool = False,
    ) -> Removal:
        """Ask the model about an instance without some of its components, beside what the surrogate predicts for that.

        Parameters
        ----------
        instance : object
            The instance that was explained.
        model : callable, estimator, torch module or ONNX file
            The model that was explained, in any form that `explain_instance` takes.
        explanation : Explanation
            What this explainer made of both.
        *components : str or int
            Which to remove, as `Explanation.without` takes them.
        label : int or str, optional
            An explained output, by its number or name; by default the explanation's `default_label`.
        num_samples : int, default 200
            The largest number of rows to ask about where columns of a row are removed: in these they have other states, drawn
            as the perturbations are, and all other columns are as in the row. Where parts are removed, it is one input.
        batch_size, pad_batches
            As for `explain_instance`.

        Returns
        -------
        removal : Removal
            What `Explanation.without` gives, with the model's answer.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If a component is not found, the weights are slopes, or the explanation is of another instance or model.
        InstanceError
            If no row can be drawn in which these components are in other states.
        LabelError
            If the label was not explained.
        ModelError, PredictionError
            If the model raises, or its answer cannot be read.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> def model(texts):
        ...     return [0.1 + 0.5 * ("good" in text or "fine" in text) for text in texts]
        >>> explainer, text = TextExplainer(), "a good and fine film"
        >>> explanation = explainer.explain_instance(text, model)
        >>> removal = explainer.ask_without(text, model, explanation, "good", "fine")
        >>> round(removal.local_prediction, 2), round(removal.prediction, 2), removal.answer
        (0.69, 0.35, 0.1)
        """
        plan = RemovalPlan.checked(explanation, num_samples, batch_size, pad_batches)
        removal = explanation.without(*components, label=label)
        return run_alone(self._ask_without_in_steps(instance, model, explanation, removal, plan))

    @final
    def _ask_without_in_steps(
        self, instance: Any, model: Any, explanation: Explanation, removal: Removal, plan: RemovalPlan
    ) -> Run[Removal]:
        """`ask_without` as a run."""
        components = find_components(self, instance)
        design = DESIGNS.load(self.default_design)((self.options.random_state, components.content), None)
        path = adapt(model, components, self.options.shortcuts).path.limited(plan.batch_size, pads_batches=plan.pads_batches)
        return (yield from plan.ask(removal, explanation, components, design, Oracle(path, SharedAnswers())))

    @final
    def compare_models(
        self,
        instance: Any,
        first: Any,
        second: Any,
        *,
        names: Sequence[str] = ("first", "second"),
        id: object = None,
        labels: Label | Iterable[Label] | None = None,
        top_labels: int | None = None,
        num_features: int | None = None,
        num_samples: int | Literal["auto"] = "auto",
        max_samples: int | None = None,
        batch_size: int | None = None,
        pad_batches: bool = False,
        model_regressor: Any = None,
        distance_metric: str | None = None,
        link: Link = "identity",
        prior: Prior | None = None,
    ) -> Comparison:
        """Explain two models' predictions of one instance with the same perturbations, and compare them.

        Both surrogates have the same components, those that either model's explanation lists; so each of their weights can be
        compared. `limelight.compare` compares explanations that are there already.

        Parameters
        ----------
        instance : object
            What to explain.
        first, second : callable, estimator, torch module or ONNX file
            The models, in any form that `explain_instance` takes.
        names : sequence of two str, default ("first", "second")
            What the models are called.
        id, labels, top_labels, num_samples, max_samples, batch_size, pad_batches, model_regressor, distance_metric, link, prior
            As for `explain_instance`.
        num_features : int, optional
            The largest number of components of each model alone: together they may have twice as many.

        Returns
        -------
        comparison : Comparison
            The differences with their intervals, and both explanations.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed, or the explainer's `locality` is a number; or if the models have other outputs, or
            none of their labels is the same, as where they predict different classes: then give `labels`.
        InstanceError, KernelError, LabelError, ModelError, PredictionError
            As `explain_instance` raises them.

        Examples
        --------
        >>> from limelight import TextExplainer
        >>> comparison = TextExplainer(alpha=0).compare_models(
        ...     "good old film",
        ...     lambda texts: ["good" in text for text in texts],
        ...     lambda texts: [("good" in text) + 0.5 * ("film" in text) for text in texts],
        ...     names=("old", "new"),
        ... )
        >>> [name for name, _ in comparison.as_list(certain=True)]
        ['film']
        """
        pair = read_names(names)
        if isinstance(self.options.locality, float):
            raise ArgumentError(
                f"locality={self.options.locality:g} finds a kernel width for each model, and weights with other widths "
                'cannot be compared: give the explainer kernel_width, or locality="local".'
            )
        request = Request.checked(
            labels=labels,
            top_labels=top_labels,
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
        own, other = run_alone(self._explain_alike_in_steps(instance, (first, second), request))
        return compare_pair(own.with_id(id), other.with_id(id), pair)

    @final
    def _explain_alike_in_steps(self, instance: Any, models: Sequence[Any], request: Request) -> Run[list[Explanation]]:
        """Explanations of several models' predictions of one instance, as a run; those of a label list the same components."""
        gathered = []
        listed: dict[int, dict[int, None]] = {}  # the components of each label, in the order in which they were found
        for model in models:
            gathered.append((yield from self._gather_in_steps(instance, model, request, SharedAnswers())))
            for label, fit in zip(gathered[-1].outputs.labels, gathered[-1].fits, strict=True):
                listed.setdefault(label, {}).update(dict.fromkeys(fit.components.tolist()))
        explanations = []
        for one in gathered:
            fits = []
            for number, (label, fit) in enumerate(zip(one.outputs.labels, one.fits, strict=True)):
                if len(listed[label]) > len(fit.components):
                    settings = one.settings._replace(components=tuple(listed[label]))
                    (fit,) = yield from request_fits(one.sample.take_output(number), settings)
                fits.append(fit)
            explanations.append(self._build_explanation(one._replace(fits=fits), request))
        return explanations
