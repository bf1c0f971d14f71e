"""torch modules on any device: perturbations are put together and prepared on the device that the module is on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from limelight._checks import check_flag
from limelight.exceptions import ArgumentError, ArgumentTypeError, ModelError, require
from limelight.models._module_answers import check_device, pick_output, start_reading
from limelight.models._module_form import ModuleForm
from limelight.models._patches import Patches, realise_extremes
from limelight.models._preparation import Preparation
from limelight.models._torch_modules import check_mode, free_memory, is_out_of_memory
from limelight.stages.components import Components, Neighbourhood
from limelight.stages.prediction import PREDICTION_METHODS
from limelight.stages.questions import ModelPath

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TorchModel", "adapt_torch", "read_torch_module"]


class TorchModel:
    """A torch module as a callable from a batch to predictions.

    The module runs on the device and in the dtype of its parameters, in inference mode. Batches lie in memory as its weights
    do, contiguous or with channels last. They have at most 256 inputs and 128 MiB, on a CUDA device 512 inputs and, with its
    memory, 128 to 512 MiB, unless the call gives a ``batch_size``. They are halved if the device runs out of memory. A module
    that was compiled by ``torch.compile`` gets 128 inputs in every batch of perturbations: it is compiled for one shape.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode.
    mean, std : float or sequence of float, default 0 and 1
        A number, or a number for each channel: the module gets ``(numbers - mean) / std``.
    channels : {"first", "last", None}, default "first"
        Where the module has the channels of images; None leaves the axes of batches as they are.
    output : str or int, optional
        Which output holds the predictions, of a module that returns several in a mapping, a tuple or an object with attributes.
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
        output: str | int | None = None,
        softmax: bool = False,
    ) -> None:
        torch = require("torch", extra="torch", purpose="TorchModel")
        if not isinstance(module, torch.nn.Module):
            raise ArgumentTypeError(f"module must be a torch.nn.Module; got {type(module).__name__}.")
        self.module = module
        self.preparation = Preparation.checked(mean, std, channels)
        if output is not None and (isinstance(output, bool) or not isinstance(output, (str, int))):
            raise ArgumentTypeError(f"output must be the name or the number of an output; got {output!r:.60}.")
        self._output = output
        self._softmax = check_flag("softmax", softmax)
        self._fitting_bytes: int | None = None  # of a batch, found when the device ran out of memory

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fitting_bytes": None}

    def __repr__(self) -> str:
        settings = self.preparation.changed_settings(default_channels="first")
        settings += [f"output={self._output!r}"] if self._output is not None else []
        settings += ["softmax=True"] if self._softmax else []
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
                return start_reading(self._predict(batch))()
            form = ModuleForm.of(self.module)
            parts = numbers.tensor_split(-(-len(numbers) // self._find_batch_size(form, numbers[0].numel())))
            prepare = partial(self._prepare, form=form)
            answers = [self._predict_part(part, prepare, form, numbers[0].numel()) for part in parts]
            return start_reading(torch.cat(answers))()

    def _find_batch_size(self, form: ModuleForm, numbers_per_input: int) -> int:
        """The largest number of inputs at once, as far as it is known yet."""
        return form.batch_size(numbers_per_input * form.dtype.itemsize, self._fitting_bytes)

    def _prepare(self, batch: Tensor, form: ModuleForm) -> Tensor:
        """A batch as the module's input: channels moved, standardised, on the module's device, in its dtype and layout."""
        import torch

        # At least single precision: a half has too few digits for the difference of bytes and their means.
        dtype = torch.promote_types(form.dtype, torch.float32)
        small = batch.to(dtype) if batch.dtype.itemsize > dtype.itemsize else batch  # not all devices have longer numbers
        moved = small.to(form.device).permute(self.preparation.axis_order(tuple(batch.shape))).to(dtype)
        mean, std = (
            torch.from_numpy(constant).to(form.device) for constant in self.preparation.mean_and_std(tuple(moved.shape))
        )
        return ((moved - mean) / std).to(form.dtype).contiguous(memory_format=form.memory_format(moved.ndim))

    def _predict_part(
        self, batch: Tensor, make_inputs: Callable[[Tensor], Tensor], form: ModuleForm, numbers_per_input: int
    ) -> Tensor:
        """Predictions for a batch, of which inputs are made; it is halved until they fit into the device's memory.

        Raises
        ------
        ModelError
            If the device has no room for a single input, or has failed.
        """
        import torch

        answers: list[Tensor] = []
        start, size = 0, len(batch)
        if self._fitting_bytes is not None:
            size = min(size, self._find_batch_size(form, numbers_per_input))
        while start < len(batch):
            part = batch[start : start + size]
            answer = self._predict_if_it_fits(make_inputs, part)
            if answer is None:
                free_memory(self.module)  # the memory of the failed batch, which its error held until now
                size = len(part) // 2
                self._fitting_bytes = size * numbers_per_input * form.dtype.itemsize
            else:
                answers.append(answer)
                start += len(part)
        return torch.cat(answers)

    def _predict_if_it_fits(self, make_inputs: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor | None:
        """Predictions for a batch; None if the device has no room for all of it."""
        try:
            return self._predict(make_inputs(batch))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                check_device(error)
                raise
            if len(batch) == 1:
                raise ModelError("the device has no room for a single input of the torch module.") from error
            return None

    def _predict(self, inputs: Any) -> Tensor:
        """Predictions for prepared inputs, in single precision at least."""
        import torch

        check_mode(self.module)
        answer = pick_output(self.module(inputs), self._output).detach()  # a module may switch gradients on for itself
        # A copy: a module with a CUDA graph writes each answer over the one before.
        dtype = torch.float64 if answer.dtype == torch.float64 else torch.float32
        predictions = answer.to(dtype, copy=True)
        if self._softmax and predictions.ndim < 2:
            raise ArgumentError(
                f"softmax is for outputs of shape (n, classes); the module gives {tuple(predictions.shape)}. Leave it out."
            )
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

    form = ModuleForm.of(method.module)
    axes = method.preparation.axis_order((1, *components.array.shape))
    moved_labels = np.ascontiguousarray(components.labels[None].transpose(axes), dtype=np.int64)
    extremes = _to_tensor(realise_extremes(components))
    assert extremes is not None  # arrays hold numbers

    @cache
    def on_device() -> tuple[Tensor, Tensor, Tensor]:
        """The prepared instance and filling, and the part of each place: made where and when the model is asked."""
        prepared = method._prepare(extremes, form)
        return prepared[:1], prepared[1:], torch.from_numpy(moved_labels).to(form.device)

    def compose(masks: Tensor) -> Tensor:
        instance, filling, labels = on_device()
        is_present = masks.index_select(1, labels.reshape(-1)).reshape(-1, *labels.shape[1:]).view(torch.bool)
        shape, memory_format = (len(masks), *instance.shape[1:]), form.memory_format(instance.ndim)
        inputs = torch.empty(shape, dtype=form.dtype, device=form.device, memory_format=memory_format)
        return torch.where(is_present, instance, filling, out=inputs)

    def make(neighbourhood: Neighbourhood, rows: np.ndarray) -> Any:
        return neighbourhood.representation[rows]

    def launch(masks: np.ndarray) -> Callable[[], np.ndarray]:
        with torch.inference_mode():
            on_device_masks = torch.from_numpy(masks).to(form.device)
            return start_reading(method._predict_part(on_device_masks, compose, form, components.array.size))

    return ModelPath(
        make,
        lambda masks: launch(masks)(),
        ("torch", components.content),  # masks mean something to this instance only
        method._find_batch_size(form, components.array.size),
        pads_batches=form.has_fixed_shapes,
        launch=launch if form.is_elsewhere else None,
    )
