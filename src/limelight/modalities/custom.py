"""The user's own components: anything that can be put together without some of its named parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from limelight._checks import check_names, user_function
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Locality, Mode
from limelight._seeds import fingerprint
from limelight.exceptions import ArgumentTypeError, InstanceError, PredictionError
from limelight.results.explanation import Notice
from limelight.results.views import PartsView
from limelight.stages.components import Parts, count_inputs, fair_coins
from limelight.stages.proximity import Kernel, cosine_of_masks

__all__ = ["ComponentsExplainer", "Composable"]


class Composable(Protocol):
    """An instance in parts, which a user writes for a kind of input that limelight does not know.

    Attributes
    ----------
    names : sequence of str
        The names of the d components.

    Examples
    --------
    >>> import numpy as np
    >>> class Total:
    ...     names = ["rent", "food", "travel"]
    ...     amounts = np.array([700.0, 300.0, 100.0])
    ...     def compose(self, masks):
    ...         return masks * self.amounts
    >>> Total().compose(np.array([[1, 0, 1]])).tolist()
    [[700.0, 0.0, 100.0]]
    """

    names: Iterable[str]

    def compose(self, masks: np.ndarray) -> Any:
        """Put the instance together without its absent components, once for each mask.

        Parameters
        ----------
        masks : ndarray of shape (m, d), uint8
            1 where a component is as in the instance, 0 where it is absent.

        Returns
        -------
        batch : object of length m
            One model input for each mask, in the form that the model takes.
        """


class ComponentsExplainer(Explainer):
    """Explains predictions about instances that the user has put into components.

    The instance given to ``explain_instance`` is an object with `names` and ``compose(masks)``: see `Composable`.

    Parameters
    ----------
    class_names : sequence of str, or mapping from their numbers, optional
        Names of the model's outputs, in their order; by default the estimator's own classes, or numbers. These classes in
        another order are refused.
    kernel_width : float, optional
        The width of the kernel, for cosine distances of the masks; by default 0.25.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    locality : "lime", "local" or float, default "lime"
        How wide the kernel is, instead of `kernel_width`. "lime" is the default width. With "local" it is so narrow that, of
        what counts, on average a quarter of the components is absent. A number between 0 and 1 is a wanted fidelity: the widest
        kernel is taken whose surrogate reaches it.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported components are chosen. "auto" takes the highest weights, or selects up to 6 forward where there are
        fewer than two perturbations for each; "none" reports all.
    alpha : float, default 1.0
        The ridge penalty, per `num_samples` perturbations weighted by the kernel.
    tolerance : float, optional
        Weights count as converged when their intervals reach no further than this share of the largest weight; by default
        0.05, or 0.1 for models that say that they are slow (an attribute ``is_slow`` that is True).
    certainty : float, optional
        Have ``num_samples="auto"`` end once each reported component truly is among the heaviest, and its sign is right, each
        with at least this probability, such as 0.95. It takes the tolerance's place: the list is certain then, and the weights
        may not be.
    mode : {"classification", "regression"}, optional
        What the model's outputs are; by default what an estimator says of itself, and of other models probabilities if they sum
        to 1, else scores.
    design : {"auto", "iid"}, default "auto"
        Where perturbations come from: "auto" enumerates them if they are few enough and otherwise takes orthogonal arrays;
        "iid" draws them independently, as lime does.
    shortcuts : bool, default True
        Whether model adapters that were registered from outside may ask the model in a quicker way.
    random_state : int, None or numpy.random.Generator, default 0
        The seed. The same instance, arguments and seed give the same explanation; None takes fresh entropy.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The neighbourhood is that of lime's images: each component is absent with probability 1/2, independently of the others. The
    masks depend on the seed and the names only.

    Examples
    --------
    A sound in bands of frequencies, and a model that measures the loudness at 440 Hz:

    >>> import numpy as np
    >>> from limelight import ComponentsExplainer
    >>> class Bands:
    ...     def __init__(self, sound, rate, edges):
    ...         self.spectrum = np.fft.rfft(sound)
    ...         self.length = len(sound)
    ...         self.band = np.digitize(np.fft.rfftfreq(len(sound), 1 / rate), edges[1:-1])
    ...         self.names = [f"{low}-{high} Hz" for low, high in zip(edges, edges[1:])]
    ...     def compose(self, masks):
    ...         return np.fft.irfft(self.spectrum * masks[:, self.band], n=self.length)
    >>> rate = 16000
    >>> time = np.arange(rate // 4) / rate
    >>> sound = np.sin(2 * np.pi * 440 * time) + 0.5 * np.sin(2 * np.pi * 5000 * time)
    >>> def loudness_of_a_deep_tone(sounds):
    ...     return np.abs(sounds @ np.exp(-2j * np.pi * 440 * time)) / len(time)
    >>> bands = Bands(sound, rate, [0, 250, 500, 1000, 2000, 4000, 8000])
    >>> explanation = ComponentsExplainer().explain_instance(bands, loudness_of_a_deep_tone, num_features=1)
    >>> [(band, round(weight, 2)) for band, weight in explanation.as_list()]
    [('250-500 Hz', 0.5)]
    """

    default_design = "orthogonal"
    default_kernel_width = 0.25
    distances = staticmethod(cosine_of_masks)
    cap = 1000

    def __init__(
        self,
        *,
        class_names: Iterable[object] | None = None,
        kernel_width: float | None = None,
        kernel: str | Kernel | None = None,
        locality: Locality = "lime",
        feature_selection: FeatureSelection = "auto",
        alpha: float = 1.0,
        tolerance: float | None = None,
        certainty: float | None = None,
        mode: Mode | None = None,
        design: DesignName = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> None:
        super().__init__(
            class_names=class_names,
            mode=mode,
            kernel_width=kernel_width,
            kernel=kernel,
            locality=locality,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            certainty=certainty,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )

    def components(self, instance: Any) -> _ComposedParts:
        """The components that the user has named.

        Raises
        ------
        ArgumentTypeError
            If the instance has no names or no method ``compose``.
        InstanceError
            If its names are empty.
        """
        if isinstance(instance, type):
            raise ArgumentTypeError(f"an instance in components must be an object, not a class; give {instance.__name__}(...).")
        kind = type(instance).__name__
        missing = [] if hasattr(instance, "names") else ["names"]
        missing += [] if callable(getattr(instance, "compose", None)) else ["compose(masks)"]
        if missing:
            lacks = " and ".join(missing)
            raise ArgumentTypeError(
                f"an instance in components must have names and compose(masks); got {kind}, which lacks {lacks}."
            )
        names = check_names(f"names of {kind}", instance.names)
        if not names:
            raise InstanceError(f"the instance has no components to explain; the names of {kind} are empty.")
        return _ComposedParts(instance, names)


Composable.__module__ = ComponentsExplainer.__module__ = "limelight"  # where users import them from


class _ComposedParts(Parts):
    """The components of a user's instance, whose batches are checked."""

    def __init__(self, instance: Composable, names: tuple[str, ...]) -> None:
        self.instance = instance
        self.names = names
        self.view = PartsView(names)
        self.content = fingerprint(*names)
        self.law = fair_coins(len(names))
        self.notes = (
            (Notice("one_component", "There is one component: its weight is the difference that it makes.", "information"),)
            if len(names) == 1
            else ()
        )

    def realise(self, masks: np.ndarray) -> Any:
        with user_function("compose(masks)", InstanceError, f"for masks of shape {masks.shape}"):
            batch = self.instance.compose(masks.copy())  # the user's method may write into its argument
        count = count_inputs(batch)
        if batch is None or count not in (len(masks), None):
            returned = "None" if batch is None else count
            raise PredictionError(
                f"compose(masks) must return one input for each of {len(masks)} masks; it returned {returned}."
            )
        return batch
