"""What was asked and answered, with its weights, boiled down to weighted Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from limelight.stages.kernel_law import Curves

__all__ = ["CurveProducts", "Sample"]

_CACHE = 2**19  # bytes of weighted rows at a time
_STACKED_COMPONENTS = 1200  # up to here a Gram matrix is kept for each replicate (92 MB), above only their sum


@dataclass
class Sample:
    """The perturbations asked so far, with their answers.

    Parameters
    ----------
    instance : ndarray of shape (d,)
        The instance's own representation.
    origin : ndarray of shape (q,)
        The model's answers for the instance: outputs are kept as differences from it, which loses no digits.
    """

    instance: np.ndarray
    origin: np.ndarray
    _rows: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    _stack: np.ndarray | None = None
    _stacked: int = 0  # stretches that the stack has

    def add(
        self,
        representation: np.ndarray,
        outputs: np.ndarray,
        law_weights: np.ndarray,
        kernel_weights: np.ndarray,
        replicates: np.ndarray,
    ) -> None:
        """Add the rows of a stretch: (m, d), (m, q), (m,), (m,), and the bounds of the replicates."""
        self._rows.append((representation, outputs - self.origin, law_weights, kernel_weights, replicates))

    @property
    def replicates(self) -> int:
        return len(self._rows[0][4]) - 1

    @property
    def size(self) -> int:
        return sum(len(row[0]) for row in self._rows)

    @property
    def law_mass(self) -> np.ndarray:
        """Of each replicate, how many draws from LIME's own law it stands for.

        As many as it has rows, since their weights are 1 on average. The weights' own sum would say the same with more noise,
        and far too little where a narrow kernel's tilt leaves out most of the law.
        """
        return np.asarray(np.sum([np.diff(row[4]) for row in self._rows], axis=0), dtype=np.float64)

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size of as many draws from LIME's own law: size * E[w]^2 / E[w^2]."""
        # In units of the largest: squares of a narrow kernel's weights would be too small for a double.
        top = max(kernel.max() for _, _, _, kernel, _ in self._rows)
        sums = [[law @ (kernel / top), law @ (kernel / top) ** 2] for _, _, law, kernel, _ in self._rows]
        first, second = np.sum(sums, axis=0)
        return float(first**2 / second)

    @property
    def fitting_size(self) -> float:
        """Kish's effective sample size of the rows as they are weighted in the fit."""
        first, second = np.sum([[law @ kernel, (law**2) @ kernel**2] for _, _, law, kernel, _ in self._rows], axis=0)
        return float(first**2 / second)

    @property
    def varies(self) -> np.ndarray:
        """For each output, whether it varied by more than rounding."""
        spread = np.max([np.abs(outputs).max(axis=0) for _, outputs, _, _, _ in self._rows], axis=0)
        answer: np.ndarray = spread > 1e-12 * np.abs(self.origin)
        return answer

    def outputs_apart(self) -> list[Sample]:
        """A sample for each output."""
        return [
            Sample(self.instance, self.origin[[i]], [(row[0], row[1][:, [i]], *row[2:]) for row in self._rows])
            for i in range(len(self.origin))
        ]

    def stack(self) -> np.ndarray:
        """Weighted Gram matrices, of shape (r, p, p), of the constant, all components and the outputs; r is 1 for many."""
        d = len(self.instance)
        if self._stack is None:
            width = 1 + d + len(self.origin)
            self._stack = np.zeros((1 if d > _STACKED_COMPONENTS else self.replicates, width, width))
        for number in range(self._stacked, len(self._rows)):
            self._add_products(number, slice(None), self._stack)
        self._stacked = len(self._rows)
        return self._stack

    def grams(self, components: np.ndarray) -> np.ndarray:
        """Weighted Gram matrices of each replicate, of shape (r, p, p), of the constant, some components and the outputs."""
        width = 1 + len(components) + len(self.origin)
        answer = np.zeros((self.replicates, width, width))
        for number in range(len(self._rows)):
            self._add_products(number, components, answer)
        return answer

    def _add_products(self, number: int, columns: Any, grams: np.ndarray) -> None:
        """Add the products of one stretch to Gram matrices, one for each replicate or one for all."""
        representation, outputs, law, kernel, bounds = self._rows[number]
        width, last = grams.shape[1], grams.shape[1] - len(self.origin)
        root = np.sqrt(law * kernel)
        longest = int(np.diff(bounds).max())
        together = max(1, _CACHE // (8 * width * longest))  # replicates whose weighted rows stay in the cache
        # Rows lie side by side, so that whatever is done to a column is done in one run.
        buffer = np.empty((width, together * longest))
        for first in range(0, len(bounds) - 1, together):
            group = bounds[first : first + together + 1]
            rows = slice(group[0], group[-1])
            block = buffer[:, : group[-1] - group[0]]
            block[0] = 1.0
            block[1:last] = representation[rows, columns].T
            block[last:] = outputs[rows].T
            block *= root[rows]
            for replicate, (start, stop) in enumerate(pairwise((group - group[0]).tolist()), start=first):
                part = block[:, start:stop]
                grams[replicate if len(grams) > 1 else 0] += part @ part.T  # a symmetric product: half the work

    def with_curves(self, curves: Curves) -> CurveProducts:
        """Weighted products of curves with the constant, the components, the outputs and each other.

        Several predictors may belong to an output: the predictors' number is a multiple of the outputs'.
        """
        d, count = curves.weights.shape
        columns = np.zeros((self.replicates, 2 * count, 1 + d))
        with_outputs = np.zeros((self.replicates, 2 * count))
        with_curves = np.zeros((self.replicates, 3, count))
        standardised = np.ascontiguousarray((curves.weights / curves.scale).T)
        centre = (curves.centre / curves.scale)[:, None]
        for representation, outputs, law, kernel, bounds in self._rows:
            rows = representation.astype(np.float64)
            powers = np.empty((2 * count, len(rows)))
            predicted = standardised @ rows.T - centre
            squares = np.multiply(predicted, predicted, out=powers[:count])
            cubes = np.multiply(squares, predicted, out=powers[count:])
            weighted = powers * (law * kernel)
            starts = bounds[:-1]
            columns[:, :, 0] += np.add.reduceat(weighted, starts, axis=1).T
            for replicate, (start, stop) in enumerate(pairwise(bounds.tolist())):
                columns[replicate, :, 1:] += weighted[:, start:stop] @ rows[start:stop]
            products = (weighted.reshape(-1, *outputs.T.shape) * outputs.T).reshape(weighted.shape)
            with_outputs += np.add.reduceat(products, starts, axis=1).T
            for place, (one, other) in enumerate(((squares, 0), (cubes, 0), (cubes, count))):
                with_curves[:, place] += np.add.reduceat(weighted[other : other + count] * one, starts, axis=1).T
        parts = np.swapaxes(columns, 1, 2)
        return CurveProducts(parts.reshape(*parts.shape[:2], 2, count), with_outputs.reshape(-1, 2, count), with_curves)

    def weighted_rows(self, components: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The rows themselves: their components, outputs, weights and replicate numbers."""
        number = [np.repeat(np.arange(self.replicates), np.diff(row[4])) for row in self._rows]
        return (
            np.concatenate([row[0][:, components].astype(np.float64) for row in self._rows]),
            np.concatenate([row[1] for row in self._rows]),
            np.concatenate([row[2] * row[3] for row in self._rows]),
            np.concatenate(number),
        )


@dataclass(frozen=True)
class CurveProducts:
    """Sums of weighted products with the squares and cubes of p predictors, for each of r replicates.

    Attributes
    ----------
    columns : ndarray of shape (r, 1 + d, 2, p)
        With the constant and the components.
    outputs : ndarray of shape (r, 2, p)
        With the outputs that they predict.
    curves : ndarray of shape (r, 3, p)
        Squares with squares, squares with cubes, cubes with cubes.
    """

    columns: np.ndarray
    outputs: np.ndarray
    curves: np.ndarray

    def leaving_out(self, fits: int, shared: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The sums over the replicates for each of so many fits, along a first axis.

        The first fit has all replicates, the next ones leave out one each. The predictors are those of one fit after the other,
        or `shared` by all.
        """
        sums = []
        for part in (self.columns, self.outputs, self.curves):
            if shared:
                total = part.sum(axis=0)[None]
                sums.append(np.concatenate([total, total - part]))
                continue
            own = part.reshape(*part.shape[:-1], fits, -1)
            total = np.moveaxis(own.sum(axis=0), -2, 0).copy()
            out = np.arange(fits - 1)
            total[1:] -= own[out, ..., out + 1, :]
            sums.append(total)
        columns, outputs, curves = sums
        return columns, outputs, curves
