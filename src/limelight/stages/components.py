"""What can be on or off in this instance.

There are two families of interpretable components. `Parts` can be absent (words, superpixels, segments): a perturbation is
a mask, and the model's input is put together from the parts that are present. `Values` are drawn (the columns of a row): a
perturbation is another row, and a component is on where the drawn value counts as the instance's own. Both give a
`Neighbourhood`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from limelight._checks import check_count
from limelight.exceptions import InstanceError, PredictionError
from limelight.results.explanation import Notice
from limelight.results.views import View
from limelight.stages.design import Design, Stretch
from limelight.stages.product_law import ProductLaw
from limelight.stages.table_columns import TableColumns

__all__ = [
    "Components",
    "Composed",
    "Inputs",
    "Neighbourhood",
    "Parts",
    "SharedRows",
    "Values",
    "Without",
    "count_inputs",
    "count_present",
    "fair_coins",
]


class Inputs(Protocol):
    """Perturbations, made only when they are asked for."""

    def take(self, rows: np.ndarray) -> Any:
        """The inputs for these row numbers of the neighbourhood, of shape (k,); `Components.batch` turns them into a batch."""


class SharedRows(NamedTuple):
    """Identifies drawn rows that several instances share.

    Attributes
    ----------
    source : Hashable
        Where the rows come from; equal inputs of one source are asked about once.
    part : Hashable
        Which rows of that source they are.
    """

    source: Hashable
    part: Hashable


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Perturbations of one instance; row 0 is the instance itself.

    Attributes
    ----------
    representation : ndarray of shape (1 + m, d)
        1 where a component is as in the instance, 0 where it is not (or standardised values, for a table without bins).
    inputs : Inputs
        The same rows as inputs of the model.
    law_weights : ndarray of shape (m,)
        How much each drawn row stands for under LIME's own sampling law, 1 on average. The instance has no law weight: the
        model is asked about it for its prediction, and it takes no part in the fit.
    replicates : ndarray of shape (r + 1,)
        Bounds of the independent replicates among the drawn rows: replicate i is drawn rows
        ``replicates[i]:replicates[i + 1]``.
    keys : ndarray of shape (1 + m, w), uint64, or None
        Rows with equal keys are equal inputs; None where all rows are distinct.
    shared : SharedRows or None
        Neighbourhoods with equal `shared` have the same drawn rows; None where no other instance has them.
    """

    representation: np.ndarray
    inputs: Inputs
    law_weights: np.ndarray
    replicates: np.ndarray
    keys: np.ndarray | None
    shared: SharedRows | None = None


class Without(NamedTuple):
    """The instance without some of its components: one input, or several whose mean answer counts.

    Attributes
    ----------
    neighbourhood : Neighbourhood
        Row 0 is the instance; in the m drawn rows these components alone are off.
    shares : ndarray of shape (m,)
        What each row counts in the mean; they sum to 1.
    squares : ndarray of shape (m,)
        The sums of squared shares of the draws that each row stands for: 0 where the mean is no estimate.
    """

    neighbourhood: Neighbourhood
    shares: np.ndarray
    squares: np.ndarray


class Composed(NamedTuple):
    """The instance with some components absent, for each of several masks.

    Attributes
    ----------
    neighbourhood : Neighbourhood
        Row 0 is the instance; the m drawn rows are made from the masks.
    masks : ndarray of int, of shape (m,)
        Which mask each of them is made from.
    draws : ndarray of int, of shape (m,)
        Which draw the values of absent components are taken from.
    num_draws : int
        How many draws there are; 1 where nothing is drawn.
    """

    neighbourhood: Neighbourhood
    masks: np.ndarray
    draws: np.ndarray
    num_draws: int


class Components(ABC):
    """The interpretable components of one instance.

    Attributes
    ----------
    names : tuple of str
        A name for each of the d components.
    view : View
        The instance as a renderer sees it.
    content : int
        A fingerprint of everything that the perturbations depend on; it seeds their random streams.
    notes : tuple of Notice
        What a reader should know about the instance itself.
    law : ndarray of shape (d + 1,) or None
        For parts, the probability under LIME's own sampling law that 0, 1, ..., d of them are absent; given their number,
        every set of absent parts is equally likely. None for values.
    batch_size : int or None
        The default for the largest number of model inputs made at once; None for no limit, where inputs are small.
    kernel_width : float or None
        The kernel's width where it depends on the instance; None for the explainer's.
    nearer_option : str or None
        An explainer's option, as a user would write it, that draws values nearer to the instance's; None where there is none.
    finer_option : str or None
        An explainer's option, as a user would write it, with which a surrogate follows models better; None where there is none.
    form : Hashable
        Inputs of components with equal `form` can share a batch; None where they cannot share one.
    shares : ndarray of shape (d,) or None
        For values, the probability under LIME's own law that each component is on, NaN where it is not known or the component
        is not on or off; None where none is known.
    product_law : ProductLaw or None
        LIME's law where columns are drawn independently and the model's conditions on them have known probabilities.
    columns : TableColumns or None
        The columns that are drawn so, as readers of models see them.
    drawn_width : float or None
        The width of the kernel near which perturbations are drawn: from LIME's law weighted by it. Law weights are its mean
        over the kernel then, so that all rows weigh the same. None where they are drawn from LIME's law itself.
    num_rare_states : int
        How many states that few perturbations would be in have further perturbations, in `neighbourhoods`.
    missing_as_mean : tuple of int
        For values, the components without states that are -0.0 where a value is missing, which counts as the mean.
    """

    names: tuple[str, ...]
    view: View
    content: int
    notes: tuple[Notice, ...] = ()
    law: np.ndarray | None
    batch_size: int | None = None
    column_names: tuple[str, ...] | None = None
    kernel_width: float | None = None
    nearer_option: str | None = None
    finer_option: str | None = None
    form: Hashable = None
    shares: np.ndarray | None = None
    num_rare_states: int = 0
    product_law: ProductLaw | None = None
    columns: TableColumns | None = None
    drawn_width: float | None = None
    missing_as_mean: tuple[int, ...] = ()

    def batch(self, inputs: Any) -> Any:
        """Turn inputs, as `Inputs.take` or `Parts.realise` gives them, into what the model takes."""
        return inputs

    def drawn_near(self, kernel_width: float) -> Components:  # noqa: ARG002 - most are drawn from LIME's law
        """The same components, drawn from LIME's law weighted by the default kernel, where this is known and pays."""
        return self

    def knows_law_near(self, kernel_width: float) -> bool:  # noqa: ARG002 - most are not values with a product law
        """Whether values can be drawn from LIME's law weighted by the default kernel of this width."""
        return False

    def near_by_widths(self, design: Design, stretch: Stretch, widths: Sequence[float]) -> Neighbourhood:
        """Values drawn from LIME's law weighted by kernels of several widths, a part of each replicate for each.

        Law weights are those of each law alone. What a law draws too seldom to be seen is not drawn more often.
        """
        raise NotImplementedError(f"{type(self).__name__} draws nothing near the instance")

    def slopes(self, neighbourhood: Neighbourhood, rows: np.ndarray) -> np.ndarray | None:  # noqa: ARG002 - most have no bins
        """How far the values in some rows of a neighbourhood are from the instance's, where components are bins.

        They have shape (m, d), in the training data's standard deviations, and are NaN for components without numbers. None
        where it is not known what an explanation without bins would be.
        """
        return None

    @abstractmethod
    def neighbourhood(self, design: Design, stretch: Stretch) -> Neighbourhood:
        """Perturb the instance with a stretch of a design."""

    def neighbourhoods(self, design: Design, stretch: Stretch) -> Sequence[Neighbourhood]:
        """The same in one part or more, if other instances share only some of the perturbations.

        With their law weights, all rows together follow LIME's law. A stretch gives a row for each of its points, and a smaller
        number of further rows for each of `num_rare_states`.
        """
        return [self.neighbourhood(design, stretch)]

    def without(self, removed: Sequence[int], design: Design, most: int) -> Without:  # noqa: ARG002 - for those that can
        """The instance with some components off and all others as they are, in at most this many inputs.

        Raises
        ------
        InstanceError
            If there are no such inputs.
        """
        raise InstanceError(
            f"not available, because {type(self).__name__} does not say what the instance is with some components off and all "
            "others as they are: it has no method without."
        )

    def composed(self, masks: np.ndarray, design: Design, most: int) -> Composed | str:  # noqa: ARG002 - for those that can
        """The instance with some components absent, or drawn anew; or a text that says why there is no such input.

        Parameters
        ----------
        masks : ndarray of shape (m, d)
            0 where a component is absent.
        design : Design
            What draws are made from.
        most : int
            How many draws there are for each mask, where values are drawn.
        """
        return (
            f"not available, because {type(self).__name__} does not say what the instance is with some components absent: it "
            "has no method composed."
        )

    def nearby(self, radius: float, count: int, seed: int) -> Sequence[Any] | str:  # noqa: ARG002 - for those that can
        """Instances with the same components, whose numbers are a little different; or a text that says why there are none.

        Parameters
        ----------
        radius : float
            By how many standard deviations each number differs at most.
        count : int
            How many instances.
        seed : int
            The explainer's.
        """
        return (
            "not available, because only numbers in a row change a little: words cannot, and a changed image or series may "
            "have other parts."
        )


class Parts(Components):
    """Components that can be absent."""

    law: np.ndarray

    @abstractmethod
    def realise(self, masks: np.ndarray) -> Any:
        """Make one input from each 0/1 mask, of shape (m, d): 1 keeps a part, 0 leaves it out."""

    def neighbourhood(self, design: Design, stretch: Stretch) -> Neighbourhood:
        drawn = design.masks(self.law, stretch)
        masks = np.ones((1 + len(drawn.values), len(self.law) - 1), dtype=np.uint8)
        masks[1:] = drawn.values
        packed = np.packbits(masks, axis=1)
        keys = np.zeros((len(packed), -(-packed.shape[1] // 8)), dtype=np.uint64)
        keys.view(np.uint8)[:, : packed.shape[1]] = packed
        return Neighbourhood(masks, _Realised(self, masks), drawn.law_weights, drawn.replicates, keys)

    def without(self, removed: Sequence[int], design: Design, most: int) -> Without:  # noqa: ARG002 - it is a single input
        masks = np.ones((2, len(self.law) - 1), dtype=np.uint8)
        masks[1, list(removed)] = 0
        neighbourhood = Neighbourhood(masks, _Realised(self, masks), np.ones(1), np.array([0, 1]), None)
        return Without(neighbourhood, np.ones(1), np.zeros(1))

    def composed(self, masks: np.ndarray, design: Design, most: int) -> Composed:  # noqa: ARG002 - a mask is one input
        count = len(masks)
        all_masks = np.concatenate([np.ones((1, masks.shape[1]), dtype=np.uint8), masks])
        neighbourhood = Neighbourhood(all_masks, _Realised(self, all_masks), np.ones(count), np.array([0, count]), None)
        return Composed(neighbourhood, np.arange(count), np.zeros(count, dtype=np.intp), 1)


@dataclass(frozen=True, eq=False)
class _Realised:
    parts: Parts
    masks: np.ndarray

    def take(self, rows: np.ndarray) -> Any:
        batch = self.parts.realise(self.masks[rows])
        count = count_inputs(batch)
        if batch is None or count not in (len(rows), None):
            given = "None" if batch is None else count
            raise PredictionError(
                f"{type(self.parts).__name__}.realise must give one input for each of {len(rows)} masks; it gave {given}."
            )
        return batch


def count_inputs(batch: Any) -> int | None:
    """How many inputs a batch holds; None where it does not say, as a generator does not."""
    shape = getattr(batch, "shape", None)
    if isinstance(shape, tuple):  # sparse matrices have a shape and no length
        return int(shape[0]) if shape else 0
    return len(batch) if hasattr(batch, "__len__") else None


def fair_coins(parts: int) -> np.ndarray:
    """The law of masks whose parts are absent with probability 1/2 each, independently: a binomial distribution.

    Parameters
    ----------
    parts : int
        The number of parts, d.

    Returns
    -------
    law : ndarray of shape (d + 1,)
        The probability that 0, 1, ..., d parts are absent.

    Examples
    --------
    >>> from limelight.extend import fair_coins
    >>> fair_coins(2).tolist()
    [0.25, 0.5, 0.25]
    """
    from scipy.special import gammaln

    parts = check_count("parts", parts, 1)
    absent = np.arange(parts + 1)
    log_ways = gammaln(parts + 1) - gammaln(absent + 1) - gammaln(parts - absent + 1)
    law = np.exp(log_ways - parts * np.log(2.0))
    return np.asarray(law / law.sum())


class Values(Components):
    """Components whose values are drawn; a modality turns the design's points into rows itself."""

    law = None


def count_present(masks: np.ndarray) -> np.ndarray:
    """The number of ones in each row of 0/1 masks of shape (m, d): integers of shape (m,)."""
    # Numbers of two bytes are added several times faster than longer ones.
    narrow = np.int16 if masks.shape[1] < 2**15 else np.intp
    return np.asarray(masks.sum(axis=1, dtype=narrow), dtype=np.intp)
