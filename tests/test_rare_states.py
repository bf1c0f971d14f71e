"""States that few training rows have: what they change is known, or said not to be (kind A: never 0 without a word)."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limelight import TabularExplainer
from limelight.modalities.tables._added_values import WithMissing, add_value
from limelight.modalities.tables._binned import Binned
from limelight.modalities.tables._columns import Categorical, Unbinned
from limelight.modalities.tables._rare_states import find_rare_states, mixture_weights
from limelight.stages.design import Stretch
from limelight.stages.perturbation import DESIGNS, plan_stretches

NUM_ROWS = 4000
GENERATOR = np.random.default_rng(7)
NUMBERS = GENERATOR.normal(size=(NUM_ROWS, 3))
LETTERS = GENERATOR.choice(list("abcd"), NUM_ROWS)


def weight_of(explanation, start):
    """The weight and its interval of the component whose name begins like this."""
    surrogate = explanation.surrogate()
    place = next(i for i, number in enumerate(surrogate.components) if explanation.names[number].startswith(start))
    return surrogate.weights[place], surrogate.lows[place], surrogate.highs[place]


def wavy(rows):
    """A model of the other columns that is not linear in their bins."""
    return np.sin(2 * rows["p"]) + 0.7 * np.tanh(rows["q"]) * (rows["letter"] == "a") + 0.3 * rows["r"] ** 2


def table(rare):
    return pd.DataFrame({"rare": rare, "p": NUMBERS[:, 0], "q": NUMBERS[:, 1], "r": NUMBERS[:, 2], "letter": LETTERS})


# --- laws --------------------------------------------------------------------------------------------------------------------

columns = st.sampled_from(
    [
        Categorical.of(np.array([1.0, 1, 1, 4, 7, 7])),
        Binned.of(np.array([0.0] * 99 + [700.0]), np.array([0.0])),
        Binned.of(np.arange(40.0) ** 2, np.array([9.0, 144.0, 900.0])),
        Binned.of(np.arange(40.0), np.array([9.0, 14.0, 30.0]), is_whole=True),
        Binned.of(np.arange(40.0), np.array([9.0, 14.0, 30.0]), is_whole=True).around(13.0),
        Binned.of(np.linspace(-1, 1, 60), np.array([-0.5, 0.0, 0.9])).around(0.95),
        WithMissing(Categorical.of(np.array([1.0, 2, 2])), 0.01),
        WithMissing(Binned.of(np.arange(40.0), np.array([9.0, 14.0])), 0.4),
        add_value(Categorical.of(np.arange(500.0)), 777.0),
        add_value(Binned.of(np.arange(40.0), np.array([9.0, 14.0])), np.nan),
        add_value(Binned.of(np.arange(40.0), np.array([9.0, 14.0])), 80.0),
    ]
)


@given(columns, st.integers(0, 2**32))
def test_the_points_of_a_state_give_values_in_that_state_and_no_others_do(law, seed):
    points = np.random.default_rng(seed).random(500)
    drawn = law.draw(points)
    for code in np.unique(law.codes_of(drawn)).tolist():
        span = law.span_of(code)
        assert (law.codes_of(law.draw(span.inside(points))) == code).all()
        assert not (law.codes_of(law.draw(span.outside(points))) == code).any() or span.length == 1
        is_drawn = law.codes_of(drawn) == code
        assert ((span.low <= points) & (points < span.high) == is_drawn).mean() > 0.995  # but for points at the span's ends


def test_without_bins_only_a_column_that_never_varies_has_a_state():
    assert np.isnan(Unbinned(0.0, 1.0, 0.0).span_of(0.3).length)
    assert Unbinned(0.0, 0.0, 0.0).span_of(0.0).length == 1


# --- the mixture -------------------------------------------------------------------------------------------------------------


def test_weighted_rows_follow_the_law():
    """The balance heuristic: whatever the further rows are, weighted means are those of LIME's law."""
    rare = np.arange(NUM_ROWS) < 12
    components = TabularExplainer(table(rare)).components(table(rare).iloc[0])
    assert components.num_rare_states == 1
    assert components.shares[0] == pytest.approx(12 / NUM_ROWS)
    design = DESIGNS.load("sobol")((0, components.content), None)
    parts = components.neighbourhoods(design, Stretch(8, 0, 512))
    rows = np.concatenate([part.representation[1:] for part in parts]).astype(float)
    weights = np.concatenate([part.law_weights for part in parts])
    assert len(rows) == 8 * (512 + 256)
    assert rows[:, 0].sum() >= 8 * 256
    assert weights.mean() == pytest.approx(1, abs=0.005)
    assert weights @ rows / weights.sum() == pytest.approx(components.shares, rel=0.02)
    both = weights @ (rows[:, 0] * rows[:, 1]) / weights.sum()
    assert both == pytest.approx(components.shares[0] * components.shares[1], rel=0.1)


def test_the_rarest_states_come_first_and_none_where_it_would_not_gain():
    shares = np.array([0.02] * 100 + [0.001, 0.0, 1.0, np.nan, 0.999])
    states = find_rare_states([[number] for number in range(len(shares))], [1.0] * len(shares), shares)
    assert {100, 104} <= {state.component for state in states}
    assert [state.is_own for state in states if state.component in (100, 104)] == [True, False]
    assert not {101, 102, 103} & {state.component for state in states}
    assert len(states) < 16  # of 0.02 each, 1 in 50 rows shows them already
    assert find_rare_states([[0]], [1.0], np.array([0.25])) == ()
    assert mixture_weights(np.ones((3, 1), dtype=np.uint8), (), Stretch(8, 0, 16)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("num_rare_states", [0, 1, 2, 3, 7, 20, 60])
@pytest.mark.parametrize("num_samples", [2, 10, 64, 129, 500, 1000, 5000])
def test_all_rows_together_are_as_many_as_asked_for(num_samples, num_rare_states):
    for number, cap in ((num_samples, 5000), (None, num_samples)):
        stretches = plan_stretches(number, cap, num_rare_states)
        total = sum(s.size + num_rare_states * s.of_rare_state(num_rare_states).size for s in stretches)
        assert total == num_samples - 1
        assert all(before.stop == after.start for before, after in pairwise(stretches))


# --- weights -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flag", "lacking flag", "category", "zero-inflated", "missing", "group"])
def test_kind_a_what_a_rare_state_changes_is_known(kind):
    """Of 4000 rows 4 to 40 have it; the planted weight lies within its interval as often as it should."""
    held, known = [], []
    for seed in range(12):
        for count in (4, 12, 40):
            is_rare = np.arange(NUM_ROWS) < count
            effect = (-1) ** seed * (0.4 + seed % 6)
            sign, groups = 1, None
            if kind in ("flag", "lacking flag"):
                data, changed = table(is_rare), lambda rows: rows["rare"]
                sign = 1 if kind == "flag" else -1  # a row without it: its own state, which is frequent, is the effect's lack
            elif kind == "category":
                data = table(np.where(is_rare, "tin", np.random.default_rng(seed).choice(["oak", "elm"], NUM_ROWS)))
                changed = lambda rows: rows["rare"] == "tin"  # noqa: E731
            elif kind == "zero-inflated":
                data, changed = table(np.where(is_rare, 40.0 + seed, 0.0)), lambda rows: rows["rare"] > 0
            elif kind == "missing":
                data, changed = table(np.where(is_rare, np.nan, NUMBERS[:, 1] ** 3)), lambda rows: rows["rare"].isna()
            else:
                data = table(is_rare * 1.0).assign(
                    other=np.where(is_rare, 1.0, np.random.default_rng(seed).integers(0, 2, NUM_ROWS))
                )
                changed, groups = lambda rows: (rows["rare"] > 0) & (rows["other"] > 0), {"rare pair": ["rare", "other"]}
            row = data.iloc[-1] if kind == "lacking flag" else data.iloc[0]
            explanation = TabularExplainer(data, groups=groups, random_state=seed).explain_instance(
                row, lambda rows, changed=changed, effect=effect: wavy(rows) + effect * changed(rows)
            )
            weight, low, high = weight_of(explanation, "rare")
            held.append(low <= sign * effect <= high)
            known.append(np.isfinite(low))
            assert explanation.num_inputs <= 5000
            assert not explanation.converged or weight == pytest.approx(sign * effect, rel=0.05)
    assert all(known)
    assert np.mean(held) >= 30 / 36


def test_kind_a_ids_of_thousands_have_a_weight():
    generator = np.random.default_rng(1)
    ids = generator.integers(0, 3000, 20000)
    data = pd.DataFrame({"id": ids.astype(str), "hour": generator.integers(0, 24, 20000)})
    effects = generator.normal(size=3000)
    model = lambda rows: effects[rows["id"].astype(int)] * (1 + 0.5 * (rows["hour"] > 11))  # noqa: E731
    explanation = TabularExplainer(data).explain_instance(data.iloc[0], model)
    others = effects[ids[ids != ids[0]]].mean()
    weight, low, high = weight_of(explanation, "id=")
    truth = (effects[ids[0]] - others) * (1 + 0.5 * (data["hour"] > 11).mean())
    assert abs(truth) > 0.3  # the ids' effects have deviation 1.25
    assert weight == pytest.approx(truth, abs=0.1)
    assert low - 0.05 < truth < high + 0.05
    assert high - low < 0.25


def test_kind_a_a_value_that_the_training_data_lack_is_drawn_often_enough():
    data = table(np.arange(NUM_ROWS).astype(str))  # as many categories as rows: a new one would be drawn once in 4001 rows
    explanation = TabularExplainer(data).explain_instance(
        {**data.iloc[0].to_dict(), "rare": "new"},
        lambda rows: wavy(rows) + 2.0 * (rows["rare"] == "new"),
    )
    weight, low, high = weight_of(explanation, "rare=new")
    assert low <= 2 <= high
    assert weight == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("sampler", ["around", "training_rows"])
def test_kind_a_other_samplers_draw_rare_states_too(sampler):
    data = table(np.where(np.arange(NUM_ROWS) < 8, 5.0, 0.0))
    explanation = TabularExplainer(
        data, sampler=sampler, discretizer={"rare": [4.0], "p": [0.0], "q": [0.0], "r": [0.0]}
    ).explain_instance(data.iloc[0], lambda rows: wavy(rows) + 3.0 * (rows["rare"] > 4.0), num_samples=2000)
    weight, low, high = weight_of(explanation, "rare")
    assert np.isfinite([low, high]).all()
    assert weight == pytest.approx(3, abs=0.5 if sampler == "training_rows" else 0.2)  # 8 rows are all that have it


@pytest.mark.parametrize("how", ["sampler", "constraint", "few"])
def test_kind_a_what_was_not_seen_is_said_to_be_unknown(how):
    data = table(np.arange(NUM_ROWS) < 8)
    common = data.iloc[8:].reset_index(drop=True)
    settings = {
        "sampler": {"sampler": lambda count, generator: common.iloc[generator.integers(0, len(common), count)]},
        "constraint": {"constraint": lambda rows: ~rows["rare"].to_numpy(dtype=bool)},
        "few": {},
    }[how]
    explanation = TabularExplainer(data, **settings).explain_instance(
        data.iloc[0], lambda rows: wavy(rows) + 3.0 * rows["rare"], num_samples=16 if how == "few" else 1000
    )
    surrogate = explanation.surrogate()
    place = surrogate.components.index(0)
    assert np.isnan([surrogate.lows[place], surrogate.highs[place]]).all()
    assert not explanation.converged
    notice = explanation.notices[0]
    assert (notice.level, notice.code) == ("alert", "unknown_weights")
    assert "rare=True" in notice.message


@pytest.mark.parametrize("discretizer", ["quartile", "decile"])
def test_kind_a_a_frequent_number_between_others_has_a_bin_of_its_own(discretizer):
    """Drawn from a bin that it shares with smaller numbers, it would never come up, and what it changes would be 0."""
    numbers = np.where(np.arange(NUM_ROWS) % 12 == 0, 100 * GENERATOR.normal(size=NUM_ROWS), 0.0)
    data = table(numbers)
    for row, effect in ((data.iloc[0], 2.0), (data.iloc[1], -2.0)):
        explanation = TabularExplainer(data, discretizer=discretizer).explain_instance(
            row, lambda rows: wavy(rows) + 2.0 * (rows["rare"] != 0)
        )
        weight, low, high = weight_of(explanation, next(name for name in explanation.names if "rare" in name))
        of_others = (
            1.0 if effect < 0 else (numbers == 0).mean() / ((numbers == 0) | ((numbers > 0) != (row["rare"] > 0))).mean()
        )
        assert weight == pytest.approx(effect * of_others, abs=0.15)
        assert low - 0.05 <= effect * of_others <= high + 0.05


def test_kind_a_a_constraint_that_repairs_rows_changes_no_weights():
    """It may put rows into a rare state or take them out: nothing is then known of how often it is drawn."""
    data = table(np.arange(NUM_ROWS) < 8)

    def repair(rows):
        return rows.assign(rare=rows["rare"] | (rows["p"] > 0))

    explanation = TabularExplainer(data, constraint=repair).explain_instance(
        data.iloc[0], lambda rows: 1.0 * (rows["q"] > 0) + 0.0 * rows["rare"], num_samples=2000
    )
    plain = TabularExplainer(data).explain_instance(data.iloc[0], lambda rows: 1.0 * (rows["q"] > 0), num_samples=2000)
    name = next(name for name in explanation.names if "q" in name)
    assert weight_of(explanation, name)[0] == pytest.approx(weight_of(plain, name)[0], abs=0.05)
    assert abs(weight_of(plain, name)[0]) > 0.3


@pytest.mark.parametrize("discretizer", ["quartile", "decile"])
@pytest.mark.parametrize("share", [0.9, 0.8, 0.995])
def test_kind_a_a_number_that_is_nearly_always_the_greatest_is_divided(discretizer, share):
    """All quantiles are then the greatest number; in one bin, both would have the weight 0."""
    numbers = (np.arange(NUM_ROWS) >= (1 - share) * NUM_ROWS) * 1.0
    data = table(numbers)
    for row, effect in ((data.iloc[0], -2.0), (data.iloc[-1], 2.0)):
        explanation = TabularExplainer(data, discretizer=discretizer).explain_instance(
            row, lambda rows: wavy(rows) + 2.0 * rows["rare"]
        )
        weight, low, high = weight_of(explanation, "rare")
        assert weight == pytest.approx(effect, abs=0.1)
        assert low - 0.02 <= effect <= high + 0.02


def test_what_cannot_vary_has_no_weight_and_that_is_known():
    data = table(np.full(NUM_ROWS, "same"))
    explanation = TabularExplainer(data).explain_instance(data.iloc[0], lambda rows: rows["letter"] == "a")
    assert weight_of(explanation, "rare") == (0, 0, 0)
    assert explanation.converged


# --- batches -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("num_samples", ["auto", 700])
@pytest.mark.parametrize("is_discrete", [True, False])
def test_kind_a_rows_in_batches_have_the_answers_that_they_have_alone(num_samples, is_discrete):
    """Rows with none, one, two and three rare states share what they can, and nothing else."""
    flags = {f"flag {number}": np.arange(NUM_ROWS) % (400 * number) == 0 for number in (1, 2, 3)}
    data = pd.DataFrame(flags | {"letter": LETTERS} | ({} if is_discrete else {"p": NUMBERS[:, 0]}))
    effects = {"flag 1": 1.0, "flag 2": -2.0, "flag 3": 3.0}

    def model(rows):
        asked.append(len(rows))
        of_flags = sum(effect * rows[name] for name, effect in effects.items())
        return of_flags + (rows["letter"] == "a") * (rows["flag 1"] + 1) + (0 if is_discrete else np.sin(rows["p"]))

    explainer = TabularExplainer(data)
    chosen = data.iloc[[1, 0, 400, 800, 1200, 1600, 2, 2400, 3, 0]]
    asked = []
    alone = [explainer.explain_instance(chosen.iloc[[place]], model, num_samples=num_samples) for place in range(len(chosen))]
    num_alone = sum(asked)
    for order in (np.arange(len(chosen)), np.arange(len(chosen))[::-1]):
        asked.clear()
        together = explainer.explain_many(chosen.iloc[order], model, num_samples=num_samples)
        assert [together[place] for place in range(len(order))] == [alone[place] for place in order]
    assert sum(asked) < num_alone / 2
    for name, effect in effects.items():
        weight, _, _ = weight_of(alone[1], name)
        assert weight == pytest.approx(effect + 0.25 * (name == "flag 1"), rel=0.1)
