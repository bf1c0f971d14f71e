"""What shows where a superpixel is absent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from limelight._checks import user_function
from limelight.exceptions import ArgumentError, InstanceError
from limelight.modalities._arrays import check_filling, noise_like
from limelight.modalities._missing import summarise_known
from limelight.modalities.images._picture import Picture
from limelight.results.explanation import Notice

__all__ = ["Fill", "check_fill", "make_filling", "unit_notes"]

Fill = Any
"""A name, a number, a colour, or a callable from an image and a mask to an image."""

_FILL_NAMES = ("mean", "blur", "noise")
_FAR_FROM_UNIT_RANGE = 2.0  # numbers beyond it are hardly meant for an image of numbers from 0 to 1
_LEAST_SHARE = 1e-9  # of a blur's weight on numbers that are known; with less, the channel's mean stands in


def check_fill(fill: Fill) -> Fill:
    """A user's fill: one of the names, a number, a number for each channel, or a callable.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is none of these.
    """
    return fill if callable(fill) else check_filling(fill, _FILL_NAMES)


def make_filling(fill: Fill, picture: Picture, labels: np.ndarray, seed: int) -> np.ndarray:
    """Make the pixels that show while their superpixels are absent.

    Parameters
    ----------
    fill : Fill
        What the user chose, checked.
    picture : Picture
        The image.
    labels : ndarray of shape (height, width) or (depth, height, width), int
        The number of each pixel's superpixel, 0 to d - 1.
    seed : int
        The seed of the noise.

    Returns
    -------
    filling : ndarray of shape (..., channels)
        What is missing from the image is no part of means, blur and noise. The mean colour of a superpixel from which all is
        missing is the image's. A channel from which all is missing stays so.

    Raises
    ------
    ArgumentError
        If a colour does not have a number for each channel, or is meant for images of floats from 0 to 1.
    InstanceError
        If a callable raises, or does not give an image of the same shape.
    """
    values = picture.values
    if callable(fill):
        return _paint_superpixels(fill, picture, labels)
    if isinstance(fill, np.ndarray):
        if fill.ndim and len(fill) not in (1, values.shape[-1]):
            raise ArgumentError(f"fill has {len(fill)} numbers; the image has {values.shape[-1]} channels.")
        _check_units(fill, values)
        return np.broadcast_to(fill, values.shape)
    means = _mean_colours(values, labels)
    if fill == "mean":
        return np.asarray(means[labels])
    if fill == "blur":
        # A superpixel's width, so that its shape disappears.
        size = labels.size / len(means)
        return _blur(values, float(np.sqrt(size) if labels.ndim == 2 else np.cbrt(size)))
    return noise_like(values, tuple(range(labels.ndim)), seed)


def _check_units(fill: np.ndarray, values: np.ndarray) -> None:
    """Refuse fractions between 0 and 1 for whole numbers that go further: they would be next to black."""
    are_fractions = fill.min() >= 0 and fill.max() <= 1 and bool(np.any(fill % 1))
    if are_fractions and values.dtype.kind in "ui" and values.max() > 1:
        numbers = ", ".join(f"{number:g}" for number in np.atleast_1d(fill))
        raise ArgumentError(
            f"fill is {numbers}, a colour for images of floats from 0 to 1; this image holds {values.dtype} up to "
            f"{values.max()}. Give fill in its units, as {np.iinfo(values.dtype).max // 2} for half of the most that it can "
            "hold, or divide the image."
        )


def unit_notes(fill: Fill, values: np.ndarray) -> tuple[Notice, ...]:
    """A note if a colour is far outside an image of floats from 0 to 1, as if that held numbers up to 255."""
    if not isinstance(fill, np.ndarray) or values.dtype.kind != "f" or np.abs(fill).max() <= _FAR_FROM_UNIT_RANGE:
        return ()
    low, high = np.nanmin(values), np.nanmax(values)
    if low < 0 or high > 1:
        return ()
    text = (
        f"fill is {fill.flat[np.abs(fill).argmax()]:g}, and the image holds numbers from {low:.3g} to {high:.3g}: the model "
        "has probably seen nothing like an absent superpixel. Give fill in the image's units."
    )
    return (Notice("filling_units", text),)


def _mean_colours(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean colour of each superpixel, of shape (d, channels)."""
    numbers, means = labels.ravel(), []
    sizes = np.bincount(numbers)
    for channel in np.moveaxis(values, -1, 0).reshape(values.shape[-1], -1):
        is_missing = np.isnan(channel)
        if not is_missing.any():
            means.append(np.bincount(numbers, weights=channel) / sizes)
            continue
        is_known = ~is_missing
        counts = np.bincount(numbers[is_known], minlength=len(sizes))
        sums = np.bincount(numbers[is_known], weights=channel[is_known], minlength=len(sizes))
        mean = sums.sum() / is_known.sum() if is_known.any() else np.nan
        means.append(np.where(counts > 0, sums / np.maximum(counts, 1), mean))
    return np.stack(means, axis=1)


def _blur(values: np.ndarray, width: float) -> np.ndarray:
    """A Gaussian blur of this width in pixels, of each channel by itself; what is missing has no part in it."""
    from scipy.ndimage import gaussian_filter

    numbers = values.astype(np.float64)
    sigma = (*[width] * (values.ndim - 1), 0)
    is_missing = np.isnan(numbers)
    if not is_missing.any():
        return np.asarray(np.clip(gaussian_filter(numbers, sigma, mode="nearest"), values.min(), values.max()))
    mean, _, low, high = summarise_known(numbers, tuple(range(values.ndim - 1)))
    shares = gaussian_filter((~is_missing).astype(np.float64), sigma, mode="nearest")
    sums = gaussian_filter(np.where(is_missing, 0.0, numbers), sigma, mode="nearest")
    is_near = shares > _LEAST_SHARE
    return np.asarray(np.clip(np.where(is_near, sums / np.where(is_near, shares, 1.0), mean), low, high))


def _paint_superpixels(fill: Callable[[np.ndarray, np.ndarray], Any], picture: Picture, labels: np.ndarray) -> np.ndarray:
    """Ask the user's function for each superpixel in turn, as if it were the only absent one: inpainting, for example."""
    image = picture.for_users_functions
    filling = np.empty_like(picture.values, dtype=np.float64)
    for number in range(int(labels.max()) + 1):
        mask = labels == number
        with user_function("fill(image, mask)", InstanceError, f"for superpixel {number}"):
            painted = np.asarray(fill(image.copy(), mask.copy()))
        if painted.shape != image.shape:
            raise InstanceError(f"fill(image, mask) must return an image of shape {image.shape}; it returned {painted.shape}.")
        if painted.dtype.kind == "f" and image.dtype.kind in "ui" and painted.max() <= 1 < image.max():
            raise InstanceError(
                f"fill(image, mask) returned floats from 0 to 1 for an image of {image.dtype}, as scikit-image's functions do; "
                f"return numbers in the image's own units."
            )
        pixels = painted.reshape(picture.values.shape)[mask]
        if not np.isfinite(pixels).all():
            raise InstanceError(f"fill(image, mask) returned NaN or infinity for superpixel {number}.")
        filling[mask] = pixels
    return filling
