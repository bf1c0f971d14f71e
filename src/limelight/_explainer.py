"""LIME, to be read from top to bottom: perturb, ask the model, weigh by nearness, fit a sparse linear surrogate.

(Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016, algorithm 1.)

`Explainer._explain_in_steps` is the pipeline. It is a generator: it yields where it needs answers or fits, and goes
on when they are there. That is how several instances are explained side by side (`limelight._lockstep`).
"""

from __future__ import annotations

import reprlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np

from limelight._lockstep import Run, fitted, run_alone
from limelight._notices import notices
from limelight._options import DesignName, FeatureSelection, Link, Mode, Options, Request
from limelight.batch.many import BatchMixin
from limelight.models import adapt
from limelight.results.explanation import Explanation, Surrogate
from limelight.results.views import check_view
from limelight.stages.components import Components
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.perturbation import DESIGNS, Look, looks
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prediction_outputs import LINKS, Outputs, read_outputs
from limelight.stages.proximity import Kernel, Metric, Proximity, exponential_kernel, pairwise
from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit, Settings

__all__ = ["Explainer"]

NUM_FEATURES = 10


class Explainer(BatchMixin):
    """The pipeline that all explainers share.

    A modality derives from it, sets the class attributes and says what an instance's components are. All other methods are
    final. `limelight.extend` says how to write one.

    Parameters
    ----------
    class_names, kernel_width, kernel, feature_selection, alpha, tolerance, mode, design, shortcuts, random_state
        As every explainer takes them; see `limelight.ComponentsExplainer`. An explainer with options of its own has its own
        constructor, which hands these on.

    Attributes
    ----------
    options : Options
        What the user told the explainer.
    default_kernel_width : float
        The kernel's width where the user gives none, in the distance's unit.
    default_design : {"complements", "orthogonal", "sobol"}
        Which design draws the perturbations, unless the user asks for independent ones: "complements" for parts under any law
        that depends on their number alone, "orthogonal" for parts that are absent with probability 1/2, "sobol" for values.
    distances : callable
        From a representation of shape (n, d), whose row 0 is the instance, to distances of shape (n,).
    distance_unit : float, default 1
        By how much a distance of scikit-learn's is multiplied to be in the kernel width's unit.
    cap : int, default 5000
        The largest number of perturbations of an "auto" run.
    """

    default_kernel_width: ClassVar[float]
    default_design: ClassVar[str]
    distances: Metric
    distance_unit: ClassVar[float] = 1.0
    cap: ClassVar[int] = 5000

    def __init__(
        self,
        *,
        class_names: Iterable[object] | None = None,
        kernel_width: float | None = None,
        kernel: str | Kernel | None = None,
        feature_selection: FeatureSelection = "auto",
        alpha: float = 1.0,
        tolerance: float = 0.05,
        mode: Mode | None = None,
        design: DesignName = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> None:
        self.options = Options.checked(
            class_names=class_names,
            mode=mode,
            kernel_width=self.default_kernel_width if kernel_width is None else kernel_width,
            kernel=kernel,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )

    def __repr__(self) -> str:
        """One line: how many columns there are, the kernel's width, and the options that are not the defaults."""
        defaults = vars(Options.checked(kernel_width=self.options.kernel_width))
        shown = [f"{len(self.columns)} columns"] if self.columns is not None else []
        for name, value in vars(self.options).items():
            if name == "kernel_width" or value != defaults[name]:
                plain = f"{value:.4g}" if isinstance(value, float) else getattr(value, "__name__", None) or reprlib.repr(value)
                shown.append(f"{name}={plain}")
        return f"{type(self).__name__}({', '.join(shown)})"

    @abstractmethod
    def components(self, instance: Any) -> Components:
        """What can be on or off in this instance.

        Raises
        ------
        ArgumentTypeError, InstanceError
            If the instance is not one that this explainer can explain.
        """

    @final
    def explain_instance(
        self,
        instance: Any,
        model: Any,
        *,
        labels: int | Iterable[int] | None = None,
        top_labels: int | None = None,
        num_features: int | None = None,
        num_samples: int | Literal["auto"] = "auto",
        batch_size: int | None = None,
        model_regressor: Any = None,
        distance_metric: str | None = None,
        link: Link = "identity",
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
        return run_alone(self._explain_in_steps(instance, model, request, SharedAnswers()))

    @final
    def _explain_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]:
        """The pipeline for one instance, as a run: it yields where it needs the model's answers, or fits.

        Parameters
        ----------
        instance, model : object
            What to explain, and what to ask.
        request : Request
            What is wanted.
        shared : SharedAnswers
            The model's answers for rows that other instances have, too.
        """
        components = self.components(instance)
        check_view(components.view)
        proximity, kernel_law = self._proximity(components, request)
        adapted = adapt(model, components, self.options.shortcuts)
        oracle = Oracle(adapted.path.limited(request.batch_size), shared)
        link = LINKS[request.link]
        for look in self._looks(components, kernel_law, request):
            neighbourhood = components.neighbourhood(look.design, look.stretch)
            predictions = yield from oracle.predict(neighbourhood)
            if look.first:
                outputs = self._read_outputs(predictions, oracle.instance, adapted.output_names, request)
            if look.first or look.exact:
                sample = Sample(neighbourhood.representation[0], link(oracle.instance)[list(outputs.labels)])
            sample.add(
                neighbourhood.representation[1:],
                link(predictions)[:, outputs.labels],
                neighbourhood.law_weights,
                proximity.kernel_weights(neighbourhood.representation)[1:],
                neighbourhood.replicates,
            )
            fits = yield from fitted(sample, self._settings(look, kernel_law, request))
            # An output that has not varied yet may still: a few perturbations do not show a rare event.
            if _has_converged(fits, self.options.tolerance, excused=np.full(len(fits), look.exact)):
                break
        return self._build_explanation(components, proximity, oracle, outputs, look, sample, fits, request)

    def _proximity(self, components: Components, request: Request) -> tuple[Proximity, KernelLaw | None]:
        """The kernel, and, where it is limelight's own on masks, all that is known of the masks beforehand."""
        distances = self.distances
        if request.distance_metric is not None:
            distances = pairwise(request.distance_metric, self.distance_unit)
        kernel = self.options.kernel
        proximity = Proximity(components.kernel_width or self.options.kernel_width, distances, kernel)
        if components.law is None or request.distance_metric is not None or kernel is not exponential_kernel:
            return proximity, None
        return proximity, KernelLaw(components.law, proximity.kernel_by_absent(len(components.names)))

    def _looks(self, components: Components, kernel_law: KernelLaw | None, request: Request) -> Iterator[Look]:
        """The stretches of the design to ask about, one after the other."""
        seed = (self.options.random_state, components.content)
        is_default = self.options.design == "auto"
        make_design = DESIGNS.load(self.default_design if is_default else self.options.design)
        design = make_design(seed, None if kernel_law is None else kernel_law.kernel)
        parts = len(components.names) if is_default and components.law is not None else None
        return looks(design, parts, request.num_samples, self.cap)

    def _read_outputs(
        self, predictions: np.ndarray, instance: np.ndarray, names: tuple[str, ...] | None, request: Request
    ) -> Outputs:
        """What the model's outputs are, and which of them are explained."""
        outputs = read_outputs(
            predictions,
            instance,
            mode=self.options.mode,
            class_names=self.options.class_names,
            model_names=names,
            labels=request.labels,
            top_labels=request.top_labels,
        )
        return outputs.under(request.link)

    def _settings(self, look: Look, kernel_law: KernelLaw | None, request: Request) -> Settings:
        return Settings(
            method=self.options.feature_selection,
            num_features=request.num_features or NUM_FEATURES,
            alpha=self.options.alpha,
            nominal=request.num_samples or self.cap,
            kernel_law=kernel_law,
            regressor=request.regressor,
            confidence=look.confidence,
            exact=look.exact,
        )

    def _build_explanation(
        self,
        components: Components,
        proximity: Proximity,
        oracle: Oracle,
        outputs: Outputs,
        look: Look,
        sample: Sample,
        fits: Sequence[Fit],
        request: Request,
    ) -> Explanation:
        """The explanation, as plain data, from what the last look has left."""
        # An output that varies and weighs nothing has not converged: no component varies within a narrow kernel.
        converged = _has_converged(fits, self.options.tolerance, excused=look.exact | ~sample.varies)
        effective_size = sample.effective_size
        return Explanation(
            surrogates=tuple(_surrogate(label, one) for label, one in zip(outputs.labels, fits, strict=True)),
            names=components.names,
            view=components.view,
            predictions=tuple(LINKS[request.link](oracle.instance).tolist()),
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


Explainer.__module__ = "limelight"  # where users import it from


def _has_converged(fits: Sequence[Fit], tolerance: float, excused: np.ndarray) -> bool:
    """Whether all intervals are within the tolerance, and all outputs weigh something.

    Parameters
    ----------
    fits : sequence of Fit
        One for each output.
    tolerance : float
        How far an interval may reach to each side, in units of the output's heaviest weight.
    excused : ndarray of shape (q,), bool
        Outputs that may weigh nothing.
    """
    heaviest = [np.abs(one.weights).max() for one in fits]
    settled = all(np.all(one.half_widths <= tolerance * top) for one, top in zip(fits, heaviest, strict=True))
    return bool(settled and np.all(np.array(heaviest, dtype=bool) | excused))


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
