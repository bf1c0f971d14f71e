"""LIME, to be read from top to bottom: perturb, ask the model, weigh by nearness, fit a sparse linear surrogate.

(Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016, algorithm 1.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._errors import LimelightError
from limelight._explanation import Explanation, Surrogate
from limelight._notices import notices
from limelight._options import Options, Request
from limelight._together import Fitting, Step, in_step
from limelight.models import adapt, known_form
from limelight.stages.components import Components
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.perturbation import DESIGNS, Look, looks
from limelight.stages.prediction import Oracle, SharedAnswers
from limelight.stages.prediction_outputs import LINKS, read_outputs
from limelight.stages.proximity import Metric, Proximity, pairwise
from limelight.stages.sample import Sample
from limelight.stages.surrogate import Fit, Settings

if TYPE_CHECKING:
    import os

    from limelight._explanations import Explanations
    from limelight._frame_function import FrameFunction

__all__ = ["Explainer"]

NUM_FEATURES = 10


class Explainer(ABC):
    """The pipeline that all explainers share.

    A modality derives from it, sets the attributes and says what an instance's components are; everything else is final.

    Attributes
    ----------
    options : Options
        What the user told the explainer.
    design : str
        Which design draws the perturbations, unless the user asks for independent ones.
    distances : callable
        From a representation whose row 0 is the instance to distances from it.
    distance_unit : float
        What a distance of scikit-learn's is multiplied by to be in the kernel width's unit.
    cap : int
        The largest number of perturbations of an "auto" run.
    columns : tuple of str or None
        The names of an instance's columns, where it is a row of a table; None elsewhere.
    """

    options: Options
    design: str
    distances: Metric
    distance_unit: float
    cap: int = 5000
    columns: tuple[str, ...] | None = None

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

    def explain_many(
        self,
        instances: Any,
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
        n_jobs: int = 1,
        engine: str | Any = None,
        chunk_size: int = 256,
        checkpoint: str | os.PathLike[str] | None = None,
        on_error: str = "raise",
        timeout: float | None = None,
        verbose: bool = False,
    ) -> Explanations:
        """Explain many predictions: each as `explain_instance` would, to the bit, but all of them much sooner.

        Rows of a table share their perturbations, and the model is asked about those once for all rows. Questions about several
        instances are put to the model together.

        Parameters
        ----------
        instances : object
            What to explain: an array, sparse array, frame or any iterable, also one without end or larger than memory; or the
            path of a Parquet, CSV or Arrow file, or of a folder of such files, which is read a piece at a time. A frame or file
            may have more columns than the training data.
        model, labels, top_labels, num_features, num_samples, batch_size, model_regressor, distance_metric, link
            As `explain_instance` takes them.
        n_jobs : int, default 1
            How many processes or threads; -1 for as many as there are cores. Clusters of the user's have theirs.
        engine : {"serial", "processes", "threads", "dask", "spark"}, distributed.Client or pyspark.sql.SparkSession, optional
            Where they are explained; by default in this process, or in processes if `n_jobs` is not 1. The result is the same.
            "dask" starts `n_jobs` worker processes and ends them, "spark" takes the session that there is, or a new one; a
            client or session stands for a cluster of the user's. What dies there is done again, as Dask and Spark are set up.
        chunk_size : int, default 256
            How many instances are handed out, and kept as finished, at a time.
        checkpoint : path, optional
            A folder for finished chunks. Whatever stops the job, the same call with the same folder goes on from there, and
            explains nothing twice; the explanations are then read from the folder. Only `n_jobs`, `engine`, `batch_size`,
            `on_error`, `timeout` and `verbose` may be others than before.
        on_error : {"raise", "keep"}, default "raise"
            What happens to an instance that cannot be explained: "raise" ends the job with its error, "keep" puts a `Failure`
            in its place.
        timeout : float, optional
            Seconds after which an instance counts as one that cannot be explained; with engines that have processes which can
            be stopped, "processes" and Spark.
        verbose : bool, default False
            Whether a progress bar is shown, on a terminal or in a notebook.

        Returns
        -------
        explanations : Explanations
            One entry for each instance, in their order.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed, or the checkpoint belongs to another job.
        CheckpointError
            If a finished chunk cannot be written; nothing finished is lost.
        EngineError
            If a worker process dies, or a cluster gives up.
        Interrupted
            If the user stops it; what is finished is in the error.
        LimelightError
            What `explain_instance` raises, for an instance that cannot be explained, unless errors are kept. A note says which
            one; in this process it is the first.

        Examples
        --------
        >>> import numpy as np
        >>> from limelight import TabularExplainer
        >>> rows = np.random.default_rng(0).normal(size=(500, 3))
        >>> explainer = TabularExplainer(rows, feature_names=["age", "height", "weight"])
        >>> explanations = explainer.explain_many(rows[:20], lambda x: 2 * x[:, 0] - x[:, 2])
        >>> explanations
        Explanations(20 instances, 20 converged)
        >>> [name for name, value in explanations.importance().as_list()]
        ['age', 'weight', 'height']
        """
        from limelight._batch import Batch, run

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
        batch = Batch.checked(
            n_jobs=n_jobs,
            engine=engine,
            chunk_size=chunk_size,
            checkpoint=checkpoint,
            on_error=on_error,
            timeout=timeout,
            verbose=verbose,
        )
        return run(self._explain, known_form(model), request, instances, batch, columns=self.columns, options=self.options)

    def frame_function(
        self,
        model: Any,
        *,
        item: str | None = None,
        labels: int | Iterable[int] | None = None,
        top_labels: int | None = None,
        num_features: int | None = None,
        num_samples: int | str = "auto",
        batch_size: int | None = None,
        model_regressor: Any = None,
        distance_metric: str | None = None,
        link: str = "identity",
    ) -> FrameFunction:
        """A function that explains the instances in pandas frames, for data that are on a cluster already.

        It can be pickled, and serves Spark as ``rows.mapInPandas(function.each, function.schema)``, Dask's frames as
        ``rows.map_partitions(function, meta=function.meta)`` and Ray as ``rows.map_batches(function, batch_format="pandas")``.

        Parameters
        ----------
        item : str, optional
            The column that tells the instances apart.
        model, labels, top_labels, num_features, num_samples, batch_size, model_regressor, distance_metric, link
            As `explain_instance` takes them.

        Returns
        -------
        function : FrameFunction
            From a frame of instances, whose other columns do not matter, to one of three columns, all texts or null: ``item``,
            ``error`` where an instance cannot be explained, and ``explanation``, which `Explanation.from_json` reads.

        Examples
        --------
        >>> import numpy as np, pandas
        >>> from limelight import Explanation, TabularExplainer
        >>> rows = pandas.DataFrame({"age": np.linspace(18, 65, 200), "height": np.linspace(2, 1, 200) ** 2, "name": "n. n."})
        >>> explainer = TabularExplainer(rows[["age", "height"]])
        >>> function = explainer.frame_function(lambda rows: rows["age"] > 40, item="name")
        >>> explained = function(rows[-2:])
        >>> list(explained.columns)
        ['item', 'error', 'explanation']
        >>> Explanation.from_json(explained["explanation"].iloc[0]).as_list()[0][0]
        'age > 53.25'
        """
        from limelight._batch import Job
        from limelight._frame_function import FrameFunction
        from limelight._workers import packed

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
        job = Job(self._explain, known_form(model), request, keeps_errors=True, timeout=None)
        return FrameFunction(packed(job), self.columns, item)

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
