"""The perturbed rows around an instance: drawn when they are asked for, coded, and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from limelight.exceptions import ArgumentError
from limelight.modalities.tables._column_law import ColumnLaw
from limelight.modalities.tables._samplers import Source
from limelight.stages.design import Design, Stretch

__all__ = ["DrawnRows", "Perturbations", "keys_of"]

Validator = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From rows of shape (m, d) to the valid ones, of shape (v, d), and to booleans of shape (m,): which rows they come from."""

_MOST_KEPT_STRETCHES = 8  # "auto" takes no more


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

    Attributes
    ----------
    unbinned : frozenset of int
        The columns without bins, whose components are standardised values.
    """

    def __init__(
        self,
        laws: Sequence[ColumnLaw],
        source: Source,
        hold: Callable[[np.ndarray], np.ndarray],
        validate: Validator | None,
        content: int,
        *,
        are_shared: bool = False,
    ) -> None:
        self.content = content
        self.are_shared = are_shared
        self.unbinned = frozenset(number for number, law in enumerate(laws) if not law.num_states)
        self._laws = laws
        self._source = source
        self._hold = hold
        self._validate = validate
        self._code_type = np.uint8 if max(law.num_states for law in laws) <= 2**8 else np.uint32
        self._kept: OrderedDict[tuple[Design, Stretch], DrawnRows] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def draw(self, design: Design, stretch: Stretch) -> DrawnRows:
        """The rows of a stretch of a design.

        Raises
        ------
        ArgumentError
            If too few of them are valid.
        """
        with self._lock:
            if (design, stretch) not in self._kept:
                self._kept[design, stretch] = self._draw_anew(design, stretch)
            self._kept.move_to_end((design, stretch))
            if len(self._kept) > _MOST_KEPT_STRETCHES:
                self._kept.popitem(last=False)
            return self._kept[design, stretch]

    def _draw_anew(self, design: Design, stretch: Stretch) -> DrawnRows:
        points = design.points(self._source.dimensions, stretch)
        rows = self._hold(self._source.draw(points.values))
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
        return DrawnRows(rows, self._codes_of(rows), keys, law_weights, replicates)

    def _codes_of(self, rows: np.ndarray) -> np.ndarray:
        """The codes of all values, of shape (m, d), stored by column."""
        codes = np.stack([law.codes_of(values) for law, values in zip(self._laws, rows.T, strict=True)])
        return (codes.astype(self._code_type) if codes.dtype.kind == "i" else codes).T


def keys_of(rows: np.ndarray) -> np.ndarray:
    """Words of shape (m, d) that tell rows of shape (m, d) apart; zeros of either sign are the same.

    Small whole numbers differ in the first bytes of a double. As the last bytes of a word they are mixed without loss.
    """
    return (rows + 0.0).view(np.uint64).byteswap()
