"""Time series: segments are the components, and absent ones show a filling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from limelight._checks import check_names, own_arithmetic
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Locality, Mode
from limelight.exceptions import ArgumentError
from limelight.modalities._arrays import filling_notes, unchanged_part_notes
from limelight.modalities._label_maps import Segmentation, check_segmentation
from limelight.modalities._patches import PatchParts
from limelight.modalities.series._fill import average_background, check_background, check_fill, make_filling
from limelight.modalities.series._segment import find_segments, list_runs, name_segments
from limelight.modalities.series._series import Series, read_series
from limelight.modalities.series.segments import SEGMENTATIONS
from limelight.results.explanation import Notice
from limelight.results.views import SeriesView
from limelight.stages.proximity import Kernel, cosine_of_masks

__all__ = ["TimeSeriesExplainer"]


class TimeSeriesExplainer(Explainer):
    """Explains predictions about time series.

    The instance given to ``explain_instance`` is an array, or a torch tensor, of shape (length,) or (channels, length), of
    integers or floats. The model gets batches of the same type and layout. Series of a collection may differ in length. NaN, or
    what is masked in an array of floats, is a missing step.

    A frame of pandas, polars or pyarrow is a series, too: its rows are steps, its columns are channels, and the index, if there
    is one, has the times. The model gets its numbers, in batches of shape (n, length, channels).

    Parameters
    ----------
    segmentation : str, callable or ndarray, default "uniform"
        Which steps belong together: "uniform" or "change_points", or one of these with other settings, from
        `limelight.segmentation`; a callable that gets the series and returns a label map; or a label map itself, any integers,
        of shape (length,) or of the series' own shape.
    fill : str, number or sequence, default "mean"
        What shows where a segment is absent: each channel's "mean", "noise" of its mean and spread, a "linear" bridge from the
        step before the segment to the one after it, a number, or a number for each channel.
    background : iterable of series, optional
        Other series, instead of `fill`: their mean at each step shows, over the series that are long enough to have that step.
    channel_axis : {0, -1}, optional
        The axis of channels of two-dimensional series; by default the first of arrays, and the columns of frames.
    channel_names : sequence of str, optional
        Names of the channels; by default a frame's own, or numbers.
    class_names : sequence of str, or mapping from their numbers, optional
        Names of the model's outputs, in their order; by default the model's own classes, or numbers. The model's own classes in
        another order are refused.
    kernel_width : float, optional
        The width of the kernel, for cosine distances of the masks; by default 0.25.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    locality : "lime", "local" or float, default "lime"
        How wide the kernel is, instead of `kernel_width`. "lime" is the default width. With "local" it is so narrow that, of
        what counts, on average a quarter of the segments is absent. A number between 0 and 1 is a wanted fidelity: the widest
        kernel is taken whose surrogate reaches it.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported segments are chosen. "auto" takes the highest weights, or selects up to 6 forward where there are
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
        "iid" draws them independently.
    shortcuts : bool, default True
        Whether perturbations for ONNX and torch models are put together in the model's own layout, units and device.
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
    default_kernel_width = 0.25
    distances = staticmethod(cosine_of_masks)
    cap = 1000

    @own_arithmetic()
    def __init__(
        self,
        segmentation: Segmentation = "uniform",
        fill: Any = "mean",
        *,
        background: Iterable[Any] | None = None,
        channel_axis: int | None = None,
        channel_names: Iterable[object] | None = None,
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
        self.segmentation = check_segmentation(segmentation, SEGMENTATIONS, axis_counts=(1, 2))
        self.fill = check_fill(fill)
        if background is not None and fill != "mean":
            raise ArgumentError("give either fill or background; got both.")
        self.background = None if background is None else check_background(background)
        if channel_axis not in (None, 0, -1, 1):
            raise ArgumentError(f"channel_axis must be 0 (first) or -1 (last); got {channel_axis!r}.")
        self.channel_axis = channel_axis
        self.channel_names = None if channel_names is None else check_names("channel_names", channel_names)
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

    def _own_settings(self) -> dict[str, object]:
        return {"segmentation": self.segmentation, "fill": self.fill}

    def components(self, instance: Any) -> PatchParts:
        """The segments of a series.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If the segmentation or the filling does not fit the series.
        InstanceError
            If the series cannot be explained.
        """
        series = read_series(instance, self.channel_axis)
        numbers, channels = series.numbers, series.channels
        labels = find_segments(self.segmentation, series)
        if self.background is None:
            exact_filling = make_filling(self.fill, channels, labels.numbers, self.options.random_state)
        else:
            exact_filling = average_background(self.background, channels.shape, series.channel_axis, series.channel_names)
        filling = numbers.encode(series.to_own_layout(exact_filling))
        element_labels = series.to_own_layout(labels.numbers)
        channel_names = self._channel_names(series)
        runs = list_runs(labels, len(channels))
        names = name_segments(runs, labels, channel_names, series.times)
        notes = series.notes
        if len(names) == 1:
            text = "The series has one segment: its weight is the difference that the whole makes."
            notes += (Notice("one_component", text, "information"),)
        else:
            notes += filling_notes(numbers.array, filling, exact_filling)
            notes += unchanged_part_notes(numbers.array, filling, element_labels, names)
        shown_filling = np.rint(exact_filling) if series.holds_integers() else exact_filling
        view = SeriesView(channel_names, _to_tuples(channels), _to_tuples(shown_filling), runs)
        return PatchParts(numbers.array, filling, element_labels, names, view, notes, numbers.wrap)

    def _channel_names(self, series: Series) -> tuple[str, ...]:
        """A name for each channel: the user's, else a frame's own, else numbers.

        Raises
        ------
        ArgumentError
            If there are more or fewer, or they are the frame's own in another order.
        """
        count, names, own = len(series.channels), self.channel_names, series.channel_names
        if names is None:
            return own or (tuple(f"channel {i}" for i in range(count)) if count > 1 else ("",))
        if len(names) != count:
            raise ArgumentError(f"channel_names must have a name for each of the {count} channels; got {len(names)}.")
        if own is not None and any(name != label and name in own for name, label in zip(names, own, strict=True)):
            raise ArgumentError(
                f"channel_names must be in the order of the frame's, {', '.join(map(repr, own[:5]))}; got "
                f"{', '.join(map(repr, names[:5]))}. Leave channel_names out to have the frame's own."
            )
        return names


TimeSeriesExplainer.__module__ = "limelight"  # where users import it from


def _to_tuples(channels: np.ndarray) -> tuple[tuple[float | None, ...], ...]:
    """The channels as plain numbers; None where one is missing."""
    if not np.isnan(channels).any():
        return tuple(tuple(channel) for channel in channels.tolist())
    return tuple(tuple(None if value != value else value for value in channel) for channel in channels.tolist())
