"""What shows where a superpixel is absent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, InstanceError, LimelightError
from limelight.modalities._arrays import check_filling, noise_like
from limelight.modalities.images._picture import Picture

__all__ = ["Fill", "check_fill", "filling"]

Fill = Any  # a name, a number, a colour, or a callable from an image and a mask to an image

_NAMES = ("mean", "blur", "noise")


def check_fill(fill: Fill) -> Fill:
    """One of the names, a number, one number for each channel, or a callable.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is none of these.
    """
    return fill if callable(fill) else check_filling(fill, _NAMES)


def filling(fill: Fill, picture: Picture, labels: np.ndarray, seed: int) -> np.ndarray:
    """What shows of each pixel while its superpixel is absent, of the picture's shape with channels last.

    Raises
    ------
    ArgumentError
        If a colour has not a number for each channel.
    InstanceError
        If a callable raises, or does not give an image of the same shape.
    """
    values = picture.values
    if callable(fill):
        return _painted(fill, picture, labels)
    if isinstance(fill, np.ndarray):
        if fill.ndim and len(fill) not in (1, values.shape[2]):
            raise ArgumentError(f"fill has {len(fill)} numbers; the image has {values.shape[2]} channels.")
        return np.broadcast_to(fill, values.shape)
    means = _means(values, labels)
    if fill == "mean":
        return np.asarray(means[labels])
    if fill == "blur":
        from scipy.ndimage import gaussian_filter

        # Wide enough that a superpixel's own shape is gone.
        width = np.sqrt(labels.size / len(means))
        blurred = gaussian_filter(values.astype(np.float64), (width, width, 0), mode="nearest")
        return np.asarray(np.clip(blurred, values.min(), values.max()))
    return noise_like(values, (0, 1), seed)


def _means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of each superpixel, of shape (d, channels)."""
    sizes = np.bincount(labels.ravel())
    sums = [np.bincount(labels.ravel(), weights=values[..., channel].ravel()) for channel in range(values.shape[2])]
    return np.stack(sums, axis=1) / sizes[:, None]


def _painted(fill: Callable[[np.ndarray, np.ndarray], Any], picture: Picture, labels: np.ndarray) -> np.ndarray:
    """Each superpixel as the user's function paints it where it alone is missing: inpainting, for one."""
    image = picture.as_given
    answer = np.empty_like(picture.values, dtype=np.float64)
    for number in range(int(labels.max()) + 1):
        mask = labels == number
        try:
            painted = np.asarray(fill(image.copy(), mask.copy()))
        except LimelightError:
            raise
        except Exception as error:
            raise InstanceError(f"fill(image, mask) raised {type(error).__name__} for superpixel {number}: {error}") from error
        if painted.shape != image.shape:
            raise InstanceError(f"fill(image, mask) must give an image of shape {image.shape}; it gave {painted.shape}.")
        if painted.dtype.kind == "f" and image.dtype.kind in "ui" and painted.max() <= 1 < image.max():
            raise InstanceError(
                f"fill(image, mask) gave floats from 0 to 1 for an image of {image.dtype}, as scikit-image's functions do; "
                f"give numbers in the image's own units."
            )
        shown = painted.reshape(picture.values.shape)[mask]
        if not np.isfinite(shown).all():
            raise InstanceError(f"fill(image, mask) gave NaN or infinity for superpixel {number}.")
        answer[mask] = shown
    return answer
