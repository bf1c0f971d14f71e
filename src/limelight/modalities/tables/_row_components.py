"""The components of a row: its columns, and how perturbed rows are compared with it and handed to a model."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np

from limelight._checks import list_names
from limelight._seeds import fingerprint, stream
from limelight.exceptions import InstanceError
from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._encoding import Encoding
from limelight.modalities.tables._perturbations import DrawnRows, Perturbations, join_replicates, keys_of
from limelight.modalities.tables._product_law import RowLaw
from limelight.modalities.tables._rare_states import RareState, find_rare_states, mixture_weights
from limelight.modalities.tables._row_columns import RowColumns
from limelight.results.explanation import Notice
from limelight.results.views import MixedView, TableView
from limelight.stages.components import Composed, Neighbourhood, SharedRows, Values, Without
from limelight.stages.design import Design, Stretch

__all__ = ["RowValues", "default_kernel_width"]

_POINTS_OF_OTHER_STATES = 4096  # of which rows are drawn, to find those in which components are in other states
_FARTHEST = 1e6  # standard deviations from the mean, where no draw is near a row
_LEAST_EFFECTIVE_SHARE = 0.5  # of rows drawn from the law as it is: with less, they are drawn near the row
_LEAST_SHARE = 1e-6  # of a row's own state: differences of probabilities have 16 digits
_LEAST_SHARE_OF_OTHERS = 1e-12  # which are added up by themselves


def default_kernel_width(num_components: int) -> float:
    """lime's width; a sparse table has no components itself, and each of its rows a width of its own."""
    return 0.75 * float(max(1, num_components) ** 0.5)


class RowValues(Values):
    """The columns of one row.

    Parameters
    ----------
    perturbations : Perturbations
        The rows around it.
    encoding : Encoding
        How a model gets rows.
    row, codes : ndarray of shape (d,)
        The instance's values as numbers, and the codes of these.
    columns : list of list of int
        The columns of each component: one, or a group's.
    names, view, notes, kernel_width, nearer_option, finer_option
        As for all components.
    """

    product_law: RowLaw | None = None

    def __init__(
        self,
        perturbations: Perturbations,
        encoding: Encoding,
        row: np.ndarray,
        codes: np.ndarray,
        columns: list[list[int]],
        *,
        names: tuple[str, ...],
        view: TableView | MixedView,
        notes: tuple[Notice, ...],
        kernel_width: float | None,
        nearer_option: str | None,
        finer_option: str | None,
    ) -> None:
        self.names = names
        self.view = view
        self.notes = notes
        self.kernel_width = kernel_width
        self.nearer_option = nearer_option
        self.finer_option = finer_option
        self.content = perturbations.content
        self.column_names = encoding.names_by_place
        self._perturbations = perturbations
        self._encoding = encoding
        self.form = id(encoding)  # one encoding reads all rows that have no categories of their own
        self._row = row
        self._codes = codes
        self._columns = columns
        own_codes = codes.tolist()
        self.shares = np.array(
            [perturbations.share_of(numbers, [own_codes[number] for number in numbers]) for numbers in columns]
        )
        self.missing_as_mean = tuple(
            component for component, numbers in enumerate(columns) if numbers[0] in perturbations.missing_as_mean
        )
        self._rare_states = find_rare_states(columns, own_codes, self.shares)
        self.num_rare_states = len(self._rare_states)
        # A model has more columns than the entries of a sparse row, and none for the words of a text.
        moments = None if encoding.has_own_components else perturbations.moments
        is_near = bool((np.abs(codes[[*perturbations.unbinned]]) < _FARTHEST).all())
        if moments is not None and is_near and _have_known_effects(self.shares):
            self.product_law = RowLaw(moments, columns, own_codes)
            self.columns = RowColumns(encoding, perturbations.laws)

    def drawn_near(self, kernel_width: float) -> RowValues:
        law = self.product_law
        if law is None or kernel_width >= default_kernel_width(len(self.names)):
            return self
        if not law.effective_share(kernel_width) < _LEAST_EFFECTIVE_SHARE:
            return self
        near = copy(self)
        near.drawn_width = kernel_width
        near.num_rare_states, near._rare_states = 0, ()  # states that are rare then are drawn more often
        return near

    def knows_law_near(self, kernel_width: float) -> bool:
        return self.product_law is not None and not isnan(self.product_law.effective_share(kernel_width))

    def near_by_widths(self, design: Design, stretch: Stretch, widths: Sequence[float]) -> Neighbourhood:
        assert self.product_law is not None
        return self._make_neighbourhood(self._perturbations.draw_by_widths(design, stretch, self.product_law, widths), None)

    def neighbourhood(self, design: Design, stretch: Stretch) -> Neighbourhood:
        if self.drawn_width is not None and self.product_law is not None:
            drawn = self._perturbations.draw_near(design, stretch, self.product_law, self.drawn_width)
            return self._make_neighbourhood(drawn, None)
        return self._make_neighbourhood(*self._draw(design, stretch, None))

    def neighbourhoods(self, design: Design, stretch: Stretch) -> list[Neighbourhood]:
        of_state = stretch.of_rare_state(len(self._rare_states))
        if not self._rare_states or not of_state.size:
            return [self.neighbourhood(design, stretch)]
        draws = [
            self._draw(design, stretch, None),
            *(self._draw(design, of_state, state) for state in self._rare_states),
        ]
        if not self._perturbations.are_shared:
            draws = [(join_replicates([drawn for drawn, _ in draws]), None)]
        return [self._weigh(self._make_neighbourhood(*draw), stretch) for draw in draws]

    def _draw(self, design: Design, stretch: Stretch, state: RareState | None) -> tuple[DrawnRows, SharedRows | None]:
        drawn = self._perturbations.draw(design, stretch, state)
        return drawn, SharedRows((self.content, design, state), stretch) if self._perturbations.are_shared else None

    def _make_neighbourhood(self, drawn: DrawnRows, shared: SharedRows | None) -> Neighbourhood:
        return Neighbourhood(
            representation=self._represent(drawn),
            inputs=_Rows(self._row, drawn.rows),
            law_weights=drawn.law_weights,
            replicates=drawn.replicates,
            keys=None if drawn.keys is None else np.concatenate([keys_of(self._row[None]), drawn.keys]),
            shared=shared,
        )

    def _weigh(self, part: Neighbourhood, stretch: Stretch) -> Neighbourhood:
        """A part of a stretch with the weights that it has among all rows of that stretch."""
        weights = mixture_weights(part.representation[1:], self._rare_states, stretch)
        return replace(part, law_weights=part.law_weights * weights)

    def _represent(self, drawn: DrawnRows) -> np.ndarray:
        """Which components of the instance, in the first row, and of each drawn row are as in the instance."""
        codes = self._codes.astype(drawn.codes.dtype)
        # Stored by column: all that follows goes column by column.
        representation = np.empty((1 + len(drawn.codes), len(self.names)), dtype=np.uint8, order="F")
        representation[0] = 1
        first_columns = [columns[0] for columns in self._columns]
        if len(self.names) == len(codes):  # each column is a component
            np.equal(drawn.codes, codes, out=representation[1:].T.view(np.bool_).T)
        else:
            is_same = drawn.codes == codes
            representation[1:] = is_same[:, first_columns]
            for component, columns in enumerate(self._columns):
                if len(columns) > 1:
                    representation[1:, component] = is_same[:, columns].all(axis=1)
        unbinned = self._perturbations.unbinned
        if unbinned:
            components = [component for component, number in enumerate(first_columns) if number in unbinned]
            numbers = [first_columns[component] for component in components]
            representation = representation.astype(np.float64)
            representation[0, components] = codes[numbers]
            representation[1:, components] = drawn.codes[:, numbers]
        return representation

    def slopes(self, neighbourhood: Neighbourhood, rows: np.ndarray) -> np.ndarray | None:
        if self.finer_option is None or self._encoding.has_own_components:
            return None
        values = neighbourhood.inputs.take(rows)
        distances = np.full((len(rows), len(self.names)), np.nan)
        for component, (number, *_) in enumerate(self._columns):
            law = self._perturbations.laws[number]
            if isinstance(law, Binned) and law.std:
                distances[:, component] = (values[:, number] - self._row[number]) / law.std
        return distances

    def without(self, removed: Sequence[int], design: Design, most: int) -> Without:
        """The row with other states in some components' columns, as they are drawn together.

        Independent columns are drawn each by itself, given that it is in another state.

        Raises
        ------
        InstanceError
            If no row is drawn in which all of them are in other states.
        """
        drawn, weights = self._draw_other_states(removed, design)
        columns = [number for component in removed for number in self._columns[component]]
        rows = np.repeat(self._row[None], len(drawn), axis=0)
        rows[:, columns] = drawn[:, columns]
        rows, is_kept = self._perturbations.keep_valid(rows)
        weights = weights[is_kept]
        if not len(rows):
            raise InstanceError(
                "not available, because no row can be drawn in which these components are in other states and all others as "
                "they are: they are constant, too rarely differ together, or the constraint keeps no such row. Remove fewer."
            )
        _, first, inverse = np.unique(keys_of(rows), axis=0, return_index=True, return_inverse=True)
        if len(first) > most:
            chosen = np.linspace(0, len(rows) - 1, most).astype(np.intp)
            rows, weights = rows[chosen], weights[chosen]
            _, first, inverse = np.unique(keys_of(rows), axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
        shares = weights / weights.sum()
        count = len(first)
        inputs = _Rows(self._row, rows[first])
        representation = np.ones((1 + count, len(self.names)), dtype=np.uint8)
        representation[1:, list(removed)] = 0
        return Without(
            Neighbourhood(representation, inputs, np.ones(count), np.array([0, count]), None),
            np.bincount(inverse, shares, minlength=count),
            np.bincount(inverse, shares**2, minlength=count) if len(rows) > 1 else np.full(1, np.nan),
        )

    def _draw_other_states(self, removed: Sequence[int], design: Design) -> tuple[np.ndarray, np.ndarray]:
        """Drawn rows in which some components are all off, and their law weights; other columns do not count."""
        if self._perturbations.are_independent:
            return self._draw_independent_states(removed, design)
        rows, weights = [np.empty((0, len(self._row)))], [np.empty(0)]
        for part in self.neighbourhoods(design, Stretch(1, 0, _POINTS_OF_OTHER_STATES)):
            is_off = (part.representation[1:, list(removed)] == 0).all(axis=1)
            if is_off.any():
                rows.append(part.inputs.take(1 + np.flatnonzero(is_off)))
                weights.append(part.law_weights[is_off])
        return np.concatenate(rows), np.concatenate(weights)

    def _draw_independent_states(self, removed: Sequence[int], design: Design) -> tuple[np.ndarray, np.ndarray]:
        """The same where columns are independent, so that all rows can be drawn in other states of any number of them."""
        assert self.shares is not None
        constant = [self.names[component] for component in removed if 1 - self.shares[component] < _LEAST_SHARE_OF_OTHERS]
        if constant:
            raise InstanceError(
                "not available, because no row can be drawn in which these components are in other states and all others as "
                f"they are: of {list_names(constant)}, no other state is ever drawn."
            )
        states = []
        for component in removed:
            columns, share = self._columns[component], float(self.shares[component])
            codes = tuple(self._codes[columns].tolist())
            states.append(RareState(component, tuple(columns), codes, is_own=False, share=1 - share))
        rows, is_off = self._perturbations.draw_columns(design, Stretch(1, 0, _POINTS_OF_OTHER_STATES), states)
        rows = rows[is_off.all(axis=1)]
        return rows, np.ones(len(rows))

    def composed(self, masks: np.ndarray, design: Design, most: int) -> Composed:
        """The row with some components' columns from drawn rows, the same ones for all masks."""
        drawn = self._perturbations.draw(design, Stretch(1, 0, most)).rows
        is_drawn = np.zeros((len(masks), 1, len(self._row)), dtype=bool)
        for component, columns in enumerate(self._columns):
            is_drawn[:, 0, columns] = masks[:, [component]] == 0
        rows, is_kept = self._perturbations.keep_valid(np.where(is_drawn, drawn, self._row).reshape(-1, len(self._row)))
        of_mask, of_draw = (numbers.reshape(-1)[is_kept] for numbers in np.indices((len(masks), len(drawn))))
        representation = np.concatenate([np.ones((1, masks.shape[1]), dtype=np.uint8), masks[of_mask]])
        count = len(rows)
        neighbourhood = Neighbourhood(representation, _Rows(self._row, rows), np.ones(count), np.array([0, count]), None)
        return Composed(neighbourhood, of_mask, of_draw, len(drawn))

    def nearby(self, radius: float, count: int, seed: int) -> list[Any] | str:
        rows = np.repeat(self._row[None], count, axis=0)
        steps = stream(seed, fingerprint(self._row)).uniform(-radius, radius, rows.shape)
        for columns in self._columns:
            if len(columns) == 1:  # the columns of a group have values only together
                (number,) = columns
                rows[:, number] = self._perturbations.laws[number].near(self._row[number], steps[:, number])
        rows = self._encoding.hold(rows)
        if (keys_of(rows) == keys_of(self._row[None])).all():
            return (
                "not available, because the row has no number that can change so little: give a greater radius, unless all "
                "columns are categories, flags or missing."
            )
        return [self._encoding.make_batch(row[None]) for row in rows]

    def batch(self, inputs: np.ndarray) -> Any:
        return self._encoding.make_batch(inputs)


def _have_known_effects(shares: np.ndarray) -> bool:
    """Whether no component, of those that are on with these probabilities, is so seldom on, or off, that digits are lost."""
    return not np.any((shares < _LEAST_SHARE) | ((shares < 1) & (1 - shares < _LEAST_SHARE_OF_OTHERS)))


@dataclass(frozen=True)
class _Rows:
    """The instance, of shape (d,), and the drawn rows, of shape (m, d), copied for every batch, which a model may change."""

    instance: np.ndarray
    drawn: np.ndarray

    def take(self, rows: np.ndarray) -> np.ndarray:
        batch = np.empty((len(rows), len(self.instance)))
        start, stop = rows[0], rows[0] + len(rows)
        if np.array_equal(rows, np.arange(start, stop)):  # as nearly always: copied in one go
            first = int(start == 0)
            batch[:first] = self.instance
            batch[first:] = self.drawn[start + first - 1 : stop - 1]
        else:
            batch[:] = self.drawn[rows - 1]
            batch[rows == 0] = self.instance
        return batch
