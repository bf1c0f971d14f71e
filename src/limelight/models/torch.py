"""torch modules on any device: perturbations are put together, prepared and asked about where the module is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._checks import check_flag
from limelight._errors import ArgumentError, ArgumentTypeError, ModelError, require
from limelight.models._preparation import Patches, Preparation, ends
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import PREDICTION_METHODS, ModelPath

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TorchModel", "adapt_torch", "as_torch"]

_BATCH, _BYTES = 256, 2**27  # inputs at once, and bytes of them, until the device has no room for so many


class TorchModel:
    """A torch module as a callable from a batch to predictions.

    The module is asked on the device and in the number type of its parameters, under inference mode. Batches shrink to half
    where the device runs out of memory.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode.
    mean, std : float or sequence of float, default 0 and 1
        Taken out of the numbers before the module gets them, ``(numbers - mean) / std``: one, or one for each channel.
    channels : {"first", "last", None}, default "first"
        Where the module has the channels of images; None takes batches as they come.
    softmax : bool, default False
        Whether the module gives logits to make probabilities of.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Examples
    --------
    A classifier of torchvision's, and a photograph of bytes::

        mean, std = [123.7, 116.3, 103.5], [58.4, 57.1, 57.4]  # of ImageNet, in units of bytes
        model = TorchModel(resnet.eval().to("cuda"), mean=mean, std=std, softmax=True)
        explanation = ImageExplainer().explain_instance(photograph, model)
    """

    def __init__(
        self,
        module: Any,
        *,
        mean: float | Iterable[float] = 0.0,
        std: float | Iterable[float] = 1.0,
        channels: str | None = "first",
        softmax: bool = False,
    ) -> None:
        torch = require("torch", extra="torch", purpose="TorchModel")
        if not isinstance(module, torch.nn.Module):
            raise ArgumentTypeError(f"module must be a torch.nn.Module; got {type(module).__name__}.")
        self.module = module
        self.preparation = Preparation.checked(mean, std, channels)
        self._softmax = check_flag("softmax", softmax)

    def __call__(self, batch: Any) -> np.ndarray:
        """Predictions for a batch of arrays or tensors.

        Raises
        ------
        ArgumentError
            If the module is in training mode.
        ModelError
            If the device has no room for a single input.
        """
        import torch

        with torch.inference_mode():
            rows = _tensor(batch)
            if rows is None:  # texts, say: the module knows what to do with them
                return _bring(self._answer(batch))
            return self._run(len(rows), lambda start, stop: self._prepare(rows[start:stop]), rows[0].numel())[0]

    def _prepare(self, batch: Tensor) -> Tensor:
        """A batch on the module's device, in its number type, channels moved, mean and deviation taken out."""
        import torch

        device, dtype = self._home()
        # The mean goes out in single precision: a half has no room for bytes and their means at once.
        moved = batch.to(device).permute(self.preparation.axes(tuple(batch.shape)))
        wide = moved if moved.dtype == torch.float64 and dtype == torch.float64 else moved.float()
        mean, std = (torch.from_numpy(part).to(device) for part in self.preparation.constants(tuple(moved.shape)))
        return ((wide - mean) / std).to(dtype)

    def _run(self, count: int, inputs: Callable[[int, int], Tensor], width: int, size: int = _BATCH) -> tuple[np.ndarray, int]:
        """The module's answers for so many inputs of `width` numbers, made from `start` to `stop` as they are wanted.

        At most `size` at once, which is given back as it was found to fit.

        Raises
        ------
        ModelError
            If the device has no room for a single input.
        """
        import torch

        answers: list[Tensor] = []
        start, size = 0, max(1, min(size, _BYTES // (width * self._home()[1].itemsize)))
        with torch.inference_mode():
            while start < count:
                stop = min(count, start + size)
                answer = self._answer_if_it_fits(inputs, start, stop)
                if answer is None:
                    torch.cuda.empty_cache()  # what the failed batch held, now that its error is gone
                    size = (stop - start) // 2
                else:
                    answers.append(answer)
                    start = stop
            return _bring(torch.cat(answers)), size

    def _answer_if_it_fits(self, inputs: Callable[[int, int], Tensor], start: int, stop: int) -> Tensor | None:
        """The answer for these inputs; None where the device has no room for so many."""
        try:
            return self._answer(inputs(start, stop))
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            if stop - start == 1:
                raise ModelError("the device has no room for a single input of the torch module.") from error
            return None

    def _answer(self, inputs: Any) -> Tensor:
        """The module's answer, in single precision at least."""
        import torch

        if self.module.training:
            raise ArgumentError("the torch module is in training mode, where answers depend on chance; call its eval() first.")
        answer = self.module(inputs)
        if not isinstance(answer, torch.Tensor):
            raise ArgumentTypeError(
                f"the torch module must give a tensor; it gave {type(answer).__name__}. Give a callable that picks the tensor."
            )
        wide = answer if answer.dtype == torch.float64 else answer.float()
        return wide.softmax(dim=1) if self._softmax else wide

    def _home(self) -> tuple[Any, Any]:
        """Where the module's numbers are, and of which type; a module without any is asked on the CPU, in single precision."""
        import torch

        kept = chain(self.module.parameters(), self.module.buffers())
        weight = next((weight for weight in kept if weight.is_floating_point()), None)
        return (torch.device("cpu"), torch.float32) if weight is None else (weight.device, weight.dtype)


def _tensor(batch: Any) -> Tensor | None:
    """A batch of numbers as a tensor, None for other things; torch reads no other byte order, and not all unsigned integers."""
    import torch

    if isinstance(batch, torch.Tensor):
        return batch
    array = np.asarray(batch)
    if array.dtype.kind not in "buif":
        return None
    is_large = array.dtype.kind == "u" and array.dtype.itemsize > 1
    dtype = np.float64 if is_large else array.dtype.newbyteorder("=")
    return torch.from_numpy(np.require(array, dtype=dtype, requirements=["C", "W"]))


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device has no room: of the CPU, torch says so in words only."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


def _bring(answer: Tensor) -> np.ndarray:
    """The answers, in the CPU's memory; through pages that a GPU can write to by itself."""
    import torch

    if answer.device.type != "cuda":
        return np.asarray(answer.cpu().numpy())
    pinned = torch.empty(answer.shape, dtype=answer.dtype, pin_memory=True)
    pinned.copy_(answer, non_blocking=True)
    torch.cuda.current_stream(answer.device).synchronize()
    return np.asarray(pinned.numpy())


def as_torch(model: Any) -> TorchModel | None:
    """A module as a callable; None for anything else, and for a module with a prediction method of its own."""
    torch = sys.modules.get("torch")  # who has a module has imported torch
    if torch is None or not isinstance(model, torch.nn.Module) or any(hasattr(model, name) for name in PREDICTION_METHODS):
        return None
    return TorchModel(model)


def adapt_torch(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Send the masks to the module's device and choose there between the instance's and the filling's prepared pixels."""
    if not isinstance(method, TorchModel) or not isinstance(components, Patches):
        return None
    import torch

    with torch.inference_mode():
        batch = _tensor(ends(components))
        assert batch is not None  # arrays hold numbers
        pair = method._prepare(batch)
        shown, hidden = pair[:1], pair[1:]
        axes = method.preparation.axes((1, *components.array.shape))
        labels = torch.from_numpy(np.ascontiguousarray(components.labels[None].transpose(axes), dtype=np.int64))
        places = labels.to(shown.device)
    size = _BATCH

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return torch.from_numpy(neighbourhood.representation[rows]).to(shown.device).bool()

    def finish(masks: Tensor) -> np.ndarray:
        nonlocal size

        def inputs(start: int, stop: int) -> Tensor:
            present = masks[start:stop].index_select(1, places.reshape(-1)).reshape(-1, *places.shape[1:])
            return torch.where(present, shown, hidden)

        answer, size = method._run(len(masks), inputs, shown.numel(), size)
        return answer

    # It takes a large batch apart itself, and its masks are of this instance alone.
    return ModelPath(make, finish, ("torch", components.content), None)
