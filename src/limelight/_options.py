"""Users' settings, checked once: `Options` of an explainer, and the `Request` of one call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from inspect import signature
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from limelight._checks import Label, check_choice, check_count, check_flag, check_labels, check_names, check_number
from limelight._seeds import read_random_state
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.stages.prediction_outputs import LINKS
from limelight.stages.prior import Prior
from limelight.stages.proximity import KERNELS, Kernel, exponential_kernel
from limelight.stages.selection import METHODS, METHODS_BY_WEIGHT

__all__ = ["DesignName", "FeatureSelection", "Label", "Link", "Locality", "Mode", "Options", "Repetitions", "Request"]

DesignName = Literal["auto", "iid"]
FeatureSelection = Literal["auto", "forward_selection", "highest_weights", "lasso_path", "none"]
Link = Literal["identity", "logit"]
Locality = Literal["lime", "local"] | float
Mode = Literal["classification", "regression"]


@dataclass(frozen=True)
class Options:
    """The options that all explainers share.

    `checked` makes them, with the same defaults for all explainers; `limelight.ComponentsExplainer` documents them for users.

    Attributes
    ----------
    class_names : tuple of str or None
        Names of the model's outputs, in their order; None for the model's own names, or numbers.
    mode : {"classification", "regression"} or None
        What the model's outputs are; None where their values decide.
    kernel_width : float
        The width of the kernel, in the distance's unit.
    kernel : callable
        ``kernel(distances, kernel_width) -> kernel_weights``.
    locality : "lime", "local" or float
        What the width is for: a number is the fidelity that the surrogate should reach.
    feature_selection : str
        How the reported components are chosen; one of `limelight.stages.selection.METHODS`.
    alpha : float
        The ridge penalty, in lime's unit: lime's own is 1.
    tolerance : float or None
        Weights count as converged when their intervals reach no further than this share of the heaviest weight; None for what
        suits the model.
    certainty : float or None
        With which probability each reported component must truly be among the heaviest, and its sign be right, for "auto" to
        end, in place of the tolerance; None where the tolerance counts.
    design : {"auto", "iid"}
        Whether perturbations come from the explainer's default design, or are drawn independently.
    shortcuts : bool
        Whether model adapters are used, and models read as sums.
    random_state : int
        The seed of all random streams.
    """

    class_names: tuple[str, ...] | None
    mode: str | None
    kernel_width: float
    kernel: Kernel
    locality: str | float
    feature_selection: str
    alpha: float
    tolerance: float | None
    certainty: float | None
    design: str
    shortcuts: bool
    random_state: int

    @classmethod
    def checked(
        cls,
        *,
        kernel_width: float,
        class_names: Iterable[object] | None = None,
        mode: str | None = None,
        kernel: str | Kernel | None = None,
        locality: Locality = "lime",
        feature_selection: str = "auto",
        alpha: float = 1.0,
        tolerance: float | None = None,
        certainty: float | None = None,
        design: str = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> Options:
        """Check a constructor's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        """
        checked_kernel = _check_kernel(kernel)
        return cls(
            class_names=None if class_names is None else check_names("class_names", class_names),
            mode=None if mode is None else check_choice("mode", mode, get_args(Mode)),
            kernel_width=check_number("kernel_width", kernel_width, 0, inclusive=False),
            kernel=checked_kernel,
            locality=_check_locality(locality, checked_kernel),
            feature_selection=check_choice("feature_selection", feature_selection, METHODS),
            alpha=check_number("alpha", alpha, 0),
            tolerance=None if tolerance is None else check_number("tolerance", tolerance, 0, inclusive=False),
            certainty=None if certainty is None else _check_certainty(certainty, feature_selection),
            design=check_choice("design", design, get_args(DesignName)),
            shortcuts=check_flag("shortcuts", shortcuts),
            random_state=read_random_state(random_state),
        )


def _check_kernel(kernel: str | Kernel | None) -> Kernel:
    """The registered kernel with this name, a user's own, or the default."""
    if kernel is None:
        return exponential_kernel
    if isinstance(kernel, str):
        registered: Kernel = KERNELS.load(kernel)
        return registered
    if not callable(kernel):
        raise ArgumentTypeError(
            f"kernel must be a callable kernel(distances, width), the name of a registered one, or None; got {kernel!r}."
        )
    return kernel


def _check_locality(locality: object, kernel: Kernel) -> str | float:
    """What the kernel's width is for, which a user's own kernel does not know."""
    if isinstance(locality, bool) or not isinstance(locality, str | int | float | np.integer | np.floating):
        raise ArgumentTypeError(f'locality must be "lime", "local" or a number between 0 and 1; got {locality!r:.80}.')
    if isinstance(locality, str):
        if locality not in ("lime", "local"):
            raise ArgumentError(f'locality must be "lime", "local" or a number between 0 and 1; got {locality!r:.80}.')
    elif not 0 < locality < 1:
        raise ArgumentError(f"locality must be the wanted fidelity, a number above 0 and below 1; got {locality!r:.80}.")
    if locality != "lime" and kernel is not exponential_kernel:
        raise ArgumentError(f"locality={locality!r} finds a width for the default kernel. Leave kernel or locality out.")
    return locality if isinstance(locality, str) else float(locality)


@dataclass(frozen=True)
class Request:
    """The arguments of one call of ``explain_instance``, which documents them.

    `num_samples` is None for "auto"; other arguments are None for their defaults.
    """

    labels: tuple[Label, ...] | None
    top_labels: int | None
    num_features: int | None
    num_samples: int | None
    max_samples: int | None
    batch_size: int | None
    pads_batches: bool
    regressor: Any
    distance_metric: str | None
    link: str
    prior: Prior | None

    @classmethod
    def checked(
        cls,
        *,
        labels: Label | Iterable[Label] | None,
        top_labels: int | None,
        num_features: int | None,
        num_samples: int | str,
        max_samples: int | None,
        batch_size: int | None,
        pad_batches: bool,
        model_regressor: Any,
        distance_metric: str | None,
        link: str,
        prior: Prior | None = None,
    ) -> Request:
        """Check a call's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        """
        if labels is not None:
            labels = check_labels(labels)
        if labels is not None and top_labels is not None:
            raise ArgumentError("give either labels or top_labels; got both.")
        if distance_metric is not None and not isinstance(distance_metric, str):
            raise ArgumentTypeError(f"distance_metric must be the name of a distance; got {distance_metric!r}.")
        if isinstance(num_samples, str) and num_samples != "auto":
            raise ArgumentError(f'num_samples must be "auto" or an integer of at least 2; got {num_samples!r}.')
        if num_samples != "auto" and max_samples is not None:
            raise ArgumentError(
                f'max_samples is where num_samples="auto" ends; got num_samples={num_samples!r}, too. Leave one of them out.'
            )
        if model_regressor is not None:
            _check_regressor(model_regressor)
        if prior is not None:
            _check_prior(prior, has_regressor=model_regressor is not None, has_top_labels=top_labels is not None)
        return cls(
            labels=labels,
            top_labels=None if top_labels is None else check_count("top_labels", top_labels, 1),
            num_features=None if num_features is None else check_count("num_features", num_features, 1),
            num_samples=None if num_samples == "auto" else check_count("num_samples", num_samples, 2),
            max_samples=None if max_samples is None else check_count("max_samples", max_samples, 2),
            batch_size=None if batch_size is None else check_count("batch_size", batch_size, 1),
            pads_batches=check_flag("pad_batches", pad_batches),
            regressor=model_regressor,
            distance_metric=distance_metric,
            link=check_choice("link", link, LINKS),
            prior=prior,
        )


def _check_certainty(certainty: object, feature_selection: str) -> float:
    """A probability that a list can have, for components that are chosen as the heaviest."""
    level = check_number("certainty", certainty, 0, inclusive=False)
    if level >= 1:
        raise ArgumentError(f"certainty must be below 1, since chance is never ruled out; got {certainty!r}.")
    if feature_selection not in METHODS_BY_WEIGHT:
        raise ArgumentError(
            "certainty is that a component truly is among the heaviest, so components must be chosen by their weights; got "
            f"feature_selection={feature_selection!r}. Leave it out, or leave certainty out."
        )
    return level


def _check_regressor(regressor: Any) -> None:
    is_estimator = hasattr(regressor, "fit") and hasattr(regressor, "get_params") and not isinstance(regressor, type)
    if not is_estimator or "sample_weight" not in signature(regressor.fit).parameters:
        description = regressor if isinstance(regressor, type) else type(regressor).__name__
        raise ArgumentTypeError(
            "model_regressor must be a scikit-learn linear regressor whose fit takes sample_weight, such as Ridge(); "
            f"got {description}."
        )


class Repetitions(NamedTuple):
    """How often an instance is explained anew; `Explainer.measure_stability` documents its arguments."""

    seeds: tuple[int, ...]
    num_changes: int
    radius: float

    @classmethod
    def checked(cls, random_state: int, num_seeds: object, num_changes: object, radius: object) -> Repetitions:
        """Check a call's arguments; the seeds are those from the explainer's own on.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If an argument is not allowed.
        """
        return cls(
            seeds=tuple(random_state + step for step in range(check_count("num_seeds", num_seeds, 2))),
            num_changes=check_count("num_changes", num_changes, 1),
            radius=check_number("radius", radius, 0, inclusive=False),
        )


def _check_prior(prior: object, *, has_regressor: bool, has_top_labels: bool) -> None:
    if not isinstance(prior, Prior):
        raise ArgumentTypeError(
            f"prior must be a limelight.Prior, such as Prior(means={{'age': 0.5}}, precision=50); got {prior!r:.80}."
        )
    if has_regressor:
        raise ArgumentError("give either prior or model_regressor, which has a penalty of its own; got both.")
    if has_top_labels:
        raise ArgumentError("a prior is about one output: give labels with its name or number instead of top_labels.")
