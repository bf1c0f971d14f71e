"""Answers of remote models that are kept: in files, and by which keys."""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from helpers.remote import FILMS, TEXT, TEXTS, Client, Point, measure, measure_all, same
from hypothesis import given
from hypothesis import strategies as st

from limelight import RemoteModel, TextExplainer
from limelight.exceptions import (
    ArgumentError,
    ArgumentTypeError,
    CheckpointError,
)
from limelight.models import _answer_store
from limelight.models._single_inputs import find_key, take_apart


@pytest.fixture
def file(tmp_path):
    return tmp_path / "answers.sqlite"


@pytest.fixture
def _interruptible():
    """Ctrl-C raises, as in a program; workers of pytest-xdist ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# Files


def test_second_run_asks_nothing_and_gives_the_same_bits(file):
    first = RemoteModel(measure, cache=file, cache_key="measure")
    explanation = TextExplainer().explain_instance(TEXT, first)
    second = RemoteModel(measure, cache=file, cache_key="measure")
    assert same(TextExplainer().explain_instance(TEXT, second), explanation)
    assert second.calls == 0
    assert first.calls == second.recalled > 0


def test_answers_keep_names_and_bits(file):
    values = {"a": 0.1 + 0.2, "b": -5e-324, "c": 1e-17, "é\ud800": 2.0**60}
    model = RemoteModel(lambda _: values, cache=file, cache_key="values")
    again = RemoteModel(lambda _: pytest.fail("asked"), cache=file, cache_key="values")
    assert {name: column[0] for name, column in model(["x"]).items()} == values
    assert {name: column[0] for name, column in again(["x"]).items()} == values


@pytest.mark.parametrize(
    "other", [{"cache_key": "another"}, {"cache_key": "measure", "text": "Text"}, {"cache_key": "measure "}]
)
def test_answers_of_another_model_or_input_are_not_taken(file, other):
    text = other.pop("text", "text")
    RemoteModel(lambda _: 1.0, cache=file, cache_key="measure")(["text"])
    assert RemoteModel(lambda _: 2.0, cache=file, **other)([text]).tolist() == [[2.0]]


def test_cache_without_a_key_knows_functions_by_name_and_code(file):
    def define(code):
        names = {"__name__": "shop"}
        exec(code, names)
        return names["ask"]

    one = define("def ask(text):\n    return 1.0")
    again = define("# of another place\n\n\ndef ask(text):\n    return 1.0")
    changed = define("def ask(text):\n    return 2.0")
    assert RemoteModel(one, cache=file)(["x"]).tolist() == [[1.0]]
    model = RemoteModel(again, cache=file)
    assert model(["x"]).tolist() == [[1.0]]
    assert model.calls == 0
    assert RemoteModel(changed, cache=file)(["x"]).tolist() == [[2.0]]
    for default in ("1.0", "2.0"):
        with_default = define(f"def ask(text, value={default}):\n    return value")
        assert RemoteModel(with_default, cache=file)(["x"]).tolist() == [[float(default)]]
    explanation = TextExplainer().explain_instance(TEXT, RemoteModel(measure, cache=file))
    (notice,) = [notice for notice in explanation.notices if notice.code == "no_cache_key"]
    assert "by the name and the code of its function alone. Give cache_key" in notice.message


def close_over(number):
    def ask(_):
        return number

    ask.__qualname__ = "ask"  # as decorators leave it
    return ask


@pytest.mark.parametrize("function", [lambda _: 1.0, partial(measure), Client(), Client().__call__, close_over(1.0), len])
def test_functions_without_a_name_of_their_own_need_a_key(file, function):
    with pytest.raises(
        ArgumentError, match=r"needs cache_key, a text .*, where the function is not a plain one with a name of i"
    ):
        RemoteModel(function, cache=file)
    RemoteModel(function)  # answers in memory are its own


def test_functions_with_defaults_that_cannot_be_written_out_need_a_key(file):
    """`repr` leaves numbers of a long array out, so that two functions would look the same."""

    def define(values):
        def ask(_, values=values):
            return float(values[500])

        ask.__qualname__ = "ask"
        return ask

    for values in (np.zeros(2000), ([1.0],), Client()):
        with pytest.raises(ArgumentError, match=r"needs cache_key, .* defaults other than texts and numbers"):
            RemoteModel(define(values), cache=file)
    RemoteModel(define((1.0, ("a", None))), cache=file)


def test_checks_ask_again_and_find_models_that_answer_by_chance(file):
    number = iter(range(10**6))
    model = RemoteModel(
        lambda text: measure(text) + 0.05 * (next(number) * 0.618 % 1), cache=file, cache_key="chance", concurrency=1
    )
    explanation = TextExplainer().explain_instance(TEXT, model, num_samples=129)
    assert "random_answers" in [notice.code for notice in explanation.notices]
    again = RemoteModel(measure, cache=file, cache_key="chance")
    assert same(TextExplainer().explain_instance(TEXT, again, num_samples=129), explanation)
    assert again.calls == 0
    plain = TextExplainer(shortcuts=False).explain_instance(TEXT, model, num_samples=129)
    assert "random_answers" in [notice.code for notice in plain.notices]


@pytest.mark.parametrize("content", [b"", b"no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_files_that_are_none(file, content):
    file.write_bytes(content)
    if not content:  # a new file
        RemoteModel(measure, cache=file, cache_key="measure")(["text"])
        return
    with pytest.raises(
        ArgumentError, match=r"cache must be a file of RemoteModel's answers, or a new one; .* cannot be opened"
    ):
        RemoteModel(measure, cache=file, cache_key="measure")
    assert file.read_bytes() == content


def test_database_of_another_program_stays_as_it_is(file):
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE answers (key TEXT)")
    before = file.read_bytes()
    with pytest.raises(ArgumentError, match="is a database of another program, left as it is"):
        RemoteModel(measure, cache=file, cache_key="measure")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        "PRAGMA user_version = 2",
        "CREATE TRIGGER more AFTER INSERT ON answers BEGIN DELETE FROM answers; END",
        "CREATE TABLE more (key TEXT)",
    ],
)
def test_files_of_another_format(file, change):
    RemoteModel(measure, cache=file, cache_key="measure")(["text"])
    connection = sqlite3.connect(file)
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(ArgumentError, match="has another format than this version of limelight writes"):
        RemoteModel(measure, cache=file, cache_key="measure")


@pytest.mark.parametrize(
    "change",
    [
        "outputs = x'00'",
        "outputs = x''",
        "outputs = 'text'",
        "outputs = x'000000000000f07f'",  # infinity
        "names = '[1]'",
        'names = \'["a", "b"]\'',
        "names = 'no json'",
        "names = x'8004'",
    ],
)
def test_damaged_answers(file, change):
    RemoteModel(measure, cache=file, cache_key="measure")(["text"])
    connection = sqlite3.connect(file)
    connection.execute(f"UPDATE answers SET {change}")
    connection.commit()
    connection.close()
    with pytest.raises(CheckpointError, match="is damaged: an answer in it is none"):
        RemoteModel(measure, cache=file, cache_key="measure")(["text"])


def test_damaged_pages(file):
    model = RemoteModel(measure, cache=file, cache_key="measure")
    model([f"text {number}" for number in range(2000)])
    model._store._connection.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x07" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises((ArgumentError, CheckpointError), match="damaged"):
        RemoteModel(measure, cache=file, cache_key="measure")(["text 5"])


def test_nothing_is_unpickled(file, monkeypatch):
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    model = RemoteModel(lambda point: float(point.real), cache=file, cache_key="parts")
    assert model([Point(1.0), Point(2.0)]).tolist() == [[1.0], [2.0]]


def test_file_that_another_process_locks(file, monkeypatch):
    monkeypatch.setattr(_answer_store, "_LOCK_SECONDS", 0.05)
    model = RemoteModel(measure, cache=file, cache_key="measure")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        CheckpointError, match=r"has been locked by another process for 0\.05 seconds\. .*; 3 answers are kept in this"
    ):
        model(FILMS)
    asked = model.calls
    other.execute("COMMIT")
    other.close()
    assert model(FILMS)[:, 0].tolist() == measure_all(FILMS)  # from memory, and into the file with the next ones
    model(["text"])
    assert model.calls == asked + 1 == 4
    again = RemoteModel(measure, cache=file, cache_key="measure")
    again([*FILMS, "text"])
    assert again.calls == 0


def test_file_that_is_locked_when_it_is_opened(file, monkeypatch):
    monkeypatch.setattr(_answer_store, "_LOCK_SECONDS", 0.05)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CheckpointError, match="has been locked by another process"):
        RemoteModel(measure, cache=file, cache_key="measure")
    other.close()


def test_full_disk(file):
    model = RemoteModel(lambda texts: [[float(len(text))] * 500 for text in texts], cache=file, cache_key="long", batch_size=4)
    model(["text"])
    (most,) = model._store._connection.execute("PRAGMA page_count").fetchone()
    model._store._connection.execute(f"PRAGMA max_page_count = {most}")
    with pytest.raises(
        CheckpointError, match=r"cannot be read or written \(database or disk is full\)\. Make room, .*; 60 answers"
    ):
        model(TEXTS)
    asked = model.calls
    model._store._connection.execute("PRAGMA max_page_count = 100000")
    assert model(TEXTS).shape == (60, 500)
    model(["another"])
    assert model.calls == asked + 1
    again = RemoteModel(measure, cache=file, cache_key="long")
    again([*TEXTS, "another"])
    assert again.calls == 0


def test_two_processes_may_use_one_file(file):
    code = f"""
from limelight import RemoteModel
model = RemoteModel(len, cache={str(file)!r}, cache_key="lengths")
model([f"text {{number}}" for number in range(100)])
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, b"")
    model = RemoteModel(len, cache=file, cache_key="lengths")
    model([f"text {number}" for number in range(100)])
    assert model.calls == 0


def test_killed_process_loses_nothing_that_was_finished(file):
    code = f"""
import os, time
from limelight import RemoteModel
def ask(text):
    time.sleep(0.01)
    if text == "text 30":
        os._exit(1)
    return len(text)
RemoteModel(ask, cache={str(file)!r}, cache_key="lengths", concurrency=1)([f"text {{number}}" for number in range(60)])
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
    model = RemoteModel(len, cache=file, cache_key="lengths")
    model(TEXTS)
    assert 30 <= model.calls <= 40  # the last answers may not have been handed over


@pytest.mark.usefixtures("_interruptible")
def test_stopped_call_keeps_what_was_answered(file):
    asked = []

    def ask(text):
        time.sleep(0.005)
        asked.append(text)
        if len(asked) == 50:
            os.kill(os.getpid(), signal.SIGINT)
        return measure(text)

    with pytest.raises(KeyboardInterrupt):
        RemoteModel(ask, cache=file, cache_key="measure", concurrency=2)([f"text {number}" for number in range(1000)])
    assert 50 <= len(asked) < 500
    again = RemoteModel(measure, cache=file, cache_key="measure")
    again(asked[:45])
    assert again.calls == 0


# Keys


CONTENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def shown(value):
    """A text that tells values and their types apart."""
    return repr(value)


@given(CONTENTS, CONTENTS)
def test_keys_are_equal_for_equal_inputs_only(one, other):
    assert (find_key("model", 0, one) == find_key("model", 0, other)) == (shown(one) == shown(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2), np.zeros(4, dtype=np.float32)),
        (np.array(["ab", "c"]), np.array(["a", "bc"])),
        (np.array(["a", 1], dtype=object), np.array(["a", "1"], dtype=object)),
        (["ab", "c"], ["a", "bc"]),
        (("a",), ["a"]),
        ({"a": 1}, [("a", 1)]),
        (pd.Timestamp(5), pd.Timestamp(6)),
        (0.0, -0.0),
        (Point(1), Point(2)),
    ],
)
def test_inputs_that_differ_have_different_keys(one, other):
    assert find_key("model", 0, one) != find_key("model", 0, other)
    assert find_key("model", 0, one) == find_key("model", 0, one)


def test_keys_keep_model_repetition_and_input_apart():
    keys = [find_key("a", 0, "b"), find_key("a", 1, "b"), find_key("ab", 0, ""), find_key("", 0, "ab"), find_key("a", 10, "b")]
    assert len(set(keys)) == 5


def test_inputs_that_cannot_be_compared():
    with pytest.raises(
        ArgumentTypeError, match=r"or objects that can be pickled, so that answers can be found again; got gener"
    ):
        RemoteModel(measure)([(letter for letter in "abc")])


def test_batches_are_taken_apart():
    from scipy.sparse import csr_matrix

    assert take_apart(("a", "b")) == ["a", "b"]
    assert [row.tolist() for row in take_apart(np.eye(2))] == [[1.0, 0.0], [0.0, 1.0]]
    assert [row.toarray().tolist() for row in take_apart(csr_matrix(np.eye(2)))] == [[[1.0, 0.0]], [[0.0, 1.0]]]
    assert find_key("", 0, take_apart(csr_matrix(np.eye(2)))[0]) != find_key("", 0, take_apart(csr_matrix(np.eye(2)))[1])
