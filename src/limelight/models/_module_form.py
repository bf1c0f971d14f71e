"""Where a torch module computes, and in which form it takes its batches, as its own tensors and their device say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from limelight.exceptions import ArgumentError
from limelight.models._torch_modules import find_device_and_dtype

if TYPE_CHECKING:
    import torch

__all__ = ["ModuleForm"]

# Of a batch: a CPU gains nothing by more, and large GPUs are only kept busy by more. A small GPU would run out of memory.
_MOST_INPUTS = {"cuda": 512}
_MOST_INPUTS_ELSEWHERE = 256
_LEAST_BYTES, _MOST_BYTES = 2**27, 2**29
_SHARE_OF_MEMORY = 1 / 64  # of a GPU's, for a batch; what a network makes of it takes many times its room
_COMPILED_INPUTS = 128  # every batch of a compiled module has as many, so that few are filled up in vain


class ModuleForm(NamedTuple):
    """What a module's batches should be like.

    Attributes
    ----------
    device : torch.device
        Where they are.
    dtype : torch.dtype
        Their floating-point type.
    is_channels_last : bool
        Whether the channels of images and volumes are next to each other in memory, as those of the module's weights are.
    has_fixed_shapes : bool
        Whether all batches should have equally many inputs, because the module is compiled for each shape.
    """

    device: torch.device
    dtype: torch.dtype
    is_channels_last: bool
    has_fixed_shapes: bool

    @classmethod
    def of(cls, module: torch.nn.Module) -> ModuleForm:
        """The form of a module; it computes on the CPU and in single precision if it has no floating-point tensors.

        Raises
        ------
        ArgumentError
            If its parameters are on several devices, or have no numbers.
        """

        parameters = list(module.parameters())
        _check_devices([parameter.device for parameter in parameters], is_dispatched=hasattr(module, "hf_device_map"))
        device, dtype = find_device_and_dtype(module)
        return cls(
            device=device,
            dtype=dtype,
            is_channels_last=any(map(_lies_channels_last, parameters)),
            has_fixed_shapes=any(map(_is_compiled, module.modules())),
        )

    @property
    def is_elsewhere(self) -> bool:
        """Whether the module computes while Python goes on."""
        return self.device.type != "cpu"

    def memory_format(self, num_axes: int) -> torch.memory_format:
        """How a batch with so many axes should lie in memory."""
        import torch

        if not self.is_channels_last or num_axes not in (4, 5):
            return torch.contiguous_format
        return torch.channels_last if num_axes == 4 else torch.channels_last_3d

    def batch_size(self, bytes_per_input: int, most_bytes: int | None = None) -> int:
        """The largest number of inputs in a batch.

        Parameters
        ----------
        bytes_per_input : int
            The size of an input.
        most_bytes : int, optional
            What has been found to fit into the device's memory.
        """
        of_device = _MOST_INPUTS.get(self.device.type, _MOST_INPUTS_ELSEWHERE)
        most_inputs = _COMPILED_INPUTS if self.has_fixed_shapes else of_device
        most_bytes = _bytes_of_batch(self.device) if most_bytes is None else most_bytes
        return max(1, min(most_inputs, most_bytes // bytes_per_input))


def _bytes_of_batch(device: torch.device) -> int:
    import torch

    if device.type != "cuda":
        return _LEAST_BYTES
    share = int(_SHARE_OF_MEMORY * torch.cuda.get_device_properties(device).total_memory)
    return min(_MOST_BYTES, max(_LEAST_BYTES, share))


def _check_devices(devices: list[torch.device], *, is_dispatched: bool) -> None:
    """Refuse a module without numbers, and one whose parts are on several devices, unless it moves its batches itself.

    Raises
    ------
    ArgumentError
        If it is such a module.
    """
    if any(device.type == "meta" for device in devices):
        raise ArgumentError(
            "the torch module has parameters on the meta device, which holds no numbers; give it numbers first: "
            'module.to_empty(device="cpu") and module.load_state_dict(...).'
        )
    names = list(dict.fromkeys(map(str, devices)))
    if len(names) > 1 and not is_dispatched:
        raise ArgumentError(
            f"the torch module's parameters must be on one device; they are on {' and '.join(names)}. Move them, as by "
            f"module.to({names[-1]!r}), or give a callable that takes batches to where they are needed."
        )


def _lies_channels_last(tensor: torch.Tensor) -> bool:
    import torch

    if tensor.ndim not in (4, 5) or tensor.is_contiguous():  # one pixel wide, it lies both ways
        return False
    return tensor.is_contiguous(memory_format=torch.channels_last if tensor.ndim == 4 else torch.channels_last_3d)


def _is_compiled(module: Any) -> bool:
    """Whether a module came from ``torch.compile``, or was compiled in place."""
    return type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None
