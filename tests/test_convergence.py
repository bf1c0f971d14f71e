"""When "auto" ends, and how well weights are settled then: intervals of 95 % hold, and "converged" means what was asked for."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, Convergence, TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.results.convergence import find_convergence

WORDS = [f"w{number}" for number in range(60)]
TEXT = " ".join(WORDS)
EFFECTS = {"w0": 1.0, "w1": 0.9, "w2": 0.8, "w3": 0.5, "w4": 0.5}


def noisy(texts, noise=1.0):
    """Effects of five words, the last two equal, and a number for each text that no surrogate follows."""
    present = [set(text.split()) for text in texts]
    sums = [sum(effect for word, effect in EFFECTS.items() if word in words) for words in present]
    return np.array(sums) + noise * np.array([zlib.crc32(text.encode()) / 2**32 for text in texts])


def explain(num_features, *, options=None, **call):
    return TextExplainer(**(options or {})).explain_instance(TEXT, noisy, num_features=num_features, **call)


class Noise:
    """Parts without effects, and a number for each mask."""

    def __init__(self, seed):
        self.names = [f"p{number}" for number in range(30)]
        self.seed = seed

    def compose(self, masks):
        return masks

    def answer(self, masks):
        texts = [bytes(mask) + bytes([self.seed % 256, self.seed // 256]) for mask in np.asarray(masks, dtype=np.uint8)]
        return 2.0 * masks[:, 0] + np.array([zlib.crc32(text) / 2**32 for text in texts])


def test_intervals_hold_where_auto_ends():
    held = []
    for seed in range(300):
        parts = Noise(seed)
        explainer = ComponentsExplainer(random_state=seed, alpha=0, tolerance=0.05)
        explanation = explainer.explain_instance(parts, parts.answer, num_features=1, max_samples=5000)
        assert explanation.num_samples < 5000
        assert explanation.converged
        assert explanation.confidence == 0.95
        surrogate = explanation.surrogate()
        assert surrogate.components == (0,)
        held.append(surrogate.lows[0] <= 2.0 <= surrogate.highs[0])
    assert 0.9 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("certainty", [0.9, 0.99])
def test_auto_ends_once_the_list_is_certain(certainty):
    explanation = explain(3, options={"certainty": certainty})
    assert explanation.converged
    assert set(explanation.surrogate().components) == {0, 1, 2}
    assert min(explanation.surrogate().top_probabilities) >= certainty
    assert explanation.num_samples < explain(3).num_samples
    assert explanation.provenance.certainty == certainty
    assert f"its sign is right, with a probability of {certainty:g} or more" in explanation.as_html()


def test_what_is_said_to_be_certain_is_right():
    explanations = [explain(3, options={"certainty": 0.95, "random_state": seed}) for seed in range(25)]
    right = [set(one.surrogate().components) == {0, 1, 2} for one in explanations if one.converged]
    assert len(right) >= 20
    assert np.mean(right) >= 0.9


def test_all_listed_components_must_have_a_certain_sign():
    rows = np.random.default_rng(1).normal(size=(300, 6))
    explainer = TabularExplainer(rows, certainty=0.95, shortcuts=False)
    explanation = explainer.explain_instance(rows[0], lambda asked: 3 * asked[:, 0] - 2 * asked[:, 1] + asked[:, 2])
    surrogate = explanation.surrogate()
    assert len(surrogate.components) == 6
    assert not explanation.converged  # three columns have no effect, and so no certain sign
    assert explanation.num_samples == 5000
    (notice,) = [one for one in explanation.notices if one.code == "uncertain_list"]
    assert "may be wrong: the probability is" in notice.message
    assert "list certain no" in str(explanation)
    effects = explainer.explain_instance(rows[0], lambda asked: asked @ [3.0, -2.0, 1.0, 0.5, -0.5, 0.3])
    assert effects.converged
    assert min(effects.surrogate().sign_probabilities) >= 0.95


def test_a_list_whose_end_is_a_tie_does_not_become_certain():
    explanation = explain(4, options={"certainty": 0.999, "random_state": 3}, max_samples=1000)
    assert not explanation.converged
    (notice,) = [one for one in explanation.notices if one.code == "uncertain_list"]
    assert "is among the heaviest: the probability is" in notice.message
    assert notice.message.endswith("Give another num_features, or max_samples=4000.")
    assert "some component may not be among the heaviest" in explanation.as_html()


def test_a_list_whose_certainty_is_not_known_says_so():
    explainer = TextExplainer(certainty=0.9)
    explanation = explainer.explain_instance(TEXT, noisy, model_regressor=Ridge(), max_samples=300)
    assert not explanation.converged
    (notice,) = [one for one in explanation.notices if one.code == "uncertain_list"]
    assert "How certain the list is, is not known" in notice.message


def test_a_constant_model_leaves_nothing_uncertain():
    explanation = TextExplainer(certainty=0.9).explain_instance(TEXT, lambda texts: np.ones(len(texts)))
    assert explanation.converged


def test_an_exact_list_is_certain():
    explanation = TextExplainer(certainty=0.999).explain_instance(
        "a good film", lambda texts: ["good" in text for text in texts]
    )
    assert explanation.is_exact
    assert explanation.converged


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"certainty": 1}, "certainty must be below 1, since chance is never ruled out; got 1"),
        ({"certainty": 0}, "certainty must be a finite number above 0; got 0"),
        (
            {"certainty": 0.9, "feature_selection": "lasso_path"},
            "components must be chosen by their weights; got feature_selection='lasso_path'. Leave it out",
        ),
    ],
)
def test_certainties_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        TextExplainer(**options)


def test_a_certainty_is_a_number():
    with pytest.raises(ArgumentTypeError, match="certainty must be a finite number above 0; got 'high'"):
        TextExplainer(certainty="high")


def test_max_samples_is_where_auto_ends():
    explainer = TextExplainer(tolerance=1e-4)
    counts = [explainer.explain_instance(TEXT, noisy, max_samples=most).num_samples for most in (2, 100, 300, 7001)]
    assert counts == [2, 100, 300, 7001]
    assert explainer.explain_instance(TEXT, noisy).num_samples <= 5000


def test_max_samples_leaves_the_penalty_as_it_is():
    rows = np.random.default_rng(0).normal(size=(300, 3))
    explainer = TabularExplainer(rows, discretize_continuous=False, shortcuts=False, tolerance=1e-9, alpha=500)
    few, many = (explainer.explain_instance(rows[0], lambda x: x[:, 0], max_samples=most) for most in (2000, 40_000))
    given = explainer.explain_instance(rows[0], lambda x: x[:, 0], num_samples=40_000)
    assert few.provenance.nominal_draws == many.provenance.nominal_draws == 5000
    assert few.as_list()[0][1] == pytest.approx(many.as_list()[0][1], rel=2e-3)
    assert given.as_list()[0][1] > 1.05 * many.as_list()[0][1]


@pytest.mark.parametrize("call", [{"num_samples": 100, "max_samples": 200}, {"num_samples": 300, "max_samples": 300}])
def test_a_number_has_no_other_end(call):
    with pytest.raises(ArgumentError, match='max_samples is where num_samples="auto" ends; got num_samples='):
        explain(3, **call)


@pytest.mark.parametrize(
    ("most", "error", "message"),
    [
        (1, ArgumentError, "max_samples must be an integer of at least 2; got 1"),
        ("many", ArgumentTypeError, "max_samples must be an integer of at least 2; got 'many'"),
    ],
)
def test_a_bad_end_is_refused(most, error, message):
    with pytest.raises(error, match=message):
        explain(3, max_samples=most)


@pytest.mark.parametrize("options", [{"tolerance": 0.2}, {"certainty": 0.9}])
def test_a_batch_ends_where_single_calls_end(options):
    rows = np.random.default_rng(1).normal(size=(400, 5))

    def model(asked):
        return asked[:, 0] + np.sin(3 * asked[:, 1]) * asked[:, 2]

    explainer = TabularExplainer(rows, shortcuts=False, **options)
    many = explainer.explain_many(rows[:6], model, num_features=2, max_samples=3000)
    assert list(many) == [explainer.explain_instance(row, model, num_features=2, max_samples=3000) for row in rows[:6]]


@pytest.mark.parametrize("tolerance", [0.02, 0.05, 0.2])
def test_convergence_means_the_same_for_a_number_and_for_auto(tolerance):
    auto = explain(5, options={"tolerance": tolerance})
    given = explain(5, options={"tolerance": tolerance}, num_samples=auto.num_samples)
    for explanation in (auto, given):
        settled, surrogate = explanation.convergence(), explanation.surrogate()
        widths = np.array(surrogate.highs) - np.array(surrogate.weights)  # all weights are above 0
        assert settled.reaches == pytest.approx(widths / max(surrogate.weights))
        assert settled.reach == max(settled.reaches)
        assert explanation.converged == (settled.level == "yes") == (settled.reach <= tolerance * (1 + 1e-9))
    assert auto.confidence == given.confidence


def surrogate_of(weights, half_widths):
    explanation = TextExplainer().explain_instance("a b", lambda texts: np.array([len(text) for text in texts]))
    weights, half_widths = np.array(weights), np.array(half_widths)
    away, towards = half_widths, 3 * half_widths  # chance may have made a weight heavy
    lows = weights - np.where(weights > 0, towards, away)
    highs = weights + np.where(weights > 0, away, towards)
    return replace(explanation.surrogate(), weights=tuple(weights), lows=tuple(lows), highs=tuple(highs))


@pytest.mark.parametrize(
    ("weights", "half_widths", "levels", "level"),
    [
        ([2.0, -1.0], [0.1, 0.02], ("yes", "yes"), "yes"),
        ([-2.0, 1.0], [0.1, 0.15], ("yes", "nearly"), "nearly"),
        ([2.0, -1.0], [0.1, 0.21], ("yes", "no"), "no"),
        ([2.0, -1.0], [0.1, np.nan], ("yes", "no"), "no"),
        ([0.0, 0.0], [0.0, 0.0], ("yes", "yes"), "yes"),
        ([0.0, 0.0], [0.1, 0.0], ("no", "yes"), "no"),
    ],
)
def test_each_weight_is_settled_nearly_or_not(weights, half_widths, levels, level):
    settled = find_convergence(surrogate_of(weights, half_widths), 0.05, is_known=True)
    assert (settled.levels, settled.level) == (levels, level)
    assert isinstance(settled, Convergence)
    assert find_convergence(surrogate_of(weights, half_widths), 0.05, is_known=False).level == "no"


def test_nearly_says_how_far():
    explanation = explain(5, num_samples=1000, options={"tolerance": 0.06})
    settled = explanation.convergence()
    assert settled.level == "nearly"
    assert str(settled) == f"nearly: within {100 * settled.reach:.2g} % of the heaviest weight, not 6 %"
    assert "the tolerance is 0.06" in explanation.as_html()
    assert "converged nearly" in str(explanation)


def test_weights_of_0_of_an_output_that_varies_are_not_settled():
    rows = np.random.default_rng(0).normal(size=(500, 2))
    explainer = TabularExplainer(rows, sampler="around", shortcuts=False)
    explanation = explainer.explain_instance(np.array([50.0, 50.0]), lambda asked: np.sin(asked[:, 0]))
    assert not any(explanation.surrogate().weights)
    assert not explanation.converged
    assert explanation.convergence().level == "no"
    assert "converged no" in str(explanation)


def test_what_is_settled_near_the_cap_is_within_the_tolerance():
    truly = []
    for seed in range(200):
        parts = Noise(seed)
        explainer = ComponentsExplainer(random_state=seed, alpha=0, tolerance=0.015)
        explanation = explainer.explain_instance(parts, parts.answer, num_features=1, max_samples=513)
        if explanation.converged:
            truly.append(abs(explanation.as_list()[0][1] - 2.0) <= 0.015 * 2.0)
    assert 20 < len(truly) < 180
    assert np.mean(truly) >= 0.92
