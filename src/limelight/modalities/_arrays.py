"""Arrays and torch tensors of any number type: how they are read, filled, and given to the model again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_choice
from limelight._seeds import fingerprint, stream
from limelight.exceptions import ArgumentError, ArgumentTypeError, read_message
from limelight.modalities._missing import summarise_known
from limelight.results.explanation import Notice

__all__ = ["Numbers", "check_filling", "filling_notes", "noise_like", "read_numbers", "unchanged_part_notes"]

_MOST_LISTED_PARTS = 3


@dataclass(frozen=True)
class Numbers:
    """What an array or a tensor holds.

    Attributes
    ----------
    array : ndarray
        The instance's numbers in their own dtype; the bits of a bfloat16 tensor, since numpy has no such dtype.
    values : ndarray
        The same numbers, of the same shape, in a dtype that numpy can compute with.
    encode : callable
        Turns numbers into an array of the dtype of `array`, rounded if it holds integers.
    wrap : callable or None
        Turns a batch of such arrays into a tensor like the instance; None if the instance is an array.
    """

    array: np.ndarray
    values: np.ndarray
    encode: Callable[[np.ndarray], np.ndarray]
    wrap: Callable[[np.ndarray], Any] | None


def filling_notes(array: np.ndarray, filling: np.ndarray, exact_filling: np.ndarray) -> tuple[Notice, ...]:
    """What a reader should know about a filling, which is `exact_filling` in the dtype of the instance's array."""
    if np.array_equal(array, filling, equal_nan=array.dtype.kind == "f"):
        message = "The filling is the instance itself: no perturbation differs from it. Give fill=a number that it lacks."
        return (Notice("nothing_changes", message),)
    if array.dtype.kind in "bui" and filling.dtype == array.dtype:
        value_range = float(np.ptp(array.astype(np.float64))) or 1.0
        if np.abs(exact_filling - np.rint(exact_filling)).max() > 0.01 * value_range:
            message = "The instance holds integers, so the filling was rounded; give it as floats for a finer one."
            return (Notice("rounded_filling", message),)
    return ()


def unchanged_part_notes(
    array: np.ndarray, filling: np.ndarray, labels: np.ndarray, names: tuple[str, ...]
) -> tuple[Notice, ...]:
    """What a reader should know about parts that look like their filling: no model can tell whether they are absent.

    Parameters
    ----------
    array, filling : ndarray
        The instance and what shows where a part is absent.
    labels : ndarray of int
        The number of each element's part; its shape broadcasts to the array's.
    names : tuple of str
        The names of the parts.
    """
    differs = array != filling
    if array.dtype.kind == "f":
        differs &= ~(np.isnan(array) & np.isnan(filling))
    shared = tuple(axis for axis in range(-labels.ndim, 0) if labels.shape[axis] == 1 < array.shape[axis])  # as channels are
    places = np.any(differs, axis=shared, keepdims=True)
    is_changed = np.zeros(len(names), dtype=bool)
    is_changed[np.broadcast_to(labels, places.shape)[places]] = True
    unchanged = np.flatnonzero(~is_changed)
    if len(unchanged) in (0, len(names)):
        return ()
    listed = ", ".join(names[number] for number in unchanged[:_MOST_LISTED_PARTS])
    more = f" and {len(unchanged) - _MOST_LISTED_PARTS} more" if len(unchanged) > _MOST_LISTED_PARTS else ""
    text = (
        f"{len(unchanged)} of {len(names)} parts look like their filling, so that no perturbation shows what they mean to the "
        f'model, and their weights are 0: {listed}{more}. Give another filling, such as fill="noise".'
    )
    return (Notice("unchanged_parts", text),)


def read_numbers(instance: Any, subject: str) -> Numbers:
    """Read an array, a tensor, or anything that numpy can make an array of.

    Parameters
    ----------
    instance : object
        The instance.
    subject : str
        What error messages call it, such as "an image".

    Raises
    ------
    ArgumentTypeError
        If it holds anything but integers and floats of at most 64 bits.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(instance, torch.Tensor):
        return _read_tensor(torch, instance, subject)
    if isinstance(instance, np.ma.MaskedArray):
        instance = _unmask(instance, subject)
    if isinstance(instance, (str, bytes)):
        raise ArgumentTypeError(f"{subject} must be an array of numbers, not a name; open the file first.")
    try:
        array = np.asarray(instance)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{subject} must be an array of numbers: {read_message(error)}.") from error
    kind, dtype = array.dtype.kind, array.dtype
    if kind not in "buif" or dtype.itemsize > 8:
        raise _dtype_error(subject, dtype)

    def encode(numbers: np.ndarray) -> np.ndarray:
        rounded = numbers if kind == "f" else np.rint(numbers)
        if kind in "ui":
            limits = np.iinfo(dtype)
            _check_range(rounded, limits.min, limits.max, subject, dtype)
        elif kind == "f":
            _check_range(rounded, -np.finfo(dtype).max, np.finfo(dtype).max, subject, dtype)
        return np.asarray(rounded.astype(dtype))

    return Numbers(array, array, encode, None)


def check_filling(fill: Any, names: tuple[str, ...]) -> str | np.ndarray:
    """A filling that shows where a part is absent: one of the names, a number, or a number for each channel.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If it is none of these.
    """
    if isinstance(fill, str):
        return check_choice("fill", fill, names)
    try:
        numbers = np.asarray(fill, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim > 1 or numbers.size == 0 or not np.isfinite(numbers).all():
        raise ArgumentTypeError(
            f"fill must be one of {', '.join(map(repr, names))}, a finite number, or one for each channel; got {fill!r}."
        )
    return numbers


def noise_like(values: np.ndarray, axes: int | tuple[int, ...], seed: int) -> np.ndarray:
    """Normal noise of the shape of `values`, with each channel's mean, spread and range; a channel extends along `axes`.

    Numbers that are NaN do not count; of a channel that has no other, the noise is NaN, too.
    """
    mean, std, low, high = summarise_known(values.astype(np.float64), axes)
    draws = stream(seed, fingerprint("noise", values)).standard_normal(values.shape)
    return np.asarray(np.clip(mean + std * draws, low, high))


def _read_tensor(torch: Any, instance: Any, subject: str) -> Numbers:
    dtype, device = instance.dtype, instance.device
    if dtype.is_complex or dtype.itemsize > 8:
        raise _dtype_error(subject, dtype)
    bits = torch.int16 if dtype == torch.bfloat16 else dtype
    try:
        on_cpu = instance.detach().cpu().contiguous()
        if dtype != torch.bfloat16:
            on_cpu.numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise ArgumentTypeError(
            f"{subject} must be a dense tensor of numbers that numpy knows, or bfloat16: {read_message(error)}"
        ) from error

    def encode(numbers: np.ndarray) -> np.ndarray:
        rounded = numbers if dtype.is_floating_point else np.rint(numbers)
        if dtype != torch.bool:
            limits = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
            _check_range(rounded, limits.min, limits.max, subject, dtype)
        return np.asarray(torch.from_numpy(np.ascontiguousarray(rounded)).to(dtype).view(bits).numpy())

    def wrap(batch: np.ndarray) -> Any:
        return torch.from_numpy(batch).view(dtype).to(device)

    values = on_cpu.float() if dtype == torch.bfloat16 else on_cpu
    return Numbers(on_cpu.view(bits).numpy(), values.numpy(), encode, wrap)


def _check_range(numbers: np.ndarray, least: Any, most: Any, subject: str, dtype: object) -> None:
    low, high = np.fmin.reduce(numbers, axis=None), np.fmax.reduce(numbers, axis=None)  # of what is not NaN
    if low < least or high > most:
        raise ArgumentError(f"the filling of {subject} of {dtype} must lie within {least} to {most}; got {low} to {high}.")


def _unmask(instance: np.ma.MaskedArray[Any, Any], subject: str) -> np.ndarray:
    """A masked array as a plain one: masked floats are missing, so NaN."""
    masked = int(np.count_nonzero(np.ma.getmaskarray(instance)))
    if masked and instance.dtype.kind != "f":
        raise ArgumentTypeError(
            f"{subject} must have no masked numbers unless it holds floats, where they become NaN; got {masked} masked in an "
            f"array of {instance.dtype}. Give array.astype(float), or fill them: array.filled(0)."
        )
    return np.asarray(np.ma.filled(instance, np.nan) if masked else instance.data)


def _dtype_error(subject: str, dtype: object) -> ArgumentTypeError:
    hint = " Write NaN, not None, where a number is missing." if dtype == np.dtype(object) else ""
    return ArgumentTypeError(f"{subject} must hold integers or floats of at most 64 bits; got dtype {dtype}.{hint}")
