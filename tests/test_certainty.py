"""How certain a list is: which components belong there, in which order, and intervals that hold although they were chosen."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.planted import plant
from scipy.stats import t as student

from limelight import ComponentsExplainer, TabularExplainer
from limelight.stages.certainty import judge_list
from limelight.stages.selected_intervals import reach_towards_zero

SEEDS = range(60)


@pytest.fixture(scope="module", params=[(40, 6, 81), (40, 6, 257), (30, 30, 257)], ids=str)
def lists(request):
    """For each seed: all effects, the surrogate's limit, and the surrogate of the ten heaviest of d components."""
    d, num_effects, num_samples = request.param
    explainer = ComponentsExplainer(alpha=0)
    found = []
    for seed in SEEDS:
        planted = plant(d, num_effects, seed)
        explanation = explainer.explain_instance(planted, planted.answer, num_features=10, num_samples=num_samples)
        surrogate = explanation.surrogate()
        limit = planted.limit(surrogate.components, explanation.kernel_width)
        found.append((planted.effects, limit, surrogate))
    return found


def test_intervals_hold_for_what_was_chosen(lists):
    held, have_effects = [], []
    for effects, limit, surrogate in lists:
        held.append((limit >= np.array(surrogate.lows)) & (limit <= np.array(surrogate.highs)))
        have_effects.append(effects[list(surrogate.components)] != 0)
    held, have_effects = np.concatenate(held), np.concatenate(have_effects)
    assert 0.93 <= held.mean() <= 0.995
    if not have_effects.all():
        assert held[~have_effects].mean() >= 0.95


def test_a_component_that_is_said_to_belong_on_the_list_does(lists):
    said, right = [], []
    for effects, _, surrogate in lists:
        heaviest = set(np.argsort(-np.abs(effects), kind="stable")[:10].tolist())
        said += surrogate.top_probabilities
        right += [component in heaviest and effects[component] != 0 for component in surrogate.components]
    said, right = np.array(said), np.array(right)
    assert right[said >= 0.95].mean() >= 0.97
    assert (said >= 0.95).mean() > 0.2  # it does say so
    if not right.all():
        assert said[right].mean() > said[~right].mean() + 0.2


def test_ranks_hold(lists):
    hold = []
    for effects, _, surrogate in lists:
        ranks = 1 + np.argsort(np.argsort(-np.abs(effects), kind="stable"))
        for component, best, worst in zip(surrogate.components, surrogate.best_ranks, surrogate.worst_ranks, strict=True):
            if effects[component]:
                hold.append(best <= ranks[component] <= worst)
    assert np.mean(hold) >= 0.95


def test_signs_are_as_certain_as_they_are_said_to_be(lists):
    said, right = [], []
    for effects, _, surrogate in lists:
        truth = effects[list(surrogate.components)]
        said += [sign for sign, effect in zip(surrogate.sign_probabilities, truth, strict=True) if effect]
        right += [weight * effect > 0 for weight, effect in zip(surrogate.weights, truth, strict=True) if effect]
    said, right = np.array(said), np.array(right)
    assert right[said >= 0.975].mean() >= 0.97
    assert abs(right.mean() - said.mean()) < 0.05


def test_the_interval_of_a_chosen_weight_is_that_of_its_law_given_the_choice():
    # Weights around 1 whose errors have Student's t; only those beyond 2 are seen.
    generator = np.random.default_rng(0)
    drawn = 1.0 + generator.standard_t(7, 400_000)
    seen = drawn[drawn > 2.0]
    reaches = reach_towards_zero(seen, np.full(seen.shape, 2.0), np.ones(seen.shape), 20, 7, 0.95)
    plain = np.full(seen.shape, student.ppf(0.975, 7))
    # It lies above 1 in 2.5 % of the cases; the plain interval, which does not know of the choice, in far more.
    assert np.mean(seen - reaches > 1.0) == pytest.approx(0.025, abs=0.004)
    assert np.mean(seen - plain > 1.0) > 0.07
    assert (reaches >= plain).all()


@pytest.mark.parametrize(("sizes", "left_out"), [(50.0, 1.0), (3.0, 0.0)])
def test_without_a_close_choice_the_interval_is_the_plain_one(sizes, left_out):
    reach = reach_towards_zero(np.array([sizes]), np.array([left_out]), np.array([0.5]), 10, 7, 0.95)
    assert reach == pytest.approx(0.5 * student.ppf(0.975, 7))


def test_a_weight_without_error_has_no_reach():
    assert reach_towards_zero(np.array([2.0]), np.array([1.9]), np.array([0.0]), 10, 7, 0.95) == [0.0]


def test_nothing_is_said_of_a_list_without_replicates():
    certainty = judge_list(np.ones((1, 4)), np.array([0, 1]))
    assert np.isnan(np.concatenate(certainty)).all()


def test_exact_lists_are_certain():
    from sklearn.ensemble import RandomForestRegressor

    rows = np.random.default_rng(0).normal(size=(300, 4))
    model = RandomForestRegressor(10, random_state=0).fit(rows, rows[:, 0] + 0.2 * rows[:, 1])
    surrogate = TabularExplainer(rows).explain_instance(rows[0], model, num_features=3).surrogate()
    assert surrogate.top_probabilities == (1.0,) * 3
    assert surrogate.best_ranks == surrogate.worst_ranks == (1.0, 2.0, 3.0)
    assert surrogate.sign_probabilities == (1.0,) * 3


def test_five_are_the_first_five_of_ten():
    planted, explainer = plant(30, 20, 3), ComponentsExplainer()
    ten, five = (
        explainer.explain_instance(planted, planted.answer, num_features=count, num_samples=257).surrogate()
        for count in (10, 5)
    )
    assert five.components == ten.components[:5]


@pytest.mark.parametrize("method", ["forward_selection", "lasso_path"])
def test_nothing_is_said_where_components_are_not_chosen_by_weight(method):
    planted = plant(12, 6, 0)
    explainer = ComponentsExplainer(feature_selection=method)
    surrogate = explainer.explain_instance(planted, planted.answer, num_features=4, num_samples=129).surrogate()
    assert np.isnan(surrogate.top_probabilities).all()
    assert np.isfinite(surrogate.sign_probabilities).all()


def test_nothing_is_said_of_a_list_that_a_user_made():
    # All masks of eight parts: weights are exact, but the listed ones are not the heaviest.
    planted = plant(8, 8, 1, noise=0.0)
    order = np.argsort(-np.abs(planted.effects))
    explainer = ComponentsExplainer(feature_selection="forward_selection")
    listed = explainer.explain_instance(planted, planted.answer, num_features=3).surrogate()
    assert np.isnan(listed.top_probabilities).all()
    by_weight = ComponentsExplainer().explain_instance(planted, planted.answer, num_features=3).surrogate()
    assert by_weight.components == tuple(order[:3].tolist())
    assert by_weight.top_probabilities == (1.0,) * 3


def test_an_unknown_weight_leaves_the_list_unknown():
    rows = np.random.default_rng(0).normal(size=(500, 4))
    explainer = TabularExplainer(rows, kernel_width=0.05, design="iid")
    explanation = explainer.explain_instance(rows[0], lambda asked: asked[:, 0] + asked[:, 1], num_features=2, num_samples=300)
    assert "unknown_weights" in {notice.code for notice in explanation.notices}
    assert np.isnan(explanation.surrogate().top_probabilities).all()
    assert "rank" not in explanation.verdict().text


def test_nothing_ranks_weights_of_0():
    from sklearn.tree import DecisionTreeRegressor

    rows = np.random.default_rng(0).normal(size=(300, 5))
    model = DecisionTreeRegressor(max_depth=2).fit(rows, rows[:, 0] > 0)
    surrogate = TabularExplainer(rows).explain_instance(rows[0], model, num_features=3).surrogate()
    assert [weight == 0 for weight in surrogate.weights] == [False, True, True]
    assert np.isnan(surrogate.top_probabilities[1:]).all()
    assert surrogate.top_probabilities[0] == surrogate.best_ranks[0] == surrogate.worst_ranks[0] == 1.0
    constant = TabularExplainer(rows).explain_instance(rows[0], lambda asked: np.ones(len(asked)), num_features=3)
    assert np.isnan(constant.surrogate().top_probabilities).all()


@pytest.mark.parametrize(
    ("best", "worst", "tops", "said"),
    [
        ((1, 2, 3), (1, 2, 3), (1, 1, 1), "all ranks are certain"),
        ((1, 2, 2), (1, 3, 3), (1, 1, 1), "rank 1 is certain, 2 and 3 may swap"),
        ((1, 2, 3), (2, 2, 5), (1, 1, 0.9), "rank 2 is certain, 1 is not, 3 may not be among the 3 heaviest"),
        ((1, 2, 3), (2, 2, 5), (1, 1, 1), "rank 2 is certain, 1 and 3 are not"),
        ((1, 1, 1), (2, 2, 4), (1, 1, 1), "ranks 1 to 3 are not certain"),
        ((1, 1, 1), (3, 3, 3), (1, 1, 1), "ranks 1 to 3 may swap"),
        ((1, 1, 1), (9, 9, 9), (0.5, 0.5, 0.5), "ranks 1 to 3 may not be among the 3 heaviest"),
        ((1, np.nan, np.nan), (1, np.nan, np.nan), (1, np.nan, np.nan), "how certain their order is, is not known"),
    ],
)
def test_the_verdict_says_of_ranks_what_they_are(best, worst, tops, said):
    planted = plant(6, 3, 0)
    explanation = ComponentsExplainer(design="iid").explain_instance(planted, planted.answer, num_features=3, num_samples=33)
    figures = {"best_ranks": best, "worst_ranks": worst, "top_probabilities": tops}
    (surrogate,) = explanation.surrogates
    changed = replace(explanation, surrogates=(replace(surrogate, **figures),))
    assert changed.verdict().text.endswith(f"; {said}.")


def test_intervals_hold_where_only_the_penalty_makes_errors():
    """A model that is a line in slopes: chance shows in the penalty's share of a weight alone, of which the choice has less."""
    held = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(300, 30))
        effects = np.where(np.arange(30) < 8, rng.normal(size=30), 0.0)
        explainer = TabularExplainer(rows, discretize_continuous=False, shortcuts=False, random_state=seed)
        surrogate = explainer.explain_instance(
            rows[0], lambda rows, effects=effects: rows @ effects, num_samples=129
        ).surrogate()
        without = [place for place, component in enumerate(surrogate.components) if component >= 8]
        held += [surrogate.lows[place] <= 0 <= surrogate.highs[place] for place in without]  # the limit is 0
    assert len(held) >= 60
    assert np.mean(held) > 0.9
