"""More components than perturbations, through the public door: what is found, how surely, and in how much memory."""

import tracemalloc
from zlib import crc32

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from limelight import TabularExplainer, TextExplainer, _lockstep
from limelight._blas import one_blas_thread
from limelight.modalities import _words
from limelight.stages import remedies
from limelight.stages.components import count_present
from limelight.stages.kernel_law import KernelLaw
from limelight.stages.proximity import Proximity, exponential_kernel
from limelight.stages.sample import Sample

PLANTED = (3.0, -2.0, 2.0, 1.5, -1.5, 1.0)
MEGABYTES = 60
COLUMNS = 3000  # a matrix with a row and a column for each takes 72 MB


@pytest.fixture(autouse=True)
def _one_thread():
    with one_blas_thread():
        yield


def make_text(words: int) -> str:
    return " ".join(f"w{number}" for number in range(words))


def plant(words: int, seed: int, noise: float) -> np.ndarray:
    """An effect of each word: large ones of six words at random, and small ones of all."""
    draw = np.random.default_rng(seed)
    effects = noise * draw.normal(size=words)
    effects[draw.permutation(words)[: len(PLANTED)]] += PLANTED
    return effects


def add_up(effects):
    """A model that adds up the effects of a text's words."""
    return lambda texts: np.array([effects[[int(word[1:]) for word in text.split()]].sum() for text in texts])


def sigmoid(scores):
    shares = 1 / (1 + np.exp(-scores))
    return np.column_stack([1 - shares, shares])


@pytest.mark.parametrize("num_features", [6, 10])
@pytest.mark.parametrize("num_samples", [700, 1500, "auto"])
def test_planted_words_are_found(num_features, num_samples):
    effects = plant(1600, 0, 0.0)
    model = add_up(effects)
    explainer = TextExplainer()
    explainer.cap = 1500
    explanation = explainer.explain_instance(
        make_text(1600), lambda texts: sigmoid(model(texts)), num_features=num_features, num_samples=num_samples
    )
    heaviest = explanation.as_list()[:6]
    assert {name for name, _ in heaviest} == {f"w{number}" for number in np.flatnonzero(effects)}
    assert all(np.sign(weight) == np.sign(effects[int(name[1:])]) for name, weight in heaviest)


def test_intervals_contain_the_limit():
    """That of the chosen words on the infinite neighbourhood, in closed form; some of the words are chosen by chance."""
    words, num_samples = 500, 400
    text = make_text(words)
    hits = []
    for seed in range(12):
        effects = plant(words, seed, 0.03)
        explainer = TextExplainer(random_state=seed)
        explanation = explainer.explain_instance(text, add_up(effects), num_features=10, num_samples=num_samples)
        proximity = Proximity(explainer.options.kernel_width, explainer.distances, exponential_kernel)
        law = KernelLaw(explainer.components(text).law, proximity.kernel_by_absent(words))
        covariance = law.moments()[1]
        (surrogate,) = explanation.surrogates
        chosen = np.array(surrogate.components)
        penalised = covariance[np.ix_(chosen, chosen)] + np.eye(len(chosen)) / (num_samples * law.mean_weight)
        limit = np.linalg.solve(penalised, covariance[chosen] @ effects)
        hits += ((np.array(surrogate.lows) <= limit) & (limit <= np.array(surrogate.highs))).tolist()
    assert 0.87 <= np.mean(hits) <= 0.99


@pytest.mark.parametrize(("num_features", "num_samples"), [(5, 200), (10, 600)])
def test_components_that_may_be_chance_are_named(num_features, num_samples):
    """A model's answers are noise: the weights chosen among many are several errors from 0, and may be 0 all the same."""

    def noise(texts):
        return [crc32(text.encode()) / 2**32 for text in texts]

    explain = TextExplainer().explain_instance
    explanation = explain(make_text(900), noise, num_features=num_features, num_samples=num_samples)
    (surrogate,) = explanation.surrogates
    assert (np.array(surrogate.lows) * np.array(surrogate.highs) < 0).all()
    (notice,) = [note for note in explanation.notices if note.code == "chance_choice"]
    assert notice.message.startswith(tuple(explanation.names[component] for component in surrogate.components))
    assert f"chosen among 900 components from {num_samples - 1} perturbations" in notice.message
    assert notice in explanation.warnings
    enough = explain(make_text(90), noise, num_features=num_features, num_samples=num_samples)
    assert "chance_choice" not in {note.code for note in enough.notices}


def test_planted_components_are_not_taken_for_chance():
    effects = plant(900, 1, 0.0)
    explanation = TextExplainer().explain_instance(make_text(900), add_up(effects), num_features=6, num_samples=600)
    assert "chance_choice" not in {note.code for note in explanation.notices}


def explain_row(num_features=10, model_regressor=None, **options):
    table = np.random.default_rng(0).normal(size=(20, COLUMNS))
    explainer = TabularExplainer(table, **options)
    arguments = {"num_samples": 300, "num_features": num_features, "model_regressor": model_regressor}
    return lambda: explainer.explain_instance(table[0], lambda rows: np.sin(9 * rows[:, :50]).sum(axis=1), **arguments)


def explain_text(**options):
    explainer, text = TextExplainer(**options), make_text(COLUMNS)
    return lambda: explainer.explain_instance(text, lambda texts: [[np.sin(len(text))] for text in texts], num_samples=300)


def explain_rows():
    table = np.random.default_rng(0).normal(size=(20, COLUMNS))
    explainer = TabularExplainer(table)
    return lambda: explainer.explain_many(table[:5], lambda rows: rows[:, 7], num_samples=100, num_features=3)


@pytest.mark.parametrize(
    "make",
    [
        explain_row,
        lambda: explain_row(num_features=4),
        lambda: explain_row(num_features=2000),
        lambda: explain_row(feature_selection="none"),
        lambda: explain_row(feature_selection="none", alpha=0.0),
        lambda: explain_row(feature_selection="none", model_regressor=Ridge(solver="lsqr")),
        lambda: explain_row(feature_selection="lasso_path"),
        lambda: explain_row(discretize_continuous=False),
        lambda: explain_row(discretize_continuous=False, num_features=4),
        explain_rows,
        explain_text,
        lambda: explain_text(feature_selection="forward_selection"),
        lambda: explain_text(design="iid", kernel=lambda distances, width: np.exp(-distances / width)),
    ],
)
def test_nothing_has_a_row_and_a_column_for_each_component(make):
    explain = make()
    tracemalloc.start()
    try:
        explain()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1e6 * MEGABYTES


@pytest.mark.parametrize(("is_wide", "seed", "kernel_width"), [(True, 20, 1.5), (False, 10, None)])
def test_a_lasso_path_that_ends_early_does_not_warn(monkeypatch, is_wide, seed, kernel_width):
    """Some columns are equal, or opposite, so that scikit-learn leaves some out; warnings are errors here."""
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(100, 40))
    table[:, 5], table[:, 7] = table[:, 6], 1
    table[:, 8:20] = draw.random((100, 12)) < 0.5
    table[:, 21] = -table[:, 20]
    monkeypatch.setattr(Sample, "is_wide", is_wide)
    explainer = TabularExplainer(table, mode="regression", feature_selection="lasso_path", kernel_width=kernel_width)
    for model in (lambda rows: rows[:, 5] + rows[:, 8] - rows[:, 20], lambda rows: (rows[:, 8] > 0.5) * 1.0):
        explanation = explainer.explain_instance(table[0], model, num_samples=20, num_features=5)
        assert 0 < len(explanation.as_list()) <= 5


def test_long_texts_are_asked_about_in_batches(monkeypatch):
    text = make_text(300)
    counts = []

    def model(texts):
        counts.append(len(texts))
        return sigmoid(add_up(plant(300, 0, 0.1))(texts))

    whole = TextExplainer().explain_instance(text, model, num_samples=200)
    assert max(counts) == 200
    monkeypatch.setattr(_words, "_LONG_TEXT", 1000)
    monkeypatch.setattr(_words, "_BATCH_CHARACTERS", 60 * len(text))
    counts.clear()
    assert TextExplainer().explain_instance(text, model, num_samples=200) == whole
    assert max(counts) == 50  # four equal batches of at most 60
    counts.clear()
    TextExplainer().explain_instance(text, model, num_samples=200, batch_size=90)
    assert max(counts) == 67  # three equal batches of at most 90


def test_instances_of_many_components_are_explained_a_few_at_a_time(monkeypatch):
    texts = [make_text(count) for count in (30, 40, 20, 1, 50)]
    model = lambda batch: sigmoid(add_up(plant(60, 0, 0.1))(batch))  # noqa: E731
    together = TextExplainer().explain_many([*texts, ""], model, num_samples=64, on_error="keep")
    sizes = []
    run_some = _lockstep._run_some
    monkeypatch.setattr(_lockstep, "_run_some", lambda runs: sizes.append(len(results := run_some(runs))) or results)
    monkeypatch.setattr(_lockstep, "_MOST_COMPONENTS", 60)
    apart = TextExplainer().explain_many([*texts, ""], model, num_samples=64, on_error="keep")
    assert sizes == [2, 3, 1]
    assert list(apart)[:5] == list(together)[:5]
    assert len(apart.failures) == len(together.failures) == 1


def test_other_kernels_are_tried_where_that_is_quick(monkeypatch):
    """With many components, and as many perturbations, the trials take longer than the explanation."""

    def note_of(words, num_samples):
        explanation = TextExplainer().explain_instance(
            make_text(words), lambda texts: [crc32(text.encode()) / 2**32 for text in texts], num_samples=num_samples
        )
        return next(note.message for note in explanation.notices if note.code == "low_fidelity")

    monkeypatch.setattr(remedies, "_MOST_EQUATIONS_OF_KERNELS", 100)
    assert "other kernel widths was tried" in note_of(90, 600)
    assert "other kernel widths" not in note_of(110, 600)
    assert "other kernel widths" not in note_of(900, 200)
    monkeypatch.setattr(remedies, "_MOST_EQUATIONS_OF_KERNELS", 650)
    assert "other kernel widths was tried" in note_of(900, 600)


@pytest.mark.parametrize("width", [0, 1, 255, 256, 300, 2**15 - 1, 2**15, 2**16 + 1])
def test_masks_of_any_width_are_counted(width):
    masks = np.ones((3, width), dtype=np.uint8)  # none are as of a text of whose words a vectorizer knows none
    masks[1, 1::2] = masks[2] = 0
    for in_memory in (masks, np.asfortranarray(masks), masks.astype(bool)):
        assert count_present(in_memory).tolist() == [width, (width + 1) // 2, 0]


def test_a_single_perturbation_is_called_constant_if_it_is_as_the_instance():
    for model, is_constant in ((lambda texts: [len(text) for text in texts], False), (lambda texts: [3.0] * len(texts), True)):
        explanation = TextExplainer().explain_instance(make_text(30), model, num_samples=2)
        assert ("constant_output" in {note.code for note in explanation.notices}) is is_constant
