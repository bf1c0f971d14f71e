"""The methods of an explainer that explain many instances: ``explain_many`` and ``frame_function``."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, final

from limelight._lockstep import Run
from limelight._options import Label, Link, Options, Request
from limelight.exceptions import ArgumentError, LimeNames, with_lime_arguments_named
from limelight.models import read_model
from limelight.stages.prediction import SharedAnswers
from limelight.stages.prior import Prior

if TYPE_CHECKING:
    from distributed import Client
    from pyspark.sql import SparkSession

    from limelight.batch._engines import Engine
    from limelight.batch.frame_function import FrameFunction
    from limelight.collection.explanations import Explanations
    from limelight.results.explanation import Explanation

__all__ = ["BatchMixin"]

EngineName = Literal["serial", "processes", "threads", "dask", "spark"]
"""Limelight's own engines; others can be registered."""


class BatchMixin(LimeNames, ABC):
    """The methods that explain many instances, for a class that can explain one. `Explainer` derives from it.

    Attributes
    ----------
    options : Options
        What the user told the explainer.
    columns : tuple of str or None
        The names of an instance's columns, where it is a row of a table; None elsewhere.
    """

    options: Options
    columns: tuple[str, ...] | None = None

    def explains_in_turn(self, instance: Any) -> bool:  # noqa: ARG002 - a modality may look at it
        """Whether instances like this are explained in turn, while others are prepared and written, and not side by side.

        That is for those whose inputs fill batches by themselves, if nothing of the user's is called for them but the model.
        """
        return False

    @abstractmethod
    def _explain_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]:
        """The pipeline for one instance, as a run; the answers for shared rows are kept in `shared`."""

    @final
    @with_lime_arguments_named
    def explain_many(
        self,
        instances: Any,
        model: Any,
        *,
        ids: Any = None,
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
        n_jobs: int = 1,
        engine: EngineName | str | Engine | Client | SparkSession | None = None,
        chunk_size: int = 256,
        checkpoint: str | os.PathLike[str] | None = None,
        on_error: Literal["raise", "keep"] = "raise",
        timeout: float | None = None,
        verbose: bool = False,
    ) -> Explanations:
        """Explain many predictions. Each explanation is what `explain_instance` gives, to the bit, but in far less time.

        The rows of a table share their perturbations, and the model is asked about these once for all rows. Questions about
        different instances are put to the model together.

        Parameters
        ----------
        instances : object
            The instances: an array, a sparse array, a frame or any iterable, which may be endless or larger than memory; or the
            path of a Parquet, CSV or Arrow file, or of a folder of such files, which are read a piece at a time. Frames and
            files may have more columns than the training data.
        ids : sequence or str, optional
            What identifies each instance: a text or a number, several of which may be equal; or the name of the column, of a
            frame or file, that holds them. By default the index of a pandas frame or Series, unless it only counts the rows.
            `Explanation.id` has it as a text, and ``explanations[id]`` finds it. No number depends on it.
        model, labels, top_labels, num_features, num_samples, max_samples
            As for `explain_instance`.
        batch_size, pad_batches, model_regressor, distance_metric, link
            As for `explain_instance`.
        prior : Prior, optional
            As for `explain_instance`. Every instance must have the components that it names.
        n_jobs : int, default 1
            The number of processes or threads; -1 for one per core. A user's own cluster has its own number.
        engine : {"serial", "processes", "threads", "dask", "spark"}, str, callable, Client or SparkSession, optional
            Where the instances are explained; by default in this process, or in processes if `n_jobs` is not 1. The engine
            changes no explanation. "dask" starts `n_jobs` worker processes for this job, and "spark" uses the active session or
            starts one. The address of a Dask scheduler, such as ``"tcp://scheduler:8786"``, a client or a session stands for
            a cluster, where tasks that fail with their worker are repeated as Dask and Spark are configured. `limelight.extend`
            says how to write another engine, which is given here as a function, or by the name under which it is registered.
        chunk_size : int, default 256
            The number of instances that are handed to a worker, and stored when they are finished, at a time.
        checkpoint : path, optional
            A folder for finished chunks, which one job at a time uses. Whatever stops the job, the same call with the same
            folder continues from there and explains nothing twice. The explanations are then read from the folder. Only `ids`,
            `n_jobs`, `engine`, `batch_size`, `pad_batches`, `on_error`, `timeout` and `verbose` may change between calls.
            What the explainer was given counts by its content; a class whose objects fill caches of their own leaves these out
            in ``__getstate__``. The model is asked about some finished instances again, in this process: up to 256 of them, or
            one of each chunk, and a few with 32 perturbations each. A kept failure counts as finished; with
            ``on_error="raise"``, chunks with failures are explained again, and with a longer `timeout`, or none, those with
            instances that were stopped.
        on_error : {"raise", "keep"}, default "raise"
            What happens when an instance cannot be explained: "raise" ends the job with the error, "keep" puts a `Failure` in
            the instance's place.
        timeout : float, optional
            Seconds after which an instance counts as one that cannot be explained. It needs engines whose processes can be
            stopped: "processes" and Spark. The instance's own time counts: neither modules that are imported, nor the model's
            answers for rows that all instances share, which may take ten times as long. The first instance of a process has
            its time twice. A process that stays in compiled code is ended after twice the time; "processes" goes on after that
            instance.
        verbose : bool, default False
            Whether to show a progress bar in a terminal or notebook.

        Returns
        -------
        explanations : Explanations
            One entry for each instance, in the order of the instances.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed, the checkpoint belongs to another job, or with a checkpoint something has no content
            that could be compared, such as an open file.
        CheckpointError
            If another job is using the checkpoint's folder, or a finished chunk cannot be written or read. The other finished
            chunks are not lost.
        EngineError
            If a worker process dies, a cluster gives up, or an engine gives back other tables than it should.
        Interrupted
            If the user stops the job. The error has the finished explanations.
        LimelightError
            What `explain_instance` raises, if an instance cannot be explained and errors are not kept. A note says which one;
            the engine "serial" raises for the first such instance.

        Examples
        --------
        >>> import numpy as np
        >>> from limelight import TabularExplainer
        >>> rows = np.random.default_rng(0).normal(size=(500, 3))
        >>> explainer = TabularExplainer(rows, feature_names=["age", "height", "weight"])
        >>> explanations = explainer.explain_many(rows[:20], lambda x: 2 * x[:, 0] - x[:, 2])
        >>> explanations
        Explanations(20 instances, 20 converged, 14 fair, 6 poor)
        >>> [name for name, value in explanations.importance().as_list()]
        ['age', 'weight', 'height']
        """
        from limelight.batch._arguments import BatchArguments
        from limelight.batch._run import run

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
        arguments = BatchArguments.checked(
            n_jobs=n_jobs,
            engine=engine,
            chunk_size=chunk_size,
            checkpoint=checkpoint,
            on_error=on_error,
            timeout=timeout,
            verbose=verbose,
        )
        return run(
            self._explain_in_steps,
            read_model(model),
            request,
            instances,
            arguments,
            ids=ids,
            columns=self.columns,
            explainer=self,
            explains_in_turn=self.explains_in_turn if model_regressor is None else None,
        )

    @final
    def frame_function(
        self,
        model: Any,
        *,
        ids: str | None = None,
        item: str | None = None,
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
    ) -> FrameFunction:
        """Make a function that explains the rows of pandas frames, for data that are on a cluster already.

        It can be pickled. Spark takes it as ``rows.mapInPandas(function.each, function.schema)``, Dask as
        ``rows.map_partitions(function, meta=function.meta)`` and Ray as ``rows.map_batches(function, batch_format="pandas")``.

        Parameters
        ----------
        ids : str, optional
            The column that identifies the instances. `Explanation.id` has its values as texts, and so has the column ``item``
            of the result.
        item : str, optional
            The same as `ids`.
        model, labels, top_labels, num_features, num_samples, max_samples
            As for `explain_instance`.
        batch_size, pad_batches, model_regressor, distance_metric, link
            As for `explain_instance`.
        prior : Prior, optional
            As for `explain_instance`. Every instance must have the components that it names.

        Returns
        -------
        function : FrameFunction
            It takes a frame of instances, which may have more columns, and returns a frame with a row for each of them and
            three columns of texts or nulls: ``item``; ``error``, if the instance cannot be explained; and ``explanation``,
            which `Explanation.from_json` reads.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed, or the model or the explainer cannot be sent to other processes.

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
        from limelight.batch._job import Job
        from limelight.batch._pickling import serialize
        from limelight.batch.frame_function import FrameFunction

        if ids is not None and item is not None:
            raise ArgumentError("ids and item name the same column; give ids alone.")
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
        job = Job(self._explain_in_steps, read_model(model), request, keeps_errors=True, timeout=None)
        return FrameFunction(serialize(job), self.columns, item if ids is None else ids)
