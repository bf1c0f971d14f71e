"""Segmentations of images and volumes: which pixels belong together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_count, check_number, check_numbers
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, require
from limelight.modalities._label_maps import Segmenter
from limelight.modalities.images._coarse_to_fine import segment_coarsely
from limelight.results.equality import EqualityMixin
from limelight.results.explanation import Explanation
from limelight.results.views import ImageView, View, VolumeView

__all__ = [
    "LEAST_MEAN_PIXELS",
    "SEGMENTATIONS",
    "SEGMENTERS",
    "Felzenszwalb",
    "Grid",
    "Pixels",
    "Quickshift",
    "Refined",
    "Slic",
    "Watershed",
]

_DEFAULT_COUNT = 60  # superpixels
LEAST_MEAN_PIXELS = 4  # in a superpixel
_LEAST_WIDTH = 0.5  # in pixels of a halved image: a narrower Gaussian changes no border, but takes a millisecond


@dataclass(frozen=True, repr=False)
class Slic(Segmenter):
    """Clusters of pixels near in place and colour (Achanta et al., IEEE TPAMI 34 (11), 2012), by scikit-image.

    Large images are segmented at a lower resolution. Borders are then drawn at their own.

    Parameters
    ----------
    n_segments : int, optional
        The approximate number of superpixels; by default 60, or fewer in a small image.
    compactness : float, default 20
        How much nearness in place counts against nearness in colour.
    sigma : float, default 1
        The width in pixels of the Gaussian that smooths the image first.
    iterations : int, default 3
        The steps of the clustering. Superpixels hardly change after three.
    most_pixels : int, default 24000
        An image of more pixels is halved until it has no more, and segmented then. More pixels take more time, and give
        superpixels that follow fine structures no better.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Slic
    >>> Slic(n_segments=4)(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).shape
    (32, 32)
    """

    n_segments: int | None = None
    compactness: float = 20.0
    sigma: float = 1.0
    iterations: int = 3
    most_pixels: int = 24_000

    def __post_init__(self) -> None:
        _check_n_segments(self.n_segments)
        check_number("compactness", self.compactness, 0, inclusive=False)
        check_number("sigma", self.sigma, 0)
        check_count("iterations", self.iterations, 1)
        check_count("most_pixels", self.most_pixels, 1)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Superpixels of a picture of shape (height, width, 3) or (depth, height, width, 3), uint8."""
        count = self.n_segments or _default_count(image)
        if count == 1:
            return np.zeros(image.shape[:-1], dtype=np.intp)

        def cluster(colours: np.ndarray, step: int) -> np.ndarray:
            # Means of `step` pixels in a row are smoother already: by the variance of so many.
            width = math.sqrt(max(self.sigma**2 - (step**2 - 1) / 12, 0)) / step
            labels = _require_skimage().slic(
                colours,
                n_segments=count,
                compactness=self.compactness / (np.ptp(colours) or 1),  # slic divides colours by their range
                sigma=width if step == 1 or width >= _LEAST_WIDTH else 0,
                max_num_iter=self.iterations,
                start_label=0,
                channel_axis=-1,
                convert2lab=False,
            )
            return np.asarray(labels)

        labels = segment_coarsely(image, cluster, self.compactness, max(self.most_pixels, 16 * count))
        return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)  # a superpixel may have lost its last pixel


@dataclass(frozen=True, repr=False)
class Quickshift(Segmenter):
    """Modes of a density over place and colour (Vedaldi and Soatto, ECCV 2008), by scikit-image; lime's default, and slow.

    Parameters
    ----------
    kernel_size : float, default 4
        The width in pixels of the density's kernel.
    max_dist : float, default 200
        The largest distance between two linked pixels of a superpixel.
    ratio : float, default 0.2
        How much nearness in colour counts against nearness in place, from 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Quickshift
    >>> Quickshift(kernel_size=2)(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)).shape
    (16, 16)
    """

    kernel_size: float = 4.0
    max_dist: float = 200.0
    ratio: float = 0.2

    def __post_init__(self) -> None:
        check_number("kernel_size", self.kernel_size, 1)
        check_number("max_dist", self.max_dist, 0, inclusive=False)
        check_number("ratio", self.ratio, 0)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Superpixels of a picture of shape (height, width, 3), uint8."""
        _refuse_volume("quickshift", image)
        labels = _require_skimage().quickshift(image, kernel_size=self.kernel_size, max_dist=self.max_dist, ratio=self.ratio)
        return np.asarray(labels)


@dataclass(frozen=True, repr=False)
class Felzenszwalb(Segmenter):
    """Regions of a graph of neighbouring pixels (Felzenszwalb and Huttenlocher, IJCV 59 (2), 2004), by scikit-image.

    Parameters
    ----------
    scale : float, default 100
        Larger values give larger superpixels.
    sigma : float, default 0.8
        The width in pixels of the Gaussian that smooths the image first.
    min_size : int, optional
        The smallest superpixel, in pixels; by default a quarter of one of 60 equal superpixels.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Felzenszwalb
    >>> Felzenszwalb()(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)).shape
    (16, 16)
    """

    scale: float = 100.0
    sigma: float = 0.8
    min_size: int | None = None

    def __post_init__(self) -> None:
        check_number("scale", self.scale, 0, inclusive=False)
        check_number("sigma", self.sigma, 0)
        if self.min_size is not None:
            check_count("min_size", self.min_size, 1)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Superpixels of a picture of shape (height, width, 3), uint8."""
        _refuse_volume("felzenszwalb", image)
        min_size = self.min_size or max(LEAST_MEAN_PIXELS, image.shape[0] * image.shape[1] // (4 * _DEFAULT_COUNT))
        labels = _require_skimage().felzenszwalb(image, scale=self.scale, sigma=self.sigma, min_size=min_size, channel_axis=-1)
        return np.asarray(labels)


@dataclass(frozen=True, repr=False)
class Grid(Segmenter):
    """Rectangles that are nearly squares; boxes that are nearly cubes of a volume.

    Parameters
    ----------
    n_segments : int, optional
        The approximate number of superpixels; by default 60, or fewer in a small image.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Grid
    >>> Grid(n_segments=2)(np.zeros((2, 4, 3), dtype=np.uint8))
    array([[0, 0, 1, 1],
           [0, 0, 1, 1]])
    """

    n_segments: int | None = None

    def __post_init__(self) -> None:
        _check_n_segments(self.n_segments)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Rectangles of an image, or boxes of a volume, whose last axis has the channels."""
        shape = _find_size(image)
        remaining: float = self.n_segments or _default_count(image)
        labels = np.zeros((1,) * len(shape), dtype=np.intp)
        for axis, size in enumerate(shape):
            # So many that the boxes' other sides, which all the axes that follow share, come out as long as this one.
            others = shape[axis + 1 :]
            wanted = remaining * size ** len(others) / math.prod(others)
            count = min(size, max(1, round(wanted if not others else np.sqrt(wanted) if len(others) == 1 else np.cbrt(wanted))))
            remaining /= count
            places = np.arange(size) * count // size
            labels = labels * count + places.reshape([-1 if other == axis else 1 for other in range(len(shape))])
        return labels


@dataclass(frozen=True, repr=False)
class Pixels(Segmenter):
    """Every pixel by itself, for very small images.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Pixels
    >>> Pixels()(np.zeros((2, 2, 3), dtype=np.uint8)).tolist()
    [[0, 1], [2, 3]]
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """A number for each pixel of an image or a volume, whose last axis has the channels."""
        shape = _find_size(image)
        return np.arange(math.prod(shape)).reshape(shape)


@dataclass(frozen=True, eq=False, repr=False)
class Watershed(Segmenter, EqualityMixin):
    """Basins between the ridges of the user's edge map, by scikit-image.

    Parameters
    ----------
    edges : ndarray of shape (height, width), or (depth, height, width) for a volume
        The strength of the edge at each pixel.
    n_segments : int, optional
        The approximate number of superpixels; by default 60, or fewer in a small image.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Watershed
    >>> ridge = np.zeros((8, 8))
    >>> ridge[:, 4] = 1.0
    >>> len(np.unique(Watershed(ridge, n_segments=4)(np.zeros((8, 8, 3), dtype=np.uint8))))
    4
    """

    edges: np.ndarray
    n_segments: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", check_numbers("edges", self.edges, 3 if np.ndim(self.edges) == 3 else 2).copy())
        if not np.isfinite(self.edges).all():
            raise ArgumentError("edges must be finite numbers; got NaN or infinity.")
        _check_n_segments(self.n_segments)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Basins of the edge map; the image only has to be of the same size."""
        if np.shape(self.edges) != _find_size(image):
            raise InstanceError(f"edges have shape {np.shape(self.edges)}; the image is {_describe_size(image)}.")
        count = self.n_segments or _default_count(image)
        return np.asarray(_require_skimage().watershed(self.edges, markers=count, compactness=0.0))


@dataclass(frozen=True, eq=False, repr=False)
class Refined(Segmenter, EqualityMixin):
    """The superpixels of an explanation, with the heaviest cut into pieces: a closer look at what matters.

    Parameters
    ----------
    explanation : Explanation
        An explanation of the same image.
    heaviest : int, default 3
        The number of superpixels to cut: those with the largest absolute weights.
    pieces : int, default 4
        The approximate number of pieces of each.
    label : int, optional
        The label whose weights count; by default the explanation's default label.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight import ImageExplainer
    >>> from limelight.segmentation import Grid, Refined
    >>> image = np.zeros((16, 16), dtype=np.uint8)
    >>> image[:8, :8] = 200
    >>> def corner(images):
    ...     return images[:, :4, :4].mean(axis=(1, 2))
    >>> coarse = ImageExplainer(segmentation=Grid(4), fill=0).explain_instance(image, corner)
    >>> finer = ImageExplainer(segmentation=Refined(coarse, heaviest=1), fill=0).explain_instance(image, corner)
    >>> len(coarse.names), len(finer.names), finer.as_list()[0][0]
    (4, 7, 'superpixel 0')
    """

    explanation: Explanation
    heaviest: int = 3
    pieces: int = 4
    label: int | None = None

    def __post_init__(self) -> None:
        view = getattr(self.explanation, "view", None)
        if not isinstance(self.explanation, Explanation) or not isinstance(view, (ImageView, VolumeView)):
            got = f"one of kind {view.kind!r}" if isinstance(view, View) else type(self.explanation).__name__
            raise ArgumentTypeError(f"Refined needs the explanation of an image; got {got}.")
        check_count("heaviest", self.heaviest, 1)
        check_count("pieces", self.pieces, 2)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Superpixels of the same image, of shape (..., 3), uint8; only the heaviest are finer than they were."""
        view = self.explanation.view
        assert isinstance(view, (ImageView, VolumeView))
        coarse = view.segments
        if coarse.shape != image.shape[:-1]:
            raise InstanceError(
                f"the explanation to refine is of {' x '.join(map(str, coarse.shape))} pixels; "
                f"the image is {_describe_size(image)}."
            )
        surrogate = self.explanation.surrogate(self.label)
        finer = coarse.astype(np.intp)
        for number in surrogate.components[: self.heaviest]:
            is_inside = coarse == number
            window = tuple(slice(places.min(), places.max() + 1) for places in np.nonzero(is_inside))
            pieces = _require_skimage().slic(
                np.ascontiguousarray(image[window]),
                n_segments=self.pieces,
                compactness=Slic.compactness,
                max_num_iter=Slic.iterations,
                mask=is_inside[window],
                start_label=1,
                channel_axis=-1,
            )
            # The first piece keeps the superpixel's number, and the others get new ones.
            finer[window] += np.where(pieces > 1, finer.max() + pieces - finer[window], 0)
        return finer


SEGMENTATIONS: dict[str, Any] = {
    "slic": Slic,
    "quickshift": Quickshift,
    "felzenszwalb": Felzenszwalb,
    "grid": Grid,
    "pixels": Pixels,
}
SEGMENTERS = (Slic, Quickshift, Felzenszwalb, Grid, Pixels, Watershed, Refined)


def _check_n_segments(n_segments: int | None) -> None:
    if n_segments is not None:
        check_count("n_segments", n_segments, 1)


def _default_count(image: np.ndarray) -> int:
    """The default number of superpixels: fewer than usual if they would have less than twice the least mean size."""
    return min(_DEFAULT_COUNT, max(1, math.prod(_find_size(image)) // (2 * LEAST_MEAN_PIXELS)))


def _find_size(image: np.ndarray) -> tuple[int, ...]:
    """The shape of an image without its last axis, which has the channels; an array of two axes has none."""
    return image.shape if image.ndim == 2 else image.shape[:-1]


def _describe_size(image: np.ndarray) -> str:
    return " x ".join(map(str, _find_size(image)))


def _refuse_volume(name: str, image: np.ndarray) -> None:
    if image.ndim > 3:
        raise InstanceError(
            f"{name} takes images of two axes; this one is {_describe_size(image)}. Give 'slic', 'grid', a callable or a label "
            f"map of that shape."
        )


def _require_skimage() -> Any:
    return require("skimage.segmentation", extra="image", purpose="a segmentation into superpixels")
