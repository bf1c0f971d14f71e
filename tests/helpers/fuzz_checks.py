"""What holds for every explanation, and how many examples the tests of anything try."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings

from helpers.fuzz_models import CONSTANT, Model
from limelight import Explanation

MANY = os.environ.get("LIMELIGHT_FUZZ_EXAMPLES")


def fuzzed(examples: int) -> Callable[[Any], Any]:
    """Try so many examples, the same in every run; or as many new ones as LIMELIGHT_FUZZ_EXAMPLES says."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=int(MANY or examples), derandomize=MANY is None, database=None, suppress_health_check=slow, deadline=None
    )


def check_explanation(explanation: Explanation) -> None:
    """Names differ, numbers are finite, and intervals are about their weights or NaN, with a word about it."""
    assert len(set(explanation.names)) == len(explanation.names)
    for surrogate in explanation.surrogates:
        weights, lows, highs = map(np.array, (surrogate.weights, surrogate.lows, surrogate.highs))
        assert np.isfinite([*weights, surrogate.intercept, surrogate.local_prediction]).all()
        has_interval = (lows <= weights) & (weights <= highs)
        assert np.isnan(lows[~has_interval]).all()
        assert has_interval.all() or explanation.warnings


def check_answers(explanation: Explanation, model: Model, name: str) -> None:
    """What holds for an explanation of a model of this name, which was asked under the caller's handling of errors."""
    errors = np.geterr()
    assert all(seen == errors for seen in model.errors)
    check_explanation(explanation)
    if name in CONSTANT:
        assert not any(any(surrogate.weights) for surrogate in explanation.surrogates)


def check_outputs(explanation: Explanation) -> None:
    """Whatever is made of it can be made, and JSON gives it back."""
    explanation.as_html()
    explanation.to_markdown()
    explanation.as_map()
    for backend in ("pandas", "polars", "pyarrow"):
        explanation.to_frame(backend)
    assert repr(Explanation.from_json(explanation.to_json())) == repr(explanation)
