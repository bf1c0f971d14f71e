"""What a torch module returns: which of it holds the predictions, and how they come from its device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._checks import list_names
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError, read_message

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_device", "pick_output", "start_reading"]

_SIGNS_OF_FAILURE = ("CUDA error", "HIP error", "CUDNN_STATUS_EXECUTION_FAILED", "MPS backend error")


def pick_output(answer: Any, output: str | int | None) -> Tensor:
    """The tensor of predictions in a module's answer.

    Parameters
    ----------
    answer : object
        A tensor, or several by name or number.
    output : str, int or None
        Which one the user wants; None where the answer must be a tensor.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If the answer is complex, or is no tensor and it is not said which of its parts is, or it has no such part.
    """
    import torch

    picked = answer if output is None else _pick(answer, output)
    if isinstance(picked, torch.Tensor):
        if picked.is_complex():
            raise ArgumentTypeError(
                "the torch module must give real numbers; its output is complex. Give a callable that makes real "
                "numbers of it, such as absolute values."
            )
        return picked
    if output is not None:
        raise ArgumentTypeError(f"output {output!r} of the torch module must be a tensor; it is {type(picked).__name__}.")
    given = f"the torch module must return a tensor; it returned {type(answer).__name__}"
    if isinstance(answer, Mapping) and answer:
        example = next(iter(answer))
        raise ArgumentTypeError(
            f"{given} with {list_names(answer)}. Say which holds the predictions: TorchModel(module, output={example!r})."
        )
    if isinstance(answer, (tuple, list)) and answer:
        raise ArgumentTypeError(
            f"{given} of {len(answer)}. Say which holds the predictions, by its number: TorchModel(module, output=0)."
        )
    raise ArgumentTypeError(f"{given}. Give a callable that makes a tensor of it.")


def _pick(answer: Any, output: str | int) -> Any:
    try:
        if isinstance(output, str) and not isinstance(answer, Mapping):
            return getattr(answer, output)
        return answer[output]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        given = f"{type(answer).__name__} with {list_names(answer)}" if isinstance(answer, Mapping) else type(answer).__name__
        raise ArgumentError(
            f"output must be one that the torch module returns; got {output!r}, and it returned {given}."
        ) from error


def start_reading(predictions: Tensor) -> Callable[[], np.ndarray]:
    """Have predictions copied to the CPU's memory; what is returned waits for them.

    Raises
    ------
    ModelError
        If the device fails before they are there.
    """
    import torch

    if predictions.device.type != "cuda":
        return lambda: _read(predictions)
    # Into pinned pages, which a GPU can write to by itself.
    pinned = torch.empty(predictions.shape, dtype=predictions.dtype, pin_memory=True)
    pinned.copy_(predictions, non_blocking=True)
    is_copied: Any = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call] # waiting leaves the core to others
    is_copied.record(torch.cuda.current_stream(predictions.device))
    return lambda: _read(pinned, is_copied)


def _read(predictions: Tensor, is_copied: Any = None) -> np.ndarray:
    try:
        if is_copied is not None:
            is_copied.synchronize()
        return np.asarray(predictions.cpu().numpy())
    except RuntimeError as error:
        check_device(error)
        raise


def check_device(error: RuntimeError) -> None:
    """Say what to do where an error is a device's failure, after which nothing in this process can use it.

    Raises
    ------
    ModelError
        If it is.
    """
    import torch

    accelerator_error = getattr(torch, "AcceleratorError", None)  # of torch 2.8 and later
    is_failure = accelerator_error is not None and isinstance(error, accelerator_error)
    if is_failure or any(sign in str(error) for sign in _SIGNS_OF_FAILURE):
        raise ModelError(
            f"the device of the torch module has failed ({read_message(error).splitlines()[0]:.200}), and nothing in this "
            "process can use it any more. Start again; with checkpoint=, explain_many goes on after the finished chunks."
        ) from error
