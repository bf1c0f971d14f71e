"""The exact moments of masks under LIME's law and a kernel, in closed form: nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["NUM_CURVES", "Curves", "KernelLaw"]

NUM_CURVES = 5  # of each predictor
_MOST_ROUNDING_GROWTH = 1e6  # a curve's exact moments are not used where rounding errors grow by more


@dataclass(frozen=True, eq=False)
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
        """The curves of linear predictors with these weights, of shape (d, p), and their exact linear parts.

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
        because a is 0 or 1, so that powers of a part are the part itself. For a function g of the number of absent parts, with
        u_r = E[g times the share of sets of r parts that are absent],
        E[eta g] = u_1 S_1 and E[a eta g] = u_1 w + u_2 A.
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
        mean_absent, size_scale, sizes = self._standardise_sizes()
        if np.isinf(scale).all():
            none = np.zeros((1 + d, NUM_CURVES, len(scale)))
            return Curves(weights, np.zeros_like(scale), scale, d - mean_absent, size_scale, none)

        def linear_part(products: np.ndarray, mean: np.ndarray) -> np.ndarray:
            """The weights, of shape (d, p), of the linear model of the absent parts nearest to a curve."""
            covariance = products - t1 * mean
            return np.asarray((covariance - off_diagonal * covariance.sum(axis=0) / eigenvalue_of_sum) / eigenvalue)

        square = linear_part(a_eta2, eta2)
        cube = linear_part(a_eta3, eta3)
        of_absent = [(square - 2 * eta1 * w) / scale**2, (cube - 3 * eta1 * square + 3 * eta1**2 * w) / scale**3]
        means = [(eta2 - eta1**2) / scale**2, (eta3 - 3 * eta1 * eta2 + 2 * eta1**3) / scale**3]
        for power in (1, 2):
            u0, u1, u2 = self._expect_sizes(sizes**power)
            of_size = linear_part(np.full_like(w, u1), np.full_like(scale, u0))
            product = linear_part(w * u1 + A * u2, S1 * u1)
            of_absent.append((product - eta1 * of_size) / scale)
            means.append((S1 * u1 - eta1 * u0) / scale)
        of_absent.append(np.where(np.isfinite(scale), of_size, 0.0))
        means.append(np.where(np.isfinite(scale), u0, 0.0))
        # From absent parts to present ones: a = 1 - z.
        linear = np.stack(of_absent, axis=1)
        intercepts = np.stack(means) + (1 - t1) * linear.sum(axis=0)
        centre = weights.sum(axis=0) + unit * eta1
        return Curves(weights, centre, unit * scale, d - mean_absent, size_scale, np.concatenate([intercepts[None], -linear]))

    def _standardise_sizes(self) -> tuple[float, float, np.ndarray]:
        """The mean of the number of absent parts, its standard deviation, and minus each standardised number, (d + 1,)."""
        tilted = self.law * self.kernel / self.mean_weight
        absent = np.arange(len(self.law))
        mean = float(tilted @ absent)
        scale = float(np.sqrt(tilted @ (absent - mean) ** 2)) or 1.0
        return mean, scale, (mean - absent) / scale

    def _expect_sizes(self, values: np.ndarray) -> tuple[float, float, float]:
        """E[g], E[a_i g] and E[a_i a_j g] for a function g of the number of absent parts, from its d + 1 values."""
        d = len(self.law) - 1
        absent = np.arange(d + 1)
        weighted = self.law * self.kernel / self.mean_weight * values
        return (
            float(weighted.sum()),
            float(weighted @ absent) / d,
            float(weighted @ (absent * (absent - 1))) / max(d * (d - 1), 1),
        )

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
    """Functions of p standardised linear predictors, and of the standardised number of parts that are present.

    Most models bend along their own linear part. Many weigh a part by how many others are there: they take means, or normalise.
    So the curves of a predictor eta, with the number sigma, are eta^2, eta^3, eta sigma, eta sigma^2 and sigma^2.

    Attributes
    ----------
    weights : ndarray of shape (d, p)
        The predictors' weights.
    centre, scale : ndarray of shape (p,)
        The predictors' means and standard deviations under the law and the kernel; an infinite scale makes the curves zero.
    size_centre, size_scale : float
        Mean and standard deviation of the number of present parts.
    linear : ndarray of shape (1 + d, 5, p)
        Intercepts and weights of the linear models nearest to the curves, under the law and the kernel.
    """

    weights: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    size_centre: float
    size_scale: float
    linear: np.ndarray

    def evaluate(self, rows: np.ndarray, predictors: slice) -> np.ndarray:
        """The curves of q of the predictors in rows of shape (m, d): of shape (5, q, m)."""
        scale = self.scale[predictors, None]
        predicted = (self.weights[:, predictors].T / scale) @ rows.T - self.centre[predictors, None] / scale
        sizes = np.isfinite(scale) * ((rows.sum(axis=1) - self.size_centre) / self.size_scale)
        return np.stack([predicted**2, predicted**3, predicted * sizes, predicted * sizes**2, sizes**2])
