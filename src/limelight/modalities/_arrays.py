"""Instances that are arrays or torch tensors of any number type, and how batches like them are made again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from limelight._checks import check_choice
from limelight._errors import ArgumentError, ArgumentTypeError
from limelight._seeds import fingerprint, stream

__all__ = ["Numbers", "check_filling", "filling_notes", "noise_like", "read_numbers"]


@dataclass(frozen=True)
class Numbers:
    """An array or a tensor, read.

    Attributes
    ----------
    array : ndarray
        The instance's own numbers; of a bfloat16 tensor, which numpy has not, the bits.
    values : ndarray
        The same in a type that numpy can reckon with.
    encode : callable
        From numbers to an array of the type of `array`, rounded where it holds integers.
    wrap : callable or None
        From a batch of such arrays to a tensor like the instance; None where the instance is an array.
    """

    array: np.ndarray
    values: np.ndarray
    encode: Callable[[np.ndarray], np.ndarray]
    wrap: Callable[[np.ndarray], Any] | None


def filling_notes(array: np.ndarray, filling: np.ndarray, wanted: np.ndarray) -> tuple[tuple[str, str], ...]:
    """What a reader should know of a filling that was `wanted` and had to be of the instance's own type."""
    if np.array_equal(array, filling):
        return (("nothing_changes", "The filling is the instance itself: no perturbation differs from it."),)
    if array.dtype.kind in "bui" and filling.dtype == array.dtype:
        reach = float(np.ptp(array.astype(np.float64))) or 1.0
        if np.abs(wanted - np.rint(wanted)).max() > 0.01 * reach:
            text = "The instance holds integers, so the filling was rounded; give it as floats for a finer one."
            return (("rounded_filling", text),)
    return ()


def read_numbers(instance: Any, what: str) -> Numbers:
    """Read an array, a tensor, or whatever numpy makes an array of.

    Parameters
    ----------
    instance : object
        The instance.
    what : str
        What it is, for the error's sentence.

    Raises
    ------
    ArgumentTypeError
        If it holds anything but integers and floats of at most 64 bits.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(instance, torch.Tensor):
        return _of_tensor(torch, instance, what)
    if isinstance(instance, np.ma.MaskedArray) and np.ma.is_masked(instance):
        raise ArgumentTypeError(f"{what} must have no masked numbers; fill them first.")
    if isinstance(instance, (str, bytes)):
        raise ArgumentTypeError(f"{what} must be an array of numbers, not a name; open the file first.")
    try:
        array = np.asarray(instance)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"{what} must be an array of numbers: {error}.") from error
    kind, dtype = array.dtype.kind, array.dtype
    if kind not in "buif" or dtype.itemsize > 8:
        raise _wrong_type(what, dtype)

    def encode(numbers: np.ndarray) -> np.ndarray:
        whole = numbers if kind == "f" else np.rint(numbers)
        if kind in "ui":
            limits = np.iinfo(dtype)
            _check_range(whole, limits.min, limits.max, what, dtype)
        elif kind == "f":
            _check_range(whole, -np.finfo(dtype).max, np.finfo(dtype).max, what, dtype)
        return np.asarray(whole.astype(dtype))

    return Numbers(array, array, encode, None)


def check_filling(fill: Any, names: tuple[str, ...]) -> str | np.ndarray:
    """What shows where a part is absent: one of the names, a number, or a number for each channel.

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
    """Normal noise of each channel's mean and spread, within its range; a channel lies along the axes."""
    numbers = values.astype(np.float64)
    draws = stream(seed, fingerprint("noise", values)).standard_normal(values.shape)
    noise = numbers.mean(axis=axes, keepdims=True) + numbers.std(axis=axes, keepdims=True) * draws
    return np.asarray(np.clip(noise, numbers.min(axis=axes, keepdims=True), numbers.max(axis=axes, keepdims=True)))


def _of_tensor(torch: Any, instance: Any, what: str) -> Numbers:
    dtype, device = instance.dtype, instance.device
    if dtype.is_complex or dtype.itemsize > 8:
        raise _wrong_type(what, dtype)
    bits = torch.int16 if dtype == torch.bfloat16 else dtype
    try:
        at_rest = instance.detach().cpu().contiguous()
        if dtype != torch.bfloat16:
            at_rest.numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise ArgumentTypeError(f"{what} must be a dense tensor of numbers that numpy knows, or bfloat16: {error}") from error

    def encode(numbers: np.ndarray) -> np.ndarray:
        whole = numbers if dtype.is_floating_point else np.rint(numbers)
        if dtype != torch.bool:
            limits = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
            _check_range(whole, limits.min, limits.max, what, dtype)
        return np.asarray(torch.from_numpy(np.ascontiguousarray(whole)).to(dtype).view(bits).numpy())

    def wrap(batch: np.ndarray) -> Any:
        return torch.from_numpy(batch).view(dtype).to(device)

    values = at_rest.float() if dtype == torch.bfloat16 else at_rest
    return Numbers(at_rest.view(bits).numpy(), values.numpy(), encode, wrap)


def _check_range(numbers: np.ndarray, least: Any, most: Any, what: str, dtype: object) -> None:
    if numbers.min() < least or numbers.max() > most:
        raise ArgumentError(
            f"the filling of {what} of {dtype} must lie within {least} to {most}; got {numbers.min()} to {numbers.max()}."
        )


def _wrong_type(what: str, dtype: object) -> ArgumentTypeError:
    return ArgumentTypeError(f"{what} must hold integers or floats of at most 64 bits; got dtype {dtype}.")
