"""Error of an image's weights at 512 model inputs, beside independent sampling, on photographs with a MobileNet."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks._data import DATA, photograph
from benchmarks._report import Row, Table, at_least
from limelight import ImageExplainer, OnnxModel

__all__ = ["tables"]

PHOTOGRAPHS = ("chelsea", "grace_hopper.bmp", "parrot.jpg", "dog_segmentation_256.bmp", "cat_mouse.jpg")
NUM_SAMPLES, REPEATS = 512, 8
REFERENCE_SAMPLES, REFERENCE_SEED = 2**14, 1_000_001


def tables() -> Iterator[Table]:
    """Some minutes: nearly 25,000 images of each photograph go through the network."""
    file = DATA / "imagenet" / "mobilenet_v1_0.25_224.fp32.onnx"
    if not file.is_file():
        print(f"\nNo {file}: the error of images' weights is not measured.")
        return
    model = OnnxModel(file, mean=127.5, std=127.5)
    rows = [_row(name, model) for name in PHOTOGRAPHS]
    means = {name: float(np.mean([row.figures[name] for row in rows])) for name in rows[0].figures}
    mean = float(np.mean([row.ratio for row in rows]))
    yield Table(
        name="accuracy of images",
        title=f"Photographs, MobileNet v1 0.25, {NUM_SAMPLES} model inputs: relative root mean squared error of the weights",
        ratio_of="MSE, independent / orthogonal",
        rows=[*rows, Row("mean", means, mean, at_least(2))],
        notes=[
            f"All superpixels' weights of the predicted class, {REPEATS} seeds each.",
            f"Reference: one run with {REFERENCE_SAMPLES} inputs and the same penalty for each input.",
        ],
    )


def _row(name: str, model: OnnxModel) -> Row:
    image = photograph(name, 224)
    reference = _weights(image, model, REFERENCE_SEED, REFERENCE_SAMPLES, "auto")
    squares = {}
    for sampling, design in (("independent", "iid"), ("orthogonal", "auto")):
        runs = np.array([_weights(image, model, seed, NUM_SAMPLES, design) for seed in range(REPEATS)])
        squares[sampling] = float(np.square(runs - reference).sum(axis=1).mean() / np.square(reference).sum())
    figures = {sampling: float(np.sqrt(square)) for sampling, square in squares.items()}
    ratio = squares["independent"] / squares["orthogonal"]
    return Row(f"{name}, {len(reference)} superpixels", figures, ratio, at_least(1.5))


def _weights(image: np.ndarray, model: OnnxModel, seed: int, num_samples: int, design: str) -> np.ndarray:
    """The weights of all superpixels; the penalty is meant per num_samples, so it is scaled with it."""
    alpha = num_samples / NUM_SAMPLES
    explainer = ImageExplainer(random_state=seed, alpha=alpha, feature_selection="none", design=design)
    explanation = explainer.explain_instance(image, model, num_samples=num_samples, top_labels=1)
    weights = np.zeros(len(explanation.names))
    for component, weight in explanation.as_map()[explanation.labels[0]]:
        weights[component] = weight
    return weights
