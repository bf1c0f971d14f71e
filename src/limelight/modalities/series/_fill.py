"""What shows where a segment is absent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.modalities._arrays import check_filling, noise_like
from limelight.modalities._missing import summarise_known
from limelight.modalities.series._frames import SeriesFrame, order_like, read_frame

__all__ = ["average_background", "check_background", "check_fill", "make_filling"]

_FILL_NAMES = ("mean", "noise", "linear")


def check_fill(fill: Any) -> str | np.ndarray:
    """A user's fill: one of the names, a number, or a number for each channel.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is none of these.
    """
    return check_filling(fill, _FILL_NAMES)


def make_filling(fill: str | np.ndarray, channels: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Make the values that show while their segments are absent.

    Parameters
    ----------
    fill : str or ndarray
        What the user chose, checked.
    channels : ndarray of shape (channels, length), float64
        The series.
    labels : ndarray of shape (1, length) or (channels, length), int
        The number of each step's segment.
    seed : int
        The seed of the noise.

    Returns
    -------
    filling : ndarray of shape (channels, length)
        What is missing from the series counts for nothing. A channel from which all is missing stays so.

    Raises
    ------
    ArgumentError
        If the fill does not have a number for each channel.
    """
    if isinstance(fill, np.ndarray):
        if fill.size not in (1, len(channels)):
            raise ArgumentError(f"fill has {fill.size} numbers; the series has {len(channels)} channels.")
        return np.broadcast_to(fill.reshape(-1, 1), channels.shape)
    if fill == "linear":
        labels_of_channels = np.broadcast_to(labels, channels.shape)
        return np.stack([_bridge_segments(*pair) for pair in zip(channels, labels_of_channels, strict=True)])
    if fill == "mean":
        return np.broadcast_to(summarise_known(channels, 1)[0], channels.shape)
    return noise_like(channels, 1, seed)


def check_background(background: Any) -> list[SeriesFrame]:
    """A user's background: series of doubles, of shape (length,), (channels, length) or (length, channels).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there are no series, or one of them does not hold finite numbers.
    """
    is_frame = hasattr(background, "columns")  # iterating it would give its columns' names
    if isinstance(background, str) or is_frame or not isinstance(background, Iterable):
        raise ArgumentTypeError(f"background must be a collection of series; got {background!r:.200}.")
    checked = []
    for number, series in enumerate(background):
        frame = read_frame(series, f"series {number} of background")
        try:
            array = np.array(series if frame is None else frame.values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(f"series {number} of background must hold numbers: {read_message(error)}.") from error
        if array.ndim not in (1, 2) or np.isinf(array).any() or np.isnan(array).all():
            raise ArgumentError(
                f"series {number} of background must be finite numbers, or NaN where one is missing, of shape (length,) or "
                f"(channels, length); "
                f"got shape {array.shape}."
            )
        checked.append(SeriesFrame(array, None, None if frame is None else frame.columns))
    if not checked:
        raise ArgumentError("background must hold at least one series; got none.")
    return checked


def average_background(
    background: list[SeriesFrame], shape: tuple[int, int], channel_axis: int, channel_names: tuple[str, ...] | None
) -> np.ndarray:
    """Average the background series at each step, over those that are long enough to have it and do not lack it.

    Parameters
    ----------
    background : list of SeriesFrame
        Checked series, of the instance's layout.
    shape : (int, int)
        The instance's channels and length.
    channel_axis : int
        The axis of channels of two-dimensional series.
    channel_names : tuple of str or None
        The labels of the instance's channels; frames with the same labels may have them in another order.

    Returns
    -------
    means : ndarray of shape (channels, length)

    Raises
    ------
    ArgumentError
        If they do not have the instance's channels, or none is as long as the instance.
    """
    sums, counts = np.zeros(shape), np.zeros(shape)
    for number, series in enumerate(background):
        values = series.values
        channels = values[None] if values.ndim == 1 else np.moveaxis(values, channel_axis, 0)
        if len(channels) != shape[0]:
            raise ArgumentError(f"series {number} of background must have {shape[0]} channels; got shape {values.shape}.")
        if channel_axis != 0 and series.columns is not None and channel_names is not None:
            channels = order_like(channels, series.columns, channel_names, f"series {number} of background")
        length = min(shape[1], channels.shape[1])
        is_known = ~np.isnan(channels[:, :length])
        sums[:, :length] += np.where(is_known, channels[:, :length], 0.0)
        counts[:, :length] += is_known
    if not counts.all():
        raise ArgumentError(
            f"background must have a series of at least {shape[1]} steps, as the instance has, and a number for each step and "
            f"channel that is not NaN."
        )
    return np.asarray(sums / counts)


def _bridge_segments(channel: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Straight lines from the value before each segment to the one after it, level at the series' ends.

    All arrays are of shape (length,). What is missing is passed over: the line goes on to the next value that is known. The
    mean stands in for a segment that has all values that are known.
    """
    known = np.flatnonzero(~np.isnan(channel))
    if len(known) < len(channel):
        return _bridge_known(channel, labels, known)
    bounds = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    bridges = np.empty(len(channel))
    for start, stop in zip([0, *bounds], [*bounds, len(channel)], strict=True):
        before = channel[start - 1] if start > 0 else channel[min(stop, len(channel) - 1)]
        after = channel[stop] if stop < len(channel) else before
        bridges[start:stop] = before + (after - before) * np.arange(1, stop - start + 1) / (stop - start + 1)
    return bridges


def _bridge_known(channel: np.ndarray, labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The same where values are missing; `known` has the steps of the others."""
    if not known.size:
        return channel
    bounds = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    bridges = np.empty(len(channel))
    for start, stop in zip([0, *bounds], [*bounds, len(channel)], strict=True):
        others = known[(known < start) | (known >= stop)]
        steps = np.arange(start, stop)
        bridges[start:stop] = np.interp(steps, others, channel[others]) if others.size else channel[known].mean()
    return bridges
