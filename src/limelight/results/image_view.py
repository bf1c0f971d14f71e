"""An image and its superpixels as plain data, and what given weights show in them."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from zlib import compress, decompressobj
from zlib import error as zlib_error

import numpy as np

from limelight._checks import check_count, check_number
from limelight.exceptions import ArgumentError
from limelight.results._view import View

__all__ = ["AGAINST", "CHANNEL_COUNTS", "FOR", "ImageView"]

# The pages' colours for and against an output.
FOR = "#0062b2"
AGAINST = "#c45c00"
_FOR_RGB = np.array([*bytes.fromhex(FOR[1:])])
_AGAINST_RGB = np.array([*bytes.fromhex(AGAINST[1:])])
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601

CHANNEL_COUNTS = (1, 3, 4)  # grey, RGB and RGBA
_LEAST_VISIBLE_SHARE = 0.005  # of the heaviest weight

Weights = Sequence[tuple[int, float]]


@dataclass(frozen=True, repr=False)
class ImageView(View):
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

    @cached_property
    def outlines(self) -> np.ndarray:
        """Whether a pixel's neighbour to the right or below is in another superpixel; bool, of shape (height, width)."""
        edges = np.zeros(self.segments.shape, dtype=bool)
        edges[:, :-1] |= self.segments[:, 1:] != self.segments[:, :-1]
        edges[:-1] |= self.segments[1:] != self.segments[:-1]
        return edges

    def values(self) -> dict[int, str]:
        """For each superpixel's number, the rows and columns that it spans."""
        count = int(self.segments.max()) + 1
        ends = []
        for axis in (0, 1):
            places = np.broadcast_to(np.expand_dims(np.arange(self.segments.shape[axis]), 1 - axis), self.segments.shape)
            low, high = np.full(count, places.size), np.zeros(count, dtype=int)
            np.minimum.at(low, self.segments, places)
            np.maximum.at(high, self.segments, places)
            ends.append((low.tolist(), high.tolist()))
        (tops, bottoms), (lefts, rights) = ends
        return {i: f"rows {tops[i]}-{bottoms[i]}, columns {lefts[i]}-{rights[i]}" for i in range(count)}

    def heat_map(self, weights: Weights) -> np.ndarray:
        """The weight of each pixel's superpixel; 0 where the superpixel has none.

        Parameters
        ----------
        weights : sequence of (int, float)
            Superpixels' numbers and weights.

        Returns
        -------
        heat : ndarray of shape (height, width), float
            In units of the model's output.

        Raises
        ------
        ArgumentError
            If the weights are not such pairs, or the image lacks a superpixel.
        """
        by_segment = np.zeros(int(self.segments.max()) + 1)
        for number, weight in _check_weights(weights, len(by_segment)):
            by_segment[number] = weight
        return np.asarray(by_segment[self.segments])

    def overlay(self, weights: Weights, *, outlines: bool = True) -> np.ndarray:
        """The image in grey, tinted blue where a superpixel speaks for the output and orange where it speaks against.

        The heavier the weight, the stronger the tint. Outlines are drawn around the superpixels that have a weight.

        Parameters
        ----------
        weights : sequence of (int, float)
            Superpixels' numbers and weights.
        outlines : bool, default True
            Whether to draw outlines.

        Returns
        -------
        picture : ndarray of shape (height, width, 3), uint8
        """
        heat = self.heat_map(weights)
        strength = 0.65 * np.abs(heat) / (np.abs(heat).max() or 1.0)
        hue = np.where((heat > 0)[..., None], _FOR_RGB, _AGAINST_RGB)
        # Towards white, so that both hues can be told apart on dark ground.
        grey = 0.75 * (self.picture @ _LUMA) + 0.25 * 255
        tinted = grey[..., None] * (1 - strength[..., None]) + hue * strength[..., None]
        if outlines:
            least_visible = _LEAST_VISIBLE_SHARE * np.abs(heat).max()
            edges = self._outlines_of([number for number, weight in weights if abs(weight) > least_visible])
            tinted[edges] = np.where(heat[edges, None] != 0, 0.6 * hue[edges], 90)
        return np.asarray(np.rint(tinted).astype(np.uint8))

    def get_image_and_mask(
        self,
        weights: Weights,
        *,
        positive_only: bool = True,
        negative_only: bool = False,
        hide_rest: bool = False,
        num_features: int = 5,
        min_weight: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The image and a mask of its heaviest superpixels, as lime's ``ImageExplanation`` gives them.

        Parameters
        ----------
        weights : sequence of (int, float)
            Superpixels' numbers and weights, heaviest first.
        positive_only : bool, default True
            Take only superpixels that speak for the output.
        negative_only : bool, default False
            Take only superpixels that speak against the output. With neither, both kinds are taken; those for it are painted
            green, those against it red.
        hide_rest : bool, default False
            Whether to blacken everything else.
        num_features : int, default 5
            How many superpixels to take at most.
        min_weight : float, default 0
            Take superpixels whose weight is larger than this, whatever its sign.

        Returns
        -------
        image : ndarray of shape (height, width, 3), uint8
        mask : ndarray of shape (height, width), int8
            1 in taken superpixels that speak for the output (with `negative_only`, in all that are taken), -1 in taken ones
            that speak against it, 0 elsewhere.

        Raises
        ------
        ArgumentError
            If both `positive_only` and `negative_only` are given, or a number is not allowed.
        """
        if positive_only and negative_only:
            raise ArgumentError("positive_only and negative_only exclude each other; give one of them, or neither.")
        num_features = check_count("num_features", num_features, 1)
        min_weight = check_number("min_weight", min_weight, 0)
        signs = (1,) if positive_only else (-1,) if negative_only else (1, -1)
        taken = [(number, weight) for number, weight in weights if np.sign(weight) in signs and abs(weight) > min_weight]
        heat = self.heat_map(taken[:num_features])
        image = np.where((heat != 0)[..., None] | (not hide_rest), self.picture, 0).astype(np.uint8)
        if not (positive_only or negative_only):
            image[heat > 0, 1] = 255
            image[heat < 0, 0] = 255
        mask = np.sign(heat) if not negative_only else heat != 0
        return image, mask.astype(np.int8)

    def _outlines_of(self, numbers: Iterable[int]) -> np.ndarray:
        """The edges of these superpixels; bool, of shape (height, width)."""
        inside = np.isin(self.segments, np.fromiter(numbers, dtype=int))
        near = inside.copy()
        near[:, :-1] |= inside[:, 1:]
        near[:-1] |= inside[1:]
        return self.outlines & near

    def _facts(self) -> dict[str, int | str]:
        return {"height": self.height, "width": self.width, "components": int(self.segments.max()) + 1}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        return {
            "kind": self.kind,
            "height": self.height,
            "width": self.width,
            "pixels": b64encode(compress(self.pixels)).decode("ascii"),
            "labels": b64encode(compress(self.labels)).decode("ascii"),
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
        try:
            pixels, labels = (
                decompressobj().decompress(b64decode(data[name], validate=True), size * height * width + 1)
                for name, size in (("pixels", 3), ("labels", 4))
            )
        except (ValueError, zlib_error) as error:
            raise ArgumentError(f"the image's pixels or labels cannot be read: {error}.") from error
        if len(pixels) != 3 * height * width or len(labels) != 4 * height * width:
            raise ArgumentError(
                f"an image of {height} x {width} pixels needs {3 * height * width} bytes of pixels and {4 * height * width} of "
                f"labels; got {len(pixels)} and {len(labels)}."
            )
        view = cls(height, width, pixels, labels)
        if view.segments.min() < 0 or view.segments.max() >= height * width:
            raise ArgumentError(
                f"an image's superpixels must be numbered from 0 to at most {height * width - 1}; got {view.segments.min()} to "
                f"{view.segments.max()}."
            )
        return view

    def __reduce__(self) -> tuple[type["ImageView"], tuple[int, int, bytes, bytes]]:
        """Leave the cached arrays out of pickles."""
        return ImageView, (self.height, self.width, self.pixels, self.labels)


def _check_weights(weights: Weights, count: int) -> list[tuple[int, float]]:
    """The pairs as plain numbers, for an image of `count` superpixels."""
    try:
        pairs = [(int(number), float(weight)) for number, weight in weights]
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"weights must be pairs of a number and a weight, as in explanation.as_map()[label]: {error}."
        ) from error
    for number, weight in pairs:
        if not 0 <= number < count or not np.isfinite(weight):
            raise ArgumentError(f"weights must be finite, of superpixels 0 to {count - 1}; got {weight} for {number}.")
    return pairs
