"""An image and its superpixels as plain data, and what given weights show in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from limelight._checks import check_count
from limelight.exceptions import ArgumentError
from limelight.results._packing import check_unpacked_size, pack, unpack
from limelight.results._segmented_view import AGAINST, FOR, SegmentedView

__all__ = ["AGAINST", "CHANNEL_COUNTS", "FOR", "ImageView"]

CHANNEL_COUNTS = (1, 3, 4)  # grey, RGB and RGBA


@dataclass(frozen=True, repr=False)
class ImageView(SegmentedView):
    """An image as a person sees it, and which superpixel each of its pixels belongs to.

    Where a method takes `weights`, these are pairs of a superpixel's number and its weight, as ``explanation.as_map()[label]``
    gives them.

    Parameters
    ----------
    height, width : int
        The image's size in pixels.
    pixels : bytes
        Red, green and blue of each pixel, row by row.
    labels : bytes
        For each pixel the number of its superpixel, a little-endian integer of four bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.extend import ImageView
    >>> view = ImageView.of(np.zeros((1, 2, 3), dtype=np.uint8), np.array([[0, 1]]))
    >>> view.heat_map([(1, 0.5)]).tolist()
    [[0.0, 0.5]]
    """

    kind: ClassVar[str] = "image"
    height: int
    width: int
    pixels: bytes
    labels: bytes

    @classmethod
    def of(cls, picture: np.ndarray, segments: np.ndarray) -> "ImageView":
        """Make a view from arrays.

        Parameters
        ----------
        picture : ndarray of shape (height, width, 3), uint8
            Red, green and blue of each pixel.
        segments : ndarray of shape (height, width), int
            The number of each pixel's superpixel, from 0.
        """
        height, width = segments.shape
        return cls(height, width, picture.astype(np.uint8).tobytes(), segments.astype("<i4").tobytes())

    @cached_property
    def picture(self) -> np.ndarray:
        """The image, of shape (height, width, 3), uint8; read-only."""
        return np.frombuffer(self.pixels, dtype=np.uint8).reshape(self.height, self.width, 3)

    @cached_property
    def segments(self) -> np.ndarray:
        """The superpixels' numbers, of shape (height, width); read-only."""
        return np.frombuffer(self.labels, dtype="<i4").reshape(self.height, self.width)

    def values(self) -> dict[int, str]:
        """For each superpixel's number, the rows and columns that it spans."""
        count = int(self.segments.max()) + 1
        ends = []
        for segments in (self.segments, self.segments.T):
            numbers = segments.reshape(-1)
            places = np.repeat(np.arange(len(segments)), segments.shape[1])
            low, high = np.full(count, places.size), np.zeros(count, dtype=int)
            high[numbers] = places  # of several places, the last is kept
            low[numbers[::-1]] = places[::-1]
            ends.append((low.tolist(), high.tolist()))
        (tops, bottoms), (lefts, rights) = ends
        return {i: f"rows {tops[i]}-{bottoms[i]}, columns {lefts[i]}-{rights[i]}" for i in range(count)}

    def _facts(self) -> dict[str, int | str]:
        return {"height": self.height, "width": self.width, "components": int(self.segments.max()) + 1}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        return {
            "kind": self.kind,
            "height": self.height,
            "width": self.width,
            "pixels": pack(self.pixels),
            "labels": pack(self.labels),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ImageView":
        """Rebuild a view from what `to_dict` gave.

        Raises
        ------
        ArgumentError
            If the pixels or the superpixels' numbers cannot be read, or do not fit the image's size.
        """
        height, width = (check_count(side, data[side], 1) for side in ("height", "width"))
        packed_size = len(data["pixels"]) + len(data["labels"])
        check_unpacked_size(7 * height * width, packed_size, f"an image of {height} x {width} pixels")
        pixels, labels = (
            unpack(data[name], size * height * width, "the image's pixels or labels")
            for name, size in (("pixels", 3), ("labels", 4))
        )
        if len(pixels) != 3 * height * width or len(labels) != 4 * height * width:
            raise ArgumentError(
                f"an image of {height} x {width} pixels needs {3 * height * width} bytes of pixels and {4 * height * width} of "
                f"labels; got {len(pixels)} and {len(labels)}."
            )
        view = cls(height, width, pixels, labels)
        view._check_numbers("an image's superpixels")
        return view

    def __reduce__(self) -> tuple[type["ImageView"], tuple[int, int, bytes, bytes]]:
        """Leave the cached arrays out of pickles."""
        return ImageView, (self.height, self.width, self.pixels, self.labels)
