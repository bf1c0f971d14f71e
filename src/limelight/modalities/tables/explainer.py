"""Tables: the components are the columns of a row, a perturbation is another row drawn as the training data suggest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import isnan
from typing import Any

import numpy as np

from limelight._checks import check_choice, check_flag
from limelight._errors import ArgumentError, ArgumentTypeError
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Mode, Options
from limelight._seeds import fingerprint
from limelight.modalities.tables._array_encoding import ArrayEncoding
from limelight.modalities.tables._columns import RowColumn, including
from limelight.modalities.tables._discretize import EdgeRule
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._features import Feature, FeatureRules, Word
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._groups import Layout, checked_groups
from limelight.modalities.tables._rows import RowValues, Table
from limelight.modalities.tables._samplers import (
    Constraint,
    Joint,
    Marginals,
    RowSampler,
    Source,
    TrainingRows,
    UserRows,
    constrained,
)
from limelight.modalities.tables._statistics import Statistics, written
from limelight.modalities.tables._text_encoding import with_texts
from limelight.modalities.tables._training_data import content_of, encode
from limelight.results.views import Cell
from limelight.stages.proximity import Kernel, euclidean

__all__ = ["TabularExplainer"]

SAMPLERS = ("marginals", "around", "training_rows")


class TabularExplainer(Explainer):
    """Explains predictions about the rows of a table.

    Parameters
    ----------
    training_data : array-like of shape (n, d) or (n, steps, d), sparse array, frame of pandas, polars or pyarrow, or None
        Rows like those that the model was trained on. An array holds numbers, categories as integer codes, and NaN where a
        value is missing; the model gets arrays of doubles, which stay whole where the array's own type holds whole numbers.
        A frame holds what it holds (whole numbers stay whole; texts, booleans and categories are categorical; times have
        bins of times), and the model gets frames of the same kind, columns and types.
        Arrays of three dimensions are sequences of rows, for recurrent models: a feature has a component at each step,
        "x_t-0" at the last one. Of sparse rows (scipy's) the entries that are not zero are perturbed, and nothing dense of the
        table's width is made. With `training_data_stats` it is None, or an array of which only the shape is looked at.
    training_labels : array-like of shape (n,), optional
        What the model was trained to say; only ``discretizer="entropy"`` looks at them.
    feature_names : sequence of str, optional
        A name for each column of an array; by default x0, x1, ...
    class_names : sequence of str, optional
        Names of the model's outputs, in their order; by default the estimator's own classes, or numbers.
    kinds : mapping, optional
        What columns are, by number or name, where their types do not say it: "numeric", "integer" (drawn as whole numbers),
        "categorical", or "text": free text in a column of a frame, of which each word of a row is a component, that stays or
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
        Whether numeric values are drawn around the instance's own, with the training data's standard deviation, instead of as
        in the training data.
    sampler : {"marginals", "around", "training_rows"} or callable, default "marginals"
        Where perturbed rows come from: every column on its own, as in the training data; around the instance, like
        `sample_around_instance`; the training rows themselves, which keeps what belongs together and asks the model about
        real rows only; or ``sampler(count, generator)``, which gives so many rows in the training data's form.
    groups : mapping, optional
        Columns, by number or name, that are one component and are drawn together, as some training row has them: one-hot
        columns, or any that only make sense together. The keys are the groups' names.
    constraint : callable, optional
        Gets perturbed rows in the training data's form, and gives them back repaired, or a boolean for each: whether to keep
        it.
    training_data_stats : mapping, optional
        What `statistics` of another explainer gives, or lime's statistics in its format: no training data are needed then, and
        none are kept. Each of the keys has a mapping from columns, by number or name, to lists: "bins" has the inner edges of
        every numeric column, "means", "stds", "mins" and "maxs" have a value for each of its bins, "feature_values" and
        "feature_frequencies" have every column's numbers of bins or codes of categories, and how often they are.
    kernel_width : float, optional
        The width of the kernel, for Euclidean distances of the components; by default 0.75 times the root of their number,
        which counts the words of a row's free texts, and of a sparse row only its entries.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported components are chosen. "auto" selects forward for up to 6 and takes the highest weights for more;
        "none" reports all.
    alpha : float, default 1.0
        The ridge penalty, per `num_samples` perturbations weighted by the kernel.
    tolerance : float, default 0.05
        Weights count as converged when their intervals reach no further than this share of the largest weight.
    mode : {"classification", "regression"}, optional
        What the model's outputs are; by default they are probabilities if they sum to 1, else scores.
    design : {"auto", "iid"}, default "auto"
        Where perturbations come from: "auto" takes scrambled Sobol points; "iid" draws them independently, as lime does.
    shortcuts : bool, default True
        Whether kinds of models that limelight knows may be asked in a quicker way than with ready-made inputs.
    random_state : int, None or numpy.random.Generator, default 0
        The seed. The same instance, arguments and seed give the same explanation; None takes fresh entropy.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The neighbourhood is lime's: every column is drawn on its own, a category or bin with its frequency in the training data, a
    value inside a bin from a truncated normal distribution. With bins it is the same for every row, and drawn only once. What
    is missing counts as a bin of its own, and is drawn as often as it is missing in the training data.

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
    distances = staticmethod(euclidean)

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
        feature_selection: FeatureSelection = "auto",
        alpha: float = 1.0,
        tolerance: float = 0.05,
        mode: Mode | None = None,
        design: DesignName = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> None:
        known = None
        if training_data_stats is not None:
            needing = {
                "training_labels": training_labels is not None,
                "discretizer": not isinstance(discretizer, str) or discretizer != "quartile",
                "discretize_continuous=False": not discretize_continuous,
                'sampler="training_rows"': sampler == "training_rows",
                "groups": bool(groups),
            }
            known = Statistics.checked(training_data_stats, training_data, feature_names, needing=needing)
        training, self._encoding = (known.rows, known.encoding) if known else encode(training_data, feature_names)
        training, self._encoding = with_texts(training, self._encoding, kinds)
        self.columns = self._encoding.columns
        own_groups = checked_groups(groups, self._encoding)
        self._sampler = _checked_sampler(sampler, sample_around_instance)
        if constraint is not None and not callable(constraint):
            raise ArgumentTypeError(f"constraint must be a callable that repairs or rejects rows; got {constraint!r}.")
        self._constraint = constraint
        self._encoding.check_drawing(groups=groups, sampler=sampler, constraint=constraint)
        rules = FeatureRules(
            self._encoding,
            training_labels,
            training.shape[0],
            kinds=kinds,
            categorical_features=categorical_features,
            categorical_names=categorical_names,
            discretizer=discretizer,
            discretize_continuous=discretize_continuous,
            may_lack=callable(sampler) or constraint is not None,
        )
        self._content = known.content if known else content_of(training)
        self._drawn: Source | None = None  # where whole rows come from, where columns are not drawn on their own
        if self._sampler == "training_rows":
            self._drawn = TrainingRows(training)
        elif callable(self._sampler):
            self._drawn = UserRows(self._sampler, self._encoding)
        self._joints: dict[str, Joint] = {}
        self._common: tuple[Layout, Table] | None = None
        width = 0
        features = known.features(rules) if known else rules.features(training)
        self._features = features
        if isinstance(features, list):  # a sparse row's columns are its own, so that rows have nothing in common
            columns = [feature.column for feature in features]
            if any(not columns[number].states for own in own_groups.values() for number in own):
                raise ArgumentError("groups need bins: leave discretize_continuous=True.")
            self._joints = {name: Joint.of(own, training, columns) for name, own in own_groups.items()}
            layout = Layout.of(len(columns), self._encoding.texts, own_groups)
            width = len(layout.columns)
            source = self._drawn or Marginals(columns, tuple(self._joints.values()))
            self._common = layout, Table(columns, source, self._valid(self._encoding), self._content, shared=True)
        self._joined = {number for joint in self._joints.values() for number in joint.columns}
        self._has_slopes = not isinstance(features, list) or any(feature.is_slope for feature in features)
        self._kernel_width = kernel_width
        self.options = Options.checked(
            class_names=class_names,
            mode=mode,
            kernel_width=_kernel_width(width) if kernel_width is None else kernel_width,
            kernel=kernel,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )

    def components(self, instance: Any) -> RowValues:
        """The columns of a row.

        Raises
        ------
        InstanceError
            If the row has other columns than the training data, or values of another kind.
        """
        row, encoding = self._encoding.read(instance)
        values = row.tolist()
        features = [*(self._features[place] for place in encoding.places), *map(Word.named, encoding.words)]
        told = list(zip(features, encoding.fields, values, strict=True))
        table, codes, notes = self._table_for(row, encoding, told)
        width = len(encoding.places)
        layout = self._common[0] if self._common else Layout.of(width)
        of_columns = [feature.component(field, value) for feature, field, value in told]
        names = (*layout.names(of_columns[:width]), *of_columns[width:])
        columns = [*layout.columns, *([number] for number in range(width, len(values)))]
        component_of = layout.component_of
        cells = tuple(
            [
                Cell(feature.name, feature.show(field, value), component_of[number])
                for number, (feature, field, value) in enumerate(told[:width])
                if number in component_of
            ]
        )
        if self._has_slopes:
            notes += tuple(dict.fromkeys(feature.note(value) for feature, _, value in told if feature.is_slope))
        view = encoding.view(cells, len(layout.columns))
        kernel_width = _kernel_width(len(names)) if encoding.own_components and self._kernel_width is None else None
        return RowValues(table, encoding, row, codes, columns, names, view, notes, kernel_width)

    def statistics(self) -> dict[str, Any]:
        """What this explainer knows of its training data: another one made from it gives the same explanations.

        It is for arrays of numbers, whose numeric columns have bins, and holds what JSON can hold. Names, `kinds` and other
        arguments have to be given again, but for `discretizer` and `training_labels`, which have done their work.

        Returns
        -------
        statistics : dict
            What ``TabularExplainer(None, training_data_stats=...)`` takes: lime's format, and four keys that lime does not
            look at. "scales" has the standard deviation of each numeric column, to draw around an instance; "whole" has the
            columns of whole numbers; "missing" has the share of each column that is missing; "fingerprint" is the number,
            made from the training data, that random points are drawn for. No row is in it, but every category and each
            column's least and greatest value are.

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
        if self._joints or self._sampler == "training_rows":
            raise ArgumentError("statistics() cannot hold rows: leave out groups and sampler='training_rows'.")
        assert isinstance(self._features, list)
        return written([feature.column for feature in self._features], self._content)

    def _table_for(
        self, row: np.ndarray, encoding: Encoding, told: list[tuple[Feature, Field, float]]
    ) -> tuple[Table, np.ndarray, tuple[tuple[str, str], ...]]:
        """Where rows around this one come from, the common table if it will do, its codes there, and what has to be said."""
        known = [feature.column for feature, _, _ in told]
        if self._sampler == "around":
            for number, (_, _, value) in enumerate(told):
                if number not in self._joined and not isnan(value):
                    known[number] = known[number].around(value)
        outside = [number for number, (_, _, value) in enumerate(told) if not known[number].covers(value)]
        columns: list[RowColumn] = [*known]
        for number in outside:
            feature, _, value = told[number]
            feature.check(value)
            columns[number] = including(known[number], value)
        codes = [column.code_of(value) for column, (_, _, value) in zip(columns, told, strict=True)]
        apart = [name for name, joint in self._joints.items() if not joint.covers(codes)]
        if self._common and not outside and not apart and self._sampler != "around" and encoding is self._encoding:
            return self._common[1], np.array(codes), ()
        source, effect = self._drawn, "so perhaps no perturbation has it, and its weight says little"
        if source is None:
            joints = [joint.including(row) if name in apart else joint for name, joint in self._joints.items()]
            source, effect = Marginals(columns, joints), "its weight compares just this value with them"
        content = fingerprint(row, np.array(encoding.places), str(self._content), *encoding.words)
        table = Table(columns, source, self._valid(encoding), content)
        lying = [feature.with_value(field, value) for feature, field, value in (told[number] for number in outside)]
        for name in apart:
            own = self._joints[name].columns
            if not {*own} & {*outside}:  # each value is known, but not with the others
                lying.append(f"{name}: " + ", ".join(told[number][0].with_value(*told[number][1:]) for number in own))
        notes = (("outside_training_data", f"{one} lies outside the training data; {effect}.") for one in lying)
        return table, np.array(codes), tuple(notes)

    def _valid(self, encoding: Encoding) -> Any:
        return None if self._constraint is None else partial(constrained, self._constraint, encoding)


def _checked_sampler(given: str | RowSampler, sample_around_instance: bool) -> str | RowSampler:
    sampler = given if callable(given) else check_choice("sampler", given, SAMPLERS)
    if not check_flag("sample_around_instance", sample_around_instance):
        return sampler
    if sampler not in ("marginals", "around"):
        raise ArgumentError(f"give either sample_around_instance or sampler; got sampler={sampler!r} as well.")
    return "around"


def _kernel_width(components: int) -> float:
    """lime's; a table without columns of its own leaves it to its rows."""
    return 0.75 * float(max(1, components) ** 0.5)
