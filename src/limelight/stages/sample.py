"""The perturbations with their predictions and weights, reduced to weighted Gram matrices."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np

from limelight.exceptions import KernelError
from limelight.stages.control_variate import Controls
from limelight.stages.curve_products import CurveProducts
from limelight.stages.design import Stretch
from limelight.stages.kernel_law import NUM_CURVES, Curves
from limelight.stages.limit import Limit
from limelight.stages.prior import Penalties, Pull
from limelight.stages.proximity import Proximity
from limelight.stages.weighted_rows import ColumnSums, RegressionRows, WeightedRows, add_products
from limelight.stages.wide_rows import RowProducts, WideRows

__all__ = ["LEAST_ROWS_PER_COMPONENT", "Sample", "find_unknown"]

T = TypeVar("T")

_MOST_COMPONENTS_BY_REPLICATE = 1200  # with these, the replicates' full Gram matrices take 92 MB; above, only their sum is kept
_LEAST_VARIANCE_SHARE = 0.1  # of a component's mean variance: with less, a replicate says next to nothing about it
_LEAST_VARYING_SHARE = 0.75  # of the replicates: those in which a component must vary
_PENALTY_TRACE = 1e-6  # of the penalty of a standardised component
LEAST_ROWS_PER_COMPONENT = 2
"""With fewer, a fit of all components says little of single ones."""

_ROUNDING_SHARE = 1e-12  # of a number: smaller differences from it are rounding


@dataclass
class Sample:
    """The perturbations that the model was asked about, with their predictions.

    Parameters
    ----------
    instance : ndarray of shape (d,)
        The instance's own representation.
    origin : ndarray of shape (q,)
        The model's outputs for the instance. Outputs are kept as differences from it, so that a large offset costs no digits.
    shares : ndarray of shape (d,) or None
        The probability under LIME's own law that each component is on; as `Components.shares`.
    limit : Limit or None
        The moments that infinitely many perturbations would give, where they are known.
    controls : Controls or None
        Functions of the perturbations whose moments are known exactly, if there are any.
    drawn_width : float or None
        The width of the kernel near which they are drawn; as `Components.drawn_width`.
    pull : Pull or None
        What a prior does to the components, if there is one.
    """

    instance: np.ndarray
    origin: np.ndarray
    shares: np.ndarray | None = None
    limit: Limit | None = None
    controls: Controls | None = None
    drawn_width: float | None = None
    pull: Pull | None = None
    _stretches: list[WeightedRows] = field(default_factory=list)
    _full_grams: np.ndarray | None = None
    _num_stretches_in_grams: int = 0
    _row_products: RowProducts = field(default_factory=RowProducts)
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False)

    def recall(self, key: Hashable, find: Callable[[], T]) -> T:
        """What follows from rows and control variates: worked out once, until rows are added or control variates replaced."""
        if key not in self._known:
            self._known[key] = find()
        return cast("T", self._known[key])

    def add(
        self,
        representation: np.ndarray,
        outputs: np.ndarray,
        law_weights: np.ndarray,
        kernel_weights: np.ndarray,
        replicate_bounds: np.ndarray,
        controls: np.ndarray | None = None,
    ) -> None:
        """Add the rows of a stretch, of shapes (m, d), (m, q), (m,) and (m,), and the bounds of its replicates, (r + 1,).

        Their control variates have shape (m, v). If the first stretch has none, then no stretch has any.
        """
        self._known.clear()
        self._stretches.append(
            WeightedRows(representation, outputs - self.origin, law_weights, kernel_weights, replicate_bounds, controls)
        )

    def replace_controls(self, controls: Controls | None, values: Sequence[np.ndarray | None]) -> None:
        """Have other control variates, whose values in the rows of each stretch have shape (m, v), or none."""
        self._known.clear()
        self.controls, self._full_grams, self._num_stretches_in_grams = controls, None, 0
        self._stretches = [
            stretch._replace(controls=of_stretch) for stretch, of_stretch in zip(self._stretches, values, strict=True)
        ]

    @property
    def num_replicates(self) -> int:
        return len(self._stretches[0].replicate_bounds) - 1

    @property
    def size(self) -> int:
        return sum(len(stretch.representation) for stretch in self._stretches)

    @property
    def is_wide(self) -> bool:
        """Whether there are fewer rows than components."""
        return self.size < len(self.instance)

    @property
    def is_thin(self) -> bool:
        """Whether there are fewer than two rows for each component: a fit of all of them says little of single ones."""
        return self.size < LEAST_ROWS_PER_COMPONENT * len(self.instance)

    @property
    def row_weights(self) -> np.ndarray:
        """The rows' weights in the fit, of shape (n,)."""
        return np.concatenate([stretch.law_weights * stretch.kernel_weights for stretch in self._stretches])

    @property
    def outputs(self) -> np.ndarray:
        """The rows' outputs, less those of the instance, of shape (n, q)."""
        return np.concatenate([stretch.outputs for stretch in self._stretches])

    @property
    def mean_outputs(self) -> np.ndarray:
        """The rows' mean outputs as the model gave them, with their weights in the fit, of shape (q,)."""
        return self.recall(
            "mean_outputs", lambda: np.asarray(self.origin + np.average(self.outputs, axis=0, weights=self.row_weights))
        )

    @property
    def replicates(self) -> np.ndarray:
        """The number of each row's replicate, of shape (n,)."""
        numbers = np.arange(self.num_replicates)
        return np.concatenate([np.repeat(numbers, np.diff(stretch.replicate_bounds)) for stretch in self._stretches])

    @property
    def law_draws(self) -> np.ndarray:
        """How many draws from LIME's own law each replicate stands for, of shape (r,).

        This is its number of rows, since law weights are 1 on average. The sum of its law weights is an estimate of the same
        number, with noise, and is far too small where a narrow kernel's tilt leaves out most of the law.
        """
        return np.asarray(np.sum([np.diff(stretch.replicate_bounds) for stretch in self._stretches], axis=0), dtype=np.float64)

    @property
    def effective_size(self) -> float:
        """Kish's effective size of a sample of this size drawn from LIME's own law: size * E[w]^2 / E[w^2].

        Of rows that are drawn near the instance it is that of their weights in the fit, most of which are the same.
        """
        if self.drawn_width is not None:
            return self.fitting_size
        # In units of the largest, because the squares of a narrow kernel's weights are too small for a double.
        largest = max(stretch.kernel_weights.max() for stretch in self._stretches)
        sums = []
        for stretch in self._stretches:
            law_weights, kernel_weights = stretch.law_weights, stretch.kernel_weights
            sums.append([law_weights @ (kernel_weights / largest), law_weights @ (kernel_weights / largest) ** 2])
        first, second = np.sum(sums, axis=0)
        return float(first**2 / second)

    @property
    def fitting_size(self) -> float:
        """Kish's effective sample size of the rows with their weights in the fit."""
        row_weights = self.row_weights / max(
            stretch.kernel_weights.max() for stretch in self._stretches
        )  # as in effective_size
        return float(row_weights.sum() ** 2 / (row_weights @ row_weights))

    @property
    def varies(self) -> np.ndarray:
        """Whether each output varies over the perturbations by more than rounding, of shape (q,).

        A single perturbation varies if it differs from the instance.
        """
        return self.recall("varies", self._find_varying)

    def _find_varying(self) -> np.ndarray:
        lows, highs = (
            extreme([extreme(part.outputs, axis=0) for part in self._stretches], axis=0) for extreme in (np.min, np.max)
        )
        if self.size == 1:
            lows, highs = np.minimum(lows, 0.0), np.maximum(highs, 0.0)
        largest = np.maximum(np.abs(self.origin + lows), np.abs(self.origin + highs))
        return np.asarray(highs - lows > _ROUNDING_SHARE * largest)

    @property
    def is_fixed(self) -> np.ndarray:
        """Whether each component is on in every perturbation that LIME's own law can give, of shape (d,)."""
        if self.shares is None:
            return np.zeros(len(self.instance), dtype=bool)
        return np.asarray(self.shares > 1 - _ROUNDING_SHARE)

    @cached_property
    def penalty_factors(self) -> np.ndarray:
        """By how much the ridge penalty of each component is multiplied, of shape (d,).

        It is 1 but for components that are rarely on or rarely off. The penalty alone would take a large part of their weights,
        since they hardly vary. So they are not penalised, but for a trace that keeps the equations solvable.
        """
        factors = np.ones(len(self.instance))
        if self.shares is not None:
            variances = self.shares * (1 - self.shares)
            is_rare = (variances > 0) & (np.minimum(self.shares, 1 - self.shares) < Stretch.rare_share)
            factors[is_rare] = _PENALTY_TRACE * variances[is_rare]
        return factors

    @cached_property
    def penalties(self) -> Penalties:
        """The ridge penalty of each component, of shape (d,): a prior takes the place of the common one."""
        if self.pull is None:
            return Penalties(self.penalty_factors, *np.zeros((2, len(self.instance))))
        return Penalties(np.where(self.pull.precisions > 0, 0.0, self.penalty_factors), *self.pull)

    def weighted_by(self, proximity: Proximity) -> Sample | None:
        """The same perturbations with other kernel weights; None where all of these are 0, or rows were drawn too near."""
        if self.drawn_width is not None and proximity.width > self.drawn_width:
            return None
        stretches = []
        for stretch in self._stretches:
            rows = np.concatenate([self.instance[None].astype(stretch.representation.dtype), stretch.representation])
            try:
                kernel_weights = proximity.kernel_weights(rows, stretch.law_weights)[1:]
            except KernelError:
                return None
            stretches.append(stretch._replace(kernel_weights=kernel_weights, controls=None))
        limit = None if self.limit is None else self.limit.with_width(proximity.width)
        return replace(self, limit=limit, controls=None, _stretches=stretches, _full_grams=None, _num_stretches_in_grams=0)

    def take_output(self, number: int) -> Sample:
        """The same perturbations with one of the outputs alone."""
        stretches = [
            stretch._replace(
                outputs=stretch.outputs[:, [number]],
                controls=None if stretch.controls is None else stretch.controls[:, number :: len(self.origin)],
            )
            for stretch in self._stretches
        ]
        return Sample(
            self.instance,
            self.origin[[number]],
            self.shares,
            limit=None if self.limit is None else self.limit.take_output(number),
            controls=None if self.controls is None else self.controls.take_output(number),
            drawn_width=self.drawn_width,
            pull=self.pull,
            _stretches=stretches,
            _row_products=self._row_products,
        )

    def split_outputs(self) -> list[Sample]:
        """A sample for each output."""
        return [self.take_output(number) for number in range(len(self.origin))]

    def full_grams(self) -> np.ndarray:
        """Weighted Gram matrices of the constant, all components and the outputs.

        Returns
        -------
        grams : ndarray of shape (r, 1 + d + q, 1 + d + q)
            One for each replicate; with very many components only their sum, of shape (1, 1 + d + q, 1 + d + q).
        """
        width = 1 + len(self.instance) + len(self.origin)
        return self.grams_with_controls()[:, :width, :width]

    def grams_with_controls(self) -> np.ndarray:
        """The same with v control variates as well, of shape (r, 1 + d + q + v, 1 + d + q + v)."""
        d, controls = len(self.instance), self._stretches[0].controls
        if self._full_grams is None:
            width = 1 + d + len(self.origin) + (0 if controls is None else controls.shape[1])
            self._full_grams = np.zeros((1 if d > _MOST_COMPONENTS_BY_REPLICATE else self.num_replicates, width, width))
        for stretch in self._stretches[self._num_stretches_in_grams :]:
            add_products(stretch, slice(None), self._full_grams, stretch.controls)
        self._num_stretches_in_grams = len(self._stretches)
        return self._full_grams

    def column_sums(self) -> ColumnSums:
        """The sums of each replicate; of all together where `full_grams` gives only their sum."""
        if not self.is_wide:
            grams, d = self.full_grams(), len(self.instance)
            return ColumnSums(grams[:, 0, 0], grams[:, 0, 1 : d + 1], grams.diagonal(axis1=1, axis2=2)[:, 1 : d + 1])
        return self.recall(ColumnSums, self._add_columns)

    def _add_columns(self) -> ColumnSums:
        """The same of few rows with many components, of which there are no Gram matrices."""
        is_in_replicate = self.replicates[:, None] == np.arange(self.num_replicates)
        row_weights = self.row_weights[:, None] * is_in_replicate
        rows = self.wide_rows()
        components = rows.sums(row_weights).T
        squares = components if rows.are_masks else rows.sums(row_weights, of_squares=True).T
        return ColumnSums(row_weights.sum(axis=0), components, squares)

    def wide_rows(self, components: np.ndarray | None = None) -> WideRows:
        """All rows, with these c components only; with all of them where None is given."""
        products = self._row_products if components is None else RowProducts()
        return WideRows([stretch.representation for stretch in self._stretches], products, components)

    def grams(self, components: np.ndarray) -> np.ndarray:
        """Each replicate's Gram matrix of the constant, these c components and the outputs: (r, 1 + c + q, 1 + c + q)."""
        width = 1 + len(components) + len(self.origin)
        grams = np.zeros((self.num_replicates, width, width))
        for stretch in self._stretches:
            add_products(stretch, components, grams)
        return grams

    def curve_products(self, curves: Curves) -> CurveProducts:
        """Each replicate's weighted products of its own curves with the constant, the components, the outputs and each other.

        Predictor ``k * q + i`` of the curves is that of replicate k and output i.
        """
        d, q, r = len(self.instance), len(self.origin), self.num_replicates
        with_columns = np.zeros((r, NUM_CURVES * q, 1 + d))
        with_outputs = np.zeros((r, NUM_CURVES, q))
        with_curves = np.zeros((r, NUM_CURVES, NUM_CURVES, q))
        for representation, outputs, law_weights, kernel_weights, bounds, _ in self._stretches:
            rows, row_weights = representation.astype(np.float64), law_weights * kernel_weights
            for replicate, (start, stop) in enumerate(pairwise(bounds.tolist())):
                own = curves.evaluate(rows[start:stop], slice(replicate * q, (replicate + 1) * q))
                weighted = own * row_weights[start:stop]
                flat = weighted.reshape(NUM_CURVES * q, -1)
                with_columns[replicate, :, 0] += flat.sum(axis=1)
                with_columns[replicate, :, 1:] += flat @ rows[start:stop]
                with_outputs[replicate] += np.einsum("cqm,mq->cq", weighted, outputs[start:stop])
                with_curves[replicate] += np.einsum("aqm,bqm->abq", weighted, own)
        by_column = np.swapaxes(with_columns, 1, 2).reshape(r, 1 + d, NUM_CURVES, q)
        return CurveProducts(by_column, with_outputs, with_curves)

    def represent(self, components: np.ndarray) -> np.ndarray:
        """All rows with these c components only, of shape (n, c)."""
        return np.concatenate([stretch.representation[:, components].astype(np.float64) for stretch in self._stretches])

    def regression_rows(self, components: np.ndarray) -> RegressionRows:
        """All rows, with these components only."""
        return RegressionRows(
            self.represent(components),
            self.outputs,
            self.row_weights,
            self.replicates,
        )


def find_unknown(samples: Sequence[Sample]) -> np.ndarray:
    """Whether the rows of b samples show too little of each component for an interval, of shape (b, d).

    A component must vary in most replicates, and about as much in these as in all. One that is fixed has a weight of 0,
    and that is known.
    """
    by_sample = [sample.column_sums() for sample in samples]
    mass, components, squares = (np.stack(sums) for sums in zip(*by_sample, strict=True))
    mass = np.where(mass > 0, mass, 1.0)[..., None]  # nothing varies in a replicate without weight
    squares = squares / mass
    variances = squares - (components / mass) ** 2
    least = _LEAST_VARIANCE_SHARE * variances.mean(axis=1, keepdims=True)
    num_varying = (variances > np.maximum(least, _ROUNDING_SHARE * squares)).sum(axis=1)
    is_unknown = num_varying < _LEAST_VARYING_SHARE * variances.shape[1]
    return np.asarray(is_unknown & ~np.stack([sample.is_fixed for sample in samples]))
