"""Images of any layout and number type: how they are read, and how a person sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._arrays import read_numbers
from limelight.modalities._missing import check_missing, fill_with_means
from limelight.results.explanation import Notice
from limelight.results.image_view import CHANNEL_COUNTS

__all__ = ["Picture", "check_axes", "count_bytes", "read_picture"]

# A checkerboard in a hue that is neither for nor against, of 64 squares along the longer side.
_MISSING_COLOURS = np.array([[122, 62, 132], [214, 176, 220]], dtype=np.uint8)
_MISSING_SQUARES = 64


@dataclass(frozen=True)
class Picture:
    """An image in the forms that the explainer needs.

    Attributes
    ----------
    array : ndarray
        The instance's numbers in their own layout and dtype; the bits of a bfloat16 tensor.
    values : ndarray of shape (height, width, channels), or (depth, height, width, channels) of a volume
        The same numbers, channels last, in a dtype that numpy can compute with.
    encode : callable
        Turns numbers of that shape into an array like `array`.
    wrap : callable or None
        Turns a batch of such arrays into what the model takes; None if it takes the batch itself.
    channel_axis : int or None
        The instance's axis of channels; None if it has no such axis.
    has_opacity : bool
        Whether the fourth channel is certain to be opacity.
    notes : tuple of Notice
        What a reader should know about how the image was read.
    """

    array: np.ndarray
    values: np.ndarray
    encode: Callable[[np.ndarray], np.ndarray]
    wrap: Callable[[np.ndarray], Any] | None
    channel_axis: int | None
    has_opacity: bool
    notes: tuple[Notice, ...]

    @property
    def for_users_functions(self) -> np.ndarray:
        """The numbers with channels last, or without that axis if the instance has no channels."""
        return self.values if self.channel_axis is not None else self.values[..., 0]

    @property
    def is_volume(self) -> bool:
        """Whether it has three axes of places: a volume, or a video."""
        return self.values.ndim > 3

    def to_rgb(self) -> np.ndarray:
        """The image as a person sees it: red, green and blue, of shape (..., 3), uint8; a checkerboard where it is missing.

        The first three of four channels are shown, unless the fourth is certain to be opacity. Any other number of channels but
        three is shown as their mean, in grey.
        """
        shows_all = self.values.shape[-1] != 4 or self.has_opacity
        return self._mark_missing(self.blend_channels() if shows_all else _to_rgb(self.values[..., :3]))

    def blend_channels(self) -> np.ndarray:
        """All channels in three, of shape (..., 3), uint8: the fourth of four is taken for opacity, before white.

        Superpixels are found in this, so that they follow the edges of the fourth channel whatever it is. What is missing has
        the mean colour.
        """
        return _to_rgb(self.values)

    def _mark_missing(self, rgb: np.ndarray) -> np.ndarray:
        """A picture with a checkerboard where pixels are missing; a channel that is all missing does not count."""
        if self.values.dtype.kind != "f":
            return rgb
        is_missing = np.isnan(self.values)
        is_missing = np.any(is_missing & ~is_missing.all(axis=tuple(range(rgb.ndim - 1))), axis=-1)
        if not is_missing.any():
            return rgb
        side = -(-max(rgb.shape[-3:-1]) // _MISSING_SQUARES)
        squares = np.add.outer(np.arange(rgb.shape[-3]) // side, np.arange(rgb.shape[-2]) // side) % 2
        return np.where(is_missing[..., None], _MISSING_COLOURS[squares], rgb)


def count_bytes(instance: Any) -> int:
    """The size of an array, a tensor or a Pillow image; 0 of what is none of these."""
    if hasattr(instance, "getbands"):
        return int(instance.width * instance.height * len(instance.getbands()))
    return int(getattr(instance, "nbytes", 0))


def check_axes(channel_axis: Any, spatial_dims: Any) -> tuple[int | None, int]:
    """A user's axis of channels, and number of axes of places.

    Raises
    ------
    ArgumentError
        If the one is neither None nor the number of an axis that images or volumes can have, or the other is not 2 or 3.
    """
    if isinstance(spatial_dims, bool) or spatial_dims not in (2, 3):
        raise ArgumentError(f"spatial_dims must be 2 for images or 3 for volumes and videos; got {spatial_dims!r}.")
    allowed = (0, 2, -1, -3) if spatial_dims == 2 else range(-4, 4)
    if channel_axis is not None and (isinstance(channel_axis, bool) or channel_axis not in allowed):
        raise ArgumentError(f"channel_axis must be 0 (first) or -1 (last); got {channel_axis!r}.")
    return channel_axis, int(spatial_dims)


def read_picture(instance: Any, channel_axis: int | None, spatial_dims: int) -> Picture:
    """Read an image, a volume or a video.

    Parameters
    ----------
    instance : array or torch tensor
        Of shape (height, width) or (depth, height, width), with or without an axis of channels.
    channel_axis : int or None
        The axis of channels; None to infer it from the shape.
    spatial_dims : {2, 3}
        The number of axes of places: 2 for an image, 3 for a volume or a video.

    Raises
    ------
    ArgumentError
        If the instance lacks the axis of channels.
    ArgumentTypeError
        If it does not hold real numbers.
    InstanceError
        If it is not a single image, its channels cannot be inferred, or it has infinite numbers or nothing but NaN.
    """
    mode = getattr(instance, "mode", None)
    if hasattr(instance, "convert") and mode not in (None, "1", "L", "RGB", "RGBA", "I", "I;16", "F"):
        raise ArgumentTypeError(f"a picture of mode {mode!r} has no channels that can be filled; give picture.convert('RGB').")
    numbers = read_numbers(instance, "an image")
    array, values = numbers.array, numbers.values
    if array.size == 0:
        raise InstanceError(f"the image is empty: its shape is {array.shape}.")
    if array.ndim not in (spatial_dims, spatial_dims + 1):
        raise _axes_error(array.shape, spatial_dims)
    axis, notes = _find_channel_axis(array.shape, channel_axis, spatial_dims, prefers_first=numbers.wrap is not None)
    values = values[..., None] if axis is None else np.moveaxis(values, axis, -1)
    notes += check_missing(values, "image")
    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)  # of what is not missing
    if np.issubdtype(values.dtype, np.floating) and (low < 0 or high > 1):
        text = f"The image's numbers reach from {low:.3g} to {high:.3g}, outside 0 to 1"
        text += "; they are taken as they are, and scaled for the picture only."
        notes += (Notice("unusual_range", text, "information"),)

    def encode(filling: np.ndarray) -> np.ndarray:
        return numbers.encode(filling[..., 0] if axis is None else np.moveaxis(filling, -1, axis))

    has_opacity = mode == "RGBA" and hasattr(instance, "convert")
    if not has_opacity:
        notes += _describe_picture(values)
    return Picture(array, values, encode, numbers.wrap, axis, has_opacity, notes)


def _describe_picture(values: np.ndarray) -> tuple[Notice, ...]:
    """What the picture of an image, channels last, leaves out."""
    channels = values.shape[-1]
    if channels in (1, 3):
        return ()
    if channels != 4:
        text = f"The picture shows the mean of the image's {channels} channels, in grey."
        return (Notice("mean_of_channels", text, "information"),)
    if (values[..., 3] == (255 if values.dtype == np.uint8 else 1)).all():  # opacity or not, the picture is the same
        return ()
    text = (
        "The picture shows the first three of the image's four channels, as colours. If the fourth is opacity, give a Pillow "
    )
    return (Notice("fourth_channel_not_shown", f"{text}image of mode RGBA.", "information"),)


def _axes_error(shape: tuple[int, ...], spatial_dims: int) -> InstanceError:
    """The error for an array that has too few or too many axes."""
    if spatial_dims == 3:
        hint = " Leave spatial_dims out to explain an image." if len(shape) == 2 else ""
        hint = " Explain one volume at a time: give volume[0]." if len(shape) > 4 else hint
        return InstanceError(f"a volume or a video has three axes, or four with its channels; got {shape}.{hint}")
    hint = ""
    if len(shape) > 3:
        hint = " Explain one image at a time: give image[0]."
        if len(shape) == 4:
            hint += " If it is one volume or video with channels, give ImageExplainer(spatial_dims=3)."
    return InstanceError(f"an image has two axes, or three with its channels; got {shape}.{hint}")


def _find_channel_axis(
    shape: tuple[int, ...], channel_axis: int | None, spatial_dims: int, *, prefers_first: bool
) -> tuple[int | None, tuple[Notice, ...]]:
    """The axis of channels, None if there is no such axis, and what a reader should know if it was inferred."""
    if len(shape) == spatial_dims:
        if channel_axis is not None:
            subject = "image" if spatial_dims == 2 else "volume"
            raise ArgumentError(f"channel_axis={channel_axis} was given; the {subject} has shape {shape}, without channels.")
        return None, ()
    last = spatial_dims
    if channel_axis is not None:
        return channel_axis % len(shape), ()
    places = {0: "first", last: "last"}
    order = [*((0, last) if prefers_first else (last, 0)), *range(1, last - 1)]  # videos may have them after the frames
    candidates = [axis for axis in order if shape[axis] in CHANNEL_COUNTS]
    if not candidates and spatial_dims == 2:
        raise InstanceError(
            f"which axis of the image of shape {shape} holds the channels? Give channel_axis=0 or -1 to ImageExplainer; if it "
            f"is a volume (depth, height, width) or a video without channels, give ImageExplainer(spatial_dims=3)."
        )
    if not candidates:
        raise InstanceError(
            f"which axis of the volume of shape {shape} holds the channels? Give channel_axis=0 or -1 to ImageExplainer, too. "
            f"To explain one volume of several, give volume[0]."
        )
    notes: tuple[Notice, ...] = ()
    if len(candidates) > 1:
        subject = "image" if spatial_dims == 2 else "volume"
        first, second = candidates[:2]
        place = places.get(first, f"in axis {first}")
        other_axis = -1 if second == last else second
        text = f"The {subject}'s shape {shape} was read with the channels {place}"
        text += f"; if they are not, give channel_axis={other_axis}."
        notes = (Notice("ambiguous_layout", text),)
    return candidates[0], notes


def _to_rgb(values: np.ndarray) -> np.ndarray:
    """An image's numbers, channels last, as red, green and blue, uint8; the mean colour where it is missing."""
    if values.dtype == np.uint8 and values.shape[-1] == 3:
        return values
    values = fill_with_means(values, tuple(range(values.ndim - 1)))
    scale = _find_scale(values)
    if values.ndim > 3:  # slice by slice, to save memory
        return np.stack([_show_colours(scale(part)) for part in values])
    return _show_colours(scale(values))


def _show_colours(colours: np.ndarray) -> np.ndarray:
    """Channels of an image, floats from 0 to 255 of shape (height, width, channels), as red, green and blue, uint8."""
    channels = colours.shape[-1]
    if channels == 4:  # transparent pixels show white behind them
        opacity = colours[..., 3:] / 255
        return np.asarray(np.rint(colours[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8))
    if channels != 3:
        colours = np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)
    return np.asarray(np.rint(colours).astype(np.uint8))


def _find_scale(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The function from an image's numbers to floats from 0 to 255.

    Numbers that fit into the range of 0 to 1, of bytes or of 16 bits are scaled by that range, and others by their own.
    """
    low, high = float(values.min()), float(values.max())
    if values.dtype == np.uint8:
        return partial(np.asarray, dtype=np.float64)
    if low >= 0 and high <= 1 and values.dtype.kind in "bf":
        return lambda numbers: numbers.astype(np.float64) * 255
    for white in (255.0, 65535.0):
        if low >= 0 and white / 4 < high <= white:
            factor = 255 / white
            return lambda numbers: numbers.astype(np.float64) * factor
    low = min(low, 0.0)  # zero is black if nothing is negative
    # The difference of the smallest and the largest float is infinite, that of their halves is not.
    return lambda numbers: (numbers.astype(np.float64) / 2 - low / 2) / ((high / 2 - low / 2) or 1.0) * 255
