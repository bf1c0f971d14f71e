"""The perturbed rows around an instance: drawn when they are asked for, coded, and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import Any, NamedTuple, TypeVar

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.modalities.tables._added_values import WithMissing
from limelight.modalities.tables._column_law import ColumnLaw
from limelight.modalities.tables._fields import Field
from limelight.modalities.tables._product_law import KnownComponent, RowLaw, find_moments
from limelight.modalities.tables._rare_states import RareState
from limelight.modalities.tables._samplers import Marginals, Source
from limelight.modalities.tables._weighted_columns import WeightedDraws
from limelight.stages.design import Design, Drawn, Stretch

__all__ = ["DrawnRows", "Perturbations", "codes_of", "join_replicates", "keys_of"]

K = TypeVar("K")
V = TypeVar("V")

Validator = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From rows of shape (m, d) to the valid ones, of shape (v, d), and to booleans of shape (m,): which rows they come from."""

_MOST_KEPT_STRETCHES = 64  # "auto" takes up to 8, and up to 8 smaller ones for each rare state
_MOST_KEPT_POINTS = 8  # those of rare states, which make rows of one state after another


class DrawnRows(NamedTuple):
    """Rows of a stretch.

    Attributes
    ----------
    rows, codes : ndarray of shape (m, d)
        Their values as numbers, and the codes of these.
    keys : ndarray of shape (m, d), uint64, or None
        Words that tell rows apart; None where no row is likely to be drawn again.
    law_weights : ndarray of shape (m,)
    replicates : ndarray of shape (r + 1,)
        As for a `Neighbourhood`.
    """

    rows: np.ndarray
    codes: np.ndarray
    keys: np.ndarray | None
    law_weights: np.ndarray
    replicates: np.ndarray


class Perturbations:
    """The perturbed rows of one instance, or of all that share them.

    What was drawn is kept for a while, since it depends on these arguments and the design alone.

    Parameters
    ----------
    laws : sequence of ColumnLaw
        For each of the d columns, which values count as the same.
    fields : sequence of Field
        What each of them holds.
    source : Source
        Where rows come from.
    hold : callable
        From drawn numbers to those that the columns hold in their place, both of shape (m, d).
    validate : callable or None
        From drawn rows to those that are valid, and which rows they come from.
    content : int
        A number made from all of it.
    are_shared : bool
        Whether other instances have the same perturbations.
    known_moments : mapping or None
        What is known of other instances' components.

    Attributes
    ----------
    laws : sequence of ColumnLaw
    are_independent : bool
        Whether columns are drawn each by itself, or with those of its group.
    unbinned : frozenset of int
        The columns without bins, whose components are standardised values.
    moments : mapping or None
        What law and kernel make of each component, by its first column, where this is known of all.
    missing_as_mean : frozenset of int
        Those of them that may miss values, whose components are -0.0 there.
    """

    def __init__(
        self,
        laws: Sequence[ColumnLaw],
        fields: Sequence[Field],
        source: Source,
        hold: Callable[[np.ndarray], np.ndarray],
        validate: Validator | None,
        content: int,
        *,
        are_shared: bool = False,
        known_moments: Mapping[int, KnownComponent] | None = None,
    ) -> None:
        self.content = content
        self.are_shared = are_shared
        self.unbinned = frozenset(number for number, law in enumerate(laws) if not law.num_states)
        self.are_independent = isinstance(source, Marginals) and validate is None
        known = known_moments or {}
        self.moments = find_moments(laws, fields, source.joints or (), known) if self.are_independent else None
        self.missing_as_mean = frozenset(number for number in self.unbinned if isinstance(laws[number], WithMissing))
        self.laws = laws
        self._source = source
        self._hold = hold
        self._validate = validate
        self._kept: OrderedDict[tuple[Design, Stretch, RareState | None], DrawnRows] = OrderedDict()
        self._shares: dict[tuple[float, ...], float] = {}
        self._points: OrderedDict[tuple[Design, Stretch], Drawn] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict(), "_shares": {}, "_points": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def share_of(self, columns: Sequence[int], codes: Sequence[float]) -> float:
        """The probability that a row's columns have these codes; NaN where they have none, or it is not known.

        After a user's constraint, or from a user's sampler, it is known only of columns that never vary.
        """
        if columns[0] in self.unbinned:
            return self.laws[columns[0]].span_of(codes[0]).length
        key = (*columns, *codes)
        if key not in self._shares:
            share = self._source.share_of(columns, codes)
            if self._validate is not None or isnan(share):
                spans = [self.laws[number].span_of(code) for number, code in zip(columns, codes, strict=True)]
                share = 1.0 if all(span.length == 1 for span in spans) else nan
            self._shares[key] = share
        return self._shares[key]

    def keep_valid(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The valid rows among some of shape (m, d), of shape (v, d), and booleans of shape (m,): which they come from."""
        return (rows, np.ones(len(rows), dtype=bool)) if self._validate is None or not len(rows) else self._validate(rows)

    def draw(self, design: Design, stretch: Stretch, state: RareState | None = None) -> DrawnRows:
        """The rows of a stretch of a design; all of them in a rare state, if one is given.

        Raises
        ------
        ArgumentError
            If too few of them are valid.
        """
        with self._lock:
            return _recall(
                self._kept, (design, stretch, state), lambda: self._draw_anew(design, stretch, state), _MOST_KEPT_STRETCHES
            )

    def draw_columns(self, design: Design, stretch: Stretch, states: Sequence[RareState]) -> tuple[np.ndarray, np.ndarray]:
        """Rows of shape (m, d) whose columns in some states are drawn by themselves, and which of these stayed there.

        It is the law given all of these states where columns are independent. Columns in no state are 0. The second part are
        booleans of shape (m, s): types may round a value into another state.
        """
        assert isinstance(self._source, Marginals)
        points = self._find_points(design, stretch).values
        rows = np.zeros((len(points), len(self.laws)))
        for state in states:
            rows[:, state.columns] = self._source.draw_columns(points, state)
        rows = self._hold(rows)
        is_kept = np.empty((len(rows), len(states)), dtype=bool)
        for place, state in enumerate(states):
            codes = [self.laws[number].codes_of(rows[:, number]) for number in state.columns]
            is_kept[:, place] = np.equal(np.stack(codes, axis=1), state.codes).all(axis=1) == state.is_own
        return rows, is_kept

    def draw_near(self, design: Design, stretch: Stretch, law: RowLaw, kernel_width: float) -> DrawnRows:
        """The rows of a stretch of a design, drawn from a row's law weighted by the kernel; they are that row's own."""
        points = self._find_points(design, stretch)
        return self._keep(law.draw(points.values, kernel_width), points)

    def draw_by_widths(self, design: Design, stretch: Stretch, law: RowLaw, widths: Sequence[float]) -> DrawnRows:
        """The same with kernels of several widths: as many rows, one after the other, of each replicate for each.

        What a law draws too seldom to be seen is not drawn more often.
        """
        points = self._find_points(design, stretch)
        count = stretch.stop // len(widths)
        place = np.tile(np.arange(stretch.stop) // count, stretch.replicates)
        rows, law_weights = np.empty((len(place), len(self.laws))), np.empty(len(place))
        for number, width in enumerate(widths):
            rows[place == number], law_weights[place == number] = law.draw(
                points.values[place == number], width, with_rare=False
            )
        return self._keep(WeightedDraws(rows, law_weights), points)

    def _find_points(self, design: Design, stretch: Stretch) -> Drawn:
        with self._lock:
            return _recall(
                self._points, (design, stretch), lambda: design.points(self._source.dimensions, stretch), _MOST_KEPT_POINTS
            )

    def _keep(self, drawn: WeightedDraws, points: Drawn) -> DrawnRows:
        """Drawn rows as columns hold them."""
        rows = self._hold(drawn.values)
        keys = keys_of(rows) if self._source.is_discrete else None
        return DrawnRows(rows, codes_of(rows, self.laws).T, keys, points.law_weights * drawn.law_weights, points.replicates)

    def _draw_anew(self, design: Design, stretch: Stretch, state: RareState | None) -> DrawnRows:
        def draw_points() -> Drawn:
            return design.points(self._source.dimensions, stretch)

        points = draw_points() if state is None else _recall(self._points, (design, stretch), draw_points, _MOST_KEPT_POINTS)
        drawn = self._source.draw(points.values) if state is None else self._source.draw_in_state(points.values, state)
        rows = self._hold(drawn)
        law_weights, replicates = points.law_weights, points.replicates
        if self._validate is not None:
            rows, is_kept = self._validate(rows)
            law_weights, replicates = law_weights[is_kept], np.append(0, np.cumsum(is_kept))[replicates]
            # Errors are estimated by leaving out one replicate after another: at least two must have rows.
            if np.count_nonzero(np.diff(replicates)) < min(2, len(replicates) - 1):
                raise ArgumentError(
                    f"constraint keeps too few perturbed rows, {len(rows)} of {len(is_kept)}; let it repair rows, or keep "
                    "more, or give a greater num_samples."
                )
        keys = keys_of(rows) if self._source.is_discrete else None
        return DrawnRows(rows, codes_of(rows, self.laws).T, keys, law_weights, replicates)


def _recall(kept: OrderedDict[K, V], key: K, make: Callable[[], V], most: int) -> V:
    """What is kept for a key, made anew if there is nothing; the latest `most` are kept."""
    if key not in kept:
        kept[key] = make()
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
    return kept[key]


def join_replicates(parts: Sequence[DrawnRows]) -> DrawnRows:
    """The rows of several stretches as one, replicate by replicate."""
    replicate_of_row = np.concatenate(
        [np.repeat(np.arange(len(part.replicates) - 1), np.diff(part.replicates)) for part in parts]
    )
    order = np.argsort(replicate_of_row, kind="stable")
    keys = [part.keys for part in parts if part.keys is not None]
    return DrawnRows(
        rows=np.concatenate([part.rows for part in parts])[order],
        codes=np.asfortranarray(np.concatenate([part.codes for part in parts])[order]),
        keys=np.concatenate(keys)[order] if keys else None,
        law_weights=np.concatenate([part.law_weights for part in parts])[order],
        replicates=np.sum([part.replicates for part in parts], axis=0),
    )


def codes_of(rows: np.ndarray, laws: Sequence[ColumnLaw]) -> np.ndarray:
    """The codes of all values of rows of shape (m, d), by column: of shape (d, m)."""
    counts = [law.num_states for law in laws]
    dtype = np.float64 if not min(counts) else np.uint8 if max(counts) <= 2**8 else np.uint32  # 0 states: numbers
    codes = np.empty(rows.T.shape, dtype=dtype)
    for law, values, column in zip(laws, rows.T, codes, strict=True):
        column[:] = law.codes_of(values)
    return codes


def keys_of(rows: np.ndarray) -> np.ndarray:
    """Words of shape (m, d) that tell rows of shape (m, d) apart; zeros of either sign are the same.

    Small whole numbers differ in the first bytes of a double. As the last bytes of a word they are mixed without loss.
    """
    return (rows + 0.0).view(np.uint64).byteswap()
