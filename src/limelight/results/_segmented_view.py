"""A picture cut into segments, of two axes or three, and what given weights show in it."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from limelight._checks import check_count, check_number
from limelight.exceptions import ArgumentError, read_message
from limelight.results._view import View

__all__ = ["AGAINST", "FOR", "SegmentedView", "Weights"]

# The pages' colours for and against an output.
FOR = "#0062b2"
AGAINST = "#c45c00"
_FOR_RGB = np.array([*bytes.fromhex(FOR[1:])])
_AGAINST_RGB = np.array([*bytes.fromhex(AGAINST[1:])])
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601

_MOST_UNUSED_NUMBERS = 2**16
_LEAST_VISIBLE_SHARE = 0.005  # of the heaviest weight

Weights = Sequence[tuple[int, float]]


class SegmentedView(View):
    """A picture as a person sees it, and which segment each of its pixels belongs to: superpixels, or supervoxels of a volume.

    Where a method takes `weights`, these are pairs of a superpixel's number and its weight, as ``explanation.as_map()[label]``
    gives them.
    """

    @property
    @abstractmethod
    def picture(self) -> np.ndarray:
        """Red, green and blue of each pixel, of shape (..., 3), uint8."""

    @property
    @abstractmethod
    def segments(self) -> np.ndarray:
        """The number of each pixel's superpixel, of the picture's shape without colours, int."""

    @property
    def _plane(self) -> tuple[int, ...]:
        """The two axes in which outlines are drawn."""
        return (0, 1)

    @cached_property
    def outlines(self) -> np.ndarray:
        """Whether a pixel's neighbour to the right or below is in another superpixel; bool, of the shape of `segments`."""
        edges = np.zeros(self.segments.shape, dtype=bool)
        for axis in self._plane:
            before, after = _cut_ends(axis, edges.ndim)
            edges[before] |= self.segments[after] != self.segments[before]
        return edges

    def heat_map(self, weights: Weights) -> np.ndarray:
        """The weight of each pixel's superpixel; 0 where the superpixel has none.

        Parameters
        ----------
        weights : sequence of (int, float)
            Superpixels' numbers and weights.

        Returns
        -------
        heat : ndarray of the shape of `segments`, float
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

    def overlay(self, weights: Weights, *, outlines: bool = True, heaviest: float | None = None) -> np.ndarray:
        """The image in grey, tinted blue where a superpixel speaks for the output and orange where it speaks against.

        The heavier the weight, the stronger the tint. Outlines are drawn around the superpixels that have a weight.

        Parameters
        ----------
        weights : sequence of (int, float)
            Superpixels' numbers and weights.
        outlines : bool, default True
            Whether to draw outlines.
        heaviest : float, optional
            The absolute weight that gets the strongest tint, so that several overlays share one scale; by default the largest
            of `weights`.

        Returns
        -------
        picture : ndarray of shape (..., 3), uint8

        Raises
        ------
        ArgumentError
            If the weights do not fit the picture, or `heaviest` is not above 0.
        """
        heat = self.heat_map(weights)
        if heaviest is None:
            heaviest = np.abs(heat).max() or 1.0
        heaviest = check_number("heaviest", heaviest, 0, inclusive=False)
        strength = np.minimum(0.65, 0.65 * np.abs(heat) / heaviest)
        hue = np.where((heat > 0)[..., None], _FOR_RGB, _AGAINST_RGB)
        # Towards white, so that both hues can be told apart on dark ground.
        grey = 0.75 * (self.picture @ _LUMA) + 0.25 * 255
        tinted = grey[..., None] * (1 - strength[..., None]) + hue * strength[..., None]
        if outlines:
            least_visible = _LEAST_VISIBLE_SHARE * heaviest
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
        image : ndarray of shape (..., 3), uint8
        mask : ndarray of the shape of `segments`, int8
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

    def _check_numbers(self, what: str) -> None:
        """Refuse segments that are not numbered from 0, or by numbers that are far larger than there are segments.

        Each number up to the largest takes some hundred bytes as soon as somebody asks what the segments are.

        Raises
        ------
        ArgumentError
            If they are.
        """
        low, high = int(self.segments.min()), int(self.segments.max())
        if low < 0 or high >= self.segments.size:
            raise ArgumentError(f"{what} must be numbered from 0 to at most {self.segments.size - 1}; got {low} to {high}.")
        if high < _MOST_UNUSED_NUMBERS:
            return
        is_used = np.zeros(high + 1, dtype=bool)
        for row in self.segments:  # as indices, they take twice the memory
            is_used[row] = True
        count = int(np.count_nonzero(is_used))
        if high >= _MOST_UNUSED_NUMBERS + 2 * count:
            raise ArgumentError(f"{what} must be numbered from 0 with few gaps; got {count} of them, numbered up to {high}.")

    def _outlines_of(self, numbers: Iterable[int]) -> np.ndarray:
        """The edges of these superpixels; bool, of the shape of `segments`."""
        inside = np.isin(self.segments, np.fromiter(numbers, dtype=int))
        near = inside.copy()
        for axis in self._plane:
            before, after = _cut_ends(axis, near.ndim)
            near[before] |= inside[after]
        return self.outlines & near


def _cut_ends(axis: int, count: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The indices of all but the last, and of all but the first, along one of `count` axes."""
    before, after = [slice(None)] * count, [slice(None)] * count
    before[axis], after[axis] = slice(-1), slice(1, None)
    return tuple(before), tuple(after)


def _check_weights(weights: Weights, count: int) -> list[tuple[int, float]]:
    """The pairs as plain numbers, for an image of `count` superpixels."""
    try:
        pairs = [(int(number), float(weight)) for number, weight in weights]
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"weights must be pairs of a number and a weight, as in explanation.as_map()[label]: {read_message(error)}."
        ) from error
    for number, weight in pairs:
        if not 0 <= number < count or not np.isfinite(weight):
            raise ArgumentError(f"weights must be finite, of superpixels 0 to {count - 1}; got {weight} for {number}.")
    return pairs
