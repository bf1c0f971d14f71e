"""The methods of an explainer that explain many instances: here, on a cluster, or wherever frames of them are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, final

from limelight._lockstep import Run
from limelight._options import Link, Options, Request
from limelight.models import read_model
from limelight.stages.prediction import SharedAnswers

if TYPE_CHECKING:
    import os

    from limelight.batch.frame_function import FrameFunction
    from limelight.collection.explanations import Explanations
    from limelight.results.explanation import Explanation

__all__ = ["BatchMixin"]


class BatchMixin(ABC):
    """The methods that explain many instances, for a class that can explain one: `Explainer` derives from it.

    Attributes
    ----------
    options : Options
        What the user told the explainer.
    columns : tuple of str or None
        The names of an instance's columns, where it is a row of a table; None elsewhere.
    """

    options: Options
    columns: tuple[str, ...] | None = None

    @abstractmethod
    def _explain_in_steps(self, instance: Any, model: Any, request: Request, shared: SharedAnswers) -> Run[Explanation]:
        """The pipeline for one instance, as a run."""

    @final
    def explain_many(
        self,
        instances: Any,
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
        n_jobs: int = 1,
        engine: str | Any = None,
        chunk_size: int = 256,
        checkpoint: str | os.PathLike[str] | None = None,
        on_error: Literal["raise", "keep"] = "raise",
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
        engine : {"serial", "processes", "threads", "dask", "spark"}, str, distributed.Client or SparkSession, optional
            Where they are explained; by default in this process, or in processes if `n_jobs` is not 1. The result is the same.
            "dask" starts `n_jobs` worker processes and ends them, "spark" takes the session that there is, or a new one. The
            address of a Dask scheduler, as ``"tcp://scheduler:8786"``, a client or a session stands for a cluster of the
            user's. What dies there is done again, as Dask and Spark are set up.
        chunk_size : int, default 256
            How many instances are handed out, and kept as finished, at a time.
        checkpoint : path, optional
            A folder for finished chunks. Whatever stops the job, the same call with the same folder goes on from there, and
            explains nothing twice; the explanations are then read from the folder. Only `n_jobs`, `engine`, `batch_size`,
            `on_error`, `timeout` and `verbose` may be others than before. Failures that were kept are finished, too; with
            ``on_error="raise"`` their chunks are explained anew.
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
        from limelight.batch._job import Batch, run

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
        return run(
            self._explain_in_steps, read_model(model), request, instances, batch, columns=self.columns, options=self.options
        )

    @final
    def frame_function(
        self,
        model: Any,
        *,
        item: str | None = None,
        labels: int | Iterable[int] | None = None,
        top_labels: int | None = None,
        num_features: int | None = None,
        num_samples: int | Literal["auto"] = "auto",
        batch_size: int | None = None,
        model_regressor: Any = None,
        distance_metric: str | None = None,
        link: Link = "identity",
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
        from limelight.batch._job import Job
        from limelight.batch._workers import packed
        from limelight.batch.frame_function import FrameFunction

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
        job = Job(self._explain_in_steps, read_model(model), request, keeps_errors=True, timeout=None)
        return FrameFunction(packed(job), self.columns, item)
