"""Parts that look like their filling, and other inputs whose meaning is lost without a word."""

import numpy as np
import pandas as pd
import pytest

from limelight import ImageExplainer, TabularExplainer, TimeSeriesExplainer
from limelight.exceptions import ArgumentError, InstanceError, PredictionError

NUMBERS = np.random.default_rng(3).normal(size=(400, 3)) * [1, 10, 100]


def codes(explanation):
    return [notice.code for notice in explanation.warnings]


def test_kind_a_superpixels_that_look_like_their_filling_are_named():
    image = np.full((16, 16), 9.0)
    image[8:] = np.random.default_rng(0).random((8, 16))
    labels = np.repeat([0, 1, 2, 3], 4)[:, None] * np.ones((1, 16), dtype=int)
    explanation = ImageExplainer(labels).explain_instance(
        image, lambda images: images[:, :8].mean(axis=(1, 2)) + images[:, 12, 3]
    )
    assert dict(explanation.as_list())["superpixel 0"] == pytest.approx(0, abs=0.01)
    (notice,) = (notice for notice in explanation.warnings if notice.code == "unchanged_parts")
    assert notice.message.startswith("2 of 4 parts look like their filling")
    assert "superpixel 0, superpixel 1." in notice.message
    other = ImageExplainer(labels, fill="noise").explain_instance(image, lambda images: images[:, :8].mean(axis=(1, 2)))
    assert "unchanged_parts" not in codes(other)


def test_kind_a_a_channel_that_never_changes_is_named():
    series = np.stack([np.random.default_rng(0).normal(size=40), np.full(40, 2.0)])
    explanation = TimeSeriesExplainer().explain_instance(series, lambda batch: batch[:, 0, :10].mean(axis=1))
    assert "unchanged_parts" not in codes(explanation)  # segments hold both channels
    flat = np.concatenate([np.zeros(20), np.random.default_rng(0).normal(size=20)])
    explanation = TimeSeriesExplainer(fill=0).explain_instance(flat, lambda batch: batch[:, 25])
    assert "unchanged_parts" in codes(explanation)


def test_kind_c_labels_that_are_column_numbers_are_believed():
    explainer = TabularExplainer(NUMBERS)
    expected = explainer.explain_instance(NUMBERS[5], lambda rows: rows[:, 0], num_samples=200)
    row = pd.Series(NUMBERS[5])[[2, 0, 1]]
    assert explainer.explain_instance(row, lambda rows: rows[:, 0], num_samples=200) == expected
    frame = pd.DataFrame(NUMBERS[5:7])[[2, 0, 1]]
    assert explainer.explain_many(frame, lambda rows: rows[:, 0], num_samples=200)[0] == expected


def test_kind_c_a_group_cannot_have_the_name_of_another_column():
    with pytest.raises(ArgumentError, match="groups must have names of their own; 'x2' is a column outside that group"):
        TabularExplainer(NUMBERS, groups={"x2": [0, 1]})


@pytest.mark.parametrize("index", [pd.date_range("2024", periods=30), np.arange(30.0)])
def test_kind_c_steps_that_are_out_of_order_are_refused(index):
    series = pd.Series(np.random.default_rng(0).normal(size=30), index=index)
    model = lambda batch: batch[:, 3]  # noqa: E731
    TimeSeriesExplainer().explain_instance(series, model, num_samples=50)
    TimeSeriesExplainer().explain_instance(series[::-1], model, num_samples=50)
    with pytest.raises(InstanceError, match="must have its steps in order; the index of this one goes up and down"):
        TimeSeriesExplainer().explain_instance(series.sample(frac=1, random_state=0), model)
    with pytest.raises(InstanceError, match="must have its steps in order"):
        TimeSeriesExplainer().explain_instance(series.to_frame().sample(frac=1, random_state=0), model)


def test_kind_c_masked_answers_are_no_numbers():
    model = lambda rows: np.ma.masked_greater(rows[:, 0], 0)  # noqa: E731
    with pytest.raises(PredictionError, match="it masks some of them"):
        TabularExplainer(NUMBERS).explain_instance(NUMBERS[0], model)


def test_kind_c_names_in_a_series_go_by_its_numbers():
    names = pd.Series(["yes", "no"], index=[1, 0])
    model = lambda rows: np.column_stack([rows[:, 0] < 0, rows[:, 0] >= 0]) * 1.0  # noqa: E731
    for given in (names, names.sort_index(), {0: "no", 1: "yes"}, pd.Series(["no", "yes"], index=["a", "b"])):
        assert TabularExplainer(NUMBERS, class_names=given).explain_instance(NUMBERS[0], model).output_names == ("no", "yes")
