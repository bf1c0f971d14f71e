"""Scrambled Sobol points: those of scipy.stats.qmc, bit by bit, without a second for the import of scipy.stats."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["MOST_DIMENSIONS", "draw_sobol_points"]

MOST_DIMENSIONS = 21_201

_DIGITS = 30
_PLACES = np.uint32(1) << np.arange(_DIGITS - 1, -1, -1, dtype=np.uint32)  # of the digits after the binary point


def draw_sobol_points(order: np.ndarray, start: int, stop: int, generator: Generator) -> np.ndarray:
    """Points `start` to ``stop - 1`` of a Sobol sequence, scrambled by random matrices and a digital shift [1]_.

    Parameters
    ----------
    order : ndarray of shape (d,), int
        The dimensions of the sequence in the order wanted: a permutation of 0 to ``d - 1``; d is at most `MOST_DIMENSIONS`.
    start, stop : int
        Which points of the sequence.
    generator : Generator
        Seeds the scrambling. What it draws later does not depend on that.

    Returns
    -------
    points : ndarray of shape (stop - start, d)
        Numbers in [0, 1) of 30 binary digits.

    References
    ----------
    .. [1] J. Matoušek, "On the L2-discrepancy for anchored boxes", Journal of Complexity 14, 1998.
    """
    dimensions = len(order)
    known = _first_directions()
    if dimensions > len(known):
        known = _find_directions(dimensions, max(1, (stop - 1).bit_length()))
    directions, shift = _scramble(known[:dimensions], generator.spawn(1)[0])
    # From each point to the next, one digit of the Gray code of its number changes: the lowest one of the number itself.
    numbers = np.arange(start, stop)
    changed = np.bitwise_count((numbers & -numbers) - 1)
    digits = np.take(directions[order], changed, axis=1)
    digits[:, 0] = shift[order]
    for digit in range(_DIGITS):
        if (start ^ start >> 1) >> digit & 1:
            digits[:, 0] ^= directions[order, digit]
    points = np.bitwise_xor.accumulate(digits, axis=1, out=digits) / 2.0**_DIGITS
    return np.asarray(points.T)


@lru_cache(maxsize=1)
def _find_directions(dimensions: int, count: int) -> np.ndarray:
    """The first direction numbers of any number of dimensions, of shape (d, 30), of which so many are known and the rest 0.

    They are found in points that are not scrambled: point 2^k is the exclusive or of the numbers k and k - 1. scipy's own
    scrambling takes five times as long as `_scramble`.
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, scramble=False)
    directions = np.zeros((dimensions, _DIGITS), dtype=np.uint32)
    for digit in range(count):
        point = sequence.reset().fast_forward(2**digit).random(1)[0]
        directions[:, digit] = (point * 2.0**_DIGITS).astype(np.uint32)
        if digit:
            directions[:, digit] ^= directions[:, digit - 1]
    return directions


@cache
def _first_directions() -> np.ndarray:
    """The direction numbers of the first dimensions, of shape (1024, 30), by the recurrence of Bratley and Fox [1]_.

    For each dimension the file has a primitive polynomial, as an integer's bits, and the numbers that begin the recurrence.

    References
    ----------
    .. [1] P. Bratley, B. L. Fox, "Algorithm 659: Implementing Sobol's quasirandom sequence generator", ACM Transactions on
       Mathematical Software 14, 1988, section 2.
    """
    table = np.load(Path(__file__).with_name("direction_numbers.npy")).astype(np.uint32)
    polynomials, numbers = table[:, :1], table[:, 1:]
    rows, degrees = np.arange(len(table)), np.log2(polynomials[:, 0]).astype(np.intp)
    most = numbers.shape[1]
    initial = np.zeros((len(table), _DIGITS), dtype=np.uint32)
    initial[:, :most] = numbers * _PLACES[:most]
    places = degrees[:, None] - np.arange(most, 0, -1)  # of the coefficients in their polynomial, the last one first
    coefficients = np.where(places >= 0, polynomials >> np.maximum(places, 0).astype(np.uint32) & 1, 0).astype(np.uint32)
    directions = np.zeros((len(table), most + _DIGITS), dtype=np.uint32)  # the recurrence looks back on zeros at first
    for digit in range(_DIGITS):
        before = directions[:, digit : digit + most]
        furthest = directions[rows, digit + most - degrees]
        following = np.bitwise_xor.reduce(before * coefficients, axis=1) ^ furthest >> degrees.astype(np.uint32)
        directions[:, digit + most] = np.where(digit < degrees, initial[:, digit], following)
    directions[0, most:] = _PLACES  # the first dimension has no polynomial
    return directions[:, most:]


def _scramble(directions: np.ndarray, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Multiply direction numbers, of shape (d, 30), by random lower triangular matrices; and draw a shift, of shape (d,)."""
    dimensions = len(directions)
    shift = generator.integers(2, size=(dimensions, _DIGITS), dtype=np.uint32) @ _PLACES[::-1]
    matrices = np.tril(generator.integers(2, size=(dimensions, _DIGITS, _DIGITS), dtype=np.uint32))
    matrices[:, range(_DIGITS), range(_DIGITS)] = 1
    columns = (matrices * _PLACES[:, None]).sum(axis=1, dtype=np.uint32)
    scrambled = np.zeros_like(directions)
    for digit, place in enumerate(_PLACES):
        scrambled ^= np.where(directions & place, columns[:, digit, None], np.uint32(0))
    return scrambled, shift
