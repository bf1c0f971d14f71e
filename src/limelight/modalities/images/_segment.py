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
    segmentation : callable or ndarray of shape (height, width) or (depth, height, width), int
        If it is limelight's own, it gets `rgb`; a user's callable gets the image's own numbers.
    picture : Picture
        The image.
    rgb : ndarray of shape (height, width, 3) or (depth, height, width, 3), uint8
        All of its channels as colours.

    Returns
    -------
    labels : ndarray of the shape of the image without channels, int
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
    shape, noun = rgb.shape[:-1], "supervoxel" if picture.is_volume else "superpixel"
    if label_map.shape != shape:
        subject = "volume" if picture.is_volume else "image"
        raise InstanceError(f"the label map has shape {label_map.shape}; the {subject} is {' x '.join(map(str, shape))}.")
    numbers, labels = _number_segments(label_map)
    limit = max(_SUPERPIXELS_OF_SMALL_IMAGES, label_map.size // LEAST_MEAN_PIXELS)
    if len(numbers) > limit:
        raise InstanceError(
            f"the segmentation gives {len(numbers)} {noun}s for {label_map.size} pixels; at most {limit} can be explained. "
            f"Give a coarser one."
        )
    return labels.reshape(shape), tuple(f"{noun} {int(number)}" for number in numbers.tolist())


def _number_segments(label_map: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct integers of a label map, sorted, and the place of each of its elements among them."""
    low, high = int(label_map.min()), int(label_map.max())
    if high - low > label_map.size or high > np.iinfo(np.int64).max:
        return np.unique(label_map, return_inverse=True)
    # No sorting, which would take most of the time that a volume takes.
    offsets = label_map.astype(np.int64) - low
    is_present = np.zeros(high - low + 1, dtype=bool)
    is_present[offsets] = True
    return np.flatnonzero(is_present) + low, (np.cumsum(is_present) - 1)[offsets]
