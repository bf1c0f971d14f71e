"""LIME, to be read from top to bottom: perturb, ask the model, weigh by nearness, fit a sparse linear surrogate.

(Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016, algorithm 1.)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from limelight._errors import LimelightError
from limelight._lockstep import Fitting, Step, in_step
from limelight._notices import notices
from limelight._options import Request
from limelight.batch.many import ManyInstances
from limelight.models import adapt
from limelight.results.explanation import Explanation, Surrogate
from limelight.stages.components import Components
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.perturbation import DESIGNS, Look, looks
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prediction_outputs import LINKS, read_outputs
from limelight.stages.proximity import Metric, Proximity, pairwise
from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit, Settings

__all__ = ["Explainer"]

NUM_FEATURES = 10


class Explainer(ManyInstances):
    """The pipeline that all explainers share.

    A modality derives from it, sets the attributes and says what an instance's components are; everything else is final.

    Attributes
    ----------
    design : str
        Which design draws the perturbations, unless the user asks for independent ones.
    distances : callable
        From a representation whose row 0 is the instance to distances from it.
    distance_unit : float
        What a distance of scikit-learn's is multiplied by to be in the kernel width's unit.
    cap : int
        The largest number of perturbations of an "auto" run.
    """

    design: str
    distances: Metric
    distance_unit: float
    cap: int = 5000

    @abstractmethod
    def components(self, instance: Any) -> Components:
        """What can be on or off in this instance."""

    def explain_instance(
        self,
        instance: Any,
        model: Any,
        *,
        labels: int | Iterable[int] | None = None,
        top_labels: int | None = None,
        num_features: int | None = None,
        num_samples: int | str = "auto",
        batch_size: int | None = None,
        model_regressor: Any = None,
        distance_metric: str | None = None,
        link: str = "identity",
    ) -> Explanation:
        """Explain one prediction.

        Parameters
        ----------
        instance : object
            What to explain: a text, a row of numbers, an image, a series, or components of the user's own, depending on the
            explainer.
        model : callable, estimator, torch module or ONNX file
            A callable from a batch of inputs to an array of shape (n,) or (n, k); a fitted estimator, of which
            ``predict_proba`` is asked, else ``decision_function``, else ``predict``; a ``torch.nn.Module``; the path of an ONNX
            file, or a session. `TorchModel` and `OnnxModel` take the last with settings of their own.
        labels : int or sequence of int, optional
            Which outputs to explain. By default class 1 of two, the predicted class of more, and every output of a regression
            or of other scores.
        top_labels : int, optional
            Explain this many outputs instead, those with the highest predictions, best first.
        num_features : int, optional
            How many components to report at most; by default 10.
        num_samples : int or "auto", default "auto"
            The number of perturbations, the instance included. "auto" doubles it until every reported weight's interval is
            within the explainer's tolerance, or the cap is reached: 5000 for rows and texts, else 1000.
        batch_size : int, optional
            The largest number of inputs that the model gets at once; by default all of them, unless they are large.
        model_regressor : object, optional
            A scikit-learn linear regressor to fit instead of the ridge; it is cloned, never changed.
        distance_metric : str, optional
            A distance that scikit-learn's ``pairwise_distances`` knows, instead of the explainer's own.
        link : {"identity", "logit"}, default "identity"
            What is explained: the outputs themselves, or, of probabilities, their log-odds ``log(p / (1 - p))``, which models
            that add up evidence are linear in; probabilities within 1e-6 of 0 or 1 count as that.

        Returns
        -------
        explanation : Explanation
            The weights with their intervals, and the figures that say how far to trust them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        InstanceError
            If the instance cannot be explained.
        KernelError
            If the kernel gives no perturbation any weight.
        LabelError
            If the model has no such output.
        ModelError, PredictionError
            If the model raises, or does not give one row of finite numbers for each input.
        """
        request = Request.checked(
            labels=labels,
            top_labels=top_labels,
            num_features=num_features,
            num_samples=num_samples,
            batch_size=batch_size,
            model_regressor=model_regressor,
            distance_metric=distance_metric,
            link=link,
        )
        (result,) = in_step([self._explain(instance, model, request, SharedAnswers())])
        if isinstance(result, LimelightError):
            raise result
        return result

    def _explain(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Step[Explanation]:
        """The pipeline for one instance."""
        components = self.components(instance)
        proximity, kernel_law = self._proximity(components, request)
        adapted = adapt(model, components, self.options.shortcuts)
        linked = LINKS[request.link]
        path = adapted.path._replace(batch_size=request.batch_size or adapted.path.batch_size)
        oracle = Oracle(path, shared)
        for look in self._looks(components, kernel_law, request):
            neighbourhood = components.neighbourhood(look.design, look.stretch)
            predictions = yield from oracle.predict(neighbourhood)
            if look.first:
                outputs = read_outputs(
                    predictions,
                    oracle.instance,
                    mode=self.options.mode,
                    class_names=self.options.class_names,
                    model_names=adapted.output_names,
                    labels=request.labels,
                    top_labels=request.top_labels,
                ).under(request.link)
            if look.first or look.exact:
                sample = Sample(neighbourhood.representation[0], linked(oracle.instance)[list(outputs.labels)])
            sample.add(
                neighbourhood.representation[1:],
                linked(predictions)[:, outputs.labels],
                neighbourhood.weights,
                proximity.weights(neighbourhood.representation)[1:],
                neighbourhood.replicates,
            )
            settings = Settings(
                method=self.options.feature_selection,
                num_features=request.num_features or NUM_FEATURES,
                alpha=self.options.alpha,
                nominal=request.num_samples or self.cap,
                kernel_law=kernel_law,
                regressor=request.regressor,
                confidence=look.confidence,
                exact=look.exact,
            )
            fits = yield Fitting(sample, settings)
            converged = all(_converged(one, self.options.tolerance) for one in fits)
            # An output that has not varied yet may still: a few perturbations do not show a rare event.
            weighty = [bool(np.any(one.weights)) for one in fits]
            if converged and (look.exact or all(weighty)):
                break
        if not look.exact:  # an output that varies and weighs nothing: no component varies within a narrow kernel
            converged = converged and all(weighty | ~sample.varies)
        effective_size = sample.effective_size
        return Explanation(
            surrogates=tuple(_surrogate(label, one) for label, one in zip(outputs.labels, fits, strict=True)),
            names=components.names,
            view=components.view,
            predictions=tuple(linked(oracle.instance).tolist()),
            output_names=outputs.names,
            output_kind=outputs.kind,
            default_label=outputs.default,
            num_samples=sample.size + (not look.exact),  # an enumeration has the instance among its masks
            num_inputs=oracle.num_inputs,
            effective_sample_size=effective_size,
            confidence=look.confidence,
            converged=converged,
            kernel_width=proximity.width,
            alpha=self.options.alpha,
            random_state=self.options.random_state,
            warnings=notices(
                components,
                outputs,
                sample.varies,
                fits,
                effective_size=effective_size,
                num_features=request.num_features,
                converged=converged,
                exact=look.exact,
            ),
        )

    def _proximity(self, components: Components, request: Request) -> tuple[Proximity, KernelLaw | None]:
        """The kernel, and, where it is limelight's own on masks, all that is known of the masks beforehand."""
        distances = self.distances
        if request.distance_metric is not None:
            distances = pairwise(request.distance_metric, self.distance_unit)
        width = components.kernel_width or self.options.kernel_width
        proximity = Proximity(width, distances, self.options.kernel)
        if components.law is None or request.distance_metric is not None or self.options.kernel is not None:
            return proximity, None
        return proximity, KernelLaw(components.law, proximity.by_absent(len(components.names)))

    def _looks(self, components: Components, kernel_law: KernelLaw | None, request: Request) -> Iterator[Look]:
        seed = (self.options.random_state, components.content)
        name = self.design if self.options.design == "auto" else self.options.design
        design = DESIGNS.load(name)(seed, None if kernel_law is None else kernel_law.kernel)
        enumerable = components.law is not None and self.options.design == "auto"
        parts = len(components.names) if enumerable else None
        return looks(design, parts, request.num_samples, self.cap)


def _converged(one: Fit, tolerance: float) -> bool:
    """Whether every interval reaches no further than the tolerance, in units of the heaviest weight."""
    return bool(np.all(one.half_widths <= tolerance * np.abs(one.weights).max()))


def _surrogate(label: int, one: Fit) -> Surrogate:
    return Surrogate(
        label=label,
        components=tuple(one.components.tolist()),
        weights=tuple(one.weights.tolist()),
        lows=tuple((one.weights - one.half_widths).tolist()),
        highs=tuple((one.weights + one.half_widths).tolist()),
        intercept=one.intercept,
        local_prediction=one.local_prediction,
        fidelity=one.fidelity,
    )
