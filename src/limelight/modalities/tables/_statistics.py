"""Columns from statistics of the training data, and back: an explainer needs no more than these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from limelight._checks import check_number, check_numbers
from limelight._errors import ArgumentError, ArgumentTypeError
from limelight._seeds import fingerprint
from limelight.modalities.tables._array_encoding import ArrayEncoding
from limelight.modalities.tables._columns import Binned, Categorical, Column, Missing
from limelight.modalities.tables._encoding import Encoding, feature_names_of
from limelight.modalities.tables._features import Feature, FeatureRules
from limelight.modalities.tables._training_data import encode

__all__ = ["Statistics", "written"]

STATS = "training_data_stats"
# lime's keys: those of numeric columns, and those of all.
OF_BINS = ("bins", "means", "stds", "mins", "maxs")
OF_ALL = ("feature_values", "feature_frequencies")
# Ours, each optional: a numeric column's standard deviation, whether it is of whole numbers, the share that is missing, what
# random points are drawn for.
SCALES, WHOLE, MISSING, CONTENT = "scales", "whole", "missing", "fingerprint"
# lime adds this to every standard deviation, so that a bin with a single value has no more.
LEAST = 1e-11


@dataclass(frozen=True)
class Statistics:
    """What is known of a table whose rows are not at hand.

    Attributes
    ----------
    encoding : ArrayEncoding
        The names of the d columns.
    columns : tuple of Column
        How the values of each are drawn.
    content : int
        What random points are drawn for.
    """

    encoding: ArrayEncoding
    columns: tuple[Column, ...]
    content: int

    def features(self, rules: FeatureRules) -> list[Feature]:
        """The features of all columns."""
        return [rules.known(number, column) for number, column in enumerate(self.columns)]

    @property
    def rows(self) -> Any:
        """The training data, of which there are none."""
        return np.empty((0, len(self.columns)))

    @classmethod
    def checked(
        cls, stats: Any, training_data: Any, feature_names: Iterable[object] | None, *, needing: Mapping[str, bool]
    ) -> Statistics:
        """Read what a user gives as ``training_data_stats``.

        Parameters
        ----------
        stats : mapping
            The statistics.
        training_data : array-like or None
            Rows that only say how many columns there are and, for sequences, steps.
        feature_names : sequence of str or None
            A name for each column.
        needing : mapping
            For settings that statistics cannot serve, whether they were asked for.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            If they are no sound statistics, or not enough for a setting.
        """
        for setting, is_given in needing.items():
            if is_given:
                raise ArgumentError(f"{setting} needs the training data's rows; leave it out, or {STATS}.")
        if not isinstance(stats, Mapping):
            raise ArgumentTypeError(f"{STATS} must be a mapping with keys {_listed((*OF_BINS, *OF_ALL))}; got {stats!r:.60}.")
        lacking = [key for key in (*OF_BINS, *OF_ALL) if key not in stats]
        if lacking:
            raise ArgumentError(f"{STATS} must have keys {_listed((*OF_BINS, *OF_ALL))}; it lacks {_listed(lacking)}.")
        encoding = _encoding_of(stats, training_data, feature_names)
        reader = _Reader(stats, encoding)
        columns = tuple(reader.column(number) for number in range(len(encoding.names)))
        return cls(encoding, columns, _content_of(stats, columns))


def written(columns: Sequence[Column], content: int | None = None) -> dict[str, Any]:
    """Columns of a table as statistics, in JSON's types.

    Raises
    ------
    ArgumentError
        If a numeric column has no bins.
    """
    stats: dict[str, Any] = {key: {} for key in (*OF_BINS, *OF_ALL, SCALES, WHOLE, MISSING)}
    for number, column in enumerate(columns):
        if isinstance(column, Missing):
            if column.share:
                stats[MISSING][number] = float(column.share)
            column = column.present
        if isinstance(column, Categorical):
            known = {"feature_values": column.values, "feature_frequencies": column.shares}
        elif isinstance(column, Binned):
            filled, single = np.flatnonzero(column.shares), column.lows == column.highs
            # As in lime, a bin's range ends at its edges, though the lower one is not its own.
            lows, highs = np.append(column.lows[0], column.edges), np.append(column.edges, column.highs[-1])
            ours = ~single & (column.lows > np.nextafter(lows, np.inf))
            known = {
                "bins": column.edges,
                "means": column.means,
                "stds": np.where(single, LEAST, column.scales),
                "mins": np.where(ours, column.lows, lows),
                "maxs": np.where(single, highs, column.highs),
                "feature_values": filled,
                "feature_frequencies": column.shares[filled],
            }
            stats[SCALES][number] = float(column.scale)
            if column.whole:
                stats[WHOLE][number] = 1
        else:
            raise ArgumentError("statistics need bins: leave discretize_continuous=True.")
        for key, values in known.items():
            stats[key][number] = values.tolist()
    return stats if content is None else stats | {CONTENT: f"{content:032x}"}


class _Reader:
    """Statistics by column; each column's are checked when they are read."""

    def __init__(self, stats: Mapping[str, Any], encoding: ArrayEncoding) -> None:
        self._encoding = encoding
        self._names = names = encoding.names
        self._given = {key: self._by_number(key, stats.get(key, {})) for key in (*OF_BINS, *OF_ALL, SCALES, WHOLE, MISSING)}
        for keys, wanted in ((OF_ALL, range(len(names))), (OF_BINS, self._given["bins"])):
            for key in keys:
                lacking = [names[number] for number in wanted if number not in self._given[key]]
                if lacking:
                    raise ArgumentError(f"{STATS}[{key!r}] lacks columns {_listed(lacking)}.")
        for key in (*OF_BINS, SCALES, WHOLE):
            extra = [names[number] for number in self._given[key] if number not in self._given["bins"]]
            if extra:
                raise ArgumentError(f'{STATS}[{key!r}] has columns that have no "bins": {_listed(extra)}.')

    def column(self, number: int) -> Column:
        """How a column's values are drawn."""
        share = self._number(MISSING, number, 0.0)
        if share > 1:
            raise ArgumentError(f"{self._place(MISSING, number)} must be a share, at most 1; got {share}.")
        values, shares = self._frequencies(number, may_be_empty=share == 1)
        is_numeric = number in self._given["bins"]
        present = self._binned(number, values, shares) if is_numeric else Categorical(values, shares)
        return Missing(present, share) if share else present

    def _frequencies(self, number: int, *, may_be_empty: bool) -> tuple[np.ndarray, np.ndarray]:
        """A column's codes of categories or numbers of bins, ascending, and their shares."""
        values, frequencies = (self._numbers(key, number) for key in OF_ALL)
        place = self._place("feature_frequencies", number)
        if len(values) != len(frequencies):
            raise ArgumentError(f"{place} must have one for each of {len(values)} feature_values; got {len(frequencies)}.")
        if not (len(values) or may_be_empty) or not np.all(frequencies > 0):
            raise ArgumentError(f"{place} must be one or more positive numbers; got {frequencies.tolist()}.")
        order = np.argsort(values)
        values, frequencies = values[order], frequencies[order]
        if np.any(values[1:] == values[:-1]):
            raise ArgumentError(f"{self._place('feature_values', number)} must not repeat values; got {values.tolist()}.")
        total = frequencies.sum()
        # What are shares already stay what they are, to the last bit.
        return values, frequencies if abs(total - 1) < 1e-9 else frequencies / total

    def _binned(self, number: int, filled: np.ndarray, shares_of_filled: np.ndarray) -> Binned:
        edges, means, stds, mins, maxs = (self._numbers(key, number) for key in OF_BINS)
        edges = np.unique(edges)
        count = len(edges) + 1
        if count == 1:
            raise ArgumentError(f"{self._place('bins', number)} must have one edge or more.")
        for key, given in (("means", means), ("stds", stds), ("mins", mins), ("maxs", maxs)):
            if len(given) != count:
                place = self._place(key, number)
                raise ArgumentError(f'{place} must have {count} values, one for each bin of "bins"; got {len(given)}.')
        if np.any(stds < 0):
            raise ArgumentError(f"{self._place('stds', number)} must be at least 0; got {stds.tolist()}.")
        if not np.isin(filled, np.arange(count)).all():
            place = self._place("feature_values", number)
            raise ArgumentError(f"{place} must be numbers of bins, 0 to {count - 1}; got {filled.tolist()}.")
        shares = np.zeros(count)
        shares[filled.astype(np.intp)] = shares_of_filled
        # A bin does not have its lower edge, at which its range begins.
        lows = np.append(mins[:1], np.maximum(mins[1:], np.nextafter(edges, np.inf)))
        single = (shares > 0) & (stds <= LEAST)
        outside = (np.append(-np.inf, edges) > mins) | (lows > maxs) | (maxs > np.append(edges, np.inf))
        far = np.abs(means - np.clip(means, mins, np.maximum(mins, maxs))) > stds + 1e-9 * np.abs(means)
        for key, bad in (("mins and maxs", outside), ("means", far)):
            numbers = np.flatnonzero(bad & (shares > 0)).tolist()
            if numbers:
                raise ArgumentError(f"{STATS}: {key} of {self._names[number]!r} lie outside bins {_listed(numbers)}.")
        means = np.where(single, np.clip(means, lows, np.maximum(lows, maxs)), means)
        center = shares @ means
        spread = float(np.sqrt(shares @ (stds**2 + (means - center) ** 2)))
        return Binned(
            edges=edges,
            shares=shares,
            means=means,
            scales=np.maximum(stds, LEAST),
            lows=np.where(single, means, lows),
            highs=np.where(single, means, maxs),
            scale=self._number(SCALES, number, spread),
            whole=self._number(WHOLE, number, 0.0) > 0,
        )

    def _numbers(self, key: str, number: int) -> np.ndarray:
        place = self._place(key, number)
        array = check_numbers(place, self._given[key][number], 1)
        if not np.isfinite(array).all():
            raise ArgumentError(f"{place} must be finite; got {array.tolist()}.")
        return array

    def _number(self, key: str, number: int, default: float) -> float:
        return check_number(self._place(key, number), self._given[key].get(number, default), 0)

    def _place(self, key: str, number: int) -> str:
        return f"{STATS}[{key!r}][{self._names[number]!r}]"

    def _by_number(self, key: str, given: Any) -> dict[int, Any]:
        if not isinstance(given, Mapping):
            raise ArgumentTypeError(f"{STATS}[{key!r}] must be a mapping from columns to numbers; got {given!r:.60}.")
        read: dict[int, Any] = {}
        for feature, values in given.items():
            number = self._number_of(feature)
            if number is None:
                last = len(self._names) - 1
                raise ArgumentError(
                    f"{STATS}[{key!r}] must name columns by number, 0 to {last}, or by one of feature_names; got {feature!r}."
                )
            if number in read:
                raise ArgumentError(f"{STATS}[{key!r}] has column {self._names[number]!r} twice.")
            read[number] = values
        return read

    def _number_of(self, feature: object) -> int | None:
        """A column's number; JSON makes a text of it, which goes before a name that looks like a number."""
        if isinstance(feature, str) and re.fullmatch("[0-9]{1,9}", feature) and int(feature) < len(self._names):
            return int(feature)
        columns = Encoding.columns_of(self._encoding, feature)  # of sequences, too, single columns
        return columns[0] if columns else None


def _encoding_of(stats: Mapping[str, Any], training_data: Any, feature_names: Iterable[object] | None) -> ArrayEncoding:
    if training_data is None:
        values = stats["feature_values"]
        if not isinstance(values, Mapping) or not values:
            raise ArgumentTypeError(f"{STATS}['feature_values'] must be a mapping with every column; got {values!r:.60}.")
        return ArrayEncoding(feature_names_of(feature_names, len(values)), whole=False)
    _, encoding = encode(training_data, feature_names)
    if not isinstance(encoding, ArrayEncoding):
        raise ArgumentTypeError(f"training_data must be None or an array beside {STATS}; got {type(training_data).__name__}.")
    return replace(encoding, whole=False)  # only the shape is looked at


def _content_of(stats: Mapping[str, Any], columns: Sequence[Column]) -> int:
    """What random points are drawn for: the statistics themselves, unless they say it."""
    given = stats.get(CONTENT)
    if given is None:
        return fingerprint(json.dumps(written(columns)))
    if not isinstance(given, str) or not re.fullmatch("[0-9a-f]{32}", given):
        raise ArgumentError(
            f"{STATS}[{CONTENT!r}] must be 32 hexadecimal digits, as statistics() gives them; got {given!r:.60}."
        )
    return int(given, 16)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(repr, values))
