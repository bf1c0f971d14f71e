"""Images: putting perturbations together beside copying memory and beside lime, the whole call, memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from lime.lime_image import LimeImageExplainer

from benchmarks._data import photograph
from benchmarks._report import Row, Table, at_least, at_most
from benchmarks._timing import TimedModel, costs_in_turn
from limelight import ImageExplainer
from limelight.stages.design import Stretch
from limelight.stages.orthogonal_arrays import OrthogonalArrays

__all__ = ["tables"]

SIZE, NUM_SAMPLES, REPEATS = 299, 1000, 5
# For each number type how many times a copy's time putting together may take, and how many times faster than lime it must be.
TYPES = {"uint8": (6, 25), "float32": (3, 10), "float64": (3, 10)}
WHOLE_CALL = {"uint8": 25, "float32": 10, "float64": 10}  # how many times faster than lime an explanation must be
MANY = 12  # images explained together


def tables() -> Iterator[Table]:
    """An almost free model: what is measured is everything else."""
    composed = {kind: _compose(_image(kind)) for kind in TYPES}
    setting = f"{NUM_SAMPLES} images of {SIZE} x {SIZE} x 3, {composed['uint8'][2]} superpixels"
    yield Table(
        name="composing images",
        title=f"{setting}: ms of CPU time to put them together, beside copying as many bytes",
        ratio_of="limelight / copy",
        rows=[
            Row(kind, {"copy": copy, "limelight": ours}, ours / copy, at_most(TYPES[kind][0]))
            for kind, (copy, ours, _) in composed.items()
        ],
    )
    lime = {kind: _lime_composes(_image(kind)) for kind in TYPES}
    yield Table(
        name="composing images beside lime",
        title=f"{setting}: ms of CPU time to put them together",
        ratio_of="lime / limelight",
        rows=[
            Row(kind, {"lime": lime[kind], "limelight": ours}, lime[kind] / ours, at_least(TYPES[kind][1]))
            for kind, (_, ours, _) in composed.items()
        ],
    )
    yield Table(
        name="explaining images",
        title=f"{SIZE} x {SIZE} x 3, {NUM_SAMPLES} perturbations, default segmentations: ms of CPU time of the whole call",
        ratio_of="lime / limelight",
        rows=[_whole_call(kind) for kind in TYPES],
        notes=["lime: quickshift; limelight: slic."],
    )
    yield Table(
        name="many images",
        title=f"{MANY} images of {SIZE} x {SIZE} x 3, {NUM_SAMPLES} perturbations each: ms of a loop and of explain_many",
        ratio_of="loop / explain_many",
        rows=[_many(kind) for kind in TYPES],
        notes=["Elapsed time, on two cores."],
    )
    yield Table(
        name="memory of images",
        title=f"{SIZE} x {SIZE} x 3, {NUM_SAMPLES} perturbations: MB that the call allocates at its peak",
        ratio_of="peak / batch",
        rows=[_memory(kind) for kind in TYPES],
    )


def _image(kind: str) -> np.ndarray:
    pixels = photograph("chelsea", SIZE)
    return pixels if kind == "uint8" else (pixels / 255).astype(kind)


def _brightness(images: Any) -> np.ndarray:
    """About the cheapest model there is: a few pixels of each image."""
    share = np.asarray(images)[:, ::97, ::97, 0].mean(axis=(1, 2), dtype=np.float64)
    return np.column_stack([share, 1 - share])


def _compose(image: np.ndarray) -> tuple[float, float, int]:
    """Median ms of copying, and of putting together in the same batches; and the number of superpixels."""
    parts = ImageExplainer().components(image)
    masks = OrthogonalArrays((0,)).masks(parts.law, Stretch(8, 0, NUM_SAMPLES // 8)).values
    size = parts.batch_size
    assert size is not None
    source = np.broadcast_to(image, (size, *image.shape)).copy()

    def copy() -> None:
        for start in range(0, len(masks), size):
            batch = np.empty_like(source[: len(masks) - start])
            np.copyto(batch, source[: len(batch)])

    def compose() -> None:
        for start in range(0, len(masks), size):
            parts.realise(masks[start : start + size])

    times = [(_milliseconds(copy), _milliseconds(compose)) for _ in range(REPEATS + 1)][1:]
    return median(first for first, _ in times), median(second for _, second in times), len(parts.names)


def _lime_composes(image: np.ndarray) -> float:
    """ms of lime's loop over the same superpixels, without the model's time."""
    parts = ImageExplainer().components(image)
    explainer, model = LimeImageExplainer(random_state=0), TimedModel(_brightness)
    segments = np.broadcast_to(parts.labels, image.shape)[..., 0]
    whole = _milliseconds(lambda: explainer.data_labels(image, parts.filling, segments, model, NUM_SAMPLES))
    return whole - 1e3 * model.seconds


def _whole_call(kind: str) -> Row:
    image = _image(kind)
    slow, fast = costs_in_turn(
        LimeImageExplainer(random_state=0), ImageExplainer(), [[image] * 2] * 3, _brightness, num_samples=NUM_SAMPLES
    )
    return Row(kind, {"lime": slow.total, "limelight": fast.total}, slow.total / fast.total, at_least(WHOLE_CALL[kind]))


def _many(kind: str) -> Row:
    """Fastest of some runs in turn: others who use the machine can only make them slower."""
    images = [np.roll(_image(kind), 7 * number, axis=1) for number in range(MANY)]
    explainer = ImageExplainer()
    loops, manys = [], []
    for _ in range(REPEATS):
        start = perf_counter()
        for image in images:
            explainer.explain_instance(image, _brightness, num_samples=NUM_SAMPLES)
        middle = perf_counter()
        explainer.explain_many(images, _brightness, num_samples=NUM_SAMPLES)
        loops.append(1e3 * (middle - start))
        manys.append(1e3 * (perf_counter() - middle))
    return Row(kind, {"loop": min(loops), "explain_many": min(manys)}, min(loops) / min(manys), at_least(1))


def _memory(kind: str) -> Row:
    image, explainer = _image(kind), ImageExplainer()
    explainer.explain_instance(image, _brightness, num_samples=50)  # what is imported and kept stays out of it
    batch_size = explainer.components(image).batch_size
    assert batch_size is not None
    gc.collect()
    tracemalloc.start()
    explainer.explain_instance(image, _brightness, num_samples=NUM_SAMPLES)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    batch = batch_size * image.nbytes / 1e6
    return Row(f"{kind}, batches of {batch_size}", {"batch": batch, "peak": peak}, peak / batch, at_most(2))


def _milliseconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = process_time()
    work()
    return 1e3 * (process_time() - start)
