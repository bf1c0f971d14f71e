"""Which models of XGBoost and LightGBM are read as sums: each is exact and equal to the enumeration, or else sampled."""

import subprocess
import sys
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from helpers.enumeration import COUNT, assert_exact, assert_kept_alive_by_nothing, assert_sampled, explain, make_table
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from limelight import TabularExplainer
from limelight.models import adapt, read_model
from limelight.models._estimators import find_prediction_method
from limelight.models.boosting import read_boosted_trees
from limelight.stages.limit import ModelSum

pytest.importorskip("treelite", reason="treelite, of limelight[trees], reads these models")
xgboost = pytest.importorskip("xgboost", reason="these are models of XGBoost")
lightgbm = pytest.importorskip("lightgbm", reason="these are models of LightGBM")

# XGBoost adds numbers of single precision, and rounds its answers to it.
SINGLE_PRECISION = 1e-6

ROWS = make_table(3)
TARGET = ROWS[:, 0] * (ROWS[:, 1] > 0) + 3 * ROWS[:, 2] + np.random.default_rng(1).normal(size=COUNT)
CLASSES = np.digitize(TARGET, [0.0, 2.0])
FLAG = (TARGET > 1).astype(int)
TWO = np.column_stack([TARGET, -(TARGET**2)])
GAPS = make_table(7, missing=True)
GAPS[::9, 0] = np.nan
HAS_OWN = ROWS[:, 0] != 2.0  # no category is 2: it becomes one that a model was not fitted to
TYPES = ["c", "q", "c", "q"]


def xgb(kind=xgboost.XGBRegressor, **options):
    return kind(**{"n_estimators": 5, "n_jobs": 1, "random_state": 0} | options)


def lgb(kind=lightgbm.LGBMRegressor, **options):
    small = {"n_estimators": 5, "n_jobs": 1, "verbose": -1, "min_child_samples": 3, "min_data_per_group": 2, "cat_smooth": 1}
    return kind(**small | options)


def xgb_booster(target, num_rounds=5, **options):
    return xgboost.train({"nthread": 1, **options}, xgboost.DMatrix(ROWS, target), num_rounds)


def lgb_booster(target, **options):
    options = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 3, **options}
    return lightgbm.train(options, lightgbm.Dataset(ROWS, target), 5)


def xgb_stopped_early(**options):
    model = xgb(n_estimators=50, learning_rate=0.8, **options)
    return model.fit(ROWS[::2], TARGET[::2], eval_set=[(ROWS[1::2], TARGET[1::2])], verbose=False)


EXACT = {
    "XGBRegressor": lambda: xgb().fit(ROWS, TARGET),
    "XGBRegressor with gaps": lambda: xgb().fit(GAPS, TARGET),
    "XGBRegressor, exact splits": lambda: xgb(tree_method="exact").fit(ROWS, TARGET),
    "XGBRegressor by leaves": lambda: xgb(grow_policy="lossguide", max_leaves=6).fit(ROWS, TARGET),
    "XGBRegressor of two targets": lambda: xgb().fit(ROWS, TWO),
    "XGBRegressor with dropped trees": lambda: xgb(booster="dart", rate_drop=0.5).fit(ROWS, TARGET),
    "XGBRegressor of pseudo-Huber errors": lambda: xgb(objective="reg:pseudohubererror").fit(ROWS, TARGET),
    "XGBRegressor with a base score": lambda: xgb(base_score=7.0).fit(ROWS, TARGET),
    "XGBRegressor that only rises": lambda: xgb(monotone_constraints=(1, 0, 1, 0)).fit(ROWS, TARGET),
    "XGBRegressor with categories": lambda: xgb(enable_categorical=True, feature_types=TYPES).fit(ROWS, TARGET),
    "XGBRegressor with missing categories": lambda: xgb(enable_categorical=True, feature_types=TYPES).fit(GAPS, TARGET),
    "XGBRegressor with sets of categories": lambda: xgb(
        enable_categorical=True, feature_types=TYPES, max_cat_to_onehot=1
    ).fit(ROWS, TARGET),
    "XGBRegressor with unknown categories": lambda: xgb(
        enable_categorical=True, feature_types=TYPES
    ).fit(ROWS[HAS_OWN], TARGET[HAS_OWN]),
    "XGBRegressor that was stopped early": lambda: xgb_stopped_early(early_stopping_rounds=2),
    "XGBRegressor that a callback stopped": lambda: xgb_stopped_early(callbacks=[xgboost.callback.EarlyStopping(rounds=2)]),
    "XGBRFRegressor": lambda: xgb(xgboost.XGBRFRegressor).fit(ROWS, TARGET),
    "XGBRanker": lambda: xgb(xgboost.XGBRanker).fit(ROWS, CLASSES, qid=np.arange(COUNT) // 10),
    "a search for an XGBRegressor": lambda: GridSearchCV(xgb(), {"max_depth": [2, 3]}, cv=2).fit(ROWS, TARGET),
    "XGBoost's booster": lambda: xgb_booster(TARGET),
    "XGBoost's booster that was stopped early": lambda: xgb_stopped_early(early_stopping_rounds=2).get_booster(),
    "XGBoost's booster of margins": lambda: xgb_booster(FLAG, objective="binary:logitraw"),
    "LGBMRegressor": lambda: lgb().fit(ROWS, TARGET),
    "LGBMRegressor with gaps": lambda: lgb().fit(GAPS, TARGET),
    "LGBMRegressor that takes missing values for 0": lambda: lgb(use_missing=False).fit(GAPS, TARGET),
    "LGBMRegressor of a constant": lambda: lgb().fit(ROWS, np.ones(COUNT)),
    "LGBMRegressor of a quantile": lambda: lgb(objective="quantile", alpha=0.3).fit(ROWS, TARGET),
    "LGBMRegressor with dropped trees": lambda: lgb(boosting_type="dart", drop_rate=0.5).fit(ROWS, TARGET),
    "LGBMRegressor of large gradients": lambda: lgb(data_sample_strategy="goss").fit(ROWS, TARGET),
    "LGBMRegressor as a forest": lambda: lgb(boosting_type="rf", bagging_freq=1, bagging_fraction=0.6).fit(ROWS, TARGET),
    "LGBMRegressor with categories": lambda: lgb().fit(ROWS, TARGET, categorical_feature=[0, 2]),
    "LGBMRegressor with missing categories": lambda: lgb().fit(GAPS, TARGET, categorical_feature=[0, 2]),
    "LGBMRegressor with unknown categories": lambda: lgb().fit(ROWS[HAS_OWN], TARGET[HAS_OWN], categorical_feature=[0]),
    "LGBMRanker": lambda: lgb(lightgbm.LGBMRanker).fit(ROWS, CLASSES, group=[10] * (COUNT // 10)),
    "LightGBM's booster": lambda: lgb_booster(TARGET),
    "LightGBM's booster from a text": lambda: lightgbm.Booster(model_str=lgb_booster(TARGET).model_to_string()),
    "LightGBM's booster of a user's objective": lambda: lgb_booster(
        TARGET, objective=lambda margins, data: (margins - data.get_label(), np.ones(COUNT))
    ),
}  # fmt: skip

EXACT_LOG_ODDS = {
    "XGBClassifier": lambda: xgb(xgboost.XGBClassifier).fit(ROWS, FLAG),
    "XGBClassifier of two labels": lambda: xgb(xgboost.XGBClassifier).fit(ROWS, np.column_stack([FLAG, CLASSES > 1])),
    "XGBRFClassifier": lambda: xgb(xgboost.XGBRFClassifier).fit(ROWS, FLAG),
    "XGBRegressor of probabilities": lambda: xgb(objective="reg:logistic").fit(ROWS, FLAG),
    "XGBoost's booster": lambda: xgb_booster(FLAG, objective="binary:logistic"),
    "LGBMClassifier": lambda: lgb(lightgbm.LGBMClassifier).fit(ROWS, FLAG),
    "LGBMClassifier with a steeper sigmoid": lambda: lgb(lightgbm.LGBMClassifier, sigmoid=2.0).fit(ROWS, FLAG),
    "LGBMClassifier of each class alone": lambda: lgb(lightgbm.LGBMClassifier, objective="multiclassova").fit(ROWS, CLASSES),
    "LGBMRegressor of probabilities": lambda: lgb(objective="cross_entropy").fit(ROWS, FLAG),
    "LightGBM's booster": lambda: lgb_booster(FLAG, objective="binary"),
}

SAMPLED = {
    "probabilities": lambda: xgb(xgboost.XGBClassifier).fit(ROWS, FLAG),
    "exponentials of XGBoost": lambda: xgb(objective="count:poisson").fit(ROWS, np.abs(TARGET)),
    "exponentials of LightGBM": lambda: lgb(objective="tweedie").fit(ROWS, np.abs(TARGET)),
    "squares": lambda: lgb(reg_sqrt=True).fit(ROWS, TARGET),
    "another value for missing ones": lambda: xgb(missing=0.0).fit(ROWS, TARGET),
    "zeros for missing values": lambda: lgb(zero_as_missing=True).fit(ROWS, TARGET),
    "lines instead of trees": lambda: xgb(booster="gblinear").fit(ROWS, TARGET),
    "lines in leaves": lambda: lgb(linear_tree=True).fit(ROWS, TARGET),
    "vectors in leaves": lambda: xgb(multi_strategy="multi_output_tree").fit(ROWS, TWO),
    "probabilities of three classes": lambda: xgb_booster(CLASSES, objective="multi:softprob", num_class=3),
    "classes": lambda: xgb_booster(FLAG, objective="binary:hinge"),
    "probabilities without the last trees": lambda: lgb(lightgbm.LGBMClassifier, pred_early_stop=True).fit(ROWS, FLAG),
    "no rounds": lambda: xgb_booster(TARGET, num_rounds=0),
}

SAMPLED_LOG_ODDS = {
    "XGBClassifier of three classes": lambda: xgb(xgboost.XGBClassifier).fit(ROWS, CLASSES),
    "LGBMClassifier of three classes": lambda: lgb(lightgbm.LGBMClassifier).fit(ROWS, CLASSES),
}


def cases(table):
    return pytest.mark.parametrize("build", [pytest.param(build, id=name) for name, build in table.items()])


@cases(EXACT)
def test_sums_are_exact(build):
    assert_exact(ROWS, build(), within=SINGLE_PRECISION)


@cases(EXACT_LOG_ODDS)
def test_log_odds_that_are_sums_are_exact(build):
    assert_exact(ROWS, build(), link="logit", within=SINGLE_PRECISION)


@cases({name: build for name, build in EXACT.items() if "LightGBM" in name or "LGBM" in name})
def test_lightgbm_is_exact_in_double_precision(build):
    assert_exact(ROWS, build())


@cases({name: build for name, build in EXACT.items() if "gaps" in name or "missing" in name})
def test_missing_values_go_the_models_way(build):
    assert_exact(GAPS, build(), within=SINGLE_PRECISION, instances=9)


@cases(SAMPLED)
def test_what_is_no_sum_is_sampled(build):
    assert_sampled(ROWS, build())


@pytest.mark.parametrize("name", [name for name in SAMPLED if name != "probabilities"])
def test_what_is_no_sum_is_not_even_read(name):
    model = read_model(SAMPLED[name]())
    assert not isinstance(read_boosted_trees(find_prediction_method(model).call), ModelSum)


@cases(SAMPLED_LOG_ODDS)
def test_log_odds_that_are_no_sums_are_sampled(build):
    assert_sampled(ROWS, build(), link="logit")


class TestThresholds:
    """A value at a threshold, or so near that rounding carries it there, goes the model's own way."""

    @pytest.mark.parametrize("column", [[0.0, 1.0], [0.0, 1e-40], [-1.0, 0.0], [0.0, 1e-34], [0.1, 0.3]])
    @pytest.mark.parametrize("build", [xgb, lambda: xgb(tree_method="exact"), lgb])
    def test_at_a_value_at_a_threshold(self, build, column):
        rng = np.random.default_rng(0)
        trained = make_table(3)
        trained[:, 0] = rng.choice(column, COUNT)
        model = build().fit(trained, 5.0 * (trained[:, 0] == column[1]) + trained[:, 1])
        if isinstance(model, lightgbm.LGBMRegressor):
            tables = [model.booster_.dump_model()["tree_info"][0]["tree_structure"]]
            places = [table["threshold"] for table in tables if table.get("split_feature") == 0]
        else:
            frame = model.get_booster().trees_to_dataframe()
            places = frame.loc[frame.Feature == "f0", "Split"].unique().tolist()
        single_below = [float(np.nextafter(np.float32(place), np.float32(-9))) for place in places]
        middles = [*places, *column, *single_below]
        near = [end for place in middles for end in (np.nextafter(place, -9), place, np.nextafter(place, 9), place + 1e-9)]
        rows = make_table(4)
        rows[:, 0] = rng.choice(np.unique(near), COUNT)
        assert_exact(rows, model, within=SINGLE_PRECISION, instances=8)

    @pytest.mark.parametrize(
        ("model", "options"),
        [
            (xgb(enable_categorical=True, feature_types=TYPES, max_cat_to_onehot=1), {}),
            (lgb(), {"categorical_feature": [0]}),
        ],
    )
    @pytest.mark.parametrize("category", [0.0, 1.0, 2.0])
    def test_numbers_are_cut_to_categories(self, model, options, category):
        model.fit(ROWS, 5.0 * (ROWS[:, 0] == category) + ROWS[:, 1], **options)
        rows = make_table(4)
        values = [-0.5, -1e-50, 0.0, 0.999, 1.0, 1.0 - 1e-9, 2.7, 3.0, 5.5, 1000.0]
        rows[:, 0] = np.random.default_rng(0).choice(values, COUNT)
        assert_exact(rows, model, within=SINGLE_PRECISION, instances=8)


class TestChanges:
    """A booster that was trained further is read again."""

    def test_of_xgboost(self):
        booster = xgb_booster(TARGET)
        assert_exact(ROWS, booster, within=SINGLE_PRECISION)
        for number in range(5, 8):
            booster.update(xgboost.DMatrix(ROWS, -TARGET), number)
        assert_exact(ROWS, booster, within=SINGLE_PRECISION)

    def test_of_lightgbm(self):
        booster = lightgbm.Booster({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(ROWS, TARGET))
        for _ in range(3):
            booster.update()
            assert_exact(ROWS, booster)
        booster.rollback_one_iter()
        assert_exact(ROWS, booster)

    @pytest.mark.parametrize("model", [xgb(), lgb()])
    def test_of_an_estimator_that_is_fitted_again(self, model):
        model.fit(ROWS, TARGET)
        assert_exact(ROWS, model, within=SINGLE_PRECISION)
        model.fit(ROWS, -TARGET)
        assert_exact(ROWS, model, within=SINGLE_PRECISION)

    def test_of_as_many_rounds(self, tmp_path):
        booster, other = xgb_booster(TARGET), xgb_booster(TARGET**2)
        assert_exact(ROWS, booster, within=SINGLE_PRECISION)
        other.save_model(tmp_path / "other.ubj")
        booster.load_model(tmp_path / "other.ubj")
        assert_exact(ROWS, booster, within=SINGLE_PRECISION)
        grown = lightgbm.Booster({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(ROWS, TARGET))
        grown.update()
        assert_exact(ROWS, grown)
        grown.rollback_one_iter()
        grown.update(lightgbm.Dataset(ROWS, -TARGET, reference=grown.train_set))
        assert_exact(ROWS, grown)

    def test_of_what_is_missing(self):
        model = xgb().fit(ROWS, TARGET)
        assert_exact(ROWS, model, within=SINGLE_PRECISION)
        model.missing = 1.0
        assert_sampled(ROWS, model)


class TestReading:
    @pytest.mark.parametrize("build", [EXACT["XGBoost's booster"], EXACT["XGBRegressor that was stopped early"]])
    def test_leaves_xgboost_as_it_is(self, build):
        model = build()
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        before = booster.save_raw()
        explain(ROWS, ROWS[0], model)
        assert booster.save_raw() == before

    def test_leaves_lightgbm_as_it_is(self):
        booster = lgb_booster(TARGET)
        before = booster.model_to_string()
        explain(ROWS, ROWS[0], booster)
        assert booster.model_to_string() == before

    @pytest.mark.parametrize("build", [EXACT["XGBoost's booster"], EXACT["LightGBM's booster"], EXACT["LGBMRegressor"]])
    def test_keeps_no_model_alive(self, build):
        assert_kept_alive_by_nothing(ROWS, build)

    def test_without_treelite_says_what_reads_trees(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "treelite", None)
        for model in (xgb().fit(ROWS, TARGET), lgb_booster(TARGET)):
            explanation = explain(ROWS, ROWS[0], model)
            assert explanation.provenance.design == "sobol"
            (text,) = [notice.message for notice in explanation.notices if notice.code == "without_treelite"]
            assert "pip install 'limelight[trees]'" in text
        for model in (
            RandomForestRegressor(2).fit(ROWS, TARGET),
            LinearRegression().fit(ROWS, TARGET),
            lambda rows: rows[:, 0],
        ):
            assert "without_treelite" not in {notice.code for notice in explain(ROWS, ROWS[0], model).notices}

    def test_another_value_for_missing_ones_is_said_to_be_why(self):
        def reasons(model):
            return [notice.message for notice in explain(ROWS, ROWS[0], model).notices if notice.code == "not_exact"]

        (text,) = reasons(xgb(missing=-999).fit(ROWS, TARGET))
        assert text.startswith("The model takes -999 for missing")
        assert not reasons(xgb().fit(ROWS, TARGET))
        assert not reasons(xgb(xgboost.XGBClassifier, missing=-999).fit(ROWS, CLASSES))  # no sum, whatever is missing

    def test_a_booster_of_some_columns_of_a_frame_or_in_another_order_is_sampled(self):
        frame = pd.DataFrame(ROWS, columns=list("abcd"))
        for columns in (["a", "b"], ["c", "b", "a", "d"]):
            booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(frame[columns], TARGET), 3)
            explainer = TabularExplainer(frame)
            assert explainer.explain_instance(frame.iloc[0], booster).provenance.design == "sobol"
            assert adapt(booster, explainer.components(frame.iloc[0]), True).model_sum is None
        in_order = xgboost.train({"nthread": 1}, xgboost.DMatrix(frame, TARGET), 3)
        assert TabularExplainer(frame).explain_instance(frame.iloc[0], in_order).provenance.design == "exact"


BROKEN = """
    import numpy as np
    import lightgbm
    import xgboost
    from limelight.models.boosting import read_boosted_trees

    rows = np.random.default_rng(0).normal(size=(99, 3))
    target = rows[:, 0] > 0
    booster = lightgbm.Booster({"verbose": -1}, lightgbm.Dataset(rows, target))
    unfitted, other = xgboost.XGBRegressor(), lightgbm.LGBMRegressor()
    swapped = xgboost.XGBRegressor(n_estimators=2).fit(rows, target)
    swapped._Booster = "no booster"
    other._Booster = swapped
    for call in (booster.predict, unfitted.predict, swapped.predict, other.predict):
        assert read_boosted_trees(call) is None, call
    print("sampled")
"""


def test_broken_boosters_do_not_end_the_process():
    done = subprocess.run([sys.executable, "-c", dedent(BROKEN)], capture_output=True, text=True, timeout=120)
    assert done.stdout.endswith("sampled\n"), done.stderr
