"""Error of an image's weights at 512 model inputs, beside lime's independent draws, on photographs with a MobileNet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from lime.lime_base import LimeBase
from sklearn.metrics import pairwise_distances

from benchmarks._data import DATA, photograph
from benchmarks._report import Row, Table, at_least
from limelight import ImageExplainer, OnnxModel
from limelight.modalities._patches import PatchParts

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
        ratio_of="MSE, lime / limelight",
        rows=[*rows, Row("mean", means, mean, at_least(2))],
        notes=[
            f"All superpixels' weights of the predicted class, {REPEATS} seeds each.",
            "limelight, independent: design='iid', which has the curves' share of the gain, but not the arrays'.",
            f"Reference: one run with {REFERENCE_SAMPLES} inputs and the same penalty for each input.",
        ],
    )


def _row(name: str, model: OnnxModel) -> Row:
    image = photograph(name, 224)
    parts = ImageExplainer().components(image)
    reference = _weights(image, model, REFERENCE_SEED, REFERENCE_SAMPLES, "auto")
    label = int(model(image[None])[0].argmax())

    def square(runs: Iterable[np.ndarray]) -> float:
        return float(np.square(np.array(list(runs)) - reference).sum(axis=1).mean() / np.square(reference).sum())

    lime = square(_lime(parts, model, label, seed) for seed in range(REPEATS))
    independent, orthogonal = (
        square(_weights(image, model, seed, NUM_SAMPLES, design) for seed in range(REPEATS)) for design in ("iid", "auto")
    )
    figures = {"lime": lime, "limelight, independent": independent, "limelight": orthogonal}
    return Row(
        case=f"{name}, {len(reference)} superpixels",
        figures={side: float(np.sqrt(error)) for side, error in figures.items()},
        ratio=lime / orthogonal,
        target=at_least(1.5),
    )


def _lime(parts: PatchParts, model: OnnxModel, label: int, seed: int) -> np.ndarray:
    """lime's law, kernel and fit on the same superpixels and filling: its loop over the images is not what is measured."""
    draws = np.random.RandomState(seed)
    masks = draws.randint(0, 2, (NUM_SAMPLES, len(parts.names)), dtype=np.uint8)
    masks[0] = 1
    outputs = np.concatenate([model(parts.realise(masks[start : start + 64])) for start in range(0, NUM_SAMPLES, 64)])
    distances = pairwise_distances(masks, masks[:1], metric="cosine").ravel()
    base = LimeBase(lambda distance: np.sqrt(np.exp(-(distance**2) / 0.25**2)), random_state=draws)
    _, pairs, _, _ = base.explain_instance_with_data(masks, outputs, distances, label, masks.shape[1], "none")
    return _spread(pairs, masks.shape[1])


def _weights(image: np.ndarray, model: OnnxModel, seed: int, num_samples: int, design: str) -> np.ndarray:
    """The weights of all superpixels; the penalty is meant per num_samples, so it is scaled with it."""
    alpha = num_samples / NUM_SAMPLES
    explainer = ImageExplainer(random_state=seed, alpha=alpha, feature_selection="none", design=design)
    explanation = explainer.explain_instance(image, model, num_samples=num_samples, top_labels=1)
    return _spread(explanation.as_map()[explanation.labels[0]], len(explanation.names))


def _spread(pairs: Iterable[tuple[int, float]], count: int) -> np.ndarray:
    weights = np.zeros(count)
    for component, weight in pairs:
        weights[component] = weight
    return weights
