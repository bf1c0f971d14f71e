"""What many explanations say together: frames of their weights, the importance of features, and a report."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from limelight._checks import check_count, own_arithmetic
from limelight.collection._frames import long_frame, wide_frame
from limelight.collection._rendering import RENDERERS
from limelight.collection._verdicts import read_faults
from limelight.collection.importance import Importance, compute_importance
from limelight.collection.weights import TableSource
from limelight.results.files import atomic_file, check_ending
from limelight.results.verdict import Verdict

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["SummaryMixin"]


class SummaryMixin(TableSource):
    """The methods of `Explanations` that say something about all entries together."""

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> polars.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["pyarrow"]) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_frame(self, backend: Literal["pandas", "polars", "pyarrow"] = "pandas") -> Any:
        """All weights as a table, a row for each explained instance, label and component.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns item, id (null where none was given), label, output (the label's name), component, feature (in tables the
            component's column or columns, elsewhere its name), name, value, weight, low, high, sign_probability,
            top_probability, best_rank, worst_rank (see `Surrogate`). In texts, each lone surrogate and each NUL, which Arrow
            cannot hold, is written as NUL and four hexadecimal digits.

        Raises
        ------
        ArgumentError
            If the backend is another one.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> Explanations.of([explanation, explanation]).to_frame("polars")["item"].to_list()
        [0, 0, 1, 1]
        """
        return long_frame(self, backend)

    @overload
    def to_wide_frame(
        self,
        label: int | str | None = ...,
        *,
        by: Literal["feature", "name"] = ...,
        num_features: int | None = ...,
        backend: Literal["pandas"] = ...,
    ) -> pandas.DataFrame: ...
    @overload
    def to_wide_frame(
        self,
        label: int | str | None = ...,
        *,
        by: Literal["feature", "name"] = ...,
        num_features: int | None = ...,
        backend: Literal["polars"],
    ) -> polars.DataFrame: ...
    @overload
    def to_wide_frame(
        self,
        label: int | str | None = ...,
        *,
        by: Literal["feature", "name"] = ...,
        num_features: int | None = ...,
        backend: Literal["pyarrow"],
    ) -> pyarrow.Table: ...
    @own_arithmetic()
    def to_wide_frame(
        self,
        label: int | str | None = None,
        *,
        by: Literal["feature", "name"] = "feature",
        num_features: int | None = None,
        backend: Literal["pandas", "polars", "pyarrow"] = "pandas",
    ) -> Any:
        """The weights as a matrix: a row for each explained instance and label, a column for each feature.

        Parameters
        ----------
        label : int or str, optional
            An output's number or name; "all" for every explained label. By default each explanation's default label.
        by : {"feature", "name"}
            What has a column: what components are about (their column or columns in a table, their names elsewhere), or every
            name.
        num_features : int, optional
            How many features to keep, those with the highest sums of absolute weights; by default all.
        backend : {"pandas", "polars", "pyarrow"}
            Which library makes the frame; it has to be installed.

        Returns
        -------
        frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
            Columns item, id, label, output, prediction, local_prediction, fidelity, fidelity_error, converged, and the
            features, heaviest first. A feature's weight is the sum of its components', and 0 where none was reported: the
            surrogate has no such term. A feature whose name is that of an earlier column gets ``feature`` before its name.

        Raises
        ------
        ArgumentError
            If an argument is not allowed, or the frame would have more than 2^27 weights.
        LabelError
            If no explanation has that label.
        MissingDependencyError
            If the backend is not installed.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> frame = Explanations.of([explanation]).to_wide_frame()
        >>> list(frame.columns[-2:])
        ['good', 'film']
        """
        if num_features is not None:
            check_count("num_features", num_features, 1)
        return wide_frame(self, label, by, num_features, backend)

    @own_arithmetic()
    def importance(
        self,
        label: int | str | None = None,
        *,
        by: Literal["feature", "name"] = "feature",
        kind: Literal["mean_abs", "sqrt"] = "mean_abs",
    ) -> Importance:
        """How much each feature weighs over all explanations.

        Let W be the explanations' absolute weights, with a row for each instance that has the label and a column for each
        feature (0 where it was not reported; the sum where it has several components). The importance of a feature is the mean
        of its column, or the root of its sum [1]_. ``explanations[mask].importance(label)`` is that in some of the instances.

        Parameters
        ----------
        label : int or str, optional
            An output's number or name; "all" for every explained label, added up. By default each explanation's default label.
        by : {"feature", "name"}
            What counts as a feature: what components are about (their column or columns in a table, their names elsewhere), or
            every name, such as that of each bin.
        kind : {"mean_abs", "sqrt"}
            The mean of ``|weight|``, in units of the model's output, or the root of its sum.

        Returns
        -------
        importance : Importance
            Heaviest first: ``as_list()``, ``to_frame()``, ``plot()``, and the columns ``features``, ``values``, ``lows``,
            ``highs``, ``reported``. The intervals say how far the value may be from that of all instances like these, with
            unlimited perturbations. They combine Student's t over the instances, level 95 %, with the mean half-width of the
            weights' own intervals, added in squares, as if all weights erred alike. Explanations of rows nearly do, since they
            share their perturbations; for others the intervals are wider than necessary.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        LabelError
            If no explanation has that label.

        References
        ----------
        .. [1] M. T. Ribeiro, S. Singh, C. Guestrin, "Why Should I Trust You?", KDD 2016, section 4: I_j = sqrt(sum_i W_ij).

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explainer = TextExplainer()
        >>> def model(texts):
        ...     return ["good" in text for text in texts]
        >>> texts = ("good film", "so so", "good")
        >>> explanations = Explanations.of(explainer.explain_instance(text, model) for text in texts)
        >>> importance = explanations.importance()
        >>> importance.features, importance.reported
        (('good', 'film', 'so'), (2, 1, 1))
        """
        return compute_importance(self, label, by, kind)

    def verdict_levels(self) -> tuple[Literal["good", "fair", "poor"] | None, ...]:
        """How far to trust each explanation of its default label: the level of its `Verdict`; None for a failure.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("a good film", lambda texts: ["good" in text for text in texts])
        >>> Explanations.of([explanation]).verdict_levels()
        ('good',)
        """
        return tuple(None if faults is None else Verdict.level_of(faults) for faults in read_faults(self))

    def verdict_reasons(self) -> dict[str, int]:
        """What keeps verdicts from being good, as `Verdict.find_faults` calls it, and in how many; the commonest first.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance(
        ...     "a good old film", lambda texts: [0.5 + (("good" in text) ^ ("film" in text)) / 9 for text in texts]
        ... )
        >>> Explanations.of([explanation]).verdict_reasons()
        {'low_fidelity': 1}
        """
        return dict(Counter(fault for faults in read_faults(self) for fault in faults or ()).most_common())

    @own_arithmetic()
    def to_html(self, *, title: str | None = None, labels: Any = None, num_picks: int = 10, num_features: int = 20) -> str:
        """A report as one self-contained page: figures about all entries, `pick`'s picks, and a list to search and sort.

        Each explanation is drawn in its place when it is opened. The list has room for some 4.5 MB: with 10 features, 2400 rows
        of 30 columns or 1500 texts of 200 words. Entries that were picked, that failed or that are misclassified come before
        the others. The list needs the page's own script; what stands above it does not.

        Parameters
        ----------
        title : str, optional
            The page's heading.
        labels : sequence, optional
            The true label of each entry: the name or the number of its class or, where the outputs are not probabilities, the
            true value; None or NaN where it is unknown.
        num_picks : int, default 10
            How many explanations are picked to be shown first.
        num_features : int, default 20
            How many features' importance is shown, for each of the labels that were explained most often.

        Returns
        -------
        page : str
            HTML.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.

        Examples
        --------
        >>> from limelight import Explanations, TextExplainer
        >>> explanation = TextExplainer().explain_instance("good film", lambda texts: ["good" in text for text in texts])
        >>> "One film" in Explanations.of([explanation]).to_html(title="One film")
        True
        """
        page: str = RENDERERS.load("report")(self, title, labels, num_picks, num_features)
        return page

    def save_report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        labels: Any = None,
        num_picks: int = 10,
        num_features: int = 20,
    ) -> None:
        """Write `to_html`'s page to a file.

        Parameters
        ----------
        path : str or path
            Where to, here or at an address such as ``s3://bucket/report.html``; an existing file is replaced when the new one
            is complete.
        title, labels, num_picks, num_features
            As `to_html` takes them.

        Raises
        ------
        ArgumentError, ArgumentTypeError, OSError
            As `to_html` and `save` raise them.
        """
        page = self.to_html(title=title, labels=labels, num_picks=num_picks, num_features=num_features)
        check_ending(path, (".html", ".htm", ""), "reports", "to_frame() and importance().to_frame() have tables.")
        with atomic_file(path) as file:
            file.write(page.encode("utf-8"))

    def _counts(self) -> tuple[int, int]:
        """How many entries are failures, and how many explanations have converged."""
        failed = converged = 0
        for table in self.tables(["error", "converged"]):
            failed += table.num_rows - table["error"].null_count
            converged += int(np.sum(table["converged"].fill_null(False).to_numpy()))
        return failed, converged

    def _describe_levels(self) -> list[str]:
        """How many verdicts are of each level, without those of which there is none."""
        counts = Counter(self.verdict_levels())
        return [f"{counts[level]} {level}" for level in ("good", "fair", "poor") if counts[level]]

    @own_arithmetic()
    def _repr_html_(self) -> str:
        fragment: str = RENDERERS.load("explanations")(self, *self._counts(), self._describe_levels())
        return fragment
