"""The exact moments of masks under LIME's law and a kernel, in closed form: nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Curves", "KernelLaw"]

_MOST_ROUNDING_GROWTH = 1e6  # a curve's exact moments are not used where rounding errors grow by more


@dataclass(frozen=True)
class KernelLaw:
    """Masks under LIME's own law, weighted by a kernel, where both depend on the number of absent parts alone.

    Parameters
    ----------
    law : ndarray of shape (d + 1,)
        The probability of each number of absent parts.
    kernel : ndarray of shape (d + 1,)
        The kernel's weight of a mask with 0, 1, ..., d absent parts.
    """

    law: np.ndarray
    kernel: np.ndarray

    @property
    def mean_weight(self) -> float:
        """E[w], the kernel's mean under the law."""
        return float(self.law @ self.kernel)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """The masks' exact weighted mean, of shape (d,), and covariance, of shape (d, d).

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
        mean = float(tilted @ present) / d
        mean_product = float(tilted @ (present * (present - 1))) / max(d * (d - 1), 1)
        covariance = np.full((d, d), mean_product - mean**2)
        np.fill_diagonal(covariance, mean - mean**2)
        return np.full(d, mean), covariance

    def curves(self, weights: np.ndarray) -> Curves:
        """The square and the cube of linear predictors with these weights, of shape (d, p), and their exact linear parts.

        Let a = 1 - z be 1 where a part is absent. (Absent parts are used because a narrow kernel leaves few of them.) The law
        gives every set of r parts the same probability t_r that all of them are absent: the expected number of sets of r absent
        parts over the number of all sets of r parts. With w_i minus the weight of part i, the predictor without its constant is
        eta = sum_i a_i w_i. With S_k = sum_i w_i^k,
        E[eta] = t_1 S_1,
        E[eta^2] = t_1 S_2 + t_2 (S_1^2 - S_2),
        E[eta^3] = t_1 S_3 + 3 t_2 (S_1 S_2 - S_3) + t_3 (S_1^3 - 3 S_1 S_2 + 2 S_3).
        For one part, with w its own weight and A, B, C the sums S_1, S_2, S_3 over the other parts,
        E[a eta^2] = t_1 w^2 + 2 t_2 w A + (t_2 B + t_3 (A^2 - B)),
        E[a eta^3] = t_1 w^3 + 3 w^2 t_2 A + 3 w (t_2 B + t_3 (A^2 - B))
        + t_2 C + 3 t_3 (A B - C) + t_4 (A^3 - 3 A B + 2 C),
        because a is 0 or 1, so that powers of a part are the part itself.
        """
        d = len(self.law) - 1
        t1, t2, t3, t4 = self._all_absent()
        # In units of the largest weight, so that no power of them is too small or too large for a double.
        unit = np.abs(weights).max(axis=0)
        unit = np.where(unit > 0, unit, 1.0)
        w = -weights / unit
        S1, S2, S3 = (np.sum(w**power, axis=0) for power in (1, 2, 3))
        A, B, C = S1 - w, S2 - w**2, S3 - w**3
        eta1 = t1 * S1
        eta2 = t1 * S2 + t2 * (S1**2 - S2)
        eta3 = t1 * S3 + 3 * t2 * (S1 * S2 - S3) + t3 * (S1**3 - 3 * S1 * S2 + 2 * S3)
        others = t2 * B + t3 * (A**2 - B)
        a_eta2 = t1 * w**2 + 2 * t2 * w * A + others
        a_eta3 = t1 * w**3 + 3 * w**2 * t2 * A + 3 * w * others
        a_eta3 += t2 * C + 3 * t3 * (A * B - C) + t4 * (A**3 - 3 * A * B + 2 * C)
        # The parts' covariance matrix has one number on its diagonal and one off it, so it has two eigenvalues: the second for
        # the sum of all parts, the first for what differs between parts.
        off_diagonal = t2 - t1**2
        eigenvalue = t1 - t2
        eigenvalue_of_sum = eigenvalue + d * off_diagonal

        # The predictor is standardised: measured from its mean, in units of its standard deviation.
        scale = np.sqrt(np.maximum(eta2 - eta1**2, 0))
        # The cubes of a mean far from zero cancel. Where this costs too many digits, there are no curves.
        with np.errstate(divide="ignore", invalid="ignore"):
            rounding_growth = (1 + np.abs(eta1) / scale) ** 3 * (1 + t1 / np.abs(eigenvalue) + t1 / np.abs(eigenvalue_of_sum))
        scale = np.where(rounding_growth < _MOST_ROUNDING_GROWTH, scale, np.inf)
        if np.isinf(scale).all():
            return Curves(weights, np.zeros_like(scale), scale, np.zeros((1 + d, 2, len(scale))))

        def linear_part(products: np.ndarray, mean: np.ndarray) -> np.ndarray:
            """The weights, of shape (d, p), of the linear model of the absent parts nearest to a power of eta."""
            covariance = products - t1 * mean
            return np.asarray((covariance - off_diagonal * covariance.sum(axis=0) / eigenvalue_of_sum) / eigenvalue)

        square = linear_part(a_eta2, eta2)
        cube = linear_part(a_eta3, eta3)
        standardised_square = (square - 2 * eta1 * w) / scale**2
        standardised_cube = (cube - 3 * eta1 * square + 3 * eta1**2 * w) / scale**3
        of_absent = np.stack([standardised_square, standardised_cube], axis=1)
        means = np.stack([(eta2 - eta1**2) / scale**2, (eta3 - 3 * eta1 * eta2 + 2 * eta1**3) / scale**3])
        # From absent parts to present ones: a = 1 - z.
        intercepts = means + (1 - t1) * of_absent.sum(axis=0)
        centre = weights.sum(axis=0) + unit * eta1
        return Curves(weights, centre, unit * scale, np.concatenate([intercepts[None], -of_absent]))

    def _all_absent(self) -> list[float]:
        """The probabilities t_1, ..., t_4 that all parts of a set of 1, ..., 4 are absent, under the law and the kernel."""
        d = len(self.law) - 1
        absent = np.arange(d + 1.0)
        probabilities, falling = [], self.law * self.kernel / self.mean_weight
        for r in range(4):
            falling = falling * (absent - r) / (d - r)
            probabilities.append(float(falling.sum()))
        return probabilities


@dataclass(frozen=True)
class Curves:
    """Squares and cubes of p standardised linear predictors: most models bend along their own linear part.

    Attributes
    ----------
    weights : ndarray of shape (d, p)
        The predictors' weights.
    centre, scale : ndarray of shape (p,)
        The predictors' means and standard deviations under the law and the kernel; an infinite scale makes the curves zero.
    linear : ndarray of shape (1 + d, 2, p)
        Intercepts and weights of the linear models nearest to the squares and to the cubes, under the law and the kernel.
    """

    weights: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    linear: np.ndarray
