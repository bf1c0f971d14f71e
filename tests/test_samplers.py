"""Where perturbed rows come from: training rows, columns together, the user's sampler, within constraints."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers.asked import assert_asked_total
from helpers.tables import Recorder
from sklearn.ensemble import RandomForestClassifier

from limelight import TabularExplainer
from limelight.exceptions import ArgumentError, ArgumentTypeError
from limelight.stages.design import Stretch
from limelight.stages.designs import Independent

ROWS = np.random.default_rng(0).normal(size=(300, 4))
COLOURS = np.eye(3)[np.random.default_rng(1).integers(0, 3, 300)]
ONE_HOT = np.column_stack([ROWS[:, :2], COLOURS])
FRAME = pd.DataFrame({"age": np.arange(300) % 60, "town": np.array(["Bonn", "Ulm", "Jena"])[np.arange(300) % 3]})


def linear(rows):
    return rows @ np.arange(1.0, rows.shape[1] + 1)


# --- kinds ---------------------------------------------------------------------------------------------------------------


def test_kinds_can_be_said():
    whole = np.column_stack([np.arange(300) % 40, np.arange(300) % 3]).astype(float)
    model = Recorder(lambda rows: rows[:, 0])
    explanation = TabularExplainer(whole, kinds={"x0": "integer", 1: "categorical"}).explain_instance(whole[5], model)
    assert np.array_equal(model.drawn, np.rint(model.drawn))
    assert set(explanation.names) == {"x0 <= 9", "x1=2"}
    frame = Recorder(lambda rows: rows["age"].to_numpy())
    TabularExplainer(FRAME.assign(age=FRAME["age"].astype(float)), kinds={"age": "integer"}).explain_instance(
        FRAME.iloc[0], frame
    )
    asked = pd.concat(frame.batches)["age"]
    assert (asked == asked.round()).all()


@pytest.mark.parametrize(
    ("kinds", "error", "message"),
    [
        (
            {"town": "numeric"},
            ArgumentError,
            r"kinds\['town'\] must be 'categorical': the column holds no .* got 'numeric'",
        ),
        (
            {"age": "ordinal"},
            ArgumentError,
            r"kinds\['age'\] must be one of 'numeric', .* got 'ordinal'",
        ),
        ({"size": "numeric"}, ArgumentError, "kinds must name columns by number, 0 to 1, or by name; got 'size'"),
        (["numeric"], ArgumentTypeError, "kinds must be a mapping from columns to kinds"),
    ],
)
def test_bad_kinds(kinds, error, message):
    with pytest.raises(error, match=message):
        TabularExplainer(FRAME, kinds=kinds)


# --- training rows -------------------------------------------------------------------------------------------------------


def test_training_rows_are_all_that_the_model_sees():
    model = Recorder(linear)
    explainer = TabularExplainer(ROWS, sampler="training_rows")
    explanation = explainer.explain_instance(ROWS[7], model, num_samples=1000)
    assert {row.tobytes() for row in model.drawn} <= {row.tobytes() for row in ROWS}
    assert explanation.num_inputs <= 300
    assert explanation == pickle.loads(pickle.dumps(explainer)).explain_instance(ROWS[7], linear, num_samples=1000)


def test_training_rows_keep_correlations():
    # The second column is the first: marginals draw rows that no one ever saw, and share the weight between both.
    together = np.column_stack([ROWS[:, 0], ROWS[:, 0], ROWS[:, 1]])
    model = Recorder(lambda rows: rows[:, 0])
    TabularExplainer(together, sampler="training_rows").explain_instance(together[3], model)
    assert np.array_equal(model.drawn[:, 0], model.drawn[:, 1])


def test_training_rows_say_where_they_cannot_help():
    frame = pl.from_pandas(FRAME)
    explainer = TabularExplainer(frame, sampler="training_rows")
    explanation = explainer.explain_instance(
        {"age": 20, "town": "Rome"}, lambda rows: (rows["town"] == "Rome").to_numpy() * 1.0, num_features=2
    )
    message = next(notice.message for notice in explanation.notices if notice.code == "outside_training_data")
    assert "town=Rome lies outside the training data; so perhaps no perturbation has it" in message
    assert explanation.warnings[0].message.startswith("The weight of town=Rome cannot be known")
    assert not explanation.converged
    assert dict(explanation.as_list())["town=Rome"] == pytest.approx(0, abs=1e-9)


def test_a_model_that_hides_its_bias_from_synthetic_rows_is_found_out(data_folder):
    """Slack, Hilgard, Jia, Singh and Lakkaraju, "Fooling LIME and SHAP", AIES 2020, section 4: German credit, gender."""
    table = pd.read_csv(data_folder / "tabular" / "german_processed.csv.gz").drop(columns=["GoodCustomer", "PurposeOfLoan"])
    table["Gender"] = (table["Gender"] == "Male").astype(int)
    rows = table.to_numpy(dtype=float)
    gender, rate = (table.columns.get_loc(name) for name in ("Gender", "LoanRateAsPercentOfIncome"))
    shuffled = np.random.default_rng(0).permutation(rows)
    own, attackers, tested = shuffled[:400], shuffled[400:800], shuffled[800:860]
    settings = {
        "feature_names": table.columns,
        "categorical_features": [name for name in table.columns if table[name].nunique() <= 5],
    }
    # The attacker tells real rows from lime's perturbations of other rows than the auditor has.
    components = TabularExplainer(attackers, **settings).components(attackers[0])
    perturbed = components.neighbourhood(Independent((0, 1), None), Stretch(1, 0, 0, 400)).inputs.take(np.arange(1, 401))
    detector = RandomForestClassifier(100, random_state=0)
    detector.fit(np.concatenate([attackers, perturbed]), np.repeat([1, 0], 400))

    def model(asked):
        positive = np.where(detector.predict(asked) == 1, asked[:, gender] == 1, asked[:, rate] >= 3).astype(float)
        return np.column_stack([1 - positive, positive])

    def found(sampler):
        explainer = TabularExplainer(own, sampler=sampler, **settings)
        tops = [
            explainer.explain_instance(row, model, labels=1, num_samples=1000, num_features=3).as_list()[0] for row in tested
        ]
        return np.mean([name.startswith("Gender") for name, _ in tops])

    assert found("training_rows") >= 0.8
    assert found("marginals") < 0.3


# --- groups --------------------------------------------------------------------------------------------------------------


def test_a_group_is_one_component_and_always_valid():
    model = Recorder(lambda rows: 3 * rows[:, 2] + rows[:, 0])
    explainer = TabularExplainer(ONE_HOT, feature_names=["a", "b", "red", "green", "blue"], categorical_features=[2, 3, 4],
                                 groups={"colour": ["red", "green", "blue"]})  # fmt: skip
    red = ONE_HOT[ONE_HOT[:, 2] == 1][0]
    explanation = explainer.explain_instance(red, model, num_samples=2000)
    assert np.array_equal(model.drawn[:, 2:].sum(axis=1), np.ones(len(model.drawn)))
    assert len(explanation.names) == 3
    assert explanation.names[2] == "colour=red"
    assert dict(explanation.as_map()[0])[2] == pytest.approx(3, rel=0.02)
    assert explanation.view.values()[2] == "1, 0, 0"
    assert explanation.kernel_width == pytest.approx(0.75 * 3**0.5)


def test_a_group_that_no_training_row_has_is_drawn_now_and_then():
    model = Recorder(lambda rows: rows[:, 2] * rows[:, 3])
    explainer = TabularExplainer(ONE_HOT, categorical_features=[2, 3, 4], groups={"colour": [2, 3, 4]})
    explanation = explainer.explain_instance([0, 0, 1, 1, 7], model)
    assert "x4=7 lies outside the training data" in explanation.warnings[0].message
    assert {tuple(row) for row in model.drawn[:, 2:]} == {(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 7)}


@pytest.mark.parametrize("sampler", ["marginals", "around"])
def test_a_combination_that_no_training_row_has(sampler):
    """Each of its values is known; its weight was exactly 0, without a word."""
    explainer = TabularExplainer(
        ONE_HOT, categorical_features=[2, 3, 4], groups={"colour": [2, 3, 4]}, sampler=sampler, alpha=0
    )
    model = Recorder(lambda rows: 5 * rows[:, 2] * rows[:, 3])
    explanation = explainer.explain_instance([0, 0, 1, 1, 0], model)
    assert explanation.as_list()[0] == ("colour=x2, x3", pytest.approx(5))
    assert [warning.message for warning in explanation.warnings if warning.code == "outside_training_data"] == [
        "colour: x2=1, x3=1, x4=0 lies outside the training data; its weight compares just this value with them."
    ]
    assert np.mean((model.drawn[:, 2:] == [1, 1, 0]).all(axis=1)) == pytest.approx(1 / 4, abs=0.02)


def test_numbers_that_no_training_row_has_together():
    """Those in the same bins count as the row's own, if there are any: rows are warned of, or a group can have a weight."""
    explainer = TabularExplainer(ROWS, groups={"all": [0, 1, 2, 3]})
    edges = np.percentile(ROWS, [25, 50, 75], axis=0).T

    def bins(row):
        return tuple(int(np.searchsorted(own, value)) for own, value in zip(edges, row, strict=True))

    known = set(map(bins, ROWS))
    rows = np.clip(np.random.default_rng(9).normal(size=(20, 4)), ROWS.min(axis=0), ROWS.max(axis=0))
    assert 5 < sum(bins(row) in known for row in rows) < 15
    for row in rows:
        explanation = explainer.explain_instance(row, linear, num_samples=4000)
        warned = any(warning.code == "outside_training_data" for warning in explanation.warnings)
        assert warned is (bins(row) not in known)
        assert explanation.as_list()[0][1] != 0


@pytest.mark.parametrize("sampler", ["marginals", "around"])
def test_a_number_far_out_in_a_group(sampler):
    """Training rows with a value in the same bin are no rows like this one."""
    model = Recorder(lambda rows: rows[:, 0] > 1e5)
    explainer = TabularExplainer(ROWS, groups={"both": [0, 1]}, alpha=0, sampler=sampler)
    explanation = explainer.explain_instance([1e6, 0.0, 0.0, 0.0], model, num_samples=4000)
    assert explanation.as_list()[0] == (explanation.names[0], pytest.approx(1))
    assert "x0=1000000 lies outside the training data" in explanation.warnings[0].message


def test_groups_of_frames_with_missing_values():
    frame = FRAME.assign(street=FRAME["town"].map({"Bonn": "Am Hof", "Ulm": None, "Jena": "Markt"}))
    seen = Recorder(lambda rows: (rows["town"] == "Ulm").to_numpy() * 1.0)
    explainer = TabularExplainer(frame, groups={"address": ["town", "street"]})
    explanation = explainer.explain_instance(frame.iloc[1], seen)
    asked = pd.concat(seen.batches)
    assert set(map(tuple, asked[["town", "street"]].fillna("none").to_numpy())) == {
        *(("Bonn", "Am Hof"), ("Ulm", "none"), ("Jena", "Markt"))
    }
    assert explanation.as_list()[0][0] == "address: town=Ulm, street is missing"


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (["x0", "x1"], ArgumentTypeError, "groups must be a mapping from a name to columns"),
        ({"one": [0, 1], "two": [1, 2]}, ArgumentError, "a column can be in one group only; 'one' and 'two' share x1"),
        ({"one": [0]}, ArgumentError, r"groups\['one'\] must have two columns or more; got 1"),
        ({1: [0, 1], "1": [2, 3]}, ArgumentError, "groups must have names that look different; '1' comes twice"),
        ({"one": [0, 9]}, ArgumentError, r"groups\['one'\] must name columns by number, 0 to 3, or by name; got 9"),
    ],
)
def test_bad_groups(groups, error, message):
    with pytest.raises(error, match=message):
        TabularExplainer(ROWS, groups=groups)


def test_groups_need_bins():
    with pytest.raises(ArgumentError, match="groups need bins"):
        TabularExplainer(ROWS, groups={"one": [0, 1]}, discretize_continuous=False)
    explainer = TabularExplainer(
        ONE_HOT, categorical_features=[2, 3, 4], groups={"colour": [2, 3, 4]}, discretize_continuous=False, alpha=0
    )
    explanation = explainer.explain_instance(ONE_HOT[0], lambda rows: rows @ [1.0, 0, *(5 * ONE_HOT[0, 2:])])
    weights = {name.split(":")[0]: weight for name, weight in explanation.as_list()}
    assert weights == pytest.approx({"colour=x3": 5, "x0": ONE_HOT[:, 0].std(), "x1": 0}, abs=1e-6)


# --- the user's sampler and constraint -----------------------------------------------------------------------------------


def test_a_sampler_of_ones_own():
    model = Recorder(linear)

    def sampler(count, generator):
        return generator.uniform(-1, 1, size=(count, 4))

    explainer = TabularExplainer(ROWS, sampler=sampler)
    explanation = explainer.explain_instance(ROWS[0], model, num_samples=500)
    assert np.abs(model.drawn).max() <= 1
    assert explanation == explainer.explain_instance(ROWS[0], linear, num_samples=500)


@pytest.mark.parametrize("argument", ["sampler", "constraint"])
def test_what_is_missing_in_the_users_rows_is_in_no_bin(argument):
    """It counted as the top one."""

    def gaps(rows, generator):
        return np.where(generator.random(rows.shape) < 0.3, np.nan, rows)

    draw = np.random.default_rng(0)
    options = {
        "sampler": lambda count, generator: gaps(generator.normal(size=(count, 4)), generator),
        "constraint": lambda rows: gaps(rows, draw),
    }
    explainer = TabularExplainer(ROWS, alpha=0, **{argument: options[argument]})
    top = np.percentile(ROWS[:, 0], 75)
    explanation = explainer.explain_instance([2.0, 0, 0, 0], lambda rows: rows[:, 0] > top, num_samples=2000)
    assert explanation.as_list()[0][1] == pytest.approx(1)
    missing = explainer.explain_instance([np.nan, 0, 0, 0], lambda rows: np.isnan(rows[:, 0]), num_samples=2000)
    assert missing.as_list()[0] == ("x0 is missing", pytest.approx(1))


def test_codes_of_the_users_rows_that_the_training_data_lack():
    """They counted as the next known code."""
    rows = np.column_stack([ROWS[:, 0], np.random.default_rng(2).choice([0.0, 1.0, 3.0], 300)])
    explainer = TabularExplainer(
        rows,
        categorical_features=[1],
        sampler=lambda count, generator: np.column_stack([generator.normal(size=count), generator.integers(0, 5, count)]),
        alpha=0,
    )
    explanation = explainer.explain_instance([0.0, 3.0], lambda rows: rows[:, 1] == 3, num_samples=1000)
    assert explanation.as_list()[0] == ("x1=3", pytest.approx(1))


def test_a_sampler_of_frames():
    explainer = TabularExplainer(
        FRAME, sampler=lambda count, generator: FRAME.sample(count, replace=True, random_state=generator)
    )
    model = Recorder(lambda rows: (rows["town"] == "Ulm").to_numpy() * 1.0)
    explanation = explainer.explain_instance(FRAME.iloc[1], model, num_features=1)
    assert explanation.as_list()[0][0] == "town=Ulm"
    assert all(list(batch.columns) == ["age", "town"] for batch in model.batches)


def test_a_constraint_that_rejects():
    model = Recorder(linear)
    explainer = TabularExplainer(ROWS, constraint=lambda rows: rows[:, 0] > rows[:, 1])
    explanation = explainer.explain_instance(ROWS[0], model, num_samples=1000)
    assert (model.drawn[:, 0] > model.drawn[:, 1]).all()
    assert_asked_total(len(model.rows), explanation.num_samples)
    assert explanation.num_samples < 1000


def test_a_constraint_that_repairs():
    def repair(frame):
        return frame.assign(age=frame["age"].clip(lower=18))

    model = Recorder(lambda rows: (rows["age"] > 40).to_numpy() * 1.0)
    TabularExplainer(FRAME, constraint=repair).explain_instance(FRAME.iloc[50], model, num_samples=400)
    assert pd.concat(model.batches)["age"].min() >= 18
    assert {str(batch["age"].dtype) for batch in model.batches} == {"int64"}


def test_bad_constraints():
    def explain(constraint, training=ROWS):
        return TabularExplainer(training, constraint=constraint).explain_instance(training[0], linear)

    with pytest.raises(ArgumentError, match=r"constraint keeps too few perturbed rows, 0 of 128; let it"):
        explain(lambda rows: np.zeros(len(rows), dtype=bool))
    with pytest.raises(ArgumentError, match=r"constraint must give .* rows of 4 columns; got shape \(.*, 2\)"):
        explain(lambda rows: rows[:, :2])
    with pytest.raises(ArgumentError, match=r"constraint raised ValueError: .* inhomogeneous"):
        explain(lambda _: [[1], [1, 2]])
    for verdict in (lambda rows: [1] * len(rows), lambda rows: [True, None] * (len(rows) // 2), lambda _: [True, False]):
        with pytest.raises(ArgumentError, match="constraint must give 128 rows, or a boolean for each of them; got "):
            TabularExplainer(FRAME, constraint=verdict).explain_instance(FRAME.iloc[0], len)
    with pytest.raises(ArgumentTypeError, match="constraint must be a callable that repairs or rejects rows; got 3"):
        explain(3)
    with pytest.raises(ArgumentError, match="constraint gives categories of column 'town' that the training data lack"):
        TabularExplainer(FRAME, constraint=lambda frame: frame.assign(town="Oz")).explain_instance(FRAME.iloc[0], len)


def test_verdicts_that_are_missing():
    frame = pd.DataFrame({"a": pd.array([None, *range(9)], dtype="Int64"), "b": range(10)})
    explainer = TabularExplainer(frame, constraint=lambda rows: rows["a"] > 3)
    with pytest.raises(ArgumentError, match=r"got object of shape \(.*,\); what is missing is neither True nor False"):
        explainer.explain_instance(frame.iloc[5], len)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_constraints_that_keep_too_few_rows(kept):
    """A single row has no spread; rows of a single replicate cannot tell how far off they are."""

    def few(rows):
        return np.arange(len(rows)) < kept

    with pytest.raises(ArgumentError, match=f"constraint keeps too few perturbed rows, {kept} of 99; let it repair rows"):
        TabularExplainer(ROWS, constraint=few).explain_instance(ROWS[0], linear, num_samples=100)


@pytest.mark.parametrize("every", [20, 40])
def test_constraints_that_keep_few_rows(every):
    explainer = TabularExplainer(ROWS, constraint=lambda rows: np.arange(len(rows)) % every == 0)
    explanation = explainer.explain_instance(ROWS[0], linear)
    assert all(np.isfinite(weight) for weight in explanation.surrogate().weights)


def test_what_the_users_functions_raise_names_the_argument():
    def broken(*_):
        raise ZeroDivisionError("oh")

    for argument in ("constraint", "sampler", "discretizer"):
        with pytest.raises(ArgumentError, match=f"{argument} raised ZeroDivisionError: oh"):
            TabularExplainer(ROWS, **{argument: broken}).explain_instance(ROWS[0], linear)


def test_contradictions_are_refused():
    with pytest.raises(ArgumentError, match="column 'x0' is in categorical_features; kinds says 'numeric'"):
        TabularExplainer(ROWS, kinds={0: "numeric"}, categorical_features=[0])
    with pytest.raises(ArgumentError, match=r"categorical_names\[0\] must be .* from the numbers 0 to 1 .* got one from 1, 2"):
        TabularExplainer(ROWS, categorical_features=[0], categorical_names={0: {1: "red", 2: "green"}})


def test_bad_samplers():
    with pytest.raises(ArgumentError, match="sampler must be one of 'marginals', 'around', 'training_rows'; got 'smote'"):
        TabularExplainer(ROWS, sampler="smote")
    with pytest.raises(ArgumentError, match="give either sample_around_instance or sampler"):
        TabularExplainer(ROWS, sampler="training_rows", sample_around_instance=True)
    with pytest.raises(ArgumentError, match=r"sampler must give 128 rows of 4 columns; got shape \(129, 4\)"):
        TabularExplainer(ROWS, sampler=lambda count, _: np.zeros((count + 1, 4))).explain_instance(ROWS[0], linear)
    with pytest.raises(ArgumentError, match=r"sampler must give finite numbers, or NaN where .*; infinity in x0, x1, x2, x3"):
        TabularExplainer(ROWS, sampler=lambda count, _: np.full((count, 4), np.inf)).explain_instance(ROWS[0], linear)
    with pytest.raises(ArgumentError, match="sampler must give a frame of 128 rows with the training data's columns; got list"):
        TabularExplainer(FRAME, sampler=lambda count, _: [1] * count).explain_instance(FRAME.iloc[0], len)
