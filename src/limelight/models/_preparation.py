"""What happens to a batch between the user's numbers and a network's input: channels moved, mean and deviation taken out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from limelight._errors import ArgumentError, ArgumentTypeError
from limelight.results.image_view import CHANNEL_COUNTS

__all__ = ["Patches", "Preparation", "ends"]


@runtime_checkable
class Patches(Protocol):
    """Components that are parts of an array: see `limelight.modalities._patches.PatchParts`."""

    names: tuple[str, ...]
    array: np.ndarray
    labels: np.ndarray
    batch_size: int | None

    def realise(self, masks: np.ndarray) -> Any:
        """The arrays that the masks leave, as one batch."""

    def recast(self, array: np.ndarray, filling: np.ndarray, labels: np.ndarray) -> Patches:
        """The same parts of another array."""


@dataclass(frozen=True)
class Preparation:
    """How a network wants its batches.

    Parameters
    ----------
    mean, std : ndarray of shape () or (channels,), float32
        Subtracted first, divided by then; in the units of the user's numbers.
    channels : {"first", "last", None}
        Where the network has the channels of images; None takes batches as they come.
    counts : tuple of int
        How many channels there may be: an axis of such a length can be theirs.
    """

    mean: np.ndarray
    std: np.ndarray
    channels: str | None
    counts: tuple[int, ...] = CHANNEL_COUNTS

    @classmethod
    def checked(
        cls,
        mean: float | Iterable[float],
        std: float | Iterable[float],
        channels: str | None,
        counts: tuple[int, ...] = CHANNEL_COUNTS,
    ) -> Preparation:
        """From a user's arguments.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If one of them is not allowed.
        """
        numbers = []
        for parameter, value in (("mean", mean), ("std", std)):
            try:
                number = np.asarray(value, dtype=np.float32)
            except (TypeError, ValueError) as error:
                raise ArgumentTypeError(f"{parameter} must be a number, or one for each channel: {error}.") from error
            if number.ndim > 1 or number.size == 0 or not np.isfinite(number).all():
                raise ArgumentError(f"{parameter} must be a finite number, or one for each channel; got {value!r}.")
            numbers.append(number)
        if not np.all(numbers[1] > 0):
            raise ArgumentError(f"std must be above 0; got {std!r}.")
        if channels not in ("first", "last", None):
            raise ArgumentError(f"channels must be 'first', 'last' or None; got {channels!r}.")
        return cls(numbers[0], numbers[1], channels, counts)

    def axes(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The order of the axes of a batch of this shape that brings the channels where the network wants them."""
        usual = tuple(range(len(shape)))
        if self.channels is None or len(shape) != 4:
            return usual
        wanted, other = (1, 3) if self.channels == "first" else (3, 1)
        if shape[wanted] in self.counts or shape[other] not in self.counts:
            return usual
        return (0, 3, 1, 2) if wanted == 1 else (0, 2, 3, 1)

    def constants(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation, to be taken out of a batch of this shape, its channels where the network wants them.

        Raises
        ------
        ArgumentError
            If there are not as many numbers as channels.
        """
        axis = len(shape) - 1 if self.channels == "last" else 1
        for parameter, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers.size not in (1, shape[axis]):
                raise ArgumentError(f"{parameter} has {numbers.size} numbers; the instance has {shape[axis]} channels.")
        wide = [1] * len(shape)
        wide[axis] = -1
        return self.mean.reshape(wide if self.mean.ndim else ()), self.std.reshape(wide if self.std.ndim else ())


def ends(components: Patches) -> Any:
    """A batch of two: the instance, and all of its filling."""
    return components.realise(np.array([[1], [0]], dtype=np.uint8).repeat(len(components.names), axis=1))
