"""Numbers that are missing from an image or a series: NaN, and codes that may stand for it."""

from __future__ import annotations

import numpy as np

from limelight.exceptions import InstanceError
from limelight.results.explanation import Notice

__all__ = ["check_missing", "fill_with_means", "summarise_known"]

# Codes of rasters and of instruments for "no data". GDAL, netCDF and ESRI write these.
_CODES = (-999.0, -9999.0, -99999.0, -32767.0, -32768.0, -1e20, 1e20, 9.969209968386869e36, -3.4028234663852886e38)
_LEAST_DISTANCE = 2.0  # of a code from all other numbers, in multiples of their range


def check_missing(values: np.ndarray, subject: str) -> tuple[Notice, ...]:
    """Check that numbers are finite or missing, and note what is missing, or may be.

    Parameters
    ----------
    values : ndarray
        The instance's numbers.
    subject : str
        What messages call the instance, such as "image".

    Returns
    -------
    notes : tuple of Notice

    Raises
    ------
    InstanceError
        If a number is infinite, or all are NaN.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        missing = np.count_nonzero(np.isnan(values))
        infinite = np.count_nonzero(np.isinf(values))
        if infinite:
            raise InstanceError(
                f"the {subject} has {infinite} numbers that are infinite, so that nothing can be filled in for them: "
                f"give NaN where a number is missing, or a finite number."
            )
        if missing == values.size:
            raise InstanceError(f"the {subject} has only NaN: nothing is known that could be explained.")
        text = (
            f"{missing} of {values.size} numbers in the {subject} are missing (NaN). The model gets NaN for them wherever "
            f"their part is present; what is filled in where it is absent comes from the other numbers."
        )
        return (Notice("missing_values", text, "information"), *_note_codes(values[np.isfinite(values)], subject))
    return _note_codes(values, subject)


def _note_codes(values: np.ndarray, subject: str) -> tuple[Notice, ...]:
    """A note if the lowest or the highest number is a code for missing numbers, far from all others."""
    if values.dtype.kind not in "if" or values.dtype.itemsize == 1:
        return ()
    for end, others_end in ((values.min(), np.min), (values.max(), np.max)):
        code = float(end)
        if not any(np.isclose(code, known, rtol=1e-6, atol=0) for known in _CODES):
            continue
        others = values[values != end]
        if not others.size:
            continue
        distance = abs(float(others_end(others)) - code)
        if distance > _LEAST_DISTANCE * (float(others.max()) - float(others.min())):
            count = values.size - others.size
            text = (
                f"{count} of {values.size} numbers in the {subject} are {code:g}, far from all others. They are taken as "
                f"numbers; if they mean that data are missing, give floats with NaN in their place."
            )
            return (Notice("possible_missing_code", text),)
    return ()


def summarise_known(values: np.ndarray, axes: int | tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard deviation, minimum and maximum of what is not NaN, along axes that are kept; NaN where all are NaN."""
    if not np.isnan(values).any():
        return (
            values.mean(axis=axes, keepdims=True),
            values.std(axis=axes, keepdims=True),
            values.min(axis=axes, keepdims=True),
            values.max(axis=axes, keepdims=True),
        )
    known = np.ma.masked_invalid(values)
    summaries = (known.mean, known.std, known.min, known.max)
    mean, std, low, high = (np.ma.filled(summary(axis=axes, keepdims=True), np.nan) for summary in summaries)
    return mean, std, low, high


def fill_with_means(values: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Numbers with the mean along these axes in the place of NaN, and 0 where all are NaN; themselves if none is."""
    if values.dtype.kind != "f" or not np.isnan(values).any():
        return values
    mean = np.nan_to_num(summarise_known(values.astype(np.float64), axes)[0])
    return np.where(np.isnan(values), mean, values)
