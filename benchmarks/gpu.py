"""Images on a GPU: one and many explanations beside the network's own speed and beside lime; without one, a rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks._data import photograph
from benchmarks._report import Row, Table, at_least, at_most
from limelight import Explanation, ImageExplainer, TorchModel

__all__ = ["Setting", "measure", "rehearse", "tables"]

# What raw forward passes over 1000 images took on an H200 (ResNet-50, torch 2.11): the rehearsal sleeps as long.
_SECONDS_OF_AN_H200 = {"bfloat16, channels last": 0.062, "bfloat16": 0.093, "float32": 0.264}


class Setting(NamedTuple):
    """How much is measured: the images' size, the perturbations of each, how many are explained together, how often."""

    size: int = 224
    num_samples: int = 1000
    num_images: int = 20
    repeats: int = 5
    raw_batches: Sequence[int] = (128, 256, 512)


class Kind(NamedTuple):
    """A number type and a memory layout, and what share of the network's own speed must be reached."""

    name: str
    dtype: str
    is_channels_last: bool
    uses_tf32: bool
    one: float
    many: float


KINDS = (
    Kind("float32", "float32", False, False, 0.85, 0.95),
    Kind("float32, TF32", "float32", False, True, 0.85, 0.95),
    Kind("bfloat16", "bfloat16", False, False, 0.85, 0.95),
    Kind("bfloat16, channels last", "bfloat16", True, False, 0.75, 0.85),
)


def tables() -> Iterator[Table]:
    """A few minutes on a GPU; half a minute of rehearsal without one."""
    import torch

    if not torch.cuda.is_available():
        print("\nno GPU here: a model that sleeps as long as an H200 computed takes its place.")
        yield from rehearse(Setting())
        return
    from benchmarks._resnet import Resnet

    torch.manual_seed(0)
    print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}")
    yield from measure("cuda", Resnet().eval(), Setting())


def rehearse(setting: Setting, seconds: dict[str, float] = _SECONDS_OF_AN_H200) -> Iterator[Table]:
    """The same ratios with a model that sleeps: what the CPU does beside a device, and nothing of the device."""
    from benchmarks._sleeping import SleepingModel

    images, explainer = _images(setting), ImageExplainer()
    targets = {kind.name: kind for kind in KINDS}
    one, many = [], []
    for name, raw_per_image in seconds.items():
        model = SleepingModel(1e6 * raw_per_image / setting.num_samples)
        times = _time_explanations(explainer, images, model, setting)
        one.append(_row(name, raw_per_image, times.one, targets[name].one))
        many.append(_row(name, raw_per_image * len(images), times.many, targets[name].many, loop=times.loop))
    note = "A model that sleeps stands for the GPU; putting images together, the GPU's work, takes no time."
    yield from _speed_tables(setting, one, many, [note])


def measure(device: str, network: Any, setting: Setting, kinds: Sequence[Kind] = KINDS) -> Iterator[Table]:
    """All figures of a network on a device."""
    import torch

    images, explainer = _images(setting), ImageExplainer()
    one, many, same = [], [], []
    for kind in kinds:
        layout = torch.channels_last if kind.is_channels_last else torch.contiguous_format
        dtype = getattr(torch, kind.dtype)
        network.to(device=device, dtype=dtype, memory_format=layout)
        model = TorchModel(network, mean=127.5, std=127.5, softmax=True)
        with _tf32(kind.uses_tf32):
            raw = _raw_seconds(network, setting, device, dtype, layout)
            times = _time_explanations(explainer, images, model, setting)
            again = explainer.explain_instance(images[0], model, num_samples=setting.num_samples)
        one.append(_row(kind.name, raw, times.one, kind.one))
        many.append(_row(kind.name, raw * len(images), times.many, kind.many, loop=times.loop))
        difference = _difference(times.explanations[0], again)
        same.append(Row(f"{kind.name}: explain_many and explain_instance", {"difference": difference}, difference, at_most(0)))
    yield from _speed_tables(setting, one, many, [])
    with _tf32(False):
        there = _explain(
            network.to(device=device, dtype=torch.float32, memory_format=torch.contiguous_format), images[0], setting
        )
        lime_seconds = _lime_seconds(network, images[0], setting, device)
        limelight_seconds = _seconds(lambda: _explain(network, images[0], setting))
        here = _explain(network.to("cpu"), images[0], setting)
    difference = _difference(there, here)
    same.append(Row(f"float32: {device} and CPU", {"difference": difference}, difference, at_most(1e-5)))
    yield Table(
        name="same explanations on a GPU",
        title="Largest difference of weights, relative to the heaviest",
        ratio_of="difference",
        rows=same,
    )
    yield Table(
        name="explaining an image on a GPU beside lime",
        title=f"{setting.size} x {setting.size} x 3, {setting.num_samples} perturbations, float32: seconds",
        ratio_of="lime / limelight",
        rows=[Row("ResNet-50", {"lime": lime_seconds, "limelight": limelight_seconds}, lime_seconds / limelight_seconds)],
        notes=["lime: quickshift; limelight: slic. The same network, prepared in the same way."],
    )


class _Times(NamedTuple):
    """Seconds of one explanation, of a loop over all images, and of `explain_many`; and what that gave."""

    one: float
    loop: float
    many: float
    explanations: Any


def _time_explanations(explainer: ImageExplainer, images: list[np.ndarray], model: Any, setting: Setting) -> _Times:
    """The fastest of some runs, made in turn: others who use the machine can only make them slower."""

    def explain(image: np.ndarray) -> Explanation:
        return explainer.explain_instance(image, model, num_samples=setting.num_samples)

    explain(images[0])  # what is imported and compiled at first stays out of it
    ones, loops, manys = [], [], []
    for _ in range(setting.repeats):
        ones.append(_seconds(lambda: explain(images[0])))
        loops.append(_seconds(lambda: [explain(image) for image in images]))
        start = perf_counter()
        explanations = explainer.explain_many(images, model, num_samples=setting.num_samples)
        manys.append(perf_counter() - start)
    return _Times(min(ones), min(loops), min(manys), explanations)


def _row(name: str, raw: float, whole: float, target: float, **others: float) -> Row:
    return Row(
        name,
        {"raw": 1e3 * raw, "limelight": 1e3 * whole, **{side: 1e3 * time for side, time in others.items()}},
        raw / whole,
        at_least(target),
    )


def _speed_tables(setting: Setting, one: list[Row], many: list[Row], notes: list[str]) -> Iterator[Table]:
    each = f"{setting.size} x {setting.size} x 3, {setting.num_samples} perturbations each"
    raw = "milliseconds beside those of forward passes alone"
    yield Table("one image on a GPU", f"One image, {each}: {raw}", "raw / limelight", one, notes)
    yield Table("many images on a GPU", f"{setting.num_images} images, {each}: {raw}", "raw / limelight", many, notes)


def _images(setting: Setting) -> list[np.ndarray]:
    pixels = photograph("chelsea", setting.size)
    return [np.roll(pixels, 7 * number, axis=1) for number in range(setting.num_images)]


def _raw_seconds(network: Any, setting: Setting, device: str, dtype: Any, layout: Any) -> float:
    """Seconds of forward passes over as many images, which are on the device, in the best of some batch sizes."""
    import torch

    best = np.inf
    for size in setting.raw_batches:
        batch = torch.rand((size, 3, setting.size, setting.size), device=device).to(dtype=dtype, memory_format=layout)

        def forward(batch: Any = batch) -> None:
            with torch.inference_mode():
                for _ in range(max(1, round(setting.num_samples / len(batch)))):
                    answer = network(batch)
                answer.float().cpu()

        forward()
        passes = max(1, round(setting.num_samples / size))
        best = min(best, min(_seconds(forward) for _ in range(setting.repeats)) * setting.num_samples / (passes * size))
    return float(best)


def _explain(network: Any, image: np.ndarray, setting: Setting) -> Explanation:
    model = TorchModel(network, mean=127.5, std=127.5, softmax=True)
    return ImageExplainer().explain_instance(image, model, num_samples=setting.num_samples)


def _lime_seconds(network: Any, image: np.ndarray, setting: Setting, device: str) -> float:
    import torch
    from lime.lime_image import LimeImageExplainer

    def predict(images: Any) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2).float()
            return np.asarray(network((batch - 127.5) / 127.5).softmax(dim=1).cpu().numpy())

    explainer = LimeImageExplainer(random_state=0)
    return _seconds(lambda: explainer.explain_instance(image, predict, num_samples=setting.num_samples, batch_size=100))


def _difference(left: Explanation, right: Explanation) -> float:
    """The largest difference of the weights of all listed superpixels."""
    first, second = (dict(one.as_map()[left.labels[0]]) for one in (left, right))
    largest = max(abs(weight) for weight in first.values())
    return max(abs(first.get(number, 0.0) - second.get(number, 0.0)) for number in {*first, *second}) / largest


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


@contextmanager
def _tf32(is_on: bool) -> Iterator[None]:
    """Convolutions and products of CUDA devices in TF32, or in single precision."""
    import torch

    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = is_on
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
