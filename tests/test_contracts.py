"""What every explanation promises: the same bits again, never too many inputs, figures that are what they say."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from helpers.asked import assert_asked_once, assert_asked_total
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from limelight import Surrogate, TabularExplainer, TextExplainer

ROWS = np.random.default_rng(3).normal(size=(300, 4))
TEXTS = [" ".join(f"w{(seed * number) % 31}" for number in range(25)) for seed in (1, 2, 3, 5)]


def score_texts(texts):
    """A count for each text: no answer depends on the batch."""
    return np.array([sum(map(ord, text)) % 97 / 97 + ("w3" in text) for text in texts])


def score_rows(rows):
    return np.sin(3 * rows[:, 0]) + rows[:, 1] * rows[:, 2]


def text_explainer(**options):
    return TextExplainer(**options)


def row_explainer(**options):
    return TabularExplainer(ROWS, **options)


KINDS = pytest.mark.parametrize(
    ("make", "instances", "model"),
    [
        (text_explainer, TEXTS, score_texts),
        (row_explainer, list(ROWS[:4]), score_rows),
        (lambda **options: row_explainer(sample_around_instance=True, **options), list(ROWS[:4]), score_rows),
        (lambda **options: row_explainer(discretize_continuous=False, **options), list(ROWS[:4]), score_rows),
    ],
    ids=["text", "table", "around", "no bins"],
)


def assert_close(one, other, atol=1e-12):
    assert one.num_inputs == other.num_inputs
    for surrogate, twin in zip(one.surrogates, other.surrogates, strict=True):
        assert surrogate.components == twin.components
        for field in (*Surrogate.OF_COMPONENTS, "intercept", "local_prediction", "fidelity", "fidelity_error"):
            np.testing.assert_allclose(getattr(surrogate, field), getattr(twin, field), rtol=0, atol=atol)


@KINDS
class TestRepeatable:
    @pytest.mark.parametrize("options", [{}, {"design": "iid"}, {"random_state": 5}])
    def test_whatever_the_order_of_the_calls(self, make, instances, model, options):
        forwards, backwards = make(**options), make(**options)
        first = [forwards.explain_instance(instance, model) for instance in instances]
        second = [backwards.explain_instance(instance, model, num_samples=n) for instance in instances for n in (50, "auto")][
            1::2
        ]
        third = [forwards.explain_instance(instance, model) for instance in reversed(instances)][::-1]
        assert first == second == third

    @pytest.mark.parametrize("batch_size", [1, 7, 64, 10_000])
    def test_whatever_the_batch_size(self, make, instances, model, batch_size):
        sizes = []

        def watched(inputs):
            sizes.append(len(inputs))
            return model(inputs)

        whole = make().explain_instance(instances[0], model, num_samples=200)
        assert_close(make().explain_instance(instances[0], watched, num_samples=200, batch_size=batch_size), whole)
        assert max(sizes) <= batch_size
        assert_asked_total(sum(sizes), whole.num_inputs)
        assert whole.num_inputs <= 200

    def test_pickled(self, make, instances, model):
        explainer = make() if make in (text_explainer, row_explainer) else make(random_state=1)
        used = explainer.explain_instance(instances[0], model)
        copied = pickle.loads(pickle.dumps(explainer))
        assert copied.explain_instance(instances[0], model) == used
        assert len(pickle.dumps(explainer)) < 50_000  # without what was drawn

    def test_from_many_threads(self, make, instances, model):
        explainer = make()
        expected = [make().explain_instance(instance, model) for instance in instances]
        with ThreadPoolExecutor(8) as pool:
            explanations = list(pool.map(lambda instance: explainer.explain_instance(instance, model), instances * 4))
        assert explanations == expected * 4

    def test_nothing_global_is_drawn_from_or_changed(self, make, instances, model):
        np.random.seed(1)  # noqa: NPY002
        before = np.random.get_state()[1].tolist()  # noqa: NPY002
        first = make().explain_instance(instances[0], model)
        assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
        np.random.seed(2)  # noqa: NPY002
        assert make().explain_instance(instances[0], model) == first

    def test_seeds(self, make, instances, model):
        def explain(random_state):
            return make(random_state=random_state).explain_instance(instances[0], model, num_samples=100)

        assert explain(0) == make().explain_instance(instances[0], model, num_samples=100)
        assert explain(0).surrogates != explain(1).surrogates
        assert explain(None).surrogates != explain(None).surrogates
        assert explain(np.random.default_rng(4)) == explain(np.random.default_rng(4))
        assert explain(np.int64(6)) == explain(6)
        generator = np.random.default_rng(4)
        assert explain(generator).surrogates != explain(generator).surrogates  # read once for each explainer
        again = explain(None)
        assert explain(again.random_state) == again

    def test_a_generator_is_read_once(self, make, instances, model):
        generator = np.random.default_rng(4)
        explainer = make(random_state=generator)
        first = explainer.explain_instance(instances[0], model)
        generator.random(1000)
        state = generator.bit_generator.state
        assert explainer.explain_instance(instances[0], model) == first
        assert generator.bit_generator.state == state

    def test_explaining_does_not_change_the_explainer(self, make, instances, model):
        explainer = make()
        before = pickle.loads(pickle.dumps(explainer.options))
        explainer.explain_instance(instances[0], model, num_samples=100)
        assert explainer.options == before
        with pytest.raises(FrozenInstanceError):
            explainer.options.alpha = 2.0


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import test_contracts as here
for make, instance, model in (
    (here.text_explainer, here.TEXTS[0], here.score_texts), (here.row_explainer, here.ROWS[0], here.score_rows)
):
    print(make().explain_instance(instance, model).to_json())
"""


WIDE_ROWS = np.random.default_rng(4).normal(size=(300, 100))


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.parametrize("engine", ["serial", "threads"])
@pytest.mark.parametrize(
    ("explainer", "instance", "model"),
    [
        (TextExplainer(), " ".join(f"w{number}" for number in range(200)), score_texts),
        (TabularExplainer(WIDE_ROWS), WIDE_ROWS[0], score_rows),
    ],
)
def test_whatever_the_threads_of_blas(explainer, instance, model, engine):
    """Instances so wide that BLAS would split their products among its threads; the model has as many as it had."""
    met = set()

    def watched(inputs):
        met.update(blas_threads())
        return model(inputs)

    with threadpool_limits(1, user_api="blas"):
        expected = explainer.explain_instance(instance, model)
    with threadpool_limits(3, user_api="blas"):
        assert explainer.explain_instance(instance, watched) == expected
        assert list(explainer.explain_many([instance], model, engine=engine)) == [expected]
        assert met == blas_threads() == {3}


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_another_process_with_another_hash_seed(hash_seed, request, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
    script = SCRIPT.format(folder=str(request.path.parent))
    lines = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [
        text_explainer().explain_instance(TEXTS[0], score_texts).to_json(),
        row_explainer().explain_instance(ROWS[0], score_rows).to_json(),
    ]


@KINDS
class TestBudget:
    @pytest.mark.parametrize("num_samples", [2, 3, 9, 17, 100, 1001])
    @pytest.mark.parametrize("design", ["auto", "iid"])
    def test_never_more_inputs_than_samples(self, make, instances, model, num_samples, design):
        asked = []

        def watched(inputs):
            asked.extend(item if isinstance(item, str) else item.tobytes() for item in inputs)
            return model(inputs)

        explanation = make(design=design).explain_instance(instances[0], watched, num_samples=num_samples)
        assert explanation.num_samples == num_samples
        assert_asked_once(asked, explanation.num_inputs)
        assert explanation.num_inputs <= num_samples

    def test_auto_keeps_to_the_cap(self, make, instances, model):
        explanation = make(tolerance=1e-6).explain_instance(instances[0], lambda inputs: np.sin(1e4 * model(inputs)))
        assert (
            explanation.num_samples == explanation.num_inputs == 5000
            or explanation.num_inputs < explanation.num_samples == 5000
        )
        assert not explanation.converged
        assert "not_converged" in {warning.code for warning in explanation.warnings}


class TestAuto:
    def test_stops_early_on_an_easy_text(self):
        explanation = TextExplainer().explain_instance(
            TEXTS[0], lambda texts: np.array([float("w3 " in text) for text in texts])
        )
        assert explanation.converged
        assert explanation.num_samples <= 300
        assert "not_converged" not in {warning.code for warning in explanation.warnings}

    def test_a_wider_tolerance_needs_no_more(self):
        counts = [
            TextExplainer(tolerance=tolerance).explain_instance(TEXTS[1], score_texts, num_features=3).num_samples
            for tolerance in (1.0, 0.2, 0.1, 0.02)
        ]
        assert counts == sorted(counts)
        assert counts[0] < counts[-1]

    def test_converged_means_within_tolerance(self):
        explanation = TextExplainer(tolerance=0.1).explain_instance(TEXTS[0], score_texts, num_features=3)
        surrogate = explanation.surrogate()
        widest = max(high - weight for high, weight in zip(surrogate.highs, surrogate.weights, strict=True))
        assert explanation.converged is (widest <= 0.1 * max(map(abs, surrogate.weights)))


class TestEffectiveSampleSize:
    @pytest.mark.parametrize("width", [10.0, 25.0])
    def test_of_texts(self, width):
        """Kish's, under lime's law: sizes uniform on 1 to d, kernel of 100 times the cosine distance."""
        d = 25
        text = " ".join(f"u{number}" for number in range(d))
        explanation = TextExplainer(kernel_width=width).explain_instance(text, score_texts, num_samples=4001)
        absent = np.arange(1, d + 1)
        kernel = np.exp(-0.5 * (100 * (1 - np.sqrt((d - absent) / d)) / width) ** 2)
        exact = 4000 * kernel.mean() ** 2 / (kernel**2).mean()
        assert explanation.effective_sample_size == pytest.approx(exact, rel=0.03)

    def test_of_rows(self):
        """A column counts as the instance's own with probability 1/4; the distance is the root of the others' number."""
        from scipy.stats import binom

        explanation = row_explainer().explain_instance(ROWS[0], score_rows, num_samples=4097)
        others = np.arange(5)
        share = binom.pmf(others, 4, 0.75)
        kernel = np.exp(-0.5 * others / (0.75**2 * 4))
        exact = 4096 * (share @ kernel) ** 2 / (share @ kernel**2)
        assert explanation.effective_sample_size == pytest.approx(exact, rel=0.01)

    def test_of_a_flat_kernel(self):
        explanation = row_explainer(kernel_width=1e9).explain_instance(ROWS[0], score_rows, num_samples=101)
        assert explanation.effective_sample_size == pytest.approx(100)


class TestFrozen:
    def test_fields(self):
        explanation = text_explainer().explain_instance(TEXTS[0], score_texts)
        for thing, field in (
            (explanation, "names"),
            (explanation.surrogates[0], "weights"),
            (explanation.view, "text"),
            (explanation.warnings, "0"),
        ):
            with pytest.raises((FrozenInstanceError, AttributeError)):
                setattr(thing, field, ())
        hash(explanation)
        assert replace(explanation, num_inputs=2) != explanation

    def test_lists_are_copies(self):
        explanation = text_explainer().explain_instance(TEXTS[0], score_texts)
        expected = explanation.to_json()
        explanation.as_list().clear()
        explanation.as_map().clear()
        explanation.to_dict()["names"].clear()
        frame = explanation.to_frame()
        frame["weight"] = 0.0
        assert explanation.to_json() == expected


@pytest.mark.parametrize("mixer", [None, 0])
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=40))
def test_distinct_rows_are_those_of_a_dictionary(mixer, rows):
    """With a mixer of 0 all rows have one mixture: chance that has to be noticed."""
    from limelight.stages import prediction

    keys = np.array(rows, dtype=np.uint64)
    with pytest.MonkeyPatch.context() as patch:
        if mixer is not None:
            patch.setattr(prediction, "_MIXER", np.uint64(mixer))
        first, which = prediction.find_distinct_rows(keys)
    numbers: dict[tuple[int, ...], int] = {}
    assert which.tolist() == [numbers.setdefault(tuple(row), len(numbers)) for row in rows]
    assert [tuple(rows[row]) for row in first] == list(numbers)


def test_distinct_inputs_are_counted_once_whenever_the_instance_is_drawn():
    rows = np.stack(np.meshgrid(*[np.arange(3.0)] * 6), axis=-1).reshape(-1, 6)
    explainer = TabularExplainer(rows, categorical_features=range(6))
    for row in rows[:20]:
        asked = []

        def model(batch, asked=asked):
            asked.append(batch.copy())
            return (batch[:, 0] == 1) * (batch[:, 1] == batch[:, 2]) + 0.1 * batch[:, 3]

        explanation = explainer.explain_instance(row, model)
        inputs = np.concatenate(asked)
        assert explanation.num_inputs == len(np.unique(inputs, axis=0))
        assert_asked_total(len(inputs), explanation.num_inputs + (len(inputs) > explanation.num_inputs))
