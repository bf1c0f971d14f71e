"""Rows of arrays: with names, outside the training data, of whole numbers, and drawn more than once."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from helpers.asked import assert_asked_once
from helpers.tables import MIXED, RNG, ROWS, Recorder, codes, len_of, mixed

from limelight import TabularExplainer
from limelight.exceptions import InstanceError

SHUFFLED = {"count": 1.0, "fixed": 7.0, "size": 5.0, "colour": 3.0}


class TestRowsWithNames:
    """An array has no names but those that the user gives it; a row that bears them says which value is whose."""

    @pytest.mark.parametrize(
        "form",
        [dict, pd.Series, *(lambda row, make=make: make([row]) for make in (pd.DataFrame, pl.DataFrame, pa.Table.from_pylist))],
    )
    def test_are_read_by_name(self, form):
        explanation = mixed().explain_instance(form(SHUFFLED), len_of)
        assert explanation == mixed().explain_instance([5, 3, 7, 1], len_of)

    def test_and_what_is_missing_in_them_is_missing(self):
        row = pd.Series(SHUFFLED | {"size": None}, dtype="Float64")
        assert mixed().explain_instance(row, len_of) == mixed().explain_instance([math.nan, 3, 7, 1], len_of)

    def test_even_by_place(self):
        row = pd.DataFrame({"a": pd.array([None], dtype="Int64"), "b": [3], "c": [7], "d": [1]})
        assert mixed().explain_instance(row, len_of) == mixed().explain_instance([math.nan, 3, 7, 1], len_of)

    @pytest.mark.parametrize("labels", [None, [9, 8, 1, 0], [*"abcd"]])
    def test_with_other_labels_are_read_by_place(self, labels):
        row = pd.Series([5.0, 3.0, 7.0, 1.0], index=labels)
        assert mixed().explain_instance(row, len_of) == mixed().explain_instance([5, 3, 7, 1], len_of)

    def test_mappings_must_have_the_names(self):
        with pytest.raises(InstanceError, match="the training data's columns, in any order; it lacks 'size' and also has 'x0'"):
            mixed().explain_instance({"x0": 5.0, "colour": 3.0, "fixed": 7.0, "count": 1.0}, len_of)

    @pytest.mark.parametrize("labels", [["size", "colour", "fixed", "size"], ["count", "fixed", "colour", "target"]])
    def test_others_that_bear_some_names_must_bear_all(self, labels):
        """By place their values would stand under other names than their own."""
        row = pd.Series([1.0, 7.0, 3.0, 9.0], index=labels)
        for one in (row, pd.DataFrame([dict(zip("abcd", row, strict=True))]).set_axis(labels, axis=1)):
            with pytest.raises(InstanceError, match=r"must have the training data.s columns|not a sound frame"):
                mixed().explain_instance(one, len_of)


class TestFewDistinctRows:
    def test_each_is_asked_once(self):
        rows = RNG.integers(0, 2, (100, 4)).astype(float)
        model = Recorder()
        explanation = TabularExplainer(rows, categorical_features=range(4)).explain_instance(rows[0], model, num_samples=1000)
        assert explanation.num_inputs == 16
        assert_asked_once(list(map(tuple, model.rows)), 16)

    @pytest.mark.parametrize("options", [{}, {"discretize_continuous": False}, {"sampler": "around"}])
    def test_whole_numbers_too(self, options):
        """Around zero, zeros of both signs are drawn: they are the same."""
        rows = np.column_stack([np.arange(300) % 7 - 3, np.arange(300) % 5 - 2, np.arange(300) % 2])
        model = Recorder()
        explanation = TabularExplainer(rows, categorical_features=[2], **options).explain_instance(rows[0], model)
        assert_asked_once(list(map(tuple, model.rows)), explanation.num_inputs)


class TestWholeNumbers:
    """A type of whole numbers says that a column holds no others."""

    @pytest.mark.parametrize("options", [{}, {"discretize_continuous": False}, {"sampler": "around"}])
    @pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
    def test_stay_whole_in_arrays_of_them(self, dtype, options):
        """The model gets doubles, as from any array."""
        rows = RNG.integers(0, 50, (300, 2)).astype(dtype)
        model = Recorder()
        TabularExplainer(rows, **options).explain_instance(rows[0], model, num_samples=300)
        assert np.array_equal(model.rows, np.rint(model.rows))

    def test_in_lists_may_be_any_numbers(self):
        model = Recorder()
        TabularExplainer([[number, 3 * number] for number in range(40)]).explain_instance([2, 2], model, num_samples=100)
        assert not np.array_equal(model.drawn, np.rint(model.drawn))

    @pytest.mark.parametrize("options", [{}, {"discretize_continuous": False}, {"sampler": "around"}])
    def test_rows_with_fractions_are_refused(self, options):
        whole = np.arange(300).reshape(-1, 2) % 40
        for explainer in (TabularExplainer(whole, **options), TabularExplainer(whole + 0.0, kinds={0: "integer"}, **options)):
            with pytest.raises(InstanceError, match=r"column 'x0' holds whole numbers; got 9.5\. Where it may hold fractions"):
                explainer.explain_instance([9.5, 2.0], len_of)
            missing = explainer.explain_instance([math.nan, 2.0], len_of)
            assert "outside_training_data" in codes(missing)

    def test_codes_of_categories_may_be_any(self):
        explainer = TabularExplainer(np.arange(300).reshape(-1, 2) % 4, categorical_features=[0])
        assert explainer.explain_instance([0.5, 2.0], len_of).names[0] == "x0=0.5"


class TestOutsideTheTrainingData:
    def test_unseen_category(self):
        model = Recorder(lambda rows: (rows[:, 1] == 2.0) * 1.0)
        explanation = mixed().explain_instance([5.0, 2.0, 7.0, 1.0], model)
        assert codes(explanation).count("outside_training_data") == 1
        warning = next(warning for warning in explanation.warnings if warning.code == "outside_training_data")
        assert warning.message.startswith("colour=blue lies outside the training data")
        # Its weight is that of the value itself, seen in many perturbations and not in the instance alone.
        assert 0.15 < np.mean(model.drawn[:, 1] == 2.0) < 0.35
        assert explanation.as_list()[0] == ("colour=blue", pytest.approx(1.0, abs=0.02))

    def test_a_category_without_a_name(self):
        explanation = mixed().explain_instance([5.0, 9.0, 7.0, 1.0], len_of)
        assert explanation.names[1] == "colour=9"
        assert "outside_training_data" in codes(explanation)

    @pytest.mark.parametrize("value", [1e6, -1e6])
    def test_out_of_range(self, value):
        model = Recorder(lambda rows: (np.abs(rows[:, 0]) > 1e5) * 1.0)
        explanation = mixed().explain_instance([value, 0.0, 7.0, 1.0], model)
        assert "outside_training_data" in codes(explanation)
        assert 0.15 < np.mean(model.drawn[:, 0] == value) < 0.35
        assert dict(explanation.as_list())[explanation.names[0]] == pytest.approx(1.0, abs=0.02)
        rest = model.drawn[model.drawn[:, 0] != value, 0]
        assert MIXED[:, 0].min() <= rest.min()
        assert rest.max() <= MIXED[:, 0].max()

    @pytest.mark.parametrize("value", [6.0, 8.0])
    @pytest.mark.parametrize("sampler", ["marginals", "around"])
    def test_another_constant(self, value, sampler):
        model = Recorder(lambda rows: (rows[:, 2] == value) * 1.0)
        explanation = mixed(sampler=sampler).explain_instance([5.0, 0.0, value, 1.0], model)
        assert "outside_training_data" in codes(explanation)
        assert np.mean(model.drawn[:, 2] == value) == pytest.approx(1 / 2, abs=0.02)
        assert dict(explanation.as_list())[explanation.names[2]] == pytest.approx(1.0, abs=0.02)

    def test_beside_a_bin_that_nearly_all_values_are_in(self):
        """The value is drawn as often as an average bin, not as often as all that is in its own."""
        model = Recorder(lambda rows: rows[:, 1] == 0.0)
        counts = np.column_stack([ROWS[:, 0], np.where(np.arange(400) % 7, 1.0, 2.5)])
        explanation = TabularExplainer(counts, alpha=0).explain_instance([0.0, 0.0], model)
        assert np.mean(model.drawn[:, 1] == 0.0) == pytest.approx(1 / 3, abs=0.02)
        assert np.mean(model.drawn[:, 1] == 1.0) == pytest.approx(6 / 7 * 2 / 3, abs=0.02)
        assert dict(explanation.as_list())["x1=0"] == pytest.approx(1.0)

    @pytest.mark.parametrize(("known", "share"), [(0, 1 / 2), (1, 1 / 3)])
    @pytest.mark.parametrize("options", [{}, {"categorical_features": [1]}])
    def test_where_values_are_missing(self, known, share, options):
        rows = np.column_stack([ROWS[:, 0], np.where(np.arange(400) < known, 3.0, math.nan)])
        model = Recorder(lambda rows: rows[:, 1] == 5.0)
        explanation = TabularExplainer(rows, alpha=0, **options).explain_instance([0.0, 5.0], model)
        assert np.mean(model.drawn[:, 1] == 5.0) == pytest.approx(share, abs=0.02)
        assert explanation.as_list()[0][1] == pytest.approx(1.0)

    def test_too_far_out_to_be_squared(self):
        for sampler in ("marginals", "around"):
            explainer = TabularExplainer(ROWS, discretize_continuous=False, sampler=sampler)
            with pytest.raises(
                InstanceError, match=r"column 'x1' has no bins, and can be up to 1e\+150 in absolute value; got -2e"
            ):
                explainer.explain_instance([0.0, -2e150, 0.0], len_of)
        explanation = TabularExplainer(ROWS).explain_instance([0.0, -1e300, 0.0], len_of)
        assert "outside_training_data" in codes(explanation)

    def test_nothing_to_warn_of_inside(self):
        assert "outside_training_data" not in codes(mixed().explain_instance(MIXED[0], len_of))
        for number in range(4):
            for row in (MIXED[MIXED[:, number].argmin()], MIXED[MIXED[:, number].argmax()]):
                assert "outside_training_data" not in codes(mixed().explain_instance(row, len_of, num_samples=20))

    def test_it_leaves_the_shared_rows_alone(self):
        explainer = mixed()
        before, after = Recorder(), Recorder()
        first = explainer.explain_instance(MIXED[0], before)
        explainer.explain_instance([1e6, 2.0, 8.0, 99.0], Recorder())
        assert explainer.explain_instance(MIXED[0], after) == first
        np.testing.assert_array_equal(before.rows, after.rows)
