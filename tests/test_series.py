"""Time series: segments, fillings, planted windows, and what the model gets."""

import gzip
import pickle
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limelight import Explanation, TimeSeriesExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.segmentation import ChangePoints, Uniform

STEPS = np.linspace(0, 6, 60)
PAIR = np.stack([np.sin(STEPS), 2 + np.cos(3 * STEPS)])


def level(batch):
    return np.asarray(batch, dtype=np.float64).reshape(len(batch), -1).mean(axis=1)


def read_ts(file):
    """The series, (channels, length), of a file in sktime's format, and their classes."""
    with gzip.open(file, "rt") as text:
        lines = text.read().splitlines()
    rows = [line.split(":") for line in lines[lines.index("@data") + 1 :] if line]
    series = [[[float(step) for step in channel.split(",")] for channel in row[:-1]] for row in rows]
    return np.array(series), [row[-1] for row in rows]


@pytest.mark.parametrize(
    "series",
    [
        PAIR[0],
        PAIR,
        PAIR.astype(np.float32),
        (PAIR * 100).astype(np.int16),
        torch.tensor(PAIR, dtype=torch.bfloat16),
        torch.tensor(PAIR[1], dtype=torch.float16),
    ],
    ids=["one channel", "two", "single precision", "integers", "bfloat16", "half"],
)
@pytest.mark.parametrize("fill", ["mean", "noise", "linear", 1])
def test_model_gets_what_it_was_given(series, fill):
    def model(batch):
        assert type(batch) is type(series)
        assert batch.dtype == series.dtype
        assert batch.shape[1:] == series.shape
        return level(batch.float() if isinstance(batch, torch.Tensor) else batch)

    explanation = TimeSeriesExplainer(fill=fill).explain_instance(series, model)
    assert Explanation.from_json(explanation.to_json()) == explanation


def test_channels_last_give_the_same_explanation():
    def model(batch):
        return batch[:, 0, 10:20].sum(axis=1) + batch[:, 1, :5].sum(axis=1)

    first = TimeSeriesExplainer(Uniform(9)).explain_instance(PAIR, model)
    last = TimeSeriesExplainer(Uniform(9), channel_axis=-1).explain_instance(
        PAIR.T, lambda batch: model(batch.transpose(0, 2, 1))
    )
    assert last.view == first.view
    assert dict(last.as_list()) == pytest.approx(dict(first.as_list()), abs=1e-9)


def test_series_of_different_lengths_with_one_explainer():
    explainer = TimeSeriesExplainer(Uniform(5))
    for length in (5, 17, 400):
        explanation = explainer.explain_instance(np.arange(length, dtype=float), lambda batch: batch[:, -1])
        assert len(explanation.names) == 5
        assert explanation.as_list()[0][0].endswith(f"{length - 1}")


class TestSegments:
    @given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
    def test_uniform_segments_differ_by_one_step_at_most(self, count, more, channels):
        labels = Uniform(count)(np.zeros((channels, count + more)))
        sizes = np.bincount(labels[0])
        assert len(sizes) == count
        assert sizes.max() - sizes.min() <= 1
        assert np.all(np.diff(labels[0]) >= 0)

    def test_change_points_are_found(self):
        series = np.repeat([1.0, 5.0, 2.0], [13, 4, 23]) + np.random.default_rng(0).normal(0, 0.1, 40)
        assert ChangePoints(3)(series[None])[0].tolist() == [0] * 13 + [1] * 4 + [2] * 23

    def test_change_points_do_not_depend_on_the_channels_units(self):
        steep = np.repeat([0.0, 1.0], [10, 30]) + np.random.default_rng(0).normal(0, 0.01, 40)
        noise = np.random.default_rng(1).normal(0, 1, 40)
        assert np.array_equal(ChangePoints(6)(np.stack([steep, noise])), ChangePoints(6)(np.stack([steep, 1000 * noise])))

    @pytest.mark.parametrize("segmentation", [Uniform, ChangePoints])
    def test_segments_per_channel(self, segmentation):
        explainer = TimeSeriesExplainer(segmentation(4, per_channel=True), channel_names=["speed", "heat"])
        explanation = explainer.explain_instance(PAIR, lambda batch: batch[:, 1, :15].mean(axis=1), num_features=1)
        assert len(explanation.names) == 8
        assert explanation.as_list()[0][0].startswith("heat: steps 0-")

    def test_settings_show_on_one_line_and_are_pickled(self):
        for segmentation, text in (
            (Uniform(), "Uniform()"),
            (Uniform(5, per_channel=True), "Uniform(n_segments=5, per_channel=True)"),
            (ChangePoints(7), "ChangePoints(n_segments=7)"),
        ):
            assert repr(pickle.loads(pickle.dumps(segmentation))) == repr(segmentation) == text

    def test_label_map_with_gaps_and_runs_apart(self):
        explainer = TimeSeriesExplainer(np.repeat([7, -2, 7], 20), fill=0, alpha=0)
        explanation = explainer.explain_instance(np.ones(60), lambda batch: batch.sum(axis=1))
        assert explanation.as_list() == [("segment 7", pytest.approx(40)), ("steps 20-39", pytest.approx(20))]

    def test_users_callable(self):
        explainer = TimeSeriesExplainer(lambda series: (series[0] > 0).astype(int))
        explanation = explainer.explain_instance(PAIR, level)
        assert len(explanation.names) == 2

    @pytest.mark.parametrize("length", [1, 2, 3])
    def test_shortest_series(self, length):
        for segmentation in ("uniform", "change_points"):
            explanation = TimeSeriesExplainer(segmentation, fill=0).explain_instance(np.ones(length), level)
            assert len(explanation.names) == length
            assert explanation.as_html()


class TestFillings:
    def test_linear_bridges(self):
        parts = TimeSeriesExplainer(Uniform(3), "linear").components(np.array([0.0, 1, 2, 9, 9, 9, 6, 7, 8]))
        assert parts.filling.tolist() == [9, 9, 9, 3, 4, 5, 9, 9, 9]

    def test_mean_is_each_channels_own(self):
        parts = TimeSeriesExplainer().components(PAIR)
        assert np.allclose(parts.filling, PAIR.mean(axis=1, keepdims=True) * np.ones(60))

    def test_background_of_ragged_series(self):
        parts = TimeSeriesExplainer(Uniform(2), background=[[1, 2, 3, 4], [3, 4], [8, 9, 9, 9, 9]]).components(np.zeros(4))
        assert parts.filling.tolist() == [4, 5, 6, 6.5]

    def test_a_number_for_each_channel(self):
        parts = TimeSeriesExplainer(fill=[1, 2]).components(PAIR)
        assert np.array_equal(parts.filling, np.array([[1.0], [2.0]]) * np.ones(60))


class TestPlantedWindows:
    """A model that reads one window is explained by that window."""

    @pytest.mark.parametrize("name", ["GunPoint", "ItalyPowerDemand"])
    @pytest.mark.parametrize("segmentation", ["uniform", "change_points"])
    @pytest.mark.parametrize("fill", ["mean", "linear", "noise"])
    def test_on_real_series(self, data_folder, name, segmentation, fill):
        series, _ = read_ts(data_folder / "timeseries" / f"{name}_TEST.ts.gz")
        overlaps = []
        for number, (instance,) in enumerate(series[:10]):
            explainer = TimeSeriesExplainer(segmentation, fill)
            segments = explainer.components(instance).view.segments
            first = 1 + number % (len(segments) - 4)
            window = slice(segments[first].start, segments[first + 2].stop)

            def model(batch, window=window, instance=instance):
                return -np.abs(batch[:, window] - instance[window]).mean(axis=1)

            explanation = explainer.explain_instance(instance, model, num_features=3)
            reported = np.zeros(len(instance), dtype=bool)
            for component, _ in explanation.as_map()[0]:
                reported[segments[component].start : segments[component].stop] = True
            truth = np.zeros(len(instance), dtype=bool)
            truth[window] = True
            overlaps.append((reported & truth).sum() / (reported | truth).sum())
        assert np.mean(overlaps) >= 0.6
        assert np.mean(np.array(overlaps) == 1) >= 0.5

    @pytest.mark.parametrize(("name", "accuracy"), [("GunPoint", 0.913), ("ItalyPowerDemand", 0.955)])
    def test_files_are_read_right(self, data_folder, name, accuracy):
        train, classes = read_ts(data_folder / "timeseries" / f"{name}_TRAIN.ts.gz")
        test, truth = read_ts(data_folder / "timeseries" / f"{name}_TEST.ts.gz")
        distances = np.square(test[:, None] - train[None]).sum(axis=(2, 3))
        right = [classes[nearest] == true for nearest, true in zip(distances.argmin(axis=1), truth, strict=True)]
        assert np.mean(right) == pytest.approx(accuracy, abs=5e-4)

    def test_one_channel_of_six(self, data_folder):
        series, _ = read_ts(data_folder / "timeseries" / "BasicMotions_TEST.ts.gz")
        explainer = TimeSeriesExplainer(Uniform(10, per_channel=True))
        explanation = explainer.explain_instance(
            series[0], lambda batch: np.abs(batch[:, 4, 30:50]).mean(axis=1), num_features=2
        )
        assert {name for name, _ in explanation.as_list()} == {"channel 4: steps 30-39", "channel 4: steps 40-49"}


class TestBadInput:
    @pytest.mark.parametrize(
        ("series", "error", "message"),
        [
            ([[1.0, 2.0], [1.0]], InstanceError, "the channels of a series must be equally long; these have 2, 1 steps"),
            (np.array([[1, 2], [1]], dtype=object), InstanceError, "these have 2, 1 steps"),
            ([1.0, np.inf], InstanceError, "the series has 1 numbers that are infinite"),
            (np.zeros((2, 3, 4)), InstanceError, r"got \(2, 3, 4\). Explain one series at a time: give series\[0\]"),
            ([], InstanceError, r"the series is empty: its shape is \(0,\)"),
            (["a", "b"], ArgumentTypeError, "a series must hold integers or floats"),
        ],
    )
    def test_bad_series(self, series, error, message):
        with pytest.raises(error, match=message):
            TimeSeriesExplainer().explain_instance(series, level)

    @pytest.mark.parametrize("segmentation", [Uniform(30), ChangePoints(30)])
    def test_series_shorter_than_the_segments(self, segmentation):
        with pytest.raises(InstanceError, match="a series of 20 steps cannot be cut into 30 segments; give fewer n_segments"):
            TimeSeriesExplainer(segmentation).explain_instance(np.zeros(20), level)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (
                {"segmentation": "windows"},
                ArgumentError,
                "segmentation must be one of 'uniform', 'change_points'; got 'windows'",
            ),
            ({"segmentation": Uniform}, ArgumentTypeError, r"segmentation must be an object, not a class; give Uniform\(...\)"),
            ({"segmentation": np.zeros(60)}, ArgumentTypeError, "or a label map of integers; got ndarray"),
            (
                {"segmentation": np.zeros(9, int)},
                InstanceError,
                r"the label map has shape \(9,\); the series has shape \(2, 60\)",
            ),
            ({"segmentation": lambda _: 1 / 0}, InstanceError, "the segmentation raised ZeroDivisionError"),
            (
                {"segmentation": lambda s: s},
                ArgumentTypeError,
                "must return a label map of integers; it returned dtype float64",
            ),
            ({"fill": "zero"}, ArgumentError, "fill must be one of 'mean', 'noise', 'linear'; got 'zero'"),
            ({"fill": [1, 2, 3]}, ArgumentError, "fill has 3 numbers; the series has 2 channels"),
            ({"background": []}, ArgumentError, "background must hold at least one series; got none"),
            ({"background": [np.zeros((2, 9))]}, ArgumentError, "background must have a series of at least 60 steps"),
            (
                {"background": [np.zeros(60)]},
                ArgumentError,
                r"series 0 of background must have 2 .* got shape \(60,\)",
            ),
            ({"background": 5}, ArgumentTypeError, "background must be a collection of series; got 5"),
            ({"background": [["a"] * 60]}, ArgumentTypeError, "series 0 of background must hold numbers"),
            ({"background": [np.nan * PAIR]}, ArgumentError, "series 0 of background must be finite numbers"),
            ({"background": [PAIR], "fill": "noise"}, ArgumentError, "give either fill or background; got both"),
            ({"channel_axis": 2}, ArgumentError, r"channel_axis must be 0 \(first\) or -1 \(last\); got 2"),
            ({"channel_names": ["a"]}, ArgumentError, "channel_names must have a name for each of the 2 channels; got 1"),
        ],
    )
    def test_bad_arguments(self, arguments, error, message):
        with pytest.raises(error, match=message):
            TimeSeriesExplainer(**arguments).explain_instance(PAIR, level)

    @pytest.mark.parametrize("make", [lambda: Uniform(0), lambda: ChangePoints(2.5), lambda: Uniform(per_channel=1)])
    def test_bad_settings(self, make):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=r"(n_segments|per_channel) must be"):
            make()

    @pytest.mark.parametrize(("series", "fill"), [(np.zeros(60, np.int8), 300), (np.zeros(60, np.uint8), -5)])
    def test_filling_that_the_type_cannot_hold(self, series, fill):
        with pytest.raises(ArgumentError, match=r"the filling of a series of u?int8 must lie within"):
            TimeSeriesExplainer(fill=fill).explain_instance(series, level)

    def test_rounded_filling_is_noted_and_shown(self):
        parts = TimeSeriesExplainer(fill=0.7).components(np.array([0, 1, 0, 1]))
        assert [note.code for note in parts.notes] == ["rounded_filling", "unchanged_parts"]
        assert parts.view.filling == ((1.0,) * 4,)
        assert TimeSeriesExplainer(fill=0.7).components(np.array([0.0, 1, 0, 1])).notes == ()

    def test_noise_stays_within_the_series(self):
        parts = TimeSeriesExplainer(fill="noise").components(np.array([0, 3] * 30, dtype=np.uint8))
        assert parts.filling.max() <= 3

    def test_more_channels_than_steps_are_noted(self):
        (notice,) = TimeSeriesExplainer().components(PAIR.T).notes
        assert (notice.code, notice.level) == ("ambiguous_layout", "caution")
        assert "60 channels of 2 steps; if it is not, give channel_axis=-1" in notice.message

    @pytest.mark.parametrize(
        "change",
        [
            {"channels": []},
            {"channels": [["a"]]},
            {"segments": [[[5], 0, 4, 0]]},
            {"segments": [[[0], 4, 4, 0]]},
            {"segments": [[[0], 0, 999, 0]]},
            {"filling": [[1.0]]},
            {"channel_names": []},
        ],
        ids=str,
    )
    def test_broken_json_is_refused(self, change):
        whole = TimeSeriesExplainer().explain_instance(PAIR, level).to_dict()
        with pytest.raises(ArgumentError):
            Explanation.from_dict({**whole, "view": {**whole["view"], **change}})

    def test_constant_series_and_one_segment_are_noted(self):
        constant = TimeSeriesExplainer().explain_instance(np.ones(30), level)
        assert [notice.code for notice in constant.notices] == ["nothing_changes", "constant_output"]
        single = TimeSeriesExplainer(Uniform(1), fill=0, alpha=0).explain_instance(np.ones(30), level)
        assert single.as_list() == [("steps 0-29", pytest.approx(1))]
        assert single.notices[0].code == "one_component"


def test_same_bits_pickled_and_in_any_batches():
    explainer = TimeSeriesExplainer("change_points", "noise")

    def model(batch):
        return np.sin(batch[:, 0, ::3].sum(axis=1)) + batch[:, 1].max(axis=1)

    first = explainer.explain_instance(PAIR, model)
    assert pickle.loads(pickle.dumps(explainer)).explain_instance(PAIR, model, batch_size=11) == first


class TestDrawing:
    def explained(self, length=60, channels=("<b>speed</b>", "heat")):
        series = np.random.default_rng(0).normal(size=(2, length))
        explainer = TimeSeriesExplainer(Uniform(6, per_channel=True), fill=0, channel_names=channels)
        return explainer.explain_instance(series, lambda batch: np.c_[batch[:, 0].sum(1), -batch[:, 1].sum(1)])

    def test_svg_file_is_sound_and_holds_everything(self, tmp_path):
        from xml.etree import ElementTree

        explanation = self.explained()
        explanation.save_to_file(tmp_path / "series.svg")
        text = (tmp_path / "series.svg").read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        space = "{http://www.w3.org/2000/svg}"
        assert len(root.findall(f".//{space}polyline")) == 2 * 2 * 2
        titles = [title.text for title in root.iter(f"{space}title")]
        assert any(title.startswith("<b>speed</b>: steps 0-9: ") for title in titles)
        assert "<b>" not in text
        assert "script" not in text

    def test_page_holds_the_drawing(self):
        page = self.explained().as_html()
        assert page.count('<svg class="series"') == 2
        assert "&lt;b&gt;speed&lt;/b&gt;" in page
        assert "<b>speed" not in page

    def test_long_series_is_thinned_to_its_extremes(self):
        explanation = self.explained(length=50_000)
        page = explanation.as_html()
        assert len(page) < 200_000
        points = re.search(r'class="line" points="([^"]*)"', page).group(1).split()
        heights = [float(point.split(",")[1]) for point in points]
        assert len(points) == 1200
        assert max(heights) - min(heights) > 60  # the highest and the lowest step are among them

    @pytest.mark.parametrize("values", [[0.0, 0.0], [1.7e308, -1.7e308], [5e-324, 0.0]])
    def test_extreme_values_give_finite_points(self, values):
        explanation = TimeSeriesExplainer(fill=0).explain_instance(np.array(values), lambda batch: batch[:, 0] > 0)
        page = explanation.as_html()
        points = re.findall(r'points="([^"]*)"', page)
        assert np.isfinite([float(number) for point in points for pair in point.split() for number in pair.split(",")]).all()

    def test_png_of_a_series_is_drawn(self, tmp_path):
        explanation = self.explained()
        pictures = {}
        for labels in ([0], [0, 1]):
            explanation.save_to_file(tmp_path / "series.png", labels=labels)
            with Image.open(tmp_path / "series.png") as picture:
                assert picture.format == "PNG"
                pictures[len(labels)] = np.asarray(picture.convert("RGB")).astype(int)
        assert pictures[2].shape[0] > 1.5 * pictures[1].shape[0]  # a label below the other
        red, _, blue = np.moveaxis(pictures[2], -1, 0)
        assert (blue > red + 80).any()  # segments for a label
        assert (red > blue + 80).any()  # and against it
