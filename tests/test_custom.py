"""The user's own components: closed forms, what compose gets and may return, and the messages about mistakes."""

import math
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.asked import assert_asked_total
from scipy.sparse import csr_matrix

from limelight import ComponentsExplainer, Explanation
from limelight.exceptions import ArgumentTypeError, InstanceError, PredictionError


class Switches:
    """Parts that are nothing but on or off: the model sees the masks themselves."""

    def __init__(self, count: int) -> None:
        self.names = [f"switch {number}" for number in range(count)]
        self.seen: list[tuple[int, ...]] = []

    def compose(self, masks: np.ndarray) -> Any:
        self.seen.append(masks.shape)
        return masks.astype(float)


def weights(explanation: Explanation) -> np.ndarray:
    answer = np.zeros(len(explanation.names))
    for component, weight in explanation.as_map()[explanation.default_label]:
        answer[component] = weight
    return answer


@pytest.mark.parametrize("count", [1, 3, 9, 40])
def test_weights_of_a_linear_model_are_its_own(count: int) -> None:
    slopes = np.random.default_rng(count).normal(size=count)
    explainer = ComponentsExplainer(feature_selection="none", alpha=0.0)
    explanation = explainer.explain_instance(Switches(count), lambda rows: 3 + rows @ slopes)
    assert weights(explanation) == pytest.approx(slopes, abs=1e-9)
    assert explanation.surrogates[0].intercept == pytest.approx(3)


@pytest.mark.parametrize(("d", "p"), [(6, 2), (8, 3)])
def test_weights_of_a_conjunction_are_those_of_the_closed_form(d: int, p: int) -> None:
    # Garreau and Mardaoui, "What does LIME really see in images?", ICML 2021, proposition 2.
    def alpha(q: int) -> float:
        kernel = [math.exp(-((1 - math.sqrt(1 - s / d)) ** 2) / (2 * 0.25**2)) for s in range(d + 1)]
        return 2.0**-d * sum(math.comb(d - q, s) * kernel[s] for s in range(d - q + 1))

    a = [alpha(q) for q in range(p + 2)]
    c = (d - 1) * a[0] * a[2] - d * a[1] ** 2 + a[0] * a[1]
    s1, s3 = -a[1], (a[1] ** 2 - a[0] * a[2]) / (a[1] - a[2])
    s2 = ((d - 2) * a[0] * a[2] - (d - 1) * a[1] ** 2 + a[0] * a[1]) / (a[1] - a[2])
    inside = (s1 * a[p] + s2 * a[p] + (p - 1) * s3 * a[p] + (d - p) * s3 * a[p + 1]) / c
    outside = (s1 * a[p] + s2 * a[p + 1] + p * s3 * a[p] + (d - p - 1) * s3 * a[p + 1]) / c
    explainer = ComponentsExplainer(feature_selection="none", alpha=0.0)
    explanation = explainer.explain_instance(Switches(d), lambda rows: rows[:, :p].prod(axis=1))
    assert explanation.num_inputs == 2**d
    assert weights(explanation) == pytest.approx(np.array([inside] * p + [outside] * (d - p)), abs=1e-12)


def test_sampled_conjunction_lies_within_its_intervals_of_the_enumerated_one() -> None:
    d, hits = 9, []
    for seed in range(20):
        explainer = ComponentsExplainer(feature_selection="none", random_state=seed)
        exact = explainer.explain_instance(Switches(d), lambda rows: rows[:, :3].prod(axis=1), num_samples=512)
        sampled = explainer.explain_instance(Switches(d), lambda rows: rows[:, :3].prod(axis=1), num_samples=400)
        surrogate = sampled.surrogates[0]
        truth = weights(exact)[list(surrogate.components)]
        hits += [low <= weight <= high for low, weight, high in zip(surrogate.lows, truth, surrogate.highs, strict=True)]
    assert np.mean(hits) > 0.85


def test_the_batch_size_bounds_what_is_composed_at_once() -> None:
    switches = Switches(30)
    explainer = ComponentsExplainer()
    explanation = explainer.explain_instance(switches, lambda rows: rows[:, 0], batch_size=50, num_samples=500)
    assert max(count for count, _ in switches.seen) <= 50
    assert_asked_total(sum(count for count, _ in switches.seen), explanation.num_inputs)
    assert explanation.num_inputs <= 500


def test_explanations_repeat_and_travel() -> None:
    explainer = pickle.loads(pickle.dumps(ComponentsExplainer(random_state=3)))
    first, second = (explainer.explain_instance(Switches(25), lambda rows: rows[:, 3] ** 2) for _ in range(2))
    assert first == second
    assert Explanation.from_json(first.to_json()) == first
    assert first.to_frame()["name"][0] == "switch 3"


def test_page_names_all_components_and_escapes_them() -> None:
    switches = Switches(2)
    switches.names = ["<b>loud</b>", "quiet"]
    page = ComponentsExplainer().explain_instance(switches, lambda rows: rows[:, 0], num_features=1).as_html()
    assert "&lt;b&gt;loud&lt;/b&gt;" in page
    assert "<b>loud" not in page
    assert "All 2 components" in page


class Unnamed:
    def compose(self, masks: np.ndarray) -> Any:
        return masks


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        ("a text", r"must have names and compose\(masks\); got str, which lacks names and compose\(masks\)"),
        (Unnamed(), r"got Unnamed, which lacks names\."),
        (SimpleNamespace(names=["a"]), r"got SimpleNamespace, which lacks compose\(masks\)"),
        (SimpleNamespace(names=["a"], compose="a"), r"got SimpleNamespace, which lacks compose\(masks\)"),
        (Switches, r"must be an object, not a class; give Switches\(\.\.\.\)"),
    ],
    ids=["neither", "no names", "no compose", "no method", "class"],
)
def test_what_is_not_in_components_is_refused(instance: Any, message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        ComponentsExplainer().explain_instance(instance, len)


@pytest.mark.parametrize("names", ["ab", 2, None])
def test_names_that_are_no_sequence_are_refused(names: Any) -> None:
    switches = Switches(2)
    switches.names = names
    with pytest.raises(ArgumentTypeError, match=f"names of Switches must be a sequence of names; got {names!r}"):
        ComponentsExplainer().explain_instance(switches, len)


def test_no_names_are_refused() -> None:
    with pytest.raises(InstanceError, match="no components"):
        ComponentsExplainer().explain_instance(Switches(0), len)


def test_an_error_in_compose_says_so() -> None:
    class Broken(Switches):
        def compose(self, masks: np.ndarray) -> Any:
            raise OSError(f"the file of {len(masks)} sounds is gone")

    with pytest.raises(InstanceError, match=r"compose\(masks\) raised OSError .*: the file of 8 sounds is gone"):
        ComponentsExplainer().explain_instance(Broken(3), len)


def test_a_batch_of_another_length_is_refused() -> None:
    class Short(Switches):
        def compose(self, masks: np.ndarray) -> Any:
            return masks[:-1]

    with pytest.raises(PredictionError, match=r"one input for each of 8 masks; it returned 7"):
        ComponentsExplainer().explain_instance(Short(3), lambda rows: rows[:, 0])


@pytest.mark.parametrize(
    ("batch", "returned"), [(None, "None"), (np.float64(1), "0"), (np.zeros(()), "0"), (csr_matrix((9, 4)), "9"), ([], "0")]
)
def test_what_is_no_batch_of_inputs_is_refused(batch: Any, returned: str) -> None:
    switches = SimpleNamespace(names=["a", "b", "c"], compose=lambda _: batch)
    with pytest.raises(PredictionError, match=f"one input for each of 8 masks; it returned {returned}"):
        ComponentsExplainer().explain_instance(switches, lambda rows: rows[:, 0])


def test_sparse_batches_are_taken() -> None:
    switches = SimpleNamespace(names=["a", "b", "c"], compose=csr_matrix)
    explanation = ComponentsExplainer(alpha=0.0).explain_instance(switches, lambda rows: rows.toarray()[:, 1])
    assert weights(explanation) == pytest.approx([0, 1, 0], abs=1e-9)


def test_a_compose_that_writes_into_its_masks_changes_nothing() -> None:
    class Writing(Switches):
        def compose(self, masks: np.ndarray) -> Any:
            answer = masks.astype(float)
            masks[:] = 0
            return answer

    explanations = [ComponentsExplainer().explain_instance(kind(20), lambda rows: rows[:, 5]) for kind in (Switches, Writing)]
    assert explanations[0] == explanations[1]


def test_one_component_is_noted() -> None:
    explanation = ComponentsExplainer().explain_instance(Switches(1), lambda rows: rows[:, 0])
    assert "one_component" in [notice.code for notice in explanation.notices]


@pytest.mark.parametrize("unit", [1e-120, 1e120])
def test_weights_follow_the_outputs_unit(unit: float) -> None:
    slopes = np.linspace(-1, 1, 30)
    original, scaled = (
        ComponentsExplainer(alpha=0.0).explain_instance(
            Switches(30), lambda rows, scale=scale: scale * np.exp(rows @ slopes), num_samples=512
        )
        for scale in (1.0, unit)
    )
    assert scaled.surrogates[0].components == original.surrogates[0].components
    assert np.array(scaled.surrogates[0].weights) / unit == pytest.approx(original.surrogates[0].weights, rel=1e-8)
