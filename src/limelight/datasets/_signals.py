"""Series and sounds that formulas make."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limelight._checks import check_count
from limelight._seeds import stream

__all__ = ["Semitones", "chords", "cylinders_bells_and_funnels"]

_SAMPLES_PER_SECOND = 8000
_SOUND_SAMPLES = 4000
_SERIES_STEPS = 128
_MIDDLE_C_HERTZ = 261.63
_MINOR_AND_MAJOR_THIRD = (3, 4)  # semitones above the root
_FIFTH = 7  # semitones above the root
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SEMITONES = tuple(f"{note}{octave}" for octave in (4, 5) for note in _NOTES)


class Pulses(NamedTuple):
    """What `cylinders_bells_and_funnels` returns."""

    series: np.ndarray
    shapes: np.ndarray
    windows: list[tuple[int, int]]


def cylinders_bells_and_funnels(count: int, seed: int) -> Pulses:
    """Series of 128 steps with a pulse in noise: level (a cylinder), rising (a bell) or falling (a funnel).

    Parameters
    ----------
    count : int
        The number of series.
    seed : int
        The seed of their random stream.

    Returns
    -------
    series : ndarray of shape (count, 128)
    shapes : ndarray of shape (count,)
        0 for a cylinder, 1 for a bell, 2 for a funnel.
    windows : list of (int, int)
        The first and the last step of each pulse.

    References
    ----------
    .. [1] N. Saito, "Local feature extraction and its applications using a library of bases", PhD thesis, Yale 1994,
       section 5.3.

    Examples
    --------
    >>> from limelight.datasets import cylinders_bells_and_funnels
    >>> series, shapes, windows = cylinders_bells_and_funnels(3, seed=0)
    >>> series.shape, shapes.tolist(), len(windows)
    ((3, 128), [0, 1, 2], 3)
    """
    count = check_count("count", count, 1)
    generator = stream(check_count("seed", seed, 0))
    steps = np.arange(_SERIES_STEPS)
    series, windows = [], []
    for number in range(count):
        start = int(generator.integers(16, 33))
        stop = start + int(generator.integers(32, 97))
        is_inside = (steps >= start) & (steps <= stop)
        rising = (steps - start) / (stop - start)
        shape = (np.ones(128), rising, 1 - rising)[number % 3]
        series.append((6 + generator.standard_normal()) * is_inside * shape + generator.standard_normal(_SERIES_STEPS))
        windows.append((start, min(stop, _SERIES_STEPS - 1)))
    return Pulses(np.array(series), np.arange(count) % 3, windows)


def chords(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Chords on C in noise: half a second of three notes with two overtones each, at random loudness and phase.

    Parameters
    ----------
    count : int
        The number of chords.
    seed : int
        The seed of their random stream.

    Returns
    -------
    sounds : ndarray of shape (count, 4000)
        8000 samples a second.
    kinds : ndarray of shape (count,)
        0 for minor, 1 for major.

    Examples
    --------
    >>> from limelight.datasets import chords
    >>> sounds, kinds = chords(2, seed=0)
    >>> sounds.shape, kinds.tolist()
    ((2, 4000), [0, 1])
    """
    count = check_count("count", count, 1)
    generator = stream(check_count("seed", seed, 0))
    time = np.arange(_SOUND_SAMPLES) / _SAMPLES_PER_SECOND
    sounds = []
    for number in range(count):
        sound = generator.standard_normal(_SOUND_SAMPLES)
        for semitone in (0, _MINOR_AND_MAJOR_THIRD[number % 2], _FIFTH):
            for overtone in (1, 2, 3):
                loudness, phase = generator.uniform(0.05, 0.3) / overtone, generator.uniform(0, 2 * np.pi)
                sound += loudness * np.sin(2 * np.pi * overtone * _MIDDLE_C_HERTZ * 2 ** (semitone / 12) * time + phase)
        sounds.append(sound)
    return np.array(sounds), np.arange(count) % 2


class Semitones:
    """A sound whose components are the semitones of two octaves; lower and higher frequencies always stay.

    Parameters
    ----------
    sound : ndarray of shape (4000,)
        One of `chords`.

    Examples
    --------
    >>> import numpy as np
    >>> from limelight.datasets import Semitones, chords
    >>> sounds, _ = chords(1, seed=0)
    >>> semitones = Semitones(sounds[0])
    >>> bool(np.allclose(semitones.compose(np.ones((1, len(semitones.names)))), sounds))
    True
    """

    names = _SEMITONES

    def __init__(self, sound: np.ndarray) -> None:
        self._spectrum = np.fft.rfft(sound)
        with np.errstate(divide="ignore"):
            pitch = 12 * np.log2(np.fft.rfftfreq(_SOUND_SAMPLES, 1 / _SAMPLES_PER_SECOND) / _MIDDLE_C_HERTZ)
        is_inside = (pitch >= -0.5) & (pitch < len(_SEMITONES) - 0.5)
        # The semitone of each frequency; one more than the last for frequencies that always stay.
        self._semitones = np.where(is_inside, np.rint(np.where(is_inside, pitch, 0)), len(_SEMITONES)).astype(int)

    def compose(self, masks: np.ndarray) -> np.ndarray:
        """The sound without its absent semitones, for each of the masks of shape (m, 24): sounds of shape (m, 4000)."""
        is_kept = np.column_stack([masks, np.ones(len(masks))])
        return np.fft.irfft(self._spectrum * is_kept[:, self._semitones], n=_SOUND_SAMPLES)
