"""Photographs with a trained MobileNet: the explanation is where the object is."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea

from limelight import ImageExplainer, OnnxModel


@pytest.fixture(scope="module")
def names(data_folder):
    index = json.loads((data_folder / "imagenet" / "imagenet_class_index.json").read_text())
    return ["background", *(index[str(number)][1] for number in range(1000))]


@pytest.fixture(scope="module")
def model(data_folder):
    return OnnxModel(data_folder / "imagenet" / "mobilenet_v1_0.25_224.fp32.onnx", mean=127.5, std=127.5)


@pytest.fixture(scope="module")
def larger_model(data_folder):
    return OnnxModel(data_folder / "imagenet" / "mobilenet_v2_1.0_224_qat.int8w.onnx", mean=127.5, std=127.5)


def photograph(image):
    return np.asarray(image.convert("RGB").resize((224, 224)))


def share_inside(explanation, inside, label):
    """The share of positive weight in superpixels that lie mostly inside."""
    shares = {part: inside[explanation.view.segments == part].mean() for part, _ in explanation.as_map()[label]}
    positive = [(weight, shares[part]) for part, weight in explanation.as_map()[label] if weight > 0]
    return sum(weight * (share > 0.5) for weight, share in positive) / sum(weight for weight, _ in positive)


def test_larger_model_knows_the_photographs(larger_model, names, data_folder):
    grace = Image.open(data_folder / "images" / "grace_hopper.bmp")
    predictions = larger_model(np.stack([photograph(Image.fromarray(chelsea())), photograph(grace)]))
    assert [names[best] for best in predictions.argmax(axis=1)] == ["Egyptian_cat", "military_uniform"]
    assert predictions.max(axis=1) == pytest.approx([0.82, 0.93], abs=0.05)


def test_dog_is_explained_by_the_dog(larger_model, names, data_folder):
    image = photograph(Image.open(data_folder / "images" / "dog_segmentation_256.bmp"))
    mask = Image.open(data_folder / "images" / "dog_segmentation_mask_256.bmp").resize((224, 224), Image.Resampling.NEAREST)
    dog = np.asarray(mask) != 1
    dog = dog if dog.ndim == 2 else dog[..., 0]
    explanation = ImageExplainer(class_names=names).explain_instance(image, larger_model, num_samples=256)
    label = explanation.default_label
    heaviest = [part for part, weight in explanation.as_map()[label] if weight > 0][:3]
    # The pointing game (Zhang et al., IJCV 126, 2018): what is pointed at is on the object.
    assert all(dog[explanation.view.segments == part].mean() > 0.5 for part in heaviest)
    assert share_inside(explanation, dog, label) > 0.75 > dog.mean()


def test_cats_face_speaks_for_the_cat(larger_model, names):
    image = photograph(Image.fromarray(chelsea()))
    explanation = ImageExplainer(class_names=names).explain_instance(image, larger_model, num_samples=256)
    face = np.zeros((224, 224), dtype=bool)
    face[20:190, 40:150] = True
    assert explanation.output_names[explanation.default_label] == "Egyptian_cat"
    assert share_inside(explanation, face, explanation.default_label) > 0.5


@pytest.mark.parametrize("file", ["grace_hopper.bmp", "parrot.jpg", "cat_mouse.jpg"])
def test_three_best_labels(model, names, data_folder, file):
    image = photograph(Image.open(data_folder / "images" / file))
    explanation = ImageExplainer(class_names=names).explain_instance(image, model, top_labels=3, num_samples=256)
    predictions = model(image[None])[0]
    assert list(explanation.labels) == np.argsort(-predictions)[:3].tolist()
    assert explanation.predictions == pytest.approx(predictions.tolist(), abs=1e-6)
    overlays = [explanation.view.overlay(explanation.as_map()[label]) for label in explanation.labels]
    assert not np.array_equal(overlays[0], overlays[1])


def test_removing_the_heaviest_superpixels_lowers_the_prediction_most(model, data_folder):
    """Deletion (Petsiuk, Das and Saenko, BMVC 2018): against removing others of the same number."""
    image = photograph(Image.open(data_folder / "images" / "parrot.jpg"))
    explainer = ImageExplainer(feature_selection="none")
    explanation = explainer.explain_instance(image, model, num_samples=512, top_labels=1)
    (label,) = explanation.labels
    parts = explainer.components(image)
    count = len(parts.names)
    order = [part for part, _ in sorted(explanation.as_map()[label], key=lambda pair: -pair[1])]
    draw = np.random.default_rng(0)
    masks = np.ones((21, count), dtype=np.uint8)
    masks[0, order[:20]] = 0
    for mask in masks[1:]:
        mask[draw.choice(count, 20, replace=False)] = 0
    predictions = model(parts.realise(masks))[:, label]
    assert predictions[0] < 0.3 * explanation.predictions[label]
    assert predictions[0] < predictions[1:].min()


def test_the_readmes_six_lines(data_folder, tmp_path, monkeypatch):
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (block,) = (code for code in re.findall(r"```py\n(.*?)```", readme, flags=re.DOTALL) if "OnnxModel" in code)
    assert len([line for line in block.splitlines() if line]) == 6
    Image.fromarray(chelsea()).save(tmp_path / "cat.jpg")
    (tmp_path / "mobilenet.onnx").symlink_to(data_folder / "imagenet" / "mobilenet_v1_0.25_224.fp32.onnx")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    with Image.open("cat.png") as sheet:
        assert sheet.width > 4 * 320
