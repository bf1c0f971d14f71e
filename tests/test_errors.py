"""Errors of every kind that models and other functions of the user raise: kept, or raised as limelight's own."""

import os
import signal
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from helpers.batches import OUTSIDE, ROWS, plain, same
from helpers.raising import RAISED, OwnError, OwnPredictionError, Panic, RaisesFor, panic
from sklearn.linear_model import Ridge

from limelight import ComponentsExplainer, Explanations, ImageExplainer, TabularExplainer, TextExplainer, TimeSeriesExplainer
from limelight.batch._timeouts import run_in_time
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    InstanceError,
    Interrupted,
    LimelightError,
    ModelError,
    PredictionError,
    is_interruption,
    name_class,
    read_message,
)

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}
BAD = [1, 4]  # the first among the rows that share theirs, the second far outside
SOUND = [i for i in range(len(OUTSIDE)) if i not in BAD]


@pytest.fixture(scope="module")
def alone():
    return [EXPLAINER.explain_instance(OUTSIDE[i], plain, **FEW) for i in SOUND]


# --- models --------------------------------------------------------------------------------------------------------------


def test_polars_panics_are_no_exceptions():
    with pytest.raises(BaseException, match="arg_sort") as caught:
        panic()
    assert type(caught.value).__name__ == "PanicException"
    assert not isinstance(caught.value, Exception)


@pytest.mark.parametrize("name", RAISED)
def test_whatever_a_model_raises_is_a_model_error(name):
    with pytest.raises(LimelightError) as caught:
        EXPLAINER.explain_instance(OUTSIDE[BAD[0]], RaisesFor(name, BAD), **FEW)
    message = read_message(caught.value)
    assert len(message) < 10_000
    if type(caught.value) not in (OwnError, OwnPredictionError):
        assert type(caught.value) is ModelError
        assert f"the model raised {name_class(caught.value.__cause__)} while it was asked about" in message


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_kept_errors_end_nothing(engine, alone):
    for name in RAISED:
        explanations = EXPLAINER.explain_many(
            OUTSIDE, RaisesFor(name, BAD), on_error="keep", engine=engine, n_jobs=2, chunk_size=2, **FEW
        )
        failures = explanations.failures
        assert [*failures] == BAD, name
        assert same(explanations[SOUND], alone)
        assert all(len(failure.message) < 10_000 for failure in failures.values())
        assert [*Explanations.of(failures.values())] == [*failures.values()]


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_errors_that_are_not_kept_arrive(engine):
    # Processes are started anew after each of these errors.
    for name in RAISED if engine != "processes" else ("panic", "limelight's own"):
        with pytest.raises(LimelightError) as caught:
            EXPLAINER.explain_many(OUTSIDE, RaisesFor(name, BAD), engine=engine, n_jobs=2, chunk_size=2, **FEW)
        assert 0 < len(read_message(caught.value)) < 10_000, name


def test_a_frame_function_keeps_them():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(OUTSIDE)
    for name in RAISED:
        errors = EXPLAINER.frame_function(RaisesFor(name, BAD), **FEW)(frame)["error"]
        assert errors.notna().tolist() == [i in BAD for i in range(len(OUTSIDE))], name


# --- other functions of the user -----------------------------------------------------------------------------------------


class Unmakable:
    names = ("one", "two", "three")

    def compose(self, masks):  # noqa: ARG002
        panic()


def raise_panic(*_):
    panic()


def ask_about_texts(texts):
    return np.array([len(text) / 10 for text in texts])


def ask_about_arrays(arrays):
    return np.asarray(arrays, dtype=float).reshape(len(arrays), -1).mean(axis=1)


IMAGE = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
FUNCTIONS = {
    "tokenizer": (
        lambda: TextExplainer(split_expression=raise_panic).explain_instance("a b c", ask_about_texts),
        InstanceError,
    ),
    "kernel": (lambda: TextExplainer(kernel=raise_panic).explain_instance("a b c", ask_about_texts), ArgumentError),
    "compose": (lambda: ComponentsExplainer().explain_instance(Unmakable(), ask_about_arrays), InstanceError),
    "segmentation": (lambda: ImageExplainer(raise_panic).explain_instance(IMAGE, ask_about_arrays), InstanceError),
    "fill": (lambda: ImageExplainer("grid", raise_panic).explain_instance(IMAGE, ask_about_arrays), InstanceError),
    "segments": (lambda: TimeSeriesExplainer(raise_panic).explain_instance(ROWS[0], ask_about_arrays), InstanceError),
    "sampler": (lambda: TabularExplainer(ROWS, sampler=raise_panic).explain_instance(ROWS[0], plain), ArgumentError),
    "constraint": (lambda: TabularExplainer(ROWS, constraint=raise_panic).explain_instance(ROWS[0], plain), ArgumentError),
    "discretizer": (lambda: TabularExplainer(ROWS, discretizer=raise_panic), ArgumentError),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_panics_of_other_functions_are_limelight_s_errors(name):
    call, error = FUNCTIONS[name]
    with pytest.raises(error, match="raised PanicException") as caught:
        call()
    assert type(caught.value.__cause__).__name__ == "PanicException"


class Panicking(Ridge):
    def fit(self, X, y, sample_weight=None):  # noqa: ARG002
        raise Panic("as a panic")


def test_a_regressor_that_panics_fails_its_instance():
    with pytest.raises(ArgumentError, match="model_regressor raised Panic: as a panic"):
        EXPLAINER.explain_instance(OUTSIDE[0], plain, model_regressor=Panicking(), **FEW)
    kept = EXPLAINER.explain_many(OUTSIDE, plain, model_regressor=Panicking(), on_error="keep", **FEW)
    assert len(kept.failures) == len(OUTSIDE)


class Unsent:
    def __call__(self, rows):
        return plain(rows)

    def __reduce__(self):
        raise Panic("cannot be sent")


def test_a_model_that_panics_where_it_is_sent():
    with pytest.raises(ArgumentTypeError, match=r"cannot be sent to other processes \(Panic: cannot be sent\)"):
        EXPLAINER.explain_many(OUTSIDE, Unsent(), engine="processes", n_jobs=2, **FEW)


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_a_source_that_panics_loses_nothing_that_was_read(engine, tmp_path):
    def rows():
        yield from OUTSIDE
        yield from OUTSIDE
        panic()

    with pytest.raises(BaseException, match="arg_sort"):
        EXPLAINER.explain_many(rows(), plain, engine=engine, n_jobs=2, chunk_size=4, checkpoint=tmp_path / "parts", **FEW)
    assert len(list((tmp_path / "parts").glob("part-*"))) == 4


# --- answers that cannot be read -----------------------------------------------------------------------------------------


class Unreadable:
    """As tensors of other libraries whose numbers cannot be had, such as those of a graph."""

    def __init__(self, error):
        self.error = error

    def __array__(self, *_, **__):
        raise self.error


class Opaque:
    def __getattr__(self, name):
        raise RuntimeError(f"nothing is known, {name} neither")


UNREADABLE = {
    "a graph's": (lambda _: Unreadable(NotImplementedError("in graph mode")), "it gave Unreadable: in graph mode"),
    "a panic": (lambda _: Unreadable(Panic("as a panic")), "it gave Unreadable: as a panic"),
    "no text": (lambda _: Unreadable(OwnError(1, "reason")), "its message cannot be read"),
    "opaque": (lambda _: Opaque(), "it gave Opaque: nothing is known"),
    "opaque rows": (lambda rows: [Opaque()] * len(rows), "it gave list: nothing is known"),
    "a generator": (lambda rows: (0.5 for _ in rows), r"it gave generator: .* Give lambda inputs: list\(model\(inputs\)\)"),
    "a set": (lambda _: {0.5}, "it gave set"),
    "an empty mapping": (lambda _: {}, "it gave dict: it is empty"),
    "a function": (lambda _: len, "it gave builtin_function_or_method"),
    "huge integers": (lambda rows: [10**400] * len(rows), "it gave list: int too large"),
    "nothing": (lambda _: None, "it gave None"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_answers_that_cannot_be_read_are_prediction_errors(kind):
    model, message = UNREADABLE[kind]
    with pytest.raises(PredictionError, match=message):
        EXPLAINER.explain_instance(OUTSIDE[0], model, **FEW)
    kept = EXPLAINER.explain_many(OUTSIDE, model, on_error="keep", **FEW)
    assert {failure.error for failure in kept.failures.values()} == {"PredictionError"}
    assert len(kept.failures) == len(OUTSIDE)


WEIGHTS = torch.tensor([2.0, -1.0, 0.5, 0.0, 1.0], requires_grad=True)


def with_gradients(rows):
    return torch.from_numpy(np.nan_to_num(rows)).float() @ WEIGHTS


TENSORS = {
    "a tensor": with_gradients,
    "a list of them": lambda rows: list(with_gradients(rows)),
    "a list of rows": lambda rows: [row[None] for row in with_gradients(rows)],
    "lists in a list": lambda rows: [[number] for number in with_gradients(rows)],
    "a tuple of one": lambda rows: (with_gradients(rows)[:, None],),
    "a mapping": lambda rows: {"score": with_gradients(rows)},
    "a parameter": lambda rows: torch.nn.Parameter(with_gradients(rows)),
}


@pytest.mark.parametrize("form", TENSORS)
def test_tensors_that_require_gradients_are_answers(form):
    expected = EXPLAINER.explain_instance(ROWS[0], lambda rows: with_gradients(rows).detach().numpy(), **FEW)
    explanation = EXPLAINER.explain_instance(ROWS[0], TENSORS[form], **FEW)
    assert explanation.as_list() == expected.as_list()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e4m3fn", "float64", "int32", "bool"])
def test_tensors_of_every_type_are_answers(dtype):
    def model(rows):
        return (with_gradients(rows) > 0).to(getattr(torch, dtype))

    expected = EXPLAINER.explain_instance(ROWS[0], lambda rows: model(rows).double().detach().numpy(), **FEW)
    for answer in (model, lambda rows: [model(rows)[:, None]], lambda rows: list(model(rows))):
        assert EXPLAINER.explain_instance(ROWS[0], answer, **FEW).as_list() == expected.as_list()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensor: tensor.to("meta"), "it gave Tensor: Cannot copy out of meta tensor; no data"),
        (lambda tensor: [tensor[:, None].to("meta")], "it gave list: Cannot copy out of meta tensor; no data"),
        (lambda tensor: tensor[:, None].to_sparse(), "it gave Tensor: can't convert Sparse layout tensor to numpy"),
        (lambda tensor: tensor.to(torch.complex64), "it gave Tensor: complex numbers cannot be ordered"),
    ],
)
def test_tensors_without_real_numbers_are_refused(change, message):
    with pytest.raises(PredictionError, match=message):
        EXPLAINER.explain_instance(ROWS[0], lambda rows: change(with_gradients(rows)), **FEW)


def test_a_module_that_switches_gradients_on():
    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = torch.nn.Parameter(WEIGHTS.detach())

        def forward(self, rows):
            with torch.inference_mode(False), torch.enable_grad():
                return rows.clone() @ self.weights

    expected = EXPLAINER.explain_instance(ROWS[0], with_gradients, **FEW)
    assert EXPLAINER.explain_instance(ROWS[0], Module().eval(), **FEW).as_list() == expected.as_list()


# --- what is no error of the model ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_ctrl_c_is_no_error_of_the_model(engine):
    def model(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EXPLAINER.explain_instance(OUTSIDE[0], model, **FEW)
    with pytest.raises(Interrupted):
        EXPLAINER.explain_many(OUTSIDE, model, engine=engine, on_error="keep", **FEW)


@pytest.mark.parametrize("raised", [GeneratorExit(), BaseExceptionGroup("several", [ValueError(), KeyboardInterrupt()])])
def test_interruptions_pass(raised):
    def model(*_):
        raise raised

    with pytest.raises(type(raised)):
        EXPLAINER.explain_instance(OUTSIDE[0], model, **FEW)


def test_an_answer_that_contains_itself_is_refused():
    answer = []
    answer.append(answer)
    with pytest.raises(PredictionError, match="the model must give"):
        EXPLAINER.explain_instance(OUTSIDE[0], lambda _: answer, **FEW)


class Ended(BaseException):
    """What a program raises in its own handler of a signal."""


class Handler:
    """A handler of signals that is no function."""

    def __init__(self, stop):
        self.stop = stop

    def __call__(self, *_):
        self.stop()


@pytest.mark.parametrize("kind", [SystemExit, Ended])
@pytest.mark.parametrize("place", ["model", "tokenizer"])
@pytest.mark.parametrize("make_handler", [lambda stop: stop, partial, Handler])
def test_what_the_handler_of_a_signal_raises_ends_the_program(kind, place, make_handler):
    """As in programs that call sys.exit() when they are told to end: models that do are in error, but these are not."""

    def stop(*_):
        raise kind(3)

    def interrupted(*_):
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(1)

    explainers = {"model": EXPLAINER, "tokenizer": TextExplainer(split_expression=interrupted)}
    instances = {"model": OUTSIDE, "tokenizer": ["one two"]}
    handler = signal.signal(signal.SIGUSR1, make_handler(stop))
    try:
        with pytest.raises(kind):
            explainers[place].explain_many(instances[place], interrupted, on_error="keep")
    finally:
        signal.signal(signal.SIGUSR1, handler)


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="alarms ring in the main thread")
def test_the_alarm_is_no_error_of_the_model():
    def slow(*_):
        time.sleep(60)

    with pytest.raises(ModelError, match="took longer than timeout"):
        run_in_time(0.2, lambda: EXPLAINER.explain_instance(OUTSIDE[0], slow, **FEW))


def test_an_exit_is_an_error_of_the_model():
    assert not is_interruption(SystemExit(0))
    with pytest.raises(ModelError, match=r"the model raised SystemExit .*: 0"):
        EXPLAINER.explain_instance(OUTSIDE[0], lambda _: sys.exit(0), **FEW)


# --- what they say -------------------------------------------------------------------------------------------------------


def test_long_messages_are_cut_in_their_middle():
    message = read_message(ValueError(f"begins{'x' * 100_000}ends"))
    assert message.startswith("beginsx")
    assert message.endswith("xends")
    assert "characters left out" in message
    assert len(message) < 5000
    assert read_message(ModelError(message)) == message


def test_messages_that_cannot_be_read_say_so():
    assert read_message(OwnError(1, "reason")) == "(its message cannot be read: RuntimeError)"
