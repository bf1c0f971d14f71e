"""The exact moments of components and outputs, where the model is a sum over leaves and LIME's law with the kernel a product.

With bins, components are drawn independently, and the kernel exp(-(number of components that are off) / (2 width^2)) is a
product over components. So the weighted law is a product law again: component j is on with probability
q_j = s_j / (s_j + k (1 - s_j)), where s_j is its probability under LIME's law and k = exp(-1 / (2 width^2)). The components are
uncorrelated, and their covariances with a sum over leaves are sums of products (`LeafSum.expect`). These are the moments that
infinitely many perturbations would give. (Garreau and von Luxburg, "Looking Deeper into Tabular LIME", 2020, have the limit for
a single tree of an earlier version of this law.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from limelight.stages.leaf_sum import Conditions, Expectation, LeafSum

__all__ = ["ComponentMoments", "ConditionMoments", "Limit", "ProductLaw", "find_limit"]


class ComponentMoments(NamedTuple):
    """Components under LIME's law, weighted by the kernel.

    Attributes
    ----------
    means, variances : ndarray of shape (d,)
        Of each component, uncorrelated with the others.
    mean_weight : float
        The kernel's mean under the law.
    """

    means: np.ndarray
    variances: np.ndarray
    mean_weight: float


class ConditionMoments(NamedTuple):
    """Conditions under LIME's law, weighted by the kernel.

    Attributes
    ----------
    chances : ndarray of shape (c,)
        How likely each is met.
    covariances : ndarray of shape (c,)
        The covariance of "it is met" with the component of its column.
    """

    chances: np.ndarray
    covariances: np.ndarray


class ProductLaw(ABC):
    """LIME's law for one instance whose components are columns that are drawn independently."""

    @abstractmethod
    def component_moments(self, kernel_width: float) -> ComponentMoments:
        """The moments of the components."""

    @abstractmethod
    def condition_moments(self, conditions: Conditions, kernel_width: float) -> ConditionMoments:
        """The moments of conditions on columns."""


class Limit(NamedTuple):
    """The moments that infinitely many perturbations would give.

    Attributes
    ----------
    components : ComponentMoments
    outputs : Expectation
    """

    components: ComponentMoments
    outputs: Expectation


def find_limit(leaf_sum: LeafSum, law: ProductLaw, kernel_width: float, outputs: Sequence[int]) -> Limit:
    """The exact moments of the components, and of some of a sum's outputs, by their numbers."""
    of_conditions = law.condition_moments(leaf_sum.conditions, kernel_width)
    return Limit(law.component_moments(kernel_width), leaf_sum.expect(outputs, *of_conditions))
