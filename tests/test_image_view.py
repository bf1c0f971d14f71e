"""What can be seen in an image under given weights, and its pictures as PNG and on the page."""

import base64
import io
import pickle
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from limelight import ImageExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, MissingDependencyError
from limelight.renderers._overlay import _trace_outline
from limelight.results.image_view import ImageView
from limelight.results.view_registry import view_from_dict
from limelight.segmentation import Grid

SEGMENTS = np.kron([[0, 1], [2, 3]], np.ones((4, 4), dtype=int))
PICTURE = np.random.default_rng(0).integers(1, 200, (8, 8, 3), dtype=np.uint8)
VIEW = ImageView.of(PICTURE, SEGMENTS)
WEIGHTS = [(0, 0.5), (3, -0.4), (1, 0.2), (2, -0.1)]


def test_picture_and_segments_come_back():
    assert np.array_equal(VIEW.picture, PICTURE)
    assert np.array_equal(VIEW.segments, SEGMENTS)
    assert view_from_dict(VIEW.to_dict()) == VIEW


def test_values_say_where_each_lies():
    assert VIEW.values() == {
        0: "rows 0-3, columns 0-3",
        1: "rows 0-3, columns 4-7",
        2: "rows 4-7, columns 0-3",
        3: "rows 4-7, columns 4-7",
    }


def test_heat_map_is_signed():
    heat = VIEW.heat_map(WEIGHTS)
    assert heat[0, 0] == 0.5
    assert heat[7, 7] == -0.4
    assert np.all(VIEW.heat_map([])[...] == 0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (3, "weights must be pairs of a number and a weight"),
        ([("superpixel 1", 0.5)], "weights must be pairs of a number and a weight"),
        ([(4, 0.5)], "weights must be finite, of superpixels 0 to 3; got 0.5 for 4"),
        ([(-1, 0.5)], "weights must be finite, of superpixels 0 to 3; got 0.5 for -1"),
        ([(0, np.nan)], "weights must be finite"),
    ],
)
def test_bad_weights(weights, message):
    for look in (VIEW.heat_map, VIEW.overlay):
        with pytest.raises(ArgumentError, match=message):
            look(weights)


def test_pickled_without_its_arrays():
    VIEW.heat_map(WEIGHTS)
    again = pickle.loads(pickle.dumps(VIEW))
    assert again == VIEW
    assert len(pickle.dumps(VIEW)) < 2 * (len(VIEW.pixels) + len(VIEW.labels))
    assert not again.picture.flags.writeable


class TestImageAndMask:
    """As lime's ImageExplanation gives them, in lime's own loop."""

    @staticmethod
    def lime(weights, positive_only, negative_only, hide_rest, num_features, min_weight):
        from lime.lime_image import ImageExplanation

        explanation = ImageExplanation(PICTURE, SEGMENTS)
        explanation.local_exp = {0: weights}
        return explanation.get_image_and_mask(0, positive_only, negative_only, hide_rest, num_features, min_weight)

    @given(
        st.lists(st.floats(-1, 1), min_size=4, max_size=4),
        st.sampled_from([(True, False), (False, True), (False, False)]),
        st.booleans(),
        st.integers(1, 5),
        st.sampled_from([0.0, 0.1, 0.5]),
    )
    def test_against_lime(self, numbers, kinds, hide_rest, num_features, min_weight):
        weights = sorted(enumerate(numbers), key=lambda pair: -abs(pair[1]))
        if kinds == (False, False):
            # lime counts superpixels that are too light among the first ones, and zeros among those for it.
            weights = [(number, weight) for number, weight in weights if abs(weight) > min_weight]
        image, mask = VIEW.get_image_and_mask(
            weights,
            positive_only=kinds[0],
            negative_only=kinds[1],
            hide_rest=hide_rest,
            num_features=num_features,
            min_weight=min_weight,
        )
        expected_image, expected_mask = self.lime(weights, *kinds, hide_rest, num_features, min_weight)
        assert np.array_equal(mask, expected_mask)
        if kinds == (False, False):  # lime paints with the image's own maximum
            expected_image = np.where((mask != 0)[..., None] & (expected_image == PICTURE.max()), 255, expected_image)
            image = np.where(image == PICTURE.max(), 255, image)
            expected_image = np.where(expected_image == PICTURE.max(), 255, expected_image)
        assert np.array_equal(image, expected_image)

    def test_the_picture_is_not_touched(self):
        VIEW.get_image_and_mask(WEIGHTS, positive_only=False)
        assert np.array_equal(VIEW.picture, PICTURE)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"negative_only": True}, "positive_only and negative_only exclude each other"),
            ({"num_features": 0}, "num_features must be an integer of at least 1; got 0"),
            ({"min_weight": -1}, "min_weight must be a finite number of at least 0; got -1"),
        ],
    )
    def test_bad_arguments(self, arguments, message):
        with pytest.raises(ArgumentError, match=message):
            VIEW.get_image_and_mask(WEIGHTS, **arguments)


class TestOverlay:
    def test_hues_are_signed_and_as_strong_as_the_weights(self):
        overlay = VIEW.overlay(WEIGHTS, outlines=False).astype(int)
        blueness = overlay[..., 2] - overlay[..., 0]
        means = [blueness[part == SEGMENTS].mean() for part in range(4)]
        assert means[0] > means[1] > 0 > means[2] > means[3]

    def test_superpixels_without_a_weight_are_grey(self):
        overlay = VIEW.overlay([(0, 1.0)])
        rest = overlay[5:, 5:]
        assert np.all(rest == rest[..., :1])

    def test_outlines_are_drawn_around_what_has_a_weight(self):
        with_lines, without = VIEW.overlay([(0, 1.0)]), VIEW.overlay([(0, 1.0)], outlines=False)
        changed = np.any(with_lines != without, axis=2)
        assert changed[:4, 3].all()
        assert changed[3, :4].all()
        assert not changed[5:, 5:].any()

    def test_no_weights(self):
        assert VIEW.overlay([]).shape == (8, 8, 3)
        assert VIEW.overlay([(0, 0.0)]).shape == (8, 8, 3)


@pytest.fixture(scope="module", params=[(16, 24), (700, 900), (1, 40)], ids=["small", "large", "thin"])
def explanation(request):
    image = np.random.default_rng(1).integers(0, 256, (*request.param, 3), dtype=np.uint8)

    def model(images):
        bright = images[:, 0, :5].mean(axis=(1, 2)) / 255
        return np.column_stack([bright / 2, 1 - bright, bright / 2])

    explainer = ImageExplainer(Grid(9), fill=0, class_names=["<b>one</b>", "two\n" * 60, "\u4e09"])
    return explainer.explain_instance(image, model, labels=[0, 1, 2])


def test_png_shows_the_image_and_each_label(explanation, tmp_path):
    explanation.save_to_file(tmp_path / "image.PNG")
    with Image.open(tmp_path / "image.PNG") as sheet:
        assert sheet.format == "PNG"
        assert 4 * 252 <= sheet.width <= 4 * 652 + 12
    explanation.save_to_file(tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "image.PNG").read_bytes()


def test_page_holds_the_image_once_and_an_overlay_for_each_label(explanation):
    page = explanation.as_html()
    (file,) = re.findall(r"data:image/png;base64,([^)]*)", page)
    photo = Image.open(io.BytesIO(base64.b64decode(file)))
    assert max(photo.size) <= 640
    (width,) = {int(width) for width in re.findall(r"max-width:(\d+)px;aspect-ratio", page)}
    assert max(width, width * photo.height // photo.width) >= 320
    assert width % photo.width == 0
    assert page.count(f'<svg viewBox="0 0 {photo.width} {photo.height}"') == 3
    assert "img-src data:" in page
    assert "<b>one" not in page
    assert len(explanation._repr_html_()) < len(page)


@given(arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_an_outline_encloses_its_pixels_and_no_others(inside):
    path = _trace_outline(inside)
    winding = np.zeros((len(inside), inside.shape[1] + 1), dtype=int)
    for loop in re.findall(r"M(\d+) (\d+)([^M]*)z", path):
        column, row = int(loop[0]), int(loop[1])
        start = column, row
        for way, length in re.findall(r"([hv])(-?\d+)", loop[2]):
            if way == "h":
                column += int(length)
            else:
                after = row + int(length)
                winding[min(row, after) : max(row, after), column] += 1 if after > row else -1
                row = after
        assert (column, row) == start
    assert np.array_equal(np.cumsum(winding, axis=1)[:, :-1] != 0, inside)


def test_without_pillow_the_error_names_the_extra(explanation, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    for draw in (explanation.as_html, lambda: explanation.save_to_file(tmp_path / "image.png")):
        with pytest.raises(MissingDependencyError, match=r"a picture needs Pillow: pip install 'limelight\[image\]'"):
            draw()
    assert "superpixel" in repr(explanation)
    assert explanation.to_frame().shape[1] == 11


def test_many_labels_are_drawn_in_rows(tmp_path):
    def model(images):
        return np.eye(9)[:, :1].T + images.mean(axis=(1, 2, 3))[:, None] / 1e3

    explanation = ImageExplainer(SEGMENTS).explain_instance(PICTURE, model)
    assert len(explanation.labels) == 9
    explanation.save_to_file(tmp_path / "many.png")
    with Image.open(tmp_path / "many.png") as sheet:
        assert sheet.width <= 4 * 400
        assert sheet.height >= 3 * 320


@pytest.mark.parametrize("name", ["picture.jpg", "page.ps", "explanation.json"])
def test_other_endings_are_refused(name, tmp_path):
    explanation = ImageExplainer(SEGMENTS).explain_instance(PICTURE, lambda images: images.mean(axis=(1, 2, 3)))
    with pytest.raises(ArgumentError, match=r"an explanation's file ends in .html, .htm, .png, .svg, .pdf.*; got"):
        explanation.save_to_file(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_too_light_superpixels_are_neither_outlined_nor_numbered():
    one = VIEW.overlay([(0, 1.0), (3, 1e-17)])
    assert np.array_equal(one, VIEW.overlay([(0, 1.0)]))


@pytest.mark.parametrize(
    "change",
    [{"pixels": base64.b64encode(b"x").decode()}, {"height": 9}, {"labels": "!"}, {"width": None}, {"height": "a"}],
    ids=str,
)
def test_broken_json_is_refused(change):
    from limelight import Explanation

    whole = ImageExplainer(SEGMENTS).explain_instance(PICTURE, lambda images: images.mean(axis=(1, 2, 3))).to_dict()
    with pytest.raises((ArgumentError, ArgumentTypeError)):
        Explanation.from_dict({**whole, "view": {**whole["view"], **change}})
