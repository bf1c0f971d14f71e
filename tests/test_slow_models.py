"""Models that say that they are slow are asked less, unless the user says how exact weights should be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limelight import ComponentsExplainer, TabularExplainer, TextExplainer
from limelight.exceptions import LimelightError

TEXT = "a long and winding film that never quite finds its way out of the woods"


class Model:
    """The hyperbolic tangent of a sum over the words."""

    def __init__(self, is_slow):
        self.is_slow = is_slow
        self.count = 0

    def __call__(self, texts):
        self.count += len(texts)
        sums = np.array([sum(math.sin(3 * len(word) + ord(word[0])) for word in text.split()) for text in texts])
        return np.tanh(sums / 2)


def codes(explanation):
    return {notice.code for notice in explanation.notices}


def test_a_slow_model_is_asked_less_and_a_notice_says_so():
    slow, quick = (TextExplainer().explain_instance(TEXT, Model(is_slow)) for is_slow in (True, False))
    assert slow.num_inputs < quick.num_inputs
    assert (slow.provenance.tolerance, quick.provenance.tolerance) == (0.1, 0.05)
    (notice,) = [notice for notice in slow.notices if notice.code == "slow_model"]
    assert notice.level == "information"
    assert "tolerance of 0.1, not 0.05" in notice.message
    assert "slow_model" not in codes(quick)


def test_it_is_what_a_tolerance_of_a_tenth_gives():
    slow = TextExplainer().explain_instance(TEXT, Model(True))
    given = TextExplainer(tolerance=0.1).explain_instance(TEXT, Model(False))
    assert slow.surrogates == given.surrogates


@pytest.mark.parametrize("tolerance", [0.05, 0.3])
def test_a_users_tolerance_wins(tolerance):
    slow, quick = (TextExplainer(tolerance=tolerance).explain_instance(TEXT, Model(is_slow)) for is_slow in (True, False))
    assert slow == quick
    assert slow.provenance.tolerance == tolerance
    assert "slow_model" not in codes(slow)


def test_a_given_number_is_asked_about_whatever_the_model_is():
    slow, quick = (TextExplainer().explain_instance(TEXT, Model(is_slow), num_samples=300) for is_slow in (True, False))
    assert slow.num_samples == quick.num_samples == 300
    assert slow.surrogates == quick.surrogates
    assert "slow_model" not in codes(slow)


def test_certainty_takes_the_place_of_both():
    explainer = TextExplainer(certainty=0.9)
    slow, quick = (explainer.explain_instance(TEXT, Model(is_slow), num_features=2) for is_slow in (True, False))
    assert slow.num_samples == quick.num_samples
    assert "slow_model" not in codes(slow)


@pytest.mark.parametrize("is_slow", [1, "yes", None, np.True_])
def test_only_true_means_slow(is_slow):
    assert TextExplainer().explain_instance(TEXT, Model(is_slow)).provenance.tolerance == 0.05


def test_batches_are_asked_as_single_instances_are():
    single = TextExplainer().explain_instance(TEXT, Model(True))
    assert list(TextExplainer().explain_many([TEXT], Model(True))) == [single]


def test_the_repr_has_a_tolerance_only_where_one_was_given():
    assert "tolerance" not in repr(ComponentsExplainer())
    assert "tolerance=0.05" in repr(ComponentsExplainer(tolerance=0.05))


@pytest.mark.parametrize("tolerance", [0, -0.1, math.nan, math.inf, True, "0.1"])
def test_what_a_tolerance_may_be(tolerance):
    with pytest.raises(LimelightError, match="tolerance must be a finite number above 0"):
        TextExplainer(tolerance=tolerance)


@pytest.mark.parametrize(
    "attributes",
    [{"depends_on_batch": True, "batch_rounding": "much"}, {"notes_about": "nothing"}, {"outputs": 3}, {"is_slow": "yes"}],
)
def test_what_a_callable_says_in_another_type_counts_for_nothing(attributes):
    def call(_, rows):
        return rows[:, 0]

    rows = np.random.default_rng(0).normal(size=(100, 2))
    callables = [type("Model", (), {"__call__": call, **more})() for more in ({}, attributes)]
    plain, stated = (TabularExplainer(rows).explain_instance(rows[0], model) for model in callables)
    assert stated == plain
