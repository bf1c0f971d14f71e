"""Images: superpixels are the components, and absent ones show a filling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from limelight._explainer import Explainer
from limelight._options import DesignName, FeatureSelection, Mode
from limelight.exceptions import ArgumentError
from limelight.modalities._arrays import filling_notes
from limelight.modalities._label_maps import Segmentation, check_segmentation
from limelight.modalities._patches import PatchParts
from limelight.modalities.images._fill import Fill, check_fill, make_filling
from limelight.modalities.images._picture import read_picture
from limelight.modalities.images._segment import find_superpixels
from limelight.modalities.images.superpixels import SEGMENTATIONS
from limelight.results.explanation import Notice
from limelight.results.views import ImageView
from limelight.stages.proximity import Kernel, cosine_of_masks

__all__ = ["ImageExplainer"]


class ImageExplainer(Explainer):
    """Explains predictions about images.

    The instance given to ``explain_instance`` is an array, or a torch tensor, of shape (height, width), (height, width,
    channels) or (channels, height, width), of integers or floats. The model gets batches of the same type, layout and range.

    Parameters
    ----------
    segmentation : str, callable or ndarray, default "slic"
        Which pixels belong together: "slic", "quickshift" (lime's), "felzenszwalb", "grid" or "pixels", or one of these with
        other settings, from `limelight.segmentation`; a callable that gets the image, channels last, and returns a label map;
        or a label map itself, any integers, of shape (height, width).
    fill : str, number, sequence or callable, default "mean"
        What shows where a superpixel is absent: its "mean" colour, a "blur" of the image, "noise" of the image's own mean and
        spread, a number, a number for each channel, or a callable ``fill(image, mask)`` that returns the image painted over
        where the mask is True; it is called once for each superpixel, with the image's channels last.
    channel_axis : {0, -1}, optional
        The axis of channels of three-dimensional images; by default the last or the first, whichever has 1, 3 or 4 entries.
        If both have, it is the last axis of an array, and the first of a tensor.
    class_names : sequence of str, or mapping from their numbers, optional
        Names of the model's outputs, in their order; by default the model's own classes, or numbers. The model's own classes in
        another order are refused.
    kernel_width : float, default 0.25
        The width of the kernel, for cosine distances of the masks.
    kernel : callable or str, optional
        ``kernel(distances, kernel_width) -> weights``, or the name of a registered one, instead of
        ``sqrt(exp(-distances**2 / kernel_width**2))``.
    feature_selection : {"auto", "forward_selection", "highest_weights", "lasso_path", "none"}, default "auto"
        How the reported superpixels are chosen. "auto" selects forward for up to 6 and takes the highest weights for more;
        "none" reports all.
    alpha : float, default 1.0
        The ridge penalty, per `num_samples` perturbations weighted by the kernel.
    tolerance : float, default 0.05
        Weights count as converged when their intervals reach no further than this share of the largest weight.
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
    """

    default_design = "orthogonal"
    default_kernel_width = 0.25
    distances = staticmethod(cosine_of_masks)
    cap = 1000

    def __init__(
        self,
        segmentation: Segmentation = "slic",
        fill: Fill = "mean",
        *,
        channel_axis: int | None = None,
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
        self.segmentation = check_segmentation(segmentation, SEGMENTATIONS, axis_counts=(2,))
        self.fill = check_fill(fill)
        if channel_axis not in (None, 0, 2, -1, -3):
            raise ArgumentError(f"channel_axis must be 0 (first) or -1 (last); got {channel_axis!r}.")
        self.channel_axis = channel_axis
        super().__init__(
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
        picture = read_picture(instance, self.channel_axis)
        rgb = picture.to_rgb()
        labels, names = find_superpixels(self.segmentation, picture, picture.blend_channels())
        exact_filling = make_filling(self.fill, picture, labels, self.options.random_state)
        filling = picture.encode(exact_filling)
        element_labels = labels if picture.channel_axis is None else np.expand_dims(labels, picture.channel_axis)
        notes = picture.notes
        if len(names) == 1:
            text = "The image has one superpixel: its weight is the difference that the whole makes."
            notes += (Notice("one_component", text, "information"),)
        else:
            notes += filling_notes(picture.array, filling, exact_filling)
        view = ImageView.of(rgb, labels)
        return PatchParts(picture.array, filling, element_labels, names, view, notes, picture.wrap)


ImageExplainer.__module__ = "limelight"  # where users import it from
