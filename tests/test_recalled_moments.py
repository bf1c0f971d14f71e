"""What a look at a sample works out once: for the fit, for how certain its list is, and for what a reader should know."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from limelight import TabularExplainer, TextExplainer
from limelight.stages import controlled_moments, full_fit
from limelight.stages.convergence import Goal
from limelight.stages.sample import Sample


@pytest.fixture
def counted(monkeypatch):
    """Has the calls of a function of a module counted, in a list of its first arguments."""

    def count(module, name):
        calls, function = [], getattr(module, name)

        def call(first, *rest, **named):
            calls.append(first)
            return function(first, *rest, **named)

        monkeypatch.setattr(module, name, call)
        return calls

    return count


def make_sample(rows=64, d=3, replicates=8):
    rng = np.random.default_rng(0)
    sample = Sample(np.ones(d, dtype=np.uint8), np.zeros(1))
    for _ in range(2):
        masks = rng.integers(0, 2, (rows, d), dtype=np.uint8)
        bounds = np.linspace(0, rows, replicates + 1).astype(np.intp)
        sample.add(masks, masks[:, :1] + rng.normal(size=(rows, 1)), *np.ones((2, rows)), bounds)
    return sample


def test_what_is_recalled_is_worked_out_once_until_rows_or_controls_change():
    sample, found = make_sample(), []

    def find():
        found.append(sample.size)
        return found[-1]

    assert [sample.recall("size", find), sample.recall("size", find), sample.recall("other", find)] == [128, 128, 128]
    assert found == [128, 128]
    stretch = sample._stretches[0]
    sample.add(stretch.representation, stretch.outputs, stretch.law_weights, stretch.kernel_weights, stretch.replicate_bounds)
    assert sample.recall("size", find) == 192
    sample.replace_controls(None, [None] * 3)
    sample.recall("size", find)
    assert found == [128, 128, 192, 192]


def test_a_sample_with_other_weights_or_outputs_recalls_nothing_of_this_one():
    sample = make_sample()
    sample.recall("key", lambda: "of this one")
    assert sample.take_output(0).recall("key", lambda: "of one output") == "of one output"
    assert sample.recall("key", lambda: "of another") == "of this one"


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 5))
    return rows, (rows[:, 0] * rows[:, 1] + rows[:, 2] > 0).astype(int)


def test_moments_of_masks_are_fitted_once_a_look(counted):
    """The list is judged at every look, and again for the notices and the explanation."""
    fits, looks = counted(full_fit, "_remove_chance"), counted(Goal, "is_reached")
    text = " ".join(f"w{number}" for number in range(20))

    def model(texts):
        return [
            0.3 * len({"w5", "w7", "w9", "w12"} & {*words}) + 0.2 * ("w3" in words) * ("w4" in words)
            for words in map(str.split, texts)
        ]

    explainer = TextExplainer(mode="regression", certainty=0.99)
    explanation = explainer.explain_instance(text, model, max_samples=2000, num_features=3)
    assert "uncertain_list" in {notice.code for notice in explanation.notices}
    assert len(looks) > 3
    assert 1 <= len(fits) <= len(looks)  # early looks have too few rows


@pytest.mark.parametrize("count", [1, 4])
def test_control_variates_are_fitted_once_a_look_of_each_row(counted, table, count):
    rows, classes = table
    model = GradientBoostingClassifier(n_estimators=15, random_state=0).fit(rows, classes)
    explainer = TabularExplainer(rows, certainty=0.95)
    fitted = counted(controlled_moments, "_fit")
    looks = counted(Goal, "is_reached")
    list(explainer.explain_many(rows[:count], model, num_features=2))
    assert 0 < sum(map(len, fitted)) <= len(looks)


def test_sums_of_wide_rows_are_worked_out_once(counted):
    made = counted(Sample, "_add_columns")
    sample = make_sample(rows=16, d=50)
    assert sample.column_sums() is sample.column_sums()
    assert made == [sample]


def test_one_output_of_several_is_taken_once_for_all_that_is_tried(counted):
    """The instance is an exception, and nothing is linear: other settings are tried for the one, and for the other."""
    text = " ".join(f"w{number}" for number in range(20))

    def model(texts):
        found = [5.0 * (one == text) + sum(int(word[1:]) ** 3 % 11 for word in one.split()) % 7 for one in texts]
        return np.stack([found, np.negative(found)], axis=1)

    taken = counted(Sample, "take_output")
    explanation = TextExplainer(mode="regression").explain_instance(text, model, num_samples=300)
    codes = [notice.code for notice in explanation.notices]
    assert codes.count("off_at_instance") == codes.count("low_fidelity") == 2
    assert len(taken) == 2
