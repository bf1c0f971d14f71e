"""How a batch of the user's numbers becomes a network's input: its channels are moved, and it is standardised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.results.image_view import CHANNEL_COUNTS

__all__ = ["BATCH_AXES", "Preparation"]

BATCH_AXES = (4, 5)  # of batches of images and of volumes, with channels


@dataclass(frozen=True)
class Preparation:
    """What a network's input is, compared with the user's numbers.

    Parameters
    ----------
    mean, std : ndarray of shape () or (channels,), float32
        The network takes ``(numbers - mean) / std``. Both are in the units of the user's numbers.
    channels : {"first", "last", None}
        Where the network has the channels of images; None leaves the axes of batches as they are.
    channel_counts : tuple of int
        The numbers of channels that the network can have; an axis of one of these lengths may be the axis of channels.
    """

    mean: np.ndarray
    std: np.ndarray
    channels: str | None
    channel_counts: tuple[int, ...] = CHANNEL_COUNTS

    @classmethod
    def checked(
        cls,
        mean: float | Iterable[float],
        std: float | Iterable[float],
        channels: str | None,
        channel_counts: tuple[int, ...] = CHANNEL_COUNTS,
    ) -> Preparation:
        """A preparation made of a user's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is not allowed.
        """
        checked_mean, checked_std = _check_constant("mean", mean), _check_constant("std", std)
        if not np.all(checked_std > 0):
            raise ArgumentError(f"std must be above 0; got {std!r}.")
        if channels not in ("first", "last", None):
            raise ArgumentError(f"channels must be 'first', 'last' or None; got {channels!r}.")
        return cls(checked_mean, checked_std, channels, channel_counts)

    def axis_order(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The order of axes that moves the channels of a batch of this shape to where the network has them."""
        unchanged = tuple(range(len(shape)))
        if self.channels is None or len(shape) not in BATCH_AXES:
            return unchanged
        last = len(shape) - 1
        axis, other_axis = (1, last) if self.channels == "first" else (last, 1)
        if shape[axis] in self.channel_counts or shape[other_axis] not in self.channel_counts:
            return unchanged
        return (0, last, *unchanged[1:last]) if axis == 1 else (0, *unchanged[2:], 1)

    def mean_and_std(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and std in shapes that broadcast to batches of this shape, whose channels are where the network has them.

        Raises
        ------
        ArgumentError
            If there is not a number for each channel.
        """
        axis = len(shape) - 1 if self.channels == "last" else 1
        for parameter, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers.size not in (1, shape[axis]):
                raise ArgumentError(f"{parameter} has {numbers.size} numbers; the instance has {shape[axis]} channels.")
        along_channels = [1] * len(shape)
        along_channels[axis] = -1
        mean, std = (numbers.reshape(along_channels if numbers.ndim else ()) for numbers in (self.mean, self.std))
        return mean, std

    def changed_settings(self, default_channels: str | None) -> list[str]:
        """The settings that differ from a model's defaults, as its user would write them."""
        changed = [
            f"{name}={_format_constant(numbers)}"
            for name, numbers, default in (("mean", self.mean, 0), ("std", self.std, 1))
            if np.any(numbers != default)
        ]
        return changed + ([f"channels={self.channels!r}"] if self.channels != default_channels else [])


def _check_constant(parameter: str, value: float | Iterable[float]) -> np.ndarray:
    """A finite number, or a finite number for each channel, as float32."""
    try:
        numbers = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{parameter} must be a number, or one for each channel: {read_message(error)}.") from error
    if numbers.ndim > 1 or numbers.size == 0 or not np.isfinite(numbers).all():
        raise ArgumentError(f"{parameter} must be a finite number, or one for each channel; got {value!r}.")
    return numbers


def _format_constant(numbers: np.ndarray) -> str:
    """On one short line, such as [123.7, 116.3, 103.5]; the middle of many numbers is left out."""
    return np.array2string(
        numbers, separator=", ", threshold=8, edgeitems=2, max_line_width=1000, formatter={"float": "{:g}".format}
    )
