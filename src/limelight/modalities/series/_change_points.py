"""Where a series changes: neighbouring segments are merged by Ward's criterion until few are left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

import numpy as np

__all__ = ["merge_steps"]

_Pair = tuple[float, int, int, int]
"""Two neighbours: what merging them costs, the newer and the older number, and the place of the left one."""

_NO_PAIR: _Pair = (inf, -1, -1, 0)
_SHARE_BELOW_THRESHOLD = 0.3  # of the pairs: fastest between 0.2 and 0.5
_FEWEST_BY_THRESHOLD = 4096  # segments: fewer are merged without a threshold


@dataclass(frozen=True)
class _Segments:
    """Neighbouring segments of a series, in the order of time.

    Attributes
    ----------
    starts : ndarray of int, of shape (m,)
        The first step of each segment.
    numbers : ndarray of int, of shape (m,)
        Each segment's number: steps come first, then merged segments in the order in which they are made.
    sizes : ndarray of shape (m,)
        The number of steps in each segment.
    sums : ndarray of shape (m, channels)
        The sum of each segment's values.
    """

    starts: np.ndarray
    numbers: np.ndarray
    sizes: np.ndarray
    sums: np.ndarray

    def costs(self) -> np.ndarray:
        """By how much merging each segment with the next raises the sum of squares, of shape (m - 1,)."""
        squares = np.zeros(len(self.starts) - 1)
        left, right = self.sizes[:-1], self.sizes[1:]
        with np.errstate(over="ignore", invalid="ignore"):
            for sums in self.sums.T:
                squares += np.diff(sums / self.sizes) ** 2
            costs = squares * (left * right / (left + right))
        return np.where(np.isnan(costs), inf, costs)  # sums of huge values can be infinite


def merge_steps(channels: np.ndarray, count: int) -> np.ndarray:
    """Merge neighbouring steps, always the two segments whose merging raises the sum of squares least (Ward's criterion).

    The segments are those of scikit-learn's ``AgglomerativeClustering`` with a chain as connectivity, which takes time with the
    square of the length. Of pairs with equal costs, the one of lower numbers comes first.

    Parameters
    ----------
    channels : ndarray of shape (channels, length)
        The values of each channel.
    count : int
        How many segments to keep.

    Returns
    -------
    starts : ndarray of int, of shape (count,)
        The first step of each segment.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.modalities.series._change_points import merge_steps
    >>> merge_steps(np.array([[1.0, 1.1, 0.9, 5.0, 5.2]]), 2).tolist()
    [0, 3]
    """
    length = channels.shape[1]
    segments = _Segments(np.arange(length), np.arange(length), np.ones(length), channels.T)
    while len(segments.starts) > count:
        costs = segments.costs()
        # Pairs above a threshold cannot be next while one is below it. Their costs are computed all at once when none is left.
        threshold = inf
        if len(costs) > _FEWEST_BY_THRESHOLD:
            place = int(_SHARE_BELOW_THRESHOLD * len(costs))
            threshold = float(np.partition(costs, place)[place])
        segments = _merge_below(threshold, segments, costs, length, count)
    return segments.starts


def _merge_below(threshold: float, segments: _Segments, costs: np.ndarray, length: int, count: int) -> _Segments:
    """Merge pairs of neighbours, least costs first, until `count` are left or the costs of all exceed the threshold."""
    # Lists, and one loop: numpy takes ten times as long for single numbers, and a call as long as a merger.
    numbers, sizes = segments.numbers.tolist(), segments.sizes.tolist()
    sums, means = segments.sums.T.tolist(), (segments.sums.T / segments.sizes).tolist()
    by_channel = list(zip(sums, means, strict=True))
    num_left = len(numbers)
    before, after = list(range(-1, num_left - 1)), [*range(1, num_left), -1]
    merged_pairs: list[_Pair] = []
    for pair in [*_sorted_pairs(threshold, segments.numbers, costs), _NO_PAIR]:
        while num_left > count:
            next_pair = heappop(merged_pairs) if merged_pairs and merged_pairs[0] < pair else pair
            _, newer, older, left = next_pair
            right = after[left]
            first, second = numbers[left], numbers[right]
            if (first == newer and second == older) or (first == older and second == newer):  # neither has been merged since
                number = numbers[left] = 2 * length - num_left
                numbers[right] = -1
                num_left -= 1
                size = sizes[left] = sizes[left] + sizes[right]
                for channel_sums, channel_means in by_channel:
                    total = channel_sums[left] = channel_sums[left] + channel_sums[right]
                    channel_means[left] = total / size
                previous, following = before[left], after[right]
                after[left] = following
                if following >= 0:
                    before[following] = left
                for neighbour, first_of_pair in ((previous, previous), (following, left)):
                    if neighbour < 0:
                        continue
                    squares = 0.0
                    for channel_means in means:
                        difference = channel_means[neighbour] - channel_means[left]
                        squares += difference * difference
                    other = sizes[neighbour]
                    cost = squares * (other * size / (other + size))
                    if cost <= threshold:
                        heappush(merged_pairs, (cost, number, numbers[neighbour], first_of_pair))
            if next_pair is pair:
                break
    is_kept = np.array(numbers) >= 0
    return _Segments(
        segments.starts[is_kept], np.array(numbers)[is_kept], np.array(sizes)[is_kept], np.array(sums)[:, is_kept].T
    )


def _sorted_pairs(threshold: float, numbers: np.ndarray, costs: np.ndarray) -> Iterator[_Pair]:
    """The pairs of neighbours whose costs do not exceed the threshold, least costs first."""
    newer, older = np.maximum(numbers[:-1], numbers[1:]), np.minimum(numbers[:-1], numbers[1:])
    places = np.flatnonzero(costs <= threshold)
    places = places[np.lexsort((older[places], newer[places], costs[places]))]
    return zip(costs[places].tolist(), newer[places].tolist(), older[places].tolist(), places.tolist(), strict=True)
