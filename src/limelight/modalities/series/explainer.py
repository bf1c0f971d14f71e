"""Time series: segments are the components, and absent ones show a filling."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from limelight._checks import check_names
from limelight._errors import ArgumentError, InstanceError
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Mode, Options
from limelight.modalities._arrays import Numbers, check_filling, filling_notes, read_numbers
from limelight.modalities._label_maps import Segmentation, check_segmentation
from limelight.modalities._patches import PatchParts
from limelight.modalities.series.segments import SEGMENTATIONS, background_mean, check_background, filling, segments_of
from limelight.results.views import Segment, SeriesView
from limelight.stages.proximity import Kernel, cosine_of_masks

__all__ = ["TimeSeriesExplainer"]

_FILLS = ("mean", "noise", "linear")


class TimeSeriesExplainer(Explainer):
    """Explains predictions about time series.

    The instance given to ``explain_instance`` is an array, or a torch tensor, of shape (length,) or (channels, length), of
    integers or floats. The model gets batches of the same type and layout. Series of a collection may differ in length.

    Parameters
    ----------
    segmentation : str, callable or ndarray, default "uniform"
        Which steps belong together: "uniform" or "change_points", each with settings of its own in `limelight.segmentation`; a
        callable that is given the series and returns a label map; or a label map itself, integers of shape (length,) or of the
        series' own shape, whichever they are.
    fill : str, number or sequence, default "mean"
        What shows where a segment is absent: each channel's "mean", "noise" of its mean and spread, a "linear" bridge from the
        step before the segment to the one after, a number, or a number for each channel.
    background : iterable of series, optional
        Other series, in place of `fill`: their mean at each step shows. Those that are shorter count as far as they reach.
    channel_axis : {0, -1}, default 0
        Where series of two dimensions have their channels.
    channel_names : sequence of str, optional
        Names of the channels; by default numbers.
    class_names : sequence of str, optional
        Names of the model's outputs, in their order; by default the model's own classes, or numbers.
    kernel_width : float, default 0.25
        The width of the kernel, for cosine distances of the masks.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported segments are chosen. "auto" selects forward for up to 6 and takes the highest weights for more; "none"
        reports all.
    alpha : float, default 1.0
        The ridge penalty, per `num_samples` perturbations weighted by the kernel.
    tolerance : float, default 0.05
        Weights count as converged when their intervals reach no further than this share of the largest weight.
    mode : {"classification", "regression"}, optional
        What the model's outputs are; by default they are probabilities if they sum to 1, else scores.
    design : {"auto", "iid"}, default "auto"
        Where perturbations come from: "auto" enumerates them where there are few enough and else takes orthogonal arrays; "iid"
        draws them independently.
    shortcuts : bool, default True
        Whether ONNX and torch models are handed perturbations that were put together as they want them.
    random_state : int, None or numpy.random.Generator, default 0
        The seed. The same series, arguments and seed give the same explanation; None takes fresh entropy.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The neighbourhood is that of lime's images: each segment is absent with probability 1/2, independently of the others.

    Examples
    --------
    A model that looks for a bump at steps 40 to 49:

    >>> import numpy as np
    >>> from limelight import TimeSeriesExplainer
    >>> series = np.zeros(100)
    >>> series[40:50] = 1.0
    >>> explainer = TimeSeriesExplainer(fill=0)
    >>> explanation = explainer.explain_instance(series, lambda batch: batch[:, 40:50].mean(axis=1), num_features=2)
    >>> sorted(name for name, weight in explanation.as_list())
    ['steps 40-44', 'steps 45-49']
    """

    default_design = "orthogonal"
    distances = staticmethod(cosine_of_masks)
    cap = 1000

    def __init__(
        self,
        segmentation: Segmentation = "uniform",
        fill: Any = "mean",
        *,
        background: Iterable[Any] | None = None,
        channel_axis: int = 0,
        channel_names: Iterable[object] | None = None,
        class_names: Iterable[object] | None = None,
        kernel_width: float = 0.25,
        kernel: str | Kernel | None = None,
        feature_selection: FeatureSelection = "auto",
        alpha: float = 1.0,
        tolerance: float = 0.05,
        mode: Mode | None = None,
        design: DesignName = "auto",
        shortcuts: bool = True,
        random_state: object = 0,
    ) -> None:
        self.segmentation = check_segmentation(segmentation, SEGMENTATIONS, axes=(1, 2))
        self.fill = check_filling(fill, _FILLS)
        if background is not None and fill != "mean":
            raise ArgumentError("give either fill or background; got both.")
        self.background = None if background is None else check_background(background)
        if channel_axis not in (0, -1, 1):
            raise ArgumentError(f"channel_axis must be 0 (first) or -1 (last); got {channel_axis!r}.")
        self.channel_axis = channel_axis
        self.channel_names = None if channel_names is None else check_names("channel_names", channel_names)
        self.options = Options.checked(
            class_names=class_names,
            mode=mode,
            kernel_width=kernel_width,
            kernel=kernel,
            feature_selection=feature_selection,
            alpha=alpha,
            tolerance=tolerance,
            design=design,
            shortcuts=shortcuts,
            random_state=random_state,
        )

    def components(self, instance: Any) -> PatchParts:
        """The segments of a series.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If the segmentation or the filling does not fit the series.
        InstanceError
            If the series cannot be explained.
        """
        numbers = _read(instance)
        shape = numbers.values.shape
        channels = numbers.values[None] if len(shape) == 1 else np.moveaxis(numbers.values, self.channel_axis, 0)
        channels = channels.astype(np.float64)
        labels, found = segments_of(self.segmentation, channels, numbers.values, self.channel_axis)
        if self.background is None:
            filled = filling(self.fill, channels, labels, self.options.random_state)
        else:
            filled = background_mean(self.background, channels.shape, self.channel_axis)
        hidden, places = numbers.encode(self._as_given(filled, len(shape))), self._as_given(labels, len(shape))
        channel_names = self._channel_names(len(channels))
        segments = _segments(labels, len(channels))
        notes: tuple[tuple[str, str], ...] = ()
        if len(channels) > channels.shape[1]:
            text = f"The series was read as {len(channels)} channels of {channels.shape[1]} steps"
            notes = (("ambiguous_layout", f"{text}; if it is not, give channel_axis={-1 if self.channel_axis == 0 else 0}."),)
        if len(found) == 1:
            notes += (("one_component", "The series has one segment: its weight is the difference that the whole makes."),)
        else:
            notes += filling_notes(numbers.array, hidden, filled)
        shown = filled if numbers.array.dtype.kind == "f" or numbers.wrap else np.rint(filled)
        view = SeriesView(channel_names, _plain(channels), _plain(shown), segments)
        return PatchParts(numbers.array, hidden, places, _names(segments, found, channel_names), view, notes, numbers.wrap)

    def _as_given(self, channels: np.ndarray, dimensions: int) -> np.ndarray:
        """Channels first as the instance has them."""
        return channels[0] if dimensions == 1 else np.moveaxis(channels, 0, self.channel_axis)

    def _channel_names(self, count: int) -> tuple[str, ...]:
        names = self.channel_names
        if names is None:
            return tuple(f"channel {i}" for i in range(count)) if count > 1 else ("",)
        if len(names) != count:
            raise ArgumentError(f"channel_names must have a name for each of the {count} channels; got {len(names)}.")
        return names


def _read(instance: Any) -> Numbers:
    """A series' numbers: finite, of one or more channels."""
    numbers = read_numbers(_rectangular(instance), "a series")
    shape = numbers.values.shape
    if numbers.values.size == 0:
        raise InstanceError(f"the series is empty: its shape is {shape}.")
    if len(shape) not in (1, 2):
        hint = " Explain one series at a time: give series[0]." if len(shape) == 3 else ""
        raise InstanceError(f"a series has shape (length,) or (channels, length); got {shape}.{hint}")
    missing = np.count_nonzero(~np.isfinite(numbers.values))
    if missing:
        raise InstanceError(f"the series has {missing} values that are NaN or infinite.")
    return numbers


def _rectangular(instance: Any) -> Any:
    """The instance, unless it is a list of channels of different lengths."""
    if isinstance(instance, (list, tuple)) or (isinstance(instance, np.ndarray) and instance.dtype.kind == "O"):
        lengths = [len(channel) if hasattr(channel, "__len__") else None for channel in instance]
        if len(set(lengths)) > 1:
            raise InstanceError(
                f"the channels of a series must be equally long; these have {', '.join(map(str, lengths[:8]))} steps. "
                f"Cut or fill them to one length."
            )
        try:
            return np.array([list(channel) if hasattr(channel, "__len__") else channel for channel in instance])
        except ValueError as error:
            raise InstanceError(f"a series has shape (length,) or (channels, length): {error}.") from error
    return instance


def _segments(labels: np.ndarray, channels: int) -> tuple[Segment, ...]:
    """Every run of equal labels, in the order of channels and steps."""
    found = []
    for number, channel in enumerate(labels):
        bounds = [0, *(np.flatnonzero(channel[1:] != channel[:-1]) + 1).tolist(), len(channel)]
        own = tuple(range(channels)) if len(labels) < channels else (number,)
        found += [Segment(own, start, stop, int(channel[start])) for start, stop in pairwise(bounds)]
    return tuple(found)


def _names(segments: tuple[Segment, ...], found: tuple[int, ...], channel_names: tuple[str, ...]) -> tuple[str, ...]:
    """Where each segment lies; for one of several runs, the number that the segmentation gave it."""
    runs: dict[int, list[Segment]] = {}
    for segment in segments:
        runs.setdefault(segment.component, []).append(segment)
    names = []
    for component in sorted(runs):
        (first, *more) = runs[component]
        steps = f"steps {first.start}-{first.stop - 1}" if first.stop - first.start > 1 else f"step {first.start}"
        name = f"segment {found[component]}" if more else steps
        own = len(first.channels) < len(channel_names) and not more
        names.append(f"{channel_names[first.channels[0]]}: {name}" if own else name)
    return tuple(names)


def _plain(channels: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(channel) for channel in channels.tolist())
