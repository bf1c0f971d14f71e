"""The weighted laws of columns, worked out from training values by sums and quadrature alone, to hold closed forms against."""

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

_REACH = 12.0


class Pieces(NamedTuple):
    """A column cut so that a model that is asked for thresholds gives the same answer throughout each piece.

    Attributes
    ----------
    values : ndarray of shape (p,)
        A value of each piece.
    weights, of_components, of_squares : ndarray of shape (p,)
        The integrals of the kernel's factor, of it times the component, and of it times the component's square.
    """

    values: np.ndarray
    weights: np.ndarray
    of_components: np.ndarray
    of_squares: np.ndarray


def sum_up(values, shares, components, own, width):
    """The pieces of a column that has a few values, with their shares and components; the row's component is `own`."""
    values, shares, components = (np.asarray(array, dtype=float) for array in (values, shares, components))
    weights = shares * np.exp(-0.5 * (components - own) ** 2 / width**2)
    return Pieces(values, weights, weights * components, weights * components**2)


def join(*parts):
    return Pieces(*map(np.concatenate, zip(*parts, strict=True)))


def cut(low, high, thresholds):
    ends = np.unique([low, high, *(end for end in thresholds if low < end < high)])
    return [*pairwise(ends)]


def of_frequencies(training, instance, width):
    """A column of categories, or of bins with a single value each; missing ones are a category."""
    values = [*np.unique(training[~np.isnan(training)]), *([np.nan] if np.isnan(training).any() else [])]
    is_same = [np.isnan(training) if np.isnan(value) else training == value for value in values]
    on = [float(value == instance or (np.isnan(value) and np.isnan(instance))) for value in values]
    return sum_up(values, [same.mean() for same in is_same], on, 1.0, width)


def of_bins(training, instance, width, edges, thresholds, *, rounding=None, whole=False):
    """A column in bins, whose values are drawn from normal distributions that end at the bins' edges, and then rounded."""
    present = training[~np.isnan(training)]
    share_present = len(present) / len(training)
    ends = [-np.inf, *edges, np.inf]
    own_bin = None if np.isnan(instance) else int(np.searchsorted(edges, instance))
    parts = []
    for number in range(len(edges) + 1):
        members = present[(present > ends[number]) & (present <= ends[number + 1])]
        if not len(members):
            continue
        share = share_present * len(members) / len(present)
        low = present.min() if number == 0 else ends[number]
        high = present.max() if number == len(edges) else ends[number + 1]
        if members.min() == members.max():
            values, shares = members[:1], [1.0]
        else:
            law = norm(members.mean(), members.std())
            inside = law.cdf(high) - law.cdf(low)
            if rounding is not None:
                held = rounding.between(low, high)
                cells = np.clip(rounding.ends(held), low, high)
                values, shares = held, np.diff(law.cdf([low, *cells])) / inside
                if whole:
                    shares[-1] += 1 - np.sum(shares)
            else:
                pieces = cut(low, high, thresholds)
                values = [(first + last) / 2 for first, last in pieces]
                shares = [(law.cdf(last) - law.cdf(first)) / inside for first, last in pieces]
        on = [float(np.searchsorted(edges, value) == own_bin) for value in values]
        parts.append(sum_up(values, share * np.asarray(shares), on, 1.0, width))
    if share_present < 1:
        parts.append(sum_up([np.nan], [1 - share_present], [float(np.isnan(instance))], 1.0, width))
    return join(*parts)


def of_whole_bins(training, instance, width, edges):
    """A column of whole numbers in bins, each drawn from a normal distribution and rounded to one in its bin."""
    present = training[~np.isnan(training)]
    ends = [present.min(), *edges, present.max()]
    parts = []
    for number in range(len(edges) + 1):
        members = present[np.searchsorted(edges, present) == number]
        if not len(members):
            continue
        low, high = ends[number], ends[number + 1]
        least = low if number == 0 else np.floor(low) + 1
        values, shares = np.arange(least, np.floor(high) + 1), [1.0]
        if members.min() == members.max():
            values = members[:1]
        else:
            law = norm(members.mean(), members.std())
            cells = [low, *np.clip(values[:-1] + 0.5, low, high), high]
            shares = np.diff(law.cdf(cells)) / (law.cdf(high) - law.cdf(low))
        on = np.full(len(values), float(number == np.searchsorted(edges, instance) and not np.isnan(instance)))
        parts.append(sum_up(values, np.asarray(shares) * len(members) / len(training), on, 1.0, width))
    if len(present) < len(training):
        share = 1 - len(present) / len(training)
        parts.append(sum_up([np.nan], [share], [float(np.isnan(instance))], 1.0, width))
    return join(*parts)


def of_slope(training, instance, width, thresholds, *, around=False, rounding=None):
    """A column without bins, drawn from a normal distribution, and then rounded."""
    present = training[~np.isnan(training)]
    mean, std = present.mean(), present.std()
    own = 0.0 if np.isnan(instance) else (instance - mean) / std
    share_missing = 1 - len(present) / len(training)
    law = norm(mean if not around or np.isnan(instance) else instance, std)
    if rounding is not None:
        reach = sorted([law.mean(), mean + own * std])
        held = rounding.between(reach[0] - _REACH * std, reach[1] + _REACH * std)
        ends = rounding.ends(held)
        log_shares = np.where(
            ends[:-1] > law.mean(),
            law.logsf(ends[:-1]) + np.log(-np.expm1(law.logsf(ends[1:]) - law.logsf(ends[:-1]))),
            law.logcdf(ends[1:]) + np.log(-np.expm1(law.logcdf(ends[:-1]) - law.logcdf(ends[1:]))),
        )
        shares = np.append(np.exp(law.logcdf(ends[0])), np.exp(log_shares))
        present_part = sum_up(held, (1 - share_missing) * shares, (held - mean) / std, own, width)
    else:
        parts = []
        for low, high in cut(mean - _REACH * std, mean + _REACH * std, thresholds):
            integrals = [
                quad(
                    lambda x, power=power: (
                        law.pdf(x) * np.exp(-0.5 * ((x - mean) / std - own) ** 2 / width**2) * ((x - mean) / std) ** power
                    ),
                    low,
                    high,
                    epsabs=1e-13,
                    epsrel=1e-12,
                    limit=400,
                )[0]
                for power in (0, 1, 2)
            ]
            parts.append(Pieces(np.array([(low + high) / 2]), *((1 - share_missing) * np.array([i]) for i in integrals)))
        present_part = join(*parts)
    if not share_missing:
        return present_part
    return join(present_part, sum_up([np.nan], [share_missing], [0.0], own, width))


class WholeNumbers:
    """Rounding to whole numbers."""

    def __init__(self, low=-np.inf, high=np.inf):
        self.low, self.high = low, high

    def between(self, low, high):
        return np.arange(max(self.low, np.ceil(low)), min(self.high, np.floor(high)) + 1)

    def ends(self, held):
        return np.where(held >= self.high, np.inf, held + 0.5)


class HalfPrecision:
    """Rounding to half precision."""

    def between(self, low, high):
        every = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(float)
        every = np.unique(every[np.isfinite(every)])
        first, last = np.float64(np.float16(low)), np.float64(np.float16(high))
        return every[(every >= first) & (every <= last)]

    def ends(self, held):
        return (held + np.nextafter(held.astype(np.float16), np.float16(np.inf)).astype(float)) / 2


class Decimals:
    """Rounding to two decimals."""

    def between(self, low, high):
        return np.arange(np.ceil(low * 100), np.floor(high * 100) + 1) / 100

    def ends(self, held):
        return held + 0.005


def fit(columns, outputs, *, alpha, nominal_draws):
    """The weights and the intercept of LIME's weighted ridge, from the pieces of columns that are drawn independently.

    `outputs` gives an answer for each row of values.
    """
    rows = np.array([*product(*(column.values for column in columns))])
    weights = np.array([*product(*(column.weights for column in columns))]).prod(axis=1)
    answers = outputs(rows)
    mean_weight = weights.sum()
    mean = weights @ answers / mean_weight
    coefficients, means = [], []
    for number, column in enumerate(columns):
        of_component = np.array(
            [*product(*(other.of_components if place == number else other.weights for place, other in enumerate(columns)))]
        ).prod(axis=1)
        total = column.weights.sum()
        of_mean = column.of_components.sum() / total
        variance = column.of_squares.sum() / total - of_mean**2
        covariance = (of_component @ answers) / mean_weight - of_mean * mean
        coefficients.append(covariance / (variance + alpha / (nominal_draws * mean_weight)) if variance > 1e-14 else 0.0)
        means.append(of_mean)
    return np.array(coefficients), mean - np.dot(coefficients, means)
