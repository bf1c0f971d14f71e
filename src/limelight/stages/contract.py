"""What a modality must keep: its class, and the components that it finds. limelight's own do, as their tests show."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import getattr_static, isfunction, signature
from typing import Any, ClassVar, Protocol

import numpy as np

from limelight._checks import check_choice, check_count, check_number, check_numbers, named_errors
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.results.explanation import Notice
from limelight.results.view_registry import CLOSED_VIEWS, check_view
from limelight.stages.components import Components, Composed, Neighbourhood, Without, fair_coins
from limelight.stages.design import Design

__all__ = ["check_modality", "find_components", "find_composed", "find_nearby", "find_without"]

_LAW_TOLERANCE = 1e-6  # of the sum of probabilities


def check_modality(cls: Any, has_width: bool) -> None:
    """Refuse a modality's class that lacks an attribute, which would show later in an error that does not name it.

    Parameters
    ----------
    cls : type
        A class derived from ``Explainer``.
    has_width : bool
        Whether the user gives a kernel width.

    Raises
    ------
    ArgumentTypeError
        If a class attribute is missing, or `distances` would be called as a method.
    """
    needed = ("default_design", "distances", "cap", *(() if has_width else ("default_kernel_width",)))
    for name in needed:
        if not hasattr(cls, name):
            raise ArgumentTypeError(f"{cls.__name__} must set {name}, as limelight.extend says.")
    check_choice(f"{cls.__name__}.default_design", cls.default_design, ("complements", "orthogonal", "sobol"))
    check_count(f"{cls.__name__}.cap", cls.cap, 2)
    distances = getattr_static(cls, "distances")
    if isfunction(distances) and len(signature(distances).parameters) == 1:
        raise ArgumentTypeError(f"{cls.__name__}.distances is called without the explainer: wrap it in staticmethod(...).")


class Modality(Protocol):
    """What is needed of an explainer here."""

    default_design: ClassVar[str]

    def components(self, instance: Any) -> Components: ...


def find_components(modality: Modality, instance: Any) -> Components:
    """Find the components of an instance, and check them before the model is asked about them.

    Parameters
    ----------
    modality : Explainer
        Whose instance it is.
    instance : object
        What to explain.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If the components break their contract.
    InstanceError
        If there are none, or the modality raises anything but a `LimelightError`.
    """
    name = type(modality).__name__
    if not hasattr(modality, "options"):
        raise ArgumentTypeError(f"{name} has no options: its __init__ must call super().__init__(...).")
    with named_errors(f"{name}.components", InstanceError):
        components: object = modality.components(instance)
    if not isinstance(components, Components):
        found = type(components).__name__
        raise ArgumentTypeError(f"{name}.components must give Parts or Values of limelight.extend; got {found}.")
    is_own = _is_own(components)
    if not is_own:
        _check_components(components)
        _check_design(modality.default_design, components, name)
    if not (is_own and type(components.view) in CLOSED_VIEWS):
        check_view(components.view, len(components.names))
    return components


def find_without(components: Components, removed: Sequence[int], design: Design, most: int) -> Without:
    """The instance with some components off, checked before the model is asked about it; see `Components.without`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If what the components give breaks their contract.
    InstanceError
        If there is none, or the components raise anything but a `LimelightError`.
    """
    name = f"{type(components).__name__}.without"
    with named_errors(name, InstanceError):
        without: object = components.without(removed, design, most)
    if not isinstance(without, Without):
        raise ArgumentTypeError(f"{name} must give a Without of limelight.extend; got {type(without).__name__}.")
    if not _is_own(components):
        count = _check_neighbourhood(name, without.neighbourhood, len(components.names))
        shares, squares = np.asarray(without.shares), np.asarray(without.squares)
        if not (shares.shape == squares.shape == (count,)):
            raise ArgumentError(
                f"{name} must give {count} shares and squares, one for each drawn row; got arrays of shapes {shares.shape} and "
                f"{squares.shape}."
            )
        if not (shares >= 0).all() or abs(shares.sum() - 1) > _LAW_TOLERANCE:
            raise ArgumentError(f"the shares of {name} must be at least 0 and sum to 1; got {shares!r:.80}.")
        if (squares < 0).any():
            raise ArgumentError(f"the squares of {name} must be at least 0; got {squares!r:.80}.")
        expected = np.ones(len(components.names))
        expected[list(removed)] = 0
        if not (np.asarray(without.neighbourhood.representation)[1:] == expected).all():
            raise ArgumentError(f"in the rows of {name}, the removed components alone must be 0, and all others 1.")
    return without


def find_composed(components: Components, masks: np.ndarray, design: Design, most: int) -> Composed | str:
    """The instance with each mask, checked before the model is asked about it; see `Components.composed`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If what the components give breaks their contract.
    InstanceError
        If the components raise anything but a `LimelightError`.
    """
    name = f"{type(components).__name__}.composed"
    with named_errors(name, InstanceError):
        composed: object = components.composed(masks, design, most)
    if isinstance(composed, str):
        return composed
    if not isinstance(composed, Composed):
        raise ArgumentTypeError(
            f"{name} must give a Composed of limelight.extend, or a str that says why there is none; got "
            f"{type(composed).__name__}."
        )
    if not _is_own(components):
        count = _check_neighbourhood(name, composed.neighbourhood, len(components.names))
        num_draws = check_count(f"num_draws of {name}", composed.num_draws, 1)
        for what, numbers, end in (("masks", composed.masks, len(masks)), ("draws", composed.draws, num_draws)):
            array = np.asarray(numbers)
            if array.shape != (count,) or array.dtype.kind not in "iu" or not ((array >= 0) & (array < end)).all():
                raise ArgumentError(
                    f"{what} of {name} must be {count} integers from 0 to {end - 1}, one for each drawn row; got "
                    f"{numbers!r:.80}."
                )
        if len(np.unique(np.asarray(composed.masks) * num_draws + np.asarray(composed.draws))) < count:
            raise ArgumentError(f"{name} must give one row for a mask and a draw; it gave several for some.")
        if not (np.asarray(composed.neighbourhood.representation)[1:] == masks[composed.masks]).all():
            raise ArgumentError(f"each row of {name} must have the representation of its mask.")
    return composed


def find_nearby(components: Components, radius: float, count: int, seed: int) -> Sequence[Any] | str:
    """Instances with the same components, or why there are none; see `Components.nearby`.

    Raises
    ------
    ArgumentTypeError
        If it is neither a sequence of instances nor a str.
    InstanceError
        If the components raise anything but a `LimelightError`.
    """
    name = f"{type(components).__name__}.nearby"
    with named_errors(name, InstanceError):
        nearby: object = components.nearby(radius, count, seed)
    if isinstance(nearby, str):
        return nearby
    if isinstance(nearby, bytes) or not isinstance(nearby, Sequence | np.ndarray) or not len(nearby):
        raise ArgumentTypeError(
            f"{name} must give a sequence of instances, or a str that says why there are none; got {nearby!r:.80}."
        )
    return list(nearby)


def _is_own(components: Components) -> bool:
    return type(components).__module__.startswith("limelight.")


def _check_neighbourhood(name: str, neighbourhood: object, num_components: int) -> int:
    """How many drawn rows a neighbourhood has, once its shape is checked."""
    if not isinstance(neighbourhood, Neighbourhood):
        raise ArgumentTypeError(f"{name} must give a Neighbourhood of limelight.extend; got {type(neighbourhood).__name__}.")
    shape = np.shape(neighbourhood.representation)
    if len(shape) != 2 or shape[0] < 2 or shape[1] != num_components:
        raise ArgumentError(
            f"the representation of {name} must have a row for the instance, one or more drawn rows, and {num_components} "
            f"columns; got shape {shape}."
        )
    return int(shape[0]) - 1


def _check_design(design: str, components: Components, name: str) -> None:
    """Refuse a design that would draw other perturbations than the components' law says."""
    law = components.law
    has_parts = law is not None
    if has_parts is (design == "sobol"):
        kind = "Parts, which need default_design = 'orthogonal' or 'complements'" if has_parts else "Values, which need 'sobol'"
        raise ArgumentError(f"{name}.components gave {kind}; got {design!r}.")
    if (
        design == "orthogonal"
        and law is not None
        and not np.allclose(law, fair_coins(len(components.names)), atol=_LAW_TOLERANCE)
    ):
        raise ArgumentError(
            f"{name}.default_design = 'orthogonal' is for parts that are absent with probability 1/2, as fair_coins says; for "
            "another law set 'complements'."
        )


def _check_components(components: Components) -> None:
    for name in ("names", "view", "content", "law"):
        if not hasattr(components, name):
            raise ArgumentTypeError(f"{type(components).__name__} must have the attribute {name}; see limelight.extend.")
    names, content, law = components.names, components.content, components.law
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise ArgumentTypeError(f"names must be a tuple of str; got {names!r:.80}.")
    if not names:
        raise InstanceError("the instance has no components to explain: names is empty.")
    if isinstance(content, bool) or not isinstance(content, int) or content < 0:
        raise ArgumentTypeError(f"content must be an int of at least 0, as fingerprint gives it; got {content!r:.80}.")
    if law is not None:
        _check_law(law, len(names))
    notes = components.notes
    if not isinstance(notes, tuple) or not all(isinstance(note, Notice) for note in notes):
        raise ArgumentTypeError(f"notes must be a tuple of limelight.Notice; got {notes!r:.80}.")
    if components.batch_size is not None:
        check_count("batch_size of components", components.batch_size, 1)
    if components.kernel_width is not None:
        check_number("kernel_width of components", components.kernel_width, 0, inclusive=False)


def _check_law(law: np.ndarray, parts: int) -> None:
    """Refuse what is no distribution of the number of absent parts.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is not an array of shape (d + 1,), of probabilities that sum to 1.
    """
    numbers = check_numbers("law", law, 1)
    if len(numbers) != parts + 1:
        raise ArgumentError(
            f"law must have {parts + 1} probabilities, that 0, 1, ..., {parts} of the {parts} named parts are absent; "
            f"got {len(numbers)}."
        )
    if not (np.isfinite(numbers).all() and numbers.min() >= 0 and abs(numbers.sum() - 1) < _LAW_TOLERANCE):
        raise ArgumentError(f"law must hold probabilities that sum to 1; got {numbers!r:.80}.")
