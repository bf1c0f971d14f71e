"""Fewer perturbations than two a component: sparse fits find what is heavy, and claim no more than they know."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from helpers.examples import run_examples

from limelight import ComponentsExplainer, TextExplainer
from limelight.stages.sparse_fit import fit_sparsely
from limelight.stages.weighted_rows import RegressionRows

WORDS = [f"word{number}" for number in range(200)]


def noise_of(text, seed=0):
    """A number in [-1, 1) for each text."""
    return zlib.crc32(f"{seed}{text}".encode()) / 2**31 - 1


def make_model(effects, noise=0.0, seed=0):
    """A model that adds up words' effects, and what no linear model follows."""

    def score(texts):
        return np.array([sum(effects.get(word, 0.0) for word in text.split()) + noise * noise_of(text, seed) for text in texts])

    return score


def draw_effects(seed, count, num_words):
    generator = np.random.default_rng(seed)
    sizes = generator.uniform(0.5, 1.0, count) * generator.choice([-1.0, 1.0], count)
    return dict(zip(generator.choice(WORDS[:num_words], count, replace=False), sizes, strict=True))


def explain(effects, num_words, *, noise=0.0, seed=0, num_samples=128, **arguments):
    explainer = TextExplainer(alpha=0, random_state=seed)
    text = " ".join(WORDS[:num_words])
    return explainer.explain_instance(text, make_model(effects, noise, seed), num_samples=num_samples, **arguments)


@pytest.mark.parametrize("seed", range(5))
def test_all_ten_effects_of_200_words_are_found_from_128_inputs(seed):
    effects = draw_effects(seed, 10, 200)
    explanation = explain(effects, 200, seed=seed)
    assert dict(explanation.as_list()) == pytest.approx(effects, abs=1e-8)
    assert explanation.converged
    assert explanation.surrogates[0].fidelity == pytest.approx(1, abs=1e-8)


def test_of_pure_noise_nothing_is_claimed():
    explanations = [explain({}, 150, noise=1.0, seed=seed) for seed in range(40)]
    are_sure = [
        any(low > 0 or high < 0 for low, high in zip(surrogate.lows, surrogate.highs, strict=True))
        for explanation in explanations
        for surrogate in explanation.surrogates
    ]
    assert sum(are_sure) <= 6  # of lists, each with ten intervals: 5 % are expected, and more have a probability of 1 %
    assert {explanation.verdict().level for explanation in explanations} == {"poor"}
    assert not any(explanation.converged for explanation in explanations)
    assert all(np.isnan(explanation.surrogates[0].top_probabilities).all() for explanation in explanations)


@pytest.mark.parametrize(("num_words", "noise"), [(100, 0.3), (100, 2.0), (180, 1.0)])
def test_intervals_hold_the_effects(num_words, noise):
    inside, outside = [], []
    for seed in range(40):
        effects = draw_effects(seed, 8, num_words)
        surrogate = explain(effects, num_words, noise=noise, seed=seed)
        names = surrogate.names
        (surrogate,) = surrogate.surrogates
        for component, low, high in zip(surrogate.components, surrogate.lows, surrogate.highs, strict=True):
            effect = effects.get(names[component], 0.0)
            (inside if effect else outside).append(low <= effect <= high)
    assert np.mean(inside) > 0.92
    assert np.mean(outside) > 0.97


def test_weights_have_no_bias_where_the_model_is_not_linear():
    """The mean weight of a word is that of many inputs, although the lasso's own is smaller."""
    words = WORDS[:60]

    def score(texts):
        return np.array([1.0 * ("word1 " in text) * ("word2 " in text) + 0.3 * ("word3 " in text) for text in texts])

    text = " ".join(words) + " "
    of_many = TextExplainer(alpha=0, feature_selection="none").explain_instance(text, score, num_samples=30_000)
    expected = np.array([weight for _, weight in sorted(of_many.as_map()[0])])
    runs = []
    for seed in range(60):
        explainer = TextExplainer(alpha=0, feature_selection="none", random_state=seed)
        runs.append([weight for _, weight in sorted(explainer.explain_instance(text, score, num_samples=100).as_map()[0])])
    errors = np.std(runs, axis=0, ddof=1) / np.sqrt(len(runs))
    assert (np.abs(np.mean(runs, axis=0) - expected) < 4 * errors).all()


def test_fidelity_is_that_of_new_perturbations():
    effects = draw_effects(3, 8, 120)
    model, text = make_model(effects, 1.0), " ".join(WORDS[:120])
    (surrogate,) = TextExplainer(alpha=0).explain_instance(text, model, num_samples=128).surrogates
    new = TextExplainer(alpha=0, random_state=1, feature_selection="none")
    many = new.explain_instance(text, model, num_samples=8000)
    assert surrogate.fidelity <= many.surrogates[0].fidelity + 2 * surrogate.fidelity_error


class TestWhichFit:
    text = " ".join(WORDS[:100])
    model = staticmethod(make_model({"word1": 1.0, "word2": -0.5}, 0.1))

    def explain(self, **arguments):
        return TextExplainer().explain_instance(self.text, self.model, **arguments)

    @pytest.mark.parametrize("arguments", [{"num_samples": 100}, {"num_samples": 200}, {"max_samples": 150}])
    def test_sparse_where_perturbations_stay_too_few(self, arguments):
        explanation = self.explain(**arguments)
        assert explanation.provenance.design == "tilted_masks"
        (notice,) = [notice for notice in explanation.notices if notice.code == "sparse_fit"]
        assert "of 100 components" in notice.message
        (name,) = arguments  # what was given serves: the other would be a change of method
        assert f"Give {name} of at least 201, or fewer components." in notice.message
        assert "sparse_fit" not in {notice.code for notice in self.explain(**{name: 201}).notices}
        assert notice.level == "information"

    @pytest.mark.parametrize("arguments", [{"num_samples": 201}, {"max_samples": 300}, {}, {"num_samples": 20}])
    def test_full_where_they_are_enough_or_hardly_any(self, arguments):
        explanation = self.explain(**arguments)
        assert explanation.provenance.design == "complements"
        assert "sparse_fit" not in {notice.code for notice in explanation.notices}

    def test_independent_draws_stay_independent(self):
        explanation = TextExplainer(design="iid").explain_instance(self.text, self.model, num_samples=128)
        assert explanation.provenance.design == "iid"
        assert {name for name, _ in explanation.as_list()[:2]} == {"word1", "word2"}

    def test_kernels_of_ones_own_keep_the_other_fit(self):
        explainer = TextExplainer(kernel=lambda distances, width: np.exp(-distances / width))
        explanation = explainer.explain_instance(self.text, self.model, num_samples=128)
        assert explanation.provenance.design == "complements"

    def test_texts_of_very_many_words_keep_the_other_fit(self):
        text = " ".join(f"w{number}" for number in range(1001))
        explanation = TextExplainer().explain_instance(text, self.model, num_samples=40)
        assert explanation.provenance.design == "complements"

    @pytest.mark.parametrize("selection", ["forward_selection", "highest_weights", "lasso_path", "none"])
    def test_every_way_to_choose(self, selection):
        explainer = TextExplainer(feature_selection=selection)
        explanation = explainer.explain_instance(self.text, self.model, num_samples=128, num_features=3)
        assert {name for name, _ in explanation.as_list()[:2]} == {"word1", "word2"}

    def test_several_labels(self):
        def model(texts):
            first, second = self.model(texts), make_model({"word7": 1.0})(texts)
            return np.stack([first, second], axis=1)

        explanation = TextExplainer(mode="regression").explain_instance(self.text, model, num_samples=128)
        assert explanation.as_list(0)[0][0] == "word1"
        assert explanation.as_list(1)[0][0] == "word7"

    def test_a_batch_gives_the_same_bits(self):
        texts = [self.text, " ".join(WORDS[100:200])]
        together = TextExplainer().explain_many(texts, self.model, num_samples=128)
        assert list(together) == [TextExplainer().explain_instance(text, self.model, num_samples=128) for text in texts]

    def test_other_parts_than_words(self):
        explainer = ComponentsExplainer(alpha=0)
        explanation = explainer.explain_instance(Switches(), lambda masks: masks[:, 5] - 2.0 * masks[:, 7], num_samples=80)
        assert explanation.provenance.design == "tilted_masks"
        assert dict(explanation.as_list()[:2]) == pytest.approx({"switch 7": -2.0, "switch 5": 1.0}, abs=1e-8)


class Switches:
    """Parts that are nothing but on or off."""

    names = tuple(f"switch {number}" for number in range(90))

    def compose(self, masks):
        return masks.astype(float)


class TestSparseFit:
    def rows(self, outputs, masks):
        return RegressionRows(masks, outputs[:, None], np.ones(len(masks)), np.zeros(len(masks), dtype=int))

    def test_constant_outputs_have_no_weights(self):
        masks = np.random.default_rng(0).integers(0, 2, (40, 60)).astype(float)
        rows = self.rows(np.full(40, 0.1), masks)
        assert not fit_sparsely(rows, np.ones(40, dtype=bool), 0).any()

    def test_equal_and_constant_components(self):
        masks = np.random.default_rng(0).integers(0, 2, (40, 60)).astype(float)
        masks[:, 4], masks[:, 9] = masks[:, 3], 1.0
        weights = fit_sparsely(self.rows(3 * masks[:, 3], masks), np.ones(40, dtype=bool), 0)
        assert weights[3] + weights[4] == pytest.approx(3)
        assert weights[9] == 0

    def test_left_out_rows_do_not_count(self):
        masks = np.random.default_rng(0).integers(0, 2, (48, 60)).astype(float)
        outputs = masks[:, 3].copy()
        kept = np.arange(48) >= 8
        outputs[~kept] = 1e6
        weights = fit_sparsely(self.rows(outputs, masks), kept, 0)
        assert weights[3] == pytest.approx(1)
        assert np.count_nonzero(weights) == 1


def test_examples_of_the_guide():
    run_examples("docs/text.md", "Few inputs", count=2)
