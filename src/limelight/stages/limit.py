"""The exact moments of components and outputs, where LIME's law with the kernel is a product and the model a sum that suits it.

Components are uncorrelated under a product law, and so is what depends on other columns. So the covariance of a component with
a sum is a sum of products, and the moments that infinitely many perturbations would give are known. (Garreau and von Luxburg,
"Looking Deeper into Tabular LIME", 2020, have this limit for single trees and linear models under a law of equal bins.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.product_law import ComponentMoments, ProductLaw

__all__ = ["Expectation", "Limit", "ModelSum", "find_limit"]


class Expectation(NamedTuple):
    """What a law makes of q outputs.

    Attributes
    ----------
    mean : ndarray of shape (q,)
        Their means.
    covariances : ndarray of shape (q, d)
        Their covariances with the components.
    """

    mean: np.ndarray
    covariances: np.ndarray


class ModelSum(ABC):
    """A model's outputs, but for a constant, as a sum whose moments under a product law are known.

    Attributes
    ----------
    link : {"identity", "logit"}
        What turns the model's outputs into this sum and a constant.
    num_outputs : int
    """

    link: str
    num_outputs: int

    @abstractmethod
    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        """The sum's values for rows of shape (m, d), of shape (m, k)."""

    @abstractmethod
    def expect(self, law: ProductLaw, kernel_width: float, outputs: Sequence[int]) -> Expectation | None:
        """The mean of some outputs, by their numbers, and their covariances with the components; None if they are not known."""


class Limit(NamedTuple):
    """The moments that infinitely many perturbations would give.

    Attributes
    ----------
    components : ComponentMoments
    outputs : Expectation
    """

    components: ComponentMoments
    outputs: Expectation


def find_limit(model_sum: ModelSum, law: ProductLaw, kernel_width: float, outputs: Sequence[int]) -> Limit | None:
    """The exact moments of the components, and of some of a sum's outputs, by their numbers; None if they are not known."""
    expectation = model_sum.expect(law, kernel_width, outputs)
    return None if expectation is None else Limit(law.component_moments(kernel_width), expectation)
