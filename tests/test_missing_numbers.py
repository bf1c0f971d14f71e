"""NaN, masked numbers and codes for missing ones, in images, volumes and series."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from limelight import Explanation, Explanations, ImageExplainer, TimeSeriesExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, PredictionError
from limelight.results.view_registry import view_from_dict
from limelight.segmentation import ChangePoints, Uniform

RNG = np.random.default_rng(7)
QUARTERS = np.kron([[0, 1], [2, 3]], np.ones((6, 6), dtype=int))
ABSENT = np.zeros((1, 4), dtype=np.uint8)


def picture(*missing, channels=3, dtype=np.float64):
    """A picture of 12 x 12 pixels, of which these parts are missing; its filling with all parts absent is by quarters."""
    values = RNG.random((12, 12, channels)).astype(dtype)
    for part in missing:
        values[part] = np.nan
    return values


def filling_of(explainer, instance):
    parts = explainer.components(instance)
    return np.asarray(parts.realise(np.zeros((1, len(parts.names)), dtype=np.uint8))[0], dtype=np.float64)


def codes(explainer, instance):
    return [notice.code for notice in explainer.components(instance).notes]


class TestImages:
    def test_kind_f_the_model_gets_nan_where_the_part_is_present_and_a_mean_where_it_is_absent(self):
        image = picture(np.s_[2:4, 1:3], np.s_[7, 8, 1])
        parts = ImageExplainer(QUARTERS).components(image)
        masks = RNG.integers(0, 2, (12, 4), dtype=np.uint8)
        means = np.stack([np.nanmean(image[quarter == QUARTERS], axis=0) for quarter in range(4)])
        expected = np.where(masks[:, QUARTERS, None] == 1, image, means[QUARTERS])
        assert np.allclose(parts.realise(masks), expected, rtol=1e-12, atol=0, equal_nan=True)
        (notice,) = parts.notes
        assert (notice.code, notice.level) == ("missing_values", "information")
        assert notice.message.startswith("13 of 432 numbers in the image are missing (NaN). The model gets NaN")

    def test_a_part_from_which_all_is_missing_gets_the_mean_of_the_image(self):
        image = picture(np.s_[6:, :6])
        filling = filling_of(ImageExplainer(QUARTERS), image)
        assert np.allclose(filling[8, 2], np.nanmean(image, axis=(0, 1)), rtol=1e-12)

    @pytest.mark.parametrize("fill", ["mean", "blur", "noise"])
    def test_a_channel_from_which_all_is_missing_stays_so(self, fill):
        image = picture(np.s_[..., 1], np.s_[2, 3])
        filling = filling_of(ImageExplainer(QUARTERS, fill), image)
        assert np.isnan(filling[..., 1]).all()
        assert np.isfinite(filling[..., [0, 2]]).all()

    @pytest.mark.parametrize("fill", ["mean", "blur", "noise", 0.5, [0.1, 0.2, 0.3], lambda image, _: np.nan_to_num(image)])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_every_filling_is_known_and_within_the_range(self, fill, dtype):
        filling = filling_of(ImageExplainer(QUARTERS, fill), picture(np.s_[:7, :7], dtype=dtype))
        assert 0 <= filling.min() <= filling.max() <= 1

    def test_blur_passes_over_what_is_missing(self):
        image = np.full((12, 12), 0.25)
        image[3:9, 3:9] = np.nan
        filling = filling_of(ImageExplainer(QUARTERS, "blur"), image)
        assert filling == pytest.approx(0.25)

    def test_weight_of_what_is_missing(self):
        """A model that counts what is missing: the weights are the counts, exactly."""
        image = picture(np.s_[1:3, 1:4], np.s_[8:12, 7:12])

        def model(images):
            return np.isnan(images).all(axis=3).sum(axis=(1, 2)).astype(float)

        explanation = ImageExplainer(QUARTERS, alpha=0).explain_instance(image, model)
        assert dict(explanation.as_map()[0]) == pytest.approx({0: 6, 3: 20, 1: 0, 2: 0}, abs=1e-9)

    @pytest.mark.parametrize("kind", ["tensor", "bfloat16", "masked", "swapped"])
    def test_other_forms_of_the_same_image(self, kind):
        image = picture(np.s_[1:3, 1:4], channels=1)[..., 0]
        forms = {
            "tensor": lambda: torch.tensor(image),
            "bfloat16": lambda: torch.tensor(image).bfloat16(),
            "masked": lambda: np.ma.masked_invalid(image),
            "swapped": lambda: image.astype(">f8"),
        }
        instance, seen = forms[kind](), []

        def model(images):
            numbers = images.float().numpy() if isinstance(images, torch.Tensor) else images
            seen.append(numbers)
            return np.isnan(numbers).mean(axis=(1, 2))

        explanation = ImageExplainer(QUARTERS).explain_instance(instance, model)
        assert explanation.as_list()[0][0] == "superpixel 0"
        assert np.array_equal(np.isnan(seen[0][0]), np.isnan(image))
        assert type(seen[0]) is np.ndarray

    def test_default_segmentation_is_that_of_the_rest(self):
        image = np.zeros((40, 40, 3))
        image[:, 20:] = 1.0
        image[5, 5] = image[17, 33] = np.nan
        labels = ImageExplainer().components(image).labels[..., 0]
        assert np.mean(labels == ImageExplainer().components(np.nan_to_num(image)).labels[..., 0]) > 0.95
        assert not set(labels[:, :20].ravel()) & set(labels[:, 20:].ravel())

    def test_pictures_show_what_is_missing(self):
        image = np.full((64, 128, 3), 0.5)
        image[10:30, 40:80] = np.nan
        image[50, 100, 2] = np.nan
        view = ImageExplainer("grid").components(image).view
        is_missing = np.isnan(image).any(axis=2)
        assert np.ptp(view.picture[~is_missing].astype(int)) == 0
        marked = view.picture[is_missing].astype(int)
        assert len(np.unique(marked, axis=0)) == 2
        assert np.all(np.ptp(marked, axis=1) > 30)  # a hue of its own
        assert np.ptp(view.overlay([])[is_missing].astype(int)) > 50  # and a pattern where hues are lost

    def test_a_missing_channel_does_not_hide_the_picture(self):
        view = ImageExplainer("grid").components(picture(np.s_[..., 2])).view
        assert len(np.unique(view.picture.reshape(-1, 3), axis=0)) > 100

    def test_volumes(self):
        instance = RNG.random((4, 12, 12)).astype(np.float32)
        instance[1:3, 7:9, 2:4] = np.nan
        explainer = ImageExplainer(np.broadcast_to(QUARTERS, instance.shape), spatial_dims=3)
        explanation = explainer.explain_instance(instance, lambda batch: np.isnan(batch).mean(axis=(1, 2, 3)))
        assert explanation.as_list()[0][0] == "supervoxel 2"
        shown = explanation.view.picture
        assert np.array_equal(np.ptp(shown.astype(int), axis=-1) > 0, np.isnan(instance))


class TestSeries:
    def test_kind_f_a_gap_in_a_dated_series(self):
        series = pd.Series(np.sin(np.arange(120) / 7), index=pd.date_range("2024-03-01", periods=120, freq="h"))
        series.iloc[36:48] = np.nan
        seen = []

        def model(batch):
            seen.append(np.asarray(batch))
            return np.isnan(np.asarray(batch, dtype=float)[:, 36:48]).mean(axis=1)

        explanation = TimeSeriesExplainer(Uniform(10), alpha=0).explain_instance(series, model)
        assert np.array_equal(seen[0][0], series.to_numpy(), equal_nan=True)
        weights = explanation.as_map()[0]
        assert dict(weights) == pytest.approx({3: 1.0} | {i: 0.0 for i in range(10) if i != 3}, abs=1e-9)

    @pytest.mark.parametrize(
        ("fill", "expected"),
        [
            ("mean", [2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5, 2.5]),
            (7, [7.0] * 8),
            # Parts are pairs of steps; each is a line between its known neighbours: nothing is known before the second pair.
            ("linear", [2, 2, 2, 2, 2, 8 / 3, 10 / 3, 10 / 3]),
        ],
    )
    def test_fillings(self, fill, expected):
        series = np.array([np.nan, np.nan, 1.0, np.nan, 2.0, np.nan, np.nan, 10 / 3])
        series = np.where(np.isfinite(series), series, np.nan)
        filling = filling_of(TimeSeriesExplainer(Uniform(4), fill), series)
        if fill == "mean":
            expected = [np.nanmean(series)] * 8
        elif fill == "linear":
            line = np.interp(np.arange(8), [2, 4, 7], [1.0, 2.0, 10 / 3])
            # Each pair from the values outside of it.
            expected = [1, 1, 2, 2, *np.interp([4, 5], [2, 7], [1.0, 10 / 3]), 2, 2]
            assert not np.allclose(line, expected)
        assert filling == pytest.approx(expected)

    def test_linear_where_only_one_part_is_known(self):
        series = np.array([np.nan, np.nan, 3.0, 5.0, np.nan, np.nan])
        assert filling_of(TimeSeriesExplainer(Uniform(3), "linear"), series) == pytest.approx([3, 3, 4, 4, 5, 5])

    @given(
        arrays.arrays(float, st.integers(4, 40), elements=st.floats(-9, 9) | st.just(np.nan)),
        st.sampled_from(["mean", "noise", "linear"]),
        st.integers(1, 4),
    )
    def test_any_gaps(self, series, fill, count):
        if np.isnan(series).all():
            series[0] = 1.0
        filling = filling_of(TimeSeriesExplainer(Uniform(count), fill), series)
        assert np.nanmin(series) - 1e-9 <= filling.min() <= filling.max() <= np.nanmax(series) + 1e-9

    @pytest.mark.parametrize("fill", ["mean", "noise", "linear"])
    def test_a_channel_from_which_all_is_missing_stays_so(self, fill):
        series = np.stack([np.arange(20.0), np.full(20, np.nan)])
        filling = filling_of(TimeSeriesExplainer(fill=fill), series)
        assert np.isfinite(filling[0]).all()
        assert np.isnan(filling[1]).all()

    def test_background_with_gaps(self):
        background = [[1.0, np.nan, 3.0], [3.0, 5.0, np.nan]]
        assert filling_of(TimeSeriesExplainer(background=background), np.zeros(3)) == pytest.approx([2, 5, 3])
        with pytest.raises(ArgumentError, match="a number for each step and channel that is not NaN"):
            filling_of(TimeSeriesExplainer(background=[[1.0, np.nan, 3.0]]), np.zeros(3))
        with pytest.raises(ArgumentError, match="series 0 of background must be finite numbers, or NaN where one is missing"):
            TimeSeriesExplainer(background=[[1.0, np.inf, 3.0]])

    def test_change_points_pass_over_gaps(self):
        steps = np.repeat([0.0, 5.0, 1.0], 20)
        steps[[3, 25, 26, 27, 45]] = np.nan
        labels = ChangePoints(3)(np.stack([steps, np.full(60, np.nan)]))
        assert np.array_equal(labels[0], np.repeat([0, 1, 2], 20))

    def test_stored_and_read(self, tmp_path):
        series = RNG.random((2, 30))
        series[0, 5:12] = np.nan
        series[1] = np.nan
        explanation = TimeSeriesExplainer(Uniform(6)).explain_instance(series, lambda batch: np.nansum(batch, axis=(1, 2)))
        view = explanation.view
        assert view.channels[0][4:6] == (series[0, 4], None)
        assert set(view.channels[1]) == set(view.filling[1]) == {None}
        assert view_from_dict(json.loads(json.dumps(view.to_dict(), allow_nan=False))) == view
        assert Explanation.from_json(explanation.to_json()) == explanation
        Explanations.of([explanation]).save(tmp_path / "gaps.parquet")
        assert Explanations.load(tmp_path / "gaps.parquet")[0] == explanation
        assert explanation.view.values()[0].startswith("mean ")

    def test_values_of_parts_from_which_all_is_missing(self):
        series = np.arange(12.0)
        series[4:8] = np.nan
        explanation = TimeSeriesExplainer(Uniform(3)).explain_instance(series, lambda batch: np.nansum(batch, axis=1))
        assert explanation.view.values() == {0: "mean 1.5", 1: "missing", 2: "mean 9.5"}

    @pytest.mark.parametrize("length", [60, 5000])
    def test_gaps_are_seen(self, length):
        series = np.sin(np.arange(length) / 9)
        series[length // 4 : length // 3] = np.nan
        series[length // 2] = series[length // 2 + 2] = np.nan
        explanation = TimeSeriesExplainer().explain_instance(series, lambda batch: np.nansum(batch, axis=1))
        svg = explanation.render("svg")
        gaps = re.findall(r'<rect class="gap" .*? width="([\d.]+)" .*?><title>(.*?): missing</title>', svg)
        assert [text for _, text in gaps] == [
            f"steps {length // 4}-{length // 3 - 1}",
            f"step {length // 2}",
            f"step {length // 2 + 2}",
        ]
        assert all(float(width) >= 1.5 for width, _ in gaps)
        lines = re.findall(r'<polyline class="line" points="(.*?)"/>', svg)
        assert len(lines) == 4
        assert len(lines[2].split()) == 2  # a point by itself
        assert not re.search(r"nan|None", " ".join(lines))
        assert "Grey: what is missing." in explanation.as_html()

    def test_no_gaps_without_missing_values(self):
        explanation = TimeSeriesExplainer().explain_instance(np.arange(40.0), lambda batch: batch.sum(axis=1))
        assert 'class="gap"' not in explanation.render("svg")
        assert "what is missing" not in explanation.as_html()
        assert len(re.findall(r'<polyline class="line"', explanation.as_html())) == 1

    def test_plot(self):
        matplotlib = pytest.importorskip("matplotlib.figure")
        series = RNG.random((2, 30))
        series[0, 5:12] = series[0, 13] = np.nan
        series[1] = np.nan
        explanation = TimeSeriesExplainer().explain_instance(series, lambda batch: np.nansum(batch, axis=(1, 2)))
        ax = explanation.plot(ax=matplotlib.Figure().subplots())
        drawn = ax.lines[0].get_ydata()
        assert np.array_equal(np.isnan(drawn), np.isnan(series[0]))
        assert np.array_equal(ax.lines[1].get_xdata(), [12])


# --- what is certain, and what is refused -----------------------------------------------------------------------------------

SUBJECTS = {"image": (ImageExplainer("grid"), RNG.random((12, 12))), "series": (TimeSeriesExplainer(), RNG.random(144))}


@pytest.mark.parametrize("subject", SUBJECTS)
class TestBoth:
    @pytest.mark.parametrize("number", [np.inf, -np.inf])
    def test_infinity_is_refused(self, subject, number):
        explainer, instance = SUBJECTS[subject]
        instance = instance.copy()
        instance.flat[[3, 8]] = number
        with pytest.raises(InstanceError, match=f"the {subject} has 2 numbers that are infinite, .* give NaN where"):
            explainer.components(instance)

    def test_nothing_but_nan_is_refused(self, subject):
        explainer, instance = SUBJECTS[subject]
        with pytest.raises(InstanceError, match=f"the {subject} has only NaN"):
            explainer.components(instance * np.nan)

    def test_masked_floats_are_missing(self, subject):
        explainer, instance = SUBJECTS[subject]
        masked = np.ma.array(instance.astype(np.float32), mask=instance > 0.9)
        array = explainer.components(masked).array
        assert array.dtype == np.float32
        assert np.array_equal(array, np.where(instance > 0.9, np.nan, instance).astype(np.float32), equal_nan=True)

    def test_masked_integers_are_refused(self, subject):
        explainer, instance = SUBJECTS[subject]
        whole = (100 * instance).astype(np.int16)
        masked = np.ma.array(whole, mask=whole > 90)
        with pytest.raises(ArgumentTypeError, match=r"masked in an array of int16. Give array.astype\(float\), or fill"):
            explainer.components(masked)
        assert explainer.components(np.ma.array(whole, mask=False)).array.dtype == np.int16
        assert codes(explainer, masked.astype(float)) == ["missing_values"] + ["unusual_range"] * (subject == "image")

    def test_model_that_does_not_take_nan(self, subject):
        explainer, instance = SUBJECTS[subject]
        instance = np.where(instance > 0.9, np.nan, instance)
        with pytest.raises(PredictionError, match=r"NaN or infinity .* Its inputs have NaN, as the instance has"):
            explainer.explain_instance(instance, lambda batch: batch.reshape(len(batch), -1).sum(axis=1))

    @pytest.mark.parametrize("code", [-9999, -32768, -99999.0, 1e20, float(np.finfo(np.float32).min)])
    def test_codes_for_missing_numbers_are_pointed_out(self, subject, code):
        explainer, instance = SUBJECTS[subject]
        dtype = np.int16 if isinstance(code, int) else np.float32
        instance = (40 * instance).astype(dtype)
        assert "possible_missing_code" not in codes(explainer, instance)
        instance.flat[:5] = code
        assert "possible_missing_code" in codes(explainer, instance)
        instance = instance.astype(np.float64)
        instance.flat[7] = np.nan
        assert {"missing_values", "possible_missing_code"} <= set(codes(explainer, instance))

    @pytest.mark.parametrize("make", [lambda r: r * 70000 - 32768, lambda r: np.where(r < 0.1, -999, -900 - 200 * r)])
    def test_numbers_that_are_no_codes(self, subject, make):
        explainer, instance = SUBJECTS[subject]
        assert "possible_missing_code" not in codes(explainer, make(instance))


class TestColumns:
    @pytest.mark.parametrize("dtype", ["Int64", "Float32", "float64", "int32"])
    def test_types_that_can_lack_values_are_read_as_what_they_hold(self, dtype):
        column = pd.Series([0, 1, 1, 0, 1] * 4, dtype=dtype)
        array = TimeSeriesExplainer().components(column).array
        assert array.dtype == np.dtype(dtype.lower())
        assert array.tolist() == column.tolist()

    @pytest.mark.parametrize("dtype", ["Float64", "Int64", "float64"])
    def test_what_columns_lack_is_nan(self, dtype):
        column = pd.Series([1, None, 2] * 4, dtype=dtype)
        array = TimeSeriesExplainer().components(column).array
        assert np.array_equal(array[:3], [1, np.nan, 2], equal_nan=True)
        assert codes(TimeSeriesExplainer(), column) == ["missing_values"]
        frame = pd.DataFrame({"heat": column, "wind": range(12)})
        assert np.isnan(TimeSeriesExplainer().components(frame).array).tolist() == frame.isna().to_numpy().tolist()

    def test_polars(self):
        polars = pytest.importorskip("polars")
        array = TimeSeriesExplainer().components(polars.Series([0.5, None, 2.0] * 4)).array
        assert np.array_equal(array[:3], [0.5, np.nan, 2.0], equal_nan=True)

    def test_none_is_no_number(self):
        with pytest.raises(ArgumentTypeError, match=r"got dtype object\. Write NaN, not None"):
            TimeSeriesExplainer().components([1.0, None, 2.0])
