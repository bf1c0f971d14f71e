"""What is the same for all torch modules: their mode, device and number type, and a device's memory."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from limelight.exceptions import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["at_least_single", "check_mode", "find_device_and_dtype", "free_memory", "is_out_of_memory"]


def check_mode(module: Any) -> None:
    """Refuse a module that is in training mode, or has a part that is.

    Raises
    ------
    ArgumentError
        If it is.
    """
    if any(part.training for part in module.modules()):
        raise ArgumentError(
            "the torch module is in training mode, or a part of it is, where answers depend on chance; call its eval() first."
        )


def find_device_and_dtype(module: Any) -> tuple[Any, Any]:
    """Those of the module's first floating-point parameter or buffer; the CPU and single precision if it has none."""
    import torch

    tensors = chain(module.parameters(), module.buffers())
    tensor = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
    return (torch.device("cpu"), torch.float32) if tensor is None else (tensor.device, tensor.dtype)


def at_least_single(numbers: Tensor) -> Tensor:
    """Numbers in single precision, or in double precision if they are."""
    import torch

    return numbers if numbers.dtype == torch.float64 else numbers.float()


def free_memory(module: Any) -> None:
    """Have the allocator of the module's device give back what it keeps; not all devices have one."""
    import torch

    device, _ = find_device_and_dtype(module)
    empty_cache = getattr(getattr(torch, device.type, None), "empty_cache", None)
    if empty_cache is not None:
        empty_cache()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device has no room; of some devices, the CPU among them, only the message says so."""
    import torch

    is_said = any(words in str(error) for words in ("not enough memory", "out of memory"))
    return is_said or isinstance(error, torch.OutOfMemoryError)
