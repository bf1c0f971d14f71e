"""Many images, one after the other: stages overlap, and nothing changes by it."""

import threading

import numpy as np
import pytest
import torch
from helpers.device import Device, adapt_device

from limelight import ImageExplainer, TorchModel, extend
from limelight.exceptions import InstanceError, ModelError
from limelight.segmentation import Grid

IMAGES = [np.random.default_rng(number).integers(0, 256, (96, 96, 3), dtype=np.uint8) for number in range(7)]
EXPLAINER = ImageExplainer()


pytestmark = pytest.mark.usefixtures("registry")


def of_images(images):
    share = np.asarray(images, dtype=np.float64)[:, ::5, ::5].mean(axis=(1, 2, 3)) / 255
    return np.column_stack([share, 1 - share])


def network():
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 4, 7, stride=6), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 15 * 15, 3)]
    return TorchModel(torch.nn.Sequential(*layers).double().eval(), std=255, softmax=True)


@pytest.mark.parametrize("budget", [{"num_samples": 200}, {}], ids=["number", "auto"])
@pytest.mark.parametrize("model", [Device, lambda: of_images, network], ids=["device", "callable", "torch"])
def test_each_explanation_is_the_one_by_itself(model, budget):
    extend.register("adapter", "device", adapt_device)
    asked = model()
    alone = [EXPLAINER.explain_instance(image, asked, **budget) for image in IMAGES]
    many = EXPLAINER.explain_many(IMAGES, asked, **budget)
    assert [one.to_json() for one in many] == [one.to_json() for one in alone]
    assert many.items.tolist() == list(range(len(IMAGES)))


def test_device_has_the_next_question_before_its_answer_is_read():
    extend.register("adapter", "device", adapt_device)
    device = Device()
    EXPLAINER.explain_many(IMAGES, device, num_samples=200)
    first_alone = [("asked", 0), ("read", 0), ("asked", 1), ("read", 1)]  # and asked again, to check the model
    assert device.events[:4] == first_alone
    rest = device.events[4:]
    assert rest[:4] == [("asked", 2), ("asked", 3), ("read", 2), ("asked", 4)]
    for number in range(2, len(IMAGES)):  # each is asked before the one before it is read
        assert rest.index(("asked", number + 1)) < rest.index(("read", number))


def test_model_is_called_in_the_callers_thread_and_segmentation_is_not():
    device = Device()
    seen = set()

    def adapt(method, components):
        seen.add(threading.get_ident())
        return adapt_device(method, components)

    extend.register("adapter", "aware", adapt)
    EXPLAINER.explain_many(IMAGES, device, num_samples=200)
    assert device.threads == {threading.get_ident()}
    assert len(seen) == 2  # the first image finds out that the model computes elsewhere


def test_users_functions_are_called_in_the_callers_thread():
    threads = set()

    def segment(image):
        threads.add(threading.get_ident())
        return Grid()(image)

    def paint(image, mask):  # noqa: ARG001
        threads.add(threading.get_ident())
        return np.zeros_like(image)

    for explainer in (ImageExplainer(segment), ImageExplainer(Grid(9), fill=paint)):
        assert len(explainer.explain_many(IMAGES, of_images, num_samples=50)) == len(IMAGES)
    assert threads == {threading.get_ident()}


def test_few_images_are_under_way_at_a_time():
    begun, most = [], []

    class Watched(Device):
        def launch(self, masks):
            most.append(len(begun) - sum(kind == "read" for kind, _ in self.events))
            return super().launch(masks)

    def adapt(method, components):
        begun.append(1)
        return adapt_device(method, components)

    extend.register("adapter", "aware", adapt)
    EXPLAINER.explain_many(IMAGES * 5, Watched(), num_samples=200)
    assert max(most) <= 6


def test_image_that_cannot_be_explained_keeps_its_place():
    extend.register("adapter", "device", adapt_device)
    images = [*IMAGES[:2], np.zeros((5, 96, 96, 3)), *IMAGES[2:]]
    many = EXPLAINER.explain_many(images, Device(), num_samples=200, on_error="keep")
    assert list(many.failures) == [2]
    with pytest.raises(InstanceError) as caught:
        EXPLAINER.explain_many(images, Device(), num_samples=200)
    assert caught.value.__notes__ == ["This was instance 2."]
    first_is_bad = EXPLAINER.explain_many(images[2:], Device(), num_samples=200, on_error="keep")
    assert list(first_is_bad.failures) == [0]


def test_dead_device_leaves_what_is_finished():
    extend.register("adapter", "device", adapt_device)
    dead = EXPLAINER.explain_many(IMAGES, Device(fails_at=4), num_samples=200, on_error="keep")
    assert list(dead.failures) == [3, 4, 5, 6]
    assert [one.to_json() for one in dead[:3]] == [
        one.to_json() for one in EXPLAINER.explain_many(IMAGES[:3], Device(), num_samples=200)
    ]
    assert "device-side assert" in dead.failures[3].message
    with pytest.raises(ModelError, match="device-side assert") as caught:
        EXPLAINER.explain_many(IMAGES, Device(fails_at=5), num_samples=200)
    assert caught.value.__notes__ == ["This was instance 4."]


def test_floating_point_errors_are_handled_as_in_one_thread():
    extend.register("adapter", "device", adapt_device)
    with np.errstate(all="raise"):
        many = EXPLAINER.explain_many(IMAGES[:3], Device(), num_samples=200)
        alone = [EXPLAINER.explain_instance(image, Device(), num_samples=200) for image in IMAGES[:3]]
    assert list(many) == alone
