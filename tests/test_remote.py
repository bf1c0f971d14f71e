"""Remote models: many calls at a time, failures, rates, budgets, and answers that are kept."""

import asyncio
import math
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import partial

import numpy as np
import pandas as pd
import pytest
from helpers.examples import run_examples
from helpers.remote import (
    FILMS,
    TEXT,
    TEXTS,
    Client,
    Point,
    Refused,
    Service,
    measure,
    measure_all,
    same,
    slow,
    wait_and_measure,
)

from limelight import Failure, ImageExplainer, RemoteModel, TabularExplainer, TextExplainer
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    BudgetError,
    ModelError,
    PredictionError,
)
from limelight.models import _retries
from limelight.models._retries import choose_wait, is_final, read_retry_after


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(_retries, "_FIRST_WAIT_SECONDS", 0.005)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.sqlite"


# What it answers


def test_explanations_are_those_of_the_function_itself():
    plain = TextExplainer().explain_instance(TEXT, measure_all)
    assert same(TextExplainer().explain_instance(TEXT, RemoteModel(measure)), plain)


@pytest.mark.parametrize(
    "function", [wait_and_measure, partial(wait_and_measure), Client(), Client().__call__, lambda text: wait_and_measure(text)]
)
def test_coroutine_functions_in_any_form(function):
    assert RemoteModel(function)(FILMS)[:, 0].tolist() == measure_all(FILMS)


def test_coroutine_within_a_running_loop_as_in_notebooks():
    async def cell():
        return TextExplainer().explain_instance(TEXT, RemoteModel(wait_and_measure))

    with ThreadPoolExecutor(1) as thread:  # this one may have a loop already, of a browser that other tests use
        found = thread.submit(asyncio.run, cell()).result()
    assert same(found, TextExplainer().explain_instance(TEXT, measure_all))


@pytest.mark.parametrize("function", [wait_and_measure, partial(wait_and_measure), Client()])
def test_coroutine_function_without_remote_model_is_refused(function):
    with pytest.raises(ArgumentTypeError, match=r"is a coroutine function\. Give limelight\.RemoteModel\(model\)"):
        TextExplainer().explain_instance(TEXT, function)
    with pytest.raises(ArgumentTypeError, match="coroutine function"):
        TextExplainer().explain_many(FILMS, function)


def test_callable_that_gives_a_coroutine_is_refused_without_a_warning():
    with pytest.raises(PredictionError, match=r"gave coroutine, which has to be awaited\. Give limelight\.RemoteModel"):
        TextExplainer().explain_instance(TEXT, lambda texts: wait_and_measure(texts))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (0.25, [[0.25]]),
        (True, [[1.0]]),
        (np.float32(0.5), [[0.5]]),
        ([0.25, 0.75], [[0.25, 0.75]]),
        (np.array([[0.25, 0.75]]), [[0.25, 0.75]]),  # of a model that was given a batch of one
    ],
)
def test_forms_of_answers(answer, expected):
    assert RemoteModel(lambda _: answer)(["text"]).tolist() == expected


def test_names_of_outputs_may_come_in_any_order():
    answers = {"a": {"ham": 0.2, "spam": 0.8}, "b": {"spam": 0.6, "ham": 0.4}}
    columns = RemoteModel(answers.get)(["a", "b"])
    assert {name: column.tolist() for name, column in columns.items()} == {"ham": [0.2, 0.4], "spam": [0.8, 0.6]}
    pipeline = [{"label": "ham", "score": 0.2}, {"label": "spam", "score": 0.8}]
    assert RemoteModel(lambda _: pipeline)(["a"])["spam"].tolist() == [0.8]


def test_other_names_for_another_input_are_refused():
    answers = {"a": {"ham": 0.2, "spam": 0.8}, "b": {"ham": 0.2, "eggs": 0.8}, "c": 0.3, "d": [0.1, 0.2]}
    model = RemoteModel(answers.get)
    with pytest.raises(
        PredictionError, match="same names for every input; it gave 'ham', 'spam' for the first one, and 'ham', 'eg"
    ):
        model(["a", "b"])
    with pytest.raises(PredictionError, match="same number of outputs for every input; it gave 2 for the first one, and 1 for"):
        model(["a", "c"])
    with pytest.raises(PredictionError, match="'ham', 'spam' for the first one, and 'none' for number 1"):
        model(["a", "d"])


@pytest.mark.parametrize("answer", [None, "spam", float("nan"), [], {"label": "spam", "score": 0.9}])
def test_answers_without_numbers(answer):
    asked = []
    model = RemoteModel(lambda text: (asked.append(text), answer)[1])
    with pytest.raises(PredictionError, match="gets one input and must return its outputs: the model"):
        model(["text"])
    assert asked == ["text"]  # it is not a failure that another try would mend


def test_kept_answers_of_another_function(tmp_path):
    file = tmp_path / "answers.sqlite"
    RemoteModel(lambda _: {"ham": 0.5, "spam": 0.5}, cache=file, cache_key="one")(["a", "b"])
    changed = RemoteModel(lambda _: {"good": 0.5, "bad": 0.5}, cache=file, cache_key="one")
    with pytest.raises(
        PredictionError, match=r"the same names for every input; .* are from '.*answers.sqlite'.*another cache_key"
    ):
        changed(["a", "c"])


def test_a_function_without_return():
    message = r"the model gave None for 1 of 1 input; .* Does the function return its answer\?"
    with pytest.raises(PredictionError, match=message):
        RemoteModel(lambda _: None)(["text"])
    with pytest.raises(PredictionError, match="gave None for 1 of 2 inputs; the first is number 1"):
        RemoteModel(lambda texts: [0.5 if text == "a" else None for text in texts], batch_size=2)(["a", "b"])


def test_function_for_batches_given_one_text():
    with pytest.raises(PredictionError, match="outputs for every input"):  # it takes the letters for texts
        TextExplainer().explain_instance(TEXT, RemoteModel(lambda texts: ["o" in text for text in texts]))


def test_batches_of_inputs():
    sizes = []

    def measure_some(texts):
        sizes.append((type(texts), len(texts)))
        return measure_all(texts)

    model = RemoteModel(measure_some, batch_size=8)
    assert model([*FILMS, *TEXTS])[:, 0].tolist() == measure_all([*FILMS, *TEXTS])
    assert sorted(sizes, key=str) == [(list, 7)] + 7 * [(list, 8)]
    assert model.calls == 8
    assert same(TextExplainer().explain_instance(TEXT, model), TextExplainer().explain_instance(TEXT, measure_all))


def test_model_that_answers_for_fewer_texts():
    with pytest.raises(PredictionError, match=r"for 8 inputs it gave shape \(7,\)"):
        RemoteModel(lambda texts: measure_all(texts)[1:], batch_size=8)(TEXTS)


def test_rows_images_and_frames():
    rows = np.random.default_rng(0).normal(size=(200, 4))
    explainer = TabularExplainer(rows, tolerance=0.05)
    remote = RemoteModel(lambda row: row[0] + row[1] * row[2])
    assert same(
        explainer.explain_instance(rows[0], remote),
        explainer.explain_instance(rows[0], slow(lambda rows: rows[:, 0] + rows[:, 1] * rows[:, 2])),
    )
    image = np.random.default_rng(0).random((24, 24, 3))
    images = ImageExplainer("grid", tolerance=0.05)
    remote = RemoteModel(lambda image: image[:12].mean())
    plain = images.explain_instance(image, slow(lambda images: np.array([image[:12].mean() for image in images])))
    assert same(images.explain_instance(image, remote), plain)
    frame = pd.DataFrame({"age": rows[:, 0], "job": np.where(rows[:, 1] > 0, "cook", "smith")})
    explainer = TabularExplainer(frame, tolerance=0.05)
    remote = RemoteModel(lambda row: row["age"] + (row["job"] == "cook"))
    plain = explainer.explain_instance(frame.iloc[0], slow(lambda rows: rows["age"] + (rows["job"] == "cook")))
    assert same(explainer.explain_instance(frame.iloc[0], remote), plain)


def test_pairs_and_chats():
    pair = {"question": "who built it", "context": "the bridge is by Ann", "year": 1901}
    explanation = TextExplainer().explain_instance(
        pair, RemoteModel(lambda pair: pair["year"] / 1000 + ("Ann" in pair["context"]))
    )
    assert explanation.as_list()[0][0] == "context: Ann"
    chat = [{"role": "user", "content": "is the lamp broken"}]
    explanation = TextExplainer().explain_instance(chat, RemoteModel(lambda chat: "broken" in chat[0]["content"]))
    assert explanation.as_list()[0][0] == "user: broken"


def test_inputs_are_copies_which_functions_may_change():
    batch = np.ones((3, 2))

    def spoil(row):
        row *= 0
        return 1.0

    RemoteModel(spoil)(batch)
    assert (batch == 1).all()


# Many at a time


def test_calls_run_side_by_side_and_not_more_than_allowed():
    service = Service(seconds=0.01)
    RemoteModel(service, concurrency=5)(TEXTS)
    assert service.most_at_a_time == 5
    assert sorted(service.asked) == sorted(TEXTS)


def test_threads_share_the_limit():
    service = Service(seconds=0.005)
    model = RemoteModel(service, concurrency=4)
    threads = [threading.Thread(target=model, args=([f"{number} {text}" for text in TEXTS],)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert service.most_at_a_time == 4
    assert model.calls == 180


def test_equal_inputs_are_asked_about_once():
    model = RemoteModel(measure)
    model(TEXTS * 3)
    model(TEXTS)
    assert (model.calls, model.recalled) == (60, 60)


def test_rate_is_kept_from_all_threads():
    service = Service()
    model = RemoteModel(service, calls_per_second=200)
    threads = [threading.Thread(target=model, args=([f"{number} {text}" for text in TEXTS[:20]],)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moments = sorted(service.moments)
    assert len(moments) == 40
    assert moments[-1] - moments[0] >= 39 / 200 * 0.95


def test_context_of_the_caller_is_that_of_calls():
    with np.errstate(divide="raise"):
        model = RemoteModel(lambda _: float(np.float64(1) / np.float64(0)), retries=0)
        with pytest.raises(ModelError, match="FloatingPointError"):
            model(["text"])


# Failures


@pytest.mark.parametrize("wrap", [lambda service: service, lambda service: partial(asyncio.to_thread, service)])
def test_failures_are_tried_again(wrap):
    service = Service({text: [OSError("no luck")] * (number % 4) for number, text in enumerate(TEXTS)})
    model = RemoteModel(wrap(service))
    assert model(TEXTS)[:, 0].tolist() == measure_all(TEXTS)
    assert (model.calls, model.failures) == (150, 90)


def test_error_after_all_tries_names_the_last_and_their_number():
    service = Service({"text 5": [OSError(f"no luck {number}") for number in range(9)]})
    model = RemoteModel(service, retries=2)
    with pytest.raises(
        ModelError, match=r"failed 3 times for 'text 5' \(retries=2\); the last error was OSError: no luck 2"
    ) as info:
        model(TEXTS)
    assert isinstance(info.value.__cause__, OSError)
    assert model.failures == 3
    service.faults = {}
    asked = len(service.asked)
    model(TEXTS)
    assert len(service.asked) - asked == 60 - (asked - 3)  # what was answered is not asked about again


def test_model_that_always_raises():
    def fail(_):
        raise OSError("no luck")

    with pytest.raises(ModelError, match=r"failed 2 times for .* \(retries=1\); the last error was OSError: no luck"):
        TextExplainer().explain_instance(TEXT, RemoteModel(fail, retries=1))


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
@pytest.mark.parametrize("is_coroutine", [True, False])
def test_errors_that_are_no_exceptions_end_neither_loop_nor_program(error, is_coroutine):
    def fail(_):
        raise error

    async def fail_later(_):
        raise error

    model = RemoteModel(fail_later if is_coroutine else fail, retries=0)
    with pytest.raises(ModelError, match="failed 1 time for 'text'"):
        model(["text"])
    assert RemoteModel(measure)(FILMS)[:, 0].tolist() == measure_all(FILMS)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_is_refused_for_good_is_not_tried_again(status):
    service = Service({"text": [Refused(status)]})
    with pytest.raises(
        ModelError, match=f"in a way that another try does not mend; the last error was Refused: status {status}"
    ):
        RemoteModel(service)(["text"])
    assert service.asked == ["text"]


def test_statuses():
    assert [is_final(Refused(status)) for status in (408, 409, 429, 500, 503)] == [False] * 5
    error = OSError("no luck")
    error.code = 404  # as urllib has it
    assert is_final(error)
    error.code = "invalid_api_key"  # as OpenAI has it
    assert not is_final(error)


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_retry_after_is_obeyed_by_all_calls(name):
    service = Service({"text 0": [Refused(429, **{name: "0.2"})]})
    model = RemoteModel(service, concurrency=1)
    model(TEXTS[:5])
    assert service.moments[1] - service.moments[0] >= 0.19
    assert (model.calls, model.failures) == (6, 1)


def test_forms_of_retry_after():
    assert read_retry_after(Refused(429, **{"Retry-After": 7})) == 7
    assert read_retry_after(Refused(429, **{"retry-after-ms": "1500", "Retry-After": "9"})) == 1.5
    assert 50 < read_retry_after(Refused(503, **{"Retry-After": formatdate(time.time() + 60, usegmt=True)})) <= 60
    assert read_retry_after(Refused(503, **{"Retry-After": formatdate(time.time() - 60, usegmt=True)})) == 0
    for nonsense in ("soon", "nan", "-", None, [], True):
        assert read_retry_after(Refused(429, **{"Retry-After": nonsense})) is None
    error = OSError()
    error.retry_after = 3
    assert read_retry_after(error) == 3


def test_errors_whose_attributes_cannot_be_read():
    class OpaqueError(Exception):
        def __getattr__(self, name):
            raise RuntimeError(f"nothing is known, {name} neither")

    class Headers:
        def items(self):
            raise RuntimeError("no headers")

    service = Service({"text": [OpaqueError()]})
    assert RemoteModel(service)(["text"]).shape == (1, 1)
    error = OSError()
    error.response = type("Response", (), {"headers": Headers(), "status_code": None})()
    assert (read_retry_after(error), is_final(error)) == (None, False)


def test_failure_for_good_waits_for_no_other_try(monkeypatch):
    monkeypatch.setattr(_retries, "_FIRST_WAIT_SECONDS", 20.0)
    service = Service({"text 0": [OSError()], "text 1": [Refused(400)], "text 2": [0.1, OSError()]}, seconds=0.02)
    start = time.monotonic()
    with pytest.raises(ModelError, match="status 400"):
        RemoteModel(service, concurrency=3)(TEXTS)
    assert time.monotonic() - start < 5
    assert len(service.asked) < 10


@pytest.mark.parametrize(("status", "retries"), [(401, 4), (429, 0)])
def test_after_the_last_failure_nobody_waits(status, retries):
    service = Service({text: [Refused(status, **{"Retry-After": "500"})] for text in TEXTS})
    start = time.monotonic()
    with pytest.raises(ModelError, match=f"status {status}"):
        RemoteModel(service, concurrency=4, retries=retries)(TEXTS)
    assert time.monotonic() - start < 60
    assert len(service.asked) <= 4


def test_wait_that_is_too_long_is_an_error():
    service = Service({"text": [Refused(429, **{"Retry-After": "86400"})]})
    with pytest.raises(ModelError, match=r"failed 1 time for 'text', and asks to wait 86400 seconds \(Retry-After\)"):
        RemoteModel(service)(["text"])


def test_waits_grow_differ_and_repeat(monkeypatch):
    monkeypatch.setattr(_retries, "_FIRST_WAIT_SECONDS", 0.5)
    waits = {key: [choose_wait(number, key) for number in range(1, 12)] for key in (b"one", b"two")}
    assert waits[b"one"] != waits[b"two"]
    assert waits[b"one"] == [choose_wait(number, b"one") for number in range(1, 12)]
    for number, wait in enumerate(waits[b"one"]):
        most = min(30, 0.5 * 2**number)
        assert most / 2 <= wait <= most


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_hanging_calls_are_given_up_and_tried_again(is_coroutine):
    hangs = {text: [30.0] for text in TEXTS[::20]}

    async def ask(text):
        if hangs.get(text):
            await asyncio.sleep(hangs[text].pop())
        return measure(text)

    model = RemoteModel(ask if is_coroutine else Service(hangs), timeout=0.2)
    start = time.monotonic()
    assert model(TEXTS)[:, 0].tolist() == measure_all(TEXTS)
    assert time.monotonic() - start < 5
    assert (model.calls, model.failures, model.timeouts) == (63, 3, 3)


def test_error_of_calls_that_hang():
    with pytest.raises(ModelError, match=r"the last error was TimeoutError: it took longer than timeout=0\.05 seconds"):
        RemoteModel(lambda _: time.sleep(30), timeout=0.05, retries=1)(["text"])


@pytest.mark.parametrize("function", ["lambda _: time.sleep(60)", "never_end"])
def test_program_ends_although_calls_hang(function):
    code = f"""
import asyncio, time
from limelight import RemoteModel
async def never_end(_):
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
try:
    RemoteModel({function}, timeout=0.1, retries=0)(["text"])
except Exception as error:
    print(type(error).__name__)
"""
    start = time.monotonic()
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=50, check=True)
    assert (result.stdout, result.stderr) == ("ModelError\n", "")
    assert time.monotonic() - start < 45


def test_model_that_is_given_up_leaves_no_loop():
    before = threading.active_count()
    model = RemoteModel(wait_and_measure)
    model(FILMS)
    assert threading.active_count() == before + 1
    del model
    for _ in range(100):
        if threading.active_count() == before:
            break
        time.sleep(0.02)
    assert threading.active_count() == before


# Budgets


def test_budget_in_calls_ends_with_the_last_complete_look():
    plain = TextExplainer().explain_instance(TEXT, measure_all, max_samples=129)
    model = RemoteModel(measure, max_calls=200)
    explanation = TextExplainer(tolerance=1e-6).explain_instance(TEXT, model)
    assert explanation.as_map() == plain.as_map()
    assert explanation.num_samples == plain.num_samples == 129
    assert explanation.num_inputs == plain.num_inputs
    assert not explanation.converged
    (notice,) = [notice for notice in explanation.notices if notice.code == "budget_ended"]
    assert notice.level == "caution"
    assert f"at {explanation.num_inputs} inputs: max_calls=200 leaves " in notice.message
    assert f"{model.calls} calls were made, 0 of which failed. Give a larger budget, and cache=" in notice.message
    assert "the most that" not in str(explanation.notices)
    assert model.calls <= 200


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_budget_in_calls_does_not_depend_on_concurrency(concurrency):
    service = Service()
    model = RemoteModel(service, max_calls=300, concurrency=concurrency)
    explanation = TextExplainer(tolerance=1e-6).explain_instance(TEXT, model)
    other_service = Service()
    other = TextExplainer(tolerance=1e-6).explain_instance(TEXT, RemoteModel(other_service, max_calls=300, concurrency=7))
    assert sorted(service.asked) == sorted(other_service.asked)
    assert same(explanation, other)


def test_budget_that_is_large_enough_changes_nothing():
    plain = TextExplainer().explain_instance(TEXT, measure_all)
    assert same(TextExplainer().explain_instance(TEXT, RemoteModel(measure, max_calls=10_000, max_seconds=100)), plain)


def test_budget_that_ends_with_the_first_look_leaves_the_check_out():
    num_first = TextExplainer().explain_instance(TEXT, measure_all, max_samples=129).num_inputs
    model = RemoteModel(measure, max_calls=num_first)
    explanation = TextExplainer(tolerance=1e-6).explain_instance(TEXT, model)
    assert model.calls == explanation.num_inputs == num_first
    assert "budget_ended" in [notice.code for notice in explanation.notices]


def test_budget_too_small_for_a_first_look():
    model = RemoteModel(measure, max_calls=100)
    with pytest.raises(
        BudgetError,
        match=r"before a first look at the perturbations: max_calls=100 leaves 100, and the next questions need \d+",
    ):
        TextExplainer().explain_instance(TEXT, model)
    assert model.calls == 0
    with pytest.raises(BudgetError, match=r'num_samples=500 is a single look; with "auto" they are several'):
        TextExplainer().explain_instance(TEXT, model, num_samples=500)


def test_failures_count_and_never_exceed_the_budget():
    service = Service({text: [OSError("no luck")] for text in TEXTS})
    model = RemoteModel(service, max_calls=90)
    with pytest.raises(BudgetError, match=r"max_calls=90 leaves none to try again those that failed\. 90 calls were made, 60"):
        model(TEXTS)
    assert len(service.asked) == 90
    answered = [text for text in TEXTS if service.asked.count(text) == 2]
    assert len(answered) == 30
    assert model(answered)[:, 0].tolist() == measure_all(answered)


def test_instances_share_the_budget_of_their_model():
    texts = [f"{number} {TEXT}" for number in range(4)]
    model = RemoteModel(measure, max_calls=900)
    explanations = TextExplainer(tolerance=1e-6).explain_many(texts, model)
    assert model.calls <= 900
    assert all("budget_ended" in [notice.code for notice in one.notices] for one in explanations)
    with pytest.raises(BudgetError, match="before a first look"):
        TextExplainer().explain_many(["another " + text for text in texts], model)
    kept = TextExplainer().explain_many([*texts, "another " + TEXT], model, on_error="keep", max_samples=129)
    assert [isinstance(one, Failure) for one in kept] == [False] * 4 + [True]
    assert kept[4].error == "BudgetError"


def test_rows_that_share_perturbations_share_the_end_of_the_budget():
    rows = np.random.default_rng(0).normal(size=(200, 4))
    explainer = TabularExplainer(rows, tolerance=1e-6)

    def predict(row):
        return math.sin(row[0] * row[1]) + row[2]

    many = explainer.explain_many(rows[:3], RemoteModel(predict, max_calls=300))
    plain = explainer.explain_many(rows[:3], lambda rows: [predict(row) for row in rows], max_samples=257)
    for one, other in zip(many, plain, strict=True):
        assert one.as_map() == other.as_map()
        assert one.num_samples == 257
        assert "budget_ended" in [notice.code for notice in one.notices]
        assert one.num_inputs <= 257


def test_budget_that_ends_while_a_width_is_searched_for():
    with pytest.raises(BudgetError, match=r"max_calls=150 leaves"):
        TextExplainer(locality=0.9).explain_instance(TEXT, RemoteModel(measure, max_calls=150))


def test_budget_and_a_wanted_certainty():
    explainer = TextExplainer(certainty=0.999)
    explanation = explainer.explain_instance(TEXT, RemoteModel(measure, max_calls=300))
    texts = [notice.message for notice in explanation.notices]
    assert "budget_ended" in [notice.code for notice in explanation.notices]
    assert not any("max_samples" in text for text in texts), texts


def test_comparison_of_models_whose_budgets_end_at_different_looks():
    def other(text):
        return measure(text) + 0.2 * ("loud" in text.split())

    explainer = TextExplainer(tolerance=1e-6)
    comparison = explainer.compare_models(TEXT, RemoteModel(measure, max_calls=300), RemoteModel(other, max_calls=150))
    assert [name for name, _ in comparison.as_list(certain=True)] == ["loud"]


def test_checkpoint_of_a_budget(tmp_path, file):
    texts = [f"{number} {TEXT}" for number in range(3)]
    arguments = {"max_samples": 129, "checkpoint": tmp_path / "job", "chunk_size": 1}
    with pytest.raises(BudgetError, match="before a first look"):
        TextExplainer().explain_many(texts, RemoteModel(measure, max_calls=200, cache=file, cache_key="measure"), **arguments)
    model = RemoteModel(measure, cache=file, cache_key="measure")
    many = TextExplainer().explain_many(texts, model, **arguments)
    plain = TextExplainer().explain_many(texts, measure_all, max_samples=129)
    assert [one.as_map() for one in many] == [one.as_map() for one in plain]


def test_budget_in_seconds(file):
    service = Service(seconds=0.005)
    model = RemoteModel(service, max_seconds=0.8, cache=file, cache_key="measure")
    start = time.monotonic()
    explanation = TextExplainer(tolerance=1e-6).explain_instance(TEXT, model)
    assert time.monotonic() - start < 5
    (notice,) = [notice for notice in explanation.notices if notice.code == "budget_ended"]
    assert "max_seconds=0.8 is over." in notice.message
    assert "with a larger budget, the rest only is asked about" in notice.message
    with pytest.raises(BudgetError, match=r"max_seconds=0\.8 is over"):
        model(["another text"])
    again = RemoteModel(measure, cache=file, cache_key="measure", max_calls=1)
    plain = TextExplainer().explain_instance(TEXT, measure_all, max_samples=129)
    assert again.recalled == 0
    assert TextExplainer().explain_instance(TEXT, again, max_samples=129).as_map() == plain.as_map()
    assert again.calls == 0


def test_time_between_calls_does_not_count():
    model = RemoteModel(measure, max_seconds=0.25)
    model(["one"])
    time.sleep(0.3)
    assert model(["two"]).shape == (1, 1)


def test_calls_that_hang_end_with_the_budget():
    start = time.monotonic()
    with pytest.raises(BudgetError, match=r"max_seconds=0\.1 is over"):
        RemoteModel(lambda _: time.sleep(30), max_seconds=0.1)(["text"])
    assert time.monotonic() - start < 5


def test_other_measures_end_with_an_error():
    model = RemoteModel(measure, max_calls=400)
    with pytest.raises(BudgetError, match=r"max_calls=400 leaves"):
        TextExplainer().measure_stability(TEXT, model, num_samples=300)


def test_checks_find_answers_in_another_order():
    with pytest.raises(PredictionError, match="in another order than its inputs"):
        TextExplainer().explain_instance(TEXT, RemoteModel(lambda texts: sorted(measure_all(texts)), batch_size=16))


# Batches of instances, other processes


@pytest.mark.parametrize("arguments", [{}, {"engine": "threads", "n_jobs": 2}])
def test_many_instances(arguments):
    model = RemoteModel(wait_and_measure)
    many = TextExplainer().explain_many(FILMS, model, **arguments)
    assert [one.as_map() for one in many] == [TextExplainer().explain_instance(text, measure_all).as_map() for text in FILMS]


def test_models_without_limits_go_to_other_processes(file):
    model = pickle.loads(pickle.dumps(RemoteModel(measure, cache=file, cache_key="measure", timeout=5)))
    assert model(FILMS)[:, 0].tolist() == measure_all(FILMS)
    assert repr(model) == f"RemoteModel(<measure>, timeout=5.0, cache={str(file)!r:.80}, cache_key='measure')"
    many = TextExplainer().explain_many(FILMS, RemoteModel(measure), engine="processes", n_jobs=2)
    assert [one.as_map() for one in many] == [TextExplainer().explain_instance(text, measure_all).as_map() for text in FILMS]


@pytest.mark.parametrize("limit", ["max_calls", "max_seconds", "calls_per_second"])
def test_limits_are_not_kept_by_other_processes(limit):
    model = RemoteModel(measure, **{limit: 100})
    with pytest.raises(ArgumentTypeError, match=f"a RemoteModel with '{limit}' cannot be sent to other processes"):
        TextExplainer().explain_many(FILMS, model, engine="processes", n_jobs=2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork processes")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_process_has_a_loop_of_its_own(file):
    model = RemoteModel(wait_and_measure, cache=file, cache_key="measure")
    model(FILMS)
    child = os.fork()
    if not child:
        is_right = False
        try:
            is_right = model([*FILMS, "good"])[:, 0].tolist() == measure_all([*FILMS, "good"])
        finally:
            os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    model(["good"])
    assert model.calls == 3


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_calls": 0}, "max_calls must be an integer of at least 1; got 0"),
        ({"max_seconds": 0}, "max_seconds must be a finite number above 0; got 0"),
        ({"concurrency": 0}, "concurrency must be an integer of at least 1; got 0"),
        ({"calls_per_second": -1}, "calls_per_second must be a finite number above 0; got -1"),
        ({"retries": -1}, "retries must be an integer of at least 0; got -1"),
        ({"timeout": float("inf")}, "timeout must be a finite number above 0; got inf"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1; got 0"),
        ({"cache_key": ""}, "cache_key must be a text with the model's name and version"),
        ({"cache_key": 5}, "cache_key must be a text with the model's name and version"),
        ({"cache": 5}, "cache must be the path of a file; got 5"),
        ({"cache": "no/such/folder/answers.sqlite"}, "is in a folder that does not exist, 'no/such/folder'"),
        ({"cache": "."}, "cache must be a file, or where one can be made; '.' is a folder"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        RemoteModel(measure, **arguments)


@pytest.mark.parametrize("function", [None, "text", Point])
def test_function_that_is_none(function):
    with pytest.raises(ArgumentTypeError, match="function must be a callable or a coroutine function from one input to its"):
        RemoteModel(function)


def test_examples_of_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_examples("docs/text.md", "Remote and slow models", count=1, names={"TextExplainer": TextExplainer})
