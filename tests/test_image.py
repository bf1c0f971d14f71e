"""Images: what the model gets, superpixels, fillings, and explanations against closed forms."""

import pickle
import sys
import warnings
from itertools import product

import numpy as np
import pytest
import torch
from helpers.asked import assert_asked_once, assert_asked_total
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.segmentation import slic

from limelight import Explanation, ImageExplainer, Notice, TextExplainer
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    InstanceError,
    MissingDependencyError,
    ModelError,
    PredictionError,
)
from limelight.segmentation import Felzenszwalb, Grid, Pixels, Quickshift, Refined, Slic, Watershed

RNG = np.random.default_rng(0)
SLOPE = np.add.outer(np.arange(48) * 4, np.arange(40) * 2)
PHOTO = np.clip(SLOPE[..., None] + RNG.integers(0, 30, (48, 40, 3)), 0, 255).astype(np.uint8)
QUARTERS = np.kron([[0, 1], [2, 3]], np.ones((8, 8), dtype=int))


def brightness(images):
    return np.asarray(images, dtype=np.float64).reshape(len(images), -1).mean(axis=1)


def bfloat16(array):
    return torch.tensor(array, dtype=torch.float32).to(torch.bfloat16)


INSTANCES = {
    "grey bytes": PHOTO[..., 0],
    "one channel": PHOTO[..., :1],
    "bytes": PHOTO,
    "four channels": np.concatenate([PHOTO, PHOTO[..., :1]], axis=2),
    "channels first": np.moveaxis(PHOTO, 2, 0),
    "single precision": (PHOTO / 255).astype(np.float32),
    "double precision": PHOTO / 255,
    "half precision": (PHOTO / 255).astype(np.float16),
    "sixteen bits": PHOTO.astype(np.uint16) * 257,
    "signed": PHOTO.astype(np.int64),
    "other byte order": (PHOTO / 255).astype(">f4"),
    "booleans": PHOTO[..., 0] > 100,
    "read-only view": np.broadcast_to(PHOTO[..., 0], (48, 40)),
    "not contiguous": PHOTO[::2, ::-1],
    "tensor": torch.tensor(np.moveaxis(PHOTO, 2, 0) / 255),
    "tensor of bytes": torch.tensor(PHOTO[..., 0]),
    "bfloat16": bfloat16(np.moveaxis(PHOTO, 2, 0) / 255),
}


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize("fill", ["mean", "blur", "noise", 0])
def test_model_gets_what_it_was_given(name, fill):
    instance = INSTANCES[name]
    batches = []

    def model(images):
        assert type(images) is type(instance)
        assert images.dtype == instance.dtype
        assert images.shape[1:] == instance.shape
        batches.append(images)
        numbers = images.float().numpy() if isinstance(images, torch.Tensor) else images
        return brightness(numbers)

    ImageExplainer(Grid(6), fill).explain_instance(instance, model, batch_size=7)
    assert all(len(images) <= 7 for images in batches)
    first = batches[0][0]
    assert torch.equal(first, instance) if isinstance(instance, torch.Tensor) else np.array_equal(first, instance)
    everything = np.concatenate([(batch.float() if isinstance(batch, torch.Tensor) else batch) for batch in batches])
    given_numbers = instance.float().numpy() if isinstance(instance, torch.Tensor) else instance
    if fill != 0:
        assert everything.min() >= given_numbers.min()
        assert everything.max() <= given_numbers.max()


def test_all_layouts_give_the_same_explanation():
    def model_of(axis):
        return lambda images: brightness(np.moveaxis(images, axis + 1, -1)[:, :10, :10, 1])

    explainer = ImageExplainer(Slic(6))
    last = explainer.explain_instance(PHOTO, model_of(2))
    first = explainer.explain_instance(np.moveaxis(PHOTO, 2, 0), model_of(0))
    assert last.view == first.view
    assert dict(last.as_list()) == pytest.approx(dict(first.as_list()), rel=1e-9)


@given(st.data())
def test_any_label_map_is_put_together_as_where_would(data):
    labels = data.draw(
        st.lists(st.lists(st.sampled_from([-7, 0, 3, 4, 1000]), min_size=8, max_size=8), min_size=6, max_size=6).map(np.array)
    )
    image = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    parts = ImageExplainer(labels, fill=[1, 2, 3]).components(image)
    numbers = np.unique(labels)
    assert parts.names == tuple(f"superpixel {number}" for number in numbers)
    masks = RNG.integers(0, 2, (5, len(numbers)), dtype=np.uint8)
    for mask, realised in zip(masks, parts.realise(masks), strict=True):
        shown = np.isin(labels, numbers[mask == 1])
        assert np.array_equal(realised, np.where(shown[..., None], image, np.array([1, 2, 3])))


class TestClosedForms:
    """theory.md, section 3: masks of fair coins, weighed by their number of ones alone."""

    @pytest.mark.parametrize("image", [QUARTERS.astype(np.uint8) * 50, (QUARTERS * 0.25).astype(np.float64)])
    def test_linear_model_is_recovered(self, image):
        draw = np.random.default_rng(1).normal(size=image.shape)

        def model(images):
            return images.reshape(len(images), -1) @ draw.ravel()

        explanation = ImageExplainer(QUARTERS, fill=7 if image.dtype == np.uint8 else 0.1, alpha=0).explain_instance(
            image, model
        )
        expected = [(draw * (image - (7.0 if image.dtype == np.uint8 else 0.1)))[part == QUARTERS].sum() for part in range(4)]
        weights = dict(explanation.as_map()[0])
        assert [weights[part] for part in range(4)] == pytest.approx(expected, rel=1e-9, abs=1e-9)

    @pytest.mark.parametrize("needed", [(0,), (0, 3), (0, 1, 2), (0, 1, 2, 3)])
    def test_and_of_superpixels_where_all_masks_are_asked(self, needed):
        self.check_and(QUARTERS, needed, exact=True)

    @pytest.mark.parametrize("needed", [(5,), (5, 9)])
    def test_and_of_superpixels_is_within_the_intervals(self, needed):
        labels = np.kron(np.arange(16).reshape(4, 4), np.ones((4, 4), dtype=int))
        self.check_and(labels, needed, exact=False)

    @staticmethod
    def check_and(labels, needed, exact):
        count = int(labels.max()) + 1

        def model(images):
            return np.all([images[:, labels == part].all(axis=1) for part in needed], axis=0).astype(float)

        image = np.full(labels.shape, 9, dtype=np.uint8)
        explainer = ImageExplainer(labels, fill=0, alpha=0, feature_selection="none")
        explanation = explainer.explain_instance(image, model)
        surrogate = explanation.surrogate()
        expected = weights_of_and(count, len(needed))
        for part, weight, low, high in zip(
            surrogate.components, surrogate.weights, surrogate.lows, surrogate.highs, strict=True
        ):
            target = expected[0] if part in needed else expected[1]
            if exact:
                assert weight == pytest.approx(target, abs=1e-10)
            else:
                # Wider than the interval: sixteen intervals of 95 % are not all right.
                assert abs(weight - target) <= 2 * (high - low) + 1e-9


def weights_of_and(count, needed):
    """Weighted least squares over every number of absent parts: the weights of a needed part and of another one.

    The masks are exchangeable, so that all needed parts have one weight and all others another.
    """
    from math import comb

    mass = {}
    for present_needed in range(needed + 1):
        for present_rest in range(count - needed + 1):
            present = present_needed + present_rest
            distance = 1 - np.sqrt(present / count)
            weight = np.sqrt(np.exp(-(distance**2) / 0.25**2))
            ways = comb(needed, present_needed) * comb(count - needed, present_rest)
            mass[present_needed, present_rest] = ways * weight
    rows = np.array([[1, a, b] for a, b in mass], dtype=float)
    answers = np.array([a == needed for a, _ in mass], dtype=float)
    root = np.sqrt(list(mass.values()))
    solution, *_ = np.linalg.lstsq(rows * root[:, None], answers * root, rcond=None)
    return solution[1], solution[2]


@pytest.mark.parametrize("fill", ["mean", "blur", "noise", 0])
def test_planted_patch_comes_first(fill):
    draw = np.random.default_rng(3)
    image = draw.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    template = image[24:40, 24:40].astype(float)

    def model(images):
        """How much of the patch is still there."""
        difference = np.abs(images[:, 24:40, 24:40] - template).mean(axis=(1, 2, 3))
        return 1 / (1 + difference)

    explainer = ImageExplainer(Grid(64), fill)
    explanation = explainer.explain_instance(image, model, num_features=4)
    assert {part for part, _ in explanation.as_map()[0]} == set(np.unique(explanation.view.segments[24:40, 24:40]).tolist())


class TestSegmentations:
    @pytest.mark.parametrize(
        "segmentation",
        [
            "slic",
            "quickshift",
            "felzenszwalb",
            "grid",
            Slic(12),
            Quickshift(2),
            Felzenszwalb(50),
            Grid(9),
            Watershed(PHOTO[..., 0], 9),
        ],
    )
    def test_each_gives_a_usable_label_map(self, segmentation):
        explainer = ImageExplainer(segmentation)
        parts = explainer.components(PHOTO)
        assert 1 <= len(parts.names) <= 48 * 40 // 4
        assert len(parts.names) > 1 or segmentation in ("quickshift", "felzenszwalb")  # theirs are too coarse here
        assert sorted(np.unique(parts.labels)) == list(range(len(parts.names)))
        again = pickle.loads(pickle.dumps(explainer)).components(PHOTO)
        assert np.array_equal(again.labels, parts.labels)

    @pytest.mark.parametrize(
        ("segmentation", "text"),
        [
            (Slic(), "Slic()"),
            (Slic(50, sigma=2), "Slic(n_segments=50, sigma=2)"),
            (Slic(compactness=20), "Slic()"),
            (Quickshift(ratio=0.5), "Quickshift(ratio=0.5)"),
            (Felzenszwalb(min_size=9), "Felzenszwalb(min_size=9)"),
            (Grid(9), "Grid(n_segments=9)"),
            (Pixels(), "Pixels()"),
            (Watershed(np.zeros((3, 4)), 2), "Watershed(edges=<array of shape (3, 4)>, n_segments=2)"),
        ],
    )
    def test_settings_show_on_one_line_and_are_pickled(self, segmentation, text):
        assert repr(segmentation) == text
        assert repr(pickle.loads(pickle.dumps(segmentation))) == text

    def test_refined_does_not_print_its_explanation(self):
        refined = Refined(ImageExplainer(Grid(4)).explain_instance(PHOTO, brightness), pieces=9)
        assert repr(refined) == "Refined(explanation=<Explanation>, pieces=9)"

    def test_default_is_near_sixty(self):
        from skimage.data import chelsea

        assert 40 <= len(ImageExplainer().components(chelsea()).names) <= 80

    def test_large_image_is_segmented_at_a_lower_resolution(self):
        coarse = np.kron(PHOTO, np.ones((16, 16, 1), dtype=np.uint8))
        labels = Slic(30)(coarse)
        assert labels.shape == coarse.shape[:2]
        assert len(np.unique(labels)) >= 15

    def test_users_callable_gets_the_image_with_channels_last(self):
        seen = []

        def segment(image):
            seen.append(image)
            image[...] = 0  # a copy
            return np.arange(48 * 40).reshape(48, 40) // 480

        parts = ImageExplainer(segment).components(torch.tensor(np.moveaxis(PHOTO, 2, 0)))
        assert seen[0].shape == PHOTO.shape
        assert parts.names == ("superpixel 0", "superpixel 1", "superpixel 2", "superpixel 3")
        assert parts.array.max() == PHOTO.max()

    def test_superpixels_that_start_at_one_are_all_perturbed(self):
        """lime.md, W2: of labels 1 to n, lime never touches the last and counts one that does not exist."""
        labels = QUARTERS + 1

        def model(images):
            return images[:, 8:, 8:].mean(axis=(1, 2))

        explanation = ImageExplainer(labels, fill=0).explain_instance(np.full((16, 16), 8.0), model, num_features=1)
        assert explanation.as_list()[0][0] == "superpixel 4"
        assert explanation.as_list()[0][1] == pytest.approx(8, rel=0.02)

    def test_slic_of_scikit_image_as_it_is(self):
        explanation = ImageExplainer(lambda image: slic(image, n_segments=20)).explain_instance(PHOTO, brightness)
        assert explanation.names[0] == "superpixel 1"

    def test_refined_cuts_the_heaviest_only(self):
        image = np.full((32, 32), 10, dtype=np.uint8)
        image[2:5, 2:5] = 200

        def model(images):
            return images[:, 2:5, 2:5].mean(axis=(1, 2))

        coarse = ImageExplainer(Grid(16), fill=0).explain_instance(image, model, num_features=3)
        (heaviest, _), *_ = coarse.as_map()[0]
        fine = ImageExplainer(Refined(coarse, heaviest=1, pieces=4), fill=0).explain_instance(image, model, num_features=3)
        inside = coarse.view.segments == heaviest
        assert len(np.unique(fine.view.segments[inside])) > 1
        assert set(fine.view.segments[inside]).isdisjoint(fine.view.segments[~inside])
        for part in np.unique(coarse.view.segments[~inside]):
            assert len(np.unique(fine.view.segments[coarse.view.segments == part])) == 1


class TestFillings:
    def test_mean_is_each_superpixels_own(self):
        parts = ImageExplainer(QUARTERS).components(np.arange(256.0).reshape(16, 16) / 255)
        for part in range(4):
            assert np.allclose(parts.filling[part == QUARTERS], parts.array[part == QUARTERS].mean())

    def test_mean_of_integers_is_rounded(self):
        parts = ImageExplainer(np.zeros((2, 2), dtype=int)).components(np.array([[0, 1], [1, 1]], dtype=np.uint8))
        assert parts.filling.tolist() == [[1, 1], [1, 1]]

    def test_noise_comes_from_the_seed_alone(self):
        first, second, other = (
            ImageExplainer(QUARTERS, "noise", random_state=seed).components(QUARTERS / 3).filling for seed in (1, 1, 2)
        )
        assert np.array_equal(first, second)
        assert not np.array_equal(first, other)

    def test_users_inpainting_is_asked_once_for_each_superpixel(self):
        from skimage.restoration import inpaint_biharmonic

        image = np.add.outer(np.linspace(0, 1, 16), np.linspace(0, 1, 16)) / 2
        calls = []

        def inpaint(picture, mask):
            calls.append(mask.sum())
            return inpaint_biharmonic(picture, mask)

        parts = ImageExplainer(QUARTERS, inpaint).components(image)
        assert calls == [64] * 4
        assert np.corrcoef(parts.filling.ravel(), image.ravel())[0, 1] > 0.9

    @pytest.mark.parametrize(
        ("fill", "error", "message"),
        [
            ("green", ArgumentError, "fill must be one of 'mean', 'blur', 'noise'; got 'green'"),
            (None, ArgumentTypeError, "fill must be one of 'mean', 'blur', 'noise', a finite number"),
            (np.nan, ArgumentTypeError, "a finite number, or one for each channel; got nan"),
            ([[1]], ArgumentTypeError, "a finite number, or one for each channel"),
            ([1, 2], ArgumentError, "fill has 2 numbers; the image has 3 channels"),
            (300, ArgumentError, "the filling of an image of uint8 must lie within 0 to 255; got 300"),
            (lambda image, _: image[0], InstanceError, r"must return an image of shape \(48, 40, 3\); it returned \(40, 3\)"),
            (lambda image, _: image * np.nan, InstanceError, r"returned NaN or infinity for superpixel 0"),
            (lambda *_: 1 / 0, InstanceError, r"fill\(image, mask\) raised ZeroDivisionError for superpixel 0"),
        ],
    )
    def test_bad_filling(self, fill, error, message):
        with pytest.raises(error, match=message):
            ImageExplainer("grid", fill).explain_instance(PHOTO, brightness)

    def test_floats_of_scikit_image_are_not_taken_for_bytes(self):
        from skimage.restoration import inpaint_biharmonic

        def inpaint(image, mask):
            return inpaint_biharmonic(image, mask, channel_axis=-1)

        with pytest.raises(InstanceError, match="returned floats from 0 to 1 for an image of uint8, as scikit-image"):
            ImageExplainer(Grid(9), inpaint).explain_instance(PHOTO, brightness)
        explainer = ImageExplainer(Grid(9), lambda image, mask: 255 * inpaint(image, mask))
        assert np.abs(explainer.components(PHOTO).filling.astype(float) - PHOTO).mean() < 20

    @pytest.mark.parametrize(("image", "is_noted"), [(np.eye(8, dtype=np.uint8), True), (PHOTO, False), (np.eye(8), False)])
    def test_rounding_of_the_filling_is_noted_where_it_matters(self, image, is_noted):
        codes = [note.code for note in ImageExplainer(Grid(4)).components(image).notes]
        assert ("rounded_filling" in codes) == is_noted

    @pytest.mark.parametrize("fill", [0.5, (0.2, 0.4, 1.0), [0, 0, 0.25]])
    @pytest.mark.parametrize("dtype", [np.uint8, np.int32])
    def test_colours_of_floats_are_refused_for_whole_numbers(self, fill, dtype):
        explainer = ImageExplainer("grid", fill)
        with pytest.raises(
            ArgumentError, match=rf"fill is .*, a colour for images of floats .*{np.dtype(dtype)} up to \d+\. Give"
        ):
            explainer.explain_instance(PHOTO.astype(dtype), brightness)
        assert explainer.components(PHOTO / 255).notes == ()

    @pytest.mark.parametrize("fill", [0, 1, 1.0, (0, 1, 0), 127.5, 255])
    def test_other_colours_are_taken_as_they_are(self, fill):
        parts = ImageExplainer("grid", fill).components(PHOTO)
        assert {note.code for note in parts.notes} <= {"unchanged_parts"}
        expected = np.broadcast_to(np.rint(fill), PHOTO.shape)
        assert np.array_equal(parts.filling.reshape(PHOTO.shape), expected)

    def test_colours_of_whole_numbers_are_noted_for_floats_from_0_to_1(self):
        (note,) = ImageExplainer("grid", (0, 128, 255)).components(PHOTO / 255).notes
        assert (note.code, note.level) == ("filling_units", "caution")
        assert note.message.startswith("fill is 255, and the image holds numbers from 0")
        for fill, image in (
            (2, PHOTO / 255),
            (-1, PHOTO / 255),
            (128, PHOTO / 1.0),
            (128, PHOTO / 127.5 - 1),
            ("mean", PHOTO / 255),
        ):
            assert "filling_units" not in {note.code for note in ImageExplainer("grid", fill).components(image).notes}

    def test_filling_that_the_type_cannot_hold(self):
        with pytest.raises(ArgumentError, match="the filling of an image of float16 must lie within"):
            ImageExplainer("grid", fill=1e6).explain_instance(np.eye(8, dtype=np.float16), brightness)


class TestPicture:
    """What a person sees of numbers in other units."""

    @pytest.mark.parametrize(
        ("image", "brightest"),
        [
            (np.arange(64.0).reshape(8, 8) / 63, 255),
            (np.arange(64.0).reshape(8, 8) / 4, 255),
            (np.arange(64.0).reshape(8, 8) * 3, 189),
            (np.arange(64, dtype=np.uint16).reshape(8, 8) * 15, 255),
            (np.arange(64, dtype=np.uint16).reshape(8, 8) * 1040, 255),
            (np.arange(64, dtype=np.uint8).reshape(8, 8), 63),
            (np.arange(64).reshape(8, 8) - 32, 255),
            (np.array([[1.7e308, -1.7e308], [0, 0]]), 255),
            (np.eye(8) > 0, 255),
        ],
    )
    def test_reaches_from_dark_to_bright(self, image, brightest):
        picture = ImageExplainer(np.arange(image.size).reshape(image.shape) // 16).components(image).view.picture
        assert picture.max() == pytest.approx(brightest, abs=1)
        assert picture.min() == 0

    @pytest.mark.parametrize("value", [300.0, -1.0, 0.0, 1e300])
    def test_constant_image(self, value):
        assert ImageExplainer("grid").components(np.full((8, 8), value)).view.picture.std() == 0

    def test_transparent_pixels_are_white(self):
        image = np.zeros((8, 8, 4), dtype=np.uint8)
        image[:4, :, 3] = 255
        components = ImageExplainer("grid").components(Image.fromarray(image))
        assert components.view.picture[:4].max() == 0
        assert components.view.picture[4:].min() == 255
        assert [note.code for note in components.notes] == ["unchanged_parts"]


class TestBadInput:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 1), (2, 2, 3), (1, 1, 3)])
    @pytest.mark.parametrize("segmentation", ["slic", "quickshift", "felzenszwalb", "grid"])
    def test_tiny_and_thin_images(self, shape, segmentation):
        image = np.random.default_rng(0).random(shape)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            explanation = ImageExplainer(segmentation).explain_instance(image, brightness)
        if len(explanation.names) == 1:
            assert "one_component" in [notice.code for notice in explanation.notices]
        assert explanation.as_html()

    def test_one_superpixel_is_noted_and_weighs_the_whole(self):
        image = np.full((8, 8), 6.0)
        explanation = ImageExplainer(np.full((8, 8), 3), fill=0, alpha=0).explain_instance(image, brightness)
        assert explanation.as_list() == [("superpixel 3", pytest.approx(6.0))]
        assert [notice.code for notice in explanation.notices][:2] == ["unusual_range", "one_component"]

    def test_constant_image_is_its_own_mean(self):
        explanation = ImageExplainer("grid").explain_instance(np.full((16, 16), 7, dtype=np.uint8), brightness)
        codes = [notice.code for notice in explanation.notices]
        assert codes[:2] == ["nothing_changes", "constant_output"]
        assert all(weight == 0 for _, weight in explanation.as_list())

    @pytest.mark.parametrize(
        ("image", "error", "message"),
        [
            (np.array([[0.5, np.inf]]), InstanceError, "the image has 1 numbers that are infinite, .* give NaN"),
            (np.full((4, 4), np.nan), InstanceError, "the image has only NaN"),
            (np.zeros((2, 8, 8, 3)), InstanceError, r"got \(2, 8, 8, 3\). Explain one image at a time: give image\[0\]"),
            (np.zeros(8), InstanceError, r"an image has two axes, or three with its channels; got \(8,\)"),
            (np.zeros((0, 8)), InstanceError, r"the image is empty: its shape is \(0, 8\)"),
            (np.zeros((12, 64, 64)), InstanceError, r"shape \(12, 64, 64\) holds the channels\? Give channel_axis=0 or -1"),
            (np.zeros((8, 8), dtype=complex), ArgumentTypeError, "at most 64 bits; got dtype complex128"),
            (np.array([["a"]]), ArgumentTypeError, "got dtype <U1"),
            (np.array([[None]]), ArgumentTypeError, "got dtype object"),
            ([[1, 2], [3]], ArgumentTypeError, "an image must be an array of numbers"),
            (torch.zeros(8, 8, dtype=torch.complex64), ArgumentTypeError, "got dtype torch.complex64"),
            (
                np.ma.masked_equal([[1, 2], [2, 1]], 2),
                ArgumentTypeError,
                "an image must have no masked numbers",
            ),
            (Image.new("P", (8, 8)), ArgumentTypeError, r"a picture of mode 'P' .* give picture.convert\('RGB'\)"),
            (torch.eye(3).to_sparse(), ArgumentTypeError, "an image must be a dense tensor of numbers"),
            ("photo.png", ArgumentTypeError, "an image must be an array of numbers, not a name; open the file first"),
        ],
    )
    def test_bad_image(self, image, error, message):
        with pytest.raises(error, match=message):
            ImageExplainer("grid").explain_instance(image, brightness)

    @pytest.mark.parametrize(
        ("segmentation", "error", "message"),
        [
            (
                "slick",
                ArgumentError,
                "must be one of 'slic', 'quickshift', 'felzenszwalb', 'grid', 'pixels'; got 'slick'",
            ),
            (Slic, ArgumentTypeError, r"segmentation must be an object, not a class; give Slic\(...\)"),
            (3, ArgumentTypeError, "or a label map of integers; got int"),
            (np.zeros((48, 40)), ArgumentTypeError, r"of shape \(48, 40\) and dtype float64"),
            (np.zeros((40, 48), dtype=int), InstanceError, r"the label map has shape \(40, 48\); the image is 48 x 40"),
            (np.arange(1920).reshape(48, 40), InstanceError, "gives 1920 superpixels for 1920 pixels; at most 480"),
            (lambda image: image[..., 0] / 2, ArgumentTypeError, "label map of integers; it returned dtype float64"),
            (lambda _: 1 / 0, InstanceError, "the segmentation raised ZeroDivisionError for an instance of shape"),
            (lambda image: image[0], InstanceError, r"the label map has shape \(40, 3\); the image is 48 x 40"),
            (Watershed(np.zeros((3, 3))), InstanceError, r"edges have shape \(3, 3\); the image is 48 x 40"),
        ],
    )
    def test_bad_segmentation(self, segmentation, error, message):
        with pytest.raises(error, match=message):
            ImageExplainer(segmentation).explain_instance(PHOTO, brightness)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Slic(0), "n_segments must be an integer of at least 1; got 0"),
            (lambda: Slic(compactness=0), "compactness must be a finite number above 0"),
            (lambda: Grid("9"), "n_segments must be an integer"),
            (lambda: Watershed(np.zeros(3)), r"edges must have 2 dimensions; got shape \(3,\)"),
            (lambda: Watershed([[np.nan]]), "edges must be finite numbers"),
            (lambda: Quickshift(kernel_size=0), "kernel_size must be a finite number of at least 1; got 0"),
            (lambda: Felzenszwalb(scale=-5), "scale must be a finite number above 0; got -5"),
            (lambda: Felzenszwalb(min_size=0), "min_size must be an integer of at least 1; got 0"),
            (lambda: ImageExplainer(channel_axis="first"), r"channel_axis must be 0 \(first\) or -1 \(last\); got 'first'"),
            (lambda: Refined("x"), "Refined needs the explanation of an image"),
        ],
    )
    def test_bad_settings(self, make, message):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
            make()

    def test_refined_needs_an_explained_image(self):
        text = TextExplainer().explain_instance("a b", lambda texts: [len(text) for text in texts])
        with pytest.raises(ArgumentTypeError, match="Refined needs the explanation of an image; got one of kind 'text'"):
            Refined(text)

    def test_refined_of_another_size(self):
        coarse = ImageExplainer(Grid(4)).explain_instance(np.random.default_rng(0).random((8, 8)), brightness)
        with pytest.raises(InstanceError, match="the explanation to refine is of 8 x 8 pixels; the image is 48 x 40"):
            ImageExplainer(Refined(coarse)).explain_instance(PHOTO, brightness)

    def test_model_that_wants_another_size(self):
        def model(images):
            return images.reshape(-1, 224 * 224 * 3).sum(axis=1)

        with pytest.raises(ModelError, match="the model raised ValueError while it was asked about") as caught:
            ImageExplainer("grid").explain_instance(PHOTO, model)
        assert isinstance(caught.value.__cause__, ValueError)

    @pytest.mark.parametrize("axis", [1, 3, -2])
    def test_bad_channel_axis(self, axis):
        with pytest.raises(ArgumentError, match=r"channel_axis must be 0 \(first\) or -1 \(last\)"):
            ImageExplainer("grid", channel_axis=axis).explain_instance(PHOTO, brightness)
        with pytest.raises(ArgumentError, match=r"the image has shape \(48, 40\), without channels"):
            ImageExplainer("grid", channel_axis=0).explain_instance(PHOTO[..., 0], brightness)

    def test_ambiguous_layout_is_noted(self):
        image = np.random.default_rng(0).random((3, 8, 4))
        notice, _ = ImageExplainer("grid").components(image).notes
        assert notice == Notice(
            "ambiguous_layout",
            "The image's shape (3, 8, 4) was read with the channels last; if they are not, give channel_axis=0.",
        )
        assert ImageExplainer("grid", channel_axis=0).components(image).notes == ()
        assert ImageExplainer("grid").components(torch.tensor(image)).labels.shape == (1, 8, 4)

    def test_many_channels_on_a_given_axis(self):
        image = np.random.default_rng(0).random((12, 16, 16))

        def model(images):
            return images[:, 5, :3, :3].mean(axis=(1, 2))

        explanation = ImageExplainer(Grid(25), fill=0, channel_axis=0).explain_instance(image, model)
        assert explanation.view.picture.shape == (16, 16, 3)
        assert explanation.as_map()[0][0][0] == explanation.view.segments[0, 0]

    @pytest.mark.parametrize("image", [PHOTO / 127.5 - 1, PHOTO.astype(np.float32)])
    def test_floats_outside_zero_to_one_are_allowed_and_said(self, image):
        explanation = ImageExplainer("grid").explain_instance(image, brightness)
        assert "unusual_range" in [notice.code for notice in explanation.notices]
        assert explanation.view.picture.std() > 10

    def test_scores_of_the_wrong_shape(self):
        with pytest.raises(PredictionError, match="a row for each input"):
            ImageExplainer("grid").explain_instance(PHOTO, lambda images: np.zeros((1, 1, len(images))))

    def test_without_scikit_image_the_error_names_the_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
        with pytest.raises(MissingDependencyError, match=r"superpixels needs scikit-image: pip install 'limelight\[image\]'"):
            ImageExplainer().explain_instance(PHOTO, brightness)
        assert ImageExplainer("grid").explain_instance(PHOTO, brightness)


class TestContracts:
    def test_same_bits_whatever_the_order_and_batches(self):
        explainer = ImageExplainer()

        def model(images):
            return images[:, ::7, ::5, 0].astype(np.float64).sum(axis=(1, 2))

        first = explainer.explain_instance(PHOTO, model)
        explainer.explain_instance(PHOTO[::-1], model)
        assert explainer.explain_instance(PHOTO, model, batch_size=13) == first
        assert pickle.loads(pickle.dumps(explainer)).explain_instance(PHOTO, model) == first

    def test_two_seeds_differ_in_the_masks(self):
        """lime.md, W14 and issue 477: the seed reached the segmentation only, and not even that."""

        def model(images):
            top = images[:, :20, :, 1].mean(axis=(1, 2))
            return np.sin(images[:, :, :, 0].mean(axis=(1, 2)) - top)

        explainers = [ImageExplainer(fill=0, random_state=seed) for seed in (0, 1)]
        one, two = (explainer.explain_instance(PHOTO, model, num_samples=200) for explainer in explainers)
        assert one.view == two.view
        assert one.as_list() != two.as_list()

    def test_json_and_pickle_give_the_explanation_back(self):
        explanation = ImageExplainer().explain_instance(PHOTO, brightness)
        assert Explanation.from_json(explanation.to_json()) == explanation
        assert pickle.loads(pickle.dumps(explanation)) == explanation

    def test_every_set_of_masks_is_asked_once_where_there_are_few(self):
        asked = []

        def model(images):
            asked.extend(images[:, [0, 0, -1, -1], [0, -1, 0, -1]].tolist())
            return brightness(images)

        ImageExplainer(QUARTERS, fill=0).explain_instance(np.full((16, 16), 9, dtype=np.uint8), model)
        assert set(map(tuple, asked)) == set(product((0, 9), repeat=4))
        assert_asked_once(list(map(tuple, asked)), 16)


class TestDefectsOfLime:
    """Of lime.md, section 3; the last of labels from 1 (W2), seeds (W14) and layouts (C8) are tested above."""

    @pytest.mark.parametrize(
        "answer",
        [lambda images: brightness(images).tolist(), brightness, lambda images: brightness(images)[:, None]],
        ids=["list", "one dimension", "one column"],
    )
    def test_answers_that_lime_does_not_take(self, answer):
        """C5."""
        expected = ImageExplainer("grid").explain_instance(PHOTO, brightness)
        assert ImageExplainer("grid").explain_instance(PHOTO, answer) == expected

    def test_gaps_in_the_labels_are_perturbed(self):
        """W2: of labels 0 and 5, lime never touches 5."""
        labels = np.repeat([0, 5], 8)[:, None] * np.ones((1, 16), dtype=int)
        explanation = ImageExplainer(labels.astype(int), fill=0, alpha=0).explain_instance(
            np.full((16, 16), 4.0), lambda images: images[:, 8:].mean(axis=(1, 2))
        )
        assert dict(explanation.as_list()) == {"superpixel 5": pytest.approx(4), "superpixel 0": pytest.approx(0, abs=1e-9)}

    def test_no_kernel_width(self):
        """C10: in lime it fails once the images have been asked about."""
        assert ImageExplainer(kernel_width=None).options == ImageExplainer(kernel_width=0.25).options

    def test_effective_sample_size_is_reported(self):
        """W13: with 60 superpixels the kernel hardly looks nearby, 956 of 1000 perturbations count."""
        explanation = ImageExplainer(Grid(60)).explain_instance(PHOTO, brightness, num_samples=1000)
        assert explanation.effective_sample_size == pytest.approx(956, rel=0.02)

    def test_many_labels_cost_one_set_of_images(self):
        """P5: lime fits each label anew, and quickshift runs at every call."""
        asked = []

        def model(images):
            asked.append(len(images))
            return np.stack([brightness(images[:, : 10 * i + 5]) for i in range(4)], axis=1)

        explanation = ImageExplainer("grid").explain_instance(PHOTO, model, num_samples=200)
        assert len(explanation.labels) == 4
        assert_asked_total(sum(asked), explanation.num_inputs)
        assert explanation.num_inputs <= 200

    def test_top_labels_are_there_whether_asked_for_or_not(self):
        explanation = ImageExplainer("grid").explain_instance(PHOTO, brightness)
        assert explanation.labels == (0,)


@pytest.mark.parametrize("shape", [(224, 224), (500, 331)])
def test_borders_of_slic_are_drawn_at_the_images_own_resolution(shape):
    """It clusters a smaller image, in which these edges lie within pixels."""
    image = np.zeros((*shape, 3), dtype=np.uint8)
    image[:, 101:] = 150
    image[151:] += 100
    labels = Slic()(image)
    sides = np.add.outer(2 * (np.arange(shape[0]) >= 151), np.arange(shape[1]) >= 101)
    on_each_side = [np.bincount(sides[labels == number], minlength=4) for number in range(labels.max() + 1)]
    assert sum(counts.sum() - counts.max() for counts in on_each_side) <= 5  # pixels on the wrong side


@pytest.mark.parametrize("shape", [(223, 301), (1, 40_000), (61, 37, 29)])
def test_slic_numbers_superpixels_of_images_whose_sides_are_odd(shape):
    labels = Slic(most_pixels=1000)(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))
    assert labels.shape == shape
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


def test_slic_of_more_pixels_takes_the_image_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    expected = slic(image, n_segments=60, compactness=20, sigma=1, max_num_iter=3, start_label=0)
    assert (Slic(most_pixels=10**6)(image) == expected).mean() > 0.99


def test_slic_of_one_colour_is_a_grid():
    labels = Slic()(np.full((300, 300, 3), 7, dtype=np.uint8))
    assert 50 <= labels.max() + 1 <= 70
    assert np.ptp(np.bincount(labels.ravel())) < 1500


def test_numbers_of_superpixels_have_no_gaps():
    """Finer borders may take a superpixel's last pixel."""
    picture = np.zeros((301, 299, 3), dtype=np.uint8)
    picture[:, 150:] = 200
    labels = Slic(most_pixels=1)(picture)
    assert np.unique(labels).tolist() == list(range(int(labels.max()) + 1))
