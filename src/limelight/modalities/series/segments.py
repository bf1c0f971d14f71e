"""Segmentations of series: which steps belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_count, check_flag
from limelight.exceptions import InstanceError
from limelight.modalities._label_maps import Segmenter
from limelight.modalities.series._change_points import merge_steps

__all__ = ["SEGMENTATIONS", "SEGMENTERS", "ChangePoints", "Uniform"]

_DEFAULT_COUNT = 20  # segments


@dataclass(frozen=True, repr=False)
class Uniform(Segmenter):
    """Segments of equal length, which differ by at most one step.

    Parameters
    ----------
    n_segments : int, optional
        The number of segments; by default 20, or the number of steps of a shorter series.
    per_channel : bool, default False
        Whether each channel has its own segments; otherwise a segment extends over all channels.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import Uniform
    >>> Uniform(n_segments=2)(np.zeros((1, 5))).tolist()
    [[0, 0, 0, 1, 1]]
    """

    n_segments: int | None = None
    per_channel: bool = False

    def __post_init__(self) -> None:
        _check_settings(self.n_segments, self.per_channel)

    def __call__(self, channels: np.ndarray) -> np.ndarray:
        """The label map of channels of shape (channels, length): of that shape with `per_channel`, or of shape (1, length)."""
        length = channels.shape[1]
        count = _count_segments(self.n_segments, length)
        labels = np.broadcast_to(np.arange(length) * count // length, (1, length))
        return _number_apart(np.repeat(labels, len(channels), axis=0)) if self.per_channel else labels


@dataclass(frozen=True, repr=False)
class ChangePoints(Segmenter):
    """Segments within which the values vary least: neighbours merged by Ward's criterion.

    Parameters
    ----------
    n_segments : int, optional
        The number of segments; by default 20, or the number of steps of a shorter series.
    per_channel : bool, default False
        Whether each channel has its own segments; otherwise a segment extends over all channels.

    References
    ----------
    .. [1] J. H. Ward, "Hierarchical Grouping to Optimize an Objective Function", JASA 58 (301), 1963.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.segmentation import ChangePoints
    >>> ChangePoints(n_segments=2)(np.array([[1.0, 1.1, 0.9, 5.0, 5.2]])).tolist()
    [[0, 0, 0, 1, 1]]
    """

    n_segments: int | None = None
    per_channel: bool = False

    def __post_init__(self) -> None:
        _check_settings(self.n_segments, self.per_channel)

    def __call__(self, channels: np.ndarray) -> np.ndarray:
        """The label map of channels of shape (channels, length): of that shape with `per_channel`, or of shape (1, length)."""
        count = _count_segments(self.n_segments, channels.shape[1])
        channels = _bridge_gaps(channels)
        # Without scaling, the channel with the largest values would decide alone.
        spread = channels.std(axis=1, keepdims=True)
        scaled = channels / np.where(spread > 0, spread, 1.0)
        if self.per_channel:
            return _number_apart(np.concatenate([self._merge_steps(scaled[i : i + 1], count) for i in range(len(scaled))]))
        return self._merge_steps(scaled, count)

    @staticmethod
    def _merge_steps(channels: np.ndarray, count: int) -> np.ndarray:
        """The label map, of shape (1, length), of `count` segments that extend over all channels."""
        starts = merge_steps(channels, count)
        return np.repeat(np.arange(count), np.diff(starts, append=channels.shape[1]))[None]


SEGMENTATIONS: dict[str, Any] = {"uniform": Uniform, "change_points": ChangePoints}
SEGMENTERS = (Uniform, ChangePoints)


def _bridge_gaps(channels: np.ndarray) -> np.ndarray:
    """Channels with straight lines across what is missing; a channel from which all is missing is 0."""
    is_missing = np.isnan(channels)
    if not is_missing.any():
        return channels
    steps, bridged = np.arange(channels.shape[1]), np.zeros(channels.shape)
    for row, channel, gaps in zip(bridged, channels, is_missing, strict=True):
        if not gaps.all():
            row[:] = np.interp(steps, steps[~gaps], channel[~gaps])
    return bridged


def _number_apart(labels: np.ndarray) -> np.ndarray:
    """The label map, of shape (channels, length), with each channel's numbers after those of the channel before."""
    counts = labels.max(axis=1) + 1
    return np.asarray(labels + (np.cumsum(counts) - counts)[:, None])


def _count_segments(n_segments: int | None, length: int) -> int:
    """The user's number of segments, or the default for a series of this length."""
    if n_segments is not None and n_segments > length:
        raise InstanceError(f"a series of {length} steps cannot be cut into {n_segments} segments; give fewer n_segments.")
    return n_segments or min(_DEFAULT_COUNT, length)


def _check_settings(n_segments: int | None, per_channel: bool) -> None:
    if n_segments is not None:
        check_count("n_segments", n_segments, 1)
    check_flag("per_channel", per_channel)
