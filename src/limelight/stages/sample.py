"""Stage 5a: what was asked and answered, with its weights, boiled down to weighted Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["KernelLaw", "Sample"]

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
