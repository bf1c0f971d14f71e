"""How near each perturbation is to the instance: a kernel of its distance, as a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from limelight._checks import check_numbers, user_function
from limelight._registry import Registry
from limelight.exceptions import ArgumentError, KernelError, read_message
from limelight.stages.components import count_present

__all__ = [
    "KERNELS",
    "Kernel",
    "Metric",
    "Proximity",
    "cosine_of_masks",
    "euclidean",
    "exponential_kernel",
    "metric_of_scikit_learn",
]

_BLOCK_CELLS = 2**22  # of masks made at a time
_LEAST_WEIGHT = 1e-290  # of the nearest perturbation; smaller ones lose their digits

Metric = Callable[[np.ndarray], np.ndarray]
"""From a representation of shape (n, d), whose row 0 is the instance, to distances of shape (n,)."""

Kernel = Callable[[np.ndarray, float], np.ndarray]
"""From distances of shape (n,) and a width in their unit to kernel weights of shape (n,)."""

KERNELS = Registry("kernel", {"exponential": "limelight.stages.proximity:exponential_kernel"})


def exponential_kernel(distances: np.ndarray, width: float) -> np.ndarray:
    """``sqrt(exp(-distance**2 / width**2))``, elementwise: the kernel of the LIME paper (section 3.4) with lime's square root.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.stages.proximity import exponential_kernel
    >>> exponential_kernel(np.array([0.0, 1.0]), 1.0).round(3).tolist()
    [1.0, 0.607]
    """
    with np.errstate(over="ignore"):  # a distance whose square is infinite has weight 0
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
        ``kernel(distances, width) -> kernel_weights``: `exponential_kernel`, or a user's own.
    """

    width: float
    distances: Metric
    kernel: Kernel

    def kernel_weights(self, representation: np.ndarray, law_weights: np.ndarray) -> np.ndarray:
        """The kernel weights, of shape (n,), of a representation of shape (n, d) whose row 0 is the instance.

        The other rows have law weights of shape (n - 1,), 0 for rows that the law never draws.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If a user's kernel raises, or gives anything but a finite number of at least 0 for each row.
        KernelError
            If the kernel weights of all rows but the instance are 0, as far as the law draws them.
        """
        return self._weigh(self.measure(representation), law_weights)

    def kernel_by_absent(self, parts: int) -> np.ndarray:
        """The kernel weights, of shape (d + 1,), of masks of d `parts` with 0, 1, ..., d of them absent.

        Only a distance that depends on this number alone has them.
        """
        return self._weigh(self.distances_by_absent(parts), np.ones(parts))

    def distances_by_absent(self, parts: int) -> np.ndarray:
        """The distances, of shape (d + 1,), of masks of d `parts` with 0, 1, ..., d of them absent."""
        block_rows = max(1, _BLOCK_CELLS // parts)  # a text can have so many words that all masks do not fit into memory
        absent = np.arange(parts + 1)
        blocks = (np.arange(parts) >= absent[start : start + block_rows, None] for start in range(0, parts + 1, block_rows))
        return np.concatenate([self.measure(block.astype(np.uint8)) for block in blocks])

    def measure(self, representation: np.ndarray) -> np.ndarray:
        """The distances, checked, of shape (n,); one may be infinite."""
        with user_function("distances", function=self.distances):
            distances = self.distances(representation)
        if np.shape(distances) != (len(representation),) or not (distances >= 0).all():
            raise ArgumentError(
                f"distances must give a number of at least 0 for each of {len(representation)} rows; got shape "
                f"{np.shape(distances)}, NaN or numbers below 0."
            )
        return distances

    def _weigh(self, distances: np.ndarray, law_weights: np.ndarray) -> np.ndarray:
        """The kernel weights, checked, of distances of shape (n,), the first of them the instance's; see `kernel_weights`."""
        if self.kernel is exponential_kernel:
            kernel_weights = exponential_kernel(distances, self.width)
        else:
            with user_function("kernel"):
                answer = self.kernel(distances, self.width)
            kernel_weights = check_numbers("what kernel gives", answer, 1)
            if kernel_weights.shape != distances.shape or not np.isfinite(kernel_weights).all() or kernel_weights.min() < 0:
                span = f", from {kernel_weights.min():g} to {kernel_weights.max():g}" if kernel_weights.size else ""
                raise ArgumentError(
                    f"kernel must give a finite weight of at least 0 for each of {len(distances)} distances; "
                    f"got shape {kernel_weights.shape}{span}."
                )
        largest = (kernel_weights[1:] * law_weights).max(initial=0.0)
        if largest < _LEAST_WEIGHT:
            raise KernelError(
                f"the kernel is too narrow: with kernel_width={self.width:g} all {len(distances) - 1} perturbations, the "
                f"nearest at distance {distances[1:][law_weights > 0].min(initial=np.inf):.4g}, have weight "
                f"{f'{largest:.1g} or less' if largest else '0'}. Give a larger kernel_width."
            )
        return kernel_weights


def cosine_of_masks(masks: np.ndarray) -> np.ndarray:
    """Cosine distances, of shape (n,), of 0/1 masks of shape (n, d) from the mask whose components are all on.

    With s components on, the distance is 1 - sqrt(s / d). With a single component, the only other mask has none on, and the
    cosine is not defined; its distance is taken to be 0, so that both masks have the same weight.
    """
    d = masks.shape[1]
    if d == 1:
        return np.zeros(len(masks))
    return np.asarray((1.0 - np.sqrt(np.arange(d + 1) / d))[count_present(masks)])


def euclidean(representation: np.ndarray) -> np.ndarray:
    """Euclidean distances, of shape (n,), of the rows of a representation of shape (n, d) from its row 0."""
    if representation.dtype == np.uint8:  # masks: row 0 is all ones, so that the number of zeros is the squared distance
        d = representation.shape[1]
        return np.asarray(np.sqrt(d - np.arange(d + 1))[count_present(representation)])
    difference = representation - representation[0]
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", difference, difference)))


def metric_of_scikit_learn(name: str, scale: float) -> Metric:
    """The distance with this name in scikit-learn's ``pairwise_distances``, times `scale`.

    The metric raises an `ArgumentError` if there is no such distance, or if it cannot tell the rows from row 0.
    """
    from sklearn.metrics import pairwise_distances
    from sklearn.metrics.pairwise import PAIRWISE_BOOLEAN_FUNCTIONS

    def distances(representation: np.ndarray) -> np.ndarray:
        are_masks = representation.dtype == np.uint8
        if name in PAIRWISE_BOOLEAN_FUNCTIONS and not are_masks:
            raise ArgumentError(
                "distance_metric must be a distance of numbers, such as 'euclidean', where columns have no bins; "
                f"got {name!r}, which is for components that are on or off."
            )
        rows = representation.astype(bool if name in PAIRWISE_BOOLEAN_FUNCTIONS else np.float64)
        try:
            values = np.asarray(pairwise_distances(rows, rows[:1], metric=name))[:, 0] * scale
        except ValueError as error:
            raise ArgumentError(
                "distance_metric must be a name that pairwise_distances of scikit-learn knows, of a distance that needs "
                f"nothing but the rows; got {name!r}: {read_message(error)}"
            ) from error
        # Row 0 of masks is all ones: some distances divide by its variance, others count only zeros of both rows.
        is_blind = are_masks and not values.any() and not representation.all()
        if is_blind or not np.isfinite(values).all():
            raise ArgumentError(
                f"distance_metric must tell perturbations from the instance; got {name!r}, which gives "
                f"{'0 for each' if is_blind else 'NaN for some'}. Give another, such as 'euclidean' or 'cosine'."
            )
        return values

    return distances
