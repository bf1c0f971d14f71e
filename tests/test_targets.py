"""What is explained: log-odds, several outputs at once, scores; and sequences of rows."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from limelight import TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, InstanceError, ModelError, PredictionError

ROWS = np.random.default_rng(0).normal(size=(400, 3))
TEXTS = ["good film", "bad film", "good good plot", "bad end", "a film", "the end", "good end", "bad bad plot"]
SEQUENCES = np.random.default_rng(1).normal(size=(200, 5, 2))


# --- log-odds ------------------------------------------------------------------------------------------------------------


def test_log_odds_of_a_logistic_regression_are_its_coefficients():
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, [1, 0, 1, 0, 1, 0, 1, 0])
    vectorizer, regression = model[0], model[1]
    explainer = TextExplainer(class_names=["bad", "good"], alpha=0)
    explanation = explainer.explain_instance("good film bad plot", model, link="logit")
    expected = {word: regression.coef_[0, vectorizer.vocabulary_[word]] for word in ("good", "film", "bad", "plot")}
    assert dict(explanation.as_list()) == pytest.approx(expected, abs=1e-9)
    assert explanation.surrogate().fidelity == pytest.approx(1)
    assert explanation.output_names == ("log-odds of bad", "log-odds of good")
    assert explanation.output_kind == "scores"
    assert explanation.predictions[1] == pytest.approx(model.decision_function(["good film bad plot"])[0])
    assert explanation.default_label == 1


def test_certainty_counts_as_a_million_to_one():
    explanation = TabularExplainer(ROWS).explain_instance(
        ROWS[0], lambda rows: np.column_stack([rows[:, 0] > 0, rows[:, 0] <= 0]).astype(float), link="logit"
    )
    assert abs(explanation.predictions[0]) == pytest.approx(np.log(1e6), rel=1e-5)


def test_a_link_needs_probabilities():
    with pytest.raises(PredictionError, match=r'link="logit" needs probabilities; the model gave -\d'):
        TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: rows[:, 0], link="logit")
    with pytest.raises(ArgumentError, match="link must be one of 'identity', 'logit'; got 'probit'"):
        TabularExplainer(ROWS).explain_instance(ROWS[0], lambda rows: rows[:, 0], link="probit")


# --- several outputs -----------------------------------------------------------------------------------------------------


def test_all_labels_of_a_multilabel_classifier():
    targets = np.column_stack([ROWS[:, 0] > 0, ROWS[:, 1] > 0]).astype(int)
    model = MultiOutputClassifier(LogisticRegression()).fit(ROWS, targets)
    explainer = TabularExplainer(ROWS, class_names=["first", "second"])
    explanation = explainer.explain_instance(ROWS[0], model, num_features=1)
    assert explanation.output_names == ("first", "second")
    assert [explanation.as_map()[label][0][0] for label in (0, 1)] == [0, 1]
    assert explanation.predictions == pytest.approx([part[0, 1] for part in model.predict_proba(ROWS[:1])])


def test_outputs_of_a_forest_with_three_classes_and_two():
    targets = np.column_stack([np.digitize(ROWS[:, 0], [-0.5, 0.5]), ROWS[:, 1] > 0]).astype(int)
    model = RandomForestClassifier(20, random_state=0).fit(ROWS, targets)
    explanation = TabularExplainer(ROWS).explain_instance(ROWS[0], model, num_features=1)
    assert len(explanation.predictions) == 3 + 1
    assert explanation.labels == (0, 1, 2, 3)


def test_all_outputs_of_a_regression_are_named_and_explained():
    data = load_diabetes()
    model = RandomForestRegressor(10, random_state=0).fit(data.data, np.column_stack([data.target, data.data[:, 2]]))
    explainer = TabularExplainer(data.data, feature_names=data.feature_names, class_names=["progression", "mass"])
    explanation = explainer.explain_instance(data.data[0], model, num_features=1)
    assert explanation.output_names == ("progression", "mass")
    assert "bmi" in explanation.as_list(1)[0][0]


def test_anomaly_scores():
    model = IsolationForest(random_state=0).fit(ROWS)
    odd = np.array([6.0, 0.0, 0.0])
    explanation = TabularExplainer(ROWS).explain_instance(odd, model, num_features=1)
    assert explanation.predictions[0] == pytest.approx(model.decision_function(odd[None])[0])
    ((name, weight),) = explanation.as_list()
    assert "x0" in name
    assert weight < 0


class Matrix:
    """What xgboost's DMatrix is like: a form of rows that only its own library knows."""

    def __init__(self, rows):
        self.rows = np.asarray(rows)


class Booster:
    """What xgboost's Booster is like: no estimator, but it predicts margins, or probabilities of one class alone."""

    def __init__(self, estimator):
        self.estimator = estimator

    def predict(self, matrix, output_margin=False):
        if not isinstance(matrix, Matrix):
            raise TypeError("Expecting data to be a Matrix object")
        if output_margin:
            return self.estimator.decision_function(matrix.rows)
        return self.estimator.predict_proba(matrix.rows)[:, 1]


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
def test_raw_boosters_through_a_callable(make):
    estimator = HistGradientBoostingClassifier(max_iter=10).fit(ROWS, ROWS[:, 0] > 0)
    booster, explainer = Booster(estimator), TabularExplainer(make(ROWS))
    margins = explainer.explain_instance(ROWS[0], lambda rows: booster.predict(Matrix(rows), output_margin=True))
    assert margins.output_kind == "scores"
    assert margins.predictions[0] == estimator.decision_function(ROWS[:1])[0]
    alone = explainer.explain_instance(ROWS[0], lambda rows: booster.predict(Matrix(rows)))
    both = explainer.explain_instance(ROWS[0], lambda rows: estimator.predict_proba(np.asarray(rows)))
    assert dict(alone.as_list()) == pytest.approx(dict(both.as_list()), abs=1e-9)
    with pytest.raises(ModelError, match="Expecting data to be a Matrix object"):
        explainer.explain_instance(ROWS[0], booster)


# --- sequences -----------------------------------------------------------------------------------------------------------


def test_sequences_have_a_component_for_each_step_of_a_feature():
    def model(batch):
        assert batch.shape[1:] == (5, 2)
        return 2 * batch[:, 4, 1] - batch[:, 0, 0]

    explainer = TabularExplainer(SEQUENCES, feature_names=["level", "rate"])
    explanation = explainer.explain_instance(SEQUENCES[3], model, num_features=2)
    assert len(explanation.names) == 10
    names = " and ".join(name for name, _ in explanation.as_list())
    assert "rate_t-0" in names
    assert "level_t-4" in names
    flat = TabularExplainer(SEQUENCES.reshape(200, 10), feature_names=[cell.column for cell in explanation.view.cells])
    assert flat.explain_instance(
        SEQUENCES[3].ravel(), lambda rows: model(rows.reshape(-1, 5, 2)), num_features=2
    ).surrogates == explanation.surrogates  # fmt: skip


def test_a_categorical_feature_of_sequences_is_so_at_each_step():
    codes = SEQUENCES.copy()
    codes[..., 1] = np.random.default_rng(2).integers(0, 3, (200, 5))
    asked = []

    def model(batch):
        asked.append(batch)
        return batch[:, 2, 1]

    explainer = TabularExplainer(
        codes, feature_names=["level", "kind"], categorical_features=["kind"], categorical_names={"kind": ["a", "b", "c"]}
    )
    explanation = explainer.explain_instance(codes[0], model, num_features=1)
    assert explanation.as_list()[0][0] == f"kind_t-2={'abc'[int(codes[0, 2, 1])]}"
    assert set(np.unique(np.concatenate(asked)[..., 1])) == {0, 1, 2}


def test_sequences_of_another_shape():
    with pytest.raises(
        InstanceError, match=r"a sequence to explain must have shape \(5, 2\), as the training data; got \(2, 5\)"
    ):
        TabularExplainer(SEQUENCES).explain_instance(SEQUENCES[0].T, lambda batch: batch[:, 0, 0])
    with pytest.raises(ArgumentTypeError, match="a sequence to explain must hold numbers only"):
        TabularExplainer(SEQUENCES).explain_instance([[1.0, 2.0], [3.0]], lambda batch: batch[:, 0, 0])
    with pytest.raises(ArgumentError, match="feature_names must have 2 names; got 10"):
        TabularExplainer(SEQUENCES, feature_names=map(str, range(10)))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_sequences_as_frames(make):
    """Their columns are the features, in any order, where they bear their names."""
    explainer = TabularExplainer(SEQUENCES, feature_names=["level", "rate"])

    def explain(frame):
        return explainer.explain_instance(frame, lambda batch: batch[:, 0, 0], num_samples=50)

    steps = dict(zip(("level", "rate"), SEQUENCES[3].T, strict=True))
    expected = explain(SEQUENCES[3])
    assert explain(make(steps)) == explain(make(dict(reversed(steps.items())))) == expected
    assert explain(make(dict(zip("ab", SEQUENCES[3].T, strict=True)))) == expected
    with pytest.raises(InstanceError, match="it lacks 'level' and also has 'a'"):
        explain(make({"rate": SEQUENCES[3, :, 1], "a": SEQUENCES[3, :, 0]}))


def test_sequences_as_lists():
    explanation = TabularExplainer(SEQUENCES).explain_instance(SEQUENCES[3], lambda batch: batch[:, 0, 0], num_samples=50)
    listed = TabularExplainer(SEQUENCES.tolist())
    assert listed.explain_instance(SEQUENCES[3].tolist(), lambda batch: batch[:, 0, 0], num_samples=50) == explanation


@pytest.mark.parametrize("shape", [(2, 5), (0, 2)])
def test_samplers_of_sequences_of_another_shape(shape):
    """Turned round, a sequence has as many numbers, and they would stand in wrong places."""
    explainer = TabularExplainer(SEQUENCES, sampler=lambda count, generator: generator.normal(size=(count, *shape)))
    with pytest.raises(ArgumentError, match=r"sampler must give 49 sequences of shape \(5, 2\); got \(49, "):
        explainer.explain_instance(SEQUENCES[0], lambda batch: batch[:, 0, 0], num_samples=50)
