"""Which of scikit-learn's models are read as sums: each is exact and equal to the enumeration, or else sampled."""

import functools
import pickle
from concurrent.futures import ThreadPoolExecutor
from types import MethodType

import numpy as np
import pytest
from helpers.enumeration import COUNT, assert_exact, assert_kept_alive_by_nothing, assert_sampled, explain, make_table
from scipy.sparse import csr_array
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    Perceptron,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDOneClassSVM,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from limelight import TabularExplainer
from limelight.models import SUMS, trees
from limelight.models._estimators import find_prediction_method

ROWS = make_table(3)
TARGET = ROWS[:, 0] * (ROWS[:, 1] > 0) + 3 * ROWS[:, 2] + np.random.default_rng(1).normal(size=COUNT)
CLASSES = np.digitize(TARGET, [0.0, 2.0])
FLAG = (TARGET > 1).astype(int)
TWO = np.column_stack([TARGET, -(TARGET**2)])
GAPS = make_table(7, missing=True)
HAS_OWN = ROWS[:, 0] != 2.0  # no category is 2: it becomes one that a model was not fitted to


def forest(kind=RandomForestRegressor, **options):
    return kind(3, random_state=0, **options)


def boosting(kind=GradientBoostingRegressor, **options):
    return kind(n_estimators=4, random_state=0, **options)


def histograms(kind=HistGradientBoostingRegressor, **options):
    return kind(max_iter=5, min_samples_leaf=5, random_state=0, **options)


def votes():
    """AdaBoost by votes, which had another default once."""
    has_other_default = getattr(AdaBoostClassifier(), "algorithm", "") == "SAMME.R"
    return boosting(AdaBoostClassifier, **({"algorithm": "SAMME"} if has_other_default else {}))


def voters(kinds, **options):
    return [(kind.__name__, kind(3, random_state=0, **options)) for kind in kinds]


EXACT = {
    "a tree": lambda: DecisionTreeRegressor(max_depth=4, random_state=0).fit(ROWS, TARGET),
    "a tree of a single leaf": lambda: DecisionTreeRegressor().fit(ROWS, np.ones(COUNT)),
    "a tree of classes": lambda: DecisionTreeClassifier(random_state=0).fit(ROWS, CLASSES, sample_weight=1 + FLAG),
    "a tree of two targets": lambda: DecisionTreeRegressor(max_depth=3, random_state=0).fit(ROWS, TWO),
    "a tree of random splits": lambda: ExtraTreeRegressor(random_state=0).fit(ROWS, TARGET),
    "a tree of random splits and classes": lambda: ExtraTreeClassifier(random_state=0).fit(ROWS, CLASSES),
    "a forest": lambda: forest().fit(ROWS, TARGET),
    "a forest's method": lambda: forest(RandomForestClassifier).fit(ROWS, CLASSES).predict_proba,
    "a forest with class weights": lambda: forest(RandomForestClassifier, class_weight="balanced").fit(ROWS, CLASSES),
    "a forest that only rises": lambda: forest(RandomForestClassifier, monotonic_cst=[1, 0, -1, 0]).fit(ROWS, FLAG),
    "a forest of two targets": lambda: forest().fit(ROWS, TWO),
    "a forest of two targets of classes": lambda: forest(RandomForestClassifier).fit(ROWS, np.column_stack([CLASSES, FLAG])),
    "a forest of random splits": lambda: forest(ExtraTreesRegressor, bootstrap=True).fit(ROWS, TARGET),
    "a forest of random splits and classes": lambda: forest(ExtraTreesClassifier).fit(ROWS, CLASSES),
    "boosting": lambda: boosting(subsample=0.7).fit(ROWS, TARGET),
    "boosting from zero": lambda: boosting(init="zero").fit(ROWS, TARGET),
    "boosting of absolute errors": lambda: boosting(loss="absolute_error").fit(ROWS, TARGET),
    "boosting's margins": lambda: boosting(GradientBoostingClassifier).fit(ROWS, FLAG).decision_function,
    "boosting's margins of three classes": lambda: boosting(GradientBoostingClassifier).fit(ROWS, CLASSES).decision_function,
    "histograms": lambda: histograms().fit(ROWS, TARGET),
    "histograms of a quantile": lambda: histograms(loss="quantile", quantile=0.3).fit(ROWS, TARGET),
    "histograms with categories": lambda: histograms(categorical_features=[0, 2]).fit(ROWS, TARGET),
    "histograms with unknown categories": lambda: histograms(categorical_features=[0]).fit(ROWS[HAS_OWN], TARGET[HAS_OWN]),
    "histograms' margins": lambda: histograms(HistGradientBoostingClassifier).fit(ROWS, CLASSES).decision_function,
    "AdaBoost's margins": lambda: votes().fit(ROWS, FLAG).decision_function,
    "AdaBoost's margins of three classes": lambda: votes().fit(ROWS, CLASSES).decision_function,
    "bags of trees": lambda: BaggingRegressor(n_estimators=3, max_features=0.5, random_state=0).fit(ROWS, TARGET),
    "bags of trees of classes": lambda: BaggingClassifier(n_estimators=3, random_state=0).fit(ROWS, CLASSES),
    "bags of forests": lambda: BaggingRegressor(forest(), n_estimators=2, max_features=0.7, random_state=0).fit(ROWS, TARGET),
    "bags of bags": lambda: BaggingRegressor(
        BaggingRegressor(n_estimators=2, max_features=0.7, random_state=0), n_estimators=2, max_features=0.7, random_state=0
    ).fit(ROWS, TARGET),
    "a weighted vote": lambda: VotingRegressor(
        [*voters([RandomForestRegressor, ExtraTreesRegressor]), ("dropped", "drop")], weights=[1, 3, 2]
    ).fit(ROWS, TARGET),
    "a vote of classes": lambda: VotingClassifier(
        voters([RandomForestClassifier, ExtraTreesClassifier]), voting="soft"
    ).fit(ROWS, CLASSES),
    "a search": lambda: GridSearchCV(forest(RandomForestClassifier), {"max_depth": [2, 3]}, cv=2).fit(ROWS, CLASSES),
    "a random search's method": lambda: RandomizedSearchCV(
        Ridge(), {"alpha": [1.0, 2.0]}, n_iter=2, cv=2
    ).fit(ROWS, TARGET).predict,
    "a linear model": lambda: LinearRegression().fit(ROWS, TARGET),
    "a linear model of two targets": lambda: MultiTaskLasso(0.1).fit(ROWS, TWO),
    "a linear model without outliers": lambda: RANSACRegressor(random_state=0).fit(ROWS, TARGET),
    "partial least squares": lambda: PLSRegression().fit(ROWS, TWO),
    "a generalised linear model": lambda: TweedieRegressor(power=0).fit(ROWS, TARGET),
    "logistic margins of three classes": lambda: LogisticRegression().fit(ROWS, CLASSES).decision_function,
    "sparse coefficients": lambda: LogisticRegression().fit(ROWS, FLAG).sparsify().decision_function,
    "discriminants": lambda: LinearDiscriminantAnalysis().fit(ROWS, CLASSES).decision_function,
    "a linear support vector machine": lambda: LinearSVC(random_state=0).fit(ROWS, CLASSES),
    "support vectors": lambda: SVC(kernel="linear").fit(ROWS, FLAG).decision_function,
    "support vectors of pairs": lambda: SVC(
        kernel="linear", decision_function_shape="ovo"
    ).fit(ROWS, CLASSES).decision_function,
    "support vectors of numbers": lambda: SVR(kernel="linear").fit(ROWS, TARGET),
    "support vectors of one class": lambda: OneClassSVM(kernel="linear").fit(ROWS).decision_function,
    "a linear machine of one class": lambda: SGDOneClassSVM(random_state=0).fit(ROWS).decision_function,
    "a perceptron": lambda: Perceptron().fit(ROWS, CLASSES),
    "ridge regression on classes": lambda: RidgeClassifier().fit(ROWS, CLASSES),
}  # fmt: skip

EXACT_LOG_ODDS = {
    "boosting": lambda: boosting(GradientBoostingClassifier).fit(ROWS, FLAG),
    "boosting of an exponential loss": lambda: boosting(GradientBoostingClassifier, loss="exponential").fit(ROWS, FLAG),
    "histograms": lambda: histograms(HistGradientBoostingClassifier, categorical_features=[0]).fit(ROWS, FLAG),
    "AdaBoost": lambda: votes().fit(ROWS, FLAG),
    "a logistic regression": lambda: LogisticRegression().fit(ROWS, FLAG),
    "stochastic gradients": lambda: SGDClassifier(loss="log_loss", alpha=0.1, random_state=0).fit(ROWS, FLAG),
    "discriminants": lambda: LinearDiscriminantAnalysis().fit(ROWS, FLAG),
}

SAMPLED = {
    "boosting's probabilities": lambda: boosting(GradientBoostingClassifier).fit(ROWS, FLAG),
    "boosting from a model": lambda: boosting(init=DecisionTreeRegressor(max_depth=1)).fit(ROWS, TARGET),
    "a median of trees": lambda: boosting(AdaBoostRegressor).fit(ROWS, TARGET),
    "exponentials": lambda: histograms(loss="poisson").fit(ROWS, np.abs(TARGET)),
    "a vote for classes": lambda: VotingClassifier(voters([RandomForestClassifier, ExtraTreesClassifier])).fit(ROWS, CLASSES),
    "a vote of trees and lines": lambda: VotingRegressor([("trees", forest()), ("lines", Ridge())]).fit(ROWS, TARGET),
    "bags of lines": lambda: BaggingRegressor(Ridge(), n_estimators=2, random_state=0).fit(ROWS, TARGET),
    "isolation": lambda: IsolationForest(n_estimators=5, random_state=0).fit(ROWS),
    "a calibrated model": lambda: CalibratedClassifierCV(forest(RandomForestClassifier), ensemble=False).fit(ROWS, FLAG),
    "a transformed target": lambda: TransformedTargetRegressor(Ridge(), func=np.arcsinh, inverse_func=np.sinh).fit(
        ROWS, TARGET
    ),
    "curved support vectors": lambda: SVR().fit(ROWS, TARGET),
    "classes' scores from pairs": lambda: SVC(kernel="linear").fit(ROWS, CLASSES).decision_function,
    "a logarithmic link": lambda: PoissonRegressor().fit(ROWS, np.abs(TARGET)),
    "another generalised linear model": lambda: TweedieRegressor(power=1.5).fit(ROWS, np.abs(TARGET) + 0.1),
    "one class against the rest": lambda: OneVsRestClassifier(LogisticRegression()).fit(ROWS, CLASSES),
    "naive Bayes": lambda: GaussianNB(var_smoothing=0.1).fit(ROWS, FLAG),
}

SAMPLED_LOG_ODDS = {
    "boosting of three classes": lambda: boosting(GradientBoostingClassifier).fit(ROWS, CLASSES),
    "histograms of three classes": lambda: histograms(HistGradientBoostingClassifier).fit(ROWS, CLASSES),
    "a forest": lambda: forest(RandomForestClassifier, min_samples_leaf=9).fit(ROWS, FLAG),
    "a logistic regression of three classes": lambda: LogisticRegression().fit(ROWS, CLASSES),
    "another loss": lambda: SGDClassifier(loss="modified_huber", random_state=0).fit(ROWS, FLAG),
}


def cases(table):
    return pytest.mark.parametrize("build", [pytest.param(build, id=name) for name, build in table.items()])


@cases(EXACT)
def test_sums_are_exact(build):
    assert_exact(ROWS, build())


def test_large_coefficients_that_cancel_are_as_exact_as_the_model():
    assert_exact(ROWS, NuSVC(nu=0.3, kernel="linear").fit(ROWS, FLAG).decision_function, within=1e-6)


@cases(EXACT_LOG_ODDS)
def test_log_odds_that_are_sums_are_exact(build):
    assert_exact(ROWS, build(), link="logit")


@cases(SAMPLED)
def test_what_is_no_sum_is_sampled(build):
    assert_sampled(ROWS, build())


@pytest.mark.parametrize("name", [name for name in SAMPLED if name != "boosting's probabilities"])
def test_what_is_no_sum_is_not_even_read(name):
    call = find_prediction_method(SAMPLED[name]()).call
    assert [read(call) for read in SUMS.load_own()] == [None] * len([*SUMS])


@cases(SAMPLED_LOG_ODDS)
def test_log_odds_that_are_no_sums_are_sampled(build):
    model = build()
    assert_sampled(ROWS, model, link="logit")
    sums = [read(model.predict_proba) for read in SUMS.load_own()]
    assert "logit" not in {model_sum.link for model_sum in sums if model_sum is not None}


class TestMissingValues:
    TARGET = np.nan_to_num(GAPS[:, 1], nan=3.0) + GAPS[:, 0]

    @pytest.mark.parametrize("categorical", [None, [0], [0, 1]])
    def test_histograms(self, categorical):
        assert_exact(GAPS, histograms(categorical_features=categorical).fit(GAPS, self.TARGET), instances=6)

    def test_unknown_categories_go_where_missing_ones_go(self):
        trained = GAPS.copy()
        trained[::4, 0] = np.nan
        is_known = GAPS[:, 0] != 2.0
        model = histograms(categorical_features=[0]).fit(trained[is_known], self.TARGET[is_known])
        np.testing.assert_array_equal(model.predict([[2, 0.1, 0, 4]]), model.predict([[np.nan, 0.1, 0, 4]]))
        assert_exact(GAPS, model, instances=6)

    def test_categories_that_are_no_whole_numbers(self):
        rows = GAPS / [2, 1, 1, 1]
        assert_exact(rows, histograms(categorical_features=[0]).fit(rows, self.TARGET))


class TestThresholds:
    """A value at a threshold, or so near that rounding carries it there, goes the model's own way."""

    @staticmethod
    def near(middle):
        middle = float(middle)
        return [np.nextafter(middle, -1), middle, np.nextafter(middle, 9), middle + 1e-9, middle - 1e-9]

    @pytest.mark.parametrize("build", [DecisionTreeRegressor, forest, boosting, histograms])
    def test_of_values_between_two(self, build):
        rng = np.random.default_rng(0)
        trained = make_table(3)
        trained[:, 0] = rng.choice([0.0, 1.0], COUNT)
        model = build().fit(trained, 5 * trained[:, 0] + trained[:, 1])
        rows = make_table(4)
        rows[:, 0] = rng.choice([0.0, *self.near(0.5), 1.0], COUNT)
        assert_exact(rows, model, instances=8)


class TestChanges:
    """A model that has changed since it was read is read again."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda model: model.set_params(n_estimators=6).fit(ROWS, TARGET),
            lambda model: model.estimators_.pop(),
            lambda model: setattr(model, "estimators_", model.estimators_[1:]),
            lambda model: model.estimators_[0].fit(ROWS, -TARGET),
        ],
    )
    def test_of_a_forest(self, change):
        model = forest(warm_start=True).fit(ROWS, TARGET)
        assert_exact(ROWS, model)
        change(model)
        assert_exact(ROWS, model)

    @pytest.mark.parametrize(
        "change",
        [
            lambda model: model.set_params(n_estimators=6).fit(ROWS, TARGET),
            lambda model: setattr(model, "estimators_", model.estimators_[:2]),
            lambda model: setattr(model, "learning_rate", 0.5),
        ],
    )
    def test_of_boosting(self, change):
        model = boosting(warm_start=True).fit(ROWS, TARGET)
        assert_exact(ROWS, model)
        change(model)
        assert_exact(ROWS, model)

    def test_of_histograms(self):
        model = histograms(warm_start=True).fit(ROWS, TARGET)
        assert_exact(ROWS, model)
        rounds = model._predictors
        model.set_params(max_iter=8).fit(ROWS, TARGET)
        assert model._predictors is rounds  # the same list, which is longer now
        assert_exact(ROWS, model)

    def test_a_tree_that_was_cut_by_hand_is_sampled(self):
        model = DecisionTreeRegressor(random_state=0).fit(ROWS, TARGET)
        node = int(model.tree_.children_left[0])
        model.tree_.children_left[node] = model.tree_.children_right[node] = -1
        assert trees.read_trees(model.predict) is None
        assert_sampled(ROWS, model)

    def test_rounds_that_were_taken_away(self):
        model = histograms().fit(ROWS, TARGET)
        del model._predictors[2:]
        assert_exact(ROWS, model)
        model._predictors = ["no", "trees"]
        with pytest.raises(Exception, match="the model raised AttributeError"):
            explain(ROWS, ROWS[0], model)


class Derived(RandomForestRegressor):
    def predict(self, X):
        return super().predict(X)


class DerivedTree(DecisionTreeClassifier):
    def predict(self, X):
        return super().predict(X)


class TestFunctionsOfTheUsers:
    """What only seems to be a library's method may answer anything where no row that was asked about shows it."""

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda model: lambda rows: model.predict(rows),
            lambda model: functools.partial(model.predict),
        ],
    )
    def test_around_a_method(self, wrap):
        assert_sampled(ROWS, wrap(forest().fit(ROWS, TARGET)))

    def test_of_a_derived_class(self):
        assert_sampled(ROWS, Derived(3, random_state=0).fit(ROWS, TARGET))

    def test_of_trees_of_a_derived_class(self):
        voter = votes().set_params(estimator=DerivedTree(max_depth=1)).fit(ROWS, FLAG)
        assert trees.read_trees(voter.decision_function) is None
        model = forest().fit(ROWS, TARGET)
        model.estimators_[0] = DerivedTree(max_depth=1).fit(ROWS, FLAG)
        assert trees.read_trees(model.predict) is None

    def test_in_place_of_a_classs_method(self, monkeypatch):
        own = RandomForestRegressor.predict
        monkeypatch.setattr(RandomForestRegressor, "predict", functools.wraps(own)(lambda self, rows: own(self, rows)))
        assert_sampled(ROWS, forest().fit(ROWS, TARGET))

    def test_in_place_of_an_objects_method(self):
        model = forest().fit(ROWS, TARGET)
        own = model.predict
        model.predict = MethodType(functools.wraps(own.__func__)(lambda _, rows: own(rows)), model)
        assert_sampled(ROWS, model)
        model.predict = own
        assert_exact(ROWS, model)

    def test_in_place_of_a_searchs_best_estimator(self):
        search = GridSearchCV(Derived(3, random_state=0), {"max_depth": [2, 3]}, cv=2).fit(ROWS, TARGET)
        assert_sampled(ROWS, search)


class TestRowsOfOtherWidths:
    def test_sparse_rows_are_sampled(self):
        rows = np.where(ROWS == 4.0, 1.0, ROWS)
        rows[0] = 1.0  # no entry is lacking
        model = LinearRegression().fit(csr_array(rows), TARGET)
        for row in (csr_array(rows[:1]), csr_array(rows[1:2])):
            assert TabularExplainer(csr_array(rows)).explain_instance(row, model).provenance.design == "sobol"


class TestReading:
    @pytest.mark.parametrize("build", [EXACT["a forest"], EXACT["histograms with categories"], EXACT["support vectors"]])
    def test_leaves_the_model_as_it_is(self, build):
        model = build()
        owner = getattr(model, "__self__", model)
        before = pickle.dumps(owner)
        explain(ROWS, ROWS[0], model)
        assert pickle.dumps(owner) == before

    @pytest.mark.parametrize("build", [EXACT["a forest"], EXACT["histograms"]])
    def test_keeps_no_model_alive(self, build):
        assert_kept_alive_by_nothing(ROWS, build)

    def test_in_threads(self):
        model = forest().fit(ROWS, TARGET)
        trees._KEPT.clear()
        with ThreadPoolExecutor(8) as pool:
            weights = list(pool.map(lambda _: explain(ROWS, ROWS[0], model).surrogates[0].weights, range(16)))
        assert weights == [weights[0]] * 16

    def test_of_a_model_that_is_not_fitted(self):
        for model in (RandomForestRegressor(), GradientBoostingRegressor(), HistGradientBoostingRegressor(), Ridge()):
            with pytest.raises(Exception, match="not fitted"):
                explain(ROWS, ROWS[0], model)
