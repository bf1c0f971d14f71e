"""Which pixels belong together: segmentations of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_count, check_number, check_numbers
from limelight._errors import ArgumentError, ArgumentTypeError, InstanceError, require
from limelight.modalities._label_maps import Segmentation, label_map
from limelight.modalities.images._picture import Picture
from limelight.results.explanation import Explanation
from limelight.results.views import ImageView

__all__ = [
    "SEGMENTATIONS",
    "Felzenszwalb",
    "Grid",
    "Pixels",
    "Quickshift",
    "Refined",
    "Slic",
    "Watershed",
    "superpixels",
]

_USUAL = 60
_FINEST = 4  # pixels a superpixel, on average
_FEWEST = 64  # superpixels that any image may have: an 8 x 8 digit's pixels
_ENOUGH = 2**17  # pixels that show where some dozens of superpixels are


@dataclass(frozen=True)
class Slic:
    """Clusters of pixels near in place and colour (Achanta et al., IEEE TPAMI 34 (11), 2012), by scikit-image.

    Large images are segmented at a lower resolution.

    Parameters
    ----------
    n_segments : int, optional
        About how many superpixels; by default 60, or fewer in a small image.
    compactness : float, default 20
        How much nearness in place counts against nearness in colour.
    sigma : float, default 1
        The width of the smoothing beforehand, in pixels.
    iterations : int, default 3
        The steps of the clustering: the superpixels hardly change after three.

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

    def __post_init__(self) -> None:
        _check_usual_count(self.n_segments)
        check_number("compactness", self.compactness, 0, inclusive=False)
        check_number("sigma", self.sigma, 0)
        check_count("iterations", self.iterations, 1)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Superpixels of a picture of shape (height, width, 3), uint8."""
        height, width = image.shape[:2]
        count = self.n_segments or _usual_count(image)
        if count == 1:
            return np.zeros((height, width), dtype=np.intp)
        step = int(np.ceil(np.sqrt(height * width / max(_ENOUGH, 16 * count))))
        found = _skimage().slic(
            np.ascontiguousarray(image[::step, ::step]),
            n_segments=count,
            compactness=self.compactness,
            sigma=self.sigma,
            max_num_iter=self.iterations,
            start_label=0,
            channel_axis=-1,
        )
        if step > 1:
            found = np.repeat(np.repeat(found, step, axis=0), step, axis=1)[:height, :width]
        return np.asarray(found)


@dataclass(frozen=True)
class Quickshift:
    """Modes of a density over place and colour (Vedaldi and Soatto, ECCV 2008), by scikit-image; lime's default, and slow.

    Parameters
    ----------
    kernel_size : float, default 4
        The width of the density's kernel, in pixels.
    max_dist : float, default 200
        How far apart pixels of a superpixel may be linked.
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
        found = _skimage().quickshift(image, kernel_size=self.kernel_size, max_dist=self.max_dist, ratio=self.ratio)
        return np.asarray(found)


@dataclass(frozen=True)
class Felzenszwalb:
    """Regions of a graph of neighbouring pixels (Felzenszwalb and Huttenlocher, IJCV 59 (2), 2004), by scikit-image.

    Parameters
    ----------
    scale : float, default 100
        Larger values give larger superpixels.
    sigma : float, default 0.8
        The width of the smoothing beforehand, in pixels.
    min_size : int, optional
        The least number of pixels of a superpixel; by default a quarter of what 60 equal ones would have.

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
        least = self.min_size or max(_FINEST, image.shape[0] * image.shape[1] // (4 * _USUAL))
        found = _skimage().felzenszwalb(image, scale=self.scale, sigma=self.sigma, min_size=least, channel_axis=-1)
        return np.asarray(found)


@dataclass(frozen=True)
class Grid:
    """Rectangles, as square as they can be.

    Parameters
    ----------
    n_segments : int, optional
        About how many; by default 60, or fewer in a small image.

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
        _check_usual_count(self.n_segments)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Rectangles of an image of shape (height, width, ...)."""
        height, width = image.shape[:2]
        count = self.n_segments or _usual_count(image)
        rows = min(height, max(1, round(np.sqrt(count * height / width))))
        columns = min(width, max(1, round(count / rows)))
        return np.asarray(np.add.outer(np.arange(height) * rows // height * columns, np.arange(width) * columns // width))


@dataclass(frozen=True)
class Pixels:
    """Every pixel by itself, for the smallest of images.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Pixels
    >>> Pixels()(np.zeros((2, 2, 3), dtype=np.uint8)).tolist()
    [[0, 1], [2, 3]]
    """

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """A number for each pixel of an image of shape (height, width, ...)."""
        height, width = image.shape[:2]
        return np.arange(height * width).reshape(height, width)


@dataclass(frozen=True, eq=False)
class Watershed:
    """Basins between the ridges of an edge map of the user's, by scikit-image.

    Parameters
    ----------
    edges : ndarray of shape (height, width)
        How strong an edge runs through each pixel.
    n_segments : int, optional
        About how many; by default 60, or fewer in a small image.

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
        object.__setattr__(self, "edges", check_numbers("edges", self.edges, 2).copy())
        if not np.isfinite(self.edges).all():
            raise ArgumentError("edges must be finite numbers; got NaN or infinity.")
        _check_usual_count(self.n_segments)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Basins of the edge map; of the image, only the size is looked at."""
        if np.shape(self.edges) != image.shape[:2]:
            raise InstanceError(f"edges have shape {np.shape(self.edges)}; the image is {image.shape[0]} x {image.shape[1]}.")
        count = self.n_segments or _usual_count(image)
        return np.asarray(_skimage().watershed(self.edges, markers=count, compactness=0.0))


@dataclass(frozen=True, eq=False)
class Refined:
    """The superpixels of an explanation, the heaviest of them cut into pieces: a closer look at what matters.

    Parameters
    ----------
    explanation : Explanation
        Of the same image.
    heaviest : int, default 3
        How many superpixels to cut, those with the largest absolute weights.
    pieces : int, default 4
        Into about how many pieces each.
    label : int, optional
        Whose weights count; by default the explanation's default label.

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
        if not isinstance(self.explanation, Explanation) or not isinstance(self.explanation.view, ImageView):
            raise ArgumentTypeError("Refined needs the explanation of an image.")
        check_count("heaviest", self.heaviest, 1)
        check_count("pieces", self.pieces, 2)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Superpixels of the same image, uint8, as fine as they were except in the heaviest."""
        view = self.explanation.view
        assert isinstance(view, ImageView)
        coarse = view.segments
        if coarse.shape != image.shape[:2]:
            raise InstanceError(
                f"the explanation to refine is of {coarse.shape[0]} x {coarse.shape[1]} pixels; "
                f"the image is {image.shape[0]} x {image.shape[1]}."
            )
        surrogate = self.explanation.surrogate(self.label)
        finer = coarse.astype(np.intp)
        for number in surrogate.components[: self.heaviest]:
            inside = coarse == number
            rows, columns = (slice(where.min(), where.max() + 1) for where in np.nonzero(inside))
            window = np.s_[rows, columns]
            cut = Slic(self.pieces)
            pieces = _skimage().slic(
                np.ascontiguousarray(image[window]),
                n_segments=self.pieces,
                compactness=cut.compactness,
                max_num_iter=cut.iterations,
                mask=inside[window],
                start_label=1,
                channel_axis=-1,
            )
            finer[window] += np.where(pieces > 1, finer.max() + pieces - finer[window], 0)
        return finer


SEGMENTATIONS: dict[str, Any] = {
    "slic": Slic,
    "quickshift": Quickshift,
    "felzenszwalb": Felzenszwalb,
    "grid": Grid,
    "pixels": Pixels,
}
_OWN = (Slic, Quickshift, Felzenszwalb, Grid, Pixels, Watershed, Refined)


def superpixels(segmentation: Segmentation, picture: Picture, shown: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which superpixel, 0 to d - 1, each pixel belongs to, and the superpixels' names.

    Raises
    ------
    ArgumentTypeError
        If a callable gives no label map of integers.
    InstanceError
        If the label map does not fit the image, or has nearly as many superpixels as pixels.
    """
    found = label_map(segmentation, shown if isinstance(segmentation, _OWN) else picture.as_given)
    height, width = shown.shape[:2]
    if found.shape != (height, width):
        raise InstanceError(f"the label map has shape {found.shape}; the image is {height} x {width}.")
    numbers, labels = np.unique(found, return_inverse=True)
    most = max(_FEWEST, found.size // _FINEST)
    if len(numbers) > most:
        raise InstanceError(
            f"the segmentation gives {len(numbers)} superpixels for {found.size} pixels; at most {most} can be explained. "
            f"Give a coarser one."
        )
    return labels.reshape(height, width), tuple(f"superpixel {int(number)}" for number in numbers.tolist())


def _check_usual_count(count: int | None) -> None:
    if count is not None:
        check_count("n_segments", count, 1)


def _usual_count(image: np.ndarray) -> int:
    height, width = (int(size) for size in image.shape[:2])
    return min(_USUAL, max(1, height * width // (2 * _FINEST)))


def _skimage() -> Any:
    return require("skimage.segmentation", extra="image", purpose="a segmentation into superpixels")
