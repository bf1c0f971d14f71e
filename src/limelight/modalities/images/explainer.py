"""Images and volumes: superpixels are the components, and absent ones show a filling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from limelight._checks import own_arithmetic
from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Locality, Mode
from limelight.modalities._arrays import filling_notes, unchanged_part_notes
from limelight.modalities._label_maps import Segmentation, check_segmentation
from limelight.modalities._patches import PatchParts
from limelight.modalities.images._fill import Fill, check_fill, make_filling, unit_notes
from limelight.modalities.images._picture import check_axes, count_bytes, read_picture
from limelight.modalities.images._segment import find_superpixels
from limelight.modalities.images.superpixels import SEGMENTATIONS, SEGMENTERS
from limelight.results.explanation import Notice
from limelight.results.views import ImageView, VolumeView
from limelight.stages.proximity import Kernel, cosine_of_masks, exponential_kernel

__all__ = ["ImageExplainer"]

_BYTES_OF_LARGE_INPUTS = 2**24  # of all perturbations of an image: more than a batch


class ImageExplainer(Explainer):
    """Explains predictions about images, volumes and videos.

    The instance given to ``explain_instance`` is an array, or a torch tensor, of shape (height, width), (height, width,
    channels) or (channels, height, width), of integers or floats. The model gets batches of the same type, layout and range.
    A volume or a video has one more axis, of slices or of time, and needs ``spatial_dims=3``. NaN, or what is masked in an
    array of floats, is a missing pixel.

    Parameters
    ----------
    segmentation : str, callable or ndarray, default "slic"
        Which pixels belong together: "slic", "quickshift" (lime's), "felzenszwalb", "grid" or "pixels", or one of these with
        other settings, from `limelight.segmentation`; a callable that gets the image, channels last, and returns a label map;
        or a label map itself, any integers, of shape (height, width). A volume takes "slic", "grid", "pixels", a callable, or a
        label map of shape (depth, height, width).
    fill : str, number, sequence or callable, default "mean"
        What shows where a superpixel is absent: its "mean" colour, a "blur" of the image, "noise" of the image's own mean and
        spread, a number, a number for each channel, or a callable ``fill(image, mask)`` that returns the image painted over
        where the mask is True; it is called once for each superpixel, with the image's channels last.
    channel_axis : int, optional
        The axis of channels; by default the last or the first, whichever has 1, 3 or 4 entries. If both have, it is the last
        axis of an array, and the first of a tensor. A video's channels may also lie in axis 1, after its frames.
    spatial_dims : {2, 3}, default 2
        The number of axes of places: 2 for images; 3 for volumes of shape (depth, height, width) and videos of shape (time,
        height, width), with or without an axis of channels.
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
        what counts, on average a quarter of the superpixels is absent. A number between 0 and 1 is a wanted fidelity: the
        widest kernel is taken whose surrogate reaches it.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported superpixels are chosen. "auto" takes the highest weights, or selects up to 6 forward where there are
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
        Whether perturbations for ONNX and torch models are put together in the model's own layout, units and device.
    random_state : int, None or numpy.random.Generator, default 0
        The seed. The same image, arguments and seed give the same explanation; None takes fresh entropy.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Notes
    -----
    The neighbourhood is lime's: each superpixel is absent with probability 1/2, independently of the others (Ribeiro, Singh
    and Guestrin, KDD 2016, section 3.6, and lime's ``data_labels``).

    Examples
    --------
    A model that looks at the brightness of the upper left corner:

    >>> import numpy as np
    >>> from limelight import ImageExplainer
    >>> image = np.full((32, 32), 40, dtype=np.uint8)
    >>> image[:8, :8] = 200
    >>> def brightness(images):
    ...     return images[:, :8, :8].mean(axis=(1, 2)) / 255
    >>> explainer = ImageExplainer(segmentation="grid", fill=0)
    >>> explanation = explainer.explain_instance(image, brightness, num_features=4)
    >>> overlay = explanation.view.overlay(explanation.as_map()[0])
    >>> overlay.shape
    (32, 32, 3)

    A volume, of which the model looks at one corner:

    >>> volume = np.zeros((8, 32, 32), dtype=np.float32)
    >>> volume[:4, :16, :16] = 1.0
    >>> def density(volumes):
    ...     return volumes[:, :4, :16, :16].mean(axis=(1, 2, 3))
    >>> explainer = ImageExplainer(segmentation="grid", fill=0, spatial_dims=3)
    >>> explanation = explainer.explain_instance(volume, density, num_features=4)
    >>> image, mask = explanation.view.get_image_and_mask(explanation.as_map()[0])
    >>> mask.shape, bool(mask[:4, :16, :16].any())
    ((8, 32, 32), True)
    """

    default_design = "orthogonal"
    default_kernel_width = 0.25
    distances = staticmethod(cosine_of_masks)
    cap = 1000

    @own_arithmetic()
    def __init__(
        self,
        segmentation: Segmentation = "slic",
        fill: Fill = "mean",
        *,
        channel_axis: int | None = None,
        spatial_dims: int = 2,
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
        self.segmentation = check_segmentation(segmentation, SEGMENTATIONS, axis_counts=(2, 3))
        self.fill = check_fill(fill)
        self.channel_axis, self.spatial_dims = check_axes(channel_axis, spatial_dims)
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

    def explains_in_turn(self, instance: Any) -> bool:
        """Whether an image fills batches, and neither segmentation, filling nor kernel is a function of the user's."""
        is_own_segmentation = isinstance(self.segmentation, (*SEGMENTERS, np.ndarray))
        is_own = is_own_segmentation and not callable(self.fill) and self.options.kernel is exponential_kernel
        return is_own and self.cap * count_bytes(instance) > _BYTES_OF_LARGE_INPUTS

    def _own_settings(self) -> dict[str, object]:
        return {"segmentation": self.segmentation, "fill": self.fill}

    def components(self, instance: Any) -> PatchParts:
        """The superpixels of an image.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If the segmentation or the filling does not fit the image.
        InstanceError
            If the image cannot be explained.
        MissingDependencyError
            If scikit-image is needed and not installed.
        """
        picture = read_picture(instance, self.channel_axis, self.spatial_dims)
        rgb = picture.to_rgb()
        labels, names = find_superpixels(self.segmentation, picture, picture.blend_channels())
        exact_filling = make_filling(self.fill, picture, labels, self.options.random_state)
        filling = picture.encode(exact_filling)
        element_labels = labels if picture.channel_axis is None else np.expand_dims(labels, picture.channel_axis)
        notes = picture.notes + unit_notes(self.fill, picture.values)
        if len(names) == 1:
            text = "The image has one superpixel: its weight is the difference that the whole makes."
            notes += (Notice("one_component", text, "information"),)
        else:
            notes += filling_notes(picture.array, filling, exact_filling)
            notes += unchanged_part_notes(picture.array, filling, element_labels, names)
        view = VolumeView.of(rgb, labels) if picture.is_volume else ImageView.of(rgb, labels)
        return PatchParts(picture.array, filling, element_labels, names, view, notes, picture.wrap)


ImageExplainer.__module__ = "limelight"  # where users import it from
