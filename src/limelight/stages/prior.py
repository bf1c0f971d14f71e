"""What is believed of weights before the model is asked, and what that adds to the ridge penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from limelight._checks import check_number
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.equality import EqualityMixin
from limelight.results.removal import find_component

__all__ = ["Penalties", "Prior", "Pull"]

_GREATEST_MEAN, _GREATEST_PRECISION = 1e100, 1e12  # what is more, doubles cannot square, or tell from infinity
_MOST_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Prior(EqualityMixin):
    """What is believed of weights before the model is asked: their means, and how strongly to hold weights to them.

    The surrogate is a Bayesian ridge regression with these means [1]_: its penalty is ``precision * (weight - mean)**2`` for a
    component with a mean here, and ``alpha * weight**2``, as always, for every other component.

    Parameters
    ----------
    means : mapping of str or int to float, or sequence of float
        The weights to expect, in units of the explained output. A str is a component's name, the word or column that it
        alone is about, or its group's name; an int is a component's number. A sequence has a mean for every component.
    precision : float
        How strongly to hold weights to the means, more than 0 and at most 1e12, in the unit of `alpha`: the precision of the
        weights over that of the outputs, lambda / alpha in [1]_. The Notes say how many perturbations that is worth.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is no mean, a mean is not finite, or the precision is not positive.

    Notes
    -----
    Where components are not correlated, a weight is the mean of what the perturbations say and what the prior says::

        (n * weight_without_prior + k * mean) / (n + k),    k = precision / (mean_proximity * variance)

    The prior is worth k perturbations of n. Here n is what `alpha` is meant for: `num_samples`, and with "auto" 5000 (1000 for
    images, series and components of one's own), whether it asks about so many or not. With a mean proximity of 1/3, for a
    component that is on in half of the perturbations (variance 1/4), a precision of 1 is worth 12 perturbations, and one of 400
    is worth 4800.

    A kernel that `locality` has made narrower than lime's takes nothing off n, which then counts perturbations near the
    instance: k is precision / variance, without the mean proximity, and the variance is that near the instance. For a component
    that is off in a quarter of them (variance 3/16), a precision of 400 is worth 2133.

    A prior changes what is estimated, and the intervals say how well that is known: how far chance among the perturbations may
    have moved a weight from what infinitely many would give with this prior. They are no credible intervals of the posterior. A
    strong prior makes them narrow, whether it is right or wrong. The same holds for the probabilities of signs and ranks.

    Components are chosen with the prior. One that is rarely on or rarely off, whose weight `alpha` does not touch, is held to
    its mean like others. A mean of 0 with the precision `alpha` says what is said of every component, and changes nothing.

    References
    ----------
    .. [1] X. Zhao, W. Huang, X. Huang, V. Robu and D. Flynn, "BayLIME: Bayesian Local Interpretable Model-Agnostic
       Explanations", UAI 2021, section 4: the mean of the posterior.

    Examples
    --------
    >>> from limelight import Prior, TextExplainer
    >>> def model(texts):
    ...     return [0.5 * ("good" in text) + 0.2 * ("old" in text) for text in texts]
    >>> believed = Prior(means={"old": 0.4}, precision=200)
    >>> explanation = TextExplainer().explain_instance("good old film", model, prior=believed)
    >>> round(dict(explanation.as_list())["old"], 2)
    0.29
    """

    means: Mapping[str | int, float] | Sequence[float]
    precision: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "means", _read_means(self.means))
        precision = check_number("precision", self.precision, 0, inclusive=False)
        if precision > _GREATEST_PRECISION:
            raise ArgumentError(
                f"precision must be at most {_GREATEST_PRECISION:g}, which holds weights to their means to the last digits; "
                f"got {precision:g}."
            )
        object.__setattr__(self, "precision", precision)

    def find_pull(self, names: Sequence[str], features: Mapping[int, str], alpha: float) -> Pull | None:
        """What it does to the components of an instance; None if it says what `alpha` says already.

        Parameters
        ----------
        names : sequence of str
            The names of the d components.
        features : mapping of int to str
            For components' numbers, the words or columns that they are about.
        alpha : float
            The ridge penalty.

        Raises
        ------
        ArgumentError
            If there is no such component, several are called so, or one is named twice; or a sequence has another length.

        Examples
        --------
        >>> from limelight import Prior
        >>> prior, features = Prior({"age": 0.5, 2: -1}, 7), {0: "age", 1: "sex", 2: "height"}
        >>> pull = prior.find_pull(["age > 30", "sex = f", "height <= 2"], features, 1)
        >>> pull.precisions.tolist(), pull.means.tolist()
        ([7.0, 0.0, 7.0], [0.5, 0.0, -1.0])
        """
        if isinstance(self.means, Mapping):
            found = _find_means(self.means, names, features)
        elif len(self.means) != len(names):
            listed = ", ".join(f"{name!r:.40}" for name in names[:_MOST_SHOWN])
            raise ArgumentError(
                f"the prior has {len(self.means)} means, and the instance has {len(names)} components, {listed} and so on: "
                "give a mean for each, or a mapping with those that you know."
            )
        else:
            found = dict(enumerate(self.means))
        precisions, means = np.zeros((2, len(names)))
        for number, mean in found.items():
            if mean != 0 or self.precision != alpha:
                precisions[number], means[number] = self.precision, mean
        return Pull(precisions, means) if precisions.any() else None

    def numbered(self, names: Sequence[str], features: Mapping[int, str]) -> Prior:
        """The same beliefs about components by their numbers, which they keep where a changed row is in other bins.

        Parameters
        ----------
        names, features
            As for `find_pull`.

        Raises
        ------
        ArgumentError
            If there is no such component, several are called so, or one is named twice.
        """
        if not isinstance(self.means, Mapping):
            return self
        means: dict[str | int, float] = dict(_find_means(self.means, names, features).items())
        return replace(self, means=means)


Prior.__module__ = "limelight"  # where users import it from


def _read_means(means: object) -> dict[str | int, float] | tuple[float, ...]:
    """Means as plain data; those with names in the order of their names, so that equal priors are made of the same."""
    if isinstance(means, Mapping):
        pairs = {_read_key(key): _read_mean(key, value) for key, value in means.items()}
        read: dict[str | int, float] | tuple[float, ...] = dict(sorted(pairs.items(), key=lambda pair: repr(pair[0])))
    elif isinstance(means, Sequence | np.ndarray) and not isinstance(means, str | bytes):
        if np.ndim(means) != 1:
            raise ArgumentError(f"means must have one number for each component; got an array of shape {np.shape(means)}.")
        read = tuple(_read_mean(number, value) for number, value in enumerate(means))
    else:
        raise ArgumentTypeError(
            f'means must be a mapping from components to numbers, such as {{"age": 0.5}}, or a sequence of numbers; got '
            f"{means!r:.80}."
        )
    if not read:
        raise ArgumentError("means must have at least one number; got none. Leave prior out where nothing is believed.")
    return read


def _read_key(key: object) -> str | int:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return int(key)
    raise ArgumentTypeError(f"means must be given for components' names or numbers; got {key!r:.80}.")


def _read_mean(key: object, value: object) -> float:
    requirement = f"the mean of {key!r:.80} must be a number from -{_GREATEST_MEAN:g} to {_GREATEST_MEAN:g}; got {value!r:.80}."
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise ArgumentTypeError(requirement)
    number = value if isinstance(value, int) else float(value)  # an integer may be too large for a double
    if not abs(number) <= _GREATEST_MEAN:
        raise ArgumentError(requirement)
    return float(number)


class Pull(NamedTuple):
    """What a prior does to each of d components.

    Attributes
    ----------
    precisions : ndarray of shape (d,)
        How strongly each is held to its mean, in the unit of alpha; 0 where the prior says nothing.
    means : ndarray of shape (d,)
        The means; 0 where the prior says nothing.
    """

    precisions: np.ndarray
    means: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """The numbers of the components that have a prior."""
        return np.flatnonzero(self.precisions)


class Penalties(NamedTuple):
    """The ridge penalty ``alpha * factors * weights**2 + precisions * (weights - means)**2`` of components.

    Attributes
    ----------
    factors, precisions, means : ndarray of shape (..., d)
    """

    factors: np.ndarray
    precisions: np.ndarray
    means: np.ndarray

    @classmethod
    def stack(cls, penalties: Sequence[Penalties]) -> Penalties:
        """Those of b samples, (d,) each, as (b, d)."""
        return cls(*map(np.stack, zip(*penalties, strict=True)))

    @property
    def have_prior(self) -> bool:
        """Whether a component has a prior."""
        return bool(self.precisions.any())

    def take(self, chosen: np.ndarray) -> Penalties:
        """Those, of shape (b, d), of chosen components of shape (b, q, c)."""
        return Penalties(*(np.take_along_axis(part[:, None], chosen, axis=-1) for part in self))


def _find_means(means: Mapping[str | int, float], names: Sequence[str], features: Mapping[int, str]) -> dict[int, float]:
    """The means of components by their numbers."""
    found: dict[int, float] = {}
    given: dict[int, str | int] = {}
    for key, mean in means.items():
        try:
            number = find_component(key, names, features)
        except ArgumentError as error:
            raise ArgumentError(f"in the prior, {error}") from error
        if number in found:
            raise ArgumentError(
                f"in the prior, {given[number]!r:.80} and {key!r:.80} are the same component, {names[number]!r:.80}: give one "
                "mean."
            )
        found[number], given[number] = mean, key
    return found
