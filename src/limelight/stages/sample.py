"""Stage 5a: what was asked and answered, with its weights, boiled down to weighted Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["CurveProducts", "Curves", "KernelLaw", "Sample"]

_DIGITS_LOST = 1e6  # by how much rounding may grow in the exact moments of a curve
_CACHE = 2**19  # bytes of weighted rows at a time


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

    def grams(self, components: np.ndarray | None, *, pooled: bool = False) -> np.ndarray:
        """Weighted Gram matrices, of shape (r, p, p), of the constant, the components (default: all) and the outputs.

        Where they are to be `pooled`, r is 1.
        """
        columns: Any = slice(None) if components is None else components
        width = (len(self.instance) if components is None else len(components)) + 1 + len(self.origin)
        answer = np.zeros((1 if pooled else self.replicates, width, width))
        for representation, outputs, law, kernel, bounds in self._rows:
            root = np.sqrt(law * kernel)[:, None]
            longest = int(np.diff(bounds).max())
            together = max(1, _CACHE // (8 * width * longest))  # replicates whose weighted rows stay in the cache
            buffer = np.empty((together * longest, width))
            for first in range(0, len(bounds) - 1, together):
                group = bounds[first : first + together + 1]
                rows = slice(group[0], group[-1])
                block = buffer[: group[-1] - group[0]]
                block[:, 0] = 1.0
                block[:, 1 : width - len(self.origin)] = representation[rows, columns]
                block[:, width - len(self.origin) :] = outputs[rows]
                block *= root[rows]
                for replicate, (start, stop) in enumerate(pairwise((group - group[0]).tolist()), start=first):
                    part = block[start:stop]
                    answer[0 if pooled else replicate] += part.T @ part  # a symmetric product: half the work
        return answer

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
class KernelLaw:
    """Masks under LIME's own law, weighted by a kernel, where both depend on the number of absent parts alone.

    Parameters
    ----------
    law : ndarray of shape (d + 1,)
        The probability of each number of absent parts.
    kernel : ndarray of shape (d + 1,)
        The kernel's weight of a mask with so many absent parts.
    """

    law: np.ndarray
    kernel: np.ndarray

    @property
    def mean_weight(self) -> float:
        """E[w], the kernel's mean under the law."""
        return float(self.law @ self.kernel)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """The masks' exact weighted mean (d,) and covariance (d, d).

        With q(s) proportional to law times kernel, E[z_i] = sum q(s) (d - s) / d and
        E[z_i z_j] = sum q(s) (d - s)(d - s - 1) / (d (d - 1)) (Mardaoui and Garreau, AISTATS 2021, section 4).

        Examples
        --------
        >>> import numpy as np
        >>> from limelight.stages.sample import KernelLaw
        >>> mean, covariance = KernelLaw(np.array([0.25, 0.5, 0.25]), np.ones(3)).moments()
        >>> mean.tolist(), covariance.tolist()
        ([0.5, 0.5], [[0.25, 0.0], [0.0, 0.25]])
        """
        d = len(self.law) - 1
        tilted = self.law * self.kernel / self.mean_weight
        present = d - np.arange(d + 1)
        one = float(tilted @ present) / d
        two = float(tilted @ (present * (present - 1))) / max(d * (d - 1), 1)
        covariance = np.full((d, d), two - one**2)
        np.fill_diagonal(covariance, one - one**2)
        return np.full(d, one), covariance

    def curves(self, weights: np.ndarray) -> Curves:
        """The square and the cube of linear predictors with these weights, of shape (d, p), and their exact linear parts.

        With a = 1 - z, 1 where a part is absent, the law gives every set of r parts the same probability t_r of being absent:
        the expected number of sets of r absent parts over the number of all. Let A, B, C be the sums of the first, second and
        third powers of the other parts' weights, w a part's own, and eta the sum of a times w. Then
        E[a eta^2] = t_1 w^2 + 2 t_2 w A + t_2 B + t_3 (A^2 - B), and
        E[a eta^3] = t_1 w^3 + 3 w^2 t_2 A + 3 w (t_2 B + t_3 (A^2 - B)) + t_2 C + 3 t_3 (A B - C) + t_4 (A^3 - 3 A B + 2 C):
        a is 0 or 1, so that each product of parts is one of different parts. The absent ones are counted because a narrow
        kernel leaves few of them.
        """
        d = len(self.law) - 1
        absent = np.arange(d + 1.0)
        t, falling = [], self.law * self.kernel / self.mean_weight
        for r in range(4):
            falling = falling * (absent - r) / (d - r)
            t.append(float(falling.sum()))
        t1, t2, t3, t4 = t
        # In units of the largest, so that no power of them is too small or too large for a double.
        unit = np.abs(weights).max(axis=0)
        unit = np.where(unit > 0, unit, 1.0)
        w = -weights / unit
        s1, s2, s3 = (np.sum(w**power, axis=0) for power in (1, 2, 3))
        a, b, c = s1 - w, s2 - w**2, s3 - w**3
        ones = t1 * s1
        squares = t1 * s2 + t2 * (s1**2 - s2)
        cubes = t1 * s3 + 3 * t2 * (s1 * s2 - s3) + t3 * (s1**3 - 3 * s1 * s2 + 2 * s3)
        pairs = t2 * b + t3 * (a**2 - b)
        with_squares = t1 * w**2 + 2 * t2 * w * a + pairs
        with_cubes = t1 * w**3 + 3 * w**2 * t2 * a + 3 * w * pairs
        with_cubes += t2 * c + 3 * t3 * (a * b - c) + t4 * (a**3 - 3 * a * b + 2 * c)
        # The parts' covariance matrix has one number on its diagonal and one beside it, so two eigenvalues.
        beside, apart = t2 - t1**2, t1 - t2
        together = apart + d * beside

        # In units of the predictor's own standard deviation, from its mean.
        scale = np.sqrt(np.maximum(squares - ones**2, 0))
        # The cubes of a mean far from zero cancel: what is left of their digits must be enough, or there are no curves.
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = (1 + np.abs(ones) / scale) ** 3 * (1 + t1 / np.abs(apart) + t1 / np.abs(together))
        scale = np.where(lost < _DIGITS_LOST, scale, np.inf)
        if np.isinf(scale).all():
            return Curves(weights, np.zeros_like(scale), scale, np.zeros((1 + d, 2, len(scale))))

        def linear_part(products: np.ndarray, mean: np.ndarray) -> np.ndarray:
            """Covariances with the absent parts, divided by their covariance matrix."""
            covariance = products - t1 * mean
            return np.asarray((covariance - beside * covariance.sum(axis=0) / together) / apart)

        square = linear_part(with_squares, squares)
        cube = linear_part(with_cubes, cubes)
        squared = (square - 2 * ones * w) / scale**2
        cubed = (cube - 3 * ones * square + 3 * ones**2 * w) / scale**3
        parts = np.stack([squared, cubed], axis=1)
        means = np.stack([(squares - ones**2) / scale**2, (cubes - 3 * ones * squares + 2 * ones**3) / scale**3])
        # Of the parts that are present: a = 1 - z.
        intercepts = means + (1 - t1) * parts.sum(axis=0)
        centre = weights.sum(axis=0) + unit * ones
        return Curves(weights, centre, unit * scale, np.concatenate([intercepts[None], -parts]))


@dataclass(frozen=True)
class Curves:
    """Squares and cubes of p standardised linear predictors of the components: how a model bends along them.

    Attributes
    ----------
    weights : ndarray of shape (d, p)
        The predictors' weights.
    centre, scale : ndarray of shape (p,)
        Their means and standard deviations under the law and the kernel; an infinite scale makes the curves zero.
    linear : ndarray of shape (1 + d, 2, p)
        Intercepts and weights of the linear models nearest to the squares and to the cubes, under the law and the kernel.
    """

    weights: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    linear: np.ndarray


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
