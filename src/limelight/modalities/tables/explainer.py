"""Tables: the components are the columns of a row, a perturbation is another row drawn as the training data suggest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from limelight._checks import check_row_order, own_arithmetic
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Locality, Mode
from limelight.exceptions import ArgumentError
from limelight.modalities.tables._added_values import WithMissing
from limelight.modalities.tables._array_encoding import ArrayEncoding
from limelight.modalities.tables._discretize import EdgeRule
from limelight.modalities.tables._feature_rules import FeatureRules
from limelight.modalities.tables._groups import Layout, checked_groups
from limelight.modalities.tables._instance_row import read_row
from limelight.modalities.tables._perturbation_choice import PerturbationChooser
from limelight.modalities.tables._row_components import RowValues, default_kernel_width
from limelight.modalities.tables._samplers import Constraint, RowSampler, checked_constraint, checked_sampler
from limelight.modalities.tables._statistics import read_statistics, write_statistics
from limelight.modalities.tables._training_data import TrainingData, read_training_data
from limelight.stages.proximity import Kernel, euclidean

__all__ = ["TabularExplainer"]


class TabularExplainer(Explainer):
    """Explains predictions about the rows of a table.

    Parameters
    ----------
    training_data : array-like of shape (n, d) or (n, steps, d), sparse array, frame of pandas, polars or pyarrow, or None
        Rows like those that the model was trained on. An array holds numbers, categories as integer codes, and NaN where a
        value is missing; the model gets arrays of the same type, such as float32, except that whole numbers become doubles
        where one is missing or a fraction. In a frame whole numbers stay whole, texts, booleans and categories are
        categorical, and times, durations and periods have bins of their own kind; the model gets frames of the same library,
        with the same columns, types and kind of index. Column labels of several levels read ``salary / 5``.
        Arrays of three dimensions are sequences of rows, for recurrent models: a feature has a component at each step,
        "x_t-0" at the last one. In sparse rows (scipy's) only the entries that are not zero are perturbed, and no dense row as
        wide as the table is made. With `training_data_stats`, give None, or an array whose shape alone counts.
    training_labels : array-like of shape (n,), optional
        The labels of the training rows; only ``discretizer="entropy"`` and a callable discretizer use them.
    feature_names : sequence of str, optional
        A name for each column of an array; by default x0, x1, ...
    class_names : sequence of str, or mapping from their numbers, optional
        Names of the model's outputs, in their order; by default the estimator's own classes, or numbers. These classes in
        another order are refused.
    kinds : mapping, optional
        The kinds of columns, by number or name, whose types do not say them: "numeric", "integer" (drawn as whole numbers),
        "categorical", or "text" for free text in a column of a frame: each word of a row is then a component, which stays or
        goes with probability 1/2.
    categorical_features : sequence of int or str, optional
        The columns, by number or name, that hold codes of categories.
    categorical_names : mapping, optional
        For a categorical column, by number or name, the names of its categories: the name at place c is that of code c.
    discretize_continuous : bool, default True
        Whether numeric columns are put into bins. Without bins a component is a column's standardised value, and its weight is
        for one standard deviation of the training data.
    discretizer : {"quartile", "decile", "entropy"}, callable or mapping, default "quartile"
        Where the bins lie. A callable gets a column's values and the training labels and returns the inner edges; a mapping
        gives them for each numeric column, by number or name.
    sample_around_instance : bool, default False
        Whether numeric values are drawn around the instance's values, with the training data's standard deviation, instead of
        as in the training data.
    sampler : {"marginals", "around", "training_rows"} or callable, default "marginals"
        Where perturbed rows come from: every column on its own, as in the training data; around the instance, like
        `sample_around_instance`; the training rows themselves, which keeps what belongs together and asks the model about
        real rows only; or ``sampler(count, generator)``, which returns `count` rows in the training data's form.
    groups : mapping, optional
        Columns, by number or name, that are one component and are drawn together, as some training row has them: one-hot
        columns, or any that only make sense together. The keys are the groups' names.
    constraint : callable, optional
        ``constraint(rows)`` gets perturbed rows in the training data's form, and returns them repaired, or a boolean for each
        row: whether to keep it. States that few training rows have get no further rows then.
    training_data_stats : mapping, optional
        The `statistics` of another explainer, or lime's statistics in lime's format; no training data are needed then, and
        none are kept. Each key has a mapping from columns, by number or name, to lists: "bins" has the inner edges of every
        numeric column; "means", "stds", "mins" and "maxs" have a value for each of its bins; "feature_values" has every
        column's numbers of bins or codes of categories, and "feature_frequencies" their frequencies.
    kernel_width : float, optional
        The width of the kernel, for Euclidean distances of the components; by default 0.75 times the square root of their
        number, which includes the words of a row's free texts; a sparse row has only its entries. Where a narrower one would
        leave less than half of the rows, they are drawn from the law weighted by it: nearer ones more often.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    locality : "lime", "local" or float, default "lime"
        How wide the kernel is, instead of `kernel_width`. "lime" is the default width. With "local" it is so narrow that, of
        what counts, on average a quarter of the columns are in another state than the row's, and columns without bins half a
        standard deviation off. A number between 0 and 1 is a wanted fidelity: the widest kernel is taken whose surrogate
        reaches it.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported components are chosen. "auto" takes the highest weights, or selects up to 6 forward where there are
        fewer than two perturbations for each; "none" reports all.
    alpha : float, default 1.0
        The ridge penalty, per `num_samples` perturbations weighted by the kernel.
    tolerance : float, optional
        Weights count as converged when their intervals reach no further than this share of the largest weight; by default
        0.05, or 0.1 for models that say that they are slow (an attribute ``is_slow`` that is True).
    certainty : float, optional
        Have ``num_samples="auto"`` end once each reported component truly is among the heaviest, and its sign is right, each
        with at least this probability, such as 0.95. It takes the tolerance's place: the list is certain then, and the weights
        may not be.
    mode : {"classification", "regression"}, optional
        What the model's outputs are; by default what an estimator says of itself, and of other models probabilities if they sum
        to 1, else scores.
    design : {"auto", "iid"}, default "auto"
        Where perturbations come from: "auto" takes scrambled Sobol points; "iid" draws them independently, as lime does,
        without regard to the kernel.
    shortcuts : bool, default True
        Whether limelight makes use of what it knows of some kinds of models: trees, forests and linear models are explained
        exactly, without a sample. False samples, as for any other model.
    random_state : int, None or numpy.random.Generator, default 0
        The seed. The same instance, arguments and seed give the same explanation; None takes fresh entropy.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The neighbourhood is lime's: every column is drawn on its own, a category or bin with its frequency in the training data, a
    value inside a bin from a truncated normal distribution. With bins it is the same for every row, and drawn only once.
    A state of the row that few training rows have, or lack, has further rows; law weights keep the limit the same.
    Missing values count as a bin, which is drawn as often as values are missing in the training data.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight import TabularExplainer
    >>> rows = np.random.default_rng(0).normal(size=(500, 3))
    >>> explainer = TabularExplainer(rows, feature_names=["age", "height", "weight"])
    >>> explanation = explainer.explain_instance(rows[0], lambda x: 2 * x[:, 0] - x[:, 2], num_features=2)
    >>> [name for name, weight in explanation.as_list()]
    ['-0.13 < age <= 0.53', '-0.01 < weight <= 0.72']
    """

    default_design = "sobol"
    default_kernel_width = default_kernel_width(1)
    distances = staticmethod(euclidean)

    @own_arithmetic()
    def __init__(
        self,
        training_data: Any,
        *,
        training_labels: Any = None,
        feature_names: Iterable[object] | None = None,
        class_names: Iterable[object] | None = None,
        kinds: Mapping[int | str, str] | None = None,
        categorical_features: Iterable[int | str] | None = None,
        categorical_names: Mapping[int | str, Sequence[object]] | None = None,
        discretize_continuous: bool = True,
        discretizer: str | EdgeRule | Mapping[int | str, Any] = "quartile",
        sample_around_instance: bool = False,
        sampler: str | RowSampler = "marginals",
        groups: Mapping[str, Iterable[int | str]] | None = None,
        constraint: Constraint | None = None,
        training_data_stats: Mapping[str, Any] | None = None,
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
        needs_rows = {
            "training_labels": training_labels is not None,
            "discretizer": not isinstance(discretizer, str) or discretizer != "quartile",
            "discretize_continuous=False": not discretize_continuous,
            'sampler="training_rows"': sampler == "training_rows",
            "groups": bool(groups),
        }
        check_row_order("training_labels", training_labels, getattr(training_data, "index", None), "training_data")
        data = _read_table(training_data, training_data_stats, feature_names, kinds, needs_rows)
        groups = checked_groups(groups, data.encoding)
        sampler = checked_sampler(sampler, sample_around_instance)
        constraint = checked_constraint(constraint)
        data.encoding.check_drawing(groups=groups, sampler=sampler, constraint=constraint)
        rules = FeatureRules(
            data.encoding,
            data.rows.shape[0],
            training_labels=training_labels,
            kinds=kinds,
            categorical_features=categorical_features,
            categorical_names=categorical_names,
            discretizer=discretizer,
            discretize_continuous=discretize_continuous,
            draws_missing=callable(sampler) or constraint is not None,
            draws_around=sampler == "around",
        )
        self.columns = data.encoding.column_names
        self._encoding = data.encoding
        self._content = data.content
        self._features = features = rules.features(data)
        laws = [feature.column for feature in features] if isinstance(features, list) else None
        self._has_slopes = not isinstance(features, list) or any(feature.is_slope for feature in features)
        self._layout = None if laws is None else Layout.of(len(laws), data.encoding.text_columns, groups)
        self._chooser = PerturbationChooser(data, laws, sampler=sampler, constraint=constraint, groups=groups)
        self._has_default_width = kernel_width is None
        edges = "training_data_stats" if training_data_stats is not None else discretizer
        self._drawing: dict[str, object] = {
            "sampler": sampler,
            "discretizer": edges if discretize_continuous else None,
            **({"groups": sorted(groups)} if groups else {}),
            **({} if constraint is None else {"constraint": constraint}),
        }
        self._draws_marginals = sampler == "marginals"
        # Without bins a missing value counts as the mean, so that what it changes would be lost.
        has_missing = isinstance(features, list) and any(isinstance(feature.column, WithMissing) for feature in features)
        self._can_do_without_bins = discretize_continuous and not groups and not has_missing
        super().__init__(
            class_names=class_names,
            kernel_width=kernel_width,
            kernel=kernel,
            locality=locality,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            certainty=certainty,
            mode=mode,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )

    def _find_default_width(self) -> float:
        return default_kernel_width(len(self._layout.columns) if self._layout else 0)

    def _own_settings(self) -> dict[str, object]:
        return {"columns": len(self._encoding.column_names or ()) or "sparse", **self._drawing}

    def components(self, instance: Any) -> RowValues:
        """The columns of a row.

        Raises
        ------
        InstanceError
            If the row has other columns than the training data, or values of another kind.
        """
        row = read_row(instance, self._encoding, self._features)
        surroundings = self._chooser.choose_for(row)
        notes = row.rounding_notes() + row.missing_notes() + surroundings.notes + row.encoding.notes
        if self._has_slopes:
            notes += row.slope_notes()
        num_columns = len(row.encoding.column_numbers)  # the words of free texts come after them
        layout = self._layout or Layout.of(num_columns)
        names = tuple(layout.component_names(row))
        depends_on_row = row.encoding.has_own_components and self._has_default_width
        return RowValues(
            surroundings.perturbations,
            row.encoding,
            row.numbers,
            surroundings.codes,
            [*layout.columns, *([number] for number in range(num_columns, len(row.values)))],
            names=names,
            view=row.encoding.make_view(row.cells(layout.component_of), len(layout.columns)),
            notes=notes,
            kernel_width=default_kernel_width(len(names)) if depends_on_row else None,
            nearer_option='sampler="around"' if self._draws_marginals and row.has_numbers else None,
            finer_option="discretize_continuous=False" if self._can_do_without_bins and row.has_numbers else None,
        )

    def _with_seed(self, seed: int) -> Self:
        other = super()._with_seed(seed)
        other._chooser = self._chooser.without_drawn_rows()
        return other

    @own_arithmetic()
    def statistics(self) -> dict[str, Any]:
        """What this explainer knows of its training data: an explainer made from it gives the same explanations.

        The training data must be an array of numbers, and numeric columns must have bins. The statistics hold only what JSON
        can hold. Give names, `kinds` and other arguments again, but not `discretizer` and `training_labels`: the bins are
        there already.

        Returns
        -------
        statistics : dict
            What ``TabularExplainer(None, training_data_stats=...)`` takes: lime's format, and six keys that lime ignores.
            "scales" has the standard deviation of each numeric column, to draw around an instance; "whole" has the columns of
            whole numbers, and "whole_values" those of other types that hold whole numbers all the same; "missing" has the
            share of each column that is missing; "dtype" is the array's type, unless it is float64; "fingerprint" is a number
            made from the training data, from which random points are made. The statistics contain no row, but every category,
            and the least and the largest value of each numeric column.

        Raises
        ------
        ArgumentError
            If the training data are a frame or sparse, or columns have no bins, or training rows are drawn.

        Examples
        --------
        >>> import json
        >>> import numpy as np
        >>> from limelight import TabularExplainer
        >>> rows = np.random.default_rng(0).normal(size=(500, 3))
        >>> saved = json.dumps(TabularExplainer(rows).statistics())
        >>> explainer = TabularExplainer(None, training_data_stats=json.loads(saved))
        >>> again = explainer.explain_instance(rows[0], lambda x: x[:, 0])
        >>> again == TabularExplainer(rows).explain_instance(rows[0], lambda x: x[:, 0])
        True
        """
        if not isinstance(self._encoding, ArrayEncoding):
            raise ArgumentError("statistics() needs training data that are an array of numbers.")
        if self._chooser.holds_rows:
            raise ArgumentError("statistics() cannot hold rows: leave out groups and sampler='training_rows'.")
        assert isinstance(self._features, list)
        return write_statistics([feature.column for feature in self._features], self._content, self._encoding.dtype)


TabularExplainer.__module__ = "limelight"  # where users import it from


def _read_table(
    training_data: Any,
    training_data_stats: Mapping[str, Any] | None,
    feature_names: Iterable[object] | None,
    kinds: Any,
    needs_rows: Mapping[str, bool],
) -> TrainingData:
    """The training data, or the statistics that stand for them and cannot serve settings that need rows."""
    if training_data_stats is None:
        return read_training_data(training_data, feature_names, kinds)
    return read_statistics(training_data_stats, training_data, feature_names, kinds, needs_rows=needs_rows)
