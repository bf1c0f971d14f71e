"""The exact moments of components and outputs, where LIME's law with the kernel is a product and the model a sum that suits it.

Components are uncorrelated under a product law, and so is what depends on other columns. So the covariance of a component with
a sum is a sum of products, and the moments that infinitely many perturbations would give are known. (Garreau and von Luxburg,
"Looking Deeper into Tabular LIME", 2020, have this limit for single trees and linear models under a law of equal bins.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from limelight.stages.product_law import ProductLaw

__all__ = ["Expectation", "Limit", "ModelSum", "expect_outputs"]


class Expectation(NamedTuple):
    """What b laws make of q outputs.

    Attributes
    ----------
    means : ndarray of shape (b, q)
    covariances : ndarray of shape (b, q, d)
        Their covariances with the components.
    """

    means: np.ndarray
    covariances: np.ndarray


class ModelSum(ABC):
    """A model's outputs, but for a constant, as a sum whose moments under a product law are known.

    Attributes
    ----------
    link : {"identity", "logit"}
        What turns the model's outputs into this sum and a constant.
    num_columns, num_outputs : int
        Of the rows, d, and of the outputs, k.
    knows_places : bool
        Whether it is a sum of the law's numbers even where these are the places of categories, or counts of time.
    is_additive : bool
        Whether it is known to be a sum of functions of single columns.
    """

    link: str
    num_columns: int
    num_outputs: int
    knows_places: bool = False
    is_additive: bool = False

    @abstractmethod
    def evaluate(self, rows: np.ndarray) -> np.ndarray:
        """The sum's values for rows of shape (m, d), of shape (m, k)."""

    def suits(self, law: ProductLaw, kernel_width: float) -> bool:  # noqa: ARG002 - most suit all laws
        """Whether the moments under this law are known."""
        return True

    def as_products(self, law: ProductLaw) -> Any:  # noqa: ARG002 - most have none
        """The same as a `SumOfProducts` on columns that the law draws independently; None if it is none."""
        return None

    @abstractmethod
    def expect(self, laws: Sequence[ProductLaw], kernel_width: float, outputs: Sequence[int]) -> Expectation:
        """The means of some outputs, by their numbers, and their covariances with the components, under laws that it suits."""


@dataclass(eq=False)
class Limit:
    """What an explanation's moments approach, the more perturbations there are.

    Attributes
    ----------
    model_sum : ModelSum
    law : ProductLaw
    kernel_width : float
    outputs : tuple of int
        The numbers of the explained outputs.
    constant : ndarray of shape (q,)
        What the model adds to the sum.
    expectation : Expectation or None
        The moments of the explained outputs under this law alone, once they have been worked out.
    """

    model_sum: ModelSum
    law: ProductLaw
    kernel_width: float
    outputs: tuple[int, ...]
    constant: np.ndarray
    expectation: Expectation | None = None

    def with_width(self, kernel_width: float) -> Limit:
        """That of another kernel."""
        return replace(self, kernel_width=kernel_width, expectation=None)

    def take_output(self, number: int) -> Limit:
        """That of one of the explained outputs."""
        known = self.expectation
        if known is not None:
            known = Expectation(known.means[:, [number]], known.covariances[:, [number]])
        return replace(self, outputs=(self.outputs[number],), constant=self.constant[[number]], expectation=known)

    @property
    def batch_key(self) -> Hashable:
        """Limits with equal keys can be worked out together."""
        return id(self.model_sum), self.kernel_width, self.outputs


def expect_outputs(limits: Sequence[Limit]) -> Expectation:
    """The moments of the explained outputs of b limits with equal keys."""
    unknown = [limit for limit in limits if limit.expectation is None]
    if unknown:
        first = limits[0]
        means, covariances = first.model_sum.expect([limit.law for limit in unknown], first.kernel_width, first.outputs)
        for number, limit in enumerate(unknown):
            of_limit = slice(number, number + 1)
            limit.expectation = Expectation(means[of_limit] + limit.constant, covariances[of_limit])
    known = [limit.expectation for limit in limits if limit.expectation is not None]
    return Expectation(*map(np.concatenate, zip(*known, strict=True)))
