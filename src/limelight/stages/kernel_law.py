"""Before anything is drawn: what is known of masks under LIME's law and a kernel, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Curves", "KernelLaw"]

_DIGITS_LOST = 1e6  # by how much rounding may grow in the exact moments of a curve


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
        >>> from limelight.stages.kernel_law import KernelLaw
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
