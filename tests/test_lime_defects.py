"""What went wrong in lime 0.2.0.1 with tables, each defect under its number; those of sparse rows are in test_sparse."""

import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from helpers.asked import assert_asked_once, assert_asked_total
from helpers.frames import (
    BUILD,
    FLAGS,
    FRAMES,
    GAPS,
    NUMBERS,
    SMALL,
    WORDS,
    Recorder,
    codes,
    explain,
    missing,
    one_row,
    pandas_frame,
    values,
)
from sklearn.linear_model import LinearRegression, Ridge

from limelight import TabularExplainer
from limelight.exceptions import ArgumentError, KernelError, LimelightError, PredictionError

ROWS = np.random.default_rng(3).normal(size=(300, 4))


def steep(rows):
    """A probability of two classes that follows the first column."""
    chance = 1 / (1 + np.exp(-3 * rows[:, 0]))
    return np.column_stack([1 - chance, chance])


# --- wrong results, silently ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILD)
def test_a_bin_of_one_value_draws_that_value(build):
    """W1: zero was drawn, which is nowhere in the data."""
    model = Recorder()
    explain(build({"count": [3] * 50 + [*range(4, 14)], "fixed": [7] * 60}), [3, 7], model)
    assert min(values(model.batches[0], "count")) == 3
    assert set(values(model.batches[0], "fixed")) == {7}


@pytest.mark.parametrize("build", BUILD)
def test_missing_numbers_have_a_bin_of_their_own(build):
    """W4: in a row they fell into the top bin, in training data they ended in an error without a hint."""
    frame = build({"a": [None if number % 4 == 0 else float(number) for number in range(60)], "b": WORDS})

    def model(batch):
        return np.array([3.0 if missing(value) else 0.0 for value in values(batch, "a")])

    explanation = explain(frame, {"a": None, "b": "oak"}, model, alpha=0, num_samples=1000)
    assert dict(explanation.as_list()) == pytest.approx({"a is missing": 3.0, "b=oak": 0.0}, abs=1e-9)
    assert "outside_training_data" not in codes(explanation)
    inside = explain(frame, {"a": 59.0, "b": "oak"}, model, num_samples=1000)
    assert inside.names[0] == "a > 45"


@pytest.mark.parametrize("build", BUILD)
def test_missing_categories_are_one_category(build):
    """W4: each NaN of a categorical column was another one."""
    model = Recorder()
    explanation = explain(build({"a": GAPS}), {"a": None}, model, num_samples=1000)
    assert explanation.names == ("a is missing",)
    assert explanation.num_inputs == 4


@pytest.mark.parametrize("build", BUILD)
def test_a_new_category_is_compared_with_the_others(build):
    """W5: its weight was that of a single perturbation, or names ran out."""
    frame = build({"a": WORDS, "b": FLAGS})

    def model(batch):
        return np.array([2.0 if value == "yew" else 0.0 for value in values(batch, "a")])

    explanation = explain(frame, ["yew", True], model, alpha=0, num_samples=1000)
    assert dict(explanation.as_list()) == pytest.approx({"a=yew": 2.0, "b=True": 0.0}, abs=1e-9)
    assert "outside_training_data" in codes(explanation)


def test_categories_that_are_fractions_keep_their_names():
    """W6: they were cut to whole numbers."""
    frame = pd.DataFrame({"a": pd.Categorical([0.5, 1.5] * 20)})
    assert explain(frame, [0.5]).names == ("a=0.5",)
    plain = explain(pd.DataFrame({"a": [0.5, 1.5] * 20}), [0.5], categorical_features=["a"])
    assert plain.names == ("a=0.5",)


@pytest.mark.parametrize("build", BUILD)
def test_a_value_far_out_is_explained_where_it_is(build):
    """W7: perturbations with the row's own bin never came near the row."""
    model = Recorder()
    explain(build({"a": NUMBERS["real"].tolist()}), [1e6], model)
    cells = np.array(values(model.batches[0], "a"))
    assert cells.max() == 1e6
    assert np.mean(cells == 1e6) == pytest.approx(1 / 5, abs=0.02)
    assert cells[cells < 1e6].max() <= NUMBERS["real"].max()


def test_drawing_around_the_row_is_not_ignored_with_bins():
    """W14: it was, without a word."""
    model = Recorder()
    explain(pd.DataFrame({"a": NUMBERS["real"]}), [2.5], model, sample_around_instance=True)
    assert np.mean(model.batches[0]["a"]) == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize("build", BUILD)
def test_frames_texts_and_any_form_of_row(build):
    """C4: frames, series, lists, rows of shape (1, d) and texts failed; the model never got names."""
    seen = []

    def model(batch):
        seen.append([str(name) for name in getattr(batch, "column_names", None) or batch.columns])
        return np.array([word == "oak" for word in values(batch, "text")], dtype=float)

    record = {name: column[0] for name, column in SMALL.items()} | {"text": "oak"}
    rows = [
        record,
        [*record.values()],
        tuple(record.values()),
        pd.Series(record),
        np.array([[*record.values()]], dtype=object),
    ]
    explanations = [explain(build(SMALL), row, model) for row in rows]
    assert explanations == explanations[:1] * 5
    assert explanations[0].as_list()[0][0] == "text=oak"
    assert seen[0] == [*SMALL]


@pytest.mark.parametrize("selection", ["highest_weights", "forward_selection"])
def test_a_column_whose_value_is_average_is_chosen_by_its_weight(selection):
    """W8: without bins columns were ranked by their weight times the row's value, which is 0 there."""
    row = np.array([ROWS[:, 0].mean(), 2.0, 2.0, 2.0])
    explainer = TabularExplainer(ROWS, discretize_continuous=False, feature_selection=selection)
    explanation = explainer.explain_instance(row, lambda rows: rows @ [10.0, 1.0, 1.0, 1.0], num_features=1)
    assert explanation.as_list()[0][0] == "x0"


def test_each_label_has_figures_of_its_own():
    """W9: score and local prediction were the last label's, and the intercept of a regression had the wrong sign."""
    explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], steep, labels=(0, 1), num_samples=1000)
    no, yes = explanation.surrogate(0), explanation.surrogate(1)
    assert no.intercept == pytest.approx(1 - yes.intercept)
    assert no.local_prediction == pytest.approx(1 - yes.local_prediction)
    assert no.fidelity == pytest.approx(yes.fidelity)
    three = TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: np.sin(rows[:, :3] * [1, 5, 9]), num_samples=1000)
    assert len({surrogate.fidelity for surrogate in three.surrogates}) == 3


def test_a_kernel_that_is_too_narrow_is_an_error():
    """W10: all weights were 0, without a word; and so they were with a single perturbation."""
    wide = np.tile(ROWS, 5)
    with pytest.raises(KernelError, match="too narrow"):
        TabularExplainer(wide, kernel_width=1e-3).explain_instance(wide[0], steep)
    with pytest.raises(ArgumentError, match="num_samples must be"):
        TabularExplainer(ROWS).explain_instance(ROWS[0], steep, num_samples=1)


def test_class_names_are_checked_and_never_kept():
    """W11: the first model's names were written into the explainer; too few of them were an error much later."""
    explainer = TabularExplainer(ROWS)
    explainer.explain_instance(ROWS[0], steep, num_samples=100)
    three = explainer.explain_instance(ROWS[0], lambda rows: np.full((len(rows), 3), 1 / 3), num_samples=100)
    assert three.output_names == ("0", "1", "2")
    with pytest.raises(LimelightError, match="class_names"):
        TabularExplainer(ROWS, class_names=["no"]).explain_instance(ROWS[0], steep, num_samples=100)


def test_how_local_an_explanation_is_can_be_read_and_set():
    """W13: with bins the default kernel hardly weighs anything down, and nothing said so."""
    explained = [
        TabularExplainer(ROWS, kernel_width=width, design=design).explain_instance(ROWS[0], steep, num_samples=1000)
        for design in ("iid", "auto")
        for width in (None, 0.75, 0.4)
    ]
    sizes = [explanation.effective_sample_size for explanation in explained]
    assert 950 < sizes[0] < 1000
    assert sizes[0] > 1.2 * sizes[1] > 1.2 * sizes[2]
    # A narrow kernel costs no rows where they are drawn from the law that it weights.
    assert [explanation.provenance.design for explanation in explained[3:]] == ["sobol", "tilted_sobol", "tilted_sobol"]
    assert min(sizes[3:]) > 950


def test_weights_without_bins_say_their_unit():
    """W15: they are for one standard deviation, and names gave no hint."""
    explanation = TabularExplainer(ROWS, discretize_continuous=False).explain_instance(ROWS[0], steep)
    (notice,) = [notice for notice in explanation.notices if notice.code == "slopes"]
    assert "for one standard deviation" in notice.message


def test_names_that_look_the_same_are_refused():
    """W16: weights of columns with the same name fell together."""
    with pytest.raises(ArgumentError, match="feature_names must be distinct; got 'a' more than once"):
        TabularExplainer(ROWS, feature_names=["a", "b", "a", "c"])
    with pytest.raises(ArgumentError, match="not a sound frame"):
        TabularExplainer(pd.DataFrame(ROWS, columns=["a", "b", "a", "c"]))
    with pytest.raises(ArgumentError, match="names look the same: '1'"):
        TabularExplainer(pd.DataFrame({1: ROWS[:, 0], "1": ROWS[:, 1]}))


def test_bins_of_tiny_numbers_can_be_told_apart():
    """W16: "-0.00 < a <= 0.00", whatever the bin."""
    rows = 1e-5 * ROWS[:, :1]
    names = {TabularExplainer(rows).explain_instance(row, steep, num_samples=20).names[0] for row in rows[:40]}
    assert len(names) == 4


# --- chance and state ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"discretizer": "decile"}, {"discretize_continuous": False}, {"design": "iid"}])
def test_the_same_row_has_the_same_explanation(options):
    """D1: it depended on what was explained before. D2: a discretizer drew on its own. D3: so did one of the samplers."""
    explainer = TabularExplainer(ROWS, random_state=0, **options)
    first = explainer.explain_instance(ROWS[0], steep, num_samples=500)
    explainer.explain_instance(ROWS[1], steep, num_samples=500)
    assert explainer.explain_instance(ROWS[0], steep, num_samples=500) == first
    assert TabularExplainer(ROWS, random_state=0, **options).explain_instance(ROWS[0], steep, num_samples=500) == first
    assert TabularExplainer(ROWS, random_state=1, **options).explain_instance(ROWS[0], steep, num_samples=500) != first


def test_numpys_generators_are_seeds():
    """D4: they were rejected."""
    one, other = (
        TabularExplainer(ROWS, random_state=np.random.default_rng(4)).explain_instance(ROWS[0], steep, num_samples=500)
        for _ in range(2)
    )
    assert one == other


@pytest.mark.parametrize("make", FRAMES)
def test_explainers_and_explanations_can_be_pickled(make):
    """D5: explainers could not."""
    frame = make()
    explainer = TabularExplainer(frame)
    explanation = explainer.explain_instance(one_row(frame, 3), Recorder(), num_samples=100)
    again = pickle.loads(pickle.dumps(explainer)).explain_instance(one_row(frame, 3), Recorder(), num_samples=100)
    assert again == pickle.loads(pickle.dumps(explanation)) == explanation


def test_a_users_regressor_is_left_as_it_was():
    """D6: it was fitted in place."""
    regressor = Ridge()
    TabularExplainer(ROWS).explain_instance(ROWS[0], steep, num_samples=500, model_regressor=regressor)
    assert not hasattr(regressor, "coef_")


# --- crashes -------------------------------------------------------------------------------------------------------------


def test_models_may_answer_in_any_form():
    """C5: a list, a probability alone or a single column failed."""

    def explain_with(model):
        return TabularExplainer(ROWS).explain_instance(ROWS[0], model, num_samples=500)

    alone = explain_with(lambda rows: steep(rows)[:, 1])
    assert explain_with(lambda rows: steep(rows)[:, 1:]) == explain_with(lambda rows: steep(rows)[:, 1].tolist()) == alone
    assert explain_with(lambda rows: steep(rows).tolist()) == explain_with(steep)
    for wrong in (lambda rows: steep(rows)[:-1], lambda rows: steep(rows) * np.nan):
        with pytest.raises(PredictionError):
            explain_with(wrong)


@pytest.mark.parametrize("labels", [(-1,), (), (2,), "2"])
def test_labels_are_checked_at_once(labels):
    """C6: some were accepted and failed later."""
    with pytest.raises(LimelightError, match="label"):
        TabularExplainer(ROWS).explain_instance(ROWS[0], steep, labels=labels, num_samples=100)


def test_the_explained_label_is_the_default():
    """C6: as_list() asked for class 1, whatever was explained."""
    explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], steep, labels=0, num_samples=100)
    assert explanation.as_list() == explanation.as_list(0)
    with pytest.raises(LimelightError, match="label"):
        explanation.as_list(1)


@pytest.mark.parametrize("wrong", [{"num_features": 0}, {"num_features": -1}, {"num_samples": 0}])
def test_numbers_are_checked_at_once(wrong):
    """C7: they ended in an IndexError."""
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        TabularExplainer(ROWS).explain_instance(ROWS[0], steep, **wrong)


def test_too_few_feature_names():
    """C7: they were missed when the row was explained."""
    with pytest.raises(ArgumentError, match="feature_names must have 4 names; got 1"):
        TabularExplainer(ROWS, feature_names=["a"])


def test_sequences_need_no_names_and_have_features():
    """C9: names had to be given, and a categorical feature was a column of the flattened rows."""
    sequences = np.stack([ROWS[:, :3], np.abs(np.rint(ROWS[:, 1:]))], axis=2)
    explainer = TabularExplainer(sequences, categorical_features=[1])
    explanation = explainer.explain_instance(sequences[0], lambda batch: batch[:, 0, 0], num_samples=100)
    bins, categories = explanation.names[::2], explanation.names[1::2]
    assert all(re.fullmatch(rf"x1_t-{ago}=\d", name) for ago, name in zip((2, 1, 0), categories, strict=True))
    assert all("=" not in name.replace("<=", "") and f"x0_t-{ago}" in name for ago, name in zip((2, 1, 0), bins, strict=True))


@pytest.mark.parametrize("make", FRAMES)
def test_what_comes_out_is_plain(make):
    """C12: numbers and names were numpy's, and could not be written as JSON."""
    frame = make()
    explanation = explain(frame, one_row(frame, 3))
    assert {type(name) for name in explanation.names} == {str}
    assert json.loads(json.dumps(explanation.as_map()))["0"]
    assert all(isinstance(cell, str) for cell in explanation.view.values().values())


def test_every_output_of_a_regression_is_explained():
    """C13: only the first one was, without a word; and a wrong mode was found out last."""
    model = LinearRegression().fit(ROWS, ROWS[:, :2])
    explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], model, num_features=1, num_samples=500)
    assert ["x0" in explanation.as_list(0)[0][0], "x1" in explanation.as_list(1)[0][0]] == [True, True]
    with pytest.raises(ArgumentError, match="mode must be one of"):
        TabularExplainer(ROWS, mode="bogus")


def test_statistics_need_no_training_data():
    """C14: an array of zeros had to be given; missing keys were bare exceptions, and a discretizer was ignored."""
    statistics = TabularExplainer(ROWS).statistics()
    explanation = TabularExplainer(None, training_data_stats=statistics).explain_instance(ROWS[0], steep, num_samples=500)
    assert explanation == TabularExplainer(ROWS).explain_instance(ROWS[0], steep, num_samples=500)
    with pytest.raises(ArgumentError, match="it lacks 'means'"):
        TabularExplainer(None, training_data_stats={key: part for key, part in statistics.items() if key != "means"})
    with pytest.raises(ArgumentError, match="discretizer needs the training data's rows"):
        TabularExplainer(None, training_data_stats=statistics, discretizer="decile")
    with pytest.raises(LimelightError, match=r"training_data must .* or training_data_stats"):
        TabularExplainer(None)


# --- cost ----------------------------------------------------------------------------------------------------------------


def test_nothing_is_fitted_or_drawn_by_slow_means(monkeypatch):
    """P1: forward selection fitted d * k ridges of scikit-learn's. P2: each column was drawn by truncnorm.rvs. P8: a scaler was
    fitted to all the training data, in vain."""
    from scipy.stats import truncnorm
    from sklearn.preprocessing import StandardScaler

    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr(Ridge, "fit", never)
    monkeypatch.setattr(StandardScaler, "fit", never)
    monkeypatch.setattr(type(truncnorm), "rvs", never)
    explainer = TabularExplainer(ROWS, feature_selection="forward_selection")
    assert len(explainer.explain_instance(ROWS[0], steep, num_features=3).as_list()) == 3


def test_the_model_is_asked_about_each_row_once():
    """P3: low-dimensional categorical rows were asked about again and again."""
    rows = np.random.default_rng(0).integers(0, 3, (200, 3))
    model = Recorder()
    TabularExplainer(rows, categorical_features=range(3)).explain_instance(rows[0], model, num_samples=2000)
    asked = np.concatenate(model.batches)
    assert_asked_once(list(map(tuple, asked)), 27)


def test_the_model_gets_as_many_rows_at_once_as_it_can_take():
    """P9: it got all of them at once."""
    model = Recorder()
    explain(pandas_frame(), pandas_frame().iloc[3], model, num_samples=500, batch_size=64)
    assert max(map(len, model.batches)) <= 64
    assert_asked_total(sum(map(len, model.batches)), 500)
