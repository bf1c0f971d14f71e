"""Priors of weights, against the posterior mean written out, and what they are at their ends."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from helpers.controlled import COLUMNS, Truth, make_classes, make_explainer, make_rows, weights_of
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import BayesianRidge, LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor
from test_surrogate import dense, fit_sample, make_problem

import limelight
from limelight import ComponentsExplainer, Explanation, Prior, TabularExplainer, TextExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError, LimelightError
from limelight.stages.prior import Pull
from limelight.stages.selection import METHODS
from limelight.stages.settings import Settings
from limelight.stages.surrogate import fit_surrogates, judge_lists

TEXT = "a good old film with some bad jokes and a dog"
WORDS = TEXT.split()


def text_model(texts):
    words = [text.split() for text in texts]
    return np.array(
        [0.2 + 0.3 * ("good" in one) - 0.2 * ("bad" in one) + 0.05 * ("dog" in one and "film" in one) for one in words]
    )


def posterior_mean(rows, outputs, weights, penalties, precisions, means):
    """The intercept and weights of a Bayesian ridge: (X'WX + L)^-1 (X'Wy + L m), with a free intercept (BayLIME, section 4)."""
    total = weights.sum()
    x, y = rows - weights @ rows / total, outputs - weights @ outputs / total
    found = np.linalg.solve((x.T * weights) @ x + np.diag(penalties + precisions), (x.T * weights) @ y + precisions * means)
    return weights @ outputs / total - weights @ rows / total @ found, found


def make_pull(rng, d, precision=80.0):
    precisions = np.where(rng.random(d) < 0.5, precision, 0.0)
    precisions[0] = precision
    return Pull(precisions, np.where(precisions > 0, rng.normal(size=d), 0.0))


# --- the posterior mean -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("precision", [1e-3, 30.0, 1e5])
@pytest.mark.parametrize(("rows", "d"), [(200, 9), (24, 40)])
def test_sampled_weights_are_the_posterior_mean(alpha, precision, rows, d):
    for seed in range(3):
        problem = make_problem(seed, rows=rows, d=d, replicates=4)
        pull = make_pull(np.random.default_rng(seed), d, precision)
        sample = replace(problem.sample(), pull=pull)
        (fit,) = fit_sample(sample, alpha=alpha, num_features=d)
        penalties = np.where(pull.precisions > 0, 0.0, max(alpha, 1e-6))  # beside a prior there is always a trace of a penalty
        weights = problem.row_weights()
        expected = posterior_mean(problem.rows, problem.outputs[:, 0], weights, penalties, pull.precisions, pull.means)
        assert dense(fit, d) == pytest.approx(expected[1], rel=1e-5, abs=1e-7)
        assert fit.intercept == pytest.approx(expected[0], rel=1e-5, abs=1e-7)


def test_a_prior_of_all_components_is_a_ridge_on_what_it_leaves():
    problem = make_problem(3, d=8)
    means = np.random.default_rng(0).normal(size=8)
    (fit,) = fit_sample(replace(problem.sample(), pull=Pull(np.full(8, 40.0), means)))
    rows = problem.rows.astype(float)
    theirs = Ridge(alpha=40.0).fit(rows, problem.outputs[:, 0] - rows @ means, sample_weight=problem.row_weights())
    assert dense(fit, 8) == pytest.approx(theirs.coef_ + means, rel=1e-8)


def test_the_precision_is_that_of_the_weights_over_that_of_the_outputs():
    problem = make_problem(4, d=6)
    rows, outputs, weights = problem.rows.astype(float), problem.outputs[:, 0], problem.row_weights()
    theirs = BayesianRidge(max_iter=1000, tol=1e-12).fit(rows, outputs, sample_weight=weights)
    precision = theirs.lambda_ / theirs.alpha_
    # scikit-learn finds both precisions from the rows; with their ratio ours is the same posterior mean.
    pull = Pull(np.full(6, precision), np.zeros(6))
    (fit,) = fit_sample(replace(problem.sample(), pull=pull))
    assert dense(fit, 6) == pytest.approx(theirs.coef_, rel=1e-6)


def test_a_prior_is_worth_as_many_perturbations_as_documented():
    problem = make_problem(5, d=1, rows=400)
    column, weights = problem.rows[:, 0].astype(float), problem.row_weights()
    share = weights / weights.sum()
    mean_proximity = (problem.law_weights * problem.kernel_weights).mean()
    worth = 70.0 / (mean_proximity * (share @ column**2 - (share @ column) ** 2))
    (plain,) = fit_sample(problem.sample(), alpha=0.0)
    (held,) = fit_sample(replace(problem.sample(), pull=Pull(np.array([70.0]), np.array([2.0]))))
    n = problem.nominal_draws
    assert held.weights[0] == pytest.approx((n * plain.weights[0] + worth * 2.0) / (n + worth), rel=1e-9)


def test_texts_are_the_posterior_mean_over_all_masks():
    prior = Prior({"good": 0.1, "dog": 0.4, "film": 0.0}, 300)
    text = "good old film dog"
    explanation = TextExplainer(feature_selection="none").explain_instance(text, text_model, prior=prior)
    assert explanation.provenance.design == "enumeration"
    masks = np.array(list(np.ndindex((2,) * 4)))
    absent = 4 - masks.sum(axis=1)
    law = np.array([1 / (4 * len([1 for other in absent if other == count])) if count else 0.0 for count in absent])
    width = explanation.provenance.kernel_width
    distances = 100 * (1 - np.sqrt(masks.sum(axis=1) / 4))
    rows = [" ".join(word for word, on in zip(text.split(), mask, strict=True) if on) for mask in masks]
    weights = 5000 * law * np.sqrt(np.exp(-((distances / width) ** 2)))
    precisions, means = np.array([300.0, 0, 300, 300]), np.array([0.1, 0, 0, 0.4])
    expected = posterior_mean(masks, text_model(rows), weights, np.array([0, 1.0, 0, 0]), precisions, means)
    found = dict(explanation.as_map()[0])
    assert [found[number] for number in range(4)] == pytest.approx(list(expected[1]), rel=1e-9)


def test_exact_weights_are_the_posterior_mean_in_the_limit():
    rows = make_rows()
    target = rows[:, 0] * (rows[:, 1] > 0) + rows[:, 2]
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(rows, target)
    explainer = make_explainer(rows, alpha=1.0)
    explanation = explainer.explain_instance(rows[0], model, prior=Prior({2: 1.0, 0: -0.5}, 200))
    assert explanation.is_exact
    truth = Truth(rows, rows[0], explainer.options.kernel_width)
    on = truth.shares @ truth.is_on
    unit = 1 / (5000 * truth.mean_weight)
    precisions, means = np.zeros(COLUMNS), np.zeros(COLUMNS)
    precisions[[2, 0]], means[[2, 0]] = 200.0, [1.0, -0.5]
    cross = truth.moments(model.predict(truth.drawn))[1]
    expected = (cross + unit * precisions * means) / (on * (1 - on) + unit * np.where(precisions > 0, precisions, 1.0))
    assert weights_of(explanation, 0)[0] == pytest.approx(expected, abs=1e-10)


def test_controlled_and_projected_weights_tend_to_the_same_limit():
    rows = make_rows()
    model = GradientBoostingClassifier(n_estimators=20, random_state=0).fit(rows, make_classes(rows))
    explainer, prior = make_explainer(rows, alpha=1.0), Prior({2: 0.3, 4: -0.2}, 300)
    truth = Truth(rows, rows[0], explainer.options.kernel_width)
    on, unit = truth.shares @ truth.is_on, 1 / (5000 * truth.mean_weight)
    precisions, means = np.zeros(COLUMNS), np.zeros(COLUMNS)
    precisions[[2, 4]], means[[2, 4]] = 300.0, [0.3, -0.2]
    cross = truth.moments(model.predict_proba(truth.drawn)[:, 1])[1]
    expected = (cross + unit * precisions * means) / (on * (1 - on) + unit * np.where(precisions > 0, precisions, 1.0))
    for shortcuts in (True, False):
        own = make_explainer(rows, alpha=1.0, shortcuts=shortcuts)
        explanation = own.explain_instance(rows[0], model, num_samples=5000, prior=prior)
        assert not explanation.is_exact
        weights, lows, highs = weights_of(explanation)
        assert np.abs(weights - expected).max() < 0.01
        assert (lows - 0.004 <= expected).all()
        assert (expected <= highs + 0.004).all()


def test_parts_with_a_law_are_projected_towards_the_prior():
    names = [f"p{number}" for number in range(12)]
    effects = np.linspace(-1, 1, 12)

    class Parts:
        def __init__(self):
            self.names = names

        def compose(self, masks):
            return masks.astype(float)

    def model(masks):
        return masks @ effects + masks[:, 0] * masks[:, 1]

    explainer = ComponentsExplainer(feature_selection="none")
    prior = Prior(dict.fromkeys(names[:4], 0.3), 500)
    surrogate = explainer.explain_instance(Parts(), model, num_samples=400, prior=prior).surrogate()
    masks = np.array(list(np.ndindex((2,) * 12)))
    distances = 1 - np.sqrt(masks.sum(axis=1) / 12)
    weights = np.sqrt(np.exp(-((distances / explainer.options.kernel_width) ** 2))) * 400 / len(masks)
    precisions = np.array([500.0] * 4 + [0.0] * 8)
    expected = posterior_mean(
        masks, model(masks), weights, np.where(precisions > 0, 0, 1.0), precisions, 0.3 * (precisions > 0)
    )
    listed = list(surrogate.components)
    half_widths = (np.array(surrogate.highs) - np.array(surrogate.lows)) / 2
    assert (np.abs(np.array(surrogate.weights) - expected[1][listed]) < 2 * half_widths).all()
    assert half_widths.max() < 0.1
    assert half_widths[np.isin(listed, range(4))].max() < 0.02  # the prior is worth more than the perturbations


# --- the ends ---------------------------------------------------------------------------------------------------------------


def test_a_prior_that_says_what_alpha_says_changes_nothing():
    explainer = TextExplainer(alpha=2.0)
    plain = explainer.explain_instance(TEXT, text_model)
    held = explainer.explain_instance(TEXT, text_model, prior=Prior(dict.fromkeys(dict.fromkeys(WORDS), 0.0), 2))
    assert held.to_dict()["surrogates"] == plain.to_dict()["surrogates"]
    assert held == plain
    tables = TabularExplainer(make_rows())
    row = make_rows()[0]
    model = lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2]  # noqa: E731
    plain = tables.explain_instance(row, model, num_samples=500)
    assert tables.explain_instance(row, model, num_samples=500, prior=Prior([0.0] * COLUMNS, 1.0)) == plain


@pytest.mark.parametrize("feature_selection", [*METHODS])
def test_a_huge_precision_gives_the_prior(feature_selection):
    explainer = TextExplainer(feature_selection=feature_selection)
    means = {"dog": 3.0, "jokes": -2.0}
    explanation = explainer.explain_instance(TEXT, text_model, num_features=6, prior=Prior(means, 1e12))
    found = dict(explanation.as_list())
    assert found["dog"] == pytest.approx(3.0, abs=1e-6)
    assert found["jokes"] == pytest.approx(-2.0, abs=1e-6)


def test_with_a_tiny_precision_the_perturbations_decide():
    plain = dict(TextExplainer(alpha=0).explain_instance(TEXT, text_model).as_list())
    held = dict(TextExplainer(alpha=0).explain_instance(TEXT, text_model, prior=Prior({"dog": 3.0}, 1e-9)).as_list())
    assert held == pytest.approx(plain, abs=1e-5)


def test_few_perturbations_of_many_components_keep_to_the_prior():
    words = " ".join(f"w{number}" for number in range(300))
    prior = Prior({"w7": 2.0, "w9": 0.0}, 1e9)
    for count in (40, 290):
        explanation = TextExplainer().explain_instance(
            words, lambda texts: ["w9" in text.split() for text in texts], num_samples=count, num_features=8, prior=prior
        )
        found = dict(explanation.as_list())
        assert found["w7"] == pytest.approx(2.0, abs=1e-4)
        assert found.get("w9", 0.0) == pytest.approx(0.0, abs=1e-4)


def test_a_component_that_never_varies_has_the_priors_weight_and_the_notice_says_so():
    rows = np.column_stack([np.ones(200), np.random.default_rng(0).normal(size=200)])
    explainer = TabularExplainer(rows, categorical_features=[0], feature_names=["one", "other"])
    explanation = explainer.explain_instance(rows[0], lambda rows: rows[:, 1], prior=Prior({"one": 0.7}, 50))
    assert dict(explanation.as_map()[0])[0] == pytest.approx(0.7)
    (used,) = [notice for notice in explanation.notices if notice.code == "prior_used"]
    assert "stays in every perturbation: the weight is the prior's alone" in used.message
    assert not [notice for notice in explanation.notices if notice.code == "never_varies"]


# --- selection, intervals, certainty ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature_selection", ["auto", "highest_weights", "forward_selection", "lasso_path"])
def test_components_are_chosen_with_the_prior(feature_selection):
    explainer = TextExplainer(feature_selection=feature_selection)
    plain = explainer.explain_instance(TEXT, text_model, num_features=2)
    assert {name for name, _ in plain.as_list()} == {"good", "bad"}
    held = explainer.explain_instance(TEXT, text_model, num_features=2, prior=Prior({"jokes": 0.5, "bad": 0.0}, 1e5))
    assert {name for name, _ in held.as_list()} == {"good", "jokes"}


def test_forward_selection_lowers_the_posteriors_error_most():
    problem = make_problem(7, d=7)
    pull = make_pull(np.random.default_rng(1), 7)
    (fit,) = fit_sample(replace(problem.sample(), pull=pull), method="forward_selection", num_features=2, alpha=0)

    def error(chosen):
        precisions, means = pull.precisions[chosen], pull.means[chosen]
        rows = problem.rows[:, chosen]
        weights = problem.row_weights()
        intercept, found = posterior_mean(rows, problem.outputs[:, 0], weights, 1e-9, precisions, means)
        left_out = np.setdiff1d(np.arange(7), chosen)
        of_rows = weights @ (problem.outputs[:, 0] - intercept - rows @ found) ** 2
        return of_rows + precisions @ (found - means) ** 2 + pull.precisions[left_out] @ pull.means[left_out] ** 2

    first = min(range(7), key=lambda one: error([one]))
    second = min(set(range(7)) - {first}, key=lambda one: error([first, one]))
    assert set(fit.components.tolist()) == {first, second}


def test_intervals_hold_the_limit_with_the_prior():
    rng = np.random.default_rng(2)
    effects, d = rng.normal(size=6), 6
    pull = make_pull(rng, d, 300.0)

    def draw(count, seed):
        rng = np.random.default_rng(seed)
        problem = make_problem(seed, rows=count, d=d)
        rows = (rng.random((count, d)) < 0.5).astype(np.uint8)
        outputs = (rows @ effects + 2 * rows[:, 0] * rows[:, 1] * rows[:, 2])[:, None]
        return replace(problem, rows=rows, outputs=outputs, law_weights=np.ones(count))

    limit = draw(400_000, 0)
    weights = limit.row_weights()
    penalties = np.where(pull.precisions > 0, 0.0, 1.0)
    expected = posterior_mean(limit.rows, limit.outputs[:, 0], weights, penalties, pull.precisions, pull.means)[1]
    held = []
    for seed in range(1, 201):
        (fit,) = fit_sample(replace(draw(400, seed).sample(), pull=pull))
        held += (np.abs(fit.weights - expected[fit.components]) <= fit.half_widths).tolist()
    assert 0.92 <= np.mean(held) <= 0.98


def test_the_certainty_of_a_list_counts_the_prior():
    problem = make_problem(9, d=6)
    sample = replace(problem.sample(), pull=Pull(np.array([1e9, 0, 0, 0, 0, 0]), np.array([50.0, 0, 0, 0, 0, 0])))
    settings = Settings(
        method="highest_weights",
        num_features=2,
        alpha=1.0,
        nominal_draws=1000,
        kernel_law=None,
        regressor=None,
        confidence=0.95,
        is_exact=False,
    )
    (fits,) = fit_surrogates([sample], settings)
    (certainty,) = judge_lists(sample, settings, fits)
    assert fits[0].components[0] == 0
    assert (certainty.tops[0], certainty.worst_ranks[0]) == (1.0, 1.0)


# --- what is said -----------------------------------------------------------------------------------------------------------


def notices_of(explanation):
    return {notice.code: notice for notice in explanation.notices}


def test_an_explanation_says_that_a_prior_was_used():
    prior = Prior({"good": 0.3, "bad": -0.2}, 20)
    explanation = TextExplainer().explain_instance(TEXT, text_model, prior=prior)
    notices = notices_of(explanation)
    assert notices["prior_used"].level == "information"
    assert notices["prior_used"].message.startswith("A prior of precision 20 holds 2 of 10 weights: good to 0.3, bad to -0.2.")
    assert "prior_contradicted" not in notices
    assert explanation.provenance.prior == "Prior(means={'bad': -0.2, 'good': 0.3}, precision=20.0)"
    assert Explanation.from_json(explanation.to_json()).provenance.prior == explanation.provenance.prior
    assert "prior_used" not in notices_of(TextExplainer().explain_instance(TEXT, text_model))


@pytest.mark.parametrize(("means", "named"), [({"jokes": 0.2}, "jokes"), ({"good": 0.0}, "good"), ({"bad": 0.2}, "bad")])
def test_a_strong_wrong_prior_is_contradicted(means, named):
    explanation = TextExplainer().explain_instance(TEXT, text_model, num_features=4, prior=Prior(means, 1e5))
    notice = notices_of(explanation)["prior_contradicted"]
    assert notice.level == "caution"
    assert f"the weight of {named} is" in notice.message


NUMBERS = np.random.default_rng(1).normal(size=(300, 6))


def add_numbers(rows):
    return 3 * rows[:, 0] - 2 * rows[:, 1] + rows[:, 2]


def explain_sum(precision, mean=-5, **settings):
    """The sum's explanation with a prior of the first column, whose slope is 2.95."""
    explainer = TabularExplainer(NUMBERS, feature_names=list("abcdef"), discretize_continuous=False, **settings)
    model = LinearRegression().fit(NUMBERS, add_numbers(NUMBERS))
    return explainer.explain_instance(NUMBERS[0], model, num_features=3, prior=Prior({"a": mean}, precision))


@pytest.mark.parametrize("precision", [10, 20, 30, 100])
@pytest.mark.parametrize("settings", [{}, {"locality": 0.8}, {"shortcuts": False}])
def test_a_weight_that_a_prior_moves_by_more_than_a_small_share_is_named(precision, settings):
    slope = 3 * NUMBERS[:, 0].std()
    explanation = explain_sum(precision, **settings)
    assert abs(dict(explanation.as_list())["a"] - slope) > 0.02 * slope
    assert "the weight of a is" in notices_of(explanation)["prior_contradicted"].message
    verdict = explanation.verdict()
    assert verdict.level == "fair"
    assert verdict.text.endswith("; but the model contradicts the prior.")


def test_a_wild_mean_hides_no_other_contradiction():
    prior = Prior({"good": 1e6, "bad": -0.4}, 1e5)
    notice = notices_of(TextExplainer().explain_instance(TEXT, text_model, prior=prior))["prior_contradicted"]
    assert "good is" in notice.message
    assert "bad is" in notice.message


def test_a_prior_that_the_model_bears_out_leaves_the_verdict_good():
    explanation = explain_sum(1e4, mean=3 * NUMBERS[:, 0].std())
    assert "prior_contradicted" not in notices_of(explanation)
    assert explanation.verdict().level == "good"


def test_sets_count_contradicted_priors():
    explanations = limelight.Explanations.of([explain_sum(30), explain_sum(30, mean=3 * NUMBERS[:, 0].std())])
    assert explanations.verdict_levels() == ("fair", "good")
    assert explanations.verdict_reasons() == {"prior_contradicted": 1}
    assert "the model contradicts the prior" in explanations.to_html()


@pytest.mark.parametrize("value", [1.0, 0.0, -7.25])
def test_a_constant_models_value_is_the_models(value):
    explanation = TextExplainer().explain_instance(
        TEXT, lambda texts: np.full(len(texts), value), prior=Prior({"good": 5}, 1e4)
    )
    assert explanation.surrogate().local_prediction != pytest.approx(value)
    assert f"was {value:g} for every perturbation" in notices_of(explanation)["constant_output"].message


def test_a_wild_prior_makes_no_model_constant():
    explanation = TextExplainer().explain_instance(TEXT, text_model, prior=Prior({"good": 1e20}, 1e4))
    assert "constant_output" not in notices_of(explanation)


def test_a_right_prior_is_seldom_contradicted():
    contradicted = 0
    for seed in range(40):
        explanation = TextExplainer(random_state=seed).explain_instance(
            TEXT, text_model, num_samples=100, prior=Prior({"good": 0.3, "bad": -0.2}, 1e4)
        )
        contradicted += "prior_contradicted" in notices_of(explanation)
    assert contradicted <= 2


def test_explanations_with_other_priors_are_not_compared():
    explainer = TextExplainer()
    plain = explainer.explain_instance(TEXT, text_model)
    held = explainer.explain_instance(TEXT, text_model, prior=Prior({"good": 0.0}, 100))
    with pytest.raises(ArgumentError, match=r"prior=.*: give both calls the same prior"):
        limelight.compare(plain, held)


# --- many -------------------------------------------------------------------------------------------------------------------


def table_model(rows):
    return 1 / (1 + np.exp(-rows[:, 0] - rows[:, 1] * rows[:, 2]))


@pytest.mark.parametrize("arguments", [{}, {"n_jobs": 2, "chunk_size": 5}, {"engine": "threads", "n_jobs": 2, "chunk_size": 5}])
@pytest.mark.parametrize("num_samples", [300, "auto"])
def test_many_are_each_to_the_bit(arguments, num_samples):
    rows = make_rows()
    names = [f"c{number}" for number in range(COLUMNS)]
    explainer = TabularExplainer(rows, feature_names=names, categorical_features=range(COLUMNS))
    prior = Prior({"c3": 0.2, "c0": 0.0}, 100)
    many = explainer.explain_many(rows[:10], table_model, num_samples=num_samples, prior=prior, **arguments)
    alone = [explainer.explain_instance(row, table_model, num_samples=num_samples, prior=prior) for row in rows[:10]]
    assert list(many) == alone
    assert all("prior_used" in notices_of(one) for one in many)


def test_exact_rows_are_each_to_the_bit():
    rows = make_rows()
    model = DecisionTreeRegressor(max_depth=4, random_state=0).fit(rows, rows[:, 0] * rows[:, 1])
    explainer = TabularExplainer(rows, categorical_features=range(COLUMNS))
    prior = Prior([0.1] * COLUMNS, 100)
    many = explainer.explain_many(rows[:10], model, prior=prior)
    assert list(many) == [explainer.explain_instance(row, model, prior=prior) for row in rows[:10]]
    assert all(one.is_exact for one in many)


def test_a_checkpoint_belongs_to_its_prior(tmp_path):
    rows = make_rows()
    explainer = TabularExplainer(rows, categorical_features=range(COLUMNS))
    arguments = {"num_samples": 100, "checkpoint": tmp_path / "c", "chunk_size": 3}
    first = explainer.explain_many(rows[:6], table_model, prior=Prior({0: 0.5, 1: 0.1}, 10), **arguments)
    again = explainer.explain_many(rows[:6], table_model, prior=Prior({1: 0.1, 0: 0.5}, 10), **arguments)
    assert list(first) == list(again)
    for other in (None, Prior({0: 0.5, 1: 0.1}, 11), Prior({0: 0.5, 1: 0.2}, 10)):
        with pytest.raises(ArgumentError, match=r"other arguments: prior (was|is)"):
            explainer.explain_many(rows[:6], table_model, prior=other, **arguments)


def test_a_frame_function_has_the_prior():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(make_rows(), columns=[f"c{number}" for number in range(COLUMNS)])
    explainer = TabularExplainer(frame)
    prior = Prior({"c1": 0.5}, 1e6)
    function = explainer.frame_function(lambda rows: rows["c0"] * 1.0, num_samples=100, prior=prior)
    explanation = Explanation.from_json(function(frame[:1])["explanation"].iloc[0])
    assert explanation.provenance.prior == repr(prior)


def test_a_prior_is_plain_data():
    prior = Prior({np.str_("b"): 1, np.int64(2): 0.5, "a": np.float32(2)}, np.int64(3))
    assert prior.means == {"a": 2.0, "b": 1.0, 2: 0.5}
    assert prior == pickle.loads(pickle.dumps(prior)) == Prior({"a": 2.0, 2: 0.5, "b": 1}, 3.0)
    assert Prior(np.array([1.0, 2.0]), 1).means == (1.0, 2.0)


def test_equal_priors_have_equal_hashes():
    prior = Prior({"a": 2, 2: -0.0, "b": 1}, 3)
    assert hash(prior) == hash(Prior({"b": 1.0, "a": np.float32(2), np.int64(2): 0.0}, 3.0))
    assert hash(Prior([1, 2], 1)) == hash(Prior(np.array([1.0, 2.0]), 1.0))
    assert len({prior, Prior({"a": 2, 2: 0.0, "b": 1}, 3), Prior({"a": 2}, 3), Prior({"a": 2}, 4), Prior([2], 4)}) == 4


# --- bad input --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("means", "precision", "error", "message"),
    [
        ({}, 1, ArgumentError, "means must have at least one number; got none"),
        ([], 1, ArgumentError, "means must have at least one number; got none"),
        ("good", 1, ArgumentTypeError, "means must be a mapping from components to numbers"),
        (0.5, 1, ArgumentTypeError, "means must be a mapping from components to numbers"),
        ({"good": "high"}, 1, ArgumentTypeError, "the mean of 'good' must be a number from -1e[+]100 to 1e[+]100; got 'high'"),
        ({"good": np.nan}, 1, ArgumentError, "the mean of 'good' must be a number .*; got nan"),
        ({"good": -np.inf}, 1, ArgumentError, "the mean of 'good' must be a number .*; got -inf"),
        ({"good": True}, 1, ArgumentTypeError, "the mean of 'good' must be a number .*; got True"),
        ({1.5: 1}, 1, ArgumentTypeError, "means must be given for components' names or numbers; got 1.5"),
        ({True: 1}, 1, ArgumentTypeError, "means must be given for components' names or numbers; got True"),
        (np.zeros((2, 2)), 1, ArgumentError, r"one number for each component; got an array of shape \(2, 2\)"),
        ({"good": 1}, 0, ArgumentError, "precision must be a finite number above 0; got 0"),
        ({"good": 1}, -1, ArgumentError, "precision must be a finite number above 0; got -1"),
        ({"good": 1}, np.nan, ArgumentError, "precision must be a finite number above 0; got nan"),
        ({"good": 1}, np.inf, ArgumentError, "precision must be a finite number above 0; got inf"),
        ({"good": 1}, 1e13, ArgumentError, r"precision must be at most 1e[+]12, .*; got 1e[+]13"),
        ({"good": 1}, "strong", ArgumentTypeError, "precision must be a finite number above 0; got 'strong'"),
    ],
)
def test_what_is_no_prior(means, precision, error, message):
    with pytest.raises(error, match=message):
        Prior(means, precision)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (Prior({"godo": 1}, 1), "in the prior, no component is called 'godo'; similar: 1 .'good'."),
        (Prior({99: 1}, 1), "in the prior, components are numbered from 0 to 10; got 99"),
        (Prior({-1: 1}, 1), "in the prior, components are numbered from 0 to 10; got -1"),
        (Prior({"good": 1, 1: 1}, 1), "in the prior, 'good' and 1 are the same component, 'good': give one mean"),
        (Prior([1.0, 2.0], 1), "the prior has 2 means, and the instance has 11 components"),
    ],
)
def test_what_the_instance_does_not_have(prior, message):
    def model(_):
        raise AssertionError("it is checked before the model is asked")

    with pytest.raises(LimelightError, match=message):
        TextExplainer(bow=False).explain_instance(TEXT, model, prior=prior)


def test_a_name_of_several_components():
    with pytest.raises(ArgumentError, match=r"in the prior, 'a' is the name of several components, 0 .*: give a number"):
        Prior({"a": 1}, 1).find_pull(["a (1)", "a (2)"], {0: "a", 1: "a"}, 1.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"prior": {"good": 1}},
            ArgumentTypeError,
            r"prior must be a limelight\.Prior, such as Prior\(means=.*got \{'good': 1\}",
        ),
        ({"prior": Prior({"good": 1}, 1), "model_regressor": Ridge()}, ArgumentError, "either prior or model_regressor"),
        (
            {"prior": Prior({"good": 1}, 1), "top_labels": 1},
            ArgumentError,
            "give labels with its name or number instead of top_l",
        ),
    ],
)
def test_arguments_that_a_prior_does_not_go_with(arguments, error, message):
    with pytest.raises(error, match=message):
        TextExplainer().explain_instance(TEXT, text_model, **arguments)
    with pytest.raises(error, match=message):
        TextExplainer().explain_many([TEXT], text_model, **arguments)


def test_a_prior_is_about_one_output():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3))
    classes = np.searchsorted([-0.5, 0.5], rows[:, 0] + rows[:, 1])
    model = LogisticRegression().fit(rows, classes)
    explainer, prior = TabularExplainer(rows, class_names=["low", "middle", "high"]), Prior({0: 0.1}, 10)
    message = r"a prior is about one output: give labels .*; there are 0 \('low'\), 1 \('middle'\), 2 \('high'\)"
    for labels in (None, [0, 1]):
        with pytest.raises(ArgumentError, match=message):
            explainer.explain_instance(rows[0], model, labels=labels, prior=prior)
    assert explainer.explain_instance(rows[0], model, labels="high", prior=prior).labels == (2,)


def test_slopes_without_bins_have_priors_too():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(400, 3)) * [1, 5, 0.2] + 10
    explainer = TabularExplainer(rows, feature_names=["a", "b", "c"], discretize_continuous=False, feature_selection="none")

    def model(rows):
        return rows @ [1.0, 0.2, 3.0]

    explanation = explainer.explain_instance(rows[0], model, num_samples=5000, prior=Prior({"b": -1.0}, 1e9))
    found = dict(explanation.as_map()[0])
    assert found[1] == pytest.approx(-1.0, abs=1e-5)
    # Columns are drawn independently, so that what holds one weight leaves the others as they were.
    plain = dict(explainer.explain_instance(rows[0], model, num_samples=5000).as_map()[0])
    assert plain[1] > 0
    assert found[0] == pytest.approx(plain[0], abs=0.02)
