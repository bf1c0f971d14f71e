"""Volumes and videos: what their axes mean, which supervoxels matter, and the slices that show it."""

import io
import json
import pickle
import re

import numpy as np
import pytest
import torch
from helpers.samples import volume
from onnx import TensorProto, helper, numpy_helper

from limelight import Explanation, Explanations, ImageExplainer, OnnxModel, TorchModel
from limelight.exceptions import ArgumentError, InstanceError
from limelight.extend import ImageView, VolumeView
from limelight.results.view_registry import view_from_dict
from limelight.segmentation import Grid, Pixels, Refined, Slic, Watershed

SHAPE = (12, 24, 36)
CUBE = np.s_[4:8, 6:12, 12:24]
CUBES = np.arange(3 * 4 * 3).reshape(3, 4, 3).repeat(4, axis=0).repeat(6, axis=1).repeat(12, axis=2) * 10 - 7
CUBE_NAME = f"supervoxel {CUBES[4, 6, 12]}"
RNG = np.random.default_rng(5)
VOLUME = RNG.random(SHAPE).astype(np.float32)

# For each layout: the axis of channels, and what puts the axes of (depth, height, width, channels) into it.
LAYOUTS = {
    "volume": (None, lambda values: values[..., 0]),
    "one channel first": (0, lambda values: np.moveaxis(values[..., :1], -1, 0)),
    "colours last": (-1, lambda values: values),
    "colours first": (-4, lambda values: np.moveaxis(values, -1, 0)),
    "frames of colours first": (1, lambda values: np.moveaxis(values, -1, 1)),
    "bytes": (3, lambda values: (255 * values).astype(np.uint8)),
    "tensor": (None, lambda values: torch.tensor(values[..., 0])),
    "half precision": (-1, lambda values: torch.tensor(values).half()),
}


def model_of(instance, axis, seen=None):
    """The mean of the cube, whatever the layout; it fails unless it gets batches like the instance."""

    def predict(batch):
        assert type(batch) is type(instance)
        assert batch.dtype == instance.dtype
        assert batch.shape[1:] == instance.shape
        if seen is not None:
            seen.append(batch)
        values = batch.double().numpy() if isinstance(batch, torch.Tensor) else batch.astype(np.float64)
        values = values[..., None] if axis is None else np.moveaxis(values, axis % 4 + 1, -1)
        return values[(slice(None), *CUBE)].mean(axis=(1, 2, 3, 4))

    return predict


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("segmentation", [CUBES, lambda _: CUBES], ids=["label map", "callable"])
def test_kind_f_the_cube_that_matters_is_found_in_every_layout(layout, segmentation):
    axis, arrange = LAYOUTS[layout]
    instance = arrange(np.repeat(VOLUME[..., None], 3, axis=-1))
    seen = []
    explainer = ImageExplainer(segmentation, fill=0, channel_axis=axis, spatial_dims=3, alpha=0)
    explanation = explainer.explain_instance(instance, model_of(instance, axis, seen), num_features=len(np.unique(CUBES)))
    assert (explanation.names[0], len(explanation.names)) == ("supervoxel -7", 36)
    weights = dict(explanation.as_list())
    (first, weight), *_ = explanation.as_list()
    assert first == CUBE_NAME
    assert weight == pytest.approx(float(explanation.predictions[0]), rel=1e-6)
    surrogate = explanation.surrogate()
    scale = abs(weight)
    for name, low, high in zip(weights, surrogate.lows, surrogate.highs, strict=True):
        truth = weight if name == first else 0
        assert low - 1e-9 * scale <= truth <= high + 1e-9 * scale
    assert torch.equal(seen[0][0], instance) if isinstance(instance, torch.Tensor) else np.array_equal(seen[0][0], instance)


def test_what_is_absent_shows_the_mean_of_its_cube():
    parts = ImageExplainer(CUBES, spatial_dims=3).components(VOLUME)
    masks = RNG.integers(0, 2, (9, 36), dtype=np.uint8)
    means = np.array([VOLUME[number == CUBES].mean(dtype=np.float64) for number in np.unique(CUBES)])
    order = np.searchsorted(np.unique(CUBES), CUBES)
    expected = np.where(masks[:, order] == 1, VOLUME, means.astype(np.float32)[order])
    assert np.allclose(parts.realise(masks), expected, atol=1e-6)


@pytest.mark.parametrize("fill", ["blur", "noise", 0.25])
def test_fillings_of_volumes(fill):
    parts = ImageExplainer(CUBES, fill, spatial_dims=3).components(VOLUME)
    filling = parts.realise(np.zeros((1, 36), dtype=np.uint8))[0]
    assert VOLUME.min() <= filling.min() <= filling.max() <= VOLUME.max()
    assert filling.std() < (1.2 if fill == "noise" else 0.5) * VOLUME.std()


class TestMeaningOfAxes:
    """What an array means is certain, or asked; the error says what to write."""

    @pytest.mark.parametrize(
        "shape", [(12, 24, 36), (1, 12, 24, 36), (12, 24, 36, 3), (12, 3, 24, 36), (12, 24, 36, 5), (4, 12, 24, 3)]
    )
    def test_kind_f_ambiguous_arrays_are_refused_with_the_remedy(self, shape):
        array = RNG.random(shape)

        def model(batch):
            return batch.reshape(len(batch), -1).mean(axis=1)

        with pytest.raises(InstanceError, match=re.escape(str(shape))) as caught:
            ImageExplainer("grid").explain_instance(array, model)
        assert "ImageExplainer(spatial_dims=3)" in str(caught.value)
        explainer = ImageExplainer("grid", spatial_dims=3)
        if 5 in shape:
            with pytest.raises(InstanceError, match=r"the volume of shape .* holds the channels\? Give channel_axis=0 or -1"):
                explainer.explain_instance(array, model)
            explainer = ImageExplainer("grid", channel_axis=-1, spatial_dims=3)
        explanation = explainer.explain_instance(array, model, num_samples=50)
        assert isinstance(explanation.view, VolumeView)
        assert [notice.code for notice in explanation.warnings if "layout" in notice.code] == ["ambiguous_layout"] * (
            4 in shape
        )

    @pytest.mark.parametrize("axis", [None, 0, -1])
    def test_several_images_are_no_video(self, axis):
        with pytest.raises(
            InstanceError, match=r"got \(5, 20, 30, 3\)\. Explain one image at a time: give image\[0\]\. If it is"
        ):
            ImageExplainer("grid", channel_axis=axis).components(RNG.random((5, 20, 30, 3)))

    @pytest.mark.parametrize("shape", [(20, 30, 3), (3, 20, 30), (20, 30, 1), (20, 30)])
    def test_images_stay_images(self, shape):
        for explainer in (ImageExplainer("grid"), ImageExplainer("grid", channel_axis=None)):
            assert isinstance(explainer.components(RNG.random(shape)).view, ImageView)

    @pytest.mark.parametrize("shape", [(16, 20, 3), (3, 16, 20), (1, 16, 20)])
    def test_a_thin_volume_is_one_because_it_was_said(self, shape):
        parts = ImageExplainer("grid", spatial_dims=3).components(RNG.random(shape))
        assert isinstance(parts.view, VolumeView)
        assert parts.labels.shape == shape
        assert parts.notes == ()

    @pytest.mark.parametrize(("kind", "channels"), [(np.array, "last"), (torch.tensor, "first")])
    def test_channels_that_could_be_first_or_last(self, kind, channels):
        parts = ImageExplainer("grid", spatial_dims=3).components(kind(RNG.random((3, 8, 9, 4))))
        (notice,) = (notice for notice in parts.notes if notice.level != "information")
        assert (notice.code, parts.labels.shape) == ("ambiguous_layout", (3, 8, 9, 1) if channels == "last" else (1, 8, 9, 4))
        other = 0 if channels == "last" else -1
        assert notice.message.endswith(f"was read with the channels {channels}; if they are not, give channel_axis={other}.")

    @pytest.mark.parametrize(
        ("shape", "axis", "error", "message"),
        [
            ((20, 30), None, InstanceError, r"a volume or a video has three axes.* got \(20, 30\)\. Leave spatial_dims out"),
            ((2, 4, 5, 6, 7), -1, InstanceError, r"got \(2, 4, 5, 6, 7\)\. Explain one volume at a time: give volume\[0\]"),
            ((20, 30, 40), -1, ArgumentError, r"the volume has shape \(20, 30, 40\), without channels"),
        ],
    )
    def test_axes_that_are_not_there(self, shape, axis, error, message):
        with pytest.raises(error, match=message):
            ImageExplainer("grid", channel_axis=axis, spatial_dims=3).components(RNG.random(shape))

    @pytest.mark.parametrize("axis", [4, -5, 0.5, True, "last"])
    def test_channel_axis_that_is_none(self, axis):
        with pytest.raises(ArgumentError, match=r"channel_axis must be 0 \(first\) or -1 \(last\); got "):
            ImageExplainer(channel_axis=axis, spatial_dims=3)

    @pytest.mark.parametrize("count", [1, 4, "3", None, True])
    def test_number_of_places_axes(self, count):
        with pytest.raises(ArgumentError, match="spatial_dims must be 2 for images or 3 for volumes and videos; got "):
            ImageExplainer(spatial_dims=count)

    def test_label_map_of_another_shape(self):
        with pytest.raises(InstanceError, match=r"the label map has shape \(24, 36\); the volume is 12 x 24 x 36"):
            ImageExplainer(CUBES[0], spatial_dims=3).components(VOLUME)


class TestSegmentations:
    def test_slic_finds_the_ball(self):
        places = np.mgrid[:20, :40, :40]
        ball = ((places - np.array([10, 20, 20]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0) < 49
        instance = (0.2 + 0.6 * ball).astype(np.float32)
        parts = ImageExplainer(spatial_dims=3).components(instance)
        assert parts.labels.shape == instance.shape
        inside = np.bincount(parts.labels[ball], minlength=len(parts.names)) / np.bincount(parts.labels.ravel())
        assert 1 <= np.sum(inside > 0.9) < 20
        assert np.mean(inside[parts.labels[ball]] > 0.9) > 0.8

    def test_large_volumes_are_segmented_at_a_lower_resolution(self):
        labels = Slic(30)(np.broadcast_to(np.arange(90, dtype=np.uint8)[:, None, None, None], (90, 91, 70, 3)))
        assert labels.shape == (90, 91, 70)
        assert 10 <= len(np.unique(labels)) <= 60

    @pytest.mark.parametrize(
        ("shape", "count", "sides"),
        [((8, 8, 8), 8, (4, 4, 4)), ((2, 40, 40), 16, (2, 10, 10)), ((32, 64, 64), 16, (16, 22, 22))],
    )
    def test_grid_of_cubes(self, shape, count, sides):
        labels = Grid(count)(np.zeros((*shape, 1), dtype=np.uint8))
        first = np.argwhere(labels == 0)
        assert tuple(first.max(axis=0) + 1) == sides
        assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))

    def test_pixels_and_watershed(self):
        assert np.array_equal(Pixels()(np.zeros((2, 3, 4, 1))), np.arange(24).reshape(2, 3, 4))
        edges = np.zeros((8, 8, 8))
        edges[:, 4] = 1
        labels = Watershed(edges, n_segments=8)(np.zeros((8, 8, 8, 3), dtype=np.uint8))
        assert labels.shape == (8, 8, 8)
        assert len(np.unique(labels)) == 8
        assert not set(labels[:, :4].ravel()) & set(labels[:, 5:].ravel())

    @pytest.mark.parametrize("name", ["quickshift", "felzenszwalb"])
    def test_segmentations_of_flat_images_only(self, name):
        with pytest.raises(
            InstanceError, match=f"{name} takes images of two axes; this one is 12 x 24 x 36. Give 'slic', 'grid'"
        ):
            ImageExplainer(name, spatial_dims=3).components(VOLUME)

    def test_refined(self):
        explanation = ImageExplainer(CUBES, 0, spatial_dims=3).explain_instance(VOLUME, model_of(VOLUME, None))
        finer = ImageExplainer(Refined(explanation, heaviest=1, pieces=3), 0, spatial_dims=3).components(VOLUME)
        assert len(finer.names) > 36
        changed = finer.labels != explanation.view.segments
        assert changed.any()
        assert changed[CUBE].sum() == changed.sum()


class TestView:
    EXPLANATION = ImageExplainer(CUBES, 0, spatial_dims=3).explain_instance(VOLUME, model_of(VOLUME, None), num_features=3)

    def test_image_and_mask_have_the_shape_of_the_volume(self):
        weights = self.EXPLANATION.as_map()[0]
        image, mask = self.EXPLANATION.view.get_image_and_mask(weights, num_features=1)
        assert (image.shape, mask.shape) == ((*SHAPE, 3), SHAPE)
        expected = np.zeros(SHAPE, dtype=np.int8)
        expected[CUBE] = 1
        assert np.array_equal(mask, expected)
        assert np.array_equal(self.EXPLANATION.view.heat_map(weights) == weights[0][1], expected == 1)

    def test_slices_are_images_of_the_same_supervoxels(self):
        view, weights = self.EXPLANATION.view, self.EXPLANATION.as_map()[0][:1]
        assert (view.axis, view.slice_count) == (0, 12)
        whole = view.overlay(weights)
        for number in (0, 5):
            part = view.slice(number)
            assert np.array_equal(part.segments, view.segments[number])
            assert np.array_equal(part.picture, view.picture[number])
        assert np.array_equal(whole[5], view.slice(5).overlay(weights))
        assert not np.array_equal(whole[5], view.slice(5).overlay([]))
        with pytest.raises(ArgumentError, match="number must be below 12, the number of slices; got 12"):
            view.slice(12)

    @pytest.mark.parametrize(
        ("shape", "axis"), [((12, 24, 36), 0), ((64, 64, 8), 2), ((64, 8, 50), 1), ((300, 64, 64), 0), ((5, 80, 8), 1)]
    )
    def test_slices_are_no_strips(self, shape, axis):
        view = VolumeView.of(np.zeros((*shape, 3), dtype=np.uint8), np.zeros(shape, dtype=int))
        assert (view.axis, view.slice_count) == (axis, shape[axis])
        assert view.values()[0].startswith(f"slices 0-{shape[axis] - 1}, ")

    @pytest.mark.parametrize("colours", [1, 3])
    @pytest.mark.parametrize("count", [4, 70_000])
    def test_stored_and_read(self, colours, count):
        picture = RNG.integers(0, 256, (7, 100, 101, colours), dtype=np.uint8)
        segments = np.arange(7 * 100 * 101).reshape(7, 100, 101) % count
        view = VolumeView.of(np.broadcast_to(picture, (7, 100, 101, 3)), segments)
        assert np.array_equal(view.segments, segments)
        assert np.array_equal(view.picture, np.broadcast_to(picture, (7, 100, 101, 3)))
        assert view_from_dict(json.loads(json.dumps(view.to_dict()))) == view
        assert pickle.loads(pickle.dumps(view)) == view
        assert repr(view) == f"VolumeView(depth=7, height=100, width=101, components={count})"

    def test_explanations_are_stored_with_their_volumes(self, tmp_path):
        assert Explanation.from_json(self.EXPLANATION.to_json()) == self.EXPLANATION
        Explanations.of([self.EXPLANATION]).save(tmp_path / "volumes.parquet")
        assert Explanations.load(tmp_path / "volumes.parquet")[0] == self.EXPLANATION

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"depth": 4}, "a volume of 4 x 48 x 64 voxels needs 12288 bytes of pixels"),
            ({"pixels": "AAAA"}, "the volume's pixels or labels cannot be read"),
            ({"axis": 3}, "slices along axis 0, 1 or 2, and 1 or 3 colours; got 3 and 1"),
            ({"colours": 2}, "got 0 and 2"),
            ({"width": 0}, "width must be an integer of at least 1"),
        ],
    )
    def test_damaged_views(self, change, message):
        with pytest.raises(ArgumentError, match=message):
            view_from_dict(volume().view.to_dict() | change)


TWO = {1: tuple(1.0 if i == 2 else 0.5 if i == 9 else 0.0 for i in range(12))}


class TestPictures:
    """Slices that show what is reported, in pages, pictures and plots."""

    def test_kind_f_the_page_shows_the_slices_of_what_weighs(self):
        # Supervoxel 2 lies in slices 0 to 4, supervoxel 9 in slices 5 to 9.
        page = volume(TWO).as_html()
        first = page[page.index('<div class="slices">') : page.index("<details>")]
        assert re.findall(r"<figcaption>(.*?)</figcaption>", first) == ["slice 2", "slice 7"]
        assert re.findall(r'data-c="(\d+)"', first) == ["2", "2", "9", "9"]
        everything = page[page.index("<summary>All slices") : page.index("</details>")]
        assert re.findall(r"<figcaption>slice (\d+)</figcaption>", everything) == [str(i) for i in range(10)]
        assert page.count("data:image/") == 1 + page.count("img-src data:image/")

    def test_long_volumes_have_some_of_their_slices(self):
        page = volume(TWO, depth=400).as_html()
        assert 48 <= len(re.findall(r"<figcaption>", page[page.index("<summary>All slices") :])) <= 50
        assert len(page) < 2_000_000
        assert "400 slices, numbered from 0, along axis 0 of 400 x 48 x 64 voxels; " in page

    def test_weights_of_one_slice_keep_the_scale_of_all(self):
        from limelight.renderers._slices import draw_slices
        from limelight.renderers._summary import summarise

        light = {1: tuple(1.0 if i == 2 else 0.1 if i == 9 else 0.0 for i in range(12))}
        (label,) = summarise(volume(light)).labels
        tinted = np.asarray(draw_slices(volume().view, [7], label)).astype(int)
        colourful = np.abs(tinted[..., 2] - tinted[..., 0])
        assert 0 < np.median(colourful[colourful > 8]) < 40

    @pytest.mark.parametrize("labels", [1, 2])
    def test_png_has_the_same_slices_for_the_volume_and_every_label(self, labels):
        from PIL import Image

        weights = dict.fromkeys(range(labels), TWO[1])
        picture = Image.open(io.BytesIO(volume(weights).render("png")))
        assert picture.width > (labels + 1) * 2 * 250
        assert 200 < picture.height < 400

    def test_plot(self):
        matplotlib = pytest.importorskip("matplotlib.figure")
        ax = volume(TWO).plot(ax=matplotlib.Figure().subplots())
        (shown,) = ax.get_images()
        assert shown.get_array().shape[1] > 2 * 250

    def test_slider_steps_through_the_slices(self, open_page):
        page = open_page(volume(TWO).as_html())
        state = """() => [...document.querySelectorAll('.reel')].map((reel) => [reel.previousElementSibling.textContent,
            Math.round(9 * reel.scrollLeft / (reel.scrollWidth - reel.clientWidth)),
            reel.querySelector('.current').dataset.slice])"""
        assert page.evaluate(state)[0] == ["Slice 0", 0, "0"]
        slider = page.locator(".stepper input").first
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        page.wait_for_timeout(100)
        assert page.evaluate(state)[0] == ["Slice 3", 3, "3"]
        page.keyboard.press("End")
        page.wait_for_timeout(100)
        assert page.evaluate(state)[0] == ["Slice 9", 9, "9"]
        slider.blur()
        page.locator(".reel").first.evaluate("(reel) => { reel.scrollLeft = 0; }")
        page.wait_for_timeout(100)
        assert page.evaluate(state)[0] == ["Slice 0", 0, "0"]

    def test_without_its_script_the_slices_are_there_and_no_dead_slider(self, open_page):
        page = open_page(volume(TWO).as_html(), script=False)
        assert page.locator(".slices figure:visible").count() == 2
        assert page.locator(".stepper").count() == 0


class Density(torch.nn.Module):
    """The mean of the cube, through a 3-D convolution."""

    def __init__(self, channels):
        super().__init__()
        self.convolution = torch.nn.Conv3d(channels, 2, (2, 3, 3), stride=(2, 3, 3))
        self.last = torch.nn.Linear(2 * 6 * 8 * 12, 3)

    def forward(self, batch):
        return self.last(torch.relu(self.convolution(batch)).flatten(1)).softmax(dim=1)


def onnx_of(module, channels, batch="n"):
    nodes = [
        helper.make_node("Conv", ["volume", "w1", "b1"], ["a"], strides=[2, 3, 3]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "w2", "b2"], ["d"], transB=1),
        helper.make_node("Softmax", ["d"], ["probabilities"], axis=1),
    ]
    convolution, last = module.convolution, module.last
    weights = {"w1": convolution.weight, "b1": convolution.bias, "w2": last.weight, "b2": last.bias}
    graph = helper.make_graph(
        nodes,
        "density",
        [helper.make_tensor_value_info("volume", TensorProto.FLOAT, [batch, channels, *SHAPE])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(value.detach().numpy(), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10).SerializeToString()


class TestNetworks:
    """Models with inputs of five axes, and of four without channels."""

    @staticmethod
    def explain(instance, model, axis, shortcuts=True):
        explainer = ImageExplainer(CUBES, 0.1, channel_axis=axis, spatial_dims=3, feature_selection="none", shortcuts=shortcuts)
        explanation = explainer.explain_instance(instance, model, labels=[1], num_samples=100)
        return np.array([weight for _, weight in sorted(explanation.as_map()[1])])

    @pytest.mark.parametrize("kind", ["torch", "onnx"])
    @pytest.mark.parametrize("layout", ["one channel first", "colours last", "colours first", "volume"])
    def test_five_axes(self, kind, layout):
        axis, arrange = LAYOUTS[layout]
        instance = np.ascontiguousarray(arrange(RNG.random((*SHAPE, 3)).astype(np.float32)))
        channels = 1 if layout in ("volume", "one channel first") else 3
        torch.manual_seed(0)
        module = Density(channels).eval()

        def by_hand(batch):
            batch = batch[..., None] if axis is None else np.moveaxis(batch, axis % 4 + 1, -1)
            with torch.no_grad():
                return module(torch.from_numpy(np.ascontiguousarray(np.moveaxis(batch, -1, 1)))).numpy()

        if kind == "torch" and axis is None:
            instance, axis = instance[None], 0  # a module gets the axes that the instance has
        expected = self.explain(instance, by_hand, axis)
        model = TorchModel(module) if kind == "torch" else OnnxModel(onnx_of(module, channels))
        for shortcuts in (True, False):
            assert np.abs(self.explain(instance, model, axis, shortcuts) - expected).max() <= 1e-5 * np.abs(expected).max()

    def test_four_axes_without_channels(self):
        class Plain(torch.nn.Module):
            def forward(self, batch):
                cube = batch[(slice(None), *CUBE)].mean(dim=(1, 2, 3))
                return torch.stack([1 - cube, cube], dim=1)

        def by_hand(batch):
            cube = batch[(slice(None), *CUBE)].mean(axis=(1, 2, 3))
            return np.stack([1 - cube, cube], axis=1)

        expected = self.explain(VOLUME, by_hand, None)
        for shortcuts in (True, False):
            found = self.explain(VOLUME, Plain().eval(), None, shortcuts)
            assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
