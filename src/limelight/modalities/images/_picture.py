"""Images of any layout and number type: how they are read, and how a person sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._arrays import read_numbers
from limelight.results.explanation import Notice
from limelight.results.image_view import CHANNEL_COUNTS

__all__ = ["Picture", "read_picture"]


@dataclass(frozen=True)
class Picture:
    """An image in the forms that the explainer needs.

    Attributes
    ----------
    array : ndarray
        The instance's numbers in their own layout and dtype; the bits of a bfloat16 tensor.
    values : ndarray of shape (height, width, channels)
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
        """The numbers with channels last, or of shape (height, width) if the instance has no channels."""
        return self.values if self.channel_axis is not None else self.values[..., 0]

    def to_rgb(self) -> np.ndarray:
        """The image as a person sees it: red, green and blue, of shape (height, width, 3), uint8.

        The first three of four channels are shown, unless the fourth is certain to be opacity. Any other number of channels but
        three is shown as their mean, in grey.
        """
        shows_all = self.values.shape[2] != 4 or self.has_opacity
        return self.blend_channels() if shows_all else _to_bytes(_scale_to_255(self.values[..., :3]))

    def blend_channels(self) -> np.ndarray:
        """All channels in three, of shape (height, width, 3), uint8: the fourth of four is taken for opacity, before white.

        Superpixels are found in this, so that they follow the edges of the fourth channel whatever it is.
        """
        colours = _scale_to_255(self.values)
        channels = colours.shape[2]
        if channels == 4:
            opacity = colours[..., 3:] / 255
            return _to_bytes(colours[..., :3] * opacity + 255 * (1 - opacity))
        if channels != 3:
            colours = np.repeat(colours.mean(axis=2, keepdims=True), 3, axis=2)
        return _to_bytes(colours)


def _to_bytes(colours: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(colours).astype(np.uint8))


def read_picture(instance: Any, channel_axis: int | None) -> Picture:
    """Read an image.

    Parameters
    ----------
    instance : array or torch tensor
        Of shape (height, width), (height, width, channels) or (channels, height, width).
    channel_axis : int or None
        The axis of channels; None to infer it from the shape.

    Raises
    ------
    ArgumentError
        If a channel axis is given for an image without channels.
    ArgumentTypeError
        If it does not hold real numbers.
    InstanceError
        If it is not a single image, its channels cannot be inferred, or it has numbers that are not finite.
    """
    mode = getattr(instance, "mode", None)
    if hasattr(instance, "convert") and mode not in (None, "1", "L", "RGB", "RGBA", "I", "I;16", "F"):
        raise ArgumentTypeError(f"a picture of mode {mode!r} has no channels that can be filled; give picture.convert('RGB').")
    numbers = read_numbers(instance, "an image")
    array, values = numbers.array, numbers.values
    if array.size == 0:
        raise InstanceError(f"the image is empty: its shape is {array.shape}.")
    if array.ndim not in (2, 3):
        hint = " Explain one image at a time: give image[0]." if array.ndim == 4 else ""
        raise InstanceError(f"an image has two axes, or three with its channels; got {array.shape}.{hint}")
    axis, notes = _find_channel_axis(array.shape, channel_axis, prefers_first=numbers.wrap is not None)
    values = values[..., None] if axis is None else np.moveaxis(values, axis, -1)
    if not np.isfinite(values).all():
        raise InstanceError(f"the image has {np.count_nonzero(~np.isfinite(values))} numbers that are NaN or infinite.")
    if np.issubdtype(values.dtype, np.floating) and (values.min() < 0 or values.max() > 1):
        text = f"The image's numbers reach from {values.min():.3g} to {values.max():.3g}, outside 0 to 1"
        text += "; they are taken as they are, and scaled for the picture only."
        notes += (Notice("unusual_range", text, "information"),)

    def encode(filling: np.ndarray) -> np.ndarray:
        return numbers.encode(filling[..., 0] if axis is None else np.moveaxis(filling, -1, axis))

    has_opacity = mode == "RGBA" and hasattr(instance, "convert")
    if not has_opacity:
        notes += _describe_picture(values)
    return Picture(array, values, encode, numbers.wrap, axis, has_opacity, notes)


def _describe_picture(values: np.ndarray) -> tuple[Notice, ...]:
    """What the picture of an image of shape (height, width, channels) leaves out."""
    channels = values.shape[2]
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


def _find_channel_axis(
    shape: tuple[int, ...], channel_axis: int | None, *, prefers_first: bool
) -> tuple[int | None, tuple[Notice, ...]]:
    """The axis of channels, None if there is no such axis, and what a reader should know if it was inferred."""
    if len(shape) == 2:
        if channel_axis is not None:
            raise ArgumentError(f"channel_axis={channel_axis} was given; the image has shape {shape}, without channels.")
        return None, ()
    if channel_axis is not None:
        return (0 if channel_axis in (0, -3) else 2), ()
    candidates = [axis for axis in ((0, 2) if prefers_first else (2, 0)) if shape[axis] in CHANNEL_COUNTS]
    if not candidates:
        raise InstanceError(
            f"which axis of the image of shape {shape} holds the channels? Give channel_axis=0 or -1 to ImageExplainer."
        )
    notes: tuple[Notice, ...] = ()
    if len(candidates) == 2:
        place, other_axis = ("first", -1) if candidates[0] == 0 else ("last", 0)
        text = f"The image's shape {shape} was read with the channels {place}; if they are not, give channel_axis={other_axis}."
        notes = (Notice("ambiguous_layout", text),)
    return candidates[0], notes


def _scale_to_255(values: np.ndarray) -> np.ndarray:
    """An image's numbers as floats from 0 to 255, of the same shape.

    Numbers that fit into the range of 0 to 1, of bytes or of 16 bits are scaled by that range, and others by their own.
    """
    numbers = values.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype == np.uint8:
        return numbers
    if low >= 0 and high <= 1 and values.dtype.kind in "bf":
        return numbers * 255
    for white in (255.0, 65535.0):
        if low >= 0 and white / 4 < high <= white:
            return numbers * (255 / white)
    low = min(low, 0.0)  # zero is black if nothing is negative
    # The difference of the smallest and the largest float is infinite, that of their halves is not.
    return (numbers / 2 - low / 2) / ((high / 2 - low / 2) or 1.0) * 255
