"""Cases in which a first look, or a first impression, would mislead."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from limelight import TabularExplainer, TextExplainer


def test_a_rare_event_is_not_taken_for_a_constant():
    rows = np.random.default_rng(0).normal(size=(1000, 6))
    explainer = TabularExplainer(rows)
    explanation = explainer.explain_instance(rows[0], lambda x: (x[:, 0] > 2.6).astype(float))
    assert explanation.num_inputs > 129
    assert any(weight != 0 for _, weight in explanation.as_list())


def test_a_token_pattern_that_reaches_across_words_takes_the_texts_themselves():
    texts = ["good^film", "bad film", "good film"]
    model = make_pipeline(CountVectorizer(token_pattern="[A-z]+"), MultinomialNB()).fit(texts, [1, 0, 1])
    quick, plain = (TextExplainer(shortcuts=on).explain_instance("good^film", model) for on in (True, False))
    assert quick.as_list() == plain.as_list()


def test_a_column_that_never_varies_has_no_distance():
    rows = np.column_stack([np.random.default_rng(0).normal(size=100), np.zeros(100)])
    explainer = TabularExplainer(rows, discretize_continuous=False)
    explanation = explainer.explain_instance([0.5, 60.0], lambda x: 2 * x[:, 0])
    assert dict(explanation.as_list())["x0"] == pytest.approx(2 * rows[:, 0].std(), rel=0.01)


def test_effective_sample_size_of_a_very_narrow_kernel_is_a_number():
    rows = np.random.default_rng(0).normal(size=(500, 30))
    explanation = TabularExplainer(rows, kernel_width=0.15).explain_instance(rows[0], lambda x: x[:, 0])
    assert 0 < explanation.effective_sample_size < explanation.num_samples


def test_a_kernel_that_leaves_weight_to_few_perturbations_has_no_intervals():
    rows = np.random.default_rng(0).normal(size=(500, 4))
    explanation = TabularExplainer(rows, kernel_width=0.05).explain_instance(
        rows[0], lambda batch: batch[:, 0], num_samples=300
    )
    codes = {warning.code for warning in explanation.warnings}
    assert codes >= {"unknown_weights", "low_effective_sample_size"}
    assert np.isnan(explanation.surrogates[0].lows).all()


def test_weights_of_nothing_within_a_narrow_kernel_have_not_converged():
    rows = np.random.default_rng(0).normal(size=(500, 4))
    explanation = TabularExplainer(rows, kernel_width=0.05).explain_instance(rows[0], lambda batch: batch[:, 0])
    assert not np.any(explanation.surrogates[0].weights)
    assert not explanation.converged
    assert "low_effective_sample_size" in {warning.code for warning in explanation.warnings}
