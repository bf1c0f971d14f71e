"""Statistics in place of training data: an explainer needs no more than these, and can write them down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from limelight._checks import check_number, check_numbers
from limelight._seeds import fingerprint
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.modalities.tables._added_values import Column, WithMissing
from limelight.modalities.tables._array_encoding import ArrayEncoding
from limelight.modalities.tables._binned import LEAST_STD, Binned
from limelight.modalities.tables._columns import Categorical
from limelight.modalities.tables._encoding import Encoding, feature_names_of
from limelight.modalities.tables._text_encoding import encode_texts
from limelight.modalities.tables._training_data import TrainingData, encode

__all__ = ["read_statistics", "write_statistics"]

_STATS = "training_data_stats"
_DOUBLES = np.dtype(np.float64)

# lime's keys: those of numeric columns, and those of all.
_NUMERIC_KEYS = ("bins", "means", "stds", "mins", "maxs")
_GENERAL_KEYS = ("feature_values", "feature_frequencies")
_LIME_KEYS = (*_NUMERIC_KEYS, *_GENERAL_KEYS)

# limelight's keys, which are optional.
_STD_KEY = "scales"
_WHOLE_KEY = "whole"
_WHOLE_VALUES_KEY = "whole_values"
_MISSING_KEY = "missing"
_CONTENT_KEY = "fingerprint"
_TYPE_KEY = "dtype"


def read_statistics(
    stats: Any,
    training_data: Any,
    feature_names: Iterable[object] | None,
    kinds: Any,
    *,
    needs_rows: Mapping[str, bool],
) -> TrainingData:
    """Read what a user gives as ``training_data_stats``.

    Parameters
    ----------
    stats : mapping
        The statistics.
    training_data : array-like or None
        Rows whose shape alone counts: it says how many columns and, for sequences, steps there are.
    feature_names, kinds
        As the explainer's.
    needs_rows : mapping
        For each setting that needs the rows themselves, whether the user asks for it.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If the statistics are not sound, or not enough for a setting.
    """
    for setting, is_asked_for in needs_rows.items():
        if is_asked_for:
            raise ArgumentError(f"{setting} needs the training data's rows; leave it out, or {_STATS}.")
    if not isinstance(stats, Mapping):
        raise ArgumentTypeError(f"{_STATS} must be a mapping with keys {_listed(_LIME_KEYS)}; got {stats!r:.60}.")
    lacking = [key for key in _LIME_KEYS if key not in stats]
    if lacking:
        raise ArgumentError(f"{_STATS} must have keys {_listed(_LIME_KEYS)}; it lacks {_listed(lacking)}.")
    encoding = _encoding_of(stats, training_data, feature_names)
    reader = _Reader(stats, encoding)
    laws = tuple(reader.law(number) for number in range(len(encoding.names)))
    rows, known_encoding = encode_texts(np.empty((0, len(laws))), encoding, kinds)
    return TrainingData(rows, known_encoding, _content_of(stats, laws), laws)


def write_statistics(laws: Sequence[Column], content: int | None = None, dtype: np.dtype = _DOUBLES) -> dict[str, Any]:
    """The laws of a table's columns as statistics, in JSON's types; `dtype` is the type in which a model gets rows.

    Raises
    ------
    ArgumentError
        If a numeric column has no bins.
    """
    stats: dict[str, Any] = {key: {} for key in (*_LIME_KEYS, _STD_KEY, _WHOLE_KEY, _MISSING_KEY)}
    for number, law in enumerate(laws):
        if isinstance(law, WithMissing):
            if law.share:
                stats[_MISSING_KEY][number] = float(law.share)
            law = law.present
        if isinstance(law, Categorical):
            arrays = {"feature_values": law.values, "feature_frequencies": law.shares}
        elif isinstance(law, Binned):
            arrays = _arrays_of_bins(law)
            stats[_STD_KEY][number] = float(law.std)
            if law.is_whole:
                stats[_WHOLE_KEY][number] = 1
            elif law.has_whole_values:
                stats.setdefault(_WHOLE_VALUES_KEY, {})[number] = 1
        else:
            raise ArgumentError("statistics need bins: leave discretize_continuous=True.")
        for key, array in arrays.items():
            stats[key][number] = array.tolist()
    if content is not None:
        stats[_CONTENT_KEY] = f"{content:032x}"
    return stats if dtype == _DOUBLES else stats | {_TYPE_KEY: dtype.name}


def _arrays_of_bins(law: Binned) -> dict[str, np.ndarray]:
    """What lime's keys have for a numeric column."""
    filled, is_single = np.flatnonzero(law.shares), law.lows == law.highs
    # As in lime, a bin's range ends at its edges, although the lower one is not in it.
    lows, highs = np.append(law.lows[0], law.edges), np.append(law.edges, law.highs[-1])
    begins_inside = ~is_single & (law.lows > np.nextafter(lows, np.inf))
    return {
        "bins": law.edges,
        "means": law.means,
        "stds": np.where(is_single, LEAST_STD, law.stds),
        "mins": np.where(begins_inside, law.lows, lows),
        "maxs": np.where(is_single, highs, law.highs),
        "feature_values": filled,
        "feature_frequencies": law.shares[filled],
    }


class _Reader:
    """Statistics by column; each column's are checked when they are read."""

    def __init__(self, stats: Mapping[str, Any], encoding: ArrayEncoding) -> None:
        self._encoding = encoding
        self._names = encoding.names
        keys = (*_LIME_KEYS, _STD_KEY, _WHOLE_KEY, _WHOLE_VALUES_KEY, _MISSING_KEY)
        self._stats = {key: self._by_number(key, stats.get(key, {})) for key in keys}
        for key in _GENERAL_KEYS:
            self._check_complete(key, range(len(self._names)))
        for key in _NUMERIC_KEYS:
            self._check_complete(key, self._stats["bins"])
        for key in (*_NUMERIC_KEYS, _STD_KEY, _WHOLE_KEY, _WHOLE_VALUES_KEY):
            extra = [self._names[number] for number in self._stats[key] if number not in self._stats["bins"]]
            if extra:
                raise ArgumentError(f'{_STATS}[{key!r}] has columns that have no "bins": {_listed(extra)}.')

    def _check_complete(self, key: str, numbers: Iterable[int]) -> None:
        lacking = [self._names[number] for number in numbers if number not in self._stats[key]]
        if lacking:
            raise ArgumentError(f"{_STATS}[{key!r}] lacks columns {_listed(lacking)}.")

    def law(self, number: int) -> Column:
        """How the values of the column with this number are drawn."""
        share = self._number(_MISSING_KEY, number, default=0.0)
        if share > 1:
            raise ArgumentError(f"{self._place(_MISSING_KEY, number)} must be a share, at most 1; got {share}.")
        values, shares = self._frequencies(number, may_be_empty=share == 1)
        is_numeric = number in self._stats["bins"]
        present = self._binned(number, values, shares) if is_numeric else Categorical(values, shares)
        return WithMissing(present, share) if share else present

    def _frequencies(self, number: int, *, may_be_empty: bool) -> tuple[np.ndarray, np.ndarray]:
        """A column's codes of categories or numbers of bins, ascending, and their shares, both of shape (s,)."""
        values, frequencies = (self._array(key, number) for key in _GENERAL_KEYS)
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
        # Frequencies that are shares already stay the same to the last bit.
        return values, frequencies if abs(total - 1) < 1e-9 else frequencies / total

    def _binned(self, number: int, filled: np.ndarray, shares_of_filled: np.ndarray) -> Binned:
        """The law of a numeric column, from the numbers and the shares, of shape (s,), of its bins with training values."""
        edges, means, stds, mins, maxs = (self._array(key, number) for key in _NUMERIC_KEYS)
        edges = np.unique(edges)
        shares = np.zeros(len(edges) + 1)
        self._check_bins(number, edges, filled, {"means": means, "stds": stds, "mins": mins, "maxs": maxs})
        shares[filled.astype(np.intp)] = shares_of_filled
        # A bin does not have its lower edge, at which its range begins.
        lows = np.append(mins[:1], np.maximum(mins[1:], np.nextafter(edges, np.inf)))
        is_single = (shares > 0) & (stds <= LEAST_STD)
        is_outside = (np.append(-np.inf, edges) > mins) | (lows > maxs) | (maxs > np.append(edges, np.inf))
        is_far = np.abs(means - np.clip(means, mins, np.maximum(mins, maxs))) > stds + 1e-9 * np.abs(means)
        for keys, is_bad in (("mins and maxs", is_outside), ("means", is_far)):
            bins = np.flatnonzero(is_bad & (shares > 0)).tolist()
            if bins:
                raise ArgumentError(f"{_STATS}: {keys} of {self._names[number]!r} lie outside bins {_listed(bins)}.")
        means = np.where(is_single, np.clip(means, lows, np.maximum(lows, maxs)), means)
        mean = shares @ means
        std = float(np.sqrt(shares @ (stds**2 + (means - mean) ** 2)))
        return Binned(
            edges=edges,
            shares=shares,
            means=means,
            stds=np.maximum(stds, LEAST_STD),
            lows=np.where(is_single, means, lows),
            highs=np.where(is_single, means, maxs),
            std=self._number(_STD_KEY, number, default=std),
            is_whole=self._number(_WHOLE_KEY, number, default=0.0) > 0,
            has_whole_values=self._number(_WHOLE_VALUES_KEY, number, default=0.0) > 0,
        )

    def _check_bins(self, number: int, edges: np.ndarray, filled: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        """Check that a numeric column has bins, with these inner edges, and one value for each of them in each array."""
        count = len(edges) + 1
        if count == 1:
            raise ArgumentError(f"{self._place('bins', number)} must have one edge or more.")
        for key, array in arrays.items():
            if len(array) != count:
                place = self._place(key, number)
                raise ArgumentError(f'{place} must have {count} values, one for each bin of "bins"; got {len(array)}.')
        if np.any(arrays["stds"] < 0):
            raise ArgumentError(f"{self._place('stds', number)} must be at least 0; got {arrays['stds'].tolist()}.")
        if not np.isin(filled, np.arange(count)).all():
            place = self._place("feature_values", number)
            raise ArgumentError(f"{place} must be numbers of bins, 0 to {count - 1}; got {filled.tolist()}.")

    def _array(self, key: str, number: int) -> np.ndarray:
        """What a key has for a column: finite numbers, of shape (s,)."""
        place = self._place(key, number)
        array = check_numbers(place, self._stats[key][number], 1)
        if not np.isfinite(array).all():
            raise ArgumentError(f"{place} must be finite; got {array.tolist()}.")
        return array

    def _number(self, key: str, number: int, *, default: float) -> float:
        """What an optional key has for a column: a number of at least 0."""
        return check_number(self._place(key, number), self._stats[key].get(number, default), 0)

    def _place(self, key: str, number: int) -> str:
        """Where the statistics have something, for errors."""
        return f"{_STATS}[{key!r}][{self._names[number]!r}]"

    def _by_number(self, key: str, given: Any) -> dict[int, Any]:
        """What a key has, by the columns' numbers."""
        if not isinstance(given, Mapping):
            raise ArgumentTypeError(f"{_STATS}[{key!r}] must be a mapping from columns to numbers; got {given!r:.60}.")
        by_number: dict[int, Any] = {}
        for feature, values in given.items():
            number = self._number_of(feature)
            if number is None:
                last = len(self._names) - 1
                raise ArgumentError(
                    f"{_STATS}[{key!r}] must name columns by number, 0 to {last}, or by one of feature_names; got {feature!r}."
                )
            if number in by_number:
                raise ArgumentError(f"{_STATS}[{key!r}] has column {self._names[number]!r} twice.")
            by_number[number] = values
        return by_number

    def _number_of(self, feature: object) -> int | None:
        """A column's number, which JSON turns into a text; such a text goes before a name that looks like a number."""
        if isinstance(feature, str) and re.fullmatch("[0-9]{1,9}", feature) and int(feature) < len(self._names):
            return int(feature)
        columns = Encoding.find_columns(self._encoding, feature)  # sequences, too, have statistics for single columns
        return columns[0] if columns else None


def _encoding_of(stats: Mapping[str, Any], training_data: Any, feature_names: Iterable[object] | None) -> ArrayEncoding:
    if training_data is None:
        values = stats["feature_values"]
        if not isinstance(values, Mapping) or not values:
            raise ArgumentTypeError(f"{_STATS}['feature_values'] must be a mapping with every column; got {values!r:.60}.")
        return ArrayEncoding(feature_names_of(feature_names, len(values)), _type_of(stats))
    _, encoding = encode(training_data, feature_names)
    if not isinstance(encoding, ArrayEncoding):
        raise ArgumentTypeError(f"training_data must be None or an array beside {_STATS}; got {type(training_data).__name__}.")
    return replace(encoding, dtype=_type_of(stats))  # only the array's shape counts


def _type_of(stats: Mapping[str, Any]) -> np.dtype:
    """The type in which a model gets rows."""
    try:
        dtype: np.dtype = np.dtype(stats.get(_TYPE_KEY, _DOUBLES))
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "biuf":
        raise ArgumentError(f"{_STATS}[{_TYPE_KEY!r}] must be a type of numbers, as float32; got {stats[_TYPE_KEY]!r:.60}.")
    return dtype


def _content_of(stats: Mapping[str, Any], laws: Sequence[Column]) -> int:
    """The number that random streams are made from: the statistics' own, or one made from all of them."""
    content = stats.get(_CONTENT_KEY)
    if content is None:
        return fingerprint(json.dumps(write_statistics(laws)))
    if not isinstance(content, str) or not re.fullmatch("[0-9a-f]{32}", content):
        raise ArgumentError(
            f"{_STATS}[{_CONTENT_KEY!r}] must be 32 hexadecimal digits, as statistics() gives them; got {content!r:.60}."
        )
    return int(content, 16)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(repr, values))
