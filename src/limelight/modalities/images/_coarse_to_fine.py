"""Superpixels found in a small copy of an image, whose borders are then drawn at the image's own resolution."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from limelight.exceptions import require

__all__ = ["segment_coarsely"]


def segment_coarsely(
    image: np.ndarray, segment: Callable[[np.ndarray, int], np.ndarray], compactness: float, most_pixels: int
) -> np.ndarray:
    """Halve an image until it is small enough, segment that, and double the label map, with finer borders each time.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3) or (depth, height, width, 3), uint8
        Red, green and blue.
    segment : callable
        ``segment(colours, step)`` gives a label map from 0 for a small image, whose colours are CIE Lab in single precision;
        each of its pixels is `step` of the image's wide.
    compactness : float
        How much nearness in place counts against nearness in colour, as in slic.
    most_pixels : int
        The largest number of pixels of the image that is segmented.

    Returns
    -------
    labels : ndarray of the image's shape without colours, int
    """
    pyramid = [image.astype(np.float32)]
    while math.prod(pyramid[-1].shape[:-1]) > most_pixels:
        pyramid.append(_halve(pyramid[-1]))
    low, high = pyramid[-1].min(), pyramid[-1].max()
    step = 2 ** (len(pyramid) - 1)

    def to_lab(colours: np.ndarray) -> np.ndarray:
        """Stretched to the range from black to white, as scikit-image's slic does; distances in Lab are like those seen."""
        color = require("skimage.color", extra="image", purpose="a segmentation into superpixels")
        return np.asarray(color.rgb2lab(np.clip((colours - low) / ((high - low) or 1), 0, 1)))

    colours = to_lab(pyramid.pop())
    labels = segment(colours, step)
    count = int(labels.max()) + 1
    weight = compactness / (image[..., 0].size / count) ** (1 / labels.ndim)  # of a pixel's width, against colours
    means = _means(labels, _features(colours, np.indices(labels.shape), step, weight), count)
    while pyramid:
        fine, step = pyramid.pop(), step // 2
        for axis, size in enumerate(fine.shape[:-1]):
            labels = np.repeat(labels, 2, axis=axis).take(range(size), axis=axis)
        towards = list(_find_borders(labels))
        is_border = np.zeros(labels.size, dtype=bool)
        for pixels, _ in towards:
            is_border[pixels] = True
        border = np.flatnonzero(is_border)
        places = np.unravel_index(border, labels.shape)
        features = _features(to_lab(fine[places]), places, step, weight)
        labels = _move_borders(labels, border, features, means, towards)
    return labels


def _halve(image: np.ndarray) -> np.ndarray:
    """The means of two by two pixels; the last row or column of an odd number stays as it is."""
    for axis in range(image.ndim - 1):
        before, after = (image[(*[slice(None)] * axis, slice(first, None, 2))] for first in (0, 1))
        halved = before.copy()
        paired = (*[slice(None)] * axis, slice(after.shape[axis]))
        halved[paired] += after
        halved[paired] /= 2
        image = halved
    return image


def _features(colours: np.ndarray, places: Iterable[np.ndarray], step: int, weight: float) -> np.ndarray:
    """Colours and weighted places, of shape (n, 5 or 6), whose distances are slic's."""
    in_image = (np.asarray(((place + 0.5) * step * weight).reshape(-1), dtype=np.float32) for place in places)
    return np.stack([*colours.reshape(-1, 3).T, *in_image], axis=1)


def _means(labels: np.ndarray, features: np.ndarray, count: int) -> np.ndarray:
    """The mean features of each superpixel."""
    numbers = labels.reshape(-1)
    sums = [np.bincount(numbers, column, count) for column in features.T]
    return np.asarray((np.array(sums) / np.bincount(numbers, minlength=count)).T, dtype=np.float32)


def _find_borders(labels: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """For each direction, the flat places of pixels whose neighbour has another label, and the way to that neighbour."""
    for axis in range(labels.ndim):
        is_other = np.zeros(labels.shape, dtype=bool)
        is_other[(*[slice(None)] * axis, slice(-1))] = np.diff(labels, axis=axis) != 0
        pixels, way = np.flatnonzero(is_other), math.prod(labels.shape[axis + 1 :])
        yield pixels, way
        yield pixels + way, -way


def _move_borders(
    labels: np.ndarray,
    border: np.ndarray,
    features: np.ndarray,
    means: np.ndarray,
    towards: Iterable[tuple[np.ndarray, int]],
) -> np.ndarray:
    """Give each pixel at a border to the nearest of its own and its neighbours' superpixels.

    It is a step of slic's (Achanta et al., IEEE TPAMI 34 (11), 2012), for these pixels only.
    """
    flat = labels.reshape(-1)
    row = np.empty(flat.size, dtype=np.intp)
    row[border] = np.arange(len(border))
    nearest = flat[border]
    least = _squares(features - means[nearest])
    for pixels, way in towards:
        rows, others = row[pixels], flat[pixels + way]
        distances = _squares(features[rows] - means[others])
        is_nearer = distances < least[rows]
        least[rows[is_nearer]] = distances[is_nearer]
        nearest[rows[is_nearer]] = others[is_nearer]
    moved = flat.copy()
    moved[border] = nearest
    return moved.reshape(labels.shape)


def _squares(differences: np.ndarray) -> np.ndarray:
    """The squared length of each row."""
    return np.asarray(np.einsum("ij,ij->i", differences, differences))
