"""torch modules on any device: perturbations are put together and prepared on the device that the module is on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._checks import check_flag
from limelight.exceptions import ArgumentTypeError, ModelError, require
from limelight.models._patches import Patches, realise_extremes
from limelight.models._preparation import Preparation
from limelight.models._torch_modules import at_least_single, check_mode, find_device_and_dtype, is_out_of_memory
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import PREDICTION_METHODS
from limelight.stages.questions import ModelPath

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TorchModel", "adapt_torch", "read_torch_module"]

# A batch has at most this many inputs and bytes, and fewer where the device runs out of memory.
_MOST_INPUTS = 256
_MOST_BYTES = 2**27


class TorchModel:
    """A torch module as a callable from a batch to predictions.

    The module runs on the device and in the dtype of its parameters, in inference mode. It gets at most 256 inputs and 128 MiB
    at once: larger batches are cut, and halved if the device runs out of memory.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode.
    mean, std : float or sequence of float, default 0 and 1
        A number, or a number for each channel: the module gets ``(numbers - mean) / std``.
    channels : {"first", "last", None}, default "first"
        Where the module has the channels of images; None leaves the axes of batches as they are.
    softmax : bool, default False
        Whether to turn the module's output, which holds logits, into probabilities.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        If an argument is not allowed.

    Examples
    --------
    A classifier of torchvision, and a photograph whose numbers are bytes::

        mean, std = [123.7, 116.3, 103.5], [58.4, 57.1, 57.4]  # of ImageNet, from 0 to 255
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

    def __repr__(self) -> str:
        settings = self.preparation.changed_settings(default_channels="first") + (["softmax=True"] if self._softmax else [])
        return f"TorchModel({', '.join([f'<{type(self.module).__name__}>', *settings])})"

    @property
    def gives_probabilities(self) -> bool:
        """Whether the outputs are certain to be probabilities of classes that exclude each other."""
        return self._softmax

    def __call__(self, batch: Any) -> np.ndarray:
        """Predictions for a batch of the user's numbers, of shape (m, ...); a batch of texts reaches the module as it is.

        Raises
        ------
        ArgumentError
            If the module or a part of it is in training mode, or mean and std do not fit the channels.
        ModelError
            If the device has no room for a single input.
        """
        import torch

        with torch.inference_mode():
            numbers = _to_tensor(batch)
            if numbers is None:  # texts, for example
                return _to_numpy(self._predict(batch))
            return self._predict_in_batches(
                len(numbers), lambda start, stop: self._prepare(numbers[start:stop]), numbers[0].numel()
            )[0]

    def _prepare(self, batch: Tensor) -> Tensor:
        """A batch as the module's input: channels moved, standardised, on the module's device and in its dtype."""
        import torch

        device, dtype = find_device_and_dtype(self.module)
        moved = batch.to(device).permute(self.preparation.axis_order(tuple(batch.shape)))
        # At least single precision: a half has too few digits for the difference of bytes and their means.
        numbers = moved if moved.dtype == torch.float64 and dtype == torch.float64 else moved.float()
        mean, std = (torch.from_numpy(constant).to(device) for constant in self.preparation.mean_and_std(tuple(moved.shape)))
        return ((numbers - mean) / std).to(dtype)

    def _predict_in_batches(
        self, count: int, make_inputs: Callable[[int, int], Tensor], numbers_per_input: int, batch_size: int = _MOST_INPUTS
    ) -> tuple[np.ndarray, int]:
        """Predictions for `count` prepared inputs, and the batch size that fitted into memory.

        Parameters
        ----------
        count : int
            The number of inputs.
        make_inputs : callable
            ``make_inputs(start, stop)`` gives a batch of them.
        numbers_per_input : int
            The size of an input.
        batch_size : int, default 256
            The largest number of inputs at once.

        Raises
        ------
        ModelError
            If the device has no room for a single input.
        """
        import torch

        answers: list[Tensor] = []
        bytes_per_input = numbers_per_input * find_device_and_dtype(self.module)[1].itemsize
        start, batch_size = 0, max(1, min(batch_size, _MOST_BYTES // bytes_per_input))
        with torch.inference_mode():
            while start < count:
                stop = min(count, start + batch_size)
                answer = self._predict_if_it_fits(make_inputs, start, stop)
                if answer is None:
                    torch.cuda.empty_cache()  # the memory of the failed batch, which its error held until now
                    batch_size = (stop - start) // 2
                else:
                    answers.append(answer)
                    start = stop
            return _to_numpy(torch.cat(answers)), batch_size

    def _predict_if_it_fits(self, make_inputs: Callable[[int, int], Tensor], start: int, stop: int) -> Tensor | None:
        """Predictions for the inputs from `start` to `stop`; None if the device has no room for all of them."""
        try:
            return self._predict(make_inputs(start, stop))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if stop - start == 1:
                raise ModelError("the device has no room for a single input of the torch module.") from error
            return None

    def _predict(self, inputs: Any) -> Tensor:
        """Predictions for prepared inputs, in single precision at least."""
        import torch

        check_mode(self.module)
        answer = self.module(inputs)
        if not isinstance(answer, torch.Tensor):
            raise ArgumentTypeError(
                f"the torch module must return a tensor; it returned {type(answer).__name__}. Give a callable that picks the "
                f"tensor."
            )
        predictions = at_least_single(answer.detach())  # a module may switch gradients on for itself
        return predictions.softmax(dim=1) if self._softmax else predictions


TorchModel.__module__ = "limelight"  # where users import it from


def _to_tensor(batch: Any) -> Tensor | None:
    """A batch of numbers as a tensor; None for other batches."""
    import torch

    if isinstance(batch, torch.Tensor):
        return batch
    array = np.asarray(batch)
    if array.dtype.kind not in "buif":
        return None
    # torch takes the machine's byte order only, and has few operations on unsigned integers of more than a byte.
    is_large_unsigned = array.dtype.kind == "u" and array.dtype.itemsize > 1
    dtype = np.float64 if is_large_unsigned else array.dtype.newbyteorder("=")
    return torch.from_numpy(np.require(array, dtype=dtype, requirements=["C", "W"]))


def _to_numpy(predictions: Tensor) -> np.ndarray:
    """The predictions in the CPU's memory, through pinned pages, which a GPU can write to by itself."""
    import torch

    if predictions.device.type != "cuda":
        return np.asarray(predictions.cpu().numpy())
    pinned = torch.empty(predictions.shape, dtype=predictions.dtype, pin_memory=True)
    pinned.copy_(predictions, non_blocking=True)
    torch.cuda.current_stream(predictions.device).synchronize()
    return np.asarray(pinned.numpy())


def read_torch_module(model: Any) -> TorchModel | None:
    """A module as a callable; None for other models, and for a module with its own prediction method."""
    torch = sys.modules.get("torch")  # a user with a module has imported torch
    if torch is None or not isinstance(model, torch.nn.Module) or any(hasattr(model, name) for name in PREDICTION_METHODS):
        return None
    return TorchModel(model)


def adapt_torch(method: Callable[[Any], Any], components: Components) -> ModelPath | None:
    """Send the masks to the module's device, and choose there between the prepared instance and the prepared filling."""
    if not isinstance(method, TorchModel) or not isinstance(components, Patches):
        return None
    import torch

    with torch.inference_mode():
        extremes = _to_tensor(realise_extremes(components))
        assert extremes is not None  # arrays hold numbers
        prepared = method._prepare(extremes)
        instance, filling = prepared[:1], prepared[1:]
        axes = method.preparation.axis_order((1, *components.array.shape))
        moved_labels = np.ascontiguousarray(components.labels[None].transpose(axes), dtype=np.int64)
        labels = torch.from_numpy(moved_labels).to(instance.device)
    batch_size = _MOST_INPUTS

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return torch.from_numpy(neighbourhood.representation[rows]).to(instance.device).bool()

    def finish(masks: Tensor) -> np.ndarray:
        nonlocal batch_size

        def make_inputs(start: int, stop: int) -> Tensor:
            is_present = masks[start:stop].index_select(1, labels.reshape(-1)).reshape(-1, *labels.shape[1:])
            return torch.where(is_present, instance, filling)

        predictions, batch_size = method._predict_in_batches(len(masks), make_inputs, instance.numel(), batch_size)
        return predictions

    # Masks are small and belong to this instance only, and the model cuts a large batch up itself.
    return ModelPath(make, finish, ("torch", components.content), None)
