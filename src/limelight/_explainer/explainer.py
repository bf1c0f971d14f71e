"""LIME, from top to bottom: perturb an instance, ask the model, weigh by proximity, fit a sparse linear surrogate.

(Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016, algorithm 1.)

`Explainer._gather_in_steps` is the pipeline. It is a generator: it pauses where it needs the model's answers or a fit, so that
`limelight._lockstep` can explain several instances side by side.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np

from limelight._explainer._budget import describe_end, describe_no_look
from limelight._explainer._follow_ups import FollowUpMixin
from limelight._explainer._measures import MeasuresMixin
from limelight._explainer._pipeline import Gathered
from limelight._explainer._provenance import record_provenance, write_settings
from limelight._lockstep import Run, request_fits, run_alone
from limelight._options import DesignName, FeatureSelection, Label, Link, Locality, Mode, Options, Request
from limelight.batch.mixin import BatchMixin
from limelight.exceptions import ArgumentError, BudgetError
from limelight.models import AdaptedModel, adapt
from limelight.results.explanation import Explanation
from limelight.stages.bins_cost import keep_first
from limelight.stages.closed_form import ClosedForm
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.contract import check_modality, find_components
from limelight.stages.convergence import Goal, has_converged
from limelight.stages.known_moments import KnownMoments
from limelight.stages.notices import collect_notices
from limelight.stages.output_names import ModelOutputs
from limelight.stages.perturbation import LEAST_TRIAL, Look, plan_looks, plan_trial
from limelight.stages.plain_surrogates import describe_fits
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prediction_outputs import LINKS, Outputs, read_outputs
from limelight.stages.prior import Prior
from limelight.stages.proximity import Kernel, Metric, metric_of_scikit_learn
from limelight.stages.sample import Sample
from limelight.stages.settings import Settings
from limelight.stages.vicinity import Vicinity
from limelight.stages.width_search import WidthSearch

__all__ = ["Explainer"]

_DEFAULT_NUM_FEATURES = 10


class Explainer(FollowUpMixin, MeasuresMixin, BatchMixin):
    """The pipeline that all explainers share.

    A modality is a subclass: it sets the class attributes and implements `components`. All other methods are final.
    `limelight.extend` says how to write one.

    Parameters
    ----------
    class_names, kernel_width, kernel, locality, feature_selection, alpha, tolerance, certainty, mode, design, shortcuts,
    random_state
        The options that all explainers share; see `limelight.ComponentsExplainer`. A modality with more options has its own
        constructor, which passes these on.

    Attributes
    ----------
    options : Options
        The user's options, checked.
    default_kernel_width : float
        The kernel's width where the user gives none, in the distance's unit.
    default_design : {"complements", "orthogonal", "sobol"}
        The design that draws the perturbations, unless the user asks for independent ones: "complements" for parts whose law
        depends on the number of absent parts alone, "orthogonal" for parts that are absent with probability 1/2, "sobol" for
        values.
    distances : callable
        From a representation of shape (n, d), whose row 0 is the instance, to distances of shape (n,).
    distance_unit : float, default 1
        The factor that brings a distance of scikit-learn's into the unit of the kernel width.
    cap : int, default 5000
        The largest number of perturbations with ``num_samples="auto"``.
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
        locality: Locality = "lime",
        feature_selection: FeatureSelection = "auto",
        alpha: float = 1.0,
        tolerance: float | None = None,
        certainty: float | None = None,
        mode: Mode | None = None,
        design: DesignName = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> None:
        if kernel_width is not None and locality != "lime":
            raise ArgumentError(f"give either kernel_width or locality; got {kernel_width=!r:.40} and {locality=!r:.40}.")
        check_modality(type(self), has_width=kernel_width is not None)
        self.options = Options.checked(
            class_names=class_names,
            mode=mode,
            kernel_width=self._find_default_width() if kernel_width is None else kernel_width,
            kernel=kernel,
            locality=locality,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            certainty=certainty,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )

    def __repr__(self) -> str:
        """One line: the modality's own settings, the kernel's width, and the options that are not the defaults."""
        defaults = vars(Options.checked(kernel_width=self.options.kernel_width))
        options = {name: value for name, value in vars(self.options).items() if value != defaults[name]}
        settings = {**self._own_settings(), "kernel_width": self.options.kernel_width, **options}
        return f"{type(self).__name__}({write_settings(settings)})"

    def _own_settings(self) -> dict[str, object]:
        """The settings that this modality alone has, as far as a reader of its repr or its explanations should know them."""
        return {}

    def _find_default_width(self) -> float:
        """The kernel's width where the user gives none."""
        return self.default_kernel_width

    @abstractmethod
    def components(self, instance: Any) -> Components:
        """Find what can be on or off in this instance.

        Raises
        ------
        ArgumentTypeError, InstanceError
            If this explainer cannot explain the instance.
        """

    @final
    def explain_instance(
        self,
        instance: Any,
        model: Any,
        *,
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
    ) -> Explanation:
        """Explain one prediction.

        Parameters
        ----------
        instance : object
            What to explain: a text, a row of a table, an image, a series, or the user's own components, depending on the
            explainer.
        model : callable, estimator, torch module or ONNX file
            A callable from a batch of n inputs to an array of shape (n,) or (n, k); a fitted estimator, whose
            ``predict_proba`` is called, else its ``decision_function``, else its ``predict`` (of a classifier, for each class
            whether it is predicted); a ``torch.nn.Module``; the path of an ONNX file, or an ONNX session. `TorchModel` and
            `OnnxModel` take modules, files and sessions with more settings.
        id : str or int, optional
            What identifies the instance, as `Explanation.id` shows it. No number depends on it.
        labels : int, str, or sequence of them, optional
            Which outputs to explain: an int is an output's number, a str its name. By default class 1 of two, the predicted
            class of more, and every output of a regression or of other scores.
        top_labels : int, optional
            Explain this many outputs instead: those with the highest predictions, highest first.
        num_features : int, optional
            The largest number of components to report; by default 10.
        num_samples : int or "auto", default "auto"
            The number of perturbations, the instance included. "auto" doubles it until every reported weight's interval is
            within the explainer's tolerance, or `max_samples` is reached. Where the weights are known exactly, as for rows with
            a forest, the model is asked about 257 at most (1025 where columns without bins miss values), and the number only
            says what the penalty means.
        max_samples : int, optional
            The largest number of perturbations with ``num_samples="auto"``; by default 5000 for rows and texts, else 1000. The
            penalty means the same whatever it is. Many rows of a table share their perturbations: for a black box that hardly
            settles, 20,000 in `explain_many` cost little more for 1000 rows than for one.
        batch_size : int, optional
            The largest number of inputs that the model gets at once; by default all of them, unless they are large.
        pad_batches : bool, default False
            Whether every batch has exactly `batch_size` inputs, by default 256, or fewer where they are large: one that has
            fewer is filled up with its last input, whose further answers are dropped. A model that is compiled for each shape
            of its input, as by JAX, is compiled once.
        model_regressor : object, optional
            A scikit-learn linear regressor to fit instead of the ridge; it is cloned, never changed.
        distance_metric : str, optional
            The name of a distance in scikit-learn's ``pairwise_distances``, to use instead of the explainer's own.
        link : {"identity", "logit"}, default "identity"
            What is explained: the outputs themselves, or the log-odds ``log(p / (1 - p))`` of probabilities p, in which models
            that add up evidence are linear. Probabilities are clipped to the range from 1e-6 to 1 - 1e-6; where weights are
            exact, the log-odds that the model adds up are not clipped.
        prior : Prior, optional
            What is believed of some weights, or all, before the model is asked: a Bayesian ridge surrogate (BayLIME). It is
            about one output, which `labels` names where there are more than two classes or several outputs are explained.

        Returns
        -------
        explanation : Explanation
            The weights with their intervals, and the figures that show how far to trust them.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        InstanceError
            If the instance cannot be explained.
        KernelError
            If the kernel weights of all perturbations are 0.
        LabelError
            If a label is neither the number nor the name of an output, or several outputs have the name.
        ModelError
            If the model raises.
        PredictionError
            If the model does not give one row of finite numbers for each input, or gives them in another order.

        Notes
        -----
        After the first answers, 3 to 16 inputs are asked about again in another order, to see whether answers belong to their
        inputs. ``num_inputs`` leaves them out.

        Rows of tables with a tree, forest, boosted trees or a linear model are explained exactly: with the weights that
        infinitely many perturbations would give, whose intervals have no width. `Explanation.is_exact` says so. Give the
        fitted estimator or its bound method, not a function around it.
        """
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
        return run_alone(self._explain_in_steps(instance, model, request, SharedAnswers())).with_id(id)

    @final
    def _explain_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]:
        """The explanation of one instance, as a run."""
        gathered = yield from self._gather_in_steps(instance, model, request, shared)
        return self._build_explanation(gathered, request)

    @final
    def _gather_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Gathered]:
        """The pipeline for one instance, as a run.

        Parameters
        ----------
        instance : object
            What to explain.
        model : object
            What to ask.
        request : Request
            The arguments of the call, checked.
        shared : SharedAnswers
            The model's answers for perturbations that other instances share, and what is known about the model.
        """
        components = find_components(self, instance)
        pull = None
        if request.prior is not None:
            pull = request.prior.find_pull(components.names, components.view.columns(), self.options.alpha)
        vicinity = self._find_vicinity(components, request)
        adapted = adapt(model, components, self.options.shortcuts, shared.of_model)
        path = adapted.path.limited(request.batch_size, pads_batches=request.pads_batches)
        oracle = Oracle(path, shared)
        link = LINKS[request.link]
        known = self._find_known_moments(components, adapted, vicinity, request, shared)
        goal = Goal.of(self.options.tolerance, self.options.certainty, is_slow=adapted.outputs.is_slow)
        search, locality = None, self.options.locality
        if isinstance(locality, float):
            search = WidthSearch(
                vicinity,
                locality,
                most=self._find_most_samples(request),
                option="max_samples" if request.num_samples is None else "num_samples",
                pull=pull,
            )
        if search is not None and not known.needs_trial:
            yield from self._search_width(search, oracle, adapted.outputs, known, request)
            known = self._find_known_moments(components, adapted, vicinity, request, shared)  # with the kernel that was found
        complete: Look | None = None
        budget: BudgetError | None = None  # that has ended
        # Each look adds perturbations to the sample, and has the surrogates fitted anew.
        for look in self._plan_looks(components, vicinity, request, has_trial=known.needs_trial):
            drawn = components if look.is_trial else vicinity.drawn
            neighbourhoods = drawn.neighbourhoods(look.design, look.stretch)
            try:
                answers = yield from oracle.predict(neighbourhoods)
            except BudgetError as error:
                if complete is None:
                    raise describe_no_look(error, request.num_samples) from error
                budget = error
                break
            if look.is_first:
                model_outputs = adapted.outputs
                if shared.output_names is not None:  # the answers know best
                    model_outputs = model_outputs._replace(names=shared.output_names, are_classes=True)
                outputs = self._read_outputs(np.concatenate(answers), oracle.instance_prediction, model_outputs, request)
            known.learn(neighbourhoods, oracle.instance_prediction, answers, outputs.labels, is_trial=look.is_trial)
            explained = [
                known.unclip(neighbourhood, link(predictions)[:, outputs.labels])
                for neighbourhood, predictions in zip(neighbourhoods, answers, strict=True)
            ]
            if known.limit is None:  # otherwise the answers are those of the sum for each row
                try:
                    yield from oracle.check(neighbourhoods, answers)
                except BudgetError as error:
                    budget = error  # the answers of this look are there
            if look.is_trial and search is not None:
                yield from self._search_width(search, oracle, adapted.outputs, known, request)
            if look.is_trial and known.limit is None:
                continue
            if look.is_trial and vicinity.is_changed:
                neighbourhoods = vicinity.drawn.neighbourhoods(vicinity.make_design(), look.stretch)
                explained = known.move_to(vicinity.proximity.width, neighbourhoods)
            if look.is_first or look.is_exact:
                own_representation = neighbourhoods[0].representation[0]
                origin = link(oracle.instance_prediction)[list(outputs.labels)]
                is_of_law = look.is_exact or (look.is_trial and not vicinity.is_changed)
                drawn_width = None if is_of_law else vicinity.drawn_width
                sample = Sample(own_representation, origin, components.shares, drawn_width=drawn_width, pull=pull)
                sampled: list[Neighbourhood] = []
                all_explained: list[np.ndarray] = []
                first: Sequence[Neighbourhood] = ()
            sample.limit, sample.controls = known.limit, known.controls
            for neighbourhood, values, controls in zip(neighbourhoods, explained, known.control_values, strict=True):
                sample.add(
                    neighbourhood.representation[1:],
                    values,
                    neighbourhood.law_weights,
                    vicinity.proximity.kernel_weights(neighbourhood.representation, neighbourhood.law_weights)[1:],
                    neighbourhood.replicates,
                    controls,
                )
            sampled += neighbourhoods
            all_explained += explained
            learned = known.learn_controls(sampled, all_explained, outputs.labels, vicinity.proximity.width)
            if learned is not None:
                sample.replace_controls(*learned)
            first = keep_first(components, first, neighbourhoods)
            is_exact = look.is_exact or sample.limit is not None
            settings = self._fit_settings(vicinity, request, is_exact=is_exact)
            fits = yield from request_fits(sample, settings)
            complete = look
            if budget or goal.is_reached(sample, settings, fits):
                break
        assert complete is not None
        spent = () if budget is None else (describe_end(budget, oracle.num_inputs),)
        missed = () if search is None else search.find_missed(fits)
        outputs = outputs.with_notices((*shared.notices, *known.notices, *vicinity.notices, *missed, *spent))
        return Gathered(components, vicinity, oracle, outputs, complete, sample, first, settings, fits, goal)

    @final
    def _find_vicinity(self, components: Components, request: Request) -> Vicinity:
        """The kernel of a distance, and where perturbations are drawn."""
        distances = self.distances
        if request.distance_metric is not None:
            distances = metric_of_scikit_learn(request.distance_metric, self.distance_unit)
            if self.options.locality != "lime":
                raise ArgumentError(
                    f"locality={self.options.locality!r} finds a width for the explainer's own distance; got "
                    f"distance_metric={request.distance_metric!r:.40}. Leave one of them out."
                )
        options = self.options
        return Vicinity(
            components,
            width=components.kernel_width or options.kernel_width,
            distances=distances,
            kernel=options.kernel,
            has_own_distances=request.distance_metric is None,
            design=self.default_design if options.design == "auto" else options.design,
            random_state=options.random_state,
            is_plain=options.design != "auto",
            locality=options.locality,
            most_samples=self._find_most_samples(request),
        )

    @final
    def _search_width(
        self, search: WidthSearch, oracle: Oracle, model_outputs: ModelOutputs, known: KnownMoments, request: Request
    ) -> Run[None]:
        """Search for a kernel's width, with answers of the sum that the model is known to be, or else of the model."""
        drawn, limit, link = search.neighbourhood, known.limit, LINKS[request.link]
        if drawn is None:
            return
        if limit is None:
            (answers,) = yield from oracle.predict([drawn])
            labels = self._read_outputs(answers, oracle.instance_prediction, model_outputs, request).labels
            explained = link(answers)[:, labels]
        else:
            labels, explained = limit.outputs, known.evaluate(drawn)
        settings = self._fit_settings(search.vicinity, request, is_exact=limit is not None)
        search.choose(explained, link(oracle.instance_prediction)[list(labels)], limit, settings)

    @final
    def _find_known_moments(
        self, components: Components, adapted: AdaptedModel, vicinity: Vicinity, request: Request, shared: SharedAnswers
    ) -> KnownMoments:
        """What is known exactly, of the outputs or of their log-odds, if law, kernel and model have a closed form."""
        is_own_fit = vicinity.has_own_kernel and request.regressor is None
        can_be_shown = self._find_most_samples(request) >= LEAST_TRIAL
        closed_form = None
        if adapted.model_sum is not None and components.product_law is not None and is_own_fit and can_be_shown:
            closed_form = ClosedForm(adapted.model_sum, components.product_law, vicinity.proximity.width, shared.of_sums)
        has_limit = closed_form is not None and closed_form.has_limit
        # Where "auto" asks a black box about rows until its weights are settled, it learns from them.
        law = components.product_law if is_own_fit and request.num_samples is None else None
        return KnownMoments(closed_form if has_limit else None, request.link, shared.margins, law)

    @final
    def _plan_looks(self, components: Components, vicinity: Vicinity, request: Request, *, has_trial: bool) -> Iterator[Look]:
        """Which perturbations to ask about before each look at the intervals; a trial is not drawn near the instance."""
        is_default = self.options.design == "auto"
        parts = len(components.names) if is_default and components.law is not None else None
        most = self._find_most_samples(request)
        if has_trial:
            design = vicinity.make_design()
            has_missing = bool(components.missing_as_mean)
            yield plan_trial(design, most, components.num_rare_states, has_missing_as_mean=has_missing)
        # After a trial the vicinity may have become narrower.
        yield from plan_looks(vicinity.make_design(), parts, request.num_samples, most, vicinity.drawn.num_rare_states)

    @final
    def _find_most_samples(self, request: Request) -> int:
        """The number of perturbations, or the largest one."""
        return request.num_samples or request.max_samples or self.cap

    @final
    def _read_outputs(
        self,
        predictions: np.ndarray,
        instance_prediction: np.ndarray,
        model_outputs: ModelOutputs,
        request: Request,
    ) -> Outputs:
        """What the model's outputs are, and which of them to explain, from predictions of shapes (m, k) and (k,)."""
        outputs = read_outputs(
            predictions,
            instance_prediction,
            mode=self.options.mode,
            class_names=self.options.class_names,
            model=model_outputs,
            labels=request.labels,
            top_labels=request.top_labels,
        )
        if request.prior is not None:
            _check_one_output(outputs, has_labels=request.labels is not None)
        return outputs.after_link(request.link)

    @final
    def _fit_settings(self, vicinity: Vicinity, request: Request, *, is_exact: bool) -> Settings:
        """How to fit the surrogates."""
        return Settings(
            method=self.options.feature_selection,
            num_features=request.num_features or _DEFAULT_NUM_FEATURES,
            alpha=self.options.alpha,
            nominal_draws=vicinity.nominal_draws(request.num_samples or self.cap),
            kernel_law=vicinity.kernel_law,
            regressor=request.regressor,
            is_exact=is_exact,
            is_sparse=vicinity.is_sparse and request.regressor is None,
        )

    @final
    def _build_explanation(self, gathered: Gathered, request: Request) -> Explanation:
        """The explanation, as plain data, once the last look is done."""
        components, vicinity, oracle, outputs, look, sample, first, settings, fits, goal = gathered
        # An output that varies, but has no weights, has not converged: in a narrow kernel no component may vary.
        converged = has_converged(goal, sample, settings, fits, may_be_zero=settings.is_exact | ~sample.varies)
        predictions = LINKS[request.link](oracle.instance_prediction)
        return Explanation(
            surrogates=describe_fits(outputs.labels, sample, settings, fits),
            names=components.view.tell_apart(components.names),
            view=components.view,
            predictions=tuple(predictions.tolist()),
            output_names=outputs.names,
            output_kind=outputs.kind,
            default_label=outputs.default_label,
            num_samples=sample.size + (not look.is_exact),  # an enumeration contains the instance
            num_inputs=oracle.num_inputs,
            effective_sample_size=sample.effective_size,
            confidence=settings.confidence,
            converged=converged,
            provenance=record_provenance(
                gathered,
                request,
                self.options,
                explainer=type(self).__name__,
                own_settings=self._own_settings(),
                distances=self.distances,
            ),
            notices=collect_notices(
                components,
                outputs,
                predictions,
                sample,
                settings,
                fits,
                vicinity=vicinity,
                first=first,
                link=request.link,
                num_features=request.num_features,
                num_samples=request.num_samples,
                goal=goal,
                converged=converged,
                unknown=[components.names[number] for number in fits[0].unknown],
            ),
        )


Explainer.__module__ = "limelight"  # where users import it from


def _check_one_output(outputs: Outputs, *, has_labels: bool) -> None:
    """Refuse a prior where it is not clear which output it is about."""
    if len(outputs.labels) > 1 or (outputs.kind == "probabilities" and len(outputs.names) > 2 and not has_labels):
        listed = ", ".join(f"{number} ({name!r:.40})" for number, name in list(enumerate(outputs.names))[:10])
        raise ArgumentError(f"a prior is about one output: give labels with its number or name; there are {listed}.")
