"""How near each perturbation is to the instance, as a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from limelight._checks import check_numbers, users_own
from limelight._errors import ArgumentError, KernelError
from limelight._registry import Registry
from limelight.stages.components import count_present

__all__ = [
    "KERNELS",
    "Kernel",
    "Metric",
    "Proximity",
    "cosine_of_masks",
    "euclidean",
    "exponential_kernel",
    "pairwise",
]

_CELLS = 2**22

Metric = Callable[[np.ndarray], np.ndarray]
"""From a representation of shape (n, d), whose row 0 is the instance, to distances of shape (n,)."""

Kernel = Callable[[np.ndarray, float], np.ndarray]
"""From distances of shape (n,) and a width in their unit to weights of shape (n,)."""

KERNELS = Registry("kernel", {"exponential": "limelight.stages.proximity:exponential_kernel"})


def exponential_kernel(distances: np.ndarray, width: float) -> np.ndarray:
    """``sqrt(exp(-distance**2 / width**2))``: the LIME paper's kernel (section 3.4) under the square root that lime takes.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.proximity import exponential_kernel
    >>> exponential_kernel(np.array([0.0, 1.0]), 1.0).round(3).tolist()
    [1.0, 0.607]
    """
    with np.errstate(over="ignore"):  # what is too far away for any weight has none
        return np.asarray(np.exp(-0.5 * (distances / width) ** 2))


@dataclass(frozen=True)
class Proximity:
    """A kernel of a distance from the instance.

    Parameters
    ----------
    width : float
        The kernel's width, in the distance's unit.
    distances : callable
        From a representation of shape (n, d), whose row 0 is the instance, to distances of shape (n,).
    kernel : callable
        ``kernel(distances, width) -> weights``: `exponential_kernel`, or a user's own.
    """

    width: float
    distances: Metric
    kernel: Kernel

    def kernel_weights(self, representation: np.ndarray) -> np.ndarray:
        """The kernel's weight of each row of a representation whose row 0 is the instance.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If a user's kernel raises, or gives anything but a finite number of at least 0 for each row.
        KernelError
            If no row but the instance itself has a weight.
        """
        return self._of(self.distances(representation))

    def kernel_by_absent(self, parts: int) -> np.ndarray:
        """The kernel's weight of a mask of so many parts, for 0, 1, ..., `parts` of them absent: where nothing else matters."""
        step = max(1, _CELLS // parts)  # masks at a time: all of them take the square of the parts
        numbers = np.arange(parts + 1)
        blocks = (np.arange(parts) >= numbers[start : start + step, None] for start in range(0, parts + 1, step))
        return self._of(np.concatenate([self.distances(block.astype(np.uint8)) for block in blocks]))

    def _of(self, distances: np.ndarray) -> np.ndarray:
        if self.kernel is exponential_kernel:
            weights = exponential_kernel(distances, self.width)
        else:
            with users_own("kernel"):
                answer = self.kernel(distances, self.width)
            weights = check_numbers("what kernel gives", answer, 1)
            if weights.shape != distances.shape or not np.all(np.isfinite(weights)) or weights.min() < 0:
                raise ArgumentError(
                    f"kernel must give a finite weight of at least 0 for each of {len(distances)} distances; "
                    f"got shape {weights.shape}, from {weights.min(initial=np.nan)} to {weights.max(initial=np.nan)}."
                )
        if not weights[1:].any():
            raise KernelError(
                f"the kernel is too narrow: with kernel_width={self.width:g} all {len(distances) - 1} perturbations, the "
                f"nearest at distance {distances[1:].min(initial=np.inf):.4g}, have weight 0. Give a larger kernel_width."
            )
        return weights


def cosine_of_masks(masks: np.ndarray) -> np.ndarray:
    """Cosine distance of 0/1 masks from the mask with every component on.

    It depends on the number of components that are on alone: 1 - sqrt(on / d). With a single component the only other mask
    is empty and has no direction; it counts as near, so that both enter the surrogate alike.
    """
    d = masks.shape[1]
    if d == 1:
        return np.zeros(len(masks))
    return np.asarray((1.0 - np.sqrt(np.arange(d + 1) / d))[count_present(masks)])


def euclidean(representation: np.ndarray) -> np.ndarray:
    """Euclidean distance of each row from row 0; for 0/1 rows, where row 0 is all ones, from their number of zeros."""
    if representation.dtype == np.uint8:
        d = representation.shape[1]
        return np.asarray(np.sqrt(d - np.arange(d + 1))[count_present(representation)])
    difference = representation - representation[0]
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", difference, difference)))


def pairwise(metric: str, scale: float) -> Metric:
    """A distance by its name in scikit-learn's ``pairwise_distances``, times `scale`.

    Raises
    ------
    ArgumentError
        If there is no such distance, or it says nothing about the rows that it is asked about.
    """
    from sklearn.metrics import pairwise_distances
    from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS

    def distances(representation: np.ndarray) -> np.ndarray:
        are_masks = representation.dtype == np.uint8
        if metric in PAIRWISE_BOOLEAN_FUNCTIONS and not are_masks:
            raise ArgumentError(
                f"distance_metric must be one of numbers, as 'euclidean', where columns have no bins; got {metric!r}, which is "
                "for components that are on or off."
            )
        rows = representation.astype(bool if metric in PAIRWISE_BOOLEAN_FUNCTIONS else np.float64)
        try:
            found = np.asarray(pairwise_distances(rows, rows[:1], metric=metric))[:, 0] * scale
        except ValueError as error:
            raise ArgumentError(
                "distance_metric must be a name that pairwise_distances of scikit-learn knows, of a distance that needs "
                f"nothing but the rows; got {metric!r}: {error}"
            ) from error
        # Row 0 of masks never varies: some distances divide by how much it does, or count only what both rows lack.
        is_blind = are_masks and not found.any() and not representation.all()
        if is_blind or not np.isfinite(found).all():
            raise ArgumentError(
                f"distance_metric must tell perturbations from the instance; got {metric!r}, which gives "
                f"{'0 for each' if is_blind else 'NaN for some'}. Take another, as 'euclidean' or 'cosine'."
            )
        return found

    return distances
