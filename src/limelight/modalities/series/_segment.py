"""How a segmentation is applied to a series: its segments are checked, numbered and named."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from limelight.exceptions import InstanceError
from limelight.modalities._label_maps import Segmentation, make_label_map
from limelight.modalities.series._series import Series
from limelight.modalities.series.segments import SEGMENTERS
from limelight.results.views import Segment

__all__ = ["find_segments", "list_runs", "name_segments"]


class Labels(NamedTuple):
    """Which segment each step of a series belongs to.

    Attributes
    ----------
    numbers : ndarray of shape (1, length) or (channels, length), int
        The number of each step's segment, 0 to d - 1; of one row if segments extend over all channels.
    originals : tuple of int
        The segmentation's own number of each segment.
    """

    numbers: np.ndarray
    originals: tuple[int, ...]


def find_segments(segmentation: Segmentation, series: Series) -> Labels:
    """Segment a series.

    Raises
    ------
    ArgumentTypeError
        If a callable does not return a label map of integers.
    InstanceError
        If the segments do not fit the series.
    """
    if isinstance(segmentation, SEGMENTERS):
        label_map = segmentation(series.channels)
    else:
        values = series.numbers.values
        label_map = make_label_map(segmentation, values)
        if label_map.shape not in (series.channels.shape[1:], values.shape):
            raise InstanceError(f"the label map has shape {label_map.shape}; the series has shape {values.shape}.")
        label_map = label_map[None] if label_map.ndim == 1 else np.moveaxis(label_map, series.channel_axis, 0)
    originals, numbers = np.unique(label_map, return_inverse=True)
    return Labels(numbers.reshape(label_map.shape), tuple(originals.tolist()))


def list_runs(labels: Labels, channel_count: int) -> tuple[Segment, ...]:
    """Every run of steps of one segment, in the order of channels and steps."""
    runs = []
    for row, numbers in enumerate(labels.numbers):
        bounds = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(numbers)]
        channels = tuple(range(channel_count)) if len(labels.numbers) < channel_count else (row,)
        runs += [Segment(channels, start, stop, int(numbers[start])) for start, stop in pairwise(bounds)]
    return tuple(runs)


def name_segments(
    runs: tuple[Segment, ...], labels: Labels, channel_names: tuple[str, ...], times: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Name each segment by its steps and their times, if they have any, or by the segmentation's own number if it has several
    runs.
    """
    runs_of_segment: dict[int, list[Segment]] = {}
    for run in runs:
        runs_of_segment.setdefault(run.component, []).append(run)
    names = []
    for component in sorted(runs_of_segment):
        (first, *others) = runs_of_segment[component]
        steps = f"steps {first.start}-{first.stop - 1}" if first.stop - first.start > 1 else f"step {first.start}"
        if times is not None:
            steps += f" ({' to '.join(dict.fromkeys([times[first.start], times[first.stop - 1]]))})"
        name = f"segment {labels.originals[component]}" if others else steps
        is_in_one_channel = len(first.channels) < len(channel_names) and not others
        names.append(f"{channel_names[first.channels[0]]}: {name}" if is_in_one_channel else name)
    return tuple(names)
