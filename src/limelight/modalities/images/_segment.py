"""How a segmentation is applied to an image: its superpixels are checked, numbered and named."""

from __future__ import annotations

import numpy as np

from limelight.exceptions import InstanceError
from limelight.modalities._label_maps import Segmentation, make_label_map
from limelight.modalities.images._picture import Picture
from limelight.modalities.images.superpixels import LEAST_MEAN_PIXELS, SEGMENTERS

__all__ = ["find_superpixels"]

_SUPERPIXELS_OF_SMALL_IMAGES = 64  # always allowed, so that each pixel of an 8 x 8 digit can be a superpixel


def find_superpixels(segmentation: Segmentation, picture: Picture, rgb: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Segment an image.

    Parameters
    ----------
    segmentation : callable or ndarray of shape (height, width), int
        If it is limelight's own, it gets `rgb`; a user's callable gets the image's own numbers.
    picture : Picture
        The image.
    rgb : ndarray of shape (height, width, 3), uint8
        All of its channels as colours.

    Returns
    -------
    labels : ndarray of shape (height, width), int
        The number of each pixel's superpixel, 0 to d - 1.
    names : tuple of str
        The superpixels' names, with the segmentation's own numbers.

    Raises
    ------
    ArgumentTypeError
        If a callable does not return a label map of integers.
    InstanceError
        If the label map does not fit the image, or has nearly as many superpixels as pixels.
    """
    image = rgb if isinstance(segmentation, SEGMENTERS) else picture.for_users_functions
    label_map = make_label_map(segmentation, image)
    height, width = rgb.shape[:2]
    if label_map.shape != (height, width):
        raise InstanceError(f"the label map has shape {label_map.shape}; the image is {height} x {width}.")
    numbers, labels = np.unique(label_map, return_inverse=True)
    limit = max(_SUPERPIXELS_OF_SMALL_IMAGES, label_map.size // LEAST_MEAN_PIXELS)
    if len(numbers) > limit:
        raise InstanceError(
            f"the segmentation gives {len(numbers)} superpixels for {label_map.size} pixels; at most {limit} can be explained. "
            f"Give a coarser one."
        )
    return labels.reshape(height, width), tuple(f"superpixel {int(number)}" for number in numbers.tolist())
