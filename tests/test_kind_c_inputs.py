"""What an image's channels and a series' axes mean: certain from a frame or a picture, else assumed and said."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from PIL import Image

from limelight import Explanation, ImageExplainer, TextExplainer, TimeSeriesExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError
from limelight.segmentation import Grid, Uniform

RNG = np.random.default_rng(11)
BANDS = RNG.integers(60, 200, (24, 24, 4), dtype=np.uint8)
DAYS = pd.date_range("2023-03-01", periods=40)
NUMBERS = RNG.normal(size=(40, 3))
WEATHER = pd.DataFrame(NUMBERS, index=DAYS, columns=["temp", "wind", "rain"])


def codes(components):
    return [(notice.level, notice.code) for notice in components.notes]


# --- images ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda image: image, lambda image: image / 255.0, lambda image: np.moveaxis(image, 2, 0)])
def test_kind_c_a_fourth_channel_is_not_taken_for_opacity(make):
    components = ImageExplainer(Grid(4)).components(make(BANDS))
    np.testing.assert_allclose(components.view.picture, BANDS[..., :3], atol=1)
    assert codes(components) == [("information", "fourth_channel_not_shown")]


def test_a_fourth_channel_of_a_tensor():
    components = ImageExplainer(Grid(4)).components(torch.tensor(np.moveaxis(BANDS, 2, 0)))
    assert np.array_equal(components.view.picture, BANDS[..., :3])


def test_a_picture_with_opacity_is_certain():
    components = ImageExplainer(Grid(4)).components(Image.fromarray(BANDS))
    opacity = BANDS[..., 3:] / 255
    np.testing.assert_allclose(components.view.picture, BANDS[..., :3] * opacity + 255 * (1 - opacity), atol=0.6)
    assert codes(components) == []


@pytest.mark.parametrize(("scale", "opaque"), [(1, 255), (1 / 255, 1.0)])
def test_what_is_opaque_is_shown_in_one_way_only(scale, opaque):
    image = BANDS * scale if scale != 1 else BANDS.copy()
    image[..., 3] = opaque
    components = ImageExplainer(Grid(4)).components(image)
    np.testing.assert_allclose(components.view.picture, BANDS[..., :3], atol=1)
    assert codes(components) == []


@pytest.mark.parametrize("channels", [2, 5, 8])
def test_the_mean_of_other_numbers_of_channels_is_said(channels):
    image = RNG.integers(0, 255, (16, 16, channels), dtype=np.uint8)
    components = ImageExplainer(Grid(4), channel_axis=-1).components(image)
    np.testing.assert_allclose(components.view.picture[..., 0], image.mean(axis=2), atol=1)
    assert codes(components) == [("information", "mean_of_channels")]
    assert f"mean of the image's {channels} channels" in components.notes[0].message


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1), (16, 16, 3)])
def test_grey_and_colour_need_no_word(shape):
    assert codes(ImageExplainer(Grid(4)).components(RNG.integers(0, 255, shape, dtype=np.uint8))) == []


def test_superpixels_follow_the_fourth_channel():
    image = np.full((40, 40, 4), 120, dtype=np.uint8)
    image[10:30, 10:30, 3] = 10
    labels = ImageExplainer().components(image).labels[..., 0]
    assert not set(labels[12:28, 12:28].ravel()) & set(labels[:8].ravel())


# --- series ------------------------------------------------------------------------------------------------------------------


def rain(batch):
    """The rain of the days 20 to 23."""
    assert batch.shape[1:] == (40, 3)
    return batch[:, 20:24, 2].mean(axis=1)


@pytest.mark.parametrize(
    "make", [lambda frame: frame, lambda frame: pl.from_pandas(frame), lambda frame: pa.table(frame.reset_index(drop=True))]
)
def test_kind_c_rows_of_a_frame_are_steps(make):
    explainer = TimeSeriesExplainer(Uniform(10, per_channel=True))
    explanation = explainer.explain_instance(make(WEATHER), rain, num_features=1)
    ((name, weight),) = explanation.as_list()
    assert name.startswith("rain: steps 20-23")
    assert explanation.view.channel_names == ("temp", "wind", "rain")
    assert explanation.warnings == ()
    last = TimeSeriesExplainer(Uniform(10, per_channel=True), channel_axis=-1)
    array = last.explain_instance(NUMBERS, rain, num_features=1)
    assert array.as_list()[0][1] == weight
    assert Explanation.from_json(explanation.to_json()) == explanation


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (DAYS, "steps 20-23 (2023-03-21 to 2023-03-24)"),
        (pd.date_range("2023-03-01", periods=40, freq="h"), "steps 20-23 (2023-03-01 20:00:00 to 2023-03-01 23:00:00)"),
        (DAYS.tz_localize("Europe/Vienna"), "steps 20-23 (2023-03-21 to 2023-03-24)"),
        (pd.period_range("2020-01", periods=40, freq="M"), "steps 20-23 (2021-09 to 2021-12)"),
        (range(1980, 2020), "steps 20-23 (2000 to 2003)"),
        (np.arange(40) / 4, "steps 20-23 (5 to 5.75)"),
        (None, "steps 20-23"),
    ],
)
def test_the_index_has_the_times(index, name):
    frame = pd.DataFrame(NUMBERS, index=index)
    components = TimeSeriesExplainer(Uniform(10)).components(frame)
    assert components.names[5] == name
    assert components.view.channel_names == ("channel 0", "channel 1", "channel 2")
    single = TimeSeriesExplainer(Uniform(10)).components(pd.Series(NUMBERS[:, 0], index=index))
    assert single.names[5] == name
    assert TimeSeriesExplainer(Uniform(40)).components(frame).names[20] == name.replace("s 20-23", " 20").split(" to ")[0] + (
        ")" if " to " in name else ""
    )


def test_rows_of_a_frame_are_channels_if_the_user_says_so():
    frame = WEATHER.T
    explanation = TimeSeriesExplainer(Uniform(10, per_channel=True), channel_axis=0).explain_instance(
        frame, lambda batch: batch[:, 2, 20:24].mean(axis=1), num_features=1
    )
    assert explanation.view.channel_names == ("temp", "wind", "rain")
    assert explanation.as_list()[0][0].startswith("rain: steps 20-23 (2023-03-21")


def test_channel_names_and_a_frames_own():
    assert TimeSeriesExplainer(channel_names=["a", "b", "c"]).components(WEATHER).view.channel_names == ("a", "b", "c")
    with pytest.raises(ArgumentError, match="in the order of the frame's, 'temp', 'wind', 'rain'; got 'wind', 'temp', 'rain'"):
        TimeSeriesExplainer(channel_names=["wind", "temp", "rain"]).components(WEATHER)


def test_frames_as_background():
    others = [WEATHER[["rain", "temp", "wind"]] + 1, pl.from_pandas(WEATHER) * 3]
    components = TimeSeriesExplainer(background=others).components(WEATHER)
    np.testing.assert_allclose(components.filling, (NUMBERS + 1 + 3 * NUMBERS) / 2)
    with pytest.raises(ArgumentError, match=r"series 0 of background must have the channels of .* got 'hail', 'temp', 'wind'"):
        TimeSeriesExplainer(background=[others[0].rename(columns={"rain": "hail"})]).components(WEATHER)
    with pytest.raises(ArgumentTypeError, match="background must be a collection of series"):
        TimeSeriesExplainer(background=WEATHER)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_columns_of_other_kinds_are_refused(make):
    frame = make({"day": list(DAYS), "temp": list(NUMBERS[:, 0])})
    with pytest.raises(InstanceError, match=r"its column 'day' holds Datetime.* Leave it out, or make it the index"):
        TimeSeriesExplainer().components(frame)


def test_columns_of_several_number_types():
    frame = pd.DataFrame({"on": NUMBERS[:, 0] > 0, "count": np.arange(40), "level": NUMBERS[:, 1]})
    components = TimeSeriesExplainer().components(frame)
    assert components.array.shape == (40, 3)
    assert components.array.dtype == np.float64
    np.testing.assert_array_equal(components.array[:, 0], NUMBERS[:, 0] > 0)


@pytest.mark.filterwarnings("ignore")
def test_columns_of_the_same_name_are_refused():
    with pytest.raises(InstanceError, match="the series is not a sound frame"):
        TimeSeriesExplainer().components(pd.DataFrame(NUMBERS[:, :2], columns=["a", "a"]))


@pytest.mark.parametrize(
    ("shape", "is_noted"),
    [((60, 4), True), ((5, 5), True), ((4, 60), False), ((60,), False), ((1, 1), False), ((1, 30), False)],
)
def test_arrays_that_may_be_turned_round_are_noted(shape, is_noted):
    series = RNG.normal(size=shape)
    noted = "ambiguous_layout" in [code for _, code in codes(TimeSeriesExplainer().components(series))]
    assert noted is is_noted
    for axis in (0, -1):  # which the user has thought of
        assert "ambiguous_layout" not in [code for _, code in codes(TimeSeriesExplainer(channel_axis=axis).components(series))]


# --- texts -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", [["good film", "bad film"], np.array(["good film"]), pd.Series(["good film"]), b"good", 3])
def test_what_is_no_single_text_is_refused(instance):
    with pytest.raises((ArgumentTypeError, InstanceError), match="text"):
        TextExplainer().explain_instance(instance, lambda texts: [len(text) for text in texts])
