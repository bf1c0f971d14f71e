"""Series of any layout and number type: how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight.exceptions import InstanceError, read_message
from limelight.modalities._arrays import Numbers, read_numbers
from limelight.modalities._missing import check_missing
from limelight.modalities.series._frames import read_frame
from limelight.results.explanation import Notice

__all__ = ["Series", "read_series"]


@dataclass(frozen=True)
class Series:
    """A series in the forms that the explainer needs.

    Attributes
    ----------
    numbers : Numbers
        The instance's numbers in their own layout.
    channels : ndarray of shape (channels, length), float64
        The same numbers, channels first.
    channel_axis : int
        The axis of channels of two-dimensional series.
    channel_names, times : tuple of str or None
        A frame's labels of its channels and of its steps; None where it has no such labels, and for other series.
    notes : tuple of Notice
        What a reader should know about how the series was read.
    """

    numbers: Numbers
    channels: np.ndarray
    channel_axis: int
    channel_names: tuple[str, ...] | None
    times: tuple[str, ...] | None
    notes: tuple[Notice, ...]

    def to_own_layout(self, channels: np.ndarray) -> np.ndarray:
        """Values of shape (channels, length) in the layout of the instance."""
        return channels[0] if self.numbers.values.ndim == 1 else np.moveaxis(channels, 0, self.channel_axis)

    def holds_integers(self) -> bool:
        """Whether the model gets integers, so that a filling is rounded."""
        return not (self.numbers.array.dtype.kind == "f" or self.numbers.wrap)


def read_series(instance: Any, channel_axis: int | None) -> Series:
    """Read a series.

    Parameters
    ----------
    instance : array, torch tensor or frame
        Of shape (length,), or of two axes, one of which has the channels.
    channel_axis : int or None
        Which axis has the channels; None for the first of an array, and for the columns of a frame.

    Raises
    ------
    ArgumentTypeError
        If it does not hold real numbers.
    InstanceError
        If it is not a single series, its channels differ in length, or it has infinite numbers or nothing but NaN.
    """
    frame = read_frame(instance)
    numbers = read_numbers(_check_channel_lengths(instance) if frame is None else frame.values, "a series")
    shape = numbers.values.shape
    if numbers.values.size == 0:
        raise InstanceError(f"the series is empty: its shape is {shape}.")
    if len(shape) not in (1, 2):
        hint = " Explain one series at a time: give series[0]." if len(shape) == 3 else ""
        raise InstanceError(f"a series has shape (length,) or (channels, length); got {shape}.{hint}")
    missing_notes = check_missing(numbers.values, "series")
    axis = channel_axis if channel_axis is not None else 0 if frame is None else 1
    channels = numbers.values[None] if len(shape) == 1 else np.moveaxis(numbers.values, axis, 0)
    count, length = channels.shape
    notes: tuple[Notice, ...] = ()
    if count > 1 and count >= length and channel_axis is None and frame is None:
        text = f"The series was read as {count} channels of {length} steps; if it is not, give channel_axis=-1."
        notes = (Notice("ambiguous_layout", text),)
    names, times = (None, None) if frame is None else (frame.columns, frame.rows) if axis else (frame.rows, frame.columns)
    if len(shape) == 1 and frame is not None:
        times = frame.rows
    return Series(numbers, channels.astype(np.float64), axis, names, times, notes + missing_notes)


def _check_channel_lengths(instance: Any) -> Any:
    """The instance, as an array if it is a list of channels; these must be equally long."""
    if isinstance(instance, (list, tuple)) or (isinstance(instance, np.ndarray) and instance.dtype.kind == "O"):
        lengths = [len(channel) if hasattr(channel, "__len__") else None for channel in instance]
        if len(set(lengths)) > 1:
            raise InstanceError(
                f"the channels of a series must be equally long; these have {', '.join(map(str, lengths[:8]))} steps. "
                f"Cut or fill them to one length."
            )
        try:
            return np.array([list(channel) if hasattr(channel, "__len__") else channel for channel in instance])
        except ValueError as error:
            raise InstanceError(f"a series has shape (length,) or (channels, length): {read_message(error)}.") from error
    return instance
