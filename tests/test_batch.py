"""Many instances: each explained as it would be alone, with fewer questions, in whatever way the work is done."""

import io
import sys
import threading

import numpy as np
import pytest
from helpers.asked import assert_asked_total
from helpers.batches import CASES, IMAGES, OUTSIDE, REVIEWS, ROWS, Counter, of_images, of_texts, one_by_one, plain, same

from limelight import ImageExplainer, TabularExplainer, TextExplainer
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    LabelError,
)
from limelight.modalities.tables._row_components import _Rows

EXPLAINER = TabularExplainer(ROWS)
FEW = {"num_samples": 100}


@pytest.fixture(scope="module")
def alone():
    """What each of the rows outside the training data, and of some within it, is explained with."""
    return one_by_one(EXPLAINER, OUTSIDE, plain, **FEW)


# --- the same explanations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{}, {"num_samples": 300, "batch_size": 37}], ids=["auto", "300"])
@pytest.mark.parametrize("case", CASES)
def test_each_is_explained_as_it_would_be_alone(case, asked):
    explainer, instances, model, arguments = CASES[case]()
    together = explainer.explain_many(instances, model, chunk_size=5, **arguments, **asked)
    assert same(together, one_by_one(explainer, instances, model, **arguments, **asked))


def test_shortcuts_of_models_change_nothing():
    explainer, texts, model, _ = CASES["text pipeline"]()
    plainly = TextExplainer(shortcuts=False).explain_many(texts, model)
    for one, other in zip(explainer.explain_many(texts, model), plainly, strict=True):
        assert dict(one.as_list()) == pytest.approx(dict(other.as_list()))


def test_chunks_and_order_change_nothing(alone):
    for size in (1, 3, 1000):
        assert same(EXPLAINER.explain_many(OUTSIDE, plain, chunk_size=size, **FEW), alone)
    order = np.random.default_rng(1).permutation(len(OUTSIDE))
    shuffled = EXPLAINER.explain_many(OUTSIDE[order], plain, chunk_size=3, **FEW)
    assert same(shuffled, [alone[i] for i in order])
    assert shuffled.items.tolist() == list(range(len(OUTSIDE)))


def test_threads_and_processes_change_nothing(alone):
    threads = EXPLAINER.explain_many(OUTSIDE, plain, engine="threads", n_jobs=3, chunk_size=1, **FEW)
    assert same(threads, alone)
    far = 2.0
    rows = (row for row in OUTSIDE)  # neither generators nor lambdas can be pickled
    processes = EXPLAINER.explain_many(rows, lambda x: far / 2 * plain(x), n_jobs=2, chunk_size=1, **FEW)
    assert same(processes, alone)
    assert processes.items.tolist() == list(range(len(OUTSIDE)))


# --- fewer questions -----------------------------------------------------------------------------------------------------


def test_shared_rows_are_asked_about_once():
    model = Counter(plain)
    explanations = EXPLAINER.explain_many(ROWS, model, num_samples=500, chunk_size=100)
    assert_asked_total(sum(model.sizes), 499 + len(ROWS))
    assert len(model.sizes) <= 2 + 4  # 64 of a chunk at a time
    assert {explanation.num_inputs for explanation in explanations} == {500}


def test_shared_rows_are_asked_about_once_while_budgets_grow():
    model = Counter(plain)
    explanations = EXPLAINER.explain_many(ROWS[:100], model)
    longest = max(explanation.num_inputs for explanation in explanations)
    assert min(explanation.num_inputs for explanation in explanations) < longest
    assert_asked_total(sum(model.sizes), longest - 1 + 100)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_model_gets_no_more_inputs_than_it_may(size):
    for case in ("arrays", "outside", "texts", "images", "sparse"):
        explainer, instances, model, _ = CASES[case]()
        counter = Counter(model)
        explainer.explain_many(instances, counter, num_samples=100, batch_size=size)
        assert max(counter.sizes) <= size
        if case != "sparse":  # whose rows have columns of their own
            full = sum(one == size for one in counter.sizes)
            assert full >= sum(counter.sizes) // size - 2, case


@pytest.mark.parametrize("rows", [[0], [3], [0, 1, 2], [4, 5], [1, 2, 0], [1, 0, 2], [1, 4, 3], [2, 0, 0, 9], [5, 4]])
def test_rows_are_made_in_the_order_in_which_they_are_asked_about(rows):
    drawn = np.arange(30.0).reshape(10, 3)
    expected = [[-1.0] * 3 if row == 0 else drawn[row - 1].tolist() for row in rows]
    assert _Rows(np.full(3, -1.0), drawn).take(np.array(rows)).tolist() == expected


def test_texts_and_images_are_asked_about_side_by_side():
    texts = [f"one fine word {i}" for i in range(20)]
    model = Counter(of_texts)
    TextExplainer().explain_many(texts, model)
    assert model.sizes == [20 * 16, 3]  # the last ones were asked about again, once for all
    model = Counter(of_images)
    ImageExplainer(segmentation="grid").explain_many(IMAGES, model, num_samples=64)
    assert model.sizes == [6 * 64, 5]


def test_batches_are_not_asked_about_shared_rows_once_per_chunk_in_threads():
    model = Counter(plain)
    EXPLAINER.explain_many(ROWS, model, engine="threads", n_jobs=2, chunk_size=10, num_samples=500)
    for_one_thread = 499 + 16  # shared rows, and those that are asked about again; one thread may have done all
    assert sum(model.sizes) - len(ROWS) in (for_one_thread, 2 * for_one_thread)


# --- progress ------------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_terminals_only(monkeypatch, capfd):
    EXPLAINER.explain_many(OUTSIDE, plain, verbose=True, **FEW)
    assert capfd.readouterr() == ("", "")
    for verbose in (True, False):
        monkeypatch.setattr(sys, "stderr", Terminal())
        EXPLAINER.explain_many(OUTSIDE, plain, verbose=verbose, chunk_size=2, **FEW)
        assert ("8/8" in sys.stderr.getvalue()) is verbose


# --- wrong arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_jobs": 0}, ArgumentError, "n_jobs must be a number of processes or threads, or -1 for one per core; got 0"),
        ({"n_jobs": 1.5}, ArgumentError, "n_jobs must be a number"),
        ({"engine": "cluster"}, ArgumentError, "engine must be one of 'serial', .*; got 'cluster'"),
        ({"engine": ""}, ArgumentError, "engine must be one of"),
        ({"chunk_size": 0}, ArgumentError, "chunk_size must be an integer of at least 1"),
        ({"checkpoint": 5}, ArgumentTypeError, "checkpoint must be a folder's path; got 5"),
        ({"on_error": "ignore"}, ArgumentError, "on_error must be one of 'raise', 'keep'; got 'ignore'"),
        ({"timeout": 5}, ArgumentError, "timeout needs an engine whose work can be stopped: .*; got 'serial'"),
        ({"timeout": 0, "engine": "processes"}, ArgumentError, "timeout must be a finite number above 0"),
        ({"verbose": 1}, ArgumentTypeError, "verbose must be True or False"),
        ({"num_samples": 1}, ArgumentError, "num_samples must be an integer of at least 2"),
        ({"labels": 3}, LabelError, "label 3 cannot be explained: the model has a single output, 0"),
    ],
)
def test_wrong_arguments_are_reported(arguments, error, message):
    with pytest.raises(error, match=message):
        EXPLAINER.explain_many(OUTSIDE, plain, **arguments)


def test_a_model_that_is_none_is_refused_at_once():
    with pytest.raises(ArgumentTypeError, match="model must be a callable"):
        EXPLAINER.explain_many(OUTSIDE, "no model", on_error="keep")


def test_what_cannot_be_sent_to_processes_is_reported():
    lock = threading.Lock()

    def model(rows):
        with lock:
            return plain(rows)

    with pytest.raises(ArgumentTypeError, match=r'cannot be sent to other processes .*engine="threads" or "serial"'):
        EXPLAINER.explain_many(OUTSIDE, model, n_jobs=2)
    with pytest.raises(ArgumentTypeError, match="instances cannot be sent to other processes"):
        TextExplainer().explain_many([lock, lock], of_texts, n_jobs=2)


def test_nothing_gives_nothing():
    for nothing in ([], iter(()), ROWS[:0]):
        assert len(EXPLAINER.explain_many(nothing, plain)) == 0
    assert len(TextExplainer().explain_many([], of_texts)) == 0
    assert REVIEWS
