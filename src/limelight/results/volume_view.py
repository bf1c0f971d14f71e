"""A volume or video and its supervoxels as plain data, and its slices."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from limelight._checks import check_count
from limelight.exceptions import ArgumentError
from limelight.results._packing import check_unpacked_size, pack, unpack
from limelight.results._segmented_view import SegmentedView
from limelight.results.image_view import ImageView

__all__ = ["VolumeView"]

_AXES = 3
_LONGEST_SLICE = 4.0  # times its width; of longer ones, another axis may give better slices


@dataclass(frozen=True, repr=False)
class VolumeView(SegmentedView):
    """A volume or a video as a person sees it, slice by slice, and which supervoxel each of its voxels belongs to.

    Where a method takes `weights`, these are pairs of a supervoxel's number and its weight, as ``explanation.as_map()[label]``
    gives them.

    Parameters
    ----------
    depth, height, width : int
        The lengths of the volume's three axes, in the order of the instance.
    axis : {0, 1, 2}
        The axis along which slices follow each other.
    colours : {1, 3}
        1 if the voxels are grey, and 3 if they have red, green and blue.
    pixels : bytes
        The colours of each voxel, the last axis first.
    labels : bytes
        For each voxel the number of its supervoxel, a little-endian integer of two bytes, or of four if there are many.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.extend import VolumeView
    >>> view = VolumeView.of(np.zeros((2, 1, 2, 3), dtype=np.uint8), np.array([[[0, 0]], [[0, 1]]]))
    >>> view.heat_map([(1, 0.5)]).tolist()
    [[[0.0, 0.0]], [[0.0, 0.5]]]
    >>> view.values()
    {0: 'slices 0-1, row 0, columns 0-1', 1: 'slice 1, row 0, column 1'}
    >>> view.slice(1)
    ImageView(height=1, width=2, components=2)
    """

    kind: ClassVar[str] = "volume"
    depth: int
    height: int
    width: int
    axis: int
    colours: int
    pixels: bytes
    labels: bytes

    @classmethod
    def of(cls, picture: np.ndarray, segments: np.ndarray) -> "VolumeView":
        """Make a view from arrays. Slices follow each other along the first axis, or across a much shorter one.

        Parameters
        ----------
        picture : ndarray of shape (depth, height, width, 3), uint8
            Red, green and blue of each voxel.
        segments : ndarray of shape (depth, height, width), int
            The number of each voxel's supervoxel, from 0.
        """
        depth, height, width = segments.shape
        is_grey = all(np.array_equal(picture[..., 0], picture[..., colour]) for colour in (1, 2))
        pixels = (picture[..., :1] if is_grey else picture).astype(np.uint8).tobytes()
        labels = segments.astype("<u2" if segments.max() < 2**16 else "<i4").tobytes()
        return cls(depth, height, width, _choose_axis(segments.shape), 1 if is_grey else 3, pixels, labels)

    @cached_property
    def picture(self) -> np.ndarray:
        """The volume, of shape (depth, height, width, 3), uint8; read-only."""
        shape = (self.depth, self.height, self.width)
        return np.broadcast_to(np.frombuffer(self.pixels, dtype=np.uint8).reshape(*shape, self.colours), (*shape, 3))

    @cached_property
    def segments(self) -> np.ndarray:
        """The supervoxels' numbers, of shape (depth, height, width); read-only."""
        shape = (self.depth, self.height, self.width)
        dtype = "<u2" if len(self.labels) == 2 * prod(shape) else "<i4"
        return np.frombuffer(self.labels, dtype=dtype).reshape(shape)

    @property
    def slice_count(self) -> int:
        """The number of slices."""
        return (self.depth, self.height, self.width)[self.axis]

    def slice(self, number: int) -> ImageView:
        """One slice as an image, whose superpixels have the numbers of the supervoxels.

        Raises
        ------
        ArgumentError
            If there is no slice of this number.
        """
        number = check_count("number", number, 0)
        if number >= self.slice_count:
            raise ArgumentError(f"number must be below {self.slice_count}, the number of slices; got {number}.")
        return ImageView.of(*(np.moveaxis(array, self.axis, 0)[number] for array in (self.picture, self.segments)))

    @cached_property
    def sizes(self) -> np.ndarray:
        """The number of voxels of each supervoxel in each slice, of shape (components, slices), int."""
        numbers = np.moveaxis(self.segments, self.axis, 0).reshape(self.slice_count, -1)
        count = int(self.segments.max()) + 1
        return np.stack([np.bincount(row, minlength=count) for row in numbers], axis=1)

    @property
    def _plane(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(_AXES) if axis != self.axis)

    @cached_property
    def _places(self) -> tuple[str, ...]:
        from scipy.ndimage import find_objects

        nouns = [("slice", "slices"), ("row", "rows"), ("column", "columns")]
        axes = (self.axis, *self._plane)
        places = []
        for bounds in find_objects(self.segments.astype(np.int32) + 1):
            spans = (
                [] if bounds is None else [_name_span(*names, bounds[axis]) for names, axis in zip(nouns, axes, strict=True)]
            )
            places.append(", ".join(spans))
        return tuple(places)

    def values(self) -> dict[int, str]:
        """For each supervoxel's number, the slices, rows and columns that it spans."""
        return dict(enumerate(self._places))

    def _facts(self) -> dict[str, int | str]:
        size = {"depth": self.depth, "height": self.height, "width": self.width}
        return {**size, "components": int(self.segments.max()) + 1}

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `view_from_dict` is the inverse."""
        numbers = ("depth", "height", "width", "axis", "colours")
        return {
            "kind": self.kind,
            **{name: getattr(self, name) for name in numbers},
            "pixels": pack(self.pixels),
            "labels": pack(self.labels),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "VolumeView":
        """Rebuild a view from what `to_dict` gave.

        Raises
        ------
        ArgumentError
            If the voxels or the supervoxels' numbers cannot be read, or do not fit the volume's size.
        """
        depth, height, width = shape = tuple(check_count(side, data[side], 1) for side in ("depth", "height", "width"))
        axis, colours, size = check_count("axis", data["axis"], 0), check_count("colours", data["colours"], 1), prod(shape)
        if axis >= _AXES or colours not in (1, 3):
            raise ArgumentError(f"a volume has slices along axis 0, 1 or 2, and 1 or 3 colours; got {axis} and {colours}.")
        sides = " x ".join(map(str, shape))
        check_unpacked_size((colours + 4) * size, len(data["pixels"]) + len(data["labels"]), f"a volume of {sides} voxels")
        pixels, labels = (
            unpack(data[name], most * size, "the volume's pixels or labels")
            for name, most in (("pixels", colours), ("labels", 4))
        )
        if len(pixels) != colours * size or len(labels) not in (2 * size, 4 * size):
            raise ArgumentError(
                f"a volume of {sides} voxels needs {colours * size} bytes of pixels and {2 * size} or "
                f"{4 * size} of labels; got {len(pixels)} and {len(labels)}."
            )
        view = cls(depth, height, width, axis, colours, pixels, labels)
        view._check_numbers("a volume's supervoxels")
        return view

    def __reduce__(self) -> tuple[type["VolumeView"], tuple[Any, ...]]:
        """Leave the cached arrays out of pickles."""
        return VolumeView, (self.depth, self.height, self.width, self.axis, self.colours, self.pixels, self.labels)


def _choose_axis(shape: tuple[int, ...]) -> int:
    """The first axis; if its slices are long strips, the axis whose slices are nearest to squares."""

    def length_of(axis: int) -> float:
        short, long = sorted(shape[:axis] + shape[axis + 1 :])
        return long / short

    return 0 if length_of(0) <= _LONGEST_SLICE else min(range(_AXES), key=length_of)


def _name_span(singular: str, plural: str, span: slice) -> str:
    return f"{singular} {span.start}" if span.stop - span.start == 1 else f"{plural} {span.start}-{span.stop - 1}"
