"""Which steps of a series belong together, and what shows where they are absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_count, check_flag
from limelight._errors import ArgumentError, ArgumentTypeError, InstanceError
from limelight.modalities._arrays import noise_like
from limelight.modalities._label_maps import Segmentation, label_map

__all__ = ["SEGMENTATIONS", "ChangePoints", "Uniform", "background_mean", "check_background", "filling", "segments_of"]

_USUAL = 20


@dataclass(frozen=True)
class Uniform:
    """Segments of equal length, as nearly as they can be.

    Parameters
    ----------
    n_segments : int, optional
        How many; by default 20, or as many as the series has steps.
    per_channel : bool, default False
        Whether each channel has segments of its own; else a segment is a stretch of time in all channels.

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
        _check(self.n_segments, self.per_channel)

    def __call__(self, channels: np.ndarray) -> np.ndarray:
        """Segments of channels of shape (channels, length)."""
        length = channels.shape[1]
        count = _count(self.n_segments, length)
        labels = np.broadcast_to(np.arange(length) * count // length, (1, length))
        return _apart(np.repeat(labels, len(channels), axis=0)) if self.per_channel else labels


@dataclass(frozen=True)
class ChangePoints:
    """Segments within which the values vary least: neighbours merged by Ward's criterion, by scikit-learn.

    Parameters
    ----------
    n_segments : int, optional
        How many; by default 20, or as many as the series has steps.
    per_channel : bool, default False
        Whether each channel has segments of its own; else a segment is a stretch of time in all channels.

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
        _check(self.n_segments, self.per_channel)

    def __call__(self, channels: np.ndarray) -> np.ndarray:
        """Segments of channels of shape (channels, length)."""
        count = _count(self.n_segments, channels.shape[1])
        # Otherwise the channel with the largest unit would decide alone.
        spread = channels.std(axis=1, keepdims=True)
        even = channels / np.where(spread > 0, spread, 1.0)
        if self.per_channel:
            return _apart(np.concatenate([self._merged(even[i : i + 1], count) for i in range(len(even))]))
        return self._merged(even, count)

    @staticmethod
    def _merged(channels: np.ndarray, count: int) -> np.ndarray:
        from scipy.sparse import diags_array
        from sklearn.cluster import AgglomerativeClustering

        length = channels.shape[1]
        if length == 1:
            return np.zeros((1, 1), dtype=np.intp)
        chain = diags_array([1.0, 1.0], offsets=[-1, 1], shape=(length, length))
        found = AgglomerativeClustering(count, connectivity=chain, linkage="ward").fit_predict(channels.T)
        # Numbered in the order of time.
        return np.concatenate([[0], np.cumsum(found[1:] != found[:-1])])[None]


SEGMENTATIONS: dict[str, Any] = {"uniform": Uniform, "change_points": ChangePoints}


def segments_of(
    segmentation: Segmentation, channels: np.ndarray, as_given: np.ndarray, axis: int
) -> tuple[np.ndarray, tuple[int, ...]]:
    """For each step of (1 or all, length) the number of its segment, 0 to d - 1, and what the segmentation itself calls these.

    Raises
    ------
    InstanceError
        If the segments do not fit the series.
    """
    if isinstance(segmentation, (Uniform, ChangePoints)):
        found = segmentation(channels)
    else:
        found = label_map(segmentation, as_given)
        if found.shape not in (channels.shape[1:], as_given.shape):
            raise InstanceError(f"the label map has shape {found.shape}; the series has shape {as_given.shape}.")
        found = found[None] if found.ndim == 1 else np.moveaxis(found, axis, 0)
    numbers, labels = np.unique(found, return_inverse=True)
    return labels.reshape(found.shape), tuple(numbers.tolist())


def filling(fill: Any, channels: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """What shows of each step while its segment is absent, of shape (channels, length).

    Raises
    ------
    ArgumentError
        If there are not as many numbers as channels.
    """
    if isinstance(fill, np.ndarray):
        if fill.size not in (1, len(channels)):
            raise ArgumentError(f"fill has {fill.size} numbers; the series has {len(channels)} channels.")
        return np.broadcast_to(fill.reshape(-1, 1), channels.shape)
    if fill == "linear":
        wide = np.broadcast_to(labels, channels.shape)
        return np.stack([_bridged(channel, label) for channel, label in zip(channels, wide, strict=True)])
    means = channels.mean(axis=1, keepdims=True)
    if fill == "mean":
        return np.broadcast_to(means, channels.shape)
    return noise_like(channels, 1, seed)


def check_background(background: Any) -> list[np.ndarray]:
    """Other series, each an array of doubles.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If there is none, or one of them holds no numbers.
    """
    if isinstance(background, str) or not isinstance(background, Iterable):
        raise ArgumentTypeError(f"background must be a collection of series; got {background!r}.")
    series = []
    for number, one in enumerate(background):
        try:
            series.append(np.array(one, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(f"series {number} of background must hold numbers: {error}.") from error
        if series[-1].ndim not in (1, 2) or not np.isfinite(series[-1]).all():
            raise ArgumentError(
                f"series {number} of background must be finite numbers of shape (length,) or (channels, length); "
                f"got shape {series[-1].shape}."
            )
    if not series:
        raise ArgumentError("background must hold at least one series; got none.")
    return series


def background_mean(background: list[np.ndarray], shape: tuple[int, int], axis: int) -> np.ndarray:
    """The mean of other series at each step, of shape (channels, length); of those that reach so far, where they are shorter.

    Raises
    ------
    ArgumentError
        If they have other channels, or none is as long as the instance.
    """
    sums, counts = np.zeros(shape), np.zeros(shape)
    for number, one in enumerate(background):
        series = one[None] if one.ndim == 1 else np.moveaxis(one, axis, 0)
        if len(series) != shape[0]:
            raise ArgumentError(f"series {number} of background must have {shape[0]} channels; got shape {one.shape}.")
        reach = min(shape[1], series.shape[1])
        sums[:, :reach] += series[:, :reach]
        counts[:, :reach] += 1
    if not counts.all():
        raise ArgumentError(f"background must have a series of at least {shape[1]} steps, as the instance has.")
    return np.asarray(sums / counts)


def _bridged(channel: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Straight lines from the value before each segment to the one after it; level at the series' ends."""
    bounds = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    answer = np.empty(len(channel))
    for start, stop in zip([0, *bounds], [*bounds, len(channel)], strict=True):
        before = channel[start - 1] if start > 0 else channel[min(stop, len(channel) - 1)]
        after = channel[stop] if stop < len(channel) else before
        answer[start:stop] = before + (after - before) * np.arange(1, stop - start + 1) / (stop - start + 1)
    return answer


def _apart(labels: np.ndarray) -> np.ndarray:
    """Each channel's numbers after those of the channel before."""
    counts = labels.max(axis=1) + 1
    return np.asarray(labels + (np.cumsum(counts) - counts)[:, None])


def _count(given: int | None, length: int) -> int:
    if given is not None and given > length:
        raise InstanceError(f"a series of {length} steps cannot be cut into {given} segments; give fewer n_segments.")
    return given or min(_USUAL, length)


def _check(n_segments: int | None, per_channel: bool) -> None:
    if n_segments is not None:
        check_count("n_segments", n_segments, 1)
    check_flag("per_channel", per_channel)
