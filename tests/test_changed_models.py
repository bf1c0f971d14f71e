"""What is changed in place in a model that was explained before is noticed, also where no row of the trial comes."""

import json
import pickle

import numpy as np
import pytest
from helpers.enumeration import COUNT, EDGES, largest_error, make_table
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from limelight import TabularExplainer
from limelight.models import trees
from limelight.models._estimators import find_prediction_method
from limelight.models._readings import content_of_arrays

ROWS = make_table(3)
GAPS = make_table(7, missing=True)
GAPS[::60, 0] = np.nan  # seldom
RNG = np.random.default_rng(1)
TARGET = ROWS[:, 0] * (ROWS[:, 1] > 0) + 3 * ROWS[:, 2] + RNG.normal(size=COUNT)
FLAG = (TARGET > 1).astype(int)


def each_value(array, by=3):
    """Write to one value of an array after another, and write it back."""
    for place in np.ndindex(array.shape):
        before = array[place]
        array[place] = before + by
        yield
        array[place] = before


def each_leaf(*trees):
    for tree in trees:
        leaves = np.flatnonzero(tree.children_left < 0)
        before = tree.value.copy()
        for leaf in leaves:
            tree.value[leaf] = tree.value[leaf, :, ::-1] if tree.value.shape[2] > 1 else tree.value[leaf] + 3
            yield
            tree.value[:] = before


def each_threshold(tree):
    for node in np.flatnonzero(tree.children_left >= 0):
        before = tree.threshold[node]
        tree.threshold[node] = 10.0
        yield
        tree.threshold[node] = before


def each_histogram_leaf(predictor):
    for node in np.flatnonzero(predictor.nodes["is_leaf"]):
        before = predictor.nodes["value"][node]
        predictor.nodes["value"][node] += 3
        yield
        predictor.nodes["value"][node] = before


def first_trees(model):
    return [one.tree_ for one in np.ravel(model.estimators_)[:2]]


CHANGES = {
    "a tree": (lambda: DecisionTreeRegressor(), lambda model: each_leaf(model.tree_)),
    "a tree's thresholds": (lambda: DecisionTreeRegressor(max_depth=4), lambda model: each_threshold(model.tree_)),
    "a forest": (lambda: RandomForestRegressor(3), lambda model: each_leaf(*first_trees(model))),
    "a forest of classes": (lambda: ExtraTreesClassifier(3), lambda model: each_leaf(*first_trees(model))),
    "boosting": (lambda: GradientBoostingRegressor(n_estimators=3), lambda model: each_leaf(*first_trees(model))),
    "bags": (
        lambda: BaggingRegressor(RandomForestRegressor(2), n_estimators=2),
        lambda model: each_leaf(*first_trees(model.estimators_[1])),
    ),
    "a vote": (
        lambda: VotingRegressor([("tree", DecisionTreeRegressor()), ("forest", RandomForestRegressor(2))]),
        lambda model: each_leaf(*first_trees(model.estimators_[1])),
    ),
    "histograms": (
        lambda: HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=2, categorical_features=[0]),
        lambda model: each_histogram_leaf(model._predictors[1][0]),
    ),
    "histograms' categories": (
        lambda: HistGradientBoostingRegressor(max_iter=1, min_samples_leaf=2, max_leaf_nodes=4, categorical_features=[0]),
        lambda model: each_value(model._predictors[0][0].raw_left_cat_bitsets[:, :1]),
    ),
    "a line": (lambda: LinearRegression(), lambda model: each_value(model.coef_)),
}

STEPS = {
    "what fills gaps": (
        lambda: make_pipeline(SimpleImputer(), RandomForestRegressor(3)),
        lambda model: each_value(model[0].statistics_[:2]),
    ),
    "a scale": (
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), RandomForestRegressor(3)),
        lambda model: each_value(model[1].mean_[:3]),
    ),
    "bins": (
        lambda: make_pipeline(
            SimpleImputer(), KBinsDiscretizer(4, encode="ordinal", strategy="uniform", subsample=None), RandomForestRegressor(3)
        ),
        lambda model: each_value(model[1].bin_edges_[0][1:3], by=-0.5),
    ),
    "categories in front of a line": (
        lambda: make_pipeline(SimpleImputer(), OneHotEncoder(handle_unknown="ignore"), LinearRegression()),
        lambda model: each_value(model[1].categories_[0]),
    ),
    "what is selected": (
        lambda: make_pipeline(SimpleImputer(), VarianceThreshold(), DecisionTreeRegressor()),
        lambda model: each_selection(model[1]),
    ),
    "beside a function that cannot be sent": (
        lambda: make_pipeline(
            SimpleImputer(), FunctionTransformer(np.arctan, inverse_func=lambda rows: np.tan(rows)), RandomForestRegressor(3)
        ),
        lambda model: each_value(model[0].statistics_[:2]),
    ),
}


def each_selection(selector):
    """Other columns that vary, as many as before."""
    before = selector.variances_.copy()
    for constant in range(4):
        selector.variances_[:] = np.arange(4) != constant
        yield
    selector.variances_[:] = before


def assert_noticed(rows, model, changes, *, within=1e-10):
    """After each change, the explanation is exact, and that of the model as it is now.

    The trial has the fewest rows that it can have, so that it misses much.
    """

    method = find_prediction_method(model).call

    def answers(drawn):
        return np.asarray(method(drawn), dtype=np.float64).reshape(len(drawn), -1)

    explainer = TabularExplainer(rows, categorical_features=[0], alpha=0, feature_selection="none", discretizer=EDGES)
    first = explainer.explain_instance(rows[0], model, num_samples=33)
    all_weights = {first.surrogates[0].weights}
    count = 0
    for _ in changes:
        explanation = explainer.explain_instance(rows[0], model, num_samples=33)
        assert explanation.provenance.design == "exact"
        assert largest_error(explanation, rows, rows[0], answers) < within
        all_weights.add(explanation.surrogates[0].weights)
        count += 1
    assert len(all_weights) > count / 2 > 0  # most changes matter
    assert explainer.explain_instance(rows[0], model, num_samples=33).surrogates == first.surrogates


@pytest.mark.parametrize("name", CHANGES)
def test_in_a_model(name):
    build, change = CHANGES[name]
    model = build()
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    model.fit(ROWS, FLAG if hasattr(model, "predict_proba") else TARGET)
    assert_noticed(ROWS, model, change(model))


@pytest.mark.filterwarnings("ignore:Feature 3 is constant")
@pytest.mark.parametrize("name", STEPS)
def test_in_steps_in_front(name):
    build, change = STEPS[name]
    model = build()
    assert_noticed(GAPS, model.fit(GAPS, TARGET), change(model))


def test_in_a_vote_for_classes():
    model = AdaBoostClassifier(n_estimators=3, random_state=0).fit(ROWS, FLAG)
    assert_noticed(ROWS, model.decision_function, each_leaf(*first_trees(model)))


class TestBoosters:
    @pytest.fixture(autouse=True)
    def _with_treelite(self):
        pytest.importorskip("treelite", reason="treelite, of limelight[trees], reads these models")

    def test_of_xgboost(self):
        xgboost = pytest.importorskip("xgboost", reason="these are models of XGBoost")
        booster = xgboost.train({"nthread": 1, "max_depth": 4}, xgboost.DMatrix(ROWS, TARGET), 3)
        model = xgboost.XGBRegressor()
        model._Booster = booster
        whole = json.loads(booster.save_raw("json"))
        tree = whole["learner"]["gradient_booster"]["model"]["trees"][0]

        def each():
            for node in np.flatnonzero(np.array(tree["left_children"]) < 0):
                before = tree["split_conditions"][node]
                tree["split_conditions"][node] = before + 3
                booster.load_model(bytearray(json.dumps(whole), "utf-8"))
                yield
                tree["split_conditions"][node] = before
            booster.load_model(bytearray(json.dumps(whole), "utf-8"))

        assert_noticed(ROWS, model, each(), within=1e-5)

    def test_of_lightgbm(self):
        lightgbm = pytest.importorskip("lightgbm", reason="these are models of LightGBM")
        options = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 2}
        booster = lightgbm.train(options, lightgbm.Dataset(ROWS, TARGET), 3)

        def each():
            num_leaves = len(np.unique(booster.predict(ROWS, pred_leaf=True)[:, 1]))
            middle = np.mean([booster.get_leaf_output(1, leaf) for leaf in range(num_leaves)])  # no bound changes by it
            for leaf in range(num_leaves):
                before = booster.get_leaf_output(1, leaf)
                booster.set_leaf_output(1, leaf, middle)
                yield
                booster.set_leaf_output(1, leaf, before)

        assert_noticed(ROWS, booster, each())


class TestJobs:
    """A job looks at its model once, at its beginning."""

    def test_each_job_explains_the_model_as_it_is(self):
        model = RandomForestRegressor(3, random_state=0).fit(ROWS, TARGET)
        explainer = TabularExplainer(ROWS, categorical_features=[0])
        for _ in each_leaf(*first_trees(model)):
            fresh = pickle.loads(pickle.dumps(model))
            of_job = explainer.explain_many(ROWS[:3], model, num_samples=33)
            assert list(of_job) == list(explainer.explain_many(ROWS[:3], fresh, num_samples=33))
            assert all(explanation.is_exact for explanation in of_job)
            assert of_job[1] == explainer.explain_instance(ROWS[1], model, num_samples=33)

    def test_each_looks_at_the_model_once(self, monkeypatch):
        looks = []
        monkeypatch.setattr(trees, "content_of_arrays", lambda arrays: looks.append(1) or content_of_arrays(arrays))
        model = RandomForestRegressor(3, random_state=0).fit(ROWS, TARGET)
        explainer = TabularExplainer(ROWS, categorical_features=[0])
        for count in (1, 2):
            assert all(explanation.is_exact for explanation in explainer.explain_many(ROWS[:20], model))
            assert len(looks) == count


def test_inputs_of_a_trial_that_come_again_count_once():
    xgboost = pytest.importorskip("xgboost", reason="this is a model of XGBoost")
    pytest.importorskip("treelite", reason="treelite, of limelight[trees], reads it")
    rows = np.random.default_rng(0).normal(size=(COUNT, 3))
    model = xgboost.XGBRegressor(n_estimators=5, n_jobs=1).fit(rows, rows.sum(axis=1) + 1e7)  # too far for single precision
    explanation = TabularExplainer(rows).explain_instance(rows[0], model, num_samples=200)
    assert "not_exact" in {notice.code for notice in explanation.notices}
    assert explanation.num_inputs == 200
