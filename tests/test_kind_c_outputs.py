"""What a model's outputs are: certain from the model, or from the user, or assumed and said."""

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from limelight import TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, PredictionError

ROWS = np.random.default_rng(5).normal(size=(300, 3))
TWO = np.where(ROWS[:, 0] > 0, "sick", "healthy")
THREE = np.array(["ash", "birch", "cedar"])[np.digitize(ROWS[:, 0], [-0.5, 0.5])]
SHARES = np.exp(ROWS) / np.exp(ROWS).sum(axis=1, keepdims=True)
TEXTS = ["good film", "bad film", "good good plot", "bad end", "a film", "the end", "good end", "bad bad plot"]


def explain(model, row=ROWS[0], **options):
    arguments = {name: options.pop(name) for name in ("labels", "top_labels") if name in options}
    return TabularExplainer(ROWS, **options).explain_instance(row, model, num_samples=200, **arguments)


def codes(explanation, level=None):
    return [notice.code for notice in explanation.notices if level in (None, notice.level)]


def softmax(rows):
    powers = np.exp(rows)
    return powers / powers.sum(axis=1, keepdims=True)


# --- regressions, classes, and functions of which neither is known --------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda model: model, lambda model: model.predict, lambda model: functools.partial(model.predict)]
)
@pytest.mark.parametrize(
    "regressor",
    [
        KNeighborsRegressor(5),
        make_pipeline(StandardScaler(), RandomForestRegressor(5, random_state=0)),
        GridSearchCV(RandomForestRegressor(5, random_state=0), {"max_depth": [2, 3]}, cv=2),
    ],
)
def test_kind_c_a_regressor_of_shares_is_not_taken_for_classes(regressor, make):
    model = regressor.fit(ROWS, SHARES)
    assert model.predict(ROWS).sum(axis=1) == pytest.approx(1)
    explanation = explain(make(model))
    assert explanation.output_kind == "scores"
    assert explanation.labels == (0, 1, 2)
    assert "taken_for_probabilities" not in codes(explanation)


def test_the_user_has_the_last_word_about_shares():
    model = KNeighborsRegressor(5).fit(ROWS, SHARES)
    assert explain(model, mode="classification").output_kind == "probabilities"
    assert explain(softmax, mode="regression").labels == (0, 1, 2)
    assert codes(explain(softmax, mode="regression"), "information") == []


def test_a_function_whose_outputs_sum_to_one_is_taken_for_probabilities_and_it_is_said():
    explanation = explain(softmax)
    assert explanation.output_kind == "probabilities"
    assert len(explanation.labels) == 1
    assert codes(explanation, "information") == ["taken_for_probabilities"]
    assert 'give mode="regression"' in explanation.notices[-1].message
    assert codes(explain(softmax, mode="classification"), "information") == []
    assert codes(explain(softmax, class_names=["sand", "silt", "clay"]), "information") == []


def test_numbers_below_zero_are_no_classes():
    explanation = explain(lambda rows: np.digitize(rows[:, 0], [-0.5, 0.5]) - 1)
    assert explanation.output_kind == "scores"
    assert codes(explanation, "information") == []


@pytest.mark.parametrize(
    "make", [lambda model: model, lambda model: model.predict_proba, lambda model: functools.partial(model.predict_proba)]
)
@pytest.mark.parametrize(
    "classifier",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
        OneVsRestClassifier(LogisticRegression()),
    ],
)
def test_a_classifier_is_certain(classifier, make):
    explanation = explain(make(classifier.fit(ROWS, THREE)))
    assert explanation.output_kind == "probabilities"
    assert explanation.output_names == ("ash", "birch", "cedar")
    assert codes(explanation, "information") == []


@pytest.mark.parametrize(
    ("model", "code", "advice"),
    [
        (lambda rows: 100 * softmax(rows), "percentages", "divide them by 100"),
        (lambda rows: np.log(softmax(rows)), "log_probabilities", "give their exponentials"),
        (lambda rows: softmax(rows).round(2), "almost_probabilities", 'give mode="classification"'),
        (lambda rows: np.digitize(rows[:, 0], [-0.5, 0.5]), "whole_numbers", "give a model of probabilities"),
        (lambda rows: np.digitize(rows[:, 0], [0]) + 1, "whole_numbers", "give a model of probabilities"),
    ],
)
def test_scores_that_look_like_something_else_are_noted(model, code, advice):
    explanation = explain(model)
    assert explanation.output_kind == "scores"
    assert codes(explanation, "information") == [code]
    assert advice in next(notice.message for notice in explanation.notices if notice.code == code)
    assert codes(explain(model, mode="regression"), "information") == []


@pytest.mark.parametrize(
    "model",
    [
        lambda rows: rows[:, 0] > 0,
        lambda rows: np.sign(rows[:, 0]),
        lambda rows: rows,
        lambda rows: rows[:, 0],
        lambda rows: np.full((len(rows), 1), 1.0),
        lambda rows: np.abs(rows),
    ],
)
def test_other_scores_need_no_word(model):
    assert codes(explain(model), "information") == []
    assert explain(model).output_kind == "scores"


def test_rounded_probabilities_are_probabilities_if_the_user_says_so():
    explanation = explain(lambda rows: softmax(rows).round(2), mode="classification")
    assert explanation.output_kind == "probabilities"
    assert len(explanation.labels) == 1


def test_half_precision_does_not_make_probabilities_scores():
    assert explain(lambda rows: softmax(rows).astype(np.float16)).output_kind == "probabilities"


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        MLPClassifier((4,), max_iter=5, random_state=0),
        make_pipeline(MLPClassifier((4,), max_iter=5)),
    ],
)
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_labels_that_may_all_be_true_are_scores_even_if_they_sum_to_one(model):
    opposites = np.column_stack([ROWS[:, 0] > 0, ROWS[:, 0] <= 0]).astype(int)
    model.fit(ROWS, opposites)
    explanation = explain(model)
    assert explanation.output_kind == "scores"
    assert explanation.labels == (0, 1)


def test_a_decision_function_is_scores_and_knows_its_classes():
    model = SVC().fit(ROWS, THREE)
    explanation = explain(model.decision_function)
    assert explanation.output_kind == "scores"
    assert explanation.output_names == ("ash", "birch", "cedar")
    pairs = SVC(decision_function_shape="ovo").fit(ROWS, THREE)
    explanation = explain(pairs)
    assert explanation.output_names == ("ash over birch", "ash over cedar", "birch over cedar")
    assert (explanation.predictions[1] > 0) is (pairs.predict(ROWS[:1])[0] == "ash") or "cedar" not in pairs.predict(ROWS[:1])


# --- several outputs ------------------------------------------------------------------------------------------------------


def test_kind_c_no_head_is_dropped():
    targets = np.column_stack([np.where(ROWS[:, 0] > 0, "wet", "dry"), np.where(ROWS[:, 0] > 0, "cold", "warm")])
    model = MultiOutputClassifier(LogisticRegression()).fit(ROWS, targets)
    explanation = explain(model)
    assert explanation.output_names == ("output 0: wet", "output 1: warm")
    assert explanation.predictions == pytest.approx([head[0, 1] for head in model.predict_proba(ROWS[:1])])
    assert sum(explanation.predictions) == pytest.approx(1)  # and still these are no classes that exclude each other
    assert explanation.output_kind == "scores"
    assert explanation.labels == (0, 1)


def test_heads_of_flags_and_of_classes():
    targets = np.column_stack([ROWS[:, 0] > 0, np.digitize(ROWS[:, 1], [-0.5, 0.5])]).astype(int)
    model = RandomForestClassifier(10, random_state=0).fit(ROWS, targets)
    explanation = explain(model.predict_proba)
    assert explanation.output_names == ("output 0", "output 1: 0", "output 1: 1", "output 1: 2")
    heads = model.predict_proba(ROWS[:1])
    assert explanation.predictions == (heads[0][0, 1], *heads[1][0])


def test_a_chain_of_classifiers():
    targets = np.column_stack([ROWS[:, 0] > 0, ROWS[:, 1] > 0]).astype(int)
    model = ClassifierChain(LogisticRegression()).fit(ROWS, targets)
    explanation = explain(model)
    assert explanation.labels == (0, 1)
    assert explanation.predictions == pytest.approx(model.predict_proba(ROWS[:1])[0])


@pytest.mark.parametrize("make", [list, tuple])
def test_several_arrays_of_a_function_are_refused_and_the_advice_works(make):
    def model(rows):
        return make([rows[:, :2] * 2, softmax(rows)])

    with pytest.raises(
        PredictionError, match=r"it gave 2, of shapes \(\d+, 2\), \(\d+, 3\)\. To explain all columns give lambda"
    ):
        explain(model)
    explanation = explain(lambda batch: np.concatenate(model(batch), axis=1))
    assert explanation.labels == (0, 1, 2, 3, 4)
    assert explain(lambda batch: model(batch)[0]).predictions == tuple(2 * ROWS[0, :2])
    assert explain(lambda rows: make([softmax(rows)])).predictions == pytest.approx(softmax(ROWS[:1])[0])


def test_an_answer_of_three_axes_is_refused_and_the_advice_works():
    def model(rows):
        return np.stack([rows, -rows], axis=2)

    with pytest.raises(PredictionError, match=r"it gave shape \(\d+, 3, 2\)\. Give a function that makes a row of each input"):
        explain(model)
    assert explain(lambda batch: model(batch).reshape(len(batch), -1)).labels == tuple(range(6))


def test_thirty_outputs_are_explained_and_five_are_printed():
    explanation = explain(LinearRegression().fit(ROWS, ROWS @ np.random.default_rng(0).normal(size=(3, 30))))
    assert explanation.labels == tuple(range(30))
    assert str(explanation).count("fidelity") == 5
    assert str(explanation).endswith('25 more outputs are explained; print(explanation.render("terminal")) shows all.')
    assert explanation.render("terminal").count("fidelity") == 30
    assert "more outputs are explained" not in str(explain(lambda rows: np.hstack([rows, rows[:, :2]]))), "five fit"


def test_the_default_label_is_always_printed():
    explanation = explain(lambda rows: softmax(rows @ np.tile(np.eye(3), 3)), labels=range(9))
    default = explanation.output_names[explanation.default_label]
    assert f"class {default}: model" in str(explanation)


# --- predict of a classifier -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classifier", "method"),
    [
        (LogisticRegression(), "predict_proba"),
        (RidgeClassifier(), "decision_function"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "predict_proba"),
        (GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), "decision_function"),
    ],
)
@pytest.mark.parametrize("targets", [TWO, ROWS[:, 0] > 0, np.digitize(ROWS[:, 0], [-0.5, 0.5])])
def test_predict_of_a_classifier_is_refused_and_the_advice_works(classifier, method, targets):
    model = classifier.fit(ROWS, targets)
    kind = type(model).__name__
    with pytest.raises(
        ArgumentError, match=f"the method predict of a {kind}, .* Give the {kind} itself, or its method {method}"
    ):
        explain(model.predict)
    assert explain(model) == explain(getattr(model, method))


def test_a_model_that_gives_classes_only_is_explained_as_classes():
    model = VotingClassifier([("one", LogisticRegression()), ("two", RidgeClassifier())]).fit(ROWS, THREE)
    explanation = explain(model)
    assert explanation == explain(model.predict)
    assert explanation.output_names == ("ash", "birch", "cedar")
    assert explanation.output_kind == "probabilities"
    assert explanation.output_names[explanation.default_label] == model.predict(ROWS[:1])[0]
    assert sorted(explanation.predictions) == [0.0, 0.0, 1.0]
    assert codes(explanation, "information") == ["classes_only"]


@pytest.mark.parametrize("labels", [["sick", "healthy"], ["1", "2"], np.array(["a", "b"], object), [b"1", b"2"]])
def test_texts_are_no_numbers(labels):
    """Not even those that can be read as numbers."""
    advice = r"it has texts, such as b?'.+'\. If they are classes, give a function that returns their probabilities"
    with pytest.raises(PredictionError, match=advice):
        explain(lambda rows: np.asarray(labels)[(rows[:, 0] > 0).astype(int)])


def test_times_are_no_numbers():
    with pytest.raises(PredictionError, match="times are no numbers"):
        explain(lambda rows: rows[:, 0].astype("m8[s]"))


def test_a_class_of_the_users_own():
    class Rule:
        classes_ = ("no", "yes")

        def predict(self, rows):
            return np.where(rows[:, 0] > 0, "yes", "no")

        def predict_proba(self, rows):
            return np.column_stack([rows[:, 0] <= 0, rows[:, 0] > 0])

    with pytest.raises(ArgumentError, match="the method predict of a Rule"):
        explain(Rule().predict)
    assert explain(Rule()).output_names == ("no", "yes")

    class OnlyClasses(ClassifierMixin, BaseEstimator):
        classes_ = np.array([3, 7])

        def predict(self, rows):
            return np.where(rows[:, 0] > 0, 7, 3)

    explanation = explain(OnlyClasses())
    assert explanation.output_names == ("3", "7")
    assert explanation.surrogate(1).intercept >= -1


# --- names of classes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda model: model,
        lambda model: model.predict_proba,
        lambda model: make_pipeline(StandardScaler(), model).fit(ROWS, TWO),
        lambda model: GridSearchCV(model, {"C": [1.0]}, cv=2).fit(ROWS, TWO).predict_proba,
        lambda model: model.decision_function,
    ],
)
def test_kind_c_class_names_in_another_order_than_the_models_are_refused(make):
    model = make(LogisticRegression().fit(ROWS, TWO))
    for names in (["sick", "healthy"], ["Sick", "healthy "], {0: "sick", 1: "healthy"}, ["sick", "fine"]):
        with pytest.raises(
            ArgumentError, match="class_names must be in the order of the model's classes, 'healthy', 'sick'; got"
        ):
            explain(model, class_names=names)
    explanation = explain(model, class_names=["healthy", "sick"])
    assert codes(explanation, "caution") == codes(explain(model), "caution")


def test_class_names_of_a_text_pipeline():
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["pro", "contra"] * 4)
    with pytest.raises(ArgumentError, match="'contra', 'pro'; got 'pro', 'contra'"):
        TextExplainer(class_names=["pro", "contra"]).explain_instance(TEXTS[0], model.predict_proba)


def test_three_classes_of_which_two_are_swapped():
    model = LogisticRegression().fit(ROWS, THREE)
    with pytest.raises(ArgumentError, match="'ash', 'birch', 'cedar'; got 'ash', 'cedar', 'birch'"):
        explain(model, class_names=["ash", "cedar", "birch"])


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (ROWS[:, 0] > 0, [True, False]),
        (ROWS[:, 0] > 0, ["true", "false"]),
        ((ROWS[:, 0] > 0).astype(int), [1, 0]),
        ((ROWS[:, 0] > 0).astype(float), ["1", "0"]),
        (np.where(ROWS[:, 0] > 0, 1, -1), ["1", "-1"]),
        (np.where(ROWS[:, 0] > 0, 2, 1), ["0", "1"]),
    ],
)
def test_numbers_in_another_order_are_refused(targets, names):
    with pytest.raises(ArgumentError, match="class_names must be in the order of the model's classes"):
        explain(LogisticRegression().fit(ROWS, targets), class_names=names)


def test_translated_names_are_noted_with_the_class_that_each_was_given_to():
    explanation = explain(LogisticRegression().fit(ROWS, TWO), class_names=["gesund", "krank"])
    assert explanation.output_names == ("gesund", "krank")
    (notice,) = [notice for notice in explanation.warnings if notice.code == "renamed_classes"]
    assert notice.level == "caution"
    assert "'healthy' is called 'gesund', 'sick' is called 'krank'" in notice.message


@pytest.mark.parametrize(
    ("low", "high", "level"),
    [(0, 1, None), (False, True, None), (0.0, 1.0, None), (1, 2, "information"), (-1, 1, "information")],
)
def test_names_of_numbered_classes(low, high, level):
    explanation = explain(LogisticRegression().fit(ROWS, np.where(ROWS[:, 0] > 0, high, low)), class_names=["no", "yes"])
    assert explanation.output_names == ("no", "yes")
    assert [notice.level for notice in explanation.notices if notice.code == "renamed_classes"] == [level] * (level is not None)


def test_numbers_that_were_encoded_from_0():
    model = LogisticRegression().fit(ROWS, np.digitize(ROWS[:, 0], [-0.5, 0.5]))
    explanation = explain(model, class_names=["1", "2", "3"])
    assert "'0' is called '1'" in next(notice.message for notice in explanation.notices if notice.code == "renamed_classes")


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], []])
def test_another_number_of_names_is_refused(names):
    with pytest.raises(ArgumentError, match=f"for each of the model's 2 outputs .'healthy', 'sick'.; got {len(names)}"):
        explain(LogisticRegression().fit(ROWS, TWO), class_names=names)


def test_one_score_of_a_function_is_said_to_be_the_second_class():
    explanation = explain(lambda rows: rows[:, 0], class_names=["calm", "storm"])
    assert explanation.output_names == ("storm",)
    assert codes(explanation, "information") == ["second_class"]
    assert "second_class" not in codes(explain(SVC().fit(ROWS, TWO)))


def test_a_name_that_classes_share_is_noted_where_it_matters():
    names = ["crane", "heron", "crane"]
    explanation = explain(softmax, class_names=names, labels=[2])
    assert "Several outputs are called 'crane': 0, 2." in [notice.message for notice in explanation.warnings]
    assert "shared_name" not in codes(explain(softmax, class_names=names, labels=[1]))


def test_labels_that_are_names_of_other_classes_are_noted():
    model = LogisticRegression().fit(ROWS, np.digitize(ROWS[:, 0], [-0.5, 0.5]) + 1)
    explanation = explain(model, labels=[1])
    assert "label 1 is the class '2'" in next(n.message for n in explanation.warnings if n.code == "numbers_as_labels")
    assert "numbers_as_labels" not in codes(explain(model))
    assert "numbers_as_labels" not in codes(explain(LogisticRegression().fit(ROWS, TWO), labels=[1]))


# --- names of columns --------------------------------------------------------------------------------------------------------


def test_feature_names_in_another_order_than_the_models_are_refused():
    frame = pd.DataFrame(ROWS, columns=["age", "dose", "weight"])
    model = LogisticRegression().fit(frame, TWO)
    explainer = TabularExplainer(ROWS, feature_names=["age", "weight", "dose"])
    with pytest.raises(ArgumentError, match="'weight' is column 1 of feature_names, and column 2 of the model's"):
        explainer.explain_instance(ROWS[0], model)
    with pytest.raises(ArgumentError, match="feature_names must be in the order of the columns that the model was fitted to"):
        explainer.explain_instance(ROWS[0], make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, TWO).predict_proba)
    as_fitted = LogisticRegression().fit(ROWS, TWO)
    assert explainer.explain_instance(ROWS[0], as_fitted).names
    for names in (["Alter", "Dosis", "Gewicht"], None, ["age", "dose", "weight"]):
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            assert TabularExplainer(ROWS, feature_names=names).explain_instance(ROWS[0], model, num_samples=50).names
