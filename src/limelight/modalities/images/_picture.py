"""How images come, with their channels first or last, and how they look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._arrays import read_numbers
from limelight.results.image_view import CHANNEL_COUNTS

__all__ = ["Picture", "read_picture"]


@dataclass(frozen=True)
class Picture:
    """An image, read.

    Attributes
    ----------
    array : ndarray
        The instance's own numbers, in its layout and dtype (of a bfloat16 tensor, the bits).
    values : ndarray of shape (height, width, channels)
        The image's numbers, channels last, of a type that numpy can reckon with.
    encode : callable
        From numbers of that shape to an array like `array`.
    wrap : callable or None
        From a batch of such arrays to what the model gets; None where they are that already.
    channel_axis : int or None
        Where the instance has its channels; None where it has no such axis.
    notes : tuple of (code, message)
        What a reader should know about how it was read.
    """

    array: np.ndarray
    values: np.ndarray
    encode: Callable[[np.ndarray], np.ndarray]
    wrap: Callable[[np.ndarray], Any] | None
    channel_axis: int | None
    notes: tuple[tuple[str, str], ...]

    @property
    def as_given(self) -> np.ndarray:
        """The numbers with channels last, and without that axis where the instance has none: for functions of the user's."""
        return self.values if self.channel_axis is not None else self.values[..., 0]

    def shown(self) -> np.ndarray:
        """The image as a person sees it: red, green, blue, uint8."""
        values = self.values
        channels = values.shape[2]
        units = _to_bytes(values)
        if channels == 4:  # over white, as far as it is transparent
            opacity = units[..., 3:] / 255
            return np.asarray(np.rint(units[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8))
        if channels != 3:
            units = np.repeat(units.mean(axis=2, keepdims=True), 3, axis=2)
        return np.asarray(np.rint(units).astype(np.uint8))


def read_picture(instance: Any, channel_axis: int | None) -> Picture:
    """Read an image.

    Parameters
    ----------
    instance : array or torch tensor
        Of shape (height, width), or three axes with the channels last or first.
    channel_axis : int or None
        Where the channels are; None to tell from the shape.

    Raises
    ------
    ArgumentTypeError
        If it holds no real numbers.
    InstanceError
        If it is no single image, or has numbers that are not finite.
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
    axis, notes = _channel_axis(array.shape, channel_axis, prefers_first=numbers.wrap is not None)
    values = values[..., None] if axis is None else np.moveaxis(values, axis, -1)
    if not np.isfinite(values).all():
        raise InstanceError(f"the image has {np.count_nonzero(~np.isfinite(values))} numbers that are NaN or infinite.")
    if np.issubdtype(values.dtype, np.floating) and (values.min() < 0 or values.max() > 1):
        text = f"The image's numbers reach from {values.min():.3g} to {values.max():.3g}, outside 0 to 1"
        notes += (("unusual_range", f"{text}; they are taken as they are, and scaled for the picture only."),)

    def encode(filling: np.ndarray) -> np.ndarray:
        return numbers.encode(filling[..., 0] if axis is None else np.moveaxis(filling, -1, axis))

    return Picture(array, values, encode, numbers.wrap, axis, notes)


def _channel_axis(
    shape: tuple[int, ...], given: int | None, *, prefers_first: bool
) -> tuple[int | None, tuple[tuple[str, str], ...]]:
    if len(shape) == 2:
        if given is not None:
            raise ArgumentError(f"channel_axis={given} was given; the image has shape {shape}, without channels.")
        return None, ()
    if given is not None:
        return (0 if given in (0, -3) else 2), ()
    ends = [axis for axis in ((0, 2) if prefers_first else (2, 0)) if shape[axis] in CHANNEL_COUNTS]
    if not ends:
        raise InstanceError(
            f"which axis of the image of shape {shape} holds the channels? Give channel_axis=0 or -1 to ImageExplainer."
        )
    notes: tuple[tuple[str, str], ...] = ()
    if len(ends) == 2:
        read, other = ("first", -1) if ends[0] == 0 else ("last", 0)
        text = f"The image's shape {shape} was read with the channels {read}; if they are not, give channel_axis={other}."
        notes = (("ambiguous_layout", text),)
    return ends[0], notes


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """As floats from 0 to 255: by the range of 0 to 1, of bytes, of 16 bits, where they reach that far, else by their own."""
    numbers = values.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype == np.uint8:
        return numbers
    if low >= 0 and high <= 1 and values.dtype.kind in "bf":
        return numbers * 255
    for top in (255.0, 65535.0):
        if low >= 0 and top / 4 < high <= top:
            return numbers * (255 / top)
    low = min(low, 0.0)  # where nothing is negative, zero is black
    # Halves first: the difference of the two largest numbers there are is infinite.
    return (numbers / 2 - low / 2) / ((high / 2 - low / 2) or 1.0) * 255
