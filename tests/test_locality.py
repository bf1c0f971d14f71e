"""How local an explanation is: what the kernel keeps, kernels that stay near the instance, and kernels for a fidelity."""

import itertools
import re

import numpy as np
import pytest
import scipy.sparse
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from limelight import ComponentsExplainer, Explanation, Prior, TabularExplainer, TextExplainer, compare
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.renderers._summary import summarise


class Parts:
    """Components whose masks are the model's inputs."""

    def __init__(self, count):
        self.names = [f"part {number}" for number in range(count)]

    def compose(self, masks):
        return masks.astype(float)


def normal_rows(count=400, columns=3, seed=0):
    return np.random.default_rng(seed).normal(size=(count, columns))


def codes(explanation):
    return {notice.code for notice in explanation.notices}


def weights_of(explanation):
    return dict(explanation.as_list())


def heaviest(explanation):
    return max(map(abs, explanation.surrogates[0].weights))


# --- what the kernel keeps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.05, 0.25])
def test_share_of_masks_is_that_of_all_masks(width):
    masks = np.array(list(itertools.product([0, 1], repeat=11)))
    kernel = np.exp(-0.5 * ((1 - np.sqrt(masks.mean(axis=1))) / width) ** 2)
    explanation = ComponentsExplainer(kernel_width=width).explain_instance(Parts(11), lambda x: x[:, 0], num_samples=200)
    assert explanation.kernel_share == pytest.approx(kernel.mean() ** 2 / (kernel**2).mean())


@pytest.mark.parametrize("width", [0.4, 1.3])
def test_share_of_rows_is_that_of_all_rows_even_where_hardly_one_of_them_counts(width):
    rows = np.random.default_rng(1).choice([0.0, 1.0, 2.0], size=(300, 6), p=[0.5, 0.3, 0.2])
    explainer = TabularExplainer(rows, categorical_features=range(6), kernel_width=width)
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(rows, rows[:, 0] * rows[:, 1])
    shares = (rows == rows[0]).mean(axis=0)
    factor = np.exp(-0.5 / width**2)
    expected = np.prod((shares + factor * (1 - shares)) ** 2 / (shares + factor**2 * (1 - shares)))
    for model in (tree, lambda x: tree.predict(x)):
        explanation = explainer.explain_instance(rows[0], model, num_samples=500)
        assert explanation.kernel_share == pytest.approx(expected)


def test_share_of_a_kernel_of_ones_is_all():
    explanation = ComponentsExplainer(kernel=lambda distances, _: np.ones(len(distances))).explain_instance(
        Parts(12), lambda x: x[:, 0], num_samples=200
    )
    assert explanation.kernel_share == pytest.approx(1)


def test_figures_say_that_a_tables_default_kernel_is_hardly_local():
    rows = normal_rows(columns=10)
    fact = summarise(TabularExplainer(rows).explain_instance(rows[0], lambda x: x[:, 0])).facts[-1]
    assert (fact.name, fact.value) == ("kernel", "hardly local")
    assert "keeps 98.5 % of the perturbations" in fact.meaning
    assert 'locality="local"' in fact.meaning
    fact = summarise(TabularExplainer(rows, locality="local").explain_instance(rows[0], lambda x: x[:, 0])).facts[-1]
    assert fact.value == "keeps less than 1 %"


def test_local_is_advised_only_where_it_can_be_given():
    rows = np.random.default_rng(0).integers(2, size=(400, 10)).astype(float)

    def fact_of(distance_metric=None, **options):
        explainer = TabularExplainer(rows, categorical_features=range(10), **options)
        fact = summarise(explainer.explain_instance(rows[0], lambda x: x[:, 0], distance_metric=distance_metric)).facts[-1]
        assert fact.value == "hardly local"
        return fact

    for advised in (fact_of(), fact_of(kernel_width=9)):
        assert 'locality="local", in place of kernel_width, stays near the instance' in advised.meaning
    own_kernel = fact_of(kernel=lambda distances, width: np.exp(-0.01 * distances / width))
    own_distance = fact_of("euclidean")  # which is also what the explainer calls its own
    found = fact_of(locality=0.5)
    one_word = TextExplainer(locality="local").explain_instance("one", lambda texts: ["one" in text for text in texts])
    for other in (own_kernel, own_distance, found, *summarise(one_word).facts[-1:]):
        assert other.value == "hardly local"
        assert "locality" not in other.meaning


def test_a_bins_weight_is_the_same_in_all_rows_where_the_kernel_is_hardly_local():
    rows = normal_rows(columns=8)
    forest = RandomForestRegressor(20, random_state=0).fit(rows, rows[:, 0] * rows[:, 1] + rows[:, 2])
    explanations = [TabularExplainer(rows).explain_instance(row, forest, num_features=8) for row in rows[:40]]
    assert min(explanation.kernel_share for explanation in explanations) > 0.9
    by_name = {}
    for explanation in explanations:
        for name, weight in explanation.as_list():
            by_name.setdefault(name, []).append(weight)
    assert max(map(np.ptp, by_name.values())) < 0.05 * max(map(heaviest, explanations))


def test_how_the_width_was_found_is_recorded_and_stored():
    explanation = ComponentsExplainer(locality="local").explain_instance(Parts(12), lambda x: x[:, 0], num_samples=300)
    assert explanation.provenance.locality == "local"
    assert explanation.provenance.design == "tilted_masks"
    stored = Explanation.from_json(explanation.to_json())
    assert stored.provenance == explanation.provenance
    assert stored.kernel_share == explanation.kernel_share < 0.5


# --- near the instance ----------------------------------------------------------------------------------------------------


def mean_change(width, parts=10):
    masks = np.array(list(itertools.product([0, 1], repeat=parts)))
    kernel = np.exp(-0.5 * ((1 - np.sqrt(masks.mean(axis=1))) / width) ** 2)
    return kernel @ (1 - masks.mean(axis=1)) / kernel.sum()


def test_a_quarter_of_the_parts_is_absent_on_average():
    width = ComponentsExplainer(locality="local").explain_instance(Parts(10), lambda x: x[:, 0]).kernel_width
    assert mean_change(width) == pytest.approx(0.25, abs=0.003)


def test_a_quarter_of_the_columns_is_in_another_state_on_average():
    rows = np.random.default_rng(1).choice([0.0, 1.0, 2.0], size=(300, 6), p=[0.5, 0.3, 0.2])
    explainer = TabularExplainer(rows, categorical_features=range(6), locality="local")
    factor = np.exp(-0.5 / explainer.explain_instance(rows[0], lambda x: x[:, 0]).kernel_width ** 2)
    shares = (rows == rows[0]).mean(axis=0)
    assert np.mean(factor * (1 - shares) / (shares + factor * (1 - shares))) == pytest.approx(0.25, abs=0.005)


def test_columns_without_bins_are_half_a_standard_deviation_off():
    rows = normal_rows(columns=5)
    explainer = TabularExplainer(rows, discretize_continuous=False, locality="local")
    asked = []
    explainer.explain_instance(rows[0], lambda x: asked.append(x) or x[:, 0], num_samples=3000)
    drawn = (np.concatenate(asked) - rows[0]) / rows.std(axis=0)
    assert np.mean(drawn**2) == pytest.approx(0.25, abs=0.02)


def test_effect_of_parts_that_flips_with_distance_is_the_near_one():
    def model(masks):
        return masks[:, 3] * np.where(masks.mean(axis=1) > 0.65, 1.0, -1.0)

    def weight(locality):
        explainer = ComponentsExplainer(locality=locality)
        return weights_of(explainer.explain_instance(Parts(20), model, num_features=20))["part 3"]

    assert weight("lime") < -0.3
    assert weight("local") > 0.3


def test_effect_of_words_that_flips_with_distance_is_nearer_to_the_near_one():
    text = " ".join(f"word{number}" for number in range(40))

    def model(texts):
        kept = np.array([len(text.split()) for text in texts]) / 40
        return np.array(["word7" in text.split() for text in texts]) * np.where(kept > 0.7, 1.0, -1.0)

    def weight(**options):
        return weights_of(TextExplainer(**options).explain_instance(text, model, num_features=40))["word7"]

    assert weight(locality="lime") + 0.1 < weight(locality="local") < weight(kernel_width=5) < 1


@pytest.mark.parametrize("has_bins", [True, False])
def test_effect_of_a_column_that_flips_with_distance_is_the_near_one(has_bins):
    rows = normal_rows(2000)
    row = np.array([0.3, -0.2, 0.1])
    if has_bins:
        edges = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)

        def is_far(x):
            bins = [np.searchsorted(edges[:, number], x[:, number]) for number in (1, 2)]
            own = [np.searchsorted(edges[:, number], row[number]) for number in (1, 2)]
            return (bins[0] != own[0]) | (bins[1] != own[1])
    else:

        def is_far(x):
            return ((x - row) ** 2).sum(axis=1) > 1.5

    def model(x):
        own = x[:, 0] if not has_bins else np.searchsorted(edges[:, 0], x[:, 0]) == np.searchsorted(edges[:, 0], row[0])
        return own * np.where(is_far(x), -1.0, 1.0)

    def weight(locality):
        explainer = TabularExplainer(rows, discretize_continuous=has_bins, locality=locality)
        explanation = explainer.explain_instance(row, model, num_samples=3000)
        return next(weight for name, weight in explanation.as_list() if "x0" in name)

    assert weight("lime") < -0.2
    assert weight("local") > 0.08


def test_exact_weights_are_those_of_the_kernel_that_was_found():
    rows = normal_rows(columns=6)
    tree = DecisionTreeRegressor(max_depth=6, random_state=0).fit(rows, np.sin(3 * rows[:, 0]) * rows[:, 1])
    for has_bins in (True, False):
        options = {"discretize_continuous": has_bins, "alpha": 0.0}
        found = TabularExplainer(rows, locality="local", **options).explain_instance(rows[0], tree)
        given = TabularExplainer(rows, kernel_width=found.kernel_width, **options).explain_instance(rows[0], tree)
        assert found.is_exact
        assert found.num_inputs == given.num_inputs
        assert weights_of(found) == pytest.approx(weights_of(given), abs=1e-12)
        # The fidelity is that near the instance, where perturbations of LIME's own law tell nothing.
        assert found.effective_sample_size > 200


def test_exact_fidelity_is_that_of_a_model_that_answers_the_same():
    rows = normal_rows(columns=4)
    tree = DecisionTreeRegressor(max_depth=6, random_state=0).fit(rows, np.sin(3 * rows[:, 0]) * rows[:, 1])
    explainer = TabularExplainer(rows, locality="local", tolerance=1e-9)
    exact = explainer.explain_instance(rows[0], tree).surrogates[0]
    sampled = explainer.explain_instance(rows[0], lambda x: tree.predict(x)).surrogates[0]
    assert abs(exact.fidelity - sampled.fidelity) < 4 * exact.fidelity_error
    assert exact.fidelity < 0.95


def test_penalty_does_not_shrink_weights_near_the_instance():
    rows = normal_rows(columns=10)
    explanations = [
        TabularExplainer(rows, locality="local", alpha=alpha).explain_instance(rows[0], lambda x: x.sum(axis=1))
        for alpha in (0.0, 1.0)
    ]
    without, with_penalty = (sum(map(abs, explanation.surrogates[0].weights)) for explanation in explanations)
    assert 0.99 < with_penalty / without < 1
    assert "shrunk" not in codes(explanations[1])


def test_no_other_width_is_proposed_where_one_was_found():
    # A given width has lime's penalty, and another fidelity than the same width found.
    rows = normal_rows(columns=4)
    explanation = TabularExplainer(rows, discretize_continuous=False, locality="local").explain_instance(
        rows[0], lambda x: np.sin(40 * x).sum(axis=1)
    )
    (message,) = [notice.message for notice in explanation.notices if notice.code == "low_fidelity"]
    assert "kernel" not in message


def test_intervals_hold_near_the_instance():
    parts, width = 11, None
    masks = np.array(list(itertools.product([0.0, 1.0], repeat=parts)))
    rng = np.random.default_rng(4)
    linear, products = rng.normal(size=parts), rng.normal(size=(parts, parts)) / 4

    def model(x):
        return 1 / (1 + np.exp(-(x @ linear + np.einsum("ij,jk,ik->i", x, products, x))))

    held = []
    for seed in range(40):
        explainer = ComponentsExplainer(locality="local", alpha=0, random_state=seed, feature_selection="none")
        explanation = explainer.explain_instance(Parts(parts), model, num_samples=300, num_features=parts)
        width = explanation.kernel_width
        kernel = np.exp(-0.5 * ((1 - np.sqrt(masks.mean(axis=1))) / width) ** 2)
        design = np.column_stack([np.ones(len(masks)), masks]) * np.sqrt(kernel)[:, None]
        truth = np.linalg.lstsq(design, model(masks) * np.sqrt(kernel), rcond=None)[0][1:]
        surrogate = explanation.surrogates[0]
        for number, low, high in zip(surrogate.components, surrogate.lows, surrogate.highs, strict=True):
            held.append(low <= truth[number] <= high)
    assert np.mean(held) > 0.9


def test_kernel_stays_wide_where_perturbations_cannot_be_drawn_near():
    rows = normal_rows(columns=12)
    explainer = TabularExplainer(
        rows, sampler=lambda count, generator: rows[generator.integers(len(rows), size=count)], locality="local"
    )
    explanation = explainer.explain_instance(rows[0], lambda x: x[:, 0] + x[:, 1], num_samples=3000)
    assert "less_local" in codes(explanation)
    assert 0.07 < explanation.kernel_share < 0.15
    assert explanation.effective_sample_size == pytest.approx(explanation.kernel_share * explanation.num_samples, rel=0.01)


@pytest.mark.parametrize("kind", ["sparse", "training rows", "own sampler", "constraint", "iid"])
@pytest.mark.parametrize("has_bins", [True, False])
def test_kernel_is_narrower_where_the_law_is_known_from_draws_alone(kind, has_bins):
    rows = normal_rows(columns=12)
    options = {
        "sparse": {},
        "training rows": {"sampler": "training_rows"},
        "own sampler": {"sampler": lambda count, generator: rows[generator.integers(len(rows), size=count)]},
        "constraint": {"constraint": lambda x: x[:, 0] > -3},
        "iid": {"design": "iid"},
    }[kind]
    if kind == "sparse":
        if not has_bins:
            pytest.skip("sparse rows have bins")
        rows = scipy.sparse.random(200, 300, density=0.03, random_state=0, format="csr")
    explainer = TabularExplainer(rows, locality="local", discretize_continuous=has_bins, **options)
    explanation = explainer.explain_instance(rows[3], lambda x: np.asarray(x.sum(axis=1)).ravel(), num_samples=3000)
    assert 0.05 < explanation.kernel_share < 0.2
    (message,) = [notice.message for notice in explanation.notices if notice.code == "less_local"]
    assert "perturbations cannot be drawn near the instance here" in message
    assert 0.25 < float(re.search(r"changed by (.*) on average, not by 0\.25", message).group(1)) < 1.5


def test_no_kernel_is_silently_lime_s():
    rows = normal_rows(columns=1)
    explainer = TabularExplainer(rows, sampler=lambda count, _: np.full((count, 1), rows.min()), locality="local")
    explanation = explainer.explain_instance(rows.max(keepdims=True)[0], lambda x: x[:, 0])
    assert explanation.kernel_width == 0.75  # all draws are equally far
    (message,) = [notice.message for notice in explanation.notices if notice.code == "less_local"]
    assert "changed by 1.00 on average" in message
    assert "no perturbations are much nearer" in message
    assert "less_local" in codes(TextExplainer(locality="local").explain_instance("one two", lambda texts: [1.0] * len(texts)))
    assert "less_local" not in codes(
        TextExplainer(locality="local").explain_instance("a b c d e f g h", lambda texts: [1.0] * len(texts))
    )


@pytest.mark.parametrize("text", ["one", "one two", "one two three"])
def test_a_text_of_few_words_is_explained_as_with_lime_s_width(text):
    local, lime = (
        TextExplainer(locality=locality).explain_instance(text, lambda texts: ["one" in text for text in texts])
        for locality in ("local", "lime")
    )
    assert local.kernel_width == lime.kernel_width
    assert local.surrogates == lime.surrogates
    assert [notice for notice in local.notices if notice.code != "less_local"] == list(lime.notices)


@pytest.mark.parametrize("locality", ["lime", "local"])
def test_a_prior_is_worth_as_many_perturbations_as_is_said(locality):
    rows = np.random.default_rng(1).choice([0.0, 1.0, 2.0], size=(300, 6), p=[0.5, 0.3, 0.2])
    explanation = TabularExplainer(
        rows, categorical_features=range(6), locality=locality, alpha=0, feature_selection="none"
    ).explain_instance(
        rows[0], lambda x: np.where(x[:, 0] == rows[0, 0], 1.0, 0.0), num_samples=1000, prior=Prior({0: 0.0}, precision=400)
    )
    shares = (rows == rows[0]).mean(axis=0)
    means = shares + np.exp(-0.5 / explanation.kernel_width**2) * (1 - shares)
    near = shares[0] / means[0]
    worth = 400 / (near * (1 - near) * (means.prod() if locality == "lime" else 1))
    assert explanation.surrogates[0].weights[0] == pytest.approx(1000 / (1000 + worth), rel=0.02)


# --- a wanted fidelity ----------------------------------------------------------------------------------------------------


def bent(x):
    return np.sin(1.5 * x[:, 0]) + x[:, 1] ** 2 * x[:, 2]


def test_wanted_fidelity_is_reached_on_fresh_perturbations_and_not_by_wider_kernels():
    rows = normal_rows(columns=4)

    def fidelity(**options):
        explainer = TabularExplainer(rows, discretize_continuous=False, alpha=0, **options)
        return explainer.explain_instance(rows[3], bent, num_samples=4000)  # a given width has lime's penalty

    lime = fidelity(kernel_width=1.5).surrogates[0].fidelity
    assert lime < 0.6
    found = fidelity(locality=0.8)
    assert found.provenance.locality == "0.8, from 768 perturbations"
    assert found.num_inputs == 4000 + 768
    assert found.surrogates[0].fidelity > 0.79
    assert "fidelity_not_reached" not in codes(found)
    other = fidelity(kernel_width=found.kernel_width, random_state=7).surrogates[0].fidelity
    assert other == pytest.approx(found.surrogates[0].fidelity, abs=0.02)
    assert fidelity(kernel_width=found.kernel_width / 0.8**2).surrogates[0].fidelity < 0.8


def test_lime_s_width_is_taken_where_it_reaches_the_fidelity():
    rows = normal_rows(columns=4)
    explanation = TabularExplainer(rows, discretize_continuous=False, locality=0.9).explain_instance(
        rows[0], lambda x: x @ [1.0, 2.0, 0.5, -1.0] + 0.05 * x[:, 0] ** 2
    )
    assert explanation.kernel_width == pytest.approx(1.5)


@pytest.mark.parametrize("parts", [4, 20])
def test_where_lime_s_width_is_found_the_explanation_is_lime_s(parts):
    found, lime = (
        ComponentsExplainer(locality=locality).explain_instance(Parts(parts), lambda x: x[:, 0] + 0.1 * x[:, 1] * x[:, 2])
        for locality in (0.9, "lime")
    )
    assert found.surrogates == lime.surrogates
    assert found.notices == lime.notices
    assert found.provenance.nominal_draws == lime.provenance.nominal_draws


def test_search_with_a_known_sum_asks_no_more_than_the_trial():
    rows = np.array(list(itertools.product([0.0, 1.0], repeat=8)))
    tree = DecisionTreeRegressor().fit(rows, rows[:, 0] * rows[:, 1] * rows[:, 2] + 0.3 * rows[:, 3])
    found, wide = (
        TabularExplainer(rows, categorical_features=range(8), locality=locality).explain_instance(rows[-1], tree)
        for locality in (0.9, "lime")
    )
    assert found.is_exact
    assert found.num_inputs == wide.num_inputs <= 257
    assert wide.surrogates[0].fidelity < 0.8
    surrogate = found.surrogates[0]
    assert surrogate.fidelity + surrogate.fidelity_error > 0.9
    assert found.kernel_width < wide.kernel_width
    # The surrogate's R2 over all rows, each as likely as the kernel makes it.
    kernel = np.exp(-0.5 * (8 - rows.sum(axis=1)) / found.kernel_width**2)
    components = rows[:, list(surrogate.components)]
    residuals = tree.predict(rows) - surrogate.intercept - components @ surrogate.weights
    outputs = tree.predict(rows) - kernel @ tree.predict(rows) / kernel.sum()
    fidelity = 1 - kernel @ residuals**2 / (kernel @ outputs**2)
    assert abs(surrogate.fidelity - fidelity) < 3 * surrogate.fidelity_error


@pytest.mark.parametrize("locality", ["local", 0.65])
@pytest.mark.parametrize("kind", ["black box", "known sum", "function of a known sum"])
def test_weights_are_those_of_the_kernel_that_was_found(kind, locality):
    rows = normal_rows(columns=4)
    labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).astype(int)
    booster = GradientBoostingClassifier(n_estimators=60, random_state=0).fit(rows, labels)
    model = booster if kind != "black box" else lambda x: booster.predict_proba(x)
    call = {"num_samples": 2000, "link": "logit" if kind == "known sum" else "identity"}
    options = {"alpha": 0, "feature_selection": "none"}
    found = TabularExplainer(rows, locality=locality, **options).explain_instance(rows[1], model, **call)
    assert found.kernel_width < 0.5
    assert found.is_exact == (kind == "known sum")
    given = TabularExplainer(rows, kernel_width=found.kernel_width, **options).explain_instance(rows[1], model, **call)
    assert weights_of(found) == pytest.approx(weights_of(given), abs=1e-9 * heaviest(given))
    assert found.surrogates[0].lows == pytest.approx(given.surrogates[0].lows, abs=1e-9 * heaviest(given))


def test_parts_reach_a_wanted_fidelity():
    def model(masks):
        return masks[:, 0] * masks[:, 1] * masks[:, 2] + 0.3 * masks[:, 3]

    explanations = {
        locality: ComponentsExplainer(locality=locality).explain_instance(Parts(20), model) for locality in ("lime", 0.9)
    }
    assert explanations["lime"].surrogates[0].fidelity < 0.8
    found = explanations[0.9].surrogates[0]
    assert found.fidelity + found.fidelity_error > 0.9
    assert explanations[0.9].kernel_width < 0.25


def test_best_width_is_taken_and_said_where_none_reaches_the_fidelity():
    rows = normal_rows(columns=4)
    noise = np.random.default_rng(0).normal(size=(4, 30)) * 40

    explanation = TabularExplainer(rows, discretize_continuous=False, locality=0.9).explain_instance(
        rows[0], lambda x: np.sin(x @ noise).sum(axis=1), num_samples=1000
    )
    (notice,) = [notice for notice in explanation.notices if notice.code == "fidelity_not_reached"]
    assert notice.level == "caution"
    assert "No kernel width was found whose surrogate reaches a fidelity of 0.9" in notice.message
    assert f"with the one taken, {explanation.kernel_width:g}, it is" in notice.message


def test_a_width_that_was_found_and_misses_on_the_explanation_s_perturbations_is_not_said_not_to_be_found():
    asked = []

    def model(masks):  # the first question is the search's
        asked.append(len(masks))
        return masks[:, 0] if len(asked) == 1 else masks[:, 0] * masks[:, 1] * (1 - masks[:, 2]) * 3 - masks[:, 3]

    explanation = ComponentsExplainer(locality=0.9).explain_instance(Parts(8), model, num_samples=500)
    (notice,) = [notice for notice in explanation.notices if notice.code == "fidelity_not_reached"]
    fidelity = explanation.surrogates[0].fidelity
    assert notice.message == (
        f"The kernel width {explanation.kernel_width:g} reached a fidelity of 0.9 on the perturbations that it was searched "
        f"with; on those of the explanation it is {fidelity:.2f}."
    )


def test_constant_model_keeps_lime_s_width():
    rows = normal_rows()
    explanation = TabularExplainer(rows, locality=0.9).explain_instance(rows[0], lambda x: np.full(len(x), 0.5))
    assert explanation.kernel_width == pytest.approx(0.75 * 3**0.5)
    assert {"no_search", "constant_output"} <= codes(explanation)


def test_few_samples_are_no_search():
    rows = normal_rows()
    explanation = TabularExplainer(rows, locality=0.9).explain_instance(rows[0], bent, num_samples=100)
    (message,) = [notice.message for notice in explanation.notices if notice.code == "no_search"]
    assert "that needs num_samples of at least 256; it is 100." in message
    assert explanation.num_inputs == 100
    explanation = TabularExplainer(rows, locality=0.9).explain_instance(rows[0], bent, max_samples=200)
    (message,) = [notice.message for notice in explanation.notices if notice.code == "no_search"]
    assert "that needs max_samples of at least 256; it is 200." in message


def test_max_samples_leaves_width_and_fidelity_alone():
    rows = normal_rows(columns=4)
    prior = Prior(means={0: 0.5}, precision=400)
    explainer = TabularExplainer(rows, discretize_continuous=False, locality=0.5, tolerance=0.5)
    few, many = (explainer.explain_instance(rows[3], bent, max_samples=most, prior=prior) for most in (None, 20_000))
    assert few.num_samples < 5000
    assert few.kernel_width < 1.5
    assert few == many
    assert few.provenance == many.provenance


def test_all_labels_reach_the_fidelity():
    rows = normal_rows(columns=3)

    def model(x):
        return np.column_stack([x[:, 0], np.sin(2 * x[:, 1]) + x[:, 2] ** 2])

    explainer = TabularExplainer(rows, discretize_continuous=False, locality=0.8, mode="regression")
    explanation = explainer.explain_instance(rows[0], model)
    assert min(surrogate.fidelity + surrogate.fidelity_error for surrogate in explanation.surrogates) > 0.8


# --- many instances, and mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("locality", ["local", 0.7])
@pytest.mark.parametrize("has_bins", [True, False])
def test_batches_have_the_same_bits(locality, has_bins):
    rows = normal_rows(columns=5)
    forest = RandomForestRegressor(5, random_state=0).fit(rows, bent(rows))
    explainer = TabularExplainer(rows, discretize_continuous=has_bins, locality=locality)
    for model in (forest, bent):
        many = explainer.explain_many(rows[:4], model, num_samples=800)
        for row, explanation in zip(rows, many, strict=False):
            alone = explainer.explain_instance(row, model, num_samples=800)
            assert alone == explanation
            assert alone.provenance == explanation.provenance


def test_lime_s_width_is_the_default():
    rows = normal_rows()
    plain, stated = (
        TabularExplainer(rows, **options).explain_instance(rows[0], bent, num_samples=500)
        for options in ({}, {"locality": "lime"})
    )
    assert plain == stated
    assert plain.provenance == stated.provenance


@pytest.mark.parametrize(
    "make", [ComponentsExplainer, TextExplainer, lambda **options: TabularExplainer(normal_rows(), **options)]
)
def test_mistakes_are_errors(make):
    with pytest.raises(ArgumentError, match=r"either kernel_width or locality; got kernel_width=0\.5 and locality='local'"):
        make(kernel_width=0.5, locality="local")
    with pytest.raises(ArgumentError, match='locality must be "lime", "local" or a number between 0 and 1; got \'near\''):
        make(locality="near")
    for number in (0, 1, -0.5, float("nan")):
        with pytest.raises(ArgumentError, match="locality must be the wanted fidelity, a number above 0 and below 1"):
            make(locality=number)
    for other in (True, None, [0.5]):
        with pytest.raises(ArgumentTypeError, match='locality must be "lime", "local" or a number'):
            make(locality=other)
    with pytest.raises(ArgumentError, match=r"finds a width for the default kernel\. Leave kernel or locality out"):
        make(locality=0.5, kernel=lambda distances, _: np.exp(-distances))


def test_distance_of_ones_own_is_an_error():
    rows = normal_rows()
    explainer = TabularExplainer(rows, locality="local")
    with pytest.raises(ArgumentError, match="finds a width for the explainer's own distance; got distance_metric='cosine'"):
        explainer.explain_instance(rows[0], bent, distance_metric="cosine")


def test_models_with_widths_of_their_own_are_not_compared():
    rows = normal_rows(columns=4)
    explainer = TabularExplainer(rows, discretize_continuous=False, locality=0.9)
    first, second = (
        explainer.explain_instance(rows[0], model, num_samples=800) for model in (bent, lambda x: x[:, 0] + 0.1 * x[:, 1])
    )
    with pytest.raises(ArgumentError, match="locality as a number finds one for each model"):
        compare(first, second)


def test_models_are_not_asked_where_each_would_have_a_width_of_its_own():
    rows, asked = normal_rows(columns=4), []
    explainer = TabularExplainer(rows, locality=0.9)
    message = r'locality=0\.9 finds a kernel width for each model, .*: give the explainer kernel_width, or locality="local"'
    with pytest.raises(ArgumentError, match=message):
        explainer.compare_models(rows[0], lambda x: asked.append(x) or x[:, 0], lambda x: asked.append(x) or x[:, 1])
    assert not asked
    near = TabularExplainer(rows, locality="local")
    assert near.compare_models(rows[0], lambda x: x[:, 0], lambda x: x[:, 1]).as_list(certain=True)


def test_a_kernel_that_leaves_no_row_is_judged_without_an_error():
    rows = np.random.default_rng(0).normal(size=(300, 4))
    explainer = TabularExplainer(rows, kernel_width=1e-3)
    explanation = explainer.explain_instance(rows[0], lambda rows: rows[:, 0] + rows[:, 1] * rows[:, 2], num_samples=5000)
    assert "unknown_weights" in {notice.code for notice in explanation.notices}
