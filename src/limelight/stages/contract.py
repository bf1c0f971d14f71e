"""What a modality must keep: its class, and the components that it finds. limelight's own do, as their tests show."""

from __future__ import annotations

from inspect import getattr_static, isfunction, signature
from typing import Any, ClassVar, Protocol

import numpy as np

from limelight._checks import check_choice, check_count, check_number, check_numbers, named_errors
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.results.explanation import Notice
from limelight.results.view_registry import CLOSED_VIEWS, check_view
from limelight.stages.components import Components, fair_coins

__all__ = ["check_modality", "find_components"]

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
    is_own = type(components).__module__.startswith("limelight.")
    if not is_own:
        _check_components(components)
        _check_design(modality.default_design, components, name)
    if not (is_own and type(components.view) in CLOSED_VIEWS):
        check_view(components.view, len(components.names))
    return components


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
