"""The explainer of rows, under lime's name."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from limelight._seeds import fingerprint
from limelight.compat import explanation, lime_base
from limelight.compat._draws import Draws
from limelight.compat._hooks import has_own_base, has_own_bins, has_own_method, needs_scikit_learn
from limelight.compat._kernels import bind_kernel
from limelight.compat._row_names import describe_row, name_positions
from limelight.compat._tables import (
    adjust,
    column_of,
    count_values,
    distinct_names,
    draw_rows,
    make_explainer,
    read_row,
    read_shares,
    record_law,
)
from limelight.compat._translation import (
    Answer,
    Wish,
    ask_limelight,
    choose_labels,
    fit_classically,
    record,
    warn_of_notices,
    warn_of_sums,
)
from limelight.compat.discretize import (
    BaseDiscretizer,
    DecileDiscretizer,
    EntropyDiscretizer,
    QuartileDiscretizer,
    StatsDiscretizer,
)
from limelight.compat.exceptions import LimeError
from limelight.exceptions import KernelError

__all__ = ["LimeTabularExplainer"]

_DISCRETIZERS: dict[str, Any] = {"quartile": QuartileDiscretizer, "decile": DecileDiscretizer, "entropy": EntropyDiscretizer}
_STATS_KEYS = ("means", "mins", "maxs", "stds", "feature_values", "feature_frequencies")


class LimeTabularExplainer:
    """Explains predictions about rows of a table.

    Parameters
    ----------
    training_data : ndarray of shape (n, d), sparse matrix or frame
        Rows like those that the model was trained on; the model gets arrays of doubles.
    mode : {"classification", "regression"}, default "classification"
        What the model's outputs are.
    training_labels : array-like of shape (n,), optional
        What discretizers may use.
    feature_names : sequence of str, optional
        The columns' names; by default their numbers.
    categorical_features : sequence of int, optional
        The columns of categories.
    categorical_names : mapping of int to sequence or mapping, optional
        For each column of categories the names of its codes.
    kernel_width : float, optional
        The kernel's width; by default 0.75 times the square root of the number of columns.
    kernel : callable, optional
        ``kernel(distances, kernel_width)``.
    verbose : bool, default False
        Whether to print each surrogate's intercept and prediction beside the model's.
    class_names : sequence of str, optional
        Names of the classes.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the listed columns are chosen; "auto" selects up to 6 forward.
    discretize_continuous : bool, default True
        Whether numeric columns have bins.
    discretizer : {"quartile", "decile", "entropy"} or BaseDiscretizer, default "quartile"
        Where they lie.
    sample_around_instance : bool, default False
        Whether columns without bins are drawn around the row.
    random_state : int, numpy.random.RandomState or None
        The seed; None is numpy's own global state.
    training_data_stats : mapping, optional
        Statistics in place of the training data.
    """

    def __init__(
        self,
        training_data: Any,
        mode: str = "classification",
        training_labels: Any = None,
        feature_names: Iterable[Any] | None = None,
        categorical_features: Iterable[int] | None = None,
        categorical_names: Mapping[int, Any] | None = None,
        kernel_width: float | None = None,
        kernel: Any = None,
        verbose: bool = False,
        class_names: Any = None,
        feature_selection: str = "auto",
        discretize_continuous: bool = True,
        discretizer: Any = "quartile",
        sample_around_instance: bool = False,
        random_state: Any = None,
        training_data_stats: Mapping[str, Any] | None = None,
    ) -> None:
        self.random_state = check_random_state(random_state)
        self.mode = mode
        self.categorical_names = {} if categorical_names is None else categorical_names
        self.sample_around_instance = sample_around_instance
        self.training_data_stats = training_data_stats
        if training_data_stats:
            self.validate_training_data_stats(training_data_stats)
        if feature_names is None:
            feature_names = getattr(training_data, "columns", None)
        training = _read_training_data(training_data)
        width = training.shape[1]
        self.feature_names = list(map(str, range(width)) if feature_names is None else feature_names)
        self._categorical = [int(column) for column in categorical_features] if categorical_features is not None else []
        self.categorical_features = list(self._categorical)
        self.discretizer: Any = None
        self.has_named_bins = isinstance(discretizer, str)
        if discretize_continuous and not sparse.issparse(training):
            self.discretizer = self._make_discretizer(discretizer, training, training_labels)
            self.categorical_features = list(range(width))
        kernel_width = float(np.sqrt(width) * 0.75 if kernel_width is None else kernel_width)
        self._kernel_fn = bind_kernel(kernel, kernel_width)
        self.feature_selection = feature_selection
        self.base = lime_base.LimeBase(self._kernel_fn, verbose, random_state=self.random_state)
        self.class_names = class_names
        self.scaler = StandardScaler(with_mean=False).fit(training)
        self._count_values(training)
        self._training = training
        self._draws = Draws()
        self._warned: set[str] = set()
        self._law = record_law(self)
        self._limelight: Any = None

    def _make_discretizer(self, discretizer: Any, training: np.ndarray, labels: Any) -> BaseDiscretizer:
        names = name_positions(self.feature_names, training.shape[1])
        arguments: dict[str, Any] = {"labels": labels, "random_state": self.random_state}
        if self.training_data_stats:
            stats = self.training_data_stats
            return StatsDiscretizer(training, self.categorical_features, names, data_stats=stats, **arguments)
        if isinstance(discretizer, BaseDiscretizer):
            return discretizer
        if isinstance(discretizer, str) and discretizer in _DISCRETIZERS:
            make = _DISCRETIZERS[discretizer]
            made: BaseDiscretizer = make(training, self.categorical_features, names, **arguments)
            return made
        raise ValueError(f"discretizer must be 'quartile', 'decile', 'entropy' or a BaseDiscretizer; got {discretizer!r:.80}.")

    def _count_values(self, training: Any) -> None:
        """The states of each column of categories or bins, and how frequent they are in the training data."""
        stats = self.training_data_stats
        states = training
        if stats is None and self.discretizer is not None:
            states = self.discretizer.discretize(training)
        self.feature_values: dict[int, Any] = {}
        self.feature_frequencies: dict[int, np.ndarray] = {}
        for column in self.categorical_features:
            values, shares = count_values(column_of(states, column)) if stats is None else read_shares(stats, column)
            self.feature_values[column], self.feature_frequencies[column] = values, shares
            if self.scaler.mean_ is not None:
                self.scaler.mean_[column] = 0
            self.scaler.scale_[column] = 1

    @staticmethod
    def convert_and_round(values: Iterable[float]) -> list[str]:
        """Numbers with two digits."""
        return [f"{value:.2f}" for value in values]

    @staticmethod
    def validate_training_data_stats(training_data_stats: Mapping[str, Any]) -> None:
        """Refuse statistics that lack a key.

        Raises
        ------
        LimeError
            If one is missing.
        """
        lacking = [key for key in _STATS_KEYS if key not in training_data_stats]
        if lacking:
            raise LimeError(f"Missing keys in training_data_stats. Details: {lacking}")

    def explain_instance(
        self,
        data_row: Any,
        predict_fn: Any,
        labels: Iterable[int] = (1,),
        top_labels: int | None = None,
        num_features: int = 10,
        num_samples: int = 5000,
        distance_metric: Any = "euclidean",
        model_regressor: Any = None,
        sampling_method: str = "gaussian",
    ) -> explanation.Explanation:
        """Explain the prediction for a row.

        Parameters
        ----------
        data_row : array-like of shape (d,), or sparse matrix of shape (1, d)
            The row.
        predict_fn : callable
            From an array of rows to probabilities of shape (n, k); of a regression, to numbers of shape (n,). Give an
            estimator's method itself, not a function around it: limelight knows what to make of it.
        labels : iterable of int, default (1,)
            Which outputs to explain.
        top_labels : int, optional
            Explain this many outputs instead: those with the highest predictions.
        num_features : int, default 10
            The largest number of columns to list.
        num_samples : int, default 5000
            The number of perturbations, the row included.
        distance_metric : str or callable, default "euclidean"
            A distance of scikit-learn's ``pairwise_distances``.
        model_regressor : object, optional
            A linear regressor to fit instead of the ridge.
        sampling_method : {"gaussian", "lhs"}, default "gaussian"
            Taken and not used: limelight's designs spread rows more evenly than either.

        Raises
        ------
        IndexError
            If the model has no such label.
        NotImplementedError
            If a classifier gives no probabilities.
        """
        if sampling_method not in ("gaussian", "lhs"):
            warnings.warn(
                f'sampling_method must be "gaussian" or "lhs", got {sampling_method!r}; it is not used.', stacklevel=2
            )
        row = data_row if sparse.issparse(data_row) else read_row(data_row, self.feature_names)
        wish = Wish.of(
            (0,) if self.mode == "regression" else labels,
            None if self.mode == "regression" else top_labels,
            num_features=num_features,
            num_samples=num_samples,
            distance_metric=distance_metric,
            own_metric="euclidean",
            model_regressor=model_regressor,
            feature_selection=self.feature_selection,
        )
        is_other_kind = sparse.issparse(row) != sparse.issparse(self._training)
        if self._has_own_pieces() or is_other_kind or needs_scikit_learn(distance_metric, model_regressor):
            answer = self._explain_classically(row, predict_fn, wish)
        else:
            answer = self._explain(row, predict_fn, wish)
        warn_of_notices(answer, self._warned)
        return self._describe(row, answer, wish)

    def _has_own_pieces(self) -> bool:
        """Whether the program has replaced or set a piece of what draws rows and fits surrogates."""
        own_draw = has_own_method(self, "_LimeTabularExplainer__data_inverse", _DATA_INVERSE)
        own_bins = self.discretizer is not None and has_own_bins(self.discretizer)
        return own_draw or own_bins or has_own_base(self.base, self._kernel_fn) or record_law(self) != self._law

    def _explain(self, row: Any, predict_fn: Any, wish: Wish) -> Answer:
        """limelight's pipeline."""
        is_sparse = sparse.issparse(row)
        content = row.toarray() if is_sparse else row
        seed, is_of_round = self._draws.seed_for(self._drawing(), fingerprint(content))
        if self._limelight is None:
            names = distinct_names(self.feature_names, self._training.shape[1])
            self._limelight = make_explainer(self, self._training, self._categorical, names, seed)
        explainer = adjust(self._limelight, seed, wish.method)
        if is_of_round:
            self._limelight = explainer  # which holds what its rows share
        try:
            answer = ask_limelight(
                explainer,
                row,
                predict_fn,
                wish,
                is_regression=self.mode == "regression",
                verbose=self.base.verbose,
            )
        except KernelError as error:
            warnings.warn(f"{error} The weights say nothing.", stacklevel=3)
            return self._explain_classically(row, predict_fn, wish)
        except IndexError:
            self._check_outputs(row, predict_fn)
            raise
        self._draws.advance(self._drawing())
        if self.mode == "classification":
            if len(answer.predictions) == 1:
                self._check_outputs(row, predict_fn)
            warn_of_sums(answer.predictions)
        return answer.with_numbers(np.unique(row.nonzero()[1]).tolist()) if is_sparse else answer

    def _drawing(self) -> list[Any]:
        """Whose random numbers count."""
        return [self, self.base, *([] if self.discretizer is None else [self.discretizer])]

    def _check_outputs(self, row: Any, predict_fn: Any) -> None:
        """Refuse a classifier that gives one number for each row."""
        answer = predict_fn(row if sparse.issparse(row) else row[None])
        if self.mode == "classification" and np.ndim(answer) == 1:
            raise NotImplementedError(
                "a classifier must give probabilities, of shape (n, k); this model gives one number for each row. Give "
                'predict_proba, or mode="regression".'
            )

    def _explain_classically(self, row: Any, predict_fn: Any, wish: Wish) -> Answer:
        """lime's own way: the program's pieces, or lime's, called as lime calls them."""
        data, inverse = self.__data_inverse(row, wish.num_samples)
        if sparse.issparse(data):
            scaled = sparse.csr_matrix(data.multiply(1 / self.scaler.scale_))
        else:
            scaled = (data - self.scaler.mean_) / self.scaler.scale_
        distances = pairwise_distances(scaled, scaled[0].reshape(1, -1), metric=wish.distance_metric).ravel()
        outputs = np.asarray(predict_fn(inverse))
        if self.mode == "regression":
            outputs = outputs.reshape(len(outputs), -1)[:, :1]
            return fit_classically(self.base, scaled, outputs, distances, wish, [0])
        if outputs.ndim == 1:
            self._check_outputs(row, predict_fn)
        warn_of_sums(outputs[0])
        return fit_classically(self.base, scaled, outputs, distances, wish, choose_labels(outputs[0], wish))

    def _describe(self, row: Any, answer: Answer, wish: Wish) -> explanation.Explanation:
        """The explanation of what was found."""
        if self.mode == "classification":
            given = range(len(answer.predictions)) if self.class_names is None else self.class_names
            self.class_names = [str(name) if self.class_names is None else name for name in given]
        found = explanation.Explanation(describe_row(self, row), mode=self.mode, class_names=self.class_names)
        record(answer, found)
        if self.mode == "regression":
            found.predicted_value = answer.predictions[0]
            found.min_value, found.max_value = answer.low, answer.high
            found.intercept[1] = found.intercept[0]
            found.local_exp[1] = found.local_exp[0]
            found.local_exp[0] = [(number, -weight) for number, weight in found.local_exp[1]]
            return found
        found.predict_proba = answer.predictions
        if wish.top_labels:
            found.top_labels = list(answer.fits)[::-1]
        return found

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "_draws" not in state:
            raise LimeError("this explainer was pickled by lime, which cannot be read here: make it again from its data.")
        self.__dict__.update(state)

    def __data_inverse(self, data_row: Any, num_samples: int) -> tuple[Any, Any]:
        """A neighbourhood of independent draws: components of shape (n, d), and rows for the model; the first is the row's."""
        return draw_rows(self, data_row, num_samples)


_DATA_INVERSE = vars(LimeTabularExplainer)["_LimeTabularExplainer__data_inverse"]


def _read_training_data(training_data: Any) -> Any:
    """Rows as doubles, or a sparse matrix."""
    if sparse.issparse(training_data):
        return training_data
    return np.asarray(training_data, dtype=np.float64)


LimeTabularExplainer.__module__ = "limelight.compat.lime_tabular"  # where programs import it from
