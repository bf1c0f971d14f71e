"""Exact explanations of trees and forests: their time and errors beside sampling and lime, their time beside shap, memory."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import Any

import numpy as np
from lime.lime_tabular import LimeTabularExplainer

from benchmarks._report import Row, Table, at_least, at_most
from benchmarks._trees import (
    Ensemble,
    adult_boosting,
    adult_codes,
    adult_xgboost,
    cancer_boosting,
    cancer_forest,
    cancer_logistic,
    has_adult,
)
from limelight import Explanation
from limelight.models import adapt
from limelight.stages.limit import Limit, expect_outputs

__all__ = ["tables"]

NUM_SAMPLES, LABEL, WITHIN = 5000, 1, at_most(1)
# What a single explanation must not take longer than, in milliseconds; and a process with the large forest, in megabytes.
SET_UP, CANCER_ROW, BATCH_ROW, ADULT_ROW, MEGABYTES = 40, 1, 0.25, 10, 1500
BATCH, SHAP_ROWS, BACKGROUND, ROUNDS, SET_UPS = 1000, 40, 100, 5, 3
# Of the errors: rows, lime's and limelight's runs of each, and the perturbations of a run that comes near the limit.
ERROR_ROWS, ERROR_SEEDS, MANY = 5, 5, 400_000
NARROW_WIDTHS, NARROW_ROWS, NARROW_SEEDS = (0.2, 0.15), 4, 5  # widths in units of the root of the number of columns
BOOSTED_ROWS, BOOSTED_SEEDS, BOOSTED_REFERENCE = 5, 10, 2**17
# A program of its own: MB with a forest of many leaves and at the peak of explaining, ms of a later row, and the leaves.
LARGE_FOREST = """
import pickle, sys
from pathlib import Path
from time import process_time
from sklearn.ensemble import RandomForestClassifier
from limelight import TabularExplainer

def held(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1e3

with open(sys.argv[1], "rb") as file:
    rows, codes, is_high = pickle.load(file)
model = RandomForestClassifier(500, random_state=0).fit(rows[:30000], is_high[:30000])
before = held("VmRSS")
explainer = TabularExplainer(rows, categorical_features=codes)
start = process_time()
assert explainer.explain_instance(rows[0], model).provenance.design == "exact"
first = process_time() - start
explainer.explain_many(rows[:10], model)
start = process_time()
explainer.explain_many(rows[10:20], model)
later = (process_time() - start) / 10
print(before, held("VmHWM"), 1e3 * first, 1e3 * later, sum(tree.get_n_leaves() for tree in model.estimators_))
"""


def tables() -> Iterator[Table]:
    """What needs Adult, XGBoost, treelite or shap is left out, with a word, where that is missing."""
    yield _times()
    yield _beside_sampling()
    yield _errors()
    yield _narrow_kernels()
    yield from _beside_shap()
    yield from _boosted()
    yield from _memory()


def _times() -> Table:
    forest = cancer_forest()
    set_up, a_row = _closed_form(forest)
    limits = [
        ("breast cancer, forest of 100: reading the model, all conditions", SET_UP, set_up),
        ("the same: a later row's exact moments", CANCER_ROW, a_row),
        (f"the same: each of {BATCH} rows, whole job in one process", BATCH_ROW, _batch(forest)),
    ]
    notes = ["exact moments: all that depends on the model; the whole call asks it about 257 rows as well, see below."]
    boosted = adult_xgboost() if has_adult() else None
    if boosted is None:
        notes.append("Adult, XGBoost: skipped, for lack of its file, of xgboost or of treelite.")
    else:
        set_up, a_row = _closed_form(boosted, link="logit")
        limits += [(f"{boosted.name}: a later row's exact moments", ADULT_ROW, a_row)]
        notes.append(f"{boosted.name}: {set_up:.0f} ms for reading the model and all conditions.")
    return Table(
        name="exact, time",
        title="Exact explanations: ms of CPU time",
        ratio_of="itself / limit",
        rows=[Row(case, {"limit": limit, "itself": itself}, itself / limit, WITHIN) for case, limit, itself in limits],
        notes=notes,
    )


def _closed_form(ensemble: Ensemble, link: str = "identity") -> tuple[float, float]:
    """Milliseconds of reading a model and of all that rows share, and of a later row."""
    rows, found = ensemble.some_rows(200), []
    for _ in range(SET_UPS + 1):
        explainer = ensemble.explainer()
        laws = [explainer.components(row).product_law for row in rows]
        model = copy.deepcopy(ensemble.model)  # which has not been read
        gc.collect()
        start = process_time()
        model_sum = adapt(model, explainer.components(rows[0]), shortcuts=True).model_sum
        assert model_sum.link == link
        kernel_width, times = explainer.options.kernel_width, []
        for law in laws:
            times.append(process_time())
            law.component_moments(kernel_width)
            expect_outputs([Limit(model_sum, law, kernel_width, (LABEL,), np.zeros(1))])
        of_rows = np.diff([*times, process_time()])
        later = float(np.median(of_rows[100:]))
        # The first rows work out the conditions of the states that they are the first to have.
        found.append((1e3 * (times[0] - start + float((of_rows[:100] - later).sum())), 1e3 * later))
    set_up, a_row = np.median(found[1:], axis=0)  # the first one imports
    return float(set_up), float(a_row)


def _batch(ensemble: Ensemble) -> float:
    """Milliseconds of each row of a whole job, in this process."""
    explainer, rows = ensemble.explainer(), ensemble.some_rows(BATCH)
    return _median_milliseconds(lambda: explainer.explain_many(rows, ensemble.model)) / BATCH


def _beside_sampling() -> Table:
    forest = cancer_forest()
    exact, sampled = forest.explainer(), forest.explainer(shortcuts=False)
    lime = LimeTabularExplainer(forest.rows, random_state=0)
    asked = {"exact": (exact, forest.model), "sampled": (sampled, forest.model), "lime": (lime, forest.model.predict_proba)}
    rows_of_trial = forest.some_rows(257)
    of_model = _median_milliseconds(lambda: forest.model.predict_proba(rows_of_trial))
    found = []
    for num_features in (10, 5):
        times: dict[str, list[float]] = {name: [] for name in asked}
        for row in forest.some_rows(ROUNDS + 1):  # in turn, so that a change of the machine's pace meets all
            for name, (explainer, model) in asked.items():
                gc.collect()
                start = process_time()
                explainer.explain_instance(row, model, num_features=num_features)
                times[name].append(1e3 * (process_time() - start))
        ours, *others = (float(np.median(times[name][1:])) for name in asked)
        for name, other, target in zip(("limelight's sampling", "lime"), others, (5, 50), strict=True):
            case = f"{num_features} features, beside {name}"
            figures = {"sampling": other, "exact": ours, "of it the model": of_model}
            found.append(Row(case, figures, other / ours, at_least(target)))
    return Table(
        name="exact, beside sampling",
        title="Breast cancer, forest of 100, one row at a time, defaults: ms of CPU time, whole call",
        ratio_of="sampling / exact",
        rows=found,
        notes=["limelight's sampling: shortcuts=False. the model: it is asked about 257 rows."],
    )


def _errors() -> Table:
    forest = cancer_forest()
    exact = forest.explainer(feature_selection="none")

    def by_sampling(row: np.ndarray, seed: int, num_samples: int) -> Explanation:
        # The penalty is meant per num_samples: scaled with it, a larger run converges to what the exact one gives.
        options = {"alpha": num_samples / NUM_SAMPLES, "random_state": seed, "shortcuts": False}
        return forest.explainer(feature_selection="none", **options).explain_instance(
            row, forest.model, num_samples=num_samples
        )

    def by_lime(row: np.ndarray, seed: int) -> np.ndarray:
        lime = LimeTabularExplainer(forest.rows, feature_selection="none", random_state=seed)
        explained = lime.explain_instance(row, forest.model.predict_proba, num_features=forest.rows.shape[1])
        return _spread(explained.as_map()[LABEL], forest.rows.shape[1])

    errors: dict[str, list[float]] = {"lime": [], "few": [], "many": []}
    held = {"few": [], "many": []}
    for row in forest.some_rows(ERROR_ROWS):
        limit = _weights(exact.explain_instance(row, forest.model))
        scale = np.sqrt(np.square(limit).mean())
        runs = [("few", by_sampling(row, seed, NUM_SAMPLES)) for seed in range(ERROR_SEEDS)]
        for name, run in [*runs, ("many", by_sampling(row, 0, MANY))]:
            errors[name].append(float(np.sqrt(np.square(_weights(run) - limit).mean()) / scale))
            held[name].append(_share_held(run, limit))
        of_lime = [by_lime(row, seed) for seed in range(ERROR_SEEDS)]
        errors["lime"] += [float(np.sqrt(np.square(run - limit).mean()) / scale) for run in of_lime]
    of_lime = float(np.mean(errors["lime"]))
    cases = [
        ("lime", NUM_SAMPLES, of_lime, 0.0),
        ("limelight, sampled", NUM_SAMPLES, float(np.mean(errors["few"])), float(np.mean(held["few"]))),
        ("limelight, sampled", MANY, float(np.mean(errors["many"])), float(np.mean(held["many"]))),
    ]
    return Table(
        name="exact, errors",
        title="Breast cancer, forest of 100, all 30 components: root mean squared error of the weights, in % of them",
        ratio_of="lime's / this",
        rows=[
            Row(f"{case}, {inputs} inputs", {"error, %": 100 * error, "within intervals, %": 100 * share}, of_lime / error)
            for case, inputs, error, share in cases
        ],
        notes=[
            f"Beside the exact weights. Means of {ERROR_ROWS} rows, {ERROR_SEEDS} seeds each (one of {MANY} inputs).",
            "lime has no intervals.",
        ],
    )


def _narrow_kernels() -> Table:
    """A forest as a black box under narrow kernels: rows drawn from the kernel-weighted law, and from the law itself."""
    forest = cancer_forest()
    num_columns, found = forest.rows.shape[1], []

    def black_box(rows: np.ndarray) -> np.ndarray:
        return forest.model.predict_proba(rows)

    for share in NARROW_WIDTHS:
        width = share * num_columns**0.5
        options = {"feature_selection": "none", "kernel_width": width, "alpha": 0}
        errors: dict[str, list[float]] = {"plain": [], "limelight": []}
        sizes: dict[str, list[float]] = {"plain": [], "limelight": []}
        for row in forest.some_rows(NARROW_ROWS):
            limit = _weights(forest.explainer(**options).explain_instance(row, forest.model))
            for seed in range(NARROW_SEEDS):
                for name, kernel in (("plain", _as_usual), ("limelight", None)):
                    explainer = forest.explainer(**options, kernel=kernel, random_state=seed)
                    run = explainer.explain_instance(row, black_box, num_samples=NUM_SAMPLES)
                    assert run.provenance.design == ("sobol" if kernel else "tilted_sobol")
                    errors[name].append(float(np.square(_weights(run) - limit).mean() / np.square(limit).mean()))
                    sizes[name].append(run.effective_sample_size)
        squares = {name: float(np.mean(each)) for name, each in errors.items()}
        figures = {f"{name}, %": 100 * float(np.sqrt(square)) for name, square in squares.items()}
        figures |= {f"rows, {name}": float(np.mean(each)) for name, each in sizes.items()}
        found.append(Row(f"width {share:g} sqrt(columns)", figures, squares["plain"] / squares["limelight"], at_least(2)))
    return Table(
        name="exact, narrow kernels",
        title=f"Breast cancer, forest as a black box, {NUM_SAMPLES} inputs: root mean squared error of the weights, in %",
        ratio_of="MSE, plain / limelight",
        rows=found,
        notes=[
            "Beside the exact weights, alpha=0. limelight: rows of the kernel-weighted law. plain: of the law itself.",
            f"rows: the effective sample size. Means of {NARROW_ROWS} rows, {NARROW_SEEDS} seeds each.",
        ],
    )


def _as_usual(distances: np.ndarray, width: float) -> np.ndarray:
    """The default kernel as a user's own, which limelight does not know."""
    return np.asarray(np.exp(-0.5 * (distances / width) ** 2))


def _share_held(run: Explanation, limit: np.ndarray) -> float:
    """The share of a run's intervals that hold the exact weight."""
    surrogate = run.surrogate(LABEL)
    expected = limit[list(surrogate.components)]
    return float(np.mean((np.array(surrogate.lows) <= expected) & (expected <= np.array(surrogate.highs))))


def _beside_shap() -> Iterator[Table]:
    try:
        import shap
    except ImportError:
        print("\nbeside shap: skipped, shap is not installed.")
        return
    ensembles = [(cancer_forest(), "identity")]
    boosted = adult_xgboost() if has_adult() else None
    if boosted is not None:
        ensembles.append((boosted, "logit"))
    found = []
    for ensemble, link in ensembles:
        _, a_row = _closed_form(ensemble, link)
        explainer, rows = ensemble.explainer(), ensemble.some_rows(SHAP_ROWS)
        background = ensemble.some_rows(SHAP_ROWS + BACKGROUND)[SHAP_ROWS:]
        of_shap = shap.TreeExplainer(ensemble.model, background, feature_perturbation="interventional")
        one, many = (
            _median_milliseconds(lambda some=some, of_shap=of_shap: of_shap.shap_values(some)) / len(some)
            for some in (rows[:1], rows)
        )
        whole = _median_milliseconds(lambda e=explainer, m=ensemble.model, r=rows[0], k=link: e.explain_instance(r, m, link=k))
        batch = ensemble.some_rows(BATCH)
        job = _median_milliseconds(lambda e=explainer, m=ensemble.model, r=batch, k=link: e.explain_many(r, m, link=k)) / BATCH
        for case, shaps, ours, target in (
            ("a row's exact values", one, a_row, at_least(1)),
            ("many rows, whole job", many, job, at_least(1)),
            ("one row, whole call", one, whole, None),
        ):
            found.append(Row(f"{ensemble.name}: {case}", {"shap": shaps, "limelight": ours}, shaps / ours, target))
    yield Table(
        name="exact, beside shap",
        title=f"Beside shap's TreeExplainer, interventional, {BACKGROUND} background rows: ms of CPU time a row",
        ratio_of="shap / limelight",
        rows=found,
        notes=[
            f"Set-ups apart. many rows: {SHAP_ROWS} of shap's, {BATCH} of limelight's. whole call: the model is asked about",
            "257 rows as well, to see that it is the one that was read; shap asks it nothing.",
        ],
    )


def _boosted() -> Iterator[Table]:
    """Probabilities of boosted trees and the like, which are no sums: with and without what is known about their log-odds."""
    found = []
    for ensemble in [cancer_boosting(), *([adult_boosting()] if has_adult() else []), cancer_logistic()]:

        def weights(row: np.ndarray, seed: int, num_samples: int, ensemble: Ensemble = ensemble, **options: Any) -> np.ndarray:
            explainer = ensemble.explainer(
                feature_selection="none", random_state=seed, alpha=num_samples / NUM_SAMPLES, **options
            )
            return _weights(explainer.explain_instance(row, ensemble.model, num_samples=num_samples))

        errors: dict[bool, list[float]] = {True: [], False: []}
        scales, apart = [], []
        for row in ensemble.some_rows(BOOSTED_ROWS):
            limit, other = (weights(row, 10**6, BOOSTED_REFERENCE, shortcuts=known) for known in errors)
            scales.append(np.square(limit).mean())
            apart.append(np.square(other - limit).mean() / scales[-1])
            for known, squares in errors.items():
                runs = [weights(row, seed, NUM_SAMPLES, shortcuts=known) for seed in range(BOOSTED_SEEDS)]
                squares.append(float(np.square(np.array(runs) - limit).mean()))
        plain, ours = (float(np.exp(np.mean(np.log(np.array(errors[known]) / scales)))) for known in (False, True))
        figures = {"plain": plain, "limelight": ours, "limits apart": float(np.mean(apart))}
        in_percent = {name: 100 * float(np.sqrt(square)) for name, square in figures.items()}
        found.append(Row(ensemble.name, in_percent, plain / ours, at_least(4)))
    yield Table(
        name="exact, boosted probabilities",
        title=f"Probabilities, {NUM_SAMPLES} inputs: root mean squared error of the weights, in % of them",
        ratio_of="MSE, plain / limelight",
        rows=found,
        notes=[
            "limelight: with the exactly explained log-odds as a control variate. plain: shortcuts=False.",
            f"Geometric means of {BOOSTED_ROWS} rows, {BOOSTED_SEEDS} seeds each, beside {BOOSTED_REFERENCE} inputs with it.",
            "limits apart: of these from plain runs of as many inputs.",
        ],
    )


def _memory() -> Iterator[Table]:
    if not has_adult() or not sys.platform.startswith("linux"):
        print("\nmemory of a large forest: skipped, for lack of Adult's file or of Linux.")
        return
    with tempfile.NamedTemporaryFile() as file:
        pickle.dump(adult_codes(), file)
        file.flush()
        program = [sys.executable, "-c", LARGE_FOREST, file.name]
        printed = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True).stdout
    before, peak, first, later, leaves = map(float, printed.split())
    yield Table(
        name="exact, large forest",
        title=f"Adult, 500 fully grown trees of 30000 rows, {leaves:.0f} leaves: MB at the peak of a process of its own",
        ratio_of="itself / limit",
        rows=[
            Row("the whole process", {"limit": MEGABYTES, "the model alone": before, "itself": peak}, peak / MEGABYTES, WITHIN)
        ],
        notes=[f"the first explanation {first:.0f} ms of CPU time, each of ten in one job {later:.0f} ms."],
    )


def _weights(explanation: Explanation) -> np.ndarray:
    return _spread(explanation.as_map()[LABEL], len(explanation.names))


def _spread(weights: Sequence[tuple[int, float]], components: int) -> np.ndarray:
    """Reported weights at their components' places."""
    spread = np.zeros(components)
    for component, weight in weights:
        spread[component] = weight
    return spread


def _median_milliseconds(work: Callable[[], object]) -> float:
    """The median of a few times; the first one, which warms up, does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        gc.collect()
        start = process_time()
        work()
        times.append(1e3 * (process_time() - start))
    return float(np.median(times[1:]))
