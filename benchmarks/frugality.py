"""How many inputs "auto" asks about at a tolerance of .05, whether the weights are settled then, and whether that is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from benchmarks._data import corpus, text_pipeline
from benchmarks._report import Row, Table, at_least
from benchmarks._trees import adult_codes, has_adult
from limelight import Explanation, TabularExplainer, TextExplainer
from limelight._lockstep import run_alone
from limelight._options import Request
from limelight.stages.prediction import SharedAnswers
from limelight.stages.surrogate import fit_surrogates

__all__ = ["tables"]

COUNT, LIME_SAMPLES, TRUE_SAMPLES, LABEL, TOLERANCE = 100, 5000, 40_001, 1, 0.05
LEAST_RATIO, LEAST_MET = 3.0, 0.95
LEAST_SETTLED = 0.8


def tables() -> Iterator[Table]:
    cases = {"20 newsgroups, logistic regression": _texts()}
    if has_adult():
        cases["Adult, forest of 100 as a black box"] = _rows()
    inputs, settled, true = [], [], []
    for case, found in cases.items():
        asked, levels, are_met = zip(*found, strict=True)
        ended = [count for count, level in zip(asked, levels, strict=True) if level == "yes"]
        figures = {"lime": LIME_SAMPLES, "auto, all": np.mean(asked), "auto, where it settles": np.mean(ended)}
        inputs.append(Row(case, figures, LIME_SAMPLES / np.mean(ended), at_least(LEAST_RATIO)))
        shares = {level: 100 * np.mean([one == level for one in levels]) for level in ("yes", "nearly", "no")}
        settled.append(Row(case, shares, (shares["yes"] + shares["nearly"]) / 100, at_least(LEAST_SETTLED)))
        met = np.mean([one for one, level in zip(are_met, levels, strict=True) if level == "yes"])
        true.append(Row(case, {"of yes": 100 * met}, met, at_least(LEAST_MET)))
    yield Table(
        name="trust, frugality",
        title=f"Model inputs that an explanation asks about at a tolerance of {TOLERANCE}, {COUNT} instances",
        ratio_of="lime / auto, where it settles",
        rows=inputs,
    )
    yield Table(
        name="trust, settled",
        title="Explanations whose weights are settled where auto ends, in %",
        ratio_of="yes or nearly",
        rows=settled,
    )
    yield Table(
        name="trust, within",
        title="Settled explanations whose weights are all truly within the tolerance, in %",
        ratio_of="share",
        rows=true,
    )


def _texts() -> list[tuple[int, str, bool]]:
    model = text_pipeline("logistic regression").predict_proba
    documents = [document for document in corpus().test if len(document) > 100][:COUNT]
    return [
        _settle(TextExplainer(random_state=seed), TextExplainer(random_state=COUNT + seed), document, model)
        for seed, document in enumerate(documents)
    ]


def _rows() -> list[tuple[int, str, bool]]:
    rows, codes, is_high = adult_codes()
    forest = RandomForestClassifier(100, min_samples_leaf=5, max_leaf_nodes=200, random_state=0)
    forest.fit(rows[:10_000], is_high[:10_000])
    chosen = np.random.default_rng(3).permutation(len(rows))[:COUNT]
    exact = TabularExplainer(rows, categorical_features=codes)
    explainers = (
        TabularExplainer(rows, categorical_features=codes, random_state=seed, shortcuts=False) for seed in range(COUNT)
    )
    return [
        _settle(explainer, exact, row, forest.predict_proba) for explainer, row in zip(explainers, rows[chosen], strict=True)
    ]


def _settle(explainer: Any, reference: Any, instance: Any, model: Any) -> tuple[int, str, bool]:
    """The number of inputs, how well the weights are settled, and whether they are within the tolerance of their limits."""
    explanation = explainer.explain_instance(instance, model, labels=LABEL)
    surrogate = explanation.surrogate()
    limits = _find_limits(reference, instance, model, explanation)
    is_met = (np.abs(np.array(surrogate.weights) - limits) <= TOLERANCE * np.abs(limits).max()).all()
    return explanation.num_inputs, explanation.convergence().level, bool(is_met)


def _find_limits(reference: Any, instance: Any, model: Any, explanation: Explanation) -> np.ndarray:
    """What the weights of the listed components tend to, from many perturbations or in closed form."""
    request = Request.checked(
        labels=LABEL,
        top_labels=None,
        num_features=None,
        num_samples=TRUE_SAMPLES,
        max_samples=None,
        batch_size=None,
        pad_batches=False,
        model_regressor=None,
        distance_metric=None,
        link="identity",
    )
    listed = explanation.surrogate().components
    gathered = run_alone(reference._gather_in_steps(instance, model, request, SharedAnswers()))
    nominal = explanation.provenance.nominal_draws
    settings = gathered.settings._replace(components=listed, nominal_draws=nominal)
    ((fit,),) = fit_surrogates([gathered.sample], settings)
    weights = dict(zip(fit.components.tolist(), fit.weights.tolist(), strict=True))
    return np.array([weights[number] for number in listed])
