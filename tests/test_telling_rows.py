"""Intervals that rest on a handful of perturbations, and what an explanation says of them."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.stages import convergence

ROWS = np.random.default_rng(0).normal(size=(4000, 4))
CODE = "few_telling_rows"


def make_step(edge):
    """A tree that is 1 where the first two columns are above an edge: the rarer, the higher it is."""
    corners = np.array([[edge + 1e-3] * 2, [edge - 1e-3, 3.0], [3.0, edge - 1e-3]])
    rows = np.concatenate([ROWS, np.column_stack([corners, np.zeros((3, 2))])])
    return DecisionTreeRegressor(max_leaf_nodes=3, random_state=0).fit(rows, (rows[:, :2] > edge).all(axis=1))


def codes(explanation):
    return {note.code for note in explanation.notices}


def explain_steps(num_samples):
    """For each of some steps and rows: whether the explanation warns, and the share of intervals that hold."""
    for edge in (0.5, 1.0, 1.4, 1.8):
        model = make_step(edge)
        for seed, exact in enumerate(TabularExplainer(ROWS).explain_many(ROWS[:30], model.predict)):
            limits = dict(zip(exact.surrogate().components, exact.surrogate().weights, strict=True))
            explainer = TabularExplainer(ROWS, random_state=seed, shortcuts=False)
            explanation = explainer.explain_instance(ROWS[seed], model.predict, num_samples=num_samples)
            surrogate = explanation.surrogate()
            true = np.array([limits[number] for number in surrogate.components])
            is_held = (surrogate.lows <= true) & (true <= surrogate.highs)
            yield bool(codes(explanation) & {CODE, "constant_output"}), is_held[np.isin(surrogate.components, [0, 1])].mean()


@pytest.mark.parametrize("num_samples", [300, 1000])
def test_intervals_hold_where_nothing_is_said_of_few_rows(num_samples):
    warns, held = map(np.array, zip(*explain_steps(num_samples), strict=True))
    assert held[~warns].mean() > 0.9
    assert held[warns].mean() < 0.8
    assert 0.2 < warns.mean() < 0.8


def test_usual_models_have_enough_rows():
    data = load_breast_cancer()
    forest = RandomForestClassifier(30, random_state=0).fit(data.data, data.target)
    explainer = TabularExplainer(data.data, shortcuts=False)
    for num_samples in (61, 300):
        for row in data.data[:10]:
            assert CODE not in codes(explainer.explain_instance(row, forest.predict_proba, num_samples=num_samples))


def test_an_alert_says_how_few_and_what_to_do():
    explanation = TabularExplainer(ROWS, shortcuts=False).explain_instance(ROWS[0], make_step(1.4).predict, num_samples=1000)
    (note,) = [note for note in explanation.notices if note.code == CODE]
    assert note.level == "alert"
    assert note.message.startswith("The intervals of output may be too narrow: about ")
    assert "of 1000 perturbations carry most of what the surrogate misses" in note.message
    (needed,) = map(int, re.findall(r"Give num_samples=(\d+)\.$", note.message))
    assert 1500 < needed < 4000
    again = TabularExplainer(ROWS, shortcuts=False).explain_instance(ROWS[0], make_step(1.4).predict, num_samples=needed)
    assert CODE not in codes(again)
    assert explanation.verdict().level == "poor"


def test_exact_weights_rest_on_no_rows():
    assert CODE not in codes(TabularExplainer(ROWS).explain_instance(ROWS[0], make_step(1.8).predict))


def test_auto_goes_on_while_rows_are_few(monkeypatch):
    def model(rows):
        """A line that is settled at once, but for a step that is rare and high."""
        return rows @ np.array([1.0, 0.5, 0.2, 0.1]) + 0.7 * (rows[:, :2] > 1.1).all(axis=1)

    explainer = TabularExplainer(ROWS, discretize_continuous=False)
    found = explainer.explain_instance(ROWS[1], model)
    monkeypatch.setattr(convergence, "find_few_telling_rows", lambda *_: [None])
    assert explainer.explain_instance(ROWS[1], model).num_inputs < found.num_inputs
